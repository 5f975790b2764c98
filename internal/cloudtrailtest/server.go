// Package cloudtrailtest is a stand-in for the AWS APIs that a lookup and a
// verification need: CloudTrail LookupEvents, ListPublicKeys and DescribeTrails,
// and Account ListRegions. It is an http.Handler for tests, strict where the
// service is strict, and never a part of the product. It also writes log files
// and digests as a trail does.
//
// The wire format and the checks follow the service's API reference,
// https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_LookupEvents.html,
// and the serializers of github.com/aws/aws-sdk-go-v2/service/cloudtrail.
package cloudtrailtest

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// What the service documents for LookupEvents: two requests a second for each
// account and Region, pages of at most 50 events, 90 days of history.
const (
	DefaultAccount = "111122223333"
	DefaultRate    = 2.0
	MaxPage        = 50
	History        = 90 * 24 * time.Hour
)

// Server answers the operations of this package. Set the fields before the first
// request; the zero value of each is the service's documented behaviour, on an
// account without events.
type Server struct {
	// Account is whose credentials sign the requests.
	Account string
	// Keys gives the account of each access key id; a key that it lacks is
	// refused as the service does. A nil map takes every key for Account's.
	Keys map[string]string
	// Now is the service's clock.
	Now func() time.Time
	// Rate and Burst are the token bucket of each account and Region: requests a
	// second, and how many at once after a pause. The default burst of one is
	// stricter than the service is likely to be.
	Rate, Burst float64
	// TokenLife is how long a NextToken is good for, 0 for ever.
	TokenLife time.Duration
	// Regions is what ListRegions answers: the opt-in status of each region.
	// With a nil map ListRegions is denied.
	Regions map[string]string
	// PublicKeys is what ListPublicKeys knows, and Trails what DescribeTrails.
	PublicKeys []PublicKey
	Trails     []*SignedTrail
	// Fault, where it is not nil, is asked about every request that the token
	// bucket let through, and may answer in the service's place.
	Fault func(Call) *Fault

	events []event

	mu         sync.Mutex
	buckets    map[string]*bucket
	calls      []Call
	counts     map[string]int
	generation int // of the tokens; older ones are expired
	last       map[string]pageAnswer
}

// Call is one request and how it was answered.
type Call struct {
	N         int    // which one of this operation, account and region, from 1
	Operation string // such as LookupEvents
	Account   string
	Region    string // of the signature's credential scope
	Key       string // LookupAttributes[0].AttributeKey, or empty
	Value     string // its AttributeValue
	Start     time.Time
	End       time.Time
	Token     string // NextToken as sent
	At        time.Time
	Status    int    // of the answer
	Code      string // the error's code, or empty
	Events    int    // how many the page held
}

// Fault is an answer that a test asks for.
type Fault struct {
	kind       faultKind
	status     int
	code       string
	message    string
	retryAfter time.Duration
	events     int
}

type faultKind int

const (
	faultError faultKind = iota
	faultShort
	faultRepeat
	faultSameToken
	faultExpire
	faultCut
)

// Fail answers with an error: an HTTP status, and a code and message as the
// service words them.
func Fail(status int, code, message string) *Fault {
	return &Fault{kind: faultError, status: status, code: code, message: message}
}

// Throttle answers as the service does above its rate. retryAfter, where it is
// not zero, goes into the x-amz-retry-after header.
func Throttle(retryAfter time.Duration) *Fault {
	f := Fail(http.StatusBadRequest, "ThrottlingException", "Rate exceeded")
	f.retryAfter = retryAfter
	return f
}

// Deny answers that the caller may not do it.
func Deny() *Fault {
	return Fail(http.StatusBadRequest, "AccessDeniedException",
		"User: arn:aws:iam::"+DefaultAccount+":user/auditor is not authorized to perform: cloudtrail:LookupEvents because no identity-based policy allows the cloudtrail:LookupEvents action")
}

// Short answers with at most n events, none included, and a token for the rest.
func Short(n int) *Fault { return &Fault{kind: faultShort, events: n} }

// Repeat answers with the events of the page before once more. The token that
// comes with them leads on to where the request's own token pointed.
func Repeat() *Fault { return &Fault{kind: faultRepeat} }

