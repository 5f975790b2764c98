package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path"
)

// putReport writes a report to S3, which shows an object when all of it is
// there. It goes through a temporary file, since a request is signed over what
// it sends, and may be repeated.
func (rd *reading) putReport(ctx context.Context, notes *notes, out output, write func(io.Writer) error) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("report %s was not written: %w", out.path, bare(err))
		}
	}()
	cfg, err := rd.loadAWS(ctx, notes)
	if err != nil {
		return err
	}
	file, err := os.CreateTemp("", "trailscan-*")
	if err != nil {
		return err
	}
	os.Remove(file.Name()) // or later, where an open file cannot be removed
	defer os.Remove(file.Name())
	defer file.Close()
	if err := write(file); err != nil {
		return err
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	bucket := rd.openBucket(cfg, location{bucket: out.object.bucket}, notes)
	return bucket.Put(ctx, out.object.prefix, mediaType(out.object.prefix), file)
}

// checkBuckets finds a bucket for reports that is not there, before hours are
// spent on reading.
func (rd *reading) checkBuckets(ctx context.Context, notes *notes, list outputs) error {
	checked := map[string]bool{}
	for _, out := range list {
		if out.object == nil || checked[out.object.bucket] {
			continue
		}
		checked[out.object.bucket] = true
		cfg, err := rd.loadAWS(ctx, notes)
		if err == nil {
			err = rd.openBucket(cfg, location{bucket: out.object.bucket}, notes).CheckPut(ctx)
		}
		if err != nil {
			return fmt.Errorf("-o %s: %w", out.path, err)
		}
	}
	return nil
}

// mediaType is the type of a report by its ending, so that a browser shows it.
func mediaType(key string) string {
	switch path.Ext(key) {
	case ".html":
		return "text/html; charset=utf-8"
	case ".csv":
		return "text/csv; charset=utf-8"
	case ".md":
		return "text/markdown; charset=utf-8"
	case ".jsonl":
		return "application/jsonl"
	case ".sarif":
		return "application/sarif+json"
	}
	return "application/json"
}
