package main

import (
	"reflect"
	"strings"
	"testing"
)

func TestOperands(t *testing.T) {
	tests := []struct {
		flags []string // name, value, ...
		args  string
		want  operands
		err   string
	}{
		{nil, "logs more.json.gz -", operands{paths: []string{"logs", "more.json.gz", "-"}}, ""},
		{nil, "./policy", operands{paths: []string{"./policy"}}, ""},
		{nil, "s3://b", operands{buckets: []location{{"b", ""}}}, ""},
		{nil, "S3://b/org/ s3://c/x", operands{buckets: []location{{"b", "org/"}, {"c", "x"}}}, ""},
		{[]string{"bucket", "b", "prefix", "p/"}, "", operands{buckets: []location{{"b", "p/"}}}, ""},
		{[]string{"bucket", "arn:aws:s3:eu-west-1:111122223333:accesspoint/logs"}, "", operands{buckets: []location{{"arn:aws:s3:eu-west-1:111122223333:accesspoint/logs", ""}}}, ""},
		{[]string{"lookup", ""}, "", operands{lookup: true}, ""},
		{nil, "", operands{}, "nothing to read"},
		{nil, "logs s3://b", operands{}, "one kind of source at a time, not local files and s3://"},
		{[]string{"bucket", "b"}, "logs", operands{}, "not --bucket and local files"},
		{[]string{"bucket", "b"}, "s3://c", operands{}, "not --bucket and s3://"},
		{[]string{"lookup", ""}, "-", operands{}, "not --lookup and local files"},
		{[]string{"lookup", "", "bucket", "b"}, "s3://c logs", operands{}, "not --lookup and --bucket and s3:// and local files"},
		{[]string{"prefix", "p"}, "", operands{}, "no --bucket is given"},
		{[]string{"prefix", "p"}, "logs", operands{}, "no --bucket is given"},
		{nil, "s3://", operands{}, "s3://: the bucket has no name"},
		{nil, "s3:///x", operands{}, "the bucket has no name"},
		{nil, "- a -", operands{}, "standard input can be read only once"},
	}
	for _, test := range tests {
		f := newInputFlags(noon)
		for i := 0; i < len(test.flags); i += 2 {
			switch test.flags[i] {
			case "bucket":
				set(t, &f.bucket, test.flags[i+1])
			case "prefix":
				set(t, &f.prefix, test.flags[i+1])
			case "lookup":
				f.lookup = true
			}
		}
		got, err := f.operands(strings.Fields(test.args))
		switch {
		case test.err == "" && err != nil:
			t.Errorf("%v %q: %v", test.flags, test.args, err)
		case test.err == "" && !reflect.DeepEqual(got, test.want):
			t.Errorf("%v %q: %+v, want %+v", test.flags, test.args, got, test.want)
		case test.err != "" && (err == nil || !strings.Contains(err.Error(), test.err)):
			t.Errorf("%v %q: error %v, want %q", test.flags, test.args, err, test.err)
		}
	}
}

func set[T any](t *testing.T, p *parsed[T], s string) {
	t.Helper()
	if err := p.Set(s); err != nil {
		t.Fatal(err)
	}
}

func TestParseSize(t *testing.T) {
	tests := []struct {
		text string
		want int64
	}{
		{"1", 1}, {"512MiB", 512 << 20}, {"2GiB", 2 << 30}, {"2G", 2 << 30}, {"2g", 2 << 30},
		{"500MB", 500_000_000}, {"1kb", 1000}, {"1K", 1024}, {"3 GiB", 3 << 30}, {"1TiB", 1 << 40}, {"64B", 64},
	}
	for _, test := range tests {
		if got, err := parseSize(test.text); err != nil || got != test.want {
			t.Errorf("%q: %d, %v, want %d", test.text, got, err, test.want)
		}
	}
	for _, text := range []string{"", "0", "-1", "1.5G", "lots", "99999999999999999999", "9999999999TiB", "1PB"} {
		if got, err := parseSize(text); err == nil {
			t.Errorf("%q gives %d", text, got)
		}
	}
}

func TestListFlags(t *testing.T) {
	l := list{check: checkAccount}
	for _, s := range []string{"111122223333, 444455556666", "<ACCOUNT_ID>"} {
		if err := l.Set(s); err != nil {
			t.Errorf("%q: %v", s, err)
		}
	}
	if want := []string{"111122223333", "444455556666", "<ACCOUNT_ID>"}; !reflect.DeepEqual(l.values, want) {
		t.Errorf("accounts %q, want %q", l.values, want)
	}
	for _, s := range []string{"", "11112222333", "111122223333,", "1111-2222-3333", "1111-2222-3333x,12"} {
		if err := l.Set(s); err == nil {
			t.Errorf("account %q is accepted", s)
		}
	}
	for _, s := range []string{"eu-west-1", "us-gov-east-1", "ap-southeast-5", "us-iso-west-1", "all"} {
		if err := checkRegion(s); err != nil {
			t.Error(err)
		}
	}
	for _, s := range []string{"eu-west-1a", "Frankfurt", "eu", "EU-WEST-1", "*"} {
		if err := checkRegion(s); err == nil {
			t.Errorf("region %q is accepted", s)
		}
	}
}

func TestJoinRequestPayer(t *testing.T) {
	tests := []struct{ args, want string }{
		{"s3://b --request-payer requester --since 1h", "s3://b --request-payer=requester --since 1h"},
		{"--request-payer s3://b", "--request-payer s3://b"},
		{"s3://b --request-payer", "s3://b --request-payer"},
		{"-- --request-payer requester", "-- --request-payer requester"},
	}
	for _, test := range tests {
		if got := strings.Join(joinRequestPayer(strings.Fields(test.args)), " "); got != test.want {
			t.Errorf("%q: %q, want %q", test.args, got, test.want)
		}
	}
}

func TestOneSlip(t *testing.T) {
	for _, yes := range [][2]string{{"since", "sicne"}, {"since", "sinc"}, {"since", "sincee"}, {"since", "sinse"}, {"view", "veiw"}} {
		if !oneSlip(yes[0], yes[1]) {
			t.Errorf("%q is not near %q", yes[1], yes[0])
		}
	}
	for _, no := range [][2]string{{"since", "since"}, {"since", "until"}, {"since", "ecnis"}, {"top", "role"}} {
		if oneSlip(no[0], no[1]) {
			t.Errorf("%q is near %q", no[1], no[0])
		}
	}
}
