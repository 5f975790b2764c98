package report

import (
	_ "embed"
	"io"
	"iter"
	"time"

	"github.com/trailscan/trailscan/internal/attribute"
)

// SchemaVersion is the version of the JSON report. It changes when a member is
// taken away or gets another meaning, not when one is added.
const SchemaVersion = 1

//go:embed schema.json
var schema string

// Schema gives the JSON Schema (draft 2020-12) of the JSON report.
func Schema() string { return schema }

// writeJSON writes the JSON report that schema.json describes. People can read
// it: two spaces for each level, and what is small stays on one line.
func writeJSON(w io.Writer, res *attribute.Result, opt Options) error {
	j := newJSONWriter(w)
	j.object()
	j.number("schemaVersion", SchemaVersion)
	j.tool(opt.Tool)
	j.key("scan")
	j.object()
	j.scan(&res.Scan)
	j.end()
	j.key("attribution")
	j.flatObject()
	j.attribution(res.Attribution)
	j.end()
	if res.Baseline != nil {
		j.key("baseline")
		j.object()
		j.baseline(res.Baseline)
		j.end()
	}
	jsonEach(j, "sessionNames", res.Whole(opt.Workers), (*jsonWriter).sessionName)
	jsonRows(j, "origins", res.Origins, (*jsonWriter).originTotal)
	jsonRows(j, "findings", res.Findings, (*jsonWriter).finding)
	jsonRows(j, "coverage", res.Coverage, (*jsonWriter).coverage)
	jsonRows(j, "otherSessions", res.Other, (*jsonWriter).otherSession)
	jsonRows(j, "deniedAssumptions", res.Denied, (*jsonWriter).deniedAssumption)
	j.end()
	return j.finish()
}

// jsonRows writes a member that is an array of objects.
func jsonRows[T any](j *jsonWriter, name string, rows []T, members func(*jsonWriter, *T)) {
	jsonEach(j, name, pointers(rows), members)
}

func jsonEach[T any](j *jsonWriter, name string, rows iter.Seq[*T], members func(*jsonWriter, *T)) {
	j.key(name)
	j.array()
	for row := range rows {
		if j.err != nil {
			return
		}
		j.item()
		j.object()
		members(j, row)
		j.end()
	}
	j.end()
}

// writeJSONLines writes the JSON report as one object a line. Each has the
// members that it has in the JSON report, after a member "type" that says what
// it is; schema.json describes them too. The first line is the scan.
func writeJSONLines(w io.Writer, res *attribute.Result, opt Options) error {
	j := newJSONWriter(w)
	j.tight = true
	j.object()
	j.text("type", "scan")
	j.number("schemaVersion", SchemaVersion)
	j.tool(opt.Tool)
	j.scan(&res.Scan)
	j.end()
	j.nextLine("attribution")
	j.attribution(res.Attribution)
	j.end()
	if res.Baseline != nil {
		j.nextLine("baseline")
		j.baseline(res.Baseline)
		j.end()
	}
	jsonEachLine(j, "sessionName", res.Whole(opt.Workers), (*jsonWriter).sessionName)
	jsonLines(j, "origin", res.Origins, (*jsonWriter).originTotal)
	jsonLines(j, "finding", res.Findings, (*jsonWriter).finding)
	jsonLines(j, "coverage", res.Coverage, (*jsonWriter).coverage)
	jsonLines(j, "otherSession", res.Other, (*jsonWriter).otherSession)
	jsonLines(j, "deniedAssumption", res.Denied, (*jsonWriter).deniedAssumption)
	return j.finish()
}

func (j *jsonWriter) nextLine(kind string) {
	j.buf = append(j.buf, '\n')
	j.object()
	j.text("type", kind)
}

func jsonLines[T any](j *jsonWriter, kind string, rows []T, members func(*jsonWriter, *T)) {
	jsonEachLine(j, kind, pointers(rows), members)
}

func jsonEachLine[T any](j *jsonWriter, kind string, rows iter.Seq[*T], members func(*jsonWriter, *T)) {
	for row := range rows {
		if j.err != nil {
			return
		}
		j.nextLine(kind)
		members(j, row)
		j.end()
	}
}

func (j *jsonWriter) tool(t Tool) {
	j.key("tool")
	j.flatObject()
	j.text("name", t.Name)
	j.text("version", t.Version)
	j.end()
}

