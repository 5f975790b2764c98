package trailgen

import "strconv"

// What people, programs and services do all day.
var (
	readAPIs = []string{
		"ec2:DescribeInstances", "ec2:DescribeVolumes", "ec2:DescribeNetworkInterfaces", "s3:ListBuckets",
		"monitoring:DescribeAlarms", "monitoring:GetMetricData", "logs:DescribeLogGroups", "cloudformation:DescribeStacks",
		"iam:GetRole", "iam:ListRoles", "lambda:ListFunctions20150331", "autoscaling:DescribeAutoScalingGroups",
		"elasticloadbalancing:DescribeTargetHealth", "s3:GetObject", "sts:GetCallerIdentity",
	}
	appAPIs      = []string{"dynamodb:Query", "dynamodb:PutItem", "sqs:SendMessage", "kms:Decrypt", "ssm:GetParameter"}
	workerAPIs   = []string{"sqs:ReceiveMessage", "s3:GetObject", "s3:PutObject", "kms:Decrypt", "kms:GenerateDataKey", "secretsmanager:GetSecretValue"}
	dataAPIs     = []string{"s3:GetObject", "s3:ListObjects", "glue:GetTable", "glue:GetPartitions", "athena:StartQueryExecution", "kms:Decrypt"}
	deployAPIs   = []string{"cloudformation:CreateChangeSet", "cloudformation:DescribeStacks", "ecr:GetAuthorizationToken", "ecr:BatchGetImage", "ecs:UpdateService", "lambda:UpdateFunctionCode20150331v2", "sts:GetCallerIdentity"}
	consoleAPIs  = []string{"ec2:DescribeInstances", "health:DescribeEventAggregates", "monitoring:DescribeAlarms", "s3:ListBuckets", "cloudformation:DescribeStacks", "iam:ListRoles", "lambda:ListFunctions20150331"}
	clusterAPIs  = []string{"ec2:DescribeInstances", "ec2:DescribeNetworkInterfaces", "ec2:CreateTags", "elasticloadbalancing:DescribeTargetHealth", "autoscaling:DescribeAutoScalingGroups", "eks:DescribeCluster"}
	instanceAPIs = []string{"ssm:UpdateInstanceInformation", "s3:GetObject", "sqs:ReceiveMessage", "monitoring:GetMetricData", "ecr:GetAuthorizationToken"}
)

// populate fills the accounts with what every account has: all of it behaves,
// so that no rule fires on any of it.
func (o *organization) populate() {
	manager := o.accounts[0]
	home := o.region(1)
	o.dir = &directory{
		account: manager, region: home, qualifier: "/nQTosBbaHrvuioiTKQkrbl3/WM=",
		store:  "arn:aws:identitystore::" + manager.id + ":identitystore/d-" + o.ids.hex(10),
		issuer: "https://portal.sso." + home + ".amazonaws.com/saml/assertion/" + o.ids.from(alnum, 44),
	}
	for i, a := range o.accounts {
		o.populateAccount(i, a)
	}
	o.populateShared()
}

// label makes a name that no other app has.
func label(what string, i int) string { return what + "-" + strconv.Itoa(i+1) }

