package trailgen

import (
	"strconv"
	"strings"
)

// api is one API call as CloudTrail logs it. The texts hold places to fill in:
// {account}, {region}, {app}, {day}, {object}, which is the same all over a
// record, {hex}, {hex8}, {uuid}, {n}, {token}.
type api struct {
	service   string // before .amazonaws.com
	name      string
	write     bool
	data      bool // a data event
	request   text
	response  text
	resources text
	extra     string // kind of additionalEventData: s3, kms or empty
	version   string // eventVersion
	host      string // of the endpoint where it is not the service's
	global    bool   // logged in us-east-1
	prefix    string // of the action in policies where it is not the service's
}

func (a *api) action() string {
	if a.prefix != "" {
		return a.prefix + ":" + a.name
	}
	return a.service + ":" + a.name
}

// deniedCode is how the service spells that a call was refused.
func (a *api) deniedCode() string {
	switch a.service {
	case "ec2":
		return "Client.UnauthorizedOperation"
	case "dynamodb", "logs", "kms", "ssm", "secretsmanager", "athena", "glue":
		return "AccessDeniedException"
	default:
		return "AccessDenied"
	}
}

// text is a template, split at its places.
type text []string

// parse splits s at its places: even parts stand as they are, odd ones are
// names of places. A brace that opens no place stands for itself.
func parse(s string) text {
	if s == "" {
		return nil
	}
	t := text{""}
	for s != "" {
		i := strings.IndexByte(s, '{')
		if i < 0 {
			t[len(t)-1] += s
			break
		}
		j := strings.IndexByte(s[i:], '}')
		if j < 0 || !isPlace(s[i+1:i+j]) {
			t[len(t)-1] += s[:i+1]
			s = s[i+1:]
			continue
		}
		t[len(t)-1] += s[:i]
		t = append(t, s[i+1:i+j], "")
		s = s[i+j+1:]
	}
	return t
}

func isPlace(s string) bool {
	switch s {
	case "account", "region", "app", "object", "hex", "hex8", "uuid", "n", "token", "day":
		return true
	}
	return false
}

func (w *world) fill(t text, account, region, app, object string, at int64) []byte {
	if t == nil {
		return nil
	}
	b := make([]byte, 0, 256)
	for i, part := range t {
		if i%2 == 0 {
			b = append(b, part...)
			continue
		}
		switch part {
		case "account":
			b = append(b, account...)
		case "region":
			b = append(b, region...)
		case "app":
			b = append(b, app...)
		case "object":
			b = append(b, object...)
		case "hex":
			b = w.ids.appendFrom(b, hexDigits, 17)
		case "hex8":
			b = w.ids.appendFrom(b, hexDigits, 8)
		case "uuid":
			b = w.ids.appendUUID(b)
		case "n":
			b = strconv.AppendInt(b, int64(w.ids.IntN(1000)), 10)
		case "token":
			b = w.ids.appendFrom(b, alnum, 24)
		case "day":
			b = append(b, formatTime(at)[:10]...)
		}
	}
	return b
}

// apiRecord makes the record of a call, without its identity.
func (w *world) apiRecord(t int64, a *api, account string, at place, app string) record {
	region := at.region
	if a.global {
		region = "us-east-1"
	}
	if app == "" {
		app = "shared"
	}
	object := w.ids.hex(8)
	r := record{
		version: a.version, time: t, source: a.service + ".amazonaws.com", name: a.name, region: region,
		ip: at.ip, agent: at.agent, write: a.write, data: a.data, recipient: account,
		request:   w.fill(a.request, account, region, app, object, t),
		response:  w.fill(a.response, account, region, app, object, t),
		resources: w.fill(a.resources, account, region, app, object, t),
		id:        w.ids.uuid(),
	}
	switch {
	case a.host != "":
		r.tlsHost = strings.Replace(a.host, "{region}", region, 1)
	case a.service == "s3":
		r.tlsHost = app + "-" + account + ".s3." + region + ".amazonaws.com"
	default:
		r.tlsHost = a.service + "." + region + ".amazonaws.com"
	}
	switch a.extra {
	case "s3":
		// S3 logs the agent in brackets.
		r.agent = "[" + at.agent + "]"
		r.extra = w.s3Extra("AuthHeader")
		r.requestID = w.ids.from(idAlphabet, 16)
	case "sts":
		r.extra = w.stsExtra(t, region, "regional", false)
		r.requestID = w.ids.uuid()
	default:
		r.requestID = w.ids.uuid()
	}
	return r
}

func (w *world) s3Extra(method string) []byte {
	b := append(make([]byte, 0, 300), `{"SignatureVersion":"SigV4","CipherSuite":"TLS_AES_128_GCM_SHA256","bytesTransferredIn":0,"AuthenticationMethod":"`...)
	b = append(b, method...)
	b = append(b, `","x-amz-id-2":"`...)
	b = w.ids.appendFrom(b, base64Set, 75)
	b = append(b, `=","bytesTransferredOut":`...)
	b = strconv.AppendInt(b, int64(w.ids.IntN(90_000)), 10)
	return append(b, '}')
}
