package ingest

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestS3Discovery(t *testing.T) {
	const (
		a    = "111122223333"
		b    = "444455556666"
		org  = "o-abcdef1234"
		noon = "2026-11-20T12:00:00Z"
	)
	log := func(folder, account, region string) string {
		return logKeys(folder, account, region, noon, 1, 0)[0]
	}
	single := log("AWSLogs/", a, "us-east-1")
	siblings := []string{
		"AWSLogs/" + a + "/CloudTrail-Digest/us-east-1/2026/11/20/" + a + "_CloudTrail-Digest_us-east-1_trail_us-east-1_20261120T120000Z.json.gz",
		"AWSLogs/" + a + "/CloudTrail-Insight/us-east-1/2026/11/20/" + a + "_CloudTrail-Insight_us-east-1_20261120T1200Z_0000000000000000.json.gz",
		"AWSLogs/" + a + "/CloudTrail-NetworkActivity/us-east-1/2026/11/20/x.json.gz",
		"AWSLogs/" + a + "/CloudTrail-Aggregated/us-east-1/2026/11/20/x.json.gz",
		"AWSLogs/" + a + "/Config/us-east-1/2026/11/20/x.json.gz",
		"AWSLogs/" + a + "/CloudTrail/us-east-1/",
		"AWSLogs/" + a + "/CloudTrail/us-east-1/2026/11/20/notes.txt",
		"AWSLogs/" + a + "/CloudTrail/us-east-1/2026/11/20/manifest.json",
		"AWSLogs/aws-account-level/x",
	}
	tests := []struct {
		name     string
		keys     []string
		prefix   string
		want     []string
		requests int // for discovery, at most
	}{
		{"one account", append([]string{single}, siblings...), "", []string{single}, 3},
		{"two accounts, two regions",
			[]string{single, log("AWSLogs/", a, "eu-west-1"), log("AWSLogs/", b, "us-east-1")}, "",
			[]string{log("AWSLogs/", a, "eu-west-1"), single, log("AWSLogs/", b, "us-east-1")}, 4},
		{"organization",
			[]string{log("AWSLogs/"+org+"/", a, "us-east-1"), log("AWSLogs/"+org+"/", b, "us-east-1")}, "",
			[]string{log("AWSLogs/"+org+"/", a, "us-east-1"), log("AWSLogs/"+org+"/", b, "us-east-1")}, 5},
		{"Control Tower",
			[]string{log(org+"/AWSLogs/"+org+"/", a, "us-east-1")}, "",
			[]string{log(org+"/AWSLogs/"+org+"/", a, "us-east-1")}, 5},
		{"prefix is a folder", []string{log("foo/AWSLogs/", a, "us-east-1"), log("foobar/AWSLogs/", a, "us-east-1")}, "foo",
			[]string{log("foo/AWSLogs/", a, "us-east-1")}, 4},
		{"prefix is a folder with its slash", []string{log("foo/AWSLogs/", a, "us-east-1"), log("foobar/AWSLogs/", a, "us-east-1")}, "foo/",
			[]string{log("foo/AWSLogs/", a, "us-east-1")}, 3},
		{"prefix is the beginning of names", []string{log("foo1/AWSLogs/", a, "us-east-1"), log("foo2/AWSLogs/", a, "us-east-1"), log("bar/AWSLogs/", a, "us-east-1")}, "foo",
			[]string{log("foo1/AWSLogs/", a, "us-east-1"), log("foo2/AWSLogs/", a, "us-east-1")}, 8},
		{"several trails", []string{log("teamA/AWSLogs/", a, "us-east-1"), log("teamB/AWSLogs/", a, "us-east-1"), log("teamB/AWSLogs/", b, "us-east-1")}, "",
			[]string{log("teamA/AWSLogs/", a, "us-east-1"), log("teamB/AWSLogs/", a, "us-east-1"), log("teamB/AWSLogs/", b, "us-east-1")}, 8},
		{"trail beside folders", []string{single, "config/x", "data/y/z", log("central/logs/AWSLogs/", b, "us-east-1")}, "",
			[]string{single, log("central/logs/AWSLogs/", b, "us-east-1")}, 12},
		{"copy below the account", []string{log("archive/", a, "us-east-1")}, "", []string{log("archive/", a, "us-east-1")}, 4},
		{"account above AWSLogs", []string{log(b+"/AWSLogs/", a, "us-east-1")}, "", []string{log(b+"/AWSLogs/", a, "us-east-1")}, 4},
		{"empty part", []string{log("p//AWSLogs/", a, "us-east-1")}, "p/", []string{log("p//AWSLogs/", a, "us-east-1")}, 4},
		{"empty part, no slash", []string{log("p//AWSLogs/", a, "us-east-1")}, "p", []string{log("p//AWSLogs/", a, "us-east-1")}, 5},
		{"empty part in the prefix", []string{log("p//AWSLogs/", a, "us-east-1")}, "p//", []string{log("p//AWSLogs/", a, "us-east-1")}, 3},
		{"empty first part", []string{log("/AWSLogs/", a, "us-east-1")}, "", []string{log("/AWSLogs/", a, "us-east-1")}, 4},
		{"names that XML cannot hold", []string{"\x01/x", "a b+%2F/\x02", single}, "", []string{single}, 5},
		{"prefix in AWSLogs", []string{single, log("AWSLogs/", b, "us-east-1")}, "AWSLogs", []string{single, log("AWSLogs/", b, "us-east-1")}, 4},
		{"prefix is the beginning of accounts", []string{single, log("AWSLogs/", b, "us-east-1")}, "AWSLogs/1111", []string{single}, 3},
		{"prefix is an account", []string{single, log("AWSLogs/", b, "us-east-1")}, "AWSLogs/" + a, []string{single}, 2},
		{"prefix is an account's folder", []string{single, log("AWSLogs/", b, "us-east-1")}, "AWSLogs/" + a + "/", []string{single}, 1},
		{"prefix is the kind", append([]string{single}, siblings...), "AWSLogs/" + a + "/CloudTrail", []string{single}, 2},
		{"prefix is the beginning of kinds", append([]string{single}, siblings...), "AWSLogs/" + a + "/Cloud", []string{single}, 3},
		{"prefix is a region", []string{single, log("AWSLogs/", a, "us-east-2")}, "AWSLogs/" + a + "/CloudTrail/us-east-1", []string{single}, 1},
		{"prefix is the beginning of regions", []string{single, log("AWSLogs/", a, "us-east-2"), log("AWSLogs/", a, "us-west-1")}, "AWSLogs/" + a + "/CloudTrail/us-e",
			[]string{single, log("AWSLogs/", a, "us-east-2")}, 2},
		{"prefix is a day", append(logKeys("AWSLogs/", a, "us-east-1", "2026-11-19T12:00:00Z", 3, 24*time.Hour), siblings...),
			"AWSLogs/" + a + "/CloudTrail/us-east-1/2026/11/20/", []string{logKeys("AWSLogs/", a, "us-east-1", "2026-11-19T12:00:00Z", 3, 24*time.Hour)[1]}, 0},
		{"prefix is the beginning of days", logKeys("AWSLogs/", a, "us-east-1", "2026-11-08T12:00:00Z", 4, 24*time.Hour),
			"AWSLogs/" + a + "/CloudTrail/us-east-1/2026/11/1", logKeys("AWSLogs/", a, "us-east-1", "2026-11-08T12:00:00Z", 4, 24*time.Hour)[2:], 1},
		{"prefix is one object", []string{single}, single, []string{single}, 1},
		{"prefix in a copy without AWSLogs", []string{log("archive/", a, "us-east-1")}, "archive/" + a + "/", []string{log("archive/", a, "us-east-1")}, 2},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			for _, most := range []int{1000, 2} {
				stub := &s3Stub{most: most}
				got := mustList(t, stub.serve(t, S3Config{Prefix: test.prefix}, test.keys...))
				if !slices.Equal(got, test.want) {
					t.Errorf("%d a page: got\n\t%s\nwant\n\t%s", most, strings.Join(got, "\n\t"), strings.Join(test.want, "\n\t"))
				}
				regions := map[string]bool{}
				for _, key := range test.want {
					k, _ := ParseKey(key)
					regions[k.Prefix+k.Account+k.Region] = true
				}
				if n := len(stub.lists) - len(regions); most == 1000 && n > test.requests {
					t.Errorf("discovery took %d requests, want at most %d: %v", n, test.requests, stub.lists)
				}
				for _, q := range stub.lists {
					if q.Get("delimiter") != "" && q.Get("start-after") != "" {
						t.Errorf("a request has a delimiter and a start: %v", q)
					}
					if strings.Contains(q.Get("prefix"), "CloudTrail-") {
						t.Errorf("a sibling of the logs is listed: %v", q)
					}
				}
			}
		})
	}
}

