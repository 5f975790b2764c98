package attribute

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"
)

// TestTricky holds origins where the records leave out, repeat or contradict
// something: what is called proven must be right.
func TestTricky(t *testing.T) {
	foreign := func(principal string) rec {
		return rec{"type": "AWSAccount", "principalId": principal, "accountId": theirs}
	}
	hop := as(theirs, "hop", "bob", "ASIA0", "08:00:00")
	root := assumes("z", "08:00:00", user(theirs, "bob"), theirs, "hop", "bob", "ASIA0")
	owners := func(at string, more ...rec) rec {
		return assumes("o", at, foreign(roleID(theirs, "hop")+":bob"), ours, "audit", "scan", "ASIA1", more...)
	}
	callers := func(at string, more ...rec) rec {
		return assumes("p", at, hop, ours, "audit", "scan", "ASIA1", append([]rec{{"recipientAccountId": theirs}}, more...)...)
	}
	shared := rec{"sharedEventID": eventUUID("s")}
	used := func(created string, more ...rec) rec {
		return apiCall("c", "10:01:00", as(ours, "audit", "scan", "ASIA1", created), more...)
	}
	bob := []string{"iam-user:444455556666/bob proven 1/1"}
	console := rec{"sessionCredentialFromConsole": "true"}

	tests := map[string]struct {
		records []rec
		name    string
		want    []string
	}{
		"copies of other times, shared id":    {[]rec{root, owners("09:00:01", shared), callers("09:00:00", shared), used("09:00:01")}, "scan", bob},
		"copies of other times, joined by it": {[]rec{root, owners("09:00:01", shared), callers("09:00:00", shared), apiCall("c", "10:01:00", as(ours, "audit", "scan", "ASIA9", "09:00:01"), console)}, "scan", bob},
		"copies without a shared id":          {[]rec{root, owners("09:00:00"), callers("09:00:00"), used("09:00:00")}, "scan", bob},
		"copies without a shared id, times":   {[]rec{root, owners("09:00:01"), callers("08:59:59"), used("09:00:00")}, "scan", bob},
		"copies of which one has a shared id": {[]rec{root, owners("09:00:00", shared), callers("09:00:00"), used("09:00:00")}, "scan", bob},
		"the caller's copy alone":             {[]rec{root, callers("09:00:00", shared), used("09:00:00")}, "scan", bob},
		"events that differ in an id that says nothing are one": {
			[]rec{assumes("a", "10:00:00", user(ours, "alice"), ours, "deploy", "x", "ASIA1", rec{"eventID": "<eventId>"}), assumes("b", "10:00:00", user(ours, "alice"), ours, "deploy", "x", "ASIA1", rec{"eventID": "<eventId>"}),
				apiCall("c", "10:01:00", as(ours, "deploy", "x", "ASIA1", "10:00:00"))},
			"x", []string{"iam-user:111122223333/alice proven 1/1"},
		},
		"a shared id that says nothing makes no copies": {
			[]rec{assumes("a", "10:00:00", user(ours, "alice"), ours, "deploy", "x", "REDACTED", rec{"sharedEventID": "shared-1"}), assumes("b", "11:00:00", user(ours, "bob"), ours, "deploy", "x", "REDACTED", rec{"sharedEventID": "shared-1"}),
				apiCall("c", "10:01:00", as(ours, "deploy", "x", "REDACTED", "10:00:00")), apiCall("d", "11:01:00", as(ours, "deploy", "x", "REDACTED", "11:00:00"))},
			"x", []string{"iam-user:111122223333/alice proven 1/1", "iam-user:111122223333/bob proven 1/1"},
		},
		"a key that many sessions have proves nothing without a time": {
			[]rec{assumes("a", "10:00:00", user(ours, "alice"), ours, "deploy", "x", "REDACTED"), assumes("b", "10:00:00", user(ours, "bob"), ours, "other", "y", "REDACTED"),
				apiCall("c", "10:01:00", inContext(as(ours, "deploy", "x", "REDACTED", ""), rec{"attributes": rec{}}))},
			"x", []string{"iam-user:111122223333/alice inferred 1/1"},
		},
		"nor at another second": {
			[]rec{assumes("a", "10:00:00", user(ours, "alice"), ours, "deploy", "x", "REDACTED"), assumes("b", "10:00:00", user(ours, "bob"), ours, "other", "y", "REDACTED"),
				apiCall("c", "10:01:00", as(ours, "deploy", "x", "REDACTED", "10:00:01"))},
			"x", []string{"iam-user:111122223333/alice inferred 1/1"},
		},
		"a unique key without a time does": {
			[]rec{assumes("a", "10:00:00", user(ours, "alice"), ours, "deploy", "x", "ASIA1"),
				apiCall("c", "10:01:00", inContext(as(ours, "deploy", "x", "ASIA1", ""), rec{"attributes": rec{}}))},
			"x", []string{"iam-user:111122223333/alice proven 1/1"},
		},
		"an event whose own session is known is no other's": {
			[]rec{assumes("a", "10:00:00", user(ours, "alice"), ours, "deploy", "x", "ASIA1"),
				apiCall("c", "10:01:00", as(ours, "deploy", "x", "ASIA1", "10:00:00")),
				apiCall("d", "10:01:00", as(ours, "deploy", "x", "ASIA2", "10:00:01"))},
			"x", []string{"iam-user:111122223333/alice proven 1/1", "unknown unknown 1/1"},
		},
		"a circle has no root": {
			[]rec{assumes("a", "10:00:00", as(ours, "one", "x", "ASIA1", "10:00:01"), ours, "two", "y", "ASIA2"),
				assumes("b", "10:00:01", as(ours, "two", "y", "ASIA2", "10:00:00"), ours, "one", "x", "ASIA1")},
			"x", []string{"unknown unknown 1/1"},
		},
		"a session does not open itself": {
			[]rec{assumes("a", "10:00:00", as(ours, "one", "x", "ASIA1", "10:00:00"), ours, "one", "x", "ASIA1")},
			"x", []string{"unknown unknown 1/1"},
		},
		"a session that assumes its own role in its first second, with keys replaced": {
			[]rec{assumes("a", "10:00:00", user(ours, "alice"), ours, "one", "x", "REDACTED"),
				assumes("b", "10:00:00", as(ours, "one", "x", "REDACTED", "10:00:00"), ours, "one", "x", "REDACTED")},
			"x", []string{"iam-user:111122223333/alice proven 1/1"},
		},
		"an id that stands for two users names neither": {
			[]rec{assumes("a", "10:00:00", foreign("AIDAEXAMPLE"), ours, "audit", "scan", "ASIA1"), used("10:00:00"),
				apiCall("x", "09:00:00", merged(user(theirs, "carol"), rec{"principalId": "AIDAEXAMPLE"})),
				apiCall("y", "09:00:00", merged(user(theirs, "dave"), rec{"principalId": "AIDAEXAMPLE"}))},
			"scan", []string{"unknown unknown 1/1"},
		},
		"an id that stands for two roles names neither": {
			[]rec{assumes("a", "10:00:00", foreign("AROAEXAMPLE:s"), ours, "audit", "scan", "ASIA1"), used("10:00:00"),
				apiCall("x", "09:00:00", roleWithID("one", "AROAEXAMPLE")), apiCall("y", "09:00:00", roleWithID("two", "AROAEXAMPLE"))},
			"scan", []string{"external:444455556666/AROAEXAMPLE recorded 1/1"},
		},
		"a service that is not named is no origin": {
			[]rec{assumes("a", "10:00:00", rec{"type": "AWSService"}, ours, "deploy", "x", "ASIA1", rec{"userAgent": "curl/8"}),
				apiCall("c", "10:01:00", as(ours, "deploy", "x", "ASIA1", "10:00:00"))},
			"x", []string{"unknown unknown 1/1"},
		},
		"a domain that ends like AWS's is none of AWS's": {
			[]rec{assumes("a", "10:00:00", service("lambda.not-amazonaws.com"), ours, "deploy", "x", "ASIA1"),
				apiCall("c", "10:01:00", as(ours, "deploy", "x", "ASIA1", "10:00:00"))},
			"x", []string{"service:111122223333/lambda.not-amazonaws.com proven 1/1"},
		},
		"an app that works for a person is the origin": {
			[]rec{assumes("a", "10:00:00", as(ours, "AWSReservedSSO_A_0123456789abcdef", "jane", "ASIA0", "09:00:00"), ours, "deploy", "x", "ASIA1"),
				apiCall("c", "10:01:00", as(ours, "deploy", "x", "ASIA1", "10:00:00", rec{"onBehalfOf": rec{"userId": "u-1"}}))},
			"x", []string{"sso:jane recorded 1/1"},
		},
		"a person's id is named by the sessions that show both": {
			[]rec{apiCall("b", "09:01:00", as(ours, "AWSReservedSSO_A_0123456789abcdef", "jane", "ASIA0", "09:00:00", rec{"onBehalfOf": rec{"userId": "u-1"}})),
				apiCall("c", "10:01:00", as(ours, "deploy", "x", "ASIA1", "10:00:00", rec{"onBehalfOf": rec{"userId": "u-1"}}))},
			"x", []string{"sso:jane recorded 1/1"},
		},
		"a switch names the foreign id": {
			[]rec{assumes("a", "10:00:00", foreign("AIDABOB"), ours, "admin", "bob", "ASIA1"),
				apiCall("c", "10:00:00", as(ours, "admin", "bob", "ASIA2", "10:00:00"), rec{"eventSource": "signin.amazonaws.com", "eventName": "SwitchRole", "additionalEventData": rec{"SwitchFrom": "arn:aws:iam::" + theirs + ":user/bob"}})},
			"bob", []string{"iam-user:444455556666/bob recorded 1/1"},
		},
		"a pod without tags, of a cluster of one word": {
			pod("eks-prod-cart-7c9f6d5b8-bcdfg-0b8e2a4c-1d2e-4f3a-8b9c-0d1e2f3a4b5c"),
			"eks-prod-cart-7c9f6d5b8-bcdfg-0b8e2a4c-1d2e-4f3a-8b9c-0d1e2f3a4b5c", []string{"eks:111122223333/prod/cart proven 1/1"},
		},
		"a pod without tags, whose cluster may end in two places": {
			pod("eks-prod-eu-cart-7c9f6d5b8-bcdfg-0b8e2a4c-1d2e-4f3a-8b9c-0d1e2f3a4b5c"),
			"eks-prod-eu-cart-7c9f6d5b8-bcdfg-0b8e2a4c-1d2e-4f3a-8b9c-0d1e2f3a4b5c", []string{"eks:111122223333/prod/eu-cart inferred 1/1"},
		},
		"nor does a request that was refused": {
			append(pod("eks-prod-eu-cart-7c9f6d5b8-bcdfg-0b8e2a4c-1d2e-4f3a-8b9c-0d1e2f3a4b5c"),
				apiCall("n", "09:00:00", user(ours, "mallory"), rec{"eventSource": "eks-auth.amazonaws.com", "eventName": "AssumeRoleForPodIdentity", "errorCode": "InvalidParameterException", "requestParameters": rec{"clusterName": "prod-eu"}})),
			"eks-prod-eu-cart-7c9f6d5b8-bcdfg-0b8e2a4c-1d2e-4f3a-8b9c-0d1e2f3a4b5c", []string{"eks:111122223333/prod/eu-cart inferred 1/1"},
		},
		"a caller's own tag makes no cluster": {
			append(pod("eks-prod-eu-cart-7c9f6d5b8-bcdfg-0b8e2a4c-1d2e-4f3a-8b9c-0d1e2f3a4b5c"),
				assumes("m", "09:00:00", user(ours, "mallory"), ours, "cart", "x", "ASIA2", rec{"requestParameters": rec{"roleArn": "arn:aws:iam::" + ours + ":role/cart", "roleSessionName": "x",
					"tags": []rec{{"key": "eks-cluster-name", "value": "prod-eu"}}}})),
			"eks-prod-eu-cart-7c9f6d5b8-bcdfg-0b8e2a4c-1d2e-4f3a-8b9c-0d1e2f3a4b5c", []string{"eks:111122223333/prod/eu-cart inferred 1/1"},
		},
		"a pod without tags, of a cluster that is known": {
			append(pod("eks-prod-eu-cart-7c9f6d5b8-bcdfg-0b8e2a4c-1d2e-4f3a-8b9c-0d1e2f3a4b5c"),
				apiCall("n", "09:00:00", user(ours, "node"), rec{"eventSource": "eks-auth.amazonaws.com", "eventName": "AssumeRoleForPodIdentity", "requestParameters": rec{"clusterName": "prod-eu"}})),
			"eks-prod-eu-cart-7c9f6d5b8-bcdfg-0b8e2a4c-1d2e-4f3a-8b9c-0d1e2f3a4b5c", []string{"eks:111122223333/prod-eu/cart proven 1/1"},
		},
		"of a token or of an instance: neither is picked": {
			[]rec{apiCall("c", "10:01:00", inContext(as(ours, "deploy", "x", "ASIA1", "10:00:00"), tokenAtInstance))},
			"x", []string{"unknown unknown 1/1"},
		},
		"nor for what such a session assumed": {
			[]rec{assumes("a", "10:00:00", inContext(as(ours, "deploy", "x", "ASIA1", "10:00:00"), tokenAtInstance), ours, "admin", "y", "ASIA2"),
				apiCall("c", "10:01:00", as(ours, "admin", "y", "ASIA2", "10:00:00"))},
			"y", []string{"role:111122223333/deploy recorded 1/1"},
		},
		"nor where the token has a subject": {
			[]rec{apiCall("c", "10:01:00", inContext(as(ours, "deploy", "x", "ASIA1", "10:00:00"), merged(tokenAtInstance, rec{"webIdFederationData": rec{"federatedProvider": "https://idp.example.com", "attributes": rec{"idp.example.com:sub": "nightly"}}})))},
			"x", []string{"unknown unknown 1/1"},
		},
		"an assume event that such calls contradict proves nothing": {
			[]rec{assumes("a", "10:00:00", user(ours, "alice"), ours, "deploy", "x", "ASIA1"),
				apiCall("c", "10:01:00", inContext(as(ours, "deploy", "x", "ASIA1", "10:00:00"), tokenAtInstance))},
			"x", []string{"iam-user:111122223333/alice inferred 1/1"},
		},
		"a switch from a role on the way does not contradict": {
			[]rec{assumes("a", "10:00:00", user(ours, "alice"), ours, "hop", "alice", "ASIA1"),
				apiCall("b", "10:00:30", as(ours, "hop", "alice", "ASIA1", "10:00:00")), apiCall("d", "10:00:30", as(ours, "hop", "alice", "ASIA5", "10:00:10")),
				assumes("e", "10:01:00", as(ours, "hop", "alice", "ASIA1", "10:00:00"), ours, "admin", "boss", "ASIA2"),
				apiCall("c", "10:01:00", as(ours, "admin", "boss", "ASIA2", "10:01:00"), rec{"eventSource": "signin.amazonaws.com", "eventName": "SwitchRole", "additionalEventData": rec{"SwitchFrom": "arn:aws:sts::" + ours + ":assumed-role/hop/alice"}})},
			"boss", []string{"iam-user:111122223333/alice proven 1/1"},
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

// tokenAtInstance is what cannot be of one session: a web identity's token opened
// it, and the metadata service of an instance handed it out.
var tokenAtInstance = rec{"webIdFederationData": rec{"federatedProvider": "https://idp.example.com"}, "ec2RoleDelivery": "2.0"}

// pod is a session of EKS Pod Identity, without tags, and a call of it.
func pod(name string) []rec {
	return []rec{assumes("a", "10:00:00", service("pods.eks.amazonaws.com"), ours, "cart", name, "ASIA1"), apiCall("c", "10:01:00", as(ours, "cart", name, "ASIA1", "10:00:00"))}
}

func roleWithID(role, id string) rec {
	s := as(theirs, role, "s", "ASIAX", "08:00:00")
	s["principalId"] = id + ":s"
	s["sessionContext"].(rec)["sessionIssuer"].(rec)["principalId"] = id
	return merged(s, rec{"accountId": ours}) // seen in our log, so that theirs counts as not read
}

// TestLongChain holds that a role which assumes itself over and over is followed
// to its root, however often, and that its chain stays short to show.
func TestLongChain(t *testing.T) {
	const links = 20_000
	start := time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC)
	a := NewAudit(Options{})
	b := a.Builder()
	for from := 0; from < links; from += 1000 {
		var records []rec
		for i := from; i < from+1000; i++ {
			at := start.Add(time.Duration(i) * time.Second)
			caller := user(ours, "alice")
			if i > 0 {
				caller = as(ours, "loop", "x", fmt.Sprint("ASIA", i-1), at.Add(-time.Second).Format("15:04:05"))
			}
			records = append(records, assumes(fmt.Sprint(i), at.Format("15:04:05"), caller, ours, "loop", "x", fmt.Sprint("ASIA", i)))
		}
		feed(t, b, trail(records...))
	}
	res := a.Result().whole()
	if got, want := origins(t, res, "x"), fmt.Sprintf("iam-user:111122223333/alice proven %d/%d", links-1, links-1); !slices.Equal(got, []string{want}) {
		t.Errorf("got %q, want %q", got, want)
	}
	for _, s := range a.resolver().sessions {
		if s.state == resolved {
			t.Fatal("a resolver was used twice")
		}
	}
	r := a.resolver()
	r.resolveAll()
	for _, s := range r.sessions {
		chain, evidence := r.chain(s), r.tell(s).evidence
		if len(chain) > maxChain || chain[0].Principal != "arn:aws:iam::"+ours+":user/alice" || len(evidence) > maxEvidence {
			t.Fatalf("%d links from %s, %d pieces of evidence", len(chain), chain[0].Principal, len(evidence))
		}
	}
}

// TestLookbackFollowsUse holds that how far assume events are believed does not
// depend on the names of the sessions that they led to.
func TestLookbackFollowsUse(t *testing.T) {
	for _, child := range []string{"aaa", "zzz"} {
		records := []rec{
			assumes("a", "01:00:00", user(ours, "alice"), ours, "hop", "mmm", "ASIA1"),
			assumes("b", "07:00:00", as(ours, "hop", "mmm", "ASIA1", "01:00:00"), ours, child, child, "ASIA2"),
			apiCall("c", "10:01:00", as(ours, child, child, "ASIA2", "07:00:00")),
			apiCall("d", "10:01:00", as(ours, "hop", "mmm", "ASIA1", "01:00:00")),
		}
		res := audit(t, Options{Since: time.Date(2026, 11, 20, 10, 0, 0, 0, time.UTC), Lookback: 7 * time.Hour}, records...)
		for _, name := range []string{child, "mmm"} {
			if got := origins(t, res, name); !slices.Equal(got, []string{"iam-user:111122223333/alice proven 1/1"}) {
				t.Errorf("%s beside %s: got %q", name, child, got)
			}
		}
	}
}

// TestOrderOfPlaceholders holds that events which only their content tells apart
// give the same result in any order.
func TestOrderOfPlaceholders(t *testing.T) {
	hidden := rec{"eventID": "<eventId>"}
	records := []rec{apiCall("c", "10:01:00", as(ours, "admin", "x", "ASIA9", "10:00:00"), hidden, rec{"sessionCredentialFromConsole": "true"})}
	for _, name := range []string{"alice", "bob", "carol", "dave", "erin", "frank"} {
		records = append(records, assumes("a", "10:00:00", user(ours, name), ours, "admin", "x", "ASIA1", hidden))
		records = append(records, apiCall("d", "10:02:00", as(ours, "admin", "y", "ASIA8", "10:00:00", rec{"invokedBy": name + ".amazonaws.com"}), hidden))
	}
	want := audit(t, Options{}, records...)
	for range 20 {
		rand.Shuffle(len(records), func(i, j int) { records[i], records[j] = records[j], records[i] })
		if got := audit(t, Options{}, records...); !reflect.DeepEqual(got, want) {
			t.Fatalf("another order gives another result: %+v, want %+v", got.Names, want.Names)
		}
	}
}

// TestManyInOneSecond holds that sessions of one name which began in one second
// are told apart by their keys, and that none is picked where the keys do not
// tell, however many there are.
func TestManyInOneSecond(t *testing.T) {
	const n = 2 * maxCandidates
	var match, others []rec
	for i := range n {
		a := assumes(fmt.Sprint("a", i), "10:00:00", user(ours, "alice"), ours, "deploy", "x", fmt.Sprint("ASIA", i))
		match = append(match, a, apiCall(fmt.Sprint("c", i), "10:01:00", as(ours, "deploy", "x", fmt.Sprint("ASIA", i), "10:00:00")))
		others = append(others, a, apiCall(fmt.Sprint("c", i), "10:01:00", as(ours, "deploy", "x", fmt.Sprint("ASIB", i), "10:00:00")))
	}
	if got := origins(t, audit(t, Options{}, match...), "x"); !slices.Equal(got, []string{fmt.Sprintf("iam-user:111122223333/alice proven %d/%d", n, n)}) {
		t.Errorf("keys match: got %q", got)
	}
	if got := origins(t, audit(t, Options{}, others...), "x"); !slices.Equal(got, []string{fmt.Sprintf("unknown unknown %d/%d", n, n)}) {
		t.Errorf("keys do not match: got %q", got)
	}
}
