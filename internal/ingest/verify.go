package ingest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"golang.org/x/sync/errgroup"
)

const (
	// lateNaming is how long after its stamp a log file may be delivered, and so
	// be named by the digest of the next hour.
	lateNaming = time.Hour

	// digestLatency is how long after the end of its hour a digest is waited
	// for. AWS names no time; they come within the next hour.
	digestLatency = 2 * time.Hour

	// regionsAtOnce is how many regions' digests are checked at a time.
	regionsAtOnce = 4
)

// VerifyConfig says how a Verifier checks.
type VerifyConfig struct {
	// PublicKeys are the keys to check signatures with; nil asks CloudTrail for
	// those of each region, with AWS.
	PublicKeys *PublicKeys
	AWS        aws.Config

	// Since and Until are the window whose hours are to be proven, and the margins
	// those by which its objects are looked for, as in S3Config.
	Since, Until              time.Time
	MarginBefore, MarginAfter time.Duration

	// Now is when the scan began: what is delivered later it may have missed, and
	// the digests of the last hours may not be written yet.
	Now time.Time

	// Fetchers is how many digests are fetched at a time.
	Fetchers int
}

// Verifier checks what a scan has read against the digests that CloudTrail wrote
// beside the logs: that nothing was changed, removed or added, and by the
// signatures and links of the digests that none of them was either. It is stricter
// than `aws cloudtrail validate-logs` in that it finds what was appended to a
// file, files that no digest names, digests that do not fit the next one, and
// digests that are signed with a key of another time.
//
// It fetches digests only: a scan tells it by Seen what the log files held, which
// takes some 100 bytes of memory each.
//
// https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-log-file-validation-intro.html
type Verifier struct {
	cfg   VerifyConfig
	store digestStore
	keys  *keyring
	slots chan struct{}
	seen  map[string]*seenFolder // by the folder of the logs
	loose Problem                // of files that lie elsewhere

	counters *Counters
}

// NewS3Verifier makes a Verifier for what is read from src.
func NewS3Verifier(src *S3, cfg VerifyConfig) *Verifier {
	return newVerifier(&s3Digests{src}, cfg)
}

// NewLocalVerifier makes a Verifier for local copies of logs, read from these
// files and directories. Their digests are looked for below the directories and
// beside the logs, where `aws s3 sync` puts them.
//
// A copy lacks the metadata of the objects, which hold the signatures. Each
// digest repeats the signature of the one before it, so that all but the newest
// can be checked. The signature of that one is read from a file beside it
// whose name goes on with .metadata, if there is one: in hex, or what `aws s3api
// head-object` prints.
func NewLocalVerifier(paths []string, cfg VerifyConfig) *Verifier {
	return newVerifier(newLocalDigests(paths), cfg)
}

func newVerifier(store digestStore, cfg VerifyConfig) *Verifier {
	return &Verifier{
		cfg: cfg, store: store, keys: newKeyring(cfg.PublicKeys, cfg.AWS),
		loose: Problem{Offset: -1, Stage: StageVerify, Error: "not checked: it does not lie as CloudTrail delivers it, so that no digest can be found for it"},
		slots: make(chan struct{}, max(cfg.Fetchers, 1)), seen: map[string]*seenFolder{},
	}
}

// digestStore is where the digests of a scan lie.
type digestStore interface {
	// split cuts the name of a chunk into the folder of its region and what
	// follows, which begins with the year. It reports false for other files.
	split(name string) (folder, tail string, ok bool)
	// folders are the regions that were read or, by their digests, should have
	// been. Of each folder in which something was read seen has one file.
	folders(ctx context.Context, seen []string, report func(Problem)) ([]*logFolder, error)
	// list gives the digests in a folder whose stamps lie in the interval, its end
	// included, in order.
	list(ctx context.Context, f *logFolder, during interval) ([]digestKey, error)
	// fetch reads a digest; its error is errNoDigest where there is none.
	fetch(ctx context.Context, key string) (digestFile, error)
	// name is what reports call a file.
	name(key string) string
	// at reports whether a digest that names its own place lies there, and
	// whether the folder is a copy of where it was delivered to.
	at(f *logFolder, key string, d *digest) (here, copied bool)
	// tail gives the part of a log file's key behind f.logs, if it was delivered
	// to there by the digest's account.
	tail(f *logFolder, d *digest, l digestLog) (string, bool)
	// previous is the key of the digest before d.
	previous(f *logFolder, d *digest) (string, bool)
	// local reports whether it is a copy on disk: it may be a part of the trail,
	// unpacked, and without the digests' metadata.
	local() bool
}

var errNoDigest = errors.New("there is no such digest")

// digestFile is a digest as it is stored.
type digestFile struct {
	body []byte
	// From the object's metadata; empty where there are none.
	signature, algorithm, generated string
}

// digestKey is the place of a digest file with what its name says.
type digestKey struct {
	digestName
	key string
}

// logFolder is the folder of one account's logs in one region, and that of their
// digests.
type logFolder struct {
	account, region string
	logs, digests   string // both end with a slash
	// asked are the times of delivery that were to be read, and read those of
	// them that were listed to their end.
	asked, read []interval
	// holds reports whether the scan would have met a log file of that name.
	holds func(tail string) bool
}

// Verification is what a Verifier found.
type Verification struct {
	// Problems are the files that were changed, moved, removed or added, of the
	// stage verify, and what kept others from being checked.
	Problems []Problem
	Regions  []VerifiedRegion // sorted by account and region
	Digests  int64            // digests with a valid signature
	Logs     int64            // log files that are as they were delivered
}

