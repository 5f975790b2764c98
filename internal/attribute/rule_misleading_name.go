package attribute

import (
	"fmt"
	"slices"
	"strings"
)

func misleadingName() Rule {
	return Rule{
		ID: "misleading-name", Severity: High,
		Title:  "The session name claims to be somebody else",
		When:   "the name has the form of another kind of principal, such as an instance id that EC2 never vended, or is another known person's user name, and at least one of its origins is not that",
		Why:    "Detection rules and people trust names such as instance ids, service names and user names. Whoever borrows one hides behind it, and whoever it belongs to is blamed.",
		Fix:    "Find out who chose the name. Name sessions after the caller itself, and let the trust policy refuse names of the other kind.",
		Advise: true,
		check: func(j *judge, saw func(sighting)) {
			people := j.knownPeople()
			look := each(func(j *judge, n *nameView) (sighting, bool) {
				for _, s := range n.sessions {
					if s.confidence < Recorded || !s.origin.known() || s.origin.kind == KindRole {
						continue // a role passes on names of whoever is behind it
					}
					claim := j.claims(n, s, people)
					if claim == "" {
						continue
					}
					return sighting{
						detail:   fmt.Sprintf("%s %s, but the session is of %s", quoted(n.ref().Session), claim, s.origin.id()),
						evidence: []Evidence{j.firstOf(n, *s.origin)},
					}, true
				}
				return sighting{}, false
			})
			look(j, saw)
		},
	}
}

// claims says what a session's name pretends to be, or is empty where it is honest.
func (j *judge) claims(n *nameView, s *session, people map[string]bool) string {
	name := n.ref().Session
	form := FormOf(name)
	switch form.Class {
	case ClassInstance, ClassService:
		if len(form.Principals) == 0 || j.vendedBy(s, form.Principals) || strings.HasPrefix(n.ref().Role, "aws:ec2-") {
			return ""
		}
		if j.instance(s) == name {
			return "" // an app that passes its own instance id on
		}
		return "has the form of " + form.Producer
	}
	user := strings.ToLower(UserPart(name))
	if !people[user] || user == "" {
		return ""
	}
	if s.origin.person() && s.origin.kind != KindRoot && strings.ToLower(UserPart(s.origin.name)) == user {
		return ""
	}
	if slices.ContainsFunc(s.through.roles(), func(o origin) bool { return strings.EqualFold(o.name, name) }) {
		return ""
	}
	if j.serviceChose(s) {
		return "" // a function that bears a person's name
	}
	return "is the user name of another principal"
}

// vendedBy reports whether one of the service principals opened the session.
func (j *judge) vendedBy(s *session, principals []string) bool {
	if i := s.issuance; i != nil {
		return j.issuedByService(i) && slices.Contains(principals, plainPrincipal(j.text[i.best().caller.invokedBy]))
	}
	if s.link != linkNone || s.through != nil {
		return false
	}
	for _, p := range principals {
		o, _ := serviceOrigin(p, refOf(j.text[s.name]))
		if o.kind == s.origin.kind && (o.kind != KindService || o.name == plainPrincipal(s.origin.name)) {
			return true
		}
	}
	return false
}

// knownPeople are the user names of all people that the logs show, in lower
// case, and the parts of them before an @.
func (j *judge) knownPeople() map[string]bool {
	people := map[string]bool{}
	add := func(name string) {
		if name != "" {
			people[strings.ToLower(UserPart(name))] = true
		}
	}
	for _, arn := range j.userIDs {
		if o, ok := userARNOrigin(j.text[arn]); ok {
			add(o.name)
		}
	}
	for _, s := range j.sessions {
		if o := s.origin; o.person() && s.confidence >= Recorded {
			add(o.name)
		}
	}
	for i := range j.idents.all() {
		if j.text[i.typ] == "IAMUser" {
			add(j.text[i.user])
		}
	}
	return people
}
