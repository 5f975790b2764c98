package attribute

import (
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// redactedNote is the warning by which a redacted report is known.
const redactedNote = "people, addresses and key ids are replaced (--redact); equal ones by equal words"

// The kinds of words that stand for what is replaced, numbered in the order in
// which the Result holds what they stand for: person-1, address-2, key-3.
const (
	wordPerson  = "person"
	wordDomain  = "domain"
	wordAddress = "address"
	wordKey     = "key"
	wordSecret  = "secret"
)

// Redact replaces people, network addresses, key ids and the secrets that
// session names hold, all over the Result and so that equal values stay equal:
// who is one person before is one person after. User names, the names of
// Identity Center and SAML sessions, federated users and e-mail addresses are
// people; a source identity is one unless it is in the name of the app that set
// it. An e-mail address keeps its form and its part before the @ is the same
// person as a bare name. Accounts, roles, apps and event ids stay.
func (r *Result) Redact() {
	d := &redactor{
		words:  map[string]string{},
		counts: map[string]int{},
		taken:  map[string]bool{},
		people: map[string]bool{},
		names:  map[string]string{},
	}
	r.whole()
	d.learn(r)
	d.rewrite(r)
	r.Scan.Warnings = append(r.Scan.Warnings, redactedNote)
}

type redactor struct {
	words  map[string]string // by kind and value
	counts map[string]int    // by kind
	taken  map[string]bool   // session names that look like a word
	people map[string]bool   // names of people
	names  map[string]string // session names that change, and what they become
	// odd are the names of people and sessions with characters that part words
	// elsewhere; pairs of old and new.
	odd     []string
	replace *strings.Replacer
}

var wordForm = regexp.MustCompile(`^(?:person|domain|address|key|secret)-[0-9]+$`)

// word gives what stands for a value.
func (d *redactor) word(kind, value string) string {
	key := kind + " " + value
	w, ok := d.words[key]
	for !ok {
		d.counts[kind]++
		w = kind + "-" + strconv.Itoa(d.counts[kind])
		ok = !d.taken[w]
	}
	d.words[key] = w
	return w
}

// learn finds out who is a person, and then what becomes of the session names.
func (d *redactor) learn(r *Result) {
	for i := range r.Names {
		n := &r.Names[i]
		if wordForm.MatchString(n.SessionName) {
			d.taken[n.SessionName] = true
		}
		if strings.HasPrefix(n.RoleName, ssoRolePrefix) {
			d.person(n.SessionName)
		}
		for j := range n.Origins {
			o := &n.Origins[j]
			d.origin(o.Kind, o.Name)
			for _, l := range o.Chain {
				d.principal(l.Principal)
			}
			d.evidence(o.Evidence, o)
		}
	}
	for i := range r.Findings {
		f := &r.Findings[i]
		d.mentions(f.Title + " " + f.Detail + " " + f.Recommendation)
		d.evidence(f.Evidence, nil)
	}
	for i := range r.Origins {
		d.origin(r.Origins[i].Kind, r.Origins[i].Name)
	}
	for i := range r.Other {
		d.principal(r.Other[i].Principal)
		if !accountForm.MatchString(r.Other[i].Name) { // AssumeRoot's
			d.person(r.Other[i].Name)
		}
	}
	for i := range r.Denied {
		d.principal(r.Denied[i].Principal)
	}
	for i := range r.Names {
		n := &r.Names[i]
		if slices.Contains(n.Findings, secretRule) {
			secret := d.word(wordSecret, n.SessionName)
			d.rename(n.SessionName, secret)
			if !strings.Contains(n.Pattern, "<") {
				d.rename(n.Pattern, secret)
			}
		} else if n.ofFunction() && !d.people[n.SessionName] {
			d.names[n.SessionName] = n.SessionName // of which no part is a person's
		} else {
			d.rename(n.SessionName, d.session(n.SessionName))
		}
	}
	if len(d.odd) > 0 {
		d.replace = strings.NewReplacer(d.odd...)
	}
}

// secretRule fires on names whose whole is replaced.
const secretRule = "secret-in-name"

// ssoRolePrefix begins the names of the roles that Identity Center makes, whose
// sessions are named by their user.
const ssoRolePrefix = "AWSReservedSSO_"

var accountForm = regexp.MustCompile(`^[0-9]{12}$`)

// person notes the name of a person; of an e-mail address, the part before the
// @.
func (d *redactor) person(name string) {
	if local, _, ok := strings.Cut(name, "@"); ok && local != "" {
		name = local
	}
	if name == "" || d.people[name] {
		return
	}
	d.people[name] = true
	if strings.Trim(name, nameBytes) != "" {
		d.odd = append(d.odd, name, d.word(wordPerson, name))
	}
}

// rename notes what becomes of a session name.
func (d *redactor) rename(from, to string) {
	if from == to || from == "" {
		return
	}
	d.names[from] = to
	if strings.Trim(from, nameBytes) != "" {
		d.odd = append(d.odd, from, to)
	}
}

// origin notes the person that an origin is.
func (d *redactor) origin(kind, name string) {
	switch kind {
	case KindSSO, KindSAML:
		d.person(name)
	case KindIAMUser: // ACCOUNT/USER
		if _, user, ok := strings.Cut(name, "/"); ok {
			name = user
		}
		d.person(name)
	case KindWebIdentity: // ISSUER/SUBJECT: an app's or a person's id, which nobody can tell
		d.person(name[strings.LastIndexByte(name, '/')+1:])
	}
}

// principal notes the person that a principal is.
func (d *redactor) principal(p string) {
	d.mentions(p)
	if s, ok := ParseSessionARN(p); ok && strings.HasPrefix(s.Role, ssoRolePrefix) {
		d.person(s.Session)
	}
}

// sourceIdentity begins the detail of the evidence of that type.
const sourceIdentity = "source identity "

// evidence notes the people that the evidence for an origin names; nil is the
// unknown one.
func (d *redactor) evidence(list []Evidence, o *NameOrigin) {
	for _, e := range list {
		if who, ok := strings.CutPrefix(e.Detail, sourceIdentity); ok && e.Type == "source-identity" {
			who, _, _ = strings.Cut(who, ", ") // what else is said of it
			if o == nil || !o.bears(who) {
				d.person(who)
			}
		}
		d.mentions(e.Detail)
	}
}

// bears reports whether a source identity is the app's own: it stands in the
// app's name, as month-close in ecs:111122223333/month-close-task, and has not
// the form of a person's name.
func (o *NameOrigin) bears(id string) bool {
	if (origin{kind: o.Kind}).person() || PersonLike(id) != NoPerson {
		return false
	}
	_, name, _ := strings.Cut(o.ID, ":")
	const parts = nameSeparators + "/:"
	whole := func(before, after string) bool {
		return (before == "" || strings.IndexByte(parts, before[len(before)-1]) >= 0) && (after == "" || strings.IndexByte(parts, after[0]) >= 0)
	}
	for at := 0; ; at++ {
		i := strings.Index(name[at:], id)
		if i < 0 {
			return false
		}
		if at += i; whole(name[:at], name[at+len(id):]) {
			return true
		}
	}
}

// ofFunction reports whether a session name is the name of the Lambda function
// that it comes from, and not of the form of a person's.
func (n *SessionName) ofFunction() bool {
	return PersonLike(n.SessionName) == NoPerson && slices.ContainsFunc(n.Origins, func(o NameOrigin) bool {
		return o.Kind == KindLambda && strings.HasSuffix(o.ID, "/"+lambdaFunction(n.SessionName))
	})
}

var mentionForm = regexp.MustCompile(`(?:arn:[^:\s]+:(?:iam|sts)::[^:\s]*:(?:user|federated-user)/(?:[^\s]*/)?|\b` +
	KindIAMUser + `:[^/\s]*/|\b(?:` + KindSSO + `|` + KindSAML + `):)([\w+=,.@-]*[\w+=@-])`)

// mentions notes the people in a text whose ARN or origin stands there.
func (d *redactor) mentions(s string) {
	for _, m := range mentionForm.FindAllStringSubmatch(s, -1) {
		d.person(m[1])
	}
}

// session redacts a session name, in which a person's name may be a part:
// alice, alice-laptop, deploy.alice.
func (d *redactor) session(s string) string {
	if to, ok := d.names[s]; ok {
		return to
	}
	var b strings.Builder
	for rest := s; rest != ""; {
		if n := d.personLength(rest); n > 0 {
			b.WriteString(d.word(wordPerson, rest[:n]))
			rest = rest[n:]
		}
		// To the next place where a name may begin.
		n := strings.IndexAny(rest, nameSeparators)
		if n < 0 {
			b.WriteString(rest)
			break
		}
		b.WriteString(rest[:n+1])
		rest = rest[n+1:]
	}
	return d.text(b.String())
}

// nameSeparators part the pieces of a session name.
const nameSeparators = "-_.=+,@ "

// maxPieces is how many pieces of a session name a person's name may be.
const maxPieces = 6

// personLength gives the length of the longest person's name that s begins
// with and that ends where a piece ends, or 0.
func (d *redactor) personLength(s string) int {
	longest, end := 0, 0
	for range maxPieces {
		n := strings.IndexAny(s[end:], nameSeparators)
		if n < 0 {
			if d.people[s] {
				return len(s)
			}
			return longest
		}
		end += n
		if d.people[s[:end]] {
			longest = end
		}
		end++
	}
	return longest
}

const (
	// nameBytes are the characters of session names, user names and e-mail
	// addresses.
	nameBytes = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_+=,.@-"
)

var (
	runForm = regexp.MustCompile(`[\w+=,.@-]+`)
	// A colon parts the words of ARNs and of origins, so that of IPv6 addresses
	// only what ParseAddr accepts is one.
	ipv6Form  = regexp.MustCompile(`[0-9A-Fa-f:]*:[0-9A-Fa-f:]*:[0-9A-Fa-f:.]*`)
	ipv4Form  = regexp.MustCompile(`[0-9]+\.[0-9]+\.[0-9]+\.[0-9]+`)
	hostForm  = regexp.MustCompile(`ip-[0-9]+-[0-9]+-[0-9]+-[0-9]+`)
	emailForm = regexp.MustCompile(`([^\s@:/"'<>(),;]+)@([A-Za-z0-9][A-Za-z0-9._-]*[A-Za-z0-9])`)
	// keyForm is an access key id, or the id of an IAM user.
	// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-prefixes
	keyForm = regexp.MustCompile(`(?:AKIA|ASIA|ABIA|ACCA|AIDA)[A-Z0-9]{12,124}`)
)

// text redacts a text in which values stand among other words.
func (d *redactor) text(s string) string {
	if s == "" {
		return s
	}
	if d.replace != nil {
		s = d.replace.Replace(s)
	}
	s = replaceWhole(s, ipv6Form, d.address)
	s = runForm.ReplaceAllStringFunc(s, d.run)
	s = emailForm.ReplaceAllStringFunc(s, d.email)
	return keyForm.ReplaceAllStringFunc(s, func(k string) string { return d.word(wordKey, k) })
}

// run redacts one word of a text: a session name, a person's name, or what
// holds an address.
func (d *redactor) run(s string) string {
	for word := s; word != ""; word = word[:len(word)-1] {
		if to, ok := d.names[word]; ok {
			return to + s[len(word):]
		}
		if d.people[word] {
			return d.word(wordPerson, word) + s[len(word):]
		}
		if last := word[len(word)-1]; last != '.' && last != ',' {
			break
		}
	}
	s = replaceWhole(s, ipv4Form, d.address)
	return replaceWhole(s, hostForm, func(host string) string {
		return "ip-" + d.word(wordAddress, strings.ReplaceAll(host[len("ip-"):], "-", "."))
	})
}

// quadForm is what people take for an address, and pseudonymised logs put in its
// place, whether or not it can be one: 035.249.253.232.
var quadForm = regexp.MustCompile(`^[0-9]{1,3}(?:\.[0-9]{1,3}){3}$`)

func (d *redactor) address(s string) string {
	if a, err := netip.ParseAddr(s); err != nil && !quadForm.MatchString(s) || a.IsUnspecified() {
		return s
	}
	return d.word(wordAddress, s)
}

func (d *redactor) email(s string) string {
	if isLambdaShort(s) {
		return s
	}
	local, domain, _ := strings.Cut(s, "@")
	if !wordForm.MatchString(local) || d.taken[local] {
		local = d.word(wordPerson, local)
	}
	if !wordForm.MatchString(domain) {
		domain = d.word(wordDomain, domain)
	}
	return local + "@" + domain
}

// replaceWhole is ReplaceAllStringFunc for matches that no letter or digit
// touches.
func replaceWhole(s string, form *regexp.Regexp, replace func(string) string) string {
	var b strings.Builder
	last := 0
	for _, m := range form.FindAllStringIndex(s, -1) {
		if m[0] > 0 && isWordByte(s[m[0]-1]) || m[1] < len(s) && isWordByte(s[m[1]]) {
			continue
		}
		b.WriteString(s[last:m[0]])
		b.WriteString(replace(s[m[0]:m[1]]))
		last = m[1]
	}
	if last == 0 {
		return s
	}
	return b.String() + s[last:]
}

func isWordByte(c byte) bool {
	return c == '_' || '0' <= c && c <= '9' || 'A' <= c && c <= 'Z' || 'a' <= c && c <= 'z'
}

// rewrite replaces what learn found, wherever it stands.
func (d *redactor) rewrite(r *Result) {
	r.Scan.Source = d.text(r.Scan.Source)
	d.texts(r.Scan.Filters)
	for i := range r.Scan.Problems {
		p := &r.Scan.Problems[i]
		p.Object, p.Error = d.text(p.Object), d.text(p.Error)
	}
	d.texts(r.Scan.Warnings)
	for i := range r.Names {
		n := &r.Names[i]
		n.SessionName, n.Pattern = d.session(n.SessionName), d.session(n.Pattern)
		if slices.Contains(n.Findings, secretRule) {
			n.Pattern = n.SessionName
		}
		d.sample(&n.SourceIPs, d.text)
		d.sample(&n.UserAgents, d.userAgent)
		for j := range n.Origins {
			d.nameOrigin(&n.Origins[j])
		}
		for j := range n.SessionList {
			s := &n.SessionList[j]
			s.AccessKeyID, s.OriginID = d.text(s.AccessKeyID), d.text(s.OriginID)
		}
	}
	for i := range r.Origins {
		o := &r.Origins[i]
		o.ID, o.Name = d.text(o.ID), d.text(o.Name)
	}
	for i := range r.Findings {
		d.finding(&r.Findings[i])
	}
	for i := range r.Other {
		o := &r.Other[i]
		o.Principal, o.Name = d.principalText(o.Principal), d.text(o.Name)
	}
	for i := range r.Denied {
		r.Denied[i].Principal = d.principalText(r.Denied[i].Principal)
	}
	if r.Baseline != nil {
		d.texts(r.Baseline.Changes)
	}
}

func (d *redactor) nameOrigin(o *NameOrigin) {
	o.ID, o.Name = d.text(o.ID), d.text(o.Name)
	d.sample(&o.Instances, d.text)
	for i := range o.Chain {
		o.Chain[i].Principal = d.principalText(o.Chain[i].Principal)
	}
	d.evidenceText(o.Evidence)
	d.sample(&o.SourceIPs, d.text)
	d.sample(&o.UserAgents, d.userAgent)
}

func (d *redactor) finding(f *Finding) {
	f.Title, f.Detail, f.Why, f.Recommendation = d.text(f.Title), d.text(f.Detail), d.text(f.Why), d.text(f.Recommendation)
	f.Ignored = d.text(f.Ignored)
	if f.Rule == secretRule { // what of a secret does not change stands in its pattern
		for i := range f.Patterns {
			f.Patterns[i] = d.word(wordSecret, f.Patterns[i])
		}
	}
	for _, names := range [][]string{f.Names.Sample, f.Names.New, f.Names.Resolved, f.Patterns} {
		for i := range names {
			names[i] = d.session(names[i])
		}
		slices.Sort(names)
	}
	d.evidenceText(f.Evidence)
}

func (d *redactor) evidenceText(list []Evidence) {
	for i := range list {
		list[i].Detail = d.text(list[i].Detail)
	}
}

func (d *redactor) texts(list []string) {
	for i := range list {
		list[i] = d.text(list[i])
	}
}

// principalText redacts an ARN, the last part of which may be a session name
// that no call was made under.
func (d *redactor) principalText(p string) string {
	if s, ok := ParseSessionARN(p); ok {
		s.Session = d.session(s.Session)
		return s.ARN()
	}
	return d.text(p)
}

var versionForm = regexp.MustCompile(`/[0-9]+\.[0-9]+\.[0-9]+\.[0-9]+`)

// userAgent redacts a user agent, where four numbers behind a slash are a
// version (Chrome/120.0.0.0) and no address.
func (d *redactor) userAgent(s string) string {
	var b strings.Builder
	last := 0
	for _, m := range versionForm.FindAllStringIndex(s, -1) {
		b.WriteString(d.text(s[last:m[0]]))
		b.WriteString(s[m[0]:m[1]])
		last = m[1]
	}
	return b.String() + d.text(s[last:])
}

// sample redacts a sample and brings it back into order.
func (d *redactor) sample(s *Sample, redact func(string) string) {
	for i := range s.Sample {
		s.Sample[i] = redact(s.Sample[i])
	}
	slices.Sort(s.Sample)
}
