// Command trailgen writes a trail of which the truth is known: that of an
// organization of any size, or one of the small scenarios.
//
//	go run ./internal/trailgen/cmd/trailgen -out DIR -events 500000
//	go run ./internal/trailgen/cmd/trailgen -out DIR -events 300000 -records-per-object 2
//	go run ./internal/trailgen/cmd/trailgen -out DIR -scenario string-value
//
// DIR gets AWSLogs, which is the trail, and truth.jsonl and truth-summary.json,
// which tell what is true about it.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"time"

	"github.com/trailscan/trailscan/internal/trailgen"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
	case err != nil:
		fmt.Fprintln(os.Stderr, "trailgen:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("trailgen", flag.ContinueOnError)
	flags.SetOutput(stderr)
	var c trailgen.OrgConfig
	flags.StringVar(&c.Out, "out", "", "folder to write AWSLogs into")
	flags.StringVar(&c.Truth, "truth", "", "folder to write the truth into (default -out)")
	flags.Uint64Var(&c.Seed, "seed", 1, "the same seed and flags give the same bytes")
	flags.Int64Var(&c.Events, "events", 100_000, "distinct events, at least; the stories are told in full even where that takes more")
	flags.IntVar(&c.Accounts, "accounts", 6, "accounts of the organization")
	flags.IntVar(&c.Regions, "regions", 3, "regions in use")
	flags.BoolVar(&c.Org, "org", false, "lay it out as an organization's trail, with the organization's id in the keys")
	start := flags.String("start", "2026-11-02T00:00:00Z", "start of the window, RFC 3339")
	hours := flags.Int("hours", 24, "length of the window")
	lead := flags.Int("lead", 0, "hours of the trail that lie before the window")
	flags.Float64Var(&c.Missing, "missing", 0, "fraction of assume events to leave out")
	flags.IntVar(&c.RecordsPerObject, "records-per-object", 500, "most records in an object")
	flags.IntVar(&c.RandomNames, "random-names", 2000, "sessions that one app opens with a name of its own each")
	flags.IntVar(&c.SameNames, "same-names", 200, "sessions that one app opens under one name")
	flags.BoolVar(&c.NoCalls, "no-calls", false, "tell the truth in short: without its lines about calls and without the list of session names")
	scenario := flags.String("scenario", "", "write a small trail instead: "+strings.Join(trailgen.ScenarioNames(), ", "))
	if err := flags.Parse(args); err != nil {
		return err
	}
	if c.Out == "" {
		return errors.New("-out: missing: name the folder to write into")
	}
	var sum trailgen.Summary
	var err error
	if *scenario != "" {
		sum, err = trailgen.Scenario(ctx, *scenario, c.Config)
	} else {
		if c.Start, err = time.Parse(time.RFC3339, *start); err != nil {
			return fmt.Errorf("-start: %w", err)
		}
		c.Window, c.Lead = time.Duration(*hours)*time.Hour, time.Duration(*lead)*time.Hour
		sum, err = trailgen.Generate(ctx, c)
	}
	if err != nil {
		return err
	}
	fmt.Fprintf(stdout, "%d events and %d duplicates in %d objects, %d bytes (%d compressed), window %s to %s\n",
		sum.Events, sum.Duplicates, sum.Objects, sum.Bytes, sum.CompressedBytes, sum.Since, sum.Until)
	return nil
}
