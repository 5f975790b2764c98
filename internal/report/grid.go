package report

import (
	"slices"
	"strings"
	"time"
)

// style is what a terminal with colours may add to a text. It never says
// anything that the text does not.
type style uint8

const (
	plain style = iota
	strong
	faint
	good
	warn
	alarm
)

// gridColumn is one column of a table.
type gridColumn struct {
	head  string
	right bool // numbers stand on the right
	// flex is the width that the column wants to keep when it has to be
	// shortened; 0 stands for a column that is never shortened.
	flex int
	// drop says when the column goes if the others would have to be shorter than
	// they want, the highest first; 0 is never.
	drop int
	// narrow says the same for a terminal on which, with nothing left to drop,
	// the others would have less than half of what they want.
	narrow int
}

// gridCell is one cell, its texts safe to print.
type gridCell struct {
	text  string
	style style
	brief string // says the same in fewer columns, or is empty
	terse string // says as much as tells it from the others of its column, or is empty
}

var blank = gridCell{}

// cell is a cell with a text that is safe to print.
func cell(safe string) gridCell { return gridCell{text: safe} }

func styled(safe string, st style) gridCell { return gridCell{text: safe, style: st} }

// text is a cell with a text that somebody chose.
func text(s string) gridCell { return cell(escapeTerminal(s)) }

func number(n int64) gridCell { return cell(grouped(n)) }

// moment is a time; in brief it goes without the year.
func moment(t time.Time) gridCell {
	c := cell(stamp(t))
	if _, brief, ok := strings.Cut(c.text, "-"); ok {
		c.brief = brief
	}
	return c
}

// grid is a table before it is drawn.
type grid struct {
	columns []gridColumn
	rows    [][]gridCell
}

// gridGap is the number of spaces between two columns.
const gridGap = 2

func (g *grid) add(cells ...gridCell) { g.rows = append(g.rows, cells) }

// fit makes the table at most width columns wide. Empty columns go in any case,
// and those that can be spared until the others have the width that they want.
// If that is not enough, columns say what they can in brief, then in fewer words
// still, and then those that may be shortened give way, down to the same share of
// what they want.
func (g *grid) fit(width int) {
	for i := len(g.columns) - 1; i >= 0; i-- {
		if g.empty(i) {
			g.remove(i)
		}
	}
	for i := range g.columns {
		g.tellApart(i)
	}
	for i := g.spare(byDrop); i >= 0 && g.wanted(1) > width; i = g.spare(byDrop) {
		g.remove(i)
	}
	terse := g.wanted(1) > width
	for i := range g.columns {
		if total(g.natural()) > width {
			g.abridge(i, terse)
		}
	}
	for i := g.spare(byNarrow); i >= 0 && g.wanted(2) > width; i = g.spare(byNarrow) {
		g.remove(i)
	}
	widths := g.natural()
	for total(widths) > width {
		widest := -1
		for i, c := range g.columns {
			if c.flex > 0 && widths[i] > 1 && (widest < 0 || widths[i]*g.columns[widest].flex > widths[widest]*c.flex) {
				widest = i
			}
		}
		if widest < 0 {
			break
		}
		widths[widest]--
	}
	for _, row := range g.rows {
		for i := range row {
			c := &row[i]
			if displayWidth(c.text) > widths[i] && c.terse != "" {
				c.text = c.terse
			}
			c.text = shorten(c.text, widths[i])
		}
	}
	for i := range g.columns {
		g.columns[i].head = shorten(g.columns[i].head, widths[i])
	}
}

func byDrop(c gridColumn) int   { return c.drop }
func byNarrow(c gridColumn) int { return c.narrow }

// spare gives the column that goes first, or -1.
func (g *grid) spare(order func(gridColumn) int) int {
	first := -1
	for i, c := range g.columns {
		if order(c) > 0 && (first < 0 || order(c) > order(g.columns[first])) {
			first = i
		}
	}
	return first
}

func (g *grid) empty(column int) bool {
	for _, row := range g.rows {
		if row[column].text != "" {
			return false
		}
	}
	return true
}

// abridge puts the brief texts of a column in place, or the terse ones.
func (g *grid) abridge(column int, terse bool) {
	for _, row := range g.rows {
		switch c := &row[column]; {
		case terse && c.terse != "":
			c.text = c.terse
		case c.brief != "":
			c.text = c.brief
		}
	}
}

// tellApart takes away the terse texts of a column that stand for several texts.
func (g *grid) tellApart(column int) {
	full := make(map[string]string) // by terse text, empty where there are several
	for _, row := range g.rows {
		c := row[column]
		if text, ok := full[c.terse]; ok && text != c.text {
			full[c.terse] = ""
		} else {
			full[c.terse] = c.text
		}
	}
	for _, row := range g.rows {
		if c := &row[column]; full[c.terse] == "" {
			c.terse = ""
		}
	}
}

// natural gives the width of the widest cell of each column.
func (g *grid) natural() []int {
	widths := make([]int, len(g.columns))
	for i, c := range g.columns {
		widths[i] = displayWidth(c.head)
	}
	for _, row := range g.rows {
		for i, c := range row {
			widths[i] = max(widths[i], displayWidth(c.text))
		}
	}
	return widths
}

// wanted gives the width of the table with every column as short as it likes, or
// at such a part of it.
func (g *grid) wanted(part int) int {
	widths := g.natural()
	for i, c := range g.columns {
		if c.flex > 0 {
			widths[i] = min(widths[i], c.flex/part)
		}
	}
	return total(widths)
}

func (g *grid) remove(column int) {
	g.columns = slices.Delete(g.columns, column, column+1)
	for i, row := range g.rows {
		g.rows[i] = slices.Delete(row, column, column+1)
	}
}

func total(widths []int) int {
	sum := gridGap * (len(widths) - 1)
	for _, w := range widths {
		sum += w
	}
	return sum
}
