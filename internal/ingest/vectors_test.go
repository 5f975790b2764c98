package ingest

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// Records as CloudTrail writes them, with ids made up for this project.
const (
	recordEC2 = `{"eventVersion":"1.09","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLEROLEID0001:i-0123456789abcdef0","arn":"arn:aws:sts::111122223333:assumed-role/web/i-0123456789abcdef0","accountId":"111122223333","accessKeyId":"ASIAEXAMPLEKEY000001","sessionContext":{"sessionIssuer":{"type":"Role","principalId":"AROAEXAMPLEROLEID0001","arn":"arn:aws:iam::111122223333:role/app/web","accountId":"111122223333","userName":"web"},"attributes":{"creationDate":"2024-07-30T20:31:15Z","mfaAuthenticated":"false"},"ec2RoleDelivery":"2.0"},"inScopeOf":{"issuerType":"AWS::EC2::Instance","credentialsIssuedTo":"arn:aws:ec2:eu-west-1:111122223333:instance/i-0123456789abcdef0"}},"eventTime":"2024-07-30T21:31:15Z","eventSource":"s3.amazonaws.com","eventName":"GetObject","awsRegion":"eu-west-1","sourceIPAddress":"203.0.113.7","userAgent":"[Boto3/1.34.1 md/Botocore#1.34.1 ua/2.0 os/linux#6.1 lang/python#3.11.6 cfg/retry-mode#legacy]","requestParameters":{"bucketName":"orders","Host":"orders.s3.eu-west-1.amazonaws.com","key":"a \"quoted\" {key}/\\"},"responseElements":null,"additionalEventData":{"SignatureVersion":"SigV4","CipherSuite":"TLS_AES_128_GCM_SHA256","bytesTransferredIn":0,"AuthenticationMethod":"QueryString","x-amz-id-2":"abc=","bytesTransferredOut":16},"requestID":"EXAMPLE123456789","eventID":"3038ebd2-c98a-4c65-9b6e-e22506292313","readOnly":true,"resources":[{"type":"AWS::S3::Object","ARN":"arn:aws:s3:::orders/a"},{"accountId":"111122223333","type":"AWS::S3::Bucket","ARN":"arn:aws:s3:::orders"}],"eventType":"AwsApiCall","managementEvent":false,"recipientAccountId":"111122223333","sharedEventID":"52087b55-ee0a-4c65-9d34-8a8d9c5e0b93","vpcEndpointId":"vpce-0123456789abcdef0","vpcEndpointAccountId":"111122223333","eventCategory":"Data","tlsDetails":{"tlsVersion":"TLSv1.3","cipherSuite":"TLS_AES_128_GCM_SHA256","clientProvidedHostHeader":"orders.s3.eu-west-1.amazonaws.com"}}`

	recordAssume = `{"eventVersion":"1.08","userIdentity":{"type":"IAMUser","principalId":"AIDAEXAMPLEUSERID0001","arn":"arn:aws:iam::111122223333:user/ann","accountId":"111122223333","accessKeyId":"AKIAEXAMPLEKEY000001","userName":"ann"},"eventTime":"2024-07-30T20:31:15Z","eventSource":"sts.amazonaws.com","eventName":"AssumeRole","awsRegion":"us-east-1","sourceIPAddress":"203.0.113.7","userAgent":"aws-cli/2.15.0","requestParameters":{"roleArn":"arn:aws:iam::444455556666:role/ops","roleSessionName":"ann-ops","externalId":"x/y","sourceIdentity":"ann","durationSeconds":3600,"tags":[{"key":"team","value":"blue"},{"key":"env","value":"prod"}],"transitiveTagKeys":["team"],"incomingTransitiveTags":{"cost":"7"}},"responseElements":{"credentials":{"accessKeyId":"ASIAEXAMPLEKEY000002","sessionToken":"FwoGZXIvYXdzEXAMPLE//","expiration":"Jul 30, 2024, 9:31:15 PM"},"assumedRoleUser":{"assumedRoleId":"AROAEXAMPLEROLEID0002:ann-ops","arn":"arn:aws:sts::444455556666:assumed-role/ops/ann-ops"},"sourceIdentity":"ann"},"requestID":"r","eventID":"e2e0c2b4-3a91-4a2f-8d1b-0a4f5b3d0001","readOnly":true,"eventType":"AwsApiCall","managementEvent":true,"recipientAccountId":"111122223333","sharedEventID":"52087b55-ee0a-4c65-9d34-8a8d9c5e0b94","eventCategory":"Management"}`

	recordWebIdentity = `{"requestParameters":{"roleArn":"arn:aws:iam::111122223333:role/ci","roleSessionName":"GitHubActions","principalTags":{"repo":"o/r"},"durationSeconds":"900"},"responseElements":{"credentials":{"accessKeyId":"ASIAEXAMPLEKEY000003","sessionToken":"t","expiration":"Nov 29, 2018 4:31:59 AM"},"subjectFromWebIdentityToken":"repo:o/r:ref:refs/heads/main","provider":"arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com","audience":"sts.amazonaws.com","assumedRoleUser":{"assumedRoleId":"AROAEXAMPLEROLEID0003:GitHubActions","arn":"arn:aws:sts::111122223333:assumed-role/ci/GitHubActions"}},"eventTime":"2024-07-30T20:31:15Z","eventSource":"sts.amazonaws.com","eventName":"AssumeRoleWithWebIdentity","userIdentity":{"type":"WebIdentityUser","principalId":"arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com:sts.amazonaws.com:repo:o/r:ref:refs/heads/main","userName":"repo:o/r:ref:refs/heads/main","identityProvider":"arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com"},"eventID":"e2e0c2b4-3a91-4a2f-8d1b-0a4f5b3d0002","recipientAccountId":"111122223333"}`

	recordSAML = `{"eventTime":"2024-07-30T20:31:15Z","eventSource":"sts.amazonaws.com","eventName":"AssumeRoleWithSAML","userIdentity":{"type":"SAMLUser","principalId":"q=:ann@example.com","userName":"ann@example.com","identityProvider":"q="},"requestParameters":{"sAMLAssertionID":"_c0","roleSessionName":"ann@example.com","roleArn":"arn:aws:iam::111122223333:role/r","principalArn":"arn:aws:iam::111122223333:saml-provider/p"},"responseElements":{"subjectType":"persistent","issuer":"http://idp.example.com","audience":"https://signin.aws.amazon.com/saml","nameQualifier":"q=","subject":"ann@example.com","credentials":{"accessKeyId":"ASIAEXAMPLEKEY000004"},"assumedRoleUser":{"assumedRoleId":"AROAEXAMPLEROLEID0004:ann@example.com","arn":"arn:aws:sts::111122223333:assumed-role/r/ann@example.com"}},"eventID":"e2e0c2b4-3a91-4a2f-8d1b-0a4f5b3d0003"}`

	recordAnywhere = `{"eventTime":"2024-07-30T20:31:15Z","eventSource":"rolesanywhere.amazonaws.com","eventName":"CreateSession","requestParameters":{"roleArn":"arn:aws:iam::111122223333:role/r","durationSeconds":3600},"responseElements":{"credentialSet":[{"assumedRoleUser":{"arn":"arn:aws:sts::111122223333:assumed-role/r/00aa","assumedRoleId":"AROAEXAMPLEROLEID0005:00aa"},"credentials":{"accessKeyId":"ASIAEXAMPLEKEY000005","expiration":"2024-07-30T21:31:15Z","sessionToken":"t"},"packedPolicySize":0},{"credentials":{"accessKeyId":"another"}}],"subjectArn":"arn:aws:rolesanywhere:eu-west-1:111122223333:subject/s"},"eventID":"e2e0c2b4-3a91-4a2f-8d1b-0a4f5b3d0004"}`

	recordPod = `{"eventTime":"2024-07-30T20:31:15Z","eventSource":"eks-auth.amazonaws.com","eventName":"AssumeRoleForPodIdentity","requestParameters":{"clusterName":"c","token":"HIDDEN_DUE_TO_SECURITY_REASONS"},"responseElements":{"subject":{"namespace":"n","serviceAccount":"s"},"audience":"pods.eks.amazonaws.com","assumedRoleUser":{"arn":"arn:aws:sts::111122223333:assumed-role/r/eks-c-p-u","assumeRoleId":"AROAEXAMPLEROLEID0006:eks-c-p-u"},"credentials":{"accessKeyId":"ASIAEXAMPLEKEY000006","expiration":1722375075}},"eventID":"e2e0c2b4-3a91-4a2f-8d1b-0a4f5b3d0005"}`

	recordFederation = `{"eventTime":"2024-07-30T20:31:15Z","eventSource":"sts.amazonaws.com","eventName":"GetFederationToken","requestParameters":{"name":"admin"},"responseElements":{"credentials":{"accessKeyId":"ASIAEXAMPLEKEY000007"},"federatedUser":{"federatedUserId":"111122223333:admin","arn":"arn:aws:sts::111122223333:federated-user/admin"}},"eventID":"e2e0c2b4-3a91-4a2f-8d1b-0a4f5b3d0006"}`

	recordCenter = `{"eventTime":"2024-07-30T20:31:15Z","eventSource":"sso.amazonaws.com","eventName":"GetRoleCredentials","userIdentity":{"type":"IdentityCenterUser","accountId":"111122223333","onBehalfOf":{"userId":"u-1","identityStoreArn":"arn:aws:identitystore::111122223333:identitystore/d-1"},"credentialId":"c-1"},"serviceEventDetails":{"account_id":"111122223333","role_name":"AdministratorAccess"},"eventType":"AwsServiceEvent","eventID":"e2e0c2b4-3a91-4a2f-8d1b-0a4f5b3d0007"}`

	recordConsole = `{"eventTime":"20240730T203115Z","eventSource":"signin.amazonaws.com","eventName":"SwitchRole","userIdentity":{"type":"AssumedRole","sessionContext":{"webIdFederationData":{"federatedProvider":"cognito-identity.amazonaws.com","attributes":{"cognito-identity.amazonaws.com:aud":"a","cognito-identity.amazonaws.com:sub":"b"}},"attributes":{"creationDate":"20131102T010628Z","mfaAuthenticated":true,"sessionCredentialFromConsole":"true"},"sourceIdentity":"ann","assumedRoot":"true","signInSessionArn":"arn:aws:signin:us-east-1:111122223333:session/s"},"invokedBy":"cloudformation.amazonaws.com","invokedByDelegate":{"accountId":"444455556666"}},"additionalEventData":{"SwitchFrom":"arn:aws:iam::111122223333:user/ann","lakeFormationRoleSessionName":"AWSLF-00-aa-111122223333-b"},"addendum":{"reason":"UPDATED_DATA","updatedFields":"responseElements","originalEventID":"e2e0c2b4-3a91-4a2f-8d1b-0a4f5b3d0000"},"sessionCredentialFromConsole":"true","errorCode":"AccessDenied","errorMessage":"no \u00e9 \ud83d\ude00 \ud83d é","eventID":"e2e0c2b4-3a91-4a2f-8d1b-0a4f5b3d0008"}`

	recordInsight    = `{"eventVersion":"1.07","eventTime":"2020-07-21T23:37:00Z","awsRegion":"us-east-1","eventID":"i1","eventType":"AwsCloudTrailInsight","recipientAccountId":"111122223333","sharedEventID":"s","insightDetails":{"state":"End","eventSource":"ssm.amazonaws.com","eventName":"UpdateInstanceInformation"},"eventCategory":"Insight"}`
	recordAggregated = `{"eventVersion":"1.0","accountId":"111122223333","eventId":"a1","eventCategory":"Aggregated","eventType":"AwsAggregatedEvent","awsRegion":"us-east-1","timeWindow":{"windowStart":"2025-11-20T10:00:00Z"},"summary":{}}`
	recordNetwork    = `{"eventVersion":"1.09","userIdentity":{"type":"AWSAccount","principalId":"AKIA","accountId":"111122223333"},"eventTime":"2024-06-04T23:10:46Z","eventSource":"kms.amazonaws.com","eventName":"ListKeys","eventID":"n1","eventType":"AwsVpceEvents","recipientAccountId":"111122223333","eventCategory":"NetworkActivity"}`
	digestVector     = `{"awsAccountId":"111122223333","digestStartTime":"2015-08-17T14:01:31Z","digestEndTime":"2015-08-17T15:01:31Z","digestS3Bucket":"b","digestS3Object":"AWSLogs/111122223333/CloudTrail-Digest/us-east-2/2015/08/17/x.json.gz","previousDigestS3Object":null,"logFiles":[{"s3Bucket":"b","s3Object":"o"}]}`
)

