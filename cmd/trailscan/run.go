package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// process is everything that a process has: nothing below reads arguments,
// environment or clock from anywhere else. (The AWS SDK reads its own variables
// and files.)
type process struct {
	args           []string
	stdin          io.Reader
	stdout, stderr io.Writer
	getenv         func(string) string
	now            func() time.Time
	every          func(time.Duration) (ticks <-chan time.Time, stop func())
	memory         func() int64 // bytes in use; nil where nobody watches
	machine        func() int64 // bytes that the machine can give, 0 where it does not tell; or nil

	abort func(error) // ends the run; run sets it
}

// grace is how long a command that was told to stop has until the process ends
// without it.
const grace = 500 * time.Millisecond

// run runs one command line and gives the exit status.
func run(ctx context.Context, p process) int {
	ctx, abort := context.WithCancelCause(ctx)
	defer abort(nil)
	p.abort = abort
	done := make(chan error, 1)
	go func() { done <- newRoot(p).ExecuteContext(ctx) }()
	select {
	case err := <-done:
		return exitStatus(ctx, err, p.stderr)
	case <-ctx.Done():
	}
	// Nothing interrupts a read of standard input that waits for a pipe.
	overtime, stop := p.every(grace)
	defer stop()
	select {
	case err := <-done:
		return exitStatus(ctx, err, p.stderr)
	case <-overtime:
		return exitStatus(ctx, ctx.Err(), p.stderr)
	}
}

// newRoot makes the command tree of one process.
func newRoot(p process) *cobra.Command {
	root := newScanCommand(p)
	root.SetArgs(joinRequestPayer(p.args))
	root.SetIn(p.stdin)
	root.SetOut(p.stdout)
	root.SetErr(p.stderr)
	root.SilenceErrors = true // exitStatus says them, in one line
	root.SilenceUsage = true
	root.Version = version()
	root.SetVersionTemplate("{{.Name}} {{.Version}}\n")
	root.SetFlagErrorFunc(flagError)
	root.CompletionOptions.DisableDefaultCmd = true // ours tells mistakes as usage errors
	if commands := commands(p); !stdinFirst(p.args, commands) {
		root.AddCommand(commands...)
	}
	return root
}

// commands are those beside the scan.
func commands(p process) []*cobra.Command {
	return []*cobra.Command{newExplainCommand(p), newPolicyCommand(p), newAthenaCommand(p), newRulesCommand(p), newCompletionCommand(p), newManCommand(p)}
}

// stdinFirst reports whether - stands before every word that could be a
// command: cobra, which takes it for a flag, would find the command in
// "trailscan - rules", where rules is a directory.
func stdinFirst(args []string, commands []*cobra.Command) bool {
	for _, a := range args {
		if a == "-" {
			return true
		}
		if slices.ContainsFunc(commands, func(c *cobra.Command) bool { return c.Name() == a }) {
			return false
		}
	}
	return false
}

// joinRequestPayer lets --request-payer be written as for the AWS CLI, with the
// only value it has behind it, and without.
func joinRequestPayer(args []string) []string {
	var joined []string
	for i := 0; i < len(args); i++ {
		switch {
		case args[i] == "--":
			return append(joined, args[i:]...)
		case args[i] == "--request-payer" && i+1 < len(args) && args[i+1] == requester:
			joined = append(joined, "--request-payer="+requester)
			i++
		default:
			joined = append(joined, args[i])
		}
	}
	return joined
}

// flagError words what pflag says about a flag and adds a hint.
func flagError(cmd *cobra.Command, err error) error {
	var (
		unknown *pflag.NotExistError
		invalid *pflag.InvalidValueError
		hint    = fmt.Sprintf("%s --help lists the flags", cmd.CommandPath())
	)
	switch {
	case errors.As(err, &invalid):
		return usageError(hint, "--%s %q: %w", invalid.GetFlag().Name, invalid.GetValue(), invalid.Unwrap())
	case errors.As(err, &unknown) && unknown.GetSpecifiedShortnames() == "":
		name := unknown.GetSpecifiedName()
		if cmd.HasParent() && cmd.Root().Flags().Lookup(name) != nil {
			hint = fmt.Sprintf("to scan a directory called %s, give it as ./%s", cmd.Name(), cmd.Name())
		} else if near := nearestFlag(cmd.Flags(), name); near != "" {
			hint = fmt.Sprintf("did you mean --%s? %s", near, hint)
		}
		return usageError(hint, "unknown flag --%s", name)
	}
	return usageError(hint, "%w", err)
}

// nearestFlag finds the flag that a mistyped name was probably meant to be.
func nearestFlag(flags *pflag.FlagSet, name string) string {
	near := ""
	flags.VisitAll(func(f *pflag.Flag) {
		if near != "" || f.Hidden {
			return
		}
		plain := func(s string) string { return strings.ReplaceAll(strings.ToLower(s), "-", "") }
		a, b := plain(name), plain(f.Name)
		if a == b || len(a) > 2 && (strings.HasPrefix(b, a) || strings.HasPrefix(a, b)) || oneSlip(a, b) {
			near = f.Name
		}
	})
	return near
}

// oneSlip reports whether a and b differ by one letter that was added, left
// out or changed, or by two neighbours that changed places.
func oneSlip(a, b string) bool {
	for len(a) > 0 && len(b) > 0 && a[0] == b[0] {
		a, b = a[1:], b[1:]
	}
	for len(a) > 0 && len(b) > 0 && a[len(a)-1] == b[len(b)-1] {
		a, b = a[:len(a)-1], b[:len(b)-1]
	}
	return len(a)+len(b) > 0 && len(a) <= 1 && len(b) <= 1 ||
		len(a) == 2 && len(b) == 2 && a[0] == b[1] && a[1] == b[0]
}

// version is the module's version as the Go command stamped it into the binary.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" {
		return "(devel)"
	}
	return strings.TrimPrefix(info.Main.Version, "v")
}
