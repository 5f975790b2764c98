//go:build !race

package main

import (
	"os"
	"syscall"
)

// peakMemory is the most memory that a process had, in bytes.
//
// https://man7.org/linux/man-pages/man2/getrusage.2.html (ru_maxrss)
func peakMemory(state *os.ProcessState) int64 {
	if usage, ok := state.SysUsage().(*syscall.Rusage); ok {
		return usage.Maxrss << 10
	}
	return 0
}
