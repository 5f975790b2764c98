package ingest

import (
	"cmp"
	"slices"
	"time"
)

// ListedRegion is what a source expects of one account in one region: what its
// listing found, or what it was asked for where there is no listing.
type ListedRegion struct {
	Account, Region string // Account is empty where it is not known
	Objects         int64
	Bytes           int64 // as stored
	// Hours are the hours in which objects were delivered, as runs of hours
	// that follow on each other, in order. Of LookupEvents, which has no
	// objects, they are the hours that were asked for.
	Hours []HourRun
	// Complete is false where the listing broke off.
	Complete bool
	// Unlisted are the hours of which is not known what was delivered in them,
	// since the listing broke off before.
	Unlisted []HourRun
}

// HourRun is a run of full hours, [From, To).
type HourRun struct{ From, To time.Time }

// Hours is how many hours the run has.
func (r HourRun) Hours() int64 { return int64(r.To.Sub(r.From) / time.Hour) }

// count adds an object to what was found.
func (l *ListedRegion) count(stamp time.Time, size int64) {
	l.Objects++
	l.Bytes += max(size, 0)
	l.Hours = addHour(l.Hours, stamp)
}

// end notes how a listing of the window's stamps ended. Keys come in the order
// of their days, and those of one trail in that of their stamps, so that what
// an error cut off begins with the last hour found.
func (l *ListedRegion) end(err error, window span) {
	if l.Complete = err == nil; l.Complete {
		return
	}
	from := window.from
	if n := len(l.Hours); n > 0 {
		from = l.Hours[n-1].To.Add(-time.Hour)
	}
	l.Unlisted = hourRun(from, window.to)
}

// addHour adds the hour of a time, which mostly is the last one or the next.
func addHour(runs []HourRun, t time.Time) []HourRun {
	hour := t.UTC().Truncate(time.Hour)
	if n := len(runs); n > 0 && !hour.Before(runs[n-1].From) && !hour.After(runs[n-1].To) {
		if hour.Equal(runs[n-1].To) {
			runs[n-1].To = hour.Add(time.Hour)
		}
		return runs
	}
	return append(runs, HourRun{From: hour, To: hour.Add(time.Hour)})
}

// hourRun is the shortest run that covers a time span, none where it has no end
// on one side or is empty.
func hourRun(from, to time.Time) []HourRun {
	if from.IsZero() || to.IsZero() || !from.Before(to) {
		return nil
	}
	r := HourRun{From: from.UTC().Truncate(time.Hour), To: to.UTC().Truncate(time.Hour)}
	if r.To.Before(to) {
		r.To = r.To.Add(time.Hour)
	}
	return []HourRun{r}
}

// UnionHours sorts runs and joins those that touch.
func UnionHours(runs []HourRun) []HourRun {
	runs = slices.Clone(runs)
	slices.SortFunc(runs, func(a, b HourRun) int { return a.From.Compare(b.From) })
	joined := runs[:0]
	for _, r := range runs {
		if n := len(joined); n > 0 && !r.From.After(joined[n-1].To) {
			if r.To.After(joined[n-1].To) {
				joined[n-1].To = r.To
			}
			continue
		}
		joined = append(joined, r)
	}
	return joined
}

// CountHours is how many hours lie in the runs, and how many of them in others
// too. Both are in order and apart from each other.
func CountHours(runs, others []HourRun) (all, common int64) {
	for _, r := range runs {
		all += r.Hours()
		for _, o := range others {
			from, to := r.From, r.To
			if o.From.After(from) {
				from = o.From
			}
			if o.To.Before(to) {
				to = o.To
			}
			if from.Before(to) {
				common += HourRun{from, to}.Hours()
			}
		}
	}
	return all, common
}

// MergeListed sorts what sources expect by account and region, and makes one of
// what several of them, or several trails of one, expect of the same region.
func MergeListed(all []ListedRegion) []ListedRegion {
	all = slices.Clone(all)
	slices.SortStableFunc(all, func(a, b ListedRegion) int {
		return cmp.Or(cmp.Compare(a.Account, b.Account), cmp.Compare(a.Region, b.Region))
	})
	merged := all[:0]
	for _, l := range all {
		if n := len(merged); n > 0 && merged[n-1].Account == l.Account && merged[n-1].Region == l.Region {
			m := &merged[n-1]
			m.Objects += l.Objects
			m.Bytes += l.Bytes
			m.Hours = slices.Concat(m.Hours, l.Hours)
			m.Unlisted = slices.Concat(m.Unlisted, l.Unlisted)
			m.Complete = m.Complete && l.Complete
			continue
		}
		merged = append(merged, l)
	}
	for i := range merged {
		merged[i].Hours = UnionHours(merged[i].Hours)
		merged[i].Unlisted = UnionHours(merged[i].Unlisted)
	}
	return merged
}

// unreadHours are the delivery hours of objects that were not read to their end.
type unreadHours map[int64]int64 // objects by hour since 1970

// UnreadRun is a run of delivery hours with objects that were not read to their
// end.
type UnreadRun struct {
	HourRun
	Objects int64
}

func (u unreadHours) add(stamp time.Time) unreadHours {
	if stamp.IsZero() {
		return u
	}
	if u == nil {
		u = unreadHours{}
	}
	u[stamp.Unix()/secondsPerHour]++
	return u
}

func (u unreadHours) runs() []UnreadRun {
	var runs []UnreadRun
	for hour, n := range u {
		from := time.Unix(hour*secondsPerHour, 0).UTC()
		runs = append(runs, UnreadRun{HourRun{from, from.Add(time.Hour)}, n})
	}
	return joinUnread(runs)
}

// joinUnread sorts runs and joins those that touch.
func joinUnread(runs []UnreadRun) []UnreadRun {
	slices.SortFunc(runs, func(a, b UnreadRun) int { return a.From.Compare(b.From) })
	joined := runs[:0]
	for _, r := range runs {
		if n := len(joined); n > 0 && !r.From.After(joined[n-1].To) {
			if r.To.After(joined[n-1].To) {
				joined[n-1].To = r.To
			}
			joined[n-1].Objects += r.Objects
			continue
		}
		joined = append(joined, r)
	}
	return joined
}

// Unseen reckons how many records were not seen of a region's objects that were
// not read to their end: as many as the objects that were read hold for each
// byte as stored, those of the region or, where none of it was read, all of
// them. It is 0 where there is nothing to go by.
func (t *Totals) Unseen(r RegionTotals) int64 {
	stored, records := r.Stored, r.Records
	if records == 0 {
		for _, o := range t.Regions {
			stored += o.Stored
			records += o.Records
		}
	}
	if stored == 0 {
		return 0
	}
	unseen := float64(r.FailedStored)*float64(records)/float64(stored) - float64(r.FailedRecords)
	return max(int64(unseen+0.5), 0)
}
