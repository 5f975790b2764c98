package attribute

import "testing"

func TestOpaque(t *testing.T) {
	for _, test := range []struct{ name, want string }{
		{"0f8fad5b-d9cb-469f-a165-70867728950e", "is a UUID"},
		{"0f8fad5bd9cb469fa16570867728950e", "is a hexadecimal number"},
		{"da39a3ee5e6b4b0d3255bfef95601890afd80709", "is a hexadecimal number"},
		{"da39a3ee5e6b4b0d", "is a hexadecimal number"},
		{"1722375070", "is a bare timestamp"},
		{"1722375070115", "is a bare timestamp"},
		{"1722375070115152", "is a bare timestamp"},
		{"1722375070115152000", "is a bare timestamp"},
		{"20240730213110", "is a bare timestamp"},
		{"9722375070", "is a bare number"},
		{"98765432109876", "is a bare number"},
		{"0ujtsYcgvSTl8PAuAdqWYSMnLOv", "is a K-sortable id"},
		{"01J4CQ8Z5N7X3T9KWB2VYH6MRD", "is a ULID"},
		{"dWuRhTIJaWwpUbZnRgbZxzbTnLIzAaqV", "is random letters"},
		{"NzAxMzQ1ZTItYTEwOS00ZTVkLTliNjMtYzVmYjkyZWIwMGYx", "is a UUID in base 64"},
		{"x7Gh2kLp9QwErTy1", "is random characters"},
		{"V1StGXR8_Z5jdHi6B-myT", "is random characters"},
		{"q8g7fqx045nk7pzgpvkrct", "is random characters"},
		{"lgqfooqdoacyxkvbw", "is random characters"},
		{"1722375070-0f8fad5b-d9cb-469f-a165-70867728950e", "is numbers and ids and nothing else"},

		// words tell something, whatever stands beside them
		{"orders-0f8fad5b-d9cb-469f-a165-70867728950e", ""},
		{"orders-x7Gh2kLp9QwErTy1", ""},
		{"orders-1722375070", ""},
		{"prod-2024-01", ""},
		{"OrdersService2024Prod", ""},
		{"Orders-Prod-EU1-Web2-App3", ""},
		{"MyVeryLongSessionNameForTheApps1", ""},
		{"thisisaverylongsessionnameforapp", ""},
		{"alibabacloud-sdk20220909", ""},

		// numbers that tell something, and short names
		{"111122223333", ""}, // an account
		{"20240115", ""},
		{"48213", ""},
		{"deadbeef", ""},
		{"1a2b3c4d", ""},
		{"jdoe42", ""},
		{"XXXXXXXXXXXXXXXXXXXXX", ""},

		// hosts
		{"ip-10-0-12-34.ec2.internal", ""},
		{"ip-10-0-12-34", ""},
		{"DESKTOP-8F3K2L1", ""},
		{"C02XG2JHJGH5", ""},
		{"web01.fra3.example.com", ""},

		// ids that AWS makes
		{"i-0317f6c6b66ae9c40", ""},
		{"mi-0a1b2c3d4e5f67890", ""},
		{"sg-0abcdef1234567890", ""},
		{"vol-0abcdef1234567890", ""},
		{"AWSCodeBuild-3f7c2a10-58de-4b39-9a6d-7e1f0c2b4d85", ""},
		{"awslambda_282_20211202220456968", ""},

		{"botocore-session-1785228712", ""},
		{"jane@example.com", ""},
		{"--", ""},
		{"", ""},
	} {
		why, ok := Opaque(test.name)
		if why != test.want || ok != (test.want != "") {
			t.Errorf("Opaque(%q) is %q, %v, want %q", test.name, why, ok, test.want)
		}
	}
}

func FuzzOpaque(f *testing.F) {
	f.Add("x7Gh2kLp9QwErTy1")
	f.Add("0f8fad5b-d9cb-469f-a165-70867728950e")
	f.Add("orders--\xff")
	f.Fuzz(func(t *testing.T, name string) {
		why, ok := Opaque(name)
		if ok == (why == "") {
			t.Errorf("Opaque(%q) is %q, %v", name, why, ok)
		}
		if ok && ServiceMade(FormOf(name)) {
			t.Errorf("%q is opaque and made by an AWS service", name)
		}
		// A word in front always tells something.
		if charset.MatchString(name) {
			if _, ok := Opaque("orders-" + name); ok {
				t.Errorf("orders-%s is opaque", name)
			}
		}
	})
}
