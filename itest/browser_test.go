// Package itest tries the HTML report in a real browser. It is a module of its
// own, so that the product does not depend on what drives the browser.
package itest

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"github.com/trailscan/trailscan/internal/attribute"
	"github.com/trailscan/trailscan/internal/report"
)

// browser is where the browser's program is, empty where there is none.
var browser = findBrowser()

func findBrowser() string {
	if path := os.Getenv("TRAILSCAN_CHROMIUM"); path != "" {
		return path
	}
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	return ""
}

// first is the context of the browser that all tests share, each with a tab of
// its own. It is nil where there is no browser.
var first context.Context

func TestMain(m *testing.M) {
	os.Exit(run(m))
}

func run(m *testing.M) int {
	if browser == "" {
		if os.Getenv("CI") == "true" {
			fmt.Fprintln(os.Stderr, "no chromium, chromium-browser or google-chrome on PATH: install one or name it in TRAILSCAN_CHROMIUM")
			return 1
		}
		return m.Run()
	}
	opts := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(browser),
		chromedp.Flag("disable-dev-shm-usage", true),
		chromedp.DisableGPU,
		chromedp.WindowSize(1440, 900),
	)
	if os.Geteuid() == 0 {
		opts = append(opts, chromedp.NoSandbox) // Chromium's sandbox refuses root
	}
	alloc, stop := chromedp.NewExecAllocator(context.Background(), opts...)
	defer stop()
	ctx, cancel := chromedp.NewContext(alloc)
	defer cancel()
	if err := chromedp.Do(ctx); err != nil {
		fmt.Fprintf(os.Stderr, "%s does not start: %v\n", browser, err)
		return 1
	}
	first = ctx
	return m.Run()
}

// tab is a browser's tab with a report in it.
type tab struct {
	t    *testing.T
	ctx  context.Context
	file string // URL of the report

	mu       sync.Mutex
	requests []string
	console  []string
}

// write makes the report's file and gives its URL.
func write(t *testing.T, res *attribute.Result) string {
	t.Helper()
	html, err := report.ByName("html")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "report.html")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	opt := report.Options{
		Tool:         report.Tool{Name: "trailscan", Version: "1.0.0"},
		AccountNames: map[string]string{production: "production", staging: "staging", shared: "shared services"},
	}
	if err := html.Write(f, res, opt); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	return (&url.URL{Scheme: "file", Path: path}).String()
}

// open opens a report in a tab of its own. When the test ends, the report
// must have asked for nothing but its file and have nothing written to the console.
func open(t *testing.T, res *attribute.Result) *tab {
	t.Helper()
	b := blank(t)
	b.file = write(t, res)
	b.visit(b.file)
	t.Cleanup(b.quiet)
	return b
}

// blank opens an empty tab, whose requests and console are kept.
func blank(t *testing.T) *tab {
	t.Helper()
	if first == nil {
		t.Skip("no chromium, chromium-browser or google-chrome on PATH, and TRAILSCAN_CHROMIUM names none")
	}
	ctx, cancel := chromedp.NewContext(first)
	t.Cleanup(cancel)
	b := &tab{t: t, ctx: ctx}

	if _, err := chromedp.Call(ctx, network.Enable, network.EnableParams{}); err != nil {
		t.Fatal(err)
	}
	requests := chromedp.Events(ctx, network.RequestWillBeSent)
	go func() {
		for e, err := range requests {
			if err != nil {
				return
			}
			b.mu.Lock()
			b.requests = append(b.requests, e.Request.URL)
			b.mu.Unlock()
		}
	}()
	messages := chromedp.Console(ctx)
	go func() {
		for m, err := range messages {
			if err != nil {
				return
			}
			b.mu.Lock()
			b.console = append(b.console, m.String())
			b.mu.Unlock()
		}
	}()
	return b
}

func (b *tab) visit(address string) {
	b.t.Helper()
	b.do(chromedp.Navigate(address))
}

// quiet checks what the page asked for and wrote to the console.
func (b *tab) quiet() {
	b.t.Helper()
	// What the page did before this is told before its answer.
	eval[int](b, "1")
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, u := range b.requests {
		if page, _, _ := strings.Cut(u, "#"); page != b.file && page != "about:blank" {
			b.t.Errorf("the report asked for %s", u)
		}
	}
	if len(b.requests) == 0 {
		b.t.Error("no request was seen, not even for the report: the test sees nothing")
	}
	for _, m := range b.console {
		b.t.Errorf("console: %s", m)
	}
}

func (b *tab) do(steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	if err := chromedp.Do(b.ctx, steps...); err != nil {
		b.t.Fatal(err)
	}
}

// eval gives the value of an expression in the page.
func eval[T any](b *tab, expression string) T {
	b.t.Helper()
	v, err := chromedp.Run(b.ctx, chromedp.Evaluate[T](expression))
	if err != nil {
		b.t.Fatalf("%s: %v", expression, err)
	}
	return v
}

// wait waits until an expression is true in the page.
func (b *tab) wait(expression string) {
	b.t.Helper()
	if _, err := chromedp.Run(b.ctx, chromedp.Poll[bool](expression)); err != nil {
		b.t.Fatalf("waiting for %s: %v", expression, err)
	}
}

// want compares the value of an expression in the page.
func want[T comparable](b *tab, expression string, value T) {
	b.t.Helper()
	if got := eval[T](b, expression); got != value {
		b.t.Errorf("%s is %v, not %v", expression, got, value)
	}
}

// size sets the window's size, as seen by the page.
func (b *tab) size(width, height int64) {
	b.t.Helper()
	b.do(chromedp.EmulateViewport(width, height))
}

// media sets the medium (screen or print) and the preferred colours.
func (b *tab) media(medium, scheme string) {
	b.t.Helper()
	_, err := chromedp.Call(b.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Media:    medium,
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
	})
	if err != nil {
		b.t.Fatal(err)
	}
}

// picture keeps a picture of the page in the directory that TRAILSCAN_PICTURES
// names, for people to look at; without it, it does nothing.
func (b *tab) picture(name string) {
	b.t.Helper()
	if os.Getenv("TRAILSCAN_PICTURES") == "" {
		return
	}
	png, err := chromedp.Run(b.ctx, chromedp.FullScreenshot(100))
	if err != nil {
		b.t.Fatal(err)
	}
	b.keep(name+".png", png)
}

// keep writes a file to the directory that TRAILSCAN_PICTURES names.
func (b *tab) keep(name string, content []byte) {
	b.t.Helper()
	dir := os.Getenv("TRAILSCAN_PICTURES")
	if dir == "" {
		return
	}
	if err := os.WriteFile(filepath.Join(dir, name), content, 0o644); err != nil {
		b.t.Fatal(err)
	}
}
