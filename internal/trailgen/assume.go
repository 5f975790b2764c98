package trailgen

import "strconv"

// tag is a session tag.
type tag struct{ key, value string }

// request is what a caller asks STS for.
type request struct {
	role       *role
	name       string
	duration   int64  // durationSeconds; 0 leaves it out and gives an hour
	region     string // of the STS endpoint
	global     bool   // the global endpoint, whose events are logged in us-east-1
	externalID string
	// sourceIdentity and tags are set by this request; those of the caller are
	// taken over by themselves.
	sourceIdentity string
	tags           []tag
	transitive     bool // every tag is transitive
	// bare leaves assumedRoleUser out of the response, as Lambda and EC2 do.
	bare bool
	// unlogged makes a session whose assume event no account of the trail holds.
	unlogged bool
	// expires is when the credential ends where the service decides that.
	expires int64
	// keyless makes a session whose calls carry no access key.
	keyless bool
	// otherKey gives the calls another key than the issued one, as Identity
	// Center does.
	otherKey bool
	// key reuses an access key id that was issued before.
	key string
	// agent is the user agent of the request; empty takes the caller's.
	agent string
	// use is where the session is used; zero takes the place of the caller.
	use place
}

// caller is who asks: exactly one of service, user, session, root, saml, web.
type caller struct {
	service string // a service principal
	user    *user
	session *credential
	root    *account
	saml    *samlUser
	web     *webIdentity

	userKey string // of a user who asks with a session of GetSessionToken
}

// samlUser is a person of a SAML provider, or of Identity Center.
type samlUser struct {
	name      string
	provider  string // ARN of the provider
	qualifier string
	issuer    string
	ip, agent string
}

// webIdentity is a subject of an OpenID Connect provider.
type webIdentity struct {
	provider  string // ARN of the provider, or the host of one that AWS knows
	audience  string
	subject   string
	inToken   bool // later calls carry the subject in webIdFederationData
	ip, agent string
}

