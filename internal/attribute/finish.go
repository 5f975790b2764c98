package attribute

import (
	"cmp"
	"iter"
	"slices"

	"github.com/trailscan/trailscan/internal/ingest"
)

// Needs gives the credentials whose assume events lie outside what was read:
// before the window, or in accounts and regions that were not asked for. Each
// is given once. When what was read for them found more links of their chains,
// the next call gives the needs of those; it gives none when nothing is left.
func (s *Audit) Needs() []ingest.Need {
	s.collect()
	r := s.resolver()
	r.resolveAll()
	var needs []ingest.Need
	for k := range r.needs {
		n := ingest.Need{Account: k.account, Time: k.time, Key: s.base.text[k.key]}
		if !s.asked[n] {
			s.asked[n] = true
			needs = append(needs, n)
		}
	}
	slices.SortFunc(needs, func(a, b ingest.Need) int {
		return cmp.Or(cmp.Compare(a.Account, b.Account), cmp.Compare(a.Time, b.Time), cmp.Compare(a.Key, b.Key))
	})
	return needs
}

// need notes that an assume event was looked for and not found, where reading
// more could find it.
func (r *resolver) need(account string, at int64, key sym, use int64) {
	if r.settled {
		return // it is known
	}
	s := r.audit
	read := at >= s.since && at < s.until && s.accounts == nil && s.regions == nil && !s.opt.Elsewhere
	if read || at >= s.until || account == "" || !s.believes(at, use) || s.since == minTime && s.accounts == nil && s.regions == nil {
		return
	}
	r.needs[needKey{account, at, key}] = true
}

// Result judges everything that the scan's builders took. What only the reading
// of the input knows (Scan.Source, Started, Finished, Complete, Objects, bytes,
// list requests, and the objects of Coverage) is for the caller to fill in.
func (s *Audit) Result() *Result {
	f := s.finish()
	res := &Result{Scan: f.summary(), judged: f}
	res.Findings = f.judge()
	res.Names, res.Attribution, res.Origins = f.report()
	res.Coverage = f.coverage()
	res.Other = f.otherSessions()
	res.Denied = f.deniedAssumptions()
	return res
}

// finish resolves the sessions and looks at their names.
func (s *Audit) finish() *finisher {
	s.collect()
	r := s.resolver()
	r.resolveAll()
	f := &finisher{resolver: r}
	f.views()
	return f
}

func (s *Split) add(o Split) {
	s.Calls += o.Calls
	s.Proven += o.Proven
	s.Recorded += o.Recorded
	s.Inferred += o.Inferred
	s.Unknown += o.Unknown
}

// finisher makes a Result of resolved sessions.
type finisher struct {
	*resolver
	heads []SessionName // what names point to
	names []nameView    // in their order; in a Result, those that are reported
}

// aside is a finisher for another goroutine; see resolver.aside.
func (f *finisher) aside() *finisher {
	other := *f
	other.resolver = f.resolver.aside()
	return &other
}

// nameView is one session name with all that the rules look at. Of SessionName
// it has no detail.
type nameView struct {
	*SessionName
	form     *Form
	sessions []*session // with calls, in the order of creation
	fired    ruleSet    // see ruleSet.add
	hidden   bool       // not reported; what is reported may collide with it
}

func (n *nameView) ref() SessionRef {
	return SessionRef{n.Partition, n.AccountID, n.RoleName, n.SessionName.SessionName}
}

// views makes a view of every session name.
func (f *finisher) views() {
	f.names = make([]nameView, 0, f.countNames())
	f.heads = make([]SessionName, cap(f.names))
	patterns := map[string]string{}
	for list := range f.byNames() {
		ref, ok := ParseSessionARN(f.text[list[0].name])
		if !ok {
			continue
		}
		n := nameView{SessionName: &f.heads[len(f.names)], sessions: list}
		f.head(&n, ref)
		if known, ok := patterns[n.Pattern]; ok {
			n.Pattern = known
		} else if n.Pattern != ref.Session {
			patterns[n.Pattern] = n.Pattern
		} else {
			n.Pattern = ref.Session
		}
		n.hidden = f.audit.opt.Role != nil && !f.audit.opt.Role(ref.Role) || f.audit.opt.Session != nil && !f.audit.opt.Session(ref.Session)
		f.names = append(f.names, n)
	}
}

