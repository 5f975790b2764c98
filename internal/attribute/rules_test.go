package attribute

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestRuleCases runs the cases of testdata/rules: a folder for each rule, with
// cases in which it fires (fires-*.txt) and in which it must stay silent
// (silent-*.txt). Their lines are, all on 20 November 2026:
//
//	TIME assume CALLER ROLE/NAME KEY [OPTION...]
//	TIME call ROLE/NAME KEY CREATED [OPTION...]
//	want ROLE/NAME: RULE...
//	config: YAML, to the end of the file
//
// CALLER is user:NAME, service:PRINCIPAL, saml:NAME, web:PROVIDER,SUBJECT,
// account:ACCOUNT,PRINCIPALID or session:ROLE/NAME,KEY,CREATED. ROLE may be
// ACCOUNT:ROLE. "want" lists all rules that fire on a name; names without one
// are not looked at. A line repeats with "times=N": # in it becomes 0..N-1, in
// minutes too.
func TestRuleCases(t *testing.T) {
	for _, rule := range Rules() {
		for kind, fires := range map[string]bool{"fires": true, "silent": false} {
			files, err := filepath.Glob(filepath.Join("testdata", "rules", rule.ID, kind+"-*.txt"))
			if err != nil || len(files) == 0 {
				t.Errorf("rule %s has no case %s-*.txt: %v", rule.ID, kind, err)
			}
			for _, file := range files {
				t.Run(rule.ID+"/"+strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
					c := readCase(t, file)
					res := audit(t, Options{Config: c.config, Today: time.Date(2026, 11, 24, 0, 0, 0, 0, time.UTC)}, c.records...)
					for key, want := range c.want {
						got := []string{"no such name"}
						for _, n := range res.Names {
							if n.RoleName+"/"+n.SessionName == key || n.AccountID+":"+n.RoleName+"/"+n.SessionName == key {
								got = slices.Sorted(slices.Values(n.Findings))
							}
						}
						if !slices.Equal(got, want) {
							t.Errorf("%s: got %q, want %q", key, got, want)
						}
					}
					fired := slices.ContainsFunc(res.Findings, func(f Finding) bool { return f.Rule == rule.ID })
					if fired != fires {
						t.Errorf("the rule fired: %v, want %v", fired, fires)
					}
					for _, f := range res.Findings {
						checkFinding(t, f)
					}
				})
			}
		}
	}
}

// checkFinding holds what every finding must say.
func checkFinding(t *testing.T, f Finding) {
	t.Helper()
	if f.ID == "" || f.Title == "" || f.Detail == "" || f.Why == "" || f.Recommendation == "" || f.Severity == None ||
		len(f.RoleARNs) == 0 || f.Names.Count == 0 || len(f.Names.Sample) == 0 || len(f.Patterns) == 0 {
		t.Errorf("the finding leaves something out: %+v", f)
	}
	if !slices.ContainsFunc(f.Evidence, func(e Evidence) bool { return e.EventID != "" }) {
		t.Errorf("the finding %s names no event: %+v", f.Rule, f.Evidence)
	}
}

type ruleCase struct {
	records []rec
	want    map[string][]string
	config  *Config
}

func readCase(t *testing.T, file string) ruleCase {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	text, config, hasConfig := strings.Cut(string(data), "config:\n")
	c := ruleCase{want: map[string][]string{}}
	if hasConfig {
		if c.config, err = ReadConfig(file, strings.NewReader(config)); err != nil {
			t.Fatal(err)
		}
	}
	for i, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		switch {
		case line == "" || strings.HasPrefix(line, "# "):
		case strings.HasPrefix(line, "want "):
			name, rules, ok := strings.Cut(strings.TrimPrefix(line, "want "), ": ")
			if !ok {
				name = strings.TrimSuffix(name, ":")
			}
			c.want[name] = slices.Sorted(slices.Values(strings.Fields(rules)))
		default:
			times := 1
			if before, n, ok := strings.Cut(line, " times="); ok {
				line = before
				if _, err := fmt.Sscan(n, &times); err != nil {
					t.Fatalf("%s:%d: %v", file, i+1, err)
				}
			}
			for k := range times {
				r, err := caseRecord(fmt.Sprintf("%d.%d", i, k), strings.Fields(strings.ReplaceAll(line, "#", fmt.Sprintf("%02d", k))))
				if err != nil {
					t.Fatalf("%s:%d: %v", file, i+1, err)
				}
				c.records = append(c.records, r)
			}
		}
	}
	if len(c.want) == 0 {
		t.Fatalf("%s wants nothing", file)
	}
	return c
}

