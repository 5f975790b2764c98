package attribute

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// The states of a finding against an earlier report.
const (
	StatusNew        = "new"
	StatusPersisting = "persisting"
	StatusResolved   = "resolved"
)

// maxElement is how large one member of an earlier report may be, in bytes: it
// is a file that anybody may have written, and one that never ends a string
// would fill the memory. The whole may be of any size.
const maxElement = 1 << 30

// maxChanges is how many changes of a kind a comparison lists before it only
// counts the rest.
const maxChanges = 50

// Baseline is what an earlier report said, as far as a comparison needs it.
type Baseline struct {
	attribution Split
	since       time.Time
	until       time.Time
	findings    map[string]Finding           // by id, without those that were resolved already
	names       map[ruleRole]map[string]bool // the session names that a rule fires on
	origins     map[string]map[string]bool   // origin ids by roleKey; each role that was used is there
	regions     map[string]map[string]bool   // by roleKey
	filters     []string
	redacted    bool

	texts map[string]string // what many findings say alike is held once
}

// ruleRole is a rule on one role, given by its roleKey.
type ruleRole struct{ rule, role string }

// roleKey is the ARN of a role without its path: no two roles of an account have
// one name, and one that was made anew under another path is used by the same.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
func roleKey(arn string) string {
	role, ok := ParseRoleARN(arn)
	if !ok {
		return arn
	}
	role.Path = "/"
	return role.ARN()
}

// ReadBaseline reads an earlier JSON report. It holds what a comparison needs
// and streams past the rest. Errors say what is wrong with the file, not where
// it is.
func ReadBaseline(r io.Reader) (*Baseline, error) {
	in := &bounded{r: r, most: maxElement}
	b, err := readBaseline(json.NewDecoder(in), in)
	var syntax *json.SyntaxError
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return nil, errors.New("it ends before the report does")
	case errors.As(err, &syntax):
		return nil, fmt.Errorf("not JSON: %w at byte %d", err, syntax.Offset)
	case err != nil:
		return nil, err
	}
	return b, nil
}

// bounded is a reader that bounds how much is read of one element.
type bounded struct {
	r    io.Reader
	most int // bytes
	read int // since the element began
}

func (b *bounded) Read(p []byte) (int, error) {
	if b.read > b.most {
		return 0, fmt.Errorf("larger than %d MiB, so hardly a report's", b.most>>20)
	}
	n, err := b.r.Read(p)
	b.read += n
	return n, err
}

func readBaseline(dec *json.Decoder, in *bounded) (*Baseline, error) {
	b := &Baseline{
		findings: map[string]Finding{},
		names:    map[ruleRole]map[string]bool{},
		origins:  map[string]map[string]bool{},
		regions:  map[string]map[string]bool{},
		texts:    map[string]string{},
	}
	if t, err := dec.Token(); err != nil {
		return nil, err
	} else if t != json.Delim('{') {
		return nil, errNoReport
	}
	version := 0
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			return nil, err
		}
		switch key {
		case "schemaVersion":
			err = dec.Decode(&version)
			if err == nil && version != 1 {
				return nil, fmt.Errorf("schema version %d, where this trailscan knows 1", version)
			}
		case "type": // only a line of JSON Lines has one
			return nil, errNoReport
		case "scan":
			err = b.readScan(dec)
		case "attribution":
			err = b.readAttribution(dec)
		case "sessionNames":
			err = eachElement(dec, in, b.readName)
		case "findings":
			err = eachElement(dec, in, b.readFinding)
		default:
			err = skipValue(dec, in)
		}
		if err != nil {
			return nil, fmt.Errorf("%v: %w", key, err)
		}
	}
	if _, err := dec.Token(); err != nil {
		return nil, err
	}
	if version == 0 {
		return nil, errNoReport
	}
	return b, nil
}

var errNoReport = errors.New("not a JSON report of trailscan's: give a file that --format json or -o NAME.json wrote")

func (b *Baseline) readScan(dec *json.Decoder) error {
	var scan struct {
		Since    time.Time `json:"since"` // null is the zero time
		Until    time.Time `json:"until"`
		Filters  []string  `json:"filters"`
		Warnings []string  `json:"warnings"`
	}
	err := dec.Decode(&scan)
	b.since, b.until, b.filters = scan.Since, scan.Until, scan.Filters
	b.redacted = slices.Contains(scan.Warnings, redactedNote)
	return err
}

