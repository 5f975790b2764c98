package attribute

import (
	"context"
	"reflect"
	"testing"
	"time"

	"github.com/trailscan/trailscan/internal/trailgen"
)

// TestWorkers holds what several goroutines judge against what one does.
func TestWorkers(t *testing.T) {
	cfg := trailgen.OrgConfig{
		Config: trailgen.Config{Seed: 3, Out: t.TempDir()}, Events: 4_000, Accounts: 6, Regions: 3, Org: true,
		Start: time.Date(2026, 11, 2, 0, 0, 0, 0, time.UTC), Window: 24 * time.Hour, Missing: 0.1,
		RecordsPerObject: 400, RandomNames: 100, SameNames: 20,
	}
	if _, err := trailgen.Generate(context.Background(), cfg); err != nil {
		t.Fatal(err)
	}
	judged := func(workers int) *Result {
		a := NewAudit(Options{Since: cfg.Start, Until: cfg.Start.Add(cfg.Window), Today: cfg.Start, Workers: workers})
		feedDir(t, a, cfg.Out)
		return a.Result()
	}
	one, several := judged(1), judged(4)
	if len(one.Names) <= wholeAtOnce {
		t.Fatalf("%d names: one goroutine has them all", len(one.Names))
	}
	var names []*SessionName
	for n := range several.Whole(4) {
		names = append(names, n)
	}
	if len(names) != len(one.Names) {
		t.Fatalf("%d names, want %d", len(names), len(one.Names))
	}
	for i, n := range names {
		if want := one.Name(i); !reflect.DeepEqual(n, want) {
			t.Errorf("%+v\nwant %+v", n, want)
		}
	}
	if !reflect.DeepEqual(one.whole(), several.whole()) {
		t.Error("another result")
	}

	// Whoever has enough gets no more.
	several = judged(4)
	taken := 0
	for range several.Whole(4) {
		if taken++; taken == wholeAtOnce+1 {
			break
		}
	}
	if taken != wholeAtOnce+1 {
		t.Errorf("took %d names", taken)
	}
}
