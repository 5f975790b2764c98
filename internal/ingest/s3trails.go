package ingest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Trail is where the logs of one trail lie in a bucket, or those of several
// that share their folders.
type Trail struct {
	// Root is what stands before ACCOUNT/CloudTrail/REGION/YYYY/MM/DD/ in the
	// keys. It ends in a slash or is empty.
	Root     string
	Accounts []TrailAccount // by id
}

// TrailAccount is one account of a trail, with the regions that have a folder.
type TrailAccount struct {
	ID      string
	Regions []string // sorted
}

// Trails finds the trails below the prefix, by their roots, and lists folders
// only. What the accounts and regions of the configuration leave out is there.
// An error means that there is none, or that none could be listed; a folder that
// could not be listed beside others is reported.
func (s *S3) Trails(ctx context.Context, report func(Problem)) ([]Trail, error) {
	var first error
	tell := func(dir string, err error) {
		if first == nil {
			first = err
		}
		report(Problem{Object: s.url(dir), Offset: -1, Stage: StageList, Error: err.Error(), Count: 1})
	}
	if err := s.discover(ctx, tell); err != nil {
		return nil, err
	}
	if err := s.findRegions(ctx, s.trails.accounts, false, tell); err != nil {
		return nil, err
	}
	var trails []Trail
	for _, dir := range s.trails.accounts {
		if dir.inside != "" {
			return nil, fmt.Errorf("the prefix points into the days of one region (%s): a query reads whole regions; shorten --prefix and narrow the window instead", oneLine(s.url(s.cfg.Prefix)))
		}
		if len(dir.regions) == 0 {
			continue
		}
		account := TrailAccount{ID: dir.account}
		for _, r := range dir.regions {
			account.Regions = append(account.Regions, r.region)
		}
		slices.Sort(account.Regions)
		root := strings.TrimSuffix(dir.path, dir.account+"/"+KindTrail+"/")
		i, ok := slices.BinarySearchFunc(trails, root, func(t Trail, root string) int { return strings.Compare(t.Root, root) })
		if !ok {
			trails = slices.Insert(trails, i, Trail{Root: root})
		}
		trails[i].Accounts = append(trails[i].Accounts, account)
	}
	switch {
	case len(trails) == 0 && first != nil:
		return nil, first
	case len(trails) == 0:
		return nil, s.noTrail()
	}
	for _, t := range trails {
		slices.SortFunc(t.Accounts, func(a, b TrailAccount) int { return strings.Compare(a.ID, b.ID) })
	}
	return trails, nil
}

// Region is the bucket's region, once a request was answered.
func (s *S3) Region() string { return s.client.Options().Region }

// sampleRequests is how many folders are asked for objects at most.
const sampleRequests = 64

// Samples finds objects of a trail that were delivered on a day from since on,
// from n of the trail's regions at most: the largest of the first thousand of
// each. Where the first regions hold none, there is none.
func (s *S3) Samples(ctx context.Context, t Trail, since time.Time, n int) ([]Chunk, error) {
	var samples []Chunk
	asked := 0
	for _, a := range t.Accounts {
		for _, name := range a.Regions {
			if asked++; asked > sampleRequests || len(samples) == n {
				return samples, nil
			}
			prefix := t.Root + a.ID + "/" + KindTrail + "/" + name + "/"
			after := ""
			if !since.IsZero() {
				after = prefix + since.UTC().Format("2006/01/02")
			}
			out, err := s.page(ctx, prefix, after, "", 0)
			if err != nil {
				return nil, err
			}
			dir, largest := &regionDir{path: prefix, account: a.ID, region: name}, object{size: -1}
			for _, k := range out.keys {
				if o, ok := dir.object(k); ok && o.size > largest.size {
					largest = o
				}
			}
			if largest.size >= 0 {
				samples = append(samples, s.chunk(dir, largest))
			}
		}
	}
	return samples, nil
}
