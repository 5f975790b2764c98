package ingest

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"slices"
	"strings"
	"time"
)

// namedProblems is how many files of a folder are named for one thing that is
// wrong; the last of them counts for the rest.
const namedProblems = 1000

// What can be wrong with a file.
const (
	logChanged  = "changed: its content is not what CloudTrail delivered, by the hash in the digest; restore the version that CloudTrail wrote"
	logNoGzip   = "changed: it is no gzip stream, as which CloudTrail delivers; restore the version that CloudTrail wrote"
	logGone     = "gone: a digest names it and it is not there; restore it, and see who could delete it"
	logUnnamed  = "added: no digest names it, so that CloudTrail did not deliver it here, or a trail without log file validation did"
	logNoDigest = "no digest names it: log file validation was not on when it was delivered, or the digests are gone"
	appended    = "changed: something was appended behind its gzip stream, which `aws cloudtrail validate-logs` does not look at"

	digestGone     = "digest gone: the next one names it; nothing proves what was delivered in its time"
	digestMoved    = "digest moved: it was delivered to another place, by what it says itself"
	digestCopied   = "digest moved: it was delivered to another bucket, of which this is a copy"
	digestUnsigned = "digest changed: its metadata holds no signature"
	digestForged   = "digest changed: its signature does not match"
	digestOutdated = "digest changed: it is signed with a key that CloudTrail did not use at that time"
	digestForeign  = "digest of another account or region, by what it says itself"
	digestMethod   = "digest changed: it is not signed with " + digestAlgorithm
	digestUnlinked = "digest replaced: it is not the one that the next digest goes on from"
	digestNoDate   = "digest changed: its metadata holds no time of generation"
)

// folderCheck checks one folder.
type folderCheck struct {
	v    *Verifier
	f    *logFolder
	seen *seenFolder

	problems []Problem
	told     map[string]int // how often, by text
	last     map[string]int // where in problems the last of that text is
	gone     map[string]bool
	unlisted bool // there may be digests that were not listed
	digests  int64
	logs     int64
	reasons  []string

	// Of delivery:
	proven []interval // by the digests of at least one trail
	broken []interval // of which a digest is gone or not to be believed
	gaps   []interval // of which a trail has no digest, and needs none
	extent interval   // from the first digest to the last

	bad []interval // of event times, in files that are gone, changed or unread
}

// tell notes what is wrong with a file.
func (c *folderCheck) tell(object string, stage Stage, offset int64, text string) {
	if c.told[text]++; c.told[text] > namedProblems {
		c.problems[c.last[text]].Count++
		return
	}
	c.last[text] = len(c.problems)
	c.problems = append(c.problems, Problem{Object: object, Offset: offset, Stage: stage, Error: text, Count: 1})
}

// once is tell for what is wrong with many files alike: only the first of a kind
// is named, and its text told.
func (c *folderCheck) once(kind, object string, stage Stage, text string) {
	if i, ok := c.last[kind]; ok {
		c.problems[i].Count++
		return
	}
	c.last[kind] = len(c.problems)
	c.problems = append(c.problems, Problem{Object: object, Offset: -1, Stage: stage, Error: text, Count: 1})
}

// wrong is tell for what somebody did to a file.
func (c *folderCheck) wrong(key, text string) { c.tell(c.v.store.name(key), StageVerify, -1, text) }

// run checks all chains of digests, and then what they leave.
func (c *folderCheck) run(ctx context.Context) error {
	c.told, c.last, c.gone = map[string]int{}, map[string]int{}, map[string]bool{}
	var periods []interval
	for _, i := range c.f.asked {
		if i.to.Before(latestTime) {
			// The digest of the hour in which a file was delivered ends up to an
			// hour after that.
			i.to = i.to.Add(lateNaming + time.Hour)
		}
		periods = append(periods, i)
	}
	for _, period := range joined(periods) {
		keys, err := c.v.store.list(ctx, c.f, period)
		if err != nil {
			if ctx.Err() != nil {
				return err
			}
			c.unlisted = true
			c.tell(c.v.store.name(c.f.digests), StageList, -1, err.Error())
		}
		c.v.counters.ObjectsListed.Add(int64(len(keys)))
		for _, chain := range chains(keys) {
			w := &chainWalk{folderCheck: c, keys: chain, period: period}
			if err := w.run(ctx); err != nil {
				return err
			}
		}
	}
	c.broken, c.gaps = joined(c.broken), joined(c.gaps)
	c.proven = without(without(c.proven, c.broken), c.gaps)
	for _, tail := range slices.Sorted(maps.Keys(c.seen.trailing)) {
		c.tell(c.v.store.name(c.f.logs+tail), StageVerify, c.seen.trailing[tail], appended)
	}
	c.unnamed()
	return nil
}

// chains groups digests by the trail that they are of.
func chains(keys []digestKey) [][]digestKey {
	byTrail := func(a, b digestKey) int {
		return cmp.Or(cmp.Compare(a.trail, b.trail), cmp.Compare(a.home, b.home), compareBool(a.backfill, b.backfill))
	}
	slices.SortFunc(keys, func(a, b digestKey) int {
		return cmp.Or(byTrail(a, b), a.Stamp.Compare(b.Stamp), cmp.Compare(a.key, b.key))
	})
	var all [][]digestKey
	for i, k := range keys {
		if i == 0 || byTrail(keys[i-1], k) != 0 {
			all = append(all, nil)
		}
		all[len(all)-1] = append(all[len(all)-1], k)
	}
	return all
}

