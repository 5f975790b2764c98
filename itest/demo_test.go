package itest

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/trailscan/trailscan/internal/attribute"
	"github.com/trailscan/trailscan/internal/ingest"
)

// The accounts of the organization that the demonstration is about.
const (
	production = "111122223333"
	staging    = "222233334444"
	shared     = "333344445555"
	partner    = "999988887777"
)

var (
	demoSince = time.Date(2026, 11, 16, 0, 0, 0, 0, time.UTC)
	demoUntil = demoSince.AddDate(0, 0, 7)
)

// maker builds Results as a scan would: totals that add up, ids of the right
// form, calls spread over the hours. The same seed makes the same Result.
type maker struct {
	random *rand.Rand
	res    *attribute.Result
}

func newMaker() *maker {
	return &maker{
		random: rand.New(rand.NewPCG(1, 2)),
		res: &attribute.Result{Scan: attribute.Scan{
			Source: "s3://example-org-trail/AWSLogs/o-abcde12345/", Since: demoSince, Until: demoUntil,
			Started: demoUntil.Add(9 * time.Minute), Finished: demoUntil.Add(11 * time.Minute),
			Complete: true,
		}},
	}
}

func (m *maker) hex(n int) string {
	const digits = "0123456789abcdef"
	b := make([]byte, n)
	for i := range b {
		b[i] = digits[m.random.IntN(16)]
	}
	return string(b)
}

func (m *maker) event() string {
	return strings.Join([]string{m.hex(8), m.hex(4), "4" + m.hex(3), "a" + m.hex(3), m.hex(12)}, "-")
}

func (m *maker) key() string { return "ASIA" + strings.ToUpper(m.hex(16)) }

func (m *maker) ip() string {
	return fmt.Sprintf("10.%d.%d.%d", m.random.IntN(256), m.random.IntN(256), m.random.IntN(256))
}

// from is one origin of a name that is to be made.
type from struct {
	id         string
	confidence attribute.Confidence
	calls      int64
	sessions   int64
	chain      []string // principals, the root first
	agent      string
	instances  []string
}

// name adds a session name. Its calls follow shape: day (office hours), night,
// burst (a few hours of one day) or flat.
func (m *maker) name(account, role, name, form, pattern, shape string, services []string, rules []string, origins ...from) *attribute.SessionName {
	n := attribute.SessionName{
		Partition: "aws", AccountID: account, RoleName: role[strings.LastIndexByte(role, '/')+1:],
		RoleARN:     "arn:aws:iam::" + account + ":role/" + role,
		SessionName: name, Form: form, Pattern: pattern,
		Findings: rules, NameDetail: &attribute.NameDetail{Regions: []string{"eu-central-1"}},
	}
	if account == production {
		n.Regions = append(n.Regions, "us-east-1")
	}
	for _, f := range origins {
		kind, rest, _ := strings.Cut(f.id, ":")
		o := attribute.NameOrigin{
			ID: f.id, Kind: kind, Name: rest, Confidence: f.confidence,
			Calls: f.calls, Sessions: f.sessions, Errors: f.calls / 97,
			Instances: sample(f.instances...), UserAgents: sample(f.agent), Regions: n.Regions,
		}
		if acct, name, ok := strings.Cut(rest, "/"); ok && len(acct) == 12 {
			o.AccountID, o.Name = acct, name
		}
		o.ByConf.Add(f.confidence, f.calls)
		at := demoSince.Add(time.Duration(m.random.IntN(3600)) * time.Second)
		event := m.event()
		for i, principal := range f.chain {
			o.Chain = append(o.Chain, attribute.Link{Principal: principal, EventID: event, EventTime: at})
			if i < len(f.chain)-1 {
				event, at = m.event(), at.Add(time.Second)
			}
		}
		switch f.confidence {
		case attribute.Proven:
			o.Evidence = append(o.Evidence, attribute.Evidence{Type: "assume-event", EventID: event, Detail: "issued the access key that the calls carry"})
		case attribute.Recorded:
			o.Evidence = append(o.Evidence, attribute.Evidence{Type: "in-scope-of", EventID: event, Detail: "the calls name the function or instance that the credential was made for"})
		case attribute.Inferred:
			o.Evidence = append(o.Evidence, attribute.Evidence{Type: "user-agent", EventID: event, Detail: f.agent})
		}
		for i := range min(1+int(f.sessions)/10, 4) {
			o.SourceIPs.Sample = append(o.SourceIPs.Sample, m.ip())
			o.SourceIPs.Count = int64(i + 1)
		}
		slices.Sort(o.SourceIPs.Sample)
		left := f.calls
		for i, s := range services {
			c := left * 2 / 3
			if i == len(services)-1 {
				c = left
			}
			left -= c
			if c > 0 {
				o.Services = append(o.Services, attribute.ServiceCalls{EventSource: s + ".amazonaws.com", Calls: c})
			}
		}
		n.Origins = append(n.Origins, o)
		n.Calls += o.Calls
		n.Errors += o.Errors
		n.Sessions += o.Sessions
		n.SourceIPs.Count += o.SourceIPs.Count
		n.SourceIPs.Sample = append(n.SourceIPs.Sample, o.SourceIPs.Sample...)
		n.UserAgents.Count++
		n.UserAgents.Sample = append(n.UserAgents.Sample, f.agent)
		m.res.Attribution.Add(f.confidence, f.calls)
	}
	slices.Sort(n.SourceIPs.Sample)
	n.SourceIPs.Sample = n.SourceIPs.Sample[:min(len(n.SourceIPs.Sample), attribute.SampleSize)]
	n.Services = slices.Clone(n.Origins[0].Services)
	m.spread(&n, shape)
	for i := range n.Origins {
		n.Origins[i].FirstSeen, n.Origins[i].LastSeen = n.FirstSeen, n.LastSeen
	}
	m.sessions(&n)
	m.res.Names = append(m.res.Names, n)
	return &m.res.Names[len(m.res.Names)-1]
}

