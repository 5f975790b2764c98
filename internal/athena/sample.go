package athena

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/trailscan/trailscan/internal/ingest"
)

// Sample is one object of a trail, and what it says of some of its events, to
// hold what a table shows against. Whether Athena's reader of CloudTrail's
// format gives the members that AWS's own definition of the table lacks no
// documentation says: one that gives null for them would cost evidence in
// silence.
type Sample struct {
	slice  Slice  // the folder
	object string // s3:// URL
	events []sampleEvent
}

// sampleEvent is an event of the object.
type sampleEvent struct {
	id    string
	shows []string // added members that it has
}

// NewSample makes a sample of an object that CloudTrail delivered, of which
// nothing is read yet.
func NewSample(c ingest.Chunk) Sample {
	day := c.Stamp.UTC().Truncate(day)
	return Sample{
		slice:  Slice{Accounts: []string{c.Account}, Regions: []string{c.Region}, From: day, To: day},
		object: c.Name,
	}
}

// Take notes an event of the object, if it is the first or has a member that
// none before has.
func (s *Sample) Take(e *ingest.Event) {
	shows := added(e.IdentityRaw)
	for _, other := range s.events {
		shows = slices.DeleteFunc(shows, func(m string) bool { return slices.Contains(other.shows, m) })
	}
	if len(e.ID) > 0 && (len(s.events) == 0 || len(shows) > 0) {
		s.events = append(s.events, sampleEvent{string(e.ID), shows})
	}
}

// Members is how many of the added members the object's events have.
func (s *Sample) Members() int {
	n := 0
	for _, e := range s.events {
		n += len(e.shows)
	}
	return n
}

// added tells which of the added members an identity has, by their sources.
func added(identity []byte) []string {
	var members map[string]any
	if err := json.Unmarshal(identity, &members); err != nil {
		return nil
	}
	var names []string
	for _, c := range sources {
		if c.added && filled(members, strings.Split(c.expr, ".")[1:]) {
			names = append(names, c.name)
		}
	}
	return names
}

// filled reports whether there is a value at a path, whose names are in lower
// case as a table's are.
func filled(v any, path []string) bool {
	if len(path) == 0 {
		return v != nil && v != ""
	}
	members, _ := v.(map[string]any)
	for name, value := range members {
		if strings.EqualFold(name, path[0]) {
			return filled(value, path[1:])
		}
	}
	return false
}

// query reads the identities of the sample's events, with every member that the
// queries read; of an object of which nothing is known, of one record of its
// folder. The rest of a record stays where it is: what an assume event gave holds
// a session token, and a result is no place for it.
func (s *Sample) query() string {
	identities := slices.DeleteFunc(slices.Clone(sources), func(c source) bool { return c.name != "eventid" && !strings.HasPrefix(c.name, "id_") })
	text := s.slice.columns(identities) + "\n" + s.slice.from()
	if len(s.events) == 0 {
		return text + "  LIMIT 1"
	}
	var ids []string
	for _, e := range s.events {
		ids = append(ids, e.id)
	}
	return text + "    AND \"$path\" = " + quote(s.object) + "\n    AND eventid IN (" + quoteAll(ids) + ")"
}

// compare holds what Athena shows of the sample, as CSV, against what stands in
// the object. It gives what is wrong, or nothing.
func (s *Sample) compare(in io.Reader) (wrong string, err error) {
	r := csv.NewReader(in)
	names, err := r.Read()
	if err != nil && !errors.Is(err, io.EOF) {
		return "", err
	}
	place := map[string]int{}
	for i, name := range names {
		place[name] = i
	}
	shown := map[string][]string{}
	for {
		row, err := r.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return "", err
		}
		if i, ok := place["eventid"]; ok {
			shown[row[i]] = row
		}
	}
	var lost []string
	for _, e := range s.events {
		row := shown[e.id]
		if row == nil {
			return fmt.Sprintf("Athena does not show event %s, which is in %s: the report may lack others too; compare an hour of it with --engine local", e.id, s.object), nil
		}
		for _, c := range sources {
			if i, ok := place[c.name]; slices.Contains(e.shows, c.name) && (!ok || row[i] == "") {
				lost = append(lost, fmt.Sprintf("%s of event %s", c.expr, e.id))
			}
		}
	}
	if len(lost) == 0 {
		return "", nil
	}
	return fmt.Sprintf("Athena does not show %s, though %s has it: the origins of some sessions stay unknown, for lack of evidence such as %s", strings.Join(lost, ", "), s.object, LostEvidence), nil
}

// probe reads the sample from a table, and tells what the table does not show.
func (r *Runner) probe(ctx context.Context, s Sample) error {
	res, err := r.query(ctx, s.query(), "read "+s.what())
	if err != nil || len(s.events) == 0 {
		return err
	}
	return r.Read(ctx, res, func(in io.Reader) error {
		wrong, err := s.compare(in)
		if wrong != "" {
			r.lose("%s", wrong)
		}
		return err
	})
}

func (s *Sample) what() string {
	if len(s.events) == 0 {
		return "one record of " + s.slice.Table.Location()
	}
	return "events of " + s.object
}
