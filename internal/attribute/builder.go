package attribute

import (
	"bytes"

	"github.com/trailscan/trailscan/internal/ingest"
)

// Builder takes the events of one worker. It is not safe for concurrent use.
type Builder struct {
	audit *Audit
	*store
	evidence bool // count nothing, take assume events only

	// Records of one credential repeat their identity byte for byte, so an
	// identity is decoded once: idents finds it again by its hash, where the
	// event does not bring it.
	idents map[id128]*ident

	turn int     // how often what it held was handed over
	id   eventID // of the event at hand

	// The last account, day and region, which the next event mostly shares.
	account []byte
	acctSym sym
	dayNum  int64
	day     *seenDay
	region  []byte
	regSym  sym
	cover   *span

	// Events of that account and day that were not asked about yet in seen,
	// which workers share: asking about many at once costs a fraction.
	waiting [atOnce]observed
	waits   int
	keys    [atOnce]id96
	fresh   [atOnce]bool
}

// atOnce is how many events are asked about at once.
const atOnce = 32

// observed is what counts of one event, or of several that are alike.
type observed struct {
	id     id128 // of the event
	cover  *span
	ident  *ident // nil where the event has none
	call   call
	shared id128
	tied   bool // shared ties the event to copies in other accounts
}

// Add takes one event. It keeps nothing of e.
func (b *Builder) Add(e *ingest.Event) {
	b.locate(e)
	b.id = parseEventID(e.ID)
	chosen := !b.evidence && b.audit.window(e.Time) && b.audit.takes(e.Recipient, e.Region)
	issues := e.IsAssume()
	if chosen && !issues && b.wait(e) {
		b.handOver()
		return
	}
	if chosen && !b.count(e) {
		return
	}
	if !chosen && (!issues || e.Time >= b.audit.until) {
		return
	}
	b.corrects(e)
	id := b.ident(e)
	if id != nil && chosen {
		b.called(e, id, once(b.ref(e.Time, b.id)))
	}
	if issues {
		b.issued(e, id, chosen)
	}
	b.handOver()
}

// wait takes an event that counts unless it was counted already, which is asked
// later. It reports false for one with more to it.
func (b *Builder) wait(e *ingest.Event) bool {
	if len(e.OriginalID) > 0 || len(b.audit.replaced) > 0 || !b.id.identifies() {
		return false
	}
	id := b.ident(e)
	if id != nil && id.crowded() {
		return false
	}
	c := &b.waiting[b.waits]
	b.observe(c, e, id, once(b.ref(e.Time, b.id)))
	c.id, c.cover = b.audit.seen.id(b.id), b.cover
	b.keys[b.waits] = b.audit.seen.key(c.id)
	if b.waits++; b.waits == len(b.waiting) {
		b.settle()
	}
	return true
}

// settle counts the events that wait, but for those that were counted already.
func (b *Builder) settle() {
	n := b.waits
	if n == 0 {
		return
	}
	b.waits = 0
	b.day.addAll(b.keys[:n], b.fresh[:n])
	for i := range b.waiting[:n] {
		c := &b.waiting[i]
		if !b.fresh[i] {
			b.again(c.id)
			continue
		}
		b.events++
		c.cover.add(&b.symbols, eventRef{time: c.call.span.first.time})
		if c.ident != nil {
			b.charge(c)
		}
	}
}

// again takes note of an event that was counted already.
func (b *Builder) again(id id128) {
	if !b.audit.seen.excused(replacedKey{string(b.account), id}) {
		b.duplicates++
	}
}

// handOver gives what the builder holds to the scan when that has become much.
func (b *Builder) handOver() {
	if len(b.text) < b.audit.enough {
		return
	}
	b.settle()
	b.audit.take(b.store)
	b.store, b.turn = newStore(), b.turn+1
	clear(b.idents)
	b.day, b.cover = nil, nil // whose symbols were the other store's
}

