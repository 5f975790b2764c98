package attribute

import (
	"encoding/base64"
	"strings"
)

// The matchers of formTable: each looks at the part of a name behind the
// form's prefix. They are written out by hand, since regular expressions cost
// a microsecond a name.

func isDigit(c byte) bool  { return '0' <= c && c <= '9' }
func isLower(c byte) bool  { return 'a' <= c && c <= 'z' }
func isUpper(c byte) bool  { return 'A' <= c && c <= 'Z' }
func isLetter(c byte) bool { return isLower(c | 0x20) }
func isAlnum(c byte) bool  { return isDigit(c) || isLetter(c) }
func isHex(c byte) bool    { return isDigit(c) || 'a' <= c|0x20 && c|0x20 <= 'f' }

func all(s string, is func(byte) bool) bool {
	for i := range len(s) {
		if !is(s[i]) {
			return false
		}
	}
	return s != ""
}

func anyText(s string) bool    { return s != "" }
func anyDigits(s string) bool  { return all(s, isDigit) }
func anyLetters(s string) bool { return all(s, isLetter) }
func digits18(s string) bool   { return len(s) == 18 && anyDigits(s) }
func hex17(s string) bool      { return len(s) == 17 && all(s, isHex) }

// isInstanceTail holds for what follows the i- of an EC2 instance id: 17
// hexadecimal digits, 8 for instances of before 2016.
func isInstanceTail(s string) bool {
	return (len(s) == 17 || len(s) == 8) && all(s, isHex)
}

// isUUID holds for a UUID with its dashes, in either case.
func isUUID(s string) bool { return len(s) == 36 && uuidPrefix(s) == 36 }

// uuidPrefix says how many bytes at the front of s could be the beginning of a
// UUID, at most 36.
func uuidPrefix[T string | []byte](s T) int {
	n := min(len(s), 36)
	for i := range n {
		switch i {
		case 8, 13, 18, 23:
			if s[i] != '-' {
				return i
			}
		default:
			if !isHex(s[i]) {
				return i
			}
		}
	}
	return n
}

// endsInUUID holds for "<something>-<uuid>".
func endsInUUID(s string) bool {
	i := len(s) - 36
	return i >= 2 && s[i-1] == '-' && isUUID(s[i:])
}

// isSpotFleetTail holds for the UUID of a spot fleet request, whole or cut.
func isSpotFleetTail(s string) bool {
	return len(s) >= 13 && len(s) <= 36 && uuidPrefix(s) == len(s)
}

// isLambdaInternalTail holds for "<n>_<yyyyMMddHHmmssSSS>".
func isLambdaInternalTail(s string) bool {
	n, stamp, ok := strings.Cut(s, "_")
	return ok && anyDigits(n) && len(stamp) == 17 && anyDigits(stamp)
}

// isAccountUUIDTail holds for "<account>_<uuid>".
func isAccountUUIDTail(s string) bool {
	account, id, ok := strings.Cut(s, "_")
	return ok && isAccount(account) && isUUID(id)
}

func isAccount(s string) bool { return len(s) == 12 && anyDigits(s) }

// isLakeFormationTail holds for "<2 letters>-<account>-<id>".
func isLakeFormationTail(s string) bool {
	return len(s) > 16 && anyLetters(s[:2]) && s[2] == '-' && isAccount(s[3:15]) && s[15] == '-'
}

// isVaultTail holds for "<unix time>-<random>", cut or not.
func isVaultTail(s string) bool {
	stamp, random, ok := strings.Cut(s, "-")
	return ok && len(stamp) == 10 && anyDigits(stamp) && all(random, isAlnum)
}

// isTwoNumbers holds for "<n>-<n>".
func isTwoNumbers(s string) bool {
	a, b, ok := strings.Cut(s, "-")
	return ok && anyDigits(a) && anyDigits(b)
}

// isLambdaShort holds for the name of a Lambda function of one letter, which is
// too short for a session name and gets a tail.
func isLambdaShort(s string) bool {
	return len(s) == len("x@lambda_function") && s[1:] == "@lambda_function"
}

func isDescribeHandler(s string) bool {
	service, ok := strings.CutSuffix(s, "DescribeHandlerSession")
	return ok && all(service, isAlnum)
}

// The ambiguous shapes.

func isHex32(s string) bool { return len(s) == 32 && isHexMix(s) }

