package trailgen

import (
	"container/heap"
	"context"
	"fmt"
	"strconv"
	"time"
)

// OrgConfig says what organization's trail to make.
type OrgConfig struct {
	Config
	// Events is how many distinct events to make, at least: apps live and
	// stories are told in full even where that takes more.
	Events   int64
	Accounts int // at least 2
	Regions  int // 1 to len(regions)
	Org      bool
	Start    time.Time     // of the window
	Window   time.Duration // its length
	// Lead is how much of the trail lies before the window.
	Lead time.Duration
	// Missing is the fraction of assume events that are left out.
	Missing float64
	// RecordsPerObject is the most that an object holds.
	RecordsPerObject int
	// RandomNames is how many sessions one app opens with a name of its own
	// each, SameNames how many another one opens under one name.
	RandomNames, SameNames int
	// NoCalls leaves the lines about calls out of the truth and the session names
	// out of its summary, for trails that are made to measure speed.
	NoCalls bool
}

var regions = []string{"us-east-1", "eu-west-1", "us-west-2", "eu-central-1", "ap-southeast-2", "us-east-2"}

// organization is the world with its people and programs.
type organization struct {
	*world
	cfg      OrgConfig
	accounts []*account
	regions  []string
	people   []string
	begin    int64 // of the trail
	queue    schedule
	seq      int64
	pool     []*busy // sessions that take further calls
	ordinary func(t int64)
	burst    int // how many events ordinary has still to make
	users    []*user
	dir      *directory
	support  *role // a permission set
	homes    int   // addresses given out
}

// Generate writes the trail of an organization and the truth about it.
func Generate(ctx context.Context, cfg OrgConfig) (Summary, error) {
	switch {
	case cfg.Accounts < 2:
		return Summary{}, fmt.Errorf("accounts: %d is too few: crossing accounts takes 2", cfg.Accounts)
	case cfg.Regions < 1 || cfg.Regions > len(regions):
		return Summary{}, fmt.Errorf("regions: %d is not between 1 and %d", cfg.Regions, len(regions))
	case cfg.Missing < 0 || cfg.Missing > 1:
		return Summary{}, fmt.Errorf("missing: %g is no fraction", cfg.Missing)
	case cfg.Window < time.Hour:
		return Summary{}, fmt.Errorf("window: %s is too short: the stories take an hour", cfg.Window)
	case cfg.RecordsPerObject < 1:
		return Summary{}, fmt.Errorf("records per object: %d is less than 1", cfg.RecordsPerObject)
	}
	org := ""
	if cfg.Org {
		org = "o-" + newIDs(cfg.Seed, 4).from(lowerAlnum, 10)
	}
	if cfg.Truth == "" {
		cfg.Truth = cfg.Out
	}
	w, err := open(ctx, cfg.Config, org, cfg.RecordsPerObject)
	if err != nil {
		return Summary{}, err
	}
	w.since = cfg.Start.Unix()
	w.until = w.since + int64(cfg.Window/time.Second)
	w.missing = cfg.Missing
	w.truth.noCalls = cfg.NoCalls
	w.out.lateEvery, w.out.twice, w.out.batch = 3000, 400, 40
	o := &organization{world: w, cfg: cfg, begin: w.since - int64(cfg.Lead/time.Second), regions: regions[:cfg.Regions]}
	for range cfg.Accounts {
		a := &account{w.ids.accountID(), true}
		o.accounts = append(o.accounts, a)
		w.truth.summary.Account = append(w.truth.summary.Account, a.id)
	}
	w.truth.summary.Regions = o.regions
	o.populate()
	o.stories()
	o.run(ctx)
	o.siblings()
	sum, err := w.close(cfg.Truth)
	if err == nil {
		err = ctx.Err()
	}
	return sum, err
}

// run lets time pass: what is due happens, and ordinary calls fill the rest so
// that the events are spread evenly over the trail.
func (o *organization) run(ctx context.Context) {
	length := o.until - o.begin
	for n := 0; ; n++ {
		now := o.until
		if o.emitted < o.cfg.Events {
			// In floating point: the product outgrows 64 bits in long trails only.
			now = o.begin + int64(float64(length)*float64(o.emitted)/float64(o.cfg.Events))
		}
		if len(o.queue) > 0 && o.queue[0].at <= now {
			e := heap.Pop(&o.queue).(event)
			e.do(e.at)
			o.out.advance(e.at)
			continue
		}
		if now >= o.until || o.out.err != nil || n&1023 == 0 && ctx.Err() != nil {
			return
		}
		o.fillOne(now)
		o.out.advance(now)
	}
}

type event struct {
	at, seq int64
	do      func(t int64)
}

// schedule is a heap of events by time, then by when they were planned.
type schedule []event

func (s schedule) Len() int { return len(s) }
func (s schedule) Less(i, j int) bool {
	return s[i].at < s[j].at || s[i].at == s[j].at && s[i].seq < s[j].seq
}
func (s schedule) Swap(i, j int) { s[i], s[j] = s[j], s[i] }
func (s *schedule) Push(x any)   { *s = append(*s, x.(event)) }
func (s *schedule) Pop() any {
	old := *s
	e := old[len(old)-1]
	old[len(old)-1] = event{}
	*s = old[:len(old)-1]
	return e
}