// assume issues a credential: it writes the assume event, the caller's and the
// owner's copy where these are two accounts, and tells the truth about it.
func (w *world) assume(t int64, by caller, q request) *credential {
	c := &credential{role: q.role, name: q.name, created: t, place: q.use}
	duration := q.duration
	if duration == 0 {
		duration = 3600
	}
	c.expires = t + duration
	if q.expires != 0 {
		c.expires = q.expires
	}
	c.key = q.key
	if c.key == "" {
		c.key = w.ids.unique("ASIA", q.role.account.id)
	}
	c.issued = c.key
	switch {
	case q.keyless:
		c.key = ""
	case q.otherKey:
		c.key = w.ids.unique("ASIA", q.role.account.id)
	}

	r := record{time: t, source: "sts.amazonaws.com", name: "AssumeRole", region: q.region}
	owner := q.role.account
	from := owner // the account of the caller
	switch {
	case by.service != "":
		r.identity = serviceIdentity(by.service)
		r.ip, r.agent = by.service, by.service
		r.version = "1.08"
		r.sharedID = w.ids.uuid()
	case by.user != nil:
		from = by.user.account
		key := by.user.key
		if by.userKey != "" {
			key = by.userKey
		}
		r.identity = by.user.identity(key)
		r.ip, r.agent = by.user.ip, by.user.agent
		c.origin = origin{"iam-user", from.id + "/" + by.user.name}
		if c.place == (place{}) {
			c.place = place{q.region, by.user.ip, by.user.agent}
		}
	case by.root != nil:
		from = by.root
		r.identity = rootIdentity(from.id)
		r.ip, r.agent = w.officeIP, browserAgent
		c.origin = origin{"root", from.id}
		if c.place == (place{}) {
			c.place = place{q.region, r.ip, r.agent}
		}
	case by.session != nil:
		p := by.session
		from = p.role.account
		r.identity = p.identity(p.key, p.invokedBy)
		r.ip, r.agent = p.place.ip, p.place.agent
		c.parent, c.origin, c.instance = p, p.origin, p.instance
		c.sourceIdentity = p.sourceIdentity
		if c.place == (place{}) {
			c.place = p.place
		}
		if duration > 3600 {
			// A chained session lasts an hour at most.
			duration = 3600
			c.expires = t + duration
		}
	case by.saml != nil:
		r.name = "AssumeRoleWithSAML"
		s := by.saml
		r.identity = appendMember([]byte(`{"type":"SAMLUser"`), "principalId", s.qualifier+":"+s.name)
		r.identity = appendMember(r.identity, "userName", s.name)
		r.identity = append(appendMember(r.identity, "identityProvider", s.qualifier), '}')
		r.ip, r.agent = s.ip, s.agent
	case by.web != nil:
		r.name = "AssumeRoleWithWebIdentity"
		s := by.web
		r.identity = appendMember([]byte(`{"type":"WebIdentityUser"`), "principalId", s.provider+":"+s.audience+":"+s.subject)
		r.identity = appendMember(r.identity, "userName", s.subject)
		r.identity = append(appendMember(r.identity, "identityProvider", s.provider), '}')
		r.ip, r.agent = s.ip, s.agent
		c.provider = s.provider
		if s.inToken {
			c.providerSub = s.subject
		}
	}
	if q.agent != "" {
		r.agent = q.agent
	}
	if q.sourceIdentity != "" {
		c.sourceIdentity = q.sourceIdentity
	}
	if !from.read && from != owner {
		// Nobody can see more of this caller than its principal id.
		id := from.id
		if by.user != nil {
			id = by.user.id
		} else if by.session != nil {
			id = by.session.role.id
		}
		c.origin = origin{"external", from.id + "/" + id}
		c.instance = ""
	}

	r.request = w.appendRequest(by, q)
	r.response = w.appendResponse(c, by, q, c.issued)
	r.resources = appendRoleResource(q.role, by)
	if by.service == "" {
		r.tlsHost = "sts." + q.region + ".amazonaws.com"
		endpoint := "regional"
		if q.global {
			r.region, r.tlsHost, endpoint = "us-east-1", "sts.amazonaws.com", "global"
		}
		r.extra = w.stsExtra(t, q.region, endpoint, by.web != nil)
	}
	r.requestID = w.ids.uuid()
	r.id = w.ids.uuid()

	cross, ownerID := from != owner, ""
	if cross {
		r.sharedID = w.ids.uuid()
		ownerID = w.ids.ownerUUID()
	}
	// Draw for both copies whether or not they exist, and count what is left
	// out: leaving events out must not change anything else.
	callerCopy, ownerCopy := from.read && !q.unlogged, cross && owner.read && !q.unlogged
	if lost := w.lose(); lost && callerCopy {
		callerCopy = false
		w.emitted++
	}
	if lost := w.lose(); lost && ownerCopy {
		ownerCopy = false
		w.emitted++
	}
	if callerCopy {
		own := r
		own.recipient = from.id
		w.emit(&own)
		w.countAssume(t, true)
		if by.session != nil {
			w.truthCall(by.session, &own, by.session.key, "", "")
		}
	}
	if ownerCopy {
		theirs := r
		theirs.recipient = owner.id
		theirs.id = ownerID
		theirs.identity = foreignIdentity(from.id, foreignPrincipal(by))
		w.emit(&theirs)
		w.countAssume(t, !callerCopy)
	}
	if (callerCopy || ownerCopy) && w.inWindow(t) {
		c.unused = true
		w.truth.summary.UnusedSessions++
	}
	c.witnessed = callerCopy || ownerCopy
	c.complete = callerCopy || ownerCopy && !from.read
	c.chainStart = t
	if p := c.parent; p != nil && from.read {
		c.complete = c.complete && p.complete
		c.chainStart = p.chainStart
	}
	return c
}

func foreignPrincipal(by caller) string {
	switch {
	case by.user != nil:
		return by.user.id
	case by.session != nil:
		return by.session.principalID()
	default:
		return by.root.id
	}
}

