package report

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/trailscan/trailscan/internal/attribute"
)

type sarifLog struct {
	Version string
	Runs    []struct {
		Tool struct {
			Driver struct {
				Name, Version string
				Rules         []struct {
					ID                   string
					ShortDescription     struct{ Text string }
					Help                 struct{ Text, Markdown string }
					DefaultConfiguration struct{ Level string }
					Properties           map[string]any
				}
			}
		}
		Invocations []struct {
			ExecutionSuccessful        bool
			ToolExecutionNotifications []struct {
				Level   string
				Message struct{ Text string }
			}
		}
		Results []struct {
			RuleID        string
			RuleIndex     int
			Kind, Level   string
			BaselineState string
			Message       struct{ Text string }
			Locations     []struct {
				PhysicalLocation struct {
					ArtifactLocation struct{ URI string }
				}
				LogicalLocations []struct{ FullyQualifiedName string }
			}
			PartialFingerprints map[string]string
			Suppressions        []struct{ Kind, Justification string }
			Properties          map[string]any
		}
	}
}

func readSARIF(t *testing.T, res *attribute.Result, opt Options) sarifLog {
	t.Helper()
	var log sarifLog
	if err := json.Unmarshal([]byte(write(t, writeSARIF, res, opt)), &log); err != nil {
		t.Fatal(err)
	}
	return log
}

func TestSARIF(t *testing.T) {
	run := readSARIF(t, testComparison(), testOptions()).Runs[0]
	var got []string
	for _, r := range run.Results {
		if rule := run.Tool.Driver.Rules[r.RuleIndex].ID; rule != r.RuleID {
			t.Errorf("%s points to the rule %s", r.RuleID, rule)
		}
		suppressed := ""
		if len(r.Suppressions) > 0 {
			suppressed = r.Suppressions[0].Kind + " " + r.Suppressions[0].Justification
		}
		got = append(got, strings.Join([]string{
			r.PartialFingerprints["trailscan/v1"], r.PartialFingerprints["primaryLocationLineHash"],
			r.RuleID, r.Kind, r.Level, r.BaselineState, fmt.Sprint(r.Properties["security-severity"]),
			r.Locations[0].PhysicalLocation.ArtifactLocation.URI, suppressed,
		}, "|"))
	}
	want := []string{
		"f-5b1d0c7a9e|f-5b1d0c7a9e:1|shared-name||error|new|8.0|aws/111122223333/role/CrossAccountReader|",
		"f-77aa00bb11|f-77aa00bb11:1|generic-name||warning|unchanged|5.5|aws/111122223333/role/CrossAccountReader|external ticket 42",
		"f-10293847aa|f-10293847aa:1|sdk-default-name||warning|unchanged|5.5|aws/111122223333/role/deploy|",
		"f-c0ffee0000|f-c0ffee0000:1|secret-in-name||error|new|9.5|aws/444455556666/role/deploy|",
		"f-deadbeef01|f-deadbeef01:1|unattributed|pass|none|absent|2.0|aws/111122223333/role/deploy|",
	}
	if !slices.Equal(got, want) {
		t.Errorf("results\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if i := run.Invocations[0]; i.ExecutionSuccessful || len(i.ToolExecutionNotifications) != 2+1+1+3 || !strings.Contains(i.ToolExecutionNotifications[0].Message.Text, "unexpected EOF") {
		t.Errorf("the invocation does not say what is missing: %+v", i)
	}
	for _, r := range readSARIF(t, testResult(), testOptions()).Runs[0].Results {
		if r.BaselineState != "" {
			t.Errorf("%s has the state %s without a baseline", r.RuleID, r.BaselineState)
		}
	}
}

func TestSARIFRules(t *testing.T) {
	opt := testOptions()
	opt.Rules = opt.Rules[:1]
	res := testResult()
	res.Findings[0].Severity = attribute.Critical // as a configuration may say
	rules := readSARIF(t, res, opt).Runs[0].Tool.Driver.Rules
	if len(rules) != 4 {
		t.Fatalf("%d rules, want the one that is known and three that are not", len(rules))
	}
	r := rules[0]
	if r.ID != "shared-name" || r.Properties["security-severity"] != "9.5" || r.DefaultConfiguration.Level != "error" {
		t.Errorf("shared-name does not have the severity of its finding: %+v", r)
	}
	if !strings.Contains(r.Help.Text, opt.Rules[0].Why) || !strings.Contains(r.Help.Text, opt.Rules[0].Fix) || !strings.Contains(r.Help.Markdown, opt.Rules[0].Fix) {
		t.Errorf("shared-name's help is %+v", r.Help)
	}
	if rules[1].ID != "generic-name" || rules[1].Properties["security-severity"] != "5.5" {
		t.Errorf("the second rule is %+v", rules[1])
	}
}

// Messages are text in which brackets and braces mean something.
func TestSARIFMessage(t *testing.T) {
	res := &attribute.Result{Findings: []attribute.Finding{{ID: "x", Rule: "r", Title: `[a](1) {0} \ ` + "\u202e"}}}
	if got, want := readSARIF(t, res, Options{}).Runs[0].Results[0].Message.Text, `\[a\](1) {{0}} \\ \\u202e`; got != want {
		t.Errorf("message %q, want %q", got, want)
	}
}

func TestSARIFLocations(t *testing.T) {
	var arns []string
	for i := range 30 {
		arns = append(arns, fmt.Sprintf("arn:aws-cn:iam::111122223333:role/path/to/r %02d", i))
	}
	res := &attribute.Result{Findings: []attribute.Finding{
		{ID: "a", Rule: "name-collision", RoleARNs: arns},
		{ID: "b", Rule: "shared-name", RoleARNs: []string{"arn:aws:iam::111122223333:role/.."}},
		{ID: "c", Rule: "shared-name", AccountID: "111122223333"},
		{ID: "d", Rule: "shared-name", RoleARNs: []string{"no arn/.."}},
	}}
	results := readSARIF(t, res, Options{}).Runs[0].Results
	if n := len(results[0].Locations); n != sarifLocations {
		t.Errorf("%d locations, want %d", n, sarifLocations)
	}
	for i, want := range []string{"aws-cn/111122223333/role/r%2000", "aws/111122223333/role/_..", "aws/111122223333", "aws/_/role/no%20arn%2F.."} {
		if got := results[i].Locations[0].PhysicalLocation.ArtifactLocation.URI; got != want {
			t.Errorf("location %s, want %s", got, want)
		}
	}
	if got := len(results[0].Properties["roleArns"].([]any)); got != 30 {
		t.Errorf("%d role ARNs, want all 30", got)
	}
}
