package attribute

import (
	"cmp"
	"iter"
	"slices"
)

// issuance is one issue of a role session: of the copies of its assume event, in
// the logs of the caller's account and of the role's owner, the one that says most
// about the caller. The others follow it.
type issuance assume

// best is the copy that says most about the caller.
func (i *issuance) best() *assume { return (*assume)(i) }

// at is the event of that copy.
func (i *issuance) at() eventRef { return i.event }

// role is the role's id, from the first copy that has it.
func (i *issuance) role() sym {
	for a := range i.copies() {
		if a.roleID != 0 {
			return a.roleID
		}
	}
	return 0
}

// copies are all copies, the one that says most first.
func (i *issuance) copies() iter.Seq[*assume] {
	return func(yield func(*assume) bool) {
		a := i.best()
		for yield(a) && !a.next.leads {
			a = a.next
		}
	}
}

// issuances are in the order of their first event.
type issuances []*issuance

func (all issuances) all() iter.Seq[*issuance] { return slices.Values(all) }

// inWindow reports whether a copy of it lies in the window.
func (i *issuance) inWindow() bool {
	for a := range i.copies() {
		if a.chosen {
			return true
		}
	}
	return false
}

// moment is a time at which a session was issued: that of a copy of its assume
// event.
type moment struct{ copy *assume }

func (m moment) at() int64 { return m.copy.event.time }

func (m moment) issuance() *issuance {
	a := m.copy
	for !a.leads {
		a = a.next
	}
	return (*issuance)(a)
}

// among reports whether the issuance is in a list already, by another copy's time.
func (m moment) among(list []*issuance) bool {
	return m.copy.next != m.copy && slices.Contains(list, m.issuance())
}

// moments finds issuances by a symbol.
type moments struct {
	start []uint32 // by symbol, where its moments begin; where they end those of the next one do
	list  []moment
}

// of gives the moments of a symbol, in their order.
func (m *moments) of(s sym) []moment {
	if int(s)+1 >= len(m.start) {
		return nil
	}
	return m.list[m.start[s]:m.start[s+1]]
}

// moments indexes the issuances by a symbol that they have.
func (r *resolver) moments(of func(*issuance) sym, compare func(a, b moment) int) moments {
	m := moments{start: make([]uint32, len(r.text)+1)}
	for i := range r.issuances.all() {
		for range i.moments() {
			m.start[of(i)+1]++
		}
	}
	m.start[1] = 0 // what has none is not looked for
	for s := range len(r.text) {
		m.start[s+1] += m.start[s]
	}
	m.list = make([]moment, m.start[len(r.text)])
	for i := range r.issuances.all() {
		s := of(i)
		for at := range i.moments() {
			if s != 0 {
				m.list[m.start[s]] = at
				m.start[s]++ // where the next one goes
			}
		}
	}
	copy(m.start[1:], m.start) // each stands where the next one begins
	m.start[0] = 0
	for s := range sym(len(r.text)) {
		if list := m.of(s); len(list) > 1 {
			slices.SortStableFunc(list, compare)
		}
	}
	return m
}

// moments are the different times of its copies.
func (i *issuance) moments() iter.Seq[moment] {
	return func(yield func(moment) bool) {
	copies:
		for a := range i.copies() {
			for o := i.best(); o != a; o = o.next {
				if o.event.time == a.event.time {
					continue copies
				}
			}
			if !yield(moment{a}) {
				return
			}
		}
	}
}

// issued are the assume events that issued one key under one name, in their order.
type issued struct {
	issuedKey
	first, last *assume
}

type issuedKey struct{ name, key sym }

func (g *issued) id() issuedKey { return g.issuedKey }

