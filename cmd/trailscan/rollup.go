package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/trailscan/trailscan/internal/athena"
	"github.com/trailscan/trailscan/internal/attribute"
	"github.com/trailscan/trailscan/internal/ingest"
)

// rollup is the results of a scan's queries, as files.
type rollup struct {
	scan  athena.Scan
	files []rollupFile
}

type rollupFile struct {
	path string
	size int64
}

// openRollup finds out what the results are about and whether they are all there
// and belong together.
func (rd *reading) openRollup() error {
	roll := &rollup{}
	parts, firsts, have := map[string]string{}, map[bool]athena.Header{}, map[bool]int{}
	begin := ""
	for _, operand := range rd.from.rollups {
		headers, files, err := rollupHeaders(operand)
		if err != nil {
			return errRollup(operand, err)
		}
		roll.files = append(roll.files, files...)
		for _, header := range headers {
			if other := parts[header.ID]; other != "" {
				return errRollup(operand, fmt.Errorf("it is the result of the same query as %s: its calls would count twice", other))
			}
			parts[header.ID] = operand
			first, found := firsts[header.Evidence]
			if !found {
				firsts[header.Evidence], first = header, header
			}
			if begin == "" {
				roll.scan, begin = header.Scan, operand
			}
			if !sameScan(header.Scan, roll.scan) || header.Count != first.Count {
				return errRollup(operand, fmt.Errorf("it is of another scan than %s: export the results of one run of trailscan athena sql", begin))
			}
			have[header.Evidence]++
		}
	}
	if have[false] == 0 {
		return errRollup(begin, errors.New("it holds only what issued credentials: give the result of the query for the use of role sessions too"))
	}
	for _, evidence := range []bool{false, true} {
		if want := firsts[evidence].Count; have[evidence] != want {
			return errRollup(begin, fmt.Errorf("%d of the %d parts of a scan are given: name the results of all the queries", have[evidence], want))
		}
	}
	rd.rollup = roll
	rd.window = window{roll.scan.Since, roll.scan.Until}
	rd.accounts = roll.scan.Accounts
	return nil
}

// rollupHeaders reads what the results of an operand say about themselves. A
// folder is one result in several files, of which one says it, or holds several
// results, each of which does.
func rollupHeaders(operand string) (headers []athena.Header, files []rollupFile, err error) {
	paths := []string{operand}
	if _, remote := cutScheme(operand); remote {
		return nil, nil, errors.New("results are read from files: fetch it first, as aws s3 cp --recursive does")
	}
	info, err := os.Stat(operand)
	if err != nil {
		return nil, nil, err
	}
	if info.IsDir() {
		if paths, err = rollupFolder(operand); err != nil {
			return nil, nil, err
		}
	}
	for _, path := range paths {
		header, size, found, err := rollupHeader(path)
		if err != nil && len(paths) > 1 {
			return nil, nil, fmt.Errorf("%s: %w", filepath.Base(path), bare(err))
		}
		if err != nil {
			return nil, nil, err
		}
		if found {
			headers = append(headers, header)
		}
		files = append(files, rollupFile{path, size})
	}
	switch len(headers) {
	case 0:
		return nil, nil, athena.ErrNoHeader
	case 1, len(files):
		return headers, files, nil
	}
	return nil, nil, fmt.Errorf("it holds %d results in %d files: give each result a folder of its own", len(headers), len(files))
}

// rollupFolder names the files of a folder that an engine wrote results into,
// without what engines and Athena put beside them.
func rollupFolder(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var paths []string
	for _, e := range entries {
		if name := e.Name(); !e.IsDir() && name[0] != '.' && name[0] != '_' && !strings.HasSuffix(name, ".metadata") {
			paths = append(paths, filepath.Join(dir, name))
		}
	}
	if len(paths) == 0 {
		return nil, errors.New("the folder holds no results")
	}
	return paths, nil
}

func rollupHeader(path string) (header athena.Header, size int64, found bool, err error) {
	file, err := os.Open(path)
	if err != nil {
		return header, 0, false, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return header, 0, false, err
	}
	header, found, err = athena.NewExport(file, info.Size()).Header()
	return header, info.Size(), found, err
}

