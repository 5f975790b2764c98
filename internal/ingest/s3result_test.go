package ingest

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

func TestS3Result(t *testing.T) {
	bucket := makeBucket(t, "result", nil)
	client := testS3Client(t, AWSOptions{EndpointURL: gateway.url})
	src := testS3(S3Config{Client: client, Bucket: bucket})
	random := rand.NewChaCha8([32]byte{7})
	put := func(key string, size int) []byte {
		body := make([]byte, size)
		random.Read(body)
		if err := src.Put(t.Context(), key, "text/csv", bytes.NewReader(body)); err != nil {
			t.Fatal(err)
		}
		return body
	}
	for _, size := range []int{0, 1, resultRange, 2*resultRange + 3} {
		want := put("r.csv", size)
		before := src.GetRequests()
		got, err := io.ReadAll(src.Result(t.Context(), "r.csv"))
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%d bytes: got %d, %v", size, len(got), err)
		}
		if n := src.GetRequests() - before; n > int64(size/resultRange+1) {
			t.Errorf("%d bytes took %d requests", size, n)
		}
	}

	// Half of one result and half of another would be no result.
	put("r.csv", resultRange+5)
	r := src.Result(t.Context(), "r.csv")
	if _, err := io.ReadFull(r, make([]byte, resultRange)); err != nil {
		t.Fatal(err)
	}
	put("r.csv", resultRange+5)
	_, err := io.ReadAll(r)
	oneLineError(t, err, "get s3://"+bucket+"/r.csv: ", "PreconditionFailed")

	_, err = io.ReadAll(src.Result(t.Context(), "none.csv"))
	oneLineError(t, err, "get s3://"+bucket+"/none.csv: ", "the object is gone")
}

// TestS3ResultBroken holds that a connection that breaks costs one range.
func TestS3ResultBroken(t *testing.T) {
	asked := 0
	stub := &s3Stub{before: func(w http.ResponseWriter, r *http.Request) bool {
		asked++
		from := strings.TrimSuffix(strings.TrimPrefix(r.Header.Get("Range"), "bytes="), "-")
		first := strings.HasPrefix(from, "0-")
		w.Header().Set("ETag", `"x"`)
		if first {
			w.Header().Set("Content-Range", "bytes 0-2/6")
		} else {
			w.Header().Set("Content-Range", "bytes 3-5/6")
		}
		w.Header().Set("Content-Length", "3")
		w.WriteHeader(http.StatusPartialContent)
		switch {
		case first:
			io.WriteString(w, "one")
		case asked == 2:
			io.WriteString(w, "t") // and no more
		default:
			io.WriteString(w, "two")
		}
		return true
	}}
	src := stub.serve(t, S3Config{}, "r.csv")
	got, err := io.ReadAll(src.Result(t.Context(), "r.csv"))
	if string(got) != "onetwo" || err != nil || asked != 3 {
		t.Errorf("%q, %v, after %d requests", got, err, asked)
	}
}

func TestS3Delete(t *testing.T) {
	bucket := makeBucket(t, "delete", nil)
	client := testS3Client(t, AWSOptions{EndpointURL: gateway.url})
	src := testS3(S3Config{Client: client, Bucket: bucket})
	if err := src.Put(t.Context(), "r.csv", "text/csv", strings.NewReader("x")); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second time it is not there
		if err := src.Delete(t.Context(), "r.csv"); err != nil {
			t.Fatal(err)
		}
	}
	out, err := client.ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: aws.String(bucket)})
	if err != nil || len(out.Contents) > 0 {
		t.Errorf("%d objects are left, %v", len(out.Contents), err)
	}
	testCredentials(t, readerKey, readerSecret)
	reader := testS3(S3Config{Client: testS3Client(t, AWSOptions{EndpointURL: gateway.url}), Bucket: bucket})
	oneLineError(t, reader.Delete(t.Context(), "r.csv"), "delete s3://"+bucket+"/r.csv: access denied", "allow s3:DeleteObject on arn:aws:s3:::"+bucket+"/r.csv")
}