func (b *Baseline) readAttribution(dec *json.Decoder) error {
	var split struct{ Calls, Proven, Recorded, Inferred, Unknown int64 }
	err := dec.Decode(&split)
	b.attribution = Split(split)
	return err
}

func (b *Baseline) readName(dec *json.Decoder) error {
	var n struct {
		RoleARN     string   `json:"roleArn"`
		SessionName string   `json:"sessionName"`
		Regions     []string `json:"regions"`
		Findings    []string `json:"findings"`
		Origins     []struct {
			ID         string `json:"id"`
			Kind       string `json:"kind"`
			Confidence string `json:"confidence"`
		} `json:"origins"`
	}
	if err := dec.Decode(&n); err != nil {
		return err
	}
	role := b.text(roleKey(n.RoleARN))
	for _, rule := range n.Findings {
		insert(b.names, ruleRole{b.text(rule), role}, n.SessionName)
	}
	if b.origins[role] == nil {
		b.origins[role] = map[string]bool{}
	}
	for _, o := range n.Origins {
		if isApp(o.Kind, o.Confidence) {
			insert(b.origins, role, o.ID)
		}
	}
	for _, region := range n.Regions {
		insert(b.regions, role, region)
	}
	return nil
}

func (b *Baseline) readFinding(dec *json.Decoder) error {
	var f struct {
		ID        string   `json:"id"`
		Rule      string   `json:"rule"`
		Severity  string   `json:"severity"`
		RoleARNs  []string `json:"roleArns"`
		AccountID string   `json:"accountId"`
		Title     string   `json:"title"`
		Detail    string   `json:"detail"`
		Why       string   `json:"why"`
		Names     struct {
			Count  int64    `json:"count"`
			Sample []string `json:"sample"`
		} `json:"names"`
		Patterns       []string `json:"patterns"`
		Recommendation string   `json:"recommendation"`
		Status         string   `json:"status"`
		IgnoredReason  string   `json:"ignoredReason"`
	}
	if err := dec.Decode(&f); err != nil {
		return err
	}
	severity, err := ParseSeverity(f.Severity)
	if err != nil {
		return fmt.Errorf("finding %q: %w", f.ID, err)
	}
	if f.ID == "" {
		return errors.New("a finding without an id")
	}
	if f.Status == StatusResolved {
		return nil
	}
	b.findings[f.ID] = Finding{
		ID: f.ID, Rule: f.Rule, Severity: severity, RoleARNs: f.RoleARNs, AccountID: f.AccountID,
		Title: b.text(f.Title), Detail: f.Detail, Why: b.text(f.Why),
		Names:    FindingNames{Count: f.Names.Count, Sample: f.Names.Sample},
		Patterns: f.Patterns, Recommendation: b.text(f.Recommendation), Ignored: f.IgnoredReason,
	}
	return nil
}

// text gives the copy of a text that is held already, if there is one.
func (b *Baseline) text(s string) string {
	if held, ok := b.texts[s]; ok {
		return held
	}
	b.texts[s] = s
	return s
}

// isApp reports whether an origin is one that a role gained or lost: what is
// only inferred may be another one tomorrow without anything having changed.
func isApp(kind, confidence string) bool {
	return kind != "unknown" && (confidence == Proven.String() || confidence == Recorded.String())
}

// insert adds a value to a set of sets.
func insert[K comparable](sets map[K]map[string]bool, key K, value string) {
	set := sets[key]
	if set == nil {
		set = map[string]bool{}
		sets[key] = set
	}
	set[value] = true
}

// eachElement calls read at every element of the array that comes next.
func eachElement(dec *json.Decoder, in *bounded, read func(*json.Decoder) error) error {
	t, err := dec.Token()
	if err != nil {
		return err
	}
	if t != json.Delim('[') {
		return errors.New("no array")
	}
	for i := 0; dec.More(); i++ {
		in.read = 0
		if err := read(dec); err != nil {
			return fmt.Errorf("element %d: %w", i, err)
		}
	}
	_, err = dec.Token()
	return err
}

// skipValue passes over the value that comes next without holding it.
func skipValue(dec *json.Decoder, in *bounded) error {
	for depth := 0; ; {
		in.read = 0
		t, err := dec.Token()
		if err != nil {
			return err
		}
		switch t {
		case json.Delim('{'), json.Delim('['):
			depth++
		case json.Delim('}'), json.Delim(']'):
			depth--
		}
		if depth == 0 {
			return nil
		}
	}
}

