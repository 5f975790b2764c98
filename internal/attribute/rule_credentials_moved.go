package attribute

import (
	"fmt"
	"net/netip"
)

func credentialsMoved() Rule {
	return Rule{
		ID: "credentials-moved", Severity: High,
		Title: "A credential was used where its holder cannot be",
		When:  "an instance's, task's or function's credential was used from outside AWS, or one credential was used from two networks by different clients at the same time",
		Why:   "A role session belongs to one host or function. Seen in two places at once, or off AWS, it was copied: by somebody who debugs with it, or by somebody who stole it.",
		Fix:   "Find out who copied the credential. Revoke the role's older sessions (aws:TokenIssueTime), require IMDSv2, and bind the role to its network with aws:SourceVpc or aws:EC2InstanceSourceVPC.",
		check: each(func(j *judge, n *nameView) (sighting, bool) {
			for _, s := range n.sessions {
				if len(s.several) > 0 {
					continue
				}
				if d, e, ok := j.offAWS(n, s); ok {
					return sighting{detail: d, evidence: e}, true
				}
				if d, e, ok := j.twoPlaces(n, s); ok {
					return sighting{detail: d, evidence: e}, true
				}
			}
			return sighting{}, false
		}),
	}
}

// place is where and with what one client used a credential.
type place struct {
	network netip.Prefix
	addr    netip.Addr
	client  string
	client0 client
}

// places are the addresses that say something: public, no service's, and the
// holder's own (not of a presigned URL's user, not of the console).
func (j *judge) places(s *session) []place {
	var out []place
	for _, u := range s.uses {
		if u.console > 0 {
			continue
		}
		for _, c := range u.clients.list {
			if c.service || c.presigned {
				continue
			}
			addr, ok := PublicAddr(j.text[c.ip])
			if !ok {
				continue
			}
			out = append(out, place{Network(addr), addr, ParseUserAgent(j.text[c.agent]).Client(), c})
		}
	}
	return out
}

// offAWS looks for a credential that AWS vended to something of its own and
// that was used from outside AWS.
func (j *judge) offAWS(n *nameView, s *session) (string, []Evidence, bool) {
	res := s.resolution
	if res.confidence < Recorded || len(res.through) > 0 || !j.serviceChose(s) {
		return "", nil, false
	}
	switch res.origin.kind {
	case KindEC2, KindECS, KindLambda:
	default:
		return "", nil, false
	}
	for _, p := range j.places(s) {
		if !j.ranges.Contains(p.addr) {
			return fmt.Sprintf("%s, a credential of %s, was used from %s, outside AWS", quoted(n.ref.Session), res.origin.id(), p.addr),
				[]Evidence{{Type: "call", EventID: j.eventText(p.client0.first), Detail: "from " + p.addr.String()}}, true
		}
	}
	return "", nil, false
}

// twoPlaces looks for one access key on two networks at the same time, each
// with a client that the other does not have. A person who changes network
// takes the client along; a host behind several addresses has its clients on
// all of them.
func (j *judge) twoPlaces(n *nameView, s *session) (string, []Evidence, bool) {
	all := j.places(s)
	on := map[string]map[netip.Prefix]bool{}
	for _, p := range all {
		if on[p.client] == nil {
			on[p.client] = map[netip.Prefix]bool{}
		}
		on[p.client][p.network] = true
	}
	for i, p := range all {
		for _, q := range all[:i] {
			if p.network == q.network || p.client == q.client || on[p.client][q.network] || on[q.client][p.network] {
				continue
			}
			if p.client0.first.time > q.client0.last || q.client0.first.time > p.client0.last {
				continue
			}
			a, b := q, p
			if j.earlier(b.client0.first, a.client0.first) {
				a, b = b, a
			}
			return fmt.Sprintf("%s: one credential was used from %s with %s and from %s with %s at the same time", quoted(n.ref.Session), a.addr, a.client, b.addr, b.client),
				[]Evidence{
					{Type: "call", EventID: j.eventText(a.client0.first), Detail: "from " + a.addr.String()},
					{Type: "call", EventID: j.eventText(b.client0.first), Detail: "from " + b.addr.String()},
				}, true
		}
	}
	return "", nil, false
}
