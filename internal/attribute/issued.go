package attribute

import (
	"bytes"
	"cmp"
	"iter"
	"strings"
	"time"
	"unicode"

	"github.com/trailscan/trailscan/internal/ingest"
)

// issued notes an event that issued a temporary credential, or tells about one.
// chosen says that it lies in the window and in the accounts and regions asked for.
func (b *Builder) issued(e *ingest.Event, id *ident, chosen bool) {
	switch string(e.Name) {
	case "AssumeRole":
		b.assumed(e, id, assumeRole, chosen)
	case "AssumeRoleWithSAML":
		b.assumed(e, id, assumeSAML, chosen)
	case "AssumeRoleWithWebIdentity":
		b.assumed(e, id, assumeWeb, chosen)
	case "GetFederationToken", "GetSessionToken", "AssumeRoot":
		if len(e.ErrorCode) == 0 && id != nil {
			b.issuedOther(e, id, chosen)
		}
	case "AssumeRoleForPodIdentity":
		if c := b.of(e.Assume.ClusterName); c != 0 && len(e.ErrorCode) == 0 {
			b.pods[podKey{b.acctSym, c}] = true
		}
	}
}

func (b *Builder) assumed(e *ingest.Event, id *ident, kind assumeKind, chosen bool) {
	a := &e.Assume
	if len(e.ErrorCode) > 0 {
		if chosen && id != nil && bytes.Contains(e.ErrorCode, []byte("AccessDenied")) {
			b.refused(e, id, once(b.ref(e.Time, b.id)))
		}
		return
	}
	if chosen {
		b.assumeEvents++
	}
	if id == nil {
		id = b.nobody()
	}
	h := assumeHow{
		kind: kind, recipient: b.acctSym, region: b.regSym,
		roleARN: b.of(a.RoleARN), sourceIdentity: b.of(a.SourceIdentity), provider: b.of(a.Provider), subject: b.of(a.Subject),
		subjectType: b.of(a.SubjectType), audience: b.of(a.Audience), samlProvider: b.of(a.PrincipalARN),
		tags: b.ofString(podTags(a.Tags)), ip: b.of(e.SourceIP), agent: b.of(e.UserAgent),
	}
	session := string(clip(a.RoleSessionName))
	if role, name, ok := SplitPrincipalID(string(a.AssumedRoleID)); ok {
		h.roleID = b.ofString(role)
		session = cmp.Or(session, name)
	}
	// Parameters of over 100 KB are left out of the record; the response still
	// names role and session, without the role's path.
	as, ok := ParseSessionARN(string(a.AssumedRoleARN))
	if ok && h.roleARN == 0 {
		h.roleARN = b.ofString(RoleRef{as.Partition, as.Account, "/", as.Role}.ARN())
		session = as.Session
	}
	if h.roleARN == 0 || session == "" {
		return
	}
	h.duration = a.Duration
	if end, ok := parseExpiration(string(a.Expiration)); ok && end > e.Time {
		h.duration = end - e.Time
	}
	role, ok := ParseRoleARN(b.text[h.roleARN])
	if ok {
		b.learnRole(h.roleID, roleRef{account: b.ofString(role.Account), arn: h.roleARN})
	}
	n := b.assumes.add(assume{
		assumeHow: b.how(h), event: b.ref(e.Time, b.id), caller: id, key: b.of(a.IssuedKeyID), chosen: chosen,
		name: b.ofString(SessionRef{role.Partition, role.Account, role.Name, session}.ARN()),
	})
	if shared, ok := b.sharedID(e); ok {
		b.tie(n, shared)
	}
}

// podTags are the session tags that EKS sets, in one text. All others the caller
// chose, often anew each time.
func podTags(tags []ingest.Tag) string {
	var text strings.Builder
	for _, t := range tags {
		ours := bytes.HasPrefix(t.Key, []byte("eks-")) || bytes.HasPrefix(t.Key, []byte("kubernetes-"))
		if ours && bytes.IndexByte(t.Key, 0) < 0 && bytes.IndexByte(t.Value, 0) < 0 {
			text.Write(clip(t.Key))
			text.WriteByte(0)
			text.Write(clip(t.Value))
			text.WriteByte(0)
		}
	}
	return text.String()
}

