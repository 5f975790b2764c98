package itest

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"reflect"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/trailscan/trailscan/internal/attribute"
)

// Expressions that the tests ask for often.
const (
	rowNames = `[...document.querySelectorAll("#names-table tbody tr")].map(r => r.cells[0].textContent).join()`
	rowCount = `document.querySelectorAll("#names-table tbody tr").length`
	told     = `document.getElementById("names-count").textContent`
	paged    = `document.getElementById("pager-at").textContent`
	findings = `[...document.querySelectorAll(".finding")].filter(f => !f.hidden).length`
	heading  = `(document.querySelector("#name h1")?.textContent ?? "")`
)

// column gives the texts of a column of the table as they are shown.
func (b *tab) column(i int) []string {
	return eval[[]string](b, fmt.Sprintf(`[...document.querySelectorAll("#names-table tbody tr")].map(r => r.cells[%d].textContent)`, i))
}

// set gives a field of a form a value as a person would, and lets the page notice.
func (b *tab) set(form, field, value string) {
	b.t.Helper()
	eval[bool](b, fmt.Sprintf(`(() => {
		const e = document.getElementById(%q).elements[%q];
		if (e.type === "checkbox") e.checked = %q === "true"; else e.value = %q;
		if (e.type !== "checkbox" && e.value !== %q) throw new Error("no such choice");
		e.dispatchEvent(new Event("input", {bubbles: true}));
		return true;
	})()`, form, field, value, value, value))
}

func TestFilterNames(t *testing.T) {
	b := open(t, demo())
	want(b, rowCount, 50)
	want(b, told, "87 names")

	b.do(chromedp.SendKeys(`#names-filter input[name=text]`, "GITHUB storefront"))
	b.wait(rowCount + ` === 2`)
	want(b, rowNames, "GitHubActions,storefront-release")
	want(b, told, "2 of 87 names")
	want(b, `document.getElementById("pager").hidden`, true)

	b.do(chromedp.Click(`#names-filter button[type=reset]`))
	b.wait(told + ` === "87 names"`)

	// By account's name, pattern, origin and rule; a role's whole ARN is its names.
	for text, count := range map[string]int{
		"shared services": 5, "botocore-session-<n>": 41, "lambda:": 3, "overlapping": 1, "no such name": 0,
		"arn:aws:iam::111122223333:role/web-tier": 6,
	} {
		b.set("names-filter", "text", text)
		b.wait(fmt.Sprintf(`%s === "%d of 87 names"`, told, count))
		want(b, `document.getElementById("names-none").hidden`, count > 0)
	}
	b.set("names-filter", "text", "")

	b.set("names-filter", "rule", "shared-name")
	b.wait(told + ` === "3 of 87 names"`)
	b.set("names-filter", "severity", "high")
	b.wait(told + ` === "2 of 87 names"`) // the third is ignored
	b.set("names-filter", "confidence", "unknown")
	b.wait(told + ` === "1 of 87 names"`)
	want(b, rowNames, "session")
}

func TestSortNames(t *testing.T) {
	b := open(t, demo())
	b.set("names-filter", "size", "100")
	b.wait(rowCount + ` === 87`)
	first := b.column(0)

	number := func(s string) int {
		n := 0
		fmt.Sscan(strings.ReplaceAll(s, ",", ""), &n)
		return n
	}
	click := func(by string) { b.do(chromedp.Click(`th[data-sort=` + by + `] button`)) }
	sorted := func(by, how string) {
		t.Helper()
		want(b, `document.querySelector("th[data-sort=`+by+`]").getAttribute("aria-sort")`, how)
		want(b, `document.querySelectorAll("th[aria-sort]").length`, 1)
	}

	click("calls")
	sorted("calls", "descending")
	if !slices.IsSortedFunc(b.column(4), func(x, y string) int { return number(y) - number(x) }) {
		t.Errorf("calls are not sorted down: %q", b.column(4))
	}
	if n := b.column(0)[0]; n != "orders-api" {
		t.Errorf("the busiest name is %s", n)
	}
	click("calls")
	sorted("calls", "ascending")
	if !slices.IsSortedFunc(b.column(4), func(x, y string) int { return number(x) - number(y) }) {
		t.Errorf("calls are not sorted up: %q", b.column(4))
	}
	click("calls")
	want(b, `document.querySelectorAll("th[aria-sort]").length`, 0)
	if !slices.Equal(b.column(0), first) {
		t.Error("the third click does not bring the first order back")
	}
	click("name")
	sorted("name", "ascending")
	if !slices.IsSorted(b.column(0)) {
		t.Errorf("names are not sorted: %q", b.column(0))
	}
	click("last")
	sorted("last", "descending")
	// The keyboard does what the mouse does.
	b.do(chromedp.Focus(`th[data-sort=errors] button`), chromedp.KeyEvent(kb.Enter))
	sorted("errors", "descending")
}