// locate finds the account, day and region of the event.
func (b *Builder) locate(e *ingest.Event) {
	day := floorDay(e.Time)
	if b.day == nil || day != b.dayNum || !bytes.Equal(e.Recipient, b.account) {
		b.settle()
		if b.day == nil || !bytes.Equal(e.Recipient, b.account) {
			b.account = append(b.account[:0], e.Recipient...)
			b.acctSym = b.of(e.Recipient)
			b.read[b.acctSym] = true
			b.cover = nil
		}
		b.dayNum = day
		b.day = b.audit.seen.day(b.account, day)
	}
	if b.cover == nil || !bytes.Equal(e.Region, b.region) {
		b.region = append(b.region[:0], e.Region...)
		b.regSym = b.of(e.Region)
		k := coverKey{b.acctSym, b.regSym}
		if b.cover = b.store.cover[k]; b.cover == nil {
			b.cover = &span{}
			b.store.cover[k] = b.cover
		}
	}
}

// count reports whether the event is one that was not counted yet and that no
// other replaces.
func (b *Builder) count(e *ingest.Event) bool {
	if b.id.identifies() {
		id := b.audit.seen.id(b.id)
		if len(b.audit.replaced) > 0 && b.audit.replaced[replacedKey{string(e.Recipient), id}] {
			return false
		}
		if !b.day.add(b.audit.seen, id) {
			b.again(id)
			return false
		}
		if len(e.OriginalID) > 0 && b.retouches(e) && !b.standsIn(e) {
			return false
		}
	}
	b.events++
	b.cover.add(&b.symbols, eventRef{time: e.Time})
	return true
}

// corrects notes that AWS replaces an earlier record by this one.
func (b *Builder) corrects(e *ingest.Event) {
	if len(e.OriginalID) == 0 || string(e.AddendumReason) != "UPDATED_DATA" || bytes.Equal(e.OriginalID, b.id.text) {
		return
	}
	if original := parseEventID(e.OriginalID); original.identifies() {
		b.updates = append(b.updates, update{account: b.acctSym, time: e.Time, original: b.audit.seen.id(original)})
	}
}

// retouches reports whether the record corrects another in nothing that is read
// of either, so that one may be counted for the other. What an event that issues
// credentials says is read nearly whole.
func (b *Builder) retouches(e *ingest.Event) bool {
	if string(e.AddendumReason) != "UPDATED_DATA" || bytes.Equal(e.OriginalID, e.ID) || e.IsAssume() || len(e.UpdatedFields) == 0 {
		return false
	}
	for field := range bytes.FieldsFuncSeq(e.UpdatedFields, func(r rune) bool { return r == ',' || r == ' ' }) {
		name, _, _ := bytes.Cut(field, []byte("."))
		switch string(name) {
		case "requestParameters", "responseElements", "resources", "eventVersion", "apiVersion", "requestID",
			"readOnly", "managementEvent", "tlsDetails", "serviceEventDetails":
		default:
			return false
		}
	}
	return true
}

// standsIn reports whether a record that retouches another is to be counted for
// it: the other one was not. Either way it is the original that was counted, by
// its id, for which the id of the correction is shown.
func (b *Builder) standsIn(e *ingest.Event) bool {
	original := parseEventID(e.OriginalID)
	k := replacedKey{string(e.Recipient), b.audit.seen.id(original)}
	if !original.packed || !b.id.packed || b.audit.replaced[k] || b.audit.seen.left(b.account, b.dayNum) {
		return true // as any other correction
	}
	b.updates = append(b.updates, update{account: b.acctSym, time: e.Time, original: k.id, counted: true})
	b.corrected(original.uuid, b.id.uuid)
	b.id = original
	return b.audit.seen.standIn(b.day, k)
}

// ident finds or makes the identity of an event, nil where it has none.
func (b *Builder) ident(e *ingest.Event) *ident {
	if len(e.IdentityRaw) == 0 {
		return nil
	}
	if e.IdentityMemo != nil {
		if m, ok := (*e.IdentityMemo).(*identMemo); ok && m.builder == b && m.turn == b.turn {
			return m.ident
		}
	}
	h := hash128(b.audit.seed, e.IdentityRaw)
	id := b.idents[h]
	if id == nil {
		id = b.newIdent(e.Identity())
		b.idents[h] = id
	}
	if e.IdentityMemo != nil {
		*e.IdentityMemo = &identMemo{b, b.turn, id}
	}
	return id
}