func sample(values ...string) attribute.Sample {
	values = slices.DeleteFunc(slices.Clone(values), func(s string) bool { return s == "" })
	slices.Sort(values)
	return attribute.Sample{Count: int64(len(values)), Sample: values[:min(len(values), attribute.SampleSize)]}
}

func (m *maker) spread(n *attribute.SessionName, shape string) {
	weights := make([]float64, 7*24)
	var sum float64
	burst := 24*(1+m.random.IntN(5)) + m.random.IntN(20)
	for h := range weights {
		hour, weekday := h%24, h/24 // the window starts on a Monday
		w := 0.0
		switch shape {
		case "day":
			w = math.Exp(-math.Pow(float64(hour)-13, 2) / 18)
			if weekday >= 5 {
				w *= 0.12
			}
		case "night":
			if hour == 2 || hour == 3 {
				w = 1
			}
		case "burst":
			if h >= burst && h < burst+4 {
				w = 1
			}
		default:
			w = 0.7
		}
		weights[h] = w * (0.6 + 0.8*m.random.Float64())
		sum += weights[h]
	}
	left := n.Calls
	for h, w := range weights {
		c := min(left, int64(math.Round(float64(n.Calls)*w/sum)))
		if h == len(weights)-1 && len(n.Hours) > 0 {
			n.Hours[len(n.Hours)/2].Calls += left
			break
		}
		if c == 0 {
			continue
		}
		left -= c
		n.Hours = append(n.Hours, attribute.HourCalls{Hour: demoSince.Unix() + int64(h)*3600, Calls: c})
	}
	if len(n.Hours) == 0 {
		n.Hours = []attribute.HourCalls{{Hour: demoSince.Unix() + int64(burst)*3600, Calls: n.Calls}}
	}
	first, last := n.Hours[0].Hour, n.Hours[len(n.Hours)-1].Hour
	n.FirstSeen = time.Unix(first+int64(m.random.IntN(1800)), 0).UTC()
	n.LastSeen = time.Unix(last+1800+int64(m.random.IntN(1799)), 0).UTC()
}

