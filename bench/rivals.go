package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// rival is a tool that a user would take instead. Each groups the calls of role
// sessions, counted once, by session name, with the same columns; none of them
// joins, judges or explains.
type rival struct {
	name string
	bar  float64
	args []string
	dir  string
	need []string // programs
	runs int
}

// grouping is what each rival prints, and what shows that it did the work.
type grouping struct {
	Names, Calls int64
	With         string
}

// rivals compares the whole scan with other tools.
func (b *bench) rivals(ctx context.Context) error {
	logs, _, err := b.halfMillion(ctx)
	if err != nil {
		return err
	}
	scripts := filepath.Join(b.repo, "bench", "rivals")
	packages := filepath.Join(b.cache, "npm")
	glob := filepath.ToSlash(logs) + "/*/CloudTrail/**/*.json.gz"
	all := []rival{
		{"DuckDB", 4, []string{"node", "duckdb.mjs", glob}, packages, []string{"node", "npm"}, 3},
		{"ClickHouse (chdb)", 1.8, []string{"node", "clickhouse.mjs", glob}, packages, []string{"node", "npm"}, 3},
		{"zcat and jq", 25, []string{"sh", filepath.Join(scripts, "jq.sh"), logs}, "", []string{"sh", "zcat", "jq", "awk"}, 1},
		{"Python, gzip and orjson, 2 processes", 9, []string{"python3", filepath.Join(scripts, "group.py"), logs}, "", []string{"python3"}, 1},
	}
	scan := b.scan(logs)
	contestants := []*contestant{scan}
	var there []rival
	installed := map[string]error{}
	for _, r := range all {
		if missing := lacking(r.need); missing != "" {
			b.table.lacks(r.name, "%s is not installed", missing)
			continue
		}
		if r.dir != "" {
			err, done := installed[r.dir]
			if !done {
				err = b.install(ctx, scripts, r.dir)
				installed[r.dir] = err
			}
			if err != nil {
				b.table.lacks(r.name, "its npm package cannot be installed: %v", err)
				continue
			}
		}
		c := &contestant{name: r.name, args: r.args, dir: r.dir, runs: r.runs}
		there, contestants = append(there, r), append(contestants, c)
	}
	if err := b.contest(ctx, contestants...); err != nil {
		return err
	}
	var report struct {
		SessionNames []struct{ Calls int64 }
	}
	if err := json.Unmarshal(scan.output, &report); err != nil {
		return err
	}
	own := grouping{Names: int64(len(report.SessionNames))}
	for _, n := range report.SessionNames {
		own.Calls += n.Calls
	}
	for i, r := range there {
		c := contestants[i+1]
		var g grouping
		if err := json.Unmarshal(c.output, &g); err != nil {
			return fmt.Errorf("%s: %w: %s", r.name, err, c.output)
		}
		// They know nothing of corrected records and of calls that two
		// accounts logged, which are a few.
		if g.Names != own.Names || g.Calls < own.Calls || float64(g.Calls) > 1.01*float64(own.Calls) {
			return fmt.Errorf("%s found %d names and %d calls, the scan %d and %d", r.name, g.Names, g.Calls, own.Names, own.Calls)
		}
		name := r.name
		if g.With == "json" {
			name = "Python, gzip and json (orjson is not installed), 2 processes"
		}
		b.table.atLeast("time of "+name+" over that of the scan", r.bar, ratio(c.usage.wall, scan.usage.wall),
			"%.2f s over %.2f s; of processor time %.2f s over %.2f s, %.1f times", c.usage.wall.Seconds(), scan.usage.wall.Seconds(),
			c.usage.cpu.Seconds(), scan.usage.cpu.Seconds(), ratio(c.usage.cpu, scan.usage.cpu))
	}
	return nil
}

// lacking is the first of the programs that is not installed.
func lacking(programs []string) string {
	for _, p := range programs {
		if _, err := exec.LookPath(p); err != nil {
			return p
		}
	}
	return ""
}

// install installs the npm packages of the rivals beside copies of their scripts.
func (b *bench) install(ctx context.Context, scripts, dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for _, name := range []string{"package.json", "duckdb.mjs", "clickhouse.mjs"} {
		data, err := os.ReadFile(filepath.Join(scripts, name))
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
			return err
		}
	}
	npm := exec.CommandContext(ctx, "npm", "install", "--no-audit", "--no-fund", "--prefer-offline")
	npm.Dir = dir
	b.say("%s", npm)
	if out, err := npm.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", npm, err, out)
	}
	return nil
}
