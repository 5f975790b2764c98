package attribute

import "strings"

// UserAgent is what a userAgent value tells. Whoever makes the call writes the
// value, so it corroborates and never proves. All members are parts of the value
// that was parsed.
type UserAgent struct {
	Product  string // what called: aws-cli, Boto3, aws-sdk-go-v2, Terraform, a browser, a service; empty where nothing tells
	Version  string // its version, or empty
	SDK      string // the SDK below the product, where another one than the product is named
	OS       string // linux, macos, windows or another system in small letters; empty where nothing tells
	ExecEnv  string // AWS_EXECUTION_ENV, such as AWS_Lambda_python3.12
	AppID    string // AWS_SDK_UA_APP_ID or sdk_ua_app_id
	Features string // the codes of m/, with commas between; see Has
	// Service says that an AWS service or the console called, not a client:
	// the value is a service's name or AWS Internal.
	Service   bool
	Bracketed bool // the value stood in [ ], as S3 and others write it
}

// withoutBrackets takes a userAgent value out of the [ ] that some services
// write around it.
func withoutBrackets(value string) (string, bool) {
	value = strings.TrimSpace(value)
	if len(value) >= 2 && value[0] == '[' && value[len(value)-1] == ']' {
		return strings.TrimSpace(value[1 : len(value)-1]), true
	}
	return value, false
}

// The products that ParseUserAgent names itself.
const (
	productBrowser     = "browser"
	productTerraform   = "Terraform"
	productGitHub      = "configure-aws-credentials-for-github-actions"
	productAWSInternal = "AWS Internal"
)

// ParseUserAgent takes a userAgent value apart. It knows the grammar of today's
// SDKs, <sdk>/<version> ua/2.1 os/<name>#<version> m/<codes> app/<id>, and that
// of the older ones, Boto3/1.9 Python/3.8 Linux/4.14 Botocore/1.12; anything
// else gives the product alone.
//
// The grammar: github.com/boto/botocore, botocore/useragent.py, and
// github.com/aws/aws-sdk-go-v2, aws/middleware/user_agent.go. The brackets:
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/cloudtrail-logging-understanding-s3-entries.html
func ParseUserAgent(value string) UserAgent {
	var ua UserAgent
	value, ua.Bracketed = withoutBrackets(value)
	if serviceAgent(value) {
		ua.Service = true
		ua.Product = value
		if strings.HasPrefix(value, productAWSInternal) {
			ua.Product = productAWSInternal
		}
		return ua
	}
	for rest := value; rest != ""; {
		var token string
		token, rest, _ = strings.Cut(rest, " ")
		ua.take(strings.Trim(token, "();,"))
	}
	return ua
}

// serviceAgent reports the values that AWS writes for calls of its own.
func serviceAgent(value string) bool {
	if tail, ok := strings.CutPrefix(value, productAWSInternal); ok {
		return tail == "" || tail[0] == '/'
	}
	return strings.IndexByte(value, ' ') < 0 &&
		(strings.HasSuffix(value, ".amazonaws.com") || strings.HasSuffix(value, ".amazonaws.com.cn") ||
			strings.HasSuffix(value, ".aws.internal"))
}

