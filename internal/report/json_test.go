package report

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/trailscan/trailscan/internal/attribute"
)

// fill gives every field below v a value of its own.
func fill(v reflect.Value, next *int64) {
	*next++
	switch v.Interface().(type) {
	case time.Time:
		v.Set(reflect.ValueOf(at(0, 0, 0).Add(time.Duration(*next) * time.Second)))
		return
	case attribute.Confidence:
		v.SetUint(uint64(*next)%3 + 1)
		return
	case attribute.Severity:
		v.SetUint(uint64(*next)%4 + 1)
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				fill(v.Field(i), next)
			}
		}
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), next)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		for i := range v.Len() {
			fill(v.Index(i), next)
		}
	case reflect.String:
		v.SetString(fmt.Sprintf("text %d", *next))
	case reflect.Int64:
		v.SetInt(*next)
	case reflect.Bool:
		v.SetBool(true)
	default:
		panic("a field of type " + v.Type().String())
	}
}

// jsonName gives the name of a field in the JSON report.
func jsonName(owner reflect.Type, field string) string {
	switch owner.Name() + "." + field {
	case "Result.Names":
		return "sessionNames"
	case "Result.Other":
		return "otherSessions"
	case "Result.Denied":
		return "deniedAssumptions"
	case "NameOrigin.ByConf":
		return "callsByConfidence"
	case "NameDetail.SessionList": // in CSV only: there may be millions
		return ""
	}
	field = strings.NewReplacer("ARN", "Arn", "IPs", "Ips", "ID", "Id").Replace(field)
	return strings.ToLower(field[:1]) + field[1:]
}

// same compares a value of the result with what the report says.
func same(t *testing.T, path string, want reflect.Value, got any) {
	t.Helper()
	if h, ok := want.Interface().(fmt.Stringer); ok && want.Kind() == reflect.Uint8 {
		if got != h.String() {
			t.Errorf("%s is %v, want %v", path, got, h)
		}
		return
	}
	if at, ok := want.Interface().(time.Time); ok {
		if got != at.Format("2006-01-02T15:04:05Z") {
			t.Errorf("%s is %v, want %v", path, got, at)
		}
		return
	}
	switch want.Kind() {
	case reflect.Pointer:
		same(t, path, want.Elem(), got)
	case reflect.Struct:
		object, ok := got.(map[string]any)
		if !ok {
			t.Errorf("%s is no object: %v", path, got)
			return
		}
		for i := range want.NumField() {
			name := want.Type().Field(i).Name
			member := jsonName(want.Type(), name)
			switch {
			case member == "" || !want.Type().Field(i).IsExported():
				continue
			case want.Type().Field(i).Anonymous:
				same(t, path, want.Field(i), got)
				continue
			case path == "report.sessionNames.origins.callsByConfidence" && member == "calls":
				continue // it stands beside
			case member == "ignored":
				if object["ignored"] != true {
					t.Errorf("%s.ignored is %v", path, object["ignored"])
				}
				member = "ignoredReason"
			case member == "hour":
				same(t, path+".hour", reflect.ValueOf(time.Unix(want.Field(i).Int(), 0).UTC()), object["hour"])
				continue
			}
			value, ok := object[member]
			if !ok {
				t.Errorf("%s has no %s: the field %s is missing from the report", path, member, name)
				continue
			}
			same(t, path+"."+member, want.Field(i), value)
		}
	case reflect.Slice:
		list, ok := got.([]any)
		if !ok || len(list) != want.Len() {
			t.Errorf("%s is %v, want %d elements", path, got, want.Len())
			return
		}
		for i := range list {
			same(t, path, want.Index(i), list[i])
		}
	case reflect.String:
		if got != want.String() {
			t.Errorf("%s is %v, want %q", path, got, want.String())
		}
	case reflect.Int64:
		if got != json.Number(fmt.Sprint(want.Int())) {
			t.Errorf("%s is %v, want %d", path, got, want.Int())
		}
	case reflect.Bool:
		if got != want.Bool() {
			t.Errorf("%s is %v, want %v", path, got, want.Bool())
		}
	default:
		t.Errorf("%s has the kind %s", path, want.Kind())
	}
}

