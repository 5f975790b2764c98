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
