package ingest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/iotest"
)

// writeFiles makes files below a new directory and goes there.
func writeFiles(t *testing.T, names ...string) {
	t.Helper()
	t.Chdir(t.TempDir())
	for _, name := range names {
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(`{"Records":[]}`), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func listLocal(t *testing.T, l *Local) (chunks []Chunk, problems []Problem, err error) {
	t.Helper()
	err = l.List(context.Background(), func(c Chunk) error {
		chunks = append(chunks, c)
		return nil
	}, func(p Problem) { problems = append(problems, p) })
	return chunks, problems, err
}

func chunkNames(chunks []Chunk) (names []string) {
	for _, c := range chunks {
		names = append(names, filepath.ToSlash(c.Name))
	}
	return names
}

func logPath(prefix, account, kind, region, day, stamp string) string {
	return fmt.Sprintf("%s/%s/%s/%s/%s/%s_%s_%s_%s_aaaaaaaaaaaaaaaa.json.gz", prefix, account, kind, region, day, account, kind, region, stamp)
}

func TestLocalOrder(t *testing.T) {
	one, two := "111122223333", "222233334444"
	inOrder := []string{
		logPath("in/AWSLogs", one, "CloudTrail", "us-east-1", "2024/07/29", "20240729T2355Z"),
		logPath("in/AWSLogs", one, "CloudTrail", "eu-west-1", "2024/07/30", "20240730T0005Z"),
		logPath("in/AWSLogs", one, "CloudTrail", "us-east-1", "2024/07/30", "20240730T0005Z"),
		logPath("in/AWSLogs", one, "CloudTrail", "eu-west-1", "2024/07/30", "20240730T0010Z"),
		logPath("in/AWSLogs", two, "CloudTrail", "eu-west-1", "2024/07/01", "20240701T0000Z"),
		logPath("in/AWSLogs", one, "CloudTrail-Digest", "eu-west-1", "2024/07/30", "20240730T0005Z"),
		logPath("in/AWSLogs", one, "CloudTrail-Insight", "eu-west-1", "2024/07/30", "20240730T0005Z"),
		"in/a.json", "in/b.jsonl", "in/c.json.zst", "in/d.jsonl.gz", "in/e.JSON.GZ", "in/sub/f.jsonl.zst",
	}
	shuffled := slices.Clone(inOrder)
	slices.Reverse(shuffled)
	writeFiles(t, append(shuffled, "in/readme.md", "in/a.json.bak", "in/x.gz", "in/json", "elsewhere.txt")...)

	chunks, problems, err := listLocal(t, NewLocal([]string{"in", "elsewhere.txt", "in/a.json", "./in/sub/"}, nil))
	if err != nil || len(problems) > 0 {
		t.Fatal(err, problems)
	}
	// Digests come where their paths are among the loose files.
	want := append([]string{}, inOrder[:5]...)
	loose := append([]string{"elsewhere.txt"}, inOrder[5:]...)
	slices.Sort(loose)
	want = append(want, loose...)
	if got := chunkNames(chunks); !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	several := NewLocal([]string{"in", "elsewhere.txt"}, nil)
	several.Workers = 4
	again, problems, err := listLocal(t, several)
	if err != nil || len(problems) > 0 || !slices.Equal(chunkNames(again), want) {
		t.Errorf("%v, %v, got\n%s\nwith 4 workers, want\n%s", err, problems, strings.Join(chunkNames(again), "\n"), strings.Join(want, "\n"))
	}
	first, digest := chunks[0], chunks[slices.Index(want, inOrder[5])]
	if first.Account != one || first.Region != "us-east-1" || first.Stamp.Format("200601021504") != "202407292355" || first.Size != 14 {
		t.Errorf("%+v", first)
	}
	if digest.Account != "" || digest.Region != "" || !digest.Stamp.IsZero() {
		t.Errorf("a digest counts as a log: %+v", digest)
	}
	for range 2 {
		rc, err := first.Open(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(rc)
		rc.Close()
		if err != nil || string(b) != `{"Records":[]}` {
			t.Errorf("%q, %v", b, err)
		}
	}
}

func TestLocalLinks(t *testing.T) {
	writeFiles(t, "in/a.json", "elsewhere/b.json", "in/sub/c.json")
	link := func(target, name string) {
		t.Helper()
		if err := os.Symlink(target, name); err != nil {
			t.Skip("no links here:", err)
		}
	}
	link("..", "in/sub/up")                     // a loop
	link("../elsewhere", "in/elsewhere")        // a directory
	link("../elsewhere/b.json", "in/link.json") // a file
	link("nowhere", "in/broken.json")
	link("in", "named")

	chunks, problems, err := listLocal(t, NewLocal([]string{"named"}, nil))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := chunkNames(chunks), []string{"named/a.json", "named/link.json", "named/sub/c.json"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if len(problems) != 1 || problems[0].Object != filepath.Join("named", "broken.json") || problems[0].Stage != StageList || problems[0].Offset != -1 {
		t.Errorf("problems %+v", problems)
	}
}

func TestLocalUnreadable(t *testing.T) {
	if runtime.GOOS == "windows" || os.Geteuid() == 0 {
		t.Skip("everything is readable to this user")
	}
	writeFiles(t, "in/a.json", "in/closed/b.json")
	if err := os.Chmod("in/closed", 0); err != nil {
		t.Fatal(err)
	}
	defer os.Chmod("in/closed", 0o755)
	chunks, problems, err := listLocal(t, NewLocal([]string{"in"}, nil))
	if err != nil || len(chunks) != 1 || len(problems) != 1 || problems[0].Stage != StageList {
		t.Errorf("%v, %v, %v", chunkNames(chunks), problems, err)
	}
}

func TestLocalErrors(t *testing.T) {
	writeFiles(t, "in/readme.md", "good/a.json")
	if err := os.Mkdir("empty", 0o755); err != nil {
		t.Fatal(err)
	}
	chunks, _, err := listLocal(t, NewLocal([]string{"good", "missing.json"}, nil))
	if !errors.Is(err, fs.ErrNotExist) || !strings.HasPrefix(err.Error(), "missing.json: ") || len(chunks) > 0 {
		t.Errorf("a path that does not exist: %v, %v", chunkNames(chunks), err)
	}
	for _, paths := range [][]string{{"in"}, {"empty"}, {"in", "empty"}} {
		if _, _, err := listLocal(t, NewLocal(paths, nil)); !errors.Is(err, ErrNoTrail) {
			t.Errorf("%q: %v", paths, err)
		}
	}
	// Of what cannot be looked at, only what else there is to read makes a problem.
	if _, _, err := listLocal(t, NewLocal([]string{"good/a.json/"}, nil)); !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, syscall.ENOTDIR) {
		t.Errorf("a path through a file: %v", err)
	}
	if err := os.Symlink("nowhere", "empty/lost.json"); err == nil {
		_, _, err := listLocal(t, NewLocal([]string{"empty"}, nil))
		if err == nil || errors.Is(err, ErrNoTrail) || !strings.HasPrefix(err.Error(), filepath.Join("empty", "lost.json")+": cannot be read: ") {
			t.Errorf("a folder with nothing but a link to nowhere: %v", err)
		}
	}
	stop := errors.New("stop")
	err = NewLocal([]string{"good"}, nil).List(context.Background(), func(Chunk) error { return stop }, nil)
	if err != stop {
		t.Errorf("List went on with %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := NewLocal([]string{"good"}, nil).List(ctx, func(Chunk) error { return nil }, nil); err != context.Canceled {
		t.Errorf("a canceled List gives %v", err)
	}
}

func TestLocalStdin(t *testing.T) {
	l := NewLocal([]string{Stdin, Stdin}, iotest.OneByteReader(strings.NewReader("one two")))
	chunks, problems, err := listLocal(t, l)
	if err != nil || len(problems) > 0 || len(chunks) != 1 || chunks[0].Name != "standard input" || chunks[0].Size != -1 {
		t.Fatalf("%+v, %v, %v", chunks, problems, err)
	}
	again, _, err := listLocal(t, l)
	if err != nil || len(again) != 1 {
		t.Fatalf("listed again: %+v, %v", again, err)
	}
	for _, chunk := range []Chunk{chunks[0], chunks[0], again[0]} {
		rc, err := chunk.Open(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		if b, err := io.ReadAll(rc); err != nil || string(b) != "one two" {
			t.Errorf("%q, %v", b, err)
		}
		rc.Close()
	}
}

// A stream longer than what is kept in memory is read again from the file that
// it went to, also by a reader that began before the first was done.
func TestSpoolBeyondMemory(t *testing.T) {
	var want bytes.Buffer
	for i := range 40_000 {
		fmt.Fprintln(&want, i)
	}
	s := newSpool(bytes.NewReader(want.Bytes()))
	s.limit = 100_000
	half, err := s.open(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	begun := make([]byte, want.Len()/2)
	if _, err := io.ReadFull(half, begun); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		rc, err := s.open(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		if b, err := io.ReadAll(rc); err != nil || !bytes.Equal(b, want.Bytes()) {
			t.Fatalf("read %d bytes of %d, %v", len(b), want.Len(), err)
		}
	}
	if s.file == nil || len(s.memory) > s.limit {
		t.Errorf("%d bytes are kept in memory", len(s.memory))
	}
	rest, err := io.ReadAll(half)
	if err != nil || !bytes.Equal(append(begun, rest...), want.Bytes()) {
		t.Errorf("the first reader read %d bytes of %d, %v", len(begun)+len(rest), want.Len(), err)
	}
	if _, err := os.Stat(s.file.Name()); runtime.GOOS != "windows" && !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the temporary file still has its name: %v", err)
	}
}

// Where no temporary file can be made a stream is read all the same, but only
// once.
func TestSpoolWithoutPlace(t *testing.T) {
	t.Setenv("TMPDIR", filepath.Join(t.TempDir(), "missing"))
	t.Setenv("TMP", os.Getenv("TMPDIR"))
	want := bytes.Repeat([]byte("0123456789abcdef"), 20_000)
	s := newSpool(bytes.NewReader(want))
	s.limit = 100_000
	open := func() io.Reader {
		rc, err := s.open(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		return rc
	}
	first, second := open(), open()
	if b, err := io.ReadAll(first); err != nil || !bytes.Equal(b, want) {
		t.Fatalf("read %d bytes of %d, %v", len(b), len(want), err)
	}
	for _, r := range []io.Reader{second, open()} {
		b, err := io.ReadAll(r)
		if err == nil || !strings.Contains(err.Error(), "only once") || !bytes.HasPrefix(want, b) || len(b) > s.limit {
			t.Errorf("read again: %d bytes of %d, %v", len(b), len(want), err)
		}
	}
}

func TestSpoolStops(t *testing.T) {
	silent, writer := io.Pipe()
	s := newSpool(silent)
	ctx, cancel := context.WithCancel(context.Background())
	rc, err := s.open(ctx)
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	if n, err := rc.Read(make([]byte, 1)); n != 0 || err != context.Canceled {
		t.Errorf("reading a silent stream gave %d, %v", n, err)
	}
	// What the read that was left behind still gets is not lost.
	go func() {
		io.WriteString(writer, "late")
		writer.CloseWithError(iotest.ErrTimeout)
	}()
	rc, err = s.open(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if b, err := io.ReadAll(rc); string(b) != "late" || err != iotest.ErrTimeout {
		t.Errorf("%q, %v", b, err)
	}
}
