package main

import (
	"bufio"
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"encoding/xml"
	"fmt"
	"io/fs"
	"maps"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/trailscan/trailscan/internal/athenatest"
	"github.com/trailscan/trailscan/internal/cloudtrailtest"
)

// internet is all that a process reaches: a proxy that knows every host, shows
// the certificates that they would, answers for those that it has, and
// remembers who was asked for.
type internet struct {
	t      *testing.T
	hosts  map[string]http.Handler
	url    string // of the proxy
	bundle string // the file with the authority that its certificates are of
	key    *ecdsa.PrivateKey
	issuer *x509.Certificate

	mu    sync.Mutex
	asked map[string]bool
}

func newInternet(t *testing.T, hosts map[string]http.Handler) *internet {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	n := &internet{t: t, hosts: hosts, key: key, asked: map[string]bool{}}
	n.issuer = &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test authority"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, n.issuer, n.issuer, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	n.bundle = filepath.Join(t.TempDir(), "authority.pem")
	if err := os.WriteFile(n.bundle, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o644); err != nil {
		t.Fatal(err)
	}
	proxy := httptest.NewServer(n)
	t.Cleanup(proxy.Close)
	n.url = proxy.URL
	return n
}

// ServeHTTP answers the requests to the proxy: tunnels, and plain requests.
func (n *internet) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	host, _, err := net.SplitHostPort(r.Host)
	if err != nil {
		host = r.Host
	}
	n.mu.Lock()
	n.asked[host] = true
	n.mu.Unlock()
	handler := n.hosts[host]
	if r.Method != http.MethodConnect || handler == nil {
		http.Error(w, "no such host here: "+host, http.StatusBadGateway)
		return
	}
	conn, _, err := w.(http.Hijacker).Hijack()
	if err != nil {
		n.t.Error(err)
		return
	}
	defer conn.Close()
	fmt.Fprint(conn, "HTTP/1.1 200 Connection Established\r\n\r\n")
	secure := tls.Server(conn, &tls.Config{Certificates: []tls.Certificate{n.certificate(host)}})
	in := bufio.NewReader(secure)
	for {
		request, err := http.ReadRequest(in)
		if err != nil {
			return
		}
		answer := httptest.NewRecorder()
		handler.ServeHTTP(answer, request)
		answer.Header().Set("Content-Length", fmt.Sprint(answer.Body.Len()))
		result := answer.Result()
		result.ContentLength = int64(answer.Body.Len())
		if err := result.Write(secure); err != nil {
			return
		}
	}
}

func (n *internet) certificate(host string) tls.Certificate {
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: host}, DNSNames: []string{host},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}, n.issuer, &n.key.PublicKey, n.key)
	if err != nil {
		n.t.Error(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: n.key}
}

// command runs the program with this network and no other, and gives what it
// wrote and the hosts that it asked for.
func (n *internet) command(wrap []string, args ...string) (stdout, stderr string, hosts []string) {
	n.t.Helper()
	n.mu.Lock()
	clear(n.asked)
	n.mu.Unlock()
	line := append(append(wrap, "trailscan"), args...)
	cmd := exec.Command(line[0], line[1:]...)
	home := n.t.TempDir()
	cmd.Env = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + home, "TMPDIR=" + home,
		"HTTPS_PROXY=" + n.url, "HTTP_PROXY=" + n.url, "AWS_CA_BUNDLE=" + n.bundle,
		"AWS_ACCESS_KEY_ID=AKIAEXAMPLE000000009", "AWS_SECRET_ACCESS_KEY=an-example-secret", "AWS_REGION=eu-west-1",
	}
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		n.t.Errorf("%q: %v: %s", line, err, errs.String())
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	return out.String(), errs.String(), slices.Sorted(maps.Keys(n.asked))
}

// bucketOf answers as a bucket that holds the files of a folder.
func bucketOf(t *testing.T, dir string) http.Handler {
	type object struct {
		Key  string
		Size int
	}
	type folder struct{ Prefix string }
	files := map[string][]byte{}
	err := fs.WalkDir(os.DirFS(dir), ".", func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			files[path], err = os.ReadFile(filepath.Join(dir, path))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		query := r.URL.Query()
		if query.Get("list-type") != "2" {
			body, ok := files[strings.TrimPrefix(r.URL.Path, "/")]
			if !ok {
				w.WriteHeader(http.StatusNotFound)
			}
			w.Write(body)
			return
		}
		var out struct {
			XMLName        xml.Name `xml:"ListBucketResult"`
			Contents       []object
			CommonPrefixes []folder
		}
		for _, key := range slices.Sorted(maps.Keys(files)) {
			rest, ok := strings.CutPrefix(key, query.Get("prefix"))
			if !ok || key <= query.Get("start-after") {
				continue
			}
			if i := strings.IndexByte(rest, '/'); i >= 0 && query.Get("delimiter") == "/" {
				f := folder{query.Get("prefix") + rest[:i+1]}
				if !slices.Contains(out.CommonPrefixes, f) {
					out.CommonPrefixes = append(out.CommonPrefixes, f)
				}
				continue
			}
			out.Contents = append(out.Contents, object{key, len(files[key])})
		}
		if err := xml.NewEncoder(w).Encode(out); err != nil {
			t.Error(err)
		}
	})
}

