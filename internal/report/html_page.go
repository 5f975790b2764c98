package report

import (
	"cmp"
	"fmt"
	"html/template"
	"slices"
	"strings"

	"github.com/trailscan/trailscan/internal/attribute"
	"github.com/trailscan/trailscan/internal/ingest"
)

// What the page shows of lists that have no end of their own. Whatever is left
// out is counted in the page, and complete in the JSON report.
const (
	pageFindings = 1000
	openFindings = 3 // of them unfolded from the start
	pageProblems = 50
	pageCoverage = 500
	coverageGaps = 100 // of one row
	pageOrigins  = 100
	pageOthers   = 100
	aboutRoles   = 3 // in the head of a finding
)

// page is what the template shows.
type page struct {
	Policy string
	Style  template.CSS
	Script template.JS
	Tool   Tool

	Source, Window, Finished string
	Only                     string // the filters
	Lead                     string

	HasCalls   bool
	Calls      string
	Attributed string // the share whose origin is proven or recorded
	Shares     []share
	Severities []severityCount
	Ignored    int64
	Scan       scanFacts
	Baseline   *baseline

	Warnings []string
	Problems cut[problem]

	Flow     *flow
	Timeline *timeline
	Findings cut[finding]
	First    []finding  // the first of them, if they ask for something to be done
	Rules    []string   // ids that findings have, for the filter
	Statuses []string   // statuses that findings have, for the filter
	Names    []plainRow // the first of them, as markup
	Shown    string     // session names in the page
	Total    string     // session names
	Left     bool       // some names are not in the page
	Origins  cut[originRow]
	Coverage cut[coverageRow]
	Others   cut[otherRow]
	Denied   cut[deniedRow]
	Meta     meta

	order    []int32              // the names in the page: indexes of Result.Names
	severity []attribute.Severity // of each of Result.Names
	on       firing
	rules    map[string]int // index of each rule in Meta.Rules
}

// cut is the start of a list and how long the list is.
type cut[T any] struct {
	Items []T
	Total int
}

// Left is how many are not among the items.
func (c cut[T]) Left() string { return grouped(int64(c.Total - len(c.Items))) }

// Cut reports whether there are more than the items.
func (c cut[T]) Cut() bool { return c.Total > len(c.Items) }

// cutTo makes the items of the first n of list.
func cutTo[S, T any](list []S, n int, item func(S) T) cut[T] {
	c := cut[T]{Total: len(list)}
	for _, v := range list[:min(n, len(list))] {
		c.Items = append(c.Items, item(v))
	}
	return c
}

// share is one part of the bar that shows how surely calls are attributed.
type share struct {
	Name, Note     string
	Calls, Percent string
	X, Width       string // per cent of the bar
}

type severityCount struct {
	Severity string
	Count    int64
	New      int64
}

type scanFacts struct {
	Complete                             bool
	Accounts, Regions                    int64
	Read                                 string // how long the time is that was read
	From, To                             string
	Objects, Bytes                       string
	Queries, Scanned                     string // of Athena, empty where the objects were read here
	Failed                               string // empty where no object did
	Events, Duplicates, Unused, Assumes  string
	SessionNames, Roles, Origins, Shared int64
}

type baseline struct {
	New, Persisting, Resolved int64
	Changes                   []string
}

type problem struct{ Object, At, Stage, Error, Count string }

// nameRef is a session name that leads to its own view where the page has it.
type nameRef struct {
	Text string
	N    int // its place in the page, or -1
}

type finding struct {
	N                           int
	Rule, Severity, Status      string
	State                       string // ignored, resolved or empty
	Title, Ignored              string
	What, Count                 string   // the name or pattern that it is about, and of how many names
	Under                       []string // the roles' names
	Detail, Why, Recommendation string
	Roles                       []string
	Account                     string
	Names                       []nameRef
	NameCount, MoreNames        int64
	New, Resolved               []nameRef
	Patterns                    []string
	Evidence                    []evidence
	Find                        string // what to search the table for
	Open                        bool
}

type evidence struct{ Type, EventID, Detail string }

type plainRow struct {
	Name, Role, Account string
	Origins             []string
	MoreOrigins         int
	Confidence          string
	Calls, Errors       string
	Sessions            string
	LastDay, LastTime   string
	Findings            []plainFinding
}

type plainFinding struct{ Rule, Severity string }

type originRow struct {
	Kind, Name, App                      string
	Calls, Sessions, Roles, SessionNames string
}

type coverageRow struct {
	Account, Region, From, To string
	Objects, Failed, Verified string
	Lost                      bool
	Hours, Unread, Silent     string
	X, Width                  string // of the window, per cent
	Gaps                      []coverageGap
}

