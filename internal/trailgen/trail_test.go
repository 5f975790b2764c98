package trailgen

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"context"
	"encoding/json"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// The tests read trails with encoding/json and into a form of their own, so
// that they share nothing with what wrote them.

type testIdentity struct {
	Type, PrincipalID, ARN, AccountID, AccessKeyID, UserName, InvokedBy string
	SessionContext                                                      struct {
		SessionIssuer struct{ ARN, PrincipalID, AccountID, UserName string }
		Attributes    struct{ CreationDate string }
	}
	InScopeOf struct{ CredentialsIssuedTo string }
}

type testRecord struct {
	EventID, EventTime, EventName, EventSource, EventType, AWSRegion    string
	RecipientAccountID, SharedEventID, ErrorCode, SourceIPAddress       string
	UserAgent, EventCategory, RequestID, EventVersion, ManagementString string
	UserIdentity                                                        testIdentity
	RequestParameters                                                   struct{ RoleARN, RoleSessionName string }
	ResponseElements                                                    struct {
		Credentials     struct{ AccessKeyID, Expiration, SessionToken string }
		AssumedRoleUser *struct{ ARN, AssumedRoleID string }
	}
	Addendum struct{ OriginalEventID string }

	object string // path of the object below the trail's folder
	raw    string
}

// readTrail reads the records of all objects that hold events.
func readTrail(t *testing.T, dir string) []testRecord {
	t.Helper()
	var all []testRecord
	for path, body := range readObjects(t, dir) {
		var object struct{ Records []json.RawMessage }
		if err := json.Unmarshal(body, &object); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		for _, raw := range object.Records {
			r := testRecord{object: path, raw: string(raw)}
			if err := json.Unmarshal(raw, &r); err != nil {
				t.Fatalf("%s: %v\n%s", path, err, raw)
			}
			all = append(all, r)
		}
	}
	slices.SortFunc(all, func(a, b testRecord) int {
		return cmp.Or(cmp.Compare(a.EventTime, b.EventTime), cmp.Compare(a.EventID, b.EventID), cmp.Compare(a.object, b.object))
	})
	return all
}

// readObjects gives the objects below CloudTrail folders, unpacked.
func readObjects(t *testing.T, dir string) map[string][]byte {
	t.Helper()
	objects := map[string][]byte{}
	for path, packed := range readFiles(t, dir) {
		if !strings.Contains(path, "/CloudTrail/") {
			continue
		}
		z, err := gzip.NewReader(bytes.NewReader(packed))
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		if !z.ModTime.IsZero() || z.Name != "" {
			t.Errorf("%s: the gzip header tells %v %q", path, z.ModTime, z.Name)
		}
		body, err := io.ReadAll(z)
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		objects[path] = body
	}
	return objects
}

