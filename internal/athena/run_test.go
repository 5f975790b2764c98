package athena

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/ratelimit"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/trailscan/trailscan/internal/athenatest"
	"github.com/trailscan/trailscan/internal/ingest"
	"github.com/trailscan/trailscan/internal/s3test"
)

// gateway is the S3 server where results lie, nil where there is none.
var gateway *s3test.Gateway

func TestMain(m *testing.M) {
	os.Exit(func() int {
		var err error
		if gateway, err = s3test.Start(); err != nil {
			if os.Getenv("CI") == "true" {
				fmt.Fprintln(os.Stderr, err)
				return 1
			}
			gateway = nil
		} else {
			defer gateway.Stop()
		}
		return m.Run()
	}())
}

// bench is a runner with the stand-ins that it speaks to.
type bench struct {
	*Runner
	server  *athenatest.Server
	objects *s3.Client
	notes   []string
	waited  []time.Duration
	onWait  func()
}

var clock = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

// newBench makes a runner whose queries are answered by answer. Its results lie
// in the bucket results, or in the API only where there is no server.
func newBench(t *testing.T, server *athenatest.Server) *bench {
	t.Helper()
	t.Setenv("AWS_ACCESS_KEY_ID", s3test.Key)
	t.Setenv("AWS_SECRET_ACCESS_KEY", s3test.Secret)
	t.Setenv("AWS_CONFIG_FILE", os.DevNull)
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", os.DevNull)
	ctx := context.Background()
	web := httptest.NewServer(server)
	t.Cleanup(web.Close)
	b := &bench{server: server}
	wait := func(ctx context.Context, d time.Duration) error {
		b.waited = append(b.waited, d)
		if b.onWait != nil {
			b.onWait()
		}
		return context.Cause(ctx)
	}
	url := "http://127.0.0.1:1"
	if gateway != nil {
		url = gateway.URL
	}
	cfg, err := ingest.LoadAWS(ctx, ingest.AWSOptions{EndpointURL: url})
	if err != nil {
		t.Fatal(err)
	}
	b.objects = s3.NewFromConfig(cfg)
	cfg.Retryer = func() aws.Retryer {
		return retry.NewStandard(func(o *retry.StandardOptions) {
			o.MaxAttempts, o.RateLimiter = 10, ratelimit.None
			o.Backoff = retry.BackoffDelayerFunc(func(int, error) (time.Duration, error) { return 0, nil })
		})
	}
	b.Runner = &Runner{
		Client:    NewClient(cfg, web.URL),
		Bucket:    func(name string) *ingest.S3 { return ingest.NewS3(ingest.S3Config{Client: b.objects, Bucket: name}) },
		Workgroup: "primary",
		Note:      func(format string, args ...any) { b.notes = append(b.notes, fmt.Sprintf(format, args...)) },
		Wait:      wait,
	}
	return b
}

// storing makes the stand-in write results into a bucket of the S3 server.
func (b *bench) storing(t *testing.T) {
	t.Helper()
	if gateway == nil {
		t.Skip("no S3 server to test with")
	}
	ctx := context.Background()
	bucket := "results-" + random(4)
	if _, err := b.objects.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: aws.String(bucket)}); err != nil {
		t.Fatal(err)
	}
	b.Output = "s3://" + bucket + "/trailscan"
	b.server.Put = func(bucket, key string, body []byte) error {
		_, err := b.objects.PutObject(ctx, &s3.PutObjectInput{Bucket: aws.String(bucket), Key: aws.String(key), Body: bytes.NewReader(body)})
		return err
	}
}

// stored are the keys of the bucket of results.
func (b *bench) stored(t *testing.T) []string {
	t.Helper()
	bucket, _, _ := cutURL(b.Output)
	out, err := b.objects.ListObjectsV2(context.Background(), &s3.ListObjectsV2Input{Bucket: aws.String(bucket)})
	if err != nil {
		t.Fatal(err)
	}
	var keys []string
	for _, o := range out.Contents {
		keys = append(keys, *o.Key)
	}
	return keys
}

