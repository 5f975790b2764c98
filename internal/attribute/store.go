package attribute

import "hash/maphash"

// store is what is kept of the events: by credential and by name, never by
// event. Strings are symbols of its own table.
type store struct {
	symbols
	blank bool // a base that nothing was handed over to

	kinds   lot[identKind, identKind, *identKind]
	idents  lot[identKey, ident, *ident]
	uses    lot[useKey, use, *use]
	hows    lot[assumeHow, assumeHow, *assumeHow]
	assumes shelf[assume]
	tied    []id128 // sharedEventIDs of assume events
	others  map[otherKey]*other
	denied  map[deniedKey]*denied
	keyUse  map[sym]*span // temporary keys of users and root: their calls
	shared  []id128       // of calls from the logs of the roles' own accounts; some twice
	foreign []foreignCall
	updates []update
	cover   map[coverKey]*span
	read    map[sym]bool    // accounts whose log was read
	roleIDs map[sym]roleRef // what AROA… ids stand for; see learnRole
	userIDs map[sym]sym     // AIDA… ids to the ARNs of users; see learnUser
	people  map[sym]sym     // Identity Center user ids to user names; see learnPerson
	pods    map[podKey]bool // clusters seen, by account

	events, duplicates, assumeEvents int64
	nameless                         int64 // assumed-role calls without role or name
	namelessFirst                    eventRef
}

func newStore() *store {
	return &store{
		symbols: newSymbols(),
		others:  map[otherKey]*other{}, denied: map[deniedKey]*denied{}, keyUse: map[sym]*span{},
		cover: map[coverKey]*span{}, read: map[sym]bool{},
		roleIDs: map[sym]roleRef{}, userIDs: map[sym]sym{}, people: map[sym]sym{}, pods: map[podKey]bool{},
	}
}

// identKey is all of an identity that attribution reads; equal keys are one ident.
type identKey struct {
	*identKind     // of the store; the credentials of one app share it
	arn, key   sym // key is the access key id
	created    int64
}

// identKind is what of an identity is seldom a credential's own.
type identKind struct {
	typ, principal, account, user, invokedBy          sym
	provider, onBehalfOf                              sym
	scopeType, scopeTo, scopeSource, scopeAccount     sym
	issuer, issuerID                                  sym // session issuer: ARN with path, and AROA… id
	federated, federatedSub, sourceIdentity, delivery sym
	signIn, delegate                                  sym
	console, mfa, root                                bool
}

// syms are all strings of the kind.
func (k *identKind) syms() [19]*sym {
	return [...]*sym{
		&k.typ, &k.principal, &k.account, &k.user, &k.invokedBy,
		&k.provider, &k.onBehalfOf,
		&k.scopeType, &k.scopeTo, &k.scopeSource, &k.scopeAccount,
		&k.issuer, &k.issuerID,
		&k.federated, &k.federatedSub, &k.sourceIdentity, &k.delivery,
		&k.signIn, &k.delegate,
	}
}

func (k *identKind) id() identKind { return *k }

// kind finds or makes a kind of identity.
func (b *store) kind(k identKind) *identKind {
	if known := b.kinds.find(k); known != nil {
		return known
	}
	return b.kinds.add(k)
}

// ident is one identity as calls carry it. Most credentials have one; those
// whose calls carry more or less by service have several.
type ident struct {
	identKey
	use   *use   // the credential in use, nil where it is no role session
	next  *ident // see use.idents
	calls int64
	first eventRef
}

func (i *ident) id() identKey { return i.identKey }

// useKey is one credential of a role session as calls show it.
type useKey struct {
	arn      sym // arn:P:sts::A:assumed-role/ROLE/SESSION
	key      sym // access key id
	issuerID sym // AROA…
	created  int64
}

// use is what one credential of a role session did.
type use struct {
	useKey
	issuer  sym  // ARN of the role, with its path
	direct  bool // some calls were made neither by the console nor by a service for it
	console bool // some were made by the console
	moved   bool // its console switched roles
	errors  int64
	span    span // of its calls
	// What the calls were: one of the two is empty. See rest.
	*work
	resting string

	// Set by a resolver:
	session *session // nil where it made no calls that count
	next    *use     // the session's next one, the first behind the last
	idents  *ident   // the first of those that its calls carry; the others follow it
}

func (u *use) id() useKey { return u.useKey }

// span counts events and their bounds in time.
type span struct {
	calls int64
	first eventRef
	last  int64
}

func (p *span) add(t *symbols, r eventRef) {
	if p.calls == 0 || t.earlier(r, p.first) {
		p.first = r
	}
	if p.calls == 0 || r.time > p.last {
		p.last = r.time
	}
	p.calls++
}

// once is the span of one event.
func once(r eventRef) span { return span{calls: 1, first: r, last: r.time} }

func (p *span) merge(t *symbols, o span) {
	switch {
	case o.calls == 0:
	case p.calls == 0:
		*p = o
	default:
		if t.earlier(o.first, p.first) {
			p.first = o.first
		}
		p.last = max(p.last, o.last)
		p.calls += o.calls
	}
}

