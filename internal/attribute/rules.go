package attribute

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
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
	// check gives what the rule sees: one sighting for each name it fires on.
	check func(*judge) []sighting
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

// orderRules puts ids of rules in the order of the rules.
func orderRules(ids, order []string) []string {
	slices.SortFunc(ids, func(a, b string) int { return cmp.Compare(slices.Index(order, a), slices.Index(order, b)) })
	return slices.Compact(ids)
}

// judge is what the rules look at.
type judge struct {
	*finisher
	ranges *IPRanges
	config *Config
	// fired are the rules that fired on a name so far: of some rules only the
	// first fires.
	fired map[*nameView][]string
}

// judge runs all rules and puts what they saw into findings, the most severe first.
func (f *finisher) judge() []Finding {
	j := &judge{finisher: f, ranges: f.audit.opt.IPRanges, config: f.audit.opt.Config, fired: map[*nameView][]string{}}
	var out []Finding
	for _, rule := range Rules() {
		setting := j.config.Rule(rule.ID)
		if setting.Off {
			continue
		}
		if setting.Severity != None {
			rule.Severity = setting.Severity
		}
		groups := map[string][]sighting{}
		for _, s := range rule.check(j) {
			groups[s.group] = append(groups[s.group], s)
			j.fired[s.name] = append(j.fired[s.name], rule.ID)
		}
		for _, key := range sortedKeys(groups) {
			if seen := reported(groups[key], rule.across); len(seen) > 0 {
				out = append(out, j.finding(rule, key, seen))
			}
		}
	}
	for n, ids := range j.fired {
		n.Findings = append(n.Findings, ids...)
	}
	slices.SortStableFunc(out, func(a, b Finding) int {
		return cmp.Or(-cmp.Compare(a.Severity, b.Severity), -cmp.Compare(a.Names.Count, b.Names.Count), cmp.Compare(a.ID, b.ID))
	})
	return out
}

// reported leaves out what was seen of names that are not reported. Of a finding
// across roles all is needed where one is reported.
func reported(seen []sighting, across bool) []sighting {
	hidden := func(s sighting) bool { return s.name.hidden }
	if across && slices.ContainsFunc(seen, func(s sighting) bool { return !hidden(s) }) {
		return seen
	}
	return slices.DeleteFunc(seen, hidden)
}

// finding makes one finding of the sightings of a group.
func (j *judge) finding(rule Rule, group string, seen []sighting) Finding {
	sum := sha256.Sum256([]byte(rule.ID + "\x00" + group))
	fd := Finding{
		ID: rule.ID + "-" + hex.EncodeToString(sum[:6]), Rule: rule.ID, Severity: rule.Severity,
		Title: rule.Title, Why: rule.Why,
	}
	names, patterns, roles, accounts := map[string]bool{}, map[string]bool{}, map[string]bool{}, map[string]bool{}
	slices.SortStableFunc(seen, func(a, b sighting) int {
		return cmp.Or(-cmp.Compare(a.weight, b.weight), cmp.Compare(a.name.SessionName.SessionName, b.name.SessionName.SessionName),
			cmp.Compare(a.name.RoleARN, b.name.RoleARN), cmp.Compare(a.detail, b.detail))
	})
	var details []string
	for _, s := range seen {
		names[s.name.SessionName.SessionName] = true
		patterns[s.name.Pattern] = true
		roles[s.name.RoleARN] = true
		accounts[s.name.AccountID] = true
		if len(details) < maxDetails && s.detail != "" && !slices.Contains(details, s.detail) {
			details = append(details, s.detail)
		}
		for _, e := range s.evidence {
			if len(fd.Evidence) < maxEvidence && !slices.Contains(fd.Evidence, e) {
				fd.Evidence = append(fd.Evidence, e)
			}
		}
	}
	fd.Detail = strings.Join(details, "; ")
	if more := len(seen) - len(details); more > 0 && len(details) == maxDetails {
		fd.Detail += fmt.Sprintf("; and %d more like these", more)
	}
	s := sample(names)
	fd.Names = FindingNames{Count: s.Count, Sample: s.Sample}
	fd.Patterns = sample(patterns).Sample
	fd.RoleARNs = sortedKeys(roles)
	if len(accounts) == 1 {
		fd.AccountID = sortedKeys(accounts)[0]
	}
	fd.Recommendation = rule.Fix
	if rule.Advise {
		fd.Recommendation += advice(seen)
	}
	fd.Ignored, _ = j.config.Ignored(rule.ID, fd.RoleARNs, j.audit.opt.Today)
	return fd
}

// maxDetails is how many sightings a finding describes one by one.
const maxDetails = 5

// each makes the check of a rule that looks at one name at a time.
func each(look func(*judge, *nameView) (sighting, bool)) func(*judge) []sighting {
	return func(j *judge) []sighting {
		var out []sighting
		for _, n := range j.names {
			if s, ok := look(j, n); ok {
				s.name, s.group = n, n.RoleARN
				if s.weight == 0 {
					s.weight = n.Calls
				}
				out = append(out, s)
			}
		}
		return out
	}
}

// counted are the origins of a name that can make it shared: those of which
// some call is surer than inferred. A role whose own origin stayed unknown does
// not count beside an origin that came through it.
func counted(n *nameView) []origin {
	found, through := map[origin]bool{}, map[origin]bool{}
	for _, s := range n.sessions {
		if s.confidence < Recorded || !s.origin.known() {
			continue
		}
		found[*s.origin] = true
		for _, t := range s.through.roles() {
			through[t] = true
		}
	}
	var all []origin
	for o := range found {
		if !through[o] {
			all = append(all, o)
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
