package athena

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"encoding/csv"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/athena"
	"github.com/aws/aws-sdk-go-v2/service/athena/types"
	"github.com/aws/smithy-go"

	"github.com/trailscan/trailscan/internal/ingest"
)

const (
	// pollFirst and pollMost are how long a query is left alone before it is
	// asked how far it is.
	pollFirst = 500 * time.Millisecond
	pollMost  = 5 * time.Second

	// startRounds is how often a query is started again when too many run or
	// wait, a startPause apart: the client's own attempts last a minute or two,
	// and other people's queries longer.
	startRounds = 20
	startPause  = 30 * time.Second

	// queryAttempts is how often a query is run that fails by something that
	// passes, such as S3's throttling, a queryPause apart.
	queryAttempts = 3
	queryPause    = 30 * time.Second

	// pageRows is how many rows a page of a result may have at most, the line of
	// names among them.
	pageRows = 1000

	// partingTime is how long whoever was told to stop may take to stop queries
	// and drop tables.
	partingTime = 350 * time.Millisecond
)

// Runner runs the queries of one scan. Its fields are set before the first
// query; its methods are called from one goroutine.
type Runner struct {
	Client *Client
	// Bucket gives the bucket of that name, where results lie.
	Bucket func(name string) *ingest.S3
	// Workgroup is what the queries run in, Output an s3:// URL for the results,
	// empty for the workgroup's own.
	Workgroup, Output string
	// MaxScan is how many bytes the queries may scan together, 0 for any number.
	MaxScan int64
	// Keep leaves tables and results behind.
	Keep bool
	// Note is told what is worth knowing. Wait waits, until ctx ends.
	Note func(format string, args ...any)
	Wait func(ctx context.Context, d time.Duration) error

	// Lost is what the tables do not show, of which Note was told too. Who reads
	// the report has to know.
	Lost []string

	// Progress may be read from any goroutine.
	Progress Progress

	tables  []Table
	outputs []string // of the queries, s3:// URLs
}

// Progress says how far the queries are.
type Progress struct {
	Queries, Parts atomic.Int64 // that are done, and that there are
	Scanned        atomic.Int64 // bytes, those of running queries included
	Queued         atomic.Bool  // the query at hand waits for its turn
}

// Result is a query that succeeded.
type Result struct {
	Part    Part
	ID      string
	Output  string // s3://bucket/key of the CSV, empty where there is none
	Scanned int64
}

// QueryError is a query that did not succeed.
type QueryError struct {
	ID     string
	What   string // what the query was for
	State  types.QueryExecutionState
	Reason string // as Athena gives it
}

func (e *QueryError) Error() string {
	reason := e.Reason
	if reason == "" {
		reason = "no reason was given"
	}
	s := fmt.Sprintf("query %s (%s) %s: %s", e.ID, e.What, strings.ToLower(string(e.State)), reason)
	if do := e.hint(); do != "" {
		s += "; " + do
	}
	return s
}

// What Athena's reasons say. It has no codes for them:
// https://docs.aws.amazon.com/athena/latest/ug/error-reference.html
var (
	exhaustedForm = regexp.MustCompile(`(?i)exhausted resources|EXCEEDED_(LOCAL_|GLOBAL_)?MEMORY|exceeded.{0,40}memory limit|query timeout|timed out|EXCEEDED_TIME_LIMIT`)
	passingForm   = regexp.MustCompile(`(?i)HIVE_S3_THROTTLING|SlowDown|reduce your request rate|INTERNAL_ERROR|internal error|Throttl`)
	deniedForm    = regexp.MustCompile(`(?i)access denied|accessdenied|not authorized|insufficient (lake formation )?permission|permission`)
	limitForm     = regexp.MustCompile(`(?i)bytes scanned limit`)
	noTableForm   = regexp.MustCompile(`(?i)table.{0,300}(not exist|not found)|TABLE_NOT_FOUND`)
	noBaseForm    = regexp.MustCompile(`(?i)(database|schema).{0,300}(not exist|not found)|SCHEMA_NOT_FOUND`)
)

func (e *QueryError) hint() string {
	switch {
	case limitForm.MatchString(e.Reason):
		return "raise the limit of the workgroup, name another --workgroup, or narrow the window"
	case deniedForm.MatchString(e.Reason):
		return "allow what docs/iam-athena.json allows to whoever runs the scan"
	case exhaustedForm.MatchString(e.Reason):
		return "narrow the window, or name accounts with --account"
	case noBaseForm.MatchString(e.Reason):
		return "name a database that exists with --athena-database, or make it: CREATE DATABASE"
	case noTableForm.MatchString(e.Reason):
		return "somebody dropped the table meanwhile: run the scan again"
	case passingForm.MatchString(e.Reason):
		return "run it again later"
	}
	return ""
}

