package cloudtrailtest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/account"
	accounttypes "github.com/aws/aws-sdk-go-v2/service/account/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail/types"
	"github.com/aws/smithy-go"
)

var noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

func record(region string, n int, at time.Time) json.RawMessage {
	return fmt.Appendf(nil, `{"eventID":"%s-%03d","eventName":"DescribeInstances","eventSource":"ec2.amazonaws.com","eventTime":%q,"awsRegion":%q,"readOnly":true,"userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:worker","accessKeyId":"ASIAWORKER"}}`,
		region, n, at.Format(time.RFC3339), region)
}

const assumeRecord = `{"eventID":"assume","eventName":"AssumeRole","eventSource":"sts.amazonaws.com","eventTime":"2026-11-24T10:00:00Z","awsRegion":"us-east-1","readOnly":true,
 "userIdentity":{"type":"AWSService","invokedBy":"lambda.amazonaws.com"},"requestParameters":{"roleArn":"arn:aws:iam::111122223333:role/orders","roleSessionName":"orders-api"},
 "responseElements":{"credentials":{"accessKeyId":"ASIAISSUED"},"assumedRoleUser":{"assumedRoleId":"AROAORDERS:orders-api","arn":"arn:aws:sts::111122223333:assumed-role/orders/orders-api"}}}`

// start serves records at noon, with a bucket that never runs dry.
func start(t *testing.T, records ...json.RawMessage) (*Server, func(region string) *cloudtrail.Client, aws.Config) {
	t.Helper()
	s, err := New(records)
	if err != nil {
		t.Fatal(err)
	}
	s.Now = func() time.Time { return noon }
	s.Burst = 1e6
	cfg := aws.Config{
		BaseEndpoint: aws.String("http://aws.test"), Region: "us-east-1", HTTPClient: inProcess{s},
		Credentials: credentials.NewStaticCredentialsProvider("AKIAONE", "secret", ""),
		Retryer:     func() aws.Retryer { return aws.NopRetryer{} },
	}
	return s, func(region string) *cloudtrail.Client {
		return cloudtrail.NewFromConfig(cfg, func(o *cloudtrail.Options) { o.Region = region })
	}, cfg
}

// inProcess hands requests to a handler. Over a socket the SDK now and then
// breaks off an answer that comes before it has put its own body away, and
// these tests do not retry.
type inProcess struct{ handler http.Handler }

func (p inProcess) Do(r *http.Request) (res *http.Response, err error) {
	rec := httptest.NewRecorder()
	defer func() {
		if v := recover(); v == http.ErrAbortHandler {
			res = rec.Result()
			res.Body = io.NopCloser(io.MultiReader(res.Body, cutReader{}))
		} else if v != nil {
			panic(v)
		}
	}()
	p.handler.ServeHTTP(rec, r)
	return rec.Result(), nil
}

type cutReader struct{}

func (cutReader) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func ids(t *testing.T, out *cloudtrail.LookupEventsOutput) []string {
	t.Helper()
	var s []string
	for _, e := range out.Events {
		var r struct{ EventID string }
		if err := json.Unmarshal([]byte(aws.ToString(e.CloudTrailEvent)), &r); err != nil || r.EventID != aws.ToString(e.EventId) {
			t.Errorf("event %s holds record %s, %v", aws.ToString(e.EventId), r.EventID, err)
		}
		s = append(s, r.EventID)
	}
	return s
}

func code(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorCode()
	}
	return fmt.Sprint(err)
}

func attribute(key types.LookupAttributeKey, value string) []types.LookupAttribute {
	return []types.LookupAttribute{{AttributeKey: key, AttributeValue: aws.String(value)}}
}

