package main

import (
	"context"
	"fmt"
)

// memory measures what a scan keeps, from its first event to the last byte of its
// JSON report.
func (b *bench) memory(ctx context.Context) error {
	few := 50_000
	if b.small {
		few = 2_000
	}
	for _, m := range []struct {
		what  string
		bar   float64
		names int
		calls int
		few   int
	}{
		{"peak memory of each further credential, KiB", 1, 400, 8, few},
		{"peak memory of each further session name with a credential, KiB", 1.5, 0, 8, few},
		// To remember each event, by which it counts once, would take almost 1 KiB
		// more. That memory goes with the day, of which this trail has six and then
		// eighteen.
		{"peak memory of each further credential with 50 events, which are remembered for a day, KiB", 1, 400, 49, few * 6 / 5},
	} {
		few, many := m.few, 3*m.few
		var c [2]*contestant
		for i, n := range []int{few, many} {
			logs, err := b.sessionTrail(ctx, sessions{credentials: n, names: m.names, calls: m.calls})
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
			"%d MiB with %d, %d MiB with %d; %d calls each", c[0].usage.peak>>20, few, c[1].usage.peak>>20, many, m.calls)
	}
	return nil
}

// events measures what ten times the events of the same sessions cost.
func (b *bench) events(ctx context.Context) error {
	s := sessions{credentials: 20_000, names: 400, calls: 9}
	if b.small {
		s.credentials = 200
	}
	var c [2]*contestant
	for i, calls := range []int{s.calls, 10*s.calls + 9} { // one event more opens each session
		s.calls = calls
		logs, err := b.sessionTrail(ctx, s)
		if err != nil {
			return err
		}
		c[i] = b.scan(logs)
		c[i].name = fmt.Sprintf("trailscan, %d events", s.credentials*(calls+1))
	}
	if err := b.contest(ctx, c[:]...); err != nil {
		return err
	}
	few, many := c[0].usage, c[1].usage
	b.table.atMost("ten times the events, the same sessions: time", 10.5, ratio(many.wall, few.wall),
		"%d sessions with 10 and with 100 events each; %.2f s over %.2f s", s.credentials, many.wall.Seconds(), few.wall.Seconds())
	b.table.atMost("ten times the events, the same sessions: peak memory", 1.1, ratio(many.peak, few.peak),
		"%d MiB over %d MiB; what grows is what tells which events of the day were counted, some 20 bytes for each", many.peak>>20, few.peak>>20)
	return nil
}