// take reads one token.
func (ua *UserAgent) take(token string) {
	name, version, slash := strings.Cut(token, "/")
	switch name {
	case "":
		return
	case "m":
		if slash && ua.Features == "" {
			ua.Features = version
		}
		return
	case "app":
		if slash && ua.AppID == "" {
			ua.AppID = version
		}
		return
	case "exec-env", "exec_env":
		if slash && ua.ExecEnv == "" {
			ua.ExecEnv = version
		}
		return
	case "os", "OS":
		if slash {
			system, _, _ := strings.Cut(version, "#")
			system, _, _ = strings.Cut(system, "/")
			ua.OS = osName(system)
		}
		return
	case "md", "ua", "lang", "cfg", "api", "ft", "sid", "command", "prompt", "installer", "source", "exe", "cmd", "APN",
		"HashiCorp", "aws-internal", "Botocore", "botocore", "Python", "java", "kotlin", "vendor", "OpenJDK_64-Bit_Server_VM",
		"ruby", "promise", "callback", "Gecko", "AppleWebKit":
		if name == "aws-internal" && ua.Product == "" {
			ua.Product, ua.Version = name, version
		}
		return
	case "Mozilla":
		ua.Product, ua.Version = productBrowser, ""
		return
	}
	if ua.OS == "" {
		if system := systemOf(name); system != "" {
			ua.OS = system
			return
		}
	}
	switch {
	case name == productTerraform, name == productGitHub: // they name the SDK below them first or last
		if ua.SDK == "" && isSDK(ua.Product) {
			ua.SDK = ua.Product
		}
		ua.Product, ua.Version = name, version
	case ua.Product == "" || ua.Product == "aws-internal" && isSDK(name):
		ua.Product, ua.Version = name, version
	case ua.SDK == "" && isSDK(name) && ua.Product != productBrowser:
		ua.SDK = name
	}
}

func isSDK(name string) bool {
	return strings.HasPrefix(name, "aws-sdk-") || name == "Boto3" || name == "rusoto" || name == "aws-cli"
}

// systemOf gives the system that a token of the older grammar names: Linux/4.14,
// linux/v12.22, Darwin/21.5.0, (go1.18; linux; amd64), (Windows NT 10.0).
func systemOf(name string) string {
	switch name {
	case "Linux", "linux", "X11", "x86_64-linux", "aarch64-linux":
		return "linux"
	case "Darwin", "darwin", "Macintosh", "macOS", "macos":
		return "macos"
	case "Windows", "windows", "win32", "Windows_NT":
		return "windows"
	case "Android", "android":
		return "android"
	case "iPhone", "iPad", "iOS":
		return "ios"
	}
	if strings.HasPrefix(name, "x86_64-darwin") || strings.HasPrefix(name, "arm64-darwin") {
		return "macos"
	}
	return ""
}

// osName gives one name to each system: the SDKs write linux, Linux, macos,
// Darwin, windows, Microsoft_Windows_NT_10.0 and more.
func osName(s string) string {
	switch {
	case strings.EqualFold(s, "linux"):
		return "linux"
	case strings.EqualFold(s, "macos"), strings.EqualFold(s, "darwin"), strings.EqualFold(s, "Mac_OS_X"), strings.EqualFold(s, "mac"):
		return "macos"
	case containsFold(s, "windows"):
		return "windows"
	case s == "", strings.EqualFold(s, "other"), strings.EqualFold(s, "unknown"):
		return ""
	}
	return strings.ToLower(s)
}

func containsFold(s, small string) bool {
	for i := 0; i+len(small) <= len(s); i++ {
		if strings.EqualFold(s[i:i+len(small)], small) {
			return true
		}
	}
	return false
}

// Has reports whether the agent carries a feature code, such as "0" for
// credentials from the instance metadata service, "z" for a container endpoint,
// "i" for AssumeRole, "q" or "k" for a web identity, "n" for a profile.
//
// The codes: github.com/aws/aws-sdk-go-v2, aws/middleware/user_agent.go.
func (ua UserAgent) Has(code string) bool {
	for rest := ua.Features; rest != ""; {
		var c string
		c, rest, _ = strings.Cut(rest, ",")
		if c == code && code != "" {
			return true
		}
	}
	return false
}

// Client names the client without versions: the product, with random parts
// replaced, and the system. Two values of one client on one host give the same
// label, also after an update. It is empty where the value tells nothing.
func (ua UserAgent) Client() string {
	product := ua.Product
	if product == "" || product == "-" {
		return ""
	}
	product = generalise(product)
	if ua.OS == "" {
		return product
	}
	return product + " on " + ua.OS
}
