package attribute

import (
	"strings"
	"testing"
)

func TestParseUserAgent(t *testing.T) {
	for _, test := range []struct {
		name, value string
		want        UserAgent
		client      string
	}{
		{
			"boto3 of today", "Boto3/1.34.108 md/Botocore#1.34.108 md/internal ua/2.0 os/linux#5.10.215-203.850.amzn2.x86_64 md/arch#x86_64 lang/python#3.8.19 md/pyimpl#CPython exec-env/AWS_ECS_FARGATE cfg/retry-mode#standard Botocore/1.34.108",
			UserAgent{Product: "Boto3", Version: "1.34.108", OS: "linux", ExecEnv: "AWS_ECS_FARGATE"},
			"Boto3 on linux",
		},
		{
			"boto3 of before", "Boto3/1.18.55 Python/3.9.8 Linux/4.14.246-198.474.amzn2.x86_64 exec-env/AWS_Lambda_python3.9 Botocore/1.21.55 AwsSolution/SO8025/v1.0.0",
			UserAgent{Product: "Boto3", Version: "1.18.55", OS: "linux", ExecEnv: "AWS_Lambda_python3.9"},
			"Boto3 on linux",
		},
		{
			"CLI of today", "aws-cli/2.35.24 md/awscrt#0.35.0 ua/2.1 os/windows#11 md/arch#amd64 lang/python#3.14.6 md/pyimpl#CPython m/n,o,Z,E,b,i cfg/retry-mode#standard md/installer#exe sid/1cfc2269cf1f md/prompt#off md/command#sts.get-caller-identity",
			UserAgent{Product: "aws-cli", Version: "2.35.24", OS: "windows", Features: "n,o,Z,E,b,i"},
			"aws-cli on windows",
		},
		{
			"CLI of before", "aws-cli/2.7.3 Python/3.9.13 Darwin/21.5.0 source/x86_64 prompt/off command/logs.delete-log-group",
			UserAgent{Product: "aws-cli", Version: "2.7.3", OS: "macos"},
			"aws-cli on macos",
		},
		{
			"in brackets", "[aws-cli/1.18.136 Python/3.8.5 Darwin/19.5.0 botocore/1.17.59]",
			UserAgent{Product: "aws-cli", Version: "1.18.136", OS: "macos", Bracketed: true},
			"aws-cli on macos",
		},
		{
			"Go v2", "aws-sdk-go-v2/1.36.3 ua/2.1 os/linux lang/go#1.24.1 md/GOOS#linux md/GOARCH#arm64 exec-env/AWS_Lambda_Image api/sts#1.33.17 app/orders m/g,AC",
			UserAgent{Product: "aws-sdk-go-v2", Version: "1.36.3", OS: "linux", ExecEnv: "AWS_Lambda_Image", AppID: "orders", Features: "g,AC"},
			"aws-sdk-go-v2 on linux",
		},
		{
			"Go v1", "aws-sdk-go/1.55.5 (go1.22.7; linux; amd64) amazon-ssm-agent/",
			UserAgent{Product: "aws-sdk-go", Version: "1.55.5", OS: "linux"},
			"aws-sdk-go on linux",
		},
		{
			"Terraform", "APN/1.0 HashiCorp/1.0 Terraform/1.13.5 (+https://www.terraform.io) terraform-provider-aws/6.28.0 (+https://registry.terraform.io/providers/hashicorp/aws) aws-sdk-go-v2/1.41.0 ua/2.1 os/macos lang/go#1.25.5 md/GOOS#darwin",
			UserAgent{Product: "Terraform", Version: "1.13.5", SDK: "aws-sdk-go-v2", OS: "macos"},
			"Terraform on macos",
		},
		{
			"GitHub action", "aws-sdk-nodejs/2.1112.0 linux/v20.19.0 configure-aws-credentials-for-github-actions promise",
			UserAgent{Product: "configure-aws-credentials-for-github-actions", SDK: "aws-sdk-nodejs", OS: "linux"},
			"configure-aws-credentials-for-github-actions on linux",
		},
		{
			"Java v2", "aws-sdk-java/2.30.21 md/io#async md/http#NettyNio ua/2.1 os/Linux#5.10.234 lang/java#17.0.14 md/vendor#Amazon.com_Inc. md/en_US m/E",
			UserAgent{Product: "aws-sdk-java", Version: "2.30.21", OS: "linux", Features: "E"},
			"aws-sdk-java on linux",
		},
		{
			".NET", "aws-sdk-dotnet-coreclr/3.7 .NET_Core/6.0 OS/Microsoft_Windows_10.0.19044 ClientAsync",
			UserAgent{Product: "aws-sdk-dotnet-coreclr", Version: "3.7", OS: "windows"},
			"aws-sdk-dotnet-coreclr on windows",
		},
		{
			"Ruby", "aws-sdk-ruby3/3.130.2 ruby/2.7.5 x86_64-linux aws-sdk-s3/1.114.0",
			UserAgent{Product: "aws-sdk-ruby3", Version: "3.130.2", SDK: "aws-sdk-s3", OS: "linux"},
			"aws-sdk-ruby3 on linux",
		},
		{
			"browser", "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/119.0.0.0 Safari/537.36",
			UserAgent{Product: "browser", OS: "windows"},
			"browser on windows",
		},
		{
			"console", "[S3Console/0.4, aws-internal/3 aws-sdk-java/1.11.848 Linux/4.9.217]",
			UserAgent{Product: "S3Console", Version: "0.4", SDK: "aws-sdk-java", OS: "linux", Bracketed: true},
			"S3Console on linux",
		},
		{
			"AWS's own Java", "aws-internal/3 aws-sdk-java/1.12.101 Linux/4.14.252 OpenJDK_64-Bit_Server_VM/25.312-b07 java/1.8.0_312 kotlin/1.3.72 vendor/Oracle_Corporation",
			UserAgent{Product: "aws-sdk-java", Version: "1.12.101", OS: "linux"},
			"aws-sdk-java on linux",
		},
		{"service", "ec2.amazonaws.com", UserAgent{Product: "ec2.amazonaws.com", Service: true}, "ec2.amazonaws.com"},
		{"service in China", "lambda.amazonaws.com.cn", UserAgent{Product: "lambda.amazonaws.com.cn", Service: true}, "lambda.amazonaws.com.cn"},
		{"AWS Internal", "AWS Internal", UserAgent{Product: "AWS Internal", Service: true}, "AWS Internal"},
		{"AWS Internal with a number", "AWS Internal/3", UserAgent{Product: "AWS Internal", Service: true}, "AWS Internal"},
		{"no service", "aws-cli/2.0 sts.amazonaws.com", UserAgent{Product: "aws-cli", Version: "2.0"}, "aws-cli"},
		{"no service either", "AWS Internals", UserAgent{Product: "AWS"}, "AWS"},
		{
			"an attack tool", "stratus-red-team_ea782787-a65d-4fc4-9fca-1c97869a9a25",
			UserAgent{Product: "stratus-red-team_ea782787-a65d-4fc4-9fca-1c97869a9a25"},
			"stratus-red-team_<uuid>",
		},
		{"system first", "os/linux#6.1 aws-sdk-rust/1.3.3", UserAgent{Product: "aws-sdk-rust", Version: "1.3.3", OS: "linux"}, "aws-sdk-rust on linux"},
		{"unknown system", "aws-sdk-rust/1.3.3 os/FreeBSD#14", UserAgent{Product: "aws-sdk-rust", Version: "1.3.3", OS: "freebsd"}, "aws-sdk-rust on freebsd"},
		{"other system", "aws-sdk-rust/1.3.3 os/other", UserAgent{Product: "aws-sdk-rust", Version: "1.3.3"}, "aws-sdk-rust"},
		{"nothing", "", UserAgent{}, ""},
		{"a dash", "-", UserAgent{Product: "-"}, ""},
		{"empty brackets", "[]", UserAgent{Bracketed: true}, ""},
		{"spaces", "  ", UserAgent{}, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := ParseUserAgent(test.value)
			if got != test.want {
				t.Errorf("ParseUserAgent(%q)\n got %+v\nwant %+v", test.value, got, test.want)
			}
			if client := got.Client(); client != test.client {
				t.Errorf("its client is %q, want %q", client, test.client)
			}
		})
	}
}

