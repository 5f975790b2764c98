package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"
)

// What somebody may put where a log lets them choose.
var hostileTexts = []string{
	"\x1b[2J\x1b]0;owned\x07", "\u009b31m", "user\u202egnp.exe", "\u2066x\u2069", "pay\u200bpal\ufeff", "two\r\nlines\ttab", "nul\x00byte",
	"=cmd|' /C calc'!A0", "+1+1", "@SUM(A1)", "<script>alert(1)</script>", "</script><!--", "| a | `b` |", "[x](javascript:alert(1))",
	"::error::owned", "\n::error::owned", "##[error]owned", "##vso[task.setvariable variable=x]y", "../../etc/passwd", "\u2028\u2029", "$(id) `id` ;id", "%s%n%x", "",
}

// binary runs the program as a process.
func binary(t *testing.T, stdin string, args ...string) (status int, stdout, stderr string) {
	t.Helper()
	return runBinary(t, stdin, append([]string{"trailscan"}, args...)...)
}

func runBinary(t *testing.T, stdin string, line ...string) (status int, stdout, stderr string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, line[0], line[1:]...)
	cmd.Stdin = strings.NewReader(stdin)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	if ctx.Err() != nil {
		t.Fatalf("%q does not end", line)
	}
	if cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), out.String(), errs.String()
}

// inert fails if a terminal or a build system would obey a text.
func inert(t *testing.T, what, text string) {
	t.Helper()
	if !utf8.ValidString(text) {
		t.Errorf("%s: no UTF-8", what)
	}
	for _, r := range text {
		if r != '\n' && unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp) {
			t.Errorf("%s: %U stands in the open", what, r)
			break
		}
	}
	for line := range strings.Lines(text) {
		if strings.HasPrefix(strings.TrimSpace(line), "::") || strings.Contains(line, "##[") || strings.Contains(line, "##vso[") {
			t.Errorf("%s: a command: %.200q", what, line)
		}
	}
}

