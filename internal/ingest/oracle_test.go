package ingest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"reflect"
	"strconv"
	"strings"
)

// This file is the oracle of the decoder: what encoding/json finds in a record,
// and a second reader of whole objects that is as plain as can be.

// oraclePair is a member of a JSON object as it stands.
type oraclePair struct {
	name  string
	value json.RawMessage
}

// oraclePairs gives the members of an object in their order; ok is false for anything
// that is no object.
func oraclePairs(raw json.RawMessage) (ps []oraclePair, ok bool) {
	dec := json.NewDecoder(bytes.NewReader(raw))
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		return nil, false
	}
	for dec.More() {
		name, err := dec.Token()
		var value json.RawMessage
		if err != nil || dec.Decode(&value) != nil {
			return nil, false
		}
		ps = append(ps, oraclePair{name.(string), value})
	}
	return ps, true
}

// oracleMembers is oraclePairs as a map, in which the last of a name counts.
func oracleMembers(raw json.RawMessage) map[string]json.RawMessage {
	m := map[string]json.RawMessage{}
	json.Unmarshal(raw, &m) // an empty map for anything but an object
	return m
}

func oracleText(m map[string]json.RawMessage, name string) []byte {
	var v any
	if json.Unmarshal(m[name], &v) != nil {
		return nil
	}
	if s, ok := v.(string); ok {
		return []byte(s)
	}
	return nil
}

func oracleFlag(m map[string]json.RawMessage, name string) bool {
	return string(m[name]) == "true" || string(oracleText(m, name)) == "true"
}

func oracleNumber(m map[string]json.RawMessage, name string) int64 {
	s := string(m[name])
	if t := oracleText(m, name); t != nil {
		s = string(t)
	}
	n, err := strconv.ParseUint(s, 10, 63)
	if err != nil || len(s) > 18 {
		return 0
	}
	return int64(n)
}

// oracleEvent is the event of a record that encoding/json accepts.
func oracleEvent(raw json.RawMessage) *Event {
	m := oracleMembers(raw)
	e := &Event{
		ID: oracleText(m, "eventID"), SharedID: oracleText(m, "sharedEventID"), Name: oracleText(m, "eventName"),
		Source: oracleText(m, "eventSource"), Region: oracleText(m, "awsRegion"), SourceIP: oracleText(m, "sourceIPAddress"),
		UserAgent: oracleText(m, "userAgent"), ErrorCode: oracleText(m, "errorCode"), ErrorText: oracleText(m, "errorMessage"),
		Recipient: oracleText(m, "recipientAccountId"), Type: oracleText(m, "eventType"), Category: oracleText(m, "eventCategory"),
		VPCEndpoint: oracleText(m, "vpcEndpointId"), VPCEndpointAccount: oracleText(m, "vpcEndpointAccountId"),
		FromConsole: oracleFlag(m, "sessionCredentialFromConsole"),
	}
	e.Time, _ = parseTime(oracleText(m, "eventTime"))
	addendum, more := oracleMembers(m["addendum"]), oracleMembers(m["additionalEventData"])
	e.AddendumReason, e.OriginalID = oracleText(addendum, "reason"), oracleText(addendum, "originalEventID")
	e.UpdatedFields = oracleText(addendum, "updatedFields")
	e.SwitchFrom, e.AuthMethod = oracleText(more, "SwitchFrom"), oracleText(more, "AuthenticationMethod")
	e.LakeFormationRSN = oracleText(more, "lakeFormationRoleSessionName")
	if raw := m["userIdentity"]; len(raw) > 0 && raw[0] == '{' {
		e.IdentityRaw = raw
		e.identity = oracleIdentity(raw)
	}
	e.identityDecoded = true
	if oracleAssumes[string(e.Source)+" "+string(e.Name)] {
		e.Assume = oracleAssume(oracleMembers(m["requestParameters"]), oracleMembers(m["responseElements"]), oracleMembers(m["serviceEventDetails"]))
		e.Assume.Tags = oracleTags(oracleMembers(m["requestParameters"]))
	}
	return e
}

