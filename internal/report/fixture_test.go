package report

import (
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/trailscan/trailscan/internal/attribute"
	"github.com/trailscan/trailscan/internal/ingest"
)

// at gives a time in the week that the test results cover.
func at(day, hour, minute int) time.Time {
	return time.Date(2026, 11, 16+day, hour, minute, 0, 0, time.UTC)
}

func testOptions() Options {
	return Options{
		Tool:         Tool{Name: "trailscan", Version: "1.2.3"},
		AccountNames: map[string]string{"111122223333": "production"},
		Rules: []RuleInfo{
			{"shared-name", "one name, several apps", "Nobody can tell from the log who made a call.", "Give each app a session name of its own.", attribute.High},
			{"sdk-default-name", "a name that an SDK made up", "It says which library, not which app.", "Set RoleSessionName.", attribute.Medium},
			{"generic-name", "a name that names nothing", "It could be anybody.", "Set RoleSessionName to the app's name.", attribute.Medium},
			{"secret-in-name", "a secret in a name", "Session names are in every log.", "Rotate the secret.", attribute.Critical},
			{"unattributed", "an origin that stays unknown", "Nobody answers for these calls.", "Widen the window.", attribute.Low},
		},
	}
}

// testResult is what a scan of a week might give: the name that several apps
// share, the name of an SDK by the thousand, a person, and all the rest that a
// report can show.
func testResult() *attribute.Result {
	orders := attribute.NameOrigin{
		ID: "lambda:444455556666/orders-api", Kind: "lambda", Name: "444455556666/orders-api",
		AccountID: "444455556666", App: "orders", Confidence: attribute.Proven,
		ByConf: attribute.Split{Calls: 81234, Proven: 81234}, Calls: 81234, Errors: 12, Sessions: 410,
		FirstSeen: at(0, 0, 4), LastSeen: at(6, 23, 59),
		Instances: attribute.Sample{Count: 0, Sample: []string{}},
		Chain: []attribute.Link{
			{Principal: "lambda.amazonaws.com", EventID: "0a6e1f3c-0000-4000-8000-000000000001", EventTime: at(0, 0, 1)},
			{Principal: "arn:aws:sts::444455556666:assumed-role/orders-exec/orders-api", EventID: "0a6e1f3c-0000-4000-8000-000000000002", EventTime: at(0, 0, 4)},
		},
		Evidence:   []attribute.Evidence{{Type: "assume-event", EventID: "0a6e1f3c-0000-4000-8000-000000000002", Detail: "orders-exec assumed CrossAccountReader"}},
		SourceIPs:  attribute.Sample{Count: 2, Sample: []string{"198.51.100.7", "203.0.113.20"}},
		UserAgents: attribute.Sample{Count: 1, Sample: []string{"aws-sdk-nodejs/2.1692.0 linux/v18.20.4 exec-env/AWS_Lambda_nodejs18.x promise"}},
		Services:   []attribute.ServiceCalls{{EventSource: "dynamodb.amazonaws.com", Calls: 81000}, {EventSource: "kms.amazonaws.com", Calls: 234}},
		Regions:    []string{"eu-central-1"},
	}
	fleet := attribute.NameOrigin{
		ID: "ec2:444455556666/pricing-fleet", Kind: "ec2", Name: "444455556666/pricing-fleet",
		AccountID: "444455556666", Confidence: attribute.Recorded,
		ByConf: attribute.Split{Calls: 5120, Proven: 5000, Recorded: 120}, Calls: 5120, Sessions: 36,
		FirstSeen: at(0, 2, 0), LastSeen: at(6, 20, 30),
		Instances:  attribute.Sample{Count: 12, Sample: []string{"i-0000000000000000a", "i-0000000000000000b", "i-0000000000000000c"}},
		Chain:      []attribute.Link{{Principal: "ec2.amazonaws.com"}, {Principal: "arn:aws:sts::444455556666:assumed-role/pricing-fleet/i-0000000000000000a", EventID: "0a6e1f3c-0000-4000-8000-000000000003", EventTime: at(0, 2, 0)}},
		Evidence:   []attribute.Evidence{{Type: "ec2-role-delivery", EventID: "", Detail: "IMDSv2"}},
		SourceIPs:  attribute.Sample{Count: 12, Sample: []string{"10.0.0.1", "10.0.0.2"}},
		UserAgents: attribute.Sample{Count: 1, Sample: []string{"aws-sdk-go-v2/1.30.3 os/linux; lang/go"}},
		Services:   []attribute.ServiceCalls{{EventSource: "dynamodb.amazonaws.com", Calls: 5120}},
		Regions:    []string{"eu-central-1", "us-east-1"},
	}
	batch := attribute.NameOrigin{
		ID: "ec2:111122223333/nightly-batch", Kind: "ec2", Name: "111122223333/nightly-batch", AccountID: "111122223333",
		Confidence: attribute.Proven, ByConf: attribute.Split{Calls: 98765, Proven: 98765}, Calls: 98765, Sessions: 14000,
		FirstSeen: at(0, 1, 0), LastSeen: at(6, 3, 12), Instances: attribute.Sample{Count: 1, Sample: []string{"i-0000000000000000f"}},
		Chain: []attribute.Link{}, Evidence: []attribute.Evidence{},
		SourceIPs: attribute.Sample{Count: 1, Sample: []string{"10.1.2.3"}}, UserAgents: attribute.Sample{Count: 1, Sample: []string{"Boto3/1.34.0"}},
		Services: []attribute.ServiceCalls{{EventSource: "s3.amazonaws.com", Calls: 98765}}, Regions: []string{"us-east-1"},
	}
	alice := attribute.NameOrigin{
		ID: "sso:alice@example.com", Kind: "sso", Name: "alice@example.com", AccountID: "111122223333",
		Confidence: attribute.Recorded, ByConf: attribute.Split{Calls: 321, Recorded: 321}, Calls: 321, Errors: 7, Sessions: 4,
		FirstSeen: at(1, 8, 1), LastSeen: at(4, 17, 45), Instances: attribute.Sample{Sample: []string{}},
		Chain: []attribute.Link{}, Evidence: []attribute.Evidence{},
		SourceIPs: attribute.Sample{Count: 1, Sample: []string{"192.0.2.44"}}, UserAgents: attribute.Sample{Count: 1, Sample: []string{"Mozilla/5.0 (X11; Linux x86_64)"}},
		Services: []attribute.ServiceCalls{{EventSource: "ec2.amazonaws.com", Calls: 321}}, Regions: []string{"eu-central-1"},
	}
	nobody := attribute.NameOrigin{
		ID: "unknown", Kind: "unknown", Name: "", Confidence: attribute.Unknown,
		ByConf: attribute.Split{Calls: 9, Inferred: 2, Unknown: 7}, Calls: 9, Sessions: 1, FirstSeen: at(2, 3, 4), LastSeen: at(2, 3, 9),
		Instances: attribute.Sample{Sample: []string{}}, Chain: []attribute.Link{}, Evidence: []attribute.Evidence{},
		SourceIPs: attribute.Sample{Count: 1, Sample: []string{"AWS Internal"}}, UserAgents: attribute.Sample{Sample: []string{}},
		Services: []attribute.ServiceCalls{{EventSource: "sts.amazonaws.com", Calls: 9}}, Regions: []string{"us-east-1"},
	}
	crossARN := "arn:aws:iam::111122223333:role/shared/CrossAccountReader"
	deployARN := "arn:aws:iam::111122223333:role/deploy"
	names := []attribute.SessionName{
		{
			Partition: "aws", AccountID: "111122223333", RoleName: "AWSReservedSSO_AdministratorAccess_0123456789abcdef",
			RoleARN:     "arn:aws:iam::111122223333:role/aws-reserved/sso.amazonaws.com/AWSReservedSSO_AdministratorAccess_0123456789abcdef",
			SessionName: "alice@example.com", Form: "email", Pattern: "alice@example.com", NameDetail: &attribute.NameDetail{Origins: []attribute.NameOrigin{alice}},
		},
		{
			Partition: "aws", AccountID: "111122223333", RoleName: "CrossAccountReader", RoleARN: crossARN,
			SessionName: "STRING_VALUE", Form: "placeholder", Pattern: "STRING_VALUE",
			Findings: []string{"shared-name", "generic-name"}, NameDetail: &attribute.NameDetail{
				Origins:    []attribute.NameOrigin{orders, fleet},
				SourceIPs:  attribute.Sample{Count: 14, Sample: []string{"10.0.0.1", "10.0.0.2", "198.51.100.7", "203.0.113.20"}},
				UserAgents: attribute.Sample{Count: 2, Sample: []string{"aws-sdk-go-v2/1.30.3 os/linux; lang/go", "aws-sdk-nodejs/2.1692.0 linux/v18.20.4 exec-env/AWS_Lambda_nodejs18.x promise"}},
				Services:   []attribute.ServiceCalls{{EventSource: "dynamodb.amazonaws.com", Calls: 86120}, {EventSource: "kms.amazonaws.com", Calls: 234}},
				Regions:    []string{"eu-central-1", "us-east-1"},
			}},
		{
			Partition: "aws", AccountID: "111122223333", RoleName: "deploy", RoleARN: deployARN,
			SessionName: "botocore-session-1763337600", Form: "botocore", Pattern: "botocore-session-<n>",
			NameDetail: &attribute.NameDetail{Origins: []attribute.NameOrigin{batch}}, Findings: []string{"sdk-default-name"},
		},
		{
			Partition: "aws", AccountID: "444455556666", RoleName: "deploy", RoleARN: "arn:aws:iam::444455556666:role/deploy",
			SessionName: "AKIAIOSFODNN7EXAMPLE", Form: "", Pattern: "AKIAIOSFODNN7EXAMPLE",
			NameDetail: &attribute.NameDetail{Origins: []attribute.NameOrigin{nobody}}, Findings: []string{"secret-in-name", "unattributed"},
		},
	}
	for i := range names {
		finishName(&names[i])
	}
	return &attribute.Result{
		Scan: attribute.Scan{
			Source: "s3://example-trail/AWSLogs", Since: at(0, 0, 0), Until: at(7, 0, 0), Started: at(7, 6, 0), Finished: at(7, 6, 1),
			Complete: false, Objects: 20160, ObjectsFailed: 1, CompressedBytes: 812_345_678, Bytes: 9_876_543_210,
			Events: 1_234_567, Duplicates: 310, UnusedSessions: 17, AssumedRoleCalls: 185_449, AssumeEvents: 14_460, ListRequests: 24,
			Problems: []ingest.Problem{
				{Object: "s3://example-trail/AWSLogs/111122223333/CloudTrail/us-east-1/2026/11/18/111122223333_CloudTrail_us-east-1_20261118T0305Z_abcdefghijklmnop.json.gz", Offset: 65536, Stage: ingest.StageDecompress, Error: "unexpected EOF: fetch the object again", Count: 1},
				{Object: "s3://example-trail/AWSLogs/444455556666/CloudTrail/us-east-1/2026/11/19/x.json.gz", Offset: 120, Stage: ingest.StageRecord, Error: "record lacks eventTime", Count: 3},
			},
			Warnings: []string{"the window ends now: the last minutes may still be on their way"},
		},
		Attribution: attribute.Split{Calls: 185_449, Proven: 184_999, Recorded: 441, Inferred: 2, Unknown: 7},
		Names:       names,
		Origins: []attribute.OriginTotal{
			{ID: "ec2:111122223333/nightly-batch", Kind: "ec2", Name: "111122223333/nightly-batch", AccountID: "111122223333", Calls: 98765, Sessions: 14000, Roles: []string{deployARN}, SessionNames: 1},
			{ID: "ec2:444455556666/pricing-fleet", Kind: "ec2", Name: "444455556666/pricing-fleet", AccountID: "444455556666", Calls: 5120, Sessions: 36, Roles: []string{crossARN}, SessionNames: 1},
			{ID: "lambda:444455556666/orders-api", Kind: "lambda", Name: "444455556666/orders-api", AccountID: "444455556666", App: "orders", Calls: 81234, Sessions: 410, Roles: []string{crossARN}, SessionNames: 1},
			{ID: "sso:alice@example.com", Kind: "sso", Name: "alice@example.com", AccountID: "111122223333", Calls: 321, Sessions: 4, Roles: []string{names[0].RoleARN}, SessionNames: 1},
			{ID: "unknown", Kind: "unknown", Calls: 9, Sessions: 1, Roles: []string{"arn:aws:iam::444455556666:role/deploy"}, SessionNames: 1},
		},
		Findings: []attribute.Finding{
			{
				ID: "f-5b1d0c7a9e", Rule: "shared-name", Severity: attribute.High, RoleARNs: []string{crossARN}, AccountID: "111122223333",
				Title:  "2 origins share the session name STRING_VALUE under CrossAccountReader",
				Detail: "lambda:444455556666/orders-api made 81,234 calls and ec2:444455556666/pricing-fleet 5,120 calls under the one name.",
				Why:    "A call that is logged under this name cannot be traced to one app by the name alone.",
				Names:  attribute.FindingNames{Count: 1, Sample: []string{"STRING_VALUE"}, New: []string{}, Resolved: []string{}}, Patterns: []string{"STRING_VALUE"},
				Evidence: []attribute.Evidence{
					{Type: "assume-event", EventID: "0a6e1f3c-0000-4000-8000-000000000002", Detail: "orders-exec assumed CrossAccountReader"},
					{Type: "assume-event", EventID: "0a6e1f3c-0000-4000-8000-000000000003", Detail: "pricing-fleet assumed CrossAccountReader"},
				},
				Recommendation: "Let each app set its own name, such as orders-api and pricing-fleet, and demand it in the trust policy with a condition on sts:RoleSessionName.",
			},
			{
				ID: "f-77aa00bb11", Rule: "generic-name", Severity: attribute.Medium, RoleARNs: []string{crossARN}, AccountID: "111122223333",
				Title: "the session name STRING_VALUE names nothing", Detail: "STRING_VALUE stands in the published examples of the AWS SDK.", Why: "It could be anybody.",
				Names: attribute.FindingNames{Count: 1, Sample: []string{"STRING_VALUE"}, New: []string{}, Resolved: []string{}}, Patterns: []string{"STRING_VALUE"},
				Evidence: []attribute.Evidence{}, Recommendation: "Use the app's own name.", Ignored: "ticket 42",
			},
			{
				ID: "f-10293847aa", Rule: "sdk-default-name", Severity: attribute.Medium, RoleARNs: []string{deployARN}, AccountID: "111122223333",
				Title: "botocore made up 14,000 session names under deploy", Detail: "All are of the form botocore-session-<n>.", Why: "It says which library, not which app.",
				Names: attribute.FindingNames{Count: 14000, Sample: []string{"botocore-session-1763337600", "botocore-session-1763337660"}, New: []string{}, Resolved: []string{}}, Patterns: []string{"botocore-session-<n>"},
				Evidence: []attribute.Evidence{{Type: "assume-event", EventID: "0a6e1f3c-0000-4000-8000-000000000009", Detail: "nightly-batch assumed deploy"}}, Recommendation: "Pass RoleSessionName=nightly-batch to assume_role.",
			},
			{
				ID: "f-c0ffee0000", Rule: "secret-in-name", Severity: attribute.Critical, RoleARNs: []string{"arn:aws:iam::444455556666:role/deploy"}, AccountID: "444455556666",
				Title: "a session name under deploy holds an access key id", Detail: "AKIAIOSFODNN7EXAMPLE has the form of an access key id.", Why: "Session names stand in every log that the role writes to.",
				Names: attribute.FindingNames{Count: 1, Sample: []string{"AKIAIOSFODNN7EXAMPLE"}, New: []string{}, Resolved: []string{}}, Patterns: []string{"AKIAIOSFODNN7EXAMPLE"},
				Evidence: []attribute.Evidence{}, Recommendation: "Find out whose key it is and rotate it.",
			},
		},
		Coverage: []attribute.Coverage{
			{AccountID: "111122223333", Region: "eu-central-1", From: at(0, 0, 1), To: at(6, 23, 59), Objects: 10080, HoursExpected: 170, HoursRead: 170, Verified: "ok"},
			{AccountID: "111122223333", Region: "us-east-1", From: at(0, 0, 0), To: at(6, 23, 58), Objects: 5040, ObjectsFailed: 1,
				HoursExpected: 170, HoursRead: 169, EventsUnseen: 245,
				Unread: []attribute.UnreadHours{{From: at(2, 3, 0), To: at(2, 4, 0), Objects: 1}, {From: at(6, 23, 0), To: at(7, 1, 0)}}},
			{AccountID: "444455556666", Region: "us-east-1", From: at(0, 0, 2), To: at(6, 9, 50), Objects: 5040, HoursExpected: 155, HoursRead: 155, SilentSince: at(6, 10, 0)},
		},
		Other: []attribute.OtherSession{
			{Kind: "GetFederationToken", AccountID: "111122223333", Principal: "arn:aws:iam::111122223333:user/broker", Name: "reporting", Issued: 3, Calls: 40, FirstSeen: at(1, 1, 1), LastSeen: at(3, 3, 3), EventID: "0a6e1f3c-0000-4000-8000-00000000000a"},
		},
		Denied: []attribute.DeniedAssumption{
			{Principal: "arn:aws:iam::444455556666:user/mallory", RoleARN: crossARN, AccountID: "444455556666", ErrorCode: "AccessDenied", Count: 12, FirstSeen: at(5, 2, 0), LastSeen: at(5, 2, 20), EventID: "0a6e1f3c-0000-4000-8000-00000000000b"},
		},
	}
}

