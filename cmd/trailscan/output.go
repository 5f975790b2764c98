package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/trailscan/trailscan/internal/attribute"
	"github.com/trailscan/trailscan/internal/report"
)

// output is a report that -o asks for.
type output struct {
	path   string
	format report.Format
	object *location // where in S3 it goes instead of to a file; prefix is the key
}

// outputs is the value of -o, which may be repeated.
type outputs []output

func (o *outputs) Set(s string) error {
	out := output{path: s}
	if rest, ok := cutScheme(s); ok {
		l, err := parseLocation(rest)
		if err != nil {
			return err
		}
		out.object = &l
	}
	var err error
	if out.format, err = report.ByEnding(s); err != nil {
		return err
	}
	if slices.ContainsFunc(*o, out.same) {
		return errors.New("two reports cannot be one file")
	}
	*o = append(*o, out)
	return nil
}

// same reports whether two reports would be one, however it is spelled.
func (o output) same(other output) bool {
	if o.object != nil || other.object != nil {
		return o.path == other.path
	}
	if filepath.Clean(o.path) == filepath.Clean(other.path) {
		return true
	}
	a, errA := os.Stat(o.path)
	b, errB := os.Stat(other.path)
	return errA == nil && errB == nil && os.SameFile(a, b)
}

func (o *outputs) String() string {
	var paths []string
	for _, out := range *o {
		paths = append(paths, out.path)
	}
	return strings.Join(paths, ",")
}

func (o *outputs) Type() string { return "FILE" }

// check finds what would keep the reports from being written, before hours are
// spent on reading.
func (o outputs) check(from operands) error {
	for _, out := range o {
		var err error
		if out.object != nil {
			err = out.checkObject(from.buckets)
		} else {
			err = out.checkFile(from.paths)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// checkObject keeps reports out of the trail: they would be read as logs next
// time, and whoever guards the trail takes them for tampering.
func (o output) checkObject(trails []location) error {
	key := o.object.prefix
	for _, trail := range trails {
		inside := strings.Contains("/"+key, "/AWSLogs/") || trail.prefix != "" && strings.HasPrefix(key, trail.prefix)
		if trail.bucket == o.object.bucket && inside {
			return usageError("give a key outside of it, or another bucket", "-o %s lies below the trail that is read (%s)", o.path, trail)
		}
	}
	return nil
}

func (o output) checkFile(inputs []string) error {
	dir := filepath.Dir(o.path)
	switch info, err := os.Stat(dir); {
	case errors.Is(err, fs.ErrNotExist):
		return usageError("make it first: mkdir -p "+dir, "-o %s: there is no directory %s", o.path, dir)
	case err != nil:
		return fmt.Errorf("-o %s: %w", o.path, bare(err))
	case !info.IsDir():
		return usageError("", "-o %s: %s is no directory", o.path, dir)
	}
	report, err := os.Stat(o.path)
	if err != nil { // it is made
		return o.checkFolder(dir)
	}
	if report.IsDir() {
		return usageError("name a file in it", "-o %s is a directory", o.path)
	}
	if report.Mode().IsRegular() { // another takes its place, where it lies
		if target, err := filepath.EvalSymlinks(o.path); err == nil {
			dir = filepath.Dir(target)
		}
		if err := o.checkFolder(dir); err != nil {
			return err
		}
	}
	for _, in := range inputs {
		if input, err := os.Stat(in); err == nil && os.SameFile(input, report) {
			return usageError("give another name", "-o %s would take the place of what is read", o.path)
		}
	}
	return nil
}

// checkFolder finds out whether files can be made in a directory.
func (o output) checkFolder(dir string) error {
	probe, err := os.CreateTemp(dir, ".trailscan-*")
	if err != nil {
		err = fmt.Errorf("-o %s: nothing can be written to %s: %w", o.path, dir, bare(err))
		return &statusError{status: exitFailed, err: err, hint: "make it writable or name another directory"}
	}
	probe.Close()
	os.Remove(probe.Name())
	return nil
}

// bare gives what the operating system said, without the path that the caller
// names in its own way.
func bare(err error) error {
	var pathErr *fs.PathError
	if errors.As(err, &pathErr) {
		return pathErr.Err
	}
	return err
}

// writeReports writes the files first and standard output last, so that whoever
// reads the one finds the others complete. One that fails does not keep the
// others from being written.
func (pl *scanPlan) writeReports(ctx context.Context, p process, notes *notes, res *attribute.Result) error {
	f := pl.flags
	opt := pl.show(p)
	opt.Workers = pl.workers()
	opt.View, opt.Top = f.view.value, f.top.value
	var failed []string
	fail := func(err error) {
		if err != nil {
			failed = append(failed, err.Error())
		}
	}
	for _, out := range f.outputs {
		write := func(w io.Writer) error {
			return out.format.Write(report.CancelWriter(ctx, w), res, opt)
		}
		if out.object != nil {
			fail(pl.putReport(ctx, notes, out, write))
		} else {
			fail(report.WriteFile(ctx, out.path, write))
		}
	}
	if err := f.format.value.Write(report.CancelWriter(ctx, p.stdout), res, opt); err != nil {
		fail(fmt.Errorf("standard output: %w", bare(err)))
	}
	if len(failed) > 0 {
		return errors.New(strings.Join(failed, "; "))
	}
	return nil
}
