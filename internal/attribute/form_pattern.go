package attribute

// PatternOf gives the pattern that a name of form f is grouped under: the name
// with its changing parts replaced, such as botocore-session-<n> or
// orders-<uuid>. A name without changing parts is its own pattern. f may be nil;
// it is then worked out.
//
// Changing parts are UUIDs, addresses, dates, numbers of four digits or more,
// hexadecimal numbers of eight digits or more, K-sortable ids, the suffixes that
// Kubernetes generates, and characters that look random. Short numbers stay,
// since they tend to be versions and regions.
func PatternOf(name string, f *Form) string {
	if f == nil {
		f = FormOf(name)
	}
	switch {
	case f.Pattern != "":
		return f.Pattern
	case f.Class == ClassService || f.Class == ClassSDK || f.Class == ClassTool || f.Class == ClassVendor:
		return name
	case isEmail(name):
		return "<email>"
	case looksRandom(name, 16):
		return "<id>"
	}
	return generalise(name)
}

// generalise replaces the changing parts of a name.
func generalise(name string) string {
	var room [128]byte
	out := room[:0]
	kept := 0          // name[:kept] is in out
	generated := false // the token before was replaced
	put := func(from, to int, mark string) {
		out = append(out, name[kept:from]...)
		out = append(out, mark...)
		kept = to
	}
	for i := 0; i < len(name); {
		if !isAlnum(name[i]) {
			i++
			continue
		}
		// i begins a token: a run of letters and digits.
		if n, mark := compound(name[i:]); n > 0 {
			put(i, i+n, mark)
			i += n
			generated = true
			continue
		}
		j := i + 1
		for j < len(name) && isAlnum(name[j]) {
			j++
		}
		mark := changing(name[i:j])
		if mark == "" && j == len(name) && isPodSuffix(name[i:j], generated) {
			mark = "<id>"
		}
		generated = mark != ""
		if mark != "" {
			put(i, j, mark)
		} else {
			for k := i; k < j; { // long numbers inside the token
				d := k
				for d < j && isDigit(name[d]) {
					d++
				}
				if d-k >= 4 {
					put(k, d, "<n>")
				}
				k = max(d, k+1)
			}
		}
		i = j
	}
	if kept == 0 {
		return name
	}
	return string(append(out, name[kept:]...))
}

// changing gives the mark for a token that changes from name to name, or
// nothing.
func changing(token string) string {
	switch {
	case len(token) < 4:
		return ""
	case anyDigits(token):
		return "<n>"
	case len(token) < 8:
		return ""
	case isHexMix(token):
		return "<hex>"
	case isKSUID(token):
		return "<ksuid>"
	case isBase64UUID(token):
		return "<uuid>"
	case all(token, isGenerated), looksRandom(token, 10):
		return "<id>"
	}
	return ""
}

// isGenerated holds for the characters that Kubernetes makes up names of: no
// vowels, and nothing that is mistaken for another one.
// https://github.com/kubernetes/apimachinery, pkg/util/rand
func isGenerated(c byte) bool {
	switch c {
	case 'b', 'c', 'd', 'f', 'g', 'h', 'j', 'k', 'l', 'm', 'n', 'p', 'q', 'r', 's', 't', 'v', 'w', 'x', 'z',
		'2', '4', '5', '6', '7', '8', '9':
		return true
	}
	return false
}

// isPodSuffix holds for the five characters at the end of a pod's name. Behind
// the hash of a deployment they are enough; alone, digits and letters must mix.
func isPodSuffix(token string, behindHash bool) bool {
	if len(token) != 5 || !all(token, isGenerated) {
		return false
	}
	_, _, changes := kinds(token)
	return behindHash || changes >= 2
}

// compound gives the length of a part of several tokens at the front of s and
// its mark: a UUID (also one that the end of the name cuts), a date with or
// without a time, or an IPv4 address.
func compound(s string) (int, string) {
	switch n := uuidPrefix(s); {
	case n == 36 && (len(s) == 36 || !isAlnum(s[36])):
		return 36, "<uuid>"
	case n >= 13 && n < 36 && n == len(s):
		return n, "<uuid>"
	}
	if n := datePrefix(s); n > 0 {
		return n, "<date>"
	}
	if n := addressPrefix(s); n > 0 {
		return n, "<ip>"
	}
	return 0, ""
}

// datePrefix gives the length of a date such as 2024-01 or 2024-01-15 at the
// front of s, with a time such as T10-30 or T10-30-00Z.
func datePrefix(s string) int {
	year, ok := number(s, 4)
	if !ok || year < 1990 || year > 2099 || len(s) < 7 || isAlnum(s[4]) {
		return 0
	}
	month, ok := number(s[5:], 2)
	if !ok || month < 1 || month > 12 {
		return 0
	}
	n := 7
	if len(s) >= 10 && s[7] == s[4] {
		if day, ok := number(s[8:], 2); ok && day >= 1 && day <= 31 {
			n = 10
		}
	}
	if n == 10 && len(s) > n && (s[n] == 'T' || !isAlnum(s[n])) {
		if t := clockPrefix(s[n+1:]); t > 0 {
			n += 1 + t
		}
	}
	if len(s) > n && isAlnum(s[n]) {
		return 0
	}
	return n
}

// clockPrefix gives the length of a time such as 10-30 or 10.30.00Z.
func clockPrefix(s string) int {
	hour, ok := number(s, 2)
	if !ok || hour > 23 || len(s) < 5 || isAlnum(s[2]) {
		return 0
	}
	if minute, ok := number(s[3:], 2); !ok || minute > 59 {
		return 0
	}
	n := 5
	if len(s) >= 8 && s[5] == s[2] {
		if second, ok := number(s[6:], 2); ok && second <= 60 {
			n = 8
		}
	}
	if len(s) > n && s[n] == 'Z' {
		n++
	}
	return n
}

// addressPrefix gives the length of an IPv4 address at the front of s, written
// with dots or, as in the names of EC2 hosts, dashes. One that begins below 10
// is taken for a version.
func addressPrefix(s string) int {
	i := 0
	var separator byte
	for part := range 4 {
		start, value := i, 0
		for i < len(s) && isDigit(s[i]) && i-start < 3 {
			value = value*10 + int(s[i]-'0')
			i++
		}
		if start == i || value > 255 || part == 0 && value < 10 {
			return 0
		}
		if part == 3 {
			break
		}
		if i == len(s) || s[i] != '.' && s[i] != '-' || part > 0 && s[i] != separator {
			return 0
		}
		separator = s[i]
		i++
	}
	if i < len(s) && isAlnum(s[i]) {
		return 0
	}
	return i
}

// number reads exactly n digits at the front of s.
func number(s string, n int) (value int, ok bool) {
	if len(s) < n {
		return 0, false
	}
	for i := range n {
		if !isDigit(s[i]) {
			return 0, false
		}
		value = value*10 + int(s[i]-'0')
	}
	return value, true
}
