package ingest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/trailscan/trailscan/internal/cloudtrailtest"
)

// directClient hands requests to a handler without a socket, so that a test runs on
// synctest's clock: its waits cost no time, and what it measures is exact.
type directClient struct {
	handler http.Handler
	connect time.Duration        // of the first request, before it is written
	trip    time.Duration        // each way
	late    func() time.Duration // further delay of one request on its way there
	used    atomic.Bool
}

func (d *directClient) Do(req *http.Request) (*http.Response, error) {
	wait := func(t time.Duration) error {
		select {
		case <-time.After(t):
			return nil
		case <-req.Context().Done():
			return req.Context().Err()
		}
	}
	if !d.used.Swap(true) {
		if err := wait(d.connect); err != nil {
			return nil, err
		}
	}
	trace := httptrace.ContextClientTrace(req.Context())
	if trace != nil && trace.WroteRequest != nil {
		trace.WroteRequest(httptrace.WroteRequestInfo{})
	}
	trip := d.trip
	if d.late != nil {
		trip += d.late()
	}
	if err := wait(trip); err != nil {
		return nil, err
	}
	rec := httptest.NewRecorder()
	aborted := serveDirect(d.handler, rec, req)
	if err := wait(d.trip); err != nil {
		return nil, err
	}
	if trace != nil && trace.GotFirstResponseByte != nil {
		trace.GotFirstResponseByte()
	}
	res := rec.Result()
	if aborted {
		res.Body = io.NopCloser(io.MultiReader(res.Body, cutReader{}))
	}
	return res, nil
}

// serveDirect reports whether the handler broke off.
func serveDirect(h http.Handler, w http.ResponseWriter, r *http.Request) (aborted bool) {
	defer func() {
		switch v := recover(); v {
		case nil:
		case http.ErrAbortHandler:
			aborted = true
		default:
			panic(v)
		}
	}()
	h.ServeHTTP(w, r)
	return false
}

type cutReader struct{}

func (cutReader) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func lookupAWS(client aws.HTTPClient) aws.Config {
	credentials := &checkedCredentials{CredentialsProvider: aws.NewCredentialsCache(aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		return aws.Credentials{AccessKeyID: "ASIAEXAMPLEEXAMPLE00", SecretAccessKey: "secret", CanExpire: true, Expires: time.Now().Add(time.Hour)}, nil
	}))}
	return aws.Config{
		Region:       "eu-west-1",
		BaseEndpoint: aws.String("http://aws.test"),
		Credentials:  credentials,
		HTTPClient:   client,
		Retryer:      func() aws.Retryer { return newRetryer(AWSOptions{}, credentials) },
	}
}

// callRecord is a management event of a region, at a time.
func callRecord(region string, n int, at time.Time) json.RawMessage {
	return fmt.Appendf(nil, `{"eventVersion":"1.11","eventID":"%s-%06d","eventName":"DescribeInstances","eventSource":"ec2.amazonaws.com","eventTime":%q,"awsRegion":%q,"recipientAccountId":"111122223333","eventCategory":"Management","managementEvent":true,"readOnly":true,"userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:worker","accessKeyId":"ASIACALLER0000000000"}}`,
		region, n, at.UTC().Format(time.RFC3339), region)
}

// assumeRecord is an event that issued a key.
func assumeRecord(region, name, key string, at time.Time) json.RawMessage {
	return fmt.Appendf(nil, `{"eventVersion":"1.11","eventID":"%s/%s/%s","eventName":%q,"eventSource":"sts.amazonaws.com","eventTime":%q,"awsRegion":%q,"recipientAccountId":"111122223333","eventCategory":"Management","managementEvent":true,"readOnly":true,"userIdentity":{"type":"IAMUser","userName":"ana"},"responseElements":{"credentials":{"accessKeyId":%q}}}`,
		region, name, key, name, at.UTC().Format(time.RFC3339), region, key)
}

