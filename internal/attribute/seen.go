package attribute

import (
	"bytes"
	"cmp"
	"hash/maphash"
	"math/bits"
	"sync"
)

// seen remembers which events were counted, by account and UTC day, so that an
// event counts once however often it was delivered. Workers share it. A day is
// let go with forget when the listing has passed it.
//
// Each event costs 13 bytes in a table that is kept between 0.55 and 0.875 full, so
// between 15 and 24 bytes.
type seen struct {
	seed maphash.Seed
	salt [2]uint64
	mu   sync.RWMutex
	days map[seenKey]*seenDay
	gone map[seenKey]bool

	// stoodIn are records in whose place their correction was counted, and that
	// were not met yet.
	stoodIn map[replacedKey]bool
}

type seenKey struct {
	account string
	day     int64 // days since 1970
}

// seenDay is a table with open addressing, in groups of eight places. Most events
// are new, which their group's tags tell: these are few enough to stay in the
// processor's cache, and the ids are written but seldom read.
type seenDay struct {
	mu    sync.Mutex
	tags  []uint64 // by group, a byte for each place; 0 marks a free one
	ids   []id96   // by place
	count int
}

// id128 is an event id that is a UUID, or what stands for one that is none. That its
// halves are members of their own lets the compiler keep them in registers.
type id128 struct{ hi, lo uint64 }

func (a id128) compare(b id128) int {
	return cmp.Or(cmp.Compare(a.hi, b.hi), cmp.Compare(a.lo, b.lo))
}

// id96 is what is kept of an id: 64 bits of a keyed hash, which say where it
// stands in the table, and 32 bits of the id. That two of a billion ids are taken
// for one is less likely than one in a hundred billion.
type id96 [3]uint32

func (k id96) hash() uint64 { return uint64(k[0])<<32 | uint64(k[1]) }

// tag is what a table's tags hold of a key: bits of the hash that do not say where
// it stands.
func (k id96) tag() uint64 { return uint64(k[1]&0x7f | 0x80) }

const (
	tagOnes = 0x0101010101010101
	tagUsed = 0x80 * tagOnes // the bit that tags of places in use have
)

func newSeen() *seen {
	s := &seen{seed: maphash.MakeSeed(), days: map[seenKey]*seenDay{}, gone: map[seenKey]bool{}, stoodIn: map[replacedKey]bool{}}
	s.salt[0] = maphash.Bytes(s.seed, []byte("a"))
	s.salt[1] = maphash.Bytes(s.seed, []byte("b")) | 1
	return s
}

// id gives the 128 bits that stand for an event id: the UUID itself, or a keyed
// hash of an id that is none.
func (s *seen) id(id eventID) id128 {
	if id.packed {
		return id.uuid
	}
	var h maphash.Hash
	h.SetSeed(s.seed)
	h.Write(id.text)
	a := h.Sum64()
	h.WriteByte(0)
	return id128{a, h.Sum64() | 1}
}

// identifies reports whether the id makes two records one event. Records
// that were anonymised carry placeholders such as <eventId>, the nil UUID or a
// plain word in place of the id, the same in every record.
func (id eventID) identifies() bool {
	if id.packed {
		return true
	}
	if bytes.ContainsAny(id.text, "<>{}$[]") {
		return false
	}
	for _, c := range id.text {
		if c >= '1' && c <= '9' {
			return true
		}
	}
	return false
}

// day gives the set of one account and day, making it when there is none.
func (s *seen) day(account []byte, day int64) *seenDay {
	k := seenKey{account: string(account), day: day}
	s.mu.RLock()
	d := s.days[k]
	s.mu.RUnlock()
	if d != nil {
		return d
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if d = s.days[k]; d == nil {
		d = &seenDay{}
		s.days[k] = d
	}
	return d
}

// add remembers an id and reports whether it is new.
func (d *seenDay) add(s *seen, id id128) bool {
	var fresh [1]bool
	d.addAll([]id96{s.key(id)}, fresh[:])
	return fresh[0]
}

// addAll remembers keys and tells of each whether it is new. That it takes many
// is what makes it cheap: workers wait for each other less often, and the
// processor need not wait for one place of the table before it looks for the next.
func (d *seenDay) addAll(keys []id96, fresh []bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for i, k := range keys {
		if d.count*8 >= len(d.ids)*7 {
			d.grow()
		}
		free, found := d.find(k)
		if fresh[i] = !found; !found {
			d.put(free, k)
			d.count++
		}
	}
}

func (d *seenDay) has(s *seen, id id128) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.count == 0 {
		return false
	}
	_, found := d.find(s.key(id))
	return found
}

