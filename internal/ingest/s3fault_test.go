package ingest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"golang.org/x/sync/errgroup"
)

// fault is what goes wrong with one request.
type fault string

const (
	noFault   fault = ""
	slowDown  fault = "503 SlowDown"
	failure   fault = "500 InternalError"
	truncated fault = "truncated body"
	reset     fault = "reset in the body"
	flipped   fault = "flipped bit"
	stalled   fault = "stalled body"
	silent    fault = "no answer"
	hangup    fault = "closed before the answer"
)

// faultProxy stands in front of an S3 server.
type faultProxy struct {
	*httptest.Server
	mu   sync.Mutex
	seen map[string]int
	// plan tells what goes wrong with a request that is asked for the nth time,
	// from 1 on. It is called by one goroutine at a time.
	plan func(r *http.Request, n int) fault
}

func newFaultProxy(t *testing.T, server string, plan func(r *http.Request, n int) fault) *faultProxy {
	t.Helper()
	target, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	p := &faultProxy{seen: map[string]int{}, plan: plan}
	p.Server = httptest.NewServer(p.handler(&httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(target)
		r.Out.Host = r.In.Host // it is signed
	}}))
	t.Cleanup(p.Close)
	return p
}

func (p *faultProxy) handler(upstream http.Handler) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		p.mu.Lock()
		p.seen[r.Method+r.RequestURI]++
		f := p.plan(r, p.seen[r.Method+r.RequestURI])
		p.mu.Unlock()
		switch f {
		case noFault:
			upstream.ServeHTTP(w, r)
			return
		case slowDown:
			s3Error(w, http.StatusServiceUnavailable, "SlowDown", "Please reduce your request rate.")
			return
		case failure:
			s3Error(w, http.StatusInternalServerError, "InternalError", "We encountered an internal error. Please try again.")
			return
		case silent:
			<-r.Context().Done()
			return
		case hangup:
			panic(http.ErrAbortHandler)
		}
		if status, rest, ok := strings.Cut(string(f), "|"); ok {
			code, message, _ := strings.Cut(rest, "|")
			n := 0
			fmt.Sscan(status, &n)
			s3Error(w, n, code, message)
			return
		}
		answer := httptest.NewRecorder()
		upstream.ServeHTTP(answer, r)
		body := answer.Body.Bytes()
		for k, v := range answer.Header() {
			w.Header()[k] = v
		}
		w.Header().Set("Content-Length", fmt.Sprint(len(body)))
		w.WriteHeader(answer.Code)
		if f == flipped {
			body[len(body)/2] ^= 1
			w.Write(body)
			return
		}
		w.Write(body[:len(body)/2])
		http.NewResponseController(w).Flush()
		switch f {
		case stalled:
			<-r.Context().Done()
		case reset:
			conn, _, err := http.NewResponseController(w).Hijack()
			if err == nil {
				conn.(*net.TCPConn).SetLinger(0)
				conn.Close()
			}
			return
		}
		panic(http.ErrAbortHandler)
	}
}

// denial is the fault of an answer with an error of S3.
func denial(status int, code, message string) fault {
	return fault(fmt.Sprintf("%d|%s|%s", status, code, message))
}

func isList(r *http.Request) bool { return r.URL.Query().Get("list-type") == "2" }

// scanAll lists a source and reads every chunk, and returns their bytes by key,
// in the order of the listing.
func scanAll(t *testing.T, s *S3) (keys, bodies []string, problems []Problem) {
	t.Helper()
	err := s.List(t.Context(), func(c Chunk) error {
		keys = append(keys, c.Name)
		r, err := c.Open(t.Context())
		if err != nil {
			problems = append(problems, Problem{Object: c.Name, Stage: StageFetch, Error: err.Error()})
			return nil
		}
		defer r.Close()
		b, err := io.ReadAll(r)
		bodies = append(bodies, string(b))
		return err
	}, func(p Problem) { problems = append(problems, p) })
	if err != nil {
		t.Fatal(err)
	}
	return keys, bodies, problems
}

