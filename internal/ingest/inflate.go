package ingest

import (
	"encoding/binary"
	"hash/crc32"
	"math/bits"
)

// inflater unpacks whole gzip objects of one member, which is what CloudTrail
// delivers, about twice as fast as a reader that has to stop anywhere. What it
// finds wrong, or unusual, it leaves to that reader: its false means only that.
//
// It follows RFC 1951 and RFC 1952. That many bits are looked at with few
// branches is learned from libdeflate, https://github.com/ebiggers/libdeflate.
type inflater struct {
	lengths   [maxLiterals + maxDistances]uint8
	literals  [2342]uint32 // main table of 11 bits and the largest number of entries below it
	distances [402]uint32  // main table of 8 bits
	order     [128]uint32  // codes of code lengths, 7 bits
	sorted    [maxLiterals]uint16
}

const (
	maxLiterals  = 288
	maxDistances = 32

	literalBits  = 11
	distanceBits = 8
	orderBits    = 7

	// inflateMargin is how many bytes behind the end of the input and of the
	// output may be read or written.
	inflateMargin = 320
)

// A table's entry has in its lower bits how many bits the code and the extra bits
// behind it have, then how many the code has, and in its upper half a value. The
// flags tell entries apart that are neither a length nor a distance.
const (
	entryLiteral  = 1 << 31
	entrySpecial  = 1 << 15 // one of the following, or no code at all
	entrySubtable = 1 << 14 // the value is where it begins; the bits of its index stand where the code's do
	entryEnd      = 1 << 13 // end of block
	entryBits     = 63
)

// gunzip unpacks src, behind which inflateMargin bytes can be read, into dst or
// a larger slice. The limit is for the unpacked size.
func (z *inflater) gunzip(dst, src []byte, limit int) ([]byte, bool) {
	const header, trailer = 10, 8
	if len(src) < header+trailer || src[0] != 0x1f || src[1] != 0x8b || src[2] != 8 {
		return dst, false
	}
	body := header
	switch src[3] { // flags
	case 0:
	case 8: // a file's name
		for body < len(src) && src[body] != 0 {
			body++
		}
		body++
	default:
		return dst, false
	}
	end := len(src) - trailer
	sum, size := binary.LittleEndian.Uint32(src[end:]), int(binary.LittleEndian.Uint32(src[end+4:]))
	// Deflate makes no less than a thousandth of what it packs.
	if size > limit || size > 1032*len(src) || body > end {
		return dst, false
	}
	if cap(dst) < size+inflateMargin {
		dst = make([]byte, min(size+size/4, limit)+inflateMargin)
	}
	dst = dst[:size+inflateMargin]
	if n := z.inflate(dst, src[:end+inflateMargin], body); n != end || crc32.ChecksumIEEE(dst[:size]) != sum {
		return dst[:0], false
	}
	return dst[:size], true
}

var codeOrder = [19]uint8{16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15}

// inflate unpacks the blocks at src[p:] and gives where they end, or -1. The
// output has to be just as long as dst without its margin.
func (z *inflater) inflate(dst, src []byte, p int) int {
	var (
		hold uint64 // bits that were read, the next one lowest
		left uint   // how many of them count
		o    int
		size = len(dst) - inflateMargin
		end  = len(src) - inflateMargin
	)
	for {
		if p > end+8 {
			return -1
		}
		hold |= binary.LittleEndian.Uint64(src[p:]) << (left & entryBits)
		p += int(63-left) >> 3
		left |= 56
		last, kind := hold&1, hold>>1&3
		hold >>= 3
		left -= 3
		switch kind {
		case 0:
			p -= int(left >> 3)
			hold, left = 0, 0
			if p+4 > end {
				return -1
			}
			n := int(binary.LittleEndian.Uint16(src[p:]))
			if n != int(^binary.LittleEndian.Uint16(src[p+2:])) {
				return -1
			}
			p += 4
			if p+n > end || o+n > size {
				return -1
			}
			copy(dst[o:], src[p:p+n])
			p, o = p+n, o+n
		case 1, 2:
			if kind == 1 {
				z.fixed()
			} else if p, hold, left = z.dynamic(src, p, hold, left); p < 0 {
				return -1
			}
			if p, o, hold, left = z.block(dst, src, p, o, hold, left); p < 0 {
				return -1
			}
		default:
			return -1
		}
		if last == 1 {
			if o != size {
				return -1
			}
			return p - int(left>>3)
		}
	}
}

