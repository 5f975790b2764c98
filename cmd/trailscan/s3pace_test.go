package main

import (
	"bytes"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"regexp"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"golang.org/x/sync/errgroup"

	"github.com/trailscan/trailscan/internal/ingest"
	"github.com/trailscan/trailscan/internal/trailgen"
)

var whenItRan = regexp.MustCompile(`"(started|finished)": "[^"]*"`)

// TestS3Concurrency: a report does not depend on how many objects are fetched at
// a time, be it given or found.
func TestS3Concurrency(t *testing.T) {
	gateway := startS3(t)
	start := time.Date(2026, 11, 2, 0, 0, 0, 0, time.UTC)
	dir := t.TempDir()
	sum, err := trailgen.Generate(t.Context(), trailgen.OrgConfig{
		Config: trailgen.Config{Seed: 7, Out: dir}, Events: 1500, Accounts: 3, Regions: 2,
		Start: start, Window: 2 * time.Hour, RecordsPerObject: 20, RandomNames: 50, SameNames: 20,
	})
	if err != nil {
		t.Fatal(err)
	}
	put(t, gateway.URL, "tiny", os.DirFS(dir))

	server := &busyServer{}
	target, err := url.Parse(gateway.URL)
	if err != nil {
		t.Fatal(err)
	}
	server.forward.Rewrite = func(r *httputil.ProxyRequest) {
		r.SetURL(target)
		r.Out.Host = r.In.Host // it is signed
	}
	web := httptest.NewServer(server)
	t.Cleanup(web.Close)
	scan := func(flags ...string) []byte {
		t.Helper()
		var stdout, stderr bytes.Buffer
		// A clock by which the pace moves: each look takes a while.
		var looks atomic.Int64
		now := func() time.Time { return start.Add(48*time.Hour + time.Duration(looks.Add(1))*5*time.Millisecond) }
		args := append([]string{"s3://tiny", "--endpoint-url", web.URL, "--since", "2026-11-01", "--until", "2026-11-04", "--format", "json"}, flags...)
		status := run(t.Context(), process{args: args, stdout: &stdout, stderr: &stderr, getenv: func(string) string { return "" }, now: now, every: ticker})
		if status != exitOK || stderr.Len() > 0 {
			t.Fatalf("%v: exit status %d\n%s", flags, status, stderr.Bytes())
		}
		return whenItRan.ReplaceAll(stdout.Bytes(), nil)
	}
	want := scan("--concurrency", "1")
	if n := []byte(`"sessionName": `); bytes.Count(want, n) < 50 {
		t.Fatalf("%d session names of %d objects: too few to compare", bytes.Count(want, n), sum.Objects)
	}
	for _, test := range []struct {
		flags []string
		most  int // requests under way, with those whose end the server has not noticed
	}{{[]string{"--concurrency", "3"}, 6}, {[]string{"--concurrency", "100"}, 200}, {nil, 64}, {nil, 64}} {
		server.reset()
		if got := scan(test.flags...); !bytes.Equal(got, want) {
			t.Errorf("%v: another report than that of --concurrency 1, %d bytes and %d", test.flags, len(got), len(want))
		}
		if most := server.reset(); most > test.most || most < 2 {
			t.Errorf("%v: %d requests for objects were under way at a time, want up to %d", test.flags, most, test.most)
		}
	}
}

// busyServer tells how many objects are asked for at a time.
type busyServer struct {
	forward httputil.ReverseProxy
	mu      sync.Mutex
	now     int
	most    int
}

func (s *busyServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !r.URL.Query().Has("list-type") {
		s.count(1)
		defer s.count(-1)
	}
	s.forward.ServeHTTP(w, r)
}

// reset gives the most that were under way at a time, and begins anew.
func (s *busyServer) reset() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	most := s.most
	s.most = 0
	return most
}

func (s *busyServer) count(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now += n
	s.most = max(s.most, s.now)
}

// put makes a bucket of the log files below a folder.
func put(t *testing.T, url, bucket string, trail fs.FS) {
	t.Helper()
	cfg, err := ingest.LoadAWS(t.Context(), ingest.AWSOptions{EndpointURL: url})
	if err != nil {
		t.Fatal(err)
	}
	client := s3.NewFromConfig(cfg)
	if _, err := client.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: aws.String(bucket)}); err != nil {
		t.Fatal(err)
	}
	logs, err := fs.Sub(trail, "AWSLogs")
	if err != nil {
		t.Fatal(err)
	}
	g, ctx := errgroup.WithContext(t.Context())
	g.SetLimit(8)
	err = fs.WalkDir(logs, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		g.Go(func() error {
			body, err := fs.ReadFile(logs, path)
			if err == nil {
				_, err = client.PutObject(ctx, &s3.PutObjectInput{Bucket: aws.String(bucket), Key: aws.String("AWSLogs/" + path), Body: bytes.NewReader(body)})
			}
			return err
		})
		return nil
	})
	if err == nil {
		err = g.Wait()
	}
	if err != nil {
		t.Fatal(err)
	}
}
