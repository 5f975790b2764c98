package ingest

import (
	"context"
	"errors"
	"io"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"
)

// CheckPut finds out what would make every Put fail: no such bucket, no
// credentials, no way there. Whether a Put is allowed only itself can tell.
func (s *S3) CheckPut(ctx context.Context) error {
	head := func() error {
		_, err := s.client.HeadBucket(ctx, &s3.HeadBucketInput{Bucket: aws.String(s.cfg.Bucket)})
		return err
	}
	err := head()
	if err != nil && s.follow(ctx, err) {
		err = head()
	}
	var api smithy.APIError
	what := "put " + s.url("")
	switch isAPI := errors.As(err, &api); {
	case err == nil, isAPI && api.ErrorCode() == "Forbidden" && ctx.Err() == nil:
		return nil // who may put need not be allowed to look
	case isAPI && api.ErrorCode() == "NotFound" && ctx.Err() == nil:
		return &RequestError{What: what, Why: "no such bucket", Do: "check its name", Err: err}
	}
	return s.requestError(ctx, what, err)
}

// Put stores an object in the bucket, encrypted as the bucket says. It is there
// complete or not at all. Body is read from its current place to its end, more
// than once where the request is repeated.
func (s *S3) Put(ctx context.Context, key, contentType string, body io.ReadSeeker) error {
	start, err := body.Seek(0, io.SeekCurrent)
	if err != nil {
		return err
	}
	put := func() error {
		if _, err := body.Seek(start, io.SeekStart); err != nil {
			return err
		}
		_, err := s.client.PutObject(ctx, &s3.PutObjectInput{
			Bucket:       aws.String(s.cfg.Bucket),
			Key:          aws.String(key),
			ContentType:  aws.String(contentType),
			Body:         body,
			RequestPayer: s.payer(),
		})
		return err
	}
	err = put()
	if err != nil && s.follow(ctx, err) {
		err = put()
	}
	if err == nil {
		return nil
	}
	what := "put " + s.url(key)
	var api smithy.APIError
	if errors.As(err, &api) && api.ErrorCode() == "AccessDenied" && ctx.Err() == nil {
		do := "allow s3:PutObject on " + s.arn("/"+key) + " to whoever runs the scan"
		if strings.Contains(strings.ToLower(api.ErrorMessage()), "kms") {
			do = "allow kms:GenerateDataKey with the key that the bucket encrypts with"
		}
		return &RequestError{What: what, Why: "access denied (" + apiText(api) + ")", Do: do, Err: err}
	}
	return s.requestError(ctx, what, err)
}
