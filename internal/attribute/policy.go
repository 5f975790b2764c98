package attribute

import (
	"cmp"
	"encoding/json"
	"regexp"
	"slices"
	"strings"
)

// RolePolicy is the trust policy that the good callers of one role would pass,
// made from the assume events that were seen. It is a proposal: trailscan
// applies nothing.
type RolePolicy struct {
	RoleARN   string
	AccountID string
	// Policy is the document, as IAM takes it; empty where AWS writes the
	// role's trust policy itself or no caller qualifies.
	Policy    PolicyDocument
	LockedOut []LockedOut // callers seen that the policy would refuse
	Notes     []string
}

// PolicyDocument is an IAM policy.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html
type PolicyDocument struct {
	Version   string            `json:"Version"`
	Statement []PolicyStatement `json:"Statement"`
}

// PolicyStatement is one statement of a trust policy.
type PolicyStatement struct {
	Sid       string                          `json:"Sid"`
	Effect    string                          `json:"Effect"`
	Principal map[string]oneOrMore            `json:"Principal"`
	Action    oneOrMore                       `json:"Action"`
	Condition map[string]map[string]oneOrMore `json:"Condition,omitempty"`
}

// oneOrMore is a list that JSON shows as its only member where it has just one.
type oneOrMore []string

// MarshalJSON writes the list.
func (l oneOrMore) MarshalJSON() ([]byte, error) {
	if len(l) == 1 {
		return json.Marshal(l[0])
	}
	return json.Marshal([]string(l))
}

// LockedOut is a caller that a proposed policy would refuse.
type LockedOut struct {
	Caller       string // its ARN, principal id or account
	SessionNames Sample
	Sessions     int64
	Why          string
	EventID      string // the first assume event
}

// policyKind is what makes callers share a statement.
type policyKind int

const (
	policyService policyKind = iota
	policyUser
	policyRole
	policyAccount
	policySAML
	policyWeb
)

// policyCaller is one caller of a role with the names that it used.
type policyCaller struct {
	kind      policyKind
	principal string // what the Principal element names
	subject   string // of a web identity
	audience  string
	provider  string
	user      string
	names     map[string]bool
	sessions  int64
	first     eventRef
}

// Policies proposes a trust policy for every role that was assumed in what was read.
func (s *Audit) Policies() []RolePolicy {
	f := s.finish()
	r := f.resolver
	f.judge()
	bad, rules := map[sym]string{}, ruleIDs()
	for _, n := range f.names {
		if why := badName(n.fired.of(rules)); why != "" {
			bad[n.sessions[0].name] = why
		}
	}
	byRole := map[string]map[string]*policyCaller{}
	accounts := map[string]string{}
	for i := range r.issuances.all() {
		ref := refOf(r.text[i.name])
		if s.opt.Role != nil && !s.opt.Role(ref.Role) {
			continue
		}
		arn := r.text[i.best().roleARN]
		if byRole[arn] == nil {
			byRole[arn] = map[string]*policyCaller{}
			accounts[arn] = ref.Account
		}
		c := r.policyCaller(i)
		key := c.principal + "\x00" + c.subject
		old := byRole[arn][key]
		if old == nil {
			c.names, c.first = map[string]bool{}, i.at()
			byRole[arn][key] = &c
			old = &c
		}
		old.names[ref.Session] = true
		old.sessions++
		if r.earlier(i.at(), old.first) {
			old.first = i.at()
		}
	}
	var out []RolePolicy
	for _, arn := range sortedKeys(byRole) {
		out = append(out, r.proposal(arn, accounts[arn], byRole[arn], bad))
	}
	return out
}

// badName says why a name that these rules fire on is not one to insist on.
func badName(rules []string) string {
	for _, id := range []string{"secret-in-name", "misleading-name", "shared-name", "sdk-default-name", "generic-name", "opaque-name"} {
		if slices.Contains(rules, id) {
			return id
		}
	}
	return ""
}

