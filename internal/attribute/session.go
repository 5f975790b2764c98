package attribute

import (
	"cmp"
	"golang.org/x/sync/errgroup"
	"iter"
	"slices"
)

// session is one issuance of a role: role, session name, creationDate and the
// access key that its own calls carry. Calls that the console or a service
// makes for it carry other keys or none, and are tied to it by the rest.
type session struct {
	name    sym // ARN of the role session
	key     sym // 0 where no call carried the session's own key
	roleID  sym
	created int64
	last    *use   // see uses; nil where it is known only as the caller of assume events
	caller  *ident // of these events, where that is all that is known

	state resolveState
	// bundle says that these are calls that could be any of several sessions'; see
	// resolver.several. A bundle is no session of its own.
	bundle bool
	depth  int32 // where it stands on the way to the root, while that is looked for
	verdict
}

type resolveState uint8

const (
	unresolved resolveState = iota
	resolving
	resolved
)

// uses are the credentials that its calls show.
func (s *session) uses() iter.Seq[*use] {
	return func(yield func(*use) bool) {
		if s.last == nil {
			return
		}
		for u := s.last.next; yield(u) && u != s.last; u = u.next {
		}
	}
}

// idents are the identities that its calls carry.
func (s *session) idents() iter.Seq[*ident] {
	return func(yield func(*ident) bool) {
		if s.caller != nil {
			yield(s.caller)
			return
		}
		for u := range s.uses() {
			for i := u.idents; i != nil; i = i.next {
				if !yield(i) {
					return
				}
			}
		}
	}
}

// give adds a credential to the session's.
func (s *session) give(u *use) {
	if s.last == nil {
		s.last = u
	}
	u.session = s
	u.next, s.last.next, s.last = s.last.next, u, u
}

// direct reports whether a call was made with the session's own key.
func (s *session) direct() bool {
	for u := range s.uses() {
		if u.direct && u.key != 0 {
			return true
		}
	}
	return false
}

func (s *session) calls() (calls, errors int64) {
	for u := range s.uses() {
		calls += u.span.calls
		errors += u.errors
	}
	return calls, errors
}

// span tells of the session's calls.
func (r *resolver) span(s *session) (all span) {
	for u := range s.uses() {
		all.merge(&r.symbols, u.span)
	}
	return all
}

// resolver joins credentials to the events that issued them. It works on a
// store that no builder writes to any more.
type resolver struct {
	*store
	audit *Audit

	sessions  []*session              // in their order
	several   map[*session][]*session // whose the calls of a bundle can be
	issuances issuances
	byKey     moments             // by issued key, in the order of name and time
	byName    moments             // by session ARN, in the order of time
	led       map[useKey]int64    // when a credential first opened a session
	parents   map[useKey]*session // sessions known only as callers of assume events
	needs     map[needKey]bool
	clusterOf map[string][]string // names of EKS clusters by account; made when first asked for

	origins map[origin]*origin // each once
	routes  map[routeKey]*route
	openers map[opener]openerID
	opened  []opener                 // by openerID, from 1 on
	told    map[*session]*resolution // of those in circles
	settled bool                     // all sessions are resolved; see aside

	room    work // for what is packed
	telling int  // on how many sessions of a chain; see tell
}

// aside is a resolver for another goroutine. All sessions are resolved: nothing that
// the two share changes any more.
func (r *resolver) aside() *resolver {
	other := *r
	other.room, other.telling = work{}, 0
	return &other
}

type needKey struct {
	account string
	time    int64
	key     sym
}

func (s *Audit) resolver() *resolver {
	r := &resolver{
		store: s.base, audit: s,
		several: map[*session][]*session{}, led: map[useKey]int64{},
		parents: map[useKey]*session{}, needs: map[needKey]bool{},
		origins: map[origin]*origin{}, routes: map[routeKey]*route{}, openers: map[opener]openerID{}, told: map[*session]*resolution{},
	}
	r.settleForeign()
	var uses []*use
	s.sideBySide(r.indexIssuances, func() { uses = r.usesInOrder() })
	r.groupSessions(uses)
	r.claim()
	return r
}

// sideBySide does several things, at the same time where there are workers for it.
func (s *Audit) sideBySide(things ...func()) {
	var g errgroup.Group
	g.SetLimit(max(s.opt.Workers, 1))
	for _, do := range things {
		g.Go(func() error { do(); return nil })
	}
	g.Wait() // nothing of it fails
}

