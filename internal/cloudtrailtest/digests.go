package cloudtrailtest

import (
	"bytes"
	"compress/gzip"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"sync"
	"time"
)

// Object is what a bucket holds under a key.
type Object struct {
	Body     []byte
	Metadata map[string]string
}

// SignedTrail writes log files and digests as a trail with log file validation
// does, into memory.
//
// https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-log-file-validation-digest-file-structure.html
type SignedTrail struct {
	Bucket, Prefix, Org, Account string
	Name, Home                   string
	// Signer is the key that signs from now on, of every region.
	Signer *rsa.PrivateKey

	Objects map[string]*Object // by key

	regions map[string]*signedRegion
	files   int
}

type signedRegion struct {
	logs      []map[string]any // that the next digest names
	last      *signedDigest    // nil at the beginning of a chain
	backfills *signedDigest
}

type signedDigest struct {
	key, hash, signature string
}

// SigningKey gives the nth key to sign with. It is made once in a process.
func SigningKey(n int) *rsa.PrivateKey { return signingKeys[n]() }

var signingKeys = [...]func() *rsa.PrivateKey{sync.OnceValue(newSigningKey), sync.OnceValue(newSigningKey), sync.OnceValue(newSigningKey)}

func newSigningKey() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
}

// NewSignedTrail makes a trail without objects.
func NewSignedTrail(bucket, account string) *SignedTrail {
	return &SignedTrail{
		Bucket: bucket, Account: account, Name: "management-events", Home: "us-east-1", Signer: SigningKey(0),
		Objects: map[string]*Object{}, regions: map[string]*signedRegion{},
	}
}

// ARN is the trail's ARN.
func (t *SignedTrail) ARN() string {
	return "arn:aws:cloudtrail:" + t.Home + ":" + t.Account + ":trail/" + t.Name
}

func (t *SignedTrail) region(name string) *signedRegion {
	r := t.regions[name]
	if r == nil {
		r = &signedRegion{}
		t.regions[name] = r
	}
	return r
}

// Folder is where a region's objects of a kind, CloudTrail or CloudTrail-Digest,
// lie.
func (t *SignedTrail) Folder(kind, region string) string {
	key := "AWSLogs/"
	if t.Prefix != "" {
		key = t.Prefix + "/" + key
	}
	if t.Org != "" {
		key += t.Org + "/"
	}
	return key + t.Account + "/" + kind + "/" + region + "/"
}

// LogKey is the key of a log file.
func (t *SignedTrail) LogKey(region string, at time.Time, unique string) string {
	return t.Folder("CloudTrail", region) + at.UTC().Format("2006/01/02/") + t.Account + "_CloudTrail_" + region + "_" +
		at.UTC().Format("20060102T1504Z") + "_" + unique + ".json.gz"
}

// DigestKey is the key of the digest of the hour that ends at a time.
func (t *SignedTrail) DigestKey(region string, end time.Time) string {
	return t.Folder("CloudTrail-Digest", region) + end.UTC().Format("2006/01/02/") + t.Account + "_CloudTrail-Digest_" + region + "_" +
		t.Name + "_" + t.Home + "_" + end.UTC().Format("20060102T150405Z") + ".json.gz"
}

// BackfillKey is the key of the backfill digest of that hour.
func (t *SignedTrail) BackfillKey(region string, end time.Time) string {
	key := t.DigestKey(region, end)
	return key[:len(key)-len(".json.gz")] + "_backfill.json.gz"
}

// Deliver writes a log file with records of the minutes before a time, which the
// next digest of the region names. It returns the file's key.
func (t *SignedTrail) Deliver(region string, at time.Time, records ...json.RawMessage) string {
	key, entry := t.deliver(region, at, records)
	r := t.region(region)
	r.logs = append(r.logs, entry)
	return key
}

func (t *SignedTrail) deliver(region string, at time.Time, records []json.RawMessage) (string, map[string]any) {
	t.files++
	key := t.LogKey(region, at, fmt.Sprintf("%016d", t.files))
	body, err := json.Marshal(map[string]any{"Records": records})
	if err != nil {
		panic(err) // the test's own records
	}
	t.Objects[key] = &Object{Body: Gzip(body)}
	return key, map[string]any{
		"s3Bucket": t.Bucket, "s3Object": key, "hashValue": hexSHA256(body), "hashAlgorithm": "SHA-256",
		"oldestEventTime": at.Add(-10 * time.Minute).UTC().Format(time.RFC3339), "newestEventTime": at.Add(-time.Minute).UTC().Format(time.RFC3339),
	}
}