// SameToken answers with the page that was asked for, and with the NextToken of
// the request in place of the next one.
func SameToken() *Fault { return &Fault{kind: faultSameToken} }

// ExpireTokens makes every token that was given so far invalid, this request's
// included.
func ExpireTokens() *Fault { return &Fault{kind: faultExpire} }

// Cut closes the connection in the middle of the answer's body.
func Cut() *Fault { return &Fault{kind: faultCut} }

// New makes a server with the events of raw CloudTrail records. As LookupEvents
// does, it holds management events only, each in the region of its awsRegion
// and the account of its recipientAccountId (Account's where that is missing).
// A record that is no object, or has no eventTime, is an error.
func New(records []json.RawMessage) (*Server, error) {
	s := &Server{
		buckets: map[string]*bucket{},
		counts:  map[string]int{},
		last:    map[string]pageAnswer{},
	}
	for i, raw := range records {
		e, err := newEvent(raw)
		if err != nil {
			return nil, fmt.Errorf("record %d: %w", i, err)
		}
		if e.management {
			s.events = append(s.events, e)
		}
	}
	slices.SortStableFunc(s.events, func(a, b event) int { return b.time.Compare(a.time) })
	return s, nil
}

// Calls gives the requests so far, in the order of their arrival.
func (s *Server) Calls() []Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.calls)
}

// Throttled counts the requests that the token bucket refused.
func (s *Server) Throttled() int {
	n := 0
	for _, c := range s.Calls() {
		if c.Code == "ThrottlingException" {
			n++
		}
	}
	return n
}

type bucket struct {
	tokens float64
	at     time.Time
}

func (b *bucket) take(now time.Time, rate, burst float64) bool {
	if b.at.IsZero() {
		b.tokens = burst
	} else {
		b.tokens = math.Min(burst, b.tokens+now.Sub(b.at).Seconds()*rate)
	}
	b.at = now
	// The service counts in fractions of a request too; a float's last digits
	// must not refuse one that came exactly in time.
	if b.tokens < 1-1e-9 {
		return false
	}
	b.tokens--
	return true
}

// fault is an error as the service answers it.
type fault struct {
	status        int
	code, message string
}

func (f *fault) Error() string { return f.code + ": " + f.message }

func invalid(code, format string, args ...any) *fault {
	return &fault{http.StatusBadRequest, code, fmt.Sprintf(format, args...)}
}

// scope is the credential scope of a SigV4 Authorization header.
var scope = regexp.MustCompile(`^AWS4-HMAC-SHA256 Credential=([^/,\s]+)/(\d{8})/([a-z0-9-]+)/([a-z0-9-]+)/aws4_request, ?SignedHeaders=[a-z0-9;-]+, ?Signature=[0-9a-f]{64}$`)

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	if err != nil {
		return // the client went away
	}
	call := Call{At: s.now()}
	if r.URL.Path == "/listRegions" {
		call.Operation = "ListRegions"
	} else if _, op, ok := cutLast(r.Header.Get("X-Amz-Target"), "."); ok {
		// The SDKs disagree on the prefix (com.amazonaws.cloudtrail.v20131101. in
		// botocore); what follows the last dot is the operation.
		call.Operation = op
	}

	s.mu.Lock()
	defer s.mu.Unlock()
	answer, header, flt := s.answer(&call, r, body)
	call.Status = http.StatusOK
	if flt != nil {
		call.Status, call.Code = flt.status, flt.code
	}
	s.calls = append(s.calls, call)

	for k, v := range header {
		w.Header().Set(k, v)
	}
	w.Header().Set("X-Amzn-RequestId", fmt.Sprintf("00000000-0000-4000-8000-%012d", len(s.calls)))
	if flt != nil {
		w.Header().Set("Content-Type", contentType(call.Operation))
		if call.Operation == "ListRegions" {
			w.Header().Set("X-Amzn-ErrorType", flt.code)
		}
		w.WriteHeader(flt.status)
		_ = json.NewEncoder(w).Encode(map[string]string{"__type": flt.code, "message": flt.message})
		return
	}
	b, err := json.Marshal(answer)
	if err != nil {
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", contentType(call.Operation))
	w.Header().Set("Content-Length", strconv.Itoa(len(b)))
	if _, cut := header[cutHeader]; cut {
		_, _ = w.Write(b[:len(b)/2])
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}
	_, _ = w.Write(b)
}

