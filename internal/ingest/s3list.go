package ingest

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"golang.org/x/sync/errgroup"
	"golang.org/x/sync/semaphore"
)

// maxStreams is how many listings run at once, those of the account that is
// being emitted included. Each keeps up to three pages of a thousand keys.
const maxStreams = 48

// object is one key of a listing.
type object struct {
	key   string
	size  int64
	day   time.Time // of its folder
	stamp time.Time
}

// span is a range of stamps in full minutes, both ends included. A zero from
// or to is no bound.
type span struct{ from, to time.Time }

func minute(t time.Time) time.Time { return t.UTC().Truncate(time.Minute) }

// union sorts bounded spans and joins those that overlap or touch.
func union(spans []span) []span {
	slices.SortFunc(spans, func(a, b span) int { return a.from.Compare(b.from) })
	var joined []span
	for _, s := range spans {
		if n := len(joined); n > 0 && !s.from.After(joined[n-1].to.Add(time.Minute)) {
			if s.to.After(joined[n-1].to) {
				joined[n-1].to = s.to
			}
			continue
		}
		joined = append(joined, s)
	}
	return joined
}

// subtract gives what is left of bounded spans, joined and in order, without
// what is covered.
func subtract(spans, covered []span) []span {
	for _, c := range covered {
		var rest []span
		for _, s := range spans {
			if !c.to.IsZero() && c.to.Before(s.from) || c.from.After(s.to) {
				rest = append(rest, s)
				continue
			}
			if c.from.After(s.from) {
				rest = append(rest, span{s.from, c.from.Add(-time.Minute)})
			}
			if !c.to.IsZero() && c.to.Before(s.to) {
				rest = append(rest, span{c.to.Add(time.Minute), s.to})
			}
		}
		spans = rest
	}
	return spans
}

// keyRange is a range of keys, low < key <= high. An empty low or high is no
// bound.
type keyRange struct{ low, high string }

// keys is the range of a span's keys. Keys begin with the folder's day and go
// on with the file's name, in which the stamp comes first of what differs, so
// that a file stands where its folder is even if its stamp is of another day.
// The ranges of spans that touch touch.
func (d *regionDir) keys(s span) keyRange {
	at := func(t time.Time) string {
		return d.path + t.Format("2006/01/02/") + d.account + "_" + KindTrail + "_" + d.region + "_" + t.Format("20060102T1504Z")
	}
	var r keyRange
	if !s.from.IsZero() {
		r.low = at(s.from)
	}
	if !s.to.IsZero() {
		r.high = at(s.to.Add(time.Minute))
	}
	return r
}

// past reports whether a key comes after all those of the range.
func (r keyRange) past(key string) bool { return r.high != "" && key > r.high }

// listing is one walk through keys of a region.
type listing struct {
	dir    *regionDir
	prefix string     // dir.path, or what the user's prefix leaves of it
	spans  []span     // in order, apart from each other
	ranges []keyRange // of the spans

	seen int    // objects that were emitted
	last string // the greatest key of them
	err  error
}

func newListing(dir *regionDir, prefix string, spans []span) *listing {
	l := &listing{dir: dir, prefix: prefix, spans: spans}
	for _, s := range spans {
		l.ranges = append(l.ranges, dir.keys(s))
	}
	return l
}

// done remembers what a listing emitted.
func (d *regionDir) done(l *listing) {
	if l.err == nil && l.prefix == d.path {
		d.covered = append(d.covered, l.spans...)
	} else {
		d.partial = append(d.partial, l)
	}
}

// emitted reports whether a listing that did not cover its spans emitted a key
// of them nonetheless.
func (d *regionDir) emitted(key string) bool {
	for _, l := range d.partial {
		if key > l.last || !strings.HasPrefix(key, l.prefix) {
			continue
		}
		i, _ := slices.BinarySearchFunc(l.ranges, key, func(r keyRange, key string) int {
			if r.past(key) {
				return -1
			}
			return 1
		})
		if i < len(l.ranges) && key > l.ranges[i].low {
			return true
		}
	}
	return false
}

// batch is what one page of a listing gives.
type batch struct {
	objects []object
	err     error
}

// stream is a listing under way.
type stream struct {
	*listing
	batches chan batch
	ready   []object
	ended   bool
}

