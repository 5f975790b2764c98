package report

import (
	"reflect"
	"strings"
	"testing"
)

// eachString calls f with every string in v, by the path of its field, and sets
// it to what f gives.
func eachString(v reflect.Value, path string, f func(path, s string) string) {
	switch v.Kind() {
	case reflect.String:
		if v.CanSet() {
			v.SetString(f(path, v.String()))
		}
	case reflect.Pointer:
		if !v.IsNil() {
			eachString(v.Elem(), path, f)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if field := v.Type().Field(i); field.IsExported() {
				eachString(v.Field(i), path+"."+field.Name, f)
			}
		}
	case reflect.Slice:
		for i := range v.Len() {
			eachString(v.Index(i), path, f)
		}
	case reflect.Map:
		for _, k := range v.MapKeys() {
			key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
			key.Set(k)
			value.Set(v.MapIndex(k))
			v.SetMapIndex(k, reflect.Value{})
			eachString(key, path+".key", f)
			eachString(value, path, f)
			v.SetMapIndex(key, value)
		}
	}
}

// No string of a result is left out of the tests with hostile texts: a field that
// is added and not put into hostileResult shows here.
func TestHostileFields(t *testing.T) {
	const mark = "MARK"
	ours := map[string]bool{ // of which the program makes the whole text
		".Scan.Problems.Stage": true, ".Findings.Status": true, ".Findings.Ignored": true,
	}
	filled := map[string]bool{}
	eachString(reflect.ValueOf(hostileResult(mark)), "", func(path, s string) string {
		filled[path] = filled[path] || strings.Contains(s, mark)
		return s
	})
	for path, ok := range filled {
		if !ok && !ours[path] {
			t.Errorf("hostileResult leaves Result%s as it is", path)
		}
	}
	if len(filled) < 60 {
		t.Errorf("a result has only %d fields with strings", len(filled))
	}
}

// The story of a session, in every field, and the policies do nothing to a
// terminal or a build system.
func TestHostileTexts(t *testing.T) {
	for _, s := range hostile {
		set := func(_, old string) string {
			if old == "" {
				return old
			}
			return s
		}
		for _, format := range TextFormats() {
			scan, story := testExplanation()
			policies := testPolicies(t)
			scan.Problems, scan.Complete = testResult().Scan.Problems, false
			for _, v := range []any{&scan, story, &policies} {
				eachString(reflect.ValueOf(v), "", set)
			}
			var told, proposed strings.Builder
			opt := hostileOptions(s)
			opt.Rules = testOptions().Rules
			if err := WriteExplanation(&told, format, scan, story, opt); err != nil {
				t.Fatal(err)
			}
			if err := WritePolicies(&proposed, format, scan, policies, opt); err != nil {
				t.Fatal(err)
			}
			for name, text := range map[string]string{"explain": told.String(), "policy": proposed.String()} {
				if text == "" {
					t.Errorf("%s as %s says nothing", name, format)
				}
				harmless(t, text, true)
				if t.Failed() {
					t.Fatalf("%s as %s of %q", name, format, s)
				}
			}
		}
	}
}

// A line of standard error does no more than a report.
func TestEscapeLine(t *testing.T) {
	for _, s := range hostile {
		harmless(t, EscapeLine("reading "+s), false)
		harmless(t, EscapeLine(s), false)
	}
	for _, tt := range [][2]string{
		{"plain text, ünïcode 日本", "plain text, ünïcode 日本"},
		{"two\nlines\tand\r\nmore", "two lines and  more"},
		{"\x1b[31m", `\x1b[31m`},
		{"::error::x", `\x3a:error::x`},
		{"a ##[error]x", `a \x23#[error]x`},
		{"\xff", `\xff`},
	} {
		if got := EscapeLine(tt[0]); got != tt[1] {
			t.Errorf("%q: %q, want %q", tt[0], got, tt[1])
		}
	}
}
