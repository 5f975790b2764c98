package ingest

import (
	"context"
	"errors"
)

// Failure words the failure of a request to any AWS service: what was asked, why
// it failed and what to do. An error that is worded already, and the end of ctx,
// pass as they are.
func Failure(ctx context.Context, what string, err error) error {
	var worded *RequestError
	if errors.As(err, &worded) {
		return err
	}
	return newRequestError(ctx, what, err)
}
