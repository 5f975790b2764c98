package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"syscall"

	"github.com/trailscan/trailscan/internal/report"
)

// The exit statuses. exitFindings goes before exitIncomplete.
const (
	exitOK          = 0   // the scan is complete
	exitFailed      = 1   // it could not run; nothing was reported
	exitUsage       = 2   // wrong usage; nothing was read
	exitFindings    = 3   // a finding at or above --fail-on
	exitIncomplete  = 4   // a report was written, but part of the input could not be read
	exitInterrupted = 130 // SIGINT
	exitTerminated  = 143 // SIGTERM
)

// statusError is an error that ends the process with its own status.
type statusError struct {
	status int
	err    error
	hint   string // what to do, in the same line; may be empty
}

func (e *statusError) Error() string { return e.err.Error() }
func (e *statusError) Unwrap() error { return e.err }

// usageError is wrong usage. The hint names what would be right.
func usageError(hint, format string, args ...any) error {
	return &statusError{status: exitUsage, err: fmt.Errorf(format, args...), hint: hint}
}

// exitStatus prints what there is to say about err and gives the status that
// the process ends with.
func exitStatus(ctx context.Context, err error, stderr io.Writer) int {
	var stop interrupted
	if errors.As(context.Cause(ctx), &stop) {
		say(stderr, "%s; nothing more was written", stop)
		if stop.signal == syscall.SIGTERM {
			return exitTerminated
		}
		return exitInterrupted
	}
	var short *memoryError
	if errors.As(context.Cause(ctx), &short) {
		say(stderr, "%s", short)
		return exitFailed
	}
	if err == nil {
		return exitOK
	}
	var s *statusError
	switch {
	case !errors.As(err, &s):
		say(stderr, "%s", err)
		return exitFailed
	case s.hint == "":
		say(stderr, "%s", err)
	default:
		say(stderr, "%s; %s", err, s.hint)
	}
	return s.status
}

// say writes one line about the run to standard error.
func say(stderr io.Writer, format string, args ...any) {
	fmt.Fprintf(stderr, "trailscan: %s\n", oneLine(fmt.Sprintf(format, args...)))
}

// oneLine makes s safe to show as one line: names from logs, buckets and files
// reach error texts, and a terminal or a build system would obey what is in them.
func oneLine(s string) string { return report.EscapeLine(s) }
