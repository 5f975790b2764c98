package report

import (
	"bytes"
	"cmp"
	"html/template"
	"iter"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/trailscan/trailscan/internal/attribute"
)

// The session names stand in the page as JSON in script elements that no
// browser runs, in blocks of blockRows names. A name has a place in two blocks
// of the same number: the row, which the page reads when it opens, and the
// detail, which it reads when the name is opened. Both have the form
//
//	{"s": [strings], "r": [[...], ...]}
//
// where a string is its index in the block's own table s, so that a block can
// be written and forgotten. Times are seconds since 1970 UTC, 0 where there is
// none; a confidence and a severity are their numbers in the lists of the block
// "meta"; a rule is its index there. An item of r is, in the block rows-N,
//
//	[name, role, account, pattern, severity, confidence,
//	 [origin, ...], origins, calls, errors, sessions, first, last,
//	 [rule, severity, rule, severity, ...]]
//
// with the first rowOrigins origins and the number of them all, and severity 0
// for a rule whose finding is ignored; and in the block more-N
//
//	[role's ARN, form, [origin, ...], seen, [hour, count, hour, count, ...],
//	 [session, ...]]
//	origin  = [id, kind, name, account, app, confidence,
//	           [proven, recorded, inferred, unknown], calls, errors, sessions,
//	           first, last, sample of instances,
//	           [[principal, event id, time], ...], [[type, event id, detail], ...], seen]
//	seen    = [sample of addresses, sample of clients, services, [region, ...]]
//	services = [how many, [name, calls], ...]
//	sample  = [how many, value, ...]
//	session = [key id, created, first, last, calls, errors, origin's id, confidence, event id]
//
// where the seen of the name is 0 if it has but one origin and thus the same;
// hours are counted from 1970. What has a limit (see below) is cut after its
// first items; how many there are is in the row.
const (
	maxRows     = 100_000 // session names in one page
	blockRows   = 1_000   // of them in one block
	plainRows   = 50      // of them as markup, which reads without script
	rowOrigins  = 3
	maxOrigins  = 20 // of one name in its own view
	maxSessions = 50
	maxServices = 20
)

// rankNames gives the indexes of the n names that a page has to hold: the most
// severe first, the busiest among equals.
func rankNames(names []attribute.SessionName, severity []attribute.Severity, n int) []int32 {
	type ranked struct {
		severity attribute.Severity
		calls    int64
		index    int32
	}
	all := make([]ranked, len(names))
	for i := range names {
		all[i] = ranked{severity[i], names[i].Calls, int32(i)}
	}
	slices.SortFunc(all, func(a, b ranked) int {
		return cmp.Or(-cmp.Compare(a.severity, b.severity), -cmp.Compare(a.calls, b.calls), cmp.Compare(a.index, b.index))
	})
	order := make([]int32, min(n, len(all)))
	for i := range order {
		order[i] = all[i].index
	}
	return order
}

// block collects the items of one script element. It is used again for the
// next one; what json returns holds until then.
type block struct {
	strings map[string]int
	table   []byte // the JSON of s, without its brackets
	rows    []byte // the JSON of r, without its brackets
	out     bytes.Buffer
}

func newBlock() *block { return &block{strings: make(map[string]int)} }

func (b *block) reset() {
	clear(b.strings)
	b.table, b.rows = b.table[:0], b.rows[:0]
}

// json gives the block as the page holds it.
func (b *block) json() template.JS {
	b.out.Reset()
	b.out.WriteString(`{"s":[`)
	b.out.Write(b.table)
	b.out.WriteString("],\n\"r\":[")
	b.out.Write(b.rows)
	b.out.WriteString("]}")
	return template.JS(b.out.String())
}

func (b *block) open() {
	if n := len(b.rows); n > 0 && b.rows[n-1] != '[' {
		b.rows = append(b.rows, ',')
	}
	b.rows = append(b.rows, '[')
}

func (b *block) close() { b.rows = append(b.rows, ']') }

func (b *block) int(n int64) {
	if c := len(b.rows); c > 0 && b.rows[c-1] != '[' {
		b.rows = append(b.rows, ',')
	}
	b.rows = strconv.AppendInt(b.rows, n, 10)
}

func (b *block) time(t time.Time) {
	if t.IsZero() {
		b.int(0)
		return
	}
	b.int(t.Unix())
}

func (b *block) string(s string) {
	i, ok := b.strings[s]
	if !ok {
		i = len(b.strings)
		b.strings[s] = i
		if i > 0 {
			b.table = append(b.table, ',')
		}
		b.table = appendJSON(b.table, pageText(s))
	}
	b.int(int64(i))
}

