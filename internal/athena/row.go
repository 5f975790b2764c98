package athena

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/trailscan/trailscan/internal/ingest"
)

// formatVersion is the version of entries. A result of another one is refused.
const formatVersion = "1"

// The kinds of entry.
const (
	kindEvent    = "event"
	kindEvidence = "evidence"
	kindUse      = "use"
	kindRead     = "read"
	kindSeen     = "seen"
	kindBad      = "bad"
	kindScan     = "scan"
)

// rolledUp is the eventName of a record that stands for several calls.
const rolledUp = "RolledUp"

// resultColumns are the columns of a result, by the places of the constants.
var resultColumns = []string{"entry", "calls", "duplicates", "first_event", "last_time", "shared_events"}

const (
	columnEntry = iota
	columnCalls
	columnDuplicates
	columnFirst
	columnLast
	columnShared
)

// Use says how many events one row stands for.
type Use struct {
	Calls, Duplicates int64
	// LastTime is when the last event was. The first is the one that the row is
	// given as.
	LastTime int64
	// Shared are the sharedEventIDs of the events, separated by spaces, where
	// they come from the log of the caller's own account.
	Shared []byte
}

// Rows is where the rows of a result go. What the functions are given is theirs
// until they return. Rows without a function are passed over.
type Rows struct {
	// Event takes an event whole, with the number of its further copies.
	Event func(e *ingest.Event, duplicates int64)
	// Evidence takes an event whole that lies in an object beside those whose
	// events count, and when that was delivered, in seconds since 1970.
	Evidence func(e *ingest.Event, delivered int64)
	// Use takes calls that are alike, as the first of them.
	Use func(e *ingest.Event, u Use)
	// Read takes an account whose log was read and has nothing in the window.
	Read func(account string)
	// Seen takes an account and when something was delivered for it beside what
	// counts, in seconds since 1970.
	Seen func(account string, delivered int64)
	// Problem takes records that could not be used.
	Problem func(ingest.Problem)
}

// Header is what a result says about itself.
type Header struct {
	Scan          Scan
	Evidence      bool
	Number, Count int
	// ID is that of the query's text: no two parts have the same.
	ID string
}

// ErrNoHeader is that of a result that does not say what it is.
var ErrNoHeader = errors.New("no row says which query it is the result of: it is not complete, or not of trailscan's queries; export it again, whole")

// ReadRows reads a result, as CSV with a line of names, and hands on its rows.
// The error says why it could not be read to its end.
func ReadRows(ctx context.Context, r io.Reader, name string, rows Rows) error {
	res, err := newCSV(r)
	if err != nil {
		return err
	}
	return readRows(ctx, res, name, rows)
}

func readHeader(res rowReader) (Header, error) {
	for {
		switch err := res.next(); {
		case errors.Is(err, io.EOF):
			return Header{}, ErrNoHeader
		case err != nil:
			return Header{}, err
		}
		if strings.HasPrefix(res.values()[columnEntry], `["`+kindScan+`"`) {
			h, err := parseHeader(res.values()[columnEntry])
			if err != nil {
				return h, fmt.Errorf("%s: %w", res.place(), err)
			}
			return h, nil
		}
	}
}

func readRows(ctx context.Context, res rowReader, name string, rows Rows) error {
	d := &decoder{reader: ingest.NewReader(ingest.Limits{}), name: name, rows: rows}
	for n := 0; ; n++ {
		if n%1024 == 0 && ctx.Err() != nil {
			return context.Cause(ctx)
		}
		switch err := res.next(); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
		if err := d.row(ctx, res.values()); err != nil {
			return fmt.Errorf("%s: %w", res.place(), err)
		}
	}
}

// rowReader reads rows one after another, in any format.
type rowReader interface {
	// next goes to the next row; io.EOF says that there is none.
	next() error
	// values are the row's, in the order of resultColumns and valid until next.
	values() []string
	// place says where the row stands.
	place() string
}