func TestPages(t *testing.T) {
	b := open(t, demo())
	disabled := func() string {
		return eval[string](b, `[...document.querySelectorAll("#pager button:disabled")].map(e => e.dataset.page).join()`)
	}
	want(b, paged, "1–50 of 87")
	if d := disabled(); d != "first,prev" {
		t.Errorf("on the first page %s do nothing", d)
	}
	top := b.column(0)
	b.do(chromedp.Click(`#pager [data-page=next]`))
	want(b, paged, "51–87 of 87")
	want(b, rowCount, 37)
	if d := disabled(); d != "next,last" {
		t.Errorf("on the last page %s do nothing", d)
	}
	for _, n := range b.column(0) {
		if slices.Contains(top, n) && n != "nightly" {
			t.Errorf("%s is on both pages", n)
		}
	}
	b.set("names-filter", "size", "10")
	b.wait(paged + ` === "1–10 of 87"`)
	b.do(chromedp.Click(`#pager [data-page=last]`))
	want(b, paged, "81–87 of 87")
	b.do(chromedp.Click(`#pager [data-page=prev]`))
	want(b, paged, "71–80 of 87")
	b.do(chromedp.Click(`#pager [data-page=first]`))
	want(b, paged, "1–10 of 87")
}

func TestFindings(t *testing.T) {
	b := open(t, demo())
	want(b, findings, 18)
	want(b, `[...document.querySelectorAll(".finding")].at(0).dataset.rule`, "secret-in-name")
	want(b, `[...document.querySelectorAll(".finding")].slice(-2).map(f => f.dataset.state).join()`, "ignored,resolved")
	want(b, `document.querySelector(".finding.ignored .why-ignored").textContent`, "Ignored: moves to Step Functions by January, OPS-42")

	b.set("findings-filter", "severity", "high")
	b.wait(findings + ` === 6`)
	b.set("findings-filter", "ignored", "false")
	b.wait(findings + ` === 4`)
	want(b, `document.getElementById("findings-count").textContent`, "4 of 18 findings")
	b.set("findings-filter", "status", "new")
	b.wait(findings + ` === 2`)
	b.set("findings-filter", "rule", "shared-name")
	b.wait(findings + ` === 0`)
	want(b, `document.getElementById("findings-none").hidden`, false)
	for _, f := range []string{"severity", "status", "rule"} {
		b.set("findings-filter", f, "")
	}
	b.wait(findings + ` === 16`)

	b.do(chromedp.Click(`#unfold`))
	want(b, `document.querySelectorAll(".finding:not([open])").length`, 0)
	b.do(chromedp.Click(`#unfold`))
	want(b, `document.querySelectorAll(".finding[open]").length`, 0)

	// A finding leads to the names that it is about.
	b.do(chromedp.Click(`.finding[data-rule=sdk-default-name] summary`),
		chromedp.Click(`.finding[data-rule=sdk-default-name] button[data-find]`))
	b.wait(told + ` === "41 of 87 names"`)
	want(b, `location.hash`, "#names")
}

// openFirst opens the first name that the table shows, by keyboard.
func (b *tab) openFirst() {
	b.t.Helper()
	b.do(chromedp.Focus(`#names-table tbody a`), chromedp.KeyEvent(kb.Enter))
	b.wait(`!document.getElementById("name").hidden`)
}

