package ingest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// ErrNoTrail is wrapped by List where nothing below the prefix looks like the
// logs of a trail. A trail that has nothing in the window is no error.
var ErrNoTrail = errors.New("nothing below it looks like the logs of a trail")

// S3Config says what an S3 source reads.
type S3Config struct {
	// Client is made from LoadAWS's configuration. A client made from a literal
	// s3.Options would check no checksums. A bucket of another region is
	// followed there with a client of the same options.
	Client *s3.Client
	Bucket string
	// Prefix is where to look for trails: a folder at any depth, above the
	// trails or inside one, or the beginning of a folder's name. A folder of
	// exactly that name goes before others that begin with it: foo means foo/
	// and not foobar/ where both are there.
	Prefix string

	// Since and Until are the window, [Since, Until), and unbounded where they
	// are zero. An object's stamp is the time of its delivery and bounds its
	// events on neither side, so that objects are read from MarginBefore ahead
	// of the window to MarginAfter behind it.
	//
	// https://docs.aws.amazon.com/awscloudtrail/latest/userguide/get-and-view-cloudtrail-log-files.html
	Since, Until              time.Time
	MarginBefore, MarginAfter time.Duration

	// Accounts and Regions are the only ones that List reads; empty is all.
	// Backfill minds neither.
	Accounts, Regions []string

	// RequestPayer says that the caller pays for the requests, which buckets of
	// that kind insist on.
	RequestPayer bool

	// OnRetry, where it is set, is told each error after which an object or a
	// page of a listing is fetched again, beside what the client itself repeats.
	// It is called from many goroutines.
	OnRetry func(error)

	// OnThrottle, where it is set, is told each time that S3 answers that the
	// requests are too many, before the request is repeated. It is called from
	// many goroutines.
	OnThrottle func()
}

// S3 lists and fetches the logs of the trails of one bucket.
//
// Its methods List, Backfill and Estimate run one at a time; the chunks that
// they give are opened from any goroutine, also meanwhile.
type S3 struct {
	cfg    S3Config
	client *s3.Client // of the bucket's region, once the first request is answered
	pool   sync.Pool  // of *[]byte, the bytes of objects

	attempts int           // of what the SDK does not repeat
	backoff  time.Duration // before the first repetition

	listRequests, getRequests atomic.Int64
	reached                   atomic.Bool // a request was answered

	trails *trails // what discovery found, nil before
	listed map[*regionDir]*ListedRegion
	hidden []ListedRegion // of accounts whose regions could not be listed
}

// NewS3 makes a source of the bucket. It makes no request.
func NewS3(cfg S3Config) *S3 {
	client := cfg.Client
	if cfg.OnThrottle != nil {
		client = watchThrottling(client, cfg.OnThrottle)
	}
	return &S3{
		cfg:      cfg,
		client:   client,
		attempts: 5,
		backoff:  200 * time.Millisecond,
		listed:   map[*regionDir]*ListedRegion{},
	}
}

// ListRequests is how many list requests were made, discovery included.
func (s *S3) ListRequests() int64 { return s.listRequests.Load() }

// GetRequests is how many times an object was asked for.
func (s *S3) GetRequests() int64 { return s.getRequests.Load() }

