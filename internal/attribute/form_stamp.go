package attribute

import (
	"strconv"
	"strings"
	"time"
)

// The times that a stamp in a name may tell: before, there were no roles to
// assume (https://docs.aws.amazon.com/STS/latest/APIReference/, version
// 2011-06-15), and beyond, a number is hardly a time.
const (
	firstStamp = 1293840000 // 2011-01-01
	lastStamp  = 2524608000 // 2050-01-01
)

// dotnetEpoch is 1970 in the ticks of .NET: 100 ns each since the year 1.
// https://learn.microsoft.com/dotnet/api/system.datetime.ticks
const dotnetEpoch = 621355968000000000

// StampOf gives the time that a name carries: a number of seconds (10 digits),
// milliseconds (13), microseconds (16) or nanoseconds (19) since 1970, ticks of
// .NET (18), a date and time of 14 or 17 digits, or the time in a KSUID. A
// number counts when nothing but separators stands around it; of several the
// last counts.
func StampOf(name string) (time.Time, bool) {
	id := strings.TrimPrefix(name, "gntd-")
	if isKSUID(id) {
		if s, ok := ksuidTime(id); ok && s >= firstStamp && s < lastStamp {
			return time.Unix(s, 0).UTC(), true
		}
	}
	for end := len(name); end > 0; {
		start := end
		for start > 0 && isDigit(name[start-1]) {
			start--
		}
		alone := (start == 0 || !isAlnum(name[start-1])) && (end == len(name) || !isAlnum(name[end]))
		if alone && start < end {
			if t, ok := stamp(name[start:end]); ok {
				return t, true
			}
		}
		if start == end {
			end--
		} else {
			end = start
		}
	}
	return time.Time{}, false
}

func stamp(number string) (time.Time, bool) {
	var t time.Time
	n, err := strconv.ParseInt(number, 10, 64)
	if err != nil {
		return t, false
	}
	switch len(number) {
	case 10:
		t = time.Unix(n, 0)
	case 13:
		t = time.UnixMilli(n)
	case 16:
		t = time.UnixMicro(n)
	case 18:
		n -= dotnetEpoch
		t = time.Unix(n/1e7, n%1e7*100)
	case 19:
		t = time.Unix(n/1e9, n%1e9)
	case 14, 17:
		t, err = time.Parse("20060102150405", number[:14])
		if err != nil {
			return time.Time{}, false
		}
		if len(number) == 17 {
			ms, _ := strconv.Atoi(number[14:])
			t = t.Add(time.Duration(ms) * time.Millisecond)
		}
	default:
		return t, false
	}
	if s := t.Unix(); s < firstStamp || s >= lastStamp {
		return time.Time{}, false
	}
	return t.UTC(), true
}
