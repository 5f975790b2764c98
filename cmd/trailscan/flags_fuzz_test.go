package main

import (
	"strings"
	"testing"
)

// FuzzFlagValues: what a flag takes is what the rest of the program counts on,
// and what it refuses it says in one line.
func FuzzFlagValues(f *testing.F) {
	for _, s := range []string{
		"512MiB", "2G", "9223372036854775807", "8388608TiB", "0", "15m,1h", "1h", ",", "-5m,2h", "99999999w", "s3://logs/AWSLogs/", "S3://", "logs/AWSLogs",
		"111122223333", "1111-2222-3333", "eu-west-1", "us-gov-east-1,us-gov-west-1", "all", "arn:aws:s3:us-east-1:111122223333:accesspoint/logs", "*", "[", "1,10", "32",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		refused := func(err error) bool {
			if err != nil && (err.Error() == "" || strings.ContainsAny(oneLine(err.Error()), "\n\r\x1b")) {
				t.Errorf("%q: %q", s, err)
			}
			return err != nil
		}
		if n, err := parseSize(s); !refused(err) && n <= 0 {
			t.Errorf("%q: a size of %d", s, n)
		}
		if n, err := parseMemory(s); !refused(err) && n < 32<<20 {
			t.Errorf("%q: %d bytes of memory", s, n)
		}
		if n, err := parseCount(s); !refused(err) && n < 1 {
			t.Errorf("%q: a count of %d", s, n)
		}
		if n, err := parseTop(s); !refused(err) && n == 0 {
			t.Errorf("%q: no rows", s)
		}
		if m, err := parseMargin(s); !refused(err) && (m.before < 0 || m.after < 0) {
			t.Errorf("%q: margins of %v", s, m)
		}
		if rest, ok := cutScheme(s); ok {
			if l, err := parseLocation(rest); !refused(err) && (l.bucket == "" || strings.Contains(l.bucket, "\n")) {
				t.Errorf("%q: the bucket %q", s, l.bucket)
			}
		}
		for _, l := range []list{{check: checkAccount}, {check: checkRegion}} {
			if !refused(l.Set(s)) && (len(l.values) == 0 || strings.Contains(strings.Join(l.values, ""), ",")) {
				t.Errorf("%q: the list %q", s, l.values)
			}
		}
		if _, err := parseGlob(s); refused(err) && s == "*" {
			t.Error("* is no glob")
		}
	})
}