// Create makes the tables, and gives them as they were made: a table whose
// identities cannot be read with the members that AWS's definition lacks is made
// without them. sample gives an object of a table, and reports false where there
// is none.
func (r *Runner) Create(ctx context.Context, tables []Table, sample func(Table) (Sample, bool)) ([]Table, error) {
	var made []Table
	for _, t := range tables {
		if err := t.Check(); err != nil {
			return nil, err
		}
		if err := r.create(ctx, &t); err != nil {
			return nil, err
		}
		if one, found := sample(t); found {
			var failed *QueryError
			one.slice.Table = t
			err := r.probe(ctx, one)
			if errors.As(err, &failed) && failed.State == types.QueryExecutionStateFailed && !deniedForm.MatchString(failed.Reason) && !passingForm.MatchString(failed.Reason) {
				r.lose("%s cannot be read with all the members of userIdentity (%s): the origins of some sessions stay unknown, for lack of %s", t.Location(), failed.Reason, LostEvidence)
				if err := r.drop(ctx, t); err != nil {
					return nil, err
				}
				t.Documented = true
				if err := r.create(ctx, &t); err != nil {
					return nil, err
				}
				one = Sample{slice: one.slice} // its members are lost anyway
				one.slice.Table = t
				err = r.probe(ctx, one)
			}
			if err != nil {
				return nil, err
			}
		}
		made = append(made, t)
	}
	return made, nil
}

// lose notes what a table does not show.
func (r *Runner) lose(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	r.Note("%s", text)
	r.Lost = append(r.Lost, text)
}

// create makes a table. One that is kept has a name by its definition, so that
// it is found again; any other is this scan's own, so that no other scan misses
// it when it is dropped.
func (r *Runner) create(ctx context.Context, t *Table) error {
	t.Name = t.KeptName()
	if !r.Keep {
		t.Name += "_" + random(4)
	}
	// From now on there may be a table, even if the answer is lost.
	r.tables = append(r.tables, *t)
	_, err := r.query(ctx, t.Create(), "make table "+t.Database+"."+t.Name)
	return err
}

// KeptName is the name of a table that outlives its scan.
func (t Table) KeptName() string { return "trailscan_" + t.Digest() }

// drop removes a table.
func (r *Runner) drop(ctx context.Context, t Table) error {
	_, err := r.query(ctx, t.Drop(), "drop table "+t.Database+"."+t.Name)
	if err == nil {
		r.tables = slices.DeleteFunc(r.tables, func(o Table) bool { return o.Name == t.Name && o.Database == t.Database })
	}
	return err
}

// Run runs the queries of parts. A part that is too much for one query is split.
func (r *Runner) Run(ctx context.Context, parts []Part) ([]Result, error) {
	todo, done := slices.Clone(parts), []Result(nil)
	r.Progress.Parts.Add(int64(len(parts)))
	for len(todo) > 0 {
		part := todo[0]
		todo = todo[1:]
		res, err := r.part(ctx, part)
		var failed *QueryError
		if errors.As(err, &failed) && exhaustedForm.MatchString(failed.Reason) {
			if halves, ok := part.Split(); ok {
				r.Note("%s: running it as two", failed)
				todo = append(halves, todo...)
				r.Progress.Parts.Add(1)
				continue
			}
		}
		if err != nil {
			return nil, err
		}
		done = append(done, res)
		r.Progress.Queries.Add(1)
	}
	return done, nil
}

// part runs one part, again if what made it fail may have passed.
func (r *Runner) part(ctx context.Context, part Part) (Result, error) {
	what := fmt.Sprintf("%s, part %d of %d", part.purpose(), part.Number, part.Count)
	for attempt := 1; ; attempt++ {
		res, err := r.query(ctx, part.Query(), what)
		if err == nil {
			res.Part = part
			return res, nil
		}
		var failed *QueryError
		if !errors.As(err, &failed) || attempt == queryAttempts || !passingForm.MatchString(failed.Reason) || exhaustedForm.MatchString(failed.Reason) {
			return Result{}, err
		}
		r.Note("%s: running it again", failed)
		if err := r.Wait(ctx, queryPause); err != nil {
			return Result{}, err
		}
	}
}

