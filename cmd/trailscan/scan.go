package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/trailscan/trailscan/internal/attribute"
	"github.com/trailscan/trailscan/internal/ingest"
	"github.com/trailscan/trailscan/internal/report"
)

// scanFlags are the flags of the scan itself.
type scanFlags struct {
	*inputFlags
	dryRun    bool
	session   parsed[string]
	format    parsed[report.Format]
	outputs   outputs
	view      parsed[string]
	top       parsed[int]
	baseline  string
	redact    bool
	failOn    parsed[attribute.Severity]
	failOnNew bool
}

func newScanFlags(now time.Time) *scanFlags {
	table, err := report.ByName("table")
	if err != nil {
		panic(err) // the list of formats is a part of the program
	}
	return &scanFlags{
		inputFlags: newInputFlags(now),
		session:    parsed[string]{kind: "GLOB", parse: parseGlob},
		format:     parsed[report.Format]{kind: "FORMAT", parse: report.ByName, value: table, text: table.Name},
		view:       parsed[string]{kind: "VIEW", parse: oneOf(report.Views()...)},
		top:        parsed[int]{kind: "N", parse: parseTop},
		failOn:     parsed[attribute.Severity]{kind: "SEVERITY", parse: attribute.ParseSeverity, text: attribute.None.String()},
	}
}

func (f *scanFlags) groups() []flagGroup {
	output := pflag.NewFlagSet("output", pflag.ContinueOnError)
	output.Var(&f.format, "format", "the report on standard output: "+words(formatNames()))
	output.VarP(&f.outputs, "output", "o", "write a report to `FILE` too, in the format of its ending ("+words(formatEndings())+"); may be repeated, and be s3://BUCKET/KEY")
	output.Var(&f.view, "view", "the rows of table and CSV: "+words(report.Views()))
	output.Var(&f.top, "top", "how many rows of a kind table, Markdown and CSV show; 0 for all")
	output.StringVar(&f.baseline, "baseline", "", "an earlier JSON report as `FILE`: mark findings as new, persisting or resolved against it")
	output.BoolVar(&f.redact, "redact", false, "replace people, addresses and key ids, the same by the same, for sharing")
	output.Var(&f.failOn, "fail-on", "exit with status 3 when a finding is as severe: none, low, medium, high, critical")
	output.BoolVar(&f.failOnNew, "fail-on-new", false, "only findings that the --baseline lacks make it fail, by themselves of any severity")

	groups := f.inputFlags.groups()
	groups[2].flags.Var(&f.session, "session", "report session names only that match")
	groups[0].flags.BoolVar(&f.dryRun, "dry-run", false, "tell how many objects, bytes, requests and dollars a scan of S3 takes, and read nothing")
	return slices.Insert(groups, 3, flagGroup{"Output", output})
}

// newScanCommand is the root: trailscan [flags] [PATH|s3://BUCKET/PREFIX ...].
func newScanCommand(p process) *cobra.Command {
	now := p.now()
	flags := newScanFlags(now)
	cmd := &cobra.Command{
		Use:     "trailscan [flags] [PATH|s3://BUCKET/PREFIX ...]",
		Short:   "Say which app or person is behind each AWS role session name",
		Long:    scanHelp,
		Example: scanExamples,
		Args:    cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			plan, err := flags.plan(args, now)
			if err != nil {
				return err
			}
			return plan.run(cmd.Context(), p)
		},
	}
	setUsage(cmd, p, flags.groups())
	completeFlags(cmd)
	return cmd
}

// scanPlan is a command line that was found to be right.
type scanPlan struct {
	*reading
	flags    *scanFlags
	baseline *attribute.Baseline // nil without one
}

// plan checks everything that can be wrong before anything is read.
func (f *scanFlags) plan(args []string, now time.Time) (*scanPlan, error) {
	rd, err := f.reading(args, now)
	if err != nil {
		return nil, err
	}
	switch {
	case f.dryRun && len(rd.from.buckets) == 0:
		return nil, usageError("leave it out: files cost nothing and the API has no price", "--dry-run tells what a scan of S3 takes, and this is none")
	case f.failOnNew && f.baseline == "":
		return nil, usageError("add --baseline OLD.json", "--fail-on-new needs an earlier report to tell what is new")
	}
	if err := f.outputs.check(rd.from); err != nil {
		return nil, err
	}
	rd.session = f.session.value
	baseline, err := readFile("baseline", f.baseline, attribute.ReadBaseline)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, &statusError{status: exitFailed, err: err, hint: "leave it out where there is no earlier report yet"}
	}
	if err != nil {
		return nil, err
	}
	return &scanPlan{reading: rd, flags: f, baseline: baseline}, nil
}

