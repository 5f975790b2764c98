package attribute

import (
	"iter"
	"sync"
	"time"

	"github.com/trailscan/trailscan/internal/ingest"
)

// SampleSize is how many values the samples of a Result hold at most: the
// first in sorted order.
const SampleSize = 10

// Confidence says how surely an origin is known.
type Confidence uint8

// The confidences, weakest first.
const (
	Unknown  Confidence = iota // nothing to go by, or several candidates left
	Inferred                   // by the form of the name, user agent or source
	Recorded                   // the calls themselves carry it
	Proven                     // every link is an assume event
)

// String gives the confidence as reports write it.
func (c Confidence) String() string {
	switch c {
	case Proven:
		return "proven"
	case Recorded:
		return "recorded"
	case Inferred:
		return "inferred"
	default:
		return "unknown"
	}
}

// Severity of a finding.
type Severity uint8

// The severities, least first.
const (
	None Severity = iota
	Low
	Medium
	High
	Critical
)

// String gives the severity as reports and flags write it.
func (s Severity) String() string {
	switch s {
	case Critical:
		return "critical"
	case High:
		return "high"
	case Medium:
		return "medium"
	case Low:
		return "low"
	default:
		return "none"
	}
}

// Result is everything a report shows. It is sorted and complete: the same
// input gives the same Result whatever the order of its events, apart from
// Scan.Started, Scan.Finished and Scan.ListRequests.
type Result struct {
	Scan        Scan
	Attribution Split
	Names       []SessionName
	Origins     []OriginTotal
	Findings    []Finding
	Coverage    []Coverage
	Other       []OtherSession
	Denied      []DeniedAssumption
	// Baseline is what changed since an earlier report, nil without one.
	Baseline *Comparison

	// judged tells what Names leaves out, nil where they hold all of it.
	judged *finisher
}

// Name gives one of Names with its NameDetail, which is made anew each time: those
// of a million names would take more memory than all that was read.
func (r *Result) Name(i int) *SessionName {
	n := &r.Names[i]
	if n.NameDetail != nil {
		return n
	}
	return r.judged.whole(n, i)
}

// whole is a name with its detail.
func (f *finisher) whole(n *SessionName, i int) *SessionName {
	whole := *n
	whole.NameDetail = &NameDetail{}
	if f != nil {
		whole.NameDetail = f.detail(&f.names[i])
	}
	return &whole
}

// wholeAtOnce is of how many names a goroutine makes the details before it hands
// them on.
const wholeAtOnce = 32

// Whole gives all of Names, each as Name does. So many goroutines as workers says
// make them ahead of whoever takes them; below 2 there is none beside that.
func (r *Result) Whole(workers int) iter.Seq[*SessionName] {
	return func(yield func(*SessionName) bool) {
		if r.judged == nil || workers < 2 || len(r.Names) <= wholeAtOnce {
			for i := range r.Names {
				if !yield(r.Name(i)) {
					return
				}
			}
			return
		}
		r.ahead(workers, yield)
	}
}

// ahead is Whole with several goroutines, none of which is left when it returns.
func (r *Result) ahead(workers int, yield func(*SessionName) bool) {
	type some struct {
		from  int
		names []*SessionName
		made  chan struct{}
	}
	var (
		inOrder = make(chan *some, 4*workers)
		toMake  = make(chan *some, cap(inOrder))
		enough  = make(chan struct{})
		running sync.WaitGroup
	)
	defer running.Wait()
	defer close(enough)
	running.Go(func() {
		defer close(inOrder)
		defer close(toMake)
		for from := 0; from < len(r.Names); from += wholeAtOnce {
			s := &some{from: from, made: make(chan struct{})}
			select {
			case inOrder <- s:
				toMake <- s
			case <-enough:
				return
			}
		}
	})
	for range workers {
		running.Go(func() {
			f := r.judged.aside()
			for s := range toMake {
				for i := s.from; i < min(s.from+wholeAtOnce, len(r.Names)); i++ {
					n := &r.Names[i]
					if n.NameDetail == nil {
						n = f.whole(n, i)
					}
					s.names = append(s.names, n)
				}
				close(s.made)
			}
		})
	}
	for s := range inOrder {
		<-s.made
		for _, n := range s.names {
			if !yield(n) {
				return
			}
		}
	}
}

