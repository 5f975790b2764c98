package attribute

import "fmt"

func sharedName() Rule {
	return Rule{
		ID: "shared-name", Severity: High,
		Title:  "One session name stands for several apps or people",
		When:   "under one role the name was used by two or more origins",
		Why:    "CloudTrail logs role and session name of each call. Where two callers use one name, nobody can say from the log which of them made a call, and an alarm or a policy on the name hits both.",
		Fix:    "Give each caller a name of its own, such as the function's or service's name, and let the role's trust policy insist on it.",
		Advise: true,
		check: each(func(j *judge, n *nameView) (sighting, bool) {
			origins := counted(n)
			if len(origins) < 2 || !j.ownChoice(n) {
				return sighting{}, false
			}
			s := sighting{detail: fmt.Sprintf("%s was used by %d origins: %s", quoted(n.ref().Session), len(origins), ids(origins))}
			for _, o := range origins[:min(len(origins), maxEvidence)] {
				s.evidence = append(s.evidence, j.firstOf(n, o))
			}
			return s, true
		}),
	}
}
