package ingest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"

	"golang.org/x/sync/errgroup"
)

// Stdin is the path that stands for standard input.
const Stdin = "-"

// Local lists files: those named, those in the directories named, and standard
// input. It may list them several times.
type Local struct {
	// Workers is how many directories are read at a time; below 2 one.
	Workers int

	paths  []string
	stdin  io.Reader
	spools map[string]*spool // by path, of what gives its bytes only once
	listed []ListedRegion
}

// NewLocal makes a Local of paths. A directory is read recursively and gives
// the files that are called like logs; a file that is named itself is taken
// whatever it is called. The path "-" is what stdin holds.
func NewLocal(paths []string, stdin io.Reader) *Local {
	return &Local{paths: paths, stdin: stdin, spools: map[string]*spool{}}
}

// spool gives the spool of a path, the same one to every List.
func (l *Local) spool(path string) *spool {
	s := l.spools[path]
	if s == nil {
		s = pipeSpool(path)
		if path == Stdin {
			s = newSpool(l.stdin)
		}
		l.spools[path] = s
	}
	return s
}

// localFile is a file to be read.
type localFile struct {
	path string
	size int64
	key  Key // of a log that lies as CloudTrail delivered it, else zero
	open func(ctx context.Context) (io.ReadCloser, error)
}

// List lists the files that lie as CloudTrail delivers them by account, time and
// path, and after them all others by path. A path that does not exist is an
// error; a directory that cannot be read is a problem, unless there is nothing
// else to read.
func (l *Local) List(ctx context.Context, emit func(Chunk) error, report func(Problem)) error {
	var files []localFile
	var unread []Problem
	folder := false
	for _, path := range l.paths {
		if path == Stdin {
			files = append(files, localFile{path: path, size: -1, open: l.spool(path).open})
			continue
		}
		info, err := os.Stat(path)
		switch {
		case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR):
			return fmt.Errorf("%s: %w: name a file or a folder that exists", path, fs.ErrNotExist)
		case err != nil:
			unread = append(unread, listProblem(path, err))
		case info.IsDir():
			folder = true
			found, not, err := walkFiles(ctx, path, l.Workers)
			if err != nil {
				return err
			}
			files, unread = append(files, found...), append(unread, not...)
		case info.Mode().IsRegular():
			files = append(files, newLocalFile(path, info.Size()))
		default:
			files = append(files, localFile{path: path, size: -1, open: l.spool(path).open})
		}
	}
	switch {
	case len(files) == 0 && len(unread) > 0:
		return fmt.Errorf("%s: %s", unread[0].Object, unread[0].Error)
	case len(files) == 0 && folder:
		return fmt.Errorf("%s: %w: no file there is called .json or .jsonl, plain or with .gz or .zst",
			strings.Join(l.paths, " "), ErrNoTrail)
	}
	for _, p := range unread {
		report(p)
	}
	slices.SortFunc(files, compareLocal)
	files = slices.CompactFunc(files, func(a, b localFile) bool { return a.path == b.path })
	l.listed = nil
	regions := map[[2]string]*ListedRegion{}
	for _, f := range files {
		if k := f.key; k.Account != "" {
			at := [2]string{k.Account, k.Region}
			if regions[at] == nil {
				regions[at] = &ListedRegion{Account: k.Account, Region: k.Region, Complete: true}
			}
			regions[at].count(k.Stamp, f.size)
		}
	}
	for _, r := range regions {
		l.listed = append(l.listed, *r)
	}
	for _, f := range files {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := emit(f.chunk()); err != nil {
			return err
		}
	}
	return nil
}

// Listed tells which accounts, regions and hours the files' paths speak of, where
// they lie as CloudTrail delivers them.
func (l *Local) Listed() []ListedRegion { return MergeListed(l.listed) }

func newLocalFile(path string, size int64) localFile {
	f := localFile{path: filepath.Clean(path), size: size}
	if f.path == Stdin {
		f.path = "./" + Stdin
	}
	f.open = func(context.Context) (io.ReadCloser, error) { return os.Open(f.path) }
	// Digests and other siblings of a trail's logs hold none of an account's
	// events, so that they are files like any other.
	if key, ok := ParseKey(filepath.ToSlash(f.path)); ok && key.Kind == KindTrail {
		f.key = key
		if f.key.Stamp.IsZero() {
			f.key.Stamp = key.Day
		}
	}
	return f
}

func (f localFile) chunk() Chunk {
	name := f.path
	if name == Stdin {
		name = "standard input"
	}
	return Chunk{Name: name, Account: f.key.Account, Region: f.key.Region, Stamp: f.key.Stamp, Size: f.size, Open: f.open}
}

func compareLocal(a, b localFile) int {
	if loose := a.key.Account == ""; loose != (b.key.Account == "") {
		if loose {
			return 1
		}
		return -1
	}
	return cmp.Or(
		cmp.Compare(a.key.Account, b.key.Account),
		a.key.Stamp.Compare(b.key.Stamp),
		cmp.Compare(a.path, b.path),
	)
}

// fileWalk finds the logs in a directory and those below it, in any order. Links to
// other directories are not followed, since they may lead back.
type fileWalk struct {
	group errgroup.Group

	mu     sync.Mutex
	files  []localFile
	unread []Problem
}

// walkFiles walks a directory. So many directories are read at a time as workers
// says.
func walkFiles(ctx context.Context, dir string, workers int) (files []localFile, unread []Problem, err error) {
	var w fileWalk
	w.group.SetLimit(max(workers, 1))
	w.group.Go(func() error { return w.read(ctx, dir) })
	err = w.group.Wait()
	sortProblems(w.unread)
	return w.files, w.unread, err
}

func (w *fileWalk) read(ctx context.Context, dir string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	var files []localFile
	var unread []Problem
	entries, err := os.ReadDir(dir)
	if err != nil {
		unread = append(unread, listProblem(dir, err))
	}
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		if e.IsDir() {
			below := func() error { return w.read(ctx, path) }
			if w.group.TryGo(below) {
				continue
			}
			if err := below(); err != nil {
				return err
			}
			continue
		}
		if !isLogName(e.Name()) {
			continue
		}
		switch info, err := os.Stat(path); {
		case errors.Is(err, fs.ErrNotExist) && e.Type()&fs.ModeSymlink == 0:
			// It went away since the directory was read.
		case err != nil:
			unread = append(unread, listProblem(path, err))
		case info.Mode().IsRegular():
			files = append(files, newLocalFile(path, info.Size()))
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.files = append(w.files, files...)
	w.unread = append(w.unread, unread...)
	return nil
}

// isLogName reports whether a file in a directory is called like a log.
func isLogName(name string) bool {
	name = strings.ToLower(name)
	for _, packed := range []string{".gz", ".zst"} {
		if cut, ok := strings.CutSuffix(name, packed); ok {
			name = cut
			break
		}
	}
	return strings.HasSuffix(name, ".json") || strings.HasSuffix(name, ".jsonl")
}

// listProblem is a path that could not be looked at.
func listProblem(path string, err error) Problem {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		err = pe.Err // the path is the problem's object already
	}
	return Problem{Object: path, Offset: -1, Stage: StageList, Error: "cannot be read: " + err.Error(), Count: 1}
}
