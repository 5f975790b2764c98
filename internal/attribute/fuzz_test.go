package attribute

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io/fs"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/trailscan/trailscan/internal/ingest"
)

// FuzzParseARN: an ARN that is taken is one that its parts make again, so that
// two names are never read out of one text, or one of two.
func FuzzParseARN(f *testing.F) {
	for _, s := range []string{
		"arn:aws:sts::111122223333:assumed-role/batch/nightly", "arn:aws-cn:sts::111122223333:assumed-role/aws:ec2-instance/i-0123456789abcdef0",
		"arn:aws:iam::111122223333:role/batch", "arn:aws:iam::111122223333:role/path/to/batch", "arn:aws:iam::aws:role//",
		"arn:aws:sts::111122223333:assumed-role/batch/", "arn:aws:sts:::assumed-role//x", "arn:aws:sts::1:assumed-role/a/b/c", "arn:", "arn:aws:sts::1",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if ref, ok := ParseSessionARN(s); ok {
			if again, ok := ParseSessionARN(ref.ARN()); !ok || again != ref {
				t.Errorf("%q is %+v, which is %+v", s, ref, again)
			}
			if ref.Session == "" || ref.Role == "" || strings.Contains(ref.Session, "/") || !strings.HasSuffix(s, ":assumed-role/"+ref.Role+"/"+ref.Session) {
				t.Errorf("%q is %+v", s, ref)
			}
		}
		if ref, ok := ParseRoleARN(s); ok {
			if again, ok := ParseRoleARN(ref.ARN()); !ok || again != ref {
				t.Errorf("%q is %+v, which is %+v", s, ref, again)
			}
			if ref.Name == "" || strings.Contains(ref.Name, "/") || !strings.HasSuffix(s, ":role"+ref.Path+ref.Name) {
				t.Errorf("%q is %+v", s, ref)
			}
		}
	})
}

// FuzzSplitPrincipalID: the parts are the whole, and the session name holds no
// colon.
func FuzzSplitPrincipalID(f *testing.F) {
	for _, s := range []string{"AROAEXAMPLE1:nightly", "111122223333:aws:ec2-instance:i-0123456789abcdef0", "AIDAEXAMPLE", ":x", "x:", ":", ""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		role, session, ok := SplitPrincipalID(s)
		if ok && (role+":"+session != s || role == "" || session == "" || strings.Contains(session, ":")) || !ok && role+session != "" {
			t.Errorf("%q is %q and %q, %t", s, role, session, ok)
		}
	})
}

// FuzzAudit: whatever a log says, it is judged, no call is lost between the
// sums, and it does not matter which worker took which record.
func FuzzAudit(f *testing.F) {
	// Records of real form, one of each kind, so that what is changed in them
	// gets past the decoder.
	for _, record := range kindsOfRecords(f) {
		f.Add([]byte(record))
	}
	reader, ranges := ingest.NewReader(ingest.Limits{}), BuiltinIPRanges()
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 1<<14 {
			return
		}
		judge := func(workers int) *Result {
			audit := NewAudit(Options{Lookback: 12 * time.Hour, IPRanges: ranges})
			for {
				builders := make([]*Builder, workers)
				for i := range builders {
					builders[i] = audit.Builder()
				}
				n := 0
				reader.Read(t.Context(), "fuzz", bytes.NewReader(data), func(e *ingest.Event) {
					builders[n%workers].Add(e)
					n++
				})
				if !audit.Replay() {
					break
				}
			}
			return audit.Result().whole()
		}
		one, two := judge(1), judge(2)
		if !reflect.DeepEqual(one, two) {
			t.Errorf("one worker and two differ on %q:\n%+v\n%+v", data, one, two)
		}
		a := one.Attribution
		if a.Calls != one.Scan.AssumedRoleCalls || a.Calls != a.Proven+a.Recorded+a.Inferred+a.Unknown {
			t.Errorf("of %d calls %+v are attributed, in %q", one.Scan.AssumedRoleCalls, a, data)
		}
		for _, n := range one.Names {
			sum := Split{}
			for _, o := range n.Origins {
				sum.add(o.ByConf)
			}
			if sum.Calls != n.Calls || n.Calls == 0 {
				t.Errorf("%s has %d calls, its origins %d, in %q", n.SessionName, n.Calls, sum.Calls, data)
			}
		}
	})
}

// kindsOfRecords gives the first record of each kind in testdata/trails.
func kindsOfRecords(t testing.TB) []json.RawMessage {
	var kinds []json.RawMessage
	seen := map[[3]string]bool{}
	trails := os.DirFS("../../testdata/trails")
	err := fs.WalkDir(trails, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".json.gz") {
			return err
		}
		file, err := trails.Open(path)
		if err != nil {
			return err
		}
		defer file.Close()
		unpacked, err := gzip.NewReader(file)
		if err != nil {
			return err
		}
		var log struct{ Records []json.RawMessage }
		if err := json.NewDecoder(unpacked).Decode(&log); err != nil {
			return err
		}
		for _, raw := range log.Records {
			var r struct {
				EventName, EventSource string
				UserIdentity           struct{ Type string }
			}
			if err := json.Unmarshal(raw, &r); err != nil {
				return err
			}
			if kind := [3]string{r.EventName, r.EventSource, r.UserIdentity.Type}; !seen[kind] {
				seen[kind] = true
				kinds = append(kinds, raw)
			}
		}
		return nil
	})
	if err != nil || len(kinds) == 0 {
		t.Fatal("no records: ", err)
	}
	return kinds
}
