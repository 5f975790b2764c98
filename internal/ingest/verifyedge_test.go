package ingest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/trailscan/trailscan/internal/cloudtrailtest"
)

// without removes objects from the tree.
func (t *signedTree) without(drop func(key string) bool) *signedTree {
	maps.DeleteFunc(t.Objects, func(key string, _ *cloudtrailtest.Object) bool { return drop(key) })
	return t
}

// stampOf is the time in an object's name.
func stampOf(key string) time.Time { return fileStamp(key[strings.LastIndexByte(key, '/')+1:]) }

// checkStatus holds what is said of the regions to what is wanted.
func checkStatus(t *testing.T, got Verification, want map[string]string) {
	t.Helper()
	for region, text := range want {
		if s := got.status(region); s != text {
			t.Errorf("%s is said to be\n%s, not\n%s", region, s, text)
		}
	}
	if len(got.Regions) != len(want) {
		t.Errorf("%d regions, not %d: %v", len(got.Regions), len(want), got.Regions)
	}
}

// A copy without metadata is proven but for its newest digest, and one of a part
// of the trail as far as it goes.
func TestVerifyCopies(t *testing.T) {
	const edges = "nothing proves what was delivered in "
	for _, tc := range []struct {
		name     string
		drop     func(key string) bool
		since    float64
		until    float64
		problems map[string]string
		steady   string
	}{
		{
			name: "whole, without bounds", drop: func(string) bool { return false },
			steady: "partial: 2026-11-20T05:15:00Z/2026-11-20T20:00:00Z; the signature of the digest of 2026-11-20T21:00:00Z/2026-11-20T22:00:00Z is not in the copy; " +
				edges + "2026-11-20T21:00:00Z/2026-11-20T22:00:00Z",
		},
		{
			name: "an earlier window", drop: func(string) bool { return false }, since: 7, until: 20,
			steady: "2026-11-20T07:00:00Z/2026-11-20T20:00:00Z",
		},
		{
			name: "begins later", drop: func(key string) bool { return stampOf(key).Before(hour(10.5)) },
			steady: "partial: 2026-11-20T10:15:00Z/2026-11-20T20:00:00Z; the signature of the digest of 2026-11-20T21:00:00Z/2026-11-20T22:00:00Z is not in the copy; " +
				edges + "2026-11-20T21:00:00Z/2026-11-20T22:00:00Z",
		},
		{
			name: "the logs only", drop: func(key string) bool { return strings.Contains(key, KindDigest) },
			problems: map[string]string{pausedRegion: logNoDigest, steadyRegion: logNoDigest},
			// The last three hours may be of a copy that was made then.
			steady: fmt.Sprintf("failed: %d problems", 2*(18-5-2)+1),
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			tree := newSignedTree("logs").without(tc.drop)
			dir := tree.write(t, false)
			cfg := verifyWindow(VerifyConfig{PublicKeys: tree.publicKeys(t)})
			cfg.Since, cfg.Until = time.Time{}, time.Time{}
			if tc.until > 0 {
				cfg.Since, cfg.Until = hour(tc.since), hour(tc.until)
			}
			_, got := verified(t, NewLocal([]string{dir}, nil), NewLocalVerifier([]string{dir}, cfg))
			want := map[string]string{}
			for region, text := range tc.problems {
				want[filepath.Join(dir, filepath.FromSlash(tree.logs[region][0]))] = text
			}
			checkProblems(t, got.Problems, want)
			if s := got.status(steadyRegion); s != tc.steady {
				t.Errorf("%s is said to be\n%s, not\n%s", steadyRegion, s, tc.steady)
			}
		})
	}
}

