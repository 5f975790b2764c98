package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/trailscan/trailscan/internal/attribute"
	"github.com/trailscan/trailscan/internal/ingest"
)

// allRegions is the value of --region that stands for every region.
const allRegions = "all"

// awsFetchers is how many things are fetched from AWS at a time unless the user
// says or a bucket finds it out: an answer takes tens of milliseconds.
const awsFetchers = 32

// reading is what the input flags ask for, found to be right: where from, which
// part of it, and how it is to be understood.
type reading struct {
	flags  *inputFlags
	now    time.Time
	from   operands
	window window
	config *attribute.Config   // nil without one
	ranges *attribute.IPRanges // nil for the list that is built in
	keys   *ingest.PublicKeys  // nil to ask CloudTrail for them
	rollup *rollup             // nil unless results of queries are read
	pace   *ingest.Pace        // nil unless buckets are read, and nobody said how many objects at a time

	session  string                   // a glob for session names, or empty
	accounts []string                 // whose calls are read, none for all
	narrowed []ingest.LookupAttribute // what LookupEvents is asked for, none for everything
	actions  bool                     // keep which APIs were called
}

// reading checks the input flags and reads the files that they name.
func (f *inputFlags) reading(args []string, now time.Time) (*reading, error) {
	from, err := f.operands(args)
	if err != nil {
		return nil, err
	}
	rd := &reading{flags: f, now: now, from: from, accounts: f.accounts.values}
	if rd.window, err = f.window(from, now); err != nil {
		return nil, err
	}
	if err := f.checkAthena(from); err != nil {
		return nil, err
	}
	if len(from.rollups) > 0 {
		if err := rd.openRollup(); err != nil {
			return nil, err
		}
	}
	if slices.Contains(f.regions.values, allRegions) && len(f.regions.values) > 1 {
		return nil, usageError("", "--region all takes no other region beside it")
	}
	if rd.keys, err = f.verify.check(from); err != nil {
		return nil, err
	}
	rd.config, err = readFile("config", f.config, func(r io.Reader) (*attribute.Config, error) {
		return attribute.ReadConfig(f.config, r)
	})
	if err != nil {
		return nil, err
	}
	rd.ranges, err = readFile("aws-ip-ranges", f.ipRanges, attribute.ReadIPRanges)
	return rd, err
}

// readFile reads the file that a flag names, if any. A file that cannot be read
// is a failure, one that says something wrong is wrong usage.
func readFile[T any](flag, name string, read func(io.Reader) (*T, error)) (*T, error) {
	if name == "" {
		return nil, nil
	}
	file, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("--%s %s: %w", flag, name, bare(err))
	}
	defer file.Close()
	v, err := read(file)
	var failed *fs.PathError
	switch {
	case errors.As(err, &failed):
		return nil, fmt.Errorf("--%s %s: %w", flag, name, failed.Err)
	case err != nil && flag == "config": // names the file itself, with the line
		return nil, usageError("", "%w", err)
	case err != nil:
		return nil, usageError("", "--%s %s: %w", flag, name, err)
	}
	return v, nil
}

// regions are the regions to read, none for all.
func (rd *reading) regions() []string {
	if rd.rollup != nil {
		return rd.rollup.scan.Regions
	}
	if slices.Contains(rd.flags.regions.values, allRegions) {
		return nil
	}
	return rd.flags.regions.values
}

// input is an open source.
type input struct {
	source       ingest.Source
	listRequests func() int64 // nil where there are none
	listed       func() []ingest.ListedRegion
	guess        string // what was taken for granted where nothing was said, or empty
}

// open opens the sources.
func (rd *reading) open(ctx context.Context, p process, notes *notes) ([]input, error) {
	if rd.from.local() {
		local := ingest.NewLocal(rd.from.paths, p.stdin)
		local.Workers = rd.workers()
		return []input{{source: local, listed: local.Listed}}, nil
	}
	cfg, err := rd.loadAWS(ctx, notes)
	if err != nil {
		return nil, err
	}
	if rd.from.lookup {
		in, err := rd.openLookup(ctx, cfg)
		if err != nil {
			return nil, err
		}
		if in.guess != "" {
			notes.warn("%s", in.guess)
		}
		return []input{in}, nil
	}
	if !rd.flags.concurrency.given {
		rd.pace = ingest.NewPace(p.now)
	}
	var inputs []input
	for _, l := range rd.from.buckets {
		bucket := rd.openBucket(cfg, l, notes)
		inputs = append(inputs, input{source: bucket, listRequests: bucket.ListRequests, listed: bucket.Listed})
	}
	return inputs, nil
}

