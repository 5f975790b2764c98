package report

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"io"
	"math"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/trailscan/trailscan/internal/attribute"
)

var (
	scriptElement = regexp.MustCompile(`(?s)<script>(.*?)</script>`)
	styleElement  = regexp.MustCompile(`(?s)<style>(.*?)</style>`)
	policyContent = regexp.MustCompile(`http-equiv="Content-Security-Policy" content="([^"]*)"`)
	dataElement   = regexp.MustCompile(`(?s)<script type="application/json" id="([a-z0-9-]+)">(.*?)</script>`)
)

// The golden pages hold all but style and script, which stand in files of their
// own, and the policy that follows from them.
func TestHTMLGolden(t *testing.T) {
	for name, res := range map[string]*attribute.Result{
		"plain":    testResult(),
		"baseline": testComparison(),
		"empty":    {Scan: attribute.Scan{Complete: true}},
	} {
		t.Run(name, func(t *testing.T) {
			page := write(t, writeHTML, res, testOptions())
			page = styleElement.ReplaceAllLiteralString(page, "<style>report.css</style>")
			page = scriptElement.ReplaceAllLiteralString(page, "<script>report.js</script>")
			page = policyContent.ReplaceAllLiteralString(page, `http-equiv="Content-Security-Policy" content="policy"`)
			golden(t, name+".html", page)
		})
	}
}

// The policy names the hashes of the very bytes between the tags, or browsers
// would show the page without style and script.
func TestHTMLPolicy(t *testing.T) {
	page := write(t, writeHTML, testResult(), testOptions())
	found := policyContent.FindStringSubmatch(page)
	if found == nil {
		t.Fatal("no policy in the page")
	}
	got := html.UnescapeString(found[1])
	hash := func(element *regexp.Regexp) string {
		all := element.FindAllStringSubmatch(page, -1)
		if len(all) != 1 {
			t.Fatalf("%d of %s in the page, want 1", len(all), element)
		}
		sum := sha256.Sum256([]byte(all[0][1]))
		return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
	}
	want := "default-src 'none'; style-src " + hash(styleElement) + "; script-src " + hash(scriptElement) +
		"; base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
	if got != want {
		t.Errorf("policy\n%s\nwant\n%s", got, want)
	}
	if strings.Index(page, "<style>") < strings.Index(page, "http-equiv") {
		t.Error("the policy stands after the style, to which it then does not apply")
	}
}

// Nothing in the page may need another file, and no style or handler may stand
// in an attribute, where the policy would stop it.
func TestHTMLSelfContained(t *testing.T) {
	page := write(t, writeHTML, testComparison(), testOptions())
	for _, bad := range []string{" src=", " style=", "<link", "<img", "<iframe", "@import", "url(http", "http://", "https://"} {
		for rest := page; ; {
			_, after, ok := strings.Cut(rest, bad)
			if !ok {
				break
			}
			if !strings.HasPrefix(after, "www.w3.org/2000/svg") && bad != "http://" {
				t.Errorf("the page holds %q, before %.60q", bad, after)
			}
			rest = after
		}
	}
	for _, m := range regexp.MustCompile(`<[a-z]+ [^>]*\bon[a-z]+=`).FindAllString(page, -1) {
		t.Errorf("a handler in an attribute: %s", m)
	}
	for _, m := range regexp.MustCompile(`href="([^"]*)"`).FindAllStringSubmatch(page, -1) {
		if !strings.HasPrefix(m[1], "#") {
			t.Errorf("a link out of the page: %s", m[1])
		}
	}
}

// tags gives the tags of a page in their order, without what stands in them.
func tags(page string) []string {
	var names []string
	for _, m := range regexp.MustCompile(`<(/?[A-Za-z!][A-Za-z0-9-]*)`).FindAllStringSubmatch(page, -1) {
		names = append(names, m[1])
	}
	return names
}

