package attribute

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/trailscan/trailscan/internal/ingest"
)

// secrets are the values that no redacted report may hold.
var secrets = []string{
	"alice", "112233445566", "bob.smith", "carol", "dave", "corp.example", "grace",
	"203.0.113.7", "2001:db8::7", "10.1.2.3", "10-1-2-3", "198.51.100.9", "035.249.253.232", "201.252.42.903",
	"AKIAIOSFODNN7EXAMPLE", "ASIAY34FZKBOKMUTVV7A", "AIDACKCEVSQ6C2EXAMPLE", "wJalrXUtnFEMI",
}

func personalResult() *Result {
	const ssoRole = "arn:aws:iam::111122223333:role/aws-reserved/sso.amazonaws.com/AWSReservedSSO_Admin_0123456789abcdef"
	return &Result{
		Scan: Scan{
			Source:   "/home/alice/logs",
			Problems: []ingest.Problem{{Object: "/home/alice/logs/x.json", Error: "read from 198.51.100.9: reset"}},
			Warnings: []string{"alice@corp.example asked"},
		},
		Names: []SessionName{
			{
				RoleName: "AWSReservedSSO_Admin_0123456789abcdef", RoleARN: ssoRole, AccountID: "111122223333",
				SessionName: "alice@corp.example", Pattern: "alice@corp.example",
				NameDetail: &NameDetail{
					SourceIPs:  Sample{5, []string{"035.249.253.232", "2001:db8::7", "201.252.42.903", "203.0.113.7", "athena.amazonaws.com"}},
					UserAgents: Sample{2, []string{"Mozilla/5.0 (X11) Chrome/120.0.0.0", "curl/8 from 203.0.113.7"}},
					Origins: []NameOrigin{{
						ID: "sso:alice@corp.example", Kind: KindSSO, Name: "alice@corp.example",
						Chain: []Link{
							{Principal: "arn:aws:iam::111122223333:user/team/bob.smith"},
							{Principal: "arn:aws:sts::111122223333:assumed-role/AWSReservedSSO_Admin_0123456789abcdef/alice@corp.example"},
						},
						Evidence: []Evidence{{Type: "source-identity", Detail: "source identity dave"}, {Type: "assume-event", Detail: "key AKIAIOSFODNN7EXAMPLE of AIDACKCEVSQ6C2EXAMPLE"}},
					}},
					SessionList: []Session{{AccessKeyID: "ASIAY34FZKBOKMUTVV7A", OriginID: "sso:alice@corp.example"}},
				}},
			{RoleName: "orders", RoleARN: ordersRole, SessionName: "alice", Pattern: "alice", NameDetail: &NameDetail{Origins: []NameOrigin{
				{ID: "iam-user:111122223333/alice", Kind: KindIAMUser, Name: "111122223333/alice", AccountID: "111122223333"},
				{ID: "lambda:111122223333/orders", Kind: KindLambda, Name: "orders", Instances: Sample{1, []string{"ip-10-1-2-3.ec2.internal"}}},
			}}},
			{RoleName: "orders", RoleARN: ordersRole, SessionName: "deploy-bob.smith-2", Pattern: "deploy-bob.smith-<n>"},
			{RoleName: "orders", RoleARN: ordersRole, SessionName: "host-10.1.2.3", Pattern: "host-<ip>"},
			{RoleName: "orders", RoleARN: ordersRole, SessionName: "wJalrXUtnFEMI-K7MDENG", Findings: []string{"secret-in-name"}, Pattern: "wJalrXUtnFEMI-K7MDENG"},
			{RoleName: "orders", RoleARN: ordersRole, SessionName: "person-1", Pattern: "person-<n>"},
			{RoleName: "orders", RoleARN: ordersRole, SessionName: "i-0abc", Pattern: "i-<hex>"},
		},
		Origins: []OriginTotal{{ID: "sso:alice@corp.example", Name: "alice@corp.example", Kind: KindSSO}, {ID: "saml:carol", Kind: KindSAML, Name: "carol"}, {ID: "web-identity:accounts.google.com/112233445566778899001", Kind: KindWebIdentity, Name: "accounts.google.com/112233445566778899001"}},
		Findings: []Finding{{
			Title: "alice is used by alice@corp.example, and by bob.smith.", RoleARNs: []string{ordersRole}, Rule: "misleading-name",
			Detail: "seen from 203.0.113.7, 2001:db8::7; candidate iam-user:111122223333/grace", Names: FindingNames{Count: 2, Sample: []string{"alice", "deploy-bob.smith-2"}},
			Evidence: []Evidence{{Detail: "grace called"}},
		}},
		Other:  []OtherSession{{Kind: "GetFederationToken", Principal: "arn:aws:iam::111122223333:user/carol", Name: "dave"}, {Kind: "AssumeRoot", Name: "444455556666"}},
		Denied: []DeniedAssumption{{Principal: "arn:aws:sts::111122223333:assumed-role/orders/bob.smith", RoleARN: billingRole, AccountID: "111122223333"}},
	}
}

