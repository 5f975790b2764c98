package attribute

import (
	"fmt"
	"slices"
	"strings"
)

// advice says which name and which condition of the role's trust policy would
// put right what was seen: of each kind of callers, the first few by their ids
// and one more if there are more.
type advice map[string][]*origin

// maxAdvised is how many callers of a kind are told a name of their own.
const maxAdvised = 5

// add takes the callers of a name into account.
func (a advice) add(n *nameView) {
	for _, s := range n.sessions {
		o := s.origin
		if !o.known() {
			continue
		}
		k := adviceKind(*o)
		list := a[k]
		if slices.Contains(list, o) {
			continue
		}
		at, found := slices.BinarySearchFunc(list, o, func(x, y *origin) int { return strings.Compare(x.id(), y.id()) })
		if !found && at <= maxAdvised {
			list = slices.Insert(list, at, o)
			a[k] = list[:min(len(list), maxAdvised+1)]
		}
	}
}

// String is the advice.
func (a advice) String() string {
	var b strings.Builder
	for _, k := range sortedKeys(a) {
		b.WriteString(" " + adviceFor(k, *a[k][0], a.nameFor(a[k][0])))
		b.WriteString(a.likewise(k, a[k][1:]))
	}
	return b.String()
}

// likewise says what goes for further callers of a kind, where the advice is
// about one caller.
func (a advice) likewise(kind string, others []*origin) string {
	var parts []string
	for _, o := range others[:min(len(others), maxAdvised-1)] {
		switch kind {
		case "app", "token", "eks":
			parts = append(parts, a.nameFor(o)+" for "+o.id())
		case "external":
			parts = append(parts, "for account "+o.account)
		}
	}
	if len(parts) == 0 {
		return ""
	}
	if len(others) > len(parts) {
		parts = append(parts, "and so on")
	}
	return " Likewise " + strings.Join(parts, ", ") + "."
}

// nameFor suggests a name for a caller, with its account where another one of
// that name would share it again.
func (a advice) nameFor(o *origin) string {
	name := suggestName(*o)
	for _, list := range a {
		for _, other := range list {
			if other.id() != o.id() && suggestName(*other) == name && name != noName && o.account != "" {
				return name[:min(len(name), 64-1-len(o.account))] + "-" + o.account
			}
		}
	}
	return name
}

func adviceKind(o origin) string {
	switch o.kind {
	case KindIAMUser, KindRoot:
		return "user"
	case KindSSO, KindSAML:
		return "person"
	case KindGitHubActions, KindGitLab, KindTerraform, KindWebIdentity:
		return "token"
	case KindEKS:
		return "eks"
	case KindService:
		return "service"
	case KindExternal:
		return "external"
	}
	return "app"
}

func adviceFor(kind string, o origin, name string) string {
	switch kind {
	case "user":
		return `For IAM users: name the session after the user; "StringEquals": {"sts:RoleSessionName": "${aws:username}"} enforces it. That condition denies every caller that is not an IAM user, so give it a statement of its own.`
	case "person":
		return `For people who sign in: let the identity provider set the session name, and require "StringLike": {"sts:SourceIdentity": "?*"} to carry the person down every chain.`
	case "token":
		return fmt.Sprintf(`For %s: use %s as the name, and bind the role to it by the token's subject ("StringLike" on the provider's :sub), which the caller cannot choose.`, o.id(), name)
	case "eks":
		return fmt.Sprintf(`For %s: bind the role to the service account (the provider's :sub, or "aws:RequestTag/kubernetes-service-account" with Pod Identity), and set AWS_ROLE_SESSION_NAME to %s.`, o.id(), name)
	case "external":
		return fmt.Sprintf(`For account %s: agree on a name with its owner, and let a statement for that account alone insist on it ("sts:RoleSessionName") and on a secret of yours ("sts:ExternalId").`, o.account)
	case "service":
		return `A service principal chooses the name itself: put no condition on it, use aws:SourceArn or aws:SourceAccount where the service supports them.`
	}
	return fmt.Sprintf(`For %s: use %s as the name; a statement for that caller alone with "StringLike": {"sts:RoleSessionName": "%s*"} enforces it.`, o.id(), name, name)
}

// noName stands where an origin's name makes none.
const noName = "the app's own name"

// suggestName makes a session name of an origin's name: what STS allows of it,
// [\w+=,.@-]{2,64}.
// https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
func suggestName(o origin) string {
	name := strings.Map(func(r rune) rune {
		if r < 128 && (isAlnum(byte(r)) || strings.ContainsRune("_+=,.@-", r)) {
			return r
		}
		return '-'
	}, o.name)
	if o.kind == KindEKS {
		if parts := strings.Split(o.name, "/"); len(parts) == 3 {
			name = parts[1] + "-" + parts[2]
		}
	}
	if len(name) > 64 {
		name = name[len(name)-64:]
	}
	if len(name) < 2 || slices.Contains([]string{"", "-"}, name) {
		return noName
	}
	return name
}