// An update changes neither the client nor what counts as one.
func TestClientIgnoresVersions(t *testing.T) {
	before := ParseUserAgent("aws-cli/2.4.11 Python/3.8.8 Linux/5.10.102.1-microsoft-standard-WSL2 exe/x86_64.ubuntu.20 prompt/off command/sts.get-caller-identity")
	after := ParseUserAgent("aws-cli/2.35.24 md/awscrt#0.35.0 ua/2.1 os/linux#6.1 md/arch#amd64 lang/python#3.14.6 m/n,o,Z md/command#s3.ls")
	if before.Client() != after.Client() {
		t.Errorf("%q is another client than %q", before.Client(), after.Client())
	}
}

func TestUserAgentHas(t *testing.T) {
	ua := ParseUserAgent("aws-sdk-go-v2/1.36.3 m/E,0,AC,n")
	for code, want := range map[string]bool{"E": true, "0": true, "AC": true, "n": true, "A": false, "C": false, "z": false, "E,0": false, "": false} {
		if got := ua.Has(code); got != want {
			t.Errorf("Has(%q) is %v", code, got)
		}
	}
	if (UserAgent{}).Has("") {
		t.Error("an agent without codes has one")
	}
}

func FuzzParseUserAgent(f *testing.F) {
	f.Add("Boto3/1.34.108 md/Botocore#1.34.108 ua/2.0 os/linux#5.10 exec-env/AWS_ECS_FARGATE m/a,b app/x Botocore/1.34.108")
	f.Add("[aws-sdk-go/1.55.5 (go1.22.7; linux; amd64)]")
	f.Add("[[]]")
	f.Add("m/ os/ app/ exec-env/ / // ()")
	f.Fuzz(func(t *testing.T, value string) {
		ua := ParseUserAgent(value)
		if ua != ParseUserAgent(strings.Clone(value)) {
			t.Errorf("%q is not always the same", value)
		}
		if ua.Product != productBrowser && ua.Product != productAWSInternal && !strings.Contains(value, ua.Product) {
			t.Errorf("the product %q is no part of %q", ua.Product, value)
		}
		for _, part := range []string{ua.Version, ua.SDK, ua.ExecEnv, ua.AppID, ua.Features} {
			if !strings.Contains(value, part) || strings.Contains(part, " ") {
				t.Errorf("%q is no part of %q", part, value)
			}
		}
		if ua.Client() == "" && ua.Product != "" && ua.Product != "-" {
			t.Errorf("%q has a product but no client", value)
		}
	})
}
