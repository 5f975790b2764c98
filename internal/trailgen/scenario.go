package trailgen

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// A scenario is a small trail made by hand: one story that a person can follow
// record by record.
type scenario struct {
	name string
	seed uint64
	tell func(w *world)
}

// scenarioDay is the day, in UTC, on which the scenarios play.
const scenarioDay = "2026-11-02T00:00:00Z"

// scenarios lists the stories in the order of their page.
func scenarios() []scenario {
	return []scenario{
		{"string-value", 1, tellStringValue},
		{"good-citizen", 2, tellGoodCitizen},
		{"irsa-sdk-names", 3, tellIRSA},
		{"github-actions", 4, tellGitHubActions},
		{"identity-center", 5, tellIdentityCenter},
		{"three-hop-chain", 6, tellThreeHopChain},
	}
}

// ScenarioNames gives the names of the scenarios.
func ScenarioNames() []string {
	var names []string
	for _, s := range scenarios() {
		names = append(names, s.name)
	}
	return names
}

// Scenario writes the named small trail. Its bytes are always the same.
func Scenario(ctx context.Context, name string, c Config) (Summary, error) {
	list := scenarios()
	i := slices.IndexFunc(list, func(s scenario) bool { return s.name == name })
	if i < 0 {
		return Summary{}, fmt.Errorf("scenario %q: there is none of this name: choose one of %s", name, strings.Join(ScenarioNames(), ", "))
	}
	c.Seed = list[i].seed
	if c.Truth == "" {
		c.Truth = c.Out
	}
	w, err := open(ctx, c, "", 1000)
	if err != nil {
		return Summary{}, err
	}
	w.since, w.until = parseTime(scenarioDay), parseTime(scenarioDay)+24*3600
	list[i].tell(w)
	return w.close(c.Truth)
}

// tellStringValue is the case that trailscan was made for: the Lambda
// functions and the long-running programs of one account all assume one role of
// another with the session name that somebody once copied from the example of
// the SDK's documentation.
func tellStringValue(w *world) {
	apps := &account{"111122223333", true}
	ledger := &account{"444455556666", true}
	const region = "eu-west-1"
	shared := w.newRole(ledger, "ledger-access")
	start := w.since + 8*3600

	assume := func(t int64, p *credential, asks, calls string) *credential {
		use := p.place
		use.agent = calls
		return w.assume(t, caller{session: p}, request{role: shared, name: "STRING_VALUE", region: region, agent: asks, use: use})
	}
	lambdas := []*function{
		{account: apps, name: "order-intake", region: region, scoped: true},
		{account: apps, name: "invoice-mailer", region: region, bare: true},
	}
	for i, f := range lambdas {
		f.role = w.newRole(apps, f.name+"-role")
		f.role.path = "/service-role/"
		f.agent = nodeAgent("ssm", "AWS_Lambda_nodejs20.x", "E,g")
		t := start + int64(60+i*540)
		c := w.startFunction(t, f, w.awsIP(region))
		w.call(t+2, c, w.apis["ssm:GetParameter"], how{resource: f.name})
		s := assume(t+3, c, nodeAgent("sts", "AWS_Lambda_nodejs20.x", "E,g"), nodeAgent("dynamodb", "AWS_Lambda_nodejs20.x", "E,i"))
		w.call(t+4, s, w.apis["dynamodb:DescribeTable"], how{resource: "ledger"})
		for n := range 4 {
			at := t + 6 + int64(n)*290
			w.call(at, s, w.apis[[]string{"dynamodb:Query", "dynamodb:PutItem"}[i]], how{resource: "ledger"})
			w.call(at+1, s, w.apis["kms:GenerateDataKey"], how{resource: "ledger"})
		}
		if i == 1 {
			w.call(t+1500, s, w.apis["sns:Publish"], how{resource: "ledger-alerts", failed: true})
		}
	}
	for i, fleet := range []struct {
		name, agent string
		size        int
		apis        []string
	}{
		{"price-feed", javaAgent("E,i"), 2, []string{"s3:PutObject", "kms:GenerateDataKey"}},
		{"stock-sync", botoAgent("", "Z,b,D,i"), 1, []string{"s3:GetObject", "kms:Decrypt"}},
	} {
		role := w.newRole(apps, fleet.name+"-instance")
		own := strings.Replace(strings.Replace(fleet.agent, "E,i", "E,0", 1), "D,i", "D,0", 1)
		for n := range fleet.size {
			box := w.newInstance(role, region, own)
			box.scoped = i == 0
			t := start + int64(20+i*200+n*75)
			c := w.startInstance(t, box)
			w.call(t+30, c, w.apis["ssm:GetParameter"], how{resource: fleet.name})
			s := assume(t+40, c, own, fleet.agent)
			for k := range 4 {
				w.call(t+45+int64(k)*400, s, w.apis[fleet.apis[k%2]], how{resource: "ledger-files"})
			}
			// A long-running program: it assumes the role again before the hour is over.
			again := assume(t+3500, c, own, fleet.agent)
			for k := range 3 {
				w.call(t+3505+int64(k)*300, again, w.apis[fleet.apis[k%2]], how{resource: "ledger-files"})
			}
		}
	}
	name := []string{"STRING_VALUE"}
	w.truth.expect(Expect{Verdict: MustFire, Rule: "shared-name", RoleARNs: []string{shared.arn()}, Names: name, Why: "two functions and two fleets use it"})
	w.truth.expect(Expect{Verdict: MustFire, Rule: "generic-name", RoleARNs: []string{shared.arn()}, Names: name, Why: "it is a placeholder of the SDK's documentation"})
}