// Faults that end leave no trace in what is read.
func TestS3FaultsThatEnd(t *testing.T) {
	keys := logKeys("AWSLogs/", "111122223333", "us-east-1", "2026-11-20T00:00:00Z", 12, time.Hour)
	bucket := makeBucket(t, "faults", keys)
	server := testGateway(t)
	client := func(endpoint string, retries *atomic.Int64) *s3.Client {
		return testS3Client(t, AWSOptions{EndpointURL: endpoint, IdleTimeout: 300 * time.Millisecond, OnRetry: func(error) { retries.Add(1) }})
	}
	var none atomic.Int64
	wantKeys, wantBodies, problems := scanAll(t, testS3(S3Config{Client: client(server, &none), Bucket: bucket}))
	if len(wantBodies) != len(keys) || len(problems) > 0 || none.Load() > 0 {
		t.Fatalf("without faults: %d bodies, problems %v, %d retries", len(wantBodies), problems, none.Load())
	}
	for _, f := range []fault{slowDown, failure, truncated, reset, flipped, stalled, silent, hangup} {
		for _, what := range []string{"objects", "listings"} {
			t.Run(string(f)+" of "+what, func(t *testing.T) {
				if f == flipped && what == "listings" {
					t.Skip("S3 stores no checksum of a listing, and TLS finds what changed on the way")
				}
				proxy := newFaultProxy(t, server, func(r *http.Request, n int) fault {
					slow := f == stalled || f == silent
					if isList(r) == (what == "listings") && n <= 2 && (!slow || (isList(r) || strings.Contains(r.URL.Path, "T0300Z"))) {
						return f
					}
					return noFault
				})
				var retries atomic.Int64
				s := testS3(S3Config{Client: client(proxy.URL, &retries), Bucket: bucket, OnRetry: func(error) { retries.Add(1) }})
				gotKeys, gotBodies, problems := scanAll(t, s)
				if !slices.Equal(gotKeys, wantKeys) || !slices.Equal(gotBodies, wantBodies) || len(problems) > 0 {
					t.Errorf("with faults: %d keys, %d bodies, problems %v", len(gotKeys), len(gotBodies), problems)
				}
				if retries.Load() == 0 {
					t.Error("no retry was told")
				}
			})
		}
	}
}

// Faults that do not end cost one object, say so in one line, and are not
// retried for ever.
func TestS3FaultsThatStay(t *testing.T) {
	keys := logKeys("AWSLogs/", "111122223333", "us-east-1", "2026-11-20T00:00:00Z", 3, time.Hour)
	bucket := makeBucket(t, "lasting", keys)
	server := testGateway(t)
	tests := []struct {
		fault fault
		gets  int
		words []string
	}{
		{slowDown, awsAttempts, []string{"throttled after 10 attempts", "--concurrency"}},
		{failure, awsAttempts, []string{"InternalError"}},
		{truncated, 5, []string{"broke off each time", "unexpected EOF"}},
		{reset, 5, []string{"broke off each time", "connection reset"}},
		{flipped, 5, []string{"do not match the checksum", "proxy"}},
		{stalled, 5, []string{"broke off each time", "timeout"}},
		{hangup, awsAttempts, []string{"connection broke each time", "EOF"}},
		{denial(403, "AccessDenied", "Access Denied"), 1, []string{"s3:GetObject on arn:aws:s3:::lasting/*"}},
		{denial(403, "AccessDenied", "User: arn:aws:iam::111122223333:user/x is not authorized to perform: kms:Decrypt on resource: arn:aws:kms:us-east-1:111122223333:key/1 because no identity-based policy allows the kms:Decrypt action"), 1,
			[]string{"decryption denied", "key/1", "allow kms:Decrypt"}},
		{denial(400, "KMS.DisabledException", "arn:aws:kms:us-east-1:111122223333:key/1 is disabled."), 1, []string{"key/1 is disabled", "enable the key"}},
		{denial(403, "InvalidObjectState", "The operation is not valid for the object's storage class"), 1, []string{"archived", "restore-object"}},
		{denial(404, "NoSuchKey", "The specified key does not exist."), 1, []string{"deleted after it was listed"}},
		{denial(400, "ExpiredToken", "The provided token has expired."), 1, []string{"credentials have expired", "aws sso login"}},
		{denial(403, "RequestTimeTooSkewed", "The difference between the request time and the current time is too large."), 1, []string{"set the clock"}},
		{denial(418, "Teapot", "one\ntwo\u202ethree"), 1, []string{"Teapot: one two three"}},
	}
	for _, test := range tests {
		t.Run(string(test.fault), func(t *testing.T) {
			gets := 0
			proxy := newFaultProxy(t, server, func(r *http.Request, n int) fault {
				if !isList(r) && strings.Contains(r.URL.Path, "T0100Z") {
					gets++
					return test.fault
				}
				return noFault
			})
			s := testS3(S3Config{Client: testS3Client(t, AWSOptions{EndpointURL: proxy.URL, IdleTimeout: 100 * time.Millisecond}), Bucket: bucket})
			_, bodies, problems := scanAll(t, s)
			if len(bodies) != 2 || len(problems) != 1 || problems[0].Object != "s3://"+bucket+"/"+keys[1] {
				t.Fatalf("%d bodies, problems %v", len(bodies), problems)
			}
			oneLineError(t, errors.New(problems[0].Error), append(test.words, "get s3://"+bucket+"/"+keys[1]+": ")...)
			proxy.mu.Lock()
			defer proxy.mu.Unlock()
			// Go's transport repeats a request itself where a connection that it
			// had used before turns out to be closed.
			if gets != test.gets && (test.fault != hangup || gets > 2*awsAttempts) {
				t.Errorf("%d requests, want %d", gets, test.gets)
			}
		})
	}
}

