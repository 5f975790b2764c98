package ingest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail/types"
)

// What LookupEvents keeps and how it is asked.
// https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_LookupEvents.html
const (
	// LookupHistory is how far back LookupEvents sees.
	LookupHistory = 90 * 24 * time.Hour

	lookupPageSize = 50 // the most, and the default
	lookupValueMax = 2000
)

// Backfill's bounds.
const (
	// assumePad is how far, in seconds, an assume event may stand from the
	// creationDate of the session that it issued. The two are equal in every
	// record we have seen; the rest is for clocks.
	assumePad = 5
	// keyNeeds is up to how many needs are asked for by their key: beyond it
	// the three event names are cheaper. See Backfill.
	keyNeeds = 2
)

// assumeNames are the events that issue a role's credential.
var assumeNames = [...]string{"AssumeRole", "AssumeRoleWithSAML", "AssumeRoleWithWebIdentity"}

// LookupConfig says what to look up.
type LookupConfig struct {
	// AWS is the SDK's configuration, from LoadAWS.
	AWS aws.Config
	// Regions are asked for calls; the configuration's own region where it is
	// empty.
	Regions []string
	// Since and Until bound eventTime, both inclusive here as they are in the
	// API; a zero Since is 90 days before Now, a zero Until is Now.
	Since, Until time.Time
	// Now is the moment of the scan. It decides what lies in the 90 days.
	Now time.Time
	// Attributes, where there are any, narrow what is read to the events that
	// have one of them. Each is a query of its own, since the API takes one at a
	// time.
	Attributes []LookupAttribute
}

// LookupAttribute selects events by one of the attributes of the API: Username
// (of a role's session: the session name), ResourceName (of an assume event
// also: the issued access key id), AccessKeyId, EventName and others.
type LookupAttribute struct{ Key, Value string }

// Lookup reads the management events of the caller's account from the
// LookupEvents API. It is a Source and a Backfiller; List and Backfill are
// called one after the other, never at the same time.
//
// A page of results becomes a Chunk that opens to {"Records":[...]}, the form
// of a log file. Pages come newest first within a region, and those of several
// regions come mixed, as they arrive. An event may come twice: where a token
// expired half-way the region is read again from the second of its oldest event
// on, and Backfill may meet what List has read. Whoever counts events does so
// by their id.
//
// The API allows two requests a second for each account and region. Regions are
// read side by side, one request of each in flight, a little slower than that,
// so that nothing is throttled unless another program asks too. No account
// needs more: all requests of a Lookup are made with one credential.
type Lookup struct {
	cfg      LookupConfig
	regions  map[string]*lookupRegion
	found    map[Need]bool // needs whose key has led to its assume event
	requests atomic.Int64
}

// NewLookup makes a Lookup. No request is made before List.
func NewLookup(cfg LookupConfig) *Lookup {
	if len(cfg.Regions) == 0 && cfg.AWS.Region != "" {
		cfg.Regions = []string{cfg.AWS.Region}
	}
	cfg.Regions = slices.Compact(slices.Sorted(slices.Values(cfg.Regions)))
	if cfg.Until.IsZero() {
		cfg.Until = cfg.Now
	}
	return &Lookup{cfg: cfg, regions: map[string]*lookupRegion{}, found: map[Need]bool{}}
}

// Requests is how many requests LookupEvents was sent so far, repeated ones
// included. It may be called at any time.
func (l *Lookup) Requests() int64 { return l.requests.Load() }