// VerifiedRegion says what is proven of one account and region.
type VerifiedRegion struct {
	Account, Region string
	problems        int64
	proven          []interval // of event times
	wanted          interval   // of event times
	unproven        []interval // of times of delivery
	reasons         []string   // why, where more is known
}

// Seen tells what a chunk held. It is called by one goroutine at a time, and not
// while Check runs.
func (v *Verifier) Seen(c Chunk, content Content) {
	folder, tail, ok := v.store.split(c.Name)
	if !ok {
		// Whatever else CloudTrail delivers is no log file.
		if _, known := ParseKey(filepath.ToSlash(c.Name)); !known {
			if v.loose.Count++; v.loose.Object == "" || c.Name < v.loose.Object {
				v.loose.Object = c.Name
			}
		}
		return
	}
	s := v.seen[folder]
	if s == nil {
		s = &seenFolder{trailing: map[string]int64{}}
		v.seen[folder] = s
	}
	s.add(tail, content)
}

// Watch is what ScanOptions.Seen is to be: Seen, or nil for a Verifier that is nil.
func (v *Verifier) Watch() func(Chunk, Content) {
	if v == nil {
		return nil
	}
	return v.Seen
}

// Check reads the digests of everything that was read and compares. It is called
// once, after all reading. Its error is that of ctx; whatever else is wrong is a
// problem. The counters, which may be nil, tell how many digests there are.
func (v *Verifier) Check(ctx context.Context, counters *Counters) (Verification, error) {
	if v.counters = counters; counters == nil {
		v.counters = &Counters{}
	}
	var out Verification
	var seen []string
	for folder, logs := range v.seen {
		logs.sort()
		seen = append(seen, folder+string(logs.name(&logs.logs[0])))
	}
	slices.Sort(seen)
	folders, err := v.store.folders(ctx, seen, func(p Problem) { out.Problems = append(out.Problems, p) })
	if err != nil {
		return out, err
	}
	if v.loose.Count > 0 {
		out.Problems = append(out.Problems, v.loose)
	}
	checks := make([]*folderCheck, len(folders))
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(regionsAtOnce)
	for i, f := range folders {
		seen := v.seen[f.logs]
		if seen == nil {
			seen = &seenFolder{}
		}
		checks[i] = &folderCheck{v: v, f: f, seen: seen}
		g.Go(func() error { return checks[i].run(gctx) })
	}
	if err := g.Wait(); err != nil {
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		return out, err
	}
	for _, c := range checks {
		out.Add(Verification{Problems: c.problems, Regions: c.region(), Digests: c.digests, Logs: c.logs})
	}
	return out, nil
}

// Add adds the verification of another source. A region that both have is proven
// where both prove it.
func (v *Verification) Add(o Verification) {
	v.Digests += o.Digests
	v.Logs += o.Logs
	v.Problems = append(v.Problems, o.Problems...)
	sortProblems(v.Problems)
	for _, r := range o.Regions {
		i, ok := slices.BinarySearchFunc(v.Regions, r, func(a, b VerifiedRegion) int {
			return cmp.Or(cmp.Compare(a.Account, b.Account), cmp.Compare(a.Region, b.Region))
		})
		if !ok {
			v.Regions = slices.Insert(v.Regions, i, r)
			continue
		}
		have := &v.Regions[i]
		have.problems += r.problems
		have.wanted = interval{minTime(have.wanted.from, r.wanted.from), maxTime(have.wanted.to, r.wanted.to)}
		have.proven = common(have.proven, r.proven)
		have.unproven = joined(append(slices.Clone(have.unproven), r.unproven...))
		have.reasons = append(slices.Clone(have.reasons), r.reasons...)
	}
}

func minTime(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

func maxTime(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// shownIntervals is how many intervals a text lists.
const shownIntervals = 6

// String says what is proven, in one of these forms:
//
//	2026-11-20T06:00:00Z/2026-11-20T21:00:00Z
//	partial: A/B, C/D; nothing proves what was delivered in E/F
//	failed: 3 problems; proven are A/B
//	none: nothing proves what was delivered in E/F
//
// The first is the whole window: every event of that time that CloudTrail
// delivered within the delivery margin was read as it was delivered. In the second
// that holds for A to B and C to D, and nothing speaks against the rest. In the
// third something was changed, moved, removed or added. Ends are not included.
func (r VerifiedRegion) String() string {
	proven := intervalList(r.proven)
	if r.problems > 0 {
		text := fmt.Sprintf("failed: %d problem", r.problems)
		if r.problems > 1 {
			text += "s"
		}
		if proven != "" {
			text += "; proven are " + proven
		}
		return text
	}
	if r.Complete() {
		return proven
	}
	why := slices.Clone(r.reasons)
	if len(r.unproven) > 0 {
		why = append(why, "nothing proves what was delivered in "+intervalList(r.unproven))
	}
	text := "none"
	if proven != "" {
		text = "partial: " + proven
		if len(why) > 0 {
			text += "; "
		}
	} else if len(why) > 0 {
		text += ": "
	}
	return text + strings.Join(why, "; ")
}

// Failed reports whether something was changed, moved, removed or added, or could
// not be checked.
func (r VerifiedRegion) Failed() bool { return r.problems > 0 }

// Complete reports whether the whole window is proven and nothing is wrong.
func (r VerifiedRegion) Complete() bool {
	return r.problems == 0 && len(r.proven) == 1 && r.wanted.within(r.proven[0])
}

func intervalList(all []interval) string {
	var parts []string
	for i, v := range all {
		if i == shownIntervals {
			parts = append(parts, fmt.Sprintf("and %d more", len(all)-i))
			break
		}
		parts = append(parts, v.String())
	}
	return strings.Join(parts, ", ")
}