// An object that is gone when it is read.
func TestS3DeletedMeanwhile(t *testing.T) {
	keys := logKeys("AWSLogs/", "111122223333", "us-east-1", "2026-11-20T00:00:00Z", 2, time.Hour)
	bucket := makeBucket(t, "deleted", keys)
	client := testS3Client(t, AWSOptions{EndpointURL: testGateway(t)})
	var chunks []Chunk
	s := testS3(S3Config{Client: client, Bucket: bucket})
	if err := s.List(t.Context(), func(c Chunk) error { chunks = append(chunks, c); return nil }, noProblem(t)); err != nil {
		t.Fatal(err)
	}
	if _, err := client.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: aws.String(bucket), Key: aws.String(keys[0])}); err != nil {
		t.Fatal(err)
	}
	_, err := chunks[0].Open(t.Context())
	oneLineError(t, err, "get s3://deleted/"+keys[0]+": ", "deleted after it was listed")
	readAll(t, chunks[1])
}

// A listing that breaks off keeps what it gave, says from where on it is
// short, and counts as incomplete; a backfill tries the rest again.
func TestS3ListingBreaksOff(t *testing.T) {
	east := logKeys("AWSLogs/", "111122223333", "us-east-1", "2026-11-20T00:00:00Z", 1500, time.Minute)
	west := logKeys("AWSLogs/", "111122223333", "us-west-2", "2026-11-20T00:00:00Z", 20, time.Hour)
	var broken atomic.Bool
	broken.Store(true)
	stub := &s3Stub{before: func(w http.ResponseWriter, r *http.Request) bool {
		if !broken.Load() || r.URL.Query().Get("continuation-token") == "" {
			return false
		}
		s3Error(w, http.StatusInternalServerError, "InternalError", "We encountered an internal error. Please try again.")
		return true
	}}
	s := stub.serve(t, S3Config{}, append(east, west...)...)
	got, problems, err := listKeys(t, s)
	if err != nil {
		t.Fatal(err)
	}
	want := slices.Sorted(slices.Values(slices.Concat(east[:1000], west)))
	if slices.Sort(got); !slices.Equal(got, want) {
		t.Errorf("%d objects, want %d", len(got), len(want))
	}
	if len(problems) != 1 || problems[0].Object != "s3://logs/AWSLogs/111122223333/CloudTrail/us-east-1/" || !strings.Contains(problems[0].Error, "what comes after "+east[999]+" is missing") {
		t.Errorf("problems: %v", problems)
	}
	for _, l := range s.Listed() {
		if l.Complete == (l.Region == "us-east-1") {
			t.Errorf("%s: complete %t", l.Region, l.Complete)
		}
	}
	broken.Store(false)
	got = nil
	needs := []Need{{Account: "111122223333", Time: date("2026-11-20T16:45:00Z").Unix()}} // 16:30 to 17:45
	if err := s.Backfill(t.Context(), needs, collectKeys(s, &got), noProblem(t)); err != nil {
		t.Fatal(err)
	}
	if want := east[1000:1066]; !slices.Equal(got, want) { // 16:40 on
		t.Errorf("backfill: %d objects, want %d: %v", len(got), len(want), got)
	}
}

