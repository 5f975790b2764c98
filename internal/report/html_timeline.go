package report

import (
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/trailscan/trailscan/internal/attribute"
)

// timeline shows calls over time, one row a name. All rows have the same
// columns; each has its own scale, whose top is written beside it.
type timeline struct {
	Columns int
	Unit    string // what one bar stands for, such as "1 hour"
	Ticks   []string
	Days    string // the path of the lines at midnight
	Rows    []timelineRow
}

type timelineRow struct {
	Label, Role string
	N           int // the name's place in the page, -1 for the row of all
	Severity    string
	Bars        string // the path of the bars, timelineH high
	Calls, Peak int64
	PeakAt      string
}

// CallsText and PeakText write the row's numbers.
func (r timelineRow) CallsText() string { return grouped(r.Calls) }

// PeakText writes the most calls that one bar stands for.
func (r timelineRow) PeakText() string { return grouped(r.Peak) }

const (
	timelineRows    = 12
	timelineColumns = 168 // at most: a week of hours
	timelineH       = 32
	timelineTicks   = 4 // spaces between the written times
)

// newTimeline takes the first names of order, which stand for themselves, and
// the sum of all names.
func newTimeline(names []attribute.SessionName, severity []attribute.Severity, order []int32) *timeline {
	first, last := int64(math.MaxInt64), int64(math.MinInt64)
	for i := range names {
		for _, h := range names[i].Hours {
			first, last = min(first, h.Hour/3600), max(last, h.Hour/3600)
		}
	}
	if first > last {
		return nil
	}
	step := 1 + (last-first)/timelineColumns
	t := &timeline{
		Columns: int((last-first)/step) + 1,
		Unit:    counted(step, "hour"),
	}
	column := func(h attribute.HourCalls) int { return int((h.Hour/3600 - first) / step) }
	for i := range timelineTicks + 1 {
		at := first + int64(i)*int64(t.Columns)*step/timelineTicks
		t.Ticks = append(t.Ticks, time.Unix(at*3600, 0).UTC().Format("Jan 2 15:04"))
	}
	var days strings.Builder
	if t.Columns*int(step) <= 24*31 {
		for h := first - first%24 + 24; h <= last; h += 24 {
			fmt.Fprintf(&days, "M%.3g 0v%d", float64(h-first)/float64(step), timelineH)
		}
	}
	t.Days = days.String()

	row := func(calls []int64) timelineRow {
		r := timelineRow{N: -1}
		at := 0
		for i, c := range calls {
			r.Calls += c
			if c > r.Peak {
				r.Peak, at = c, i
			}
		}
		r.Bars = bars(calls, r.Peak)
		r.PeakAt = time.Unix((first+int64(at)*step)*3600, 0).UTC().Format("Jan 2 15:04")
		return r
	}
	all := make([]int64, t.Columns)
	for i := range names {
		for _, h := range names[i].Hours {
			all[column(h)] += h.Calls
		}
	}
	total := row(all)
	total.Label = "All session names"
	t.Rows = append(t.Rows, total)
	for place, i := range order[:min(timelineRows, len(order))] {
		n := &names[i]
		if len(n.Hours) == 0 {
			continue
		}
		calls := make([]int64, t.Columns)
		for _, h := range n.Hours {
			calls[column(h)] += h.Calls
		}
		r := row(calls)
		r.Label, r.Role, r.N = pageText(n.SessionName), pageText(n.RoleName), place
		if severity[i] > attribute.None {
			r.Severity = severity[i].String()
		}
		t.Rows = append(t.Rows, r)
	}
	return t
}

// bars draws one bar for each of the counts that is not zero, as one path.
// What is not zero is seen: a bar has at least a twentieth of the height.
func bars(calls []int64, peak int64) string {
	var b strings.Builder
	for i, c := range calls {
		if c == 0 {
			continue
		}
		h := max(timelineH*float64(c)/float64(peak), timelineH/20.0)
		fmt.Fprintf(&b, "M%d %dv-%.1fh.8v%.1fz", i, timelineH, h, h)
	}
	return b.String()
}
