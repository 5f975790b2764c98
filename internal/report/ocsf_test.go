package report

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/trailscan/trailscan/internal/attribute"
)

type ocsfEvent struct {
	ActivityID int                               `json:"activity_id"`
	TypeUID    int                               `json:"type_uid"`
	SeverityID int                               `json:"severity_id"`
	StatusID   int                               `json:"status_id"`
	Time       int64                             `json:"time"`
	StartTime  int64                             `json:"start_time"`
	Comment    string                            `json:"comment"`
	Info       struct{ UID, Title, Desc string } `json:"finding_info"`
	Cloud      struct{ Account struct{ UID, Name string } }
	Resources  []struct{ UID, Name string }
	Evidences  []struct{ Data map[string]string }
}

func TestOCSF(t *testing.T) {
	var events []ocsfEvent
	doc := write(t, writeOCSF, testComparison(), testOptions())
	if err := json.Unmarshal([]byte(doc), &events); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range events {
		got = append(got, fmt.Sprint(e.Info.UID, " ", e.ActivityID, e.TypeUID, e.SeverityID, e.StatusID, e.Time/1000, " ", e.Resources[0].UID, " ", e.Cloud.Account.Name, " ", e.Comment))
	}
	want := []string{
		fmt.Sprint("f-5b1d0c7a9e 1 200401 4 1 ", at(6, 23, 59).Unix(), " arn:aws:iam::111122223333:role/shared/CrossAccountReader production "),
		fmt.Sprint("f-77aa00bb11 2 200402 3 3 ", at(6, 23, 59).Unix(), " arn:aws:iam::111122223333:role/shared/CrossAccountReader production ticket 42"),
		fmt.Sprint("f-10293847aa 2 200402 3 1 ", at(6, 3, 12).Unix(), " arn:aws:iam::111122223333:role/deploy production "),
		fmt.Sprint("f-c0ffee0000 1 200401 5 1 ", at(2, 3, 9).Unix(), " arn:aws:iam::444455556666:role/deploy  "),
		fmt.Sprint("f-deadbeef01 3 200403 2 4 ", at(6, 3, 12).Unix(), " arn:aws:iam::111122223333:role/deploy production "),
	}
	if !slices.Equal(got, want) {
		t.Errorf("events\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if e := events[0]; len(e.Evidences) != 2 || e.Evidences[1].Data["eventID"] != "0a6e1f3c-0000-4000-8000-000000000003" || e.StartTime != at(0, 0, 4).UnixMilli() {
		t.Errorf("evidence %+v", e)
	}
	// One finding a line, so that it can be read by line too.
	lines := strings.Split(strings.TrimSuffix(doc, "\n"), "\n")
	if len(lines) != 2+len(events) || lines[0] != "[" || lines[len(lines)-1] != "]" {
		t.Errorf("%d lines for %d findings", len(lines), len(events))
	}
}

// A finding on what was not seen in this scan still has a time.
func TestOCSFTime(t *testing.T) {
	f := []attribute.Finding{{ID: "x", Rule: "r", Status: statusResolved, RoleARNs: []string{"arn:aws:iam::1:role/gone"}}}
	for _, c := range []struct {
		scan attribute.Scan
		want int64
	}{
		{attribute.Scan{Until: at(7, 0, 0), Finished: at(7, 1, 0)}, at(7, 0, 0).UnixMilli()},
		{attribute.Scan{Finished: at(7, 1, 0)}, at(7, 1, 0).UnixMilli()},
		{attribute.Scan{}, 0},
	} {
		var events []ocsfEvent
		if err := json.Unmarshal([]byte(write(t, writeOCSF, &attribute.Result{Scan: c.scan, Findings: f}, Options{})), &events); err != nil {
			t.Fatal(err)
		}
		if events[0].Time != c.want {
			t.Errorf("time %d, want %d", events[0].Time, c.want)
		}
	}
}
