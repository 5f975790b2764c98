package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"slices"

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
	path     string
	size     int64
	evidence bool // and nothing else
}

// openRollup finds out what the results are about and whether they are all there
// and belong together.
func (rd *reading) openRollup() error {
	roll := &rollup{}
	parts, firsts := map[string]string{}, map[bool]athena.Header{}
	for _, path := range rd.from.rollups {
		header, size, err := rollupHeader(path)
		if err != nil {
			return errRollup(path, err)
		}
		if other := parts[header.ID]; other != "" {
			return errRollup(path, fmt.Errorf("it is the result of the same query as %s: its calls would count twice", other))
		}
		parts[header.ID] = path
		first, found := firsts[header.Evidence]
		if !found {
			firsts[header.Evidence], first = header, header
		}
		if len(roll.files) == 0 {
			roll.scan = header.Scan
		}
		if !sameScan(header.Scan, roll.scan) || header.Count != first.Count {
			return errRollup(path, fmt.Errorf("it is of another scan than %s: export the results of one run of trailscan athena sql", roll.files[0].path))
		}
		roll.files = append(roll.files, rollupFile{path: path, size: size, evidence: header.Evidence})
	}
	if _, found := firsts[false]; !found {
		return errRollup(roll.files[0].path, fmt.Errorf("it holds only what issued credentials: give the result of the query for the use of role sessions too"))
	}
	for _, evidence := range []bool{false, true} {
		have := 0
		for _, f := range roll.files {
			if f.evidence == evidence {
				have++
			}
		}
		if want := firsts[evidence].Count; have != want {
			return errRollup(roll.files[0].path, fmt.Errorf("%d of the %d parts of a scan are given: name the results of all the queries", have, want))
		}
	}
	rd.rollup = roll
	rd.window = window{roll.scan.Since, roll.scan.Until}
	rd.accounts = roll.scan.Accounts
	return nil
}

func rollupHeader(path string) (athena.Header, int64, error) {
	file, err := os.Open(path)
	if err != nil {
		return athena.Header{}, 0, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return athena.Header{}, 0, err
	}
	header, err := athena.ReadHeader(bufio.NewReaderSize(file, 1<<20))
	return header, info.Size(), err
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
			totals, err := r.readResult(ctx, file, f.path, wanted, opt.Counters)
			totals.Objects = 1
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

// readResult reads one result into the audit: what counts or, where something is
// wanted, the evidence for that and nothing else.
func (r *reader) readResult(ctx context.Context, in io.Reader, name string, wanted want, counters *ingest.Counters) (ingest.Totals, error) {
	var totals ingest.Totals
	read := func(n int64) {
		totals.Records += n
		counters.Records.Add(n)
	}
	var rows athena.Rows
	if wanted == nil {
		builder := r.audit.Builder()
		rows.Event = func(e *ingest.Event, duplicates int64) {
			builder.Add(e)
			builder.AddCopies(duplicates)
			read(1 + duplicates)
		}
		rows.Use = func(e *ingest.Event, u athena.Use) {
			builder.AddUse(e, attribute.Rollup{Calls: u.Calls, Duplicates: u.Duplicates, LastTime: u.LastTime, Shared: u.Shared})
			read(u.Calls + u.Duplicates)
		}
		rows.Read = builder.AddAccount
		rows.Problem = func(p ingest.Problem) { totals.Problems = append(totals.Problems, placed(p, name)) }
	} else {
		builder := r.audit.EvidenceBuilder()
		rows.Evidence = func(e *ingest.Event, delivered int64) {
			if wanted(string(e.Recipient), delivered) {
				builder.Add(e)
				read(1)
			}
		}
		rows.Seen = func(account string, delivered int64) {
			if wanted(account, delivered) {
				builder.AddAccount(account)
			}
		}
	}
	counted := &countingReader{in: in, counters: counters}
	err := athena.ReadRows(ctx, bufio.NewReaderSize(counted, 1<<20), name, rows)
	totals.CompressedBytes, totals.Bytes = counted.n, counted.n
	if err == nil {
		counters.Objects.Add(1)
	}
	return totals, err
}

// countingReader counts what was read.
type countingReader struct {
	in       io.Reader
	n        int64
	counters *ingest.Counters
}

func (c *countingReader) Read(p []byte) (int, error) {
	n, err := c.in.Read(p)
	c.n += int64(n)
	c.counters.BytesStored.Add(int64(n))
	return n, err
}
