package main

import (
	"debug/elf"
	"os"
	"os/exec"
	"path"
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

// TestArchive: what the README in an archive points to lies beside it, but for
// what the tests of a clone need.
func TestArchive(t *testing.T) {
	var config struct {
		Archives []struct {
			Files []struct{ Src string }
		}
	}
	if err := yaml.Unmarshal([]byte(readDoc(t, ".goreleaser.yaml")), &config); err != nil {
		t.Fatal(err)
	}
	if len(config.Archives) != 1 {
		t.Fatalf("%d archives", len(config.Archives))
	}
	holds := func(file string) bool {
		for _, f := range config.Archives[0].Files {
			if matched, err := path.Match(f.Src, file); err != nil {
				t.Fatalf("%s: %v", f.Src, err)
			} else if matched || strings.HasPrefix(file, strings.TrimSuffix(f.Src, "*")) && strings.HasSuffix(f.Src, "/*") {
				return true // of a folder all is taken, folders in it, too
			}
		}
		return false
	}
	links := regexp.MustCompile(`\]\(([^):#]+)(?:#[^)]*)?\)`).FindAllStringSubmatch(readDoc(t, "README.md"), -1)
	if len(links) < 20 {
		t.Fatalf("only %d links", len(links))
	}
	for _, link := range links {
		if file := link[1]; !strings.HasPrefix(file, "testdata/") && !holds(file) {
			t.Errorf("the archives lack %s", file)
		}
	}
}

// TestWorkflows: what runs on GitHub is pinned, may do no more than it must, and
// makes a release with what the dry run of .goreleaser.yaml is given.
func TestWorkflows(t *testing.T) {
	tool := regexp.MustCompile(`(?m)go install (\S+@\S+)$`)
	want := tool.FindAllStringSubmatch(readDoc(t, ".goreleaser.yaml"), -1)
	if len(want) != 2 {
		t.Fatalf("the dry run of .goreleaser.yaml installs %q", want)
	}
	for _, name := range []string{"ci.yml", "release.yml"} {
		text := readDoc(t, ".github/workflows/"+name)
		var workflow struct {
			Permissions map[string]string
			Jobs        map[string]struct {
				Permissions map[string]string
				Steps       []struct{ Uses, Run string }
			}
		}
		if err := yaml.Unmarshal([]byte(text), &workflow); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if workflow.Permissions == nil {
			t.Errorf("%s leaves its permissions to the repository's settings", name)
		}
		for scope, access := range workflow.Permissions {
			if access != "read" {
				t.Errorf("%s: all jobs may %s %s", name, access, scope)
			}
		}
		for job, j := range workflow.Jobs {
			for _, step := range j.Steps {
				if step.Uses != "" && !regexp.MustCompile(`@[0-9a-f]{40}$`).MatchString(step.Uses) {
					t.Errorf("%s, %s: %s is not pinned to a commit", name, job, step.Uses)
				}
			}
		}
		if got := tool.FindAllStringSubmatch(text, -1); !slices.EqualFunc(got, want, slices.Equal) {
			t.Errorf("%s installs %q, .goreleaser.yaml %q", name, got, want)
		}
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