var oracleAssumes = map[string]bool{
	"sts.amazonaws.com AssumeRole":                    true,
	"sts.amazonaws.com AssumeRoleWithSAML":            true,
	"sts.amazonaws.com AssumeRoleWithWebIdentity":     true,
	"sts.amazonaws.com AssumeRoot":                    true,
	"sts.amazonaws.com GetFederationToken":            true,
	"sts.amazonaws.com GetSessionToken":               true,
	"eks-auth.amazonaws.com AssumeRoleForPodIdentity": true,
	"rolesanywhere.amazonaws.com CreateSession":       true,
	"sso.amazonaws.com GetRoleCredentials":            true,
	"signin.amazonaws.com SwitchRole":                 true,
}

func oracleIdentity(raw json.RawMessage) Identity {
	m := oracleMembers(raw)
	scope, behalf := oracleMembers(m["inScopeOf"]), oracleMembers(m["onBehalfOf"])
	context := oracleMembers(m["sessionContext"])
	issuer, attributes := oracleMembers(context["sessionIssuer"]), oracleMembers(context["attributes"])
	federation := oracleMembers(context["webIdFederationData"])
	id := Identity{
		Type: oracleText(m, "type"), PrincipalID: oracleText(m, "principalId"), ARN: oracleText(m, "arn"),
		AccountID: oracleText(m, "accountId"), AccessKeyID: oracleText(m, "accessKeyId"), UserName: oracleText(m, "userName"),
		InvokedBy: oracleText(m, "invokedBy"), IdentityProvider: oracleText(m, "identityProvider"), CredentialID: oracleText(m, "credentialId"),
		InvokedByDelegate: oracleText(oracleMembers(m["invokedByDelegate"]), "accountId"),
		OnBehalfOfUser:    oracleText(behalf, "userId"), OnBehalfOfStore: oracleText(behalf, "identityStoreArn"),
		InScopeSourceARN: oracleText(scope, "sourceArn"), InScopeSourceAccount: oracleText(scope, "sourceAccount"),
		InScopeIssuerType: oracleText(scope, "issuerType"), InScopeIssuedTo: oracleText(scope, "credentialsIssuedTo"),
		IssuerType: oracleText(issuer, "type"), IssuerPrincipalID: oracleText(issuer, "principalId"), IssuerARN: oracleText(issuer, "arn"),
		IssuerAccountID: oracleText(issuer, "accountId"), IssuerUserName: oracleText(issuer, "userName"),
		MFA: oracleFlag(attributes, "mfaAuthenticated"), FromConsole: oracleFlag(attributes, "sessionCredentialFromConsole"),
		FederatedProvider: oracleText(federation, "federatedProvider"),
		SourceIdentity:    oracleText(context, "sourceIdentity"), EC2RoleDelivery: oracleText(context, "ec2RoleDelivery"),
		AssumedRoot: oracleFlag(context, "assumedRoot"), SignInSession: oracleText(context, "signInSessionArn"),
	}
	id.CreationDate, _ = parseTime(oracleText(attributes, "creationDate"))
	ps, _ := oraclePairs(federation["attributes"])
	for _, p := range ps {
		if p.name == "sub" || strings.HasSuffix(p.name, ":sub") {
			id.FederatedSubject = oracleText(map[string]json.RawMessage{"": p.value}, "")
		}
	}
	return id
}

