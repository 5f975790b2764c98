package main

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/trailscan/trailscan/internal/ingest"
)

func TestProgressText(t *testing.T) {
	tests := []struct {
		name                                   string
		objects, objectsListed, stored, listed int64
		records                                int64
		done                                   bool
		elapsed                                time.Duration
		want                                   string
	}{
		{"at the start", 0, 0, 0, 0, 0, false, 0, "0 of 0+ objects, 0 B"},
		{"while the listing goes on", 1204, 8310, 300 << 20, 2100 << 20, 4_120_000, false, 10 * time.Second,
			"1,204 of 8,310+ objects, 300.0 MiB of 2.1 GiB+, 412,000 events/s, more than 1m0s left"},
		{"where the listing is hardly ahead", 8000, 8001, 800 << 10, 800<<10 + 20, 80, false, time.Second, "8,000 of 8,001+ objects, 800.0 KiB of 800.0 KiB+, 80 events/s"},
		{"when all is listed", 75, 100, 75 << 10, 100 << 10, 300, true, 3 * time.Second,
			"75 of 100 objects, 75.0 KiB of 100.0 KiB, 100 events/s, 1s left"},
		{"sizes unknown", 1, 4, 5000, 0, 50, true, time.Second, "1 of 4 objects, 4.9 KiB, 50 events/s, 3s left"},
		{"at the end", 4, 4, 5000, 5000, 50, true, time.Second, "4 of 4 objects, 4.9 KiB of 4.9 KiB, 50 events/s, 0s left"},
		{"more than listed", 4, 4, 6000, 5000, 50, true, time.Second, "4 of 4 objects, 5.9 KiB of 4.9 KiB, 50 events/s"},
	}
	for _, test := range tests {
		c := &ingest.Counters{}
		c.Objects.Store(test.objects)
		c.ObjectsListed.Store(test.objectsListed)
		c.BytesStored.Store(test.stored)
		c.BytesListed.Store(test.listed)
		c.Records.Store(test.records)
		c.ListingDone.Store(test.done)
		if got := progressText(c, test.elapsed); got != test.want {
			t.Errorf("%s:\n got %s\nwant %s", test.name, got, test.want)
		}
	}
}

// clock is a process's clock that the test moves.
type clock struct {
	now   time.Time
	ticks chan time.Time
	asked time.Duration
}

func (c *clock) every(d time.Duration) (<-chan time.Time, func()) {
	c.asked = d
	return c.ticks, func() {}
}

func (c *clock) tick(d time.Duration) {
	c.now = c.now.Add(d)
	c.ticks <- c.now
}

// told is a standard error that tells of each write to it.
type told struct {
	bytes.Buffer
	wrote chan struct{}
}

func (w *told) Write(b []byte) (int, error) {
	defer func() { w.wrote <- struct{}{} }()
	return w.Buffer.Write(b)
}

func TestProgressLines(t *testing.T) {
	stderr := told{wrote: make(chan struct{}, 10)}
	c := &clock{now: noon, ticks: make(chan time.Time)}
	p := process{stderr: &stderr, getenv: func(string) string { return "" }, now: func() time.Time { return c.now }, every: c.every}
	shown := newProgress(p, newNotes(&stderr, "warn", false), progressAlways, false)
	counters := &ingest.Counters{}
	stop := shown.watch("reading", counters)
	if c.asked != lineEvery {
		t.Errorf("lines every %v, want %v", c.asked, lineEvery)
	}
	counters.ObjectsListed.Store(2)
	c.tick(5 * time.Second)
	<-stderr.wrote
	counters.Objects.Store(2)
	counters.Records.Store(700)
	counters.ListingDone.Store(true)
	c.tick(2 * time.Second)
	<-stderr.wrote
	stop()
	want := "trailscan: reading: 0 of 2+ objects, 0 B, 0 events/s\n" +
		"trailscan: reading: 2 of 2 objects, 0 B, 100 events/s, 0s left\n" +
		"trailscan: reading: 2 of 2 objects, 0 B, 100 events/s, 0s left\n"
	if got := stderr.String(); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

func TestProgressRedraws(t *testing.T) {
	var stderr bytes.Buffer
	c := &clock{now: noon, ticks: make(chan time.Time)}
	notes := newNotes(&stderr, "warn", false)
	shown := &progress{notes: notes, now: func() time.Time { return c.now }, every: c.every, bar: true, width: func() int { return 24 }}
	stop := shown.watch("reading", &ingest.Counters{})
	c.tick(time.Second)
	c.tick(time.Second)
	stop()
	want := "reading: 0 of 0+ object" +
		"\r\x1b[Kreading: 0 of 0+ object" +
		"\r\x1b[K"
	if got := stderr.String(); got != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

// A warning stands above the line of progress, and obeys no one.
func TestNotesAboveProgress(t *testing.T) {
	var stderr bytes.Buffer
	n := newNotes(&stderr, "warn", false)
	n.setStatus("half way")
	n.warn("something\x1b[31m odd\nhere")
	n.setStatus("")
	want := "half way" +
		"\r\x1b[Ktrailscan: warning: something\\x1b[31m odd here\nhalf way" +
		"\r\x1b[K"
	if got := stderr.String(); got != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

func TestProgressSilent(t *testing.T) {
	for _, test := range []struct {
		mode  string
		quiet bool
	}{{progressNever, false}, {progressAuto, false}, {progressAlways, true}} {
		var stderr bytes.Buffer // no terminal
		c := &clock{now: noon, ticks: make(chan time.Time)}
		p := process{stderr: &stderr, getenv: func(string) string { return "" }, now: func() time.Time { return c.now }, every: c.every}
		stop := newProgress(p, newNotes(&stderr, "warn", test.quiet), test.mode, test.quiet).watch("reading", &ingest.Counters{})
		stop()
		if c.asked != 0 || stderr.Len() > 0 {
			t.Errorf("%+v: ticks every %v, says %q", test, c.asked, &stderr)
		}
	}
}

func TestNotesLevels(t *testing.T) {
	for level, want := range map[string]string{"error": "", "warn": "w", "info": "wi", "debug": "wid"} {
		var b bytes.Buffer
		n := newNotes(&b, level, false)
		n.warn("w")
		n.info("i")
		n.debug("d")
		got := strings.NewReplacer("trailscan: ", "", "warning: ", "", "\n", "").Replace(b.String())
		if got != want {
			t.Errorf("%s tells %q, want %q", level, got, want)
		}
	}
	var b bytes.Buffer
	newNotes(&b, "debug", true).warn("w")
	if b.Len() > 0 {
		t.Errorf("quiet tells %q", &b)
	}
}

func TestCountAndSize(t *testing.T) {
	for n, want := range map[int64]string{0: "0", 999: "999", 1000: "1,000", 1234567: "1,234,567", -1234: "-1,234", -123: "-123"} {
		if got := count(n); got != want {
			t.Errorf("count(%d) = %s, want %s", n, got, want)
		}
	}
	for n, want := range map[int64]string{0: "0 B", 1023: "1023 B", 1024: "1.0 KiB", 1048575: "1.0 MiB", 1 << 40: "1.0 TiB"} {
		if got := size(n); got != want {
			t.Errorf("size(%d) = %s, want %s", n, got, want)
		}
	}
}
