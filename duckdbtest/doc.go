// Package duckdbtest runs the queries that trailscan writes for Amazon Athena on
// DuckDB, over generated trails and others, and holds the report of their results
// against that of a local scan. It is a module of its own because DuckDB needs
// cgo and is large; nothing of it is a part of the program.
package duckdbtest
