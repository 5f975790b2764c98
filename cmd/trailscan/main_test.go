package main

import (
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"trailscan": main, "measured": runMeasured})
}

// TestScript runs the cases of the command line in testdata. In them $TRAILS is
// the repository's testdata/trails.
func TestScript(t *testing.T) {
	testscript.Run(t, scripts(t, "testdata", func(*testscript.Env) {}))
}

// checkStatus is the command "status N program args...": run the program and
// hold it to its exit status. A program that ends with another one than 0 says
// why in one line, whatever warnings come before it.
func checkStatus(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: status N program [args...]")
	}
	status := "0"
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		var exit *exec.ExitError
		if !errors.As(err, &exit) {
			ts.Fatalf("%v", err)
		}
		status = strconv.Itoa(exit.ExitCode())
	}
	if status != args[0] {
		ts.Fatalf("exit status %s, want %s", status, args[0])
	}
	errors := slices.DeleteFunc(strings.SplitAfter(ts.ReadFile("stderr"), "\n"), func(line string) bool {
		return line == "" || strings.HasPrefix(line, "trailscan: warning: ")
	})
	if status != "0" && (len(errors) != 1 || !strings.HasPrefix(errors[0], "trailscan: ")) {
		ts.Fatalf("not one line that says why: %q", errors)
	}
}

// waiting is a standard input that says nothing, as a terminal does.
type waiting struct{ asked chan struct{} }

func (w waiting) Read([]byte) (int, error) {
	close(w.asked)
	select {}
}

func TestInterrupted(t *testing.T) {
	for signal, want := range map[os.Signal]int{os.Interrupt: exitInterrupted, syscall.SIGTERM: exitTerminated} {
		ctx, cancel := context.WithCancelCause(context.Background())
		in := waiting{make(chan struct{})}
		report := filepath.Join(t.TempDir(), "report.json")
		var stdout, stderr strings.Builder
		c := &clock{now: noon, ticks: make(chan time.Time, 1)}
		go func() {
			<-in.asked
			cancel(interrupted{signal})
			c.ticks <- noon // the grace is over
		}()
		got := run(ctx, process{
			args: []string{"-", "-o", report}, stdin: in, stdout: &stdout, stderr: &stderr,
			getenv: func(string) string { return "" }, now: func() time.Time { return noon }, every: c.every,
		})
		if got != want {
			t.Errorf("%v: exit status %d, want %d", signal, got, want)
		}
		if stdout.Len() > 0 || !strings.HasPrefix(stderr.String(), "trailscan: stopped by a signal (") {
			t.Errorf("%v: stdout %q, stderr %q", signal, stdout.String(), stderr.String())
		}
		if _, err := os.Stat(report); err == nil {
			t.Errorf("%v: half a report was written", signal)
		}
	}
}

func TestWithSignals(t *testing.T) {
	ctx, stop := withSignals(context.Background(), syscall.SIGHUP)
	defer stop()
	self, err := os.FindProcess(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	if err := self.Signal(syscall.SIGHUP); err != nil {
		t.Skip("this system sends no signals: ", err)
	}
	<-ctx.Done()
	var cause interrupted
	if !errors.As(context.Cause(ctx), &cause) || cause.signal != syscall.SIGHUP {
		t.Errorf("cause %v", context.Cause(ctx))
	}
}

func TestWithSignalsStopped(t *testing.T) {
	ctx, stop := withSignals(context.Background(), syscall.SIGHUP)
	stop()
	if got := exitStatus(ctx, nil, io.Discard); got != exitOK {
		t.Errorf("exit status %d after an orderly end, want %d", got, exitOK)
	}
}