// Accounts are the accounts that have logs below the prefix, in order, those
// that the filter leaves out included. It is empty before List.
func (s *S3) Accounts() []string {
	if s.trails == nil {
		return nil
	}
	var ids []string
	for _, dir := range s.trails.accounts {
		ids = append(ids, dir.account)
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// List emits the window's objects account by account, each account's in the
// order of their days over all regions. An error means that nothing could be
// listed, or is that of emit or ctx; a folder that could not be listed beside
// others that could is reported.
func (s *S3) List(ctx context.Context, emit func(Chunk) error, report func(Problem)) error {
	return s.list(ctx, func(l *listing, o object) error {
		s.listed[l.dir].count(o.stamp, o.size)
		return emit(s.chunk(l.dir, o))
	}, report)
}

// list is List without the making of chunks.
func (s *S3) list(ctx context.Context, each func(*listing, object) error, report func(Problem)) error {
	var first error // of the folders that could not be listed
	tell := func(dir string, err error) {
		if first == nil {
			first = err
		}
		report(Problem{Object: s.url(dir), Offset: -1, Stage: StageList, Error: err.Error(), Count: 1})
	}
	if err := s.discover(ctx, tell); err != nil {
		return err
	}
	window := s.window()
	clear(s.listed)
	s.hidden = nil
	found, groups := 0, map[string][]*listing{}
	for _, account := range s.trails.accounts {
		for _, dir := range account.regions {
			dir.covered, dir.partial = nil, nil
			found++
			if !allowed(s.cfg.Accounts, account.account) || !allowed(s.cfg.Regions, dir.region) {
				continue
			}
			s.listed[dir] = &ListedRegion{Account: dir.account, Region: dir.region}
			groups[dir.account] = append(groups[dir.account], newListing(dir, dir.path+account.inside, []span{window}))
		}
		switch {
		case !allowed(s.cfg.Accounts, account.account):
			found++ // its regions were not asked for
		case account.failed:
			s.hidden = append(s.hidden, ListedRegion{Account: account.account, Unlisted: hourRun(window.from, window.to)})
		}
	}
	switch {
	case found == 0 && first != nil:
		return first
	case found == 0:
		return s.noTrail()
	}
	all := inOrder(groups)
	if err := s.run(ctx, all, each, tell); err != nil {
		return err
	}
	answered, objects := 0, 0
	for _, group := range all {
		for _, l := range group {
			s.listed[l.dir].end(l.err, window)
			objects += l.seen
			if l.err == nil {
				answered++
			}
		}
	}
	if len(all) > 0 && answered == 0 && objects == 0 {
		return first
	}
	// A prefix inside a trail was taken at its word so far.
	if s.trails.assumed && objects == 0 {
		out, err := s.page(ctx, s.cfg.Prefix, "", "", 1)
		if err == nil && len(out.keys) == 0 {
			return s.noTrail()
		}
	}
	return nil
}

// window is the span of the stamps that List reads.
func (s *S3) window() span {
	w := span{}
	if !s.cfg.Since.IsZero() {
		w.from = minute(s.cfg.Since.Add(-s.cfg.MarginBefore))
	}
	if !s.cfg.Until.IsZero() {
		w.to = minute(s.cfg.Until.Add(s.cfg.MarginAfter))
	}
	return w
}

// Backfill emits, for each need, the objects of its account whose stamps lie
// around its time, from MarginBefore to MarginAfter, in all the account's
// regions and whatever the filters of List are. Overlapping times are listed
// once, and no object is emitted that List or an earlier Backfill emitted.
// An account without logs below the prefix has nothing to emit. Where the prefix
// points inside an account's logs, the whole of that account's logs counts.
func (s *S3) Backfill(ctx context.Context, needs []Need, emit func(Chunk) error, report func(Problem)) error {
	tell := func(dir string, err error) {
		report(Problem{Object: s.url(dir), Offset: -1, Stage: StageList, Error: err.Error(), Count: 1})
	}
	if err := s.discover(ctx, tell); err != nil {
		return err
	}
	wanted := map[string][]span{}
	for _, n := range needs {
		t := time.Unix(n.Time, 0)
		wanted[n.Account] = append(wanted[n.Account], span{
			from: minute(t.Add(-s.cfg.MarginBefore)),
			to:   minute(t.Add(s.cfg.MarginAfter)),
		})
	}
	var accounts []*accountDir
	for _, dir := range s.trails.accounts {
		if wanted[dir.account] != nil {
			accounts = append(accounts, dir)
		}
	}
	if err := s.findRegions(ctx, accounts, true, tell); err != nil {
		return err
	}
	groups := map[string][]*listing{}
	for _, account := range accounts {
		spans := union(wanted[account.account])
		for _, dir := range account.regions {
			if rest := subtract(spans, dir.covered); len(rest) > 0 {
				groups[dir.account] = append(groups[dir.account], newListing(dir, dir.path, rest))
			}
		}
	}
	return s.run(ctx, inOrder(groups), func(l *listing, o object) error {
		return emit(s.chunk(l.dir, o))
	}, tell)
}

// Prices of US East (N. Virginia) for the Standard storage class, in dollars for
// a thousand requests, of November 2026. Reading from the bucket's own region
// has no price of its own; transfer out of it and decryption by KMS have.
//
// https://aws.amazon.com/s3/pricing/
const (
	listPrice = 0.005
	getPrice  = 0.0004
)

// Estimate is what a scan would read and cost.
type Estimate struct {
	Objects      int64
	Bytes        int64 // as stored
	ListRequests int64 // made already by the estimate, and made again by the scan
	GetRequests  int64
	// Dollars is the price of the scan's own requests in us-east-1. Transfer
	// out of the bucket's region, decryption by KMS and the requests of the
	// estimate itself come on top.
	Dollars float64
	// Problems are the folders that could not be listed.
	Problems []Problem
}

// Estimate lists what List would emit and reads nothing. What Backfill will need
// is not known before the window is read.
func (s *S3) Estimate(ctx context.Context) (Estimate, error) {
	var e Estimate
	before := s.ListRequests()
	err := s.list(ctx, func(l *listing, o object) error {
		e.Objects++
		e.Bytes += o.size
		return nil
	}, func(p Problem) { e.Problems = append(e.Problems, p) })
	e.ListRequests = s.ListRequests() - before
	e.GetRequests = e.Objects
	e.Dollars = float64(e.ListRequests)*listPrice/1000 + float64(e.GetRequests)*getPrice/1000
	return e, err
}

// Listed tells what List found, by account and region, in order. Regions
// without an object in the window are there, and several trails of one
// account's region are one. Where the regions of an account could not be listed
// it has one without a name.
func (s *S3) Listed() []ListedRegion {
	all := slices.Clone(s.hidden)
	for _, l := range s.listed {
		all = append(all, *l)
	}
	return MergeListed(all)
}

// Regions are the regions that have logs of the accounts that List reads, in
// order, those that the filter leaves out included. It is empty before List.
func (s *S3) Regions() []string {
	if s.trails == nil {
		return nil
	}
	var names []string
	for _, account := range s.trails.accounts {
		if !allowed(s.cfg.Accounts, account.account) {
			continue
		}
		for _, dir := range account.regions {
			names = append(names, dir.region)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func (s *S3) chunk(dir *regionDir, o object) Chunk {
	key := o.key
	return Chunk{
		Name:    s.url(key),
		Account: dir.account,
		Region:  dir.region,
		Stamp:   o.stamp,
		Size:    o.size,
		Open: func(ctx context.Context) (io.ReadCloser, error) {
			return s.open(ctx, key)
		},
	}
}

func (s *S3) url(key string) string { return "s3://" + s.cfg.Bucket + "/" + key }

func (s *S3) payer() types.RequestPayer {
	if s.cfg.RequestPayer {
		return types.RequestPayerRequester
	}
	return ""
}

func (s *S3) noTrail() error {
	hint := "check the bucket's name and --prefix"
	if strings.HasPrefix(s.cfg.Prefix, "/") {
		hint = "the prefix begins with a slash, which few keys do; leave it out"
	} else if seen := s.trails.others; len(seen) > 0 {
		hint += fmt.Sprintf("; there are %s", strings.Join(seen, ", "))
	}
	return fmt.Errorf("list %s: %w (AWSLogs/ACCOUNT/CloudTrail/REGION/); %s", oneLine(s.url(s.cfg.Prefix)), ErrNoTrail, oneLine(hint))
}

func allowed(only []string, s string) bool {
	return len(only) == 0 || slices.Contains(only, s)
}

// inOrder makes groups an ordered list by account, region and path.
func inOrder(groups map[string][]*listing) [][]*listing {
	ordered := make([][]*listing, 0, len(groups))
	for _, group := range groups {
		slices.SortFunc(group, func(a, b *listing) int {
			return cmp.Or(cmp.Compare(a.dir.region, b.dir.region), cmp.Compare(a.dir.path, b.dir.path))
		})
		ordered = append(ordered, group)
	}
	slices.SortFunc(ordered, func(a, b []*listing) int { return cmp.Compare(a[0].dir.account, b[0].dir.account) })
	return ordered
}
