package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/klauspost/compress/gzip"
	"golang.org/x/sync/errgroup"
)

// childMode is the first argument of the processes that this program measures
// and that are itself.
const childMode = "-child"

func child(ctx context.Context, args []string, stdout io.Writer) error {
	if len(args) < 2 {
		return errors.New("-child: for this program's own use")
	}
	switch args[0] {
	case "gunzip":
		return gunzip(ctx, args[1], stdout)
	case "sdk":
		return getAll(ctx, args[1], stdout)
	case "measure":
		return measure(ctx, args[1], args[2:])
	}
	return fmt.Errorf("-child %s: unknown", args[0])
}

// self is this program as a contestant.
func self(name string, args ...string) (*contestant, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	return &contestant{name: name, args: append([]string{program, childMode}, args...)}, nil
}

// gunzip unpacks the files of a trail and throws them away, with two workers, a
// reader and a buffer each: what no scan can do without.
func gunzip(ctx context.Context, dir string, stdout io.Writer) error {
	files, err := logFiles(dir)
	if err != nil {
		return err
	}
	work := make(chan string)
	sizes := make([]int64, 2)
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		defer close(work)
		for _, f := range files {
			select {
			case work <- f:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		return nil
	})
	for i := range sizes {
		g.Go(func() error {
			var zr gzip.Reader
			var in bytes.Reader
			var packed []byte
			buf := make([]byte, 256<<10)
			for path := range work {
				var err error
				if packed, err = readFile(packed[:0], path); err != nil {
					return err
				}
				in.Reset(packed)
				if err := zr.Reset(&in); err != nil {
					return fmt.Errorf("%s: %w", path, err)
				}
				for {
					n, err := zr.Read(buf)
					sizes[i] += int64(n)
					if err == io.EOF {
						break
					}
					if err != nil {
						return fmt.Errorf("%s: %w", path, err)
					}
				}
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	_, err = fmt.Fprintln(stdout, sizes[0]+sizes[1])
	return err
}

// readFile appends a file to b.
func readFile(b []byte, path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return b, err
	}
	defer f.Close()
	buf := bytes.NewBuffer(b)
	_, err = buf.ReadFrom(f)
	return buf.Bytes(), err
}
