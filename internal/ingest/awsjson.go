package ingest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// maxAnswer bounds what is read of one answer. Athena's largest is a page of a
// thousand rows.
const maxAnswer = 256 << 20

// JSONService is a client of one AWS service that speaks AWS JSON 1.1, for the
// few operations that are worth no whole package of the SDK: Athena's alone would
// make the program larger by a tenth. Credentials, retries, the endpoints
// of environment and profile and the words of errors are those of the SDK's core.
//
// https://smithy.io/2.0/aws/protocols/aws-json-1_1-protocol.html
type JSONService struct {
	// AWS is LoadAWS's configuration; its region is the one that is spoken to.
	AWS aws.Config
	// Name is the name that requests are signed for and that the endpoint
	// begins with, ID the SDK's id of the service, by which environment and
	// profile name endpoints, and Target what stands before the operation in the
	// header X-Amz-Target.
	Name, ID, Target string
	// EndpointURL, where it is not empty, goes before all other endpoints.
	EndpointURL string
	// UserAgent is what the requests say of themselves.
	UserAgent string
	// Now is the clock that requests are signed by.
	Now func() time.Time
	// Wait waits between two attempts, until ctx ends; nil is a timer.
	Wait func(ctx context.Context, d time.Duration) error
}

// Call sends one request and reads the answer into out, which may be nil. Its
// error, if the service gave one, is a smithy.APIError with the service's code.
func (s *JSONService) Call(ctx context.Context, operation string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	endpoint, err := s.endpoint(ctx)
	if err != nil {
		return err
	}
	retryer := s.AWS.Retryer()
	for attempt := 1; ; attempt++ {
		err := s.try(ctx, endpoint, operation, body, out)
		if err == nil || ctx.Err() != nil || !retryer.IsErrorRetryable(err) {
			return err
		}
		if attempt >= retryer.MaxAttempts() {
			return &retry.MaxAttemptsError{Attempt: attempt, Err: err}
		}
		delay, stop := retryer.RetryDelay(attempt, err)
		if stop != nil {
			return err
		}
		if err := s.wait(ctx, delay); err != nil {
			return err
		}
	}
}

func (s *JSONService) wait(ctx context.Context, d time.Duration) error {
	if s.Wait != nil {
		return s.Wait(ctx, d)
	}
	return Wait(ctx, d)
}

