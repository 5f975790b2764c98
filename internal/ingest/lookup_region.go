package ingest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"net/http/httptrace"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail/types"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/middleware"
)

// The service counts the requests to a region and allows one every 500 ms. When
// it counted one is not known here, only that it was between the moment when the
// request was written and the first byte of its answer. The next goes out
const (
	// this long after a quick answer, which is late enough whenever the request
	// was counted;
	afterAnswer = 505 * time.Millisecond
	// or, where the answer takes longer than
	quickAnswer = 45 * time.Millisecond
	// this long after the request was written: the way there may take one
	// request 50 ms longer than the next, and the rate is still above nine
	// tenths of what is allowed.
	afterRequest = 550 * time.Millisecond
)

// lookupRestarts is how often a walk may begin anew without having come any
// further.
const lookupRestarts = 3

// lookupRegion is one region of the caller's account. One request is in flight
// at a time.
type lookupRegion struct {
	name     string
	lookup   lookupEvents
	requests *atomic.Int64 // of all regions together
	turn     *time.Timer   // fires when the next request may go out

	chunks  int       // sent so far; they are numbered from 1
	answers int       // pages received, empty ones included
	covered secondSet // whose assume events were read
	failed  bool
	unread  interval // of the window, where the region was not read to its end
	account string   // whose events came, once one tells it
}

// lookupEvents is the LookupEvents of a client. Only the function is kept: the
// type of the client leads to all of its operations, and the linker would keep
// them.
type lookupEvents func(context.Context, *cloudtrail.LookupEventsInput, ...func(*cloudtrail.Options)) (*cloudtrail.LookupEventsOutput, error)

func newLookupRegion(cfg aws.Config, name string, requests *atomic.Int64) *lookupRegion {
	r := &lookupRegion{name: name, requests: requests, turn: time.NewTimer(0)}
	r.lookup = cloudtrail.NewFromConfig(cfg, func(o *cloudtrail.Options) {
		o.Region = name
		o.Retryer = bodyRetryer{o.Retryer}
		o.APIOptions = append(o.APIOptions, r.pace)
	}).LookupEvents
	return r
}

// bodyRetryer also repeats a request whose answer broke off, which the SDK
// takes for a broken message.
type bodyRetryer struct{ aws.Retryer }

func (r bodyRetryer) IsErrorRetryable(err error) bool {
	return r.Retryer.IsErrorRetryable(err) || errors.Is(err, io.ErrUnexpectedEOF)
}

// pace puts the wait for the region's turn before every attempt, repeated ones
// too, since the service counts them all.
//
// It does not measure from when a request was asked for: making the first
// connection takes longer than the distance to the limit, and the second
// request would come too early.
func (r *lookupRegion) pace(stack *middleware.Stack) error {
	return stack.Finalize.Insert(middleware.FinalizeMiddlewareFunc("LookupPace", func(
		ctx context.Context, in middleware.FinalizeInput, next middleware.FinalizeHandler,
	) (out middleware.FinalizeOutput, metadata middleware.Metadata, err error) {
		select {
		case <-r.turn.C:
		case <-ctx.Done():
			return out, metadata, &aws.RequestCanceledError{Err: ctx.Err()}
		}
		var written atomic.Bool
		var quick atomic.Pointer[time.Timer] // runs out when the answer is slow
		ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
			WroteRequest: func(httptrace.WroteRequestInfo) {
				if !written.Swap(true) {
					r.requests.Add(1)
				}
				r.turn.Reset(afterRequest)
				quick.Store(time.NewTimer(quickAnswer))
			},
			GotFirstResponseByte: func() {
				t := quick.Load()
				if t == nil {
					return
				}
				select {
				case <-t.C:
				default:
					r.turn.Reset(afterAnswer)
				}
			},
		})
		out, metadata, err = next.HandleFinalize(ctx, in)
		if !written.Load() {
			r.turn.Reset(0) // the service has not heard of it
		}
		return out, metadata, err
	}), "Retry", middleware.After)
}

// lookupWalk goes through the events of one query, page by page, newest first.
type lookupWalk struct {
	r            *lookupRegion
	attribute    *types.LookupAttribute // nil for all events
	since, until time.Time
	token        *string
	seed         maphash.Seed
	tokens       map[uint64]bool // hashes of those seen; a collision costs a restart
	oldest       time.Time       // of the events since the walk began or jumped
	fruitless    int             // restarts in a row without an older event
	err          error           // ends the walk at the next page
	done         bool            // there are no more pages
}

func newWalk(r *lookupRegion, attribute *types.LookupAttribute, since, until time.Time) *lookupWalk {
	return &lookupWalk{r: r, attribute: attribute, since: since, until: until, seed: maphash.MakeSeed(), tokens: map[uint64]bool{}}
}

func lookupAttribute(key, value string) *types.LookupAttribute {
	return &types.LookupAttribute{AttributeKey: types.LookupAttributeKey(key), AttributeValue: aws.String(value)}
}

// next gives the next page. A page may be empty though others follow.
//
// Tokens are good for a while only, and the service may answer with one that it
// gave before. The walk then begins anew at the second of the oldest event that
// it has seen, that second included: what is read twice is counted once later,
// and nothing is lost. When that brings nothing new, three times over, the walk
// ends with an error rather than go round for ever.
func (w *lookupWalk) next(ctx context.Context) (*cloudtrail.LookupEventsOutput, error) {
	if w.err != nil {
		return nil, w.err
	}
	for {
		in := &cloudtrail.LookupEventsInput{
			StartTime: aws.Time(w.since), EndTime: aws.Time(w.until),
			MaxResults: aws.Int32(lookupPageSize), NextToken: w.token,
		}
		if w.attribute != nil {
			in.LookupAttributes = []types.LookupAttribute{*w.attribute}
		}
		page, err := w.r.lookup(ctx, in)
		if err != nil {
			if w.token != nil && stale(err) && w.restart() {
				continue
			}
			return nil, err
		}
		w.r.answers++
		if oldest, ok := oldestEvent(page); ok {
			if at := time.Unix(oldest, 0); w.oldest.IsZero() || at.Before(w.oldest) {
				w.oldest = at
			}
		}
		w.token = page.NextToken
		if aws.ToString(w.token) == "" {
			w.done = true
			return page, nil
		}
		hash := maphash.String(w.seed, *w.token)
		if w.tokens[hash] && !w.restart() {
			w.err = errTokenRepeats
		}
		w.tokens[hash] = true
		return page, nil
	}
}