// identMemo says which ident of which builder an identity is.
type identMemo struct {
	builder *Builder
	turn    int // of the builder
	ident   *ident
}

// newIdent finds or makes the ident of a decoded identity.
func (b *Builder) newIdent(i *ingest.Identity) *ident {
	kind := identKind{
		typ: b.of(i.Type), account: b.of(i.AccountID), user: b.of(i.UserName), invokedBy: b.of(i.InvokedBy),
		provider: b.of(i.IdentityProvider), onBehalfOf: b.of(i.OnBehalfOfUser),
		scopeType: b.of(i.InScopeIssuerType), scopeTo: b.of(i.InScopeIssuedTo),
		scopeSource: b.of(i.InScopeSourceARN), scopeAccount: b.of(i.InScopeSourceAccount),
		issuer: b.of(i.IssuerARN), issuerID: b.of(i.IssuerPrincipalID),
		federated: b.of(i.FederatedProvider), federatedSub: b.of(i.FederatedSubject),
		sourceIdentity: b.of(i.SourceIdentity), delivery: b.of(i.EC2RoleDelivery),
		signIn: b.of(i.SignInSession), delegate: b.of(i.InvokedByDelegate),
		console: i.FromConsole, mfa: i.MFA, root: i.AssumedRoot,
	}
	arn := b.of(i.ARN)
	if string(i.Type) == "AssumedRole" {
		arn = b.roleSession(i, &kind, arn)
	} else {
		kind.principal = b.of(i.PrincipalID)
	}
	k := identKey{identKind: b.kind(kind), arn: arn, key: b.of(i.AccessKeyID), created: i.CreationDate}
	id := b.store.idents.find(k)
	if id == nil {
		id = b.store.idents.add(ident{identKey: k})
		b.learn(id)
	}
	return id
}

// roleSession completes the identity of a role session: its ARN is made from
// the issuer and the principal id where the record has none, and the role's id
// is the part of the principal id before the last colon (EC2's own roles have
// colons in their names, so that the first one would not do).
func (b *Builder) roleSession(i *ingest.Identity, k *identKind, arn sym) sym {
	colon := bytes.LastIndexByte(i.PrincipalID, ':')
	if k.issuerID == 0 && colon > 0 {
		k.issuerID = b.of(i.PrincipalID[:colon])
	}
	if ref, ok := ParseSessionARN(b.text[arn]); ok {
		if k.account == 0 {
			k.account = b.ofString(ref.Account)
		}
		return arn
	}
	role, ok := ParseRoleARN(b.text[k.issuer])
	if !ok && len(i.IssuerUserName) > 0 && k.account != 0 {
		// ARNs that were masked for sharing: the issuer still tells the role.
		role, ok = RoleRef{"aws", b.text[k.account], "/", string(i.IssuerUserName)}, true
	}
	if ok && colon > 0 {
		arn := SessionRef{role.Partition, role.Account, role.Name, string(i.PrincipalID[colon+1:])}.ARN()
		if _, ok := ParseSessionARN(arn); ok && len(arn) <= maxKept {
			return b.ofString(arn)
		}
	}
	return 0
}

// called counts a call, or several that are alike, under the credential that
// made it.
func (b *Builder) called(e *ingest.Event, id *ident, when span) {
	var c observed
	b.observe(&c, e, id, when)
	b.charge(&c)
}

// observe takes from an event what counts of its call, or of several that are alike.
func (b *Builder) observe(c *observed, e *ingest.Event, id *ident, when span) {
	*c = observed{ident: id}
	c.call.span, c.call.console = when, e.FromConsole
	if id == nil || b.text[id.typ] != "AssumedRole" || id.arn == 0 {
		return
	}
	k := &c.call
	k.service, k.region, k.switchFrom = b.of(e.Source), b.regSym, b.of(e.SwitchFrom)
	k.failed = len(e.ErrorCode) > 0
	k.console = e.FromConsole || id.console || string(e.Source) == "signin.amazonaws.com"
	k.presigned = string(e.AuthMethod) == "QueryString"
	if b.audit.opt.Actions {
		k.action = b.of(e.Name)
	}
	c.shared, c.tied = b.sharedID(e)
	if id.crowded() && !b.foreignTo(c) {
		k.passed = id.use.crowd.passes(e, k.presigned, id.invokedBy != 0)
	}
	if !k.passed {
		k.ip, k.agent = b.client(id.use, e)
	}
}