// However the copy is named and whatever was done to its files, their digests are
// found, and only what is below the operands is missed.
func TestVerifyOperands(t *testing.T) {
	tree := newSignedTree("logs")
	delete(tree.Objects, tree.log()) // of us-east-1
	region := filepath.FromSlash(strings.TrimSuffix(tree.Folder(KindTrail, pausedRegion), "/"))
	other := filepath.FromSlash(strings.TrimSuffix(tree.Folder(KindTrail, steadyRegion), "/"))
	gone := func(dir, tail string) map[string]string { return map[string]string{filepath.Join(dir, tail): logGone} }
	tail := filepath.FromSlash(tree.log()[len(tree.Folder(KindTrail, pausedRegion)):])
	for _, tc := range []struct {
		name     string
		operand  string
		cd       string
		problems map[string]string
	}{
		{"the whole", ".", "", gone(region, tail)},
		{"the account", ".", filepath.Join("AWSLogs", verifyAccount), gone(filepath.Join(KindTrail, pausedRegion), tail)},
		{"a region", region, "", gone(region, tail)},
		{"a day of it", filepath.Join(region, "2026", "11", "20"), "", gone(region, tail)},
		{"the region from inside", ".", region, nil},
		{"a file", filepath.FromSlash(tree.logs[pausedRegion][9]), "", nil},
		{"another region", other, "", nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			dir := tree.write(t, true)
			t.Chdir(filepath.Join(dir, tc.cd))
			cfg := verifyWindow(VerifyConfig{PublicKeys: tree.publicKeys(t)})
			totals, got := verified(t, NewLocal([]string{tc.operand}, nil), NewLocalVerifier([]string{tc.operand}, cfg))
			want := tc.problems
			if tc.name == "the region from inside" { // its place is known by the current directory only
				wd, err := os.Getwd()
				if err != nil {
					t.Fatal(err)
				}
				want = gone(wd, tail)
			}
			checkProblems(t, got.Problems, want)
			if totals.Objects == 0 || got.Logs == 0 || got.Digests == 0 {
				t.Errorf("%d files read, %d logs and %d digests are right", totals.Objects, got.Logs, got.Digests)
			}
		})
	}
}

// A copy may be unpacked.
func TestVerifyUnpacked(t *testing.T) {
	tree := newSignedTree("logs")
	for key, o := range maps.Clone(tree.Objects) {
		if !strings.Contains(key, KindDigest) {
			delete(tree.Objects, key)
			tree.Objects[strings.TrimSuffix(key, ".gz")] = &cloudtrailtest.Object{Body: cloudtrailtest.Gunzip(o.Body)}
		}
	}
	changed := strings.TrimSuffix(tree.log(), ".gz")
	tree.Objects[changed].Body = append(tree.Objects[changed].Body, '\n')
	dir := tree.write(t, true)
	cfg := verifyWindow(VerifyConfig{PublicKeys: tree.publicKeys(t)})
	_, got := verified(t, NewLocal([]string{dir}, nil), NewLocalVerifier([]string{dir}, cfg))
	checkProblems(t, got.Problems, map[string]string{filepath.Join(dir, filepath.FromSlash(changed)): logChanged})
	checkStatus(t, got, map[string]string{pausedRegion: "failed: 1 problem; proven are " + allButLog, steadyRegion: provenSteady})
}

// A trail of an organization below a prefix that is its id, as Control Tower makes
// it, beside the account's own trail in the same place.
func TestVerifyTrailsInOnePlace(t *testing.T) {
	account := newSignedTree("logs")
	org := cloudtrailtest.NewSignedTrail("logs", verifyAccount)
	org.Name, org.Org, org.Prefix, org.Home = "aws-controltower_BaselineCloudTrail", "o-abcdefghij", "o-abcdefghij", "eu-west-1"
	same := cloudtrailtest.NewSignedTrail("logs", verifyAccount)
	same.Name = "second_trail"
	orgLog := ""
	for h := 6; h < 22; h++ {
		if h == 12 {
			org.Signer, same.Signer = cloudtrailtest.SigningKey(1), cloudtrailtest.SigningKey(1)
		}
		at := hour(float64(h) + 0.4)
		orgLog = org.Deliver(steadyRegion, at, verifyRecord(steadyRegion, at))
		org.Digest(steadyRegion, hour(float64(h)+1))
		// The name must differ from those of the other trail, as the real ones do.
		at = at.Add(time.Minute)
		same.Deliver(pausedRegion, at, verifyRecord(pausedRegion, at))
		same.Digest(pausedRegion, hour(float64(h)+1))
	}
	maps.Copy(account.Objects, org.Objects)
	maps.Copy(account.Objects, same.Objects)
	verify := func() (Verification, string) {
		dir := account.write(t, true)
		cfg := verifyWindow(VerifyConfig{PublicKeys: account.publicKeys(t)})
		_, got := verified(t, NewLocal([]string{dir}, nil), NewLocalVerifier([]string{dir}, cfg))
		return got, dir
	}
	got, _ := verify()
	checkProblems(t, got.Problems, nil)
	// The second trail says nothing about the pause of the first.
	checkStatus(t, got, map[string]string{pausedRegion: provenPaused, steadyRegion: provenSteady})

	delete(account.Objects, orgLog)
	delete(account.Objects, same.DigestKey(pausedRegion, hour(9)))
	got, dir := verify()
	checkProblems(t, got.Problems, map[string]string{
		filepath.Join(dir, filepath.FromSlash(orgLog)):                                logGone,
		filepath.Join(dir, filepath.FromSlash(same.DigestKey(pausedRegion, hour(9)))): digestGone,
	})
	checkStatus(t, got, map[string]string{
		pausedRegion: "failed: 1 problem; proven are 2026-11-20T09:15:00Z/2026-11-20T13:00:00Z, 2026-11-20T17:15:00Z/2026-11-20T21:00:00Z",
		steadyRegion: "failed: 1 problem; proven are 2026-11-20T07:00:00Z/2026-11-20T21:00:00Z",
	})
}

