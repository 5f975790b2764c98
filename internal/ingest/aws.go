package ingest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
	"unicode"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/aws/ratelimit"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials/ssocreds"
	"github.com/aws/aws-sdk-go-v2/service/account"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/logging"
	"github.com/aws/smithy-go/middleware"
)

const (
	// defaultAWSRegion signs requests where nothing names a region. A bucket
	// elsewhere says so in its first answer and is followed there.
	defaultAWSRegion = "us-east-1"

	// awsAttempts is how often one request is tried. With the SDK's delays
	// (from 50 ms, for throttling from 1 s, doubled up to 20 s) it outlasts a
	// minute of SlowDown; the SDK's own 3 give up after two seconds.
	awsAttempts = 10

	// dialAttempts is how often a connection is tried: an address where
	// nothing listens is told at once and not after all the attempts.
	dialAttempts = 5

	// renewAttempts is how often a request is tried whose credentials are called
	// expired, each time with newer ones.
	renewAttempts = 3

	// defaultIdleTimeout is how long a connection may bring nothing.
	defaultIdleTimeout = 20 * time.Second

	// idleConnections keeps a connection for each request in flight, where
	// the SDK keeps 10 and makes the others anew for every object.
	idleConnections = 256
)

// AWSOptions says how AWS is reached. The zero value is what the SDK's
// environment variables and shared configuration files say.
type AWSOptions struct {
	// Profile is a profile of the shared configuration.
	Profile string
	// EndpointURL replaces the endpoints of S3, CloudTrail and Account
	// Management, and goes before AWS_ENDPOINT_URL and its like.
	EndpointURL string
	// Region goes before AWS_REGION and the profile's region.
	Region string
	// IdleTimeout is how long a connection may bring no byte before the request
	// counts as failed; 20 seconds where it is zero.
	IdleTimeout time.Duration
	// Version is put into the user agent, so that the bucket's owner sees what
	// reads it.
	Version string
	// Log, where it is set, is given what the SDK has to say, such as a
	// connection that broke. It is called from many goroutines.
	Log func(string)
	// OnRetry, where it is set, is told each error after which the SDK tries
	// a request again. It is called from many goroutines.
	OnRetry func(error)

	// Tests do not wait so long.
	maxBackoff, slowGrace time.Duration
}

// LoadAWS reads the SDK's configuration and settles how requests are repeated.
// It makes no request. Clients of S3, CloudTrail and Account Management are
// made from it with the services' NewFromConfig and nothing else:
//
//   - responses are checked against the checksums that S3 stores, which
//     only clients made from a loaded configuration do;
//   - a request is tried up to 10 times (AWS_MAX_ATTEMPTS changes that), without
//     the SDK's retry quota, which a burst of errors drains for all concurrent
//     requests of a client together;
//   - an endpoint that is not AWS's own is spoken to in path style, as the AWS
//     CLI does, since few of them resolve a name for every bucket.
func LoadAWS(ctx context.Context, o AWSOptions) (aws.Config, error) {
	if err := checkEndpoint(o.EndpointURL); err != nil {
		return aws.Config{}, err
	}
	idle := o.IdleTimeout
	if idle == 0 {
		idle = defaultIdleTimeout
	}
	client := awshttp.NewBuildableClient().
		WithTransportOptions(func(t *http.Transport) {
			t.MaxIdleConns = 0
			t.MaxIdleConnsPerHost = idleConnections
		}).
		WithDialerOptions(func(d *net.Dialer) { d.Timeout = 10 * time.Second }).
		WithReadTimeout(idle)
	options := []func(*config.LoadOptions) error{
		config.WithHTTPClient(client),
		config.WithDefaultRegion(defaultAWSRegion),
		config.WithServiceOptions(func(_ string, service any) { setEndpoint(service, o.EndpointURL) }),
	}
	// The SDK writes to standard error by itself, where progress is drawn.
	options = append(options, config.WithLogger(logging.LoggerFunc(func(_ logging.Classification, format string, v ...any) {
		if o.Log != nil {
			o.Log(oneLine(fmt.Sprintf(format, v...)))
		}
	})))
	if o.Version != "" {
		options = append(options, config.WithAPIOptions([]func(*middleware.Stack) error{
			awsmiddleware.AddUserAgentKeyValue("trailscan", o.Version),
		}))
	}
	if o.Profile != "" {
		options = append(options, config.WithSharedConfigProfile(o.Profile))
	}
	if o.Region != "" {
		options = append(options, config.WithRegion(o.Region))
	}
	cfg, err := config.LoadDefaultConfig(ctx, options...)
	if err != nil {
		var profile config.SharedConfigProfileNotExistError
		if errors.As(err, &profile) {
			return aws.Config{}, fmt.Errorf("profile %q: not in the shared configuration; `aws configure list-profiles` lists those that are", profile.Profile)
		}
		return aws.Config{}, fmt.Errorf("aws configuration: %s; see ~/.aws/config, ~/.aws/credentials and the AWS_ variables of the environment", oneLine(err.Error()))
	}
	// Set only now: with a retryer of its own the SDK would not look at
	// AWS_MAX_ATTEMPTS and the profile's max_attempts.
	credentials := &checkedCredentials{CredentialsProvider: cfg.Credentials}
	cfg.Retryer = func() aws.Retryer { return newRetryer(o, credentials) }
	cfg.Credentials = credentials
	grace := slowGrace
	if o.slowGrace > 0 {
		grace = o.slowGrace
	}
	// Only now too: the SDK has put into the client what the environment says.
	cfg.HTTPClient = steadyClient{cfg.HTTPClient, grace}
	return cfg, nil
}