// List reads the window in the configured regions.
//
// A region that cannot be read, or not to its end, is a Problem, which says
// what is missing; the others go on. It is an error when no region gave
// anything. A window that begins before the 90 days is cut to them, and what is
// cut off is a Problem too: events were asked for that were not read. A window
// that lies wholly before them is an error.
func (l *Lookup) List(ctx context.Context, emit func(Chunk) error, report func(Problem)) error {
	if err := l.check(); err != nil {
		return err
	}
	since, until := l.cfg.Since, l.cfg.Until
	if horizon := l.horizon(); since.Before(horizon) {
		if !since.IsZero() {
			report(Problem{
				Object: "lookup://", Offset: -1, Stage: StageList, Count: 1,
				Error: fmt.Sprintf("look up events since %s: the API keeps 90 days, so that nothing before %s was read; the trail's bucket has what is older",
					since.UTC().Format(time.RFC3339), horizon.UTC().Format(time.RFC3339)),
			})
		}
		since = horizon
	}
	// One question to the credentials' source before the regions ask it all at
	// once: a failure is then one and not one of each region.
	if l.cfg.AWS.Credentials != nil {
		if _, err := l.cfg.AWS.Credentials.Retrieve(ctx); err != nil {
			return newRequestError(ctx, "look up events", err)
		}
	}

	regions := l.open(l.cfg.Regions)
	errs, err := l.each(ctx, regions, emit, report, func(ctx context.Context, r *lookupRegion, send func(lookupItem) error) error {
		return l.list(ctx, r, since, until, send)
	})
	if err != nil {
		return err
	}
	read := false
	for _, r := range regions {
		read = read || r.answers > 0
	}
	if first := slices.IndexFunc(errs, func(err error) bool { return err != nil }); first >= 0 && !read {
		if n := len(regions) - 1; n > 0 {
			return fmt.Errorf("%w (and no better in %s)", errs[first], plural(n, "other region", "other regions"))
		}
		return errs[first]
	}
	reportRegions(regions, errs, report)
	return nil
}

// Listed tells which regions List asked, for which hours, and which hours it did
// not get. Their account is the caller's, once an event has told it.
func (l *Lookup) Listed() []ListedRegion {
	account := ""
	for _, r := range l.regions {
		account = max(account, r.account)
	}
	since, until := l.cfg.Since, l.cfg.Until
	if since.IsZero() {
		since = l.horizon()
	}
	var all []ListedRegion
	for _, name := range l.cfg.Regions {
		listed := ListedRegion{Account: account, Region: name, Hours: hourRun(since, until), Complete: true}
		if r := l.regions[name]; r != nil && r.unread != (interval{}) {
			listed.Unlisted = hourRun(r.unread.from, r.unread.to)
			listed.Complete = false
		}
		if horizon := l.horizon(); since.Before(horizon) {
			listed.Unlisted = UnionHours(append(listed.Unlisted, hourRun(since, horizon)...))
			listed.Complete = false
		}
		all = append(all, listed)
	}
	return all
}

// list reads the window in one region.
func (l *Lookup) list(ctx context.Context, r *lookupRegion, since, until time.Time, send func(lookupItem) error) error {
	queries := []*types.LookupAttribute{nil}
	if len(l.cfg.Attributes) > 0 {
		queries = queries[:0]
		for _, a := range l.cfg.Attributes {
			queries = append(queries, lookupAttribute(a.Key, a.Value))
		}
	}
	for _, attribute := range queries {
		walk := newWalk(r, attribute, since, until)
		for !walk.done {
			page, err := walk.next(ctx)
			if err != nil {
				return l.cutShort(ctx, r, walk, since, err)
			}
			if err := r.send(page, send); err != nil {
				return err
			}
		}
	}
	if len(l.cfg.Attributes) == 0 {
		r.covered.add(since.Unix(), until.Unix())
	}
	return nil
}

// cutShort words the error that ended a walk of the window, with what it
// leaves unread.
func (l *Lookup) cutShort(ctx context.Context, r *lookupRegion, walk *lookupWalk, since time.Time, err error) error {
	err = r.wrap(ctx, err)
	r.unread = interval{since, l.cfg.Until}
	if walk.oldest.IsZero() || ctx.Err() != nil {
		return err
	}
	r.unread.to = walk.oldest
	if len(l.cfg.Attributes) == 0 {
		r.covered.add(walk.oldest.Unix()+1, l.cfg.Until.Unix())
	}
	return fmt.Errorf("%w (not read: its events from %s to %s)", err,
		since.UTC().Format(time.RFC3339), walk.oldest.UTC().Format(time.RFC3339))
}

