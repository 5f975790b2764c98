package attribute

import (
	"hash/maphash"
	"iter"
)

// shelf is a list that only grows and whose values stay where they were put:
// pointers to them stay good, and nothing is copied to make room.
type shelf[T any] struct {
	chunks [][]T // all but the last are full
}

const (
	firstChunk = 8    // values: most of what is kept is little
	nextChunk  = 1024 // which fills whole pages of memory
)

// add puts a value on the shelf.
func (s *shelf[T]) add(v T) *T {
	last := len(s.chunks) - 1
	if last < 0 || len(s.chunks[last]) == cap(s.chunks[last]) {
		size := nextChunk
		if last < 0 {
			size = firstChunk
		}
		s.chunks = append(s.chunks, make([]T, 0, size))
		last++
	}
	c := append(s.chunks[last], v)
	s.chunks[last] = c
	return &c[len(c)-1]
}

// at gives the value that was put there as the i-th, counted from 0.
func (s *shelf[T]) at(i int) *T {
	if i < firstChunk {
		return &s.chunks[0][i]
	}
	i -= firstChunk
	return &s.chunks[1+i/nextChunk][i%nextChunk]
}

func (s *shelf[T]) len() int {
	switch last := len(s.chunks) - 1; last {
	case -1:
		return 0
	case 0:
		return len(s.chunks[0])
	default:
		return firstChunk + (last-1)*nextChunk + len(s.chunks[last])
	}
}

// all are the values in the order in which they were put there.
func (s *shelf[T]) all() iter.Seq[*T] {
	return func(yield func(*T) bool) {
		for _, c := range s.chunks {
			for i := range c {
				if !yield(&c[i]) {
					return
				}
			}
		}
	}
}

// lot is a shelf whose values are found by a key, which costs a few bytes for
// each: there are millions of them.
type lot[K comparable, T any, P lotValue[K, T]] struct {
	shelf[T]
	seed maphash.Seed
	// places are the numbers of the values, from 1 on, by the hash of their key
	// or where there was room behind; 0 is free.
	places []uint32
}

// lotValue is a pointer to what a lot holds.
type lotValue[K comparable, T any] interface {
	*T
	id() K
}

// find gives the value that has the key, nil where there is none.
func (l *lot[K, T, P]) find(k K) P {
	if len(l.places) == 0 {
		return nil
	}
	if n := l.places[l.place(k)]; n != 0 {
		return l.at(int(n - 1))
	}
	return nil
}

// place is where a key stands, or where it belongs.
func (l *lot[K, T, P]) place(k K) uint64 {
	last := uint64(len(l.places) - 1)
	i := maphash.Comparable(l.seed, k) & last
	for l.places[i] != 0 && P(l.at(int(l.places[i]-1))).id() != k {
		i = (i + 1) & last
	}
	return i
}

// add puts a value there whose key no other has.
func (l *lot[K, T, P]) add(v T) P {
	n := l.len()
	if n*4 >= len(l.places)*3 {
		l.grow()
	}
	p := P(l.shelf.add(v))
	l.places[l.place(p.id())] = uint32(n + 1)
	return p
}

func (l *lot[K, T, P]) grow() {
	if l.places == nil {
		l.seed = maphash.MakeSeed()
	}
	l.places = make([]uint32, max(2*len(l.places), 16))
	n := uint32(0)
	for v := range l.all() {
		n++
		l.places[l.place(P(v).id())] = n
	}
}