// Digest writes the digest of the hour that ends at a time, and returns its key.
func (t *SignedTrail) Digest(region string, end time.Time) string {
	r := t.region(region)
	r.last = t.sign(region, end, t.DigestKey(region, end), r.logs, r.last, nil)
	r.logs = nil
	return r.last.key
}

// Stop ends the region's chain of digests, as StopLogging does.
func (t *SignedTrail) Stop(region string) { t.region(region).last = nil }

// Backfill delivers a log file late, and writes a backfill digest that names it.
// It returns both keys.
func (t *SignedTrail) Backfill(region string, at, end, generated time.Time, records ...json.RawMessage) (log, digest string) {
	log, entry := t.deliver(region, at, records)
	r := t.region(region)
	r.backfills = t.sign(region, end, t.BackfillKey(region, end), []map[string]any{entry}, r.backfills,
		map[string]string{"backfill-generation-timestamp": generated.UTC().Format(time.RFC3339)})
	return log, r.backfills.key
}

func (t *SignedTrail) sign(region string, end time.Time, key string, logs []map[string]any, last *signedDigest, metadata map[string]string) *signedDigest {
	const form = "2006-01-02T15:04:05Z"
	if logs == nil {
		logs = []map[string]any{}
	}
	d := map[string]any{
		"awsAccountId": t.Account, "digestStartTime": end.Add(-time.Hour).UTC().Format(form), "digestEndTime": end.UTC().Format(form),
		"digestS3Bucket": t.Bucket, "digestS3Object": key, "digestSignatureAlgorithm": "SHA256withRSA",
		"digestPublicKeyFingerprint": PublicKey{Key: &t.Signer.PublicKey}.Fingerprint(),
		"newestEventTime":            nil, "oldestEventTime": nil,
		"previousDigestS3Bucket": nil, "previousDigestS3Object": nil, "previousDigestHashValue": nil,
		"previousDigestHashAlgorithm": nil, "previousDigestSignature": nil,
		"logFiles": logs,
	}
	if last != nil {
		d["previousDigestS3Bucket"], d["previousDigestS3Object"] = t.Bucket, last.key
		d["previousDigestHashValue"], d["previousDigestHashAlgorithm"], d["previousDigestSignature"] = last.hash, "SHA-256", last.signature
	}
	return t.store(key, d, metadata)
}

// store signs a digest and writes it.
func (t *SignedTrail) store(key string, d map[string]any, metadata map[string]string) *signedDigest {
	body, err := json.Marshal(d)
	if err != nil {
		panic(err) // strings only
	}
	previous, ok := d["previousDigestSignature"].(string)
	if !ok {
		previous = "null"
	}
	text := fmt.Sprintf("%s\n%s/%s\n%s\n%s", d["digestEndTime"], d["digestS3Bucket"], d["digestS3Object"], hexSHA256(body), previous)
	sum := sha256.Sum256([]byte(text))
	signature, err := rsa.SignPKCS1v15(nil, t.Signer, crypto.SHA256, sum[:])
	if err != nil {
		panic(err) // the key is long enough
	}
	all := map[string]string{"signature": hex.EncodeToString(signature), "signature-algorithm": "SHA256withRSA"}
	maps.Copy(all, metadata)
	t.Objects[key] = &Object{Body: Gzip(body), Metadata: all}
	return &signedDigest{key, hexSHA256(body), all["signature"]}
}

// Resign changes a digest that was written, and signs it anew: a valid digest of
// which the next one knows nothing.
func (t *SignedTrail) Resign(key string, change func(digest map[string]any)) {
	var d map[string]any
	if err := json.Unmarshal(Gunzip(t.Objects[key].Body), &d); err != nil {
		panic(err)
	}
	change(d)
	t.store(key, d, nil)
}

func hexSHA256(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// Gzip compresses b as one member.
func Gzip(b []byte) []byte {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	_, err := w.Write(b)
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		panic(err) // a buffer takes everything
	}
	return out.Bytes()
}

// Gunzip is the opposite of Gzip.
func Gunzip(b []byte) []byte {
	r, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		panic(err)
	}
	out, err := io.ReadAll(r)
	if err != nil {
		panic(err)
	}
	return out
}