func TestRedact(t *testing.T) {
	r := personalResult()
	r.Redact()
	text, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range secrets {
		if strings.Contains(string(text), s) {
			at := strings.Index(string(text), s)
			t.Errorf("%q is still there: %s", s, text[max(at-60, 0):min(at+60, len(text))])
		}
	}

	sso, human := r.Names[0], r.Names[1]
	checks := []struct{ what, got, want string }{
		{"an e-mail address keeps its form", sso.SessionName, "person-2@domain-1"},
		{"and is the person with that bare name", human.SessionName, "person-2"},
		{"its origin", sso.Origins[0].ID, "sso:person-2@domain-1"},
		{"the origin of the sessions", sso.SessionList[0].OriginID, "sso:person-2@domain-1"},
		{"the origin's total", r.Origins[0].Name, "person-2@domain-1"},
		{"the root of the chain", sso.Origins[0].Chain[0].Principal, "arn:aws:iam::111122223333:user/team/person-3"},
		{"the end of the chain", sso.Origins[0].Chain[1].Principal, "arn:aws:sts::111122223333:assumed-role/AWSReservedSSO_Admin_0123456789abcdef/person-2@domain-1"},
		{"a name within a name", r.Names[2].SessionName, "deploy-person-3-2"},
		{"and its pattern", r.Names[2].Pattern, "deploy-person-3-<n>"},
		{"an address within a name", r.Names[3].SessionName, "host-address-1"},
		{"a secret", r.Names[4].SessionName, "secret-1"},
		{"a name that looks like a word of ours", r.Names[5].SessionName, "person-1"},
		{"a name that says nothing of people", r.Names[6].SessionName, "i-0abc"},
		{"a role", r.Names[1].RoleARN, ordersRole},
		{"a function", human.Origins[1].ID, "lambda:111122223333/orders"},
		{"a host's name", human.Origins[1].Instances.Sample[0], "ip-address-1.ec2.internal"},
		{"a version", sso.UserAgents.Sample[0], "Mozilla/5.0 (X11) Chrome/120.0.0.0"},
		{"a service as the source", strings.Join(sso.SourceIPs.Sample, " "), "address-3 address-4 address-5 address-6 athena.amazonaws.com"},
		{"a finding", r.Findings[0].Title, "person-2 is used by person-2@domain-1, and by person-3."},
		{"its names, sorted", strings.Join(r.Findings[0].Names.Sample, " "), "deploy-person-3-2 person-2"},
		{"an account that AssumeRoot names", r.Other[1].Name, "444455556666"},
		{"a refused session", r.Denied[0].Principal, "arn:aws:sts::111122223333:assumed-role/orders/person-3"},
	}
	for _, c := range checks {
		if c.got != c.want {
			t.Errorf("%s: %q, want %q", c.what, c.got, c.want)
		}
	}
	if got := r.Scan.Warnings[len(r.Scan.Warnings)-1]; got != redactedNote {
		t.Errorf("the last warning is %q", got)
	}

	again := personalResult()
	again.Redact()
	if !reflect.DeepEqual(r, again) {
		t.Error("redacting the same result twice gives two results")
	}
}