// A server that repeats itself, or does not say how to go on, ends a listing
// and not the program.
func TestS3BadListings(t *testing.T) {
	keys := logKeys("AWSLogs/", "111122223333", "us-east-1", "2026-11-20T00:00:00Z", 4, time.Hour)
	page := func(more, token string, keys ...string) string {
		s := "<ListBucketResult><IsTruncated>" + more + "</IsTruncated>"
		if token != "" {
			s += "<NextContinuationToken>" + token + "</NextContinuationToken>"
		}
		for _, key := range keys {
			s += "<Contents><Key>" + key + "</Key><Size>1</Size></Contents>"
		}
		return s + "</ListBucketResult>"
	}
	tests := []struct {
		name    string
		answers []string // from the first page of logs on; the last one stays
		want    int
		problem string
	}{
		{"the same page for ever", []string{page("true", "t", keys[0])}, 1, "in no order"},
		{"the same page, another token", []string{page("true", "t1", keys[0]), page("true", "t2", keys[0])}, 1, "in no order"},
		{"an empty page for ever", []string{page("true", "t", keys[0]), page("true", "t")}, 1, "repeats itself"},
		{"an empty page between", []string{page("true", "t1", keys[0]), page("true", "t2"), page("false", "", keys[1])}, 2, ""},
		{"keys in no order", []string{page("false", "", keys[1], keys[0])}, 1, "in no order"},
		{"no token", []string{page("true", "", keys[0])}, 0, "no token"},
		{"no XML", []string{"<html><body>Sign in</body>"}, 0, "the answer is none that S3 gives"},
		{"no size", []string{"<ListBucketResult><Contents><Key>" + keys[0] + "</Key></Contents></ListBucketResult>"}, 1, ""},
		{"foreign keys", []string{page("false", "", "AWSLogs/111122223333/CloudTrail/us-east-1/2026/11/20/999999999999_CloudTrail_us-east-1_20261120T0000Z_x.txt", "x")}, 0, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			n := 0
			stub := &s3Stub{before: func(w http.ResponseWriter, r *http.Request) bool {
				if !isList(r) || !strings.HasSuffix(r.URL.Query().Get("prefix"), "/us-east-1/") {
					return false
				}
				io.WriteString(w, test.answers[min(n, len(test.answers)-1)])
				n++
				return true
			}}
			got, problems, err := listKeys(t, stub.serve(t, S3Config{}, keys...))
			if len(got) != test.want {
				t.Errorf("%d objects, want %d", len(got), test.want)
			}
			if test.problem == "" {
				if err != nil || len(problems) > 0 {
					t.Errorf("%v, problems %v", err, problems)
				}
				return
			}
			if len(problems) != 1 {
				t.Fatalf("problems: %v", problems)
			}
			oneLineError(t, errors.New(problems[0].Error), test.problem)
		})
	}
}

// Throttling of everything at once does not exhaust a quota that the requests
// have in common: the SDK's own would end after 100 retries.
func TestS3BurstOfThrottling(t *testing.T) {
	keys := logKeys("AWSLogs/", "111122223333", "us-east-1", "2026-11-20T00:00:00Z", 150, time.Minute)
	proxy := newFaultProxy(t, "http://127.0.0.1:1", func(_ *http.Request, n int) fault {
		if n <= 4 {
			return slowDown
		}
		return noFault
	})
	stub := &s3Stub{}
	s := stub.serve(t, S3Config{}, keys...)
	proxy.Config.Handler = proxy.handler(stub)
	s.client = testS3Client(t, AWSOptions{EndpointURL: proxy.URL})
	g, ctx := errgroup.WithContext(t.Context())
	g.SetLimit(32)
	err := s.List(ctx, func(c Chunk) error {
		g.Go(func() error {
			r, err := c.Open(ctx)
			if err != nil {
				return err
			}
			return r.Close()
		})
		return nil
	}, noProblem(t))
	if err := errors.Join(err, g.Wait()); err != nil {
		t.Error(err)
	}
}

