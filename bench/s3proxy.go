package main

import (
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"sync"
	"time"
)

// proxy stands before an S3 server, counts what it is asked for and takes its time.
type proxy struct {
	*httptest.Server
	mu       sync.Mutex
	delay    time.Duration
	seen     seen
	inFlight int
	since    time.Time // when that changed
}

// seen is what a proxy was asked for.
type seen struct {
	gets      int
	listing   int // list requests for keys
	discovery int // list requests for folders
	// during is for how long so many requests were under way.
	during []time.Duration
}

func newProxy(server string) (*proxy, error) {
	target, err := url.Parse(server)
	if err != nil {
		return nil, err
	}
	forward := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
			r.Out.Host = r.In.Host // it is signed
		},
		Transport: &http.Transport{MaxIdleConnsPerHost: 1000, DisableCompression: true},
	}
	p := &proxy{}
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		wait := p.begin(r)
		defer p.end()
		if wait > 0 {
			time.Sleep(wait)
		}
		forward.ServeHTTP(w, r)
	}))
	return p, nil
}

// begin counts a request and tells how long it waits.
func (p *proxy) begin(r *http.Request) time.Duration {
	query := r.URL.Query()
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case !query.Has("list-type"):
		p.seen.gets++
	case query.Has("delimiter"):
		p.seen.discovery++
	default:
		p.seen.listing++
	}
	p.change(1)
	return p.delay
}

func (p *proxy) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.change(-1)
}

func (p *proxy) change(by int) {
	now := time.Now()
	for len(p.seen.during) <= p.inFlight {
		p.seen.during = append(p.seen.during, 0)
	}
	p.seen.during[p.inFlight] += now.Sub(p.since)
	p.inFlight, p.since = p.inFlight+by, now
}

// reset gives what was seen, forgets it, and takes another delay.
func (p *proxy) reset(delay time.Duration) seen {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.seen
	p.seen, p.delay, p.since = seen{}, delay, time.Now()
	return s
}

func (s seen) requests() int { return s.gets + s.listing + s.discovery }

// underWay is how many requests were under way at a time, or more, for half of the
// time: it tries more and fewer now and then.
func (s seen) underWay() int {
	var whole, above time.Duration
	for n, d := range s.during {
		if n > 0 {
			whole += d
		}
	}
	for n := len(s.during) - 1; n > 1; n-- {
		if above += s.during[n]; above >= whole/2 {
			return n
		}
	}
	return 1
}
