package ingest

import (
	"bytes"
	"context"
	"crypto/md5"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	"github.com/aws/smithy-go"
)

// maxKeyFile bounds a file of public keys: each takes a kilobyte at most.
const maxKeyFile = 8 << 20

// PublicKeys are keys that CloudTrail signs digests with.
type PublicKeys struct {
	byFingerprint map[string]*publicKey
}

// publicKey is a key with the time in which CloudTrail signs with it, which is
// not bounded where nothing tells it, as in PEM.
type publicKey struct {
	*rsa.PublicKey
	valid interval
}

// signsIn reports whether CloudTrail signs with the key at some time between two.
func (k *publicKey) signsIn(from, to time.Time) bool {
	return from.Before(k.valid.to) && !to.Before(k.valid.from)
}

// ReadPublicKeys reads keys as `aws cloudtrail list-public-keys` prints them, in
// JSON, or as PEM, of the types RSA PUBLIC KEY (PKCS #1) and PUBLIC KEY (PKIX).
// Several outputs or keys may stand one after another, such as those of all
// regions.
func ReadPublicKeys(r io.Reader) (*PublicKeys, error) {
	b, err := io.ReadAll(io.LimitReader(r, maxKeyFile+1))
	if err != nil {
		return nil, err
	}
	if len(b) > maxKeyFile {
		return nil, fmt.Errorf("larger than %s: no file of public keys", byteSize(maxKeyFile))
	}
	keys := &PublicKeys{byFingerprint: map[string]*publicKey{}}
	text := bytes.TrimSpace(bytes.TrimPrefix(b, []byte("\xef\xbb\xbf")))
	switch {
	case len(text) == 0:
		return nil, errors.New("empty: `aws cloudtrail list-public-keys` prints the keys")
	case text[0] == '{':
		err = keys.readJSON(text)
	default:
		err = keys.readPEM(text)
	}
	if err == nil && len(keys.byFingerprint) == 0 {
		err = errors.New("holds no public key: `aws cloudtrail list-public-keys --start-time ... --end-time ...` prints those of a time")
	}
	if err != nil {
		return nil, err
	}
	return keys, nil
}

func (k *PublicKeys) readJSON(text []byte) error {
	for dec := json.NewDecoder(bytes.NewReader(text)); ; {
		var list struct {
			PublicKeyList []struct {
				Value, Fingerprint string
				ValidityStartTime  *keyTime
				ValidityEndTime    *keyTime
			}
		}
		switch err := dec.Decode(&list); {
		case err == io.EOF:
			return nil
		case err != nil:
			return fmt.Errorf("neither the JSON of `aws cloudtrail list-public-keys` nor PEM: %w", err)
		}
		for i, key := range list.PublicKeyList {
			der, err := base64.StdEncoding.DecodeString(key.Value)
			if err == nil {
				err = k.add(der, key.Fingerprint, (*time.Time)(key.ValidityStartTime), (*time.Time)(key.ValidityEndTime))
			}
			if err != nil {
				return fmt.Errorf("PublicKeyList[%d]: %w", i, err)
			}
		}
	}
}

// keyTime is a time as the AWS CLI prints it: seconds since 1970 by version 1, a
// number or, in AWS's own example, a string of it, and RFC 3339 by version 2.
//
// https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-log-file-custom-validation.html
type keyTime time.Time

func (t *keyTime) UnmarshalJSON(b []byte) error {
	text := strings.Trim(string(b), `"`)
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		seconds, err := strconv.ParseFloat(text, 64)
		if err != nil || !(seconds >= 0 && seconds < float64(latestTime.Unix())) {
			return fmt.Errorf("%.40s is no time", b)
		}
		at = time.Unix(int64(seconds), 0)
	}
	*t = keyTime(at.UTC())
	return nil
}

func (k *PublicKeys) readPEM(text []byte) error {
	for n := 1; len(text) > 0; n++ {
		block, rest := pem.Decode(text)
		if block == nil {
			return errors.New("neither PEM nor the JSON of `aws cloudtrail list-public-keys`")
		}
		if block.Type != "RSA PUBLIC KEY" && block.Type != "PUBLIC KEY" {
			return fmt.Errorf("block %d is a %q and no public key", n, block.Type)
		}
		if err := k.add(block.Bytes, "", nil, nil); err != nil {
			return fmt.Errorf("block %d: %w", n, err)
		}
		text = bytes.TrimSpace(rest)
	}
	return nil
}

