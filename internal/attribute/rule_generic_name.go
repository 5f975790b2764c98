package attribute

import "fmt"

func genericName() Rule {
	return Rule{
		ID: "generic-name", Severity: Medium,
		Title:  "The session name names nothing",
		When:   "the whole name, case and separators aside, stands in the list of generic names, is a template's placeholder, or is the role's own name",
		Why:    "A name that any app could have chosen does not say which one did, and the next app that is made from the same template chooses it too.",
		Fix:    "Replace it by the app's own name in each place that assumes the role.",
		Advise: true,
		later:  true,
		check: each(func(j *judge, n *nameView) (sighting, bool) {
			if !j.mayJudge(n) || j.fired(n, "sdk-default-name") {
				return sighting{}, false
			}
			why, ok := Generic(n.ref().Session, n.ref().Role)
			return sighting{detail: fmt.Sprintf("%s: %s", quoted(n.ref().Session), why), evidence: j.firstCall(n)}, ok
		}),
	}
}
