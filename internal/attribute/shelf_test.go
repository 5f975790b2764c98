package attribute

import (
	"math/rand/v2"
	"testing"
)

type lotted struct{ name, value int }

func (l *lotted) id() int { return l.name }

// TestLot holds a lot against a map, over many growths.
func TestLot(t *testing.T) {
	var l lot[int, lotted, *lotted]
	want, pointers := map[int]int{}, map[int]*lotted{}
	rng := rand.New(rand.NewPCG(1, 2))
	if l.find(1) != nil || l.len() != 0 {
		t.Error("something is there from the beginning")
	}
	for n := range 5 * nextChunk {
		name := rng.IntN(1 << 20)
		if got := l.find(name); got == nil {
			pointers[name] = l.add(lotted{name, n})
			want[name] = n
		} else if got.value != want[name] {
			t.Fatalf("%d is %d, want %d", name, got.value, want[name])
		}
		if l.len() != len(want) || l.at(l.len()-1).value > n {
			t.Fatalf("%d values, want %d", l.len(), len(want))
		}
	}
	for name, p := range pointers {
		if l.find(name) != p || p.value != want[name] {
			t.Fatalf("%d was moved or lost", name)
		}
		if other := name ^ 1<<21; l.find(other) != nil {
			t.Fatalf("%d is there", other)
		}
	}
	n := 0
	for v := range l.all() {
		if l.at(n) != v || want[v.name] != v.value {
			t.Fatalf("the value with the number %d is %v", n, *v)
		}
		n++
	}
	if n != len(want) {
		t.Errorf("%d values, want %d", n, len(want))
	}
}
