package ingest

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"golang.org/x/sync/errgroup"

	"github.com/trailscan/trailscan/internal/cloudtrailtest"
)

// verifyDay is the day of the tree that the tests of verification share.
var verifyDay = time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC)

func hour(h float64) time.Time { return verifyDay.Add(time.Duration(h * float64(time.Hour))) }

// signedTree is a trail of one day with everything that a chain of digests may
// have: two regions, hours without log files, a new key at noon, a pause from
// 14:00 to 17:00 in the first region, and a log file of 18:10 that was delivered
// at 20:30 and stands in a backfill digest.
type signedTree struct {
	*cloudtrailtest.SignedTrail
	keys []cloudtrailtest.PublicKey
	logs map[string][]string // of each region, in order
	late string
}

const (
	verifyAccount = "111122223333"
	pausedRegion  = "us-east-1"
	steadyRegion  = "eu-west-1"
)

func newSignedTree(bucket string) *signedTree {
	treeOnce.Lock()
	defer treeOnce.Unlock()
	if trees[bucket] == nil {
		trees[bucket] = growSignedTree(bucket)
	}
	t := *trees[bucket]
	trail := *t.SignedTrail
	t.SignedTrail = &trail
	trail.Objects = map[string]*cloudtrailtest.Object{}
	for key, o := range trees[bucket].Objects {
		trail.Objects[key] = &cloudtrailtest.Object{Body: slices.Clone(o.Body), Metadata: maps.Clone(o.Metadata)}
	}
	return &t
}

// trees are made once, since signing takes its time.
var (
	treeOnce sync.Mutex
	trees    = map[string]*signedTree{}
)

func growSignedTree(bucket string) *signedTree {
	t := &signedTree{SignedTrail: cloudtrailtest.NewSignedTrail(bucket, verifyAccount), logs: map[string][]string{}}
	for _, region := range []string{pausedRegion, steadyRegion} {
		t.keys = append(t.keys,
			cloudtrailtest.PublicKey{Region: region, Key: &cloudtrailtest.SigningKey(0).PublicKey, From: hour(-2400), To: hour(13)},
			cloudtrailtest.PublicKey{Region: region, Key: &cloudtrailtest.SigningKey(1).PublicKey, From: hour(12), To: hour(2400)})
	}
	for h := 5; h < 22; h++ {
		end := hour(float64(h) + 1)
		t.Signer = cloudtrailtest.SigningKey(0)
		if h >= 12 {
			t.Signer = cloudtrailtest.SigningKey(1)
		}
		for _, region := range []string{pausedRegion, steadyRegion} {
			if region == pausedRegion && h >= 14 && h < 17 {
				t.Stop(region)
				continue
			}
			if h != 9 && h != 10 {
				for _, minute := range []time.Duration{5, 35} {
					at := hour(float64(h)).Add(minute * time.Minute)
					t.logs[region] = append(t.logs[region], t.Deliver(region, at, verifyRecord(region, at)))
				}
			}
			t.Digest(region, end)
			if h == 18 && region == pausedRegion {
				t.late, _ = t.Backfill(region, hour(18.2), end, hour(20.5), verifyRecord(region, hour(18.1)))
			}
		}
	}
	return t
}

func verifyRecord(region string, at time.Time) json.RawMessage {
	return json.RawMessage(fmt.Sprintf(`{"eventVersion":"1.09","eventTime":%q,"eventName":"GetCallerIdentity","eventSource":"sts.amazonaws.com",`+
		`"awsRegion":%q,"recipientAccountId":%q,"eventID":"%s-%s","eventCategory":"Management","eventType":"AwsApiCall"}`,
		at.Add(-2*time.Minute).Format(time.RFC3339), region, verifyAccount, region, at.Format("150405")))
}

// publicKeys reads the keys as a user would have them.
func (t *signedTree) publicKeys(tb testing.TB) *PublicKeys {
	tb.Helper()
	keys, err := ReadPublicKeys(bytes.NewReader(cloudtrailtest.PublicKeysJSON(t.keys)))
	if err != nil {
		tb.Fatal(err)
	}
	return keys
}

