// Soak reads a trail of many events and says how much memory that takes.
//
// The trail is made while it is read, so that it needs no disk; what reads and
// judges it is what a scan is made of. It prints the live heap as the events go
// by, for each credential that was seen, and ends with status 1 where the heap
// grew with the calls and not only with the credentials, or beyond what a trail of
// that shape may take:
//
//	go run ./internal/soak                         # 50 million events
//	go run ./internal/soak -events 5000000
//	go run ./internal/soak -shape names            # a million session names
//	go run ./internal/soak -shape keys             # a million credentials of one name
//	go run ./internal/soak -shape crowd            # one credential, a million clients
//	go run ./internal/soak -shape large            # records of 16 MiB
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"runtime/metrics"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/trailscan/trailscan/internal/attribute"
	"github.com/trailscan/trailscan/internal/ingest"
	"github.com/trailscan/trailscan/internal/report"
)

// shapes are the trails that can be read, each with what it may take: about twice
// what was measured on a 64-bit machine.
var shapes = []struct {
	name  string
	trail trail
	most  budget
}{
	{"steady", trail{events: 50_000_000, perObject: 500, accounts: 20, perDay: 200_000, together: 32, calls: 200, roles: 20, names: 4}, budget{perCredential: 6 << 10}},
	{"names", trail{events: 3_000_000, perObject: 500, accounts: 3, perDay: 100_000, together: 32, calls: 1, roles: 100}, budget{perCredential: 3 << 10, peakPerCredential: 12 << 10}},
	{"keys", trail{events: 3_000_000, perObject: 500, accounts: 3, perDay: 100_000, together: 32, calls: 1, roles: 1, names: 1}, budget{perCredential: 3 << 10, peakPerCredential: 12 << 10}},
	{"crowd", trail{events: 1_000_000, perObject: 500, accounts: 1, perDay: 200_000, together: 1, calls: 1_000_000, roles: 1, names: 1, crowd: true}, budget{kept: 24 << 20, peak: 128 << 20}},
	{"large", trail{events: 200, perObject: 1, accounts: 1, perDay: 1000, together: 1, calls: 200, roles: 1, names: 1, pad: 16 << 20}, budget{kept: 16 << 20, peak: 1 << 30}},
}

// budget is how many bytes a trail may take at the most, 0 where that is not the
// measure.
type budget struct {
	perCredential, kept     int64 // of what stays once all is read
	peakPerCredential, peak int64 // of the heap, garbage too
}

// over is an error if a trail took more than its budget. What is the same for
// each credential tells nothing of a few of them.
func (m measured) over(most budget) error {
	last := len(m.steps) - 1
	credentials, kept := m.steps[last].credentials, m.steps[last].heap-m.steps[0].heap
	for _, b := range []struct {
		what      string
		got, most int64
	}{
		{"stay", kept, most.kept},
		{"stay", kept, most.perCredential * max(credentials, 1000)},
		{"are in use at the most", m.peak, most.peak},
		{"are in use at the most", m.peak, most.peakPerCredential * max(credentials, 10_000)},
	} {
		if b.most > 0 && b.got > b.most {
			return fmt.Errorf("%.1f MiB %s, more than the %.1f MiB that %d credentials of this trail may take", mib(b.got), b.what, mib(b.most), credentials)
		}
	}
	return nil
}

// shaped gives the trail of a shape, with so many events where that is not 0, and
// what it may take.
func shaped(name string, events int64) (trail, budget, error) {
	var names []string
	for _, s := range shapes {
		if s.name == name {
			if events > 0 {
				s.trail.events = events
			}
			return s.trail, s.most, nil
		}
		names = append(names, s.name)
	}
	return trail{}, budget{}, fmt.Errorf("-shape %q: use one of %s", name, strings.Join(names, ", "))
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Args[1:], os.Stdout)
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "soak:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("soak", flag.ContinueOnError)
	shape := flags.String("shape", "steady", "what the trail is like: steady, names, keys, crowd or large")
	events := flags.Int64("events", 0, "how many events it has (default: by its shape)")
	workers := flags.Int("workers", runtime.GOMAXPROCS(0), "how many objects are read at a time")
	if err := flags.Parse(args); err != nil {
		return err
	}
	tr, most, err := shaped(*shape, *events)
	if err != nil {
		return err
	}
	m, err := soak(ctx, &tr, *workers, out)
	if err != nil {
		return err
	}
	return errors.Join(m.grew(), m.over(most))
}

// measure is how much memory was in use when so many events and credentials
// had been read.
type measure struct {
	events, credentials int64
	heap                int64 // bytes that are alive
}

// measured is what a soak found.
type measured struct {
	steps  []measure // the first one before any event, the last one after all
	judged int64     // bytes that are alive with the result
	peak   int64     // bytes of the heap, at the most
	names  int       // in the report
	calls  int64
}

// perCredential is by how many bytes the heap grew for each credential between
// two steps.
func (m measured) perCredential(from, to int) int64 {
	a, b := m.steps[from], m.steps[to]
	return (b.heap - a.heap) / max(b.credentials-a.credentials, 1)
}

