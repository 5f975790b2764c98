package ingest

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// s3Stub answers list and get requests from memory, for what the real server
// cannot hold (keys with empty parts or control characters, a thousand
// accounts) and for answers that it never gives. It follows
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html and
// checks no signatures.
type s3Stub struct {
	keys []string // sorted
	most int      // keys and folders a page
	// before may answer a request itself and returns whether it did.
	before func(w http.ResponseWriter, r *http.Request) bool

	mu    sync.Mutex
	lists []url.Values // the list requests, as they came
}

type stubList struct {
	XMLName               xml.Name `xml:"ListBucketResult"`
	IsTruncated           bool
	NextContinuationToken string `xml:",omitempty"`
	EncodingType          string `xml:",omitempty"`
	Contents              []stubObject
	CommonPrefixes        []stubFolder
}

type stubObject struct {
	Key  string
	Size int
}

type stubFolder struct{ Prefix string }

func (s *s3Stub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	if query.Get("list-type") == "2" {
		s.mu.Lock()
		s.lists = append(s.lists, query)
		s.mu.Unlock()
	}
	if s.before != nil && s.before(w, r) {
		return
	}
	if query.Get("list-type") == "2" {
		s.list(w, query)
		return
	}
	_, key, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	if !slices.Contains(s.keys, key) {
		s3Error(w, http.StatusNotFound, "NoSuchKey", "The specified key does not exist.")
		return
	}
	io.WriteString(w, key) // bytes enough to tell objects apart
}

func (s *s3Stub) list(w http.ResponseWriter, query url.Values) {
	prefix, delimiter, after := query.Get("prefix"), query.Get("delimiter"), query.Get("start-after")
	if token := query.Get("continuation-token"); token != "" {
		after = token
	}
	most := s.most
	if most == 0 {
		most = 1000
	}
	if n, err := strconv.Atoi(query.Get("max-keys")); err == nil && n < most {
		most = n
	}
	encode := func(v string) string {
		if query.Get("encoding-type") == "url" {
			return strings.ReplaceAll(url.QueryEscape(v), "%2F", "/")
		}
		return strings.ReplaceAll(v, "\x01", "\ue001")
	}
	out := stubList{EncodingType: query.Get("encoding-type")}
	last := ""
	i, _ := slices.BinarySearch(s.keys, prefix)
	for ; i < len(s.keys) && strings.HasPrefix(s.keys[i], prefix); i++ {
		key := s.keys[i]
		folder := ""
		if n := strings.Index(key[len(prefix):], delimiter); delimiter != "" && n >= 0 {
			folder = key[:len(prefix)+n+1]
		}
		if key <= after || folder != "" && folder <= after || folder != "" && folder == last {
			continue
		}
		if len(out.Contents)+len(out.CommonPrefixes) == most {
			out.IsTruncated, out.NextContinuationToken = true, last
			break
		}
		if folder != "" {
			out.CommonPrefixes, last = append(out.CommonPrefixes, stubFolder{encode(folder)}), folder
			continue
		}
		out.Contents, last = append(out.Contents, stubObject{encode(key), len(key)}), key
	}
	w.Header().Set("Content-Type", "application/xml")
	body, err := xml.Marshal(out)
	if err != nil {
		panic(err)
	}
	// S3 writes this and alike, which XML parsers refuse.
	w.Write(bytes.ReplaceAll(body, []byte("\ue001"), []byte("&#x1;")))
}

// s3Error answers as S3 does.
func s3Error(w http.ResponseWriter, status int, code, message string) {
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(status)
	fmt.Fprintf(w, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>%s</Code><Message>%s</Message><RequestId>TEST</RequestId></Error>", code, message)
}

// serve starts the stub with these keys and returns the source of its bucket.
func (s *s3Stub) serve(t *testing.T, cfg S3Config, keys ...string) *S3 {
	t.Helper()
	s.keys = slices.Compact(slices.Sorted(slices.Values(keys)))
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	testCredentials(t, rootKey, rootSecret)
	cfg.Client = testS3Client(t, AWSOptions{EndpointURL: server.URL})
	cfg.Bucket = "logs"
	return testS3(cfg)
}
