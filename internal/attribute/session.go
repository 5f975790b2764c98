package attribute

import (
	"cmp"
	"slices"
)

// session is one issuance of a role: role, session name, creationDate and the
// access key that its own calls carry. Calls that the console or a service
// makes for it carry other keys or none, and are tied to it by the rest.
type session struct {
	name    sym // ARN of the role session
	key     sym // 0 where no call carried the session's own key
	created int64
	roleID  sym
	uses    []*use
	idents  []*ident
	span    span

	// several is not empty on a bundle of calls that could be any of these
	// sessions'. A bundle is no session of its own.
	several []*session

	// Set while the origin is looked for.
	state      resolveState
	depth      int // where it stands on the way to the root
	resolution *resolution
}

type resolveState uint8

const (
	unresolved resolveState = iota
	resolving
	resolved
)

// direct reports whether a call was made with the session's own key.
func (s *session) direct() bool {
	return slices.ContainsFunc(s.uses, func(u *use) bool { return u.direct && u.key != 0 })
}

func (s *session) calls() (calls, errors int64) {
	for _, u := range s.uses {
		calls += u.span.calls
		errors += u.errors
	}
	return calls, errors
}

// resolver joins credentials to the events that issued them. It works on a
// store that no builder writes to any more.
type resolver struct {
	*store
	audit *Audit

	sessions  []*session
	byUse     map[useKey]*session // sessions by the credential that calls show
	issuances []*issuance
	byKey     map[sym][]moment    // by issued key, in the order of name and time
	byName    map[sym][]moment    // by session ARN, in the order of time
	led       map[useKey]int64    // when a credential first opened a session
	parents   map[useKey]*session // sessions known only as callers of assume events
	needs     map[needKey]bool
	clusterOf map[string][]string // names of EKS clusters by account; made when first asked for
}

type needKey struct {
	account string
	time    int64
	key     sym
}

func (s *Audit) resolver() *resolver {
	r := &resolver{
		store: s.base, audit: s,
		byUse: map[useKey]*session{}, byKey: map[sym][]moment{}, byName: map[sym][]moment{}, led: map[useKey]int64{},
		parents: map[useKey]*session{}, needs: map[needKey]bool{},
	}
	r.settleForeign()
	r.indexIssuances()
	r.groupSessions()
	r.claim()
	return r
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
func (r *resolver) groupSessions() {
	identsOf := map[*use][]*ident{}
	for i := range r.idents.all() {
		if i.use != nil && i.calls > 0 {
			identsOf[i.use] = append(identsOf[i.use], i)
		}
	}
	byName := map[sym][]*use{}
	for u := range r.uses.all() {
		if u.span.calls > 0 {
			byName[u.arn] = append(byName[u.arn], u)
		}
	}
	for name, uses := range byName {
		r.groupName(name, uses, identsOf)
	}
	slices.SortFunc(r.sessions, r.compareSession)
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

func (r *resolver) groupName(name sym, uses []*use, identsOf map[*use][]*ident) {
	slices.SortFunc(uses, func(a, b *use) int {
		return cmp.Or(cmp.Compare(a.created, b.created), cmp.Compare(r.text[a.key], r.text[b.key]),
			cmp.Compare(r.text[a.issuerID], r.text[b.issuerID]))
	})
	groups := map[issueKey][]*use{}
	var order []issueKey
	told := tellIssues(uses)
	for _, u := range uses {
		k := told.of(u)
		if groups[k] == nil {
			order = append(order, k)
		}
		groups[k] = append(groups[k], u)
	}
	for _, k := range order {
		own := map[sym]*session{}
		var keys []*session
		var tied []*use
		for _, u := range groups[k] {
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
			s := own[u.key]
			if s == nil {
				s = &session{name: name, key: u.key, created: k.created, roleID: k.roleID}
				own[u.key] = s
				keys = append(keys, s)
			}
			r.give(s, u, identsOf)
		}
		if len(tied) > 0 {
			var s *session
			switch len(keys) {
			case 0:
				s = &session{name: name, created: k.created, roleID: k.roleID}
				r.sessions = append(r.sessions, s)
			case 1:
				s = keys[0]
			default:
				s = &session{name: name, created: k.created, roleID: k.roleID, several: keys}
				r.sessions = append(r.sessions, s)
			}
			for _, u := range tied {
				r.give(s, u, identsOf)
			}
		}
		r.sessions = append(r.sessions, keys...)
	}
}

// issueTeller completes what some calls of an issuance leave out by what its
// other calls say, provided that is one thing.
type issueTeller struct {
	ofKey  map[sym]*issueKey   // by access key
	ofDate map[int64]*issueKey // by creationDate
}

func tellIssues(uses []*use) issueTeller {
	t := issueTeller{}
	if len(uses) < 2 {
		return t
	}
	t.ofKey, t.ofDate = map[sym]*issueKey{}, map[int64]*issueKey{}
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

// only notes what a key stands for, nothing where it stands for several things.
func only[K comparable](m map[K]*issueKey, key K, k issueKey) {
	if old, found := m[key]; !found {
		m[key] = &k
	} else if old != nil && *old != k {
		m[key] = nil
	}
}

// of gives what tells the issuance of a credential.
func (t issueTeller) of(u *use) issueKey {
	k := issueKey{u.created, u.issuerID}
	if k.created == 0 && u.key != 0 {
		if known := t.ofKey[u.key]; known != nil && sameRole(known.roleID, k.roleID) {
			return *known
		}
	}
	if k.created != 0 && k.roleID == 0 {
		if known := t.ofDate[k.created]; known != nil {
			return *known
		}
	}
	return k
}

// claim marks the issuances whose keys calls carry, and notes when each
// credential first opened a session.
func (r *resolver) claim() {
	for _, s := range r.sessions {
		if s.key != 0 {
			if found, _ := r.joinKey(s.name, s.key, s.roleID, s.created, s.span.first.time); len(found) == 1 {
				found[0].claimed = true
			}
		}
	}
	for _, i := range r.issuances {
		c := i.best().caller
		if r.text[c.typ] != "AssumedRole" {
			continue
		}
		k := c.useKey()
		if t, ok := r.led[k]; !ok || i.at.time < t {
			r.led[k] = i.at.time
		}
		if c.key != 0 && !c.console && c.invokedBy == 0 {
			if found, _ := r.joinKey(c.arn, c.key, c.issuerID, c.created, i.at.time); len(found) == 1 {
				found[0].claimed = true
			}
		}
	}
}

// useKey is the credential that an identity shows.
func (i *ident) useKey() useKey {
	return useKey{arn: i.arn, key: i.key, issuerID: i.issuerID, created: i.created}
}

func (r *resolver) give(s *session, u *use, identsOf map[*use][]*ident) {
	s.uses = append(s.uses, u)
	ids := identsOf[u]
	slices.SortFunc(ids, func(a, b *ident) int { return r.compareIdent(a, b) })
	s.idents = append(s.idents, ids...)
	s.span.merge(&r.symbols, u.span)
	r.byUse[u.useKey] = s
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
