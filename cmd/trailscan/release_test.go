package main

import (
	"debug/elf"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// maxBinary is how large the program may be, stripped, on linux/amd64. Most of
// it is the AWS SDK: html/template and text/template call methods by name, so
// that the linker keeps every operation of each client whose type an interface
// or a struct behind an interface can lead to. A function value, such as
// client.LookupEvents, leads to nothing else.
const maxBinary = 25 << 20

// TestRelease builds what .goreleaser.yaml describes, with its flags: in CI the
// program for linux/amd64, with TRAILSCAN_RELEASE=1 all of them.
func TestRelease(t *testing.T) {
	var config struct {
		Version int
		Builds  []struct {
			Main                              string
			Env, Goos, Goarch, Flags, Ldflags []string
		}
	}
	if err := yaml.Unmarshal([]byte(readDoc(t, ".goreleaser.yaml")), &config); err != nil {
		t.Fatal(err)
	}
	if config.Version != 2 || len(config.Builds) != 1 {
		t.Fatalf("version %d with %d builds", config.Version, len(config.Builds))
	}
	build := config.Builds[0]
	if !slices.Equal(build.Goos, []string{"linux", "darwin", "windows"}) || !slices.Equal(build.Goarch, []string{"amd64", "arm64"}) {
		t.Errorf("builds for %v on %v", build.Goos, build.Goarch)
	}
	if !slices.Contains(build.Env, "CGO_ENABLED=0") || !slices.Contains(build.Flags, "-trimpath") || build.Main != "./cmd/trailscan" {
		t.Errorf("env %q and flags %q of %s make no static binary without local paths", build.Env, build.Flags, build.Main)
	}
	all := os.Getenv("TRAILSCAN_RELEASE") != ""
	if !all && os.Getenv("CI") != "true" {
		t.Skip("builds the program without the cache of a plain build: set TRAILSCAN_RELEASE=1")
	}
	// The sources of a release are a clean clone; here they need not be one.
	flags := slices.DeleteFunc(build.Flags, func(f string) bool { return strings.HasPrefix(f, "-buildvcs") })
	for _, goos := range build.Goos {
		for _, goarch := range build.Goarch {
			if !all && goos+"/"+goarch != "linux/amd64" {
				continue
			}
			t.Run(goos+"/"+goarch, func(t *testing.T) {
				binary := filepath.Join(t.TempDir(), "trailscan")
				args := append(append([]string{"build"}, flags...), "-ldflags="+strings.Join(build.Ldflags, " "), "-o", binary, build.Main)
				cmd := exec.Command("go", args...)
				cmd.Dir = repository
				cmd.Env = append(append(os.Environ(), build.Env...), "GOOS="+goos, "GOARCH="+goarch)
				if out, err := cmd.CombinedOutput(); err != nil {
					t.Fatalf("%s: %v\n%s", cmd, err, out)
				}
				info, err := os.Stat(binary)
				if err != nil {
					t.Fatal(err)
				}
				t.Logf("%s/%s: %d bytes, %s", goos, goarch, info.Size(), size(info.Size()))
				if goos == "linux" && goarch == "amd64" && info.Size() > maxBinary {
					t.Errorf("%d bytes, more than %d", info.Size(), maxBinary)
				}
				if goos == "linux" {
					checkStatic(t, binary)
				}
			})
		}
	}
}

// checkStatic holds that a binary needs nothing of the system that it runs on.
func checkStatic(t *testing.T, binary string) {
	t.Helper()
	f, err := elf.Open(binary)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP {
			t.Error("it needs a dynamic linker")
		}
	}
	if f.Section(".symtab") != nil || f.Section(".debug_info") != nil {
		t.Error("it is not stripped")
	}
}

// TestContainer: the image runs without root, and with the binary alone.
func TestContainer(t *testing.T) {
	dockerfile := readDoc(t, "Dockerfile")
	for _, want := range []string{
		`(?m)^FROM gcr\.io/distroless/static-\S+:nonroot$`,
		`(?m)^COPY \$TARGETPLATFORM/trailscan /usr/bin/trailscan$`,
		`(?m)^USER [1-9][0-9]*:[1-9][0-9]*$`,
		`(?m)^ENTRYPOINT \["/usr/bin/trailscan"\]$`,
	} {
		if !regexp.MustCompile(want).MatchString(dockerfile) {
			t.Errorf("the Dockerfile has no line %s", want)
		}
	}
	if regexp.MustCompile(`(?m)^RUN`).MatchString(dockerfile) {
		t.Error("the Dockerfile runs something: the image has no shell")
	}
}
