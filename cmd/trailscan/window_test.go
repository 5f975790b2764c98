package main

import (
	"strings"
	"testing"
	"time"
)

// noon is the present of the tests.
var noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

func TestParseTime(t *testing.T) {
	tests := []struct{ text, want string }{
		{"90m", "2026-11-24T10:30:00Z"},
		{"24h", "2026-11-23T12:00:00Z"},
		{"7d", "2026-11-17T12:00:00Z"},
		{"2w", "2026-11-10T12:00:00Z"},
		{"30s", "2026-11-24T11:59:30Z"},
		{"0", "2026-11-24T12:00:00Z"},
		{"0h", "2026-11-24T12:00:00Z"},
		{"2026-11-02", "2026-11-02T00:00:00Z"},
		{"2028-02-29", "2028-02-29T00:00:00Z"},
		{"2026-11-02T15:04:05Z", "2026-11-02T15:04:05Z"},
		{"2026-11-02T15:04:05+01:00", "2026-11-02T14:04:05Z"},
		{"2026-11-02T00:30:00-08:00", "2026-11-02T08:30:00Z"},
		{"2026-11-02T15:04:05.001Z", "2026-11-02T15:04:06Z"}, // events carry whole seconds
		{"2026-11-02t15:04:05z", "2026-11-02T15:04:05Z"},     // RFC 3339, section 5.6
		{"2030-01-01", "2030-01-01T00:00:00Z"},
	}
	for _, test := range tests {
		got, err := parseTime(test.text, noon)
		if err != nil {
			t.Errorf("%q: %v", test.text, err)
		} else if got.Format(time.RFC3339Nano) != test.want || got.Location() != time.UTC {
			t.Errorf("%q: %v, want %s", test.text, got, test.want)
		}
	}
}

func TestParseTimeRefuses(t *testing.T) {
	tests := []struct{ text, want string }{
		{"", "not a duration"},
		{"yesterday", "not a duration"},
		{"24", "not a duration"},
		{"-24h", "not negative"},
		{"--until", "not a duration"}, // the value was forgotten
		{"1d12h", "one number and one unit"},
		{"1h30m", "one number and one unit"},
		{"1.5h", "not a duration"},
		{"24H", `unknown unit "H"`},
		{"3mo", `unknown unit "mo"`},
		{"1y", `unknown unit "y"`},
		{"99999999999999999999h", "longer than"},
		{"9223372036854775807w", "longer than"},
		{"3000w", "outside the years"},
		{"2026-02-30", "no such date"},
		{"2026-13-01", "no such date"},
		{"2026-1-2", "not a date"},
		{"02.11.2026", "not a duration"},
		{"11/02/2026", "one of them, not several"},
		{"2026-11-02T15:04:05", "which time zone?"},
		{"2026-11-02 15:04", "which time zone?"},
		{"2026-11-02T25:00:00Z", "not a date"},
		{"24h,2026-11-02", "one of them, not several"},
		{"2026-11-02/2026-11-03", "not a date"},
		{"2026-11-02 24h", "not a date"},
		{"0001-01-01", "outside the years"},
		{"1969-12-31T23:59:59Z", "outside the years"},
		{"9999-12-31T23:59:59.5Z", "outside the years"},
	}
	for _, test := range tests {
		got, err := parseTime(test.text, noon)
		if err == nil {
			t.Errorf("%q gives %v", test.text, got)
		} else if !strings.Contains(err.Error(), test.want) {
			t.Errorf("%q: %q, want it to say %q", test.text, err, test.want)
		}
	}
}

