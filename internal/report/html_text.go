package report

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// pageText makes what a log's writer chose safe to look at: every character
// that changes how its neighbours show, or that does not show at all (controls,
// bidirectional marks, zero-width and other format characters), becomes its
// code in sight, such as \u202e, and a byte that is no UTF-8 becomes \xNN. It
// is about what a reader sees; escaping for HTML or JSON comes after it. What a
// build system would take for a command, were the page printed, is disarmed.
func pageText(s string) string { return escapeMarks(sightly(s, false)) }

// pageProse is pageText for text of several lines, which keeps its line breaks.
func pageProse(s string) string {
	lines := strings.Split(sightly(s, true), "\n")
	for i := range lines {
		lines[i] = escapeCommands(lines[i])
	}
	return strings.Join(lines, "\n")
}

func sightly(s string, lines bool) string {
	clean := true
	for i := 0; i < len(s); i++ {
		if s[i] < ' ' || s[i] >= 0x7f {
			clean = false
			break
		}
	}
	if clean {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			fmt.Fprintf(&b, `\x%02x`, s[i])
		case r == '\n' && lines:
			b.WriteByte('\n')
		case !unseen(r):
			b.WriteString(s[i : i+size])
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\t':
			b.WriteString(`\t`)
		case r == '\r':
			b.WriteString(`\r`)
		case r < 0x80:
			fmt.Fprintf(&b, `\x%02x`, r)
		case r <= 0xffff:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			fmt.Fprintf(&b, `\U%08x`, r)
		}
		i += size
	}
	return b.String()
}

// unseen reports whether r has no shape of its own. The letters and marks named
// one by one are those that Unicode classes as such but fonts draw as nothing.
func unseen(r rune) bool {
	switch r {
	case 0x034f, 0x115f, 0x1160, 0x17b4, 0x17b5, 0x2800, 0x3164, 0xffa0:
		return true
	}
	return unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp, unicode.Co, unicode.Variation_Selector)
}

// middle shortens s to at most n characters, keeping its start and its end:
// names and ARNs differ in both.
func middle(s string, n int) string {
	r := []rune(s)
	if len(r) <= n {
		return s
	}
	tail := (n - 1) / 2
	return string(r[:n-1-tail]) + "…" + string(r[len(r)-tail:])
}

// grouped writes n with a comma between thousands.
func grouped(n int64) string {
	s := strconv.FormatInt(n, 10)
	digits := strings.TrimPrefix(s, "-")
	var b strings.Builder
	b.WriteString(s[:len(s)-len(digits)])
	for i, c := range digits {
		if i > 0 && (len(digits)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(c)
	}
	return b.String()
}

// counted writes n and its noun: "1 role", "2 roles".
func counted(n int64, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return grouped(n) + " " + noun + "s"
}

// percent writes part of whole with one decimal, rounded down so that only
// everything is 100 % and never shown as nothing when there is something.
func percent(part, whole int64) string {
	switch {
	case whole <= 0 || part <= 0:
		return "0 %"
	case part >= whole:
		return "100 %"
	}
	tenths := int64(float64(part) / float64(whole) * 1000)
	if tenths == 0 {
		return "< 0.1 %"
	}
	return fmt.Sprintf("%d.%d %%", tenths/10, tenths%10)
}

// byteSize writes n bytes in binary units.
func byteSize(n int64) string {
	const units = "KMGTPE"
	if n < 1024 {
		return counted(n, "byte")
	}
	f, i := float64(n)/1024, 0
	for f >= 1024 && i < len(units)-1 {
		f /= 1024
		i++
	}
	return fmt.Sprintf("%.1f %ciB", f, units[i])
}

// stamp writes a time to the minute, in UTC, and nothing for the zero time.
func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02 15:04")
}

// span writes a length of time, rounded as far as its unit says it well.
func span(d time.Duration) string {
	m, h := int64(d/time.Minute), int64(d.Round(time.Hour)/time.Hour)
	switch {
	case m == 0:
		return "less than a minute"
	case m < 60:
		return counted(m, "minute")
	case m < 24*60 && m%60 > 0:
		return counted(m/60, "hour") + " " + counted(m%60, "minute")
	case h < 72:
		return counted(h, "hour")
	default:
		return counted((h+12)/24, "day")
	}
}
