package attribute

import (
	"cmp"
	"slices"
	"time"
)

// Selector picks the sessions that Explain tells about, of those that the audit's
// Options let be reported. Empty members pick all.
type Selector struct {
	AccessKeyID string // of the session's own calls, of calls made for it, or as issued
	SessionARN  string // arn:P:sts::A:assumed-role/ROLE/SESSION
}

// Explanation is the story of the sessions that a selector picked.
type Explanation struct {
	Sessions []ExplainedSession // at most MaxExplained, the first of each name
	Count    int64              // how many were picked
	Names    int64              // how many session names they have
	Findings []Finding          // that concern their names
}

// MaxExplained is how many sessions an explanation tells one by one.
const MaxExplained = 20

// ExplainedSession is one session, told from the root.
type ExplainedSession struct {
	SessionARN  string
	RoleARN     string
	SessionName string
	Form        string
	AccessKeyID string
	Created     time.Time // zero where no call says
	FirstSeen   time.Time
	LastSeen    time.Time
	Calls       int64
	Errors      int64
	Origin      string // id
	Confidence  Confidence
	Instance    string
	Chain       []Link // from the root; the session itself is the end
	Evidence    []Evidence
	Actions     []ActionCalls // most calls first
	Clients     []ClientCalls // in the order of their first call
	SourceID    string        // the source identity its calls carry, or empty
}

// ActionCalls counts the calls of one API.
type ActionCalls struct {
	EventSource string
	EventName   string
	Region      string
	Calls       int64
	Errors      int64
	FirstSeen   time.Time
	LastSeen    time.Time
}

// ClientCalls counts the calls of one client from one address.
type ClientCalls struct {
	SourceIP  string
	UserAgent string // without the brackets that some services write around it
	Calls     int64
	FirstSeen time.Time
	LastSeen  time.Time
}

// Explain tells the story of the sessions picked. The audit must have been made
// with Options.Actions.
func (s *Audit) Explain(sel Selector) *Explanation {
	f := s.finish()
	r := f.resolver
	findings := f.judge()
	out := &Explanation{}
	names := map[string]bool{}
	var picks []pick
	for i := range f.names {
		p := pick{name: &f.names[i]}
		if p.name.hidden {
			continue
		}
		for _, sess := range p.name.sessions {
			if r.picked(sel, sess) {
				p.sessions = append(p.sessions, sess)
			}
		}
		if len(p.sessions) > 0 {
			out.Count += int64(len(p.sessions))
			out.Names++
			names[p.name.ref().ARN()] = true
			picks = append(picks, p)
		}
	}
	tellFirst(picks, MaxExplained)
	for _, p := range picks {
		for _, sess := range p.sessions[:p.told] {
			out.Sessions = append(out.Sessions, f.explain(p.name, sess))
		}
	}
	rules := ruleIDs()
	for _, fd := range findings {
		if slices.ContainsFunc(f.names, func(n nameView) bool {
			return names[n.ref().ARN()] && slices.Contains(n.fired.of(rules), fd.Rule) && slices.Contains(fd.RoleARNs, n.RoleARN) &&
				(fd.Names.Count > SampleSize || slices.Contains(fd.Names.Sample, n.ref().Session))
		}) {
			out.Findings = append(out.Findings, fd)
		}
	}
	return out
}

// pick is what was picked of one name, and how many of it are told, the first.
type pick struct {
	name     *nameView
	sessions []*session
	told     int
}

// tellFirst settles which sessions are told where there are more than most: the
// first of every name, then the second, and so on.
func tellFirst(picks []pick, most int) {
	for more := true; more; {
		more = false
		for i := range picks {
			if p := &picks[i]; most > 0 && p.told < len(p.sessions) {
				p.told++
				most--
				more = true
			}
		}
	}
}

func (r *resolver) picked(sel Selector, s *session) bool {
	if sel.SessionARN != "" && sel.SessionARN != r.text[s.name] {
		return false
	}
	if sel.AccessKeyID == "" {
		return true
	}
	key := r.sym(sel.AccessKeyID)
	if key == 0 {
		return false
	}
	if s.key == key || s.issuance != nil && s.issuance.key == key {
		return true
	}
	for u := range s.uses() {
		if u.key == key {
			return true
		}
	}
	return false
}

func (f *finisher) explain(n *nameView, s *session) ExplainedSession {
	span := f.span(s)
	calls, errors := s.calls()
	e := ExplainedSession{
		SessionARN: f.text[s.name], RoleARN: n.RoleARN, SessionName: n.ref().Session, Form: n.Form, AccessKeyID: f.text[s.key],
		FirstSeen: f.utc(span.first.time), LastSeen: f.utc(span.last), Calls: calls, Errors: errors,
		Origin: s.origin.id(), Confidence: s.confidence, Instance: f.instance(s), Chain: f.chain(s), Evidence: f.tell(s).evidence,
	}
	if s.created != 0 {
		e.Created = f.utc(s.created)
	}
	for i := range s.idents() {
		if i.sourceIdentity != 0 {
			e.SourceID = f.text[i.sourceIdentity]
		}
	}
	all := &work{}
	for u := range s.uses() {
		w := u.awake(&f.room)
		for _, a := range w.activity.list {
			all.addActivity(&f.symbols, a)
		}
		for _, c := range w.clients.list {
			c.presigned, c.service = false, false
			all.addClient(&f.symbols, c)
		}
	}
	for _, a := range all.activity.list {
		e.Actions = append(e.Actions, ActionCalls{
			EventSource: f.text[a.service], EventName: f.text[a.action], Region: f.text[a.region],
			Calls: a.calls, Errors: a.errors, FirstSeen: f.utc(a.span.first.time), LastSeen: f.utc(a.span.last),
		})
	}
	slices.SortFunc(e.Actions, func(a, b ActionCalls) int {
		return cmp.Or(-cmp.Compare(a.Calls, b.Calls), cmp.Compare(a.EventSource, b.EventSource), cmp.Compare(a.EventName, b.EventName), cmp.Compare(a.Region, b.Region))
	})
	at := map[[2]string]int{} // where the clients stand
	for _, c := range all.clients.list {
		agent, _ := withoutBrackets(f.text[c.agent])
		row := ClientCalls{SourceIP: f.text[c.ip], UserAgent: agent, Calls: c.calls, FirstSeen: f.utc(c.first.time), LastSeen: f.utc(c.last)}
		i, ok := at[[2]string{row.SourceIP, agent}]
		if !ok {
			at[[2]string{row.SourceIP, agent}] = len(e.Clients)
			e.Clients = append(e.Clients, row)
			continue
		}
		o := &e.Clients[i]
		o.Calls += row.Calls
		if row.FirstSeen.Before(o.FirstSeen) {
			o.FirstSeen = row.FirstSeen
		}
		if row.LastSeen.After(o.LastSeen) {
			o.LastSeen = row.LastSeen
		}
	}
	slices.SortFunc(e.Clients, func(a, b ClientCalls) int {
		return cmp.Or(a.FirstSeen.Compare(b.FirstSeen), cmp.Compare(a.SourceIP, b.SourceIP), cmp.Compare(a.UserAgent, b.UserAgent))
	})
	return e
}
