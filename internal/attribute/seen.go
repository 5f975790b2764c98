package attribute

import (
	"bytes"
	"encoding/binary"
	"hash/maphash"
	"math/bits"
	"sync"
)

// seen remembers which events were counted, by account and UTC day, so that an
// event counts once however often it was delivered. Workers share it. A day is
// let go with forget when the listing has passed it.
//
// Each event costs 16 bytes in a table that is kept between two thirds and nine
// tenths full, so between 18 and 24 bytes.
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

const seenShards = 64

type seenDay struct{ shards [seenShards]seenShard }

type seenShard struct {
	mu    sync.Mutex
	ids   []id128 // open addressing; the zero id marks a free place
	count int
}

type id128 [2]uint64

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
		return id128{binary.BigEndian.Uint64(id.uuid[:8]), binary.BigEndian.Uint64(id.uuid[8:])}
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
	h := s.mix(id)
	sh := &d.shards[h>>58]
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if (sh.count+1)*10 > len(sh.ids)*9 {
		sh.grow(s)
	}
	i := slot(h, len(sh.ids))
	for sh.ids[i] != (id128{}) {
		if sh.ids[i] == id {
			return false
		}
		if i++; i == len(sh.ids) {
			i = 0
		}
	}
	sh.ids[i] = id
	sh.count++
	return true
}

func (d *seenDay) has(s *seen, id id128) bool {
	h := s.mix(id)
	sh := &d.shards[h>>58]
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if len(sh.ids) == 0 {
		return false
	}
	for i := slot(h, len(sh.ids)); sh.ids[i] != (id128{}); {
		if sh.ids[i] == id {
			return true
		}
		if i++; i == len(sh.ids) {
			i = 0
		}
	}
	return false
}

func (sh *seenShard) grow(s *seen) {
	old := sh.ids
	sh.ids = make([]id128, max(16, len(old)*4/3))
	for _, id := range old {
		if id == (id128{}) {
			continue
		}
		i := slot(s.mix(id), len(sh.ids))
		for sh.ids[i] != (id128{}) {
			if i++; i == len(sh.ids) {
				i = 0
			}
		}
		sh.ids[i] = id
	}
}

// mix spreads an id over the tables with a secret, so that nobody can choose
// ids that fall into one place.
func (s *seen) mix(id id128) uint64 {
	hi, lo := bits.Mul64(id[0]^s.salt[0], id[1]^s.salt[1])
	h2, l2 := bits.Mul64(hi^lo^s.salt[0], 0x9E3779B97F4A7C15)
	return h2 ^ l2
}

func slot(h uint64, n int) int {
	hi, _ := bits.Mul64(h<<6, uint64(n))
	return int(hi)
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
