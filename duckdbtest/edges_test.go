//go:build cgo

package duckdbtest

import (
	"compress/gzip"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/trailscan/trailscan/internal/athena"
)

// rec is a record or a part of one.
type rec = map[string]any

const (
	ours   = "111122223333"
	theirs = "444455556666"
)

// with is a record with further members.
func with(parts ...rec) rec {
	all := rec{}
	for _, p := range parts {
		maps.Copy(all, p)
	}
	return all
}

// id is an event id of its own for each n.
func id(n int) string { return fmt.Sprintf("5e0e8a1c-0000-4000-8000-%012x", n) }

// call is a call at a time of 2026-11-20.
func call(n int, at string, identity any, more ...rec) rec {
	return with(append([]rec{{
		"eventVersion": "1.11", "eventID": id(n), "eventTime": "2026-11-20T" + at + "Z", "eventName": "ListBuckets", "eventSource": "s3.amazonaws.com",
		"awsRegion": "eu-west-1", "sourceIPAddress": "203.0.113.7", "userAgent": "aws-cli/2.31", "recipientAccountId": ours,
		"eventType": "AwsApiCall", "eventCategory": "Management", "userIdentity": identity,
	}}, more...)...)
}

// session is the identity of a role session of our account.
func session(role, name, key string, more ...rec) rec {
	return with(append([]rec{{
		"type": "AssumedRole", "principalId": "AROA" + role + ":" + name, "arn": "arn:aws:sts::" + ours + ":assumed-role/" + role + "/" + name,
		"accountId": ours, "accessKeyId": key,
		"sessionContext": rec{
			"sessionIssuer": rec{"type": "Role", "principalId": "AROA" + role, "arn": "arn:aws:iam::" + ours + ":role/app/" + role, "accountId": ours, "userName": role},
			"attributes":    rec{"creationDate": "2026-11-20T10:00:00Z", "mfaAuthenticated": "false"},
		},
	}}, more...)...)
}

func user(name string, more ...rec) rec {
	return with(append([]rec{{
		"type": "IAMUser", "principalId": "AIDA" + name, "arn": "arn:aws:iam::" + ours + ":user/team/" + name, "accountId": ours, "accessKeyId": "AKIA" + name, "userName": name,
	}}, more...)...)
}

// assume is an event that issued a role session.
func assume(n int, at string, identity any, role, name, key string, more ...rec) rec {
	return call(n, at, identity, with(append([]rec{{
		"eventName": "AssumeRole", "eventSource": "sts.amazonaws.com",
		"requestParameters": rec{"roleArn": "arn:aws:iam::" + ours + ":role/app/" + role, "roleSessionName": name, "durationSeconds": 3600},
		"responseElements": rec{
			"credentials":     rec{"accessKeyId": key, "sessionToken": "IQoJb3JpZ2luX2VjE\\/very//secret==", "expiration": "Nov 20, 2026, 11:00:00 AM"},
			"assumedRoleUser": rec{"assumedRoleId": "AROA" + role + ":" + name, "arn": "arn:aws:sts::" + ours + ":assumed-role/" + role + "/" + name},
		},
	}}, more...)...))
}

func corrects(n int) rec {
	return rec{"addendum": rec{"reason": "UPDATED_DATA", "updatedFields": "userAgent", "originalEventID": id(n)}}
}

