package main

import (
	"context"
	"fmt"
	"os/exec"
	"regexp"
	"strconv"
)

// formatTime is a line of the benchmark of the formats: its name and nanoseconds.
var formatTime = regexp.MustCompile(`(?m)^BenchmarkFormats/(\w+)\S*\s+\d+\s+([0-9.]+) ns/op`)

// reports measures how long a report of a million session names takes to write,
// by the benchmark that stands beside the formats.
func (b *bench) reports(ctx context.Context) error {
	names := 1_000_000
	if b.small {
		names = 10_000
	}
	cmd := exec.CommandContext(ctx, "go", "test", "./internal/report", "-run", "^$", "-bench", "^BenchmarkFormats$/^(json|csv|html)$",
		"-benchtime", "1x", "-bench-names", strconv.Itoa(names))
	cmd.Dir = b.repo
	b.say("%s", cmd)
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s: %w\n%s", cmd, err, out)
	}
	found := formatTime.FindAllSubmatch(out, -1)
	if len(found) != 3 {
		return fmt.Errorf("%s: %d formats, want 3\n%s", cmd, len(found), out)
	}
	for _, m := range found {
		ns, err := strconv.ParseFloat(string(m[2]), 64)
		if err != nil {
			return err
		}
		b.table.atMost(fmt.Sprintf("report of %d session names as %s, seconds", names, m[1]), 5, ns/1e9, "written to nowhere")
	}
	return nil
}
