package ingest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"
)

// maxStoredDigest is the largest digest that is fetched. Several are held at a
// time, and none is known to be genuine before it was read.
const maxStoredDigest = 16 << 20

// s3Digests are the digests in a bucket.
type s3Digests struct{ s *S3 }

func (b s3Digests) local() bool            { return false }
func (b s3Digests) name(key string) string { return b.s.url(key) }

func (b s3Digests) split(name string) (folder, tail string, ok bool) {
	return splitLog(strings.TrimPrefix(name, b.s.url("")))
}

// splitLog cuts the name of a log file before the year.
func splitLog(name string) (folder, tail string, ok bool) {
	k, ok := ParseKey(name)
	if !ok || k.Kind != KindTrail {
		return "", "", false
	}
	i := len(name)
	for range 4 {
		i = strings.LastIndexByte(name[:i], '/')
	}
	return name[:i+1], name[i+1:], true
}

// folders are the regions that were listed, and those that have digests only:
// somebody may have removed all logs of a region.
func (b s3Digests) folders(ctx context.Context, _ []string, report func(Problem)) ([]*logFolder, error) {
	if b.s.trails == nil {
		return nil, nil
	}
	var all []*logFolder
	for _, account := range b.s.trails.accounts {
		for _, dir := range account.regions {
			if f := b.folder(dir); len(f.asked) > 0 {
				all = append(all, f)
			}
		}
		if account.inside != "" || !account.asked || !allowed(b.s.cfg.Accounts, account.account) {
			continue
		}
		digests := digestFolder(account.path)
		names, _, err := b.s.folders(ctx, digests, digests)
		if err != nil {
			if ctx.Err() != nil {
				return nil, err
			}
			report(Problem{Object: b.s.url(digests), Offset: -1, Stage: StageList, Error: err.Error(), Count: 1})
			continue
		}
		for _, name := range names {
			known := slices.ContainsFunc(account.regions, func(d *regionDir) bool { return d.region == name })
			if known || !isRegion(name) || !allowed(b.s.cfg.Regions, name) {
				continue
			}
			window := b.s.window().interval()
			all = append(all, &logFolder{
				account: account.account, region: name, logs: account.path + name + "/", digests: digests + name + "/",
				asked: []interval{window}, read: []interval{window},
				holds: func(tail string) bool { return window.contains(fileStamp(tail[strings.LastIndexByte(tail, '/')+1:])) },
			})
		}
	}
	return all, nil
}

// digestFolder gives the folder of the digests of a folder .../CloudTrail/ or
// .../CloudTrail/REGION/.
func digestFolder(logs string) string {
	i := strings.LastIndex("/"+logs, "/"+KindTrail+"/")
	return logs[:i] + KindDigest + logs[i+len(KindTrail):]
}

func (b s3Digests) folder(dir *regionDir) *logFolder {
	f := &logFolder{account: dir.account, region: dir.region, logs: dir.path, digests: digestFolder(dir.path)}
	for _, s := range dir.covered {
		f.asked = append(f.asked, s.interval())
		f.read = append(f.read, s.interval())
	}
	for _, l := range dir.partial {
		for _, s := range l.spans {
			days := daysOf(strings.TrimPrefix(l.prefix, dir.path))
			f.asked = append(f.asked, common([]interval{s.interval()}, []interval{days})...)
			if l.err == nil {
				f.read = append(f.read, common([]interval{s.interval()}, []interval{days})...)
			}
		}
	}
	f.asked, f.read = joined(f.asked), joined(f.read)
	f.holds = func(tail string) bool {
		key := dir.path + tail
		in := func(r keyRange) bool { return key > r.low && !r.past(key) }
		for _, s := range dir.covered {
			if in(dir.keys(s)) {
				return true
			}
		}
		return slices.ContainsFunc(dir.partial, func(l *listing) bool {
			return l.err == nil && strings.HasPrefix(key, l.prefix) && slices.ContainsFunc(l.ranges, in)
		})
	}
	return f
}