// edges are the records that are counted or told apart in a way of their own.
func edges() []rec {
	s := session("app", "x", "ASIA1")
	foreign := func(account string, shared int) rec {
		return rec{"recipientAccountId": account, "sharedEventID": id(900 + shared)}
	}
	denied := rec{"eventName": "AssumeRole", "eventSource": "sts.amazonaws.com", "errorCode": "AccessDenied", "requestParameters": nil, "responseElements": nil,
		"errorMessage": "User: arn:aws:iam::" + ours + ":user/team/ann is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::" + theirs + ":role/admin"}
	hostile := "a\"b'c,d;e\\f|g\tü\u2028😀=1+1' OR '1'='1"
	records := []rec{
		assume(1, "10:00:00", user("ann"), "app", "x", "ASIA1"),
		call(2, "10:00:05", s), call(2, "10:00:05", s), call(2, "10:00:05", s), // delivered three times
		call(3, "10:00:05", s, rec{"errorCode": "AccessDenied", "errorMessage": "no"}),
		call(4, "10:00:06", s, rec{"eventTime": "2026-11-20T10:00:06.789Z"}), call(5, "10:00:06", s, rec{"eventTime": "2026-11-20T12:30:06+02:00"}),

		// Corrections: of a call, over midnight, twice, of a correction, of one that came twice.
		call(10, "10:01:00", s, rec{"errorCode": "X"}), call(11, "10:01:00", s, corrects(10)), call(11, "10:01:00", s, corrects(10)),
		call(12, "23:59:59", s, rec{"errorCode": "X"}), call(13, "", s, rec{"eventTime": "2026-11-21T00:00:01Z"}, corrects(12)),
		call(14, "10:02:00", s, rec{"errorCode": "X"}), call(15, "10:02:00", s, corrects(14)), call(16, "10:02:01", s, corrects(14)),
		call(17, "10:03:00", s, rec{"errorCode": "X"}), call(18, "10:03:00", s, rec{"errorCode": "Y"}, corrects(17)), call(19, "10:03:00", s, corrects(18)),
		call(20, "10:04:00", s, corrects(99)), // of what is not there
		call(25, "10:04:01", s), call(26, "10:04:01", s, corrects(25), rec{"addendum": rec{"reason": "UPDATED_DATA", "updatedFields": "responseElements,resources", "originalEventID": id(25)}}),
		call(28, "10:04:02", s, rec{"addendum": rec{"reason": "UPDATED_DATA", "updatedFields": "tlsDetails", "originalEventID": id(27)}}), call(27, "10:04:02", s),
		call(21, "10:04:00", s, rec{"addendum": rec{"reason": "DELIVERY_DELAY", "originalEventID": id(2)}}),
		assume(22, "10:05:00", user("ann"), "fixed", "x", "ASIA22"),
		assume(23, "10:05:00", user("bob"), "fixed", "x", "ASIA22", corrects(22)),
		call(24, "10:05:05", with(session("fixed", "x", "ASIA22"), rec{"sessionContext": rec{"attributes": rec{"creationDate": "20261120T100500Z"}}})),

		// Ids that identify nothing.
		call(0, "10:10:00", s, rec{"eventID": "<eventId>"}), call(0, "10:10:00", s, rec{"eventID": "<eventId>"}), call(0, "10:10:01", s, rec{"eventID": "<eventId>"}),
		call(0, "10:10:00", s, rec{"eventID": "00000000-0000-0000-0000-000000000000"}), call(0, "10:10:00", s, rec{"eventID": "00000000-0000-0000-0000-000000000000"}),
		call(0, "10:10:00", s, rec{"eventID": "some-word"}), call(0, "10:10:00", s, rec{"eventID": "some-word"}),
		call(0, "10:10:00", s, rec{"eventID": "id-7"}), call(0, "10:10:02", s, rec{"eventID": "id-7"}), call(0, "10:10:00", s, rec{"eventID": nil}),
		call(0, "10:10:00", s, rec{"eventID": "AAAABBBB-0000-4000-8000-00000000000A"}),
		assume(0, "10:10:00", user("cat"), "many", "y", "ASIA9", rec{"eventID": "<eventId>"}), assume(0, "10:10:00", user("cat"), "many", "y", "ASIA9", rec{"eventID": "<eventId>"}),

		// Copies in several accounts: with the owner's, without it, twice, with a placeholder.
		call(30, "10:20:00", s, foreign(ours, 1)), call(31, "10:20:00", s, foreign(theirs, 1)),
		call(32, "10:20:01", s, foreign(theirs, 2)), call(33, "10:20:01", s, foreign("777788889999", 2)), call(33, "10:20:01", s, foreign("777788889999", 2)),
		call(34, "10:20:02", s, rec{"recipientAccountId": theirs, "sharedEventID": "<shared>"}),
		call(35, "10:20:03", with(s, rec{"accountId": nil}), foreign(theirs, 3)),

		// Refused, by all kinds of caller.
		call(40, "10:30:00", user("ann"), denied), call(41, "10:30:01", user("ann"), denied), call(42, "10:30:02", s, denied),
		call(43, "10:30:03", rec{}, denied), call(44, "10:30:04", nil, denied), call(45, "10:30:05", rec{"type": "AWSService", "invokedBy": "ec2.amazonaws.com"}, denied),
		call(46, "10:30:06", user("ann"), denied, rec{"requestParameters": rec{"roleArn": "arn:aws:iam::" + theirs + ":role/other", "roleSessionName": "x"}}),
		call(47, "10:30:07", user("ann"), denied, rec{"errorCode": "MalformedPolicyDocument"}),

		// Sessions that are no role's.
		call(50, "10:40:00", user("ann"), rec{"eventName": "GetSessionToken", "eventSource": "sts.amazonaws.com", "responseElements": rec{"credentials": rec{"accessKeyId": "ASIA50"}}}),
		call(51, "10:40:05", user("ann", rec{"accessKeyId": "ASIA50"})), call(52, "10:40:06", user("ann", rec{"accessKeyId": "ASIA50", "invokedBy": "s3.amazonaws.com"})),
		call(53, "10:40:07", user("ann", rec{"accessKeyId": "ASIA50"}), rec{"sessionCredentialFromConsole": "true"}),
		call(54, "10:40:00", user("ann"), rec{"eventName": "GetFederationToken", "eventSource": "sts.amazonaws.com", "requestParameters": rec{"name": "fed"}, "responseElements": rec{"credentials": rec{"accessKeyId": "ASIA54"}, "federatedUser": rec{"arn": "arn:aws:sts::" + ours + ":federated-user/fed"}}}),
		call(55, "10:40:05", rec{"type": "FederatedUser", "principalId": ours + ":fed", "arn": "arn:aws:sts::" + ours + ":federated-user/fed", "accountId": ours, "accessKeyId": "ASIA54", "sessionContext": rec{"sessionIssuer": rec{"type": "IAMUser", "arn": "arn:aws:iam::" + ours + ":user/team/ann"}}}),
		call(56, "10:40:00", s, rec{"eventName": "AssumeRoot", "eventSource": "sts.amazonaws.com", "requestParameters": rec{"targetPrincipal": theirs}, "responseElements": rec{"credentials": rec{"accessKeyId": "ASIA56"}}}),
		call(57, "10:40:05", rec{"type": "Root", "principalId": theirs, "arn": "arn:aws:iam::" + theirs + ":root", "accountId": theirs, "accessKeyId": "ASIA56", "sessionContext": rec{"assumedRoot": "true"}}, rec{"recipientAccountId": theirs}),
		call(58, "10:40:00", user("ann"), rec{"eventName": "GetSessionToken", "eventSource": "sts.amazonaws.com", "errorCode": "X"}),

		// What calls carry of their origin.
		call(60, "10:50:00", session("fn", "worker", "ASIA60", rec{"inScopeOf": rec{"issuerType": "AWS::Lambda::Function", "credentialsIssuedTo": "arn:aws:lambda:eu-west-1:" + ours + ":function:worker"}})),
		call(61, "10:50:00", session("node", "i-0a1b2c3d4e5f60718", "ASIA61", rec{"sessionContext": rec{"ec2RoleDelivery": "2.0", "attributes": rec{"creationDate": "2026-11-20T10:00:00Z"}}})),
		call(62, "10:50:00", session("pool", "CognitoIdentityCredentials", "ASIA62", rec{"sessionContext": rec{"webIdFederationData": rec{"federatedProvider": "cognito-identity.amazonaws.com", "attributes": rec{"cognito-identity.amazonaws.com:amr": "[\"authenticated\"]", "cognito-identity.amazonaws.com:sub": "eu-west-1:" + id(62)}}}})),
		call(63, "10:50:00", session("sid", "z", "ASIA63", rec{"sessionContext": rec{"sourceIdentity": "dora@example.com", "signInSessionArn": "arn:aws:signin:eu-west-1:" + ours + ":session/" + id(63)}})),
		call(64, "10:50:00", session("AWSReservedSSO_Admin_0123456789abcdef", "eve@example.com", "ASIA64", rec{"onBehalfOf": rec{"userId": "u-1", "identityStoreArn": "arn:aws:identitystore::1:identitystore/d-1"}})),
		call(65, "10:50:00", rec{"type": "IdentityCenterUser", "accountId": ours, "userName": "frank", "onBehalfOf": rec{"userId": "u-2"}}, rec{"eventSource": "sso.amazonaws.com", "eventName": "Authenticate"}),
		call(66, "10:50:00", session("app2", "q", "ASIA66", rec{"onBehalfOf": rec{"userId": "u-2"}, "invokedBy": "athena.amazonaws.com"}), rec{"sourceIPAddress": "athena.amazonaws.com", "userAgent": "athena.amazonaws.com"}),
		call(67, "10:50:00", session("console", "gus", "ASIA67"), rec{"eventName": "SwitchRole", "eventSource": "signin.amazonaws.com", "additionalEventData": rec{"SwitchFrom": "arn:aws:iam::" + ours + ":user/team/gus", "RedirectTo": "x"}}),
		call(68, "10:51:00", session("console", "gus", "ASIA68"), rec{"sessionCredentialFromConsole": "true"}),
		call(69, "10:52:00", session("console", "gus", "ASIA69", rec{"sessionContext": rec{"attributes": rec{"creationDate": "2026-11-20T10:00:00Z", "sessionCredentialFromConsole": "true"}}})),
		call(70, "10:50:00", s, rec{"additionalEventData": rec{"AuthenticationMethod": "QueryString", "x": "SwitchFrom"}, "sourceIPAddress": "198.51.100.9"}),
		call(71, "10:50:00", s, rec{"additionalEventData": rec{"AuthenticationMethod": "AuthHeader"}, "vpcEndpointId": "vpce-1", "vpcEndpointAccountId": theirs}),
		call(72, "10:50:00", session("deleg", "d", "ASIA72", rec{"invokedByDelegate": rec{"accountId": theirs}})),
		call(73, "10:50:00", rec{"type": "AWSService", "invokedBy": "pods.eks.amazonaws.com"}, rec{"eventName": "AssumeRoleForPodIdentity", "eventSource": "eks-auth.amazonaws.com", "requestParameters": rec{"clusterName": "blue"}, "errorCode": "AccessDeniedException"}),
		call(74, "10:50:00", session("pods", "eks-blue-web-"+id(74), "ASIA74")),

		call(75, "10:50:00", session("masked", "m", "ASIA75", rec{"arn": "arn***/masked", "sessionContext": rec{"sessionIssuer": rec{"type": "Role", "userName": "masked"}}})),

		// Names that somebody chose with care.
		assume(80, "10:55:00", user(hostile), "evil", hostile, "ASIA80"),
		call(81, "10:55:05", session("evil", hostile, "ASIA80"), rec{"userAgent": hostile, "sourceIPAddress": hostile, "eventSource": hostile}),
		call(82, "10:55:05", session("evil", "two\nlines", "ASIA82")), call(83, "10:55:05", session("evil", "", "ASIA83")),

		// Records that nobody can use, and that are none of a trail's.
		call(90, "10:59:00", s, rec{"eventTime": "yesterday"}), call(91, "10:59:00", s, rec{"eventTime": nil}), call(92, "10:59:00", s, rec{"eventName": ""}),
		call(93, "10:59:00", s, rec{"eventCategory": "Insight"}), call(94, "10:59:00", s, rec{"eventCategory": nil, "eventType": "AwsVpceEvents"}),
		call(95, "10:59:00", s, rec{"eventCategory": "Data", "eventType": "AwsVpceEvents"}), call(96, "10:59:00", rec{"accountId": ours, "invokedBy": "autoscaling.amazonaws.com"}),
		call(97, "10:59:00", rec{"type": "AssumedRole", "accountId": ours}, rec{"sharedEventID": id(902)}), call(98, "10:59:00", nil), call(99, "10:59:00", s, rec{"recipientAccountId": nil}),
	}
	return records
}

