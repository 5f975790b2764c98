// Package athenatest is a stand-in for the part of Amazon Athena's API that a
// scan uses. It is an http.Handler for tests, strict where the service is strict,
// and never a part of the product. It runs no SQL: a function answers queries.
//
// The wire format follows the service's API reference,
// https://docs.aws.amazon.com/athena/latest/APIReference/API_Operations.html,
// and the serializers of github.com/aws/aws-sdk-go-v2/service/athena.
package athenatest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// What the service documents: the longest query, and the rows of a page.
const (
	MaxQuery = 262144
	MaxPage  = 1000
)

// Answer is what becomes of a query.
type Answer struct {
	// Rows is the result, the names of the columns first. A cell that is nil is
	// null.
	Rows [][]*string
	// Failure, where it is not empty, is the StateChangeReason of a query that
	// fails. Cancelled says that it was ended, as by a limit of the workgroup.
	Failure   string
	Cancelled bool
	// Scanned is how many bytes the query scans in all.
	Scanned int64
	// Steps is how many times the query is still running when it is asked about.
	Steps int
}

// Server answers StartQueryExecution, GetQueryExecution, StopQueryExecution and
// GetQueryResults. Set its fields before the first request.
type Server struct {
	// Answer answers a query, once when it starts.
	Answer func(query string) Answer
	// Put stores a result at a place of S3, as the service does with the
	// caller's credentials. Where it is nil results stand in the API only, as
	// in a workgroup that manages them.
	Put func(bucket, key string, body []byte) error
	// Workgroups are those that there are, with their place for results, which
	// may be empty. A nil map has primary without one.
	Workgroups map[string]string
	// Busy is how many starts are refused because too many queries run.
	Busy int
	// Throttled is how many requests of any kind are throttled.
	Throttled int
	// Expire is after how many requests the credentials have expired, 0 for
	// never.
	Expire int
	// Repeat makes pages of results tell the same next page without end, as no
	// service should.
	Repeat bool

	mu       sync.Mutex
	queries  map[string]*query
	order    []string
	tokens   map[string]string // ids by the token that a query was started with
	requests int
	called   map[string]bool
}

type query struct {
	id, text, workgroup, output string
	answer                      Answer
	asked                       int
	stopped, stored             bool
}

// Query is a query that the server was asked for.
type Query struct {
	ID, Text, Output string
	Stopped          bool
}

// Queries are those that were started, in order.
func (s *Server) Queries() []Query {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []Query
	for _, id := range s.order {
		q := s.queries[id]
		list = append(list, Query{q.id, q.text, q.output, q.stopped})
	}
	return list
}

// Requests is how many requests were answered.
func (s *Server) Requests() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.requests
}

// Called are the operations that were called, sorted.
func (s *Server) Called() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Sorted(maps.Keys(s.called))
}

type apiError struct {
	status        int
	code, message string
}

func invalid(format string, args ...any) *apiError {
	return &apiError{http.StatusBadRequest, "InvalidRequestException", fmt.Sprintf(format, args...)}
}

// scopeForm is the credential scope of a request signed for Athena.
var scopeForm = regexp.MustCompile(`^AWS4-HMAC-SHA256 Credential=[^/]+/\d{8}/[a-z0-9-]+/athena/aws4_request, SignedHeaders=[a-z0-9;-]*host[a-z0-9;-]*, Signature=[0-9a-f]{64}$`)

func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	answer, fault := s.serve(r, body)
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	if fault != nil {
		w.WriteHeader(fault.status)
		answer = map[string]string{"__type": fault.code, "message": fault.message}
	}
	json.NewEncoder(w).Encode(answer)
}

func (s *Server) serve(r *http.Request, body []byte) (any, *apiError) {
	s.mu.Lock()
	defer s.mu.Unlock()
	target, ok := strings.CutPrefix(r.Header.Get("X-Amz-Target"), "AmazonAthena.")
	switch {
	case r.Method != http.MethodPost || r.URL.Path != "/" || !ok:
		return nil, &apiError{http.StatusNotFound, "UnknownOperationException", ""}
	case r.Header.Get("Content-Type") != "application/x-amz-json-1.1":
		return nil, &apiError{http.StatusBadRequest, "SerializationException", "content type " + r.Header.Get("Content-Type")}
	case !scopeForm.MatchString(r.Header.Get("Authorization")):
		return nil, &apiError{http.StatusForbidden, "IncompleteSignatureException", "authorization " + r.Header.Get("Authorization")}
	}
	s.requests++
	switch {
	case s.Expire > 0 && s.requests > s.Expire:
		return nil, &apiError{http.StatusBadRequest, "ExpiredTokenException", "The security token included in the request is expired"}
	case s.Throttled > 0:
		s.Throttled--
		return nil, &apiError{http.StatusBadRequest, "ThrottlingException", "Rate exceeded"}
	}
	operation, known := map[string]func([]byte) (any, *apiError){
		"StartQueryExecution": s.start, "GetQueryExecution": s.get, "StopQueryExecution": s.stop, "GetQueryResults": s.results,
	}[target]
	if !known {
		return nil, &apiError{http.StatusBadRequest, "UnknownOperationException", target}
	}
	if s.called == nil {
		s.called = map[string]bool{}
	}
	s.called[target] = true
	return operation(body)
}

