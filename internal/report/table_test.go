package report

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/trailscan/trailscan/internal/attribute"
)

func allViews() []string { return append([]string{""}, Views()...) }

// No line is wider than asked for, whatever stands in the log.
func TestTableFits(t *testing.T) {
	results := map[string]*attribute.Result{"plain": testResult(), "baseline": testComparison(), "empty": {}}
	for i, s := range hostile {
		results[fmt.Sprintf("hostile %d", i)] = hostileResult(s)
	}
	for name, res := range results {
		for _, view := range allViews() {
			for _, width := range []int{80, 120} {
				opt := viewOptions(view, 0)
				opt.Width = width
				for line := range strings.Lines(write(t, writeTable, res, opt)) {
					line = strings.TrimSuffix(line, "\n")
					if w := displayWidth(line); w > width {
						t.Errorf("%s, view %q: %d columns of %d: %s", name, view, w, width, line)
					}
					if strings.TrimRight(line, " ") != line {
						t.Errorf("%s, view %q: spaces at the end of %q", name, view, line)
					}
				}
			}
		}
	}
}

func TestTableHostile(t *testing.T) {
	for _, s := range hostile {
		for _, view := range allViews() {
			opt := hostileOptions(s)
			opt.View = view
			harmless(t, write(t, writeTable, hostileResult(s), opt), true)
		}
	}
}

var colours = regexp.MustCompile("\x1b\\[[0-9;]*m")

// Colours add nothing to the text, and nothing but them is added.
func TestTableColour(t *testing.T) {
	for _, view := range allViews() {
		for _, res := range []*attribute.Result{testComparison(), hostileResult("\x1b[31mred\x1b[0m"), {}} {
			opt := viewOptions(view, 0)
			without := write(t, writeTable, res, opt)
			opt.Color = true
			with := write(t, writeTable, res, opt)
			if strings.Contains(without, "\x1b") {
				t.Errorf("view %q has colours that nobody asked for", view)
			}
			if !colours.MatchString(with) {
				t.Errorf("view %q has no colours", view)
			}
			// Spaces may stand on either side of a colour's end.
			strip := func(s string) string {
				var b strings.Builder
				for line := range strings.Lines(colours.ReplaceAllString(s, "")) {
					b.WriteString(strings.TrimRight(line, " \n") + "\n")
				}
				return b.String()
			}
			if got := strip(with); got != without {
				t.Errorf("view %q: with colours\n%s\nwithout\n%s", view, got, without)
			}
		}
	}
}

func TestTableTop(t *testing.T) {
	res := &attribute.Result{Scan: attribute.Scan{Complete: true}}
	for i := range 100 {
		n := testResult().Names[2]
		n.SessionName = fmt.Sprintf("name-%03d", i)
		n.Calls = int64(1000 + i)
		res.Names = append(res.Names, n)
		res.Findings = append(res.Findings, attribute.Finding{ID: n.SessionName, Rule: "r", Severity: attribute.Low, RoleARNs: []string{n.RoleARN}, Title: n.SessionName})
		res.Origins = append(res.Origins, attribute.OriginTotal{ID: n.SessionName, Calls: n.Calls})
	}
	for _, c := range []struct {
		view  string
		top   int
		shown int
		hint  string
	}{
		{ViewNames, 0, DefaultTop, "and 80 more session names: --top 100 shows them all"},
		{ViewNames, 99, 99, "and 1 more session name: --top 100 shows them all"},
		{ViewNames, 100, 100, ""},
		{ViewNames, -1, 100, ""},
		{ViewOrigins, 7, 7, "and 93 more origins: --top 100 shows them all"},
		{ViewSessions, 3, 3, "and 97 more sessions: --top 100 shows them all"},
	} {
		opt := viewOptions(c.view, c.top)
		opt.Width = 120
		doc := write(t, writeTable, res, opt)
		if n := strings.Count(doc, "name-"); n != c.shown {
			t.Errorf("%s, top %d: %d rows, want %d", c.view, c.top, n, c.shown)
		}
		if c.hint == "" && strings.Contains(doc, "more") || !strings.Contains(doc, c.hint) {
			t.Errorf("%s, top %d: no hint %q in\n%s", c.view, c.top, c.hint, doc)
		}
	}
	// The busiest stand first.
	opt := viewOptions(ViewNames, 1)
	if doc := write(t, writeTable, res, opt); !strings.Contains(doc, "name-099") {
		t.Errorf("the busiest name is not first:\n%s", doc)
	}
	opt.View = ViewFindings
	if doc := write(t, writeTable, res, opt); !strings.Contains(doc, "and 99 more findings: --top 100 shows them all") {
		t.Errorf("findings have no hint:\n%s", doc)
	}
}

func TestTableManyOrigins(t *testing.T) {
	res := testResult()
	n := &res.Names[1]
	for i := range 5 {
		o := n.Origins[1]
		o.ID = fmt.Sprintf("ec2:444455556666/fleet-%d", i)
		n.Origins = append(n.Origins, o)
	}
	doc := write(t, writeTable, res, viewOptions(ViewNames, 0))
	if !strings.Contains(doc, "and 4 more origins") || strings.Contains(doc, "fleet-2") {
		t.Errorf("7 origins of one name:\n%s", doc)
	}
	// A name of four shows them all: no line is saved by leaving one out.
	n.Origins = n.Origins[:4]
	if doc := write(t, writeTable, res, viewOptions(ViewNames, 0)); strings.Contains(doc, "more origin") || !strings.Contains(doc, "fleet-1") {
		t.Errorf("4 origins of one name:\n%s", doc)
	}
}