// verbs are what the server was asked to do, in short.
func (b *bench) verbs() []string {
	var list []string
	for _, q := range b.server.Queries() {
		verb, _, _ := strings.Cut(q.Text, " ")
		if strings.HasPrefix(q.Text, "  SELECT") {
			verb = "PROBE"
		}
		if q.Stopped {
			verb += " stopped"
		}
		list = append(list, strings.TrimSpace(verb))
	}
	return list
}

var (
	twoAccounts = ingest.Trail{Root: "AWSLogs/", Accounts: []ingest.TrailAccount{
		{ID: "111122223333", Regions: []string{"eu-west-1"}}, {ID: "444455556666", Regions: []string{"eu-west-1", "us-east-1"}},
	}}
	logs = Table{Database: "default", Bucket: "trail-logs", Trail: twoAccounts}
)

func plan() Plan {
	return Plan{
		Scan:   Scan{Since: clock.Add(-24 * time.Hour), Until: clock, Lookback: 12 * time.Hour, Before: 15 * time.Minute, After: time.Hour},
		Tables: []Table{logs}, Now: clock,
	}
}

// oneObject is an object of a table, of which nothing is known.
func oneObject(Table) (Sample, bool) {
	return NewSample(ingest.Chunk{
		Name: "s3://trail-logs/AWSLogs/111122223333/CloudTrail/eu-west-1/2026/11/24/x.json.gz", Account: "111122223333", Region: "eu-west-1", Stamp: clock,
	}), true
}

// runAll makes the tables and runs the queries of a plan.
func (b *bench) runAll(ctx context.Context, p Plan) ([]Result, error) {
	var err error
	if p.Tables, err = b.Create(ctx, p.Tables, oneObject); err != nil {
		return nil, err
	}
	parts, err := p.Parts()
	if err != nil {
		return nil, err
	}
	return b.Run(ctx, parts)
}

// selects makes an answer function of what rollup queries get.
func selects(answer func(n int, query string) athenatest.Answer) func(string) athenatest.Answer {
	n := 0
	return func(query string) athenatest.Answer {
		if !strings.HasPrefix(query, "WITH records") {
			return athenatest.Answer{}
		}
		n++
		return answer(n, query)
	}
}

// header are the rows of a result that has none but the one that every has.
func header(query string) [][]*string {
	_, rest, _ := strings.Cut(query, "SELECT '[\"scan\"")
	entry, _, _ := strings.Cut(rest, "' AS entry")
	return athenatest.Table(resultColumns, []string{`["scan"` + entry, "0", "0", "", "", ""})
}

// readerHeader reads what a result says about itself.
func readerHeader(r io.Reader) (Header, error) {
	text, err := io.ReadAll(r)
	if err != nil {
		return Header{}, err
	}
	return headerOf(string(text))
}

func TestRun(t *testing.T) {
	b := newBench(t, &athenatest.Server{Busy: 12, Throttled: 3, Answer: selects(func(n int, query string) athenatest.Answer {
		return athenatest.Answer{Rows: header(query), Scanned: 3 << 30, Steps: 6}
	})})
	b.storing(t)
	ctx := context.Background()
	var scanned []int64 // as who waits sees it
	queued := false
	b.onWait = func() {
		scanned = append(scanned, b.Progress.Scanned.Load()>>29)
		queued = queued || b.Progress.Queued.Load()
	}
	results, err := b.runAll(ctx, plan())
	if err != nil {
		t.Fatal(err)
	}
	if !queued || b.Progress.Queued.Load() || !slices.IsSorted(scanned) || len(slices.Compact(scanned)) < 5 {
		t.Errorf("the progress was %v half GiB, waiting for its turn %v and at the end %v", scanned, queued, b.Progress.Queued.Load())
	}
	if len(results) != 1 || results[0].Scanned != 3<<30 || b.Progress.Scanned.Load() != 3<<30 || b.Progress.Queries.Load() != 1 {
		t.Errorf("results %+v, progress %d bytes", results, b.Progress.Scanned.Load())
	}
	var got Header
	if err := b.Read(ctx, results[0], func(r io.Reader) (err error) { got, err = readerHeader(r); return err }); err != nil {
		t.Fatal(err)
	}
	if !got.Scan.Since.Equal(plan().Scan.Since) || got.Evidence || got.Count != 1 {
		t.Errorf("header %+v", got)
	}
	if !slices.Contains(b.waited, startPause) || !slices.Contains(b.waited, pollMost) {
		t.Errorf("waited %v: not for a free place, or never long between two questions", b.waited)
	}
	if len(b.notes) != 1 || !strings.Contains(b.notes[0], "too many queries run") {
		t.Errorf("notes %q", b.notes)
	}
	if keys := b.stored(t); len(keys) == 0 {
		t.Error("no result was stored")
	}
	b.Close(ctx)
	if got, want := b.verbs(), []string{"CREATE", "PROBE", "WITH", "DROP"}; !slices.Equal(got, want) {
		t.Errorf("queries %q, want %q", got, want)
	}
	if keys := b.stored(t); len(keys) > 0 {
		t.Errorf("left behind %q", keys)
	}
}