// indexIssuances merges the copies of assume events and indexes them.
func (r *resolver) indexIssuances() {
	all := make([]*assume, 0, r.assumes.len())
	for a := range r.assumes.all() {
		a.next, a.used, a.claimed = nil, false, false // of another resolver
		all = append(all, a)
	}
	slices.SortFunc(all, r.compareAssume)
	all = r.withoutReplaced(all)
	// An event that was read twice, in the scan and for its look-back, is one.
	all = slices.CompactFunc(all, func(a, b *assume) bool {
		return a.recipient == b.recipient && a.event == b.event && parseEventID([]byte(r.eventText(a.event))).identifies()
	})

	var groups lot[issuedKey, issued, *issued]
	for _, a := range all {
		k := issuedKey{a.name, a.key}
		if g := groups.find(k); g != nil {
			g.last.next, g.last = a, a
		} else {
			groups.add(issued{k, a, a})
		}
	}
	var events []*assume
	for g := range groups.all() {
		if g.first == g.last {
			r.addIssuance(g.first)
			continue
		}
		events = events[:0]
		for a := g.first; a != nil; a = a.next {
			events = append(events, a)
		}
		for _, copies := range r.twins(events) {
			r.addIssuance(copies...)
		}
	}
	r.byName = r.moments(func(i *issuance) sym { return i.name }, r.compareMoment)
	r.byKey = r.moments(func(i *issuance) sym { return i.key }, func(a, b moment) int {
		return cmp.Or(cmp.Compare(a.copy.name, b.copy.name), r.compareMoment(a, b))
	})
}

// withoutReplaced leaves out the assume events that AWS corrected by others.
func (r *resolver) withoutReplaced(all []*assume) []*assume {
	replaced := map[replacedKey]bool{}
	for _, u := range r.updates {
		replaced[replacedKey{r.text[u.account], u.original}] = true
	}
	if len(replaced) == 0 {
		return all
	}
	return slices.DeleteFunc(all, func(a *assume) bool {
		id := parseEventID([]byte(r.eventText(a.event)))
		return id.identifies() && replaced[replacedKey{r.text[a.recipient], r.audit.seen.id(id)}]
	})
}

// twins puts the events that issued one key under one name together, as far as
// they are copies of one: those that share an id, and the owner's copy and the
// caller's of about the same time. Of events that differ in nothing but an id
// that says nothing it leaves one. It takes the events in their order.
func (r *resolver) twins(events []*assume) [][]*assume {
	type sameEvent struct {
		recipient sym
		caller    *ident
		time      int64
	}
	type callerAt struct {
		account sym
		time    int64
	}
	var out [][]*assume
	byShared, seen := map[id128]int{}, map[sameEvent]*assume{}
	callers := map[callerAt]int{} // the caller's copy, -1 where there are several
	for _, a := range events {
		if a.key != 0 {
			same := sameEvent{a.recipient, a.caller, a.event.time}
			if first := seen[same]; first != nil {
				first.chosen = first.chosen || a.chosen
				continue
			}
			seen[same] = a
		}
		at, found := byShared[r.sharedOf(a)]
		if found && r.twinned(out[at], a) {
			out[at] = append(out[at], a)
		} else {
			at = len(out)
			out = append(out, []*assume{a})
		}
		if r.sharedOf(a) != (id128{}) {
			byShared[r.sharedOf(a)] = at
		}
		if a.key != 0 && r.says(a) > 1 {
			k := callerAt{a.caller.account, a.event.time}
			if old, ok := callers[k]; ok && old != at {
				at = -1
			}
			callers[k] = at
		}
	}
	// The owner's copies that have no twin yet.
	for i, copies := range out {
		a := copies[0]
		if len(copies) > 1 || r.says(a) != 1 {
			continue
		}
		for _, off := range [...]int64{0, -1, 1, -skew, skew} {
			twin, ok := callers[callerAt{a.caller.account, a.event.time + off}]
			if ok && twin >= 0 && r.twinned(out[twin], a) && (r.sharedOf(a) == id128{} || r.sharedOf(out[twin][0]) == id128{}) {
				out[twin] = append(out[twin], a)
				out[i] = nil
				break
			}
		}
	}
	return slices.DeleteFunc(out, func(copies []*assume) bool { return copies == nil })
}

// twinned reports whether an event may be one more copy: there is one for each
// account, or one that names the caller and one that does not.
func (r *resolver) twinned(copies []*assume, a *assume) bool {
	return !slices.ContainsFunc(copies, func(o *assume) bool { return o.recipient == a.recipient && r.says(o) == r.says(a) })
}

func (r *resolver) addIssuance(copies ...*assume) {
	slices.SortStableFunc(copies, func(a, b *assume) int {
		return cmp.Or(-cmp.Compare(r.says(a), r.says(b)), r.compareAssume(a, b))
	})
	for n, a := range copies {
		a.leads, a.next = n == 0, copies[(n+1)%len(copies)]
	}
	r.issuances = append(r.issuances, (*issuance)(copies[0]))
}