func TestS3NoTrail(t *testing.T) {
	const log = "AWSLogs/111122223333/CloudTrail/us-east-1/2026/11/20/111122223333_CloudTrail_us-east-1_20261120T1200Z_0.json.gz"
	tests := []struct {
		name, prefix string
		keys         []string
		words        []string
	}{
		{"empty bucket", "", nil, []string{"s3://logs/", "check the bucket"}},
		{"other things", "", []string{"data/x", "web/y"}, []string{`"data/", "web/"`}},
		{"other prefix", "elsewhere", []string{log}, []string{"s3://logs/elsewhere", "--prefix"}},
		{"slash in front", "/AWSLogs/", []string{log}, []string{"leave it out"}},
		{"other services only", "", []string{"AWSLogs/111122223333/Config/us-east-1/x"}, []string{"AWSLogs/"}},
		{"digests only", "AWSLogs/111122223333/CloudTrail-Digest/", []string{"AWSLogs/111122223333/CloudTrail-Digest/us-east-1/2026/11/20/x.json.gz", log}, []string{"CloudTrail-Digest/"}},
		{"region without logs", "AWSLogs/111122223333/CloudTrail/eu-west-1/", []string{log}, []string{"eu-west-1"}},
		{"control characters", "a\nb\u202e/", []string{log}, []string{"s3://logs/"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := (&s3Stub{}).serve(t, S3Config{Prefix: test.prefix}, test.keys...)
			keys, problems, err := listKeys(t, s)
			oneLineError(t, err, test.words...)
			if !errors.Is(err, ErrNoTrail) {
				t.Errorf("%v is not ErrNoTrail", err)
			}
			if len(keys) > 0 || len(problems) > 0 {
				t.Errorf("keys %v, problems %v", keys, problems)
			}
		})
	}
}

