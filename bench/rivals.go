package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
)

// rival is a tool that a user would take instead. Each groups the calls of role
// sessions, counted once, by session name, and writes a row for each name with the
// columns that the scan has; none of them joins, judges or explains.
type rival struct {
	name string
	bar  float64
	args []string
	dir  string
	need []string // programs
}

// groupedName is the row of one session name as rivals write it.
type groupedName struct {
	ARN, RoleARN            string
	Sessions, Calls, Errors int64
	FirstSeen, LastSeen     string
	SourceIPs, UserAgents   int64
	IPSample, AgentSample   []string // up to ten of them
	Services                map[string]int64
	Regions                 []string
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
	python := "Python, gzip and orjson, 2 processes"
	if exec.CommandContext(ctx, "python3", "-c", "import orjson").Run() != nil {
		python = "Python, gzip and json (orjson is not installed), 2 processes"
	}
	all := []rival{
		{"DuckDB", 4, []string{"node", "duckdb.mjs", glob}, packages, []string{"node", "npm"}},
		{"ClickHouse (chdb)", 1.8, []string{"node", "clickhouse.mjs", glob}, packages, []string{"node", "npm"}},
		{"zcat and jq", 25, []string{"sh", filepath.Join(scripts, "jq.sh"), logs}, "", []string{"sh", "zcat", "jq", "awk"}},
		{python, 9, []string{"python3", filepath.Join(scripts, "group.py"), logs}, "", []string{"python3"}},
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
		there, contestants = append(there, r), append(contestants, &contestant{name: r.name, args: r.args, dir: r.dir})
	}
	if err := b.contest(ctx, contestants...); err != nil {
		return err
	}
	own, err := ownNames(scan.output)
	if err != nil {
		return err
	}
	for i, r := range there {
		c := contestants[i+1]
		if err := sameNames(own, c.output); err != nil {
			return fmt.Errorf("%s: %w", r.name, err)
		}
		b.table.atLeast("time of "+r.name+" over that of the scan", r.bar, ratio(c.usage.wall, scan.usage.wall),
			"%.2f s over %.2f s; of processor time %.2f s over %.2f s, %.1f times", c.usage.wall.Seconds(), scan.usage.wall.Seconds(),
			c.usage.cpu.Seconds(), scan.usage.cpu.Seconds(), ratio(c.usage.cpu, scan.usage.cpu))
	}
	return nil
}

// ownNames are the rows of a scan's JSON report, by ARN.
func ownNames(output []byte) (map[string]groupedName, error) {
	type sample struct{ Count int64 }
	var report struct {
		SessionNames []struct {
			Partition, AccountID, RoleName, RoleARN, SessionName string
			Calls, Errors, Sessions                              int64
			FirstSeen, LastSeen                                  string
			SourceIPs, UserAgents                                sample
			Services                                             []struct {
				EventSource string
				Calls       int64
			}
			Regions []string
		}
	}
	if err := json.Unmarshal(output, &report); err != nil {
		return nil, err
	}
	names := map[string]groupedName{}
	for _, n := range report.SessionNames {
		g := groupedName{
			ARN: fmt.Sprintf("arn:%s:sts::%s:assumed-role/%s/%s", n.Partition, n.AccountID, n.RoleName, n.SessionName), RoleARN: n.RoleARN,
			Sessions: n.Sessions, Calls: n.Calls, Errors: n.Errors, FirstSeen: n.FirstSeen, LastSeen: n.LastSeen,
			SourceIPs: n.SourceIPs.Count, UserAgents: n.UserAgents.Count, Services: map[string]int64{}, Regions: n.Regions,
		}
		for _, s := range n.Services {
			g.Services[s.EventSource] = s.Calls
		}
		names[g.ARN] = g
	}
	return names, nil
}

// sameNames holds the rows of a rival against the scan's. Rivals know nothing of
// corrected records, of calls that two accounts logged and of sessions whose calls
// carry several keys, so that a few rows may differ; where the calls are the same,
// what they were must be.
func sameNames(own map[string]groupedName, output []byte) error {
	rows, same := 0, 0
	lines := json.NewDecoder(bytes.NewReader(output))
	for lines.More() {
		var g groupedName
		if err := lines.Decode(&g); err != nil {
			return err
		}
		o, found := own[g.ARN]
		if !found {
			return fmt.Errorf("%s is no name of the scan's", g.ARN)
		}
		rows++
		if g.Calls != o.Calls {
			continue
		}
		same++
		slices.Sort(g.Regions)
		if g.RoleARN != o.RoleARN || g.Errors != o.Errors || g.FirstSeen != o.FirstSeen || g.LastSeen != o.LastSeen || g.SourceIPs != o.SourceIPs || g.UserAgents != o.UserAgents ||
			!maps.Equal(g.Services, o.Services) || !slices.Equal(g.Regions, o.Regions) || g.Sessions < o.Sessions ||
			len(g.IPSample) != int(min(g.SourceIPs, 10)) || len(g.AgentSample) != int(min(g.UserAgents, 10)) {
			return fmt.Errorf("%+v is in the scan %+v", g, o)
		}
	}
	if rows != len(own) || same*100 < rows*95 {
		return fmt.Errorf("%d names, %d of them with the calls of the scan's %d", rows, same, len(own))
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
