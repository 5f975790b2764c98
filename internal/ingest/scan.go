package ingest

import (
	"encoding/binary"
	"math/bits"
	"unicode/utf16"
	"unicode/utf8"
)

// scanFault says why a scan stopped.
type scanFault uint8

const (
	faultNone   scanFault = iota
	faultEnd              // the bytes end inside the value: more of them may help
	faultSyntax           // no JSON
	faultStream           // no fault of the input: the object holds a stream of records
)

// scanner reads JSON in place. Its methods take the position of what they read
// and return the position behind it, or -1 after a fault. What is read is held
// to the grammar; what is skipped is only held to be quoted and nested in
// balance, because most of a record is skipped and a full check of it would
// cost more than everything else.
type scanner struct {
	b       []byte
	scratch []byte // unescaped strings; what points into it stays valid when it grows
	fault   scanFault
	at      int // where the fault is

	maxDepth int
	wide     bool // skipBlocks can be used
	deep     bool // something skipped was nested deeper than maxDepth
}

// fail notes a fault at p. What lies behind the last byte is no syntax error
// but a lack of bytes.
func (s *scanner) fail(p int) int {
	s.at, s.fault = p, faultSyntax
	if p >= len(s.b) {
		s.at, s.fault = len(s.b), faultEnd
	}
	return -1
}

// peek gives the byte at p, or 0 behind the end. A byte 0 in the input is valid
// nowhere, so that it ends up in fail like the end does.
func (s *scanner) peek(p int) byte {
	if uint(p) < uint(len(s.b)) {
		return s.b[p]
	}
	return 0
}

// space passes over white space.
func (s *scanner) space(p int) int {
	for {
		switch s.peek(p) {
		case ' ', '\t', '\r', '\n':
			p++
		default:
			return p
		}
	}
}

// first is where the first member's name or the closing brace of the object at
// p stands.
func (s *scanner) first(p int) int {
	p = s.space(p + 1)
	if c := s.peek(p); c != '"' && c != '}' {
		return s.fail(p)
	}
	return p
}

// next is where the next member's name or the closing brace stands, from behind
// a member's value.
func (s *scanner) next(p int) int {
	if p+1 < len(s.b) && s.b[p] == ',' && s.b[p+1] == '"' {
		return p + 1 // as CloudTrail writes it, without white space
	}
	p = s.space(p)
	switch s.peek(p) {
	case '}':
		return p
	case ',':
		p = s.space(p + 1)
		if s.peek(p) == '"' {
			return p
		}
	}
	return s.fail(p)
}

// name reads a member's name and gives the position of its value.
func (s *scanner) name(p int) (name []byte, value int) {
	name, p = s.text(p)
	if p < 0 {
		return nil, -1
	}
	if p+1 < len(s.b) && s.b[p] == ':' && s.b[p+1] > ' ' {
		return name, p + 1
	}
	p = s.space(p)
	if s.peek(p) != ':' {
		return nil, s.fail(p)
	}
	return name, s.space(p + 1)
}

// firstElement and nextElement are first and next for the array at p: where the
// element or the closing bracket stands.
func (s *scanner) firstElement(p int) int { return s.space(p + 1) }

func (s *scanner) nextElement(p int) int {
	p = s.space(p)
	switch s.peek(p) {
	case ']':
		return p
	case ',':
		p = s.space(p + 1)
		if s.peek(p) != ']' {
			return p
		}
	}
	return s.fail(p)
}

// textInto reads the string at p into dst. A value of another type is skipped
// and counts as absent; level is the depth at which it stands.
func (s *scanner) textInto(p int, dst *[]byte, level int) int {
	if s.peek(p) != '"' {
		*dst = nil
		return s.skip(p, level)
	}
	*dst, p = s.text(p)
	return p
}

// flagInto reads a boolean, which CloudTrail writes as true or as "true".
func (s *scanner) flagInto(p int, dst *bool, level int) int {
	switch s.peek(p) {
	case '"':
		var v []byte
		v, p = s.text(p)
		*dst = string(v) == "true"
		return p
	case 't':
		*dst = true
	default:
		*dst = false
	}
	return s.skip(p, level)
}

// intInto reads a whole number, bare or as a string; anything else is 0.
func (s *scanner) intInto(p int, dst *int64, level int) int {
	if s.peek(p) == '"' {
		var v []byte
		v, p = s.text(p)
		*dst = parseInt(v)
		return p
	}
	start := p
	p = s.skip(p, level)
	if *dst = 0; p > 0 {
		*dst = parseInt(s.b[start:p])
	}
	return p
}

// parseInt parses a non-negative decimal number, 0 for anything else.
func parseInt(b []byte) int64 {
	if len(b) == 0 || len(b) > 18 {
		return 0
	}
	var n int64
	for _, c := range b {
		if c < '0' || c > '9' {
			return 0
		}
		n = n*10 + int64(c-'0')
	}
	return n
}