// hostileLog is a log with each of the texts in every member of records that
// somebody can choose.
func hostileLog(t *testing.T) []byte {
	t.Helper()
	var records []map[string]any
	flat := func(s string) string { return strings.ReplaceAll(s, "/", "") }
	for i, s := range hostileTexts {
		role, name := "role"+s, "name"+s
		if i%2 == 1 {
			role, name = s+"role", s+"name"
		}
		arn, key := "arn:aws:sts::111122223333:assumed-role/"+flat(role)+"/"+flat(name), fmt.Sprintf("ASIAEXAMPLE%09d", i)
		add := func(more map[string]any) {
			r := map[string]any{
				"eventID": fmt.Sprintf("5e0e8a1c-2222-4c5e-9d57-%012d", len(records)), "eventVersion": s, "eventTime": "2026-11-20T08:00:00Z",
				"awsRegion": "eu-west-1" + s, "recipientAccountId": "111122223333", "userAgent": s, "sourceIPAddress": s, "eventType": "AwsApiCall",
				"errorMessage": s, "vpcEndpointId": s, "requestID": s, s: s,
			}
			maps.Copy(r, more)
			records = append(records, r)
		}
		user := map[string]any{"type": "IAMUser", "userName": s, "arn": "arn:aws:iam::111122223333:user/" + s, "principalId": "AIDA" + s, "accountId": "111122223333"}
		add(map[string]any{
			"eventName": "AssumeRole", "eventSource": "sts.amazonaws.com", "userIdentity": user,
			"requestParameters": map[string]any{"roleArn": "arn:aws:iam::111122223333:role/" + flat(role), "roleSessionName": name, "sourceIdentity": s, "externalId": s, "tags": []any{map[string]any{"key": s, "value": s}}},
			"responseElements":  map[string]any{"credentials": map[string]any{"accessKeyId": key}, "assumedRoleUser": map[string]any{"assumedRoleId": "AROAEXAMPLE:" + name, "arn": arn}},
		})
		add(map[string]any{
			"eventName": "Get" + s, "eventSource": "s3" + s + ".amazonaws.com", "errorCode": "Denied" + s,
			"userIdentity": map[string]any{
				"type": "AssumedRole", "principalId": "AROAEXAMPLE:" + name, "arn": arn, "accountId": "111122223333", "accessKeyId": key, "invokedBy": s,
				"sessionContext": map[string]any{
					"sessionIssuer":  map[string]any{"type": "Role", "arn": "arn:aws:iam::111122223333:role/" + role, "principalId": "AROAEXAMPLE", "accountId": s},
					"attributes":     map[string]any{"creationDate": "2026-11-20T08:00:00Z", "mfaAuthenticated": s},
					"sourceIdentity": s, "webIdFederationData": map[string]any{"federatedProvider": s},
				},
			},
		})
		// Those who are no user of IAM: other providers, services, functions.
		const github = "arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com"
		for n, caller := range []map[string]any{
			{"eventName": "AssumeRoleWithWebIdentity", "userIdentity": map[string]any{"type": "WebIdentityUser", "principalId": github + ":sts.amazonaws.com:repo:acme/" + s + ":ref", "userName": "repo:acme/" + s + ":ref", "identityProvider": github}},
			{"eventName": "AssumeRoleWithSAML", "userIdentity": map[string]any{"type": "SAMLUser", "principalId": s + ":" + s, "userName": s, "identityProvider": s}},
			{"eventName": "AssumeRole", "userIdentity": map[string]any{"type": "AWSService", "invokedBy": "pods.eks.amazonaws.com"}},
			{"eventName": "AssumeRole", "errorCode": s, "userIdentity": map[string]any{"type": "Root"}}, // so that the calls tell
			{"eventName": "AssumeRole", "userIdentity": map[string]any{"type": "AWSAccount", "principalId": "AROAOTHER:" + s, "accountId": "999999999999"}},
		} {
			key, name := fmt.Sprintf("ASIAEXAMPLE%d%08d", n+1, i), fmt.Sprintf("%s%d", name, n)
			arn := "arn:aws:sts::111122223333:assumed-role/" + flat(role) + "/" + flat(name)
			caller["eventSource"] = "sts.amazonaws.com"
			caller["requestParameters"] = map[string]any{
				"roleArn": "arn:aws:iam::111122223333:role/" + flat(role), "roleSessionName": name, "principalArn": s, "clusterName": s, "targetPrincipal": s, "principalTags": map[string]any{s: s},
				"tags": []any{map[string]any{"key": "eks-cluster-name", "value": s}, map[string]any{"key": "kubernetes-namespace", "value": s}, map[string]any{"key": "kubernetes-service-account", "value": s}},
			}
			caller["responseElements"] = map[string]any{"credentials": map[string]any{"accessKeyId": key}, "assumedRoleUser": map[string]any{"assumedRoleId": "AROAEXAMPLE:" + name, "arn": arn}, "subjectFromWebIdentityToken": "repo:acme/" + s + ":ref", "provider": s, "audience": s, "subject": s, "issuer": s, "nameQualifier": s}
			add(caller)
			session := map[string]any{
				"type": "AssumedRole", "principalId": "AROAEXAMPLE:" + name, "arn": arn, "accountId": "111122223333", "accessKeyId": key,
				"sessionContext": map[string]any{"attributes": map[string]any{"creationDate": "2026-11-20T08:00:00Z"}},
			}
			if caller["errorCode"] != nil {
				session["inScopeOf"] = map[string]any{"issuerType": "AWS::Lambda::Function", "credentialsIssuedTo": "arn:aws:lambda:eu-west-1:111122223333:function:f" + flat(s)}
			} else {
				session["onBehalfOf"] = map[string]any{"userId": s, "identityStoreArn": s}
			}
			add(map[string]any{"eventName": "PutObject", "eventSource": "s3.amazonaws.com", "userIdentity": session})
		}
		add(map[string]any{
			"eventName": "AssumeRole", "eventSource": "sts.amazonaws.com", "errorCode": s + "Denied", "userIdentity": user,
			"requestParameters": map[string]any{"roleArn": "arn:aws:iam::111122223333:role/" + role},
		})
	}
	log, err := json.Marshal(map[string]any{"Records": records})
	if err != nil {
		t.Fatal(err)
	}
	return log
}

