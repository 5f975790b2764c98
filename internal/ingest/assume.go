package ingest

// decodeAssume fills Event.Assume from the parameters and results of the call.
// Session tokens stand among them and are skipped like everything else that
// nobody asks for.
//
// https://docs.aws.amazon.com/IAM/latest/UserGuide/cloudtrail-integration.html
func (d *decoder) decodeAssume() bool {
	d.assumed = true
	a := &d.ev.Assume
	return d.assumeRequest(d.request, a) && d.assumeResponse(d.response, a) && d.assumeDetails(d.details, a)
}

func (d *decoder) assumeRequest(v extent, a *Assume) bool {
	if d.object(v) == nil {
		return true
	}
	var tags, principalTags, transitiveTags extent
	p := v.start
	for p = d.first(p); p >= 0 && d.b[p] == '"'; p = d.next(p) {
		var name []byte
		if name, p = d.name(p); p < 0 {
			return false
		}
		var into *extent
		switch string(name) {
		case "roleArn":
			p = d.textInto(p, &a.RoleARN, 3)
		case "roleSessionName":
			p = d.textInto(p, &a.RoleSessionName, 3)
		case "sourceIdentity":
			p = d.textInto(p, &a.SourceIdentity, 3)
		case "externalId":
			p = d.textInto(p, &a.ExternalID, 3)
		case "durationSeconds":
			p = d.intInto(p, &a.Duration, 3)
		case "principalArn":
			p = d.textInto(p, &a.PrincipalARN, 3)
		case "targetPrincipal":
			p = d.textInto(p, &a.TargetPrincipal, 3)
		case "name":
			p = d.textInto(p, &a.FederationName, 3)
		case "clusterName":
			p = d.textInto(p, &a.ClusterName, 3)
		case "tags":
			into = &tags
		case "principalTags":
			into = &principalTags
		case "incomingTransitiveTags":
			into = &transitiveTags
		default:
			p = d.skip(p, 3)
		}
		if into != nil {
			start := p
			p = d.skip(p, 3)
			*into = extent{start, p}
		}
		if p < 0 {
			return false
		}
	}
	return p >= 0 && d.tagList(tags, a) && d.tagMap(principalTags, a) && d.tagMap(transitiveTags, a)
}

// tagList reads the list of key and value that AssumeRole takes.
func (d *decoder) tagList(v extent, a *Assume) bool {
	if !v.found() || d.b[v.start] != '[' {
		return true
	}
	p := v.start
	for p = d.firstElement(p); p >= 0 && d.peek(p) != ']'; p = d.nextElement(p) {
		var t Tag
		if p = d.texts(p, 4, []textMember{{"key", &t.Key}, {"value", &t.Value}}); p < 0 {
			return false
		}
		if t.Key != nil && t.Value != nil {
			a.Tags = append(a.Tags, t)
		}
	}
	return p >= 0
}

// tagMap reads the object of tags that the federated calls take and that a
// session brings along from its parent.
func (d *decoder) tagMap(v extent, a *Assume) bool {
	if d.object(v) == nil {
		return true
	}
	p := v.start
	for p = d.first(p); p >= 0 && d.b[p] == '"'; p = d.next(p) {
		var t Tag
		if t.Key, p = d.name(p); p < 0 {
			return false
		}
		if p = d.textInto(p, &t.Value, 4); p < 0 {
			return false
		}
		if t.Value != nil {
			a.Tags = append(a.Tags, t)
		}
	}
	return p >= 0
}

// issued is what a response tells about the credential that it issues.
type issued struct{ keyID, expiration, userID, userARN []byte }

