package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
)

// TestMemory holds each shape of trail, in small, to the memory that it may
// take. The budgets are about twice what was measured on a 64-bit machine.
func TestMemory(t *testing.T) {
	const kib, mib = int64(1) << 10, int64(1) << 20
	for _, tt := range []struct {
		shape         string
		events        int64
		perCredential int64 // bytes that stay for each, 0 where it is not the measure
		kept          int64 // bytes that stay of the whole
		peak          int64 // bytes of the heap, garbage too
		names         int
	}{
		{shape: "steady", events: 100_000, kept: 6 * mib, peak: 64 * mib, names: 640},
		{shape: "names", events: 24_000, perCredential: 3 * kib, kept: 32 * mib, peak: 128 * mib, names: 9600},
		{shape: "keys", events: 24_000, perCredential: 3 * kib, kept: 32 * mib, peak: 128 * mib, names: 3},
		// One credential of so many clients that not all of them are kept.
		{shape: "crowd", events: 100_000, kept: 24 * mib, peak: 96 * mib, names: 1},
		{shape: "large", events: 16, kept: 16 * mib, peak: 512 * mib, names: 1},
	} {
		t.Run(tt.shape, func(t *testing.T) {
			if raceDetector && tt.shape == "large" {
				t.Skip("the race detector needs a multiple of the memory")
			}
			tr, err := shaped(tt.shape, tt.events)
			if err != nil {
				t.Fatal(err)
			}
			var out strings.Builder
			m, err := soak(t.Context(), &tr, 2, &out)
			if err != nil {
				t.Fatal(err)
			}
			last := len(m.steps) - 1
			if got := m.perCredential(0, last); tt.perCredential > 0 && got > tt.perCredential {
				t.Errorf("%d bytes a credential, want at most %d", got, tt.perCredential)
			}
			if got := m.steps[last].heap - m.steps[0].heap; got > tt.kept {
				t.Errorf("%d bytes stay, want at most %d", got, tt.kept)
			}
			if m.peak > tt.peak {
				t.Errorf("%d bytes at the most, want at most %d", m.peak, tt.peak)
			}
			if m.names != tt.names {
				t.Errorf("%d session names, want %d", m.names, tt.names)
			}
			if t.Failed() || testing.Verbose() {
				t.Log("\n" + out.String())
			}
		})
	}
}

// What the trail says it holds is what it holds.
func TestTrail(t *testing.T) {
	tr, err := shaped("steady", 10_000)
	if err != nil {
		t.Fatal(err)
	}
	tr.calls = 10
	keys, issued, ids := map[string]bool{}, int64(0), map[string]bool{}
	for account := range tr.accounts {
		for event := int64(0); event < tr.perAccount(); event += tr.perObject {
			if got := int64(len(keys)); got != tr.before(account, event) {
				t.Fatalf("%d credentials before event %d of account %d, want %d", got, event, account, tr.before(account, event))
			}
			var object struct {
				Records []struct {
					EventID, EventName string
					UserIdentity       struct{ AccessKeyID string }
					ResponseElements   *struct{ Credentials struct{ AccessKeyID string } }
				}
			}
			body := tr.object(account, event, min(event+tr.perObject, tr.perAccount()))
			if err := json.Unmarshal(body, &object); err != nil {
				t.Fatal(err)
			}
			for _, r := range object.Records {
				ids[r.EventID] = true
				if r.EventName == "AssumeRole" {
					issued++
					keys[r.ResponseElements.Credentials.AccessKeyID] = true
				} else if !keys[r.UserIdentity.AccessKeyID] {
					t.Fatalf("event %s is made with %s, which nothing issued", r.EventID, r.UserIdentity.AccessKeyID)
				}
			}
		}
	}
	if issued != int64(len(keys)) || int64(len(ids)) != tr.events {
		t.Errorf("%d credentials issued, of %d keys, in %d events", issued, len(keys), len(ids))
	}
	var large bytes.Buffer
	huge, _ := shaped("large", 2)
	large.Write(huge.object(0, 1, 2))
	if large.Len() < 16<<20 || !json.Valid(large.Bytes()) {
		t.Errorf("a large record has %d bytes", large.Len())
	}
}

// A heap that grows with the calls is found.
func TestGrew(t *testing.T) {
	flat, growing := measured{}, measured{}
	for step := range int64(11) {
		credentials := 1000 * step
		if step > 5 {
			credentials = 5000 + 250*(step-5)
		}
		events := 1_000_000 * step
		flat.steps = append(flat.steps, measure{events, credentials, 1<<20 + 3000*credentials + 50_000*(step%2)})
		growing.steps = append(growing.steps, measure{events, credentials, 1<<20 + 3000*credentials + 8*events})
	}
	if err := flat.grew(); err != nil {
		t.Error(err)
	}
	if growing.grew() == nil {
		t.Error("eight bytes for each event are not noticed")
	}
}