// compareBool puts false first.
func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

// named checks the log files that a digest names. Those of a digest without a
// signature are held to it as well, but count as proven by nothing.
func (c *folderCheck) named(d *digest, signed bool) {
	for _, l := range d.logs {
		tail, ok := c.v.store.tail(c.f, d, l)
		if !ok {
			continue // delivered elsewhere: the trail was given another place in this hour
		}
		events := interval{l.Oldest, l.Newest.Add(time.Second)}
		if l.Oldest.IsZero() || l.Newest.IsZero() {
			events = c.events(interval{d.start, d.end})
		}
		have := c.find(tail)
		if have == nil {
			// What was delivered after the scan began may have come too late for it.
			if !d.end.After(c.v.cfg.Now) && c.f.holds(tail) && !c.gone[tail] {
				c.gone[tail] = true
				c.bad = append(c.bad, events)
				c.wrong(c.f.logs+tail, logGone)
			}
			continue
		}
		have.flags |= seenNamed
		text := ""
		switch {
		case have.flags&seenWhole == 0: // which is a problem already
		case have.flags&seenGzip == 0 && !c.v.store.local():
			text = logNoGzip
		case !l.is(have.sum):
			text = logChanged
		default:
			if signed && have.flags&seenProven == 0 {
				have.flags |= seenProven
				c.logs++
			}
			continue
		}
		c.bad = append(c.bad, events)
		if text != "" && have.flags&seenBad == 0 {
			have.flags |= seenBad
			c.wrong(c.f.logs+string(c.seen.name(have)), text)
		}
	}
}

// find gives the log file that was read under that name, or nil.
func (c *folderCheck) find(tail string) *seenLog {
	if !c.v.store.local() {
		return c.seen.find(tail)
	}
	for _, name := range copyNames(tail) {
		if l := c.seen.find(name); l != nil {
			return l
		}
	}
	return nil
}

// is reports whether the log file has that sum by its digest.
func (l digestLog) is(sum [sha256.Size]byte) bool {
	return (l.Algorithm == "" || l.Algorithm == "SHA-256") && strings.EqualFold(l.Hash, hex.EncodeToString(sum[:]))
}

// events is the time of the events that may have been delivered in a time.
func (c *folderCheck) events(delivered interval) interval {
	return interval{delivered.from.Add(-c.v.cfg.MarginAfter), delivered.to.Add(c.v.cfg.MarginBefore)}
}

// unnamed tells of the log files that no digest names.
func (c *folderCheck) unnamed() {
	edge := c.v.cfg.Now
	if c.v.store.local() {
		// A copy ends when it was made.
		edge = earliestTime
		for i := range c.seen.logs {
			edge = maxTime(edge, c.seen.stamp(&c.seen.logs[i]))
		}
	}
	edge = edge.Add(-lateNaming - digestLatency)
	first, n := "", int64(0)
	for i := range c.seen.logs {
		l := &c.seen.logs[i]
		if l.flags&seenNamed != 0 {
			continue
		}
		key := c.f.logs + string(c.seen.name(l))
		stamp := c.seen.stamp(l)
		delivered := interval{stamp, stamp.Add(lateNaming)}
		switch {
		case slices.ContainsFunc(c.proven, delivered.within):
			c.wrong(key, logUnnamed)
		case len(common(c.broken, []interval{delivered})) > 0:
			// The digest that may have named it is a problem already.
		case stamp.Before(edge) && !c.unlisted:
			if n++; n == 1 {
				first = key
			}
		}
	}
	if n > 0 {
		c.problems = append(c.problems, Problem{Object: c.v.store.name(first), Offset: -1, Stage: StageVerify, Error: logNoDigest, Count: n})
	}
}

// region says what the folder proves, or nothing of one in which nothing was
// delivered and nothing was to be expected.
func (c *folderCheck) region() []VerifiedRegion {
	if len(c.seen.logs) == 0 && c.extent.empty() && len(c.problems) == 0 {
		return nil
	}
	before, after := c.v.cfg.MarginBefore, c.v.cfg.MarginAfter
	r := VerifiedRegion{Account: c.f.account, Region: c.f.region, reasons: c.reasons}
	// A window without bounds is as long as the digests are.
	r.wanted = interval{c.v.cfg.Since, c.v.cfg.Until}
	delivered := interval{r.wanted.from.Add(-before), r.wanted.to.Add(after)}
	if r.wanted.from.IsZero() {
		r.wanted.from, delivered.from = c.extent.from.Add(before), c.extent.from
	}
	if r.wanted.to.IsZero() {
		r.wanted.to, delivered.to = c.extent.to.Add(-after), c.extent.to
	}
	for _, p := range c.problems {
		r.problems += p.Count
	}
	if r.problems == 0 && len(common(c.f.asked, []interval{delivered})) == 0 {
		return nil // what was read there served the past of other regions
	}
	if r.wanted.empty() {
		return []VerifiedRegion{r}
	}
	read := common(c.f.read, []interval{{earliestTime, c.v.cfg.Now}})
	r.unproven = without([]interval{delivered}, common(c.proven, read))
	lost := slices.Clone(c.bad)
	for _, u := range r.unproven {
		lost = append(lost, c.events(u))
	}
	r.proven = without([]interval{r.wanted}, lost)
	return []VerifiedRegion{r}
}
