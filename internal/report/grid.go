package report

import (
	"slices"
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
}

// gridCell is one cell, its texts safe to print.
type gridCell struct {
	text  string
	style style
	brief string // says the same in fewer columns, or is empty
}

var blank = gridCell{}

// cell is a cell with a text that is safe to print.
func cell(safe string) gridCell { return gridCell{text: safe} }

func styled(safe string, st style) gridCell { return gridCell{text: safe, style: st} }

// text is a cell with a text that somebody chose.
func text(s string) gridCell { return cell(escapeTerminal(s)) }

func number(n int64) gridCell { return cell(grouped(n)) }

func moment(t time.Time) gridCell { return cell(stamp(t)) }

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
// If that is not enough, columns say what they can in brief, and then those that
// may be shortened give way, down to the same share of what they want.
func (g *grid) fit(width int) {
	for i := len(g.columns) - 1; i >= 0; i-- {
		if g.empty(i) {
			g.remove(i)
		}
	}
	for i := g.spare(); i >= 0 && g.wanted() > width; i = g.spare() {
		g.remove(i)
	}
	for i := range g.columns {
		if total(g.natural()) > width {
			g.abridge(i)
		}
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
			row[i].text = shorten(row[i].text, widths[i])
		}
	}
	for i := range g.columns {
		g.columns[i].head = shorten(g.columns[i].head, widths[i])
	}
}

// spare gives the column that goes first, or -1.
func (g *grid) spare() int {
	first := -1
	for i, c := range g.columns {
		if c.drop > 0 && (first < 0 || c.drop > g.columns[first].drop) {
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

// abridge puts the brief texts of a column in place.
func (g *grid) abridge(column int) {
	for _, row := range g.rows {
		if c := &row[column]; c.brief != "" {
			c.text = c.brief
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

// wanted gives the width of the table with every column as short as it likes.
func (g *grid) wanted() int {
	widths := g.natural()
	for i, c := range g.columns {
		if c.flex > 0 {
			widths[i] = min(widths[i], c.flex)
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
