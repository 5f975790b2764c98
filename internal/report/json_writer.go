package report

import (
	"io"
	"strconv"
	"time"
)

// jsonWriter writes one JSON text piece by piece, without building it first.
// The order of the calls is the order of the text: key before each member's
// value, item before each element's. The first error of the writer below stays
// and is what finish returns.
type jsonWriter struct {
	w    io.Writer
	buf  []byte
	err  error
	open []byte // the closing brackets that are due, outermost first
	// flat is how many containers were open when one began that stays on its
	// line; -1 outside of such a one.
	flat  int
	empty bool // the innermost container has nothing in it yet
	tight bool // no space anywhere, as in JSON Lines
}

// jsonChunk is how many bytes are collected before they are handed on.
const jsonChunk = 64 << 10

func newJSONWriter(w io.Writer) *jsonWriter {
	return &jsonWriter{w: w, buf: make([]byte, 0, jsonChunk+jsonChunk/4), flat: -1}
}

// object begins an object whose members stand on lines of their own.
func (j *jsonWriter) object() { j.begin('{', '}') }

// array begins an array whose elements stand on lines of their own.
func (j *jsonWriter) array() { j.begin('[', ']') }

// flatObject begins an object that stays, with all that it holds, on one line.
func (j *jsonWriter) flatObject() { j.flatten(); j.object() }

// flatArray begins an array that stays, with all that it holds, on one line.
func (j *jsonWriter) flatArray() { j.flatten(); j.array() }

func (j *jsonWriter) flatten() {
	if j.flat < 0 {
		j.flat = len(j.open)
	}
}

func (j *jsonWriter) begin(opening, closing byte) {
	j.buf = append(j.buf, opening)
	j.open = append(j.open, closing)
	j.empty = true
}

// end ends the innermost container.
func (j *jsonWriter) end() {
	last := len(j.open) - 1
	closing := j.open[last]
	j.open = j.open[:last]
	if !j.empty && j.flat < 0 && !j.tight {
		j.line()
	}
	if last == j.flat {
		j.flat = -1
	}
	j.buf = append(j.buf, closing)
	j.empty = false
}

// item makes room for the next element of an array.
func (j *jsonWriter) item() {
	if len(j.buf) >= jsonChunk {
		j.flush()
	}
	if !j.empty {
		j.buf = append(j.buf, ',')
	}
	if !j.tight {
		if j.flat < 0 {
			j.line()
		} else if !j.empty {
			j.buf = append(j.buf, ' ')
		}
	}
	j.empty = false
}

// key makes room for the next member of an object and writes its name, which
// must need no escaping.
func (j *jsonWriter) key(name string) {
	j.item()
	j.buf = append(append(j.buf, '"'), name...)
	if j.tight {
		j.buf = append(j.buf, `":`...)
	} else {
		j.buf = append(j.buf, `": `...)
	}
}

func (j *jsonWriter) line() {
	const spaces = "\n                                                                "
	j.buf = append(j.buf, spaces[:min(1+2*len(j.open), len(spaces))]...)
}

func (j *jsonWriter) flush() {
	if j.err == nil && len(j.buf) > 0 {
		_, j.err = j.w.Write(j.buf)
	}
	j.buf = j.buf[:0]
}

// finish ends the text with a line break and hands on what is left of it.
func (j *jsonWriter) finish() error {
	j.buf = append(j.buf, '\n')
	j.flush()
	return j.err
}

func (j *jsonWriter) textValue(s string) { j.buf = appendJSONString(j.buf, s) }

// text writes a member that is a string.
func (j *jsonWriter) text(name, s string) {
	j.key(name)
	j.textValue(s)
}

// number writes a member that is a whole number.
func (j *jsonWriter) number(name string, n int64) {
	j.key(name)
	j.buf = strconv.AppendInt(j.buf, n, 10)
}

// truth writes a member that is true or false.
func (j *jsonWriter) truth(name string, b bool) {
	j.key(name)
	j.buf = strconv.AppendBool(j.buf, b)
}

// time writes a member that is a time (RFC 3339, UTC), null for the zero time.
func (j *jsonWriter) time(name string, t time.Time) {
	j.key(name)
	if t.IsZero() {
		j.buf = append(j.buf, "null"...)
		return
	}
	j.buf = append(j.buf, '"')
	j.buf = appendTime(j.buf, t)
	j.buf = append(j.buf, '"')
}

// texts writes a member that is an array of strings, on one line.
func (j *jsonWriter) texts(name string, list []string) {
	j.key(name)
	j.flatArray()
	for _, s := range list {
		j.item()
		j.textValue(s)
	}
	j.end()
}

// appendTime appends t as machine formats write times: RFC 3339 in UTC, to the
// second as CloudTrail has it. (Fractions would also be more than jq reads.)
func appendTime(dst []byte, t time.Time) []byte {
	return t.UTC().AppendFormat(dst, time.RFC3339)
}
