package main

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/trailscan/trailscan/internal/athena"
	"github.com/trailscan/trailscan/internal/ingest"
)

// What Athena bills for what it scans, in us-east-1 and most regions in November
// 2026: dollars for a terabyte, and at least for ten megabytes a query.
//
// https://aws.amazon.com/athena/pricing/
const (
	scanPrice   = 5.0 / 1e12
	leastScan   = 10_000_000
	s3ListPrice = 0.005 / 1000 // for each partition of a query, one at least
)

// queries is a scan that Athena does.
type queries struct {
	*reading
	cfg     aws.Config // for the bucket's region
	buckets []*ingest.S3
	plan    athena.Plan
	trails  []ingest.Problem // folders that could not be listed
}

// openQueries finds the trails and plans what is asked of Athena.
func (rd *reading) openQueries(ctx context.Context, notes *notes) (*queries, error) {
	cfg, err := rd.loadAWS(ctx, notes)
	if err != nil {
		return nil, err
	}
	q := &queries{reading: rd, plan: athena.Plan{
		Scan: athena.Scan{
			Since: rd.window.since, Until: rd.window.until, Lookback: max(rd.lookback(), time.Second),
			Before: rd.flags.margin.value.before, After: rd.flags.margin.value.after,
			Accounts: rd.accounts, Regions: rd.regions(),
		},
		Now: rd.now,
	}}
	for _, l := range rd.from.buckets {
		bucket := rd.openBucket(cfg, l, notes)
		trails, err := bucket.Trails(ctx, func(p ingest.Problem) { q.trails = append(q.trails, p) })
		if err != nil {
			return nil, err
		}
		if len(q.buckets) > 0 && bucket.Region() != cfg.Region {
			return nil, fmt.Errorf("%s lies in %s and %s in %s: Athena reads one region at a time; run trailscan once for each", rd.from.buckets[0], cfg.Region, l, bucket.Region())
		}
		cfg.Region = bucket.Region()
		for _, trail := range trails {
			table := athena.Table{Database: rd.flags.athena.database.value, Bucket: l.bucket, Trail: trail}
			if err := table.Check(); err != nil {
				return nil, err
			}
			table.Name = table.KeptName()
			q.plan.Tables = append(q.plan.Tables, table)
			q.buckets = append(q.buckets, bucket)
		}
	}
	q.cfg = cfg
	return q, nil
}

// runner makes what runs the queries.
func (q *queries) runner(notes *notes) *athena.Runner {
	f := &q.flags.athena
	r := &athena.Runner{
		Client:    athena.NewClient(q.cfg, q.flags.endpoint),
		Bucket:    func(name string) *ingest.S3 { return q.openBucket(q.cfg, location{bucket: name}, notes) },
		Workgroup: f.workgroup.value, MaxScan: f.maxScan.value, Keep: f.keep,
		Note: notes.warn, Wait: athena.Wait,
	}
	if f.output.given {
		r.Output = strings.TrimSuffix(f.output.value.String(), "/") + "/" // a folder
	}
	return r
}

// bound is what the queries scan and cost at most.
type bound struct {
	objects, bytes int64
	queries        int
	partitions     int
	dollars        float64 // of Athena
	requests       float64 // dollars of S3's requests
	problems       []ingest.Problem
}

// bound lists what was delivered on the days that the queries read.
func (q *queries) bound(ctx context.Context, notes *notes, parts []athena.Part) (bound, error) {
	b := bound{queries: len(parts), problems: slices.Clone(q.trails)}
	from, to := q.plan.Delivered()
	for _, l := range q.from.buckets {
		bucket := q.openDays(l, from, to, notes)
		e, err := bucket.Estimate(ctx)
		if err != nil {
			return b, err
		}
		b.objects += e.Objects
		b.bytes += e.Bytes
		b.requests += e.Dollars
		b.problems = append(b.problems, e.Problems...)
	}
	for _, part := range parts {
		b.partitions += part.Partitions(q.now)
	}
	b.requests += float64(b.partitions) * s3ListPrice
	b.dollars = cost(max(b.bytes, int64(len(parts))*leastScan))
	return b, nil
}

// openDays opens a bucket for what was delivered on some days.
func (q *queries) openDays(l location, from, to time.Time, notes *notes) *ingest.S3 {
	days := *q.reading
	flags := *q.flags
	days.flags = &flags
	flags.margin.value = margin{}
	days.window = window{from, to}
	if !to.IsZero() {
		days.window.until = to.Add(day - time.Minute)
	}
	return days.openBucket(q.cfg, l, notes)
}

// cost is what scanning some bytes costs, in dollars.
func cost(bytes int64) float64 { return float64(bytes) * scanPrice }

// check refuses to begin what would go past the user's bound.
func (q *queries) check(ctx context.Context, notes *notes, parts []athena.Part) error {
	limit := q.flags.athena.maxScan.value
	if limit == 0 {
		return nil
	}
	b, err := q.bound(ctx, notes, parts)
	if err != nil {
		return err
	}
	if b.bytes > limit {
		return fmt.Errorf("the queries would scan up to %s (%s bytes, $%.2f), more than the %s of --max-scan-bytes: raise it, or narrow the window or --account",
			size(b.bytes), count(b.bytes), cost(b.bytes), size(limit))
	}
	return nil
}

