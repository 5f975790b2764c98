package ingest

import (
	"context"
	"errors"
	"net"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/trailscan/trailscan/internal/cloudtrailtest"
)

func TestListRegions(t *testing.T) {
	many := map[string]string{"us-east-1": "ENABLED_BY_DEFAULT", "eu-south-1": "ENABLED", "af-south-1": "DISABLED", "me-south-1": "ENABLING", "il-central-1": "DISABLING"}
	var wantMany []string
	for i := range 60 { // more than a page
		name := "test-region-" + string(rune('a'+i/10)) + string(rune('0'+i%10))
		many[name] = "ENABLED"
		wantMany = append(wantMany, name)
	}
	wantMany = slices.Sorted(slices.Values(append(wantMany, "us-east-1", "eu-south-1")))
	tests := []struct {
		name    string
		regions map[string]string
		fault   *cloudtrailtest.Fault
		region  string
		want    []string
		note    string // what it says, empty for none
	}{
		{"enabled ones", many, nil, "eu-west-1", wantMany, ""},
		{"denied", nil, nil, "eu-west-1", DefaultRegions("eu-west-1"), "asking the 17 regions that are on by default (as of " + DefaultRegionsDate + ")"},
		{"denied, China", nil, nil, "cn-north-1", []string{"cn-north-1", "cn-northwest-1"}, "asking the 2 regions that are on by default"},
		{"denied, GovCloud", nil, nil, "us-gov-west-1", []string{"us-gov-east-1", "us-gov-west-1"}, "access denied"},
		{"denied, European Sovereign Cloud", nil, nil, "eusc-de-east-1", []string{"eusc-de-east-1"}, "asking the 1 region that is on by default"},
		{"down", many, cloudtrailtest.Fail(500, "InternalServerException", "out of order"), "eu-west-1", DefaultRegions("eu-west-1"), "on by default"},
		{"nothing", map[string]string{}, nil, "eu-west-1", DefaultRegions("eu-west-1"), "the answer names no region"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server := newLookupServer(t, nil)
				server.Regions = tt.regions
				server.Fault = func(cloudtrailtest.Call) *cloudtrailtest.Fault { return tt.fault }
				cfg := lookupAWS(&directClient{handler: server})
				cfg.Region = tt.region
				start := time.Now()
				got, note, err := ListRegions(t.Context(), cfg)
				if err != nil {
					t.Fatal(err)
				}
				if !slices.Equal(got, tt.want) {
					t.Errorf("regions are %v\nwant %v", got, tt.want)
				}
				if (note == "") != (tt.note == "") || !strings.Contains(note, tt.note) {
					t.Errorf("the note is %q, want %q", note, tt.note)
				}
				if took := time.Since(start); took > listRegionsTimeout {
					t.Errorf("it took %v", took)
				}
			})
		})
	}
}

func TestListRegionsFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := lookupAWS(unreachableClient{&net.OpError{Op: "dial", Net: "tcp", Err: errors.New("connect: connection refused")}})
		if got, note, err := ListRegions(t.Context(), cfg); err != nil || !slices.Equal(got, DefaultRegions("us-east-1")) || !strings.Contains(note, "cannot connect") {
			t.Errorf("unreachable: %v, %q, %v; want the default regions and a note", got, note, err)
		}
		cfg.Credentials = &checkedCredentials{CredentialsProvider: deadCredentials{"no EC2 IMDS role found"}}
		if _, _, err := ListRegions(t.Context(), cfg); err == nil || !strings.HasPrefix(err.Error(), "list the account's regions: no credentials found") {
			t.Errorf("no credentials: the error is %v", err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, _, err := ListRegions(ctx, cfg); !errors.Is(err, context.Canceled) {
			t.Errorf("canceled: the error is %v", err)
		}
	})
}

// The whole way once: environment, configuration, endpoint, signature, socket.
func TestLookupOverSocket(t *testing.T) {
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	records := append(callRecords("eu-west-1", 40, now, time.Second), callRecords("us-west-2", 30, now, time.Second)...)
	server := newLookupServer(t, records)
	server.Now = func() time.Time { return now }
	server.Keys = map[string]string{"AKIAEXAMPLEEXAMPLE00": cloudtrailtest.DefaultAccount}
	server.Regions = map[string]string{"eu-west-1": "ENABLED_BY_DEFAULT", "us-west-2": "ENABLED", "af-south-1": "DISABLED"}
	ts := httptest.NewServer(server)
	defer ts.Close()
	for k, v := range map[string]string{
		"AWS_ACCESS_KEY_ID": "AKIAEXAMPLEEXAMPLE00", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_SESSION_TOKEN": "",
		"AWS_CONFIG_FILE": "/dev/null", "AWS_SHARED_CREDENTIALS_FILE": "/dev/null", "AWS_PROFILE": "", "AWS_REGION": "eu-west-1",
		"AWS_ENDPOINT_URL": "", "AWS_ENDPOINT_URL_CLOUDTRAIL": ts.URL, "AWS_ENDPOINT_URL_ACCOUNT": ts.URL,
		"AWS_EC2_METADATA_DISABLED": "true", "HTTP_PROXY": "", "http_proxy": "",
	} {
		t.Setenv(k, v)
	}
	cfg, err := LoadAWS(t.Context(), AWSOptions{})
	if err != nil {
		t.Fatal(err)
	}
	regions, note, err := ListRegions(t.Context(), cfg)
	if err != nil || note != "" || !slices.Equal(regions, []string{"eu-west-1", "us-west-2"}) {
		t.Fatalf("regions are %v, %q, %v", regions, note, err)
	}
	lookup := NewLookup(LookupConfig{AWS: cfg, Regions: regions, Since: now.Add(-time.Hour), Until: now, Now: now})
	var got lookedUp
	if err := lookup.List(t.Context(), got.emit(t), got.report); err != nil {
		t.Fatal(err)
	}
	got.noProblems(t)
	got.complete(t, records)
	seen := 0
	for _, c := range server.Calls() {
		if c.Operation == "LookupEvents" {
			seen++
		}
	}
	// The SDK may break off and repeat a request whose answer is there before
	// it has put its own body away, so that there may be more than one a region.
	if n := lookup.Requests(); n < 2 || n != int64(seen) {
		t.Errorf("%d requests, the server saw %d, want the same and at least 2", n, seen)
	}

	// A key that the account does not know is told as such.
	bad := cfg
	bad.Credentials = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		return aws.Credentials{AccessKeyID: "AKIANOBODY", SecretAccessKey: "secret"}, nil
	})
	err = NewLookup(LookupConfig{AWS: bad, Regions: regions, Now: now}).List(t.Context(), got.emit(t), got.report)
	if err == nil || !strings.Contains(err.Error(), "the access key is not known there") {
		t.Errorf("unknown key: the error is %v", err)
	}
}
