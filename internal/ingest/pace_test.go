package ingest

import (
	"container/heap"
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// model is a server or a processor that a search is tried on, event by event: an
// object is on its way for a while, and then takes a place for a while, for which
// it waits if it must. No clock is asked and nobody waits.
type model struct {
	latency time.Duration
	noise   float64       // standard deviation of the latency, as a part of it
	places  int           // 0 for as many as there are objects
	service time.Duration // in a place
	listing time.Duration // between two objects that are listed
	most    int           // requests under way that are not refused, 0 for all

	search search
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
	m.search = newSearch()
	return &m
}

// run lets time pass and gives the objects a second, and how many were open on
// the average.
func (m *model) run(d time.Duration) (rate, open float64) {
	m.finished, m.refused, m.opened = 0, 0, 0
	for end := m.now.Add(d); m.now.Before(end); {
		for m.open < m.search.limit && !m.listed.After(m.now) {
			m.listed = m.listed.Add(m.listing)
			m.send()
		}
		if m.open < m.search.limit && len(m.events) == m.open {
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
			m.search.done(m.now)
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
		m.search.throttled()
		delay += time.Second // which the SDK waits at first
	}
	heap.Push(&m.events, event{at: m.now.Add(delay), arrived: m.places > 0})
}

// A search comes close to the most that what it is tried on can do, with little
// more open than that takes.
func TestSearch(t *testing.T) {
	const ms = time.Millisecond
	tests := []struct {
		name  string
		model model
		rate  float64 // objects a second that are reached at least
		open  [2]float64
	}{
		{"nothing but latency", model{latency: 50 * ms, noise: 0.3}, 4800, [2]float64{240, 256}},
		{"a server of 1000 objects a second", model{latency: 50 * ms, noise: 0.1, places: 2, service: 2 * ms}, 870, [2]float64{43, 65}},
		{"a server of 2000 objects a second", model{latency: 50 * ms, noise: 0.1, places: 2, service: ms}, 1800, [2]float64{90, 130}},
		{"a server of 2800 objects a second", model{latency: 50 * ms, noise: 0.1, places: 14, service: 5 * ms}, 2500, [2]float64{140, 182}},
		{"a processor that decodes 500 objects a second", model{latency: 20 * ms, noise: 0.5, places: 2, service: 4 * ms}, 430, [2]float64{9, 20}},
		{"a processor that decodes 20 objects a second", model{latency: 50 * ms, noise: 0.5, places: 2, service: 100 * ms}, 19, [2]float64{2, 8}},
		{"a listing of 400 objects a second", model{latency: 50 * ms, noise: 0.3, listing: 2500 * time.Microsecond}, 370, [2]float64{18, 25}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			for seed := range uint64(3) {
				m := newModel(test.model, seed)
				if m.run(30 * time.Second); m.search.limit < leastFetches || m.search.limit > MaxFetches {
					t.Errorf("seed %d: %d at a time", seed, m.search.limit)
				}
				rate, open := m.run(15 * time.Second)
				if rate < test.rate || open < test.open[0] || open > test.open[1] {
					t.Errorf("seed %d: %.0f objects a second with %.1f open, want %.0f with %.0f to %.0f", seed, rate, open, test.rate, test.open[0], test.open[1])
				}
			}
		})
	}
}

// The beginning costs little of even a short scan.
func TestSearchBegins(t *testing.T) {
	m := newModel(model{latency: 50 * time.Millisecond, noise: 0.1}, 1)
	if m.run(3 * time.Second); m.search.limit < 240 {
		t.Errorf("%d at a time after 3 seconds of nothing but latency", m.search.limit)
	}
	m = newModel(model{latency: 50 * time.Millisecond, noise: 0.1, places: 2, service: 2 * time.Millisecond}, 1)
	if rate, open := m.run(10 * time.Second); rate < 900 || open > 65 {
		t.Errorf("%.0f objects a second with %.1f open in the first 10 seconds of a server of 1000", rate, open)
	}
}

// What a server refuses makes the number smaller, and it is tried again later.
func TestSearchRefused(t *testing.T) {
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
	if m.run(time.Minute); m.search.limit < 240 {
		t.Errorf("%d at a time after a minute in which nothing was refused", m.search.limit)
	}
}

// Another bottleneck than before is found, too.
func TestSearchChanges(t *testing.T) {
	m := newModel(model{latency: 50 * time.Millisecond, noise: 0.1, places: 1000}, 1)
	if m.run(10 * time.Second); m.search.limit < 240 {
		t.Fatalf("%d at a time", m.search.limit)
	}
	m.service = 250 * time.Millisecond
	if rate, _ := m.run(time.Minute); rate < 800 {
		t.Errorf("slower objects: %.0f a second", rate)
	}
	m.places = 4
	m.run(3 * time.Minute)
	if m.run(time.Minute); m.search.limit > 25 {
		t.Errorf("%d at a time, where 4 are done at a time", m.search.limit)
	}
}

// The answers to what was under way when the server said that it was too much
// say nothing new.
func TestSearchThrottledOnce(t *testing.T) {
	now := time.Unix(0, 0)
	p := newSearch()
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

// reading is a scan under a Pace whose chunks are read until somebody lets them
// end.
type reading struct {
	pace   *Pace
	chunks chan Chunk
	ends   []chan error // of the chunks, by their number
	under  map[int]bool // chunks that are being read
	mu     sync.Mutex
	err    error // of the first fetcher that ended
}

// newReading lists chunks of some sizes to so many fetchers, in a bubble of
// synctest.
func newReading(ctx context.Context, fetchers, limit int, sizes ...int64) *reading {
	r := &reading{pace: NewPace(time.Now), chunks: make(chan Chunk, len(sizes)), under: map[int]bool{}}
	r.pace.search.limit = limit
	for i, size := range sizes {
		r.chunks <- Chunk{Name: strconv.Itoa(i), Size: size}
		r.ends = append(r.ends, make(chan error, 1))
	}
	close(r.chunks)
	for range fetchers {
		go func() {
			err := r.pace.fetch(ctx, r.chunks, r.read)
			r.mu.Lock()
			defer r.mu.Unlock()
			if r.err == nil {
				r.err = err
			}
		}()
	}
	return r
}

func (r *reading) read(c Chunk) error {
	n, _ := strconv.Atoi(c.Name)
	r.mark(n, true)
	defer r.mark(n, false)
	return <-r.ends[n]
}

func (r *reading) mark(n int, under bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if delete(r.under, n); under {
		r.under[n] = true
	}
}

// now is which chunks are being read when nothing moves any more.
func (r *reading) now() []int {
	synctest.Wait()
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Sorted(maps.Keys(r.under))
}

// left is what of the pace is in use.
func (r *reading) left() string {
	synctest.Wait()
	return fmt.Sprintf("%d fetchers, %d bytes, %d parked, %d crowded", r.pace.busy, r.pace.bytes, len(r.pace.parked), len(r.pace.crowded))
}

const nothingLeft = "0 fetchers, 0 bytes, 0 parked, 0 crowded"

// As many chunks are read at a time as the search says at that time.
func TestPace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newReading(t.Context(), 10, 2, make([]int64, 9)...)
		step := func(end int, limit int, want ...int) {
			t.Helper()
			r.now()
			r.pace.mu.Lock()
			r.pace.search.limit = limit
			r.pace.mu.Unlock()
			if end >= 0 {
				r.ends[end] <- nil
			}
			if got := r.now(); !slices.Equal(got, want) {
				t.Errorf("after the end of %d, with %d at a time: %v are read, want %v", end, limit, got, want)
			}
		}
		step(-1, 2, 0, 1)
		step(0, 2, 1, 2)
		step(2, 4, 1, 3, 4, 5)
		step(1, 2, 3, 4, 5)
		step(5, 2, 3, 4)
		step(4, 2, 3, 6)
		step(6, 3, 3, 7, 8)
		step(3, 3, 7, 8)
		step(7, 3, 8)
		step(8, 3)
		if got := r.left(); got != nothingLeft || r.err != nil {
			t.Errorf("in the end: %s, error %v", got, r.err)
		}
	})
}

