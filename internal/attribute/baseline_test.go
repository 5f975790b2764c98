package attribute

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
)

const (
	ordersRole  = "arn:aws:iam::111122223333:role/orders"
	billingRole = "arn:aws:iam::111122223333:role/billing"
)

// earlierReport has the form that a JSON report has.
const earlierReport = `{
  "schemaVersion": 1,
  "tool": {"name": "trailscan", "version": "1.0.0"},
  "scan": {"source": "logs", "complete": true, "problems": [], "warnings": []},
  "attribution": {"calls": 1000, "proven": 900, "recorded": 31, "inferred": 9, "unknown": 60},
  "baseline": {"new": 1, "persisting": 0, "resolved": 0, "changes": []},
  "sessionNames": [
    {"roleArn": "arn:aws:iam::111122223333:role/orders", "sessionName": "STRING_VALUE", "calls": 7, "findings": ["shared-name", "generic-name"],
     "origins": [{"id": "lambda:111122223333/a", "kind": "lambda", "confidence": "proven", "chain": [{"principal": "x", "eventId": "y"}]},
                 {"id": "lambda:111122223333/b", "kind": "lambda", "confidence": "recorded"}]},
    {"roleArn": "arn:aws:iam::111122223333:role/orders", "sessionName": "old-name", "findings": ["shared-name"],
     "origins": [{"id": "lambda:111122223333/guess", "kind": "lambda", "confidence": "inferred"}]}
  ],
  "origins": [{"id": "lambda:111122223333/a", "calls": 7}],
  "findings": [
    {"id": "F1", "rule": "shared-name", "severity": "high", "roleArns": ["arn:aws:iam::111122223333:role/orders"], "title": "two apps", "names": {"count": 2, "sample": ["STRING_VALUE", "old-name"]}, "status": "new", "ignored": false},
    {"id": "F2", "rule": "generic-name", "severity": "medium", "roleArns": ["arn:aws:iam::111122223333:role/orders"], "title": "generic", "detail": "it was", "names": {"count": 1, "sample": ["STRING_VALUE"]}, "patterns": ["STRING_VALUE"], "recommendation": "name it", "ignored": true, "ignoredReason": "ticket 42"},
    {"id": "F3", "rule": "unattributed", "severity": "low", "roleArns": [], "names": {"count": 0, "sample": []}, "status": "resolved"}
  ],
  "coverage": [], "otherSessions": [], "deniedAssumptions": []
}`