// readAthena has Athena read the bucket into the audit.
func (r *reader) readAthena(ctx context.Context, notes *notes) (gotten, error) {
	notes.info("looking for trails in %s", r.from)
	q, err := r.openQueries(ctx, notes)
	if err != nil {
		return r.got, err
	}
	unmatched, missed := r.unmatched(q.buckets)
	if missed != nil && len(q.trails) == 0 {
		return r.got, missed
	}
	parts, err := q.plan.Parts()
	if err != nil {
		return r.got, err
	}
	if err := q.check(ctx, notes, parts); err != nil {
		return r.got, err
	}
	runner := q.runner(notes)
	stop := r.progress.follow("athena", func(time.Duration) string { return queryText(&runner.Progress) })
	defer stop()
	defer runner.Close(ctx)
	tables, err := runner.Create(ctx, q.plan.Tables, func(t athena.Table) (athena.Sample, bool) { return q.sample(ctx, t) })
	if err != nil {
		return r.got, err
	}
	q.plan.Tables = tables
	if parts, err = q.plan.Parts(); err != nil {
		return r.got, err
	}
	notes.info("asking Athena in %s, %s", q.cfg.Region, queryCount(int64(len(parts))))
	results, err := runner.Run(ctx, parts)
	if err != nil {
		return r.got, err
	}
	for {
		r.got = gotten{}
		r.got.totals.Problems = slices.Clone(q.trails)
		if err := r.readResults(ctx, runner, results, nil); err != nil {
			return r.got, err
		}
		if !r.audit.Replay() {
			break
		}
		notes.info("records were corrected after they had been counted: reading the results once more")
	}
	for {
		needs := r.audit.Needs()
		if len(needs) == 0 {
			break
		}
		notes.info("looking for the assume events of %s", plural(int64(len(needs)), "credential"))
		// What was delivered on the day before the window is at hand, and is looked
		// at only as far as credentials need it, as a scan of the objects does.
		wanted := wants(q.plan.Scan, needs)
		if err := r.readResults(ctx, runner, results, wanted); err != nil {
			return r.got, err
		}
		parts, err := q.evidence(slices.DeleteFunc(needs, func(n ingest.Need) bool { return q.plan.Reads(n.Account, time.Unix(n.Time, 0)) }))
		if err != nil {
			return r.got, err
		}
		more, err := runner.Run(ctx, parts)
		if err != nil {
			return r.got, err
		}
		if err := r.readResults(ctx, runner, more, wanted); err != nil {
			return r.got, err
		}
	}
	scanned := runner.Progress.Scanned.Load()
	notes.info("Athena scanned %s, for about $%.2f", size(scanned), cost(scanned))
	r.got.totals.CompressedBytes, r.got.queries, r.got.lost = scanned, runner.Progress.Queries.Load(), runner.Lost
	r.got.unmatched = unmatched
	for _, b := range q.buckets {
		r.got.listRequests += b.ListRequests()
	}
	return r.got, nil
}