func TestOneName(t *testing.T) {
	b := open(t, demo())
	b.set("names-filter", "text", "GitHubActions")
	b.wait(rowCount + ` === 1`)
	scrolled := eval[float64](b, `(() => { document.getElementById("names").scrollIntoView(); return scrollY; })()`)
	if scrolled == 0 {
		t.Fatal("the page does not scroll")
	}
	b.openFirst()
	want(b, heading, "GitHubActions")
	want(b, `document.getElementById("report").hidden`, true)
	want(b, `document.activeElement.id`, "name")
	want(b, `scrollY`, 0.0)
	if hash := eval[string](b, `location.hash`); !strings.HasPrefix(hash, "#name-") {
		t.Errorf("the address of the name ends in %s", hash)
	}
	want(b, `document.querySelectorAll("#name .origin-card").length`, 4)
	want(b, `[...document.querySelectorAll("#name .whats .tag")].map(e => e.textContent).join()`, "shared-name,sdk-default-name")
	text := eval[string](b, `document.getElementById("name").textContent`)
	res := demo()
	n := &res.Names[slices.IndexFunc(res.Names, func(n attribute.SessionName) bool { return n.SessionName == "GitHubActions" })]
	for _, o := range n.Origins {
		for _, part := range []string{o.ID, o.Chain[0].Principal, o.Chain[1].EventID, o.Evidence[0].Detail, o.UserAgents.Sample[0], o.SourceIPs.Sample[0], o.Services[1].EventSource, o.Regions[0]} {
			if !strings.Contains(text, part) {
				t.Errorf("the view of the name does not show %q", part)
			}
		}
	}
	if s := n.SessionList[0]; !strings.Contains(text, s.AccessKeyID) || !strings.Contains(text, s.AssumeEvent) {
		t.Errorf("the view of the name does not show the session %s", s.AccessKeyID)
	}
	if !strings.Contains(text, "The first 50 of 187") {
		t.Error("the view of the name does not say how many sessions it leaves out")
	}

	// Escape leads back to where the reader was.
	b.do(chromedp.KeyEvent(kb.Escape))
	b.wait(`!document.getElementById("report").hidden`)
	want(b, `document.getElementById("name").hidden`, true)
	b.wait(fmt.Sprintf(`scrollY === %v`, scrolled))
	want(b, rowCount, 1)

	// From name to name, and back by the browser's own button.
	b.do(chromedp.Click(`#names-filter button[type=reset]`))
	b.wait(rowCount + ` === 50`)
	names := b.column(0)
	b.openFirst()
	want(b, heading, names[0])
	want(b, `[...document.getElementById("name").childNodes].filter(n => n.nodeType !== 1).length`, 0) // no text but in elements
	b.do(chromedp.Click(`#name .crumbs a[href="#name-2"]`))
	b.wait(heading + ` === ` + fmt.Sprintf("%q", names[1]))
	eval[bool](b, `(history.back(), true)`)
	b.wait(heading + ` === ` + fmt.Sprintf("%q", names[0]))

	// A finding of the name is one click away, and is open then.
	b.do(chromedp.Click(`#name .whats a`))
	b.wait(`!document.getElementById("report").hidden`)
	want(b, `document.querySelector(location.hash).open`, true)
}

func TestFragments(t *testing.T) {
	b := open(t, demo())
	names := b.column(0)
	b.visit(b.file + "#name-3")
	b.wait(heading + ` === ` + fmt.Sprintf("%q", names[2]))
	for _, hash := range []string{"#name-0", "#name-88", "#name-99999999999", "#name-x", "#name-1e1", "#nowhere", "#<script>", "#name"} {
		eval[bool](b, fmt.Sprintf(`(location.hash = %q, true)`, hash))
		b.wait(`!document.getElementById("report").hidden && document.getElementById("name").hidden`)
	}
	eval[bool](b, `(location.hash = "#name-87", true)`)
	b.wait(`!document.getElementById("name").hidden`)
}

