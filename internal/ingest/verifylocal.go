package ingest

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// maxMetadata bounds a file that holds a digest's metadata.
const maxMetadata = 1 << 20

// localDigests are the digests in a copy of a trail on disk. Paths are with
// slashes.
type localDigests struct {
	paths []string // what is read, clean
}

func newLocalDigests(paths []string) *localDigests {
	l := &localDigests{}
	for _, p := range paths {
		l.paths = append(l.paths, filepath.ToSlash(filepath.Clean(p)))
	}
	return l
}

func (l *localDigests) local() bool             { return true }
func (l *localDigests) name(file string) string { return filepath.FromSlash(file) }

// split finds the account and region of a path in itself or, where it begins
// below them, in the current directory's.
func (l *localDigests) split(name string) (folder, tail string, ok bool) {
	name = filepath.ToSlash(filepath.Clean(name))
	folder, tail, ok = splitLog(name)
	if !ok {
		if whole, err := filepath.Abs(name); err == nil {
			folder, tail, ok = splitLog(filepath.ToSlash(whole))
		}
	}
	return folder, tail, ok
}

// folders are the regions of the logs that were read, and those of the digests
// below the directories that were.
func (l *localDigests) folders(ctx context.Context, seen []string, report func(Problem)) ([]*logFolder, error) {
	all := map[string]*logFolder{} // by the logs
	add := func(folder, file string) {
		k, ok := ParseKey(folder + file)
		if !ok {
			whole, err := filepath.Abs(filepath.FromSlash(folder + file))
			if k, ok = ParseKey(filepath.ToSlash(whole)); !ok || err != nil {
				return
			}
		}
		if all[folder] == nil {
			all[folder] = &logFolder{
				account: k.Account, region: k.Region, logs: folder, digests: digestFolder(folder),
				asked: []interval{{earliestTime, latestTime}}, read: []interval{{earliestTime, latestTime}},
				holds: func(tail string) bool { return l.holds(folder + tail) },
			}
		}
	}
	for _, name := range seen {
		if folder, tail, ok := splitLog(name); ok {
			add(folder, tail)
		}
	}
	for _, p := range l.paths {
		err := filepath.WalkDir(filepath.FromSlash(p), func(file string, entry fs.DirEntry, err error) error {
			switch {
			case ctx.Err() != nil:
				return context.Cause(ctx)
			case err != nil || !entry.IsDir():
				return nil // the scan tells what it cannot read
			case entry.Name() == KindTrail:
				return fs.SkipDir
			case entry.Name() != KindDigest:
				return nil
			}
			regions, err := os.ReadDir(file)
			if err != nil {
				report(Problem{Object: file, Offset: -1, Stage: StageList, Error: err.Error(), Count: 1})
			}
			for _, r := range regions {
				if r.IsDir() && isRegion(r.Name()) {
					// Any file's name will do where the path tells the account.
					add(path.Join(path.Dir(filepath.ToSlash(file)), KindTrail, r.Name())+"/", "2013/11/13/log")
				}
			}
			return fs.SkipDir
		})
		if err != nil {
			return nil, err
		}
	}
	return slices.SortedFunc(maps.Values(all), func(a, b *logFolder) int { return cmp.Compare(a.logs, b.logs) }), nil
}

// copyNames are the names that a log file may have in a copy: as it was delivered,
// unpacked, and packed anew.
func copyNames(name string) []string {
	plain := strings.TrimSuffix(name, ".gz")
	return []string{name, plain, plain + ".zst"}
}

// holds reports whether a log file should be there: below what is read.
func (l *localDigests) holds(file string) bool {
	below := func(dir string) bool {
		dir, err := filepath.Abs(filepath.FromSlash(dir))
		if err != nil {
			return false
		}
		whole, err := filepath.Abs(filepath.FromSlash(file))
		if err != nil {
			return false
		}
		rel, err := filepath.Rel(dir, whole)
		return err == nil && filepath.IsLocal(rel)
	}
	if !slices.ContainsFunc(l.paths, below) {
		return false
	}
	return !slices.ContainsFunc(copyNames(file), func(name string) bool {
		_, err := os.Stat(filepath.FromSlash(name))
		return !errors.Is(err, fs.ErrNotExist)
	})
}