// byNames gives the sessions of each name.
func (f *finisher) byNames() iter.Seq[[]*session] {
	return func(yield func([]*session) bool) {
		for rest := f.sessions; len(rest) > 0; {
			n := 1
			for n < len(rest) && rest[n].name == rest[0].name {
				n++
			}
			if !yield(rest[:n:n]) {
				return
			}
			rest = rest[n:]
		}
	}
}

func (f *finisher) countNames() (n int) {
	for range f.byNames() {
		n++
	}
	return n
}

// head fills in what a name is called and the sums of its calls.
func (f *finisher) head(n *nameView, ref SessionRef) {
	n.Partition, n.AccountID, n.RoleName, n.SessionName.SessionName = ref.Partition, ref.Account, ref.Role, ref.Session
	n.RoleARN = f.roleARN(ref, n.sessions)
	origins := f.originsOf(n.sessions)
	var all span
	for i := range origins {
		o := &origins[i]
		n.Calls += o.span.calls
		n.Errors += o.errors
		n.Sessions += o.sessions
		all.merge(&f.symbols, o.span)
	}
	n.FirstSeen, n.LastSeen = f.utc(all.first.time), f.utc(all.last)
	n.form = FormUnder(ref.Session, ref.Role, f.servicePrincipal(origins))
	n.Form, n.Pattern = n.form.ID, PatternOf(ref.Session, n.form)
}

// report gives the names that are reported, with the sums of their origins. The
// others are of no more use.
func (f *finisher) report() (names []SessionName, all Split, origins []OriginTotal) {
	totals, rules := originTotals{}, ruleIDs()
	findings := map[ruleSet][]string{}
	names, shown := f.heads[:0], f.names[:0]
	for _, n := range f.names {
		if n.hidden {
			continue
		}
		list, known := findings[n.fired]
		if !known {
			list = n.fired.of(rules)
			findings[n.fired] = list
		}
		n.Findings = list
		for _, o := range f.originsOf(n.sessions) {
			all.add(o.split)
			totals.add(f, &n, &o)
		}
		names = append(names, *n.SessionName)
		n.SessionName = &names[len(names)-1]
		shown = append(shown, n)
	}
	clear(f.heads[len(names):])
	clear(f.names[len(shown):])
	f.heads, f.names = nil, shown
	return names, all, totals.list()
}

// servicePrincipal is the service that picked the name, where all origins are
// of one that does.
func (f *finisher) servicePrincipal(origins []originSum) string {
	only := ""
	for i := range origins {
		o, p := origins[i].origin, ""
		switch {
		case o.kind == KindLambda || o.kind == KindEC2 || ownKindService(o.kind):
			p = o.kind + ".amazonaws.com"
		case o.kind == KindECS:
			p = "ecs-tasks.amazonaws.com"
		case o.kind == KindService:
			p = plainPrincipal(o.showName())
		}
		if p == "" || only != "" && only != p || longChain(origins[i].shown) {
			return ""
		}
		only = p
	}
	return only
}

// longChain reports whether more than one link led to a session.
func longChain(s *session) bool {
	return s.link != linkNone && s.up != nil && s.up.link != linkNone
}

func (f *finisher) roleARN(ref SessionRef, list []*session) string {
	arn := ""
	for _, s := range list {
		if a := f.issuerARN(s); a != "" && (arn == "" || a < arn) {
			arn = a
		}
	}
	if arn != "" {
		return arn
	}
	for _, m := range f.byName.of(list[0].name) {
		if a := f.text[m.issuance().roleARN]; arn == "" || a < arn {
			arn = a
		}
	}
	if arn != "" {
		return arn
	}
	return RoleRef{ref.Partition, ref.Account, "/", ref.Role}.ARN()
}

// originSum adds up the sessions of one origin under one name.
type originSum struct {
	origin     *origin
	sessions   int64
	errors     int64
	span       span
	confidence Confidence
	split      Split
	shown      *session // the one whose chain is shown
}

// originsOf gives the origins of sessions, most calls first.
func (f *finisher) originsOf(sessions []*session) []originSum {
	var out keyed[*origin, originSum]
	for _, s := range sessions {
		o := out.find(s.origin)
		if o == nil {
			out.add(originSum{origin: s.origin, confidence: Proven, shown: s})
			o = out.find(s.origin)
		}
		span := f.span(s)
		_, errors := s.calls()
		o.errors += errors
		o.span.merge(&f.symbols, span)
		if !s.bundle { // whose calls are those of several sessions, none of its own
			o.sessions++
		}
		o.confidence = min(o.confidence, s.confidence)
		o.split.Add(s.confidence, span.calls)
		if s.confidence > o.shown.confidence {
			o.shown = s
		}
	}
	if len(out.list) > 1 {
		slices.SortFunc(out.list, func(a, b originSum) int {
			return cmp.Or(-cmp.Compare(a.span.calls, b.span.calls), cmp.Compare(a.origin.id(), b.origin.id()))
		})
	}
	return out.list
}

