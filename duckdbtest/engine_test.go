//go:build cgo

package duckdbtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http/httptest"
	"os"
	"os/exec"
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
		Config: trailgen.Config{Seed: 8 + *furtherSeed, Out: dir}, Events: 1_000, Accounts: 3, Regions: 2, Org: true,
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
	delay(t, dir)
	objects := upload(t, dir)

	db := open(t)
	tables := map[string]string{}
	for _, table := range load(t, db, filepath.Join(dir, "AWSLogs")) {
		tables[table.Trail.Root] = table.Name
	}
	// What DuckDB cannot do itself it is asked in its own words.
	statement := func(query string) ([][]*string, error) {
		if m := createForm.FindStringSubmatch(query); m != nil {
			query = `CREATE VIEW IF NOT EXISTS "logs"."` + m[1] + `" AS SELECT * FROM "logs"."` + tables[locationForm.FindStringSubmatch(query)[1]] + `"`
		} else if m := dropForm.FindStringSubmatch(query); m != nil {
			query = `DROP VIEW IF EXISTS "logs"."` + m[1] + `"`
		}
		return run(db, query)
	}
	server := &athenatest.Server{
		Put: func(bucket, key string, body []byte) error {
			_, err := objects.PutObject(context.Background(), &s3.PutObjectInput{Bucket: aws.String(bucket), Key: aws.String(key), Body: bytes.NewReader(body)})
			return err
		},
		Answer: func(query string) athenatest.Answer {
			rows, err := statement(query)
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
			local := append([]string{"s3://trail", "--format", "json"}, args...)
			want := report(t, local...)
			before := len(server.Queries())
			got := report(t, append(local, "--engine", "athena", "--athena-output", "s3://results/scan/", "--athena-database", "logs")...)
			t.Logf("%v events, %d queries", got["scan"].(map[string]any)["events"], len(server.Queries())-before)
			same(t, got, want)
			queries := server.Queries()
			if last := queries[len(queries)-1].Text; !strings.HasPrefix(last, "DROP TABLE") {
				t.Errorf("the last query is %.100s", last)
			}
			out, err := objects.ListObjectsV2(context.Background(), &s3.ListObjectsV2Input{Bucket: aws.String("results")})
			if err != nil || len(out.Contents) > 0 {
				t.Errorf("%d results are left behind, %v", len(out.Contents), err)
			}

			// And by hand.
			text, err := exec.Command(trailscan, append([]string{"athena", "sql", "s3://trail", "--athena-database", "logs"}, args...)...).Output()
			if err != nil {
				t.Fatal(err)
			}
			roll := []string{"--format", "json", "--from-rollup"}
			for _, query := range strings.Split(strings.TrimSuffix(string(text), ";\n"), ";\n") {
				query = strings.TrimSpace(query)
				rows, err := statement(query)
				if err != nil {
					t.Fatalf("%v\n%s", err, query)
				}
				if strings.HasPrefix(query, "WITH ") {
					roll = append(roll, filepath.Join(t.TempDir(), fmt.Sprintf("%d.csv", len(roll))))
					write(t, roll[len(roll)-1], rows)
				}
			}
			same(t, report(t, roll...), want)
		})
	}
}

// same holds what both engines say of one window against each other.
func same(t *testing.T, got, want map[string]any) {
	t.Helper()
	for _, section := range []string{"sessionNames", "origins", "findings", "otherSessions", "deniedAssumptions", "attribution"} {
		differ(t, section, got[section], want[section])
	}
	for _, field := range []string{"events", "assumeEvents", "assumedRoleCalls", "unusedSessions", "since", "until", "complete"} {
		differ(t, "scan."+field, got["scan"].(map[string]any)[field], want["scan"].(map[string]any)[field])
	}
}

// delay makes some objects in dir be delivered hours late, a few of them on
// another day.
func delay(t *testing.T, dir string) {
	t.Helper()
	n, moved := 0, 0
	var names []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			names = append(names, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		rel, err := filepath.Rel(dir, name)
		if err != nil {
			t.Fatal(err)
		}
		key, ok := ingest.ParseKey(filepath.ToSlash(rel))
		if n++; !ok || key.Kind != ingest.KindTrail || n%7 != 0 {
			continue
		}
		stamp := key.Stamp.Add(time.Duration(n%5*5) * time.Hour)
		day := strings.Replace(filepath.Dir(name), filepath.FromSlash(key.Day.Format("2006/01/02")), filepath.FromSlash(stamp.Format("2006/01/02")), 1)
		to := filepath.Join(day, strings.Replace(filepath.Base(name), key.Stamp.Format("20060102T1504Z"), stamp.Format("20060102T1504Z"), 1))
		if err := errors.Join(os.MkdirAll(day, 0o755), os.Rename(name, to)); err != nil {
			t.Fatal(err)
		}
		moved++
	}
	if moved < 10 {
		t.Fatalf("only %d objects of %d come late", moved, n)
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
