package report

import (
	"bytes"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/trailscan/trailscan/internal/attribute"
)

// compileSchema compiles the schema at the pointer in doc.
func compileSchema(t *testing.T, doc []byte, pointer string) *jsonschema.Schema {
	t.Helper()
	parsed, err := jsonschema.UnmarshalJSON(bytes.NewReader(doc))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource("mem:///schema.json", parsed); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("mem:///schema.json" + pointer)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func validate(t *testing.T, s *jsonschema.Schema, doc string) {
	t.Helper()
	v, err := jsonschema.UnmarshalJSON(strings.NewReader(doc))
	if err != nil {
		t.Fatalf("no JSON: %v\n%s", err, doc)
	}
	if err := s.Validate(v); err != nil {
		t.Fatalf("%v\n%s", err, doc)
	}
}

// strictSchema is the published schema without room for further members, so
// that a member which it does not describe fails.
func strictSchema(t *testing.T) []byte {
	t.Helper()
	n := strings.Count(Schema(), `"additionalProperties": true`)
	if n < 10 {
		t.Fatalf("only %d objects of the schema say that they may have further members", n)
	}
	return []byte(strings.ReplaceAll(Schema(), `"additionalProperties": true`, `"additionalProperties": false`))
}

func TestSchema(t *testing.T) {
	loose := compileSchema(t, []byte(Schema()), "")
	strict := compileSchema(t, strictSchema(t), "")
	for _, res := range []*attribute.Result{testResult(), testComparison(), {}} {
		doc := write(t, writeJSON, res, testOptions())
		validate(t, loose, doc)
		validate(t, strict, doc)
	}
	for _, s := range hostile {
		if s != "" { // what is never empty is said to be so
			validate(t, strict, write(t, writeJSON, hostileResult(s), hostileOptions(s)))
		}
	}
}

// A schema that takes everything would make TestSchema worthless.
func TestSchemaRefuses(t *testing.T) {
	schema := compileSchema(t, []byte(Schema()), "")
	doc := write(t, writeJSON, testComparison(), testOptions())
	for _, change := range [][2]string{
		{`"schemaVersion": 1`, `"schemaVersion": 2`},
		{`"complete": false`, `"complete": "no"`},
		{`"confidence": "proven"`, `"confidence": "sure"`},
		{`"severity": "critical"`, `"severity": "bad"`},
		{`"status": "new"`, `"status": "newer"`},
		{`"firstSeen": "2026-11-17T08:01:00Z"`, `"firstSeen": "2026-11-17 08:01"`},
		{`"calls": 321`, `"calls": -1`},
		{`"stage": "decompress"`, `"stage": "eat"`},
		{`"ignoredReason"`, `"reason"`},
		{`"sessionNames": [`, `"names": [`},
	} {
		if !strings.Contains(doc, change[0]) {
			t.Errorf("the report has no %s", change[0])
			continue
		}
		v, err := jsonschema.UnmarshalJSON(strings.NewReader(strings.Replace(doc, change[0], change[1], 1)))
		if err != nil {
			t.Fatal(err)
		}
		if schema.Validate(v) == nil {
			t.Errorf("the schema takes %s", change[1])
		}
	}
}

func TestJSONLinesSchema(t *testing.T) {
	line := compileSchema(t, []byte(Schema()), "#/$defs/line")
	for _, res := range []*attribute.Result{testResult(), testComparison(), {}, hostileResult("two\r\nlines\u2028 here")} {
		var types []string
		for l := range strings.Lines(write(t, writeJSONLines, res, testOptions())) {
			validate(t, line, l)
			var v struct{ Type string }
			if err := json.Unmarshal([]byte(l), &v); err != nil {
				t.Fatal(err)
			}
			types = append(types, v.Type)
		}
		want := 2 + len(res.Names) + len(res.Origins) + len(res.Findings) + len(res.Coverage) + len(res.Other) + len(res.Denied)
		if res.Baseline != nil {
			want++
		}
		if len(types) != want || types[0] != "scan" {
			t.Errorf("%d lines that begin with %q, want %d", len(types), types[0], want)
		}
	}
}

func TestSARIFSchema(t *testing.T) {
	doc, err := os.ReadFile("testdata/schemas/sarif-schema-2.1.0.json")
	if err != nil {
		t.Fatal(err)
	}
	schema := compileSchema(t, doc, "")
	for _, res := range []*attribute.Result{testResult(), testComparison(), {}} {
		validate(t, schema, write(t, writeSARIF, res, testOptions()))
	}
	validate(t, schema, write(t, writeSARIF, testResult(), Options{}))
	for _, s := range hostile {
		validate(t, schema, write(t, writeSARIF, hostileResult(s), hostileOptions(s)))
	}
}

func TestOCSFSchema(t *testing.T) {
	doc, err := os.ReadFile("testdata/schemas/ocsf-detection-finding.json")
	if err != nil {
		t.Fatal(err)
	}
	schema := compileSchema(t, doc, "")
	for _, res := range []*attribute.Result{testResult(), testComparison(), {}} {
		validate(t, schema, write(t, writeOCSF, res, testOptions()))
	}
	validate(t, schema, write(t, writeOCSF, testResult(), Options{}))
	for _, s := range hostile {
		validate(t, schema, write(t, writeOCSF, hostileResult(s), hostileOptions(s)))
	}
}
