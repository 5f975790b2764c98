package report

import (
	"encoding/csv"
	"fmt"
	"io"
	"iter"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/trailscan/trailscan/internal/attribute"
)

// csvColumn is one column of a CSV report whose rows are made of a T.
type csvColumn[T any] struct {
	name string
	cell func(T) string
}

// writeCSV writes one view as CSV: RFC 4180 with a head line and CRLF at the
// end of each line, UTF-8 without a byte order mark, and no cell that holds a
// line break. Times are RFC 3339 in UTC, empty where not known.
//
// Several values in one cell are joined by a semicolon without a space. Of
// addresses, user agents and the like these are the values of the sample,
// after which "(N more)" says how many it leaves out. See escapeCSV for what
// happens to values that a spreadsheet would not take as text.
//
// A comparison with a baseline is in the view summary, and each finding's in
// the column status of the view findings.
func writeCSV(w io.Writer, res *attribute.Result, opt Options) error {
	switch opt.View {
	case "", ViewNames:
		return writeCSVRows(w, csvNames, limited(opt.Top, func(yield func(nameOrigin) bool) {
			for _, i := range nameOrder(res, opt.Top) {
				if !eachOrigin(res.Name(int(i)), yield) {
					return
				}
			}
		}))
	case ViewOrigins:
		origins := res.Origins
		if opt.Top > 0 {
			origins = busiest(origins)
		}
		return writeCSVRows(w, csvOrigins, limited(opt.Top, pointers(origins)))
	case ViewFindings:
		return writeCSVRows(w, csvFindings, limited(opt.Top, func(yield func(*attribute.Finding) bool) {
			for _, f := range rankFindings(res.Findings) {
				if !yield(f) {
					return
				}
			}
		}))
	case ViewSessions:
		return writeCSVRows(w, csvSessions, limited(opt.Top, func(yield func(nameSession) bool) {
			for _, i := range nameOrder(res, opt.Top) {
				for s := range res.Sessions(int(i)) {
					if !yield(nameSession{&res.Names[i], s}) {
						return
					}
				}
			}
		}))
	case ViewSummary:
		return writeCSVRows(w, csvSummary, limited(0, func(yield func(fact) bool) {
			for _, f := range facts(res) {
				if !yield(f) {
					return
				}
			}
		}))
	}
	return fmt.Errorf("no view %q: use one of %s", opt.View, strings.Join(Views(), ", "))
}

func writeCSVRows[T any](w io.Writer, columns []csvColumn[T], rows func(yield func(T) bool)) error {
	out := csv.NewWriter(w)
	out.UseCRLF = true
	cells := make([]string, len(columns))
	for i, c := range columns {
		cells[i] = c.name
	}
	err := out.Write(cells)
	if err == nil {
		rows(func(row T) bool {
			for i, c := range columns {
				cells[i] = escapeCSV(c.cell(row))
			}
			err = out.Write(cells)
			return err == nil
		})
	}
	if err != nil {
		return err
	}
	out.Flush()
	return out.Error()
}

// limited passes on the first top rows, and all if top is not above 0.
func limited[T any](top int, rows func(yield func(T) bool)) func(yield func(T) bool) {
	if top <= 0 {
		return rows
	}
	return func(yield func(T) bool) {
		left := top
		rows(func(row T) bool {
			left--
			return yield(row) && left > 0
		})
	}
}

func pointers[T any](list []T) iter.Seq[*T] {
	return func(yield func(*T) bool) {
		for i := range list {
			if !yield(&list[i]) {
				return
			}
		}
	}
}

// nameOrder gives the indexes of the names in the order in which they are
// shown: as they stand in the result if all are, else those that matter most
// first.
func nameOrder(res *attribute.Result, top int) []int32 {
	if top > 0 {
		return rankNames(res.Names, worst(res), top)
	}
	order := make([]int32, len(res.Names))
	for i := range order {
		order[i] = int32(i)
	}
	return order
}

// nameOrigin is one origin of one session name.
type nameOrigin struct {
	name   *attribute.SessionName
	origin *attribute.NameOrigin
}

func eachOrigin(n *attribute.SessionName, yield func(nameOrigin) bool) bool {
	for k := range n.Origins {
		if !yield(nameOrigin{n, &n.Origins[k]}) {
			return false
		}
	}
	return true
}

