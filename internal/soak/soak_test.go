package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"
)

// TestMemory holds each shape of trail, in small, to the memory that it may
// take.
func TestMemory(t *testing.T) {
	for _, tt := range []struct {
		shape  string
		events int64
		names  int
	}{
		{"steady", 100_000, 640},
		{"names", 24_000, 9600},
		{"keys", 24_000, 3},
		// One credential of so many clients that not all of them are kept.
		{"crowd", 100_000, 1},
		{"large", 16, 1},
	} {
		t.Run(tt.shape, func(t *testing.T) {
			tr, most, err := shaped(tt.shape, tt.events)
			if err != nil {
				t.Fatal(err)
			}
			var out strings.Builder
			m, err := soak(t.Context(), &tr, 2, &out)
			if err != nil {
				t.Fatal(err)
			}
			for i, s := range m.steps {
				at := min(int64(i)*(tr.events/steps), tr.events) - 2*tr.perObject // which two workers have open
				if s.events < at {
					t.Errorf("step %d of %d is looked at when %d events are read, want %d or more", i, len(m.steps), s.events, at)
				}
			}
			if raceDetector { // which needs a multiple of the memory
				most.peak, most.peakPerCredential = 0, 0
			}
			if err := errors.Join(m.grew(), m.over(most)); err != nil {
				t.Error(err)
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

// Each bound of a budget can be exceeded.
func TestOver(t *testing.T) {
	m := measured{steps: []measure{{0, 0, 1 << 20}, {1e6, 20_000, 41 << 20}}, peak: 200 << 20}
	for _, tt := range []struct {
		most budget
		over bool
	}{
		{budget{}, false},
		{budget{kept: 40 << 20, peak: 200 << 20, perCredential: 2098, peakPerCredential: 10486}, false},
		{budget{kept: 40<<20 - 1}, true},
		{budget{peak: 200<<20 - 1}, true},
		{budget{perCredential: 2097}, true},
		{budget{peakPerCredential: 10485}, true},
	} {
		if err := m.over(tt.most); (err != nil) != tt.over {
			t.Errorf("%+v: %v", tt.most, err)
		}
	}
}

// What the trail says it holds is what it holds.
func TestTrail(t *testing.T) {
	tr, _, err := shaped("steady", 10_000)
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
	huge, _, _ := shaped("large", 2)
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
