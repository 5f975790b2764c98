package main

import (
	"context"
	"fmt"
)

// memory measures what a scan keeps, from its first event to the last byte of its
// JSON report.
func (b *bench) memory(ctx context.Context) error {
	few, many := 50_000, 150_000
	if b.small {
		few, many = 2_000, 6_000
	}
	for _, m := range []struct {
		what  string
		bar   float64
		names int
	}{
		{"peak memory of each further credential, KiB", 1, 400},
		{"peak memory of each further session name with a credential, KiB", 1.5, 0},
	} {
		var c [2]*contestant
		for i, n := range []int{few, many} {
			logs, err := b.sessionTrail(ctx, sessions{credentials: n, names: m.names, calls: 8})
			if err != nil {
				return err
			}
			c[i] = b.scan(logs)
			c[i].name = fmt.Sprintf("trailscan, %d credentials", n)
		}
		if err := b.contest(ctx, c[:]...); err != nil {
			return err
		}
		growth := c[1].usage.peak - c[0].usage.peak
		b.table.atMost(m.what, m.bar, float64(growth)/1024/float64(many-few),
			"%d MiB with %d, %d MiB with %d; 8 calls each", c[0].usage.peak>>20, few, c[1].usage.peak>>20, many)
	}
	return nil
}
