//go:build !cgo

package duckdbtest

import "testing"

func TestWithoutCgo(t *testing.T) {
	t.Skip("DuckDB needs cgo, a C++ compiler and CGO_ENABLED=1: the queries were not run")
}
