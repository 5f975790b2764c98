package report

import (
	"cmp"
	"fmt"
	"io"
	"strings"

	"github.com/trailscan/trailscan/internal/attribute"
)

// table writes the report for a terminal. Everything that it prints has passed
// escapeTerminal, apart from its own words.
type table struct {
	overview
	err   error // of drawing
	width int
}

// labelWidth is the room for the labels that stand before lines.
const labelWidth = 10

func newTable(w io.Writer, res *attribute.Result, opt Options) *table {
	t := &table{overview: newOverview(w, res, opt), width: opt.Width}
	if t.width <= 0 {
		t.width = DefaultWidth
	}
	return t
}

// writeTable writes the view of opt as plain text. Without a view it shows
// what a person wants first: what was read and how much of it is attributed,
// then what is wrong, then the session names that matter most.
func writeTable(w io.Writer, res *attribute.Result, opt Options) error {
	t := newTable(w, res, opt)
	switch opt.View {
	case "":
		t.summary()
		t.findings()
		t.names()
		t.others()
		t.denied()
	case ViewSummary:
		t.summary()
		t.coverage()
	case ViewNames:
		t.heading()
		t.names()
	case ViewOrigins:
		t.heading()
		t.origins()
	case ViewFindings:
		t.heading()
		t.findingsInFull()
	case ViewSessions:
		t.heading()
		t.sessions()
	default:
		return fmt.Errorf("no view %q: use one of %s", opt.View, strings.Join(Views(), ", "))
	}
	if err := t.out.Flush(); err != nil {
		return err
	}
	return t.err
}

func (t *table) println(s string) { fmt.Fprintln(t.out, strings.TrimRight(s, " ")) }

// title begins a section.
func (t *table) title(s string) {
	t.println("")
	t.println(paint(s, strong, t.opt.Color))
}

// note writes a line beside the subject, wrapped.
func (t *table) note(s string) {
	for _, line := range wrap(s, t.width, t.opt.Whole) {
		t.println(paint(line, faint, t.opt.Color))
	}
}

// more says how many rows are left out and what shows them.
func (t *table) more(n, shown int, noun string) {
	if n > shown {
		t.note(fmt.Sprintf("and %s: --top %d shows them all", counted(int64(n-shown), "more "+noun), n))
	}
}

// labeled writes a line with a label, wrapped beside it.
func (t *table) labeled(label, s string, st style) {
	for i, line := range wrap(s, t.width-labelWidth, t.opt.Whole) {
		if i > 0 {
			label = ""
		}
		t.println(paint(label, strong, t.opt.Color) + strings.Repeat(" ", labelWidth-len(label)) + paint(line, st, t.opt.Color))
	}
}

func (t *table) draw(g *grid) {
	if err := draw(t.out, g, t.width, t.opt.Color); err != nil && t.err == nil {
		t.err = err
	}
}

// name says which program wrote the report, from what and about which time.
func (t *table) name() {
	line := t.opt.Tool.Name + " " + t.opt.Tool.Version + "  " + escapeTerminal(t.res.Scan.Source)
	t.println(paint(shorten(strings.TrimRight(line, " "), t.width), strong, t.opt.Color))
	t.labeled("Window", window(t.res), plain)
	if only := t.res.Scan.Filters; len(only) > 0 {
		t.labeled("Only", escapeTerminal(strings.Join(only, " ")), plain)
	}
}

// heading stands above a view that is not the summary. It says what no reader
// of a part may miss.
func (t *table) heading() {
	s := &t.res.Scan
	t.name()
	t.comparison()
	if !s.Complete {
		t.labeled("Problems", incomplete(s)+"; --view summary says what", alarm)
	}
}

func (t *table) summary() {
	s := &t.res.Scan
	t.name()
	t.labeled("Read", t.read(), plain)
	t.calls()
	t.labeled("Findings", t.counts(), plain)
	t.comparison()
	t.problems()
	for _, w := range s.Warnings {
		t.labeled("Note", escapeTerminal(w), warn)
	}
}

