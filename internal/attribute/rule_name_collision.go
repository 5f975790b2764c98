package attribute

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

func nameCollision() Rule {
	return Rule{
		ID: "name-collision", Severity: Medium,
		Title:  "The same session name stands for different callers under different roles",
		When:   "the same name stands under two or more roles with different origins, so that grouping by name alone merges them; forms that AWS services or SDKs generate do not count",
		Why:    "Searches, dashboards and detection rules that go by the session name alone add up the calls of callers that have nothing to do with each other.",
		Fix:    "Put what tells the callers apart into the name, such as app and environment, or always search by role and session name together.",
		Advise: true,
		across: true,
		check: func(j *judge, saw func(sighting)) {
			var names []*nameView
			for i := range j.names {
				n := &j.names[i]
				if !n.form.Default() && n.form.Class != ClassService && n.form.Class != ClassInstance {
					names = append(names, n)
				}
			}
			slices.SortStableFunc(names, func(a, b *nameView) int { return cmp.Compare(a.ref().Session, b.ref().Session) })
			for len(names) > 0 {
				name, n := names[0].ref().Session, 1
				for n < len(names) && names[n].ref().Session == name {
					n++
				}
				if n > 1 {
					j.collisions(name, j.callers(names[:n]), saw)
				}
				names = names[n:]
			}
		},
	}
}

// caller is a name under one role, and who used it.
type caller struct {
	view    *nameView
	origins []origin
}

// callers are those of a name that chose it themselves and are known.
func (j *judge) callers(under []*nameView) (callers []caller) {
	for _, n := range under {
		if !j.ownChoice(n) {
			continue
		}
		if origins := counted(n); len(origins) > 0 {
			callers = append(callers, caller{n, origins})
		}
	}
	return callers
}

// collisions tells of one name under several roles.
func (j *judge) collisions(name string, under []caller, saw func(sighting)) {
	if len(under) < 2 {
		return
	}
	// A role does not count beside an origin that came through it.
	through := map[origin]bool{}
	for _, c := range under {
		for _, s := range c.view.sessions {
			for _, t := range s.through.roles() {
				through[t] = true
			}
		}
	}
	sets := map[string]bool{}
	var known []caller
	for _, c := range under {
		var who []string
		c.origins = slices.DeleteFunc(c.origins, func(o origin) bool { return through[o] })
		for _, o := range c.origins {
			who = append(who, personID(o))
		}
		if len(who) == 0 {
			continue
		}
		slices.Sort(who)
		sets[strings.Join(slices.Compact(who), "\x00")] = true
		known = append(known, c)
	}
	if len(sets) < 2 {
		return
	}
	for _, c := range known {
		s := sighting{name: c.view, group: "name " + name, weight: c.view.Calls,
			detail: fmt.Sprintf("under %s it is %s", c.view.RoleARN, ids(c.origins))}
		for _, o := range c.origins[:min(len(c.origins), maxEvidence)] {
			s.evidence = append(s.evidence, j.firstOf(c.view, o))
		}
		saw(s)
	}
}

// personID is what tells origins apart where one person may have a user in
// several accounts: the person's name alone.
func personID(o origin) string {
	if o.person() && o.kind != KindRoot {
		return "person:" + strings.ToLower(UserPart(o.name))
	}
	return o.id()
}