// coverageGap is a time of which something was not read, in per cent of the window.
type coverageGap struct{ X, Width string }

type otherRow struct{ Kind, Account, Principal, Name, Issued, Calls, First, Last, EventID string }

type deniedRow struct{ Principal, Role, Account, Error, Count, First, Last, EventID string }

// meta is the block of data that the others refer to.
type meta struct {
	Total        int           `json:"total"`
	Block        int           `json:"block"`
	MaxOrigins   int           `json:"maxOrigins"`
	Severities   []string      `json:"severities"`
	Confidences  []string      `json:"confidences"`
	Rules        []string      `json:"rules"`
	Findings     []metaFinding `json:"findings"`
	AccountNames [][2]string   `json:"accountNames"`
}

// metaFinding is what a name's own view shows of a finding: the finding itself
// is in the page, with the id finding-N.
type metaFinding struct {
	Rule     int      `json:"rule"`
	Severity int      `json:"severity"`
	Title    string   `json:"title"`
	Roles    []string `json:"roles"`
	// Name is the one name that the finding is about, empty where it is about
	// the names of a role.
	Name  string `json:"name"`
	State string `json:"state"` // ignored, resolved or empty
}

// newPage works out what the page shows, with at most limit session names.
func newPage(res *attribute.Result, opt Options, limit int) *page {
	p := &page{
		Source:   pageText(cmp.Or(res.Scan.Source, "standard input")),
		Only:     pageText(strings.Join(res.Scan.Filters, " ")),
		Finished: stamp(res.Scan.Finished),
		HasCalls: res.Attribution.Calls > 0,
		Calls:    grouped(res.Attribution.Calls),
		Total:    grouped(int64(len(res.Names))),
	}
	brief := func(id string) string { return pageText(cmp.Or(opt.AccountNames[id], id)) }
	account := func(id string) string {
		if name := opt.AccountNames[id]; name != "" {
			return pageText(name) + " (" + pageText(id) + ")"
		}
		return pageText(id)
	}
	p.Window = window(res)
	p.on = active(res.Findings)
	p.severity = severities(res.Names, p.on)
	p.order = rankNames(res.Names, p.severity, limit)
	p.Shown = grouped(int64(len(p.order)))
	p.Left = len(p.order) < len(res.Names)

	p.attribution(res.Attribution)
	p.facts(res)
	for _, w := range res.Scan.Warnings {
		p.Warnings = append(p.Warnings, pageText(w))
	}
	p.Problems = cutTo(res.Scan.Problems, pageProblems, newProblem)
	if b := res.Baseline; b != nil {
		p.Baseline = &baseline{New: b.New, Persisting: b.Persisting, Resolved: b.Resolved}
		for _, c := range b.Changes {
			p.Baseline.Changes = append(p.Baseline.Changes, pageText(c))
		}
	}

	place := make(map[int32]int, len(p.order))
	for at, i := range p.order {
		place[i] = at
	}
	p.meta(res, opt)
	groups, all, hours := groupNames(res, p.severity, p.on)
	p.Flow = newFlow(groups, all, res.Attribution.Calls, res.Names, place, account)
	p.Timeline = newTimeline(groups, res.Names, hours, place)
	p.findings(res, place, account)
	for _, i := range p.order[:min(plainRows, len(p.order))] {
		p.Names = append(p.Names, newPlainRow(res.Name(int(i)), p.on, brief))
	}
	p.Origins = cutTo(busiest(res.Origins), pageOrigins, func(o attribute.OriginTotal) originRow {
		return originRow{
			Kind: pageText(o.Kind), Name: pageText(strings.TrimPrefix(o.ID, o.Kind+":")), App: pageText(o.App),
			Calls: grouped(o.Calls), Sessions: grouped(o.Sessions),
			Roles: grouped(int64(len(o.Roles))), SessionNames: grouped(o.SessionNames),
		}
	})
	p.coverage(res, account)
	p.Others = cutTo(res.Other, pageOthers, func(o attribute.OtherSession) otherRow {
		return otherRow{
			Kind: pageText(o.Kind), Account: account(o.AccountID), Principal: pageText(o.Principal), Name: pageText(o.Name),
			Issued: grouped(o.Issued), Calls: grouped(o.Calls),
			First: stamp(o.FirstSeen), Last: stamp(o.LastSeen), EventID: pageText(o.EventID),
		}
	})
	p.Denied = cutTo(res.Denied, pageOthers, func(d attribute.DeniedAssumption) deniedRow {
		return deniedRow{
			Principal: pageText(d.Principal), Role: pageText(d.RoleARN), Account: account(d.AccountID),
			Error: pageText(d.ErrorCode), Count: grouped(d.Count),
			First: stamp(d.FirstSeen), Last: stamp(d.LastSeen), EventID: pageText(d.EventID),
		}
	})
	p.Lead = p.lead(res)
	return p
}

