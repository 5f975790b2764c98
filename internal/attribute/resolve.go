package attribute

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// resolution is what is known about where a session came from.
type resolution struct {
	origin     origin
	confidence Confidence
	instance   string // which copy of the app, where the origin runs several
	chain      []Link
	evidence   []Evidence
	// parent is the credential that opened the session: an access key id, or
	// the principal where the service or provider shows no key. Sessions of one
	// parent were opened by one running copy of the app.
	parent string
	// through are the roles on the way, as origins of kind role.
	through  []origin
	issuance *issuance
}

// link says how a session was joined to its assume event.
type link struct {
	issuance *issuance
	limit    Confidence // the most that the join allows
	detail   string
}

// resolve finds the origin of a session. use is when it was used, or when it
// led to another: assume events further back than the look-back do not count.
func (r *resolver) resolve(s *session, use int64) *resolution {
	switch s.state {
	case resolved:
		return s.resolution
	case resolving:
		// A chain that runs in a circle has no root. Real ones cannot: each
		// link is older than the next.
		return &resolution{}
	}
	s.state = resolving
	s.resolution = r.trace(s, use)
	s.state = resolved
	return s.resolution
}

func (r *resolver) trace(s *session, use int64) *resolution {
	ref, _ := ParseSessionARN(r.text[s.name])
	recorded, conflict := r.recorded(s, ref)
	if len(s.several) > 0 {
		res := r.shared(s, use)
		if recorded != nil && (res.origin == recorded.origin || !res.origin.known()) {
			return recorded
		}
		return res
	}
	l, candidates := r.link(s, use)
	if l != nil && (l.limit == Proven || recorded == nil && conflict == nil) {
		res := r.caller(l.issuance, ref)
		res.issuance = l.issuance
		l.issuance.used = true
		at := r.eventText(l.issuance.best().at)
		res.chain = append(res.chain, Link{Principal: r.principal(l.issuance.best().caller), EventID: at, EventTime: r.utc(l.issuance.at.time)})
		res.evidence = append([]Evidence{{Type: "assume-event", EventID: at, Detail: l.detail}}, res.evidence...)
		res.confidence = min(res.confidence, l.limit)
		r.corroborate(res, recorded, s)
		return res
	}
	if conflict != nil {
		return conflict
	}
	if recorded != nil {
		return recorded
	}
	if len(candidates) > 1 {
		return r.candidates(candidates, ref)
	}
	return r.inferred(s, ref)
}

// link finds the assume event of a session: by access key, or by name and time
// where there is a reason for the calls to carry another key. It also gives
// the candidates where several are left.
func (r *resolver) link(s *session, use int64) (*link, []*issuance) {
	role, _ := ParseSessionARN(r.text[s.name])
	first := use
	if s.span.calls > 0 {
		first = s.span.first.time
	}
	believed := func(list []*issuance) []*issuance {
		return slices.DeleteFunc(slices.Clone(list), func(i *issuance) bool { return !r.audit.believes(i.at.time, use) })
	}
	for _, key := range r.keys(s) {
		found := believed(r.joinKey(s.name, key, s.roleID, s.created, first))
		found = r.narrow(found, s)
		if len(found) == 1 {
			return &link{found[0], Proven, "issued the access key that the calls carry"}, nil
		}
		if len(found) > 1 {
			return nil, found
		}
	}
	if s.created != 0 {
		r.need(role.Account, s.created, s.key, use)
	}
	reason := r.otherKeyReason(s, role)
	exact := r.narrow(believed(r.joinTime(s.name, s.roleID, s.created, 0)), s)
	if len(exact) > 1 {
		return nil, exact
	}
	near := r.narrow(believed(r.joinTime(s.name, s.roleID, s.created, skew)), s)
	switch {
	case len(exact) == 1 && reason != "":
		return &link{exact[0], Proven, "issued this role session at its creationDate; the calls carry another key: " + reason}, nil
	case len(near) == 1:
		return &link{near[0], Inferred, "issued a session of this role and name at the time of its creationDate, but with another key"}, nil
	}
	return nil, near
}

// keys are the access keys by which a session may be joined: its own, or those
// of the calls that were made for it.
func (r *resolver) keys(s *session) []sym {
	var keys []sym
	if s.key != 0 {
		keys = append(keys, s.key)
	}
	for _, u := range s.uses {
		if u.key != 0 && !slices.Contains(keys, u.key) {
			keys = append(keys, u.key)
		}
	}
	return keys
}

