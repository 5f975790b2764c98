package trailgen

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/klauspost/compress/gzip"
	"golang.org/x/sync/errgroup"
)

const (
	// Objects are stamped in steps of five minutes, as CloudTrail's are.
	slotLength = 5 * 60
	// An object's stamp bounds its events on neither side: it may be a little
	// older than an event that it holds.
	earliest = -7 * 60
	latest   = 15 * 60
	workers  = 2
)

// delivery collects records and writes them as a trail's objects: below one
// folder for each account, region and day of delivery, a few minutes late, in
// no order inside an object, now and then twice.
type delivery struct {
	dir       string
	org       string // organization id, or empty
	perObject int
	ids       ids
	lateEvery int // one record of so many is hours late; 0 for none
	twice     int // one record of so many is delivered twice; 0 for none

	slots   map[slotKey]*slot
	batch   int               // records that take the same time to arrive
	batches map[slotKey]batch // by account and region
	flush   int64             // slots that end before this are written
	dirs    map[string]bool
	free    chan []byte
	jobs    chan object
	group   *errgroup.Group
	ctx     context.Context // of the group, to notice a worker's failure

	objects    int64
	bytes      int64
	compressed [workers]int64
	err        error
}

type slotKey struct {
	stamp   int64
	account string
	region  string
}

type batch struct {
	delay int64
	left  int
}

// slot is an object in the making: its records, end to end.
type slot struct {
	body []byte
	ends []int
}

type object struct {
	path string
	body []byte
}

func newDelivery(ctx context.Context, dir, org string, perObject int, r ids) *delivery {
	group, ctx := errgroup.WithContext(ctx)
	d := &delivery{
		dir: dir, org: org, perObject: perObject, ids: r,
		slots: map[slotKey]*slot{}, batch: 1, batches: map[slotKey]batch{}, dirs: map[string]bool{},
		free: make(chan []byte, 2*workers), jobs: make(chan object),
		group: group, ctx: ctx,
	}
	for i := range workers {
		group.Go(func() error { return d.compress(&d.compressed[i]) })
	}
	return d
}

// deliver takes one record of an account and region; elsewhere is a region whose
// files may repeat it, or empty. It reports how many copies will be in the
// trail: one, or two unless once is set.
func (d *delivery) deliver(t int64, account, region, elsewhere string, once bool, body []byte) int {
	delay := d.delay(account, region)
	if d.lateEvery > 0 && d.ids.IntN(d.lateEvery) == 0 {
		delay = int64(3600 + d.ids.IntN(5*3600))
	}
	d.add(t+delay, account, region, body)
	if d.twice == 0 || d.ids.IntN(d.twice) != 0 || once {
		return 1
	}
	if elsewhere != "" && d.ids.IntN(2) == 0 {
		region = elsewhere
	}
	d.add(t+int64(d.ids.IntN(latest)), account, region, body)
	return 2
}

// delay gives how long a record takes. Records of one account and region come
// in batches, as the hosts that serve the calls hand them in.
func (d *delivery) delay(account, region string) int64 {
	key := slotKey{0, account, region}
	b := d.batches[key]
	if b.left == 0 {
		b.left = d.batch
		b.delay = int64(d.ids.IntN(10 * 60))
		switch d.ids.IntN(20) {
		case 0:
			b.delay = int64(d.ids.IntN(latest))
		case 1:
			b.delay = int64(d.ids.IntN(-earliest)) + earliest
		}
	}
	b.left--
	d.batches[key] = b
	return b.delay
}

func (d *delivery) add(t int64, account, region string, body []byte) {
	key := slotKey{t - t%slotLength, account, region}
	s := d.slots[key]
	if s == nil {
		s = &slot{}
		d.slots[key] = s
	}
	s.body = append(s.body, body...)
	s.ends = append(s.ends, len(s.body))
	if len(s.ends) >= d.perObject {
		d.write(key, s)
		s.body, s.ends = s.body[:0], s.ends[:0]
	}
}

// advance writes what no later event can reach any more.
func (d *delivery) advance(now int64) {
	if now < d.flush {
		return
	}
	d.flushBefore(now - slotLength + earliest)
	d.flush = now - now%slotLength + slotLength
}

