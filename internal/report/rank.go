package report

import (
	"cmp"
	"slices"

	"github.com/trailscan/trailscan/internal/attribute"
)

// rankFindings orders findings for people: what is open before what the
// configuration ignores and what is resolved, then the most severe first.
func rankFindings(findings []attribute.Finding) []*attribute.Finding {
	list := make([]*attribute.Finding, len(findings))
	for i := range findings {
		list[i] = &findings[i]
	}
	slices.SortStableFunc(list, func(a, b *attribute.Finding) int {
		return cmp.Or(cmp.Compare(rest(a), rest(b)), cmp.Compare(b.Severity, a.Severity))
	})
	return list
}

// rest is 0 for a finding that asks for something to be done.
func rest(f *attribute.Finding) int {
	switch {
	case f.Status == statusResolved:
		return 2
	case f.Ignored != "":
		return 1
	}
	return 0
}

// statusResolved is the status of a finding that only the baseline has.
const statusResolved = "resolved"

// countOpen counts the findings that ask for something to be done.
func countOpen(findings []attribute.Finding) map[attribute.Severity]int64 {
	count := make(map[attribute.Severity]int64)
	for i := range findings {
		if f := &findings[i]; rest(f) == 0 {
			count[f.Severity]++
		}
	}
	return count
}

// worst gives for each session name the severity of its worst open finding.
func worst(res *attribute.Result) []attribute.Severity {
	return severities(res.Names, active(res.Findings))
}

// firingKey is what a finding is known by to the names that it covers: its rule
// and role and, where it is about one name and not about all of a role, that name.
type firingKey struct{ rule, role, name string }

// firing gives the severity with which each rule fires, nothing where that is
// ignored.
type firing map[firingKey]attribute.Severity

func active(findings []attribute.Finding) firing {
	m := make(firing)
	for i := range findings {
		f := &findings[i]
		if findingState(f) != "" {
			continue
		}
		for _, arn := range f.RoleARNs {
			k := firingKey{f.Rule, arn, aboutName(f)}
			m[k] = max(m[k], f.Severity)
		}
	}
	return m
}

// aboutName gives the one name that a finding is about, empty where it is about
// the names of a role.
func aboutName(f *attribute.Finding) string {
	if f.Rule == ruleCollision && len(f.Names.Sample) == 1 {
		return f.Names.Sample[0]
	}
	return ""
}

// severity gives the severity with which a rule fires on a name, None where that is
// ignored.
func (m firing) severity(n *attribute.SessionName, rule string) attribute.Severity {
	k := firingKey{rule: rule, role: n.RoleARN}
	if rule == ruleCollision {
		k.name = n.SessionName
	}
	return m[k]
}

// severities gives the severity of the worst finding on each name.
func severities(names []attribute.SessionName, on firing) []attribute.Severity {
	s := make([]attribute.Severity, len(names))
	for i := range names {
		n := &names[i]
		for _, rule := range n.Findings {
			s[i] = max(s[i], on.severity(n, rule))
		}
	}
	return s
}
