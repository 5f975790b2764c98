package ingest

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
)

// Counters tell how far a scan has come, for whoever watches it meanwhile.
type Counters struct {
	ObjectsListed atomic.Int64
	BytesListed   atomic.Int64 // as stored; chunks of unknown size count nothing
	ListingDone   atomic.Bool
	Objects       atomic.Int64
	BytesStored   atomic.Int64
	Bytes         atomic.Int64 // uncompressed
	Records       atomic.Int64
}

// ScanOptions say how a scan is run; what it gives does not depend on them.
type ScanOptions struct {
	// Fetchers is how many chunks are opened at a time. A chunk that waits for
	// the network needs no worker meanwhile. At least the number of workers.
	Fetchers int
	// Pace lets only some of the fetchers have a chunk open at a time; nil all.
	Pace     *Pace
	Limits   Limits
	Counters *Counters // may be nil
	// DayDone is called when the listing has passed a UTC day (in days since
	// 1970) of an account by Margin and every chunk up to there is read: only
	// late deliveries can still bring events of it. It may be nil. It is called
	// from any goroutine, one at a time.
	DayDone func(account string, day int64)
	Margin  time.Duration
	// Seen is told what each chunk held, a Verifier's for example. Where it is
	// nil nobody takes the trouble to find out. It is called from any goroutine,
	// one at a time.
	Seen func(Chunk, Content)
}

// Totals is what was read.
type Totals struct {
	Objects         int64
	ObjectsFailed   int64
	CompressedBytes int64
	Bytes           int64
	Records         int64
	PassedOver      int64 // digest, Insight and aggregated records
	Problems        []Problem
	Regions         []RegionTotals // sorted by account and region
}

// RegionTotals counts the objects of one account and region, where keys tell them.
type RegionTotals struct {
	Account, Region string
	Objects, Failed int64
	// Stored and Records are the bytes, as listed, and the records of the objects
	// that were read to their end; the others are those of the failed ones, of
	// whose records only those before the break are known.
	Stored, Records             int64
	FailedStored, FailedRecords int64
	Unread                      []UnreadRun // when the failed ones were delivered
	unread                      unreadHours
}

// Add adds the totals of another scan.
func (t *Totals) Add(o Totals) {
	t.Objects += o.Objects
	t.ObjectsFailed += o.ObjectsFailed
	t.CompressedBytes += o.CompressedBytes
	t.Bytes += o.Bytes
	t.Records += o.Records
	t.PassedOver += o.PassedOver
	t.Problems = append(t.Problems, o.Problems...)
	sortProblems(t.Problems)
	for _, r := range o.Regions {
		i, ok := slices.BinarySearchFunc(t.Regions, r, compareRegion)
		if !ok {
			t.Regions = slices.Insert(t.Regions, i, r)
			continue
		}
		m := &t.Regions[i]
		m.Objects += r.Objects
		m.Failed += r.Failed
		m.Stored += r.Stored
		m.Records += r.Records
		m.FailedStored += r.FailedStored
		m.FailedRecords += r.FailedRecords
		m.Unread = joinUnread(slices.Concat(m.Unread, r.Unread))
	}
}

// add counts an object.
func (r *RegionTotals) add(c Chunk, records int64, failed bool) {
	r.Objects++
	if !failed {
		r.Stored += max(c.Size, 0)
		r.Records += records
		return
	}
	r.Failed++
	r.FailedStored += max(c.Size, 0)
	r.FailedRecords += records
	r.unread = r.unread.add(c.Stamp)
}

func compareRegion(a, b RegionTotals) int {
	return cmp.Or(cmp.Compare(a.Account, b.Account), cmp.Compare(a.Region, b.Region))
}

func sortProblems(ps []Problem) {
	slices.SortFunc(ps, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.Object, b.Object), cmp.Compare(a.Offset, b.Offset),
			cmp.Compare(a.Stage, b.Stage), cmp.Compare(a.Error, b.Error))
	})
}

// Scan reads every chunk that src lists and hands its events to the sinks. Each
// sink is called from one goroutine at a time, and there are as many workers
// as sinks. The error is that of the listing or of ctx; what costs only a
// chunk is a problem in the totals.
func Scan(ctx context.Context, src Source, opt ScanOptions, sinks []func(*Event)) (Totals, error) {
	return scan(ctx, src.List, opt, sinks)
}

// Backfill is Scan over the chunks that may hold what is needed.
func Backfill(ctx context.Context, src Backfiller, needs []Need, opt ScanOptions, sinks []func(*Event)) (Totals, error) {
	list := func(ctx context.Context, emit func(Chunk) error, report func(Problem)) error {
		return src.Backfill(ctx, needs, emit, report)
	}
	return scan(ctx, list, opt, sinks)
}

// listAhead is how many chunks are listed before they are read, so that it can be
// told how much is to come. A chunk takes some hundred bytes meanwhile.
const listAhead = 1 << 14

type worker struct {
	reader *Reader
	sink   func(*Event)
}