func (rd *reading) loadAWS(ctx context.Context, notes *notes) (aws.Config, error) {
	return ingest.LoadAWS(ctx, ingest.AWSOptions{
		Profile:     rd.flags.profile,
		EndpointURL: rd.flags.endpoint,
		Version:     version(),
		OnRetry:     func(err error) { notes.debug("again after %s", err) },
	})
}

func (rd *reading) openBucket(cfg aws.Config, l location, notes *notes) *ingest.S3 {
	return ingest.NewS3(ingest.S3Config{
		Client: s3.NewFromConfig(cfg),
		Bucket: l.bucket, Prefix: l.prefix,
		Since: rd.window.since, Until: rd.window.until,
		MarginBefore: rd.flags.margin.value.before, MarginAfter: rd.flags.margin.value.after,
		Accounts: rd.accounts, Regions: rd.regions(),
		RequestPayer: rd.flags.requestPayer.given,
		OnRetry:      func(err error) { notes.debug("again after %s", err) },
		OnThrottle:   rd.pace.Throttled,
	})
}

func (rd *reading) openLookup(ctx context.Context, cfg aws.Config) (input, error) {
	regions, guess := rd.flags.regions.values, ""
	switch {
	case slices.Contains(regions, allRegions):
		var err error
		if regions, guess, err = ingest.ListRegions(ctx, cfg); err != nil {
			return input{}, err
		}
	case len(regions) == 0 && !ingest.RegionNamed(cfg):
		guess = "no region is configured: asking " + cfg.Region + " alone; name the regions with --region, or all with --region all"
	}
	lookup := ingest.NewLookup(ingest.LookupConfig{
		AWS: cfg, Regions: regions,
		Since: rd.window.since, Until: rd.window.until, Now: rd.now,
		Attributes: rd.narrowed,
	})
	return input{lookup, lookup.Requests, lookup.Listed, guess}, nil
}

// read reads the input and judges it.
func (rd *reading) read(ctx context.Context, p process, notes *notes) (*attribute.Result, error) {
	audit := attribute.NewAudit(rd.options())
	got, err := rd.readInto(ctx, p, notes, audit)
	if err != nil {
		return nil, err
	}
	notes.info("read %s, %s; judging", plural(got.totals.Objects, "object"), size(got.totals.Bytes))
	stop := newProgress(p, notes, rd.flags.progress.value, rd.flags.quiet).follow("judging", func(elapsed time.Duration) string {
		return plural(got.totals.Records, "record") + ", " + elapsed.Round(time.Second).String()
	})
	res := audit.Result()
	stop()
	res.Scan.Source, res.Scan.Filters = rd.from.String(), rd.filters()
	res.Scan.Started, res.Scan.Finished = rd.now, p.now()
	got.fill(res)
	res.Scan.Warnings = slices.Concat(res.Scan.Warnings, got.unmatched, rd.warnings(res, got),
		unseen(res.Coverage), silent(got.silences), unproven(got.verification))
	for _, w := range res.Scan.Warnings {
		notes.warn("%s", w)
	}
	// What was told when the reading began, and what is true of every scan up to
	// now, so that it is no news to who runs it.
	res.Scan.Warnings = slices.Concat(res.Scan.Warnings, got.guesses, got.lost, rd.underway())
	return res, nil
}

// options are those of the audit.
func (rd *reading) options() attribute.Options {
	return attribute.Options{
		Since: rd.window.since, Until: rd.window.until,
		// Zero would look back without end.
		Lookback: max(rd.lookback(), time.Second),
		Accounts: rd.accounts, Regions: rd.regions(),
		// Where no region is named, that of the configuration is asked alone.
		Elsewhere: rd.from.lookup,
		Role:      matcher(rd.flags.role.value), Session: matcher(rd.session),
		Config: rd.config, IPRanges: rd.ranges, Today: rd.now, Actions: rd.actions,
		Workers: rd.workers(),
	}
}

// gotten is what was read.
type gotten struct {
	totals       ingest.Totals
	verification ingest.Verification
	listRequests int64
	queries      int64                 // that Athena ran
	listed       []ingest.ListedRegion // what was expected
	silences     []ingest.Silence
	unmatched    []string // what the filter names and nothing has
	missed       error    // that it names nothing which is there
	guesses      []string // of the inputs
	lost         []string // what Athena does not show
}

