package report

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/trailscan/trailscan/internal/attribute"
)

// WritePolicies shows the trust policies that were proposed, in one of
// TextFormats. Of scan it takes where the events came from, the window and
// whether all of it could be read. Each policy is JSON that IAM takes.
func WritePolicies(w io.Writer, format string, scan attribute.Scan, policies []attribute.RolePolicy, opt Options) error {
	if format == TextJSON {
		return writePoliciesJSON(w, scan, policies, opt)
	}
	opt.Top = -1
	t := newTable(w, &attribute.Result{Scan: scan}, opt)
	if len(policies) == 0 {
		t.println("No role was assumed in what was read.")
	}
	for i := range policies {
		if i > 0 {
			t.println("")
		}
		t.policy(&policies[i])
	}
	if err := t.out.Flush(); err != nil {
		return err
	}
	return t.err
}

func (t *table) policy(p *attribute.RolePolicy) {
	for _, line := range wrap(escapeTerminal(p.RoleARN), t.width, t.opt.Whole) {
		t.println(paint(line, strong, t.opt.Color))
	}
	for _, n := range p.Notes {
		t.labeled("Note", escapeTerminal(n), warn)
	}
	if len(p.Policy.Statement) > 0 {
		// Not cut to the width: it is there to be copied.
		text, err := policyJSON(p.Policy, "")
		if err != nil && t.err == nil {
			t.err = err
		}
		t.println(text)
	}
	if len(p.LockedOut) == 0 {
		return
	}
	if len(p.Policy.Statement) > 0 {
		t.println("It would lock out:")
	}
	g := &grid{columns: []gridColumn{
		{head: "CALLER", flex: 30}, {head: "SESSIONS", right: true}, {head: "NAMES", flex: 20}, {head: "WHY"}, {head: "FIRST EVENT", drop: 1},
	}}
	for _, l := range p.LockedOut {
		g.add(text(l.Caller), number(l.Sessions), cell(listed(l.SessionNames.Sample, l.SessionNames.Count)), text(l.Why), text(l.EventID))
	}
	t.draw(g)
}

// policyJSON writes a policy in ASCII, so that nothing in it is other than it
// looks: names from a log may hold characters that do not show, or that change
// how their neighbours do.
// Lines but the first begin with prefix.
func policyJSON(p attribute.PolicyDocument, prefix string) (string, error) {
	text, err := json.MarshalIndent(p, prefix, "  ")
	if err != nil {
		return "", fmt.Errorf("policy: %w", err)
	}
	var b strings.Builder
	for i, r := range string(text) {
		if r < 0x7f && !(r == '#' && commandLength(string(text[i:])) > 0) {
			b.WriteRune(r)
		} else {
			b.Write(appendJSONEscape(nil, r))
		}
	}
	return b.String(), nil
}

func writePoliciesJSON(w io.Writer, scan attribute.Scan, policies []attribute.RolePolicy, opt Options) error {
	j := newJSONWriter(w)
	j.object()
	j.number("schemaVersion", SchemaVersion)
	j.tool(opt.Tool)
	j.source(scan)
	var failed error
	jsonRows(j, "roles", policies, func(j *jsonWriter, p *attribute.RolePolicy) {
		j.text("roleArn", p.RoleARN)
		j.text("accountId", p.AccountID)
		j.key("policy")
		document := "null"
		if len(p.Policy.Statement) > 0 {
			var err error
			if document, err = policyJSON(p.Policy, "      "); err != nil {
				failed = err
			}
		}
		j.buf = append(j.buf, document...)
		jsonRows(j, "lockedOut", p.LockedOut, func(j *jsonWriter, l *attribute.LockedOut) {
			j.text("caller", l.Caller)
			j.sample("sessionNames", l.SessionNames)
			j.number("sessions", l.Sessions)
			j.text("why", l.Why)
			j.text("eventId", l.EventID)
		})
		j.texts("notes", p.Notes)
	})
	j.end()
	if err := j.finish(); err != nil {
		return err
	}
	return failed
}
