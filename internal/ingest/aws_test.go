package ingest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/account"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

func TestLoadAWS(t *testing.T) {
	tests := []struct {
		name      string
		env       map[string]string
		options   AWSOptions
		region    string
		endpoint  string // of S3, empty for AWS's own
		pathStyle bool
	}{
		{name: "nothing", region: "us-east-1"},
		{name: "region of the environment", env: map[string]string{"AWS_REGION": "eu-west-1"}, region: "eu-west-1"},
		{name: "region of an older environment", env: map[string]string{"AWS_DEFAULT_REGION": "eu-west-1"}, region: "eu-west-1"},
		{name: "region of the flag", env: map[string]string{"AWS_REGION": "eu-west-1"}, options: AWSOptions{Region: "eu-west-2"}, region: "eu-west-2"},
		{name: "profile", options: AWSOptions{Profile: "audit"}, region: "sa-east-1", endpoint: "http://profile.test", pathStyle: true},
		{name: "profile of the environment", env: map[string]string{"AWS_PROFILE": "audit"}, region: "sa-east-1", endpoint: "http://profile.test", pathStyle: true},
		{name: "endpoint of the flag", options: AWSOptions{EndpointURL: "http://localhost:9000"}, region: "us-east-1", endpoint: "http://localhost:9000", pathStyle: true},
		{name: "endpoint of the environment", env: map[string]string{"AWS_ENDPOINT_URL": "http://127.0.0.1:9000"}, region: "us-east-1", endpoint: "http://127.0.0.1:9000", pathStyle: true},
		{name: "endpoint of S3 alone", env: map[string]string{"AWS_ENDPOINT_URL_S3": "http://minio:9000"}, region: "us-east-1", endpoint: "http://minio:9000", pathStyle: true},
		{name: "the flag goes first", env: map[string]string{"AWS_ENDPOINT_URL_S3": "http://minio:9000"}, options: AWSOptions{EndpointURL: "http://other:9000"}, region: "us-east-1", endpoint: "http://other:9000", pathStyle: true},
		{name: "endpoint of a VPC", options: AWSOptions{EndpointURL: "https://bucket.vpce-1.s3.eu-west-1.vpce.amazonaws.com"}, region: "us-east-1", endpoint: "https://bucket.vpce-1.s3.eu-west-1.vpce.amazonaws.com"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			testCredentials(t, rootKey, rootSecret)
			file := filepath.Join(t.TempDir(), "config")
			if err := os.WriteFile(file, []byte("[profile audit]\nregion = sa-east-1\nendpoint_url = http://profile.test\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			t.Setenv("AWS_CONFIG_FILE", file)
			for k, v := range test.env {
				t.Setenv(k, v)
			}
			cfg, err := LoadAWS(t.Context(), test.options)
			if err != nil {
				t.Fatal(err)
			}
			o := s3.NewFromConfig(cfg).Options()
			if o.Region != test.region || aws.ToString(o.BaseEndpoint) != test.endpoint || o.UsePathStyle != test.pathStyle {
				t.Errorf("region %s, endpoint %s, path style %t", o.Region, aws.ToString(o.BaseEndpoint), o.UsePathStyle)
			}
			// No case has a region of its own that is the default.
			if got, want := RegionNamed(cfg), test.region != defaultAWSRegion; got != want {
				t.Errorf("that a region is named is said to be %t", got)
			}
			if o.ResponseChecksumValidation != aws.ResponseChecksumValidationWhenSupported {
				t.Error("what S3 answers is not checked")
			}
			if got := o.Retryer.MaxAttempts(); got != awsAttempts {
				t.Errorf("%d attempts", got)
			}
			if test.options.EndpointURL != "" {
				if got := aws.ToString(cloudtrail.NewFromConfig(cfg).Options().BaseEndpoint); got != test.endpoint {
					t.Errorf("endpoint of CloudTrail %q", got)
				}
				if got := aws.ToString(account.NewFromConfig(cfg).Options().BaseEndpoint); got != test.endpoint {
					t.Errorf("endpoint of Account Management %q", got)
				}
			}
		})
	}
}

func TestLoadAWSErrors(t *testing.T) {
	testCredentials(t, "", "")
	for _, test := range []struct {
		options AWSOptions
		env     string
		words   []string
	}{
		{AWSOptions{EndpointURL: "localhost:9000"}, "", []string{`endpoint "localhost:9000"`, "scheme"}},
		{AWSOptions{EndpointURL: "127.0.0.1"}, "", []string{`endpoint "127.0.0.1"`, "scheme"}},
		{AWSOptions{EndpointURL: "ftp://x"}, "", []string{"scheme"}},
		{AWSOptions{EndpointURL: "http://[::1"}, "", []string{"scheme"}},
		{AWSOptions{Profile: "nosuch"}, "", []string{`profile "nosuch"`, "list-profiles"}},
		{AWSOptions{}, "nosuch", []string{`profile "nosuch"`}},
	} {
		if test.env != "" {
			t.Setenv("AWS_PROFILE", test.env)
		}
		_, err := LoadAWS(t.Context(), test.options)
		oneLineError(t, err, test.words...)
	}
}

// A number of attempts that the user sets is heeded, and the reader's name
// reaches the server.
func TestLoadAWSRequests(t *testing.T) {
	requests, agent := 0, ""
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests++
		agent = r.UserAgent()
		s3Error(w, http.StatusInternalServerError, "InternalError", "x")
	}))
	defer server.Close()
	testCredentials(t, rootKey, rootSecret)
	t.Setenv("AWS_MAX_ATTEMPTS", "3")
	retries := 0
	client := testS3Client(t, AWSOptions{EndpointURL: server.URL, Version: "1.2.3", OnRetry: func(error) { retries++ }})
	if requests != 0 {
		t.Errorf("%d requests before the first", requests)
	}
	if _, err := client.ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: aws.String("x")}); err == nil {
		t.Error("no error")
	}
	if requests != 3 || retries != 2 {
		t.Errorf("%d requests, %d retries", requests, retries)
	}
	if !strings.Contains(agent, "trailscan/1.2.3") {
		t.Errorf("user agent %q", agent)
	}
}

