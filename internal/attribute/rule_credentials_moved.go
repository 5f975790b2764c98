package attribute

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
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
				if s.bundle {
					continue
				}
				if d, e, ok := j.offAWS(n, s); ok {
					return sighting{detail: d, evidence: e}, true
				}
				if d, e, ok := j.twoPlaces(n, j.places(s)); ok {
					return sighting{detail: d, evidence: e}, true
				}
			}
			return sighting{}, false
		}),
	}
}

// place is a network, and a client there, from which a credential was used.
type place struct {
	placeKey
	addr        netip.Addr // of the first call
	first, last int64
	call        eventRef // the first
}

type placeKey struct {
	network netip.Prefix
	client  string
}

func (p place) key() placeKey { return p.placeKey }

// holders calls fn for each client whose address says something: public, no
// service's, and the holder's own (not of a presigned URL's user, not of the
// console).
func (j *judge) holders(s *session, fn func(netip.Addr, *client)) {
	for u := range s.uses() {
		if u.console {
			continue
		}
		clients := u.awake(&j.room).clients.list
		for i := range clients {
			c := &clients[i]
			if c.service || c.presigned {
				continue
			}
			if addr, ok := PublicAddr(j.text[c.ip]); ok {
				fn(addr, c)
			}
		}
	}
}

// places are the networks and clients of a session's holders, the first used first.
func (j *judge) places(s *session) []place {
	var found keyed[placeKey, place]
	j.holders(s, func(addr netip.Addr, c *client) {
		k := placeKey{Network(addr), ParseUserAgent(j.text[c.agent]).Client()}
		p := found.find(k)
		if p == nil {
			found.add(place{k, addr, c.first.time, c.last, c.first})
			return
		}
		p.last = max(p.last, c.last)
		if r := j.compareRef(c.first, p.call); r < 0 || r == 0 && addr.Less(p.addr) {
			p.addr, p.call, p.first = addr, c.first, c.first.time
		}
	})
	slices.SortFunc(found.list, func(a, b place) int {
		return cmp.Or(j.compareRef(a.call, b.call), a.addr.Compare(b.addr), cmp.Compare(a.client, b.client))
	})
	return found.list
}

// offAWS looks for a credential that AWS vended to something of its own and
// that was used from outside AWS.
func (j *judge) offAWS(n *nameView, s *session) (string, []Evidence, bool) {
	if s.confidence < Recorded || s.through != nil || !j.serviceChose(s) {
		return "", nil, false
	}
	switch s.origin.kind {
	case KindEC2, KindECS, KindLambda:
	default:
		return "", nil, false
	}
	var out netip.Addr // the first
	var call eventRef
	j.holders(s, func(addr netip.Addr, c *client) {
		if j.ranges.Contains(addr) {
			return
		}
		if r := j.compareRef(c.first, call); !out.IsValid() || r < 0 || r == 0 && addr.Less(out) {
			out, call = addr, c.first
		}
	})
	if !out.IsValid() {
		return "", nil, false
	}
	return fmt.Sprintf("%s, a credential of %s, was used from %s, outside AWS", quoted(n.ref().Session), s.origin.id(), out),
		[]Evidence{{Type: "call", EventID: j.eventText(call), Detail: "from " + out.String()}}, true
}

// twoPlaces looks for one access key on two networks at the same time, each
// with a client that the other does not have. A person who changes network
// takes the client along; a host behind several addresses has its clients on
// all of them, and may prefer IPv6 for one of them.
func (j *judge) twoPlaces(n *nameView, all []place) (string, []Evidence, bool) {
	clients, networks := map[string]int{}, map[netip.Prefix]int{}
	client, network := make([]int, len(all)), make([]int, len(all))
	for i, p := range all {
		client[i], network[i] = numberOf(clients, p.client), numberOf(networks, p.network)
	}
	on := make([]bool, len(clients)*len(networks)) // which client is on which network
	spot := func(client, network int) int { return client*len(networks) + network }
	for i := range all {
		on[spot(client[i], network[i])] = true
	}
	for k, b := range all {
		for i, a := range all[:k] {
			if network[i] == network[k] || client[i] == client[k] || on[spot(client[k], network[i])] || on[spot(client[i], network[k])] {
				continue
			}
			if a.addr.Is4() != b.addr.Is4() || b.first > a.last || a.first > b.last {
				continue
			}
			return fmt.Sprintf("%s: one credential was used from %s with %s and from %s with %s at the same time", quoted(n.ref().Session), a.addr, a.client, b.addr, b.client),
				[]Evidence{
					{Type: "call", EventID: j.eventText(a.call), Detail: "from " + a.addr.String()},
					{Type: "call", EventID: j.eventText(b.call), Detail: "from " + b.addr.String()},
				}, true
		}
	}
	return "", nil, false
}

// numberOf gives a value its number, a new one the next.
func numberOf[K comparable](numbers map[K]int, k K) int {
	n, ok := numbers[k]
	if !ok {
		n = len(numbers)
		numbers[k] = n
	}
	return n
}
