//go:build cgo

package duckdbtest

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"database/sql"
	"encoding/csv"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	_ "github.com/duckdb/duckdb-go/v2"

	"github.com/trailscan/trailscan/internal/athena"
	"github.com/trailscan/trailscan/internal/athenatest"
	"github.com/trailscan/trailscan/internal/ingest"
	"github.com/trailscan/trailscan/internal/trailgen"
)

// corporaVariable names folders of trails to try beside the generated ones, as
// PATH does. Each holds AWSLogs.
const corporaVariable = "TRAILSCAN_CORPORA"

// trailscan is the program under test, built once.
var trailscan string

func TestMain(m *testing.M) {
	os.Exit(func() int {
		dir, err := os.MkdirTemp("", "trailscan-duckdb-*")
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer os.RemoveAll(dir)
		trailscan = filepath.Join(dir, "trailscan")
		build := exec.Command("go", "build", "-o", trailscan, "./cmd/trailscan")
		build.Dir, build.Env = "..", append(os.Environ(), "CGO_ENABLED=0")
		if out, err := build.CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "go build: %v\n%s", err, out)
			return 1
		}
		return m.Run()
	}())
}

// furtherSeed makes other organizations than those of every run.
var furtherSeed = flag.Uint64("seed", 0, "a number to add to the seeds of generated organizations")

// TestGenerated holds both ways against each other on generated organizations.
func TestGenerated(t *testing.T) {
	start := time.Date(2026, 11, 2, 0, 0, 0, 0, time.UTC)
	for _, test := range []struct {
		name    string
		seed    uint64
		missing float64
		org     bool
		plan    athena.Plan
	}{
		{name: "everything", seed: 1},
		{name: "a window", seed: 2, plan: athena.Plan{Scan: athena.Scan{Since: start.Add(6 * time.Hour), Until: start.Add(20 * time.Hour), Lookback: 12 * time.Hour}}},
		{name: "assume events missing", seed: 3, missing: 0.3, org: true},
		{name: "split by accounts", seed: 4, org: true, plan: athena.Plan{MaxPartitions: 8, Scan: athena.Scan{Since: start, Until: start.Add(day), Lookback: 12 * time.Hour}}},
		{name: "split by time", seed: 5, plan: athena.Plan{MaxPartitions: 8, Scan: athena.Scan{Since: start.Add(-30 * time.Hour), Until: start.Add(day), Lookback: 12 * time.Hour}}},
		{name: "one account", seed: 6, plan: athena.Plan{Scan: athena.Scan{Since: start, Until: start.Add(day), Lookback: 12 * time.Hour, Accounts: []string{"first"}}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			_, err := trailgen.Generate(context.Background(), trailgen.OrgConfig{
				Config: trailgen.Config{Seed: test.seed + *furtherSeed, Out: dir}, Events: 2_000, Accounts: 3, Regions: 2, Org: test.org,
				Start: start, Window: 20 * time.Hour, Missing: test.missing, RecordsPerObject: 300, RandomNames: 60, SameNames: 30, Lead: 3 * time.Hour,
			})
			if err != nil {
				t.Fatal(err)
			}
			compare(t, filepath.Join(dir, "AWSLogs"), test.plan)
		})
	}
}

// TestScenarios holds both ways against each other on the small trails.
func TestScenarios(t *testing.T) {
	for _, name := range trailgen.ScenarioNames() {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if _, err := trailgen.Scenario(context.Background(), name, trailgen.Config{Seed: 7, Out: dir}); err != nil {
				t.Fatal(err)
			}
			compare(t, filepath.Join(dir, "AWSLogs"), athena.Plan{})
		})
	}
}

var update = flag.Bool("update", false, "write the results that the program's own tests read anew")

