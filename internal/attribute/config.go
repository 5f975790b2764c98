package attribute

import (
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// Config is what the user says about a trail: names, trust, rules. A nil
// *Config says nothing and is valid for every method.
type Config struct {
	Apps     []App                  // in the file's order; the first that matches counts
	Accounts map[string]string      // account id to its name
	Trusted  map[string]bool        // account ids that are not external
	Naming   []Naming               // in the file's order; the first whose role matches counts
	Rules    map[string]RuleSetting // by rule id
	Ignore   []Ignore
}

// App names what matches all of its patterns.
type App struct {
	Name                  string
	Origin, Role, Session Glob
}

// Naming says how sessions of the matching roles are to be named.
type Naming struct {
	Role Glob
	Name *regexp.Regexp
}

// RuleSetting changes a rule.
type RuleSetting struct {
	Off      bool
	Severity Severity // None leaves the rule's own
}

// Ignore takes the findings of one rule on the matching roles out of the exit
// status and marks them in reports.
type Ignore struct {
	Rule   string
	Role   Glob
	Reason string
	Until  time.Time // midnight UTC of the last day it holds; zero for no end
}

// Holds reports whether the entry is in force at now.
func (i Ignore) Holds(now time.Time) bool {
	return i.Until.IsZero() || now.Before(i.Until.AddDate(0, 0, 1))
}

// App gives the name of the first app whose patterns match, or "". The role is
// an ARN or a bare name.
func (c *Config) App(originID, role, session string) string {
	if c == nil {
		return ""
	}
	for _, a := range c.Apps {
		if a.Origin.Match(originID) && (a.Role.IsZero() || a.Role.MatchRole(role)) && a.Session.Match(session) {
			return a.Name
		}
	}
	return ""
}

// Account gives an account's name, or "".
func (c *Config) Account(id string) string {
	if c == nil {
		return ""
	}
	return c.Accounts[id]
}

// IsTrusted reports whether an account is listed as not external.
func (c *Config) IsTrusted(id string) bool { return c != nil && c.Trusted[id] }

// NamePattern gives what session names of a role, an ARN or a bare name, must
// match, or nil where nothing is demanded.
func (c *Config) NamePattern(role string) *regexp.Regexp {
	if c == nil {
		return nil
	}
	for _, n := range c.Naming {
		if n.Role.MatchRole(role) {
			return n.Name
		}
	}
	return nil
}

// Rule gives what is set for a rule.
func (c *Config) Rule(id string) RuleSetting {
	if c == nil {
		return RuleSetting{}
	}
	return c.Rules[id]
}

// Ignored reports whether a finding on these roles is ignored at now, and why.
// One entry must cover all of them.
func (c *Config) Ignored(rule string, roles []string, now time.Time) (reason string, ignored bool) {
	if c == nil {
		return "", false
	}
	for _, i := range c.Ignore {
		if i.Rule != rule || !i.Holds(now) {
			continue
		}
		if i.Role.IsZero() || len(roles) > 0 && !slices.ContainsFunc(roles, func(r string) bool { return !i.Role.MatchRole(r) }) {
			return i.Reason, true
		}
	}
	return "", false
}

// Ended gives the entries of Ignore that no longer hold at now.
func (c *Config) Ended(now time.Time) []Ignore {
	if c == nil {
		return nil
	}
	var ended []Ignore
	for _, i := range c.Ignore {
		if !i.Holds(now) {
			ended = append(ended, i)
		}
	}
	return ended
}

// ParseSeverity reads a severity as reports and flags write it.
func ParseSeverity(s string) (Severity, error) {
	for v := None; v <= Critical; v++ {
		if v.String() == s {
			return v, nil
		}
	}
	return None, fmt.Errorf("unknown severity %q: none, low, medium, high or critical", s)
}

// maxConfig is how many bytes of configuration are read: far more than a
// person writes, and little enough to hold.
const maxConfig = 4 << 20

// ReadConfig reads a configuration in YAML. Errors name the file, the line and
// what was meant.
func ReadConfig(file string, r io.Reader) (*Config, error) {
	text, err := io.ReadAll(io.LimitReader(r, maxConfig+1))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	if len(text) > maxConfig {
		return nil, fmt.Errorf("%s: larger than %d MiB, so hardly a configuration", file, maxConfig>>20)
	}
	dec := yaml.NewDecoder(strings.NewReader(string(text)))
	var doc, more yaml.Node
	switch err := dec.Decode(&doc); {
	case err == io.EOF:
		return &Config{}, nil
	case err != nil:
		return nil, yamlError(file, err)
	}
	if err := dec.Decode(&more); err == nil {
		return nil, fmt.Errorf("%s:%d: a second document: a configuration is one", file, more.Line)
	} else if err != io.EOF {
		return nil, yamlError(file, err)
	}
	c := &Config{Accounts: map[string]string{}, Trusted: map[string]bool{}, Rules: map[string]RuleSetting{}}
	if err := (configReader{file, c}).root(doc.Content[0]); err != nil {
		return nil, err
	}
	return c, nil
}

var yamlLine = regexp.MustCompile(`^yaml: line ([0-9]+): `)

// yamlError gives the parser's complaint the form of ours.
func yamlError(file string, err error) error {
	text := err.Error()
	if m := yamlLine.FindStringSubmatch(text); m != nil {
		return fmt.Errorf("%s:%s: not YAML: %s", file, m[1], text[len(m[0]):])
	}
	// The parser leaves the line out where it is the first.
	return fmt.Errorf("%s:1: not YAML: %s", file, strings.TrimPrefix(text, "yaml: "))
}

// configReader walks the parsed YAML itself rather than decode it into a
// struct, so that every mistake is told with its line and the nearest right
// word, and so that aliases, which can blow a small file up, never expand.
type configReader struct {
	file string
	c    *Config
}

func (r configReader) errorf(n *yaml.Node, format string, args ...any) error {
	return fmt.Errorf("%s:%d: %s", r.file, n.Line, fmt.Sprintf(format, args...))
}

func (r configReader) root(n *yaml.Node) error {
	if isNull(n) {
		return nil
	}
	return r.fields(n, "the configuration", []field{
		{"apps", r.list(r.app)},
		{"accounts", r.accounts},
		{"trusted-accounts", r.list(r.trusted)},
		{"naming", r.naming},
		{"rules", r.rules},
		{"ignore", r.list(r.ignore)},
	})
}

func (r configReader) app(n *yaml.Node) error {
	var a App
	err := r.fields(n, "an app", []field{
		{"name", r.text(&a.Name)},
		{"origin", r.glob(&a.Origin)},
		{"role", r.glob(&a.Role)},
		{"session", r.glob(&a.Session)},
	})
	switch {
	case err != nil:
		return err
	case a.Name == "":
		return r.errorf(n, "an app without a name")
	case a.Origin.IsZero() && a.Role.IsZero() && a.Session.IsZero():
		return r.errorf(n, "app %q says nothing to know it by: give origin, role or session", a.Name)
	}
	r.c.Apps = append(r.c.Apps, a)
	return nil
}

func (r configReader) accounts(n *yaml.Node) error {
	return r.pairs(n, "accounts", func(key *yaml.Node, value *yaml.Node) error {
		id, err := r.account(key)
		if err != nil {
			return err
		}
		var name string
		if err := r.text(&name)(value); err != nil {
			return err
		}
		r.c.Accounts[id] = name
		return nil
	})
}

func (r configReader) trusted(n *yaml.Node) error {
	id, err := r.account(n)
	if err == nil {
		r.c.Trusted[id] = true
	}
	return err
}

func (r configReader) naming(n *yaml.Node) error {
	return r.pairs(n, "naming", func(key *yaml.Node, value *yaml.Node) error {
		var rule Naming
		if err := r.glob(&rule.Role)(key); err != nil {
			return err
		}
		var expr string
		if err := r.text(&expr)(value); err != nil {
			return err
		}
		var err error
		if rule.Name, err = regexp.Compile(expr); err != nil {
			return r.errorf(value, "bad regular expression %q: %s", expr, strings.TrimPrefix(err.Error(), "error parsing regexp: "))
		}
		r.c.Naming = append(r.c.Naming, rule)
		return nil
	})
}

func (r configReader) rules(n *yaml.Node) error {
	return r.pairs(n, "rules", func(key *yaml.Node, value *yaml.Node) error {
		id, err := r.rule(key)
		if err != nil {
			return err
		}
		var s RuleSetting
		if value.Kind == yaml.ScalarNode {
			// Formatters that know YAML 1.1 rewrite off as false.
			if value.Value != "off" && value.Value != "false" {
				return r.errorf(value, "rule %s is %q: write off, or {severity: low|medium|high|critical}", id, value.Value)
			}
			s.Off = true
		} else if err := r.fields(value, "a rule", []field{{"severity", r.severity(&s.Severity)}}); err != nil {
			return err
		}
		r.c.Rules[id] = s
		return nil
	})
}

func (r configReader) ignore(n *yaml.Node) error {
	var i Ignore
	err := r.fields(n, "an entry of ignore", []field{
		{"rule", func(n *yaml.Node) (err error) { i.Rule, err = r.rule(n); return err }},
		{"role", r.glob(&i.Role)},
		{"reason", r.text(&i.Reason)},
		{"until", r.date(&i.Until)},
	})
	switch {
	case err != nil:
		return err
	case i.Rule == "":
		return r.errorf(n, "an entry of ignore without a rule")
	case i.Reason == "":
		return r.errorf(n, "an entry of ignore without a reason: the next reader will ask")
	}
	r.c.Ignore = append(r.c.Ignore, i)
	return nil
}

// rule reads the id of a rule.
func (r configReader) rule(n *yaml.Node) (string, error) {
	var id string
	if err := r.text(&id)(n); err != nil {
		return "", err
	}
	ids := ruleIDs()
	if !slices.Contains(ids, id) {
		return "", r.errorf(n, "unknown rule %q%s", id, meant(id, ids))
	}
	return id, nil
}

var digits = regexp.MustCompile(`^[0-9]+$`)

// account reads an account id. Published logs put placeholders such as
// <ACCOUNT_ID> in its place, so that only digits are held to their number.
func (r configReader) account(n *yaml.Node) (string, error) {
	var id string
	if err := r.text(&id)(n); err != nil {
		return "", err
	}
	if digits.MatchString(id) && len(id) != 12 {
		return "", r.errorf(n, "account %q has %d digits, not 12", id, len(id))
	}
	return id, nil
}

func (r configReader) severity(to *Severity) func(*yaml.Node) error {
	return func(n *yaml.Node) error {
		var word string
		if err := r.text(&word)(n); err != nil {
			return err
		}
		v, err := ParseSeverity(word)
		if err != nil || v == None {
			return r.errorf(n, "unknown severity %q%s", word, meant(word, []string{"low", "medium", "high", "critical"}))
		}
		*to = v
		return nil
	}
}

func (r configReader) date(to *time.Time) func(*yaml.Node) error {
	return func(n *yaml.Node) error {
		var word string
		if err := r.text(&word)(n); err != nil {
			return err
		}
		t, err := time.Parse(time.DateOnly, word)
		if err != nil || t.IsZero() {
			return r.errorf(n, "bad date %q: write it as 2027-01-31", word)
		}
		*to = t
		return nil
	}
}

func (r configReader) glob(to *Glob) func(*yaml.Node) error {
	return func(n *yaml.Node) error {
		var word string
		if err := r.text(&word)(n); err != nil {
			return err
		}
		g, err := ParseGlob(word)
		if err != nil {
			return r.errorf(n, "%s", err)
		}
		*to = g
		return nil
	}
}

// text reads a scalar as it is written: an account id keeps its leading zero.
func (r configReader) text(to *string) func(*yaml.Node) error {
	return func(n *yaml.Node) error {
		switch {
		case n.Kind != yaml.ScalarNode:
			return r.errorf(n, "%s where a single value belongs", kindName(n))
		case isNull(n) || n.Value == "":
			return r.errorf(n, "a value is missing")
		}
		*to = n.Value
		return nil
	}
}

// list reads a sequence, which may be left out.
func (r configReader) list(item func(*yaml.Node) error) func(*yaml.Node) error {
	return func(n *yaml.Node) error {
		if isNull(n) {
			return nil
		}
		if n.Kind != yaml.SequenceNode {
			return r.errorf(n, "%s where a list belongs (lines that begin with -)", kindName(n))
		}
		for _, child := range n.Content {
			if err := item(child); err != nil {
				return err
			}
		}
		return nil
	}
}

// pairs reads a mapping with keys of the user's own, which may be left out.
func (r configReader) pairs(n *yaml.Node, what string, pair func(key, value *yaml.Node) error) error {
	if isNull(n) {
		return nil
	}
	if n.Kind != yaml.MappingNode {
		return r.errorf(n, "%s where %s needs key: value", kindName(n), what)
	}
	seen := map[string]int{}
	for i := 0; i < len(n.Content); i += 2 {
		key := n.Content[i]
		if key.Kind != yaml.ScalarNode {
			return r.errorf(key, "%s where a key belongs", kindName(key))
		}
		if line, ok := seen[key.Value]; ok {
			return r.errorf(key, "%q stands already in line %d", key.Value, line)
		}
		seen[key.Value] = key.Line
		if err := pair(key, n.Content[i+1]); err != nil {
			return err
		}
	}
	return nil
}

// field is a key that a mapping may have, and what reads its value.
type field struct {
	key  string
	read func(*yaml.Node) error
}

// fields reads a mapping whose keys are known.
func (r configReader) fields(n *yaml.Node, what string, known []field) error {
	if isNull(n) {
		return r.errorf(n, "%s is empty", what)
	}
	return r.pairs(n, what, func(key, value *yaml.Node) error {
		i := slices.IndexFunc(known, func(f field) bool { return f.key == key.Value })
		if i < 0 {
			var keys []string
			for _, f := range known {
				keys = append(keys, f.key)
			}
			return r.errorf(key, "unknown key %q in %s%s", key.Value, what, meant(key.Value, keys))
		}
		return known[i].read(value)
	})
}

func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.Tag == "!!null" }

func kindName(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	case yaml.AliasNode:
		return "an alias (*" + n.Value + ")"
	}
	return strconv.Quote(n.Value)
}

// meant ends an error with the word that was probably meant, or with all there
// are.
func meant(word string, known []string) string {
	best, distance := "", 1+len(word)/3
	for _, k := range known {
		if d := editDistance(strings.ToLower(word), k); d <= distance && d < len(k) {
			best, distance = k, d-1
		}
	}
	if best != "" {
		return fmt.Sprintf(": did you mean %q?", best)
	}
	return ": it is one of " + strings.Join(known, ", ")
}

// editDistance counts the insertions, deletions and replacements of bytes that
// make a into b. Beyond 64 bytes nothing is a slip of the finger.
func editDistance(a, b string) int {
	if len(a) > 64 || len(b) > 64 {
		return max(len(a), len(b))
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j+1]+1, row[j]+1)
		}
	}
	return row[len(b)]
}
