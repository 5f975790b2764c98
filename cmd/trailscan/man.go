package main

import (
	"fmt"
	"strconv"
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