// RegionNamed reports whether the environment or the shared configuration names a
// region. Where neither does, LoadAWS takes us-east-1, which is enough to find a
// bucket, and a guess where a region is asked for what happened in it.
func RegionNamed(cfg aws.Config) bool {
	return slices.ContainsFunc(cfg.ConfigSources, func(source any) bool {
		switch s := source.(type) {
		case config.LoadOptions:
			return s.Region != ""
		case config.EnvConfig:
			return s.Region != ""
		case config.SharedConfig:
			return s.Region != ""
		}
		return false
	})
}

func checkEndpoint(s string) error {
	if s == "" {
		return nil
	}
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return fmt.Errorf("endpoint %q: no URL; give it with its scheme, such as https://s3.example.com or http://127.0.0.1:9000", s)
	}
	return nil
}

// setEndpoint completes the options of one service's client. The SDK calls it
// after it has looked at the environment and the profile, which would
// otherwise go before an endpoint that the command line gave.
func setEndpoint(service any, endpoint string) {
	switch o := service.(type) {
	case *s3.Options:
		if endpoint != "" {
			o.BaseEndpoint = aws.String(endpoint)
		}
		if o.BaseEndpoint != nil && !isAWSHost(*o.BaseEndpoint) {
			o.UsePathStyle = true
		}
		// Objects that were written before S3 stored checksums have none, and
		// the SDK would write a line about each.
		o.DisableLogOutputChecksumValidationSkipped = true
	case *cloudtrail.Options:
		if endpoint != "" {
			o.BaseEndpoint = aws.String(endpoint)
		}
	case *account.Options:
		if endpoint != "" {
			o.BaseEndpoint = aws.String(endpoint)
		}
	}
}

// isAWSHost reports whether an endpoint is one of AWS's: the services' own
// names in each partition and those of VPC endpoints.
func isAWSHost(endpoint string) bool {
	u, err := url.Parse(endpoint)
	if err != nil {
		return false
	}
	host := u.Hostname()
	for _, domain := range []string{".amazonaws.com", ".amazonaws.com.cn", ".api.aws", ".amazonaws.eu"} {
		if strings.HasSuffix(host, domain) {
			return true
		}
	}
	return false
}

// retryer is the SDK's standard retryer, except that a connection which
// cannot be made is given up sooner, that a request whose credentials have expired
// is made again with newer ones, and that somebody hears of each retry.
type retryer struct {
	*retry.Standard
	credentials *checkedCredentials
	onRetry     func(error)
}

