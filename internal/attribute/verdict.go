package attribute

import (
	"fmt"
	"slices"
	"strings"
)

// verdict is what is kept of a session's resolution, for each of them: what they
// share is there once. What evidence there is, tell finds again.
type verdict struct {
	origin     *origin
	through    *route // the roles on the way
	issuance   *issuance
	up         *session // whose chain comes before the last link, nil at the root
	instance   sym      // or instanceIsName; see instance
	parent     openerID
	link       linkKind // the last link of its chain
	confidence Confidence
}

// linkKind says by what the last link of a chain came about.
type linkKind uint8

const (
	linkNone     linkKind = iota // there is no chain
	linkIssued                   // its assume event
	linkSwitched                 // a role switch of the console
)

// settle concludes where a session came from, and keeps it.
func (r *resolver) settle(s *session, j *join, circle bool) {
	if !circle {
		r.keep(s, r.conclude(s, j, false))
		return
	}
	// Later, when all of the circle is known, it would be told in another way.
	r.telling++
	res := r.conclude(s, j, true)
	r.telling--
	r.told[s] = res
	r.keep(s, res)
}

func (r *resolver) keep(s *session, res *resolution) {
	s.verdict = verdict{
		origin: r.originOf(res.origin), through: res.through, issuance: res.issuance, up: res.up,
		parent: r.openerOf(res.parent), link: res.link, confidence: res.confidence,
	}
	switch {
	case res.instance == "":
	case r.named(s.name, res.instance):
		s.instance = instanceIsName
	default:
		s.instance = r.ofString(res.instance)
	}
	s.state = resolved
}

// instanceIsName stands for an instance that is called as the session is, which
// AWS does with most.
const instanceIsName = ^sym(0)

// named reports whether an ARN of a role session has that session name.
func (r *resolver) named(arn sym, session string) bool {
	rest, ok := strings.CutSuffix(r.text[arn], session)
	return ok && strings.HasSuffix(rest, "/")
}

// instance is which copy of the app a session is of, or empty.
func (r *resolver) instance(s *session) string {
	if s.verdict.instance == instanceIsName {
		return refOf(r.text[s.name]).Session
	}
	return r.text[s.verdict.instance]
}

// known is the verdict on a session, which is empty while it is looked for: then
// it stands in a circle.
func (r *resolver) known(s *session) *verdict {
	if s.state != resolved {
		return &verdict{origin: &origin{}}
	}
	return &s.verdict
}

// recall is what was concluded of a session, for one that it led to. Evidence is
// there only while a session is told of.
func (r *resolver) recall(s *session) *resolution {
	v := r.known(s)
	res := &resolution{origin: *v.origin, confidence: v.confidence, through: v.through}
	if s.state == resolved {
		res.instance, res.up = r.instance(s), s
		if r.telling > 0 && r.telling <= maxEvidence {
			res.evidence = r.tell(s).evidence
		}
	}
	return res
}

// tell concludes once more where a session came from, with the evidence. Of the
// sessions before it that takes no more than can be shown: each adds to what it
// takes over.
func (r *resolver) tell(s *session) *resolution {
	if res := r.told[s]; res != nil {
		return res
	}
	r.telling++
	defer func() { r.telling-- }()
	j := r.join(s)
	return r.conclude(s, &j, false)
}

// originOf gives the one that is kept of equal origins.
func (r *resolver) originOf(o origin) *origin {
	known := r.origins[o]
	if known == nil {
		known = &o
		r.origins[o] = known
	}
	return known
}

// route are the roles on the way to a session, as origins of kind role, each once.
type route struct{ list []origin }

// roles are those of the route; nil has none.
func (p *route) roles() []origin {
	if p == nil {
		return nil
	}
	return p.list
}

// routeKey is a route and a role behind it.
type routeKey struct {
	route *route
	role  origin
}

// with is a route with a role behind it, unless it holds that.
func (r *resolver) with(p *route, role origin) *route {
	if slices.Contains(p.roles(), role) {
		return p
	}
	k := routeKey{p, role}
	longer := r.routes[k]
	if longer == nil {
		longer = &route{slices.Concat(p.roles(), []origin{role})}
		if !r.settled {
			r.routes[k] = longer
		}
	}
	return longer
}

// maxChain is how many links of a chain are shown. Of a longer one the middle is
// left out: real chains have a few links, unless a role assumes itself over and
// over to stay alive.
const maxChain = 64

// chain are the links that led to a session, from the root on.
func (r *resolver) chain(s *session) []Link {
	n := 0
	for t := s; t != nil && t.link != linkNone; t = t.up {
		n++
	}
	var out []Link
	for t := s; n > 0; t = t.up {
		if len(out) < maxChain/2 || n <= maxChain/2 {
			out = append(out, r.lastLink(t))
		}
		n--
	}
	slices.Reverse(out)
	return out
}

func (r *resolver) lastLink(s *session) Link {
	if s.link == linkSwitched {
		f, _ := r.begun(s)
		return Link{Principal: r.text[f.value], EventID: r.eventText(f.first), EventTime: r.utc(f.first.time)}
	}
	a := s.issuance.best()
	return Link{Principal: r.principal(a.caller), EventID: r.eventText(a.event), EventTime: r.utc(a.event.time)}
}

// opener is the credential that opened a session, or the instance where a
// service did. Sessions of one opener were opened by one running copy of the
// app. The zero value is for copies that cannot be told apart.
type opener struct {
	form     openerForm
	key, who sym
	created  int64
}

type openerForm uint8

const (
	openedUnknown      openerForm = iota
	openedByCredential            // key, of who, since created
	openedByText                  // who
	openedByName                  // what is called as the session of the ARN who
)

// openedBy is the opener that a text tells of a session, or empty.
func (r *resolver) openedBy(text string, session sym) opener {
	switch {
	case text == "" || r.settled: // settled, it is kept with the session
		return opener{}
	case r.named(session, text):
		return opener{form: openedByName, who: session}
	}
	return opener{form: openedByText, who: r.ofString(text)}
}

// openerID stands for an opener; 0 is the zero value.
type openerID uint32

// Those that are a symbol need no place in resolver.openers.
const (
	openerIsText openerID = 1 << 31
	openerIsName openerID = 3 << 30
)

func (r *resolver) openerOf(o opener) openerID {
	switch o.form {
	case openedUnknown:
		return 0
	case openedByText:
		return openerIsText | openerID(o.who)
	case openedByName:
		return openerIsName | openerID(o.who)
	}
	id, known := r.openers[o]
	if !known {
		r.opened = append(r.opened, o)
		id = openerID(len(r.opened))
		r.openers[o] = id
	}
	return id
}

// openerText names an opener. It is empty where the copies of an app cannot be
// told apart.
func (r *resolver) openerText(id openerID) string {
	switch {
	case id == 0:
		return ""
	case id&openerIsName == openerIsName:
		return refOf(r.text[id&^openerIsName]).Session
	case id&openerIsText != 0:
		return r.text[id&^openerIsText]
	}
	o := r.opened[id-1]
	return fmt.Sprint(r.text[o.key], " ", r.text[o.who], " ", o.created)
}
