package attribute

import (
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/trailscan/trailscan/internal/ingest"
	"github.com/trailscan/trailscan/internal/trailgen"
)

// TestTruth holds what is said of a generated organization's trail against
// what is known about it: counts are exact, what is called proven is never
// wrong, and each rule fires where it must and nowhere else. With -v it prints
// the figures.
func TestTruth(t *testing.T) {
	for _, missing := range []float64{0, 0.2} {
		for seed := uint64(1); seed <= 2; seed++ {
			t.Run(fmt.Sprintf("missing=%g/seed=%d", missing, seed), func(t *testing.T) {
				t.Parallel()
				c := compareWithTruth(t, trailgen.OrgConfig{
					Config: trailgen.Config{Seed: seed}, Events: 20_000, Accounts: 6, Regions: 3, Org: seed == 2,
					Start: time.Date(2026, 11, 2, 0, 0, 0, 0, time.UTC), Window: 24 * time.Hour, Missing: missing,
					RecordsPerObject: 400, RandomNames: 500, SameNames: 100,
				})
				t.Log("\n" + c.String())
				for _, s := range c.wrongCounts {
					t.Errorf("count: %s", s)
				}
				for _, s := range c.wrongProven {
					t.Errorf("proven and wrong: %s", s)
				}
				for _, s := range c.tooSure {
					t.Errorf("surer than the trail allows: %s", s)
				}
				if missing == 0 && c.right*100 < c.calls*99 {
					t.Errorf("%d of %d calls have the right origin, under 99 %%: %v", c.right, c.calls, first(c.wrongCalls))
				}
				if c.wrong*1000 > c.calls { // guesses that were wrong, and nothing surer
					t.Errorf("%d of %d calls have a wrong origin: %v", c.wrong, c.calls, first(c.wrongCalls))
				}
				for rule, r := range c.rules {
					for _, s := range append(slices.Clone(r.missed), r.wrong...) {
						t.Errorf("%s: %s", rule, s)
					}
				}
			})
		}
	}
}

func first(list []string) []string { return list[:min(len(list), 10)] }

// comparison is how a result compares with the truth.
type comparison struct {
	calls, right, unknown, coarse, wrong int64
	byConfidence                         map[Confidence][2]int64 // right and all calls
	wrongProven, tooSure, wrongCalls     []string
	wrongCounts                          []string
	rules                                map[string]*ruleScore
}

type ruleScore struct {
	fired, right int // findings' roles, and those that the truth asks for
	wanted       int
	missed       []string
	wrong        []string
}

// String is the table of figures.
func (c *comparison) String() string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "calls\t%d\nright origin\t%.2f %%\nunknown\t%.2f %%\na role or candidate on the way\t%.2f %%\nwrong\t%.3f %%\nwrong proven\t%d\n",
		c.calls, share100(c.right, c.calls), share100(c.unknown, c.calls), share100(c.coarse, c.calls), share100(c.wrong, c.calls), len(c.wrongProven))
	for _, conf := range []Confidence{Proven, Recorded, Inferred} {
		n := c.byConfidence[conf]
		fmt.Fprintf(w, "%s\t%d of %d right\n", conf, n[0], n[1])
	}
	fmt.Fprintf(w, "\nrule\twanted\tfired\tprecision\trecall\n")
	for _, rule := range ruleIDs() {
		if r := c.rules[rule]; r != nil {
			fmt.Fprintf(w, "%s\t%d\t%d\t%.0f %%\t%.0f %%\n", rule, r.wanted, r.fired, share100(int64(r.right), int64(r.fired)), share100(int64(r.wanted-len(r.missed)), int64(r.wanted)))
		}
	}
	w.Flush()
	return b.String()
}

func share100(n, of int64) float64 {
	if of == 0 {
		return 100
	}
	return float64(n) * 100 / float64(of)
}

