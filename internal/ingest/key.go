package ingest

import (
	"strings"
	"time"
)

// The kinds of object that CloudTrail delivers, as the element of the key
// after the account says them. Only KindTrail holds trail events.
//
// https://docs.aws.amazon.com/awscloudtrail/latest/userguide/get-and-view-cloudtrail-log-files.html
const (
	KindTrail           = "CloudTrail"
	KindDigest          = "CloudTrail-Digest"
	KindInsight         = "CloudTrail-Insight"
	KindNetworkActivity = "CloudTrail-NetworkActivity"
	KindAggregated      = "CloudTrail-Aggregated"
)

// Key is what the name of a delivered object says:
//
//	[PREFIX/]AWSLogs/[ORG/]ACCOUNT/KIND/REGION/YYYY/MM/DD/FILE
type Key struct {
	// Prefix is what stands before AWSLogs, without the slash between them. It
	// is the organization's id once more where Control Tower made the trail.
	Prefix  string
	Org     string // the organization's id, o-..., or empty
	Account string // twelve digits
	Kind    string // KindTrail or one of its siblings, known here or not
	Region  string
	// Day is the date of the key, midnight UTC: the day of delivery.
	Day time.Time
	// Stamp is the time in the file's name: of delivery for a log file, of the
	// end of its hour for a digest. It bounds the file's events on neither side.
	// It is zero where the name holds none.
	Stamp time.Time
}

// ParseKey takes the name of a delivered object apart. The name is an object's
// key or a path with slashes, and may begin inside the layout, at AWSLogs, the
// organization, the account, or the kind if the file's name tells the account.
// It reports false for everything that is not laid out so.
//
// https://docs.aws.amazon.com/awscloudtrail/latest/userguide/get-and-view-cloudtrail-log-files.html
// and, for the names of digests,
// https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-log-file-validation-digest-file-structure.html
func ParseKey(key string) (Key, bool) {
	rest, file, ok := cutLast(key)
	if !ok || file == "" {
		return Key{}, false
	}
	rest, dd, _ := cutLast(rest)
	rest, mm, _ := cutLast(rest)
	rest, yyyy, _ := cutLast(rest)
	rest, region, _ := cutLast(rest)
	rest, kind, _ := cutLast(rest)

	day, ok := parseStamp(yyyy, mm, dd)
	if !ok || !isRegion(region) || !isKind(kind) {
		return Key{}, false
	}
	k := Key{Kind: kind, Region: region, Day: day}
	k.Stamp = fileStamp(file)

	before, account, _ := cutLast(rest)
	if isAccount(account) {
		k.Account, rest = account, before
	} else if account, _, _ = strings.Cut(file, "_"); isAccount(account) && rest == "" {
		k.Account = account
	} else {
		return Key{}, false
	}
	if before, org, _ := cutLast(rest); isOrg(org) {
		k.Org, rest = org, before
	}
	// Below the account everything is CloudTrail's own layout; above it a copy
	// of the logs may stand anywhere, so that AWSLogs is not insisted on.
	if before, name, _ := cutLast(rest); name == "AWSLogs" {
		rest = before
	}
	k.Prefix = rest
	return k, true
}

// cutLast cuts s at its last slash.
func cutLast(s string) (before, last string, found bool) {
	if i := strings.LastIndexByte(s, '/'); i >= 0 {
		return s[:i], s[i+1:], true
	}
	return "", s, false
}

// fileStamp finds the time in a file's name, whose parts are joined by
// underscores. The stamp is the last part or, in log files, the one before it;
// old log files lack the underscore between the stamp and the unique string.
func fileStamp(file string) time.Time {
	name, _, _ := strings.Cut(file, ".json")
	for name != "" {
		i := strings.LastIndexByte(name, '_')
		if t, ok := stampPrefix(name[i+1:]); ok {
			return t
		}
		name = name[:max(i, 0)]
	}
	return time.Time{}
}

// stampPrefix parses YYYYMMDDTHHmmZ or YYYYMMDDTHHmmssZ at the start of s.
func stampPrefix(s string) (time.Time, bool) {
	if len(s) < 14 || s[8] != 'T' {
		return time.Time{}, false
	}
	ymd := []string{s[:4], s[4:6], s[6:8]}
	switch {
	case s[13] == 'Z':
		return parseStamp(append(ymd, s[9:11], s[11:13])...)
	case len(s) >= 16 && s[15] == 'Z':
		return parseStamp(append(ymd, s[9:11], s[11:13], s[13:15])...)
	}
	return time.Time{}, false
}

// parseStamp makes a time of year, month, day and what follows of hour, minute
// and second, and refuses what no calendar holds.
func parseStamp(parts ...string) (time.Time, bool) {
	v := [6]int{}
	for i, p := range parts {
		width := 2
		if i == 0 {
			width = 4
		}
		if len(p) != width {
			return time.Time{}, false
		}
		for _, c := range []byte(p) {
			if c < '0' || c > '9' {
				return time.Time{}, false
			}
			v[i] = v[i]*10 + int(c-'0')
		}
	}
	t := time.Date(v[0], time.Month(v[1]), v[2], v[3], v[4], v[5], 0, time.UTC)
	// time.Date carries 31 February over into March; such a name is no stamp,
	// and years before 1970 would make Unix times negative.
	same := t.Year() == v[0] && int(t.Month()) == v[1] && t.Day() == v[2] &&
		t.Hour() == v[3] && t.Minute() == v[4] && t.Second() == v[5]
	return t, same && v[0] >= 1970
}

func isAccount(s string) bool {
	if len(s) != 12 {
		return false
	}
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}

// isOrg reports whether s is an organization's id: o- and 10 to 32 letters or
// digits, by
// https://docs.aws.amazon.com/organizations/latest/APIReference/API_Organization.html
func isOrg(s string) bool {
	return len(s) >= 12 && len(s) <= 34 && strings.HasPrefix(s, "o-") && isLowerAlnum(s[2:], false)
}

// isRegion accepts every name that a region could have one day.
func isRegion(s string) bool {
	return s != "" && s[0] >= 'a' && s[0] <= 'z' && isLowerAlnum(s, true)
}

// isKind accepts siblings of CloudTrail that are yet to come, so that they are
// told apart from the logs.
func isKind(s string) bool {
	name, ok := strings.CutPrefix(s, KindTrail)
	return ok && (name == "" || len(name) > 1 && name[0] == '-')
}

func isLowerAlnum(s string, dash bool) bool {
	for i := range len(s) {
		c := s[i]
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && (!dash || c != '-') {
			return false
		}
	}
	return true
}
