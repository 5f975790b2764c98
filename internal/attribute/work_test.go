package attribute

import (
	"math"
	"math/rand/v2"
	"reflect"
	"testing"
)

// TestRest holds that what is packed is unpacked as it was.
func TestRest(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	num := func() int64 {
		switch rng.IntN(8) {
		case 0:
			return math.MaxInt64
		case 1:
			return math.MinInt64
		case 2:
			return -1
		}
		return rng.Int64N(300)
	}
	some := func() sym { return sym(rng.Uint32() >> rng.IntN(32)) }
	event := func() eventRef {
		r := eventRef{time: 1_700_000_000 + rng.Int64N(100_000)}
		switch rng.IntN(3) {
		case 0:
			r.odd = some()
		case 1:
			r.id = id128{rng.Uint64(), rng.Uint64()}
		}
		return r
	}
	for range 20_000 {
		u := &use{span: span{calls: num(), first: event(), last: num()}}
		either := func() eventRef {
			if rng.IntN(2) == 0 {
				return u.span.first
			}
			return event()
		}
		w := &work{}
		for range rng.IntN(4) {
			w.clients.add(client{ip: some(), agent: some(), presigned: rng.IntN(2) == 0, service: rng.IntN(2) == 0, calls: num(), first: either(), last: num()})
		}
		for range rng.IntN(4) {
			a := activity{activityKey: activityKey{service: some(), region: some()}, calls: num()}
			if rng.IntN(2) == 0 {
				a.action, a.errors, a.span = 1+some()>>1, num(), &span{num(), either(), num()}
			}
			w.activity.add(a)
		}
		for range rng.IntN(4) {
			w.hours.add(hourCount{num(), num()})
		}
		for range rng.IntN(3) {
			w.recipients = append(w.recipients, recipient{some(), num(), either()})
		}
		for range rng.IntN(3) {
			w.switches = append(w.switches, fact{some(), either(), num()})
		}
		u.work = w
		u.rest(nil)
		if u.work != nil || u.resting == "" {
			t.Fatal("it is not packed")
		}
		if got := u.awake(&work{}); !reflect.DeepEqual(got, w) {
			t.Fatalf("got\n%+v, want\n%+v", got, w)
		}
		if u.wake(); !reflect.DeepEqual(u.work, w) || u.resting != "" {
			t.Fatalf("woken up it is\n%+v, want\n%+v", u.work, w)
		}
	}
}

// TestRestLarge holds that what has an index, which packing would cost, stays.
func TestRestLarge(t *testing.T) {
	for _, fill := range []func(*work){
		func(w *work) { w.crowd = &crowd{} },
		func(w *work) {
			for i := range sym(longList + 1) {
				w.clients.add(client{ip: i})
			}
		},
		func(w *work) {
			for i := range sym(longList + 1) {
				w.activity.add(activity{activityKey: activityKey{service: i}})
			}
		},
	} {
		u := &use{work: &work{}}
		fill(u.work)
		if u.rest(nil); u.work == nil || u.awake(&work{}) != u.work {
			t.Errorf("%+v is packed", u)
		}
	}
}