func newRetryer(o AWSOptions, credentials *checkedCredentials) aws.Retryer {
	standard := retry.NewStandard(func(so *retry.StandardOptions) {
		so.MaxAttempts = awsAttempts
		so.RateLimiter = ratelimit.None
		if o.maxBackoff > 0 {
			so.Backoff = retry.NewExponentialJitterBackoff(o.maxBackoff)
		}
	})
	return retryer{Standard: standard, credentials: credentials, onRetry: o.OnRetry}
}

// IsErrorRetryable adds to what the SDK tries again.
func (r retryer) IsErrorRetryable(err error) bool {
	return r.Standard.IsErrorRetryable(err) || isExpired(err) && r.credentials.renewable.Load()
}

// RetryDelay is asked once before each retry; an error ends the attempts.
func (r retryer) RetryDelay(attempt int, err error) (time.Duration, error) {
	switch {
	case attempt >= dialAttempts && isDialError(err), attempt >= renewAttempts && isExpired(err):
		return 0, err
	case isExpired(err):
		r.credentials.renew()
	}
	if r.onRetry != nil {
		r.onRetry(err)
	}
	return r.Standard.RetryDelay(attempt, err)
}

func isDialError(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "dial"
}

// isExpired reports whether a service refused the credentials since their time is
// over.
func isExpired(err error) bool {
	var api smithy.APIError
	if !errors.As(err, &api) {
		return false
	}
	switch api.ErrorCode() {
	case "ExpiredToken", "ExpiredTokenException":
		return true
	}
	return false
}

// checkedCredentials marks the errors of a credentials provider, which the SDK
// passes on as plain text. It lets go credentials that a service calls expired:
// the SDK asks for newer ones only when their time is over by this machine's
// clock, and what is on its way by then, or goes out while that clock is behind,
// would be lost.
type checkedCredentials struct {
	aws.CredentialsProvider
	renewable atomic.Bool // they come from where newer ones may come from
}

func (c *checkedCredentials) Retrieve(ctx context.Context) (aws.Credentials, error) {
	v, err := c.CredentialsProvider.Retrieve(ctx)
	if err != nil && ctx.Err() == nil {
		return v, &credentialsError{err}
	}
	c.renewable.Store(v.CanExpire)
	return v, err
}

func (c *checkedCredentials) renew() {
	if cache, ok := c.CredentialsProvider.(*aws.CredentialsCache); ok {
		cache.Invalidate()
	}
}

type credentialsError struct{ err error }

func (e *credentialsError) Error() string { return e.err.Error() }
func (e *credentialsError) Unwrap() error { return e.err }

// RequestError is an AWS request that failed for good. Its text is one line:
// what was asked, why it failed and what to do.
type RequestError struct {
	What string // such as "list s3://trail-logs/AWSLogs/"
	Why  string
	Do   string // may be empty
	Err  error  // the SDK's error
}

func (e *RequestError) Error() string {
	s := e.What + ": " + e.Why
	if e.Do != "" {
		s += "; " + e.Do
	}
	return oneLine(s)
}

func (e *RequestError) Unwrap() error { return e.Err }

// newRequestError words a failure that any AWS service can give. Who knows the
// service better looks at the error first and words it itself. The end of ctx is
// no failure and passes as it is.
func newRequestError(ctx context.Context, what string, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	why, do := awsCause(err)
	return &RequestError{What: what, Why: why, Do: do, Err: err}
}

