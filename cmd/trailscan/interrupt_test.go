package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/trailscan/trailscan/internal/athenatest"
)

// withinASecond is how long the program has to end after a signal. Under the race
// detector it is several times slower.
const withinASecond = time.Second * raceFactor

// stalling answers requests until one comes that is to wait for ever.
type stalling struct {
	http.Handler
	stall func(*http.Request) bool
	// begin, where it is not nil, writes the beginning of that request's answer.
	begin func(http.ResponseWriter)

	once    sync.Once
	stalled chan struct{}
	over    chan struct{} // closed when the test ends
}

func (s *stalling) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !s.stall(r) {
		s.Handler.ServeHTTP(w, r)
		return
	}
	if s.begin != nil {
		s.begin(w)
	}
	s.once.Do(func() { close(s.stalled) })
	select {
	case <-r.Context().Done():
	case <-s.over:
	}
}

// stop is a running program that is to be stopped.
type stop struct {
	args   []string
	env    []string
	stdin  io.Reader // nil for one that says nothing
	unread bool      // nobody takes what it writes to standard output
	// begun is closed when it is where it is to be stopped; where it is nil, the
	// line of standard error that begins with said, or the first byte on standard
	// output, says so.
	begun <-chan struct{}
	said  string
}

// run starts the program, stops it, and gives how long that took.
func (s stop) run(t *testing.T, signal os.Signal) (took time.Duration, status int, stdout, stderr string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "trailscan", s.args...)
	cmd.Env = append(os.Environ(), s.env...)
	cmd.Stdin = s.stdin
	if s.stdin == nil {
		in, _, err := pipe(t)
		if err != nil {
			t.Fatal(err)
		}
		cmd.Stdin = in
	}
	out, outEnd, err := pipe(t)
	if err != nil {
		t.Fatal(err)
	}
	errs, errEnd, err := pipe(t)
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdout, cmd.Stderr = outEnd, errEnd
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	outEnd.Close()
	errEnd.Close()

	begun := s.begun
	seen := make(chan struct{})
	see := sync.OnceFunc(func() { close(seen) })
	if begun == nil {
		begun = seen
	}
	var wg sync.WaitGroup
	var text strings.Builder
	wg.Go(func() {
		for lines := bufio.NewReader(errs); ; {
			line, err := lines.ReadString('\n')
			text.WriteString(line)
			if s.said != "" && strings.HasPrefix(line, s.said) {
				see()
			}
			if err != nil {
				return
			}
		}
	})
	ended := make(chan struct{})
	var written bytes.Buffer
	wg.Go(func() {
		first := make([]byte, 1)
		if n, _ := out.Read(first); n > 0 && s.said == "" {
			written.Write(first)
			see()
		}
		if s.unread {
			<-ended
		}
		io.Copy(&written, out)
	})
	go func() {
		cmd.Wait()
		close(ended)
	}()
	select {
	case <-begun:
	case <-ended:
		wg.Wait()
		t.Fatalf("%q ended before it was stopped: %s\n%.500s", s.args, text.String(), written.String())
	}
	began := time.Now()
	if err := cmd.Process.Signal(signal); err != nil {
		t.Fatal(err)
	}
	<-ended
	took = time.Since(began)
	wg.Wait()
	if ctx.Err() != nil {
		t.Fatalf("%q did not end", s.args)
	}
	return took, cmd.ProcessState.ExitCode(), written.String(), text.String()
}

// pipe gives both ends of a pipe, and closes them when the test ends.
func pipe(t *testing.T) (r, w *os.File, err error) {
	if r, w, err = os.Pipe(); err == nil {
		t.Cleanup(func() { r.Close(); w.Close() })
	}
	return r, w, err
}

// manySessions is a log with so many session names.
func manySessions(n int) string {
	var log strings.Builder
	for i := range n {
		fmt.Fprintf(&log, `{"eventID":"5e0e8a1c-2222-4c5e-9d57-%012d","eventTime":"2026-11-20T08:00:00Z","eventName":"GetObject","eventSource":"s3.amazonaws.com","awsRegion":"eu-west-1","recipientAccountId":"111122223333","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:run-%d","arn":"arn:aws:sts::111122223333:assumed-role/batch/run-%d","accountId":"111122223333","accessKeyId":"ASIA%016d"}}`+"\n", i, i, i, i)
	}
	return log.String()
}