// TestFixture holds the result that the tests of the command line read.
func TestFixture(t *testing.T) {
	db := open(t)
	start := time.Date(2026, 11, 2, 0, 0, 0, 0, time.UTC)
	plan := athena.Plan{
		Scan:   athena.Scan{Since: start, Until: start.Add(day), Lookback: 12 * time.Hour, Before: 15 * time.Minute, After: time.Hour},
		Tables: load(t, db, "../testdata/trails/string-value/AWSLogs"),
		Now:    start.Add(28 * day),
	}
	parts, err := plan.Parts()
	if err != nil || len(parts) != 1 {
		t.Fatal(parts, err)
	}
	table, err := run(db, parts[0].Query())
	if err != nil {
		t.Fatal(err)
	}
	slices.SortFunc(table[1:], func(a, b []*string) int { return strings.Compare(*a[0], *b[0]) })
	var got bytes.Buffer
	if err := writeCSV(&got, table); err != nil {
		t.Fatal(err)
	}
	const name = "../cmd/trailscan/testdata/rollup/string-value.csv"
	if *update {
		if err := os.WriteFile(name, got.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		unload(t, db, parts[0].Query(), "../cmd/trailscan/testdata/rollup/string-value.parquet", "CODEC zstd, ROW_GROUP_SIZE 2048")
	}
	if want, err := os.ReadFile(name); err != nil || !bytes.Equal(got.Bytes(), want) {
		t.Errorf("%s is out of date (%v): go test -run TestFixture -update", name, err)
	}
}

// TestCorpora tries trails that are no part of the repository: all of each, and
// each half of its time.
func TestCorpora(t *testing.T) {
	list := os.Getenv(corporaVariable)
	if list == "" {
		t.Skip(corporaVariable + " names no folders to try")
	}
	for _, dir := range filepath.SplitList(list) {
		logs := filepath.Join(dir, "AWSLogs")
		t.Run(filepath.Base(dir), func(t *testing.T) { compare(t, logs, athena.Plan{}) })
		t.Run(filepath.Base(dir)+" in halves", func(t *testing.T) {
			since, until := span(t, logs)
			middle := since.Add(until.Sub(since) / 2).Truncate(time.Minute)
			// Objects that were put together anew may be stamped hours before their events.
			compare(t, logs, athena.Plan{Scan: athena.Scan{Since: since, Until: middle, Lookback: 12 * time.Hour, Before: day}})
			compare(t, logs, athena.Plan{Scan: athena.Scan{Since: middle, Until: until, Lookback: 12 * time.Hour, Before: day}})
		})
	}
}

// span is from when to when there are events in dir.
func span(t *testing.T, dir string) (since, until time.Time) {
	t.Helper()
	for _, c := range report(t, "--format", "json", dir)["coverage"].([]any) {
		c := c.(map[string]any)
		if c["from"] == nil {
			continue
		}
		from, err := time.Parse(time.RFC3339, c["from"].(string))
		if err != nil {
			t.Fatal(err)
		}
		to, err := time.Parse(time.RFC3339, c["to"].(string))
		if err != nil {
			t.Fatal(err)
		}
		if since.IsZero() || from.Before(since) {
			since = from
		}
		if to.Add(time.Second).After(until) {
			until = to.Add(time.Second)
		}
	}
	if until.IsZero() {
		t.Skip("no events")
	}
	return since, until
}

const day = 24 * time.Hour

// compare holds the report from the results of the queries over the logs in dir
// against that of a local scan.
func compare(t *testing.T, dir string, plan athena.Plan) {
	db := open(t)
	plan.Tables = load(t, db, dir)
	plan.Now = time.Date(2026, 11, 30, 0, 0, 0, 0, time.UTC)
	// Files are read whole, whenever they were delivered.
	plan.Scan.Before, plan.Scan.After = max(plan.Scan.Before, 15*time.Minute), day
	if slices.Equal(plan.Scan.Accounts, []string{"first"}) {
		plan.Scan.Accounts = plan.Tables[0].Accounts()[:1]
	}
	parts, err := plan.Parts()
	if err != nil {
		t.Fatal(err)
	}
	lookback, err := plan.Lookback()
	if err != nil {
		t.Fatal(err)
	}
	var results []string
	events, rows := 0, 0
	for i, part := range slices.Concat(parts, lookback) {
		file := filepath.Join(t.TempDir(), fmt.Sprintf("part-%d.csv", i))
		rows += export(t, db, part.Query(), file)
		results = append(results, file)
		if text, err := os.ReadFile(file); err != nil || bytes.Contains(text, []byte("IQoJ")) {
			t.Errorf("a result holds a session token (%v)", err)
		}
	}
	local := []string{"--format", "json", dir}
	if !plan.Scan.Since.IsZero() {
		local = append(local, "--since", plan.Scan.Since.Format(time.RFC3339), "--until", plan.Scan.Until.Format(time.RFC3339),
			"--lookback", fmt.Sprintf("%.0fs", plan.Scan.Lookback.Seconds()))
	}
	for _, a := range plan.Scan.Accounts {
		local = append(local, "--account", a)
	}
	want := report(t, local...)
	got := report(t, append([]string{"--format", "json", "--from-rollup"}, results...)...)
	fmt.Sscan(string(want["scan"].(map[string]any)["events"].(json.Number)), &events)
	t.Logf("%d events, %d parts, %d rows", events, len(results), rows)

	for _, section := range []string{"sessionNames", "origins", "findings", "otherSessions", "deniedAssumptions", "attribution"} {
		differ(t, section, got[section], want[section])
	}
	for _, field := range []string{"events", "duplicates", "assumeEvents", "assumedRoleCalls", "unusedSessions", "since", "until"} {
		differ(t, "scan."+field, got["scan"].(map[string]any)[field], want["scan"].(map[string]any)[field])
	}
	differ(t, "coverage", covered(got), covered(want))
}

// covered is from when to when events of which account and region were read.
// Which objects they stood in no result of a query tells.
func covered(report map[string]any) map[string]any {
	all := map[string]any{}
	for _, c := range report["coverage"].([]any) {
		if c := c.(map[string]any); c["from"] != nil {
			all[fmt.Sprint(c["accountId"], " ", c["region"])] = []any{c["from"], c["to"]}
		}
	}
	return all
}

// report runs trailscan and reads its JSON.
func report(t *testing.T, args ...string) map[string]any {
	t.Helper()
	cmd := exec.Command(trailscan, args...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	var exit *exec.ExitError
	if err != nil && !(errors.As(err, &exit) && exit.ExitCode() == 4) { // part of it could not be read
		t.Fatalf("trailscan %q: %v\n%s", args, err, stderr.Bytes())
	}
	var v map[string]any
	d := json.NewDecoder(bytes.NewReader(out))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		t.Fatal(err)
	}
	return v
}

// differ tells where two values of JSON differ, in a few lines.
func differ(t *testing.T, path string, got, want any) {
	t.Helper()
	told := 0
	var walk func(path string, got, want any)
	walk = func(path string, got, want any) {
		if told >= 10 || reflect.DeepEqual(got, want) {
			return
		}
		g, w := reflect.ValueOf(got), reflect.ValueOf(want)
		switch {
		case got != nil && want != nil && g.Kind() == reflect.Map && w.Kind() == reflect.Map:
			keys := map[string]bool{}
			for _, v := range []any{got, want} {
				for k := range v.(map[string]any) {
					keys[k] = true
				}
			}
			for k := range keys {
				walk(path+"."+k, got.(map[string]any)[k], want.(map[string]any)[k])
			}
		case got != nil && want != nil && g.Kind() == reflect.Slice && w.Kind() == reflect.Slice && g.Len() == w.Len():
			for i := range g.Len() {
				walk(fmt.Sprintf("%s[%d]", path, i), got.([]any)[i], want.([]any)[i])
			}
		default:
			told++
			t.Errorf("%s: from the results %.300v\nby the local scan %.300v", path, got, want)
		}
	}
	walk(path, got, want)
}

// macros are the functions of Athena that DuckDB lacks or calls otherwise.
var macros = []string{
	`SET TimeZone = 'UTC'`,
	`CREATE MACRO from_iso8601_timestamp(s) AS CAST(s AS TIMESTAMPTZ)`,
	`CREATE MACRO to_unixtime(t) AS epoch(t)`,
	`CREATE MACRO regexp_like(s, p) AS regexp_matches(s, p)`,
	`CREATE MACRO json_format(j) AS CAST(j AS VARCHAR)`,
	`CREATE MACRO json_extract_scalar(j, p) AS CASE WHEN json_valid(j) THEN json_extract_string(j, p) END`,
	`CREATE MACRO array_join(a, s) AS array_to_string(a, s)`,
}

func open(t *testing.T) *sql.DB {
	db, err := sql.Open("duckdb", "")
	if err != nil {
		t.Skipf("no DuckDB to run the queries with: %v", err)
	}
	db.SetMaxOpenConns(1) // settings are the connection's
	t.Cleanup(func() { db.Close() })
	for _, m := range macros {
		if _, err := db.Exec(m); err != nil {
			t.Fatalf("%s: %v", m, err)
		}
	}
	return db
}

// recordType is the type of a record in DuckDB, whose readers mind the case of
// names and whose queries do not. Objects where a string is wanted become JSON,
// as Athena's reader of CloudTrail makes them.
var recordType = [][2]string{
	{"eventTime", "VARCHAR"}, {"eventSource", "VARCHAR"}, {"eventName", "VARCHAR"}, {"awsRegion", "VARCHAR"},
	{"sourceIPAddress", "VARCHAR"}, {"userAgent", "VARCHAR"}, {"errorCode", "VARCHAR"}, {"errorMessage", "VARCHAR"},
	{"requestParameters", "VARCHAR"}, {"responseElements", "VARCHAR"}, {"additionalEventData", "VARCHAR"},
	{"serviceEventDetails", "VARCHAR"}, {"eventID", "VARCHAR"}, {"eventType", "VARCHAR"}, {"eventCategory", "VARCHAR"},
	{"recipientAccountId", "VARCHAR"}, {"sharedEventID", "VARCHAR"}, {"vpcEndpointAccountId", "VARCHAR"},
	{"sessionCredentialFromConsole", "VARCHAR"},
	{"addendum", "STRUCT(reason VARCHAR, updatedFields VARCHAR, originalEventID VARCHAR)"},
	{"userIdentity", `STRUCT(type VARCHAR, principalId VARCHAR, arn VARCHAR, accountId VARCHAR, invokedBy VARCHAR, accessKeyId VARCHAR, userName VARCHAR,
		identityProvider VARCHAR, credentialId VARCHAR, invokedByDelegate STRUCT(accountId VARCHAR), onBehalfOf STRUCT(userId VARCHAR, identityStoreArn VARCHAR),
		inScopeOf STRUCT(sourceArn VARCHAR, sourceAccount VARCHAR, issuerType VARCHAR, credentialsIssuedTo VARCHAR),
		sessionContext STRUCT(
			sessionIssuer STRUCT(type VARCHAR, arn VARCHAR, principalId VARCHAR, accountId VARCHAR, userName VARCHAR),
			attributes STRUCT(creationDate VARCHAR, mfaAuthenticated VARCHAR, sessionCredentialFromConsole VARCHAR),
			webIdFederationData STRUCT(federatedProvider VARCHAR, attributes MAP(VARCHAR, VARCHAR)),
			sourceIdentity VARCHAR, ec2RoleDelivery VARCHAR, assumedRoot VARCHAR, signInSessionArn VARCHAR))`},
	{"account", "VARCHAR"}, {"region", "VARCHAR"}, {"timestamp", "VARCHAR"}, {"$path", "VARCHAR"},
}

// load makes a table of each trail in dir, which is AWSLogs, as Athena would show
// them: with a row for each record and the partitions as columns.
func load(t *testing.T, db *sql.DB, dir string) []athena.Table {
	t.Helper()
	type trail struct {
		regions map[string][]string
		out     *bufio.Writer
		file    *os.File
	}
	trails := map[string]*trail{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		rel, err := filepath.Rel(filepath.Dir(dir), path)
		if err != nil {
			return err
		}
		key, ok := ingest.ParseKey(filepath.ToSlash(rel))
		if !ok || key.Kind != ingest.KindTrail {
			return nil
		}
		root, _, _ := strings.Cut(filepath.ToSlash(rel), key.Account+"/"+ingest.KindTrail+"/")
		tr := trails[root]
		if tr == nil {
			file, err := os.Create(filepath.Join(t.TempDir(), "records.json"))
			if err != nil {
				return err
			}
			tr = &trail{regions: map[string][]string{}, file: file, out: bufio.NewWriter(file)}
			trails[root] = tr
		}
		if !slices.Contains(tr.regions[key.Account], key.Region) {
			tr.regions[key.Account] = append(tr.regions[key.Account], key.Region)
		}
		return records(path, func(r map[string]json.RawMessage) error {
			for name, value := range map[string]string{"account": key.Account, "region": key.Region, "timestamp": key.Day.Format("2006/01/02"), "$path": "s3://trail/" + filepath.ToSlash(rel)} {
				r[name], _ = json.Marshal(value)
			}
			line, err := json.Marshal(r)
			tr.out.Write(line)
			tr.out.WriteByte('\n')
			return err
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec(`CREATE SCHEMA logs`); err != nil {
		t.Fatal(err)
	}
	var tables []athena.Table
	var columns []string
	for _, c := range recordType {
		columns = append(columns, fmt.Sprintf("'%s': '%s'", c[0], c[1]))
	}
	for root, tr := range trails {
		if err := errors.Join(tr.out.Flush(), tr.file.Close()); err != nil {
			t.Fatal(err)
		}
		table := athena.Table{Database: "logs", Name: fmt.Sprintf("trail_%d", len(tables)), Bucket: "trail", Trail: ingest.Trail{Root: root}}
		for account, regions := range tr.regions {
			slices.Sort(regions)
			table.Trail.Accounts = append(table.Trail.Accounts, ingest.TrailAccount{ID: account, Regions: regions})
		}
		query := fmt.Sprintf(`CREATE TABLE "logs"."%s" AS SELECT * FROM read_json('%s', format = 'newline_delimited', ignore_errors = true, maximum_object_size = 33554432, columns = {%s})`,
			table.Name, tr.file.Name(), strings.Join(columns, ", "))
		if _, err := db.Exec(query); err != nil {
			t.Fatal(err)
		}
		tables = append(tables, table)
	}
	if len(tables) == 0 {
		t.Fatalf("%s holds no trail", dir)
	}
	return tables
}

// records gives the records of a file as CloudTrail delivers it.
func records(path string, each func(map[string]json.RawMessage) error) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	plain, err := gzip.NewReader(file)
	if err != nil {
		return err
	}
	var object struct{ Records []json.RawMessage }
	if err := json.NewDecoder(plain).Decode(&object); err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		return err
	}
	for _, r := range object.Records {
		var record map[string]json.RawMessage
		if err := json.Unmarshal(r, &record); err != nil {
			continue // no object, as a table shows none
		}
		if err := each(record); err != nil {
			return err
		}
	}
	return nil
}

// export writes the result of a query as Athena does, and gives its rows.
func export(t *testing.T, db *sql.DB, query, file string) int {
	t.Helper()
	table, err := run(db, query)
	if err != nil {
		t.Fatalf("%v\n%s", err, query)
	}
	write(t, file, table)
	return len(table) - 1
}

// write writes the rows of a result as CSV.
func write(t *testing.T, file string, table [][]*string) {
	t.Helper()
	out, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	if err := writeCSV(out, table); err != nil {
		t.Fatal(err)
	}
}

func writeCSV(out io.Writer, table [][]*string) error {
	w := csv.NewWriter(out)
	for _, row := range table {
		cells := make([]string, len(row))
		for i, cell := range row {
			if cell != nil {
				cells[i] = *cell
			}
		}
		w.Write(cells)
	}
	w.Flush()
	return w.Error()
}

// run gives the rows of a query's result, the names of the columns first.
func run(db *sql.DB, query string) ([][]*string, error) {
	rows, err := db.Query(query)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	names, err := rows.Columns()
	if err != nil {
		return nil, err
	}
	table := athenatest.Table(names)
	for rows.Next() {
		cells, places := make([]*string, len(names)), make([]any, len(names))
		for i := range cells {
			places[i] = &cells[i]
		}
		if err := rows.Scan(places...); err != nil {
			return nil, err
		}
		table = append(table, cells)
	}
	return table, rows.Err()
}