var errTokenRepeats = errors.New("the service gives the same page token again and again")

// stale reports whether an error speaks of a page token that was good before.
func stale(err error) bool {
	var api smithy.APIError
	return errors.As(err, &api) && api.ErrorCode() == "InvalidNextTokenException"
}

// restart begins anew at the oldest event, unless that has stopped helping.
func (w *lookupWalk) restart() bool {
	if !w.oldest.IsZero() && w.oldest.Before(w.until) {
		w.until = w.oldest
		w.fruitless = 0
	} else if w.fruitless++; w.fruitless > lookupRestarts {
		return false
	}
	w.token = nil
	clear(w.tokens)
	return true
}

// jump goes on at until, past everything between.
func (w *lookupWalk) jump(until time.Time) {
	w.until, w.token, w.oldest = until, nil, time.Time{}
	clear(w.tokens)
}

// oldestEvent gives the time of a page's oldest event, in seconds since 1970 UTC.
func oldestEvent(page *cloudtrail.LookupEventsOutput) (oldest int64, ok bool) {
	for _, e := range page.Events {
		if e.EventTime != nil && (!ok || e.EventTime.Unix() < oldest) {
			oldest, ok = e.EventTime.Unix(), true
		}
	}
	return oldest, ok
}

// send makes a chunk of a page, unless it is empty, and hands it over. An event
// that does not hold a record costs only itself.
func (r *lookupRegion) send(page *cloudtrail.LookupEventsOutput, send func(lookupItem) error) error {
	if len(page.Events) == 0 {
		return nil
	}
	r.chunks++
	chunk := Chunk{Name: "lookup://" + r.name + "/" + strconv.Itoa(r.chunks), Region: r.name}
	var (
		buf    bytes.Buffer
		broken int64
	)
	buf.WriteString(`{"Records":[`)
	for i, e := range page.Events {
		record := []byte(aws.ToString(e.CloudTrailEvent))
		if !json.Valid(record) {
			broken++
			continue
		}
		if int64(i) > broken {
			buf.WriteByte(',')
		}
		buf.Write(record)
		if chunk.Account == "" {
			chunk.Account = recordAccount(record)
			r.account = max(r.account, chunk.Account)
		}
	}
	buf.WriteString(`]}`)
	body := buf.Bytes()
	chunk.Size = int64(len(body))
	chunk.Open = func(context.Context) (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(body)), nil
	}
	if broken > 0 {
		err := send(lookupItem{problem: &Problem{
			Object: chunk.Name, Offset: -1, Stage: StageRecord, Count: broken,
			Error: "the event's CloudTrailEvent holds no JSON; it was not counted",
		}})
		if err != nil {
			return err
		}
	}
	return send(lookupItem{chunk: chunk})
}

// recordAccount is the account whose log a record is from, or empty.
func recordAccount(record []byte) string {
	var r struct {
		RecipientAccountID string `json:"recipientAccountId"`
	}
	if json.Unmarshal(record, &r) != nil || !isAccount(r.RecipientAccountID) {
		return ""
	}
	return r.RecipientAccountID
}

// wrap words what LookupEvents answers where that says more than for another
// service. Codes are those of the API's reference and of
// https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/CommonErrors.html
func (r *lookupRegion) wrap(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	e := &RequestError{What: "look up events in " + r.name, Err: err}
	var api smithy.APIError
	if errors.Is(err, errTokenRepeats) {
		e.Why, e.Do = err.Error(), "run it again, with a shorter window if it stays so"
		return e
	}
	if !errors.As(err, &api) {
		return newRequestError(ctx, e.What, err)
	}
	switch api.ErrorCode() {
	case "AccessDenied", "AccessDeniedException", "UnauthorizedOperation":
		e.Why = "access denied (" + apiText(api) + ")"
		e.Do = "the caller needs cloudtrail:LookupEvents on resource *, and no service control policy against it"
	case "OptInRequired", "RegionDisabledException", "SubscriptionRequiredException":
		e.Why = "the region is not enabled for the account (" + apiText(api) + ")"
		e.Do = "enable it, or leave it out of --region"
	case "UnrecognizedClientException", "InvalidClientTokenId":
		// What a region that the account has not enabled answers too.
		e.Why = "the access key is not known there"
		e.Do = "if other regions take it, this one is not enabled for the account: enable it, or leave it out of --region; else check the credentials"
	case "ThrottlingException", "Throttling", "RequestLimitExceeded", "TooManyRequestsException":
		e.Why = fmt.Sprintf("still throttled after %d attempts (%s)", attempts(err), apiText(api))
		e.Do = "another program uses up the account's two requests a second in this region: run it again later"
	case "InvalidTimeRangeException":
		e.Why, e.Do = "the time range is invalid ("+apiText(api)+")", "see --since and --until, and this machine's clock"
	case "InvalidNextTokenException":
		e.Why, e.Do = "page tokens expire before the next page can be asked for ("+apiText(api)+")", "run it again, with a shorter window"
	default:
		return newRequestError(ctx, e.What, err)
	}
	return e
}
