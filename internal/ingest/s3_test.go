package ingest

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

func date(s string) time.Time {
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		panic(err)
	}
	return t
}

// The whole of it against the real server: several accounts, regions and days,
// more than a page of keys, the layouts of an organization and of Control Tower.
func TestS3(t *testing.T) {
	const org = "o-abcdef1234"
	layouts := map[string]string{"plain": "AWSLogs/", "org": "AWSLogs/" + org + "/", "ct": org + "/AWSLogs/" + org + "/"}
	for name, folder := range layouts {
		t.Run(name, func(t *testing.T) {
			busy := 40
			if name == "plain" {
				busy = 1300
			}
			day1 := "2026-11-18T00:02:00Z"
			streams := [][]string{
				logKeys(folder, "111122223333", "us-east-1", day1, busy, 3*time.Minute),
				logKeys(folder, "111122223333", "eu-west-1", day1, 30, 2*time.Hour),
				logKeys(folder, "111122223333", "ap-southeast-2", day1, 3, 24*time.Hour),
				logKeys(folder, "444455556666", "us-east-1", day1, 30, 2*time.Hour),
			}
			keys := slices.Concat(streams...)
			digest := strings.ReplaceAll(keys[0], "CloudTrail", "CloudTrail-Digest")
			bucket := makeBucket(t, "layout-"+name, append([]string{digest}, keys...))
			open := func(t *testing.T) Source {
				return testS3(S3Config{Client: testS3Client(t, AWSOptions{EndpointURL: testGateway(t)}), Bucket: bucket})
			}
			chunks := testSource(t, open)
			var got []string
			for _, c := range chunks {
				key := strings.TrimPrefix(c.Name, "s3://"+bucket+"/")
				got = append(got, key)
				if !bytes.Equal(readAll(t, c), logFile(key)) {
					t.Errorf("%s: other bytes than were put there", c.Name)
				}
				if k, _ := ParseKey(key); k.Account != c.Account || k.Region != c.Region || !k.Stamp.Equal(c.Stamp) {
					t.Errorf("%s: account %s, region %s, stamp %s", c.Name, c.Account, c.Region, c.Stamp)
				}
			}
			if slices.Sort(got); !slices.Equal(got, slices.Sorted(slices.Values(keys))) {
				t.Errorf("%d objects listed, %d there", len(got), len(keys))
			}
			if name != "plain" {
				return
			}
			size := func(key string) int64 { return int64(len(logFile(key))) }
			cfg := open(t).(*S3).cfg
			cfg.Since = date("2026-11-18T23:00:00Z")
			testWindow(t, cfg, streams, size)
			cfg.Until = date("2026-11-19T02:00:00Z")
			testWindow(t, cfg, streams, size)
		})
	}
}

// The window decides which keys are listed at all: the fewest requests, and
// exactly the objects whose stamps lie in the window and its margins.
func TestS3Window(t *testing.T) {
	const from = "2026-11-15T00:00:00Z"
	streams := [][]string{
		logKeys("AWSLogs/", "111122223333", "eu-west-1", from, 155, time.Hour),
		logKeys("AWSLogs/", "111122223333", "us-east-1", from, 3100, 3*time.Minute), // 480 a day
		logKeys("AWSLogs/", "444455556666", "us-east-1", from, 155, time.Hour),
	}
	s := (&s3Stub{}).serve(t, S3Config{}, slices.Concat(streams...)...)
	size := func(key string) int64 { return int64(len(key)) }
	tests := []struct {
		name         string
		since, until time.Time
	}{
		{"everything", time.Time{}, time.Time{}},
		{"a day", date("2026-11-17T00:00:00Z"), date("2026-11-18T00:00:00Z")},
		{"an hour", date("2026-11-17T13:00:30Z"), date("2026-11-17T14:00:30Z")},
		{"over midnight", date("2026-11-17T23:30:00Z"), date("2026-11-18T00:30:00Z")},
		{"begins at midnight less the margin", date("2026-11-17T00:15:00Z"), date("2026-11-17T03:00:00Z")},
		{"ends at midnight with the margin", date("2026-11-16T03:00:00Z"), date("2026-11-16T23:00:00Z")},
		{"four days", date("2026-11-16T06:00:00Z"), date("2026-11-20T06:00:00Z")},
		{"until now", date("2026-11-20T00:00:00Z"), time.Time{}},
		{"before the logs", date("2026-10-01T00:00:00Z"), date("2026-10-02T00:00:00Z")},
		{"behind the logs", date("2026-12-01T00:00:00Z"), date("2026-12-02T00:00:00Z")},
		{"only until", time.Time{}, date("2026-11-16T00:00:00Z")},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			cfg := s.cfg
			cfg.Since, cfg.Until = test.since, test.until
			testWindow(t, cfg, streams, size)
		})
	}
}

