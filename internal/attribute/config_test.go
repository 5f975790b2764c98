package attribute

import (
	"reflect"
	"strings"
	"testing"
	"time"
)

const wholeConfig = `
apps:                      # names of your own
  - name: orders
    origin: "lambda:*/orders-*"
  - name: nightly
    role: "batch-*"
    session: "nightly-*"
accounts: {"111122223333": production, 012345678901: staging}
trusted-accounts: ["444455556666"]
naming: {"role/*": "^[a-z][a-z0-9-]+$"}
rules:
  opaque-name: off
  shared-name: {severity: critical}
ignore:
  - {rule: shared-name, role: "legacy-*", reason: "ticket 42", until: 2027-01-31}
`

func readConfig(t *testing.T, text string) *Config {
	t.Helper()
	c, err := ReadConfig("trailscan.yaml", strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestConfigApp(t *testing.T) {
	c := readConfig(t, wholeConfig)
	tests := []struct{ origin, role, session, want string }{
		{"lambda:111122223333/orders-api", "any", "any", "orders"},
		{"lambda:111122223333/billing", "any", "any", ""},
		{"unknown", "arn:aws:iam::111122223333:role/jobs/batch-eu", "nightly-1", "nightly"},
		{"unknown", "batch-eu", "hourly-1", ""},
		{"lambda:111122223333/orders-api", "batch-eu", "nightly-1", "orders"}, // the first counts
	}
	for _, test := range tests {
		if got := c.App(test.origin, test.role, test.session); got != test.want {
			t.Errorf("App(%q, %q, %q) = %q, want %q", test.origin, test.role, test.session, got, test.want)
		}
	}
}

func TestConfigValues(t *testing.T) {
	c := readConfig(t, wholeConfig)
	if want := map[string]string{"111122223333": "production", "012345678901": "staging"}; !reflect.DeepEqual(c.Accounts, want) {
		t.Errorf("accounts: %v, want %v", c.Accounts, want)
	}
	if !c.IsTrusted("444455556666") || c.IsTrusted("111122223333") {
		t.Errorf("trusted: %v", c.Trusted)
	}
	if re := c.NamePattern("arn:aws:iam::111122223333:role/x/y"); re == nil || re.MatchString("Orders") || !re.MatchString("orders-1") {
		t.Errorf("naming of role/*: %v", re)
	}
	if got := c.Rule("opaque-name"); !got.Off {
		t.Errorf("opaque-name: %+v, want off", got)
	}
	if got := c.Rule("shared-name"); got != (RuleSetting{Severity: Critical}) {
		t.Errorf("shared-name: %+v, want critical", got)
	}
	if got := c.Rule("generic-name"); got != (RuleSetting{}) {
		t.Errorf("generic-name: %+v, want nothing set", got)
	}
}

func TestConfigIgnored(t *testing.T) {
	c := readConfig(t, wholeConfig)
	legacy, other := "arn:aws:iam::111122223333:role/legacy-a", "arn:aws:iam::111122223333:role/other"
	lastMoment := time.Date(2027, 1, 31, 23, 59, 59, 0, time.UTC)
	tests := []struct {
		name  string
		rule  string
		roles []string
		now   time.Time
		want  bool
	}{
		{"on its last day", "shared-name", []string{legacy}, lastMoment, true},
		{"past its date", "shared-name", []string{legacy}, lastMoment.Add(time.Second), false},
		{"another rule", "generic-name", []string{legacy}, lastMoment, false},
		{"another role", "shared-name", []string{other}, lastMoment, false},
		{"only one of two roles", "shared-name", []string{legacy, other}, lastMoment, false},
		{"no role known", "shared-name", nil, lastMoment, false},
	}
	for _, test := range tests {
		reason, got := c.Ignored(test.rule, test.roles, test.now)
		if got != test.want || got && reason != "ticket 42" {
			t.Errorf("%s: %q, %v", test.name, reason, got)
		}
	}
	if got := c.Ended(lastMoment); got != nil {
		t.Errorf("ended on the last day: %v", got)
	}
	if got := c.Ended(lastMoment.Add(time.Second)); len(got) != 1 || got[0].Rule != "shared-name" {
		t.Errorf("ended on the day after: %v", got)
	}
}

func TestConfigAbsent(t *testing.T) {
	var none *Config
	for _, c := range []*Config{none, readConfig(t, ""), readConfig(t, "# nothing\n"), readConfig(t, "apps:\nrules:\n")} {
		_, ignored := c.Ignored("shared-name", []string{"r"}, time.Time{})
		if c.App("a", "b", "c") != "" || c.Account("1") != "" || c.IsTrusted("1") || ignored ||
			c.NamePattern("r") != nil || c.Rule("shared-name") != (RuleSetting{}) || c.Ended(time.Time{}) != nil {
			t.Errorf("%+v says something", c)
		}
	}
}

func TestConfigMistakes(t *testing.T) {
	tests := []struct{ text, want string }{
		{"apps:\n- name: a\n  orign: x\n", `c.yaml:3: unknown key "orign" in an app: did you mean "origin"?`},
		{"rulez: {}\n", `c.yaml:1: unknown key "rulez" in the configuration: did you mean "rules"?`},
		{"colour: red\n", `c.yaml:1: unknown key "colour" in the configuration: it is one of apps, accounts, trusted-accounts, naming, rules, ignore`},
		{"apps:\n- origin: x\n", `c.yaml:2: an app without a name`},
		{"apps:\n- name: a\n", `c.yaml:2: app "a" says nothing to know it by: give origin, role or session`},
		{"apps:\n- name: a\n  role: 'a[b'\n", `c.yaml:3: bad pattern "a[b": a [ without its ], an empty [], or a \ at the end`},
		{"apps: orders\n", `c.yaml:1: "orders" where a list belongs (lines that begin with -)`},
		{"apps:\n- orders\n", `c.yaml:2: "orders" where an app needs key: value`},
		{"apps:\n- name: [a]\n", `c.yaml:2: a list where a single value belongs`},
		{"apps:\n- name:\n", `c.yaml:2: a value is missing`},
		{"apps:\n-\n", `c.yaml:2: an app is empty`},
		{"accounts:\n  11112222333: prod\n", `c.yaml:2: account "11112222333" has 11 digits, not 12`},
		{"accounts: {\"111122223333\": a, \"111122223333\": b}\n", `c.yaml:1: "111122223333" stands already in line 1`},
		{"trusted-accounts:\n- 42\n", `c.yaml:2: account "42" has 2 digits, not 12`},
		{"naming:\n  role/*: '^[a-z'\n", "c.yaml:2: bad regular expression \"^[a-z\": missing closing ]: `[a-z`"},
		{"rules:\n  shared-names: off\n", `c.yaml:2: unknown rule "shared-names": did you mean "shared-name"?`},
		{"rules:\n  shared-name: on\n", `c.yaml:2: rule shared-name is "on": write off, or {severity: low|medium|high|critical}`},
		{"rules:\n  shared-name: {severity: hihg}\n", `c.yaml:2: unknown severity "hihg": did you mean "high"?`},
		{"rules:\n  shared-name: {severity: none}\n", `c.yaml:2: unknown severity "none": it is one of low, medium, high, critical`},
		{"ignore:\n- {rule: shared-name, reason: x, until: 2027-02-30}\n", `c.yaml:2: bad date "2027-02-30": write it as 2027-01-31`},
		{"ignore:\n- {rule: shared-name, reason: x, until: 31.1.2027}\n", `c.yaml:2: bad date "31.1.2027": write it as 2027-01-31`},
		{"ignore:\n- {rule: shared-name}\n", `c.yaml:2: an entry of ignore without a reason: the next reader will ask`},
		{"ignore:\n- {reason: x}\n", `c.yaml:2: an entry of ignore without a rule`},
		{"apps: &a [{name: x, role: y}]\nignore: *a\n", `c.yaml:2: an alias (*a) where a list belongs (lines that begin with -)`},
		{"? [a]\n: b\n", `c.yaml:1: a list where a key belongs`},
		{"apps: []\n---\napps: []\n", `c.yaml:2: a second document: a configuration is one`},
		{"apps:\n  - a: b\n c: d\n", `c.yaml:2: not YAML: did not find expected key`},
		{"\tapps: []\n", `c.yaml:1: not YAML: found character that cannot start any token`},
		{"[]\n", `c.yaml:1: a list where the configuration needs key: value`},
	}
	for _, test := range tests {
		c, err := ReadConfig("c.yaml", strings.NewReader(test.text))
		if err == nil {
			t.Errorf("%q gives %+v", test.text, c)
		} else if err.Error() != test.want {
			t.Errorf("%q:\n got %s\nwant %s", test.text, err, test.want)
		}
	}
}

func TestConfigTooLarge(t *testing.T) {
	_, err := ReadConfig("c.yaml", strings.NewReader(strings.Repeat("# filler\n", maxConfig/8)))
	if err == nil || !strings.Contains(err.Error(), "larger than 4 MiB") {
		t.Errorf("error %v", err)
	}
}

func FuzzReadConfig(f *testing.F) {
	f.Add(wholeConfig)
	f.Add("apps: &a [{name: x, role: *a}]")
	f.Add("rules:\n  shared-name: {severity: high}\n")
	f.Add("? {a: b}\n: !!binary x\n")
	f.Fuzz(func(t *testing.T, text string) {
		c, err := ReadConfig("c.yaml", strings.NewReader(text))
		if err != nil {
			if c != nil || !strings.HasPrefix(err.Error(), "c.yaml:") {
				t.Errorf("%+v, %v", c, err)
			}
			return
		}
		for _, a := range c.Apps {
			if a.Name == "" {
				t.Error("an app without a name")
			}
		}
		c.App("a", "b", "c")
		c.Ignored("shared-name", []string{"r"}, time.Time{})
	})
}
