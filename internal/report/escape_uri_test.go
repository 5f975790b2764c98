package report

import (
	"net/url"
	"strings"
	"testing"
)

func TestEscapeURISegment(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"CrossAccountReader", "CrossAccountReader"},
		{"a+b=c,d.e@f-g_h", "a+b=c,d.e@f-g_h"},
		{"aws:ec2-instance", "aws:ec2-instance"},
		{"a/b", "a%2Fb"},
		{"a b?c#d%e\\f", "a%20b%3Fc%23d%25e%5Cf"},
		{"é\xff", "%C3%A9%FF"},
		{"", "_"},
		{".", "_."},
		{"..", "_.."},
		{"...", "_..."},
		{"..x", "..x"},
	} {
		if got := escapeURISegment(c.in); got != c.want {
			t.Errorf("%q gives %q, want %q", c.in, got, c.want)
		}
	}
}

func FuzzEscapeURISegment(f *testing.F) {
	for _, s := range hostile {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		path := "aws/" + escapeURISegment(s) + "/role/x"
		base := &url.URL{Scheme: "file", Path: "/repo/"}
		ref, err := url.Parse(path)
		if err != nil {
			t.Fatalf("%q gives %q: %v", s, path, err)
		}
		resolved := base.ResolveReference(ref)
		if !strings.HasPrefix(resolved.String(), "file:///repo/aws/") || strings.Count(resolved.EscapedPath(), "/") != 5 {
			t.Errorf("%q leads to %s", s, resolved)
		}
		if ref.RawQuery != "" || ref.Fragment != "" || ref.Host != "" {
			t.Errorf("%q gives %q, which is more than a path", s, path)
		}
	})
}
