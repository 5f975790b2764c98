package trailgen

import (
	"strconv"
	"time"
)

// stories plans, for each rule, what must make it fire and what looks alike
// and must not, and the cases that make joining hard. Whatever no story names
// must stay silent.
func (o *organization) stories() {
	o.storySharedName()
	o.storyGenericName()
	o.storyNameCollision()
	o.storyOverlappingSessions()
	o.storySDKDefaultName()
	o.storyOpaqueName()
	o.storyMisleadingName()
	o.storyCredentialsMoved()
	o.storySecretInName()
	o.storyPersonalData()
	o.storyUnattributed()
	o.storyAssumeChurn()
	o.storyKeys()
	o.storyCopies()
	o.storyOthers()
}

func (o *organization) acct(i int) *account { return o.accounts[i%len(o.accounts)] }

func arns(roles ...*role) []string {
	var list []string
	for _, r := range roles {
		list = append(list, r.arn())
	}
	return list
}

// says notes what a rule has to do with names of a role.
func (o *organization) says(verdict, rule string, r *role, why string, names ...string) {
	o.truth.expect(Expect{Verdict: verdict, Rule: rule, RoleARNs: arns(r), Names: names, Why: why})
}

// lambda adds a function that the other apps know nothing of.
func (o *organization) lambda(a *account, name string, i int) *app {
	region := o.region(i)
	f := &function{account: a, name: name, region: region, scoped: i%2 == 0, bare: i%3 == 0, agent: nodeAgent("sts", "AWS_Lambda_nodejs20.x", "E,g")}
	f.role = o.newRole(a, name+"-execution")
	ip := o.awsIP(region)
	l := &app{apis: appAPIs, resource: name, quiet: true, holder: holder{every: 6 * 3600, renew: func(t int64) *credential { return o.startFunction(t, f, ip) }}}
	o.live(o.begin+20, l)
	return l
}

// box adds an instance to a fleet.
func (o *organization) box(fleet *role, i int) *app {
	b := o.newInstance(fleet, o.region(i), botoAgent("", "Z,b,D,0"))
	a := &app{apis: instanceAPIs, resource: "fleet", quiet: true, holder: holder{renew: func(t int64) *credential { return o.startInstance(t, b) }}}
	o.live(o.begin+40, a)
	return a
}

// task adds a task of a service.
func (o *organization) task(r *role, i int) *app {
	id, region := o.ids.hex(32), o.region(i)
	ip := o.awsIP(region)
	a := &app{apis: workerAPIs, resource: "task", quiet: true, holder: holder{renew: func(t int64) *credential {
		return o.startService(t, serviceSession{principal: "ecs-tasks.amazonaws.com", kind: "ecs", role: r, name: id, region: region,
			ip: ip, agent: javaAgent("E,z"), lifetime: 6 * 3600, instance: id})
	}}}
	o.live(o.begin+60, a)
	return a
}

// chained adds an app that holds a session which parent assumed under name.
func (o *organization) chained(parent *app, r *role, name string, i int) *app {
	return o.named(parent, r, func(int64) string { return name }, i)
}

// named is chained with a new name for each session.
func (o *organization) named(parent *app, r *role, name func(t int64) string, i int) *app {
	a := &app{apis: workerAPIs, resource: "shared", quiet: true, holder: holder{renew: func(t int64) *credential {
		return o.assume(t, caller{session: parent.now(t)}, request{role: r, name: name(t), region: o.region(i), duration: 3600})
	}}}
	o.live(o.since+200+int64(o.ids.IntN(600)), a)
	return a
}

// once opens one session at t and makes its calls at the given seconds after.
func (o *organization) once(t int64, open func(t int64) *credential, what []string, h how, after ...int64) {
	o.at(t, func(t int64) {
		c := open(t)
		for i, s := range after {
			o.at(t+s, func(t int64) { o.call(t, c, o.apis[what[i%len(what)]], h) })
		}
	})
}

// spread does something n times, evenly over the trail, first some seconds
// after its beginning. Only the next time is planned, however many there are.
func (o *organization) spread(n, first int64, do func(t int64)) {
	var next func(i int64)
	next = func(i int64) {
		if i == n {
			return
		}
		o.at(o.begin+first+(o.until-o.begin-200)*i/n, func(t int64) {
			next(i + 1)
			do(t)
		})
	}
	next(0)
}