func readFiles(t *testing.T, dir string) map[string][]byte {
	t.Helper()
	files := map[string][]byte{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		rel, _ := filepath.Rel(dir, path)
		files[filepath.ToSlash(rel)] = b
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func readTruth(t *testing.T, dir string) (calls []Call, expects []Expect, others []Other, refused []Refused) {
	t.Helper()
	f, err := os.Open(filepath.Join(dir, TruthFile))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	err = ReadTruth(f, func(l Line) error {
		switch {
		case l.Call != nil:
			calls = append(calls, *l.Call)
		case l.Expect != nil:
			expects = append(expects, *l.Expect)
		case l.Other != nil:
			others = append(others, *l.Other)
		case l.Refused != nil:
			refused = append(refused, *l.Refused)
		default:
			t.Error("an empty line")
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return calls, expects, others, refused
}

// small is a trail that has everything in it and is made in a moment.
func small(out string) OrgConfig {
	return OrgConfig{
		Config: Config{Out: out, Seed: 7}, Events: 9000, Accounts: 3, Regions: 2, Org: true,
		Start: time.Date(2026, 11, 2, 22, 0, 0, 0, time.UTC), Window: 4 * time.Hour, Lead: time.Hour,
		RecordsPerObject: 300, RandomNames: 60, SameNames: 60,
	}
}

func generate(t *testing.T, c OrgConfig) Summary {
	t.Helper()
	sum, err := Generate(context.Background(), c)
	if err != nil {
		t.Fatal(err)
	}
	return sum
}

func TestSameSeedSameBytes(t *testing.T) {
	one, two, other := t.TempDir(), t.TempDir(), t.TempDir()
	generate(t, small(one))
	generate(t, small(two))
	c := small(other)
	c.Seed++
	generate(t, c)
	a, b, d := readFiles(t, one), readFiles(t, two), readFiles(t, other)
	if len(a) != len(b) {
		t.Errorf("%d files, then %d", len(a), len(b))
	}
	for path, body := range a {
		if !bytes.Equal(body, b[path]) {
			t.Errorf("%s differs", path)
		}
		if filepath.Ext(path) == ".gz" && d[path] != nil {
			t.Errorf("%s is there with another seed too", path)
		}
	}
}

func TestCountsAreExact(t *testing.T) {
	dir := t.TempDir()
	c := small(dir)
	c.Missing = 0.2
	sum := generate(t, c)
	records := readTrail(t, dir)
	calls, _, _, refused := readTruth(t, dir)

	type key struct{ account, id string }
	seen := map[key]bool{}
	replaced := map[key]bool{}
	for _, r := range records {
		if id := r.Addendum.OriginalEventID; id != "" {
			replaced[key{r.RecipientAccountID, id}] = true
		}
	}
	byID := map[string]Call{}
	for _, c := range calls {
		byID[c.EventID] = c
	}
	got := Summary{}
	names := map[nameKey]*NameCount{}
	sessions := map[nameKey]map[string]bool{}
	shared := map[string]bool{}
	for _, r := range records {
		got.Records++
		if r.EventTime < sum.Since || r.EventTime >= sum.Until {
			continue
		}
		k := key{r.RecipientAccountID, r.EventID}
		if seen[k] {
			got.Duplicates++
			continue
		}
		seen[k] = true
		if replaced[k] {
			got.Replaced++
			continue
		}
		got.Events++
		if r.EventSource == "sts.amazonaws.com" && strings.HasPrefix(r.EventName, "AssumeRole") && r.ErrorCode == "" && r.EventName != "AssumeRoot" {
			got.AssumeEvents++
		}
		if r.ErrorCode != "" && r.EventName == "AssumeRole" {
			got.Denied++
		}
		id := r.UserIdentity
		if id.Type != "AssumedRole" {
			continue
		}
		if r.SharedEventID != "" && r.EventName != "AssumeRole" {
			if shared[r.SharedEventID] {
				continue
			}
			shared[r.SharedEventID] = true
		}
		got.AssumedRoleCalls++
		n := nameKey{id.AccountID, id.SessionContext.SessionIssuer.UserName, id.PrincipalID[strings.LastIndexByte(id.PrincipalID, ':')+1:]}
		if names[n] == nil {
			names[n], sessions[n] = &NameCount{}, map[string]bool{}
		}
		names[n].Calls++
		if r.ErrorCode != "" {
			got.Errors++
			names[n].Errors++
		}
		truth, ok := byID[r.EventID]
		if !ok {
			// Another account's copy may be the one that the truth tells about.
			i := slices.IndexFunc(calls, func(c Call) bool { return slices.Contains(c.Copies, r.EventID) })
			if i < 0 {
				t.Fatalf("no truth about %s", r.raw)
			}
			truth = calls[i]
		}
		for _, d := range []struct{ what, record, truth string }{
			{"account", id.SessionContext.SessionIssuer.AccountID, truth.Account},
			{"role", id.SessionContext.SessionIssuer.ARN, truth.RoleARN},
			{"session name", n.session, truth.SessionName},
			{"creation date", id.SessionContext.Attributes.CreationDate, truth.CreationDate},
			{"access key", id.AccessKeyID, truth.AccessKeyID},
			{"time", r.EventTime, truth.EventTime},
		} {
			if d.record != d.truth {
				t.Errorf("%s of %s: the record has %q, the truth %q", d.what, r.EventID, d.record, d.truth)
			}
		}
		session := id.SessionContext.Attributes.CreationDate
		if id.InvokedBy == "" && !strings.Contains(r.raw, "onsole") && id.AccessKeyID != "" {
			session += id.AccessKeyID
		}
		sessions[n][session] = true
	}
	for _, d := range []struct {
		what      string
		got, want int64
	}{
		{"records", got.Records, sum.Records}, {"events", got.Events, sum.Events}, {"duplicates", got.Duplicates, sum.Duplicates},
		{"replaced", got.Replaced, sum.Replaced}, {"calls", got.AssumedRoleCalls, sum.AssumedRoleCalls}, {"errors", got.Errors, sum.Errors},
		{"assume events", got.AssumeEvents, sum.AssumeEvents}, {"denied", got.Denied, sum.Denied},
		{"calls of the truth", int64(len(calls)), sum.AssumedRoleCalls}, {"denials of the truth", int64(len(refused)), sum.Denied},
		{"names", int64(len(names)), int64(len(sum.SessionNames))},
	} {
		if d.got != d.want {
			t.Errorf("%s: counted %d, the summary has %d", d.what, d.got, d.want)
		}
	}
	if got.Duplicates == 0 || got.Replaced == 0 || got.Errors == 0 || got.Denied == 0 {
		t.Errorf("something is not in the trail at all: %+v", got)
	}
	for _, want := range sum.SessionNames {
		n := nameKey{want.Account, want.RoleName, want.SessionName}
		if names[n] == nil || names[n].Calls != want.Calls || names[n].Errors != want.Errors {
			t.Errorf("%v: counted %+v, the summary has %+v", n, names[n], want)
		}
		// Forwarded calls carry other keys, so that the plain count of keys is
		// only a bound where there are any.
		if got := int64(len(sessions[n])); got < want.Sessions {
			t.Errorf("%v: counted %d sessions, the summary has %d", n, got, want.Sessions)
		}
	}
}

// origins climbs from calls to their roots by the plainest of joins, to hold the
// truth against what the records say.
type origins struct {
	byKey     map[string][]testRecord // assume events by the key that they issue
	byMoment  map[string][]testRecord // and by principal id and second
	events    map[string]testRecord
	ownerOnly map[string]bool
}

func newOrigins(records []testRecord) *origins {
	o := &origins{byKey: map[string][]testRecord{}, byMoment: map[string][]testRecord{}, events: map[string]testRecord{}}
	seen := map[string]bool{}
	// The caller's copy says more than the owner's.
	for _, callers := range []bool{true, false} {
		for _, r := range records {
			o.events[r.EventID] = r
			if r.EventSource != "sts.amazonaws.com" || !strings.HasPrefix(r.EventName, "AssumeRole") || r.ErrorCode != "" || r.EventName == "AssumeRoot" {
				continue
			}
			if (r.UserIdentity.Type != "AWSAccount") != callers {
				continue
			}
			if unique := cmp.Or(r.SharedEventID, r.EventID); seen[unique] {
				continue
			} else {
				seen[unique] = true
			}
			o.byKey[r.ResponseElements.Credentials.AccessKeyID] = append(o.byKey[r.ResponseElements.Credentials.AccessKeyID], r)
			account, name := splitRoleARN(r.RequestParameters.RoleARN)
			moment := account + "/" + name + "/" + r.RequestParameters.RoleSessionName + "/" + r.EventTime
			o.byMoment[moment] = append(o.byMoment[moment], r)
		}
	}
	return o
}

// issued finds the assume event of a session.
func (o *origins) issued(id testIdentity) (testRecord, int) {
	name := id.PrincipalID[strings.LastIndexByte(id.PrincipalID, ':')+1:]
	var list []testRecord
	for _, r := range o.byKey[id.AccessKeyID] {
		if r.RequestParameters.RoleARN == id.SessionContext.SessionIssuer.ARN && r.RequestParameters.RoleSessionName == name &&
			r.EventTime == id.SessionContext.Attributes.CreationDate {
			list = append(list, r)
		}
	}
	if len(list) == 0 {
		i := id.SessionContext.SessionIssuer
		list = o.byMoment[i.AccountID+"/"+i.UserName+"/"+name+"/"+id.SessionContext.Attributes.CreationDate]
	}
	if len(list) == 0 {
		return testRecord{}, 0
	}
	return list[0], len(list)
}

// root gives the event at the root of id's chain, and whether every link was
// there and only once.
func (o *origins) root(id testIdentity) (testRecord, bool) {
	for {
		r, n := o.issued(id)
		if n != 1 {
			return r, false
		}
		if r.UserIdentity.Type != "AssumedRole" {
			return r, true
		}
		id = r.UserIdentity
	}
}

// named is the origin that a root tells, as far as one can read it off.
func named(r testRecord) string {
	account, role := splitRoleARN(r.RequestParameters.RoleARN)
	switch id := r.UserIdentity; id.Type {
	case "IAMUser":
		return "iam-user:" + id.AccountID + "/" + id.UserName
	case "Root":
		return "root:" + id.AccountID
	case "AWSAccount":
		principal, _, _ := strings.Cut(id.PrincipalID, ":")
		return "external:" + id.AccountID + "/" + principal
	case "SAMLUser":
		if strings.HasPrefix(role, "AWSReservedSSO_") {
			return "sso:" + id.UserName
		}
		return "saml:" + id.UserName
	case "WebIdentityUser":
		return "" // too many forms to read off here
	case "AWSService":
		switch service := strings.TrimSuffix(id.InvokedBy, ".amazonaws.com"); service {
		case "lambda":
			return "lambda:" + account + "/" + r.RequestParameters.RoleSessionName
		case "ec2", "codebuild", "glue", "sagemaker", "batch", "states":
			return service + ":" + account + "/" + role
		case "ecs-tasks":
			return "ecs:" + account + "/" + role
		case "pods.eks":
			return ""
		default:
			return "service:" + account + "/" + id.InvokedBy
		}
	}
	return "?"
}

func TestTruthAgreesWithTheRecords(t *testing.T) {
	for _, missing := range []float64{0, 0.3} {
		dir := t.TempDir()
		c := small(dir)
		c.Missing = missing
		generate(t, c)
		o := newOrigins(readTrail(t, dir))
		calls, _, _, _ := readTruth(t, dir)
		kinds := map[string]bool{}
		lost := 0
		for _, call := range calls {
			kinds[call.Kind] = true
			id := o.events[call.EventID].UserIdentity
			root, found := o.root(id)
			if call.Complete && !found && call.MaxConfidence != "unknown" {
				t.Errorf("%+v: the truth says that its chain is complete", call)
			}
			if found && root.UserIdentity.Type != "AWSAccount" && !call.Complete {
				t.Errorf("%+v: its chain is complete", call)
			}
			if !found {
				lost++
				if call.MaxConfidence == "proven" && call.Kind != "iam-user" {
					t.Errorf("%+v: cannot be proven", call)
				}
				continue
			}
			if want := named(root); call.Complete && want != "" && want != call.Origin {
				t.Errorf("%+v: the records say %s", call, want)
			}
			if f := id.InScopeOf.CredentialsIssuedTo; strings.Contains(f, ":function:") && !strings.HasSuffix(f, ":function:"+call.Origin[strings.LastIndexByte(call.Origin, '/')+1:]) {
				t.Errorf("%+v: inScopeOf is %s", call, f)
			}
		}
		want := []string{"lambda", "ec2", "ecs", "eks", "codebuild", "glue", "sagemaker", "batch", "states", "service", "github-actions",
			"gitlab", "terraform-cloud", "web-identity", "sso", "saml", "iam-user", "root", "external"}
		for _, kind := range want {
			if !kinds[kind] {
				t.Errorf("no call of kind %s", kind)
			}
		}
		if share := float64(lost) / float64(len(calls)); missing == 0 && share > 0.06 || missing > 0 && share < 0.2 {
			t.Errorf("with %.1f of the assume events missing, %.3f of the calls have none", missing, share)
		}
	}
}

func TestMissingOnlyTakesAway(t *testing.T) {
	whole, part := t.TempDir(), t.TempDir()
	c := small(whole)
	c.Missing = 0
	generate(t, c)
	c.Out, c.Missing = part, 0.25
	generate(t, c)
	all := map[string]string{}
	assumed := 0
	for _, r := range readTrail(t, whole) {
		all[r.RecipientAccountID+r.EventID] = r.raw
	}
	seen := map[string]bool{}
	for _, r := range readTrail(t, part) {
		k := r.RecipientAccountID + r.EventID
		seen[k] = true
		if all[k] != r.raw {
			t.Fatalf("the whole trail has no such record:\n%s\n%s", r.raw, all[k])
		}
	}
	for k, raw := range all {
		if !seen[k] {
			assumed++
			if !strings.Contains(raw, `"eventName":"AssumeRole`) {
				t.Errorf("missing, and no assume event: %s", raw)
			}
		}
	}
	if assumed == 0 {
		t.Error("nothing is missing")
	}
}

// The rules that follow from the truth about calls are expected of just the
// names of which they hold.
func TestExpectationsAreComplete(t *testing.T) {
	dir := t.TempDir()
	generate(t, small(dir))
	calls, expects, _, _ := readTruth(t, dir)

	byService := map[string]bool{} // names that an AWS service chose
	for _, r := range readTrail(t, dir) {
		if r.EventName == "AssumeRole" && r.UserIdentity.Type == "AWSService" || r.EventName == "AssumeRoleWithSAML" {
			byService[r.RequestParameters.RoleSessionName] = true
		}
	}
	shared := map[string]map[string]bool{}
	collide := map[string]map[string]map[string]bool{}
	add := func(m map[string]map[string]bool, a, b string) {
		if m[a] == nil {
			m[a] = map[string]bool{}
		}
		m[a][b] = true
	}
	for _, c := range calls {
		add(shared, c.RoleARN+" "+c.SessionName, c.Origin)
		if collide[c.SessionName] == nil {
			collide[c.SessionName] = map[string]map[string]bool{}
		}
		add(collide[c.SessionName], c.RoleARN, c.Origin)
	}
	verdict := func(rule, role, name string) string {
		for _, e := range expects {
			if e.Rule == rule && slices.Contains(e.RoleARNs, role) && (len(e.Names) == 0 || slices.Contains(e.Names, name)) {
				return e.Verdict
			}
		}
		return ""
	}
	for k, ids := range shared {
		role, name, _ := strings.Cut(k, " ")
		if fires := verdict("shared-name", role, name) == MustFire; fires != (len(ids) > 1) {
			t.Errorf("shared-name on %s: %d origins, expected to fire: %v", k, len(ids), fires)
		}
	}
	for name, roles := range collide {
		different := map[string]bool{}
		for _, ids := range roles {
			var list []string
			for id := range ids {
				list = append(list, id)
			}
			slices.Sort(list)
			different[strings.Join(list, " ")] = true
		}
		for role := range roles {
			v := verdict("name-collision", role, name)
			if len(different) > 1 && v == "" && !byService[name] && name != "GitHubActions" && !strings.HasPrefix(name, "i-") && !strings.Contains(role, "aws-service-role") {
				t.Errorf("name-collision on %s, %s: nobody expects it: %v", name, role, roles)
			}
			if v == MustFire && len(different) < 2 {
				t.Errorf("name-collision on %s, %s: one origin", name, role)
			}
		}
	}
	rules := map[string]map[string]bool{}
	for _, e := range expects {
		add(rules, e.Rule, e.Verdict)
		for _, role := range e.RoleARNs {
			if !slices.ContainsFunc(calls, func(c Call) bool { return c.RoleARN == role }) {
				t.Errorf("%s of %s: no call of this role in the window", e.Rule, role)
			}
		}
	}
	for _, rule := range []string{"shared-name", "name-collision", "overlapping-sessions", "sdk-default-name", "generic-name", "opaque-name",
		"misleading-name", "credentials-moved", "secret-in-name", "personal-data-crosses-accounts", "unattributed", "assume-churn"} {
		if !rules[rule][MustFire] || !rules[rule][MustStay] {
			t.Errorf("%s: expected only %v", rule, rules[rule])
		}
	}
}

func TestLooksLikeATrail(t *testing.T) {
	dir := t.TempDir()
	c := small(dir)
	generate(t, c)
	late, unordered := 0, 0
	for path, body := range readObjects(t, dir) {
		// AWSLogs/o-…/ACCOUNT/CloudTrail/REGION/YYYY/MM/DD/ACCOUNT_CloudTrail_REGION_STAMP_RANDOM.json.gz
		parts := strings.Split(path, "/")
		if len(parts) != 9 || parts[0] != "AWSLogs" || !strings.HasPrefix(parts[1], "o-") || parts[3] != "CloudTrail" {
			t.Fatalf("%s: no key of a trail", path)
		}
		name := strings.Split(parts[8], "_")
		if len(name) != 5 || name[0] != parts[2] || name[1] != "CloudTrail" || name[2] != parts[4] || len(name[4]) != len("0123456789abcdef.json.gz") {
			t.Fatalf("%s: no name of an object", path)
		}
		stamp, err := time.Parse("20060102T1504Z", name[3])
		if err != nil || stamp.Format("2006/01/02") != strings.Join(parts[5:8], "/") {
			t.Errorf("%s: stamped %v in the folder of another day (%v)", path, stamp, err)
		}
		var object struct{ Records []testRecord }
		if err := json.Unmarshal(body, &object); err != nil {
			t.Fatal(err)
		}
		if len(object.Records) > c.RecordsPerObject {
			t.Errorf("%s: %d records", path, len(object.Records))
		}
		for i, r := range object.Records {
			at, err := time.Parse(time.RFC3339, r.EventTime)
			if err != nil {
				t.Fatal(err)
			}
			if delay := stamp.Sub(at); delay > time.Hour-5*time.Minute {
				late++
			} else if delay > 15*time.Minute || delay < -12*time.Minute {
				t.Errorf("%s: holds an event of %s", path, r.EventTime)
			}
			if i > 0 && r.EventTime < object.Records[i-1].EventTime {
				unordered++
			}
			if r.RecipientAccountID != parts[2] {
				t.Errorf("%s: an event of account %s", path, r.RecipientAccountID)
			}
		}
	}
	if late == 0 || unordered == 0 {
		t.Errorf("%d events are hours late, %d out of order", late, unordered)
	}
	kinds := map[string]int{}
	for path := range readFiles(t, dir) {
		if parts := strings.Split(path, "/"); len(parts) > 3 {
			kinds[parts[3]]++
		}
	}
	if kinds["CloudTrail-Digest"] == 0 || kinds["CloudTrail-Insight"] == 0 {
		t.Errorf("no siblings: %v", kinds)
	}
}

// A busy trail compresses as real ones do.
func TestCompresses(t *testing.T) {
	c := small(t.TempDir())
	c.Events = 100_000
	sum := generate(t, c)
	if ratio := float64(sum.Bytes) / float64(sum.CompressedBytes); ratio < 8 || ratio > 12 {
		t.Errorf("compressed %.2f times, real trails 8 to 12 times", ratio)
	}
	if size := sum.Bytes / sum.Records; size < 1100 || size > 1600 {
		t.Errorf("a record has %d bytes on the average", size)
	}
}

func TestTinyObjects(t *testing.T) {
	dir := t.TempDir()
	c := small(dir)
	c.RecordsPerObject, c.Org = 1, false
	c.Events, c.Accounts, c.Window, c.Lead, c.RandomNames, c.SameNames = 1, 2, time.Hour, 0, 5, 5
	sum := generate(t, c)
	if sum.Objects != sum.Records {
		t.Errorf("%d objects for %d records", sum.Objects, sum.Records)
	}
	below := 0
	for _, b := range readFiles(t, filepath.Join(dir, "AWSLogs")) {
		if len(b) < 1024 {
			below++
		}
	}
	if int64(below) < sum.Objects/2 {
		t.Errorf("%d of %d objects are below a kilobyte", below, sum.Objects)
	}
}

// More events are more calls of the same sessions, not more sessions.
func TestMoreEventsSameSessions(t *testing.T) {
	few, many := t.TempDir(), t.TempDir()
	c := small(few)
	c.Events, c.NoCalls = 10_000, true
	a := generate(t, c)
	c.Out, c.Events = many, 40_000
	b := generate(t, c)
	if b.Events < 3*a.Events {
		t.Fatalf("%d events, then %d", a.Events, b.Events)
	}
	if a.Issuances != b.Issuances || a.Names != b.Names || a.Names == 0 {
		t.Errorf("%d sessions with %d names, then %d with %d", a.Issuances, a.Names, b.Issuances, b.Names)
	}
}

func TestConfigIsChecked(t *testing.T) {
	for what, spoil := range map[string]func(*OrgConfig){
		"accounts": func(c *OrgConfig) { c.Accounts = 1 },
		"regions":  func(c *OrgConfig) { c.Regions = 99 },
		"missing":  func(c *OrgConfig) { c.Missing = 1.5 },
		"window":   func(c *OrgConfig) { c.Window = time.Minute },
		"records":  func(c *OrgConfig) { c.RecordsPerObject = 0 },
	} {
		c := small(t.TempDir())
		spoil(&c)
		if _, err := Generate(context.Background(), c); err == nil || !strings.Contains(err.Error(), what) {
			t.Errorf("%s: error %v", what, err)
		}
	}
}

func TestStopsWhenTold(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Generate(ctx, small(t.TempDir())); err == nil {
		t.Error("no error")
	}
}

// TestScenarios makes the small trails again and holds them against those in
// testdata/trails, byte for byte.
func TestScenarios(t *testing.T) {
	for _, name := range ScenarioNames() {
		out, truth := t.TempDir(), t.TempDir()
		sum, err := Scenario(context.Background(), name, Config{Out: out, Truth: truth})
		if err != nil {
			t.Fatal(err)
		}
		got := readFiles(t, out)
		want := readFiles(t, filepath.Join("..", "..", "testdata", "trails", name))
		if len(got) != len(want) {
			t.Errorf("%s: made %d files, testdata/trails has %d", name, len(got), len(want))
		}
		for path, b := range got {
			if !bytes.Equal(b, want[path]) {
				t.Errorf("%s: %s differs from testdata/trails", name, path)
			}
		}
		if sum.CallsByMax["proven"] != sum.AssumedRoleCalls {
			t.Errorf("%s: %d calls, provable are %d", name, sum.AssumedRoleCalls, sum.CallsByMax["proven"])
		}
		o := newOrigins(readTrail(t, out))
		calls, _, _, _ := readTruth(t, truth)
		for _, call := range calls {
			if root, found := o.root(o.events[call.EventID].UserIdentity); !found {
				t.Errorf("%s: no chain for %+v", name, call)
			} else if n := named(root); n != "" && n != call.Origin {
				t.Errorf("%s: the records say %s of %+v", name, n, call)
			}
		}
	}
	if _, err := Scenario(context.Background(), "none", Config{Out: t.TempDir()}); err == nil {
		t.Error("no error for a scenario that there is none of")
	}
}

func TestUniqueIDs(t *testing.T) {
	r := newIDs(1, 1)
	for _, prefix := range []string{"ASIA", "AKIA", "AROA", "AIDA"} {
		id := r.unique(prefix, "111122223333")
		want := 20
		if prefix == "AROA" || prefix == "AIDA" {
			want = 21
		}
		if len(id) != want || !strings.HasPrefix(id, prefix) || id[4:11] != r.unique(prefix, "111122223333")[4:11] {
			t.Errorf("%s: %s", prefix, id)
		}
	}
}

func TestTemplates(t *testing.T) {
	w := &world{ids: newIDs(1, 1)}
	got := string(w.fill(parse(`{"a":{"b":"{app}"},"c":"{account}/{object}","d":{}}`), "1", "r", "x", "o", 0))
	if want := `{"a":{"b":"x"},"c":"1/o","d":{}}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	for name, a := range newAPIs() {
		for _, b := range [][]byte{w.fill(a.request, "1", "r", "x", "o", 0), w.fill(a.response, "1", "r", "x", "o", 0), w.fill(a.resources, "1", "r", "x", "o", 0)} {
			if b != nil && !json.Valid(b) {
				t.Errorf("%s: no JSON: %s", name, b)
			}
		}
	}
}
