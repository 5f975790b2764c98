package trailgen

import (
	"strconv"
	"time"
	"unicode/utf8"
)

// record is one CloudTrail record before it is written. A member that is empty
// is left out, apart from request and response, which are null then.
type record struct {
	version   string // eventVersion, 1.11 where empty
	identity  []byte // userIdentity as JSON
	time      int64  // seconds since 1970 UTC
	source    string
	name      string
	region    string
	ip        string
	agent     string
	errorCode string
	errorText string
	request   []byte // JSON
	response  []byte // JSON
	extra     []byte // additionalEventData as JSON
	requestID string
	id        string
	write     bool
	resources []byte // JSON
	kind      string // eventType, AwsApiCall where empty
	recipient string
	sharedID  string
	vpce      string
	vpceOwner string
	details   []byte // serviceEventDetails as JSON
	data      bool   // a data event, not a management event
	tlsHost   string
	console   bool
	addendum  []byte // JSON
	once      bool   // it is never delivered twice
}

// appendTo appends the record as CloudTrail writes it: one line, members in
// the order of delivered trails.
func (r *record) appendTo(b []byte) []byte {
	b = append(b, `{"eventVersion":"`...)
	if r.version == "" {
		b = append(b, "1.11"...)
	}
	b = append(b, r.version...)
	b = append(b, `","userIdentity":`...)
	b = append(b, r.identity...)
	b = append(b, `,"eventTime":"`...)
	b = appendTime(b, r.time)
	b = append(b, `","eventSource":"`...)
	b = append(b, r.source...)
	b = append(b, `","eventName":"`...)
	b = append(b, r.name...)
	b = append(b, `","awsRegion":"`...)
	b = append(b, r.region...)
	b = append(b, '"')
	b = appendMember(b, "sourceIPAddress", r.ip)
	b = appendMember(b, "userAgent", r.agent)
	if r.errorCode != "" {
		b = appendMember(b, "errorCode", r.errorCode)
		b = appendMember(b, "errorMessage", r.errorText)
	}
	b = append(b, `,"requestParameters":`...)
	b = appendOrNull(b, r.request)
	b = append(b, `,"responseElements":`...)
	b = appendOrNull(b, r.response)
	if r.extra != nil {
		b = append(b, `,"additionalEventData":`...)
		b = append(b, r.extra...)
	}
	if r.requestID != "" {
		b = appendMember(b, "requestID", r.requestID)
	}
	b = appendMember(b, "eventID", r.id)
	b = append(b, `,"readOnly":`...)
	b = strconv.AppendBool(b, !r.write)
	if r.resources != nil {
		b = append(b, `,"resources":`...)
		b = append(b, r.resources...)
	}
	if r.kind == "" {
		b = append(b, `,"eventType":"AwsApiCall"`...)
	} else {
		b = appendMember(b, "eventType", r.kind)
	}
	b = append(b, `,"managementEvent":`...)
	b = strconv.AppendBool(b, !r.data)
	b = appendMember(b, "recipientAccountId", r.recipient)
	if r.sharedID != "" {
		b = appendMember(b, "sharedEventID", r.sharedID)
	}
	if r.vpce != "" {
		b = appendMember(b, "vpcEndpointId", r.vpce)
		b = appendMember(b, "vpcEndpointAccountId", r.vpceOwner)
	}
	if r.details != nil {
		b = append(b, `,"serviceEventDetails":`...)
		b = append(b, r.details...)
	}
	if r.data {
		b = append(b, `,"eventCategory":"Data"`...)
	} else {
		b = append(b, `,"eventCategory":"Management"`...)
	}
	if r.tlsHost != "" {
		b = append(b, `,"tlsDetails":{"tlsVersion":"TLSv1.3","cipherSuite":"TLS_AES_128_GCM_SHA256","clientProvidedHostHeader":"`...)
		b = append(b, r.tlsHost...)
		b = append(b, `"}`...)
	}
	if r.console {
		b = append(b, `,"sessionCredentialFromConsole":"true"`...)
	}
	if r.addendum != nil {
		b = append(b, `,"addendum":`...)
		b = append(b, r.addendum...)
	}
	return append(b, '}')
}

func appendOrNull(b, v []byte) []byte {
	if v == nil {
		return append(b, "null"...)
	}
	return append(b, v...)
}

// appendMember appends ,"name":"value".
func appendMember(b []byte, name, value string) []byte {
	b = append(b, ',', '"')
	b = append(b, name...)
	b = append(b, '"', ':')
	return appendString(b, value)
}

// appendString appends s as a JSON string.
func appendString(b []byte, s string) []byte {
	b = append(b, '"')
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			b = append(b, '\\', c)
		case c < 0x20:
			b = append(b, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		case c < utf8.RuneSelf:
			b = append(b, c)
		default:
			r, size := utf8.DecodeRuneInString(s[i:])
			b = utf8.AppendRune(b, r)
			i += size - 1
		}
	}
	return append(b, '"')
}

// appendTime appends RFC 3339 in UTC with seconds, the form of eventTime.
func appendTime(b []byte, sec int64) []byte {
	return time.Unix(sec, 0).UTC().AppendFormat(b, "2006-01-02T15:04:05Z")
}

func formatTime(sec int64) string { return string(appendTime(nil, sec)) }

// appendExpiration appends a time as STS writes responseElements.credentials.expiration.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/cloudtrail-integration.html
func appendExpiration(b []byte, sec int64) []byte {
	return time.Unix(sec, 0).UTC().AppendFormat(b, "Jan 2, 2006, 3:04:05 PM")
}