func (l *localDigests) list(ctx context.Context, f *logFolder, during interval) ([]digestKey, error) {
	var keys []digestKey
	err := filepath.WalkDir(filepath.FromSlash(f.digests), func(file string, entry fs.DirEntry, err error) error {
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case errors.Is(err, fs.ErrNotExist):
			return nil
		case err != nil:
			return err
		case entry.IsDir():
			return nil
		}
		file = filepath.ToSlash(file)
		n, ok := parseDigestName(file)
		if ok && n.Account == f.account && n.Region == f.region && !n.Stamp.Before(during.from) && !n.Stamp.After(during.to) {
			keys = append(keys, digestKey{n, file})
		}
		return nil
	})
	return keys, err
}

func (l *localDigests) fetch(_ context.Context, file string) (f digestFile, err error) {
	f.body, err = readRegular(filepath.FromSlash(file), maxStoredDigest)
	if errors.Is(err, fs.ErrNotExist) {
		return f, errNoDigest
	}
	if err != nil {
		return f, err
	}
	metadata := filepath.FromSlash(file + ".metadata")
	b, err := readRegular(metadata, maxMetadata)
	if errors.Is(err, fs.ErrNotExist) {
		return f, nil
	}
	if err == nil {
		err = f.readMetadata(b)
	}
	if err != nil {
		return f, fmt.Errorf("%s: %w", metadata, err)
	}
	return f, nil
}

// readMetadata reads a signature in hex, or what `aws s3api head-object` prints.
func (f *digestFile) readMetadata(b []byte) error {
	text := strings.TrimSpace(string(b))
	if !strings.HasPrefix(text, "{") {
		f.signature = text
		return nil
	}
	var head struct{ Metadata map[string]string }
	if err := json.Unmarshal([]byte(text), &head); err != nil {
		return fmt.Errorf("neither a signature nor the JSON of `aws s3api head-object`: %w", err)
	}
	f.metadata(head.Metadata)
	return nil
}

// metadata takes what the object's metadata say.
func (f *digestFile) metadata(m map[string]string) {
	f.signature, f.algorithm, f.generated = m["signature"], m["signature-algorithm"], m["backfill-generation-timestamp"]
}

// readRegular reads a file of at most limit bytes.
func readRegular(name string, limit int64) ([]byte, error) {
	info, err := os.Stat(name)
	switch {
	case err != nil:
		return nil, bareError(err)
	case !info.Mode().IsRegular():
		return nil, errors.New("no regular file")
	case info.Size() > limit:
		return nil, fmt.Errorf("larger than %s", byteSize(limit))
	}
	file, err := os.Open(name)
	if err != nil {
		return nil, bareError(err)
	}
	defer file.Close()
	return io.ReadAll(io.LimitReader(file, limit))
}

// bareError takes the path off an error, where a problem names it.
func bareError(err error) error {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		return pe.Err
	}
	return err
}

// at compares the end of the place, from the account's digests on: where the copy
// begins is whoever made it to say.
func (l *localDigests) at(f *logFolder, file string, d *digest) (here, copied bool) {
	tail, ok := strings.CutPrefix(file, f.digests)
	if !ok {
		return false, false
	}
	return strings.HasSuffix("/"+d.key, "/"+KindDigest+"/"+f.region+"/"+tail), false
}

func (l *localDigests) tail(f *logFolder, _ *digest, log digestLog) (string, bool) {
	folder, tail, ok := splitLog(log.Key)
	if !ok || !strings.HasSuffix("/"+folder, "/"+f.account+"/"+KindTrail+"/"+f.region+"/") {
		return "", false
	}
	return tail, true
}

func (l *localDigests) previous(f *logFolder, d *digest) (string, bool) {
	mark := "/" + f.account + "/" + KindDigest + "/" + f.region + "/"
	i := strings.LastIndex("/"+d.previous.key, mark)
	if d.first() || i < 0 {
		return "", false
	}
	return f.digests + ("/" + d.previous.key)[i+len(mark):], true
}
