package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
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

// run measures the contestant once. Another process of this program starts it: on
// Linux the peak memory of a process counts what the one that started it held, and
// this one holds whole reports.
func (c *contestant) run(ctx context.Context) error {
	program, err := os.Executable()
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	took := filepath.Join(dir, "usage")
	cmd := exec.CommandContext(ctx, program, append([]string{childMode, "measure", took}, c.args...)...)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 10 * time.Second
	cmd.Dir = c.dir
	// Two processors, wherever it is measured.
	cmd.Env = append(append(os.Environ(), "GOMAXPROCS=2"), c.env...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s: %w\n%s", strings.Join(c.args, " "), err, stderr.Bytes())
	}
	c.output = stdout.Bytes()
	text, err := os.ReadFile(took)
	if err != nil {
		return err
	}
	var u usage
	if _, err := fmt.Sscan(string(text), &u.cpu, &u.wall, &u.peak); err != nil {
		return fmt.Errorf("usage of %s: %w", c.name, err)
	}
	c.usage = c.usage.best(u)
	return nil
}

// measure runs a program and writes to a file what it took.
func measure(ctx context.Context, file string, args []string) error {
	if len(args) == 0 {
		return errors.New("no program to measure")
	}
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	start := time.Now()
	err := cmd.Run()
	wall := time.Since(start)
	if err != nil {
		return err
	}
	s := cmd.ProcessState
	return os.WriteFile(file, fmt.Appendln(nil, int64(s.UserTime()+s.SystemTime()), int64(wall), peakMemory(s)), 0o600)
}

// scan is trailscan on a trail, as a contestant.
func (b *bench) scan(args ...string) *contestant {
	return &contestant{name: "trailscan", args: append([]string{b.program, "--format", "json", "--quiet"}, args...)}
}

// ratio is a over b.
func ratio[T time.Duration | int64](a, b T) float64 { return float64(a) / float64(b) }