func (w *world) appendRequest(by caller, q request) []byte {
	b := make([]byte, 0, 500)
	b = append(b, '{')
	if by.saml != nil {
		b = append(b, `"sAMLAssertionID":"_`...)
		b = w.ids.appendUUID(b)
		b = append(b, `",`...)
	}
	b = append(b, `"roleArn":`...)
	b = appendString(b, q.role.arn())
	b = appendMember(b, "roleSessionName", q.name)
	if q.externalID != "" {
		b = appendMember(b, "externalId", q.externalID)
	}
	if q.sourceIdentity != "" {
		b = appendMember(b, "sourceIdentity", q.sourceIdentity)
	}
	if by.saml != nil {
		b = appendMember(b, "principalArn", by.saml.provider)
	}
	if q.duration != 0 {
		b = append(b, `,"durationSeconds":`...)
		b = strconv.AppendInt(b, q.duration, 10)
	}
	if len(q.tags) > 0 && by.saml == nil && by.web == nil {
		b = append(b, `,"tags":[`...)
		for i, t := range q.tags {
			if i > 0 {
				b = append(b, ',')
			}
			b = append(b, `{"key":`...)
			b = appendString(b, t.key)
			b = append(appendMember(b, "value", t.value), '}')
		}
		b = append(b, ']')
	} else if len(q.tags) > 0 {
		b = append(b, `,"principalTags":{`...)
		for i, t := range q.tags {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendString(b, t.key)
			b = append(b, ':')
			b = appendString(b, t.value)
		}
		b = append(b, '}')
	}
	if q.transitive {
		b = append(b, `,"transitiveTagKeys":[`...)
		for i, t := range q.tags {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendString(b, t.key)
		}
		b = append(b, ']')
	}
	return append(b, '}')
}

func (w *world) appendResponse(c *credential, by caller, q request, key string) []byte {
	b := make([]byte, 0, 1600)
	b = append(b, `{"credentials":{"accessKeyId":"`...)
	b = append(b, key...)
	b = append(b, `","sessionToken":"`...)
	b = w.ids.appendSessionToken(b)
	b = append(b, `","expiration":"`...)
	b = appendExpiration(b, c.expires)
	b = append(b, `"}`...)
	if by.web != nil {
		b = appendMember(b, "subjectFromWebIdentityToken", by.web.subject)
	}
	if !q.bare {
		b = append(b, `,"assumedRoleUser":{"assumedRoleId":`...)
		b = appendString(b, c.principalID())
		b = append(appendMember(b, "arn", c.role.sessionARN(c.name)), '}')
	}
	switch {
	case by.web != nil:
		b = appendMember(b, "provider", by.web.provider)
		b = appendMember(b, "audience", by.web.audience)
	case by.saml != nil:
		b = appendMember(b, "subject", by.saml.name)
		b = appendMember(b, "subjectType", "persistent")
		b = appendMember(b, "issuer", by.saml.issuer)
		b = appendMember(b, "audience", "https://signin.aws.amazon.com/saml")
		b = appendMember(b, "nameQualifier", by.saml.qualifier)
	}
	if q.sourceIdentity != "" {
		b = appendMember(b, "sourceIdentity", q.sourceIdentity)
	}
	if len(q.tags) > 0 && by.saml == nil && by.web == nil {
		b = append(b, `,"packedPolicySize":`...)
		b = strconv.AppendInt(b, int64(4+len(q.tags)*6), 10)
	}
	return append(b, '}')
}

func appendRoleResource(r *role, by caller) []byte {
	b := append(make([]byte, 0, 300), `[{"accountId":"`...)
	b = append(b, r.account.id...)
	b = append(b, `","type":"AWS::IAM::Role"`...)
	b = append(appendMember(b, "ARN", r.arn()), '}')
	if by.saml != nil {
		b = append(b, `,{"accountId":"`...)
		b = append(b, r.account.id...)
		b = append(b, `","type":"AWS::IAM::SAMLProvider"`...)
		b = append(appendMember(b, "ARN", by.saml.provider), '}')
	}
	return append(b, ']')
}

// stsExtra is additionalEventData of the STS calls that a client makes.
func (w *world) stsExtra(t int64, region, endpoint string, web bool) []byte {
	b := append(make([]byte, 0, 250), '{')
	if web {
		b = append(b, `"identityProviderConnectionVerificationMethod":"IAMTrustStore",`...)
	}
	b = append(b, `"ExtendedRequestId":"`...)
	b = w.appendExtendedID(b, t, region)
	b = append(b, `","RequestDetails":{"endpointType":"`...)
	b = append(b, endpoint...)
	b = append(b, `","awsServingRegion":"`...)
	b = append(b, region...)
	return append(b, `"}}`...)
}
