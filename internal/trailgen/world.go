package trailgen

import (
	"fmt"
	"strings"
)

// An account of the trail, or one outside of it.
type account struct {
	id string
	// read says that the account's own copies of events are in the trail.
	read bool
}

// role is an IAM role. A recreated role is another role with the same ARN.
type role struct {
	account *account
	name    string
	path    string // with its slashes, "/" where the role has none
	id      string // AROA…
	// service is the principal that a service-linked role belongs to.
	service string
}

func (r *role) arn() string {
	return "arn:aws:iam::" + r.account.id + ":role" + r.path + r.name
}

func (r *role) sessionARN(session string) string {
	return "arn:aws:sts::" + r.account.id + ":assumed-role/" + r.name + "/" + session
}

// user is an IAM user with one access key.
type user struct {
	account *account
	name    string
	id      string // AIDA…
	key     string // AKIA…
	ip      string
	agent   string
}

func (u *user) arn() string { return "arn:aws:iam::" + u.account.id + ":user/" + u.name }

// origin is the app or person at the root of a chain: the truth.
type origin struct {
	kind string
	name string // what stands after the colon of the id
}

func (o origin) id() string {
	if o.kind == o.name {
		return o.kind
	}
	return o.kind + ":" + o.name
}

// place says where a credential is used.
type place struct {
	region string
	ip     string
	agent  string
}

// credential is one issuance of a role: a session with what its calls carry
// and the truth about it.
type credential struct {
	role     *role
	name     string
	key      string // of its calls; empty where a service's calls carry none
	issued   string // the key that the assume event shows
	created  int64
	expires  int64
	place    place
	origin   origin
	instance string
	parent   *credential

	// What the calls of the session carry beside role, name and key.
	inScopeType    string // inScopeOf.issuerType
	inScopeARN     string // inScopeOf.credentialsIssuedTo
	inScopeVersion string
	ec2Delivery    string
	provider       string // webIdFederationData.federatedProvider
	providerSub    string // a sub in webIdFederationData.attributes, which only some providers have
	sourceIdentity string
	onBehalfOf     string // Identity Center user id
	identityStore  string
	invokedBy      string // a service makes all calls of the session
	mfa            bool
	fromConsole    bool // each call carries a key of its own

	// The truth.
	witnessed  bool  // at least one copy of the assume event is in the trail
	complete   bool  // the copy that names the caller is, and so for every session above
	ambiguous  bool  // another session shares role, name and second
	chainStart int64 // time of the first assume event of the chain

	stat   *nameStat
	used   bool // it made a call in the window
	unused bool // it counts as one that was issued in the window and made none

	identityJSON []byte // of a plain call, made once
}

func (c *credential) principalID() string { return c.role.id + ":" + c.name }

// live says whether the credential can be used at t.
func (c *credential) live(t int64) bool { return t < c.expires }

// confidence is the strongest that a report may claim for a call that c makes
// with key.
func (c *credential) confidence(key string) string {
	switch {
	case c.complete && key != c.issued && c.ambiguous:
		// Neither the key nor the second tells which of the sessions it was.
		return "unknown"
	case c.complete && c.origin.kind != "external":
		return "proven"
	case c.recorded(), c.witnessed && c.parent != nil, c.complete:
		return "recorded"
	case c.witnessed && c.origin.kind == "iam-user":
		// The role owner's copy gives the user's id, and only that.
		return "proven"
	default:
		return "inferred"
	}
}

// recorded says that the session's calls name its origin by themselves.
func (c *credential) recorded() bool {
	return c.inScopeARN != "" || c.ec2Delivery != "" || c.role.service != "" || c.providerSub != "" ||
		strings.HasPrefix(c.role.name, "AWSReservedSSO_") || strings.HasPrefix(c.role.name, "aws:ec2-")
}

// acceptable lists the origins that an honest report may give instead of the
// root when an event of the chain is missing: the role sessions on the way.
func (c *credential) acceptable() []string {
	if c.complete {
		return nil
	}
	var ids []string
	for p := c.parent; p != nil; p = p.parent {
		ids = append(ids, "role:"+p.role.account.id+"/"+p.role.name)
	}
	return ids
}