// NameSums gives one of Names with the Hours of its NameDetail and with what its
// Origins are and how many calls they made, and nothing else of them: it takes a
// fraction of the time of Name.
func (r *Result) NameSums(i int) *SessionName {
	if r.Names[i].NameDetail != nil || r.judged == nil {
		return r.Name(i)
	}
	sums := r.Names[i]
	sums.NameDetail = r.judged.sums(&r.judged.names[i])
	return &sums
}

// Sessions gives the sessions of one of Names, by their start. What they point to
// holds until the next one.
func (r *Result) Sessions(i int) iter.Seq[*Session] {
	return func(yield func(*Session) bool) {
		if n := &r.Names[i]; n.NameDetail != nil {
			for k := range n.SessionList {
				if !yield(&n.SessionList[k]) {
					return
				}
			}
			return
		}
		if r.judged == nil {
			return
		}
		for _, s := range r.judged.names[i].sessions {
			if row := r.judged.session(s); !yield(&row) {
				return
			}
		}
	}
}

// whole makes Names hold all that there is to tell, and gives the Result.
func (r *Result) whole() *Result {
	for i := range r.Names {
		if r.Names[i].NameDetail != nil {
			continue
		}
		d := r.Name(i).NameDetail
		for s := range r.Sessions(i) {
			d.SessionList = append(d.SessionList, *s)
		}
		r.Names[i].NameDetail = d
	}
	r.judged = nil
	return r
}

// Scan says what was read.
type Scan struct {
	Source           string    // the operands, as given
	Since, Until     time.Time // the window; Since is zero where everything was taken
	Filters          []string  // the flags that leave out a part of it, such as "--role orders-*"
	Started          time.Time
	Finished         time.Time
	Complete         bool // there are no Problems
	Objects          int64
	ObjectsFailed    int64
	CompressedBytes  int64
	Bytes            int64
	Events           int64 // distinct events in the window
	Duplicates       int64
	UnusedSessions   int64
	AssumedRoleCalls int64
	AssumeEvents     int64
	ListRequests     int64
	Queries          int64            // that Athena ran, 0 where the objects were read here
	Problems         []ingest.Problem // sorted by object, offset and stage
	Warnings         []string         // what a reader of the report must know
}

// Split counts calls by the confidence of their origin.
type Split struct {
	Calls, Proven, Recorded, Inferred, Unknown int64
}

// Add counts n calls of confidence c.
func (s *Split) Add(c Confidence, n int64) {
	s.Calls += n
	switch c {
	case Proven:
		s.Proven += n
	case Recorded:
		s.Recorded += n
	case Inferred:
		s.Inferred += n
	default:
		s.Unknown += n
	}
}

// Sample is a set of strings: how many there are and the first SampleSize of
// them in sorted order. Of the addresses and user agents of a credential that
// very many clients use, the sample is of a part (see maxClients), and beyond
// 65,536 of them their count is an estimate (see maxDistinct).
type Sample struct {
	Count  int64
	Sample []string
}

// ServiceCalls counts calls by eventSource.
type ServiceCalls struct {
	EventSource string
	Calls       int64
}

// SessionName is one session name under one role, with at least one call in
// the window.
type SessionName struct {
	Partition   string
	AccountID   string
	RoleName    string
	RoleARN     string
	SessionName string
	Form        string // id of the form in the table of forms, such as botocore
	Pattern     string // the name with its changing parts replaced, such as botocore-session-<n>
	Calls       int64
	Errors      int64
	Sessions    int64
	FirstSeen   time.Time
	LastSeen    time.Time
	Findings    []string // ids of the rules that fire on it, in the rules' order
	*NameDetail          // see Result.Name
}

// NameDetail is what a report tells of one session name where it tells all.
type NameDetail struct {
	Origins     []NameOrigin // most calls first
	SourceIPs   Sample
	UserAgents  Sample
	Services    []ServiceCalls // most calls first
	Regions     []string
	Hours       []HourCalls
	SessionList []Session // see Result.Sessions
}

// HourCalls counts the calls of one hour.
type HourCalls struct {
	Hour  int64 // start of the hour, seconds since 1970 UTC
	Calls int64
}