// Backfill reads the assume events around the given moments that List did not
// cover: in the configured regions those before the window, and in us-east-1,
// where the global STS endpoint logs whoever is asked, also those within it.
// The same moment is not asked for twice in a region. Needs beyond the 90 days
// are passed over. Needs of other accounts are not: the API shows the caller's
// own account only, but the caller's copy of a cross-account assume event
// stands in that.
//
// A few needs that all name a key are asked for by ResourceName, which is one
// request of each region for a need and finds nothing but its event. Where no
// region knows the key (the keys of console and forward-access sessions were
// never issued by an assume event) or there are more needs, the events are
// asked for by their three names. That costs three requests of each region,
// and then one for each page or need, whichever are fewer: the pages are walked
// from the newest need to the oldest, and where the next need lies below a page
// the walk begins anew there.
func (l *Lookup) Backfill(ctx context.Context, needs []Need, emit func(Chunk) error, report func(Problem)) error {
	if err := l.check(); err != nil {
		return err
	}
	names := slices.Clone(l.cfg.Regions)
	if global := globalRegion(names); global != "" && !slices.Contains(names, global) {
		names = append(names, global)
	}
	// A region that failed has been reported, and would only fail again.
	regions := slices.DeleteFunc(l.open(names), func(r *lookupRegion) bool { return r.failed })

	needs = l.wanted(needs)
	if len(needs) <= keyNeeds && !slices.ContainsFunc(needs, func(n Need) bool { return !issuable(n.Key) }) {
		if err := l.byKey(ctx, regions, needs, emit, report); err != nil {
			return err
		}
		needs = l.wanted(needs)
	}
	errs, err := l.each(ctx, regions, emit, report, func(ctx context.Context, r *lookupRegion, send func(lookupItem) error) error {
		return r.byName(ctx, needs, send)
	})
	if err != nil {
		return err
	}
	reportRegions(regions, errs, report)
	return nil
}

// wanted is the needs that are still to be asked for, newest first.
func (l *Lookup) wanted(needs []Need) []Need {
	horizon := l.horizon().Unix()
	set := map[Need]bool{}
	for _, n := range needs {
		n.Account = "" // see Backfill
		if n.Time+assumePad >= horizon && n.Time-assumePad <= l.cfg.Now.Unix() && !l.found[n] {
			set[n] = true
		}
	}
	return slices.SortedFunc(maps.Keys(set), func(a, b Need) int {
		return cmp.Or(cmp.Compare(b.Time, a.Time), strings.Compare(a.Key, b.Key))
	})
}

