package ingest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
)

func readNames(t *testing.T, limits Limits, data string) (names []string, stats Stats, problems []Problem) {
	t.Helper()
	r := NewReader(limits)
	r.window = 512
	stats, problems = r.Read(context.Background(), "object", strings.NewReader(data), func(e *Event) {
		names = append(names, string(e.Name))
	})
	if stats.Records != int64(len(names)) {
		t.Errorf("%d records counted, %d handed on", stats.Records, len(names))
	}
	for _, p := range problems {
		if p.Object != "object" || p.Count < 1 {
			t.Errorf("problem %+v", p)
		}
	}
	return names, stats, problems
}

// showProblems writes problems the way the tests below want them.
func showProblems(problems []Problem) (out []string) {
	for _, p := range problems {
		out = append(out, fmt.Sprintf("%s at %d: %s (%d)", p.Stage, p.Offset, p.Error, p.Count))
	}
	return out
}

func recordNamed(name string) string {
	return `{"eventTime":"2024-07-30T20:31:15Z","eventName":"` + name + `"}`
}

const (
	endsEarly = "ends in the middle of its JSON: the object is truncated, fetch it again if its source is whole"
	notJSON   = "not JSON, the rest of the object is not read"
)

func TestReadForms(t *testing.T) {
	a, b := recordNamed("A"), recordNamed("B")
	tests := []struct {
		name, data string
		events     string // their names
		passedOver int64
		problems   []string
	}{
		{"empty", "", "", 0, nil},
		{"white space", " \r\n\t", "", 0, nil},
		{"no records", `{"Records":[]}`, "", 0, nil},
		{"log file", `{"Records":[` + a + `,` + b + `]}`, "A B", 0, nil},
		{"records behind other members", `{"version":1,"x":[{}],"Records":[` + a + `],"y":null}`, "A", 0, nil},
		{"byte order mark", "\xef\xbb\xbf" + `{"Records":[` + a + `]}`, "A", 0, nil},
		{"array", `[` + a + `, ` + b + ` ]`, "A B", 0, nil},
		{"lines", a + "\n" + b + "\n", "A B", 0, nil},
		{"lines with carriage returns", a + "\r\n\r\n" + b, "A B", 0, nil},
		{"pretty", pretty(`{"Records":[` + a + `,` + b + `]}`), "A B", 0, nil},
		{"pretty values", pretty(a) + "\n" + pretty(b) + "\n", "A B", 0, nil},
		{"values without a line break", a + b + `[` + a + `]` + `{"Records":[` + b + `]}`, "A B A B", 0, nil},
		{"lookup-events", `{"Events":[{"EventName":"x","CloudTrailEvent":` + quote(a) + `},{"CloudTrailEvent":` + quote(b) + `}],"NextToken":"t"}`, "A B", 0, nil},
		{"lookup-events --query Events", `[{"CloudTrailEvent":` + quote(a) + `}]`, "A", 0, nil},
		{"lookup-events --query Events[].CloudTrailEvent", `[` + quote(a) + `,` + quote(b) + `]`, "A B", 0, nil},
		{"one event of it", `{"CloudTrailEvent":` + quote(a) + `}`, "A", 0, nil},
		{"subscription", payload(a, b), "A B", 0, nil},
		{"subscription's check of the connection", strings.Replace(payload("CWL CONTROL MESSAGE: Checking health"), "DATA_M", "CONTROL_M", 1), "", 1, nil},
		{"other log events among them", payload(a, "START RequestId: 1", b), "A B", 0,
			[]string{"record at 235: not a CloudTrail record: a string that is no JSON (1)"}},
		{"subscription by way of Lambda", lambdaPayload(payload(a)), "A", 0, nil},
		{"filter-log-events", `{"events":[{"message":` + quote(a) + `}]}`, "A", 0, nil},
		{"EventBridge", `{"id":"1","detail-type":"AWS API Call via CloudTrail","detail":` + a + `}`, "A", 0, nil},
		{"digest", digestVector, "", 1, nil},
		{"Insight, aggregated and network activity", `{"Records":[` + recordInsight + `,` + a + `,` + recordAggregated + `,` + recordNetwork + `]}`, "A", 3, nil},

		{"no JSON", "hello", "", 0, []string{"decode at 0: " + notJSON + " (1)"}},
		{"JSON of something else", `{"name":"x","version":2}`, "", 0, []string{"decode at 0: not CloudTrail: JSON without records (1)"}},
		{"lines of something else", "{\"a\":1}\n{\"a\":2}\n", "", 0, []string{"decode at 0: not CloudTrail: JSON without records (1)"}},
		{"numbers", `[1,2,3]`, "", 0, []string{"decode at 1: not CloudTrail: JSON without records (1)"}},
		{"zip", "PK\x03\x04....", "", 0, []string{"decode at 0: not CloudTrail: a zip archive, unpack it and scan the result (1)"}},
		{"UTF-16", "\xff\xfe{\x00", "", 0, []string{"decode at 0: not CloudTrail: text in UTF-16, convert it to UTF-8 and scan the result (1)"}},
		{"some records are none", `{"Records":[1,` + a + `,null,{},{"eventName":"x"},{"eventTime":"2024-07-30T20:31:15Z"},{"eventTime":"...","eventName":"x"},"s",[]]}`, "A", 0, []string{
			"record at 12: not a CloudTrail record: no object (4)",
			"record at 72: not a CloudTrail record: none of its members (1)",
			"record at 75: not a CloudTrail record: no eventTime (1)",
			"record at 93: not a CloudTrail record: no eventName (1)",
			"record at 130: not a CloudTrail record: eventTime is no time (1)",
		}},

		{"truncated record", `{"Records":[` + a + `,{"eventTime":"2024`, "A", 0, []string{"decode at 83: " + endsEarly + " (1)"}},
		{"truncated between records", `{"Records":[` + a + `,`, "A", 0, []string{"decode at 65: " + endsEarly + " (1)"}},
		{"truncated array", `[` + a, "A", 0, []string{"decode at 53: " + endsEarly + " (1)"}},
		{"truncated wrapper", `{"Records":[` + a + `]`, "A", 0, []string{"decode at 65: " + endsEarly + " (1)"}},
		{"no comma", `{"Records":[` + a + b + `]}`, "A", 0, []string{"decode at 64: " + notJSON + " (1)"}},
		{"comma too many", `{"Records":[` + a + `,]}`, "A", 0, []string{"decode at 65: " + notJSON + " (1)"}},
		{"broken record", `{"Records":[` + a + `,{"eventName":x},` + b + `]}`, "A", 0, []string{"decode at 78: " + notJSON + " (1)"}},
		{"broken identity", `{"Records":[` + a + `,{"eventTime":"2024-07-30T20:31:15Z","eventName":"X","userIdentity":{"type":x}},` + b + `]}`, "A", 0, []string{"decode at 140: " + notJSON + " (1)"}},
		{"trailing garbage", `{"Records":[` + a + `]} x`, "A", 0, []string{"decode at 67: " + notJSON + " (1)"}},
		{"trailing NUL", `{"Records":[` + a + "]}\x00\x00", "A", 0, []string{"decode at 66: " + notJSON + " (1)"}},
		{"cut line", a + "\n" + b[:30] + "\n" + a + "\n", "A A", 0, []string{"record at 83: not JSON, went on with the next line (1)"}},
		{"broken lines", a + "\nnonsense\n" + b + "\n{x}\n" + a, "A B A", 0, []string{"record at 54: not JSON, went on with the next line (2)"}},
		{"broken lines, one after the other", a + "\nnonsense\n12\n\n{x}\r\n\r\n[]x\n" + b + "\n", "A B", 0, []string{"record at 54: not JSON, went on with the next line (4)"}},
		{"a broken value of several lines", a + "\n{\n  \"x\": [\n    1,,\n  ]\n}\n" + b + "\n", "A B", 0, []string{"record at 54: not JSON, went on with the next line (1)"}},
		{"cut last line", a + "\n" + b[:30], "A", 0, []string{"decode at 83: " + endsEarly + " (1)"}},
		{"cut line whose string runs into the next", a + "\n" + `{"x":{"y":"` + "\n" + b + "\n" + `{"x":{"y":"` + "\n" + a, "A B A", 0,
			[]string{"record at 64: not JSON, went on with the next line (2)"}},
		{"broken CloudTrailEvent", `{"Events":[{"CloudTrailEvent":"{\"eventTime\":"},{"CloudTrailEvent":` + quote(a) + `}]}`, "A", 0,
			[]string{"record at 11: not a CloudTrail record: a string with broken JSON (1)"}},
		{"broken payload", lambdaPayload(payload(a))[:60] + `"}}` + "\n" + lambdaPayload(payload(b)), "B", 0,
			[]string{"record at 0: awslogs.data: gzip stream ends early: the object is truncated, fetch it again if its source is whole (1)"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for _, form := range []struct {
				how  string
				data string
			}{{"plain", tt.data}, {"gzip", gzipped(tt.data)}, {"zstd", zstded(tt.data)}} {
				names, stats, problems := readNames(t, Limits{}, form.data)
				if got := strings.Join(names, " "); got != tt.events {
					t.Errorf("%s: events %q, want %q", form.how, got, tt.events)
				}
				if stats.PassedOver != tt.passedOver {
					t.Errorf("%s: %d passed over, want %d", form.how, stats.PassedOver, tt.passedOver)
				}
				if got := showProblems(problems); !slices.Equal(got, tt.problems) {
					t.Errorf("%s: problems\n%s\nwant\n%s", form.how, strings.Join(got, "\n"), strings.Join(tt.problems, "\n"))
				}
				if stats.CompressedBytes != int64(len(form.data)) {
					t.Errorf("%s: %d bytes as stored, want %d", form.how, stats.CompressedBytes, len(form.data))
				}
				if len(tt.problems) == 0 && stats.Bytes != int64(len(tt.data)) {
					t.Errorf("%s: %d bytes, want %d", form.how, stats.Bytes, len(tt.data))
				}
			}
		})
	}
}

