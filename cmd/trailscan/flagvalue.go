package main

import (
	"errors"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"

	"github.com/trailscan/trailscan/internal/attribute"
)

// parsed is a flag's value that goes through parse, so that a mistake is told
// with the flag's name before anything else happens.
type parsed[T any] struct {
	value T
	given bool
	text  string // the default as help shows it, then what was given
	kind  string // what help calls the value
	parse func(string) (T, error)
}

func (p *parsed[T]) Set(s string) error {
	v, err := p.parse(s)
	if err != nil {
		return err
	}
	p.value, p.text, p.given = v, s, true
	return nil
}
func (p *parsed[T]) String() string { return p.text }
func (p *parsed[T]) Type() string   { return p.kind }

// list is a flag that may be repeated and holds values separated by commas.
type list struct {
	values []string
	kind   string
	check  func(string) error
}

func (l *list) Set(s string) error {
	for v := range strings.SplitSeq(s, ",") {
		v = strings.TrimSpace(v)
		if v == "" {
			return errors.New("an empty value in the list")
		}
		if err := l.check(v); err != nil {
			return err
		}
		l.values = append(l.values, v)
	}
	return nil
}
func (l *list) String() string { return strings.Join(l.values, ",") }
func (l *list) Type() string   { return l.kind }

// oneOf accepts the words of a list.
func oneOf(words ...string) func(string) (string, error) {
	return func(s string) (string, error) {
		for _, w := range words {
			if s == w {
				return s, nil
			}
		}
		return "", fmt.Errorf("it is one of %s", strings.Join(words, ", "))
	}
}

var (
	onlyDigits = regexp.MustCompile(`^[0-9]+$`)
	// inGroups is how the console shows an account id.
	inGroups = regexp.MustCompile(`^[0-9]{4}-[0-9]{4}-[0-9]{4}$`)
)

// checkAccount refuses a mistyped account id. Published logs put placeholders
// in its place, so that only digits are held to their number.
func checkAccount(s string) error {
	if onlyDigits.MatchString(s) && len(s) != 12 {
		return fmt.Errorf("account %q has %d digits, not 12", s, len(s))
	}
	if inGroups.MatchString(s) {
		return fmt.Errorf("account %q: logs have it without hyphens, as %s", s, strings.ReplaceAll(s, "-", ""))
	}
	return nil
}

var regionForm = regexp.MustCompile(`^(all|[a-z]{2,}(-[a-z]+)+-[0-9]+)$`)

// checkRegion refuses what cannot be the name of a region, such as a zone.
func checkRegion(s string) error {
	if !regionForm.MatchString(s) {
		return fmt.Errorf("%q is no region such as eu-west-1", s)
	}
	return nil
}

// parseGlob checks a pattern and gives it as it is.
func parseGlob(s string) (string, error) {
	_, err := attribute.ParseGlob(s)
	return s, err
}

var sizeForm = regexp.MustCompile(`^(?i)([0-9]+)\s*([kmgt]?)(i?b)?$`)

// parseSize reads a number of bytes: 512MiB, 2GiB, 500MB, or 2G for 2GiB.
func parseSize(s string) (int64, error) {
	m := sizeForm.FindStringSubmatch(s)
	if m == nil {
		return 0, errors.New("not a size such as 512MiB or 2GiB")
	}
	n, err := strconv.ParseInt(m[1], 10, 64)
	if err != nil {
		return 0, errors.New("more bytes than there are")
	}
	base := int64(1024)
	if strings.EqualFold(m[3], "b") {
		base = 1000
	}
	for range strings.Index(" kmgt", strings.ToLower(m[2] + " ")[:1]) {
		if n > math.MaxInt64/base {
			return 0, errors.New("more bytes than there are")
		}
		n *= base
	}
	if n == 0 {
		return 0, errors.New("a size is more than nothing")
	}
	return n, nil
}

// parseCount reads a whole number of at least 1.
func parseCount(s string) (int, error) {
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 || n > 1<<20 {
		return 0, errors.New("not a whole number of at least 1")
	}
	return n, nil
}

// words lists words as a sentence does.
func words(list []string) string { return strings.Join(list, ", ") }
