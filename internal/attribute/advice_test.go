package attribute

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// Who shares a name is told a name of its own each, in whatever order they are met.
func TestAdviceNamesEachCaller(t *testing.T) {
	var callers []*origin
	for i := range 7 {
		callers = append(callers, &origin{kind: KindLambda, account: "111122223333", name: fmt.Sprintf("app-%d", i)})
	}
	callers = append(callers,
		&origin{kind: KindExternal, account: "444455556666", name: "AIDAEXAMPLE"}, &origin{kind: KindExternal, account: "777788889999", name: "AIDAEXAMPLE"},
		&origin{kind: KindIAMUser, account: "111122223333", name: "alice"}, &origin{kind: KindIAMUser, account: "111122223333", name: "bob"},
		&origin{kind: KindLambda, account: "111122223333", name: "app-3"}) // the same once more
	tell := func() string {
		a := advice{}
		for _, o := range callers {
			a.add(&nameView{sessions: []*session{{verdict: verdict{origin: o}}}})
		}
		return a.String()
	}
	want := tell()
	for _, part := range []string{
		"For lambda:111122223333/app-0: use app-0 as the name;",
		" Likewise app-1 for lambda:111122223333/app-1, app-2 for lambda:111122223333/app-2, app-3 for lambda:111122223333/app-3, app-4 for lambda:111122223333/app-4, and so on.",
		" Likewise for account 777788889999.",
	} {
		if strings.Count(want, part) != 1 {
			t.Errorf("no %q in %q", part, want)
		}
	}
	if n := strings.Count(want, "For IAM users"); n != 1 {
		t.Errorf("users are told %d times what to do: %s", n, want)
	}
	slices.Reverse(callers)
	if got := tell(); got != want {
		t.Errorf("in another order:\n%s\nnot\n%s", got, want)
	}
}

// Apps of the same name in several accounts would share that name again.
func TestAdviceTellsAccountsApart(t *testing.T) {
	a := advice{}
	for _, account := range []string{"111122223333", "444455556666"} {
		a.add(&nameView{sessions: []*session{{verdict: verdict{origin: &origin{kind: KindLambda, account: account, name: "orders"}}}}})
	}
	got := a.String()
	for _, want := range []string{"use orders-111122223333 as the name", `"orders-111122223333*"`, "Likewise orders-444455556666 for lambda:444455556666/orders."} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in %q", want, got)
		}
	}
}
