package attribute

import (
	"bytes"
	"flag"
	"fmt"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"
)

var newIPRanges = flag.String("ip-ranges", "", "renew ipranges.txt from this copy of AWS's ip-ranges.json")

func TestBuiltinIPRanges(t *testing.T) {
	if *newIPRanges != "" {
		renewIPRanges(t, *newIPRanges)
	}
	list := BuiltinIPRanges()
	if list.Created.IsZero() || list.Created.Before(time.Date(2026, 8, 1, 0, 0, 0, 0, time.UTC)) {
		t.Errorf("the list is of %v", list.Created)
	}
	for _, addr := range []string{
		"3.5.140.1",          // S3 in ap-northeast-2
		"18.232.1.1",         // EC2 in us-east-1
		"34.240.0.1",         // EC2 in eu-west-1
		"52.94.76.1",         // AWS in us-west-2
		"52.95.110.1",        // AWS
		"54.239.28.85",       // amazon.com's old home
		"2600:1f18:1234::1",  // EC2 in us-east-1
		"2a05:d018:1234::1",  // EC2 in eu-west-1
		"::ffff:54.160.0.1",  // IPv4 in IPv6
		"205.251.192.1",      // Route 53
		"216.244.0.1",        // near the end
		"2804:800::1",        // the end
		"1.178.1.0",          // the first
		"2001:3fc0:800::1",   // the first of IPv6
		"43.193.67.255",      // the last of a range
		"64.252.191.255",     // joined from two prefixes
		"2606:f40:ffff::1",   // a /45
		"2620:107:4000:a::1", // a /64
	} {
		if !list.Contains(netip.MustParseAddr(addr)) {
			t.Errorf("%s is not one of AWS's", addr)
		}
	}
	for _, addr := range []string{
		"8.8.8.8", "1.1.1.1", "140.82.121.4" /* GitHub */, "20.42.0.1" /* Azure */, "34.64.0.1" /* Google */, "203.0.113.7",
		"198.51.100.7", "192.0.2.7", "10.0.0.1", "127.0.0.1", "0.0.0.0", "255.255.255.255", "1.178.0.255", "216.244.64.0",
		"43.193.68.0", "2001:db8::1", "2606:4700::1111", "::1", "::", "fe80::1", "ffff::",
	} {
		if list.Contains(netip.MustParseAddr(addr)) {
			t.Errorf("%s is one of AWS's", addr)
		}
	}
	if list.Contains(netip.Addr{}) {
		t.Error("the zero address is one of AWS's")
	}
}

