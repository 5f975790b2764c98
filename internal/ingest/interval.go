package ingest

import (
	"slices"
	"time"
)

// interval is the time [from, to).
type interval struct{ from, to time.Time }

// The times that stand for no bound. CloudTrail began in 2013.
var (
	earliestTime = time.Unix(0, 0).UTC()
	latestTime   = time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)
)

func (i interval) empty() bool { return !i.from.Before(i.to) }

// within reports whether the whole of i lies in o.
func (i interval) within(o interval) bool { return !i.from.Before(o.from) && !i.to.After(o.to) }

func (i interval) contains(t time.Time) bool { return !t.Before(i.from) && t.Before(i.to) }

func (i interval) String() string {
	return i.from.UTC().Format(time.RFC3339) + "/" + i.to.UTC().Format(time.RFC3339)
}

// joined sorts intervals and joins those that overlap or touch.
func joined(all []interval) []interval {
	all = slices.DeleteFunc(slices.Clone(all), interval.empty)
	slices.SortFunc(all, func(a, b interval) int { return a.from.Compare(b.from) })
	out := all[:0]
	for _, i := range all {
		if n := len(out); n > 0 && !i.from.After(out[n-1].to) {
			if i.to.After(out[n-1].to) {
				out[n-1].to = i.to
			}
			continue
		}
		out = append(out, i)
	}
	return out
}

// without gives what is left of intervals without others, joined.
func without(all, others []interval) []interval {
	others = joined(others)
	var out []interval
	for _, i := range joined(all) {
		for _, o := range others {
			if !o.to.After(i.from) {
				continue
			}
			if !o.from.Before(i.to) {
				break
			}
			if left := (interval{i.from, o.from}); !left.empty() {
				out = append(out, left)
			}
			i.from = o.to
			if i.empty() {
				break
			}
		}
		if !i.empty() {
			out = append(out, i)
		}
	}
	return out
}

// common gives what two lists of intervals share, joined.
func common(a, b []interval) []interval {
	return without(a, without([]interval{{earliestTime, latestTime}}, b))
}
