package ingest

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"io"
	"slices"
	"strings"
)

// kind is what the elements of an array, or the values of a file, may be.
type kind uint8

const (
	kindAny     kind = iota // a record or whatever wraps one
	kindRecord              // an element of Records
	kindMessage             // a CloudWatch Logs event, with the record in its message
)

// maxWraps is how deep wrappers may stand in each other.
const maxWraps = 4

// Reasons that are told in more than one place.
const (
	reasonBroken = "not JSON, the rest of the object is not read"
	reasonEnds   = "ends in the middle of its JSON: the object is truncated, fetch it again if its source is whole"
	reasonLine   = "not JSON, went on with the next line"
	reasonText   = "not a CloudTrail record: a string that is no JSON"
	reasonKind   = "not a CloudTrail record: no object"
)

// values reads the object: one JSON value or several, each a record or
// something that wraps records.
func (r *Reader) values() {
	r.next()
	for len(r.buf)-r.pos < magicSize && r.more() {
	}
	if bytes.HasPrefix(r.buf[r.pos:], []byte("\xef\xbb\xbf")) {
		r.pos += 3
	}
	if hint := foreign(r.buf[r.pos:]); hint != "" {
		r.problem(StageDecode, r.offset(), hint, 1)
		return
	}
	c, ok := r.next()
	for ok && r.value(c) {
		c, ok = r.next()
	}
	if !ok {
		r.stopped()
	}
	r.nothingKnown()
}

// magicSize is how many bytes foreign and the byte order mark need.
const magicSize = 5

// foreign tells what a file is that begins with b, if it is of a known kind that
// is no JSON.
func foreign(b []byte) string {
	for _, f := range []struct{ magic, is string }{
		{"\x1f\x8b", "compressed twice: unpack it once and scan the result"},
		{"\x28\xb5\x2f\xfd", "compressed twice: unpack it once and scan the result"},
		{"PK\x03\x04", "not CloudTrail: a zip archive, unpack it and scan the result"},
		{"BZh", "not CloudTrail: compressed with bzip2, unpack it and scan the result"},
		{"\xfd7zXZ", "not CloudTrail: compressed with xz, unpack it and scan the result"},
		{"PAR1", "not CloudTrail: a Parquet file"},
		{"\xff\xfe", "not CloudTrail: text in UTF-16, convert it to UTF-8 and scan the result"},
		{"\xfe\xff", "not CloudTrail: text in UTF-16, convert it to UTF-8 and scan the result"},
	} {
		if bytes.HasPrefix(b, []byte(f.magic)) {
			return f.is
		}
	}
	return ""
}

// nothingKnown replaces the complaints about single values of a file that has
// nothing of CloudTrail by one about the file.
func (r *Reader) nothingKnown() {
	if r.shaped || r.stats.Records > 0 || r.stats.PassedOver > 0 {
		return
	}
	kept := r.problems[:0]
	offset := int64(-1)
	for _, p := range r.problems {
		if p.Error != reasonShapeless && p.Error != reasonKind && p.Error != reasonText {
			kept = append(kept, p)
		} else if offset < 0 || p.Offset < offset {
			offset = p.Offset
		}
	}
	if r.problems = kept; offset >= 0 && !slices.ContainsFunc(kept, Problem.Lost) {
		r.problem(StageDecode, offset, "not CloudTrail: JSON without records", 1)
	}
}

// offset is the place of the value at hand in the uncompressed bytes.
func (r *Reader) offset() int64 { return r.base + int64(r.pos) }

// next is the next byte that is no white space, which it leaves unread.
func (r *Reader) next() (byte, bool) {
	for {
		if r.pos = r.dec.space(r.pos); r.pos < len(r.buf) {
			return r.buf[r.pos], true
		}
		if !r.more() {
			return 0, false
		}
	}
}

