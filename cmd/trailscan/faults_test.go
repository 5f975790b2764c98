package main

import (
	"context"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/trailscan/trailscan/internal/cloudtrailtest"
	"github.com/trailscan/trailscan/internal/ingest"
	"github.com/trailscan/trailscan/internal/s3test"
)

// faults stands in front of a server. plan writes the answer to a request that is
// made for the nth time, from 1 on, or leaves it to the server and gives false.
type faults struct {
	server http.Handler
	plan   func(w http.ResponseWriter, r *http.Request, n int) bool

	mu   sync.Mutex
	seen map[string]int
}

func (f *faults) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	if f.seen == nil {
		f.seen = map[string]int{}
	}
	f.seen[r.RequestURI]++
	n := f.seen[r.RequestURI]
	f.mu.Unlock()
	if !f.plan(w, r, n) {
		f.server.ServeHTTP(w, r)
	}
}

// refuse answers as S3 does with an error.
func refuse(w http.ResponseWriter, status int, code, message string) bool {
	w.WriteHeader(status)
	fmt.Fprintf(w, "<Error><Code>%s</Code><Message>%s</Message></Error>", code, message)
	return true
}

// spoil passes on what a server answers to a request, except that it breaks off
// half-way or that one bit is another.
func spoil(w http.ResponseWriter, r *http.Request, server http.Handler, flip bool) bool {
	answer := httptest.NewRecorder()
	server.ServeHTTP(answer, r)
	body := answer.Body.Bytes()
	for k, v := range answer.Header() {
		w.Header()[k] = v
	}
	w.Header().Set("Content-Length", fmt.Sprint(len(body)))
	w.WriteHeader(answer.Code)
	if flip {
		body[len(body)/2] ^= 1
		w.Write(body)
		return true
	}
	w.Write(body[:len(body)/2])
	http.NewResponseController(w).Flush()
	panic(http.ErrAbortHandler)
}

// reports runs a scan and gives all that it reports, by format, without what
// measures the run, and what it says on standard error.
func reports(t *testing.T, now time.Time, wantStatus int, args ...string) (all map[string]string, stderr string) {
	t.Helper()
	dir := t.TempDir()
	all = map[string]string{}
	args = append(args, "--format", "table", "--top", "0")
	files := []string{"names.csv", "report.json", "lines.jsonl", "report.html", "report.md", "report.sarif", "report.ocsf.json"}
	for _, name := range files {
		args = append(args, "-o", filepath.Join(dir, name))
	}
	var stdout, errs strings.Builder
	c := &clock{now: now, ticks: make(chan time.Time)}
	status := run(context.Background(), process{
		args: args, stdin: strings.NewReader(""), stdout: &stdout, stderr: &errs,
		getenv: func(string) string { return "" }, now: func() time.Time { return now }, every: c.every,
	})
	if status != wantStatus {
		t.Fatalf("exit status %d, want %d: %s", status, wantStatus, errs.String())
	}
	all["table"] = stdout.String()
	requests := regexp.MustCompile(`("listRequests": ?)\d+`)
	for _, name := range files {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		all[name] = requests.ReplaceAllString(string(text), "${1}0")
	}
	return all, errs.String()
}

// sameReports fails unless two scans reported the same bytes.
func sameReports(t *testing.T, got, want map[string]string) {
	t.Helper()
	if !strings.Contains(want["table"], "calls") {
		t.Errorf("nothing is reported:\n%s", want["table"])
	}
	for format, text := range want {
		if got[format] != text {
			t.Errorf("%s differs:\n%.3000s\nwithout faults it is\n%.3000s", format, got[format], text)
		}
	}
}

