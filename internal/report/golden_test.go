package report

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/trailscan/trailscan/internal/attribute"
)

var update = flag.Bool("update", false, "write the golden files anew")

// golden compares got with the file testdata/name, or writes it with -update.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o666); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v (go test -update writes it)", err)
	}
	if got != string(want) {
		t.Errorf("%s differs from what is written now (go test -update to accept):\n%s", path, got)
	}
}

func TestGolden(t *testing.T) {
	results := []struct {
		name string
		res  func() *attribute.Result
	}{
		{"plain", testResult},
		{"baseline", testComparison},
		{"empty", func() *attribute.Result { return &attribute.Result{Scan: attribute.Scan{Complete: true}} }},
	}
	for _, f := range Formats() {
		if f.Name == "html" || f.Name == "table" || f.Name == "csv" { // these have tests of their own
			continue
		}
		for _, r := range results {
			t.Run(f.Name+"/"+r.name, func(t *testing.T) {
				golden(t, r.name+f.Endings[0], write(t, f.Write, r.res(), testOptions()))
			})
		}
	}
	for _, view := range Views() {
		opt := testOptions()
		opt.View = view
		for _, r := range results[1:] {
			t.Run("csv/"+view+"/"+r.name, func(t *testing.T) {
				golden(t, r.name+"-"+view+".csv", write(t, writeCSV, r.res(), opt))
			})
		}
	}
	tables := []struct {
		view   string
		widths []int
	}{
		{"", []int{80, 120, 200}},
		{ViewSummary, []int{80}},
		{ViewNames, []int{80, 200}},
		{ViewOrigins, []int{80}},
		{ViewFindings, []int{80}},
		{ViewSessions, []int{80, 120}},
	}
	for _, r := range results {
		for _, tt := range tables {
			for _, width := range tt.widths {
				if r.name == "empty" && width != 80 || r.name == "plain" && tt.view != "" {
					continue
				}
				opt := testOptions()
				opt.View, opt.Width = tt.view, width
				name := r.name + "-table"
				if tt.view != "" {
					name = r.name + "-" + tt.view
				}
				t.Run(fmt.Sprintf("table/%s/%d", name, width), func(t *testing.T) {
					golden(t, fmt.Sprintf("%s-%d.txt", name, width), write(t, writeTable, r.res(), opt))
				})
			}
		}
	}
}

func TestSameBytes(t *testing.T) {
	for _, f := range Formats() {
		a, b := write(t, f.Write, testComparison(), testOptions()), write(t, f.Write, testComparison(), testOptions())
		if a != b {
			t.Errorf("%s: two reports of the same result differ", f.Name)
		}
	}
}

type failingWriter struct{ left int }

var errFull = errors.New("no space left on device")

func (w *failingWriter) Write(p []byte) (int, error) {
	if w.left -= len(p); w.left < 0 {
		return 0, errFull
	}
	return len(p), nil
}

func TestWriteError(t *testing.T) {
	for _, f := range Formats() {
		var size int64
		if err := f.Write(countWriter{&size}, testComparison(), testOptions()); err != nil {
			t.Fatal(err)
		}
		for _, left := range []int64{0, 1, size / 2, size - 1} {
			err := f.Write(&failingWriter{int(left)}, testComparison(), testOptions())
			if !errors.Is(err, errFull) {
				t.Errorf("%s with room for %d of %d bytes: error %v, want %v", f.Name, left, size, err, errFull)
			}
		}
		if err := f.Write(io.Discard, testComparison(), testOptions()); err != nil {
			t.Errorf("%s: %v", f.Name, err)
		}
	}
}

type countWriter struct{ n *int64 }

func (c countWriter) Write(p []byte) (int, error) { *c.n += int64(len(p)); return len(p), nil }

func TestFormats(t *testing.T) {
	for path, want := range map[string]string{
		"r.json": "json", "r.ocsf.json": "ocsf", "R.OCSF.JSON": "ocsf", "x/r.jsonl": "jsonl", "r.md": "markdown",
		"r.html": "html", "r.csv": "csv", "r.sarif": "sarif", "s3://b/k/weekly.JSON": "json",
	} {
		if f, err := ByEnding(path); err != nil || f.Name != want {
			t.Errorf("ByEnding(%q) = %q, %v; want %q", path, f.Name, err, want)
		}
	}
	for _, path := range []string{"", "r", "r.txt", "r.json.gz", "json"} {
		if f, err := ByEnding(path); err == nil {
			t.Errorf("ByEnding(%q) = %q, want an error", path, f.Name)
		}
	}
	var names []string
	for _, f := range Formats() {
		names = append(names, f.Name)
		if g, err := ByName(f.Name); err != nil || g.Name != f.Name {
			t.Errorf("ByName(%q) = %q, %v", f.Name, g.Name, err)
		}
	}
	if want := []string{"table", "csv", "json", "jsonl", "html", "markdown", "sarif", "ocsf"}; fmt.Sprint(names) != fmt.Sprint(want) {
		t.Errorf("formats %v, want %v", names, want)
	}
	if _, err := ByName("xml"); err == nil {
		t.Error("ByName(xml) gives no error")
	}
}
