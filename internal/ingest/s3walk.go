package ingest

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"
)

const (
	// walkers is how many folders are looked into at once.
	walkers = 16

	// maxFolders is how many folders above the trails are looked into before
	// the search ends: a bucket may hold other things than logs. maxDepth is
	// how deep below the prefix they may lie, and maxPages how many pages of
	// folders and loose objects one of them may have.
	maxFolders = 500
	maxDepth   = 8
	maxPages   = 20
)

// trails is what discovery found.
type trails struct {
	accounts []*accountDir
	// others are some of the folders that the search began with, for the
	// message that there is no trail.
	others []string
	// assumed says that the prefix itself told account and region, and that
	// nothing was asked yet.
	assumed bool
}

// accountDir is the folder .../ACCOUNT/CloudTrail/.
type accountDir struct {
	account string
	path    string
	regions []*regionDir
	// asked says that its regions were asked for, and are all that there are
	// unless the answer was an error.
	asked bool
	// failed says that the answer was an error.
	failed bool
	// inside is how far below its one region the prefix reaches.
	inside string
}

// regionDir is the folder .../ACCOUNT/CloudTrail/REGION/, whose keys go on with
// the day of delivery.
type regionDir struct {
	account, region string
	path            string
	covered         []span     // what was listed in full
	partial         []*listing // what was not
}

func (d *accountDir) region(name string) *regionDir {
	for _, r := range d.regions {
		if r.region == name {
			return r
		}
	}
	r := &regionDir{account: d.account, region: name, path: d.path + name + "/"}
	d.regions = append(d.regions, r)
	return r
}

// discover finds the folders of the accounts below the prefix, and the regions
// of those that List reads. It lists folders only, with a delimiter, and asks
// once for each level above the accounts and once for each account.
//
// An error means that the bucket cannot be listed. A folder further down that
// cannot is told.
func (s *S3) discover(ctx context.Context, tell func(string, error)) error {
	if s.trails != nil {
		return nil
	}
	w := &walk{s3: s, tell: tell, seen: map[string]bool{}}
	if err := w.start(ctx, s.cfg.Prefix); err != nil {
		return err
	}
	slices.SortFunc(w.found.accounts, func(a, b *accountDir) int { return cmp.Compare(a.path, b.path) })
	var read []*accountDir
	for _, dir := range w.found.accounts {
		if allowed(s.cfg.Accounts, dir.account) {
			read = append(read, dir)
		}
	}
	if err := s.findRegions(ctx, read, false, tell); err != nil {
		return err
	}
	s.trails = &w.found
	return nil
}

// findRegions lists the regions of accounts that have none yet, or, where
// whole is asked for, of those that may have more.
func (s *S3) findRegions(ctx context.Context, accounts []*accountDir, whole bool, tell func(string, error)) error {
	type result struct {
		names []string
		err   error
	}
	var todo []*accountDir
	for _, dir := range accounts {
		if !dir.asked && (whole || len(dir.regions) == 0) {
			todo = append(todo, dir)
		}
	}
	results := make([]result, len(todo))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(walkers)
	for i, dir := range todo {
		g.Go(func() error {
			results[i].names, _, results[i].err = s.folders(ctx, dir.path, dir.path)
			return ctx.Err()
		})
	}
	if err := g.Wait(); err != nil {
		return context.Cause(ctx)
	}
	for i, dir := range todo {
		dir.asked = true
		if err := results[i].err; err != nil {
			dir.failed = true
			tell(dir.path, err)
			continue
		}
		for _, name := range results[i].names {
			if isRegion(name) {
				dir.region(name)
			}
		}
	}
	return nil
}

// walk is one search for trails.
type walk struct {
	s3    *S3
	tell  func(string, error)
	found trails
	seen  map[string]bool // folders looked into
	level []string        // folders to look into next
}

// start begins at the prefix and goes down level by level.
func (w *walk) start(ctx context.Context, prefix string) error {
	if prefix != "" && !strings.HasSuffix(prefix, "/") {
		// Is it a folder's whole name, or the beginning of names?
		out, err := w.s3.page(ctx, prefix+"/", "", "", 1)
		if err != nil {
			return err
		}
		if len(out.keys) == 0 {
			return w.partial(ctx, prefix)
		}
		prefix += "/"
	}
	if w.inside(prefix) {
		return nil
	}
	w.seen[prefix] = true
	if err := w.look(ctx, prefix, prefix); err != nil {
		return err
	}
	return w.descend(ctx)
}

// partial begins at the folders whose names begin as prefix ends.
func (w *walk) partial(ctx context.Context, prefix string) error {
	if w.inside(prefix) {
		return nil
	}
	parent := prefix[:strings.LastIndexByte(prefix, '/')+1]
	if err := w.look(ctx, prefix, parent); err != nil {
		return err
	}
	return w.descend(ctx)
}

// look looks into the first folder.
func (w *walk) look(ctx context.Context, prefix, parent string) error {
	names, more, err := w.s3.folders(ctx, prefix, parent)
	if err != nil {
		return err
	}
	w.sort(parent, names, more)
	for _, name := range names[:min(len(names), 5)] {
		w.found.others = append(w.found.others, fmt.Sprintf("%q", name+"/"))
	}
	return nil
}

