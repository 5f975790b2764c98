package report

import (
	"cmp"
	"io"
	"strings"
	"time"

	"github.com/trailscan/trailscan/internal/attribute"
)

// The class of OCSF that a finding is. The schema's version is one that security
// lakes take; nothing later is used.
const (
	ocsfVersion  = "1.3.0"
	ocsfCategory = 2    // Findings
	ocsfClass    = 2004 // Detection Finding
)

// writeOCSF writes the findings as detection findings of the Open Cybersecurity
// Schema Framework with its profile cloud: one JSON array, with each finding on
// a line of its own, so that it reads as JSON and by line.
//
// A finding is created (new against the baseline, or no baseline), updated
// (persisting) or closed (resolved); one that the configuration ignores is
// suppressed. Its time is when a session name that it is about was last seen,
// which stays the same for the same logs.
//
// https://schema.ocsf.io/1.3.0/classes/detection_finding
func writeOCSF(w io.Writer, res *attribute.Result, opt Options) error {
	seen := rolesSeen(res)
	j := newJSONWriter(w)
	j.tight = true
	j.array()
	for i := range res.Findings {
		if j.err != nil {
			break
		}
		j.item()
		j.buf = append(j.buf, '\n')
		j.object()
		j.ocsfFinding(&res.Findings[i], res, opt, seen)
		j.end()
	}
	if len(res.Findings) > 0 {
		j.buf = append(j.buf, '\n')
	}
	j.end()
	return j.finish()
}

// period is when something was first and last seen.
type period struct{ first, last time.Time }

func (p period) include(q period) period {
	if p.first.IsZero() || !q.first.IsZero() && q.first.Before(p.first) {
		p.first = q.first
	}
	if q.last.After(p.last) {
		p.last = q.last
	}
	return p
}

// roleRule is a rule and a role on which it fires.
type roleRule struct{ role, rule string }

// rolesSeen gives for each rule and role when the session names were seen that
// it fires on, and for each role alone (no rule) when any were.
func rolesSeen(res *attribute.Result) map[roleRule]period {
	seen := make(map[roleRule]period)
	for i := range res.Names {
		n := &res.Names[i]
		at := period{n.FirstSeen, n.LastSeen}
		seen[roleRule{n.RoleARN, ""}] = seen[roleRule{n.RoleARN, ""}].include(at)
		for _, rule := range n.Findings {
			k := roleRule{n.RoleARN, rule}
			seen[k] = seen[k].include(at)
		}
	}
	return seen
}