func caseRecord(id string, words []string) (rec, error) {
	if len(words) < 5 {
		return nil, fmt.Errorf("too few words: %q", words)
	}
	at := words[0]
	switch words[1] {
	case "assume":
		caller, extra, err := caseCaller(words[2])
		if err != nil {
			return nil, err
		}
		account, role, name := caseName(words[3])
		r := merged(assumes(id, at, caller, account, role, name, words[4]), extra)
		return r, caseOptions(r, words[5:])
	case "call":
		account, role, name := caseName(words[2])
		key := words[3]
		if key == "-" {
			key = ""
		}
		r := apiCall(id, at, as(account, role, name, key, words[4]))
		return r, caseOptions(r, words[5:])
	}
	return nil, fmt.Errorf("unknown line %q", words)
}

func caseName(s string) (account, role, name string) {
	account = ours
	if a, rest, ok := strings.Cut(s, ":"); ok && len(a) == 12 {
		account, s = a, rest
	}
	i := strings.LastIndexByte(s, '/')
	return account, s[:i], s[i+1:]
}

func caseCaller(s string) (id, extra rec, err error) {
	kind, v, _ := strings.Cut(s, ":")
	parts := strings.Split(v, ",")
	switch kind {
	case "user":
		return user(ours, v), nil, nil
	case "service":
		return service(v), nil, nil
	case "saml":
		return rec{"type": "SAMLUser", "principalId": "idp:" + v, "userName": v, "identityProvider": "idp"}, rec{"eventName": "AssumeRoleWithSAML"}, nil
	case "web":
		provider := "arn:aws:iam::" + ours + ":oidc-provider/" + parts[0]
		return rec{"type": "WebIdentityUser", "principalId": provider + ":sts.amazonaws.com:" + parts[1], "userName": parts[1], "identityProvider": provider},
			rec{"eventName": "AssumeRoleWithWebIdentity"}, nil
	case "account":
		return rec{"type": "AWSAccount", "accountId": parts[0], "principalId": parts[1]}, nil, nil
	case "session":
		account, role, name := caseName(parts[0])
		return as(account, role, name, parts[1], parts[2]), nil, nil
	}
	return nil, nil, fmt.Errorf("unknown caller %q", s)
}

func caseOptions(r rec, options []string) error {
	id := r["userIdentity"].(rec)
	for _, o := range options {
		name, v, _ := strings.Cut(o, "=")
		v = strings.ReplaceAll(v, "_", " ")
		switch name {
		case "ip":
			r["sourceIPAddress"] = v
		case "ua":
			r["userAgent"] = v
		case "recipient":
			r["recipientAccountId"] = v
		case "console":
			r["sessionCredentialFromConsole"] = "true"
		case "by":
			id["invokedBy"] = v
		case "delivery":
			r["userIdentity"] = inContext(id, rec{"ec2RoleDelivery": v})
			id = r["userIdentity"].(rec)
		case "federated":
			r["userIdentity"] = inContext(id, rec{"webIdFederationData": rec{"federatedProvider": v}})
			id = r["userIdentity"].(rec)
		case "duration":
			r["responseElements"].(rec)["credentials"].(rec)["expiration"] = ""
			var seconds int
			if _, err := fmt.Sscan(v, &seconds); err != nil {
				return err
			}
			r["requestParameters"].(rec)["durationSeconds"] = seconds
		case "issuer":
			r["userIdentity"] = inContext(id, rec{"sessionIssuer": rec{"type": "Role", "arn": v, "principalId": "AROAISSUER"}})
		default:
			return fmt.Errorf("unknown option %q", o)
		}
	}
	return nil
}

// TestEveryRuleSaysEverything holds the texts that feed the list of rules, the
// reports and the documentation.
func TestEveryRuleSaysEverything(t *testing.T) {
	seen := map[string]bool{}
	for _, r := range Rules() {
		if r.ID == "" || r.Title == "" || r.When == "" || r.Why == "" || r.Fix == "" || r.Severity == None || r.check == nil || seen[r.ID] {
			t.Errorf("rule %q leaves something out or stands twice", r.ID)
		}
		seen[r.ID] = true
	}
	for _, id := range []string{
		"shared-name", "name-collision", "overlapping-sessions", "sdk-default-name", "generic-name", "opaque-name", "misleading-name",
		"credentials-moved", "secret-in-name", "personal-data-crosses-accounts", "unattributed", "assume-churn",
	} {
		if !seen[id] {
			t.Errorf("no rule %s", id)
		}
	}
}