func TestReadCompressed(t *testing.T) {
	a, b := recordNamed("A"), recordNamed("B")
	file := func(records ...string) string { return `{"Records":[` + strings.Join(records, ",") + `]}` }
	whole := gzipped(file(a, b))
	flipped := []byte(whole)
	flipped[len(flipped)-6] ^= 1 // in the checksum
	const early = " stream ends early: the object is truncated, fetch it again if its source is whole (1)"
	tests := []struct {
		name, data string
		events     string
		problems   []string
	}{
		{"gzip of several members", gzipped(file(a)[:40]) + gzipped(file(a)[40:]) + gzipped(file(b)), "A B", nil},
		{"zstd of several frames", zstded(file(a)[:40]) + zstded(file(a)[40:]) + zstded(file(b)), "A B", nil},
		{"zstd behind a frame to be skipped", "\x50\x2a\x4d\x18\x03\x00\x00\x00abc" + zstded(file(a)), "A", nil},
		{"gzip cut in the trailer", whole[:len(whole)-3], "A B", []string{"decompress at 119: gzip" + early}},
		{"gzip cut in the header", whole[:5], "", []string{"decompress at 0: gzip" + early}},
		{"gzip of one byte more", gzipped(file(a)) + "\x1f", "A", []string{"decompress at 66: gzip" + early}},
		{"gzip with trailing bytes", gzipped(file(a)) + "trailing bytes", "A", []string{"decompress at 66: gzip stream is followed by bytes that belong to none (1)"}},
		{"gzip with a flipped bit", string(flipped), "A B", []string{"decompress at 119: gzip checksum does not match: the object is corrupt, fetch it again if its source is whole (1)"}},
		{"gzip twice", gzipped(gzipped(file(a))), "", []string{"decode at 0: compressed twice: unpack it once and scan the result (1)"}},
		{"zstd cut", zstded(file(a))[:20], "", []string{"decompress at 0: zstd" + early}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			names, _, problems := readNames(t, Limits{}, tt.data)
			if got := strings.Join(names, " "); got != tt.events {
				t.Errorf("events %q, want %q", got, tt.events)
			}
			if got := showProblems(problems); !slices.Equal(got, tt.problems) {
				t.Errorf("problems\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(tt.problems, "\n"))
			}
		})
	}
}