// readResults reads what queries found into the audit, as readResult does.
func (r *reader) readResults(ctx context.Context, runner *athena.Runner, results []athena.Result, wanted want) error {
	counters := &ingest.Counters{}
	for _, res := range results {
		err := runner.Read(ctx, res, func(in io.Reader) error {
			name := "query " + res.ID
			totals, err := r.readResult(name, wanted, counters, func(rows athena.Rows) error {
				return athena.ReadRows(ctx, bufio.NewReaderSize(in, 1<<20), name, rows)
			})
			r.got.totals.Add(totals)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// want reports whether what was delivered for an account at a time, in seconds
// since 1970, may hold what is looked for.
type want func(account string, delivered int64) bool

// wants is what the needs ask for: about each one's time, the objects that a
// scan of the bucket would read.
func wants(scan athena.Scan, needs []ingest.Need) want {
	times := map[string][]int64{}
	for _, n := range needs {
		times[n.Account] = append(times[n.Account], n.Time)
	}
	for _, list := range times {
		slices.Sort(list)
	}
	before, after := int64(scan.Before/time.Second), int64(scan.After/time.Second)
	return func(account string, delivered int64) bool {
		// A stamp is a whole minute, and so are the ends of what is read.
		list := times[account]
		i, _ := slices.BinarySearch(list, delivered-after)
		return i < len(list) && list[i] < delivered+60+before
	}
}

// evidence plans the queries for what the needs ask for: the accounts that need
// something about the same days at once.
func (q *queries) evidence(needs []ingest.Need) ([]athena.Part, error) {
	slices.SortFunc(needs, func(a, b ingest.Need) int { return cmp.Compare(a.Time, b.Time) })
	var parts []athena.Part
	for len(needs) > 0 {
		n := 1
		for n < len(needs) && needs[n].Time-needs[n-1].Time < int64(day/time.Second) {
			n++
		}
		var accounts []string
		for _, need := range needs[:n] {
			accounts = append(accounts, need.Account)
		}
		slices.Sort(accounts)
		more, err := q.plan.Evidence(slices.Compact(accounts), time.Unix(needs[0].Time, 0), time.Unix(needs[n-1].Time, 0))
		needs = needs[n:]
		if err != nil {
			return nil, err
		}
		parts = append(parts, more...)
	}
	return parts, nil
}

// sampled is of how many regions an object is looked at, to find one that has
// much to hold the table against.
const sampled = 8

// sample finds an object of a table, to try the table on. What it cannot read it
// leaves to Athena, whose error says more.
func (q *queries) sample(ctx context.Context, t athena.Table) (best athena.Sample, found bool) {
	i := slices.IndexFunc(q.plan.Tables, func(o athena.Table) bool { return o.Bucket == t.Bucket && o.Trail.Root == t.Trail.Root })
	from, _ := q.plan.Delivered()
	chunks, err := q.buckets[i].Samples(ctx, t.Trail, from, sampled)
	if err != nil {
		return best, false
	}
	reader := ingest.NewReader(q.limits())
	for _, c := range chunks {
		s := athena.NewSample(c)
		if rc, err := c.Open(ctx); err == nil {
			reader.Read(ctx, c.Name, rc, s.Take)
			rc.Close()
		}
		if !found || s.Members() > best.Members() {
			best, found = s, true
		}
	}
	return best, found
}

// queryText tells how far the queries are.
func queryText(p *athena.Progress) string {
	text := fmt.Sprintf("%d of %s, %s scanned, $%.2f", p.Queries.Load(), queryCount(p.Parts.Load()), size(p.Scanned.Load()), cost(p.Scanned.Load()))
	if p.Queued.Load() {
		text += ", waiting for its turn"
	}
	return text
}

func queryCount(n int64) string {
	if n == 1 {
		return "1 query"
	}
	return count(n) + " queries"
}

// estimateQueries tells what Athena would be asked and what that costs at most.
func (rd *reading) estimateQueries(ctx context.Context, p process, notes *notes) error {
	q, err := rd.openQueries(ctx, notes)
	if err != nil {
		return err
	}
	parts, err := q.plan.Parts()
	if err != nil {
		return err
	}
	b, err := q.bound(ctx, notes, parts)
	if err != nil {
		return err
	}
	from, to := q.plan.Delivered()
	w := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "source\t%s\n", oneLine(rd.from.String()))
	fmt.Fprintf(w, "window\t%s to %s\n", rd.window.since.Format(time.RFC3339), rd.window.until.Format(time.RFC3339))
	fmt.Fprintf(w, "delivered\t%s to %s\n", from.Format(time.DateOnly), to.Format(time.DateOnly))
	fmt.Fprintf(w, "region\t%s\n", q.cfg.Region)
	fmt.Fprintf(w, "queries\t%s over %s; looking back further takes more\n", queryCount(int64(b.queries)), plural(int64(b.partitions), "partition"))
	fmt.Fprintf(w, "bytes\tat most %s as stored (%s) in %s\n", count(b.bytes), size(b.bytes), plural(b.objects, "object"))
	fmt.Fprintf(w, "dollars\tat most %.4f for what is scanned and about %.4f for the requests to S3, at the prices of us-east-1\n", b.dollars, b.requests)
	if limit := rd.flags.athena.maxScan.value; limit > 0 && b.bytes > limit {
		fmt.Fprintf(w, "refused\tit is more than the %s of --max-scan-bytes\n", size(limit))
	}
	if err := w.Flush(); err != nil {
		return fmt.Errorf("standard output: %w", bare(err))
	}
	fmt.Fprintln(p.stdout)
	if err := writeQueries(p.stdout, q.plan.Tables, parts, nil); err != nil {
		return fmt.Errorf("standard output: %w", bare(err))
	}
	return incompletePlan(b.problems)
}

// incompletePlan is the error of a plan without the folders that could not be
// listed.
func incompletePlan(problems []ingest.Problem) error {
	if len(problems) == 0 {
		return nil
	}
	first := problems[0]
	return &statusError{status: exitIncomplete, err: errors.New("the plan is incomplete: " +
		plural(int64(len(problems)), "place") + " could not be listed; the first: " + first.Object + ": " + first.Error)}
}

// writeQueries writes statements as somebody runs them.
func writeQueries(w io.Writer, tables []athena.Table, parts, lookback []athena.Part) error {
	var b []byte
	for _, t := range tables {
		b = fmt.Appendf(b, "%s;\n\n", t.Create())
	}
	for _, part := range slices.Concat(parts, lookback) {
		b = fmt.Appendf(b, "%s;\n\n", part.Query())
	}
	for _, t := range tables {
		b = fmt.Appendf(b, "%s;\n", t.Drop())
	}
	_, err := w.Write(b)
	return err
}
