package main

import (
	"bytes"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
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

// signedTrail is a trail of eight hours with a log file and a digest in each.
func signedTrail(bucket string) (t *cloudtrailtest.SignedTrail, log, newest string) {
	t = cloudtrailtest.NewSignedTrail(bucket, "111122223333")
	day := time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC)
	for h := range 8 {
		at := day.Add(time.Duration(h)*time.Hour + 20*time.Minute)
		key := t.Deliver("us-east-1", at, json.RawMessage(fmt.Sprintf(
			`{"eventVersion":"1.09","eventID":"5e0e8a1c-3333-4c5e-9d57-%012d","eventTime":%q,"eventName":"ListBuckets","eventSource":"s3.amazonaws.com",`+
				`"awsRegion":"us-east-1","eventType":"AwsApiCall","eventCategory":"Management","recipientAccountId":"111122223333",`+
				`"userIdentity":{"type":"IAMUser","accountId":"111122223333","userName":"ann"}}`, h, at.Add(-5*time.Minute).Format(time.RFC3339))))
		if h == 4 {
			log = key
		}
		newest = t.Digest("us-east-1", day.Add(time.Duration(h+1)*time.Hour))
	}
	return t, log, newest
}

// TestVerifyScript runs the cases of testdata/verify. In them the directory trail
// is a copy of a signed trail, as aws s3 sync makes it, $LOG one of its log files,
// $NEWEST its newest digest, whose metadata are in newest.json as aws s3api
// head-object prints them, and keys.json and keys.pem hold the public keys. The
// bucket signed-logs holds the same trail, and changed-logs the same without $LOG.
func TestVerifyScript(t *testing.T) {
	gateway := startS3(t)
	trail, log, newest := signedTrail("signed-logs")
	putTrail(t, gateway.URL, trail)
	changed, gone, _ := signedTrail("changed-logs")
	delete(changed.Objects, gone)
	putTrail(t, gateway.URL, changed)

	keys := []cloudtrailtest.PublicKey{{
		Region: "us-east-1", Key: &trail.Signer.PublicKey,
		From: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), To: time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC),
	}}
	server, err := cloudtrailtest.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	server.PublicKeys = keys
	api := httptest.NewServer(server)
	t.Cleanup(api.Close)
	der := x509.MarshalPKCS1PublicKey(keys[0].Key)
	files := map[string][]byte{
		"keys.json": cloudtrailtest.PublicKeysJSON(keys),
		"keys.pem":  pem.EncodeToMemory(&pem.Block{Type: "RSA PUBLIC KEY", Bytes: der}),
	}
	for key, o := range trail.Objects {
		files[filepath.Join("trail", filepath.FromSlash(key))] = o.Body
	}
	if files["newest.json"], err = json.Marshal(map[string]any{"Metadata": trail.Objects[newest].Metadata}); err != nil {
		t.Fatal(err)
	}

	testscript.Run(t, scripts(t, "testdata/verify", func(env *testscript.Env) {
		for name, body := range files {
			name = filepath.Join(env.WorkDir, name)
			if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(name, body, 0o666); err != nil {
				t.Fatal(err)
			}
		}
		env.Setenv("LOG", filepath.Join("trail", filepath.FromSlash(log)))
		env.Setenv("NEWEST", filepath.Join("trail", filepath.FromSlash(newest)))
		env.Setenv("AWS_ACCESS_KEY_ID", s3test.Key)
		env.Setenv("AWS_SECRET_ACCESS_KEY", s3test.Secret)
		env.Setenv("AWS_REGION", "us-east-1")
		env.Setenv("AWS_ENDPOINT_URL_S3", gateway.URL)
		env.Setenv("AWS_ENDPOINT_URL_CLOUDTRAIL", api.URL)
	}))
}

func putTrail(t *testing.T, url string, trail *cloudtrailtest.SignedTrail) {
	t.Helper()
	cfg, err := ingest.LoadAWS(t.Context(), ingest.AWSOptions{EndpointURL: url})
	if err != nil {
		t.Fatal(err)
	}
	client := s3.NewFromConfig(cfg)
	if _, err := client.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: aws.String(trail.Bucket)}); err != nil {
		t.Fatal(err)
	}
	for key, o := range trail.Objects {
		_, err := client.PutObject(t.Context(), &s3.PutObjectInput{
			Bucket: aws.String(trail.Bucket), Key: aws.String(key), Body: bytes.NewReader(o.Body), Metadata: o.Metadata,
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}
