package report

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/trailscan/trailscan/internal/attribute"
	"github.com/trailscan/trailscan/internal/ingest"
)

func TestNoCalls(t *testing.T) {
	for calls, want := range map[int64]string{
		0:    "No role session made a call in the window.",
		1234: "Not one of the 1,234 calls by role sessions is asked for.",
	} {
		if got := noCalls(&attribute.Scan{AssumedRoleCalls: calls}); got != want {
			t.Errorf("%d calls: %q, want %q", calls, got, want)
		}
	}
}

func TestReason(t *testing.T) {
	const object = "s3://trail-logs/AWSLogs/111122223333/CloudTrail/eu-west-1/x.json.gz"
	tests := []struct{ object, err, want string }{
		{object, "get " + object + ": access denied; allow s3:GetObject", "access denied; allow s3:GetObject"},
		{"s3://b/p", "list s3://b/p: no such bucket", "no such bucket"},
		{object, "gzip stream ends early", "gzip stream ends early"},
		{"a", "a: b", "a: b"},
		{"record", "not the first record: of two", "not the first record: of two"},
	}
	for _, test := range tests {
		if got := reason(ingest.Problem{Object: test.object, Error: test.err}); got != test.want {
			t.Errorf("%q of %q: %q, want %q", test.err, test.object, got, test.want)
		}
	}
}

// The same input gives the same bytes whenever it is read: only JSON, for
// programs, and the page, for people, tell when that was.
func TestFormatsWithoutClock(t *testing.T) {
	for _, f := range Formats() {
		if f.Name == "json" || f.Name == "jsonl" || f.Name == "html" {
			continue
		}
		res := testComparison()
		before := write(t, f.Write, res, testOptions())
		res.Scan.Started = res.Scan.Started.Add(time.Hour)
		res.Scan.Finished = res.Scan.Finished.Add(2 * time.Hour)
		if after := write(t, f.Write, res, testOptions()); string(after) != string(before) {
			t.Errorf("%s: an hour later it is another report", f.Name)
		}
	}
}

// Where Athena read, the formats for people tell what it scanned, in place of
// objects that nobody counted.
func TestReadByAthena(t *testing.T) {
	res := testResult()
	res.Scan.Objects, res.Scan.ObjectsFailed, res.Scan.Bytes = 0, 0, 0
	res.Scan.CompressedBytes, res.Scan.Queries = 30_000_000_000, 3
	for i := range res.Coverage {
		c := &res.Coverage[i]
		*c = attribute.Coverage{AccountID: c.AccountID, Region: c.Region, From: c.From, To: c.To}
	}
	opt := testOptions()
	opt.Width = 120
	golden(t, "athena-table-120.txt", write(t, writeTable, res, opt))
	for name, want := range map[string]string{
		"markdown": "Read: 27.9 GiB scanned by Athena in 3 queries: 1,234,567 events",
		"html":     `<dt>Queries on Athena</dt><dd>3 <span class="note">(27.9 GiB scanned)</span></dd>`,
		"json":     `"queries": 3,`,
	} {
		f := Formats()[slices.IndexFunc(Formats(), func(f Format) bool { return f.Name == name })]
		got := write(t, f.Write, res, opt)
		if !strings.Contains(got, want) || strings.Contains(got, "0 objects") || strings.Contains(got, "<dt>Objects</dt>") {
			t.Errorf("%s lacks %q, or counts objects", name, want)
		}
	}
	if res.Scan.Queries = 1; !strings.Contains(write(t, writeTable, res, opt), "in 1 query: ") {
		t.Error("one query is not told as one")
	}
}

// Without a window the report tells the time of the events that were read. How
// long that is agrees with the minutes that it shows.
func TestWindow(t *testing.T) {
	read := []attribute.Coverage{{From: at(0, 8, 5), To: at(0, 9, 0)}, {From: at(0, 8, 0), To: at(0, 13, 46)}, {}}
	for _, test := range []struct {
		scan     attribute.Scan
		coverage []attribute.Coverage
		want     string
	}{
		{attribute.Scan{Since: at(0, 0, 0), Until: at(7, 0, 0)}, read, "2026-11-16 00:00 to 2026-11-23 00:00 UTC (7 days)"},
		{attribute.Scan{Since: at(0, 0, 0)}, read, "from 2026-11-16 00:00 UTC"},
		{attribute.Scan{Until: at(7, 0, 0)}, read, "until 2026-11-23 00:00 UTC"},
		{attribute.Scan{}, read, "all that was read: 2026-11-16 08:00 to 2026-11-16 13:46 UTC (5 hours 46 minutes)"},
		{attribute.Scan{}, []attribute.Coverage{{From: at(0, 8, 0), To: at(4, 7, 0)}}, "all that was read: 2026-11-16 08:00 to 2026-11-20 07:00 UTC (4 days)"},
		{attribute.Scan{}, []attribute.Coverage{{From: at(0, 8, 0).Add(59 * time.Second), To: at(0, 8, 10)}}, "all that was read: 2026-11-16 08:00 to 2026-11-16 08:10 UTC (10 minutes)"},
		{attribute.Scan{}, []attribute.Coverage{{From: at(0, 8, 0), To: at(0, 8, 0).Add(time.Second)}}, "all that was read: 2026-11-16 08:00 to 2026-11-16 08:00 UTC (less than a minute)"},
		{attribute.Scan{Since: at(0, 8, 0), Until: at(0, 9, 30)}, read, "2026-11-16 08:00 to 2026-11-16 09:30 UTC (1 hour 30 minutes)"},
		{attribute.Scan{}, nil, "all that was read"},
	} {
		if got := window(&attribute.Result{Scan: test.scan, Coverage: test.coverage}); got != test.want {
			t.Errorf("%q, want %q", got, test.want)
		}
	}
}
