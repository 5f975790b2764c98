package report

import (
	"regexp"
	"strings"
	"testing"

	"github.com/trailscan/trailscan/internal/attribute"
)

// Whatever stands in a log, the form of the report is the same: the same
// headings, and tables whose rows have as many cells as their heads.
func TestMarkdownHostile(t *testing.T) {
	for _, s := range hostile {
		doc := write(t, writeMarkdown, hostileResult(s), hostileOptions(s))
		harmless(t, doc, true)
		var cells int
		for line := range strings.Lines(doc) {
			line = strings.TrimSuffix(line, "\n")
			if !strings.HasPrefix(line, "| ") {
				cells = 0
				continue
			}
			n := strings.Count(cellText(line), "|") - 1
			if cells == 0 {
				cells = n
			}
			if n != cells {
				t.Errorf("%q makes a row of %d cells, the head has %d: %s", s, n, cells, line)
			}
		}
		for _, tag := range regexp.MustCompile(`<[^>]*>?`).FindAllString(regexp.MustCompile("`[^`\n]*`").ReplaceAllString(doc, ""), -1) {
			if tag != "<code>" && tag != "</code>" {
				t.Errorf("%q gets %s into the report", s, tag)
			}
		}
	}
}

// cellText takes from a table's row what is escaped with a backslash, outside
// of code spans where a backslash is none.
func cellText(line string) string {
	line = regexp.MustCompile("`[^`]*`").ReplaceAllString(line, "")
	return regexp.MustCompile(`\\[[:punct:]]`).ReplaceAllString(line, "")
}

func TestMarkdownTop(t *testing.T) {
	doc := write(t, writeMarkdown, testResult(), Options{Top: 1})
	for _, want := range []string{"and 3 more findings: `--top 4` shows them all", "and 3 more session names: `--top 4` shows them all"} {
		if !strings.Contains(doc, want) {
			t.Errorf("no %q in\n%s", want, doc)
		}
	}
	if doc := write(t, writeMarkdown, testResult(), Options{Top: -1}); strings.Contains(doc, "--top") {
		t.Errorf("something is left out of everything:\n%s", doc)
	}
}

func TestMarkdownComparisonFirst(t *testing.T) {
	doc := write(t, writeMarkdown, testComparison(), testOptions())
	changes, findings := strings.Index(doc, "## Since the earlier report"), strings.Index(doc, "## Findings")
	if changes < 0 || changes > strings.Index(doc, "## Summary") || changes > findings {
		t.Errorf("what changed does not come first:\n%s", doc)
	}
	if doc := write(t, writeMarkdown, &attribute.Result{Baseline: &attribute.Comparison{}}, Options{}); !strings.Contains(doc, "0 findings new, 0 persisting, 0 resolved") {
		t.Errorf("no comparison in\n%s", doc)
	}
}

// What many findings say alike is said once, or it would fill a pull request.
func TestMarkdownGroups(t *testing.T) {
	finding := func(id, role, fix string) attribute.Finding {
		return attribute.Finding{
			ID: id, Rule: "generic-name", Severity: attribute.Medium, Title: "the title", Why: "the reason", Recommendation: fix,
			RoleARNs: []string{"arn:aws:iam::111122223333:role/" + role}, Names: attribute.FindingNames{Count: 1, Sample: []string{"test"}},
		}
	}
	for _, test := range []struct {
		fix   string // of the second finding
		fixes int
	}{{"the fix", 1}, {"another fix", 2}} {
		doc := write(t, writeMarkdown, &attribute.Result{Findings: []attribute.Finding{finding("a", "one", "the fix"), finding("b", "two", test.fix)}}, Options{})
		for text, want := range map[string]int{"### medium: generic-name": 1, "the title": 1, "the reason": 1, "What to do:": test.fixes, "role/one`": 1, "role/two`": 1} {
			if n := strings.Count(doc, text); n != want {
				t.Errorf("%q is there %d times, want %d:\n%s", text, n, want, doc)
			}
		}
	}
}