// head is the next object; it is false at the end of the listing.
func (st *stream) head(ctx context.Context) (object, bool, error) {
	for len(st.ready) == 0 {
		if st.ended {
			return object{}, false, nil
		}
		select {
		case b, ok := <-st.batches:
			st.ready = b.objects
			st.ended = !ok
			if b.err != nil {
				st.err = b.err
			}
		case <-ctx.Done():
			return object{}, false, context.Cause(ctx)
		}
	}
	return st.ready[0], true, nil
}

// run walks through the listings, those of a group at once and merged by day,
// and those of the next groups ahead of time. The keys that an earlier
// listing emitted are left out. An error is that of each or ctx; a listing that
// fails is told, and what it gave until then counts.
func (s *S3) run(ctx context.Context, groups [][]*listing, each func(*listing, object) error, tell func(string, error)) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	g, ctx := errgroup.WithContext(ctx)
	defer g.Wait()
	defer cancel()

	slots := semaphore.NewWeighted(maxStreams)
	weight := func(group []*listing) int64 { return int64(min(len(group), maxStreams)) }
	started := make(chan []*stream, maxStreams)
	g.Go(func() error {
		defer close(started)
		for _, group := range groups {
			if err := slots.Acquire(ctx, weight(group)); err != nil {
				return err
			}
			streams := make([]*stream, len(group))
			for i, l := range group {
				st := &stream{listing: l, batches: make(chan batch, 1)}
				streams[i] = st
				g.Go(func() error {
					defer close(st.batches)
					return s.stream(ctx, l, st.batches)
				})
			}
			select {
			case started <- streams:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		return nil
	})
	done := 0
	for streams := range started {
		if err := s.merge(ctx, streams, each); err != nil {
			return err
		}
		for _, st := range streams {
			st.dir.done(st.listing)
			if st.err != nil {
				tell(st.prefix, st.err)
			}
		}
		slots.Release(weight(groups[done]))
		done++
	}
	return context.Cause(ctx)
}

// merge emits the objects of one account day by day.
func (s *S3) merge(ctx context.Context, streams []*stream, each func(*listing, object) error) error {
	for {
		var day time.Time
		for _, st := range streams {
			o, ok, err := st.head(ctx)
			if err != nil {
				return err
			}
			if ok && (day.IsZero() || o.day.Before(day)) {
				day = o.day
			}
		}
		if day.IsZero() {
			return nil
		}
		for _, st := range streams {
			for {
				o, ok, err := st.head(ctx)
				if err != nil {
					return err
				}
				if !ok || !o.day.Equal(day) {
					break
				}
				st.ready = st.ready[1:]
				st.last = o.key
				st.seen++
				if err := each(st.listing, o); err != nil {
					return err
				}
			}
		}
	}
}

// stream lists the keys of one region page by page. It jumps over what lies
// between two ranges unless the page at hand reaches that far.
func (s *S3) stream(ctx context.Context, l *listing, out chan<- batch) error {
	send := func(b batch) error {
		select {
		case out <- b:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	ranges := l.ranges
	token, after, last := "", ranges[0].low, ""
	for {
		page, err := s.page(ctx, l.prefix, after, token, 0)
		if err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if last != "" {
				err = fmt.Errorf("%w; what comes after %s is missing", err, oneLine(last))
			}
			return send(batch{err: err})
		}
		var b batch
		for _, k := range page.keys {
			if k.name <= last {
				b.err = s.notS3(l, "its keys are in no order, %s comes after %s", k.name, last)
				break
			}
			last = k.name
			for len(ranges) > 0 && ranges[0].past(k.name) {
				ranges = ranges[1:]
			}
			if len(ranges) == 0 {
				break
			}
			if k.name <= ranges[0].low {
				continue
			}
			if o, ok := l.dir.object(k); ok && !l.dir.emitted(k.name) {
				b.objects = append(b.objects, o)
			}
		}
		more := b.err == nil && len(ranges) > 0 && page.next != ""
		if more && page.next == token {
			b.err = s.notS3(l, "it repeats itself after %s", last)
		}
		if len(b.objects) > 0 || b.err != nil {
			if err := send(b); err != nil {
				return err
			}
		}
		if !more || b.err != nil {
			return nil
		}
		token = page.next
		if last < ranges[0].low {
			token, after = "", ranges[0].low
		}
	}
}

// notS3 is the error of a listing whose answers no S3 server gives. What was
// emitted before counts.
func (s *S3) notS3(l *listing, what string, keys ...any) error {
	return fmt.Errorf("list %s: the endpoint does not speak S3 as it should: %s; what follows is missing", s.url(l.prefix), oneLine(fmt.Sprintf(what, keys...)))
}

// object makes an object of a key, unless it is not one that CloudTrail
// delivered: folders' markers and files that somebody put there.
func (d *regionDir) object(k key) (object, bool) {
	parsed, ok := ParseKey(k.name)
	if !ok || parsed.Kind != KindTrail || parsed.Stamp.IsZero() || parsed.Account != d.account || parsed.Region != d.region {
		return object{}, false
	}
	if !strings.Contains(k.name[strings.LastIndexByte(k.name, '/'):], ".json") {
		return object{}, false
	}
	return object{key: k.name, size: k.size, day: parsed.Day, stamp: parsed.Stamp}, true
}

// key is one entry of a page.
type key struct {
	name string
	size int64
}

type page struct {
	keys    []key
	folders []string
	next    string // the token of the next page, empty at the end
}

// page asks for one page of keys below prefix, in order, that come after a
// key or, where there is a token, after the page that gave it; most limits it
// where it is not 0.
func (s *S3) page(ctx context.Context, prefix, after, token string, most int32) (page, error) {
	return s.request(ctx, &s3.ListObjectsV2Input{
		Prefix:            aws.String(prefix),
		StartAfter:        optional(after),
		ContinuationToken: optional(token),
		MaxKeys:           limit(most),
	})
}

// folders lists the names of the folders in parent that begin with prefix,
// which begins with parent. A folder of many pages is not looked through to its
// end unless it holds accounts or regions.
func (s *S3) folders(ctx context.Context, prefix, parent string) (names []string, more bool, err error) {
	parts := strings.Split(strings.TrimSuffix(parent, "/"), "/")
	trail := isLogs(parts) || parts[len(parts)-1] == KindTrail
	token := ""
	for pages := 1; ; pages++ {
		out, err := s.request(ctx, &s3.ListObjectsV2Input{
			Prefix:            aws.String(prefix),
			Delimiter:         aws.String("/"),
			ContinuationToken: optional(token),
		})
		if err != nil {
			return nil, false, err
		}
		for _, f := range out.folders {
			names = append(names, strings.TrimSuffix(strings.TrimPrefix(f, parent), "/"))
		}
		if out.next == "" {
			return names, false, nil
		}
		if pages == maxPages && !trail {
			return names, true, nil
		}
		token = out.next
	}
}

// request makes one list request and follows the bucket to its region if the
// first one tells that it is elsewhere.
func (s *S3) request(ctx context.Context, in *s3.ListObjectsV2Input) (page, error) {
	in.Bucket = aws.String(s.cfg.Bucket)
	in.RequestPayer = s.payer()
	// Keys may hold characters that XML cannot.
	in.EncodingType = types.EncodingTypeUrl

	var out *s3.ListObjectsV2Output
	err := s.again(ctx, func() error {
		s.listRequests.Add(1)
		var err error
		out, err = s.client.ListObjectsV2(ctx, in)
		if err != nil && !s.reached.Load() && s.follow(ctx, err) {
			s.listRequests.Add(1)
			out, err = s.client.ListObjectsV2(ctx, in)
		}
		return err
	})
	if err != nil {
		return page{}, s.requestError(ctx, "list "+s.url(aws.ToString(in.Prefix)), err)
	}
	s.reached.Store(true)
	p := page{}
	plain := func(v *string) string {
		text := aws.ToString(v)
		if out.EncodingType != types.EncodingTypeUrl || !strings.ContainsAny(text, "%+") {
			return text
		}
		if decoded, err := url.QueryUnescape(text); err == nil {
			return decoded
		}
		return text
	}
	if n := len(out.Contents); n > 0 {
		p.keys = make([]key, n)
		for i := range out.Contents {
			c := &out.Contents[i]
			p.keys[i] = key{name: plain(c.Key), size: aws.ToInt64(c.Size)}
		}
	}
	for _, f := range out.CommonPrefixes {
		p.folders = append(p.folders, plain(f.Prefix))
	}
	if aws.ToBool(out.IsTruncated) {
		p.next = aws.ToString(out.NextContinuationToken)
		if p.next == "" {
			return page{}, s.requestError(ctx, "list "+s.url(aws.ToString(in.Prefix)), errors.New("the endpoint does not speak S3 as it should: there is more, but no token for it"))
		}
	}
	return p, nil
}

func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func limit(n int32) *int32 {
	if n == 0 {
		return nil
	}
	return &n
}
