package ingest

import (
	"context"
	"errors"
	"math/rand/v2"
	"net"
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// maxPause bounds the wait before a repetition.
const maxPause = 5 * time.Second

// again calls try until it succeeds, fails for good or has failed as often as
// is allowed, and waits longer before each repetition.
func (s *S3) again(ctx context.Context, try func() error) error {
	pause := s.backoff
	for attempt := 1; ; attempt++ {
		err := try()
		if err == nil || attempt == s.attempts || ctx.Err() != nil || !s.transient(err) {
			return err
		}
		if s.cfg.OnRetry != nil {
			s.cfg.OnRetry(err)
		}
		timer := time.NewTimer(pause/2 + rand.N(pause/2+1))
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return context.Cause(ctx)
		}
		pause = min(2*pause, maxPause)
	}
}

// transient reports whether an error may pass that the SDK does not repeat, or
// gives up on at once: a body that broke off, came damaged or stalled, and a
// network that is gone for a moment.
func (s *S3) transient(err error) bool {
	var (
		body   *bodyError
		decode *smithy.DeserializationError
		dns    *net.DNSError
	)
	switch {
	case errors.As(err, &body), errors.As(err, &decode):
		return true
	case errors.As(err, &dns), isDialError(err):
		// Before the first answer it is rather a mistake in the endpoint.
		return s.reached.Load()
	}
	return false
}

// watchThrottling gives a client that tells of each answer by which a request is
// to be repeated later, since there are too many.
func watchThrottling(client *s3.Client, told func()) *s3.Client {
	options := client.Options()
	r, ok := options.Retryer.(aws.RetryerV2)
	if !ok {
		return client
	}
	options.Retryer = throttleWatch{r, told}
	return s3.New(options)
}

type throttleWatch struct {
	aws.RetryerV2
	told func()
}

// RetryDelay is asked once before each retry.
func (w throttleWatch) RetryDelay(attempt int, err error) (time.Duration, error) {
	if isThrottle(err) {
		w.told()
	}
	return w.RetryerV2.RetryDelay(attempt, err)
}

// isThrottle knows SlowDown, which S3 sends with status 503, and what other
// endpoints send in its place.
//
// https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
func isThrottle(err error) bool {
	if (retry.ThrottleErrorCode{Codes: retry.DefaultThrottleErrorCodes}).IsErrorThrottle(err) == aws.TrueTernary {
		return true
	}
	var answer *smithyhttp.ResponseError
	return errors.As(err, &answer) && (answer.HTTPStatusCode() == http.StatusServiceUnavailable || answer.HTTPStatusCode() == http.StatusTooManyRequests)
}

// elsewhere finds the region in the answer to a request that was signed for
// another one, as S3 words it.
var elsewhere = regexp.MustCompile(`expecting ['"]([a-z0-9-]+)['"]`)

// follow makes a client of the bucket's own region, if err says that the bucket
// lies in another one than the client's and which that is.
//
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingBucket.html (PermanentRedirect)
// https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html (AuthorizationHeaderMalformed)
func (s *S3) follow(ctx context.Context, err error) bool {
	if !isWrongRegion(err) {
		return false
	}
	region := ""
	if header := responseHeader(err); header != nil {
		region = header.Get("X-Amz-Bucket-Region")
	}
	if m := elsewhere.FindStringSubmatch(err.Error()); region == "" && m != nil {
		region = m[1]
	}
	if region == "" {
		// The answer to HEAD tells the region even where it denies access.
		out, err := s.client.HeadBucket(ctx, &s3.HeadBucketInput{Bucket: aws.String(s.cfg.Bucket)})
		if err == nil {
			region = aws.ToString(out.BucketRegion)
		} else if header := responseHeader(err); header != nil {
			region = header.Get("X-Amz-Bucket-Region")
		}
	}
	options := s.client.Options()
	if !isRegion(region) || region == options.Region {
		return false
	}
	options.Region = region
	s.client = s3.New(options)
	return true
}

