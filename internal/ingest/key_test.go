package ingest

import (
	"strings"
	"testing"
	"time"
)

func TestParseKey(t *testing.T) {
	day := func(y int, m time.Month, d int) time.Time { return time.Date(y, m, d, 0, 0, 0, 0, time.UTC) }
	at := func(y int, m time.Month, d, h, min, s int) time.Time {
		return time.Date(y, m, d, h, min, s, 0, time.UTC)
	}
	aug1 := day(2015, 8, 1)
	tests := []struct {
		name, key string
		want      Key
	}{
		{"log", "AWSLogs/111122223333/CloudTrail/us-east-2/2015/08/01/111122223333_CloudTrail_us-east-2_20150801T0210Z_Mu0KsOhtH1ar15ZZ.json.gz",
			Key{Account: "111122223333", Kind: KindTrail, Region: "us-east-2", Day: aug1, Stamp: at(2015, 8, 1, 2, 10, 0)}},
		{"prefix", "a/b/AWSLogs/111122223333/CloudTrail/us-east-2/2015/08/01/111122223333_CloudTrail_us-east-2_20150801T0210Z_Mu0KsOhtH1ar15ZZ.json.gz",
			Key{Prefix: "a/b", Account: "111122223333", Kind: KindTrail, Region: "us-east-2", Day: aug1, Stamp: at(2015, 8, 1, 2, 10, 0)}},
		{"prefix that ends in a slash", "a//AWSLogs/111122223333/CloudTrail/us-east-2/2015/08/01/x.json.gz",
			Key{Prefix: "a/", Account: "111122223333", Kind: KindTrail, Region: "us-east-2", Day: aug1}},
		{"prefix named like the layout", "AWSLogs/AWSLogs/111122223333/CloudTrail/us-east-2/2015/08/01/x.json.gz",
			Key{Prefix: "AWSLogs", Account: "111122223333", Kind: KindTrail, Region: "us-east-2", Day: aug1}},
		{"organization", "p/AWSLogs/o-exampleorg0/111122223333/CloudTrail/ap-southeast-5/2015/08/01/111122223333_CloudTrail_ap-southeast-5_20150801T2359Z_aaaaaaaaaaaaaaaa.json.gz",
			Key{Prefix: "p", Org: "o-exampleorg0", Account: "111122223333", Kind: KindTrail, Region: "ap-southeast-5", Day: aug1, Stamp: at(2015, 8, 1, 23, 59, 0)}},
		{"control tower", "o-exampleorg0/AWSLogs/o-exampleorg0/111122223333/CloudTrail/us-gov-west-1/2015/08/01/111122223333_CloudTrail_us-gov-west-1_20150801T0210Z_Mu0KsOhtH1ar15ZZ.json.gz",
			Key{Prefix: "o-exampleorg0", Org: "o-exampleorg0", Account: "111122223333", Kind: KindTrail, Region: "us-gov-west-1", Day: aug1, Stamp: at(2015, 8, 1, 2, 10, 0)}},
		{"begins at the organization", "o-exampleorg0/111122223333/CloudTrail/us-east-1/2015/08/01/x.json.gz",
			Key{Org: "o-exampleorg0", Account: "111122223333", Kind: KindTrail, Region: "us-east-1", Day: aug1}},
		{"begins at the account", "111122223333/CloudTrail/us-east-1/2015/08/01/x.json",
			Key{Account: "111122223333", Kind: KindTrail, Region: "us-east-1", Day: aug1}},
		{"begins at the kind", "CloudTrail/us-east-1/2015/08/01/111122223333_CloudTrail_us-east-1_20150801T0210Z_Mu0KsOhtH1ar15ZZ.json.gz",
			Key{Account: "111122223333", Kind: KindTrail, Region: "us-east-1", Day: aug1, Stamp: at(2015, 8, 1, 2, 10, 0)}},
		{"copy without AWSLogs", "copies/of/111122223333/CloudTrail/us-east-1/2015/08/01/x.json",
			Key{Prefix: "copies/of", Account: "111122223333", Kind: KindTrail, Region: "us-east-1", Day: aug1}},
		{"absolute path", "/srv/AWSLogs/111122223333/CloudTrail/us-east-1/2015/08/01/x.json",
			Key{Prefix: "/srv", Account: "111122223333", Kind: KindTrail, Region: "us-east-1", Day: aug1}},
		{"old name without the last underscore", "AWSLogs/111122223333/CloudTrail/us-east-1/2014/02/14/111122223333_CloudTrail_us-east-1_20140214T2230ZK2coiAr23T4.json.gz",
			Key{Account: "111122223333", Kind: KindTrail, Region: "us-east-1", Day: day(2014, 2, 14), Stamp: at(2014, 2, 14, 22, 30, 0)}},
		{"digest", "AWSLogs/111122223333/CloudTrail-Digest/us-east-2/2015/08/01/111122223333_CloudTrail-Digest_us-east-2_my_trail_us-west-2_20150801T160131Z.json.gz",
			Key{Account: "111122223333", Kind: KindDigest, Region: "us-east-2", Day: aug1, Stamp: at(2015, 8, 1, 16, 1, 31)}},
		{"digest of a trail named like a stamp", "AWSLogs/111122223333/CloudTrail-Digest/us-east-2/2015/08/01/111122223333_CloudTrail-Digest_us-east-2_20010101T000000Z_us-west-2_20150801T160131Z.json.gz",
			Key{Account: "111122223333", Kind: KindDigest, Region: "us-east-2", Day: aug1, Stamp: at(2015, 8, 1, 16, 1, 31)}},
		{"backfill digest", "AWSLogs/111122223333/CloudTrail-Digest/us-east-2/2015/08/01/111122223333_CloudTrail-Digest_us-east-2_t_us-west-2_20150801T160131Z_backfill.json.gz",
			Key{Account: "111122223333", Kind: KindDigest, Region: "us-east-2", Day: aug1, Stamp: at(2015, 8, 1, 16, 1, 31)}},
		{"insight", "AWSLogs/111122223333/CloudTrail-Insight/us-east-2/2015/08/01/111122223333_CloudTrail-Insight_us-east-2_20150801T0210Z_Mu0KsOhtH1ar15ZZ.json.gz",
			Key{Account: "111122223333", Kind: KindInsight, Region: "us-east-2", Day: aug1, Stamp: at(2015, 8, 1, 2, 10, 0)}},
		{"network activity", "AWSLogs/111122223333/CloudTrail-NetworkActivity/us-east-2/2015/08/01/111122223333_CloudTrail-NetworkActivity_us-east-2_20150801T0210Z_Mu0KsOhtH1ar15ZZ.json.gz",
			Key{Account: "111122223333", Kind: KindNetworkActivity, Region: "us-east-2", Day: aug1, Stamp: at(2015, 8, 1, 2, 10, 0)}},
		{"aggregated", "AWSLogs/111122223333/CloudTrail-Aggregated/us-east-2/2015/08/01/111122223333_CloudTrail-Aggregated_us-east-2_20150801T0210Z_Mu0KsOhtH1ar15ZZ.json.gz",
			Key{Account: "111122223333", Kind: KindAggregated, Region: "us-east-2", Day: aug1, Stamp: at(2015, 8, 1, 2, 10, 0)}},
		{"stamp of no calendar", "AWSLogs/111122223333/CloudTrail/us-east-2/2015/08/01/111122223333_CloudTrail_us-east-2_20150230T0210Z_Mu0KsOhtH1ar15ZZ.json.gz",
			Key{Account: "111122223333", Kind: KindTrail, Region: "us-east-2", Day: aug1}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, ok := ParseKey(tt.key)
			if !ok || got != tt.want {
				t.Errorf("ParseKey(%q)\n got %+v, %v\nwant %+v", tt.key, got, ok, tt.want)
			}
		})
	}
}

