package attribute

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/trailscan/trailscan/internal/ingest"
)

// rec is a CloudTrail record, or a part of one, under construction.
type rec map[string]any

func merged(base rec, more ...rec) rec {
	out := maps.Clone(base)
	for _, m := range more {
		maps.Copy(out, m)
	}
	return out
}

const (
	ours   = "111122223333"
	theirs = "444455556666"
)

// roleID makes up the AROA id of a role: the same for the same role.
func roleID(account, role string) string {
	return "AROA" + strings.ToUpper(fmt.Sprintf("%.8x%.8x", account, role))
}

// as is the identity of a role session.
func as(account, role, name, key, created string, more ...rec) rec {
	id := rec{
		"type": "AssumedRole", "principalId": roleID(account, role) + ":" + name,
		"arn":       "arn:aws:sts::" + account + ":assumed-role/" + role + "/" + name,
		"accountId": account,
		"sessionContext": rec{
			"sessionIssuer": rec{"type": "Role", "principalId": roleID(account, role), "arn": "arn:aws:iam::" + account + ":role/" + role, "accountId": account, "userName": role},
			"attributes":    rec{"creationDate": "2026-11-20T" + created + "Z", "mfaAuthenticated": "false"},
		},
	}
	if key != "" {
		id["accessKeyId"] = key
	}
	return merged(id, more...)
}

// inContext adds members to an identity's sessionContext.
func inContext(id rec, more rec) rec {
	out := maps.Clone(id)
	out["sessionContext"] = merged(id["sessionContext"].(rec), more)
	return out
}

func user(account, name string) rec {
	return rec{"type": "IAMUser", "principalId": "AIDA" + strings.ToUpper(name), "arn": "arn:aws:iam::" + account + ":user/" + name, "accountId": account, "accessKeyId": "AKIA" + strings.ToUpper(name), "userName": name}
}

func service(principal string) rec { return rec{"type": "AWSService", "invokedBy": principal} }

// apiCall is a record of an API call of 20 November 2026.
func apiCall(id, at string, identity rec, more ...rec) rec {
	account, _ := identity["accountId"].(string)
	return merged(rec{
		"eventVersion": "1.08", "eventID": eventUUID(id), "eventTime": "2026-11-20T" + at + "Z", "eventSource": "s3.amazonaws.com",
		"eventName": "GetObject", "awsRegion": "eu-west-1", "sourceIPAddress": "10.0.0.7", "userAgent": "aws-sdk-go-v2/1.30 os/linux",
		"eventType": "AwsApiCall", "eventCategory": "Management", "recipientAccountId": account, "userIdentity": identity,
	}, more...)
}

// eventUUID makes a UUID of a short name.
func eventUUID(id string) string {
	h := fmt.Sprintf("%x", id)
	h = (h + strings.Repeat("0", 32))[:32]
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}

// assumes is an assume event of role and name in account, which issued key.
func assumes(id, at string, caller rec, account, role, name, key string, more ...rec) rec {
	r := apiCall(id, at, caller, rec{
		"eventSource": "sts.amazonaws.com", "eventName": "AssumeRole", "recipientAccountId": account,
		"requestParameters": rec{"roleArn": "arn:aws:iam::" + account + ":role/" + role, "roleSessionName": name, "durationSeconds": 3600},
		"responseElements": rec{
			"credentials":     rec{"accessKeyId": key, "sessionToken": "FwoG", "expiration": "Nov 20, 2026, 11:00:00 PM"},
			"assumedRoleUser": rec{"assumedRoleId": roleID(account, role) + ":" + name, "arn": "arn:aws:sts::" + account + ":assumed-role/" + role + "/" + name},
		},
	})
	return merged(r, more...)
}

func trail(records ...rec) []byte {
	b, err := json.Marshal(rec{"Records": records})
	if err != nil {
		panic(err)
	}
	return b
}

// feed reads a trail into a builder.
func feed(t testing.TB, b *Builder, data []byte) {
	t.Helper()
	_, problems := ingest.NewReader(ingest.Limits{}).Read(context.Background(), "trail", bytes.NewReader(data), b.Add)
	if len(problems) > 0 {
		t.Fatalf("the trail does not read: %+v", problems)
	}
}

func audit(t testing.TB, opt Options, records ...rec) *Result {
	t.Helper()
	a := NewAudit(opt)
	feed(t, a.Builder(), trail(records...))
	if a.Replay() {
		feed(t, a.Builder(), trail(records...))
	}
	return a.Result().whole()
}

// origins gives the origins under a name as "id confidence calls/sessions".
func origins(t testing.TB, res *Result, name string) []string {
	t.Helper()
	var out []string
	for _, n := range res.Names {
		if n.SessionName == name {
			for _, o := range n.Origins {
				out = append(out, fmt.Sprintf("%s %s %d/%d", o.ID, o.Confidence, o.Calls, o.Sessions))
			}
		}
	}
	return out
}