func (j *jsonWriter) scan(s *attribute.Scan) {
	j.text("source", s.Source)
	j.time("since", s.Since)
	j.time("until", s.Until)
	j.texts("filters", s.Filters)
	j.time("started", s.Started)
	j.time("finished", s.Finished)
	j.truth("complete", s.Complete)
	j.number("objects", s.Objects)
	j.number("objectsFailed", s.ObjectsFailed)
	j.number("compressedBytes", s.CompressedBytes)
	j.number("bytes", s.Bytes)
	j.number("events", s.Events)
	j.number("duplicates", s.Duplicates)
	j.number("unusedSessions", s.UnusedSessions)
	j.number("assumedRoleCalls", s.AssumedRoleCalls)
	j.number("assumeEvents", s.AssumeEvents)
	j.number("listRequests", s.ListRequests)
	if s.Queries > 0 {
		j.number("queries", s.Queries)
	}
	j.key("problems")
	j.array()
	for _, p := range s.Problems {
		j.item()
		j.flatObject()
		j.text("object", p.Object)
		j.number("offset", p.Offset)
		j.text("stage", string(p.Stage))
		j.text("error", p.Error)
		j.number("count", p.Count)
		j.end()
	}
	j.end()
	j.key("warnings")
	j.array()
	for _, w := range s.Warnings {
		j.item()
		j.textValue(w)
	}
	j.end()
}

func (j *jsonWriter) attribution(s attribute.Split) {
	j.number("calls", s.Calls)
	j.confidences(s)
}

func (j *jsonWriter) confidences(s attribute.Split) {
	j.number("proven", s.Proven)
	j.number("recorded", s.Recorded)
	j.number("inferred", s.Inferred)
	j.number("unknown", s.Unknown)
}

func (j *jsonWriter) baseline(c *attribute.Comparison) {
	j.number("new", c.New)
	j.number("persisting", c.Persisting)
	j.number("resolved", c.Resolved)
	j.key("changes")
	j.array()
	for _, s := range c.Changes {
		j.item()
		j.textValue(s)
	}
	j.end()
}

func (j *jsonWriter) sessionName(n *attribute.SessionName) {
	j.text("partition", n.Partition)
	j.text("accountId", n.AccountID)
	j.text("roleName", n.RoleName)
	j.text("roleArn", n.RoleARN)
	j.text("sessionName", n.SessionName)
	j.text("form", n.Form)
	j.text("pattern", n.Pattern)
	j.number("calls", n.Calls)
	j.number("errors", n.Errors)
	j.number("sessions", n.Sessions)
	j.time("firstSeen", n.FirstSeen)
	j.time("lastSeen", n.LastSeen)
	// What was seen of a single origin is what was seen of the name: among a
	// million names it would double the report.
	seen := len(n.Origins) > 1
	jsonRows(j, "origins", n.Origins, func(j *jsonWriter, o *attribute.NameOrigin) { j.nameOrigin(o, seen) })
	j.sample("sourceIps", n.SourceIPs)
	j.sample("userAgents", n.UserAgents)
	j.services(n.Services)
	j.texts("regions", n.Regions)
	j.texts("findings", n.Findings)
	j.key("hours")
	j.flatArray()
	for _, h := range n.Hours {
		j.item()
		j.object()
		j.time("hour", time.Unix(h.Hour, 0))
		j.number("calls", h.Calls)
		j.end()
	}
	j.end()
}

func (j *jsonWriter) nameOrigin(o *attribute.NameOrigin, seen bool) {
	j.originID(o.ID, o.Kind, o.Name, o.AccountID, o.App)
	j.text("confidence", o.Confidence.String())
	j.key("callsByConfidence")
	j.flatObject()
	j.confidences(o.ByConf)
	j.end()
	j.number("calls", o.Calls)
	j.number("sessions", o.Sessions)
	j.sample("instances", o.Instances)
	j.key("chain")
	j.array()
	for _, l := range o.Chain {
		j.item()
		j.flatObject()
		j.text("principal", l.Principal)
		j.text("eventId", l.EventID)
		j.time("eventTime", l.EventTime)
		j.end()
	}
	j.end()
	j.evidence(o.Evidence)
	j.number("errors", o.Errors)
	j.time("firstSeen", o.FirstSeen)
	j.time("lastSeen", o.LastSeen)
	if seen {
		j.sample("sourceIps", o.SourceIPs)
		j.sample("userAgents", o.UserAgents)
		j.services(o.Services)
		j.texts("regions", o.Regions)
	}
}