// What a log's writer chose never becomes markup: with hostile text in every
// field, the page has the same tags as with harmless text.
func TestHTMLHostile(t *testing.T) {
	want := tags(write(t, writeHTML, hostileResult("harmless"), hostileOptions("harmless")))
	for _, s := range hostile {
		if s == "" {
			continue // has no place for what is empty
		}
		page := write(t, writeHTML, hostileResult(s), hostileOptions(s))
		if got := tags(page); !slices.Equal(got, want) {
			t.Errorf("%q changes the markup of the page", s)
		}
		if !utf8.ValidString(page) {
			t.Errorf("%q makes the page invalid UTF-8", s)
		}
		for i, r := range page {
			if r != '\n' && unseen(r) {
				t.Errorf("%q brings %U into the page, before %.40q", s, r, page[i:])
				break
			}
		}
		harmless(t, page, true)
		if seen := pageText(s); seen != "" {
			block := decodeBlock(t, page, "rows-0")
			if !slices.Contains(block.S, seen) {
				t.Errorf("%q: the block of rows does not hold %q", s, seen)
			}
		}
	}
}

type testBlock struct {
	S []string
	R []json.RawMessage
}

func dataBlocks(page string) map[string]string {
	blocks := make(map[string]string)
	for _, m := range dataElement.FindAllStringSubmatch(page, -1) {
		blocks[m[1]] = m[2]
	}
	return blocks
}

func decodeBlock(t *testing.T, page, id string) testBlock {
	t.Helper()
	text, ok := dataBlocks(page)[id]
	if !ok {
		t.Fatalf("no block %s in the page", id)
	}
	if i := strings.IndexAny(text, "<>&\u2028\u2029"); i >= 0 {
		t.Errorf("block %s holds %.20q, which may end it", id, text[i:])
	}
	var b testBlock
	if err := json.Unmarshal([]byte(text), &b); err != nil {
		t.Fatalf("block %s: %v", id, err)
	}
	return b
}

// The blocks say of a name what the Result says.
func TestHTMLData(t *testing.T) {
	res := testResult()
	page := write(t, writeHTML, res, testOptions())
	rows, more := decodeBlock(t, page, "rows-0"), decodeBlock(t, page, "more-0")
	if len(rows.R) != len(res.Names) || len(more.R) != len(res.Names) {
		t.Fatalf("%d rows and %d details, want %d", len(rows.R), len(more.R), len(res.Names))
	}
	var meta meta
	if err := json.Unmarshal([]byte(dataBlocks(page)["meta"]), &meta); err != nil {
		t.Fatal(err)
	}

	// The critical name is first, though it is the least busy; then the shared one.
	var row []any
	if err := json.Unmarshal(rows.R[1], &row); err != nil {
		t.Fatal(err)
	}
	str := func(table []string, v any) string { return table[int(v.(float64))] }
	n := &res.Names[1]
	var got []string
	for _, c := range row[:4] {
		got = append(got, str(rows.S, c))
	}
	for _, c := range row[6].([]any) {
		got = append(got, str(rows.S, c))
	}
	got = append(got, fmt.Sprint(row[4], row[5], row[7], row[8], row[9], row[10]))
	for i, c := range row[13].([]any) {
		if i%2 == 0 {
			got = append(got, meta.Rules[int(c.(float64))])
		} else {
			got = append(got, meta.Severities[int(c.(float64))])
		}
	}
	want := []string{
		"STRING_VALUE", "CrossAccountReader", "111122223333", "STRING_VALUE",
		"lambda:444455556666/orders-api", "ec2:444455556666/pricing-fleet",
		fmt.Sprint(int(attribute.High), int(attribute.Recorded), 2, n.Calls, n.Errors, n.Sessions),
		"shared-name", "high", "generic-name", "none", // which is ignored
	}
	if !slices.Equal(got, want) {
		t.Errorf("row\n%q\nwant\n%q", got, want)
	}

	var detail []any
	if err := json.Unmarshal(more.R[1], &detail); err != nil {
		t.Fatal(err)
	}
	origin := detail[2].([]any)[0].([]any)
	chain := origin[13].([]any)
	evidence := origin[14].([]any)[0].([]any)
	session := detail[5].([]any)[1].([]any)
	got = []string{
		str(more.S, detail[0]), str(more.S, detail[1]), str(more.S, origin[0]), str(more.S, origin[4]),
		fmt.Sprint(origin[6]), fmt.Sprint(len(chain)), str(more.S, chain[1].([]any)[0]), str(more.S, chain[1].([]any)[1]),
		str(more.S, evidence[0]), str(more.S, evidence[2]), str(more.S, session[0]), str(more.S, session[6]),
	}
	want = []string{
		n.RoleARN, "placeholder", "lambda:444455556666/orders-api", "orders",
		"[81234 0 0 0]", "2", "arn:aws:sts::444455556666:assumed-role/orders-exec/orders-api", "0a6e1f3c-0000-4000-8000-000000000002",
		"assume-event", "orders-exec assumed CrossAccountReader", "ASIAEXAMPLE000000001", "ec2:444455556666/pricing-fleet",
	}
	if !slices.Equal(got, want) {
		t.Errorf("detail\n%q\nwant\n%q", got, want)
	}
	if f := meta.Findings[0]; f.Title != res.Findings[3].Title || meta.Rules[f.Rule] != "secret-in-name" {
		t.Errorf("the first finding is %+v, want the critical one", f)
	}
}