func (m *maker) sessions(n *attribute.SessionName) {
	for _, o := range n.Origins {
		for i := range min(o.Sessions, 60) {
			created := n.FirstSeen.Add(time.Duration(i) * n.LastSeen.Sub(n.FirstSeen) / time.Duration(o.Sessions))
			s := attribute.Session{
				AccessKeyID: m.key(), Created: created, FirstSeen: created.Add(3 * time.Second), LastSeen: created.Add(31 * time.Minute),
				Calls: max(1, o.Calls/o.Sessions), OriginID: o.ID, Confidence: o.Confidence,
			}
			if o.Confidence == attribute.Proven {
				s.AssumeEvent = m.event()
			}
			n.SessionList = append(n.SessionList, s)
		}
	}
	slices.SortStableFunc(n.SessionList, func(a, b attribute.Session) int { return a.Created.Compare(b.Created) })
}

// finding adds a finding on the names of a role that have the rule.
func (m *maker) finding(rule string, severity attribute.Severity, role, title, detail, why, fix string, patterns ...string) *attribute.Finding {
	f := attribute.Finding{
		ID: m.hex(16), Rule: rule, Severity: severity, Title: title, Detail: detail, Why: why, Recommendation: fix, Patterns: patterns,
	}
	for i := range m.res.Names {
		n := &m.res.Names[i]
		if n.RoleName != role || !slices.Contains(n.Findings, rule) {
			continue
		}
		if f.RoleARNs == nil {
			f.RoleARNs, f.AccountID = []string{n.RoleARN}, n.AccountID
		}
		f.Names.Count++
		if len(f.Names.Sample) < attribute.SampleSize {
			f.Names.Sample = append(f.Names.Sample, n.SessionName)
		}
		if len(f.Evidence) < 4 {
			for _, o := range n.Origins[:min(2, len(n.Origins))] {
				f.Evidence = append(f.Evidence, attribute.Evidence{Type: "assume-event", EventID: m.event(), Detail: o.ID + " called " + n.SessionName})
			}
		}
	}
	m.res.Findings = append(m.res.Findings, f)
	return &m.res.Findings[len(m.res.Findings)-1]
}

// done sorts and adds up what follows from the names.
func (m *maker) done() *attribute.Result {
	r := m.res
	slices.SortFunc(r.Names, func(a, b attribute.SessionName) int {
		return strings.Compare(a.RoleARN+"\x00"+a.SessionName, b.RoleARN+"\x00"+b.SessionName)
	})
	slices.SortStableFunc(r.Findings, func(a, b attribute.Finding) int { return int(b.Severity) - int(a.Severity) })
	totals := make(map[string]*attribute.OriginTotal)
	for i := range r.Names {
		for _, o := range r.Names[i].Origins {
			t := totals[o.ID]
			if t == nil {
				t = &attribute.OriginTotal{ID: o.ID, Kind: o.Kind, Name: o.Name, AccountID: o.AccountID}
				totals[o.ID] = t
			}
			t.Calls += o.Calls
			t.Sessions += o.Sessions
			t.SessionNames++
			if !slices.Contains(t.Roles, r.Names[i].RoleARN) {
				t.Roles = append(t.Roles, r.Names[i].RoleARN)
			}
		}
	}
	for _, t := range totals {
		r.Origins = append(r.Origins, *t)
	}
	slices.SortFunc(r.Origins, func(a, b attribute.OriginTotal) int { return strings.Compare(a.ID, b.ID) })
	s := &r.Scan
	s.AssumedRoleCalls = r.Attribution.Calls
	s.Events = r.Attribution.Calls*13/10 + 211
	s.AssumeEvents = int64(len(r.Names)) * 7
	s.Objects, s.CompressedBytes, s.Bytes = 48_211, 912<<20, 9<<30
	return r
}

const (
	agentBoto   = "Boto3/1.40.11 md/Botocore#1.40.11 ua/2.1 os/linux#6.1.0 md/arch#aarch64 lang/python#3.13.5"
	agentJava   = "aws-sdk-java/2.31.7 md/io#sync md/http#Apache os/Linux#5.10.234 lang/java#21.0.6"
	agentGo     = "aws-sdk-go-v2/1.36.3 ua/2.1 os/linux lang/go#1.25.1 md/GOOS#linux md/GOARCH#arm64 api/s3#1.79.1"
	agentCLI    = "aws-cli/2.31.2 md/awscrt#0.27.6 ua/2.1 os/linux#6.11.0 md/arch#x86_64 lang/python#3.13.7"
	agentTF     = "APN/1.0 HashiCorp/1.0 Terraform/1.13.3 (+https://www.terraform.io) terraform-provider-aws/6.14.1"
	agentChrome = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36"
	agentGitHub = "aws-sdk-nodejs/2.1692.0 linux/v20.19.4 configure-aws-credentials-for-github-actions promise"
)

