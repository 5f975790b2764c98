package ingest

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"golang.org/x/sync/errgroup"

	"github.com/trailscan/trailscan/internal/s3test"
)

// The tests of S3 run against a real server, which internal/s3test runs.
const (
	rootKey, rootSecret     = s3test.Key, s3test.Secret
	readerKey, readerSecret = s3test.ReaderKey, s3test.ReaderSecret
)

func TestMain(m *testing.M) {
	code := m.Run()
	if gateway.server != nil {
		gateway.server.Stop()
	}
	os.Exit(code)
}

// gateway is the server of this test process, started by the first test that
// needs it.
var gateway struct {
	once   sync.Once
	server *s3test.Gateway
	url    string
	err    error
}

// testGateway returns the server's URL and makes the environment's credentials
// those of its owner.
func testGateway(t *testing.T) string {
	t.Helper()
	if testing.Short() {
		t.Skip("builds and runs an S3 server")
	}
	gateway.once.Do(func() {
		if gateway.server, gateway.err = s3test.Start(); gateway.err == nil {
			gateway.url = gateway.server.URL
		}
	})
	if err := gateway.err; err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	testCredentials(t, rootKey, rootSecret)
	return gateway.url
}

// testCredentials gives the SDK these credentials and nothing of this machine.
func testCredentials(t *testing.T, key, secret string) {
	t.Helper()
	for _, v := range os.Environ() {
		if name, _, _ := strings.Cut(v, "="); strings.HasPrefix(name, "AWS_") {
			t.Setenv(name, "")
			os.Unsetenv(name)
		}
	}
	t.Setenv("AWS_CONFIG_FILE", os.DevNull)
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", os.DevNull)
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	if key != "" {
		t.Setenv("AWS_ACCESS_KEY_ID", key)
		t.Setenv("AWS_SECRET_ACCESS_KEY", secret)
	}
}

// testS3Client makes a client as the command does, of an endpoint.
func testS3Client(t *testing.T, o AWSOptions) *s3.Client {
	t.Helper()
	if o.maxBackoff == 0 {
		o.maxBackoff = time.Millisecond
	}
	cfg, err := LoadAWS(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return s3.NewFromConfig(cfg)
}

// testS3 makes a source that does not wait before repetitions.
func testS3(cfg S3Config) *S3 {
	if cfg.MarginBefore == 0 && cfg.MarginAfter == 0 {
		cfg.MarginBefore, cfg.MarginAfter = 15*time.Minute, time.Hour
	}
	s := NewS3(cfg)
	s.backoff = time.Microsecond
	return s
}

// makeBucket makes a bucket that holds an object for each key and returns its
// name. It is not removed: the server's folder is.
func makeBucket(t *testing.T, name string, keys []string) string {
	t.Helper()
	client := testS3Client(t, AWSOptions{EndpointURL: testGateway(t)})
	ctx := t.Context()
	if _, err := client.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: aws.String(name)}); err != nil {
		t.Fatal(err)
	}
	putObjects(t, client, name, keys)
	return name
}

func putObjects(t *testing.T, client *s3.Client, bucket string, keys []string) {
	t.Helper()
	g, ctx := errgroup.WithContext(t.Context())
	g.SetLimit(16)
	for _, key := range keys {
		g.Go(func() error {
			_, err := client.PutObject(ctx, &s3.PutObjectInput{
				Bucket: aws.String(bucket), Key: aws.String(key), Body: bytes.NewReader(logFile(key)),
				ContentType: aws.String("application/json"), ContentEncoding: aws.String("gzip"), // as CloudTrail does
			})
			return err
		})
	}
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
}

var gzipWriters = sync.Pool{New: func() any { return gzip.NewWriter(nil) }}

// logFile is a compressed log file with one record, which tells its key.
func logFile(key string) []byte {
	var b bytes.Buffer
	w := gzipWriters.Get().(*gzip.Writer)
	defer gzipWriters.Put(w)
	w.Reset(&b)
	fmt.Fprintf(w, `{"Records":[{"eventVersion":"1.08","eventID":%q,"eventName":"GetCallerIdentity"}]}`, key)
	w.Close()
	return b.Bytes()
}

// logKeys are the keys of n log files below a folder that holds accounts, one
// every step from the given time on.
func logKeys(folder, account, region, from string, n int, step time.Duration) []string {
	t, err := time.Parse(time.RFC3339, from)
	if err != nil {
		panic(err)
	}
	keys := make([]string, n)
	for i := range keys {
		keys[i] = fmt.Sprintf("%s%s/CloudTrail/%s/%s/%s_CloudTrail_%s_%s_%016d.json.gz", folder, account, region,
			t.Format("2006/01/02"), account, region, t.Format("20060102T1504Z"), i)
		t = t.Add(step)
	}
	return keys
}

// listKeys lists a source and returns keys, problems and the error.
func listKeys(t *testing.T, s *S3) (keys []string, problems []Problem, err error) {
	t.Helper()
	err = s.List(t.Context(), collectKeys(s, &keys), func(p Problem) { problems = append(problems, p) })
	return keys, problems, err
}

func collectKeys(s *S3, keys *[]string) func(Chunk) error {
	return func(c Chunk) error {
		*keys = append(*keys, strings.TrimPrefix(c.Name, "s3://"+s.cfg.Bucket+"/"))
		return nil
	}
}

// mustList is listKeys where nothing may fail.
func mustList(t *testing.T, s *S3) []string {
	t.Helper()
	keys, problems, err := listKeys(t, s)
	for _, p := range problems {
		t.Errorf("problem: %s: %s: %s", p.Object, p.Stage, p.Error)
	}
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

// oneLineError fails unless err is one line that holds each of the words.
func oneLineError(t *testing.T, err error, words ...string) {
	t.Helper()
	if err == nil {
		t.Fatal("no error")
	}
	t.Log(err)
	if strings.ContainsAny(err.Error(), "\n\r") {
		t.Errorf("more than one line: %q", err)
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("%q does not say %q", err, w)
		}
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v: an end of the context", err)
	}
}
