package attribute

import (
	"bufio"
	"bytes"
	_ "embed" // the list that is built in
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"sort"
	"strings"
	"time"
)

// maxIPRanges bounds how much of a list is read. AWS's own file has 2 MB.
const maxIPRanges = 64 << 20

//go:embed ipranges.txt
var builtinIPRanges []byte

// IPRanges is a list of the public address ranges of AWS. It is read-only and
// safe for concurrent use.
type IPRanges struct {
	Created time.Time // when AWS made the list; zero where the list does not say
	ranges  []addrRange
}

// addrRange holds the addresses from first to last, both included.
type addrRange struct{ first, last netip.Addr }

// BuiltinIPRanges gives the list that is built in, with its date. It is parsed
// anew by each call: keep it.
func BuiltinIPRanges() *IPRanges {
	r, err := ReadIPRanges(bytes.NewReader(builtinIPRanges))
	if err != nil {
		panic("attribute: the list of address ranges that is built in: " + err.Error()) // a test reads it
	}
	return r
}

// ReadIPRanges reads a list of address ranges: AWS's own file
// (https://ip-ranges.amazonaws.com/ip-ranges.json, described in
// https://docs.aws.amazon.com/vpc/latest/userguide/aws-ip-ranges.html), of which
// all services count, or a text with one prefix a line, # before comments and an
// optional line "# created 2006-01-02".
func ReadIPRanges(r io.Reader) (*IPRanges, error) {
	in := bufio.NewReader(io.LimitReader(r, maxIPRanges))
	for {
		c, err := in.ReadByte()
		if err == io.EOF {
			return nil, errors.New("list of address ranges: it is empty; get https://ip-ranges.amazonaws.com/ip-ranges.json")
		}
		if err != nil {
			return nil, fmt.Errorf("list of address ranges: %w", err)
		}
		if strings.IndexByte(" \t\r\n", c) >= 0 {
			continue
		}
		if err := in.UnreadByte(); err != nil {
			return nil, fmt.Errorf("list of address ranges: %w", err)
		}
		if c == '{' {
			return readIPRangesJSON(in)
		}
		return readIPRangesText(in)
	}
}

func readIPRangesJSON(r io.Reader) (*IPRanges, error) {
	var file struct {
		CreateDate string `json:"createDate"`
		Prefixes   []struct {
			Prefix string `json:"ip_prefix"`
		} `json:"prefixes"`
		IPv6Prefixes []struct {
			Prefix string `json:"ipv6_prefix"`
		} `json:"ipv6_prefixes"`
	}
	if err := json.NewDecoder(r).Decode(&file); err != nil {
		return nil, fmt.Errorf("list of address ranges: not in the form of AWS's ip-ranges.json: %w", err)
	}
	var list IPRanges
	list.Created, _ = time.Parse("2006-01-02-15-04-05", file.CreateDate)
	for _, p := range file.Prefixes {
		if err := list.add(p.Prefix); err != nil {
			return nil, fmt.Errorf("list of address ranges: %w", err)
		}
	}
	for _, p := range file.IPv6Prefixes {
		if err := list.add(p.Prefix); err != nil {
			return nil, fmt.Errorf("list of address ranges: %w", err)
		}
	}
	return list.done()
}