// foreignTo reports whether a call lies in the log of an account that is not the role's,
// with a copy in the log of the one that is.
func (b *Builder) foreignTo(c *observed) bool { return c.tied && c.ident.account != b.acctSym }

// charge counts what was taken from an event under the credential that made the call.
func (b *Builder) charge(c *observed) {
	id, when := c.ident, c.call.span
	at := when.first
	if id.calls == 0 || b.earlier(at, id.first) {
		id.first = at
	}
	id.calls += when.calls
	if b.text[id.typ] != "AssumedRole" {
		b.calledByOther(id, c.call.console, when)
		return
	}
	if id.arn == 0 {
		if b.nameless == 0 || b.earlier(at, b.namelessFirst) {
			b.namelessFirst = at
		}
		b.nameless += when.calls
		return
	}
	if id.use == nil {
		id.use = b.use(id.useKey(), id.issuer)
		id.use.wake()
	}
	if b.foreignTo(c) {
		c.call.span = once(at) // whatever shares the id is one call
		b.foreign = append(b.foreign, foreignCall{shared: c.shared, ident: id, recipient: b.acctSym, call: c.call})
		return
	}
	if c.tied {
		b.shared = append(b.shared, c.shared)
	}
	b.apply(id, b.acctSym, &c.call)
}

// client gives the address and the user agent of an event. Most are those of
// the credential's only client.
func (b *store) client(u *use, e *ingest.Event) (ip, agent sym) {
	if u != nil && u.work != nil && len(u.clients.list) > 0 {
		c := &u.clients.list[len(u.clients.list)-1]
		if b.text[c.ip] == string(e.SourceIP) && b.text[c.agent] == string(e.UserAgent) {
			return c.ip, c.agent
		}
	}
	return b.of(e.SourceIP), b.of(e.UserAgent)
}

// sharedID is what ties the copies of one event in several accounts together.
func (b *Builder) sharedID(e *ingest.Event) (id id128, ok bool) {
	if len(e.SharedID) == 0 {
		return id, false
	}
	shared := parseEventID(e.SharedID)
	if !shared.identifies() {
		return id, false
	}
	return b.audit.seen.id(shared), true
}

func (b *store) use(k useKey, issuer sym) *use {
	u := b.uses.find(k)
	if u == nil {
		u = b.uses.add(use{useKey: k, issuer: issuer})
	}
	if u.issuer == 0 || issuer != 0 && b.text[issuer] < b.text[u.issuer] {
		u.issuer = issuer
	}
	return u
}

// apply counts a call, or several that are alike.
func (b *store) apply(id *ident, account sym, c *call) {
	u := id.use
	n, first := c.span.calls, c.span.first
	if c.failed {
		u.errors += n
	}
	switch {
	case c.console:
		u.console = true
	case id.invokedBy == 0:
		u.direct = true
	}
	u.span.merge(&b.symbols, c.span)
	if !c.passed {
		u.addClient(&b.symbols, client{
			ip: c.ip, agent: c.agent, presigned: c.presigned, service: id.invokedBy != 0,
			calls: n, first: first, last: c.span.last,
		})
	}
	act := activity{activityKey: activityKey{c.service, c.region, c.action}, calls: n}
	if c.action != 0 {
		act.span = &c.span
		if c.failed {
			act.errors = n
		}
	}
	u.addActivity(&b.symbols, act)
	addHour(&u.hours, hourCount{hour: floorHour(first.time), calls: n})
	u.addRecipient(&b.symbols, recipient{account: account, calls: n, first: first})
	if c.switchFrom != 0 {
		u.moved = true
		u.switches = addFact(&b.symbols, u.switches, fact{value: c.switchFrom, first: first, calls: n})
	}
}

func floorHour(t int64) int64 {
	h := t / 3600
	if t < 0 && t%3600 != 0 {
		h--
	}
	return h
}