// eachTag gives the tags of a text of podTags, in their order.
func eachTag(text string) iter.Seq2[string, string] {
	return func(yield func(key, value string) bool) {
		for text != "" {
			var key, value string
			key, text, _ = strings.Cut(text, "\x00")
			value, text, _ = strings.Cut(text, "\x00")
			if !yield(key, value) {
				return
			}
		}
	}
}

// nobody is the identity of a record without one.
func (b *Builder) nobody() *ident {
	k := identKey{identKind: b.kind(identKind{})}
	if id := b.store.idents.find(k); id != nil {
		return id
	}
	return b.store.idents.add(ident{identKey: k})
}

// refused notes denied attempts to assume a role. Such a record holds neither
// the role nor the session name; the error's text names caller and role:
// "User: ARN is not authorized to perform: sts:AssumeRole on resource: ARN".
// https://docs.aws.amazon.com/IAM/latest/UserGuide/cloudtrail-integration.html
func (b *Builder) refused(e *ingest.Event, id *ident, when span) {
	k := deniedKey{principal: id.arn, account: b.acctSym, code: b.of(e.ErrorCode), role: b.of(e.Assume.RoleARN)}
	text := string(e.ErrorText)
	if k.role == 0 {
		if _, after, ok := strings.Cut(text, "on resource: "); ok {
			k.role = b.ofString(firstWord(after))
		}
	}
	if k.principal == 0 {
		if _, after, ok := strings.Cut(text, "User: "); ok {
			k.principal = b.ofString(firstWord(after))
		}
	}
	if k.principal == 0 {
		k.principal = id.principal
	}
	d := b.denied[k]
	if d == nil {
		d = &denied{}
		b.denied[k] = d
	}
	d.seen.merge(&b.symbols, when)
}

func firstWord(s string) string {
	w, _, _ := strings.Cut(s, " ")
	if len(w) > maxKept {
		w = w[:maxKept]
	}
	return w
}

// issuedOther notes a temporary credential that is no role's. One that was
// issued before the window counts where it is used in it.
func (b *Builder) issuedOther(e *ingest.Event, id *ident, chosen bool) {
	k := otherKey{kind: b.of(e.Name), account: b.acctSym, principal: id.arn}
	switch string(e.Name) {
	case "GetFederationToken":
		k.name = b.of(e.Assume.FederationName)
	case "AssumeRoot":
		k.name = b.of(e.Assume.TargetPrincipal)
	}
	o := b.other(k)
	if chosen {
		o.issued++
		o.seen.add(&b.symbols, b.ref(e.Time, b.id))
	}
	if key := b.of(e.Assume.IssuedKeyID); key != 0 {
		o.keys = append(o.keys, key)
	}
}

func (b *store) other(k otherKey) *other {
	o := b.others[k]
	if o == nil {
		o = &other{}
		b.others[k] = o
	}
	return o
}

// calledByOther counts calls with temporary credentials that are no role's.
// Federated users carry their name; a session of GetSessionToken or AssumeRoot
// looks like its user or root and is known by its key.
func (b *Builder) calledByOther(id *ident, console bool, when span) {
	switch b.text[id.typ] {
	case "FederatedUser":
		_, name, _ := strings.Cut(b.text[id.arn], ":federated-user/")
		k := otherKey{kind: b.ofString("GetFederationToken"), account: id.account, principal: id.issuer, name: b.ofString(name)}
		b.other(k).calls.merge(&b.symbols, when)
	case "IAMUser", "Root":
		// The console's keys change with each call, and nobody issued them here.
		if id.invokedBy == 0 && !console && !id.console && strings.HasPrefix(b.text[id.key], "ASIA") {
			s := b.keyUse[id.key]
			if s == nil {
				s = &span{}
				b.keyUse[id.key] = s
			}
			s.merge(&b.symbols, when)
		}
	}
}

// parseExpiration parses credentials.expiration, which records write in three
// layouts; spaces may be any of Unicode's.
func parseExpiration(s string) (int64, bool) {
	if s == "" || len(s) > 64 {
		return 0, false
	}
	s = strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) {
			return ' '
		}
		return r
	}, s)
	for _, layout := range [...]string{"Jan 2, 2006, 3:04:05 PM", "Jan 2, 2006 3:04:05 PM", time.RFC3339} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.Unix(), true
		}
	}
	return 0, false
}