// Of growth by less than this nothing is said: objects are on their way when the
// heap is looked at, and maps grow in steps.
const (
	noise         = 16 << 20 // bytes
	leastPerEvent = 1        // byte
)

// grew is an error if a credential that made four times as many calls took
// clearly more memory. The last step counts for nothing there: what each worker
// holds is joined by then.
func (m measured) grew() error {
	last := len(m.steps) - 2
	half := steps / 2
	if last <= half {
		return nil
	}
	first, second := m.perCredential(0, half), m.perCredential(half, last)
	extra := (second - first) * (m.steps[last].credentials - m.steps[half].credentials)
	events := m.steps[last].events - m.steps[half].events
	if second > first*3/2 && extra > max(noise, leastPerEvent*events) {
		return fmt.Errorf("a credential took %d bytes at first and %d when it made more calls: memory grows with the events", first, second)
	}
	return nil
}

const steps = 10

// soak reads a trail and writes what it took.
func soak(ctx context.Context, tr *trail, workers int, out io.Writer) (measured, error) {
	var m measured
	audit := attribute.NewAudit(attribute.Options{Since: tr.begin(), Until: tr.end(), Lookback: 12 * time.Hour, Today: tr.end()})
	began := time.Now()
	var read atomic.Int64 // events
	look := func(credentials int64) {
		events := read.Load()
		heap := liveHeap()
		m.steps = append(m.steps, measure{events, credentials, heap})
		per := int64(0)
		if credentials > 0 {
			per = (heap - m.steps[0].heap) / credentials
		}
		fmt.Fprintf(out, "%11d events %9d credentials %8.1f MiB live %7d bytes a credential %9.0f events/s\n",
			events, credentials, mib(heap), per, float64(events)/time.Since(began).Seconds())
	}
	look(0)
	next := tr.events / steps
	var mu sync.Mutex
	tr.passed = func(events, credentials int64) {
		mu.Lock()
		defer mu.Unlock()
		if events >= next && events > 0 {
			next += tr.events / steps
			look(credentials)
		}
	}
	sinks := make([]func(*ingest.Event), workers)
	for i := range sinks {
		add, n := audit.Builder().Add, 0
		sinks[i] = func(e *ingest.Event) {
			add(e)
			read.Add(1)
			// What is at work beside what is kept: buffers, and garbage.
			if n++; n%20000 == 0 || tr.pad > 0 {
				mu.Lock()
				m.peak = max(m.peak, heapInUse())
				mu.Unlock()
			}
		}
	}
	totals, err := ingest.Scan(ctx, tr, ingest.ScanOptions{Fetchers: len(sinks), DayDone: audit.DayDone, Margin: time.Hour}, sinks)
	if err != nil {
		return m, err
	}
	if len(totals.Problems) > 0 || totals.Records != tr.perAccount()*tr.accounts {
		return m, fmt.Errorf("%d of %d events were read, with problems %v", totals.Records, tr.events, totals.Problems)
	}
	if audit.Replay() {
		return m, errors.New("the trail is to be read again, though nothing in it is corrected")
	}
	look(tr.before(tr.accounts, 0))
	res := audit.Result()
	m.peak = max(m.peak, heapInUse())
	m.judged = liveHeap()
	m.names, m.calls = len(res.Names), res.Attribution.Calls
	format, err := report.ByName("json")
	if err != nil {
		return m, err
	}
	if err := format.Write(io.Discard, res, report.Options{}); err != nil {
		return m, err
	}
	m.peak = max(m.peak, heapInUse())
	runtime.KeepAlive(res)
	last := m.steps[len(m.steps)-1]
	fmt.Fprintf(out, "judged and reported %d calls under %d session names in %.1f s: %.1f MiB live with the result; the heap had %.1f MiB at the most, %d bytes a credential",
		m.calls, m.names, time.Since(began).Seconds(), mib(m.judged), mib(m.peak), m.peak/max(last.credentials, 1))
	if resident := peakResident(); resident > 0 {
		fmt.Fprintf(out, "; the process %.1f MiB", mib(resident))
	}
	fmt.Fprintln(out)
	return m, nil
}

// liveHeap is how many bytes of the heap are in use once garbage is collected.
func liveHeap() int64 {
	runtime.GC()
	var s runtime.MemStats
	runtime.ReadMemStats(&s)
	return int64(s.HeapAlloc)
}

// heapInUse is how many bytes of the heap are in use, garbage too.
func heapInUse() int64 {
	sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(sample)
	return int64(sample[0].Value.Uint64())
}

// peakResident is the most memory that this process had, in bytes, where the
// system tells it.
//
// https://docs.kernel.org/filesystems/proc.html (VmHWM)
func peakResident() int64 {
	text, _ := os.ReadFile("/proc/self/status")
	for line := range strings.Lines(string(text)) {
		var n int64
		if _, err := fmt.Sscanf(line, "VmHWM: %d kB", &n); err == nil {
			return n << 10
		}
	}
	return 0
}

func mib(n int64) float64 { return float64(n) / (1 << 20) }