func scan(ctx context.Context, list func(context.Context, func(Chunk) error, func(Problem)) error, opt ScanOptions, sinks []func(*Event)) (Totals, error) {
	if opt.Counters == nil {
		opt.Counters = &Counters{}
	}
	workers := make(chan worker, len(sinks))
	for _, sink := range sinks {
		w := worker{reader: NewReader(opt.Limits), sink: sink}
		w.reader.counters = opt.Counters
		if opt.Seen != nil {
			w.reader.in.check = &hasher{}
		}
		workers <- w
	}
	var (
		mu      sync.Mutex
		totals  Totals
		regions = map[[2]string]*RegionTotals{}
		days    = newDayTracker(opt.DayDone, opt.Margin)
	)
	report := func(p Problem) {
		mu.Lock()
		defer mu.Unlock()
		totals.Problems = append(totals.Problems, p)
	}
	read := func(ctx context.Context, c Chunk) error {
		stats, content, problems, err := readChunk(ctx, c, workers)
		if err != nil {
			return err
		}
		opt.Counters.Objects.Add(1)
		failed := slices.ContainsFunc(problems, Problem.Lost)

		mu.Lock()
		defer mu.Unlock()
		totals.Objects++
		totals.CompressedBytes += stats.CompressedBytes
		totals.Bytes += stats.Bytes
		totals.Records += stats.Records
		totals.PassedOver += stats.PassedOver
		totals.Problems = append(totals.Problems, problems...)
		if failed {
			totals.ObjectsFailed++
		}
		if opt.Seen != nil {
			opt.Seen(c, content)
		}
		if c.Account != "" {
			k := [2]string{c.Account, c.Region}
			if regions[k] == nil {
				regions[k] = &RegionTotals{Account: c.Account, Region: c.Region}
			}
			regions[k].add(c, stats.Records, failed)
		}
		return nil
	}

	chunks := make(chan Chunk, listAhead)
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		defer close(chunks)
		err := list(gctx, func(c Chunk) error {
			opt.Counters.ObjectsListed.Add(1)
			opt.Counters.BytesListed.Add(max(c.Size, 0))
			days.listed(c)
			select {
			case chunks <- c:
				return nil
			case <-gctx.Done():
				return gctx.Err()
			}
		}, report)
		if err == nil {
			opt.Counters.ListingDone.Store(true)
		}
		return err
	})
	for range max(opt.Fetchers, len(sinks)) {
		g.Go(func() error {
			return opt.Pace.fetch(gctx, chunks, func(c Chunk) error {
				if err := read(gctx, c); err != nil {
					return err
				}
				days.read(c)
				return nil
			})
		})
	}
	err := g.Wait()
	if ctx.Err() != nil {
		err = ctx.Err()
	}
	for _, r := range regions {
		r.Unread, r.unread = r.unread.runs(), nil
		totals.Regions = append(totals.Regions, *r)
	}
	slices.SortFunc(totals.Regions, compareRegion)
	sortProblems(totals.Problems)
	return totals, err
}

// readChunk opens a chunk, and only then takes a worker to decode it. Its error
// is that of ctx; any other is a problem of the chunk.
func readChunk(ctx context.Context, c Chunk, workers chan worker) (Stats, Content, []Problem, error) {
	rc, err := c.Open(ctx)
	if err != nil {
		if ctx.Err() != nil {
			return Stats{}, Content{}, nil, ctx.Err()
		}
		var p *ProblemError
		if errors.As(err, &p) {
			return Stats{}, Content{}, []Problem{p.Problem}, nil
		}
		return Stats{}, Content{}, []Problem{{Object: c.Name, Offset: -1, Stage: StageFetch, Error: err.Error(), Count: 1}}, nil
	}
	defer rc.Close()
	var w worker
	select {
	case w = <-workers:
	case <-ctx.Done():
		return Stats{}, Content{}, nil, ctx.Err()
	}
	defer func() { workers <- w }()
	stats, problems := w.reader.Read(ctx, c.Name, rc, w.sink)
	return stats, w.reader.content(), problems, ctx.Err()
}

// ProblemError is an error of Chunk.Open that is a problem of its own stage.
type ProblemError struct{ Problem Problem }

// Error gives the problem's text.
func (e *ProblemError) Error() string { return e.Problem.Error }

// dayTracker knows which hours of which account are still being read, and so
// which days are done with.
type dayTracker struct {
	done    func(account string, day int64)
	margin  time.Duration
	mu      sync.Mutex
	account map[string]*accountHours
	current string
}

type accountHours struct {
	open   map[int64]int // chunks listed and not read, by the hour of their stamp
	listed int64         // the latest hour listed
	next   int64         // the first day that was not let go yet
}

func newDayTracker(done func(string, int64), margin time.Duration) *dayTracker {
	return &dayTracker{done: done, margin: margin, account: map[string]*accountHours{}}
}

const (
	secondsPerHour = 3600
	secondsPerDay  = 86400
)

func (d *dayTracker) listed(c Chunk) {
	if d.done == nil || c.Account == "" || c.Stamp.IsZero() {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	hour := c.Stamp.Unix() / secondsPerHour
	a := d.account[c.Account]
	if a == nil {
		a = &accountHours{open: map[int64]int{}, next: c.Stamp.Unix()/secondsPerDay - 1}
		d.account[c.Account] = a
	}
	a.open[hour]++
	a.listed = max(a.listed, hour)
	if d.current != c.Account {
		before := d.current
		d.current = c.Account
		if before != "" {
			d.release(before)
		}
	}
}

func (d *dayTracker) read(c Chunk) {
	if d.done == nil || c.Account == "" || c.Stamp.IsZero() {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	a := d.account[c.Account]
	hour := c.Stamp.Unix() / secondsPerHour
	if a.open[hour]--; a.open[hour] == 0 {
		delete(a.open, hour)
		d.release(c.Account)
	}
}

// release lets go the days of an account that the listing and every reader
// have passed by the margin.
func (d *dayTracker) release(account string) {
	a := d.account[account]
	low := a.listed
	for h := range a.open {
		low = min(low, h)
	}
	end := low * secondsPerHour
	if account != d.current && len(a.open) == 0 {
		end = (a.listed/24+2)*secondsPerDay + int64(d.margin/time.Second)
	}
	for ; (a.next+1)*secondsPerDay+int64(d.margin/time.Second) <= end; a.next++ {
		d.done(account, a.next)
	}
}
