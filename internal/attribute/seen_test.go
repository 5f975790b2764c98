package attribute

import (
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"
)

// TestSeen holds the table against a map, over many growths and from several
// goroutines, ids that differ in one bit included.
func TestSeen(t *testing.T) {
	s := newSeen()
	d := s.day([]byte("111122223333"), 20_000)
	random := rand.New(rand.NewPCG(1, 2))
	var ids []id128
	for range 50_000 {
		id := id128{random.Uint64(), random.Uint64()}
		ids = append(ids, id, id128{id.hi, id.lo ^ 1}, id128{id.hi ^ 1<<63, id.lo})
	}
	ids = append(ids, id128{}, id128{0, 1}, id128{1, 0})
	var wg sync.WaitGroup
	var fresh [4]int
	for w := range fresh {
		wg.Go(func() {
			for _, i := range rand.New(rand.NewPCG(3, uint64(w))).Perm(len(ids)) {
				if d.add(s, ids[i]) {
					fresh[w]++
				}
			}
		})
	}
	wg.Wait()
	if n := fresh[0] + fresh[1] + fresh[2] + fresh[3]; n != len(ids) {
		t.Errorf("%d of %d ids were new", n, len(ids))
	}
	for _, id := range ids {
		if !d.has(s, id) {
			t.Fatalf("%x is not there", id)
		}
	}
	for range 10_000 {
		if id := (id128{random.Uint64(), random.Uint64()}); d.has(s, id) {
			t.Fatalf("%x is there", id)
		}
	}
}

// TestSeenMemory holds what an event may cost where nothing is let go.
func TestSeenMemory(t *testing.T) {
	const events = 300_000
	s := newSeen()
	before := heap()
	d := s.day([]byte("111122223333"), 20_000)
	worst := 0.0
	var id id128
	for n := range events {
		id = id128{uint64(n) * 0x9E3779B97F4A7C15, uint64(n)*0xBF58476D1CE4E5B9 + 1}
		if !d.add(s, id) {
			t.Fatalf("%d was there", n)
		}
		if n > 10_000 {
			worst = max(worst, float64(12*cap(d.ids)+8*cap(d.tags))/float64(n+1))
		}
	}
	if worst > 24.5 {
		t.Errorf("an event costs up to %.1f bytes", worst)
	}
	if got := float64(heap()-before) / events; got > 25 {
		t.Errorf("an event costs %.1f bytes of the heap", got)
	}
	runtime.KeepAlive(d)
}

// heap is how many bytes are in use.
func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

func BenchmarkSeen(b *testing.B) {
	random := rand.New(rand.NewPCG(1, 2))
	ids := make([]id128, 100_000)
	for i := range ids {
		ids[i] = id128{random.Uint64(), random.Uint64()}
	}
	b.ReportAllocs()
	for b.Loop() {
		s := newSeen()
		d := s.day([]byte("111122223333"), 20_000)
		for _, id := range ids {
			d.add(s, id)
		}
	}
	b.ReportMetric(float64(b.N)*float64(len(ids))/b.Elapsed().Seconds(), "events/s")
}
