//go:build cgo

package duckdbtest

import (
	"bytes"
	"context"
	"io/fs"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/trailscan/trailscan/internal/athenatest"
	"github.com/trailscan/trailscan/internal/ingest"
	"github.com/trailscan/trailscan/internal/s3test"
	"github.com/trailscan/trailscan/internal/trailgen"
)

var (
	createForm   = regexp.MustCompile("^CREATE EXTERNAL TABLE IF NOT EXISTS `logs`.`([a-z0-9_]+)`")
	dropForm     = regexp.MustCompile("^DROP TABLE IF EXISTS `logs`.`([a-z0-9_]+)`")
	locationForm = regexp.MustCompile(`LOCATION 's3://trail/([^']*)'`)
)

// TestEngine scans a bucket with both engines: the logs lie on an S3 server, a
// stand-in takes Athena's place and DuckDB runs its queries. Chains that begin
// before the window make it look back.
func TestEngine(t *testing.T) {
	gateway, err := s3test.Start()
	if err != nil {
		t.Skip(err)
	}
	defer gateway.Stop()
	start := time.Date(2026, 11, 2, 0, 0, 0, 0, time.UTC)
	dir := t.TempDir()
	_, err = trailgen.Generate(context.Background(), trailgen.OrgConfig{
		Config: trailgen.Config{Seed: 8, Out: dir}, Events: 1_000, Accounts: 3, Regions: 2, Org: true,
		Start: start, Window: 16 * time.Hour, RecordsPerObject: 300, RandomNames: 20, SameNames: 20, Lead: 14 * time.Hour,
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{
		"AWS_ACCESS_KEY_ID": s3test.Key, "AWS_SECRET_ACCESS_KEY": s3test.Secret, "AWS_REGION": "us-east-1",
		"AWS_CONFIG_FILE": os.DevNull, "AWS_SHARED_CREDENTIALS_FILE": os.DevNull, "AWS_ENDPOINT_URL": gateway.URL,
	} {
		t.Setenv(name, value)
	}
	objects := upload(t, dir)

	db := open(t)
	tables := map[string]string{}
	for _, table := range load(t, db, filepath.Join(dir, "AWSLogs")) {
		tables[table.Trail.Root] = table.Name
	}
	server := &athenatest.Server{
		Put: func(bucket, key string, body []byte) error {
			_, err := objects.PutObject(context.Background(), &s3.PutObjectInput{Bucket: aws.String(bucket), Key: aws.String(key), Body: bytes.NewReader(body)})
			return err
		},
		Answer: func(query string) athenatest.Answer {
			if m := createForm.FindStringSubmatch(query); m != nil {
				query = `CREATE VIEW "logs"."` + m[1] + `" AS SELECT * FROM "logs"."` + tables[locationForm.FindStringSubmatch(query)[1]] + `"`
			} else if m := dropForm.FindStringSubmatch(query); m != nil {
				query = `DROP VIEW IF EXISTS "logs"."` + m[1] + `"`
			}
			rows, err := run(db, query)
			if err != nil {
				return athenatest.Answer{Failure: err.Error()}
			}
			return athenatest.Answer{Rows: rows, Scanned: 1 << 20}
		},
	}
	web := httptest.NewServer(server)
	defer web.Close()
	t.Setenv("AWS_ENDPOINT_URL_ATHENA", web.URL)

	for name, args := range map[string][]string{
		"the morning": {"--since", "2026-11-02T02:00:00Z", "--until", "2026-11-02T12:00:00Z"},
		"an hour":     {"--since", "2026-11-02T10:00:00Z", "--until", "2026-11-02T11:00:00Z", "--lookback", "30h"},
		"one region":  {"--since", "2026-11-02", "--until", "2026-11-03", "--region", "eu-west-1"},
		"two trails":  {"--since", "2026-11-02", "--until", "2026-11-02T08:00:00Z", "s3://trail/AWSLogs/"},
	} {
		t.Run(name, func(t *testing.T) {
			// Athena reads days of delivery, and so more of what came late.
			args := append([]string{"s3://trail", "--format", "json", "--delivery-margin", "15m,24h"}, args...)
			want := report(t, args...)
			before := len(server.Queries())
			got := report(t, append(args, "--engine", "athena", "--athena-output", "s3://results/scan/", "--athena-database", "logs")...)
			t.Logf("%v events, %d queries", got["scan"].(map[string]any)["events"], len(server.Queries())-before)
			for _, section := range []string{"sessionNames", "origins", "findings", "otherSessions", "deniedAssumptions", "attribution"} {
				differ(t, section, got[section], want[section])
			}
			for _, field := range []string{"events", "assumeEvents", "assumedRoleCalls", "unusedSessions", "since", "until", "complete"} {
				differ(t, "scan."+field, got["scan"].(map[string]any)[field], want["scan"].(map[string]any)[field])
			}
			queries := server.Queries()
			if last := queries[len(queries)-1].Text; !strings.HasPrefix(last, "DROP TABLE") {
				t.Errorf("the last query is %.100s", last)
			}
			out, err := objects.ListObjectsV2(context.Background(), &s3.ListObjectsV2Input{Bucket: aws.String("results")})
			if err != nil || len(out.Contents) > 0 {
				t.Errorf("%d results are left behind, %v", len(out.Contents), err)
			}
		})
	}
}

// upload makes the buckets trail, of what is in dir, and results.
func upload(t *testing.T, dir string) *s3.Client {
	t.Helper()
	ctx := context.Background()
	cfg, err := ingest.LoadAWS(ctx, ingest.AWSOptions{})
	if err != nil {
		t.Fatal(err)
	}
	client := s3.NewFromConfig(cfg)
	for _, bucket := range []string{"trail", "results"} {
		if _, err := client.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: aws.String(bucket)}); err != nil {
			t.Fatal(err)
		}
	}
	err = filepath.WalkDir(filepath.Join(dir, "AWSLogs"), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		body, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		key, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		_, err = client.PutObject(ctx, &s3.PutObjectInput{Bucket: aws.String("trail"), Key: aws.String(filepath.ToSlash(key)), Body: bytes.NewReader(body)})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return client
}
