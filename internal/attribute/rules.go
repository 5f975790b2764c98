package attribute

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"iter"
	"slices"
	"strings"
	"sync/atomic"
)

// Rule judges session names. Its texts are what the reports, the list of rules
// and the documentation say.
type Rule struct {
	ID       string
	Severity Severity
	Title    string // what is wrong, as a finding's headline says it
	When     string // when it fires
	Why      string // why it matters
	Fix      string // what to do
	// Advise adds to Fix which name and which trust-policy condition fit the
	// callers that were seen.
	Advise bool
	// across says that its findings stand for a name and its roles, not for a role.
	across bool
	// later says that it asks whether a rule before it fired, and waits for that.
	// The others may be judged at the same time.
	later bool
	// check tells what the rule sees: one sighting for each name that it fires on,
	// in the order of the names.
	check func(j *judge, saw func(sighting))
}

// sighting is one rule firing on one session name.
type sighting struct {
	name     *nameView
	group    string // findings stand for one group each: a role's ARN, or a session name
	detail   string // what was seen on this name
	evidence []Evidence
	weight   int64 // how much it matters beside the others of its group: calls or sessions
}

// Rules lists the rules, in the order in which they are judged and shown.
func Rules() []Rule {
	return []Rule{
		sharedName(), nameCollision(), misleadingName(), credentialsMoved(), secretInName(),
		sdkDefaultName(), genericName(), opaqueName(),
		overlappingSessions(), assumeChurn(), personalData(), namingConvention(), unattributed(),
	}
}

// ruleIDs are the ids of all rules.
func ruleIDs() []string {
	var ids []string
	for _, r := range Rules() {
		ids = append(ids, r.ID)
	}
	return ids
}

// ruleSet is a set of rules, by their places in Rules.
type ruleSet uint32

// add adds the rule at a place. Several rules may do so at the same time.
func (set *ruleSet) add(place int) { atomic.OrUint32((*uint32)(set), 1<<place) }

// has reports whether the rule at a place is in the set.
func (set *ruleSet) has(place int) bool { return atomic.LoadUint32((*uint32)(set))&(1<<place) != 0 }

// of are those of the rules that are in the set, in their order.
func (set ruleSet) of(rules []string) []string {
	var ids []string
	for place, id := range rules {
		if set&(1<<place) != 0 {
			ids = append(ids, id)
		}
	}
	return ids
}

// judge is what the rules look at.
type judge struct {
	*finisher
	ranges *IPRanges
	config *Config
	rules  []string // the ids of all, by their places
	from   int      // the place of the first rule that this judges; others may be judged meanwhile
}

// fired reports whether a rule that comes before fires on a name.
func (j *judge) fired(n *nameView, rule string) bool {
	place := slices.Index(j.rules, rule)
	if place < j.from {
		panic("a rule asks for " + rule + " and is not marked to come later")
	}
	return n.fired.has(place)
}

// judge runs all rules and puts what they saw into findings, the most severe first.
// It notes on each name which rules fire: of some only the first one does.
func (f *finisher) judge() []Finding {
	rules := Rules()
	found := make([][]Finding, len(rules))
	var things []func()
	for from, to := range runs(rules) {
		things = append(things, func() {
			j := &judge{finisher: f.aside(), ranges: f.audit.opt.IPRanges, config: f.audit.opt.Config, rules: ruleIDs(), from: from}
			for place := from; place < to; place++ {
				found[place] = j.findings(place, rules[place])
			}
		})
	}
	f.audit.sideBySide(things...)
	out := slices.Concat(found...)
	slices.SortStableFunc(out, func(a, b Finding) int {
		return cmp.Or(-cmp.Compare(a.Severity, b.Severity), -cmp.Compare(a.Names.Count, b.Names.Count), cmp.Compare(a.ID, b.ID))
	})
	return out
}

// runs are the rules that wait for each other: from the place of one to behind that
// of another.
func runs(rules []Rule) iter.Seq2[int, int] {
	return func(yield func(from, to int) bool) {
		from := 0
		for to := 1; to <= len(rules); to++ {
			if to < len(rules) && rules[to].later {
				continue
			}
			if !yield(from, to) {
				return
			}
			from = to
		}
	}
}

// findings are those of one rule.
func (j *judge) findings(place int, rule Rule) (out []Finding) {
	setting := j.config.Rule(rule.ID)
	if setting.Off {
		return nil
	}
	if setting.Severity != None {
		rule.Severity = setting.Severity
	}
	groups := map[string]*group{}
	rule.check(j, func(s sighting) {
		s.name.fired.add(place)
		g := groups[s.group]
		if g == nil {
			g = newGroup(rule)
			groups[s.group] = g
		}
		g.add(&s)
	})
	for _, key := range sortedKeys(groups) {
		g := groups[key]
		if g.unsorted {
			g.names = j.distinct(place, key)
		}
		if g.shown {
			out = append(out, g.finding(j, key))
		}
	}
	return out
}

