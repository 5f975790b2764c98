package report

import "strings"

// escapeURISegment makes s one segment of a URI's path (RFC 3986, pchar): what
// may not stand there is percent-encoded, the slash above all.
//
// A segment of nothing but dots would mean another folder, even when its dots
// are encoded, and an empty one would be lost: both get an underscore in front,
// which no AWS account or role name needs.
func escapeURISegment(s string) string {
	if strings.Trim(s, ".") == "" {
		return "_" + s
	}
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if c := s[i]; isLetterOrDigit(c) || strings.IndexByte("-._~+=,@:", c) >= 0 {
			b.WriteByte(c)
		} else {
			b.Write([]byte{'%', hex[c>>4], hex[c&15]})
		}
	}
	return b.String()
}