func TestKeep(t *testing.T) {
	b := newBench(t, &athenatest.Server{Answer: func(query string) athenatest.Answer { return athenatest.Answer{Rows: header(query)} }})
	b.storing(t)
	b.Keep = true
	if _, err := b.runAll(context.Background(), plan()); err != nil {
		t.Fatal(err)
	}
	b.Close(context.Background())
	if verbs := b.verbs(); slices.Contains(verbs, "DROP") || len(b.stored(t)) == 0 {
		t.Errorf("queries %q, objects %q", verbs, b.stored(t))
	}
	if create := b.server.Queries()[0].Text; !strings.HasPrefix(create, "CREATE EXTERNAL TABLE IF NOT EXISTS `default`.`"+logs.KeptName()+"` (") {
		t.Errorf("a kept table is found again by its name: %.120s", create)
	}
}

// TestFailures holds what is said and done when something fails. Each case still
// drops the table.
func TestFailures(t *testing.T) {
	failing := func(reason string) func(string) athenatest.Answer {
		return selects(func(int, string) athenatest.Answer { return athenatest.Answer{Failure: reason, Steps: 1} })
	}
	for name, test := range map[string]struct {
		server *athenatest.Server
		change func(*bench)
		want   []string // what the error says
		verbs  []string
	}{
		"a reason": {
			server: &athenatest.Server{Answer: failing("SYNTAX_ERROR: line 1:8: Column 'x' cannot be resolved")},
			want:   []string{"query 00000003-", "use of role sessions, part 1 of 1", "failed: SYNTAX_ERROR: line 1:8"},
			verbs:  []string{"CREATE", "PROBE", "WITH", "DROP"},
		},
		"no reason": {
			server: &athenatest.Server{Answer: selects(func(int, string) athenatest.Answer { return athenatest.Answer{Cancelled: true} })},
			want:   []string{"cancelled: no reason was given"},
			verbs:  []string{"CREATE", "PROBE", "WITH", "DROP"},
		},
		"throttled by S3 for good": {
			server: &athenatest.Server{Answer: failing("HIVE_S3_THROTTLING: please reduce your request rate")},
			want:   []string{"HIVE_S3_THROTTLING", "run it again later"},
			verbs:  []string{"CREATE", "PROBE", "WITH", "WITH", "WITH", "DROP"},
		},
		"the workgroup's limit": {
			server: &athenatest.Server{Answer: selects(func(int, string) athenatest.Answer {
				return athenatest.Answer{Cancelled: true, Failure: "Query cancelled! : Bytes scanned limit was exceeded"}
			})},
			want:  []string{"Bytes scanned limit was exceeded", "raise the limit of the workgroup"},
			verbs: []string{"CREATE", "PROBE", "WITH", "DROP"},
		},
		"no permission": {
			server: &athenatest.Server{Answer: failing("Access Denied: Insufficient permissions to execute the query. User is not authorized to perform: glue:GetTable")},
			want:   []string{"glue:GetTable", "docs/iam-athena.json"},
			verbs:  []string{"CREATE", "PROBE", "WITH", "DROP"},
		},
		"no database": {
			server: &athenatest.Server{Answer: func(query string) athenatest.Answer {
				if strings.HasPrefix(query, "CREATE") {
					return athenatest.Answer{Failure: "FAILED: SemanticException [Error 10072]: Database does not exist: default"}
				}
				return athenatest.Answer{}
			}},
			want:  []string{"make table default.trailscan_", "Database does not exist", "--athena-database"},
			verbs: []string{"CREATE", "DROP"},
		},
		"no workgroup": {
			server: &athenatest.Server{Workgroups: map[string]string{"other": ""}},
			want:   []string{"WorkGroup primary is not found", "--workgroup"},
		},
		"no place for results": {
			server: &athenatest.Server{Put: func(string, string, []byte) error { return nil }},
			want:   []string{"no place for the results", "--athena-output s3://BUCKET/PREFIX"},
		},
		"too many queries for good": {
			server: &athenatest.Server{Busy: 1000},
			want:   []string{"still throttled", "exceeded the limit for the number of queries"},
		},
		"expired half-way": {
			server: &athenatest.Server{Expire: 8, Answer: selects(func(int, string) athenatest.Answer { return athenatest.Answer{Steps: 50} })},
			want:   []string{"the credentials have expired", "get new ones", "aws athena stop-query-execution --query-execution-id 00000003-"},
			verbs:  []string{"CREATE", "PROBE", "WITH"},
		},
		"past the bound": {
			server: &athenatest.Server{Answer: selects(func(int, string) athenatest.Answer { return athenatest.Answer{Steps: 50, Scanned: 50 << 30} })},
			change: func(b *bench) { b.MaxScan = 10 << 30 },
			want:   []string{"more than the 10737418240 of --max-scan-bytes", "were stopped"},
			verbs:  []string{"CREATE", "PROBE", "WITH stopped", "DROP"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			if test.server.Answer == nil {
				test.server.Answer = func(string) athenatest.Answer { return athenatest.Answer{} }
			}
			b := newBench(t, test.server)
			if test.change != nil {
				test.change(b)
			}
			_, err := b.runAll(context.Background(), plan())
			if err == nil {
				t.Fatal("no error")
			}
			for _, want := range test.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error %q does not say %q", err, want)
				}
			}
			b.Close(context.Background())
			if got := b.verbs(); !slices.Equal(got, test.verbs) {
				t.Errorf("queries %q, want %q", got, test.verbs)
			}
			if name == "expired half-way" && !slices.ContainsFunc(b.notes, func(n string) bool { return strings.HasPrefix(n, "left behind: table default.trailscan_") }) {
				t.Errorf("notes %q do not say which table is left", b.notes)
			}
		})
	}
}

