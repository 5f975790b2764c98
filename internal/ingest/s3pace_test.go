package ingest

import (
	"container/heap"
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// model is a server or a processor that a pace is tried on, event by event: an
// object is on its way for a while, and then takes a place for a while, for which
// it waits if it must. No clock is asked and nobody waits.
type model struct {
	latency time.Duration
	noise   float64       // standard deviation of the latency, as a part of it
	places  int           // 0 for as many as there are objects
	service time.Duration // in a place
	listing time.Duration // between two objects that are listed
	most    int           // requests under way that are not refused, 0 for all

	pace   pace
	rnd    *rand.Rand
	now    time.Time
	events events
	open   int
	busy   int // places
	queue  int // objects that wait for one
	listed time.Time

	finished, refused int
	opened            time.Duration // added up over the objects
}

type event struct {
	at      time.Time
	arrived bool // at the places, rather than done or listed
	listed  bool
}

type events []event

func (e events) Len() int           { return len(e) }
func (e events) Less(i, j int) bool { return e[i].at.Before(e[j].at) }
func (e events) Swap(i, j int)      { e[i], e[j] = e[j], e[i] }
func (e *events) Push(x any)        { *e = append(*e, x.(event)) }
func (e *events) Pop() any {
	last := len(*e) - 1
	x := (*e)[last]
	*e = (*e)[:last]
	return x
}

func newModel(m model, seed uint64) *model {
	m.now = time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC)
	m.listed = m.now
	m.rnd = rand.New(rand.NewPCG(seed, 0))
	m.pace = newPace(m.now)
	return &m
}

// run lets time pass and gives the objects a second, and how many were open on
// the average.
func (m *model) run(d time.Duration) (rate, open float64) {
	m.finished, m.refused, m.opened = 0, 0, 0
	for end := m.now.Add(d); m.now.Before(end); {
		for m.open < m.pace.limit && !m.listed.After(m.now) {
			m.listed = m.listed.Add(m.listing)
			m.send()
		}
		if m.open < m.pace.limit && len(m.events) == m.open {
			heap.Push(&m.events, event{at: m.listed, listed: true})
		}
		e := heap.Pop(&m.events).(event)
		m.opened += time.Duration(m.open) * e.at.Sub(m.now)
		m.now = e.at
		switch {
		case e.listed:
		case e.arrived:
			m.queue++
		default:
			m.open--
			m.finished++
			m.pace.done(m.now)
			if m.places > 0 {
				m.busy--
			}
		}
		for m.queue > 0 && m.busy < m.places {
			m.queue--
			m.busy++
			heap.Push(&m.events, event{at: m.now.Add(m.service)})
		}
	}
	return float64(m.finished) / d.Seconds(), float64(m.opened) / float64(d)
}

// send opens an object.
func (m *model) send() {
	m.open++
	delay := max(m.latency/5, time.Duration(float64(m.latency)*(1+m.noise*m.rnd.NormFloat64())))
	if m.most > 0 && m.open > m.most {
		m.refused++
		m.pace.throttled()
		delay += time.Second // which the SDK waits at first
	}
	heap.Push(&m.events, event{at: m.now.Add(delay), arrived: m.places > 0})
}

// A pace comes close to the most that what it is tried on can do, with little
// more open than that takes.
func TestPace(t *testing.T) {
	const ms = time.Millisecond
	tests := []struct {
		name  string
		model model
		rate  float64 // objects a second that are reached at least
		open  [2]float64
	}{
		{"nothing but latency", model{latency: 50 * ms, noise: 0.3}, 4800, [2]float64{240, 256}},
		{"a server of 1000 objects a second", model{latency: 50 * ms, noise: 0.1, places: 2, service: 2 * ms}, 900, [2]float64{45, 65}},
		{"a server of 2000 objects a second", model{latency: 50 * ms, noise: 0.1, places: 2, service: ms}, 1800, [2]float64{90, 130}},
		{"a server of 2800 objects a second", model{latency: 50 * ms, noise: 0.1, places: 14, service: 5 * ms}, 2500, [2]float64{140, 182}},
		{"a processor that decodes 500 objects a second", model{latency: 20 * ms, noise: 0.5, places: 2, service: 4 * ms}, 430, [2]float64{9, 20}},
		{"a processor that decodes 20 objects a second", model{latency: 50 * ms, noise: 0.5, places: 2, service: 100 * ms}, 19, [2]float64{2, 8}},
		{"a listing of 400 objects a second", model{latency: 50 * ms, noise: 0.3, listing: 2500 * time.Microsecond}, 370, [2]float64{18, 25}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			for seed := range uint64(5) {
				m := newModel(test.model, seed)
				if m.run(time.Minute); m.pace.limit < leastFetches || m.pace.limit > MaxFetches {
					t.Errorf("seed %d: %d at a time", seed, m.pace.limit)
				}
				rate, open := m.run(30 * time.Second)
				if rate < test.rate || open < test.open[0] || open > test.open[1] {
					t.Errorf("seed %d: %.0f objects a second with %.1f open, want %.0f with %.0f to %.0f", seed, rate, open, test.rate, test.open[0], test.open[1])
				}
			}
		})
	}
}

