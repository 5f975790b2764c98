package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"
)

// defaultWindow is how far back a bucket or the API is read.
const defaultWindow = day

// defaultLookback is the longest that a role session lives.
//
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use.html
const defaultLookback = 12 * time.Hour

// requester is the only value of --request-payer.
const requester = "requester"

// flagGroup is some flags under one heading of the help.
type flagGroup struct {
	title string
	flags *pflag.FlagSet
}

// inputFlags say what is read, and how. Every command that reads has them.
type inputFlags struct {
	bucket, prefix parsed[string]
	lookup         bool
	verify         verifyFlags
	athena         athenaFlags

	since, until parsed[time.Time]
	lookback     parsed[time.Duration]
	margin       parsed[margin]

	accounts, regions list
	role              parsed[string]

	config   string
	ipRanges string

	profile      string
	endpoint     string
	requestPayer parsed[string]

	concurrency          parsed[int]
	maxMemory, maxObject parsed[int64]
	progress             parsed[string]
	quiet                bool
	logLevel             parsed[string]
}

func newInputFlags(now time.Time) *inputFlags {
	instant := func(s string) (time.Time, error) { return parseTime(s, now) }
	return &inputFlags{
		bucket:       parsed[string]{kind: "NAME", parse: parseBucket},
		prefix:       parsed[string]{kind: "PREFIX", parse: parsePrefix},
		since:        parsed[time.Time]{kind: "TIME", parse: instant},
		until:        parsed[time.Time]{kind: "TIME", parse: instant},
		lookback:     parsed[time.Duration]{kind: "DURATION", parse: parseDuration, value: defaultLookback, text: "12h"},
		athena:       newAthenaFlags(),
		margin:       parsed[margin]{kind: "[BEFORE,]AFTER", parse: parseMargin, value: defaultMargin, text: "15m,1h"},
		accounts:     list{kind: "ID,...", check: checkAccount},
		regions:      list{kind: "REGION,...", check: checkRegion},
		role:         parsed[string]{kind: "GLOB", parse: parseGlob},
		requestPayer: parsed[string]{parse: oneOf(requester)},
		concurrency:  parsed[int]{kind: "N", parse: parseCount},
		maxMemory:    parsed[int64]{kind: "SIZE", parse: parseMemory},
		maxObject:    parsed[int64]{kind: "SIZE", parse: parseSize},
		progress:     parsed[string]{kind: "WHEN", parse: oneOf(progressAuto, progressAlways, progressNever), value: progressAuto, text: progressAuto},
		logLevel:     parsed[string]{kind: "LEVEL", parse: oneOf(logLevels...), value: "warn", text: "warn"},
	}
}

func (f *inputFlags) groups() []flagGroup {
	source := pflag.NewFlagSet("source", pflag.ContinueOnError)
	source.Var(&f.bucket, "bucket", "read the trail in this S3 bucket, as s3://NAME does")
	source.Var(&f.prefix, "prefix", "where in the bucket the trail begins (default: it is looked for)")
	source.BoolVar(&f.lookup, "lookup", false, "ask the LookupEvents API of the caller's account: the last 90 days of management events, in the regions of --region")
	f.verify.add(source)

	window := pflag.NewFlagSet("window", pflag.ContinueOnError)
	window.Var(&f.since, "since", "events from `TIME` on: a duration back from now (90m, 24h, 7d, 2w), a date (UTC) or RFC 3339 (default 24h; for local files everything)")
	window.Var(&f.until, "until", "events before `TIME` (default now; for local files everything)")
	window.Var(&f.lookback, "lookback", "how far before the window the events that issued its credentials are looked for")
	window.Var(&f.margin, "delivery-margin", "how far before and after the window objects are read, since an object's stamp bounds its events on neither side; one duration is the after")

	filter := pflag.NewFlagSet("filter", pflag.ContinueOnError)
	filter.Var(&f.accounts, "account", "read calls of these accounts only")
	filter.Var(&f.regions, "region", "read calls of these regions only; all for all")
	filter.Var(&f.role, "role", "report roles only whose name matches, such as 'orders-*'; what others did is evidence still")
	filter.StringVar(&f.config, "config", "", "read app names, trusted accounts, rule switches and ignores from a YAML `FILE`")
	filter.StringVar(&f.ipRanges, "aws-ip-ranges", "", "`FILE` in place of the list of AWS's address ranges that is built in (https://ip-ranges.amazonaws.com/ip-ranges.json)")

	aws := pflag.NewFlagSet("aws", pflag.ContinueOnError)
	aws.StringVar(&f.profile, "profile", "", "`NAME` of a profile of the AWS configuration")
	aws.StringVar(&f.endpoint, "endpoint-url", "", "`URL` that takes the place of AWS's endpoints")
	aws.Var(&f.requestPayer, "request-payer", "pay for requests to a bucket whose requester pays")
	aws.Lookup("request-payer").NoOptDefVal = requester

	running := pflag.NewFlagSet("run", pflag.ContinueOnError)
	running.Var(&f.concurrency, "concurrency", "how many objects are fetched and decoded at a time; never more are decoded than there are processors (default: the number of processors, and from S3 as many fetches as prove worth it, up to 256)")
	running.Var(&f.maxMemory, "max-memory", "how much memory may be used, such as 2GiB; a scan that needs more says so and ends (default: most of what the machine has left, where it tells)")
	running.Var(&f.maxObject, "max-object-size", "how much one object may inflate to (default 4GiB)")
	running.Var(&f.progress, "progress", "show progress on standard error: auto is on a terminal, always gives lines for a log, never")
	running.BoolVarP(&f.quiet, "quiet", "q", false, "no progress and no warnings on standard error, only errors")
	running.Var(&f.logLevel, "log-level", "what standard error tells: error, warn, info or debug")
	return []flagGroup{{"Source", source}, {"Window", window}, {"Filters and settings", filter}, {"AWS", aws}, {"Athena", f.athena.set()}, {"Running", running}}
}

