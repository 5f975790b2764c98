package trailgen

import "strconv"

// Temporary sessions that are no role's. Each function writes the event that
// issues one and the calls that it makes, a minute apart.

func (w *world) tokenResponse(key string, expires int64, more string) []byte {
	b := append(make([]byte, 0, 1200), `{"credentials":{"accessKeyId":"`...)
	b = append(b, key...)
	b = append(b, `","sessionToken":"`...)
	b = w.ids.appendSessionToken(b)
	b = append(b, `","expiration":"`...)
	b = appendExpiration(b, expires)
	b = append(b, `"}`...)
	return append(append(b, more...), '}')
}

func (w *world) federate(t int64, u *user, name, region string, calls []*api) {
	key := w.ids.unique("ASIA", u.account.id)
	id := u.account.id + ":" + name
	arn := "arn:aws:sts::" + u.account.id + ":federated-user/" + name
	e := record{
		version: "1.08", identity: u.identity(u.key), time: t, source: "sts.amazonaws.com", name: "GetFederationToken", region: region,
		ip: u.ip, agent: u.agent, write: true, requestID: w.ids.uuid(), id: w.ids.uuid(), recipient: u.account.id,
		tlsHost: "sts." + region + ".amazonaws.com",
		request: []byte(`{"name":"` + name + `","durationSeconds":43200,"policy":"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"s3:*\",\"Resource\":\"*\"}]}"}`),
		response: w.tokenResponse(key, t+43200,
			`,"federatedUser":{"federatedUserId":"`+id+`","arn":"`+arn+`"},"packedPolicySize":4`),
	}
	w.emit(&e)
	b := appendMember([]byte(`{"type":"FederatedUser"`), "principalId", id)
	b = appendMember(b, "arn", arn)
	b = appendMember(b, "accountId", u.account.id)
	b = appendMember(b, "accessKeyId", key)
	b = append(b, `,"sessionContext":{"sessionIssuer":{"type":"IAMUser"`...)
	b = appendMember(b, "principalId", u.id)
	b = appendMember(b, "arn", u.arn())
	b = appendMember(b, "accountId", u.account.id)
	b = appendMember(b, "userName", u.name)
	b = append(b, `},"attributes":{"creationDate":"`...)
	b = appendTime(b, t)
	b = append(b, `","mfaAuthenticated":"false"}}}`...)
	w.otherCalls(t, b, place{region, u.ip, u.agent}, u.account.id, calls)
	w.otherTruth(e, Other{Kind: e.name, Account: u.account.id, Principal: u.arn(), Name: name, Key: key}, len(calls))
}

// sessionToken gives u temporary keys; its calls stay those of an IAM user. It
// returns the key.
func (w *world) sessionToken(t int64, u *user, region string, calls []*api) string {
	key := w.ids.unique("ASIA", u.account.id)
	e := record{
		version: "1.08", identity: u.identity(u.key), time: t, source: "sts.amazonaws.com", name: "GetSessionToken", region: region,
		ip: u.ip, agent: u.agent, write: true, requestID: w.ids.uuid(), id: w.ids.uuid(), recipient: u.account.id,
		tlsHost:  "sts." + region + ".amazonaws.com",
		request:  []byte(`{"durationSeconds":43200,"serialNumber":"arn:aws:iam::` + u.account.id + `:mfa/` + u.name + `"}`),
		response: w.tokenResponse(key, t+43200, ""),
	}
	w.emit(&e)
	b := u.identity(key)
	b = append(b[:len(b)-1], `,"sessionContext":{"attributes":{"creationDate":"`...)
	b = appendTime(b, t)
	b = append(b, `","mfaAuthenticated":"true"}}}`...)
	w.otherCalls(t, b, place{region, u.ip, u.agent}, u.account.id, calls)
	w.otherTruth(e, Other{Kind: e.name, Account: u.account.id, Principal: u.arn(), Key: key}, len(calls))
	return key
}

