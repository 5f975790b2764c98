package attribute

import (
	"bytes"
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
	return slices.ContainsFunc(s.uses, func(u *use) bool { return u.direct > 0 && u.key != 0 })
}

func (s *session) calls() (calls, errors int64) {
	for _, u := range s.uses {
		calls += u.calls
		errors += u.errors
	}
	return calls, errors
}

// issuance is one issue of a role session: the assume event, or its two copies
// in the logs of the caller's account and of the role's owner.
type issuance struct {
	name   sym // ARN of the role session
	at     eventRef
	key    sym
	roleID sym
	copies []*assume // the one that says most first
	used   bool      // a session in use came from it
}

// best is the copy that says most about the caller.
func (i *issuance) best() *assume { return i.copies[0] }

// resolver joins credentials to the events that issued them. It works on a
// store that no builder writes to any more.
type resolver struct {
	*store
	audit *Audit

	sessions  []*session
	byUse     map[useKey]*session // sessions by the credential that calls show
	issuances []*issuance
	byKey     map[sym][]*issuance
	byName    map[sym][]*issuance // by session ARN, in the order of time
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
		byUse: map[useKey]*session{}, byKey: map[sym][]*issuance{}, byName: map[sym][]*issuance{},
		parents: map[useKey]*session{}, needs: map[needKey]bool{},
	}
	r.settleForeign()
	r.indexIssuances()
	r.groupSessions()
	return r
}

// settleForeign counts the calls that only accounts other than the role's own
// logged, once each. It leaves nothing to settle a second time.
func (b *store) settleForeign() {
	best := map[id128]*foreignCall{}
	for i := range b.foreign {
		f := &b.foreign[i]
		if b.shared[f.shared] {
			continue
		}
		if o := best[f.shared]; o == nil || b.before(f, o) {
			best[f.shared] = f
		}
	}
	for _, f := range best {
		b.apply(f.ident, f.recipient, &f.call)
		b.shared[f.shared] = true
	}
	b.foreign = nil
}

func (b *store) before(f, o *foreignCall) bool {
	if f.recipient != o.recipient {
		return b.text[f.recipient] < b.text[o.recipient]
	}
	return b.earlier(f.call.at, o.call.at)
}

// indexIssuances merges the copies of assume events and indexes them.
func (r *resolver) indexIssuances() {
	as := r.assumes
	slices.SortFunc(as, func(a, b assume) int { return r.compareAssume(&a, &b) })
	// An event that was read twice, in the scan and for its look-back, is one.
	as = slices.CompactFunc(as, func(a, b assume) bool {
		return a.recipient == b.recipient && a.at == b.at && parseEventID([]byte(r.eventText(a.at))).identifies()
	})
	r.assumes = as

	type twinKey struct {
		shared id128
		name   sym
		key    sym
		time   int64
	}
	twins := map[twinKey][]*assume{}
	var order []twinKey
	for i := range as {
		a := &as[i]
		k := twinKey{name: r.sessionARN(a), key: a.key}
		if a.shared != (id128{}) {
			k.shared = a.shared
		} else {
			k.time = a.at.time
		}
		if twins[k] == nil {
			order = append(order, k)
		}
		twins[k] = append(twins[k], a)
	}
	for _, k := range order {
		copies := twins[k]
		if k.shared == (id128{}) && !(len(copies) == 2 && k.key != 0 && copies[0].recipient != copies[1].recipient) {
			for _, a := range copies {
				r.addIssuance(k.name, []*assume{a})
			}
			continue
		}
		r.addIssuance(k.name, copies)
	}
	for _, list := range r.byName {
		slices.SortFunc(list, func(a, b *issuance) int { return r.compareRef(a.at, b.at) })
	}
}

