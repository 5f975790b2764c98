package main

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/trailscan/trailscan/internal/attribute"
	"github.com/trailscan/trailscan/internal/ingest"
)

// deliveryDelay is up to how long before the end of the window events are
// said to be on their way still. CloudTrail delivers after about five minutes on
// average and promises nothing.
//
// https://docs.aws.amazon.com/awscloudtrail/latest/userguide/get-and-view-cloudtrail-log-files.html
const deliveryDelay = 15 * time.Minute

// somePlaces is how many accounts or regions a warning names.
const somePlaces = 5

// expected finds out what the inputs expect of each account and region, and
// what of that did not come.
func (r *reader) expected() {
	var all []ingest.ListedRegion
	for _, in := range r.inputs {
		if in.listed != nil {
			all = append(all, in.listed()...)
		}
		if in.guess != "" {
			r.got.guesses = append(r.got.guesses, in.guess)
		}
	}
	r.got.listed = ingest.MergeListed(all)
	var until time.Time
	if !r.from.local() {
		until = r.window.until
		if r.now.Before(until) {
			until = r.now
		}
	}
	r.got.silences = ingest.Silences(r.got.listed, r.window.since, until)
	var buckets []*ingest.S3
	for _, in := range r.inputs {
		if bucket, ok := in.source.(*ingest.S3); ok {
			buckets = append(buckets, bucket)
		}
	}
	r.got.unmatched, r.got.missed = r.unmatched(buckets)
}

// unmatched says which accounts and regions of the filter are nowhere in what
// was read, or in the buckets: a mistyped one would look like a quiet one. Where
// a filter names none that a bucket has, nothing can be read, and missed says so.
func (r *reader) unmatched(buckets []*ingest.S3) (list []string, missed error) {
	accounts, regions := r.audit.Places()
	where := "what was read"
	if len(buckets) > 0 {
		// A place may have logs and none in the window.
		accounts, regions, where = nil, nil, r.from.String()
		for _, bucket := range buckets {
			accounts = append(accounts, bucket.Accounts()...)
			regions = append(regions, bucket.Regions()...)
		}
	}
	if r.from.lookup {
		regions = r.regions() // each was asked, and may have had no events
	}
	tell := func(flag string, asked, there []string) {
		slices.Sort(there)
		there = slices.Compact(there)
		missing := slices.DeleteFunc(slices.Clone(asked), func(s string) bool { return slices.Contains(there, s) })
		if len(missing) == 0 {
			return
		}
		text := fmt.Sprintf("%s %s matches nothing in %s", flag, strings.Join(missing, ","), where)
		if len(there) > 0 {
			text += ", which has " + some(there)
		}
		list = append(list, text)
		if len(buckets) > 0 && len(missing) == len(asked) && missed == nil {
			missed = errors.New(text)
		}
	}
	tell("--account", r.accounts, accounts)
	if len(list) == 0 || len(regions) > 0 { // else the accounts are why
		tell("--region", r.regions(), regions)
	}
	return list, missed
}

// nothing is the error of a reading that had nothing to read, where that speaks
// of a mistake and not of a quiet time: a clean report would hide it for ever.
func (got gotten) nothing(from operands) error {
	t := got.totals
	switch {
	case len(t.Problems) > 0: // which are reported
		return nil
	case got.missed != nil:
		return got.missed
	case slices.Equal(from.paths, []string{ingest.Stdin}) && t.Bytes == 0:
		return errors.New("standard input is empty: see whether what should write to it failed")
	case len(from.paths) > 0 && t.Bytes == 0:
		return fmt.Errorf("%s: there is not a byte in it: see whether what should write it failed", from)
	}
	return nil
}

// some names the first of a list.
func some(list []string) string {
	if more := len(list) - somePlaces; more > 0 {
		return strings.Join(list[:somePlaces], ", ") + " and " + count(int64(more)) + " more"
	}
	return strings.Join(list, ", ")
}

