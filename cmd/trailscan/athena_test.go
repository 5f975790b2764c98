package main

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/trailscan/trailscan/internal/athena"
	"github.com/trailscan/trailscan/internal/athenatest"
	"github.com/trailscan/trailscan/internal/ingest"
	"github.com/trailscan/trailscan/internal/s3test"
)

// TestRollupScript runs the cases of testdata/rollup. In them $ROLLUP is that
// folder, whose string-value.csv is what the queries over the trail of that name
// give; a test beside the program holds it to the queries.
func TestRollupScript(t *testing.T) {
	dir, err := filepath.Abs("testdata/rollup")
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, scripts(t, "testdata/rollup", func(env *testscript.Env) { env.Setenv("ROLLUP", dir) }))
}

// TestAthenaScript runs the cases of testdata/athena against a real S3 server,
// filled as for TestS3Script, and a stand-in of Athena, to which the database
// broken makes queries fail, and tables of the database blind show no events.
func TestAthenaScript(t *testing.T) {
	if testing.Short() {
		t.Skip("builds and runs an S3 server")
	}
	gateway, err := s3test.Start()
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	t.Cleanup(gateway.Stop)
	t.Setenv("AWS_ACCESS_KEY_ID", s3test.Key)
	t.Setenv("AWS_SECRET_ACCESS_KEY", s3test.Secret)
	t.Setenv("AWS_CONFIG_FILE", os.DevNull)
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", os.DevNull)
	fill(t, gateway.URL)
	cfg, err := ingest.LoadAWS(context.Background(), ingest.AWSOptions{EndpointURL: gateway.URL})
	if err != nil {
		t.Fatal(err)
	}
	client := s3.NewFromConfig(cfg)
	rows := readTable(t, "testdata/rollup/string-value.csv")
	web := httptest.NewServer(&athenatest.Server{
		Workgroups: map[string]string{"primary": "", "audits": "s3://reports/audits/"},
		Put: func(bucket, key string, body []byte) error {
			_, err := client.PutObject(context.Background(), &s3.PutObjectInput{Bucket: aws.String(bucket), Key: aws.String(key), Body: bytes.NewReader(body)})
			return err
		},
		Answer: func(query string) athenatest.Answer {
			switch {
			case strings.HasPrefix(query, "  SELECT") && strings.Contains(query, `"blind"`):
				return athenatest.Answer{}
			case strings.HasPrefix(query, "  SELECT"):
				return athenatest.Shown(query)
			case !strings.HasPrefix(query, "WITH records"):
				return athenatest.Answer{}
			case strings.Contains(query, `"broken"`):
				return athenatest.Answer{Failure: "HIVE_CURSOR_ERROR: Row is not a valid JSON Object"}
			case strings.Contains(query, `"evidence"`):
				return athenatest.Answer{Rows: rows[:1]}
			}
			return athenatest.Answer{Rows: rows, Scanned: 30_000_000_000, Steps: 1}
		},
	})
	t.Cleanup(web.Close)
	testscript.Run(t, scripts(t, "testdata/athena", func(env *testscript.Env) {
		env.Setenv("AWS_ACCESS_KEY_ID", s3test.Key)
		env.Setenv("AWS_SECRET_ACCESS_KEY", s3test.Secret)
		env.Setenv("AWS_REGION", "us-east-1")
		env.Setenv("AWS_ENDPOINT_URL", gateway.URL)
		env.Setenv("AWS_ENDPOINT_URL_ATHENA", web.URL)
	}))
}

// ofAthena reports whether an operation is called with --engine athena only.
func ofAthena(operation string) bool {
	return strings.HasPrefix(operation, "athena.") || operation == "s3.DeleteObject"
}

// TestAthenaPolicy holds the IAM policy of the documentation to what the program
// calls with --engine athena and what Athena does with the caller's permissions:
// https://docs.aws.amazon.com/athena/latest/ug/managed-policies.html
func TestAthenaPolicy(t *testing.T) {
	var policy struct {
		Version   string
		Statement []struct {
			Sid, Effect      string
			Action, Resource any
			Condition        map[string]map[string]any
		}
	}
	dec := json.NewDecoder(strings.NewReader(readDoc(t, "docs/iam-athena.json")))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&policy); err != nil {
		t.Fatal(err)
	}
	if policy.Version != "2012-10-17" {
		t.Errorf("version %q", policy.Version)
	}
	page := readDoc(t, "docs/athena.md")
	list := func(v any) []string {
		if one, ok := v.(string); ok {
			return []string{one}
		}
		var all []string
		for _, e := range v.([]any) {
			all = append(all, e.(string))
		}
		return all
	}
	allowed := map[string]bool{}
	for _, s := range policy.Statement {
		if s.Effect != "Allow" || !strings.Contains(page, "`"+s.Sid+"`") {
			t.Errorf("statement %s: %s, which docs/athena.md must explain", s.Sid, s.Effect)
		}
		for _, a := range list(s.Action) {
			allowed[a] = true
			if strings.Contains(a, "*") {
				t.Errorf("statement %s allows %s", s.Sid, a)
			}
		}
		for _, r := range list(s.Resource) {
			if strings.HasPrefix(r, "*") || !strings.HasPrefix(r, "arn:aws:") {
				t.Errorf("statement %s allows it on %s", s.Sid, r)
			}
		}
	}
	needed := []string{
		"s3:ListBucket", "s3:GetObject", "kms:Decrypt", // of the logs
		"s3:GetBucketLocation", "s3:PutObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts", // of the results
		"glue:GetDatabase", "glue:GetTable", "glue:CreateTable", "glue:DeleteTable",
	}
	for _, operation := range calledOperations(t) {
		if ofAthena(operation) {
			service, name, _ := strings.Cut(operation, ".")
			needed = append(needed, service+":"+name)
		}
	}
	for _, a := range needed {
		if !allowed[a] {
			t.Errorf("the policy does not allow %s", a)
		}
		delete(allowed, a)
	}
	for a := range allowed {
		t.Errorf("the policy allows %s, which nothing needs", a)
	}
	table := athena.Table{Bucket: "b"}
	if !strings.Contains(readDoc(t, "docs/iam-athena.json"), "table/default/trailscan_*") || !strings.HasPrefix(table.KeptName(), "trailscan_") {
		t.Error("the policy is for tables of another name")
	}
}

// readTable reads the rows of a result.
func readTable(t *testing.T, name string) [][]*string {
	t.Helper()
	file, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	rows, err := csv.NewReader(file).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return athenatest.Table(rows...)
}
