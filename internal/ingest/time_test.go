package ingest

import (
	"regexp"
	"testing"
	"time"
)

func TestParseTime(t *testing.T) {
	tests := []struct {
		in   string
		want int64 // -1 where it is refused
	}{
		{"2024-07-30T21:31:15Z", 1722375075},
		{"20131102T010628Z", 1383354388},
		{"2013-11-02T01:06:28Z", 1383354388},
		{"2022-12-27T20:29:31.734Z", 1672172971},
		{"2022-12-27T20:29:31.123456789Z", 1672172971},
		{"2022-12-27T20:29:31+00:00", 1672172971},
		{"2022-12-27T22:29:31+02:00", 1672172971},
		{"2022-12-27T14:59:31.5-0530", 1672172971},
		{"2022-12-27T20:29:31", 1672172971},
		{"2024-02-29T00:00:00Z", 1709164800},
		{"1970-01-01T00:00:00Z", 0},
		{"9999-12-31T23:59:59Z", 253402300799},
		{"", -1},
		{"...", -1},
		{"eventTime", -1},
		{"1722375075", -1},
		{"2023-02-29T00:00:00Z", -1},
		{"2024-00-10T00:00:00Z", -1},
		{"2024-13-10T00:00:00Z", -1},
		{"2024-04-31T00:00:00Z", -1},
		{"2024-01-01T24:00:00Z", -1},
		{"2024-01-01T23:60:00Z", -1},
		{"2024-01-01T23:59:60Z", -1},
		{"1969-12-31T23:59:59Z", -1},
		{"1970-01-01T00:00:00+01:00", -1},
		{"2024-01-01T00:00:00X", -1},
		{"2024-01-01T00:00:00.Z", -1},
		{"2024-01-01T00:00:00+0", -1},
		{"2024-01-01T00:00:00+99:00", -1},
		{"2024-01-01T00:00:00ZZ", -1},
		{"2024-01-01T0x:00:00Z", -1},
		{"-024-01-01T00:00:00Z", -1},
		{"2024-01-01 00:00:00Z", -1},
	}
	for _, tt := range tests {
		got, ok := parseTime([]byte(tt.in))
		if want := tt.want >= 0; ok != want || ok && got != tt.want {
			t.Errorf("parseTime(%q) = %d, %v, want %d", tt.in, got, ok, tt.want)
		}
	}
}

// Every day up to 2100 is the day that package time says.
func TestDaysSince1970(t *testing.T) {
	day := time.Date(1970, 1, 1, 0, 0, 0, 0, time.UTC)
	for n := int64(0); day.Year() < 2101; n++ {
		if got := daysSince1970(day.Year(), int(day.Month()), day.Day()); got != n {
			t.Fatalf("daysSince1970(%v) = %d, want %d", day, got, n)
		}
		if last := day.AddDate(0, 0, 1).Day() == 1; last && daysIn(day.Year(), int(day.Month())) != day.Day() {
			t.Fatalf("daysIn(%v) = %d", day, daysIn(day.Year(), int(day.Month())))
		}
		day = day.AddDate(0, 0, 1)
	}
}

func FuzzParseTime(f *testing.F) {
	for _, s := range []string{
		"2024-07-30T21:31:15Z", "20131102T010628Z", "2022-12-27T20:29:31.734Z", "2022-12-27T22:29:31+02:00",
		"2024-02-29T00:00:00Z", "2024-01-01T23:59:60Z", "2024-01-01T00:00:00", "2024-01-01T00:00:00-0000",
	} {
		f.Add(s)
	}
	layouts := []string{
		time.RFC3339, "2006-01-02T15:04:05Z0700", "2006-01-02T15:04:05",
		"20060102T150405Z07:00", "20060102T150405Z0700", "20060102T150405",
	}
	// Package time lets single digits pass where the layout has two, and
	// offsets of 24 hours and 60 minutes.
	shape := regexp.MustCompile(`^\d{4}-?\d\d-?\d\dT\d\d:?\d\d:?\d\d([.,]\d+)?(Z|[+-]([01]\d|2[0-3]):?[0-5]\d)?$`)
	f.Fuzz(func(t *testing.T, s string) {
		got, ok := parseTime([]byte(s))
		if !shape.MatchString(s) {
			if ok {
				t.Fatalf("parseTime(%q) = %d", s, got)
			}
			return
		}
		for _, layout := range layouts {
			want, err := time.Parse(layout, s)
			if err != nil || want.Year() < 1970 || want.Unix() < 0 {
				continue
			}
			if !ok || got != want.Unix() {
				t.Fatalf("parseTime(%q) = %d, %v, want %d", s, got, ok, want.Unix())
			}
			return
		}
		if ok {
			t.Fatalf("parseTime(%q) = %d, and package time refuses it", s, got)
		}
	})
}
