package main

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
)

// runMeasured is a program that runs another one, and writes the most memory that
// it had, in bytes, to the file PEAK. A process begins with what the one that starts
// it has, so that it must be a small one.
//
// https://man7.org/linux/man-pages/man2/getrusage.2.html (ru_maxrss)
func runMeasured() {
	cmd := exec.Command(os.Args[1], os.Args[2:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.Run()
	if err := os.WriteFile(os.Getenv("PEAK"), strconv.AppendInt(nil, peakMemory(cmd.ProcessState), 10), 0o644); err != nil {
		panic(err)
	}
	os.Exit(cmd.ProcessState.ExitCode())
}

// measured is binary, and gives the most memory that the process had, in bytes, or
// 0 where that is not known.
func measured(t *testing.T, stdin string, args ...string) (status int, peak int64, stdout, stderr string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "peak")
	t.Setenv("PEAK", file)
	status, stdout, stderr = runBinary(t, stdin, append([]string{"measured", "trailscan"}, args...)...)
	text, err := os.ReadFile(file)
	if err == nil {
		peak, err = strconv.ParseInt(string(text), 10, 64)
	}
	if err != nil {
		t.Fatal(err)
	}
	return status, peak, stdout, stderr
}

// inflating is a log with one record, a call of the nth session, and so many
// bytes of white space, compressed.
func inflating(t *testing.T, n int, format string, size int) []byte {
	t.Helper()
	record := fmt.Sprintf(`{"eventID":"5e0e8a1c-2222-4c5e-9d57-%012d","eventTime":"2026-11-20T08:00:00Z","eventName":"GetObject","eventSource":"s3.amazonaws.com","awsRegion":"eu-west-1","recipientAccountId":"111122223333","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:run-%d","arn":"arn:aws:sts::111122223333:assumed-role/batch/run-%d","accountId":"111122223333","accessKeyId":"ASIA%016d"}}`, n, n, n, n)
	log := `{"Records":[` + record + strings.Repeat(" ", size) + `]}`
	var out bytes.Buffer
	switch format {
	case "gzip":
		w := gzip.NewWriter(&out)
		w.Write([]byte(log))
		w.Close()
	case "zstd":
		w, err := zstd.NewWriter(&out)
		if err != nil {
			t.Fatal(err)
		}
		w.Write([]byte(log))
		w.Close()
	default:
		out.WriteString(log)
	}
	return out.Bytes()
}

// TestInflatesTooFar: an object that inflates beyond --max-object-size is named in
// the report with what was read of it, and costs no other. Much less than it
// inflates to is in memory.
func TestInflatesTooFar(t *testing.T) {
	const size, most = 64 << 20, 56 << 20 // bytes
	dir := t.TempDir()
	for n, name := range []string{"bomb.json.gz", "bomb.json.zst", "plain.json"} {
		format, much := map[string]string{".gz": "gzip", ".zst": "zstd"}[filepath.Ext(name)], size
		if format == "" {
			much = 4 << 20 // what is as large on disk hides nothing
		}
		if err := os.WriteFile(filepath.Join(dir, name), inflating(t, n, format, much), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, tt := range []struct {
		args     []string
		status   int
		problems []string
	}{
		{nil, exitOK, nil},
		{[]string{"--max-object-size", "1MiB"}, exitIncomplete, []string{"bomb.json.gz", "bomb.json.zst"}},
	} {
		status, peak, stdout, stderr := measured(t, "", append(tt.args, dir, "--format", "json")...)
		var report struct {
			Scan struct {
				Events, ObjectsFailed int64
				Problems              []struct {
					Object, Stage, Error string
					Offset, Count        int64
				}
			}
		}
		if err := json.Unmarshal([]byte(stdout), &report); err != nil || status != tt.status {
			t.Fatalf("%q: exit status %d, %v: %s", tt.args, status, err, stderr)
		}
		if report.Scan.Events != 3 || report.Scan.ObjectsFailed != int64(len(tt.problems)) || len(report.Scan.Problems) != len(tt.problems) {
			t.Fatalf("%q: %+v", tt.args, report.Scan)
		}
		for i, p := range report.Scan.Problems {
			if p.Object != filepath.Join(dir, tt.problems[i]) || p.Stage != "decompress" || p.Offset != 1<<20 || !strings.HasPrefix(p.Error, "inflates to more than 1 MiB, ") {
				t.Errorf("%q: %+v, want one of %s", tt.args, p, tt.problems[i])
			}
		}
		if peak > most {
			t.Errorf("%q: %s in memory, more than %s", tt.args, size64(peak), size64(most))
		}
	}
}

func size64(n int64) string { return fmt.Sprintf("%d MiB", n>>20) }

// TestMemoryForReal: a scan that would take more memory than it may ends by itself
// and says what to do.
func TestMemoryForReal(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("not measured there")
	}
	const most = 64 << 20
	report := filepath.Join(t.TempDir(), "report.json")
	status, peak, stdout, stderr := measured(t, manySessions(150_000), "-", "--max-memory", "64MiB", "-o", report)
	if status != exitFailed || stdout != "" || !strings.Contains(stderr, "needs more memory than the 64.0 MiB that it may use (--max-memory)") || !strings.Contains(stderr, "narrow it with --since") {
		t.Errorf("exit status %d, %d bytes on standard output, standard error\n%s", status, len(stdout), stderr)
	}
	if entries, err := os.ReadDir(filepath.Dir(report)); err != nil || len(entries) > 0 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
	// It is looked at four times a second; the program itself takes its part too.
	if peak > 4*most {
		t.Errorf("%s were in memory before it ended", size64(peak))
	}
}
