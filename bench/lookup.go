package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"os"
	"time"

	"github.com/trailscan/trailscan/internal/cloudtrailtest"
)

// lookup measures how near a scan of the LookupEvents API comes to the requests
// that the service allows, on a stand-in that refuses what comes too early.
func (b *bench) lookup(ctx context.Context) error {
	pages := 50
	if b.small {
		pages = 4
	}
	s := sessions{credentials: pages, names: appRoles, calls: cloudtrailtest.MaxPage - 1}
	opened := time.Now().UTC().Truncate(time.Second).Add(-2 * time.Hour)
	var records []json.RawMessage
	for n := range s.credentials {
		records = append(records, s.issue(nil, n, len(records), opened, opened))
		for call := range s.calls {
			records = append(records, s.call(nil, n, len(records), opened, opened.Add(time.Duration(call+1)*time.Minute)))
		}
	}
	api, err := cloudtrailtest.New(records)
	if err != nil {
		return err
	}
	server := httptest.NewServer(api)
	defer server.Close()
	scan := b.scan("--lookup", "--region", "us-east-1")
	scan.name = "trailscan --lookup"
	scan.env = []string{
		"AWS_ACCESS_KEY_ID=AKIAIOSFODNN7EXAMPLE", "AWS_SECRET_ACCESS_KEY=secret", "AWS_SESSION_TOKEN=", "AWS_PROFILE=", "AWS_REGION=us-east-1",
		"AWS_CONFIG_FILE=" + os.DevNull, "AWS_SHARED_CREDENTIALS_FILE=" + os.DevNull, "AWS_EC2_METADATA_DISABLED=true",
		"AWS_ENDPOINT_URL=" + server.URL,
	}
	if err := scan.run(ctx); err != nil {
		return err
	}
	var report struct{ Scan struct{ Events int } }
	if err := json.Unmarshal(scan.output, &report); err != nil {
		return err
	}
	if report.Scan.Events != len(records) {
		return fmt.Errorf("the scan found %d events of %d", report.Scan.Events, len(records))
	}
	asked := 0
	var first, last time.Time
	for _, c := range api.Calls() {
		if c.Operation != "LookupEvents" {
			continue
		}
		if asked == 0 {
			first = c.At
		}
		asked, last = asked+1, c.At
	}
	rate := float64(asked-1) / last.Sub(first).Seconds()
	throttled := api.Throttled()
	got := rate / cloudtrailtest.DefaultRate
	b.table.add("LookupEvents pages a second over the allowed 2", "≥ 0.9, no throttle", fmt.Sprintf("%.2f, %d throttled", got, throttled),
		got >= 0.9 && throttled == 0, "%d requests in %.1f s, %d events", asked, last.Sub(first).Seconds(), len(records))
	return nil
}
