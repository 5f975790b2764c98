package report

import (
	"bufio"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/trailscan/trailscan/internal/attribute"
)

func saying(s string) func(io.Writer) error {
	return func(w io.Writer) error { _, err := io.WriteString(w, s); return err }
}

// folder lists what is in a folder.
func folder(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

func content(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestWriteFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "r.json")
	for _, s := range []string{"first", "second, longer", "third", ""} {
		if err := WriteFile(t.Context(), path, saying(s)); err != nil {
			t.Fatal(err)
		}
		if got := content(t, path); got != s {
			t.Errorf("the file holds %q, want %q", got, s)
		}
	}
	if got := folder(t, dir); !slices.Equal(got, []string{"r.json"}) {
		t.Errorf("the folder holds %q", got)
	}
}

// A report that fails half-way leaves the old one, and nothing of itself.
func TestWriteFileFails(t *testing.T) {
	failed := errors.New("the bucket is gone")
	half := func(w io.Writer) error {
		io.WriteString(w, strings.Repeat("half", 1<<16))
		return failed
	}
	dir := t.TempDir()
	path := filepath.Join(dir, "r.json")
	if err := WriteFile(t.Context(), path, half); !errors.Is(err, failed) || !strings.HasPrefix(err.Error(), "report "+path+" was not written: ") {
		t.Errorf("error %v", err)
	}
	if got := folder(t, dir); len(got) != 0 {
		t.Errorf("the folder holds %q", got)
	}
	if err := WriteFile(t.Context(), path, saying("old")); err != nil {
		t.Fatal(err)
	}
	if err := WriteFile(t.Context(), path, half); !errors.Is(err, failed) {
		t.Errorf("error %v", err)
	}
	if got := content(t, path); got != "old" || len(folder(t, dir)) != 1 {
		t.Errorf("the file holds %.10q, the folder %q", got, folder(t, dir))
	}
	func() {
		defer func() { recover() }()
		WriteFile(t.Context(), path, func(w io.Writer) error { io.WriteString(w, "half"); panic("a bug") })
	}()
	if got := content(t, path); got != "old" || len(folder(t, dir)) != 1 {
		t.Errorf("after a panic the file holds %.10q, the folder %q", got, folder(t, dir))
	}
	for path, want := range map[string]string{
		filepath.Join(dir, "none", "r.json"): "report " + filepath.Join(dir, "none", "r.json") + " was not written: no such file or directory",
		dir:                                  "report " + dir + " was not written: it is a directory: name a file in it",
	} {
		if err := WriteFile(t.Context(), path, saying("x")); err == nil || runtime.GOOS != "windows" && err.Error() != want {
			t.Errorf("error %v, want %s", err, want)
		}
	}
}

func TestWriteFileCancelled(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	stop := errors.New("interrupted")
	dir := t.TempDir()
	res := &attribute.Result{}
	for range 2000 {
		res.Names = append(res.Names, testResult().Names[1])
	}
	written := 0
	err := WriteFile(ctx, filepath.Join(dir, "r.json"), func(w io.Writer) error {
		return writeJSON(CancelWriter(ctx, writerFunc(func(p []byte) (int, error) {
			if written++; written == 3 {
				cancel(stop)
			}
			return w.Write(p)
		})), res, Options{})
	})
	if !errors.Is(err, stop) || written != 3 {
		t.Errorf("error %v after %d writes, want %v after 3", err, written, stop)
	}
	if got := folder(t, dir); len(got) != 0 {
		t.Errorf("the folder holds %q", got)
	}
}

// Who stops the run does not wait for a format that has much to do before it
// writes on, and finds nothing of the report.
func TestWriteFileStopped(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows removes no open file")
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	stop := errors.New("interrupted")
	dir := t.TempDir()
	err := WriteFile(ctx, filepath.Join(dir, "r.json"), func(w io.Writer) error {
		if _, err := io.WriteString(w, strings.Repeat("half", 1<<16)); err != nil || len(folder(t, dir)) != 1 {
			t.Errorf("the folder holds %q, %v", folder(t, dir), err)
		}
		cancel(stop)
		for late := time.After(10 * time.Second); len(folder(t, dir)) > 0; {
			select {
			case <-late:
				t.Errorf("the folder still holds %q", folder(t, dir))
				return nil
			default:
				runtime.Gosched()
			}
		}
		return nil
	})
	if !errors.Is(err, stop) {
		t.Errorf("error %v, want %v", err, stop)
	}
	if got := folder(t, dir); len(got) != 0 {
		t.Errorf("the folder holds %q", got)
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

func TestWriteFileMode(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows has other permissions")
	}
	dir := t.TempDir()
	mode := func(name string) os.FileMode {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		return info.Mode().Perm()
	}
	// What the umask allows is what os.Create gives.
	f, err := os.Create(filepath.Join(dir, "plain"))
	if err != nil {
		t.Fatal(err)
	}
	f.Close()
	if err := WriteFile(t.Context(), filepath.Join(dir, "new"), saying("x")); err != nil {
		t.Fatal(err)
	}
	if mode("new") != mode("plain") {
		t.Errorf("a new report has the mode %v, want %v", mode("new"), mode("plain"))
	}
	// Who closed an old report to others does not find it open.
	if err := os.Chmod(filepath.Join(dir, "new"), 0o640); err != nil {
		t.Fatal(err)
	}
	if err := WriteFile(t.Context(), filepath.Join(dir, "new"), saying("y")); err != nil {
		t.Fatal(err)
	}
	if mode("new") != 0o640 {
		t.Errorf("the report has the mode %v, want that of the old one", mode("new"))
	}
}

func TestWriteFileThroughLink(t *testing.T) {
	dir := t.TempDir()
	target, link := filepath.Join(dir, "2026.json"), filepath.Join(dir, "last.json")
	if err := WriteFile(t.Context(), target, saying("old")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("2026.json", link); err != nil {
		t.Skip(err)
	}
	if err := WriteFile(t.Context(), link, saying("new")); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Lstat(link); err != nil || info.Mode()&os.ModeSymlink == 0 {
		t.Errorf("the link is gone: %v, %v", info, err)
	}
	if got := content(t, target); got != "new" {
		t.Errorf("the target holds %q", got)
	}
}

// A report to /dev/stdout goes after what stands in the file behind it.
func TestWriteFileToDevice(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("needs /dev/fd")
	}
	path := filepath.Join(t.TempDir(), "out")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteString("table\n"); err != nil {
		t.Fatal(err)
	}
	if err := WriteFile(t.Context(), "/dev/fd/"+decimal(int64(f.Fd())), saying("report\n")); err != nil {
		t.Fatal(err)
	}
	if got := content(t, path); got != "table\nreport\n" {
		t.Errorf("the file holds %q", got)
	}
}

func TestWriteFileToPipe(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("needs /dev/fd")
	}
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	done := make(chan string)
	go func() {
		line, _ := bufio.NewReader(r).ReadString('\n')
		done <- line
	}()
	if err := WriteFile(t.Context(), "/dev/fd/"+decimal(int64(w.Fd())), saying("through\n")); err != nil {
		t.Fatal(err)
	}
	w.Close()
	if got := <-done; got != "through\n" {
		t.Errorf("the pipe gives %q", got)
	}
}