// findingState says why a finding asks for nothing: it is ignored or resolved.
func findingState(f *attribute.Finding) string {
	switch {
	case f.Status == statusResolved:
		return f.Status
	case f.Ignored != "":
		return "ignored"
	}
	return ""
}

func (p *page) attribution(s attribute.Split) {
	p.Attributed = percent(s.Proven+s.Recorded, s.Calls)
	var before int64
	for _, part := range []struct {
		name, note string
		calls      int64
	}{
		{"proven", "every step from the app or person to the session is an event in the log", s.Proven},
		{"recorded", "AWS wrote the origin into the calls themselves, or the chain ends at another account or role", s.Recorded},
		{"inferred", "by the form of the name, the client or the source", s.Inferred},
		{"unknown", "nothing to go by, or several candidates left", s.Unknown},
	} {
		p.Shares = append(p.Shares, share{
			Name: part.name, Note: part.note, Calls: grouped(part.calls), Percent: percent(part.calls, s.Calls),
			X: perCent(before, s.Calls), Width: perCent(part.calls, s.Calls),
		})
		before += part.calls
	}
}

// perCent is percent for a place in a drawing.
func perCent(part, whole int64) string {
	if whole <= 0 {
		return "0%"
	}
	return fmt.Sprintf("%.2f%%", 100*float64(part)/float64(whole))
}

func (p *page) facts(res *attribute.Result) {
	s := &res.Scan
	accounts, regions := make(map[string]bool), make(map[string]bool)
	for _, c := range res.Coverage {
		accounts[c.AccountID], regions[c.Region] = true, true
	}
	from, to := covered(res.Coverage)
	var shared int64
	roles := make(map[string]bool)
	for i := range res.Names {
		roles[res.Names[i].RoleARN] = true
		if slices.Contains(res.Names[i].Findings, ruleShared) && p.on.severity(&res.Names[i], ruleShared) > attribute.None {
			shared++
		}
	}
	p.Scan = scanFacts{
		Complete: s.Complete,
		Accounts: int64(len(accounts)), Regions: int64(len(regions)),
		From: stamp(from), To: stamp(to),
		Objects: grouped(s.Objects), Bytes: byteSize(s.Bytes),
		Events: grouped(s.Events), Duplicates: grouped(s.Duplicates),
		Unused: grouped(s.UnusedSessions), Assumes: grouped(s.AssumeEvents),
		SessionNames: int64(len(res.Names)), Roles: int64(len(roles)), Origins: int64(len(res.Origins)),
		Shared: shared,
	}
	if s.Queries > 0 {
		p.Scan.Queries, p.Scan.Scanned = grouped(s.Queries), byteSize(s.CompressedBytes)
	}
	if s.ObjectsFailed > 0 {
		p.Scan.Failed = grouped(s.ObjectsFailed)
	}
	if !from.IsZero() {
		p.Scan.Read = between(from, to)
	}
}

// lead is the page in two sentences.
func (p *page) lead(res *attribute.Result) string {
	if res.Attribution.Calls == 0 {
		return noCalls(&res.Scan)
	}
	lead := fmt.Sprintf("%s under %s of %s. %s of the calls lead to an app or person, by proof or by the record of AWS.",
		counted(res.Attribution.Calls, "call"), counted(p.Scan.SessionNames, "session name"),
		counted(p.Scan.Roles, "role"), p.Attributed)
	switch {
	case p.Scan.Shared == 1:
		lead += " One name is shared by several, so that it does not tell who acted."
	case p.Scan.Shared > 1:
		lead += fmt.Sprintf(" %s names are shared by several, so that they do not tell who acted.", grouped(p.Scan.Shared))
	}
	return lead
}

func newProblem(pr ingest.Problem) problem {
	v := problem{Object: pageText(pr.Object), Stage: pageText(string(pr.Stage)), Error: pageText(reason(pr)), Count: grouped(pr.Count)}
	if pr.Offset >= 0 {
		v.At = "byte " + grouped(pr.Offset)
	}
	return v
}

func busiest(origins []attribute.OriginTotal) []attribute.OriginTotal {
	s := slices.Clone(origins)
	slices.SortStableFunc(s, func(a, b attribute.OriginTotal) int { return cmp.Compare(b.Calls, a.Calls) })
	return s
}

