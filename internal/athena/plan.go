package athena

import (
	"fmt"
	"slices"
	"time"
)

// MaxPartitions is how many projected partitions one query may go over:
// https://docs.aws.amazon.com/athena/latest/ug/partition-projection.html
const MaxPartitions = 1_000_000

const day = 24 * time.Hour

// Plan is what a scan reads.
type Plan struct {
	Scan   Scan
	Tables []Table
	// Now is the time of the scan: nothing was delivered after it.
	Now time.Time
	// MaxPartitions and MaxQuery bound one query; zero is Athena's limit.
	MaxPartitions, MaxQuery int
}

// Parts are the queries of the window, split by accounts as far as the limits
// demand. Tables of which the accounts or regions of the scan leave nothing have
// no part in it.
func (p Plan) Parts() ([]Part, error) {
	part := Part{Scan: p.Scan, Since: p.Scan.Since, Until: p.Scan.Until}
	from, to := p.Delivered()
	for _, t := range p.Tables {
		s := Slice{Table: t, From: from, To: to}
		if len(p.Scan.Accounts) > 0 {
			if s.Accounts = intersect(t.Accounts(), p.Scan.Accounts); len(s.Accounts) == 0 {
				continue
			}
		}
		if len(p.Scan.Regions) > 0 {
			if s.Regions = intersect(t.Regions(), p.Scan.Regions); len(s.Regions) == 0 {
				continue
			}
		}
		part.From = append(part.From, s)
	}
	if len(part.From) == 0 {
		return nil, nil
	}
	return p.fit(part)
}

// Delivered is the first and the last day of delivery that the parts read; zero
// is no bound. The partition is the day of delivery. A day more is read before
// the window, since that is what most credentials need that were issued before
// it.
func (p Plan) Delivered() (from, to time.Time) {
	st := p.Scan.stamps()
	if !st.From.IsZero() {
		from = earlier(st.From, p.Scan.Since.Add(-day)).UTC().Truncate(day)
	}
	if !st.To.IsZero() {
		to = p.notAfterNow(st.To.Truncate(day))
	}
	return from, to
}

// Reads reports whether the parts read what an account delivered about a time.
func (p Plan) Reads(account string, t time.Time) bool {
	if len(p.Scan.Accounts) > 0 && !slices.Contains(p.Scan.Accounts, account) || len(p.Scan.Regions) > 0 {
		return false
	}
	from, to := p.Delivered()
	st := p.Scan.around(t, t)
	return (from.IsZero() || !st.From.Before(from)) && (to.IsZero() || st.To.Before(to.Add(day)))
}

// Lookback is the query of the events that issued credentials before the window
// and, where the scan has accounts or regions of its own, elsewhere. It is empty
// where the parts of the window read all of that.
func (p Plan) Lookback() ([]Part, error) {
	st := p.Scan.stamps()
	if !st.From.IsZero() {
		st.From = st.From.Add(-p.Scan.Lookback).Truncate(time.Minute)
	}
	if len(p.Scan.Accounts) == 0 && len(p.Scan.Regions) == 0 {
		from, _ := p.Delivered()
		if !st.From.Before(from) {
			return nil, nil
		}
		st.To = from.Add(-time.Minute)
	}
	return p.evidence(nil, st)
}

// Evidence are the queries of the events that issued credentials in some
// accounts and about some times, from since to until.
func (p Plan) Evidence(accounts []string, since, until time.Time) ([]Part, error) {
	return p.evidence(accounts, p.Scan.around(since, until))
}

// evidence reads objects of some stamps; accounts are nil for all.
func (p Plan) evidence(accounts []string, st Stamps) ([]Part, error) {
	part := Part{Scan: p.Scan, Since: p.Scan.Since, Until: p.Scan.Until, Evidence: true, Stamps: st}
	for _, t := range p.Tables {
		s := Slice{Table: t, From: st.From.Truncate(day)}
		if !st.To.IsZero() {
			s.To = p.notAfterNow(st.To.Truncate(day))
		}
		if accounts != nil {
			if s.Accounts = intersect(t.Accounts(), accounts); len(s.Accounts) == 0 {
				continue
			}
		}
		part.From = append(part.From, s)
	}
	if len(part.From) == 0 {
		return nil, nil
	}
	return p.fit(part)
}

func (p Plan) notAfterNow(d time.Time) time.Time {
	if today := p.Now.UTC().Truncate(day); !p.Now.IsZero() && d.After(today) {
		return today
	}
	return d
}

