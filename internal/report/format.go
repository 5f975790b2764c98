// Package report shows a scan's result: as tables for people on a terminal, as
// Markdown and HTML for people elsewhere, and as CSV, JSON, JSON Lines, SARIF and
// OCSF for programs.
//
// Every string of a result was chosen by somebody who could write to a log.
// Each format therefore passes them through an escaper of its own (escape_*.go),
// so that a name stays a name: never markup, a formula, a terminal's control
// sequence or a build system's command.
//
// Formats write as they go and keep no copy of the report, and the same result
// gives the same bytes.
package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/trailscan/trailscan/internal/attribute"
)

// Format is one way to show a result.
type Format struct {
	// Name is what --format calls it.
	Name string
	// Endings are the file endings that stand for it, none for a format that is
	// for standard output only.
	Endings []string
	// Title says in a few words what it is for.
	Title string
	// Write writes the whole report to w, which need not be buffered. It ends with
	// the first error of w.
	Write func(w io.Writer, res *attribute.Result, opt Options) error
}

// Formats lists the formats in the order in which help shows them.
func Formats() []Format {
	return []Format{
		{"table", nil, "what a person wants first, for a terminal", writeTable},
		{"csv", []string{".csv"}, "one view as a sheet, for spreadsheets and scripts", writeCSV},
		{"json", []string{".json"}, "everything, for programs", writeJSON},
		{"jsonl", []string{".jsonl"}, "everything, one JSON object a line", writeJSONLines},
		{"html", []string{".html"}, "one page to look at in a browser", writeHTML},
		{"markdown", []string{".md"}, "for a pull request or a chat", writeMarkdown},
		{"sarif", []string{".sarif"}, "findings for code-scanning views", writeSARIF},
		{"ocsf", []string{".ocsf.json"}, "findings for security lakes", writeOCSF},
	}
}

// ByName finds the format that --format calls name.
func ByName(name string) (Format, error) {
	var names []string
	for _, f := range Formats() {
		if f.Name == name {
			return f, nil
		}
		names = append(names, f.Name)
	}
	return Format{}, fmt.Errorf("no format %q: use one of %s", name, strings.Join(names, ", "))
}

// ByEnding finds the format of a file from the ending of its path. Of two
// endings that fit the longer one counts, so that r.ocsf.json is no plain JSON
// report. Upper and lower case are the same.
func ByEnding(path string) (Format, error) {
	var best Format
	var length int
	var endings []string
	lower := strings.ToLower(path)
	for _, f := range Formats() {
		for _, e := range f.Endings {
			if strings.HasSuffix(lower, e) && len(e) > length {
				best, length = f, len(e)
			}
			endings = append(endings, e)
		}
	}
	if length == 0 {
		return Format{}, fmt.Errorf("no format has the ending of %s: use one of %s", path, strings.Join(endings, " "))
	}
	return best, nil
}

// The views of the table and of CSV: which rows they show.
const (
	ViewSummary  = "summary"  // what was read and how much of it is attributed
	ViewNames    = "names"    // session names and their origins
	ViewOrigins  = "origins"  // apps and people
	ViewFindings = "findings" // what is wrong and how to fix it
	ViewSessions = "sessions" // single issuances of a role
)

// Views lists the views in the order in which help shows them.
func Views() []string {
	return []string{ViewSummary, ViewNames, ViewOrigins, ViewFindings, ViewSessions}
}

// Options say how a report is shown. The zero value is a plain, complete report.
type Options struct {
	// View is one of Views. Empty is the format's own choice: names for CSV; for
	// the table the summary, then findings and names. Other formats take no notice.
	View string
	// Top is how many rows of a kind the table, Markdown and CSV show: 0 is the
	// format's own choice (DefaultTop for table and Markdown, all for CSV), less
	// than 0 all. The other formats are always complete.
	Top int
	// Width is the number of columns that the table may fill; 0 is DefaultWidth.
	Width int
	// Whole leaves words that are wider than that in one piece, as ARNs are, for
	// who copies from the text or searches it. Cells of tables are shortened.
	Whole bool
	// Color lets the table use a terminal's colours. They never carry a meaning of
	// their own.
	Color bool
	// Workers is how many goroutines make what is written; below 2 there is none
	// beside the caller's.
	Workers int
	// Tool is the program that writes the report.
	Tool Tool
	// AccountNames are people's names for accounts, by account id.
	AccountNames map[string]string
	// Rules are the rules that ran, in their order. SARIF shows their text.
	Rules []RuleInfo
}

// Tool names the program that writes a report.
type Tool struct{ Name, Version string }

// RuleInfo is the text of one rule.
type RuleInfo struct {
	ID       string
	Title    string // what it finds, in a few words
	Why      string // why it matters
	Fix      string // what to do
	Severity attribute.Severity
}

// DefaultTop is how many rows of a kind people are shown unless they ask for
// another number.
const DefaultTop = 20

// DefaultWidth is the number of columns of a terminal that does not tell.
const DefaultWidth = 80