// text reads the string at p. The result aliases the input, or the scratch
// where the string holds escapes or broken UTF-8.
func (s *scanner) text(p int) (val []byte, next int) {
	p++
	q := plainEnd(s.b, p)
	if s.peek(q) == '"' {
		return s.b[p:q:q], q + 1
	}
	return s.textSlow(p, q)
}

// textSlow reads on at q, where the string that begins at p has its first byte
// that is not plain.
func (s *scanner) textSlow(p, q int) (val []byte, next int) {
	escaped := false
	for s.peek(q) != '"' {
		switch c := s.peek(q); {
		case c == '\\':
			escaped = true
			if q = s.escape(q); q < 0 {
				return nil, -1
			}
		case c < ' ':
			return nil, s.fail(q)
		default:
			q++
		}
		q = plainRun(s.b, q)
	}
	raw := s.b[p:q:q]
	if !escaped && utf8.Valid(raw) {
		return raw, q + 1
	}
	start := len(s.scratch)
	s.scratch = unescape(s.scratch, raw)
	return s.scratch[start:len(s.scratch):len(s.scratch)], q + 1
}

// escape checks the escape sequence at p.
func (s *scanner) escape(p int) int {
	switch s.peek(p + 1) {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return p + 2
	case 'u':
		for i := p + 2; i < p+6; i++ {
			if hexDigit(s.peek(i)) < 0 {
				return s.fail(i)
			}
		}
		return p + 6
	}
	return s.fail(p + 1)
}

func hexDigit(c byte) rune {
	switch {
	case '0' <= c && c <= '9':
		return rune(c - '0')
	case 'a' <= c && c <= 'f':
		return rune(c - 'a' + 10)
	case 'A' <= c && c <= 'F':
		return rune(c - 'A' + 10)
	}
	return -1
}

// unescape appends the string whose checked body is raw. Lone surrogates and
// invalid UTF-8 become U+FFFD, byte by byte as in encoding/json.
func unescape(dst, raw []byte) []byte {
	for len(raw) > 0 {
		c := raw[0]
		switch {
		case c >= utf8.RuneSelf:
			r, n := utf8.DecodeRune(raw)
			dst = utf8.AppendRune(dst, r)
			raw = raw[n:]
		case c != '\\':
			n := plainRun(raw, 0)
			dst = append(dst, raw[:max(n, 1)]...)
			raw = raw[max(n, 1):]
		case raw[1] == 'u':
			r := escapedUnit(raw)
			raw = raw[6:]
			if utf16.IsSurrogate(r) {
				if r = utf16.DecodeRune(r, escapedUnit(raw)); r != utf8.RuneError {
					raw = raw[6:]
				}
			}
			dst = utf8.AppendRune(dst, r)
		default:
			c = raw[1]
			switch c {
			case 'b':
				c = '\b'
			case 'f':
				c = '\f'
			case 'n':
				c = '\n'
			case 'r':
				c = '\r'
			case 't':
				c = '\t'
			}
			dst = append(dst, c)
			raw = raw[2:]
		}
	}
	return dst
}

// escapedUnit is the UTF-16 unit of the \u escape at the start of raw, or -1.
func escapedUnit(raw []byte) rune {
	if len(raw) < 6 || raw[0] != '\\' || raw[1] != 'u' {
		return -1
	}
	var r rune
	for _, c := range raw[2:6] {
		r = r<<4 | hexDigit(c)
	}
	return r
}

// skip passes over the value at p, which stands at the given depth.
func (s *scanner) skip(p int, level int) int {
	switch c := s.peek(p); c {
	case '"':
		return s.skipText(p)
	case '{', '[':
		return s.skipNested(p, level)
	case 't':
		if s.has(p, "true") {
			return p + 4
		}
		return s.literal(p, "true")
	case 'f':
		if s.has(p, "false") {
			return p + 5
		}
		return s.literal(p, "false")
	case 'n':
		if s.has(p, "null") {
			return p + 4
		}
		return s.literal(p, "null")
	case '-', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9':
		return s.number(p)
	}
	return s.fail(p)
}

// has reports whether the word stands at p.
func (s *scanner) has(p int, word string) bool {
	return len(s.b)-p >= len(word) && string(s.b[p:p+len(word)]) == word
}

// literal is slower than has and knows where the fault is.
func (s *scanner) literal(p int, word string) int {
	for i := range len(word) {
		if s.peek(p+i) != word[i] {
			return s.fail(p + i)
		}
	}
	return p + len(word)
}

func (s *scanner) number(p int) int {
	if s.peek(p) == '-' {
		p++
	}
	if s.peek(p) == '0' {
		p++
	} else if p = s.digits(p); p < 0 {
		return -1
	}
	if s.peek(p) == '.' {
		if p = s.digits(p + 1); p < 0 {
			return -1
		}
	}
	if c := s.peek(p); c == 'e' || c == 'E' {
		p++
		if c := s.peek(p); c == '+' || c == '-' {
			p++
		}
		if p = s.digits(p); p < 0 {
			return -1
		}
	}
	return p
}

// digits passes over one or more digits.
func (s *scanner) digits(p int) int {
	q := p
	for c := s.peek(q); '0' <= c && c <= '9'; c = s.peek(q) {
		q++
	}
	if q == p {
		return s.fail(p)
	}
	return q
}