func readIPRangesText(r io.Reader) (*IPRanges, error) {
	var list IPRanges
	lines := bufio.NewScanner(r)
	for n := 1; lines.Scan(); n++ {
		text, comment, _ := strings.Cut(lines.Text(), "#")
		if date, ok := strings.CutPrefix(strings.TrimSpace(comment), "created "); ok && list.Created.IsZero() {
			list.Created, _ = time.Parse(time.DateOnly, strings.TrimSpace(date))
		}
		if text = strings.TrimSpace(text); text == "" {
			continue
		}
		if err := list.add(text); err != nil {
			return nil, fmt.Errorf("list of address ranges: line %d: %w", n, err)
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("list of address ranges: %w", err)
	}
	return list.done()
}

func (l *IPRanges) add(prefix string) error {
	p, err := netip.ParsePrefix(prefix)
	if err != nil {
		return fmt.Errorf("%q is no prefix such as 3.5.140.0/22", prefix)
	}
	p = p.Masked()
	l.ranges = append(l.ranges, addrRange{first: p.Addr(), last: lastAddr(p)})
	return nil
}

// lastAddr gives the last address of a prefix.
func lastAddr(p netip.Prefix) netip.Addr {
	b := p.Addr().AsSlice()
	for bit := p.Bits(); bit < len(b)*8; bit++ {
		b[bit/8] |= 0x80 >> (bit % 8)
	}
	last, _ := netip.AddrFromSlice(b)
	return last
}

// done sorts the ranges and joins those that touch.
func (l *IPRanges) done() (*IPRanges, error) {
	if len(l.ranges) == 0 {
		return nil, errors.New("list of address ranges: no prefix in it; get https://ip-ranges.amazonaws.com/ip-ranges.json")
	}
	slices.SortFunc(l.ranges, func(a, b addrRange) int {
		if c := a.first.Compare(b.first); c != 0 {
			return c
		}
		return a.last.Compare(b.last)
	})
	joined := l.ranges[:1]
	for _, r := range l.ranges[1:] {
		before := &joined[len(joined)-1]
		if before.first.BitLen() == r.first.BitLen() && (r.first.Compare(before.last) <= 0 || r.first == before.last.Next()) {
			if before.last.Less(r.last) {
				before.last = r.last
			}
			continue
		}
		joined = append(joined, r)
	}
	l.ranges = slices.Clip(joined)
	return l, nil
}

// Contains reports whether an address is one of AWS's, as far as the list goes.
func (l *IPRanges) Contains(a netip.Addr) bool {
	a = a.Unmap()
	i := sort.Search(len(l.ranges), func(i int) bool { return a.Less(l.ranges[i].first) })
	return i > 0 && a.BitLen() == l.ranges[i-1].first.BitLen() && !l.ranges[i-1].last.Less(a)
}

// PublicAddr parses a sourceIPAddress. It reports false for what says nothing
// about a place: a service's name, AWS Internal, an address that does not parse,
// and addresses that are not on the public internet (private, shared, loopback,
// link-local, benchmarking, multicast, reserved). The documentation ranges
// (192.0.2.0/24, 198.51.100.0/24, 203.0.113.0/24, 2001:db8::/32) count as
// public: no host has them, but pseudonymised logs put them in the place of
// public ones.
//
// https://www.iana.org/assignments/iana-ipv4-special-registry and
// https://www.iana.org/assignments/iana-ipv6-special-registry
func PublicAddr(s string) (netip.Addr, bool) {
	if s == "" || !isHex(s[0]) && s[0] != ':' { // most others are names: spare them the error
		return netip.Addr{}, false
	}
	a, err := netip.ParseAddr(s)
	if err != nil || a.Zone() != "" {
		return netip.Addr{}, false
	}
	a = a.Unmap()
	if a.Is4() {
		b := a.As4()
		switch {
		case b[0] == 0, b[0] >= 224, // this network; multicast and reserved
			b[0] == 100 && b[1]&0xc0 == 64,        // 100.64.0.0/10, shared
			b[0] == 192 && b[1] == 0 && b[2] == 0, // 192.0.0.0/24, protocols
			b[0] == 198 && b[1]&0xfe == 18,        // 198.18.0.0/15, benchmarks
			a.IsPrivate(), a.IsLoopback(), a.IsLinkLocalUnicast():
			return netip.Addr{}, false
		}
		return a, true
	}
	if b := a.As16(); b[0]&0xe0 != 0x20 { // all public addresses are in 2000::/3
		return netip.Addr{}, false
	}
	return a, true
}

// Network gives the network that an address is compared by: its /24, or /48 in
// IPv6, which is what a household or an office has at least.
func Network(a netip.Addr) netip.Prefix {
	a = a.Unmap()
	bits := 24
	if a.Is6() {
		bits = 48
	}
	p, err := a.Prefix(bits)
	if err != nil { // the zero address, or one with a zone
		return netip.Prefix{}
	}
	return p
}