// csvRows is a result as CSV, with a line of names.
type csvRows struct {
	csv    *csv.Reader
	places []int // of resultColumns among the file's
	row    []string
}

func newCSV(r io.Reader) (*csvRows, error) {
	res := &csvRows{csv: csv.NewReader(r), row: make([]string, len(resultColumns))}
	res.csv.ReuseRecord = true
	names, err := res.csv.Read()
	if errors.Is(err, io.EOF) {
		return nil, errors.New("it is empty: not even a header line")
	}
	if err != nil {
		return nil, err
	}
	for _, want := range resultColumns {
		i := slices.IndexFunc(names, func(name string) bool {
			return strings.EqualFold(strings.TrimPrefix(name, "\ufeff"), want)
		})
		if i < 0 {
			return nil, fmt.Errorf("no column %s: it is not a result of trailscan's queries, or its header line is missing", want)
		}
		res.places = append(res.places, i)
	}
	return res, nil
}

func (r *csvRows) next() error {
	values, err := r.csv.Read()
	if err != nil {
		return err
	}
	for i, p := range r.places {
		r.row[i] = values[p]
	}
	return nil
}

func (r *csvRows) values() []string { return r.row }

func (r *csvRows) place() string {
	line, _ := r.csv.FieldPos(0)
	return fmt.Sprintf("line %d", line)
}

// parseHeader reads the entry that says what a result is.
func parseHeader(entry string) (Header, error) {
	var e []string
	if err := json.Unmarshal([]byte(entry), &e); err != nil {
		return Header{}, err
	}
	if len(e) < 2 || e[1] != formatVersion {
		return Header{}, errors.New("the result is of another version of trailscan's queries; run those that this version prints (trailscan athena sql)")
	}
	h := Header{}
	var numbers [7]int64
	if len(e) != 13 {
		return h, fmt.Errorf("%d elements where 13 are expected", len(e))
	}
	for i, text := range e[4:11] {
		if text == "" && (i == 2 || i == 3) {
			continue
		}
		var err error
		if numbers[i], err = strconv.ParseInt(text, 10, 64); err != nil || numbers[i] < 0 {
			return h, fmt.Errorf("%q is no number", text)
		}
	}
	h.ID, h.Evidence = e[2], e[3] == "evidence"
	h.Number, h.Count = int(numbers[0]), int(numbers[1])
	if e[6] != "" {
		h.Scan.Since = time.Unix(numbers[2], 0).UTC()
	}
	if e[7] != "" {
		h.Scan.Until = time.Unix(numbers[3], 0).UTC()
	}
	h.Scan.Lookback = time.Duration(numbers[4]) * time.Second
	h.Scan.Before, h.Scan.After = time.Duration(numbers[5])*time.Second, time.Duration(numbers[6])*time.Second
	h.Scan.Accounts, h.Scan.Regions = fromList(e[11]), fromList(e[12])
	return h, nil
}

func fromList(s string) []string {
	if s == "" {
		return nil
	}
	return strings.Split(s, ",")
}

// decoder turns rows into events.
type decoder struct {
	reader *ingest.Reader
	name   string
	rows   Rows

	text   []byte
	entry  [][]byte // the elements of text, as they stand in it
	record []byte
	path   []string // the objects that are open in the record
}

var errNoEntry = errors.New("it is no list of strings")

