package ingest

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"
)

// plainReader does what Reader does and is as plain as can be: no window, no
// speed, and what a record says is read by encoding/json. What a record's
// decoder skips, which need not be good JSON, it replaces by null before.
type plainReader struct {
	b        []byte
	maxDepth int
	inner    bool // of a payload
	out      outcome
	odd      int64 // problems of values that have nothing of a record
	wraps    int
	shaped   bool
	oneLine  bool
	control  bool
	deep     bool
}

// plainFault is what the methods below panic with.
type plainFault struct{ end, stream bool }

func (r *plainReader) fail(p int) { panic(plainFault{end: p >= len(r.b)}) }

// try runs f and gives the fault that ended it.
func plainTry(f func()) (fault *plainFault) {
	defer func() {
		if e := recover(); e != nil {
			g, ok := e.(plainFault)
			if !ok {
				panic(e)
			}
			fault = &g
		}
	}()
	f()
	return nil
}

func (r *plainReader) peek(p int) byte {
	if p < len(r.b) {
		return r.b[p]
	}
	return 0
}

func (r *plainReader) space(p int) int {
	for p < len(r.b) && strings.IndexByte(" \t\r\n", r.b[p]) >= 0 {
		p++
	}
	return p
}

func (r *plainReader) want(p int, c byte) int {
	if r.peek(p) != c {
		r.fail(p)
	}
	return p + 1
}

// text reads a string that is held to the grammar.
func (r *plainReader) text(p int) (val string, end int) {
	start := p
	p = r.want(p, '"')
	for r.peek(p) != '"' {
		switch c := r.peek(p); {
		case c < ' ':
			r.fail(p)
		case c == '\\' && r.peek(p+1) == 'u':
			for i := p + 2; i < p+6; i++ {
				if strings.IndexByte("0123456789abcdefABCDEF", r.peek(i)) < 0 {
					r.fail(i)
				}
			}
			p += 6
		case c == '\\':
			if c := r.peek(p + 1); c == 0 || strings.IndexByte(`"\/bfnrt`, c) < 0 {
				r.fail(p + 1)
			}
			p += 2
		default:
			p++
		}
	}
	if err := json.Unmarshal(r.b[start:p+1], &val); err != nil {
		panic(fmt.Sprintf("a string that encoding/json refuses: %q: %v", r.b[start:p+1], err))
	}
	return val, p + 1
}

// skip passes over a value that nobody reads.
func (r *plainReader) skip(p, level int) int {
	switch c := r.peek(p); {
	case c == '"':
		for p++; r.peek(p) != '"' || p >= len(r.b); p++ {
			if p >= len(r.b) {
				r.fail(p)
			}
			if r.b[p] == '\\' {
				p++
			}
		}
		return p + 1
	case c == '{' || c == '[':
		depth := 0
		for {
			switch r.peek(p) {
			case '"':
				p = r.skip(p, 0) - 1
			case '\\': // of no meaning outside of strings, but not looked at closely
				p++
			case '{', '[':
				if depth++; level+depth-1 > r.maxDepth {
					r.deep = true
				}
			case '}', ']':
				depth--
			case 0:
				if p >= len(r.b) {
					r.fail(p)
				}
			}
			if p++; depth == 0 {
				return p
			}
		}
	}
	for _, word := range []string{"true", "false", "null"} {
		if c := r.peek(p); c != 0 && c == word[0] {
			for i := range len(word) {
				p = r.want(p, word[i])
			}
			return p
		}
	}
	digits := func() {
		q := p
		for c := r.peek(p); '0' <= c && c <= '9'; c = r.peek(p) {
			p++
		}
		if p == q {
			r.fail(p)
		}
	}
	if r.peek(p) == '-' {
		p++
	} else if c := r.peek(p); c < '0' || c > '9' {
		r.fail(p)
	}
	if r.peek(p) == '0' {
		p++
	} else {
		digits()
	}
	if r.peek(p) == '.' {
		p++
		digits()
	}
	if c := r.peek(p); c == 'e' || c == 'E' {
		p++
		if c := r.peek(p); c == '+' || c == '-' {
			p++
		}
		digits()
	}
	return p
}

// plainPart says what of a value is read.
type plainPart struct {
	members map[string]plainPart         // of an object
	every   func(name string) *plainPart // of an object whose members' names are not fixed
	list    func(index int) *plainPart   // of an array
	late    bool                         // only the last of its name is read, when its object is complete
}