// distinct counts the reported session names under one role's ARN on which a rule
// fires. In logs whose ARNs were masked several roles can have one.
func (j *judge) distinct(place int, roleARN string) int64 {
	names := map[string]bool{}
	for i := range j.names {
		if n := &j.names[i]; n.fired.has(place) && n.RoleARN == roleARN && !n.hidden {
			names[n.ref().Session] = true
		}
	}
	return int64(len(names))
}

// group is what becomes one finding: the sightings of a rule on one role, or of
// one name under several roles. There can be a million of them, so that it keeps
// only what the finding shows.
type group struct {
	rule      Rule
	sightings int
	shown     bool // one of its names is reported

	names    int64  // different ones
	last     string // of the names
	unsorted bool   // they did not come in order, so that names is wrong

	details  foremost[rank, string]
	evidence foremost[rank, Evidence]
	sample   foremost[string, string] // of the names
	patterns foremost[string, string]
	roles    map[string]bool
	accounts map[string]bool
	advice   advice
}

func newGroup(rule Rule) *group {
	byText := strings.Compare
	return &group{
		rule: rule, roles: map[string]bool{}, accounts: map[string]bool{}, advice: advice{},
		details: foremost[rank, string]{most: maxDetails, compare: compareRank}, evidence: foremost[rank, Evidence]{most: maxEvidence, compare: compareRank},
		sample: foremost[string, string]{most: SampleSize, compare: byText}, patterns: foremost[string, string]{most: SampleSize, compare: byText},
	}
}

// rank orders what sightings tell: those that matter most come first.
type rank struct {
	weight             int64
	name, role, detail string
	nth                int // of the sightings, and then of what one of them tells
	part               int
}

func compareRank(a, b rank) int {
	return cmp.Or(-cmp.Compare(a.weight, b.weight), cmp.Compare(a.name, b.name), cmp.Compare(a.role, b.role),
		cmp.Compare(a.detail, b.detail), cmp.Compare(a.nth, b.nth), cmp.Compare(a.part, b.part))
}

// add adds a sighting. Of a finding across roles all is needed where one of them
// is reported; of others only what is reported.
func (g *group) add(s *sighting) {
	n := s.name
	g.shown = g.shown || !n.hidden
	if n.hidden && !g.rule.across {
		return
	}
	name := n.ref().Session
	switch {
	case g.sightings == 0 || name > g.last:
		g.names, g.last = g.names+1, name
	case name < g.last:
		g.unsorted = true
	}
	g.sightings++
	at := rank{s.weight, name, n.RoleARN, s.detail, g.sightings, 0}
	if s.detail != "" {
		g.details.add(at, s.detail)
	}
	for i, e := range s.evidence {
		at.part = i
		g.evidence.add(at, e)
	}
	g.sample.add(name, name)
	g.patterns.add(n.Pattern, n.Pattern)
	g.roles[n.RoleARN] = true
	g.accounts[n.AccountID] = true
	if g.rule.Advise {
		g.advice.add(n)
	}
}

// finding makes the finding of a group.
func (g *group) finding(j *judge, key string) Finding {
	rule := g.rule
	sum := sha256.Sum256([]byte(rule.ID + "\x00" + key))
	fd := Finding{
		ID: rule.ID + "-" + hex.EncodeToString(sum[:6]), Rule: rule.ID, Severity: rule.Severity,
		Title: rule.Title, Why: rule.Why,
		Names:    FindingNames{Count: g.names, Sample: g.sample.values()},
		Patterns: g.patterns.values(), Evidence: g.evidence.values(), RoleARNs: sortedKeys(g.roles),
		Recommendation: rule.Fix,
	}
	details := g.details.values()
	fd.Detail = strings.Join(details, "; ")
	if more := g.sightings - len(details); more > 0 && len(details) == maxDetails {
		fd.Detail += fmt.Sprintf("; and %d more like these", more)
	}
	if len(g.accounts) == 1 {
		fd.AccountID = sortedKeys(g.accounts)[0]
	}
	if rule.Advise {
		fd.Recommendation += g.advice.String()
	}
	fd.Ignored, _ = j.config.Ignored(rule.ID, fd.RoleARNs, j.audit.opt.Today)
	return fd
}

// foremost are the first of many values in an order, each once.
type foremost[K any, V comparable] struct {
	most    int
	compare func(a, b K) int
	list    []ranked[K, V]
}

type ranked[K any, V comparable] struct {
	key   K
	value V
}

// add adds a value by its key.
func (f *foremost[K, V]) add(key K, value V) {
	if len(f.list) == f.most && f.compare(key, f.list[f.most-1].key) >= 0 {
		return
	}
	at := slices.IndexFunc(f.list, func(r ranked[K, V]) bool { return r.value == value })
	switch {
	case at >= 0 && f.compare(key, f.list[at].key) >= 0:
		return
	case at >= 0:
		f.list = slices.Delete(f.list, at, at+1)
	case len(f.list) == f.most:
		f.list = f.list[:f.most-1]
	}
	at, _ = slices.BinarySearchFunc(f.list, key, func(r ranked[K, V], key K) int { return f.compare(r.key, key) })
	f.list = slices.Insert(f.list, at, ranked[K, V]{key, value})
}

