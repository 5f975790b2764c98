package report

import (
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/trailscan/trailscan/internal/attribute"
)

// timeline shows calls over time, one row for each group of names. All rows
// have the same columns; each has its own scale, whose top is written beside it.
type timeline struct {
	Columns int
	Unit    string // what one bar stands for, such as "1 hour"
	Ticks   []string
	Days    string // the path of the lines at midnight
	Rows    []timelineRow
}

type timelineRow struct {
	Label, Full string // the name, as much as there is room for, and all of it
	Role        string
	All         bool   // the row is the sum of all names
	N           int    // the name's place in the page, -1 where it has none
	Find        string // what to search the table for, where the row is many names
	Severity    string
	Bars        string // the path of the bars, timelineH high
	Calls, Peak int64
	PeakAt      string
}

// CallsText and PeakText write the row's numbers.
func (r timelineRow) CallsText() string { return counted(r.Calls, "call") }

// PeakText writes the most calls that one bar stands for.
func (r timelineRow) PeakText() string { return grouped(r.Peak) }

const (
	timelineColumns = 168 // at most: a week of hours
	timelineH       = 32
	timelineTicks   = 4 // spaces between the written times
	timelineLabel   = 36
)

// newTimeline draws the sum of all names, whose calls by the hour are given, and
// each of the groups.
func newTimeline(groups []*nameGroup, names []attribute.SessionName, hours map[int64]int64, place map[int32]int) *timeline {
	first, last := int64(math.MaxInt64), int64(math.MinInt64)
	for hour := range hours {
		first, last = min(first, hour), max(last, hour)
	}
	if first > last {
		return nil
	}
	// Less than a day is shown as the day that it is part of.
	if last-first < 24 {
		first -= first % 24
		last = max(last, first+23)
	}
	step := 1 + (last-first)/timelineColumns
	t := &timeline{Unit: counted(step, "hour")}
	if step > 12 {
		days := (step + 23) / 24
		step, t.Unit = 24*days, counted(days, "day")
		first -= first % 24
	}
	t.Columns = int((last-first)/step) + 1
	layout := "Jan 2 15:04"
	if step >= 24 {
		layout = time.DateOnly
	}
	column := func(hour int64) int { return int((hour - first) / step) }
	for i := range timelineTicks + 1 {
		at := first + int64(i)*int64(t.Columns)*step/timelineTicks
		t.Ticks = append(t.Ticks, time.Unix(at*3600, 0).UTC().Format(layout))
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
		r.PeakAt = time.Unix((first+int64(at)*step)*3600, 0).UTC().Format(layout)
		return r
	}
	all := make([]int64, t.Columns)
	for hour, c := range hours {
		all[column(hour)] += c
	}
	total := row(all)
	total.Label, total.All = "All session names", true
	t.Rows = append(t.Rows, total)
	for _, g := range groups {
		if len(g.hours) == 0 {
			continue
		}
		calls := make([]int64, t.Columns)
		for hour, c := range g.hours {
			calls[column(hour)] += c
		}
		r := row(calls)
		r.Full = pageText(g.label(names))
		r.Label = middle(r.Full, timelineLabel)
		room := timelineLabel
		if g.severity > attribute.None {
			r.Severity = g.severity.String()
			room -= 12
		}
		r.Role = pageText(names[g.first].RoleName)
		if g.names > 1 {
			r.Role = counted(g.names, "name") + " of " + r.Role
		}
		r.Role = middle(r.Role, room)
		if at, ok := place[g.first]; ok && g.names == 1 {
			r.N = at
		} else {
			r.Find = r.Full
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
