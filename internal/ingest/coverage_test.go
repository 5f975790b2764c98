package ingest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// hoursOf makes runs of the hours of 20 November 2026 that a map shows: a mark
// for each hour, with or without a delivery.
func hoursOf(day string) []HourRun {
	at := date("2026-11-20T00:00:00Z")
	var runs []HourRun
	for _, mark := range day {
		if mark == '#' {
			runs = addHour(runs, at.Add(17*time.Minute))
		}
		at = at.Add(time.Hour)
	}
	return runs
}

func TestSilences(t *testing.T) {
	const (
		steady = "########################"
		east   = "us-east-1"
		west   = "us-west-2"
	)
	type place struct{ account, region, day string }
	for _, tt := range []struct {
		name   string
		places []place
		until  string // of the window, or empty
		want   string
	}{
		{"nobody", []place{{"1", east, steady}, {"1", west, steady}}, "", ""},
		{"a region", []place{{"1", east, steady}, {"1", west, "##################......"}}, "", "1 us-west-2 18:00"},
		{"a region, for too short a time", []place{{"1", east, steady}, {"1", west, "######################.."}}, "", ""},
		{"a region that pauses now and then", []place{{"1", east, steady}, {"1", west, "####.###.#####.###......"}}, "", "1 us-west-2 18:00"},
		{"a region that pauses as long", []place{{"1", east, steady}, {"1", west, "#####.....########......"}}, "", ""},
		{"a region that works by day", []place{{"1", east, steady}, {"1", west, ".........########......."}}, "", ""},
		{"one that does, at the end of its night", []place{{"1", east, steady}, {"1", west, "########................"}}, "", ""},
		{"a sparse region", []place{{"1", east, steady}, {"1", west, "#....#....#....#........"}}, "", ""},
		{"a region with a single delivery", []place{{"1", east, steady}, {"1", west, "#......................."}}, "", ""},
		{"a region without any", []place{{"1", east, steady}, {"1", west, "........................"}}, "", ""},
		{"an account", []place{{"1", east, steady}, {"2", east, "################........"}, {"2", west, "###############........."}}, "", "2  16:00"},
		{"an account of one region", []place{{"1", east, steady}, {"2", east, "################........"}}, "", "2  16:00"},
		{"nobody, but for what came late in one", []place{{"1", east, "################........"}, {"1", west, "################......#."}}, "", ""},
		{"a region, with what came late in another", []place{{"1", east, "####################...#"}, {"1", west, "##############.........."}}, "", "1 us-west-2 14:00"},
		{"all", []place{{"1", east, "################........"}, {"2", west, "##############.........."}}, "2026-11-21T00:00:00Z", "  16:00"},
		{"all, in a window without an end", []place{{"1", east, "################........"}}, "", ""},
		{"all but for the hour that is not over", []place{{"1", east, "#######################."}}, "2026-11-20T23:40:00Z", ""},
		{"a region, in a window with an end", []place{{"1", east, steady}, {"1", west, "##################......"}}, "2026-11-20T23:00:00Z", "1 us-west-2 18:00"},
	} {
		var listed []ListedRegion
		for _, p := range tt.places {
			listed = append(listed, ListedRegion{Account: p.account, Region: p.region, Hours: hoursOf(p.day), Complete: true})
		}
		var until time.Time
		if tt.until != "" {
			until = date(tt.until)
		}
		var got []string
		for _, s := range Silences(MergeListed(listed), date("2026-11-20T00:00:00Z"), until) {
			got = append(got, fmt.Sprintf("%s %s %s", s.Account, s.Region, s.Since.Format("15:04")))
		}
		if got := strings.Join(got, ", "); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
		for i := range listed {
			listed[i].Complete = false
		}
		if got := Silences(listed, time.Time{}, until); got != nil {
			t.Errorf("%s: %v of listings that broke off", tt.name, got)
		}
	}
}