func TestParseKeyRefuses(t *testing.T) {
	for _, key := range []string{
		"",
		"events.json",
		"/",
		"AWSLogs/111122223333/CloudTrail/us-east-2/2015/08/01/",                    // a folder
		"AWSLogs/111122223333/CloudTrail/us-east-2/2015/08/x.json.gz",              // no day
		"AWSLogs/111122223333/CloudTrail/us-east-2/2015/02/29/x.json.gz",           // no such day
		"AWSLogs/111122223333/CloudTrail/us-east-2/2015/8/1/x.json.gz",             // dates have two digits
		"AWSLogs/111122223333/CloudTrail/US-EAST-2/2015/08/01/x.json.gz",           // regions are lower case
		"AWSLogs/11112222333/CloudTrail/us-east-2/2015/08/01/x.json.gz",            // eleven digits
		"AWSLogs/111122223333/CloudTrailX/us-east-2/2015/08/01/x.json.gz",          // another service
		"AWSLogs/111122223333/vpcflowlogs/us-east-2/2015/08/01/x.log.gz",           // another service
		"AWSLogs/111122223333/elasticloadbalancing/us-east-2/2015/08/01/x.log.gz",  // another service
		"elsewhere/CloudTrail/us-east-2/2015/08/01/111122223333_CloudTrail_x.json", // an element of unknown meaning before the kind
	} {
		if got, ok := ParseKey(key); ok {
			t.Errorf("ParseKey(%q) = %+v, want none", key, got)
		}
	}
}

