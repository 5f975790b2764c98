package ingest

import (
	"bytes"
	"context"
	"io"
	"strings"
	"testing"
	"time"
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

// eagerSource is a source of so many chunks, none of which opens before all are listed.
type eagerSource struct {
	chunks int
	listed chan struct{}
}

func (l eagerSource) List(_ context.Context, emit func(Chunk) error, _ func(Problem)) error {
	for range l.chunks {
		open := func(ctx context.Context) (io.ReadCloser, error) {
			select {
			case <-l.listed:
				return io.NopCloser(strings.NewReader(`{"Records":[]}`)), nil
			case <-ctx.Done():
				return nil, ctx.Err()
			}
		}
		if err := emit(Chunk{Size: 14, Open: open}); err != nil {
			return err
		}
	}
	close(l.listed)
	return nil
}

// How long a scan takes can only be told if the listing does not wait for it.
func TestListingGoesOnMeanwhile(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	counters := &Counters{}
	totals, err := Scan(ctx, eagerSource{chunks: listAhead, listed: make(chan struct{})}, ScanOptions{Counters: counters}, []func(*Event){func(*Event) {}})
	if err != nil || totals.Objects != listAhead || !counters.ListingDone.Load() {
		t.Errorf("%d objects, listing done %t: %v", totals.Objects, counters.ListingDone.Load(), err)
	}
}