func decode(body []byte, into any) *apiError {
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return &apiError{http.StatusBadRequest, "SerializationException", err.Error()}
	}
	return nil
}

func (s *Server) start(body []byte) (any, *apiError) {
	var in struct {
		QueryString, ClientRequestToken, WorkGroup string
		QueryExecutionContext                      struct{ Database, Catalog string }
		ResultConfiguration                        struct{ OutputLocation string }
	}
	if err := decode(body, &in); err != nil {
		return nil, err
	}
	if s.queries == nil {
		s.queries, s.tokens = map[string]*query{}, map[string]string{}
	}
	groups := s.Workgroups
	if groups == nil {
		groups = map[string]string{"primary": ""}
	}
	output, exists := groups[in.WorkGroup]
	if in.ResultConfiguration.OutputLocation != "" {
		output = in.ResultConfiguration.OutputLocation
	}
	switch {
	case len(in.QueryString) < 1 || len(in.QueryString) > MaxQuery:
		return nil, invalid("1 validation error detected: Value at 'queryString' failed to satisfy constraint: Member must have length less than or equal to %d", MaxQuery)
	case len(in.ClientRequestToken) < 32 || len(in.ClientRequestToken) > 128:
		return nil, invalid("ClientRequestToken must have 32 to 128 characters")
	case !exists:
		return nil, invalid("WorkGroup %s is not found.", in.WorkGroup)
	case output == "" && s.Put != nil:
		return nil, invalid("No output location provided. An output location is required either through the Workgroup result configuration setting or as an API input.")
	}
	if id := s.tokens[in.ClientRequestToken]; id != "" {
		return map[string]string{"QueryExecutionId": id}, nil
	}
	if s.Busy > 0 {
		s.Busy--
		return nil, &apiError{http.StatusBadRequest, "TooManyRequestsException", "You have exceeded the limit for the number of queries you can run concurrently. Please reduce the number of concurrent queries submitted by this account."}
	}
	id := fmt.Sprintf("%08x-0000-4000-8000-000000000000", len(s.order)+1)
	q := &query{id: id, text: in.QueryString, workgroup: in.WorkGroup, answer: s.Answer(in.QueryString)}
	if s.Put != nil {
		q.output = strings.TrimSuffix(output, "/") + "/" + id + ".csv"
	}
	s.queries[id], s.tokens[in.ClientRequestToken] = q, id
	s.order = append(s.order, id)
	return map[string]string{"QueryExecutionId": id}, nil
}

func (s *Server) find(body []byte) (*query, *apiError) {
	var in struct {
		QueryExecutionId, NextToken string
		MaxResults                  int
	}
	if err := decode(body, &in); err != nil {
		return nil, err
	}
	q := s.queries[in.QueryExecutionId]
	if q == nil {
		return nil, invalid("QueryExecution %s was not found", in.QueryExecutionId)
	}
	return q, nil
}

// state is the query's state when it is asked about for the nth time: queued
// first, then running for its steps.
func (q *query) state() string {
	switch {
	case q.stopped:
		return "CANCELLED"
	case q.asked == 1 && q.answer.Steps > 0:
		return "QUEUED"
	case q.asked <= q.answer.Steps:
		return "RUNNING"
	case q.answer.Cancelled:
		return "CANCELLED"
	case q.answer.Failure != "":
		return "FAILED"
	}
	return "SUCCEEDED"
}

