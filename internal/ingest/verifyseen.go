package ingest

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"slices"
	"sort"
	"time"
)

// seenFolder is what was read of one folder of logs. A scan may read millions
// of them, so that their names share one buffer.
type seenFolder struct {
	names    []byte
	logs     []seenLog        // in order of their names after sort
	trailing map[string]int64 // by name, where the first gzip member ends
}

type seenLog struct {
	at    int64 // in names
	size  uint16
	flags seenFlags
	sum   [sha256.Size]byte
}

type seenFlags uint8

const (
	seenWhole  seenFlags = 1 << iota // read to its end
	seenGzip                         // is a gzip stream
	seenNamed                        // a digest names it
	seenProven                       // it is what a signed digest says
	seenBad                          // it is not what a digest says
)

func (s *seenFolder) add(tail string, c Content) {
	if len(tail) > 1024 { // keys are not longer
		return
	}
	l := seenLog{at: int64(len(s.names)), size: uint16(len(tail)), sum: c.Sum}
	s.names = append(s.names, tail...)
	if c.Whole {
		l.flags |= seenWhole
		if c.Trailing {
			s.trailing[tail] = c.Size
		}
	}
	if c.Format == "gzip" {
		l.flags |= seenGzip
	}
	s.logs = append(s.logs, l)
}

func (s *seenFolder) name(l *seenLog) []byte { return s.names[l.at : l.at+int64(l.size)] }

// sort brings the logs in the order of their names. One that was read twice, as
// overlapping operands make it, is there once.
func (s *seenFolder) sort() {
	slices.SortStableFunc(s.logs, func(a, b seenLog) int { return bytes.Compare(s.name(&a), s.name(&b)) })
	s.logs = slices.CompactFunc(s.logs, func(a, b seenLog) bool { return bytes.Equal(s.name(&a), s.name(&b)) })
}

// find gives the log of that name, or nil.
func (s *seenFolder) find(tail string) *seenLog {
	i, ok := sort.Find(len(s.logs), func(i int) int {
		return cmp.Compare(tail, string(s.name(&s.logs[i])))
	})
	if !ok {
		return nil
	}
	return &s.logs[i]
}

// stamp is the time in a log's name.
func (s *seenFolder) stamp(l *seenLog) time.Time {
	_, file, _ := cutLast(string(s.name(l)))
	return fileStamp(file)
}
