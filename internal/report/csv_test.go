package report

import (
	"encoding/csv"
	"slices"
	"strings"
	"testing"

	"github.com/trailscan/trailscan/internal/attribute"
)

// readCSV reads a report back and checks its form: CRLF, and no line break in a
// cell.
func readCSV(t *testing.T, doc string) [][]string {
	t.Helper()
	rows, err := csv.NewReader(strings.NewReader(doc)).ReadAll()
	if err != nil {
		t.Fatalf("%v in\n%s", err, doc)
	}
	if n := strings.Count(doc, "\r\n"); n != len(rows) || strings.Count(doc, "\n") != n || strings.Count(doc, "\r") != n {
		t.Fatalf("%d rows on %d lines", len(rows), n)
	}
	return rows
}

func viewOptions(view string, top int) Options {
	opt := testOptions()
	opt.View, opt.Top = view, top
	return opt
}

func TestCSVNames(t *testing.T) {
	rows := readCSV(t, write(t, writeCSV, testResult(), testOptions()))
	const head = "account_id,role_name,role_arn,session_name,form,origin,origin_kind,app,confidence,sessions,calls,errors,first_seen,last_seen,source_ips,user_agents,services,regions,findings"
	if got := strings.Join(rows[0], ","); got != head {
		t.Errorf("head\n%s, want\n%s", got, head)
	}
	if len(rows) != 1+5 {
		t.Fatalf("%d rows, want one for each of 5 origins of names", len(rows)-1)
	}
	want := []string{
		"111122223333", "CrossAccountReader", "arn:aws:iam::111122223333:role/shared/CrossAccountReader", "STRING_VALUE", "placeholder",
		"ec2:444455556666/pricing-fleet", "ec2", "", "recorded", "36", "5120", "0", "2026-11-16T02:00:00Z", "2026-11-22T20:30:00Z",
		"10.0.0.1;10.0.0.2;(10 more)", "aws-sdk-go-v2/1.30.3 os/linux; lang/go", "dynamodb.amazonaws.com", "eu-central-1;us-east-1", "shared-name;generic-name",
	}
	for i, cell := range rows[3] {
		if cell != want[i] {
			t.Errorf("%s is %q, want %q", rows[0][i], cell, want[i])
		}
	}
	if got := write(t, writeCSV, testResult(), viewOptions(ViewNames, 0)); got != write(t, writeCSV, testResult(), testOptions()) {
		t.Error("names is not the view that CSV shows without one")
	}
}

func TestCSVTop(t *testing.T) {
	for _, c := range []struct {
		view      string
		top, rows int
		column    int
		first     string
	}{
		{ViewNames, 2, 2, 3, "AKIAIOSFODNN7EXAMPLE"}, // the most severe first
		{ViewNames, -1, 5, 3, "alice@example.com"},   // all, in the result's order
		{ViewOrigins, 1, 1, 0, "ec2:111122223333/nightly-batch"},
		{ViewFindings, 1, 1, 1, "secret-in-name"},
		{ViewFindings, 0, 4, 1, "secret-in-name"},
		{ViewSessions, 3, 3, 3, "AKIAIOSFODNN7EXAMPLE"},
		{ViewSessions, 0, 5, 3, "alice@example.com"},
	} {
		rows := readCSV(t, write(t, writeCSV, testResult(), viewOptions(c.view, c.top)))
		if len(rows)-1 != c.rows || rows[1][c.column] != c.first {
			t.Errorf("%s, top %d: %d rows, the first %q; want %d and %q", c.view, c.top, len(rows)-1, rows[1][c.column], c.rows, c.first)
		}
	}
}

func TestCSVSummary(t *testing.T) {
	facts := make(map[string]string)
	for _, row := range readCSV(t, write(t, writeCSV, testComparison(), viewOptions(ViewSummary, 0))) {
		facts[row[0]] = row[1]
	}
	for item, want := range map[string]string{
		"item": "value", "source": "s3://example-trail/AWSLogs", "complete": "false", "objects_failed": "1", "problems": "2",
		"calls": "185449", "calls_proven": "184999", "calls_unknown": "7", "since": "2026-11-16T00:00:00Z",
		"findings_critical": "1", "findings_high": "1", "findings_medium": "1", "findings_low": "0", // neither ignored nor resolved ones
		"findings_new": "2", "findings_persisting": "1", "findings_resolved": "1",
		"change": "attributed calls: 97.1 % before, 99.9 % now",
	} {
		if facts[item] != want {
			t.Errorf("%s is %q, want %q", item, facts[item], want)
		}
	}
}

func TestCSVHostile(t *testing.T) {
	for _, view := range Views() {
		clean := readCSV(t, write(t, writeCSV, hostileResult("clean"), viewOptions(view, 0)))
		for _, s := range hostile {
			opt := hostileOptions(s)
			opt.View = view
			doc := write(t, writeCSV, hostileResult(s), opt)
			harmless(t, strings.ReplaceAll(doc, "\r\n", "\n"), true)
			rows := readCSV(t, doc)
			if s != "" && len(rows) != len(clean) {
				t.Errorf("%s: %d rows with %q, want %d", view, len(rows), s, len(clean))
			}
			for _, row := range rows {
				for _, cell := range row {
					// A spreadsheet that cuts at semicolons sees more cells.
					for _, part := range strings.Split(cell, ";") {
						if startsFormula(part) {
							t.Errorf("%s: %q makes the cell %q a formula", view, s, cell)
						}
					}
				}
			}
		}
	}
}

func TestUnknownView(t *testing.T) {
	for name, f := range map[string]Format{"table": {Write: writeTable}, "csv": {Write: writeCSV}} {
		if err := f.Write(&strings.Builder{}, testResult(), viewOptions("everything", 0)); err == nil || !strings.Contains(err.Error(), `no view "everything"`) {
			t.Errorf("%s: error %v", name, err)
		}
	}
}

// Several facts may come from one event, which is named once.
func TestEventIDs(t *testing.T) {
	evidence := []attribute.Evidence{{EventID: "e-2", Detail: "a call"}, {Detail: "a role"}, {EventID: "e-1"}, {EventID: "e-2", Detail: "a candidate"}}
	if got, want := eventIDs(evidence), []string{"e-2", "e-1"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