// What is open has not more bytes together than a bound, but one chunk may be as
// large as it is. Small ones do not overtake it.
func TestPaceBytes(t *testing.T) {
	for range 30 { // the race detector lets the fetchers run in many orders
		synctest.Test(t, testPaceBytes)
	}
}

func testPaceBytes(t *testing.T) {
	r := newReading(t.Context(), 10, 10, maxFetched, 1, 2*maxFetched, 5, -1)
	for end, want := range [][]int{{0}, {1}, {2}, {3, 4}} {
		if got := r.now(); !slices.Equal(got, want) {
			t.Errorf("before the end of %d: %v are read, want %v", end, got, want)
		}
		r.ends[end] <- nil
	}
	r.ends[4] <- nil
	if got := r.left(); got != nothingLeft || r.err != nil {
		t.Errorf("in the end: %s, error %v", got, r.err)
	}
}

// The end of the context, and an error of one fetcher, leave nothing in use.
func TestPaceEnds(t *testing.T) {
	sizes := []int64{maxFetched, 1, 1, 1, 1}
	t.Run("context", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			r := newReading(ctx, 5, 2, sizes...) // one reads, one is crowded out, three are parked
			if got := r.left(); got != "2 fetchers, 67108864 bytes, 3 parked, 1 crowded" {
				t.Fatal(got)
			}
			cancel()
			r.now()
			r.ends[0] <- ctx.Err()
			if got := r.left(); got != nothingLeft || !errors.Is(r.err, context.Canceled) {
				t.Errorf("%s, error %v", got, r.err)
			}
		})
	})
	t.Run("waiting for the listing", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			r := &reading{pace: NewPace(time.Now), chunks: make(chan Chunk)}
			go func() { r.err = r.pace.fetch(ctx, r.chunks, r.read) }()
			r.left()
			cancel()
			if got := r.left(); got != nothingLeft || !errors.Is(r.err, context.Canceled) {
				t.Errorf("%s, error %v", got, r.err)
			}
		})
	})
	t.Run("error", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			r := newReading(t.Context(), 2, 1, 1, 1, 1)
			stop := errors.New("stop")
			r.now()
			r.ends[0] <- stop
			if got := r.now(); !slices.Equal(got, []int{1}) || !errors.Is(r.err, stop) {
				t.Errorf("%v are read, error %v", got, r.err)
			}
			r.ends[1] <- nil
			r.ends[2] <- nil
			if got := r.left(); got != nothingLeft {
				t.Error(got)
			}
		})
	})
}

