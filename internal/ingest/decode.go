package ingest

import (
	"bytes"
	"encoding/binary"
)

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
	memberStream  // holds records of its own, without a bound
	memberEvent   // CloudTrailEvent: a record as a string
	memberDetail  // detail of an EventBridge event, a record
	memberLambda  // awslogs, as Lambda hands over a subscription's payload
	memberMessage // message of a CloudWatch Logs event, a record as a string
	memberText    // and above: a string, by its place in decoder.strings
)

// decoder turns records into the one Event that it has.
type decoder struct {
	scanner
	ev      Event
	strings [14]*[]byte // where the strings of a record go
	follows [66]uint8   // by place in knownMembers, the place of what came next the last time

	time          []byte
	identity      extent
	identityKnown *knownIdentity // nil where it is none of validated
	request       extent
	response      extent
	details       extent
	inner         [memberText - memberEvent]extent // by member
	digest        bool                             // a digest file, which is an object like a record
	known         bool                             // has at least one member that only records have
	assumed       bool                             // the event's Assume was filled
	validated     identityCache
}

// newDecoder makes a decoder that refuses records nested deeper than maxDepth.
func newDecoder(maxDepth int) *decoder {
	d := &decoder{scanner: scanner{maxDepth: maxDepth, wide: wideSkips()}}
	e := &d.ev
	d.strings = [...]*[]byte{
		&e.ID, &e.SharedID, &e.Name, &e.Source, &e.Region, &e.SourceIP, &e.UserAgent, &e.ErrorCode,
		&e.ErrorText, &e.Recipient, &e.Type, &e.Category, &e.VPCEndpoint, &e.VPCEndpointAccount,
	}
	return d
}

// lookup tells what the member of that name is.
func lookup(name []byte) member {
	switch string(name) {
	case "eventID":
		return memberText + 0
	case "sharedEventID":
		return memberText + 1
	case "eventName":
		return memberText + 2
	case "eventSource":
		return memberText + 3
	case "awsRegion":
		return memberText + 4
	case "sourceIPAddress":
		return memberText + 5
	case "userAgent":
		return memberText + 6
	case "errorCode":
		return memberText + 7
	case "errorMessage":
		return memberText + 8
	case "recipientAccountId":
		return memberText + 9
	case "eventType":
		return memberText + 10
	case "eventCategory":
		return memberText + 11
	case "vpcEndpointId":
		return memberText + 12
	case "vpcEndpointAccountId":
		return memberText + 13
	case "eventTime":
		return memberTime
	case "userIdentity":
		return memberIdentity
	case "requestParameters":
		return memberRequest
	case "responseElements":
		return memberResponse
	case "serviceEventDetails":
		return memberDetails
	case "additionalEventData":
		return memberAdditional
	case "addendum":
		return memberAddendum
	case "sessionCredentialFromConsole":
		return memberConsole
	case "digestS3Object":
		return memberDigest
	case "Records", "Events", "events", "logEvents":
		return memberStream
	case "CloudTrailEvent":
		return memberEvent
	case "detail":
		return memberDetail
	case "awslogs":
		return memberLambda
	case "message":
		return memberMessage
	}
	return memberUnread
}

// knownMember is a member that many records have, with what stands between the
// quote before its name and its value. That is compared by words of eight bytes,
// which overlap where it has less than three of them.
type knownMember struct {
	head, middle, tail uint64
	half, length       uint8 // where middle begins; how many bytes it is. 0 where there is no member
	member             member
	next               uint8 // the place of another one to be tried
}

// stands reports whether the member is what stands at p.
func (k *knownMember) stands(b []byte, p int) bool {
	n := int(k.length)
	if n == 0 || p < 0 || p+n > len(b) {
		return false
	}
	b = b[p : p+n]
	// It is never less than eight bytes, which the compiler does not know.
	if len(b) < 8 || int(k.half) > len(b)-8 {
		return false
	}
	return binary.LittleEndian.Uint64(b) == k.head &&
		binary.LittleEndian.Uint64(b[len(b)-8:]) == k.tail &&
		binary.LittleEndian.Uint64(b[k.half:]) == k.middle
}

// memberSlot is the place in knownMembers of a member by the first eight bytes
// of its text. The factor was looked for until every member had its own place.
func memberSlot(first8 uint64) uint8 { return uint8(first8 * 0xc8edc924c7ebaab5 >> 58) }

// Places in knownMembers behind the slots.
const (
	noMember     = 64 // stands for all others
	secondMember = 65 // of the one slot that two members share
)

// commonMembers are the names that knownMembers has.
var commonMembers = [...]string{
	"eventVersion", "userIdentity", "eventTime", "eventSource", "eventName", "awsRegion", "sourceIPAddress",
	"userAgent", "errorCode", "errorMessage", "requestParameters", "responseElements", "additionalEventData",
	"requestID", "eventID", "readOnly", "resources", "eventType", "apiVersion", "managementEvent",
	"recipientAccountId", "sharedEventID", "vpcEndpointId", "vpcEndpointAccountId", "eventCategory",
	"tlsDetails", "addendum", "serviceEventDetails",
}

// knownMembers saves looking for the end of a name before comparing it.
var knownMembers = func() (known [66]knownMember) {
	for i := range known {
		known[i].next = noMember
	}
	for _, name := range commonMembers {
		text := []byte(name + `":`) // of 9 to 22 bytes, so that three words hold it
		half := min(8, len(text)-8)
		k := knownMember{
			head: binary.LittleEndian.Uint64(text), middle: binary.LittleEndian.Uint64(text[half:]), tail: binary.LittleEndian.Uint64(text[len(text)-8:]),
			half: uint8(half), length: uint8(len(text)), member: lookup([]byte(name)), next: noMember,
		}
		slot := memberSlot(k.head)
		if known[slot].length != 0 {
			known[slot].next = secondMember // vpcEndpointId, whose slot vpcEndpointAccountId shares
			slot = secondMember
		}
		known[slot] = k
	}
	return known
}()