// TestEdges holds both ways against each other on records that are counted or
// told apart in a way of their own: all of them, and those of an hour.
func TestEdges(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "AWSLogs", ours, "CloudTrail", "eu-west-1", "2026", "11", "20", ours+"_CloudTrail_eu-west-1_20261120T1105Z_0123456789abcdef.json.gz")
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	file, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	w := gzip.NewWriter(file)
	if err := json.NewEncoder(w).Encode(rec{"Records": edges()}); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	at := func(h, m int) time.Time { return time.Date(2026, 11, 20, h, m, 0, 0, time.UTC) }
	for name, scan := range map[string]athena.Scan{
		"everything":    {},
		"half an hour":  {Since: at(10, 5), Until: at(10, 45), Lookback: 12 * time.Hour},
		"one account":   {Since: at(9, 0), Until: at(23, 0), Lookback: 12 * time.Hour, Accounts: []string{ours}},
		"after it all":  {Since: at(11, 0), Until: at(12, 0), Lookback: 12 * time.Hour},
		"a short while": {Since: at(10, 4), Until: at(10, 6), Lookback: time.Minute},
	} {
		t.Run(name, func(t *testing.T) { compare(t, filepath.Join(dir, "AWSLogs"), athena.Plan{Scan: scan}) })
	}
}