// Many files with one fault are told by name up to a bound, and counted.
func TestVerifyManyProblems(t *testing.T) {
	trail := cloudtrailtest.NewSignedTrail("logs", verifyAccount)
	tree := &signedTree{SignedTrail: trail, keys: newSignedTree("logs").keys}
	const gone = namedProblems + 234
	for i := range gone + 1 {
		key := trail.Deliver(steadyRegion, hour(8.5))
		if i > 0 {
			delete(trail.Objects, key)
		}
	}
	trail.Digest(steadyRegion, hour(9))
	dir := tree.write(t, true)
	cfg := verifyWindow(VerifyConfig{PublicKeys: tree.publicKeys(t)})
	_, got := verified(t, NewLocal([]string{dir}, nil), NewLocalVerifier([]string{dir}, cfg))
	sum := int64(0)
	for _, p := range got.Problems {
		sum += p.Count
	}
	if len(got.Problems) != namedProblems || sum != gone {
		t.Errorf("%d problems, of %d files", len(got.Problems), sum)
	}
}

// putTree makes a bucket of the tree and a source that reads it.
func putTree(t *testing.T, tree *signedTree, bucket, prefix string) *S3 {
	t.Helper()
	client := testS3Client(t, AWSOptions{EndpointURL: testGateway(t)})
	stored := *tree
	trail := *tree.SignedTrail
	trail.Bucket = bucket
	stored.SignedTrail = &trail
	stored.put(t, client)
	return testS3(S3Config{Client: client, Bucket: bucket, Prefix: prefix, Since: hour(7), Until: hour(21)})
}

// The last hours of a window that ends now are not proven yet, which is no fault,
// and what was delivered after the scan began is not missed.
func TestVerifyNow(t *testing.T) {
	tree := newSignedTree("verify-now").without(func(key string) bool {
		// The scan listed at 20:30; the digests of 21:00 and 22:00 came after that.
		return !strings.Contains(key, KindDigest) && stampOf(key).After(hour(20.5))
	})
	delete(tree.Objects, tree.DigestKey(steadyRegion, hour(21)))
	delete(tree.Objects, tree.DigestKey(steadyRegion, hour(22)))
	src := putTree(t, tree, "verify-now", "")
	src.cfg.Until = hour(20.5)
	cfg := verifyWindow(VerifyConfig{PublicKeys: tree.publicKeys(t)})
	cfg.Until, cfg.Now = hour(20.5), hour(20.5)
	_, got := verified(t, src, NewS3Verifier(src, cfg))
	checkProblems(t, got.Problems, nil)
	checkStatus(t, got, map[string]string{
		steadyRegion: "partial: 2026-11-20T07:00:00Z/2026-11-20T19:00:00Z; nothing proves what was delivered in 2026-11-20T20:00:00Z/2026-11-20T21:30:00Z",
		pausedRegion: "partial: 2026-11-20T07:00:00Z/2026-11-20T13:00:00Z, 2026-11-20T17:15:00Z/2026-11-20T19:30:00Z; " +
			"nothing proves what was delivered in 2026-11-20T14:00:00Z/2026-11-20T17:00:00Z, 2026-11-20T20:30:00Z/2026-11-20T21:30:00Z",
	})
}

