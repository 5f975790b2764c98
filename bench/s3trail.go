package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	awsconfig "github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"golang.org/x/sync/errgroup"

	"github.com/trailscan/trailscan/internal/ingest"
	"github.com/trailscan/trailscan/internal/s3test"
)

// tinyBucket is the bucket that holds a trail of tiny objects, one record each.
const tinyBucket = "tiny"

// sdkFetches is how many objects the bare loop gets at a time, and how many are
// put.
const sdkFetches = 32

// tinyTrail makes the trail and puts it into the bucket of a server, or finds it
// there, and gives its AWSLogs and the server.
func (b *bench) tinyTrail(ctx context.Context) (logs string, server *s3test.Gateway, err error) {
	c := config(b.objects)
	c.RecordsPerObject, c.RandomNames, c.SameNames = 1, 100, 20
	if b.small {
		c.Events, c.RecordsPerObject = 2_000, 20
	}
	logs, sum, err := b.trail(ctx, c)
	if err != nil {
		return "", nil, err
	}
	dir := filepath.Join(b.cache, fmt.Sprintf("s3-%d", sum.Objects))
	done := filepath.Join(dir, "done")
	_, missing := os.Stat(done)
	if missing != nil {
		if err := os.RemoveAll(dir); err != nil {
			return "", nil, err
		}
	}
	if server, err = s3test.StartIn(dir); err != nil || missing == nil {
		return logs, server, err
	}
	b.say("putting %d objects into a bucket", sum.Objects)
	if err = putTrail(ctx, server.URL, logs); err == nil {
		err = os.WriteFile(done, nil, 0o644)
	}
	if err != nil {
		server.Stop()
		return "", nil, err
	}
	return logs, server, nil
}

// sdkClient is a client as the SDK's documentation makes it. It keeps as many
// connections as are used, as whoever writes such a loop finds out; the SDK itself
// keeps 10.
func sdkClient(ctx context.Context, options ...func(*awsconfig.LoadOptions) error) (*s3.Client, error) {
	transport := awshttp.NewBuildableClient().WithTransportOptions(func(t *http.Transport) { t.MaxIdleConnsPerHost = sdkFetches })
	cfg, err := awsconfig.LoadDefaultConfig(ctx, append(options, awsconfig.WithHTTPClient(transport))...)
	if err != nil {
		return nil, err
	}
	return s3.NewFromConfig(cfg, func(o *s3.Options) { o.UsePathStyle = true }), nil
}

// putTrail puts the files of a trail into a new bucket, as CloudTrail does.
func putTrail(ctx context.Context, url, logs string) error {
	client, err := sdkClient(ctx, awsconfig.WithBaseEndpoint(url), awsconfig.WithRegion("us-east-1"),
		awsconfig.WithCredentialsProvider(credentials.NewStaticCredentialsProvider(s3test.Key, s3test.Secret, "")))
	if err != nil {
		return err
	}
	if _, err := client.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: aws.String(tinyBucket)}); err != nil {
		return err
	}
	keys, err := trailKeys(logs)
	if err != nil {
		return err
	}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(sdkFetches)
	for _, key := range keys {
		g.Go(func() error {
			body, err := os.ReadFile(filepath.Join(filepath.Dir(logs), filepath.FromSlash(key)))
			if err != nil {
				return err
			}
			_, err = client.PutObject(ctx, &s3.PutObjectInput{
				Bucket: aws.String(tinyBucket), Key: aws.String(key), Body: bytes.NewReader(body),
				ContentType: aws.String("application/json"), ContentEncoding: aws.String("gzip"),
			})
			return err
		})
	}
	return g.Wait()
}

// trailKeys are the keys of a trail's log files, without those of digests and
// Insight events, which a scan leaves where they are.
func trailKeys(logs string) ([]string, error) {
	files, err := logFiles(logs)
	if err != nil {
		return nil, err
	}
	var keys []string
	for _, path := range files {
		key, err := filepath.Rel(filepath.Dir(logs), path)
		if err != nil {
			return nil, err
		}
		key = filepath.ToSlash(key)
		if k, ok := ingest.ParseKey(key); ok && k.Kind == ingest.KindTrail {
			keys = append(keys, key)
		}
	}
	return keys, nil
}

// getAll lists a bucket, gets its objects and throws them away: what no scan that
// uses the SDK can do without.
func getAll(ctx context.Context, bucket string, stdout io.Writer) error {
	client, err := sdkClient(ctx)
	if err != nil {
		return err
	}
	keys := make(chan *string)
	n := 0
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		defer close(keys)
		pages := s3.NewListObjectsV2Paginator(client, &s3.ListObjectsV2Input{Bucket: aws.String(bucket)})
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			if err != nil {
				return err
			}
			for _, o := range page.Contents {
				select {
				case keys <- o.Key:
					n++
				case <-ctx.Done():
					return ctx.Err()
				}
			}
		}
		return nil
	})
	for range sdkFetches {
		g.Go(func() error {
			for key := range keys {
				out, err := client.GetObject(ctx, &s3.GetObjectInput{Bucket: aws.String(bucket), Key: key})
				if err != nil {
					return err
				}
				_, err = io.Copy(io.Discard, out.Body)
				out.Body.Close()
				if err != nil {
					return fmt.Errorf("%s: %w", *key, err)
				}
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	_, err = fmt.Fprintln(stdout, n)
	return err
}