// calls says how much is attributed, and how surely.
func (t *table) calls() {
	a := t.res.Attribution
	if a.Calls == 0 {
		t.labeled("Calls", "none by role sessions", warn)
		return
	}
	roles := make(map[string]bool)
	for i := range t.res.Names {
		roles[t.res.Names[i].RoleARN] = true
	}
	t.labeled("Calls", fmt.Sprintf("%s by %s under %s, from %s", grouped(a.Calls),
		counted(int64(len(t.res.Names)), "session name"), counted(int64(len(roles)), "role"),
		counted(int64(len(t.res.Origins)), "origin")), plain)
	widest := len(grouped(a.Calls))
	for _, part := range []struct {
		calls int64
		name  string
		note  string
		style style
	}{
		{a.Proven, "proven", "every step is an event in the log", good},
		{a.Recorded, "recorded", "the calls themselves say it", good},
		{a.Inferred, "inferred", "by the form of the name or the client", warn},
		{a.Unknown, "unknown", "nothing to go by", warn},
	} {
		st := part.style
		if part.calls == 0 {
			st = faint
		}
		line := fmt.Sprintf("%*s  %7s  ", widest, grouped(part.calls), percent(part.calls, a.Calls)) +
			paint(fmt.Sprintf("%-8s", part.name), st, t.opt.Color)
		if rest := t.width - labelWidth - widest - 21; rest >= displayWidth(part.note) {
			line += "  " + paint(part.note, faint, t.opt.Color)
		}
		t.println(strings.Repeat(" ", labelWidth) + line)
	}
}

func (t *table) comparison() {
	b := t.res.Baseline
	if b == nil {
		return
	}
	t.labeled("Baseline", baselineCounts(b), plain)
	for i, c := range b.Changes {
		if i == someChanges {
			t.labeled("", fmt.Sprintf("and %s: -o report.json lists them", counted(int64(len(b.Changes)-i), "more change")), faint)
			return
		}
		t.labeled("", "- "+escapeTerminal(c), plain)
	}
}

func (t *table) problems() {
	s := &t.res.Scan
	if !s.Complete {
		t.labeled("Problems", incomplete(s), alarm)
	} else if len(s.Problems) > 0 {
		t.labeled("Problems", "single records could not be read", warn)
	}
	for i, p := range s.Problems {
		if i == someProblems {
			t.labeled("", fmt.Sprintf("and %s: -o report.json lists them", counted(int64(len(s.Problems)-i), "more problem")), faint)
			return
		}
		t.labeled("", "- "+shorten(escapeTerminal(p.Object), t.width-labelWidth-2), plain)
		text := string(p.Stage)
		if p.Offset >= 0 {
			text += fmt.Sprintf(" at byte %s", grouped(p.Offset))
		}
		text += ": " + escapeTerminal(reason(p))
		if p.Count > 1 {
			text += fmt.Sprintf(" (%s times)", grouped(p.Count))
		}
		for _, line := range wrap(text, t.width-labelWidth-2, t.opt.Whole) {
			t.println(strings.Repeat(" ", labelWidth+2) + line)
		}
	}
}

// account gives an account as people call it.
func (t *table) account(id string) string {
	if name := t.opt.AccountNames[id]; name != "" {
		return escapeTerminal(name)
	}
	return escapeTerminal(id)
}

// roleCell gives a role as people call it, with its account where there are
// several.
func (t *table) roleCell(account, role string) gridCell {
	c := text(role)
	if t.accounts {
		c.terse = c.text
		c.brief = briefAccount(t.account(account)) + "/" + c.text
		c.text = t.account(account) + "/" + c.text
	}
	return c
}

