//go:build cgo

package duckdbtest

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/trailscan/trailscan/internal/athena"
	"github.com/trailscan/trailscan/internal/trailgen"
)

// unload writes the result of a query as Parquet.
func unload(t *testing.T, db *sql.DB, query, file, options string) {
	t.Helper()
	if _, err := db.Exec(fmt.Sprintf("COPY (%s) TO '%s' (FORMAT parquet, %s)", query, file, options)); err != nil {
		t.Fatalf("%s: %v", options, err)
	}
}

// TestParquet holds that a result says the same as Parquet and as CSV, however an
// engine writes it.
func TestParquet(t *testing.T) {
	dir := t.TempDir()
	_, err := trailgen.Generate(context.Background(), trailgen.OrgConfig{
		Config: trailgen.Config{Seed: 11, Out: dir}, Events: 3_000, Accounts: 2, Regions: 2,
		Start: time.Date(2026, 11, 2, 0, 0, 0, 0, time.UTC), Window: 20 * time.Hour, RecordsPerObject: 300, RandomNames: 60, SameNames: 30, Lead: 3 * time.Hour,
	})
	if err != nil {
		t.Fatal(err)
	}
	db := open(t)
	plan := athena.Plan{Tables: load(t, db, filepath.Join(dir, "AWSLogs"))}
	parts, err := plan.Parts()
	if err != nil || len(parts) != 1 {
		t.Fatal(parts, err)
	}
	query := parts[0].Query()
	text := filepath.Join(t.TempDir(), "result.csv")
	rows := export(t, db, query, text)
	want := report(t, "--format", "json", "--from-rollup", text)
	for _, options := range []string{
		"CODEC snappy", "CODEC gzip", "CODEC zstd", "CODEC uncompressed",
		"CODEC snappy, PARQUET_VERSION v2", "CODEC zstd, PARQUET_VERSION v2, DICTIONARY_SIZE_LIMIT 1",
		"CODEC snappy, ROW_GROUP_SIZE 2048", "CODEC gzip, DICTIONARY_SIZE_LIMIT 1",
		"CODEC snappy, ROW_GROUP_SIZE 2048, ROW_GROUPS_PER_FILE 1", // a folder of files
	} {
		t.Run(options, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "result")
			unload(t, db, query, file, options)
			if info, err := os.Stat(file); err != nil || info.IsDir() != strings.Contains(options, "PER_FILE") {
				t.Fatalf("%v, a folder: %v", err, info.IsDir())
			}
			got := report(t, "--format", "json", "--from-rollup", file)
			for _, section := range []string{"sessionNames", "origins", "findings", "otherSessions", "deniedAssumptions", "attribution", "coverage"} {
				differ(t, section, got[section], want[section])
			}
		})
	}
	if rows < 3*2048 {
		t.Errorf("%d rows are too few for several groups of rows", rows)
	}
}