var recordVectors = []string{
	recordEC2, recordAssume, recordWebIdentity, recordSAML, recordAnywhere, recordPod, recordFederation,
	recordCenter, recordConsole, recordInsight, recordAggregated, recordNetwork,
}

// pretty spreads JSON over lines.
func pretty(s string) string {
	var b bytes.Buffer
	if err := json.Indent(&b, []byte(s), "", "    "); err != nil {
		panic(err)
	}
	return b.String()
}

// quote makes a JSON string of s.
func quote(s string) string {
	b, err := json.Marshal(s)
	if err != nil {
		panic(err)
	}
	return string(b)
}

func gzipped(s string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	w.Write([]byte(s))
	w.Close()
	return b.String()
}

func zstded(s string) string {
	w, err := zstd.NewWriter(nil)
	if err != nil {
		panic(err)
	}
	defer w.Close()
	return string(w.EncodeAll([]byte(s), nil))
}

// payload is a subscription's payload of log events with the given messages.
func payload(messages ...string) string {
	var events []string
	for _, m := range messages {
		events = append(events, `{"id":"1","timestamp":1722375075000,"message":`+quote(m)+`}`)
	}
	return `{"messageType":"DATA_MESSAGE","owner":"111122223333","logGroup":"g","logStream":"s","subscriptionFilters":["f"],"logEvents":[` + strings.Join(events, ",") + `]}`
}