// readInto reads the input into an audit, and then what the credentials that
// are still unexplained need from before the window and from other places, as
// often as that leads on to further ones.
func (rd *reading) readInto(ctx context.Context, p process, notes *notes, audit *attribute.Audit) (got gotten, err error) {
	rd.watchMemory(ctx, p, notes)
	garbage := collect(p)
	defer garbage.allow(garbageWhenRead)
	r := &reader{reading: rd, audit: audit, progress: newProgress(p, notes, rd.flags.progress.value, rd.flags.quiet)}
	if rd.rollup != nil {
		return r.readRollup(ctx, notes)
	}
	if rd.flags.athena.engine.value == engineAthena {
		return r.readAthena(ctx, notes)
	}
	if r.inputs, err = rd.open(ctx, p, notes); err != nil {
		return got, err
	}
	for {
		notes.info("reading %s", rd.from)
		if err := r.scan(ctx, notes); err != nil {
			return got, err
		}
		if !audit.Replay() {
			break
		}
		notes.info("records were corrected after they had been counted: reading once more")
		r.got = gotten{}
	}
	for !rd.from.local() { // files were read whole
		needs := audit.Needs()
		if len(needs) == 0 {
			break
		}
		notes.info("looking for the assume events of %s", plural(int64(len(needs)), "credential"))
		if err := r.lookBack(ctx, needs); err != nil {
			return got, err
		}
	}
	if err := r.verify(ctx, notes); err != nil {
		return got, err
	}
	r.got.listRequests = r.requests()
	r.expected()
	return r.got, r.got.nothing(rd.from)
}

// reader reads inputs into an audit.
type reader struct {
	*reading
	audit     *attribute.Audit
	progress  *progress
	inputs    []input
	verifiers []*ingest.Verifier // of the inputs, nil where nothing is checked
	got       gotten
}

// requests is how many list requests the inputs have made.
func (r *reader) requests() int64 {
	n := int64(0)
	for _, in := range r.inputs {
		if in.listRequests != nil {
			n += in.listRequests()
		}
	}
	return n
}

