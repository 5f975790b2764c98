package report

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/trailscan/trailscan/internal/attribute"
)

// flow is the picture of who comes in where: origins on the left, roles in the
// middle, session names on the right. Names of one pattern under one role are
// one box, or a fleet would fill the picture. It shows the most severe and the
// busiest boxes and says what share of the calls that is.
type flow struct {
	Width, Height        int
	Origins, Roles, Ends []flowBox
	Links                []flowLink
	Shown, Total         int   // boxes of names
	Calls, AllCalls      int64 // under the boxes that are shown, and at all
}

// Share is the share of all calls that the boxes hold.
func (f *flow) Share() string { return percent(f.Calls, f.AllCalls) }

// flowBox is one box of the picture.
type flowBox struct {
	X, Y, W, H   int
	Label, Sub   string // as much as the box has room for
	Full         string
	Key          int    // of the links that end here
	N            int    // the name's place in the page, -1 where it has none
	Find         string // what to search the table for, where the box is many names
	Shared       bool
	Mark         string // the word for what is wrong, such as "shared name"
	Severity     string // of the worst finding, or empty
	Outline      string // the path of its outline
	Inner        string // a second outline inside, of a shared name
	LabelY, SubY int
	TextX        int
}

// flowLink is one band from box to box.
type flowLink struct {
	Path   string
	Width  string
	Unsure bool // most of its calls are inferred or unknown
	Origin int  // keys of what it belongs to
	Role   int
	End    int // -1 on the way from an origin to a role
}

const (
	flowOrigins = groupsShown // boxes of origins at most; the last may stand for all others

	flowBoxH  = 44
	flowGap   = 10
	flowStep  = flowBoxH + flowGap
	flowTop   = 30 // below the columns' heads
	flowOX    = 0
	flowOW    = 310
	flowRX    = 460
	flowRW    = 260
	flowEX    = 870
	flowEW    = 330
	flowWidth = flowEX + flowEW // the outlines need a pixel more on either side
	flowChar  = 7               // width of a character of the labels, more or less
)

// newFlow draws the groups that were chosen of all; calls is the number of
// calls under all of them.
func newFlow(chosen []*nameGroup, all int, calls int64, names []attribute.SessionName, place map[int32]int, account func(id string) string) *flow {
	f := &flow{Width: flowWidth + 2, Shown: len(chosen), Total: all, AllCalls: calls}
	if f.Shown == 0 {
		return f
	}
	for _, g := range chosen {
		f.Calls += g.calls
	}
	groups := slices.Clone(chosen)

	// Roles stand in the order of their worst group, and groups with their role.
	var roles []string
	for _, g := range groups {
		if !slices.Contains(roles, g.key.role) {
			roles = append(roles, g.key.role)
		}
	}
	slices.SortStableFunc(groups, func(a, b *nameGroup) int {
		return cmp.Compare(slices.Index(roles, a.key.role), slices.Index(roles, b.key.role))
	})
	origins, key := pickOrigins(groups)

	f.Height = flowTop + max(len(groups), len(origins))*flowStep
	endShift := (f.Height - flowTop - len(groups)*flowStep) / 2
	roleY := make([]int, len(roles))
	for r, arn := range roles {
		top, n := 0, 0
		for i, g := range groups {
			if g.key.role == arn {
				if n == 0 {
					top = i
				}
				n++
			}
		}
		roleY[r] = flowTop + endShift + top*flowStep + (n-1)*flowStep/2
		first := &names[groups[top].first]
		box := newBox(flowRX, roleY[r], flowRW, first.RoleName, account(first.AccountID), first.RoleARN)
		box.Key, box.Find = r, pageText(first.RoleName)
		f.Roles = append(f.Roles, box)
	}
	for i, g := range groups {
		f.Ends = append(f.Ends, endBox(g, names, place, i, flowTop+endShift+i*flowStep))
	}
	originY := placeOrigins(groups, roles, roleY, key, len(origins), f.Height)
	for o, at := range origins {
		box := newBox(flowOX, originY[o], flowOW, at.label, at.sub, at.full)
		box.Key, box.Find = o, at.find
		f.Origins = append(f.Origins, box)
	}
	f.link(groups, roles, key)
	return f
}

