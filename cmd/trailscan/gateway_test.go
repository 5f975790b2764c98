package main

import (
	"os"
	"testing"

	"github.com/trailscan/trailscan/internal/s3test"
)

// startS3 starts a real S3 server for a test, which uses it as its owner and
// nothing of the machine's own configuration for AWS.
func startS3(t *testing.T) *s3test.Gateway {
	t.Helper()
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
	return gateway
}