// Eight bytes are looked at in one word. A byte of x is zero where
// (x - ones) &^ x has its high bit; borrows make false hits only above the
// lowest true one.
const (
	ones   = 0x0101010101010101
	highs  = 0x8080808080808080
	lows   = 0x7f7f7f7f7f7f7f7f
	quotes = '"' * ones
	slants = '\\' * ones
	spaces = ' ' * ones
)

// plainEnd is the position of the first byte from p on that a plain string does
// not hold: a quote, a backslash, a control character or a byte of 0x80 or more.
// It is len(b) if there is none.
func plainEnd(b []byte, p int) int {
	rest, i := b[p:], 0
	for ; i <= len(rest)-8; i += 8 {
		w := binary.LittleEndian.Uint64(rest[i : i+8])
		// The high bit of w itself is a hit, so that &^ x can be left out.
		if m := (((w ^ quotes) - ones) | ((w ^ slants) - ones) | (w - spaces) | w) & highs; m != 0 {
			return p + i + bits.TrailingZeros64(m)>>3
		}
	}
	for ; i < len(rest); i++ {
		if c := rest[i]; c < ' ' || c >= utf8.RuneSelf || c == '"' || c == '\\' {
			break
		}
	}
	return p + i
}

// plainRun is plainEnd but never less than p.
func plainRun(b []byte, p int) int { return max(p, plainEnd(b, min(p, len(b)))) }

// skipText passes over the string at p.
func (s *scanner) skipText(p int) int {
	b, i := s.b[p+1:], 0
	for i <= len(b)-8 {
		w := binary.LittleEndian.Uint64(b[i : i+8])
		q, t := w^quotes, w^slants
		m := ((q-ones)&^q | (t-ones)&^t) & highs
		if m == 0 {
			i += 8
			continue
		}
		i += bits.TrailingZeros64(m) >> 3
		if b[i] == '"' {
			return p + 1 + i + 1
		}
		i += 2
	}
	for ; i < len(b); i++ {
		switch b[i] {
		case '"':
			return p + 1 + i + 1
		case '\\':
			i++
		}
	}
	return s.fail(len(s.b))
}

// skipState is where a skip of something nested stands.
type skipState struct {
	depth, limit int
	inside       uint64 // all ones inside of a string
	deep         bool   // the depth went beyond the limit
}

// skipNested passes over the object or array at p, whose depth is level. It looks
// at eight bytes at a time, without a branch for each string in them, or at 64
// where the processor can.
func (s *scanner) skipNested(p int, level int) int {
	var (
		b      = s.b[p+1:]
		i      = 0
		depth  = 1
		limit  = s.maxDepth - level + 1
		inside uint64 // all ones inside of a string
	)
	if depth > limit {
		s.deep = true
	}
	if s.wide && len(b) > 0 {
		st := skipState{depth: depth, limit: limit}
		i = skipBlocks(&b[0], len(b), &st)
		s.deep = s.deep || st.deep
		if st.depth == 0 {
			return p + 1 + i
		}
		depth, inside = st.depth, st.inside
	}
	for i < len(b) {
		var w, brace uint64
		for brace == 0 && i <= len(b)-8 {
			w = binary.LittleEndian.Uint64(b[i : i+8])
			// Adding 0x7f sets the high bit of each byte that is not the one
			// looked for, without a carry to the next byte; bytes of 0x80 or
			// more, which are none of these, have it already.
			ascii := w & lows
			quote := ^((ascii ^ quotes) + lows | w) & highs
			if slant := (ascii ^ slants) + lows | w; slant&highs != highs {
				break // for the last loop below
			}
			// The product counts in each byte the quotes up to and with it, so
			// that its low bit says whether the byte is inside a string.
			count := (quote >> 7) * ones
			// Brackets and braces become 0x7f, as do some bytes that no JSON has
			// outside of its strings.
			brace = ^((ascii | 0x26*ones) ^ lows + lows | w | (count^inside)<<7) & highs
			inside ^= -(count >> 56 & 1)
			i += 8
		}
		if brace != 0 {
			for ; brace != 0; brace &= brace - 1 {
				at := bits.TrailingZeros64(brace) >> 3
				switch byte(w >> (8 * at)) {
				case '{', '[':
					if depth++; depth > limit {
						s.deep = true
					}
				case '}', ']':
					if depth--; depth == 0 {
						return p + 1 + i - 8 + at + 1
					}
				}
			}
			continue
		}
		// Byte by byte: eight with a backslash among them, or the last few.
		for end := min(i+8, len(b)); i < end; i++ {
			switch c := b[i]; {
			case c == '\\':
				i++
			case c == '"':
				inside = ^inside
			case inside != 0:
			case c == '{', c == '[':
				if depth++; depth > limit {
					s.deep = true
				}
			case c == '}', c == ']':
				if depth--; depth == 0 {
					return p + 1 + i + 1
				}
			}
		}
	}
	return s.fail(len(s.b))
}
