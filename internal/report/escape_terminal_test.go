package report

import (
	"strings"
	"testing"
)

func TestEscapeTerminal(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"", ""},
		{"STRING_VALUE", "STRING_VALUE"},
		{"alice@example.com", "alice@example.com"},
		{"日本語 é", "日本語 é"},
		{"\x1b[31mred\x1b[0m", `\x1b[31mred\x1b[0m`},
		{"\u009b31m", `\u009b31m`},
		{"a\nb\rc\td\x00\x7f", `a\nb\rc\td\x00\x7f`},
		{"user\u202egnp.exe", `user\u202egnp.exe`},
		{"\u2066a\u2069\u200e", `\u2066a\u2069\u200e`},
		{"pay\u200bpal\ufeff\u00ad", `pay\u200bpal\ufeff\u00ad`},
		{"\u2028\u2029", `\u2028\u2029`},
		{"\U000e0041", `\U000e0041`},
		{"bad \xff\xc3(", `bad \xff\xc3(`},
		{"::error::x", `\x3a:error::x`},
		{"  ::error::x", `  \x3a:error::x`},
		{"2001:db8::1", "2001:db8::1"},
		{"##[error]x and ##vso[y] and ##VSO[z] and ##x", `\x23#[error]x and \x23#vso[y] and \x23#VSO[z] and ##x`},
		{"###[x]", `#\x23#[x]`},
	} {
		if got := escapeTerminal(c.in); got != c.want {
			t.Errorf("%q gives %q, want %q", c.in, got, c.want)
		}
	}
}

func FuzzEscapeTerminal(f *testing.F) {
	for _, s := range hostile {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := escapeTerminal(s)
		harmless(t, got, false)
		if again := escapeTerminal(got); again != got {
			t.Errorf("%q gives %q, and that gives %q", s, got, again)
		}
		if letters := func(r rune) rune {
			if r < 0x80 && isLetterOrDigit(byte(r)) {
				return r
			}
			return -1
		}; len(strings.Map(letters, got)) < len(strings.Map(letters, s)) {
			t.Errorf("%q lost letters: %q", s, got)
		}
	})
}
