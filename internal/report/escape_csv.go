package report

import (
	"strings"
	"unicode/utf8"
)

// escapeCSV makes s safe as the cell of a file that people open in a
// spreadsheet. Quoting is the CSV writer's business and comes after it.
//
// A cell that a spreadsheet would take for a formula gets an apostrophe in
// front, which marks it as text. Formulas begin with = + - or @, in full width
// too; a tab or a line break before them is skipped by some programs. Where the
// list separator is the semicolon, as in much of Europe, a spreadsheet cuts
// cells at it even inside quotes that do not begin the cell, so that what
// follows a semicolon is treated like the start of a cell.
//
// What does not show on a terminal becomes visible as in escapeTerminal, so
// that every row stays one line.
//
// https://owasp.org/www-community/attacks/CSV_Injection
func escapeCSV(s string) string {
	formula := startsFormula(s)
	if !formula && csvPlain(s) {
		return s
	}
	s = escapeTerminal(s)
	var b strings.Builder
	if formula {
		b.WriteByte('\'')
	}
	for {
		i := strings.IndexByte(s, ';')
		if i < 0 {
			b.WriteString(s)
			return b.String()
		}
		b.WriteString(s[:i+1])
		s = s[i+1:]
		if startsFormula(s) {
			b.WriteByte('\'')
		}
	}
}

// csvPlain reports whether s is of the characters that need no second look.
func csvPlain(s string) bool {
	for i := 0; i < len(s); i++ {
		if c := s[i]; c < ' ' || c >= 0x7f || c == ';' || c == '#' || c == ':' && i == 0 {
			return false
		}
	}
	return !strings.HasPrefix(s, " ")
}

// startsFormula reports whether a spreadsheet may take s for a formula.
func startsFormula(s string) bool {
	r, _ := utf8.DecodeRuneInString(s)
	switch r {
	case '=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠':
		return true
	}
	return false
}