var (
	plainLeaf   = plainPart{}
	sessionPart = plainPart{members: map[string]plainPart{
		"sessionIssuer": {members: plainLeaves("type", "principalId", "arn", "accountId", "userName")},
		"attributes":    {members: plainLeaves("creationDate", "mfaAuthenticated", "sessionCredentialFromConsole")},
		"webIdFederationData": {members: map[string]plainPart{"federatedProvider": plainLeaf, "attributes": {every: func(name string) *plainPart {
			if name == "sub" || strings.HasSuffix(name, ":sub") {
				return &plainLeaf
			}
			return nil
		}}}},
		"sourceIdentity": plainLeaf, "ec2RoleDelivery": plainLeaf, "assumedRoot": plainLeaf, "signInSessionArn": plainLeaf,
	}}
	identityPart = plainPart{late: true, members: plainParts(map[string]plainPart{
		"invokedByDelegate": {members: plainLeaves("accountId")},
		"onBehalfOf":        {members: plainLeaves("userId", "identityStoreArn")},
		"inScopeOf":         {members: plainLeaves("sourceArn", "sourceAccount", "issuerType", "credentialsIssuedTo")},
		"sessionContext":    sessionPart,
	}, "type", "principalId", "arn", "accountId", "accessKeyId", "userName", "invokedBy", "identityProvider", "credentialId")}

	tagMap      = plainPart{late: true, every: func(string) *plainPart { return &plainLeaf }}
	requestPart = plainPart{late: true, members: plainParts(map[string]plainPart{
		"tags":          {late: true, list: func(int) *plainPart { return &plainPart{members: plainLeaves("key", "value")} }},
		"principalTags": tagMap, "incomingTransitiveTags": tagMap,
	}, "roleArn", "roleSessionName", "sourceIdentity", "externalId", "durationSeconds", "principalArn", "targetPrincipal", "name", "clusterName")}

	issuedParts = map[string]plainPart{
		"credentials":     {members: plainLeaves("accessKeyId", "expiration")},
		"assumedRoleUser": {members: plainLeaves("assumedRoleId", "arn", "assumeRoleId")},
	}
	responsePart = plainPart{late: true, members: plainParts(map[string]plainPart{
		"credentials": issuedParts["credentials"], "assumedRoleUser": issuedParts["assumedRoleUser"],
		"federatedUser": {members: plainLeaves("federatedUserId", "arn")},
		"credentialSet": {list: func(i int) *plainPart {
			if i == 0 {
				return &plainPart{members: issuedParts}
			}
			return nil
		}},
	}, "subjectFromWebIdentityToken", "subject", "subjectType", "issuer", "audience", "provider", "nameQualifier", "subjectArn")}
	detailsPart = plainPart{late: true, members: plainLeaves("role_name", "account_id")}

	recordParts = plainParts(map[string]plainPart{
		"additionalEventData": {members: plainLeaves("SwitchFrom", "AuthenticationMethod", "lakeFormationRoleSessionName")},
		"addendum":            {members: plainLeaves("reason", "originalEventID", "updatedFields")},
	}, "eventID", "sharedEventID", "eventName", "eventSource", "awsRegion", "sourceIPAddress", "userAgent", "errorCode",
		"errorMessage", "recipientAccountId", "eventType", "eventCategory", "vpcEndpointId", "vpcEndpointAccountId",
		"eventTime", "sessionCredentialFromConsole")
)

func plainLeaves(names ...string) map[string]plainPart {
	return plainParts(map[string]plainPart{}, names...)
}

func plainParts(m map[string]plainPart, names ...string) map[string]plainPart {
	for _, n := range names {
		m[n] = plainLeaf
	}
	return m
}

// value reads what w wants of the value at p and writes the rest of it as null.
func (r *plainReader) value(p, level int, w *plainPart) (normal string, end int) {
	switch c := r.peek(p); {
	case w != nil && c == '"' && w.members == nil && w.every == nil && w.list == nil:
		_, end = r.text(p)
		return string(r.b[p:end]), end
	case w != nil && c == '{' && (w.members != nil || w.every != nil):
		ms, end := r.object(p, level, w, nil)
		return plainJoin(ms), end
	case w != nil && c == '[' && w.list != nil:
		var elements []string
		for p = r.space(p + 1); r.peek(p) != ']'; {
			var e string
			e, p = r.value(p, level+1, w.list(len(elements)))
			elements = append(elements, e)
			if p = r.space(p); r.peek(p) == ',' {
				if p = r.space(p + 1); r.peek(p) == ']' {
					r.fail(p)
				}
			} else if r.peek(p) != ']' {
				r.fail(p)
			}
		}
		return "[" + strings.Join(elements, ",") + "]", p + 1
	}
	end = r.skip(p, level)
	if c := r.b[p]; w == nil || c == '{' || c == '[' || c == '"' {
		return "null", end
	}
	return string(r.b[p:end]), end
}

