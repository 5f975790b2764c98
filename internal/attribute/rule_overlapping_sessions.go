package attribute

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
)

func overlappingSessions() Rule {
	return Rule{
		ID: "overlapping-sessions", Severity: Low,
		Title: "One caller holds several live sessions under one name",
		When:  "one parent credential or instance held several live credentials under one role and name that its own code chose",
		Why:   "Each of the sessions is a credential that can leak, and nothing in the name tells their calls apart. Mostly a client is made anew for each task instead of being kept.",
		Fix:   "Keep one client, and with it one credential provider, for the life of the process; it renews the session by itself.",
		check: each(func(j *judge, n *nameView) (sighting, bool) {
			if len(n.sessions) < 2 {
				return sighting{}, false
			}
			byParent := map[openerID][]*session{}
			for _, s := range n.sessions {
				if s.parent == 0 || !s.origin.known() || s.bundle || j.serviceChose(s) {
					continue
				}
				byParent[s.parent] = append(byParent[s.parent], s)
			}
			parents := slices.SortedFunc(maps.Keys(byParent), func(a, b openerID) int { return cmp.Compare(j.openerText(a), j.openerText(b)) })
			most, parent := int64(1), openerID(0)
			for _, p := range parents {
				if live := j.liveAtOnce(byParent[p]); live > most {
					most, parent = live, p
				}
			}
			if most < 2 {
				return sighting{}, false
			}
			list := byParent[parent]
			s := sighting{detail: fmt.Sprintf("%s: %d sessions of %s were live at once", quoted(n.ref().Session), most, list[0].origin.id()), weight: most}
			for _, sess := range list {
				if i := sess.issuance; i != nil && len(s.evidence) < maxEvidence {
					s.evidence = append(s.evidence, Evidence{Type: "assume-event", EventID: j.eventText(i.at()), Detail: "opened one of them"})
				}
			}
			return s, true
		}),
	}
}

// liveAtOnce is the largest number of sessions that were live at one moment.
// A session counts from its beginning to its last call, or for three quarters
// of its lifetime where it was not used so long: SDKs renew a session some
// minutes before it ends, which is no overlap.
func (j *judge) liveAtOnce(list []*session) int64 {
	type edge struct {
		at    int64
		delta int64
	}
	var edges []edge
	begun := make([]int64, len(list)) // when the sessions began, in order
	for i, s := range list {
		begun[i] = s.created
	}
	slices.Sort(begun)
	for _, s := range list {
		if s.created == 0 {
			continue
		}
		last := j.span(s).last
		end := max(last, s.created+lifetime(s)*3/4)
		end = min(end, s.created+lifetime(s))
		if renewed(begun, s, last) {
			end = min(end, last)
		}
		edges = append(edges, edge{s.created, 1}, edge{max(end, s.created+1), -1})
	}
	slices.SortFunc(edges, func(a, b edge) int { return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.delta, b.delta)) })
	var live, most int64
	for _, e := range edges {
		live += e.delta
		most = max(most, live)
	}
	return most
}

// renewed reports whether another session took over from s near its end. begun
// is when the sessions began, in order, and last when s was used last.
func renewed(begun []int64, s *session, last int64) bool {
	i, _ := slices.BinarySearch(begun, max(s.created+lifetime(s)/2, last-60))
	return i < len(begun) && begun[i] <= s.created+lifetime(s)
}

// lifetime is how long a session lives, in seconds: what its assume event asked
// for, else STS's default of an hour.
// https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
func lifetime(s *session) int64 {
	if i := s.issuance; i != nil && i.best().duration > 0 {
		return i.best().duration
	}
	return 3600
}
