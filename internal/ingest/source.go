package ingest

import (
	"context"
	"io"
	"time"
)

// Chunk is one unit of input: a file, an object of a bucket, or a page of
// LookupEvents results.
type Chunk struct {
	// Name says where the chunk is, as a report shows it: a path, s3://bucket/key,
	// or lookup://region/page.
	Name string
	// Account and Region are those of the object's key or of the API call, and
	// Stamp is the time in its name. They are empty where the input is a loose file.
	Account string
	Region  string
	Stamp   time.Time
	// Size is the number of bytes as stored, -1 where it is not known.
	Size int64
	// Open gives the chunk's bytes as stored. It may be called again.
	Open func(ctx context.Context) (io.ReadCloser, error)
}

// Source lists the chunks of one kind of input.
type Source interface {
	// List calls emit for every chunk, from one goroutine. Chunks of one account
	// come one after another and in the order of their days, over all regions,
	// where the input is laid out by account and day. List ends with the first
	// error of emit, with ctx, or with an error that makes the whole scan
	// impossible; what costs only a part of the input is told to report instead
	// and List goes on.
	List(ctx context.Context, emit func(Chunk) error, report func(Problem)) error
}

// Backfiller is a Source that can also list the chunks that may hold assume
// events of the given hours, which lie outside what List covers.
type Backfiller interface {
	Source
	Backfill(ctx context.Context, needs []Need, emit func(Chunk) error, report func(Problem)) error
}

// Need asks for the assume events of one account around one moment.
type Need struct {
	Account string
	Time    int64 // seconds since 1970 UTC
	// Key is the access key id whose issue is wanted; it may be empty.
	Key string
}

// Stage says at which step of reading a problem arose.
type Stage string

// The stages of reading, in their order.
const (
	StageList       Stage = "list"
	StageFetch      Stage = "fetch"
	StageDecompress Stage = "decompress"
	StageDecode     Stage = "decode"
	StageRecord     Stage = "record"
	StageVerify     Stage = "verify" // after the others: it was read, and is not what was delivered
)

// Problem is a part of the input that could not be read.
type Problem struct {
	Object string // the chunk's name, or the prefix of a listing
	Offset int64  // where in the uncompressed bytes, -1 where it has no place
	Stage  Stage
	Error  string // what went wrong and, where there is something to do, what to do
	Count  int64  // how many times, at least 1; Offset is the first
}

// Lost reports whether the problem cost the rest of its object, rather than
// single records of it.
func (p Problem) Lost() bool { return p.Stage != StageRecord }
