package ingest

import (
	"io"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

func TestS3Put(t *testing.T) {
	bucket := makeBucket(t, "put", nil)
	client := testS3Client(t, AWSOptions{EndpointURL: gateway.url})
	src := testS3(S3Config{Client: client, Bucket: bucket})
	for _, text := range []string{"<p>first</p>", "<p>second, in its place</p>"} {
		body := strings.NewReader("skipped" + text)
		if _, err := body.Seek(int64(len("skipped")), io.SeekStart); err != nil {
			t.Fatal(err)
		}
		if err := src.Put(t.Context(), "reports/week 48.html", "text/html; charset=utf-8", body); err != nil {
			t.Fatal(err)
		}
		out, err := client.GetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String(bucket), Key: aws.String("reports/week 48.html")})
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(out.Body)
		if err != nil || string(got) != text || aws.ToString(out.ContentType) != "text/html; charset=utf-8" {
			t.Errorf("%q of type %q, %v; want %q", got, aws.ToString(out.ContentType), err, text)
		}
	}
}

func TestS3PutRefused(t *testing.T) {
	bucket := makeBucket(t, "putrefused", nil)
	testCredentials(t, readerKey, readerSecret)
	src := testS3(S3Config{Client: testS3Client(t, AWSOptions{EndpointURL: gateway.url}), Bucket: bucket})
	err := src.Put(t.Context(), "r.json", "application/json", strings.NewReader("{}"))
	oneLineError(t, err, "put s3://"+bucket+"/r.json: access denied", "allow s3:PutObject on arn:aws:s3:::"+bucket+"/r.json")

	testCredentials(t, rootKey, rootSecret)
	src = testS3(S3Config{Client: testS3Client(t, AWSOptions{EndpointURL: gateway.url}), Bucket: "no-such-bucket-here"})
	err = src.Put(t.Context(), "r.json", "application/json", strings.NewReader("{}"))
	oneLineError(t, err, "put s3://no-such-bucket-here/r.json", "no such bucket")
}

func TestS3CheckPut(t *testing.T) {
	bucket := makeBucket(t, "checkput", nil)
	root := testS3Client(t, AWSOptions{EndpointURL: gateway.url})
	if err := testS3(S3Config{Client: root, Bucket: bucket}).CheckPut(t.Context()); err != nil {
		t.Error(err)
	}
	err := testS3(S3Config{Client: root, Bucket: "no-such-bucket-here"}).CheckPut(t.Context())
	oneLineError(t, err, "put s3://no-such-bucket-here/: no such bucket")

	// Who may not look may still be allowed to put.
	testCredentials(t, readerKey, readerSecret)
	reader := testS3Client(t, AWSOptions{EndpointURL: gateway.url})
	if err := testS3(S3Config{Client: reader, Bucket: bucket}).CheckPut(t.Context()); err != nil {
		t.Error(err)
	}
	testCredentials(t, "", "")
	nobody := testS3Client(t, AWSOptions{EndpointURL: gateway.url})
	oneLineError(t, testS3(S3Config{Client: nobody, Bucket: bucket}).CheckPut(t.Context()), "credentials")
}