// A week's window shows that a place is used on working days only.
func TestSilencesWeekend(t *testing.T) {
	day, night, off := "........##########......", "########################", "........................"
	week := strings.Repeat(day, 5) + off + off + strings.Repeat(".", 8)
	robots := strings.Repeat(night, 7) + strings.Repeat("#", 8)
	stopped := strings.Repeat(night, 5) + off + off + strings.Repeat(".", 8)
	listed := []ListedRegion{
		{Account: "1", Region: "a", Hours: hoursOf(week), Complete: true},
		{Account: "1", Region: "b", Hours: hoursOf(robots), Complete: true},
		{Account: "1", Region: "c", Hours: hoursOf(stopped), Complete: true},
	}
	got := Silences(listed, date("2026-11-20T00:00:00Z"), time.Time{})
	if len(got) != 1 || got[0].Region != "c" || got[0].Hours != 120 || got[0].Pause != 0 {
		t.Errorf("%+v, want region c alone", got)
	}
}

func TestMergeListed(t *testing.T) {
	at := func(hour int) time.Time { return date("2026-11-20T00:00:00Z").Add(time.Duration(hour) * time.Hour) }
	got := MergeListed([]ListedRegion{
		{Account: "2", Region: "b", Objects: 1, Bytes: 10, Hours: []HourRun{{at(4), at(5)}}, Complete: true},
		{Account: "1", Region: "b", Objects: 2, Bytes: 20, Complete: true},
		{Account: "2", Region: "b", Objects: 3, Bytes: 30, Hours: []HourRun{{at(1), at(3)}, {at(5), at(6)}}, Unlisted: []HourRun{{at(6), at(8)}}},
	})
	want := []ListedRegion{
		{Account: "1", Region: "b", Objects: 2, Bytes: 20, Complete: true},
		{Account: "2", Region: "b", Objects: 4, Bytes: 40, Hours: []HourRun{{at(1), at(3)}, {at(4), at(6)}}, Unlisted: []HourRun{{at(6), at(8)}}},
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got\n%v\nwant\n%v", got, want)
	}
	if all, common := CountHours(got[1].Hours, []HourRun{{at(2), at(5)}, {at(9), at(10)}}); all != 4 || common != 2 {
		t.Errorf("%d hours, %d in common", all, common)
	}
}

// listedChunks is a source of chunks.
type listedChunks []Chunk

func (l listedChunks) List(_ context.Context, emit func(Chunk) error, _ func(Problem)) error {
	for _, c := range l {
		if err := emit(c); err != nil {
			return err
		}
	}
	return nil
}

// What failed is told by account, region and hour, with how much it stands for.
func TestUnread(t *testing.T) {
	chunk := func(region string, hour int, size int64, body string) Chunk {
		return Chunk{
			Name: fmt.Sprintf("%s/%d", region, hour), Account: "111122223333", Region: region, Size: size,
			Stamp: date("2026-11-20T00:05:00Z").Add(time.Duration(hour) * time.Hour),
			Open: func(context.Context) (io.ReadCloser, error) {
				if body == "" {
					return nil, errors.New("gone")
				}
				return io.NopCloser(strings.NewReader(body)), nil
			},
		}
	}
	record := `{"eventID":"1","eventTime":"2026-11-20T00:00:00Z","eventName":"X","eventSource":"s3.amazonaws.com"}`
	four := "[" + strings.Join([]string{record, record, record, record}, ",") + "]"
	src := listedChunks{
		chunk("us-east-1", 1, 100, four), chunk("us-east-1", 2, 50, ""), chunk("us-east-1", 3, 100, "["+record+","), // half of it
		chunk("us-east-1", 3, 100, four), chunk("us-east-1", 9, 25, ""),
		chunk("eu-west-1", 7, 75, ""),
	}
	for workers := 1; workers <= 3; workers++ {
		sinks := make([]func(*Event), workers)
		for i := range sinks {
			sinks[i] = func(*Event) {}
		}
		totals, err := Scan(t.Context(), src, ScanOptions{Fetchers: 4}, sinks)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, r := range totals.Regions {
			got = append(got, fmt.Sprintf("%s %d of %d, unseen %d", r.Region, r.Failed, r.Objects, totals.Unseen(r)))
			for _, u := range r.Unread {
				got = append(got, fmt.Sprintf("%s-%s %d", u.From.Format("15"), u.To.Format("15"), u.Objects))
			}
		}
		want := []string{"eu-west-1 1 of 1, unseen 3", "07-08 1", "us-east-1 3 of 5, unseen 6", "02-04 2", "09-10 1"}
		if !slices.Equal(got, want) {
			t.Errorf("%d workers: %q, want %q", workers, got, want)
		}
		sum := Totals{}
		sum.Add(totals)
		sum.Add(totals)
		if r := sum.Regions[1]; sum.Unseen(r) != 12 || r.Unread[0].Objects != 4 {
			t.Errorf("added up: %+v", r)
		}
	}
}

