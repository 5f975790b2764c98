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
}

// Add takes one event. It keeps nothing of e.
func (b *Builder) Add(e *ingest.Event) {
	b.locate(e)
	b.id = parseEventID(e.ID)
	chosen := !b.evidence && b.audit.window(e.Time) && b.audit.takes(e.Recipient, e.Region)
	if chosen && !b.count(e) {
		return
	}
	issues := e.IsAssume()
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

// handOver gives what the builder holds to the scan when that has become much.
func (b *Builder) handOver() {
	if len(b.text) < b.audit.enough {
		return
	}
	b.audit.take(b.store)
	b.store, b.turn = newStore(), b.turn+1
	clear(b.idents)
	b.day, b.cover = nil, nil // whose symbols were the other store's
}

// locate finds the account, day and region of the event.
func (b *Builder) locate(e *ingest.Event) {
	day := floorDay(e.Time)
	if b.day == nil || day != b.dayNum || !bytes.Equal(e.Recipient, b.account) {
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
			if !b.audit.seen.excused(replacedKey{string(e.Recipient), id}) {
				b.duplicates++
			}
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
	at := when.first
	if id.calls == 0 || b.earlier(at, id.first) {
		id.first = at
	}
	id.calls += when.calls
	if b.text[id.typ] != "AssumedRole" {
		b.calledByOther(e, id, when)
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
	c := call{
		span: when, service: b.of(e.Source), region: b.regSym,
		switchFrom: b.of(e.SwitchFrom), failed: len(e.ErrorCode) > 0, console: e.FromConsole || id.console || string(e.Source) == "signin.amazonaws.com",
		presigned: string(e.AuthMethod) == "QueryString",
	}
	if b.audit.opt.Actions {
		c.action = b.of(e.Name)
	}
	shared, ok := b.sharedID(e)
	foreign := ok && id.account != b.acctSym
	c.passed = !foreign && id.use.crowd != nil && id.use.crowd.passes(e, c.presigned, id.invokedBy != 0)
	if !c.passed {
		c.ip, c.agent = b.client(id.use, e)
	}
	if foreign {
		c.span = once(when.first) // whatever shares the id is one call
		b.foreign = append(b.foreign, foreignCall{shared: shared, ident: id, recipient: b.acctSym, call: c})
		return
	}
	if ok {
		b.shared = append(b.shared, shared)
	}
	b.apply(id, b.acctSym, &c)
}

// client gives the address and the user agent of an event. Most are those of
// the credential's only client.
func (b *store) client(u *use, e *ingest.Event) (ip, agent sym) {
	if n := len(u.clients.list); n > 0 {
		c := &u.clients.list[n-1]
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
		act.span = c.span
		if c.failed {
			act.errors = n
		}
	}
	u.addActivity(&b.symbols, act)
	u.addHour(hourCount{hour: floorHour(first.time), calls: n})
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