// Wait waits until the time is over or ctx ends, whose cause is the error.
func Wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (s *JSONService) try(ctx context.Context, endpoint, operation string, body []byte, out any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, endpoint, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/x-amz-json-1.1")
	req.Header.Set("X-Amz-Target", s.Target+"."+operation)
	req.Header.Set("User-Agent", s.UserAgent)
	credentials, err := s.AWS.Credentials.Retrieve(ctx)
	if err != nil {
		return err
	}
	sum := sha256.Sum256(body)
	if err := v4.NewSigner().SignHTTP(ctx, credentials, req, hex.EncodeToString(sum[:]), s.Name, s.AWS.Region, s.Now()); err != nil {
		return err
	}
	resp, err := s.AWS.HTTPClient.Do(req)
	if err != nil {
		return &smithyhttp.RequestSendError{Err: err}
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	if err != nil {
		return &smithyhttp.RequestSendError{Err: err}
	}
	if len(answer) > maxAnswer {
		return fmt.Errorf("the answer is larger than %d MiB", maxAnswer>>20)
	}
	if resp.StatusCode/100 != 2 {
		return s.apiError(resp, answer)
	}
	if out == nil {
		return nil
	}
	if err := json.Unmarshal(answer, out); err != nil {
		return &smithy.DeserializationError{Err: err, Snapshot: answer[:min(len(answer), 1024)]}
	}
	return nil
}

// apiError is the error of an answer. The code may carry a namespace before it
// and an address behind it.
func (s *JSONService) apiError(resp *http.Response, answer []byte) error {
	var e struct {
		Type    string `json:"__type"`
		Message string `json:"message"`
		Capital string `json:"Message"`
	}
	code := resp.Header.Get("X-Amzn-ErrorType")
	if err := json.Unmarshal(answer, &e); err == nil && code == "" {
		code = e.Type
	}
	code, _, _ = strings.Cut(code, ":")
	code = code[strings.LastIndexByte(code, '#')+1:]
	if e.Message == "" {
		e.Message = e.Capital
	}
	fault := smithy.FaultClient
	if resp.StatusCode >= 500 {
		fault = smithy.FaultServer
	}
	var cause error = &smithy.GenericAPIError{Code: code, Message: e.Message, Fault: fault}
	if code == "" {
		cause = errors.New(strings.TrimSpace(http.StatusText(resp.StatusCode) + " " + string(answer[:min(len(answer), 200)])))
	}
	return &awshttp.ResponseError{
		ResponseError: &smithyhttp.ResponseError{Response: &smithyhttp.Response{Response: resp}, Err: cause},
		RequestID:     resp.Header.Get("X-Amzn-RequestId"),
	}
}

// The endpoints that environment and profile name for one service, and the
// kinds that they ask for, as the SDK's loaded configuration offers them:
// https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html
type (
	serviceEndpoints interface {
		GetServiceBaseEndpoint(ctx context.Context, id string) (string, bool, error)
	}
	ignoredEndpoints interface {
		GetIgnoreConfiguredEndpoints(ctx context.Context) (bool, bool, error)
	}
	fipsEndpoints interface {
		GetUseFIPSEndpoint(ctx context.Context) (aws.FIPSEndpointState, bool, error)
	}
	dualStackEndpoints interface {
		GetUseDualStackEndpoint(ctx context.Context) (aws.DualStackEndpointState, bool, error)
	}
)

// endpoint is the address that is spoken to.
func (s *JSONService) endpoint(ctx context.Context) (string, error) {
	if s.EndpointURL != "" {
		return withSlash(s.EndpointURL)
	}
	ignored, fips, dual := false, false, false
	for _, source := range s.AWS.ConfigSources {
		if c, ok := source.(ignoredEndpoints); ok {
			if v, found, err := c.GetIgnoreConfiguredEndpoints(ctx); err == nil && found && v {
				ignored = true
			}
		}
	}
	named := ""
	for _, source := range s.AWS.ConfigSources {
		if c, ok := source.(serviceEndpoints); ok && named == "" {
			if v, found, err := c.GetServiceBaseEndpoint(ctx, s.ID); err == nil && found {
				named = v
			}
		}
		if c, ok := source.(fipsEndpoints); ok && !fips {
			v, found, err := c.GetUseFIPSEndpoint(ctx)
			fips = err == nil && found && v == aws.FIPSEndpointStateEnabled
		}
		if c, ok := source.(dualStackEndpoints); ok && !dual {
			v, found, err := c.GetUseDualStackEndpoint(ctx)
			dual = err == nil && found && v == aws.DualStackEndpointStateEnabled
		}
	}
	switch {
	case named != "" && !ignored:
		return withSlash(named)
	case s.AWS.BaseEndpoint != nil && !ignored:
		return withSlash(*s.AWS.BaseEndpoint)
	}
	name := s.Name
	if fips {
		name += "-fips"
	}
	return "https://" + name + "." + s.AWS.Region + "." + dnsSuffix(s.AWS.Region, dual) + "/", nil
}

func withSlash(endpoint string) (string, error) {
	u, err := url.Parse(endpoint)
	if err != nil {
		return "", checkEndpoint(endpoint)
	}
	if u.Path == "" {
		u.Path = "/"
	}
	return u.String(), checkEndpoint(endpoint)
}

// dnsSuffix is what the names of a region's endpoints end in:
// https://github.com/aws/aws-sdk-go-v2/blob/main/internal/endpoints/awsrulesfn/partitions.json
func dnsSuffix(region string, dualStack bool) string {
	for _, p := range []struct{ prefix, plain, dual string }{
		{"cn-", "amazonaws.com.cn", "api.amazonwebservices.com.cn"},
		{"eusc-", "amazonaws.eu", "api.amazonwebservices.eu"},
		{"us-isob-", "sc2s.sgov.gov", "api.aws.scloud"},
		{"us-isof-", "csp.hci.ic.gov", "api.aws.hci.ic.gov"},
		{"us-iso-", "c2s.ic.gov", "api.aws.ic.gov"},
		{"eu-isoe-", "cloud.adc-e.uk", "api.cloud-aws.adc-e.uk"},
		{"", "amazonaws.com", "api.aws"},
	} {
		if strings.HasPrefix(region, p.prefix) {
			if dualStack {
				return p.dual
			}
			return p.plain
		}
	}
	panic("every region has the empty prefix")
}

// Failure words the failure of a request to any AWS service, as newRequestError.
func Failure(ctx context.Context, what string, err error) error {
	var worded *RequestError
	if errors.As(err, &worded) {
		return err
	}
	return newRequestError(ctx, what, err)
}