// settleForeign counts the calls that only accounts other than the role's own
// logged, once each. It leaves nothing to settle a second time.
func (b *store) settleForeign() {
	if len(b.foreign) == 0 {
		return
	}
	best := map[id128]*foreignCall{}
	for i := range b.foreign {
		f := &b.foreign[i]
		if o := best[f.shared]; o == nil || b.before(f, o) {
			best[f.shared] = f
		}
	}
	for _, id := range b.shared {
		delete(best, id)
	}
	var room []byte
	for id, f := range best {
		f.ident.use.wake()
		b.apply(f.ident, f.recipient, &f.call)
		room = f.ident.use.rest(room)
		b.shared = append(b.shared, id)
	}
	b.foreign = nil
}

func (b *store) before(f, o *foreignCall) bool {
	if f.recipient != o.recipient {
		return b.text[f.recipient] < b.text[o.recipient]
	}
	return b.earlier(f.call.span.first, o.call.span.first)
}

// groupSessions puts together what the calls of one issuance show.
func (r *resolver) groupSessions(uses []*use) {
	var all shelf[session]
	for len(uses) > 0 {
		n := 1
		for n < len(uses) && uses[n].arn == uses[0].arn {
			n++
		}
		r.groupName(&all, uses[:n])
		uses = uses[n:]
	}
	r.sessions = make([]*session, 0, all.len())
	for s := range all.all() {
		r.sessions = append(r.sessions, s)
	}
	slices.SortFunc(r.sessions, r.compareSession)
}

// usesInOrder are the credentials with calls, by name, each with its identities.
func (r *resolver) usesInOrder() []*use {
	for u := range r.uses.all() {
		u.session, u.next, u.idents = nil, nil, nil // of another resolver
	}
	for i := range r.idents.all() {
		if i.use != nil && i.calls > 0 {
			i.next, i.use.idents = i.use.idents, i
		}
	}
	var uses []*use
	var room []*ident
	for u := range r.uses.all() {
		if u.span.calls == 0 {
			continue
		}
		uses = append(uses, u)
		if u.idents.next != nil {
			room = r.sortIdents(u, room[:0])
		}
	}
	slices.SortFunc(uses, func(a, b *use) int {
		if a.arn != b.arn {
			return cmp.Compare(r.text[a.arn], r.text[b.arn])
		}
		return cmp.Or(cmp.Compare(a.created, b.created), cmp.Compare(a.issuerID, b.issuerID), cmp.Compare(r.text[a.key], r.text[b.key]))
	})
	return uses
}

// sortIdents brings the identities of a credential into their order.
func (r *resolver) sortIdents(u *use, room []*ident) []*ident {
	for i := u.idents; i != nil; i = i.next {
		room = append(room, i)
	}
	slices.SortFunc(room, r.compareIdent)
	u.idents = nil
	for _, i := range slices.Backward(room) {
		i.next, u.idents = u.idents, i
	}
	return room
}

func (r *resolver) compareSession(a, b *session) int {
	return cmp.Or(cmp.Compare(r.text[a.name], r.text[b.name]), cmp.Compare(a.created, b.created),
		cmp.Compare(r.text[a.key], r.text[b.key]), cmp.Compare(r.text[a.roleID], r.text[b.roleID]))
}

// issueKey is what the calls of one issuance share besides its key.
type issueKey struct {
	created int64
	roleID  sym
}

// groupName makes the sessions of one name of its credentials. They come in the
// order of issuance and key, as far as each says by itself when it was issued.
func (r *resolver) groupName(all *shelf[session], uses []*use) {
	told := tellIssues(uses)
	if told.completes() {
		slices.SortFunc(uses, func(a, b *use) int {
			x, y := told.of(a), told.of(b)
			return cmp.Or(cmp.Compare(x.created, y.created), cmp.Compare(x.roleID, y.roleID), cmp.Compare(a.created, b.created),
				cmp.Compare(r.text[a.key], r.text[b.key]), cmp.Compare(r.text[a.issuerID], r.text[b.issuerID]))
		})
	}
	for len(uses) > 0 {
		k, n := told.of(uses[0]), 1
		for n < len(uses) && told.of(uses[n]) == k {
			n++
		}
		r.groupIssue(all, k, uses[:n])
		uses = uses[n:]
	}
}

// groupIssue makes the sessions of one name that were issued in one second.
func (r *resolver) groupIssue(all *shelf[session], k issueKey, uses []*use) {
	name := uses[0].arn
	var keys []*session
	var own map[sym]*session // of many keys
	var tied []*use
	find := func(key sym) *session {
		if own != nil {
			return own[key]
		}
		for _, s := range keys {
			if s.key == key {
				return s
			}
		}
		return nil
	}
	for _, u := range uses {
		if u.key == 0 {
			tied = append(tied, u)
			continue
		}
		if !u.direct {
			if found, _ := r.joinKey(name, u.key, k.roleID, k.created, u.span.first.time); len(found) == 0 {
				tied = append(tied, u)
				continue
			}
		}
		s := find(u.key)
		if s == nil {
			s = all.add(session{name: name, key: u.key, created: k.created, roleID: k.roleID})
			keys = append(keys, s)
			if own == nil && len(keys) > longList {
				own = map[sym]*session{}
				for _, s := range keys {
					own[s.key] = s
				}
			}
			if own != nil {
				own[u.key] = s
			}
		}
		s.give(u)
	}
	if len(tied) == 0 {
		return
	}
	var s *session
	switch len(keys) {
	case 1:
		s = keys[0]
	default:
		s = all.add(session{name: name, created: k.created, roleID: k.roleID, bundle: len(keys) > 0})
		if s.bundle {
			r.several[s] = keys
		}
	}
	for _, u := range tied {
		s.give(u)
	}
}