// isLongHex holds for 16 or more hexadecimal digits, such as a SHA-1 or the
// serial number of a certificate.
func isLongHex(s string) bool { return len(s) >= 16 && isHexMix(s) }

// isHexMix holds for hexadecimal digits with a digit and a letter among them,
// so that neither a number nor a word like facade passes.
func isHexMix(s string) bool {
	digit, letter := false, false
	for i := range len(s) {
		switch {
		case isDigit(s[i]):
			digit = true
		case isHex(s[i]):
			letter = true
		default:
			return false
		}
	}
	return digit && letter
}

// The bare numbers are taken for times when their first digit puts them
// between 2001 and 2033 (nanoseconds: 2096).

func isNanos(s string) bool  { return len(s) == 19 && (s[0] == '1' || s[0] == '2') && anyDigits(s) }
func isMillis(s string) bool { return len(s) == 13 && s[0] == '1' && anyDigits(s) }
func isEpoch(s string) bool  { return len(s) == 10 && s[0] == '1' && anyDigits(s) }

// isLetters32 holds for 32 letters that spell nothing.
func isLetters32(s string) bool { return len(s) == 32 && anyLetters(s) && !reads(s, 60) }

// isKSUID holds for a K-sortable id: 27 digits of base 62 that hold 160 bits,
// the first 32 of them a time. The digits change kind more often than those of
// a name in words. https://github.com/segmentio/ksuid
func isKSUID(s string) bool {
	if len(s) != 27 || !isDigit(s[0]) || !all(s, isAlnum) {
		return false
	}
	t, ok := ksuidTime(s)
	return ok && t < lastStamp && mixed(s)
}

// ksuidEpoch is the second that a KSUID counts from.
const ksuidEpoch = 1400000000

// ksuidTime decodes the time of a KSUID in seconds since 1970 UTC. The
// digits of base 62 are 0-9, A-Z, a-z.
func ksuidTime(s string) (int64, bool) {
	var limbs [5]uint64 // 160 bits in 32 each, the highest first
	for i := range len(s) {
		digit := uint64(s[i])
		switch c := s[i]; {
		case isDigit(c):
			digit -= '0'
		case isUpper(c):
			digit -= 'A' - 10
		default:
			digit -= 'a' - 36
		}
		for j := len(limbs) - 1; j >= 0; j-- {
			digit += limbs[j] * 62
			limbs[j] = digit & 0xffffffff
			digit >>= 32
		}
		if digit > 0 {
			return 0, false
		}
	}
	return int64(limbs[0]) + ksuidEpoch, true
}

// isULID holds for a ULID: 26 digits of Crockford's base 32, in capitals, the
// first ten of them milliseconds; 01 begins those of 2004 to 2039.
// https://github.com/ulid/spec
func isULID(s string) bool {
	if len(s) != 26 || s[:2] != "01" {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if !isDigit(c) && !isUpper(c) || c == 'I' || c == 'L' || c == 'O' || c == 'U' {
			return false
		}
	}
	return true
}

// isBase64UUID holds for the 48 characters that are the base 64 of a UUID's
// text.
func isBase64UUID(s string) bool {
	if len(s) != 48 || !all(s, isAlnum) {
		return false
	}
	var src [48]byte
	var id [36]byte
	copy(src[:], s)
	n, err := base64.StdEncoding.Decode(id[:], src[:])
	return err == nil && n == 36 && uuidPrefix(id[:]) == 36
}

// isEmail holds for an address: one @, and behind it a domain with a dot.
func isEmail(s string) bool {
	at := strings.IndexByte(s, '@')
	if at < 1 {
		return false
	}
	domain := s[at+1:]
	dot := -1 // the last one
	for i := range len(domain) {
		switch c := domain[i]; {
		case c == '.':
			if i == dot+1 { // an empty label
				return false
			}
			dot = i
		case isAlnum(c), c == '-':
		default:
			return false
		}
	}
	return dot > 0 && len(domain)-dot > 2 && anyLetters(domain[dot+1:])
}

// isKube2iam holds for what kube2iam makes: the FNV hash of the pod's address
// in hexadecimal, a dash and the role's name, cut to 64 characters.
func isKube2iam(name, roleName string) bool {
	hash, role, ok := strings.Cut(name, "-")
	if !ok || role == "" || len(hash) > 8 || !all(hash, isHex) {
		return false
	}
	return role == roleName || len(name) == 64 && strings.HasPrefix(roleName, role)
}