func (o *organization) storySharedName() {
	// A function and a fleet of one account under one name.
	feed := o.newRole(o.acct(1), "partner-feed")
	o.chained(o.lambda(o.acct(0), "feed-export-function", 0), feed, "feed-export", 0)
	o.chained(o.box(o.newRole(o.acct(0), "feed-exporters"), 0), feed, "feed-export", 0)
	o.says(MustFire, "shared-name", feed, "a function and a fleet", "feed-export")

	// A fleet is one app, however many instances it has, and so are tasks.
	board := o.newRole(o.acct(1), "price-board")
	fleet, tasks := o.newRole(o.acct(0), "price-fleet"), o.newRole(o.acct(0), "quote-task")
	for range 3 {
		o.chained(o.box(fleet, 0), board, "price-publisher", 0)
		o.chained(o.task(tasks, 0), board, "quote-publisher", 0)
	}
	o.says(MustStay, "shared-name", board, "copies of one app", "price-publisher", "quote-publisher")
	o.says(MustStay, "overlapping-sessions", board, "each copy holds one", "price-publisher", "quote-publisher")

	// Two pipelines of two repositories, both with the action's own name.
	publish := o.newRole(o.acct(1), "package-publish")
	for i, repo := range []string{"example-corp/mobile-app", "example-corp/design-system"} {
		p := &pipeline{kind: "github-actions", id: repo, host: "token.actions.githubusercontent.com", audience: "sts.amazonaws.com",
			subject: "repo:" + repo + ":ref:refs/heads/main", agent: githubAgent, role: publish, region: o.region(1)}
		o.live(o.since+300+int64(i)*240, &app{apis: deployAPIs, resource: "packages", quiet: true, pause: 1200, holder: holder{renew: func(t int64) *credential {
			return o.startPipeline(t, p, "GitHubActions", "20.55.9."+strconv.Itoa(1+o.ids.IntN(250)))
		}}})
	}
	o.says(MustFire, "shared-name", publish, "two repositories", "GitHubActions")
	o.says(MustFire, "sdk-default-name", publish, "the action's default", "GitHubActions")
}

func (o *organization) storyGenericName() {
	ledger := o.newRole(o.acct(1), "ledger-access")
	o.chained(o.lambda(o.acct(0), "order-posting", 0), ledger, "STRING_VALUE", 0)
	o.chained(o.lambda(o.acct(0), "invoice-mailer", 1), ledger, "STRING_VALUE", 0)
	o.chained(o.box(o.newRole(o.acct(0), "stock-sync-fleet"), 0), ledger, "STRING_VALUE", 0)
	o.says(MustFire, "shared-name", ledger, "two functions and a fleet", "STRING_VALUE")
	o.says(MustFire, "generic-name", ledger, "a placeholder of the documentation", "STRING_VALUE")

	reader := o.newRole(o.acct(0), "sandbox-reader")
	l := o.lambda(o.acct(0), "sandbox-tool", 2)
	o.chained(l, reader, "session", 0)
	o.chained(l, reader, "test-runner-eu", 0)
	o.chained(l, reader, "session-store-sync", 0)
	o.says(MustFire, "generic-name", reader, "it names nothing", "session")
	o.says(MustStay, "generic-name", reader, "only a part of it is generic", "test-runner-eu", "session-store-sync")
	writer := o.newRole(o.acct(0), "sandbox-writer")
	o.chained(l, writer, "Sandbox_Writer", 0)
	o.says(MustFire, "generic-name", writer, "the role's own name", "Sandbox_Writer")

	// A function that bears its role's name: Lambda chose it.
	f := &function{account: o.acct(0), name: "image-resizer", region: o.region(0), agent: botoAgent("AWS_Lambda_python3.12", "Z,b,D,g")}
	f.role = o.newRole(o.acct(0), "image-resizer")
	o.live(o.since+100, &app{apis: workerAPIs, resource: "images", quiet: true, holder: holder{every: 7200, renew: func(t int64) *credential { return o.startFunction(t, f, o.awsIP(f.region)) }}})
	o.says(MustStay, "generic-name", f.role, "Lambda chose the name", "image-resizer")
}

func (o *organization) storyNameCollision() {
	orders, stock := o.newRole(o.acct(0), "sync-orders"), o.newRole(o.acct(1), "sync-stock")
	o.chained(o.lambda(o.acct(0), "orders-syncer", 0), orders, "nightly-sync", 0)
	o.chained(o.task(o.newRole(o.acct(1), "stock-syncer-task"), 1), stock, "nightly-sync", 1)
	o.truth.expect(Expect{Verdict: MustFire, Rule: "name-collision", RoleARNs: arns(orders, stock), Names: []string{"nightly-sync"}, Why: "a function here, a task there"})

	closing := o.lambda(o.acct(0), "month-closer", 1)
	books, taxes := o.newRole(o.acct(0), "close-books"), o.newRole(o.acct(1), "close-taxes")
	o.chained(closing, books, "month-close", 0)
	o.chained(closing, taxes, "month-close", 0)
	o.truth.expect(Expect{Verdict: MustStay, Rule: "name-collision", RoleARNs: arns(books, taxes), Names: []string{"month-close"}, Why: "one function under two roles"})

	// The services' own names stand in every account.
	for _, a := range o.accounts {
		r := role{account: a, name: "AWSServiceRoleForAutoScaling", path: "/aws-service-role/autoscaling.amazonaws.com/"}
		o.says(MustStay, "name-collision", &r, "AWS names it so in every account", "AutoScaling")
	}

	// The same default of one tool under another role, from another repository.
	docs := o.newRole(o.acct(0), "docs-publish")
	p := &pipeline{kind: "github-actions", id: "example-corp/handbook", host: "token.actions.githubusercontent.com", audience: "sts.amazonaws.com",
		subject: "repo:example-corp/handbook:environment:docs", agent: githubAgent, role: docs, region: o.region(1)}
	o.live(o.since+500, &app{apis: deployAPIs, resource: "docs", quiet: true, pause: 1800, holder: holder{renew: func(t int64) *credential {
		return o.startPipeline(t, p, "GitHubActions", "20.55.8."+strconv.Itoa(1+o.ids.IntN(250)))
	}}})
	o.says(MustFire, "sdk-default-name", docs, "the action's default", "GitHubActions")
	o.says(MustStay, "shared-name", docs, "one repository", "GitHubActions")
	o.says(MayEither, "name-collision", docs, "the tool's form, not an SDK's", "GitHubActions")
}