// demo is a week of an organization as a reviewer would find it.
func demo() *attribute.Result {
	const (
		proven, recorded, inferred, unknown = attribute.Proven, attribute.Recorded, attribute.Inferred, attribute.Unknown
	)
	m := newMaker()
	arn := func(account, rest string) string { return "arn:aws:iam::" + account + ":" + rest }

	m.name(production, "orders-processor", "orders-api", "lambda-function", "orders-api", "day", []string{"dynamodb", "sqs", "kms"}, nil,
		from{"lambda:" + production + "/orders-api", recorded, 184_311, 212, []string{"lambda.amazonaws.com"}, agentJava, nil})
	m.name(production, "orders-processor", "orders-refunds", "lambda-function", "orders-refunds", "day", []string{"dynamodb", "sqs"}, nil,
		from{"lambda:" + production + "/orders-refunds", recorded, 21_874, 60, []string{"lambda.amazonaws.com"}, agentJava, nil})
	m.name(production, "thumbnailer", "thumbnailer", "lambda-function", "thumbnailer", "day", []string{"s3"}, nil,
		from{"lambda:" + production + "/thumbnailer", recorded, 96_020, 141, []string{"lambda.amazonaws.com"}, agentBoto, nil})

	for i, c := range []int64{40_112, 38_870, 37_209, 35_116, 12_030} {
		m.name(production, "web-tier", fmt.Sprintf("i-0%s", m.hex(16)), "ec2-instance", "i-<id>", []string{"day", "flat"}[i%2], []string{"s3", "ssm", "secretsmanager"}, nil,
			from{"ec2:" + production + "/web-tier", proven, c, 29, []string{"ec2.amazonaws.com"}, agentGo, nil})
	}
	m.name(production, "web-tier", "i-0f3c9a7712de4b551", "ec2-instance", "i-<id>", "flat", []string{"s3", "sts", "iam"}, []string{"credentials-moved"},
		from{"ec2:" + production + "/web-tier", proven, 8_412, 31, []string{"ec2.amazonaws.com"}, agentGo, []string{"i-0f3c9a7712de4b551"}})

	m.name(shared, "deploy", "GitHubActions", "github-actions", "GitHubActions", "day", []string{"cloudformation", "s3", "ecs"}, []string{"shared-name", "sdk-default-name"},
		from{"github-actions:example/storefront", proven, 9_120, 84, []string{"token.actions.githubusercontent.com", "repo:example/storefront:ref:refs/heads/main"}, agentGitHub, nil},
		from{"github-actions:example/payments", proven, 5_410, 51, []string{"token.actions.githubusercontent.com", "repo:example/payments:environment:production"}, agentGitHub, nil},
		from{"github-actions:example/infrastructure", proven, 3_998, 40, []string{"token.actions.githubusercontent.com", "repo:example/infrastructure:ref:refs/heads/main"}, agentGitHub, nil},
		from{"github-actions:example/docs", proven, 311, 12, []string{"token.actions.githubusercontent.com", "repo:example/docs:pull_request"}, agentGitHub, nil})
	m.name(shared, "deploy", "storefront-release", "", "storefront-release", "burst", []string{"ecs", "ecr"}, nil,
		from{"github-actions:example/storefront", proven, 2_204, 9, []string{"token.actions.githubusercontent.com", "repo:example/storefront:ref:refs/tags/v4.2.0"}, agentGitHub, nil})

	m.name(production, "batch-worker", "session", "", "session", "flat", []string{"s3", "athena", "glue"}, []string{"shared-name", "generic-name"},
		from{"ecs:" + production + "/reporting-task", proven, 17_884, 168, []string{"ecs-tasks.amazonaws.com", arn(production, "role/reporting-task")}, agentBoto, []string{"4be0c1f0a2f44f0cb8a1", "9a0ff2ab11d043c1a8ce"}},
		from{"iam-user:" + production + "/jenkins", proven, 6_230, 44, []string{arn(production, "user/jenkins")}, agentCLI, nil},
		from{"unknown", unknown, 412, 6, nil, agentCLI, nil})
	m.name(production, "batch-worker", "nightly", "", "nightly", "night", []string{"s3", "redshift-data"}, []string{"name-collision"},
		from{"states:" + production + "/nightly-close", proven, 11_050, 7, []string{"states.amazonaws.com", arn(production, "role/nightly-close")}, agentJava, nil})
	m.name(staging, "etl", "nightly", "", "nightly", "night", []string{"s3", "glue"}, []string{"name-collision"},
		from{"glue:" + staging + "/etl-nightly", proven, 7_412, 7, []string{"glue.amazonaws.com"}, agentBoto, nil})

	for i := range 41 {
		id := fmt.Sprintf("botocore-session-%d", 1763251200+i*14321)
		m.name(production, "data-pipeline", id, "botocore", "botocore-session-<n>", "burst", []string{"s3", "glue", "kms"}, []string{"sdk-default-name"},
			from{"eks:" + production + "/EXAMPLED539D4633E53DE1B71/airflow/scheduler", proven, int64(140 + i*7), 1, []string{"system:serviceaccount:airflow:scheduler", arn(production, "role/airflow-scheduler")}, agentBoto, nil})
	}
	for i := range 18 {
		m.name(staging, "feature-store", m.hex(8)+"-"+m.hex(4)+"-4"+m.hex(3)+"-9"+m.hex(3)+"-"+m.hex(12), "uuid", "<uuid>", "burst", []string{"sagemaker", "s3"}, []string{"opaque-name"},
			from{"sagemaker:" + staging + "/feature-training", proven, int64(60 + i*11), 1, []string{"sagemaker.amazonaws.com", arn(staging, "role/feature-training")}, agentBoto, nil})
	}

	m.name(production, "break-glass-admin", "i-0aa11bb22cc33dd44", "ec2-instance", "i-<id>", "burst", []string{"iam", "sts", "s3"}, []string{"misleading-name"},
		from{"iam-user:" + shared + "/c.moreau", proven, 214, 2, []string{arn(shared, "user/c.moreau")}, agentCLI, nil})
	m.name(shared, "AWSReservedSSO_AdministratorAccess_1f2e3d4c5b6a7988", "alice@example.com", "email", "alice@example.com", "day", []string{"ec2", "iam", "cloudtrail"}, nil,
		from{"sso:alice@example.com", recorded, 3_911, 14, []string{"sso:alice@example.com"}, agentChrome, nil})
	m.name(shared, "AWSReservedSSO_AdministratorAccess_1f2e3d4c5b6a7988", "bikram@example.com", "email", "bikram@example.com", "day", []string{"ec2", "rds"}, nil,
		from{"sso:bikram@example.com", recorded, 2_120, 11, []string{"sso:bikram@example.com"}, agentChrome, nil})
	m.name(production, "AWSReservedSSO_ReadOnly_99aa88bb77cc66dd", "chidi@example.com", "email", "chidi@example.com", "day", []string{"cloudwatch", "logs"}, nil,
		from{"sso:chidi@example.com", recorded, 1_742, 9, []string{"sso:chidi@example.com"}, agentChrome, nil})
	m.name(production, "partner-reports", "dana.svensson@example.com", "email", "dana.svensson@example.com", "day", []string{"s3", "athena"}, []string{"personal-data-crosses-accounts"},
		from{"external:" + partner + "/AROAEXAMPLE7PARTNER12", recorded, 862, 5, []string{"AROAEXAMPLE7PARTNER12"}, agentBoto, nil})
	m.name(production, "s3-sync", "AKIAIOSFODNN7EXAMPLE-sync", "", "AKIA<key>-sync", "night", []string{"s3"}, []string{"secret-in-name"},
		from{"iam-user:" + production + "/legacy-sync", proven, 5_230, 14, []string{arn(production, "user/legacy-sync")}, agentCLI, nil})
	m.name(production, "terraform", "run-k3Jd81LqPz2xVt9s", "terraform-cloud", "run-<id>", "burst", []string{"ec2", "iam", "rds", "route53"}, nil,
		from{"terraform-cloud:example/network", proven, 4_020, 3, []string{"app.terraform.io", "organization:example:project:network"}, agentTF, nil})
	m.name(staging, "terraform", "aws-go-sdk-1763290187123456789", "go-sdk", "aws-go-sdk-<n>", "burst", []string{"ec2", "iam"}, []string{"sdk-default-name"},
		from{"gitlab:example/platform", proven, 1_940, 4, []string{"gitlab.com", "project_path:example/platform"}, agentTF, nil})
	m.name(staging, "qa-runner", "test", "", "test", "day", []string{"s3", "lambda"}, []string{"generic-name", "overlapping-sessions"},
		from{"codebuild:" + staging + "/integration-tests", proven, 3_377, 98, []string{"codebuild.amazonaws.com", arn(staging, "role/integration-tests")}, agentCLI, nil})
	m.name(staging, "legacy-cron", "cron", "", "cron", "night", []string{"s3"}, []string{"shared-name"},
		from{"ec2:" + staging + "/cron-a", proven, 880, 14, []string{"ec2.amazonaws.com", arn(staging, "role/cron-a")}, agentCLI, nil},
		from{"ec2:" + staging + "/cron-b", proven, 790, 14, []string{"ec2.amazonaws.com", arn(staging, "role/cron-b")}, agentCLI, nil})
	m.name(production, "cache-warmer", "warmer", "", "warmer", "flat", []string{"elasticache", "ssm"}, []string{"assume-churn"},
		from{"ecs:" + production + "/cache-warmer-task", proven, 9_844, 4_800, []string{"ecs-tasks.amazonaws.com", arn(production, "role/cache-warmer-task")}, agentGo, []string{"0c11ab90d1f24fe1a7be"}})
	m.name(production, "cleanup", "janitor", "", "janitor", "night", []string{"ec2", "s3"}, []string{"unattributed"},
		from{"unknown", unknown, 9_210, 22, nil, agentCLI, nil})
	m.name(staging, "observability", "DatadogAWSIntegration", "datadog", "DatadogAWSIntegration", "flat", []string{"cloudwatch", "ec2", "tag"}, nil,
		from{"external:464622532012/AROAEXAMPLEDATADOG01", recorded, 31_880, 168, []string{"AROAEXAMPLEDATADOG01"}, "Datadog", nil})
	m.name(shared, "config-recorder", "ConfigResourceCompositionSession", "aws-config", "ConfigResourceCompositionSession", "flat", []string{"ec2", "iam", "s3"}, nil,
		from{"service:" + shared + "/config.amazonaws.com", inferred, 14_020, 168, []string{"config.amazonaws.com"}, "config.amazonaws.com", nil})

	m.finding("secret-in-name", attribute.Critical, "s3-sync", "A session name of s3-sync holds an access key id",
		"The name AKIAIOSFODNN7EXAMPLE-sync starts with what looks like a long-term access key id. It stands in 5,230 events.",
		"Session names are written to every log that records the call, also to other accounts' logs. Whoever reads those knows which key to look for.",
		"Rotate the key of legacy-sync if its secret may have travelled the same way, and name the session after the job: s3-sync-nightly.\nAdd to the trust policy of s3-sync:\n  \"StringLike\": {\"sts:RoleSessionName\": \"s3-sync-*\"}")
	f := m.finding("shared-name", attribute.High, "deploy", "4 repositories share the session name GitHubActions on deploy",
		"Under the role deploy, the name GitHubActions was used by github-actions:example/storefront, example/payments, example/infrastructure and example/docs.",
		"An alert or a bill that groups by this name mixes four apps. When one of them misbehaves, the log alone does not say which.",
		"Set role-session-name in each workflow, for instance to ${{ github.repository_owner }}-storefront, and require it with the condition sts:RoleSessionName in the role's trust policy.")
	f.Names.New = []string{"GitHubActions"}
	m.finding("shared-name", attribute.High, "batch-worker", "2 apps share the session name session on batch-worker",
		"Under the role batch-worker, the name session was used by ecs:"+production+"/reporting-task and iam-user:"+production+"/jenkins; 412 further calls lead to no origin.",
		"An alert or a bill that groups by this name mixes a service with a person's tool.",
		"Give each caller a name of its own (reporting-task, jenkins-nightly) and require it with the condition sts:RoleSessionName.")
	m.finding("misleading-name", attribute.High, "break-glass-admin", "A session that EC2 never issued is named like an instance",
		"The session i-0aa11bb22cc33dd44 under break-glass-admin was opened by iam-user:"+shared+"/c.moreau from a shell, not by EC2.",
		"Rules that look for instance ids take these 214 calls for an instance's. It is a way to hide, and it hides well.",
		"Ask who used the key and why. Deny names of this form to all but EC2:\n  \"StringNotLike\": {\"sts:RoleSessionName\": \"i-*\"}")
	m.finding("credentials-moved", attribute.High, "web-tier", "Credentials of an instance of web-tier were used outside AWS",
		"The credential of i-0f3c9a7712de4b551 was used from 10.20.30.40 inside the VPC and, at the same time, from 203.0.113.77, which is no address of AWS.",
		"An instance's credential does not leave the instance by itself. This is what a stolen credential looks like.",
		"Isolate the instance, revoke the role's sessions, and require IMDSv2 on the fleet.")
	m.finding("sdk-default-name", attribute.Medium, "data-pipeline", "41 session names of data-pipeline were made up by botocore",
		"All of them have the form botocore-session-<n>; all come from one service account, airflow/scheduler.",
		"A name that changes with every run cannot be looked for, alerted on or granted anything.",
		"Set role_session_name in the AWS profile or RoleSessionName in the AssumeRole call, to airflow-scheduler.", "botocore-session-<n>")
	m.finding("sdk-default-name", attribute.Medium, "deploy", "deploy is assumed with the default name of a GitHub action",
		"GitHubActions is what aws-actions/configure-aws-credentials sets when nothing is asked for.", "The default says which tool acted, not who.",
		"Set role-session-name in the workflow.", "GitHubActions")
	m.finding("sdk-default-name", attribute.Medium, "terraform", "terraform is assumed with a name that the Go SDK made up",
		"aws-go-sdk-1763290187123456789 is a timestamp.", "A name that changes with every run cannot be looked for.",
		"Set session_name in the provider's assume_role block.", "aws-go-sdk-<n>")
	m.finding("generic-name", attribute.Medium, "batch-worker", "The session name session says nothing", "It is the word that examples use.", "It names neither app nor person.", "Name the session after the job.")
	m.finding("generic-name", attribute.Medium, "qa-runner", "The session name test says nothing", "It is the word that examples use.", "It names neither app nor person.", "Name the session after the build project: integration-tests.")
	c := m.finding("name-collision", attribute.Medium, "etl", "The session name nightly stands under 2 roles for different apps",
		"It is states:"+production+"/nightly-close under batch-worker and glue:"+staging+"/etl-nightly under etl.",
		"Whoever groups by the name alone takes them for one.", "Put the app into the name: nightly-close, etl-nightly.")
	c.RoleARNs = append(c.RoleARNs, "arn:aws:iam::"+production+":role/batch-worker")
	m.finding("opaque-name", attribute.Low, "feature-store", "18 session names of feature-store are random", "Every session has a new UUID as its name.", "A random name says that the sessions differ and nothing else.", "Name the session after the training job.", "<uuid>")
	m.finding("unattributed", attribute.Low, "cleanup", "Nobody is known to be behind janitor on cleanup",
		"No assume event of its 22 sessions is in the logs that were read.", "What cannot be led back to an app or person cannot be asked about.", "Read the trail of the account that assumes the role as well, or lengthen the look-back with --lookback 36h.")
	m.finding("assume-churn", attribute.Low, "cache-warmer", "cache-warmer opens a session every 2 minutes", "4,800 sessions lived an hour each and were used for 3 seconds in the median.", "Each costs a call to STS that a cache would save, about 4,600 in the week.", "Keep the credentials provider for the life of the process.")
	m.finding("personal-data-crosses-accounts", attribute.Low, "partner-reports", "A person's address reaches account "+production+" from another organization", "dana.svensson@example.com is the name of sessions that account "+partner+" opens.", "It is kept as long as the log is, under the law that applies to the log.", "Agree on a name without personal data, such as the partner's job.")
	m.finding("overlapping-sessions", attribute.Low, "qa-runner", "One build holds several sessions named test", "Up to 6 were live at once, from one parent credential.", "Calls of the sessions cannot be told apart by name.", "Add the build's id to the name.")
	ig := m.finding("shared-name", attribute.High, "legacy-cron", "2 apps share the session name cron on legacy-cron", "ec2:"+staging+"/cron-a and ec2:"+staging+"/cron-b.", "An alert that groups by this name mixes them.", "Name the session after the host.")
	ig.Ignored = "moves to Step Functions by January, OPS-42"

	for i := range m.res.Findings {
		m.res.Findings[i].Status = "persisting"
	}
	for i := range m.res.Findings {
		switch m.res.Findings[i].Rule {
		case "credentials-moved", "misleading-name", "assume-churn":
			m.res.Findings[i].Status = "new"
		}
	}
	gone := m.finding("shared-name", attribute.High, "invoices", "2 apps shared the session name app on invoices", "No session of this name was seen any more.", "", "")
	gone.RoleARNs, gone.AccountID, gone.Status = []string{arn(production, "role/invoices")}, production, "resolved"

	m.res.Baseline = &attribute.Comparison{New: 3, Persisting: 13, Resolved: 1, Changes: []string{
		"github-actions:example/docs is new on the role deploy (account " + shared + ")",
		"GitHubActions on deploy is newly shared by 4 origins, 3 before",
		"Calls attributed for certain: 95.1 %, up from 91.7 %",
	}}
	for _, account := range []string{production, staging, shared} {
		for i, region := range []string{"eu-central-1", "eu-west-1", "us-east-1"} {
			c := attribute.Coverage{
				AccountID: account, Region: region, From: demoSince.Add(time.Duration(i) * 7 * time.Minute), To: demoUntil.Add(-time.Duration(3+i*40) * time.Minute),
				Objects: 2016 + int64(i)*311, Verified: "complete",
			}
			if account == staging && region == "eu-west-1" {
				c.To = demoSince.Add(61 * time.Hour)
			}
			if account == production && region == "us-east-1" {
				c.ObjectsFailed, c.Verified = 2, "2 objects unread"
			}
			m.res.Coverage = append(m.res.Coverage, c)
		}
	}
	m.res.Scan.Complete = false
	m.res.Scan.ObjectsFailed = 2
	m.res.Scan.Problems = []ingest.Problem{
		{Object: "s3://example-org-trail/AWSLogs/o-abcde12345/" + production + "/CloudTrail/us-east-1/2026/11/18/" + production + "_CloudTrail_us-east-1_20261118T0915Z_pX3vQh2LsJk0aTzW.json.gz", Offset: 1_310_720, Stage: ingest.StageDecompress, Error: "gzip: invalid checksum: the object is damaged: compare it with the trail's digest by --verify", Count: 1},
		{Object: "s3://example-org-trail/AWSLogs/o-abcde12345/" + production + "/CloudTrail/us-east-1/2026/11/18/" + production + "_CloudTrail_us-east-1_20261118T0920Z_0mNbV9cRtYuEwQ8k.json.gz", Offset: -1, Stage: ingest.StageFetch, Error: "access denied by KMS: allow kms:Decrypt on the key of the trail", Count: 1},
	}
	m.res.Scan.Warnings = []string{"account " + staging + " was silent in eu-west-1 from 2026-11-18 13:00 on"}
	m.res.Scan.UnusedSessions = 1_204
	m.res.Other = []attribute.OtherSession{{Kind: "GetFederationToken", AccountID: shared, Principal: arn(shared, "user/console-broker"), Name: "helpdesk", Issued: 12, Calls: 88, FirstSeen: demoSince.Add(9 * time.Hour), LastSeen: demoSince.Add(99 * time.Hour), EventID: m.event()}}
	m.res.Denied = []attribute.DeniedAssumption{{Principal: arn(staging, "user/intern"), RoleARN: arn(production, "role/break-glass-admin"), AccountID: production, ErrorCode: "AccessDenied", Count: 7, FirstSeen: demoSince.Add(30 * time.Hour), LastSeen: demoSince.Add(31 * time.Hour), EventID: m.event()}}
	return m.done()
}
