package main

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/trailscan/trailscan/internal/attribute"
	"github.com/trailscan/trailscan/internal/ingest"
	"github.com/trailscan/trailscan/internal/report"
)

const explainHelp = `Tell the story of one session: the chain of assumptions that led to it with the
event behind each link, what it called, from where and with which client, and
what is wrong with its name.

Say which: by session name or a pattern of names, by the access key id that its
calls carry, or by its ARN. With --arn only its account's calls are read, and with
--lookup only the events that have to do with it, unless a pattern says which.`

const explainExamples = `  trailscan explain logs/ --session STRING_VALUE
  trailscan explain s3://trail-logs --since 6h --access-key ASIAEXAMPLE
  trailscan explain --lookup --arn arn:aws:sts::111122223333:assumed-role/orders/api`

// explainFlags are those of explain.
type explainFlags struct {
	*inputFlags
	session, key, arn parsed[string]
	format            parsed[string]
}

func newExplainCommand(p process) *cobra.Command {
	now := p.now()
	f := &explainFlags{
		inputFlags: newInputFlags(now),
		session:    parsed[string]{kind: "GLOB", parse: parseGlob},
		key:        parsed[string]{kind: "ID", parse: parseKey},
		arn:        parsed[string]{kind: "ARN", parse: parseSessionARN},
		format:     parsed[string]{kind: "FORMAT", parse: oneOf(report.TextFormats()...), value: report.TextTable, text: report.TextTable},
	}
	cmd := &cobra.Command{
		Use:     "explain [flags] SOURCE",
		Short:   "Tell one session's story, from the root",
		Long:    explainHelp,
		Example: explainExamples,
		Args:    cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			rd, selector, err := f.plan(args, now)
			if err != nil {
				return err
			}
			return rd.explain(cmd.Context(), p, selector, f.format.value)
		},
	}
	which := pflag.NewFlagSet("session", pflag.ContinueOnError)
	which.Var(&f.session, "session", "the sessions whose names match")
	which.Var(&f.key, "access-key", "the session whose calls carry this access key `ID`, or that was issued with it")
	which.Var(&f.arn, "arn", "the sessions with this `ARN`, arn:aws:sts::ACCOUNT:assumed-role/ROLE/NAME")
	which.Var(&f.format, "format", "how to tell it: "+words(report.TextFormats()))
	setUsage(cmd, p, append([]flagGroup{{"Session", which}}, f.groups()...))
	return cmd
}

// plan settles what is read and which sessions are told about.
func (f *explainFlags) plan(args []string, now time.Time) (*reading, attribute.Selector, error) {
	selector := attribute.Selector{AccessKeyID: f.key.value, SessionARN: f.arn.value}
	given := 0
	for _, flag := range []*parsed[string]{&f.session, &f.key, &f.arn} {
		if flag.given {
			given++
		}
	}
	if given != 1 {
		return nil, selector, usageError("trailscan --view names and --view sessions list them", "which session? give one of --session, --access-key and --arn")
	}
	rd, err := f.reading(args, now)
	if err != nil {
		return nil, selector, err
	}
	if rd.rollup != nil || f.athena.engine.value == engineAthena {
		return nil, selector, usageError("explain from the logs themselves, with --engine local", "explain tells the calls of a session one by one, and Athena rolls them up")
	}
	rd.actions = true
	switch {
	case f.session.given:
		rd.session = f.session.value
		if !strings.ContainsAny(rd.session, `*?[\`) {
			rd.narrowed = []ingest.LookupAttribute{{Key: "Username", Value: rd.session}}
		}
	case f.key.given:
		rd.narrowed = []ingest.LookupAttribute{{Key: "AccessKeyId", Value: f.key.value}, {Key: "ResourceName", Value: f.key.value}}
	default:
		ref, _ := attribute.ParseSessionARN(f.arn.value)
		rd.narrowed = []ingest.LookupAttribute{{Key: "Username", Value: ref.Session}}
		// The log of the role's own account has every call of its sessions.
		if len(rd.accounts) == 0 && !rd.from.local() {
			rd.accounts = []string{ref.Account}
		}
	}
	return rd, selector, nil
}

// explain reads what it takes and tells the story.
func (rd *reading) explain(ctx context.Context, p process, selector attribute.Selector, format string) error {
	notes := newNotes(p.stderr, rd.flags.logLevel.value, rd.flags.quiet)
	audit := attribute.NewAudit(rd.options())
	got, err := rd.readInto(ctx, p, notes, audit)
	if err != nil {
		return err
	}
	story, scan := audit.Explain(selector), rd.scanned(got)
	if story.Count == 0 {
		if err := incomplete(scan); err != nil {
			notes.warn("%s", err)
		}
		elsewhere := "another source"
		if !rd.window.since.IsZero() {
			elsewhere = "an earlier --since or " + elsewhere
		}
		return &statusError{
			status: exitFailed,
			err:    fmt.Errorf("no call of such a session is among the %s that were read from %s", plural(got.totals.Records, "record"), rd.from),
			hint:   elsewhere + " may have it; trailscan --view names lists the names that are there",
		}
	}
	if err := report.WriteExplanation(report.CancelWriter(ctx, p.stdout), format, scan, story, rd.show(p)); err != nil {
		return fmt.Errorf("standard output: %w", bare(err))
	}
	return incomplete(scan)
}

// show says how what is no whole report is shown on standard output.
func (rd *reading) show(p process) report.Options {
	opt := report.Options{
		Tool:  report.Tool{Name: "trailscan", Version: version()},
		Rules: ruleTexts(),
		Width: terminalWidth(p.stdout, p.getenv), Whole: !isTerminal(p.stdout) && p.getenv("COLUMNS") == "",
		Color: useColor(p.stdout, p.getenv),
	}
	if rd.config != nil {
		opt.AccountNames = rd.config.Accounts
	}
	return opt
}

func parseGiven(s string) (string, error) {
	if s == "" {
		return "", errors.New("nothing is given; a shell variable may be empty")
	}
	return s, nil
}

var keyForm = regexp.MustCompile(`^[A-Za-z0-9_<>-]{4,128}$`)

// parseKey reads an access key id. Published logs pseudonymise them, so that
// only what cannot be one is refused.
func parseKey(s string) (string, error) {
	if !keyForm.MatchString(s) {
		return "", errors.New("not an access key id such as ASIAIOSFODNN7EXAMPLE")
	}
	return s, nil
}

func parseSessionARN(s string) (string, error) {
	if _, ok := attribute.ParseSessionARN(s); !ok {
		return "", errors.New("not a session's ARN, which is arn:aws:sts::ACCOUNT:assumed-role/ROLE/NAME")
	}
	return s, nil
}
