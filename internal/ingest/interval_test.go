package ingest

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"
)

// Sets of hours, as bits, are what intervals must agree with.
func TestIntervals(t *testing.T) {
	const hours = 24
	at := func(h int) time.Time { return time.Unix(int64(h)*3600, 0).UTC() }
	random := rand.New(rand.NewPCG(1, 2))
	draw := func() (all []interval, set uint32) {
		for range random.IntN(6) {
			i := interval{at(random.IntN(hours)), at(random.IntN(hours))}
			all = append(all, i)
			for h := range hours {
				if i.contains(at(h)) {
					set |= 1 << h
				}
			}
		}
		return all, set
	}
	check := func(what string, got []interval, want uint32) {
		t.Helper()
		set := uint32(0)
		for n, i := range got {
			if i.empty() || n > 0 && !got[n-1].to.Before(i.from) {
				t.Fatalf("%s: %v is not joined", what, got)
			}
			for h := range hours {
				if i.contains(at(h)) {
					set |= 1 << h
				}
			}
		}
		if set != want {
			t.Fatalf("%s: %v is %b, want %b", what, got, set, want)
		}
	}
	for range 2000 {
		a, as := draw()
		b, bs := draw()
		before := fmt.Sprint(a, b)
		check("joined", joined(a), as)
		check("without", without(a, b), as&^bs)
		check("common", common(a, b), as&bs)
		if fmt.Sprint(a, b) != before {
			t.Fatal("the operands were changed")
		}
	}
}