// plainMember is a member of an object.
type plainMember struct {
	name       string
	start, end int // of its value
	normal     string
}

func plainJoin(ms []plainMember) string {
	var b strings.Builder
	for i, m := range ms {
		if i > 0 {
			b.WriteByte(',')
		}
		name, _ := json.Marshal(m.name)
		fmt.Fprintf(&b, "%s:%s", name, m.normal)
	}
	return "{" + b.String() + "}"
}

// object reads the object at p. see is shown each member's name and where its
// value begins, before that is read.
func (r *plainReader) object(p, level int, w *plainPart, see func(name string, value int)) (ms []plainMember, end int) {
	p = r.space(p + 1)
	for r.peek(p) != '}' {
		if r.peek(p) != '"' {
			r.fail(p)
		}
		var m plainMember
		m.name, p = r.text(p)
		p = r.space(r.want(r.space(p), ':'))
		if see != nil {
			see(m.name, p)
		}
		var sub *plainPart
		if w.every != nil {
			sub = w.every(m.name)
		} else if s, ok := w.members[m.name]; ok && !s.late {
			sub = &s
		}
		m.start = p
		m.normal, p = r.value(p, level+1, sub)
		m.end = p
		ms = append(ms, m)
		if p = r.space(p); r.peek(p) == ',' {
			if p = r.space(p + 1); r.peek(p) != '"' {
				r.fail(p)
			}
		} else if r.peek(p) != '}' {
			r.fail(p)
		}
	}
	for name, s := range w.members {
		if s.late {
			r.late(ms, name, level, s)
		}
	}
	return ms, p + 1
}

// late reads the last member of a name.
func (r *plainReader) late(ms []plainMember, name string, level int, w plainPart) {
	for i := len(ms) - 1; i >= 0; i-- {
		if m := &ms[i]; m.name == name {
			m.normal, _ = r.value(m.start, level+1, &w)
			return
		}
	}
}

func lastMember(ms []plainMember, name string) (plainMember, bool) {
	for i := len(ms) - 1; i >= 0; i-- {
		if ms[i].name == name {
			return ms[i], true
		}
	}
	return plainMember{}, false
}

// record reads the object at p as a record.
func (r *plainReader) record(p int, stream bool) (ms []plainMember, end int) {
	r.deep = false
	ms, end = r.object(p, 1, &plainPart{members: recordParts}, func(name string, value int) {
		if stream && strings.Contains(" Records Events events logEvents ", " "+name+" ") && r.peek(value) == '[' {
			panic(plainFault{stream: true})
		}
	})
	if r.deep {
		return ms, end
	}
	r.late(ms, "userIdentity", 1, identityPart)
	if e := oracleEvent(json.RawMessage(plainJoin(ms))); oracleAssumes[string(e.Source)+" "+string(e.Name)] {
		r.late(ms, "requestParameters", 1, requestPart)
		r.late(ms, "responseElements", 1, responsePart)
		r.late(ms, "serviceEventDetails", 1, detailsPart)
	}
	return ms, end
}

// judged counts the record whose members are ms.
func (r *plainReader) judged(ms []plainMember, k kind, unwrap bool) {
	e := oracleEvent(json.RawMessage(plainJoin(ms)))
	if m, ok := lastMember(ms, "userIdentity"); ok && e.IdentityRaw != nil {
		e.IdentityRaw = r.b[m.start:m.end]
	}
	_, digest := lastMember(ms, "digestS3Object")
	known := false
	for _, m := range ms {
		_, read := recordParts[m.name]
		container := m.name == "additionalEventData" || m.name == "addendum" || m.name == "sessionCredentialFromConsole"
		known = known || read && !container || m.name == "userIdentity"
	}
	when := oracleText(oracleMembers(json.RawMessage(plainJoin(ms))), "eventTime")
	_, timed := parseTime(when)
	typ := strings.ToLower(string(e.Type))
	over := false
	switch string(e.Category) {
	case "Management", "Data":
	case "Insight", "Aggregated", "NetworkActivity":
		over = true
	default:
		over = typ == "awscloudtrailinsight" || typ == "awsaggregatedevent" || typ == "awsvpceevents"
	}
	switch {
	case r.deep:
		r.shaped = r.shaped || known
		r.out.records++
		return
	case digest || over:
		r.shaped = r.shaped || known
		r.out.passedOver++
		return
	case len(e.Name) > 0 && timed:
		r.shaped = r.shaped || known
		r.out.events = append(r.out.events, dumpEvent(e))
		return
	case unwrap && !known && r.unwrap(ms, k):
		return
	}
	r.shaped = r.shaped || known
	r.out.records++
	if !known {
		r.odd++
	}
}

