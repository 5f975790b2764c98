package ingest

import (
	"context"
	"fmt"
	"strings"
	"testing"
)

// TestIdentityMemo holds that what is kept with an identity comes with each
// event that has the same and with no other, however many there are.
func TestIdentityMemo(t *testing.T) {
	const identities = 5 * identitySets
	record := func(n int) string {
		return fmt.Sprintf(`{"eventTime":"2026-11-02T10:00:00Z","eventName":"GetObject","userIdentity":{"type":"AssumedRole","arn":%q}}`,
			fmt.Sprintf("%s%d", strings.Repeat("x", n%2*identityPrefix), n))
	}
	var records []string
	for n := range identities {
		records = append(records, record(n), record(n), record(max(n-20, 0)), record(n*7%identities))
	}
	records = append(records, strings.Replace(record(1), `"type"`, `"more":"`+strings.Repeat("x", maxIdentityKept)+`","type"`, 1))

	r := NewReader(Limits{})
	remembered, without := 0, 0
	for range 2 { // a Reader may be asked to read another object
		_, problems := r.Read(context.Background(), "trail", strings.NewReader(`{"Records":[`+strings.Join(records, ",")+`]}`), func(e *Event) {
			if e.IdentityMemo == nil {
				without++
				return
			}
			if *e.IdentityMemo == nil {
				*e.IdentityMemo = string(e.IdentityRaw)
				return
			}
			remembered++
			if *e.IdentityMemo != string(e.IdentityRaw) {
				t.Fatalf("with %s came %v", e.IdentityRaw, *e.IdentityMemo)
			}
		})
		if len(problems) > 0 {
			t.Fatal(problems)
		}
	}
	if remembered < 2*identities {
		t.Errorf("only %d of %d were remembered", remembered, 2*len(records))
	}
	if without != 2 {
		t.Errorf("%d events had no place for it, want those 2 whose identity is too long to be kept", without)
	}
}
