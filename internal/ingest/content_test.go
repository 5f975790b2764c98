package ingest

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/klauspost/compress/zstd"

	"github.com/trailscan/trailscan/internal/cloudtrailtest"
)

// A reader that is asked what the bytes were tells it whatever it makes of them,
// and reads the same events as one that is not.
func TestContent(t *testing.T) {
	record := `{"eventTime":"2026-11-20T11:03:00Z","eventName":"ListBuckets","eventID":"1"}`
	log := `{"Records":[` + strings.Repeat(record+",", 3000) + record + `]}`
	gz := cloudtrailtest.Gzip([]byte(log))
	encoder, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	packed := encoder.EncodeAll([]byte(log), nil)
	broken := log[:500] + "}}}" + log[500:]
	join := func(parts ...[]byte) []byte { return bytes.Join(parts, nil) }
	for _, tc := range []struct {
		name   string
		stored []byte
		want   Content
	}{
		{"gzip", gz, contentOf(log, "gzip", false)},
		{"plain", []byte(log), contentOf(log, "", false)},
		{"zstd", packed, contentOf(log, "zstd", false)},
		{"nothing", nil, contentOf("", "", false)},
		{"an empty gzip member", cloudtrailtest.Gzip(nil), contentOf("", "gzip", false)},
		{"a second member", join(gz, gz), contentOf(log, "gzip", true)},
		{"three members", join(gz, cloudtrailtest.Gzip(nil), gz), contentOf(log, "gzip", true)},
		{"a second member that is empty", join(gz, cloudtrailtest.Gzip(nil)), contentOf(log, "gzip", true)},
		{"one byte behind", join(gz, []byte{0}), contentOf(log, "gzip", true)},
		{"text behind", join(gz, []byte("and so on and so on")), contentOf(log, "gzip", true)},
		{"half a member behind", join(gz, gz[:len(gz)/2]), contentOf(log, "gzip", true)},
		{"no JSON in the middle", cloudtrailtest.Gzip([]byte(broken)), contentOf(broken, "gzip", false)},
		{"no JSON, and a second member", join(cloudtrailtest.Gzip([]byte(broken)), gz), contentOf(broken, "gzip", true)},
		{"half a member", gz[:len(gz)/2], Content{Format: "gzip"}},
		{"half a header", gz[:6], Content{Format: "gzip"}},
		{"half a frame", packed[:len(packed)/2], Content{Format: "zstd"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			asked := NewReader(Limits{})
			asked.in.check = &hasher{}
			for _, in := range []struct {
				how string
				r   io.Reader
			}{
				{"at once", bytes.NewReader(tc.stored)},
				{"by bytes", iotest.OneByteReader(bytes.NewReader(tc.stored))},
				{"with the end", iotest.DataErrReader(bytes.NewReader(tc.stored))},
			} {
				events := 0
				stats, problems := asked.Read(t.Context(), "x", in.r, func(*Event) { events++ })
				got := asked.content()
				if !tc.want.Whole { // nobody may take these for something
					got.Size = 0
				}
				if got != tc.want {
					t.Errorf("%s: %+v, want %+v", in.how, got, tc.want)
				}
				plainEvents := 0
				plainStats, plainProblems := NewReader(Limits{}).Read(t.Context(), "x", bytes.NewReader(tc.stored), func(*Event) { plainEvents++ })
				if events != plainEvents || fmt.Sprint(problems) != fmt.Sprint(plainProblems) || stats.Bytes != plainStats.Bytes {
					t.Errorf("%s: %d events, %+v, %v; %d events, %+v, %v where nobody asks", in.how, events, stats, problems, plainEvents, plainStats, plainProblems)
				}
			}
		})
	}
}

func contentOf(content, format string, trailing bool) Content {
	return Content{Sum: sha256.Sum256([]byte(content)), Size: int64(len(content)), Format: format, Whole: true, Trailing: trailing}
}

// What inflates beyond the limit is not read on for the sake of its sum.
func TestContentLimit(t *testing.T) {
	const limit = 3 << 20
	r := NewReader(Limits{MaxObject: limit})
	r.in.check = &hasher{}
	bomb := cloudtrailtest.Gzip(append([]byte("}"), make([]byte, 64<<20)...))
	r.Read(t.Context(), "x", bytes.NewReader(bomb), func(*Event) {})
	if got := r.content(); got.Whole || got.Size > 2*limit {
		t.Errorf("%d bytes read, whole %v", got.Size, got.Whole)
	}
}

// A source that fails is no end.
func TestContentFails(t *testing.T) {
	gz := cloudtrailtest.Gzip([]byte(`{"Records":[]}`))
	r := NewReader(Limits{})
	r.in.check = &hasher{}
	_, problems := r.Read(t.Context(), "x", io.MultiReader(bytes.NewReader(gz), iotest.ErrReader(errors.New("gone"))), func(*Event) {})
	if got := r.content(); got.Trailing || len(problems) != 1 || problems[0].Stage != StageFetch {
		t.Errorf("%+v, problems %v", got, problems)
	}
}