// query runs a statement to its end.
func (r *Runner) query(ctx context.Context, text, what string) (Result, error) {
	id, err := r.start(ctx, text, what)
	if err != nil {
		return Result{}, err
	}
	before := r.Progress.Scanned.Load()
	defer r.Progress.Queued.Store(false)
	for pause := pollFirst; ; pause = min(2*pause, pollMost) {
		e, err := r.Client.execution(ctx, id)
		switch {
		case ctx.Err() != nil:
			r.parting(ctx, func(ctx context.Context) { r.Client.halt(ctx, id) })
			return Result{}, context.Cause(ctx)
		case err != nil:
			return Result{}, fmt.Errorf("%w; the query may still be running and cost money: aws athena stop-query-execution --query-execution-id %s", failure(ctx, "ask about query "+id+" ("+what+")", err), id)
		}
		r.Progress.Queued.Store(e.state == types.QueryExecutionStateQueued)
		scanned := before + e.scanned
		r.Progress.Scanned.Store(scanned)
		if e.output != "" && !slices.Contains(r.outputs, e.output) {
			r.outputs = append(r.outputs, e.output)
		}
		switch e.state {
		case types.QueryExecutionStateSucceeded:
			return Result{ID: id, Output: e.output, Scanned: e.scanned}, r.within(scanned)
		case types.QueryExecutionStateFailed, types.QueryExecutionStateCancelled:
			if e.state == types.QueryExecutionStateFailed {
				r.Progress.Scanned.Store(before) // failed queries are not billed
			}
			return Result{}, &QueryError{ID: id, What: what, State: e.state, Reason: e.reason}
		case types.QueryExecutionStateQueued, types.QueryExecutionStateRunning:
		default:
			return Result{}, &QueryError{ID: id, What: what, State: e.state, Reason: "this state is not known"}
		}
		if err := r.within(scanned); err != nil {
			r.parting(ctx, func(ctx context.Context) { r.Client.halt(ctx, id) })
			return Result{}, err
		}
		if err := r.Wait(ctx, pause); err != nil {
			r.parting(ctx, func(ctx context.Context) { r.Client.halt(ctx, id) })
			return Result{}, err
		}
	}
}

// within holds what was scanned against the bound.
func (r *Runner) within(scanned int64) error {
	if r.MaxScan > 0 && scanned > r.MaxScan {
		return fmt.Errorf("the queries have scanned %d bytes, more than the %d of --max-scan-bytes, and were stopped: raise it, or narrow the window", scanned, r.MaxScan)
	}
	return nil
}

// start starts a query, and waits for its turn where too many run already.
func (r *Runner) start(ctx context.Context, text, what string) (string, error) {
	if len(text) > MaxQuery {
		return "", fmt.Errorf("%s: the query has %d bytes, more than the %d that Athena takes: name accounts with --account", what, len(text), MaxQuery)
	}
	in := r.statement(text)
	for round := 1; ; round++ {
		out, err := r.Client.start(ctx, in)
		if err == nil {
			return aws.ToString(out.QueryExecutionId), nil
		}
		if ctx.Err() != nil {
			// It may have started. Asked with the same token, Athena tells its id.
			r.parting(ctx, func(ctx context.Context) {
				if out, err := r.Client.start(ctx, in); err == nil {
					r.Client.halt(ctx, aws.ToString(out.QueryExecutionId))
				}
			})
			return "", context.Cause(ctx)
		}
		var api smithy.APIError
		if errors.As(err, &api) {
			switch message := api.ErrorMessage(); {
			case api.ErrorCode() == "TooManyRequestsException" && round < startRounds:
				r.Note("too many queries run or wait in the account (%s): waiting", message)
				if err := r.Wait(ctx, startPause); err != nil {
					return "", err
				}
				continue
			case strings.Contains(strings.ToLower(message), "output location"):
				return "", fmt.Errorf("%s: there is no place for the results (%s): name one with --athena-output s3://BUCKET/PREFIX", what, message)
			case strings.Contains(message, "WorkGroup") && strings.Contains(message, "not found"):
				return "", fmt.Errorf("%s: %s: name a workgroup of the bucket's region with --workgroup", what, message)
			}
		}
		return "", failure(ctx, what, err)
	}
}

// statement is the request that starts a query. Its token makes a repeated one
// start no second query.
func (r *Runner) statement(text string) *athena.StartQueryExecutionInput {
	in := &athena.StartQueryExecutionInput{
		QueryString: aws.String(text), ClientRequestToken: aws.String(random(20)), WorkGroup: aws.String(r.Workgroup),
	}
	if len(r.tables) > 0 {
		in.QueryExecutionContext = &types.QueryExecutionContext{Database: aws.String(r.tables[0].Database)}
	}
	if r.Output != "" {
		in.ResultConfiguration = &types.ResultConfiguration{OutputLocation: aws.String(r.Output)}
	}
	return in
}