func (o originSum) key() *origin { return o.origin }

// traits adds up what calls were seen to be.
type traits struct {
	ips, agents values
	services    keyed[sym, symCalls]
	regions     keyed[sym, sym]
	hours       keyed[int64, hourCount]
}

// symCalls counts the calls of something that has a name.
type symCalls struct {
	name  sym
	calls int64
}

func (c symCalls) key() sym { return c.name }

// values are the addresses, or user agents, of several credentials.
type values struct {
	syms keyed[sym, sym]
	more *tally // of credentials whose values are not all in syms, else nil
}

func (s sym) key() sym { return s }

func addSym(set *keyed[sym, sym], s sym) {
	if s != 0 && set.find(s) == nil {
		set.add(s)
	}
}

func (v *values) addTally(t *tally) {
	if v.more == nil {
		v.more = &tally{}
	}
	v.more.merge(t)
}

// sample is the sample of the values.
func (v *values) sample(t *symbols) Sample {
	texts := make([]string, len(v.syms.list))
	for i, s := range v.syms.list {
		texts[i] = t.text[s]
	}
	out := sampleOf(texts)
	if v.more != nil {
		for _, s := range v.syms.list {
			v.more.add(hashText([]byte(t.text[s])))
		}
		out.Count = v.more.count()
	}
	return out
}

// addSession adds what the calls of a session were.
func (t *traits) addSession(s *session, room *work) {
	for u := range s.uses() {
		w := u.awake(room)
		for _, c := range w.clients.list {
			addSym(&t.ips.syms, c.ip)
			addSym(&t.agents.syms, c.agent)
		}
		if w.crowd != nil {
			t.ips.addTally(&w.crowd.ips)
			t.agents.addTally(&w.crowd.agents)
		}
		for _, a := range w.activity.list {
			if o := t.services.find(a.service); o != nil {
				o.calls += a.calls
			} else {
				t.services.add(symCalls{a.service, a.calls})
			}
			addSym(&t.regions, a.region)
		}
		for _, h := range w.hours.list {
			addHour(&t.hours, h)
		}
	}
}

func (t *traits) serviceCalls(s *symbols) []ServiceCalls {
	out := make([]ServiceCalls, len(t.services.list))
	for i, c := range t.services.list {
		out[i] = ServiceCalls{EventSource: s.text[c.name], Calls: c.calls}
	}
	slices.SortFunc(out, func(a, b ServiceCalls) int {
		return cmp.Or(-cmp.Compare(a.Calls, b.Calls), cmp.Compare(a.EventSource, b.EventSource))
	})
	return out
}

func (t *traits) regionNames(s *symbols) []string {
	out := make([]string, len(t.regions.list))
	for i, r := range t.regions.list {
		out[i] = s.text[r]
	}
	slices.Sort(out)
	return out
}

func hourCalls(hours []hourCount) []HourCalls {
	out := make([]HourCalls, len(hours))
	for i, h := range hours {
		out[i] = HourCalls{Hour: h.hour * 3600, Calls: h.calls}
	}
	slices.SortFunc(out, func(a, b HourCalls) int { return cmp.Compare(a.Hour, b.Hour) })
	return out
}

// detail makes what a report tells of a name where it tells all.
func (f *finisher) detail(n *nameView) *NameDetail {
	origins := f.originsOf(n.sessions)
	d := &NameDetail{Origins: make([]NameOrigin, len(origins))}
	var all traits
	for i := range origins {
		// Mostly all sessions of a name have one origin, whose sums are the name's.
		own := &all
		if len(origins) > 1 {
			own = &traits{}
		}
		d.Origins[i] = f.nameOrigin(n, &origins[i], own)
	}
	if len(origins) > 1 {
		for _, s := range n.sessions {
			all.addSession(s, &f.room)
		}
	}
	d.SourceIPs, d.UserAgents = all.ips.sample(&f.symbols), all.agents.sample(&f.symbols)
	d.Services, d.Regions, d.Hours = all.serviceCalls(&f.symbols), all.regionNames(&f.symbols), hourCalls(all.hours.list)
	return d
}