// stopped tells why there are no more bytes, unless it is their orderly end.
func (r *Reader) stopped() {
	switch {
	case r.full:
		r.problem(StageDecode, r.offset(), "record of more than "+byteSize(int64(r.limits.MaxRecord))+", the rest of the object is not read", 1)
	case r.cause != io.EOF && !r.canceled():
		stage, text := r.in.explain(r.cause)
		r.problem(stage, r.base+int64(len(r.buf)), text, 1)
	}
}

// lost tells of the fault that ends the object, and reports false.
func (r *Reader) lost() bool {
	at := r.base + int64(r.dec.at)
	switch {
	case r.dec.fault != faultEnd:
		r.problem(StageDecode, at, reasonBroken, 1)
	case !r.full && r.cause == io.EOF:
		r.problem(StageDecode, at, reasonEnds, 1)
	default:
		r.stopped()
	}
	return false
}

// unexpected is lost for the byte at hand, or its lack.
func (r *Reader) unexpected() bool {
	r.dec.fail(r.pos)
	return r.lost()
}

// value reads one value of the file, which begins with c. It reports false where
// nothing can be read behind it.
func (r *Reader) value(c byte) bool {
	switch c {
	case '{':
		// As CloudTrail writes its files. Where the line ends does not matter then.
		if bytes.HasPrefix(r.buf[r.pos:], []byte(`{"Records":[`)) {
			return r.wrapper()
		}
		end := r.line()
		switch {
		case end >= 0:
			return r.deliver(kindAny, end)
		case r.dec.fault == faultStream:
			return r.wrapper()
		}
		return r.nextLine()
	case '[':
		return r.array(kindAny)
	}
	end := r.skip()
	if end < 0 {
		return r.nextLine()
	}
	return r.scalar(kindAny, end)
}

// line scans the object at hand, which either ends on its line or goes over
// several. The two are told apart so that a line that was cut costs that line
// only and is not read as one with the next.
func (r *Reader) line() (end int) {
	var length int
	for {
		length = bytes.IndexByte(r.buf[r.pos:], '\n')
		if length >= 0 {
			r.dec.b = r.buf[:r.pos+length]
		}
		end = r.dec.record(r.pos, true)
		r.dec.b = r.buf
		if end >= 0 || r.dec.fault != faultEnd {
			return end
		}
		if length >= 0 {
			break
		}
		if !r.more() {
			return -1
		}
	}
	if !r.oneLine {
		end = r.object(true)
		if end < 0 && r.dec.fault == faultStream || end >= 0 && json.Valid(r.buf[r.pos:end]) {
			return end
		}
		// Looking for the end of a cut line may lead far: it is done once.
		r.oneLine = true
		if end < 0 {
			return -1
		}
	}
	r.dec.at, r.dec.fault = r.pos+length, faultSyntax
	return -1
}

// nextLine goes on behind the line at hand, which is broken, if a line that
// could be a record comes after it.
func (r *Reader) nextLine() bool {
	at, end, reason := r.base+int64(r.dec.at), r.dec.fault, reasonLine
	if r.full {
		reason = "record of more than " + byteSize(int64(r.limits.MaxRecord)) + ", went on with the next line"
	}
	lines := int64(1)
	for {
		if i := bytes.Index(r.buf[r.pos:], []byte("\n{")); i >= 0 {
			lines += beginnings(r.buf[r.pos : r.pos+i])
			r.problem(StageRecord, min(at, r.offset()+int64(i)), reason, lines)
			r.pos += i + 1
			return true
		}
		// The brace may be the first byte of what comes next.
		if last := len(r.buf) - 1; last > r.pos {
			lines += beginnings(r.buf[r.pos : last+1])
			r.pos = last
		}
		if !r.more() {
			break
		}
	}
	r.dec.at, r.dec.fault = int(at-r.base), end
	return r.lost()
}

// beginnings counts the line breaks in b behind which a value could begin: what
// is indented, or closes something, goes on with the value of the lines above.
func beginnings(b []byte) (n int64) {
	for {
		i := bytes.IndexByte(b, '\n')
		if i < 0 || i+1 == len(b) {
			return n
		}
		if b = b[i+1:]; !strings.ContainsRune(" \t\r\n}]", rune(b[0])) {
			n++
		}
	}
}