func TestLocalListed(t *testing.T) {
	one := "111122223333"
	writeFiles(t,
		logPath("in/AWSLogs", one, "CloudTrail", "us-east-1", "2024/07/29", "20240729T2355Z"),
		logPath("in/AWSLogs", one, "CloudTrail", "us-east-1", "2024/07/30", "20240730T0005Z"),
		logPath("in/AWSLogs", one, "CloudTrail", "us-east-1", "2024/07/30", "20240730T0205Z"),
		logPath("in/AWSLogs", one, "CloudTrail", "eu-west-1", "2024/07/30", "20240730T0205Z"),
		logPath("in/AWSLogs", one, "CloudTrail-Digest", "eu-west-1", "2024/07/30", "20240730T0005Z"), "in/loose.json")
	l := NewLocal([]string{"in"}, nil)
	for range 2 {
		if _, _, err := listLocal(t, l); err != nil {
			t.Fatal(err)
		}
	}
	var got []string
	for _, r := range l.Listed() {
		got = append(got, fmt.Sprint(r.Account, " ", r.Region, " ", r.Objects, " ", len(r.Hours)))
	}
	if want := []string{one + " eu-west-1 1 1", one + " us-east-1 3 2"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

// Where a listing breaks off, the hours after it are expected and unknown, and
// a listing of other places later on does not make up for them.
func TestS3Unlisted(t *testing.T) {
	const account = "111122223333"
	east := logKeys("AWSLogs/", account, "us-east-1", "2026-11-20T00:00:00Z", 1500, time.Minute)
	west := logKeys("AWSLogs/", account, "us-west-2", "2026-11-20T00:00:00Z", 20, time.Hour)
	other := logKeys("AWSLogs/", "222222222222", "us-west-2", "2026-11-20T00:00:00Z", 2, time.Hour)
	var broken atomic.Bool
	broken.Store(true)
	stub := &s3Stub{before: func(w http.ResponseWriter, r *http.Request) bool {
		q := r.URL.Query()
		if broken.Load() && (q.Get("continuation-token") != "" || q.Get("delimiter") != "" && strings.HasSuffix(q.Get("prefix"), "222222222222/CloudTrail/")) {
			s3Error(w, http.StatusForbidden, "AccessDenied", "Access Denied")
			return true
		}
		return false
	}}
	s := stub.serve(t, S3Config{Since: date("2026-11-20T00:15:00Z"), Until: date("2026-11-21T05:30:00Z"), MarginAfter: time.Hour}, slices.Concat(east, west, other)...)
	var problems []Problem
	err := s.List(t.Context(), func(Chunk) error { return nil }, func(p Problem) { problems = append(problems, p) })
	if err != nil || len(problems) != 2 {
		t.Fatal(err, problems)
	}
	broken.Store(false)
	if err := s.Backfill(t.Context(), []Need{{Account: account, Time: date("2026-11-20T20:45:00Z").Unix()}}, func(Chunk) error { return nil }, noProblem(t)); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, l := range s.Listed() {
		got = append(got, fmt.Sprint(l.Account, " ", l.Region, " ", l.Complete))
		for _, u := range l.Unlisted {
			got = append(got, u.From.Format("02T15")+" "+u.To.Format("02T15"))
		}
	}
	// The first page, of a thousand minutes, ends in the hour that begins at 16.
	want := []string{account + " us-east-1 false", "20T16 21T07", account + " us-west-2 true", "222222222222  false", "20T00 21T07"}
	if !slices.Equal(got, want) {
		t.Errorf("%q\nwant\n%q", got, want)
	}
	if accounts, regions := s.Accounts(), s.Regions(); len(accounts) != 2 || !slices.Equal(regions, []string{"us-east-1", "us-west-2"}) {
		t.Errorf("accounts %q, regions %q", accounts, regions)
	}
}