func (o *organization) populateAccount(i int, a *account) {
	region := o.region(i)
	begin := o.begin
	later := func(limit int64) int64 { return begin + int64(o.ids.IntN(int(limit))) }

	// People with keys of their own, who make no sessions.
	for _, agent := range []string{cliAgent("", "b,n,E,Z"), botoAgent("", "Z,b,D,n"), goAgent("", "ec2", "E,n")} {
		o.users = append(o.users, o.newUser(a, o.person(), o.home(), agent))
	}

	// Lambda functions; each opens its own session and one of the account's
	// data role, under its own name.
	reader := o.newRole(a, label("customer-data-reader", i))
	for n, name := range []string{"order-intake", "invoice-render", "stock-alerts"} {
		f := &function{
			account: a, name: label(name, i), region: region, scoped: n != 1, bare: n != 0,
			agent: []string{nodeAgent("dynamodb", "AWS_Lambda_nodejs20.x", "E,g"), botoAgent("AWS_Lambda_python3.12", "Z,b,D,g"), goAgent("AWS_Lambda_Image", "dynamodb", "E,g")}[n],
		}
		f.role = o.newRole(a, f.name+"-role")
		f.role.path = "/service-role/"
		own := &app{apis: appAPIs, resource: f.name, holder: holder{every: 7200, renew: func(t int64) *credential {
			return o.startFunction(t, f, o.awsIP(f.region))
		}}}
		o.live(later(600), own)
		if n == 2 {
			continue
		}
		o.live(later(900)+30, &app{apis: appAPIs, resource: "customers", holder: holder{renew: func(t int64) *credential {
			return o.assume(t, caller{session: own.now(t)}, request{role: reader, name: f.name, region: f.region, global: n == 1, duration: 3600})
		}}})
	}

	// A fleet: several instances, one role.
	fleet := o.newRole(a, label("web-fleet", i))
	for n := range 2 {
		box := o.newInstance(fleet, region, botoAgent("", "Z,b,D,0"))
		box.scoped = n == 0
		if i%3 == 2 {
			box.delivery = "1.0"
		}
		o.live(later(900), &app{apis: instanceAPIs, resource: "web-fleet", holder: holder{renew: func(t int64) *credential {
			return o.startInstance(t, box)
		}}})
		if n == 0 {
			own := ec2Own(a, "aws:ec2-instance")
			o.live(later(900), &app{apis: instanceAPIs[:1], resource: "web-fleet", holder: holder{renew: func(t int64) *credential {
				return o.ownIdentity(t, box, own)
			}}})
		}
	}

	// A service of two tasks.
	tasks := o.newRole(a, label("checkout-task", i))
	for range 2 {
		id, ip := o.ids.hex(32), o.awsIP(region)
		o.live(later(900), &app{apis: workerAPIs, resource: "checkout", holder: holder{renew: func(t int64) *credential {
			return o.startService(t, serviceSession{principal: "ecs-tasks.amazonaws.com", kind: "ecs", role: tasks, name: id, region: region,
				ip: ip, agent: javaAgent("E,z"), lifetime: 6 * 3600, instance: id})
		}}})
	}

	o.populateCluster(i, a, later)
	o.populateServices(i, a, later)

	// Identity Center: everybody has one permission set in two accounts, on the
	// command line here and in the console there.
	who := &person{name: o.person() + "@corp.example", userID: o.ids.hex(10) + "-" + o.ids.uuid(), ip: o.home()}
	set := o.permissionSet(a, o.dir, "PowerUser")
	o.live(later(3600), &app{apis: readAPIs, resource: "shared", pause: 7200, holder: holder{every: 4 * 3600, renew: func(t int64) *credential {
		return o.signIn(t, o.dir, who, set, region, false, cliAgent("", "E,b,r,n"))
	}}})
	next := o.accounts[(i+1)%len(o.accounts)]
	view := o.permissionSet(next, o.dir, "ViewOnly")
	o.live(later(3600), &app{apis: consoleAPIs, resource: "shared", pause: 9000, holder: holder{every: 2 * 3600, renew: func(t int64) *credential {
		return o.signIn(t, o.dir, who, view, region, true, browserAgent)
	}}})
}

func (o *organization) populateCluster(i int, a *account, later func(int64) int64) {
	region := o.region(i)
	nodes := o.newRole(a, label("eks-node", i))
	c := &cluster{account: a, name: label("platform-cluster", i), region: region, issuer: o.ids.from("0123456789ABCDEF", 32),
		node: o.newInstance(nodes, region, goAgent("", "ec2", "E,0"))}
	node := &app{apis: clusterAPIs[:3], resource: c.name, holder: holder{renew: func(t int64) *credential { return o.startInstance(t, c.node) }}}
	o.live(later(300), node)

	// Pods with Pod Identity, which names the session itself.
	cart := &workload{cluster: c, namespace: "shop", account: "cart", role: o.newRole(a, label("shop-cart", i)), agent: goAgent("", "dynamodb", "E,z")}
	for range 2 {
		pod := "cart-" + o.ids.hex(9) + "-" + o.ids.from(lowerAlnum, 5)
		o.live(later(600)+300, &app{apis: appAPIs, resource: "cart", holder: holder{renew: func(t int64) *credential {
			return o.startPodIdentity(t, cart, node.now(t), pod, true)
		}}})
	}
	// And one with a name that its program was told to use.
	dns := &workload{cluster: c, namespace: "kube-system", account: "external-dns", role: o.newRole(a, label("external-dns", i)+"-irsa"), agent: goAgent("", "sts", "E,k")}
	o.live(later(600), &app{apis: clusterAPIs, resource: c.name, holder: holder{renew: func(t int64) *credential {
		return o.startIRSA(t, dns, label("external-dns", i))
	}}})
}

