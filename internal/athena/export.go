package athena

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// Export is a file with a result, or a part of one, as an engine exported it: CSV
// with a line of names, compressed by gzip or zstd or as it is, or Parquet. The
// form is found from the content.
type Export struct {
	file io.ReaderAt
	size int64
}

// NewExport makes an export of a file that has size bytes. It reads nothing yet.
func NewExport(file io.ReaderAt, size int64) *Export { return &Export{file, size} }

// open begins at the first row.
func (x *Export) open() (rows rowReader, done func(), err error) {
	done = func() {}
	magic := make([]byte, 4)
	n, err := x.file.ReadAt(magic, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, done, err
	}
	var text io.Reader = io.NewSectionReader(x.file, 0, x.size)
	switch magic = magic[:n]; {
	case string(magic) == parquetMagic:
		rows, err = newParquet(x.file, x.size)
		return rows, done, err
	case bytes.HasPrefix(magic, []byte{0x1f, 0x8b}):
		if text, err = gzip.NewReader(bufio.NewReaderSize(text, 1<<20)); err != nil {
			return nil, done, err
		}
	case string(magic) == "\x28\xb5\x2f\xfd":
		unpacked, err := zstd.NewReader(text, zstd.WithDecoderConcurrency(1))
		if err != nil {
			return nil, done, err
		}
		text, done = unpacked, unpacked.Close
	case bytes.ContainsRune(magic, 0) || string(magic) == "Obj\x01" || string(magic[:min(n, 3)]) == "ORC":
		return nil, done, errors.New("it is neither CSV nor Parquet: export it as one of them")
	}
	rows, err = newCSV(bufio.NewReaderSize(text, 1<<20))
	return rows, done, err
}

// Header finds the row that says what the result is. It reports false where there
// is none, which is so of all but one of the files that a result is in.
func (x *Export) Header() (h Header, found bool, err error) {
	rows, done, err := x.open()
	defer done()
	if err != nil {
		return h, false, early(err)
	}
	if h, err = readHeader(rows); errors.Is(err, ErrNoHeader) {
		return h, false, nil
	}
	return h, err == nil, early(err)
}

// early words the end of a compressed file before the end of what it holds.
func early(err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return errors.New("the file ends early: fetch it again")
	}
	return err
}

// Rows hands on the rows. name is what problems call the file. The error says why
// it could not be read to its end.
func (x *Export) Rows(ctx context.Context, name string, rows Rows) error {
	reader, done, err := x.open()
	defer done()
	if err != nil {
		return early(err)
	}
	return early(readRows(ctx, reader, name, rows))
}