func rulesOf(res *Result, name string) []string {
	var out []string
	for _, n := range res.Names {
		if n.SessionName == name {
			out = append(out, n.Findings...)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func TestOrigins(t *testing.T) {
	lambda := func(id, at, fn, key string) rec {
		return assumes(id, at, service("lambda.amazonaws.com"), ours, "fn-role", fn, key)
	}
	tests := map[string]struct {
		records []rec
		name    string
		want    []string
	}{
		"user, joined by key": {
			[]rec{assumes("a", "10:00:00", user(ours, "alice"), ours, "deploy", "release", "ASIA1"),
				apiCall("c", "10:01:00", as(ours, "deploy", "release", "ASIA1", "10:00:00"))},
			"release", []string{"iam-user:111122223333/alice proven 1/1"},
		},
		"user's path is not its name": {
			[]rec{assumes("a", "10:00:00", merged(user(ours, "alice"), rec{"arn": "arn:aws:iam::" + ours + ":user/team/alice"}), ours, "deploy", "release", "ASIA1"),
				apiCall("c", "10:01:00", as(ours, "deploy", "release", "ASIA1", "10:00:00"))},
			"release", []string{"iam-user:111122223333/alice proven 1/1"},
		},
		"root": {
			[]rec{assumes("a", "10:00:00", rec{"type": "Root", "principalId": ours, "arn": "arn:aws:iam::" + ours + ":root", "accountId": ours}, ours, "deploy", "release", "ASIA1"),
				apiCall("c", "10:01:00", as(ours, "deploy", "release", "ASIA1", "10:00:00"))},
			"release", []string{"root:111122223333 proven 1/1"},
		},
		"chain from a function": {
			[]rec{lambda("a", "10:00:00", "orders", "ASIAF"),
				assumes("b", "10:05:00", as(ours, "fn-role", "orders", "ASIAF", "10:00:00"), ours, "data", "worker", "ASIAD"),
				apiCall("c", "10:06:00", as(ours, "data", "worker", "ASIAD", "10:05:00"))},
			"worker", []string{"lambda:111122223333/orders proven 1/1"},
		},
		"chain whose root is out of view ends at the role": {
			[]rec{assumes("b", "10:05:00", as(ours, "fn-role", "orders", "ASIAF", "10:00:00"), ours, "data", "worker", "ASIAD"),
				apiCall("c", "10:06:00", as(ours, "data", "worker", "ASIAD", "10:05:00"))},
			"worker", []string{"role:111122223333/fn-role recorded 1/1"},
		},
		"a key issued twice joins by time": {
			[]rec{assumes("a", "10:00:00", user(ours, "alice"), ours, "deploy", "x", "ASIA1"),
				assumes("b", "12:00:00", user(ours, "bob"), ours, "deploy", "x", "ASIA1"),
				apiCall("c", "12:01:00", as(ours, "deploy", "x", "ASIA1", "12:00:00"))},
			"x", []string{"iam-user:111122223333/bob proven 1/1"},
		},
		"a key that stands on other sessions joins nothing": {
			[]rec{assumes("a", "10:00:00", user(ours, "alice"), ours, "deploy", "x", "REDACTED"),
				apiCall("c", "12:01:00", as(ours, "other", "y", "REDACTED", "10:00:00"))},
			"y", []string{"unknown unknown 1/1"},
		},
		"without assumedRoleUser": {
			[]rec{assumes("a", "10:00:00", service("ec2.amazonaws.com"), ours, "web", "i-0123456789abcdef0", "ASIA1", rec{"responseElements": rec{"credentials": rec{"accessKeyId": "ASIA1"}}}),
				apiCall("c", "10:01:00", as(ours, "web", "i-0123456789abcdef0", "ASIA1", "10:00:00"))},
			"i-0123456789abcdef0", []string{"ec2:111122223333/web proven 1/1"},
		},
		"console session: another key each time, joined by name and time": {
			[]rec{assumes("a", "10:00:00", user(ours, "alice"), ours, "admin", "alice", "ASIA1"),
				apiCall("c", "10:01:00", as(ours, "admin", "alice", "ASIA2", "10:00:00"), rec{"sessionCredentialFromConsole": "true"}),
				apiCall("d", "10:02:00", as(ours, "admin", "alice", "ASIA3", "10:00:00"), rec{"sessionCredentialFromConsole": "true"})},
			"alice", []string{"iam-user:111122223333/alice proven 2/1"},
		},
		"another key without a reason is at most inferred": {
			[]rec{assumes("a", "10:00:00", user(ours, "alice"), ours, "admin", "x", "ASIA1"),
				apiCall("c", "10:01:00", as(ours, "admin", "x", "ASIA2", "10:00:00"))},
			"x", []string{"iam-user:111122223333/alice inferred 1/1"},
		},
		"two candidates in one second, neither is picked": {
			[]rec{assumes("a", "10:00:00", user(ours, "alice"), ours, "admin", "x", "ASIA1"),
				assumes("b", "10:00:00", user(ours, "bob"), ours, "admin", "x", "ASIA2"),
				apiCall("c", "10:01:00", as(ours, "admin", "x", "ASIA9", "10:00:00"), rec{"sessionCredentialFromConsole": "true"})},
			"x", []string{"unknown unknown 1/1"},
		},
		"source identity narrows two candidates to one": {
			[]rec{assumes("a", "10:00:00", user(ours, "alice"), ours, "admin", "x", "ASIA1", rec{"requestParameters": rec{"roleArn": "arn:aws:iam::" + ours + ":role/admin", "roleSessionName": "x", "sourceIdentity": "alice"}}),
				assumes("b", "10:00:00", user(ours, "bob"), ours, "admin", "x", "ASIA2"),
				apiCall("c", "10:01:00", inContext(as(ours, "admin", "x", "ASIA9", "10:00:00"), rec{"sourceIdentity": "alice"}), rec{"sessionCredentialFromConsole": "true"})},
			"x", []string{"iam-user:111122223333/alice proven 1/1"},
		},
		"a service's forwarded calls belong to the session": {
			[]rec{assumes("a", "10:00:00", user(ours, "alice"), ours, "admin", "x", "ASIA1"),
				apiCall("c", "10:01:00", as(ours, "admin", "x", "ASIA1", "10:00:00")),
				apiCall("d", "10:02:00", as(ours, "admin", "x", "ASIA7", "10:00:00", rec{"invokedBy": "cloudformation.amazonaws.com"})),
				apiCall("e", "10:02:00", as(ours, "admin", "x", "", "10:00:00", rec{"invokedBy": "cloudformation.amazonaws.com"}))},
			"x", []string{"iam-user:111122223333/alice proven 3/1"},
		},
		"the calls carry the function": {
			[]rec{apiCall("c", "10:01:00", as(ours, "fn-role", "orders", "ASIA1", "09:00:00", rec{"inScopeOf": rec{"issuerType": "AWS::Lambda::Function", "credentialsIssuedTo": "arn:aws:lambda:eu-west-1:" + ours + ":function:orders"}}))},
			"orders", []string{"lambda:111122223333/orders recorded 1/1"},
		},
		"the calls carry the instance": {
			[]rec{apiCall("c", "10:01:00", inContext(as(ours, "web", "i-0123456789abcdef0", "ASIA1", "09:00:00"), rec{"ec2RoleDelivery": "2.0"}))},
			"i-0123456789abcdef0", []string{"ec2:111122223333/web recorded 1/1"},
		},
		"EC2's own roles have colons": {
			[]rec{apiCall("c", "10:01:00", rec{"type": "AssumedRole", "principalId": ours + ":aws:ec2-instance:i-0123456789abcdef0", "arn": "arn:aws:sts::" + ours + ":assumed-role/aws:ec2-instance/i-0123456789abcdef0", "accountId": ours, "accessKeyId": "ASIA1",
				"sessionContext": rec{"sessionIssuer": rec{"type": "Role", "principalId": ours + ":aws:ec2-instance", "arn": "arn:aws:iam::" + ours + ":role/aws:ec2-instance", "accountId": ours}}})},
			"i-0123456789abcdef0", []string{"ec2:111122223333/aws:ec2-instance recorded 1/1"},
		},
		"masked ARNs": {
			[]rec{apiCall("c", "10:01:00", rec{"type": "AssumedRole", "principalId": "***:Palisade", "arn": "arn***/assumed-role/Audit/Palisade", "accountId": "700***", "accessKeyId": "ASIA2***",
				"sessionContext": rec{"sessionIssuer": rec{"type": "Role", "principalId": "***45X7ON", "arn": "arn***/Audit", "accountId": "700***", "userName": "Audit"}}})},
			"Palisade", []string{"unknown unknown 1/1"},
		},
		"service-linked role": {
			[]rec{apiCall("c", "10:01:00", inContext(as(ours, "AWSServiceRoleForAutoScaling", "AutoScaling", "", "09:00:00", rec{"invokedBy": "autoscaling.amazonaws.com"}),
				rec{"sessionIssuer": rec{"type": "Role", "principalId": "AROASLR", "arn": "arn:aws:iam::" + ours + ":role/aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling"}}))},
			"AutoScaling", []string{"service:111122223333/autoscaling.amazonaws.com recorded 1/1"},
		},
		"Identity Center": {
			[]rec{apiCall("c", "10:01:00", as(ours, "AWSReservedSSO_Admin_0123456789abcdef", "jane@example.com", "ASIA1", "09:00:00"))},
			"jane@example.com", []string{"sso:jane@example.com recorded 1/1"},
		},
		"Identity Center with the assume event": {
			[]rec{assumes("a", "09:00:00", rec{"type": "SAMLUser", "principalId": "q:jane@example.com", "userName": "jane@example.com", "identityProvider": "q"}, ours, "AWSReservedSSO_Admin_0123456789abcdef", "jane@example.com", "ASIA1", rec{"eventName": "AssumeRoleWithSAML"}),
				apiCall("c", "10:01:00", as(ours, "AWSReservedSSO_Admin_0123456789abcdef", "jane@example.com", "ASIA2", "09:00:00"))},
			"jane@example.com", []string{"sso:jane@example.com proven 1/1"},
		},
		"SAML": {
			[]rec{assumes("a", "09:00:00", rec{"type": "SAMLUser", "principalId": "q:jane", "userName": "jane", "identityProvider": "q"}, ours, "Admin", "jane@example.com", "ASIA1", rec{"eventName": "AssumeRoleWithSAML"}),
				apiCall("c", "10:01:00", as(ours, "Admin", "jane@example.com", "ASIA1", "09:00:00"))},
			"jane@example.com", []string{"saml:jane proven 1/1"},
		},
		"GitHub Actions": {
			[]rec{assumes("a", "09:00:00", rec{"type": "WebIdentityUser", "principalId": "arn:aws:iam::" + ours + ":oidc-provider/token.actions.githubusercontent.com:sts.amazonaws.com:repo:acme/shop:ref:refs/heads/main", "userName": "repo:acme/shop:ref:refs/heads/main", "identityProvider": "arn:aws:iam::" + ours + ":oidc-provider/token.actions.githubusercontent.com"}, ours, "ci", "GitHubActions", "ASIA1", rec{"eventName": "AssumeRoleWithWebIdentity"}),
				apiCall("c", "10:01:00", as(ours, "ci", "GitHubActions", "ASIA1", "09:00:00"))},
			"GitHubActions", []string{"github-actions:acme/shop proven 1/1"},
		},
		"IRSA": {
			[]rec{assumes("a", "09:00:00", rec{"type": "WebIdentityUser", "principalId": "arn:aws:iam::" + ours + ":oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/ABC:sts.amazonaws.com:system:serviceaccount:shop:cart", "userName": "system:serviceaccount:shop:cart", "identityProvider": "arn:aws:iam::" + ours + ":oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/ABC"}, ours, "cart", "1700000000000000000", "ASIA1", rec{"eventName": "AssumeRoleWithWebIdentity"}),
				apiCall("c", "10:01:00", as(ours, "cart", "1700000000000000000", "ASIA1", "09:00:00"))},
			"1700000000000000000", []string{"eks:111122223333/ABC/shop/cart proven 1/1"},
		},
		"a web identity provider alone is no origin": {
			[]rec{apiCall("c", "10:01:00", inContext(as(ours, "cart", "abc-def", "ASIA1", "09:00:00"), rec{"webIdFederationData": rec{"federatedProvider": "arn:aws:iam::" + ours + ":oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/ABC", "attributes": rec{}}}))},
			"abc-def", []string{"unknown unknown 1/1"},
		},
		"Pod Identity": {
			[]rec{assumes("a", "09:00:00", service("pods.eks.amazonaws.com"), ours, "cart", "eks-prod-cart-7c9f-0b8e2a4c-1d2e-4f3a-8b9c-0d1e2f3a4b5c", "ASIA1", rec{"requestParameters": rec{
				"roleArn": "arn:aws:iam::" + ours + ":role/cart", "roleSessionName": "eks-prod-cart-7c9f-0b8e2a4c-1d2e-4f3a-8b9c-0d1e2f3a4b5c",
				"tags": []rec{{"key": "eks-cluster-name", "value": "prod"}, {"key": "kubernetes-namespace", "value": "shop"}, {"key": "kubernetes-service-account", "value": "cart"}, {"key": "kubernetes-pod-name", "value": "cart-7c9f"}}}}),
				apiCall("c", "10:01:00", as(ours, "cart", "eks-prod-cart-7c9f-0b8e2a4c-1d2e-4f3a-8b9c-0d1e2f3a4b5c", "ASIA1", "09:00:00"))},
			"eks-prod-cart-7c9f-0b8e2a4c-1d2e-4f3a-8b9c-0d1e2f3a4b5c", []string{"eks:111122223333/prod/shop/cart proven 1/1"},
		},
		"foreign caller whose log was not read": {
			[]rec{assumes("a", "09:00:00", rec{"type": "AWSAccount", "principalId": "AROAEXTERNAL:scan", "accountId": theirs}, ours, "audit", "scan", "ASIA1", rec{"sharedEventID": eventUUID("s")}),
				apiCall("c", "10:01:00", as(ours, "audit", "scan", "ASIA1", "09:00:00"))},
			"scan", []string{"external:444455556666/AROAEXTERNAL recorded 1/1"},
		},
		"across accounts with both copies": {
			[]rec{assumes("z", "08:00:00", user(theirs, "bob"), theirs, "hop", "bob", "ASIA0"),
				assumes("a", "09:00:00", rec{"type": "AWSAccount", "principalId": roleID(theirs, "hop") + ":bob", "accountId": theirs}, ours, "audit", "scan", "ASIA1", rec{"sharedEventID": eventUUID("s")}),
				assumes("b", "09:00:00", as(theirs, "hop", "bob", "ASIA0", "08:00:00"), ours, "audit", "scan", "ASIA1", rec{"sharedEventID": eventUUID("s"), "recipientAccountId": theirs}),
				apiCall("c", "10:01:00", as(ours, "audit", "scan", "ASIA1", "09:00:00"))},
			"scan", []string{"iam-user:444455556666/bob proven 1/1"},
		},
		"a role id seen elsewhere names the foreign role": {
			[]rec{assumes("a", "09:00:00", rec{"type": "AWSAccount", "principalId": roleID(theirs, "hop") + ":bob", "accountId": theirs}, ours, "audit", "scan", "ASIA1"),
				apiCall("x", "09:30:00", as(theirs, "hop", "other", "ASIA5", "02:00:00"), rec{"recipientAccountId": ours}),
				apiCall("c", "10:01:00", as(ours, "audit", "scan", "ASIA1", "09:00:00"))},
			"scan", []string{"role:444455556666/hop recorded 1/1"},
		},
		"calls in one name from two origins": {
			[]rec{assumes("a", "10:00:00", user(ours, "alice"), ours, "deploy", "x", "ASIA1"),
				assumes("b", "10:00:00", user(ours, "bob"), ours, "deploy", "x", "ASIA2"),
				apiCall("c", "10:01:00", as(ours, "deploy", "x", "ASIA1", "10:00:00")),
				apiCall("d", "10:02:00", as(ours, "deploy", "x", "ASIA1", "10:00:00")),
				apiCall("e", "10:02:00", as(ours, "deploy", "x", "ASIA2", "10:00:00"))},
			"x", []string{"iam-user:111122223333/alice proven 2/1", "iam-user:111122223333/bob proven 1/1"},
		},
		"role switched in the console": {
			[]rec{apiCall("c", "10:00:00", as(ours, "admin", "alice", "ASIA1", "10:00:00"), rec{"eventSource": "signin.amazonaws.com", "eventName": "SwitchRole", "additionalEventData": rec{"SwitchFrom": "arn:aws:iam::" + theirs + ":user/alice"}})},
			"alice", []string{"iam-user:444455556666/alice recorded 1/1"},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := origins(t, audit(t, Options{}, tt.records...), tt.name); !slices.Equal(got, tt.want) {
				t.Errorf("got  %q\nwant %q", got, tt.want)
			}
		})
	}
}

func TestCounting(t *testing.T) {
	alice := assumes("a", "10:00:00", user(ours, "alice"), ours, "deploy", "x", "ASIA1")
	id := as(ours, "deploy", "x", "ASIA1", "10:00:00")
	day := func(s string) time.Time {
		v, err := time.Parse(time.RFC3339, "2026-11-20T"+s+"Z")
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	tests := map[string]struct {
		opt                              Options
		records                          []rec
		events, duplicates, calls, error int64
		unused                           int64
	}{
		"each once": {records: []rec{alice, apiCall("c", "10:01:00", id), apiCall("d", "10:02:00", id, rec{"errorCode": "AccessDenied"})}, events: 3, calls: 2, error: 1},
		"delivered twice": {
			records: []rec{alice, apiCall("c", "10:01:00", id), apiCall("c", "10:01:00", id), alice}, events: 2, duplicates: 2, calls: 1,
		},
		"placeholders make nothing one": {
			records: []rec{alice, apiCall("c", "10:01:00", id, rec{"eventID": "<eventId>"}), apiCall("c", "10:01:00", id, rec{"eventID": "<eventId>"})}, events: 3, calls: 2,
		},
		"the window is half open, evidence is not bound by it": {
			opt:     Options{Since: day("10:01:00"), Until: day("10:02:00")},
			records: []rec{alice, apiCall("c", "10:01:00", id), apiCall("d", "10:02:00", id), apiCall("e", "10:00:59", id)}, events: 1, calls: 1,
		},
		"each account's copy is an event, the call counts once": {
			records: []rec{alice,
				apiCall("c", "10:01:00", id, rec{"sharedEventID": eventUUID("s")}),
				apiCall("d", "10:01:00", id, rec{"sharedEventID": eventUUID("s"), "recipientAccountId": theirs, "errorCode": "X"})},
			events: 3, calls: 1,
		},
		"a foreign copy counts where the role's account has none": {
			records: []rec{alice,
				apiCall("c", "10:01:00", id, rec{"sharedEventID": eventUUID("s"), "recipientAccountId": "777788889999"}),
				apiCall("d", "10:01:00", id, rec{"sharedEventID": eventUUID("s"), "recipientAccountId": theirs, "errorCode": "X"})},
			events: 3, calls: 1, error: 1,
		},
		"a correction replaces the record": {
			records: []rec{alice, apiCall("c", "10:01:00", id, rec{"errorCode": "X"}),
				apiCall("d", "10:01:00", id, rec{"addendum": rec{"reason": "UPDATED_DATA", "updatedFields": "errorCode", "originalEventID": eventUUID("c")}})},
			events: 2, calls: 1,
		},
		"a correction that comes first": {
			records: []rec{alice,
				apiCall("d", "10:01:00", id, rec{"addendum": rec{"reason": "UPDATED_DATA", "updatedFields": "errorCode", "originalEventID": eventUUID("c")}}),
				apiCall("c", "10:01:00", id, rec{"errorCode": "X"})},
			events: 2, calls: 1,
		},
		"a correction on the other side of midnight": {
			records: []rec{apiCall("c", "23:59:59", as(ours, "deploy", "x", "ASIA1", "23:00:00"), rec{"errorCode": "X"}),
				apiCall("d", "", as(ours, "deploy", "x", "ASIA1", "23:00:00"), rec{"eventTime": "2026-11-21T00:00:01Z", "addendum": rec{"reason": "UPDATED_DATA", "originalEventID": eventUUID("c")}})},
			events: 1, calls: 1,
		},
		"a late delivery replaces nothing": {
			records: []rec{alice, apiCall("c", "10:01:00", id),
				apiCall("d", "10:01:00", id, rec{"addendum": rec{"reason": "DELIVERY_DELAY", "originalEventID": eventUUID("c")}})},
			events: 3, calls: 2,
		},
		"assumed and never used": {
			records: []rec{alice, assumes("b", "10:00:00", user(ours, "bob"), ours, "deploy", "x", "ASIA2"), apiCall("c", "10:01:00", id)}, events: 3, calls: 1, unused: 1,
		},
		"only the accounts asked for": {
			opt:     Options{Accounts: []string{theirs}},
			records: []rec{alice, apiCall("c", "10:01:00", id), apiCall("d", "10:01:00", as(theirs, "r", "n", "ASIA3", "10:00:00"))}, events: 1, calls: 1,
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			res := audit(t, tt.opt, tt.records...)
			var errors int64
			for _, n := range res.Names {
				errors += n.Errors
			}
			got := []int64{res.Scan.Events, res.Scan.Duplicates, res.Scan.AssumedRoleCalls, errors, res.Scan.UnusedSessions}
			want := []int64{tt.events, tt.duplicates, tt.calls, tt.error, tt.unused}
			if !slices.Equal(got, want) {
				t.Errorf("events, duplicates, calls, errors, unused: got %d, want %d", got, want)
			}
			if res.Attribution.Calls != tt.calls {
				t.Errorf("attribution counts %d calls, want %d", res.Attribution.Calls, tt.calls)
			}
		})
	}
}

// TestNameless holds that a role session that names no role or no session is a
// problem, not a call.
func TestNameless(t *testing.T) {
	good := as(ours, "deploy", "x", "ASIA1", "10:00:00")
	for what, id := range map[string]rec{
		"no name":         merged(good, rec{"arn": "", "principalId": "AROA1:"}),
		"no role":         merged(good, rec{"arn": "arn:aws:sts::" + ours + ":assumed-role//x", "sessionContext": rec{}}),
		"a slash":         merged(good, rec{"arn": "", "principalId": "AROA1:x/"}),
		"longer than all": merged(good, rec{"arn": "", "principalId": "AROA1:" + strings.Repeat("x", 2*maxKept)}),
	} {
		res := audit(t, Options{}, apiCall("c", "10:01:00", id), apiCall("d", "10:01:00", good))
		if res.Scan.Events != 2 || res.Scan.AssumedRoleCalls != 1 || res.Attribution.Calls != 1 || len(res.Scan.Problems) != 1 {
			t.Errorf("%s: %+v, attribution %+v", what, res.Scan, res.Attribution)
		}
	}
}

// TestRetouched holds that a record which AWS corrected in what is not read is
// counted once, in whatever order and however often the two were delivered, and
// that nothing need be read again for that.
func TestRetouched(t *testing.T) {
	id := as(ours, "deploy", "x", "ASIA1", "10:00:00")
	correction := func(eventID, at, fields string) rec {
		return apiCall(eventID, at, id, rec{"addendum": rec{"reason": "UPDATED_DATA", "updatedFields": fields, "originalEventID": eventUUID("c")}})
	}
	original, later := apiCall("c", "10:01:00", id), apiCall("b", "10:01:00", id)
	retouched := correction("d", "10:01:00", "responseElements, resources,tlsDetails.cipherSuite")
	tests := map[string]struct {
		records    []rec
		calls      int64
		duplicates int64
		again      bool
	}{
		"after the original":       {[]rec{original, retouched}, 1, 0, false},
		"before the original":      {[]rec{retouched, original}, 1, 0, false},
		"without the original":     {[]rec{retouched}, 1, 0, false},
		"the original twice":       {[]rec{original, retouched, original}, 1, 1, false},
		"the original twice later": {[]rec{retouched, original, original}, 1, 1, false},
		"the correction twice":     {[]rec{retouched, original, retouched}, 1, 1, false},
		"corrected twice":          {[]rec{retouched, original, correction("e", "10:01:00", "resources")}, 1, 0, false},
		"beside others":            {[]rec{later, retouched, original, apiCall("f", "10:01:00", id)}, 3, 0, false},
		"in what is read":          {[]rec{original, correction("d", "10:01:00", "responseElements,errorCode")}, 1, 0, true},
		"in what it does not say":  {[]rec{original, correction("d", "10:01:00", "")}, 1, 0, true},
		"on another day":           {[]rec{original, merged(correction("d", "", "resources"), rec{"eventTime": "2026-11-21T00:00:01Z"})}, 1, 0, true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			a := NewAudit(Options{})
			feed(t, a.Builder(), trail(tt.records...))
			again := a.Replay()
			if again != tt.again {
				t.Errorf("to be read again: got %v, want %v", again, tt.again)
			}
			if again {
				feed(t, a.Builder(), trail(tt.records...))
			}
			res := a.Result().whole()
			if res.Scan.Events != tt.calls || res.Scan.AssumedRoleCalls != tt.calls || res.Scan.Duplicates != tt.duplicates {
				t.Errorf("got %d events, %d calls, %d duplicates, want %d calls and %d duplicates",
					res.Scan.Events, res.Scan.AssumedRoleCalls, res.Scan.Duplicates, tt.calls, tt.duplicates)
			}
		})
	}
}

// TestRetouchedEvidence holds that the correction is what is shown of the two,
// whichever was counted.
func TestRetouchedEvidence(t *testing.T) {
	original := apiCall("c", "10:01:00", as(ours, "deploy", "AKIAIOSFODNN7EXAMPLE", "ASIA1", "10:00:00"))
	retouched := merged(original, rec{"eventID": eventUUID("d"), "addendum": rec{"reason": "UPDATED_DATA", "updatedFields": "resources", "originalEventID": eventUUID("c")}})
	for _, records := range [][]rec{{original, retouched}, {retouched, original}, {retouched}} {
		res := audit(t, Options{}, records...)
		var shown []string
		for _, f := range res.Findings {
			for _, e := range f.Evidence {
				shown = append(shown, e.EventID)
			}
		}
		if !slices.Contains(shown, eventUUID("d")) || slices.Contains(shown, eventUUID("c")) {
			t.Errorf("%d records: the evidence is %q, want %s in it", len(records), shown, eventUUID("d"))
		}
	}
}

// TestFilters holds that the filters change what is reported and nothing else.
func TestFilters(t *testing.T) {
	records := []rec{
		assumes("a", "10:00:00", user(ours, "alice"), ours, "orders", "worker", "ASIA1"), assumes("b", "10:00:00", user(ours, "bob"), ours, "billing", "worker", "ASIA2"),
		apiCall("c", "10:01:00", as(ours, "orders", "worker", "ASIA1", "10:00:00")), apiCall("d", "10:01:00", as(ours, "billing", "worker", "ASIA2", "10:00:00")),
	}
	all := audit(t, Options{}, records...)
	res := audit(t, Options{Role: func(role string) bool { return role == "orders" }}, records...)
	if len(res.Names) != 1 || res.Names[0].RoleName != "orders" || !slices.Equal(rulesOf(res, "worker"), []string{"name-collision"}) {
		t.Errorf("the name beside its namesake: got %+v", res.Names)
	}
	if !reflect.DeepEqual(res.Findings, all.Findings) {
		t.Errorf("the collision is another one when one of its roles is asked for: %+v", res.Findings)
	}
	if len(res.Origins) != 1 || res.Attribution.Calls != 1 || res.Scan.AssumedRoleCalls != 2 {
		t.Errorf("origins %+v, attribution %+v, %d calls read", res.Origins, res.Attribution, res.Scan.AssumedRoleCalls)
	}
	if res = audit(t, Options{Session: func(string) bool { return false }}, records...); len(res.Names)+len(res.Findings)+len(res.Origins) > 0 {
		t.Errorf("nothing was asked for: got %+v", res)
	}
}

// TestCorrectedEvidence holds that an assume event before the window counts as
// AWS corrected it.
func TestCorrectedEvidence(t *testing.T) {
	corrected := assumes("b", "10:00:00", user(ours, "bob"), ours, "deploy", "x", "ASIA1", rec{"addendum": rec{"reason": "UPDATED_DATA", "originalEventID": eventUUID("a")}})
	res := audit(t, Options{Since: time.Date(2026, 11, 20, 10, 0, 30, 0, time.UTC)}, corrected,
		assumes("a", "10:00:00", user(ours, "alice"), ours, "deploy", "x", "ASIA1"),
		apiCall("c", "10:01:00", as(ours, "deploy", "x", "ASIA1", "10:00:00")))
	if got := origins(t, res, "x"); !slices.Equal(got, []string{"iam-user:111122223333/bob proven 1/1"}) {
		t.Errorf("got %q", got)
	}
}

// TestOtherSessions holds that temporary sessions of no role are listed, those
// that were issued before the window too.
func TestOtherSessions(t *testing.T) {
	issues := func(id, name string, caller rec, params, response rec) rec {
		return apiCall(id, "10:00:00", caller, rec{"eventSource": "sts.amazonaws.com", "eventName": name, "requestParameters": params, "responseElements": response})
	}
	alice := user(ours, "alice")
	records := []rec{
		issues("a", "GetFederationToken", alice, rec{"name": "fed"}, rec{"credentials": rec{"accessKeyId": "ASIAF"}, "federatedUser": rec{"arn": "arn:aws:sts::" + ours + ":federated-user/fed", "federatedUserId": ours + ":fed"}}),
		issues("b", "GetSessionToken", alice, nil, rec{"credentials": rec{"accessKeyId": "ASIAS"}}),
		issues("c", "AssumeRoot", as(ours, "admin", "x", "ASIAX", "09:00:00"), rec{"targetPrincipal": theirs}, rec{"credentials": rec{"accessKeyId": "ASIAR"}}),
		issues("d", "GetSessionToken", user(ours, "bob"), nil, rec{"credentials": rec{"accessKeyId": "ASIAU"}}), // never used
		apiCall("e", "10:01:00", rec{"type": "FederatedUser", "principalId": ours + ":fed", "arn": "arn:aws:sts::" + ours + ":federated-user/fed", "accountId": ours, "accessKeyId": "ASIAF",
			"sessionContext": rec{"sessionIssuer": rec{"type": "IAMUser", "arn": alice["arn"]}}}),
		apiCall("f", "10:01:00", merged(alice, rec{"accessKeyId": "ASIAS"})),
		apiCall("g", "10:01:00", rec{"type": "Root", "principalId": theirs, "arn": "arn:aws:iam::" + theirs + ":root", "accountId": theirs, "accessKeyId": "ASIAR"}),
	}
	list := func(opt Options) []string {
		var out []string
		for _, o := range audit(t, opt, records...).Other {
			out = append(out, fmt.Sprintf("%s %s %s issued %d calls %d", o.Kind, o.Principal[strings.LastIndex(o.Principal, "/")+1:], o.Name, o.Issued, o.Calls))
		}
		return out
	}
	want := []string{"AssumeRoot x 444455556666 issued 1 calls 1", "GetFederationToken alice fed issued 1 calls 1", "GetSessionToken alice  issued 1 calls 1", "GetSessionToken bob  issued 1 calls 0"}
	if got := list(Options{}); !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	want = []string{"AssumeRoot x 444455556666 issued 0 calls 1", "GetFederationToken alice fed issued 0 calls 1", "GetSessionToken alice  issued 0 calls 1"}
	if got := list(Options{Since: time.Date(2026, 11, 20, 10, 0, 30, 0, time.UTC)}); !slices.Equal(got, want) {
		t.Errorf("issued before the window: got  %q\nwant %q", got, want)
	}
}

func TestLookback(t *testing.T) {
	at := func(s string) time.Time {
		v, _ := time.Parse(time.RFC3339, "2026-11-20T"+s+"Z")
		return v
	}
	records := []rec{
		assumes("a", "01:00:00", user(ours, "alice"), ours, "hop", "one", "ASIA1"),
		assumes("b", "05:00:00", as(ours, "hop", "one", "ASIA1", "01:00:00"), ours, "deploy", "two", "ASIA2"),
		apiCall("c", "10:01:00", as(ours, "deploy", "two", "ASIA2", "05:00:00")),
	}
	for lookback, want := range map[time.Duration]string{
		5 * time.Hour:    "iam-user:111122223333/alice proven 1/1", // each link looks back from where it was used
		3*time.Hour + 59: "unknown unknown 1/1",
		30 * time.Minute: "unknown unknown 1/1",
	} {
		res := audit(t, Options{Since: at("10:00:00"), Lookback: lookback}, records...)
		if got := origins(t, res, "two"); !slices.Equal(got, []string{want}) {
			t.Errorf("lookback %s: got %q, want %q", lookback, got, want)
		}
	}
}

func TestNeeds(t *testing.T) {
	at := func(s string) time.Time {
		v, _ := time.Parse(time.RFC3339, "2026-11-20T"+s+"Z")
		return v
	}
	root := assumes("a", "04:00:00", user(ours, "alice"), theirs, "hop", "one", "ASIA1", rec{"recipientAccountId": theirs})
	second := assumes("b", "05:00:00", as(theirs, "hop", "one", "ASIA1", "04:00:00"), ours, "deploy", "two", "ASIA2")
	a := NewAudit(Options{Since: at("10:00:00"), Until: at("11:00:00"), Lookback: 12 * time.Hour})
	feed(t, a.Builder(), trail(apiCall("c", "10:01:00", as(ours, "deploy", "two", "ASIA2", "05:00:00"))))

	want := []ingest.Need{{Account: ours, Time: at("05:00:00").Unix(), Key: "ASIA2"}}
	if got := a.Needs(); !slices.Equal(got, want) {
		t.Fatalf("first needs %v, want %v", got, want)
	}
	feed(t, a.EvidenceBuilder(), trail(second))
	want = []ingest.Need{{Account: theirs, Time: at("04:00:00").Unix(), Key: "ASIA1"}}
	if got := a.Needs(); !slices.Equal(got, want) {
		t.Fatalf("needs of the next link %v, want %v", got, want)
	}
	feed(t, a.EvidenceBuilder(), trail(root, root))
	if got := a.Needs(); len(got) > 0 {
		t.Fatalf("needs %v after the root was found", got)
	}
	res := a.Result().whole()
	if got := origins(t, res, "two"); !slices.Equal(got, []string{"iam-user:111122223333/alice proven 1/1"}) {
		t.Errorf("got %q", got)
	}
	if res.Scan.Events != 1 || res.Scan.AssumeEvents != 0 {
		t.Errorf("evidence was counted: %d events, %d assume events", res.Scan.Events, res.Scan.AssumeEvents)
	}
}

// TestOrderAndGrouping holds that any split, order and repetition of the events
// gives the same result.
func TestOrderAndGrouping(t *testing.T) {
	records := mixedTrail()
	want := audit(t, Options{}, records...)
	if len(want.Names) < 5 || want.Scan.Events != int64(len(records))-1 {
		t.Fatalf("the trail says too little to test with: %d names, %d events", len(want.Names), want.Scan.Events)
	}
	rng := rand.New(rand.NewPCG(1, 2))
	for round := range 60 {
		a := NewAudit(Options{})
		if round%2 == 0 {
			a.enough = 2 + rng.IntN(40) // strings, so that a builder hands over every few events
		}
		fill := func() int64 {
			events := slices.Clone(records)
			repeated := int64(0)
			for _, r := range records {
				if rng.IntN(3) == 0 {
					events = append(events, r)
					repeated++
				}
			}
			rng.Shuffle(len(events), func(i, j int) { events[i], events[j] = events[j], events[i] })
			builders := make([]*Builder, 1+rng.IntN(4))
			for i := range builders {
				builders[i] = a.Builder()
			}
			for len(events) > 0 {
				n := 1 + rng.IntN(len(events))
				feed(t, builders[rng.IntN(len(builders))], trail(events[:n]...))
				events = events[n:]
			}
			return repeated
		}
		fill()
		if a.Replay() {
			fill()
		}
		got := a.Result().whole()
		got.Scan.Duplicates = want.Scan.Duplicates
		if !reflect.DeepEqual(got, want) {
			g, _ := json.MarshalIndent(got, "", " ")
			w, _ := json.MarshalIndent(want, "", " ")
			t.Fatalf("round %d gives another result:\n%s", round, firstDifference(string(g), string(w)))
		}
	}
}

func firstDifference(got, want string) string {
	g, w := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range min(len(g), len(w)) {
		if g[i] != w[i] {
			return strings.Join(g[max(0, i-8):min(len(g), i+4)], "\n") + "\n--- want\n" + strings.Join(w[max(0, i-8):min(len(w), i+4)], "\n")
		}
	}
	return "one is longer"
}

// mixedTrail has sessions of many kinds, with copies, corrections, foreign
// copies and candidates, so that the order could matter.
func mixedTrail() []rec {
	shared := func(n string) rec { return rec{"sharedEventID": eventUUID("sh" + n)} }
	var records []rec
	for i := range 8 {
		n := fmt.Sprint(i)
		at := fmt.Sprintf("10:0%d:00", i)
		records = append(records,
			assumes("a"+n, at, user(ours, "user"+n), ours, "deploy", "STRING_VALUE", "ASIAU"+n),
			apiCall("c"+n, "11:00:0"+n, as(ours, "deploy", "STRING_VALUE", "ASIAU"+n, at), rec{"sourceIPAddress": "198.51.100." + n, "userAgent": "aws-cli/2." + n}),
			apiCall("f"+n, "11:00:0"+n, as(ours, "deploy", "STRING_VALUE", "ASIAF"+n, at, rec{"invokedBy": "athena.amazonaws.com"})),
			assumes("b"+n, "11:0"+n+":00", as(ours, "deploy", "STRING_VALUE", "ASIAU"+n, at), theirs, "hop", "job-"+n, "ASIAJ"+n, shared(n), rec{"recipientAccountId": ours}),
			assumes("o"+n, "11:0"+n+":00", rec{"type": "AWSAccount", "principalId": roleID(ours, "deploy") + ":STRING_VALUE", "accountId": ours}, theirs, "hop", "job-"+n, "ASIAJ"+n, shared(n)),
			apiCall("d"+n, "11:1"+n+":00", as(theirs, "hop", "job-"+n, "ASIAJ"+n, "11:0"+n+":00"), rec{"awsRegion": "eu-west-" + n}),
			apiCall("g"+n, "11:2"+n+":00", as(theirs, "hop", "job-"+n, "ASIAJ"+n, "11:0"+n+":00"), shared("g"+n)),
			apiCall("h"+n, "11:2"+n+":00", as(theirs, "hop", "job-"+n, "ASIAJ"+n, "11:0"+n+":00"), shared("g"+n), rec{"recipientAccountId": ours}),
		)
	}
	return append(records,
		apiCall("u", "12:00:00", as(ours, "deploy", "STRING_VALUE", "ASIAU1", "10:01:00"), rec{"errorCode": "Throttling"}),
		apiCall("v", "12:00:00", as(ours, "deploy", "STRING_VALUE", "ASIAU1", "10:01:00"), rec{"addendum": rec{"reason": "UPDATED_DATA", "originalEventID": eventUUID("u")}}),
		apiCall("w", "12:00:00", as(ours, "lost", "nobody-knows", "ASIAX", "10:01:00")),
		rec(apiCall("y", "12:00:00", user(ours, "user1"), rec{"errorCode": "AccessDenied", "eventSource": "sts.amazonaws.com", "eventName": "AssumeRole", "errorMessage": "User: arn:aws:iam::" + ours + ":user/user1 is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::" + ours + ":role/admin"})),
	)
}
