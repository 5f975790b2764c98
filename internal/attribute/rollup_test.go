package attribute

import (
	"cmp"
	"context"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/trailscan/trailscan/internal/ingest"
	"github.com/trailscan/trailscan/internal/trailgen"
)

// rolled is calls that are alike, as somebody who rolls them up tells of them.
type rolled struct {
	event  ingest.Event // the first
	use    Rollup
	shared []string
}

// rollUp adds an event to those that are like it.
func rollUp(rows map[string]*rolled, seen map[string]bool, e *ingest.Event) {
	id := string(e.Recipient) + " " + string(e.ID)
	identity := e.Identity()
	copied := copyEvent(e)
	foreign := len(e.SharedID) > 0 && string(identity.Type) == "AssumedRole" && string(identity.AccountID) != string(e.Recipient)
	shared := ""
	if foreign {
		shared = string(e.SharedID)
	}
	// The name of the API counts where a refused AssumeRole tells of it.
	name := ""
	if len(e.ErrorCode) > 0 {
		name = string(e.Name)
	}
	key := fmt.Sprintf("%q", []any{
		e.Recipient, e.Region, e.Source, e.SourceIP, e.UserAgent, e.ErrorCode, e.ErrorText, e.VPCEndpointAccount, e.FromConsole,
		e.SwitchFrom, e.AuthMethod, e.IdentityRaw, e.Assume.RoleARN, shared, name, e.Time / 3600,
	})
	row := rows[key]
	if row == nil {
		row = &rolled{event: copied}
		rows[key] = row
	}
	if seen[id] {
		row.use.Duplicates++
		return
	}
	seen[id] = true
	row.use.Calls++
	row.use.LastTime = max(row.use.LastTime, e.Time)
	if len(e.SharedID) > 0 && !foreign {
		row.shared = append(row.shared, string(e.SharedID))
	}
	if cmp.Or(cmp.Compare(e.Time, row.event.Time), strings.Compare(string(e.ID), string(row.event.ID))) < 0 {
		row.event = copied
	}
}

// copyEvent copies what attribution reads of an event that issued nothing.
func copyEvent(e *ingest.Event) ingest.Event {
	c := ingest.Event{Time: e.Time, FromConsole: e.FromConsole}
	from, to := reflect.ValueOf(e).Elem(), reflect.ValueOf(&c).Elem()
	for i := range from.NumField() {
		if f := from.Type().Field(i); f.IsExported() && f.Type == reflect.TypeFor[[]byte]() {
			to.Field(i).SetBytes(slices.Clone(from.Field(i).Bytes()))
		}
	}
	c.Assume.RoleARN = slices.Clone(e.Assume.RoleARN)
	return c
}

// TestRollup holds that calls which were rolled up give the same result as the
// calls themselves, whatever builder takes which.
func TestRollup(t *testing.T) {
	for _, missing := range []float64{0, 0.2} {
		dir := t.TempDir()
		start := time.Date(2026, 11, 2, 0, 0, 0, 0, time.UTC)
		_, err := trailgen.Generate(context.Background(), trailgen.OrgConfig{
			Config: trailgen.Config{Seed: 3, Out: dir}, Events: 4_000, Accounts: 4, Regions: 2,
			Start: start, Window: 12 * time.Hour, Missing: missing, RecordsPerObject: 400, RandomNames: 100, SameNames: 50,
		})
		if err != nil {
			t.Fatal(err)
		}
		opt := Options{Since: start, Until: start.Add(12 * time.Hour), Today: start}
		plain := NewAudit(opt)
		feedDir(t, plain, dir)
		if plain.Replay() {
			feedDir(t, plain, dir)
		}
		want := plain.Result().whole()

		// What was corrected is left out, as whoever rolls up has to.
		source := ingest.NewLocal([]string{dir}, nil)
		replaced := map[string]bool{}
		_, err = ingest.Scan(context.Background(), source, ingest.ScanOptions{}, []func(*ingest.Event){func(e *ingest.Event) {
			if string(e.AddendumReason) == "UPDATED_DATA" {
				replaced[string(e.Recipient)+" "+string(e.OriginalID)] = true
			}
		}})
		if err != nil {
			t.Fatal(err)
		}
		audit := NewAudit(opt)
		builders := []*Builder{audit.Builder(), audit.Builder(), audit.Builder()}
		rows, seen := map[string]*rolled{}, map[string]bool{}
		_, err = ingest.Scan(context.Background(), source, ingest.ScanOptions{}, []func(*ingest.Event){func(e *ingest.Event) {
			chosen := audit.window(e.Time) && audit.takes(e.Recipient, e.Region)
			switch {
			case replaced[string(e.Recipient)+" "+string(e.ID)]:
			case e.IsAssume() && len(e.ErrorCode) == 0:
				builders[0].Add(e)
			case chosen:
				rollUp(rows, seen, e)
			default:
				builders[0].AddAccount(string(e.Recipient))
			}
		}})
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for _, row := range rows {
			row.use.Shared = []byte(strings.Join(row.shared, " "))
			builders[n%len(builders)].AddUse(&row.event, row.use)
			n++
		}
		got := audit.Result().whole()
		t.Logf("%d events in %d rows", want.Scan.Events, n)
		if int64(n)*5 > want.Scan.Events*4 {
			t.Errorf("%d events became %d rows, which is no rolling up", want.Scan.Events, n)
		}
		if len(want.Names) == 0 || len(want.Findings) == 0 || len(want.Other) == 0 || len(want.Denied) == 0 {
			t.Errorf("the trail shows %d names, %d findings, %d other sessions, %d denials", len(want.Names), len(want.Findings), len(want.Other), len(want.Denied))
		}
		gotValue, wantValue := reflect.ValueOf(*got), reflect.ValueOf(*want)
		for i := range wantValue.NumField() {
			if name := wantValue.Type().Field(i).Name; name != "judged" && !reflect.DeepEqual(gotValue.Field(i).Interface(), wantValue.Field(i).Interface()) {
				t.Errorf("missing %g: %s differs:\n%+v\n%+v", missing, name, gotValue.Field(i).Interface(), wantValue.Field(i).Interface())
			}
		}
	}
}