// object scans the object at hand, however long it is.
func (r *Reader) object(stream bool) (end int) {
	for {
		end = r.dec.record(r.pos, stream)
		if end >= 0 || r.dec.fault != faultEnd || !r.more() {
			return end
		}
	}
}

// skip passes over the value at hand.
func (r *Reader) skip() (end int) {
	for {
		end = r.dec.skip(r.pos, 1)
		// A number at the end of the window may go on behind it.
		if (end < 0 && r.dec.fault == faultEnd || end == len(r.buf)) && r.more() {
			continue
		}
		return end
	}
}

// array reads the array at hand.
func (r *Reader) array(k kind) bool {
	r.pos++
	c, ok := r.next()
	for ok && c != ']' {
		if !r.element(k, c) {
			return false
		}
		if c, ok = r.next(); !ok || c == ']' {
			break
		}
		if c != ',' {
			return r.unexpected()
		}
		r.pos++
		if c, ok = r.next(); c == ']' {
			return r.unexpected()
		}
	}
	if !ok {
		return r.unexpected()
	}
	r.pos++
	return true
}

// element reads the element at hand, which begins with c.
func (r *Reader) element(k kind, c byte) bool {
	if c == '{' {
		end := r.object(k == kindAny && r.wraps < maxWraps)
		switch {
		case end >= 0:
			return r.deliver(k, end)
		case r.dec.fault == faultStream:
			return r.wrapper()
		}
		return r.lost()
	}
	end := r.skip()
	if end < 0 {
		return r.lost()
	}
	return r.scalar(k, end)
}

// scalar takes the value at hand, which is no object. A string may hold a record.
func (r *Reader) scalar(k kind, end int) bool {
	if r.buf[r.pos] == '"' && k == kindAny {
		if !r.inText(extent{r.pos, end}, r.offset()) {
			return false
		}
	} else {
		r.problem(StageRecord, r.offset(), reasonKind, 1)
	}
	r.pos = end
	return true
}

// wrapper reads the object at hand, of which a member is an array of records:
// Records of a log file, Events of LookupEvents, logEvents of a subscription,
// events of FilterLogEvents.
func (r *Reader) wrapper() bool {
	r.shaped, r.control = true, false
	r.wraps++
	defer func() { r.wraps-- }()
	r.pos++
	c, ok := r.next()
	for ok && c != '}' {
		if c != '"' {
			return r.unexpected()
		}
		if !r.wrapped() {
			return false
		}
		if c, ok = r.next(); !ok || c == '}' {
			break
		}
		if c != ',' {
			return r.unexpected()
		}
		r.pos++
		if c, ok = r.next(); c == '}' {
			return r.unexpected()
		}
	}
	if !ok {
		return r.unexpected()
	}
	r.pos++
	return true
}

// wrapped reads the member at hand of a wrapper.
func (r *Reader) wrapped() bool {
	r.dec.scratch = r.dec.scratch[:0]
	name, value := r.dec.name(r.pos)
	for value < 0 && r.dec.fault == faultEnd && r.more() {
		name, value = r.dec.name(r.pos)
	}
	if value < 0 {
		return r.lost()
	}
	k, stream := kindAny, true
	control := false
	switch string(name) {
	case "Records":
		k = kindRecord
	case "Events":
		k = kindAny
	case "events", "logEvents":
		k = kindMessage
	case "messageType":
		control, stream = true, false
	default:
		stream = false
	}
	r.pos = value
	c, ok := r.next()
	if !ok {
		return r.unexpected()
	}
	if stream && c == '[' {
		return r.array(k)
	}
	end := r.skip()
	if end < 0 {
		return r.lost()
	}
	if control {
		r.control = string(r.buf[r.pos:end]) == `"CONTROL_MESSAGE"`
	}
	r.pos = end
	return true
}

// deliver hands on what the object at hand, which ends at end, was found to be.
func (r *Reader) deliver(k kind, end int) bool {
	if !r.judged(k, r.offset(), true) {
		return false
	}
	r.pos = end
	return true
}

