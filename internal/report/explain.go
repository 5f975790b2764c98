package report

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/trailscan/trailscan/internal/attribute"
)

// A TextFormat shows what is not a whole report.
const (
	TextTable = "table" // for a terminal
	TextJSON  = "json"  // for programs
)

// TextFormats lists the forms of explanations and policies.
func TextFormats() []string { return []string{TextTable, TextJSON} }

// someActions is how many APIs an explanation lists on a terminal.
const someActions = 15

// WriteExplanation tells the story of the sessions that were picked, in one of
// TextFormats. Of scan it takes where the events came from, the window and
// whether all of it could be read.
func WriteExplanation(w io.Writer, format string, scan attribute.Scan, e *attribute.Explanation, opt Options) error {
	if format == TextJSON {
		return writeExplanationJSON(w, scan, e, opt)
	}
	opt.Top = -1
	t := newTable(w, &attribute.Result{Scan: scan, Findings: e.Findings}, opt)
	narrower := "a narrower --since and --until, --role or --access-key"
	if e.Names > 1 {
		t.println(fmt.Sprintf("%s of %s", counted(e.Count, "session"), counted(e.Names, "session name")))
		t.println("")
		narrower = "a narrower --session, --since and --until, --role or --access-key"
	}
	for i := range e.Sessions {
		if i > 0 {
			t.println("")
		}
		t.explain(&e.Sessions[i])
	}
	if more := e.Count - int64(len(e.Sessions)); more > 0 {
		t.println("")
		t.labeled("", fmt.Sprintf("and %s: %s picks among them", counted(more, "more session"), narrower), faint)
	}
	if len(e.Findings) > 0 {
		t.title("What is wrong with the name")
	}
	t.findingsInFull()
	if err := t.out.Flush(); err != nil {
		return err
	}
	return t.err
}

func (t *table) explain(s *attribute.ExplainedSession) {
	account, role := splitRoleARN(s.RoleARN)
	heading := fmt.Sprintf("%s under role %s of account %s", escapeTerminal(s.SessionName), escapeTerminal(role), t.account(account))
	t.println(paint(shorten(heading, t.width), strong, t.opt.Color))
	origin := escapeTerminal(s.Origin)
	if s.Confidence != attribute.Unknown {
		origin += ", " + s.Confidence.String()
	}
	t.labeled("Origin", origin, confidenceCell(s.Confidence).style)
	for _, part := range []struct{ label, text string }{
		{"Instance", s.Instance},
		{"Session", s.SessionARN},
		{"Key", s.AccessKeyID},
		{"Source id", s.SourceID},
	} {
		if part.text != "" {
			t.labeled(part.label, escapeTerminal(part.text), plain)
		}
	}
	if !s.Created.IsZero() {
		t.labeled("Created", second(s.Created), plain)
	}
	t.labeled("Used", fmt.Sprintf("%s to %s: %s, %s", second(s.FirstSeen), second(s.LastSeen), counted(s.Calls, "call"), counted(s.Errors, "error")), plain)

	t.title("How it came to be, from the root")
	for i, l := range s.Chain {
		how := "no event of this step is in what was read"
		if l.EventID != "" {
			how = "event " + escapeTerminal(l.EventID)
			if !l.EventTime.IsZero() {
				how += " at " + second(l.EventTime)
			}
		}
		for j, line := range wrap(escapeTerminal(l.Principal), t.width-4, t.opt.Whole) {
			mark := "    "
			if j == 0 {
				mark = fmt.Sprintf("%2d. ", i+1)
			}
			t.println(mark + line)
		}
		for _, line := range wrap(how, t.width-6, t.opt.Whole) {
			t.println("      " + paint(line, faint, t.opt.Color))
		}
	}
	if len(s.Chain) == 0 {
		t.println("  Nothing that was read says how.")
	} else {
		t.println(fmt.Sprintf("%2d. this session", len(s.Chain)+1))
	}
	if len(s.Evidence) > 0 {
		t.title("What speaks for that")
	}
	for _, e := range s.Evidence {
		text := e.Type + ": " + e.Detail
		if e.EventID != "" {
			text += " (event " + e.EventID + ")"
		}
		for j, line := range wrap(escapeTerminal(text), t.width-4, t.opt.Whole) {
			t.println([]string{"  - ", "    "}[min(j, 1)] + line)
		}
	}
	if len(s.Actions) > 0 {
		t.actions(s.Actions)
	}
	if len(s.Clients) > 0 {
		t.clients(s.Clients)
	}
}

