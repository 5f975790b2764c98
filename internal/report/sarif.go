package report

import (
	"cmp"
	"fmt"
	"io"
	"strings"

	"github.com/trailscan/trailscan/internal/attribute"
)

const (
	sarifSchema = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
	projectURI  = "https://github.com/trailscan/trailscan"
	// sarifLocations is how many locations code-scanning views take of one result.
	sarifLocations = 10
)

// writeSARIF writes the findings as SARIF 2.1.0, for code-scanning views.
//
// A role has no file, so that its location is a path of its own,
// aws/ACCOUNT/role/NAME. Fingerprints come from the finding's id; the views
// show a severity by the rule's security-severity, which is that of the rule's
// worst finding. A finding that the configuration ignores is suppressed.
//
// With a baseline, baselineState is new, unchanged or absent; a result that is
// absent passes. GitHub looks at neither and compares uploads by itself: what
// goes there is best written without a baseline.
//
// https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html
// https://docs.github.com/en/code-security/reference/code-scanning/sarif-files/sarif-support-for-code-scanning
func writeSARIF(w io.Writer, res *attribute.Result, opt Options) error {
	rules, index := sarifRules(res, opt)
	j := newJSONWriter(w)
	j.object()
	j.text("$schema", sarifSchema)
	j.text("version", "2.1.0")
	j.key("runs")
	j.array()
	j.item()
	j.object()
	j.key("tool")
	j.object()
	j.key("driver")
	j.object()
	j.text("name", cmp.Or(opt.Tool.Name, "trailscan"))
	if opt.Tool.Version != "" {
		j.text("version", opt.Tool.Version)
	}
	j.text("informationUri", projectURI)
	jsonRows(j, "rules", rules, (*jsonWriter).sarifRule)
	j.end()
	j.end()
	j.key("invocations")
	j.array()
	j.item()
	j.object()
	j.sarifInvocation(res)
	j.end()
	j.end()
	j.text("columnKind", "unicodeCodePoints")
	jsonRows(j, "results", res.Findings, func(j *jsonWriter, f *attribute.Finding) {
		j.sarifResult(f, index[f.Rule], res.Baseline != nil)
	})
	j.end()
	j.end()
	j.end()
	return j.finish()
}

// sarifRules gives the rules that ran and, should a finding be of another rule,
// that rule too, each with the severity of its worst finding if there is one,
// and their places by id.
func sarifRules(res *attribute.Result, opt Options) ([]RuleInfo, map[string]int) {
	rules := append([]RuleInfo(nil), opt.Rules...)
	index := make(map[string]int)
	for i, r := range rules {
		index[r.ID] = i
	}
	found := make(map[string]attribute.Severity)
	for i := range res.Findings {
		f := &res.Findings[i]
		found[f.Rule] = max(found[f.Rule], f.Severity)
		if _, ok := index[f.Rule]; !ok {
			index[f.Rule] = len(rules)
			rules = append(rules, RuleInfo{ID: f.Rule, Title: f.Rule, Why: f.Why, Fix: f.Recommendation})
		}
	}
	for i := range rules {
		if s := found[rules[i].ID]; s > attribute.None {
			rules[i].Severity = s
		}
	}
	return rules, index
}

func (j *jsonWriter) sarifRule(r *RuleInfo) {
	j.text("id", r.ID)
	j.text("name", r.ID)
	j.sarifText("shortDescription", r.Title)
	j.sarifText("fullDescription", r.Why)
	j.key("help")
	j.object()
	j.text("text", escapeTerminal(r.Why)+"\n\n"+escapeTerminal(r.Fix))
	j.text("markdown", markdownText(r.Why)+"\n\n**What to do:** "+markdownText(r.Fix))
	j.end()
	j.key("defaultConfiguration")
	j.flatObject()
	j.text("level", sarifLevel(r.Severity))
	j.end()
	j.key("properties")
	j.object()
	j.texts("tags", []string{"security", "aws", "iam"})
	j.text("precision", "high")
	if s := securitySeverity(r.Severity); s != "" {
		j.text("security-severity", s)
	}
	j.end()
}

// sarifText writes a multiformat message, which may not be empty.
func (j *jsonWriter) sarifText(name, s string) {
	j.key(name)
	j.flatObject()
	if s == "" {
		s = "-"
	}
	j.text("text", escapeTerminal(s))
	j.end()
}

