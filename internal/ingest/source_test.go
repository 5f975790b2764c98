package ingest

import (
	"context"
	"errors"
	"io"
	"sync/atomic"
	"testing"
	"time"
)

// testSource holds a source to the contract that every source keeps, and returns
// the chunks that it lists. open makes the source anew.
func testSource(t *testing.T, open func(t *testing.T) Source) []Chunk {
	t.Helper()
	ctx := t.Context()
	report := func(p Problem) { t.Errorf("problem: %s: %s: %s", p.Object, p.Stage, p.Error) }

	var chunks []Chunk
	var inside atomic.Int32
	err := open(t).List(ctx, func(c Chunk) error {
		if inside.Add(1) != 1 {
			t.Error("emit is called twice at a time")
		}
		defer inside.Add(-1)
		chunks = append(chunks, c)
		return nil
	}, report)
	if err != nil {
		t.Fatalf("List: %v", err)
	}
	if len(chunks) < 2 {
		t.Fatalf("%d chunks: too few to see an order", len(chunks))
	}

	names := map[string]bool{}
	ended := map[string]bool{}
	for i, c := range chunks {
		if c.Name == "" || names[c.Name] {
			t.Errorf("chunk %d: name %q is empty or was there before", i, c.Name)
		}
		names[c.Name] = true
		if i == 0 {
			continue
		}
		switch last := chunks[i-1]; {
		case last.Account != c.Account:
			ended[last.Account] = true
			if ended[c.Account] {
				t.Errorf("%s: account %s comes a second time", c.Name, c.Account)
			}
		case c.Account != "" && c.Stamp.Truncate(24*time.Hour).Before(last.Stamp.Truncate(24*time.Hour)):
			t.Errorf("%s: its day comes before that of %s", c.Name, last.Name)
		}
	}

	for _, c := range chunks[:2] {
		first, second := readAll(t, c), readAll(t, c)
		if string(first) != string(second) {
			t.Errorf("%s: opened again, it gives other bytes", c.Name)
		}
		if c.Size >= 0 && c.Size != int64(len(first)) {
			t.Errorf("%s: size %d, but %d bytes", c.Name, c.Size, len(first))
		}
	}

	var again []string
	if err := open(t).List(ctx, func(c Chunk) error { again = append(again, c.Name); return nil }, report); err != nil {
		t.Fatalf("List: %v", err)
	}
	if len(again) != len(chunks) {
		t.Errorf("listed again, it gives %d chunks and not %d", len(again), len(chunks))
	}
	for i := range min(len(again), len(chunks)) {
		if again[i] != chunks[i].Name {
			t.Errorf("listed again, chunk %d is %s and not %s", i, again[i], chunks[i].Name)
			break
		}
	}

	stop, calls := errors.New("stop"), 0
	err = open(t).List(ctx, func(Chunk) error { calls++; return stop }, report)
	if !errors.Is(err, stop) || calls != 1 {
		t.Errorf("after an error of emit: List = %v, emit called %d times", err, calls)
	}

	canceled, cancel := context.WithCancel(ctx)
	defer cancel()
	err = open(t).List(canceled, func(Chunk) error { cancel(); return canceled.Err() }, report)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("after the end of ctx: List = %v", err)
	}
	return chunks
}

// readAll opens a chunk and returns its bytes.
func readAll(t *testing.T, c Chunk) []byte {
	t.Helper()
	r, err := c.Open(t.Context())
	if err != nil {
		t.Fatalf("%s: %v", c.Name, err)
	}
	defer r.Close()
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatalf("%s: %v", c.Name, err)
	}
	return b
}
