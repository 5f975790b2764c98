package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/klauspost/compress/zstd"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/trailscan/trailscan/internal/athena"
	"github.com/trailscan/trailscan/internal/athenatest"
	"github.com/trailscan/trailscan/internal/ingest"
	"github.com/trailscan/trailscan/internal/s3test"
)

// TestRollupScript runs the cases of testdata/rollup. In them $ROLLUP is that
// folder, whose string-value.csv is what the queries over the trail of that name
// give; a test beside the program holds it to the queries.
func TestRollupScript(t *testing.T) {
	dir, err := filepath.Abs("testdata/rollup")
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, scripts(t, "testdata/rollup", func(env *testscript.Env) { env.Setenv("ROLLUP", dir) }))
}

// TestRollupCompressed holds that results which were compressed are read by what
// they hold.
func TestRollupCompressed(t *testing.T) {
	text, err := os.ReadFile("testdata/rollup/string-value.csv")
	if err != nil {
		t.Fatal(err)
	}
	read := func(name string) string {
		t.Helper()
		var stdout, stderr strings.Builder
		c := &clock{now: noon, ticks: make(chan time.Time)}
		if status := run(t.Context(), process{
			args: []string{"--from-rollup", name, "--format", "csv"}, stdin: strings.NewReader(""), stdout: &stdout, stderr: &stderr,
			getenv: os.Getenv, now: func() time.Time { return noon }, every: c.every,
		}); status != exitOK {
			return fmt.Sprint(status, " ", stderr.String())
		}
		return stdout.String()
	}
	want := read("testdata/rollup/string-value.csv")
	var zipped, packed bytes.Buffer
	gz := gzip.NewWriter(&zipped)
	gz.Write(text)
	zst, err := zstd.NewWriter(&packed)
	if err != nil {
		t.Fatal(err)
	}
	zst.Write(text)
	if err := errors.Join(gz.Close(), zst.Close()); err != nil {
		t.Fatal(err)
	}
	for name, body := range map[string][]byte{"a.csv.gz": zipped.Bytes(), "b": zipped.Bytes(), "c.csv.zst": packed.Bytes()} {
		file := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(file, body, 0o644); err != nil {
			t.Fatal(err)
		}
		if got := read(file); got != want {
			t.Errorf("%s: %.300s", name, got)
		}
		if err := os.Truncate(file, int64(len(body))-20); err != nil {
			t.Fatal(err)
		}
		if got := read(file); !strings.Contains(got, "the file ends early: fetch it again") {
			t.Errorf("%s, cut off: %.300s", name, got)
		}
	}
}

// startAthena starts a stand-in of Athena beside an S3 server and gives its URL. It
// answers with what the queries over the trail string-value give; the database
// broken makes queries fail, and tables of the database blind show no events.
func startAthena(t *testing.T, s3URL string) string {
	t.Helper()
	cfg, err := ingest.LoadAWS(t.Context(), ingest.AWSOptions{EndpointURL: s3URL})
	if err != nil {
		t.Fatal(err)
	}
	client := s3.NewFromConfig(cfg)
	rows := readTable(t, "testdata/rollup/string-value.csv")
	web := httptest.NewServer(&athenatest.Server{
		Workgroups: map[string]string{"primary": "", "audits": "s3://reports/audits/"},
		Put: func(bucket, key string, body []byte) error {
			_, err := client.PutObject(context.Background(), &s3.PutObjectInput{Bucket: aws.String(bucket), Key: aws.String(key), Body: bytes.NewReader(body)})
			return err
		},
		Answer: func(query string) athenatest.Answer {
			switch {
			case strings.HasPrefix(query, "  SELECT") && strings.Contains(query, `"blind"`):
				return athenatest.Answer{}
			case strings.HasPrefix(query, "  SELECT"):
				return athenatest.Shown(query)
			case !strings.HasPrefix(query, "WITH records"):
				return athenatest.Answer{}
			case strings.Contains(query, `"broken"`):
				return athenatest.Answer{Failure: "HIVE_CURSOR_ERROR: Row is not a valid JSON Object"}
			case strings.Contains(query, `"evidence"`):
				return athenatest.Answer{Rows: rows[:1]}
			}
			return athenatest.Answer{Rows: rows, Scanned: 30_000_000_000, Steps: 1}
		},
	})
	t.Cleanup(web.Close)
	return web.URL
}