// TestRedactApps holds that an app's name is not taken for a person's, whatever
// the app chose as its source identity and whoever has a part of its name, and
// that people are found who work through apps.
func TestRedactApps(t *testing.T) {
	const account = "111122223333"
	lambda := service("lambda.amazonaws.com")
	withID := func(id rec, who string) rec { return inContext(id, rec{"sourceIdentity": who}) }
	session := func(role, name, key string) rec { return as(ours, role, name, key, "10:00:00") }
	r := audit(t, Options{},
		assumes("a", "10:00:00", lambda, ours, "order-intake-role", "order-intake", "ASIA1"),
		assumes("b", "10:00:00", session("order-intake-role", "order-intake", "ASIA1"), ours, "table", "order-intake", "ASIA2"),
		apiCall("c", "10:01:00", withID(session("table", "order-intake", "ASIA2"), "order-intake")),
		assumes("d", "10:00:00", service("ecs-tasks.amazonaws.com"), ours, "month-close-task", "0123456789abcdef0123456789abcdef", "ASIA3"),
		assumes("e", "10:00:00", session("month-close-task", "0123456789abcdef0123456789abcdef", "ASIA3"), ours, "hub", "month-close", "ASIA4"),
		apiCall("f", "10:01:00", withID(session("hub", "month-close", "ASIA4"), "month-close")),
		assumes("g", "10:00:00", lambda, ours, "f-role", "f@lambda_function", "ASIA5"),
		apiCall("h", "10:01:00", session("f-role", "f@lambda_function", "ASIA5")),
		assumes("i", "10:00:00", lambda, ours, "i-role", "invoice-mailer", "ASIA6"),
		apiCall("j", "10:01:00", session("i-role", "invoice-mailer", "ASIA6")),
		assumes("k", "10:00:00", user(ours, "invoice"), ours, "books", "invoice", "ASIA7"),
		apiCall("l", "10:01:00", session("books", "invoice", "ASIA7")),
		assumes("m", "10:00:00", session("month-close-task", "0123456789abcdef0123456789abcdef", "ASIA3"), ours, "desk", "desk-zoe", "ASIA8"),
		apiCall("n", "10:01:00", withID(session("desk", "desk-zoe", "ASIA8"), "zoe")),
		apiCall("o", "10:01:00", withID(session("lost", "mia", "ASIA9"), "mia")),
		assumes("p", "10:00:00", lambda, ours, "jane.doe", "jane.doe", "ASIA10"),
		apiCall("q", "10:01:00", withID(session("jane.doe", "jane.doe", "ASIA10"), "jane.doe")),
	)
	r.Redact()
	var got []string
	for _, n := range r.Names {
		got = append(got, n.RoleName+"/"+n.SessionName+" "+n.Origins[0].ID)
	}
	want := []string{
		"books/person-1 iam-user:" + account + "/person-1",
		"desk/desk-person-2 ecs:" + account + "/month-close-task",
		"f-role/f@lambda_function lambda:" + account + "/f",
		"hub/month-close ecs:" + account + "/month-close-task",
		"i-role/invoice-mailer lambda:" + account + "/invoice-mailer",
		"jane.doe/person-3 lambda:" + account + "/person-3",
		"lost/person-4 unknown",
		"month-close-task/0123456789abcdef0123456789abcdef ecs:" + account + "/month-close-task",
		"order-intake-role/order-intake lambda:" + account + "/order-intake",
		"table/order-intake lambda:" + account + "/order-intake",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestRedactLeavesAlone(t *testing.T) {
	d := &redactor{words: map[string]string{}, counts: map[string]int{}, people: map[string]bool{}, names: map[string]string{}}
	for _, s := range []string{
		"arn:aws:s3:::bucket", "arn:aws:iam::111122223333:role/a:b", "2026-11-24T21:30:00Z", "12:30:45", "1.2.3", "::",
		"eks:111122223333/ABCDEF/ns/sa", "AROA3XFRBF535PLBIFPI4:session", "10.1.2", "x10.1.2.3y", "s3://bucket/a@", "@", "a@",
		"build 120.0.6099.109", "botocore-session-1700000000", "i-0123456789abcdef0", "lambda.amazonaws.com",
		"f@lambda_function is one",
	} {
		if got := d.text(s); got != s {
			t.Errorf("%q became %q", s, got)
		}
	}
}

func FuzzRedactText(f *testing.F) {
	f.Add("alice@corp.example and 10.0.0.1", "bob")
	f.Add("::1 AKIAIOSFODNN7EXAMPLE ip-1-2-3-4", "a b")
	f.Fuzz(func(t *testing.T, name, user string) {
		r := &Result{
			Names:    []SessionName{{SessionName: name, NameDetail: &NameDetail{Origins: []NameOrigin{{Kind: KindSAML, Name: user, ID: "saml:" + user}}}}},
			Findings: []Finding{{Title: name + " of " + user}},
		}
		r.Redact()
		if len(user) >= 6 && !strings.ContainsAny(user, "@-") && strings.Contains(r.Names[0].Origins[0].Name, user) {
			t.Errorf("user %q is still there: %q", user, r.Names[0].Origins[0].Name)
		}
	})
}
