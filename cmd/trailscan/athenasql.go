package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

const athenaHelp = `Work with Amazon Athena by hand. A scan uses it by itself with --engine athena.`

const athenaSQLHelp = `Print the statements with which --engine athena scans a trail: one that makes a
table for each trail, the queries, and one that drops the table. Accounts and
regions are looked for in the bucket, which takes a few list requests; Athena is
not asked.

Save the result of each query as CSV with its header line or as Parquet, and report
from all of them together with trailscan --from-rollup FILE... The queries are
Trino's SQL, so that they run on other engines too over a table of the same columns.
Results hold access key ids and ARNs: keep them where few can read them.`

const athenaSQLExamples = `  trailscan athena sql s3://trail-logs --since 30d > queries.sql
  trailscan --from-rollup use-1.csv use-2.csv -o report.html`

func newAthenaCommand(p process) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "athena",
		Short: "Print the queries that a scan runs on Amazon Athena",
		Long:  athenaHelp,
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return usageError("trailscan athena sql s3://BUCKET/PREFIX", "athena needs a command behind it: sql")
		},
	}
	setUsage(cmd, p, nil)
	cmd.AddCommand(newAthenaSQLCommand(p))
	return cmd
}

func newAthenaSQLCommand(p process) *cobra.Command {
	now := p.now()
	f := newInputFlags(now)
	f.athena.engine.value = engineAthena
	documented := false
	cmd := &cobra.Command{
		Use:     "sql [flags] s3://BUCKET/PREFIX",
		Short:   "Print the table's definition and the queries",
		Long:    athenaSQLHelp,
		Example: athenaSQLExamples,
		Args:    cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			rd, err := f.reading(args, now)
			if err != nil {
				return err
			}
			if len(rd.from.buckets) == 0 {
				return usageError("give --bucket NAME or s3://BUCKET/PREFIX", "athena sql is about the bucket of a trail, and this is none")
			}
			return rd.printQueries(cmd.Context(), p, documented)
		},
	}
	groups := f.groups()
	table := pflag.NewFlagSet("table", pflag.ContinueOnError)
	table.AddFlag(groups[4].flags.Lookup("athena-database"))
	table.BoolVar(&documented, "documented-members", false, "leave out the members of userIdentity that AWS's own definition of the table lacks, for readers that fail on them; the origins of some sessions then stay unknown")
	source := pick(groups[0], "bucket", "prefix")
	filter := pick(groups[2], "account", "region")
	running := pick(groups[5], "quiet", "log-level")
	setUsage(cmd, p, []flagGroup{source, groups[1], filter, groups[3], {"Table", table}, running})
	return cmd
}

// pick makes a group of some of a group's flags.
func pick(g flagGroup, names ...string) flagGroup {
	set := pflag.NewFlagSet(g.title, pflag.ContinueOnError)
	for _, name := range names {
		set.AddFlag(g.flags.Lookup(name))
	}
	return flagGroup{g.title, set}
}

// printQueries prints what Athena would be asked.
func (rd *reading) printQueries(ctx context.Context, p process, documented bool) error {
	notes := newNotes(p.stderr, rd.flags.logLevel.value, rd.flags.quiet)
	q, err := rd.openQueries(ctx, notes)
	if err != nil {
		return err
	}
	if documented {
		for i := range q.plan.Tables {
			t := &q.plan.Tables[i]
			t.Documented = true
			t.Name = t.KeptName()
		}
	}
	parts, err := q.plan.Parts()
	if err != nil {
		return err
	}
	lookback, err := q.plan.Lookback()
	if err != nil {
		return err
	}
	if err := writeQueries(p.stdout, q.plan.Tables, parts, lookback); err != nil {
		return fmt.Errorf("standard output: %w", bare(err))
	}
	return incompletePlan(q.trails)
}
