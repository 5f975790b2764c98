package attribute

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// charset is what STS allows in a session name.
var charset = regexp.MustCompile(`^[\w+=,.@-]{2,64}$`)

func TestFormTable(t *testing.T) {
	seen := map[string]bool{}
	for _, f := range Forms() {
		if !regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`).MatchString(f.ID) || seen[f.ID] {
			t.Errorf("form %q: the id is no plain one, or not the only one", f.ID)
		}
		seen[f.ID] = true
		if f.Producer == "" || f.Source == "" || !charset.MatchString(f.Example) {
			t.Errorf("form %s: producer, source and a possible example are missing: %+v", f.ID, f)
		}
		if f.rest == nil && f.prefix != f.Example {
			t.Errorf("form %s is the constant %q but its example is %q", f.ID, f.prefix, f.Example)
		}
	}
	for _, f := range Forms() {
		for _, id := range f.Makers {
			if !seen[id] {
				t.Errorf("form %s: its maker %q is no form", f.ID, id)
			}
		}
	}
}

// Each form's example is of the form: by itself, or as one of the shape's makers.
func TestFormExamples(t *testing.T) {
	for _, f := range Forms() {
		got := FormOf(f.Example)
		switch {
		case !f.told || f.ID == "custom":
			if got.ID != f.ID {
				t.Errorf("FormOf(%q) is %s, want %s", f.Example, got.ID, f.ID)
			}
		case got.ID != "custom" && !slices.Contains(got.Makers, f.ID):
			t.Errorf("FormOf(%q) is %s, of which %s is no maker", f.Example, got.ID, f.ID)
		}
		for _, principal := range f.Principals {
			if under := FormUnder(f.Example, "any-role", principal); under.ID != f.ID {
				t.Errorf("FormUnder(%q, %s) is %s, want %s", f.Example, principal, under.ID, f.ID)
			}
		}
		if pattern := PatternOf(f.Example, got); f.Pattern != "" && !f.told && pattern != f.Pattern {
			t.Errorf("PatternOf(%q) is %q, want %q", f.Example, pattern, f.Pattern)
		}
	}
}

func TestFormOf(t *testing.T) {
	for _, test := range []struct{ name, want string }{
		// near misses of the ids of things
		{"i-0317f6c6", "ec2-instance"},
		{"i-0317f6c6b66ae9c4", "custom"},   // 16 digits
		{"i-0317f6c6b66ae9c400", "custom"}, // 18
		{"i-orders", "custom"},
		{"i-0317f6c6b66ae9c4g", "custom"},
		{"mi-0a1b2c3d", "custom"},
		{"eks-orders", "custom"},
		{"eks-0f8fad5b-d9cb-469f-a165-70867728950e", "custom"}, // neither cluster nor pod
		{"orders@lambda_function", "custom"},

		// near misses of what AWS services make up
		{"autoscaling", "custom"},
		{"AutoScaling2", "custom"},
		{"AWSConfig-", "custom"},
		{"AWSConfig-BucketConfigCheck", "config"},
		{"AWSCodeBuild-orders", "custom"},
		{"AWSBackup-", "custom"},
		{"SageMaker-orders", "custom"},
		{"TrustedAdvisor_1111_0f8fad5b-d9cb-469f-a165-70867728950e", "custom"},
		{"AWSLF-00-AT-1111-a1B2c3D4e5", "custom"},
		{"awslambda_282_2021", "custom"},
		{"EKSadmin", "custom"},

		// near misses of SDK defaults
		{"botocore-session-", "custom"},
		{"botocore-session-demo", "custom"},
		{"Botocore-session-1785228712", "custom"},
		{"my-botocore-session-1785228712", "custom"},
		{"aws-sdk-js-session-1722375070115", "aws-sdk-js-session"},
		{"aws-sdk-js-session-x", "custom"},
		{"default_sessions", "custom"},
		{"assume-role-provider-x", "custom"},
		{"GitHubActions-orders", "custom"},
		{"GitHubActions2", "custom"},
		{"weeper", "custom"},
		{"kiam-", "custom"},
		{"kiam-orders", "kiam"},
		{"vault-orders-1", "custom"},
		{"gntd-orders", "custom"},
		{"Airflow_", "custom"},
		{"snowflake-loader", "custom"},
		{"GitLabRunner-orders-1", "custom"},

		// shapes
		{"0F8FAD5B-D9CB-469F-A165-70867728950E", "uuid"},
		{"0f8fad5bd9cb469fa16570867728950e", "hex32"},
		{"{0f8fad5b-d9cb-469f-a165-70867728950e}", "custom"},
		{"0f8fad5b-d9cb-469f-a165-70867728950", "custom"},
		{"12345678901234567890123456789012", "digits"},
		{"facadefacadefacadefacadefacadefa", "custom"}, // reads like words
		{"da39a3ee5e6b4b0d", "hex"},
		{"da39a3ee5e6b4b0", "custom"},
		{"9223372036854775807", "digits"}, // 19 digits that are no time
		{"172237507011", "digits"},        // an account id
		{"1722375070115", "epoch-millis"},
		{"9722375070115", "digits"},
		{"1722375070", "epoch-seconds"},
		{"9722375070", "digits"},
		{"42", "digits"},
		{"ThisIsTheNameOfOneNightlyJobRuns", "custom"}, // 32 letters
		{"zzzzzzzzzzzzzzzzzzzzzzzzzzz", "custom"},      // 27, beyond 160 bits
		{"2ndOrdersProcessorServiceAB", "custom"},      // 27, in words
		{"01J4CQ8Z5N7X3T9KWB2VYH6MRI", "custom"},       // I is no digit of a ULID
		{"NzAxMzQ1ZTItYTEwOS00ZTVkLTliNjMtYzVmYjkyZWIwMGYy", "base64-uuid"},
		{"NzAxMzQ1ZTItYTEwOS00ZTVkLTliNjMtYzVmYjkyZWIwMGYz", "base64-uuid"},
		{"bm90IGEgdXVpZCBhdCBhbGwsIGJ1dCAzNiBieXRlcyBsb25n", "custom"}, // base 64 of something else

		// persons
		{"jane@example.com", "email"},
		{"jane+cloud@mail.example.co", "email"},
		{"jane@example", "custom"},
		{"jane@example.", "custom"},
		{"jane@.com", "custom"},
		{"jane@example..com", "custom"},
		{"@example.com", "custom"},
		{"jane@joe@example.com", "custom"},
		{"jane@example.c", "custom"},
		{"jane@example.com2", "custom"},

		{"nightly-export", "custom"},
		{"", "custom"},
		{"i", "custom"},
	} {
		if got := FormOf(test.name).ID; got != test.want {
			t.Errorf("FormOf(%q) is %s, want %s", test.name, got, test.want)
		}
	}
}

func TestFormUnder(t *testing.T) {
	for _, test := range []struct{ name, role, principal, want string }{
		{"0f8fad5b-d9cb-469f-a165-70867728950e", "web", "", "uuid"},
		{"0f8fad5b-d9cb-469f-a165-70867728950e", "web", "ecs-tasks.amazonaws.com", "ecs-task"},
		{"7768c8f2082f36f6f2de1fdf58041806", "web", "events.amazonaws.com", "eventbridge"},
		{"7768c8f2082f36f6f2de1fdf58041806", "web", "someone-else.amazonaws.com", "hex32"},
		{"orders-export", "web", "lambda.amazonaws.com", "lambda-function"},
		{"orders-export", "web", "events.amazonaws.com", "custom"},
		{"jane.doe", "AWSReservedSSO_Admin_0123456789abcdef", "", "identity-center"},
		{"jane@example.com", "AWSReservedSSO_Admin_0123456789abcdef", "", "identity-center"},
		{"jane@example.com", "web", "", "email"},
		{"i-0317f6c6b66ae9c40", "web", "lambda.amazonaws.com", "ec2-instance"}, // the form stays; the rules judge it
		{"botocore-session-1785228712", "web", "lambda.amazonaws.com", "botocore"},
		{"9c1f2ab4-orders-reader", "orders-reader", "", "kube2iam"},
		{"9c1f2ab4-orders-reader", "orders-writer", "", "custom"},
		{"9c1f2ab4-" + strings.Repeat("r", 55), strings.Repeat("r", 60), "", "kube2iam"},
		{"orders-orders-reader", "orders-reader", "", "custom"}, // no hash
	} {
		if got := FormUnder(test.name, test.role, test.principal).ID; got != test.want {
			t.Errorf("FormUnder(%q, %q, %q) is %s, want %s", test.name, test.role, test.principal, got, test.want)
		}
	}
}

func TestServiceMadeAndSDKDefault(t *testing.T) {
	for _, test := range []struct {
		name         string
		service, sdk bool
	}{
		{"i-0317f6c6b66ae9c40", true, false},
		{"AutoScaling", true, false},
		{"GlueJobRunnerSession", true, false},
		{"AWSCodeBuild-3f7c2a10-58de-4b39-9a6d-7e1f0c2b4d85", true, false},
		{"botocore-session-1785228712", false, true},
		{"aws-go-sdk-1722375070115152000", false, true},
		{"1631196079303620000", false, true},
		{"GitHubActions", false, true},
		{"EKSGetTokenAuth", false, true},
		{"default_session", false, true},
		{"Airflow_aws_default", false, true},
		{"kiam-kiam", false, true},
		{"assumed-from-leapp", false, true},
		{"ProwlerAssessmentSession", false, true},
		{"weep", false, true},
		{"snowflake", false, true},
		{"DatadogAWSIntegration", false, false}, // the vendor's own choice
		{"GitLabRunner-20-4021", false, false},  // tells project and pipeline
		{"0f8fad5b-d9cb-469f-a165-70867728950e", false, false},
		{"jane@example.com", false, false},
		{"orders", false, false},
	} {
		producer, sdk := SDKDefault(test.name)
		if service := ServiceMade(FormOf(test.name)); service != test.service || sdk != test.sdk || producer == "" {
			t.Errorf("%q: made by a service %v, by an SDK %v (%s), want %v and %v",
				test.name, service, sdk, producer, test.service, test.sdk)
		}
	}
}

func TestPatternOf(t *testing.T) {
	for _, test := range []struct{ name, want string }{
		{"i-0317f6c6b66ae9c40", "i-<hex>"},
		{"botocore-session-1785228712", "botocore-session-<n>"},
		{"GitHubActions", "GitHubActions"},
		{"AutoScaling", "AutoScaling"},
		{"jane@example.com", "<email>"},

		// names of the caller's own
		{"orders", "orders"},
		{"orders-1712345678", "orders-<n>"},
		{"orders-1712345678-1", "orders-<n>-1"},
		{"orders_4021_88213", "orders_<n>_<n>"},
		{"build1234", "build<n>"},
		{"orders-0f8fad5b-d9cb-469f-a165-70867728950e", "orders-<uuid>"},
		{"0f8fad5b-d9cb-469f-a165-70867728950e.orders", "<uuid>.orders"},
		{"a-name-long-enough-to-be-cut-0f8fad5b-d9cb-469f-a165-7086772895", "a-name-long-enough-to-be-cut-<uuid>"},
		{"orders-da39a3ee5e6b4b0d", "orders-<hex>"},
		{"orders-1a2b3c4d", "orders-<hex>"},
		{"orders-0ujtsYcgvSTl8PAuAdqWYSMnLOv", "orders-<ksuid>"},
		{"orders-7d9f8b6c5d-x2x9z", "orders-<hex>-<id>"},
		{"orders-5c9bkm8z7x-hqzkt", "orders-<id>-<id>"}, // behind the hash, letters are enough
		{"agent-x2x9z", "agent-<id>"},
		{"x7Gh2kLp9QwErTy1Zv", "<id>"},
		{"backup-2024-01-15", "backup-<date>"},
		{"backup-2024-01", "backup-<date>"},
		{"backup-2024-01-15T10-30-00Z-full", "backup-<date>-full"},
		{"backup-20240115", "backup-<n>"},
		{"ip-10-0-12-34.ec2.internal", "ip-<ip>.ec2.internal"},
		{"host-192.168.1.17", "host-<ip>"},
		{"OrdersStack-ExporterFn5D71CFC7-f1LIWSB7QAoA", "OrdersStack-ExporterFn5D71CFC7-<id>"},

		// what must stay
		{"orders-1.2.3", "orders-1.2.3"},
		{"orders-1.2.3.4", "orders-1.2.3.4"},
		{"orders-v12", "orders-v12"},
		{"worker-17", "worker-17"},
		{"us-east-1", "us-east-1"},
		{"facade", "facade"},
		{"deadbeef", "deadbeef"}, // a word as far as this goes
		{"iso8601-dates", "iso<n>-dates"},
		{"x264-encoder", "x264-encoder"},
		{"MyVeryLongSessionNameForTheApps", "MyVeryLongSessionNameForTheApps"},
		{"OrdersService2Prod", "OrdersService2Prod"},
		{"2024-13-45", "<n>-13-45"},
		{"--", "--"},
		{"", ""},
	} {
		if got := PatternOf(test.name, nil); got != test.want {
			t.Errorf("PatternOf(%q) is %q, want %q", test.name, got, test.want)
		}
		if again := generalise(test.want); again != test.want {
			t.Errorf("the pattern %q has a changing part left: %q", test.want, again)
		}
	}
}

func TestStampOf(t *testing.T) {
	at := func(s string) time.Time {
		v, err := time.Parse(time.RFC3339Nano, s)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	for _, test := range []struct {
		name string
		want time.Time
	}{
		{"botocore-session-1722375070", at("2024-07-30T21:31:10Z")},
		{"aws-sdk-java-1722375070115", at("2024-07-30T21:31:10.115Z")},
		{"1722375070115152", at("2024-07-30T21:31:10.115152Z")},
		{"aws-go-sdk-1722375070115152000", at("2024-07-30T21:31:10.115152Z")},
		{"aws-dotnet-sdk-session-638579718701151520", at("2024-07-30T21:31:10.115152Z")},
		{"awslambda_282_20211202220456968", at("2021-12-02T22:04:56.968Z")},
		{"20240730213110", at("2024-07-30T21:31:10Z")},
		{"0ujtsYcgvSTl8PAuAdqWYSMnLOv", at("2017-10-10T04:00:47Z")},
		{"gntd-0ujtsYcgvSTl8PAuAdqWYSMnLOv", at("2017-10-10T04:00:47Z")},
		{"vault-1722375070-Qm4vXz8LkTbR2yN", at("2024-07-30T21:31:10Z")},
		{"1600000000-1722375070", at("2024-07-30T21:31:10Z")},

		{"orders", time.Time{}},
		{"orders1722375070", time.Time{}}, // glued to a word: any number
		{"1722375070x", time.Time{}},
		{"orders-172237507", time.Time{}},
		{"orders-1234567890", time.Time{}}, // 2009, before there were roles
		{"orders-9999999999", time.Time{}},
		{"111122223333", time.Time{}},
		{"20241330213110", time.Time{}},
		{"9223372036854775807", time.Time{}},
		{"99999999999999999999999", time.Time{}},
		{"i-0317f6c6b66ae9c40", time.Time{}},
		{"0f8fad5b-d9cb-469f-a165-170867728950", time.Time{}},
		{"", time.Time{}},
	} {
		got, ok := StampOf(test.name)
		if !got.Equal(test.want) || ok == test.want.IsZero() {
			t.Errorf("StampOf(%q) is %v, %v, want %v", test.name, got, ok, test.want)
		}
	}
}

func TestFormOfAllocatesNothing(t *testing.T) {
	var names []string
	for _, f := range Forms() {
		names = append(names, f.Example)
	}
	if n := testing.AllocsPerRun(10, func() {
		for _, name := range names {
			FormOf(name)
		}
	}); n > 0 {
		t.Errorf("FormOf allocates %v times over the examples", n)
	}
}

func FuzzFormOf(f *testing.F) {
	for _, form := range Forms() {
		f.Add(form.Example)
	}
	for _, name := range []string{"orders-2024-01-15T10-30", "10.0.12.34", "\xff\x00", "<n>", "MII", "=", "AKIA"} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		form := FormOf(name)
		if form == nil || FormOf(strings.Clone(name)) != form {
			t.Fatalf("FormOf(%q) is %v and then something else", name, form)
		}
		if form.told && form.ID != "custom" {
			t.Errorf("FormOf(%q) is %s, which the name alone cannot tell", name, form.ID)
		}
		pattern := PatternOf(name, form)
		if again := PatternOf(name, nil); again != pattern {
			t.Errorf("PatternOf(%q) is %q and then %q", name, pattern, again)
		}
		if charset.MatchString(name) {
			if len(pattern) > len(name)*4+8 {
				t.Errorf("the pattern %q is much longer than %q", pattern, name)
			}
		}
		if at, ok := StampOf(name); ok && (at.Unix() < firstStamp || at.Unix() >= lastStamp || at.Location() != time.UTC) {
			t.Errorf("StampOf(%q) is %v", name, at)
		}
		FormUnder(name, name, "lambda.amazonaws.com")
		FormUnder(name, "role", "")
	})
}

// benchmarkNames are a mix as a busy account has it.
func benchmarkNames() []string {
	return []string{
		"botocore-session-1785228712", "i-0317f6c6b66ae9c40", "1631196079303620000", "orders-export",
		"0f8fad5b-d9cb-469f-a165-70867728950e", "jane.doe@example.com", "aws-go-sdk-1722375070115152000",
		"orders-7d9f8b6c5d-x2x9z", "GitHubActions", "7768c8f2082f36f6f2de1fdf58041806", "nightly-2024-01-15",
		"x7Gh2kLp9QwErTy1Zv", "AWSCodeBuild-3f7c2a10-58de-4b39-9a6d-7e1f0c2b4d85", "0ujtsYcgvSTl8PAuAdqWYSMnLOv",
	}
}

func BenchmarkFormOf(b *testing.B) {
	names := benchmarkNames()
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		FormOf(names[i%len(names)])
	}
}

func BenchmarkPatternOf(b *testing.B) {
	names := benchmarkNames()
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		name := names[i%len(names)]
		PatternOf(name, FormOf(name))
	}
}