// write makes a copy on disk, with the metadata of digests beside them if asked
// for.
func (t *signedTree) write(tb testing.TB, metadata bool) string {
	tb.Helper()
	dir := tb.TempDir()
	for key, o := range t.Objects {
		file := filepath.Join(dir, filepath.FromSlash(key))
		if err := os.MkdirAll(filepath.Dir(file), 0o777); err != nil {
			tb.Fatal(err)
		}
		if err := os.WriteFile(file, o.Body, 0o666); err != nil {
			tb.Fatal(err)
		}
		if metadata && o.Metadata != nil {
			head, err := json.Marshal(map[string]any{"ContentLength": len(o.Body), "Metadata": o.Metadata})
			if err != nil {
				tb.Fatal(err)
			}
			if err := os.WriteFile(file+".metadata", head, 0o666); err != nil {
				tb.Fatal(err)
			}
		}
	}
	return dir
}

// put makes the bucket of the trail.
func (t *signedTree) put(tb testing.TB, client *s3.Client) {
	tb.Helper()
	if _, err := client.CreateBucket(tb.Context(), &s3.CreateBucketInput{Bucket: aws.String(t.Bucket)}); err != nil {
		tb.Fatal(err)
	}
	g, ctx := errgroup.WithContext(tb.Context())
	g.SetLimit(8)
	for key, o := range t.Objects {
		g.Go(func() error {
			_, err := client.PutObject(ctx, &s3.PutObjectInput{
				Bucket: aws.String(t.Bucket), Key: aws.String(key), Body: bytes.NewReader(o.Body), Metadata: o.Metadata,
			})
			return err
		})
	}
	if err := g.Wait(); err != nil {
		tb.Fatal(err)
	}
}

// verified scans a source with a Verifier watching and gives what both found.
func verified(tb testing.TB, src Source, v *Verifier) (Totals, Verification) {
	tb.Helper()
	totals, err := Scan(tb.Context(), src, ScanOptions{Fetchers: 4, Seen: v.Seen}, []func(*Event){func(*Event) {}, func(*Event) {}})
	if err != nil {
		tb.Fatal(err)
	}
	got, err := v.Check(tb.Context(), nil)
	if err != nil {
		tb.Fatal(err)
	}
	return totals, got
}

// verifyWindow is the window of the tests: an hour less than the digests reach
// on both sides.
func verifyWindow(cfg VerifyConfig) VerifyConfig {
	cfg.Since, cfg.Until = hour(7), hour(21)
	cfg.MarginBefore, cfg.MarginAfter = 15*time.Minute, time.Hour
	cfg.Now, cfg.Fetchers = hour(48), 4
	return cfg
}

func (t *signedTree) s3(client *s3.Client) *S3 {
	return testS3(S3Config{Client: client, Bucket: t.Bucket, Prefix: t.Prefix, Since: hour(7), Until: hour(21)})
}

// status gives what is said of a region.
func (v Verification) status(region string) string {
	for _, r := range v.Regions {
		if r.Region == region {
			return r.String()
		}
	}
	return "no such region"
}

// checkProblems holds problems to those wanted: for each object the text that its
// problem begins with.
func checkProblems(tb testing.TB, got []Problem, want map[string]string) {
	tb.Helper()
	left := maps.Clone(want)
	for _, p := range got {
		text, ok := left[p.Object]
		if !ok || !strings.HasPrefix(p.Error, text) || p.Stage != StageVerify || p.Count < 1 {
			tb.Errorf("unexpected problem: %+v", p)
			continue
		}
		delete(left, p.Object)
	}
	for _, object := range slices.Sorted(maps.Keys(left)) {
		tb.Errorf("no problem of %s: %s", object, left[object])
	}
}

const (
	provenPaused = "partial: 2026-11-20T07:00:00Z/2026-11-20T13:00:00Z, 2026-11-20T17:15:00Z/2026-11-20T21:00:00Z; " +
		"nothing proves what was delivered in 2026-11-20T14:00:00Z/2026-11-20T17:00:00Z"
	provenSteady = "2026-11-20T07:00:00Z/2026-11-20T21:00:00Z"
)