func sameScan(a, b athena.Scan) bool {
	return a.Since.Equal(b.Since) && a.Until.Equal(b.Until) && a.Lookback == b.Lookback &&
		slices.Equal(a.Accounts, b.Accounts) && slices.Equal(a.Regions, b.Regions)
}

// readRollup reads the results into the audit: what counts, and then of the
// evidence what credentials need, as often as that leads on to further ones.
func (r *reader) readRollup(ctx context.Context, notes *notes) (gotten, error) {
	for {
		r.got = gotten{}
		if err := r.readFiles(ctx, notes, nil); err != nil {
			return r.got, err
		}
		if !r.audit.Replay() {
			break
		}
		notes.info("records were corrected after they had been counted: reading once more")
	}
	read := r.got // the same files again are no more objects and bytes
	for {
		needs := r.audit.Needs()
		if len(needs) == 0 {
			return read, nil
		}
		notes.info("looking for the assume events of %s", plural(int64(len(needs)), "credential"))
		if err := r.readFiles(ctx, notes, wants(r.rollup.scan, needs)); err != nil {
			return read, err
		}
	}
}

// readFiles reads the results, as readResult does.
func (r *reader) readFiles(ctx context.Context, notes *notes, wanted want) error {
	for _, f := range r.rollup.files {
		notes.info("reading %s", f.path)
		err := r.watched("reading", ingest.ScanOptions{}, func(opt ingest.ScanOptions) (ingest.Totals, error) {
			opt.Counters.ObjectsListed.Add(1)
			opt.Counters.BytesListed.Add(f.size)
			opt.Counters.ListingDone.Store(true)
			file, err := os.Open(f.path)
			if err != nil {
				return ingest.Totals{}, err
			}
			defer file.Close()
			export := athena.NewExport(&countingFile{file, opt.Counters}, f.size)
			totals, err := r.readResult(f.path, wanted, opt.Counters, func(rows athena.Rows) error { return export.Rows(ctx, f.path, rows) })
			totals.Objects, totals.CompressedBytes, totals.Bytes = 1, f.size, f.size
			return totals, err
		})
		if err != nil {
			if ctx.Err() != nil {
				return err
			}
			return errRollup(f.path, err)
		}
	}
	return nil
}

// readResult takes the rows that read hands on into the audit: what counts or,
// where something is wanted, the evidence for that and nothing else. name is what
// problems call the result.
func (r *reader) readResult(name string, wanted want, counters *ingest.Counters, read func(athena.Rows) error) (ingest.Totals, error) {
	var totals ingest.Totals
	count := func(n int64) {
		totals.Records += n
		counters.Records.Add(n)
	}
	var rows athena.Rows
	if wanted == nil {
		builder := r.audit.Builder()
		rows.Event = func(e *ingest.Event, duplicates int64) {
			builder.Add(e)
			builder.AddCopies(duplicates)
			count(1 + duplicates)
		}
		rows.Use = func(e *ingest.Event, u athena.Use) {
			builder.AddUse(e, attribute.Rollup{Calls: u.Calls, Duplicates: u.Duplicates, LastTime: u.LastTime, Shared: u.Shared})
			count(u.Calls + u.Duplicates)
		}
		rows.Read = builder.AddAccount
		rows.Problem = func(p ingest.Problem) { totals.Problems = append(totals.Problems, placed(p, name)) }
	} else {
		builder := r.audit.EvidenceBuilder()
		rows.Evidence = func(e *ingest.Event, delivered int64) {
			if wanted(string(e.Recipient), delivered) {
				builder.Add(e)
				count(1)
			}
		}
		rows.Seen = func(account string, delivered int64) {
			if wanted(account, delivered) {
				builder.AddAccount(account)
			}
		}
	}
	err := read(rows)
	if err == nil {
		counters.Objects.Add(1)
	}
	return totals, err
}

// countingFile counts what is read of a file.
type countingFile struct {
	file     *os.File
	counters *ingest.Counters
}

func (c *countingFile) ReadAt(p []byte, at int64) (int, error) {
	n, err := c.file.ReadAt(p, at)
	c.counters.BytesStored.Add(int64(n))
	return n, err
}