// TestNetwork: the program talks to the AWS endpoints that it is told to, and
// to nobody else; for files to nobody at all.
func TestNetwork(t *testing.T) {
	const trail = "../../testdata/trails/string-value"
	at := time.Now().Add(-30 * time.Minute).UTC().Format(time.RFC3339)
	server, err := cloudtrailtest.New([]json.RawMessage{json.RawMessage(fmt.Sprintf(
		`{"eventVersion":"1.08","eventID":"5e0e8a1c-2222-4c5e-9d57-000000000002","eventTime":%q,"eventName":"ListBuckets","eventSource":"s3.amazonaws.com","awsRegion":"eu-west-1","eventType":"AwsApiCall","eventCategory":"Management","managementEvent":true,"readOnly":true,"recipientAccountId":"111122223333","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE1:nightly","arn":"arn:aws:sts::111122223333:assumed-role/batch/nightly","accountId":"111122223333","accessKeyId":"ASIAEXAMPLE000000003","sessionContext":{"sessionIssuer":{"type":"Role","principalId":"AROAEXAMPLE1","arn":"arn:aws:iam::111122223333:role/batch","accountId":"111122223333","userName":"batch"},"attributes":{"creationDate":%q,"mfaAuthenticated":"false"}}}}`, at, at))})
	if err != nil {
		t.Fatal(err)
	}
	server.Rate, server.Burst = 1000, 1000
	const bucket, lookup, global = "trail-logs.s3.eu-west-1.amazonaws.com", "cloudtrail.eu-west-1.amazonaws.com", "cloudtrail.us-east-1.amazonaws.com"
	const reports, regions, athena = "reports.s3.eu-west-1.amazonaws.com", "account.us-east-1.amazonaws.com", "athena.eu-west-1.amazonaws.com"
	server.Regions = map[string]string{"eu-west-1": "ENABLED_BY_DEFAULT"}
	rows := readTable(t, "testdata/rollup/string-value.csv")
	n := newInternet(t, map[string]http.Handler{
		bucket: bucketOf(t, trail), lookup: server, global: server, regions: server,
		reports: http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}),
		athena: &athenatest.Server{
			Workgroups: map[string]string{"primary": "s3://reports/audits/"},
			Answer: func(query string) athenatest.Answer {
				switch {
				case strings.HasPrefix(query, "  SELECT"):
					return athenatest.Shown(query)
				case strings.HasPrefix(query, "WITH records") && strings.Contains(query, `"evidence"`):
					return athenatest.Answer{Rows: rows[:1]}
				case strings.HasPrefix(query, "WITH records"):
					return athenatest.Answer{Rows: rows}
				}
				return athenatest.Answer{}
			},
		},
	})
	signed, _, _ := signedTrail("signed-logs")
	server.PublicKeys = []cloudtrailtest.PublicKey{{Region: "us-east-1", Key: &signed.Signer.PublicKey, To: time.Now().AddDate(1, 0, 0)}}
	copied := t.TempDir()
	for key, object := range signed.Objects {
		file := filepath.Join(copied, filepath.FromSlash(key))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, object.Body, 0o644); err != nil {
			t.Fatal(err)
		}
	}

	for _, tt := range []struct {
		name string
		args []string
		want []string // hosts
		says string
	}{
		{"files", []string{trail, "--format", "html"}, nil, "STRING_VALUE"},
		{"explain", []string{"explain", trail, "--session", "STRING_VALUE"}, nil, "STRING_VALUE"},
		{"policy", []string{"policy", trail}, nil, "sts:AssumeRole"},
		{"rules", []string{"rules"}, nil, "shared-name"},
		{"a bucket", []string{"s3://trail-logs", "--since", "2026-11-02", "--until", "2026-11-03", "--format", "csv"}, []string{bucket}, "STRING_VALUE"},
		{"an estimate", []string{"s3://trail-logs", "--since", "2026-11-02", "--until", "2026-11-03", "--dry-run"}, []string{bucket}, "objects"},
		{"a report on S3", []string{trail, "--format", "csv", "-o", "s3://reports/report.json"}, []string{reports}, "STRING_VALUE"},
		{"public keys", []string{copied, "--verify", "--format", "json"}, []string{global}, `"verified": "p`},
		{"Athena", []string{"s3://trail-logs", "--since", "2026-11-02", "--until", "2026-11-03", "--format", "csv", "--engine", "athena"}, []string{athena, bucket}, "STRING_VALUE"},
		{"all regions", []string{"--lookup", "--region", "all", "--since", "1h", "--format", "csv"}, []string{regions, lookup, global}, "nightly"},
		{"LookupEvents", []string{"--lookup", "--since", "1h", "--format", "csv"}, []string{lookup, global}, "nightly"},
	} {
		stdout, stderr, hosts := n.command(nil, tt.args...)
		if !slices.Equal(hosts, tt.want) {
			t.Errorf("%s: asked for %q, want %q", tt.name, hosts, tt.want)
		}
		if !strings.Contains(stdout, tt.says) {
			t.Errorf("%s: no %q in\n%.500s\n%s", tt.name, tt.says, stdout, stderr)
		}
	}

	// With no network whatever, not even a loopback, files give the same.
	unshare := []string{"unshare", "--net"}
	if err := exec.Command(unshare[0], append(unshare[1:], "true")...).Run(); runtime.GOOS != "linux" || err != nil {
		t.Log("the part without any network is left out: ", err)
		return
	}
	online, _, _ := n.command(nil, trail, "--format", "csv")
	offline, _, _ := n.command(unshare, trail, "--format", "csv")
	if online == "" || online != offline {
		t.Errorf("without a network the report is\n%s\nand with one\n%s", offline, online)
	}
}
