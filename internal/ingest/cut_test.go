package ingest

import (
	"io"
	"strings"
	"testing"
)

// TestReadCutAtEachByte ends a small log at each of its bytes, and has another one
// come with a pause there: a value, a name or a colon may be the last thing that
// the window holds.
func TestReadCutAtEachByte(t *testing.T) {
	trail := makeTrail(3)
	whole, _, problems := readNames(t, Limits{}, trail)
	if len(whole) != 3 || len(problems) > 0 {
		t.Fatalf("%q, %v", whole, showProblems(problems))
	}
	for cut := 1; cut < len(trail); cut++ {
		names, stats, problems := readNames(t, Limits{}, trail[:cut])
		if len(problems) != 1 || !problems[0].Lost() || problems[0].Offset > stats.Bytes || len(names) > len(whole) {
			t.Fatalf("cut at %d, behind %q: %q, %v", cut, trail[max(cut-20, 0):cut], names, showProblems(problems))
		}
		names = nil
		in := io.MultiReader(strings.NewReader(trail[:cut]), strings.NewReader(trail[cut:]))
		_, problems = NewReader(Limits{}).Read(t.Context(), "object", in, func(e *Event) { names = append(names, string(e.Name)) })
		if len(problems) > 0 || len(names) != len(whole) {
			t.Fatalf("paused at %d, behind %q: %q, %v", cut, trail[max(cut-20, 0):cut], names, showProblems(problems))
		}
	}
}