// populateServices opens the sessions of AWS services, whose names they choose
// themselves and which everybody's trail is full of.
func (o *organization) populateServices(i int, a *account, later func(int64) int64) {
	region := o.region(i)
	service := func(s serviceSession, name func() string, calls []string, every int64) {
		s.region = region
		if s.lifetime == 0 {
			s.lifetime = 3600
		}
		o.live(later(900), &app{apis: calls, resource: "shared", holder: holder{every: every, renew: func(t int64) *credential {
			s := s
			s.name = name()
			if s.ip != "" {
				s.ip = o.awsIP(region)
			}
			return o.startService(t, s)
		}}})
	}
	is := func(name string) func() string { return func() string { return name } }
	hexName := func() string { return o.ids.hex(32) }
	some := o.awsIP(region)

	service(serviceSession{principal: "codebuild.amazonaws.com", kind: "codebuild", role: o.newRole(a, label("codebuild-website", i)+"-service-role"), ip: some, agent: cliAgent("", "E,b,z")},
		func() string { return "AWSCodeBuild-" + o.ids.uuid() }, deployAPIs, 0)
	service(serviceSession{principal: "glue.amazonaws.com", kind: "glue", role: o.newRole(a, label("glue-warehouse", i)), ip: some, agent: javaAgent("E,e")},
		is("GlueJobRunnerSession"), dataAPIs, 0)
	service(serviceSession{principal: "sagemaker.amazonaws.com", kind: "sagemaker", role: o.newRole(a, label("sagemaker-forecast", i)), ip: some, agent: botoAgent("", "Z,b,D,z")},
		is("SageMaker"), dataAPIs, 0)
	service(serviceSession{principal: "batch.amazonaws.com", kind: "batch", role: o.newRole(a, "AWSBatchServiceRole"+strconv.Itoa(i+1))},
		is("aws-batch"), clusterAPIs, 0)
	service(serviceSession{principal: "states.amazonaws.com", kind: "states", role: o.newRole(a, label("fulfilment-steps", i))},
		func() string { return o.ids.from(letters, 32) }, []string{"lambda:Invoke", "states:StartExecution"}, 0)
	service(serviceSession{principal: "events.amazonaws.com", kind: "service", role: o.newRole(a, label("schedule-to-steps", i))},
		hexName, []string{"states:StartExecution"}, 0)
	service(serviceSession{principal: "cloudformation.amazonaws.com", kind: "service", role: o.newRole(a, "cdk-hnb659fds-cfn-exec-role-"+a.id+"-"+region)},
		is("AWSCloudFormation"), []string{"iam:PutRolePolicy", "ec2:DescribeInstances", "lambda:UpdateFunctionCode20150331v2"}, 3*3600)
	service(serviceSession{principal: "firehose.amazonaws.com", kind: "service", role: o.newRole(a, label("click-stream-delivery", i))},
		is("AWSFirehoseToS3"), []string{"s3:PutObject", "kms:GenerateDataKey"}, 0)
	service(serviceSession{principal: "apigateway.amazonaws.com", kind: "service", role: o.newRole(a, label("apigateway-logs", i))},
		is("BackplaneAssumeRoleSession"), []string{"logs:DescribeLogGroups"}, 0)

	// Service-linked roles: one opens new sessions all the time, one has no
	// keys, one has no assume events.
	explorer := o.serviceLinked(a, "resource-explorer-2.amazonaws.com", "AWSServiceRoleForResourceExplorer")
	service(serviceSession{principal: "resource-explorer-2.amazonaws.com", kind: "service", role: explorer, lifetime: 3600},
		is("resource-explorer-2"), []string{"cloudcontrolapi:ListResources", "elasticloadbalancing:DescribeLoadBalancers", "resource-explorer-2:GetIndex"}, 600)
	scaling := o.serviceLinked(a, "autoscaling.amazonaws.com", "AWSServiceRoleForAutoScaling")
	service(serviceSession{principal: "autoscaling.amazonaws.com", kind: "service", role: scaling, keyless: true, lifetime: 2 * 3600},
		is("AutoScaling"), []string{"ec2:RunInstances", "ec2:DescribeInstances", "elasticloadbalancing:DescribeTargetHealth"}, 1500)
	analyzer := o.serviceLinked(a, "access-analyzer.amazonaws.com", "AWSServiceRoleForAccessAnalyzer")
	service(serviceSession{principal: "access-analyzer.amazonaws.com", kind: "service", role: analyzer, unlogged: true},
		is("access-analyzer"), []string{"iam:GetRole", "s3:GetBucketAcl"}, 0)
}

