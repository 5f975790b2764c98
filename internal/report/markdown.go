package report

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/trailscan/trailscan/internal/attribute"
)

// markdown writes the report as Markdown that reads well in a pull request, in
// a chat and as it is. Values are code spans, which nothing in them can leave.
type markdown struct{ overview }

// writeMarkdown writes the summary, what changed since the baseline, the
// findings in full and the session names that matter most.
func writeMarkdown(w io.Writer, res *attribute.Result, opt Options) error {
	m := &markdown{newOverview(w, res, opt)}
	m.head()
	m.changes()
	m.summary()
	m.findings()
	m.names()
	m.others()
	m.denied()
	m.coverage()
	return m.out.Flush()
}

func (m *markdown) printf(format string, args ...any) { fmt.Fprintf(m.out, format, args...) }

// tableHead begins a table. A column whose head begins with a space holds
// numbers.
func (m *markdown) tableHead(columns ...string) {
	line := "|"
	for _, c := range columns {
		m.printf("| %s ", strings.TrimSpace(c))
		if strings.HasPrefix(c, " ") {
			line += " ---: |"
		} else {
			line += " --- |"
		}
	}
	m.printf("|\n%s\n", line)
}

func (m *markdown) tableRow(cells ...string) {
	m.printf("| %s |\n", strings.Join(cells, " | "))
}

// more says in a paragraph of its own how many rows are left out.
func (m *markdown) more(n, shown int, noun string) {
	if n > shown {
		m.printf("\nand %s: `--top %d` shows them all\n", counted(int64(n-shown), "more "+noun), n)
	}
}

func (m *markdown) head() {
	s := &m.res.Scan
	m.printf("# AWS role session names\n\n")
	m.printf("%s: ", markdownText(m.opt.Tool.Name+" "+m.opt.Tool.Version))
	if s.Source != "" {
		m.printf("%s, ", markdownCode(s.Source))
	}
	m.printf("%s\n\n", window(m.res))
	if len(s.Filters) > 0 {
		m.printf("Only %s\n\n", markdownCode(strings.Join(s.Filters, " ")))
	}
	if !s.Complete || len(s.Problems) > 0 {
		text := "Single records could not be read."
		if !s.Complete {
			text = incomplete(s) + "."
		}
		m.printf("**%s**\n\n", text)
		for i, p := range s.Problems {
			if i == someProblems {
				m.printf("- and %s\n", counted(int64(len(s.Problems)-i), "more problem"))
				break
			}
			at, times := "", ""
			if p.Offset >= 0 {
				at = " at byte " + grouped(p.Offset)
			}
			if p.Count > 1 {
				times = fmt.Sprintf(" (%s times)", grouped(p.Count))
			}
			m.printf("- %s: %s%s: %s%s\n", markdownCode(p.Object), string(p.Stage), at, markdownText(reason(p)), times)
		}
		if len(s.Problems) > 0 {
			m.printf("\n")
		}
	}
	for _, w := range s.Warnings {
		m.printf("Note: %s\n\n", markdownText(w))
	}
}

func (m *markdown) summary() {
	a := m.res.Attribution
	m.printf("## Summary\n\n")
	m.printf("Read: %s\n\n", m.read())
	m.printf("Findings: %s\n\n", m.counts())
	if a.Calls == 0 {
		m.printf("%s\n", noCalls(&m.res.Scan))
		return
	}
	m.printf("%s by %s, from %s:\n\n", counted(a.Calls, "call"), counted(int64(len(m.res.Names)), "session name"), counted(int64(len(m.res.Origins)), "origin"))
	m.tableHead("origin is", " calls", " share")
	for _, part := range []struct {
		name  string
		calls int64
	}{{"proven", a.Proven}, {"recorded", a.Recorded}, {"inferred", a.Inferred}, {"unknown", a.Unknown}} {
		m.tableRow(part.name, grouped(part.calls), strings.ReplaceAll(percent(part.calls, a.Calls), "<", "&lt;"))
	}
}

