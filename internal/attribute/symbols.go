package attribute

import (
	"encoding/binary"
	"encoding/hex"
	"hash/maphash"
	"math/bits"
	"strings"
)

// sym is a string that a store keeps once. The empty string is 0.
type sym uint32

// maxKept bounds the bytes that are kept of one value. CloudTrail itself cuts
// the long ones (userAgent, errorMessage) at 1 KB; what is longer comes from
// somewhere else, and memory must not grow with it.
const maxKept = 4096

// symbols keeps each distinct string once. Looking up a known one allocates nothing.
type symbols struct {
	text []string
	// places are the symbols by the hash of their text, or where there was room
	// behind; 0 is free. A map would take five times the memory.
	places []sym
	seed   maphash.Seed
	// corrections are the ids of records that correct others, by the ids of
	// those, where the one is counted as the other.
	corrections map[id128]id128
	// recent are strings that were looked up lately, by recentSlot: services,
	// agents and addresses come again and again.
	recent [1 << recentBits]sym
}

const recentBits = 9

// recentSlot is where a string that is not empty stands in symbols.recent. Its
// length and ends tell most strings of one kind apart; who makes up others that
// share a slot gains nothing but a look-up in the index.
func recentSlot(b []byte) uint64 {
	n := len(b)
	var h uint64
	switch {
	case n >= 8:
		h = binary.LittleEndian.Uint64(b) ^ bits.RotateLeft64(binary.LittleEndian.Uint64(b[n-8:]), 29)
	case n >= 4:
		h = uint64(binary.LittleEndian.Uint32(b)) | uint64(binary.LittleEndian.Uint32(b[n-4:]))<<32
	default:
		h = uint64(b[0]) | uint64(b[n-1])<<8
	}
	return (h + uint64(n)) * 0x9E3779B97F4A7C15 >> (64 - recentBits)
}

func newSymbols() symbols {
	return symbols{text: []string{""}, places: make([]sym, 64), seed: maphash.MakeSeed()}
}

func (t *symbols) of(b []byte) sym {
	if len(b) == 0 {
		return 0
	}
	if len(b) > maxKept {
		b = b[:maxKept]
	}
	slot := recentSlot(b)
	s := t.recent[slot]
	if t.text[s] == string(b) {
		return s
	}
	last := uint64(len(t.places) - 1)
	i := maphash.Bytes(t.seed, b) & last
	for s = t.places[i]; s != 0 && t.text[s] != string(b); s = t.places[i] {
		i = (i + 1) & last
	}
	if s == 0 {
		s = t.add(string(b), i)
	}
	t.recent[slot] = s
	return s
}

// ofString is of for a part of a longer string, which it does not keep.
func (t *symbols) ofString(v string) sym {
	s, i := t.find(v)
	if s == 0 && v != "" {
		s = t.add(strings.Clone(v), i)
	}
	return s
}

// take is ofString for a string that is kept already.
func (t *symbols) take(v string) sym {
	s, i := t.find(v)
	if s == 0 && v != "" {
		s = t.add(v, i)
	}
	return s
}

// find gives the symbol of a string, or 0 and where it belongs.
func (t *symbols) find(v string) (s sym, place uint64) {
	if v == "" {
		return 0, 0
	}
	last := uint64(len(t.places) - 1)
	i := maphash.String(t.seed, v) & last
	for s = t.places[i]; s != 0 && t.text[s] != v; s = t.places[i] {
		i = (i + 1) & last
	}
	return s, i
}

// add adds a string that belongs to a free place.
func (t *symbols) add(v string, place uint64) sym {
	s := sym(len(t.text))
	t.text = append(t.text, v)
	t.places[place] = s
	if len(t.text)*4 > len(t.places)*3 {
		t.grow()
	}
	return s
}

func (t *symbols) grow() {
	t.places = make([]sym, 2*len(t.places))
	for s, v := range t.text {
		if s > 0 {
			_, place := t.find(v)
			t.places[place] = sym(s)
		}
	}
}