// find looks for a key and gives the place where it belongs if it is not there. A
// place is free.
func (d *seenDay) find(k id96) (free int, found bool) {
	tag := k.tag() * tagOnes
	at, _ := bits.Mul64(k.hash(), uint64(len(d.tags)))
	for group := int(at); ; {
		tags := d.tags[group]
		// A byte that differs from the tag may look equal, but none the other
		// way round.
		differ := tags ^ tag
		for equal := (differ - tagOnes) &^ differ & tagUsed; equal != 0; equal &= equal - 1 {
			if d.ids[group*8+bits.TrailingZeros64(equal)>>3] == k {
				return 0, true
			}
		}
		if open := ^tags & tagUsed; open != 0 {
			return group*8 + bits.TrailingZeros64(open)>>3, false
		}
		if group++; group == len(d.tags) {
			group = 0
		}
	}
}

// put writes a key to a free place.
func (d *seenDay) put(place int, k id96) {
	d.tags[place>>3] |= k.tag() << (place & 7 * 8)
	d.ids[place] = k
}

// grow makes room. Keys stand nearly in the order of their hashes, in the new
// table as in the old one, so that both are walked through from start to end.
func (d *seenDay) grow() {
	tags, ids := d.tags, d.ids
	groups := max(1, (len(tags)*8+4)/5)
	d.tags, d.ids = make([]uint64, groups), make([]id96, groups*8)
	for i, k := range ids {
		if tags[i>>3]>>(i&7*8)&0x80 != 0 {
			free, _ := d.find(k)
			d.put(free, k)
		}
	}
}

// key is what is kept of an id. The hash spreads ids over the tables with a
// secret, so that nobody can choose ids that fall into one place.
func (s *seen) key(id id128) id96 {
	hi, lo := bits.Mul64(id.hi^s.salt[0], id.lo^s.salt[1])
	hi, lo = bits.Mul64(hi^lo^s.salt[0], 0x9E3779B97F4A7C15)
	h := hi ^ lo
	return id96{uint32(h >> 32), uint32(h), uint32(id.lo)}
}

// forget lets one day of one account go.
func (s *seen) forget(account string, day int64) {
	k := seenKey{account: account, day: day}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.days[k] != nil {
		delete(s.days, k)
		s.gone[k] = true
	}
}

// counted reports whether the event may have been counted: it was, or its day
// was let go.
func (s *seen) counted(account []byte, day int64, id id128) bool {
	return s.left(account, day) || s.has(account, day, id)
}

// has reports whether the event was counted, as far as its day was not let go.
func (s *seen) has(account []byte, day int64, id id128) bool {
	s.mu.RLock()
	d := s.days[seenKey{account: string(account), day: day}]
	s.mu.RUnlock()
	return d != nil && d.has(s, id)
}

// left reports whether the day was let go.
func (s *seen) left(account []byte, day int64) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.gone[seenKey{account: string(account), day: day}]
}

// standIn remembers a record of the day whose correction is at hand. It reports
// whether the correction is to be counted in its place, which it is unless the
// record was counted itself.
func (s *seen) standIn(d *seenDay, k replacedKey) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !d.add(s, k.id) {
		return false
	}
	s.stoodIn[k] = true
	return true
}

// excused reports whether a record that was counted already is no duplicate:
// its correction was, and it is met for the first time.
func (s *seen) excused(k replacedKey) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	found := s.stoodIn[k]
	delete(s.stoodIn, k)
	return found
}