func lambdaPayload(s string) string {
	return `{"awslogs":{"data":"` + base64.StdEncoding.EncodeToString([]byte(gzipped(s))) + `"}}`
}

// hostileRecords are records that break naive decoders, and some that are none.
var hostileRecords = []string{
	`{"eventTime":"2024-07-30T20:31:15Z","eventName":"A","eventName":"B","eventName":5,"eventName":"C"}`,
	`{"eventTime":"2024-07-30T20:31:15Z","eventName":"A","eventName":null}`,
	`{"\u0065ventTime":"2024-07-30T20:31:15Z","eventN\u0061me":"escaped","eventname":"x","EVENTNAME":"y"}`,
	`{"eventTime":"2024-07-30T20:31:15Z","eventName":"A","userIdentity":{"type":"first","arn":"x"},"userIdentity":{"type":"second"}}`,
	`{"eventTime":"2024-07-30T20:31:15Z","eventName":"A","userIdentity":"Root","awsRegion":{"a":1},"eventSource":["x"],"sourceIPAddress":7,"userAgent":true,"errorCode":null}`,
	`{"eventTime":"2024-07-30T20:31:15Z","eventName":"A","userIdentity":{"type":{"a":1},"sessionContext":{"sessionIssuer":[],"attributes":"x","webIdFederationData":null}}}`,
	`{"eventTime":"2024-07-30T20:31:15Z","eventName":"A","userAgent":"` + "\xff\xc3(\xed\xa0\x80 é" + `","errorMessage":"\ud800\ud800\udc00 \udc00 \"\\\/\b\f\n\r\t"}`,
	`{"eventTime":"2024-07-30T20:31:15Z","eventName":"A","requestParameters":{"n":` + strings.Repeat("9", 10000) + `,"s":"` + strings.Repeat(`\\\"`, 50) + `"}}`,
	`{"eventTime":"2024-07-30T20:31:15Z","eventName":"A","x":-0.5e+10,"y":[[],{},[{"a":"]}"}]]}`,
	`{"eventTime":"2024-07-30T20:31:15Z","eventName":"A","x":` + strings.Repeat("[", 40) + strings.Repeat("]", 40) + `}`,
	`{ "eventTime" : "2024-07-30T20:31:15Z" , "eventName" : "A" , "addendum" : { } , "additionalEventData" : [ ] }`,
	`{"eventTime":"2024-07-30T20:31:15Z","eventName":""}`,
	`{"eventTime":"...","eventName":"A"}`,
	`{"eventName":"A","@timestamp":"2024-07-30T20:31:15Z"}`,
	`{"eventTime":"2024-07-30T20:31:15Z"}`,
	`{}`,
	`{"eventTime":"2024-07-30T20:31:15Z","eventSource":"sts.amazonaws.com","eventName":"AssumeRole","requestParameters":null,"responseElements":null}`,
	`{"eventTime":"2024-07-30T20:31:15Z","eventSource":"sts.amazonaws.com","eventName":"AssumeRole","requestParameters":{"tags":[{"key":"a","value":"1"},7,{"key":"b"},{"value":"2"},{"key":"a","value":"3","key":"c"}],"principalTags":{"a":"4","a":"5","b":6},"durationSeconds":1e3},"responseElements":{"credentialSet":[],"credentials":7,"assumedRoleUser":{"assumedRoleId":{},"arn":"a"}}}`,
}

