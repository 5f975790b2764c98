package athena

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/trailscan/trailscan/internal/athenatest"
	"github.com/trailscan/trailscan/internal/ingest"
)

const (
	plainID = "5e0e8a1c-0000-4000-8000-000000000001"
	scopeID = "5e0e8a1c-0000-4000-8000-000000000002"
	bothID  = "5e0e8a1c-0000-4000-8000-000000000003"
)

// sampleOf is a sample of an object with some records.
func sampleOf(t *testing.T, records string) Sample {
	t.Helper()
	s, _ := oneObject(logs)
	_, problems := ingest.NewReader(ingest.Limits{}).Read(context.Background(), s.object, strings.NewReader(records), s.Take)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	return s
}

// sampleRecords are calls of a function and of a person, and one that shows
// nothing that another does not.
const sampleRecords = `{"Records":[
{"eventID":"` + plainID + `","eventTime":"2026-11-24T10:00:00Z","eventName":"ListBuckets","eventSource":"s3.amazonaws.com","userIdentity":{"type":"AssumedRole","inScopeOf":{"sourceArn":""},"sessionContext":{"sourceIdentity":null}}},
{"eventID":"` + scopeID + `","eventTime":"2026-11-24T10:00:01Z","eventName":"ListBuckets","eventSource":"s3.amazonaws.com","userIdentity":{"type":"AssumedRole","inScopeOf":{"issuerType":"AWS::Lambda::Function","credentialsIssuedTo":"arn:aws:lambda:eu-west-1:111122223333:function:f"}}},
{"eventID":"5e0e8a1c-0000-4000-8000-000000000009","eventTime":"2026-11-24T10:00:02Z","eventName":"ListBuckets","eventSource":"s3.amazonaws.com","userIdentity":{"type":"AssumedRole","inScopeOf":{"issuerType":"AWS::Lambda::Function"}}},
{"eventID":"` + bothID + `","eventTime":"2026-11-24T10:00:03Z","eventName":"ListBuckets","eventSource":"s3.amazonaws.com","userIdentity":{"type":"AssumedRole","inScopeOf":{"issuerType":"x"},"sessionContext":{"sourceIdentity":"ann","assumedRoot":true}}}
]}`

// TestSample holds that a table is tried on events that show what AWS's own
// definition of it lacks, and that it is said where they do not.
func TestSample(t *testing.T) {
	s := sampleOf(t, sampleRecords)
	if s.Members() != 4 {
		t.Errorf("%d members: %+v", s.Members(), s.events)
	}
	for name, test := range map[string]struct {
		answer func(query string) athenatest.Answer
		want   []string
	}{
		"all is there": {answer: func(query string) athenatest.Answer { return athenatest.Shown(query) }},
		"null": {
			func(query string) athenatest.Answer {
				return athenatest.Shown(query, "id_scopeto", "id_sourceidentity", "id_provider")
			},
			[]string{"does not show useridentity.inscopeof.credentialsissuedto of event " + scopeID + ", useridentity.sessioncontext.sourceidentity of event " + bothID + ", though s3://trail-logs/AWSLogs/111122223333/", "stay unknown"},
		},
		"no rows": {
			func(query string) athenatest.Answer { return athenatest.Answer{Rows: athenatest.Shown(query).Rows[:1]} },
			[]string{"does not show event " + plainID, "compare an hour of it with --engine local"},
		},
		"an event less": {
			func(query string) athenatest.Answer { return athenatest.Answer{Rows: athenatest.Shown(query).Rows[:3]} },
			[]string{"does not show event " + bothID},
		},
	} {
		t.Run(name, func(t *testing.T) {
			var asked string
			b := newBench(t, &athenatest.Server{Answer: func(query string) athenatest.Answer {
				if !strings.HasPrefix(query, "  SELECT") {
					return athenatest.Answer{}
				}
				asked = query
				return test.answer(query)
			}})
			made, err := b.Create(context.Background(), []Table{logs}, func(Table) (Sample, bool) { return s, true })
			if err != nil || len(made) != 1 || made[0].Documented {
				t.Fatal(made, err)
			}
			for _, want := range []string{
				`AND "$path" = 's3://trail-logs/AWSLogs/111122223333/CloudTrail/eu-west-1/2026/11/24/x.json.gz'`,
				"AND eventid IN ('" + plainID + "', '" + scopeID + "', '" + bothID + "')",
				"account IN ('111122223333')", "region IN ('eu-west-1')", `"timestamp" <= '2026/11/24'`,
			} {
				if !strings.Contains(asked, want) {
					t.Errorf("the query lacks %s:\n%s", want, asked)
				}
			}
			for _, column := range []string{"requestparameters", "responseelements", "serviceeventdetails", "additionaleventdata"} {
				if strings.Contains(asked, column) {
					t.Errorf("the query has what may hold a session token:\n%s", asked)
				}
			}
			if !slices.Equal(b.Lost, b.notes) {
				t.Errorf("lost %q, noted %q", b.Lost, b.notes)
			}
			if len(test.want) == 0 && len(b.notes) > 0 || len(test.want) > 0 && len(b.notes) != 1 {
				t.Fatalf("notes %q", b.notes)
			}
			for _, want := range test.want {
				if !strings.Contains(b.notes[0], want) {
					t.Errorf("%q does not say %q", b.notes[0], want)
				}
			}
		})
	}
}
