package ingest

import (
	"context"
	"errors"
	"math"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

const (
	// MaxFetches is the most objects that an S3 source with a pace has open at a
	// time: at a tenth of a second each, 2560 a second.
	MaxFetches = 256

	// maxFetched bounds the bytes of the objects that are open, beyond the first
	// of them: what a line of 5 Gbit/s brings in a tenth of a second.
	maxFetched = 64 << 20

	firstFetches = 32
	leastFetches = 4
)

// FindPace makes the source find by itself how many objects to have open at a
// time, by the clock now; the others wait in Open. Without it as many are
// fetched as are opened. It is called before all other methods, and every chunk
// that is opened must be closed.
func (s *S3) FindPace(now func() time.Time) {
	s.gate = newGate(now)
	options := s.client.Options()
	if r, ok := options.Retryer.(aws.RetryerV2); ok {
		options.Retryer = throttleWatch{r, s.gate.throttled}
		s.client = s3.New(options)
	}
}

// throttleWatch tells of each answer to a request that says the requests are too
// many, before the request is repeated.
type throttleWatch struct {
	aws.RetryerV2
	throttled func()
}

func (w throttleWatch) RetryDelay(attempt int, err error) (time.Duration, error) {
	if isThrottle(err) {
		w.throttled()
	}
	return w.RetryerV2.RetryDelay(attempt, err)
}

// isThrottle knows SlowDown, which S3 sends with status 503, and what other
// endpoints send in its place.
//
// https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
func isThrottle(err error) bool {
	if (retry.ThrottleErrorCode{Codes: retry.DefaultThrottleErrorCodes}).IsErrorThrottle(err) == aws.TrueTernary {
		return true
	}
	var answer *smithyhttp.ResponseError
	return errors.As(err, &answer) && (answer.HTTPStatusCode() == http.StatusServiceUnavailable || answer.HTTPStatusCode() == http.StatusTooManyRequests)
}

// gate lets as many objects be open at a time as its pace says. A nil gate lets
// all through.
type gate struct {
	now func() time.Time

	mu      sync.Mutex
	pace    pace
	open    int
	bytes   int64
	waiting []*waiter // first come, first served: who waits holds up its day
}

type waiter struct {
	size int64
	in   chan struct{} // closed when it is let through
}

func newGate(now func() time.Time) *gate {
	return &gate{now: now, pace: newPace(now())}
}

// enter waits until an object of some bytes may be opened, or for the end of ctx.
func (g *gate) enter(ctx context.Context, size int64) error {
	if g == nil {
		return nil
	}
	g.mu.Lock()
	w := &waiter{size: max(size, 0), in: make(chan struct{})}
	g.waiting = append(g.waiting, w)
	g.admit()
	g.mu.Unlock()
	select {
	case <-w.in:
		return nil
	case <-ctx.Done():
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if i := slices.Index(g.waiting, w); i >= 0 {
		g.waiting = slices.Delete(g.waiting, i, i+1)
	} else {
		g.open--
		g.bytes -= w.size
	}
	g.admit()
	return context.Cause(ctx)
}

// leave takes back an object that was let through.
func (g *gate) leave(size int64) {
	if g == nil {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.open--
	g.bytes -= max(size, 0)
	g.pace.done(g.now())
	g.admit()
}

func (g *gate) admit() {
	for len(g.waiting) > 0 {
		w := g.waiting[0]
		if g.open >= g.pace.limit || g.open > 0 && g.bytes+w.size > maxFetched {
			return
		}
		g.waiting = slices.Delete(g.waiting, 0, 1)
		g.open++
		g.bytes += w.size
		close(w.in)
	}
}

func (g *gate) throttled() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.pace.throttled()
}

// pace finds how many objects to have open at a time by trial: it measures how
// many are done in a second, then the same with more of them open, or fewer, and
// stays with the larger number where that brings at least a third of what it would
// if nothing stood in the way. What stands in the way does not matter: the server,
// the line, the listing, or the processor, since objects that wait for it are open.
//
// It begins by raising the number until that does not pay, and goes on with a
// trial every now and then, upwards and downwards in turns. When the server says
// that the requests are too many it halves the number and keeps it for longer.
//
// It knows of time only what done is told.
type pace struct {
	limit int // objects to have open

	unsettled int // objects to be done yet that were opened under another limit
	count     int // of those that are done under this one
	since     time.Time

	before measured // where the trial under way began, zero outside of one
	ramp   bool     // in the beginning
	down   bool     // fewer is what is tried, or will be next
	pause  int      // measurements to come before the next trial
	deaf   int      // objects to be done until throttling tells something new
}

// measured is what a limit brought.
type measured struct {
	limit int
	rate  float64 // objects a second
}

// pays reports whether more is worth its number, compared with less.
func pays(more, less measured) bool {
	return more.rate/less.rate-1 >= (float64(more.limit)/float64(less.limit)-1)/3
}

const (
	// A measurement takes two rounds of objects and some time, at least. Where a
	// round takes very long, some objects will do.
	measureTime = 200 * time.Millisecond
	longMeasure = 2 * time.Second
	longObjects = 32

	rampStep  = 1.5
	trialStep = 1.25

	// Measurements between two trials, and after throttling.
	trialPause    = 4
	throttlePause = 40
)

func newPace(now time.Time) pace {
	return pace{limit: firstFetches, since: now, ramp: true}
}

// done counts an object that was opened and closed, at a time.
func (p *pace) done(now time.Time) {
	p.deaf = max(p.deaf-1, 0)
	if p.unsettled > 0 {
		p.unsettled--
		p.count, p.since = 0, now
		return
	}
	p.count++
	took := now.Sub(p.since)
	rounds := p.count >= 2*p.limit && took >= measureTime
	if long := p.count >= longObjects && took >= longMeasure; !rounds && !long {
		return
	}
	m := measured{p.limit, float64(p.count) / took.Seconds()}
	p.count, p.since = 0, now
	p.judge(m)
}

// judge ends the trial under way, and begins the next if it is time.
func (p *pace) judge(m measured) {
	if p.before.limit == 0 {
		if p.pause > 0 {
			p.pause--
			return
		}
	} else if good := !p.down && pays(m, p.before) || p.down && !pays(p.before, m); !good {
		p.set(p.before.limit)
		p.rest()
		return
	}
	next := p.next()
	if next == p.limit {
		p.rest()
		return
	}
	p.before = m
	p.set(next)
}

// next is the limit to try.
func (p *pace) next() int {
	step := trialStep
	if p.ramp {
		step = rampStep
	}
	if p.down {
		return max(int(float64(p.limit)/step), leastFetches)
	}
	return min(int(math.Ceil(float64(p.limit)*step)), MaxFetches)
}

// rest waits with the next trial, which leads the other way.
func (p *pace) rest() {
	p.before = measured{}
	p.ramp, p.down, p.pause = false, !p.down, trialPause
}

func (p *pace) set(limit int) {
	p.unsettled, p.limit = p.limit, limit
}

// throttled is told that the requests are too many.
func (p *pace) throttled() {
	if p.deaf > 0 {
		return // the request was made before the last time
	}
	p.deaf = p.limit
	p.set(max(p.limit/2, leastFetches))
	p.before = measured{}
	p.ramp, p.down, p.pause = false, false, throttlePause
}
