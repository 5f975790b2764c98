package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/trailscan/trailscan/internal/ingest"
	"github.com/trailscan/trailscan/internal/s3test"
)

// documentedStatements reads statements of the documented policy.
func documentedStatements(t *testing.T, sids ...string) []map[string]any {
	t.Helper()
	var policy struct{ Statement []map[string]any }
	if err := json.Unmarshal([]byte(readDoc(t, "docs/iam-policy.json")), &policy); err != nil {
		t.Fatal(err)
	}
	var statements []map[string]any
	for _, s := range policy.Statement {
		if slices.Contains(sids, s["Sid"].(string)) {
			statements = append(statements, s)
		}
	}
	if len(statements) != len(sids) {
		t.Fatalf("the policy has %d of the statements %q", len(statements), sids)
	}
	return statements
}

// TestLeastPolicy runs a whole scan as a user who may do what the documented
// policy allows and nothing else, held to it by a server's policy engine; with
// any of its statements left out the scan cannot be.
func TestLeastPolicy(t *testing.T) {
	gateway := startS3(t)
	for name, value := range map[string]string{
		"AWS_CONFIG_FILE": os.DevNull, "AWS_SHARED_CREDENTIALS_FILE": os.DevNull, "AWS_EC2_METADATA_DISABLED": "true",
		"AWS_REGION": "us-east-1", "AWS_ENDPOINT_URL": gateway.URL, "AWS_SESSION_TOKEN": "", "AWS_PROFILE": "",
	} {
		t.Setenv(name, value)
	}
	as := func(key, secret string) {
		t.Setenv("AWS_ACCESS_KEY_ID", key)
		t.Setenv("AWS_SECRET_ACCESS_KEY", secret)
	}
	as(s3test.Key, s3test.Secret)
	fill(t, gateway.URL)
	cfg, err := ingest.LoadAWS(t.Context(), ingest.AWSOptions{EndpointURL: gateway.URL})
	if err != nil {
		t.Fatal(err)
	}
	owner := s3.NewFromConfig(cfg)
	allow := func(bucket string, statements []map[string]any) {
		t.Helper()
		for _, s := range statements {
			s["Principal"] = map[string]any{"AWS": []string{s3test.ReaderKey}}
		}
		if len(statements) == 0 {
			if _, err := owner.DeleteBucketPolicy(t.Context(), &s3.DeleteBucketPolicyInput{Bucket: aws.String(bucket)}); err != nil {
				t.Fatal(err)
			}
			return
		}
		text, err := json.Marshal(map[string]any{"Version": "2012-10-17", "Statement": statements})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := owner.PutBucketPolicy(t.Context(), &s3.PutBucketPolicyInput{Bucket: aws.String(bucket), Policy: aws.String(string(text))}); err != nil {
			t.Fatal(err)
		}
	}
	reading, writing := documentedStatements(t, "FindLogs", "ReadLogs"), documentedStatements(t, "WriteReports")
	// To the server an empty prefix is none, for which AWS compares "".
	find := reading[0]["Condition"].(map[string]any)
	find["StringLikeIfExists"] = find["StringLike"]
	delete(find, "StringLike")
	scan := func(args ...string) (int, string, string) {
		var stdout, stderr strings.Builder
		c := &clock{now: noon, ticks: make(chan time.Time)}
		status := run(context.Background(), process{
			args: append([]string{"--since", "2026-11-02T09:00:00Z", "--until", "2026-11-03", "--format", "json"}, args...), stdin: strings.NewReader(""), stdout: &stdout, stderr: &stderr,
			getenv: os.Getenv, now: time.Now, every: c.every,
		})
		return status, stdout.String(), stderr.String()
	}
	as(s3test.ReaderKey, s3test.ReaderSecret)
	// What lies beside the trail and looks like one is none of the policy's. It
	// comes last, since a search for trails would meet it.
	beside := func() {
		t.Helper()
		_, err := owner.PutObject(t.Context(), &s3.PutObjectInput{
			Bucket: aws.String("trail-logs"), Body: bytes.NewReader([]byte(`{"Records":[]}`)),
			Key: aws.String("other/AWSLogs/111122223333/CloudTrail/us-east-1/2026/11/02/111122223333_CloudTrail_us-east-1_20261102T0905Z_a.json"),
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, tt := range []struct {
		before         func()
		name           string
		trail, reports []map[string]any
		args           []string
		status         int
		stderr         string
	}{
		{nil, "all that is documented", reading, writing, []string{"s3://trail-logs", "-o", "s3://reports/trailscan/report.html"}, exitOK, ""},
		{nil, "a prefix inside", reading, nil, []string{"s3://trail-logs/AWSLogs/444455556666/"}, exitOK, ""},
		{nil, "an estimate", reading, nil, []string{"s3://trail-logs", "--dry-run"}, exitOK, ""},
		{nil, "nothing", nil, nil, []string{"s3://trail-logs"}, exitFailed, "allow s3:ListBucket on arn:aws:s3:::trail-logs to whoever runs the scan"},
		{nil, "no FindLogs", reading[1:], nil, []string{"s3://trail-logs"}, exitFailed, "allow s3:ListBucket on arn:aws:s3:::trail-logs to whoever runs the scan"},
		{nil, "no ReadLogs", reading[:1], nil, []string{"s3://trail-logs"}, exitIncomplete, "allow s3:GetObject on arn:aws:s3:::trail-logs/* to whoever runs the scan"},
		{nil, "no WriteReports", reading, nil, []string{"s3://trail-logs", "-o", "s3://reports/trailscan/report.html"}, exitFailed, "s3:PutObject"},
		{nil, "beside the reports", reading, writing, []string{"s3://trail-logs", "-o", "s3://reports/elsewhere.html"}, exitFailed, "s3:PutObject"},
		{nil, "another bucket", reading, writing, []string{"s3://reports"}, exitFailed, "list s3://reports/: access denied"},
		{beside, "beside the trail", reading, nil, []string{"s3://trail-logs/other/"}, exitFailed, "list s3://trail-logs/other/: access denied"},
		{nil, "a trail that has something beside it", reading, nil, []string{"s3://trail-logs/AWSLogs/"}, exitOK, ""},
		{nil, "a search that meets what is beside it", reading, nil, []string{"s3://trail-logs"}, exitIncomplete, "list s3://trail-logs/other/: access denied"},
	} {
		if tt.before != nil {
			tt.before()
		}
		allow("trail-logs", tt.trail)
		allow("reports", tt.reports)
		status, stdout, stderr := scan(tt.args...)
		if status != tt.status || !strings.Contains(stderr, tt.stderr) {
			t.Errorf("%s: exit status %d, want %d, with %q on standard error:\n%s", tt.name, status, tt.status, tt.stderr, stderr)
		}
		if tt.name == "all that is documented" && (stderr != "" || !strings.Contains(stdout, `"complete": true`) || !strings.Contains(stdout, `"STRING_VALUE"`)) {
			t.Errorf("%s: standard error %q, report\n%.600s", tt.name, stderr, stdout)
		}
	}
	out, err := owner.GetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String("reports"), Key: aws.String("trailscan/report.html")})
	if err != nil {
		t.Fatalf("the report that may be written: %v", err)
	}
	out.Body.Close()
}
