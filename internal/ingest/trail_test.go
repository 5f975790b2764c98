package ingest

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// makeRecords makes n records like those of a busy account, 1.3 KB on average:
// reads and writes of S3 by instances and functions, calls of other services,
// and the assume events between them. The same n gives the same records.
func makeRecords(n int) []string {
	rnd := rand.New(rand.NewPCG(1, 2))
	hex := func(n int) string {
		var b strings.Builder
		for b.Len() < n {
			fmt.Fprintf(&b, "%016x", rnd.Uint64())
		}
		return b.String()[:n]
	}
	uuid := func() string {
		h := hex(32)
		return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
	}
	key := func(i int) string { return fmt.Sprintf("ASIAEXAMPLE%09d", i) }
	records := make([]string, n)
	for i := range records {
		when := fmt.Sprintf("2024-07-30T%02d:%02d:%02dZ", i/3600%24, i/60%60, i%60)
		session := rnd.IntN(60)
		role := []string{"orders-api", "nightly-batch", "web", "reporting"}[session%4]
		name := []string{"orders-api", "botocore-session-17223750" + fmt.Sprint(10+session), "i-0123456789abc" + fmt.Sprintf("%04x", session), "GitHubActions"}[session%4]
		account := []string{"111122223333", "444455556666"}[session%2]
		identity := fmt.Sprintf(`{"type":"AssumedRole","principalId":"AROAEXAMPLEROLE%05d:%s","arn":"arn:aws:sts::%s:assumed-role/%s/%s","accountId":"%s","accessKeyId":"%s","sessionContext":{"sessionIssuer":{"type":"Role","principalId":"AROAEXAMPLEROLE%05d","arn":"arn:aws:iam::%s:role/service/%s","accountId":"%s","userName":"%s"},"attributes":{"creationDate":"2024-07-30T00:%02d:00Z","mfaAuthenticated":"false"}}}`,
			session%4, name, account, role, name, account, key(session), session%4, account, role, account, role, session)
		tail := fmt.Sprintf(`"requestID":"%s","eventID":"%s","readOnly":%v,`, strings.ToUpper(hex(16)), uuid(), i%3 != 0)
		switch k := rnd.IntN(100); {
		case k < 25:
			object := fmt.Sprintf("exports/%d/%s.parquet", i%31, hex(24))
			records[i] = fmt.Sprintf(`{"eventVersion":"1.11","userIdentity":%s,"eventTime":"%s","eventSource":"s3.amazonaws.com","eventName":"%s","awsRegion":"eu-west-1","sourceIPAddress":"10.%d.%d.7","userAgent":"[Boto3/1.34.%d md/Botocore#1.34.1 ua/2.0 os/linux#6.1.0 md/arch#x86_64 lang/python#3.11.6 md/pyimpl#CPython cfg/retry-mode#legacy Botocore/1.34.1]","requestParameters":{"bucketName":"orders-prod","Host":"orders-prod.s3.eu-west-1.amazonaws.com","key":"%s"},"responseElements":null,"additionalEventData":{"SignatureVersion":"SigV4","CipherSuite":"TLS_AES_128_GCM_SHA256","bytesTransferredIn":0,"AuthenticationMethod":"AuthHeader","x-amz-id-2":"%s=","bytesTransferredOut":%d},%s"resources":[{"type":"AWS::S3::Object","ARN":"arn:aws:s3:::orders-prod/%s"},{"accountId":"111122223333","type":"AWS::S3::Bucket","ARN":"arn:aws:s3:::orders-prod"}],"eventType":"AwsApiCall","managementEvent":false,"recipientAccountId":"%s","vpcEndpointId":"vpce-0123456789abcdef0","eventCategory":"Data","tlsDetails":{"tlsVersion":"TLSv1.3","cipherSuite":"TLS_AES_128_GCM_SHA256","clientProvidedHostHeader":"orders-prod.s3.eu-west-1.amazonaws.com"}}`,
				identity, when, []string{"GetObject", "PutObject", "HeadObject", "ListObjects"}[k%4], session, i%250, session%9, object, hex(76), rnd.IntN(1<<20), tail, object, account)
		case k < 90:
			records[i] = fmt.Sprintf(`{"eventVersion":"1.09","userIdentity":%s,"eventTime":"%s","eventSource":"%s","eventName":"%s","awsRegion":"us-east-1","sourceIPAddress":"203.0.113.%d","userAgent":"aws-sdk-go-v2/1.30.3 os/linux lang/go#1.22.5 md/GOOS#linux md/GOARCH#amd64 api/dynamodb#1.34.3","requestParameters":{"filter":{"states":["available","pending"],"nested":{"a":{"b":[1,2,3]}}},"maxResults":100,"text":"a \"quoted\" value with a \\ in it"},"responseElements":null,%s"eventType":"AwsApiCall","managementEvent":true,"recipientAccountId":"%s","eventCategory":"Management","tlsDetails":{"tlsVersion":"TLSv1.3","cipherSuite":"TLS_AES_128_GCM_SHA256","clientProvidedHostHeader":"ec2.us-east-1.amazonaws.com"}}`,
				identity, when, []string{"ec2.amazonaws.com", "kms.amazonaws.com", "dynamodb.amazonaws.com"}[k%3], []string{"DescribeInstances", "Decrypt", "DescribeTable"}[k%3], i%250, tail, account)
		default:
			records[i] = fmt.Sprintf(`{"eventVersion":"1.08","userIdentity":{"type":"AWSService","invokedBy":"lambda.amazonaws.com"},"eventTime":"%s","eventSource":"sts.amazonaws.com","eventName":"AssumeRole","awsRegion":"us-east-1","sourceIPAddress":"lambda.amazonaws.com","userAgent":"lambda.amazonaws.com","requestParameters":{"roleArn":"arn:aws:iam::%s:role/service/%s","roleSessionName":"%s"},"responseElements":{"credentials":{"accessKeyId":"%s","sessionToken":"IQoJb3JpZ2luX2VjE%s","expiration":"Jul 30, 2024, 4:07:39 PM"},"assumedRoleUser":{"assumedRoleId":"AROAEXAMPLEROLE%05d:%s","arn":"arn:aws:sts::%s:assumed-role/%s/%s"}},%s"resources":[{"accountId":"%s","type":"AWS::IAM::Role","ARN":"arn:aws:iam::%s:role/service/%s"}],"eventType":"AwsApiCall","managementEvent":true,"recipientAccountId":"%s","sharedEventID":"%s","eventCategory":"Management"}`,
				when, account, role, name, key(session), hex(300), session%4, name, account, role, name, tail, account, account, role, account, uuid())
		}
	}
	return records
}

// makeTrail is a log file of n such records.
func makeTrail(n int) string { return `{"Records":[` + strings.Join(makeRecords(n), ",") + `]}` }