func readBaselineText(t *testing.T, text string) *Baseline {
	t.Helper()
	b, err := ReadBaseline(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// laterResult is what is seen a week after earlierReport.
func laterResult() *Result {
	return &Result{
		Scan:        Scan{Complete: true},
		Attribution: Split{Calls: 200, Proven: 190, Inferred: 10},
		Names: []SessionName{
			{RoleARN: ordersRole, SessionName: "STRING_VALUE", Findings: []string{"shared-name"}, Origins: []NameOrigin{
				{ID: "lambda:111122223333/a", Kind: KindLambda, Confidence: Proven},
				{ID: "lambda:111122223333/c", Kind: KindLambda, Confidence: Proven, App: "checkout"},
				{ID: "lambda:111122223333/maybe", Kind: KindLambda, Confidence: Inferred},
			}},
			{RoleARN: ordersRole, SessionName: "new-name", Findings: []string{"shared-name"}},
			{RoleARN: billingRole, SessionName: "bill", Origins: []NameOrigin{{ID: "ec2:111122223333/web", Kind: KindEC2, Confidence: Recorded}}},
		},
		Findings: []Finding{
			{ID: "F1", Rule: "shared-name", Severity: High, RoleARNs: []string{ordersRole}, Names: FindingNames{Count: 2, Sample: []string{"STRING_VALUE", "new-name"}}},
			{ID: "F9", Rule: "opaque-name", Severity: Low, RoleARNs: []string{billingRole}, Names: FindingNames{Count: 1, Sample: []string{"x1"}}},
		},
	}
}

func TestCompare(t *testing.T) {
	r := laterResult()
	r.Compare(readBaselineText(t, earlierReport))

	var got []string
	for _, f := range r.Findings {
		got = append(got, fmt.Sprintf("%s %s new %v resolved %v", f.ID, f.Status, f.Names.New, f.Names.Resolved))
	}
	want := []string{
		"F1 persisting new [new-name] resolved [old-name]",
		"F9 new new [x1] resolved []",
		"F2 resolved new [] resolved [STRING_VALUE]",
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("findings:\n got %q\nwant %q", got, want)
	}
	if f := r.Findings[2]; f.Severity != Medium || f.Title != "generic" || f.Detail != "it was" || f.Recommendation != "name it" || f.Ignored != "ticket 42" {
		t.Errorf("the resolved finding lost what it was: %+v", f)
	}
	wantChanges := &Comparison{New: 1, Persisting: 1, Resolved: 1, Changes: []string{
		"calls with a proven or recorded origin: up from 93.1 % to 95.0 %",
		"first use of " + billingRole + ": ec2:111122223333/web",
		"new origin on " + ordersRole + ": lambda:111122223333/c (checkout)",
		"newly shared: new-name under " + ordersRole,
	}}
	if !reflect.DeepEqual(r.Baseline, wantChanges) {
		t.Errorf("comparison:\n got %+v\nwant %+v", r.Baseline, wantChanges)
	}
}

// A finding of more names than its sample holds is compared by what the session
// names say.
func TestCompareManyNames(t *testing.T) {
	var names, sample []string
	for i := range 30 {
		n := fmt.Sprintf("n%02d", i)
		names = append(names, fmt.Sprintf(`{"roleArn": %q, "sessionName": %q, "findings": ["opaque-name"], "origins": []}`, ordersRole, n))
		if i < SampleSize {
			sample = append(sample, fmt.Sprintf("%q", n))
		}
	}
	b := readBaselineText(t, fmt.Sprintf(`{"schemaVersion": 1, "sessionNames": [%s], "findings": [
		{"id": "F", "rule": "opaque-name", "severity": "low", "roleArns": [%q], "names": {"count": 30, "sample": [%s]}}]}`,
		strings.Join(names, ","), ordersRole, strings.Join(sample, ",")))

	r := &Result{Scan: Scan{Complete: true}}
	f := Finding{ID: "F", Rule: "opaque-name", RoleARNs: []string{ordersRole}, Names: FindingNames{Count: 41}}
	for i := 5; i < 46; i++ {
		r.Names = append(r.Names, SessionName{RoleARN: ordersRole, SessionName: fmt.Sprintf("n%02d", i), Findings: []string{"opaque-name"}})
	}
	r.Findings = []Finding{f}
	r.Compare(b)
	got := r.Findings[0].Names
	if want := []string{"n30", "n31", "n32", "n33", "n34", "n35", "n36", "n37", "n38", "n39"}; !reflect.DeepEqual(got.New, want) {
		t.Errorf("new %v, want the first %d: %v", got.New, SampleSize, want)
	}
	if want := []string{"n00", "n01", "n02", "n03", "n04"}; !reflect.DeepEqual(got.Resolved, want) {
		t.Errorf("resolved %v, want %v", got.Resolved, want)
	}
}

func TestCompareCaveats(t *testing.T) {
	r := laterResult()
	r.Scan.Complete = false
	r.Compare(readBaselineText(t, strings.Replace(earlierReport, `"warnings": []`, `"warnings": ["`+redactedNote+`"]`, 1)))
	want := []string{
		"part of the input could not be read this time: what counts as resolved may only be unseen",
		"the earlier report is redacted: its findings are compared, its names and origins are not",
		"calls with a proven or recorded origin: up from 93.1 % to 95.0 %",
	}
	if !reflect.DeepEqual(r.Baseline.Changes, want) {
		t.Errorf("changes:\n got %q\nwant %q", r.Baseline.Changes, want)
	}
	if n := r.Findings[0].Names; n.New != nil || n.Resolved != nil {
		t.Errorf("names compared with redacted ones: %+v", n)
	}
}

func TestCompareWithItself(t *testing.T) {
	r := laterResult()
	b := &Baseline{attribution: r.Attribution, findings: map[string]Finding{}, names: r.firing(), origins: map[string]map[string]bool{
		ordersRole:  {"lambda:111122223333/a": true, "lambda:111122223333/c": true},
		billingRole: {"ec2:111122223333/web": true},
	}}
	for _, f := range r.Findings {
		b.findings[f.ID] = f
	}
	r.Compare(b)
	if want := (&Comparison{Persisting: 2}); !reflect.DeepEqual(r.Baseline, want) {
		t.Errorf("comparison %+v, want %+v", r.Baseline, want)
	}
}

func TestReadBaselineRefuses(t *testing.T) {
	tests := []struct{ text, want string }{
		{"", "it ends before the report does"},
		{earlierReport[:500], "it ends before the report does"},
		{"<html>", "not JSON: invalid character '<' looking for beginning of value at byte 1"},
		{`[]`, errNoReport.Error()},
		{`{}`, errNoReport.Error()},
		{`{"type":"scan","schemaVersion":1}`, errNoReport.Error()},
		{`{"Records":[]}`, errNoReport.Error()},
		{`{"schemaVersion": 2}`, "schema version 2, where this trailscan knows 1"},
		{`{"schemaVersion": 1, "findings": {}}`, "findings: no array"},
		{`{"schemaVersion": 1, "findings": [{"id": "a", "severity": "huge"}]}`, `findings: element 0: finding "a": unknown severity "huge": none, low, medium, high or critical`},
		{`{"schemaVersion": 1, "findings": [{"severity": "low"}]}`, "findings: element 0: a finding without an id"},
	}
	for _, test := range tests {
		b, err := ReadBaseline(strings.NewReader(test.text))
		if err == nil {
			t.Errorf("%q gives %+v", test.text, b)
		} else if err.Error() != test.want {
			t.Errorf("%q:\n got %s\nwant %s", test.text, err, test.want)
		}
	}
}

func FuzzReadBaseline(f *testing.F) {
	f.Add(earlierReport)
	f.Add(`{"schemaVersion": 1, "findings": [{"id": "a", "severity": "low", "roleArns": null}], "x": [[{}]]}`)
	f.Add(`{"schemaVersion": 1, "sessionNames": [{"roleArn": "\ud800", "origins": [{}]}], "attribution": {"calls": -1}}`)
	f.Fuzz(func(t *testing.T, text string) {
		b, err := ReadBaseline(strings.NewReader(text))
		if err != nil {
			return
		}
		r := laterResult()
		r.Compare(b)
		if n := r.Baseline.New + r.Baseline.Persisting + r.Baseline.Resolved; n != int64(len(r.Findings)) {
			t.Errorf("%d findings counted, there are %d", n, len(r.Findings))
		}
	})
}