// inside takes a prefix that tells account and kind itself.
func (w *walk) inside(prefix string) bool {
	parts := strings.Split(prefix, "/")
	complete := parts[:len(parts)-1] // the last is empty or the beginning of a name
	for i, part := range complete {
		if !isAccount(part) {
			continue
		}
		inLogs := isLogs(complete[:i])
		switch {
		case i+1 == len(complete) && inLogs && parts[i+1] == "":
			w.add(&accountDir{account: part, path: prefix + KindTrail + "/"})
			return true
		case i+1 == len(complete):
			continue
		case inLogs && isKind(complete[i+1]) && complete[i+1] != KindTrail:
			w.found.others = []string{fmt.Sprintf("%q", complete[i+1]+"/")}
			return true // digests, insights and what else there is
		case complete[i+1] != KindTrail:
			continue
		}
		dir := &accountDir{account: part, path: strings.Join(complete[:i+2], "/") + "/"}
		switch {
		case i+2 < len(complete) && isRegion(complete[i+2]):
			region := dir.region(complete[i+2])
			dir.inside = strings.TrimPrefix(prefix, region.path)
			w.found.assumed = true
		case i+2 < len(complete):
			return false
		case parts[i+2] != "":
			return false // the beginning of a region's name
		}
		w.add(dir)
		return true
	}
	return false
}

// isLogs reports whether a folder, given by its parts, holds accounts:
// .../AWSLogs/ or .../AWSLogs/ORG/.
func isLogs(parts []string) bool {
	n := len(parts)
	return n > 0 && parts[n-1] == "AWSLogs" || n > 1 && isOrg(parts[n-1]) && parts[n-2] == "AWSLogs"
}

// sort decides what the folders in parent are. Where there are more than were
// looked at, AWSLogs may be among them.
func (w *walk) sort(parent string, names []string, more bool) {
	parts := strings.Split(strings.TrimSuffix(parent, "/"), "/")
	last := parts[len(parts)-1]
	logs := isLogs(parts)
	for _, name := range names {
		path := parent + name + "/"
		switch {
		case isAccount(last) && name == KindTrail:
			w.add(&accountDir{account: last, path: path})
		case isAccount(last) && isKind(name):
			// digests, insights and what else there is
		case len(parts) > 1 && isAccount(parts[len(parts)-2]) && last == KindTrail && isRegion(name):
			w.addRegion(parts[len(parts)-2], parent, name)
		case logs && isAccount(name):
			w.add(&accountDir{account: name, path: path + KindTrail + "/"})
		case logs && !isOrg(name):
			// logs of other services
		default:
			w.level = append(w.level, path)
		}
	}
	if more {
		w.tell(parent, fmt.Errorf("looked for trails among the first %d pages of it and stopped: there may be more; name the folder that holds AWSLogs/ with --prefix", maxPages))
		w.level = append(w.level, parent+"AWSLogs/")
	}
}

func (w *walk) add(dir *accountDir) {
	if !w.seen[dir.path] {
		w.seen[dir.path] = true
		w.found.accounts = append(w.found.accounts, dir)
	}
}

// addRegion adds one of the regions that the prefix is the beginning of.
func (w *walk) addRegion(account, path, region string) {
	for _, dir := range w.found.accounts {
		if dir.path == path {
			dir.region(region)
			return
		}
	}
	dir := &accountDir{account: account, path: path}
	dir.region(region)
	w.add(dir)
}

// descend looks into the folders of one level after the other.
func (w *walk) descend(ctx context.Context) error {
	type result struct {
		names []string
		more  bool
		err   error
	}
	looked := 0
	for depth := 1; len(w.level) > 0; depth++ {
		var level []string
		for _, path := range w.level {
			if !w.seen[path] {
				w.seen[path] = true
				level = append(level, path)
			}
		}
		w.level = nil
		if depth > maxDepth {
			return nil
		}
		if looked+len(level) > maxFolders {
			slices.SortStableFunc(level, func(a, b string) int {
				return cmp.Compare(unlikely(a), unlikely(b))
			})
			w.tell(w.s3.cfg.Prefix, fmt.Errorf("looked for trails in %d folders and stopped: there may be more; name the folder that holds AWSLogs/ with --prefix", maxFolders))
			level = level[:maxFolders-looked]
		}
		looked += len(level)
		results := make([]result, len(level))
		g, ctx := errgroup.WithContext(ctx)
		g.SetLimit(walkers)
		for i, path := range level {
			g.Go(func() error {
				r := &results[i]
				r.names, r.more, r.err = w.s3.folders(ctx, path, path)
				return ctx.Err()
			})
		}
		if err := g.Wait(); err != nil {
			return context.Cause(ctx)
		}
		for i, path := range level {
			if err := results[i].err; err != nil {
				w.tell(path, err)
				continue
			}
			w.sort(path, results[i].names, results[i].more)
		}
	}
	return nil
}

// unlikely ranks folders that have to be chosen from: 0 may be part of a trail.
func unlikely(path string) int {
	parts := strings.Split(strings.TrimSuffix(path, "/"), "/")
	if last := parts[len(parts)-1]; last == "AWSLogs" || isOrg(last) || isAccount(last) {
		return 0
	}
	return 1
}
