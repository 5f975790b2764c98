package ingest

import (
	"bytes"
	"io"
	"testing"
)

// askingReader asks before every read what the counters tell by then.
type askingReader struct {
	r   io.Reader
	ask func()
}

func (a askingReader) Read(p []byte) (int, error) {
	a.ask()
	return a.r.Read(p)
}

// A large object alone must not look like a scan that stands still.
func TestCountersInsideAnObject(t *testing.T) {
	trail := []byte(makeTrail(3_000))
	counters := &Counters{}
	var half Counters // as they stood when the last byte was still to come
	in := askingReader{bytes.NewReader(trail), func() {
		half.Records.Store(counters.Records.Load())
		half.BytesStored.Store(counters.BytesStored.Load())
		half.Bytes.Store(counters.Bytes.Load())
	}}
	totals, err := Scan(t.Context(), NewLocal([]string{Stdin}, in), ScanOptions{Counters: counters}, []func(*Event){func(*Event) {}})
	if err != nil || len(totals.Problems) > 0 {
		t.Fatalf("%+v, %v", totals, err)
	}
	for _, test := range []struct {
		what             string
		half, got, whole int64
	}{
		{"records", half.Records.Load(), counters.Records.Load(), totals.Records},
		{"stored bytes", half.BytesStored.Load(), counters.BytesStored.Load(), totals.CompressedBytes},
		{"bytes", half.Bytes.Load(), counters.Bytes.Load(), totals.Bytes},
	} {
		if test.half == 0 || test.half >= test.whole {
			t.Errorf("%d %s before the end, of %d", test.half, test.what, test.whole)
		}
		if test.got != test.whole {
			t.Errorf("%d %s in the end, want %d", test.got, test.what, test.whole)
		}
	}
}