// cutHeader marks an answer that breaks off.
const cutHeader = "X-Test-Cut"

func contentType(operation string) string {
	if operation == "ListRegions" {
		return "application/json"
	}
	return "application/x-amz-json-1.1"
}

func (s *Server) now() time.Time {
	if s.Now != nil {
		return s.Now()
	}
	return time.Now()
}

// answer decides what a request gets: a value to encode with further headers,
// or a fault.
func (s *Server) answer(call *Call, r *http.Request, body []byte) (any, map[string]string, *fault) {
	if r.Method != http.MethodPost {
		return nil, nil, &fault{http.StatusNotFound, "UnknownOperationException", ""}
	}
	auth := r.Header.Get("Authorization")
	if auth == "" {
		return nil, nil, invalid("MissingAuthenticationTokenException", "Missing Authentication Token")
	}
	m := scope.FindStringSubmatch(auth)
	if m == nil || r.Header.Get("X-Amz-Date") == "" {
		return nil, nil, invalid("IncompleteSignatureException", "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.")
	}
	service := "cloudtrail"
	if call.Operation == "ListRegions" {
		service = "account"
	}
	if m[4] != service {
		return nil, nil, invalid("InvalidSignatureException", "Credential should be scoped to correct service: '%s'.", service)
	}
	call.Region = m[3]
	call.Account = s.account()
	if s.Keys != nil {
		account, ok := s.Keys[m[1]]
		if !ok {
			return nil, nil, invalid("UnrecognizedClientException", "The security token included in the request is invalid.")
		}
		call.Account = account
	}

	id := call.Operation + "/" + call.Account + "/" + call.Region
	s.counts[id]++
	call.N = s.counts[id]

	switch call.Operation {
	case "LookupEvents":
		var in lookupInput
		var flt *fault
		if err := json.Unmarshal(body, &in); err != nil {
			flt = invalid("SerializationException", "%s", err.Error())
		} else {
			in.describe(call)
		}
		b := s.buckets[id]
		if b == nil {
			b = &bucket{}
			s.buckets[id] = b
		}
		if !b.take(call.At, s.rate(), s.burst()) {
			return nil, nil, invalid("ThrottlingException", "Rate exceeded")
		}
		if flt != nil {
			return nil, nil, flt
		}
		return s.lookupEvents(call, in)
	case "ListRegions":
		return s.listRegions(call, body)
	case "ListPublicKeys":
		return s.listPublicKeys(call, body)
	case "DescribeTrails":
		return s.describeTrails(call)
	default:
		return nil, nil, invalid("UnknownOperationException", "")
	}
}

func (s *Server) account() string {
	if s.Account != "" {
		return s.Account
	}
	return DefaultAccount
}

func (s *Server) rate() float64 {
	if s.Rate != 0 {
		return s.Rate
	}
	return DefaultRate
}

func (s *Server) burst() float64 {
	if s.Burst != 0 {
		return s.Burst
	}
	return 1
}

// asked asks the test for a fault of this call.
func (s *Server) asked(call *Call) *Fault {
	if s.Fault == nil {
		return nil
	}
	return s.Fault(*call)
}

type lookupInput struct {
	LookupAttributes []struct {
		AttributeKey   string
		AttributeValue string
	}
	StartTime     *epoch
	EndTime       *epoch
	EventCategory string
	MaxResults    *int
	NextToken     string
}

// epoch is a time as awsJson writes it: seconds since 1970 UTC, with a fraction.
type epoch struct{ time.Time }

func (e *epoch) UnmarshalJSON(b []byte) error {
	sec, err := strconv.ParseFloat(string(b), 64)
	if err != nil {
		return fmt.Errorf("a timestamp is a number of seconds, not %s", b)
	}
	e.Time = time.UnixMilli(int64(math.Round(sec * 1000))).UTC()
	return nil
}

func (e epoch) MarshalJSON() ([]byte, error) {
	return strconv.AppendInt(nil, e.Unix(), 10), nil
}

