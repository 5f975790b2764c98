package ingest

import (
	"io"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// A body that comes in drips never runs into the idle timeout, which begins anew
// with each byte. It is given up when it takes longer than
const (
	// this,
	slowGrace = time.Minute
	// and a second for each so many bytes: less than what is left of a bad line
	// when many objects share it,
	slowestRate = 1 << 10
	// of which those that do not say how long they are have so many: a page of a
	// listing has up to a thousand keys.
	slowLength = 1 << 20
)

// steadyClient gives up bodies that are too slow.
type steadyClient struct {
	aws.HTTPClient
	grace time.Duration
}

func (c steadyClient) Do(r *http.Request) (*http.Response, error) {
	answer, err := c.HTTPClient.Do(r)
	if err != nil {
		return answer, err
	}
	length := answer.ContentLength
	if length < 0 {
		length = slowLength
	}
	body := &steadyBody{ReadCloser: answer.Body}
	body.timer = time.AfterFunc(c.grace+time.Duration(length/slowestRate)*time.Second, func() {
		body.slow.Store(true)
		body.ReadCloser.Close() // which ends a Read
	})
	answer.Body = body
	return answer, nil
}

type steadyBody struct {
	io.ReadCloser
	timer *time.Timer
	slow  atomic.Bool
}

func (b *steadyBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err != nil && err != io.EOF && b.slow.Load() {
		err = slowError{}
	}
	return n, err
}

func (b *steadyBody) Close() error {
	b.timer.Stop()
	return b.ReadCloser.Close()
}

// slowError is the error of a body that was given up.
type slowError struct{}

func (slowError) Error() string { return "the answer came far too slowly" }
func (slowError) Timeout() bool { return true }