// NameOrigin is one origin of the calls under one session name.
type NameOrigin struct {
	ID         string // kind:name
	Kind       string
	Name       string
	AccountID  string
	App        string     // name from the configuration, or empty
	Confidence Confidence // the weakest of its calls
	ByConf     Split
	Calls      int64
	Errors     int64
	Sessions   int64
	FirstSeen  time.Time
	LastSeen   time.Time
	Instances  Sample
	Chain      []Link
	Evidence   []Evidence
	SourceIPs  Sample
	UserAgents Sample
	Services   []ServiceCalls
	Regions    []string
}

// Link is one step of a chain of assumptions, from the root to the session.
type Link struct {
	Principal string // ARN, principal id or service principal
	EventID   string // the assume event by which it became the next, or empty
	EventTime time.Time
}

// Evidence is one thing that speaks for an origin.
type Evidence struct {
	Type    string // such as assume-event, in-scope-of, source-identity
	EventID string // or empty
	Detail  string
}

// Session is one issuance of a role.
type Session struct {
	AccessKeyID string // of the session's own calls, or empty
	Created     time.Time
	FirstSeen   time.Time
	LastSeen    time.Time
	Calls       int64
	Errors      int64
	OriginID    string
	Confidence  Confidence
	AssumeEvent string // id of the event that issued it, or empty
}

// OriginTotal is one origin over all names.
type OriginTotal struct {
	ID           string
	Kind         string
	Name         string
	AccountID    string
	App          string
	Calls        int64
	Sessions     int64
	Roles        []string // role ARNs
	SessionNames int64
}

// Finding is one rule firing on one role (name-collision: on one name).
type Finding struct {
	ID             string // stable: the same finding in the next report has the same id
	Rule           string
	Severity       Severity
	RoleARNs       []string
	AccountID      string
	Title          string
	Detail         string // what was seen
	Why            string // why it matters
	Names          FindingNames
	Patterns       []string
	Evidence       []Evidence
	Recommendation string
	Status         string // new, persisting or resolved with a baseline, else empty
	Ignored        string // the reason why it is ignored, or empty
}

// FindingNames are the session names that a finding covers.
type FindingNames struct {
	Count    int64
	Sample   []string
	New      []string // against a baseline
	Resolved []string
}

// Coverage is what was read of one account and region.
type Coverage struct {
	AccountID     string
	Region        string
	From, To      time.Time // of the events read
	Objects       int64
	ObjectsFailed int64
	// HoursExpected are the hours (UTC) in which the listing of the window, its
	// delivery margins included, found objects; of LookupEvents those asked for.
	// HoursRead are those of them of which everything was read. Both are 0 where
	// nothing tells, as for loose files.
	HoursExpected, HoursRead int64
	Unread                   []UnreadHours
	// EventsUnseen is about how many events of any kind the objects that were not
	// read to their end hold beside those before the break, by the mean of the
	// others; 0 where there is nothing to go by.
	EventsUnseen int64
	// SilentSince is when deliveries ended that were to be expected, zero where
	// they did not.
	SilentSince time.Time
	Verified    string // empty without --verify
}

// UnreadHours are hours, [From, To), of which something was delivered and not
// read, or may have been.
type UnreadHours struct {
	From, To time.Time
	Objects  int64 // not read to their end; 0 where the listing broke off before
}

// OtherSession is a temporary session that is no role's: GetFederationToken,
// GetSessionToken, AssumeRoot.
type OtherSession struct {
	Kind      string // the API's name
	AccountID string
	Principal string // the ARN that asked for it
	Name      string // the federated user's name, or the account of AssumeRoot
	Issued    int64  // how many were issued in the window
	Calls     int64  // how many calls they made
	FirstSeen time.Time
	LastSeen  time.Time
	EventID   string
}

// DeniedAssumption is an attempt to assume a role that was refused. The wanted
// session name is not in the log of a refused attempt.
type DeniedAssumption struct {
	Principal string
	RoleARN   string
	AccountID string // whose log holds it
	ErrorCode string
	Count     int64
	FirstSeen time.Time
	LastSeen  time.Time
	EventID   string
}

// Comparison says what changed since the baseline.
type Comparison struct {
	New, Persisting, Resolved int64
	Changes                   []string
}
