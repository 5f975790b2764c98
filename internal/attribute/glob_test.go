package attribute

import (
	"path"
	"strings"
	"testing"
)

func TestGlob(t *testing.T) {
	tests := []struct {
		glob  string
		match []string
		not   []string
	}{
		{"orders-*", []string{"orders-", "orders-1", "orders-a/b\nc"}, []string{"orders", "x-orders-1"}},
		{"*", []string{"", "a", "a/b"}, nil},
		{"lambda:*/orders-*", []string{"lambda:111122223333/orders-v2"}, []string{"lambda:orders-v2"}},
		{"a?c", []string{"abc", "aéc", "a/c"}, []string{"ac", "abbc"}},
		{"i-[0-9a-f]*", []string{"i-0f"}, []string{"i-x", "i-"}},
		{"[^a-c]", []string{"d", "-"}, []string{"a", "b", "dd"}},
		{`[\]\-]`, []string{"]", "-"}, []string{`\`, "a"}},
		{`a\*b`, []string{"a*b"}, []string{"axb", `a\*b`}},
		{"a.b+(c)", []string{"a.b+(c)"}, []string{"axb+(c)"}},
		{"<script>", []string{"<script>"}, []string{"script"}},
	}
	for _, test := range tests {
		g, err := ParseGlob(test.glob)
		if err != nil {
			t.Errorf("ParseGlob(%q): %v", test.glob, err)
			continue
		}
		for _, s := range test.match {
			if !g.Match(s) {
				t.Errorf("%q does not match %q", test.glob, s)
			}
		}
		for _, s := range test.not {
			if g.Match(s) {
				t.Errorf("%q matches %q", test.glob, s)
			}
		}
	}
	if !(Glob{}).Match("anything") {
		t.Error("the zero Glob does not match")
	}
}

func TestParseGlobRefuses(t *testing.T) {
	for _, s := range []string{"", "[", "a[", "[]", "[]a]", "[a", `a\`, "[z-a]", "[a-]", "[-a]", "[\xff]"} {
		if _, err := ParseGlob(s); err == nil {
			t.Errorf("ParseGlob(%q) accepts it", s)
		}
	}
}

func TestGlobMatchRole(t *testing.T) {
	const plain = "arn:aws:iam::111122223333:role/orders"
	const inPath = "arn:aws:iam::111122223333:role/team/a/orders"
	tests := []struct {
		glob, role string
		want       bool
	}{
		{"orders", plain, true},
		{"orders", inPath, true},
		{"orders", "orders", true},
		{"team*", inPath, false},
		{"role/*", plain, true},
		{"role/*", "orders", true},
		{"role/orders", inPath, true},
		{"role/team/*", inPath, true},
		{"role/team/*", plain, false},
		{"arn:aws:iam::*:role/orders", plain, true},
		{"arn:aws:iam::444455556666:role/*", plain, false},
		{"a:b", "arn:aws:iam::111122223333:role/a:b", true}, // role names may hold colons
	}
	for _, test := range tests {
		g, err := ParseGlob(test.glob)
		if err != nil {
			t.Fatal(err)
		}
		if got := g.MatchRole(test.role); got != test.want {
			t.Errorf("%q on %q: %v, want %v", test.glob, test.role, got, test.want)
		}
	}
}

// FuzzGlob holds Glob against path.Match where the two agree by design: on
// values without a slash.
func FuzzGlob(f *testing.F) {
	for _, s := range [][2]string{{"a*", "abc"}, {"[^a-c]?", "dx"}, {`\[x]`, "[x]"}, {"*é*", "née"}, {"[a-z-]", "-"}} {
		f.Add(s[0], s[1])
	}
	f.Fuzz(func(t *testing.T, glob, s string) {
		if strings.ContainsRune(s, '/') || glob == "" || len(glob) > 200 {
			t.Skip()
		}
		// path.Match steps through what is not UTF-8 byte by byte.
		glob, s = strings.ToValidUTF8(glob, "?"), strings.ToValidUTF8(s, "?")
		g, err := ParseGlob(glob)
		if err != nil {
			return
		}
		want, err := path.Match(glob, s)
		if err != nil {
			t.Fatalf("ParseGlob accepts %q, path.Match says %v", glob, err)
		}
		if got := g.Match(s); got != want {
			t.Errorf("%q on %q: %v, path.Match says %v", glob, s, got, want)
		}
	})
}
