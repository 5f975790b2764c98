package attribute

// Opaque reports whether a name is random or a bare timestamp, and what it is.
// It judges the name alone: the same shapes are the ids of AWS services' own
// things, which other evidence tells (see FormUnder). A name with a word in it
// is not opaque, however random the rest.
func Opaque(name string) (why string, ok bool) {
	switch f := FormOf(name); f.ID {
	case "uuid":
		return "is a UUID", true
	case "hex32", "hex":
		return "is a hexadecimal number", true
	case "base64-uuid":
		return "is a UUID in base 64", true
	case "ksuid":
		return "is a K-sortable id", true
	case "ulid":
		return "is a ULID", true
	case "letters32":
		return "is random letters", true
	case "digits19", "epoch-millis", "epoch-seconds":
		return "is a bare timestamp", true
	case "digits":
		// Account ids, employees' numbers and dates are short numbers too, and
		// do tell something.
		switch _, stamped := StampOf(name); {
		case stamped:
			return "is a bare timestamp", true
		case len(name) >= 10 && len(name) != 12:
			return "is a bare number", true
		}
		return "", false
	case "custom":
	default:
		return "", false
	}
	if onlyChanging(name) {
		return "is numbers and ids and nothing else", true
	}
	if looksRandom(name, 16) {
		return "is random characters", true
	}
	return "", false
}

// onlyChanging reports whether every token of a name is a timestamp, a long
// hexadecimal number or a UUID, as in <uuid>-<timestamp>.
func onlyChanging(name string) bool {
	tokens := 0
	for i := 0; i < len(name); {
		if !isAlnum(name[i]) {
			i++
			continue
		}
		tokens++
		if n := uuidPrefix(name[i:]); n == 36 && (i+36 == len(name) || !isAlnum(name[i+36])) {
			i += 36
			continue
		}
		j := i + 1
		for j < len(name) && isAlnum(name[j]) {
			j++
		}
		token := name[i:j]
		if _, stamped := stamp(token); !stamped && !isLongHex(token) {
			return false
		}
		i = j
	}
	return tokens > 0
}
