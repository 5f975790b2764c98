package report

import (
	"bufio"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"io"

	"github.com/trailscan/trailscan/internal/attribute"
)

//go:embed assets
var assets embed.FS

// writeHTML writes the report as one page that needs nothing but itself: style,
// script and data stand in it, and its Content-Security-Policy lets it load
// nothing. What it says at a glance is markup, which reads without script too;
// the session names are data in blocks, written one after another, that its
// script shows a page at a time.
func writeHTML(w io.Writer, res *attribute.Result, opt Options) error {
	return writePage(w, res, opt, maxRows)
}

// writePage is writeHTML for a page of at most limit session names.
func writePage(w io.Writer, res *attribute.Result, opt Options, limit int) error {
	style, err := assets.ReadFile("assets/report.css")
	if err != nil {
		return fmt.Errorf("html report: %w", err)
	}
	script, err := assets.ReadFile("assets/report.js")
	if err != nil {
		return fmt.Errorf("html report: %w", err)
	}
	tmpl, err := template.New("report").ParseFS(assets, "assets/report.tmpl")
	if err != nil {
		return fmt.Errorf("html report: %w", err)
	}

	p := newPage(res, opt, limit)
	p.Tool = opt.Tool
	p.Policy = policy(style, script)
	p.Style, p.Script = template.CSS(style), template.JS(script)

	out := bufio.NewWriterSize(w, 1<<16)
	if err := tmpl.ExecuteTemplate(out, "top", p); err != nil {
		return fmt.Errorf("html report: %w", err)
	}
	rows, more := newBlock(), newBlock()
	for n, from := 0, 0; from < len(p.order); n, from = n+1, from+blockRows {
		rows.reset()
		more.reset()
		for _, i := range p.order[from:min(from+blockRows, len(p.order))] {
			n := res.Name(int(i))
			rows.row(n, p.severity[i], p.rules, p.on)
			more.detail(n, res.Sessions(int(i)))
		}
		data := struct {
			N          int
			Rows, More template.JS
		}{n, rows.json(), more.json()}
		if err := tmpl.ExecuteTemplate(out, "block", data); err != nil {
			return fmt.Errorf("html report: %w", err)
		}
	}
	if err := tmpl.ExecuteTemplate(out, "bottom", p); err != nil {
		return fmt.Errorf("html report: %w", err)
	}
	if err := out.Flush(); err != nil {
		return fmt.Errorf("html report: %w", err)
	}
	return nil
}

// policy is the page's Content-Security-Policy: nothing may be loaded, sent,
// framed or run but this very style and this very script, and the script may
// not turn text into markup.
//
// https://www.w3.org/TR/CSP3/ and https://www.w3.org/TR/trusted-types/
func policy(style, script []byte) string {
	hash := func(b []byte) string {
		sum := sha256.Sum256(b)
		return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
	}
	return "default-src 'none'; style-src " + hash(style) + "; script-src " + hash(script) +
		"; base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
}
