package report

import (
	"strings"
	"testing"
	"unicode/utf8"
)

// harmless fails if text would do something to a terminal or a build system
// that prints it. Lines may end, unless it is one line.
func harmless(t testing.TB, text string, lines bool) {
	t.Helper()
	if !utf8.ValidString(text) {
		t.Errorf("no UTF-8: %q", excerpt(text))
	}
	for _, r := range text {
		if unseen(r) && !(lines && r == '\n') {
			t.Errorf("%U stands in the open in %q", r, excerpt(text))
			return
		}
	}
	for line := range strings.Lines(text) {
		if strings.HasPrefix(strings.TrimSpace(line), "::") {
			t.Errorf("a workflow command: %q", line)
		}
		if l := strings.ToLower(line); strings.Contains(l, "##[") || strings.Contains(l, "##vso[") {
			t.Errorf("a build command: %q", excerpt(line))
		}
	}
}

func excerpt(s string) string { return s[:min(len(s), 300)] }