// TestPassing holds that what passes is tried again.
func TestPassing(t *testing.T) {
	b := newBench(t, &athenatest.Server{Answer: selects(func(n int, query string) athenatest.Answer {
		if n < queryAttempts {
			return athenatest.Answer{Failure: "HIVE_CURSOR_ERROR: SlowDown", Scanned: 1 << 40}
		}
		return athenatest.Answer{Rows: header(query), Scanned: 1000}
	})})
	results, err := b.runAll(context.Background(), plan())
	if err != nil || len(results) != 1 {
		t.Fatal(results, err)
	}
	if b.Progress.Scanned.Load() != 1000 {
		t.Errorf("%d bytes: failed queries are not billed", b.Progress.Scanned.Load())
	}
	if !slices.Contains(b.waited, queryPause) {
		t.Errorf("waited %v", b.waited)
	}
}

// TestExhausted holds that a query which is too much is split: by accounts, then
// by time.
func TestExhausted(t *testing.T) {
	b := newBench(t, &athenatest.Server{Answer: selects(func(n int, query string) athenatest.Answer {
		if n <= 2 {
			return athenatest.Answer{Failure: "Query exhausted resources at this scale factor"}
		}
		return athenatest.Answer{Rows: header(query)}
	})})
	results, err := b.runAll(context.Background(), plan())
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range results {
		got = append(got, fmt.Sprint(r.Part.From[0].Accounts, r.Part.Since.Format(" 02T15"), r.Part.Until.Format(" 02T15")))
	}
	want := []string{"[111122223333] 23T12 24T00", "[111122223333] 24T00 24T12", "[444455556666] 23T12 24T12"}
	if !slices.Equal(got, want) {
		t.Errorf("parts %q, want %q", got, want)
	}
	if p := &b.Progress; p.Queries.Load() != 3 || p.Parts.Load() != 3 {
		t.Errorf("progress %d of %d", p.Queries.Load(), p.Parts.Load())
	}
}

