package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"time"

	"github.com/trailscan/trailscan/internal/ingest"
)

// trail is a trail that exists nowhere: each of its objects is made when it is
// opened, from its number alone, so that any number of them costs no memory and
// no disk.
//
// Its accounts follow one after another. In each of them some credentials are in
// use at a time, begin with the event that issued them and then make calls: in
// the second half of the accounts so many times more that memory which is kept
// for calls, and not for credentials, would show.
type trail struct {
	events    int64 // of all accounts together
	perObject int64
	accounts  int64
	perDay    int64 // events of an account
	together  int64 // credentials in use at a time
	calls     int64 // of a credential in the first half of the accounts
	names     int64 // session names under each role, 0 for one for each credential
	roles     int64
	pad       int  // bytes that each call carries beside
	crowd     bool // each call comes from an address and a client of its own

	// passed is called when an object is opened with the number of events and of
	// credentials before it: all of these have been read, but for those of the few
	// objects that are open beside it. Several workers may call it at once.
	passed func(events, credentials int64)
}

const (
	later  = 4 // how many times more calls a credential makes in the second half
	region = "us-east-1"
)

// begin is the time of the first event.
func (tr *trail) begin() time.Time { return time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC) }

// end comes after the last event.
func (tr *trail) end() time.Time {
	return tr.time(tr.accounts, 0)
}

func (tr *trail) perAccount() int64 { return tr.events / tr.accounts }

// block is how many events the credentials that are in use together make.
func (tr *trail) block(account int64) int64 {
	if account >= (tr.accounts+1)/2 {
		return tr.together * (later*tr.calls + 1)
	}
	return tr.together * (tr.calls + 1)
}

// credentials is how many credentials an account's first events belong to.
func (tr *trail) credentials(account, events int64) int64 {
	block := tr.block(account)
	return events/block*tr.together + min(events%block, tr.together)
}

// before is how many credentials came up before an event of an account.
func (tr *trail) before(account, event int64) (n int64) {
	for a := range account {
		n += tr.credentials(a, tr.perAccount())
	}
	return n + tr.credentials(account, event)
}

// List gives the objects of the accounts, in the order of their events.
func (tr *trail) List(ctx context.Context, emit func(ingest.Chunk) error, _ func(ingest.Problem)) error {
	for account := range tr.accounts {
		for from := int64(0); from < tr.perAccount(); from += tr.perObject {
			to := min(from+tr.perObject, tr.perAccount())
			err := emit(ingest.Chunk{
				Name: fmt.Sprintf("%s/%d", accountID(account), from), Account: accountID(account), Region: region,
				Stamp: tr.time(account, to-1), Size: -1,
				Open: func(context.Context) (io.ReadCloser, error) {
					if tr.passed != nil {
						tr.passed(account*tr.perAccount()+from, tr.before(account, from))
					}
					return io.NopCloser(bytes.NewReader(tr.object(account, from, to))), nil
				},
			})
			if err != nil {
				return err
			}
		}
	}
	return ctx.Err()
}

func accountID(account int64) string { return fmt.Sprintf("%012d", 100_000_000_001+account) }

// time is when an event happened.
func (tr *trail) time(account, event int64) time.Time {
	const day = 24 * 3600
	return tr.begin().Add(time.Duration((account*tr.perAccount()+event)*day/tr.perDay) * time.Second)
}