func (o *organization) storyOverlappingSessions() {
	data := o.newRole(o.acct(1), "report-data")
	host := o.box(o.newRole(o.acct(0), "report-host"), 0)
	for i := range int64(4) {
		o.once(o.since+600+i*20, func(t int64) *credential {
			return o.assume(t, caller{session: host.now(t)}, request{role: data, name: "report-builder", region: o.region(0), duration: 3600})
		}, dataAPIs, how{resource: "reports"}, 5, 300, 900, 1500, 2100, 2600)
	}
	o.says(MustFire, "overlapping-sessions", data, "one instance holds four at once", "report-builder")

	mirror := o.newRole(o.acct(1), "report-mirror")
	fleet := o.newRole(o.acct(0), "mirror-host")
	for range 2 {
		o.chained(o.box(fleet, 0), mirror, "mirror-builder", 0)
	}
	o.says(MustStay, "overlapping-sessions", mirror, "two instances hold one each and renew it shortly before its end", "mirror-builder")
}

func (o *organization) storySDKDefaultName() {
	ms := func(t int64) string { return strconv.FormatInt(t*1000+int64(o.ids.IntN(1000)), 10) }
	ns := func(t int64) string { return strconv.FormatInt(t*1e9+int64(o.ids.IntN(1e9)), 10) }
	host := func(name string) *app { return o.box(o.newRole(o.acct(0), name), 0) }
	for _, s := range []struct {
		role, pattern string
		parent        *app
		name          func(t int64) string
	}{
		{"images-reader", "botocore-session-<n>", host("images-host"), func(t int64) string { return "botocore-session-" + strconv.FormatInt(t, 10) }},
		{"clips-reader", "aws-sdk-java-<n>", host("clips-host"), func(t int64) string { return "aws-sdk-java-" + ms(t) }},
		{"fonts-reader", "aws-sdk-js-<n>", o.lambda(o.acct(0), "fonts-render", 0), func(t int64) string { return "aws-sdk-js-" + ms(t) }},
		{"maps-reader", "assume-role-provider-<n>", host("maps-host"), func(t int64) string { return "assume-role-provider-" + ms(t) }},
		{"icons-reader", "default_session", host("icons-host"), func(int64) string { return "default_session" }},
		{"clusters-admin", "EKSGetTokenAuth", host("clusters-host"), func(int64) string { return "EKSGetTokenAuth" }},
	} {
		r := o.newRole(o.acct(1), s.role)
		o.named(s.parent, r, s.name, 0)
		o.truth.expect(Expect{Verdict: MustFire, Rule: "sdk-default-name", RoleARNs: arns(r), Pattern: s.pattern, Why: "the default of an SDK or tool"})
	}

	// The Go SDK keeps the name that it made up first.
	r := o.newRole(o.acct(1), "tiles-reader")
	kept := "aws-go-sdk-" + ns(o.since)
	o.chained(host("tiles-host"), r, kept, 0)
	o.says(MustFire, "sdk-default-name", r, "the default of an SDK", kept)
	o.says(MustStay, "assume-churn", r, "one name, renewed each hour", kept)

	// IRSA with the Go SDK: a bare number.
	c := &cluster{account: o.acct(1), name: "edge-cluster", region: o.region(1), issuer: o.ids.from("0123456789ABCDEF", 32)}
	c.node = o.newInstance(o.newRole(o.acct(1), "edge-node"), c.region, goAgent("", "ec2", "E,0"))
	for _, s := range []struct {
		account, pattern string
		agent            string
		name             func(t int64) string
	}{
		{"cluster-autoscaler", "<n>", goAgent("", "sts", "E,k"), ns},
		{"etl-runner", "botocore-session-<n>", botoAgent("", "Z,b,D,h,k"), func(t int64) string { return "botocore-session-" + strconv.FormatInt(t, 10) }},
	} {
		w := &workload{cluster: c, namespace: "platform", account: s.account, role: o.newRole(o.acct(1), s.account+"-irsa"), agent: s.agent}
		o.live(o.since+150, &app{apis: clusterAPIs, resource: "edge", quiet: true, holder: holder{renew: func(t int64) *credential { return o.startIRSA(t, w, s.name(t)) }}})
		o.truth.expect(Expect{Verdict: MustFire, Rule: "sdk-default-name", RoleARNs: arns(w.role), Pattern: s.pattern, Why: "the default of an SDK"})
	}

	chosen := o.newRole(o.acct(1), "session-janitor")
	o.chained(host("janitor-host"), chosen, "botocore-session-cleanup", 0)
	o.says(MustStay, "sdk-default-name", chosen, "somebody chose it", "botocore-session-cleanup")
}