// TestStopped holds that an interrupt stops the query and sends off the drop.
func TestStopped(t *testing.T) {
	stop := errors.New("stopped by a signal")
	for name, starting := range map[string]bool{"while it runs": false, "while it starts": true} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancelCause(context.Background())
			b := newBench(t, &athenatest.Server{})
			b.server.Answer = selects(func(int, string) athenatest.Answer {
				if starting {
					cancel(stop)
				}
				return athenatest.Answer{Steps: 1000}
			})
			polls := 0
			b.onWait = func() {
				if polls++; polls == 20 {
					cancel(stop)
				}
			}
			_, err := b.runAll(ctx, plan())
			if !errors.Is(err, stop) {
				t.Fatal(err)
			}
			b.Close(ctx)
			if got, want := b.verbs(), []string{"CREATE", "PROBE", "WITH stopped", "DROP"}; !slices.Equal(got, want) {
				t.Errorf("queries %q, want %q", got, want)
			}
		})
	}
}

// TestPages holds that a result which stands in no bucket is read from the API.
func TestPages(t *testing.T) {
	b := newBench(t, &athenatest.Server{Answer: selects(func(_ int, query string) athenatest.Answer {
		rows := header(query)
		for i := range 2*athenatest.MaxPage + 7 {
			rows = append(rows, athenatest.Table([]string{readEntry(fmt.Sprint(i)), "1", "0", "000000000000", "0", ""})...)
		}
		return athenatest.Answer{Rows: rows}
	})})
	ctx := context.Background()
	results, err := b.runAll(ctx, plan())
	if err != nil {
		t.Fatal(err)
	}
	accounts := map[string]bool{}
	err = b.Read(ctx, results[0], func(r io.Reader) error {
		return ReadRows(ctx, r, "result", Rows{Read: func(id string) { accounts[id] = true }})
	})
	if err != nil || len(accounts) != 2*athenatest.MaxPage+7 {
		t.Errorf("%d accounts, %v", len(accounts), err)
	}
}

// TestPagesFail holds what is said of a result that cannot be read to its end: it
// is never taken for a whole one.
func TestPagesFail(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*athenatest.Server, int)
		want   []string
	}{
		"expired half-way": {func(s *athenatest.Server, requests int) { s.Expire = requests + 1 }, []string{"read the result of query 00000003-", "the credentials have expired"}},
		"repeated pages":   {func(s *athenatest.Server, _ int) { s.Repeat = true }, []string{"the result of query 00000003-", "repeats a page"}},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, &athenatest.Server{Answer: selects(func(_ int, query string) athenatest.Answer {
				rows := header(query)
				for i := range athenatest.MaxPage + 7 {
					rows = append(rows, athenatest.Table([]string{readEntry(fmt.Sprint(i)), "1", "0", "000000000000", "0", ""})...)
				}
				return athenatest.Answer{Rows: rows}
			})})
			ctx := context.Background()
			results, err := b.runAll(ctx, plan())
			if err != nil {
				t.Fatal(err)
			}
			test.change(b.server, b.server.Requests())
			rows := 0
			err = b.Read(ctx, results[0], func(r io.Reader) error {
				return ReadRows(ctx, r, "result", Rows{Read: func(string) { rows++ }})
			})
			if err == nil || rows == 0 {
				t.Fatalf("%d rows, %v", rows, err)
			}
			for _, want := range test.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error %q does not say %q", err, want)
				}
			}
		})
	}
}