// callRecords are n events, spaced evenly and ending just before until.
func callRecords(region string, n int, until time.Time, every time.Duration) []json.RawMessage {
	var out []json.RawMessage
	for i := range n {
		out = append(out, callRecord(region, i, until.Add(-time.Second-time.Duration(i)*every)))
	}
	return out
}

// lookedUp is what a source gave.
type lookedUp struct {
	chunks   []Chunk
	ids      map[string]int // eventID: how often
	problems []Problem
}

func (c *lookedUp) emit(t *testing.T) func(Chunk) error {
	return func(chunk Chunk) error {
		t.Helper()
		c.chunks = append(c.chunks, chunk)
		for range 2 { // it may be opened again
			r, err := chunk.Open(t.Context())
			if err != nil {
				t.Fatalf("open %s: %v", chunk.Name, err)
			}
			b, err := io.ReadAll(r)
			if err != nil || int64(len(b)) != chunk.Size {
				t.Fatalf("%s: read %d bytes, %v; Size is %d", chunk.Name, len(b), err, chunk.Size)
			}
			var file struct{ Records []struct{ EventID string } }
			if err := json.Unmarshal(b, &file); err != nil {
				t.Fatalf("%s: %v", chunk.Name, err)
			}
			if c.ids == nil {
				c.ids = map[string]int{}
			}
			for _, r := range file.Records {
				c.ids[r.EventID]++
			}
		}
		return nil
	}
}

func (c *lookedUp) report(p Problem) { c.problems = append(c.problems, p) }

// complete fails the test unless every record was given, and nothing else.
func (c *lookedUp) complete(t *testing.T, want []json.RawMessage) {
	t.Helper()
	missing, all := 0, map[string]bool{}
	for _, raw := range want {
		var r struct{ EventID string }
		if err := json.Unmarshal(raw, &r); err != nil {
			t.Fatal(err)
		}
		all[r.EventID] = true
		if c.ids[r.EventID] == 0 {
			missing++
		}
	}
	if missing > 0 {
		t.Errorf("%d of %d events are missing", missing, len(want))
	}
	for id := range c.ids {
		if !all[id] {
			t.Errorf("event %s was not asked for", id)
		}
	}
	names := map[string]bool{}
	for _, chunk := range c.chunks {
		if names[chunk.Name] {
			t.Errorf("two chunks are named %s", chunk.Name)
		}
		names[chunk.Name] = true
		if !strings.HasPrefix(chunk.Name, "lookup://"+chunk.Region+"/") || chunk.Account != "111122223333" {
			t.Errorf("chunk %s of account %q and region %q", chunk.Name, chunk.Account, chunk.Region)
		}
	}
}

func (c *lookedUp) noProblems(t *testing.T) {
	t.Helper()
	for _, p := range c.problems {
		t.Errorf("problem: %+v", p)
	}
}

func newLookupServer(t *testing.T, records []json.RawMessage) *cloudtrailtest.Server {
	t.Helper()
	s, err := cloudtrailtest.New(records)
	if err != nil {
		t.Fatal(err)
	}
	s.Now = time.Now
	return s
}

// faultsIn answers the nth request of a region with a fault.
func faultsIn(region string, faults map[int]*cloudtrailtest.Fault) func(cloudtrailtest.Call) *cloudtrailtest.Fault {
	return func(c cloudtrailtest.Call) *cloudtrailtest.Fault {
		if c.Region != region {
			return nil
		}
		return faults[c.N]
	}
}

// faultBurst is the same fault from one request to another.
func faultBurst(from, to int, f *cloudtrailtest.Fault) map[int]*cloudtrailtest.Fault {
	m := map[int]*cloudtrailtest.Fault{}
	for n := from; n <= to; n++ {
		m[n] = f
	}
	return m
}