// work is what the calls of a credential were.
type work struct {
	clients    keyed[clientKey, client]
	crowd      *crowd // of very many clients, else nil
	activity   keyed[activityKey, activity]
	hours      keyed[int64, hourCount]
	recipients []recipient
	switches   []fact // ARNs that a console role switch came from
}

// fact is a value that calls carried, with the first of them.
type fact struct {
	value sym
	first eventRef
	calls int64
}

// client is one pair of address and user agent.
type client struct {
	ip, agent sym
	// presigned says that the calls came over a presigned URL, whose user is
	// not the holder of the credential; service, that a service made them.
	presigned, service bool
	calls              int64
	first              eventRef
	last               int64
}

// activity is what a credential did at one service in one region.
type activity struct {
	activityKey
	calls, errors int64 // errors only where there is an action
	span          *span // of an action, else nil
}

type activityKey struct {
	service, region sym
	action          sym // the API's name, where Options.Actions asks for it
}

func (a activity) key() activityKey { return a.activityKey }

type hourCount struct {
	hour  int64 // hours since 1970
	calls int64
}

func (h hourCount) key() int64 { return h.hour }

// recipient is an account whose log holds calls of the credential.
type recipient struct {
	account sym
	calls   int64
	first   eventRef
}

// foreignCall is a call seen in the log of an account that is not the role's.
// It counts unless the role's own account, or an account before it in order,
// logged the same call.
type foreignCall struct {
	shared    id128
	ident     *ident
	recipient sym
	call      call
}

// call is what counts of one call, or of several in one hour that are alike.
type call struct {
	span                       span
	ip, agent, service, region sym
	switchFrom                 sym
	action                     sym
	failed, console, presigned bool
	passed                     bool // one of a crowd of clients, which is not kept
}

// assume is one event that issued a role session.
type assume struct {
	*assumeHow
	event  eventRef
	caller *ident
	name   sym    // ARN of the role session
	key    sym    // the access key id that was issued
	shared uint32 // its sharedEventID; see sharedOf
	chosen bool   // it lies in the window, and where it was asked for

	// Set by a resolver:
	used bool // a session in use came from it
	// claimed says that the calls of a session carry the very key that it
	// issued, so that it is no other session's.
	claimed bool
	leads   bool    // it is the issuance: the copy that says most about the caller
	next    *assume // the next copy of it, the first behind the last
}

// assumeHow is what of an assume event is seldom its own.
type assumeHow struct {
	kind                           assumeKind
	recipient, region              sym
	roleARN, sourceIdentity        sym
	roleID                         sym   // AROA… of assumedRoleId, where logged
	duration                       int64 // seconds, 0 where not asked for
	provider, subject, subjectType sym
	audience, samlProvider         sym
	tags                           sym // see podTags
	ip, agent                      sym
}

// syms are all strings of it.
func (h *assumeHow) syms() [13]*sym {
	return [...]*sym{
		&h.recipient, &h.region, &h.roleARN, &h.sourceIdentity, &h.roleID,
		&h.provider, &h.subject, &h.subjectType, &h.audience, &h.samlProvider, &h.tags, &h.ip, &h.agent,
	}
}

func (h *assumeHow) id() assumeHow { return *h }

// tie notes the sharedEventID of an assume event.
func (b *store) tie(a *assume, shared id128) {
	if shared != (id128{}) {
		b.tied = append(b.tied, shared)
		a.shared = uint32(len(b.tied))
	}
}

// sharedOf is the sharedEventID of an assume event, zero where it has none.
func (b *store) sharedOf(a *assume) id128 {
	if a.shared == 0 {
		return id128{}
	}
	return b.tied[a.shared-1]
}

// how finds or makes what assume events have in common.
func (b *store) how(h assumeHow) *assumeHow {
	if known := b.hows.find(h); known != nil {
		return known
	}
	return b.hows.add(h)
}

// assumeKind is the API that issued a session.
type assumeKind uint8

const (
	assumeRole assumeKind = iota
	assumeSAML
	assumeWeb
)

type roleRef struct {
	account, arn sym // the role's account and its ARN with path
}

type podKey struct{ account, cluster sym }

type otherKey struct{ kind, account, principal, name sym }

// other counts the issues and calls of temporary sessions that are no role's.
type other struct {
	issued int64
	seen   span
	calls  span
	keys   []sym
}

type deniedKey struct{ principal, role, account, code sym }

type denied struct{ seen span }

// update is a record that replaces an earlier one.
type update struct {
	account  sym
	time     int64
	original id128
	counted  bool // for the original, if that has the same day
}

type coverKey struct{ account, region sym }

// hash128 hashes an identity as it stands in a record with two seeds of this
// run: nobody can choose bytes that collide.
func hash128(seed [2]maphash.Seed, b []byte) id128 {
	return id128{maphash.Bytes(seed[0], b), maphash.Bytes(seed[1], b)}
}
