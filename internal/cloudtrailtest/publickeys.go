package cloudtrailtest

import (
	"crypto/md5"
	"crypto/rsa"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"time"
)

// PublicKey is a key that signs the digests of one region for some time.
type PublicKey struct {
	Region   string
	Key      *rsa.PublicKey
	From, To time.Time
}

// Fingerprint is the name that digests call the key by.
func (k PublicKey) Fingerprint() string {
	sum := md5.Sum(x509.MarshalPKCS1PublicKey(k.Key))
	return hex.EncodeToString(sum[:])
}

type publicKey struct {
	Value             []byte
	Fingerprint       string
	ValidityStartTime epoch
	ValidityEndTime   epoch
}

type publicKeyList struct {
	PublicKeyList []publicKey
	NextToken     string `json:",omitempty"`
}

func answerKeys(keys []PublicKey) publicKeyList {
	list := publicKeyList{PublicKeyList: []publicKey{}}
	for _, k := range keys {
		list.PublicKeyList = append(list.PublicKeyList, publicKey{x509.MarshalPKCS1PublicKey(k.Key), k.Fingerprint(), epoch{k.From}, epoch{k.To}})
	}
	return list
}

// PublicKeysJSON is what `aws cloudtrail list-public-keys` prints of these keys.
func PublicKeysJSON(keys []PublicKey) []byte {
	b, err := json.MarshalIndent(answerKeys(keys), "", "    ")
	if err != nil {
		panic(err) // numbers and plain strings
	}
	return append(b, '\n')
}

// listPublicKeys answers with the keys of the region that were in use in a time,
// which is now where the request names none.
// https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_ListPublicKeys.html
func (s *Server) listPublicKeys(call *Call, body []byte) (any, map[string]string, *fault) {
	if flt := s.asked(call); flt != nil && flt.kind == faultError {
		return nil, nil, &fault{flt.status, flt.code, flt.message}
	}
	var in struct {
		StartTime, EndTime *epoch
		NextToken          string
	}
	if err := json.Unmarshal(body, &in); err != nil {
		return nil, nil, invalid("SerializationException", "%s", err.Error())
	}
	from, to := call.At, call.At
	if in.StartTime != nil {
		from = in.StartTime.Time
	}
	if in.EndTime != nil {
		to = in.EndTime.Time
	}
	call.Start, call.End = from, to
	if from.After(to) {
		return nil, nil, invalid("InvalidTimeRangeException", "Start time must not be after end time.")
	}
	var keys []PublicKey
	for _, k := range s.PublicKeys {
		if k.Region == call.Region && !k.From.After(to) && !k.To.Before(from) {
			keys = append(keys, k)
		}
	}
	return answerKeys(keys), nil, nil
}

// describeTrails answers with all trails, as for multi-Region trails in any region.
// https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_DescribeTrails.html
func (s *Server) describeTrails(call *Call) (any, map[string]string, *fault) {
	type trail struct {
		Name, S3BucketName, TrailARN, HomeRegion     string
		S3KeyPrefix                                  string `json:",omitempty"`
		IsMultiRegionTrail, LogFileValidationEnabled bool
	}
	list := []trail{}
	for _, t := range s.Trails {
		list = append(list, trail{
			Name: t.Name, S3BucketName: t.Bucket, S3KeyPrefix: t.Prefix, HomeRegion: t.Home, IsMultiRegionTrail: true,
			LogFileValidationEnabled: true, TrailARN: t.ARN(),
		})
	}
	return map[string]any{"trailList": list}, nil, nil
}