// assumeRoot gives c, a session in the management account, the root of a
// member for fifteen minutes.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/cloudtrail-track-privileged-tasks.html
func (w *world) assumeRoot(t int64, c *credential, member *account, region string, calls []*api) {
	key := w.ids.unique("ASIA", member.id)
	e := record{
		identity: c.identity(c.key, ""), time: t, source: "sts.amazonaws.com", name: "AssumeRoot", region: region,
		ip: c.place.ip, agent: c.place.agent, write: true, requestID: w.ids.uuid(), id: w.ids.uuid(), recipient: c.role.account.id,
		tlsHost:  "sts." + region + ".amazonaws.com",
		request:  []byte(`{"targetPrincipal":"` + member.id + `","taskPolicyArn":{"arn":"arn:aws:iam::aws:policy/root-task/S3UnlockBucketPolicy"}}`),
		response: w.tokenResponse(key, t+900, ""),
	}
	w.emit(&e)
	w.truthCall(c, &e, c.key, "", "")
	b := rootIdentity(member.id)
	b = appendMember(b[:len(b)-1], "accessKeyId", key)
	b = append(b, `,"sessionContext":{"attributes":{"creationDate":"`...)
	b = appendTime(b, t)
	b = append(b, `","mfaAuthenticated":"false"},"assumedRoot":"true"}}`...)
	w.otherCalls(t, b, place{region, c.place.ip, c.place.agent}, member.id, calls)
	w.otherTruth(e, Other{Kind: e.name, Account: c.role.account.id, Principal: c.role.sessionARN(c.name), Name: member.id, Key: key}, len(calls))
}

func (w *world) otherCalls(t int64, identity []byte, at place, account string, calls []*api) {
	for i, a := range calls {
		r := w.apiRecord(t+int64(i+1)*60, a, account, at, "shared")
		r.identity = identity
		w.emit(&r)
	}
}

func (w *world) otherTruth(e record, o Other, calls int) {
	if w.inWindow(e.time) {
		o.EventID, o.Calls = e.id, int64(calls)
		w.truth.line(Line{Other: &o})
	}
}

// Records that are no role session's: most of a real trail.

// userCall is an IAM user's own call.
func (w *world) userCall(t int64, u *user, a *api, region string) {
	r := w.apiRecord(t, a, u.account.id, place{region, u.ip, u.agent}, "shared")
	r.identity = u.identity(u.key)
	if w.ids.IntN(25) == 0 {
		r.errorCode = a.deniedCode()
		r.errorText = "User: " + u.arn() + " is not authorized to perform: " + a.action()
		r.response = nil
	}
	w.emit(&r)
}

// serviceCall is a call of a service's own principal, without any session.
func (w *world) serviceCall(t int64, a *account, principal string, what *api, region string) {
	r := w.apiRecord(t, what, a.id, place{region, principal, principal}, "aws-cloudtrail-logs")
	r.agent = principal
	r.version, r.identity, r.tlsHost = "1.08", serviceIdentity(principal), ""
	r.sharedID = w.ids.uuid()
	w.emit(&r)
}

// serviceEvent is no call at all: its identity has no type.
func (w *world) serviceEvent(t int64, a *account, region string) {
	r := record{
		version: "1.08", identity: []byte(`{"accountId":"` + a.id + `","invokedBy":"kms.amazonaws.com"}`), time: t, write: true,
		source: "kms.amazonaws.com", name: "RotateKey", region: region, ip: "kms.amazonaws.com", agent: "kms.amazonaws.com",
		id: w.ids.uuid(), kind: "AwsServiceEvent", recipient: a.id,
		resources: []byte(`[{"accountId":"` + a.id + `","type":"AWS::KMS::Key","ARN":"arn:aws:kms:` + region + ":" + a.id + `:key/3c1f6a5e-7d0b-4b0e-9f6e-5a2f0d9c8b71"}]`),
		details:   []byte(`{"rotationType":"AUTOMATIC","keyOrigin":"AWS_KMS","keyId":"3c1f6a5e-7d0b-4b0e-9f6e-5a2f0d9c8b71"}`),
	}
	if w.ids.IntN(3) == 0 {
		r.source, r.name = "backup.amazonaws.com", "BackupJobCompleted"
		r.identity = []byte(`{"accountId":"` + a.id + `","invokedBy":"backup.amazonaws.com"}`)
		r.ip, r.agent, r.resources = "backup.amazonaws.com", "backup.amazonaws.com", nil
		r.details = []byte(`{"state":"COMPLETED","backupVaultName":"Default","percentDone":"` + strconv.Itoa(w.ids.IntN(101)) + `","backupSizeInBytes":"` + strconv.Itoa(w.ids.IntN(1<<30)) + `"}`)
	}
	w.emit(&r)
}
