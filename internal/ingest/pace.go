package ingest

import (
	"context"
	"math"
	"slices"
	"sync"
	"time"
)

const (
	// MaxFetches is the most chunks that a Pace lets be open at a time: where each
	// takes a tenth of a second, 2560 a second.
	MaxFetches = 256

	// maxFetched bounds the stored bytes of the chunks that are open, beyond the
	// first of them. It is what 5 Gbit/s bring in a tenth of a second.
	maxFetched = 64 << 20

	firstFetches = 32
	leastFetches = 4
)

// Pace lets the fetchers of a scan have as many chunks open at a time as prove
// worth it, up to MaxFetches of them, and so many bytes. A nil Pace lets all of
// them. One serves several scans, one after the other.
type Pace struct {
	now func() time.Time

	mu     sync.Mutex
	search search
	busy   int // fetchers that have a turn
	// parked are the fetchers without one. The last goes first: its stack has the
	// size that it needs, unlike that of one that slept for long.
	parked  []chan struct{}
	bytes   int64
	crowded []*crowded // first come, first served: who waits holds up its day
	// taking holds one thing while a fetcher takes a chunk and a place for it, so
	// that chunks come to their places in their order.
	taking chan struct{}
}

// crowded is a fetcher that waits until its chunk has room beside the others.
type crowded struct {
	size int64
	room chan struct{} // closed when there is
}

// NewPace makes a Pace that measures time by a clock.
func NewPace(now func() time.Time) *Pace {
	return &Pace{now: now, search: newSearch(), taking: make(chan struct{}, 1)}
}

// Throttled is told that a server says the requests are too many. It is called
// from any goroutine.
func (p *Pace) Throttled() {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.search.throttled()
}

// fetch is a fetcher: it reads one chunk after the other whenever it is its turn,
// to their end, the first error of read or that of ctx.
func (p *Pace) fetch(ctx context.Context, chunks <-chan Chunk, read func(Chunk) error) error {
	if p == nil {
		for c := range chunks {
			if err := read(c); err != nil {
				return err
			}
		}
		return nil
	}
	for {
		if err := p.turn(ctx); err != nil {
			return err
		}
		for stays := true; stays; {
			c, ok, err := p.next(ctx, chunks)
			if err != nil || !ok {
				p.yield()
				return err
			}
			err = read(c)
			stays = p.done(c)
			if err != nil {
				if stays {
					p.yield()
				}
				return err
			}
		}
	}
}

// turn waits for a fetcher's turn.
func (p *Pace) turn(ctx context.Context) error {
	p.mu.Lock()
	if p.busy < p.search.limit {
		p.busy++
		p.mu.Unlock()
		return nil
	}
	turn := make(chan struct{})
	p.parked = append(p.parked, turn)
	p.mu.Unlock()
	select {
	case <-turn:
		return nil
	case <-ctx.Done():
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if i := slices.Index(p.parked, turn); i >= 0 {
		p.parked = slices.Delete(p.parked, i, i+1)
	} else {
		p.busy--
		p.admit()
	}
	return ctx.Err()
}

// yield ends a turn.
func (p *Pace) yield() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.busy--
	p.admit()
}

// next takes a chunk and waits until it has room; it is false at the end.
func (p *Pace) next(ctx context.Context, chunks <-chan Chunk) (Chunk, bool, error) {
	var c Chunk
	var ok bool
	select {
	case p.taking <- struct{}{}:
	case <-ctx.Done():
		return c, false, ctx.Err()
	}
	select {
	case c, ok = <-chunks:
	case <-ctx.Done():
		<-p.taking
		return c, false, ctx.Err()
	}
	if !ok {
		<-p.taking
		return c, false, nil
	}
	p.mu.Lock()
	size := max(c.Size, 0)
	if len(p.crowded) == 0 && p.hasRoom(size) {
		p.bytes += size
		p.mu.Unlock()
		<-p.taking
		return c, true, nil
	}
	w := &crowded{size, make(chan struct{})}
	p.crowded = append(p.crowded, w)
	p.mu.Unlock()
	<-p.taking
	select {
	case <-w.room:
		return c, true, nil
	case <-ctx.Done():
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if i := slices.Index(p.crowded, w); i >= 0 {
		p.crowded = slices.Delete(p.crowded, i, i+1)
	} else {
		p.bytes -= size
	}
	p.admit()
	return c, false, ctx.Err()
}

func (p *Pace) hasRoom(size int64) bool { return p.bytes == 0 || p.bytes+size <= maxFetched }

// done is told that a chunk was read, and reports whether it is its fetcher's turn
// still.
func (p *Pace) done(c Chunk) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.search.done(p.now())
	p.bytes -= max(c.Size, 0)
	stays := p.busy <= p.search.limit
	if !stays {
		p.busy--
	}
	p.admit()
	return stays
}