// TestAthenaScript runs the cases of testdata/athena against a real S3 server,
// filled as for TestS3Script, and a stand-in of Athena.
func TestAthenaScript(t *testing.T) {
	gateway := startS3(t)
	fill(t, gateway.URL)
	web := startAthena(t, gateway.URL)
	testscript.Run(t, scripts(t, "testdata/athena", func(env *testscript.Env) {
		env.Setenv("AWS_ACCESS_KEY_ID", s3test.Key)
		env.Setenv("AWS_SECRET_ACCESS_KEY", s3test.Secret)
		env.Setenv("AWS_REGION", "us-east-1")
		env.Setenv("AWS_ENDPOINT_URL", gateway.URL)
		env.Setenv("AWS_ENDPOINT_URL_ATHENA", web)
	}))
}

// ofAthena reports whether an operation is called with --engine athena only.
func ofAthena(operation string) bool {
	return strings.HasPrefix(operation, "athena.") || operation == "s3.DeleteObject"
}

// permission is an action on a resource of S3, Athena or Glue.
type permission struct{ action, resource string }

// What Athena does in the caller's name to run a statement on a partitioned
// table, by the documentation's examples. No stand-in shows that:
// https://docs.aws.amazon.com/athena/latest/ug/fine-grained-access-to-glue-resources.html
var glueActions = map[string][]string{
	"CREATE": {"glue:GetDatabase", "glue:GetDatabases", "glue:GetTable", "glue:GetTables", "glue:GetPartitions", "glue:CreateTable"},
	"SELECT": {"glue:GetDatabase", "glue:GetTable"},
	"DROP":   {"glue:GetDatabase", "glue:GetTable", "glue:DeleteTable", "glue:GetPartition", "glue:GetPartitions", "glue:DeletePartition"},
}

// resultActions are what it does to write a result, beside PutObject, by the
// managed policy AmazonAthenaFullAccess:
// https://docs.aws.amazon.com/aws-managed-policy/latest/reference/AmazonAthenaFullAccess.html
var resultActions = []permission{
	{"s3:GetBucketLocation", "arn:aws:s3:::query-results"},
	{"s3:ListBucket", "arn:aws:s3:::query-results"},
	{"s3:ListBucketMultipartUploads", "arn:aws:s3:::query-results"},
	{"s3:AbortMultipartUpload", "arn:aws:s3:::query-results/trailscan/x.csv"},
	{"s3:ListMultipartUploadParts", "arn:aws:s3:::query-results/trailscan/x.csv"},
}

// TestAthenaPolicy holds the IAM policy of the documentation to what scans with
// --engine athena call and what Athena does in their name: it allows all of that
// where it happens, and no action beside.
func TestAthenaPolicy(t *testing.T) {
	if testing.Short() {
		t.Skip("builds and runs an S3 server")
	}
	used := athenaPermissions(t)
	// The gateway encrypts nothing, and a bucket's region needs no question here.
	used[permission{"kms:Decrypt", "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"}] = true
	used[permission{"s3:GetBucketLocation", "arn:aws:s3:::trail-logs"}] = true
	for _, p := range resultActions {
		used[p] = true
	}

	var policy struct {
		Version   string
		Statement []struct {
			Sid, Effect      string
			Action, Resource any
			Condition        map[string]map[string]any
		}
	}
	dec := json.NewDecoder(strings.NewReader(readDoc(t, "docs/iam-athena.json")))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&policy); err != nil {
		t.Fatal(err)
	}
	if policy.Version != "2012-10-17" {
		t.Errorf("version %q", policy.Version)
	}
	page := readDoc(t, "docs/athena.md")
	list := func(v any) []string {
		if one, ok := v.(string); ok {
			return []string{one}
		}
		var all []string
		for _, e := range v.([]any) {
			all = append(all, e.(string))
		}
		return all
	}
	needless := map[string]string{} // actions that nothing used, with their statement
	for _, s := range policy.Statement {
		if s.Effect != "Allow" || !strings.Contains(page, "`"+s.Sid+"`") {
			t.Errorf("statement %s: %s, which docs/athena.md must explain", s.Sid, s.Effect)
		}
		for _, action := range list(s.Action) {
			if strings.Contains(action, "*") {
				t.Errorf("statement %s allows %s", s.Sid, action)
			}
			needless[s.Sid+" "+action] = action
			for _, resource := range list(s.Resource) {
				if strings.HasPrefix(resource, "*") || !strings.HasPrefix(resource, "arn:aws:") {
					t.Errorf("statement %s allows it on %s", s.Sid, resource)
				}
				for p := range used {
					if p.action == action && covers(resource, p.resource) {
						delete(needless, s.Sid+" "+action)
						used[p] = false
					}
				}
			}
		}
	}
	for p, denied := range used {
		if denied {
			t.Errorf("the policy does not allow %s on %s", p.action, p.resource)
		}
	}
	for where := range needless {
		t.Errorf("the policy allows what nothing used: %s", where)
	}
}

