package trailgen

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Names of the files that tell the truth about a trail. They lie beside
// AWSLogs, never below it.
const (
	TruthFile   = "truth.jsonl"
	SummaryFile = "truth-summary.json"
)

// Line is one line of the truth: exactly one member is set.
type Line struct {
	Call    *Call    `json:"call,omitempty"`
	Expect  *Expect  `json:"expect,omitempty"`
	Other   *Other   `json:"other,omitempty"`
	Refused *Refused `json:"denied,omitempty"`
}

// Call is the truth about one call of a role session in the window.
type Call struct {
	EventID      string `json:"eventId"`
	EventTime    string `json:"eventTime"`
	Account      string `json:"account"` // of the role
	RoleARN      string `json:"roleArn"`
	RoleName     string `json:"roleName"`
	SessionName  string `json:"sessionName"`
	CreationDate string `json:"creationDate"`
	AccessKeyID  string `json:"accessKeyId,omitempty"`
	Error        bool   `json:"error,omitempty"`
	// Copies are the event ids of further accounts' copies of the call.
	Copies []string `json:"copies,omitempty"`
	// Replaces is the event id that the call's record replaces.
	Replaces string `json:"replaces,omitempty"`

	Origin   string `json:"origin"` // kind:name
	Kind     string `json:"kind"`
	Instance string `json:"instance,omitempty"`
	// Complete says that the event behind every link of the chain is in the trail.
	Complete bool `json:"complete"`
	// MaxConfidence is the strongest confidence that a report may claim.
	MaxConfidence string `json:"maxConfidence"`
	// Acceptable are origins that an honest report gives instead when events of
	// the chain are missing.
	Acceptable []string `json:"acceptable,omitempty"`
	// ChainStart is the time of the chain's first assume event.
	ChainStart string `json:"chainStart"`
}

// The three things that the truth says of a rule on a role.
const (
	MustFire  = "fire"
	MustStay  = "silent"
	MayEither = "either"
)

// Expect is what a rule has to do with a role, or with some names of it. The
// expectations of a trail are complete: a rule that fires on a role for which
// no line says fire or either is wrong. Silent lines point out what looks alike.
type Expect struct {
	Verdict  string   `json:"verdict"` // fire, silent or either
	Rule     string   `json:"rule"`
	RoleARNs []string `json:"roleArns"`
	// Names are the session names that it is about; empty means every name of the role.
	Names []string `json:"names,omitempty"`
	// Pattern describes names that are too many to list.
	Pattern string `json:"pattern,omitempty"`
	// Origins are the true origins behind the names, and Provable those of
	// them with at least one call whose chain is complete.
	Origins  []string `json:"origins,omitempty"`
	Provable []string `json:"provable,omitempty"`
	Why      string   `json:"why"`
}

// Other is a temporary session that is no role's.
type Other struct {
	Kind      string `json:"kind"` // GetFederationToken, GetSessionToken or AssumeRoot
	Account   string `json:"account"`
	Principal string `json:"principal"`
	Name      string `json:"name,omitempty"`
	Key       string `json:"accessKeyId"`
	Calls     int64  `json:"calls"`
	EventID   string `json:"eventId"`
}

// Refused is one denied AssumeRole.
type Refused struct {
	EventID   string `json:"eventId"`
	Account   string `json:"account"`
	Principal string `json:"principal"`
	RoleARN   string `json:"roleArn"`
}

// NameCount is the truth about one session name of one role.
type NameCount struct {
	Account     string   `json:"account"`
	RoleName    string   `json:"roleName"`
	RoleARN     string   `json:"roleArn"`
	SessionName string   `json:"sessionName"`
	Calls       int64    `json:"calls"`
	Errors      int64    `json:"errors"`
	Sessions    int64    `json:"sessions"`
	Origins     []string `json:"origins"`
}

// Summary holds exact counts. Everything but Objects, Bytes, CompressedBytes
// and Records is about the window.
type Summary struct {
	Seed    uint64   `json:"seed"`
	Since   string   `json:"since"`
	Until   string   `json:"until"`
	Missing float64  `json:"missing"`
	Org     string   `json:"org,omitempty"`
	Account []string `json:"accounts"`
	Regions []string `json:"regions"`

	Objects         int64 `json:"objects"`
	Bytes           int64 `json:"bytes"`
	CompressedBytes int64 `json:"compressedBytes"`
	Records         int64 `json:"records"` // with duplicates

	Events     int64 `json:"events"`     // distinct; a replaced record and its replacement are one
	Duplicates int64 `json:"duplicates"` // further deliveries of an event
	Replaced   int64 `json:"replaced"`   // records that an addendum replaces

	AssumedRoleCalls int64 `json:"assumedRoleCalls"`
	Errors           int64 `json:"errors"`
	// AssumeEvents counts the records that issued a role's credential, each
	// account's copy by itself; Issuances counts both copies once.
	AssumeEvents   int64 `json:"assumeEvents"`
	Issuances      int64 `json:"issuances"`
	UnusedSessions int64 `json:"unusedSessions"`
	Denied         int64 `json:"denied"`

	CallsByOrigin map[string]int64 `json:"callsByOrigin"`
	// CallsByMax counts calls by the strongest confidence that may be claimed.
	CallsByMax map[string]int64 `json:"callsByMaxConfidence"`
	// Names is how many session names there are, SessionNames tells about each.
	Names        int64       `json:"names"`
	SessionNames []NameCount `json:"sessionNames,omitempty"`
}

type nameKey struct{ account, role, session string }

