package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/trailscan/trailscan/internal/ingest"
)

// The values of --progress.
const (
	progressAuto   = "auto"   // on a terminal
	progressAlways = "always" // lines for a log
	progressNever  = "never"
)

// How often progress is shown: a line that is redrawn, and lines that stay.
const (
	redrawEvery = 200 * time.Millisecond
	lineEvery   = 5 * time.Second
)

// progress shows how far a scan has come.
type progress struct {
	notes *notes
	now   func() time.Time
	every func(time.Duration) (<-chan time.Time, func())
	bar   bool // redraw one line of a terminal
	lines bool // write a line now and then
	width func() int
}

// newProgress settles where progress goes by --progress and --quiet.
func newProgress(p process, n *notes, mode string, quiet bool) *progress {
	pr := &progress{notes: n, now: p.now, every: p.every}
	pr.width = func() int { return terminalWidth(p.stderr, p.getenv) }
	switch {
	case quiet || mode == progressNever:
	case mode == progressAlways:
		pr.lines = true
	default:
		pr.bar = isTerminal(p.stderr) && p.getenv("TERM") != "dumb"
	}
	return pr
}

// watch shows the counters under a heading until stop is called, which shows
// them for the last time.
func (pr *progress) watch(heading string, c *ingest.Counters) (stop func()) {
	return pr.follow(heading, func(elapsed time.Duration) string { return progressText(c, elapsed) })
}

// follow shows a text under a heading until stop is called, which shows it for
// the last time.
func (pr *progress) follow(heading string, tell func(elapsed time.Duration) string) (stop func()) {
	if !pr.bar && !pr.lines {
		return func() {}
	}
	interval := redrawEvery
	if pr.lines {
		interval = lineEvery
	}
	begun := pr.now()
	show := func(now time.Time) {
		text := heading + ": " + tell(now.Sub(begun))
		if pr.lines {
			pr.notes.line(text)
			return
		}
		if runes := []rune(text); len(runes) >= pr.width() {
			text = string(runes[:max(pr.width()-1, 0)])
		}
		pr.notes.setStatus(text)
	}
	ticks, stopTicks := pr.every(interval)
	quit, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for {
			select {
			case now := <-ticks:
				show(now)
			case <-quit:
				return
			}
		}
	}()
	return func() {
		stopTicks()
		close(quit)
		<-ended
		if pr.lines {
			show(pr.now())
		} else {
			pr.notes.setStatus("")
		}
	}
}

// progressText tells counters in one line. What is left is reckoned from what
// is listed; while the listing goes on, that is the least it can be.
func progressText(c *ingest.Counters, elapsed time.Duration) string {
	var (
		objects, objectsListed = c.Objects.Load(), c.ObjectsListed.Load()
		stored, storedListed   = c.BytesStored.Load(), c.BytesListed.Load()
		records                = c.Records.Load()
		done                   = c.ListingDone.Load()
		more                   string
	)
	if !done {
		more = "+"
	}
	parts := []string{fmt.Sprintf("%s of %s%s objects", count(objects), count(objectsListed), more)}
	if storedListed > 0 {
		parts = append(parts, fmt.Sprintf("%s of %s%s", size(stored), size(storedListed), more))
	} else {
		parts = append(parts, size(stored))
	}
	if s := elapsed.Seconds(); s > 0 {
		parts = append(parts, count(int64(float64(records)/s))+" events/s")
	}
	left, ok := timeLeft(elapsed, objects, objectsListed, stored, storedListed)
	switch left = left.Round(time.Second); {
	case !ok:
	case done:
		parts = append(parts, left.String()+" left")
	case left > 0:
		parts = append(parts, "more than "+left.String()+" left")
	}
	return strings.Join(parts, ", ")
}

// timeLeft reckons from bytes, or from objects where their size is not known.
func timeLeft(elapsed time.Duration, objects, objectsListed, stored, storedListed int64) (time.Duration, bool) {
	done, all := float64(stored), float64(storedListed)
	if storedListed == 0 {
		done, all = float64(objects), float64(objectsListed)
	}
	if done <= 0 || all < done {
		return 0, false
	}
	return time.Duration(float64(elapsed) * (all - done) / done), true
}

// count writes a number with its thousands apart.
func count(n int64) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// size writes a number of bytes in the unit that fits.
func size(n int64) string {
	const units = "KMGTPE"
	if n < 1024 {
		return fmt.Sprintf("%d B", n)
	}
	v, i := float64(n)/1024, 0
	for v >= 1023.95 && i < len(units)-1 {
		v /= 1024
		i++
	}
	return fmt.Sprintf("%.1f %ciB", v, units[i])
}