// says ranks how much a copy of an assume event says about the caller: the
// owner's copy of a cross-account call names a foreign account and a principal
// id only.
func (r *resolver) says(a *assume) int {
	switch r.text[a.caller.typ] {
	case "":
		if a.caller.invokedBy != 0 {
			return 2
		}
		return 0
	case "AWSAccount":
		return 1
	default:
		return 3
	}
}

func (r *resolver) compareAssume(a, b *assume) int {
	if c := r.compareRef(a.event, b.event); c != 0 {
		return c
	}
	c := cmp.Or(cmp.Compare(r.text[a.recipient], r.text[b.recipient]),
		cmp.Compare(r.text[a.key], r.text[b.key]), cmp.Compare(r.text[a.roleARN], r.text[b.roleARN]),
		cmp.Compare(r.text[a.name], r.text[b.name]))
	if c != 0 {
		return c
	}
	return r.compareIdentKey(&a.caller.identKey, &b.caller.identKey)
}

func (r *resolver) compareMoment(a, b moment) int {
	return cmp.Or(cmp.Compare(a.at(), b.at()), r.compareRef(a.issuance().at(), b.issuance().at()))
}

func (b *store) compareRef(x, y eventRef) int {
	if c := cmp.Compare(x.time, y.time); c != 0 {
		return c
	}
	if x.odd == 0 && y.odd == 0 {
		return x.id.compare(y.id)
	}
	return cmp.Compare(b.eventText(x), b.eventText(y))
}

// skew is how many seconds creationDate and the assume event's time may differ
// where the access key joins them. They were equal in every record seen; both
// have a resolution of one second.
const skew = 2

// longestSession is the longest that a role session lives, in seconds.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use.html
const longestSession = 12 * 3600

// between gives the moments from one time to another of a list in their order.
func between(list []moment, from, to int64) []moment {
	at := func(m moment, t int64) int { return cmp.Compare(m.at(), t) }
	lo, _ := slices.BinarySearchFunc(list, from, at)
	hi, _ := slices.BinarySearchFunc(list[lo:], to+1, at)
	return list[lo : lo+hi]
}

// joinKey finds the issuances of an access key that agree with role, session
// name and time, and how many seconds they are off. Key ids are not unique: the
// same one can be issued twice, and logs whose keys were replaced give many
// sessions one key. first is when a session without a creationDate was first used.
func (r *resolver) joinKey(name, key, roleID sym, created, first int64) (found []*issuance, off int64) {
	list := r.byKey.of(key)
	byName := func(m moment, n sym) int { return cmp.Compare(m.copy.name, n) }
	lo, _ := slices.BinarySearchFunc(list, name, byName)
	hi, _ := slices.BinarySearchFunc(list[lo:], name+1, byName)
	list = list[lo : lo+hi]
	if created == 0 {
		for _, m := range between(list, first-longestSession, first+skew) {
			if sameRole(m.issuance().role(), roleID) && !m.among(found) {
				found = append(found, m.issuance())
			}
		}
		return found, 0
	}
	off = skew
	for _, m := range between(list, created-skew, created+skew) {
		away := abs(created - m.at())
		if !sameRole(m.issuance().role(), roleID) || away > off || m.among(found) {
			continue
		}
		if away < off {
			off, found = away, found[:0]
		}
		found = append(found, m.issuance())
	}
	return found, off
}

// joinTime finds the issuances of a session name at a moment, at most one more
// than maxCandidates.
func (r *resolver) joinTime(name, roleID sym, created, tolerance int64) []*issuance {
	if created == 0 {
		return nil
	}
	var found []*issuance
	for _, m := range between(r.byName.of(name), created-tolerance, created+tolerance) {
		if len(found) > maxCandidates {
			break
		}
		if sameRole(m.issuance().role(), roleID) && !m.among(found) {
			found = append(found, m.issuance())
		}
	}
	return found
}

// sameRole reports whether two role ids do not speak against each other: a
// role that was deleted and made again has the old name and a new id.
func sameRole(a, b sym) bool { return a == 0 || b == 0 || a == b }

func abs(v int64) int64 {
	if v < 0 {
		return -v
	}
	return v
}
