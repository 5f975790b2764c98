package attribute

import "fmt"

func namingConvention() Rule {
	return Rule{
		ID: "naming-convention", Severity: Medium,
		Title:  "The session name breaks your naming rule",
		When:   "the configuration has a naming pattern for the role, the name does not match it, and no AWS service chose the name",
		Why:    "You configured how sessions of this role are named; searches and policies that rely on it miss these.",
		Fix:    "Rename the sessions as the pattern says, or change the pattern.",
		Advise: true,
		check: each(func(j *judge, n *nameView) (sighting, bool) {
			re := j.config.NamePattern(n.RoleARN)
			if re == nil || re.MatchString(n.ref().Session) || !j.mayJudge(n) {
				return sighting{}, false
			}
			return sighting{
				detail:   fmt.Sprintf("%s does not match %s", quoted(n.ref().Session), re),
				evidence: j.firstCall(n),
			}, true
		}),
	}
}
