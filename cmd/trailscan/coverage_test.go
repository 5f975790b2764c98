package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// covered is what a JSON report says of what was read.
type covered struct {
	Scan struct {
		Warnings []string
		Complete bool
	}
	Coverage []struct {
		AccountID, Region        string
		Objects, ObjectsFailed   int64
		HoursExpected, HoursRead int64
		EventsUnseen             int64
		SilentSince              *time.Time
		Unread                   []struct {
			From, To time.Time
			Objects  int64
		}
	}
}

// scanned runs a scan and reads its JSON report.
func scanned(t *testing.T, wantStatus int, args ...string) (covered, string) {
	t.Helper()
	var stdout, stderr strings.Builder
	c := &clock{now: noon, ticks: make(chan time.Time)}
	status := run(context.Background(), process{
		args: append(args, "--format", "json"), stdin: strings.NewReader(""), stdout: &stdout, stderr: &stderr,
		getenv: func(string) string { return "" }, now: func() time.Time { return noon }, every: c.every,
	})
	if status != wantStatus {
		t.Fatalf("exit status %d, want %d: %s", status, wantStatus, stderr.String())
	}
	var got covered
	if err := json.Unmarshal([]byte(stdout.String()), &got); err != nil {
		t.Fatal(err)
	}
	return got, stderr.String()
}