// Credentials that a service calls expired, whatever this machine's clock says,
// are renewed where that can be, and nothing is lost.
func TestCredentialsExpire(t *testing.T) {
	keys := logKeys("AWSLogs/", "111122223333", "us-east-1", "2026-11-20T00:00:00Z", 12, time.Hour)
	for _, tt := range []struct {
		name    string
		fixed   bool                   // they come from the environment
		valid   func(n, at int64) bool // whether the nth credentials are at a request
		read    int
		renewed bool
	}{
		{"renewed twice", false, func(n, at int64) bool { return at < 4 || at < 9 && n > 1 || n > 2 }, 12, true},
		{"never valid again", false, func(_, at int64) bool { return at < 6 }, 0, true},
		{"fixed", true, func(_, at int64) bool { return at < 6 }, 0, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var given, requests atomic.Int64
			provider := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				fmt.Fprintf(w, `{"AccessKeyId":"ASIAEXAMPLE%d","SecretAccessKey":"an-example-secret","Token":"t","Expiration":"2099-01-01T00:00:00Z"}`, given.Add(1))
			}))
			defer provider.Close()
			stub := &s3Stub{before: func(w http.ResponseWriter, r *http.Request) bool {
				n := int64(0)
				if _, signed, ok := strings.Cut(r.Header.Get("Authorization"), "Credential=ASIAEXAMPLE"); ok {
					fmt.Sscan(strings.ReplaceAll(signed, "/", " "), &n)
				}
				if tt.valid(n, requests.Add(1)) {
					return false
				}
				s3Error(w, http.StatusBadRequest, "ExpiredToken", "The provided token has expired.")
				return true
			}}
			server := httptest.NewServer(nil)
			defer server.Close()
			s := stub.serve(t, S3Config{}, keys...)
			server.Config.Handler = stub
			testCredentials(t, "", "")
			t.Setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", provider.URL)
			if tt.fixed {
				testCredentials(t, "ASIAEXAMPLE1", rootSecret)
			}
			s.client = testS3Client(t, AWSOptions{EndpointURL: server.URL})
			_, bodies, problems := scanAll(t, s)
			if tt.read > 0 && (len(bodies) != tt.read || len(problems) > 0) {
				t.Errorf("%d objects, problems %v", len(bodies), problems)
			}
			for _, p := range problems {
				oneLineError(t, errors.New(p.Error), "the credentials have expired", "aws sso login")
			}
			if tt.read == 0 && len(problems) == 0 {
				t.Error("no problem")
			}
			if renewed := given.Load() > 1; renewed != tt.renewed || given.Load() > 3*int64(len(keys)) {
				t.Errorf("credentials were asked for %d times", given.Load())
			}
		})
	}
}

// A silent server is given up after the idle time, one that drips is not.
// The answer takes longer than the limit, and no pause in it comes near: a busy
// machine must not be taken for a silent server.
func TestLoadAWSIdleTimeout(t *testing.T) {
	var silent atomic.Bool
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if silent.Load() {
			<-r.Context().Done()
			return
		}
		for range 8 {
			fmt.Fprint(w, " ")
			http.NewResponseController(w).Flush()
			select {
			case <-time.After(250 * time.Millisecond):
			case <-r.Context().Done():
			}
		}
		fmt.Fprint(w, "<ListBucketResult></ListBucketResult>")
	}))
	defer server.Close()
	testCredentials(t, rootKey, rootSecret)
	t.Setenv("AWS_MAX_ATTEMPTS", "1")
	client := testS3Client(t, AWSOptions{EndpointURL: server.URL, IdleTimeout: 1500 * time.Millisecond})
	for _, ok := range []bool{true, false} {
		silent.Store(!ok)
		_, err := client.ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: aws.String("x")})
		if (err == nil) != ok {
			t.Errorf("dripping %t: %v", ok, err)
		}
		if err != nil {
			oneLineError(t, newRequestError(context.Background(), "list s3://x/", err), "no answer in time")
		}
	}
}

func TestRequestError(t *testing.T) {
	cause := errors.New("cause")
	err := &RequestError{What: "get s3://b/k", Why: "it\r\nis \x1b[31mred\u202e", Do: "stop", Err: cause}
	if got, want := err.Error(), "get s3://b/k: it is  [31mred ; stop"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if !errors.Is(err, cause) {
		t.Error("the cause is lost")
	}
	if got := oneLine(strings.Repeat("é", 2000)); len(got) > 1010 || !strings.HasSuffix(got, "é...") {
		t.Errorf("%d bytes, ends in %q", len(got), got[len(got)-8:])
	}
}
