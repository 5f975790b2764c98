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
			byName := map[string][]*nameView{}
			for _, n := range j.names {
				if n.form.Default() || n.form.Class == ClassService || n.form.Class == ClassInstance || !j.ownChoice(n) {
					continue
				}
				byName[n.ref.Session] = append(byName[n.ref.Session], n)
			}
			var out []sighting
			for name, views := range byName {
				sets := map[string]bool{}
				var known []*nameView
				for _, n := range views {
					origins := counted(n)
					if len(origins) == 0 {
						continue
					}
					var parts []string
					for _, o := range origins {
						parts = append(parts, personID(o))
					}
					slices.Sort(parts)
					sets[strings.Join(slices.Compact(parts), "\x00")] = true
					known = append(known, n)
				}
				if len(sets) < 2 {
					continue
				}
				for _, n := range known {
					origins := counted(n)
					s := sighting{name: n, group: "name " + name, weight: n.Calls,
						detail: fmt.Sprintf("under %s it is %s", n.RoleARN, ids(origins))}
					for _, o := range origins {
						s.evidence = append(s.evidence, j.firstOf(n, o))
					}
					out = append(out, s)
				}
			}
			return out
		},
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