// interval is the time of a span's stamps.
func (s span) interval() interval {
	i := interval{earliestTime, latestTime}
	if !s.from.IsZero() {
		i.from = s.from
	}
	if !s.to.IsZero() {
		i.to = s.to.Add(time.Minute)
	}
	return i
}

// daysOf is the time of the folders that begin with YYYY/MM/DD/ or a part of it.
func daysOf(prefix string) interval {
	parts := strings.Split(prefix, "/")
	parts = parts[:min(len(parts)-1, 3)] // the last is the beginning of a name
	date := []string{"", "01", "01"}
	copy(date, parts)
	from, ok := parseStamp(date...)
	if !ok {
		return interval{earliestTime, latestTime}
	}
	switch len(parts) {
	case 1:
		return interval{from, from.AddDate(1, 0, 0)}
	case 2:
		return interval{from, from.AddDate(0, 1, 0)}
	}
	return interval{from, from.AddDate(0, 0, 1)}
}

func (b s3Digests) list(ctx context.Context, f *logFolder, during interval) ([]digestKey, error) {
	var keys []digestKey
	last := during.to.Format("2006/01/02") + "~"
	for token, after := "", f.digests+during.from.Format("2006/01/02/"); ; {
		page, err := b.s.page(ctx, f.digests, after, token, 0)
		if err != nil {
			return keys, err
		}
		for _, k := range page.keys {
			if k.name > f.digests+last {
				return keys, nil
			}
			n, ok := parseDigestName(k.name)
			if ok && n.Account == f.account && n.Region == f.region && !n.Stamp.Before(during.from) && !n.Stamp.After(during.to) {
				keys = append(keys, digestKey{n, k.name})
			}
		}
		if page.next == "" || page.next == token {
			return keys, nil
		}
		token = page.next
	}
}

func (b s3Digests) fetch(ctx context.Context, key string) (f digestFile, err error) {
	err = b.s.again(ctx, func() error {
		b.s.getRequests.Add(1)
		out, err := b.s.client.GetObject(ctx, &s3.GetObjectInput{
			Bucket: aws.String(b.s.cfg.Bucket), Key: aws.String(key), RequestPayer: b.s.payer(),
		})
		if err != nil {
			return err
		}
		defer out.Body.Close()
		size := aws.ToInt64(out.ContentLength)
		if size > maxStoredDigest {
			return errLargeDigest
		}
		f.metadata(out.Metadata)
		f.body, err = readBody(nil, out.Body, size)
		return err
	})
	var api smithy.APIError
	switch {
	case err == nil:
		return f, nil
	case errors.Is(err, errLargeDigest):
		return f, fmt.Errorf("get %s: %w", b.s.url(key), err)
	case errors.As(err, &api) && (api.ErrorCode() == "NoSuchKey" || api.ErrorCode() == "NotFound"):
		return f, errNoDigest
	}
	return f, b.s.requestError(ctx, "get "+b.s.url(key), err)
}

var errLargeDigest = errors.New("larger than 16 MiB, which no digest is")

// sameBucket reports whether a bucket is the one that is read. What an access
// point stands for is not known.
func (b s3Digests) sameBucket(bucket string) bool {
	return bucket == b.s.cfg.Bucket || strings.HasPrefix(b.s.cfg.Bucket, "arn:") || strings.HasSuffix(b.s.cfg.Bucket, "-s3alias")
}

func (b s3Digests) at(_ *logFolder, key string, d *digest) (here, copied bool) {
	return d.key == key, !b.sameBucket(d.bucket)
}

func (b s3Digests) tail(f *logFolder, d *digest, l digestLog) (string, bool) {
	tail, ok := strings.CutPrefix(l.Key, f.logs)
	return tail, ok && (b.sameBucket(l.Bucket) || l.Bucket == d.bucket)
}

func (b s3Digests) previous(_ *logFolder, d *digest) (string, bool) {
	return d.previous.key, !d.first() && d.previous.bucket == d.bucket
}
