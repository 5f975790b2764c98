package attribute

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"testing"

	"github.com/trailscan/trailscan/internal/ingest"
)

// crowdEvent is a call of one credential by the i-th of many clients.
func crowdEvent(i int) *ingest.Event {
	return &ingest.Event{
		ID: []byte(eventUUID(fmt.Sprintf("crowd%d", i))), Time: 1795168800 + int64(i), Name: []byte("GetObject"), Source: []byte("s3.amazonaws.com"),
		Region: []byte("eu-west-1"), Recipient: []byte(ours), SourceIP: fmt.Appendf(nil, "10.%d.%d.%d", i>>16, i>>8&255, i&255),
		UserAgent:   fmt.Appendf(nil, "made-up/%d", i),
		IdentityRaw: []byte(`{"type":"AssumedRole","principalId":"AROA1:x","arn":"arn:aws:sts::` + ours + `:assumed-role/r/x","accountId":"` + ours + `","accessKeyId":"ASIA1"}`),
	}
}

// TestCrowd holds that a user agent that differs in each call costs no memory
// for each call, that distinct values are counted all the same, and that the
// result depends on neither order nor grouping.
func TestCrowd(t *testing.T) {
	for _, n := range []int{maxClients, maxClients + 1, 20_000} {
		var want *Result
		rng := rand.New(rand.NewPCG(1, uint64(n)))
		for round := range 4 {
			a := NewAudit(Options{})
			builders := []*Builder{a.Builder(), a.Builder(), a.Builder()}[:1+round%3]
			for _, i := range rng.Perm(n) {
				builders[rng.IntN(len(builders))].Add(crowdEvent(i))
			}
			res := a.Result().whole()
			if len(a.base.text) > 16*maxClients {
				t.Errorf("%d clients: %d strings are kept", n, len(a.base.text))
			}
			for u := range a.base.uses.all() {
				if len(u.awake(&work{}).clients.list) > maxClients {
					t.Errorf("%d clients: %d are kept", n, len(u.awake(&work{}).clients.list))
				}
			}
			name := res.Names[0]
			if name.Calls != int64(n) || name.SourceIPs.Count != int64(n) || name.UserAgents.Count != int64(n) || len(name.UserAgents.Sample) != SampleSize {
				t.Errorf("%d clients: counted %d calls, %d addresses, %d user agents", n, name.Calls, name.SourceIPs.Count, name.UserAgents.Count)
			}
			if want == nil {
				want = res
			}
			if !reflect.DeepEqual(res, want) {
				t.Errorf("%d clients: round %d gives another result", n, round)
			}
		}
	}
}

// TestTally holds the count of values that are too many to be remembered.
func TestTally(t *testing.T) {
	for _, n := range []int{0, 1, maxDistinct, 4 * maxDistinct, 11 * maxDistinct} {
		var all, half, rest tally
		for i := range n {
			h := hashText(fmt.Append(nil, i))
			all.add(h)
			if i%3 == 0 {
				half.add(h)
			} else {
				rest.add(h)
			}
		}
		off := float64(all.count()-int64(n)) / float64(max(n, 1))
		if n <= maxDistinct && off != 0 || off > 0.02 || off < -0.02 {
			t.Errorf("%d values are counted as %d", n, all.count())
		}
		if half.merge(&rest); half.count() != all.count() {
			t.Errorf("%d values in two parts are counted as %d, in one as %d", n, half.count(), all.count())
		}
	}
}