func compareWithTruth(t *testing.T, cfg trailgen.OrgConfig) *comparison {
	t.Helper()
	cfg.Out = t.TempDir()
	summary, err := trailgen.Generate(context.Background(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	a := NewAudit(Options{Since: cfg.Start, Until: cfg.Start.Add(cfg.Window), Today: cfg.Start})
	feedDir(t, a, cfg.Out)
	if a.Replay() {
		feedDir(t, a, cfg.Out)
	}
	a.collect()
	r := a.resolver()
	r.resolveAll()
	type callKey struct {
		arn, key string
		created  int64
	}
	found := map[callKey]*resolution{}
	for u := range r.uses.all() {
		if u.session != nil {
			found[callKey{r.text[u.arn], r.text[u.key], u.created}] = r.recall(u.session)
		}
	}
	res := a.Result().whole()
	c := &comparison{byConfidence: map[Confidence][2]int64{}, rules: map[string]*ruleScore{}}
	c.counts(res, summary)

	verdicts := map[string]map[string]map[string]*trailgen.Expect{} // rule, role, name ("" for all)
	err = readTruth(cfg.Out, func(l trailgen.Line) error {
		if e := l.Expect; e != nil {
			for _, role := range e.RoleARNs {
				if verdicts[e.Rule] == nil {
					verdicts[e.Rule] = map[string]map[string]*trailgen.Expect{}
				}
				if verdicts[e.Rule][role] == nil {
					verdicts[e.Rule][role] = map[string]*trailgen.Expect{}
				}
				if len(e.Names) == 0 {
					verdicts[e.Rule][role][""] = e
				}
				for _, n := range e.Names {
					verdicts[e.Rule][role][n] = e
				}
			}
		}
		tc := l.Call
		if tc == nil {
			return nil
		}
		created, err := time.Parse(time.RFC3339, tc.CreationDate)
		if err != nil {
			return err
		}
		ref, _ := ParseRoleARN(tc.RoleARN)
		arn := SessionRef{ref.Partition, ref.Account, ref.Name, tc.SessionName}.ARN()
		c.call(tc, found[callKey{arn, tc.AccessKeyID, created.Unix()}])
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	c.judge(res, cfg.Missing > 0, verdicts)
	return c
}

func readTruth(dir string, fn func(trailgen.Line) error) error {
	f, err := os.Open(filepath.Join(dir, trailgen.TruthFile))
	if err != nil {
		return err
	}
	defer f.Close()
	return trailgen.ReadTruth(f, fn)
}

// feedDir reads all objects below a folder.
func feedDir(t *testing.T, a *Audit, dir string) {
	t.Helper()
	builders, files := []*Builder{a.Builder(), a.Builder()}, 0 // as two workers would
	reader := ingest.NewReader(ingest.Limits{})
	err := filepath.WalkDir(filepath.Join(dir, "AWSLogs"), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		defer f.Close()
		if _, problems := reader.Read(context.Background(), path, f, builders[files%len(builders)].Add); len(problems) > 0 {
			t.Errorf("%s does not read: %+v", path, problems)
		}
		files++
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func (c *comparison) counts(res *Result, s trailgen.Summary) {
	check := func(what string, got, want int64) {
		if got != want {
			c.wrongCounts = append(c.wrongCounts, fmt.Sprintf("%s: got %d, want %d", what, got, want))
		}
	}
	check("events", res.Scan.Events, s.Events)
	check("calls", res.Scan.AssumedRoleCalls, s.AssumedRoleCalls)
	check("assume events", res.Scan.AssumeEvents, s.AssumeEvents)
	check("unused sessions", res.Scan.UnusedSessions, s.UnusedSessions)
	check("session names", int64(len(res.Names)), int64(len(s.SessionNames)))
	want := map[string]trailgen.NameCount{}
	for _, n := range s.SessionNames {
		want[n.RoleARN+"/"+n.SessionName] = n
	}
	for _, n := range res.Names {
		w, ok := want[n.RoleARN+"/"+n.SessionName]
		if !ok {
			c.wrongCounts = append(c.wrongCounts, "no such name: "+n.RoleARN+"/"+n.SessionName)
			continue
		}
		check("calls of "+n.RoleARN+"/"+n.SessionName, n.Calls, w.Calls)
		check("errors of "+n.RoleARN+"/"+n.SessionName, n.Errors, w.Errors)
		check("sessions of "+n.RoleARN+"/"+n.SessionName, n.Sessions, w.Sessions)
	}
}

// call judges the origin that one call got.
func (c *comparison) call(tc *trailgen.Call, res *resolution) {
	c.calls++
	if res == nil {
		res = &resolution{}
		c.wrongCounts = append(c.wrongCounts, "no session for the call "+tc.EventID+" of "+tc.RoleARN+"/"+tc.SessionName)
	}
	got := res.origin.id()
	text := fmt.Sprintf("%s %s/%s: got %s %s, want %s (at most %s)", tc.EventID, tc.RoleARN, tc.SessionName, got, res.confidence, tc.Origin, tc.MaxConfidence)
	n := c.byConfidence[res.confidence]
	n[1]++
	switch {
	case got == tc.Origin:
		c.right++
		n[0]++
	case !res.origin.known():
		c.unknown++
	case slices.Contains(tc.Acceptable, got):
		c.coarse++
		n[0]++
	default:
		c.wrong++
		c.wrongCalls = append(c.wrongCalls, text)
		if res.confidence == Proven {
			c.wrongProven = append(c.wrongProven, text)
		}
	}
	c.byConfidence[res.confidence] = n
	if res.confidence.String() == "proven" && tc.MaxConfidence != "proven" {
		c.tooSure = append(c.tooSure, text)
	}
}

// told reports whether the events that are left tell what the expectation is
// about: an origin, for a shared name two of them, and all for one that nothing
// of it stays unknown.
func told(rule string, e *trailgen.Expect) bool {
	switch {
	case rule == "shared-name":
		return len(e.Provable) >= min(2, len(e.Origins))
	case rule != "unattributed":
		return len(e.Provable) > 0 || len(e.Origins) == 0
	case e.Verdict == trailgen.MustFire:
		return true
	}
	return len(e.Origins) > 0 && len(e.Provable) == len(e.Origins)
}

// judge holds the names that each rule fires on against the expectations.
func (c *comparison) judge(res *Result, missing bool, verdicts map[string]map[string]map[string]*trailgen.Expect) {
	verdict := func(rule, role, name string) string {
		of := verdicts[rule][role]
		e := of[name]
		if e == nil {
			e = of[""]
		}
		switch {
		case e == nil:
			return ""
		case missing && !told(rule, e):
			return trailgen.MayEither
		}
		return e.Verdict
	}
	fired := map[string]map[string]map[string]bool{}
	for _, n := range res.Names {
		for _, rule := range n.Findings {
			if fired[rule] == nil {
				fired[rule] = map[string]map[string]bool{}
			}
			if fired[rule][n.RoleARN] == nil {
				fired[rule][n.RoleARN] = map[string]bool{}
			}
			fired[rule][n.RoleARN][n.SessionName] = true
		}
	}
	for _, rule := range ruleIDs() {
		score := &ruleScore{}
		c.rules[rule] = score
		for role, names := range fired[rule] {
			score.fired++
			good := true
			for name := range names {
				switch verdict(rule, role, name) {
				case trailgen.MustFire, trailgen.MayEither:
				default:
					good = false
					score.wrong = append(score.wrong, "fires on "+role+"/"+name)
				}
			}
			if good {
				score.right++
			}
		}
		for role, names := range verdicts[rule] {
			for name, e := range names {
				if e.Verdict != trailgen.MustFire {
					continue
				}
				if missing && !told(rule, e) {
					continue
				}
				score.wanted++
				if name == "" && len(fired[rule][role]) == 0 || name != "" && !fired[rule][role][name] {
					b, _ := json.Marshal(e)
					score.missed = append(score.missed, "silent on "+role+"/"+name+": "+string(b))
				}
			}
		}
	}
}
