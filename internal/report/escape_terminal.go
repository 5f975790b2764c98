package report

import "strings"

// escapeTerminal makes s, which somebody chose who could write to a log, safe
// to print on one line of a terminal, of a text file or of a build's output.
//
// Characters that do not show or that change how their neighbours show (control
// characters with ESC and C1, bidirectional marks, zero-width characters, line
// breaks) and bytes that are no UTF-8 become visible: \x1b, \u202e, \n. A text
// that a build system would take for a command (see escapeCommands) is
// disarmed.
func escapeTerminal(s string) string { return escapeCommands(sightly(s, false)) }

// EscapeLine makes one line of s that is safe to print beside a report: names
// from logs, buckets and files reach messages, and a terminal or a build system
// would obey what stands in them. Line breaks and tabs become spaces.
func EscapeLine(s string) string {
	return escapeTerminal(strings.NewReplacer("\n", " ", "\t", " ", "\r", " ").Replace(s))
}

// escapeCommands takes from s what makes a build system obey a line of output:
// :: at its start for GitHub Actions, and ##[ and ##vso[ anywhere in it for
// GitHub's older form and Azure Pipelines. The first character becomes visible
// as its code: \x3a: and \x23#[.
//
// https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands
// https://learn.microsoft.com/en-us/azure/devops/pipelines/scripts/logging-commands
func escapeCommands(s string) string {
	if head := len(s) - len(strings.TrimLeft(s, " ")); strings.HasPrefix(s[head:], "::") {
		s = s[:head] + `\x3a` + s[head+1:]
	}
	return escapeMarks(s)
}

// escapeMarks is escapeCommands for what a build system looks for anywhere in a
// line.
func escapeMarks(s string) string {
	if !strings.Contains(s, "##") {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if commandLength(s[i:]) > 0 {
			b.WriteString(`\x23`)
			continue
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// commandLength gives the length of the mark with which s begins if a build
// system looks for it anywhere in a line, and 0 otherwise.
func commandLength(s string) int {
	for _, mark := range [...]string{"##[", "##vso["} {
		if len(s) >= len(mark) && strings.EqualFold(s[:len(mark)], mark) {
			return len(mark)
		}
	}
	return 0
}