func (o *organization) storyOpaqueName() {
	// Thousands of sessions, each with a name of its own.
	uploads := o.newRole(o.acct(1), "browser-uploads")
	vend := o.lambda(o.acct(0), "upload-tickets", 0)
	n := int64(o.cfg.RandomNames)
	o.spread(n, 120, func(t int64) {
		c := o.assume(t, caller{session: vend.now(t)}, request{role: uploads, name: o.ids.uuid(), region: o.region(0), duration: 900})
		o.at(t+3, func(t int64) { o.call(t, c, o.apis["s3:PutObject"], how{resource: "uploads"}) })
	})
	if n > 0 {
		o.truth.expect(Expect{Verdict: MustFire, Rule: "opaque-name", RoleARNs: arns(uploads), Pattern: "<uuid>", Why: "a UUID for each session, made up by a function"})
		o.truth.expect(Expect{Verdict: MayEither, Rule: "assume-churn", RoleARNs: arns(uploads), Pattern: "<uuid>", Why: "a session for each call, but each under another name"})
	}
	stamps := o.newRole(o.acct(1), "stamp-archive")
	l := o.lambda(o.acct(0), "stamp-writer", 1)
	o.named(l, stamps, func(t int64) string { return strconv.FormatInt(t*1000+int64(o.ids.IntN(1000)), 10) }, 0)
	o.truth.expect(Expect{Verdict: MustFire, Rule: "opaque-name", RoleARNs: arns(stamps), Pattern: "<n>", Why: "Date.now() of a program"})
	hashes := o.newRole(o.acct(1), "hash-archive")
	o.named(l, hashes, func(int64) string { return o.ids.hex(32) }, 0)
	o.truth.expect(Expect{Verdict: MustFire, Rule: "opaque-name", RoleARNs: arns(hashes), Pattern: "<hex>", Why: "32 hexadecimal digits that no service made"})
	for _, s := range []struct{ role, why string }{
		{label("checkout-task", 0), "ECS names a session after its task"},
		{label("schedule-to-steps", 0), "EventBridge made the name"},
		{label("fulfilment-steps", 0), "Step Functions made the name"},
	} {
		r := role{account: o.accounts[0], name: s.role, path: "/"}
		o.says(MustStay, "opaque-name", &r, s.why)
	}
}

func (o *organization) storyMisleadingName() {
	region := o.region(0)
	victim := o.users[0]
	faker := o.newUser(o.acct(0), o.person(), o.home(), cliAgent("", "E,b,n"))
	typed := func(roleName, name, why string) {
		r := o.newRole(o.acct(0), roleName)
		o.once(o.since+700, func(t int64) *credential {
			return o.assume(t, caller{user: faker}, request{role: r, name: name, region: region, duration: 3600})
		}, readAPIs, how{}, 5, 400, 1200, 2400)
		o.says(MustFire, "misleading-name", r, why, name)
	}
	typed("bastion-access", "i-0"+o.ids.hex(16), "an instance id that a person typed")
	typed("payroll-view", victim.name, "another user's name")
	typed("stack-review", "AWSCloudFormation", "the name of a service's sessions")

	// A program that names its session after its own instance.
	metrics := o.newRole(o.acct(1), "host-metrics")
	b := o.newInstance(o.newRole(o.acct(0), "metrics-host"), region, botoAgent("", "Z,b,D,0"))
	own := &app{apis: instanceAPIs, resource: "fleet", quiet: true, holder: holder{renew: func(t int64) *credential { return o.startInstance(t, b) }}}
	o.live(o.begin+30, own)
	o.chained(own, metrics, b.id, 0)
	o.says(MustStay, "misleading-name", metrics, "its own instance's id", b.id)

	// A person who is both an IAM user and in Identity Center.
	name := o.person()
	o.users = append(o.users, o.newUser(o.acct(1), name, o.home(), cliAgent("", "E,b,n")))
	who := &person{name: name + "@corp.example", userID: o.ids.hex(10) + "-" + o.ids.uuid(), ip: o.home()}
	desk := &app{apis: readAPIs, resource: "shared", quiet: true, holder: holder{every: 6 * 3600, renew: func(t int64) *credential {
		return o.signIn(t, o.dir, who, o.supportSet(), region, false, cliAgent("", "E,b,r,n"))
	}}}
	o.live(o.begin+80, desk)
	cases := o.newRole(o.acct(0), "case-files")
	o.chained(desk, cases, name, 0)
	o.says(MustStay, "misleading-name", cases, "the person's own name without the domain", name)
}

// supportSet is a permission set that several stories use.
func (o *organization) supportSet() *role {
	if o.support == nil {
		o.support = o.permissionSet(o.acct(0), o.dir, "Support")
	}
	return o.support
}

