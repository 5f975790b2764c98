package main

import (
	"context"
	"os"
	"runtime"
	"testing"
)

// TestMain lets the tests' program be started as what measures a contestant.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == childMode {
		if err := run(context.Background(), os.Args[1:], os.Stdout, os.Stderr); err != nil {
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// The peak memory of a contestant is its own, whatever the bench holds.
func TestPeak(t *testing.T) {
	const held = 300 << 20
	own := make([]byte, held)
	for i := 0; i < len(own); i += 4096 {
		own[i] = 1
	}
	c := &contestant{name: "the Go command", args: []string{"go", "version"}}
	if err := c.run(t.Context()); err != nil {
		t.Fatal(err)
	}
	runtime.KeepAlive(own)
	if len(c.output) == 0 || c.usage.cpu <= 0 || c.usage.wall <= 0 {
		t.Errorf("%q, %+v", c.output, c.usage)
	}
	if c.usage.peak > held/2 {
		t.Errorf("a peak of %d MiB, while the bench holds %d MiB", c.usage.peak>>20, held>>20)
	}
}