// reset forgets the last record.
func (d *decoder) reset() {
	e := &d.ev
	e.ID, e.SharedID, e.Name, e.Source, e.Region = nil, nil, nil, nil, nil
	e.SourceIP, e.UserAgent, e.ErrorCode, e.ErrorText, e.Recipient = nil, nil, nil, nil, nil
	e.Type, e.Category, e.VPCEndpoint, e.VPCEndpointAccount = nil, nil, nil, nil
	e.AddendumReason, e.OriginalID, e.UpdatedFields = nil, nil, nil
	e.SwitchFrom, e.AuthMethod, e.LakeFormationRSN = nil, nil, nil
	e.Time, e.FromConsole, e.IdentityRaw, e.IdentityMemo = 0, false, nil, nil
	if e.identityDecoded {
		e.identity, e.identityDecoded = Identity{}, false
	}
	if d.assumed {
		e.Assume, d.assumed = Assume{Tags: e.Assume.Tags[:0]}, false
	}
	d.scratch = e.scratch[:0]
	d.time, d.digest, d.known, d.deep = nil, false, false, false
	d.identity, d.request, d.response, d.details = extent{}, extent{}, extent{}, extent{}
	d.inner = [memberText - memberEvent]extent{}
}

// record scans the object at p and gives the position behind it. With stream
// set it stops with faultStream where a member holds an array of records.
func (d *decoder) record(p int, stream bool) (next int) {
	d.reset()
	b := d.b
	p = d.first(p)
	last := uint8(noMember)
	for p >= 0 && b[p] == '"' {
		// Records of one kind have their members in the same order, so that the
		// one that followed the last time is most often the one that follows.
		which := d.follows[last]
		k := &knownMembers[which]
		m, value := k.member, p+1+int(k.length)
		if !k.stands(b, p+1) || value >= len(b) || b[value] <= ' ' {
			m, value, which = d.memberName(p)
			d.follows[last] = which
			if value < 0 {
				return -1
			}
		}
		last = which
		switch {
		case m >= memberText:
			d.known = true
			// Most strings end at the first byte that is not plain. The window may
			// end before the value.
			end := len(b)
			if value < end && b[value] == '"' {
				end = plainEnd(b, value+1)
			}
			if end < len(b) && b[end] == '"' {
				*d.strings[m-memberText] = b[value+1 : end : end]
				p = end + 1
			} else {
				p = d.textInto(value, d.strings[m-memberText], 2)
			}
		case m == memberUnread:
			p = d.skip(value, 2)
		default:
			p = d.member(m, value, stream)
		}
		if p < 0 {
			return -1
		}
		if p+1 < len(b) && b[p] == ',' && b[p+1] == '"' {
			p++ // as CloudTrail writes it, without white space
		} else {
			p = d.next(p)
		}
	}
	if p < 0 || !d.finish() {
		return -1
	}
	d.ev.scratch = d.scratch
	return p + 1
}

// memberName reads a member's name and gives the position of its value, and
// which of the known members it is.
func (d *decoder) memberName(p int) (m member, value int, which uint8) {
	if p+9 <= len(d.b) {
		for which = memberSlot(binary.LittleEndian.Uint64(d.b[p+1:])); which != noMember; {
			k := &knownMembers[which]
			if k.stands(d.b, p+1) {
				return k.member, d.space(p + 1 + int(k.length)), which
			}
			which = k.next
		}
	}
	name, value := d.name(p)
	return lookup(name), value, noMember
}

// member reads the value at p of a member that is more than a string.
func (d *decoder) member(m member, p int, stream bool) int {
	var into *extent
	switch m {
	case memberTime:
		d.known = true
		return d.textInto(p, &d.time, 2)
	case memberConsole:
		return d.flagInto(p, &d.ev.FromConsole, 2)
	case memberAdditional:
		return d.texts(p, 2, []textMember{
			{"SwitchFrom", &d.ev.SwitchFrom}, {"AuthenticationMethod", &d.ev.AuthMethod},
			{"lakeFormationRoleSessionName", &d.ev.LakeFormationRSN},
		})
	case memberAddendum:
		return d.texts(p, 2, []textMember{
			{"reason", &d.ev.AddendumReason}, {"originalEventID", &d.ev.OriginalID}, {"updatedFields", &d.ev.UpdatedFields},
		})
	case memberIdentity:
		d.known = true
		if d.peek(p) == '{' {
			if k := d.validated.prefix(d.b[p:]); k != nil {
				end := p + len(k.raw)
				d.identity, d.identityKnown = extent{p, end}, k
				return end
			}
		}
		into, d.identityKnown = &d.identity, nil
	case memberRequest:
		into = &d.request
	case memberResponse:
		into = &d.response
	case memberDetails:
		into = &d.details
	case memberDigest:
		d.digest = true
	case memberEvent, memberDetail, memberLambda, memberMessage:
		into = &d.inner[m-memberEvent]
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
		k := d.identityKnown
		if k == nil {
			k = d.validated.find(raw)
		}
		if k == nil {
			e.identityDecoded = true
			if d.decodeIdentity(d.identity.start, &e.identity) < 0 {
				return false
			}
			k = d.validated.keep(raw)
		}
		if k != nil {
			e.IdentityMemo = &k.memo
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
