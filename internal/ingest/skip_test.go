package ingest

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// skipBoth skips the nested value at the start of b by words and by blocks, which
// have to come to the same.
func skipBoth(t *testing.T, b []byte, maxDepth int) {
	t.Helper()
	type outcome struct {
		end   int
		deep  bool
		fault scanFault
		at    int
	}
	var got [2]outcome
	for i, wide := range []bool{false, true} {
		s := scanner{b: b, maxDepth: maxDepth, wide: wide}
		end := s.skipNested(0, 1)
		got[i] = outcome{end, s.deep, s.fault, s.at}
	}
	if got[0] != got[1] {
		t.Fatalf("by words %+v, by blocks %+v, with maxDepth %d, of %q", got[0], got[1], maxDepth, b)
	}
}

func needWideSkips(t testing.TB) {
	if !wideSkips() {
		t.Skip("this processor cannot skip by blocks")
	}
}

func TestSkipBlocks(t *testing.T) {
	needWideSkips(t)
	pad := func(n int) string { return strings.Repeat("x", n) }
	for _, body := range []string{
		`{}`, `[]`, `{"a":{"b":[1,2,{"c":null}]}}`, `{"a":"}"}`, `{"a":"\""}`, `{"a":"\\"}`, `{"a":"\\\"}"}`,
		`{"\\":"\\\\","b":{}}`, `{"a":"{[{["}`, `{"é":"}"}`, `{\}}`, `[\"]]`, `{"a":"` + pad(200) + `}"}`,
	} {
		for before := range 130 {
			for _, tail := range []int{0, 1, 63, 64, 65, 200} {
				b := []byte(`{"` + pad(before) + `":` + body + `}` + strings.Repeat(`,"n":{}`, tail))
				skipBoth(t, b, 100)
				skipBoth(t, b[:len(b)-tail/2], 3)
			}
		}
	}
}

// TestSkipBlocksRandom makes values of the few bytes that matter, whole and cut
// anywhere.
func TestSkipBlocksRandom(t *testing.T) {
	needWideSkips(t)
	rnd := rand.New(rand.NewPCG(1, 2))
	for _, alphabet := range []string{`{}[]"\x`, `{}"\\\\x`, `{{{}}}"x`, `xxxxxxxxxxxxxxxxxxxxxxx"{}\`, "\x80\xdb\xfb{}[]\"\\"} {
		for range 20_000 {
			b := make([]byte, 1+rnd.IntN(400))
			for i := range b {
				b[i] = alphabet[rnd.IntN(len(alphabet))]
			}
			b[0] = '{'
			skipBoth(t, b, 1+rnd.IntN(20))
		}
	}
}

func FuzzSkipBlocks(f *testing.F) {
	needWideSkips(f)
	f.Add([]byte(`{"a":"\\\"","b":[{},{"c":"}"}],"d":"`+strings.Repeat("0123456789", 20)+`"}`), uint8(3))
	f.Fuzz(func(t *testing.T, b []byte, maxDepth uint8) {
		skipBoth(t, append([]byte{'{'}, b...), int(maxDepth))
	})
}

// BenchmarkSkip skips an object of many strings by words and by blocks.
func BenchmarkSkip(b *testing.B) {
	for _, size := range []int{1, 4, 16, 256} {
		value := []byte(`{` + strings.Repeat(`"roleArn":"arn:aws:iam::123456789012:role/app","n":[1,{"durationSeconds":3600}],`, size) + `"z":0}` + strings.Repeat(" ", 64))
		for _, wide := range []bool{false, true} {
			if wide && !wideSkips() {
				continue
			}
			b.Run(fmt.Sprintf("bytes=%d/wide=%t", len(value)-64, wide), func(b *testing.B) {
				s := scanner{b: value, maxDepth: 100, wide: wide}
				b.SetBytes(int64(len(value) - 64))
				for b.Loop() {
					if s.skipNested(0, 1) != len(value)-64 {
						b.Fatal("not skipped")
					}
				}
			})
		}
	}
}
