package main

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

func TestMachineMemory(t *testing.T) {
	const (
		gib     = int64(1) << 30
		meminfo = "MemTotal:       16777216 kB\nMemFree:          524288 kB\nMemAvailable:    8388608 kB\n"
	)
	for _, tt := range []struct {
		name  string
		files map[string]string
		want  int64
	}{
		{"another system", nil, 0},
		{"what is available", map[string]string{"/proc/meminfo": meminfo}, 8 * gib},
		{"an old kernel", map[string]string{"/proc/meminfo": "MemTotal: 16777216 kB\n"}, 16 * gib},
		{"nonsense", map[string]string{"/proc/meminfo": "MemTotal: lots\nMemAvailable: 99999999999999999999 kB\n", "/proc/self/cgroup": "0:\n::\n\n"}, 0},
		{"a container", map[string]string{
			"/proc/meminfo": meminfo, "/proc/self/cgroup": "0::/\n", "/sys/fs/cgroup/memory.max": "2147483648\n",
		}, 2 * gib},
		{"a container that sees the host's path", map[string]string{
			"/proc/meminfo": meminfo, "/proc/self/cgroup": "0::/system.slice/docker-1.scope\n", "/sys/fs/cgroup/memory.max": "2147483648\n",
		}, 2 * gib},
		{"a group without a limit", map[string]string{
			"/proc/meminfo": meminfo, "/proc/self/cgroup": "0::/user.slice\n", "/sys/fs/cgroup/user.slice/memory.max": "max\n",
		}, 8 * gib},
		{"the limit of a group around it", map[string]string{
			"/proc/meminfo": meminfo, "/proc/self/cgroup": "0::/a/b\n",
			"/sys/fs/cgroup/a/b/memory.max": "max\n", "/sys/fs/cgroup/a/memory.max": "3221225472\n",
		}, 3 * gib},
		{"throttled before the limit", map[string]string{
			"/proc/meminfo": meminfo, "/proc/self/cgroup": "0::/a\n",
			"/sys/fs/cgroup/a/memory.max": "3221225472\n", "/sys/fs/cgroup/a/memory.high": "1073741824\n",
		}, gib},
		{"version 1", map[string]string{
			"/proc/meminfo": meminfo, "/proc/self/cgroup": "11:cpu,cpuacct:/j\n7:memory:/j/1\n0::/\n",
			"/sys/fs/cgroup/memory/j/1/memory.limit_in_bytes": "1073741824\n",
			"/sys/fs/cgroup/cpu/j/memory.limit_in_bytes":      "1\n",
		}, gib},
		{"version 1 without a limit", map[string]string{
			"/proc/meminfo": meminfo, "/proc/self/cgroup": "7:memory:/\n",
			"/sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n",
		}, 8 * gib},
	} {
		got := machineMemory(func(name string) ([]byte, error) {
			if text, ok := tt.files[name]; ok {
				return []byte(text), nil
			}
			return nil, fs.ErrNotExist
		})
		if got != tt.want {
			t.Errorf("%s: %d bytes, want %d", tt.name, got, tt.want)
		}
	}
}

func TestMachineMemoryHere(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux tells")
	}
	if got := machineMemory(os.ReadFile); got < 64<<20 {
		t.Errorf("this machine has %d bytes left", got)
	}
}

// What is in use follows what is kept, and not what is garbage.
func TestMemoryInUse(t *testing.T) {
	const much = 64 << 20
	runtime.GC()
	before := memoryInUse()
	for range 8 {
		garbage := make([]byte, much/8)
		garbage[0] = 1
	}
	runtime.GC()
	idle := memoryInUse()
	kept := make([]byte, much)
	runtime.GC()
	used := memoryInUse()
	runtime.KeepAlive(kept)
	if grown := idle - before; grown > much/4 {
		t.Errorf("garbage counts as %d bytes in use", grown)
	}
	if grown := used - idle; grown < much*9/10 || grown > much*5/4 {
		t.Errorf("%d bytes that are kept count as %d", much, grown)
	}
}

