package attribute

import (
	"encoding/binary"
)

func (u *work) addActivity(t *symbols, a activity) {
	o := u.activity.find(a.key())
	if o == nil {
		if a.span != nil {
			own := *a.span
			a.span = &own
		}
		u.activity.add(a)
		return
	}
	o.calls += a.calls
	o.errors += a.errors
	if a.span != nil {
		o.span.merge(t, *a.span)
	}
}

func addHour(hours *keyed[int64, hourCount], h hourCount) {
	o := hours.find(h.hour)
	if o == nil {
		hours.add(h)
		return
	}
	o.calls += h.calls
}

func (u *work) addRecipient(t *symbols, r recipient) {
	for i := range u.recipients {
		if o := &u.recipients[i]; o.account == r.account {
			o.calls += r.calls
			if t.earlier(r.first, o.first) {
				o.first = r.first
			}
			return
		}
	}
	u.recipients = append(u.recipients, r)
}

func addFact(t *symbols, facts []fact, f fact) []fact {
	for i := range facts {
		if o := &facts[i]; o.value == f.value {
			o.calls += f.calls
			if t.earlier(f.first, o.first) {
				o.first = f.first
			}
			return facts
		}
	}
	return append(facts, f)
}

// wake makes the work of a credential ready for more of it.
func (u *use) wake() {
	if u.work == nil {
		u.work = &work{}
		if u.resting != "" {
			u.unpack(u.work)
		}
		u.resting = ""
	}
}

// awake gives the work of a credential, for reading only and until room is used
// for another one.
func (u *use) awake(room *work) *work {
	if u.work != nil {
		return u.work
	}
	room.clear()
	if u.resting != "" {
		u.unpack(room)
	}
	return room
}

func (u *use) unpack(w *work) {
	p := unpacker{rest: u.resting, use: u}
	p.work(w)
}

// clear leaves nothing but room.
func (u *work) clear() {
	*u = work{
		clients:    keyed[clientKey, client]{list: u.clients.list[:0]},
		activity:   keyed[activityKey, activity]{list: u.activity.list[:0]},
		hours:      keyed[int64, hourCount]{list: u.hours.list[:0]},
		recipients: u.recipients[:0], switches: u.switches[:0],
	}
}

// rest packs the work of a credential until there is more of it: one that made a
// few calls takes some 50 bytes then, a tenth of what it took before. What is
// large stays as it is.
func (u *use) rest(room []byte) []byte {
	if u.work == nil || u.crowd != nil || len(u.clients.list) > longList || len(u.activity.list) > longList || len(u.hours.list) > 2*longList {
		return room
	}
	p := packer{b: room[:0], use: u}
	p.work(u.work)
	u.work, u.resting = nil, string(p.b)
	return p.b
}

// packer writes the work of a credential. Times and events are told by how they
// differ from the credential's own, and all numbers take as many bytes as they need.
type packer struct {
	b   []byte
	use *use
}

func (p *packer) work(w *work) {
	p.count(len(w.clients.list))
	for i := range w.clients.list {
		c := &w.clients.list[i]
		flags := uint64(0)
		if c.presigned {
			flags |= 1
		}
		if c.service {
			flags |= 2
		}
		p.number(flags)
		p.syms(c.ip, c.agent)
		p.number(uint64(c.calls))
		p.event(c.first)
		p.signed(c.last - p.use.span.last)
	}
	p.count(len(w.activity.list))
	for i := range w.activity.list {
		a := &w.activity.list[i]
		p.syms(a.service, a.region, a.action)
		p.number(uint64(a.calls))
		if a.action != 0 {
			p.number(uint64(a.errors))
			p.number(uint64(a.span.calls))
			p.event(a.span.first)
			p.signed(a.span.last - p.use.span.last)
		}
	}
	p.count(len(w.hours.list))
	for _, h := range w.hours.list {
		p.signed(h.hour - floorHour(p.use.span.first.time))
		p.number(uint64(h.calls))
	}
	p.count(len(w.recipients))
	for i := range w.recipients {
		r := &w.recipients[i]
		p.syms(r.account)
		p.number(uint64(r.calls))
		p.event(r.first)
	}
	p.count(len(w.switches))
	for i := range w.switches {
		f := &w.switches[i]
		p.syms(f.value)
		p.number(uint64(f.calls))
		p.event(f.first)
	}
}

func (p *packer) count(n int)     { p.number(uint64(n)) }
func (p *packer) number(n uint64) { p.b = binary.AppendUvarint(p.b, n) }
func (p *packer) signed(n int64)  { p.b = binary.AppendVarint(p.b, n) }
func (p *packer) syms(all ...sym) {
	for _, s := range all {
		p.number(uint64(s))
	}
}

// The forms of an event in packed work.
const (
	packedFirst = iota // the credential's first
	packedUUID
	packedOdd
)

func (p *packer) event(r eventRef) {
	first := p.use.span.first
	switch {
	case r == first:
		p.number(packedFirst)
		return
	case r.odd != 0:
		p.number(packedOdd)
		p.syms(r.odd)
	default:
		p.number(packedUUID)
		p.b = binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(p.b, r.id.hi), r.id.lo)
	}
	p.signed(r.time - first.time)
}

// unpacker reads what a packer wrote.
type unpacker struct {
	rest string
	use  *use
}

func (p *unpacker) work(w *work) {
	for range p.count() {
		flags := p.number()
		c := client{ip: p.sym(), agent: p.sym(), calls: int64(p.number()), first: p.event(), last: p.signed() + p.use.span.last}
		c.presigned, c.service = flags&1 != 0, flags&2 != 0
		w.clients.add(c)
	}
	for range p.count() {
		a := activity{activityKey: activityKey{p.sym(), p.sym(), p.sym()}, calls: int64(p.number())}
		if a.action != 0 {
			a.errors = int64(p.number())
			a.span = &span{calls: int64(p.number()), first: p.event(), last: p.signed() + p.use.span.last}
		}
		w.activity.add(a)
	}
	for range p.count() {
		w.hours.add(hourCount{hour: p.signed() + floorHour(p.use.span.first.time), calls: int64(p.number())})
	}
	for range p.count() {
		w.recipients = append(w.recipients, recipient{account: p.sym(), calls: int64(p.number()), first: p.event()})
	}
	for range p.count() {
		w.switches = append(w.switches, fact{value: p.sym(), calls: int64(p.number()), first: p.event()})
	}
}

func (p *unpacker) count() int { return int(p.number()) }
func (p *unpacker) sym() sym   { return sym(p.number()) }

func (p *unpacker) number() (n uint64) {
	for shift := 0; ; shift += 7 {
		c := p.rest[0]
		p.rest = p.rest[1:]
		n |= uint64(c&0x7f) << shift
		if c < 0x80 {
			return n
		}
	}
}

func (p *unpacker) signed() int64 {
	n := p.number()
	return int64(n>>1) ^ -int64(n&1)
}

func (p *unpacker) event() (r eventRef) {
	first := p.use.span.first
	switch p.number() {
	case packedFirst:
		return first
	case packedOdd:
		r.odd = p.sym()
	default:
		r.id = id128{binary.BigEndian.Uint64([]byte(p.rest[:8])), binary.BigEndian.Uint64([]byte(p.rest[8:16]))}
		p.rest = p.rest[16:]
	}
	r.time = first.time + p.signed()
	return r
}