type flowOrigin struct {
	label, sub, full, find string
	shared                 bool
	calls                  int64
}

// pickOrigins gives the origins that have a box and, by id, the box that each
// origin's bands start from. Those of shared names come first, the busy next.
func pickOrigins(groups []*nameGroup) ([]flowOrigin, map[string]int) {
	byID := make(map[string]*flowOrigin)
	for _, g := range groups {
		for id, s := range g.from {
			o := byID[id]
			if o == nil {
				o = &flowOrigin{full: id, find: pageText(id)}
				byID[id] = o
			}
			o.calls += s.calls
			o.shared = o.shared || g.open
		}
	}
	all := make([]*flowOrigin, 0, len(byID))
	for _, o := range byID {
		all = append(all, o)
	}
	slices.SortFunc(all, func(a, b *flowOrigin) int {
		if a.shared != b.shared {
			if a.shared {
				return -1
			}
			return 1
		}
		return cmp.Or(cmp.Compare(b.calls, a.calls), cmp.Compare(a.full, b.full))
	})
	key := make(map[string]int, len(all))
	var boxes []flowOrigin
	for i, o := range all {
		if i >= flowOrigins-1 && len(all) > flowOrigins {
			key[o.full] = flowOrigins - 1
			continue
		}
		kind, name, ok := strings.Cut(o.full, ":")
		label, sub := name, kind+" · "+counted(o.calls, "call")
		if !ok {
			label, sub = o.full, counted(o.calls, "call")
		}
		boxes = append(boxes, flowOrigin{label: label, sub: sub, full: o.full, find: o.find})
		key[o.full] = i
	}
	if rest := len(all) - len(boxes); rest > 0 {
		var calls int64
		for _, o := range all[len(boxes):] {
			calls += o.calls
		}
		label := counted(int64(rest), "further origin")
		boxes = append(boxes, flowOrigin{label: label, sub: counted(calls, "call"), full: label})
	}
	return boxes, key
}

// placeOrigins gives the tops of the origins' boxes: each as near to the roles
// it leads to as the others leave room. It orders the bands less crossed.
func placeOrigins(groups []*nameGroup, roles []string, roleY []int, key map[string]int, n, height int) []int {
	sum, weight := make([]float64, n), make([]float64, n)
	for _, g := range groups {
		y := roleY[slices.Index(roles, g.key.role)]
		for id := range g.from {
			sum[key[id]] += float64(y)
			weight[key[id]]++
		}
	}
	order := make([]int, n)
	want := make([]int, n)
	for o := range order {
		order[o] = o
		want[o] = int(sum[o] / max(weight[o], 1))
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(want[a], want[b]) })
	y := make([]int, n)
	next := flowTop
	for _, o := range order {
		y[o] = max(next, want[o])
		next = y[o] + flowStep
	}
	last := height - flowStep
	for _, o := range slices.Backward(order) {
		y[o] = min(y[o], last)
		last = y[o] - flowStep
	}
	return y
}

func newBox(x, y, w int, label, sub, full string) flowBox {
	room := (w - 24) / flowChar
	return flowBox{
		X: x, Y: y, W: w, H: flowBoxH, N: -1,
		Label: middle(pageText(label), room), Sub: middle(pageText(sub), room+3), Full: pageText(full),
		Outline: fmt.Sprintf("M%d %dh%dv%dh-%dz", x, y, w, flowBoxH, w),
		TextX:   x + 12, LabelY: y + 18, SubY: y + 35,
	}
}

// endBox is the box of a group of names. A shared name has another shape: its
// left side is an arrow's tail, as many things run into it, and its outline is
// double.
func endBox(g *nameGroup, names []attribute.SessionName, place map[int32]int, key, y int) flowBox {
	label, sub := g.label(names), counted(g.calls, "call")
	if g.names > 1 {
		sub = counted(g.names, "name") + " · " + sub
	}
	box := newBox(flowEX, y, flowEW, label, "", label)
	box.Key = key
	if at, ok := place[g.first]; ok && g.names == 1 {
		box.N = at
	} else {
		box.Find = pageText(label)
	}
	switch {
	case g.shared:
		box.Shared = true
		box.Mark = "shared name"
		if !g.open {
			box.Mark += " (ignored)"
		}
		const notch = 12
		w, h := flowEW, flowBoxH
		box.Outline = fmt.Sprintf("M%d %dh%dv%dh-%dl%d -%dz", flowEX, y, w, h, w, notch, h/2)
		box.Inner = fmt.Sprintf("M%d %dh%dv%dh-%dl%d -%dz", flowEX+7, y+4, w-11, h-8, w-11, notch-2, h/2-4)
		box.TextX += notch
		box.Label = middle(pageText(label), (flowEW-24-2*notch)/flowChar)
	case g.severity > attribute.None:
		box.Mark = g.severity.String()
	}
	if g.severity > attribute.None {
		box.Severity = g.severity.String()
	}
	box.Sub = sub
	return box
}

