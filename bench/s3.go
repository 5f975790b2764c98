package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/trailscan/trailscan/internal/ingest"
	"github.com/trailscan/trailscan/internal/s3test"
)

// latency is how much longer a request takes where that is measured.
const latency = 50 * time.Millisecond

// s3 measures the scan of a bucket of tiny objects, on a real S3 server.
func (b *bench) s3(ctx context.Context) error {
	logs, server, err := b.tinyTrail(ctx)
	if err != nil {
		return err
	}
	defer server.Stop()
	proxy, err := newProxy(server.URL)
	if err != nil {
		return err
	}
	defer proxy.Close()

	loop, err := self("a bare loop of the SDK", "sdk", tinyBucket)
	if err != nil {
		return err
	}
	all := []string{"--bucket", tinyBucket, "--since", start.Add(-24 * time.Hour).Format(time.RFC3339), "--until", start.Add(72 * time.Hour).Format(time.RFC3339)}
	scan, slow := b.scan(all...), b.scan(all...)
	slow.name = "trailscan, 50 ms more a request"
	for c, url := range map[*contestant]string{loop: server.URL, scan: server.URL, slow: proxy.URL} {
		c.env = append(s3Environment(), "AWS_ENDPOINT_URL="+url)
	}
	loop.runs, scan.runs, slow.runs = 3, 3, 1
	if err := b.contest(ctx, loop, scan); err != nil {
		return err
	}
	objects, err := sameObjects(loop, scan)
	if err != nil {
		return err
	}
	each := func(c *contestant) float64 { return float64(c.usage.cpu.Microseconds()) / float64(objects) }
	b.table.atMost("S3, tiny objects: processor time of the scan over that of a bare loop of the SDK", 1.3, ratio(scan.usage.cpu, loop.usage.cpu),
		"%d objects; %.2f s over %.2f s, %.0f µs over %.0f µs an object", objects, scan.usage.cpu.Seconds(), loop.usage.cpu.Seconds(), each(scan), each(loop))

	if err := b.lists(ctx, proxy, logs); err != nil {
		return err
	}

	proxy.reset(latency)
	if err := b.contest(ctx, slow); err != nil {
		return err
	}
	seen := proxy.reset(0)
	if _, err := sameObjects(loop, slow); err != nil {
		return err
	}
	ideal := time.Duration(seen.requests()) * latency / time.Duration(seen.underWay())
	b.table.atMost("S3, 50 ms added to every request: time over (requests × 50 ms / concurrency)", 1.3, ratio(slow.usage.wall, ideal),
		"%d requests, %d at a time, which it found by itself; %.2f s over %.2f s", seen.requests(), seen.underWay(), slow.usage.wall.Seconds(), ideal.Seconds())
	return nil
}

// s3Environment is that of a process that reads from the server.
func s3Environment() []string {
	return []string{
		"AWS_ACCESS_KEY_ID=" + s3test.Key, "AWS_SECRET_ACCESS_KEY=" + s3test.Secret, "AWS_SESSION_TOKEN=", "AWS_PROFILE=", "AWS_REGION=us-east-1",
		"AWS_CONFIG_FILE=" + os.DevNull, "AWS_SHARED_CREDENTIALS_FILE=" + os.DevNull, "AWS_EC2_METADATA_DISABLED=true",
	}
}

// sameObjects is how many objects the loop got, which the scan must have read too.
func sameObjects(loop, scan *contestant) (int, error) {
	var report struct{ Scan struct{ Objects int } }
	if err := json.Unmarshal(scan.output, &report); err != nil {
		return 0, err
	}
	got, err := strconv.Atoi(string(bytes.TrimSpace(loop.output)))
	if err == nil && report.Scan.Objects != got {
		err = fmt.Errorf("the loop got %d objects, the scan read %d", got, report.Scan.Objects)
	}
	return got, err
}

// lists counts the list requests for windows of several lengths, as the server
// gets them.
func (b *bench) lists(ctx context.Context, proxy *proxy, logs string) error {
	keys, err := trailKeys(logs)
	if err != nil {
		return err
	}
	made, fewest, found := 0, 0, 0
	for _, hours := range []time.Duration{24, 6, 1} {
		since := start.Add(6 * time.Hour)
		until := since.Add(hours * time.Hour)
		dry := &contestant{
			args: []string{b.program, "--dry-run", "--quiet", "--bucket", tinyBucket, "--since", since.Format(time.RFC3339), "--until", until.Format(time.RFC3339)},
			env:  append(s3Environment(), "AWS_ENDPOINT_URL="+proxy.URL),
		}
		proxy.reset(0)
		if err := dry.run(ctx); err != nil {
			return err
		}
		seen := proxy.reset(0)
		pages, accounts := listings(keys, since, until)
		if most := 2 + 2*accounts; seen.discovery > most { // the levels "" and AWSLogs/
			return fmt.Errorf("%d requests to find %d accounts, where %d would do", seen.discovery, accounts, most)
		}
		made, fewest, found = made+seen.listing, fewest+pages, seen.discovery
	}
	b.table.atMost("S3 list requests over the fewest possible", 1.1, float64(made)/float64(fewest),
		"%d over %d for windows of 24, 6 and 1 hours; beside them %d to find the accounts and regions each time", made, fewest, found)
	return nil
}

// listings is how many list requests the objects of a window take at least, with
// 1000 keys a page and one listing for each account and region, and how many
// accounts there are.
func listings(keys []string, since, until time.Time) (pages, accounts int) {
	// --delivery-margin unless it is given.
	since, until = since.Add(-15*time.Minute), until.Add(time.Hour)
	objects, ids := map[[2]string]int{}, map[string]bool{}
	for _, key := range keys {
		k, _ := ingest.ParseKey(key)
		ids[k.Account] = true
		n := 0
		if !k.Stamp.Before(since) && !k.Stamp.After(until) {
			n = 1
		}
		objects[[2]string{k.Account, k.Region}] += n
	}
	for _, n := range objects {
		pages += max(1, (n+999)/1000)
	}
	return pages, len(ids)
}
