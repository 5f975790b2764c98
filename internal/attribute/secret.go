package attribute

import "strings"

// Secret reports whether a session name holds what looks like a key or token,
// and which kind. Every account that the session touches logs the name in the
// clear. Ids that are no secret (UUIDs, hashes, the unique ids of roles and
// users) and the SDKs' own random names do not count.
func Secret(name string) (what string, ok bool) {
	switch f := FormOf(name); f.Class {
	case ClassService, ClassInstance, ClassSDK:
		return "", false
	}
	if hasAccessKeyID(name) {
		return "an AWS access key id", true
	}
	for i := range secretMarks {
		if m := &secretMarks[i]; m.in(name) {
			return m.what, true
		}
	}
	if hasAssignment(name) {
		return "a password or token after its name", true
	}
	if hasPrivateKey(name) {
		return "the beginning of a private key", true
	}
	if hasSecretAccessKey(name) {
		return "what looks like an AWS secret access key", true
	}
	return "", false
}

// secretMark is a kind of token that is told by what it begins with.
type secretMark struct {
	what   string
	prefix string
	least  int             // how many characters follow at least; names are cut at 64
	of     func(byte) bool // of which kind
	mixed  bool            // digits and letters must be among them
}

// secretMarks are the tokens that their makers gave a beginning of their own.
// Never changed. Sources: each maker's manual, and the patterns of
// https://github.com/gitleaks/gitleaks
var secretMarks = [...]secretMark{
	{"a GitHub token", "ghp_", 20, isAlnum, true},
	{"a GitHub token", "gho_", 20, isAlnum, true},
	{"a GitHub token", "ghu_", 20, isAlnum, true},
	{"a GitHub token", "ghs_", 20, isAlnum, true},
	{"a GitHub token", "ghr_", 20, isAlnum, true},
	{"a GitHub token", "github_pat_", 20, isWord, true},
	{"a GitLab token", "glpat-", 16, isToken, true},
	{"a GitLab token", "gldt-", 16, isToken, true},
	{"a GitLab token", "glrt-", 16, isToken, true},
	{"a GitLab token", "glptt-", 16, isToken, true},
	{"a Slack token", "xoxa-", 10, isToken, true},
	{"a Slack token", "xoxb-", 10, isToken, true},
	{"a Slack token", "xoxe-", 10, isToken, true},
	{"a Slack token", "xoxe.", 10, isToken, true},
	{"a Slack token", "xoxo-", 10, isToken, true},
	{"a Slack token", "xoxp-", 10, isToken, true},
	{"a Slack token", "xoxr-", 10, isToken, true},
	{"a Slack token", "xoxs-", 10, isToken, true},
	{"a Slack token", "xapp-", 10, isToken, true},
	{"a Google API key", "AIza", 30, isToken, true},
	{"a JSON web token", "eyJ", 16, isJWT, true},
	{"an AWS session token", "IQoJb3JpZ2lu", 4, isToken, false},
	{"an AWS session token", "FwoGZXIvYXdz", 4, isToken, false},
	{"an AWS session token", "FQoGZXIvYXdz", 4, isToken, false},
	{"a Stripe key", "sk_live_", 16, isAlnum, true},
	{"a Stripe key", "rk_live_", 16, isAlnum, true},
	{"an npm token", "npm_", 30, isAlnum, true},
	{"a PyPI token", "pypi-AgE", 16, isToken, true},
	{"a HashiCorp Vault token", "hvs.", 20, isToken, true},
	{"a HashiCorp Vault token", "hvb.", 20, isToken, true},
	{"a DigitalOcean token", "dop_v1_", 32, isHex, true},
	{"a Databricks token", "dapi", 32, isHex, true},
	{"a SendGrid key", "SG.", 30, isJWT, true},
	{"an Atlassian token", "ATATT3", 20, isToken, true},
	{"an API key", "sk-ant-", 20, isToken, true},
	{"an API key", "sk-proj-", 20, isToken, true},
	{"an API key", "sk-", 32, isAlnum, true},
}

func isWord(c byte) bool  { return isAlnum(c) || c == '_' }
func isToken(c byte) bool { return isAlnum(c) || c == '_' || c == '-' }
func isJWT(c byte) bool   { return isToken(c) || c == '.' }