func (in lookupInput) describe(c *Call) {
	if len(in.LookupAttributes) > 0 {
		c.Key, c.Value = in.LookupAttributes[0].AttributeKey, in.LookupAttributes[0].AttributeValue
	}
	if in.StartTime != nil {
		c.Start = in.StartTime.Time
	}
	if in.EndTime != nil {
		c.End = in.EndTime.Time
	}
	c.Token = in.NextToken
}

// attributeKeys are the values of AttributeKey.
var attributeKeys = []string{"EventId", "EventName", "ReadOnly", "Username", "ResourceType", "ResourceName", "EventSource", "AccessKeyId"}

func (in lookupInput) check() *fault {
	if len(in.LookupAttributes) > 1 {
		return invalid("InvalidLookupAttributesException", "You can only specify one lookup attribute.")
	}
	for _, a := range in.LookupAttributes {
		if !slices.Contains(attributeKeys, a.AttributeKey) {
			return invalid("InvalidLookupAttributesException", "%q is not a lookup attribute.", a.AttributeKey)
		}
		if n := len([]rune(a.AttributeValue)); n < 1 || n > 2000 {
			return invalid("InvalidLookupAttributesException", "An attribute value has 1 to 2000 characters, not %d.", n)
		}
	}
	if in.StartTime != nil && in.EndTime != nil && in.StartTime.After(in.EndTime.Time) {
		return invalid("InvalidTimeRangeException", "Start time must not be after end time.")
	}
	if in.MaxResults != nil && (*in.MaxResults < 1 || *in.MaxResults > MaxPage) {
		return invalid("InvalidMaxResultsException", "MaxResults is 1 to 50, not %d.", *in.MaxResults)
	}
	if in.EventCategory != "" && in.EventCategory != "insight" {
		return invalid("InvalidEventCategoryException", "%q is not an event category.", in.EventCategory)
	}
	return nil
}

// hash stands for every parameter but the token: a token is good for the same
// ones only.
func (in lookupInput) hash(account, region string) string {
	in.NextToken = ""
	b, err := json.Marshal(in)
	if err != nil {
		panic(err) // plain strings and numbers
	}
	sum := sha256.Sum256(append([]byte(account+"/"+region+"/"), b...))
	return hex.EncodeToString(sum[:])
}

// token is what a NextToken says.
type token struct {
	Query      string
	Offset     int
	Serial     int // so that two tokens are never the same
	Generation int
	Issued     time.Time
}

func (t token) String() string {
	b, err := json.Marshal(t)
	if err != nil {
		panic(err)
	}
	return base64.StdEncoding.EncodeToString(b)
}

type lookupEvent struct {
	EventID         string `json:"EventId"`
	EventName       string
	ReadOnly        string `json:",omitempty"`
	AccessKeyID     string `json:"AccessKeyId,omitempty"`
	EventTime       epoch
	EventSource     string `json:",omitempty"`
	Username        string `json:",omitempty"`
	Resources       []resource
	CloudTrailEvent string
}

type pageAnswer struct {
	Events    []lookupEvent
	NextToken string `json:",omitempty"`
}

