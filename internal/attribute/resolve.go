package attribute

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
)

// resolution is what is known about where a session came from.
type resolution struct {
	origin     origin
	confidence Confidence
	instance   string   // which copy of the app, where the origin runs several
	link       linkKind // the last link of its chain
	up         *session // whose chain comes before that link, nil at the root
	evidence   []Evidence
	parent     opener
	through    *route // the roles on the way
	issuance   *issuance
	// switchedIn is the account that a console's role switch came from.
	switchedIn string
}

// link says how a session was joined to its assume event.
type link struct {
	issuance *issuance
	limit    Confidence // the most that the join allows
	detail   string
}

// join is all that says who opened a session.
type join struct {
	link       *link
	candidates []*issuance // where several assume events are left
	// recorded is what the calls themselves say; conflict, where they say two
	// things.
	recorded, conflict *resolution
}

// resolveAll finds the origin of every session in use.
func (r *resolver) resolveAll() {
	for _, s := range r.sessions {
		r.resolve(s)
	}
	r.settled = true
}

// frame is a session on the way from a session to its root.
type frame struct {
	session *session
	join    join
	from    int // the frame of the session that led here
	low     int // the lowest frame that the session leads back to
}

// resolve finds the origin of a session. Chains can be long, since a role can
// assume itself over and over, so that the sessions on the way are kept on a
// stack of their own and resolved from the root on.
func (r *resolver) resolve(s *session) {
	stack := []frame{{session: s, low: math.MaxInt}}
	for len(stack) > 0 {
		top := len(stack) - 1
		f := &stack[top]
		s := f.session
		switch s.state {
		case unresolved:
			s.state, s.depth = resolving, int32(top)
			f.join = r.join(s)
			for _, p := range r.parentsOf(s, &f.join) {
				switch p.state {
				case unresolved:
					stack = append(stack, frame{session: p, from: top, low: math.MaxInt})
				case resolving:
					stack[top].low = min(stack[top].low, int(p.depth))
				}
			}
			continue
		case resolving:
			// A chain that runs in a circle has no root. Real ones cannot: each
			// link is older than the next.
			r.settle(s, &f.join, f.low <= top)
			stack[f.from].low = min(stack[f.from].low, f.low)
		}
		stack = stack[:top]
	}
}

// join looks for what says who opened a session.
func (r *resolver) join(s *session) (j join) {
	ref, _ := ParseSessionARN(r.text[s.name])
	j.recorded, j.conflict = r.recorded(s, ref)
	if !s.bundle {
		j.link, j.candidates = r.link(s)
	}
	return j
}

// trusts reports whether the session's link says more than its calls do.
func (j *join) trusts() bool {
	return j.link != nil && (j.link.limit == Proven || j.recorded == nil && j.conflict == nil)
}

// parentsOf are the sessions that a session's origin hangs on.
func (r *resolver) parentsOf(s *session, j *join) []*session {
	parents := slices.Clone(r.several[s])
	add := func(i *issuance) {
		c := i.best().caller
		switch r.text[c.typ] {
		case "AssumedRole":
			parents = append(parents, r.sessionOf(c))
		case "AWSAccount":
			if p := r.callerLive(c, i.at().time); p != nil {
				parents = append(parents, p)
			}
		}
	}
	switch {
	case j.trusts():
		add(j.link.issuance)
	case j.recorded == nil && j.conflict == nil && len(j.candidates) <= maxCandidates:
		for _, i := range j.candidates {
			add(i)
		}
	}
	for _, f := range r.switches(s) {
		if ref, ok := ParseSessionARN(r.text[f.value]); ok && f.value != s.name {
			if p := r.onlyLive(ref, f.first.time); p != nil {
				parents = append(parents, p)
			}
		}
	}
	return parents
}

