package report

import (
	"fmt"
	"strings"
)

// markdownCode gives s as a code span, for values such as names and ids. It may
// stand anywhere in a line, in the cell of a table too.
//
// Nothing in a code span is markup, a link, a mention of a user or of an issue.
// What a span cannot hold in a table (the bar), or not without a look around
// (backquotes, spaces at its ends), is written as HTML's code element with
// character references, which Markdown does not take for markup either.
func markdownCode(s string) string {
	s = escapeTerminal(s)
	if s != "" && !strings.ContainsAny(s, "`|") && s == strings.Trim(s, " ") {
		return "`" + s + "`"
	}
	var b strings.Builder
	b.WriteString("<code>")
	for _, r := range s {
		if r < 0x80 && r != ' ' && !isLetterOrDigit(byte(r)) || s == " " {
			fmt.Fprintf(&b, "&#%d;", r)
		} else {
			b.WriteRune(r)
		}
	}
	b.WriteString("</code>")
	return b.String()
}

// markdownText gives s as text of a paragraph, a heading, a list's item or a
// table's cell, for prose that holds values here and there.
//
// All that CommonMark, GitHub's and GitLab's dialects take for markup is
// escaped. Mentions (@name), references (#1, GH-1) and bare addresses are found
// by those in the finished text, where no escape helps: they are broken by a
// character without width.
func markdownText(s string) string {
	const gap = "&#8203;" // zero-width space
	s = strings.TrimSpace(escapeTerminal(s))
	// What begins a list or underlines a heading does so only at the start.
	start := len(s) - len(strings.TrimLeft(s, "0123456789"))
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case i == start && strings.IndexByte("-+=.)", c) >= 0:
			b.WriteByte('\\')
			b.WriteByte(c)
		case c == '&':
			b.WriteString("&amp;")
		case c == '<':
			b.WriteString("&lt;")
		case c == '>':
			b.WriteString("&gt;")
		case c == '_' && i > 0 && i < len(s)-1 && isLetterOrDigit(s[i-1]) && isLetterOrDigit(s[i+1]):
			b.WriteByte(c) // within a word it is no markup: STRING_VALUE
		case strings.IndexByte("\\`*_[]|~$", c) >= 0:
			b.WriteByte('\\')
			b.WriteByte(c)
		case c == '@' || c == '#':
			b.WriteByte(c)
			b.WriteString(gap)
		case c == ':' && strings.HasPrefix(s[i+1:], "//"):
			b.WriteString(":" + gap)
		case (c == 'w' || c == 'W') && len(s) >= i+4 && strings.EqualFold(s[i:i+4], "www."):
			b.WriteByte(c)
			b.WriteString(gap)
		case c == '-' && i >= 2 && strings.EqualFold(s[i-2:i], "gh"):
			b.WriteString("-" + gap)
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}

func isLetterOrDigit(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}
