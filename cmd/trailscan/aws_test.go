package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/trailscan/trailscan/internal/cloudtrailtest"
	"github.com/trailscan/trailscan/internal/ingest"
	"github.com/trailscan/trailscan/internal/s3test"
)

// TestS3Script runs the cases of testdata/s3 against a real S3 server, whose
// bucket trail-logs holds testdata/trails/string-value and whose buckets reports
// and query-results are empty.
func TestS3Script(t *testing.T) {
	gateway := startS3(t)
	fill(t, gateway.URL)

	testscript.Run(t, scripts(t, "testdata/s3", func(env *testscript.Env) {
		env.Setenv("AWS_ACCESS_KEY_ID", s3test.Key)
		env.Setenv("AWS_SECRET_ACCESS_KEY", s3test.Secret)
		env.Setenv("AWS_REGION", "us-east-1")
		env.Setenv("AWS_ENDPOINT_URL", gateway.URL)
	}))
}

// fill makes the buckets of TestS3Script.
func fill(t *testing.T, url string) {
	t.Helper()
	ctx := context.Background()
	cfg, err := ingest.LoadAWS(ctx, ingest.AWSOptions{EndpointURL: url})
	if err != nil {
		t.Fatal(err)
	}
	client := s3.NewFromConfig(cfg)
	for _, bucket := range []string{"trail-logs", "reports", "query-results"} {
		if _, err := client.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: aws.String(bucket)}); err != nil {
			t.Fatal(err)
		}
	}
	trail := os.DirFS("../../testdata/trails/string-value")
	err = fs.WalkDir(trail, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		body, err := fs.ReadFile(trail, path)
		if err != nil {
			return err
		}
		_, err = client.PutObject(ctx, &s3.PutObjectInput{Bucket: aws.String("trail-logs"), Key: aws.String(path), Body: bytes.NewReader(body)})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestLookupScript runs the cases of testdata/lookup against a stand-in of the
// LookupEvents API. Half an hour ago the user ann assumed the role batch as
// nightly, in eu-west-1, and listed buckets.
func TestLookupScript(t *testing.T) {
	at := time.Now().Add(-30 * time.Minute).UTC().Truncate(time.Second)
	stamp := at.Format(time.RFC3339)
	records := []json.RawMessage{
		json.RawMessage(fmt.Sprintf(`{"eventVersion":"1.08","eventID":"5e0e8a1c-2222-4c5e-9d57-000000000001","eventTime":%q,"eventName":"AssumeRole","eventSource":"sts.amazonaws.com","awsRegion":"eu-west-1","eventType":"AwsApiCall","eventCategory":"Management","managementEvent":true,"readOnly":true,"recipientAccountId":"111122223333","userIdentity":{"type":"IAMUser","principalId":"AIDAEXAMPLE00000000000","arn":"arn:aws:iam::111122223333:user/ann","accountId":"111122223333","accessKeyId":"AKIAEXAMPLE000000001","userName":"ann"},"requestParameters":{"roleArn":"arn:aws:iam::111122223333:role/batch","roleSessionName":"nightly"},"responseElements":{"credentials":{"accessKeyId":"ASIAEXAMPLE000000003","expiration":%q},"assumedRoleUser":{"assumedRoleId":"AROAEXAMPLE1:nightly","arn":"arn:aws:sts::111122223333:assumed-role/batch/nightly"}}}`,
			stamp, at.Add(time.Hour).Format("Jan 2, 2006, 3:04:05 PM"))),
		json.RawMessage(fmt.Sprintf(`{"eventVersion":"1.08","eventID":"5e0e8a1c-2222-4c5e-9d57-000000000002","eventTime":%q,"eventName":"ListBuckets","eventSource":"s3.amazonaws.com","awsRegion":"eu-west-1","eventType":"AwsApiCall","eventCategory":"Management","managementEvent":true,"readOnly":true,"recipientAccountId":"111122223333","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE1:nightly","arn":"arn:aws:sts::111122223333:assumed-role/batch/nightly","accountId":"111122223333","accessKeyId":"ASIAEXAMPLE000000003","sessionContext":{"sessionIssuer":{"type":"Role","principalId":"AROAEXAMPLE1","arn":"arn:aws:iam::111122223333:role/batch","accountId":"111122223333","userName":"batch"},"attributes":{"creationDate":%q,"mfaAuthenticated":"false"}}}}`,
			at.Add(10*time.Minute).Format(time.RFC3339), stamp)),
	}
	server, err := cloudtrailtest.New(records)
	if err != nil {
		t.Fatal(err)
	}
	// What is tested here is the command line, not its patience.
	server.Rate, server.Burst = 1000, 1000
	web := httptest.NewServer(server)
	t.Cleanup(web.Close)

	testscript.Run(t, scripts(t, "testdata/lookup", func(env *testscript.Env) {
		env.Setenv("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE000000009")
		env.Setenv("AWS_SECRET_ACCESS_KEY", "an-example-secret")
		env.Setenv("ENDPOINT", web.URL)
		env.Setenv("HALF_WAY", at.Add(5*time.Minute).Format(time.RFC3339))
	}))
}

// scripts are the parameters of a folder of cases.
func scripts(t *testing.T, dir string, setup func(*testscript.Env)) testscript.Params {
	t.Helper()
	trails, err := filepath.Abs("../../testdata/trails")
	if err != nil {
		t.Fatal(err)
	}
	return testscript.Params{
		Dir: dir,
		Setup: func(env *testscript.Env) error {
			env.Setenv("TRAILS", trails)
			env.Setenv("COLUMNS", "100")
			// Nothing of the machine's own AWS settings, and no way out.
			env.Setenv("AWS_CONFIG_FILE", filepath.Join(env.WorkDir, "none"))
			env.Setenv("AWS_SHARED_CREDENTIALS_FILE", filepath.Join(env.WorkDir, "none"))
			env.Setenv("AWS_EC2_METADATA_DISABLED", "true")
			setup(env)
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"status": checkStatus,
		},
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
	}
}