func (m *markdown) changes() {
	b := m.res.Baseline
	if b == nil {
		return
	}
	m.printf("## Since the earlier report\n\n%s\n\n", baselineCounts(b))
	for i, c := range b.Changes {
		if i == someChanges {
			m.printf("- and %s\n", counted(int64(len(b.Changes)-i), "more change"))
			break
		}
		m.printf("- %s\n", markdownText(c))
	}
	if len(b.Changes) > 0 {
		m.printf("\n")
	}
}

// findings shows what is open in full, each rule's own text once, and of what is
// ignored or resolved that it is.
func (m *markdown) findings() {
	list := rankFindings(m.res.Findings)
	if len(list) == 0 {
		return
	}
	m.printf("\n## Findings\n")
	shown := list[:m.shown(len(list))]
	open := slices.IndexFunc(shown, func(f *attribute.Finding) bool { return rest(f) != 0 })
	if open < 0 {
		open = len(shown)
	}
	for _, group := range alike(shown[:open]) {
		m.group(group)
	}
	if open < len(shown) {
		m.printf("\n### Ignored or resolved\n\n")
	}
	for _, f := range shown[open:] {
		state := markdownText(f.Status)
		if f.Ignored != "" {
			state = "ignored: " + markdownText(f.Ignored)
		}
		m.printf("- %s: %s: %s (%s)\n", f.Severity, markdownText(f.Rule), markdownText(f.Title), state)
	}
	m.more(len(list), len(shown), "finding")
}

// alike puts findings of one rule together that are as severe and have the same
// text, where the first of them stands.
func alike(findings []*attribute.Finding) [][]*attribute.Finding {
	type text struct {
		severity         attribute.Severity
		rule, title, why string
	}
	var groups [][]*attribute.Finding
	at := make(map[text]int)
	for _, f := range findings {
		k := text{f.Severity, f.Rule, f.Title, f.Why}
		i, ok := at[k]
		if !ok {
			i = len(groups)
			at[k] = i
			groups = append(groups, nil)
		}
		groups[i] = append(groups[i], f)
	}
	return groups
}

// group shows findings that are alike.
func (m *markdown) group(findings []*attribute.Finding) {
	first := findings[0]
	m.printf("\n### %s: %s\n\n", first.Severity, markdownText(first.Rule))
	if title := markdownText(first.Title); title != "" {
		m.printf("**%s**\n\n", title)
	}
	if why := markdownText(first.Why); why != "" {
		m.printf("Why it matters: %s\n\n", why)
	}
	same := !slices.ContainsFunc(findings, func(f *attribute.Finding) bool { return f.Recommendation != first.Recommendation })
	if fix := markdownText(first.Recommendation); same && fix != "" {
		m.printf("What to do: %s\n\n", fix)
	}
	for _, f := range findings {
		about := m.codes(f.RoleARNs, int64(len(f.RoleARNs)))
		if about == "" {
			about = markdownCode(f.AccountID)
		}
		if f.Status != "" {
			about += ", **" + markdownText(f.Status) + "**"
		}
		m.printf("- %s\n", about)
		fix := ""
		if !same {
			fix = markdownText(f.Recommendation)
		}
		for _, part := range []struct{ label, text string }{
			{"Session names", m.codes(f.Names.Sample, f.Names.Count)},
			{"New", m.codes(newNames(f), int64(len(newNames(f))))},
			{"Gone", m.codes(f.Names.Resolved, int64(len(f.Names.Resolved)))},
			{"Seen", markdownText(f.Detail)},
			{"Events", m.codes(eventIDs(f.Evidence), int64(len(eventIDs(f.Evidence))))},
			{"What to do", fix},
			{"Id", m.codes([]string{f.ID}, 1)},
		} {
			if part.text != "" {
				m.printf("  - %s: %s\n", part.label, part.text)
			}
		}
	}
}

