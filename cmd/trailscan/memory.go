package main

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"path"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"strconv"
	"strings"
	"sync"
	"time"
)

// memoryEvery is how often it is looked how much memory is in use.
const memoryEvery = 250 * time.Millisecond

// At which part of the limit, in per cent, the run warns, and at which it ends:
// beyond that the collector would take most of the processor's time, and then
// the system would swap or kill.
const (
	memoryWarnsAt = 80
	memoryEndsAt  = 95
)

// defaultMemory is how much of the memory that the machine can give is taken
// unless --max-memory says, in per cent.
const defaultMemory = 90

// memoryLimit is how much memory the run may use, in bytes, and who says so; it
// is 0 where nobody does.
func (rd *reading) memoryLimit(p process) (limit int64, by string) {
	switch {
	case rd.flags.maxMemory.given:
		return rd.flags.maxMemory.value, "--max-memory"
	case p.getenv("GOMEMLIMIT") != "":
		if limit = debug.SetMemoryLimit(-1); limit == math.MaxInt64 {
			return 0, "" // it was switched off
		}
		return limit, "GOMEMLIMIT"
	case p.machine != nil:
		return p.machine() / 100 * defaultMemory, "most of what the machine has left"
	}
	return 0, ""
}

// watchMemory sets the limit of the run's memory. Until ctx ends it warns when
// what is in use comes near the limit, and ends the run when it would go beyond.
func (rd *reading) watchMemory(ctx context.Context, p process, notes *notes) {
	limit, by := rd.memoryLimit(p)
	if limit <= 0 {
		return
	}
	debug.SetMemoryLimit(limit)
	if p.memory == nil {
		return
	}
	w := memoryWatch{limit: limit, by: by}
	ticks, stop := p.every(memoryEvery)
	go func() {
		defer stop()
		for {
			select {
			case <-ticks:
			case <-ctx.Done():
				return
			}
			warning, err := w.look(p.memory())
			if warning != "" {
				notes.warn("%s", warning)
			}
			if err != nil {
				p.abort(err)
				return
			}
		}
	}()
}

// When garbage is collected: where it has grown by so many per cent of what is in
// use, while logs are read as Go does by itself, and later more often. What was read
// stays to the end, so that twice of it would be the most that the whole run takes.
const (
	garbageWhenReading = 100
	garbageWhenRead    = 33
)

// leastHeap is up to how many bytes no garbage is collected: what the program itself
// takes is half of it, and most scans need not much more.
const leastHeap = 64 << 20

// collections sees to it that garbage is collected late in small scans and early in
// large ones.
type collections struct {
	setPercent func(int) int // debug.SetGCPercent
	live       func() uint64 // how many bytes the last collection found alive

	mu      sync.Mutex
	garbage int // the percentage for large ones
}

// collect has garbage collected as collections do, unless GOGC says when.
func collect(p process) *collections {
	if p.getenv("GOGC") != "" {
		return nil
	}
	c := &collections{setPercent: debug.SetGCPercent, live: liveHeap}
	c.allow(garbageWhenReading)
	return c
}

// allow sets the percentage for large scans.
func (c *collections) allow(garbage int) {
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.garbage = garbage
	c.set()
}

// collected is called after a collection, which shows anew what is in use.
func (c *collections) collected() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.set()
}

func (c *collections) set() {
	percent := gcPercent(c.garbage, c.live())
	c.setPercent(percent)
	if percent > c.garbage {
		// This goes with the next collection.
		runtime.AddCleanup(new([64]byte), (*collections).collected, c)
	}
}

// gcPercent is the percentage by which the heap is let grow beyond what is alive.
func gcPercent(garbage int, live uint64) int {
	// Go multiplies with the percentage no less than this.
	// https://pkg.go.dev/runtime#hdr-Environment_Variables (GOGC), https://go.dev/doc/gc-guide#GOGC
	const goLeast = 4 << 20
	return max(garbage, int(leastHeap*100/max(live, goLeast))-100)
}

func liveHeap() uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}

// memoryWatch judges what is in use.
type memoryWatch struct {
	limit  int64
	by     string
	warned bool
}