// A scan of S3 at a pace reads the same, whatever is refused meanwhile, and fetches
// fewer objects at a time then.
func TestS3Pace(t *testing.T) {
	keys := logKeys("AWSLogs/", "111122223333", "us-east-1", "2026-11-20T00:00:00Z", 200, time.Minute)
	now := date("2026-11-20T00:00:00Z")
	for _, refuse := range []bool{false, true} {
		var most, under atomic.Int64
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
		proxy.Config.Handler = proxy.handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if !isList(r) {
				n := under.Add(1)
				defer under.Add(-1)
				for old := most.Load(); n > old && !most.CompareAndSwap(old, n); old = most.Load() {
				}
			}
			stub.ServeHTTP(w, r)
		}))
		pace := NewPace(func() time.Time { return now })
		cfg := s.cfg
		cfg.Client, cfg.OnThrottle = testS3Client(t, AWSOptions{EndpointURL: proxy.URL}), pace.Throttled
		totals, err := Scan(t.Context(), testS3(cfg), ScanOptions{Fetchers: MaxFetches, Pace: pace}, []func(*Event){func(*Event) {}})
		if err != nil || totals.Objects != int64(len(keys)) {
			t.Errorf("refused: %t: %d objects, %v", refuse, totals.Objects, err)
		}
		want := firstFetches
		if refuse {
			want /= 2
		}
		if pace.search.limit != want || pace.busy != 0 || pace.bytes != 0 {
			t.Errorf("refused: %t: %d at a time, %d in use with %d bytes", refuse, pace.search.limit, pace.busy, pace.bytes)
		}
		if n := most.Load(); n > 2*firstFetches { // with those whose end the server has not noticed
			t.Errorf("refused: %t: %d requests under way at a time", refuse, n)
		}
	}
}
