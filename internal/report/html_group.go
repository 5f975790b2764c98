package report

import (
	"cmp"
	"slices"

	"github.com/trailscan/trailscan/internal/attribute"
)

// The pictures show groups: the session names of one pattern under one role are
// one, or a fleet would fill them.
const (
	groupsShown  = 14
	groupsSevere = 10 // of them at most for being severe; the rest are the busiest
)

// rule ids that the page shows in a way of their own.
const (
	ruleShared    = "shared-name"
	ruleCollision = "name-collision"
)

// nameKey is what the names of a group have in common.
type nameKey struct{ role, pattern string }

func keyOf(n *attribute.SessionName) nameKey {
	return nameKey{n.RoleARN, cmp.Or(n.Pattern, n.SessionName)}
}

// nameGroup is what the pictures show of a group.
type nameGroup struct {
	key      nameKey
	first    int32 // the first name, in the order of the Result
	names    int64
	calls    int64
	severity attribute.Severity
	shared   bool // one of its names is shared
	open     bool // and no configuration ignores that

	// Of the groups that are shown only:
	from  map[string]*nameSource // origins, by id
	hours map[int64]int64        // calls by the hour since 1970
}

type nameSource struct {
	calls int64
	vague int64 // of them inferred or unknown
}

// label is the group's name: the one name in it, or their pattern.
func (g *nameGroup) label(names []attribute.SessionName) string {
	if g.names > 1 {
		return g.key.pattern
	}
	return names[g.first].SessionName
}

// groupNames gives the groups to show, the most severe first, the number of all
// groups, and the calls of all names by the hour since 1970.
func groupNames(res *attribute.Result, severity []attribute.Severity, on firing) ([]*nameGroup, int, map[int64]int64) {
	names := res.Names
	byKey := make(map[nameKey]*nameGroup)
	var groups []*nameGroup
	for i := range names {
		n := &names[i]
		g := byKey[keyOf(n)]
		if g == nil {
			g = &nameGroup{key: keyOf(n), first: int32(i)}
			byKey[g.key] = g
			groups = append(groups, g)
		}
		g.names++
		g.calls += n.Calls
		g.severity = max(g.severity, severity[i])
		if slices.Contains(n.Findings, ruleShared) {
			g.shared = true
			g.open = g.open || on.severity(n, ruleShared) > attribute.None
		}
	}
	all := len(groups)
	slices.SortFunc(groups, func(a, b *nameGroup) int {
		return cmp.Or(cmp.Compare(b.weight(), a.weight()), cmp.Compare(b.calls, a.calls), cmp.Compare(a.first, b.first))
	})
	if rest := groups[min(groupsSevere, len(groups)):]; len(rest) > groupsShown-groupsSevere {
		slices.SortStableFunc(rest, func(a, b *nameGroup) int { return cmp.Compare(b.calls, a.calls) })
		groups = groups[:groupsShown]
	}
	return groups, all, follow(groups, res)
}

// weight orders groups: those with shared names before all others, then by
// severity.
func (g *nameGroup) weight() int {
	w := int(g.severity)
	if g.open {
		w += 10
	}
	return w
}

// follow fills in where the calls of the groups come from and when they were. It
// gives the calls of all names by the hour.
func follow(groups []*nameGroup, res *attribute.Result) map[int64]int64 {
	hours := make(map[int64]int64)
	chosen := make(map[nameKey]*nameGroup, len(groups))
	for _, g := range groups {
		g.from, g.hours = make(map[string]*nameSource), make(map[int64]int64)
		chosen[g.key] = g
	}
	for i := range res.Names {
		n := res.NameSums(i)
		for _, h := range n.Hours {
			hours[h.Hour/3600] += h.Calls
		}
		g := chosen[keyOf(n)]
		if g == nil {
			continue
		}
		for j := range n.Origins {
			o := &n.Origins[j]
			s := g.from[o.ID]
			if s == nil {
				s = new(nameSource)
				g.from[o.ID] = s
			}
			s.calls += o.Calls
			s.vague += o.ByConf.Inferred + o.ByConf.Unknown
		}
		for _, h := range n.Hours {
			g.hours[h.Hour/3600] += h.Calls
		}
	}
	return hours
}