// Whatever goes wrong for a while, every event is read.
func TestLookupLosesNothing(t *testing.T) {
	unavailable := cloudtrailtest.Fail(503, "ServiceUnavailable", "try later")
	internal := cloudtrailtest.Fail(500, "InternalFailure", "")
	tests := []struct {
		name      string
		faults    map[int]*cloudtrailtest.Fault
		tokenLife time.Duration
		crowded   bool // many events in one second
		requests  int  // 0: not told
	}{
		{name: "nothing", requests: 11},
		{name: "throttling burst", faults: faultBurst(3, 8, cloudtrailtest.Throttle(0)), requests: 17},
		{name: "throttling with a time to wait", faults: faultBurst(2, 3, cloudtrailtest.Throttle(1500*time.Millisecond)), requests: 13},
		{name: "throttled nine times", faults: faultBurst(1, 9, cloudtrailtest.Throttle(0)), requests: 20},
		{name: "500", faults: faultBurst(4, 8, internal), requests: 16},
		{name: "503", faults: faultBurst(1, 4, unavailable), requests: 15},
		{name: "answer breaks off", faults: faultBurst(5, 6, cloudtrailtest.Cut()), requests: 13},
		{name: "short page", faults: faultBurst(2, 2, cloudtrailtest.Short(7))},
		{name: "empty pages", faults: faultBurst(1, 3, cloudtrailtest.Short(0)), requests: 14},
		{name: "page comes twice", faults: faultBurst(4, 4, cloudtrailtest.Repeat()), requests: 12},
		{name: "token expires", faults: faultBurst(6, 6, cloudtrailtest.ExpireTokens())},
		{name: "token expires again and again", faults: map[int]*cloudtrailtest.Fault{3: cloudtrailtest.ExpireTokens(), 6: cloudtrailtest.ExpireTokens(), 9: cloudtrailtest.ExpireTokens()}},
		{name: "tokens live for three pages", tokenLife: 2 * time.Second},
		{name: "token expires within a crowded second", faults: map[int]*cloudtrailtest.Fault{4: cloudtrailtest.ExpireTokens(), 9: cloudtrailtest.ExpireTokens()}, crowded: true},
		{name: "same token once", faults: faultBurst(5, 5, cloudtrailtest.SameToken())},
		{name: "credentials expire and are there again", faults: faultBurst(5, 5, cloudtrailtest.Fail(400, "ExpiredTokenException", "The security token included in the request is expired"))},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				now := time.Now()
				every := 7 * time.Second
				if tt.crowded {
					every = 4 * time.Millisecond // 250 events in each second
				}
				records := callRecords("eu-west-1", 520, now, every)
				server := newLookupServer(t, records)
				server.Fault = faultsIn("eu-west-1", tt.faults)
				server.TokenLife = tt.tokenLife
				lookup := NewLookup(LookupConfig{
					AWS: lookupAWS(&directClient{handler: server}), Regions: []string{"eu-west-1"},
					Since: now.Add(-2 * time.Hour), Until: now, Now: now,
				})
				var got lookedUp
				if err := lookup.List(t.Context(), got.emit(t), got.report); err != nil {
					t.Fatal(err)
				}
				got.noProblems(t)
				got.complete(t, records)
				n := len(server.Calls())
				if tt.requests != 0 && n != tt.requests {
					t.Errorf("%d requests, want %d", n, tt.requests)
				}
				if int(lookup.Requests()) != n {
					t.Errorf("Requests is %d, the server saw %d", lookup.Requests(), n)
				}
			})
		})
	}
}

