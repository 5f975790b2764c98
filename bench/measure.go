package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"
)

// usage is what a process took, its children included. Of several runs each
// field is the least.
type usage struct {
	cpu  time.Duration // user and system
	wall time.Duration
	peak int64 // bytes of memory; 0 where the system does not tell
}

func (u usage) best(o usage) usage {
	if u == (usage{}) {
		return o
	}
	return usage{min(u.cpu, o.cpu), min(u.wall, o.wall), min(u.peak, o.peak)}
}

// contestant is a process that is measured.
type contestant struct {
	name string
	args []string // the program and its arguments
	dir  string   // where it runs, empty for here
	env  []string // beside the usual ones
	runs int      // how often at most, 0 for as often as the others

	usage  usage
	output []byte // of the last run
}

// contest runs the contestants in turns.
func (b *bench) contest(ctx context.Context, all ...*contestant) error {
	for n := range b.runs {
		for _, c := range all {
			if c.runs > 0 && n >= c.runs {
				continue
			}
			if err := c.run(ctx); err != nil {
				return err
			}
			b.say("%-34s %6.2f s of processor, %6.2f s, %4d MiB", c.name, c.usage.cpu.Seconds(), c.usage.wall.Seconds(), c.usage.peak>>20)
		}
	}
	return nil
}

func (c *contestant) run(ctx context.Context) error {
	cmd := exec.CommandContext(ctx, c.args[0], c.args[1:]...)
	cmd.Dir = c.dir
	// Two processors, wherever it is measured.
	cmd.Env = append(append(os.Environ(), "GOMAXPROCS=2"), c.env...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	start := time.Now()
	err := cmd.Run()
	wall := time.Since(start)
	if err != nil {
		return fmt.Errorf("%s: %w\n%s", strings.Join(c.args, " "), err, stderr.Bytes())
	}
	c.output = stdout.Bytes()
	s := cmd.ProcessState
	c.usage = c.usage.best(usage{s.UserTime() + s.SystemTime(), wall, peakMemory(s)})
	return nil
}

// scan is trailscan on a trail, as a contestant.
func (b *bench) scan(args ...string) *contestant {
	return &contestant{name: "trailscan", args: append([]string{b.program, "--format", "json", "--quiet"}, args...)}
}

// ratio is a over b.
func ratio[T time.Duration | int64](a, b T) float64 { return float64(a) / float64(b) }
