package attribute

import "fmt"

func unattributed() Rule {
	return Rule{
		ID: "unattributed", Severity: Low,
		Title: "Nothing tells whose sessions these are",
		When:  "the origin of the name's calls stays unknown",
		Why:   "No assume event was found and the calls carry nothing that AWS vouches for. Whoever made them cannot be named from these logs.",
		Fix:   "Read more: a longer --lookback, the account and region where the role was assumed, or the caller's account. Where that does not help, let the role's trust policy demand a source identity or a meaningful session name.",
		check: each(func(j *judge, n *nameView) (sighting, bool) {
			var s sighting
			var calls int64
			for _, sess := range n.sessions {
				if sess.origin.known() {
					continue
				}
				c, _ := sess.calls()
				calls += c
				if len(s.evidence) == 0 {
					s.evidence = []Evidence{{Type: "call", EventID: j.eventText(j.span(sess).first), Detail: "first call of unknown origin"}}
				}
				if len(s.evidence) < maxEvidence {
					more := j.tell(sess).evidence
					s.evidence = append(s.evidence, more[:min(len(more), maxEvidence-len(s.evidence))]...)
				}
			}
			s.detail = fmt.Sprintf("%s of %s: %d of %s", quoted(n.ref().Session), n.ref().Role, calls, plural(n.Calls, "call", "calls"))
			return s, calls > 0
		}),
	}
}