// hourly writes a trail of one object an hour of 20 November 2026, of four
// events each, where days has a mark other than a dot: # for an object that is
// whole, x for one that cannot be read.
func hourly(t *testing.T, days map[[2]string]string) string {
	t.Helper()
	dir := t.TempDir()
	for at, day := range days {
		folder := filepath.Join(dir, "AWSLogs", at[0], "CloudTrail", at[1], "2026", "11", "20")
		if err := os.MkdirAll(folder, 0o755); err != nil {
			t.Fatal(err)
		}
		for hour, mark := range day {
			var records []string
			for i := range 4 {
				records = append(records, fmt.Sprintf(`{"eventID":"5e0e8a1c-%04d-4c5e-9d57-%s","eventTime":"2026-11-20T%02d:00:00Z","eventName":"ListBuckets","eventSource":"s3.amazonaws.com","awsRegion":%q,"recipientAccountId":%q,"eventType":"AwsApiCall"}`, hour*4+i, at[0], hour, at[1], at[0]))
			}
			body := `{"Records":[` + strings.Join(records, ",") + `]}`
			switch mark {
			case '.':
				continue
			case 'x':
				body = strings.Repeat("x", len(body))
			}
			name := fmt.Sprintf("%s_CloudTrail_%s_20261120T%02d05Z_a.json", at[0], at[1], hour)
			if err := os.WriteFile(filepath.Join(folder, name), []byte(body), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	return dir
}

const oneAccount, otherAccount = "111122223333", "444455556666"

func TestCoverageUnread(t *testing.T) {
	dir := hourly(t, map[[2]string]string{
		{oneAccount, "eu-west-1"}:   "################x#x.####",
		{oneAccount, "us-east-1"}:   "########################",
		{otherAccount, "us-east-1"}: "xx......................",
	})
	got, stderr := scanned(t, exitIncomplete, dir)
	var rows []string
	for _, c := range got.Coverage {
		row := fmt.Sprintf("%s %s: %d of %d hours, about %d unseen:", c.AccountID, c.Region, c.HoursRead, c.HoursExpected, c.EventsUnseen)
		for _, u := range c.Unread {
			row += fmt.Sprintf(" %s-%s (%d)", u.From.Format("15"), u.To.Format("15"), u.Objects)
		}
		rows = append(rows, row)
	}
	want := []string{
		"111122223333 eu-west-1: 21 of 23 hours, about 8 unseen: 16-17 (1) 18-19 (1)",
		"111122223333 us-east-1: 24 of 24 hours, about 0 unseen:",
		"444455556666 us-east-1: 0 of 2 hours, about 8 unseen: 00-02 (2)",
	}
	if !slices.Equal(rows, want) {
		t.Errorf("coverage\n%s\nwant\n%s", strings.Join(rows, "\n"), strings.Join(want, "\n"))
	}
	warning := "not seen: 4 objects, which hold about 16 events by the mean of the others; in 2 accounts: " +
		"111122223333 eu-west-1 2026-11-20T16:00:00Z/2026-11-20T17:00:00Z, 2026-11-20T18:00:00Z/2026-11-20T19:00:00Z, " +
		"444455556666 us-east-1 2026-11-20T00:00:00Z/2026-11-20T02:00:00Z; hours are those of delivery"
	if !slices.Contains(got.Scan.Warnings, warning) || !strings.Contains(stderr, "trailscan: warning: "+warning+"\n") {
		t.Errorf("warnings %q\nwant\n%q\nstandard error\n%s", got.Scan.Warnings, warning, stderr)
	}
}

func TestCoverageSilent(t *testing.T) {
	dir := hourly(t, map[[2]string]string{
		{oneAccount, "eu-west-1"}:   "##################......",
		{oneAccount, "us-east-1"}:   "########################",
		{oneAccount, "us-west-2"}:   "#....#....#....#........", // sparse as ever
		{otherAccount, "us-east-1"}: "##.#############........",
	})
	got, stderr := scanned(t, exitOK, dir)
	silent := map[string]string{}
	for _, c := range got.Coverage {
		if c.SilentSince != nil {
			silent[c.AccountID+" "+c.Region] = c.SilentSince.Format("15:04")
		}
	}
	if len(silent) != 2 || silent[oneAccount+" eu-west-1"] != "18:00" || silent[otherAccount+" us-east-1"] != "16:00" {
		t.Errorf("silent: %v", silent)
	}
	warning := "fell silent: 111122223333 eu-west-1 since 2026-11-20T18:00:00Z (for 6 hours, after deliveries every hour), " +
		"444455556666 since 2026-11-20T16:00:00Z (for 8 hours, after deliveries with no pause longer than 1 hour); "
	if len(got.Scan.Warnings) != 1 || !strings.HasPrefix(got.Scan.Warnings[0], warning) || !strings.Contains(stderr, warning) {
		t.Errorf("warnings %q\nwant\n%q", got.Scan.Warnings, warning)
	}
}

// A filter that matches nothing is told, whatever else matches.
func TestCoverageFilters(t *testing.T) {
	dir := hourly(t, map[[2]string]string{{oneAccount, "us-east-1"}: "####", {otherAccount, "eu-west-1"}: "##"})
	for _, tt := range []struct {
		args []string
		want []string
	}{
		{[]string{"--account", oneAccount}, nil},
		{[]string{"--account", oneAccount + ",000000000000"}, []string{"--account 000000000000 matches nothing in what was read, which has 111122223333, 444455556666"}},
		{[]string{"--region", "eu-west-1,eu-west-2,eu-west-3"}, []string{"--region eu-west-2,eu-west-3 matches nothing in what was read, which has eu-west-1, us-east-1"}},
		{[]string{"--account", "000000000000", "--region", "af-south-1"}, []string{
			"--account 000000000000 matches nothing in what was read, which has 111122223333, 444455556666",
			"--region af-south-1 matches nothing in what was read, which has eu-west-1, us-east-1",
			"no events: --account, --region and the window leave none of 24 records",
		}},
	} {
		got, _ := scanned(t, exitOK, append(tt.args, dir)...)
		if !slices.Equal(got.Scan.Warnings, tt.want) {
			t.Errorf("%q: warnings %q, want %q", tt.args, got.Scan.Warnings, tt.want)
		}
	}
}

func TestUnderway(t *testing.T) {
	for _, tt := range []struct {
		from  operands
		until time.Time
		want  bool
	}{
		{operands{buckets: []location{{"trail-logs", ""}}}, noon, true},
		{operands{lookup: true}, noon.Add(-14 * time.Minute), true},
		{operands{lookup: true}, noon.Add(time.Hour), true},
		{operands{lookup: true}, noon.Add(-16 * time.Minute), false},
		{operands{paths: []string{"."}}, noon, false},
	} {
		rd := &reading{now: noon, from: tt.from, window: window{until: tt.until}}
		if got := rd.underway(); (got != nil) != tt.want {
			t.Errorf("%v until %v: %q", tt.from, tt.until, got)
		}
	}
}
