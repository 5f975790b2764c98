package main

import (
	"context"
	"errors"
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/trailscan/trailscan/internal/ingest"
)

// estimate tells what a scan would take, and reads nothing.
func (pl *scanPlan) estimate(ctx context.Context, p process, notes *notes) error {
	cfg, err := pl.loadAWS(ctx, notes)
	if err != nil {
		return err
	}
	var sum ingest.Estimate
	for _, l := range pl.from.buckets {
		e, err := pl.openBucket(cfg, l, notes).Estimate(ctx)
		if err != nil {
			return err
		}
		sum.Objects += e.Objects
		sum.Bytes += e.Bytes
		sum.ListRequests += e.ListRequests
		sum.GetRequests += e.GetRequests
		sum.Dollars += e.Dollars
		sum.Problems = append(sum.Problems, e.Problems...)
	}
	w := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "source\t%s\n", oneLine(pl.from.String()))
	fmt.Fprintf(w, "window\t%s to %s\n", pl.window.since.Format(time.RFC3339), pl.window.until.Format(time.RFC3339))
	fmt.Fprintf(w, "objects\t%s\n", count(sum.Objects))
	fmt.Fprintf(w, "bytes\t%s as stored (%s)\n", count(sum.Bytes), size(sum.Bytes))
	fmt.Fprintf(w, "requests\t%s list, %s get\n", count(sum.ListRequests), count(sum.GetRequests))
	fmt.Fprintf(w, "dollars\t%.6f for the requests of the scan, at the prices of us-east-1; transfer out of the bucket's region, decryption and looking back come on top\n", sum.Dollars)
	if pl.flags.verify.on {
		// Every trail writes a digest an hour in every region, which only a list of
		// them would count.
		fmt.Fprintf(w, "verification\ta get for each digest comes on top: one an hour, region and trail\n")
	}
	if err := w.Flush(); err != nil {
		return fmt.Errorf("standard output: %w", bare(err))
	}
	if len(sum.Problems) > 0 {
		first := sum.Problems[0]
		return &statusError{status: exitIncomplete, err: errors.New("the estimate is incomplete: " +
			plural(int64(len(sum.Problems)), "place") + " could not be listed; the first: " + tell(first))}
	}
	return nil
}
