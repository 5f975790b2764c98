package ingest

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/smithy-go"
)

// digestsAhead is how many digests of a chain are fetched before they are needed.
const digestsAhead = 8

// chainWalk goes through the digests of one trail from the newest to the oldest.
type chainWalk struct {
	*folderCheck
	keys   []digestKey // in the order of their stamps
	period interval    // of the digests' stamps that are wanted
	ahead  *ahead

	// Of delivery:
	good   []interval // by digests that are signed
	lost   []interval // of digests that are gone or not to be believed
	oldest time.Time  // how far back the digests reach so far
}

// run goes from each digest to the one that it names, and where it names none,
// or the digest at hand is no good, to the next older one that is there.
func (w *chainWalk) run(ctx context.Context) error {
	last := w.keys[len(w.keys)-1]
	w.ahead = &ahead{fetch: func(key string) (digestFile, error) { return w.v.fetch(ctx, key) }, keys: w.keys, next: len(w.keys) - 1}
	defer w.ahead.running.Wait()
	w.oldest = last.Stamp
	var newer *digest // the one that led to the one at hand
	for at, more := last, true; more; {
		if err := ctx.Err(); err != nil {
			return err
		}
		var next digestKey
		next, more = w.older(at)
		d, signed, err := w.judge(ctx, at, newer)
		switch {
		case errors.Is(err, errNoDigest) && w.v.store.local() && !more:
			// The copy begins here.
		case errors.Is(err, errNoDigest):
			w.wrong(at.key, digestGone)
			fallthrough
		case err == nil && d == nil:
			// What tells where its time began is the end of the next older one.
			hole := interval{w.period.from, w.oldest}
			if more {
				hole.from = next.Stamp
			}
			w.lost = append(w.lost, hole)
		case err != nil:
			return err
		}
		newer = nil
		if d != nil {
			w.take(d, signed)
			if d.start.Before(w.period.from) {
				break
			}
			if prev, ok := w.previous(at, d); ok {
				next, more, newer = prev, true, d
			}
		}
		if newer == nil && more {
			w.oldest = minTime(w.oldest, next.Stamp)
		}
		at = next
	}
	if last.backfill {
		return nil // it names log files of other hours than its own
	}
	extent := interval{w.oldest, last.Stamp}
	for _, i := range w.good {
		extent.to = maxTime(extent.to, i.to)
	}
	w.proven = append(w.proven, w.good...)
	w.broken = append(w.broken, without(w.lost, w.good)...)
	w.gaps = append(w.gaps, without([]interval{extent}, slices.Concat(w.good, w.lost))...)
	if !w.extent.empty() {
		extent = interval{minTime(w.extent.from, extent.from), maxTime(w.extent.to, extent.to)}
	}
	w.extent = extent
	return nil
}

// take takes a digest at its word.
func (w *chainWalk) take(d *digest, signed bool) {
	if signed {
		w.digests++
		w.good = append(w.good, interval{d.start, d.end})
		w.oldest = minTime(w.oldest, d.start)
	}
	w.named(d, signed)
}

// previous is the digest that d, which lies at a place, goes on from.
func (w *chainWalk) previous(at digestKey, d *digest) (digestKey, bool) {
	key, ok := w.v.store.previous(w.f, d)
	if !ok {
		return digestKey{}, false
	}
	name, ok := parseDigestName(key)
	// One that leads forward would lead round in circles.
	return digestKey{name, key}, ok && name.Stamp.Before(at.Stamp)
}

// older is the newest digest that is there and older than one.
func (w *chainWalk) older(than digestKey) (digestKey, bool) {
	i, _ := slices.BinarySearchFunc(w.keys, than.Stamp, func(k digestKey, t time.Time) int { return k.Stamp.Compare(t) })
	if i == 0 {
		return digestKey{}, false
	}
	return w.keys[i-1], true
}