func isWrongRegion(err error) bool {
	var api smithy.APIError
	if !errors.As(err, &api) {
		return false
	}
	switch api.ErrorCode() {
	case "PermanentRedirect", "MovedPermanently", "TemporaryRedirect", "IllegalLocationConstraintException":
		return true
	case "AuthorizationHeaderMalformed":
		return strings.Contains(api.ErrorMessage(), "region")
	}
	return false
}

func responseHeader(err error) http.Header {
	var response *smithyhttp.ResponseError
	if errors.As(err, &response) && response.Response != nil && response.Response.Response != nil {
		return response.Response.Header
	}
	return nil
}

// requestError words what S3 answers to a list or get request.
func (s *S3) requestError(ctx context.Context, what string, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	list := strings.HasPrefix(what, "list ")
	worded := func(why, do string) error { return &RequestError{What: what, Why: why, Do: do, Err: err} }

	if errors.Is(err, errTooLarge) {
		return worded(errTooLarge.Error(), "move it elsewhere or cut it up; CloudTrail delivers none of that size")
	}
	var body *bodyError
	if errors.As(err, &body) {
		if body.damaged() {
			return worded("its bytes do not match the checksum that S3 stored ("+innermost(body.err)+"), each time it was fetched",
				"look for a proxy that changes what it passes on; else the object is damaged")
		}
		return worded("the body broke off each time it was fetched, at last "+body.Error(), "run it again, and check the network and the proxy if it stays so")
	}
	if isWrongRegion(err) {
		return worded("the bucket lies in another region than "+s.client.Options().Region+" ("+innermost(err)+")", "name its region with AWS_REGION or the profile, or its endpoint with --endpoint-url")
	}
	var api smithy.APIError
	var decode *smithy.DeserializationError
	if !errors.As(err, &api) {
		if errors.As(err, &decode) {
			return worded("the answer is none that S3 gives ("+innermost(err)+")", "check --endpoint-url or AWS_ENDPOINT_URL, and whether a proxy answers in its place")
		}
		return newRequestError(ctx, what, err)
	}
	code, text := api.ErrorCode(), apiText(api)
	switch code {
	case "NoSuchBucket":
		return worded("no such bucket", "check its name, and the partition and endpoint that the profile stands for")
	case "InvalidBucketName":
		return worded("no bucket can have that name", "check --bucket")
	case "NoSuchKey", "NotFound":
		return worded("the object is gone: it was deleted after it was listed", "if a lifecycle rule deletes logs, begin the window later")
	case "InvalidObjectState":
		return worded("the object is archived ("+text+")", "restore it with `aws s3api restore-object`, or begin the window after the archived days")
	case "KMS.DisabledException", "KMS.NotFoundException", "KMS.KMSInvalidStateException", "KMS.InvalidKeyUsageException":
		return worded("the key that it is encrypted with cannot be used ("+text+")", "enable the key or cancel its deletion")
	case "AccessDenied", "AllAccessDisabled", "Forbidden":
		if strings.Contains(strings.ToLower(api.ErrorMessage()), "kms") {
			return worded("decryption denied ("+text+")", "allow kms:Decrypt with the key that encrypts the logs, in the key's policy and to whoever runs the scan")
		}
		do := "allow s3:GetObject on " + s.arn("/*") + " to whoever runs the scan"
		if list {
			do = "allow s3:ListBucket on " + s.arn("") + " to whoever runs the scan, or name a --prefix that may be listed"
		}
		if !s.cfg.RequestPayer {
			do += "; a requester-pays bucket needs --request-payer"
		}
		return worded("access denied ("+text+")", do)
	}
	return newRequestError(ctx, what, err)
}

// arn is the bucket's ARN, or that of what lies in it, for the policy to allow.
func (s *S3) arn(what string) string {
	partition := "aws"
	switch region := s.client.Options().Region; {
	case strings.HasPrefix(region, "cn-"):
		partition = "aws-cn"
	case strings.HasPrefix(region, "us-gov-"):
		partition = "aws-us-gov"
	}
	return "arn:" + partition + ":s3:::" + s.cfg.Bucket + what
}
