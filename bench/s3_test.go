package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

func TestUnderWay(t *testing.T) {
	for _, test := range []struct {
		during []time.Duration // by the number of requests
		want   int
	}{
		{nil, 1},
		{[]time.Duration{5}, 1},
		{[]time.Duration{100, 10}, 1},
		{[]time.Duration{0, 1, 1, 1, 30, 3}, 4},
		{[]time.Duration{0, 20, 0, 0, 10, 8}, 1},
		{[]time.Duration{0, 10, 0, 0, 10, 10}, 4},
	} {
		if got := (seen{during: test.during}).underWay(); got != test.want {
			t.Errorf("%v: %d, want %d", test.during, got, test.want)
		}
	}
}

func TestProxyCounts(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.URL.Path) }))
	defer server.Close()
	p, err := newProxy(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/b?list-type=2&delimiter=%2F", "/b?list-type=2", "/b?list-type=2", "/b/key", "/b/key", "/b/key"} {
		answer, err := http.Get(p.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(answer.Body)
		answer.Body.Close()
		if want := answer.Request.URL.Path; err != nil || string(body) != want {
			t.Errorf("%s: %q, %v", path, body, err)
		}
	}
	p.Close() // waits for what is under way
	s := p.reset(0)
	if s.discovery != 1 || s.listing != 2 || s.gets != 3 || s.requests() != 6 || s.underWay() != 1 {
		t.Errorf("%+v", s)
	}
}

func TestListings(t *testing.T) {
	var keys []string
	key := func(account, region string, at time.Time) string {
		return fmt.Sprintf("AWSLogs/%s/CloudTrail/%s/%s/%s_CloudTrail_%s_%s_0123456789abcdef.json.gz", account, region,
			at.Format("2006/01/02"), account, region, at.Format("20060102T1504Z"))
	}
	for i := range 3000 {
		keys = append(keys, key("111122223333", "us-east-1", start.Add(time.Duration(i)*time.Minute)))
	}
	keys = append(keys, key("111122223333", "eu-west-1", start), key("444455556666", "us-east-1", start))
	for _, test := range []struct {
		since, until time.Duration
		pages        int
	}{
		{0, 100 * time.Hour, 5},
		{24 * time.Hour, 100 * time.Hour, 4},
		{24 * time.Hour, 25 * time.Hour, 3},
		{24 * time.Hour, 24*time.Hour + 925*time.Minute, 4}, // 1001 with the margins
		{24 * time.Hour, 24*time.Hour + 924*time.Minute, 3},
		{200 * time.Hour, 300 * time.Hour, 3},
	} {
		pages, accounts := listings(keys, start.Add(test.since), start.Add(test.until))
		if pages != test.pages || accounts != 2 {
			t.Errorf("from %v to %v: %d pages, %d accounts; want %d and 2", test.since, test.until, pages, accounts, test.pages)
		}
	}
}
