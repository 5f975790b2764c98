package ingest

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/trailscan/trailscan/internal/cloudtrailtest"
)

func TestBackfill(t *testing.T) {
	const hour = time.Hour
	type event struct {
		region, name, key string
		ago               time.Duration
	}
	type need struct {
		key string
		ago time.Duration
	}
	tests := []struct {
		name     string
		regions  []string // asked by List, for the last hour
		events   []event
		needs    []need
		want     []int          // of events
		requests map[string]int // per region, by Backfill alone
	}{
		{
			name: "by key", regions: []string{"eu-west-1"},
			events:   []event{{"eu-west-1", "AssumeRole", "ASIAONE", 3 * hour}, {"eu-west-1", "AssumeRole", "ASIATWO", 3 * hour}},
			needs:    []need{{"ASIAONE", 3 * hour}},
			want:     []int{0},
			requests: map[string]int{"eu-west-1": 1, "us-east-1": 1},
		},
		{
			name: "by key, at the global endpoint and within the window", regions: []string{"eu-west-1"},
			events:   []event{{"us-east-1", "AssumeRoleWithSAML", "ASIAONE", hour / 2}},
			needs:    []need{{"ASIAONE", hour / 2}},
			want:     []int{0},
			requests: map[string]int{"us-east-1": 1},
		},
		{
			name: "within the window of every region", regions: []string{"us-east-1", "eu-west-1"},
			events: []event{{"us-east-1", "AssumeRole", "ASIAONE", hour / 2}},
			needs:  []need{{"ASIAONE", hour / 2}, {"", hour / 3}},
		},
		{
			name: "recycled key is another moment's", regions: []string{"us-east-1"},
			events:   []event{{"us-east-1", "AssumeRole", "ASIAONE", 3 * hour}, {"us-east-1", "AssumeRole", "ASIAONE", 7 * hour}},
			needs:    []need{{"ASIAONE", 7 * hour}},
			want:     []int{1},
			requests: map[string]int{"us-east-1": 1},
		},
		{
			name: "key that was never issued", regions: []string{"us-east-1"},
			events:   []event{{"us-east-1", "AssumeRoleWithSAML", "ASIAONE", 3 * hour}, {"us-east-1", "AssumeRole", "ASIATWO", 4 * hour}},
			needs:    []need{{"ASIACONSOLE", 3 * hour}},
			want:     []int{0},
			requests: map[string]int{"us-east-1": 1 + 3},
		},
		{
			name: "no key, and a user's", regions: []string{"us-east-1"},
			events:   []event{{"us-east-1", "AssumeRoleWithWebIdentity", "ASIAONE", 3 * hour}, {"us-east-1", "AssumeRole", "ASIATWO", 4*hour + 4*time.Second}},
			needs:    []need{{"", 3 * hour}, {"AKIAUSER", 4 * hour}},
			want:     []int{0, 1},
			requests: map[string]int{"us-east-1": 3},
		},
		{
			name: "none", regions: []string{"us-east-1"},
			events: []event{{"us-east-1", "AssumeRole", "ASIAONE", 3 * hour}},
		},
		{
			name: "beyond the history", regions: []string{"us-east-1"},
			events: []event{{"us-east-1", "AssumeRole", "ASIAONE", 91 * 24 * hour}},
			needs:  []need{{"", 91 * 24 * hour}, {"ASIAONE", 91 * 24 * hour}},
		},
		{
			name: "China has no global endpoint", regions: []string{"cn-north-1"},
			events:   []event{{"cn-north-1", "AssumeRole", "ASIAONE", 3 * hour}, {"us-east-1", "AssumeRole", "ASIAONE", 3 * hour}},
			needs:    []need{{"ASIAONE", 3 * hour}},
			want:     []int{0},
			requests: map[string]int{"cn-north-1": 1},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				now := time.Now()
				var records, want []json.RawMessage
				for _, e := range tt.events {
					records = append(records, assumeRecord(e.region, e.name, fmt.Sprintf("%s%v", e.key, e.ago), now.Add(-e.ago)))
					// The event's id tells the moment, its key does not.
					last := len(records) - 1
					records[last] = json.RawMessage(strings.ReplaceAll(string(records[last]), fmt.Sprintf(`"accessKeyId":"%s%v"`, e.key, e.ago), fmt.Sprintf(`"accessKeyId":%q`, e.key)))
				}
				for _, i := range tt.want {
					want = append(want, records[i])
				}
				server := newLookupServer(t, records)
				lookup := NewLookup(LookupConfig{AWS: lookupAWS(&directClient{handler: server}), Regions: tt.regions, Since: now.Add(-hour), Until: now, Now: now})
				var listed lookedUp
				if err := lookup.List(t.Context(), listed.emit(t), listed.report); err != nil {
					t.Fatal(err)
				}
				before := len(server.Calls())
				var needs []Need
				for _, n := range tt.needs {
					needs = append(needs, Need{Account: "111122223333", Time: now.Add(-n.ago).Unix(), Key: n.key}, Need{Account: "444455556666", Time: now.Add(-n.ago).Unix(), Key: n.key})
				}
				var got lookedUp
				for range 2 { // the second time nothing is left to ask
					if err := lookup.Backfill(t.Context(), needs, got.emit(t), got.report); err != nil {
						t.Fatal(err)
					}
				}
				got.noProblems(t)
				got.complete(t, want)
				requests := map[string]int{}
				for _, c := range server.Calls()[before:] {
					requests[c.Region]++
				}
				if fmt.Sprint(requests) != fmt.Sprint(tt.requests) {
					t.Errorf("requests are %v, want %v", requests, tt.requests)
				}
				if server.Throttled() > 0 {
					t.Errorf("throttled %d times", server.Throttled())
				}
			})
		})
	}
}

