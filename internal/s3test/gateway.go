// Package s3test runs versitygw, a real S3 server that checks signatures,
// policies and checksums, for tests. It is never a part of the product.
package s3test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

// The server, which tools.mod pins. It is built once and kept in the user's
// cache.
const (
	module  = "github.com/versity/versitygw"
	version = "v1.8.0"
)

// Key and Secret are the credentials of the gateway's owner. The reader's are
// those of a user that may do what a bucket's policy allows and nothing else.
const (
	Key          = "AKIATESTROOT00000001"
	Secret       = "test-root-secret-0000000000000000000000"
	ReaderKey    = "AKIATESTREADER000001"
	ReaderSecret = "test-reader-secret-00000000000000000000"
)

// Gateway is a running server.
type Gateway struct {
	URL   string
	dir   string
	kept  bool
	cmd   *exec.Cmd
	stdin io.Closer
}

// Start builds the server, if the cache lacks it, and starts it. The error says
// why there is none to test with.
func Start() (*Gateway, error) { return start("") }

// StartIn is Start for a server without a reader that keeps its buckets in a
// folder, from one run to the next. The folder's file system must know extended
// attributes: what S3 stores beside an object's bytes would else be files, four
// for each object.
func StartIn(dir string) (*Gateway, error) { return start(dir) }

func start(dir string) (*Gateway, error) {
	binary, err := build()
	if err != nil {
		return nil, fmt.Errorf("no S3 server to test with: %w", err)
	}
	g := &Gateway{kept: dir != ""}
	if !g.kept {
		g.dir, err = os.MkdirTemp("", "trailscan-s3-")
	} else {
		g.dir, err = filepath.Abs(dir)
	}
	if err != nil {
		return nil, err
	}
	if err := g.serve(binary); err != nil {
		g.Stop()
		return nil, err
	}
	return g, nil
}

// Stop ends the server and, unless StartIn made it, removes what it stored.
func (g *Gateway) Stop() {
	if g.stdin != nil {
		g.stdin.Close()
		g.cmd.Wait()
	}
}

func build() (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	_, file, _, _ := runtime.Caller(0)
	modfile := filepath.Join(filepath.Dir(file), "..", "..", "tools.mod")
	mod, err := os.ReadFile(modfile)
	if err != nil {
		return "", err
	}
	if !strings.Contains(string(mod), module+" "+version) {
		return "", fmt.Errorf("tools.mod does not require %s %s", module, version)
	}
	dir := filepath.Join(cache, "trailscan-tests")
	binary := filepath.Join(dir, "versitygw-"+version+"-"+runtime.GOOS+"-"+runtime.GOARCH)
	if _, err := os.Stat(binary); err == nil {
		return binary, nil
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	// Built beside and renamed, since several packages' tests run at once.
	temp, err := os.MkdirTemp(dir, "build")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(temp)
	built := filepath.Join(temp, "versitygw")
	cmd := exec.Command("go", "build", "-modfile="+modfile, "-o", built, module+"/cmd/versitygw")
	cmd.Dir = filepath.Dir(modfile)
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%s: %w\n%s", cmd, err, out)
	}
	return binary, os.Rename(built, binary)
}

func (g *Gateway) serve(binary string) error {
	data, meta, iam := filepath.Join(g.dir, "data"), filepath.Join(g.dir, "meta"), filepath.Join(g.dir, "iam")
	for _, dir := range []string{data, meta, iam} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	address := listener.Addr().String()
	listener.Close()

	// The shell ends the server when its input does, which is when this process
	// ends, however that comes.
	script := `"$@" >"$DIR/log" 2>&1 & cat >/dev/null; kill $!; wait`
	store := []string{data}
	if !g.kept {
		script += `; rm -rf "$DIR"`
		store = []string{"--sidecar", meta, data}
	}
	// S3 keeps connections alive; this server has to be told.
	args := []string{"-c", script, "sh", binary, "--port", address, "--region", "us-east-1", "--iam-dir", iam, "--quiet", "--keep-alive", "posix"}
	g.cmd = exec.Command("sh", append(args, store...)...)
	g.cmd.Env = append(os.Environ(), "DIR="+g.dir, "ROOT_ACCESS_KEY="+Key, "ROOT_SECRET_KEY="+Secret)
	if g.stdin, err = g.cmd.StdinPipe(); err != nil {
		return err
	}
	if err := g.cmd.Start(); err != nil {
		return err
	}
	g.URL = "http://" + address
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.After(30 * time.Second); ; {
		select {
		case <-deadline:
			log, _ := os.ReadFile(filepath.Join(g.dir, "log"))
			return fmt.Errorf("%s does not answer\n%s", binary, log)
		case <-tick.C:
		}
		if resp, err := http.Get(g.URL); err == nil {
			resp.Body.Close()
			break
		}
	}
	if g.kept {
		return nil
	}
	out, err := exec.Command(binary, "admin", "-a", Key, "-s", Secret, "--er", g.URL,
		"create-user", "--access", ReaderKey, "--secret", ReaderSecret, "--role", "user").CombinedOutput()
	if err != nil {
		return fmt.Errorf("create user: %w\n%s", err, out)
	}
	return nil
}
