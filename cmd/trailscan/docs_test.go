package main

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"html"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/spf13/pflag"

	"github.com/trailscan/trailscan/internal/attribute"
	"github.com/trailscan/trailscan/internal/report"
)

var update = flag.Bool("update", false, "write the generated parts of the documentation anew")

// repository is its root, as seen from here.
const repository = "../.."

func readDoc(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(repository, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestDocs holds what the documentation takes from the program against the
// program; -update writes it anew.
func TestDocs(t *testing.T) {
	readme := readDoc(t, "README.md")
	for _, block := range []struct{ name, text string }{
		{"formats", formatTable()},
		{"views", viewTable(t)},
		{"statuses", statusTable(t)},
		{"rules", ruleTable()},
		{"flags", flagTables()},
	} {
		begin, end := "<!-- "+block.name+" -->\n", "<!-- /"+block.name+" -->"
		before, rest, ok := strings.Cut(readme, begin)
		_, after, closed := strings.Cut(rest, end)
		if !ok || !closed {
			t.Fatalf("README.md has no %s...%s", begin, end)
		}
		readme = before + begin + "\n" + block.text + "\n" + end + after
	}
	checkDoc(t, "README.md", readme)
	checkDoc(t, "docs/terminal.svg", terminalPicture(t))
}

func checkDoc(t *testing.T, name, want string) {
	t.Helper()
	path := filepath.Join(repository, name)
	got, err := os.ReadFile(path)
	if *update {
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if err != nil || string(got) != want {
		t.Errorf("%s is out of date (%v): go test ./cmd/trailscan -run TestDocs -update", name, err)
	}
}

// cell makes a text fit into a cell of a Markdown table.
func cell(s string) string { return strings.ReplaceAll(s, "|", `\|`) }

// code shows a text as code.
func code(s string) string { return "`" + cell(s) + "`" }

func formatTable() string {
	var b strings.Builder
	b.WriteString("| `--format` | `-o` ending | for what |\n| --- | --- | --- |\n")
	for _, f := range report.Formats() {
		var endings []string
		for _, e := range f.Endings {
			endings = append(endings, code(e))
		}
		fmt.Fprintf(&b, "| %s | %s | %s |\n", code(f.Name), strings.Join(endings, " "), cell(f.Title))
	}
	return b.String()
}

// viewTable tells the views with the columns that they have as CSV.
func viewTable(t *testing.T) string {
	t.Helper()
	csv, err := report.ByName("csv")
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	b.WriteString("| `--view` | columns of the CSV |\n| --- | --- |\n")
	for _, view := range report.Views() {
		var out bytes.Buffer
		if err := csv.Write(&out, &attribute.Result{}, report.Options{View: view}); err != nil {
			t.Fatal(err)
		}
		head, _, _ := strings.Cut(out.String(), "\r\n")
		var columns []string
		for c := range strings.SplitSeq(head, ",") {
			columns = append(columns, code(c))
		}
		fmt.Fprintf(&b, "| %s | %s |\n", code(view), strings.Join(columns, ", "))
	}
	return b.String()
}

func statusTable(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	b.WriteString("| exit status | meaning |\n| --- | --- |\n")
	lines := strings.Split(scanStatuses, "\n")
	for _, line := range lines[1:] {
		status, meaning, ok := strings.Cut(strings.TrimSpace(line), " ")
		if _, err := strconv.Atoi(status); !ok || err != nil {
			t.Fatalf("%q tells no exit status", line)
		}
		fmt.Fprintf(&b, "| %s | %s |\n", status, cell(strings.TrimSpace(meaning)))
	}
	return b.String()
}

func ruleTable() string {
	var b strings.Builder
	b.WriteString("| rule | severity | fires when |\n| --- | --- | --- |\n")
	for _, r := range attribute.Rules() {
		fmt.Fprintf(&b, "| [%s](docs/rules/%s.md) | %s | %s |\n", r.ID, r.ID, r.Severity, cell(r.When))
	}
	return b.String()
}

// flagTables tells the flags of the scan group by group, then those that other
// commands have beside the input flags.
func flagTables() string {
	now := noon
	var b strings.Builder
	known := map[string]bool{"help": true, "version": true}
	for _, g := range newScanFlags(now).groups() {
		flagTable(&b, "**"+g.title+"**", g.flags, known)
	}
	known = map[string]bool{"help": true}
	for _, g := range newInputFlags(now).groups() {
		g.flags.VisitAll(func(f *pflag.Flag) { known[f.Name] = true })
	}
	for _, cmd := range commands(process{now: func() time.Time { return now }}) {
		if cmd.IsAvailableCommand() {
			flagTable(&b, "**`trailscan "+cmd.Name()+"`**, beside those for source, window, filters, AWS and running", cmd.Flags(), known)
		}
	}
	return strings.TrimSuffix(b.String(), "\n")
}

func flagTable(b *strings.Builder, title string, flags *pflag.FlagSet, known map[string]bool) {
	var rows strings.Builder
	flags.SortFlags = false // in the order of the help
	flags.VisitAll(func(f *pflag.Flag) {
		if known[f.Name] || f.Hidden {
			return
		}
		value, usage := pflag.UnquoteUsage(f)
		name := "--" + f.Name
		if f.Shorthand != "" {
			name = "-" + f.Shorthand + ", " + name
		}
		switch {
		case f.Value.Type() == "bool":
		case f.NoOptDefVal != "":
			name += "[=" + f.NoOptDefVal + "]"
		case value != "":
			name += " " + value
		}
		if f.Value.Type() != "bool" && f.DefValue != "" {
			usage += " (default " + f.DefValue + ")"
		}
		fmt.Fprintf(&rows, "| %s | %s |\n", code(name), cell(strings.ReplaceAll(usage, "*", `\*`)))
	})
	if rows.Len() > 0 {
		fmt.Fprintf(b, "%s\n\n| flag | meaning |\n| --- | --- |\n%s\n", title, rows.String())
	}
}

// scanOf runs a scan of the repository's small trails as far as its result.
func scanOf(t *testing.T, path string) (*attribute.Result, report.Options) {
	t.Helper()
	p := process{stdout: io.Discard, stderr: io.Discard, getenv: func(string) string { return "" }, now: func() time.Time { return noon }}
	plan, err := newScanFlags(noon).plan([]string{path}, noon)
	if err != nil {
		t.Fatal(err)
	}
	res, err := plan.read(context.Background(), p, newNotes(io.Discard, "error", true))
	if err != nil {
		t.Fatal(err)
	}
	return res, plan.show(p)
}

// terminalPicture draws what the README's first command prints on a terminal
// with colours.
func terminalPicture(t *testing.T) string {
	t.Helper()
	const columns = 100
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(repository)
	res, opt := scanOf(t, "testdata/trails")
	t.Chdir(here)
	opt.Color, opt.Width = true, columns
	opt.Tool.Version = "(devel)" // as "go run" has it, whatever the test's binary says
	table, err := report.ByName("table")
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := table.Write(&out, res, opt); err != nil {
		t.Fatal(err)
	}
	return drawTerminal("$ go run ./cmd/trailscan testdata/trails\n"+out.String(), columns)
}

var (
	escapeSequence = regexp.MustCompile(`\x1b\[([0-9;]*)m`)
	runForm        = regexp.MustCompile(`\S+( \S+)*`)
)

// drawTerminal draws lines of text with colours as SVG.
func drawTerminal(text string, columns int) string {
	const charWidth, lineHeight, margin = 7.8, 18, 14
	styles := map[string]string{
		"": "", "0": "",
		"1": ` font-weight="bold"`, "2": ` fill="#8b949e"`, "32": ` fill="#3fb950"`, "33": ` fill="#d29922"`,
		"1;31": ` fill="#ff7b72" font-weight="bold"`,
	}
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	width, height := int(float64(columns)*charWidth)+2*margin, len(lines)*lineHeight+2*margin
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d">`+"\n", width, height, width, height)
	fmt.Fprintf(&b, `<rect width="100%%" height="100%%" rx="8" fill="#0d1117"/>`+"\n")
	fmt.Fprintf(&b, `<g font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace" font-size="13" fill="#e6edf3">`+"\n")
	for i, line := range lines {
		column, style := 0, ""
		// draw puts each run of words where a terminal would, whatever the font;
		// SVG makes one space of several.
		draw := func(s string) {
			for _, m := range runForm.FindAllStringIndex(s, -1) {
				run := s[m[0]:m[1]]
				at := column + utf8.RuneCountInString(s[:m[0]])
				fmt.Fprintf(&b, `<text x="%.1f" y="%d" textLength="%.1f"%s>%s</text>`+"\n", margin+float64(at)*charWidth,
					margin+(i+1)*lineHeight-5, float64(utf8.RuneCountInString(run))*charWidth, styles[style], html.EscapeString(run))
			}
			column += utf8.RuneCountInString(s)
		}
		for {
			m := escapeSequence.FindStringSubmatchIndex(line)
			if m == nil {
				draw(line)
				break
			}
			draw(line[:m[0]])
			style, line = line[m[2]:m[3]], line[m[1]:]
		}
	}
	b.WriteString("</g>\n</svg>\n")
	return b.String()
}

// TestReadmeCommands holds the two commands that a newcomer, and CI, takes from
// the README.
func TestReadmeCommands(t *testing.T) {
	readme := readDoc(t, "README.md")
	var commands []string
	for line := range strings.Lines(readme) {
		if c, ok := strings.CutPrefix(strings.TrimRight(line, "\n"), "$ "); ok {
			commands = append(commands, c)
		}
	}
	want := []string{"go run ./cmd/trailscan testdata/trails", "go test ./... && go -C itest test ./..."}
	if !slices.Equal(commands, want) {
		t.Errorf("the README's commands are %q, want %q", commands, want)
	}
	for _, m := range regexp.MustCompile(`(?m)^\tKind\w+\s*=\s*"(.*)"$`).FindAllStringSubmatch(readDoc(t, "internal/attribute/origin.go"), -1) {
		if !strings.Contains(readme, "| `"+m[1]+":") && !strings.Contains(readme, "| `"+m[1]+"`") {
			t.Errorf("the README does not tell what an origin %s is", m[1])
		}
	}
	// What the README says in numbers
	for _, want := range []string{
		fmt.Sprintf("first %d values in sorted order", attribute.SampleSize),
		fmt.Sprintf("The default is the last %d hours", int(defaultWindow.Hours())),
	} {
		if !strings.Contains(strings.Join(strings.Fields(readme), " "), want) {
			t.Errorf("the README does not say %q", want)
		}
	}
}

var (
	linkForm    = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	headingForm = regexp.MustCompile(`(?m)^#+ (.*)$`)
	fenceForm   = regexp.MustCompile("(?ms)^```.*?^```$")
)

// TestLinks follows the links from one page of the documentation to the next.
func TestLinks(t *testing.T) {
	pages := []string{"README.md", "ARCHITECTURE.md", "CHANGELOG.md", "testdata/trails/README.md"}
	rules, err := filepath.Glob(filepath.Join(repository, "docs/rules/*.md"))
	if err != nil || len(rules) != len(attribute.Rules()) {
		t.Errorf("%d pages for %d rules: %v", len(rules), len(attribute.Rules()), err)
	}
	for _, r := range rules {
		pages = append(pages, "docs/rules/"+filepath.Base(r))
	}
	for _, page := range pages {
		text := fenceForm.ReplaceAllString(readDoc(t, page), "")
		for _, m := range linkForm.FindAllStringSubmatch(text, -1) {
			if strings.HasPrefix(m[1], "https://") {
				continue
			}
			file, anchor, _ := strings.Cut(m[1], "#")
			target := page
			if file != "" {
				target = filepath.Join(filepath.Dir(page), file)
			}
			if _, err := os.Stat(filepath.Join(repository, target)); err != nil {
				t.Errorf("%s links to %s: %v", page, m[1], err)
				continue
			}
			if anchor != "" && !slices.Contains(anchors(readDoc(t, target)), anchor) {
				t.Errorf("%s links to %s, which is no heading", page, m[1])
			}
		}
	}
}

// anchors are the ids that GitHub gives the headings of a page.
func anchors(text string) []string {
	var ids []string
	for _, m := range headingForm.FindAllStringSubmatch(fenceForm.ReplaceAllString(text, ""), -1) {
		id := strings.ToLower(regexp.MustCompile("[^A-Za-z0-9 _-]").ReplaceAllString(m[1], ""))
		ids = append(ids, strings.ReplaceAll(id, " ", "-"))
	}
	return ids
}

// TestPolicy holds the IAM policy of the documentation to what the program can
// call: no less, no more, and nowhere else.
func TestPolicy(t *testing.T) {
	var policy struct {
		Version   string
		Statement []struct {
			Sid, Effect      string
			Action, Resource any
			Condition        map[string]map[string]any
		}
	}
	dec := json.NewDecoder(strings.NewReader(readDoc(t, "docs/iam-policy.json")))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&policy); err != nil {
		t.Fatal(err)
	}
	if policy.Version != "2012-10-17" {
		t.Errorf("version %q", policy.Version)
	}
	readme := readDoc(t, "README.md")
	allowed := map[string]bool{}
	for _, s := range policy.Statement {
		if s.Effect != "Allow" || !strings.Contains(readme, "`"+s.Sid+"`") {
			t.Errorf("statement %s: %s, which the README must explain", s.Sid, s.Effect)
		}
		actions, resource := []any{s.Action}, fmt.Sprint(s.Resource)
		if list, ok := s.Action.([]any); ok {
			actions = list
		}
		for _, a := range actions {
			action := fmt.Sprint(a)
			allowed[action] = true
			// These are the only ones that AWS does not tie to a resource.
			anywhere := strings.HasPrefix(action, "cloudtrail:") || strings.HasPrefix(action, "account:")
			if strings.Contains(action, "*") || anywhere != (resource == "*") {
				t.Errorf("statement %s allows %s on %s", s.Sid, action, resource)
			}
		}
	}
	needed := map[string]bool{
		"kms:Decrypt": true, // S3 asks for it in the caller's name
	}
	actions := map[string]string{
		"s3.ListObjectsV2":          "s3:ListBucket",
		"s3.HeadBucket":             "s3:ListBucket",
		"s3.GetObject":              "s3:GetObject",
		"s3.PutObject":              "s3:PutObject",
		"cloudtrail.LookupEvents":   "cloudtrail:LookupEvents",
		"cloudtrail.ListPublicKeys": "cloudtrail:ListPublicKeys",
		"account.ListRegions":       "account:ListRegions",
	}
	for _, operation := range calledOperations(t) {
		if ofAthena(operation) {
			continue // docs/iam-athena.json has it
		}
		if actions[operation] == "" {
			t.Errorf("the program calls %s: add what it takes to docs/iam-policy.json, the README and this test", operation)
		}
		needed[actions[operation]] = true
	}
	for action := range needed {
		if !allowed[action] {
			t.Errorf("the policy does not allow %s", action)
		}
	}
	for action := range allowed {
		if !needed[action] {
			t.Errorf("the policy allows %s, which nothing calls", action)
		}
	}
}

// TestNoTokens: what the README says about secrets. The assume events of the
// small trails hold session tokens, as real ones do.
func TestNoTokens(t *testing.T) {
	const trails = repository + "/testdata/trails"
	var tokens []string
	for _, record := range trailRecords(t, trails) {
		for _, m := range regexp.MustCompile(`"sessionToken": ?"([^"]{40})`).FindAllSubmatch(record, -1) {
			tokens = append(tokens, string(m[1]))
		}
	}
	if len(tokens) == 0 {
		t.Fatal("no record holds a session token")
	}
	res, opt := scanOf(t, trails)
	for _, f := range report.Formats() {
		for _, view := range report.Views() {
			opt.View, opt.Top = view, -1
			var out bytes.Buffer
			if err := f.Write(&out, res, opt); err != nil {
				t.Fatal(err)
			}
			for _, token := range tokens {
				if strings.Contains(out.String(), token) {
					t.Fatalf("a report as %s, view %s, holds a session token", f.Name, view)
				}
			}
		}
	}
}
