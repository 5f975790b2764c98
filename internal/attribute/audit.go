// Package attribute says which app or person is behind each role session.
//
// Builders, one for each worker, take events and keep what tells credentials
// apart: which credential was used how, and which event issued it. An Audit joins
// what all of them saw, follows each credential to the root of the chain of
// assumptions that led to it, judges the session names, and gives a Result.
// Nothing in a Result depends on the order or the grouping of the events.
package attribute

import (
	"hash/maphash"
	"slices"
	"sync"
	"time"

	"github.com/trailscan/trailscan/internal/ingest"
)

// Options say what a scan takes and what it reports.
type Options struct {
	// Since and Until bound the window on eventTime, [Since, Until). A zero
	// Since takes everything before Until, a zero Until everything after Since.
	Since, Until time.Time
	// Lookback is how far before the window, and before each further link of a
	// chain, assume events are believed. Zero means no bound.
	Lookback time.Duration
	// Accounts and Regions, where they are not empty, are the accounts
	// (recipientAccountId) and regions whose events are taken. Assume events
	// of others are evidence still.
	Accounts, Regions []string
	// Elsewhere says that assume events of the window may lie where nothing was
	// read, though Accounts and Regions are empty.
	Elsewhere bool
	// Role and Session filter what is reported by role name and session name;
	// nil takes all.
	Role, Session func(string) bool
	// Actions keeps also which APIs each credential called, for Explain. It
	// costs memory for each of them.
	Actions bool
	// Config is the user's configuration; nil is the default.
	Config *Config
	// IPRanges are the address ranges of AWS; nil means the built-in list.
	IPRanges *IPRanges
	// Today is the day on which ignores of the configuration are judged.
	Today time.Time
	// Workers is how many goroutines judge what was read; below 2 there is none
	// beside the caller's.
	Workers int
}

// Audit is one run over the logs.
type Audit struct {
	opt      Options
	since    int64
	until    int64
	lookback int64
	accounts map[string]bool
	regions  map[string]bool
	seed     [2]maphash.Seed

	// enough is how many strings a builder holds before it hands over what it
	// saw. Credentials that several workers meet, and what is ready for more
	// calls, take several times the memory of what was handed over.
	enough int

	mu       sync.Mutex
	seen     *seen
	builders []*Builder
	base     *store               // what the builders handed over
	replaced map[replacedKey]bool // events that an UPDATED_DATA record stands for
	asked    map[ingest.Need]bool
}

// replacedKey names an event of one account.
type replacedKey struct {
	account string
	id      id128
}

// The times of events that no window bounds.
const (
	minTime = -1 << 62
	maxTime = 1 << 62
)

// NewAudit begins a scan.
func NewAudit(opt Options) *Audit {
	s := &Audit{
		opt: opt, since: minTime, until: maxTime, enough: 1 << 15,
		accounts: set(opt.Accounts), regions: set(opt.Regions),
		seed:     [2]maphash.Seed{maphash.MakeSeed(), maphash.MakeSeed()},
		replaced: map[replacedKey]bool{},
		asked:    map[ingest.Need]bool{},
	}
	if !opt.Since.IsZero() {
		s.since = opt.Since.Unix()
	}
	if !opt.Until.IsZero() {
		s.until = opt.Until.Unix()
		if opt.Until.Nanosecond() > 0 {
			s.until++
		}
	}
	s.lookback = int64(opt.Lookback / time.Second)
	if opt.IPRanges == nil {
		s.opt.IPRanges = BuiltinIPRanges()
	}
	if opt.Config == nil {
		s.opt.Config = &Config{}
	}
	s.reset()
	return s
}

func (s *Audit) reset() {
	s.seen = newSeen()
	s.builders = nil
	s.base = newStore()
	s.base.blank = true
}

func set(values []string) map[string]bool {
	if len(values) == 0 {
		return nil
	}
	m := make(map[string]bool, len(values))
	for _, v := range values {
		m[v] = true
	}
	return m
}

// Builder makes a builder for one worker. It belongs to the scan: what it was
// given is part of the next Needs and of the Result.
func (s *Audit) Builder() *Builder { return s.builder(false) }

// EvidenceBuilder makes a builder that counts nothing and takes assume events
// only, for what is read outside the scan to answer Needs.
func (s *Audit) EvidenceBuilder() *Builder { return s.builder(true) }

func (s *Audit) builder(evidence bool) *Builder {
	b := &Builder{audit: s, store: newStore(), idents: map[id128]*ident{}, evidence: evidence}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.builders = append(s.builders, b)
	return b
}

// DayDone tells that no more events of a UTC day (in days since 1970) of an
// account are to be expected, but for late deliveries.
func (s *Audit) DayDone(account string, day int64) { s.seen.forget(account, day) }

// Replay reports whether records that AWS corrected later (addendum
// UPDATED_DATA) were counted before their correction was met. Then the scan
// forgets everything but which records those are, and the same input must be
// read once more.
func (s *Audit) Replay() bool {
	s.collect()
	again := false
	for _, r := range s.base.updates {
		k := replacedKey{account: s.base.text[r.account], id: r.original}
		if s.replaced[k] {
			continue
		}
		if r.counted {
			again = again || s.elsewhere(r, k)
			continue
		}
		s.replaced[k] = true
		for off := int64(-1); off <= 1; off++ { // the two need not have the same time
			again = again || s.seen.counted([]byte(k.account), floorDay(r.time)+off, r.original)
		}
	}
	if again {
		s.reset()
	}
	return again
}

// elsewhere reports whether a record was counted although its correction was,
// too, since the two are not of one day.
func (s *Audit) elsewhere(r update, k replacedKey) bool {
	day := floorDay(r.time)
	found := s.seen.has([]byte(k.account), day-1, k.id) || s.seen.has([]byte(k.account), day+1, k.id)
	if found {
		s.replaced[k] = true
	}
	return found
}

// collect merges what the builders hold into the base.
func (s *Audit) collect() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, b := range s.builders {
		b.settle()
		if s.base.blank {
			s.base = b.store // there is nothing yet to merge it with
			continue
		}
		s.base.merge(b.store, s.sideBySide)
	}
	s.builders = nil
}

// take merges what a builder hands over into the base.
func (s *Audit) take(from *store) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.base.merge(from, s.sideBySide)
}

// window reports whether a time lies in the window.
func (s *Audit) window(t int64) bool { return t >= s.since && t < s.until }

// takes reports whether calls of this account and region are read.
func (s *Audit) takes(account, region []byte) bool {
	return (s.accounts == nil || s.accounts[string(account)]) && (s.regions == nil || s.regions[string(region)])
}

// believes reports whether an assume event at time t may stand behind a
// credential that was used, or that led to another, at time use: it lies
// within the look-back.
func (s *Audit) believes(t, use int64) bool {
	return s.lookback == 0 || t >= min(s.since, use)-s.lookback || s.since == minTime
}

func floorDay(t int64) int64 {
	d := t / 86400
	if t < 0 && t%86400 != 0 {
		d--
	}
	return d
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
