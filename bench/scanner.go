package main

import (
	"context"
	"fmt"
	"math"
	"os/exec"
	"regexp"
	"strconv"
)

// scanner measures the record scanner alone, by the benchmarks beside it.
func (b *bench) scanner(ctx context.Context) error {
	best, allocs := map[string]float64{}, 0.0
	for range b.runs {
		out, err := b.goBench(ctx, "./internal/ingest", "^Benchmark(Scan|JSON)$", "-benchtime=20x", "-cpu=1")
		if err != nil {
			return err
		}
		for name, r := range out {
			if old, ok := best[name]; !ok || r.ns < old {
				best[name] = r.ns
			}
			if name == "Scan/Events" {
				allocs = r.allocs
			}
		}
	}
	scan, oracle := best["Scan/Identities"], best["JSON"]
	if scan == 0 || oracle == 0 {
		return fmt.Errorf("the benchmarks of internal/ingest did not print what was expected: %v", best)
	}
	b.table.atLeast("record scanner over encoding/json into structs, one processor", 15, oracle/scan, "%.2f ms and %.2f ms for the same file", scan/1e6, oracle/1e6)
	b.table.atMost("allocations of the scanner for each event", 0, math.Floor(allocs/5000), "%g for 5000 events", allocs)
	return nil
}

type benchLine struct{ ns, allocs float64 }

var benchResult = regexp.MustCompile(`(?m)^Benchmark(\S+?)(?:-\d+)?\s+\d+\s+([0-9.]+) ns/op(?:.*?([0-9.]+) allocs/op)?`)

// goBench runs benchmarks of a package, once.
func (b *bench) goBench(ctx context.Context, pkg, which string, args ...string) (map[string]benchLine, error) {
	cmd := exec.CommandContext(ctx, "go", append([]string{"test", "-run=^$", "-bench=" + which, pkg}, args...)...)
	cmd.Dir = b.repo
	b.say("%s", cmd)
	out, err := cmd.CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("%s: %w\n%s", cmd, err, out)
	}
	lines := map[string]benchLine{}
	for _, m := range benchResult.FindAllSubmatch(out, -1) {
		ns, err := strconv.ParseFloat(string(m[2]), 64)
		if err != nil {
			return nil, err
		}
		allocs, _ := strconv.ParseFloat(string(m[3]), 64)
		lines[string(m[1])] = benchLine{ns, allocs}
	}
	return lines, nil
}
