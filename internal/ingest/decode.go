package ingest

import "bytes"

// extent is a value's place in the scanner's bytes; end is 0 for none.
type extent struct{ start, end int }

func (v extent) found() bool { return v.end > 0 }

// member is what a record's member is to the decoder.
type member uint8

const (
	memberUnread member = iota
	memberTime
	memberIdentity
	memberRequest
	memberResponse
	memberDetails
	memberAdditional
	memberAddendum
	memberConsole
	memberDigest
	memberStream // holds records of its own, without a bound
	memberInner  // holds one record of its own
	memberText   // and above: a string, by its place in decoder.strings
)

// The members that wrap records, in whose extent decoder.inner keeps them.
const (
	innerEvent   = iota // CloudTrailEvent: the record as a string
	innerDetail         // detail of an EventBridge event
	innerLambda         // awslogs, as Lambda hands over a subscription's payload
	innerMessage        // message of a CloudWatch Logs event
	innerCount
)

// decoder turns records into the one Event that it has.
type decoder struct {
	scanner
	ev      Event
	strings [14]*[]byte // where the strings of a record go

	time      []byte
	identity  extent
	request   extent
	response  extent
	details   extent
	inner     [innerCount]extent
	digest    bool // a digest file, which is an object like a record
	known     bool // has at least one member that only records have
	assumed   bool // the event's Assume was filled
	validated identityCache
}

// newDecoder makes a decoder that refuses records nested deeper than maxDepth.
func newDecoder(maxDepth int) *decoder {
	d := &decoder{scanner: scanner{maxDepth: maxDepth}}
	e := &d.ev
	d.strings = [...]*[]byte{
		&e.ID, &e.SharedID, &e.Name, &e.Source, &e.Region, &e.SourceIP, &e.UserAgent, &e.ErrorCode,
		&e.ErrorText, &e.Recipient, &e.Type, &e.Category, &e.VPCEndpoint, &e.VPCEndpointAccount,
	}
	return d
}

// lookup tells what the member of that name is, and for wrappers which.
func lookup(name []byte) (m member, inner int) {
	switch string(name) {
	case "eventID":
		return memberText + 0, 0
	case "sharedEventID":
		return memberText + 1, 0
	case "eventName":
		return memberText + 2, 0
	case "eventSource":
		return memberText + 3, 0
	case "awsRegion":
		return memberText + 4, 0
	case "sourceIPAddress":
		return memberText + 5, 0
	case "userAgent":
		return memberText + 6, 0
	case "errorCode":
		return memberText + 7, 0
	case "errorMessage":
		return memberText + 8, 0
	case "recipientAccountId":
		return memberText + 9, 0
	case "eventType":
		return memberText + 10, 0
	case "eventCategory":
		return memberText + 11, 0
	case "vpcEndpointId":
		return memberText + 12, 0
	case "vpcEndpointAccountId":
		return memberText + 13, 0
	case "eventTime":
		return memberTime, 0
	case "userIdentity":
		return memberIdentity, 0
	case "requestParameters":
		return memberRequest, 0
	case "responseElements":
		return memberResponse, 0
	case "serviceEventDetails":
		return memberDetails, 0
	case "additionalEventData":
		return memberAdditional, 0
	case "addendum":
		return memberAddendum, 0
	case "sessionCredentialFromConsole":
		return memberConsole, 0
	case "digestS3Object":
		return memberDigest, 0
	case "Records", "Events", "events", "logEvents":
		return memberStream, 0
	case "CloudTrailEvent":
		return memberInner, innerEvent
	case "detail":
		return memberInner, innerDetail
	case "awslogs":
		return memberInner, innerLambda
	case "message":
		return memberInner, innerMessage
	}
	return memberUnread, 0
}