func (o *organization) storyCredentialsMoved() {
	region := o.region(0)
	thief := place{region, o.home(), cliAgent("", "E,b,g")}

	// An instance's credential on somebody's desk.
	fleet := o.newRole(o.acct(0), "media-encoder")
	box := o.newInstance(fleet, region, botoAgent("", "Z,b,D,0"))
	o.at(o.since+310, func(t int64) {
		c := o.startInstance(t, box)
		for i := range int64(8) {
			o.at(t+5+i*300, func(t int64) { o.call(t, c, o.apis["s3:GetObject"], how{resource: "media"}) })
		}
		for i := range int64(4) {
			o.at(t+900+i*200, func(t int64) { o.call(t, c, o.apis["s3:ListBuckets"], how{at: thief}) })
		}
	})
	o.says(MustFire, "credentials-moved", fleet, "an instance's credential off AWS", box.id)

	// A session in use on two networks by two programs at once.
	clerk := o.newUser(o.acct(0), o.person(), o.home(), cliAgent("", "E,b,n"))
	export := o.newRole(o.acct(0), "finance-export")
	second := place{region, o.home(), botoAgent("", "Z,b,D,g")}
	o.at(o.since+400, func(t int64) {
		c := o.assume(t, caller{user: clerk}, request{role: export, name: clerk.name, region: region, duration: 3600})
		for i := range int64(8) {
			o.at(t+5+i*300, func(t int64) { o.call(t, c, o.apis["athena:StartQueryExecution"], how{}) })
			o.at(t+65+i*300, func(t int64) { o.call(t, c, o.apis["s3:GetObject"], how{at: second}) })
		}
	})
	o.says(MustFire, "credentials-moved", export, "two networks, two programs, one time", clerk.name)

	// Somebody whose VPN comes and goes: one client, one network after the other.
	traveller := o.newUser(o.acct(0), o.person(), o.home(), cliAgent("", "E,b,n"))
	field := o.newRole(o.acct(0), "field-support")
	moved := place{region, o.home(), traveller.agent}
	o.at(o.since+500, func(t int64) {
		c := o.assume(t, caller{user: traveller}, request{role: field, name: traveller.name, region: region, duration: 3600})
		for i := range int64(8) {
			h := how{}
			if i >= 4 {
				h.at = moved
			}
			o.at(t+5+i*300, func(t int64) { o.call(t, c, o.apis["ec2:DescribeInstances"], h) })
		}
	})
	o.says(MustStay, "credentials-moved", field, "one client on one network, then on another", traveller.name)

	// Presigned URLs that customers follow, a VPC endpoint, a service that calls on.
	l := o.lambda(o.acct(0), "link-maker", 0)
	links := o.newRole(o.acct(0), "download-links")
	o.at(o.since+600, func(t int64) {
		c := o.assume(t, caller{session: l.now(t)}, request{role: links, name: "link-maker", region: region, duration: 3600})
		for i := range int64(6) {
			o.at(t+5+i*300, func(t int64) { o.call(t, c, o.apis["s3:PutObject"], how{resource: "links"}) })
			customer := place{region, o.home(), browserAgent}
			o.at(t+30+i*300, func(t int64) {
				o.call(t, c, o.apis["s3:GetObject"], how{resource: "links", at: customer, presigned: true})
			})
			inside := place{region, "10.20.4." + strconv.Itoa(int(20+i)), c.place.agent}
			o.at(t+50+i*300, func(t int64) {
				o.call(t, c, o.apis["kms:Decrypt"], how{at: inside, vpce: "vpce-0" + o.ids.hex(16)})
			})
			o.at(t+70+i*300, func(t int64) {
				o.call(t, c, o.apis["kms:GenerateDataKey"], how{invokedBy: "s3.amazonaws.com"})
			})
		}
	})
	o.says(MustStay, "credentials-moved", links, "presigned URLs, a VPC endpoint and forwarded calls", "link-maker")
}

func (o *organization) storySecretInName() {
	l := o.lambda(o.acct(0), "legacy-bridge", 0)
	upload, relay := o.newRole(o.acct(0), "build-upload"), o.newRole(o.acct(0), "webhook-relay")
	key, token := "svc-"+o.ids.unique("AKIA", o.acct(0).id), "ghp_"+o.ids.from(alnum, 36)
	o.chained(l, upload, key, 0)
	o.chained(l, relay, token, 0)
	o.says(MustFire, "secret-in-name", upload, "an access key id", key)
	o.says(MustFire, "secret-in-name", relay, "a GitHub token", token)
	o.says(MayEither, "opaque-name", relay, "a token is random too", token)
	release := o.newRole(o.acct(0), "release-notes")
	commit := "release-" + o.ids.hex(40)
	o.chained(l, release, commit, 0)
	o.says(MustStay, "secret-in-name", release, "the hash of a commit", commit)
}

func (o *organization) storyPersonalData() {
	region := o.region(0)
	other := &account{id: o.ids.accountID()}
	partner := o.newRole(other, "supplier-portal")
	who := &person{name: o.person() + "@corp.example", userID: o.ids.hex(10) + "-" + o.ids.uuid(), ip: o.home()}
	set := o.permissionSet(o.acct(0), o.dir, "Purchasing")
	desk := &app{apis: readAPIs, resource: "shared", quiet: true, holder: holder{every: 6 * 3600, renew: func(t int64) *credential {
		return o.signIn(t, o.dir, who, set, region, false, cliAgent("", "E,b,r,n"))
	}}}
	o.live(o.begin+90, desk)
	for i := range int64(3) {
		o.at(o.since+800+i*700, func(t int64) {
			o.assume(t, caller{session: desk.now(t)}, request{role: partner, name: who.name, region: region, duration: 900})
		})
	}
	o.says(MustFire, "personal-data-crosses-accounts", set, "the person's address goes to an account outside", who.name)

	l := o.lambda(o.acct(0), "catalog-pusher", 1)
	for i := range int64(2) {
		o.at(o.since+850+i*900, func(t int64) {
			o.assume(t, caller{session: l.now(t)}, request{role: partner, name: "catalog-pusher", region: region, duration: 900})
		})
	}
	r := role{account: o.acct(0), name: "catalog-pusher-execution", path: "/"}
	o.says(MustStay, "personal-data-crosses-accounts", &r, "a program's name goes outside", "catalog-pusher")
	inside := o.newRole(o.acct(1), "goods-receipt")
	o.chained(desk, inside, who.name, 0)
	o.says(MustStay, "personal-data-crosses-accounts", inside, "two accounts of one organization", who.name)
}

