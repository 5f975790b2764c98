package ingest

import (
	"bytes"
	"hash/maphash"
)

// Identity is the record's userIdentity. It is decoded on the first call and
// belongs to the event like everything else in it.
func (e *Event) Identity() *Identity {
	if !e.identityDecoded {
		e.identityDecoded = true
		if e.IdentityRaw != nil {
			// The raw value was found to be good JSON when the record was
			// scanned, so that it cannot fail here.
			s := scanner{b: e.IdentityRaw, scratch: e.scratch, maxDepth: len(e.IdentityRaw)}
			s.decodeIdentity(0, &e.identity)
			e.scratch = s.scratch
		}
	}
	return &e.identity
}

// decodeIdentity decodes the userIdentity at p. Of a member that stands more
// than once the last counts, as a whole.
func (s *scanner) decodeIdentity(p int, id *Identity) int {
	*id = Identity{}
	for p = s.first(p); p >= 0 && s.b[p] == '"'; p = s.next(p) {
		var name []byte
		if name, p = s.name(p); p < 0 {
			return -1
		}
		switch string(name) {
		case "type":
			p = s.textInto(p, &id.Type, 3)
		case "principalId":
			p = s.textInto(p, &id.PrincipalID, 3)
		case "arn":
			p = s.textInto(p, &id.ARN, 3)
		case "accountId":
			p = s.textInto(p, &id.AccountID, 3)
		case "accessKeyId":
			p = s.textInto(p, &id.AccessKeyID, 3)
		case "userName":
			p = s.textInto(p, &id.UserName, 3)
		case "invokedBy":
			p = s.textInto(p, &id.InvokedBy, 3)
		case "identityProvider":
			p = s.textInto(p, &id.IdentityProvider, 3)
		case "credentialId":
			p = s.textInto(p, &id.CredentialID, 3)
		case "invokedByDelegate":
			p = s.texts(p, 3, []textMember{{"accountId", &id.InvokedByDelegate}})
		case "onBehalfOf":
			p = s.texts(p, 3, []textMember{{"userId", &id.OnBehalfOfUser}, {"identityStoreArn", &id.OnBehalfOfStore}})
		case "inScopeOf":
			p = s.texts(p, 3, []textMember{
				{"sourceArn", &id.InScopeSourceARN}, {"sourceAccount", &id.InScopeSourceAccount},
				{"issuerType", &id.InScopeIssuerType}, {"credentialsIssuedTo", &id.InScopeIssuedTo},
			})
		case "sessionContext":
			p = s.sessionContext(p, id)
		default:
			p = s.skip(p, 3)
		}
		if p < 0 {
			return -1
		}
	}
	return behind(p)
}

// textMember says where a member's string goes.
type textMember struct {
	name string
	dst  *[]byte
}

// texts reads the strings of the object at p. Everything else in it, and a
// value that is no object, is skipped.
func (s *scanner) texts(p, level int, want []textMember) int {
	for i := range want {
		*want[i].dst = nil
	}
	if s.peek(p) != '{' {
		return s.skip(p, level)
	}
	for p = s.first(p); p >= 0 && s.b[p] == '"'; p = s.next(p) {
		var name []byte
		if name, p = s.name(p); p < 0 {
			return -1
		}
		dst := (*[]byte)(nil)
		for i := range want {
			if string(name) == want[i].name {
				dst = want[i].dst
			}
		}
		if dst != nil {
			p = s.textInto(p, dst, level+1)
		} else {
			p = s.skip(p, level+1)
		}
		if p < 0 {
			return -1
		}
	}
	return behind(p)
}

func (s *scanner) sessionContext(p int, id *Identity) int {
	id.IssuerType, id.IssuerPrincipalID, id.IssuerARN = nil, nil, nil
	id.IssuerAccountID, id.IssuerUserName = nil, nil
	id.CreationDate, id.MFA, id.FromConsole = 0, false, false
	id.FederatedProvider, id.FederatedSubject = nil, nil
	id.SourceIdentity, id.EC2RoleDelivery, id.AssumedRoot, id.SignInSession = nil, nil, false, nil
	if s.peek(p) != '{' {
		return s.skip(p, 3)
	}
	for p = s.first(p); p >= 0 && s.b[p] == '"'; p = s.next(p) {
		var name []byte
		if name, p = s.name(p); p < 0 {
			return -1
		}
		switch string(name) {
		case "sessionIssuer":
			p = s.texts(p, 4, []textMember{
				{"type", &id.IssuerType}, {"principalId", &id.IssuerPrincipalID}, {"arn", &id.IssuerARN},
				{"accountId", &id.IssuerAccountID}, {"userName", &id.IssuerUserName},
			})
		case "attributes":
			p = s.sessionAttributes(p, id)
		case "webIdFederationData":
			p = s.federation(p, id)
		case "sourceIdentity":
			p = s.textInto(p, &id.SourceIdentity, 4)
		case "ec2RoleDelivery":
			p = s.textInto(p, &id.EC2RoleDelivery, 4)
		case "assumedRoot":
			p = s.flagInto(p, &id.AssumedRoot, 4)
		case "signInSessionArn":
			p = s.textInto(p, &id.SignInSession, 4)
		default:
			p = s.skip(p, 4)
		}
		if p < 0 {
			return -1
		}
	}
	return behind(p)
}