func decode(t *testing.T, doc string) map[string]any {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(doc))
	d.UseNumber()
	var v map[string]any
	if err := d.Decode(&v); err != nil {
		t.Fatalf("%v in\n%s", err, doc)
	}
	if d.More() {
		t.Fatalf("more than one value in\n%s", doc)
	}
	return v
}

// Every field of a result is in the JSON report, under its own name and with
// its own value.
func TestJSONFieldByField(t *testing.T) {
	var res attribute.Result
	var n int64
	fill(reflect.ValueOf(&res).Elem(), &n)
	got := decode(t, write(t, writeJSON, &res, testOptions()))
	same(t, "report", reflect.ValueOf(res), got)
	if got["schemaVersion"] != json.Number("1") || !reflect.DeepEqual(got["tool"], map[string]any{"name": "trailscan", "version": "1.2.3"}) {
		t.Errorf("schemaVersion %v, tool %v", got["schemaVersion"], got["tool"])
	}
	same(t, "report", reflect.ValueOf(*testComparison().Baseline), decode(t, write(t, writeJSON, testComparison(), testOptions()))["baseline"])
}

// What is unknown or not asked for is null, empty or absent as the schema says.
func TestJSONAbsent(t *testing.T) {
	got := decode(t, write(t, writeJSON, &attribute.Result{
		Names:    []attribute.SessionName{{NameDetail: &attribute.NameDetail{Origins: []attribute.NameOrigin{{}}}}},
		Findings: []attribute.Finding{{}},
	}, Options{}))
	scan := got["scan"].(map[string]any)
	name := got["sessionNames"].([]any)[0].(map[string]any)
	origin := name["origins"].([]any)[0].(map[string]any)
	finding := got["findings"].([]any)[0].(map[string]any)
	for _, c := range []struct {
		where string
		in    map[string]any
		key   string
		want  any // nil for null
	}{
		{"scan", scan, "since", nil},
		{"scan", scan, "until", nil},
		{"scan", scan, "problems", []any{}},
		{"scan", scan, "warnings", []any{}},
		{"name", name, "firstSeen", nil},
		{"name", name, "regions", []any{}},
		{"name", name, "findings", []any{}},
		{"name", name, "services", []any{}},
		{"name", name, "sourceIps", map[string]any{"count": json.Number("0"), "sample": []any{}}},
		{"origin", origin, "chain", []any{}},
		{"origin", origin, "evidence", []any{}},
		{"finding", finding, "status", ""}, // without a baseline
		{"finding", finding, "ignored", false},
		{"finding", finding, "roleArns", []any{}},
		{"report", got, "coverage", []any{}},
		{"report", got, "otherSessions", []any{}},
		{"report", got, "deniedAssumptions", []any{}},
	} {
		if v, ok := c.in[c.key]; !ok || !reflect.DeepEqual(v, c.want) {
			t.Errorf("%s: %s is %v (there: %v), want %v", c.where, c.key, v, ok, c.want)
		}
	}
	for _, c := range []struct {
		where string
		in    map[string]any
		key   string
	}{{"report", got, "baseline"}, {"origin", origin, "app"}, {"finding", finding, "ignoredReason"}} {
		if v, ok := c.in[c.key]; ok {
			t.Errorf("%s: %s is %v, want it absent", c.where, c.key, v)
		}
	}
}