func TestPicture(t *testing.T) {
	b := open(t, demo())
	want(b, `document.querySelectorAll("svg.flow .box.end").length`, 14)
	// A shared name has a shape and a word of its own.
	want(b, `[...document.querySelectorAll("svg.flow .box.shared .label")].map(e => e.textContent).sort().join()`, "GitHubActions,session")
	want(b, `[...document.querySelectorAll("svg.flow .box.shared[data-key]")].every(e => e.querySelector(".inner") && e.textContent.includes("shared name"))`, true)

	// Its bands stand out when it is reached by keyboard, and only those.
	b.do(chromedp.Focus(`svg.flow a:has(.box.shared)`))
	key := eval[string](b, `document.activeElement.querySelector(".box").dataset.key`)
	want(b, `document.querySelectorAll("svg.flow .band.traced[data-end]").length`, eval[int](b, `document.querySelectorAll("svg.flow .band[data-end='`+key+`']").length`))
	b.do(chromedp.KeyEvent(kb.Enter))
	b.wait(heading + ` === "session"`)
	b.do(chromedp.KeyEvent(kb.Escape))
	b.wait(`!document.getElementById("report").hidden`)

	// A box of many names leads to them.
	eval[bool](b, `(document.querySelector("g[data-find='botocore-session-<n>']").parentElement.focus(), true)`)
	b.do(chromedp.KeyEvent(kb.Enter))
	b.wait(told + ` === "41 of 87 names"`)

	want(b, `document.querySelectorAll(".timeline .lane:not(.axis)").length`, 15)
	want(b, `document.querySelectorAll(".timeline .lane .bars[d='']").length`, 0)
}

// poison adds s to every string of a Result that is not empty.
func poison(v reflect.Value, s string) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			poison(v.Elem(), s)
		}
	case reflect.Struct:
		if v.Type().PkgPath() == "time" {
			return
		}
		for i := range v.NumField() {
			poison(v.Field(i), s)
		}
	case reflect.Slice:
		for i := range v.Len() {
			poison(v.Index(i), s)
		}
	case reflect.String:
		if v.Len() > 0 {
			v.SetString(v.String() + s)
		}
	}
}

// Whatever stands in the log stays text: with markup in every string of the
// Result, no element comes of it and no script runs, in the page and in each
// name's own view.
func TestHostile(t *testing.T) {
	for _, s := range []string{
		`<script>alert(1)</script>`,
		`"><img src=x onerror=alert(1)>`,
		`</script><script>alert(1)</script><!--`,
		`' onmouseover='alert(1)' autofocus onfocus=alert(1) x='`,
		`</title></textarea></style><svg onload=alert(1)>`,
		`javascript:alert(1)//{{7*7}}${alert(1)}`,
	} {
		t.Run(s[:12], func(t *testing.T) {
			res := demo()
			for i := range res.Names {
				res.Names[i].Origins = slices.Clone(res.Names[i].Origins) // services are shared between them
				res.Names[i].Services = slices.Clone(res.Names[i].Services)
			}
			poison(reflect.ValueOf(res), s)
			b := open(t, res)
			var dialogs atomic.Int32
			opened := chromedp.Events(b.ctx, page.JavascriptDialogOpening)
			go func() {
				for _, err := range opened {
					if err != nil {
						return
					}
					dialogs.Add(1)
				}
			}()
			check := func() {
				t.Helper()
				want(b, `document.querySelectorAll("script:not([type])").length`, 1)
				want(b, `document.querySelectorAll("img, iframe, object, embed, textarea, svg[onload], [onerror], [onfocus], [onmouseover], [autofocus]").length`, 0)
				want(b, `[...document.querySelectorAll("a")].filter(a => !a.getAttribute("href").startsWith("#")).length`, 0)
				want(b, `[...document.querySelectorAll("*")].filter(e => [...e.attributes].some(a => a.name.startsWith("on"))).length`, 0)
			}
			check()
			if name := b.column(0)[0]; name != "AKIAIOSFODNN7EXAMPLE-sync"+s {
				t.Errorf("the first session name is shown as %q", name)
			}
			// The filter keeps every name: one that keeps none comes before it, so
			// that the page tells when it has drawn the rows anew.
			b.set("names-filter", "text", "no such name")
			b.wait(rowCount + ` === 0`)
			b.set("names-filter", "text", s)
			b.wait(rowCount + ` > 0`)
			b.openFirst()
			want(b, heading, "AKIAIOSFODNN7EXAMPLE-sync"+s)
			check()
			text := eval[string](b, `document.getElementById("name").textContent`)
			for _, part := range []string{"iam-user:111122223333/legacy-sync" + s, "ASIA", agentCLI + s, "issued the access key that the calls carry" + s} {
				if !strings.Contains(text, part) {
					t.Errorf("the view of the name does not show %q as it is", part)
				}
			}
			if n := dialogs.Load(); n > 0 {
				t.Errorf("%d scripts of the log ran", n)
			}
		})
	}
}