// fit splits a part until each query is within the limits, and numbers them.
func (p Plan) fit(whole Part) ([]Part, error) {
	maxPartitions, maxQuery := p.MaxPartitions, p.MaxQuery
	if maxPartitions == 0 {
		maxPartitions = MaxPartitions
	}
	if maxQuery == 0 {
		maxQuery = MaxQuery
	}
	todo, fits := []Part{whole}, []Part(nil)
	for len(todo) > 0 {
		part := todo[0]
		todo = todo[1:]
		partitions, size := part.Partitions(p.Now), len(part.Query())
		if partitions <= maxPartitions && size <= maxQuery {
			fits = append(fits, part)
			continue
		}
		halves, ok := part.Split()
		if !ok {
			return nil, fmt.Errorf("a query of %d bytes over %d partitions is beyond Athena's limits (%d bytes, %d partitions) and cannot be split: narrow the window", size, partitions, maxQuery, maxPartitions)
		}
		todo = append(halves, todo...)
	}
	for i := range fits {
		fits[i].Number, fits[i].Count = i+1, len(fits)
	}
	return fits, nil
}

// firstDay is before the first object that CloudTrail ever delivered.
var firstDay = time.Date(2013, 11, 1, 0, 0, 0, 0, time.UTC)

// Partitions is how many partitions the part's query goes over.
func (p Part) Partitions(now time.Time) int {
	n := 0
	for _, s := range p.From {
		from, to := s.From, s.To
		if from.IsZero() {
			from = firstDay
		}
		if to.IsZero() {
			to = now
		}
		days := int(to.Sub(from)/day) + 1
		n += max(days, 0) * len(s.accounts()) * len(s.regions())
	}
	return n
}

func (s Slice) accounts() []string {
	if s.Accounts != nil {
		return s.Accounts
	}
	return s.Table.Accounts()
}

func (s Slice) regions() []string {
	if s.Regions != nil {
		return s.Regions
	}
	return s.Table.Regions()
}

// Split halves a part by its accounts, or by time where it has only one. Both
// halves together give what the whole gives, but for events that were delivered
// more than a day late. It reports false where there is nothing to split by.
func (p Part) Split() ([]Part, bool) {
	var accounts []string
	for _, s := range p.From {
		accounts = append(accounts, s.accounts()...)
	}
	slices.Sort(accounts)
	accounts = slices.Compact(accounts)
	if len(accounts) < 2 {
		return p.splitTime()
	}
	half := func(list []string) Part {
		h := p
		h.From = nil
		for _, s := range p.From {
			if s.Accounts = intersect(s.accounts(), list); len(s.Accounts) > 0 {
				h.From = append(h.From, s)
			}
		}
		return h
	}
	middle := len(accounts) / 2
	return []Part{half(accounts[:middle]), half(accounts[middle:])}, true
}

// splitTime halves a part by the time of its events, so that the copies of an
// event stay together. Each half still reads the days of delivery around its own.
func (p Part) splitTime() ([]Part, bool) {
	if p.Evidence {
		return p.splitStamps()
	}
	since, until := p.Since, p.Until
	if since.IsZero() || until.IsZero() || until.Sub(since) < 2*time.Hour {
		return nil, false
	}
	middle := since.Add(until.Sub(since) / 2).Truncate(time.Hour)
	first, second := p, p
	first.Until, second.Since = middle, middle
	first.From, second.From = slices.Clone(p.From), slices.Clone(p.From)
	for i, s := range p.From {
		// What the whole reads before and after its window is what each half does.
		if !s.To.IsZero() {
			late := s.To.Sub(until.UTC().Truncate(day))
			first.From[i].To = earlier(s.To, middle.UTC().Truncate(day).Add(max(late, day)))
		}
		if !s.From.IsZero() {
			early := since.UTC().Truncate(day).Sub(s.From)
			second.From[i].From = later(s.From, middle.UTC().Truncate(day).Add(-max(early, day)))
		}
	}
	return []Part{first, second}, true
}

// splitStamps halves what is asked for evidence by the stamps of the objects.
func (p Part) splitStamps() ([]Part, bool) {
	from, to := p.Stamps.From, p.Stamps.To
	if from.IsZero() || to.IsZero() || to.Sub(from) < 2*time.Hour {
		return nil, false
	}
	middle := from.Add(to.Sub(from) / 2).Truncate(time.Hour)
	first, second := p, p
	first.Stamps.To, second.Stamps.From = middle.Add(-time.Minute), middle
	first.From, second.From = slices.Clone(p.From), slices.Clone(p.From)
	for i, s := range p.From {
		first.From[i].To = earlier(s.To, first.Stamps.To.Truncate(day))
		second.From[i].From = later(s.From, middle.Truncate(day))
	}
	return []Part{first, second}, true
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// intersect gives what is in both lists, in the first one's order.
func intersect(a, b []string) []string {
	var both []string
	for _, v := range a {
		if slices.Contains(b, v) {
			both = append(both, v)
		}
	}
	return both
}
