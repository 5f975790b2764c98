package athena

import (
	"context"
	"errors"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/athena"
	"github.com/aws/aws-sdk-go-v2/service/athena/types"
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
		return execution{}, errors.New("the answer says nothing about the query; check AWS_ENDPOINT_URL and whether a proxy answers in Athena's place")
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
