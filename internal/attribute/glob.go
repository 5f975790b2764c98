package attribute

import (
	"errors"
	"fmt"
	"path"
	"regexp"
	"strings"
)

// Glob is a pattern that a whole value must match: * is any run of characters,
// ? any one, [a-z] and [^a-z] one of a class, and \ takes the next character
// as it is. Unlike in path.Match, * and ? match a slash too, since origins and
// role paths hold slashes. The zero Glob matches everything.
type Glob struct {
	text string
	re   *regexp.Regexp
}

// ParseGlob reads a pattern. The error says what is wrong with it.
func ParseGlob(s string) (Glob, error) {
	if s == "" {
		return Glob{}, errors.New("an empty pattern matches nothing: use * for everything")
	}
	if _, err := path.Match(s, ""); err != nil {
		return Glob{}, fmt.Errorf("bad pattern %q: a [ without its ], an empty [], or a \\ at the end", s)
	}
	var b strings.Builder
	b.WriteString(`(?s)\A`)
	rs := []rune(s)
	for i := 0; i < len(rs); i++ {
		switch rs[i] {
		case '*':
			b.WriteString(`.*`)
		case '?':
			b.WriteByte('.')
		case '[':
			i = globClass(&b, rs, i+1)
		case '\\':
			i++
			fallthrough
		default:
			b.WriteString(regexp.QuoteMeta(string(rs[i])))
		}
	}
	b.WriteString(`\z`)
	// What path.Match lets pass and regexp does not is a range such as z-a and
	// a pattern beyond regexp's size.
	re, err := regexp.Compile(b.String())
	if err != nil {
		return Glob{}, fmt.Errorf("bad pattern %q: a range that ends before it starts, or too long", s)
	}
	return Glob{text: s, re: re}, nil
}

// globClass writes the class that begins behind rs[i-1], the [, as a regular
// expression's, and gives the index of its ]. path.Match has accepted it.
func globClass(b *strings.Builder, rs []rune, i int) int {
	b.WriteByte('[')
	if rs[i] == '^' {
		b.WriteByte('^')
		i++
	}
	for ; rs[i] != ']'; i++ {
		if rs[i] == '-' { // between two characters: a range
			b.WriteByte('-')
			continue
		}
		if rs[i] == '\\' {
			i++
		}
		fmt.Fprintf(b, `\x{%x}`, rs[i])
	}
	b.WriteByte(']')
	return i
}

// String gives the pattern as it was written.
func (g Glob) String() string { return g.text }

// IsZero reports whether g is the zero Glob, which matches everything.
func (g Glob) IsZero() bool { return g.re == nil }

// Match reports whether the whole of s matches.
func (g Glob) Match(s string) bool { return g.re == nil || g.re.MatchString(s) }

// MatchRole reports whether a role matches, given by its ARN or its bare name.
// A pattern that begins with arn: is about the whole ARN, one that begins with
// role/ about its resource part with or without the path, every other about
// the role's name.
func (g Glob) MatchRole(role string) bool {
	resource := "role/" + role
	name := role
	if parts := strings.SplitN(role, ":", 6); len(parts) == 6 && parts[0] == "arn" {
		resource = parts[5]
		name = resource[strings.LastIndexByte(resource, '/')+1:]
	}
	switch {
	case strings.HasPrefix(g.text, "arn:"):
		return g.Match(role)
	case strings.HasPrefix(g.text, "role/"):
		return g.Match(resource) || g.Match("role/"+name)
	}
	return g.Match(name)
}