func TestS3Trails(t *testing.T) {
	key := func(root, account, region, day string) string {
		return root + account + "/CloudTrail/" + region + "/" + day + "/" + account + "_CloudTrail_" + region + "_" + strings.ReplaceAll(day, "/", "") + "T1200Z_0123456789abcdef.json.gz"
	}
	keys := []string{
		key("org/AWSLogs/o-abcdefghij/", "111122223333", "eu-west-1", "2026/11/02"),
		key("org/AWSLogs/o-abcdefghij/", "111122223333", "us-east-1", "2026/11/03"),
		key("org/AWSLogs/o-abcdefghij/", "444455556666", "eu-west-1", "2026/11/04"),
		key("org/AWSLogs/", "111122223333", "eu-west-1", "2026/11/02"),
		"org/AWSLogs/111122223333/CloudTrail-Digest/eu-west-1/2026/11/02/x.json.gz",
		"org/AWSLogs/777788889999/Config/eu-west-1/x",
	}
	var stub s3Stub
	// What the filter leaves out is a part of the table all the same.
	src := stub.serve(t, S3Config{Prefix: "org", Accounts: []string{"111122223333"}, Regions: []string{"eu-west-1"}}, keys...)
	trails, err := src.Trails(t.Context(), func(p Problem) { t.Errorf("problem %+v", p) })
	if err != nil {
		t.Fatal(err)
	}
	want := []Trail{
		{Root: "org/AWSLogs/", Accounts: []TrailAccount{{"111122223333", []string{"eu-west-1"}}}},
		{Root: "org/AWSLogs/o-abcdefghij/", Accounts: []TrailAccount{{"111122223333", []string{"eu-west-1", "us-east-1"}}, {"444455556666", []string{"eu-west-1"}}}},
	}
	if !slices.EqualFunc(trails, want, func(a, b Trail) bool {
		return a.Root == b.Root && slices.EqualFunc(a.Accounts, b.Accounts, func(a, b TrailAccount) bool { return a.ID == b.ID && slices.Equal(a.Regions, b.Regions) })
	}) {
		t.Errorf("got  %+v\nwant %+v", trails, want)
	}
	for since, want := range map[string]string{
		"": "111122223333 eu-west-1 2, 111122223333 us-east-1 3", "2026-11-03": "111122223333 us-east-1 3, 444455556666 eu-west-1 4",
		"2026-11-04": "444455556666 eu-west-1 4", "2026-11-05": "",
	} {
		from := time.Time{}
		if since != "" {
			from, _ = time.Parse(time.DateOnly, since)
		}
		samples, err := src.Samples(t.Context(), trails[1], from, 2)
		var got []string
		for _, c := range samples {
			got = append(got, fmt.Sprint(c.Account, " ", c.Region, " ", c.Stamp.Day()))
			if rc, err := c.Open(t.Context()); err != nil {
				t.Errorf("%s: %v", c.Name, err)
			} else {
				rc.Close()
			}
		}
		if err != nil || strings.Join(got, ", ") != want {
			t.Errorf("from %s: %q, %v", since, got, err)
		}
	}

	for prefix, want := range map[string]string{"org/AWSLogs/o-abcdefghij/111122223333/CloudTrail/eu-west-1/2026/11/": "whole regions", "org/AWSLogs/777788889999": ErrNoTrail.Error()} {
		_, err := stub.serve(t, S3Config{Prefix: prefix}, keys...).Trails(t.Context(), func(Problem) {})
		oneLineError(t, err, want)
	}
	// A region's own folder is one.
	one, err := stub.serve(t, S3Config{Prefix: "org/AWSLogs/o-abcdefghij/111122223333/CloudTrail/us-east-1/"}, keys...).Trails(t.Context(), func(Problem) {})
	if err != nil || len(one) != 1 || len(one[0].Accounts) != 1 || !slices.Equal(one[0].Accounts[0].Regions, []string{"us-east-1"}) {
		t.Errorf("%+v, %v", one, err)
	}
}
