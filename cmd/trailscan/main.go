// Trailscan reads CloudTrail logs and says which app or person is behind each
// AWS role session name.
//
// It reads local files, a trail's S3 bucket or the LookupEvents API, follows
// every session back to the credential that it began with, and reports names
// that hide who acted. "trailscan --help" lists the flags and exit statuses.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	ctx, stop := withSignals(context.Background(), os.Interrupt, syscall.SIGTERM)
	status := run(ctx, process{
		args: os.Args[1:], stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr,
		getenv: os.Getenv, now: time.Now, every: ticker,
		memory: memoryInUse, machine: func() int64 { return machineMemory(os.ReadFile) },
	})
	stop()
	os.Exit(status)
}

// ticker ticks until stop is called.
func ticker(d time.Duration) (ticks <-chan time.Time, stop func()) {
	t := time.NewTicker(d)
	return t.C, t.Stop
}

// interrupted is the cause of a context that a signal ended.
type interrupted struct{ signal os.Signal }

func (e interrupted) Error() string { return fmt.Sprintf("stopped by a signal (%s)", e.signal) }

// withSignals gives a context that the first of the signals ends, with an
// interrupted as its cause. The next signal then does what it does to any
// process, so that a second Ctrl-C always works.
func withSignals(parent context.Context, signals ...os.Signal) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(parent)
	caught := make(chan os.Signal, 1)
	signal.Notify(caught, signals...)
	go func() {
		select {
		case s := <-caught:
			cancel(interrupted{s})
		case <-ctx.Done():
		}
		signal.Stop(caught)
	}()
	return ctx, func() { cancel(nil) }
}