// awsCause tells why a request failed and what to do. Codes are those of
// https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html and
// https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/CommonErrors.html
func awsCause(err error) (why, do string) {
	var (
		credentials *credentialsError
		sso         *ssocreds.InvalidTokenError
		dns         *net.DNSError
		timeout     interface{ Timeout() bool }
		status      interface{ HTTPStatusCode() int }
		api         smithy.APIError
	)
	switch {
	case errors.As(err, &sso):
		return "the single sign-on session is missing or has expired", "run `aws sso login` with the same profile"
	case errors.As(err, &credentials):
		if strings.Contains(err.Error(), "no EC2 IMDS role found") {
			return "no credentials found: none in the environment, the shared configuration or the instance's metadata",
				"name a profile with --profile or AWS_PROFILE, or log in with `aws sso login` or `aws configure`"
		}
		return "no credentials: " + innermost(credentials.err), "check the profile, or log in again with `aws sso login` or `aws configure`"
	case errors.As(err, &api):
		switch api.ErrorCode() {
		case "ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired", "RequestExpired":
			return "the credentials have expired", "get new ones (such as with `aws sso login`) and run the scan again"
		case "InvalidAccessKeyId", "InvalidClientTokenId", "UnrecognizedClientException", "InvalidToken", "XAdminUserNotFound":
			return "the access key is not known there", "check the credentials, the profile and the endpoint: they belong to no account of this partition"
		case "SignatureDoesNotMatch", "InvalidSignatureException":
			return "the secret key does not belong to the access key", "check the credentials or the profile"
		case "RequestTimeTooSkewed":
			return "this machine's clock differs too much from AWS's", "set the clock"
		case "AccessDenied", "AccessDeniedException", "AllAccessDisabled", "Forbidden", "UnauthorizedOperation":
			return "access denied (" + apiText(api) + ")", "allow it to whoever runs the scan, in the policy of the identity and of the resource"
		case "SlowDown", "Throttling", "ThrottlingException", "RequestLimitExceeded", "TooManyRequestsException", "ServiceUnavailable":
			return fmt.Sprintf("still throttled after %d attempts (%s)", attempts(err), apiText(api)), "run it again later, or with a lower --concurrency"
		}
		return apiText(api), ""
	case errors.As(err, &dns):
		return fmt.Sprintf("no address for host %q", dns.Name), "check --endpoint-url or AWS_ENDPOINT_URL, the region's name and the network"
	case isDialError(err):
		return "cannot connect (" + innermost(err) + ")", "check --endpoint-url or AWS_ENDPOINT_URL, the proxy settings and the network"
	case errors.As(err, &timeout) && timeout.Timeout():
		return "no answer in time (" + innermost(err) + ")", "run it again, and check the network if it stays so"
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET):
		return "the connection broke each time before the whole answer was there (" + innermost(err) + ")", "run it again, and check the network and the proxy if it stays so"
	case errors.As(err, &status) && status.HTTPStatusCode() >= 300:
		return fmt.Sprintf("HTTP status %d (%s)", status.HTTPStatusCode(), innermost(err)), ""
	}
	return innermost(err), ""
}

// apiText is a service's error code and message.
func apiText(e smithy.APIError) string {
	switch {
	case e.ErrorMessage() == "":
		return e.ErrorCode()
	case e.ErrorCode() == "":
		return e.ErrorMessage()
	}
	return e.ErrorCode() + ": " + e.ErrorMessage()
}

// attempts is how often the SDK tried before it gave up.
func attempts(err error) int {
	var gaveUp *retry.MaxAttemptsError
	if errors.As(err, &gaveUp) {
		return gaveUp.Attempt
	}
	return 1
}

// innermost is the text of the error at the bottom, without the layers that
// the SDK puts around it. A network error keeps its address.
func innermost(err error) string {
	for {
		switch e := err.(type) {
		case *net.OpError:
			return err.Error()
		case interface{ Unwrap() error }:
			next := e.Unwrap()
			if next == nil {
				return err.Error()
			}
			err = next
		case interface{ Unwrap() []error }:
			all := e.Unwrap()
			if len(all) == 0 || all[0] == nil {
				return err.Error()
			}
			err = all[0]
		default:
			return err.Error()
		}
	}
}

// oneLine keeps an error that quotes a server's words on one line, free of
// control and formatting characters, and bounds its length.
func oneLine(s string) string {
	const longest = 1000
	s = strings.Join(strings.FieldsFunc(s, func(r rune) bool {
		return unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp)
	}), " ")
	if len(s) > longest {
		s = strings.ToValidUTF8(s[:longest], "") + "..."
	}
	return s
}
