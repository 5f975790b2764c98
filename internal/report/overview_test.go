package report

import (
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
