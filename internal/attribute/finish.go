package attribute

import (
	"cmp"
	"slices"
	"sort"

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
	s.collect()
	r := s.resolver()
	r.resolveAll()
	f := &finisher{resolver: r}
	f.views()
	res := &Result{Scan: f.summary()}
	res.Findings = f.judge()
	res.Names = make([]SessionName, 0, len(f.names))
	order := ruleIDs()
	for _, n := range f.names {
		if n.hidden {
			continue
		}
		n.Findings = orderRules(n.Findings, order)
		res.Names = append(res.Names, n.SessionName)
		for i := range n.Origins {
			res.Attribution.add(n.Origins[i].ByConf)
		}
	}
	res.Origins = f.originTotals()
	res.Coverage = f.coverage()
	res.Other = f.otherSessions()
	res.Denied = f.deniedAssumptions()
	return res
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
	names []*nameView
}

// nameView is one session name with all that the rules look at.
type nameView struct {
	SessionName
	ref      SessionRef
	form     *Form
	sessions []*session // with calls, in the order of creation
	hidden   bool       // not reported; what is reported may collide with it
}

// views makes a view of every session name.
func (f *finisher) views() {
	for start := 0; start < len(f.sessions); {
		end := start + 1
		for end < len(f.sessions) && f.sessions[end].name == f.sessions[start].name {
			end++
		}
		list := f.sessions[start:end]
		start = end
		ref, ok := ParseSessionARN(f.text[list[0].name])
		if !ok {
			continue
		}
		n := f.view(ref, list)
		n.hidden = f.audit.opt.Role != nil && !f.audit.opt.Role(ref.Role) || f.audit.opt.Session != nil && !f.audit.opt.Session(ref.Session)
		f.names = append(f.names, n)
	}
}

func (f *finisher) view(ref SessionRef, list []*session) *nameView {
	n := &nameView{ref: ref, sessions: list}
	n.Partition, n.AccountID, n.RoleName, n.SessionName.SessionName = ref.Partition, ref.Account, ref.Role, ref.Session
	n.RoleARN = f.roleARN(ref, list)

	total := newSum()
	// Mostly all sessions of a name have one origin, whose sum is the total.
	single := !slices.ContainsFunc(list, func(s *session) bool { return s.origin != list[0].origin })
	byOrigin := map[*origin]*originSum{}
	for _, s := range list {
		o := byOrigin[s.origin]
		if o == nil {
			o = &originSum{origin: *s.origin, sum: total, confidence: Proven, instances: map[string]bool{}}
			if !single {
				o.sum = newSum()
			}
			byOrigin[s.origin] = o
		}
		f.addSession(n, o, total, s)
	}
	n.Calls, n.Errors, n.Sessions = total.calls, total.errors, total.sessions
	n.FirstSeen, n.LastSeen = f.utc(total.span.first.time), f.utc(total.span.last)
	n.SourceIPs, n.UserAgents = total.ips.sample(&f.symbols), total.agents.sample(&f.symbols)
	n.Services, n.Regions = services(total.services), sortedKeys(total.regions)
	for h, c := range total.hours {
		n.Hours = append(n.Hours, HourCalls{Hour: h * 3600, Calls: c})
	}
	slices.SortFunc(n.Hours, func(a, b HourCalls) int { return cmp.Compare(a.Hour, b.Hour) })
	for _, o := range byOrigin {
		n.Origins = append(n.Origins, f.nameOrigin(ref, o))
	}
	slices.SortFunc(n.Origins, func(a, b NameOrigin) int {
		return cmp.Or(-cmp.Compare(a.Calls, b.Calls), cmp.Compare(a.ID, b.ID))
	})
	n.form = FormUnder(ref.Session, ref.Role, servicePrincipal(n.Origins))
	n.Form, n.Pattern = n.form.ID, PatternOf(ref.Session, n.form)
	return n
}

// servicePrincipal is the service that picked the name, where all origins are
// of one that does.
func servicePrincipal(origins []NameOrigin) string {
	only := ""
	for _, o := range origins {
		p := ""
		switch {
		case o.Kind == KindLambda || o.Kind == KindEC2 || ownKindService(o.Kind):
			p = o.Kind + ".amazonaws.com"
		case o.Kind == KindECS:
			p = "ecs-tasks.amazonaws.com"
		case o.Kind == KindService:
			p = plainPrincipal(o.Name)
		}
		if len(o.Chain) > 1 || p == "" || only != "" && only != p {
			return ""
		}
		only = p
	}
	return only
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
		if a := f.text[m.issuance.best().roleARN]; arn == "" || a < arn {
			arn = a
		}
	}
	if arn != "" {
		return arn
	}
	return RoleRef{ref.Partition, ref.Account, "/", ref.Role}.ARN()
}

// sum adds up what calls show.
type sum struct {
	calls, errors, sessions int64
	span                    span
	ips, agents             values
	regions                 map[string]bool
	services                map[string]int64
	hours                   map[int64]int64
}

func newSum() *sum {
	return &sum{regions: map[string]bool{}, services: map[string]int64{}, hours: map[int64]int64{}}
}

// values are the addresses, or user agents, of several credentials.
type values struct {
	syms map[sym]bool
	more *tally // of credentials whose values are not all in syms, else nil
}

func (v *values) add(s sym) {
	if s == 0 {
		return
	}
	if v.syms == nil {
		v.syms = map[sym]bool{}
	}
	v.syms[s] = true
}

func (v *values) addTally(t *tally) {
	if v.more == nil {
		v.more = &tally{}
	}
	v.more.merge(t)
}

