package ingest

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/trailscan/trailscan/internal/cloudtrailtest"
)

func TestDigestName(t *testing.T) {
	const folder = "AWSLogs/111122223333/CloudTrail-Digest/us-east-2/2026/11/20/"
	const begin = "111122223333_CloudTrail-Digest_us-east-2_"
	for _, tc := range []struct{ file, want string }{
		{begin + "trail_us-east-1_20261120T190712Z.json.gz", "trail us-east-1 19:07:12"},
		{begin + "my_trail.of-logs__us-east-1_20261120T190712Z.json.gz", "my_trail.of-logs_ us-east-1 19:07:12"},
		{begin + "trail_us-gov-west-1_20261120T000000Z_backfill.json.gz", "trail us-gov-west-1 00:00:00 backfill"},
		{begin + "20261120T190712Z_us-east-1_20261120T200712Z.json.gz", "20261120T190712Z us-east-1 20:07:12"},
		{begin + "trail_backfill_us-east-1_20261120T190712Z.json.gz", "trail_backfill us-east-1 19:07:12"},
		{begin + "trail_us-east-1_20261120T1907Z.json.gz", ""},
		{begin + "trail_us-east-1_20261120T190712Z0.json.gz", ""},
		{begin + "trail_us-east-1_20261120T190712Z.json", ""},
		{begin + "trail_us-east-1_20261120T190712Z.json.gz.metadata", ""},
		{begin + "_us-east-1_20261120T190712Z.json.gz", ""},
		{begin + "us-east-1_20261120T190712Z.json.gz", ""},
		{begin + "20261120T190712Z.json.gz", ""},
		{"444455556666" + begin[12:] + "trail_us-east-1_20261120T190712Z.json.gz", ""},
		{"111122223333_CloudTrail-Digest_eu-west-1_trail_us-east-1_20261120T190712Z.json.gz", ""},
		{"111122223333_CloudTrail_us-east-2_20261120T1905Z_abcdefghijklmnop.json.gz", ""},
	} {
		n, ok := parseDigestName("p/" + folder + tc.file)
		got := ""
		if ok {
			got = n.trail + " " + n.home + " " + n.Stamp.Format(time.TimeOnly)
			if n.backfill {
				got += " backfill"
			}
		}
		if got != tc.want {
			t.Errorf("%s: %q, want %q", tc.file, got, tc.want)
		}
	}
	if _, ok := parseDigestName("AWSLogs/111122223333/CloudTrail/us-east-2/2026/11/20/" + begin + "trail_us-east-1_20261120T190712Z.json.gz"); ok {
		t.Error("a digest among the logs is taken for one")
	}
}

// oneDigest is a digest that names one log file, and the one before it.
func oneDigest() (trail *cloudtrailtest.SignedTrail, key string) {
	trail = cloudtrailtest.NewSignedTrail("logs", verifyAccount)
	trail.Digest(pausedRegion, hour(10))
	trail.Deliver(pausedRegion, hour(10.5), verifyRecord(pausedRegion, hour(10.5)))
	return trail, trail.Digest(pausedRegion, hour(11))
}