// reset forgets the last record.
func (d *decoder) reset() {
	e := &d.ev
	for _, t := range d.strings {
		*t = nil
	}
	e.Time, e.FromConsole, e.IdentityRaw = 0, false, nil
	e.AddendumReason, e.OriginalID = nil, nil
	e.SwitchFrom, e.AuthMethod, e.LakeFormationRSN = nil, nil, nil
	if e.identityDecoded {
		e.identity, e.identityDecoded = Identity{}, false
	}
	if d.assumed {
		e.Assume, d.assumed = Assume{Tags: e.Assume.Tags[:0]}, false
	}
	d.scratch = e.scratch[:0]
	d.time, d.digest, d.known, d.deep = nil, false, false, false
	d.identity, d.request, d.response, d.details = extent{}, extent{}, extent{}, extent{}
	d.inner = [innerCount]extent{}
}

// record scans the object at p and gives the position behind it. With stream
// set it stops with faultStream where a member holds an array of records.
func (d *decoder) record(p int, stream bool) (next int) {
	d.reset()
	for p = d.first(p); p >= 0 && d.b[p] == '"'; p = d.next(p) {
		var name []byte
		if name, p = d.name(p); p < 0 {
			return -1
		}
		m, which := lookup(name)
		if m >= memberText {
			d.known = true
			p = d.textInto(p, d.strings[m-memberText], 2)
		} else {
			p = d.member(m, which, p, stream)
		}
		if p < 0 {
			return -1
		}
	}
	if p < 0 {
		return -1
	}
	if !d.finish() {
		return -1
	}
	d.ev.scratch = d.scratch
	return p + 1
}

// member reads the value at p of a member that is more than a string.
func (d *decoder) member(m member, which, p int, stream bool) int {
	var into *extent
	switch m {
	case memberTime:
		d.known = true
		return d.textInto(p, &d.time, 2)
	case memberConsole:
		return d.flagInto(p, &d.ev.FromConsole, 2)
	case memberAdditional:
		return d.additional(p)
	case memberAddendum:
		return d.addendum(p)
	case memberIdentity:
		d.known = true
		into = &d.identity
	case memberRequest:
		into = &d.request
	case memberResponse:
		into = &d.response
	case memberDetails:
		into = &d.details
	case memberDigest:
		d.digest = true
	case memberInner:
		into = &d.inner[which]
	case memberStream:
		if stream && d.peek(p) == '[' {
			d.at, d.fault = p, faultStream
			return -1
		}
	}
	end := d.skip(p, 2)
	if into != nil {
		*into = extent{p, end}
	}
	return end
}

// additional reads additionalEventData.
func (d *decoder) additional(p int) int {
	e := &d.ev
	e.SwitchFrom, e.AuthMethod, e.LakeFormationRSN = nil, nil, nil
	if d.peek(p) != '{' {
		return d.skip(p, 2)
	}
	for p = d.first(p); p >= 0 && d.b[p] == '"'; p = d.next(p) {
		var name []byte
		if name, p = d.name(p); p < 0 {
			return -1
		}
		switch string(name) {
		case "SwitchFrom":
			p = d.textInto(p, &e.SwitchFrom, 3)
		case "AuthenticationMethod":
			p = d.textInto(p, &e.AuthMethod, 3)
		case "lakeFormationRoleSessionName":
			p = d.textInto(p, &e.LakeFormationRSN, 3)
		default:
			p = d.skip(p, 3)
		}
		if p < 0 {
			return -1
		}
	}
	return behind(p)
}

// addendum reads addendum, which tells why a record comes late or replaces another.
func (d *decoder) addendum(p int) int {
	e := &d.ev
	e.AddendumReason, e.OriginalID = nil, nil
	if d.peek(p) != '{' {
		return d.skip(p, 2)
	}
	for p = d.first(p); p >= 0 && d.b[p] == '"'; p = d.next(p) {
		var name []byte
		if name, p = d.name(p); p < 0 {
			return -1
		}
		switch string(name) {
		case "reason":
			p = d.textInto(p, &e.AddendumReason, 3)
		case "originalEventID":
			p = d.textInto(p, &e.OriginalID, 3)
		default:
			p = d.skip(p, 3)
		}
		if p < 0 {
			return -1
		}
	}
	return behind(p)
}

