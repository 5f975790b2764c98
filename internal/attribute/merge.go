package attribute

// merge adds what another store holds. It is commutative: the sum of many
// stores does not depend on their order. o must not be used afterwards.
func (b *store) merge(o *store) {
	b.blank = false
	moved := make([]sym, len(o.text))
	for i, v := range o.text {
		moved[i] = b.take(v)
	}
	re := func(s sym) sym { return moved[s] }
	ref := func(r eventRef) eventRef { r.odd = re(r.odd); return r }
	bounds := func(p span) span { p.first = ref(p.first); return p }

	uses := make(map[*use]*use, o.uses.len())
	var room []byte
	for u := range o.uses.all() {
		t := b.use(useKey{arn: re(u.arn), key: re(u.key), issuerID: re(u.issuerID), created: u.created}, re(u.issuer))
		uses[u] = t
		t.wake()
		t.direct = t.direct || u.direct
		t.console = t.console || u.console
		t.moved = t.moved || u.moved
		t.errors += u.errors
		t.span.merge(&b.symbols, bounds(u.span))
		if u.crowd != nil {
			t.mergeCrowd(&b.symbols, u.crowd)
		}
		for _, c := range u.clients.list {
			c.ip, c.agent, c.first = re(c.ip), re(c.agent), ref(c.first)
			t.addClient(&b.symbols, c)
		}
		for _, a := range u.activity.list {
			if a.activityKey = (activityKey{re(a.service), re(a.region), re(a.action)}); a.span != nil {
				of := bounds(*a.span)
				a.span = &of
			}
			t.addActivity(&b.symbols, a)
		}
		for _, h := range u.hours.list {
			addHour(&t.hours, h)
		}
		for _, r := range u.recipients {
			t.addRecipient(&b.symbols, recipient{re(r.account), r.calls, ref(r.first)})
		}
		for _, f := range u.switches {
			t.switches = addFact(&b.symbols, t.switches, fact{re(f.value), ref(f.first), f.calls})
		}
		room = t.rest(room)
	}
	kinds := make(map[*identKind]*identKind, o.kinds.len())
	for k := range o.kinds.all() {
		kinds[k] = b.kind(k.remap(re))
	}
	idents := make(map[*ident]*ident, o.idents.len())
	for i := range o.idents.all() {
		k := identKey{identKind: kinds[i.identKind], arn: re(i.arn), key: re(i.key), created: i.created}
		t := b.idents.find(k)
		if t == nil {
			t = b.idents.add(ident{identKey: k})
		}
		idents[i] = t
		if i.use != nil {
			t.use = uses[i.use]
		}
		if i.calls > 0 {
			if f := ref(i.first); t.calls == 0 || b.earlier(f, t.first) {
				t.first = f
			}
			t.calls += i.calls
		}
	}
	hows := make(map[*assumeHow]*assumeHow, o.hows.len())
	for h := range o.hows.all() {
		hows[h] = b.how(h.remap(re))
	}
	for a := range o.assumes.all() {
		t := b.assumes.add(assume{
			assumeHow: hows[a.assumeHow], event: ref(a.event), caller: idents[a.caller],
			name: re(a.name), key: re(a.key), chosen: a.chosen,
		})
		b.tie(t, o.sharedOf(a))
	}
	for k, v := range o.others {
		t := b.other(otherKey{re(k.kind), re(k.account), re(k.principal), re(k.name)})
		t.issued += v.issued
		t.seen.merge(&b.symbols, bounds(v.seen))
		t.calls.merge(&b.symbols, bounds(v.calls))
		for _, key := range v.keys {
			t.keys = append(t.keys, re(key))
		}
	}
	for k, v := range o.denied {
		k = deniedKey{re(k.principal), re(k.role), re(k.account), re(k.code)}
		if b.denied[k] == nil {
			b.denied[k] = &denied{}
		}
		b.denied[k].seen.merge(&b.symbols, bounds(v.seen))
	}
	for key, v := range o.keyUse {
		b.keyUse[re(key)] = mergeSpan(&b.symbols, b.keyUse[re(key)], bounds(*v))
	}
	b.shared = append(b.shared, o.shared...)
	for _, f := range o.foreign {
		f.ident, f.recipient = idents[f.ident], re(f.recipient)
		c := &f.call
		c.span = bounds(c.span)
		c.ip, c.agent, c.service, c.region = re(c.ip), re(c.agent), re(c.service), re(c.region)
		c.switchFrom, c.action = re(c.switchFrom), re(c.action)
		b.foreign = append(b.foreign, f)
	}
	for original, correction := range o.corrections {
		b.corrected(original, correction)
	}
	for _, u := range o.updates {
		u.account = re(u.account)
		b.updates = append(b.updates, u)
	}
	for k, v := range o.cover {
		k = coverKey{re(k.account), re(k.region)}
		b.cover[k] = mergeSpan(&b.symbols, b.cover[k], bounds(*v))
	}
	for a := range o.read {
		b.read[re(a)] = true
	}
	for id, r := range o.roleIDs {
		b.learnRole(re(id), roleRef{re(r.account), re(r.arn)})
	}
	for id, arn := range o.userIDs {
		b.learnUser(re(id), re(arn))
	}
	for id, name := range o.people {
		b.learnPerson(re(id), re(name))
	}
	for k := range o.pods {
		b.pods[podKey{re(k.account), re(k.cluster)}] = true
	}
	b.events += o.events
	b.duplicates += o.duplicates
	b.assumeEvents += o.assumeEvents
	if o.nameless > 0 {
		if f := ref(o.namelessFirst); b.nameless == 0 || b.earlier(f, b.namelessFirst) {
			b.namelessFirst = f
		}
		b.nameless += o.nameless
	}
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