// Characters that hide or that turn the text around are shown as their codes.
func TestUnseenCharacters(t *testing.T) {
	res := demo()
	poison(reflect.ValueOf(res), "\u202egnp.exe\u200b")
	b := open(t, res)
	want(b, `/[\u200b\u202e]/.test(document.documentElement.textContent)`, false)
	if name := b.column(0)[0]; name != `AKIAIOSFODNN7EXAMPLE-sync\u202egnp.exe\u200b` {
		t.Errorf("the first session name is shown as %q", name)
	}
}

// The policy in the page stops what markup from a log could do. This is what
// holds if all else fails, so the test lets all else fail: it writes the markup
// into the page.
func TestPolicy(t *testing.T) {
	var asked atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked.Add(1) }))
	defer server.Close()
	b := blank(t)
	b.file = write(t, demo())
	path := strings.TrimPrefix(b.file, "file://")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	attack := `<script>window.ran = "script"</script>
		<script src="SERVER/script"></script>
		<style>body { display: none }</style>
		<link rel="stylesheet" href="SERVER/style">
		<p id="styled" style="position: fixed">styled</p>
		<p id="handled" onclick="window.ran = 'handler'">handled</p>
		<img src="SERVER/image" onerror="window.ran = 'image'">
		<iframe src="SERVER/frame"></iframe>
		<object data="SERVER/object"></object>
		<base href="SERVER/">
		<a id="scripted" href="javascript:window.ran = 'link'">scripted</a>
		<form id="form" action="SERVER/form"><button>send</button></form>`
	page := strings.Replace(string(text), `<main id="report"`, strings.ReplaceAll(attack, "SERVER", server.URL)+`<main id="report"`, 1)
	if page == string(text) {
		t.Fatal("no place for the attack")
	}
	if err := os.WriteFile(path, []byte(page), 0o600); err != nil {
		t.Fatal(err)
	}
	b.visit(b.file)

	want(b, rowCount, 50) // the report's own script runs
	b.do(chromedp.Click("#handled"), chromedp.Click("#scripted"))
	for _, attempt := range []string{
		`document.getElementById("form").submit()`,
		`fetch("` + server.URL + `/fetch").catch(() => {})`,
		`navigator.sendBeacon("` + server.URL + `/beacon")`,
		`new Worker("` + server.URL + `/worker")`,
		`document.body.innerHTML = "<b>markup</b>"`,
		`document.body.append(Object.assign(document.createElement("img"), {src: "` + server.URL + `/late"}))`,
	} {
		eval[bool](b, `(() => { try { `+attempt+` } catch {} return true; })()`)
	}
	want(b, `window.ran === undefined`, true)
	want(b, `getComputedStyle(document.body).display`, "block")
	want(b, `getComputedStyle(document.getElementById("styled")).position`, "static")
	want(b, `document.querySelectorAll("#report").length`, 1)
	want(b, `document.baseURI.startsWith("file:")`, true)
	want(b, `location.protocol`, "file:")
	if n := asked.Load(); n > 0 {
		t.Errorf("%d requests reached the server", n)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, directive := range []string{"script-src", "style-src", "img-src", "connect-src", "base-uri", "form-action", "TrustedHTML"} {
		said := func(m string) bool { return strings.Contains(m, directive) }
		// What has no directive of its own falls back to default-src.
		if !slices.ContainsFunc(b.console, said) && !slices.ContainsFunc(b.console, func(m string) bool {
			return strings.Contains(m, "'"+directive+"' was not explicitly set")
		}) {
			t.Errorf("the browser does not tell that it applied %s: %q", directive, b.console)
		}
	}
}

