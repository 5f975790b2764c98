package trailgen

import (
	"context"
	"fmt"
	"time"
)

// Config says what trail to make.
type Config struct {
	Out   string // folder that AWSLogs is made in
	Truth string // folder for the truth; Out where empty
	Seed  uint64
}

func parseTime(s string) int64 {
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		panic(fmt.Sprintf("trailgen: bad time %q in a scenario", s))
	}
	return t.Unix()
}

// open makes an empty world whose trail goes to c.Out.
func open(ctx context.Context, c Config, org string, perObject int) (*world, error) {
	if c.Truth == "" {
		c.Truth = c.Out
	}
	tr, err := newTruth(c.Truth)
	if err != nil {
		return nil, err
	}
	w := &world{
		ids: newIDs(c.Seed, 1), losses: newIDs(c.Seed, 2),
		out:   newDelivery(ctx, c.Out, org, perObject, newIDs(c.Seed, 3)),
		truth: tr, apis: newAPIs(), roles: map[string]*role{}, officeIP: "198.51.100.24",
	}
	w.truth.summary.Seed, w.truth.summary.Org = c.Seed, org
	return w, nil
}

// close writes what is left of the trail, and the truth into dir.
func (w *world) close(dir string) (Summary, error) {
	err := w.out.close()
	s := &w.truth.summary
	s.Since, s.Until, s.Missing = formatTime(w.since), formatTime(w.until), w.missing
	s.Objects, s.Bytes, s.CompressedBytes = w.out.objects, w.out.bytes, w.out.compressedBytes()
	sum, terr := w.truth.close(dir)
	if err != nil {
		return sum, err
	}
	return sum, terr
}