// finishName fills what follows from the origins of a name.
func finishName(n *attribute.SessionName) {
	n.FirstSeen, n.LastSeen = n.Origins[0].FirstSeen, n.Origins[0].LastSeen
	for i, o := range n.Origins {
		n.Calls += o.Calls
		n.Errors += o.Errors
		n.Sessions += o.Sessions
		if o.FirstSeen.Before(n.FirstSeen) {
			n.FirstSeen = o.FirstSeen
		}
		if o.LastSeen.After(n.LastSeen) {
			n.LastSeen = o.LastSeen
		}
		n.SessionList = append(n.SessionList, attribute.Session{
			AccessKeyID: fmt.Sprintf("ASIAEXAMPLE%09d", i), Created: o.FirstSeen, FirstSeen: o.FirstSeen, LastSeen: o.LastSeen,
			Calls: o.Calls, Errors: o.Errors, OriginID: o.ID, Confidence: o.Confidence, AssumeEvent: "0a6e1f3c-0000-4000-8000-000000000002",
		})
	}
	if len(n.Services) == 0 {
		o := n.Origins[0]
		n.SourceIPs, n.UserAgents, n.Services, n.Regions = o.SourceIPs, o.UserAgents, o.Services, o.Regions
	}
	n.Hours = []attribute.HourCalls{{Hour: n.FirstSeen.Truncate(time.Hour).Unix(), Calls: n.Calls}}
}

