package report

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/trailscan/trailscan/internal/attribute"
)

// Of two names of one role that collide with others, one may be ignored.
func TestIgnoredIsAboutOneName(t *testing.T) {
	const legacy, prod = "arn:aws:iam::111122223333:role/legacy", "arn:aws:iam::111122223333:role/prod"
	name := func(role, name string) attribute.SessionName {
		return attribute.SessionName{RoleARN: role, RoleName: role[strings.LastIndex(role, "/")+1:], AccountID: "111122223333", SessionName: name, Calls: 1, Findings: []string{ruleCollision}}
	}
	finding := func(id, name, ignored string, roles ...string) attribute.Finding {
		return attribute.Finding{ID: id, Rule: ruleCollision, Severity: attribute.Medium, RoleARNs: roles, Names: attribute.FindingNames{Count: 1, Sample: []string{name}}, Ignored: ignored}
	}
	res := &attribute.Result{
		Names: []attribute.SessionName{name(legacy, "report"), name(legacy, "worker"), name(prod, "worker")},
		Findings: []attribute.Finding{
			finding("a", "report", "ticket 42", legacy, legacy+"-2"),
			finding("b", "worker", "", legacy, prod),
		},
	}
	if got, want := worst(res), []attribute.Severity{attribute.None, attribute.Medium, attribute.Medium}; !slices.Equal(got, want) {
		t.Errorf("the names' worst open findings are %v, want %v", got, want)
	}
	var page bytes.Buffer
	if err := writeHTML(&page, res, testOptions()); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(page.String(), ruleCollision+" (ignored)"); n != 1 {
		t.Errorf("%d names of the page have an ignored collision, want 1", n)
	}
}