// split finds the elements of the entry: strings and nulls. What is wrong within
// a string is found when the record is read.
func (d *decoder) split() error {
	b, p := d.text, 0
	space := func() {
		for p < len(b) && (b[p] == ' ' || b[p] == '\t' || b[p] == '\n' || b[p] == '\r') {
			p++
		}
	}
	take := func(c byte) bool {
		space()
		if p < len(b) && b[p] == c {
			p++
			return true
		}
		return false
	}
	d.entry = d.entry[:0]
	if !take('[') {
		return errNoEntry
	}
	for {
		space()
		start := p
		switch {
		case bytes.HasPrefix(b[p:], []byte("null")):
			p += len("null")
		case p < len(b) && b[p] == '"':
			for p++; p < len(b) && b[p] != '"'; p++ {
				if b[p] == '\\' {
					p++
				}
			}
			if p++; p > len(b) {
				return errNoEntry
			}
		default:
			return errNoEntry
		}
		d.entry = append(d.entry, b[start:p:p])
		if take(']') {
			break
		}
		if !take(',') {
			return errNoEntry
		}
	}
	if space(); p < len(b) {
		return errNoEntry
	}
	return nil
}

func (d *decoder) row(ctx context.Context, row []string) error {
	d.text = append(d.text[:0], row[columnEntry]...)
	if err := d.split(); err != nil {
		return fmt.Errorf("entry: %w", err)
	}
	kind := d.element(entryKind)
	if kind == kindScan {
		return nil
	}
	if len(d.entry) != entryFields+len(fields) {
		return fmt.Errorf("entry: %d elements where %d are expected", len(d.entry), entryFields+len(fields))
	}
	u := Use{Shared: []byte(row[columnShared])}
	var err error
	if u.Calls, err = strconv.ParseInt(row[columnCalls], 10, 64); err != nil || u.Calls < 1 {
		return fmt.Errorf("calls: %q is no number of calls", row[columnCalls])
	}
	if u.Duplicates, err = strconv.ParseInt(row[columnDuplicates], 10, 64); err != nil || u.Duplicates < 0 {
		return fmt.Errorf("duplicates: %q is no number of events", row[columnDuplicates])
	}
	switch kind {
	case kindRead:
		if d.rows.Read != nil {
			d.rows.Read(d.element(entryFields))
		}
		return nil
	case kindSeen:
		if d.rows.Seen == nil {
			return nil
		}
		account := d.element(entryFields)
		for text := range strings.FieldsSeq(row[columnShared]) {
			delivered, err := parseStamp(text)
			if err != nil {
				return fmt.Errorf("shared_events: %w", err)
			}
			d.rows.Seen(account, delivered)
		}
		return nil
	case kindBad:
		if d.rows.Problem == nil {
			return nil
		}
		d.rows.Problem(ingest.Problem{
			Object: d.element(entryObject), Offset: -1, Stage: ingest.StageRecord,
			Error: "not a CloudTrail record: " + d.element(entryReason), Count: u.Calls,
		})
		return nil
	case kindEvent:
		if d.rows.Event == nil {
			return nil
		}
	case kindEvidence:
		if d.rows.Evidence == nil {
			return nil
		}
	case kindUse:
		if d.rows.Use == nil {
			return nil
		}
	default:
		return fmt.Errorf("entry: unknown kind %q", kind)
	}
	first, delivered := row[columnFirst], int64(0)
	if kind != kindUse {
		first = d.element(entryAt)
	}
	at, id, err := parseMoment(first)
	if err != nil {
		return fmt.Errorf("first_event: %w", err)
	}
	if u.LastTime, err = strconv.ParseInt(row[columnLast], 10, 64); err != nil || u.LastTime < at {
		return fmt.Errorf("last_time: %q is no time after the first", row[columnLast])
	}
	if kind == kindEvidence {
		if delivered, err = parseStamp(d.element(entryObject)); err != nil {
			return fmt.Errorf("entry: %w", err)
		}
	}
	d.build(kind, at, id)
	seen := false
	_, problems := d.reader.Read(ctx, d.name, bytes.NewReader(d.record), func(e *ingest.Event) {
		seen = true
		if kind == kindUse {
			d.rows.Use(e, u)
			return
		}
		for i := range u.Calls { // several are alike in everything, their ids placeholders
			switch {
			case kind == kindEvidence:
				d.rows.Evidence(e, delivered)
			case i == 0:
				d.rows.Event(e, u.Duplicates)
			default:
				d.rows.Event(e, 0)
			}
		}
	})
	if !seen && ctx.Err() == nil {
		if len(problems) == 0 {
			return errors.New("entry: it is no record")
		}
		return fmt.Errorf("entry: %s", problems[0].Error)
	}
	return nil
}