func TestParseDigest(t *testing.T) {
	trail, key := oneDigest()
	raw := cloudtrailtest.Gunzip(trail.Objects[key].Body)
	d, err := parseDigest(raw)
	if err != nil {
		t.Fatal(err)
	}
	before := trail.Objects[trail.DigestKey(pausedRegion, hour(10))]
	if !d.start.Equal(hour(10)) || !d.end.Equal(hour(11)) || d.key != key || d.bucket != "logs" || d.first() ||
		d.previous.key != trail.DigestKey(pausedRegion, hour(10)) || d.previousSignature != before.Metadata["signature"] ||
		len(d.logs) != 1 || !d.logs[0].Newest.Equal(hour(10.5).Add(-time.Minute)) {
		t.Errorf("%+v", d)
	}
	first, err := parseDigest(cloudtrailtest.Gunzip(before.Body))
	if err != nil || !first.first() || first.previousSignature != "null" || len(first.logs) != 0 {
		t.Errorf("the first digest: %+v, %v", first, err)
	}
	signature := trail.Objects[key].Metadata["signature"]
	public := &trail.Signer.PublicKey
	if err := d.verify(public, signature); err != nil {
		t.Error(err)
	}
	if d.verify(public, strings.ToUpper(signature)) != nil {
		t.Error("upper case is hex as well")
	}
	for _, bad := range []string{"", "00", signature[2:], signature + "00", "zz" + signature[2:], before.Metadata["signature"]} {
		if d.verify(public, bad) == nil {
			t.Errorf("signature %.10s... is taken", bad)
		}
	}
	if d.verify(&cloudtrailtest.SigningKey(1).PublicKey, signature) == nil {
		t.Error("another key is taken")
	}
	for _, change := range [][2]string{
		{`"digestEndTime"`, `"end"`},
		{`"digestStartTime"`, `"start"`},
		{`"digestS3Object"`, `"object"`},
		{`"digestS3Bucket"`, `"bucket"`},
		{`"digestPublicKeyFingerprint"`, `"fingerprint"`},
		{`"previousDigestSignature":"`, `"previousDigestSignature":["`},
		{`"2026-11-20T11:00:00Z"`, `"20.11.2026 11:00"`},
		{`"logFiles":[`, `"logFiles":{`},
		{`{`, ``},
	} {
		changed := bytes.Replace(raw, []byte(change[0]), []byte(change[1]), 1)
		if bytes.Equal(changed, raw) {
			t.Fatalf("no %s", change[0])
		}
		if _, err := parseDigest(changed); err == nil || !strings.HasPrefix(err.Error(), "no digest: ") {
			t.Errorf("%s in place of %s: %v", change[1], change[0], err)
		}
	}
}

// FuzzParseDigest holds what is read of a digest to what is signed of it: whoever
// changes a byte of a digest changes the text.
func FuzzParseDigest(f *testing.F) {
	trail, key := oneDigest()
	raw := cloudtrailtest.Gunzip(trail.Objects[key].Body)
	f.Add(raw)
	f.Add(cloudtrailtest.Gunzip(trail.Objects[trail.DigestKey(pausedRegion, hour(10))].Body))
	f.Add([]byte(`{"digestEndTime":"2026-11-20T11:00:00Z","digestStartTime":"x","digestS3Bucket":"a\nb","digestS3Object":"","digestPublicKeyFingerprint":"","previousDigestSignature":null}`))
	f.Add([]byte(`[]`))
	signature, public := trail.Objects[key].Metadata["signature"], &trail.Signer.PublicKey
	f.Fuzz(func(t *testing.T, b []byte) {
		d, err := parseDigest(b)
		if err != nil {
			if d != nil || strings.ContainsRune(oneLine(err.Error()), '\n') {
				t.Errorf("%v, %v", d, err)
			}
			return
		}
		if !strings.Contains(d.signed(), "\n"+hex.EncodeToString(d.sum[:])+"\n") {
			t.Errorf("signed is %q", d.signed())
		}
		if d.verify(public, signature) == nil && !bytes.Equal(b, raw) {
			t.Errorf("the signature is taken for %q", b)
		}
	})
}

func FuzzInflateDigest(f *testing.F) {
	gz := cloudtrailtest.Gzip([]byte(`{}`))
	f.Add(gz)
	f.Add(append(gz, gz...))
	f.Add(gz[:8])
	f.Fuzz(func(t *testing.T, b []byte) {
		raw, trailing, err := inflateDigest(b)
		if err == nil && !trailing && !bytes.Equal(raw, cloudtrailtest.Gunzip(b)) {
			t.Errorf("%q inflates to %q", b, raw)
		}
	})
}

