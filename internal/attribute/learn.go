package attribute

import "strings"

// learn notes what an identity tells about ids that others show alone.
func (b *Builder) learn(id *ident) {
	switch b.text[id.typ] {
	case "AssumedRole":
		if id.issuer != 0 {
			b.learnRole(id.issuerID, roleRef{account: id.account, arn: id.issuer})
		}
		if ref, ok := ParseSessionARN(b.text[id.arn]); ok && isReservedSSO(ref.Role) && id.onBehalfOf != 0 {
			b.learnPerson(id.onBehalfOf, b.ofString(ref.Session))
		}
	case "IAMUser":
		if id.arn != 0 {
			b.learnUser(id.principal, id.arn)
		}
	default:
		if id.onBehalfOf != 0 && id.user != 0 {
			b.learnPerson(id.onBehalfOf, id.user)
		}
	}
}

// learnRole notes which role an id stands for. An id that two roles have, as in
// logs whose ids were replaced, stands for neither: its ARN is then empty.
func (b *store) learnRole(id sym, role roleRef) {
	if !strings.HasPrefix(b.text[id], "AROA") {
		return
	}
	known, found := b.roleIDs[id]
	switch {
	case !found:
	case known.arn == 0, role.arn == 0, !b.sameRoleName(known.arn, role.arn):
		role = roleRef{}
	case b.text[known.arn] < b.text[role.arn]:
		role = known
	}
	b.roleIDs[id] = role
}

// sameRoleName reports whether two ARNs name one role. Its path is left out
// where only the role's sessions are logged.
func (b *store) sameRoleName(x, y sym) bool {
	if x == y {
		return true
	}
	one, ok := ParseRoleARN(b.text[x])
	two, ok2 := ParseRoleARN(b.text[y])
	return ok && ok2 && one.Partition == two.Partition && one.Account == two.Account && one.Name == two.Name
}

// learnUser notes which IAM user an id stands for, none where there are two.
func (b *store) learnUser(id, arn sym) {
	if !strings.HasPrefix(b.text[id], "AIDA") {
		return
	}
	known, found := b.userIDs[id]
	switch {
	case !found:
	case known == 0, arn == 0, !b.sameUser(known, arn):
		arn = 0
	case b.text[known] < b.text[arn]:
		arn = known
	}
	b.userIDs[id] = arn
}

func (b *store) sameUser(x, y sym) bool {
	one, ok := userARNOrigin(b.text[x])
	two, ok2 := userARNOrigin(b.text[y])
	return ok && ok2 && one == two
}

// learnPerson notes the user name behind an Identity Center user id, none where
// there are two. Only some services log the id.
// https://docs.aws.amazon.com/singlesignon/latest/userguide/sso-cloudtrail-use-cases.html
func (b *store) learnPerson(id, name sym) {
	if known, found := b.people[id]; found && known != name {
		name = 0
	}
	b.people[id] = name
}