// nameStat counts the calls of one session name.
type nameStat struct {
	roleARN                 string
	calls, errors, sessions int64
	lost                    int64 // calls whose origin nothing surely tells
	origins                 []seenOrigin
}

type seenOrigin struct {
	id       string
	provable bool
}

func (s *nameStat) see(id string, provable bool) {
	for i := range s.origins {
		if s.origins[i].id == id {
			s.origins[i].provable = s.origins[i].provable || provable
			return
		}
	}
	s.origins = append(s.origins, seenOrigin{id, provable})
}

// truth writes what is true about a trail while it is made.
type truth struct {
	file    *os.File
	w       *bufio.Writer
	enc     *json.Encoder
	names   map[nameKey]*nameStat
	byMax   map[string]int64
	byID    map[string]int64
	expects []Expect
	noCalls bool // leave out the lines about calls
	summary Summary
	err     error
}

func newTruth(dir string) (*truth, error) {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return nil, err
	}
	f, err := os.Create(filepath.Join(dir, TruthFile))
	if err != nil {
		return nil, err
	}
	w := bufio.NewWriterSize(f, 1<<20)
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	return &truth{
		file: f, w: w, enc: enc, names: map[nameKey]*nameStat{},
		byMax: map[string]int64{}, byID: map[string]int64{},
	}, nil
}

func (t *truth) line(l Line) {
	if err := t.enc.Encode(l); err != nil && t.err == nil {
		t.err = err
	}
}

// stat gives the counters of a session name.
func (t *truth) stat(c *credential) *nameStat {
	if c.stat == nil {
		key := nameKey{c.role.account.id, c.role.name, c.name}
		if c.stat = t.names[key]; c.stat == nil {
			c.stat = &nameStat{roleARN: c.role.arn()}
			t.names[key] = c.stat
		}
	}
	return c.stat
}

// expect notes what a rule has to do; it is written at the end, when the
// origins are known.
func (t *truth) expect(e Expect) { t.expects = append(t.expects, e) }

// close writes the expectations and the summary into dir.
func (t *truth) close(dir string) (Summary, error) {
	t.expectUnattributed()
	for _, e := range t.expects {
		if len(e.Names) > 0 && e.Verdict != MustStay {
			e.Origins, e.Provable = t.originsOf(e)
		}
		t.line(Line{Expect: &e})
	}
	s := &t.summary
	s.Names = int64(len(t.names))
	for key, n := range t.names {
		if t.noCalls {
			break
		}
		c := NameCount{key.account, key.role, n.roleARN, key.session, n.calls, n.errors, n.sessions, nil}
		for _, o := range n.origins {
			c.Origins = append(c.Origins, o.id)
		}
		slices.Sort(c.Origins)
		s.SessionNames = append(s.SessionNames, c)
	}
	slices.SortFunc(s.SessionNames, func(a, b NameCount) int {
		if c := strings.Compare(a.Account, b.Account); c != 0 {
			return c
		}
		if c := strings.Compare(a.RoleName, b.RoleName); c != 0 {
			return c
		}
		return strings.Compare(a.SessionName, b.SessionName)
	})
	s.CallsByMax, s.CallsByOrigin = t.byMax, t.byID
	if err := t.w.Flush(); err != nil && t.err == nil {
		t.err = err
	}
	if err := t.file.Close(); err != nil && t.err == nil {
		t.err = err
	}
	if t.err != nil {
		return *s, t.err
	}
	b, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return *s, err
	}
	return *s, os.WriteFile(filepath.Join(dir, SummaryFile), append(b, '\n'), 0o666)
}

// expectUnattributed allows the rule unattributed on roles with calls of which
// events are missing, where no story says what it has to do.
func (t *truth) expectUnattributed() {
	listed := map[string]bool{}
	for _, e := range t.expects {
		if e.Rule == "unattributed" {
			for _, arn := range e.RoleARNs {
				listed[arn] = true
			}
		}
	}
	var lost []string
	for _, n := range t.names {
		if n.lost > 0 && !listed[n.roleARN] {
			listed[n.roleARN] = true
			lost = append(lost, n.roleARN)
		}
	}
	slices.Sort(lost)
	for _, arn := range lost {
		t.expect(Expect{Verdict: MayEither, Rule: "unattributed", RoleARNs: []string{arn}, Why: "assume events are missing"})
	}
}

func (t *truth) originsOf(e Expect) (all, provable []string) {
	for _, arn := range e.RoleARNs {
		account, name := splitRoleARN(arn)
		for _, session := range e.Names {
			n := t.names[nameKey{account, name, session}]
			if n == nil {
				continue
			}
			for _, o := range n.origins {
				all = append(all, o.id)
				if o.provable {
					provable = append(provable, o.id)
				}
			}
		}
	}
	slices.Sort(all)
	slices.Sort(provable)
	return slices.Compact(all), slices.Compact(provable)
}

func splitRoleARN(arn string) (account, name string) {
	parts := strings.SplitN(arn, ":", 6)
	return parts[4], arn[strings.LastIndexByte(arn, '/')+1:]
}

// ReadTruth calls fn for each line of a truth file. It ends with the first
// error of r, of fn, or of a line that is none.
func ReadTruth(r io.Reader, fn func(Line) error) error {
	dec := json.NewDecoder(r)
	for n := 1; ; n++ {
		var l Line
		if err := dec.Decode(&l); err == io.EOF {
			return nil
		} else if err != nil {
			return fmt.Errorf("truth line %d: %w", n, err)
		}
		if err := fn(l); err != nil {
			return err
		}
	}
}
