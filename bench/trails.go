package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/trailscan/trailscan/internal/trailgen"
)

// start is when the generated trails begin.
var start = time.Date(2026, 11, 2, 0, 0, 0, 0, time.UTC)

// config is a day of an organization's trail with so many events.
func config(events int64) trailgen.OrgConfig {
	c := trailgen.OrgConfig{
		Events: events, Accounts: 6, Regions: 3, Start: start, Window: 24 * time.Hour,
		RecordsPerObject: 500, RandomNames: 2000, SameNames: 200, NoCalls: true,
	}
	c.Seed = 1
	return c
}

// trail makes a trail, or finds it in the cache, and gives its AWSLogs.
func (b *bench) trail(ctx context.Context, c trailgen.OrgConfig) (string, trailgen.Summary, error) {
	var sum trailgen.Summary
	name := fmt.Sprintf("trail-%d-%d-%d-%d-%d", c.Events, c.RecordsPerObject, c.RandomNames, c.SameNames, int(c.Window.Hours()))
	dir := filepath.Join(b.cache, name)
	kept, logs := filepath.Join(dir, "summary.json"), filepath.Join(dir, "AWSLogs")
	if data, err := os.ReadFile(kept); err == nil {
		return logs, sum, json.Unmarshal(data, &sum)
	}
	b.say("making %s", name)
	if err := os.RemoveAll(dir); err != nil {
		return "", sum, err
	}
	c.Out = dir
	sum, err := trailgen.Generate(ctx, c)
	if err != nil {
		return "", sum, err
	}
	data, err := json.Marshal(sum)
	if err != nil {
		return "", sum, err
	}
	return logs, sum, os.WriteFile(kept, data, 0o644)
}

// halfMillion is the trail that most is measured on.
func (b *bench) halfMillion(ctx context.Context) (string, trailgen.Summary, error) {
	if b.small {
		return b.trail(ctx, config(10_000))
	}
	return b.trail(ctx, config(500_000))
}

// logFiles are the log files of a trail.
func logFiles(dir string) ([]string, error) {
	var files []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if strings.HasSuffix(path, ".json.gz") {
			files = append(files, path)
		}
		return err
	})
	return files, err
}