func TestMemoryLimit(t *testing.T) {
	defer debug.SetMemoryLimit(debug.SetMemoryLimit(-1))
	debug.SetMemoryLimit(7 << 20)
	given := newInputFlags(noon)
	if err := given.maxMemory.Set("64MiB"); err != nil {
		t.Fatal(err)
	}
	machine := func() int64 { return 1000 << 20 }
	for _, tt := range []struct {
		flags   *inputFlags
		env     string
		machine func() int64
		want    int64
		by      string
	}{
		{given, "9MiB", machine, 64 << 20, "--max-memory"},
		{newInputFlags(noon), "7MiB", machine, 7 << 20, "GOMEMLIMIT"},
		{newInputFlags(noon), "", machine, 900 << 20, "most of what the machine has left"},
		{newInputFlags(noon), "", func() int64 { return 0 }, 0, "most of what the machine has left"},
		{newInputFlags(noon), "", nil, 0, ""},
	} {
		rd := &reading{flags: tt.flags}
		got, by := rd.memoryLimit(process{getenv: func(string) string { return tt.env }, machine: tt.machine})
		if got/100 != tt.want/100 || by != tt.by {
			t.Errorf("%d bytes by %q, want %d by %q", got, by, tt.want, tt.by)
		}
	}
}

// A run that comes near its limit warns once, and one that would go beyond it
// ends by itself with a line that says what to do, and leaves no half report.
func TestMemoryRunsOut(t *testing.T) {
	defer debug.SetMemoryLimit(debug.SetMemoryLimit(-1))
	in := waiting{make(chan struct{})}
	report := filepath.Join(t.TempDir(), "report.json")
	var stdout, stderr strings.Builder
	c := &clock{now: noon, ticks: make(chan time.Time)}
	readings := make(chan int64)
	go func() {
		<-in.asked
		for _, percent := range []int64{10, 79, 81, 70, 94, 95} {
			c.ticks <- noon
			readings <- percent << 20
		}
		c.ticks <- noon // the grace is over
	}()
	status := run(context.Background(), process{
		args: []string{"-", "--max-memory", "100MiB", "-o", report}, stdin: in, stdout: &stdout, stderr: &stderr,
		getenv: func(string) string { return "" }, now: func() time.Time { return noon }, every: c.every,
		memory: func() int64 { return <-readings },
	})
	if status != exitFailed {
		t.Errorf("exit status %d, want %d", status, exitFailed)
	}
	want := "trailscan: warning: 81.0 MiB of memory are in use of the 100.0 MiB that the scan may use (--max-memory), and at 95 % of them it ends without a report: narrow it with --since, --until, --account or --region, or give it more with --max-memory\n" +
		"trailscan: the scan needs more memory than the 100.0 MiB that it may use (--max-memory); nothing more was written: narrow it with --since, --until, --account or --region, or give it more with --max-memory\n"
	if stderr.String() != want {
		t.Errorf("standard error\n%s\nwant\n%s", stderr.String(), want)
	}
	if _, err := os.Stat(report); err == nil || stdout.Len() > 0 {
		t.Errorf("half a report was written, %q on standard output", stdout.String())
	}
}

// Small scans collect no garbage below a fixed size, large ones by what is alive.
func TestGCPercent(t *testing.T) {
	for _, tt := range []struct {
		garbage int
		live    uint64
		want    int
	}{
		{100, 0, 1500}, // before the first collection: 16 times the 4 MiB of Go
		{100, 4 << 20, 1500},
		{100, 16 << 20, 300},
		{100, 32 << 20, 100},
		{100, 1 << 30, 100},
		{33, 32 << 20, 100},
		{33, 48 << 20, 33},
		{33, 1 << 40, 33},
	} {
		if got := gcPercent(tt.garbage, tt.live); got != tt.want {
			t.Errorf("%d %% of %d bytes: %d, want %d", tt.garbage, tt.live, got, tt.want)
		}
	}
}

// After each collection the percentage follows what is alive, until that is large.
func TestCollections(t *testing.T) {
	var live atomic.Uint64
	set := make(chan int, 1000)
	c := &collections{setPercent: func(percent int) int { set <- percent; return 0 }, live: live.Load}
	c.allow(garbageWhenReading)
	if got := <-set; got <= garbageWhenReading {
		t.Errorf("%d %% in a small program", got)
	}
	live.Store(2 * leastHeap)
	runtime.GC()
	for <-set != garbageWhenReading { // something else had garbage collected before
	}
	c.allow(garbageWhenRead)
	if got := <-set; got != garbageWhenRead {
		t.Errorf("%d %% once all is read", got)
	}
	if collect(process{getenv: func(string) string { return "off" }}) != nil {
		t.Error("GOGC says when garbage is collected, and is not heard")
	}
}