// covers reports whether an ARN matches one of a policy, whose only wildcard is *.
func covers(pattern, arn string) bool {
	before, after, wild := strings.Cut(pattern, "*")
	if !wild {
		return pattern == arn
	}
	return strings.HasPrefix(arn, before) && strings.HasSuffix(arn[len(before):], after)
}

// athenaPermissions runs scans on Athena that come to all of its operations, and
// gives what they and Athena in their name did.
func athenaPermissions(t *testing.T) map[permission]bool {
	t.Helper()
	gateway, err := s3test.Start()
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	t.Cleanup(gateway.Stop)
	used := map[permission]bool{}
	var mu sync.Mutex
	target, err := url.Parse(gateway.URL)
	if err != nil {
		t.Fatal(err)
	}
	recorder := httptest.NewServer(&httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(target)
		r.Out.Host = r.In.Host // which is signed
		mu.Lock()
		defer mu.Unlock()
		used[s3Permission(r.In)] = true
	}})
	t.Cleanup(recorder.Close)
	for name, value := range map[string]string{
		"AWS_CONFIG_FILE": os.DevNull, "AWS_SHARED_CREDENTIALS_FILE": os.DevNull, "AWS_EC2_METADATA_DISABLED": "true",
		"AWS_ACCESS_KEY_ID": s3test.Key, "AWS_SECRET_ACCESS_KEY": s3test.Secret, "AWS_SESSION_TOKEN": "", "AWS_PROFILE": "", "AWS_REGION": "us-east-1",
		"AWS_ENDPOINT_URL": recorder.URL,
	} {
		t.Setenv(name, value)
	}
	fill(t, gateway.URL)
	cfg, err := ingest.LoadAWS(t.Context(), ingest.AWSOptions{EndpointURL: gateway.URL})
	if err != nil {
		t.Fatal(err)
	}
	client := s3.NewFromConfig(cfg)
	rows := readTable(t, "testdata/rollup/string-value.csv")
	put := func(bucket, key string, body []byte) error {
		mu.Lock()
		used[permission{"s3:PutObject", "arn:aws:s3:::" + bucket + "/" + key}] = true
		mu.Unlock()
		_, err := client.PutObject(context.Background(), &s3.PutObjectInput{Bucket: aws.String(bucket), Key: aws.String(key), Body: bytes.NewReader(body)})
		return err
	}
	for _, scan := range []struct {
		server *athenatest.Server
		args   []string
		status int
	}{
		{&athenatest.Server{Put: put}, []string{"--athena-output", "s3://query-results/trailscan/"}, exitOK},
		// Results that stand in the API alone, and a query that is stopped.
		{&athenatest.Server{}, nil, exitOK},
		{&athenatest.Server{}, []string{"--max-scan-bytes", "1GB"}, exitFailed},
	} {
		scanned, steps := int64(1<<20), 0
		if scan.status != exitOK {
			scanned, steps = 1<<40, 9
		}
		scan.server.Workgroups = map[string]string{"trailscan": ""}
		scan.server.Answer = func(query string) athenatest.Answer {
			switch {
			case strings.HasPrefix(query, "  SELECT"):
				return athenatest.Shown(query)
			case strings.HasPrefix(query, "WITH records"):
				return athenatest.Answer{Rows: rows, Scanned: scanned, Steps: steps}
			}
			return athenatest.Answer{}
		}
		web := httptest.NewServer(scan.server)
		t.Setenv("AWS_ENDPOINT_URL_ATHENA", web.URL)
		var stderr strings.Builder
		c := &clock{now: noon, ticks: make(chan time.Time)}
		status := run(t.Context(), process{
			args:  append([]string{"s3://trail-logs", "--since", "2026-11-02", "--until", "2026-11-03", "--format", "csv", "--engine", "athena", "--workgroup", "trailscan"}, scan.args...),
			stdin: strings.NewReader(""), stdout: io.Discard, stderr: &stderr, getenv: os.Getenv, now: time.Now, every: c.every,
		})
		web.Close()
		if status != scan.status {
			t.Fatalf("%q: exit status %d\n%s", scan.args, status, stderr.String())
		}
		for _, operation := range scan.server.Called() {
			used[permission{"athena:" + operation, "arn:aws:athena:eu-west-1:111122223333:workgroup/trailscan"}] = true
		}
		for _, q := range scan.server.Queries() {
			verb := strings.Fields(q.Text)[0]
			if verb == "WITH" {
				verb = "SELECT"
			}
			_, rest, _ := strings.Cut(strings.NewReplacer("`", "", `"`, "").Replace(q.Text), "default.")
			table := strings.Fields(rest)[0]
			for _, action := range glueActions[verb] {
				for _, resource := range []string{"catalog", "database/default", "table/default/" + table} {
					used[permission{action, "arn:aws:glue:eu-west-1:111122223333:" + resource}] = true
				}
			}
			if len(glueActions[verb]) == 0 {
				t.Errorf("nobody says what Athena needs for %.60s", q.Text)
			}
		}
	}
	return used
}