// nameSession is one session of one session name.
type nameSession struct {
	name    *attribute.SessionName
	session *attribute.Session
}

// fact is one line of the summary.
type fact struct{ item, value string }

var csvNames = []csvColumn[nameOrigin]{
	{"account_id", func(r nameOrigin) string { return r.name.AccountID }},
	{"role_name", func(r nameOrigin) string { return r.name.RoleName }},
	{"role_arn", func(r nameOrigin) string { return r.name.RoleARN }},
	{"session_name", func(r nameOrigin) string { return r.name.SessionName }},
	{"form", func(r nameOrigin) string { return r.name.Form }},
	{"origin", func(r nameOrigin) string { return r.origin.ID }},
	{"origin_kind", func(r nameOrigin) string { return r.origin.Kind }},
	{"app", func(r nameOrigin) string { return r.origin.App }},
	{"confidence", func(r nameOrigin) string { return r.origin.Confidence.String() }},
	{"sessions", func(r nameOrigin) string { return decimal(r.origin.Sessions) }},
	{"calls", func(r nameOrigin) string { return decimal(r.origin.Calls) }},
	{"errors", func(r nameOrigin) string { return decimal(r.origin.Errors) }},
	{"first_seen", func(r nameOrigin) string { return rfc3339(r.origin.FirstSeen) }},
	{"last_seen", func(r nameOrigin) string { return rfc3339(r.origin.LastSeen) }},
	{"source_ips", func(r nameOrigin) string { return joinSample(r.origin.SourceIPs) }},
	{"user_agents", func(r nameOrigin) string { return joinSample(r.origin.UserAgents) }},
	{"services", func(r nameOrigin) string { return joinServices(r.origin.Services) }},
	{"regions", func(r nameOrigin) string { return joinCSV(r.origin.Regions) }},
	{"findings", func(r nameOrigin) string { return joinCSV(r.name.Findings) }},
}

var csvOrigins = []csvColumn[*attribute.OriginTotal]{
	{"origin", func(o *attribute.OriginTotal) string { return o.ID }},
	{"origin_kind", func(o *attribute.OriginTotal) string { return o.Kind }},
	{"origin_name", func(o *attribute.OriginTotal) string { return o.Name }},
	{"account_id", func(o *attribute.OriginTotal) string { return o.AccountID }},
	{"app", func(o *attribute.OriginTotal) string { return o.App }},
	{"calls", func(o *attribute.OriginTotal) string { return decimal(o.Calls) }},
	{"sessions", func(o *attribute.OriginTotal) string { return decimal(o.Sessions) }},
	{"session_names", func(o *attribute.OriginTotal) string { return decimal(o.SessionNames) }},
	{"role_arns", func(o *attribute.OriginTotal) string { return joinCSV(o.Roles) }},
}

var csvFindings = []csvColumn[*attribute.Finding]{
	{"id", func(f *attribute.Finding) string { return f.ID }},
	{"rule", func(f *attribute.Finding) string { return f.Rule }},
	{"severity", func(f *attribute.Finding) string { return f.Severity.String() }},
	{"status", func(f *attribute.Finding) string { return f.Status }},
	{"ignored", func(f *attribute.Finding) string { return f.Ignored }}, // the reason
	{"account_id", func(f *attribute.Finding) string { return f.AccountID }},
	{"role_arns", func(f *attribute.Finding) string { return joinCSV(f.RoleARNs) }},
	{"title", func(f *attribute.Finding) string { return f.Title }},
	{"detail", func(f *attribute.Finding) string { return f.Detail }},
	{"why", func(f *attribute.Finding) string { return f.Why }},
	{"recommendation", func(f *attribute.Finding) string { return f.Recommendation }},
	{"names", func(f *attribute.Finding) string { return decimal(f.Names.Count) }},
	{"session_names", func(f *attribute.Finding) string {
		return joinSample(attribute.Sample{Count: f.Names.Count, Sample: f.Names.Sample})
	}},
	{"new_names", func(f *attribute.Finding) string { return joinCSV(f.Names.New) }},
	{"resolved_names", func(f *attribute.Finding) string { return joinCSV(f.Names.Resolved) }},
	{"patterns", func(f *attribute.Finding) string { return joinCSV(f.Patterns) }},
	{"event_ids", func(f *attribute.Finding) string { return joinCSV(eventIDs(f.Evidence)) }},
}