// A network that is gone for a moment costs nothing once the scan has begun.
func TestS3NetworkGone(t *testing.T) {
	keys := logKeys("AWSLogs/", "111122223333", "us-east-1", "2026-11-20T00:00:00Z", 2, time.Hour)
	stub := &s3Stub{}
	s := stub.serve(t, S3Config{}, keys...)
	var chunks []Chunk
	first := httptest.NewServer(stub)
	s.client = testS3Client(t, AWSOptions{EndpointURL: first.URL})
	if err := s.List(t.Context(), func(c Chunk) error { chunks = append(chunks, c); return nil }, noProblem(t)); err != nil {
		t.Fatal(err)
	}
	address := first.Listener.Addr().String()
	first.Close()
	var once sync.Once
	s.cfg.OnRetry = func(error) {
		once.Do(func() {
			listener, err := net.Listen("tcp", address)
			if err != nil {
				t.Error(err)
				return
			}
			server := &httptest.Server{Listener: listener, Config: &http.Server{Handler: stub}}
			server.Start()
			t.Cleanup(server.Close)
		})
	}
	if got := string(readAll(t, chunks[0])); got != keys[0] {
		t.Errorf("body %q", got)
	}
}

// The end of the context ends a listing and a fetch at any point.
func TestS3Canceled(t *testing.T) {
	keys := logKeys("AWSLogs/", "111122223333", "us-east-1", "2026-11-20T00:00:00Z", 4, time.Hour)
	stop := errors.New("the user pressed Ctrl-C")
	tests := []struct {
		name  string
		list  bool
		fault fault
	}{
		{"waiting for a listing", true, silent},
		{"waiting for the rest of a listing", true, stalled},
		{"between attempts of a listing", true, truncated},
		{"between the SDK's attempts of a listing", true, failure},
		{"waiting for an object", false, silent},
		{"waiting for the rest of an object", false, stalled},
		{"between attempts of an object", false, truncated},
		{"between the SDK's attempts of an object", false, slowDown},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			ctx, cancel := context.WithCancelCause(t.Context())
			stub := &s3Stub{}
			s := stub.serve(t, S3Config{}, keys...)
			proxy := newFaultProxy(t, "http://127.0.0.1:1", func(r *http.Request, _ int) fault {
				if isList(r) != test.list {
					return noFault
				}
				// By then the client waits, or soon will.
				time.AfterFunc(20*time.Millisecond, func() { cancel(stop) })
				return test.fault
			})
			proxy.Config.Handler = proxy.handler(stub)
			s.client = testS3Client(t, AWSOptions{EndpointURL: proxy.URL, maxBackoff: time.Hour, IdleTimeout: time.Hour})
			s.backoff = time.Hour
			err := s.List(ctx, func(c Chunk) error {
				_, err := c.Open(ctx)
				return err
			}, noProblem(t))
			if !errors.Is(err, stop) {
				t.Errorf("List = %v", err)
			}
		})
	}
}

func TestReadBody(t *testing.T) {
	long := strings.Repeat("0123456789", 2000)
	for _, test := range []struct {
		size int64
		body string
	}{{0, ""}, {5, "hello"}, {-1, "hello"}, {2, "hello"}, {9, "hello"}, {-1, long}, {int64(len(long)), long}, {1, long}} {
		got, err := readBody(nil, strings.NewReader(test.body), test.size)
		if err != nil || string(got) != test.body {
			t.Errorf("size %d: %d bytes, %v", test.size, len(got), err)
		}
	}
	if _, err := readBody(nil, strings.NewReader(""), maxObject+1); !errors.Is(err, errTooLarge) {
		t.Errorf("too large: %v", err)
	}
}