// scan reads the window.
func (r *reader) scan(ctx context.Context, notes *notes) error {
	opt := ingest.ScanOptions{Fetchers: r.openers(), Pace: r.pace, Limits: r.limits()}
	if len(r.inputs) == 1 {
		// Of several trails, each begins anew with the first day, and they may
		// hold the same events.
		opt.DayDone, opt.Margin = r.audit.DayDone, r.flags.margin.value.after
	}
	r.verifiers = make([]*ingest.Verifier, len(r.inputs))
	for i, in := range r.inputs {
		v, err := r.newVerifier(ctx, notes, in.source)
		if err != nil {
			return err
		}
		r.verifiers[i] = v
		opt.Seen = v.Watch()
		err = r.watched("reading", opt, func(opt ingest.ScanOptions) (ingest.Totals, error) {
			return ingest.Scan(ctx, in.source, opt, r.sinks(r.audit.Builder))
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// lookBack reads what the needs ask for.
func (r *reader) lookBack(ctx context.Context, needs []ingest.Need) error {
	opt := ingest.ScanOptions{Fetchers: r.openers(), Pace: r.pace, Limits: r.limits()}
	for i, in := range r.inputs {
		opt.Seen = r.verifiers[i].Watch()
		back, ok := in.source.(ingest.Backfiller)
		if !ok {
			continue
		}
		err := r.watched("looking back", opt, func(opt ingest.ScanOptions) (ingest.Totals, error) {
			return ingest.Backfill(ctx, back, needs, opt, r.sinks(r.audit.EvidenceBuilder))
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// watched shows the progress of one reading and adds up what it gave.
func (r *reader) watched(heading string, opt ingest.ScanOptions, read func(ingest.ScanOptions) (ingest.Totals, error)) error {
	opt.Counters = &ingest.Counters{}
	stop := r.progress.watch(heading, opt.Counters)
	defer stop()
	totals, err := read(opt)
	r.got.totals.Add(totals)
	return err
}

// sinks makes a builder for each worker.
func (r *reader) sinks(builder func() *attribute.Builder) []func(*ingest.Event) {
	sinks := make([]func(*ingest.Event), r.workers())
	for i := range sinks {
		sinks[i] = builder().Add
	}
	return sinks
}

// workers is how many goroutines decode and judge at a time.
func (rd *reading) workers() int { return min(rd.openers(), runtime.GOMAXPROCS(0)) }

// openers is how many objects may be open at a time, if the pace lets them.
func (rd *reading) openers() int {
	if rd.pace != nil {
		return ingest.MaxFetches
	}
	return rd.fetchers()
}

// fetchers is how many things are fetched at a time where no pace is found.
func (rd *reading) fetchers() int {
	switch {
	case rd.flags.concurrency.given:
		return rd.flags.concurrency.value
	case rd.from.local():
		return runtime.GOMAXPROCS(0)
	}
	return awsFetchers
}

// limits bound what one object may hold.
func (rd *reading) limits() ingest.Limits { return ingest.Limits{MaxObject: rd.flags.maxObject.value} }

// scanned says what was read, where there is no whole result to say it.
func (rd *reading) scanned(got gotten) attribute.Scan {
	res := &attribute.Result{}
	res.Scan.Source, res.Scan.Since, res.Scan.Until = rd.from.String(), rd.window.since, rd.window.until
	got.fill(res)
	return res.Scan
}

// incomplete is the error of what has reported and could not read everything.
func incomplete(s attribute.Scan) error {
	if s.Complete {
		return nil
	}
	return &statusError{status: exitIncomplete, err: errors.New(lost(s))}
}

// warnings is what a reader of the report must know and what no rule says.
func (rd *reading) warnings(res *attribute.Result, got gotten) []string {
	var list []string
	if res.Scan.Events == 0 {
		list = append(list, "no events: "+rd.whyEmpty(got))
	}
	if calls, globs := res.Scan.AssumedRoleCalls, rd.globs(); calls > 0 && len(res.Names) == 0 && len(globs) > 0 {
		list = append(list, fmt.Sprintf("%s: none of the %s by role sessions matches", strings.Join(globs, " "), plural(calls, "call")))
	}
	for _, i := range rd.config.Ended(rd.now) {
		list = append(list, fmt.Sprintf("%s is no longer ignored: the entry for role %s ended after %s (%s)", i.Rule, orAll(i.Role), i.Until.Format(time.DateOnly), i.Reason))
	}
	return list
}

// globs names the flags that pick what is reported.
func (rd *reading) globs() []string {
	var flags []string
	if g := rd.flags.role.value; g != "" {
		flags = append(flags, "--role "+g)
	}
	if rd.session != "" {
		flags = append(flags, "--session "+rd.session)
	}
	return flags
}

// filters names the flags that leave out a part of the source.
func (rd *reading) filters() []string {
	var flags []string
	if len(rd.accounts) > 0 {
		flags = append(flags, "--account "+strings.Join(slices.Sorted(slices.Values(rd.accounts)), ","))
	}
	if regions := rd.regions(); len(regions) > 0 {
		flags = append(flags, "--region "+strings.Join(slices.Sorted(slices.Values(regions)), ","))
	}
	return append(flags, rd.globs()...)
}

// fill puts into a result what only the reading knows.
func (got gotten) fill(res *attribute.Result) {
	t := got.totals
	s := &res.Scan
	s.Objects, s.ObjectsFailed = t.Objects, t.ObjectsFailed
	s.CompressedBytes, s.Bytes = t.CompressedBytes, t.Bytes
	s.ListRequests, s.Queries = got.listRequests, got.queries
	s.Problems = append(s.Problems, t.Problems...)
	fillVerified(res, got.verification)
	slices.SortFunc(s.Problems, func(a, b ingest.Problem) int {
		return cmp.Or(cmp.Compare(a.Object, b.Object), cmp.Compare(a.Offset, b.Offset), cmp.Compare(a.Stage, b.Stage), cmp.Compare(a.Error, b.Error))
	})
	s.Complete = len(s.Problems) == 0
	got.fillCoverage(res)
}

// whyEmpty says why a scan may have found nothing.
func (rd *reading) whyEmpty(got gotten) string {
	t := got.totals
	switch w := rd.window; {
	case got.queries > 0:
		return fmt.Sprintf("what Athena scanned holds none of the window, %s to %s", w.since.Format(time.RFC3339), w.until.Format(time.RFC3339))
	case t.Objects == 0 && !rd.from.local():
		return fmt.Sprintf("nothing was delivered for the window, %s to %s", w.since.Format(time.RFC3339), w.until.Format(time.RFC3339))
	case t.Records == 0 && t.PassedOver > 0:
		return "what was read holds digests, Insight events or aggregates alone, which are no trail's events"
	case t.Records == 0 && len(t.Problems) > 0:
		return "of what was read, no record could be used"
	case t.Records == 0:
		return "nothing that was read holds records"
	case rd.accounts != nil || rd.regions() != nil:
		return "--account, --region and the window leave none of " + plural(t.Records, "record")
	}
	return "none of " + plural(t.Records, "record") + " lies in the window"
}

// matcher gives the function that a pattern stands for, nil for none.
func matcher(glob string) func(string) bool {
	if glob == "" {
		return nil
	}
	g, err := attribute.ParseGlob(glob)
	if err != nil {
		panic(err) // the flag was checked
	}
	return g.Match
}

func orAll(g attribute.Glob) string {
	if g.IsZero() {
		return "*"
	}
	return g.String()
}