// populateShared makes what an organization has once: pipelines, people who
// cross accounts, chains of several hops.
func (o *organization) populateShared() {
	tools := o.accounts[1]
	region := o.region(1)
	target := func(i int) *account { return o.accounts[i%len(o.accounts)] }

	ci := []*pipeline{
		{kind: "github-actions", id: "example-corp/website", host: "token.actions.githubusercontent.com", audience: "sts.amazonaws.com",
			subject: "repo:example-corp/website:ref:refs/heads/main", agent: githubAgent},
		{kind: "gitlab", id: "platform/network", host: "gitlab.com", audience: "https://gitlab.com",
			subject: "project_path:platform/network:ref_type:branch:ref:main", agent: cliAgent("", "E,b,k")},
		{kind: "terraform-cloud", id: "example-corp/landing-zone", host: "app.terraform.io", audience: "aws.workload.identity",
			subject: "organization:example-corp:project:core:workspace:landing-zone:run_phase:apply",
			agent:   "APN/1.0 HashiCorp/1.0 Terraform/1.13.5 (+https://www.terraform.io) terraform-provider-aws/6.21.0 (+https://registry.terraform.io/providers/hashicorp/aws) " + goAgent("", "sts", "E,k")},
		{kind: "web-identity", id: "idp.example.com/realms/prod/service-account-catalog", host: "idp.example.com/realms/prod", audience: "aws",
			subject: "service-account-catalog", agent: javaAgent("E,k")},
		{kind: "web-identity", id: "accounts.google.com/112233445566778899001", host: "accounts.google.com", audience: "407408718192.apps.googleusercontent.com",
			subject: "112233445566778899001", agent: goAgent("", "sts", "E,k"), inToken: true},
	}
	names := []func(n int) string{
		func(n int) string { return "website-run-" + strconv.Itoa(9_000_000+n) },
		func(n int) string { return "network-pipeline-" + strconv.Itoa(40_000+n) },
		func(n int) string { return "landing-zone-apply" },
		func(n int) string { return "catalog-sync" },
		func(n int) string { return "maps-importer" },
	}
	for i, p := range ci {
		p.region = region
		p.role = o.newRole(target(i+1), p.kind+"-deploy-"+strconv.Itoa(i+1))
		n := 0
		o.live(o.begin+int64(o.ids.IntN(1800)), &app{apis: deployAPIs, resource: "website", pause: 600, holder: holder{renew: func(t int64) *credential {
			n++
			return o.startPipeline(t, p, names[i](n), "20.55."+strconv.Itoa(1+o.ids.IntN(250))+"."+strconv.Itoa(1+o.ids.IntN(250)))
		}}})
	}

	// A company's own SAML provider.
	auditing := o.person() + "@corp.example"
	auditor := o.newRole(target(2), "external-audit")
	ip := o.home()
	o.live(o.begin+700, &app{apis: readAPIs, resource: "shared", pause: 5400, holder: holder{renew: func(t int64) *credential {
		return o.samlSignIn(t, auditing, "corp-idp", auditor, region, ip, browserAgent)
	}}})

	// IAM users who take roles: one from the command line, with the name that
	// the organization asks for, and one in the console.
	name := o.person()
	admin := o.newUser(tools, name, o.home(), cliAgent("", "E,b,n"))
	operations := o.newRole(target(2), "operations")
	o.live(o.begin+900, &app{apis: readAPIs, resource: "shared", calls: 6, holder: holder{renew: func(t int64) *credential {
		return o.assume(t, caller{user: admin}, request{role: operations, name: name, region: region, duration: 3600})
	}}})
	clicker := o.newUser(tools, o.person(), o.home(), cliAgent("", "E,b,n"))
	support := o.newRole(target(0), "support")
	o.live(o.begin+1300, &app{apis: consoleAPIs, resource: "shared", calls: 6, pause: 3600, holder: holder{renew: func(t int64) *credential {
		return o.switchRole(t, clicker, support, region)
	}}})
	// Temporary keys of a user, which take a role in turn.
	robot := o.newUser(tools, "backup-robot", o.awsIP(region), botoAgent("", "Z,b,D,m"))
	vault := o.newRole(tools, "backup-vault-writer")
	o.live(o.begin+400, &app{apis: workerAPIs, resource: "backups", calls: 6, holder: holder{renew: func(t int64) *credential {
		key := o.sessionToken(t-5, robot, region, []*api{o.apis["sts:GetCallerIdentity"]})
		return o.assume(t, caller{user: robot, userKey: key}, request{role: vault, name: "backup-robot", region: region, duration: 3600})
	}}})

	// The root user of the management account.
	rooted := o.newRole(o.accounts[0], "billing-review")
	o.at(o.begin+2000, func(t int64) {
		c := o.assume(t, caller{root: o.accounts[0]}, request{role: rooted, name: "billing-review-yearly", region: "us-east-1", duration: 3600})
		for n := range int64(4) {
			o.at(t+5+n*600, func(t int64) { o.call(t, c, o.apis["sts:GetCallerIdentity"], how{}) })
		}
	})

	// An outside company that audits an account with a role of its own.
	vendor := &account{id: o.ids.accountID()}
	scanner := &credential{role: o.newRole(vendor, "scanner"), name: "scan-engine", key: o.ids.unique("ASIA", vendor.id),
		place: place{region, o.awsIP(region), botoAgent("", "Z,b,D,z")}}
	access := o.newRole(target(1), "posture-audit")
	o.live(o.begin+800, &app{apis: readAPIs, resource: "shared", calls: 6, holder: holder{renew: func(t int64) *credential {
		return o.assume(t, caller{session: scanner}, request{role: access, name: "cloud-posture-audit", region: region, duration: 3600, externalID: "7d3f0a52"})
	}}})

	o.populateChains()
}

