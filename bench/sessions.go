package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/klauspost/compress/gzip"
)

// sessions is a trail of one account that is made to measure what credentials and
// session names cost: an app, itself a role session, opens one session after
// another, and each makes a few calls in the hour that follows.
type sessions struct {
	credentials int
	// names is how many session names they have in turns, under appRoles roles.
	// 0 gives each credential a name of its own, as an SDK makes it up.
	names int
	calls int // of each credential
}

const (
	appRoles = 20
	appDay   = 10_000 // credentials that are opened in a day
	appAhead = 32     // credentials in use at a time, so that an object holds calls of many
	perLog   = 500    // records in an object
)

// sessionTrail makes a trail, or finds it in the cache, and gives its AWSLogs.
func (b *bench) sessionTrail(ctx context.Context, s sessions) (string, error) {
	dir := filepath.Join(b.cache, fmt.Sprintf("sessions-%d-%d-%d", s.credentials, s.names, s.calls))
	logs, done := filepath.Join(dir, "AWSLogs"), filepath.Join(dir, "done")
	if _, err := os.Stat(done); err == nil {
		return logs, nil
	}
	b.say("making %s", filepath.Base(dir))
	if err := os.RemoveAll(dir); err != nil {
		return "", err
	}
	if err := s.write(ctx, logs); err != nil {
		return "", err
	}
	return logs, os.WriteFile(done, nil, 0o644)
}

const appAccount = "111122223333"

// write writes the log files. Credentials are opened appAhead at a time, each of
// which then makes its calls in turn.
func (s sessions) write(ctx context.Context, logs string) error {
	log := logWriter{dir: filepath.Join(logs, appAccount, "CloudTrail", "us-east-1")}
	event := 0
	for first := 0; first < s.credentials; first += appAhead {
		if err := ctx.Err(); err != nil {
			return err
		}
		last := min(first+appAhead, s.credentials)
		opened := start.Add(time.Duration(first) * 24 * time.Hour / appDay)
		for call := range s.calls + 1 {
			// The calls of an hour, behind the event that issued the credential.
			at := opened.Add(time.Duration(call) * time.Hour / time.Duration(s.calls+1))
			for n := first; n < last; n++ {
				record := s.call
				if call == 0 {
					record = s.issue
				}
				if err := log.add(at, func(b []byte) []byte { return record(b, n, event, opened, at) }); err != nil {
					return err
				}
				event++
			}
		}
	}
	return log.flush()
}

// name is the role and the session name of a credential.
func (s sessions) name(n int) (role, name string) {
	role = fmt.Sprintf("app-role-%d", n%appRoles)
	if s.names == 0 {
		return role, fmt.Sprintf("botocore-session-%d", 1_790_000_000+n)
	}
	return role, fmt.Sprintf("worker-%d", n/appRoles%max(s.names/appRoles, 1))
}

func appKey(n int) string { return fmt.Sprintf("ASIA%016d", n) }

// opener is the session that opens the others.
const opener = `{"type":"AssumedRole","principalId":"AROAOPENEREXAMPLE000:0a6e1f3c0a6e1f3c0a6e1f3c0a6e1f3c","arn":"arn:aws:sts::` + appAccount + `:assumed-role/opener/0a6e1f3c0a6e1f3c0a6e1f3c0a6e1f3c","accountId":"` + appAccount +
	`","accessKeyId":"ASIAOPENEREXAMPLE000","sessionContext":{"sessionIssuer":{"type":"Role","principalId":"AROAOPENEREXAMPLE000","arn":"arn:aws:iam::` + appAccount + `:role/opener","accountId":"` + appAccount +
	`","userName":"opener"},"attributes":{"creationDate":"2026-11-01T23:00:00Z","mfaAuthenticated":"false"}}}`