func (o *organization) storyUnattributed() {
	l := o.lambda(o.acct(0), "bridge-source", 1)
	bridge := o.newRole(o.acct(0), "import-bridge")
	var lost *credential
	o.once(o.since+900, func(t int64) *credential {
		lost = o.assume(t, caller{session: l.now(t)}, request{role: bridge, name: "bridge-import", region: o.region(0), duration: 3600, unlogged: true})
		return lost
	}, workerAPIs, how{resource: "bridge"}, 5, 400, 1000, 1900)
	o.says(MustFire, "unattributed", bridge, "no assume event in the trail", "bridge-import")

	// What that session goes on to is at least known to come from its role.
	sink := o.newRole(o.acct(1), "import-sink")
	o.once(o.since+950, func(t int64) *credential {
		return o.assume(t, caller{session: lost}, request{role: sink, name: "bridge-sink", region: o.region(0), duration: 3600})
	}, workerAPIs, how{resource: "bridge"}, 5, 500, 1500)
	o.says(MustStay, "unattributed", sink, "the role that it came from is known", "bridge-sink")

	// Sessions from before the trail began, which AWS still vouches for.
	f := &function{account: o.acct(0), name: "night-watch", region: o.region(0), scoped: true, agent: nodeAgent("sns", "AWS_Lambda_nodejs20.x", "E,g")}
	f.role = o.newRole(o.acct(0), "night-watch-role")
	c := &credential{role: f.role, name: f.name, key: o.ids.unique("ASIA", f.account.id), created: o.begin - 1800, expires: o.begin + 11*3600,
		origin: origin{"lambda", f.account.id + "/" + f.name}, place: place{f.region, o.awsIP(f.region), f.agent}, inScopeType: "AWS::Lambda::Function",
		inScopeARN: "arn:aws:lambda:" + f.region + ":" + f.account.id + ":function:" + f.name, chainStart: o.begin - 1800}
	for i := range int64(6) {
		o.at(o.since+60+i*500, func(t int64) { o.call(t, c, o.apis["sns:Publish"], how{resource: "alarms"}) })
	}
	o.says(MustStay, "unattributed", f.role, "inScopeOf names the function", f.name)
}

func (o *organization) storyAssumeChurn() {
	region := o.region(0)
	store := o.newRole(o.acct(1), "thumbnail-store")
	l := o.lambda(o.acct(0), "thumbnail-maker", 0)
	n := int64(o.cfg.SameNames)
	o.spread(n, 150, func(t int64) {
		c := o.assume(t, caller{session: l.now(t)}, request{role: store, name: "thumbnail-writer", region: region})
		for _, after := range []int64{1, 2} {
			o.at(t+after, func(t int64) { o.call(t, c, o.apis[pick(o.ids, workerAPIs)], how{resource: "thumbnails"}) })
		}
	})
	verdict := MayEither
	if n*min(6*3600, o.until-o.begin)/(o.until-o.begin) >= 12 {
		verdict = MustFire
	}
	o.says(verdict, "assume-churn", store, "a new session for every invocation", "thumbnail-writer")
	o.says(MayEither, "overlapping-sessions", store, "many are live, each is used for seconds", "thumbnail-writer")

	warm := o.newRole(o.acct(1), "cache-warmer")
	few := o.lambda(o.acct(0), "cache-filler", 1)
	for i := range int64(9) {
		o.once(o.since+300+i*330, func(t int64) *credential {
			return o.assume(t, caller{session: few.now(t)}, request{role: warm, name: "cache-filler", region: region})
		}, workerAPIs, how{resource: "cache"}, 1, 4)
	}
	o.says(MustStay, "assume-churn", warm, "nine sessions are few", "cache-filler")
	o.says(MayEither, "overlapping-sessions", warm, "many are live, each is used for seconds", "cache-filler")

	if o.until-o.since >= 4*3600 {
		batch := o.newRole(o.acct(1), "batch-window")
		steady := o.task(o.newRole(o.acct(0), "batch-runner-task"), 0)
		for i := range int64(12) {
			o.once(o.since+400+i*905, func(t int64) *credential {
				return o.assume(t, caller{session: steady.now(t)}, request{role: batch, name: "batch-runner", region: region, duration: 900})
			}, workerAPIs, how{resource: "batch"}, 2, 200, 400, 600, 800)
		}
		o.says(MustStay, "assume-churn", batch, "short sessions that are used to their end", "batch-runner")
	}
}