func (r *resolver) policyCaller(i *issuance) policyCaller {
	a := i.best()
	c := a.caller
	switch typ := r.text[c.typ]; {
	case typ == "AWSService" || typ == "" && c.invokedBy != 0:
		return policyCaller{kind: policyService, principal: r.text[c.invokedBy]}
	case typ == "AssumedRole":
		principal := r.text[c.issuer]
		if principal == "" {
			ref := refOf(r.text[c.arn])
			principal = RoleRef{ref.Partition, ref.Account, "/", ref.Role}.ARN()
		}
		return policyCaller{kind: policyRole, principal: principal}
	case typ == "SAMLUser" || a.kind == assumeSAML:
		return policyCaller{kind: policySAML, principal: cmp.Or(r.text[a.samlProvider], r.text[c.provider])}
	case typ == "WebIdentityUser" || a.kind == assumeWeb:
		provider := cmp.Or(r.text[c.provider], r.text[a.provider])
		return policyCaller{kind: policyWeb, principal: provider, provider: provider, subject: cmp.Or(r.text[c.user], r.text[a.subject]), audience: r.text[a.audience]}
	case typ == "AWSAccount":
		ref := refOf(r.text[i.name])
		return policyCaller{kind: policyAccount, principal: "arn:" + ref.Partition + ":iam::" + r.text[c.account] + ":root"}
	default:
		return policyCaller{kind: policyUser, principal: cmp.Or(r.text[c.arn], r.text[c.principal]), user: r.text[c.user]}
	}
}

func (r *resolver) proposal(arn, account string, callers map[string]*policyCaller, bad map[sym]string) RolePolicy {
	p := RolePolicy{RoleARN: arn, AccountID: account}
	role, _ := ParseRoleARN(arn)
	if _, linked := serviceLinked(arn, role.Name); linked || isReservedSSO(role.Name) {
		p.Notes = append(p.Notes, "AWS writes this role's trust policy itself.")
		return p
	}
	var good []*policyCaller
	for _, key := range sortedKeys(callers) {
		c := callers[key]
		why := ""
		if c.kind == policyUser || c.kind == policyRole || c.kind == policyAccount {
			for _, n := range sortedKeys(c.names) {
				w := bad[r.sym(SessionRef{role.Partition, account, role.Name, n}.ARN())]
				if w == "" {
					continue
				}
				delete(c.names, n)
				why = w
			}
		}
		if c.principal == "" {
			why = "the log does not name it"
		}
		if why != "" {
			names := sample(callers[key].names)
			p.LockedOut = append(p.LockedOut, LockedOut{Caller: cmp.Or(c.principal, "unknown"), SessionNames: names, Sessions: c.sessions, Why: why, EventID: r.eventText(c.first)})
			if len(c.names) == 0 || c.principal == "" {
				continue
			}
		}
		good = append(good, c)
	}
	for _, kind := range []policyKind{policyService, policyUser, policyRole, policyAccount, policySAML, policyWeb} {
		p.Policy.Statement = append(p.Policy.Statement, statements(kind, account, good)...)
	}
	if len(p.Policy.Statement) == 0 {
		p.Notes = append(p.Notes, "No caller of this role has a name to insist on yet.")
		return p
	}
	p.Policy.Version = "2012-10-17"
	if slices.ContainsFunc(good, func(c *policyCaller) bool { return c.kind == policyUser }) {
		p.Notes = append(p.Notes, "${aws:username} is set for IAM users only: its statement must name users and nobody else.")
	}
	return p
}