// TestS3Faults scans a bucket of a real S3 server through a proxy that makes
// faults. With those that end, the reports are the same byte for byte. With those
// that do not, they name what is missing, and say the same of the rest as where
// that is all there is.
func TestS3Faults(t *testing.T) {
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
	for name, value := range map[string]string{
		"AWS_CONFIG_FILE": os.DevNull, "AWS_SHARED_CREDENTIALS_FILE": os.DevNull, "AWS_EC2_METADATA_DISABLED": "true", "AWS_PROFILE": "", "AWS_SESSION_TOKEN": "",
		"AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": s3test.Key, "AWS_SECRET_ACCESS_KEY": s3test.Secret,
	} {
		t.Setenv(name, value)
	}
	fill(t, gateway.URL)
	target, err := url.Parse(gateway.URL)
	if err != nil {
		t.Fatal(err)
	}
	server := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(target)
		r.Out.Host = r.In.Host // it is signed
	}}
	var keys []string
	err = fs.WalkDir(os.DirFS("../../testdata/trails/string-value"), "AWSLogs/444455556666", func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			keys = append(keys, path)
		}
		return err
	})
	if err != nil || len(keys) < 10 {
		t.Fatalf("%d keys, %v", len(keys), err)
	}
	through := func(plan func(http.ResponseWriter, *http.Request, int) bool) []string {
		proxy := httptest.NewServer(&faults{server: server, plan: plan})
		t.Cleanup(proxy.Close)
		return []string{"s3://trail-logs", "--since", "2026-11-02", "--until", "2026-11-03", "--endpoint-url", proxy.URL, "--log-level", "debug"}
	}
	whole, stderr := reports(t, noon, exitOK, through(func(http.ResponseWriter, *http.Request, int) bool { return false })...)
	if strings.Contains(stderr, "again after") {
		t.Fatalf("something went wrong by itself: %s", stderr)
	}

	t.Run("that end", func(t *testing.T) {
		got, stderr := reports(t, noon, exitOK, through(func(w http.ResponseWriter, r *http.Request, n int) bool {
			list := r.URL.Query().Get("list-type") == "2"
			// Which comes first depends on the request, and they all come.
			switch kind := (crc32.ChecksumIEEE([]byte(r.RequestURI)) + uint32(n)) % 5; {
			case n > 2:
				return false
			case kind == 0:
				return refuse(w, http.StatusServiceUnavailable, "SlowDown", "Please reduce your request rate.")
			case kind == 1 || kind == 2 && list:
				return refuse(w, http.StatusInternalServerError, "InternalError", "We encountered an internal error. Please try again.")
			case kind == 2:
				return spoil(w, r, server, true)
			case kind == 3:
				return spoil(w, r, server, false)
			}
			panic(http.ErrAbortHandler)
		})...)
		sameReports(t, got, whole)
		for _, word := range []string{"SlowDown", "InternalError", "checksum", "unexpected EOF"} {
			if !strings.Contains(stderr, word) {
				t.Errorf("no retry after %s was told:\n%s", word, stderr)
			}
		}
	})

	t.Run("that stay", func(t *testing.T) {
		t.Setenv("AWS_MAX_ATTEMPTS", "2")
		const broken = "AWSLogs/111122223333/CloudTrail/eu-west-1/" // whose listing fails
		lost := map[string]string{
			"s3://trail-logs/" + broken:  "InternalError",
			"s3://trail-logs/" + keys[1]: "InternalError",
			"s3://trail-logs/" + keys[2]: "broke off each time",
			"s3://trail-logs/" + keys[3]: "allow kms:Decrypt",
			"s3://trail-logs/" + keys[4]: "deleted after it was listed",
		}
		got, stderr := reports(t, noon, exitIncomplete, through(func(w http.ResponseWriter, r *http.Request, _ int) bool {
			switch {
			case r.URL.Query().Get("start-after") != "" && r.URL.Query().Get("prefix") == broken, strings.HasSuffix(r.URL.Path, keys[1]):
				return refuse(w, http.StatusInternalServerError, "InternalError", "We encountered an internal error. Please try again.")
			case strings.HasSuffix(r.URL.Path, keys[2]):
				return spoil(w, r, server, false)
			case strings.HasSuffix(r.URL.Path, keys[3]):
				return refuse(w, http.StatusForbidden, "AccessDenied", "User: arn:aws:iam::111122223333:user/x is not authorized to perform: kms:Decrypt on resource: arn:aws:kms:us-east-1:111122223333:key/1")
			case strings.HasSuffix(r.URL.Path, keys[4]):
				return refuse(w, http.StatusNotFound, "NoSuchKey", "The specified key does not exist.")
			}
			return false
		})...)
		var report struct {
			Scan struct {
				Complete      bool
				ObjectsFailed int
				Problems      []struct{ Object, Error string }
				Warnings      []string
			}
			SessionNames, Findings json.RawMessage
		}
		read := func(text string) {
			t.Helper()
			if err := json.Unmarshal([]byte(text), &report); err != nil {
				t.Fatal(err)
			}
		}
		read(got["report.json"])
		for _, p := range report.Scan.Problems {
			if why := lost[p.Object]; why == "" || !strings.Contains(p.Error, why) {
				t.Errorf("%s: %s, want %q", p.Object, p.Error, why)
			}
			delete(lost, p.Object)
		}
		for object := range lost {
			t.Errorf("%s is not named", object)
		}
		if report.Scan.Complete || report.Scan.ObjectsFailed != 4 {
			t.Errorf("complete %t, %d objects failed", report.Scan.Complete, report.Scan.ObjectsFailed)
		}
		// The four objects hold so many of the hour's events, and of the account
		// that could not be listed nobody knows.
		unseen := slices.IndexFunc(report.Scan.Warnings, func(w string) bool { return strings.HasPrefix(w, "not seen: 4 objects, which hold about ") })
		if unseen < 0 {
			t.Fatalf("warnings %q", report.Scan.Warnings)
		}
		warning := report.Scan.Warnings[unseen]
		for _, place := range []string{"in 2 accounts: ", "111122223333 eu-west-1 2026-11-01T23:00:00Z/2026-11-03T01:00:00Z (not listed to its end)", "444455556666 eu-west-1 2026-11-02T08:00:00Z/2026-11-02T09:00:00Z"} {
			if !strings.Contains(warning, place) {
				t.Errorf("%q does not name %q", warning, place)
			}
		}
		if !strings.Contains(stderr, "warning: "+warning) {
			t.Errorf("standard error does not say %q:\n%s", warning, stderr)
		}
		names, findings := string(report.SessionNames), string(report.Findings)

		// The same without them.
		cfg, err := ingest.LoadAWS(t.Context(), ingest.AWSOptions{EndpointURL: gateway.URL})
		if err != nil {
			t.Fatal(err)
		}
		owner := s3.NewFromConfig(cfg)
		gone := keys[1:5]
		list, err := owner.ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: aws.String("trail-logs"), Prefix: aws.String(broken)})
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range list.Contents {
			gone = append(gone, aws.ToString(o.Key))
		}
		for _, key := range gone {
			if _, err := owner.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: aws.String("trail-logs"), Key: aws.String(key)}); err != nil {
				t.Fatal(err)
			}
		}
		rest, _ := reports(t, noon, exitOK, through(func(http.ResponseWriter, *http.Request, int) bool { return false })...)
		read(rest["report.json"])
		if names != string(report.SessionNames) || findings != string(report.Findings) || !strings.Contains(names, "STRING_VALUE") {
			t.Errorf("the session names\n%s\nwhere nothing else is there\n%s", names, report.SessionNames)
		}
	})
}