// The pace keeps just below the service's limit, however slow the network is,
// also for requests that are repeated.
func TestLookupPace(t *testing.T) {
	tests := []struct {
		name          string
		connect, trip time.Duration
		uneven        time.Duration // every other request takes so much longer to arrive
		faults        map[int]*cloudtrailtest.Fault
	}{
		{name: "at once"},
		{name: "slow connection", connect: 400 * time.Millisecond, trip: 20 * time.Millisecond},
		{name: "slow answers", trip: 240 * time.Millisecond},
		{name: "quick but uneven", uneven: 49 * time.Millisecond},
		{name: "slow and uneven", trip: 100 * time.Millisecond, uneven: 49 * time.Millisecond},
		{name: "errors", faults: map[int]*cloudtrailtest.Fault{5: cloudtrailtest.Fail(500, "InternalFailure", ""), 9: cloudtrailtest.Fail(500, "InternalFailure", "")}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				now := time.Now()
				records := callRecords("eu-west-1", 2000, now, time.Second)
				server := newLookupServer(t, records)
				server.Fault = faultsIn("eu-west-1", tt.faults)
				client := &directClient{handler: server, connect: tt.connect, trip: tt.trip}
				odd := false
				client.late = func() time.Duration {
					if odd = !odd; odd {
						return tt.uneven
					}
					return 0
				}
				lookup := NewLookup(LookupConfig{
					AWS: lookupAWS(client), Regions: []string{"eu-west-1"},
					Since: now.Add(-time.Hour), Until: now, Now: now,
				})
				var got lookedUp
				if err := lookup.List(t.Context(), got.emit(t), got.report); err != nil {
					t.Fatal(err)
				}
				got.complete(t, records)
				if n := server.Throttled(); n > 0 {
					t.Errorf("throttled %d times", n)
				}
				requests := server.Calls()
				took := requests[len(requests)-1].At.Sub(requests[0].At)
				rate := float64(len(requests)-1) / took.Seconds()
				if rate < 0.9*cloudtrailtest.DefaultRate || rate > cloudtrailtest.DefaultRate {
					t.Errorf("%.3f requests a second, want 0.9 to 1 times %v", rate, cloudtrailtest.DefaultRate)
				}
			})
		})
	}
}

// Regions are read side by side, each at its own pace.
func TestLookupRegions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		now := time.Now()
		regions := []string{"us-east-1", "eu-west-1", "ap-south-1"}
		var records []json.RawMessage
		for _, r := range regions {
			records = append(records, callRecords(r, 500, now, time.Second)...)
		}
		elsewhere := callRecords("eu-north-1", 10, now, time.Second)
		server := newLookupServer(t, slices.Concat(records, elsewhere))
		lookup := NewLookup(LookupConfig{
			AWS: lookupAWS(&directClient{handler: server}), Regions: append(regions, "eu-west-1"),
			Since: now.Add(-time.Hour), Until: now, Now: now,
		})
		var got lookedUp
		if err := lookup.List(t.Context(), got.emit(t), got.report); err != nil {
			t.Fatal(err)
		}
		got.noProblems(t)
		got.complete(t, records)
		if n := len(server.Calls()); n != 30 || server.Throttled() != 0 {
			t.Errorf("%d requests of which %d throttled, want 30 and none", n, server.Throttled())
		}
		if took := time.Since(now); took > 6*time.Second {
			t.Errorf("three regions took %v; one alone takes 5 s", took)
		}
	})
}

// The window's ends, in the API's terms: both inclusive. What is outside, no
// management event, or another account's is not read.
func TestLookupWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		now := time.Now()
		since, until := now.Add(-3*time.Hour), now.Add(-time.Hour)
		want := []json.RawMessage{callRecord("eu-west-1", 1, since), callRecord("eu-west-1", 2, since.Add(time.Hour)), callRecord("eu-west-1", 3, until)}
		data := strings.ReplaceAll(string(callRecord("eu-west-1", 6, since.Add(time.Hour))), `"Management"`, `"Data"`)
		foreign := strings.ReplaceAll(string(callRecord("eu-west-1", 7, since.Add(time.Hour))), `"111122223333"`, `"444455556666"`)
		server := newLookupServer(t, append([]json.RawMessage{
			callRecord("eu-west-1", 4, since.Add(-time.Second)), callRecord("eu-west-1", 5, until.Add(time.Second)),
			json.RawMessage(data), json.RawMessage(foreign),
		}, want...))
		lookup := NewLookup(LookupConfig{AWS: lookupAWS(&directClient{handler: server}), Since: since, Until: until, Now: now})
		var got lookedUp
		if err := lookup.List(t.Context(), got.emit(t), got.report); err != nil {
			t.Fatal(err)
		}
		got.noProblems(t)
		got.complete(t, want)
	})
}