// element is an element as a string; null is empty.
func (d *decoder) element(i int) string {
	if i >= len(d.entry) {
		return ""
	}
	var s string
	if err := json.Unmarshal(d.entry[i], &s); err != nil {
		return ""
	}
	return s
}

// parseMoment takes twelve digits of a time and an event id apart.
func parseMoment(s string) (t int64, id string, err error) {
	if len(s) < 12 {
		return 0, "", fmt.Errorf("%q is no time with an event id", s)
	}
	if t, err = strconv.ParseInt(s[:12], 10, 64); err != nil || t < 0 {
		return 0, "", fmt.Errorf("%q is no time with an event id", s)
	}
	return t, s[12:], nil
}

// parseStamp reads the time in an object's name, in seconds since 1970.
func parseStamp(s string) (int64, error) {
	t, err := time.Parse(stampTime, s)
	if err != nil || t.Unix() < 0 {
		return 0, fmt.Errorf("%q is no time of delivery", s)
	}
	return t.Unix(), nil
}

// member is how a field stands in its record.
type member struct {
	objects []string // that it stands in, the outermost first
	name    []byte   // with the colon
}

var members = func() []member {
	list := make([]member, len(fields))
	for i, f := range fields {
		parts := strings.Split(f.path, ".")
		last := len(parts) - 1
		list[i] = member{parts[:last], append(appendJSON(nil, parts[last]), ':')}
	}
	return list
}()

// place is where a member's element stands in an entry.
func place(path string) int {
	return entryFields + slices.IndexFunc(fields, func(f field) bool { return f.path == path })
}

var placeOfName = place("eventName")

// build writes the record that the entry stands for.
func (d *decoder) build(kind string, at int64, id string) {
	b := append(d.record[:0], `{"eventTime":"`...)
	b = time.Unix(at, 0).UTC().AppendFormat(b, time.RFC3339)
	b = appendJSON(append(b, `","eventID":`...), id)
	if kind == kindUse && isNull(d.entry[placeOfName]) {
		b = append(b, `,"eventName":"`+rolledUp+`"`...)
	}
	d.path = d.path[:0]
	identity := false
	for i, f := range fields {
		value := d.entry[entryFields+i]
		if isNull(value) {
			continue
		}
		if f.json {
			if value = []byte(d.element(entryFields + i)); !json.Valid(value) {
				continue
			}
		}
		m := &members[i]
		identity = identity || len(m.objects) > 0 && m.objects[0] == "userIdentity"
		b = d.open(b, m.objects)
		if b[len(b)-1] != '{' {
			b = append(b, ',')
		}
		b = append(append(b, m.name...), value...)
	}
	b = d.open(b, nil)
	if !identity {
		b = append(b, `,"userIdentity":{}`...)
	}
	d.record = append(b, '}')
}

// open closes the objects that are open and not on the path, and opens those
// that are on it.
func (d *decoder) open(b []byte, path []string) []byte {
	same := 0
	for same < len(path) && same < len(d.path) && path[same] == d.path[same] {
		same++
	}
	for range d.path[same:] {
		b = append(b, '}')
	}
	d.path = d.path[:same]
	for _, name := range path[same:] {
		if b[len(b)-1] != '{' {
			b = append(b, ',')
		}
		b = append(append(append(b, '"'), name...), `":{`...)
		d.path = append(d.path, name)
	}
	return b
}

func isNull(v []byte) bool { return string(v) == "null" }

func appendJSON(b []byte, s string) []byte {
	text, err := json.Marshal(s)
	if err != nil {
		panic(err) // strings always marshal
	}
	return append(b, text...)
}
