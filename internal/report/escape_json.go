package report

import "unicode/utf8"

// appendJSONString appends s to dst as a JSON string (RFC 8259).
//
// A program reads back exactly s, unless s is no UTF-8: each wrong byte becomes
// the replacement character. What could harm whoever looks at the file as it is
// stands in it as \uXXXX: control characters, everything else that does not show
// or changes how its neighbours show, and the number sign of ##[ and ##vso[,
// which make a build system's command of any line that holds them.
func appendJSONString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if jsonPlain[c] {
			i++
			continue
		}
		if c == '#' && commandLength(s[i:]) == 0 {
			i++
			continue
		}
		r, size := rune(c), 1
		if c >= utf8.RuneSelf {
			if r, size = utf8.DecodeRuneInString(s[i:]); r != utf8.RuneError && !unseen(r) {
				i += size
				continue
			}
		}
		dst = append(dst, s[start:i]...)
		i += size
		start = i
		switch r {
		case '"', '\\':
			dst = append(dst, '\\', c)
		case '\n':
			dst = append(dst, `\n`...)
		case '\r':
			dst = append(dst, `\r`...)
		case '\t':
			dst = append(dst, `\t`...)
		default:
			dst = appendJSONEscape(dst, r)
		}
	}
	dst = append(dst, s[start:]...)
	return append(dst, '"')
}

// jsonPlain tells the bytes that always stand for themselves.
var jsonPlain = func() (plain [256]bool) {
	for c := ' '; c < 0x7f; c++ {
		plain[c] = c != '"' && c != '\\' && c != '#'
	}
	return plain
}()

// appendJSONEscape appends r as \uXXXX, beyond U+FFFF as a surrogate pair.
func appendJSONEscape(dst []byte, r rune) []byte {
	if r > 0xffff {
		r -= 0x10000
		dst = appendJSONEscape(dst, 0xd800+r>>10)
		r = 0xdc00 + r&0x3ff
	}
	const hex = "0123456789abcdef"
	return append(dst, '\\', 'u', hex[r>>12], hex[r>>8&0xf], hex[r>>4&0xf], hex[r&0xf])
}