// findings shows what is wrong, a line for each.
func (t *table) findings() {
	var open []*attribute.Finding
	for _, f := range rankFindings(t.res.Findings) {
		if rest(f) == 0 {
			open = append(open, f)
		}
	}
	if len(open) == 0 {
		return
	}
	t.title("Findings")
	g := &grid{columns: []gridColumn{
		{head: "SEVERITY"}, {head: "RULE", flex: 20}, {head: "ROLE", flex: 18}, {head: "SESSION NAMES", flex: 20}, {head: "FINDING", flex: 50, drop: 1},
	}}
	compare := t.res.Baseline != nil
	if compare {
		g.columns = append([]gridColumn{{head: "SINCE"}}, g.columns...)
	}
	shown := t.shown(len(open))
	for _, f := range open[:shown] {
		cells := []gridCell{
			styled(f.Severity.String(), severityStyle(f.Severity)),
			text(f.Rule),
			t.roles(f),
			cell(coveredNames(f)),
			text(f.Title),
		}
		if compare {
			since := text(f.Status)
			if f.Status == "new" {
				since.style = strong
			}
			cells = append([]gridCell{since}, cells...)
		}
		g.add(cells...)
	}
	t.draw(g)
	t.more(len(open), shown, "finding")
	t.note("--view findings says what was seen, why it matters and what to do.")
}

func severityStyle(s attribute.Severity) style {
	switch {
	case s >= attribute.High:
		return alarm
	case s == attribute.Medium:
		return warn
	}
	return plain
}

// roles gives the roles of a finding in few words.
func (t *table) roles(f *attribute.Finding) gridCell {
	if len(f.RoleARNs) == 0 {
		return cell(t.account(f.AccountID))
	}
	c := t.roleCell(splitRoleARN(f.RoleARNs[0]))
	if n := len(f.RoleARNs) - 1; n > 0 {
		more := fmt.Sprintf(" and %d more", n)
		c.text += more
		if c.brief != "" {
			c.brief += more
		}
		if c.terse != "" {
			c.terse += more
		}
	}
	return c
}

// usedRoles gives the roles of an origin: the first few, or in fewer words the
// first.
func (t *table) usedRoles(arns []string) gridCell {
	var texts, briefs []string
	for _, arn := range arns[:min(len(arns), someValues)] {
		c := t.roleCell(splitRoleARN(arn))
		texts, briefs = append(texts, c.text), append(briefs, cmp.Or(c.brief, c.text))
	}
	c := gridCell{text: strings.Join(texts, " "), brief: strings.Join(briefs, " ")}
	if more := len(arns) - someValues; more > 0 {
		c.text += fmt.Sprintf(" and %d more", more)
		c.brief += fmt.Sprintf(" and %d more", more)
	}
	if len(arns) > 0 {
		first := t.roleCell(splitRoleARN(arns[0]))
		c.terse = cmp.Or(first.terse, first.text)
		if len(arns) > 1 {
			c.terse += fmt.Sprintf(" and %d more", len(arns)-1)
		}
	}
	return c
}

// splitRoleARN takes account and name from the ARN of a role; what is no such
// ARN is all name.
func splitRoleARN(arn string) (account, name string) {
	parts := strings.SplitN(arn, ":", 6)
	if len(parts) < 6 {
		return "", arn
	}
	path := parts[5]
	return parts[4], path[strings.LastIndexByte(path, '/')+1:]
}

// coveredNames gives the session names of a finding in few words.
func coveredNames(f *attribute.Finding) string {
	text := "-"
	switch {
	case len(f.Patterns) > 0:
		text = escapeTerminal(f.Patterns[0])
	case len(f.Names.Sample) > 0:
		text = escapeTerminal(f.Names.Sample[0])
	}
	switch {
	case len(f.Patterns) > 1:
		text += fmt.Sprintf(" and %s more", grouped(f.Names.Count-1))
	case f.Names.Count > 1:
		text += fmt.Sprintf(" (%s)", grouped(f.Names.Count))
	}
	return text
}

