package ingest

import (
	"crypto/sha256"
	"hash"
	"io"
)

// Content tells what the bytes of a chunk were, so that they can be checked.
type Content struct {
	// Sum is the SHA-256 of the uncompressed bytes; of a gzip stream of several
	// members those of the first, which are all that the AWS CLI looks at.
	Sum [sha256.Size]byte
	// Size is how many uncompressed bytes Sum is of.
	Size int64
	// Format is gzip, zstd or empty.
	Format string
	// Whole says that the bytes were read up to where Sum ends. Without it Sum
	// and Trailing mean nothing.
	Whole bool
	// Trailing says that something follows the first member of a gzip stream.
	Trailing bool
}

// hasher takes the Content of an object while an input reads it.
type hasher struct {
	content Content
	hash    hash.Hash
}

// begin begins with the object that in was reset to, or failed to be. whole is
// what it unpacked to, where that was done at once.
func (h *hasher) begin(in *input, whole []byte, err error) {
	if h.hash == nil {
		h.hash = sha256.New()
	}
	h.hash.Reset()
	h.content = Content{Format: in.format}
	switch {
	case whole != nil:
		h.content.Sum, h.content.Size, h.content.Whole = sha256.Sum256(whole), int64(len(whole)), true
	case in.format == "gzip" && err == nil:
		in.gzip.Multistream(false)
	}
}

// read reads as in without a hasher does, and takes the sum on the way.
func (h *hasher) read(in *input, p []byte) (int, error) {
	n, err := in.from.Read(p)
	if h.content.Whole {
		return n, err // of what follows the first member
	}
	h.hash.Write(p[:n])
	h.content.Size += int64(n)
	if err != io.EOF {
		return n, err
	}
	h.content.Whole = true
	h.hash.Sum(h.content.Sum[:0])
	if in.format != "gzip" {
		return n, io.EOF
	}
	if _, err := in.ahead.Peek(1); err != nil {
		return n, err
	}
	h.content.Trailing = true
	if err = in.gzip.Reset(in.ahead); err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

// rest reads what a reader left unread, because it could make nothing of it,
// up to where the sum ends. It stops at more than limit bytes of a compressed
// object, and when stop says so.
func (h *hasher) rest(in *input, buf []byte, limit int64, stop func() bool) {
	for !h.content.Whole && !stop() && (in.format == "" || h.content.Size <= limit) {
		if _, err := h.read(in, buf); err != nil {
			return
		}
	}
}

// content tells what the object that was read last held; nothing, where it was
// not asked for.
func (r *Reader) content() Content {
	if r.in.check == nil {
		return Content{}
	}
	return r.in.check.content
}