// otherKeyReason says why the calls of a session carry another key than was
// issued, or is empty where there is no reason.
func (r *resolver) otherKeyReason(s *session, ref SessionRef) string {
	if isReservedSSO(ref.Role) {
		return "Identity Center issues its own"
	}
	if _, linked := serviceLinked(r.issuerARN(s), ref.Role); linked {
		return "a service-linked role"
	}
	if s.direct() {
		return ""
	}
	for _, u := range s.uses {
		switch {
		case u.console > 0:
			return "a console session"
		case u.key == 0:
			return "no key is logged"
		}
	}
	for _, i := range s.idents {
		switch {
		case i.console:
			return "a console session"
		case i.invokedBy != 0:
			return "a service made them for it"
		}
	}
	if s.key == 0 {
		return "no key is logged"
	}
	return ""
}

// narrow keeps the candidates that a session's source identity agrees with,
// where that leaves one: it cannot change during a session.
func (r *resolver) narrow(list []*issuance, s *session) []*issuance {
	if len(list) < 2 {
		return list
	}
	var id sym
	for _, i := range s.idents {
		if i.sourceIdentity != 0 {
			id = i.sourceIdentity
		}
	}
	if id == 0 {
		return list
	}
	var agree []*issuance
	for _, i := range list {
		if i.best().sourceIdentity == id || i.best().caller.sourceIdentity == id {
			agree = append(agree, i)
		}
	}
	if len(agree) == 1 {
		return agree
	}
	return list
}

// caller finds the origin of an issuance: who made the assume event, and where
// that caller came from in turn. The result is its own and may be changed.
func (r *resolver) caller(i *issuance, ref SessionRef) *resolution {
	a := i.best()
	c := a.caller
	typ := r.text[c.typ]
	parent := r.text[c.key]
	if parent == "" {
		parent = r.principal(c)
	}
	found := func(o origin, instance string, conf Confidence, evidence ...Evidence) *resolution {
		return &resolution{origin: o, instance: instance, confidence: conf, evidence: evidence, parent: parent}
	}
	switch {
	case typ == "AssumedRole":
		return r.callerSession(c, i.at.time, parent)
	case isReservedSSO(ref.Role) && (typ == "AWSService" || typ == "SAMLUser" || a.kind == assumeSAML):
		return found(origin{kind: KindSSO, name: ref.Session}, "", Proven)
	case typ == "AWSService" || typ == "" && c.invokedBy != 0:
		return r.callerService(i, ref, found)
	case typ == "IAMUser" || typ == "Role":
		if o, ok := r.userOrigin(c); ok {
			return found(o, "", Proven)
		}
	case typ == "Root":
		return found(origin{KindRoot, r.text[c.account], ""}, "", Proven)
	case typ == "FederatedUser":
		if o, ok := userARNOrigin(r.text[c.issuer]); ok {
			return found(o, "", Proven)
		}
	case typ == "SAMLUser" || a.kind == assumeSAML:
		name := cmp.Or(r.text[c.user], r.text[a.subject])
		if name == "" || strings.EqualFold(r.text[a.subjectType], "transient") {
			name = ref.Session // a transient subject is another at each login
		}
		return found(origin{kind: KindSAML, name: name}, "", Proven)
	case typ == "WebIdentityUser" || a.kind == assumeWeb:
		provider := cmp.Or(r.text[c.provider], r.text[a.provider])
		subject := cmp.Or(r.text[c.user], r.text[a.subject])
		if o, ok := webOrigin(ref.Account, provider, subject); ok {
			res := found(o, "", Proven, Evidence{Type: "web-identity", EventID: r.eventText(a.at), Detail: "subject " + subject + " of " + provider})
			res.parent = "" // each token opens a session of its own
			return res
		}
	case typ == "IdentityCenterUser" || c.onBehalfOf != 0:
		return found(origin{kind: KindSSO, name: r.identityCenterUser(c.onBehalfOf)}, "", Recorded)
	case typ == "AWSAccount":
		return r.callerAccount(c, i, parent)
	}
	return found(origin{}, "", Unknown)
}