// in reports whether the token stands anywhere in s where no letter or digit
// stands before it.
func (m *secretMark) in(s string) bool {
	for from := 0; ; {
		i := strings.Index(s[from:], m.prefix)
		if i < 0 {
			return false
		}
		i += from
		from = i + 1
		if i > 0 && isAlnum(s[i-1]) {
			continue
		}
		start := i + len(m.prefix)
		end := start
		for end < len(s) && m.of(s[end]) {
			end++
		}
		if end-start < m.least {
			continue
		}
		count, _, _ := kinds(s[start:end])
		if !m.mixed || count[2] > 0 && count[0]+count[1] > 0 {
			return true
		}
	}
}

// hasAccessKeyID reports an access key id: AKIA (long-term) or ASIA (temporary)
// and 16 capitals and digits.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html
func hasAccessKeyID(s string) bool {
	for i := 0; i+20 <= len(s); i++ {
		if id := s[i : i+20]; id[0] != 'A' || id[:4] != "AKIA" && id[:4] != "ASIA" {
			continue
		}
		if i > 0 && isAlnum(s[i-1]) || i+20 < len(s) && isAlnum(s[i+20]) {
			continue
		}
		rest, digit := s[i+4:i+20], false
		for j := range len(rest) {
			if !isUpper(rest[j]) && !isDigit(rest[j]) {
				rest = ""
				break
			}
			digit = digit || isDigit(rest[j])
		}
		if rest != "" && (digit || !spells(rest)) {
			return true
		}
	}
	return false
}

// hasSecretAccessKey reports 40 characters of base 64 in a row, no more and no
// fewer, that look random and of which some are small letters, capitals and
// digits. A name cannot hold the slash that many of the keys have.
func hasSecretAccessKey(s string) bool {
	for i := 0; i < len(s); {
		j := i
		for j < len(s) && (isAlnum(s[j]) || s[j] == '+') {
			j++
		}
		if j-i == 40 {
			key := s[i:j]
			count, _, _ := kinds(key)
			if count[0] >= 4 && count[1] >= 4 && count[2] >= 2 && mixed(key) {
				return true
			}
		}
		i = max(j, i+1)
	}
	return false
}

// hasAssignment reports password=..., token=... and the like.
func hasAssignment(s string) bool {
	for from := 0; ; {
		i := strings.IndexByte(s[from:], '=')
		if i < 0 {
			return false
		}
		i += from
		from = i + 1
		start := i
		for start > 0 && (isAlnum(s[start-1]) || s[start-1] == '_' || s[start-1] == '-') {
			start--
		}
		end := i + 1
		for end < len(s) && s[end] != ',' && s[end] != '=' {
			end++
		}
		value := s[i+1 : end]
		if !namesSecret(s[start:i]) || len(value) < 4 {
			continue
		}
		if _, generic := Generic(value, ""); !generic {
			return true
		}
	}
}

// namesSecret reports whether the name before an equals sign ends in a word for
// a secret.
func namesSecret(key string) bool {
	var room [64]byte
	folded, fits := fold(room[:0], key)
	if !fits {
		return false
	}
	k := string(folded)
	for _, word := range [...]string{
		"password", "passwd", "passphrase", "pwd", "pass", "secret", "secretkey", "accesskey", "accesskeyid", "apikey",
		"token", "privatekey", "credential", "credentials", "clientsecret", "authorization", "bearer",
	} {
		if strings.HasSuffix(k, word) {
			return true
		}
	}
	return false
}

// hasPrivateKey reports the first line of a private key in PEM, in whatever way
// its spaces and dashes came through, or the first bytes of one in base 64: a
// SEQUENCE in DER, which begins the keys of all kinds.
func hasPrivateKey(s string) bool {
	var room [64]byte
	folded, fits := fold(room[:0], s)
	if !fits {
		return false
	}
	if k := string(folded); strings.Contains(k, "begin") {
		_, behind, _ := strings.Cut(k, "begin")
		if i := strings.Index(behind, "privatekey"); i >= 0 && i <= len("encrypted") {
			return true
		}
	}
	for _, mark := range [...]string{"MII", "MHcCAQEE", "MIGHAgEA"} {
		i := strings.Index(s, mark)
		if i < 0 || i > 0 && isAlnum(s[i-1]) || len(s)-i < 32 || !all(s[i:], isBase64) {
			continue
		}
		if count, _, _ := kinds(s[i:]); count[0] >= 4 && count[1] >= 4 && count[2] >= 1 && !reads(s[i:], 60) {
			return true
		}
	}
	return false
}

func isBase64(c byte) bool { return isAlnum(c) || c == '+' || c == '=' }