// brokenRecords are no JSON, in places that are read and in places that are skipped.
var brokenRecords = []string{
	`{"eventTime":"2024-07-30T20:31:15Z","eventName":"A"`,
	`{"eventTime":"2024-07-30T20:31:15Z","eventName":"A",}`,
	`{"eventTime":"2024-07-30T20:31:15Z" "eventName":"A"}`,
	`{"eventTime":"2024-07-30T20:31:15Z","eventName":"A","x":tru}`,
	`{"eventTime":"2024-07-30T20:31:15Z","eventName":"A","x":01}`,
	`{"eventTime":"2024-07-30T20:31:15Z","eventName":"A","x":{"a":nonsense,}}`,
	`{"eventTime":"2024-07-30T20:31:15Z","eventName":"A","x":[1}}`,
	`{"eventTime":"2024-07-30T20:31:15Z","eventName":"A","userIdentity":{"type":nonsense}}`,
	`{"eventTime":"2024-07-30T20:31:15Z","eventName":"A","userIdentity":{"type":"x"]}`,
	`{"eventTime":"2024-07-30T20:31:15Z","eventName":"A","userAgent":"\x"}`,
	`{"eventTime":"2024-07-30T20:31:15Z","eventName":"A","userAgent":"\u12"}`,
	`{"eventTime":"2024-07-30T20:31:15Z","eventName":"A","userAgent":"` + "\x01" + `"}`,
	`{"eventTime":"2024-07-30T20:31:15Z","eventName":"A"} x`,
	`{"eventTime":"2024-07-30T20:31:15Z","eventName":"A","x":"cut`,
	`{"eventTime":"2024-07-30T20:31:15Z","eventSource":"sts.amazonaws.com","eventName":"AssumeRole","requestParameters":{"roleArn":"a","tags":[{"key":}]}}`,
	`{"eventTime":"2024-07-30T20:31:15Z","eventSource":"sts.amazonaws.com","eventName":"AssumeRole","responseElements":{"credentials":{"accessKeyId":"a",}}}`,
	strings.Repeat("[", 1000),
	strings.Repeat(`{"a":`, 1000),
	"\x00",
}