func (r *resolver) callerService(i *issuance, ref SessionRef, found func(origin, string, Confidence, ...Evidence) *resolution) *resolution {
	a := i.best()
	principal := cmp.Or(r.text[a.caller.invokedBy], r.text[a.agent])
	var res *resolution
	if serviceLabel(principal) == "pods" {
		tags := map[string]string{}
		for _, t := range a.tags {
			tags[r.text[t.key]] = r.text[t.value]
		}
		if o, pod, ok := podOrigin(ref.Account, tags, ref.Session, r.clusters(ref.Account)); ok {
			res = found(o, pod, Proven)
		}
	}
	if res == nil {
		o, instance := serviceOrigin(principal, ref)
		res = found(o, instance, Proven)
	}
	// A service opens the sessions itself: how often is not the app's doing.
	res.parent = cmp.Or(res.instance, principal)
	return res
}

// clusters are the names of the EKS clusters that the logs show in an account.
func (r *resolver) clusters(account string) []string {
	if r.clusterOf != nil {
		return r.clusterOf[account]
	}
	sets := map[string]map[string]bool{}
	add := func(account, name sym) {
		a := r.text[account]
		if sets[a] == nil {
			sets[a] = map[string]bool{}
		}
		sets[a][r.text[name]] = true
	}
	for k := range r.pods {
		add(k.account, k.cluster)
	}
	for _, a := range r.assumes {
		for _, t := range a.tags {
			if r.text[t.key] == "eks-cluster-name" {
				add(a.recipient, t.value)
			}
		}
	}
	r.clusterOf = map[string][]string{}
	for a, names := range sets {
		r.clusterOf[a] = sortedKeys(names)
	}
	return r.clusterOf[account]
}

// callerSession climbs to the session that made the assume event.
func (r *resolver) callerSession(c *ident, at int64, parent string) *resolution {
	up := r.resolve(r.sessionOf(c), at)
	res := &resolution{
		origin: up.origin, confidence: up.confidence, instance: up.instance, parent: parent,
		chain: slices.Clone(up.chain), evidence: slices.Clone(up.evidence), through: slices.Clone(up.through),
	}
	ref, ok := ParseSessionARN(r.text[c.arn])
	if !ok {
		return res
	}
	role := origin{KindRole, ref.Account, ref.Role}
	if up.confidence == Unknown {
		res.origin, res.confidence, res.instance = role, Recorded, ""
		return res
	}
	res.through = append(res.through, role)
	return res
}

// sessionOf finds the session of a caller's credential among those in use, or
// makes one of what the assume event shows.
func (r *resolver) sessionOf(c *ident) *session {
	k := useKey{arn: c.arn, key: c.key, issuerID: c.issuerID, created: c.created}
	if s := r.byUse[k]; s != nil && len(s.several) == 0 {
		return s
	}
	if s := r.parents[k]; s != nil {
		return s
	}
	s := &session{name: c.arn, key: c.key, created: c.created, roleID: c.issuerID, idents: []*ident{c}}
	if c.console || c.invokedBy != 0 {
		s.key = 0
		if c.key != 0 && len(r.joinKey(c.arn, c.key, c.issuerID, c.created, c.created)) > 0 {
			s.key = c.key
		}
	}
	r.parents[k] = s
	return s
}

// callerAccount judges a caller of whom the owner's copy shows only the account
// and a principal id.
func (r *resolver) callerAccount(c *ident, i *issuance, parent string) *resolution {
	account := r.text[c.account]
	principal := r.text[c.principal]
	id, session, isSession := SplitPrincipalID(principal)
	if !isSession {
		id = principal
	}
	res := &resolution{parent: parent, confidence: Recorded}
	r.need(account, i.at.time, i.key, i.at.time)
	if arn, ok := r.userIDs[r.sym(id)]; ok && r.read[c.account] {
		if o, ok := userARNOrigin(r.text[arn]); ok {
			res.origin, res.confidence = o, Proven
			res.evidence = []Evidence{{Type: "principal-id", Detail: id + " is " + r.text[arn] + " elsewhere in the logs"}}
			return res
		}
	}
	if known, ok := r.roleIDs[r.sym(id)]; ok && isSession {
		if role, ok := ParseRoleARN(r.text[known.arn]); ok {
			res.evidence = []Evidence{{Type: "principal-id", Detail: id + " is " + r.text[known.arn] + " elsewhere in the logs"}}
			if up := r.onlyLive(SessionRef{role.Partition, role.Account, role.Name, session}, i.at.time); up != nil {
				res.origin, res.instance = up.origin, up.instance
				res.confidence = min(up.confidence, Inferred)
				res.chain = slices.Clone(up.chain)
				res.evidence = append(res.evidence, Evidence{Type: "principal-id", Detail: "the only session of that role and name at the time"})
				res.through = append(slices.Clone(up.through), origin{KindRole, role.Account, role.Name})
				return res
			}
			res.origin = origin{KindRole, role.Account, role.Name}
			return res
		}
	}
	if account == "" || id == "" {
		return &resolution{parent: parent}
	}
	if r.read[c.account] {
		// The caller is none of another's: the account's own log was read, and
		// its copy of the event, which would name the caller, is missing there.
		return &resolution{parent: parent, evidence: []Evidence{{
			Type: "missing-copy", EventID: r.eventText(i.best().at),
			Detail: "the log of account " + account + " was read and lacks its copy of the assume event by " + principal,
		}}}
	}
	res.origin = origin{KindExternal, account, id}
	return res
}

