package ingest

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"
)

// resultRange is how many bytes of a large object are asked for at once.
const resultRange = 8 << 20

// Result reads an object of any size, such as a query's result, range by range:
// a connection that breaks costs one range. It fails if the object changes
// meanwhile.
func (s *S3) Result(ctx context.Context, key string) io.Reader {
	r := &rangeReader{s3: s, key: key, size: -1}
	return readerFunc(func(p []byte) (int, error) { return r.read(ctx, p) })
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

type rangeReader struct {
	s3   *S3
	key  string
	etag *string
	buf  []byte
	rest []byte // of buf, not read yet
	at   int64  // where the next range begins
	size int64  // of the object, -1 before the first answer
}

func (r *rangeReader) read(ctx context.Context, p []byte) (int, error) {
	for len(r.rest) == 0 {
		if r.size >= 0 && r.at >= r.size {
			return 0, io.EOF
		}
		if err := r.fetch(ctx); err != nil {
			return 0, err
		}
	}
	n := copy(p, r.rest)
	r.rest = r.rest[n:]
	return n, nil
}

func (r *rangeReader) fetch(ctx context.Context) error {
	get := func() error {
		r.s3.getRequests.Add(1)
		out, err := r.s3.client.GetObject(ctx, &s3.GetObjectInput{
			Bucket:       aws.String(r.s3.cfg.Bucket),
			Key:          aws.String(r.key),
			Range:        aws.String(fmt.Sprintf("bytes=%d-%d", r.at, r.at+resultRange-1)),
			IfMatch:      r.etag,
			RequestPayer: r.s3.payer(),
		})
		if err != nil {
			return err
		}
		defer out.Body.Close()
		length := aws.ToInt64(out.ContentLength)
		if r.buf, err = readBody(r.buf[:0], out.Body, length); err != nil {
			return err
		}
		if int64(len(r.buf)) != length {
			return &bodyError{fmt.Errorf("%d of %d bytes: %w", len(r.buf), length, io.ErrUnexpectedEOF)}
		}
		r.etag = out.ETag
		if r.size = rangeSize(aws.ToString(out.ContentRange)); r.size < 0 {
			r.size = length // the whole object, from an endpoint that knows no ranges
		}
		return nil
	}
	err := r.s3.again(ctx, func() error {
		err := get()
		if err != nil && r.size < 0 && r.s3.follow(ctx, err) {
			err = get()
		}
		return err
	})
	var api smithy.APIError
	if r.size < 0 && r.at == 0 && errors.As(err, &api) && api.ErrorCode() == "InvalidRange" {
		r.size = 0 // an empty object has no first byte
		return nil
	}
	if err != nil {
		return r.s3.requestError(ctx, "get "+r.s3.url(r.key), err)
	}
	r.rest = r.buf
	r.at += int64(len(r.buf))
	return nil
}

// rangeSize is the size of the object in a Content-Range, "bytes 0-9/100".
func rangeSize(header string) int64 {
	var from, to, size int64
	if _, err := fmt.Sscanf(header, "bytes %d-%d/%d", &from, &to, &size); err != nil {
		return -1
	}
	return size
}

// Delete removes an object. One that is not there is none the worse for it.
func (s *S3) Delete(ctx context.Context, key string) error {
	remove := func() error {
		_, err := s.client.DeleteObject(ctx, &s3.DeleteObjectInput{
			Bucket: aws.String(s.cfg.Bucket), Key: aws.String(key), RequestPayer: s.payer(),
		})
		return err
	}
	err := remove()
	if err != nil && s.follow(ctx, err) {
		err = remove()
	}
	if err == nil {
		return nil
	}
	var api smithy.APIError
	if errors.As(err, &api) && api.ErrorCode() == "AccessDenied" && ctx.Err() == nil {
		return &RequestError{
			What: "delete " + s.url(key), Why: "access denied (" + apiText(api) + ")",
			Do: "allow s3:DeleteObject on " + s.arn("/"+key) + ", or delete it yourself", Err: err,
		}
	}
	return s.requestError(ctx, "delete "+s.url(key), err)
}