func (v *values) sample(t *symbols) Sample {
	texts := make(map[string]bool, len(v.syms))
	for s := range v.syms {
		texts[t.text[s]] = true
	}
	out := sample(texts)
	if v.more != nil {
		for text := range texts {
			v.more.add(hashText([]byte(text)))
		}
		out.Count = v.more.count()
	}
	return out
}

// originSum adds up the sessions of one origin under one name.
type originSum struct {
	origin     origin
	sum        *sum
	confidence Confidence
	split      Split
	instances  map[string]bool
	shown      *session // the one whose chain is shown
	evidence   []Evidence
}

func (f *finisher) addSession(n *nameView, o *originSum, total *sum, s *session) {
	calls, errors := s.calls()
	count := int64(1)
	if s.bundle {
		count = 0 // the calls of several sessions, none of its own
	}
	o.confidence = min(o.confidence, s.confidence)
	o.split.Add(s.confidence, calls)
	if s.instance != 0 {
		o.instances[f.instance(s)] = true
	}
	if o.shown == nil || s.confidence > o.shown.confidence {
		o.shown = s
	}
	if len(o.evidence) < maxEvidence {
		for _, e := range f.tell(s).evidence {
			if len(o.evidence) < maxEvidence && !slices.Contains(o.evidence, e) {
				o.evidence = append(o.evidence, e)
			}
		}
	}
	sums := []*sum{total, o.sum}
	if o.sum == total {
		sums = sums[:1]
	}
	for _, t := range sums {
		t.calls += calls
		t.errors += errors
		t.sessions += count
		for u := range s.uses() {
			w := u.awake()
			t.span.merge(&f.symbols, u.span)
			for _, c := range w.clients.list {
				t.ips.add(c.ip)
				t.agents.add(c.agent)
			}
			if w.crowd != nil {
				t.ips.addTally(&w.crowd.ips)
				t.agents.addTally(&w.crowd.agents)
			}
			for _, a := range w.activity.list {
				t.services[f.text[a.service]] += a.calls
				if a.region != 0 {
					t.regions[f.text[a.region]] = true
				}
			}
			for _, h := range w.hours.list {
				t.hours[h.hour] += h.calls
			}
		}
	}
	span := f.span(s)
	entry := Session{
		AccessKeyID: f.text[s.key], FirstSeen: f.utc(span.first.time), LastSeen: f.utc(span.last),
		Calls: calls, Errors: errors, OriginID: s.origin.id(), Confidence: s.confidence,
	}
	if s.created != 0 {
		entry.Created = f.utc(s.created)
	}
	if s.issuance != nil {
		entry.AssumeEvent = f.eventText(s.issuance.at())
	}
	n.SessionList = append(n.SessionList, entry)
}

// maxEvidence bounds the evidence that one origin under one name is shown with.
const maxEvidence = 10

func (f *finisher) nameOrigin(ref SessionRef, o *originSum) NameOrigin {
	n := NameOrigin{
		ID: o.origin.id(), Kind: cmp.Or(o.origin.kind, KindUnknown), Name: cmp.Or(o.origin.name, o.origin.account, KindUnknown), AccountID: o.origin.account,
		App:        f.audit.opt.Config.App(o.origin.id(), ref.Role, ref.Session),
		Confidence: o.confidence, ByConf: o.split,
		Calls: o.sum.calls, Errors: o.sum.errors, Sessions: o.sum.sessions,
		FirstSeen: f.utc(o.sum.span.first.time), LastSeen: f.utc(o.sum.span.last),
		Instances: sample(o.instances), Evidence: o.evidence,
		SourceIPs: o.sum.ips.sample(&f.symbols), UserAgents: o.sum.agents.sample(&f.symbols),
		Services: services(o.sum.services), Regions: sortedKeys(o.sum.regions),
	}
	if o.shown != nil {
		n.Chain = f.chain(o.shown)
	}
	return n
}

// sample gives the size of a set and the first of its values in sorted order.
func sample(values map[string]bool) Sample {
	keys := sortedKeys(values)
	s := Sample{Count: int64(len(keys)), Sample: keys}
	if len(keys) > SampleSize {
		s.Sample = slices.Clone(keys[:SampleSize])
	}
	return s
}

func services(calls map[string]int64) []ServiceCalls {
	out := make([]ServiceCalls, 0, len(calls))
	for s, c := range calls {
		out = append(out, ServiceCalls{EventSource: s, Calls: c})
	}
	slices.SortFunc(out, func(a, b ServiceCalls) int {
		return cmp.Or(-cmp.Compare(a.Calls, b.Calls), cmp.Compare(a.EventSource, b.EventSource))
	})
	return out
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

func (f *finisher) originTotals() []OriginTotal {
	type total struct {
		OriginTotal
		roles map[string]bool
	}
	byID := map[string]*total{}
	for _, n := range f.names {
		if n.hidden {
			continue
		}
		for _, o := range n.Origins {
			t := byID[o.ID]
			if t == nil {
				t = &total{roles: map[string]bool{}}
				t.ID, t.Kind, t.Name, t.AccountID, t.App = o.ID, o.Kind, o.Name, o.AccountID, o.App
				byID[o.ID] = t
			}
			if t.App == "" {
				t.App = o.App
			}
			t.Calls += o.Calls
			t.Sessions += o.Sessions
			t.SessionNames++
			t.roles[n.RoleARN] = true
		}
	}
	out := make([]OriginTotal, 0, len(byID))
	for _, t := range byID {
		t.Roles = sortedKeys(t.roles)
		out = append(out, t.OriginTotal)
	}
	sort.Slice(out, func(i, j int) bool {
		if out[i].Calls != out[j].Calls {
			return out[i].Calls > out[j].Calls
		}
		return out[i].ID < out[j].ID
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