func (f *foremost[K, V]) values() []V {
	var out []V
	for _, r := range f.list {
		out = append(out, r.value)
	}
	return out
}

// maxDetails is how many sightings a finding describes one by one.
const maxDetails = 5

// each makes the check of a rule that looks at one name at a time.
func each(look func(*judge, *nameView) (sighting, bool)) func(*judge, func(sighting)) {
	return func(j *judge, saw func(sighting)) {
		for i := range j.names {
			n := &j.names[i]
			if s, ok := look(j, n); ok {
				s.name, s.group = n, n.RoleARN
				if s.weight == 0 {
					s.weight = n.Calls
				}
				saw(s)
			}
		}
	}
}

// counted are the origins of a name that can make it shared: those of which
// some call is surer than inferred. A role whose own origin stayed unknown does
// not count beside an origin that came through it.
func counted(n *nameView) []origin {
	if len(n.sessions) == 1 { // as most names have
		s := n.sessions[0]
		if s.confidence < Recorded || !s.origin.known() || slices.Contains(s.through.roles(), *s.origin) {
			return nil
		}
		return []origin{*s.origin}
	}
	found, through := map[*origin]bool{}, map[origin]bool{}
	for _, s := range n.sessions {
		if s.confidence < Recorded || !s.origin.known() {
			continue
		}
		found[s.origin] = true
		for _, t := range s.through.roles() {
			through[t] = true
		}
	}
	var all []origin
	for o := range found {
		if !through[*o] {
			all = append(all, *o)
		}
	}
	slices.SortFunc(all, func(a, b origin) int { return cmp.Compare(a.id(), b.id()) })
	return all
}

// serviceChose reports whether AWS chose the session's name rather than the
// code that uses it: the service that assumed the role, or Identity Center.
func (j *judge) serviceChose(s *session) bool {
	if s.issuance != nil {
		return j.issuedByService(s.issuance)
	}
	if s.link != linkNone || s.through != nil {
		return false
	}
	switch s.origin.kind {
	case KindLambda, KindEC2, KindECS, KindService, KindSSO, "codebuild", "glue", "sagemaker", "batch", "states":
		return true
	case KindEKS:
		return FormOf(refOf(j.text[s.name]).Session).ID == "eks-pod-identity"
	case KindWebIdentity:
		return byCognito(refOf(j.text[s.name]).Session, s.origin.name)
	}
	return false
}

func (j *judge) issuedByService(i *issuance) bool {
	a := i.best()
	if j.text[a.caller.typ] == "AWSService" || a.caller.invokedBy != 0 {
		return true // of its own accord, or for a caller
	}
	ref := refOf(j.text[i.name])
	return isReservedSSO(ref.Role) || a.kind == assumeWeb && byCognito(ref.Session, j.text[cmp.Or(a.caller.provider, a.provider)])
}

// byCognito reports whether an identity pool of Cognito opened a session for one
// of an app's users: it names all of them alike.
// https://docs.aws.amazon.com/cognito/latest/developerguide/authentication-flow.html
func byCognito(session, provider string) bool {
	return FormOf(session).ID == "cognito" && strings.HasPrefix(issuerOf(provider), "cognito-identity.amazonaws.com")
}

func refOf(arn string) SessionRef {
	ref, _ := ParseSessionARN(arn)
	return ref
}

// ownChoice reports whether some session of a name bears it by its own code's choice.
func (j *judge) ownChoice(n *nameView) bool {
	return slices.ContainsFunc(n.sessions, func(s *session) bool { return !j.serviceChose(s) })
}

// firstOf is the earliest event of an origin under a name, as evidence.
func (j *judge) firstOf(n *nameView, o origin) Evidence {
	var best *session
	for _, s := range n.sessions {
		if *s.origin == o && (best == nil || s.confidence > best.confidence) {
			best = s
		}
	}
	if best == nil {
		return Evidence{Type: "origin", Detail: o.id()}
	}
	if best.issuance != nil {
		return Evidence{Type: "assume-event", EventID: j.eventText(best.issuance.at()), Detail: o.id() + " opened the session"}
	}
	return Evidence{Type: "call", EventID: j.eventText(j.span(best).first), Detail: "first call of " + o.id()}
}

func ids(origins []origin) string {
	var out []string
	for i, o := range origins {
		if i == maxDetails {
			out = append(out, fmt.Sprintf("%d more", len(origins)-i))
			break
		}
		out = append(out, o.id())
	}
	return strings.Join(out, ", ")
}

// quoted shows a value of a log inside a sentence.
func quoted(s string) string { return "\"" + s + "\"" }

func plural(n int64, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
