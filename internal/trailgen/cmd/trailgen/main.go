// Command trailgen writes a trail of which the truth is known.
//
//	go run ./internal/trailgen/cmd/trailgen -scenario string-value -out DIR
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"

	"github.com/trailscan/trailscan/internal/trailgen"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "trailgen:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("trailgen", flag.ContinueOnError)
	flags.SetOutput(stderr)
	var c trailgen.Config
	flags.StringVar(&c.Out, "out", "", "folder to write AWSLogs into")
	flags.StringVar(&c.Truth, "truth", "", "folder to write the truth into (default: -out)")
	flags.Uint64Var(&c.Seed, "seed", 1, "seed: the same seed and flags give the same bytes")
	name := flags.String("scenario", "", "write a small trail instead: "+strings.Join(trailgen.ScenarioNames(), ", "))
	if err := flags.Parse(args); err != nil {
		return err
	}
	if c.Out == "" {
		return fmt.Errorf("-out: missing: name the folder to write into")
	}
	sum, err := trailgen.Scenario(ctx, *name, c)
	if err != nil {
		return err
	}
	fmt.Fprintf(stdout, "%d events, %d objects, %d bytes (%d compressed)\n", sum.Events, sum.Objects, sum.Bytes, sum.CompressedBytes)
	return nil
}