// manyNames is a Result of n session names that an SDK made up.
func manyNames(n int) *attribute.Result {
	res := testResult()
	like := res.Names[2]
	res.Names = make([]attribute.SessionName, n)
	for i := range res.Names {
		name, detail := like, *like.NameDetail
		name.NameDetail = &detail
		name.SessionName = fmt.Sprintf("botocore-session-%010d", i)
		name.Calls = int64(i % 1000)
		name.SessionList = slices.Clone(like.SessionList)
		name.SessionList[0].AccessKeyID = fmt.Sprintf("ASIA%016d", i)
		name.SessionList[0].AssumeEvent = fmt.Sprintf("0a6e1f3c-0000-4000-8000-%012d", i)
		name.Origins = slices.Clone(like.Origins)
		name.Origins[0].Chain = []attribute.Link{
			{Principal: "ec2.amazonaws.com"},
			{Principal: "arn:aws:iam::111122223333:role/nightly-batch", EventID: name.SessionList[0].AssumeEvent, EventTime: at(0, 1, i%60)},
		}
		name.Origins[0].SourceIPs.Sample = []string{fmt.Sprintf("10.%d.%d.%d", i>>16&255, i>>8&255, i&255)}
		res.Names[i] = name
	}
	return res
}

// A page holds so many names and no more, says so, and has the most severe and
// the busiest of them.
// A page without calls says why there are none, and gives no share of nothing.
func TestHTMLWithoutCalls(t *testing.T) {
	page := write(t, writeHTML, &attribute.Result{Scan: attribute.Scan{Complete: true, AssumedRoleCalls: 5, Filters: []string{"--role x-*"}}}, testOptions())
	for _, want := range []string{"Not one of the 5 calls by role sessions is asked for.", "There are no calls to attribute.", "--role x-*"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if strings.Contains(page, "<strong>0 %</strong>") {
		t.Error("the page gives a share of no calls")
	}
}

func TestHTMLLimit(t *testing.T) {
	res := manyNames(2500)
	res.Names[7].Findings = []string{"secret-in-name"}
	res.Names[7].RoleARN = "arn:aws:iam::444455556666:role/deploy"
	res.Names[7].Calls = 0
	page := write(t, func(w io.Writer, res *attribute.Result, opt Options) error {
		return writePage(w, res, opt, 1200)
	}, res, testOptions())

	var names []string
	for _, id := range []string{"rows-0", "rows-1"} {
		b := decodeBlock(t, page, id)
		for _, r := range b.R {
			var row []any
			if err := json.Unmarshal(r, &row); err != nil {
				t.Fatal(err)
			}
			names = append(names, b.S[int(row[0].(float64))])
		}
	}
	if _, ok := dataBlocks(page)["rows-2"]; ok || len(names) != 1200 {
		t.Errorf("%d names in the page, want 1200 in two blocks", len(names))
	}
	if names[0] != res.Names[7].SessionName {
		t.Errorf("the first name is %s, not the one with a critical finding", names[0])
	}
	if names[1] != "botocore-session-0000000999" || names[2] != "botocore-session-0000001999" {
		t.Errorf("the next names are %q, not the busiest", names[1:3])
	}
	if slices.Contains(names, "botocore-session-0000000001") {
		t.Error("a name of one call is in the page while busier ones are not")
	}
	if !strings.Contains(page, "This page holds 1,200 of 2,500 session names") {
		t.Error("the page does not say what it left out")
	}
	if strings.Contains(write(t, writeHTML, res, testOptions()), "This page holds") {
		t.Error("a complete page says that it left something out")
	}
}

// biggestWrite notes the most bytes that were ever written at once.
type biggestWrite struct{ size, biggest int }

func (w *biggestWrite) Write(p []byte) (int, error) {
	w.size += len(p)
	w.biggest = max(w.biggest, len(p))
	return len(p), nil
}

// The page is written as it is made: never more than a block of it at once.
func TestHTMLStreams(t *testing.T) {
	var w biggestWrite
	if err := writeHTML(&w, manyNames(30*blockRows), testOptions()); err != nil {
		t.Fatal(err)
	}
	if w.biggest > w.size/20 {
		t.Errorf("%d bytes of %d were written at once", w.biggest, w.size)
	}
}

func TestHTMLErrors(t *testing.T) {
	err := writeHTML(&failingWriter{1000}, testResult(), testOptions())
	if !errors.Is(err, errFull) || !strings.HasPrefix(err.Error(), "html report: ") {
		t.Errorf("error %v, want that of the writer, and of what", err)
	}
}

// Of the boxes of the picture none covers another, all lie in it, and each band
// ends at boxes.
func TestFlow(t *testing.T) {
	for _, count := range []int{1, 2, 13, 14, 15, 40} {
		var names []attribute.SessionName
		for i := range count {
			n := attribute.SessionName{
				AccountID: "111122223333", RoleName: fmt.Sprint("role-", i/2), RoleARN: fmt.Sprint("arn:aws:iam::111122223333:role/role-", i/2),
				SessionName: fmt.Sprint("name-", i), Calls: int64(10 * (i + 1)), NameDetail: &attribute.NameDetail{},
			}
			for j := range 1 + i%3 {
				n.Origins = append(n.Origins, attribute.NameOrigin{ID: fmt.Sprint("ec2:111122223333/app-", i+j), Calls: int64(5 + j), ByConf: attribute.Split{Calls: 5, Unknown: int64(5 * (j % 2))}})
			}
			if i == 3 {
				n.Findings = []string{ruleShared}
			}
			names = append(names, n)
		}
		on := firing{{rule: ruleShared, role: "arn:aws:iam::111122223333:role/role-1"}: attribute.High}
		groups, all, _ := groupNames(&attribute.Result{Names: names}, severities(names, on), on)
		f := newFlow(groups, all, 1_000_000, names, map[int32]int{3: 0}, pageText)
		if f.Shown != min(count, groupsShown) || f.Total != count {
			t.Errorf("%d names: %d of %d shown", count, f.Shown, f.Total)
		}
		for _, boxes := range [][]flowBox{f.Origins, f.Roles, f.Ends} {
			boxes = slices.Clone(boxes)
			slices.SortFunc(boxes, func(a, b flowBox) int { return a.Y - b.Y })
			for i, b := range boxes {
				if b.Y < flowTop || b.Y+b.H > f.Height || b.X+b.W > f.Width {
					t.Errorf("%d names: the box %q at %d, %d is outside of %d, %d", count, b.Label, b.X, b.Y, f.Width, f.Height)
				}
				if i > 0 && b.Y < boxes[i-1].Y+boxes[i-1].H {
					t.Errorf("%d names: the box %q covers %q", count, b.Label, boxes[i-1].Label)
				}
			}
		}
		reached := make(map[int]bool)
		for _, l := range f.Links {
			if l.Origin >= len(f.Origins) || l.Role >= len(f.Roles) || l.End >= len(f.Ends) {
				t.Fatalf("%d names: a band from %d by %d to %d, which are not there", count, l.Origin, l.Role, l.End)
			}
			if l.End >= 0 {
				reached[l.End] = true
			}
		}
		if len(reached) != len(f.Ends) {
			t.Errorf("%d names: bands lead to %d of %d names", count, len(reached), len(f.Ends))
		}
		if count > 3 {
			shared := slices.IndexFunc(f.Ends, func(b flowBox) bool { return b.Shared })
			if shared < 0 || f.Ends[shared].Label != "name-3" || f.Ends[shared].N != 0 || f.Ends[shared].Inner == "" {
				t.Errorf("%d names: the shared name does not stand out", count)
			}
		}
	}
}

func TestTimeline(t *testing.T) {
	hour := at(0, 0, 0).Unix()
	names := []attribute.SessionName{
		{SessionName: "a", RoleName: "r", RoleARN: "r", Calls: 6, NameDetail: &attribute.NameDetail{Hours: []attribute.HourCalls{{Hour: hour, Calls: 1}, {Hour: hour + 2*3600, Calls: 5}}}},
		{SessionName: "b", RoleName: "r", RoleARN: "r", Calls: 2, NameDetail: &attribute.NameDetail{Hours: []attribute.HourCalls{{Hour: hour + 2*3600, Calls: 2}}}},
	}
	groups, _, hours := groupNames(&attribute.Result{Names: names}, make([]attribute.Severity, 2), nil)
	tl := newTimeline(groups, names, hours, map[int32]int{0: 0, 1: 1})
	// Three hours are shown as the day that they are in.
	if tl.Columns != 24 || tl.Unit != "1 hour" || len(tl.Rows) != 3 {
		t.Fatalf("%d columns of %s and %d rows, want 24 of 1 hour and 3", tl.Columns, tl.Unit, len(tl.Rows))
	}
	if want := []string{"Nov 16 00:00", "Nov 16 06:00", "Nov 16 12:00", "Nov 16 18:00", "Nov 17 00:00"}; !slices.Equal(tl.Ticks, want) {
		t.Errorf("ticks at %q, want %q", tl.Ticks, want)
	}
	if r := tl.Rows[0]; r.Calls != 8 || r.Peak != 7 || r.PeakAt != "Nov 16 02:00" || !r.All {
		t.Errorf("the sum is %+v", r)
	}
	if r := tl.Rows[1]; r.Label != "a" || r.Bars != "M0 32v-6.4h.8v6.4zM2 32v-32.0h.8v32.0z" {
		t.Errorf("the first row is %+v", r)
	}

	// However long the window, the columns are bounded and no call is lost.
	for days, unit := range map[int64]string{6: "1 hour", 20: "3 hours", 90: "1 day", 3650: "22 days"} {
		long := slices.Clone(names)
		long[0].NameDetail = &attribute.NameDetail{Hours: append(slices.Clone(names[0].Hours), attribute.HourCalls{Hour: hour + days*24*3600, Calls: 3})}
		groups, _, hours := groupNames(&attribute.Result{Names: long}, make([]attribute.Severity, 2), nil)
		tl := newTimeline(groups, long, hours, nil)
		if tl.Unit != unit || tl.Columns > timelineColumns || tl.Rows[0].Calls != 11 || tl.Rows[1].Calls != 9 {
			t.Errorf("%d days: %d columns of %s, %d and %d calls, want at most %d of %s, 11 and 9",
				days, tl.Columns, tl.Unit, tl.Rows[0].Calls, tl.Rows[1].Calls, timelineColumns, unit)
		}
	}
	if newTimeline(nil, nil, nil, nil) != nil {
		t.Error("a timeline of nothing")
	}
}

// Names of one pattern under one role are one group; a few of the groups shown
// are the busiest, whatever is wrong with the others.
func TestGroupNames(t *testing.T) {
	var names []attribute.SessionName
	for i := range 20 {
		names = append(names, attribute.SessionName{RoleARN: fmt.Sprint("bad-", i), SessionName: "x", Pattern: "x", Calls: 1, Findings: []string{"generic-name"}})
	}
	for i := range 9 {
		names = append(names, attribute.SessionName{RoleARN: "fleet", SessionName: fmt.Sprint("i-", i), Pattern: "i-<id>", Calls: 100, NameDetail: &attribute.NameDetail{Hours: []attribute.HourCalls{{Hour: 7200, Calls: 100}}}})
	}
	on := make(firing)
	for _, n := range names[:20] {
		on[firingKey{rule: "generic-name", role: n.RoleARN}] = attribute.Medium
	}
	groups, all, _ := groupNames(&attribute.Result{Names: names}, severities(names, on), on)
	if all != 21 || len(groups) != groupsShown {
		t.Fatalf("%d of %d groups, want %d of 21", len(groups), all, groupsShown)
	}
	fleet := groups[groupsSevere]
	if fleet.key.pattern != "i-<id>" || fleet.names != 9 || fleet.calls != 900 || fleet.hours[2] != 900 {
		t.Errorf("the busiest group is %+v", fleet)
	}
}

func TestPageNumbers(t *testing.T) {
	for _, c := range []struct{ got, want string }{
		{grouped(0), "0"}, {grouped(999), "999"}, {grouped(1000), "1,000"}, {grouped(-1234567), "-1,234,567"},
		{grouped(math.MaxInt64), "9,223,372,036,854,775,807"}, {grouped(math.MinInt64), "-9,223,372,036,854,775,808"},
		{counted(1, "day"), "1 day"}, {counted(2000, "day"), "2,000 days"}, {counted(0, "call"), "0 calls"},
		{percent(0, 0), "0 %"}, {percent(1, 100_000), "< 0.1 %"}, {percent(99_999, 100_000), "99.9 %"},
		{percent(1, 3), "33.3 %"}, {percent(5, 5), "100 %"},
		{perCent(1, 3), "33.33%"}, {perCent(1, 0), "0%"},
		{byteSize(1), "1 byte"}, {byteSize(1023), "1,023 bytes"}, {byteSize(1536), "1.5 KiB"}, {byteSize(9 << 30), "9.0 GiB"}, {byteSize(math.MaxInt64), "8.0 EiB"},
		{span(90 * time.Minute), "1 hour 30 minutes"}, {span(61 * time.Minute), "1 hour 1 minute"}, {span(59 * time.Second), "less than a minute"}, {span(25*time.Hour + time.Minute), "25 hours"}, {span(30 * time.Minute), "30 minutes"}, {span(168 * time.Hour), "7 days"}, {span(71 * time.Hour), "71 hours"},
		{stamp(time.Time{}), ""}, {stamp(at(0, 3, 4)), "2026-11-16 03:04"},
		{middle("abcdefghij", 5), "ab…ij"}, {middle("abc", 3), "abc"}, {middle("äöüäöü", 4), "äö…ü"},
	} {
		if c.got != c.want {
			t.Errorf("%q, want %q", c.got, c.want)
		}
	}
}

func TestPageText(t *testing.T) {
	for in, want := range map[string]string{
		"plain":               "plain",
		"a\x1b[31mb":          `a\x1b[31mb`,
		"a\u202eb\u2066":      `a\u202eb\u2066`,
		"zero\u200bwidth":     `zero\u200bwidth`,
		"bad\xffbyte":         `bad\xffbyte`,
		"two\r\n\tlines":      `two\r\n\tlines`,
		"\u0085\u2028":        `\u0085\u2028`,
		"\U000e0041":          `\U000e0041`,
		"filler\u3164":        `filler\u3164`,
		"日本語 é":               "日本語 é",
		"kept \ufffd too":     "kept \ufffd too",
		"del\x7f and nul\x00": `del\x7f and nul\x00`,
	} {
		if got := pageText(in); got != want {
			t.Errorf("pageText(%q) = %q, want %q", in, got, want)
		}
	}
	if got := pageProse("a\nb\tc"); got != "a\nb\\tc" {
		t.Errorf("pageProse = %q", got)
	}
}

func FuzzScriptJSON(f *testing.F) {
	for _, s := range hostile {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		b := appendJSON(nil, s)
		if i := strings.IndexAny(string(b), "<>&\u2028\u2029"); i >= 0 || !utf8.Valid(b) {
			t.Fatalf("%q becomes %q, which may end a script element", s, b)
		}
		var got string
		if err := json.Unmarshal(b, &got); err != nil {
			t.Fatalf("%q becomes %q: %v", s, b, err)
		}
		if want := strings.ToValidUTF8(s, ""); strings.ToValidUTF8(s, "\ufffd") != s {
			got = strings.ReplaceAll(got, "\ufffd", "")
			if got != strings.ReplaceAll(want, "\ufffd", "") {
				t.Fatalf("%q reads as %q", s, got)
			}
		} else if got != s {
			t.Fatalf("%q reads as %q", s, got)
		}
	})
}

// BenchmarkHTML writes a page of a million session names.
func BenchmarkHTML(b *testing.B) {
	res := manyNames(1_000_000)
	var size int64
	if err := writeHTML(countWriter{&size}, res, testOptions()); err != nil {
		b.Fatal(err)
	}
	b.SetBytes(size)
	b.ReportAllocs()
	for b.Loop() {
		if err := writeHTML(io.Discard, res, testOptions()); err != nil {
			b.Fatal(err)
		}
	}
}