// TestLookupFaults looks up the events of a trail while LookupEvents throttles,
// fails, breaks off, repeats pages and lets tokens expire: the reports are the
// same, byte for byte, except for how many pages and bytes it took.
func TestLookupFaults(t *testing.T) {
	for name, value := range map[string]string{
		"AWS_CONFIG_FILE": os.DevNull, "AWS_SHARED_CREDENTIALS_FILE": os.DevNull, "AWS_EC2_METADATA_DISABLED": "true", "AWS_PROFILE": "", "AWS_SESSION_TOKEN": "",
		"AWS_ACCESS_KEY_ID": "AKIAEXAMPLE000000009", "AWS_SECRET_ACCESS_KEY": "an-example-secret",
	} {
		t.Setenv(name, value)
	}
	now := time.Date(2026, 11, 2, 15, 0, 0, 0, time.UTC)
	look := func(fault func(cloudtrailtest.Call) *cloudtrailtest.Fault) (map[string]string, *cloudtrailtest.Server, string) {
		t.Helper()
		api, err := cloudtrailtest.New(trailRecords(t, repository+"/testdata/trails/irsa-sdk-names"))
		if err != nil {
			t.Fatal(err)
		}
		api.Now = func() time.Time { return now }
		api.Rate, api.Burst = 1000, 1000
		api.Fault = fault
		web := httptest.NewServer(api)
		t.Cleanup(web.Close)
		got, stderr := reports(t, now, exitOK, "--lookup", "--region", "us-west-2", "--since", "24h", "--endpoint-url", web.URL, "--log-level", "debug")
		return got, api, stderr
	}
	whole, _, _ := look(nil)
	kinds := []*cloudtrailtest.Fault{
		cloudtrailtest.Fail(500, "InternalFailure", ""), cloudtrailtest.Repeat(), cloudtrailtest.Throttle(0),
		cloudtrailtest.ExpireTokens(), cloudtrailtest.Short(0), cloudtrailtest.Cut(), cloudtrailtest.SameToken(),
	}
	got, api, stderr := look(func(c cloudtrailtest.Call) *cloudtrailtest.Fault {
		switch kind := c.N/2 - 1; {
		case c.Operation != "LookupEvents" || c.Region != "us-west-2":
			return nil
		case c.N%2 == 1 || kind >= len(kinds):
			return cloudtrailtest.Short(3) // so that there are pages enough
		default:
			return kinds[kind]
		}
	})
	pages := regexp.MustCompile(`"(objects|compressedBytes|bytes|duplicates)": ?\d+`)
	for _, all := range []map[string]string{got, whole} {
		all["report.json"] = pages.ReplaceAllString(all["report.json"], "")
		for _, format := range []string{"lines.jsonl", "report.html", "report.md"} {
			delete(all, format) // these tell it too
		}
		before, _, _ := strings.Cut(all["table"], "Read  ")
		_, after, _ := strings.Cut(all["table"], "Calls  ")
		all["table"] = before + after
	}
	sameReports(t, got, whole)
	if n := len(api.Calls()); n < 2*len(kinds) {
		t.Errorf("after %d requests not every fault has come", n)
	}
	if !strings.Contains(stderr, "again after") {
		t.Errorf("no retry was told:\n%s", stderr)
	}
}