// manyNames is the demonstration with n names more.
func manyNames(n int) *attribute.Result {
	res := demo()
	like := res.Names[slices.IndexFunc(res.Names, func(n attribute.SessionName) bool { return strings.HasPrefix(n.SessionName, "botocore") })]
	for i := range n {
		name := like
		name.SessionName = fmt.Sprintf("botocore-session-%010d", i)
		name.Pattern = "botocore-session-<n>"
		name.Calls = int64(1 + i%500)
		res.Names = append(res.Names, name)
	}
	return res
}

// However many names there are, few of them are elements at a time.
func TestHundredThousandNames(t *testing.T) {
	b := open(t, manyNames(100_000))
	want(b, told, "100,000 names of 100,087")
	want(b, `document.querySelector("#names .notice").textContent.includes("This page holds 100,000 of 100,087 session names")`, true)
	nodes := func() int {
		t.Helper()
		n := eval[int](b, `document.querySelectorAll("*").length`)
		if n > 5000 {
			t.Errorf("%d elements in the page", n)
		}
		return n
	}
	nodes()
	b.set("names-filter", "text", "session-0000012345")
	b.wait(told + ` === "1 of 100,000 names"`)
	want(b, rowNames, "botocore-session-0000012345")
	nodes()
	b.set("names-filter", "text", "data-pipeline")
	b.set("names-filter", "size", "100")
	b.wait(rowCount + ` === 100`)
	b.do(chromedp.Click(`th[data-sort=calls] button`), chromedp.Click(`th[data-sort=calls] button`))
	want(b, `document.querySelector("th[data-sort=calls]").getAttribute("aria-sort")`, "ascending")
	if calls := b.column(4); calls[0] != "1" || calls[99] != "1" {
		t.Errorf("the least busy names have %q calls", calls)
	}
	nodes()
	b.do(chromedp.Click(`#pager [data-page=last]`))
	nodes()
	b.set("names-filter", "text", "session-0000099999")
	b.wait(rowCount + ` === 1`)
	b.openFirst()
	want(b, heading, "botocore-session-0000099999")
	want(b, `document.querySelectorAll("#name .origin-card").length`, 1)
	nodes()
}

// contrast gives the texts of the page that are hard to read: those with a
// contrast against what is behind them under 4.5 to 1.
//
// https://www.w3.org/TR/WCAG22/#contrast-minimum
const contrast = `(() => {
	const parse = (c) => { const m = c.match(/[\d.]+/g).map(Number); return m.length < 4 ? [...m, 1] : m; };
	const light = ([r, g, b]) => [r, g, b].map(v => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
		.reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
	const behind = (e) => {
		for (; e; e = e.parentElement) {
			const c = parse(getComputedStyle(e).backgroundColor);
			if (c[3] === 1) return c;
		}
		return [255, 255, 255];
	};
	const bad = [];
	for (const e of document.querySelectorAll("body *")) {
		const own = [...e.childNodes].some(n => n.nodeType === 3 && n.data.trim());
		if (!own || e.closest("script, title, noscript, button:disabled, .away") || !e.checkVisibility()) continue;
		const style = getComputedStyle(e);
		const [a, b] = [light(parse(e.closest("svg") ? style.fill : style.color)), light(behind(e))];
		const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
		if (ratio < 4.5) bad.push(e.className + " " + e.textContent.trim().slice(0, 30) + " " + ratio.toFixed(2));
	}
	return [...new Set(bad)].slice(0, 10);
})()`