// judge fetches a digest and checks it. newer is the digest that named it, if one
// did. It gives nil for a digest that is not to be believed, and tells why;
// signed is false for one that nothing speaks against or for. The error is that
// of ctx, or errNoDigest.
func (w *chainWalk) judge(ctx context.Context, at digestKey, newer *digest) (d *digest, signed bool, err error) {
	file, err := w.ahead.get(at)
	switch {
	case ctx.Err() != nil:
		return nil, false, ctx.Err()
	case errors.Is(err, errNoDigest):
		return nil, false, err
	case err != nil:
		w.once(fetchKind(err), w.v.store.name(at.key), StageFetch, err.Error())
		return nil, false, nil
	}
	raw, trailing, err := inflateDigest(file.body)
	if err == nil {
		d, err = parseDigest(raw)
	}
	if err != nil {
		w.wrong(at.key, "digest changed: "+oneLine(err.Error()))
		return nil, false, nil
	}
	if trailing {
		w.wrong(at.key, "digest "+appended)
	}
	text := ""
	here, copied := w.v.store.at(w.f, at.key, d)
	switch {
	case !here:
		text = digestMoved
	case d.account != w.f.account && d.account != "":
		text = digestForeign
	case file.algorithm != "" && file.algorithm != digestAlgorithm, d.algorithm != "" && d.algorithm != digestAlgorithm:
		text = digestMethod
	case at.backfill && file.generated == "" && !w.v.store.local():
		text = digestNoDate
	}
	if text != "" {
		w.wrong(at.key, text)
		return nil, false, nil
	}
	signature := file.signature
	if !w.v.store.local() && (signature == "" || file.algorithm == "") {
		w.wrong(at.key, digestUnsigned)
	}
	if signature == "" {
		// The next digest repeats it.
		if newer != nil {
			signature = newer.previousSignature
		}
	}
	if signature == "" || signature == "null" {
		if !w.v.store.local() {
			return nil, false, nil
		}
		w.reasons = append(w.reasons, "the signature of the digest of "+interval{d.start, d.end}.String()+" is not in the copy")
		return d, false, nil
	}
	key, err := w.key(ctx, d, file)
	switch {
	case ctx.Err() != nil:
		return nil, false, ctx.Err()
	case err != nil:
		w.once("keys", w.v.store.name(w.f.digests), StageFetch, err.Error())
		return nil, false, nil
	case key == nil:
		w.once("key "+d.fingerprint, w.v.store.name(at.key), StageVerify, fmt.Sprintf("digest not checked: there is no public key %s of CloudTrail in %s", oneLine(d.fingerprint), w.f.region))
		return nil, false, nil
	}
	if d.verify(key.PublicKey, signature) != nil {
		w.wrong(at.key, digestForged)
		return nil, false, nil
	}
	if !signedInTime(key, d, file) {
		w.wrong(at.key, digestOutdated)
		return nil, false, nil
	}
	if copied {
		w.once(digestCopied, w.v.store.name(at.key), StageVerify, digestCopied)
	}
	if newer != nil && (newer.previous.hash != "" && !strings.EqualFold(newer.previous.hash, hex.EncodeToString(d.sum[:])) ||
		!strings.EqualFold(newer.previousSignature, signature)) {
		w.wrong(at.key, digestUnlinked)
	}
	return d, true, nil
}

// fetchKind is what a failed fetch has in common with others that fail alike.
func fetchKind(err error) string {
	var api smithy.APIError
	var request *RequestError
	switch {
	case errors.As(err, &api):
		return "fetch " + api.ErrorCode()
	case errors.As(err, &request):
		return "fetch " + request.Why
	}
	return "fetch " + err.Error()
}

// signedInTime reports whether CloudTrail may have signed a digest with a key: soon
// after the digest's hour, or when a backfill digest was made. The tolerances are
// those with which the AWS CLI asks for keys (awscli/customizations/cloudtrail/
// validation.py, DigestTraverser), so that it would not have found another one
// either had it been asked for this digest alone.
func signedInTime(key *publicKey, d *digest, file digestFile) bool {
	if key.signsIn(d.start, d.end.Add(2*time.Hour)) {
		return true
	}
	generated, err := time.Parse(time.RFC3339, file.generated)
	return err == nil && key.signsIn(generated.Add(-time.Hour), generated.Add(time.Hour))
}

// key finds the key to check a digest with. That of a backfill digest is of the
// time of its generation, which may be days later than what it is about.
func (w *chainWalk) key(ctx context.Context, d *digest, file digestFile) (*publicKey, error) {
	during := interval{w.keys[0].Stamp.Add(-2 * time.Hour), w.keys[len(w.keys)-1].Stamp.Add(time.Hour)}
	if own := (interval{d.start, d.end.Add(time.Hour)}); !own.within(during) {
		during = own
	}
	if generated, err := time.Parse(time.RFC3339, file.generated); err == nil {
		if key, err := w.v.keys.find(ctx, w.f.region, d.fingerprint, during); key != nil || err != nil {
			return key, err
		}
		during = interval{generated.Add(-time.Hour), generated.Add(time.Hour)}
	}
	return w.v.keys.find(ctx, w.f.region, d.fingerprint, during)
}

// fetch reads a digest when a slot is free.
func (v *Verifier) fetch(ctx context.Context, key string) (digestFile, error) {
	select {
	case v.slots <- struct{}{}:
	case <-ctx.Done():
		return digestFile{}, ctx.Err()
	}
	defer func() { <-v.slots }()
	file, err := v.store.fetch(ctx, key)
	v.counters.Objects.Add(1)
	v.counters.BytesStored.Add(int64(len(file.body)))
	return file, err
}

// ahead fetches digests in the order in which a walk will probably ask for them.
type ahead struct {
	fetch   func(key string) (digestFile, error)
	keys    []digestKey
	next    int // in keys, downwards
	pending []*fetching
	running sync.WaitGroup
}

type fetching struct {
	digestKey
	done chan struct{}
	file digestFile
	err  error
}

// get gives a digest, which was asked for ahead of time or is fetched now.
func (a *ahead) get(k digestKey) (digestFile, error) {
	passed := func(o digestKey) bool { return o.key != k.key && !o.Stamp.Before(k.Stamp) }
	a.pending = slices.DeleteFunc(a.pending, func(f *fetching) bool { return passed(f.digestKey) })
	for ; a.next >= 0 && len(a.pending) < digestsAhead; a.next-- {
		if passed(a.keys[a.next]) {
			continue
		}
		f := &fetching{digestKey: a.keys[a.next], done: make(chan struct{})}
		a.pending = append(a.pending, f)
		a.running.Go(func() {
			defer close(f.done)
			f.file, f.err = a.fetch(f.key)
		})
	}
	i := slices.IndexFunc(a.pending, func(f *fetching) bool { return f.key == k.key })
	if i < 0 {
		return a.fetch(k.key)
	}
	f := a.pending[i]
	a.pending = slices.Delete(a.pending, i, i+1)
	<-f.done
	return f.file, f.err
}
