package attribute

import (
	"fmt"
	"slices"
	"strings"
)

func personalData() Rule {
	return Rule{
		ID: "personal-data-crosses-accounts", Severity: Low,
		Title: "A person's name reaches another organization's logs",
		When:  "the name is a person's name or address, and the session acted in an account outside the organization or came from one",
		Why:   "AWS shows the session name to every account that a session touches. A name or e-mail address in it is personal data that leaves the organization.",
		Fix:   "Use a name that only you can resolve, such as a user's number, on the way to other organizations; list accounts that are yours under trusted-accounts.",
		check: func(j *judge, saw func(sighting)) {
			reached := j.foreignAssumes()
			look := each(func(j *judge, n *nameView) (sighting, bool) {
				if !j.isPersonal(n) {
					return sighting{}, false
				}
				if list := reached[n.sessions[0].name]; len(list) > 0 {
					i := list[0]
					return sighting{
						detail:   fmt.Sprintf("%s went on to %s, in an account that is not yours", quoted(n.ref().Session), j.text[i.best().roleARN]),
						evidence: []Evidence{{Type: "assume-event", EventID: j.eventText(i.at()), Detail: "assumed a role of account " + refOf(j.text[i.name]).Account}},
					}, true
				}
				for _, s := range n.sessions {
					for u := range s.uses() {
						for _, r := range u.awake(&j.room).recipients {
							if a := j.text[r.account]; a != "" && a != n.AccountID && j.foreignAccount(a) {
								return sighting{
									detail:   fmt.Sprintf("%s acted in account %s, which is not yours", quoted(n.ref().Session), a),
									evidence: []Evidence{{Type: "call", EventID: j.eventText(r.first), Detail: "logged in account " + a}},
								}, true
							}
						}
					}
					if o := *s.origin; o.kind == KindExternal && j.foreignAccount(o.account) {
						return sighting{
							detail:   fmt.Sprintf("%s names a person of account %s, which is not yours", quoted(n.ref().Session), o.account),
							evidence: []Evidence{j.firstOf(n, o)},
						}, true
					}
				}
				return sighting{}, false
			})
			look(j, saw)
		},
	}
}

// isPersonal reports whether a session name is a person's name or address.
func (j *judge) isPersonal(n *nameView) bool {
	if PersonLike(n.ref().Session) == EmailPerson {
		return true
	}
	user := strings.ToLower(UserPart(n.ref().Session))
	return slices.ContainsFunc(n.sessions, func(s *session) bool {
		o := s.origin
		return o.person() && o.kind != KindRoot && strings.ToLower(UserPart(o.name)) == user
	})
}

// foreignAccount reports whether an account is another organization's, as far
// as the scan can tell: its log was not read, and it is not listed as trusted.
func (j *judge) foreignAccount(account string) bool {
	return account != "" && !j.read[j.sym(account)] && !j.config.IsTrusted(account)
}

// foreignAssumes are the assume events of the window by which a session went on
// to a role of a foreign account, by the session's ARN. Those before it are read
// of some sources and not of others.
func (j *judge) foreignAssumes() map[sym][]*issuance {
	out := map[sym][]*issuance{}
	for i := range j.issuances.all() {
		c := i.best().caller
		if i.inWindow() && j.text[c.typ] == "AssumedRole" && j.foreignAccount(refOf(j.text[i.name]).Account) {
			out[c.arn] = append(out[c.arn], i)
		}
	}
	return out
}