// at plans something; what lies outside of the trail never happens.
func (o *organization) at(t int64, do func(t int64)) {
	if t < o.begin || t >= o.until {
		return
	}
	o.seq++
	heap.Push(&o.queue, event{t, o.seq, do})
}

// holder keeps a session that is renewed when it is about to end.
type holder struct {
	renew func(t int64) *credential
	every int64 // renewed after this many seconds; 0: when it is about to end
	cur   *credential
}

// now gives the session that the holder uses at t.
func (h *holder) now(t int64) *credential {
	c := h.cur
	if c == nil || t >= c.expires-300 || h.every > 0 && t >= c.created+h.every {
		h.cur = h.renew(t)
	}
	return h.cur
}

// app is something that always holds a session and calls with it.
type app struct {
	holder
	apis     []string
	resource string
	how      how
	// calls is how many calls a session makes whatever the size of the trail;
	// they are spread over its life.
	calls int64
	// quiet apps make no further ones.
	quiet bool
	// pause is the time between the end of a session and the next.
	pause int64
}

// busy is a session in use.
type busy struct {
	c     *credential
	app   *app
	until int64
}

// live starts an app at t.
func (o *organization) live(t int64, a *app) {
	if a.calls == 0 {
		a.calls = 3
	}
	o.at(t, func(t int64) { o.work(t, a) })
}

// work opens a session for a, plans its calls and its successor.
func (o *organization) work(t int64, a *app) {
	c := a.now(t)
	end := c.expires - 300
	if a.every > 0 {
		end = min(end, c.created+a.every)
	}
	for i := range a.calls {
		at := t + 2 + (end-t-20)*i/max(1, a.calls-1)
		o.at(at, func(t int64) { o.one(t, c, a) })
	}
	if !a.quiet {
		o.pool = append(o.pool, &busy{c, a, end})
	}
	o.at(end+a.pause, func(t int64) { o.work(t, a) })
}

// one makes one of a's calls.
func (o *organization) one(t int64, c *credential, a *app) {
	h := a.how
	h.resource = a.resource
	h.failed = o.ids.IntN(40) == 0
	o.call(t, c, o.apis[pick(o.ids, a.apis)], h)
}

// fillOne makes one ordinary event. Programs and people call in bursts, so that
// one event is mostly like the one before.
func (o *organization) fillOne(t int64) {
	if o.burst == 0 {
		o.burst, o.ordinary = 1+o.ids.IntN(20), o.someoneOrdinary(t)
	}
	o.burst--
	o.ordinary(t)
}

// someoneOrdinary picks who makes the next events.
func (o *organization) someoneOrdinary(t int64) func(t int64) {
	acct, region := pick(o.ids, o.accounts), pick(o.ids, o.regions)
	switch n := o.ids.IntN(100); {
	case n < 60:
		if b := o.someone(t); b != nil {
			return func(t int64) {
				if t < b.until {
					o.one(t, b.c, b.app)
				} else {
					o.serviceEvent(t, acct, region)
				}
			}
		}
	case n < 74:
		switch o.ids.IntN(4) {
		case 0:
			return func(t int64) { o.serviceCall(t, acct, "cloudtrail.amazonaws.com", o.apis["s3:GetBucketAcl"], region) }
		case 1:
			return func(t int64) {
				o.serviceCall(t, acct, "delivery.logs.amazonaws.com", o.apis["s3:PutObject"], region)
			}
		default:
			return func(t int64) {
				o.serviceCall(t, acct, "cloudtrail.amazonaws.com", o.apis["kms:GenerateDataKey"], region)
			}
		}
	case n < 96:
		u := pick(o.ids, o.users)
		return func(t int64) { o.userCall(t, u, o.apis[pick(o.ids, readAPIs)], region) }
	}
	return func(t int64) { o.serviceEvent(t, acct, region) }
}

// someone picks a session in use and forgets those that have ended; nil where
// there is none.
func (o *organization) someone(t int64) *busy {
	for len(o.pool) > 0 {
		i := o.ids.IntN(len(o.pool))
		b := o.pool[i]
		if t < b.until {
			return b
		}
		last := len(o.pool) - 1
		o.pool[i], o.pool[last] = o.pool[last], nil
		o.pool = o.pool[:last]
	}
	return nil
}

// home gives a public address that is no cloud's: of networks that are used as
// examples of access providers.
func (o *organization) home() string {
	nets := []string{"81.2.69.", "89.160.20.", "175.16.199.", "202.196.224.", "2.125.160.", "67.43.156."}
	o.homes++
	return nets[o.homes%len(nets)] + strconv.Itoa(1+o.homes*37%250)
}

func (o *organization) region(i int) string { return o.regions[i%len(o.regions)] }

// person invents a user name.
func (o *organization) person() string {
	names := []string{
		"maria.garcia", "saanvi.sarkar", "akua.mansa", "paulo.santos", "nikki.wolf", "diego.ramirez",
		"arnav.desai", "efua.owusu", "martha.rivera", "zhang.wei", "sofia.martinez", "kwaku.mensah",
		"li.juan", "nikhil.jayashankar", "shirley.rodriguez", "jorge.souza", "ana.carolina", "mateo.jackson",
		"wang.xiulan", "terry.whitlock", "mary.major", "richard.roe", "carlos.salazar", "john.stiles",
	}
	i := len(o.people)
	name := names[i%len(names)]
	if i >= len(names) {
		name += strconv.Itoa(i / len(names))
	}
	o.people = append(o.people, name)
	return name
}