var csvSessions = []csvColumn[nameSession]{
	{"account_id", func(r nameSession) string { return r.name.AccountID }},
	{"role_name", func(r nameSession) string { return r.name.RoleName }},
	{"role_arn", func(r nameSession) string { return r.name.RoleARN }},
	{"session_name", func(r nameSession) string { return r.name.SessionName }},
	{"access_key_id", func(r nameSession) string { return r.session.AccessKeyID }},
	{"created", func(r nameSession) string { return rfc3339(r.session.Created) }},
	{"first_seen", func(r nameSession) string { return rfc3339(r.session.FirstSeen) }},
	{"last_seen", func(r nameSession) string { return rfc3339(r.session.LastSeen) }},
	{"calls", func(r nameSession) string { return decimal(r.session.Calls) }},
	{"errors", func(r nameSession) string { return decimal(r.session.Errors) }},
	{"origin", func(r nameSession) string { return r.session.OriginID }},
	{"confidence", func(r nameSession) string { return r.session.Confidence.String() }},
	{"assume_event_id", func(r nameSession) string { return r.session.AssumeEvent }},
}

var csvSummary = []csvColumn[fact]{
	{"item", func(f fact) string { return f.item }},
	{"value", func(f fact) string { return f.value }},
}

// facts lists what the summary says, under names that stay.
func facts(res *attribute.Result) []fact {
	s := &res.Scan
	list := []fact{
		{"source", s.Source},
		{"since", rfc3339(s.Since)},
		{"until", rfc3339(s.Until)},
		{"filters", joinCSV(s.Filters)},
		{"complete", strconv.FormatBool(s.Complete)},
		{"objects", decimal(s.Objects)},
		{"objects_failed", decimal(s.ObjectsFailed)},
		{"compressed_bytes", decimal(s.CompressedBytes)},
		{"bytes", decimal(s.Bytes)},
		{"events", decimal(s.Events)},
		{"duplicates", decimal(s.Duplicates)},
		{"problems", decimal(int64(len(s.Problems)))},
		{"assume_events", decimal(s.AssumeEvents)},
		{"unused_sessions", decimal(s.UnusedSessions)},
		{"session_names", decimal(int64(len(res.Names)))},
		{"origins", decimal(int64(len(res.Origins)))},
		{"calls", decimal(res.Attribution.Calls)},
		{"calls_proven", decimal(res.Attribution.Proven)},
		{"calls_recorded", decimal(res.Attribution.Recorded)},
		{"calls_inferred", decimal(res.Attribution.Inferred)},
		{"calls_unknown", decimal(res.Attribution.Unknown)},
	}
	open := countOpen(res.Findings)
	for sev := attribute.Critical; sev >= attribute.Low; sev-- {
		list = append(list, fact{"findings_" + sev.String(), decimal(open[sev])})
	}
	if b := res.Baseline; b != nil {
		list = append(list,
			fact{"findings_new", decimal(b.New)},
			fact{"findings_persisting", decimal(b.Persisting)},
			fact{"findings_resolved", decimal(b.Resolved)})
		for _, c := range b.Changes {
			list = append(list, fact{"change", c})
		}
	}
	for _, w := range s.Warnings {
		list = append(list, fact{"warning", w})
	}
	return list
}

func decimal(n int64) string { return strconv.FormatInt(n, 10) }

func rfc3339(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return string(appendTime(make([]byte, 0, len(time.RFC3339)), t))
}

func joinCSV(list []string) string { return strings.Join(list, ";") }

func joinSample(s attribute.Sample) string {
	list := joinCSV(s.Sample)
	if more := s.Count - int64(len(s.Sample)); more > 0 {
		if list != "" {
			list += ";"
		}
		list += "(" + decimal(more) + " more)"
	}
	return list
}

func joinServices(services []attribute.ServiceCalls) string {
	if len(services) == 1 {
		return services[0].EventSource
	}
	names := make([]string, len(services))
	for i, s := range services {
		names[i] = s.EventSource
	}
	return joinCSV(names)
}

// eventIDs gives the ids of the events among the evidence, each once.
func eventIDs(evidence []attribute.Evidence) []string {
	var ids []string
	for _, e := range evidence {
		if e.EventID != "" && !slices.Contains(ids, e.EventID) {
			ids = append(ids, e.EventID)
		}
	}
	return ids
}