// testWindow lists a bucket that holds nothing but streams, each one account's
// logs in one region, and compares objects, requests and the estimate.
func testWindow(t *testing.T, cfg S3Config, streams [][]string, size func(string) int64) {
	t.Helper()
	var want []string
	accounts := map[string]bool{}
	fewest, bytes := 2, int64(0) // the root and AWSLogs/
	for _, stream := range streams {
		n := 0
		for _, key := range stream {
			k, _ := ParseKey(key)
			accounts[k.Account] = true
			if !cfg.Since.IsZero() && k.Stamp.Before(cfg.Since.Add(-15*time.Minute).Truncate(time.Minute)) ||
				!cfg.Until.IsZero() && k.Stamp.After(cfg.Until.Add(time.Hour)) {
				continue
			}
			want = append(want, key)
			bytes += size(key)
			n++
		}
		fewest += max(1, (n+999)/1000)
	}
	fewest += len(accounts)

	s := testS3(cfg)
	got := mustList(t, s)
	if slices.Sort(want); !slices.Equal(slices.Sorted(slices.Values(got)), want) {
		t.Errorf("%d objects, want %d", len(got), len(want))
	}
	if n := int(s.ListRequests()); n > fewest {
		t.Errorf("%d list requests, want %d", n, fewest)
	}
	e, err := testS3(cfg).Estimate(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	dollars := float64(s.ListRequests())*0.005/1000 + float64(len(want))*0.0004/1000
	if e.Objects != int64(len(want)) || e.GetRequests != e.Objects || e.Bytes != bytes || e.ListRequests != s.ListRequests() || e.Dollars != dollars || len(e.Problems) > 0 {
		t.Errorf("estimate %+v; want %d objects, %d bytes, %d list requests, $%g", e, len(want), bytes, s.ListRequests(), dollars)
	}
}

func TestS3Filters(t *testing.T) {
	var keys []string
	for _, account := range []string{"111111111111", "222222222222"} {
		for _, region := range []string{"eu-west-1", "us-east-1"} {
			keys = append(keys, logKeys("AWSLogs/", account, region, "2026-11-20T12:00:00Z", 2, time.Hour)...)
		}
	}
	s := (&s3Stub{}).serve(t, S3Config{Accounts: []string{"222222222222"}, Regions: []string{"eu-west-1"}}, keys...)
	if got := mustList(t, s); !slices.Equal(got, keys[4:6]) {
		t.Errorf("got %v", got)
	}
	if got := s.Accounts(); !slices.Equal(got, []string{"111111111111", "222222222222"}) {
		t.Errorf("accounts %v", got)
	}
	// A backfill minds no filter, and skips what was emitted.
	var got []string
	needs := []Need{{Account: "111111111111", Time: date("2026-11-20T12:30:00Z").Unix()}, {Account: "222222222222", Time: date("2026-11-20T12:30:00Z").Unix()}}
	if err := s.Backfill(t.Context(), needs, collectKeys(s, &got), noProblem(t)); err != nil {
		t.Fatal(err)
	}
	if want := []string{keys[1], keys[3], keys[7]}; !slices.Equal(got, want) {
		t.Errorf("backfill: got %v, want %v", got, want)
	}
}

func noProblem(t *testing.T) func(Problem) {
	return func(p Problem) { t.Errorf("problem: %s: %s: %s", p.Object, p.Stage, p.Error) }
}

// The order of a day's folders goes before the stamps in the files' names, which
// differ where a delivery was late.
func TestS3LateDelivery(t *testing.T) {
	const file = "AWSLogs/111122223333/CloudTrail/us-east-1/2026/11/%02d/111122223333_CloudTrail_us-east-1_%s_%d.json.gz"
	name := func(day int, stamp string) string { return fmt.Sprintf(file, day, stamp, 0) }
	keys := []string{
		name(18, "20261118T1200Z"),
		name(19, "20261118T2359Z"), // the folder is a day later than the name
		name(19, "20261119T1300Z"),
		name(19, "20261119T2359Z"),
		name(20, "20261119T1200Z"),
		name(20, "20261120T0000Z"),
		name(20, "20261120T0100Z"),
		name(20, "20261120T0101Z"),
		name(21, "20261120T0030Z"),
	}
	s := (&s3Stub{}).serve(t, S3Config{Since: date("2026-11-19T12:00:00Z"), Until: date("2026-11-20T00:00:00Z")}, keys...)
	if got := mustList(t, s); !slices.Equal(got, keys[2:7]) {
		t.Errorf("got\n\t%s", strings.Join(got, "\n\t"))
	}
}

func TestS3Listed(t *testing.T) {
	at := func(s string) time.Time { return date("2026-11-" + s + ":00Z") }
	keys := slices.Concat(
		logKeys("AWSLogs/", "111122223333", "us-east-1", "2026-11-19T22:30:00Z", 5, 40*time.Minute),
		logKeys("teamB/AWSLogs/", "111122223333", "us-east-1", "2026-11-20T02:10:00Z", 1, 0),
		logKeys("teamB/AWSLogs/", "111122223333", "us-east-1", "2026-11-20T05:10:00Z", 1, 0),
		logKeys("AWSLogs/", "111122223333", "eu-west-1", "2026-10-01T00:00:00Z", 1, 0), // silent in the window
		logKeys("AWSLogs/", "000000000001", "us-east-1", "2026-11-20T00:00:00Z", 1, 0),
	)
	s := (&s3Stub{}).serve(t, S3Config{Since: at("19T00:00")}, keys...)
	listed := mustList(t, s)
	size := func(n, of int) (sum int64) {
		for _, key := range keys[n : n+of] {
			sum += int64(len(key))
		}
		return sum
	}
	want := []ListedRegion{
		{"000000000001", "us-east-1", 1, size(8, 1), []HourRun{{at("20T00:00"), at("20T01:00")}}, true, nil},
		{"111122223333", "eu-west-1", 0, 0, nil, true, nil},
		{"111122223333", "us-east-1", 7, size(0, 7), []HourRun{{at("19T22:00"), at("20T03:00")}, {at("20T05:00"), at("20T06:00")}}, true, nil},
	}
	got := s.Listed()
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got\n%v\nwant\n%v", got, want)
	}
	if len(listed) != 8 {
		t.Errorf("%d objects", len(listed))
	}
}