// findings fills in the findings: what is to do first, then what is ignored,
// then what is resolved; the most severe first in each.
func (p *page) findings(res *attribute.Result, place map[int32]int, account func(string) string) {
	sorted := rankFindings(res.Findings)
	for s := attribute.Critical; s >= attribute.Low; s-- {
		p.Severities = append(p.Severities, severityCount{Severity: s.String()})
	}
	rules, statuses := make(map[string]bool), make(map[string]bool)
	for _, f := range sorted {
		switch state := findingState(f); {
		case state == "ignored":
			p.Ignored++
		case state == "" && f.Severity > attribute.None:
			c := &p.Severities[attribute.Critical-f.Severity]
			c.Count++
			if f.Status == "new" {
				c.New++
			}
		}
		rules[pageText(f.Rule)] = true
		if f.Status != "" {
			statuses[pageText(f.Status)] = true
		}
	}
	p.Rules, p.Statuses = sortedKeys(rules), sortedKeys(statuses)

	places := findingNames(res, sorted[:min(pageFindings, len(sorted))], place)
	p.Findings = cutTo(sorted, pageFindings, func(f *attribute.Finding) finding {
		v := newFinding(f, places, account)
		v.N = len(p.Meta.Findings)
		v.State = findingState(f)
		v.Open = v.N < openFindings && v.State == ""
		m := metaFinding{Rule: p.rules[f.Rule], Severity: int(f.Severity), Title: v.Title, Roles: v.Roles, Name: pageText(aboutName(f)), State: v.State}
		p.Meta.Findings = append(p.Meta.Findings, m)
		return v
	})
	for _, f := range p.Findings.Items[:min(openFindings, len(p.Findings.Items))] {
		if f.State == "" {
			p.First = append(p.First, f)
		}
	}
}

func sortedKeys(m map[string]bool) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// nameOnRole is a session name's key.
type nameOnRole struct{ role, name string }

// findingNames gives the places in the page of the names that findings name.
func findingNames(res *attribute.Result, findings []*attribute.Finding, place map[int32]int) map[nameOnRole]int {
	places := make(map[nameOnRole]int)
	for _, f := range findings {
		for _, arn := range f.RoleARNs {
			for _, list := range [][]string{f.Names.Sample, f.Names.New} {
				for _, name := range list {
					places[nameOnRole{arn, name}] = -1
				}
			}
		}
	}
	if len(places) == 0 {
		return places
	}
	for i := range res.Names {
		k := nameOnRole{res.Names[i].RoleARN, res.Names[i].SessionName}
		if _, ok := places[k]; !ok {
			continue
		}
		if at, ok := place[int32(i)]; ok {
			places[k] = at
		}
	}
	return places
}

func newFinding(f *attribute.Finding, places map[nameOnRole]int, account func(string) string) finding {
	v := finding{
		Rule: pageText(f.Rule), Severity: f.Severity.String(), Status: pageText(f.Status), Title: pageText(f.Title),
		Ignored: pageText(f.Ignored), Detail: pageProse(f.Detail), Why: pageProse(f.Why),
		Recommendation: pageProse(f.Recommendation),
		NameCount:      f.Names.Count, MoreNames: f.Names.Count - int64(len(f.Names.Sample)),
	}
	if f.AccountID != "" {
		v.Account = account(f.AccountID)
	}
	for _, arn := range f.RoleARNs {
		v.Roles = append(v.Roles, pageText(arn))
		if len(v.Under) < aboutRoles {
			v.Under = append(v.Under, pageText(arn[strings.LastIndexByte(arn, '/')+1:]))
		}
	}
	if more := len(f.RoleARNs) - len(v.Under); more > 0 {
		v.Under = append(v.Under, counted(int64(more), "more role"))
	}
	switch {
	case f.Names.Count > 1 && len(f.Patterns) > 0:
		v.What, v.Count = pageText(f.Patterns[0]), counted(f.Names.Count, "name")
	case len(f.Names.Sample) > 0:
		v.What = pageText(f.Names.Sample[0])
		if f.Names.Count > 1 {
			v.Count = counted(f.Names.Count, "name")
		}
	}
	refs := func(names []string) []nameRef {
		var refs []nameRef
		for _, name := range names {
			ref := nameRef{pageText(name), -1}
			for _, arn := range f.RoleARNs {
				if at, ok := places[nameOnRole{arn, name}]; ok && at >= 0 {
					ref.N = at
					break
				}
			}
			refs = append(refs, ref)
		}
		return refs
	}
	v.Names, v.New, v.Resolved = refs(f.Names.Sample), refs(newNames(f)), refs(f.Names.Resolved)
	if !slices.Equal(f.Patterns, f.Names.Sample) { // else they say nothing more
		for _, pattern := range f.Patterns {
			v.Patterns = append(v.Patterns, pageText(pattern))
		}
	}
	for _, e := range f.Evidence {
		v.Evidence = append(v.Evidence, evidence{pageText(e.Type), pageText(e.EventID), pageText(e.Detail)})
	}
	switch {
	case len(f.RoleARNs) == 1:
		v.Find = v.Roles[0]
	case len(f.Names.Sample) == 1:
		v.Find = v.Names[0].Text
	}
	return v
}

