//go:build unix

package ingest

import (
	"context"
	"io"
	"os"
	"syscall"
	"testing"
)

func TestLocalNamedPipe(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := syscall.Mkfifo("pipe", 0o600); err != nil {
		t.Skip("no named pipes here:", err)
	}
	written := make(chan error, 1)
	go func() { written <- os.WriteFile("pipe", []byte("through it"), 0) }()
	chunks, _, err := listLocal(t, NewLocal([]string{"pipe"}, nil))
	if err != nil || len(chunks) != 1 {
		t.Fatal(chunks, err)
	}
	for range 2 {
		rc, err := chunks[0].Open(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		if b, err := io.ReadAll(rc); err != nil || string(b) != "through it" {
			t.Errorf("%q, %v", b, err)
		}
	}
	if err := <-written; err != nil {
		t.Error(err)
	}
}