// storyKeys plans what makes joining by key or by time go wrong.
func (o *organization) storyKeys() {
	region := o.region(0)

	// One key id, issued twice: to a task, and half an hour later to a fleet.
	key := o.ids.unique("ASIA", o.acct(1).id)
	reader, writer := o.newRole(o.acct(1), "tape-reader"), o.newRole(o.acct(1), "tape-writer")
	first, then := o.task(o.newRole(o.acct(0), "tape-task"), 0), o.box(o.newRole(o.acct(0), "tape-robot"), 0)
	o.once(o.since+300, func(t int64) *credential {
		return o.assume(t, caller{session: first.now(t)}, request{role: reader, name: "tape-inventory", region: region, duration: 900, key: key})
	}, workerAPIs, how{resource: "tapes"}, 5, 200, 600)
	o.once(o.since+2100, func(t int64) *credential {
		return o.assume(t, caller{session: then.now(t)}, request{role: writer, name: "tape-loader", region: region, duration: 900, key: key})
	}, workerAPIs, how{resource: "tapes"}, 5, 200, 600)
	// And once more for the same role under two names.
	again := o.ids.unique("ASIA", o.acct(1).id)
	for i, p := range []*app{first, then} {
		o.once(o.since+500+int64(i)*1500, func(t int64) *credential {
			return o.assume(t, caller{session: p.now(t)}, request{role: reader, name: []string{"tape-check", "tape-index"}[i], region: region, duration: 900, key: again})
		}, workerAPIs, how{resource: "tapes"}, 5, 200, 600)
	}

	// A role that is deleted and made again: the same ARN, another id.
	l := o.lambda(o.acct(0), "pipe-runner", 0)
	old := o.newRole(o.acct(0), "reports-pipe")
	renewed := *old
	renewed.id = o.ids.unique("AROA", o.acct(0).id)
	for i, r := range []*role{old, &renewed} {
		o.once(o.since+400+int64(i)*1500, func(t int64) *credential {
			return o.assume(t, caller{session: l.now(t)}, request{role: r, name: "pipe-runner", region: region, duration: 900})
		}, workerAPIs, how{resource: "pipe"}, 5, 300, 700)
	}

	// Two sessions of one role with one name from one second. Their calls join
	// by key; those that a service makes on cannot be told apart.
	twins := o.newRole(o.acct(0), "twin-store")
	left, right := o.lambda(o.acct(0), "twin-left", 0), o.lambda(o.acct(0), "twin-right", 1)
	o.at(o.since+1100, func(t int64) {
		a := o.assume(t, caller{session: left.now(t - 3)}, request{role: twins, name: "twin-writer", region: region, duration: 3600})
		b := o.assume(t, caller{session: right.now(t - 3)}, request{role: twins, name: "twin-writer", region: region, duration: 3600})
		a.ambiguous, b.ambiguous = true, true
		for i := range int64(5) {
			o.at(t+5+i*200, func(t int64) { o.call(t, a, o.apis["s3:PutObject"], how{resource: "twins"}) })
			o.at(t+6+i*200, func(t int64) { o.call(t, b, o.apis["s3:PutObject"], how{resource: "twins"}) })
		}
		o.at(t+30, func(t int64) { o.call(t, a, o.apis["kms:GenerateDataKey"], how{invokedBy: "s3.amazonaws.com"}) })
		o.at(t+31, func(t int64) { o.call(t, b, o.apis["kms:Decrypt"], how{invokedBy: "s3.amazonaws.com"}) })
	})
	o.says(MustFire, "shared-name", twins, "two functions", "twin-writer")
	o.says(MayEither, "unattributed", twins, "two forwarded calls have two candidates", "twin-writer")

	// Sessions that a service calls on with: another key, the same second.
	stack := o.newRole(o.acct(0), "stack-deployer")
	ci := o.task(o.newRole(o.acct(0), "deployer-task"), 0)
	o.at(o.since+1200, func(t int64) {
		c := o.assume(t, caller{session: ci.now(t)}, request{role: stack, name: "stack-deployer-main", region: region, duration: 3600})
		for i := range int64(6) {
			o.at(t+5+i*300, func(t int64) { o.call(t, c, o.apis["cloudformation:CreateChangeSet"], how{resource: "stack"}) })
			o.at(t+9+i*300, func(t int64) {
				o.call(t, c, o.apis["iam:PutRolePolicy"], how{resource: "stack", invokedBy: "cloudformation.amazonaws.com"})
				o.call(t, c, o.apis["lambda:UpdateFunctionCode20150331v2"], how{resource: "stack", invokedBy: "cloudformation.amazonaws.com"})
			})
		}
	})

	// A pod without session tags: its name is all that tells.
	c := &cluster{account: o.acct(0), name: "kiosk", region: region}
	c.node = o.newInstance(o.newRole(o.acct(0), "kiosk-node"), region, goAgent("", "ec2", "E,0"))
	w := &workload{cluster: c, role: o.newRole(o.acct(0), "kiosk-pods"), agent: javaAgent("E,z")}
	o.at(o.since+250, func(t int64) {
		node := o.startInstance(t, c.node)
		o.call(t+1, node, o.apis["ec2:DescribeInstances"], how{})
		o.at(t+20, func(t int64) {
			s := o.startPodIdentity(t, w, node, "web-7f9c5d8b6-x2k9p", false)
			s.origin = origin{"eks", w.role.account.id + "/kiosk/web"}
			for i := range int64(4) {
				o.at(t+5+i*400, func(t int64) { o.call(t, s, o.apis["dynamodb:Query"], how{resource: "kiosk"}) })
			}
		})
	})

	// An IAM user of an account outside, whose name nobody here can know.
	outside := &account{id: o.ids.accountID()}
	stranger := o.newUser(outside, "unseen", o.home(), cliAgent("", "E,b,n"))
	drop := o.newRole(o.acct(1), "invoice-drop")
	o.once(o.since+350, func(t int64) *credential {
		return o.assume(t, caller{user: stranger}, request{role: drop, name: "supplier-invoices", region: region, duration: 3600, externalID: "inv-2026"})
	}, workerAPIs[1:3], how{resource: "invoices"}, 5, 600, 1500, 2500)
}