// TestHints holds what is advised for the reasons that Athena gives.
func TestHints(t *testing.T) {
	for reason, want := range map[string]string{
		"Query exhausted resources at this scale factor": "narrow the window, or name accounts",
		"Query timeout": "narrow the window, or name accounts",
		"EXCEEDED_LOCAL_MEMORY_LIMIT: Query exceeded per-node memory limit of 14GB":                            "narrow the window, or name accounts",
		"HIVE_CURSOR_ERROR: Please reduce your request rate. (Service: Amazon S3; Status Code: 503; SlowDown)": "run it again later",
		"HIVE_S3_THROTTLING: rate":    "run it again later",
		"INTERNAL_ERROR_QUERY_ENGINE": "run it again later",
		"HIVE_CURSOR_ERROR: Access Denied (Service: Amazon S3; Status Code: 403; Error Code: AccessDenied)": "docs/iam-athena.json",
		"Insufficient Lake Formation permission(s) on trailscan_1a (Service: AmazonDataCatalog)":            "docs/iam-athena.json",
		"Query cancelled! : Bytes scanned limit was exceeded":                                               "raise the limit of the workgroup",
		"TABLE_NOT_FOUND: line 57:8: Table 'awsdatacatalog.default.trailscan_1a' does not exist":            "somebody dropped the table",
		"FAILED: SemanticException [Error 10072]: Database does not exist: audits":                          "--athena-database",
		"SCHEMA_NOT_FOUND: line 1:8: Schema 'audits' does not exist":                                        "--athena-database",
		"SYNTAX_ERROR: line 3:5: mismatched input":                                                          "",
	} {
		got := (&QueryError{Reason: reason}).hint()
		if want == "" && got != "" || !strings.Contains(got, want) {
			t.Errorf("%q: %q is advised, not %q", reason, got, want)
		}
	}
}

// TestUnreadable holds that a result whose object cannot be read is taken from
// the API.
func TestUnreadable(t *testing.T) {
	b := newBench(t, &athenatest.Server{Answer: selects(func(_ int, query string) athenatest.Answer { return athenatest.Answer{Rows: header(query)} })})
	b.storing(t)
	put := b.server.Put
	b.server.Put = func(bucket, key string, body []byte) error { return put(bucket, "elsewhere/"+key, body) }
	ctx := context.Background()
	results, err := b.runAll(ctx, plan())
	if err != nil {
		t.Fatal(err)
	}
	err = b.Read(ctx, results[0], func(r io.Reader) error { _, err := readerHeader(r); return err })
	if err != nil || len(b.notes) != 1 || !strings.Contains(b.notes[0], "a thousand at a time") {
		t.Errorf("error %v, notes %q", err, b.notes)
	}
}

// readEntry is the entry of an account of which nothing lies in the window.
func readEntry(account string) string {
	return `["read",null,null,null,"` + account + `"` + strings.Repeat(",null", len(fields)-1) + "]"
}

// TestDocumented holds that a table whose identities cannot be read is made with
// the members that AWS documents, and that it is said what that costs.
func TestDocumented(t *testing.T) {
	b := newBench(t, &athenatest.Server{Answer: func(query string) athenatest.Answer {
		if strings.HasPrefix(query, "  SELECT") && strings.Contains(query, "inscopeof") {
			return athenatest.Answer{Failure: "HIVE_BAD_DATA: Error parsing a column in the table"}
		}
		return athenatest.Answer{Rows: header(query)}
	}})
	results, err := b.runAll(context.Background(), plan())
	if err != nil {
		t.Fatal(err)
	}
	if got, want := b.verbs(), []string{"CREATE", "PROBE", "DROP", "CREATE", "PROBE", "WITH"}; !slices.Equal(got, want) {
		t.Errorf("queries %q, want %q", got, want)
	}
	if query := results[0].Part.Query(); strings.Contains(query, "useridentity.inscopeof") {
		t.Error("the query still asks for inScopeOf")
	}
	if len(b.notes) != 1 || !strings.Contains(b.notes[0], "inScopeOf") || !strings.Contains(b.notes[0], "HIVE_BAD_DATA") {
		t.Errorf("notes %q", b.notes)
	}
	b.Close(context.Background())
	if verbs := b.verbs(); verbs[len(verbs)-1] != "DROP" || len(verbs) != 7 {
		t.Errorf("queries %q", verbs)
	}
}
