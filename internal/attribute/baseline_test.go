package attribute

import (
	"encoding/json"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
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
		Coverage:    []Coverage{{AccountID: "111122223333", Region: "eu-west-1"}},
		Attribution: Split{Calls: 200, Proven: 190, Inferred: 10},
		Names: []SessionName{
			{RoleARN: ordersRole, SessionName: "STRING_VALUE", Findings: []string{"shared-name"}, NameDetail: &NameDetail{Origins: []NameOrigin{
				{ID: "lambda:111122223333/a", Kind: KindLambda, Confidence: Proven},
				{ID: "lambda:111122223333/c", Kind: KindLambda, Confidence: Proven, App: "checkout"},
				{ID: "lambda:111122223333/maybe", Kind: KindLambda, Confidence: Inferred},
			}}},
			{RoleARN: ordersRole, SessionName: "new-name", Findings: []string{"shared-name"}},
			{RoleARN: billingRole, SessionName: "bill", NameDetail: &NameDetail{Origins: []NameOrigin{{ID: "ec2:111122223333/web", Kind: KindEC2, Confidence: Recorded}}}},
		},
		Findings: []Finding{
			{ID: "F1", Rule: "shared-name", Severity: High, RoleARNs: []string{ordersRole}, Names: FindingNames{Count: 2, Sample: []string{"STRING_VALUE", "new-name"}}},
			{ID: "F9", Rule: "opaque-name", Severity: Low, RoleARNs: []string{billingRole}, Names: FindingNames{Count: 1, Sample: []string{"x1"}}},
		},
	}
}