func (r *resolver) addIssuance(name sym, copies []*assume) {
	slices.SortStableFunc(copies, func(a, b *assume) int {
		return cmp.Or(-cmp.Compare(r.says(a), r.says(b)), r.compareAssume(a, b))
	})
	i := &issuance{name: name, copies: copies, at: copies[0].at}
	for _, a := range copies {
		if i.key == 0 {
			i.key = a.key
		}
		if i.roleID == 0 {
			i.roleID = a.roleID
		}
	}
	r.issuances = append(r.issuances, i)
	if i.key != 0 {
		r.byKey[i.key] = append(r.byKey[i.key], i)
	}
	r.byName[name] = append(r.byName[name], i)
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

func (r *resolver) sessionARN(a *assume) sym {
	role, _ := ParseRoleARN(r.text[a.roleARN])
	return r.ofString(SessionRef{role.Partition, role.Account, role.Name, r.text[a.session]}.ARN())
}

func (r *resolver) compareAssume(a, b *assume) int {
	return cmp.Or(r.compareRef(a.at, b.at), cmp.Compare(r.text[a.recipient], r.text[b.recipient]),
		cmp.Compare(r.text[a.key], r.text[b.key]), cmp.Compare(r.text[a.roleARN], r.text[b.roleARN]),
		cmp.Compare(r.text[a.session], r.text[b.session]))
}

func (b *store) compareRef(x, y eventRef) int {
	if c := cmp.Compare(x.time, y.time); c != 0 {
		return c
	}
	if x.odd == 0 && y.odd == 0 {
		return bytes.Compare(x.id[:], y.id[:])
	}
	return cmp.Compare(b.eventText(x), b.eventText(y))
}

// groupSessions puts together what the calls of one issuance show.
func (r *resolver) groupSessions() {
	identsOf := map[*use][]*ident{}
	for _, i := range r.idents {
		if i.use != nil && i.calls > 0 {
			identsOf[i.use] = append(identsOf[i.use], i)
		}
	}
	byName := map[sym][]*use{}
	for _, u := range r.uses {
		if u.calls > 0 {
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
	for _, u := range uses {
		k := issueKey{u.created, u.issuerID}
		if u.created == 0 && u.key != 0 {
			k = onlyDated(uses, u)
		}
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
			if u.key == 0 || u.direct == 0 && len(r.joinKey(name, u.key, u.issuerID, k.created, u.span.first.time)) == 0 {
				tied = append(tied, u)
				continue
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

// onlyDated finds the issuance of a key whose calls left the creationDate out:
// the one that the key's other calls name, provided there is just one.
func onlyDated(uses []*use, u *use) issueKey {
	found := issueKey{roleID: u.issuerID}
	for _, o := range uses {
		if o.key != u.key || o.created == 0 {
			continue
		}
		k := issueKey{o.created, o.issuerID}
		if found.created != 0 && found != k {
			return issueKey{roleID: u.issuerID}
		}
		found = k
	}
	return found
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
	return cmp.Or(r.compareRef(a.first, b.first), cmp.Compare(r.text[a.invokedBy], r.text[b.invokedBy]),
		cmp.Compare(r.text[a.onBehalfOf], r.text[b.onBehalfOf]), cmp.Compare(r.text[a.scopeTo], r.text[b.scopeTo]),
		cmp.Compare(r.text[a.scopeSource], r.text[b.scopeSource]), cmp.Compare(r.text[a.sourceIdentity], r.text[b.sourceIdentity]),
		cmp.Compare(r.text[a.delivery], r.text[b.delivery]), cmp.Compare(r.text[a.issuer], r.text[b.issuer]),
		cmp.Compare(r.text[a.key], r.text[b.key]))
}

// skew is how many seconds creationDate and the assume event's time may differ
// where the access key joins them. They were equal in every record seen; both
// have a resolution of one second.
const skew = 2

// longestSession is the longest that a role session lives, in seconds.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use.html
const longestSession = 12 * 3600

// joinKey finds the issuances of an access key that agree with role, session
// name and time. Key ids are not unique: the same one can be issued twice, and
// logs whose keys were replaced give many sessions one key.
func (r *resolver) joinKey(name, key, roleID sym, created, first int64) []*issuance {
	var found []*issuance
	nearest := int64(skew)
	for _, i := range r.byKey[key] {
		if i.name != name || !sameRole(i.roleID, roleID) {
			continue
		}
		if created == 0 {
			if i.at.time <= first+skew && first <= i.at.time+longestSession {
				found = append(found, i)
			}
			continue
		}
		off := abs(created - i.at.time)
		if off > nearest {
			continue
		}
		if off < nearest {
			nearest = off
			found = found[:0]
		}
		found = append(found, i)
	}
	return found
}

// joinTime finds the issuances of a session name at a moment.
func (r *resolver) joinTime(name, roleID sym, created, tolerance int64) []*issuance {
	if created == 0 {
		return nil
	}
	list := r.byName[name]
	lo, _ := slices.BinarySearchFunc(list, created-tolerance, func(i *issuance, t int64) int { return cmp.Compare(i.at.time, t) })
	var found []*issuance
	for _, i := range list[lo:] {
		if i.at.time > created+tolerance {
			break
		}
		if sameRole(i.roleID, roleID) {
			found = append(found, i)
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