// Many needs cost a request for each page or each need, whichever are fewer,
// and all their events are found.
func TestBackfillMany(t *testing.T) {
	tests := []struct {
		name  string
		every time.Duration // an assume event this often, for three hours
		needs int
		most  int // requests
	}{
		// 108 events are 3 pages; the other two names have none.
		{"quiet account", 100 * time.Second, 200, 3 + 2},
		// 10,800 events are 216 pages, and 20 needs lie far apart. A need costs
		// a page, or two where its seconds lie across a page's end.
		{"busy account", time.Second, 20, 2*20 + 2},
		// Needs as dense as the pages: no more than those.
		{"busy account, dense needs", 5 * time.Second, 1000, 44 + 2},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				now := time.Now()
				rng := rand.New(rand.NewPCG(1, 2))
				var records []json.RawMessage
				for at := 2 * time.Hour; at < 5*time.Hour; at += tt.every {
					records = append(records, assumeRecord("us-east-1", "AssumeRole", fmt.Sprintf("ASIA%08d", len(records)), now.Add(-at).Truncate(time.Second)))
				}
				server := newLookupServer(t, records)
				lookup := NewLookup(LookupConfig{AWS: lookupAWS(&directClient{handler: server}), Regions: []string{"us-east-1"}, Since: now.Add(-time.Hour), Now: now})
				var needs []Need
				var want []string
				for range tt.needs {
					i := rng.IntN(len(records))
					var r struct {
						EventID   string
						EventTime time.Time
					}
					if err := json.Unmarshal(records[i], &r); err != nil {
						t.Fatal(err)
					}
					needs = append(needs, Need{Account: "111122223333", Time: r.EventTime.Unix(), Key: fmt.Sprintf("ASIA%08d", i)})
					want = append(want, r.EventID)
				}
				var got lookedUp
				if err := lookup.Backfill(t.Context(), needs, got.emit(t), got.report); err != nil {
					t.Fatal(err)
				}
				got.noProblems(t)
				for _, id := range want {
					if got.ids[id] == 0 {
						t.Errorf("event %s is missing", id)
					}
				}
				n := len(server.Calls())
				t.Logf("%d requests", n)
				if n > tt.most {
					t.Errorf("%d requests, want at most %d", n, tt.most)
				}
			})
		})
	}
}

// A page may end within the last second that a need asks for.
func TestBackfillCrowdedSecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		now := time.Now()
		at := now.Add(-3 * time.Hour)
		var records []json.RawMessage
		for i := range 120 {
			records = append(records, assumeRecord("us-east-1", "AssumeRole", fmt.Sprintf("ASIA%08d", i), at.Add(-assumePad*time.Second)))
		}
		server := newLookupServer(t, records)
		lookup := NewLookup(LookupConfig{AWS: lookupAWS(&directClient{handler: server}), Regions: []string{"us-east-1"}, Since: now.Add(-time.Hour), Now: now})
		var got lookedUp
		if err := lookup.Backfill(t.Context(), []Need{{Time: at.Unix()}, {Time: at.Add(time.Hour).Unix()}}, got.emit(t), got.report); err != nil {
			t.Fatal(err)
		}
		got.noProblems(t)
		got.complete(t, records)
	})
}

// A region that cannot be asked for assume events is told once.
func TestBackfillFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		now := time.Now()
		records := []json.RawMessage{assumeRecord("eu-west-1", "AssumeRole", "ASIAONE", now.Add(-3*time.Hour))}
		server := newLookupServer(t, records)
		server.Fault = func(c cloudtrailtest.Call) *cloudtrailtest.Fault {
			if c.Region == "us-east-1" {
				return cloudtrailtest.Deny()
			}
			return nil
		}
		lookup := NewLookup(LookupConfig{AWS: lookupAWS(&directClient{handler: server}), Regions: []string{"eu-west-1"}, Since: now.Add(-time.Hour), Now: now})
		var got lookedUp
		if err := lookup.List(t.Context(), got.emit(t), got.report); err != nil {
			t.Fatal(err)
		}
		for _, ago := range []time.Duration{3 * time.Hour, 5 * time.Hour} {
			if err := lookup.Backfill(t.Context(), []Need{{Time: now.Add(-ago).Unix()}}, got.emit(t), got.report); err != nil {
				t.Fatal(err)
			}
		}
		got.complete(t, records)
		if len(got.problems) != 1 || got.problems[0].Object != "lookup://us-east-1/" ||
			!strings.HasSuffix(got.problems[0].Error, "(not read: AssumeRole events that tell who opened sessions)") {
			t.Errorf("problems are %+v, want one of us-east-1", got.problems)
		}
	})
}

func TestSecondSet(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for range 200 {
		var s secondSet
		var in [60]bool
		for range rng.IntN(12) {
			from, to := rng.IntN(60), rng.IntN(60)
			s.add(int64(from), int64(to))
			for i := from; i <= to; i++ {
				in[i] = true
			}
		}
		for from := range in {
			all := true
			for to := from; to < len(in); to++ {
				all = all && in[to]
				if got := s.covers(int64(from), int64(to)); got != all {
					t.Fatalf("%v covers %d to %d: %v", s, from, to, got)
				}
			}
		}
		for i := 1; i < len(s); i++ {
			if s[i][0] <= s[i-1][1]+1 {
				t.Fatalf("%v is not sorted and apart", s)
			}
		}
	}
}