// Compare marks every finding as new or persisting against an earlier report,
// adds those of its findings that are no more as resolved, at the end, and says
// in r.Baseline what changed. A finding is the same when its id is. What the
// filters and settings of the scan, opt, keep it from finding is not compared.
func (r *Result) Compare(b *Baseline, opt Options) {
	c := &Comparison{}
	in := newScope(r, b, opt)
	names := r.firing()
	present := make(map[string]bool, len(r.Findings))
	for i := range r.Findings {
		f := &r.Findings[i]
		present[f.ID] = true
		old, known := b.findings[f.ID]
		if !known {
			f.Status = StatusNew
			f.Names.New = firstMissing(f.allNames(names), nil)
			c.New++
			continue
		}
		f.Status = StatusPersisting
		c.Persisting++
		if !b.redacted {
			now, before := f.allNames(names), old.allNames(b.names)
			f.Names.New = firstMissing(now, before)
			maps.DeleteFunc(before, func(name string, _ bool) bool { return !in.session(name) })
			f.Names.Resolved = firstMissing(before, now)
		}
	}
	var resolved []Finding
	for id, f := range b.findings {
		if present[id] || !in.judges(f) {
			continue
		}
		f.Status = StatusResolved
		f.Names.Resolved = firstMissing(f.allNames(b.names), nil)
		resolved = append(resolved, f)
	}
	slices.SortFunc(resolved, func(x, y Finding) int {
		return cmp.Or(cmp.Compare(y.Severity, x.Severity), cmp.Compare(x.Rule, y.Rule), cmp.Compare(x.ID, y.ID))
	})
	c.Resolved = int64(len(resolved))
	c.Changes = slices.Concat(r.caveats(b), in.caveats(), r.outOfSight(b, resolved), r.coverageChanges(b), r.appChanges(b), r.sharingChanges(b))
	r.Findings = append(r.Findings, resolved...)
	r.Baseline = c
}

// firing gives the session names that each rule fires on, as a JSON report
// would give them.
func (r *Result) firing() map[ruleRole]map[string]bool {
	names := map[ruleRole]map[string]bool{}
	for i := range r.Names {
		n := &r.Names[i]
		for _, rule := range n.Findings {
			insert(names, ruleRole{rule, roleKey(jsonText(n.RoleARN))}, jsonText(n.SessionName))
		}
	}
	return names
}

// allNames gives all the names that a finding covers. Its own sample is all of
// them, or else the names of its roles tell.
func (f *Finding) allNames(firing map[ruleRole]map[string]bool) map[string]bool {
	all := map[string]bool{}
	if f.Names.Count <= int64(len(f.Names.Sample)) {
		for _, n := range f.Names.Sample {
			all[jsonText(n)] = true
		}
		return all
	}
	for _, role := range f.RoleARNs {
		maps.Copy(all, firing[ruleRole{f.Rule, roleKey(jsonText(role))}])
	}
	return all
}

// firstMissing gives the first SampleSize names, in sorted order, that are in a
// and not in b.
func firstMissing(a, b map[string]bool) []string {
	var missing []string
	for n := range a {
		if !b[n] {
			missing = append(missing, n)
		}
	}
	slices.Sort(missing)
	return missing[:min(len(missing), SampleSize)]
}

// jsonText gives a string as it comes back from a JSON report, where the
// replacement character stands for each byte that is not UTF-8.
func jsonText(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	return string([]rune(s))
}

// empty reports whether the earlier report saw no session.
func (b *Baseline) empty() bool { return len(b.origins) == 0 }

// caveats tell what a reader of the comparison must know.
func (r *Result) caveats(b *Baseline) []string {
	var list []string
	if !r.Scan.Complete {
		list = append(list, "part of the input could not be read this time: what counts as resolved may only be unseen")
	}
	if b.redacted {
		list = append(list, "the earlier report is redacted: its findings are compared, its names and origins are not")
	}
	if b.empty() {
		list = append(list, "the earlier report holds no session names: everything is new")
	}
	if len(b.filters) > 0 && !slices.Equal(b.filters, r.Scan.Filters) {
		list = append(list, fmt.Sprintf("the earlier report is of %s only: what lies outside of that counts as new", strings.Join(b.filters, " ")))
	}
	return list
}

