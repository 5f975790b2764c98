package ingest

import (
	"context"
	"fmt"
	"io"
	"os"
	"sync"
)

// spoolInMemory is how many stored bytes of a stream are kept in memory; what
// comes after them goes to a temporary file.
const spoolInMemory = 64 << 20

// spool keeps what was read of a stream that gives its bytes only once, so that
// it can be read again. Nothing is read before somebody asks for it.
type spool struct {
	source func() (io.Reader, error) // opens the stream
	limit  int                       // spoolInMemory, less in tests

	mu      sync.Mutex
	r       io.Reader
	memory  []byte
	file    *os.File // has no name any more, and goes with the process
	size    int64    // of both
	err     error    // what the stream ended with
	pending chan spooled
	buf     []byte

	// When there is no room for more, one reader still gets the rest.
	full  error        // why nothing more is kept, nil while it is
	loose []byte       // of buf, what was not kept and nobody has read yet
	last  *spoolReader // who gets it
}

// spooled is what one read of the stream gave.
type spooled struct {
	n   int
	err error
}

func newSpool(r io.Reader) *spool {
	return &spool{source: func() (io.Reader, error) { return r, nil }, limit: spoolInMemory}
}

// pipeSpool is the spool of a named pipe or of what else is no regular file.
func pipeSpool(path string) *spool {
	return &spool{source: func() (io.Reader, error) { return os.Open(path) }, limit: spoolInMemory}
}

// open gives the stream from its beginning. It takes ctx along, since a stream
// that says nothing for a long time must not hold up who wants to stop.
func (s *spool) open(ctx context.Context) (io.ReadCloser, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.r == nil {
		r, err := s.source()
		if err != nil {
			return nil, err
		}
		s.r, s.buf = r, make([]byte, readAhead)
	}
	return io.NopCloser(&spoolReader{s: s, stop: ctx.Done(), cause: ctx.Err}), nil
}

// spoolReader reads a spool from its beginning.
type spoolReader struct {
	s     *spool
	at    int64
	stop  <-chan struct{}
	cause func() error
}

func (r *spoolReader) Read(p []byte) (int, error) {
	s := r.s
	s.mu.Lock()
	defer s.mu.Unlock()
	for r.at == s.size {
		switch {
		case s.full != nil && s.last == nil:
			s.last = r
		case s.full != nil && s.last != r:
			return 0, s.full
		}
		if len(s.loose) > 0 {
			n := copy(p, s.loose)
			s.loose = s.loose[n:]
			return n, nil
		}
		if s.err != nil {
			return 0, s.err
		}
		if !s.fill(r.stop) {
			return 0, r.cause()
		}
	}
	n, err := s.copyAt(p, r.at)
	r.at += int64(n)
	return n, err
}

// fill waits for more bytes of the stream or its end. It reports false if it was
// stopped before.
func (s *spool) fill(stop <-chan struct{}) bool {
	if s.pending == nil {
		// A read of a terminal or a pipe cannot be called off. It goes on by
		// itself, and who asks next finds what it gave.
		s.pending = make(chan spooled, 1)
		go func(to chan<- spooled) {
			n, err := s.r.Read(s.buf)
			to <- spooled{n, err}
		}(s.pending)
	}
	select {
	case got := <-s.pending:
		s.pending, s.err, s.loose = nil, got.err, s.buf[:got.n]
		if s.full == nil {
			n, err := s.store(s.loose)
			s.loose = s.loose[n:]
			if err != nil {
				s.full = fmt.Errorf("the input must be read again and can be read only once: %w; make room where TMPDIR says, or give a file", err)
			}
		}
		return true
	case <-stop:
		return false
	}
}

// store appends to the spool, and gives how much of b it kept.
func (s *spool) store(b []byte) (int, error) {
	if s.file == nil && len(s.memory)+len(b) <= s.limit {
		s.memory = append(s.memory, b...)
		s.size += int64(len(b))
		return len(b), nil
	}
	if s.file == nil {
		f, err := os.CreateTemp("", "trailscan-*")
		if err != nil {
			return 0, fmt.Errorf("keeping it in a temporary file: %w", err)
		}
		// Where an open file cannot be removed it stays behind for the system
		// to clean up.
		os.Remove(f.Name())
		s.file = f
	}
	n, err := s.file.WriteAt(b, s.size-int64(len(s.memory)))
	s.size += int64(n)
	if err != nil {
		return n, fmt.Errorf("keeping it in a temporary file: %w", err)
	}
	return n, nil
}

// copyAt reads what is stored from an offset below the spool's size on.
func (s *spool) copyAt(p []byte, at int64) (int, error) {
	if at < int64(len(s.memory)) {
		return copy(p, s.memory[at:]), nil
	}
	if rest := s.size - at; int64(len(p)) > rest {
		p = p[:rest]
	}
	return s.file.ReadAt(p, at-int64(len(s.memory)))
}