func TestColours(t *testing.T) {
	b := open(t, demo())
	ground := `getComputedStyle(document.body).backgroundColor`
	seen := make(map[string]bool)
	for _, scheme := range []string{"light", "dark"} {
		b.media("screen", scheme)
		eval[bool](b, `(location.hash = "", document.querySelectorAll("details").forEach(d => d.open = true), true)`)
		b.wait(`!document.getElementById("report").hidden`)
		seen[eval[string](b, ground)] = true
		b.picture(scheme)
		for _, text := range eval[[]string](b, contrast) {
			t.Errorf("%s: hard to read: %s", scheme, text)
		}
		eval[bool](b, `(location.hash = "#name-2", true)`)
		b.wait(`!document.getElementById("name").hidden`)
		b.picture("name-" + scheme)
		for _, text := range eval[[]string](b, contrast) {
			t.Errorf("%s, one name: hard to read: %s", scheme, text)
		}
	}
	if len(seen) != 2 {
		t.Errorf("light and dark have the same ground: %v", seen)
	}
}

// The body never scrolls sideways, from a small phone to a wide screen; what is
// wider scrolls by itself.
func TestWidths(t *testing.T) {
	b := open(t, demo())
	for _, width := range []int64{320, 390, 600, 768, 940, 1000, 1440, 2560} {
		b.size(width, 900)
		for _, hash := range []string{"", "#name-2"} {
			b.visit("about:blank")
			b.visit(b.file + hash)
			eval[bool](b, `(document.querySelectorAll("details").forEach(d => d.open = true), true)`)
			if w := eval[int64](b, `document.documentElement.scrollWidth`); w > width {
				t.Errorf("at %d pixels %q is %d wide", width, hash, w)
			}
			b.picture(fmt.Sprintf("width-%d%s", width, strings.TrimPrefix(hash, "#")))
		}
	}
}

// tooWide gives the elements that reach beyond so many pixels.
func tooWide(width int) string {
	return fmt.Sprintf(`[...document.querySelectorAll("body *")].filter(e => e.getBoundingClientRect().right > %d + 1 && e.checkVisibility() && !e.closest(".away"))
		.map(e => e.tagName + "." + (e.getAttribute("class") ?? "") + " " + e.textContent.trim().slice(0, 30)).slice(0, 8)`, width)
}

func TestPrint(t *testing.T) {
	b := open(t, demo())
	b.media("print", "dark")
	b.size(720, 1000)
	want(b, `getComputedStyle(document.body).backgroundColor`, "rgb(255, 255, 255)")
	want(b, `[...document.querySelectorAll(".bar, .filters, .pager")].every(e => getComputedStyle(e).display === "none")`, true)
	// Folded findings are printed in full.
	want(b, `document.querySelectorAll(".finding:not([open])").length > 10`, true)
	want(b, `[...document.querySelectorAll(".finding .sides")].filter(e => e.getBoundingClientRect().height < 40).length`, 0)
	if wide := eval[[]string](b, tooWide(720)); len(wide) > 0 {
		t.Errorf("wider than the paper: %q", wide)
	}
	b.picture("print")
	b.media("", "dark")
	pdf, err := chromedp.Run(b.ctx, chromedp.PrintToPDF())
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(string(pdf), "%PDF-") {
		t.Errorf("no PDF but %.10q", pdf)
	}
	b.keep("print.pdf", pdf)
}

// Without script the page still says what there is to say.
func TestWithoutScript(t *testing.T) {
	b := blank(t)
	b.file = write(t, demo())
	if _, err := chromedp.Call(b.ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true}); err != nil {
		t.Fatal(err)
	}
	b.visit(b.file)
	t.Cleanup(b.quiet)
	text, err := chromedp.Run(b.ctx, chromedp.Text("body"))
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{
		"96.3 %", "87 session names of 21 roles", "What could not be read", "access denied by KMS",
		"GitHubActions on deploy is newly shared", "Rotate the key of legacy-sync", "botocore-session-1763251200",
		"Without script this page shows the first 50 names", "GetFederationToken", "eu-central-1",
	} {
		if !strings.Contains(text, part) {
			t.Errorf("without script the page does not say %q", part)
		}
	}
	if strings.Contains(text, "Unfold all") || strings.Contains(text, "Search") {
		t.Error("without script the page shows controls that do nothing")
	}
	b.picture("no-script")
}