// outOfSight tells why what counts as resolved may be there still.
func (r *Result) outOfSight(b *Baseline, resolved []Finding) []string {
	if len(resolved) == 0 {
		return nil
	}
	var list []string
	if shorter(r.Scan.Since, r.Scan.Until, b.since, b.until) {
		list = append(list, "the window is shorter than the earlier report's: what counts as resolved may only not have happened in it")
	}
	read, unread, n := map[string]bool{}, map[string]bool{}, 0
	for _, c := range r.Coverage {
		read[c.AccountID] = true
	}
	for _, f := range resolved {
		missed := false
		for _, arn := range f.RoleARNs {
			if role, ok := ParseRoleARN(arn); ok && !read[role.Account] {
				unread[role.Account], missed = true, true
			}
		}
		if missed {
			n++
		}
	}
	what := "1 finding counts as resolved and is"
	if n > 1 {
		what = fmt.Sprintf("%d findings count as resolved and are", n)
	}
	if n > 0 {
		list = append(list, fmt.Sprintf("%s of accounts of which nothing was read this time: %s", what, strings.Join(atMost(slices.Sorted(maps.Keys(unread)), SampleSize), ", ")))
	}
	return list
}

// shorter reports whether a window is shorter than an earlier one. A zero time
// is no bound.
func shorter(since, until, earlierSince, earlierUntil time.Time) bool {
	if since.IsZero() || until.IsZero() {
		return false // nor is it known to be longer
	}
	return earlierSince.IsZero() || earlierUntil.IsZero() || until.Sub(since) < earlierUntil.Sub(earlierSince)
}

// coverageChanges tells how much more or less is attributed.
func (r *Result) coverageChanges(b *Baseline) []string {
	before, calls := share(b.attribution)
	now, callsNow := share(r.Attribution)
	if !calls || !callsNow {
		return nil
	}
	// In tenths of a per cent, as it is shown: what shows no difference is none.
	direction := "up"
	switch {
	case before == now:
		return nil
	case now < before:
		direction = "down"
	}
	return []string{fmt.Sprintf("calls with a proven or recorded origin: %s from %d.%d %% to %d.%d %%", direction, before/10, before%10, now/10, now%10)}
}

// share gives the calls whose origin is proven or recorded, in tenths of a per
// cent, and whether there are calls at all.
func share(s Split) (int64, bool) {
	if s.Calls <= 0 || s.Proven < 0 || s.Recorded < 0 {
		return 0, false
	}
	return int64(1000 * (float64(s.Proven) + float64(s.Recorded)) / float64(s.Calls)), true
}

// appChanges tells the origins that use a role for the first time.
func (r *Result) appChanges(b *Baseline) []string {
	if b.redacted || b.empty() {
		return nil
	}
	added := map[string]map[string]bool{} // by role
	app := map[string]string{}            // by origin
	for i := range r.Names {
		n := r.Name(i)
		role := jsonText(n.RoleARN)
		before, used := b.origins[roleKey(role)]
		for j := range n.Origins {
			o := &n.Origins[j]
			if id := jsonText(o.ID); isApp(o.Kind, o.Confidence.String()) && !(used && before[id]) {
				insert(added, role, id)
				app[id] = o.App
			}
		}
	}
	var changes []string
	for _, role := range slices.Sorted(maps.Keys(added)) {
		what := "new origin on"
		if _, used := b.origins[roleKey(role)]; !used {
			what = "first use of"
		}
		var origins []string
		for _, id := range slices.Sorted(maps.Keys(added[role])) {
			if app[id] != "" {
				id += " (" + app[id] + ")"
			}
			origins = append(origins, id)
		}
		changes = append(changes, fmt.Sprintf("%s %s: %s", what, role, strings.Join(atMost(origins, SampleSize), ", ")))
	}
	return atMost(changes, maxChanges)
}

// sharingChanges tells the names that several origins use since then.
func (r *Result) sharingChanges(b *Baseline) []string {
	if b.redacted || b.empty() {
		return nil
	}
	const rule = "shared-name"
	var changes []string
	for i := range r.Names {
		n := &r.Names[i]
		role, name := jsonText(n.RoleARN), jsonText(n.SessionName)
		if slices.Contains(n.Findings, rule) && !b.names[ruleRole{rule, roleKey(role)}][name] {
			changes = append(changes, fmt.Sprintf("newly shared: %s under %s", name, role))
		}
	}
	slices.Sort(changes)
	return atMost(changes, maxChanges)
}

// atMost shortens a list to n entries, the last of which tells how many are
// left out.
func atMost(list []string, n int) []string {
	if len(list) <= n {
		return list
	}
	return append(list[:n-1:n-1], fmt.Sprintf("and %d more", len(list)-n+1))
}
