package attribute

func secretInName() Rule {
	return Rule{
		ID: "secret-in-name", Severity: Critical,
		Title: "The session name holds what looks like a key or token",
		When:  "the name holds what looks like an access key, a password or a token",
		Why:   "The session name is written to the logs of every account that the session touches, and whoever may read one of them may read the secret.",
		Fix:   "Revoke the secret now, then find the code that put it into RoleSessionName and give it a plain name.",
		check: each(func(j *judge, n *nameView) (sighting, bool) {
			what, ok := Secret(n.ref().Session)
			return sighting{detail: "a session name holds " + what, evidence: j.firstCall(n)}, ok
		}),
	}
}
