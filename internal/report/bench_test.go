package report

import (
	"flag"
	"io"
	"sync"
	"testing"

	"github.com/trailscan/trailscan/internal/attribute"
)

// A million is what each of JSON, CSV and HTML must write in five seconds:
//
//	go test ./internal/report -run '^$' -bench Formats -benchtime 1x -bench-names 1000000
//
// The default is small, so that running all benchmarks once stays cheap.
var benchNames = flag.Int("bench-names", 20_000, "session names of the benchmarks' report")

// benchResult is made once for all formats.
var benchResult = sync.OnceValue(func() *attribute.Result { return manyNames(*benchNames) })

func BenchmarkFormats(b *testing.B) {
	for _, f := range Formats() {
		b.Run(f.Name, func(b *testing.B) {
			res := benchResult()
			var size int64
			if err := f.Write(countWriter{&size}, res, testOptions()); err != nil {
				b.Fatal(err)
			}
			b.SetBytes(size)
			b.ReportAllocs()
			for b.Loop() {
				if err := f.Write(io.Discard, res, testOptions()); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(len(res.Names))*float64(b.N)/b.Elapsed().Seconds(), "names/s")
		})
	}
}
