package report

import (
	"bufio"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/trailscan/trailscan/internal/attribute"
	"github.com/trailscan/trailscan/internal/ingest"
)

// overview is what the formats for people have in common: how much they show,
// and sentences in which nothing stands that somebody else chose.
type overview struct {
	out *bufio.Writer // keeps the first error
	res *attribute.Result
	opt Options
	top int
	// accounts is set where session names of several accounts are shown, so that
	// a role's name alone does not say which role it is.
	accounts bool
}

// How much is shown of what is not a report's subject.
const (
	someOrigins  = 3 // of one session name
	someProblems = 5
	someChanges  = 10
	someValues   = 5 // of a sample
)

func newOverview(w io.Writer, res *attribute.Result, opt Options) overview {
	o := overview{out: bufio.NewWriterSize(w, 64<<10), res: res, opt: opt, top: opt.Top}
	if o.top == 0 {
		o.top = DefaultTop
	}
	for i := range res.Names {
		o.accounts = o.accounts || res.Names[i].AccountID != res.Names[0].AccountID
	}
	return o
}

// shown gives how many of n rows are shown.
func (o *overview) shown(n int) int {
	if o.top < 0 {
		return n
	}
	return min(n, o.top)
}

// window says which time the report is about.
func window(res *attribute.Result) string {
	s := &res.Scan
	from, to := covered(res.Coverage)
	switch {
	case !s.Since.IsZero() && !s.Until.IsZero():
		return fromTo(s.Since, s.Until)
	case !s.Since.IsZero():
		return fmt.Sprintf("from %s UTC", stamp(s.Since))
	case !s.Until.IsZero():
		return fmt.Sprintf("until %s UTC", stamp(s.Until))
	case !to.IsZero():
		return "all that was read: " + fromTo(from, to)
	}
	return "all that was read"
}

// fromTo writes two times, and how far apart they are.
func fromTo(from, to time.Time) string {
	return fmt.Sprintf("%s to %s UTC (%s)", stamp(from), stamp(to), between(from, to))
}

// between writes how far apart two times are, by the minutes that stamp shows.
func between(from, to time.Time) string {
	return span(to.Truncate(time.Minute).Sub(from.Truncate(time.Minute)))
}

// covered gives the first and the last event of any account and region.
func covered(coverage []attribute.Coverage) (from, to time.Time) {
	for _, c := range coverage {
		if !c.From.IsZero() && (from.IsZero() || c.From.Before(from)) {
			from = c.From
		}
		if c.To.After(to) {
			to = c.To
		}
	}
	return from, to
}

func (o *overview) read() string {
	s := &o.res.Scan
	var text string
	switch {
	case s.Queries > 0: // which objects those read no result of a query tells
		text = fmt.Sprintf("%s scanned by Athena in %s", byteSize(s.CompressedBytes), queries(s.Queries))
	case s.Bytes != s.CompressedBytes:
		text = fmt.Sprintf("%s, %s (%s unpacked)", counted(s.Objects, "object"), byteSize(s.CompressedBytes), byteSize(s.Bytes))
	default:
		text = fmt.Sprintf("%s, %s", counted(s.Objects, "object"), byteSize(s.CompressedBytes))
	}
	text += fmt.Sprintf(": %s", counted(s.Events, "event"))
	if s.Duplicates > 0 {
		text += fmt.Sprintf(", %s passed over", counted(s.Duplicates, "duplicate"))
	}
	accounts, regions := make(map[string]bool), make(map[string]bool)
	for _, c := range o.res.Coverage {
		accounts[c.AccountID], regions[c.Region] = true, true
	}
	if len(accounts) > 0 {
		text += fmt.Sprintf("; %s, %s", counted(int64(len(accounts)), "account"), counted(int64(len(regions)), "region"))
	}
	return text
}

// queries writes how many queries Athena ran.
func queries(n int64) string {
	if n == 1 {
		return "1 query"
	}
	return grouped(n) + " queries"
}

// objectsText says how many objects were read; empty where nothing tells.
func objectsText(c *attribute.Coverage) string {
	if c.Objects == 0 && c.HoursExpected == 0 {
		return ""
	}
	return grouped(c.Objects)
}

// hoursText says how many of the hours with deliveries were read.
func hoursText(c *attribute.Coverage) string {
	if c.HoursExpected == 0 {
		return ""
	}
	return grouped(c.HoursRead) + " of " + grouped(c.HoursExpected)
}

// unreadText says of which hours something was not read.
func unreadText(c *attribute.Coverage) string {
	var parts []string
	for i, u := range c.Unread {
		if i == someValues {
			parts = append(parts, fmt.Sprintf("and %s more times", grouped(int64(len(c.Unread)-i))))
			break
		}
		to := u.To.UTC().Format("15:04")
		if from := u.From.UTC(); u.To.UTC().YearDay() != from.YearDay() || u.To.Sub(from) > 24*time.Hour {
			to = stamp(u.To)
		}
		parts = append(parts, stamp(u.From)+" to "+to)
	}
	return strings.Join(parts, ", ")
}

// counts says how many findings there are of each severity.
func (o *overview) counts() string {
	open := countOpen(o.res.Findings)
	var parts []string
	var sum int64
	for sev := attribute.Critical; sev >= attribute.Low; sev-- {
		if n := open[sev]; n > 0 {
			parts = append(parts, grouped(n)+" "+sev.String())
			sum += n
		}
	}
	text := strings.Join(parts, ", ")
	if sum == 0 {
		text = "none"
	}
	var ignored int64
	for i := range o.res.Findings {
		if rest(&o.res.Findings[i]) == 1 {
			ignored++
		}
	}
	if ignored > 0 {
		text += fmt.Sprintf(" (and %s ignored by the configuration)", grouped(ignored))
	}
	return text
}

func baselineCounts(b *attribute.Comparison) string {
	return fmt.Sprintf("%s new, %s persisting, %s resolved since the earlier report",
		counted(b.New, "finding"), grouped(b.Persisting), grouped(b.Resolved))
}

// newNames gives the names that an older finding lacked. Of a finding that is new
// itself all are new, and need not be said twice.
func newNames(f *attribute.Finding) []string {
	if f.Status == attribute.StatusNew {
		return nil
	}
	return f.Names.New
}

// noCalls says why a report shows no calls of role sessions.
func noCalls(s *attribute.Scan) string {
	if s.AssumedRoleCalls > 0 {
		return fmt.Sprintf("Not one of the %s by role sessions is asked for.", counted(s.AssumedRoleCalls, "call"))
	}
	return "No role session made a call in the window."
}

// reason is what went wrong, without the request and the object that stand in front
// of it where the source worded the error: the object is shown beside.
func reason(p ingest.Problem) string {
	if request, why, ok := strings.Cut(p.Error, " "+p.Object+": "); ok && !strings.Contains(request, " ") {
		return why
	}
	return p.Error
}

// incomplete says that something is missing from the report.
func incomplete(s *attribute.Scan) string {
	if s.ObjectsFailed > 0 {
		return fmt.Sprintf("INCOMPLETE: %s could not be read in full", counted(s.ObjectsFailed, "object"))
	}
	var records int64
	for _, p := range s.Problems {
		if p.Lost() {
			return "INCOMPLETE: part of the input could not be read"
		}
		records += p.Count
	}
	return fmt.Sprintf("INCOMPLETE: %s could not be used", counted(records, "record"))
}