// object makes the log file of some events of an account.
func (tr *trail) object(account, from, to int64) []byte {
	b := make([]byte, 0, (to-from)*int64(1300+tr.pad))
	b = append(b, `{"Records":[`...)
	sessions := map[int64]*session{}
	block := tr.block(account)
	for event := from; event < to; event++ {
		if event > from {
			b = append(b, ',')
		}
		first := event/block*block + event%tr.together
		s := sessions[first]
		if s == nil {
			s = tr.session(account, first)
			sessions[first] = s
		}
		b = fmt.Appendf(b, `{"eventVersion":"1.11","eventID":"%08x-0000-4000-8000-%012x","eventTime":"`, account, event)
		b = tr.time(account, event).AppendFormat(b, time.RFC3339)
		switch {
		case event == first:
			b = append(b, s.issue...)
		case tr.crowd:
			b = append(b, s.call...)
			b = fmt.Appendf(b, `"eventSource":"s3.amazonaws.com","sourceIPAddress":"%d.%d.%d.%d","userAgent":"client/%d"}`,
				11+event>>24&0x3f, event>>16&0xff, event>>8&0xff, event&0xff, event)
		default:
			b = append(b, s.call...)
			b = append(b, services[event%int64(len(services))]...)
			b = append(b, s.client...)
		}
		if tr.pad > 0 && event != first {
			b = append(b[:len(b)-1], `,"additionalEventData":{"pad":"`...)
			for range tr.pad / len(padding) {
				b = append(b, padding...)
			}
			b = append(b, `"}}`...)
		}
	}
	return append(b, `]}`...)
}

const padding = "The quick brown fox jumps over the lazy dog. 0123456789abcdefghi"

var services = []string{
	`"eventSource":"dynamodb.amazonaws.com",`, `"eventSource":"s3.amazonaws.com",`, `"eventSource":"kms.amazonaws.com",`,
	`"eventSource":"sqs.amazonaws.com",`, `"eventSource":"sns.amazonaws.com",`, `"eventSource":"secretsmanager.amazonaws.com",`,
}

// session is what the records of one credential say after their time.
type session struct{ issue, call, client string }

// session makes the credential that the first event of an account's block issues.
func (tr *trail) session(account, first int64) *session {
	number := tr.credentials(account, first)
	id, role := accountID(account), number%tr.roles
	name := fmt.Sprintf("session-%d", number)
	if tr.names > 0 {
		name = fmt.Sprintf("session-%d", number/tr.roles%tr.names)
	}
	key := fmt.Sprintf("ASIA%04d%012d", account, number)
	common := `","awsRegion":"` + region + `","eventType":"AwsApiCall","eventCategory":"Management","managementEvent":true,"readOnly":true,"recipientAccountId":"` + id + `",`
	return &session{
		issue: common + fmt.Sprintf(`"eventName":"AssumeRole","eventSource":"sts.amazonaws.com","sourceIPAddress":"lambda.amazonaws.com","userAgent":"lambda.amazonaws.com","userIdentity":{"type":"AWSService","invokedBy":"lambda.amazonaws.com"},"requestParameters":{"roleArn":"arn:aws:iam::%s:role/role-%d","roleSessionName":"%s"},"responseElements":{"credentials":{"accessKeyId":"%s","sessionToken":"x","expiration":"x"},"assumedRoleUser":{"assumedRoleId":"AROAEXAMPLE%08d:%s","arn":"arn:aws:sts::%s:assumed-role/role-%d/%s"}}}`,
			id, role, name, key, role, name, id, role, name),
		call: common + fmt.Sprintf(`"eventName":"Get","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE%08d:%s","arn":"arn:aws:sts::%s:assumed-role/role-%d/%s","accountId":"%s","accessKeyId":"%s","sessionContext":{"sessionIssuer":{"type":"Role","principalId":"AROAEXAMPLE%08d","arn":"arn:aws:iam::%s:role/role-%d","accountId":"%s","userName":"role-%d"},"attributes":{"creationDate":"%s","mfaAuthenticated":"false"}}},"requestParameters":{"tableName":"orders"},"responseElements":null,"tlsDetails":{"tlsVersion":"TLSv1.3","cipherSuite":"TLS_AES_128_GCM_SHA256","clientProvidedHostHeader":"orders.us-east-1.amazonaws.com"},`,
			role, name, id, role, name, id, key, role, id, role, id, role, tr.time(account, first).Format(time.RFC3339)),
		client: fmt.Sprintf(`"sourceIPAddress":"198.51.100.%d","userAgent":"aws-sdk-go-v2/1.30.3 os/linux lang/go#1.22.5 md/GOOS#linux md/GOARCH#amd64"}`, number%200),
	}
}
