package attribute

import "fmt"

func sdkDefaultName() Rule {
	return Rule{
		ID: "sdk-default-name", Severity: Medium,
		Title:  "An SDK or a tool made the session name up",
		When:   "an SDK, the CLI or a tool made the name up because none was configured",
		Why:    "Such a name says which library was used, never which app. It changes with each process or is the same for everybody, so that it neither groups the calls of one app nor tells two apps apart.",
		Fix:    "Set the name: RoleSessionName in code, role_session_name in the profile, AWS_ROLE_SESSION_NAME in the environment, role-session-name in the GitHub action.",
		Advise: true,
		check: each(func(j *judge, n *nameView) (sighting, bool) {
			if !j.mayJudge(n) {
				return sighting{}, false
			}
			producer, ok := SDKDefault(n.ref().Session)
			return sighting{
				detail:   fmt.Sprintf("%s is the default of %s", quoted(n.ref().Session), producer),
				evidence: j.firstCall(n),
			}, ok
		}),
	}
}

// mayJudge reports whether the name itself can be held against anybody: it is
// of no form that an AWS service makes, and no AWS service chose it.
func (j *judge) mayJudge(n *nameView) bool {
	return !ServiceMade(n.form) && j.ownChoice(n)
}

// firstCall is the first call under a name, as evidence.
func (j *judge) firstCall(n *nameView) []Evidence {
	first := j.span(n.sessions[0]).first
	for _, s := range n.sessions[1:] {
		if at := j.span(s).first; j.earlier(at, first) {
			first = at
		}
	}
	return []Evidence{{Type: "call", EventID: j.eventText(first), Detail: "first call under the name"}}
}