// sym finds a string that the store may hold, without adding it.
func (b *store) sym(v string) sym { return b.index[v] }

// onlyLive resolves the only session of a role and name that was alive at a
// moment; it gives nil where there is none, several, or one without an origin.
func (r *resolver) onlyLive(ref SessionRef, at int64) *resolution {
	name := r.sym(ref.ARN())
	if name == 0 {
		return nil
	}
	var live *session
	i, _ := slices.BinarySearchFunc(r.sessions, r.text[name], func(s *session, v string) int { return cmp.Compare(r.text[s.name], v) })
	for ; i < len(r.sessions) && r.sessions[i].name == name; i++ {
		s := r.sessions[i]
		if s.created == 0 || s.created > at || at > s.created+longestSession || len(s.several) > 0 {
			continue
		}
		if live != nil {
			return nil
		}
		live = s
	}
	if live == nil {
		return nil
	}
	if up := r.resolve(live, at); up.origin.known() {
		return up
	}
	return nil
}

// userOrigin is the origin of an IAM user's identity.
func (r *resolver) userOrigin(c *ident) (origin, bool) {
	if o, ok := userARNOrigin(r.text[c.arn]); ok {
		return o, true
	}
	if c.user != 0 && c.account != 0 {
		return origin{KindIAMUser, r.text[c.account], r.text[c.user]}, true
	}
	return origin{}, false
}

// userARNOrigin is the origin that the ARN of an IAM user or of an account's
// root names. The path of a user is no part of its name, which is unique in
// its account.
func userARNOrigin(arn string) (origin, bool) {
	_, account, resource, ok := splitARN(arn, "iam")
	if !ok {
		return origin{}, false
	}
	if resource == "root" {
		return origin{KindRoot, account, ""}, true
	}
	path, ok := strings.CutPrefix(resource, "user/")
	if !ok || path == "" {
		return origin{}, false
	}
	return origin{KindIAMUser, account, path[strings.LastIndexByte(path, '/')+1:]}, true
}

// recorded finds the origin that the calls themselves carry, set by AWS. Where
// they name two, neither is picked: the second result says so.
func (r *resolver) recorded(s *session, ref SessionRef) (res, conflict *resolution) {
	var all []*resolution
	add := func(i *ident, o origin, instance, typ, detail string) {
		for _, known := range all {
			if known.origin == o {
				return
			}
		}
		e := Evidence{Type: typ, Detail: detail}
		if i != nil {
			e.EventID = r.eventText(i.first)
		}
		all = append(all, &resolution{origin: o, instance: instance, confidence: Recorded, evidence: []Evidence{e}, parent: cmp.Or(instance, r.text[s.key])})
	}
	for _, i := range s.idents {
		if o, instance, ok := scopeOrigin(r.text[i.scopeTo], ref); ok {
			add(i, o, instance, "in-scope-of", "credentials issued to "+r.text[i.scopeTo])
		}
		if i.delivery != 0 {
			add(i, origin{KindEC2, ref.Account, ref.Role}, ref.Session, "ec2-role-delivery", "delivered by the instance metadata service, version "+r.text[i.delivery])
		}
	}
	issuer := r.issuerARN(s)
	principal, linked := serviceLinked(issuer, ref.Role)
	switch {
	case strings.HasPrefix(ref.Role, "aws:ec2-"):
		add(nil, origin{KindEC2, ref.Account, ref.Role}, ref.Session, "role", "a role that EC2 gives its own instances")
	case isReservedSSO(ref.Role):
		add(nil, origin{kind: KindSSO, name: ref.Session}, "", "identity-center", "role of an Identity Center permission set, named after its user")
	case linked:
		if principal == "" {
			principal = r.onlyInvoker(s)
		}
		if principal != "" {
			add(nil, origin{KindService, ref.Account, principal}, "", "service-linked-role", "only "+principal+" can assume "+ref.Role)
		}
	}
	if len(all) == 0 {
		for _, i := range s.idents {
			if o, ok := webOrigin(ref.Account, r.text[i.federated], r.text[i.federatedSub]); ok {
				add(i, o, "", "web-identity", "subject "+r.text[i.federatedSub]+" of "+r.text[i.federated])
			}
		}
	}
	if len(all) == 0 {
		for _, i := range s.idents {
			if i.onBehalfOf != 0 {
				user := r.identityCenterUser(i.onBehalfOf)
				add(i, origin{kind: KindSSO, name: user}, "", "on-behalf-of", "made on behalf of Identity Center user "+user)
			}
		}
	}
	if len(all) == 0 {
		for _, u := range s.uses {
			for _, f := range u.switches {
				if up := r.switched(f, s); up != nil {
					all = append(all, up)
				}
			}
		}
	}
	switch len(all) {
	case 0:
		return nil, nil
	case 1:
		return all[0], nil
	}
	if o := sameKindOrigin(all); o != nil {
		return o, nil
	}
	return nil, r.neither(all)
}

