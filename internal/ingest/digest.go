package ingest

import (
	"bytes"
	"compress/gzip"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
)

// digestAlgorithm is how CloudTrail signs digests, and the only way it ever did.
const digestAlgorithm = "SHA256withRSA"

// maxDigest is how much a digest file may inflate to. It takes some 400 bytes for
// each log file of its hour.
const maxDigest = 64 << 20

// digestName is what the name of a digest file says:
//
//	ACCOUNT_CloudTrail-Digest_REGION_TRAIL_HOMEREGION_YYYYMMDDTHHmmssZ[_backfill].json.gz
//
// The stamp is the end of the time that the digest is about.
type digestName struct {
	Key
	trail, home string
	backfill    bool // names log files that were delivered late
}

// parseDigestName takes the key or path of a digest file apart, and reports false
// for everything else.
//
// https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-log-file-validation-digest-file-structure.html
func parseDigestName(key string) (digestName, bool) {
	k, ok := ParseKey(key)
	if !ok || k.Kind != KindDigest {
		return digestName{}, false
	}
	_, file, _ := cutLast(key)
	rest, gz := strings.CutSuffix(file, ".json.gz")
	rest, backfill := strings.CutSuffix(rest, "_backfill")
	rest, ours := strings.CutPrefix(rest, k.Account+"_"+KindDigest+"_"+k.Region+"_")
	// Trails' names may hold underscores, regions' and stamps never do.
	i := strings.LastIndexByte(rest, '_')
	if !gz || !ours || i < 0 {
		return digestName{}, false
	}
	stamp, ok := stampPrefix(rest[i+1:])
	j := strings.LastIndexByte(rest[:i], '_')
	if !ok || len(rest[i+1:]) != len("20060102T150405Z") || j < 0 {
		return digestName{}, false
	}
	n := digestName{Key: k, trail: rest[:j], home: rest[j+1 : i], backfill: backfill}
	n.Stamp = stamp
	return n, n.trail != "" && isRegion(n.home)
}

// digest is the content of a digest file: the log files that were delivered in
// an hour, and the digest before it.
//
// https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-log-file-validation-digest-file-structure.html
type digest struct {
	account     string
	bucket, key string // where it was delivered to
	start, end  time.Time
	fingerprint string // of the public key to check it with
	algorithm   string

	previous          digestLink
	previousSignature string // hex, or null in the first digest of a chain
	logs              []digestLog

	endText string            // digestEndTime as it is written
	sum     [sha256.Size]byte // of the file's uncompressed bytes
}

// digestLink is how a digest names the one before it; it is zero in the first
// of a chain.
type digestLink struct {
	bucket, key string
	hash        string // hex SHA-256 of its uncompressed bytes
}

// digestLog is a log file that a digest names.
type digestLog struct {
	Bucket    string    `json:"s3Bucket"`
	Key       string    `json:"s3Object"`
	Hash      string    `json:"hashValue"` // hex SHA-256 of its uncompressed bytes
	Algorithm string    `json:"hashAlgorithm"`
	Oldest    time.Time `json:"oldestEventTime"`
	Newest    time.Time `json:"newestEventTime"`
}

