package attribute

import (
	"bytes"

	"github.com/trailscan/trailscan/internal/ingest"
)

// Rollup says how many calls one event stands for: calls that are alike in
// everything that a Builder reads of them but their ids and their times, which
// lie in one hour. The event is the first of them, by time and id.
type Rollup struct {
	Calls      int64 // at least 1, each event once
	Duplicates int64 // further copies of them
	LastTime   int64 // when the last of them was
	// Shared are the sharedEventIDs of the calls, separated by spaces, where
	// they come from the log of the account whose role it is. Of calls from the
	// log of another account, those that are alike have one sharedEventID, and
	// it is the event's.
	Shared []byte
}

// AddUse takes calls that were rolled up as Add would take each of them. It
// keeps nothing of e and r. Events that issued credentials, outside the window
// too, are for Add.
func (b *Builder) AddUse(e *ingest.Event, r Rollup) {
	b.locate(e)
	b.id = parseEventID(e.ID)
	when := span{calls: r.Calls, first: b.ref(e.Time, b.id), last: r.LastTime}
	b.events += r.Calls
	b.duplicates += r.Duplicates
	b.cover.merge(&b.symbols, span{calls: r.Calls, first: eventRef{time: e.Time}, last: r.LastTime})
	id := b.ident(e)
	if id == nil {
		return
	}
	b.called(e, id, when)
	if id.use != nil {
		for shared := range bytes.FieldsSeq(r.Shared) {
			if id := parseEventID(shared); id.identifies() {
				b.shared = append(b.shared, b.audit.seen.id(id))
			}
		}
	}
	if e.IsAssume() && bytes.Contains(e.ErrorCode, []byte("AccessDenied")) {
		b.refused(e, id, when)
	}
	b.handOver()
}

// AddCopies counts further copies of an event that Add was given.
func (b *Builder) AddCopies(n int64) { b.duplicates += n }

// AddAccount notes that the log of an account was read.
func (b *Builder) AddAccount(id string) { b.read[b.ofString(id)] = true }