func FuzzParseKey(f *testing.F) {
	for _, s := range []string{
		"p/AWSLogs/o-exampleorg0/111122223333/CloudTrail/us-east-2/2015/08/01/111122223333_CloudTrail_us-east-2_20150801T0210Z_Mu0KsOhtH1ar15ZZ.json.gz",
		"AWSLogs/111122223333/CloudTrail/us-east-1/2014/02/14/111122223333_CloudTrail_us-east-1_20140214T2230ZK2coiAr23T4.json.gz",
		"AWSLogs/111122223333/CloudTrail-Digest/us-east-2/2015/08/01/111122223333_CloudTrail-Digest_us-east-2_my_trail_us-west-2_20150801T160131Z_backfill.json.gz",
		"CloudTrail/us-east-1/2015/08/01/111122223333_CloudTrail_us-east-1_20150801T0210Z_Mu0KsOhtH1ar15ZZ.json.gz",
		"////////", "AWSLogs/", "_Z",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, key string) {
		k, ok := ParseKey(key)
		if !ok {
			if k != (Key{}) {
				t.Fatalf("refused but %+v", k)
			}
			return
		}
		if !isAccount(k.Account) || !strings.HasPrefix(k.Kind, KindTrail) || k.Day.IsZero() {
			t.Fatalf("%q gave %+v", key, k)
		}
		// What was read stands in the key, and the rest of the key is the prefix.
		inside := k.Kind + "/" + k.Region + "/" + k.Day.Format("2006/01/02") + "/"
		if !strings.Contains(key, inside) || !strings.HasPrefix(key, k.Prefix) {
			t.Fatalf("%q gave %+v", key, k)
		}
		if !k.Stamp.IsZero() {
			file := key[strings.LastIndexByte(key, '/')+1:]
			if !strings.Contains(file, k.Stamp.Format("20060102T1504")) {
				t.Fatalf("%q gave stamp %v", key, k.Stamp)
			}
		}
		// The prefix is only carried along.
		again, ok := ParseKey("x/" + key)
		want := k
		switch {
		case strings.HasPrefix(strings.TrimPrefix(key, "/"), k.Kind+"/"):
			return // begins at the kind: another element changes what it is
		case k.Prefix == "" && !strings.HasPrefix(key, "/"):
			want.Prefix = "x"
		default:
			want.Prefix = "x/" + k.Prefix
		}
		if !ok || again != want {
			t.Fatalf("with a prefix: %+v, %v, want %+v", again, ok, want)
		}
	})
}