// The beginning costs little of even a short scan.
func TestPaceBegins(t *testing.T) {
	m := newModel(model{latency: 50 * time.Millisecond, noise: 0.1}, 1)
	if m.run(3 * time.Second); m.pace.limit < 240 {
		t.Errorf("%d at a time after 3 seconds of nothing but latency", m.pace.limit)
	}
	m = newModel(model{latency: 50 * time.Millisecond, noise: 0.1, places: 2, service: 2 * time.Millisecond}, 1)
	if rate, open := m.run(10 * time.Second); rate < 900 || open > 65 {
		t.Errorf("%.0f objects a second with %.1f open in the first 10 seconds of a server of 1000", rate, open)
	}
}

// What a server refuses makes the number smaller, and it is tried again later.
func TestPaceRefused(t *testing.T) {
	m := newModel(model{latency: 50 * time.Millisecond, noise: 0.3, most: 60}, 1)
	m.run(10 * time.Second)
	rate, _ := m.run(5 * time.Minute)
	if m.refused > m.finished/1000 || m.refused == 0 {
		t.Errorf("%d of %d requests were refused", m.refused, m.finished)
	}
	if rate < 600 {
		t.Errorf("%.0f objects a second, where 1200 would have been allowed", rate)
	}
	m.most = 0
	if m.run(time.Minute); m.pace.limit < 240 {
		t.Errorf("%d at a time after a minute in which nothing was refused", m.pace.limit)
	}
}

// Another bottleneck than before is found, too.
func TestPaceChanges(t *testing.T) {
	m := newModel(model{latency: 50 * time.Millisecond, noise: 0.1, places: 1000}, 1)
	if m.run(10 * time.Second); m.pace.limit < 240 {
		t.Fatalf("%d at a time", m.pace.limit)
	}
	m.service = 250 * time.Millisecond
	if rate, _ := m.run(time.Minute); rate < 800 {
		t.Errorf("slower objects: %.0f a second", rate)
	}
	m.places = 4
	m.run(3 * time.Minute)
	if m.run(time.Minute); m.pace.limit > 25 {
		t.Errorf("%d at a time, where 4 are done at a time", m.pace.limit)
	}
}

// The answers to what was under way when the server said that it was too much
// say nothing new.
func TestPaceThrottledOnce(t *testing.T) {
	now := time.Unix(0, 0)
	p := newPace(now)
	for range firstFetches {
		p.throttled()
	}
	if p.limit != firstFetches/2 {
		t.Errorf("%d at a time after one round of refusals", p.limit)
	}
	for range firstFetches {
		p.done(now)
	}
	p.throttled()
	if p.limit != firstFetches/4 {
		t.Errorf("%d at a time after another", p.limit)
	}
	for range 1000 {
		p.throttled()
		p.done(now)
	}
	if p.limit != leastFetches {
		t.Errorf("%d at a time after many", p.limit)
	}
}

// entering is one goroutine at a gate.
type entering struct {
	size int64
	err  error
	in   bool
}

func (e *entering) enter(ctx context.Context, g *gate) {
	e.err = g.enter(ctx, e.size)
	e.in = e.err == nil
}

func TestGate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate(time.Now)
		g.pace.limit = 2
		ctx, cancel := context.WithCancelCause(t.Context())
		var all [5]entering
		for i := range all {
			c := t.Context()
			if i == 2 {
				c = ctx
			}
			go all[i].enter(c, g)
			synctest.Wait() // so that they come in order
		}
		inside := func() (which []int) {
			synctest.Wait()
			for i := range all {
				if all[i].in {
					which = append(which, i)
				}
			}
			return which
		}
		if got := inside(); !slices.Equal(got, []int{0, 1}) {
			t.Errorf("%v are in", got)
		}
		stop := errors.New("stop")
		cancel(stop)
		if inside(); !errors.Is(all[2].err, stop) {
			t.Errorf("at the end of its context: %v", all[2].err)
		}
		g.leave(0)
		if got := inside(); !slices.Equal(got, []int{0, 1, 3}) {
			t.Errorf("%v are in after one left", got)
		}
		g.leave(0)
		g.leave(0)
		if got := inside(); !slices.Equal(got, []int{0, 1, 3, 4}) {
			t.Errorf("%v are in after all left", got)
		}
	})
}

