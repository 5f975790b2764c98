package ingest

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/trailscan/trailscan/internal/cloudtrailtest"
)

// TestVerifyRandom changes a trail at random, in several places at a time, and
// asks the AWS CLI about it: whatever it finds is found here too.
func TestVerifyRandom(t *testing.T) {
	cli := findAWS(t)
	if cli == "" {
		t.Skip("there is nobody to ask")
	}
	server := testGateway(t)
	client := testS3Client(t, AWSOptions{EndpointURL: server})
	original := newSignedTree("random-trail")
	original.put(t, client)
	cloudtrail, err := cloudtrailtest.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	cloudtrail.PublicKeys, cloudtrail.Trails = original.keys, []*cloudtrailtest.SignedTrail{original.SignedTrail}
	api := httptest.NewServer(cloudtrail)
	defer api.Close()

	// What both look at, whatever their margins.
	var logs, digests []string
	for key := range original.Objects {
		name, ok := parseDigestName(key)
		switch {
		case ok && name.Region == pausedRegion && name.Stamp.After(hour(8)) && name.Stamp.Before(hour(21)):
			digests = append(digests, key)
		case !ok && strings.HasPrefix(key, original.Folder("CloudTrail", pausedRegion)) && key > original.LogKey(pausedRegion, hour(8), "") && key < original.LogKey(pausedRegion, hour(20), ""):
			logs = append(logs, key)
		}
	}
	slices.Sort(logs)
	slices.Sort(digests)

	found := 0
	for seed := range uint64(6) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 1))
			tree := newSignedTree(original.Bucket)
			var done []string
			for range 1 + r.IntN(3) {
				keys := [][]string{logs, digests}[r.IntN(2)]
				done = append(done, tree.tamper(r, keys[r.IntN(len(keys))], keys[r.IntN(len(keys))]))
			}
			tree.change(t, client, original)
			defer original.change(t, client, tree)
			cfg, err := LoadAWS(t.Context(), AWSOptions{EndpointURL: api.URL})
			if err != nil {
				t.Fatal(err)
			}
			src := tree.s3(client)
			totals, got := verified(t, src, NewS3Verifier(src, verifyWindow(VerifyConfig{AWS: cfg})))
			ours := map[string]bool{}
			for _, p := range slices.Concat(totals.Problems, got.Problems) {
				ours[strings.TrimPrefix(p.Object, "s3://"+tree.Bucket+"/")] = true
			}
			theirs := runValidateLogs(t, cli, server, api.URL, tree.ARN())
			for _, key := range slices.Sorted(maps.Keys(theirs)) {
				found++
				if !ours[key] {
					t.Errorf("after %s the AWS CLI says of %s: %s", strings.Join(done, ", "), key, theirs[key])
				}
			}
		})
	}
	if found < 5 {
		t.Errorf("the AWS CLI finds %d files: not much is compared", found)
	}
}

// tamper does something to an object, for which it may take another one, and says
// what.
func (t *signedTree) tamper(r *rand.Rand, key, other string) string {
	o := t.Objects[key]
	if o == nil || t.Objects[other] == nil {
		return "what is gone"
	}
	switch kind := r.IntN(7); {
	case kind == 0:
		o.Body[r.IntN(len(o.Body))] ^= 1 << r.IntN(8)
		return "a bit of " + key
	case kind == 1:
		o.Body = o.Body[:r.IntN(len(o.Body))]
		return "the end of " + key
	case kind == 2:
		delete(t.Objects, key)
		return "no " + key
	case kind == 3:
		t.Objects[key], t.Objects[other] = t.Objects[other], o
		return key + " for " + other
	case kind == 4:
		o.Body = t.Objects[other].Body
		return key + " as " + other
	case kind == 5 && o.Metadata != nil:
		o.Metadata = t.Objects[other].Metadata
		return "signature of " + key + " from " + other
	}
	o.Body = cloudtrailtest.Gzip([]byte(`{"Records":[]}`))
	return "nothing in " + key
}