// Read hands the rows of a result to read, as CSV. They are taken from the
// object that Athena wrote, or page by page from its API where it wrote none or
// the object cannot be read.
func (r *Runner) Read(ctx context.Context, res Result, read func(io.Reader) error) error {
	bucket, key, ok := cutURL(res.Output)
	if !ok {
		return read(r.pages(ctx, res.ID))
	}
	in := bufio.NewReader(r.Bucket(bucket).Result(ctx, key))
	if _, err := in.Peek(1); err != nil && !errors.Is(err, io.EOF) && ctx.Err() == nil {
		r.Note("%v: asking Athena for its rows, a thousand at a time", err)
		return read(r.pages(ctx, res.ID))
	}
	if err := read(in); err != nil {
		return fmt.Errorf("result of query %s: %w", res.ID, err)
	}
	return nil
}

// pages reads a result from the API.
func (r *Runner) pages(ctx context.Context, id string) io.Reader {
	var (
		text bytes.Buffer
		last bool
		in   = &athena.GetQueryResultsInput{QueryExecutionId: aws.String(id), MaxResults: aws.Int32(pageRows)}
		w    = csv.NewWriter(&text)
	)
	return readerFunc(func(p []byte) (int, error) {
		for text.Len() == 0 {
			if last {
				return 0, io.EOF
			}
			page, err := r.Client.results(ctx, in)
			if err != nil {
				return 0, failure(ctx, "read the result of query "+id, err)
			}
			if page.ResultSet != nil {
				for _, row := range page.ResultSet.Rows {
					cells := make([]string, len(row.Data))
					for i, d := range row.Data {
						cells[i] = aws.ToString(d.VarCharValue)
					}
					if err := w.Write(cells); err != nil {
						return 0, err
					}
				}
			}
			w.Flush()
			token := aws.ToString(page.NextToken)
			if token != "" && token == aws.ToString(in.NextToken) {
				return 0, fmt.Errorf("the result of query %s repeats a page", id)
			}
			in.NextToken, last = page.NextToken, token == ""
		}
		return text.Read(p)
	})
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// Close removes what the scan made, unless it is to be kept. When ctx has ended
// it only sends off what it can in half a second. What is left behind is noted.
func (r *Runner) Close(ctx context.Context) {
	if r.Keep {
		for _, t := range r.tables {
			r.Note("kept: table %s.%s", t.Database, t.Name)
		}
		for _, o := range r.outputs {
			r.Note("kept: result %s", o)
		}
		return
	}
	if ctx.Err() != nil {
		r.parting(ctx, func(ctx context.Context) {
			for _, t := range r.tables {
				if _, err := r.Client.start(ctx, r.statement(t.Drop())); err != nil {
					r.Note("left behind: table %s.%s", t.Database, t.Name)
				}
			}
			r.deleteResults(ctx)
		})
		return
	}
	for _, t := range slices.Clone(r.tables) {
		if err := r.drop(ctx, t); err != nil {
			r.Note("left behind: table %s.%s: %v", t.Database, t.Name, err)
		}
	}
	r.deleteResults(ctx)
}

// deleteResults removes the objects that the queries wrote.
func (r *Runner) deleteResults(ctx context.Context) {
	for _, output := range r.outputs {
		bucket, key, ok := cutURL(output)
		if !ok {
			continue
		}
		for _, k := range []string{key, key + ".metadata"} {
			if err := r.Bucket(bucket).Delete(ctx, k); err != nil {
				r.Note("left behind: s3://%s/%s: %v", bucket, k, err)
			}
		}
	}
	r.outputs = nil
}

// parting does what has to be done although ctx has ended, in a moment.
func (r *Runner) parting(ctx context.Context, do func(context.Context)) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), partingTime)
	defer cancel()
	do(ctx)
}

// cutURL takes an s3:// URL apart.
func cutURL(s string) (bucket, key string, ok bool) {
	rest, ok := strings.CutPrefix(s, "s3://")
	if !ok {
		return "", "", false
	}
	bucket, key, ok = strings.Cut(rest, "/")
	return bucket, key, ok && bucket != "" && key != ""
}

// random is some random bytes, as hexadecimal digits.
func random(n int) string {
	b := make([]byte, n)
	rand.Read(b) // never fails
	return hex.EncodeToString(b)
}