func (s *Server) lookupEvents(call *Call, in lookupInput) (any, map[string]string, *fault) {
	flt := s.asked(call)
	header := map[string]string{}
	if flt != nil {
		switch flt.kind {
		case faultError:
			if flt.retryAfter > 0 {
				header["X-Amz-Retry-After"] = strconv.FormatInt(flt.retryAfter.Milliseconds(), 10)
			}
			return nil, header, &fault{flt.status, flt.code, flt.message}
		case faultExpire:
			s.generation++
		case faultCut:
			header[cutHeader] = "1"
		}
	}
	if bad := in.check(); bad != nil {
		return nil, nil, bad
	}
	hash := in.hash(call.Account, call.Region)
	from := 0
	if in.NextToken != "" {
		var t token
		b, err := base64.StdEncoding.DecodeString(in.NextToken)
		if err == nil {
			err = json.Unmarshal(b, &t)
		}
		switch {
		case err != nil:
			return nil, nil, invalid("InvalidNextTokenException", "Invalid token.")
		case t.Query != hash:
			return nil, nil, invalid("InvalidNextTokenException", "The token was issued for other parameters.")
		case t.Generation != s.generation, s.TokenLife > 0 && call.At.Sub(t.Issued) > s.TokenLife:
			return nil, nil, invalid("InvalidNextTokenException", "The token has expired.")
		}
		from = t.Offset
	}

	limit := MaxPage
	if in.MaxResults != nil {
		limit = *in.MaxResults
	}
	if flt != nil && flt.kind == faultShort {
		limit = flt.events
	}
	matches := s.match(call, in)
	from = min(from, len(matches))
	to := min(from+limit, len(matches))
	repeat := flt != nil && flt.kind == faultRepeat
	if repeat {
		to = from
	}
	page := pageAnswer{Events: []lookupEvent{}}
	for _, e := range matches[from:to] {
		page.Events = append(page.Events, e.lookup())
	}
	if repeat {
		page.Events = s.last[hash].Events
	}
	if to < len(matches) {
		page.NextToken = token{hash, to, len(s.calls), s.generation, call.At}.String()
	}
	if flt != nil && flt.kind == faultSameToken && in.NextToken != "" {
		page.NextToken = in.NextToken
	}
	s.last[hash] = page
	call.Events = len(page.Events)
	return page, header, nil
}

// match gives the events that a request asks for, newest first.
func (s *Server) match(call *Call, in lookupInput) []event {
	if in.EventCategory == "insight" {
		return nil
	}
	oldest := call.At.Add(-History)
	var out []event
	for _, e := range s.events {
		account := e.account
		if account == "" {
			account = s.account()
		}
		if account != call.Account || e.region != call.Region || e.time.Before(oldest) {
			continue
		}
		// Both ends are inclusive: "occur after or at", "occur before or at".
		if in.StartTime != nil && e.time.Before(in.StartTime.Time) || in.EndTime != nil && e.time.After(in.EndTime.Time) {
			continue
		}
		if len(in.LookupAttributes) == 1 && !e.matches(in.LookupAttributes[0].AttributeKey, in.LookupAttributes[0].AttributeValue) {
			continue
		}
		out = append(out, e)
	}
	return out
}

func (s *Server) listRegions(call *Call, body []byte) (any, map[string]string, *fault) {
	if flt := s.asked(call); flt != nil && flt.kind == faultError {
		return nil, nil, &fault{flt.status, flt.code, flt.message}
	}
	if s.Regions == nil {
		return nil, nil, &fault{http.StatusForbidden, "AccessDeniedException", "User: arn:aws:iam::" + DefaultAccount + ":user/auditor is not authorized to perform: account:ListRegions"}
	}
	var in struct {
		MaxResults              *int
		NextToken               string
		RegionOptStatusContains []string
	}
	if err := json.Unmarshal(body, &in); err != nil {
		return nil, nil, invalid("ValidationException", "%s", err.Error())
	}
	limit := MaxPage
	if in.MaxResults != nil {
		limit = *in.MaxResults
	}
	if limit < 1 || limit > MaxPage {
		return nil, nil, invalid("ValidationException", "MaxResults is 1 to 50, not %d.", limit)
	}
	type region struct{ RegionName, RegionOptStatus string }
	var all []region
	for name, status := range s.Regions {
		if len(in.RegionOptStatusContains) == 0 || slices.Contains(in.RegionOptStatusContains, status) {
			all = append(all, region{name, status})
		}
	}
	slices.SortFunc(all, func(a, b region) int { return strings.Compare(a.RegionName, b.RegionName) })
	from := 0
	if in.NextToken != "" {
		n, err := strconv.Atoi(in.NextToken)
		if err != nil || n < 0 || n > len(all) {
			return nil, nil, invalid("ValidationException", "Invalid token.")
		}
		from = n
	}
	to := min(from+limit, len(all))
	out := struct {
		Regions   []region
		NextToken string `json:",omitempty"`
	}{Regions: all[from:to]}
	if to < len(all) {
		out.NextToken = strconv.Itoa(to)
	}
	return out, nil, nil
}

// cutLast cuts s around the last sep.
func cutLast(s, sep string) (before, after string, found bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return s, "", false
}