func TestParseMargin(t *testing.T) {
	tests := []struct {
		text string
		want margin
	}{
		{"2h", margin{15 * time.Minute, 2 * time.Hour}},
		{"30m,2h", margin{30 * time.Minute, 2 * time.Hour}},
		{"0,0", margin{}},
		{"0, 1d", margin{0, day}},
	}
	for _, test := range tests {
		if got, err := parseMargin(test.text); err != nil || got != test.want {
			t.Errorf("%q: %v, %v, want %v", test.text, got, err, test.want)
		}
	}
	for _, text := range []string{"", ",", "1h,", ",1h", "1h,2h,3h", "-1h", "later"} {
		if got, err := parseMargin(text); err == nil {
			t.Errorf("%q gives %v", text, got)
		}
	}
}

func TestWindow(t *testing.T) {
	files, bucket := operands{paths: []string{"logs"}}, operands{buckets: []location{{"b", ""}}}
	tests := []struct {
		name         string
		from         operands
		since, until string
		want         string // or part of the error
	}{
		{"a bucket reads a day", bucket, "", "", "2026-11-23T12:00:00Z to 2026-11-24T12:00:00Z"},
		{"a bucket from a date", bucket, "2026-11-01", "", "2026-11-01T00:00:00Z to 2026-11-24T12:00:00Z"},
		{"a bucket between", bucket, "48h", "24h", "2026-11-22T12:00:00Z to 2026-11-23T12:00:00Z"},
		{"a bucket until", bucket, "", "6h", "2026-11-23T12:00:00Z to 2026-11-24T06:00:00Z"},
		{"a bucket beyond now", bucket, "1h", "2027-01-01", "2026-11-24T11:00:00Z to 2027-01-01T00:00:00Z"},
		{"files are taken whole", files, "", "", "none to none"},
		{"files from a date", files, "2026-11-01", "", "2026-11-01T00:00:00Z to none"},
		{"files until a date", files, "", "2026-11-01", "none to 2026-11-01T00:00:00Z"},
		{"files of the future", files, "2027-01-01", "", "2027-01-01T00:00:00Z to none"},
		{"the wrong way round", files, "2026-11-02", "2026-11-01", "the window is empty: --since (2026-11-02T00:00:00Z) is not before --until (2026-11-01T00:00:00Z)"},
		{"nothing between", files, "2026-11-02", "2026-11-02", "the window is empty"},
		{"a bucket of the future", bucket, "2027-01-01", "", "is not before now (2026-11-24T12:00:00Z)"},
		{"until before the default", bucket, "", "2026-11-01", "the default --since (2026-11-23T12:00:00Z) is not before --until"},
	}
	bound := func(t time.Time) string {
		if t.IsZero() {
			return "none"
		}
		return t.Format(time.RFC3339)
	}
	for _, test := range tests {
		f := newInputFlags(noon)
		for value, text := range map[*parsed[time.Time]]string{&f.since: test.since, &f.until: test.until} {
			if text != "" {
				if err := value.Set(text); err != nil {
					t.Fatal(err)
				}
			}
		}
		w, err := f.window(test.from, noon)
		got := bound(w.since) + " to " + bound(w.until)
		if err != nil {
			got = err.Error()
		}
		if !strings.Contains(got, test.want) || err == nil && got != test.want {
			t.Errorf("%s: %s, want %s", test.name, got, test.want)
		}
	}
}

// FuzzParseTime: whatever the text, the time lies in the years that the rest
// counts with, in whole seconds, and a duration is never in the future.
func FuzzParseTime(f *testing.F) {
	for _, s := range []string{"24h", "7d", "2w", "0", "2026-11-02", "2026-11-02T15:04:05.5+01:00", "1d12h", "9999-12-31T23:59:59Z", "-1h", "99999999999w"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, err := parseTime(s, noon)
		if err != nil {
			if !got.IsZero() {
				t.Errorf("%q: %v beside the error %v", s, got, err)
			}
			return
		}
		if got.Nanosecond() != 0 || got.Unix() < 0 || got.Year() > 9999 {
			t.Errorf("%q: %v", s, got)
		}
		if d, err := parseDuration(s); err == nil && (d < 0 || got.After(noon)) {
			t.Errorf("%q: %v after %v", s, d, noon)
		}
	})
}