// memoryError is the end of a run that would need more memory than it may use.
type memoryError struct{ text string }

func (e *memoryError) Error() string { return e.text }

func (w *memoryWatch) look(used int64) (warning string, err error) {
	const narrow = "narrow it with --since, --until, --account or --region, or give it more with --max-memory"
	share := float64(used) / float64(w.limit) * 100
	if share >= memoryEndsAt {
		return "", &memoryError{fmt.Sprintf("the scan needs more memory than the %s that it may use (%s); nothing more was written: %s", size(w.limit), w.by, narrow)}
	}
	if share < memoryWarnsAt || w.warned {
		return "", nil
	}
	w.warned = true
	return fmt.Sprintf("%s of memory are in use of the %s that the scan may use (%s), and at %d %% of them it ends without a report: %s",
		size(used), size(w.limit), w.by, memoryEndsAt, narrow), nil
}

// memoryInUse is how many bytes of memory this process cannot give back: what
// the last collection of garbage found alive, and what Go needs beside the heap.
func memoryInUse() int64 {
	samples := []metrics.Sample{
		{Name: "/gc/heap/live:bytes"},
		{Name: "/memory/classes/total:bytes"},
		{Name: "/memory/classes/heap/objects:bytes"},
		{Name: "/memory/classes/heap/unused:bytes"},
		{Name: "/memory/classes/heap/free:bytes"},
		{Name: "/memory/classes/heap/released:bytes"},
	}
	metrics.Read(samples)
	used := samples[0].Value.Uint64() + samples[1].Value.Uint64()
	for _, heap := range samples[2:] {
		used -= heap.Value.Uint64()
	}
	return int64(used)
}

// machineMemory is how much memory the machine can give to this process, in
// bytes, as Linux and its control groups tell; 0 where they do not.
//
// https://docs.kernel.org/filesystems/proc.html (meminfo)
// https://docs.kernel.org/admin-guide/cgroup-v2.html (memory.max, memory.high)
// https://docs.kernel.org/admin-guide/cgroup-v1/memory.html
func machineMemory(readFile func(string) ([]byte, error)) int64 {
	least := int64(0)
	limit := func(n int64, ok bool) {
		if ok && n > 0 && (least == 0 || n < least) {
			least = n
		}
	}
	if text, err := readFile("/proc/meminfo"); err == nil {
		total, ok := memInfo(text, "MemTotal")
		limit(total, ok)
		available, ok := memInfo(text, "MemAvailable") // without swapping
		limit(available, ok)
	}
	groups, _ := readFile("/proc/self/cgroup")
	for line := range strings.Lines(string(groups)) {
		// hierarchy:controllers:path
		parts := strings.SplitN(strings.TrimSuffix(line, "\n"), ":", 3)
		if len(parts) != 3 {
			continue
		}
		root, files := "/sys/fs/cgroup", []string{"memory.max", "memory.high"}
		if parts[1] != "" {
			root, files = "/sys/fs/cgroup/memory", []string{"memory.limit_in_bytes"}
			if !strings.Contains(","+parts[1]+",", ",memory,") {
				continue
			}
		}
		// A group's limit binds those in it too. Inside of a container the path
		// may be one of the host, of which only the root is there.
		for dir := path.Clean("/" + parts[2]); ; dir = path.Dir(dir) {
			for _, file := range files {
				text, err := readFile(path.Join(root, dir, file))
				if err != nil {
					continue
				}
				n, err := strconv.ParseInt(string(bytes.TrimSpace(text)), 10, 64)
				limit(n, err == nil) // "max" is none
			}
			if dir == "/" {
				break
			}
		}
	}
	return least
}

// memInfo reads one line of /proc/meminfo, such as "MemTotal: 16 kB".
func memInfo(text []byte, name string) (int64, bool) {
	for line := range strings.Lines(string(text)) {
		value, ok := strings.CutPrefix(line, name+":")
		if !ok {
			continue
		}
		fields := strings.Fields(value)
		if len(fields) != 2 || fields[1] != "kB" {
			return 0, false
		}
		n, err := strconv.ParseInt(fields[0], 10, 64)
		return n << 10, err == nil && n < 1<<52
	}
	return 0, false
}
