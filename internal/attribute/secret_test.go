package attribute

import (
	"strings"
	"testing"
)

// The keys and tokens here are examples from manuals or made up; none was ever
// in use. They are put together from parts so that scanners of the source stay
// quiet.
func TestSecret(t *testing.T) {
	for _, test := range []struct{ name, want string }{
		{"AKIA" + "IOSFODNN7EXAMPLE", "an AWS access key id"},
		{"ASIA" + "IOSFODNN7EXAMPLE", "an AWS access key id"},
		{"orders-AKIA" + "IOSFODNN7EXAMPLE", "an AWS access key id"},
		{"AKIA" + "QWXZKJHGFDPLMNBV", "an AWS access key id"},
		{"wJalrXUtnFEMI7K7MDENG" + "bPxRfiCYEXAMPLEKEYs", "what looks like an AWS secret access key"},
		{"key=wJalrXUtnFEMI7K7MDENG" + "bPxRfiCYEXAMPLEKEYs", "what looks like an AWS secret access key"},
		{"ghp_" + "16C7e42F292c6912E7710c838347Ae178B4a", "a GitHub token"},
		{"gho_" + "16C7e42F292c6912E7710c838347Ae178B4a", "a GitHub token"},
		{"ghs_" + "16C7e42F292c6912E7710c838347Ae178B4a", "a GitHub token"},
		{"github_pat_" + "11ABCDEFG0abcdefghijkl_0123456789abcdefghijklmnop", "a GitHub token"},
		{"glpat-" + "xYz1aBcDeF2gHiJkLmNo", "a GitLab token"},
		{"xoxb-" + "123456789012-abcDEF123", "a Slack token"},
		{"eyJ" + "hbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIi", "a JSON web token"},
		{"AIza" + "SyA1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6Q", "a Google API key"},
		{"FwoGZXIvYXdz" + "EBYaDHqa0AP1tExample", "an AWS session token"},
		{"sk_live_" + "4eC39HqLyjWDarjtT1zdp7dc", "a Stripe key"},
		{"hvs." + "CAESIJ1hbGciOiJIUzI1NiIsInR5", "a HashiCorp Vault token"},
		{"password=" + "hunter22", "a password or token after its name"},
		{"user=jane,pwd=" + "hunter22", "a password or token after its name"},
		{"api_key=" + "a1b2c3", "a password or token after its name"},
		{"-----BEGIN-RSA-PRIVATE-KEY", "the beginning of a private key"},
		{"BEGIN.PRIVATE.KEY", "the beginning of a private key"},
		{"MII" + "EvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7", "the beginning of a private key"},

		// ids that are no secret
		{"AROA" + "IOSFODNN7EXAMPLE", ""},
		{"AIDA" + "IOSFODNN7EXAMPLE", ""},
		{"AKIA" + "IOSFODNN7EXAMPL", ""},
		{"AKIA" + "IOSFODNN7EXAMPLE2", ""},
		{"XAKIA" + "IOSFODNN7EXAMPLE", ""},
		{"akia" + "iosfodnn7example", ""},
		{"ASIA" + "-PACIFIC-ORDERS-1", ""},
		{"ASIA" + "ORDERSPROTECTION", ""}, // 20 capitals, in words
		{"0f8fad5b-d9cb-469f-a165-70867728950e", ""},
		{"da39a3ee5e6b4b0d3255bfef95601890afd80709", ""}, // 40 digits of a SHA-1
		{"DA39A3EE5E6B4B0D3255BFEF95601890AFD80709", ""},
		{"0ujtsYcgvSTl8PAuAdqWYSMnLOv", ""},
		{"gntd-0ujtsYcgvSTl8PAuAdqWYSMnLOv", ""},
		{"NzAxMzQ1ZTItYTEwOS00ZTVkLTliNjMtYzVmYjkyZWIwMGYx", ""}, // Ruby's default
		{"botocore-session-1785228712", ""},
		{"aws-go-sdk-1722375070115152000", ""},
		{"i-0317f6c6b66ae9c40", ""},
		{strings.Repeat("a", 40), ""},
		{"OrdersReplicationFromFrankfurtToDublinV2", ""}, // 40, in words

		// words
		{"AccessKeyRotation", ""},
		{"SecretsManagerRotation", ""},
		{"token-service", ""},
		{"password-reset-worker", ""},
		{"token=none", ""},
		{"token=", ""},
		{"key=orders", ""},
		{"stage=prod", ""},
		{"ghp_orders", ""},
		{"github_pat_rotation_of_the_orders_team", ""},
		{"glpat-rotation-of-orders", ""},
		{"xoxb-rotation", ""},
		{"eyJobs-runner-of-orders", ""},
		{"sk-orders-of-the-day", ""},
		{"MIIT-orders", ""},
		{"begin-orders-with-the-private-key-service", ""},
		{"jane@example.com", ""},
		{"", ""},
	} {
		what, ok := Secret(test.name)
		if what != test.want || ok != (test.want != "") {
			t.Errorf("Secret(%q) is %q, %v, want %q", test.name, what, ok, test.want)
		}
	}
}

func FuzzSecret(f *testing.F) {
	f.Add("orders-AKIA" + "IOSFODNN7EXAMPLE")
	f.Add("password=hunter22")
	f.Add("=====")
	f.Add("BEGINPRIVATEKEY")
	f.Fuzz(func(t *testing.T, name string) {
		what, ok := Secret(name)
		if ok == (what == "") {
			t.Errorf("Secret(%q) is %q, %v", name, what, ok)
		}
		if ok && name != "" && strings.Contains(what, name) {
			t.Errorf("Secret(%q) tells the secret: %q", name, what)
		}
	})
}