// findingsInFull shows each finding with all that is known about it.
func (t *table) findingsInFull() {
	list := rankFindings(t.res.Findings)
	if len(list) == 0 {
		t.println("")
		t.println("No findings.")
	}
	shown := t.shown(len(list))
	for _, f := range list[:shown] {
		t.println("")
		head := []string{strings.ToUpper(f.Severity.String()), escapeTerminal(f.Rule), t.roles(f).text}
		if f.Status != "" {
			head = append(head, escapeTerminal(f.Status))
		}
		if f.Ignored != "" {
			head = append(head, "ignored")
		}
		t.println(paint(shorten(strings.Join(head, "  "), t.width), severityStyle(f.Severity), t.opt.Color))
		for _, line := range wrap(escapeTerminal(f.Title), t.width, t.opt.Whole) {
			t.println(line)
		}
		for _, part := range []struct{ label, text string }{
			{"  Seen", escapeTerminal(f.Detail)},
			{"  Names", listed(f.Names.Sample, f.Names.Count)},
			{"  New", listed(newNames(f), int64(len(newNames(f))))},
			{"  Gone", listed(f.Names.Resolved, int64(len(f.Names.Resolved)))},
			{"  Events", listed(eventIDs(f.Evidence), int64(len(eventIDs(f.Evidence))))},
			{"  Why", escapeTerminal(f.Why)},
			{"  Fix", escapeTerminal(f.Recommendation)},
			{"  Ignored", escapeTerminal(f.Ignored)},
			{"  Id", escapeTerminal(f.ID)},
		} {
			if part.text != "" {
				t.labeled(part.label, part.text, plain)
			}
		}
	}
	t.more(len(list), shown, "finding")
}

// listed joins the first few of a list of count values.
func listed(list []string, count int64) string {
	var parts []string
	for _, s := range list[:min(len(list), someValues)] {
		parts = append(parts, escapeTerminal(s))
	}
	text := strings.Join(parts, ", ")
	if more := count - int64(len(parts)); more > 0 && len(parts) > 0 {
		text += fmt.Sprintf(" and %s more", grouped(more))
	}
	return text
}

// originCell gives an origin as people call it.
func originCell(id, app string) gridCell {
	if app != "" {
		c := cell(escapeTerminal(app) + " (" + escapeTerminal(id) + ")")
		c.brief = escapeTerminal(app)
		return c
	}
	c := text(id)
	if kind, name, ok := strings.Cut(id, ":"); ok {
		if account, name, ok := strings.Cut(name, "/"); ok {
			c.brief = escapeTerminal(kind + ":" + briefAccount(account) + "/" + name)
			if c.brief != c.text {
				// Of a pod's service account, the cluster is an issuer's long id.
				if cluster, account, ok := strings.Cut(name, "/"); ok && kind == attribute.KindEKS && cluster != "" {
					name = account
				}
				c.terse = escapeTerminal(kind + ":" + name)
			}
		}
	}
	return c
}

// briefAccount gives the end of an account id, by which people tell a few of
// them apart, and any other text as it is.
func briefAccount(id string) string {
	if len(id) == 12 && strings.Trim(id, "0123456789") == "" {
		return ellipsis + id[8:]
	}
	return id
}

// arnCell gives an ARN, in brief without what most of them begin with.
func (t *table) arnCell(arn string) gridCell {
	c := text(arn)
	if parts := strings.SplitN(arn, ":", 6); len(parts) == 6 && parts[0] == "arn" {
		c.terse = escapeTerminal(parts[5])
		c.brief = briefAccount(t.account(parts[4])) + "/" + c.terse
	}
	return c
}

func confidenceCell(c attribute.Confidence) gridCell {
	if c >= attribute.Recorded {
		return cell(c.String())
	}
	return styled(c.String(), warn)
}