// judged hands on the scanned object at the given offset. With unwrap set it may
// also be one that wraps a record.
func (r *Reader) judged(k kind, offset int64, unwrap bool) bool {
	d := r.dec
	v, reason := d.judge()
	if v == verdictBad && unwrap && !d.known && !d.deep {
		if found, goOn := r.unwrap(k, offset); found {
			return goOn
		}
	}
	r.shaped = r.shaped || d.known
	switch v {
	case verdictEvent:
		r.add(&d.ev)
		r.stats.Records++
		return r.stats.Records%cancelEvery != 0 || !r.canceled()
	case verdictPassedOver:
		r.stats.PassedOver++
	case verdictBad:
		r.problem(StageRecord, offset, reason, 1)
	}
	return true
}

// unwrap reads the record inside of the scanned object, if it holds one.
func (r *Reader) unwrap(k kind, offset int64) (found, goOn bool) {
	in := func(m member) extent { return r.dec.inner[m-memberEvent] }
	event, detail, lambda, message := in(memberEvent), in(memberDetail), in(memberLambda), in(memberMessage)
	switch {
	case event.found():
		return true, r.inValue(event, offset)
	case r.dec.object(detail) != nil:
		return true, r.inValue(detail, offset)
	case r.dec.object(lambda) != nil && r.nested != nil:
		return true, r.inPayload(lambda, offset)
	case message.found() && k == kindMessage:
		if r.control {
			r.stats.PassedOver++
			return true, true
		}
		return true, r.inValue(message, offset)
	}
	return false, true
}

// inValue reads the record that stands in v, as an object or as a string.
func (r *Reader) inValue(v extent, offset int64) bool {
	r.shaped = true
	switch r.dec.b[v.start] {
	case '"':
		return r.inText(v, offset)
	case '{':
		if r.dec.record(v.start, false) < 0 {
			return r.lost()
		}
		return r.judged(kindRecord, offset, false)
	}
	r.problem(StageRecord, offset, reasonKind, 1)
	return true
}

// inText reads the record that stands in the string v.
func (r *Reader) inText(v extent, offset int64) bool {
	text, p := r.dec.text(v.start)
	if p < 0 {
		return r.lost()
	}
	// The text may stand in the scratch that its own record is about to use.
	r.text = append(r.text[:0], text...)
	d := r.dec
	d.b = r.text
	defer func() { d.b = r.buf }()
	switch p = d.space(0); {
	case bytes.HasPrefix(r.text, []byte("CWL CONTROL MESSAGE")):
		r.stats.PassedOver++
		return true
	case d.peek(p) != '{':
		r.problem(StageRecord, offset, reasonText, 1)
		return true
	}
	if p = d.record(p, false); p < 0 || d.space(p) < len(r.text) {
		r.shaped = true
		r.problem(StageRecord, offset, "not a CloudTrail record: a string with broken JSON", 1)
		return true
	}
	return r.judged(kindRecord, offset, false)
}

// inPayload reads what Lambda hands over for a subscription, a compressed payload
// in Base64:
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/SubscriptionFilters.html
func (r *Reader) inPayload(v extent, offset int64) bool {
	r.shaped = true
	var data []byte
	r.dec.scratch = r.dec.scratch[:0]
	if p := r.dec.texts(v.start, 2, []textMember{{"data", &data}}); p < 0 {
		return r.lost()
	}
	payload, err := base64.StdEncoding.AppendDecode(r.text[:0], data)
	if r.text = payload; err != nil {
		r.problem(StageRecord, offset, "awslogs.data is no Base64", 1)
		return true
	}
	stats, problems := r.nested.read(r.done, r.name, bytes.NewReader(payload), r.add)
	r.stats.Records += stats.Records
	r.stats.PassedOver += stats.PassedOver
	// A broken payload is one record of the object that it came in.
	for _, p := range problems {
		r.problem(StageRecord, offset, "awslogs.data: "+p.Error, p.Count)
	}
	return !r.canceled()
}
