package attribute

import (
	"fmt"
	"slices"
)

func opaqueName() Rule {
	return Rule{
		ID: "opaque-name", Severity: Low,
		Title:  "The session name is random",
		When:   "the name is random or a bare timestamp that the caller made up, and not an AWS service's own id",
		Why:    "A random name is unique and says nothing: without the assume event nobody can tell whose session it was, and reports fill with names that occur once.",
		Fix:    "Put the app's name first and keep the random part as a suffix only where sessions must be told apart.",
		Advise: true,
		later:  true,
		check: each(func(j *judge, n *nameView) (sighting, bool) {
			if !j.mayJudge(n) || j.fired(n, "sdk-default-name") || j.fired(n, "generic-name") {
				return sighting{}, false
			}
			if j.maybeService(n) {
				return sighting{}, false
			}
			why, ok := Opaque(n.ref().Session)
			return sighting{detail: fmt.Sprintf("%s: %s", quoted(n.ref().Session), why), evidence: j.firstCall(n)}, ok
		}),
	}
}

// maybeService reports whether the name has a shape that an AWS service makes
// too, such as 32 hexadecimal digits, and nothing says that the caller chose it.
// A UUID is mostly the caller's.
func (j *judge) maybeService(n *nameView) bool {
	if n.form.Class != ClassShape || n.form.ID == "uuid" || !slices.ContainsFunc(n.form.Makers, func(id string) bool {
		f := formByID(id)
		return f != nil && (f.Class == ClassService || f.Class == ClassInstance)
	}) {
		return false
	}
	return !slices.ContainsFunc(n.sessions, func(s *session) bool { return s.origin.known() && !j.serviceChose(s) })
}
