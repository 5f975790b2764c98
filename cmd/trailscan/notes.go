package main

import (
	"io"
	"slices"
	"sync"
)

// logLevels are the values of --log-level, least first.
var logLevels = []string{"error", "warn", "info", "debug"}

// notes is standard error while a command runs: warnings, what it does, and
// below them the line of progress. Its methods may be called from any goroutine.
type notes struct {
	mu     sync.Mutex
	w      io.Writer
	level  int
	status string // the line of progress that stands on the terminal
}

func newNotes(w io.Writer, level string, quiet bool) *notes {
	n := &notes{w: w, level: slices.Index(logLevels, level)}
	if quiet {
		n.level = 0
	}
	return n
}

func (n *notes) warn(format string, args ...any)  { n.note(1, "warning: "+format, args...) }
func (n *notes) info(format string, args ...any)  { n.note(2, format, args...) }
func (n *notes) debug(format string, args ...any) { n.note(3, format, args...) }

func (n *notes) note(level int, format string, args ...any) {
	if n.level < level {
		return
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.wipe()
	say(n.w, format, args...)
	if n.status != "" {
		io.WriteString(n.w, n.status)
	}
}

// line writes a line of its own, whatever the level.
func (n *notes) line(text string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	say(n.w, "%s", text)
}

// setStatus puts a line at the bottom of the terminal, in place of the last
// one; an empty one takes it away.
func (n *notes) setStatus(text string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.wipe()
	n.status = text
	io.WriteString(n.w, text)
}

// wipe clears the terminal's current line where the status stands on it.
func (n *notes) wipe() {
	if n.status != "" {
		io.WriteString(n.w, "\r\x1b[K")
	}
}
