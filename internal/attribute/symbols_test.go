package attribute

import (
	"fmt"
	"strings"
	"testing"
)

// TestSymbols holds that equal strings are one symbol and others are not, in
// whatever order they come.
func TestSymbols(t *testing.T) {
	var all []string
	for n := range 3000 {
		all = append(all, fmt.Sprint(n), fmt.Sprintf("10.0.%d.%d", n/256, n%256), fmt.Sprintf("the same beginning %d and the same end", n),
			strings.Repeat("x", n%20)+"\x00"+strings.Repeat("y", n%7), fmt.Sprintf("%d.amazonaws.com", n))
	}
	all = append(all, "", strings.Repeat("long", maxKept))
	table := newSymbols()
	known := map[string]sym{}
	for round := range 3 {
		for i := range all {
			v := all[(i*7919+round)%len(all)]
			s := table.of([]byte(v))
			if kept := v[:min(len(v), maxKept)]; table.text[s] != kept {
				t.Fatalf("%q became %q", v, table.text[s])
			}
			if old, found := known[v]; found && old != s || table.ofString(table.text[s]) != s {
				t.Fatalf("%q is %d and %d", v, old, s)
			}
			known[v] = s
		}
	}
}

// TestPackUUID holds what is packed against the digits one by one, and that only
// a UUID in its usual form is.
func TestPackUUID(t *testing.T) {
	const usual = "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0"
	digits := func(id string) (want id128) {
		fmt.Sscanf(strings.ReplaceAll(id, "-", ""), "%16x%16x", &want.hi, &want.lo)
		return want
	}
	want := digits(usual)
	if got, ok := packUUID([]byte(usual)); !ok || got != want {
		t.Errorf("got %x, want %x", got, want)
	}
	for i := range usual {
		for c := range 256 {
			id := []byte(usual)
			id[i] = byte(c)
			good := strings.IndexByte("0123456789abcdef", byte(c)) >= 0
			if usual[i] == '-' {
				good = c == '-'
			}
			got, ok := packUUID(id)
			if ok != good {
				t.Fatalf("%q: got %v", id, ok)
			}
			if good && got != digits(string(id)) {
				t.Fatalf("%q became %x", id, got)
			}
		}
	}
	for _, id := range []string{"", usual[1:], usual + "0", "00000000-0000-0000-0000-000000000000", strings.ToUpper(usual)} {
		if _, ok := packUUID([]byte(id)); ok {
			t.Errorf("%q was packed", id)
		}
	}
}

func BenchmarkPackUUID(b *testing.B) {
	id := []byte("0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0")
	b.ReportAllocs()
	for b.Loop() {
		if _, ok := packUUID(id); !ok {
			b.Fatal("not packed")
		}
	}
}

func BenchmarkSymbols(b *testing.B) {
	var values [][]byte
	for n := range 300 {
		values = append(values, []byte(fmt.Sprintf("service%d.amazonaws.com", n)), []byte(fmt.Sprintf("10.0.%d.%d", n/256, n%256)))
	}
	t := newSymbols()
	b.ReportAllocs()
	for b.Loop() {
		for _, v := range values {
			t.of(v)
		}
	}
	b.ReportMetric(float64(b.N)*float64(len(values))/b.Elapsed().Seconds(), "values/s")
}
