package main

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"github.com/trailscan/trailscan/internal/attribute"
	"github.com/trailscan/trailscan/internal/report"
)

const rulesHelp = `List the rules that session names are held to: when each fires, why that matters
and what to do. With the ids of rules, only those.

--config switches rules off, changes their severity and ignores single findings.`

func newRulesCommand(p process) *cobra.Command {
	var ids []string
	for _, r := range attribute.Rules() {
		ids = append(ids, r.ID)
	}
	cmd := &cobra.Command{
		Use:       "rules [RULE ...]",
		Short:     "List the rules, what each means and how to fix it",
		Long:      rulesHelp,
		ValidArgs: ids,
		RunE: func(cmd *cobra.Command, args []string) error {
			for _, a := range args {
				if _, err := oneOf(ids...)(a); err != nil {
					return usageError(cmd.CommandPath()+" lists them all", "no rule is called %q", a)
				}
			}
			return writeRules(p.stdout, args, min(terminalWidth(p.stdout, p.getenv), helpWidth))
		},
	}
	setUsage(cmd, p, nil)
	return cmd
}

// writeRules writes the text of the rules, of all where none is named.
func writeRules(w io.Writer, only []string, width int) error {
	var b strings.Builder
	for _, r := range attribute.Rules() {
		if len(only) > 0 {
			if _, err := oneOf(only...)(r.ID); err != nil {
				continue
			}
		}
		if b.Len() > 0 {
			b.WriteByte('\n')
		}
		fmt.Fprintf(&b, "%s (%s)\n", r.ID, r.Severity)
		wrap(&b, "  fires  ", r.When, width)
		wrap(&b, "  why    ", r.Why, width)
		wrap(&b, "  fix    ", r.Fix, width)
	}
	if _, err := io.WriteString(w, b.String()); err != nil {
		return fmt.Errorf("standard output: %w", bare(err))
	}
	return nil
}

// wrap writes a text in lines of at most width columns, the first behind the
// label and the others below it.
func wrap(b *strings.Builder, label, text string, width int) {
	column := len(label)
	b.WriteString(label)
	for i, word := range strings.Fields(text) {
		n := utf8.RuneCountInString(word)
		switch {
		case i == 0:
		case column+1+n > width:
			b.WriteString("\n" + strings.Repeat(" ", len(label)))
			column = len(label)
		default:
			b.WriteByte(' ')
			column++
		}
		b.WriteString(word)
		column += n
	}
	b.WriteByte('\n')
}

// ruleTexts gives the rules as reports show them.
func ruleTexts() []report.RuleInfo {
	var infos []report.RuleInfo
	for _, r := range attribute.Rules() {
		infos = append(infos, report.RuleInfo{ID: r.ID, Title: r.Title, Why: r.Why, Fix: r.Fix, Severity: r.Severity})
	}
	return infos
}