// fillCoverage puts into a result what was expected of each account and region
// and what of it was read.
func (got gotten) fillCoverage(res *attribute.Result) {
	row := func(account, region string) *attribute.Coverage {
		i, ok := slices.BinarySearchFunc(res.Coverage, [2]string{account, region}, func(c attribute.Coverage, at [2]string) int {
			return cmp.Or(cmp.Compare(c.AccountID, at[0]), cmp.Compare(c.Region, at[1]))
		})
		if !ok {
			res.Coverage = slices.Insert(res.Coverage, i, attribute.Coverage{AccountID: account, Region: region})
		}
		return &res.Coverage[i]
	}
	for _, r := range got.totals.Regions {
		c := row(r.Account, r.Region)
		c.Objects, c.ObjectsFailed, c.EventsUnseen = r.Objects, r.Failed, got.totals.Unseen(r)
		for _, u := range r.Unread {
			c.Unread = append(c.Unread, attribute.UnreadHours{From: u.From, To: u.To, Objects: u.Objects})
		}
	}
	for _, l := range got.listed {
		c := row(l.Account, l.Region)
		for _, u := range l.Unlisted {
			c.Unread = append(c.Unread, attribute.UnreadHours{From: u.From, To: u.To})
		}
		slices.SortFunc(c.Unread, func(a, b attribute.UnreadHours) int {
			return cmp.Or(a.From.Compare(b.From), a.To.Compare(b.To), -cmp.Compare(a.Objects, b.Objects))
		})
		var unread []ingest.HourRun
		for _, u := range c.Unread {
			unread = append(unread, ingest.HourRun{From: u.From, To: u.To})
		}
		expected, missing := ingest.CountHours(l.Hours, ingest.UnionHours(unread))
		c.HoursExpected, c.HoursRead = expected, expected-missing
	}
	for _, s := range got.silences {
		for _, l := range got.listed {
			if len(l.Hours) > 0 && (s.Account == "" || s.Account == l.Account) && (s.Region == "" || s.Region == l.Region) {
				row(l.Account, l.Region).SilentSince = l.Hours[len(l.Hours)-1].To
			}
		}
	}
}

// unseen says what the parts that were not read stand for.
func unseen(list []attribute.Coverage) []string {
	var places []string
	var objects, events int64
	accounts := map[string]bool{}
	for _, c := range list {
		objects += c.ObjectsFailed
		events += c.EventsUnseen
		if len(c.Unread) == 0 {
			continue
		}
		accounts[c.AccountID] = true
		var hours []string
		for _, u := range c.Unread {
			text := u.From.Format(time.RFC3339) + "/" + u.To.Format(time.RFC3339)
			if u.Objects == 0 {
				text += " (not listed to its end)"
			}
			hours = append(hours, text)
		}
		places = append(places, strings.Join(strings.Fields(c.AccountID+" "+c.Region), " ")+" "+some(hours))
	}
	if len(places) == 0 {
		return nil
	}
	var what []string
	if objects > 0 {
		stand := ", which hold nobody knows how many events"
		if events > 0 {
			stand = ", which hold about " + plural(events, "event") + " by the mean of the others"
		}
		what = append(what, plural(objects, "object")+stand)
	}
	what = append(what, fmt.Sprintf("in %s: %s", plural(int64(len(accounts)), "account"), some(places)))
	return []string{"not seen: " + strings.Join(what, "; ") + "; hours are those of delivery"}
}

// silent says what stopped delivering.
func silent(found []ingest.Silence) []string {
	if len(found) == 0 {
		return nil
	}
	var places []string
	for _, s := range found {
		place := strings.Join(strings.Fields(s.Account+" "+s.Region), " ")
		if place == "" {
			place = "everything"
		}
		rhythm := "every hour"
		if s.Pause > 0 {
			rhythm = "with no pause longer than " + plural(int64(s.Pause/time.Hour), "hour")
		}
		places = append(places, fmt.Sprintf("%s since %s (for %s, after deliveries %s)",
			place, s.Since.Format(time.RFC3339), plural(int64(s.Until.Sub(s.Since)/time.Hour), "hour"), rhythm))
	}
	return []string{"fell silent: " + some(places) + "; CloudTrail writes nothing where nothing happens, else a trail was stopped or delivers elsewhere"}
}

// underway says that events of the window's end may be on their way.
func (rd *reading) underway() []string {
	if rd.from.local() || !rd.window.until.After(rd.now.Add(-deliveryDelay)) {
		return nil
	}
	return []string{"the window ends now, and CloudTrail delivers after about 5 minutes on average, at times after more than 15: events of its last minutes may still be on their way"}
}