// edit changes what a gzip object holds, and packs it anew.
func edit(o *cloudtrailtest.Object, old, new string) {
	o.Body = cloudtrailtest.Gzip(bytes.Replace(cloudtrailtest.Gunzip(o.Body), []byte(old), []byte(new), 1))
}

// tampering is something that somebody does to the logs of the region with the
// pause.
type tampering struct {
	name string
	// do returns the keys that must be told of, with the beginning of the text.
	do func(*signedTree) map[string]string
	// cli is what the AWS CLI says about the same keys; it says nothing about
	// those that are not here. Empty is that it finds all of them, by that text.
	cli string
	// proven is what is said of the region.
	proven string
	// metadata says that only the metadata of an object gives it away.
	metadata bool
	// stored says that it is one in a bucket only, and not in a copy, which may be
	// unpacked, without metadata or a part of the trail.
	stored bool
	// unread is the log file that cannot be read to its end, if there is one.
	unread func(*signedTree) string
}

// tell is the result of a tampering with one object.
func tell(key, text string) map[string]string { return map[string]string{key: text} }

const (
	allButPause = "2026-11-20T07:00:00Z/2026-11-20T13:00:00Z, 2026-11-20T17:15:00Z/2026-11-20T21:00:00Z"
	// The log file at hand is of 11:05 and holds events of 10:55 to 11:04.
	allButLog = "2026-11-20T07:00:00Z/2026-11-20T10:55:00Z, 2026-11-20T11:04:01Z/2026-11-20T13:00:00Z, 2026-11-20T17:15:00Z/2026-11-20T21:00:00Z"
	// The digest at hand is that of 11:00 to 12:00.
	allButDigest = "2026-11-20T07:00:00Z/2026-11-20T10:00:00Z, 2026-11-20T12:15:00Z/2026-11-20T13:00:00Z, 2026-11-20T17:15:00Z/2026-11-20T21:00:00Z"
)

func (t *signedTree) log() string      { return t.logs[pausedRegion][8] }
func (t *signedTree) digest() string   { return t.DigestKey(pausedRegion, hour(12)) }
func (t *signedTree) backfill() string { return t.BackfillKey(pausedRegion, hour(19)) }

// append puts something behind an object.
func (t *signedTree) append(key string, b []byte) {
	t.Objects[key].Body = append(slices.Clone(t.Objects[key].Body), b...)
}

// edit changes the content of an object and packs it anew.
func (t *signedTree) edit(key, old, new string) {
	before := cloudtrailtest.Gunzip(t.Objects[key].Body)
	after := bytes.Replace(before, []byte(old), []byte(new), 1)
	if bytes.Equal(before, after) {
		panic("nothing to change: " + old)
	}
	t.Objects[key].Body = cloudtrailtest.Gzip(after)
}

