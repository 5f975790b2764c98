package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/trailscan/trailscan/internal/attribute"
	"github.com/trailscan/trailscan/internal/report"
)

const completionHelp = `Print a script that makes a shell complete trailscan's commands and flags.

  bash        source <(trailscan completion bash)
  zsh         trailscan completion zsh > "${fpath[1]}/_trailscan"
  fish        trailscan completion fish > ~/.config/fish/completions/trailscan.fish
  powershell  trailscan completion powershell | Out-String | Invoke-Expression`

func newCompletionCommand(p process) *cobra.Command {
	shells := []string{"bash", "zsh", "fish", "powershell"}
	cmd := &cobra.Command{
		Use:       "completion SHELL",
		Short:     "Print a script that completes commands and flags in a shell",
		Long:      completionHelp,
		ValidArgs: shells,
		Args:      oneArgument("which shell? "+strings.Join(shells, ", "), shells),
		RunE: func(cmd *cobra.Command, args []string) error {
			root := cmd.Root()
			switch args[0] {
			case "bash":
				return root.GenBashCompletionV2(p.stdout, true)
			case "zsh":
				return root.GenZshCompletion(p.stdout)
			case "fish":
				return root.GenFishCompletion(p.stdout, true)
			}
			return root.GenPowerShellCompletionWithDesc(p.stdout)
		},
	}
	setUsage(cmd, p, nil)
	return cmd
}

// oneArgument demands one of the words.
func oneArgument(missing string, words []string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		hint := cmd.CommandPath() + " --help"
		switch {
		case len(args) == 0:
			return usageError(hint, "%s: %s", cmd.CommandPath(), missing)
		case len(args) > 1:
			return usageError(hint, "%s takes one argument, not %d", cmd.CommandPath(), len(args))
		}
		if _, err := oneOf(words...)(args[0]); err != nil {
			return usageError(hint, "%s %q: %w", cmd.CommandPath(), args[0], err)
		}
		return nil
	}
}

// completeFlags tells the shells what the values of flags may be.
func completeFlags(cmd *cobra.Command) {
	severities := []string{}
	for s := attribute.None; s <= attribute.Critical; s++ {
		severities = append(severities, s.String())
	}
	for flag, values := range map[string][]string{
		"format": formatNames(), "view": report.Views(), "fail-on": severities,
		"progress": {progressAuto, progressAlways, progressNever}, "log-level": logLevels,
	} {
		if cmd.Flags().Lookup(flag) == nil {
			continue
		}
		if err := cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp)); err != nil {
			panic(fmt.Sprintf("flag %s: %v", flag, err))
		}
	}
}

func formatNames() []string {
	var names []string
	for _, f := range report.Formats() {
		names = append(names, f.Name)
	}
	return names
}

func formatEndings() []string {
	var endings []string
	for _, f := range report.Formats() {
		endings = append(endings, f.Endings...)
	}
	return endings
}