func TestParameters(t *testing.T) {
	_, client, _ := start(t, record("us-east-1", 1, noon))
	hour := time.Hour
	tests := []struct {
		name string
		in   cloudtrail.LookupEventsInput
		want string // error code, empty for none
	}{
		{"none", cloudtrail.LookupEventsInput{}, ""},
		{"all", cloudtrail.LookupEventsInput{StartTime: aws.Time(noon.Add(-hour)), EndTime: aws.Time(noon), MaxResults: aws.Int32(50), LookupAttributes: attribute("EventName", "x")}, ""},
		{"one moment", cloudtrail.LookupEventsInput{StartTime: aws.Time(noon), EndTime: aws.Time(noon)}, ""},
		{"ends before it begins", cloudtrail.LookupEventsInput{StartTime: aws.Time(noon), EndTime: aws.Time(noon.Add(-time.Millisecond))}, "InvalidTimeRangeException"},
		{"no results", cloudtrail.LookupEventsInput{MaxResults: aws.Int32(0)}, "InvalidMaxResultsException"},
		{"51 results", cloudtrail.LookupEventsInput{MaxResults: aws.Int32(51)}, "InvalidMaxResultsException"},
		{"two attributes", cloudtrail.LookupEventsInput{LookupAttributes: append(attribute("EventName", "x"), attribute("Username", "y")...)}, "InvalidLookupAttributesException"},
		{"unknown attribute", cloudtrail.LookupEventsInput{LookupAttributes: attribute("SessionName", "x")}, "InvalidLookupAttributesException"},
		{"empty value", cloudtrail.LookupEventsInput{LookupAttributes: attribute("Username", "")}, "InvalidLookupAttributesException"},
		{"long value", cloudtrail.LookupEventsInput{LookupAttributes: attribute("Username", strings.Repeat("x", 2001))}, "InvalidLookupAttributesException"},
		{"category", cloudtrail.LookupEventsInput{EventCategory: "management"}, "InvalidEventCategoryException"},
		{"insight", cloudtrail.LookupEventsInput{EventCategory: types.EventCategoryInsight}, ""},
		{"token", cloudtrail.LookupEventsInput{NextToken: aws.String("tomorrow")}, "InvalidNextTokenException"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := client("us-east-1").LookupEvents(t.Context(), &tt.in)
			if got := code(err); tt.want != "" && got != tt.want || tt.want == "" && err != nil {
				t.Errorf("the error is %v, want %q", err, tt.want)
			}
		})
	}
}