// renewIPRanges writes ipranges.txt.
func renewIPRanges(t *testing.T, path string) {
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	list, err := ReadIPRanges(file)
	if err != nil {
		t.Fatal(err)
	}
	if list.Created.IsZero() {
		t.Fatalf("%s does not say when it was made", path)
	}
	var out bytes.Buffer
	fmt.Fprintf(&out, `# The public address ranges of AWS, all services, touching prefixes joined.
# created %s
# From https://ip-ranges.amazonaws.com/ip-ranges.json of that day.
# To renew it from a fresh file:
#   go test ./internal/attribute -run TestBuiltinIPRanges -ip-ranges FILE
`, list.Created.Format(time.DateOnly))
	for _, r := range list.ranges {
		for _, p := range prefixesOf(r) {
			fmt.Fprintln(&out, p)
		}
	}
	if err := os.WriteFile("ipranges.txt", out.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	again, err := ReadIPRanges(bytes.NewReader(out.Bytes()))
	if err != nil || fmt.Sprint(again.ranges) != fmt.Sprint(list.ranges) {
		t.Fatalf("what was written reads as something else: %v", err)
	}
	t.Skip("ipranges.txt is new: run the test again without -ip-ranges")
}

// prefixesOf gives the fewest prefixes that make up a range.
func prefixesOf(r addrRange) (out []netip.Prefix) {
	for at := r.first; ; {
		bits := at.BitLen()
		for bits > 0 {
			wider := netip.PrefixFrom(at, bits-1)
			if wider.Masked().Addr() != at || r.last.Less(lastAddr(wider)) {
				break
			}
			bits--
		}
		p := netip.PrefixFrom(at, bits)
		out = append(out, p)
		last := lastAddr(p)
		if last == r.last {
			return out
		}
		at = last.Next()
	}
}

func TestReadIPRanges(t *testing.T) {
	list, err := ReadIPRanges(strings.NewReader(`
{
  "syncToken": "1627314253",
  "createDate": "2021-07-26-15-44-13",
  "prefixes": [
    {"ip_prefix": "3.5.140.0/22", "region": "ap-northeast-2", "service": "AMAZON", "network_border_group": "ap-northeast-2"},
    {"ip_prefix": "3.5.144.0/23", "service": "AMAZON"},
    {"ip_prefix": "3.5.140.0/22", "service": "S3"},
    {"ip_prefix": "3.5.141.0/24", "service": "EC2"},
    {"ip_prefix": "0.0.0.0/32"}, {"ip_prefix": "255.255.255.0/24"}
  ],
  "ipv6_prefixes": [{"ipv6_prefix": "::/128"}, {"ipv6_prefix": "2600:1f18::/33", "service": "EC2"}, {"ipv6_prefix": "ffff::/16"}],
  "something": "new"
}`))
	if err != nil {
		t.Fatal(err)
	}
	if want := time.Date(2021, 7, 26, 15, 44, 13, 0, time.UTC); !list.Created.Equal(want) {
		t.Errorf("made at %v, want %v", list.Created, want)
	}
	if len(list.ranges) != 6 {
		t.Errorf("%d ranges, want 6: %v", len(list.ranges), list.ranges)
	}
	for addr, want := range map[string]bool{
		"3.5.139.255": false, "3.5.140.0": true, "3.5.143.255": true, "3.5.144.0": true, "3.5.145.255": true, "3.5.146.0": false,
		"0.0.0.0": true, "0.0.0.1": false, "255.255.255.255": true, "::": true, "::1": false,
		"2600:1f18:7fff:ffff:ffff:ffff:ffff:ffff": true, "2600:1f18:8000::": false, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff": true,
	} {
		if got := list.Contains(netip.MustParseAddr(addr)); got != want {
			t.Errorf("Contains(%s) is %v", addr, got)
		}
	}

	text, err := ReadIPRanges(strings.NewReader("# created 2026-08-24\n\n3.5.140.1/22 # S3\n2600:1f18::/33\n"))
	if err != nil {
		t.Fatal(err)
	}
	if text.Created.Format(time.DateOnly) != "2026-08-24" || !text.Contains(netip.MustParseAddr("3.5.143.1")) {
		t.Errorf("the text reads as %+v", text)
	}
}

func TestReadIPRangesErrors(t *testing.T) {
	for _, test := range []struct{ name, input, want string }{
		{"empty", "", "list of address ranges: it is empty; get https://ip-ranges.amazonaws.com/ip-ranges.json"},
		{"blank", " \n\t", "list of address ranges: it is empty; get https://ip-ranges.amazonaws.com/ip-ranges.json"},
		{"no prefix", `{"prefixes": []}`, "list of address ranges: no prefix in it; get https://ip-ranges.amazonaws.com/ip-ranges.json"},
		{"only comments", "# created 2026-08-24\n", "list of address ranges: no prefix in it; get https://ip-ranges.amazonaws.com/ip-ranges.json"},
		{"cut", `{"prefixes": [`, "list of address ranges: not in the form of AWS's ip-ranges.json: unexpected EOF"},
		{"another prefix", `{"prefixes": [{"ip_prefix": "3.5.140.0"}]}`, `list of address ranges: "3.5.140.0" is no prefix such as 3.5.140.0/22`},
		{"another IPv6 prefix", `{"prefixes": [], "ipv6_prefixes": [{"ipv6_prefix": "2600::/129"}]}`, `list of address ranges: "2600::/129" is no prefix such as 3.5.140.0/22`},
		{"a page", "<html>", `list of address ranges: line 1: "<html>" is no prefix such as 3.5.140.0/22`},
		{"a later line", "3.5.140.0/22\n\nx\n", `list of address ranges: line 3: "x" is no prefix such as 3.5.140.0/22`},
	} {
		t.Run(test.name, func(t *testing.T) {
			list, err := ReadIPRanges(strings.NewReader(test.input))
			if err == nil || err.Error() != test.want {
				t.Errorf("got %v, %v\nwant %s", list, err, test.want)
			}
		})
	}
}

func FuzzReadIPRanges(f *testing.F) {
	f.Add([]byte(`{"createDate": "2021-07-26-15-44-13", "prefixes": [{"ip_prefix": "3.5.140.0/22"}], "ipv6_prefixes": [{"ipv6_prefix": "2600:1f18::/33"}]}`))
	f.Add([]byte("# created 2026-08-24\n3.5.140.0/22\n3.5.144.0/22\n::/0\n0.0.0.0/0\n"))
	f.Fuzz(func(t *testing.T, input []byte) {
		list, err := ReadIPRanges(bytes.NewReader(input))
		if err != nil {
			return
		}
		for i, r := range list.ranges {
			if r.last.Less(r.first) || !list.Contains(r.first) || !list.Contains(r.last) {
				t.Errorf("the range %v is broken", r)
			}
			if before := r.first.Prev(); before.IsValid() && list.Contains(before) {
				t.Errorf("%v stands before the range %v and yet is in the list", before, r)
			}
			if i > 0 && !list.ranges[i-1].last.Less(r.first) {
				t.Errorf("the ranges %v and %v overlap", list.ranges[i-1], r)
			}
		}
	})
}

func TestPublicAddr(t *testing.T) {
	for _, s := range []string{
		"8.8.8.8", "54.160.0.1", "2600:1f18::1", "2001:4860:4860::8888",
		// the ranges for documentation stand for public addresses
		"192.0.2.1", "198.51.100.255", "203.0.113.0", "2001:db8::1",
		"::ffff:8.8.8.8", "100.63.255.255", "100.128.0.0", "198.17.255.255", "198.20.0.0", "192.0.1.0", "172.15.0.1", "172.32.0.1", "223.255.255.255",
	} {
		if a, ok := PublicAddr(s); !ok || a.Is4In6() {
			t.Errorf("PublicAddr(%q) is %v, %v", s, a, ok)
		}
	}
	for _, s := range []string{
		"", "AWS Internal", "AWS Internal/3", "ec2.amazonaws.com", "cloudtrail.amazonaws.com", "console.amazonaws.com", "-", "...",
		"255.18.064.253", "8.8.8", "8.8.8.8.8", "8.8.8.8:443", "[2600:1f18::1]", "8.8.8.8/32", " 8.8.8.8", "256.1.1.1", "2600:1f18::1%eth0",
		"10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.1.1", // private
		"100.64.0.0", "100.127.255.255", // shared
		"127.0.0.1", "169.254.169.254", "169.254.170.2", "0.0.0.0", "0.1.2.3", "224.0.0.1", "240.0.0.1", "255.255.255.255",
		"192.0.0.170", "198.18.0.1", "198.19.255.255",
		"::", "::1", "fe80::1", "fc00::1", "fd12::1", "ff02::1", "64:ff9b::808:808", "100::1", "::ffff:10.0.0.1",
	} {
		if a, ok := PublicAddr(s); ok || a.IsValid() {
			t.Errorf("PublicAddr(%q) is %v, %v", s, a, ok)
		}
	}
}

func TestNetwork(t *testing.T) {
	for addr, want := range map[string]string{
		"54.160.7.9":          "54.160.7.0/24",
		"::ffff:54.160.7.9":   "54.160.7.0/24",
		"2600:1f18:12:34::56": "2600:1f18:12::/48",
	} {
		if got := Network(netip.MustParseAddr(addr)); got.String() != want {
			t.Errorf("Network(%s) is %v, want %s", addr, got, want)
		}
	}
	if got := Network(netip.Addr{}); got.IsValid() {
		t.Errorf("the zero address is in the network %v", got)
	}
}

func FuzzPublicAddr(f *testing.F) {
	for _, s := range []string{"8.8.8.8", "2600:1f18::1", "AWS Internal", "::ffff:8.8.8.8", "fe80::1%a"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		a, ok := PublicAddr(s)
		if ok != a.IsValid() || ok && (a.IsPrivate() || a.IsLoopback() || a.Is4In6() || a.Zone() != "") {
			t.Errorf("PublicAddr(%q) is %v, %v", s, a, ok)
		}
		if n := Network(a); ok && !n.Contains(a) {
			t.Errorf("%v is not in its network %v", a, n)
		}
	})
}

func BenchmarkContains(b *testing.B) {
	list := BuiltinIPRanges()
	addrs := []netip.Addr{
		netip.MustParseAddr("54.160.7.9"), netip.MustParseAddr("8.8.8.8"), netip.MustParseAddr("2600:1f18::1"), netip.MustParseAddr("203.0.113.7"),
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		list.Contains(addrs[i%len(addrs)])
	}
}

func BenchmarkBuiltinIPRanges(b *testing.B) {
	for b.Loop() {
		BuiltinIPRanges()
	}
}
