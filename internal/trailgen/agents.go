package trailgen

import "strconv"

// User agents in the forms of the SDKs and tools that they name. The letters
// after m/ are the SDKs' feature codes: g environment variables, i AssumeRole,
// k web identity, z container endpoint, 0 instance metadata, n profile, s SSO.
// https://github.com/aws/aws-sdk-go-v2/blob/main/aws/middleware/user_agent.go
const (
	browserAgent = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36"
	signInAgent  = "AWS Signin, aws-internal/3 aws-sdk-java/1.12.797 Linux/5.10.245-243.979.amzn2int.x86_64 OpenJDK_64-Bit_Server_VM/25.472-b09 java/1.8.0_472 vendor/N/A cfg/retry-mode/standard"
	portalAgent  = "aws-sdk-java/2.46.14 md/io#sync md/http#Apache md/internal ua/2.1 api/STS#2.46.x os/Linux#4.14.355-284.735.amzn2.x86_64 lang/java#17.0.19 md/OpenJDK_64-Bit_Server_VM#17.0.19+11-LTS md/vendor#Amazon.com_Inc. md/en_US m/E,N,AJ"
	githubAgent  = "aws-sdk-js/3.934.0 ua/2.1 os/linux#6.11.0-1018-azure lang/js md/nodejs#20.19.5 api/sts#3.934.0 configure-aws-credentials-for-github-actions m/E"
)

func nodeAgent(api, env, codes string) string {
	ua := "aws-sdk-js/3.934.0 ua/2.1 os/linux#5.10.245-266.992.amzn2.x86_64 lang/js md/nodejs#20.19.5 api/" + api + "#3.934.0"
	if env != "" {
		ua += " exec-env/" + env
	}
	return ua + " m/" + codes
}

func botoAgent(env, codes string) string {
	ua := "Boto3/1.42.97 md/Botocore#1.42.97 ua/2.1 os/linux#6.1.158-178.288.amzn2023.x86_64 md/arch#x86_64 lang/python#3.12.12 md/pyimpl#CPython"
	if env != "" {
		ua += " exec-env/" + env
	}
	return ua + " m/" + codes + " cfg/retry-mode#legacy Botocore/1.42.97"
}

func javaAgent(codes string) string {
	return "aws-sdk-java/2.38.5 md/io#sync md/http#Apache ua/2.1 api/STS#2.38.x os/Linux#6.1.158-178.288.amzn2023.aarch64 lang/java#21.0.9 md/OpenJDK_64-Bit_Server_VM#21.0.9+10-LTS md/vendor#Amazon.com_Inc. md/en_US m/" + codes
}

func goAgent(env, api, codes string) string {
	ua := "aws-sdk-go-v2/1.39.6 ua/2.1 os/linux lang/go#1.25.4 md/GOARCH#arm64 md/GOOS#linux"
	if env != "" {
		ua += " exec-env/" + env
	}
	return ua + " api/" + api + "#1.40.1 m/" + codes
}

// cliAgent is the command line's; command is empty where many are meant.
func cliAgent(command, codes string) string {
	ua := "aws-cli/2.32.3 md/awscrt#0.28.4 ua/2.1 os/macos#25.1.0 md/arch#arm64 lang/python#3.13.9 md/pyimpl#CPython m/" + codes +
		" cfg/retry-mode#standard md/installer#exe md/prompt#off"
	if command != "" {
		ua += " md/command#" + command
	}
	return ua
}

// The first two octets of address ranges that AWS publishes for EC2 in each
// region. https://ip-ranges.amazonaws.com/ip-ranges.json
var awsRanges = map[string][]string{
	"us-east-1":      {"3.84", "18.232", "34.229", "52.90", "54.165"},
	"us-east-2":      {"3.14", "18.191", "52.15"},
	"us-west-2":      {"35.88", "44.234", "52.36", "54.188"},
	"eu-west-1":      {"34.245", "52.212", "54.76", "3.250"},
	"eu-central-1":   {"3.66", "18.194", "35.157"},
	"ap-southeast-2": {"13.237", "3.26", "54.252"},
}

// awsIP gives a public address of EC2 in the region.
func (w *world) awsIP(region string) string {
	ranges := awsRanges[region]
	if ranges == nil {
		ranges = awsRanges["us-east-1"]
	}
	return pick(w.ids, ranges) + "." + strconv.Itoa(w.ids.IntN(256)) + "." + strconv.Itoa(1+w.ids.IntN(254))
}