// link draws the bands. At a role, a band from an origin goes on at the height
// at which it came, so that the eye can follow it through.
func (f *flow) link(groups []*nameGroup, roles []string, key map[string]int) {
	type band struct{ calls, vague int64 }
	type pair struct{ a, b int }
	in, out := make(map[pair]band), make(map[pair]band) // origin to role, origin to end
	var most int64
	for e, g := range groups {
		r := slices.Index(roles, g.key.role)
		for id, s := range g.from {
			o := key[id]
			b := in[pair{o, r}]
			in[pair{o, r}] = band{b.calls + s.calls, b.vague + s.vague}
			b = out[pair{o, e}]
			out[pair{o, e}] = band{b.calls + s.calls, b.vague + s.vague}
			most = max(most, in[pair{o, r}].calls)
		}
	}
	// ports gives the height of the i-th of n bands at a box.
	ports := func(box flowBox, i, n int) float64 {
		return float64(box.Y) + float64(box.H)*(float64(i)+1)/(float64(n)+1)
	}
	byY := func(boxes []flowBox) func(a, b int) int {
		return func(a, b int) int { return cmp.Or(cmp.Compare(boxes[a].Y, boxes[b].Y), cmp.Compare(a, b)) }
	}
	draw := func(x1 int, y1 float64, x2 int, y2 float64, b band, o, r, e int) {
		mid := (x1 + x2) / 2
		f.Links = append(f.Links, flowLink{
			Path:   fmt.Sprintf("M%d %.1fC%d %.1f %d %.1f %d %.1f", x1, y1, mid, y1, mid, y2, x2, y2),
			Width:  fmt.Sprintf("%.1f", 1.5+12.5*math.Sqrt(float64(b.calls)/float64(max(most, 1)))),
			Unsure: 2*b.vague > b.calls,
			Origin: o, Role: r, End: e,
		})
	}
	// The roles an origin leads to, and the origins of each role and each end,
	// from top to bottom.
	toRoles := make([][]int, len(f.Origins))
	ofRole := make([][]int, len(f.Roles))
	ofEnd := make([][]int, len(f.Ends))
	for o := range f.Origins {
		for r := range f.Roles {
			if _, ok := in[pair{o, r}]; ok {
				toRoles[o] = append(toRoles[o], r)
				ofRole[r] = append(ofRole[r], o)
			}
		}
		for e := range f.Ends {
			if _, ok := out[pair{o, e}]; ok {
				ofEnd[e] = append(ofEnd[e], o)
			}
		}
	}
	for r := range ofRole {
		slices.SortFunc(ofRole[r], byY(f.Origins))
	}
	for e := range ofEnd {
		slices.SortFunc(ofEnd[e], byY(f.Origins))
	}
	for o := range toRoles {
		slices.SortFunc(toRoles[o], byY(f.Roles))
	}
	for o, to := range toRoles {
		for i, r := range to {
			at := ports(f.Roles[r], slices.Index(ofRole[r], o), len(ofRole[r]))
			draw(flowOX+flowOW, ports(f.Origins[o], i, len(to)), flowRX, at, in[pair{o, r}], o, r, -1)
		}
	}
	for e, from := range ofEnd {
		r := slices.Index(roles, groups[e].key.role)
		x := flowEX
		if f.Ends[e].Shared {
			x += 6
		}
		for i, o := range from {
			at := ports(f.Roles[r], slices.Index(ofRole[r], o), len(ofRole[r]))
			draw(flowRX+flowRW, at, x, ports(f.Ends[e], i, len(from)), out[pair{o, e}], o, r, e)
		}
	}
}