// add adds a key by its DER form. Its fingerprint is the MD5 of the form that
// CloudTrail gives out, PKCS #1; a key that came in another one has that form's
// too, and the one that its list states. A bound of its time that is nil is
// unknown.
//
// https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-log-file-custom-validation.html
func (k *PublicKeys) add(der []byte, fingerprint string, from, to *time.Time) error {
	key, err := x509.ParsePKCS1PublicKey(der)
	if err != nil {
		parsed, err := x509.ParsePKIXPublicKey(der)
		if err != nil {
			return errors.New("no public key in PKCS #1 or PKIX form")
		}
		var ok bool
		if key, ok = parsed.(*rsa.PublicKey); !ok {
			return errors.New("no RSA key")
		}
	}
	if bits := key.N.BitLen(); bits < 1024 || bits > 16384 {
		return fmt.Errorf("an RSA key of %d bits, which CloudTrail does not use", bits)
	}
	known := &publicKey{key, interval{earliestTime, latestTime}}
	if from != nil {
		known.valid.from = *from
	}
	if to != nil {
		known.valid.to = *to
	}
	for _, f := range []string{hexMD5(x509.MarshalPKCS1PublicKey(key)), hexMD5(der), fingerprint} {
		if f != "" {
			k.byFingerprint[f] = known
		}
	}
	return nil
}

func hexMD5(b []byte) string {
	sum := md5.Sum(b) // a name for the key, chosen by CloudTrail; it proves nothing
	return hex.EncodeToString(sum[:])
}

// keyring finds the keys to check digests with: in a file, or by asking
// CloudTrail, which has other keys in every region.
type keyring struct {
	file *PublicKeys // nil to ask CloudTrail
	cfg  aws.Config

	mu      sync.Mutex
	regions map[string]*regionKeys
}

type regionKeys struct {
	mu    sync.Mutex
	keys  PublicKeys
	asked []interval
	err   error // of the first answer that was an error
}

func newKeyring(file *PublicKeys, cfg aws.Config) *keyring {
	return &keyring{file: file, cfg: cfg, regions: map[string]*regionKeys{}}
}

// find gives the key of that fingerprint, nil if there is none among the keys
// that were used in a time. It asks for the keys of each region and time once.
func (k *keyring) find(ctx context.Context, region, fingerprint string, during interval) (*publicKey, error) {
	if k.file != nil {
		return k.file.byFingerprint[fingerprint], nil
	}
	k.mu.Lock()
	r := k.regions[region]
	if r == nil {
		r = &regionKeys{keys: PublicKeys{byFingerprint: map[string]*publicKey{}}}
		k.regions[region] = r
	}
	k.mu.Unlock()

	r.mu.Lock()
	defer r.mu.Unlock()
	key := r.keys.byFingerprint[fingerprint]
	if key != nil || r.err != nil || slices.ContainsFunc(r.asked, during.within) {
		return key, r.err
	}
	if err := r.ask(ctx, k.cfg, region, during); err != nil {
		if ctx.Err() == nil {
			r.err = err
		}
		return nil, err
	}
	r.asked = append(r.asked, during)
	return r.keys.byFingerprint[fingerprint], nil
}

// ask asks for the keys that were used in a time.
//
// https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_ListPublicKeys.html
func (r *regionKeys) ask(ctx context.Context, cfg aws.Config, region string, during interval) error {
	what := "list the public keys of CloudTrail in " + region
	client := cloudtrail.NewFromConfig(cfg, func(o *cloudtrail.Options) { o.Region = region })
	in := &cloudtrail.ListPublicKeysInput{StartTime: aws.Time(during.from), EndTime: aws.Time(during.to)}
	for {
		out, err := client.ListPublicKeys(ctx, in)
		if err != nil {
			var api smithy.APIError
			if errors.As(err, &api) && ctx.Err() == nil && (api.ErrorCode() == "AccessDeniedException" || api.ErrorCode() == "AccessDenied") {
				return &RequestError{What: what, Why: "access denied (" + apiText(api) + ")",
					Do: "allow cloudtrail:ListPublicKeys to whoever runs the scan, or give the keys with --public-keys", Err: err}
			}
			return newRequestError(ctx, what, err)
		}
		for _, key := range out.PublicKeyList {
			if err := r.keys.add(key.Value, aws.ToString(key.Fingerprint), key.ValidityStartTime, key.ValidityEndTime); err != nil {
				return &RequestError{What: what, Why: "key " + aws.ToString(key.Fingerprint) + ": " + err.Error(), Err: err}
			}
		}
		next := aws.ToString(out.NextToken)
		if next == "" || next == aws.ToString(in.NextToken) {
			return nil
		}
		in.NextToken = aws.String(next)
	}
}
