package report

import (
	"encoding/csv"
	"strings"
	"testing"
)

func TestEscapeCSV(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"", ""},
		{"STRING_VALUE", "STRING_VALUE"},
		{"a,b \"c\"", "a,b \"c\""},
		{"=1+1", "'=1+1"},
		{"+1", "'+1"},
		{"-1", "'-1"},
		{"@SUM(A1)", "'@SUM(A1)"},
		{"\t=1", `'\t=1`},
		{"\r=1", `'\r=1`},
		{"\n=1", `'\n=1`},
		{"＝1", "'＝1"},
		{"＋1", "'＋1"},
		{"－1", "'－1"},
		{"＠x", "'＠x"},
		{"a=1", "a=1"},
		{"alice@example.com", "alice@example.com"},
		{"a;=1;b;+2", "a;'=1;b;'+2"},
		{"a; =1", "a; =1"},
		{"Mozilla/5.0 (X11; Linux)", "Mozilla/5.0 (X11; Linux)"},
		{"two\r\nlines", `two\r\nlines`},
		{"\x1b[31m", `\x1b[31m`},
		{"::error::x", `\x3a:error::x`},
	} {
		if got := escapeCSV(c.in); got != c.want {
			t.Errorf("%q gives %q, want %q", c.in, got, c.want)
		}
	}
}

func FuzzEscapeCSV(f *testing.F) {
	for _, s := range hostile {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := escapeCSV(s)
		harmless(t, got, false)
		for _, cell := range strings.Split(got, ";") {
			if startsFormula(cell) {
				t.Errorf("%q gives %q, with a formula %q", s, got, cell)
			}
		}
		if s != "" && got == "" {
			t.Errorf("%q is lost", s)
		}
		var b strings.Builder
		w := csv.NewWriter(&b)
		w.Write([]string{got, "end"})
		w.Flush()
		back, err := csv.NewReader(strings.NewReader(b.String())).Read()
		if err != nil || back[0] != got || back[1] != "end" {
			t.Errorf("%q reads back as %q, %v", got, back, err)
		}
	})
}
