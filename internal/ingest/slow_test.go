package ingest

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// An object that comes in drips, none of them later than the idle timeout, is
// fetched again, and given up if it stays so.
func TestS3Drips(t *testing.T) {
	keys := logKeys("AWSLogs/", "111122223333", "us-east-1", "2026-11-20T00:00:00Z", 3, time.Hour)
	for _, tt := range []struct {
		name  string
		drips int // attempts
		read  int
	}{
		{"for ever", 1 << 30, 2},
		{"once", 1, 3},
	} {
		t.Run(tt.name, func(t *testing.T) {
			attempts := 0
			stub := &s3Stub{}
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if isList(r) || !strings.HasSuffix(r.URL.Path, keys[1]) {
					stub.ServeHTTP(w, r)
					return
				}
				if attempts++; attempts > tt.drips {
					stub.ServeHTTP(w, r)
					return
				}
				w.Header().Set("Content-Length", "1000")
				tick := time.NewTicker(10 * time.Millisecond)
				defer tick.Stop()
				for range 1000 {
					io.WriteString(w, "x")
					http.NewResponseController(w).Flush()
					select {
					case <-tick.C:
					case <-r.Context().Done():
						return
					}
				}
			}))
			defer server.Close()
			s := stub.serve(t, S3Config{}, keys...)
			s.client = testS3Client(t, AWSOptions{EndpointURL: server.URL, IdleTimeout: 5 * time.Second, slowGrace: 500 * time.Millisecond})
			_, bodies, problems := scanAll(t, s)
			if len(bodies) != tt.read || len(problems) != len(keys)-tt.read {
				t.Fatalf("%d objects, problems %v", len(bodies), problems)
			}
			for _, p := range problems {
				if p.Object != "s3://logs/"+keys[1] || !strings.Contains(p.Error, "the answer came far too slowly") {
					t.Errorf("%+v", p)
				}
			}
		})
	}
}