// A trail that has nothing in the window is no error, however the prefix is
// given, and neither is a filter that leaves nothing.
func TestS3EmptyWindow(t *testing.T) {
	keys := logKeys("AWSLogs/", "111122223333", "us-east-1", "2026-11-20T12:00:00Z", 3, time.Hour)
	later := time.Date(2026, 11, 25, 0, 0, 0, 0, time.UTC)
	for _, cfg := range []S3Config{
		{Since: later},
		{Since: later, Prefix: "AWSLogs/111122223333/CloudTrail/us-east-1/"},
		{Since: later, Prefix: "AWSLogs/111122223333/CloudTrail/us-east-1/2026/11/20"},
		{Accounts: []string{"999999999999"}},
		{Regions: []string{"eu-west-1"}},
	} {
		s := (&s3Stub{}).serve(t, cfg, keys...)
		if got := mustList(t, s); len(got) > 0 {
			t.Errorf("%+v: %v", cfg, got)
		}
		if got := s.Accounts(); !slices.Equal(got, []string{"111122223333"}) {
			t.Errorf("%+v: accounts %v", cfg, got)
		}
	}
}

// Discovery looks into each account once, and only into those that are read.
func TestS3ManyAccounts(t *testing.T) {
	var keys, want []string
	for i := range 1200 {
		for _, region := range []string{"eu-west-1", "us-east-1"} {
			key := logKeys("AWSLogs/o-abcdef1234/", fmt.Sprintf("%012d", i), region, "2026-11-20T12:00:00Z", 1, 0)
			keys = append(keys, key...)
			if region == "us-east-1" && i%100 == 7 {
				want = append(want, key...)
			}
		}
	}
	stub := &s3Stub{}
	cfg := S3Config{Regions: []string{"us-east-1"}}
	for i := 7; i < 1200; i += 100 {
		cfg.Accounts = append(cfg.Accounts, fmt.Sprintf("%012d", i))
	}
	s := stub.serve(t, cfg, keys...)
	if got := mustList(t, s); !slices.Equal(got, want) {
		t.Errorf("got %d keys, want %d", len(got), len(want))
	}
	// The root, AWSLogs/, two pages of accounts; then regions and logs of each.
	if n := len(stub.lists); n != 4+2*12 {
		t.Errorf("%d list requests", n)
	}
	if int64(len(stub.lists)) != s.ListRequests() {
		t.Errorf("%d requests counted, %d made", s.ListRequests(), len(stub.lists))
	}
	keys = keys[:400]
	all := (&s3Stub{}).serve(t, S3Config{}, keys...)
	if got := mustList(t, all); !slices.Equal(got, keys) {
		t.Errorf("got %d keys of 200 accounts, want %d", len(got), len(keys))
	}
}