// TestHostileLog reads such a log in every way, beside files whose names are as
// bad and that cannot be read.
func TestHostileLog(t *testing.T) {
	dir := t.TempDir()
	log := filepath.Join(dir, "log.json")
	files := map[string][]byte{log: hostileLog(t)}
	if runtime.GOOS != "windows" {
		for _, s := range hostileTexts {
			files[filepath.Join(dir, strings.NewReplacer("/", "", "\x00", "").Replace(s)+".json")] = []byte(`{"Records":[{` + s)
		}
	}
	for name, body := range files {
		if err := os.WriteFile(name, body, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	views := map[string][]string{"table": {"", "summary", "names", "origins", "findings", "sessions"}}
	views["csv"] = views["table"][1:]
	for _, format := range formatNames() {
		list := views[format]
		if list == nil {
			list = []string{""}
		}
		for _, view := range list {
			args := []string{dir, "--format", format, "--top", "0", "--progress", "always", "--log-level", "debug"}
			if view != "" {
				args = append(args, "--view", view)
			}
			what := strings.TrimSpace(format + " " + view)
			status, stdout, stderr := binary(t, "", args...)
			if len(files) > 1 && status != exitIncomplete || stdout == "" {
				t.Errorf("%s: exit status %d: %s", what, status, stderr)
			}
			stdout = strings.ReplaceAll(stdout, "\r\n", "\n") // as CSV ends its lines
			inert(t, what, stdout)
			inert(t, what+" on standard error", stderr)
			for line := range strings.Lines(stderr) {
				if !strings.HasPrefix(line, "trailscan: ") {
					t.Errorf("%s: a line that is not the program's: %q", what, line)
				}
			}
			if format == "json" { // or else what follows looks at nothing
				for _, kind := range []string{"iam-user", "github-actions", "saml", "eks", "external", "lambda"} {
					if !strings.Contains(stdout, `"kind": "`+kind+`"`) {
						t.Errorf("%s: no origin of the kind %s", what, kind)
					}
				}
			}
			if format == "html" && strings.Contains(stdout, "<script>alert") {
				t.Errorf("%s: a script", what)
			}
			if format == "csv" {
				for cell := range strings.SplitSeq(strings.ReplaceAll(stdout, "\n", ","), ",") {
					if cell = strings.TrimPrefix(cell, `"`); cell != "" && strings.ContainsAny(cell[:1], "=+-@\t\r") {
						t.Errorf("%s: a formula: %q", what, cell)
					}
				}
			}
		}
	}
	for _, format := range []string{"table", "json"} {
		_, stdout, stderr := binary(t, "", "policy", dir, "--format", format)
		inert(t, "policy "+format, stdout)
		inert(t, "policy on standard error", stderr)
		if !strings.Contains(stdout, "sts:") {
			t.Errorf("policy %s: %s%s", format, stdout, stderr)
		}
		for i, s := range hostileTexts {
			if i%2 == 1 || strings.Contains(s, "\x00") {
				continue // no argument of a process
			}
			_, stdout, stderr := binary(t, "", "explain", log, "--session", "name"+s, "--format", format)
			inert(t, "explain "+format, stdout)
			inert(t, "explain on standard error", stderr)
		}
	}
}

// What is mistyped comes back in a message, and obeys nobody.
func TestHostileArguments(t *testing.T) {
	for name, value := range map[string]string{
		"AWS_CONFIG_FILE": os.DevNull, "AWS_SHARED_CREDENTIALS_FILE": os.DevNull, "AWS_EC2_METADATA_DISABLED": "true", "AWS_MAX_ATTEMPTS": "1",
		"AWS_ENDPOINT_URL": "http://127.0.0.1:1", "AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "AKIAEXAMPLE000000009", "AWS_SECRET_ACCESS_KEY": "an-example-secret",
	} {
		t.Setenv(name, value)
	}
	for _, s := range hostileTexts {
		for _, args := range [][]string{
			{s}, {"--bucket", s}, {"--role", s, "log.json"}, {"--region", s, "x"}, {"--config", s, "x"}, {"--format", s, "x"}, {"--" + s}, {"s3://" + s},
			{"explain", s}, {"-o", s, "x"}, {"--baseline", s, "x"}, {"--since", s, "x"},
		} {
			var stdout, stderr strings.Builder
			c := &clock{now: noon, ticks: make(chan time.Time)}
			status := run(t.Context(), process{
				args: args, stdin: strings.NewReader(""), stdout: &stdout, stderr: &stderr,
				getenv: func(string) string { return "" }, now: func() time.Time { return noon }, every: c.every,
			})
			if status == exitOK || stdout.Len() > 0 {
				t.Errorf("%q: exit status %d, %q", args, status, stdout.String())
			}
			inert(t, fmt.Sprintf("%q", args), stderr.String())
		}
	}
}

// TestHostileJSON: what JSON allows and nobody writes costs neither the other
// records nor time.
func TestHostileJSON(t *testing.T) {
	record := func(more string) string {
		return `{` + more + `"eventID":"5e0e8a1c-2222-4c5e-9d57-000000000001","eventTime":"2026-11-20T08:00:00Z","eventName":"GetObject","eventSource":"s3.amazonaws.com","awsRegion":"eu-west-1","recipientAccountId":"111122223333","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:nightly","arn":"arn:aws:sts::111122223333:assumed-role/batch/nightly","accountId":"111122223333","accessKeyId":"ASIAEXAMPLE000000001"}}`
	}
	// Keys of parts that weak hashes do not tell apart, many of them.
	var keys strings.Builder
	parts := []string{"AaAa", "AaBB", "BBAa", "BBBB"}
	for i := range 200_000 {
		keys.WriteByte('"')
		for n := range 9 {
			keys.WriteString(parts[i>>(2*n)&3])
		}
		fmt.Fprintf(&keys, `":%d,`, i)
	}
	digits := strings.Repeat("9", 10_000)
	for _, tt := range []struct {
		name, log string
		status    int
		want      string
	}{
		{"numbers of 10,000 digits", `{"Records":[` + record(`"requestParameters":{"limit":`+digits+`,"e":1e`+digits+`,"durationSeconds":`+digits+`},"additionalEventData":{"x":-0.`+digits+`},`) + `]}`, exitOK, `"events": 1,`},
		{"a time of 10,000 digits", `{"Records":[` + record("") + `,` + strings.Replace(record(""), `"2026-11-20T08:00:00Z"`, digits, 1) + `]}`, exitIncomplete, `"events": 1,`},
		{"200,000 keys", `{"Records":[` + record(keys.String()) + `]}`, exitOK, `"events": 1,`},
		{"200,000 keys around the records", `{` + keys.String() + `"Records":[` + record("") + `]}`, exitOK, `"events": 1,`},
		{"one key 200,000 times", `{"Records":[` + record(strings.Repeat(`"a":1,`, 200_000)) + `]}`, exitOK, `"events": 1,`},
		{"duplicate members, of which the last counts", `{"Records":[` + record(`"eventID":"x","eventTime":"1999-01-01T00:00:00Z","userIdentity":{"type":"Root"},`) + `]}`, exitOK, `"sessionName": "nightly"`},
		{"escaped member names", `{"R\u0065cords":[` + strings.Replace(record(""), `"eventTime"`, `"event\u0054ime"`, 1) + `]}`, exitOK, `"events": 1,`},
		{"a NUL in a string, escaped", `{"Records":[` + strings.ReplaceAll(record(""), "nightly", `night\u0000ly`) + `]}`, exitOK, `"sessionName": "night\u0000ly"`},
		{"a NUL between the records", `{"Records":[` + record("") + ",\x00" + record("") + `]}`, exitIncomplete, `"events": 1,`},
		{"NULs behind the records", record("") + "\n\x00\x00\x00\x00\n", exitIncomplete, `"events": 1,`},
		{"a lone surrogate", `{"Records":[` + strings.ReplaceAll(record(""), "nightly", `n\ud800y`) + `]}`, exitOK, `"events": 1,`},
		{"invalid UTF-8", `{"Records":[` + strings.ReplaceAll(record(""), "nightly", "n\xff\xfey") + `]}`, exitOK, `"events": 1,`},
		{"nesting without end", `{"Records":[` + record(`"requestParameters":`+strings.Repeat("[", 1_000_000)+strings.Repeat("]", 1_000_000)+`,`) + `,` + strings.Replace(record(""), "000000000001", "000000000002", 1) + `]}`, exitIncomplete, `"events": 1,`},
		{"nesting that is not closed", `{"Records":[` + record("") + `,` + strings.Repeat(`{"a":`, 1_000_000), exitIncomplete, `"events": 1,`},
		{"an empty file", "", exitFailed, ""},
		{"only NULs", strings.Repeat("\x00", 100_000), exitIncomplete, `"events": 0,`},
	} {
		began := time.Now()
		status, stdout, stderr := binary(t, tt.log, "-", "--format", "json")
		if status != tt.status || !strings.Contains(stdout, tt.want) {
			t.Errorf("%s: exit status %d, want %d and %s in the report\n%.300s\n%.2000s", tt.name, status, tt.status, tt.want, stderr, stdout)
		}
		inert(t, tt.name, stdout)
		inert(t, tt.name, stderr)
		if took := time.Since(began); took > 20*time.Second {
			t.Errorf("%s takes %v", tt.name, took)
		}
	}
}