// statements makes the statements of one kind of caller: one for each
// principal where the conditions differ, one for all services.
func statements(kind policyKind, account string, callers []*policyCaller) []PolicyStatement {
	var out []PolicyStatement
	allow := func(sid, element string, principal oneOrMore, action string, condition map[string]map[string]oneOrMore) {
		out = append(out, PolicyStatement{Sid: sid, Effect: "Allow", Principal: map[string]oneOrMore{element: principal}, Action: oneOrMore{action}, Condition: condition})
	}
	var plain, bound, users oneOrMore
	web := map[string][]*policyCaller{}
	saml := map[string]bool{}
	for _, c := range callers {
		if c.kind != kind {
			continue
		}
		switch kind {
		case policyService:
			if takesSourceAccount(c.principal) {
				bound = append(bound, c.principal)
			} else {
				plain = append(plain, c.principal)
			}
		case policyUser:
			if names := sortedKeys(c.names); len(names) == 1 && names[0] == c.user {
				users = append(users, c.principal)
			} else {
				allow(sid("User", c.principal), "AWS", oneOrMore{c.principal}, "sts:AssumeRole", nameCondition(c.names))
			}
		case policyRole:
			allow(sid("Role", c.principal), "AWS", oneOrMore{c.principal}, "sts:AssumeRole", nameCondition(c.names))
		case policyAccount:
			allow(sid("Account", c.principal), "AWS", oneOrMore{c.principal}, "sts:AssumeRole", nameCondition(c.names))
		case policySAML:
			saml[c.principal] = true
		case policyWeb:
			web[c.principal] = append(web[c.principal], c)
		}
	}
	if len(plain) > 0 {
		allow("Services", "Service", plain, "sts:AssumeRole", nil)
	}
	if len(bound) > 0 {
		allow("ServicesOfThisAccount", "Service", bound, "sts:AssumeRole", map[string]map[string]oneOrMore{"StringEquals": {"aws:SourceAccount": {account}}})
	}
	if len(users) > 0 {
		allow("UsersUnderTheirOwnName", "AWS", users, "sts:AssumeRole", map[string]map[string]oneOrMore{"StringEquals": {"sts:RoleSessionName": {"${aws:username}"}}})
	}
	for _, provider := range sortedKeys(saml) {
		allow(sid("SAML", provider), "Federated", oneOrMore{provider}, "sts:AssumeRoleWithSAML",
			map[string]map[string]oneOrMore{"StringEquals": {"SAML:aud": {"https://signin.aws.amazon.com/saml"}}})
	}
	for _, provider := range sortedKeys(web) {
		issuer := provider
		if _, after, ok := strings.Cut(provider, ":oidc-provider/"); ok {
			issuer = after
		}
		subjects, audiences := map[string]bool{}, map[string]bool{}
		for _, c := range web[provider] {
			subjects[subjectPattern(issuer, c.subject)] = true
			if c.audience != "" {
				audiences[c.audience] = true
			}
		}
		condition := map[string]map[string]oneOrMore{"StringLike": {issuer + ":sub": sortedKeys(subjects)}}
		if len(audiences) > 0 {
			condition["StringEquals"] = map[string]oneOrMore{issuer + ":aud": sortedKeys(audiences)}
		}
		allow(sid("Tokens", issuer), "Federated", oneOrMore{provider}, "sts:AssumeRoleWithWebIdentity", condition)
	}
	return out
}

// nameCondition lets pass the names seen, those that change from session to
// session by what stays the same of them.
func nameCondition(names map[string]bool) map[string]map[string]oneOrMore {
	patterns := map[string]bool{}
	for n := range names {
		patterns[patternHole.ReplaceAllString(PatternOf(n, FormOf(n)), "*")] = true
	}
	list := oneOrMore(sortedKeys(patterns))
	op := "StringEquals"
	if slices.ContainsFunc(list, func(p string) bool { return strings.Contains(p, "*") }) {
		op = "StringLike"
	}
	return map[string]map[string]oneOrMore{op: {"sts:RoleSessionName": list}}
}

// patternHole matches the parts of a pattern that stand for what changes.
var patternHole = regexp.MustCompile(`<[a-z0-9 -]+>`)

// subjectPattern leaves open what changes from run to run of one repository or
// project: its branch or tag.
func subjectPattern(issuer, subject string) string {
	if isGitHubIssuer(issuer) {
		if repo := subjectField(subject, "repo"); repo != "" && strings.HasPrefix(subject, "repo:") {
			return "repo:" + repo + ":*"
		}
	}
	if p := subjectField(subject, "project_path"); p != "" && strings.HasPrefix(subject, "project_path:") {
		return "project_path:" + p + ":*"
	}
	return subject
}

// sid makes a statement id, which may hold letters and digits only.
func sid(prefix, principal string) string {
	var b strings.Builder
	b.WriteString(prefix)
	up := true
	for _, c := range []byte(principal[strings.LastIndexAny(principal, "/")+1:]) {
		switch {
		case !isAlnum(c):
			up = true
		case up && isLower(c):
			b.WriteByte(c - 'a' + 'A')
			up = false
		default:
			b.WriteByte(c)
			up = false
		}
	}
	return b.String()
}

// takesSourceAccount reports whether a service sends aws:SourceAccount when it
// assumes a role, as its documentation on the confused deputy says. Others
// would be locked out by the condition.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html
func takesSourceAccount(principal string) bool {
	switch serviceLabel(principal) {
	case "ecs-tasks", "codebuild", "states", "scheduler", "pipes", "bedrock":
		return true
	}
	return false
}