// However an object is cut off, what stands before the cut is there and one
// problem tells of it.
func TestReadTruncatedAnywhere(t *testing.T) {
	const n = 400
	trail := makeTrail(n)
	for how, data := range map[string]string{"gzip": gzipped(trail), "zstd": zstded(trail), "plain": trail} {
		before := 0
		for cut := 1; cut < len(data); cut += 1 + len(data)/200 {
			names, stats, problems := readNames(t, Limits{}, data[:cut])
			if len(problems) != 1 || !problems[0].Lost() || problems[0].Offset > stats.Bytes {
				t.Fatalf("%s cut at %d: %v of %d bytes", how, cut, showProblems(problems), stats.Bytes)
			}
			if len(names) < before || len(names) > n {
				t.Fatalf("%s cut at %d: %d records, %d at the last cut", how, cut, len(names), before)
			}
			before = len(names)
		}
		if before < n/2 {
			t.Errorf("%s: %d of %d records before the last cut", how, before, n)
		}
	}
}

func TestReadSourceFails(t *testing.T) {
	trail := makeTrail(100)
	data := gzipped(trail)
	failing := func(err error) io.Reader {
		return io.MultiReader(strings.NewReader(data[:len(data)/2]), iotest.ErrReader(err))
	}
	denied := &ProblemError{Problem{Object: "s3://b/k", Offset: -1, Stage: StageFetch, Error: "access denied: allow s3:GetObject", Count: 1}}
	for _, tt := range []struct {
		err  error
		want string
	}{
		{errors.New("connection reset"), "connection reset"},
		{fmt.Errorf("body: %w", denied), "access denied: allow s3:GetObject"},
		{io.ErrUnexpectedEOF, "unexpected EOF"},
	} {
		stats, problems := NewReader(Limits{}).Read(context.Background(), "object", failing(tt.err), func(*Event) {})
		if len(problems) != 1 || problems[0].Stage != StageFetch || problems[0].Error != tt.want || problems[0].Object != "object" {
			t.Errorf("%v: %+v", tt.err, problems)
		}
		if stats.Records == 0 || stats.CompressedBytes != int64(len(data)/2) {
			t.Errorf("%v: %+v", tt.err, stats)
		}
	}
}

