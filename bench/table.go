package main

import (
	"fmt"
	"io"
	"strings"
)

// row is one line of the table.
type row struct {
	what   string
	bar    string // as it is written, such as "≥ 0.65"
	result string
	met    bool
	note   string
}

// table is what was measured so far.
type table struct {
	rows    []row
	missing []string // what could not be compared with
}

// atLeast adds a figure that should be no less than its bar.
func (t *table) atLeast(what string, bar, got float64, note string, args ...any) {
	t.add(what, fmt.Sprintf("≥ %g", bar), fmt.Sprintf("%.2f", got), got >= bar, note, args...)
}

// atMost adds a figure that should be no more than its bar.
func (t *table) atMost(what string, bar, got float64, note string, args ...any) {
	t.add(what, fmt.Sprintf("≤ %g", bar), fmt.Sprintf("%.2f", got), got <= bar, note, args...)
}

func (t *table) add(what, bar, result string, met bool, note string, args ...any) {
	t.rows = append(t.rows, row{what, bar, result, met, fmt.Sprintf(note, args...)})
}

// lacks notes what is not installed.
func (t *table) lacks(what, why string, args ...any) {
	t.missing = append(t.missing, what+": "+fmt.Sprintf(why, args...))
}

// write writes the table as Markdown.
func (t *table) write(w io.Writer) error {
	var b strings.Builder
	b.WriteString("| what | bar | measured | | how |\n| --- | --- | --- | --- | --- |\n")
	for _, r := range t.rows {
		verdict := "met"
		if !r.met {
			verdict = "**below**"
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |\n", r.what, r.bar, r.result, verdict, r.note)
	}
	for i, m := range t.missing {
		if i == 0 {
			b.WriteString("\nNot compared:\n\n")
		}
		fmt.Fprintf(&b, "- %s\n", m)
	}
	_, err := io.WriteString(w, b.String())
	return err
}