func (s sessions) issue(b []byte, n, event int, _, at time.Time) []byte {
	role, name := s.name(n)
	b = append(b, `{"eventVersion":"1.11","userIdentity":`+opener+`,"eventTime":"`...)
	b = at.AppendFormat(b, time.RFC3339)
	return fmt.Appendf(b, `","eventSource":"sts.amazonaws.com","eventName":"AssumeRole","awsRegion":"us-east-1","sourceIPAddress":"198.51.100.7","userAgent":"Boto3/1.35.36 md/Botocore#1.35.36 ua/2.0 os/linux#6.1 md/arch#x86_64 lang/python#3.12.7","requestParameters":{"roleArn":"arn:aws:iam::%s:role/%s","roleSessionName":"%s"},"responseElements":{"credentials":{"accessKeyId":"%s","sessionToken":"x","expiration":"%s"},"assumedRoleUser":{"assumedRoleId":"AROAEXAMPLE%09d:%s","arn":"arn:aws:sts::%s:assumed-role/%s/%s"}},"requestID":"7c1c5a6e-0000-4000-8000-%012d","eventID":"%s","readOnly":true,"eventType":"AwsApiCall","managementEvent":true,"recipientAccountId":"%s","eventCategory":"Management"}`,
		appAccount, role, name, appKey(n), at.Add(time.Hour).Format("Jan 2, 2006, 3:04:05 PM"), n%appRoles, name, appAccount, role, name, event, appEvent(event), appAccount)
}

func (s sessions) call(b []byte, n, event int, opened, at time.Time) []byte {
	role, name := s.name(n)
	service := [...]string{"dynamodb", "s3", "kms", "sqs"}[event/appAhead%4]
	b = fmt.Appendf(b, `{"eventVersion":"1.11","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE%09d:%s","arn":"arn:aws:sts::%s:assumed-role/%s/%s","accountId":"%s","accessKeyId":"%s","sessionContext":{"sessionIssuer":{"type":"Role","principalId":"AROAEXAMPLE%09d","arn":"arn:aws:iam::%s:role/%s","accountId":"%s","userName":"%s"},"attributes":{"creationDate":"`,
		n%appRoles, name, appAccount, role, name, appAccount, appKey(n), n%appRoles, appAccount, role, appAccount, role)
	b = opened.AppendFormat(b, time.RFC3339)
	b = append(b, `","mfaAuthenticated":"false"}}},"eventTime":"`...)
	b = at.AppendFormat(b, time.RFC3339)
	return fmt.Appendf(b, `","eventSource":"%s.amazonaws.com","eventName":"Get","awsRegion":"us-east-1","sourceIPAddress":"198.51.100.%d","userAgent":"Boto3/1.35.36 md/Botocore#1.35.36 ua/2.0 os/linux#6.1 md/arch#x86_64 lang/python#3.12.7","requestParameters":{"tableName":"orders"},"responseElements":null,"requestID":"7c1c5a6e-0000-4000-8000-%012d","eventID":"%s","readOnly":true,"eventType":"AwsApiCall","managementEvent":true,"recipientAccountId":"%s","eventCategory":"Management"}`,
		service, n%200, event, appEvent(event), appAccount)
}

func appEvent(n int) string {
	return fmt.Sprintf("%08x-5e55-4000-8000-%012x", n*2654435761&0xffffffff, n)
}

// logWriter writes records into log files as CloudTrail names them.
type logWriter struct {
	dir     string // of a region
	body    bytes.Buffer
	records int
	last    time.Time
	files   int
}

func (l *logWriter) add(at time.Time, record func([]byte) []byte) error {
	if l.records == 0 {
		l.body.WriteString(`{"Records":[`)
	} else {
		l.body.WriteByte(',')
	}
	l.body.Write(record(l.body.AvailableBuffer()))
	l.last = at
	if l.records++; l.records < perLog {
		return nil
	}
	return l.flush()
}

func (l *logWriter) flush() error {
	if l.records == 0 {
		return nil
	}
	l.body.WriteString(`]}`)
	l.files++
	delivered := l.last.Add(5 * time.Minute)
	path := filepath.Join(l.dir, delivered.Format("2006/01/02"),
		fmt.Sprintf("%s_CloudTrail_us-east-1_%s_%016d.json.gz", appAccount, delivered.Format("20060102T1504Z"), l.files))
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	var packed bytes.Buffer
	zw := gzip.NewWriter(&packed)
	if _, err := zw.Write(l.body.Bytes()); err != nil {
		return err
	}
	if err := zw.Close(); err != nil {
		return err
	}
	l.body.Reset()
	l.records = 0
	return os.WriteFile(path, packed.Bytes(), 0o644)
}