func TestReadLimits(t *testing.T) {
	a, b := recordNamed("A"), recordNamed("B")
	big := func(n int) string {
		return `{"eventTime":"2024-07-30T20:31:15Z","eventName":"Big","x":"` + strings.Repeat("x", n) + `"}`
	}
	deep := func(n int) string {
		return `{"eventTime":"2024-07-30T20:31:15Z","eventName":"Deep","x":` + strings.Repeat(`[`, n-1) + strings.Repeat(`]`, n-1) + `}`
	}
	tests := []struct {
		name     string
		limits   Limits
		data     string
		events   string
		problems []string
	}{
		{"object at its limit", Limits{MaxObject: 119}, gzipped(`{"Records":[` + a + `,` + b + `]}`), "A B", nil},
		{"object beyond its limit", Limits{MaxObject: 1 << 10}, gzipped(`{"Records":[` + a + `,` + strings.Repeat(b+",", 1000)), strings.TrimSpace("A " + strings.Repeat("B ", 18)),
			[]string{"decompress at 1024: inflates to more than 1 KiB, the rest is not read: raise the limit if the object is genuine (1)"}},
		{"a file that is not compressed", Limits{MaxObject: 100}, `{"Records":[` + a + `,` + b + `]}`, "A B", nil},
		{"record at its limit", Limits{MaxRecord: 2000}, `[` + a + `,` + big(2000-len(big(0))) + `,` + b + `]`, "A Big B", nil},
		{"record beyond its limit", Limits{MaxRecord: 2000}, `[` + a + `,` + big(2001-len(big(0))) + `,` + b + `]`, "A",
			[]string{"decode at 54: record of more than 2000 bytes, the rest of the object is not read (1)"}},
		{"line beyond its limit", Limits{MaxRecord: 2000}, a + "\n" + big(5000) + "\n" + b, "A B",
			[]string{"record at 2053: record of more than 2000 bytes, went on with the next line (1)"}},
		{"nesting at its limit", Limits{MaxDepth: 9}, `[` + deep(9) + `,` + b + `]`, "Deep B", nil},
		{"nesting beyond its limit", Limits{MaxDepth: 9}, `[` + deep(10) + `,` + b + `]`, "B",
			[]string{"record at 1: nested too deep for a CloudTrail record (1)"}},
		{"nesting by default", Limits{}, `[` + deep(512) + `,` + deep(513) + `]`, "Deep",
			[]string{"record at 1084: nested too deep for a CloudTrail record (1)"}},
		{"a million brackets", Limits{}, strings.Repeat("[", 1e6), "",
			[]string{"decode at 1000000: " + endsEarly + " (1)"}},
		{"a million braces", Limits{}, strings.Repeat(`{"a":`, 1e6), "",
			[]string{"decode at 5000000: " + endsEarly + " (1)"}},
		{"wrappers in wrappers", Limits{}, strings.Repeat(`{"Events":[`, 1e5), "",
			[]string{"decode at 1100000: " + endsEarly + " (1)"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			names, _, problems := readNames(t, tt.limits, tt.data)
			if got := strings.Join(names, " "); got != tt.events {
				t.Errorf("events %q, want %q", got, tt.events)
			}
			if got := showProblems(problems); !slices.Equal(got, tt.problems) {
				t.Errorf("problems\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(tt.problems, "\n"))
			}
		})
	}
}

// endlessReader gives the same bytes for ever.
type endlessReader struct{ b []byte }

func (e endlessReader) Read(p []byte) (int, error) {
	n := 0
	for n < len(p) {
		n += copy(p[n:], e.b)
	}
	return n, nil
}

func TestReadStops(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	in := io.MultiReader(strings.NewReader(`[`), endlessReader{[]byte(recordNamed("A") + ",")})
	after := 0
	stats, problems := NewReader(Limits{}).Read(ctx, "endless", in, func(*Event) {
		if cancel(); true {
			after++
		}
	})
	if after > cancelEvery || stats.Records != int64(after) || len(problems) > 0 {
		t.Errorf("%d records after the end of ctx, %+v, %v", after, stats, showProblems(problems))
	}
	// Where there are no records to stop between.
	stats, problems = NewReader(Limits{}).Read(ctx, "endless", endlessReader{[]byte(" ")}, func(*Event) {})
	if stats.Records > 0 || len(problems) > 0 {
		t.Errorf("%+v, %v", stats, showProblems(problems))
	}
}

// A Reader keeps no allocation of a record, and none of an object but the
// problems.
func TestReadAllocations(t *testing.T) {
	r := NewReader(Limits{})
	var in bytes.Reader
	perRun := func(data []byte) float64 {
		return testing.AllocsPerRun(10, func() {
			in.Reset(data)
			r.Read(context.Background(), "object", &in, func(e *Event) { e.Identity() })
		})
	}
	records := strings.Join(recordVectors, ",")
	for how, pack := range map[string]func(string) string{"plain": func(s string) string { return s }, "gzip": gzipped} {
		few := perRun([]byte(pack(`{"Records":[` + records + `]}`)))
		many := perRun([]byte(pack(`{"Records":[` + strings.TrimSuffix(strings.Repeat(records+",", 300), ",") + `]}`)))
		if few > 1 || many > few+1 {
			t.Errorf("%s: %v allocations for few records, %v for many", how, few, many)
		}
	}
}

// A huge record takes its memory with it.
func TestReadLetsBuffersGo(t *testing.T) {
	r := NewReader(Limits{})
	huge := `[{"eventTime":"2024-07-30T20:31:15Z","eventName":"A","userAgent":"` + strings.Repeat(`\u00e9`, 2<<20) + `"}]`
	stats, _ := r.Read(context.Background(), "huge", strings.NewReader(huge), func(*Event) {})
	if stats.Records != 1 {
		t.Fatal(stats)
	}
	r.Read(context.Background(), "small", strings.NewReader(`[`+recordNamed("A")+`]`), func(*Event) {})
	if n := cap(r.buf) + cap(r.dec.scratch) + cap(r.dec.ev.scratch); n > 2*keptBuffer+keptWindow {
		t.Errorf("%d bytes are kept", n)
	}
}

// Session tokens stand among what is read of an assume event, and are in
// nothing of it.
func TestSessionTokensAreNotKept(t *testing.T) {
	const token = "FwoGZXIvYXdzSECRET"
	record := strings.NewReplacer("FwoGZXIvYXdzEXAMPLE//", token+`\u002f\u002f`, `"FwoGZXIvYXdzEXAMPLE`, `"`+token).Replace(recordAssume)
	if !strings.Contains(record, token) {
		t.Fatal("no token in the record")
	}
	for _, data := range []string{`{"Records":[` + record + `]}`, record} {
		r := NewReader(Limits{})
		var kept string
		stats, _ := r.Read(context.Background(), "object", strings.NewReader(data), func(e *Event) { kept = dumpEvent(e) })
		if stats.Records != 1 || !strings.Contains(kept, "Assume.IssuedKeyID") {
			t.Fatal(stats, kept)
		}
		if strings.Contains(kept, token) || bytes.Contains(r.dec.scratch, []byte(token)) {
			t.Errorf("the token is in\n%s", kept)
		}
	}
}

func TestKnownMembers(t *testing.T) {
	d := newDecoder(1)
	slots := map[uint8]string{}
	for _, name := range commonMembers {
		text := name + `":`
		if len(text) < 8 || len(text) > 24 {
			t.Errorf("%s has %d bytes", text, len(text))
		}
		d.b = []byte(`"` + text + `7`)
		m, value, which := d.memberName(0)
		if which == noMember || slots[which] != "" || m != lookup([]byte(name)) || value != len(d.b)-1 {
			t.Errorf("%s is found in place %d beside %q: %v at %d", name, which, slots[which], m, value)
		}
		slots[which] = name
		// A name that differs in one byte is another.
		for i := range name {
			d.b[1+i] ^= 1
			if m, _, which := d.memberName(0); m != memberUnread || which != noMember {
				t.Errorf("%s is taken for %v", d.b, m)
			}
			d.b[1+i] ^= 1
		}
	}
}

// Values to be skipped end where encoding/json says that they do.
func TestSkip(t *testing.T) {
	rnd := rand.New(rand.NewPCG(3, 4))
	var value func(depth int) any
	value = func(depth int) any {
		switch k := rnd.IntN(8); {
		case k < 2 && depth < 6:
			m := map[string]any{}
			for range rnd.IntN(5) {
				m[fmt.Sprint("k", rnd.IntN(100))] = value(depth + 1)
			}
			return m
		case k < 4 && depth < 6:
			l := []any{}
			for range rnd.IntN(5) {
				l = append(l, value(depth+1))
			}
			return l
		case k == 4:
			return rnd.NormFloat64()
		case k == 5:
			return rnd.IntN(2) == 0
		default:
			const parts = `"\{}[]ab,: é/` + "\n\u2028"
			s := []rune(parts)
			var b strings.Builder
			for range rnd.IntN(20) {
				b.WriteRune(s[rnd.IntN(len(s))])
			}
			return b.String()
		}
	}
	for range 5000 {
		b, err := json.Marshal(value(0))
		if err != nil {
			t.Fatal(err)
		}
		if rnd.IntN(2) == 0 {
			var indented bytes.Buffer
			json.Indent(&indented, b, "", " ")
			b = indented.Bytes()
		}
		before := strings.Repeat(" ", rnd.IntN(9))
		s := scanner{b: []byte(before + string(b) + `,"x":1}`), maxDepth: 10}
		if got, want := s.skip(len(before), 1), len(before)+len(b); got != want || s.deep {
			t.Fatalf("skip of %s ends at %d, want %d", b, got, want)
		}
		if b[0] != '{' && b[0] != '[' && b[0] != '"' {
			continue
		}
		s.b = s.b[:len(before)+rnd.IntN(len(b))] // cut off, it has no end
		if s.b == nil || len(s.b) == len(before) {
			continue
		}
		if got := s.skip(len(before), 1); got >= 0 || s.fault != faultEnd {
			t.Fatalf("skip of %s ends at %d, fault %d", s.b, got, s.fault)
		}
	}
}
