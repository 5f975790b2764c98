package attribute

import (
	"crypto/sha256"
	"encoding/binary"
	"math/bits"

	"github.com/trailscan/trailscan/internal/ingest"
)

// A credential is mostly used by a few clients from a few addresses. Whoever
// holds it can make up another user agent for each call, though, and memory
// must not grow with each call. So of a credential with very many clients only
// a part is kept one by one, and its addresses and user agents are counted by
// their hashes.

const (
	// maxClients is how many pairs of address and user agent of one credential
	// are kept at most. Of more, those are kept whose hash begins with enough
	// zeros. Samples and rules then see these only.
	maxClients = 1024
	// maxDistinct is how many addresses, and user agents, of one credential are
	// counted exactly at most. The count of more is an estimate that is right
	// within about one percent.
	maxDistinct = 1 << 16
)

// crowd is what is kept of a credential's clients once they are too many to be
// kept one by one. It depends on which clients there are, not on their order.
type crowd struct {
	level       int // clients are kept whose hash begins with so many zeros
	ips, agents tally
}

// crowded reports whether the credential has very many clients.
func (i *ident) crowded() bool { return i.use != nil && i.use.work != nil && i.use.crowd != nil }

// clientKey tells the clients of a credential apart.
type clientKey struct {
	ip, agent          sym
	presigned, service bool
}

func (c client) key() clientKey { return clientKey{c.ip, c.agent, c.presigned, c.service} }

// hashClient hashes a client. The hash is the same in each run, so that the
// same input gives the same report, and nobody can choose clients by it.
func hashClient(ip, agent []byte, presigned, service bool) uint64 {
	h := sha256.New()
	h.Write(clip(ip))
	flags := byte(0)
	if presigned {
		flags |= 1
	}
	if service {
		flags |= 2
	}
	h.Write([]byte{0, flags})
	h.Write(clip(agent))
	var sum [sha256.Size]byte
	return binary.BigEndian.Uint64(h.Sum(sum[:0]))
}

func hashText(text []byte) uint64 {
	sum := sha256.Sum256(clip(text))
	return binary.BigEndian.Uint64(sum[:])
}

func (w *crowd) keeps(hash uint64) bool { return bits.LeadingZeros64(hash) >= w.level }

// passes counts the client of an event and reports whether it is one of those
// that are not kept.
func (w *crowd) passes(e *ingest.Event, presigned, service bool) bool {
	if w.keeps(hashClient(e.SourceIP, e.UserAgent, presigned, service)) {
		return false
	}
	w.note(e.SourceIP, e.UserAgent)
	return true
}

// note counts an address and a user agent.
func (w *crowd) note(ip, agent []byte) {
	if len(ip) > 0 {
		w.ips.add(hashText(ip))
	}
	if len(agent) > 0 {
		w.agents.add(hashText(agent))
	}
}

// tally counts different values by their hashes. Beyond maxDistinct it keeps
// those that begin with enough zeros, of which the number of all is estimated
// (M. Wegman's adaptive sampling; P. Flajolet, On adaptive sampling, 1990).
type tally struct {
	level  int
	hashes map[uint64]struct{}
}

func (d *tally) add(hash uint64) {
	if bits.LeadingZeros64(hash) < d.level {
		return
	}
	if d.hashes == nil {
		d.hashes = map[uint64]struct{}{}
	}
	d.hashes[hash] = struct{}{}
	for len(d.hashes) > maxDistinct {
		d.raise(d.level + 1)
	}
}

func (d *tally) raise(level int) {
	d.level = level
	for h := range d.hashes {
		if bits.LeadingZeros64(h) < level {
			delete(d.hashes, h)
		}
	}
}

func (d *tally) merge(o *tally) {
	if o.level > d.level {
		d.raise(o.level)
	}
	for h := range o.hashes {
		d.add(h)
	}
}

func (d *tally) count() int64 { return int64(len(d.hashes)) << d.level }

// clip cuts a value to what is kept of it.
func clip(text []byte) []byte { return text[:min(len(text), maxKept)] }

// addClient adds what a client did.
func (u *work) addClient(t *symbols, c client) {
	if o := u.clients.find(c.key()); o != nil {
		o.calls += c.calls
		o.last = max(o.last, c.last)
		if t.earlier(c.first, o.first) {
			o.first = c.first
		}
		return
	}
	if u.crowd != nil {
		u.crowd.note([]byte(t.text[c.ip]), []byte(t.text[c.agent]))
		if !u.crowd.keeps(t.hashOf(&c)) {
			return
		}
	}
	u.clients.add(c)
	for len(u.clients.list) > maxClients {
		u.crowded(t)
		u.thin(t, u.crowd.level+1)
	}
}

func (t *symbols) hashOf(c *client) uint64 {
	return hashClient([]byte(t.text[c.ip]), []byte(t.text[c.agent]), c.presigned, c.service)
}

// crowded begins to count the credential's addresses and user agents by hash.
func (u *work) crowded(t *symbols) {
	if u.crowd != nil {
		return
	}
	u.crowd = &crowd{}
	for _, c := range u.clients.list {
		u.crowd.note([]byte(t.text[c.ip]), []byte(t.text[c.agent]))
	}
}

// thin keeps the clients of a level.
func (u *work) thin(t *symbols, level int) {
	u.crowd.level = level
	u.clients.keep(func(c *client) bool { return u.crowd.keeps(t.hashOf(c)) })
}

// mergeCrowd takes over what another credential's crowd counted.
func (u *work) mergeCrowd(t *symbols, o *crowd) {
	u.crowded(t)
	u.crowd.ips.merge(&o.ips)
	u.crowd.agents.merge(&o.agents)
	if o.level > u.crowd.level {
		u.thin(t, o.level)
	}
}
