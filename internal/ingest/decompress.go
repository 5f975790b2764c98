package ingest

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// readAhead is how many stored bytes are read at a time.
const readAhead = 64 << 10

// Objects of up to maxPacked stored bytes that unpack to maxWhole or less are
// unpacked at once, into the buffer that they are scanned in.
const (
	maxPacked = 4 << 20
	maxWhole  = 16 << 20
)

// maxZstdWindow is the largest window of a zstd stream that is unpacked; it is
// what zstd --long takes.
const maxZstdWindow = 128 << 20

// input gives the uncompressed bytes of one object after the other. How an
// object is compressed is told by its first bytes.
type input struct {
	stored storedReader
	ahead  *bufio.Reader
	gzip   *gzip.Reader
	zstd   *zstd.Decoder

	inflater inflater
	packed   []byte // what was read of an object to unpack it at once

	from   io.Reader // one of the above
	format string    // gzip, zstd or empty
	check  *hasher   // nil where nobody asks what the bytes were
}

// storedReader counts what it reads and remembers why reading ended, so that a
// source that fails is told from a stream that is corrupt.
type storedReader struct {
	r   io.Reader
	n   int64
	err error // other than io.EOF
}

func (s *storedReader) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	s.n += int64(n)
	if err != nil && err != io.EOF && s.err == nil {
		s.err = err
	}
	return n, err
}

var (
	gzipMagic = []byte{0x1f, 0x8b}
	zstdMagic = []byte{0x28, 0xb5, 0x2f, 0xfd}
)

// reset begins with the object that r holds. Of a gzip object that is good and
// unpacks to no more than limit it gives the whole, in buf or a larger slice.
func (in *input) reset(r io.Reader, buf []byte, limit int, stop func() bool) (whole []byte, err error) {
	err = in.open(r)
	if err == nil && in.format == "gzip" {
		if whole = in.unpack(buf, limit, stop); whole == nil {
			if err = in.gzip.Reset(in.ahead); err == io.EOF {
				err = io.ErrUnexpectedEOF
			}
		}
	}
	if in.check != nil {
		in.check.begin(in, whole, err)
	}
	return whole, err
}

func (in *input) open(r io.Reader) error {
	in.stored = storedReader{r: r}
	if in.ahead == nil {
		in.ahead = bufio.NewReaderSize(&in.stored, readAhead)
	} else {
		in.ahead.Reset(&in.stored)
	}
	in.from, in.format = in.ahead, ""
	magic, err := in.ahead.Peek(4)
	if err != nil && err != io.EOF {
		return err
	}
	switch {
	case bytes.HasPrefix(magic, gzipMagic):
		in.format = "gzip"
		if in.gzip == nil {
			in.gzip = new(gzip.Reader)
		}
		in.from = in.gzip
	case bytes.Equal(magic, zstdMagic), len(magic) == 4 && magic[0]&0xf0 == 0x50 && bytes.Equal(magic[1:], []byte{0x2a, 0x4d, 0x18}):
		in.format = "zstd"
		if in.zstd == nil {
			in.zstd, err = zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxZstdWindow))
			if err != nil {
				return err
			}
		}
		in.from = in.zstd
		return in.zstd.Reset(in.ahead)
	}
	return nil
}

// unpack reads and unpacks the gzip object at hand. Where it gives nil, because
// the object is too large, or not good, or not like those that CloudTrail
// delivers, in.ahead gives the object's bytes once more.
func (in *input) unpack(buf []byte, limit int, stop func() bool) []byte {
	if limit <= 0 {
		return nil
	}
	head, _ := in.ahead.Peek(in.ahead.Buffered())
	in.packed = append(in.packed[:0], head...)
	var err error
	for err == nil && len(in.packed) <= maxPacked && !stop() {
		in.packed = slices.Grow(in.packed, max(inflateMargin, readAhead))
		var n int
		n, err = in.stored.Read(in.packed[len(in.packed):cap(in.packed)])
		in.packed = in.packed[:len(in.packed)+n]
	}
	if err == io.EOF {
		in.packed = slices.Grow(in.packed, inflateMargin)
		if whole, ok := in.inflater.gunzip(buf, in.packed, limit); ok {
			return whole
		}
	}
	rest := io.Reader(&in.stored)
	if err != nil {
		rest = failedReader{err}
	}
	in.ahead.Reset(io.MultiReader(bytes.NewReader(in.packed), rest))
	return nil
}

// failedReader gives an error that another reader gave before.
type failedReader struct{ err error }

func (f failedReader) Read([]byte) (int, error) { return 0, f.err }

// Read gives uncompressed bytes.
func (in *input) Read(p []byte) (int, error) {
	if in.check != nil {
		return in.check.read(in, p)
	}
	return in.from.Read(p)
}

// errInflated is the error of an object that inflates beyond its limit.
type errInflated struct{ limit int64 }

func (e errInflated) Error() string {
	return fmt.Sprintf("inflates to more than %s, the rest is not read: raise the limit if the object is genuine", byteSize(e.limit))
}

// explain says what an error of reset or Read means, and at which stage it arose.
func (in *input) explain(err error) (Stage, string) {
	var p *ProblemError
	var inflated errInflated
	switch {
	case errors.As(in.stored.err, &p):
		return p.Problem.Stage, p.Problem.Error
	case in.stored.err != nil:
		return StageFetch, in.stored.err.Error()
	case errors.As(err, &inflated):
		return StageDecompress, inflated.Error()
	case errors.Is(err, io.ErrUnexpectedEOF), err == io.EOF:
		return StageDecompress, in.format + " stream ends early: the object is truncated, fetch it again if its source is whole"
	case errors.Is(err, gzip.ErrChecksum), errors.Is(err, zstd.ErrCRCMismatch):
		return StageDecompress, in.format + " checksum does not match: the object is corrupt, fetch it again if its source is whole"
	case errors.Is(err, gzip.ErrHeader), errors.Is(err, zstd.ErrMagicMismatch):
		return StageDecompress, in.format + " stream is followed by bytes that belong to none"
	case errors.Is(err, zstd.ErrWindowSizeExceeded), errors.Is(err, zstd.ErrDecoderSizeExceeded):
		return StageDecompress, "zstd stream needs a window of more than " + byteSize(maxZstdWindow)
	}
	var corrupt flate.CorruptInputError
	if errors.As(err, &corrupt) || in.format == "zstd" {
		return StageDecompress, in.format + " stream is corrupt: fetch the object again if its source is whole"
	}
	return StageDecompress, in.format + " stream: " + err.Error()
}

// byteSize writes n in the largest binary unit that divides it.
func byteSize(n int64) string {
	for _, u := range []struct {
		size int64
		name string
	}{{1 << 30, "GiB"}, {1 << 20, "MiB"}, {1 << 10, "KiB"}} {
		if n >= u.size && n%u.size == 0 {
			return fmt.Sprintf("%d %s", n/u.size, u.name)
		}
	}
	return fmt.Sprintf("%d bytes", n)
}
