package ingest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

const (
	// maxObject is the largest object that is fetched. CloudTrail delivers
	// none beyond 50 MB before compression:
	// https://docs.aws.amazon.com/awscloudtrail/latest/userguide/WhatIsCloudTrail-Limits.html
	maxObject = 1 << 30

	// maxPooled is the largest buffer that is kept for the next object, which may
	// be a small one: of those that are open at a time each has one.
	maxPooled = 256 << 10
)

var errTooLarge = errors.New("the object is larger than 1 GiB")

// bodyError is a failure after the header of an answer, which the SDK does not
// repeat: https://docs.aws.amazon.com/sdk-for-go/v2/developer-guide/configure-retries-timeouts.html
type bodyError struct{ err error }

func (e *bodyError) Error() string { return e.err.Error() }
func (e *bodyError) Unwrap() error { return e.err }

// damaged reports whether the body came to its end and is not what was stored.
// The SDK gives that error no type: aws-sdk-go-v2/service/internal/checksum,
// validateChecksumReader.
func (e *bodyError) damaged() bool { return strings.Contains(e.err.Error(), "checksum did not match") }

// open fetches a whole object into memory. A body that breaks off is fetched
// again from its start and not resumed: only a whole object can be checked
// against the checksum that S3 stored, and the objects are small.
func (s *S3) open(ctx context.Context, key string) (io.ReadCloser, error) {
	buf, _ := s.pool.Get().(*[]byte)
	if buf == nil {
		buf = new([]byte)
	}
	err := s.again(ctx, func() error {
		s.getRequests.Add(1)
		out, err := s.client.GetObject(ctx, &s3.GetObjectInput{
			Bucket:       aws.String(s.cfg.Bucket),
			Key:          aws.String(key),
			RequestPayer: s.payer(),
		})
		if err != nil {
			return err
		}
		defer out.Body.Close()
		*buf, err = readBody((*buf)[:0], out.Body, aws.ToInt64(out.ContentLength))
		return err
	})
	if err != nil {
		s.keep(buf)
		return nil, s.requestError(ctx, "get "+s.url(key), err)
	}
	body := &objectBody{buf: buf, keep: s.keep}
	body.Reset(*buf)
	return body, nil
}

// readBody appends a body of about size bytes, to its end: only there is the
// checksum compared.
func readBody(b []byte, r io.Reader, size int64) ([]byte, error) {
	if size > maxObject {
		return b, errTooLarge
	}
	if need := int(size) + 1; cap(b) < need {
		b = make([]byte, 0, max(need, 4096))
	}
	for {
		n, err := r.Read(b[len(b):cap(b)])
		b = b[:len(b)+n]
		switch {
		case err == io.EOF:
			return b, nil
		case err != nil:
			return b, &bodyError{fmt.Errorf("after %d bytes: %w", len(b), err)}
		case len(b) > maxObject:
			return b, errTooLarge
		case len(b) == cap(b):
			b = append(b, 0)[:len(b)]
		}
	}
}

func (s *S3) keep(buf *[]byte) {
	if cap(*buf) <= maxPooled {
		s.pool.Put(buf)
	}
}

// objectBody reads an object from memory. Close gives the memory back.
type objectBody struct {
	bytes.Reader
	buf  *[]byte
	keep func(*[]byte)
}

func (o *objectBody) Close() error {
	if o.buf != nil {
		o.Reset(nil)
		o.keep(o.buf)
		o.buf = nil
	}
	return nil
}