// A region whose logs are all gone leaves no folder, but its digests.
func TestVerifyRegionGone(t *testing.T) {
	tree := newSignedTree("verify-region").without(func(key string) bool { return strings.Contains(key, "/"+KindTrail+"/"+pausedRegion+"/") })
	src := putTree(t, tree, "verify-region", "")
	_, got := verified(t, src, NewS3Verifier(src, verifyWindow(VerifyConfig{PublicKeys: tree.publicKeys(t)})))
	want := map[string]string{src.url(tree.late): logGone}
	for _, key := range tree.logs[pausedRegion] {
		if s := stampOf(key); !s.Before(hour(6.75)) && s.Before(hour(22)) {
			want[src.url(key)] = logGone
		}
	}
	checkProblems(t, got.Problems, want)
	if len(want) < 15 {
		t.Errorf("only %d files", len(want))
	}
	if s := got.status(steadyRegion); s != provenSteady {
		t.Error(s)
	}

	// Who asks for the other region only does not hear of it.
	src = testS3(S3Config{Client: src.client, Bucket: src.cfg.Bucket, Since: hour(7), Until: hour(21), Regions: []string{steadyRegion}})
	_, got = verified(t, src, NewS3Verifier(src, verifyWindow(VerifyConfig{PublicKeys: tree.publicKeys(t)})))
	checkProblems(t, got.Problems, nil)
	checkStatus(t, got, map[string]string{steadyRegion: provenSteady})
}