func (s *Server) get(body []byte) (any, *apiError) {
	q, fault := s.find(body)
	if fault != nil {
		return nil, fault
	}
	q.asked++
	state := q.state()
	status := map[string]any{"State": state}
	scanned := int64(0)
	switch state {
	case "RUNNING":
		scanned = q.answer.Scanned * int64(q.asked) / int64(q.answer.Steps+1)
	case "FAILED", "CANCELLED":
		scanned = q.answer.Scanned
		if q.answer.Failure != "" {
			status["StateChangeReason"] = q.answer.Failure
		}
	case "SUCCEEDED":
		scanned = q.answer.Scanned
		if s.Put != nil && !q.stored {
			q.stored = true
			bucket, key, _ := strings.Cut(strings.TrimPrefix(q.output, "s3://"), "/")
			for _, name := range []string{key, key + ".metadata"} {
				if err := s.Put(bucket, name, writeCSV(q.answer.Rows)); err != nil {
					return nil, &apiError{http.StatusInternalServerError, "InternalServerException", err.Error()}
				}
			}
		}
	}
	return map[string]any{"QueryExecution": map[string]any{
		"QueryExecutionId": q.id, "Query": q.text, "WorkGroup": q.workgroup, "Status": status,
		"Statistics":          map[string]any{"DataScannedInBytes": scanned},
		"ResultConfiguration": map[string]any{"OutputLocation": q.output},
	}}, nil
}

func (s *Server) stop(body []byte) (any, *apiError) {
	q, fault := s.find(body)
	if fault != nil {
		return nil, fault
	}
	q.stopped = true
	return map[string]any{}, nil
}

func (s *Server) results(body []byte) (any, *apiError) {
	q, fault := s.find(body)
	if fault != nil {
		return nil, fault
	}
	var in struct {
		QueryExecutionId, NextToken string
		MaxResults                  int
	}
	if fault := decode(body, &in); fault != nil {
		return nil, fault
	}
	if in.MaxResults < 1 || in.MaxResults > MaxPage {
		return nil, invalid("MaxResults is more than maximum allowed length %d.", MaxPage)
	}
	if q.state() != "SUCCEEDED" {
		return nil, invalid("Query has not yet finished. Current state: %s", q.state())
	}
	from := 0
	if in.NextToken != "" {
		var err error
		if from, err = strconv.Atoi(in.NextToken); err != nil || from >= len(q.answer.Rows) {
			return nil, invalid("Malformed NextToken")
		}
	}
	to := min(from+in.MaxResults, len(q.answer.Rows))
	rows := []any{}
	for _, row := range q.answer.Rows[from:to] {
		var data []map[string]string
		for _, cell := range row {
			if cell == nil {
				data = append(data, map[string]string{})
			} else {
				data = append(data, map[string]string{"VarCharValue": *cell})
			}
		}
		rows = append(rows, map[string]any{"Data": data})
	}
	out := map[string]any{"ResultSet": map[string]any{"Rows": rows}}
	if to < len(q.answer.Rows) {
		out["NextToken"] = strconv.Itoa(to)
	}
	if s.Repeat {
		out["NextToken"] = "1"
	}
	return out, nil
}

// writeCSV writes a result as the service does: every value in quotes, null as
// nothing at all.
func writeCSV(rows [][]*string) []byte {
	var b []byte
	for _, row := range rows {
		for i, cell := range row {
			if i > 0 {
				b = append(b, ',')
			}
			if cell != nil {
				b = append(b, '"')
				b = append(b, strings.ReplaceAll(*cell, `"`, `""`)...)
				b = append(b, '"')
			}
		}
		b = append(b, '\n')
	}
	return b
}

var (
	columnForm = regexp.MustCompile(`AS ([a-z_]+)(?:,|\n)`)
	idsForm    = regexp.MustCompile(`eventid IN \(([^)]*)\)`)
)

// Shown answers a query for events by their ids as a table does that shows each
// with all columns but those that are left out, which are null.
func Shown(query string, without ...string) Answer {
	var names []string
	for _, m := range columnForm.FindAllStringSubmatch(query, -1) {
		names = append(names, m[1])
	}
	rows := [][]string{names}
	if m := idsForm.FindStringSubmatch(query); m != nil {
		for id := range strings.SplitSeq(m[1], ", ") {
			row := make([]string, len(names))
			for i, name := range names {
				switch {
				case name == "eventid":
					row[i] = strings.Trim(id, "'")
				case !slices.Contains(without, name):
					row[i] = "x"
				}
			}
			rows = append(rows, row)
		}
	}
	return Answer{Rows: Table(rows...)}
}

// Table makes rows of strings, in which the empty string is null.
func Table(rows ...[]string) [][]*string {
	var table [][]*string
	for _, row := range rows {
		cells := make([]*string, len(row))
		for i, v := range slices.Clone(row) {
			if v != "" {
				cells[i] = &v
			}
		}
		table = append(table, cells)
	}
	return table
}