// sameKindOrigin picks between the role and the function or task of one kind:
// the one that says more.
func sameKindOrigin(all []*resolution) *resolution {
	if len(all) == 2 && all[0].origin.kind == all[1].origin.kind && all[0].origin.kind == KindEC2 {
		return all[0]
	}
	return nil
}

// switched is the origin of a console session that a role switch began:
// additionalEventData.SwitchFrom is the ARN it came from.
func (r *resolver) switched(f fact, s *session) *resolution {
	from := r.text[f.value]
	e := Evidence{Type: "switch-from", EventID: r.eventText(f.first), Detail: "switched role from " + from}
	if o, ok := userARNOrigin(from); ok {
		return &resolution{origin: o, confidence: Recorded, evidence: []Evidence{e}, parent: from,
			chain: []Link{{Principal: from, EventID: e.EventID, EventTime: r.utc(f.first.time)}}}
	}
	ref, ok := ParseSessionARN(from)
	if !ok || f.value == s.name {
		return nil
	}
	res := &resolution{origin: origin{KindRole, ref.Account, ref.Role}, confidence: Recorded, parent: from}
	if up := r.onlyLive(ref, f.first.time); up != nil {
		res.origin, res.confidence = up.origin, min(up.confidence, Recorded)
		res.chain, res.through = slices.Clone(up.chain), append(slices.Clone(up.through), origin{KindRole, ref.Account, ref.Role})
	} else if isReservedSSO(ref.Role) {
		res.origin = origin{kind: KindSSO, name: ref.Session}
	}
	res.evidence = []Evidence{e}
	res.chain = append(res.chain, Link{Principal: from, EventID: e.EventID, EventTime: r.utc(f.first.time)})
	return res
}

// scopeOrigin is the resource that inScopeOf.credentialsIssuedTo names.
func scopeOrigin(arn string, ref SessionRef) (o origin, instance string, ok bool) {
	parts := strings.SplitN(arn, ":", 6)
	if len(parts) != 6 || parts[0] != "arn" {
		return origin{}, "", false
	}
	account, resource := parts[4], parts[5]
	switch parts[2] {
	case "lambda":
		name, found := strings.CutPrefix(resource, "function:")
		if !found || name == "" {
			return origin{}, "", false
		}
		name, _, _ = strings.Cut(name, ":") // version or alias
		return origin{KindLambda, account, name}, "", true
	case "ec2":
		id, found := strings.CutPrefix(resource, "instance/")
		return origin{KindEC2, ref.Account, ref.Role}, id, found && id != ""
	case "ecs":
		if !strings.HasPrefix(resource, "task/") {
			return origin{}, "", false
		}
		return origin{KindECS, ref.Account, ref.Role}, resource[strings.LastIndexByte(resource, '/')+1:], true
	case "codebuild":
		kind, name, _ := strings.Cut(resource, "/")
		name, _, _ = strings.Cut(name, ":")
		return origin{"codebuild", account, name}, "", (kind == "project" || kind == "build") && name != ""
	}
	return origin{}, "", false
}

func (r *resolver) onlyInvoker(s *session) string {
	var only sym
	for _, i := range s.idents {
		if i.invokedBy != 0 {
			if only != 0 && only != i.invokedBy {
				return ""
			}
			only = i.invokedBy
		}
	}
	return r.text[only]
}