func TestLookupBeyondHistory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		now := time.Now()
		want := []json.RawMessage{callRecord("eu-west-1", 1, now.Add(-89*24*time.Hour))}
		server := newLookupServer(t, append(want, callRecord("eu-west-1", 2, now.Add(-91*24*time.Hour))))
		lookup := NewLookup(LookupConfig{
			AWS:   lookupAWS(&directClient{handler: server}),
			Since: now.Add(-120 * 24 * time.Hour), Until: now, Now: now,
		})
		var got lookedUp
		if err := lookup.List(t.Context(), got.emit(t), got.report); err != nil {
			t.Fatal(err)
		}
		got.complete(t, want)
		if len(got.problems) != 1 || !got.problems[0].Lost() || !strings.Contains(got.problems[0].Error, "the API keeps 90 days") {
			t.Errorf("problems are %+v, want one about the 90 days", got.problems)
		}
		if start := server.Calls()[0].Start; !start.Equal(now.Add(-LookupHistory)) {
			t.Errorf("asked from %v", start)
		}
	})
}

// A question that cannot be answered is one line, and no request.
func TestLookupRefuses(t *testing.T) {
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	day := 24 * time.Hour
	tests := []struct {
		name string
		cfg  LookupConfig
		want string
	}{
		{"no region", LookupConfig{Now: now}, "look up events: no region; name it with --region or AWS_REGION"},
		{"strange region", LookupConfig{Now: now, Regions: []string{"evil.test/"}}, `look up events: "evil.test/" is no region; regions are named like us-east-1`},
		{"ends before it begins", LookupConfig{Now: now, Regions: []string{"us-east-1"}, Since: now, Until: now.Add(-day)},
			"look up events: the window ends at 2026-11-23T12:00:00Z, before it begins at 2026-11-24T12:00:00Z; see --since and --until"},
		{"too old", LookupConfig{Now: now, Regions: []string{"us-east-1"}, Since: now.Add(-100 * day), Until: now.Add(-91 * day)},
			"look up events until 2026-08-25T12:00:00Z: the API keeps 90 days, which begin at 2026-08-26T12:00:00Z; read the trail's bucket for what is older"},
		{"long value", LookupConfig{Now: now, Regions: []string{"us-east-1"}, Attributes: []LookupAttribute{{"Username", strings.Repeat("ä", 2001)}}},
			"look up events by Username: a value has 1 to 2000 characters, not 2001"},
		{"empty value", LookupConfig{Now: now, Regions: []string{"us-east-1"}, Attributes: []LookupAttribute{{"AccessKeyId", ""}}},
			"look up events by AccessKeyId: a value has 1 to 2000 characters, not 0"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			fail := func(Chunk) error { t.Error("a chunk"); return nil }
			lookup := NewLookup(tt.cfg)
			if err := lookup.List(t.Context(), fail, func(Problem) { t.Error("a problem") }); err == nil || err.Error() != tt.want {
				t.Errorf("List: %v\nwant %s", err, tt.want)
			}
			if err := lookup.Backfill(t.Context(), []Need{{Time: now.Unix()}}, fail, func(Problem) { t.Error("a problem") }); err == nil || err.Error() != tt.want {
				t.Errorf("Backfill: %v\nwant %s", err, tt.want)
			}
		})
	}
}