var tamperings = []tampering{
	{
		name:   "nothing",
		do:     func(*signedTree) map[string]string { return nil },
		proven: provenPaused,
	},
	{
		name: "a log file packed anew",
		do: func(t *signedTree) map[string]string {
			var packed bytes.Buffer
			w, err := gzip.NewWriterLevel(&packed, gzip.NoCompression)
			if err != nil {
				panic(err)
			}
			w.Write(cloudtrailtest.Gunzip(t.Objects[t.log()].Body))
			w.Close()
			t.Objects[t.log()].Body = packed.Bytes()
			return nil
		},
		proven: provenPaused,
	},
	{
		name: "a log file changed",
		do: func(t *signedTree) map[string]string {
			t.edit(t.log(), "GetCallerIdentity", "GetSessionToken")
			return tell(t.log(), logChanged)
		},
		cli: "hash value doesn't match", proven: "failed: 1 problem; proven are " + allButLog,
	},
	{
		name: "a log file removed",
		do: func(t *signedTree) map[string]string {
			delete(t.Objects, t.log())
			return tell(t.log(), logGone)
		},
		cli: "not found", proven: "failed: 1 problem; proven are " + allButLog,
	},
	{
		name: "a log file replaced by its plain text",
		do: func(t *signedTree) map[string]string {
			t.Objects[t.log()].Body = cloudtrailtest.Gunzip(t.Objects[t.log()].Body)
			return tell(t.log(), logNoGzip)
		},
		cli: "invalid format", proven: "failed: 1 problem; proven are " + allButLog, stored: true,
	},
	{
		name: "a log file that ends early",
		do: func(t *signedTree) map[string]string {
			o := t.Objects[t.log()]
			o.Body = o.Body[:len(o.Body)/2]
			return nil // the scan tells of it
		},
		unread: (*signedTree).log, cli: "hash value doesn't match", proven: "partial: " + allButLog,
	},
	{
		name: "records appended to a log file as a second member",
		do: func(t *signedTree) map[string]string {
			t.append(t.log(), cloudtrailtest.Gzip([]byte(`{"Records":[]}`)))
			return tell(t.log(), appended)
		},
		proven: "failed: 1 problem; proven are " + allButPause,
	},
	{
		name: "a log file added",
		do: func(t *signedTree) map[string]string {
			key := t.LogKey(pausedRegion, hour(11.5), "addedaddedadded1")
			t.Objects[key] = t.Objects[t.log()]
			return tell(key, logUnnamed)
		},
		proven: "failed: 1 problem; proven are " + allButPause,
	},
	{
		name: "log files added in the pause",
		do: func(t *signedTree) map[string]string {
			first := t.LogKey(pausedRegion, hour(15.2), "addedaddedadded1")
			t.Objects[first] = t.Objects[t.log()]
			t.Objects[t.LogKey(pausedRegion, hour(15.5), "addedaddedadded2")] = t.Objects[t.log()]
			return tell(first, logNoDigest)
		},
		proven: "failed: 2 problems; proven are " + allButPause,
	},
	{
		name: "a digest changed",
		do: func(t *signedTree) map[string]string {
			t.edit(t.digest(), "logFiles", "logFilez")
			return tell(t.digest(), digestForged)
		},
		cli: "signature verification failed", proven: "failed: 1 problem; proven are " + allButDigest,
	},
	{
		name: "a digest removed",
		do: func(t *signedTree) map[string]string {
			delete(t.Objects, t.digest())
			return tell(t.digest(), digestGone)
		},
		cli: "not found", proven: "failed: 1 problem; proven are " + allButDigest,
	},
	{
		name: "a digest put in the place of another",
		do: func(t *signedTree) map[string]string {
			t.Objects[t.digest()] = t.Objects[t.DigestKey(pausedRegion, hour(11))]
			return tell(t.digest(), digestMoved)
		},
		cli: "has been moved from its original location", proven: "failed: 1 problem; proven are " + allButDigest,
	},
	{
		name: "a digest that is no gzip stream",
		do: func(t *signedTree) map[string]string {
			t.Objects[t.digest()].Body = []byte("{}")
			return tell(t.digest(), "digest changed: no gzip stream")
		},
		cli: "invalid format", proven: "failed: 1 problem; proven are " + allButDigest,
	},
	{
		name: "a digest without what a digest must have",
		do: func(t *signedTree) map[string]string {
			t.edit(t.digest(), "previousDigestSignature", "previousDigestSign")
			return tell(t.digest(), "digest changed: no digest: it has no previousDigestSignature")
		},
		cli: "invalid format", proven: "failed: 1 problem; proven are " + allButDigest,
	},
	{
		name: "something appended to a digest",
		do: func(t *signedTree) map[string]string {
			t.append(t.digest(), cloudtrailtest.Gzip([]byte(`{}`)))
			return tell(t.digest(), "digest "+appended)
		},
		proven: "failed: 1 problem; proven are " + allButPause,
	},
	{
		name: "the signature of a digest changed",
		do: func(t *signedTree) map[string]string {
			m := t.Objects[t.digest()].Metadata
			m["signature"] = "00" + m["signature"][2:]
			return tell(t.digest(), digestForged)
		},
		cli: "signature verification failed", proven: "failed: 1 problem; proven are " + allButDigest, metadata: true,
	},
	{
		// The next digest repeats it, so that the hour is proven all the same.
		name: "the signature of a digest removed",
		do: func(t *signedTree) map[string]string {
			t.Objects[t.digest()].Metadata = map[string]string{"signature-algorithm": "SHA256withRSA"}
			return tell(t.digest(), digestUnsigned)
		},
		cli: "signature verification failed", proven: "failed: 1 problem; proven are " + allButPause, stored: true, metadata: true,
	},
	{
		name: "a digest signed with a key that CloudTrail does not have",
		do: func(t *signedTree) map[string]string {
			t.Signer = cloudtrailtest.SigningKey(2)
			t.Resign(t.digest(), func(d map[string]any) {
				d["digestPublicKeyFingerprint"] = cloudtrailtest.PublicKey{Key: &t.Signer.PublicKey}.Fingerprint()
			})
			return tell(t.digest(), "digest not checked: there is no public key")
		},
		cli: "public key not found", proven: "failed: 1 problem; proven are " + allButDigest, metadata: true,
	},
	{
		// The AWS CLI asks for the keys of the whole time, and takes them all.
		name: "a digest signed with a key that is used no more",
		do: func(t *signedTree) map[string]string {
			t.Signer = cloudtrailtest.SigningKey(0)
			key := t.DigestKey(pausedRegion, hour(20))
			t.Resign(key, func(d map[string]any) {
				d["digestPublicKeyFingerprint"] = cloudtrailtest.PublicKey{Key: &t.Signer.PublicKey}.Fingerprint()
			})
			return tell(key, digestOutdated)
		},
		proven: "failed: 1 problem; proven are 2026-11-20T07:00:00Z/2026-11-20T13:00:00Z, 2026-11-20T17:15:00Z/2026-11-20T18:00:00Z, 2026-11-20T20:15:00Z/2026-11-20T21:00:00Z", metadata: true,
	},
	{
		name: "a digest signed with a key that is not used yet",
		do: func(t *signedTree) map[string]string {
			t.Signer = cloudtrailtest.SigningKey(1)
			key := t.DigestKey(pausedRegion, hour(9))
			t.Resign(key, func(d map[string]any) {
				d["digestPublicKeyFingerprint"] = cloudtrailtest.PublicKey{Key: &t.Signer.PublicKey}.Fingerprint()
			})
			return tell(key, digestOutdated)
		},
		proven: "failed: 1 problem; proven are 2026-11-20T09:15:00Z/2026-11-20T13:00:00Z, 2026-11-20T17:15:00Z/2026-11-20T21:00:00Z", metadata: true,
	},
	{
		name: "a digest replaced by another one that is signed",
		do: func(t *signedTree) map[string]string {
			t.Signer = cloudtrailtest.SigningKey(0)
			t.Resign(t.digest(), func(d map[string]any) { d["newestEventTime"] = "2026-11-20T11:59:59Z" })
			return tell(t.digest(), digestUnlinked)
		},
		proven: "failed: 1 problem; proven are " + allButPause, metadata: true,
	},
	{
		name: "a log file removed that was delivered late",
		do: func(t *signedTree) map[string]string {
			delete(t.Objects, t.late)
			return tell(t.late, logGone)
		},
		cli: "not found", proven: "failed: 1 problem; proven are 2026-11-20T07:00:00Z/2026-11-20T13:00:00Z, 2026-11-20T17:15:00Z/2026-11-20T18:02:00Z",
	},
	{
		name: "a backfill digest changed",
		do: func(t *signedTree) map[string]string {
			t.edit(t.backfill(), "logFiles", "logFilez")
			return map[string]string{t.backfill(): digestForged, t.late: logUnnamed}
		},
		cli: "signature verification failed", proven: "failed: 2 problems; proven are " + allButPause, metadata: true,
	},
	{
		name: "the date of a backfill digest removed",
		do: func(t *signedTree) map[string]string {
			delete(t.Objects[t.backfill()].Metadata, "backfill-generation-timestamp")
			return map[string]string{t.backfill(): digestNoDate, t.late: logUnnamed}
		},
		cli: "invalid format", proven: "failed: 2 problems; proven are " + allButPause, stored: true, metadata: true,
	},
	{
		name: "the newest digests removed",
		do: func(t *signedTree) map[string]string {
			for h := 20; h <= 22; h++ {
				delete(t.Objects, t.DigestKey(pausedRegion, hour(float64(h))))
			}
			return tell(t.logs[pausedRegion][18], logNoDigest)
		},
		proven: "failed: 6 problems; proven are 2026-11-20T07:00:00Z/2026-11-20T13:00:00Z, 2026-11-20T17:15:00Z/2026-11-20T18:00:00Z", stored: true,
	},
	{
		name: "all digests removed",
		do: func(t *signedTree) map[string]string {
			maps.DeleteFunc(t.Objects, func(key string, _ *cloudtrailtest.Object) bool {
				return strings.HasPrefix(key, t.Folder(KindDigest, pausedRegion))
			})
			return tell(t.logs[pausedRegion][4], logNoDigest)
		},
		proven: "failed: ", stored: true,
	},
}