// For random trees, windows and needs, List and Backfill together give each
// object that they should exactly once.
func TestS3BackfillRandom(t *testing.T) {
	start := date("2026-11-18T00:00:00Z")
	for seed := range uint64(25) {
		rnd := rand.New(rand.NewPCG(seed, 0))
		random := func() time.Time { return start.Add(time.Duration(rnd.IntN(3*24*60)) * time.Minute) }
		var keys []string
		for i := range 4 {
			account, region := fmt.Sprintf("%012d", i/3), []string{"eu-west-1", "us-east-1", "us-west-2"}[i%3]
			for range rnd.IntN(150) {
				keys = append(keys, logKeys("AWSLogs/", account, region, random().Format(time.RFC3339), 1, 0)...)
			}
		}
		if len(keys) == 0 {
			continue
		}
		cfg := S3Config{Since: random(), MarginBefore: 15 * time.Minute, MarginAfter: time.Hour}
		cfg.Until = cfg.Since.Add(time.Duration(rnd.IntN(24*60)) * time.Minute)
		if rnd.IntN(2) == 0 {
			cfg.Regions = []string{"us-east-1"}
		}
		s := (&s3Stub{most: 1 + rnd.IntN(20)}).serve(t, cfg, keys...)
		inSpan := func(key string, from, to time.Time) bool {
			k, _ := ParseKey(key)
			return !k.Stamp.Before(from.Add(-cfg.MarginBefore)) && !k.Stamp.After(to.Add(cfg.MarginAfter))
		}
		seen := map[string]bool{}
		check := func(what string, got []string, want func(Key, string) bool) {
			t.Helper()
			var expected []string
			for _, key := range slices.Compact(slices.Sorted(slices.Values(keys))) {
				k, _ := ParseKey(key)
				if !seen[key] && want(k, key) {
					expected = append(expected, key)
				}
			}
			for _, key := range got {
				if seen[key] {
					t.Errorf("seed %d: %s: %s was emitted before", seed, what, key)
				}
				seen[key] = true
			}
			if slices.Sort(got); !slices.Equal(got, expected) {
				t.Errorf("seed %d: %s: %d objects, want %d", seed, what, len(got), len(expected))
			}
		}
		check("list", mustList(t, s), func(k Key, key string) bool {
			return allowed(cfg.Regions, k.Region) && inSpan(key, cfg.Since, cfg.Until)
		})
		for round := range 3 {
			var needs []Need
			for range rnd.IntN(6) {
				needs = append(needs, Need{Account: fmt.Sprintf("%012d", rnd.IntN(3)), Time: random().Unix()})
			}
			var got []string
			if err := s.Backfill(t.Context(), needs, collectKeys(s, &got), noProblem(t)); err != nil {
				t.Fatal(err)
			}
			check(fmt.Sprintf("backfill %d", round), got, func(k Key, key string) bool {
				return slices.ContainsFunc(needs, func(n Need) bool {
					at := time.Unix(n.Time, 0).UTC()
					return n.Account == k.Account && inSpan(key, at, at)
				})
			})
		}
	}
}