func (s *scanner) sessionAttributes(p int, id *Identity) int {
	id.CreationDate, id.MFA, id.FromConsole = 0, false, false
	if s.peek(p) != '{' {
		return s.skip(p, 4)
	}
	for p = s.first(p); p >= 0 && s.b[p] == '"'; p = s.next(p) {
		var name []byte
		if name, p = s.name(p); p < 0 {
			return -1
		}
		switch string(name) {
		case "creationDate":
			var date []byte
			p = s.textInto(p, &date, 5)
			id.CreationDate, _ = parseTime(date)
		case "mfaAuthenticated":
			p = s.flagInto(p, &id.MFA, 5)
		case "sessionCredentialFromConsole":
			p = s.flagInto(p, &id.FromConsole, 5)
		default:
			p = s.skip(p, 5)
		}
		if p < 0 {
			return -1
		}
	}
	return behind(p)
}

// federation reads webIdFederationData, where the subject is an attribute whose
// name begins with the provider's, such as cognito-identity.amazonaws.com:sub.
func (s *scanner) federation(p int, id *Identity) int {
	id.FederatedProvider, id.FederatedSubject = nil, nil
	if s.peek(p) != '{' {
		return s.skip(p, 4)
	}
	for p = s.first(p); p >= 0 && s.b[p] == '"'; p = s.next(p) {
		var name []byte
		if name, p = s.name(p); p < 0 {
			return -1
		}
		switch string(name) {
		case "federatedProvider":
			p = s.textInto(p, &id.FederatedProvider, 5)
		case "attributes":
			p = s.subject(p, &id.FederatedSubject)
		default:
			p = s.skip(p, 5)
		}
		if p < 0 {
			return -1
		}
	}
	return behind(p)
}

func (s *scanner) subject(p int, dst *[]byte) int {
	*dst = nil
	if s.peek(p) != '{' {
		return s.skip(p, 5)
	}
	for p = s.first(p); p >= 0 && s.b[p] == '"'; p = s.next(p) {
		var name []byte
		if name, p = s.name(p); p < 0 {
			return -1
		}
		if string(name) == "sub" || bytes.HasSuffix(name, []byte(":sub")) {
			p = s.textInto(p, dst, 6)
		} else {
			p = s.skip(p, 6)
		}
		if p < 0 {
			return -1
		}
	}
	return behind(p)
}

// identityCache remembers values of userIdentity that were found to be good
// JSON. Records of one credential repeat theirs byte for byte, so that most need
// neither be checked again nor looked through for their end.
type identityCache struct {
	seed maphash.Seed
	sets [][2]*knownIdentity // by a hash of how the values begin; the last used first
}

type knownIdentity struct {
	raw  []byte
	memo any // of whoever takes the events
}

const (
	identitySets    = 512  // a power of two
	identityPrefix  = 256  // bytes that tell most credentials apart, with their key
	maxIdentityKept = 4096 // bytes; real ones have some 600
)

func (c *identityCache) set(b []byte) *[2]*knownIdentity {
	if c.sets == nil {
		c.seed, c.sets = maphash.MakeSeed(), make([][2]*knownIdentity, identitySets)
	}
	return &c.sets[maphash.Bytes(c.seed, b[:min(len(b), identityPrefix)])%identitySets]
}

// prefix gives the known value that b begins with, nil where there is none. It
// finds none that is shorter than identityPrefix, which has no hash of its own.
func (c *identityCache) prefix(b []byte) *knownIdentity {
	set := c.set(b)
	for i, known := range set {
		// A known value is a whole object: what begins with it is it.
		if known != nil && bytes.HasPrefix(b, known.raw) {
			set[0], set[i] = set[i], set[0]
			return known
		}
	}
	return nil
}

// find gives the known value that is raw, nil where there is none.
func (c *identityCache) find(raw []byte) *knownIdentity {
	if known := c.prefix(raw); known != nil && len(known.raw) == len(raw) {
		return known
	}
	return nil
}

// keep makes a value known, in place of another with the same hash. It gives nil
// for one that is too long to be kept.
func (c *identityCache) keep(raw []byte) *knownIdentity {
	if len(raw) > maxIdentityKept {
		return nil
	}
	set := c.set(raw)
	known := set[1]
	if known == nil {
		known = &knownIdentity{}
	}
	known.raw, known.memo = append(known.raw[:0], raw...), nil
	set[0], set[1] = known, set[0]
	return known
}
