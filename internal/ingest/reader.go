package ingest

import (
	"context"
	"io"
	"slices"
)

// Limits bound what a single object may ask for. A field that is zero has its
// default.
type Limits struct {
	// MaxObject is how many bytes a compressed object may inflate to, 4 GiB.
	MaxObject int64
	// MaxRecord is how many bytes one record may have, 32 MiB. It bounds the
	// memory of a Reader: CloudTrail's own limit for an event is 256 KiB, by
	// https://docs.aws.amazon.com/awscloudtrail/latest/userguide/WhatIsCloudTrail-Limits.html
	MaxRecord int
	// MaxDepth is how deep a record may be nested, 512 levels.
	MaxDepth int
}

func (l Limits) withDefaults() Limits {
	if l.MaxObject <= 0 {
		l.MaxObject = 4 << 30
	}
	if l.MaxRecord <= 0 {
		l.MaxRecord = 32 << 20
	}
	if l.MaxDepth <= 0 {
		l.MaxDepth = 512
	}
	return l
}

// Stats is what was read of one object.
type Stats struct {
	CompressedBytes int64 // as stored
	Bytes           int64 // uncompressed
	Records         int64 // events handed on
	PassedOver      int64 // records and files of CloudTrail that are no trail events
}

// defaultWindow is how many uncompressed bytes are looked at in one go. A record
// that does not fit makes it grow, up to Limits.MaxRecord.
const defaultWindow = 256 << 10

// keptBuffer is how large a buffer may be to be kept for the next object, and
// keptWindow how large the one for the object itself: one huge record must not
// hold its memory to the end of the run.
const (
	keptBuffer = 4 << 20
	keptWindow = maxWhole + inflateMargin
)

// cancelEvery is after how many records it is asked whether to stop.
const cancelEvery = 256

// Reader reads objects, one after the other, and keeps its buffers between
// them. It serves one goroutine at a time.
type Reader struct {
	limits Limits
	window int
	whole  int // the largest object that is unpacked at once
	in     input
	dec    *decoder
	nested *Reader // for payloads inside of objects; nil in such a reader itself

	counters *Counters // told while an object is read; may be nil
	text     []byte    // the unescaped string that the record at hand stands in

	// The window: buf holds the object's bytes from base on, and everything
	// before pos is done with.
	buf   []byte
	pos   int
	base  int64
	cause error // why there are no more bytes, io.EOF at the object's end
	full  bool  // a value does not fit the window

	// Of the object at hand:
	done     <-chan struct{} // when to stop
	add      func(*Event)
	name     string
	stats    Stats
	told     Stats // what of it the counters know
	problems []Problem
	wraps    int  // how many wrappers the value at hand stands in
	shaped   bool // has something of CloudTrail's
	oneLine  bool // values do not go over several lines
	control  bool // a subscription's payload that only checks the connection
}

// NewReader makes a Reader with the given limits.
func NewReader(limits Limits) *Reader {
	r := newReader(limits.withDefaults())
	r.nested = newReader(r.limits)
	return r
}

func newReader(limits Limits) *Reader {
	return &Reader{limits: limits, window: defaultWindow, whole: maxWhole, dec: newDecoder(limits.MaxDepth)}
}

// Read reads the object that rc holds, in whatever form CloudTrail's records
// come, and calls add for every event in it. The event is valid until add
// returns. name is what problems call the object.
//
// An object that breaks half-way gives the events before the break and a
// problem with the offset in its uncompressed bytes. When ctx ends Read returns
// soon, without a problem for what it did not read.
func (r *Reader) Read(ctx context.Context, name string, rc io.Reader, add func(*Event)) (Stats, []Problem) {
	return r.read(ctx.Done(), name, rc, add)
}

func (r *Reader) read(done <-chan struct{}, name string, rc io.Reader, add func(*Event)) (Stats, []Problem) {
	r.done, r.add, r.name = done, add, name
	r.stats, r.told, r.problems = Stats{}, Stats{}, nil
	r.wraps, r.shaped, r.oneLine, r.control = 0, false, false, false
	for _, b := range []*[]byte{&r.text, &r.dec.scratch, &r.dec.ev.scratch} {
		if cap(*b) > keptBuffer {
			*b = nil
		}
	}
	if cap(r.buf) > keptWindow {
		r.buf = nil
	}
	r.buf, r.pos, r.base, r.cause, r.full = r.buf[:0], 0, 0, nil, false
	r.dec.b = r.buf

	limit := min(int64(r.whole), r.limits.MaxObject, int64(r.limits.MaxRecord))
	whole, err := r.in.reset(rc, r.buf, int(limit), r.canceled)
	switch {
	case err != nil:
		r.cause = err
	case whole != nil:
		r.buf, r.dec.b, r.cause = whole, whole, io.EOF
		r.tell()
	}
	r.values()
	if check := r.in.check; check != nil && r.cause == nil {
		check.rest(&r.in, make([]byte, readAhead), r.limits.MaxObject, r.canceled)
	}
	r.tell()
	r.done, r.add = nil, nil
	return r.stats, r.problems
}

// tell brings the bytes of stats, and the counters, up to what was read.
func (r *Reader) tell() {
	r.stats.CompressedBytes = r.in.stored.n
	r.stats.Bytes = r.base + int64(len(r.buf))
	if c := r.counters; c != nil {
		c.BytesStored.Add(r.stats.CompressedBytes - r.told.CompressedBytes)
		c.Bytes.Add(r.stats.Bytes - r.told.Bytes)
		c.Records.Add(r.stats.Records - r.told.Records)
		r.told = r.stats
	}
}

func (r *Reader) canceled() bool {
	select {
	case <-r.done:
		return true
	default:
		return false
	}
}

// more drops what is done with and reads more bytes behind the rest. It reports
// false if there are none, with the reason in r.full or else in r.cause.
func (r *Reader) more() bool {
	if r.full = false; r.cause != nil {
		return false
	}
	if r.pos > 0 {
		r.buf = r.buf[:copy(r.buf, r.buf[r.pos:])]
		r.base += int64(r.pos)
		r.dec.at -= r.pos
		r.pos = 0
	}
	before := len(r.buf)
	if before == cap(r.buf) {
		size := min(max(r.window, 2*before), r.limits.MaxRecord)
		if r.full = size <= before; r.full {
			return false
		}
		r.buf = slices.Grow(r.buf, size-before)[:before:size]
	}
	for len(r.buf) < cap(r.buf) && r.cause == nil {
		n, err := r.in.Read(r.buf[len(r.buf):cap(r.buf)])
		r.buf = r.buf[:len(r.buf)+n]
		r.cause = err
		if r.canceled() {
			r.cause = context.Canceled
		}
		if size := r.base + int64(len(r.buf)); r.in.format != "" && size > r.limits.MaxObject {
			r.buf = r.buf[:max(r.limits.MaxObject-r.base, 0)]
			r.cause = errInflated{r.limits.MaxObject}
		}
	}
	r.dec.b = r.buf
	r.tell()
	return len(r.buf) > before
}

// problem notes n problems, the first at an offset in the uncompressed bytes, or adds
// them to the earlier ones of their kind.
func (r *Reader) problem(stage Stage, offset int64, text string, n int64) {
	for i := range r.problems {
		if p := &r.problems[i]; p.Stage == stage && p.Error == text {
			p.Count += n
			return
		}
	}
	r.problems = append(r.problems, Problem{Object: r.name, Offset: offset, Stage: stage, Error: text, Count: n})
}