// conclude says where a session came from, whose parents are resolved.
func (r *resolver) conclude(s *session, j *join, circle bool) *resolution {
	ref, _ := ParseSessionARN(r.text[s.name])
	if j.recorded == nil && j.conflict == nil {
		j.recorded = r.switched(s)
	}
	if s.bundle {
		res := r.shared(s)
		if j.recorded != nil && (res.origin == j.recorded.origin || !res.origin.known()) {
			return j.recorded
		}
		return res
	}
	switch {
	case circle:
	case j.trusts():
		return r.linked(s, ref, j)
	case len(j.candidates) > 1 && j.recorded == nil && j.conflict == nil:
		return r.candidates(j.candidates, ref)
	}
	if j.conflict != nil {
		return j.conflict
	}
	if j.recorded != nil {
		return j.recorded
	}
	return r.inferred(s, ref)
}

// linked is the resolution of a session whose assume event was found.
func (r *resolver) linked(s *session, ref SessionRef, j *join) *resolution {
	i := j.link.issuance
	if !r.settled {
		i.used = true
	}
	a := i.best()
	event := r.eventText(a.event)
	res := r.caller(i, ref)
	res.issuance, res.link = i, linkIssued
	res.evidence = slices.Concat([]Evidence{{Type: "assume-event", EventID: event, Detail: j.link.detail}}, res.evidence)
	res.confidence = min(res.confidence, j.link.limit)
	r.corroborate(res, cmp.Or(j.recorded, j.conflict), s)
	res.evidence = res.evidence[:min(len(res.evidence), maxEvidence)]
	return res
}

// usedAt is when a session was used first, or first led to another one: assume
// events further back from there than the look-back do not count. It does not
// depend on how the session was come upon.
func (r *resolver) usedAt(s *session) int64 {
	at := int64(maxTime)
	if span := r.span(s); span.calls > 0 {
		at = max(r.audit.since, span.first.time)
	}
	led := func(k useKey) {
		if t, ok := r.led[k]; ok {
			at = min(at, t)
		}
	}
	for u := range s.uses() {
		led(u.useKey)
	}
	if s.caller != nil {
		led(s.caller.useKey())
	}
	return at
}

// maxCandidates is how many assume events are looked at that could have issued
// one session. STS takes some hundred requests a second from an account, so that
// more come from logs whose names and times were made alike.
const maxCandidates = 256

// link finds the assume event of a session: by access key, or by name and time
// where there is a reason for the calls to carry another key. It also gives
// the candidates where several are left.
func (r *resolver) link(s *session) (*link, []*issuance) {
	role, _ := ParseSessionARN(r.text[s.name])
	use := r.usedAt(s)
	first := use
	if span := r.span(s); span.calls > 0 {
		first = span.first.time
	}
	believed := func(list []*issuance) []*issuance {
		list = slices.DeleteFunc(list, func(i *issuance) bool { return !r.audit.believes(i.at().time, use) })
		return r.narrow(r.notItself(list, s), s)
	}
	if s.key != 0 {
		found, off := r.joinKey(s.name, s.key, s.roleID, s.created, first)
		found = believed(found)
		if len(found) == 1 {
			l := &link{found[0], Proven, "issued the access key that the calls carry"}
			if (off != 0 || s.created == 0) && r.issuedTwice(s.key) {
				// A key that many sessions have says little, and the time does not
				// make up for it.
				l.limit, l.detail = Inferred, "issued the access key that the calls carry, as other events did"
			}
			return l, nil
		}
		if len(found) > 1 {
			return nil, found
		}
	}
	if s.created != 0 {
		r.need(role.Account, s.created, s.key, use)
	}
	reason := r.otherKeyReason(s, role)
	exact := r.joinTime(s.name, s.roleID, s.created, 0)
	if len(exact) > maxCandidates {
		return nil, exact
	}
	if exact = believed(exact); reason == "" {
		exact = unclaimed(exact)
	}
	if len(exact) > 1 {
		return nil, exact
	}
	if len(exact) == 1 && reason != "" {
		return &link{exact[0], Proven, "issued this role session at its creationDate; the calls carry another key: " + reason}, nil
	}
	near := r.joinTime(s.name, s.roleID, s.created, skew)
	if len(near) > maxCandidates {
		return nil, near
	}
	if near = unclaimed(believed(near)); len(near) == 1 {
		return &link{near[0], Inferred, "issued a session of this role and name at the time of its creationDate, but with another key"}, nil
	}
	return nil, near
}

