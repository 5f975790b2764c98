package ingest

import "time"

// What makes a silence worth a note. CloudTrail delivers nothing where nothing
// happens, so that a silence alone says nothing. It is told where
const (
	// it is as long as this, which no delay of a delivery explains;
	leastSilence = 3 * time.Hour
	// it is as many times longer than the longest pause before it, pauses at the
	// window's start included: a region that is used at night or at weekends
	// only has shown its pauses by then;
	silenceRhythm = 5
	// and what was delivered before spans as long a time as the silence, and
	// this at least: less shows no rhythm.
	leastRhythm = 6 * time.Hour
)

// Silence is a place from which nothing was delivered any more.
type Silence struct {
	// Account and Region say where. Region is empty where all that an account
	// had fell silent, both are where nothing came from anywhere.
	Account, Region string
	Since           time.Time // the end of the last hour with a delivery
	Until           time.Time // how far others, or the window, go on
	Hours           int64     // with deliveries before
	Pause           time.Duration
}

// Silences finds what fell silent in a window that begins with from (zero: with
// the first delivery). The place that goes on for longest says until when
// deliveries are to be expected, or until does where it is later and not zero:
// then all may have fallen silent together. What listed holds is merged; a place whose listing
// broke off is not judged.
func Silences(listed []ListedRegion, from, until time.Time) []Silence {
	var last time.Time
	whole := ListedRegion{Complete: true}
	var accounts []ListedRegion
	for _, l := range listed {
		for _, r := range l.Hours {
			// An object that comes late shows by itself that nobody goes on.
			if r.To.Sub(r.From) >= leastSilence && r.To.After(last) {
				last = r.To
			}
			if from.IsZero() || r.From.Before(from) {
				from = r.From
			}
		}
		if n := len(accounts); n == 0 || accounts[n-1].Account != l.Account {
			accounts = append(accounts, ListedRegion{Account: l.Account, Complete: true})
		}
		for _, sum := range []*ListedRegion{&accounts[len(accounts)-1], &whole} {
			sum.Hours = append(sum.Hours, l.Hours...)
			sum.Complete = sum.Complete && l.Complete
		}
	}
	from = from.Truncate(time.Hour)
	if until = until.UTC().Truncate(time.Hour); until.After(last) {
		if s, ok := whole.silence(from, until); ok {
			return []Silence{s}
		}
	}
	var found []Silence
	for _, account := range accounts {
		if s, ok := account.silence(from, last); ok {
			found = append(found, s)
			continue
		}
		for _, l := range listed {
			if l.Account != account.Account {
				continue
			}
			if s, ok := l.silence(from, last); ok {
				found = append(found, s)
			}
		}
	}
	return found
}

// silence judges the time from the last delivery until a time.
func (l ListedRegion) silence(from, until time.Time) (Silence, bool) {
	runs := UnionHours(l.Hours)
	if len(runs) == 0 || !l.Complete {
		return Silence{}, false
	}
	s := Silence{Account: l.Account, Region: l.Region, Since: runs[len(runs)-1].To, Until: until}
	before := from
	for _, r := range runs {
		s.Pause = max(s.Pause, r.From.Sub(before))
		s.Hours += r.Hours()
		before = r.To
	}
	long := until.Sub(s.Since)
	rhythm := s.Since.Sub(runs[0].From)
	return s, long >= leastSilence && long >= silenceRhythm*s.Pause && rhythm >= max(long, leastRhythm)
}