// testComparison is testResult against an earlier report.
func testComparison() *attribute.Result {
	res := testResult()
	res.Scan.Filters = []string{"--account 111122223333,444455556666", "--role *a*"}
	res.Baseline = &attribute.Comparison{New: 2, Persisting: 1, Resolved: 1, Changes: []string{
		"ec2:444455556666/pricing-fleet is new on CrossAccountReader",
		"STRING_VALUE is now shared",
		"attributed calls: 97.1 % before, 99.9 % now",
	}}
	for i := range res.Findings {
		res.Findings[i].Status = "persisting"
	}
	res.Findings[0].Status, res.Findings[3].Status = "new", "new"
	res.Findings[2].Names.New = []string{"botocore-session-1763337660"}
	res.Findings[2].Names.Resolved = []string{"botocore-session-1762732800"}
	gone := res.Findings[2]
	gone.ID, gone.Status, gone.Rule = "f-deadbeef01", "resolved", "unattributed"
	gone.Severity, gone.Title, gone.Detail = attribute.Low, "the origin of ci under deploy stays unknown", "No assume event was found."
	gone.Names, gone.Patterns, gone.Evidence = attribute.FindingNames{Count: 1, Sample: []string{"ci"}, New: []string{}, Resolved: []string{"ci"}}, []string{"ci"}, []attribute.Evidence{}
	res.Findings = append(res.Findings, gone)
	return res
}