func (t *table) actions(list []attribute.ActionCalls) {
	t.title("What it called")
	g := &grid{columns: []gridColumn{
		{head: "CALLS", right: true}, {head: "ERRORS", right: true, drop: 1}, {head: "API", flex: 30},
		{head: "REGION", drop: 2}, {head: "FIRST", drop: 4}, {head: "LAST", drop: 3},
	}}
	for _, a := range list[:min(len(list), someActions)] {
		errors := blank
		if a.Errors > 0 {
			errors = number(a.Errors)
		}
		service := strings.TrimSuffix(a.EventSource, ".amazonaws.com")
		g.add(number(a.Calls), errors, text(service+":"+a.EventName), text(a.Region), moment(a.FirstSeen), moment(a.LastSeen))
	}
	t.draw(g)
	if more := len(list) - someActions; more > 0 {
		t.labeled("", fmt.Sprintf("and %s: --format json lists them", counted(int64(more), "more API")), faint)
	}
}

func (t *table) clients(list []attribute.ClientCalls) {
	t.title("From where, and with what")
	g := &grid{columns: []gridColumn{
		{head: "CALLS", right: true}, {head: "ADDRESS", flex: 24}, {head: "CLIENT", flex: 24},
		{head: "FIRST", drop: 2}, {head: "LAST", drop: 1},
	}}
	for _, c := range list[:min(len(list), someActions)] {
		g.add(number(c.Calls), text(c.SourceIP), text(c.UserAgent), moment(c.FirstSeen), moment(c.LastSeen))
	}
	t.draw(g)
	if more := len(list) - someActions; more > 0 {
		t.labeled("", fmt.Sprintf("and %s: --format json lists them", counted(int64(more), "more client")), faint)
	}
}

// second writes a time to the second, as one searches for it in a log.
func second(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }

func writeExplanationJSON(w io.Writer, scan attribute.Scan, e *attribute.Explanation, opt Options) error {
	j := newJSONWriter(w)
	j.object()
	j.number("schemaVersion", SchemaVersion)
	j.tool(opt.Tool)
	j.source(scan)
	j.number("count", e.Count)
	j.number("names", e.Names)
	jsonRows(j, "sessions", e.Sessions, (*jsonWriter).explainedSession)
	jsonRows(j, "findings", e.Findings, (*jsonWriter).finding)
	j.end()
	return j.finish()
}

// source says where the events of an explanation or of policies came from.
func (j *jsonWriter) source(s attribute.Scan) {
	j.text("source", s.Source)
	j.time("since", s.Since)
	j.time("until", s.Until)
	j.truth("complete", s.Complete)
}

func (j *jsonWriter) explainedSession(s *attribute.ExplainedSession) {
	j.text("sessionArn", s.SessionARN)
	j.text("roleArn", s.RoleARN)
	j.text("sessionName", s.SessionName)
	j.text("form", s.Form)
	j.text("accessKeyId", s.AccessKeyID)
	j.text("sourceIdentity", s.SourceID)
	j.time("created", s.Created)
	j.time("firstSeen", s.FirstSeen)
	j.time("lastSeen", s.LastSeen)
	j.number("calls", s.Calls)
	j.number("errors", s.Errors)
	j.text("origin", s.Origin)
	j.text("confidence", s.Confidence.String())
	j.text("instance", s.Instance)
	jsonRows(j, "chain", s.Chain, func(j *jsonWriter, l *attribute.Link) {
		j.text("principal", l.Principal)
		j.text("eventId", l.EventID)
		j.time("eventTime", l.EventTime)
	})
	j.evidence(s.Evidence)
	jsonRows(j, "actions", s.Actions, func(j *jsonWriter, a *attribute.ActionCalls) {
		j.text("eventSource", a.EventSource)
		j.text("eventName", a.EventName)
		j.text("region", a.Region)
		j.number("calls", a.Calls)
		j.number("errors", a.Errors)
		j.time("firstSeen", a.FirstSeen)
		j.time("lastSeen", a.LastSeen)
	})
	jsonRows(j, "clients", s.Clients, func(j *jsonWriter, c *attribute.ClientCalls) {
		j.text("sourceIp", c.SourceIP)
		j.text("userAgent", c.UserAgent)
		j.number("calls", c.Calls)
		j.time("firstSeen", c.FirstSeen)
		j.time("lastSeen", c.LastSeen)
	})
}
