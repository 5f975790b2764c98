package main

import (
	"errors"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"
)

const day = 24 * time.Hour

// units are the suffixes of a duration. A month or year has no one length.
var units = map[string]time.Duration{
	"s": time.Second, "m": time.Minute, "h": time.Hour, "d": day, "w": 7 * day,
}

var (
	durationForm = regexp.MustCompile(`^([0-9]+)([a-zA-Z]+)$`)
	combinedForm = regexp.MustCompile(`^(?:[0-9]+[smhdw]){2,}$`)
	negativeForm = regexp.MustCompile(`^-[0-9]`)
	dateForm     = regexp.MustCompile(`^[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}`)
	zonelessForm = regexp.MustCompile(`^[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]+)?)?$`)
)

// parseDuration reads one number and one unit, such as 90m or 7d, or a bare 0.
// Combined forms are refused: 1d12h is read as one thing by one person and as
// another by the next, and 36h says the same.
func parseDuration(s string) (time.Duration, error) {
	if s == "0" {
		return 0, nil
	}
	if combinedForm.MatchString(s) {
		return 0, errors.New("one number and one unit, please: 36h rather than 1d12h")
	}
	m := durationForm.FindStringSubmatch(s)
	if m == nil {
		if negativeForm.MatchString(s) {
			return 0, errors.New("a duration is not negative: 24h says how far back")
		}
		return 0, errors.New("not a duration such as 90m, 24h, 7d or 2w")
	}
	unit, ok := units[m[2]]
	if !ok {
		return 0, fmt.Errorf("unknown unit %q: use s, m, h, d or w", m[2])
	}
	n, err := strconv.ParseInt(m[1], 10, 64)
	if err != nil || n > math.MaxInt64/int64(unit) {
		return 0, errors.New("longer than trailscan can count")
	}
	return time.Duration(n) * unit, nil
}

// parseTime reads a point in time: a duration back from now, a date (its
// midnight in UTC), or RFC 3339. Events carry whole seconds, so that a bound
// with a fraction is the next whole second. The result is in UTC.
func parseTime(s string, now time.Time) (time.Time, error) {
	t, err := parseInstant(s, now)
	if err != nil {
		return time.Time{}, err
	}
	t = roundUp(t).UTC()
	// The zero time stands for "no bound" further on; nothing was logged then.
	if t.Year() < 1970 || t.Year() > 9999 {
		return time.Time{}, errors.New("outside the years 1970 to 9999")
	}
	return t, nil
}

// roundUp gives the first whole second that is not before t.
func roundUp(t time.Time) time.Time {
	whole := t.Truncate(time.Second)
	if whole.Before(t) {
		whole = whole.Add(time.Second)
	}
	return whole
}

func parseInstant(s string, now time.Time) (time.Time, error) {
	if !dateForm.MatchString(s) {
		d, err := parseDuration(s)
		if err != nil {
			if strings.ContainsAny(s, "-:/, ") && !strings.HasPrefix(s, "-") {
				return time.Time{}, errors.New("not a duration (24h, 7d), a date (2026-11-02) or RFC 3339 (2026-11-02T15:04:05Z); one of them, not several")
			}
			return time.Time{}, err
		}
		return now.Add(-d), nil
	}
	if len(s) == len(time.DateOnly) {
		t, err := time.Parse(time.DateOnly, s)
		if err != nil {
			return time.Time{}, errors.New("no such date")
		}
		return t, nil
	}
	if zonelessForm.MatchString(s) {
		return time.Time{}, errors.New("which time zone? end it with Z or an offset: 2026-11-02T15:04:05Z, 2026-11-02T15:04:05+01:00")
	}
	t, err := time.Parse(time.RFC3339, strings.ToUpper(s))
	if err != nil {
		return time.Time{}, errors.New("not a date (2026-11-02) or RFC 3339 (2026-11-02T15:04:05Z)")
	}
	return t, nil
}

// window is the time that a scan is about: eventTime in [since, until). A zero
// time is no bound.
type window struct{ since, until time.Time }

// margin is how far before and after the window objects are read. An object's
// stamp bounds its events on neither side: delivery is late, so that events
// stand in objects stamped after them, and AWS shows objects whose last events
// are minutes younger than the stamp.
type margin struct{ before, after time.Duration }

// defaultMargin is the before and after of a scan that says nothing else.
// CloudTrail delivers in about five minutes on average and guarantees no time.
//
// https://docs.aws.amazon.com/awscloudtrail/latest/userguide/get-and-view-cloudtrail-log-files.html
var defaultMargin = margin{before: 15 * time.Minute, after: time.Hour}

// parseMargin reads AFTER, or BEFORE,AFTER.
func parseMargin(s string) (margin, error) {
	before, after, both := strings.Cut(s, ",")
	m := defaultMargin
	var err error
	if !both {
		after = s
	} else if m.before, err = parseDuration(strings.TrimSpace(before)); err != nil {
		return margin{}, err
	}
	if m.after, err = parseDuration(strings.TrimSpace(after)); err != nil {
		return margin{}, err
	}
	return m, nil
}
