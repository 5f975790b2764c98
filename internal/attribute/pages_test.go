package attribute

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

var updatePages = flag.Bool("update", false, "write the pages of the rules anew")

// TestRulePages holds the pages in docs/rules against the rules' own texts and
// against what the rules find in their cases; -update writes them anew.
func TestRulePages(t *testing.T) {
	dir := filepath.Join("..", "..", "docs", "rules")
	var names []string
	for _, rule := range Rules() {
		name := rule.ID + ".md"
		names = append(names, name)
		want := rulePage(t, rule)
		if *updatePages {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(want), 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		got, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil || string(got) != want {
			t.Errorf("docs/rules/%s is out of date (%v): go test ./internal/attribute -run TestRulePages -update", name, err)
		}
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if !slices.Contains(names, e.Name()) {
			t.Errorf("docs/rules/%s is no rule's page", e.Name())
		}
	}
}

func rulePage(t *testing.T, rule Rule) string {
	t.Helper()
	cases := filepath.Join("testdata", "rules", rule.ID)
	fires, err := filepath.Glob(filepath.Join(cases, "fires-*.txt"))
	if err != nil || len(fires) == 0 {
		t.Fatalf("rule %s has no case in which it fires: %v", rule.ID, err)
	}
	silent, err := filepath.Glob(filepath.Join(cases, "silent-*.txt"))
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(fires[0])
	if err != nil {
		t.Fatal(err)
	}
	c := readCase(t, fires[0])
	res := audit(t, Options{Config: c.config, Today: time.Date(2026, 11, 24, 0, 0, 0, 0, time.UTC)}, c.records...)
	i := slices.IndexFunc(res.Findings, func(f Finding) bool { return f.Rule == rule.ID })
	if i < 0 {
		t.Fatalf("%s: no finding of %s", fires[0], rule.ID)
	}
	finding := res.Findings[i]

	var b strings.Builder
	fmt.Fprintf(&b, "# %s\n\n", rule.ID)
	fmt.Fprintf(&b, "**%s, severity %s.** Fires when %s.\n\n", rule.Title, rule.Severity, markdownText(rule.When))
	fmt.Fprintf(&b, "## Why it matters\n\n%s\n\n", markdownText(rule.Why))
	fmt.Fprintf(&b, "## What to do\n\n%s\n\n", markdownText(rule.Fix))
	fmt.Fprintf(&b, "## An example\n\nThese are events of one day, a line each: `assume` tells who opened a session of\nwhich role under which name, and the key that it got; `call` tells the role and\nthe name of a session that called something, its key and when it began; `want` is\nwhat must be found.\n\n")
	fmt.Fprintf(&b, "```\n%s\n```\n\n", strings.TrimRight(string(text), "\n"))
	fmt.Fprintf(&b, "Of them the rule says:\n\n")
	fmt.Fprintf(&b, "- **Role:** %s\n", strings.Join(codes(finding.RoleARNs), ", "))
	fmt.Fprintf(&b, "- **Session names:** %s\n", strings.Join(codes(finding.Names.Sample), ", "))
	fmt.Fprintf(&b, "- **Seen:** %s\n", markdownText(finding.Detail))
	fmt.Fprintf(&b, "- **To do:** %s\n\n", markdownText(finding.Recommendation))
	fmt.Fprintf(&b, "The cases that the tests hold it to: it fires in %s; it stays silent in %s.\n\n", links(rule.ID, fires), links(rule.ID, silent))
	fmt.Fprintf(&b, "## Settings\n\nIn the file that `--config` names, this switches the rule off:\n\n```yaml\nrules:\n  %s: off\n```\n\n", rule.ID)
	fmt.Fprintf(&b, "[All rules](../../README.md#rules)\n\n")
	fmt.Fprintf(&b, "<!-- Made from the rule's own text and its first case: go test ./internal/attribute -run TestRulePages -update -->\n")
	return b.String()
}

// links names cases after their files and links to them.
func links(rule string, files []string) string {
	var out []string
	for _, f := range files {
		name := strings.TrimSuffix(filepath.Base(f), ".txt")
		_, what, _ := strings.Cut(name, "-")
		out = append(out, fmt.Sprintf("[%s](../../internal/attribute/testdata/rules/%s/%s.txt)", strings.ReplaceAll(what, "-", " "), rule, name))
	}
	return strings.Join(out, ", ")
}

func codes(list []string) []string {
	var out []string
	for _, s := range list {
		out = append(out, "`"+s+"`")
	}
	return out
}

// markdownText keeps the characters of a text from being markup.
func markdownText(s string) string {
	return strings.NewReplacer("*", `\*`, "_", `\_`, "<", `\<`, "`", "\\`").Replace(s)
}
