package athena

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/trailscan/trailscan/internal/ingest"
)

// Client calls the operations of Athena's API that a scan needs:
// https://docs.aws.amazon.com/athena/latest/APIReference/API_Operations.html
type Client struct{ service ingest.JSONService }

// ClientOptions are what the SDK's configuration does not say.
type ClientOptions struct {
	EndpointURL string // goes before all other endpoints where it is not empty
	Version     string // of the program, for the user agent
	Now         func() time.Time
	// Wait waits between attempts, until ctx ends.
	Wait func(ctx context.Context, d time.Duration) error
}

// NewClient makes a client for the configuration's region. It makes no request.
func NewClient(cfg aws.Config, o ClientOptions) *Client {
	return &Client{ingest.JSONService{
		AWS: cfg, Name: "athena", ID: "Athena", Target: "AmazonAthena",
		EndpointURL: o.EndpointURL, UserAgent: "trailscan/" + o.Version, Now: o.Now, Wait: o.Wait,
	}}
}

// The states of a query.
const (
	stateQueued    = "QUEUED"
	stateRunning   = "RUNNING"
	stateSucceeded = "SUCCEEDED"
	stateFailed    = "FAILED"
	stateCancelled = "CANCELLED"
)

// startInput is what StartQueryExecution takes. The token makes a repeated
// request start no second query.
type startInput struct {
	QueryString           string
	ClientRequestToken    string
	QueryExecutionContext struct{ Database string }
	WorkGroup             string
	ResultConfiguration   *outputLocation `json:",omitempty"`
}

type outputLocation struct{ OutputLocation string }

func (c *Client) start(ctx context.Context, in startInput) (id string, err error) {
	var out struct{ QueryExecutionId string }
	err = c.service.Call(ctx, "StartQueryExecution", in, &out)
	return out.QueryExecutionId, err
}

type queryID struct{ QueryExecutionId string }

// execution is how far a query is.
type execution struct {
	Status struct {
		State, StateChangeReason string
		AthenaError              struct {
			Retryable    bool
			ErrorMessage string
		}
	}
	Statistics          struct{ DataScannedInBytes int64 }
	ResultConfiguration outputLocation
}

func (e *execution) reason() string {
	if e.Status.StateChangeReason != "" {
		return e.Status.StateChangeReason
	}
	return e.Status.AthenaError.ErrorMessage
}

func (c *Client) get(ctx context.Context, id string) (*execution, error) {
	var out struct{ QueryExecution execution }
	err := c.service.Call(ctx, "GetQueryExecution", queryID{id}, &out)
	return &out.QueryExecution, err
}

func (c *Client) stop(ctx context.Context, id string) error {
	return c.service.Call(ctx, "StopQueryExecution", queryID{id}, nil)
}

// resultPage is a page of at most a thousand rows; the first page begins with
// the names of the columns.
type resultPage struct {
	ResultSet struct {
		Rows []struct {
			Data []struct{ VarCharValue string }
		}
	}
	NextToken string
}

func (c *Client) results(ctx context.Context, id, token string) (*resultPage, error) {
	in := struct {
		QueryExecutionId string
		NextToken        string `json:",omitempty"`
		MaxResults       int
	}{id, token, 1000}
	var page resultPage
	err := c.service.Call(ctx, "GetQueryResults", in, &page)
	return &page, err
}