// hostile strings, one of each kind that a log's writer could try.
var hostile = []string{
	"\x1b[2J\x1b]0;owned\x07",            // a terminal's control sequences
	"\u009b31m",                          // the same in C1
	"user\u202egnp.exe",                  // a bidirectional override
	"\u2066isolate\u2069",                // a bidirectional isolate
	"pay\u200bpal\ufeff",                 // zero-width characters
	"two\r\nlines\ttab",                  // line breaks
	"nul\x00byte",                        //
	"=cmd|' /C calc'!A0",                 // a formula
	"+1+1", "-1+1", "@SUM(A1)", "\t=1+1", //
	"＝1+1", "x;=1+1", //
	"<script>alert(1)</script>",                       // HTML
	"\"><img src=x onerror=alert(1)>",                 //
	"</script><!--",                                   //
	"| cell | `code` ``two`` |",                       // Markdown
	"[link](javascript:alert(1)) ![i](http://e.com/)", //
	"*bold* _it_ ~~no~~ # head",                       //
	"@octocat please see #1 http://example.com",       // mentions, references, links
	"a\\|b\\",                                //
	"::error::owned",                         // workflow commands
	" ::set-output name=x::y",                //
	"##[add-mask]x ##vso[task.setvariable]y", //
	"../../etc/passwd", "a b?c#d%2f/e:f",     // paths and URIs
	"\u2028\u2029", "\U000e0041tag", // separators and tags
	"日本語のなまえ", "e\u0301\u0301", "👩‍👩‍👧", // wide and joined characters
	strings.Repeat("long", 300), //
	"", " ", ".", "..",          //
}