func (j *jsonWriter) ocsfFinding(f *attribute.Finding, res *attribute.Result, opt Options, seen map[roleRule]period) {
	var when period
	for _, rule := range []string{f.Rule, ""} {
		for _, arn := range f.RoleARNs {
			if p, ok := seen[roleRule{arn, rule}]; ok {
				when = when.include(p)
			}
		}
		if !when.last.IsZero() {
			break
		}
	}
	at := when.last
	for _, t := range []time.Time{res.Scan.Until, res.Scan.Finished} { // nothing was seen, as of what is resolved
		if at.IsZero() {
			at = t
		}
	}
	activity, activityName := int64(1), "Create"
	status, statusName := int64(1), "New"
	switch f.Status {
	case "persisting":
		activity, activityName = 2, "Update"
	case statusResolved:
		activity, activityName = 3, "Close"
		status, statusName = 4, "Resolved"
	}
	if f.Ignored != "" && f.Status != statusResolved {
		status, statusName = 3, "Suppressed"
	}
	severity, severityName := ocsfSeverity(f.Severity)
	account := f.AccountID
	if account == "" && len(f.RoleARNs) > 0 {
		account, _ = splitRoleARN(f.RoleARNs[0])
	}

	j.number("class_uid", ocsfClass)
	j.text("class_name", "Detection Finding")
	j.number("category_uid", ocsfCategory)
	j.text("category_name", "Findings")
	j.number("activity_id", activity)
	j.text("activity_name", activityName)
	j.number("type_uid", ocsfClass*100+activity)
	j.text("type_name", "Detection Finding: "+activityName)
	j.number("severity_id", severity)
	j.text("severity", severityName)
	j.number("status_id", status)
	j.text("status", statusName)
	if f.Ignored != "" {
		j.text("comment", f.Ignored)
	}
	j.ocsfTime("time", at)
	if !when.first.IsZero() {
		j.ocsfTime("start_time", when.first)
		j.ocsfTime("end_time", when.last)
	}
	j.text("message", f.Title)
	j.key("metadata")
	j.object()
	j.text("version", ocsfVersion)
	j.texts("profiles", []string{"cloud"})
	j.text("log_provider", "AWS CloudTrail")
	j.key("product")
	j.object()
	j.text("name", cmp.Or(opt.Tool.Name, "trailscan"))
	j.text("vendor_name", cmp.Or(opt.Tool.Name, "trailscan"))
	if opt.Tool.Version != "" {
		j.text("version", opt.Tool.Version)
	}
	j.end()
	j.end()
	j.key("finding_info")
	j.object()
	j.text("uid", f.ID)
	j.text("title", f.Title)
	j.text("desc", strings.TrimSpace(f.Detail+" "+f.Why))
	j.texts("types", []string{f.Rule})
	j.texts("data_sources", []string{"AWS CloudTrail"})
	if !when.first.IsZero() {
		j.ocsfTime("first_seen_time", when.first)
		j.ocsfTime("last_seen_time", when.last)
	}
	j.key("analytic")
	j.object()
	j.text("uid", f.Rule)
	j.text("name", ruleTitle(opt.Rules, f.Rule))
	j.number("type_id", 1)
	j.text("type", "Rule")
	j.end()
	j.end()
	if f.Recommendation != "" {
		j.key("remediation")
		j.object()
		j.text("desc", f.Recommendation)
		j.end()
	}
	j.key("cloud")
	j.object()
	j.text("provider", "AWS")
	j.ocsfAccount(account, opt)
	j.end()
	j.key("resources")
	j.array()
	for _, arn := range f.RoleARNs {
		account, name := splitRoleARN(arn)
		j.item()
		j.object()
		j.text("uid", arn)
		j.text("name", name)
		j.text("type", "AWS::IAM::Role")
		if parts := strings.SplitN(arn, ":", 3); len(parts) == 3 && parts[0] == "arn" {
			j.text("cloud_partition", parts[1])
		}
		if account != "" {
			j.key("owner")
			j.object()
			j.ocsfAccount(account, opt)
			j.end()
		}
		j.end()
	}
	j.end()
	j.key("evidences")
	j.array()
	for _, e := range f.Evidence {
		j.item()
		j.object()
		j.key("data")
		j.object()
		j.text("type", e.Type)
		j.text("eventID", e.EventID)
		j.text("detail", e.Detail)
		j.end()
		j.end()
	}
	j.end()
	j.key("unmapped")
	j.object()
	j.sample("session_names", attribute.Sample{Count: f.Names.Count, Sample: f.Names.Sample})
	j.texts("new_session_names", f.Names.New)
	j.texts("resolved_session_names", f.Names.Resolved)
	j.texts("patterns", f.Patterns)
	if f.Status != "" {
		j.text("baseline_status", f.Status)
	}
	j.truth("scan_complete", res.Scan.Complete)
	j.end()
}

// ocsfAccount writes a member account.
func (j *jsonWriter) ocsfAccount(id string, opt Options) {
	j.key("account")
	j.object()
	j.text("uid", id)
	if name := opt.AccountNames[id]; name != "" {
		j.text("name", name)
	}
	j.number("type_id", 10)
	j.text("type", "AWS Account")
	j.end()
}

// ocsfTime writes a member that is a time: milliseconds since 1970 UTC, 0 where
// it is not known.
func (j *jsonWriter) ocsfTime(name string, t time.Time) {
	var ms int64
	if !t.IsZero() {
		ms = t.UnixMilli()
	}
	j.number(name, ms)
}

func ocsfSeverity(s attribute.Severity) (id int64, name string) {
	switch s {
	case attribute.Critical:
		return 5, "Critical"
	case attribute.High:
		return 4, "High"
	case attribute.Medium:
		return 3, "Medium"
	case attribute.Low:
		return 2, "Low"
	}
	return 1, "Informational"
}

func ruleTitle(rules []RuleInfo, id string) string {
	for _, r := range rules {
		if r.ID == id {
			return r.Title
		}
	}
	return id
}
