package trailgen

import (
	"encoding/base32"
	"math/rand/v2"
	"strconv"
)

// ids draws identifiers in the forms that AWS gives them. Everything it gives
// depends on its seed alone.
type ids struct{ *rand.Rand }

// newIDs returns a stream of its own for each purpose, so that leaving events
// out or delivering them otherwise does not change the events that remain.
func newIDs(seed uint64, purpose uint64) ids {
	return ids{rand.New(rand.NewPCG(seed, 0x7472_6169_6c67_656e^purpose))}
}

const (
	lowerAlnum = "abcdefghijklmnopqrstuvwxyz0123456789"
	alnum      = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
	base64Set  = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
	hexDigits  = "0123456789abcdef"
	lowerOnly  = "abcdefghijklmnopqrstuvwxyz"
	upperOnly  = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	letters    = upperOnly + lowerOnly
	digits     = "0123456789"
	idAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
)

// appendFrom appends n characters of alphabet.
func (r ids) appendFrom(dst []byte, alphabet string, n int) []byte {
	size := uint64(len(alphabet))
	for n > 0 {
		v := r.Uint64()
		// Eight characters from one draw: the bias is far below what a trail shows.
		for range 8 {
			if n == 0 {
				break
			}
			dst = append(dst, alphabet[(v&0xff)*size>>8])
			v >>= 8
			n--
		}
	}
	return dst
}

func (r ids) from(alphabet string, n int) string {
	return string(r.appendFrom(make([]byte, 0, n), alphabet, n))
}

func (r ids) hex(n int) string { return r.from(hexDigits, n) }

// uuid appends a version 4 UUID, as eventID and requestID are.
func (r ids) appendUUID(dst []byte) []byte {
	start := len(dst)
	dst = r.appendFrom(dst, hexDigits, 36)
	u := dst[start:]
	u[8], u[13], u[18], u[23] = '-', '-', '-', '-'
	u[14] = '4'
	u[19] = "89ab"[hexValue(u[19])&3]
	return dst
}

func (r ids) uuid() string { return string(r.appendUUID(make([]byte, 0, 36))) }

// ownerUUID is a UUID of version 3, the version that the role owner's copies of
// shared events carry in real trails.
func (r ids) ownerUUID() string {
	u := r.appendUUID(make([]byte, 0, 36))
	u[14] = '3'
	return string(u)
}

func hexValue(c byte) byte {
	if c >= 'a' {
		return c - 'a' + 10
	}
	return c - '0'
}

// unique gives an id such as ASIA…, AKIA…, AROA… or AIDA…: the account stands
// in the bits after the prefix, as in real ones, and 39 bits are random.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-unique-ids
func (r ids) unique(prefix, account string) string {
	n, err := strconv.ParseUint(account, 10, 64)
	if err != nil {
		n = 0
	}
	low := r.Uint64() & (1<<39 - 1)
	var raw [10]byte
	head := 1<<47 | n<<7 | low>>32
	for i := range 6 {
		raw[i] = byte(head >> (40 - 8*i))
	}
	for i := range 4 {
		raw[6+i] = byte(low >> (24 - 8*i))
	}
	id := prefix + base32.StdEncoding.EncodeToString(raw[:])
	if prefix != "ASIA" && prefix != "AKIA" {
		// Ids of roles and users are one character longer than those of keys.
		id += string(idAlphabet[r.IntN(len(idAlphabet))])
	}
	return id
}

func (r ids) accountID() string {
	// The first digit is never 0, so that no reader takes it for a number of
	// eleven digits.
	return string(r.appendFrom([]byte{"123456789"[r.IntN(9)]}, digits, 11))
}

// sessionToken gives a token of the length and alphabet of a real one.
func (r ids) appendSessionToken(dst []byte) []byte {
	dst = append(dst, "IQoJb3JpZ2luX2Vj"...)
	return append(r.appendFrom(dst, base64Set, 700+4*r.IntN(60)), '=')
}

func pick[T any](r ids, of []T) T { return of[r.IntN(len(of))] }