// hostileResult is testResult with s in every field that somebody can choose
// who writes to a log or to the configuration, all at once.
func hostileResult(s string) *attribute.Result {
	res := testComparison()
	res.Scan.Source, res.Scan.Filters = s, []string{s}
	res.Scan.Warnings = []string{s}
	for i := range res.Scan.Problems {
		res.Scan.Problems[i].Object, res.Scan.Problems[i].Error = s, s
	}
	res.Baseline.Changes = []string{s}
	sample := attribute.Sample{Count: 30, Sample: []string{s, s}}
	evidence := []attribute.Evidence{{Type: s, EventID: s, Detail: s}}
	services := []attribute.ServiceCalls{{EventSource: s, Calls: 3}}
	texts := []string{s, s}
	for i := range res.Names {
		n := &res.Names[i]
		n.Partition, n.AccountID, n.RoleName, n.SessionName, n.Form, n.Pattern = s, s, s, s, s, s
		n.RoleARN = "arn:aws:iam::" + s + ":role/" + s
		n.SourceIPs, n.UserAgents, n.Services, n.Regions, n.Findings = sample, sample, services, texts, texts
		for k := range n.Origins {
			o := &n.Origins[k]
			o.ID, o.Kind, o.Name, o.AccountID, o.App = s, s, s, s, s
			o.Instances, o.SourceIPs, o.UserAgents, o.Services, o.Regions = sample, sample, sample, services, texts
			o.Chain, o.Evidence = []attribute.Link{{Principal: s, EventID: s}}, evidence
		}
		for k := range n.SessionList {
			x := &n.SessionList[k]
			x.AccessKeyID, x.OriginID, x.AssumeEvent = s, s, s
		}
	}
	for i := range res.Origins {
		o := &res.Origins[i]
		o.ID, o.Kind, o.Name, o.AccountID, o.App, o.Roles = s, s, s, s, s, texts
	}
	for i := range res.Findings {
		f := &res.Findings[i]
		f.ID = "f-" + s
		f.Rule, f.AccountID, f.Title, f.Detail, f.Why, f.Recommendation = s, s, s, s, s, s
		f.RoleARNs = []string{"arn:aws:iam::" + s + ":role/" + s, s}
		f.Names = attribute.FindingNames{Count: 30, Sample: texts, New: texts, Resolved: texts}
		f.Patterns, f.Evidence = texts, evidence
		if f.Ignored != "" {
			f.Ignored = s
		}
	}
	for i := range res.Coverage {
		c := &res.Coverage[i]
		c.AccountID, c.Region, c.Verified = s, s, s
	}
	for i := range res.Other {
		o := &res.Other[i]
		o.Kind, o.AccountID, o.Principal, o.Name, o.EventID = s, s, s, s, s
	}
	for i := range res.Denied {
		d := &res.Denied[i]
		d.AccountID, d.Principal, d.RoleARN, d.ErrorCode, d.EventID = s, s, s, s, s
	}
	return res
}

func hostileOptions(s string) Options {
	opt := testOptions()
	opt.AccountNames = map[string]string{s: s}
	return opt
}

func write(t testing.TB, f func(io.Writer, *attribute.Result, Options) error, res *attribute.Result, opt Options) string {
	t.Helper()
	var b strings.Builder
	if err := f(&b, res, opt); err != nil {
		t.Fatal(err)
	}
	return b.String()
}
