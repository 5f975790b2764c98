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
