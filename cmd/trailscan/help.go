package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

const scanHelp = `Trailscan reads CloudTrail logs and says which app or person is behind each AWS
role session name, how surely that is known, and which names hide it.

Give one kind of source:

  PATH ...            files and directories, in any form of CloudTrail
                      records, compressed or not; - is standard input
  s3://BUCKET/PREFIX  a trail's bucket, like --bucket and --prefix
  --lookup            the LookupEvents API

A directory that is named like a command is given as ./policy.`

const scanExamples = `  trailscan logs/
  trailscan --bucket trail-logs --since 24h -o report.html
  trailscan s3://trail-logs/org --since 7d --account 111122223333 --format json
  trailscan --lookup --region eu-west-1,us-east-1 --since 2h
  trailscan logs/ --baseline last.json -o this.json --fail-on high`

const scanStatuses = `Exit status:
  0    the scan is complete
  1    it could not run; nothing was reported
  2    wrong usage
  3    a finding at or above --fail-on
  4    a report was written, but part of the input could not be read
  130  it was interrupted`

// helpWidth is the widest that help is set.
const helpWidth = 100

// setUsage adds the flags of the groups to a command and makes its help show
// them group by group.
func setUsage(cmd *cobra.Command, p process, groups []flagGroup) {
	for _, g := range groups {
		g.flags.SortFlags = false
		cmd.Flags().AddFlagSet(g.flags)
	}
	cmd.SetUsageFunc(func(cmd *cobra.Command) error {
		writeUsage(cmd.OutOrStdout(), cmd, groups, min(terminalWidth(p.stdout, p.getenv), helpWidth))
		return nil
	})
}

func writeUsage(w io.Writer, cmd *cobra.Command, groups []flagGroup, width int) {
	fmt.Fprintf(w, "Usage:\n  %s\n", cmd.UseLine())
	if cmd.Example != "" {
		fmt.Fprintf(w, "\nExamples:\n%s\n", cmd.Example)
	}
	if cmd.HasAvailableSubCommands() {
		fmt.Fprintf(w, "\nCommands:\n")
		for _, c := range cmd.Commands() {
			if c.IsAvailableCommand() {
				fmt.Fprintf(w, "  %-12s%s\n", c.Name(), c.Short)
			}
		}
	}
	other := pflag.NewFlagSet("other", pflag.ContinueOnError)
	cmd.LocalFlags().VisitAll(func(f *pflag.Flag) {
		if !slices.ContainsFunc(groups, func(g flagGroup) bool { return g.flags.Lookup(f.Name) != nil }) {
			other.AddFlag(f)
		}
	})
	for _, g := range append(slices.Clone(groups), flagGroup{"Other", other}) {
		if !g.flags.HasAvailableFlags() {
			continue
		}
		// pflag tells that a switch takes =false, which nobody writes.
		fmt.Fprintf(w, "\n%s:\n%s", g.title, strings.ReplaceAll(g.flags.FlagUsagesWrapped(width), "[=true|false]", "             "))
	}
	if !cmd.HasParent() {
		fmt.Fprintf(w, "\n%s\n", scanStatuses)
	}
}
