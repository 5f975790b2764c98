package report

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/trailscan/trailscan/internal/attribute"
)

// trap is a name as an attacker chooses it.
const trap = "\x1b[31mred\u202e<script>##[error]"

func testExplanation() (attribute.Scan, *attribute.Explanation) {
	scan := attribute.Scan{Source: "s3://trail-logs/", Since: at(0, 0, 0), Until: at(1, 0, 0), Complete: true}
	first := attribute.ExplainedSession{
		SessionARN: "arn:aws:sts::111122223333:assumed-role/ledger/" + trap, RoleARN: "arn:aws:iam::111122223333:role/app/ledger",
		SessionName: trap, Form: "other", AccessKeyID: "ASIAEXAMPLE000000001", Created: at(0, 8, 0), FirstSeen: at(0, 8, 1), LastSeen: at(0, 9, 0),
		Calls: 1234, Errors: 1, Origin: "ec2:111122223333/fleet", Confidence: attribute.Proven, Instance: "i-0000000000000000a", SourceID: "alice",
		Chain: []attribute.Link{
			{Principal: "ec2.amazonaws.com", EventID: "e-1", EventTime: at(0, 7, 59)},
			{Principal: "arn:aws:sts::111122223333:assumed-role/fleet/i-0000000000000000a"},
		},
		Evidence: []attribute.Evidence{{Type: "assume-event", EventID: "e-2", Detail: "issued the access key that the calls carry"}, {Type: "source-identity", Detail: trap}},
		Clients:  []attribute.ClientCalls{{SourceIP: "198.51.100.7", UserAgent: trap, Calls: 1234, FirstSeen: at(0, 8, 1), LastSeen: at(0, 9, 0)}},
	}
	for i := range someActions + 2 {
		first.Actions = append(first.Actions, attribute.ActionCalls{
			EventSource: "s3.amazonaws.com", EventName: "Get" + string(rune('A'+i)), Region: "eu-west-1",
			Calls: int64(100 - i), Errors: int64(i % 2), FirstSeen: at(0, 8, 1), LastSeen: at(0, 9, 0),
		})
	}
	second := attribute.ExplainedSession{
		SessionARN: "arn:aws:sts::111122223333:assumed-role/ledger/x", RoleARN: "arn:aws:iam::111122223333:role/app/ledger", SessionName: "x",
		Origin: "unknown", FirstSeen: at(0, 8, 1), LastSeen: at(0, 8, 1), Calls: 1,
	}
	findings := []attribute.Finding{{
		ID: "shared-name-1", Rule: "shared-name", Severity: attribute.High, RoleARNs: []string{first.RoleARN}, Title: "two apps under one name",
		Detail: "fleet and " + trap, Why: "Nobody can tell.", Recommendation: "Name them.", Names: attribute.FindingNames{Count: 1, Sample: []string{trap}},
	}}
	return scan, &attribute.Explanation{Sessions: []attribute.ExplainedSession{first, second}, Count: 25, Names: 2, Findings: findings}
}

func testPolicies(t *testing.T) []attribute.RolePolicy {
	t.Helper()
	names, err := json.Marshal([]string{"nightly-*", trap})
	if err != nil {
		t.Fatal(err)
	}
	proposed := attribute.RolePolicy{
		RoleARN: "arn:aws:iam::111122223333:role/ledger", AccountID: "111122223333",
		LockedOut: []attribute.LockedOut{{Caller: "arn:aws:iam::111122223333:user/bob", SessionNames: attribute.Sample{Count: 1, Sample: []string{trap}}, Sessions: 3, Why: "shared-name", EventID: "e-3"}},
	}
	err = json.Unmarshal([]byte(`{"Version": "2012-10-17", "Statement": [{"Sid": "RoleFleet", "Effect": "Allow",
		"Principal": {"AWS": ["arn:aws:iam::111122223333:role/fleet"]}, "Action": ["sts:AssumeRole"],
		"Condition": {"StringLike": {"sts:RoleSessionName": `+string(names)+`}}}]}`), &proposed.Policy)
	if err != nil {
		t.Fatal(err)
	}
	return []attribute.RolePolicy{
		proposed,
		{RoleARN: "arn:aws:iam::111122223333:role/AWSReservedSSO_x", AccountID: "111122223333", Notes: []string{"AWS writes this role's trust policy itself."}},
	}
}

func TestExplanationAndPolicies(t *testing.T) {
	scan, story := testExplanation()
	policies := testPolicies(t)
	for _, format := range TextFormats() {
		var explained, proposed strings.Builder
		if err := WriteExplanation(&explained, format, scan, story, testOptions()); err != nil {
			t.Fatal(err)
		}
		if err := WritePolicies(&proposed, format, scan, policies, testOptions()); err != nil {
			t.Fatal(err)
		}
		golden(t, "explanation."+format, explained.String())
		golden(t, "policies."+format, proposed.String())
		for _, text := range []string{explained.String(), proposed.String()} {
			if strings.ContainsAny(text, "\x1b\u202e") || strings.Contains(text, "##[") {
				t.Errorf("%s lets through what a terminal or a build obeys:\n%s", format, text)
			}
			if format == TextJSON && !json.Valid([]byte(text)) {
				t.Errorf("no JSON:\n%s", text)
			}
		}
	}
}

// A policy is read back as what it says, whatever stands in it.
func TestPolicyJSON(t *testing.T) {
	policies := testPolicies(t)
	text, err := policyJSON(policies[0].Policy, "")
	if err != nil {
		t.Fatal(err)
	}
	var back struct {
		Statement []struct {
			Condition map[string]map[string][]string
		}
	}
	if err := json.Unmarshal([]byte(text), &back); err != nil {
		t.Fatal(err)
	}
	if got := back.Statement[0].Condition["StringLike"]["sts:RoleSessionName"][1]; got != trap {
		t.Errorf("read back %q, want %q", got, trap)
	}
}

func TestExplanationFits(t *testing.T) {
	scan, story := testExplanation()
	for _, width := range []int{40, 80, 120, 200} {
		opt := testOptions()
		opt.Width = width
		var b strings.Builder
		if err := WriteExplanation(&b, TextTable, scan, story, opt); err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(b.String()) {
			if w := displayWidth(strings.TrimSuffix(line, "\n")); w > width {
				t.Errorf("%d columns where %d are: %s", w, width, line)
			}
		}
	}
}