// storyCopies plans calls that are in the trail more than once, or corrected.
func (o *organization) storyCopies() {
	l := o.lambda(o.acct(0), "archive-copier", 0)
	r := o.newRole(o.acct(0), "archive-access")
	o.at(o.since+650, func(t int64) {
		c := o.assume(t, caller{session: l.now(t)}, request{role: r, name: "archive-copier", region: o.region(0), duration: 3600})
		for i := range int64(6) {
			o.at(t+5+i*200, func(t int64) {
				o.call(t, c, o.apis["s3:GetObject"], how{resource: "archive", bucketOwner: o.acct(1), onlyOwner: i == 5})
			})
			o.at(t+15+i*200, func(t int64) { o.call(t, c, o.apis["sqs:SendMessage"], how{resource: "archive", updated: i%2 == 0}) })
		}
	})
}

// storyOthers plans sessions that are no role's, and refusals.
func (o *organization) storyOthers() {
	region := o.region(0)
	read := []*api{o.apis["s3:ListBuckets"], o.apis["ec2:DescribeInstances"], o.apis["s3:GetObject"]}
	for i, u := range o.users[:2] {
		o.at(o.since+200+int64(i)*400, func(t int64) { o.federate(t, u, []string{"console-helper", "report-viewer"}[i], region, read) })
		o.at(o.since+260+int64(i)*400, func(t int64) { o.sessionToken(t, u, region, read[:2]) })
		for n := range int64(3) {
			o.at(o.since+300+int64(i)*90+n*20, func(t int64) { o.refuse(t, u, o.newRole(o.acct(1), "OrganizationAccountAccessRole"), region) })
		}
	}
	who := &person{name: o.person() + "@corp.example", userID: o.ids.hex(10) + "-" + o.ids.uuid(), ip: o.home()}
	set := o.permissionSet(o.accounts[0], o.dir, "RootTasks")
	o.at(o.since+1500, func(t int64) {
		c := o.signIn(t, o.dir, who, set, region, false, cliAgent("", "E,b,r,n"))
		o.at(t+30, func(t int64) { o.assumeRoot(t, c, o.acct(1), region, []*api{o.apis["s3:GetBucketAcl"]}) })
		o.at(t+200, func(t int64) { o.call(t, c, o.apis["sts:GetCallerIdentity"], how{}) })
	})
}

// siblings writes what stands beside the events of a trail and is none.
func (o *organization) siblings() {
	for i, a := range o.accounts {
		region := o.region(i)
		for day := o.begin - o.begin%86400; day < o.until; day += 86400 {
			at := time.Unix(day+7200, 0).UTC()
			digest := []byte(`{"awsAccountId":"` + a.id + `","digestStartTime":"` + formatTime(day+3600) + `","digestEndTime":"` + formatTime(day+7200) +
				`","digestS3Bucket":"trail-logs","digestS3Object":"","digestPublicKeyFingerprint":"` + o.ids.hex(32) +
				`","digestSignatureAlgorithm":"SHA256withRSA","newestEventTime":null,"oldestEventTime":null,"previousDigestS3Bucket":null,` +
				`"previousDigestS3Object":null,"previousDigestHashValue":null,"previousDigestHashAlgorithm":null,"previousDigestSignature":null,"logFiles":[]}`)
			o.out.put(a.id, "CloudTrail-Digest", region, at, a.id+"_CloudTrail-Digest_"+region+"_organization-trail_"+region+"_"+at.Format("20060102T150405Z")+".json.gz", digest)
			insight := []byte(`{"Records":[{"eventVersion":"1.08","eventTime":"` + formatTime(day+7000) + `","awsRegion":"` + region + `","eventID":"` + o.ids.uuid() +
				`","eventType":"AwsCloudTrailInsight","recipientAccountId":"` + a.id + `","sharedEventID":"` + o.ids.uuid() +
				`","insightDetails":{"state":"Start","eventSource":"sts.amazonaws.com","eventName":"AssumeRole","insightType":"ApiCallRateInsight","insightContext":{"statistics":{"baseline":{"average":0.02},"insight":{"average":3.5},"insightDuration":5,"baselineDuration":11000}}},"eventCategory":"Insight"}]}`)
			o.out.put(a.id, "CloudTrail-Insight", region, at, a.id+"_CloudTrail-Insight_"+region+"_"+at.Format("20060102T1504Z")+"_"+o.ids.from(alnum, 16)+".json.gz", insight)
		}
	}
}