// parseDigest reads the uncompressed bytes of a digest file. What it says is to be
// believed only after its signature was checked.
func parseDigest(raw []byte) (*digest, error) {
	var in struct {
		Account      string          `json:"awsAccountId"`
		Start        *string         `json:"digestStartTime"`
		End          *string         `json:"digestEndTime"`
		Bucket       *string         `json:"digestS3Bucket"`
		Key          *string         `json:"digestS3Object"`
		Fingerprint  *string         `json:"digestPublicKeyFingerprint"`
		Algorithm    string          `json:"digestSignatureAlgorithm"`
		PrevBucket   string          `json:"previousDigestS3Bucket"`
		PrevKey      string          `json:"previousDigestS3Object"`
		PrevHash     string          `json:"previousDigestHashValue"`
		PrevSigned   json.RawMessage `json:"previousDigestSignature"`
		LogFiles     []digestLog     `json:"logFiles"`
		PrevHashAlgo *string         `json:"previousDigestHashAlgorithm"`
	}
	if err := json.Unmarshal(raw, &in); err != nil {
		return nil, fmt.Errorf("no digest: %w", err)
	}
	// Those that the AWS CLI insists on: awscli/customizations/cloudtrail/validation.py,
	// DigestTraverser.required_digest_keys.
	for _, f := range []struct {
		name string
		v    *string
	}{
		{"digestPublicKeyFingerprint", in.Fingerprint}, {"digestS3Bucket", in.Bucket}, {"digestS3Object", in.Key},
		{"digestEndTime", in.End}, {"digestStartTime", in.Start},
	} {
		if f.v == nil {
			return nil, fmt.Errorf("no digest: it has no %s", f.name)
		}
	}
	if in.PrevSigned == nil {
		return nil, errors.New("no digest: it has no previousDigestSignature")
	}
	d := &digest{
		account: in.Account, bucket: *in.Bucket, key: *in.Key,
		fingerprint: *in.Fingerprint, algorithm: in.Algorithm,
		previous:          digestLink{in.PrevBucket, in.PrevKey, in.PrevHash},
		previousSignature: "null", logs: in.LogFiles,
		endText: *in.End, sum: sha256.Sum256(raw),
	}
	if err := json.Unmarshal(in.PrevSigned, &d.previousSignature); err != nil {
		return nil, errors.New("no digest: its previousDigestSignature is no text")
	}
	if in.PrevBucket == "" || in.PrevKey == "" {
		d.previous = digestLink{}
	}
	if in.PrevHashAlgo != nil && *in.PrevHashAlgo != "SHA-256" {
		d.previous.hash = ""
	}
	var err error
	if d.start, err = time.Parse(time.RFC3339, *in.Start); err == nil {
		d.end, err = time.Parse(time.RFC3339, *in.End)
	}
	if err != nil {
		return nil, fmt.Errorf("no digest: its time is none: %w", err)
	}
	d.start, d.end = d.start.UTC(), d.end.UTC()
	return d, nil
}

// first reports whether a chain begins with the digest: logging, or the
// validation of log files, was turned on in its time.
func (d *digest) first() bool { return d.previous == digestLink{} }

// signed is the text that is signed. It takes what the digest says of itself as
// it is written, and the hash of the bytes as they were stored.
//
// https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-log-file-custom-validation.html
func (d *digest) signed() string {
	return d.endText + "\n" + d.bucket + "/" + d.key + "\n" + hex.EncodeToString(d.sum[:]) + "\n" + d.previousSignature
}

// verify checks the digest's signature, which is in hex.
func (d *digest) verify(key *rsa.PublicKey, signature string) error {
	sig, err := hex.DecodeString(signature)
	if err != nil {
		return errors.New("its signature is not in hex")
	}
	sum := sha256.Sum256([]byte(d.signed()))
	return rsa.VerifyPKCS1v15(key, crypto.SHA256, sum[:], sig)
}

// inflateDigest unpacks a digest file as far as the AWS CLI reads it: the first
// member of its gzip stream. What is behind that is told.
func inflateDigest(stored []byte) (raw []byte, trailing bool, err error) {
	r := bytes.NewReader(stored)
	z, err := gzip.NewReader(r)
	if err != nil {
		return nil, false, errors.New("no gzip stream")
	}
	z.Multistream(false)
	raw, err = io.ReadAll(io.LimitReader(z, maxDigest+1))
	switch {
	case err != nil:
		return nil, false, errors.New("its gzip stream is damaged")
	case len(raw) > maxDigest:
		return nil, false, fmt.Errorf("it inflates to more than %s", byteSize(maxDigest))
	}
	return raw, r.Len() > 0, nil
}
