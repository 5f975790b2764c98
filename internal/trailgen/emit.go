package trailgen

import (
	"encoding/base64"
	"fmt"
)

// world is a trail in the making: who exists, what happened so far and where
// the records go.
type world struct {
	ids    ids // what happens
	losses ids // which assume events are left out
	out    *delivery
	truth  *truth

	since, until int64 // the window that the truth is about
	missing      float64
	officeIP     string
	apis         map[string]*api
	roles        map[string]*role // by account and name, of roleNamed

	emitted int64  // distinct records, with those that were left out
	buf     []byte // of the record being written
}

// inWindow says whether an event counts.
func (w *world) inWindow(t int64) bool { return t >= w.since && t < w.until }

// lose draws whether an assume event is left out of the trail.
func (w *world) lose() bool { return w.losses.Float64() < w.missing }

// emit writes a record into the trail of its recipient.
func (w *world) emit(r *record) {
	w.buf = r.appendTo(w.buf[:0])
	elsewhere := ""
	if r.source == "iam.amazonaws.com" {
		// Trails of organizations repeat events of global services in the files
		// of several regions.
		elsewhere = "eu-west-1"
	}
	copies := w.out.deliver(r.time, r.recipient, r.region, elsewhere, r.once, w.buf)
	w.emitted++
	w.truth.summary.Records += int64(copies)
	if w.inWindow(r.time) {
		w.truth.summary.Events++
		w.truth.summary.Duplicates += int64(copies - 1)
	}
}

// countAssume counts a record that issued a credential of a role; first says
// that no other copy of it was counted.
func (w *world) countAssume(t int64, first bool) {
	if !w.inWindow(t) {
		return
	}
	w.truth.summary.AssumeEvents++
	if first {
		w.truth.summary.Issuances++
	}
}

// truthCall tells the truth about a call of c that r records.
// replaces is the id of the record that r corrects, copied that of another
// account's copy; both may be empty.
func (w *world) truthCall(c *credential, r *record, key, replaces, copied string) {
	if !w.inWindow(r.time) {
		return
	}
	max := c.confidence(key)
	t := w.truth
	stat := t.stat(c)
	stat.calls++
	if max != "proven" && max != "recorded" {
		stat.lost++
	}
	t.summary.AssumedRoleCalls++
	if r.errorCode != "" {
		stat.errors++
		t.summary.Errors++
	}
	if !c.used {
		c.used = true
		stat.sessions++
		if c.unused {
			c.unused = false
			t.summary.UnusedSessions--
		}
	}
	stat.see(c.origin.id(), max == "proven" || max == "recorded" && (c.complete || c.recorded()))
	t.byMax[max]++
	t.byID[c.origin.id()]++
	if t.noCalls {
		return
	}
	var copies []string
	if copied != "" {
		copies = []string{copied}
	}
	line := Call{
		EventID: r.id, EventTime: formatTime(r.time),
		Account: c.role.account.id, RoleARN: c.role.arn(), RoleName: c.role.name,
		SessionName: c.name, CreationDate: formatTime(c.created), AccessKeyID: key,
		Error: r.errorCode != "", Copies: copies, Replaces: replaces,
		Origin: c.origin.id(), Kind: c.origin.kind, Instance: c.instance,
		Complete: c.complete, MaxConfidence: max, Acceptable: c.acceptable(),
		ChainStart: formatTime(c.chainStart),
	}
	t.line(Line{Call: &line})
}

// appendExtendedID appends STS's extended request id, which tells the
// millisecond: base64 of <n>:<region>:S:<epoch ms>:R:<id>.
func (w *world) appendExtendedID(b []byte, t int64, region string) []byte {
	s := fmt.Sprintf("1:%s:S:%d:R:%s", region, t*1000+int64(w.ids.IntN(1000)), w.ids.from(alnum, 8))
	return base64.StdEncoding.AppendEncode(b, []byte(s))
}

// how says in what a call differs from the plain one.
type how struct {
	at        place  // where the call is made, if not where the credential is used
	key       string // another access key than the credential's
	invokedBy string // a service makes the call with the session forwarded to it
	console   bool
	failed    bool   // the call is denied
	presigned bool   // somebody else follows a presigned URL
	vpce      string // a VPC endpoint of the account
	// bucketOwner is another account whose copy of the call is in the trail too.
	bucketOwner *account
	onlyOwner   bool // and the caller's own copy is not
	updated     bool // a later record replaces this one
	resource    string
}

// call writes a call of c.
func (w *world) call(t int64, c *credential, a *api, h how) {
	at := c.place
	if h.at != (place{}) {
		at = h.at
	}
	key := c.key
	switch {
	case h.key != "":
		key = h.key
	case h.console || c.fromConsole:
		key = w.ids.unique("ASIA", c.role.account.id)
	case h.invokedBy != "" && h.invokedBy != c.invokedBy:
		key = w.ids.unique("ASIA", c.role.account.id)
	}
	invokedBy := c.invokedBy
	if h.invokedBy != "" {
		invokedBy = h.invokedBy
	}
	owner := c.role.account
	if h.bucketOwner != nil {
		owner = h.bucketOwner
	}
	r := w.apiRecord(t, a, owner.id, at, h.resource)
	r.recipient = c.role.account.id
	r.identity = c.identity(key, invokedBy)
	r.console = h.console || c.fromConsole
	if invokedBy != "" {
		r.ip, r.agent, r.tlsHost = invokedBy, invokedBy, ""
	} else if r.console {
		r.tlsHost = ""
	}
	if h.vpce != "" {
		r.vpce, r.vpceOwner = h.vpce, c.role.account.id
	}
	if h.failed {
		r.errorCode = a.deniedCode()
		r.errorText = "User: " + c.role.sessionARN(c.name) + " is not authorized to perform: " + a.action() +
			" because no identity-based policy allows the " + a.action() + " action"
		r.response = nil
	}
	if h.presigned {
		r.extra = w.s3Extra("QueryString")
	}
	if h.bucketOwner == nil {
		// Whether a second delivery of a replaced record is a duplicate is
		// anybody's guess: there is none.
		r.once = h.updated
		w.emit(&r)
		replaces := ""
		if h.updated {
			replaces = r.id
			w.replace(&r)
		}
		w.truthCall(c, &r, key, replaces, "")
		return
	}
	r.sharedID = w.ids.uuid()
	theirs := r
	theirs.recipient = h.bucketOwner.id
	theirs.id = w.ids.ownerUUID()
	w.emit(&theirs)
	if h.onlyOwner {
		w.truthCall(c, &theirs, key, "", "")
		return
	}
	w.emit(&r)
	w.truthCall(c, &r, key, "", theirs.id)
}

// replace writes the record that CloudTrail delivers when it corrects one that
// it delivered before, and makes r that record.
// https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html
func (w *world) replace(r *record) {
	old := r.id
	r.id = w.ids.uuid()
	r.addendum = fmt.Appendf(nil, `{"reason":"UPDATED_DATA","updatedFields":"responseElements","originalRequestID":"%s","originalEventID":"%s"}`,
		r.requestID, old)
	w.emit(r)
	w.emitted-- // the two are one event
	if w.inWindow(r.time) {
		w.truth.summary.Events--
		w.truth.summary.Replaced++
	}
}