// The objects that are open have not more bytes together than a bound, but one
// may be as large as it is. Small ones do not overtake it.
func TestGateBytes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate(time.Now)
		all := []*entering{{size: maxFetched}, {size: 1}, {size: 2 * maxFetched}, {size: 5}, {size: -1}}
		for _, e := range all {
			go e.enter(t.Context(), g)
			synctest.Wait()
		}
		for n, want := range [][]bool{
			{true, false, false, false, false},
			{true, true, false, false, false},
			{true, true, true, false, false},
			{true, true, true, true, true},
		} {
			for i, e := range all {
				if e.in != want[i] {
					t.Errorf("after %d left: object %d is in: %t", n, i, e.in)
				}
			}
			g.leave(all[n].size)
			synctest.Wait()
		}
		g.leave(-1)
		if g.open != 0 || g.bytes != 0 {
			t.Errorf("%d objects and %d bytes are open in the end", g.open, g.bytes)
		}
	})
}

// What ends while it is let through leaves nothing open.
func TestGateCanceled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate(time.Now)
		g.pace.limit = 1
		for range 100 {
			ctx, cancel := context.WithCancel(t.Context())
			for range 2 {
				go func() {
					if g.enter(ctx, 10) == nil {
						g.leave(10)
					}
				}()
			}
			go cancel()
			synctest.Wait()
		}
		if g.open != 0 || g.bytes != 0 || len(g.waiting) != 0 {
			t.Errorf("%d objects and %d bytes are open, %d wait", g.open, g.bytes, len(g.waiting))
		}
	})
}

// A source with a pace reads the same, whatever is refused meanwhile, and makes
// fewer requests at a time then.
func TestS3Pace(t *testing.T) {
	keys := logKeys("AWSLogs/", "111122223333", "us-east-1", "2026-11-20T00:00:00Z", 200, time.Minute)
	now := date("2026-11-20T00:00:00Z")
	for _, refuse := range []bool{false, true} {
		stub := &s3Stub{}
		s := stub.serve(t, S3Config{}, keys...)
		refused := false
		proxy := newFaultProxy(t, "http://127.0.0.1:1", func(r *http.Request, n int) fault {
			if refuse && !isList(r) && n == 1 && !refused {
				refused = true
				return slowDown
			}
			return noFault
		})
		proxy.Config.Handler = proxy.handler(stub)
		s.client = testS3Client(t, AWSOptions{EndpointURL: proxy.URL})
		s.FindPace(func() time.Time { return now })
		gotKeys, bodies, problems := scanAll(t, s)
		if len(gotKeys) != len(keys) || !slices.Equal(bodies, keys) || len(problems) > 0 {
			t.Errorf("%d objects, %d bodies, problems %v", len(gotKeys), len(bodies), problems)
		}
		want := firstFetches
		if refuse {
			want /= 2
		}
		if s.gate.pace.limit != want || s.gate.open != 0 || s.gate.bytes != 0 {
			t.Errorf("refused: %t: %d at a time, %d open with %d bytes", refuse, s.gate.pace.limit, s.gate.open, s.gate.bytes)
		}
	}
}

func TestS3PaceCanceled(t *testing.T) {
	keys := logKeys("AWSLogs/", "111122223333", "us-east-1", "2026-11-20T00:00:00Z", 2, time.Hour)
	s := (&s3Stub{}).serve(t, S3Config{}, keys...)
	s.FindPace(func() time.Time { return time.Time{} })
	s.gate.pace.limit = 1
	ctx, cancel := context.WithCancelCause(t.Context())
	stop := errors.New("the user pressed Ctrl-C")
	err := s.List(t.Context(), func(c Chunk) error {
		if s.gate.open == 0 {
			_, err := c.Open(ctx)
			return err
		}
		go cancel(stop)
		_, err := c.Open(ctx)
		return err
	}, noProblem(t))
	if !errors.Is(err, stop) {
		t.Errorf("List = %v", err)
	}
}