// What is read for the sake of credentials is checked as well.
func TestVerifyLookBack(t *testing.T) {
	tree := newSignedTree("verify-back")
	changed := tree.logs[pausedRegion][0] // of 05:05
	tree.edit(changed, "GetCallerIdentity", "GetSessionToken")
	src := putTree(t, tree, "verify-back", "")
	src.cfg.Since, src.cfg.Regions = hour(18), []string{steadyRegion}
	cfg := verifyWindow(VerifyConfig{PublicKeys: tree.publicKeys(t)})
	cfg.Since = hour(18)
	v := NewS3Verifier(src, cfg)
	opt := ScanOptions{Fetchers: 2, Seen: v.Seen}
	sinks := []func(*Event){func(*Event) {}}
	if _, err := Scan(t.Context(), src, opt, sinks); err != nil {
		t.Fatal(err)
	}
	if _, err := Backfill(t.Context(), src, []Need{{Account: verifyAccount, Time: hour(5.1).Unix()}}, opt, sinks); err != nil {
		t.Fatal(err)
	}
	got, err := v.Check(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	checkProblems(t, got.Problems, map[string]string{src.url(changed): logChanged})
	if s := got.status(steadyRegion); s != "2026-11-20T18:00:00Z/2026-11-20T21:00:00Z" {
		t.Error(s)
	}
}

// A copy in another bucket is told once, and checked all the same.
func TestVerifyOtherBucket(t *testing.T) {
	tree := newSignedTree("verify-source")
	src := putTree(t, tree, "verify-copy", "")
	_, got := verified(t, src, NewS3Verifier(src, verifyWindow(VerifyConfig{PublicKeys: tree.publicKeys(t)})))
	if len(got.Problems) != 2 { // once for each region
		t.Errorf("%d problems: %v", len(got.Problems), got.Problems)
	}
	for _, p := range got.Problems {
		if p.Error != digestCopied || p.Stage != StageVerify {
			t.Errorf("%+v", p)
		}
	}
	if s := got.status(steadyRegion); s != "failed: 16 problems; proven are "+provenSteady {
		t.Error(s)
	}
}

// A prefix may point inside a region.
func TestVerifyInside(t *testing.T) {
	tree := newSignedTree("verify-inside")
	delete(tree.Objects, tree.log())
	src := putTree(t, tree, "verify-inside", tree.Folder(KindTrail, pausedRegion)+"2026/11/20/")
	_, got := verified(t, src, NewS3Verifier(src, verifyWindow(VerifyConfig{PublicKeys: tree.publicKeys(t)})))
	checkProblems(t, got.Problems, map[string]string{src.url(tree.log()): logGone})
	checkStatus(t, got, map[string]string{pausedRegion: "failed: 1 problem; proven are " + allButLog})
}

func TestDaysOf(t *testing.T) {
	for prefix, want := range map[string]string{
		"":             "1970-01-01T00:00:00Z/9999-01-01T00:00:00Z",
		"20":           "1970-01-01T00:00:00Z/9999-01-01T00:00:00Z",
		"2026/":        "2026-01-01T00:00:00Z/2027-01-01T00:00:00Z",
		"2026/02/":     "2026-02-01T00:00:00Z/2026-03-01T00:00:00Z",
		"2026/02/2":    "2026-02-01T00:00:00Z/2026-03-01T00:00:00Z",
		"2026/02/28/":  "2026-02-28T00:00:00Z/2026-03-01T00:00:00Z",
		"2026/02/28/1": "2026-02-28T00:00:00Z/2026-03-01T00:00:00Z",
		"2026/02/31/":  "1970-01-01T00:00:00Z/9999-01-01T00:00:00Z",
	} {
		if got := daysOf(prefix).String(); got != want {
			t.Errorf("%q: %s, want %s", prefix, got, want)
		}
	}
}

// What keeps digests from being checked is told once for all of them.
func TestVerifyDenied(t *testing.T) {
	tree := newSignedTree("verify-denied")
	putTree(t, tree, "verify-denied", "")
	cloudtrail, err := cloudtrailtest.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	cloudtrail.PublicKeys = tree.keys
	api := httptest.NewServer(cloudtrail)
	defer api.Close()
	for _, tc := range []struct {
		name  string
		keys  func(cloudtrailtest.Call) *cloudtrailtest.Fault
		s3    func(r *http.Request, n int) fault
		stage Stage
		words string
		paths []string // of the objects that are told
		proof string   // of the region that is not touched
	}{
		{
			name: "the keys of a region",
			keys: func(c cloudtrailtest.Call) *cloudtrailtest.Fault {
				if c.Region == pausedRegion {
					return cloudtrailtest.Deny()
				}
				return nil
			},
			stage: StageFetch, words: "list the public keys of CloudTrail in us-east-1: access denied",
			paths: []string{tree.Folder(KindDigest, pausedRegion)}, proof: provenSteady,
		},
		{
			name: "the list of a region's digests",
			s3: func(r *http.Request, _ int) fault {
				if isList(r) && r.URL.Query().Get("prefix") == tree.Folder(KindDigest, pausedRegion) {
					return denial(403, "AccessDenied", "Access Denied")
				}
				return noFault
			},
			stage: StageList, words: "access denied", paths: []string{tree.Folder(KindDigest, pausedRegion)}, proof: provenSteady,
		},
		{
			name: "a digest",
			s3: func(r *http.Request, _ int) fault {
				if strings.HasSuffix(r.URL.Path, tree.digest()) {
					return denial(403, "AccessDenied", "Access Denied")
				}
				return noFault
			},
			stage: StageFetch, words: "access denied", paths: []string{tree.digest()}, proof: provenSteady,
		},
		{
			name: "the digests of a region",
			s3: func(r *http.Request, _ int) fault {
				if !isList(r) && strings.Contains(r.URL.Path, tree.Folder(KindDigest, pausedRegion)) {
					// S3 names the object in its message.
					return denial(403, "AccessDenied", "User is not authorized to perform: s3:GetObject on "+r.URL.Path)
				}
				return noFault
			},
			stage: StageFetch, words: "access denied", paths: []string{tree.DigestKey(pausedRegion, hour(22))}, proof: provenSteady,
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			cloudtrail.Fault = tc.keys
			plan := tc.s3
			if plan == nil {
				plan = func(*http.Request, int) fault { return noFault }
			}
			proxy := newFaultProxy(t, testGateway(t), plan)
			aws, err := LoadAWS(t.Context(), AWSOptions{EndpointURL: api.URL})
			if err != nil {
				t.Fatal(err)
			}
			src := tree.s3(testS3Client(t, AWSOptions{EndpointURL: proxy.URL}))
			_, got := verified(t, src, NewS3Verifier(src, verifyWindow(VerifyConfig{AWS: aws})))
			var paths []string
			for _, p := range got.Problems {
				paths = append(paths, strings.TrimPrefix(p.Object, src.url("")))
				if p.Stage != tc.stage || !strings.Contains(p.Error, tc.words) {
					t.Errorf("%+v", p)
				}
			}
			if !slices.Equal(paths, tc.paths) {
				t.Errorf("told are %q, not %q", paths, tc.paths)
			}
			if s := got.status(pausedRegion); !strings.HasPrefix(s, "failed: ") {
				t.Error(s)
			}
			if s := got.status(steadyRegion); s != tc.proof {
				t.Error(s)
			}
		})
	}
	asked := 0
	for _, c := range cloudtrail.Calls() {
		if c.Operation == "ListPublicKeys" && c.Region == steadyRegion {
			asked++
		}
	}
	if asked != 4 { // once in each case
		t.Errorf("the keys of %s were asked for %d times", steadyRegion, asked)
	}
}