// The order of the members is part of the form that people read.
func TestJSONOrder(t *testing.T) {
	doc := write(t, writeJSON, testComparison(), testOptions())
	for _, members := range []string{
		"schemaVersion tool scan attribution sessionNames origins findings coverage otherSessions deniedAssumptions",
		"source since until started finished complete objects objectsFailed compressedBytes bytes events duplicates unusedSessions assumedRoleCalls assumeEvents listRequests problems",
		"partition accountId roleName roleArn sessionName form pattern calls errors sessions firstSeen lastSeen origins sourceIps userAgents services regions findings",
		"id kind name accountId app confidence callsByConfidence calls sessions instances chain evidence",
		"id rule severity roleArns accountId title detail names patterns evidence recommendation status ignored",
	} {
		rest := doc
		list := strings.Fields(members)
		if i := strings.Index(rest, "\n  \"findings\": ["); list[1] == "rule" {
			rest = rest[i+1:]
		}
		for _, m := range list {
			i := strings.Index(rest, `"`+m+`":`)
			if i < 0 {
				t.Errorf("%s does not follow in its place in: %s", m, members)
				break
			}
			rest = rest[i:]
		}
	}
}

func TestJSONHostile(t *testing.T) {
	for _, f := range []func(*testing.T, string) string{
		func(t *testing.T, s string) string { return write(t, writeJSON, hostileResult(s), hostileOptions(s)) },
		func(t *testing.T, s string) string {
			return write(t, writeJSONLines, hostileResult(s), hostileOptions(s))
		},
		func(t *testing.T, s string) string { return write(t, writeSARIF, hostileResult(s), hostileOptions(s)) },
		func(t *testing.T, s string) string { return write(t, writeOCSF, hostileResult(s), hostileOptions(s)) },
	} {
		for _, s := range hostile {
			harmless(t, f(t, s), true)
		}
	}
	// Programs read back what was in the log.
	for _, s := range hostile {
		got := decode(t, write(t, writeJSON, hostileResult(s), hostileOptions(s)))
		if name := got["sessionNames"].([]any)[0].(map[string]any)["sessionName"]; name != s {
			t.Errorf("a session name %q reads back as %q", s, name)
		}
	}
}

func TestAppendJSONString(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"", `""`},
		{"STRING_VALUE", `"STRING_VALUE"`},
		{`a"b\c/`, `"a\"b\\c/"`},
		{"a\nb\rc\td", `"a\nb\rc\td"`},
		{"\x00\x1b\x7f", `"\u0000\u001b\u007f"`},
		{"\u009b\u202e\u200b\u2028\ufeff", `"\u009b\u202e\u200b\u2028\ufeff"`},
		{"\U000e0041", `"\udb40\udc41"`},
		{"日本語 é 👍 <n> & '", `"日本語 é 👍 <n> & '"`},
		{"bad \xff\xc3 bytes", `"bad \ufffd\ufffd bytes"`},
		{"\ufffd", `"\ufffd"`},
		{"#1 ## ##[error] ##VSO[task]", `"#1 ## \u0023#[error] \u0023#VSO[task]"`},
	} {
		if got := string(appendJSONString(nil, c.in)); got != c.want {
			t.Errorf("%q gives %s, want %s", c.in, got, c.want)
		}
	}
}

func FuzzAppendJSONString(f *testing.F) {
	for _, s := range hostile {
		f.Add(s)
	}
	f.Add("bad \xff\xc3")
	f.Fuzz(func(t *testing.T, s string) {
		text := appendJSONString([]byte("before"), s)[len("before"):]
		var got string
		if err := json.Unmarshal(text, &got); err != nil {
			t.Fatalf("%q gives %s: %v", s, text, err)
		}
		want := strings.ToValidUTF8(s, "\ufffd")
		if utf8.ValidString(s) && got != s {
			t.Fatalf("%q reads back as %q", s, got)
		}
		// ToValidUTF8 makes one character of a run of wrong bytes.
		if strings.ReplaceAll(got, "\ufffd", "") != strings.ReplaceAll(want, "\ufffd", "") {
			t.Fatalf("%q reads back as %q", s, got)
		}
		harmless(t, string(text), true)
	})
}