// Every tampering is found in a copy that has the digests' metadata, and those
// that leave a trace elsewhere also without.
func TestVerifyLocal(t *testing.T) {
	for _, tc := range tamperings {
		if tc.stored {
			continue
		}
		for _, metadata := range []bool{true, false} {
			if tc.metadata && !metadata {
				continue
			}
			t.Run(fmt.Sprintf("%s, metadata %v", tc.name, metadata), func(t *testing.T) {
				tree := newSignedTree("logs")
				want := tc.do(tree)
				dir := tree.write(t, metadata)
				cfg := verifyWindow(VerifyConfig{PublicKeys: tree.publicKeys(t)})
				totals, got := verified(t, NewLocal([]string{dir}, nil), NewLocalVerifier([]string{dir}, cfg))
				at := func(key string) string { return filepath.Join(dir, filepath.FromSlash(key)) }
				checkTampering(t, tc, tree, at, want, totals, got, metadata)
			})
		}
	}
}

func checkTampering(t *testing.T, tc tampering, tree *signedTree, at func(string) string, want map[string]string, totals Totals, got Verification, metadata bool) {
	t.Helper()
	objects := map[string]string{}
	for key, text := range want {
		objects[at(key)] = text
	}
	checkProblems(t, got.Problems, objects)
	unread := slices.DeleteFunc(slices.Clone(totals.Problems), func(p Problem) bool {
		return strings.Contains(p.Object, KindDigest) // a copy's digests are files like any other
	})
	if tc.unread == nil && len(unread) > 0 || tc.unread != nil && (len(unread) != 1 || unread[0].Object != at(tc.unread(tree))) {
		t.Errorf("problems of reading: %v", unread)
	}
	paused, steady := got.status(pausedRegion), got.status(steadyRegion)
	if !metadata { // the newest digest of each region is not proven
		return
	}
	if !strings.HasPrefix(paused, tc.proven) {
		t.Errorf("%s is said to be\n%s, not\n%s", pausedRegion, paused, tc.proven)
	}
	if steady != provenSteady {
		t.Errorf("%s is said to be %s", steadyRegion, steady)
	}
}