// Needs close to each other cost one request, and what the window covers none.
func TestS3BackfillRequests(t *testing.T) {
	keys := logKeys("AWSLogs/", "111122223333", "us-east-1", "2026-11-20T00:00:00Z", 1000, time.Minute)
	needs := func(times ...string) (all []Need) {
		for _, s := range times {
			all = append(all, Need{Account: "111122223333", Time: date("2026-11-20T" + s + "Z").Unix()})
		}
		return all
	}
	tests := []struct {
		name     string
		needs    []Need
		objects  int
		requests int
	}{
		{"none", nil, 0, 0},
		{"unknown account", []Need{{Account: "999999999999", Time: date("2026-11-20T10:00:00Z").Unix()}}, 0, 0},
		{"one", needs("03:00:00"), 76, 1},
		{"the same twice", needs("03:00:00", "03:00:00"), 76, 1},
		{"three in an hour", needs("03:10:00", "03:20:59", "03:59:00"), 125, 1},
		{"apart, but in one page", needs("03:00:00", "06:00:00"), 152, 1},
		{"pages apart", needs("01:00:00", "10:00:00"), 152, 2},
		{"in the window", needs("12:30:00"), 0, 0},
		{"half in the window", needs("11:30:00"), 30, 1},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			stub := &s3Stub{}
			s := stub.serve(t, S3Config{Since: date("2026-11-20T12:00:00Z"), Until: date("2026-11-20T14:00:00Z")}, keys...)
			mustList(t, s)
			if strings.Contains(test.name, "pages") {
				stub.most = 100
			}
			before := s.ListRequests()
			var got []string
			if err := s.Backfill(t.Context(), test.needs, collectKeys(s, &got), noProblem(t)); err != nil {
				t.Fatal(err)
			}
			if n := int(s.ListRequests() - before); len(got) != test.objects || n != test.requests {
				t.Errorf("%d objects in %d requests, want %d in %d", len(got), n, test.objects, test.requests)
			}
			got = nil
			if err := s.Backfill(t.Context(), test.needs, collectKeys(s, &got), noProblem(t)); err != nil || len(got) > 0 {
				t.Errorf("again: %d objects, %v", len(got), err)
			}
		})
	}
}