// What a screen reader and a keyboard need.
func TestAccessible(t *testing.T) {
	b := open(t, demo())
	for _, hash := range []string{"", "#name-2"} {
		eval[bool](b, fmt.Sprintf(`(location.hash = %q, true)`, hash))
		b.wait(fmt.Sprintf(`document.getElementById("name").hidden === %t`, hash == ""))
		want(b, `[...document.querySelectorAll("input, select")].filter(e => !e.labels.length).length`, 0)
		want(b, `[...document.querySelectorAll("[id]")].length - new Set([...document.querySelectorAll("[id]")].map(e => e.id)).size`, 0)
		want(b, `document.querySelectorAll("th:not([scope])").length`, 0)
		want(b, `[...document.querySelectorAll("svg")].filter(e => e.getAttribute("aria-hidden") !== "true" && !e.getAttribute("aria-label") && !e.getAttribute("aria-labelledby")).length`, 0)
		want(b, `[...document.querySelectorAll("[aria-labelledby]")].filter(e => !document.getElementById(e.getAttribute("aria-labelledby"))).length`, 0)
		want(b, `[...document.querySelectorAll("h1")].filter(e => e.checkVisibility()).length`, 1)
		want(b, `[...document.querySelectorAll("main")].filter(e => e.checkVisibility()).length`, 1)
		want(b, `[...document.querySelectorAll(".scroll")].filter(e => e.tabIndex !== 0 || !e.getAttribute("aria-label")).length`, 0)
	}
	// The first stop of the keyboard leads past the head of the page.
	eval[bool](b, `(location.hash = "", document.activeElement.blur(), true)`)
	b.visit(b.file)
	b.do(chromedp.KeyEvent(kb.Tab))
	want(b, `document.activeElement.className`, "skip")
	want(b, `document.activeElement.getBoundingClientRect().left >= 0`, true)
	b.do(chromedp.KeyEvent(kb.Tab))
	want(b, `getComputedStyle(document.activeElement).outlineStyle`, "solid")
}

// Without a pointer: fold a finding, search, sort, turn the page, open a name and
// come back, with the keyboard's place visible at each stop.
func TestKeyboard(t *testing.T) {
	b := open(t, demo())
	tabTo := func(stop string) {
		t.Helper()
		for range 400 {
			b.do(chromedp.KeyEvent(kb.Tab))
			if eval[bool](b, `document.activeElement.matches(`+fmt.Sprintf("%q", stop)+`)`) {
				want(b, `getComputedStyle(document.activeElement).outlineStyle`, "solid")
				return
			}
		}
		t.Fatalf("the keyboard does not reach %s", stop)
	}
	tabTo(".finding > summary")
	opened := eval[bool](b, `document.querySelector(".finding").open`)
	b.do(chromedp.KeyEvent(kb.Enter))
	b.wait(fmt.Sprintf(`document.querySelector(".finding").open === %t`, !opened))

	tabTo("#names-filter input[name=text]")
	b.do(chromedp.KeyEvent("botocore"))
	b.wait(told + ` === "41 of 87 names"`)
	tabTo("#names-table th[data-sort=calls] button")
	b.do(chromedp.KeyEvent(kb.Enter))
	b.wait(`document.querySelector("#names-table th[data-sort=calls]").getAttribute("aria-sort") === "descending"`)
	tabTo("#names-table tbody a")
	name := eval[string](b, `document.activeElement.textContent`)
	b.do(chromedp.KeyEvent(kb.Enter))
	b.wait(`!document.getElementById("name").hidden`)
	want(b, heading, name)
	want(b, `document.activeElement.id`, "name")
	tabTo("#name .crumbs a")
	b.do(chromedp.KeyEvent(kb.Escape))
	b.wait(`document.getElementById("name").hidden`)
	want(b, told, "41 of 87 names")
	want(b, `document.activeElement.textContent`, name) // and goes on from there
}

func TestEmptyReport(t *testing.T) {
	b := open(t, &attribute.Result{Scan: attribute.Scan{Complete: true}})
	want(b, `document.querySelector(".lead").textContent`, "No role session made a call in the window.")
	want(b, `document.querySelectorAll("form").length`, 0)
	eval[bool](b, `(location.hash = "#name-1", true)`)
	b.wait(`document.getElementById("name").hidden`)
	b.picture("empty")
}
