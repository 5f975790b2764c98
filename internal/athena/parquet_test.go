package athena

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/trailscan/trailscan/internal/ingest"
)

// parquetFile is a result that DuckDB wrote, the same as the CSV beside it.
const parquetFile = "../../cmd/trailscan/testdata/rollup/string-value.parquet"

// allRows reads all rows of an export.
func allRows(file []byte) ([]string, error) {
	x := NewExport(bytes.NewReader(file), int64(len(file)))
	rows, done, err := x.open()
	defer done()
	if err != nil {
		return nil, err
	}
	var all []string
	for {
		switch err := rows.next(); {
		case errors.Is(err, io.EOF):
			return all, nil
		case err != nil:
			return all, err
		}
		all = append(all, strings.Join(rows.values(), "|"))
	}
}

// TestParquet holds that a result is the same as Parquet and as CSV. What engines
// write in other ways a test beside the program tries.
func TestParquet(t *testing.T) {
	file, err := os.ReadFile(parquetFile)
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(strings.TrimSuffix(parquetFile, ".parquet") + ".csv")
	if err != nil {
		t.Fatal(err)
	}
	got, err := allRows(file)
	if err != nil {
		t.Fatal(err)
	}
	want, err := allRows(text)
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string]int{} // in any order
	for _, r := range got {
		rows[r]++
	}
	for _, r := range want {
		if rows[r]--; rows[r] < 0 {
			t.Errorf("Parquet lacks %.200s", r)
		}
	}
	if len(got) != len(want) || len(got) < 40 {
		t.Errorf("%d rows, %d as CSV", len(got), len(want))
	}
}

// TestParquetDamaged holds that a damaged file is an error, and never a result
// that ends early.
func TestParquetDamaged(t *testing.T) {
	file, err := os.ReadFile(parquetFile)
	if err != nil {
		t.Fatal(err)
	}
	whole, err := allRows(file)
	if err != nil {
		t.Fatal(err)
	}
	for n := range file {
		if n >= 4 && n%7 == 0 { // as CSV it is an error of another kind
			if got, err := allRows(file[:n]); err == nil {
				t.Errorf("%d of %d bytes give %d rows", n, len(file), len(got))
			}
		}
		damaged := bytes.Clone(file)
		damaged[n] ^= 0x5a
		if got, err := allRows(damaged); err == nil && len(got) != len(whole) {
			t.Errorf("byte %d changed gives %d of %d rows", n, len(got), len(whole))
		}
	}
	for name, test := range map[string]struct{ file, want string }{
		"too short": {"PAR1PAR1", "ends early"},
		"encrypted": {"PAR1" + strings.Repeat("x", 20) + "\x04\x00\x00\x00PARE", "encrypted"},
		"no footer": {"PAR1" + strings.Repeat("x", 20) + "\xff\xff\xff\x00PAR1", "ends early"},
		"ORC":       {"ORC\x11aaaaaaaaaaaaaaa", "neither CSV nor Parquet"},
		"Avro":      {"Obj\x01aaaaaaaaaaaaaaa", "neither CSV nor Parquet"},
	} {
		if _, err := allRows([]byte(test.file)); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// FuzzExport holds that no file makes the reader panic. A few bytes may stand for
// very many rows, of which it takes the first.
func FuzzExport(f *testing.F) {
	file, err := os.ReadFile(parquetFile)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(file)
	f.Add([]byte("PAR1PAR1"))
	f.Add([]byte("entry,calls,duplicates,first_event,last_time,shared_events\n"))
	f.Fuzz(func(t *testing.T, file []byte) {
		x := NewExport(bytes.NewReader(file), int64(len(file)))
		rows, done, err := x.open()
		defer done()
		if err != nil {
			return
		}
		d := &decoder{reader: ingest.NewReader(ingest.Limits{}), name: "r", rows: Rows{Use: func(e *ingest.Event, u Use) {
			if u.Calls < 1 {
				t.Errorf("%+v", u)
			}
		}}}
		for range 1000 {
			if rows.next() != nil {
				return
			}
			if len(rows.values()) != len(resultColumns) || rows.place() == "" {
				t.Fatal("a row of other columns, or of no place")
			}
			d.row(context.Background(), rows.values())
		}
	})
}