// sarifMessage writes the message of a result, in which [text](1) would be a
// link and {0} a placeholder.
func (j *jsonWriter) sarifMessage(s string) {
	escape := strings.NewReplacer(`\`, `\\`, `[`, `\[`, `]`, `\]`, `{`, `{{`, `}`, `}}`)
	j.key("message")
	j.flatObject()
	j.text("text", escape.Replace(escapeTerminal(s)))
	j.end()
}

func (j *jsonWriter) sarifInvocation(res *attribute.Result) {
	s := &res.Scan
	j.truth("executionSuccessful", s.Complete)
	j.key("toolExecutionNotifications")
	j.array()
	for _, p := range s.Problems {
		j.item()
		j.object()
		j.text("level", "error")
		j.sarifMessage(fmt.Sprintf("%s: %s: %s", p.Object, p.Stage, reason(p)))
		j.end()
	}
	for _, w := range s.Warnings {
		j.item()
		j.object()
		j.text("level", "warning")
		j.sarifMessage(w)
		j.end()
	}
	if b := res.Baseline; b != nil {
		for _, text := range append([]string{baselineCounts(b)}, b.Changes...) {
			j.item()
			j.object()
			j.text("level", "note")
			j.sarifMessage(text)
			j.end()
		}
	}
	j.end()
}

func (j *jsonWriter) sarifResult(f *attribute.Finding, rule int, compared bool) {
	resolved := f.Status == statusResolved
	j.text("ruleId", f.Rule)
	j.number("ruleIndex", int64(rule))
	if resolved { // the rule has nothing more against it
		j.text("kind", "pass")
		j.text("level", "none")
	} else {
		j.text("level", sarifLevel(f.Severity))
	}
	text := f.Title
	if f.Detail != "" {
		text += ". " + f.Detail
	}
	j.sarifMessage(text)
	j.key("locations")
	j.array()
	for _, arn := range f.RoleARNs[:min(len(f.RoleARNs), sarifLocations)] {
		j.item()
		j.sarifLocation(rolePath(arn), arn)
	}
	if len(f.RoleARNs) == 0 {
		j.item()
		j.sarifLocation("aws/"+escapeURISegment(f.AccountID), "")
	}
	j.end()
	j.key("partialFingerprints")
	j.object()
	j.text("primaryLocationLineHash", f.ID+":1")
	j.text("trailscan/v1", f.ID)
	j.end()
	if compared {
		state := "unchanged"
		switch f.Status {
		case "new":
			state = "new"
		case statusResolved:
			state = "absent"
		}
		j.text("baselineState", state)
	}
	if f.Ignored != "" {
		j.key("suppressions")
		j.array()
		j.item()
		j.flatObject()
		j.text("kind", "external")
		j.text("status", "accepted")
		j.text("justification", escapeTerminal(f.Ignored))
		j.end()
		j.end()
	}
	j.key("properties")
	j.object()
	if s := securitySeverity(f.Severity); s != "" {
		j.text("security-severity", s)
	}
	j.text("severity", f.Severity.String())
	j.texts("roleArns", f.RoleARNs)
	j.sample("sessionNames", attribute.Sample{Count: f.Names.Count, Sample: f.Names.Sample})
	j.texts("patterns", f.Patterns)
	j.texts("eventIds", eventIDs(f.Evidence))
	j.text("why", f.Why)
	j.text("recommendation", f.Recommendation)
	j.end()
}

func (j *jsonWriter) sarifLocation(path, arn string) {
	j.object()
	j.key("physicalLocation")
	j.object()
	j.key("artifactLocation")
	j.flatObject()
	j.text("uri", path)
	j.end()
	j.key("region")
	j.flatObject()
	j.number("startLine", 1)
	j.number("startColumn", 1)
	j.number("endLine", 1)
	j.number("endColumn", 2)
	j.end()
	j.end()
	if arn != "" {
		_, name := splitRoleARN(arn)
		j.key("logicalLocations")
		j.array()
		j.item()
		j.flatObject()
		j.text("name", escapeTerminal(name))
		j.text("fullyQualifiedName", escapeTerminal(arn))
		j.text("kind", "resource")
		j.end()
		j.end()
	}
	j.end()
}

// rolePath gives the place of a role in a tree of files that does not exist.
func rolePath(arn string) string {
	account, name := splitRoleARN(arn)
	partition := "aws"
	if parts := strings.SplitN(arn, ":", 3); len(parts) == 3 && strings.HasPrefix(parts[1], "aws") {
		partition = parts[1]
	}
	return escapeURISegment(partition) + "/" + escapeURISegment(account) + "/role/" + escapeURISegment(name)
}

func sarifLevel(s attribute.Severity) string {
	switch {
	case s >= attribute.High:
		return "error"
	case s == attribute.Medium:
		return "warning"
	case s == attribute.Low:
		return "note"
	}
	return "none"
}

// securitySeverity gives the number that code-scanning views translate back
// into the severity: above 9 critical, from 7 high, from 4 medium, below low.
func securitySeverity(s attribute.Severity) string {
	switch s {
	case attribute.Critical:
		return "9.5"
	case attribute.High:
		return "8.0"
	case attribute.Medium:
		return "5.5"
	case attribute.Low:
		return "2.0"
	}
	return ""
}