// A bucket of other things is not searched for ever, and that is told.
func TestS3SearchIsBounded(t *testing.T) {
	log := logKeys("AWSLogs/", "111122223333", "us-east-1", "2026-11-20T12:00:00Z", 1, 0)[0]
	t.Run("folders", func(t *testing.T) {
		keys := []string{log}
		for i := range 2000 {
			keys = append(keys, fmt.Sprintf("%05d/x", i))
		}
		stub := &s3Stub{}
		got, problems, err := listKeys(t, stub.serve(t, S3Config{}, keys...))
		if err != nil || !slices.Equal(got, []string{log}) {
			t.Errorf("got %v, %v", got, err)
		}
		if len(problems) != 1 || !strings.Contains(problems[0].Error, "--prefix") {
			t.Errorf("problems: %v", problems)
		}
		if n := len(stub.lists); n > maxFolders+10 {
			t.Errorf("%d requests", n)
		}
	})
	t.Run("loose objects", func(t *testing.T) {
		keys := []string{log}
		for i := range 100 {
			keys = append(keys, fmt.Sprintf("%05d.jpg", i))
		}
		stub := &s3Stub{most: 2}
		got, problems, err := listKeys(t, stub.serve(t, S3Config{}, keys...))
		if err != nil || !slices.Equal(got, []string{log}) {
			t.Errorf("got %v, %v", got, err)
		}
		if len(problems) != 1 || !strings.Contains(problems[0].Error, "--prefix") {
			t.Errorf("problems: %v", problems)
		}
	})
}

// An account that may not be listed costs that account.
func TestS3DeniedFolder(t *testing.T) {
	const denied = "AWSLogs/222222222222/CloudTrail/"
	var keys []string
	for _, account := range []string{"111111111111", "222222222222", "333333333333"} {
		keys = append(keys, logKeys("AWSLogs/", account, "us-east-1", "2026-11-20T12:00:00Z", 1, 0)...)
	}
	stub := &s3Stub{before: func(w http.ResponseWriter, r *http.Request) bool {
		if !strings.HasPrefix(r.URL.Query().Get("prefix"), denied) {
			return false
		}
		s3Error(w, http.StatusForbidden, "AccessDenied", "Access Denied")
		return true
	}}
	s := stub.serve(t, S3Config{}, keys...)
	got, problems, err := listKeys(t, s)
	if err != nil || !slices.Equal(got, []string{keys[0], keys[2]}) {
		t.Errorf("got %v, %v", got, err)
	}
	want := []Problem{{Object: "s3://logs/" + denied, Offset: -1, Stage: StageList, Count: 1,
		Error: "list s3://logs/" + denied + ": access denied (AccessDenied: Access Denied); allow s3:ListBucket on arn:aws:s3:::logs to whoever runs the scan, or name a --prefix that may be listed; a requester-pays bucket needs --request-payer"}}
	if !slices.Equal(problems, want) {
		t.Errorf("problems: %+v", problems)
	}
	// It is the same trouble for a backfill, and told once.
	needs := []Need{{Account: "222222222222", Time: time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC).Unix()}}
	for range 2 {
		if err := s.Backfill(t.Context(), needs, func(Chunk) error { return errors.New("emitted") }, func(p Problem) { t.Errorf("told again: %v", p) }); err != nil {
			t.Error(err)
		}
	}
}