// codes gives the first few of a list of count values.
func (m *markdown) codes(list []string, count int64) string {
	var parts []string
	for _, s := range list[:min(len(list), someValues)] {
		parts = append(parts, markdownCode(s))
	}
	text := strings.Join(parts, ", ")
	if more := count - int64(len(parts)); more > 0 && len(parts) > 0 {
		text += fmt.Sprintf(" and %s more", grouped(more))
	}
	return text
}

func (m *markdown) names() {
	if len(m.res.Names) == 0 {
		return
	}
	m.printf("\n## Session names\n\n")
	m.tableHead("session name", "role", "origin", "confidence", " calls", "findings")
	shown := m.shown(len(m.res.Names))
	for _, i := range rankNames(m.res.Names, worst(m.res), shown) {
		n := m.res.Name(int(i))
		name, role, rules := markdownCode(n.SessionName), m.role(n.AccountID, n.RoleName), markdownText(strings.Join(n.Findings, ", "))
		for k := range n.Origins {
			o := &n.Origins[k]
			if k == someOrigins && len(n.Origins) > someOrigins+1 {
				m.tableRow("", "", "and "+counted(int64(len(n.Origins)-k), "more origin"), "", "", "")
				break
			}
			m.tableRow(name, role, m.origin(o.ID, o.App), o.Confidence.String(), grouped(o.Calls), rules)
			name, role, rules = "", "", ""
		}
	}
	m.more(len(m.res.Names), shown, "session name")
}

func (m *markdown) role(account, role string) string {
	if !m.accounts {
		return markdownCode(role)
	}
	if name := m.opt.AccountNames[account]; name != "" {
		account = name
	}
	return markdownCode(account + "/" + role)
}

func (m *markdown) origin(id, app string) string {
	if app != "" {
		return markdownText(app) + " (" + markdownCode(id) + ")"
	}
	return markdownCode(id)
}

func (m *markdown) others() {
	if len(m.res.Other) == 0 {
		return
	}
	m.printf("\n## Other temporary sessions\n\n")
	m.tableHead("issued by", "name", "asked for by", " issued", " calls", "last seen (UTC)")
	shown := m.shown(len(m.res.Other))
	for _, o := range m.res.Other[:shown] {
		m.tableRow(markdownCode(o.Kind), markdownCode(o.Name), markdownCode(o.Principal), grouped(o.Issued), grouped(o.Calls), stamp(o.LastSeen))
	}
	m.more(len(m.res.Other), shown, "session")
}

func (m *markdown) denied() {
	if len(m.res.Denied) == 0 {
		return
	}
	m.printf("\n## Refused attempts to assume a role\n\n")
	m.tableHead("principal", "role", "error", " times", "last seen (UTC)")
	shown := m.shown(len(m.res.Denied))
	for _, d := range m.res.Denied[:shown] {
		m.tableRow(markdownCode(d.Principal), markdownCode(d.RoleARN), markdownCode(d.ErrorCode), grouped(d.Count), stamp(d.LastSeen))
	}
	m.more(len(m.res.Denied), shown, "attempt")
}

// coverage shows what was read of each account and region.
func (m *markdown) coverage() {
	if len(m.res.Coverage) == 0 {
		return
	}
	m.printf("\n## Read by account and region\n\n")
	m.tableHead("account", "region", "first event (UTC)", "last event (UTC)", " objects", " failed", " hours", "not read (UTC)", "silent since (UTC)")
	shown := m.shown(len(m.res.Coverage))
	for i := range m.res.Coverage[:shown] {
		c := &m.res.Coverage[i]
		account := markdownCode(c.AccountID)
		if name := m.opt.AccountNames[c.AccountID]; name != "" {
			account = markdownText(name)
		}
		m.tableRow(account, markdownText(c.Region), stamp(c.From), stamp(c.To), objectsText(c), grouped(c.ObjectsFailed),
			hoursText(c), unreadText(c), stamp(c.SilentSince))
	}
	m.more(len(m.res.Coverage), shown, "row")
}