// names shows the session names: the most severe first, then the busiest.
func (t *table) names() {
	t.title("Session names")
	if len(t.res.Names) == 0 {
		t.println(noCalls(&t.res.Scan))
		return
	}
	severity := worst(t.res)
	shown := t.shown(len(t.res.Names))
	g := &grid{columns: []gridColumn{
		{head: "WORST", drop: 1},
		{head: "SESSION NAME", flex: 18}, {head: "ROLE", flex: 16, narrow: 2}, {head: "ORIGIN", flex: 28}, {head: "CONFIDENCE"},
		{head: "CALLS", right: true, narrow: 1},
		{head: "ERRORS", right: true, drop: 3}, {head: "SESSIONS", right: true, drop: 4}, {head: "LAST SEEN (UTC)", drop: 5},
		{head: "FINDINGS", flex: 30, drop: 2},
	}}
	for _, i := range rankNames(t.res.Names, severity, shown) {
		n := t.res.Name(int(i))
		for k := range n.Origins {
			o := &n.Origins[k]
			if k == someOrigins && len(n.Origins) > someOrigins+1 {
				g.add(blank, blank, blank, styled(fmt.Sprintf("and %s", counted(int64(len(n.Origins)-k), "more origin")), faint),
					blank, blank, blank, blank, blank, blank)
				break
			}
			row := []gridCell{
				blank, blank, blank, originCell(o.ID, o.App), confidenceCell(o.Confidence),
				number(o.Calls), number(o.Errors), number(o.Sessions), moment(o.LastSeen), blank,
			}
			if k == 0 {
				if severity[i] > attribute.None {
					row[0] = styled(severity[i].String(), severityStyle(severity[i]))
				}
				row[1] = text(n.SessionName)
				row[2] = t.roleCell(n.AccountID, n.RoleName)
				row[9] = text(strings.Join(n.Findings, " "))
			}
			g.add(row...)
		}
	}
	t.draw(g)
	t.more(len(t.res.Names), shown, "session name")
}

// origins shows the apps and people, the busiest first.
func (t *table) origins() {
	t.title("Origins")
	if len(t.res.Origins) == 0 {
		t.println(noCalls(&t.res.Scan))
		return
	}
	g := &grid{columns: []gridColumn{
		{head: "ORIGIN", flex: 32}, {head: "CALLS", right: true}, {head: "SESSIONS", right: true, narrow: 2}, {head: "NAMES", right: true, narrow: 1}, {head: "ROLES", flex: 26},
	}}
	shown := t.shown(len(t.res.Origins))
	for _, o := range busiest(t.res.Origins)[:shown] {
		g.add(originCell(o.ID, o.App), number(o.Calls), number(o.Sessions),
			number(o.SessionNames), t.usedRoles(o.Roles))
	}
	t.draw(g)
	t.more(len(t.res.Origins), shown, "origin")
}

// sessions shows single issuances, those of the names that matter most first.
func (t *table) sessions() {
	t.title("Sessions")
	all := 0
	for i := range t.res.Names {
		for range t.res.Sessions(i) {
			all++
		}
	}
	if all == 0 {
		t.println(noCalls(&t.res.Scan))
		return
	}
	shown := t.shown(all)
	g := &grid{columns: []gridColumn{
		{head: "SESSION NAME", flex: 18}, {head: "ROLE", flex: 14, drop: 1},
		{head: "ACCESS KEY", flex: 26}, // more than it has: it gives way last
		{head: "CREATED (UTC)", narrow: 1},
		{head: "LAST SEEN (UTC)", drop: 2}, {head: "CALLS", right: true, narrow: 2}, {head: "ERRORS", right: true, drop: 3},
		{head: "ORIGIN", flex: 20}, {head: "CONFIDENCE", drop: 4},
	}}
	for _, i := range rankNames(t.res.Names, worst(t.res), min(shown, len(t.res.Names))) {
		n := &t.res.Names[i]
		for s := range t.res.Sessions(int(i)) {
			if len(g.rows) == shown {
				break
			}
			g.add(text(n.SessionName), t.roleCell(n.AccountID, n.RoleName),
				cell(shorten(escapeTerminal(s.AccessKeyID), 20)), moment(s.Created), moment(s.LastSeen),
				number(s.Calls), number(s.Errors), originCell(s.OriginID, ""), confidenceCell(s.Confidence))
		}
	}
	t.draw(g)
	t.more(all, len(g.rows), "session")
}