// run is the scan: read, judge, compare, write, and say how it went.
func (pl *scanPlan) run(ctx context.Context, p process) error {
	f := pl.flags
	notes := newNotes(p.stderr, f.logLevel.value, f.quiet)
	if f.dryRun && f.athena.engine.value == engineAthena {
		return pl.estimateQueries(ctx, p, notes)
	}
	if f.dryRun {
		return pl.estimate(ctx, p, notes)
	}
	if err := pl.checkBuckets(ctx, notes, f.outputs); err != nil {
		return err
	}
	res, err := pl.read(ctx, p, notes)
	if err != nil {
		return err
	}
	if pl.baseline != nil {
		res.Compare(pl.baseline, pl.options())
	}
	if f.redact {
		res.Redact()
	}
	if err := pl.writeReports(ctx, p, notes, res); err != nil {
		return err
	}
	return pl.verdict(res, notes)
}

// verdict gives the error that carries the exit status of a scan that has
// reported.
func (pl *scanPlan) verdict(res *attribute.Result, notes *notes) error {
	partly := incomplete(res.Scan)
	failing := 0
	for _, f := range res.Findings {
		if pl.flags.fails(f) {
			failing++
		}
	}
	if failing == 0 {
		return partly
	}
	if partly != nil {
		notes.warn("%s", partly)
	}
	what := fmt.Sprintf("%d findings fail", failing)
	if failing == 1 {
		what = "1 finding fails"
	}
	return &statusError{status: exitFindings, err: fmt.Errorf("%s the scan (%s)", what, pl.flags.limit())}
}

// fails reports whether a finding gives the scan its exit status.
func (f *scanFlags) fails(finding attribute.Finding) bool {
	least := f.failOn.value
	if f.failOnNew && least == attribute.None {
		least = attribute.Low
	}
	return least != attribute.None && finding.Severity >= least &&
		finding.Ignored == "" && finding.Status != attribute.StatusResolved &&
		(!f.failOnNew || finding.Status == attribute.StatusNew)
}

// limit names the flags by which findings fail the scan.
func (f *scanFlags) limit() string {
	switch {
	case !f.failOnNew:
		return "--fail-on " + f.failOn.text
	case f.failOn.value == attribute.None:
		return "--fail-on-new"
	}
	return "--fail-on-new --fail-on " + f.failOn.text
}

// lost says what part of the input is missing from a report.
func lost(s attribute.Scan) string {
	var listings, records, unverified int64
	first := s.Problems[0]
	for _, p := range s.Problems {
		if p.Lost() && !first.Lost() {
			first = p
		}
		switch {
		case p.Stage == ingest.StageList:
			listings += p.Count
		case p.Stage == ingest.StageVerify:
			unverified += p.Count
		case !p.Lost():
			records += p.Count
		}
	}
	var what []string
	if s.ObjectsFailed > 0 {
		what = append(what, fmt.Sprintf("%s of %s objects could not be read to their end", count(s.ObjectsFailed), count(s.Objects)))
	}
	if listings > 0 {
		what = append(what, plural(listings, "place")+" could not be listed")
	}
	if records > 0 {
		what = append(what, plural(records, "record")+" could not be used")
	}
	if unverified > 0 {
		what = append(what, plural(unverified, "file")+" failed verification")
	}
	if len(what) == 0 {
		what = []string{"part of the input could not be read"}
	}
	return fmt.Sprintf("the report is incomplete: %s; the first: %s", strings.Join(what, ", "), tell(first))
}

// tell words a problem and where it is.
func tell(p ingest.Problem) string {
	if strings.Contains(p.Error, p.Object) {
		return p.Error
	}
	return p.Object + ": " + p.Error
}

func plural(n int64, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return count(n) + " " + thing + "s"
}

// parseTop reads the number of rows; 0 is all of them.
func parseTop(s string) (int, error) {
	if s == "0" {
		return -1, nil
	}
	return parseCount(s)
}