func TestPagesAndTokens(t *testing.T) {
	var records []json.RawMessage
	for i := range 120 {
		records = append(records, record("us-east-1", i, noon.Add(-time.Duration(i)*time.Minute)))
	}
	records = append(records, record("us-east-1", 999, noon.Add(-History-time.Second)), record("eu-west-1", 500, noon))
	slices.Reverse(records)
	server, client, _ := start(t, records...)
	in := &cloudtrail.LookupEventsInput{EndTime: aws.Time(noon)}
	var all []string
	for {
		out, err := client("us-east-1").LookupEvents(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, ids(t, out)...)
		in.NextToken = out.NextToken
		if in.NextToken == nil {
			break
		}
	}
	if len(all) != 120 || !slices.IsSorted(all) {
		t.Errorf("%d events, newest first: %v", len(all), all)
	}
	if n := len(server.Calls()); n != 3 {
		t.Errorf("%d pages, want 3", n)
	}

	// A token is good for its own parameters and region only.
	in.NextToken = nil
	out, err := client("us-east-1").LookupEvents(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	others := map[string]*cloudtrail.LookupEventsInput{
		"us-east-1 from another time":      {NextToken: out.NextToken, EndTime: aws.Time(noon.Add(time.Second))},
		"us-east-1 with an attribute":      {NextToken: out.NextToken, EndTime: aws.Time(noon), LookupAttributes: attribute("Username", "worker")},
		"us-east-1 with another page size": {NextToken: out.NextToken, EndTime: aws.Time(noon), MaxResults: aws.Int32(10)},
		"eu-west-1":                        {NextToken: out.NextToken, EndTime: aws.Time(noon)},
	}
	for name, in := range others {
		region, _, _ := strings.Cut(name, " ")
		if _, err := client(region).LookupEvents(t.Context(), in); code(err) != "InvalidNextTokenException" {
			t.Errorf("token used for %s: %v", name, err)
		}
	}

	// And for a while only.
	server.TokenLife = time.Minute
	server.Now = func() time.Time { return noon.Add(61 * time.Second) }
	in.NextToken = out.NextToken
	if _, err := client("us-east-1").LookupEvents(t.Context(), in); code(err) != "InvalidNextTokenException" {
		t.Errorf("old token: %v", err)
	}
}

func TestAttributes(t *testing.T) {
	iam := json.RawMessage(`{"eventID":"user","eventName":"ListRoles","eventSource":"iam.amazonaws.com","eventTime":"2026-11-24T11:00:00Z","awsRegion":"us-east-1","readOnly":false,"userIdentity":{"type":"IAMUser","userName":"ana","accessKeyId":"AKIAANA"},"resources":[{"ARN":"arn:aws:iam::111122223333:role/x","type":"AWS::IAM::Role"}]}`)
	_, client, _ := start(t, record("us-east-1", 1, noon), json.RawMessage(assumeRecord), iam)
	tests := []struct{ key, value, want string }{
		{"EventId", "user", "[user]"},
		{"EventName", "AssumeRole", "[assume]"},
		{"EventSource", "iam.amazonaws.com", "[user]"},
		{"ReadOnly", "true", "[us-east-1-001 assume]"},
		{"Username", "worker", "[us-east-1-001]"},
		{"Username", "ana", "[user]"},
		{"Username", "lambda.amazonaws.com", "[]"},
		{"AccessKeyId", "ASIAWORKER", "[us-east-1-001]"},
		{"ResourceName", "ASIAISSUED", "[assume]"},
		{"ResourceName", "orders-api", "[assume]"},
		{"ResourceName", "AROAORDERS:orders-api", "[assume]"},
		{"ResourceName", "arn:aws:iam::111122223333:role/orders", "[assume]"},
		{"ResourceType", "AWS::IAM::Role", "[user assume]"},
		{"ResourceType", "AWS::IAM::AccessKey", "[assume]"},
	}
	for _, tt := range tests {
		out, err := client("us-east-1").LookupEvents(t.Context(), &cloudtrail.LookupEventsInput{LookupAttributes: attribute(types.LookupAttributeKey(tt.key), tt.value)})
		if err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprint(ids(t, out)); got != tt.want {
			t.Errorf("%s=%s gives %s, want %s", tt.key, tt.value, got, tt.want)
		}
	}
}

// The bucket is one of each account and region, and the region is that of the
// signature.
func TestThrottling(t *testing.T) {
	server, client, cfg := start(t)
	server.Burst = 0 // the default
	server.Keys = map[string]string{"AKIAONE": "111122223333", "AKIATWO": "444455556666"}
	now := noon
	server.Now = func() time.Time { return now }
	two := cfg.Copy()
	two.Credentials = credentials.NewStaticCredentialsProvider("AKIATWO", "secret", "")
	three := cfg.Copy()
	three.Credentials = credentials.NewStaticCredentialsProvider("AKIATHREE", "secret", "")
	ask := func(c *cloudtrail.Client) string {
		_, err := c.LookupEvents(context.Background(), &cloudtrail.LookupEventsInput{})
		if err == nil {
			return ""
		}
		return code(err)
	}
	steps := []struct {
		client *cloudtrail.Client
		after  time.Duration
		want   string
	}{
		{client("us-east-1"), 0, ""},
		{client("us-east-1"), 0, "ThrottlingException"},
		{client("eu-west-1"), 0, ""},
		{cloudtrail.NewFromConfig(two), 0, ""},
		{cloudtrail.NewFromConfig(two), 0, "ThrottlingException"},
		{client("us-east-1"), 499 * time.Millisecond, "ThrottlingException"},
		{client("us-east-1"), time.Millisecond, ""},
		{client("us-east-1"), time.Hour, ""},
		{client("us-east-1"), 0, "ThrottlingException"},
		{cloudtrail.NewFromConfig(three), 0, "UnrecognizedClientException"},
	}
	for i, s := range steps {
		now = now.Add(s.after)
		if got := ask(s.client); got != s.want {
			t.Errorf("step %d: %q, want %q", i, got, s.want)
		}
	}
	if n := server.Throttled(); n != 4 {
		t.Errorf("Throttled is %d", n)
	}
}

func TestFaults(t *testing.T) {
	var records []json.RawMessage
	for i := range 100 {
		records = append(records, record("us-east-1", i, noon.Add(-time.Duration(i)*time.Minute)))
	}
	server, client, _ := start(t, records...)
	var fault *Fault
	server.Fault = func(Call) *Fault { return fault }
	ask := func(f *Fault, token *string) (*cloudtrail.LookupEventsOutput, error) {
		fault = f
		return client("us-east-1").LookupEvents(t.Context(), &cloudtrail.LookupEventsInput{MaxResults: aws.Int32(10), NextToken: token})
	}
	first, err := ask(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, f := range map[string]*Fault{"ThrottlingException": Throttle(time.Second), "AccessDeniedException": Deny(), "InternalFailure": Fail(500, "InternalFailure", "x")} {
		if _, err := ask(f, nil); code(err) != name {
			t.Errorf("%s: %v", name, err)
		}
	}
	short, err := ask(Short(3), first.NextToken)
	if err != nil || len(short.Events) != 3 || short.NextToken == nil {
		t.Errorf("short page: %v, %v", short, err)
	}
	empty, err := ask(Short(0), first.NextToken)
	if err != nil || len(empty.Events) != 0 || empty.NextToken == nil {
		t.Errorf("empty page: %v, %v", empty, err)
	}
	second, err := ask(nil, empty.NextToken)
	if err != nil || ids(t, second)[0] != "us-east-1-010" {
		t.Errorf("the page after an empty one: %v, %v", second, err)
	}
	again, err := ask(Repeat(), second.NextToken)
	if err != nil || !slices.Equal(ids(t, again), ids(t, second)) || aws.ToString(again.NextToken) == aws.ToString(second.NextToken) {
		t.Errorf("repeated page: %v, %v", again, err)
	}
	third, err := ask(nil, again.NextToken)
	if err != nil || ids(t, third)[0] != "us-east-1-020" {
		t.Errorf("the page after a repeated one: %v, %v", third, err)
	}
	same, err := ask(SameToken(), third.NextToken)
	if err != nil || ids(t, same)[0] != "us-east-1-030" || aws.ToString(same.NextToken) != aws.ToString(third.NextToken) {
		t.Errorf("same token: %v, %v", same, err)
	}
	if _, err := ask(Cut(), nil); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("cut answer: %v", err)
	}
	if _, err := ask(ExpireTokens(), third.NextToken); code(err) != "InvalidNextTokenException" {
		t.Errorf("expired token: %v", err)
	}
	if _, err := ask(nil, first.NextToken); code(err) != "InvalidNextTokenException" {
		t.Errorf("token from before the expiry: %v", err)
	}
}

// What the SDK never sends is refused, and botocore's spelling of the target
// is understood.
func TestRawRequests(t *testing.T) {
	s, err := New(nil)
	if err != nil {
		t.Fatal(err)
	}
	s.Burst = 100
	signature := "AWS4-HMAC-SHA256 Credential=AKIAONE/20261124/us-east-1/cloudtrail/aws4_request, SignedHeaders=host;x-amz-date, Signature=" + strings.Repeat("0", 64)
	tests := []struct {
		name, method, target, auth, body string
		status                           int
		want                             string
	}{
		{"Go", "POST", "CloudTrail_20131101.LookupEvents", signature, "{}", 200, `{"Events":[]}`},
		{"botocore", "POST", "com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101.LookupEvents", signature, "{}", 200, `{"Events":[]}`},
		{"other operation", "POST", "CloudTrail_20131101.DeleteTrail", signature, "{}", 400, "UnknownOperationException"},
		{"no signature", "POST", "CloudTrail_20131101.LookupEvents", "", "{}", 400, "MissingAuthenticationTokenException"},
		{"half a signature", "POST", "CloudTrail_20131101.LookupEvents", signature[:80], "{}", 400, "IncompleteSignatureException"},
		{"other service", "POST", "CloudTrail_20131101.LookupEvents", strings.Replace(signature, "cloudtrail", "s3", 1), "{}", 400, "InvalidSignatureException"},
		{"no JSON", "POST", "CloudTrail_20131101.LookupEvents", signature, "EndTime=1", 400, "SerializationException"},
		{"time as text", "POST", "CloudTrail_20131101.LookupEvents", signature, `{"EndTime":"2026-11-24T12:00:00Z"}`, 400, "SerializationException"},
		{"GET", "GET", "CloudTrail_20131101.LookupEvents", signature, "", 404, "UnknownOperationException"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := httptest.NewRequest(tt.method, "/", strings.NewReader(tt.body))
			r.Header.Set("X-Amz-Target", tt.target)
			r.Header.Set("X-Amz-Date", "20261124T120000Z")
			if tt.auth != "" {
				r.Header.Set("Authorization", tt.auth)
			}
			w := httptest.NewRecorder()
			s.ServeHTTP(w, r)
			if w.Code != tt.status || !strings.Contains(w.Body.String(), tt.want) {
				t.Errorf("%d %s, want %d %s", w.Code, w.Body, tt.status, tt.want)
			}
			if got := w.Result().Header.Get("Content-Type"); got != "application/x-amz-json-1.1" {
				t.Errorf("Content-Type is %s", got)
			}
		})
	}
}