// sums makes the part of detail that is quickly made.
func (f *finisher) sums(n *nameView) *NameDetail {
	origins := f.originsOf(n.sessions)
	d := &NameDetail{Origins: make([]NameOrigin, len(origins))}
	for i := range origins {
		d.Origins[i] = f.originSums(n, &origins[i])
	}
	var hours keyed[int64, hourCount]
	for _, s := range n.sessions {
		for u := range s.uses() {
			for _, h := range u.awake(&f.room).hours.list {
				addHour(&hours, h)
			}
		}
	}
	d.Hours = hourCalls(hours.list)
	return d
}

// maxEvidence bounds the evidence that one origin under one name is shown with.
const maxEvidence = 10

// nameOrigin makes what a report tells of one origin under a name. It adds what its
// calls were to seen.
func (f *finisher) nameOrigin(n *nameView, sum *originSum, seen *traits) NameOrigin {
	o := sum.origin
	var instances keyed[string, word]
	var evidence []Evidence
	for _, s := range n.sessions {
		if s.origin != o {
			continue
		}
		seen.addSession(s, &f.room)
		if name := f.instance(s); name != "" && instances.find(name) == nil {
			instances.add(word(name))
		}
		if len(evidence) == maxEvidence {
			continue
		}
		for _, e := range f.tell(s).evidence {
			if len(evidence) < maxEvidence && !slices.Contains(evidence, e) {
				evidence = append(evidence, e)
			}
		}
	}
	names := make([]string, len(instances.list))
	for i, name := range instances.list {
		names[i] = string(name)
	}
	all := f.originSums(n, sum)
	all.Instances, all.Chain, all.Evidence = sampleOf(names), f.chain(sum.shown), evidence
	all.SourceIPs, all.UserAgents = seen.ips.sample(&f.symbols), seen.agents.sample(&f.symbols)
	all.Services, all.Regions = seen.serviceCalls(&f.symbols), seen.regionNames(&f.symbols)
	return all
}

// originSums makes what a report tells of one origin under a name without looking
// at what its calls were.
func (f *finisher) originSums(n *nameView, sum *originSum) NameOrigin {
	o, id := sum.origin, sum.origin.id()
	return NameOrigin{
		ID: id, Kind: cmp.Or(o.kind, KindUnknown), Name: o.showName(), AccountID: o.account,
		App:        f.audit.opt.Config.App(id, n.RoleName, n.SessionName.SessionName),
		Confidence: sum.confidence, ByConf: sum.split,
		Calls: sum.span.calls, Errors: sum.errors, Sessions: sum.sessions,
		FirstSeen: f.utc(sum.span.first.time), LastSeen: f.utc(sum.span.last),
	}
}

// word is a string that a list of words is looked through for.
type word string

func (w word) key() string { return string(w) }

// showName is the name that reports give an origin.
func (o *origin) showName() string { return cmp.Or(o.name, o.account, KindUnknown) }

// session makes the row of a session.
func (f *finisher) session(s *session) Session {
	span := f.span(s)
	_, errors := s.calls()
	row := Session{
		AccessKeyID: f.text[s.key], FirstSeen: f.utc(span.first.time), LastSeen: f.utc(span.last),
		Calls: span.calls, Errors: errors, OriginID: s.origin.id(), Confidence: s.confidence,
	}
	if s.created != 0 {
		row.Created = f.utc(s.created)
	}
	if s.issuance != nil {
		row.AssumeEvent = f.eventText(s.issuance.at())
	}
	return row
}

// sample gives the size of a set and the first of its values in sorted order.
func sample(values map[string]bool) Sample { return sampleOf(sortedKeys(values)) }

// sampleOf is sample for a set that is given as a list. It sorts that.
func sampleOf(values []string) Sample {
	slices.Sort(values)
	s := Sample{Count: int64(len(values)), Sample: values}
	if len(values) > SampleSize {
		s.Sample = slices.Clone(values[:SampleSize])
	}
	return s
}