func (d *decoder) assumeResponse(v extent, a *Assume) bool {
	if d.object(v) == nil {
		return true
	}
	var direct, set, federated issued
	var subject []byte
	p := v.start
	for p = d.first(p); p >= 0 && d.b[p] == '"'; p = d.next(p) {
		var name []byte
		if name, p = d.name(p); p < 0 {
			return false
		}
		switch string(name) {
		case "credentials":
			p = d.credentials(p, &direct, 3)
		case "assumedRoleUser":
			p = d.assumedRoleUser(p, &direct, 3)
		case "credentialSet":
			p = d.credentialSet(p, &set)
		case "federatedUser":
			p = d.texts(p, 3, []textMember{{"federatedUserId", &federated.userID}, {"arn", &federated.userARN}})
		case "subjectFromWebIdentityToken":
			p = d.textInto(p, &a.Subject, 3)
		case "subject":
			p = d.textInto(p, &subject, 3)
		case "subjectType":
			p = d.textInto(p, &a.SubjectType, 3)
		case "issuer":
			p = d.textInto(p, &a.Issuer, 3)
		case "audience":
			p = d.textInto(p, &a.Audience, 3)
		case "provider":
			p = d.textInto(p, &a.Provider, 3)
		case "nameQualifier":
			p = d.textInto(p, &a.NameQualifier, 3)
		case "subjectArn":
			p = d.textInto(p, &a.SubjectARN, 3)
		default:
			p = d.skip(p, 3)
		}
		if p < 0 {
			return false
		}
	}
	a.Subject = either(a.Subject, subject)
	a.IssuedKeyID = either(direct.keyID, set.keyID)
	a.Expiration = either(direct.expiration, set.expiration)
	a.AssumedRoleID = either(direct.userID, either(set.userID, federated.userID))
	a.AssumedRoleARN = either(direct.userARN, either(set.userARN, federated.userARN))
	return p >= 0
}

// either is a, or b where a is absent.
func either(a, b []byte) []byte {
	if a != nil {
		return a
	}
	return b
}

func (d *decoder) credentials(p int, i *issued, level int) int {
	return d.texts(p, level, []textMember{{"accessKeyId", &i.keyID}, {"expiration", &i.expiration}})
}

// assumedRoleUser reads the issued session's name. EKS Pod Identity spells the
// id's name in a way of its own:
// https://docs.aws.amazon.com/eks/latest/APIReference/API_auth_AssumedRoleUser.html
func (d *decoder) assumedRoleUser(p int, i *issued, level int) int {
	var podID []byte
	p = d.texts(p, level, []textMember{{"assumedRoleId", &i.userID}, {"arn", &i.userARN}, {"assumeRoleId", &podID}})
	i.userID = either(i.userID, podID)
	return p
}

// credentialSet reads what IAM Roles Anywhere issues, a list of one:
// https://docs.aws.amazon.com/rolesanywhere/latest/userguide/authentication-create-session.html
func (d *decoder) credentialSet(p int, set *issued) int {
	*set = issued{}
	if d.peek(p) != '[' {
		return d.skip(p, 3)
	}
	p = d.firstElement(p)
	if d.peek(p) == '{' {
		if p = d.issuedBySet(p, set); p < 0 {
			return -1
		}
		p = d.nextElement(p)
	}
	for p >= 0 && d.peek(p) != ']' {
		if p = d.skip(p, 4); p < 0 {
			return -1
		}
		p = d.nextElement(p)
	}
	return behind(p)
}

func (d *decoder) issuedBySet(p int, set *issued) int {
	for p = d.first(p); p >= 0 && d.b[p] == '"'; p = d.next(p) {
		var name []byte
		if name, p = d.name(p); p < 0 {
			return -1
		}
		switch string(name) {
		case "credentials":
			p = d.credentials(p, set, 5)
		case "assumedRoleUser":
			p = d.assumedRoleUser(p, set, 5)
		default:
			p = d.skip(p, 5)
		}
		if p < 0 {
			return -1
		}
	}
	return behind(p)
}

// assumeDetails reads serviceEventDetails of Identity Center's GetRoleCredentials:
// https://docs.aws.amazon.com/singlesignon/latest/userguide/sso-cloudtrail-use-cases.html
func (d *decoder) assumeDetails(v extent, a *Assume) bool {
	if d.object(v) == nil {
		return true
	}
	return d.texts(v.start, 2, []textMember{{"role_name", &a.ServiceRole}, {"account_id", &a.ServiceRoleAcct}}) >= 0
}