func TestReadPublicKeys(t *testing.T) {
	one, two := &cloudtrailtest.SigningKey(0).PublicKey, &cloudtrailtest.SigningKey(1).PublicKey
	name := func(k *rsa.PublicKey) string { return cloudtrailtest.PublicKey{Key: k}.Fingerprint() }
	pkcs1 := func(k *rsa.PublicKey) string {
		return string(pem.EncodeToMemory(&pem.Block{Type: "RSA PUBLIC KEY", Bytes: x509.MarshalPKCS1PublicKey(k)}))
	}
	der, err := x509.MarshalPKIXPublicKey(two)
	if err != nil {
		t.Fatal(err)
	}
	pkix := string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
	listed := func(k *rsa.PublicKey) string {
		return string(cloudtrailtest.PublicKeysJSON([]cloudtrailtest.PublicKey{{Key: k, From: hour(0), To: hour(24)}}))
	}
	private := string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: []byte("secret")}))
	elliptic, err := x509.MarshalPKIXPublicKey(ed25519.PublicKey(make([]byte, 32)))
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name, text string
		keys       []*rsa.PublicKey
		err        string
	}{
		{"list-public-keys", listed(one), []*rsa.PublicKey{one}, ""},
		{"those of two regions", listed(one) + listed(two), []*rsa.PublicKey{one, two}, ""},
		{"with a byte order mark", "\xef\xbb\xbf" + listed(one), []*rsa.PublicKey{one}, ""},
		{"PKCS 1", pkcs1(one), []*rsa.PublicKey{one}, ""},
		{"PKIX", pkix, []*rsa.PublicKey{two}, ""},
		{"both, with text before", "first:\n" + pkcs1(one) + "\nsecond:\n" + pkix, []*rsa.PublicKey{one, two}, ""},
		{"the other form in a list", fmt.Sprintf(`{"PublicKeyList":[{"Value":%q,"Fingerprint":"67b9fa73676d86966b449dd677850753"}]}`, base64.StdEncoding.EncodeToString(der)),
			[]*rsa.PublicKey{two}, ""},
		{"nothing", " \n", nil, "empty: "},
		{"no key", `{"PublicKeyList":[]}`, nil, "holds no public key: "},
		{"other JSON", `{"Records":[{}]}`, nil, "holds no public key: "},
		{"broken JSON", `{"PublicKeyList":[`, nil, "neither the JSON of"},
		{"broken base64", `{"PublicKeyList":[{"Value":"?"}]}`, nil, "PublicKeyList[0]: "},
		{"no DER", `{"PublicKeyList":[{"Value":"AAAA"}]}`, nil, "PublicKeyList[0]: no public key in PKCS #1 or PKIX form"},
		{"no time", fmt.Sprintf(`{"PublicKeyList":[{"Value":%q,"ValidityEndTime":"tomorrow"}]}`, base64.StdEncoding.EncodeToString(der)), nil, "neither the JSON of"},
		{"text", "ssh-rsa AAAA", nil, "neither PEM nor the JSON of"},
		{"text behind a key", pkcs1(one) + "and so on", nil, "neither PEM nor the JSON of"},
		{"a private key", private, nil, `block 1 is a "RSA PRIVATE KEY" and no public key`},
		{"another kind of key", string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: elliptic})), nil, "block 1: no RSA key"},
		{"too much", strings.Repeat(" ", maxKeyFile+1), nil, "larger than 8 MiB"},
	} {
		keys, err := ReadPublicKeys(strings.NewReader(tc.text))
		if tc.err != "" {
			if err == nil || !strings.HasPrefix(err.Error(), tc.err) {
				t.Errorf("%s: %v, want %q", tc.name, err, tc.err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", tc.name, err)
			continue
		}
		for _, k := range tc.keys {
			if got := keys.byFingerprint[name(k)]; got == nil || !got.Equal(k) {
				t.Errorf("%s: no key %s", tc.name, name(k))
			}
		}
	}
	keys, err := ReadPublicKeys(strings.NewReader(fmt.Sprintf(`{"PublicKeyList":[{"Value":%q,"Fingerprint":"stated"}]}`, base64.StdEncoding.EncodeToString(der))))
	if err != nil || keys.byFingerprint["stated"] == nil {
		t.Errorf("the fingerprint that a list states is not known: %v", err)
	}
}

// The times of a key are read in each way in which the AWS CLI prints them.
func TestPublicKeyTimes(t *testing.T) {
	key := &cloudtrailtest.SigningKey(0).PublicKey
	der, name := x509.MarshalPKCS1PublicKey(key), cloudtrailtest.PublicKey{Key: key}.Fingerprint()
	whole := interval{hour(0), hour(24)}
	for _, tc := range []struct {
		from, to string
		want     interval
	}{
		{"1795132800.0", "1795219200", whole},
		{`"1795132800.0"`, `"1795219200.0"`, whole},
		{`"2026-11-20T00:00:00+00:00"`, `"2026-11-21T01:00:00+01:00"`, whole},
		{`"2026-11-20T00:00:00Z"`, "null", interval{hour(0), latestTime}},
		{"null", `"2026-11-21T00:00:00Z"`, interval{earliestTime, hour(24)}},
	} {
		text := fmt.Sprintf(`{"PublicKeyList":[{"Value":%q,"ValidityStartTime":%s,"ValidityEndTime":%s}]}`, base64.StdEncoding.EncodeToString(der), tc.from, tc.to)
		keys, err := ReadPublicKeys(strings.NewReader(text))
		if err != nil {
			t.Errorf("%s to %s: %v", tc.from, tc.to, err)
			continue
		}
		if got := keys.byFingerprint[name].valid; got != tc.want {
			t.Errorf("%s to %s: %s, want %s", tc.from, tc.to, got, tc.want)
		}
	}
	for _, text := range []string{"-1", "1e300", `""`, `"NaN"`, "{}", "[]"} {
		list := fmt.Sprintf(`{"PublicKeyList":[{"Value":%q,"ValidityStartTime":%s}]}`, base64.StdEncoding.EncodeToString(der), text)
		if _, err := ReadPublicKeys(strings.NewReader(list)); err == nil || !strings.Contains(err.Error(), "is no time") {
			t.Errorf("%s: %v", text, err)
		}
	}
	// PEM holds no times.
	keys, err := ReadPublicKeys(bytes.NewReader(pem.EncodeToMemory(&pem.Block{Type: "RSA PUBLIC KEY", Bytes: der})))
	if err != nil || !keys.byFingerprint[name].signsIn(hour(-100000), hour(-99999)) {
		t.Errorf("a key in PEM is bounded: %v", err)
	}
}

// FuzzReadPublicKeys looks for texts that break the reader, or that it takes for
// keys that no signature can be checked with.
func FuzzReadPublicKeys(f *testing.F) {
	key := &cloudtrailtest.SigningKey(0).PublicKey
	f.Add(cloudtrailtest.PublicKeysJSON([]cloudtrailtest.PublicKey{{Key: key, From: hour(0), To: hour(24)}}))
	f.Add(pem.EncodeToMemory(&pem.Block{Type: "RSA PUBLIC KEY", Bytes: x509.MarshalPKCS1PublicKey(key)}))
	f.Add([]byte(`{"PublicKeyList":[{"Value":null}]}{"PublicKeyList":7}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		keys, err := ReadPublicKeys(bytes.NewReader(b))
		if (err == nil) != (keys != nil && len(keys.byFingerprint) > 0) {
			t.Fatalf("%v, %v", keys, err)
		}
		if err != nil {
			return
		}
		for _, k := range keys.byFingerprint {
			if _, err := json.Marshal(x509.MarshalPKCS1PublicKey(k.PublicKey)); err != nil || k.N.BitLen() < 1024 {
				t.Errorf("a key of %d bits: %v", k.N.BitLen(), err)
			}
			d := &digest{}
			if d.verify(k.PublicKey, strings.Repeat("00", k.Size())) == nil {
				t.Error("a signature of zeros is taken")
			}
		}
	})
}
