package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
)

// newManCommand is for whoever packages trailscan; help does not list it.
func newManCommand(p process) *cobra.Command {
	cmd := &cobra.Command{
		Use:    "man DIRECTORY",
		Short:  "Write manual pages of all commands into a directory",
		Hidden: true,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usageError("", "%s takes the directory to write to", cmd.CommandPath())
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			root := cmd.Root()
			root.DisableAutoGenTag = true
			date := p.now()
			// So that a package of one commit is always the same.
			// https://reproducible-builds.org/specs/source-date-epoch/
			if epoch, err := strconv.ParseInt(p.getenv("SOURCE_DATE_EPOCH"), 10, 64); err == nil {
				date = time.Unix(epoch, 0).UTC()
			}
			root.Long = listed(root.Long)
			for _, c := range root.Commands() {
				c.Long = listed(c.Long)
			}
			header := &doc.GenManHeader{Title: "TRAILSCAN", Section: "1", Source: "trailscan " + version(), Manual: "User Commands", Date: &date}
			if err := doc.GenManTree(root, header, args[0]); err != nil {
				return fmt.Errorf("manual pages in %s: %w", args[0], bare(err))
			}
			return nil
		},
	}
	setUsage(cmd, p, nil)
	return cmd
}

// listed indents the lists of a help text as far as Markdown, of which manual
// pages are made, wants it to keep their columns.
func listed(help string) string {
	return strings.ReplaceAll("\n"+help, "\n  ", "\n    ")[1:]
}