// populateChains makes chains of three and four assumptions across accounts.
func (o *organization) populateChains() {
	region := o.region(1)
	acct := func(i int) *account { return o.accounts[i%len(o.accounts)] }
	chain := func(first *holder, name string, start int64, sourceIdentity string, roles ...*role) {
		h := first
		for n, r := range roles {
			parent := h
			next := &app{apis: dataAPIs, resource: "warehouse", holder: holder{renew: func(t int64) *credential {
				q := request{role: r, name: name, region: region, duration: 3600}
				if n == 0 {
					q.sourceIdentity = sourceIdentity
				}
				if n == 1 {
					q.tags, q.transitive = []tag{{"team", "data"}, {"cost-center", "4711"}}, true
				}
				return o.assume(t, caller{session: parent.now(t)}, q)
			}}}
			if n == len(roles)-1 {
				next.calls = 5
			}
			o.live(start+int64(n)*7, next)
			h = &next.holder
		}
	}

	// From a task to three accounts: four hops with the service's own.
	tasks := o.newRole(acct(1), "ledger-task")
	id, ip := o.ids.hex(32), o.awsIP(region)
	task := &app{apis: workerAPIs, resource: "ledger", holder: holder{renew: func(t int64) *credential {
		return o.startService(t, serviceSession{principal: "ecs-tasks.amazonaws.com", kind: "ecs", role: tasks, name: id, region: region,
			ip: ip, agent: goAgent("AWS_ECS_FARGATE", "sts", "E,z"), lifetime: 6 * 3600, instance: id})
	}}}
	o.live(o.begin+100, task)
	chain(&task.holder, "ledger-close", o.begin+130, "", o.newRole(acct(1), "ledger-hub"), o.newRole(acct(2), "ledger-spoke"), o.newRole(acct(3), "ledger-archive"))

	// From a person of Identity Center through two roles.
	who := &person{name: o.person() + "@corp.example", userID: o.ids.hex(10) + "-" + o.ids.uuid(), ip: o.home()}
	set := o.permissionSet(acct(1), o.dir, "DataEngineer")
	desk := &app{apis: readAPIs, resource: "shared", pause: 60, holder: holder{every: 6 * 3600, renew: func(t int64) *credential {
		return o.signIn(t, o.dir, who, set, region, false, cliAgent("", "E,b,r,n"))
	}}}
	o.live(o.begin+200, desk)
	chain(&desk.holder, "warehouse-migration", o.begin+260, who.name[:len(who.name)-len("@corp.example")], o.newRole(acct(1), "warehouse-admin"), o.newRole(acct(2), "warehouse-target"))

	// Four assumptions from the key of an IAM user.
	runner := o.newUser(acct(2), "release-runner", o.awsIP(region), botoAgent("", "Z,b,D,g"))
	first := o.newRole(acct(2), "release-entry")
	entry := &app{apis: deployAPIs, resource: "release", calls: 5, holder: holder{renew: func(t int64) *credential {
		return o.assume(t, caller{user: runner}, request{role: first, name: "release-runner", region: region, duration: 3600, sourceIdentity: "release-runner"})
	}}}
	o.live(o.begin+300, entry)
	chain(&entry.holder, "release-runner", o.begin+340, "", o.newRole(acct(3), "release-stage"), o.newRole(acct(4), "release-prod"), o.newRole(acct(5), "release-replica"))
}
