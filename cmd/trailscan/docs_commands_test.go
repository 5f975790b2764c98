package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/trailscan/trailscan/internal/attribute"
	"github.com/trailscan/trailscan/internal/cloudtrailtest"
)

// documented is a command line of the documentation.
type documented struct {
	where string
	args  []string // what comes after trailscan
}

// documentedCommands finds all trailscan commands in the README and in the
// examples.
func documentedCommands(t *testing.T) []documented {
	t.Helper()
	var all []documented
	shell := func(where, script string) {
		n := len(all)
		for line := range strings.SplitSeq(strings.ReplaceAll(script, "\\\n", " "), "\n") {
			for _, words := range shellCommands(t, line) {
				switch {
				case filepath.Base(words[0]) == "trailscan":
					all = append(all, documented{where, words[1:]})
				case len(words) > 2 && words[0] == "go" && words[1] == "run" && words[2] == "./cmd/trailscan":
					all = append(all, documented{where, words[3:]})
				}
			}
		}
		if len(all) == n && !strings.HasPrefix(where, "README") {
			t.Errorf("%s runs no trailscan", where)
		}
	}
	for _, m := range regexp.MustCompile("(?ms)^```(?:sh|console)\n(.*?)^```$").FindAllStringSubmatch(readDoc(t, "README.md"), -1) {
		shell("README.md", regexp.MustCompile(`(?m)^\$ `).ReplaceAllString(m[1], ""))
	}

	var cron strings.Builder
	for line := range strings.Lines(readDoc(t, "examples/crontab")) {
		fields := strings.Fields(line)
		if len(fields) > 6 && regexp.MustCompile(`^[0-9*/,-]+$`).MatchString(fields[0]) {
			if strings.Contains(line, "%") {
				t.Errorf("cron ends a command at %%: %s", line)
			}
			fmt.Fprintln(&cron, strings.Join(fields[6:], " "))
		}
	}
	shell("examples/crontab", cron.String())

	_, unit, ok := strings.Cut(readDoc(t, "examples/trailscan.service"), "\nExecStart=")
	if !ok {
		t.Error("examples/trailscan.service has no ExecStart=")
	}
	start, _, _ := strings.Cut(unit, "\n")
	shell("examples/trailscan.service", start)

	var job struct {
		Spec struct {
			JobTemplate struct {
				Spec struct {
					Template struct {
						Spec struct{ Containers []struct{ Args []string } }
					}
				}
			} `yaml:"jobTemplate"`
		}
	}
	for _, doc := range yamlDocuments(t, "examples/kubernetes-cronjob.yaml") {
		if err := doc.Decode(&job); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range job.Spec.JobTemplate.Spec.Template.Spec.Containers {
		all = append(all, documented{"examples/kubernetes-cronjob.yaml", c.Args})
	}
	if len(job.Spec.JobTemplate.Spec.Template.Spec.Containers) != 1 {
		t.Error("examples/kubernetes-cronjob.yaml does not run one container")
	}

	var workflow struct {
		Jobs map[string]struct{ Steps []struct{ Name, Run string } }
	}
	if err := yamlDocuments(t, "examples/github-actions.yaml")[0].Decode(&workflow); err != nil {
		t.Fatal(err)
	}
	for _, step := range workflow.Jobs["scan"].Steps {
		if step.Name == "Scan" {
			shell("examples/github-actions.yaml", step.Run)
		}
	}
	return all
}

func yamlDocuments(t *testing.T, name string) []*yaml.Node {
	t.Helper()
	dec := yaml.NewDecoder(strings.NewReader(readDoc(t, name)))
	var docs []*yaml.Node
	for {
		var doc yaml.Node
		switch err := dec.Decode(&doc); err {
		case nil:
			docs = append(docs, &doc)
		case io.EOF:
			if len(docs) == 0 {
				t.Fatalf("%s is empty", name)
			}
			return docs
		default:
			t.Fatalf("%s: %v", name, err)
		}
	}
}

// shellCommands takes a line of a shell apart into the commands of its pipes and
// lists, without redirections, as far as the documentation needs it.
func shellCommands(t *testing.T, line string) [][]string {
	t.Helper()
	var commands [][]string
	var words []string
	var word strings.Builder
	var quote rune
	inWord, redirect := false, false
	endWord := func() {
		if inWord && !redirect {
			words = append(words, word.String())
		}
		if inWord {
			redirect = false
		}
		word.Reset()
		inWord = false
	}
	endCommand := func() {
		endWord()
		if len(words) > 0 {
			commands = append(commands, words)
		}
		words = nil
	}
	for _, r := range line {
		switch {
		case quote != 0 && r == quote:
			quote = 0
		case quote != 0:
			word.WriteRune(r)
		case r == '\'' || r == '"':
			quote, inWord = r, true
		case r == '#' && !inWord:
			endCommand()
			return commands
		case r == '|' || r == '&' || r == ';':
			endCommand()
		case r == '>' || r == '<':
			endWord()
			redirect = true
		case r == ' ' || r == '\t':
			endWord()
		default:
			word.WriteRune(r)
			inWord = true
		}
	}
	if quote != 0 {
		t.Errorf("unfinished quotes: %s", line)
	}
	endCommand()
	return commands
}

// TestDocumentedCommands runs every trailscan command of the documentation,
// against a real S3 server and a stand-in of LookupEvents, on the afternoon of
// the day that the small trails are of.
func TestDocumentedCommands(t *testing.T) {
	if testing.Short() {
		t.Skip("builds and runs an S3 server")
	}
	all := documentedCommands(t)
	for _, cmd := range append(commands(process{now: time.Now}), newScanCommand(process{now: time.Now})) {
		for line := range strings.SplitSeq(cmd.Example, "\n") {
			for _, words := range shellCommands(t, line) {
				all = append(all, documented{cmd.CommandPath() + " --help", words[1:]})
			}
		}
	}
	gateway := startS3(t)
	t.Setenv("AWS_REGION", "us-east-1")
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	fill(t, gateway.URL)

	now := time.Date(2026, 11, 2, 15, 0, 0, 0, time.UTC)
	api, err := cloudtrailtest.New(trailRecords(t, repository+"/testdata/trails/good-citizen"))
	if err != nil {
		t.Fatal(err)
	}
	api.Now = func() time.Time { return now }
	api.Rate, api.Burst = 1000, 1000
	web := httptest.NewServer(api)
	t.Cleanup(web.Close)
	t.Setenv("AWS_ENDPOINT_URL_ATHENA", startAthena(t, gateway.URL))
	t.Setenv("AWS_ENDPOINT_URL", gateway.URL)
	t.Setenv("AWS_ENDPOINT_URL_CLOUDTRAIL", web.URL)
	t.Setenv("AWS_ENDPOINT_URL_ACCOUNT", web.URL)

	// What the commands find in their directory
	dir := t.TempDir()
	object := ""
	for _, name := range []string{"logs", "testdata/trails"} {
		if err := os.CopyFS(filepath.Join(dir, name), os.DirFS(repository+"/testdata/trails")); err != nil {
			t.Fatal(err)
		}
	}
	err = filepath.WalkDir(filepath.Join(dir, "logs"), func(path string, d fs.DirEntry, err error) error {
		if strings.HasSuffix(path, ".json.gz") {
			object = path
		}
		return err
	})
	if err != nil || object == "" {
		t.Fatalf("no log to read from standard input: %v", err)
	}
	settings := readDoc(t, "examples/trailscan.yaml")
	t.Chdir(dir)
	if err := os.WriteFile("trailscan.yaml", []byte(settings), 0o644); err != nil {
		t.Fatal(err)
	}
	const empty = `{"schemaVersion": 1, "findings": [], "sessionNames": []}`
	for _, c := range all {
		t.Run(c.where+"/"+strings.Join(c.args, " "), func(t *testing.T) {
			if err := os.WriteFile("last.json", []byte(empty), 0o644); err != nil {
				t.Fatal(err)
			}
			var args []string
			for _, a := range c.args {
				args = append(args, strings.ReplaceAll(a, "/var/lib/trailscan/", dir+"/"))
			}
			stdin, err := os.Open(object)
			if err != nil {
				t.Fatal(err)
			}
			defer stdin.Close()
			var stdout, stderr bytes.Buffer
			status := run(context.Background(), process{
				args: args, stdin: stdin, stdout: &stdout, stderr: &stderr,
				getenv: func(string) string { return "" }, now: func() time.Time { return now }, every: ticker,
			})
			// No digest signs this trail; TestVerifyScript has one that is signed.
			unsigned := slices.Contains(args, "--verify") && status == exitIncomplete
			fails := slices.ContainsFunc(args, func(a string) bool { return strings.HasPrefix(a, "--fail-on") })
			switch {
			case strings.HasSuffix(c.where, "--help"):
				// The names in it are examples; what they name need not be there.
				if status == exitUsage {
					t.Errorf("wrong usage: %s", &stderr)
				}
			case status != exitOK && !unsigned && !(fails && status == exitFindings):
				t.Errorf("exit status %d: %s", status, &stderr)
			case stdout.Len() == 0:
				t.Error("it prints nothing")
			}
		})
	}
}

// trailRecords are all records of a trail, as LookupEvents knows them.
func trailRecords(t *testing.T, dir string) []json.RawMessage {
	t.Helper()
	var records []json.RawMessage
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".json.gz") {
			return err
		}
		file, err := os.Open(path)
		if err != nil {
			return err
		}
		defer file.Close()
		r, err := gzip.NewReader(file)
		if err != nil {
			return err
		}
		var object struct{ Records []json.RawMessage }
		if err := json.NewDecoder(r).Decode(&object); err != nil {
			return err
		}
		records = append(records, object.Records...)
		return nil
	})
	if err != nil || len(records) == 0 {
		t.Fatalf("%s: %d records: %v", dir, len(records), err)
	}
	return records
}

// TestFirstBaseline runs what the examples do before the first report.
func TestFirstBaseline(t *testing.T) {
	if _, err := exec.LookPath("sh"); err != nil {
		t.Skip("no shell: ", err)
	}
	unit := regexp.MustCompile(`(?m)^ExecStartPre=/bin/sh -c (".*")$`).FindStringSubmatch(readDoc(t, "examples/trailscan.service"))
	cron := regexp.MustCompile(`(?m)^# +(echo .*) > /var/lib/trailscan/last\.json$`).FindStringSubmatch(readDoc(t, "examples/crontab"))
	if unit == nil || cron == nil {
		t.Fatal("the examples make no first baseline")
	}
	script, err := strconv.Unquote(unit[1]) // systemd unescapes as C does
	if err != nil {
		t.Fatal(err)
	}
	for _, script := range []string{script, cron[1] + " > last.json"} {
		sh := exec.Command("sh", "-c", script)
		sh.Dir = t.TempDir()
		if out, err := sh.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", script, err, out)
		}
		file, err := os.Open(filepath.Join(sh.Dir, "last.json"))
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		if _, err := attribute.ReadBaseline(file); err != nil {
			t.Errorf("%s: %v", script, err)
		}
	}
}