func (f *finisher) summary() Scan {
	s := Scan{
		Since: f.audit.opt.Since, Until: f.audit.opt.Until,
		Events: f.events, Duplicates: f.duplicates, AssumeEvents: f.assumeEvents,
	}
	for _, sess := range f.sessions {
		calls, _ := sess.calls()
		s.AssumedRoleCalls += calls
	}
	for i := range f.issuances.all() {
		if !i.used && i.inWindow() {
			s.UnusedSessions++
		}
	}
	if f.nameless > 0 {
		s.Problems = append(s.Problems, ingest.Problem{
			Object: "event " + f.eventText(f.namelessFirst), Offset: -1, Stage: ingest.StageRecord,
			Error: "an assumed-role identity names neither role nor session", Count: f.nameless,
		})
	}
	return s
}

// originTotals adds up origins over all names, by their id.
type originTotals map[string]*originTotal

type originTotal struct {
	OriginTotal
	roles map[string]bool
}

// add adds what an origin did under one name.
func (all originTotals) add(f *finisher, n *nameView, o *originSum) {
	id := o.origin.id()
	t := all[id]
	if t == nil {
		t = &originTotal{roles: map[string]bool{}}
		t.ID, t.Kind, t.Name, t.AccountID = id, cmp.Or(o.origin.kind, KindUnknown), o.origin.showName(), o.origin.account
		all[id] = t
	}
	if t.App == "" {
		t.App = f.audit.opt.Config.App(id, n.RoleName, n.SessionName.SessionName)
	}
	t.Calls += o.span.calls
	t.Sessions += o.sessions
	t.SessionNames++
	t.roles[n.RoleARN] = true
}

func (all originTotals) list() []OriginTotal {
	out := make([]OriginTotal, 0, len(all))
	for _, t := range all {
		t.Roles = sortedKeys(t.roles)
		out = append(out, t.OriginTotal)
	}
	slices.SortFunc(out, func(a, b OriginTotal) int {
		return cmp.Or(-cmp.Compare(a.Calls, b.Calls), cmp.Compare(a.ID, b.ID))
	})
	return out
}

func (f *finisher) coverage() []Coverage {
	var out []Coverage
	for k, v := range f.cover {
		if v.calls == 0 {
			continue
		}
		out = append(out, Coverage{
			AccountID: f.text[k.account], Region: f.text[k.region],
			From: f.utc(v.first.time), To: f.utc(v.last),
		})
	}
	slices.SortFunc(out, func(a, b Coverage) int {
		return cmp.Or(cmp.Compare(a.AccountID, b.AccountID), cmp.Compare(a.Region, b.Region))
	})
	return out
}

func (f *finisher) otherSessions() []OtherSession {
	var out []OtherSession
	for k, v := range f.others {
		o := OtherSession{
			Kind: f.text[k.kind], AccountID: f.text[k.account], Principal: f.text[k.principal], Name: f.text[k.name],
			Issued: v.issued,
		}
		seen, calls := v.seen, v.calls
		keys := slices.Clone(v.keys)
		slices.Sort(keys)
		for _, key := range slices.Compact(keys) {
			if u := f.keyUse[key]; u != nil {
				calls.merge(&f.symbols, *u)
			}
		}
		if v.issued == 0 && calls.calls == 0 {
			continue // issued and over before the window
		}
		if o.EventID = f.eventText(calls.first); v.issued > 0 {
			o.EventID = f.eventText(seen.first)
		}
		o.Calls = calls.calls
		seen.merge(&f.symbols, calls)
		o.FirstSeen, o.LastSeen = f.utc(seen.first.time), f.utc(seen.last)
		out = append(out, o)
	}
	slices.SortFunc(out, func(a, b OtherSession) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.AccountID, b.AccountID), cmp.Compare(a.Principal, b.Principal), cmp.Compare(a.Name, b.Name))
	})
	return out
}

func (f *finisher) deniedAssumptions() []DeniedAssumption {
	var out []DeniedAssumption
	for k, v := range f.denied {
		out = append(out, DeniedAssumption{
			Principal: f.text[k.principal], RoleARN: f.text[k.role], AccountID: f.text[k.account], ErrorCode: f.text[k.code],
			Count: v.seen.calls, FirstSeen: f.utc(v.seen.first.time), LastSeen: f.utc(v.seen.last), EventID: f.eventText(v.seen.first),
		})
	}
	slices.SortFunc(out, func(a, b DeniedAssumption) int {
		return cmp.Or(-cmp.Compare(a.Count, b.Count), cmp.Compare(a.Principal, b.Principal), cmp.Compare(a.RoleARN, b.RoleARN),
			cmp.Compare(a.AccountID, b.AccountID), cmp.Compare(a.ErrorCode, b.ErrorCode))
	})
	return out
}