// several makes calls of c at the given seconds after t, one API after the other.
func (w *world) several(t int64, c *credential, resource string, what []string, after ...int64) {
	for i, s := range after {
		w.call(t+s, c, w.apis[what[i%len(what)]], how{resource: resource})
	}
}

// tellGoodCitizen is an account where every name tells who is behind it.
func tellGoodCitizen(w *world) {
	shop := &account{"111122223333", true}
	const region = "eu-central-1"
	start := w.since + 9*3600

	intake := &function{account: shop, name: "order-intake", role: w.newRole(shop, "order-intake-role"), region: region, scoped: true,
		agent: nodeAgent("dynamodb", "AWS_Lambda_nodejs20.x", "E,g")}
	orders := w.newRole(shop, "orders-table")
	l := w.startFunction(start, intake, w.awsIP(region))
	w.several(start, l, "orders", []string{"ssm:GetParameter", "logs:CreateLogStream"}, 2, 3)
	s := w.assume(start+4, caller{session: l}, request{role: orders, name: "order-intake", region: region, sourceIdentity: "order-intake"})
	w.several(start+4, s, "orders", appAPIs, 1, 40, 300, 900, 1800, 2900)

	fleet := w.newRole(shop, "web-fleet")
	for range 2 {
		box := w.newInstance(fleet, region, botoAgent("", "Z,b,D,0"))
		c := w.startInstance(start+60, box)
		w.several(start+60, c, "web", instanceAPIs, 5, 600, 1200)
	}

	tasks := w.newRole(shop, "checkout-task")
	for range 2 {
		id := w.ids.hex(32)
		c := w.startService(start+90, serviceSession{principal: "ecs-tasks.amazonaws.com", kind: "ecs", role: tasks, name: id, region: region,
			ip: w.awsIP(region), agent: javaAgent("E,z"), lifetime: 6 * 3600, instance: id})
		w.several(start+90, c, "checkout", workerAPIs, 5, 500, 1500)
	}

	alice := w.newUser(shop, "alice", "203.0.113.17", cliAgent("sts.assume-role", "E,b,n"))
	operations := w.newRole(shop, "operations")
	c := w.assume(start+300, caller{user: alice}, request{role: operations, name: "alice", region: region, duration: 3600})
	w.several(start+300, c, "web", readAPIs, 10, 400, 900, 1500, 2400)

	scaling := w.serviceLinked(shop, "autoscaling.amazonaws.com", "AWSServiceRoleForAutoScaling")
	c = w.startService(start+400, serviceSession{principal: "autoscaling.amazonaws.com", kind: "service", role: scaling, name: "AutoScaling",
		region: region, keyless: true, lifetime: 3600})
	w.several(start+400, c, "web", []string{"ec2:DescribeInstances", "ec2:RunInstances"}, 2, 5)
}