// TestAthenaUnlisted holds that accounts whose folders cannot be listed, and which
// are no part of the table therefore, are told and make the report incomplete.
func TestAthenaUnlisted(t *testing.T) {
	if testing.Short() {
		t.Skip("builds and runs an S3 server")
	}
	gateway, err := s3test.Start()
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	t.Cleanup(gateway.Stop)
	target, err := url.Parse(gateway.URL)
	if err != nil {
		t.Fatal(err)
	}
	behind := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(target)
		r.Out.Host = r.In.Host
	}}
	bucket := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Query().Get("prefix"), "AWSLogs/444455556666/") {
			w.WriteHeader(http.StatusForbidden)
			io.WriteString(w, "<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>")
			return
		}
		behind.ServeHTTP(w, r)
	}))
	t.Cleanup(bucket.Close)
	rows := readTable(t, "testdata/rollup/string-value.csv")
	server := &athenatest.Server{Answer: func(query string) athenatest.Answer {
		switch {
		case strings.HasPrefix(query, "  SELECT"):
			return athenatest.Shown(query)
		case strings.HasPrefix(query, "WITH records"):
			return athenatest.Answer{Rows: rows}
		}
		return athenatest.Answer{}
	}}
	web := httptest.NewServer(server)
	t.Cleanup(web.Close)
	for name, value := range map[string]string{
		"AWS_CONFIG_FILE": os.DevNull, "AWS_SHARED_CREDENTIALS_FILE": os.DevNull, "AWS_EC2_METADATA_DISABLED": "true",
		"AWS_ACCESS_KEY_ID": s3test.Key, "AWS_SECRET_ACCESS_KEY": s3test.Secret, "AWS_SESSION_TOKEN": "", "AWS_PROFILE": "", "AWS_REGION": "us-east-1",
		"AWS_ENDPOINT_URL": bucket.URL, "AWS_ENDPOINT_URL_ATHENA": web.URL,
	} {
		t.Setenv(name, value)
	}
	fill(t, gateway.URL)
	for _, command := range [][]string{{}, {"--dry-run"}} {
		var stdout, stderr strings.Builder
		c := &clock{now: noon, ticks: make(chan time.Time)}
		status := run(t.Context(), process{
			args:  append([]string{"s3://trail-logs", "--since", "2026-11-02", "--until", "2026-11-03", "--format", "json", "--engine", "athena"}, command...),
			stdin: strings.NewReader(""), stdout: &stdout, stderr: &stderr, getenv: os.Getenv, now: time.Now, every: c.every,
		})
		if status != exitIncomplete || !strings.Contains(stderr.String(), "s3://trail-logs/AWSLogs/444455556666/") || !strings.Contains(stderr.String(), "access denied") {
			t.Errorf("%q: exit status %d\n%s", command, status, stderr.String())
		}
		if len(command) == 0 && !strings.Contains(stdout.String(), `"complete": false`) {
			t.Errorf("the report is complete")
		}
	}
	if create := server.Queries()[0].Text; !strings.Contains(create, "'projection.account.values'='111122223333'") {
		t.Errorf("the table is %s", create)
	}
}

// TestQueryText holds what is shown while queries run.
func TestQueryText(t *testing.T) {
	p := &athena.Progress{}
	p.Parts.Add(3)
	p.Queries.Add(1)
	p.Scanned.Store(30_000_000_000)
	p.Queued.Store(true)
	if got, want := queryText(p), "1 of 3 queries, 27.9 GiB scanned, $0.15, waiting for its turn"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// s3Permission is what a request to S3 takes.
func s3Permission(r *http.Request) permission {
	bucket, key, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	query := r.URL.Query()
	action := r.Method
	switch {
	case key == "" && query.Has("location"):
		action = "s3:GetBucketLocation"
	case key == "" && (query.Has("list-type") || r.Method == http.MethodHead):
		action = "s3:ListBucket"
	case key != "" && (r.Method == http.MethodGet || r.Method == http.MethodHead):
		action = "s3:GetObject"
	case key != "" && r.Method == http.MethodDelete:
		action = "s3:DeleteObject"
	}
	arn := "arn:aws:s3:::" + bucket
	if key != "" {
		arn += "/" + key
	}
	return permission{action, arn}
}

// readTable reads the rows of a result.
func readTable(t *testing.T, name string) [][]*string {
	t.Helper()
	file, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	rows, err := csv.NewReader(file).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return athenatest.Table(rows...)
}
