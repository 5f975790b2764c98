// Command bench measures how fast trailscan is, beside what a user would take
// instead and beside the limit, which is unpacking the logs.
//
//	go run ./bench                     # everything, an hour
//	go run ./bench -only local,rivals  # some of it
//	go run ./bench -small              # small trails: whether it runs, not how fast
//
// Every figure is a ratio of two things that were measured in the same run, in
// turns, each by the best of its runs: what else the machine does hurts both.
// Trails are made by this repository's generator and kept in the user's cache.
// Of the tools that are compared those that are not installed are said to be
// missing; DuckDB and ClickHouse come as npm packages, which are installed into
// the cache.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
)

// groups are what can be measured by itself, in the order of the table.
var groups = []struct {
	name    string
	measure func(*bench, context.Context) error
}{
	{"local", (*bench).local},
	{"scanner", (*bench).scanner},
	{"rivals", (*bench).rivals},
	{"events", (*bench).events},
	{"memory", (*bench).memory},
	{"s3", (*bench).s3},
	{"lookup", (*bench).lookup},
	{"reports", (*bench).reports},
}

func groupNames() []string {
	var names []string
	for _, g := range groups {
		names = append(names, g.name)
	}
	return names
}

// bench is one run.
type bench struct {
	cache   string // folder for what is made once
	runs    int    // of each thing that is measured
	small   bool
	objects int64  // of the trail in S3
	repo    string // the repository's root
	program string // the trailscan that is measured
	log     io.Writer
	table   table
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
	case err != nil:
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	if len(args) > 0 && args[0] == childMode {
		return child(ctx, args[1:], stdout)
	}
	b := &bench{log: stderr}
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(stderr)
	only := flags.String("only", "", "measure these only, separated by commas: "+strings.Join(groupNames(), ", "))
	flags.IntVar(&b.runs, "runs", 5, "how often each thing is measured; the best counts")
	flags.BoolVar(&b.small, "small", false, "small trails, to see whether everything runs")
	flags.Int64Var(&b.objects, "objects", 200_000, "objects of the trail in S3, at least; each takes 12 KiB of the cache")
	flags.StringVar(&b.cache, "cache", "", "`FOLDER` for trails and programs (default: in the user's cache)")
	if err := flags.Parse(args); err != nil {
		return err
	}
	var chosen []string
	if *only != "" {
		chosen = strings.Split(*only, ",")
	}
	for _, name := range chosen {
		if !slices.Contains(groupNames(), name) {
			return fmt.Errorf("-only %s: there is no such group; choose from %s", name, strings.Join(groupNames(), ", "))
		}
	}
	if err := b.prepare(ctx); err != nil {
		return err
	}
	for _, g := range groups {
		if len(chosen) > 0 && !slices.Contains(chosen, g.name) {
			continue
		}
		if err := g.measure(b, ctx); err != nil {
			return fmt.Errorf("%s: %w", g.name, err)
		}
	}
	return b.table.write(stdout)
}

// prepare finds the repository and builds the program.
func (b *bench) prepare(ctx context.Context) error {
	out, err := exec.CommandContext(ctx, "go", "env", "GOMOD").Output()
	if err != nil {
		return fmt.Errorf("go env GOMOD: %w", err)
	}
	b.repo = filepath.Dir(strings.TrimSpace(string(out)))
	if _, err := os.Stat(filepath.Join(b.repo, "cmd", "trailscan")); err != nil {
		return fmt.Errorf("run it in the repository: %w", err)
	}
	if b.cache == "" {
		dir, err := os.UserCacheDir()
		if err != nil {
			return err
		}
		b.cache = filepath.Join(dir, "trailscan-bench")
	}
	if err := os.MkdirAll(b.cache, 0o755); err != nil {
		return err
	}
	b.program = filepath.Join(b.cache, "trailscan")
	// As releases are built.
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags=-s -w", "-o", b.program, "./cmd/trailscan")
	build.Dir = b.repo
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", build, err, out)
	}
	return nil
}

// say tells what is going on.
func (b *bench) say(format string, args ...any) { fmt.Fprintf(b.log, format+"\n", args...) }