// In a bucket the same is found, and with the keys that CloudTrail gives out. The
// AWS CLI, where it is installed, finds what it can find in the same bucket.
func TestVerifyS3(t *testing.T) {
	server := testGateway(t)
	client := testS3Client(t, AWSOptions{EndpointURL: server})
	original := newSignedTree("signed-trail")
	original.put(t, client)
	cloudtrail, err := cloudtrailtest.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	cloudtrail.PublicKeys, cloudtrail.Trails = original.keys, []*cloudtrailtest.SignedTrail{original.SignedTrail}
	api := httptest.NewServer(cloudtrail)
	defer api.Close()
	cli := findAWS(t)
	for _, tc := range tamperings {
		t.Run(tc.name, func(t *testing.T) {
			tree := newSignedTree(original.Bucket)
			want := tc.do(tree)
			tree.change(t, client, original)
			defer original.change(t, client, tree)

			cfg, err := LoadAWS(t.Context(), AWSOptions{EndpointURL: api.URL})
			if err != nil {
				t.Fatal(err)
			}
			src := tree.s3(client)
			before := src.GetRequests()
			totals, got := verified(t, src, NewS3Verifier(src, verifyWindow(VerifyConfig{AWS: cfg})))
			at := func(key string) string { return "s3://" + tree.Bucket + "/" + key }
			checkTampering(t, tc, tree, at, want, totals, got, true)
			// One request for each log file, and one for each digest of the window.
			if gets := src.GetRequests() - before; gets > totals.Objects+34 {
				t.Errorf("%d requests for %d log files", gets, totals.Objects)
			}
			if cli != "" {
				tc.checkCLI(t, tree, want, runValidateLogs(t, cli, server, api.URL, tree.ARN()))
			}
		})
	}
}