// A region that fails costs itself only; when none works it is an error.
func TestLookupFailures(t *testing.T) {
	fail := func(code, message string) *cloudtrailtest.Fault { return cloudtrailtest.Fail(400, code, message) }
	tests := []struct {
		name  string
		fault *cloudtrailtest.Fault
		want  []string
	}{
		{"denied", cloudtrailtest.Deny(), []string{"look up events in us-east-1: access denied (AccessDeniedException: User: arn:aws:iam::111122223333:user/auditor", "needs cloudtrail:LookupEvents on resource *"}},
		{"not enabled", fail("OptInRequired", "The region is not enabled"), []string{"the region is not enabled for the account", "leave it out of --region"}},
		{"not known there", fail("UnrecognizedClientException", "The security token included in the request is invalid."), []string{"the access key is not known there", "not enabled for the account"}},
		{"expired", fail("ExpiredTokenException", "The security token included in the request is expired"), []string{"the credentials have expired"}},
		{"wrong secret", fail("InvalidSignatureException", "The request signature we calculated does not match"), []string{"the secret key does not belong to the access key"}},
		{"time range", fail("InvalidTimeRangeException", "The range is outside the range of possible values"), []string{"the time range is invalid", "--since"}},
		{"always throttled", cloudtrailtest.Throttle(0), []string{"still throttled after 10 attempts (ThrottlingException: Rate exceeded)", "another program"}},
		{"down", cloudtrailtest.Fail(500, "InternalFailure", "out of order"), []string{"InternalFailure: out of order"}},
		{"hostile", fail("Oh\nno", "a\x1b[31mb\r\nc"), []string{"a [31mb c"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for _, regions := range [][]string{{"eu-west-1", "us-east-1"}, {"us-east-1"}, {"us-east-1", "us-west-2"}} {
				synctest.Test(t, func(t *testing.T) {
					now := time.Now()
					records := callRecords("eu-west-1", 120, now, time.Second)
					server := newLookupServer(t, records)
					server.Fault = func(c cloudtrailtest.Call) *cloudtrailtest.Fault {
						if strings.HasPrefix(c.Region, "us-") {
							return tt.fault
						}
						return nil
					}
					lookup := NewLookup(LookupConfig{AWS: lookupAWS(&directClient{handler: server}), Regions: regions, Since: now.Add(-time.Hour), Now: now})
					var got lookedUp
					err := lookup.List(t.Context(), got.emit(t), got.report)
					var text string
					if slices.Contains(regions, "eu-west-1") {
						if err != nil {
							t.Fatal(err)
						}
						got.complete(t, records)
						if len(got.problems) != 1 || got.problems[0].Object != "lookup://us-east-1/" || !got.problems[0].Lost() {
							t.Fatalf("problems are %+v, want one of us-east-1", got.problems)
						}
						text = got.problems[0].Error
					} else {
						if err == nil || len(got.chunks) > 0 || len(got.problems) > 0 {
							t.Fatalf("error %v, %d chunks, problems %+v; want an error alone", err, len(got.chunks), got.problems)
						}
						text = err.Error()
						if others := strings.HasSuffix(text, "(and no better in 1 other region)"); others != (len(regions) == 2) {
							t.Errorf("the error is %q", text)
						}
					}
					for _, want := range tt.want {
						if !strings.Contains(text, want) {
							t.Errorf("the error is\n%s\nwithout\n%s", text, want)
						}
					}
					if strings.ContainsAny(text, "\n\r\x1b") {
						t.Errorf("the error is more than a line: %q", text)
					}
				})
			}
		})
	}
}