func TestShorten(t *testing.T) {
	for _, c := range []struct {
		in    string
		width int
		want  string
	}{
		{"", 5, ""},
		{"short", 5, "short"},
		{"abcdefghij", 10, "abcdefghij"},
		{"abcdefghij", 9, "abcd…ghij"},
		{"abcdefghij", 8, "abcd…hij"},
		{"abcdefghij", 3, "a…j"},
		{"abcdefghij", 2, "a…"},
		{"abcdefghij", 1, "…"},
		{"abcdefghij", 0, ""},
		{"日本語のなまえ", 9, "日本…まえ"},
		{"日本語のなまえ", 8, "日本…え"},
		{"lambda:…6666/orders-api", 15, "lambda:…ers-api"},
		{"e\u0301e\u0301e\u0301e\u0301", 3, "e\u0301…e\u0301"},
		{"👩‍👩‍👧👩‍👩‍👧👩‍👩‍👧", 5, "👩‍👩‍👧…👩‍👩‍👧"},
	} {
		got := shorten(c.in, c.width)
		if got != c.want {
			t.Errorf("%q in %d columns is %q, want %q", c.in, c.width, got, c.want)
		}
		if displayWidth(got) > c.width {
			t.Errorf("%q in %d columns is %d columns wide", c.in, c.width, displayWidth(got))
		}
	}
}

func TestWrap(t *testing.T) {
	for _, c := range []struct {
		in    string
		width int
		whole bool
		want  []string
	}{
		{"", 5, false, []string{""}},
		{"one two three", 7, false, []string{"one two", "three"}},
		{"one two three", 20, false, []string{"one two three"}},
		{"  one   two  ", 20, false, []string{"one two"}},
		{"a abcdefghij b", 4, false, []string{"a", "abcd", "efgh", "ij b"}},
		{"日本語 x", 4, false, []string{"日本", "語 x"}},
		{"fine ::error::x", 10, false, []string{"fine", `\x3a:error::x`}},
		{"abcd::error::x", 4, false, []string{"abcd", `\x3a:`, `erro`, `r::x`}},
		{"arn:aws:iam::111122223333:role/service-role/orders in use", 34, false, []string{"arn:aws:iam::111122223333:role/", "service-role/orders in use"}},
		{"arn:aws:iam::111122223333:role/a-role-of-a-long-name", 40, false, []string{"arn:aws:iam::111122223333:role/", "a-role-of-a-long-name"}},
		{"/x:abcdefghijklmnop", 8, false, []string{"/x:abcde", "fghijklm", "nop"}},
		{"see arn:aws:iam::111122223333:role/service-role/orders", 10, true, []string{"see", "arn:aws:iam::111122223333:role/service-role/orders"}},
		{"ab", 0, false, []string{"a", "b"}},
	} {
		if got := wrap(c.in, c.width, c.whole); strings.Join(got, "\n") != strings.Join(c.want, "\n") {
			t.Errorf("%q in %d columns is %q, want %q", c.in, c.width, got, c.want)
		}
	}
}

func TestGridFit(t *testing.T) {
	make := func() *grid {
		g := &grid{columns: []gridColumn{{head: "FIXED", narrow: 1}, {head: "NAME", flex: 8}, {head: "EXTRA", drop: 1}, {head: "MORE", drop: 2}}}
		g.add(cell("12345"), gridCell{text: "abcdefghijklmnop", brief: "abc…nop", terse: "a-p"}, cell("extra"), cell("more"))
		return g
	}
	for _, c := range []struct {
		width int
		want  string
	}{
		{40, "12345 abcdefghijklmnop extra more"},
		{36, "12345 abcdefghijklmnop extra more"},
		{30, "12345 abc…nop extra more"}, // in brief, since the name wants no more than 8
		{23, "12345 abc…nop extra"},      // the most dispensable goes
		{21, "12345 abc…nop"},            // and the next, and in brief
		{15, "12345 abc…nop"},            //
		{14, "12345 a-p"},                // then in fewer words still
		{11, "12345 a-p"},                //
		{10, "a-p"},                      // what a narrow terminal can spare goes
		{2, "a…"},                        // then shorter than it wants
	} {
		g := make()
		g.fit(c.width)
		var texts []string
		for _, x := range g.rows[0] {
			texts = append(texts, x.text)
		}
		if got := strings.Join(texts, " "); got != c.want {
			t.Errorf("in %d columns: %q, want %q", c.width, got, c.want)
		}
	}
}

// A text that would stand for two in its column is not used.
func TestGridTerse(t *testing.T) {
	g := &grid{columns: []gridColumn{{head: "ROLE", flex: 8}, {head: "ORIGIN", flex: 8}}}
	g.add(gridCell{text: "111122223333/deploy", brief: "…3333/deploy", terse: "deploy"}, gridCell{text: "ec2:111122223333/web", brief: "ec2:…3333/web", terse: "ec2:web"})
	g.add(gridCell{text: "444455556666/deploy", brief: "…6666/deploy", terse: "deploy"}, blank)
	g.add(gridCell{text: "444455556666/read", brief: "…6666/read", terse: "read"}, gridCell{text: "ec2:111122223333/web", brief: "ec2:…3333/web", terse: "ec2:web"})
	g.fit(17)
	var got []string
	for _, row := range g.rows {
		got = append(got, row[0].text+" "+row[1].text)
	}
	if want := []string{"…333…loy ec2:web", "…666…loy ", "read ec2:web"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}
