package report

import (
	"bufio"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// WriteFile writes a report to the file path so that it is there complete or
// not at all: write fills a new file beside it, which takes its place when
// everything is on disk, and is removed when write fails, and at once when ctx
// ends: the process may end before write comes to its next line. An older report
// under that name stays until then, and its permissions are kept; a new file gets
// what the user's umask allows.
//
// A link is followed, so that what it points to is replaced. What is no regular
// file, such as a named pipe, and all that is below /dev, where it may stand for
// an open file, is written to directly.
func WriteFile(ctx context.Context, path string, write func(io.Writer) error) (err error) {
	// What fails names the report, and not the file beside it.
	defer func() {
		if err != nil {
			var pe *fs.PathError
			var le *os.LinkError
			if errors.As(err, &pe) {
				err = pe.Err
			} else if errors.As(err, &le) {
				err = le.Err
			}
			err = fmt.Errorf("report %s was not written: %w", path, err)
		}
	}()

	target := path
	if resolved, err := filepath.EvalSymlinks(path); err == nil {
		target = resolved
	}
	old, err := os.Stat(target)
	switch {
	case err == nil && old.IsDir():
		return errors.New("it is a directory: name a file in it")
	case err == nil && (!old.Mode().IsRegular() || strings.HasPrefix(path, "/dev/")):
		return writeDirect(target, write)
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return err
	}

	tmp := filepath.Join(filepath.Dir(target), "."+filepath.Base(target)+"."+rand.Text()+".tmp")
	f, err := os.OpenFile(tmp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return err
	}
	defer context.AfterFunc(ctx, func() { os.Remove(tmp) })()
	renamed := false
	defer func() {
		if !renamed { // also when write panics
			f.Close()
			os.Remove(tmp)
		}
	}()
	if old != nil {
		if err := f.Chmod(old.Mode().Perm()); err != nil {
			return err
		}
	}
	if err := writeBuffered(f, write); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	if err := context.Cause(ctx); err != nil {
		return err
	}
	if err := os.Rename(tmp, target); err != nil {
		return err
	}
	renamed = true
	return nil
}

func writeDirect(path string, write func(io.Writer) error) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return err
	}
	return errors.Join(writeBuffered(f, write), f.Close())
}

func writeBuffered(f *os.File, write func(io.Writer) error) error {
	b := bufio.NewWriterSize(f, 64<<10)
	if err := write(b); err != nil {
		return err
	}
	return b.Flush()
}

// CancelWriter gives a writer to w that fails once ctx has ended, so that a
// report in the middle of being written stops, and WriteFile leaves nothing of
// it behind.
func CancelWriter(ctx context.Context, w io.Writer) io.Writer {
	return &cancelWriter{ctx: ctx, w: w}
}

// cancelWriter holds its context because io.Writer has no place for one.
type cancelWriter struct {
	ctx context.Context
	w   io.Writer
}

func (c *cancelWriter) Write(p []byte) (int, error) {
	if err := context.Cause(c.ctx); err != nil {
		return 0, err
	}
	return c.w.Write(p)
}