func TestListRegions(t *testing.T) {
	server, _, cfg := start(t)
	client := account.NewFromConfig(cfg)
	if _, err := client.ListRegions(t.Context(), &account.ListRegionsInput{}); code(err) != "AccessDeniedException" {
		t.Errorf("without regions: %v", err)
	}
	server.Regions = map[string]string{"eu-west-1": "ENABLED_BY_DEFAULT", "eu-south-1": "ENABLED", "af-south-1": "DISABLED"}
	in := &account.ListRegionsInput{MaxResults: aws.Int32(1), RegionOptStatusContains: []accounttypes.RegionOptStatus{"ENABLED", "ENABLED_BY_DEFAULT"}}
	var names []string
	for p := account.NewListRegionsPaginator(client, in); p.HasMorePages(); {
		out, err := p.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range out.Regions {
			names = append(names, aws.ToString(r.RegionName)+" "+string(r.RegionOptStatus))
		}
	}
	if want := []string{"eu-south-1 ENABLED", "eu-west-1 ENABLED_BY_DEFAULT"}; !slices.Equal(names, want) {
		t.Errorf("regions are %v, want %v", names, want)
	}
	if _, err := client.ListRegions(t.Context(), &account.ListRegionsInput{MaxResults: aws.Int32(51)}); code(err) != "ValidationException" {
		t.Errorf("51 results: %v", err)
	}
}