func newPlainRow(n *attribute.SessionName, on firing, account func(string) string) plainRow {
	r := plainRow{
		Name: pageText(n.SessionName), Role: pageText(n.RoleName), Account: account(n.AccountID),
		MoreOrigins: len(n.Origins) - min(rowOrigins, len(n.Origins)),
		Confidence:  weakest(n).String(),
		Calls:       grouped(n.Calls), Errors: grouped(n.Errors), Sessions: grouped(n.Sessions),
	}
	r.LastDay, r.LastTime, _ = strings.Cut(stamp(n.LastSeen), " ")
	for i := range n.Origins[:min(rowOrigins, len(n.Origins))] {
		r.Origins = append(r.Origins, pageText(n.Origins[i].ID))
	}
	for _, rule := range n.Findings {
		r.Findings = append(r.Findings, plainFinding{pageText(rule), on.severity(n, rule).String()})
	}
	return r
}

func (p *page) coverage(res *attribute.Result, account func(string) string) {
	// The strip's ends: the window, or what was read where there is none.
	from, to := res.Scan.Since, res.Scan.Until
	for _, c := range res.Coverage {
		if !c.From.IsZero() && (from.IsZero() || c.From.Before(from)) {
			from = c.From
		}
		if c.To.After(to) {
			to = c.To
		}
	}
	whole := int64(to.Sub(from))
	p.Coverage = cutTo(res.Coverage, pageCoverage, func(c attribute.Coverage) coverageRow {
		r := coverageRow{
			Account: account(c.AccountID), Region: pageText(c.Region), From: stamp(c.From), To: stamp(c.To),
			Objects: objectsText(&c), Failed: grouped(c.ObjectsFailed), Verified: pageText(c.Verified),
			Lost:  c.ObjectsFailed > 0,
			Hours: hoursText(&c), Unread: unreadText(&c), Silent: stamp(c.SilentSince),
		}
		if !c.From.IsZero() {
			r.X = perCent(int64(c.From.Sub(from)), whole)
			r.Width = perCent(max(int64(c.To.Sub(c.From)), whole/200), whole)
		}
		for _, u := range c.Unread[:min(len(c.Unread), coverageGaps)] {
			start, end := u.From, u.To
			if start.Before(from) {
				start = from
			}
			if end.After(to) {
				end = to
			}
			if start.Before(end) {
				r.Gaps = append(r.Gaps, coverageGap{perCent(int64(start.Sub(from)), whole), perCent(max(int64(end.Sub(start)), whole/200), whole)})
			}
		}
		return r
	})
}

// meta starts the block of data that the others refer to.
func (p *page) meta(res *attribute.Result, opt Options) {
	used := make(map[string]bool)
	for i := range res.Findings {
		used[res.Findings[i].Rule] = true
	}
	for i := range res.Names {
		for _, rule := range res.Names[i].Findings {
			used[rule] = true
		}
	}
	p.rules = make(map[string]int)
	m := meta{Total: len(res.Names), Block: blockRows, MaxOrigins: maxOrigins, AccountNames: [][2]string{}, Findings: []metaFinding{}, Rules: []string{}}
	for i, rule := range sortedKeys(used) {
		p.rules[rule] = i
		m.Rules = append(m.Rules, pageText(rule))
	}
	for s := attribute.None; s <= attribute.Critical; s++ {
		m.Severities = append(m.Severities, s.String())
	}
	for c := attribute.Unknown; c <= attribute.Proven; c++ {
		m.Confidences = append(m.Confidences, c.String())
	}
	for id, name := range opt.AccountNames {
		m.AccountNames = append(m.AccountNames, [2]string{pageText(id), pageText(name)})
	}
	slices.SortFunc(m.AccountNames, func(a, b [2]string) int { return cmp.Compare(a[0], b[0]) })
	p.Meta = m
}