// change makes the bucket, which holds another tree, hold this one.
func (t *signedTree) change(tb testing.TB, client *s3.Client, from *signedTree) {
	tb.Helper()
	for key, o := range t.Objects {
		was := from.Objects[key]
		if was != nil && bytes.Equal(was.Body, o.Body) && maps.Equal(was.Metadata, o.Metadata) {
			continue
		}
		_, err := client.PutObject(context.Background(), &s3.PutObjectInput{
			Bucket: aws.String(t.Bucket), Key: aws.String(key), Body: bytes.NewReader(o.Body), Metadata: o.Metadata,
		})
		if err != nil {
			tb.Fatal(err)
		}
	}
	for key := range from.Objects {
		if t.Objects[key] == nil {
			if _, err := client.DeleteObject(context.Background(), &s3.DeleteObjectInput{Bucket: aws.String(t.Bucket), Key: aws.String(key)}); err != nil {
				tb.Fatal(err)
			}
		}
	}
}

// findAWS finds the AWS CLI, an independent judge of the same trees.
func findAWS(t *testing.T) string {
	t.Helper()
	path, err := exec.LookPath("aws")
	if err != nil {
		t.Log("not compared with `aws cloudtrail validate-logs`: the AWS CLI is not installed")
		return ""
	}
	if out, err := exec.Command(path, "--version").CombinedOutput(); err != nil {
		t.Logf("not compared with `aws cloudtrail validate-logs`: %v: %s", err, out)
		return ""
	}
	return path
}

var invalidFile = regexp.MustCompile(`file\ts3://[^/]+/(\S+)\tINVALID: (.*)`)

// runValidateLogs gives what the AWS CLI says of each file that it finds invalid.
func runValidateLogs(t *testing.T, path, s3URL, cloudtrailURL, arn string) map[string]string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, "--region", pausedRegion, "cloudtrail", "validate-logs", "--trail-arn", arn,
		"--start-time", hour(6.75).Format(time.RFC3339), "--end-time", hour(22).Format(time.RFC3339), "--verbose")
	cmd.WaitDelay = time.Second
	cmd.Env = append(os.Environ(), "AWS_ENDPOINT_URL_S3="+s3URL, "AWS_ENDPOINT_URL_CLOUDTRAIL="+cloudtrailURL, "AWS_PAGER=")
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	invalid := map[string]string{}
	for _, m := range invalidFile.FindAllStringSubmatch(out.String(), -1) {
		invalid[m[1]] = m[2]
	}
	if (err != nil) != (len(invalid) > 0) {
		t.Fatalf("aws cloudtrail validate-logs: %v\n%s", err, out.String())
	}
	if !strings.Contains(out.String(), "log files valid") && len(invalid) == 0 && !strings.Contains(out.String(), "No digests found") {
		t.Fatalf("aws cloudtrail validate-logs: %s", out.String())
	}
	return invalid
}

// checkCLI holds the AWS CLI to what is known of it, and us to what it finds.
func (tc tampering) checkCLI(t *testing.T, tree *signedTree, ours, invalid map[string]string) {
	t.Helper()
	for key, text := range invalid {
		if !strings.HasPrefix(text, tc.cli) || tc.cli == "" {
			t.Errorf("the AWS CLI says of %s: %s", key, text)
		}
		if _, found := ours[key]; !found && (tc.unread == nil || tc.unread(tree) != key) {
			t.Errorf("not found, but by the AWS CLI: %s: %s", key, text)
		}
	}
	if tc.cli != "" && len(invalid) == 0 {
		t.Errorf("the AWS CLI finds nothing, not %q", tc.cli)
	}
}