// What never ends does end, and the error says what was not read.
func TestLookupGivesUp(t *testing.T) {
	later := func(f *cloudtrailtest.Fault) func(cloudtrailtest.Call) *cloudtrailtest.Fault {
		return func(c cloudtrailtest.Call) *cloudtrailtest.Fault {
			if c.N > 3 && c.Token != "" {
				return f
			}
			return nil
		}
	}
	tests := []struct {
		name  string
		fault func(cloudtrailtest.Call) *cloudtrailtest.Fault
		want  string
	}{
		{"tokens always expired", later(cloudtrailtest.ExpireTokens()), "page tokens expire before the next page can be asked for"},
		{"always the same token", later(cloudtrailtest.SameToken()), "the service gives the same page token again and again"},
		{"denied half-way", later(cloudtrailtest.Deny()), "access denied"},
		{"credentials gone half-way", later(cloudtrailtest.Fail(400, "ExpiredTokenException", "expired")), "the credentials have expired"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				now := time.Now()
				// All at one moment, so that beginning anew brings nothing.
				server := newLookupServer(t, callRecords("eu-west-1", 500, now.Add(-time.Minute), 0))
				server.Fault = tt.fault
				lookup := NewLookup(LookupConfig{AWS: lookupAWS(&directClient{handler: server}), Since: now.Add(-time.Hour), Now: now})
				var got lookedUp
				if err := lookup.List(t.Context(), got.emit(t), got.report); err != nil {
					t.Fatal(err)
				}
				if len(got.ids) < 100 {
					t.Errorf("%d events were kept, want those of the pages before the failure", len(got.ids))
				}
				if len(got.problems) != 1 {
					t.Fatalf("problems are %+v, want one", got.problems)
				}
				text := got.problems[0].Error
				unread := fmt.Sprintf("(not read: its events from %s to %s)", now.Add(-time.Hour).UTC().Format(time.RFC3339), now.Add(-time.Minute-time.Second).UTC().Format(time.RFC3339))
				if !strings.Contains(text, tt.want) || !strings.HasSuffix(text, unread) {
					t.Errorf("the problem is\n%s\nwant\n%s ... %s", text, tt.want, unread)
				}
				want := fmt.Sprint([]ListedRegion{{Account: "111122223333", Region: "eu-west-1", Hours: hourRun(now.Add(-time.Hour), now), Unlisted: hourRun(now.Add(-time.Hour), now.Add(-time.Minute-time.Second))}})
				if got := fmt.Sprint(lookup.Listed()); got != want {
					t.Errorf("listed is\n%s\nwant\n%s", got, want)
				}
			})
		})
	}
}

type deadCredentials struct{ text string }

func (n deadCredentials) Retrieve(context.Context) (aws.Credentials, error) {
	return aws.Credentials{}, errors.New(n.text)
}

type unreachableClient struct{ err error }

func (u unreachableClient) Do(*http.Request) (*http.Response, error) { return nil, u.err }