// issuedTwice reports whether several events issued a key.
func (r *resolver) issuedTwice(key sym) bool {
	list := r.byKey.of(key)
	return slices.ContainsFunc(list, func(m moment) bool { return m.issuance() != list[0].issuance() })
}

// unclaimed leaves out the issuances of which the session is known: its calls
// carry the key that was issued.
func unclaimed(list []*issuance) []*issuance {
	return slices.DeleteFunc(list, func(i *issuance) bool { return i.claimed })
}

// notItself leaves out an assume event that the session itself made, where
// there are others: where keys were replaced, a session that assumes its own
// role in the second in which it began looks like its own issuer.
func (r *resolver) notItself(list []*issuance, s *session) []*issuance {
	if len(list) < 2 {
		return list
	}
	own := func(i *issuance) bool {
		c := i.best().caller
		return r.text[c.typ] == "AssumedRole" && r.sessionOf(c) == s
	}
	if slices.ContainsFunc(list, func(i *issuance) bool { return !own(i) }) {
		list = slices.DeleteFunc(list, own)
	}
	return list
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
	for u := range s.uses() {
		switch {
		case u.console:
			return "a console session"
		case u.key == 0:
			return "no key is logged"
		}
	}
	for i := range s.idents() {
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
	if len(list) < 2 || len(list) > maxCandidates {
		return list
	}
	var id sym
	for i := range s.idents() {
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
	// Without a key, nothing tells one copy of the caller from another.
	parent := opener{}
	if c.key != 0 {
		parent = opener{key: c.key, who: cmp.Or(c.arn, c.principal), created: c.created, form: openedByCredential}
	}
	found := func(o origin, instance string, conf Confidence, evidence ...Evidence) *resolution {
		return &resolution{origin: o, instance: instance, confidence: conf, evidence: evidence, parent: parent}
	}
	switch {
	case typ == "AssumedRole":
		return r.callerSession(c, parent)
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
		res := found(origin{kind: KindSAML, name: name}, "", Proven)
		res.parent = opener{} // each sign-in opens a session of its own
		return res
	case typ == "WebIdentityUser" || a.kind == assumeWeb:
		provider := cmp.Or(r.text[c.provider], r.text[a.provider])
		subject := cmp.Or(r.text[c.user], r.text[a.subject])
		if o, ok := webOrigin(ref.Account, provider, subject); ok {
			res := found(o, "", Proven, Evidence{Type: "web-identity", EventID: r.eventText(a.event), Detail: "subject " + subject + " of " + provider})
			res.parent = opener{} // each token opens a session of its own
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
	principal := r.text[a.caller.invokedBy]
	for _, v := range []sym{a.agent, a.ip} { // which AWS sets to the service too
		if principal == "" && serviceLabel(r.text[v]) != "" {
			principal = r.text[v]
		}
	}
	if principal == "" {
		return found(origin{}, "", Unknown)
	}
	var res *resolution
	if serviceLabel(principal) == "pods" {
		tags := map[string]string{}
		for key, value := range eachTag(r.text[a.tags]) {
			tags[key] = value
		}
		if o, pod, sure, ok := podOrigin(ref.Account, tags, ref.Session, r.clusters(ref.Account)); ok {
			if res = found(o, pod, Proven); !sure {
				res.confidence = Inferred
				res.evidence = []Evidence{{Type: "inferred", Detail: "the session's name may be parted into cluster and pod in another place"}}
			}
		}
	}
	if res == nil {
		o, instance := serviceOrigin(principal, ref)
		res = found(o, instance, Proven)
	}
	// A service opens the sessions itself: how often is not the app's doing.
	res.parent = r.openedBy(cmp.Or(res.instance, principal), i.name)
	return res
}

// clusters are the names of the EKS clusters that the logs show in an account.
func (r *resolver) clusters(account string) []string {
	if r.clusterOf != nil {
		return r.clusterOf[account]
	}
	sets := map[string]map[string]bool{}
	add := func(account sym, name string) {
		a := r.text[account]
		if sets[a] == nil {
			sets[a] = map[string]bool{}
		}
		sets[a][name] = true
	}
	for k := range r.pods {
		add(k.account, r.text[k.cluster])
	}
	for a := range r.assumes.all() {
		if serviceLabel(r.text[a.caller.invokedBy]) != "pods" {
			continue // a tag that somebody else chose
		}
		for key, value := range eachTag(r.text[a.tags]) {
			if key == "eks-cluster-name" {
				add(a.recipient, value)
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
func (r *resolver) callerSession(c *ident, parent opener) *resolution {
	res := r.recall(r.sessionOf(c))
	res.parent = parent
	ref, ok := ParseSessionARN(r.text[c.arn])
	if !ok {
		return res
	}
	role := origin{KindRole, ref.Account, ref.Role}
	if res.confidence == Unknown {
		res.origin, res.confidence, res.instance = role, Recorded, ""
		return res
	}
	res.through = r.with(res.through, role)
	return res
}

// sessionOf finds the session of a caller's credential among those in use, or
// makes one of what the assume event shows.
func (r *resolver) sessionOf(c *ident) *session {
	k := c.useKey()
	if u := r.uses.find(k); u != nil && u.session != nil && !u.session.bundle {
		return u.session
	}
	if s := r.parents[k]; s != nil {
		return s
	}
	s := &session{name: c.arn, key: c.key, created: c.created, roleID: c.issuerID, caller: c}
	if c.console || c.invokedBy != 0 {
		s.key = 0
		if found, _ := r.joinKey(c.arn, c.key, c.issuerID, c.created, r.led[k]); len(found) > 0 {
			s.key = c.key
		}
	}
	if !r.settled {
		r.parents[k] = s
	}
	return s
}

// callerRole is the role and session that the principal id of a foreign caller
// stands for, where the id was seen elsewhere.
func (r *resolver) callerRole(c *ident) (ref SessionRef, arn string, ok bool) {
	id, session, ok := SplitPrincipalID(r.text[c.principal])
	if !ok {
		return ref, "", false
	}
	arn = r.text[r.roleIDs[r.sym(id)].arn]
	role, ok := ParseRoleARN(arn)
	return SessionRef{role.Partition, role.Account, role.Name, session}, arn, ok
}

// callerLive is the only session that a foreign caller can have been, nil where
// there is none or several.
func (r *resolver) callerLive(c *ident, at int64) *session {
	ref, _, ok := r.callerRole(c)
	if !ok {
		return nil
	}
	return r.onlyLive(ref, at)
}

// callerAccount judges a caller of whom the owner's copy shows only the account
// and a principal id.
func (r *resolver) callerAccount(c *ident, i *issuance, parent opener) *resolution {
	account := r.text[c.account]
	principal := r.text[c.principal]
	id, session, isSession := SplitPrincipalID(principal)
	if !isSession {
		id = principal
	}
	res := &resolution{parent: parent, confidence: Recorded}
	if FormOf(session).ID == "ec2-instance" {
		res.parent = r.openedBy(principal, i.name) // one instance, whatever keys it had
	}
	r.need(account, i.at().time, i.key, i.at().time)
	if arn := r.userIDs[r.sym(id)]; arn != 0 && r.read[c.account] {
		if o, ok := userARNOrigin(r.text[arn]); ok {
			res.origin, res.confidence = o, Proven
			res.evidence = []Evidence{{Type: "principal-id", Detail: id + " is " + r.text[arn] + " elsewhere in the logs"}}
			return res
		}
	}
	if ref, arn, ok := r.callerRole(c); ok {
		res.evidence = []Evidence{{Type: "principal-id", Detail: id + " is " + arn + " elsewhere in the logs"}}
		role := origin{KindRole, ref.Account, ref.Role}
		if live := r.onlyLive(ref, i.at().time); live != nil && r.known(live).origin.known() {
			up := r.known(live)
			res.origin, res.instance = *up.origin, r.instance(live)
			res.confidence = min(up.confidence, Inferred)
			res.up, res.through = live, r.with(up.through, role)
			res.evidence = append(res.evidence, Evidence{Type: "principal-id", Detail: "the only session of that role and name at the time"})
			return res
		}
		res.origin = role
		return res
	}
	if account == "" || id == "" {
		return &resolution{parent: parent}
	}
	if r.read[c.account] {
		// The caller is none of another's: the account's own log was read, and
		// its copy of the event, which would name the caller, is missing there.
		return &resolution{parent: parent, evidence: []Evidence{{
			Type: "missing-copy", EventID: r.eventText(i.at()),
			Detail: "the log of account " + account + " was read and lacks its copy of the assume event by " + principal,
		}}}
	}
	res.origin = origin{KindExternal, account, id}
	return res
}

// sym finds a string that the store may hold, without adding it.
func (b *store) sym(v string) sym {
	s, _ := b.find(v)
	return s
}

// onlyLive finds the only session of a role and name that was alive at a
// moment; it gives nil where there is none or several.
func (r *resolver) onlyLive(ref SessionRef, at int64) *session {
	name := r.sym(ref.ARN())
	if name == 0 {
		return nil
	}
	type bound struct {
		name    string
		created int64
	}
	i, _ := slices.BinarySearchFunc(r.sessions, bound{r.text[name], max(at-longestSession, 1)}, func(s *session, v bound) int {
		return cmp.Or(cmp.Compare(r.text[s.name], v.name), cmp.Compare(s.created, v.created))
	})
	var live *session
	for ; i < len(r.sessions) && r.sessions[i].name == name && r.sessions[i].created <= at; i++ {
		if r.sessions[i].bundle {
			continue
		}
		if live != nil {
			return nil
		}
		live = r.sessions[i]
	}
	return live
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
		all = append(all, &resolution{origin: o, instance: instance, confidence: Recorded, evidence: []Evidence{e}, parent: r.openedBy(cmp.Or(instance, r.text[s.key]), s.name)})
	}
	for i := range s.idents() {
		if o, instance, ok := scopeOrigin(r.text[i.scopeTo], ref); ok {
			add(i, o, instance, "in-scope-of", "credentials issued to "+r.text[i.scopeTo])
		}
		if i.delivery != 0 {
			add(i, origin{KindEC2, ref.Account, ref.Role}, ref.Session, "ec2-role-delivery", "delivered by the instance metadata service, version "+r.text[i.delivery])
			if i.federated != 0 { // which no session of an instance has
				o, _ := webOrigin(ref.Account, r.text[i.federated], r.text[i.federatedSub])
				add(i, o, "", "web-identity", "opened with a token of "+r.text[i.federated])
			}
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
		for i := range s.idents() {
			if o, ok := webOrigin(ref.Account, r.text[i.federated], r.text[i.federatedSub]); ok {
				add(i, o, "", "web-identity", "subject "+r.text[i.federatedSub]+" of "+r.text[i.federated])
			}
		}
	}
	if len(all) == 0 {
		for i := range s.idents() {
			if i.onBehalfOf != 0 {
				user := r.identityCenterUser(i.onBehalfOf)
				add(i, origin{kind: KindSSO, name: user}, "", "on-behalf-of", "made on behalf of Identity Center user "+user)
			}
		}
	}
	switch len(all) {
	case 0:
		return nil, nil
	case 1:
		return all[0], nil
	}
	return nil, r.neither(all)
}

// switches are the ARNs that the session's console was in before, the first
// switch first.
func (r *resolver) switches(s *session) []fact {
	var all []fact
	for u := range s.uses() {
		if u.moved {
			all = append(all, u.awake(&r.room).switches...)
		}
	}
	slices.SortFunc(all, func(a, b fact) int {
		return cmp.Or(r.compareRef(a.first, b.first), cmp.Compare(r.text[a.value], r.text[b.value]))
	})
	return all
}

// begun is the role switch by which a console session began.
func (r *resolver) begun(s *session) (fact, bool) {
	for _, f := range r.switches(s) {
		from := r.text[f.value]
		if _, ok := userARNOrigin(from); ok {
			return f, true
		}
		if _, ok := ParseSessionARN(from); ok && f.value != s.name {
			return f, true
		}
	}
	return fact{}, false
}

// switched is the origin of a console session that a role switch began:
// additionalEventData.SwitchFrom is the ARN it came from.
func (r *resolver) switched(s *session) *resolution {
	f, ok := r.begun(s)
	if !ok {
		return nil
	}
	from := r.text[f.value]
	res := &resolution{confidence: Recorded, link: linkSwitched, evidence: []Evidence{{Type: "switch-from", EventID: r.eventText(f.first), Detail: "switched role from " + from}}}
	if o, ok := userARNOrigin(from); ok {
		res.origin, res.switchedIn = o, o.account
		return res
	}
	ref, _ := ParseSessionARN(from)
	res.origin, res.switchedIn = origin{KindRole, ref.Account, ref.Role}, ref.Account
	if live := r.onlyLive(ref, f.first.time); live != nil && r.known(live).origin.known() {
		up := r.known(live)
		res.through = r.with(up.through, res.origin)
		res.origin, res.instance, res.confidence, res.up = *up.origin, r.instance(live), min(up.confidence, Recorded), live
	} else if isReservedSSO(ref.Role) {
		res.origin = origin{kind: KindSSO, name: ref.Session}
	}
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
	for i := range s.idents() {
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
		case res.origin.kind == KindExternal && recorded.switchedIn == res.origin.account:
			// The owner's copy shows an id of the account that the switch names more of.
			res.origin, res.instance, res.link, res.up = recorded.origin, recorded.instance, recorded.link, recorded.up
			res.evidence = append(res.evidence, recorded.evidence...)
		case recorded.origin.kind == KindRole && slices.Contains(res.through.roles(), recorded.origin):
			res.evidence = append(res.evidence, recorded.evidence...)
		case recorded.origin.kind == KindSSO && !isReservedSSO(roleOf(r.text[s.name])):
			// An app that works on behalf of a person: the app is the origin.
			res.evidence = append(res.evidence, recorded.evidence...)
		case recorded.origin.kind == res.origin.kind && res.through == nil:
			// The event names a session, the calls name the resource: the name
			// that AWS gives the resource is the surer one.
			res.origin, res.instance = recorded.origin, recorded.instance
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
	for i := range s.idents() {
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
func (r *resolver) shared(s *session) *resolution {
	var all []*resolution
	for _, c := range r.several[s] {
		all = append(all, r.recall(c))
	}
	return r.common(all)
}

// candidates is the resolution of a session that several assume events could
// have issued.
func (r *resolver) candidates(list []*issuance, ref SessionRef) *resolution {
	if len(list) > maxCandidates {
		first := list[0].best()
		return &resolution{evidence: []Evidence{{Type: "candidate", EventID: r.eventText(first.event), Detail: fmt.Sprintf("one of more than %d events that may have issued it", maxCandidates)}}}
	}
	var all []*resolution
	for _, i := range list {
		i.used = true
		res := r.caller(i, ref)
		res.evidence = slices.Concat([]Evidence{{Type: "candidate", EventID: r.eventText(i.at()), Detail: "may have issued it, for " + res.origin.id()}}, res.evidence)
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
		for _, e := range a.evidence {
			if len(res.evidence) < maxEvidence {
				res.evidence = append(res.evidence, e)
			}
		}
	}
	return res
}

// neither is the unknown origin, with the candidates that were not picked.
func (r *resolver) neither(all []*resolution) *resolution {
	res := &resolution{}
	for _, a := range all[:min(len(all), maxEvidence)] {
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
	for u := range s.uses() {
		if u.issuer != 0 {
			return r.text[u.issuer]
		}
	}
	for i := range s.idents() {
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