// objectVectors are objects of every form, good and broken.
func objectVectors() []string {
	all := strings.Join(recordVectors, ",")
	lines := strings.Join(recordVectors, "\n")
	hostile := strings.Join(hostileRecords, ",")
	out := []string{
		"", " \n", "null", "7", `"x"`, "[]", "{}", "[[]]", "[7,null]", `{"Records":[]}`, `{"Records":null}`, "\xef\xbb\xbf{\"Records\":[]}",
		`{"Records":[` + all + `]}`,
		`{"Records":[` + hostile + `]}`,
		`{"Records":[1,"` + "x" + `",null,[],{},{"a":1}]}`,
		`{"a":{"Records":[]},"b":[1,2],"Records":[` + recordEC2 + `],"c":1}`,
		`{"Records":[` + recordEC2 + `],"Records":[` + recordAssume + `]}`,
		`{"R\u0065cords":[` + recordEC2 + `]}`,
		pretty(`{"Records":[` + all + `]}`),
		`[` + all + `]`,
		pretty(`[` + all + `]`),
		lines, lines + "\n", strings.ReplaceAll(lines, "\n", "\r\n"),
		pretty(recordEC2) + "\n" + pretty(recordAssume),
		recordEC2 + recordAssume + `{"Records":[` + recordSAML + `]}` + `[` + recordCenter + `]`,
		`{"Events":[{"EventId":"1","EventName":"A","CloudTrailEvent":` + quote(recordEC2) + `},{"CloudTrailEvent":` + quote(recordInsight) + `}],"NextToken":"x"}`,
		`[{"EventId":"1","CloudTrailEvent":` + quote(recordEC2) + `}]`,
		`{"EventId":"1","CloudTrailEvent":` + quote(recordEC2) + `}`,
		`{"Events":[{"CloudTrailEvent":"x"},{"CloudTrailEvent":7},{"CloudTrailEvent":"{\"a\":"},{"CloudTrailEvent":` + quote(recordEC2+" x") + `},{"CloudTrailEvent":` + recordEC2 + `}]}`,
		`[` + quote(recordEC2) + `,` + quote(recordAssume) + `]`,
		payload(recordEC2, recordAssume),
		payload("no record", recordEC2),
		strings.Replace(payload("CWL CONTROL MESSAGE: Checking health of destination Kinesis stream."), "DATA_MESSAGE", "CONTROL_MESSAGE", 1),
		payload(recordEC2) + payload(recordAssume),
		lambdaPayload(payload(recordEC2)),
		`{"awslogs":{"data":"!"}}`, `{"awslogs":{"data":"AAAA"}}`, `{"awslogs":{}}`, `{"awslogs":7}`,
		lambdaPayload(lambdaPayload(payload(recordEC2))),
		`{"version":"0","id":"1","detail-type":"AWS API Call via CloudTrail","source":"aws.s3","account":"111122223333","time":"2024-07-30T21:31:15Z","region":"eu-west-1","resources":[],"detail":` + recordEC2 + `}`,
		`{"detail-type":"EC2 Instance State-change Notification","detail":{"state":"running"}}`,
		digestVector, digestVector + "\n" + digestVector,
		`{"events":[{"logStreamName":"s","timestamp":1,"message":` + quote(recordEC2) + `}],"searchedLogStreams":[]}`,
		`{"Events":[{"Events":[{"Events":[{"Events":[{"Events":[{"Events":[]}]}]}]}]}]}`,
		recordEC2[:900] + "\n" + recordAssume + "\n" + recordSAML,
		recordEC2 + "\n" + recordAssume[:700] + "\n" + recordSAML + "\n" + recordCenter[:50],
		"{\n" + recordEC2[1:] + "\n" + recordAssume,
		"PK\x03\x04", "BZh9", "PAR1", "\xff\xfe{\x00", "plain text\nof two lines", "a,b,c\n1,2,3\n", "<html>",
	}
	for _, b := range brokenRecords {
		out = append(out, b, recordEC2+"\n"+b+"\n"+recordAssume,
			`{"Records":[`+recordEC2+`,`+b+`,`+recordAssume+`]}`, `[`+b+`]`,
			`{"Events":[{"CloudTrailEvent":`+quote(b)+`}]}`)
	}
	return append(out, hostileRecords...)
}