func TestNewRefuses(t *testing.T) {
	for _, raw := range []string{`[]`, `{"eventTime":"yesterday"}`, `{"eventID":"a"}`, `{`} {
		if _, err := New([]json.RawMessage{json.RawMessage(raw)}); err == nil || !strings.HasPrefix(err.Error(), "record 0: ") {
			t.Errorf("%s: %v", raw, err)
		}
	}
	// A wrong type in one member is no reason to refuse the record.
	if _, err := New([]json.RawMessage{json.RawMessage(`{"eventTime":"2026-11-24T12:00:00Z","requestParameters":"none"}`)}); err != nil {
		t.Error(err)
	}
}

// A cut answer is one over a socket too.
func TestCutOverSocket(t *testing.T) {
	s, err := New([]json.RawMessage{record("us-east-1", 1, noon)})
	if err != nil {
		t.Fatal(err)
	}
	s.Now = func() time.Time { return noon }
	s.Fault = func(Call) *Fault { return Cut() }
	ts := httptest.NewServer(s)
	defer ts.Close()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, ts.URL, strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-Amz-Target", "CloudTrail_20131101.LookupEvents")
	r.Header.Set("X-Amz-Date", "20261124T120000Z")
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=AKIAONE/20261124/us-east-1/cloudtrail/aws4_request, SignedHeaders=host;x-amz-date, Signature="+strings.Repeat("0", 64))
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if b, err := io.ReadAll(res.Body); !errors.Is(err, io.ErrUnexpectedEOF) || len(b) == 0 {
		t.Errorf("%d bytes, %v; want some and an end that was not expected", len(b), err)
	}
}
