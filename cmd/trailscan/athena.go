package main

import (
	"errors"
	"fmt"
	"regexp"
	"time"

	"github.com/spf13/pflag"

	"github.com/trailscan/trailscan/internal/ingest"
)

// The values of --engine.
const (
	engineLocal  = "local"
	engineAthena = "athena"
)

// athenaFlags say whether and how Amazon Athena does the reading.
type athenaFlags struct {
	engine    parsed[string]
	rollup    parsed[string]
	workgroup parsed[string]
	output    parsed[location]
	database  parsed[string]
	maxScan   parsed[int64]
	keep      bool
}

func newAthenaFlags() athenaFlags {
	return athenaFlags{
		engine:    parsed[string]{kind: "ENGINE", parse: oneOf(engineLocal, engineAthena), value: engineLocal, text: engineLocal},
		rollup:    parsed[string]{kind: "FILE", parse: parseGiven},
		workgroup: parsed[string]{kind: "NAME", parse: parseWorkgroup, value: "primary", text: "primary"},
		output:    parsed[location]{kind: "s3://BUCKET/PREFIX", parse: parseOutput},
		database:  parsed[string]{kind: "NAME", parse: parseDatabase, value: "default", text: "default"},
		maxScan:   parsed[int64]{kind: "SIZE", parse: parseSize},
	}
}

// set makes the flags of a scan.
func (f *athenaFlags) set() *pflag.FlagSet {
	set := f.querySet()
	set.Var(&f.engine, "engine", "what reads a bucket's logs: local is this machine, athena is Amazon Athena, which bills what it scans")
	set.Var(&f.maxScan, "max-scan-bytes", "do not let Athena scan more than that, such as 500GB; its price is for the bytes as stored")
	set.BoolVar(&f.keep, "keep", false, "leave the table and the results of the queries behind; the table is used again as long as the trail has the same accounts and regions")
	set.Var(&f.rollup, "from-rollup", "report from results of the queries that trailscan athena sql prints, as CSV with a header line or as Parquet; a folder is one result in several files; further FILEs follow as operands")
	return set
}

// querySet makes the flags that say what queries are about.
func (f *athenaFlags) querySet() *pflag.FlagSet {
	set := pflag.NewFlagSet("athena", pflag.ContinueOnError)
	set.Var(&f.workgroup, "workgroup", "the workgroup that the queries run in")
	set.Var(&f.output, "athena-output", "where the results go; they hold access key ids and ARNs, so that the place should be private and let objects expire (default: the workgroup's)")
	set.Var(&f.database, "athena-database", "the database that the table is made in")
	return set
}

var (
	workgroupForm = regexp.MustCompile(`^[a-zA-Z0-9._-]{1,128}$`)
	databaseForm  = regexp.MustCompile(`^[a-z0-9_]{1,255}$`)
)

// parseWorkgroup checks a workgroup's name:
// https://docs.aws.amazon.com/athena/latest/APIReference/API_WorkGroup.html
func parseWorkgroup(s string) (string, error) {
	if !workgroupForm.MatchString(s) {
		return "", errors.New("letters, digits, dots, hyphens and underscores, 128 at most")
	}
	return s, nil
}

// parseDatabase checks a database's name, which goes into the text of queries:
// https://docs.aws.amazon.com/athena/latest/ug/tables-databases-columns-names.html
func parseDatabase(s string) (string, error) {
	if !databaseForm.MatchString(s) {
		return "", errors.New("lower-case letters, digits and underscores only")
	}
	return s, nil
}

func parseOutput(s string) (location, error) {
	rest, ok := cutScheme(s)
	if !ok {
		return location{}, errors.New("not a place such as s3://query-results/trailscan/")
	}
	return parseLocation(rest)
}

// checkAthena finds flags that do not go together.
func (f *inputFlags) checkAthena(from operands) error {
	a := &f.athena
	onAthena := a.engine.value == engineAthena
	switch {
	case onAthena && len(from.buckets) == 0:
		return usageError("give --bucket NAME or s3://BUCKET/PREFIX", "--engine athena reads the bucket of a trail, and this is none")
	case onAthena && f.verify.on, len(from.rollups) > 0 && f.verify.on:
		return usageError("verify with --engine local", "--verify checks the objects that are read, and here Athena reads them")
	case onAthena && a.output.given && len(from.buckets) > 0:
		return output{path: "s3://" + a.output.value.bucket + "/" + a.output.value.prefix, object: &a.output.value}.checkResults(from.buckets)
	case onAthena:
		return nil
	}
	for _, flag := range []struct {
		name  string
		given bool
	}{
		{"workgroup", a.workgroup.given}, {"athena-output", a.output.given}, {"athena-database", a.database.given},
		{"max-scan-bytes", a.maxScan.given}, {"keep", a.keep},
	} {
		if flag.given {
			return usageError("add --engine athena", "--%s is about queries on Athena, and none is asked for", flag.name)
		}
	}
	if len(from.rollups) == 0 {
		return nil
	}
	for _, flag := range []struct {
		name  string
		given bool
	}{
		{"since", f.since.given}, {"until", f.until.given}, {"lookback", f.lookback.given},
		{"account", f.accounts.values != nil}, {"region", f.regions.values != nil},
	} {
		if flag.given {
			return usageError("leave it out, or run the queries that trailscan athena sql prints with it", "--%s was settled when the queries ran: the results say it", flag.name)
		}
	}
	return nil
}

// checkResults keeps results out of the trail: the next query would read them.
func (o output) checkResults(trails []location) error {
	if err := o.checkObject(trails); err != nil {
		return usageError("give a place outside of it, or another bucket", "--athena-output %s lies below the trail that is read", o.path)
	}
	return nil
}

// lookback is how far before the window assume events are believed.
func (rd *reading) lookback() time.Duration {
	if rd.rollup != nil {
		return rd.rollup.scan.Lookback
	}
	return rd.flags.lookback.value
}

// placed says which object of the input a problem is about.
func placed(p ingest.Problem, name string) ingest.Problem {
	if p.Object == "" {
		p.Object = name
	}
	return p
}

// errRollup is wrong about the result of a query.
func errRollup(name string, err error) error {
	return fmt.Errorf("--from-rollup %s: %w", name, bare(err))
}
