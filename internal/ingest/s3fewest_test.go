package ingest

import (
	"net/http"
	"slices"
	"sync/atomic"
	"testing"
	"time"
)

// The list requests that a server gets are those that the source counts, and no
// more than a listing of each account's region takes, a thousand keys a page and
// cut to the window. To find accounts and regions takes one for each level and
// one for each account.
func TestS3FewestListRequests(t *testing.T) {
	const from = "2026-11-19T00:00:00Z"
	keys := slices.Concat(
		logKeys("AWSLogs/", "111122223333", "us-east-1", from, 2880, time.Minute), // two days
		logKeys("AWSLogs/", "111122223333", "eu-west-1", from, 48, time.Hour),
		logKeys("AWSLogs/", "444455556666", "us-east-1", from, 48, time.Hour),
	)
	bucket := makeBucket(t, "fewest", keys)
	const levels, accounts = 2, 2
	for _, test := range []struct {
		name         string
		since, until string
		pages        float64
	}{
		{"both days", "2026-11-18T00:00:00Z", "2026-11-22T00:00:00Z", 3 + 1 + 1},
		{"a day", "2026-11-19T00:15:00Z", "2026-11-20T00:15:00Z", 2 + 1 + 1}, // 1516 of a minute each
		{"an hour of the second day", "2026-11-20T10:00:00Z", "2026-11-20T11:00:00Z", 1 + 1 + 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			var listing, discovery atomic.Int64
			proxy := newFaultProxy(t, testGateway(t), func(r *http.Request, _ int) fault {
				switch {
				case r.URL.Query().Has("delimiter"):
					discovery.Add(1)
				case isList(r):
					listing.Add(1)
				}
				return noFault
			})
			s := testS3(S3Config{Client: testS3Client(t, AWSOptions{EndpointURL: proxy.URL}), Bucket: bucket, Since: date(test.since), Until: date(test.until)})
			if got := mustList(t, s); len(got) == 0 {
				t.Fatal("no objects")
			}
			if n := discovery.Load(); n > levels+accounts {
				t.Errorf("%d requests to find the accounts and regions", n)
			}
			if got := float64(listing.Load()); got/test.pages > 1.1 {
				t.Errorf("%.0f list requests, where %.0f would do", got, test.pages)
			}
			if n := discovery.Load() + listing.Load(); n != s.ListRequests() {
				t.Errorf("%d list requests were made, %d counted", n, s.ListRequests())
			}
		})
	}
}
