package athena

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/athena"
	"github.com/aws/aws-sdk-go-v2/service/athena/types"
	"github.com/aws/smithy-go"

	"github.com/trailscan/trailscan/internal/ingest"
)

// Client calls the operations of Athena's API that a scan needs. Only their
// functions are kept: the type of the SDK's client leads to all of its
// operations, and the linker would keep them.
type Client struct {
	start   func(context.Context, *athena.StartQueryExecutionInput, ...func(*athena.Options)) (*athena.StartQueryExecutionOutput, error)
	get     func(context.Context, *athena.GetQueryExecutionInput, ...func(*athena.Options)) (*athena.GetQueryExecutionOutput, error)
	stop    func(context.Context, *athena.StopQueryExecutionInput, ...func(*athena.Options)) (*athena.StopQueryExecutionOutput, error)
	results func(context.Context, *athena.GetQueryResultsInput, ...func(*athena.Options)) (*athena.GetQueryResultsOutput, error)
}

// NewClient makes a client for the region of LoadAWS's configuration. An
// endpoint that is not empty goes before those of environment and profile. It
// makes no request.
func NewClient(cfg aws.Config, endpoint string) *Client {
	client := athena.NewFromConfig(cfg, func(o *athena.Options) {
		if endpoint != "" {
			o.BaseEndpoint = aws.String(endpoint)
		}
	})
	return &Client{
		start: client.StartQueryExecution, get: client.GetQueryExecution,
		stop: client.StopQueryExecution, results: client.GetQueryResults,
	}
}

// execution gives how far a query is.
func (c *Client) execution(ctx context.Context, id string) (execution, error) {
	out, err := c.get(ctx, &athena.GetQueryExecutionInput{QueryExecutionId: aws.String(id)})
	if err != nil {
		return execution{}, err
	}
	q := out.QueryExecution
	if q == nil || q.Status == nil {
		return execution{}, errors.New("the answer says nothing about the query; check AWS_ENDPOINT_URL_ATHENA, AWS_ENDPOINT_URL and whether a proxy answers in Athena's place")
	}
	e := execution{state: q.Status.State, reason: aws.ToString(q.Status.StateChangeReason)}
	if e.reason == "" && q.Status.AthenaError != nil {
		e.reason = aws.ToString(q.Status.AthenaError.ErrorMessage)
	}
	if q.Statistics != nil {
		e.scanned = aws.ToInt64(q.Statistics.DataScannedInBytes)
	}
	if q.ResultConfiguration != nil {
		e.output = aws.ToString(q.ResultConfiguration.OutputLocation)
	}
	return e, nil
}

// failure words the failure of a request to Athena, as ingest.Failure does. An
// endpoint that takes the place of AWS's is Athena's too, and many a server has
// S3 alone.
func failure(ctx context.Context, what string, err error) error {
	worded := ingest.Failure(ctx, what, err)
	var (
		request *ingest.RequestError
		api     smithy.APIError
		status  interface{ HTTPStatusCode() int }
	)
	switch {
	case !errors.As(worded, &request), errors.As(err, &api):
	case strings.Contains(request.Do, "AWS_ENDPOINT_URL"): // nobody is there
		request.Do = "check --endpoint-url, AWS_ENDPOINT_URL_ATHENA or AWS_ENDPOINT_URL, the region's name, the proxy settings and the network"
	case request.Do == "" && errors.As(err, &status) && status.HTTPStatusCode() >= 300:
		request.Why = "the answer is none that Athena gives (" + request.Why + ")"
		request.Do = "if AWS_ENDPOINT_URL or --endpoint-url names a server of S3 alone, name it with AWS_ENDPOINT_URL_S3 instead, and one of Athena, where AWS's is not meant, with AWS_ENDPOINT_URL_ATHENA"
	}
	return worded
}

// execution is how far a query is.
type execution struct {
	state   types.QueryExecutionState
	reason  string
	scanned int64  // bytes
	output  string // s3:// URL of the result, or empty
}

// halt stops a query.
func (c *Client) halt(ctx context.Context, id string) error {
	_, err := c.stop(ctx, &athena.StopQueryExecutionInput{QueryExecutionId: aws.String(id)})
	return err
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
