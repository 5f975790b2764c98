package report

import (
	"io"
	"strings"

	"github.com/olekukonko/tablewriter"
	"github.com/olekukonko/tablewriter/renderer"
	"github.com/olekukonko/tablewriter/tw"
)

// draw draws a table of at most width columns: a head, no lines, and columns
// apart by spaces, so that it is easy to read and to copy from.
func draw(w io.Writer, g *grid, width int, color bool) error {
	g.fit(width)
	table := tablewriter.NewTable(&lineTrimmer{w: w},
		tablewriter.WithRenderer(renderer.NewBlueprint(tw.Rendition{
			Borders: tw.BorderNone,
			Settings: tw.Settings{
				Lines:      tw.LinesNone,
				Separators: tw.SeparatorsNone,
			},
		})),
		// What is ambiguous is narrow whatever the locale, as in displayWidth.
		tablewriter.WithEastAsian(tw.Off),
		tablewriter.WithTrimSpace(tw.Off),
		tablewriter.WithHeaderAutoFormat(tw.Off),
		tablewriter.WithHeaderAutoWrap(tw.WrapNone),
		tablewriter.WithRowAutoWrap(tw.WrapNone),
		tablewriter.WithPadding(tw.Padding{Left: "", Right: strings.Repeat(" ", gridGap), Overwrite: true}),
	)
	align := make(tw.Alignment, len(g.columns))
	head := make([]string, len(g.columns))
	for i, c := range g.columns {
		align[i] = tw.AlignLeft
		if c.right {
			align[i] = tw.AlignRight
		}
		head[i] = paint(c.head, faint, color)
	}
	table.Configure(func(c *tablewriter.Config) {
		c.Header.Alignment.PerColumn = align
		c.Row.Alignment.PerColumn = align
	})
	table.Header(head)
	for _, row := range g.rows {
		cells := make([]string, len(row))
		for i, c := range row {
			cells[i] = paint(c.text, c.style, color)
		}
		if err := table.Append(cells); err != nil {
			return err
		}
	}
	return table.Render()
}

// paint adds the colours of a style to a text that is not empty.
func paint(s string, st style, color bool) string {
	codes := [...]string{strong: "1", faint: "2", good: "32", warn: "33", alarm: "1;31"}
	if !color || st == plain || s == "" {
		return s
	}
	return "\x1b[" + codes[st] + "m" + s + "\x1b[0m"
}

// lineTrimmer takes the spaces from the ends of lines.
type lineTrimmer struct {
	w    io.Writer
	line []byte
}

func (t *lineTrimmer) Write(p []byte) (int, error) {
	for _, c := range p {
		if c != '\n' {
			t.line = append(t.line, c)
			continue
		}
		line := strings.TrimRight(string(t.line), " ")
		t.line = t.line[:0]
		if _, err := io.WriteString(t.w, line+"\n"); err != nil {
			return 0, err
		}
	}
	return len(p), nil
}
