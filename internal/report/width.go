package report

import (
	"strings"

	"github.com/clipperhouse/displaywidth"
)

// ellipsis stands where something was left out.
const ellipsis = "…"

// displayWidth gives the columns that s takes on a terminal, which for wide
// and joined characters is not how many characters it has. s must have passed
// escapeTerminal.
func displayWidth(s string) int { return displaywidth.String(s) }

// shorten makes s fit into width columns by leaving out its middle: names and
// ARNs differ at both ends. No character is cut in two.
func shorten(s string, width int) string {
	if displayWidth(s) <= width {
		return s
	}
	if width < 1 {
		return ""
	}
	type cluster struct{ end, width int }
	var clusters []cluster
	end := 0
	for g := displaywidth.StringGraphemes(s); g.Next(); {
		end += len(g.Value())
		clusters = append(clusters, cluster{end, g.Width()})
	}
	room := width - 1 // the ellipsis takes one
	head, tail := 0, len(clusters)
	used := 0
	for grow := true; grow; {
		grow = false
		// The head is never shorter than the tail.
		if head < tail && used+clusters[head].width <= room {
			used += clusters[head].width
			head++
			grow = true
		}
		if head < tail && used+clusters[tail-1].width <= room {
			tail--
			used += clusters[tail].width
			grow = true
		}
	}
	from := 0
	if head > 0 {
		from = clusters[head-1].end
	}
	to := 0
	if tail > 0 {
		to = clusters[tail-1].end
	}
	// One ellipsis is enough where something was left out before.
	return strings.TrimSuffix(s[:from], ellipsis) + ellipsis + strings.TrimPrefix(s[to:], ellipsis)
}

// wrap breaks s at its spaces into lines of at most width columns. A word that
// is longer than that stays whole if all words are to, and is cut otherwise. A
// line that would begin like a build system's command is disarmed, since the
// break made it one.
func wrap(s string, width int, whole bool) []string {
	width = max(width, 1)
	var lines []string
	var line strings.Builder
	used := 0
	next := func() {
		lines = append(lines, escapeCommands(line.String()))
		line.Reset()
		used = 0
	}
	for word := range strings.FieldsSeq(s) {
		w := displayWidth(word)
		if used > 0 && used+1+w <= width {
			line.WriteByte(' ')
			line.WriteString(word)
			used += 1 + w
			continue
		}
		if used > 0 {
			next()
		}
		for w > width && !whole {
			n, columns := headOf(word, width)
			line.WriteString(word[:n])
			next()
			word, w = word[n:], w-columns
		}
		line.WriteString(word)
		used = w
	}
	if used > 0 || len(lines) == 0 {
		next()
	}
	return lines
}

// headOf gives how many bytes of a word that is wider than width fit, and their
// columns: to behind a slash or a colon, which part ARNs, if that fills half of
// the width. It is never nothing.
func headOf(word string, width int) (n, columns int) {
	part, partColumns := 0, 0
	for g := displaywidth.StringGraphemes(word); g.Next(); {
		if columns+g.Width() > width && columns > 0 {
			break
		}
		n += len(g.Value())
		columns += g.Width()
		if v := g.Value(); (v == "/" || v == ":") && 2*columns >= width {
			part, partColumns = n, columns
		}
	}
	if part > 0 {
		return part, partColumns
	}
	return n, columns
}