// Faults that end leave no trace in what is proven.
func TestVerifyFaultsThatEnd(t *testing.T) {
	tree := newSignedTree("verify-faults")
	putTree(t, tree, "verify-faults", "")
	for _, f := range []fault{slowDown, failure, truncated, reset, flipped, hangup} {
		t.Run(string(f), func(t *testing.T) {
			proxy := newFaultProxy(t, testGateway(t), func(r *http.Request, n int) fault {
				if n == 1 && strings.Contains(r.URL.Path, KindDigest) {
					return f
				}
				return noFault
			})
			src := tree.s3(testS3Client(t, AWSOptions{EndpointURL: proxy.URL}))
			_, got := verified(t, src, NewS3Verifier(src, verifyWindow(VerifyConfig{PublicKeys: tree.publicKeys(t)})))
			checkProblems(t, got.Problems, nil)
			checkStatus(t, got, map[string]string{pausedRegion: provenPaused, steadyRegion: provenSteady})
		})
	}
}

func TestVerifyCanceled(t *testing.T) {
	tree := newSignedTree("logs")
	dir := tree.write(t, true)
	v := NewLocalVerifier([]string{dir}, verifyWindow(VerifyConfig{PublicKeys: tree.publicKeys(t)}))
	if _, err := Scan(t.Context(), NewLocal([]string{dir}, nil), ScanOptions{Seen: v.Seen}, []func(*Event){func(*Event) {}}); err != nil {
		t.Fatal(err)
	}
	stop := errors.New("stop")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(stop)
	if _, err := v.Check(ctx, nil); !errors.Is(err, stop) {
		t.Errorf("%v", err)
	}
}

// Of two sources that hold a region, it is proven what both prove.
func TestVerificationAdd(t *testing.T) {
	region := func(name string, problems int64, proven ...interval) VerifiedRegion {
		return VerifiedRegion{Account: verifyAccount, Region: name, problems: problems, proven: proven, wanted: interval{hour(0), hour(24)}}
	}
	var sum Verification
	sum.Add(Verification{Digests: 1, Logs: 2, Regions: []VerifiedRegion{region("b", 0, interval{hour(0), hour(24)}), region("c", 0, interval{hour(0), hour(24)})}})
	sum.Add(Verification{Digests: 3, Logs: 4, Regions: []VerifiedRegion{region("a", 2), region("b", 0, interval{hour(3), hour(9)})},
		Problems: []Problem{{Object: "z"}, {Object: "y"}}})
	if sum.Digests != 4 || sum.Logs != 6 || len(sum.Problems) != 2 || sum.Problems[0].Object != "y" {
		t.Errorf("%+v", sum)
	}
	checkStatus(t, sum, map[string]string{
		"a": "failed: 2 problems",
		"b": "partial: 2026-11-20T03:00:00Z/2026-11-20T09:00:00Z",
		"c": "2026-11-20T00:00:00Z/2026-11-21T00:00:00Z",
	})
}

func TestVerifiedRegionString(t *testing.T) {
	r := VerifiedRegion{wanted: interval{hour(0), hour(24)}}
	if got := r.String(); got != "none" {
		t.Error(got)
	}
	r.unproven = []interval{{hour(0), hour(24)}}
	r.reasons = []string{"it rains"}
	if got, want := r.String(), "none: it rains; nothing proves what was delivered in 2026-11-20T00:00:00Z/2026-11-21T00:00:00Z"; got != want {
		t.Error(got)
	}
	r.unproven, r.reasons = nil, nil
	for h := range 9 {
		r.proven = append(r.proven, interval{hour(float64(h)), hour(float64(h) + 0.5)})
	}
	if got := r.String(); !strings.HasSuffix(got, "2026-11-20T05:00:00Z/2026-11-20T05:30:00Z, and 3 more") {
		t.Error(got)
	}
}
