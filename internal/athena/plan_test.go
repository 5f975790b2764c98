package athena

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/trailscan/trailscan/internal/ingest"
)

var update = flag.Bool("update", false, "write the golden files anew")

// TestStatements shows what is sent to Athena.
func TestStatements(t *testing.T) {
	p := plan()
	p.Tables[0].Name = p.Tables[0].KeptName()
	p.Scan.Accounts = []string{"111122223333"}
	parts, err := p.Parts()
	if err != nil {
		t.Fatal(err)
	}
	lookback, err := p.Lookback()
	if err != nil {
		t.Fatal(err)
	}
	documented := p.Tables[0]
	documented.Documented = true
	for name, text := range map[string]string{
		"table.sql": p.Tables[0].Create(), "documented.sql": documented.Create(),
		"use.sql": parts[0].Query(), "evidence.sql": lookback[0].Query(),
	} {
		path := filepath.Join("testdata", name)
		if *update {
			if err := os.WriteFile(path, []byte(text+"\n"), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil || string(want) != text+"\n" {
			t.Errorf("%s is out of date (%v): go test ./internal/athena -run TestStatements -update", path, err)
		}
	}
}

// days tells which days of delivery a part reads.
func days(p Part) string {
	s := p.From[0]
	text := func(t time.Time) string {
		if t.IsZero() {
			return "*"
		}
		return t.Format("0102")
	}
	return text(s.From) + "-" + text(s.To)
}

func TestDelivered(t *testing.T) {
	at := func(s string) time.Time {
		if s == "" {
			return time.Time{}
		}
		v, err := time.Parse("2006-01-02 15:04", "2026-"+s)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	for _, test := range []struct {
		since, until  string
		lookback      time.Duration
		accounts      []string
		days, earlier string // of the window, and of evidence before it
	}{
		// A day before, which is more than most look back.
		{"11-10 12:00", "11-12 12:00", 12 * time.Hour, nil, "1109-1112", ""},
		{"11-10 00:00", "11-12 00:00", 12 * time.Hour, nil, "1109-1112", ""},
		{"11-10 00:00", "11-12 23:00", 12 * time.Hour, nil, "1109-1113", ""},
		{"11-10 00:00", "11-12 22:59", 12 * time.Hour, nil, "1109-1112", ""},
		// Nothing was delivered after now, the 24th.
		{"11-23 12:00", "11-24 23:59", 12 * time.Hour, nil, "1122-1124", ""},
		{"11-10 12:00", "11-12 12:00", 35 * time.Hour, nil, "1109-1112", ""},
		{"11-10 12:00", "11-12 12:00", 37 * time.Hour, nil, "1109-1112", "1108-1108"},
		// Chains lead into other accounts.
		{"11-10 12:00", "11-12 12:00", 12 * time.Hour, []string{"111122223333"}, "1109-1112", "1109-1112"},
		{"", "", 12 * time.Hour, nil, "*-*", ""},
		{"", "", 12 * time.Hour, []string{"111122223333"}, "*-*", "*-*"},
	} {
		p := plan()
		p.Scan.Since, p.Scan.Until, p.Scan.Lookback, p.Scan.Accounts = at(test.since), at(test.until), test.lookback, test.accounts
		parts, err := p.Parts()
		if err != nil || len(parts) != 1 {
			t.Fatal(parts, err)
		}
		earlier := ""
		lookback, err := p.Lookback()
		if err != nil {
			t.Fatal(err)
		}
		if len(lookback) > 0 {
			earlier = days(lookback[0])
		}
		if got := days(parts[0]); got != test.days || earlier != test.earlier {
			t.Errorf("%s to %s: reads %s, and %q for evidence; want %s and %q", test.since, test.until, got, earlier, test.days, test.earlier)
		}
	}
}

// TestLimits holds that an organization of any size is asked about in queries
// that Athena takes, which together read every partition once.
func TestLimits(t *testing.T) {
	var trail ingest.Trail
	regions := make([]string, 34)
	for i := range regions {
		regions[i] = fmt.Sprintf("eu-west-%d", i)
	}
	for i := range 5000 {
		trail.Accounts = append(trail.Accounts, ingest.TrailAccount{ID: fmt.Sprintf("%012d", i), Regions: regions})
	}
	p := plan()
	p.Tables = []Table{{Database: "default", Name: "t", Bucket: "trail-logs", Trail: trail}}
	p.Scan.Since = p.Scan.Until.Add(-90 * day)
	parts, err := p.Parts()
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for i, part := range parts {
		if n := part.Partitions(clock); n > MaxPartitions || len(part.Query()) > MaxQuery {
			t.Errorf("part %d: %d partitions, %d bytes", i, n, len(part.Query()))
		}
		if part.Number != i+1 || part.Count != len(parts) {
			t.Errorf("part %d is number %d of %d", i, part.Number, part.Count)
		}
		for _, a := range part.From[0].Accounts {
			if seen[a] {
				t.Errorf("account %s is in two parts", a)
			}
			seen[a] = true
		}
	}
	if len(seen) != len(trail.Accounts) || len(parts) < 16 || len(parts) > 32 {
		t.Errorf("%d accounts in %d parts", len(seen), len(parts))
	}
	if text := p.Tables[0].Create(); len(text) > MaxQuery {
		t.Errorf("the table's definition has %d bytes", len(text))
	}

	p.MaxPartitions = 10
	if _, err := p.Parts(); err == nil || !strings.Contains(err.Error(), "narrow the window") {
		t.Errorf("what cannot be split: %v", err)
	}
}

// TestSplitTime holds that both halves share the window and leave nothing out.
func TestSplitTime(t *testing.T) {
	p := plan()
	p.Scan.Since, p.Scan.Accounts = clock.Add(-10*day), []string{"111122223333"}
	parts, err := p.Parts()
	if err != nil {
		t.Fatal(err)
	}
	halves, ok := parts[0].Split()
	if !ok {
		t.Fatal("not split")
	}
	first, second := halves[0], halves[1]
	if !first.Since.Equal(p.Scan.Since) || !first.Until.Equal(second.Since) || !second.Until.Equal(p.Scan.Until) {
		t.Errorf("%v to %v and %v to %v", first.Since, first.Until, second.Since, second.Until)
	}
	if days(parts[0]) != "1113-1124" || days(first) != "1113-1120" || days(second) != "1118-1124" {
		t.Errorf("%s is split into %s and %s", days(parts[0]), days(first), days(second))
	}
	// What issued credentials before the window is in the first half only.
	bound := fmt.Sprintf("t >= %d AND t <", second.Since.Unix())
	if strings.Count(second.Query(), bound) != 2 || strings.Contains(first.Query(), "whole,\n    coalesce(t IS NOT NULL AND t >=") {
		t.Error("the halves give the same events twice")
	}
	if first.id() == second.id() {
		t.Error("the halves have one id")
	}
}

func TestReads(t *testing.T) {
	p := plan() // the days 22 to 24
	for at, want := range map[time.Time]bool{
		clock.Add(-30 * time.Hour): true, clock.Add(-58 * time.Hour): true, clock.Add(-61 * time.Hour): false, clock: true, clock.Add(12 * time.Hour): false,
	} {
		if p.Reads("111122223333", at) != want {
			t.Errorf("%v: %v", at, !want)
		}
	}
	p.Scan.Accounts = []string{"444455556666"}
	if p.Reads("111122223333", clock) {
		t.Error("another account is read")
	}
}

func TestCheck(t *testing.T) {
	for root, want := range map[string]string{
		"AWSLogs/": "", "org/AWSLogs/o-abc/": "", "": "",
		"a//AWSLogs/": "//", "/AWSLogs/": "//", "it's/AWSLogs/": "characters", "${x}/": "characters", "a;b/": "characters", "a\nb/": "characters",
	} {
		table := logs
		table.Trail.Root = root
		if err := table.Check(); (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", root, err)
		}
	}
}

// TestDigest holds that a table is used again only for what it was made for.
func TestDigest(t *testing.T) {
	other := logs
	other.Trail.Accounts = append(slices.Clone(logs.Trail.Accounts), ingest.TrailAccount{ID: "777788889999", Regions: []string{"eu-west-1"}})
	documented := logs
	documented.Documented = true
	renamed := logs
	renamed.Name = "anything"
	if logs.Digest() == other.Digest() || logs.Digest() == documented.Digest() || logs.Digest() != renamed.Digest() {
		t.Error("the digest tells too much or too little")
	}
}