// identity gives the userIdentity of a call by c.
func (c *credential) identity(key, invokedBy string) []byte {
	plain := key == c.key && invokedBy == c.invokedBy
	if plain && c.identityJSON != nil {
		return c.identityJSON
	}
	b := make([]byte, 0, 900)
	b = append(b, `{"type":"AssumedRole"`...)
	b = appendMember(b, "principalId", c.principalID())
	b = appendMember(b, "arn", c.role.sessionARN(c.name))
	b = appendMember(b, "accountId", c.role.account.id)
	if key != "" {
		b = appendMember(b, "accessKeyId", key)
	}
	b = append(b, `,"sessionContext":{"sessionIssuer":{"type":"Role"`...)
	b = appendMember(b, "principalId", c.role.id)
	b = appendMember(b, "arn", c.role.arn())
	b = appendMember(b, "accountId", c.role.account.id)
	b = appendMember(b, "userName", c.role.name)
	b = append(b, '}')
	if c.provider != "" {
		b = append(b, `,"webIdFederationData":{"federatedProvider":`...)
		b = appendString(b, c.provider)
		b = append(b, `,"attributes":{`...)
		if c.providerSub != "" {
			b = appendString(b, c.provider+":sub")
			b = append(b, ':')
			b = appendString(b, c.providerSub)
		}
		b = append(b, `}}`...)
	}
	b = append(b, `,"attributes":{"creationDate":"`...)
	b = appendTime(b, c.created)
	b = append(b, `","mfaAuthenticated":"`...)
	b = append(b, fmt.Sprint(c.mfa)...)
	b = append(b, `"}`...)
	if c.ec2Delivery != "" {
		b = appendMember(b, "ec2RoleDelivery", c.ec2Delivery)
	}
	if c.sourceIdentity != "" {
		b = appendMember(b, "sourceIdentity", c.sourceIdentity)
	}
	b = append(b, '}')
	if c.onBehalfOf != "" {
		b = append(b, `,"onBehalfOf":{"userId":`...)
		b = appendString(b, c.onBehalfOf)
		b = appendMember(b, "identityStoreArn", c.identityStore)
		b = append(b, '}')
	}
	if c.inScopeARN != "" {
		b = append(b, `,"inScopeOf":{"issuerType":`...)
		b = appendString(b, c.inScopeType)
		b = appendMember(b, "credentialsIssuedTo", c.inScopeARN)
		if c.inScopeVersion != "" {
			b = appendMember(b, "credentialsIssuedToVersion", c.inScopeVersion)
		}
		b = append(b, '}')
	}
	if invokedBy != "" {
		b = appendMember(b, "invokedBy", invokedBy)
	}
	b = append(b, '}')
	if plain {
		c.identityJSON = b
	}
	return b
}

func (u *user) identity(key string) []byte {
	b := append(make([]byte, 0, 300), `{"type":"IAMUser"`...)
	b = appendMember(b, "principalId", u.id)
	b = appendMember(b, "arn", u.arn())
	b = appendMember(b, "accountId", u.account.id)
	b = appendMember(b, "accessKeyId", key)
	b = appendMember(b, "userName", u.name)
	return append(b, '}')
}

func serviceIdentity(principal string) []byte {
	b := appendMember([]byte(`{"type":"AWSService"`), "invokedBy", principal)
	return append(b, '}')
}

func foreignIdentity(accountID, principalID string) []byte {
	b := appendMember([]byte(`{"type":"AWSAccount"`), "principalId", principalID)
	b = appendMember(b, "accountId", accountID)
	return append(b, '}')
}

func rootIdentity(accountID string) []byte {
	b := appendMember([]byte(`{"type":"Root"`), "principalId", accountID)
	b = appendMember(b, "arn", "arn:aws:iam::"+accountID+":root")
	b = appendMember(b, "accountId", accountID)
	return append(b, '}')
}