// byKey asks for the needs by their keys and notes which were found.
func (l *Lookup) byKey(ctx context.Context, regions []*lookupRegion, needs []Need, emit func(Chunk) error, report func(Problem)) error {
	var mu sync.Mutex
	errs, err := l.each(ctx, regions, emit, report, func(ctx context.Context, r *lookupRegion, send func(lookupItem) error) error {
		for _, n := range needs {
			if r.covered.covers(n.Time-assumePad, n.Time+assumePad) {
				continue
			}
			walk := newWalk(r, lookupAttribute("ResourceName", n.Key), time.Unix(n.Time-assumePad, 0), time.Unix(n.Time+assumePad, 0))
			for !walk.done {
				page, err := walk.next(ctx)
				if err != nil {
					return r.wrap(ctx, err)
				}
				if err := r.send(page, send); err != nil {
					return err
				}
				if len(page.Events) > 0 {
					mu.Lock()
					l.found[n] = true
					mu.Unlock()
				}
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	reportRegions(regions, errs, report)
	return nil
}

// byName asks one region for every assume event around the needs, which are
// sorted newest first.
func (r *lookupRegion) byName(ctx context.Context, needs []Need, send func(lookupItem) error) error {
	var times []int64
	for _, n := range needs {
		if !r.covered.covers(n.Time-assumePad, n.Time+assumePad) {
			times = append(times, n.Time)
		}
	}
	if len(times) == 0 || r.failed {
		return nil
	}
	for _, name := range assumeNames {
		walk := newWalk(r, lookupAttribute("EventName", name), time.Unix(times[len(times)-1]-assumePad, 0), time.Unix(times[0]+assumePad, 0))
		next := 0 // the newest need that the walk has not passed
		for !walk.done {
			page, err := walk.next(ctx)
			if err != nil {
				return fmt.Errorf("%w (not read: %s events that tell who opened sessions)", r.wrap(ctx, err), name)
			}
			if err := r.send(page, send); err != nil {
				return err
			}
			oldest, ok := oldestEvent(page)
			if !ok {
				continue
			}
			for next < len(times) && times[next]-assumePad > oldest {
				next++
			}
			if next == len(times) {
				break
			}
			if until := times[next] + assumePad; until < oldest && !walk.done {
				walk.jump(time.Unix(until, 0))
			}
		}
	}
	for _, t := range times {
		r.covered.add(t-assumePad, t+assumePad)
	}
	return nil
}

func (l *Lookup) horizon() time.Time { return l.cfg.Now.Add(-LookupHistory) }

// check refuses what the API would refuse, and what is no region.
func (l *Lookup) check() error {
	if len(l.cfg.Regions) == 0 {
		return errors.New("look up events: no region; name it with --region or AWS_REGION")
	}
	for _, name := range l.cfg.Regions {
		if !isRegion(name) {
			return fmt.Errorf("look up events: %q is no region; regions are named like us-east-1", name)
		}
	}
	for _, a := range l.cfg.Attributes {
		if n := utf8.RuneCountInString(a.Value); n < 1 || n > lookupValueMax {
			return fmt.Errorf("look up events by %s: a value has 1 to %d characters, not %d", a.Key, lookupValueMax, n)
		}
	}
	since, until := l.cfg.Since, l.cfg.Until
	if since.After(until) {
		return fmt.Errorf("look up events: the window ends at %s, before it begins at %s; see --since and --until",
			until.UTC().Format(time.RFC3339), since.UTC().Format(time.RFC3339))
	}
	if horizon := l.horizon(); until.Before(horizon) {
		return fmt.Errorf("look up events until %s: the API keeps 90 days, which begin at %s; read the trail's bucket for what is older",
			until.UTC().Format(time.RFC3339), horizon.UTC().Format(time.RFC3339))
	}
	return nil
}

// open gives the named regions, each with one client and one pace for all that
// is asked of it.
func (l *Lookup) open(names []string) []*lookupRegion {
	var out []*lookupRegion
	for _, name := range names {
		if l.regions[name] == nil {
			l.regions[name] = newLookupRegion(l.cfg.AWS, name, &l.requests)
		}
		out = append(out, l.regions[name])
	}
	return out
}

// lookupItem is what a region hands over: a chunk, or a problem.
type lookupItem struct {
	chunk   Chunk
	problem *Problem
}

// each runs work for every region side by side and passes what they send to
// emit and report, from this goroutine. It gives the error of each region; its
// own error is that of emit, or the end of ctx.
func (l *Lookup) each(ctx context.Context, regions []*lookupRegion, emit func(Chunk) error, report func(Problem),
	work func(ctx context.Context, r *lookupRegion, send func(lookupItem) error) error,
) ([]error, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	// Room for a page or two, so that a region's next request goes out while the
	// last page is decoded.
	items := make(chan lookupItem, 2*len(regions))
	send := func(it lookupItem) error {
		select {
		case items <- it:
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	errs := make([]error, len(regions))
	var wg sync.WaitGroup
	for i, r := range regions {
		wg.Go(func() { errs[i] = work(ctx, r, send) })
	}
	go func() {
		wg.Wait()
		close(items)
	}()
	for it := range items {
		switch {
		case ctx.Err() != nil: // let the regions end
		case it.problem != nil:
			report(*it.problem)
		default:
			if err := emit(it.chunk); err != nil {
				cancel(err)
			}
		}
	}
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	for i, r := range regions {
		r.failed = r.failed || errs[i] != nil
	}
	return errs, nil
}

// reportRegions reports the regions that failed, in their order.
func reportRegions(regions []*lookupRegion, errs []error, report func(Problem)) {
	for i, err := range errs {
		if err != nil {
			report(Problem{Object: "lookup://" + regions[i].name + "/", Offset: -1, Stage: StageList, Error: oneLine(err.Error()), Count: 1})
		}
	}
}

// secondSet is a set of seconds since 1970: inclusive ranges, sorted and apart.
type secondSet [][2]int64

func (s *secondSet) add(from, to int64) {
	if from > to {
		return
	}
	var out secondSet
	for _, x := range *s {
		if x[1]+1 < from || to+1 < x[0] {
			out = append(out, x)
			continue
		}
		from, to = min(from, x[0]), max(to, x[1])
	}
	out = append(out, [2]int64{from, to})
	slices.SortFunc(out, func(a, b [2]int64) int { return cmp.Compare(a[0], b[0]) })
	*s = out
}

func (s secondSet) covers(from, to int64) bool {
	i, found := slices.BinarySearchFunc(s, from, func(x [2]int64, t int64) int { return cmp.Compare(x[0], t) })
	if !found {
		i--
	}
	return i >= 0 && to <= s[i][1]
}

// issuable reports whether a key may be one that STS issued, whose events are
// found by it. Keys of temporary credentials begin with ASIA:
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-unique-ids
func issuable(key string) bool {
	return strings.HasPrefix(key, "ASIA") && len(key) <= 128
}

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