// tellIRSA is a cluster whose pods let the SDK name their sessions.
func tellIRSA(w *world) {
	platform := &account{"111122223333", true}
	start := w.since + 10*3600
	c := &cluster{account: platform, name: "platform", region: "us-west-2", issuer: "0A1B2C3D4E5F60718293A4B5C6D7E8F9"}
	c.node = w.newInstance(w.newRole(platform, "platform-node"), c.region, goAgent("", "ec2", "E,0"))
	node := w.startInstance(start, c.node)
	w.several(start, node, c.name, clusterAPIs[:2], 5, 900)
	for i, p := range []struct {
		namespace, account, role, agent string
		name                            func(t int64) string
		pattern                         string
	}{
		{"kube-system", "cluster-autoscaler", "cluster-autoscaler", goAgent("", "sts", "E,k"),
			func(t int64) string { return fmt.Sprint(t*1e9 + int64(w.ids.IntN(1e9))) }, "<n>"},
		{"data", "etl-runner", "etl", botoAgent("", "Z,b,D,h,k"), func(t int64) string { return fmt.Sprint("botocore-session-", t) }, "botocore-session-<n>"},
		{"data", "etl-planner", "etl", javaAgent("E,h,k"), func(t int64) string { return fmt.Sprint("aws-sdk-java-", t*1000+417) }, "aws-sdk-java-<n>"},
		{"kube-system", "external-dns", "dns-records", goAgent("", "sts", "E,k"), func(int64) string { return "external-dns" }, ""},
	} {
		r := w.roleNamed(platform, p.role)
		pod := &workload{cluster: c, namespace: p.namespace, account: p.account, role: r, agent: p.agent}
		for n := range int64(2) {
			t := start + 60 + int64(i)*17 + n*3300
			s := w.startIRSA(t, pod, p.name(t))
			w.several(t, s, c.name, clusterAPIs, 2, 700, 1900, 3100)
		}
		if p.pattern != "" {
			w.truth.expect(Expect{Verdict: MustFire, Rule: "sdk-default-name", RoleARNs: []string{r.arn()}, Pattern: p.pattern, Why: "the SDK made it up"})
		}
	}
}

// tellGitHubActions is one role that the workflows of two repositories take
// with the name that the action gives by itself.
func tellGitHubActions(w *world) {
	target := &account{"444455556666", true}
	start := w.since + 11*3600
	deploy := w.newRole(target, "deploy")
	runs := []struct{ repo, ref, ip string }{
		{"example-corp/website", "ref:refs/heads/main", "20.55.14.23"},
		{"example-corp/mobile-api", "ref:refs/heads/main", "20.55.88.140"},
		{"example-corp/website", "pull_request", "20.55.201.9"},
		{"example-corp/mobile-api", "environment:production", "20.55.3.77"},
	}
	for i, r := range runs {
		p := &pipeline{kind: "github-actions", id: r.repo, host: "token.actions.githubusercontent.com", audience: "sts.amazonaws.com",
			subject: "repo:" + r.repo + ":" + r.ref, agent: githubAgent, role: deploy, region: "us-east-1"}
		t := start + int64(i)*1500
		c := w.startPipeline(t, p, "GitHubActions", r.ip)
		c.place.agent = cliAgent("cloudformation.deploy", "E,b,g")
		w.several(t, c, "website", deployAPIs, 3, 20, 45, 80, 140, 200)
	}
	name := []string{"GitHubActions"}
	w.truth.expect(Expect{Verdict: MustFire, Rule: "shared-name", RoleARNs: []string{deploy.arn()}, Names: name, Why: "two repositories use it"})
	w.truth.expect(Expect{Verdict: MustFire, Rule: "sdk-default-name", RoleARNs: []string{deploy.arn()}, Names: name, Why: "the action's default"})
}

