package attribute

import (
	"fmt"
	"slices"
)

// The bounds of assume-churn.
const (
	churnSessions = 10 // from one parent credential
	churnShare    = 10 // their median use is under a tenth of their lifetime
	// stsQuota is how many requests a second STS takes from one account in one region.
	// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
	stsQuota = 600
)

func assumeChurn() Rule {
	return Rule{
		ID: "assume-churn", Severity: Low,
		Title: "Sessions are opened far more often than needed",
		When:  "one parent credential opened at least 10 sessions of the role, and half of them were used for less than a tenth of their lifetime",
		Why:   "Each session costs an STS request and its latency, counts against the 600 requests a second that an account has in a region, and adds an event to the trail that somebody pays to keep.",
		Fix:   "Keep the credential and use it until it runs out: make one client for the process, outside the function's handler or the request's path. The session name may stay the same for its whole life.",
		check: func(j *judge, saw func(sighting)) {
			var order []churnKey
			groups := map[churnKey]*opened{}
			for at := range j.names {
				n := &j.names[at]
				for _, s := range n.sessions {
					i := s.issuance
					if i == nil || i.best().caller.key == 0 || j.issuedByService(i) || s.bundle {
						continue
					}
					k := churnKey{n.RoleARN, s.parent}
					if groups[k] == nil {
						groups[k] = &opened{first: i.at(), last: i.at().time}
						order = append(order, k)
					}
					groups[k].add(j, at, s)
				}
			}
			var seen []sighting
			of := make([]int32, len(j.names)) // which sighting is a name's, from 1 on
			for _, k := range order {
				g := groups[k]
				count := int64(len(g.sessions))
				if count < churnSessions || g.medianShare(j)*churnShare >= 1 {
					continue
				}
				use, life := g.median(j.used), g.median(lifetime)
				needed := (g.last-g.first.time)/life + 1
				s := sighting{group: k.role, weight: count, evidence: g.evidence(j)}
				s.detail = fmt.Sprintf("one credential opened %d sessions in %s, half of them used for %s or less of %s; kept, %s would have done: %d STS requests saved, of the %d a second that an account has",
					count, span64(g.last-g.first.time), span64(use), span64(life), plural(needed, "session", "sessions"), max(count-needed, 0), stsQuota)
				seen = append(seen, s)
				for _, at := range g.names {
					if of[at] == 0 || count > seen[of[at]-1].weight {
						of[at] = int32(len(seen))
					}
				}
			}
			for at := range j.names {
				if of[at] > 0 {
					s := seen[of[at]-1]
					s.name = &j.names[at]
					saw(s)
				}
			}
		},
	}
}

// churnKey is one parent credential and a role that it opened sessions of.
type churnKey struct {
	role   string
	parent openerID
}

// opened are the sessions that one parent credential opened of one role.
type opened struct {
	names    []int32 // places in judge.names, in order
	sessions []*session
	first    eventRef
	last     int64
}

func (g *opened) add(j *judge, name int, s *session) {
	if len(g.names) == 0 || g.names[len(g.names)-1] != int32(name) {
		g.names = append(g.names, int32(name))
	}
	g.sessions = append(g.sessions, s)
	at := s.issuance.at()
	if j.earlier(at, g.first) {
		g.first = at
	}
	g.last = max(g.last, at.time)
}

// used is for how long a session was used, from its beginning on.
func (j *judge) used(s *session) int64 {
	span := j.span(s)
	return span.last - min(span.first.time, max(s.created, s.issuance.at().time))
}

// medianShare is how much of their lifetime the sessions were used for, on the
// median.
func (g *opened) medianShare(j *judge) float64 {
	shares := make([]float64, len(g.sessions))
	for i, s := range g.sessions {
		shares[i] = float64(j.used(s)) / float64(lifetime(s))
	}
	slices.Sort(shares)
	return (shares[(len(shares)-1)/2] + shares[len(shares)/2]) / 2
}

func (g *opened) median(of func(*session) int64) int64 {
	values := make([]int64, len(g.sessions))
	for i, s := range g.sessions {
		values[i] = of(s)
	}
	slices.Sort(values)
	return (values[(len(values)-1)/2] + values[len(values)/2]) / 2
}

// evidence is the first of the events that opened the sessions.
func (g *opened) evidence(j *judge) []Evidence {
	var out []Evidence
	for _, s := range g.sessions[:min(len(g.sessions), maxEvidence)] {
		out = append(out, Evidence{Type: "assume-event", EventID: j.eventText(s.issuance.at()), Detail: "opened one of them"})
	}
	return out
}

// span64 writes seconds as a person would say them.
func span64(s int64) string {
	switch {
	case s < 120:
		return fmt.Sprintf("%d s", s)
	case s < 2*3600:
		return fmt.Sprintf("%d min", s/60)
	case s < 2*86400:
		return fmt.Sprintf("%d h", s/3600)
	}
	return fmt.Sprintf("%d days", s/86400)
}