// others shows the temporary sessions that are no role's.
func (t *table) others() {
	if len(t.res.Other) == 0 {
		return
	}
	t.title("Other temporary sessions")
	g := &grid{columns: []gridColumn{
		{head: "ISSUED BY"}, {head: "NAME", flex: 16}, {head: "ASKED FOR BY", flex: 24}, {head: "ISSUED", right: true}, {head: "CALLS", right: true}, {head: "LAST SEEN (UTC)", drop: 1},
	}}
	shown := t.shown(len(t.res.Other))
	for i := range t.res.Other[:shown] {
		o := &t.res.Other[i]
		g.add(cell(shorten(escapeTerminal(o.Kind), 18)), text(o.Name), t.arnCell(o.Principal),
			number(o.Issued), number(o.Calls), moment(o.LastSeen))
	}
	t.draw(g)
	t.more(len(t.res.Other), shown, "session")
}

// denied shows the attempts to assume a role that were refused.
func (t *table) denied() {
	if len(t.res.Denied) == 0 {
		return
	}
	t.title("Refused attempts to assume a role")
	g := &grid{columns: []gridColumn{
		{head: "PRINCIPAL", flex: 24}, {head: "ROLE", flex: 24}, {head: "ERROR", flex: 12}, {head: "TIMES", right: true}, {head: "LAST SEEN (UTC)", drop: 1},
	}}
	shown := t.shown(len(t.res.Denied))
	for i := range t.res.Denied[:shown] {
		d := &t.res.Denied[i]
		g.add(t.arnCell(d.Principal), t.arnCell(d.RoleARN), text(d.ErrorCode),
			number(d.Count), moment(d.LastSeen))
	}
	t.draw(g)
	t.more(len(t.res.Denied), shown, "attempt")
}

// coverage shows what was read of each account and region.
func (t *table) coverage() {
	if len(t.res.Coverage) == 0 {
		return
	}
	t.title("Read by account and region")
	g := &grid{columns: []gridColumn{
		{head: "ACCOUNT", flex: 14}, {head: "REGION", flex: 14}, {head: "FROM (UTC)", drop: 2}, {head: "TO (UTC)", drop: 1},
		{head: "OBJECTS", right: true}, {head: "FAILED", right: true}, {head: "HOURS READ", right: true},
	}}
	verified := false
	for i := range t.res.Coverage {
		verified = verified || t.res.Coverage[i].Verified != ""
	}
	if verified {
		g.columns = append(g.columns, gridColumn{head: "VERIFIED", flex: 20})
	}
	shown := t.shown(len(t.res.Coverage))
	for i := range t.res.Coverage[:shown] {
		c := &t.res.Coverage[i]
		failed := number(c.ObjectsFailed)
		switch {
		case c.ObjectsFailed > 0:
			failed.style = alarm
		case objectsText(c) == "":
			failed = blank
		}
		row := []gridCell{cell(t.account(c.AccountID)), text(c.Region), moment(c.From), moment(c.To), cell(objectsText(c)), failed, hoursCell(c)}
		if verified {
			row = append(row, text(c.Verified))
		}
		g.add(row...)
	}
	t.draw(g)
	t.more(len(t.res.Coverage), shown, "row")
	for i := range t.res.Coverage[:shown] {
		c := &t.res.Coverage[i]
		where := t.account(c.AccountID) + " " + escapeTerminal(c.Region)
		if unread := unreadText(c); unread != "" {
			t.labeled("Not read", where+": "+unread, alarm)
		}
		if !c.SilentSince.IsZero() {
			t.labeled("Silent", where+" since "+stamp(c.SilentSince), warn)
		}
	}
}

// hoursCell says how many of the hours with deliveries were read.
func hoursCell(c *attribute.Coverage) gridCell {
	if c.HoursExpected == 0 {
		return blank
	}
	if c.HoursRead < c.HoursExpected {
		return styled(hoursText(c), alarm)
	}
	return cell(hoursText(c))
}