// tellIdentityCenter is two people of IAM Identity Center, on the command line
// and in the console.
func tellIdentityCenter(w *world) {
	manager := &account{"111122223333", true}
	member := &account{"444455556666", true}
	const region = "eu-west-1"
	start := w.since + 12*3600
	d := &directory{account: manager, region: region, qualifier: "/nQTosBbaHrvuioiTKQkrbl3/WM=",
		store:  "arn:aws:identitystore::111122223333:identitystore/d-9367012345",
		issuer: "https://portal.sso.eu-west-1.amazonaws.com/saml/assertion/MTExMTIyMjIzMzMzX2lucy0xMjM0NTY3ODkwYWJjZGVm"}
	admin, view := w.permissionSet(member, d, "AdministratorAccess"), w.permissionSet(manager, d, "ViewOnlyAccess")
	maria := &person{name: "maria.garcia@corp.example", userID: "9367012345-11d2c6a1-7a32-4c5e-9b1f-2f0a6f1d9c01", ip: "198.51.100.61"}
	wei := &person{name: "zhang.wei@corp.example", userID: "9367012345-5a0b77d4-62e0-4f4b-8a43-0f9d2f0e7b12", ip: "203.0.113.140"}

	cli := w.signIn(start, d, maria, admin, region, false, cliAgent("", "E,b,r,n"))
	w.several(start, cli, "website", []string{"sts:GetCallerIdentity", "cloudformation:DescribeStacks", "ec2:DescribeInstances"}, 2, 60, 300, 1100)
	// A stack that she updates: CloudFormation goes on with her session.
	w.call(start+1200, cli, w.apis["cloudformation:CreateChangeSet"], how{resource: "website"})
	w.call(start+1204, cli, w.apis["iam:PutRolePolicy"], how{resource: "website", invokedBy: "cloudformation.amazonaws.com"})

	console := w.signIn(start+1800, d, maria, admin, region, true, "")
	w.several(start+1800, console, "website", consoleAPIs, 20, 22, 40, 200, 900)
	other := w.signIn(start+2400, d, wei, view, region, true, "")
	w.several(start+2400, other, "website", consoleAPIs, 15, 30, 400, 1300)
	shell := w.signIn(start+4000, d, wei, admin, region, false, cliAgent("", "E,b,r,n"))
	w.several(start+4000, shell, "website", readAPIs, 5, 100, 600)
}

// tellThreeHopChain is a task that goes through three roles of three accounts.
func tellThreeHopChain(w *world) {
	books := &account{"111122223333", true}
	ledger := &account{"444455556666", true}
	archive := &account{"777788889999", true}
	const region = "us-east-1"
	start := w.since + 13*3600
	tasks := w.newRole(books, "month-close-task")
	id := w.ids.hex(32)
	task := w.startService(start, serviceSession{principal: "ecs-tasks.amazonaws.com", kind: "ecs", role: tasks, name: id, region: region,
		ip: w.awsIP(region), agent: goAgent("AWS_ECS_FARGATE", "sts", "E,z"), lifetime: 6 * 3600, instance: id})
	w.several(start, task, "books", []string{"ssm:GetParameter", "kms:Decrypt"}, 2, 4)
	hops := []*role{w.newRole(books, "close-hub"), w.newRole(ledger, "close-ledger"), w.newRole(archive, "close-archive")}
	c := task
	for i, r := range hops {
		t := start + 10 + int64(i)*4
		q := request{role: r, name: "month-close", region: region}
		if i == 0 {
			q.sourceIdentity = "month-close"
		}
		c = w.assume(t, caller{session: c}, q)
		w.several(t, c, "ledger", dataAPIs, 2, 500+int64(i), 1500, 2800)
	}
}
