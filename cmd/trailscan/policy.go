package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/trailscan/trailscan/internal/attribute"
	"github.com/trailscan/trailscan/internal/report"
)

const policyHelp = `Propose for each role the trust policy that its good callers of today would pass,
with conditions on the session names that they use, and list beside it the
callers that it would lock out. Nothing is applied: read it, and try it on a
role of no importance first.`

const policyExamples = `  trailscan policy logs/ --role 'orders-*'
  trailscan policy s3://trail-logs --since 2w --format json`

func newPolicyCommand(p process) *cobra.Command {
	now := p.now()
	f := newInputFlags(now)
	format := parsed[string]{kind: "FORMAT", parse: oneOf(report.TextFormats()...), value: report.TextTable, text: report.TextTable}
	cmd := &cobra.Command{
		Use:     "policy [flags] SOURCE",
		Short:   "Propose trust-policy conditions per role, from what was seen",
		Long:    policyHelp,
		Example: policyExamples,
		Args:    cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			rd, err := f.reading(args, now)
			if err != nil {
				return err
			}
			return rd.policies(cmd.Context(), p, format.value)
		},
	}
	output := pflag.NewFlagSet("output", pflag.ContinueOnError)
	output.Var(&format, "format", "how to show them: "+words(report.TextFormats()))
	setUsage(cmd, p, append(f.groups(), flagGroup{"Output", output}))
	return cmd
}

// policies reads and proposes.
func (rd *reading) policies(ctx context.Context, p process, format string) error {
	notes := newNotes(p.stderr, rd.flags.logLevel.value, rd.flags.quiet)
	audit := attribute.NewAudit(rd.options())
	got, err := rd.readInto(ctx, p, notes, audit)
	if err != nil {
		return err
	}
	scan := rd.scanned(got)
	if err := report.WritePolicies(report.CancelWriter(ctx, p.stdout), format, scan, audit.Policies(), rd.show(p)); err != nil {
		return fmt.Errorf("standard output: %w", bare(err))
	}
	return incomplete(scan)
}
