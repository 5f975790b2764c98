package athena

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/trailscan/trailscan/internal/ingest"
)

// entry makes the entry of a row from the members of its record.
func entry(t *testing.T, kind, at string, members map[string]string) string {
	t.Helper()
	elements := make([]*string, entryFields+len(fields))
	elements[entryKind] = &kind
	if at != "" {
		elements[entryAt] = &at
	}
	for path, value := range members {
		i := slices.IndexFunc(fields, func(f field) bool { return f.path == path })
		if i < 0 {
			t.Fatalf("no field %s", path)
		}
		elements[entryFields+i] = &value
	}
	text, err := json.Marshal(elements)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// beside is the entry of an event from an object of some stamp that does not count.
func beside(t *testing.T, stamp string) string {
	t.Helper()
	text := entry(t, "evidence", "001795518002issue-2", map[string]string{"recipientAccountId": "111122223333", "eventName": "AssumeRole"})
	return strings.Replace(text, `issue-2",null`, `issue-2","`+stamp+`"`, 1)
}

// asCSV writes rows as a result.
func asCSV(t *testing.T, rows ...[]string) string {
	t.Helper()
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	w.Write(resultColumns)
	w.WriteAll(rows)
	if w.Error() != nil {
		t.Fatal(w.Error())
	}
	return b.String()
}

// readAll reads a result and tells what it held.
func readAll(text string) (told []string, err error) {
	err = ReadRows(context.Background(), strings.NewReader(text), "r.csv", Rows{
		Event: func(e *ingest.Event, duplicates int64) {
			told = append(told, fmt.Sprintf("event %s %s %d +%d by %s issued %s", e.ID, e.Name, e.Time, duplicates, e.Identity().ARN, e.Assume.IssuedKeyID))
		},
		Use: func(e *ingest.Event, u Use) {
			told = append(told, fmt.Sprintf("use %s %s %q x%d +%d until %d by %s %q", e.ID, e.Source, e.ErrorCode, u.Calls, u.Duplicates, u.LastTime, e.Identity().ARN, u.Shared))
		},
		Evidence: func(e *ingest.Event, delivered int64) {
			told = append(told, fmt.Sprintf("evidence %s %s %d delivered %d", e.ID, e.Name, e.Time, delivered))
		},
		Read: func(account string) { told = append(told, "read "+account) },
		Seen: func(account string, delivered int64) {
			told = append(told, fmt.Sprintf("seen %s %d", account, delivered))
		},
		Problem: func(p ingest.Problem) {
			told = append(told, fmt.Sprintf("problem %s %s x%d", p.Object, p.Error, p.Count))
		},
	})
	return told, err
}

func TestReadRows(t *testing.T) {
	arn := "arn:aws:sts::111122223333:assumed-role/deploy/a\"b,c\nd"
	got, err := readAll(asCSV(t,
		[]string{`["scan","1","x","use","1","1","","","0","0","0","",""]`, "0", "0", "", "", ""},
		[]string{entry(t, "use", "1795518000", map[string]string{
			"recipientAccountId": "111122223333", "eventSource": "s3.amazonaws.com", "errorCode": "Error",
			"userIdentity.type": "AssumedRole", "userIdentity.arn": arn, "userIdentity.sessionContext.sessionIssuer.arn": "arn:aws:iam::111122223333:role/x/deploy",
		}), "7", "2", "001795518001first-1", "1795518900", "shared-1 shared-2"},
		[]string{entry(t, "event", "001795518002issue-1", map[string]string{
			"recipientAccountId": "111122223333", "eventSource": "sts.amazonaws.com", "eventName": "AssumeRole", "userIdentity.arn": "arn:aws:iam::111122223333:user/ann",
			"responseElements": `{"credentials": {"accessKeyId": "ASIA1"}}`, "requestParameters": `{"roleArn": truncated`,
		}), "1", "3", "", "1795518002", ""},
		[]string{beside(t, "20261124T1005"), "2", "0", "", "1795518002", ""},
		[]string{readEntry("444455556666"), "1", "0", "000000000009x", "9", ""},
		[]string{strings.Replace(readEntry("777788889999"), "read", "seen", 1), "2", "0", "", "", "20261124T1005 20261124T1010"},
		[]string{`["bad",null,"s3://b/k","no eventName"` + strings.Repeat(",null", len(fields)) + `]`, "4", "0", "", "", ""},
	))
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		`use first-1 s3.amazonaws.com "Error" x7 +2 until 1795518900 by ` + arn + ` "shared-1 shared-2"`,
		"event issue-1 AssumeRole 1795518002 +3 by arn:aws:iam::111122223333:user/ann issued ASIA1",
		"evidence issue-2 AssumeRole 1795518002 delivered 1795514700",
		"evidence issue-2 AssumeRole 1795518002 delivered 1795514700",
		"read 444455556666",
		"seen 777788889999 1795514700",
		"seen 777788889999 1795515000",
		"problem s3://b/k not a CloudTrail record: no eventName x4",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

// TestMembers holds that an entry has room for all that is read of a record: what
// the decoder gives and the queries leave out would make the two engines differ.
func TestMembers(t *testing.T) {
	members := map[string]string{}
	for _, f := range fields {
		members[f.path] = "true"
	}
	members["userIdentity.sessionContext.attributes.creationDate"] = "2026-11-24T10:00:00Z"
	members["userIdentity.sessionContext.webIdFederationData.attributes"] = `{"x:sub": "y"}`
	members["eventSource"], members["eventName"] = "sts.amazonaws.com", "AssumeRole"
	members["requestParameters"] = `{"roleArn": "r"}`
	members["responseElements"], members["serviceEventDetails"] = `{"subject": "s"}`, `{"role_name": "r"}`
	missing := map[string]bool{}
	empty := func(v reflect.Value) {
		for i := range v.NumField() {
			if f := v.Type().Field(i); f.IsExported() && f.Name != "Assume" && f.Name != "IdentityMemo" && v.Field(i).IsZero() {
				missing[f.Name] = true
			}
		}
	}
	err := ReadRows(context.Background(), strings.NewReader(asCSV(t, []string{entry(t, "event", "001795518002issue-1", members), "1", "0", "", "1795518002", ""})), "r.csv", Rows{
		Event: func(e *ingest.Event, _ int64) {
			empty(reflect.ValueOf(e).Elem())
			empty(reflect.ValueOf(e.Identity()).Elem())
			if e.Assume.RoleARN == nil || e.Assume.Subject == nil || e.Assume.ServiceRole == nil {
				t.Errorf("assume %+v", e.Assume)
			}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	// The queries look at the first two themselves; nothing reads the others.
	for _, name := range []string{"Type", "Category", "VPCEndpoint", "LakeFormationRSN"} {
		if !missing[name] {
			t.Errorf("%s is there", name)
		}
		delete(missing, name)
	}
	for name := range missing {
		t.Errorf("the queries leave out what is %s of an event", name)
	}
}

// TestBadResults holds that what is no result of the queries is refused, with
// the line.
func TestBadResults(t *testing.T) {
	use := entry(t, "use", "", map[string]string{"userIdentity.type": "AssumedRole"})
	for name, test := range map[string]struct{ text, want string }{
		"empty":             {"", "empty"},
		"another table":     {"a,b\n1,2\n", "no column entry"},
		"no header line":    {use + ",1,0,x,1,\n", "line 1"},
		"a short row":       {"entry,calls,duplicates,first_event,last_time,shared_events\nx,1\n", "line 2"},
		"no JSON":           {asCSV(t, []string{"x", "1", "0", "", "", ""}), "line 2: entry"},
		"too few elements":  {asCSV(t, []string{`["use",null]`, "1", "0", "", "", ""}), "2 elements"},
		"an unknown kind":   {asCSV(t, []string{strings.Replace(use, `"use"`, `"new"`, 1), "1", "0", "000000000001x", "1", ""}), `unknown kind "new"`},
		"no calls":          {asCSV(t, []string{use, "0", "0", "000000000001x", "1", ""}), "calls"},
		"negative calls":    {asCSV(t, []string{use, "-1", "0", "000000000001x", "1", ""}), "calls"},
		"no first event":    {asCSV(t, []string{use, "1", "0", "", "1", ""}), "first_event"},
		"no stamp":          {asCSV(t, []string{beside(t, ""), "1", "0", "", "1795518002", ""}), `"" is no time of delivery`},
		"no stamps":         {asCSV(t, []string{strings.Replace(readEntry("1"), "read", "seen", 1), "1", "0", "", "", "2026-11-24"}), "shared_events"},
		"last before first": {asCSV(t, []string{use, "1", "0", "000000000002x", "1", ""}), "last_time"},
		"a far year":        {asCSV(t, []string{use, "1", "0", "999999999999x", "999999999999", ""}), "eventTime"},
	} {
		t.Run(name, func(t *testing.T) {
			told, err := readAll(test.text)
			if err == nil || !strings.Contains(err.Error(), test.want) || len(told) > 0 {
				t.Errorf("told %q, error %v", told, err)
			}
		})
	}
}

// headerOf reads what a result says about itself.
func headerOf(text string) (Header, error) {
	rows, err := newCSV(strings.NewReader(text))
	if err != nil {
		return Header{}, err
	}
	return readHeader(rows)
}

func TestReadHeader(t *testing.T) {
	p := plan()
	p.Scan.Accounts, p.Scan.Regions = []string{"111122223333"}, []string{"eu-west-1", "us-east-1"}
	parts, err := p.Parts()
	if err != nil {
		t.Fatal(err)
	}
	row := []string{parts[0].header(), "0", "0", "", "", ""}
	got, err := headerOf("\ufeff" + asCSV(t, []string{readEntry("1"), "1", "0", "", "", ""}, row))
	if err != nil {
		t.Fatal(err)
	}
	if fmt.Sprint(got.Scan) != fmt.Sprint(p.Scan) || got.ID != parts[0].id() || got.Number != 1 || got.Count != 1 || got.Evidence {
		t.Errorf("got %+v, want %+v", got, p.Scan)
	}
	for _, bad := range []string{
		`["scan","2","x","use","1","1","","","0","0","0","",""]`, `["scan"]`, `["scan","1","x","use","1","1","","","0","0","0",""]`,
		`["scan","1","x","use","one","1","","","0","0","0","",""]`, `["scan","1","x","use","1","1","-5","","0","0","0","",""]`,
		`["scan","1","x","use","1","1","","","0","","0","",""]`, `["scan"`,
	} {
		if h, err := headerOf(asCSV(t, []string{bad, "0", "0", "", "", ""})); err == nil {
			t.Errorf("%s is taken for %+v", bad, h)
		}
	}
	if _, err := headerOf(asCSV(t)); err == nil || !strings.Contains(err.Error(), "not complete") {
		t.Errorf("a result without the row: %v", err)
	}
}

// FuzzReadRows holds that no result makes the reader panic, and that what it
// hands on is within what the rows say.
func FuzzReadRows(f *testing.F) {
	f.Add("entry,calls,duplicates,first_event,last_time,shared_events\n\"[\"\"scan\"\",\"\"1\"\",\"\"x\"\",\"\"use\"\",\"\"1\"\",\"\"1\"\",\"\"\"\",\"\"\"\",\"\"0\"\",\"\"0\"\",\"\"0\"\",\"\"\"\",\"\"\"\"]\",0,0,,,\n")
	nulls := strings.ReplaceAll(strings.Repeat(",null", entryFields+len(fields)-1), `"`, `""`)
	f.Add("entry,calls,duplicates,first_event,last_time,shared_events\n\"[\"\"use\"\"" + nulls + "]\",3,1,000000000001x,2,a b\n")
	f.Add("entry,calls,duplicates,first_event,last_time,shared_events\n\"[\"\"event\"\",\"\"000000000001x\"\"" + nulls[5:] + "]\",1,0,,2,\n")
	f.Add("entry,calls,duplicates,first_event,last_time,shared_events\n\"[\"\"evidence\"\",\"\"000000000001x\"\",\"\"20261124T1005\"\"" + nulls[10:] + "]\",1,0,,2,\n")
	f.Add("entry,calls,duplicates,first_event,last_time,shared_events\n\"[\"\"seen\"\"" + nulls + "]\",2,0,,,20261124T1005 20261124T1010\n")
	f.Fuzz(func(t *testing.T, text string) {
		err := ReadRows(context.Background(), strings.NewReader(text), "r.csv", Rows{
			Event: func(e *ingest.Event, n int64) {
				if e.Time < 0 || n < 0 {
					t.Errorf("event at %d, %d copies", e.Time, n)
				}
			},
			Use: func(e *ingest.Event, u Use) {
				if u.Calls < 1 || u.Duplicates < 0 || u.LastTime < e.Time {
					t.Errorf("%+v of an event at %d", u, e.Time)
				}
			},
			Evidence: func(e *ingest.Event, delivered int64) {
				if e.Time < 0 || delivered < 0 {
					t.Errorf("event at %d, delivered %d", e.Time, delivered)
				}
			},
			Seen: func(_ string, delivered int64) {
				if delivered < 0 {
					t.Errorf("delivered %d", delivered)
				}
			},
			Read: func(string) {}, Problem: func(ingest.Problem) {},
		})
		_ = err // either way
		headerOf(text)
	})
}