// block unpacks the codes of one block.
func (z *inflater) block(dst, src []byte, p, o int, hold uint64, left uint) (int, int, uint64, uint) {
	size, end := len(dst)-inflateMargin, len(src)-inflateMargin
	for o <= size && p <= end+8 {
		hold |= binary.LittleEndian.Uint64(src[p:]) << (left & entryBits)
		p += int(63-left) >> 3
		left |= 56

		e := z.literals[hold&(1<<literalBits-1)]
		if e >= entryLiteral {
			dst[o] = byte(e >> 16)
			o++
			hold >>= e & entryBits
			left -= uint(e & entryBits)
			if e = z.literals[hold&(1<<literalBits-1)]; e >= entryLiteral {
				dst[o] = byte(e >> 16)
				o++
				hold >>= e & entryBits
				left -= uint(e & entryBits)
				if e = z.literals[hold&(1<<literalBits-1)]; e >= entryLiteral {
					dst[o] = byte(e >> 16)
					o++
					hold >>= e & entryBits
					left -= uint(e & entryBits)
					continue
				}
			}
			hold |= binary.LittleEndian.Uint64(src[p:]) << (left & entryBits)
			p += int(63-left) >> 3
			left |= 56
		}
		if e&entrySpecial != 0 {
			if e&entrySubtable != 0 {
				hold >>= literalBits
				left -= literalBits
				e = z.literals[uint64(e>>16)+hold&(1<<(e>>8&15)-1)]
			}
			if e >= entryLiteral {
				dst[o] = byte(e >> 16)
				o++
				hold >>= e & entryBits
				left -= uint(e & entryBits)
				continue
			}
			if e&entrySpecial != 0 {
				if e&entryEnd == 0 {
					return -1, 0, 0, 0
				}
				return p, o, hold >> (e & entryBits), left - uint(e&entryBits)
			}
		}
		length := int(e>>16) + int(hold&(1<<(e&entryBits)-1)>>(e>>8&15))
		hold >>= e & entryBits
		left -= uint(e & entryBits)

		e = z.distances[hold&(1<<distanceBits-1)]
		if e&entrySpecial != 0 {
			if e&entrySubtable == 0 {
				return -1, 0, 0, 0
			}
			hold >>= distanceBits
			left -= distanceBits
			if e = z.distances[uint64(e>>16)+hold&(1<<(e>>8&15)-1)]; e&entrySpecial != 0 {
				return -1, 0, 0, 0
			}
		}
		distance := int(e>>16) + int(hold&(1<<(e&entryBits)-1)>>(e>>8&15))
		hold >>= e & entryBits
		left -= uint(e & entryBits)

		from := o - distance
		if from < 0 {
			return -1, 0, 0, 0
		}
		to := o + length
		if length <= 32 && distance >= 8 {
			// By words, the last of which writes beyond the end.
			for ; o < to; o, from = o+8, from+8 {
				binary.LittleEndian.PutUint64(dst[o:], binary.LittleEndian.Uint64(dst[from:]))
			}
			o = to
			continue
		}
		if distance >= length {
			copy(dst[o:to], dst[from:from+length])
			o = to
			continue
		}
		// The copy repeats what it writes.
		for o < to {
			o += copy(dst[o:to], dst[from:o])
		}
	}
	return -1, 0, 0, 0
}

// fixed makes the tables of RFC 1951, section 3.2.6.
func (z *inflater) fixed() {
	for i := range maxLiterals {
		n := uint8(8)
		switch {
		case i >= 144 && i < 256:
			n = 9
		case i >= 256 && i < 280:
			n = 7
		}
		z.lengths[i] = n
	}
	for i := range maxDistances {
		z.lengths[maxLiterals+i] = 5
	}
	z.table(z.literals[:], literalBits, z.lengths[:maxLiterals], literalEntry)
	z.table(z.distances[:], distanceBits, z.lengths[maxLiterals:maxLiterals+maxDistances], distanceEntry)
}

// dynamic reads the tables of a block, RFC 1951, section 3.2.7.
func (z *inflater) dynamic(src []byte, p int, hold uint64, left uint) (int, uint64, uint) {
	literals, distances, codes := int(hold&31)+257, int(hold>>5&31)+1, int(hold>>10&15)+4
	hold >>= 14
	left -= 14
	var order [19]uint8
	for i := range codes {
		if left < 3 {
			hold |= binary.LittleEndian.Uint64(src[p:]) << (left & entryBits)
			p += int(63-left) >> 3
			left |= 56
		}
		order[codeOrder[i]] = uint8(hold & 7)
		hold >>= 3
		left -= 3
	}
	if literals > 286 || distances > 30 || !z.table(z.order[:], orderBits, order[:], plainEntry) {
		return -1, 0, 0
	}
	end := len(src) - inflateMargin
	for i := 0; i < literals+distances; {
		if p > end+8 {
			return -1, 0, 0
		}
		hold |= binary.LittleEndian.Uint64(src[p:]) << (left & entryBits)
		p += int(63-left) >> 3
		left |= 56
		e := z.order[hold&(1<<orderBits-1)]
		if e&entrySpecial != 0 {
			return -1, 0, 0
		}
		hold >>= e & entryBits
		left -= uint(e & entryBits)
		what := uint8(e >> 16)
		if what < 16 {
			z.lengths[i] = what
			i++
			continue
		}
		repeat, value := 0, uint8(0)
		switch what {
		case 16:
			if i == 0 {
				return -1, 0, 0
			}
			value = z.lengths[i-1]
			repeat = 3 + int(hold&3)
			hold >>= 2
			left -= 2
		case 17:
			repeat = 3 + int(hold&7)
			hold >>= 3
			left -= 3
		default:
			repeat = 11 + int(hold&127)
			hold >>= 7
			left -= 7
		}
		if i+repeat > literals+distances {
			return -1, 0, 0
		}
		for range repeat {
			z.lengths[i] = value
			i++
		}
	}
	if z.lengths[256] == 0 ||
		!z.table(z.literals[:], literalBits, z.lengths[:literals], literalEntry) ||
		!z.table(z.distances[:], distanceBits, z.lengths[literals:literals+distances], distanceEntry) {
		return -1, 0, 0
	}
	return p, hold, left
}

