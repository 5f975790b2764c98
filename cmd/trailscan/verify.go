package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/spf13/pflag"

	"github.com/trailscan/trailscan/internal/attribute"
	"github.com/trailscan/trailscan/internal/ingest"
)

// verifyFlags ask for a check of the logs against the trail's digests.
type verifyFlags struct {
	on   bool
	keys string // a file, or empty
}

func (f *verifyFlags) add(flags *pflag.FlagSet) {
	flags.BoolVar(&f.on, "verify", false, "check what is read against the digests that CloudTrail signed: that nothing was changed, removed or added")
	flags.StringVar(&f.keys, "public-keys", "", "check signatures with the keys in `FILE`, as aws cloudtrail list-public-keys prints them or in PEM (default: CloudTrail is asked)")
}

// check gives the keys in the file, if one is named.
func (f *verifyFlags) check(from operands) (*ingest.PublicKeys, error) {
	switch {
	case f.keys != "" && !f.on:
		return nil, usageError("add --verify", "--public-keys says what to check digests with, but no check is asked for")
	case !f.on:
		return nil, nil
	case from.lookup:
		return nil, usageError("scan the bucket of a trail", "--verify checks a trail's digests, and LookupEvents has none")
	case slices.Contains(from.paths, ingest.Stdin):
		return nil, usageError("name the directory that holds the logs and their digests", "--verify checks files that lie as CloudTrail delivers them, and standard input has no place")
	}
	return readFile("public-keys", f.keys, ingest.ReadPublicKeys)
}

// newVerifier makes the verifier of one input, nil if nobody asked for it.
func (rd *reading) newVerifier(ctx context.Context, notes *notes, source ingest.Source) (*ingest.Verifier, error) {
	if !rd.flags.verify.on {
		return nil, nil
	}
	cfg := ingest.VerifyConfig{
		PublicKeys: rd.keys,
		Since:      rd.window.since, Until: rd.window.until,
		MarginBefore: rd.flags.margin.value.before, MarginAfter: rd.flags.margin.value.after,
		Now: rd.now, Fetchers: rd.fetchers(),
	}
	if rd.keys == nil {
		var err error
		if cfg.AWS, err = rd.loadAWS(ctx, notes); err != nil {
			return nil, err
		}
	}
	if bucket, ok := source.(*ingest.S3); ok {
		return ingest.NewS3Verifier(bucket, cfg), nil
	}
	return ingest.NewLocalVerifier(rd.from.paths, cfg), nil
}

// verify checks everything that was read.
func (r *reader) verify(ctx context.Context, notes *notes) error {
	for _, v := range r.verifiers {
		if v == nil {
			continue
		}
		notes.info("checking the digests")
		counters := &ingest.Counters{}
		stop := r.progress.watch("checking digests", counters)
		found, err := v.Check(ctx, counters)
		stop()
		if err != nil {
			return err
		}
		r.got.verification.Add(found)
		notes.info("%s and %s have a valid signature and hash", plural(found.Digests, "digest"), plural(found.Logs, "log file"))
	}
	return nil
}

// fillVerified puts into a result what the verification found.
func fillVerified(res *attribute.Result, v ingest.Verification) {
	res.Scan.Problems = append(res.Scan.Problems, v.Problems...)
	for _, r := range v.Regions {
		i, ok := slices.BinarySearchFunc(res.Coverage, r, func(c attribute.Coverage, r ingest.VerifiedRegion) int {
			return cmp.Or(cmp.Compare(c.AccountID, r.Account), cmp.Compare(c.Region, r.Region))
		})
		if !ok {
			res.Coverage = slices.Insert(res.Coverage, i, attribute.Coverage{AccountID: r.Account, Region: r.Region})
		}
		res.Coverage[i].Verified = r.String()
	}
}

// unproven says that something is neither proven nor wrong.
func unproven(v ingest.Verification) []string {
	n := int64(0)
	var first ingest.VerifiedRegion
	for _, r := range v.Regions {
		if !r.Complete() && !r.Failed() {
			if n++; n == 1 {
				first = r
			}
		}
	}
	if n == 0 {
		return nil
	}
	return []string{fmt.Sprintf("%s of %s not proven for the whole window, as the coverage says; the first: %s %s: %s",
		count(n), plural(int64(len(v.Regions)), "region"), first.Account, first.Region, first)}
}
