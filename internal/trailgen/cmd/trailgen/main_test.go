package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/trailscan/trailscan/internal/trailgen"
)

func TestRun(t *testing.T) {
	for _, c := range []struct {
		name    string
		args    []string
		failure string // what the error says; empty where there is none
	}{
		{"no folder", nil, "-out: missing"},
		{"no such scenario", []string{"-scenario", "none", "-out", t.TempDir()}, "choose one of string-value, "},
		{"bad start", []string{"-start", "yesterday", "-out", t.TempDir()}, "-start: "},
		{"one account", []string{"-accounts", "1", "-out", t.TempDir()}, "accounts: 1 is too few"},
		{"bad flag", []string{"-size", "3"}, "flag provided but not defined"},
		{"a scenario", []string{"-scenario", "github-actions", "-out", t.TempDir()}, ""},
		{"an organization", []string{"-events", "1", "-accounts", "2", "-hours", "1", "-random-names", "3", "-same-names", "3", "-org", "-out", t.TempDir()}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			var stdout, stderr bytes.Buffer
			err := run(context.Background(), c.args, &stdout, &stderr)
			if c.failure != "" {
				if err == nil || !strings.Contains(err.Error(), c.failure) {
					t.Errorf("error %v, want %q", err, c.failure)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(stdout.String(), " events and ") {
				t.Errorf("printed %q", stdout.String())
			}
			for _, file := range []string{trailgen.TruthFile, trailgen.SummaryFile, "AWSLogs"} {
				if _, err := os.Stat(filepath.Join(c.args[len(c.args)-1], file)); err != nil {
					t.Error(err)
				}
			}
		})
	}
}