func TestLookupCannotStart(t *testing.T) {
	none := lookupAWS(unreachableClient{errors.New("not asked")})
	none.Credentials = &checkedCredentials{CredentialsProvider: deadCredentials{"no EC2 IMDS role found"}}
	refused := &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("connect: connection refused")}
	unknown := &net.DNSError{Err: "no such host", Name: "cloudtrail.eu-west-9.amazonaws.com", IsNotFound: true}
	tests := []struct {
		name string
		aws  aws.Config
		want string
	}{
		{"no credentials", none, "look up events: no credentials found"},
		{"refused", lookupAWS(unreachableClient{refused}), "look up events in eu-west-1: cannot connect"},
		{"no such host", lookupAWS(unreachableClient{unknown}), `look up events in eu-west-1: no address for host "cloudtrail.eu-west-9.amazonaws.com"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				now := time.Now()
				var got lookedUp
				err := NewLookup(LookupConfig{AWS: tt.aws, Now: now}).List(t.Context(), got.emit(t), got.report)
				if err == nil || !strings.HasPrefix(err.Error(), tt.want) {
					t.Errorf("the error is %v, want %s", err, tt.want)
				}
				got.noProblems(t)
				if took := time.Since(now); took > 5*time.Second {
					t.Errorf("it took %v to say so", took)
				}
			})
		})
	}
}

func TestLookupStops(t *testing.T) {
	enough := errors.New("enough")
	for _, name := range []string{"emit fails", "canceled", "canceled while a request is out"} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				now := time.Now()
				server := newLookupServer(t, slices.Concat(callRecords("eu-west-1", 5000, now, time.Second), callRecords("us-east-1", 5000, now, time.Second)))
				client := &directClient{handler: server}
				ctx, cancel := context.WithCancelCause(t.Context())
				defer cancel(nil)
				if name == "canceled while a request is out" {
					client.trip = time.Hour
					time.AfterFunc(time.Minute, func() { cancel(enough) })
				}
				lookup := NewLookup(LookupConfig{AWS: lookupAWS(client), Regions: []string{"eu-west-1", "us-east-1"}, Since: now.Add(-2 * time.Hour), Now: now})
				n := 0
				var stopped time.Time
				err := lookup.List(ctx, func(Chunk) error {
					if n++; n != 3 {
						return nil
					}
					stopped = time.Now()
					if name == "emit fails" {
						return enough
					}
					cancel(enough)
					return nil
				}, func(p Problem) { t.Errorf("problem: %+v", p) })
				if !errors.Is(err, enough) {
					t.Errorf("the error is %v, want the cause", err)
				}
				if n > 3 {
					t.Errorf("%d chunks, want none after the third", n)
				}
				if n == 3 && time.Since(stopped) > time.Second {
					t.Errorf("it took %v to stop", time.Since(stopped))
				}
			})
		})
	}
}

// An event without a record costs itself only.
func TestLookupBrokenEvents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		now := time.Now()
		good := string(callRecord("eu-west-1", 1, now))
		quoted := func(s string) string {
			b, err := json.Marshal(s)
			if err != nil {
				t.Fatal(err)
			}
			return string(b)
		}
		answer := fmt.Sprintf(`{"Events":[{"EventId":"a","CloudTrailEvent":"{\"eventID\":"},{"EventId":"b","EventTime":1,"CloudTrailEvent":%s},{"EventId":"c"},{"EventId":"d","CloudTrailEvent":%s}]}`,
			quoted(good), quoted(strings.ReplaceAll(good, "000001", "000002")))
		handler := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/x-amz-json-1.1")
			_, _ = io.WriteString(w, answer)
		})
		var got lookedUp
		if err := NewLookup(LookupConfig{AWS: lookupAWS(&directClient{handler: handler}), Now: now}).List(t.Context(), got.emit(t), got.report); err != nil {
			t.Fatal(err)
		}
		got.complete(t, []json.RawMessage{callRecord("eu-west-1", 1, now), callRecord("eu-west-1", 2, now)})
		if len(got.problems) != 1 || got.problems[0].Count != 2 || got.problems[0].Stage != StageRecord || got.problems[0].Object != "lookup://eu-west-1/1" {
			t.Errorf("problems are %+v, want one that counts two records", got.problems)
		}
	})
}

// One session's story is asked for by attribute and not by reading everything.
func TestLookupAttributes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		now := time.Now()
		other := strings.ReplaceAll(string(callRecord("eu-west-1", 9, now.Add(-time.Minute))), "worker", "other")
		other = strings.ReplaceAll(other, "ASIACALLER0000000000", "ASIAOTHER00000000000")
		mine := callRecord("eu-west-1", 1, now.Add(-time.Minute))
		issue := assumeRecord("eu-west-1", "AssumeRole", "ASIACALLER0000000000", now.Add(-time.Hour))
		records := append(callRecords("eu-west-1", 300, now, time.Second), json.RawMessage(other), issue)
		for i := range records[:300] {
			records[i] = json.RawMessage(strings.ReplaceAll(strings.ReplaceAll(string(records[i]), "worker", "crowd"), "ASIACALLER0000000000", "ASIACROWD00000000000"))
		}
		mine = json.RawMessage(strings.ReplaceAll(string(mine), "000001", "100001"))
		records = append(records, mine)
		tests := []struct {
			attributes []LookupAttribute
			want       []json.RawMessage
		}{
			{[]LookupAttribute{{"Username", "worker"}}, []json.RawMessage{mine}},
			{[]LookupAttribute{{"AccessKeyId", "ASIACALLER0000000000"}, {"ResourceName", "ASIACALLER0000000000"}}, []json.RawMessage{mine, issue}},
			{[]LookupAttribute{{"Username", "nobody"}}, nil},
		}
		for _, tt := range tests {
			server := newLookupServer(t, records)
			lookup := NewLookup(LookupConfig{AWS: lookupAWS(&directClient{handler: server}), Since: now.Add(-2 * time.Hour), Now: now, Attributes: tt.attributes})
			var got lookedUp
			if err := lookup.List(t.Context(), got.emit(t), got.report); err != nil {
				t.Fatal(err)
			}
			got.noProblems(t)
			got.complete(t, tt.want)
			if n := len(server.Calls()); n != len(tt.attributes) {
				t.Errorf("%v: %d requests", tt.attributes, n)
			}
		}
	})
}