// issueTeller completes what some calls of an issuance leave out by what its
// other calls say, provided that is one thing.
type issueTeller struct {
	ofKey  map[sym]onlyIssue   // by access key
	ofDate map[int64]onlyIssue // by creationDate
}

// onlyIssue is what a key or date stands for.
type onlyIssue struct {
	k       issueKey
	several bool // several things
	found   bool
}

func tellIssues(uses []*use) issueTeller {
	if len(uses) < 2 {
		return issueTeller{}
	}
	t := issueTeller{map[sym]onlyIssue{}, map[int64]onlyIssue{}}
	for _, u := range uses {
		if u.created == 0 && u.key != 0 {
			t.ofKey[u.key] = onlyIssue{}
		}
		if u.created != 0 && u.issuerID == 0 {
			t.ofDate[u.created] = onlyIssue{}
		}
	}
	if !t.completes() {
		return t
	}
	for _, u := range uses {
		if u.created != 0 && u.issuerID != 0 {
			only(t.ofDate, u.created, issueKey{u.created, u.issuerID})
		}
	}
	for _, u := range uses {
		if u.created != 0 && u.key != 0 {
			only(t.ofKey, u.key, t.of(u))
		}
	}
	return t
}

// completes reports whether there is something to complete.
func (t issueTeller) completes() bool { return len(t.ofKey)+len(t.ofDate) > 0 }

// only notes what a key stands for, where somebody asks for that.
func only[K comparable](m map[K]onlyIssue, key K, k issueKey) {
	if o, asked := m[key]; asked {
		m[key] = onlyIssue{k: k, found: true, several: o.several || o.found && o.k != k}
	}
}

// of gives what tells the issuance of a credential.
func (t issueTeller) of(u *use) issueKey {
	k := issueKey{u.created, u.issuerID}
	if k.created == 0 && u.key != 0 {
		if o := t.ofKey[u.key]; o.found && !o.several && sameRole(o.k.roleID, k.roleID) {
			return o.k
		}
	}
	if k.created != 0 && k.roleID == 0 {
		if o := t.ofDate[k.created]; o.found && !o.several {
			return o.k
		}
	}
	return k
}

// claim marks the issuances whose keys calls carry, and notes when each
// credential first opened a session.
func (r *resolver) claim() {
	for _, s := range r.sessions {
		if s.key != 0 {
			if found, _ := r.joinKey(s.name, s.key, s.roleID, s.created, r.span(s).first.time); len(found) == 1 {
				found[0].claimed = true
			}
		}
	}
	for i := range r.issuances.all() {
		c := i.best().caller
		if r.text[c.typ] != "AssumedRole" {
			continue
		}
		k := c.useKey()
		if t, ok := r.led[k]; !ok || i.at().time < t {
			r.led[k] = i.at().time
		}
		if c.key != 0 && !c.console && c.invokedBy == 0 {
			if found, _ := r.joinKey(c.arn, c.key, c.issuerID, c.created, i.at().time); len(found) == 1 {
				found[0].claimed = true
			}
		}
	}
}

// useKey is the credential that an identity shows.
func (i *ident) useKey() useKey {
	return useKey{arn: i.arn, key: i.key, issuerID: i.issuerID, created: i.created}
}

func (r *resolver) compareIdent(a, b *ident) int {
	if c := r.compareRef(a.first, b.first); c != 0 {
		return c
	}
	return r.compareIdentKey(&a.identKey, &b.identKey)
}

// compareIdentKey orders identities by their content: the ids of events tell
// nothing apart where they were replaced.
func (r *resolver) compareIdentKey(a, b *identKey) int {
	text := func(x, y sym) int { return cmp.Compare(r.text[x], r.text[y]) }
	c := cmp.Or(text(a.typ, b.typ), text(a.principal, b.principal), text(a.arn, b.arn), text(a.account, b.account), text(a.key, b.key))
	if c != 0 {
		return c
	}
	x, y := a.syms(), b.syms()
	for i := range x {
		if c := text(*x[i], *y[i]); c != 0 {
			return c
		}
	}
	return cmp.Compare(a.created, b.created)
}