func oracleAssume(request, response, details map[string]json.RawMessage) Assume {
	a := Assume{
		RoleARN: oracleText(request, "roleArn"), RoleSessionName: oracleText(request, "roleSessionName"),
		SourceIdentity: oracleText(request, "sourceIdentity"), ExternalID: oracleText(request, "externalId"),
		Duration: oracleNumber(request, "durationSeconds"), PrincipalARN: oracleText(request, "principalArn"),
		TargetPrincipal: oracleText(request, "targetPrincipal"), FederationName: oracleText(request, "name"),
		ClusterName: oracleText(request, "clusterName"),
		Subject:     oracleText(response, "subjectFromWebIdentityToken"), SubjectType: oracleText(response, "subjectType"),
		Issuer: oracleText(response, "issuer"), Audience: oracleText(response, "audience"), Provider: oracleText(response, "provider"),
		NameQualifier: oracleText(response, "nameQualifier"), SubjectARN: oracleText(response, "subjectArn"),
		ServiceRole: oracleText(details, "role_name"), ServiceRoleAcct: oracleText(details, "account_id"),
	}
	if a.Subject == nil {
		a.Subject = oracleText(response, "subject")
	}
	var set []json.RawMessage
	json.Unmarshal(response["credentialSet"], &set)
	if len(set) == 0 {
		set = append(set, nil)
	}
	federated := oracleMembers(response["federatedUser"])
	for _, from := range []map[string]json.RawMessage{response, oracleMembers(set[0])} {
		credentials, user := oracleMembers(from["credentials"]), oracleMembers(from["assumedRoleUser"])
		a.IssuedKeyID = either(a.IssuedKeyID, oracleText(credentials, "accessKeyId"))
		a.Expiration = either(a.Expiration, oracleText(credentials, "expiration"))
		a.AssumedRoleID = either(a.AssumedRoleID, either(oracleText(user, "assumedRoleId"), oracleText(user, "assumeRoleId")))
		a.AssumedRoleARN = either(a.AssumedRoleARN, oracleText(user, "arn"))
	}
	a.AssumedRoleID = either(a.AssumedRoleID, oracleText(federated, "federatedUserId"))
	a.AssumedRoleARN = either(a.AssumedRoleARN, oracleText(federated, "arn"))
	return a
}

func oracleTags(request map[string]json.RawMessage) (tags []Tag) {
	var list []json.RawMessage
	json.Unmarshal(request["tags"], &list)
	for _, raw := range list {
		m := oracleMembers(raw)
		if k, v := oracleText(m, "key"), oracleText(m, "value"); k != nil && v != nil {
			tags = append(tags, Tag{k, v})
		}
	}
	for _, name := range []string{"principalTags", "incomingTransitiveTags"} {
		ps, _ := oraclePairs(request[name])
		for _, p := range ps {
			if v := oracleText(map[string]json.RawMessage{"": p.value}, ""); v != nil {
				tags = append(tags, Tag{[]byte(p.name), v})
			}
		}
	}
	return tags
}

// dumpEvent writes every field of an event that is not empty, a line each.
func dumpEvent(e *Event) string {
	var b strings.Builder
	fields := *e
	fields.IdentityMemo = nil // says nothing of the record
	dumpFields(&b, "", reflect.ValueOf(fields))
	dumpFields(&b, "Identity.", reflect.ValueOf(*e.Identity()))
	return b.String()
}

func dumpFields(b *strings.Builder, prefix string, v reflect.Value) {
	for i := range v.NumField() {
		f, name := v.Field(i), v.Type().Field(i).Name
		switch {
		case !v.Type().Field(i).IsExported() || f.IsZero():
		case f.Type() == reflect.TypeFor[[]byte]():
			if f.Len() > 0 {
				fmt.Fprintf(b, "%s%s: %q\n", prefix, name, f.Bytes())
			}
		case f.Type() == reflect.TypeFor[[]Tag]():
			for _, t := range f.Interface().([]Tag) {
				fmt.Fprintf(b, "%sTag: %q = %q\n", prefix, t.Key, t.Value)
			}
		case f.Kind() == reflect.Struct:
			dumpFields(b, name+".", f)
		default:
			fmt.Fprintf(b, "%s%s: %v\n", prefix, name, f.Interface())
		}
	}
}

// outcome is what reading an object gives, as far as it can be compared.
type outcome struct {
	events     []string
	passedOver int64
	records    int64 // problems of single records
	lost       bool  // a problem that cost the rest of the object
}

// read runs a Reader with a window of the given size.
func readOutcome(r *Reader, data []byte) outcome {
	var o outcome
	stats, problems := r.Read(context.Background(), "object", bytes.NewReader(data), func(e *Event) {
		o.events = append(o.events, dumpEvent(e))
	})
	o.passedOver = stats.PassedOver
	for _, p := range problems {
		if p.Lost() {
			o.lost = true
		} else {
			o.records += p.Count
		}
	}
	return o
}

// validStream reports whether encoding/json accepts the bytes as values one
// after the other.
func validStream(data []byte) bool {
	dec := json.NewDecoder(bytes.NewReader(data))
	for {
		var v json.RawMessage
		switch err := dec.Decode(&v); err {
		case nil:
		case io.EOF:
			return true
		default:
			return false
		}
	}
}