// identityCenterUser names an Identity Center user id, by the user name where
// some session showed both.
func (r *resolver) identityCenterUser(id sym) string {
	if name := r.people[id]; name != 0 {
		return r.text[name]
	}
	return r.text[id]
}

// corroborate holds what the calls carry against what the assume events say.
func (r *resolver) corroborate(res, recorded *resolution, s *session) {
	if recorded != nil {
		switch {
		case recorded.origin == res.origin:
			res.evidence = append(res.evidence, recorded.evidence...)
			res.instance = cmp.Or(res.instance, recorded.instance)
		case recorded.origin.kind == res.origin.kind && res.confidence == Proven:
			// The event names a session, the calls name the resource: the name
			// that AWS gives the resource is the surer one.
			res.origin, res.instance = recorded.origin, recorded.instance
			res.evidence = append(res.evidence, recorded.evidence...)
		case recorded.origin.kind == KindSSO && !isReservedSSO(roleOf(r.text[s.name])):
			// An app that works on behalf of a person: the app is the origin.
			res.evidence = append(res.evidence, recorded.evidence...)
		default:
			res.confidence = min(res.confidence, Inferred)
			for _, e := range recorded.evidence {
				e.Detail = "contradicts: " + e.Detail
				e.Type = "contradiction"
				res.evidence = append(res.evidence, e)
			}
		}
	}
	for _, i := range s.idents {
		if i.sourceIdentity != 0 {
			res.evidence = append(res.evidence, Evidence{Type: "source-identity", EventID: r.eventText(i.first), Detail: "source identity " + r.text[i.sourceIdentity]})
			break
		}
	}
}

func roleOf(sessionARN string) string {
	ref, _ := ParseSessionARN(sessionARN)
	return ref.Role
}

// shared is the resolution of calls that several sessions could have made:
// what all of them share, never surer than inferred.
func (r *resolver) shared(s *session, use int64) *resolution {
	var all []*resolution
	for _, c := range s.several {
		all = append(all, r.resolve(c, use))
	}
	return r.common(all)
}

// candidates is the resolution of a session that several assume events could
// have issued.
func (r *resolver) candidates(list []*issuance, ref SessionRef) *resolution {
	var all []*resolution
	for _, i := range list {
		i.used = true
		res := r.caller(i, ref)
		res.evidence = append([]Evidence{{Type: "candidate", EventID: r.eventText(i.best().at), Detail: "may have issued it, for " + res.origin.id()}}, res.evidence...)
		all = append(all, res)
	}
	return r.common(all)
}

// common is what candidates share: their origin where all have the same one.
func (r *resolver) common(all []*resolution) *resolution {
	first := all[0]
	for _, res := range all[1:] {
		if res.origin != first.origin || res.confidence == Unknown {
			return r.neither(all)
		}
	}
	if !first.origin.known() {
		return r.neither(all)
	}
	res := &resolution{origin: first.origin, confidence: min(first.confidence, Inferred)}
	for _, a := range all {
		res.confidence = min(res.confidence, a.confidence)
		res.evidence = append(res.evidence, a.evidence...)
	}
	return res
}

// neither is the unknown origin, with the candidates that were not picked.
func (r *resolver) neither(all []*resolution) *resolution {
	res := &resolution{}
	for _, a := range all {
		for _, e := range a.evidence {
			if e.Type != "candidate" {
				e = Evidence{Type: "candidate", EventID: e.EventID, Detail: a.origin.id() + ": " + e.Detail}
			}
			res.evidence = append(res.evidence, e)
			break
		}
	}
	return res
}

// issuerARN is the role's ARN with its path, as the calls show it.
func (r *resolver) issuerARN(s *session) string {
	for _, u := range s.uses {
		if u.issuer != 0 {
			return r.text[u.issuer]
		}
	}
	for _, i := range s.idents {
		if i.issuer != 0 {
			return r.text[i.issuer]
		}
	}
	return ""
}

// principal names a caller: its ARN, service principal or principal id.
func (r *resolver) principal(c *ident) string {
	switch {
	case r.text[c.typ] == "AWSService":
		return cmp.Or(r.text[c.invokedBy], r.text[c.principal])
	case r.text[c.typ] == "WebIdentityUser", r.text[c.typ] == "SAMLUser":
		return cmp.Or(r.text[c.principal], r.text[c.user])
	}
	return cmp.Or(r.text[c.arn], r.text[c.principal], r.text[c.user], r.text[c.invokedBy], r.text[c.account])
}

func (r *resolver) utc(t int64) time.Time { return time.Unix(t, 0).UTC() }