// admit gives turns and room to who waits for them, as far as there are any.
func (p *Pace) admit() {
	for len(p.crowded) > 0 && p.hasRoom(p.crowded[0].size) {
		p.bytes += p.crowded[0].size
		close(p.crowded[0].room)
		p.crowded = slices.Delete(p.crowded, 0, 1)
	}
	for len(p.parked) > 0 && p.busy < p.search.limit {
		last := len(p.parked) - 1
		close(p.parked[last])
		p.parked = p.parked[:last]
		p.busy++
	}
}

// search finds how many chunks to have open at a time by trial: it measures how
// many are done in a second, then the same with more of them open, or fewer, and
// stays with the larger number where that brings at least half of what it would
// if nothing stood in the way. What stands in the way does not matter: the server,
// the line, the listing, or the processor, since chunks that wait for it are open.
//
// It begins by raising the number until that does not pay, and goes on with a
// trial every now and then, upwards and downwards in turns. When the server says
// that the requests are too many it halves the number and keeps it for longer.
//
// It knows of time only what done is told.
type search struct {
	limit int // chunks to have open

	unsettled int // chunks to be done yet that were opened under another limit
	count     int // of those that are done under this one
	since     time.Time

	before measured // where the trial under way began, zero outside of one
	ramp   bool     // in the beginning
	down   bool     // fewer is what is tried, or will be next
	pause  int      // measurements to come before the next trial
	deaf   int      // chunks to be done until throttling tells something new
}

// measured is what a limit brought.
type measured struct {
	limit int
	rate  float64 // chunks a second
}

// pays reports whether more is worth its number, compared with less.
func pays(more, less measured) bool {
	return more.rate/less.rate-1 >= (float64(more.limit)/float64(less.limit)-1)/2
}

const (
	// A measurement takes two rounds of chunks and some time, at least. Where a
	// round takes very long, some chunks will do.
	measureTime = 200 * time.Millisecond
	longMeasure = 2 * time.Second
	longChunks  = 32

	rampStep  = 1.5
	trialStep = 1.25

	// Measurements between two trials, and after throttling.
	trialPause    = 4
	throttlePause = 40
)

// newSearch begins to measure when the first chunks are done: before them comes
// the listing.
func newSearch() search {
	return search{limit: firstFetches, unsettled: firstFetches, ramp: true}
}

// done counts a chunk that was opened and closed, at a time.
func (s *search) done(now time.Time) {
	s.deaf = max(s.deaf-1, 0)
	if s.unsettled > 0 {
		s.unsettled--
		s.count, s.since = 0, now
		return
	}
	s.count++
	took := now.Sub(s.since)
	rounds := s.count >= 2*s.limit && took >= measureTime
	if long := s.count >= longChunks && took >= longMeasure; !rounds && !long {
		return
	}
	m := measured{s.limit, float64(s.count) / took.Seconds()}
	s.count, s.since = 0, now
	s.judge(m)
}

// judge ends the trial under way, and begins the next if it is time.
func (s *search) judge(m measured) {
	if s.before.limit == 0 {
		if s.pause > 0 {
			s.pause--
			return
		}
	} else if good := !s.down && pays(m, s.before) || s.down && !pays(s.before, m); !good {
		s.set(s.before.limit)
		s.rest()
		return
	}
	next := s.next()
	if next == s.limit {
		s.rest()
		return
	}
	s.before = m
	s.set(next)
}

// next is the limit to try.
func (s *search) next() int {
	step := trialStep
	if s.ramp {
		step = rampStep
	}
	if s.down {
		return max(int(float64(s.limit)/step), leastFetches)
	}
	return min(int(math.Ceil(float64(s.limit)*step)), MaxFetches)
}

// rest waits with the next trial, which leads the other way.
func (s *search) rest() {
	s.before = measured{}
	s.ramp, s.down, s.pause = false, !s.down, trialPause
}

func (s *search) set(limit int) {
	s.unsettled, s.limit = s.limit, limit
}

// throttled is told that the requests are too many.
func (s *search) throttled() {
	if s.deaf > 0 {
		return // the request was made before the last time
	}
	s.deaf = s.limit
	s.set(max(s.limit/2, leastFetches))
	s.before = measured{}
	s.ramp, s.down, s.pause = false, false, throttlePause
}