func TestCompare(t *testing.T) {
	r := laterResult()
	r.Compare(readBaselineText(t, earlierReport), Options{})

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

// A role that was made anew under another path has its name still, which no two
// roles of an account share: what uses it is no news.
func TestCompareOtherPath(t *testing.T) {
	r := laterResult()
	for i := range r.Names {
		r.Names[i].RoleARN = strings.Replace(r.Names[i].RoleARN, ":role/orders", ":role/service-role/orders", 1)
	}
	r.Compare(readBaselineText(t, earlierReport), Options{})
	const moved = "arn:aws:iam::111122223333:role/service-role/orders"
	want := []string{
		"calls with a proven or recorded origin: up from 93.1 % to 95.0 %",
		"first use of " + billingRole + ": ec2:111122223333/web",
		"new origin on " + moved + ": lambda:111122223333/c (checkout)",
		"newly shared: new-name under " + moved,
	}
	if !slices.Equal(r.Baseline.Changes, want) {
		t.Errorf("changes:\n got %q\nwant %q", r.Baseline.Changes, want)
	}
}

// What counts as resolved may be out of sight: in a shorter window, or in
// accounts of which nothing was read.
func TestCompareOutOfSight(t *testing.T) {
	week := strings.Replace(earlierReport, `"complete": true,`, `"complete": true, "since": "2026-11-09T00:00:00Z", "until": "2026-11-16T00:00:00Z",`, 1)
	const (
		shorter = "the window is shorter than the earlier report's: what counts as resolved may only not have happened in it"
		unread  = "1 finding counts as resolved and is of accounts of which nothing was read this time: 111122223333"
	)
	day := func(d int) time.Time { return time.Date(2026, 11, d, 0, 0, 0, 0, time.UTC) }
	for _, tt := range []struct {
		earlier      string
		since, until time.Time
		read         []string // accounts
		want         []string
	}{
		{week, day(16), day(23), []string{"111122223333"}, nil},
		{week, day(16), day(17), []string{"111122223333"}, []string{shorter}},
		{week, time.Time{}, day(17), []string{"111122223333"}, nil},
		{earlierReport, day(16), day(23), []string{"111122223333"}, []string{shorter}},
		{earlierReport, time.Time{}, time.Time{}, []string{"111122223333"}, nil},
		{week, day(16), day(23), []string{"444455556666"}, []string{unread}},
		{strings.Replace(week, `"id": "F2"`, `"id": "F9"`, 1), day(16), day(17), []string{"444455556666"}, nil}, // nothing is resolved
	} {
		r := laterResult()
		r.Scan.Since, r.Scan.Until = tt.since, tt.until
		r.Coverage = nil
		for _, a := range tt.read {
			r.Coverage = append(r.Coverage, Coverage{AccountID: a})
		}
		r.Compare(readBaselineText(t, tt.earlier), Options{})
		got := slices.DeleteFunc(r.Baseline.Changes, func(s string) bool { return !strings.Contains(s, "resolved") })
		if !slices.Equal(got, tt.want) && len(got)+len(tt.want) > 0 {
			t.Errorf("%v to %v of %v: %q, want %q", tt.since, tt.until, tt.read, got, tt.want)
		}
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
	r.Compare(b, Options{})
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
	r.Compare(readBaselineText(t, strings.Replace(earlierReport, `"warnings": []`, `"warnings": ["`+redactedNote+`"]`, 1)), Options{})
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

// What a scan does not judge is neither resolved nor persisting.
func TestCompareLeavesOutWhatIsNotJudged(t *testing.T) {
	const text = `{"schemaVersion": 1, "scan": {"filters": []}, "sessionNames": [
		{"roleArn": "arn:aws:iam::111122223333:role/orders", "sessionName": "a", "regions": ["eu-west-1"], "findings": ["generic-name", "shared-name"]},
		{"roleArn": "arn:aws:iam::111122223333:role/orders", "sessionName": "b", "regions": ["eu-west-1"], "findings": ["generic-name"]},
		{"roleArn": "arn:aws:iam::444455556666:role/path/billing", "sessionName": "b", "regions": ["us-east-1"], "findings": ["generic-name"]}],
		"findings": [
		{"id": "shared", "rule": "shared-name", "severity": "high", "roleArns": ["arn:aws:iam::111122223333:role/orders"], "names": {"count": 1, "sample": ["a"]}},
		{"id": "generic", "rule": "generic-name", "severity": "low", "roleArns": ["arn:aws:iam::111122223333:role/orders"], "names": {"count": 2, "sample": ["a", "b"]}},
		{"id": "billing", "rule": "generic-name", "severity": "low", "roleArns": ["arn:aws:iam::444455556666:role/path/billing"], "names": {"count": 1, "sample": ["b"]}},
		{"id": "across", "rule": "name-collision", "severity": "low", "roleArns": ["arn:aws:iam::111122223333:role/orders", "arn:aws:iam::444455556666:role/path/billing"], "names": {"count": 1, "sample": ["b"]}},
		{"id": "later", "rule": "rule-of-a-later-version", "severity": "low", "roleArns": ["arn:aws:iam::111122223333:role/orders"], "names": {"count": 1, "sample": ["a"]}}]}`
	is := func(want string) func(string) bool { return func(s string) bool { return s == want } }
	const oneRule = "1 finding of the earlier report is of a rule that did not run this time: it is not compared"
	tests := []struct {
		name     string
		filters  []string
		opt      Options
		resolved []string
		changes  []string
	}{
		{"nothing is left out", nil, Options{}, []string{"shared", "billing", "generic", "across"}, []string{oneRule}},
		{"a role", []string{"--role billing"}, Options{Role: is("billing")}, []string{"billing", "across"},
			[]string{"2 findings of the earlier report lie outside of --role billing: they are not compared", oneRule}},
		{"a session name", []string{"--session a"}, Options{Session: is("a")}, []string{"shared"},
			[]string{"3 findings of the earlier report lie outside of --session a: they are not compared", oneRule}},
		{"an account", []string{"--account 111122223333"}, Options{Accounts: []string{"111122223333"}}, []string{"shared", "generic"},
			[]string{"2 findings of the earlier report lie outside of --account 111122223333: they are not compared", oneRule}},
		{"a region", []string{"--region us-east-1"}, Options{Regions: []string{"us-east-1"}}, []string{"billing"},
			[]string{"3 findings of the earlier report lie outside of --region us-east-1: they are not compared", oneRule}},
		{"a rule", nil, Options{Config: &Config{Rules: map[string]RuleSetting{"generic-name": {Off: true}}}}, []string{"shared", "across"},
			[]string{"3 findings of the earlier report are of rules that did not run this time: they are not compared"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := &Result{Scan: Scan{Complete: true, Filters: test.filters}, Coverage: []Coverage{{AccountID: "111122223333"}, {AccountID: "444455556666"}}}
			r.Compare(readBaselineText(t, text), test.opt)
			var resolved []string
			for _, f := range r.Findings {
				if f.Status != StatusResolved {
					t.Errorf("%s is %s", f.ID, f.Status)
				}
				resolved = append(resolved, f.ID)
			}
			slices.Sort(resolved)
			slices.Sort(test.resolved)
			if !slices.Equal(resolved, test.resolved) || r.Baseline.Resolved != int64(len(resolved)) {
				t.Errorf("resolved %q, want %q", resolved, test.resolved)
			}
			if !slices.Equal(r.Baseline.Changes, test.changes) {
				t.Errorf("changes:\n got %q\nwant %q", r.Baseline.Changes, test.changes)
			}
		})
	}

	// Of a finding that persists, the names outside of the filter are not gone.
	r := &Result{Scan: Scan{Complete: true, Filters: []string{"--session b"}}, Findings: []Finding{
		{ID: "generic", Rule: "generic-name", RoleARNs: []string{ordersRole}, Names: FindingNames{Count: 1, Sample: []string{"c"}}},
	}}
	r.Compare(readBaselineText(t, text), Options{Session: func(s string) bool { return s != "a" }})
	if n := r.Findings[0].Names; !slices.Equal(n.Resolved, []string{"b"}) || !slices.Equal(n.New, []string{"c"}) {
		t.Errorf("resolved %q and new %q, want b and c", n.Resolved, n.New)
	}

	// The same filter as before leaves out what it left out then.
	r = &Result{Scan: Scan{Complete: true, Filters: []string{"--region eu-west-1"}}}
	r.Compare(readBaselineText(t, strings.Replace(text, `"filters": []`, `"filters": ["--region eu-west-1"]`, 1)), Options{Regions: []string{"eu-west-1"}})
	if r.Baseline.Resolved != 4 {
		t.Errorf("%d resolved, want 4: %q", r.Baseline.Resolved, r.Baseline.Changes)
	}

	// An earlier report that left out more than this one is no proof of what is new.
	r = laterResult()
	r.Compare(readBaselineText(t, strings.Replace(text, `"filters": []`, `"filters": ["--role orders", "--session x"]`, 1)), Options{})
	if want := "the earlier report is of --role orders --session x only: what lies outside of that counts as new"; !slices.Contains(r.Baseline.Changes, want) {
		t.Errorf("changes %q lack %q", r.Baseline.Changes, want)
	}

	// A redacted report does not tell which of its names a filter takes.
	r = &Result{Scan: Scan{Complete: true, Filters: []string{"--session a"}}}
	r.Compare(readBaselineText(t, strings.Replace(text, `"filters": []`, `"warnings": ["`+redactedNote+`"]`, 1)), Options{Session: is("a")})
	if r.Baseline.Resolved != 0 {
		t.Errorf("%d resolved, want none", r.Baseline.Resolved)
	}
}

// Against a first report that holds nothing, not every role is news of its own.
func TestCompareWithNothing(t *testing.T) {
	r := laterResult()
	r.Compare(readBaselineText(t, `{"schemaVersion": 1, "findings": [], "sessionNames": []}`), Options{})
	if want := (&Comparison{New: 2, Changes: []string{"the earlier report holds no session names: everything is new"}}); !reflect.DeepEqual(r.Baseline, want) {
		t.Errorf("comparison %+v, want %+v", r.Baseline, want)
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
	r.Compare(b, Options{})
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

// A report may be of any size, but no part of it.
func TestReadBaselineBoundsElements(t *testing.T) {
	const most = 1 << 20
	read := func(parts ...io.Reader) error {
		in := &bounded{r: io.MultiReader(parts...), most: most}
		_, err := readBaseline(json.NewDecoder(in), in)
		return err
	}
	name := `{"roleArn": "r", "sessionName": "s", "pad": "` + strings.Repeat("x", most/4) + `"},`
	names := strings.Repeat(name, 20)
	if err := read(strings.NewReader(`{"schemaVersion": 1, "coverage": [`+names+`{}], "sessionNames": [`), strings.NewReader(names+`{}]}`)); err != nil {
		t.Errorf("many elements: %v", err)
	}
	for _, head := range []string{`{"sessionNames": [{"sessionName": "`, `{"findings": [{"id": "`, `{"scan": {"source": "`, `{"x": ["`} {
		err := read(strings.NewReader(head), endless('x'))
		if err == nil || !strings.HasSuffix(err.Error(), "larger than 1 MiB, so hardly a report's") {
			t.Errorf("%s without end: %v", head, err)
		}
	}
}

// endless is a reader of the same byte again and again.
type endless byte

func (e endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = byte(e)
	}
	return len(p), nil
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
		r.Compare(b, Options{})
		if n := r.Baseline.New + r.Baseline.Persisting + r.Baseline.Resolved; n != int64(len(r.Findings)) {
			t.Errorf("%d findings counted, there are %d", n, len(r.Findings))
		}
	})
}