// appendJSON appends s as a JSON string that may stand in a script element:
// with none of the characters that could end the element, open a comment in it
// or, as a line separator, break an old reader.
func appendJSON(dst []byte, s string) []byte {
	const hex = "0123456789abcdef"
	dst = append(dst, '"')
	for i := 0; i < len(s); {
		c := s[i]
		if c < utf8.RuneSelf {
			switch {
			case c == '"' || c == '\\':
				dst = append(dst, '\\', c)
			case c < ' ' || c == '<' || c == '>' || c == '&' || c == 0x7f:
				dst = append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
			default:
				dst = append(dst, c)
			}
			i++
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			dst = append(dst, `\ufffd`...)
		case r == 0x2028 || r == 0x2029:
			dst = append(dst, `\u202`...)
			dst = append(dst, hex[r&15])
		default:
			dst = append(dst, s[i:i+size]...)
		}
		i += size
	}
	return append(dst, '"')
}

// row adds the table's row of one name.
func (b *block) row(n *attribute.SessionName, severity attribute.Severity, rules map[string]int, on firing) {
	b.open()
	b.string(n.SessionName)
	b.string(n.RoleName)
	b.string(n.AccountID)
	b.string(n.Pattern)
	b.int(int64(severity))
	b.int(int64(weakest(n)))
	b.open()
	for i := range n.Origins[:min(rowOrigins, len(n.Origins))] {
		b.string(n.Origins[i].ID)
	}
	b.close()
	b.int(int64(len(n.Origins)))
	b.int(n.Calls)
	b.int(n.Errors)
	b.int(n.Sessions)
	b.time(n.FirstSeen)
	b.time(n.LastSeen)
	b.open()
	for _, id := range n.Findings {
		b.int(int64(rules[id]))
		b.int(int64(on.severity(n, id)))
	}
	b.close()
	b.close()
}

// weakest is the confidence of the least sure of a name's origins.
func weakest(n *attribute.SessionName) attribute.Confidence {
	if len(n.Origins) == 0 {
		return attribute.Unknown
	}
	least := attribute.Proven
	for i := range n.Origins {
		least = min(least, n.Origins[i].Confidence)
	}
	return least
}

// detail adds what the view of one name shows.
func (b *block) detail(n *attribute.SessionName, sessions iter.Seq[*attribute.Session]) {
	b.open()
	b.string(n.RoleARN)
	b.string(n.Form)
	b.open()
	for i := range n.Origins[:min(maxOrigins, len(n.Origins))] {
		b.origin(&n.Origins[i])
	}
	b.close()
	if len(n.Origins) == 1 {
		b.int(0)
	} else {
		b.seen(n.SourceIPs, n.UserAgents, n.Services, n.Regions)
	}
	b.open()
	for _, h := range n.Hours {
		b.int(h.Hour / 3600)
		b.int(h.Calls)
	}
	b.close()
	b.open()
	left := maxSessions
	for s := range sessions {
		if left--; left < 0 {
			break
		}
		b.open()
		b.string(s.AccessKeyID)
		b.time(s.Created)
		b.time(s.FirstSeen)
		b.time(s.LastSeen)
		b.int(s.Calls)
		b.int(s.Errors)
		b.string(s.OriginID)
		b.int(int64(s.Confidence))
		b.string(s.AssumeEvent)
		b.close()
	}
	b.close()
	b.close()
}

func (b *block) origin(o *attribute.NameOrigin) {
	b.open()
	b.string(o.ID)
	b.string(o.Kind)
	b.string(o.Name)
	b.string(o.AccountID)
	b.string(o.App)
	b.int(int64(o.Confidence))
	b.open()
	for _, calls := range []int64{o.ByConf.Proven, o.ByConf.Recorded, o.ByConf.Inferred, o.ByConf.Unknown} {
		b.int(calls)
	}
	b.close()
	b.int(o.Calls)
	b.int(o.Errors)
	b.int(o.Sessions)
	b.time(o.FirstSeen)
	b.time(o.LastSeen)
	b.sample(o.Instances)
	b.open()
	for _, l := range o.Chain {
		b.open()
		b.string(l.Principal)
		b.string(l.EventID)
		b.time(l.EventTime)
		b.close()
	}
	b.close()
	b.open()
	for _, e := range o.Evidence {
		b.open()
		b.string(e.Type)
		b.string(e.EventID)
		b.string(e.Detail)
		b.close()
	}
	b.close()
	b.seen(o.SourceIPs, o.UserAgents, o.Services, o.Regions)
	b.close()
}

func (b *block) seen(ips, agents attribute.Sample, services []attribute.ServiceCalls, regions []string) {
	b.open()
	b.sample(ips)
	b.sample(agents)
	b.open()
	b.int(int64(len(services)))
	for _, s := range services[:min(maxServices, len(services))] {
		b.open()
		b.string(s.EventSource)
		b.int(s.Calls)
		b.close()
	}
	b.close()
	b.open()
	for _, r := range regions {
		b.string(r)
	}
	b.close()
	b.close()
}

func (b *block) sample(s attribute.Sample) {
	b.open()
	b.int(s.Count)
	for _, v := range s.Sample {
		b.string(v)
	}
	b.close()
}