// operands is where the events come from: one kind of source, not several.
type operands struct {
	paths   []string   // local files and directories, - for standard input
	buckets []location // trails in S3
	lookup  bool
	rollups []string // results of queries on Athena
}

// location is a place in S3.
type location struct{ bucket, prefix string }

func (l location) String() string { return "s3://" + l.bucket + "/" + l.prefix }

// String gives the operands as a report names its source.
func (o operands) String() string {
	var parts []string
	for _, b := range o.buckets {
		parts = append(parts, b.String())
	}
	if o.lookup {
		parts = append(parts, "LookupEvents")
	}
	return strings.Join(slices.Concat(parts, o.paths, o.rollups), " ")
}

// local reports whether the events come from files.
func (o operands) local() bool { return len(o.paths) > 0 || len(o.rollups) > 0 }

const sourceHint = "give files or directories (- is standard input), s3://BUCKET/PREFIX or --bucket NAME, or --lookup"

// operands settles the source from flags and arguments.
func (f *inputFlags) operands(args []string) (operands, error) {
	var o operands
	var kinds []string
	if f.lookup {
		o.lookup = true
		kinds = append(kinds, "--lookup")
	}
	if f.bucket.given {
		o.buckets = append(o.buckets, location{f.bucket.value, f.prefix.value})
		kinds = append(kinds, "--bucket")
	} else if f.prefix.given {
		return o, usageError("add --bucket NAME, or write s3://NAME/"+f.prefix.value, "--prefix says where in a bucket, but no --bucket is given")
	}
	if f.athena.rollup.given {
		o.rollups = []string{f.athena.rollup.value}
		kinds = append(kinds, "--from-rollup")
	}
	for _, arg := range args {
		if arg == "" {
			return o, usageError("a shell variable may be empty", "an operand is empty")
		}
		if o.rollups != nil {
			o.rollups = append(o.rollups, arg)
			continue
		}
		if rest, ok := cutScheme(arg); ok {
			l, err := parseLocation(rest)
			if err != nil {
				return o, usageError("s3://BUCKET/PREFIX", "%s: %w", arg, err)
			}
			if !slices.Contains(kinds, "s3://") {
				kinds = append(kinds, "s3://")
			}
			o.buckets = append(o.buckets, l)
			continue
		}
		if len(o.paths) == 0 {
			kinds = append(kinds, "local files")
		}
		if arg == "-" && slices.Contains(o.paths, "-") {
			return o, usageError("give - once", "standard input can be read only once")
		}
		o.paths = append(o.paths, arg)
	}
	switch len(kinds) {
	case 0:
		return o, usageError(sourceHint, "nothing to read: no source is given")
	case 1:
		return o, nil
	}
	return o, usageError("run trailscan once for each", "one kind of source at a time, not %s", strings.Join(kinds, " and "))
}

// cutScheme takes s3:// off an operand.
func cutScheme(arg string) (rest string, ok bool) {
	if len(arg) >= 5 && strings.EqualFold(arg[:5], "s3://") {
		return arg[5:], true
	}
	return arg, false
}

// parseLocation reads BUCKET/PREFIX.
func parseLocation(s string) (location, error) {
	bucket, prefix, _ := strings.Cut(s, "/")
	bucket, err := parseBucket(bucket)
	return location{bucket, prefix}, err
}

func parseBucket(s string) (string, error) {
	switch _, scheme := cutScheme(s); {
	case s == "":
		return "", fmt.Errorf("the bucket has no name")
	case scheme:
		return "", fmt.Errorf("the name alone, without s3://; or give s3://BUCKET/PREFIX as an operand")
	case strings.Contains(s, "/") && !strings.HasPrefix(s, "arn:"):
		return "", fmt.Errorf("the name alone; where in the bucket is --prefix")
	case strings.ContainsAny(s, " \t\n\\"):
		return "", fmt.Errorf("no bucket has a name like this")
	}
	return s, nil
}

func parsePrefix(s string) (string, error) {
	if _, scheme := cutScheme(s); scheme {
		return "", fmt.Errorf("the prefix alone, without s3://BUCKET/")
	}
	return s, nil
}

// window settles the window. Files are taken whole, since they are what
// somebody picked; a trail or an account's history would be all there is.
func (f *inputFlags) window(o operands, now time.Time) (window, error) {
	w := window{f.since.value, f.until.value}
	end, endName := w.until, "--until"
	if !f.until.given {
		end, endName = roundUp(now).UTC(), "now"
	}
	if !o.local() {
		w.until = end
		if !f.since.given {
			w.since = end.Add(-defaultWindow)
			if f.until.given {
				w.since = roundUp(now).UTC().Add(-defaultWindow)
			}
		}
	}
	if !w.since.IsZero() && !w.until.IsZero() && !w.since.Before(w.until) {
		since := "--since"
		if !f.since.given {
			since = "the default --since"
		}
		return w, usageError("a duration counts back from now, so that the window of yesterday is --since 48h --until 24h",
			"the window is empty: %s (%s) is not before %s (%s)", since, w.since.Format(time.RFC3339), endName, end.Format(time.RFC3339))
	}
	return w, nil
}

func parseMemory(s string) (int64, error) {
	n, err := parseSize(s)
	if err == nil && n < 32<<20 {
		return 0, fmt.Errorf("trailscan itself needs 32MiB")
	}
	return n, err
}
