package athena

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"testing"

	"github.com/trailscan/trailscan/internal/ingest"
)

// BenchmarkReadRows reports rows a second.
func BenchmarkReadRows(b *testing.B) {
	values := map[string]string{
		"recipientAccountId": "111122223333", "awsRegion": "eu-west-1", "eventSource": "s3.amazonaws.com", "sourceIPAddress": "203.0.113.7",
		"userAgent":         "[aws-sdk-java/2.25.11 Linux/5.10 OpenJDK_64-Bit_Server_VM/17 Java/17 vendor/Amazon.com_Inc. exec-env/AWS_ECS_FARGATE]",
		"userIdentity.type": "AssumedRole", "userIdentity.principalId": "AROAEXAMPLE:worker", "userIdentity.arn": "arn:aws:sts::111122223333:assumed-role/orders/worker",
		"userIdentity.accountId": "111122223333", "userIdentity.accessKeyId": "ASIAEXAMPLE", "userIdentity.sessionContext.sessionIssuer.arn": "arn:aws:iam::111122223333:role/orders",
		"userIdentity.sessionContext.sessionIssuer.principalId": "AROAEXAMPLE", "userIdentity.sessionContext.attributes.creationDate": "2026-11-24T10:00:00Z",
	}
	elements := make([]*string, entryFields+len(fields))
	kind := kindUse
	elements[entryKind] = &kind
	for i, f := range fields {
		if v, ok := values[f.path]; ok {
			elements[entryFields+i] = &v
		}
	}
	text, err := json.Marshal(elements)
	if err != nil {
		b.Fatal(err)
	}
	var table bytes.Buffer
	w := csv.NewWriter(&table)
	w.Write(resultColumns)
	const n = 1000
	for range n {
		w.Write([]string{string(text), "3", "0", "001795518001x", "1795518900", ""})
	}
	w.Flush()
	b.SetBytes(int64(table.Len()))
	b.ReportAllocs()
	for b.Loop() {
		rows := 0
		err := ReadRows(context.Background(), bytes.NewReader(table.Bytes()), "r.csv", Rows{Use: func(*ingest.Event, Use) { rows++ }})
		if err != nil || rows != n {
			b.Fatal(rows, err)
		}
	}
	b.ReportMetric(n*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
}
