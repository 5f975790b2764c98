package ingest

import (
	"bytes"
	"compress/flate"
	"context"
	"encoding/binary"
	"hash/crc32"
	"io"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"
)

// packedAt compresses with a level of the standard library, whose writer makes
// other choices than the one that the other tests use.
func packedAt(t testing.TB, level int, data []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := flate.NewWriter(&b, level)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// gzipMember puts a header before a deflate stream and a trailer behind it.
func gzipMember(deflated, data []byte) []byte {
	b := append([]byte{0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255}, deflated...)
	b = binary.LittleEndian.AppendUint32(b, crc32.ChecksumIEEE(data))
	return binary.LittleEndian.AppendUint32(b, uint32(len(data)))
}

// inflated is what z makes of a gzip object.
func inflated(z *inflater, stored []byte) ([]byte, bool) {
	padded := append(bytes.Clone(stored), bytes.Repeat([]byte{0xa5}, inflateMargin)...)
	return z.gunzip(nil, padded[:len(stored)], maxWhole)
}

func TestInflate(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	noise := make([]byte, 200_000)
	for i := range noise {
		noise[i] = byte(random.Uint32())
	}
	skewed := make([]byte, 300_000) // codes of every length
	for i := range skewed {
		skewed[i] = byte(min(random.ExpFloat64()*8, 255))
	}
	inputs := map[string][]byte{
		"nothing":     {},
		"a byte":      {'x'},
		"one letter":  bytes.Repeat([]byte("a"), 100_000),
		"short cycle": bytes.Repeat([]byte("abcdefg"), 30_000),
		"noise":       noise,
		"skewed":      skewed,
		"far matches": append(append(bytes.Clone(noise[:32_768]), noise[:32_768]...), noise[5:300]...),
		"a trail":     []byte(makeTrail(2000)),
		"mixed":       slicesOf(skewed[:70_000], noise[:70_000], []byte(makeTrail(300))),
	}
	var z inflater
	for name, data := range inputs {
		for _, level := range []int{flate.HuffmanOnly, flate.NoCompression, flate.BestSpeed, 4, flate.DefaultCompression, flate.BestCompression} {
			stored := gzipMember(packedAt(t, level, data), data)
			if got, ok := inflated(&z, stored); !ok || !bytes.Equal(got, data) {
				t.Errorf("%s at level %d: got %d bytes, %v, want %d", name, level, len(got), ok, len(data))
			}
		}
		if got, ok := inflated(&z, []byte(gzipped(string(data)))); !ok || !bytes.Equal(got, data) {
			t.Errorf("%s, gzipped: got %d bytes, %v, want %d", name, len(got), ok, len(data))
		}
	}
}

func slicesOf(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

// TestInflateLeaves holds what is left to the other reader.
func TestInflateLeaves(t *testing.T) {
	data := []byte(makeTrail(20))
	good := gzipMember(packedAt(t, 6, data), data)
	var named, extra bytes.Buffer
	for b, header := range map[*bytes.Buffer]gzip.Header{&named: {Name: "trail.json"}, &extra: {Name: "trail.json", Extra: []byte("xx"), Comment: "c"}} {
		w := gzip.NewWriter(b)
		w.Header = header
		w.Write(data)
		w.Close()
	}
	var z inflater
	for _, tc := range []struct {
		name   string
		stored []byte
		limit  int
		want   bool
	}{
		{"good", good, maxWhole, true},
		{"just small enough", good, len(data), true},
		{"too large", good, len(data) - 1, false},
		{"with a file's name", named.Bytes(), maxWhole, true},
		{"with more in its header", extra.Bytes(), maxWhole, false},
		{"two members", slicesOf(good, good), maxWhole, false},
		{"something behind", slicesOf(good, []byte{0}), maxWhole, false},
		{"no end", good[:len(good)-1], maxWhole, false},
		{"a header alone", good[:10], maxWhole, false},
		{"nothing", nil, maxWhole, false},
		{"another sum", gzipMember(packedAt(t, 6, data), bytes.Repeat([]byte("x"), len(data))), maxWhole, false},
		{"another size", gzipMember(packedAt(t, 6, data), data[1:]), maxWhole, false},
		{"a size that nothing packs to", slicesOf(good[:len(good)-4], []byte{255, 255, 255, 0}), maxWhole, false},
	} {
		padded := append(bytes.Clone(tc.stored), make([]byte, inflateMargin)...)
		got, ok := z.gunzip(nil, padded[:len(tc.stored)], tc.limit)
		if ok != tc.want || ok && !bytes.Equal(got, data) {
			t.Errorf("%s: got %d bytes, %v, want %v", tc.name, len(got), ok, tc.want)
		}
	}
}

// TestInflateBroken holds that an object which is broken anywhere is read as if
// nothing were ever unpacked at once.
func TestInflateBroken(t *testing.T) {
	data := []byte(makeTrail(3))
	stored := gzipMember(packedAt(t, 9, data), data)
	whole, streamed := NewReader(Limits{}), NewReader(Limits{})
	streamed.whole = 0
	read := func(r *Reader, b []byte) (o outcome, s Stats, p []Problem) {
		s, p = r.Read(context.Background(), "object", bytes.NewReader(b), func(e *Event) { o.events = append(o.events, dumpEvent(e)) })
		return o, s, p
	}
	compare := func(how string, at int, b []byte) {
		got, gotStats, gotProblems := read(whole, b)
		want, wantStats, wantProblems := read(streamed, b)
		if !reflect.DeepEqual(got, want) || gotStats != wantStats || !reflect.DeepEqual(gotProblems, wantProblems) {
			t.Fatalf("%s at %d: got %d events, %+v, %+v, want %d events, %+v, %+v", how, at,
				len(got.events), gotStats, gotProblems, len(want.events), wantStats, wantProblems)
		}
	}
	compare("whole", 0, stored)
	compare("twice", 0, slicesOf(stored, stored))
	for i := range stored {
		compare("cut", i, stored[:i])
		for bit := range 8 {
			b := bytes.Clone(stored)
			b[i] ^= 1 << bit
			compare("another bit", i, b)
		}
	}
}

// FuzzInflate holds the unpacking at once against the reader that can stop
// anywhere: it never accepts what that one refuses, gives the same bytes, and
// accepts whatever it is made for.
func FuzzInflate(f *testing.F) {
	trail := []byte(makeTrail(30))
	for _, level := range []int{flate.HuffmanOnly, flate.NoCompression, flate.BestSpeed, flate.BestCompression} {
		f.Add(packedAt(f, level, trail))
		f.Add(packedAt(f, level, []byte(strings.Repeat("ab", 2000))))
	}
	f.Add([]byte{3, 0})                                                       // fixed codes, nothing
	f.Add([]byte{5, 0xe0, 0x81, 8, 0, 0, 0, 0, 0x20, 0x7f, 0xeb, 0xb, 0, 0})  // one distance
	f.Add([]byte{0xed, 0xfd, 0x01, 0x01, 0x00, 0x00, 0x00, 0x40, 0x20, 0xff}) // a hole among its codes
	var z inflater
	f.Fuzz(func(t *testing.T, deflated []byte) {
		in := bytes.NewReader(deflated)
		want, err := io.ReadAll(io.LimitReader(flate.NewReader(in), maxWhole+1))
		good := err == nil && in.Len() == 0 && len(want) <= maxWhole
		stored := gzipMember(deflated, want)
		klauspost, klauspostErr := oracleGunzip(stored)
		got, ok := inflated(&z, stored)
		switch {
		case ok && (klauspostErr != nil || !bytes.Equal(got, klauspost)):
			t.Fatalf("%x: got %d bytes where the other reader gives %d, %v", deflated, len(got), len(klauspost), klauspostErr)
		case !ok && good && klauspostErr == nil:
			t.Fatalf("%x: refused %d bytes", deflated, len(want))
		}
	})
}

func oracleGunzip(stored []byte) ([]byte, error) {
	zr, err := gzip.NewReader(bytes.NewReader(stored))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(io.LimitReader(zr, maxWhole+1))
}
