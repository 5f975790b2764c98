package ingest

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"testing"

	"github.com/klauspost/compress/gzip"
)

// benchRecords is how many records the log file has that the benchmarks read.
const benchRecords = 5000

func reportRecords(b *testing.B, size int) {
	b.SetBytes(int64(size))
	b.ReportAllocs()
	b.ReportMetric(float64(b.N)*benchRecords/b.Elapsed().Seconds(), "records/s")
}

// The record scanner alone: everything in memory, uncompressed. That each record's
// identity is asked for makes it do at least what the others do.
func BenchmarkScan(b *testing.B) {
	data := []byte(makeTrail(benchRecords))
	for _, bench := range []struct {
		name string
		add  func(*Event)
	}{
		{"Events", func(*Event) {}},
		{"Identities", func(e *Event) { e.Identity() }},
	} {
		b.Run(bench.name, func(b *testing.B) {
			r := NewReader(Limits{})
			var in bytes.Reader
			for b.Loop() {
				in.Reset(data)
				if stats, problems := r.Read(context.Background(), "trail", &in, bench.add); stats.Records != benchRecords || len(problems) > 0 {
					b.Fatal(stats, problems)
				}
			}
			reportRecords(b, len(data))
		})
	}
}

// BenchmarkJSON is what BenchmarkScan is compared with: encoding/json into structs
// with the same members.
func BenchmarkJSON(b *testing.B) {
	data := []byte(makeTrail(benchRecords))
	for b.Loop() {
		var file struct{ Records []jsonRecord }
		if err := json.Unmarshal(data, &file); err != nil || len(file.Records) != benchRecords {
			b.Fatal(err)
		}
		for i := range file.Records {
			if err := file.Records[i].assume(); err != nil {
				b.Fatal(err)
			}
		}
	}
	reportRecords(b, len(data))
}

// BenchmarkGunzip is the limit for BenchmarkReadGzip: unpacking alone.
func BenchmarkGunzip(b *testing.B) {
	data := []byte(gzipped(makeTrail(benchRecords)))
	var in bytes.Reader
	zr := new(gzip.Reader)
	buf := make([]byte, defaultWindow)
	var size int64
	for b.Loop() {
		in.Reset(data)
		if err := zr.Reset(&in); err != nil {
			b.Fatal(err)
		}
		for size = 0; ; {
			n, err := zr.Read(buf)
			if size += int64(n); err == io.EOF {
				break
			} else if err != nil {
				b.Fatal(err)
			}
		}
	}
	reportRecords(b, int(size))
}

// BenchmarkInflate unpacks at once what BenchmarkGunzip unpacks bit by bit.
func BenchmarkInflate(b *testing.B) {
	trail := makeTrail(benchRecords)
	packed := []byte(gzipped(trail))
	data := append(bytes.Clone(packed), make([]byte, inflateMargin)...)[:len(packed)]
	var z inflater
	var out []byte
	for b.Loop() {
		var ok bool
		if out, ok = z.gunzip(out, data, maxWhole); !ok {
			b.Fatal("refused")
		}
	}
	reportRecords(b, len(trail))
}

// BenchmarkReadGzip is a log file as it is stored, from bytes to events.
func BenchmarkReadGzip(b *testing.B) {
	trail := makeTrail(benchRecords)
	data := []byte(gzipped(trail))
	r := NewReader(Limits{})
	var in bytes.Reader
	for b.Loop() {
		in.Reset(data)
		if stats, problems := r.Read(context.Background(), "trail", &in, func(e *Event) { e.Identity() }); stats.Records != benchRecords || len(problems) > 0 {
			b.Fatal(stats, problems)
		}
	}
	reportRecords(b, len(trail))
}

// BenchmarkReadTiny is objects of one record each, of which most trails have many.
func BenchmarkReadTiny(b *testing.B) {
	var objects [][]byte
	size := 0
	for _, record := range makeRecords(benchRecords) {
		size += len(record) + len(`{"Records":[]}`)
		objects = append(objects, []byte(gzipped(`{"Records":[`+record+`]}`)))
	}
	r := NewReader(Limits{})
	var in bytes.Reader
	for b.Loop() {
		for _, o := range objects {
			in.Reset(o)
			if stats, problems := r.Read(context.Background(), "trail", &in, func(*Event) {}); stats.Records != 1 || len(problems) > 0 {
				b.Fatal(stats, problems)
			}
		}
	}
	reportRecords(b, size)
}

func BenchmarkParseKey(b *testing.B) {
	const key = "prefix/AWSLogs/o-exampleorg0/111122223333/CloudTrail/us-east-2/2015/08/01/111122223333_CloudTrail_us-east-2_20150801T0210Z_Mu0KsOhtH1ar15ZZ.json.gz"
	b.ReportAllocs()
	for b.Loop() {
		if _, ok := ParseKey(key); !ok {
			b.Fatal(key)
		}
	}
}

// jsonRecord has the members that Event has.
type jsonRecord struct {
	EventID, SharedEventID, EventName, EventSource, AWSRegion, SourceIPAddress, UserAgent string
	ErrorCode, ErrorMessage, RecipientAccountID, EventType, EventCategory, EventTime      string
	VPCEndpointID, VPCEndpointAccountID, SessionCredentialFromConsole                     string
	Addendum                                                                              struct{ Reason, OriginalEventID, UpdatedFields string }
	AdditionalEventData                                                                   struct {
		SwitchFrom, AuthenticationMethod, LakeFormationRoleSessionName string
	}
	UserIdentity struct {
		Type, PrincipalID, ARN, AccountID, AccessKeyID, UserName, InvokedBy, IdentityProvider, CredentialID string

		InvokedByDelegate struct{ AccountID string }
		OnBehalfOf        struct{ UserID, IdentityStoreARN string }
		InScopeOf         struct{ SourceARN, SourceAccount, IssuerType, CredentialsIssuedTo string }
		SessionContext    struct {
			SessionIssuer       struct{ Type, PrincipalID, ARN, AccountID, UserName string }
			Attributes          struct{ CreationDate, MFAAuthenticated, SessionCredentialFromConsole string }
			WebIDFederationData struct {
				FederatedProvider string
				Attributes        map[string]string
			}
			SourceIdentity, EC2RoleDelivery, AssumedRoot, SignInSessionARN string
		}
	}
	RequestParameters, ResponseElements, ServiceEventDetails json.RawMessage

	request struct {
		RoleARN, RoleSessionName, SourceIdentity, ExternalID, PrincipalARN, TargetPrincipal, Name, ClusterName string

		DurationSeconds                       int64
		Tags                                  []struct{ Key, Value string }
		PrincipalTags, IncomingTransitiveTags map[string]string
	}
	response struct {
		Credentials                                                                   struct{ AccessKeyID, Expiration string }
		AssumedRoleUser                                                               struct{ AssumedRoleID, ARN string }
		FederatedUser                                                                 struct{ FederatedUserID, ARN string }
		SubjectFromWebIdentityToken, Subject, SubjectType, Issuer, Audience, Provider string
		NameQualifier, SubjectARN                                                     string
	}
}

func (r *jsonRecord) assume() error {
	if r.EventSource != "sts.amazonaws.com" {
		return nil
	}
	if err := json.Unmarshal(r.RequestParameters, &r.request); err != nil {
		return err
	}
	return json.Unmarshal(r.ResponseElements, &r.response)
}
