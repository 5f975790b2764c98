package report

import (
	"html"
	"regexp"
	"strings"
	"testing"
)

func TestMarkdownCode(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"STRING_VALUE", "`STRING_VALUE`"},
		{"<script>", "`<script>`"},
		{"@octocat #1 [x](y) *z*", "`@octocat #1 [x](y) *z*`"},
		{`a\`, "`a\\`"},
		{"", "<code></code>"},
		{" ", "<code>&#32;</code>"},
		{" x", "<code> x</code>"},
		{"a|b", "<code>a&#124;b</code>"},
		{`a\|b`, "<code>a&#92;&#124;b</code>"},
		{"`x`", "<code>&#96;x&#96;</code>"},
		{"`</code><b>", "<code>&#96;&#60;&#47;code&#62;&#60;b&#62;</code>"},
		{"two\nlines", "`two\\nlines`"},
	} {
		if got := markdownCode(c.in); got != c.want {
			t.Errorf("%q gives %s, want %s", c.in, got, c.want)
		}
	}
}

func TestMarkdownText(t *testing.T) {
	const gap = "&#8203;"
	for _, c := range []struct{ in, want string }{
		{"", ""},
		{"botocore made up 14,000 names.", "botocore made up 14,000 names."},
		{"STRING_VALUE and _it_ and a_", `STRING_VALUE and \_it\_ and a\_`},
		{"*bold* ~~no~~ `code` $x$", "\\*bold\\* \\~\\~no\\~\\~ \\`code\\` \\$x\\$"},
		{"<b> & &lt;", "&lt;b&gt; &amp; &amp;lt;"},
		{"[x](y) ![i](j)", `\[x\](y) !\[i\](j)`},
		{"a|b", `a\|b`},
		{`a\|b`, `a\\\|b`},
		{"@octocat me@example.com", "@" + gap + "octocat me@" + gap + "example.com"},
		{"#1 org/repo#2 GH-3 gh-4", "#" + gap + "1 org/repo#" + gap + "2 GH-" + gap + "3 gh-" + gap + "4"},
		{"https://example.com www.example.com WWW.x.y", "https:" + gap + "//example.com w" + gap + "ww.example.com W" + gap + "WW.x.y"},
		{"- item", `\- item`},
		{"+ item", `\+ item`},
		{"1. item", `1\. item`},
		{"2) item", `2\) item`},
		{"3 apples - 4. pears", "3 apples - 4. pears"},
		{"---", `\---`},
		{"===", `\===`},
		{"# head", "#" + gap + " head"},
		{"> quote", "&gt; quote"},
		{"    code", "code"},
		{"two\n# lines", `two\\n#` + gap + " lines"},
	} {
		if got := markdownText(c.in); got != c.want {
			t.Errorf("%q gives %s, want %s", c.in, got, c.want)
		}
	}
}

var (
	codeSpan    = regexp.MustCompile("^`[^`|]+`$")
	codeElement = regexp.MustCompile(`^<code>([A-Za-z0-9 ]|[^\x00-\x7f]|&#[0-9]+;)*</code>$`)
)

func FuzzMarkdownCode(f *testing.F) {
	for _, s := range hostile {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := markdownCode(s)
		harmless(t, got, false)
		want := escapeTerminal(s)
		switch {
		case codeSpan.MatchString(got):
			if got != "`"+want+"`" {
				t.Errorf("%q gives %q", s, got)
			}
		case codeElement.MatchString(got):
			if inner := html.UnescapeString(got[len("<code>") : len(got)-len("</code>")]); inner != want {
				t.Errorf("%q gives %q, which shows %q", s, got, inner)
			}
		default:
			t.Errorf("%q gives %q, which something can leave", s, got)
		}
	})
}

// markup is what may not stand in escaped prose: an unescaped character of
// Markdown's, or something that a forge makes a link of.
var markup = regexp.MustCompile("(?i)[`*\\[\\]|~$<>]|@[a-z0-9]|#[0-9]|gh-[0-9]|://|www\\.|^[-+=]|^[0-9]+[.)]|^ |^#{1,6} |^_|_$")

func FuzzMarkdownText(f *testing.F) {
	for _, s := range hostile {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := markdownText(s)
		harmless(t, got, false)
		// Without escapes and references nothing of Markdown's is left.
		bare := regexp.MustCompile(`\\[[:punct:]]`).ReplaceAllString(got, "é")
		bare = regexp.MustCompile(`&(amp|lt|gt|#8203);`).ReplaceAllString(bare, "é")
		if m := markup.FindString(bare); m != "" {
			t.Errorf("%q gives %q, with %q in it", s, got, m)
		}
		if strings.Contains(bare, "&") {
			t.Errorf("%q gives %q, with a reference of its own", s, got)
		}
	})
}
