package attribute

import (
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
		check: func(j *judge) []sighting {
			byName := map[string][]caller{}
			for _, n := range j.names {
				if n.form.Default() || n.form.Class == ClassService || n.form.Class == ClassInstance || !j.ownChoice(n) {
					continue
				}
				if origins := counted(n); len(origins) > 0 {
					byName[n.ref.Session] = append(byName[n.ref.Session], caller{n, origins})
				}
			}
			var out []sighting
			for _, name := range sortedKeys(byName) {
				if len(byName[name]) > 1 {
					out = append(out, j.collisions(name, byName[name])...)
				}
			}
			return out
		},
	}
}

// caller is a name under one role, and who used it.
type caller struct {
	view    *nameView
	origins []origin
}

// collisions are the sightings of one name under several roles.
func (j *judge) collisions(name string, under []caller) []sighting {
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
		return nil
	}
	var out []sighting
	for _, c := range known {
		s := sighting{name: c.view, group: "name " + name, weight: c.view.Calls,
			detail: fmt.Sprintf("under %s it is %s", c.view.RoleARN, ids(c.origins))}
		for _, o := range c.origins[:min(len(c.origins), maxEvidence)] {
			s.evidence = append(s.evidence, j.firstOf(c.view, o))
		}
		out = append(out, s)
	}
	return out
}

// personID is what tells origins apart where one person may have a user in
// several accounts: the person's name alone.
func personID(o origin) string {
	if o.person() && o.kind != KindRoot {
		return "person:" + strings.ToLower(UserPart(o.name))
	}
	return o.id()
}