// A prefix that points inside an account's logs does not keep a backfill from
// the hours and regions beside it, and what it gave is not given again.
func TestS3BackfillBesidePrefix(t *testing.T) {
	east := logKeys("AWSLogs/", "111122223333", "us-east-1", "2026-11-19T23:00:00Z", 4, 30*time.Minute)
	west := logKeys("AWSLogs/", "111122223333", "us-west-2", "2026-11-19T23:00:00Z", 4, 30*time.Minute)
	s := (&s3Stub{}).serve(t, S3Config{Prefix: "AWSLogs/111122223333/CloudTrail/us-east-1/2026/11/20"}, append(east, west...)...)
	if got := mustList(t, s); !slices.Equal(got, east[2:]) {
		t.Errorf("got %v", got)
	}
	var got []string
	needs := []Need{{Account: "111122223333", Time: date("2026-11-19T23:15:00Z").Unix()}}
	if err := s.Backfill(t.Context(), needs, collectKeys(s, &got), noProblem(t)); err != nil {
		t.Fatal(err)
	}
	if want := slices.Concat(east[:2], west[:2], west[2:3]); !slices.Equal(slices.Sorted(slices.Values(got)), want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestS3BackfillAgainstServer(t *testing.T) {
	keys := slices.Concat(
		logKeys("AWSLogs/", "111122223333", "us-east-1", "2026-11-19T00:00:00Z", 48, time.Hour),
		logKeys("AWSLogs/", "444455556666", "us-east-1", "2026-11-19T00:00:00Z", 48, time.Hour),
	)
	bucket := makeBucket(t, "backfill", keys)
	s := testS3(S3Config{
		Client: testS3Client(t, AWSOptions{EndpointURL: testGateway(t)}), Bucket: bucket,
		Since: date("2026-11-20T00:00:00Z"), Until: date("2026-11-20T12:00:00Z"), Accounts: []string{"111122223333"},
	})
	mustList(t, s)
	var got []string
	needs := []Need{
		{Account: "111122223333", Time: date("2026-11-19T23:50:00Z").Unix()}, // 23:35 to 00:50: in the window from 23:45
		{Account: "111122223333", Time: date("2026-11-19T10:10:00Z").Unix()}, // 10:00 and 11:00
		{Account: "444455556666", Time: date("2026-11-20T01:00:00Z").Unix()}, // 01:00 and 02:00
	}
	if err := s.Backfill(t.Context(), needs, collectKeys(s, &got), noProblem(t)); err != nil {
		t.Fatal(err)
	}
	if want := []string{keys[10], keys[11], keys[48+25], keys[48+26]}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// The reader's policy is the least that a scan of a prefix needs, and the rest
// of the bucket is denied.
func TestS3Policy(t *testing.T) {
	mine := logKeys("mine/AWSLogs/", "111122223333", "us-east-1", "2026-11-20T00:00:00Z", 3, time.Hour)
	theirs := logKeys("theirs/AWSLogs/", "111122223333", "us-east-1", "2026-11-20T00:00:00Z", 3, time.Hour)
	bucket := makeBucket(t, "policy", append(mine, theirs...))
	policy := `{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Principal":{"AWS":["` + readerKey + `"]},"Action":"s3:ListBucket","Resource":"arn:aws:s3:::policy","Condition":{"StringLike":{"s3:prefix":["mine/*","theirs/*"]}}},
		{"Effect":"Allow","Principal":{"AWS":["` + readerKey + `"]},"Action":"s3:GetObject","Resource":"arn:aws:s3:::policy/mine/*"}]}`
	owner := testS3Client(t, AWSOptions{EndpointURL: testGateway(t)})
	if _, err := owner.PutBucketPolicy(t.Context(), &s3.PutBucketPolicyInput{Bucket: aws.String(bucket), Policy: aws.String(policy)}); err != nil {
		t.Fatal(err)
	}
	testCredentials(t, readerKey, readerSecret)
	client := testS3Client(t, AWSOptions{EndpointURL: gateway.url})
	source := func(prefix string) *S3 { return testS3(S3Config{Client: client, Bucket: bucket, Prefix: prefix}) }

	for _, c := range testSource(t, func(*testing.T) Source { return source("mine") }) {
		readAll(t, c)
	}
	_, _, err := listKeys(t, source(""))
	oneLineError(t, err, "list s3://policy/:", "access denied", "s3:ListBucket on arn:aws:s3:::policy", "--prefix")

	var chunks []Chunk
	if err := source("theirs/").List(t.Context(), func(c Chunk) error { chunks = append(chunks, c); return nil }, noProblem(t)); err != nil {
		t.Fatal(err)
	}
	if len(chunks) != 3 {
		t.Fatalf("%d chunks", len(chunks))
	}
	_, err = chunks[0].Open(t.Context())
	oneLineError(t, err, "get s3://policy/theirs/", "access denied", "s3:GetObject on arn:aws:s3:::policy/*")
}

// What a user gets wrong at the start.
func TestS3CannotStart(t *testing.T) {
	bucket := makeBucket(t, "start", logKeys("AWSLogs/", "111122223333", "us-east-1", "2026-11-20T00:00:00Z", 1, 0))
	tests := []struct {
		name        string
		key, secret string
		endpoint    string
		bucket      string
		words       []string
	}{
		{"no such bucket", rootKey, rootSecret, "", "nosuch", []string{"list s3://nosuch/: no such bucket"}},
		{"unknown key", "AKIAUNKNOWN000000001", rootSecret, "", bucket, []string{"access key is not known", "check the credentials"}},
		{"wrong secret", rootKey, "wrong", "", bucket, []string{"secret key does not belong"}},
		{"no credentials", "", "", "", bucket, []string{"no credentials", "aws sso login"}},
		{"nobody listens", rootKey, rootSecret, "http://127.0.0.1:1", bucket, []string{"cannot connect", "127.0.0.1:1", "--endpoint-url"}},
		{"no such host", rootKey, rootSecret, "http://nosuch.invalid", bucket, []string{"nosuch.invalid", "--endpoint-url"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			testCredentials(t, test.key, test.secret)
			if test.endpoint == "" {
				test.endpoint = gateway.url
			}
			s := testS3(S3Config{Client: testS3Client(t, AWSOptions{EndpointURL: test.endpoint}), Bucket: test.bucket})
			_, _, err := listKeys(t, s)
			oneLineError(t, err, test.words...)
			if errors.Is(err, ErrNoTrail) {
				t.Error("it is ErrNoTrail")
			}
		})
	}
}

// The bucket of another region is followed there, whichever way the server
// tells the region.
func TestS3OtherRegion(t *testing.T) {
	keys := logKeys("AWSLogs/", "111122223333", "us-east-1", "2026-11-20T00:00:00Z", 1, 0)
	t.Run("server", func(t *testing.T) {
		bucket := makeBucket(t, "elsewhere", keys)
		client := testS3Client(t, AWSOptions{EndpointURL: testGateway(t), Region: "eu-west-1"})
		for _, prefix := range []string{"", "AWSLogs/111122223333/CloudTrail/us-east-1/"} {
			s := testS3(S3Config{Client: client, Bucket: bucket, Prefix: prefix})
			if got := mustList(t, s); !slices.Equal(got, keys) {
				t.Errorf("got %v", got)
			}
		}
	})
	inRegion := func(r *http.Request, region string) bool {
		return strings.Contains(r.Header.Get("Authorization"), "/"+region+"/s3/")
	}
	for _, how := range []string{"header", "message", "HEAD"} {
		t.Run(how, func(t *testing.T) {
			stub := &s3Stub{before: func(w http.ResponseWriter, r *http.Request) bool {
				switch {
				case inRegion(r, "eu-central-1"):
					return false
				case r.Method == http.MethodHead:
					w.Header().Set("X-Amz-Bucket-Region", "eu-central-1")
					w.WriteHeader(http.StatusMovedPermanently)
				case how == "header":
					w.Header().Set("X-Amz-Bucket-Region", "eu-central-1")
					s3Error(w, http.StatusMovedPermanently, "PermanentRedirect", "The bucket you are attempting to access must be addressed using the specified endpoint.")
				case how == "message":
					s3Error(w, http.StatusBadRequest, "AuthorizationHeaderMalformed", "The authorization header is malformed; the region 'us-east-1' is wrong; expecting 'eu-central-1'")
				default:
					s3Error(w, http.StatusMovedPermanently, "PermanentRedirect", "The bucket you are attempting to access must be addressed using the specified endpoint.")
				}
				return true
			}}
			if got := mustList(t, stub.serve(t, S3Config{}, keys...)); !slices.Equal(got, keys) {
				t.Errorf("got %v", got)
			}
		})
	}
	t.Run("untold", func(t *testing.T) {
		stub := &s3Stub{before: func(w http.ResponseWriter, r *http.Request) bool {
			s3Error(w, http.StatusMovedPermanently, "PermanentRedirect", "Elsewhere.")
			return true
		}}
		_, _, err := listKeys(t, stub.serve(t, S3Config{}, keys...))
		oneLineError(t, err, "another region than us-east-1", "AWS_REGION")
		if n := len(stub.lists); n != 1 {
			t.Errorf("%d list requests", n)
		}
	})
}

func TestS3RequestPayer(t *testing.T) {
	keys := logKeys("AWSLogs/", "111122223333", "us-east-1", "2026-11-20T00:00:00Z", 1, 0)
	stub := &s3Stub{before: func(w http.ResponseWriter, r *http.Request) bool {
		if r.Header.Get("X-Amz-Request-Payer") == "requester" {
			return false
		}
		s3Error(w, http.StatusForbidden, "AccessDenied", "Access Denied")
		return true
	}}
	_, _, err := listKeys(t, stub.serve(t, S3Config{}, keys...))
	oneLineError(t, err, "--request-payer")
	s := stub.serve(t, S3Config{RequestPayer: true}, keys...)
	err = s.List(t.Context(), func(c Chunk) error {
		if got := string(readAll(t, c)); got != keys[0] {
			t.Errorf("body %q", got)
		}
		return nil
	}, noProblem(t))
	if err != nil {
		t.Error(err)
	}
}

func TestSpanSets(t *testing.T) {
	spans := func(minutes ...int) (all []span) {
		at := func(m int) time.Time { return date("2026-11-20T00:00:00Z").Add(time.Duration(m) * time.Minute) }
		for i := 0; i < len(minutes); i += 2 {
			all = append(all, span{at(minutes[i]), at(minutes[i+1])})
		}
		return all
	}
	unions := []struct{ in, want []span }{
		{nil, nil},
		{spans(5, 9, 1, 2), spans(1, 2, 5, 9)},
		{spans(1, 4, 5, 9), spans(1, 9)},
		{spans(1, 9, 2, 3), spans(1, 9)},
		{spans(1, 4, 6, 9), spans(1, 4, 6, 9)},
	}
	for _, u := range unions {
		if got := union(slices.Clone(u.in)); !slices.Equal(got, u.want) {
			t.Errorf("union of %v: %v, want %v", u.in, got, u.want)
		}
	}
	open := span{}
	from, to := span{from: spans(5, 5)[0].from}, span{to: spans(5, 5)[0].to}
	subtractions := []struct{ in, covered, want []span }{
		{spans(1, 9), nil, spans(1, 9)},
		{spans(1, 9), spans(1, 9), nil},
		{spans(1, 9), spans(3, 5), spans(1, 2, 6, 9)},
		{spans(1, 9), spans(0, 1, 9, 12), spans(2, 8)},
		{spans(1, 9, 20, 30), spans(10, 19), spans(1, 9, 20, 30)},
		{spans(1, 9), []span{open}, nil},
		{spans(1, 9), []span{from}, spans(1, 4)},
		{spans(1, 9), []span{to}, spans(6, 9)},
	}
	for _, s := range subtractions {
		if got := subtract(slices.Clone(s.in), s.covered); !slices.Equal(got, s.want) {
			t.Errorf("%v without %v: %v, want %v", s.in, s.covered, got, s.want)
		}
	}
}