func (r *plainReader) unwrap(ms []plainMember, k kind) bool {
	first := func(name string) byte {
		if m, ok := lastMember(ms, name); ok {
			return r.b[m.start]
		}
		return 0
	}
	get := func(name string) plainMember { m, _ := lastMember(ms, name); return m }
	switch {
	case first("CloudTrailEvent") != 0:
		r.inValue(get("CloudTrailEvent").start)
	case first("detail") == '{':
		r.inValue(get("detail").start)
	case first("awslogs") == '{' && !r.inner:
		r.inPayload(get("awslogs").start)
	case first("message") != 0 && k == kindMessage:
		if r.control {
			r.out.passedOver++
		} else {
			r.inValue(get("message").start)
		}
	default:
		return false
	}
	return true
}

func (r *plainReader) inValue(p int) {
	r.shaped = true
	switch r.b[p] {
	case '"':
		r.inText(p)
	case '{':
		ms, _ := r.record(p, false)
		r.judged(ms, kindRecord, false)
	default:
		r.out.records++
		r.odd++
	}
}

func (r *plainReader) inText(p int) {
	s, _ := r.text(p)
	in := &plainReader{b: []byte(s), maxDepth: r.maxDepth}
	start := in.space(0)
	switch {
	case strings.HasPrefix(s, "CWL CONTROL MESSAGE"):
		r.out.passedOver++
		return
	case in.peek(start) != '{':
		r.out.records++
		r.odd++
		return
	}
	var ms []plainMember
	fault := plainTry(func() {
		var end int
		if ms, end = in.record(start, false); in.space(end) < len(s) {
			in.fail(end)
		}
	})
	if fault != nil {
		r.shaped = true
		r.out.records++
		return
	}
	in.judged(ms, kindRecord, false)
	r.add(in)
}

// add takes over what a reader of a plainPart found.
func (r *plainReader) add(in *plainReader) {
	r.out.events = append(r.out.events, in.out.events...)
	r.out.passedOver += in.out.passedOver
	r.out.records += in.out.records
	r.out.lost = r.out.lost || in.out.lost
	r.odd += in.odd
	r.shaped = r.shaped || in.shaped
}

func (r *plainReader) inPayload(p int) {
	r.shaped = true
	normal, _ := r.value(p, 2, &plainPart{members: plainLeaves("data")})
	data, err := base64.StdEncoding.DecodeString(string(oracleText(oracleMembers(json.RawMessage(normal)), "data")))
	if err != nil {
		r.out.records++
		return
	}
	zr, err := gzip.NewReader(bytes.NewReader(data))
	if err == nil {
		data, err = io.ReadAll(zr)
	} else if !bytes.HasPrefix(data, gzipMagic) {
		err = nil
	}
	in := &plainReader{b: data, maxDepth: r.maxDepth, inner: true}
	in.values()
	if in.out.lost || err != nil {
		in.out.records++
		in.out.lost = false
	}
	r.add(in)
	r.odd -= in.odd
}

// values reads the whole object.
func (r *plainReader) values() {
	p := r.space(0)
	if bytes.HasPrefix(r.b[p:], []byte("\xef\xbb\xbf")) {
		p = r.space(p + 3)
	}
	if p < len(r.b) && r.b[p] != '{' && r.b[p] != '[' && foreign(r.b[p:]) != "" {
		r.out.lost = true
		return
	}
	for p >= 0 && p < len(r.b) {
		p = r.file(p)
		if p >= 0 {
			p = r.space(p)
		}
	}
	if !r.shaped && len(r.out.events) == 0 && r.out.passedOver == 0 && r.odd > 0 {
		r.out.lost = true // if it was not before
		r.out.records -= r.odd
	}
}

// file reads one value of the object and gives the end of it, or -1.
func (r *plainReader) file(p int) (end int) {
	var fault *plainFault
	switch r.b[p] {
	case '{':
		var ms []plainMember
		if ms, end, fault = r.line(p); fault == nil {
			fault = plainTry(func() { r.judged(ms, kindAny, true) })
			if fault != nil {
				r.out.lost = true
				return -1
			}
			return end
		}
		if fault.stream {
			if fault = plainTry(func() { end = r.wrapper(p) }); fault != nil {
				r.out.lost = true
				return -1
			}
			return end
		}
	case '[':
		if fault = plainTry(func() { end = r.array(p, kindAny) }); fault != nil {
			r.out.lost = true
			return -1
		}
		return end
	default:
		fault = plainTry(func() { end = r.skip(p, 1) })
		if fault == nil {
			if fault = plainTry(func() { r.scalar(p, kindAny) }); fault != nil {
				r.out.lost = true
				return -1
			}
			return end
		}
	}
	if i := bytes.Index(r.b[p:], []byte("\n{")); i >= 0 {
		r.out.records++
		for _, line := range strings.Split(string(r.b[p:p+i]), "\n")[1:] {
			if line != "" && !strings.ContainsRune(" \t\r}]", rune(line[0])) {
				r.out.records++
			}
		}
		return p + i + 1
	}
	r.out.lost = true
	return -1
}

