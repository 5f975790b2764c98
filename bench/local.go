package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"regexp"
	"time"
)

// local measures the whole scan of local files.
func (b *bench) local(ctx context.Context) error {
	logs, sum, err := b.halfMillion(ctx)
	if err != nil {
		return err
	}
	unpack, err := self("gunzip", "gunzip", logs)
	if err != nil {
		return err
	}
	scan, one, sixteen := b.scan(logs), b.scan("--concurrency", "1", logs), b.scan("--concurrency", "16", logs)
	one.name, sixteen.name = "trailscan --concurrency 1", "trailscan --concurrency 16"
	sixteen.runs = 1
	if err := b.contest(ctx, unpack, scan, one, sixteen); err != nil {
		return err
	}
	b.table.atLeast("processor time of gunzip over that of the scan, 2 workers", 0.65, ratio(unpack.usage.cpu, scan.usage.cpu),
		"%d records, %.1f times compressed; %.2f s over %.2f s", sum.Records, ratio(sum.Bytes, sum.CompressedBytes), unpack.usage.cpu.Seconds(), scan.usage.cpu.Seconds())
	b.table.atLeast("two workers over one", 1.8, ratio(one.usage.wall, scan.usage.wall),
		"%.2f s over %.2f s; it needs two idle processors", one.usage.wall.Seconds(), scan.usage.wall.Seconds())
	same := bytes.Equal(timeless(one.output), timeless(sixteen.output)) && bytes.Equal(timeless(one.output), timeless(scan.output))
	b.table.add("reports of --concurrency 1, 2 and 16", "the same bytes", map[bool]string{true: "the same", false: "different"}[same], same,
		"%d bytes, but for when the scan ran", len(one.output))
	return b.binary(ctx)
}

// stamps are the members of a JSON report that tell when the scan ran.
var stamps = regexp.MustCompile(`"(started|finished)": "[^"]*"`)

func timeless(report []byte) []byte { return stamps.ReplaceAll(report, nil) }

// binary measures the program itself.
func (b *bench) binary(ctx context.Context) error {
	version := &contestant{name: "trailscan --version", args: []string{b.program, "--version"}}
	for range 20 {
		if err := version.run(ctx); err != nil {
			return err
		}
	}
	b.table.add("trailscan --version", "≤ 20 ms", fmt.Sprintf("%.1f ms", float64(version.usage.wall)/float64(time.Millisecond)),
		version.usage.wall <= 20*time.Millisecond, "the best of 20")
	info, err := os.Stat(b.program)
	if err != nil {
		return err
	}
	b.table.add("size of the static binary", "≤ 25 MiB", fmt.Sprintf("%.1f MiB", float64(info.Size())/(1<<20)), info.Size() <= 25<<20, "-trimpath -ldflags='-s -w', without cgo")
	return nil
}