// behind is the position behind the closing brace at p, or the fault -1.
func behind(p int) int {
	if p < 0 {
		return -1
	}
	return p + 1
}

// finish reads what could only be read once the whole record was seen.
func (d *decoder) finish() bool {
	e := &d.ev
	if raw := d.object(d.identity); raw != nil && !d.deep {
		e.IdentityRaw = raw
		// Records of one credential repeat their userIdentity byte for byte, so
		// that it is worth knowing which were found to be JSON before.
		if !d.validated.holds(raw) {
			e.identityDecoded = true
			if d.decodeIdentity(d.identity.start, &e.identity) < 0 {
				return false
			}
			d.validated.keep(raw)
		}
	}
	if e.IsAssume() && !d.deep {
		return d.decodeAssume()
	}
	return true
}

// object is the bytes of v if it is an object.
func (d *decoder) object(v extent) []byte {
	if !v.found() || d.b[v.start] != '{' {
		return nil
	}
	return d.b[v.start:v.end:v.end]
}

// verdict is what a scanned object turned out to be.
type verdict uint8

const (
	verdictEvent      verdict = iota
	verdictPassedOver         // digest, Insight, aggregated or network activity
	verdictBad                // what should be a record and is none, by reason
)

// judge says what the scanned object is. A reason is one of a few fixed texts.
func (d *decoder) judge() (v verdict, reason string) {
	e := &d.ev
	if d.deep {
		return verdictBad, "nested too deep for a CloudTrail record"
	}
	if d.digest || passedOver(e) {
		return verdictPassedOver, ""
	}
	if len(e.Name) > 0 && len(d.time) > 0 {
		t, ok := parseTime(d.time)
		if !ok {
			return verdictBad, "not a CloudTrail record: eventTime is no time"
		}
		e.Time = t
		return verdictEvent, ""
	}
	switch {
	case !d.known:
		return verdictBad, reasonShapeless
	case len(d.time) == 0:
		return verdictBad, "not a CloudTrail record: no eventTime"
	default:
		return verdictBad, "not a CloudTrail record: no eventName"
	}
}

// reasonShapeless is what is wrong with an object that has nothing of a record.
const reasonShapeless = "not a CloudTrail record: none of its members"

// passedOver reports whether the record is none of a trail's events of
// management and data: those are of categories and types of their own.
//
// https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html
func passedOver(e *Event) bool {
	switch string(e.Category) {
	case "Management", "Data":
		return false
	case "Insight", "Aggregated", "NetworkActivity":
		return true
	}
	for _, t := range [...]string{"AwsCloudTrailInsight", "AwsAggregatedEvent", "AwsVpceEvents"} {
		if len(e.Type) == len(t) && bytes.EqualFold(e.Type, []byte(t)) {
			return true
		}
	}
	return false
}

// IsAssume reports whether the event is of a call that issues temporary
// credentials or tells about one, whose parameters Event.Assume holds.
func (e *Event) IsAssume() bool {
	switch string(e.Source) {
	case "sts.amazonaws.com":
		switch string(e.Name) {
		case "AssumeRole", "AssumeRoleWithSAML", "AssumeRoleWithWebIdentity", "AssumeRoot",
			"GetFederationToken", "GetSessionToken":
			return true
		}
	case "eks-auth.amazonaws.com":
		return string(e.Name) == "AssumeRoleForPodIdentity"
	case "rolesanywhere.amazonaws.com":
		return string(e.Name) == "CreateSession"
	case "sso.amazonaws.com":
		return string(e.Name) == "GetRoleCredentials"
	case "signin.amazonaws.com":
		return string(e.Name) == "SwitchRole"
	}
	return false
}