// eventRef names an event: when it was and its id. The zero value names none.
type eventRef struct {
	time int64
	id   id128 // the id where it is a UUID in its usual form
	odd  sym   // the id where it is anything else
}

func (t *symbols) ref(time int64, id eventID) eventRef {
	r := eventRef{time: time, id: id.uuid}
	if !id.packed {
		r.odd = t.of(id.text)
	}
	return r
}

// eventID is an event id as it stands in a record, taken apart once.
type eventID struct {
	text   []byte
	uuid   id128
	packed bool // the text is a UUID in its usual form
}

func parseEventID(text []byte) (id eventID) {
	id.text = text
	id.uuid, id.packed = packUUID(text)
	return id
}

// eventText gives the id as it was logged.
func (t *symbols) eventText(r eventRef) string {
	if r.odd != 0 {
		return t.text[r.odd]
	}
	if r.id == (id128{}) {
		return ""
	}
	if id, found := t.corrections[r.id]; found {
		r.id = id
	}
	var id [16]byte
	binary.BigEndian.PutUint64(id[:8], r.id.hi)
	binary.BigEndian.PutUint64(id[8:], r.id.lo)
	var out [36]byte
	hex.Encode(out[0:8], id[0:4])
	out[8] = '-'
	hex.Encode(out[9:13], id[4:6])
	out[13] = '-'
	hex.Encode(out[14:18], id[6:8])
	out[18] = '-'
	hex.Encode(out[19:23], id[8:10])
	out[23] = '-'
	hex.Encode(out[24:36], id[10:16])
	return string(out[:])
}

// corrected notes that a record corrects another, the first in order of several.
func (t *symbols) corrected(original, correction id128) {
	if old, found := t.corrections[original]; found && old.compare(correction) <= 0 {
		return
	}
	if t.corrections == nil {
		t.corrections = map[id128]id128{}
	}
	t.corrections[original] = correction
}

// earlier reports whether a comes before b, by time and then by id, so that
// the same event is picked as evidence in whatever order events come.
func (t *symbols) earlier(a, b eventRef) bool {
	if a.time != b.time {
		return a.time < b.time
	}
	if a.odd == 0 && b.odd == 0 {
		return a.id.compare(b.id) < 0
	}
	return t.eventText(a) < t.eventText(b)
}

// packUUID packs a UUID in its usual lower-case form of 36 characters; it
// reports false for anything else, the nil UUID included.
func packUUID(id []byte) (packed id128, ok bool) {
	if len(id) != 36 || id[8] != '-' || id[13] != '-' || id[18] != '-' || id[23] != '-' {
		return packed, false
	}
	word := binary.LittleEndian.Uint64
	half := func(i int) uint64 { return uint64(binary.LittleEndian.Uint32(id[i:])) }
	a, okA := packHex(word(id))
	b, okB := packHex(half(9) | half(14)<<32)
	c, okC := packHex(half(19) | half(24)<<32)
	d, okD := packHex(word(id[28:]))
	if !okA || !okB || !okC || !okD {
		return packed, false
	}
	packed = id128{uint64(a)<<32 | uint64(b), uint64(c)<<32 | uint64(d)}
	return packed, packed != id128{}
}

// packHex packs eight lower-case hexadecimal digits, the first of them in the
// lowest byte of digits and highest in what is packed.
func packHex(digits uint64) (packed uint32, ok bool) {
	const each = 0x0101010101010101
	// A letter has the bit 0x40, which no digit has.
	v := digits&(0x0f*each) + digits>>6&each*9
	// From 10 on adding 6 sets the bit 0x10: what it was is a letter.
	letter := (v + 6*each) >> 4 & each
	ok = v&(0xf0*each) == 0 && v+'0'*each+letter*('a'-'9'-1) == digits
	v = (v<<4 | v>>8) & 0x00ff00ff00ff00ff
	v = (v | v>>8) & 0x0000ffff0000ffff
	return bits.ReverseBytes32(uint32(v | v>>16)), ok
}