// originID writes what names an origin. app is there only where the
// configuration names one.
func (j *jsonWriter) originID(id, kind, name, account, app string) {
	j.text("id", id)
	j.text("kind", kind)
	j.text("name", name)
	j.text("accountId", account)
	if app != "" {
		j.text("app", app)
	}
}

func (j *jsonWriter) evidence(list []attribute.Evidence) {
	j.key("evidence")
	j.array()
	for _, e := range list {
		j.item()
		j.flatObject()
		j.text("type", e.Type)
		j.text("eventId", e.EventID)
		j.text("detail", e.Detail)
		j.end()
	}
	j.end()
}

func (j *jsonWriter) sample(name string, s attribute.Sample) {
	j.key(name)
	j.flatObject()
	j.number("count", s.Count)
	j.texts("sample", s.Sample)
	j.end()
}

func (j *jsonWriter) services(list []attribute.ServiceCalls) {
	j.key("services")
	j.flatArray()
	for _, s := range list {
		j.item()
		j.object()
		j.text("eventSource", s.EventSource)
		j.number("calls", s.Calls)
		j.end()
	}
	j.end()
}

func (j *jsonWriter) originTotal(o *attribute.OriginTotal) {
	j.originID(o.ID, o.Kind, o.Name, o.AccountID, o.App)
	j.number("calls", o.Calls)
	j.number("sessions", o.Sessions)
	j.texts("roles", o.Roles)
	j.number("sessionNames", o.SessionNames)
}

func (j *jsonWriter) finding(f *attribute.Finding) {
	j.text("id", f.ID)
	j.text("rule", f.Rule)
	j.text("severity", f.Severity.String())
	j.texts("roleArns", f.RoleARNs)
	j.text("accountId", f.AccountID)
	j.text("title", f.Title)
	j.text("detail", f.Detail)
	j.text("why", f.Why)
	j.key("names")
	j.object()
	j.number("count", f.Names.Count)
	j.texts("sample", f.Names.Sample)
	j.texts("new", f.Names.New)
	j.texts("resolved", f.Names.Resolved)
	j.end()
	j.texts("patterns", f.Patterns)
	j.evidence(f.Evidence)
	j.text("recommendation", f.Recommendation)
	j.text("status", f.Status)
	j.truth("ignored", f.Ignored != "")
	if f.Ignored != "" {
		j.text("ignoredReason", f.Ignored)
	}
}

func (j *jsonWriter) coverage(c *attribute.Coverage) {
	j.text("accountId", c.AccountID)
	j.text("region", c.Region)
	j.time("from", c.From)
	j.time("to", c.To)
	j.number("objects", c.Objects)
	j.number("objectsFailed", c.ObjectsFailed)
	j.number("hoursExpected", c.HoursExpected)
	j.number("hoursRead", c.HoursRead)
	j.key("unread")
	j.array()
	for _, u := range c.Unread {
		j.item()
		j.flatObject()
		j.time("from", u.From)
		j.time("to", u.To)
		j.number("objects", u.Objects)
		j.end()
	}
	j.end()
	j.number("eventsUnseen", c.EventsUnseen)
	j.time("silentSince", c.SilentSince)
	j.text("verified", c.Verified)
}

func (j *jsonWriter) otherSession(s *attribute.OtherSession) {
	j.text("kind", s.Kind)
	j.text("accountId", s.AccountID)
	j.text("principal", s.Principal)
	j.text("name", s.Name)
	j.number("issued", s.Issued)
	j.number("calls", s.Calls)
	j.time("firstSeen", s.FirstSeen)
	j.time("lastSeen", s.LastSeen)
	j.text("eventId", s.EventID)
}

func (j *jsonWriter) deniedAssumption(d *attribute.DeniedAssumption) {
	j.text("principal", d.Principal)
	j.text("roleArn", d.RoleARN)
	j.text("accountId", d.AccountID)
	j.text("errorCode", d.ErrorCode)
	j.number("count", d.Count)
	j.time("firstSeen", d.FirstSeen)
	j.time("lastSeen", d.LastSeen)
	j.text("eventId", d.EventID)
}