func (d *delivery) flushBefore(stamp int64) {
	var due []slotKey
	for key := range d.slots {
		if key.stamp < stamp {
			due = append(due, key)
		}
	}
	slices.SortFunc(due, func(a, b slotKey) int {
		if a.stamp != b.stamp {
			return int(a.stamp - b.stamp)
		}
		if a.account != b.account {
			return bytes.Compare([]byte(a.account), []byte(b.account))
		}
		return bytes.Compare([]byte(a.region), []byte(b.region))
	})
	for _, key := range due {
		if s := d.slots[key]; len(s.ends) > 0 {
			d.write(key, s)
		}
		delete(d.slots, key)
	}
}

// disorder gives an order for n records. A trail's files are no ordered stack
// trace, but what one host served stands together: runs change places, and
// records within a run.
func (d *delivery) disorder(n int) []int {
	const run = 12
	order := make([]int, 0, n)
	for _, r := range d.ids.Perm((n + run - 1) / run) {
		start := len(order)
		for i := r * run; i < min(n, (r+1)*run); i++ {
			order = append(order, i)
		}
		part := order[start:]
		d.ids.Shuffle(len(part), func(i, j int) { part[i], part[j] = part[j], part[i] })
	}
	return order
}

// write hands one object to the workers.
func (d *delivery) write(key slotKey, s *slot) {
	if d.err != nil {
		return
	}
	order := d.disorder(len(s.ends))
	var body []byte
	select {
	case body = <-d.free:
	default:
	}
	body = append(body[:0], `{"Records":[`...)
	for n, i := range order {
		if n > 0 {
			body = append(body, ',')
		}
		start := 0
		if i > 0 {
			start = s.ends[i-1]
		}
		body = append(body, s.body[start:s.ends[i]]...)
	}
	body = append(body, `]}`...)
	stamp := time.Unix(key.stamp, 0).UTC()
	name := fmt.Sprintf("%s_CloudTrail_%s_%s_%s.json.gz", key.account, key.region,
		stamp.Format("20060102T1504Z"), d.ids.from(alnum, 16))
	d.put(key.account, "CloudTrail", key.region, stamp, name, body)
	d.objects++
	d.bytes += int64(len(body))
}

// put writes body, compressed, where a trail keeps its objects of one kind.
// https://docs.aws.amazon.com/awscloudtrail/latest/userguide/get-and-view-cloudtrail-log-files.html
func (d *delivery) put(account, kind, region string, day time.Time, name string, body []byte) {
	dir := filepath.Join(d.dir, "AWSLogs", d.org, account, kind, region, day.Format("2006/01/02"))
	if !d.dirs[dir] {
		if err := os.MkdirAll(dir, 0o777); err != nil {
			d.err = err
			return
		}
		d.dirs[dir] = true
	}
	select {
	case d.jobs <- object{filepath.Join(dir, name), body}:
	case <-d.ctx.Done():
		d.err = context.Cause(d.ctx)
	}
}

// compress writes objects until there are no more. The header of the gzip
// stream holds neither name nor time, so that the bytes depend on the seed only.
func (d *delivery) compress(total *int64) error {
	var buf bytes.Buffer
	z, err := gzip.NewWriterLevel(&buf, 6)
	if err != nil {
		return err
	}
	for o := range d.jobs {
		buf.Reset()
		z.Reset(&buf)
		if _, err := z.Write(o.body); err != nil {
			return err
		}
		if err := z.Close(); err != nil {
			return err
		}
		if err := os.WriteFile(o.path, buf.Bytes(), 0o666); err != nil {
			return err
		}
		*total += int64(buf.Len())
		select {
		case d.free <- o.body:
		default:
		}
	}
	return nil
}

// close writes what is left and waits for the workers.
func (d *delivery) close() error {
	d.flushBefore(1<<62 - 1)
	close(d.jobs)
	if err := d.group.Wait(); err != nil {
		return err
	}
	return d.err
}

func (d *delivery) compressedBytes() int64 {
	var n int64
	for _, c := range d.compressed {
		n += c
	}
	return n
}