// Base values and extra bits, RFC 1951, section 3.2.5.
var (
	literalEntry = func() []uint32 {
		t := make([]uint32, maxLiterals)
		for i := range 256 {
			t[i] = entryLiteral | uint32(i)<<16
		}
		t[256] = entrySpecial | entryEnd
		base := uint32(3)
		for i := 257; i < 285; i++ {
			extra := uint32(0)
			if i >= 265 {
				extra = uint32(i-261) / 4
			}
			t[i] = base<<16 | extra
			base += 1 << extra
		}
		t[285] = 258 << 16
		t[286], t[287] = entrySpecial, entrySpecial
		return t
	}()
	distanceEntry = func() []uint32 {
		t := make([]uint32, maxDistances)
		base := uint32(1)
		for i := range 30 {
			extra := uint32(0)
			if i >= 4 {
				extra = uint32(i-2) / 2
			}
			t[i] = base<<16 | extra
			base += 1 << extra
		}
		t[30], t[31] = entrySpecial, entrySpecial
		return t
	}()
	plainEntry = func() []uint32 {
		t := make([]uint32, 19)
		for i := range t {
			t[i] = uint32(i) << 16
		}
		return t
	}()
)

// table makes the table of a code from the lengths of its symbols. The code has
// to be complete, but for a single symbol of one bit or none at all.
func (z *inflater) table(t []uint32, main uint, lengths []uint8, entries []uint32) bool {
	var count [16]int
	for _, n := range lengths {
		count[n]++
	}
	var at [16]int
	used := 0
	for n := 1; n < 16; n++ {
		used = used<<1 + count[n]
		if n < 15 {
			at[n+1] = at[n] + count[n]
		}
	}
	for symbol, n := range lengths {
		if n != 0 {
			z.sorted[at[n]] = uint16(symbol)
			at[n]++
		}
	}
	if used != 1<<15 {
		if used > 1<<15 || used > 0 && (count[1] != 1 || used != 1<<14) {
			return false
		}
		for i := range 1 << main {
			t[i] = entrySpecial
		}
		if used > 0 {
			for i := 0; i < 1<<main; i += 2 {
				t[i] = entry(entries[z.sorted[0]], 1)
			}
		}
		return true
	}
	var (
		code    uint32 // with its bits in reverse, as they are read
		symbols = z.sorted[:]
		n       = uint(1)
	)
	for count[n] == 0 {
		n++
	}
	size := uint32(1) << min(n, main)
	if n <= main {
		size = 1 << n
	}
	next := func(n uint) bool {
		ones := uint32(1)<<n - 1
		if code == ones {
			return false
		}
		bit := uint32(1) << (bits.Len32(code^ones) - 1)
		code = code&(bit-1) | bit
		return true
	}
	for n <= main {
		for range count[n] {
			t[code] = entry(entries[symbols[0]], n)
			symbols = symbols[1:]
			if !next(n) {
				for ; n < main; n++ {
					copy(t[size:], t[:size])
					size <<= 1
				}
				return true
			}
		}
		for n++; ; n++ {
			if n <= main {
				copy(t[size:], t[:size])
				size <<= 1
			}
			if count[n] != 0 {
				break
			}
		}
	}
	size = 1 << main
	prefix, start := ^uint32(0), uint32(0)
	for left := count[n]; ; {
		if low := code & (1<<main - 1); low != prefix {
			prefix, start = low, size
			sub := n - main
			for space := left; space < 1<<sub; {
				sub++
				space = space<<1 + count[main+sub]
			}
			size = start + 1<<sub
			t[prefix] = entrySpecial | entrySubtable | start<<16 | uint32(sub)<<8 | uint32(main)
		}
		e := entry(entries[symbols[0]], n-main)
		symbols = symbols[1:]
		for i := start + code>>main; i < size; i += 1 << (n - main) {
			t[i] = e
		}
		if !next(n) {
			return true
		}
		for left--; left == 0; left = count[n] {
			n++
		}
	}
}

// entry completes a symbol's entry, which has its extra bits, by its code's.
func entry(e uint32, n uint) uint32 {
	return e + uint32(n)<<8 + uint32(n)
}
