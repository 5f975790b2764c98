package attribute

// merge adds what another store holds. It is commutative: the sum of many
// stores does not depend on their order. o must not be used afterwards. sideBySide
// does what can be done at the same time.
func (b *store) merge(o *store, sideBySide func(...func())) {
	b.blank = false
	to := make(renamed, len(o.text))
	for i, v := range o.text {
		to[i] = b.take(v)
	}
	var uses map[*use]*use
	var idents map[*ident]*ident
	sideBySide(func() { uses = b.mergeUses(o, to) }, func() { idents = b.mergeAssumes(o, to) })
	for i, t := range idents {
		if i.use != nil {
			t.use = uses[i.use]
		}
	}
	for k, v := range o.others {
		t := b.other(otherKey{to.sym(k.kind), to.sym(k.account), to.sym(k.principal), to.sym(k.name)})
		t.issued += v.issued
		t.seen.merge(&b.symbols, to.span(v.seen))
		t.calls.merge(&b.symbols, to.span(v.calls))
		for _, key := range v.keys {
			t.keys = append(t.keys, to.sym(key))
		}
	}
	for k, v := range o.denied {
		k = deniedKey{to.sym(k.principal), to.sym(k.role), to.sym(k.account), to.sym(k.code)}
		if b.denied[k] == nil {
			b.denied[k] = &denied{}
		}
		b.denied[k].seen.merge(&b.symbols, to.span(v.seen))
	}
	for key, v := range o.keyUse {
		b.keyUse[to.sym(key)] = mergeSpan(&b.symbols, b.keyUse[to.sym(key)], to.span(*v))
	}
	b.shared = append(b.shared, o.shared...)
	for _, f := range o.foreign {
		f.ident, f.recipient = idents[f.ident], to.sym(f.recipient)
		c := &f.call
		c.span = to.span(c.span)
		c.ip, c.agent, c.service, c.region = to.sym(c.ip), to.sym(c.agent), to.sym(c.service), to.sym(c.region)
		c.switchFrom, c.action = to.sym(c.switchFrom), to.sym(c.action)
		b.foreign = append(b.foreign, f)
	}
	for original, correction := range o.corrections {
		b.corrected(original, correction)
	}
	for _, u := range o.updates {
		u.account = to.sym(u.account)
		b.updates = append(b.updates, u)
	}
	for k, v := range o.cover {
		k = coverKey{to.sym(k.account), to.sym(k.region)}
		b.cover[k] = mergeSpan(&b.symbols, b.cover[k], to.span(*v))
	}
	for a := range o.read {
		b.read[to.sym(a)] = true
	}
	for id, r := range o.roleIDs {
		b.learnRole(to.sym(id), roleRef{to.sym(r.account), to.sym(r.arn)})
	}
	for id, arn := range o.userIDs {
		b.learnUser(to.sym(id), to.sym(arn))
	}
	for id, name := range o.people {
		b.learnPerson(to.sym(id), to.sym(name))
	}
	for k := range o.pods {
		b.pods[podKey{to.sym(k.account), to.sym(k.cluster)}] = true
	}
	b.events += o.events
	b.duplicates += o.duplicates
	b.assumeEvents += o.assumeEvents
	if o.nameless > 0 {
		if f := to.ref(o.namelessFirst); b.nameless == 0 || b.earlier(f, b.namelessFirst) {
			b.namelessFirst = f
		}
		b.nameless += o.nameless
	}
}

// renamed are the symbols that a store's became in another, by their numbers.
type renamed []sym

func (to renamed) sym(s sym) sym           { return to[s] }
func (to renamed) ref(r eventRef) eventRef { r.odd = to[r.odd]; return r }
func (to renamed) span(p span) span        { p.first = to.ref(p.first); return p }

// mergeUses adds the credentials in use, and tells what each became.
func (b *store) mergeUses(o *store, to renamed) map[*use]*use {
	uses := make(map[*use]*use, o.uses.len())
	var room []byte
	for u := range o.uses.all() {
		t := b.use(useKey{arn: to.sym(u.arn), key: to.sym(u.key), issuerID: to.sym(u.issuerID), created: u.created}, to.sym(u.issuer))
		uses[u] = t
		t.wake()
		t.direct = t.direct || u.direct
		t.console = t.console || u.console
		t.moved = t.moved || u.moved
		t.errors += u.errors
		t.span.merge(&b.symbols, to.span(u.span))
		if u.crowd != nil {
			t.mergeCrowd(&b.symbols, u.crowd)
		}
		for _, c := range u.clients.list {
			c.ip, c.agent, c.first = to.sym(c.ip), to.sym(c.agent), to.ref(c.first)
			t.addClient(&b.symbols, c)
		}
		for _, a := range u.activity.list {
			if a.activityKey = (activityKey{to.sym(a.service), to.sym(a.region), to.sym(a.action)}); a.span != nil {
				of := to.span(*a.span)
				a.span = &of
			}
			t.addActivity(&b.symbols, a)
		}
		for _, h := range u.hours.list {
			addHour(&t.hours, h)
		}
		for _, r := range u.recipients {
			t.addRecipient(&b.symbols, recipient{to.sym(r.account), r.calls, to.ref(r.first)})
		}
		for _, f := range u.switches {
			t.switches = addFact(&b.symbols, t.switches, fact{to.sym(f.value), to.ref(f.first), f.calls})
		}
		room = t.rest(room)
	}
	return uses
}

// mergeAssumes adds identities and assume events, and tells what each identity
// became. Which credential is whose is left to merge.
func (b *store) mergeAssumes(o *store, to renamed) map[*ident]*ident {
	kinds := make(map[*identKind]*identKind, o.kinds.len())
	for k := range o.kinds.all() {
		kinds[k] = b.kind(k.remap(to.sym))
	}
	idents := make(map[*ident]*ident, o.idents.len())
	for i := range o.idents.all() {
		k := identKey{identKind: kinds[i.identKind], arn: to.sym(i.arn), key: to.sym(i.key), created: i.created}
		t := b.idents.find(k)
		if t == nil {
			t = b.idents.add(ident{identKey: k})
		}
		idents[i] = t
		if i.calls > 0 {
			if f := to.ref(i.first); t.calls == 0 || b.earlier(f, t.first) {
				t.first = f
			}
			t.calls += i.calls
		}
	}
	hows := make(map[*assumeHow]*assumeHow, o.hows.len())
	for h := range o.hows.all() {
		hows[h] = b.how(h.remap(to.sym))
	}
	for a := range o.assumes.all() {
		t := b.assumes.add(assume{
			assumeHow: hows[a.assumeHow], event: to.ref(a.event), caller: idents[a.caller],
			name: to.sym(a.name), key: to.sym(a.key), chosen: a.chosen,
		})
		b.tie(t, o.sharedOf(a))
	}
	return idents
}

func mergeSpan(t *symbols, p *span, o span) *span {
	if p == nil {
		return &o
	}
	p.merge(t, o)
	return p
}

func (k identKind) remap(re func(sym) sym) identKind {
	for _, s := range k.syms() {
		*s = re(*s)
	}
	return k
}

func (h assumeHow) remap(re func(sym) sym) assumeHow {
	for _, s := range h.syms() {
		*s = re(*s)
	}
	return h
}