// line reads the object at p, on one line or, until that has failed, on several.
func (r *plainReader) line(p int) (ms []plainMember, end int, fault *plainFault) {
	all := r.b
	i := bytes.IndexByte(r.b[p:], '\n')
	if i >= 0 {
		r.b = r.b[:p+i]
	}
	fault = plainTry(func() { ms, end = r.record(p, true) })
	r.b = all
	if fault == nil || !fault.end || i < 0 || r.oneLine {
		return ms, end, fault
	}
	fault = plainTry(func() { ms, end = r.record(p, true) })
	if fault == nil && !json.Valid(r.b[p:end]) {
		fault = &plainFault{}
	}
	r.oneLine = fault != nil && !fault.stream
	return ms, end, fault
}

func (r *plainReader) array(p int, k kind) int {
	p = r.space(p + 1)
	for r.peek(p) != ']' {
		p = r.space(r.element(p, k))
		if r.peek(p) == ',' {
			if p = r.space(p + 1); r.peek(p) == ']' {
				r.fail(p)
			}
		} else if r.peek(p) != ']' {
			r.fail(p)
		}
	}
	return p + 1
}

func (r *plainReader) element(p int, k kind) (end int) {
	if r.peek(p) != '{' {
		end = r.skip(p, 1)
		r.scalar(p, k)
		return end
	}
	var ms []plainMember
	fault := plainTry(func() { ms, end = r.record(p, k == kindAny && r.wraps < maxWraps) })
	switch {
	case fault == nil:
		r.judged(ms, k, true)
		return end
	case fault.stream:
		return r.wrapper(p)
	}
	panic(*fault)
}

func (r *plainReader) scalar(p int, k kind) {
	if r.b[p] == '"' && k == kindAny {
		r.inText(p)
		return
	}
	r.out.records++
	r.odd++
}

func (r *plainReader) wrapper(p int) int {
	r.shaped, r.control = true, false
	r.wraps++
	defer func() { r.wraps-- }()
	p = r.space(p + 1)
	for r.peek(p) != '}' {
		if r.peek(p) != '"' {
			r.fail(p)
		}
		var name string
		name, p = r.text(p)
		p = r.space(r.want(r.space(p), ':'))
		k, stream := kindAny, r.peek(p) == '['
		switch name {
		case "Records":
			k = kindRecord
		case "Events":
		case "events", "logEvents":
			k = kindMessage
		default:
			stream = false
		}
		if stream {
			p = r.array(p, k)
		} else {
			start := p
			p = r.skip(p, 1)
			if name == "messageType" {
				r.control = string(r.b[start:p]) == `"CONTROL_MESSAGE"`
			}
		}
		if p = r.space(p); r.peek(p) == ',' {
			if p = r.space(p + 1); r.peek(p) != '"' {
				r.fail(p)
			}
		} else if r.peek(p) != '}' {
			r.fail(p)
		}
	}
	return p + 1
}

// checker compares what Readers with windows of several sizes find with what the
// plain reader finds.
type checker []*Reader

const checkedDepth = 24

func newChecker() (c checker) {
	for _, window := range []int{1, 7, 64, defaultWindow} {
		r := NewReader(Limits{MaxDepth: checkedDepth})
		r.window = window
		c = append(c, r)
	}
	return c
}

func (c checker) check(t *testing.T, data []byte) {
	t.Helper()
	plain := &plainReader{b: data, maxDepth: checkedDepth}
	plain.values()
	if validStream(data) && plain.out.lost && plain.odd == 0 {
		t.Errorf("encoding/json accepts what the plain reader refuses: %q", data)
	}
	for _, r := range c {
		got := readOutcome(r, data)
		if fmt.Sprint(got) != fmt.Sprint(plain.out) {
			t.Fatalf("with a window of %d of %q\n got %+v\nwant %+v", r.window, data, got, plain.out)
		}
		if r.window < 1000 {
			r.buf = nil // it has grown
		}
	}
}