// Every form is read as the plain reader reads it, and cut at any point too.
func TestReadLikeOracle(t *testing.T) {
	c := newChecker()
	for _, v := range objectVectors() {
		c.check(t, []byte(v))
	}
	for _, v := range []string{
		`{"Records":[` + recordAssume + `,` + recordConsole + `]}`,
		recordConsole + "\n" + recordAssume + "\n",
		`{"Events":[{"CloudTrailEvent":` + quote(recordConsole) + `}]}`,
		pretty(recordConsole),
	} {
		step := 3
		if testing.Short() {
			step = 13
		}
		for cut := 0; cut < len(v); cut += step {
			c.check(t, []byte(v[:cut]))
		}
	}
}

// What the plain reader hands encoding/json is what the record says to it.
func TestOracleAgreesOnWholeRecords(t *testing.T) {
	for _, v := range append(append([]string{}, recordVectors...), hostileRecords...) {
		r := &plainReader{b: []byte(v), maxDepth: 1000}
		ms, _ := r.record(0, false)
		if got, want := dumpEvent(withRaw(oracleEvent(json.RawMessage(plainJoin(ms))))), dumpEvent(withRaw(oracleEvent(json.RawMessage(v)))); got != want {
			t.Errorf("of %s\n got %s\nwant %s", v, got, want)
		}
	}
}

// withRaw drops the one field in which the two must differ.
func withRaw(e *Event) *Event {
	e.IdentityRaw = nil
	return e
}

func FuzzRead(f *testing.F) {
	for _, v := range objectVectors() {
		f.Add([]byte(v))
	}
	c := newChecker()
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 1<<16 {
			return
		}
		if bytes.HasPrefix(data, gzipMagic) || foreign(data) == "" && len(data) > 0 && (data[0] == 0x28 || data[0]&0xf0 == 0x50) {
			return // compressed streams have no oracle
		}
		c.check(t, data)
		if !json.Valid(data) || bytes.TrimLeft(data, " \t\r\n")[0] != '{' {
			return
		}
		// Of a valid record encoding/json itself says what the event is.
		r := &plainReader{b: data, maxDepth: 1000}
		var ms []plainMember
		if plainTry(func() { ms, _ = r.record(r.space(0), false) }) != nil {
			t.Fatalf("the plain reader refuses %q", data)
		}
		if got, want := dumpEvent(withRaw(oracleEvent(json.RawMessage(plainJoin(ms))))), dumpEvent(withRaw(oracleEvent(json.RawMessage(data)))); got != want {
			t.Fatalf("of %q\n got %s\nwant %s", data, got, want)
		}
	})
}