// TestInterruptedAnywhere stops the program with Ctrl-C and SIGTERM at each
// thing that it does: it ends within a second and leaves no half report.
func TestInterruptedAnywhere(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows sends no signals to processes")
	}
	for _, name := range []string{"AWS_ENDPOINT_URL", "AWS_PROFILE"} {
		t.Setenv(name, "")
	}
	for name, value := range map[string]string{
		"AWS_CONFIG_FILE": os.DevNull, "AWS_SHARED_CREDENTIALS_FILE": os.DevNull, "AWS_EC2_METADATA_DISABLED": "true",
		"AWS_REGION": "eu-west-1", "AWS_ACCESS_KEY_ID": "AKIAEXAMPLE000000009", "AWS_SECRET_ACCESS_KEY": "an-example-secret",
	} {
		t.Setenv(name, value)
	}
	trail := bucketOf(t, "../../testdata/trails/string-value")
	bucket := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodHead {
			return // there is such a bucket
		}
		r = r.Clone(r.Context())
		r.URL.Path = strings.TrimPrefix(r.URL.Path, "/trail-logs") // in path style
		trail.ServeHTTP(w, r)
	})
	day := []string{"--since", "2026-11-02", "--until", "2026-11-03"}
	scan := append([]string{"s3://trail-logs"}, day...)
	listing := func(r *http.Request) bool { return r.URL.Query().Get("list-type") == "2" }
	object := func(r *http.Request) bool {
		return r.Method == http.MethodGet && strings.HasSuffix(r.URL.Path, ".json.gz")
	}
	operation := func(name string) func(*http.Request) bool {
		return func(r *http.Request) bool { return strings.HasSuffix(r.Header.Get("X-Amz-Target"), "."+name) }
	}
	throttled := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusBadRequest)
		io.WriteString(w, `{"__type":"ThrottlingException","message":"Rate exceeded"}`)
	})
	never := func(*http.Request) bool { return false }

	type stage struct {
		name    string
		args    []string
		handler http.Handler // of requests; nil for no server
		stall   func(*http.Request) bool
		begin   func(http.ResponseWriter)
		env     string
		stop    stop
	}
	stages := []stage{
		{name: "waiting for credentials", args: scan, handler: bucket, stall: func(r *http.Request) bool { return r.URL.Path == "/credentials" },
			env: "AWS_CONTAINER_CREDENTIALS_FULL_URI={server}/credentials"},
		{name: "listing", args: scan, handler: bucket, stall: listing},
		{name: "in the middle of a listing", args: scan, handler: bucket, stall: listing, begin: func(w http.ResponseWriter) {
			io.WriteString(w, "<ListBucketResult><Contents>")
			w.(http.Flusher).Flush()
		}},
		{name: "estimating", args: append(slices.Clone(scan), "--dry-run"), handler: bucket, stall: func(r *http.Request) bool {
			return strings.Contains(r.URL.Query().Get("start-after"), "/2026/")
		}},
		{name: "fetching", args: scan, handler: bucket, stall: object},
		{name: "in the middle of an object", args: scan, handler: bucket, stall: object, begin: func(w http.ResponseWriter) {
			w.Header().Set("Content-Length", "100000")
			w.Write([]byte("\x1f\x8b\x08"))
			w.(http.Flusher).Flush()
		}},
		{name: "verifying", args: append(slices.Clone(scan), "--verify"), handler: bucket, stall: func(r *http.Request) bool {
			return strings.Contains(r.URL.RawQuery, "CloudTrail-Digest")
		}},
		{name: "uploading a report", args: append(slices.Clone(scan), "-o", "s3://reports/report.csv"), handler: bucket, stall: func(r *http.Request) bool {
			return r.Method == http.MethodPut
		}},
		{name: "looking up", args: []string{"--lookup"}, handler: http.NotFoundHandler(), stall: operation("LookupEvents")},
		{name: "looking for the regions", args: []string{"--lookup", "--region", "all"}, handler: http.NotFoundHandler(), stall: func(r *http.Request) bool {
			return r.URL.Path == "/listRegions"
		}},
		{name: "throttled", args: []string{"--lookup", "--log-level", "debug"}, handler: throttled, stall: never, stop: stop{said: "trailscan: again after "}},
		{name: "starting a query", args: append(slices.Clone(scan), "--engine", "athena"), handler: bucket, stall: operation("StartQueryExecution")},
		{name: "reading standard input", args: []string{"-", "--log-level", "info"}, stop: stop{said: "trailscan: reading "}},
		{name: "judging", args: []string{"-", "--log-level", "info"}, stop: stop{said: "trailscan: read ", stdin: strings.NewReader(manySessions(100_000 / raceFactor))}},
		{name: "writing", args: []string{"-", "--format", "json"}, stop: stop{unread: true, stdin: strings.NewReader(manySessions(2000))}},
	}
	for _, st := range stages {
		t.Run(st.name, func(t *testing.T) {
			for _, signal := range []os.Signal{os.Interrupt, syscall.SIGTERM} {
				// A machine that is busy with something else may take its time once.
				var took time.Duration
				for range 3 {
					s := st.stop
					s.args = append(slices.Clone(st.args), "-o", filepath.Join(t.TempDir(), "report.json"))
					if st.handler != nil {
						h := &stalling{Handler: st.handler, stall: st.stall, begin: st.begin, stalled: make(chan struct{}), over: make(chan struct{})}
						web := httptest.NewServer(h)
						t.Cleanup(web.Close)
						t.Cleanup(func() { close(h.over) })
						s.env = []string{"AWS_ENDPOINT_URL=" + web.URL}
						if st.env != "" {
							s.env = append(s.env, strings.ReplaceAll(st.env, "{server}", web.URL), "AWS_ACCESS_KEY_ID=", "AWS_SECRET_ACCESS_KEY=")
						}
						if s.said == "" {
							s.begun = h.stalled
						}
					}
					if in, ok := s.stdin.(*strings.Reader); ok {
						in.Seek(0, io.SeekStart)
					}
					var status int
					var stdout, stderr string
					took, status, stdout, stderr = s.run(t, signal)
					checkStopped(t, s, signal, status, stdout, stderr)
					if took < withinASecond {
						break
					}
				}
				if took >= withinASecond {
					t.Errorf("%v: it took %v", signal, took)
				}
			}
		})
	}

	// A query of Athena that nobody waits for any more would go on and cost.
	t.Run("waiting for a query", func(t *testing.T) {
		ours := func(query string) bool { return strings.HasPrefix(query, "WITH records") }
		athena := &athenatest.Server{
			Workgroups: map[string]string{"primary": "s3://reports/audits/"},
			Answer: func(query string) (a athenatest.Answer) {
				if ours(query) {
					a.Steps = 1 << 30
				}
				return a
			},
		}
		begun := make(chan struct{})
		begin := sync.OnceFunc(func() { close(begun) })
		web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("X-Amz-Target") == "" {
				bucket.ServeHTTP(w, r)
				return
			}
			athena.ServeHTTP(w, r)
			if slices.ContainsFunc(athena.Queries(), func(q athenatest.Query) bool { return ours(q.Text) }) && operation("GetQueryExecution")(r) {
				begin()
			}
		}))
		t.Cleanup(web.Close)
		s := stop{args: append(slices.Clone(scan), "--engine", "athena"), env: []string{"AWS_ENDPOINT_URL=" + web.URL}, begun: begun}
		_, status, stdout, stderr := s.run(t, os.Interrupt)
		checkStopped(t, s, os.Interrupt, status, stdout, stderr)
		for _, q := range athena.Queries() {
			if ours(q.Text) && !q.Stopped {
				t.Errorf("query %s goes on:\n%.200s", q.ID, q.Text)
			}
		}
	})
}

// checkStopped holds a program that was stopped to what it says, and to leaving
// nothing half done.
func checkStopped(t *testing.T, s stop, signal os.Signal, status int, stdout, stderr string) {
	t.Helper()
	want := map[os.Signal]int{os.Interrupt: exitInterrupted, syscall.SIGTERM: exitTerminated}[signal]
	lines := strings.Split(strings.TrimSpace(stderr), "\n")
	if status != want || !strings.HasPrefix(lines[len(lines)-1], "trailscan: stopped by a signal (") {
		t.Errorf("%v: exit status %d, want %d: %s", signal, status, want, stderr)
	}
	if stdout != "" && !s.unread {
		t.Errorf("%v: standard output %.200q", signal, stdout)
	}
	report := s.args[len(s.args)-1]
	entries, err := os.ReadDir(filepath.Dir(report))
	if err != nil || !strings.HasSuffix(report, "report.json") {
		return
	}
	for _, e := range entries {
		body, err := os.ReadFile(filepath.Join(filepath.Dir(report), e.Name()))
		if e.Name() != "report.json" || err != nil || !json.Valid(body) {
			t.Errorf("%v: half a report, %s, is left: %v", signal, e.Name(), err)
		}
	}
}
