package attribute

import (
	"slices"
	"strings"
	"testing"
)

func TestGenericLists(t *testing.T) {
	for _, list := range [][]string{genericNames[:], placeholders[:]} {
		if !slices.IsSorted(list) || len(slices.Compact(slices.Clone(list))) != len(list) {
			t.Errorf("the list is not sorted or holds a name twice: %q", list)
		}
		for _, name := range list {
			if folded, ok := fold(make([]byte, 0, 64), name); !ok || string(folded) != name {
				t.Errorf("%q is not in the form that names are compared in", name)
			}
		}
	}
	for _, name := range GenericNames() {
		if _, ok := Generic(name, ""); !ok {
			t.Errorf("%q stands in the published list but is not generic", name)
		}
		if ServiceMade(FormOf(name)) {
			t.Errorf("%q stands in the published list but an AWS service makes it", name)
		}
	}
}

func TestGeneric(t *testing.T) {
	const listed, template, role = "stands in the list of names that name nothing", "is a template's placeholder", "is the role's own name"
	for _, test := range []struct{ name, role, want string }{
		{"session", "web", listed},
		{"Session", "web", listed},
		{"my-session", "web", listed},
		{"MySession", "web", listed},
		{"my.session=name", "web", listed},
		{"role_session", "web", listed},
		{"test", "web", listed},
		{"TEST-SESSION", "web", listed},
		{"default", "web", listed},
		{"assume-role", "web", listed},
		{"AssumeRole", "web", listed},
		{"temp", "web", listed},
		{"AWSCLI-Session", "web", listed},
		{"prod", "web", listed},
		{"admin", "web", listed},
		{"lambda", "web", listed},

		{"STRING_VALUE", "web", template},
		{"YOUR_SESSION_NAME", "web", template},
		{"RoleSessionName", "web", template},
		{"ROLE_SESSION_NAME", "web", template},
		{"undefined", "web", template},
		{"null", "web", template},
		{"None", "web", template},
		{"NaN", "web", template},
		{"object-Object", "web", template},
		{"changeme", "web", template},
		{"XXXXXXXX", "web", template},
		{"xx", "web", template},

		{"orders-reader", "orders-reader", role},
		{"OrdersReader", "orders_reader", role},
		{"orders.reader", "Orders-Reader", role},

		// the whole of the name, not a part of it
		{"session-orders", "web", ""},
		{"orders-session", "web", ""},
		{"session1", "web", ""},
		{"session-42", "web", ""},
		{"test-2", "web", ""},
		{"sessions-api", "web", ""},
		{"prod-2024-01", "web", ""},
		{"defaults", "web", ""},
		{"testament", "web", ""},
		{"admin@example.com", "web", ""},
		{"orders", "orders-reader", ""},
		{"orders-reader-2", "orders-reader", ""},
		{"terraform", "web", ""},
		{"jenkins", "web", ""},
		{"x", "web", ""},
		{"botocore-session-1785228712", "web", ""},
		{"--", "web", ""},
		{"", "", ""},
		{strings.Repeat("session", 20), "web", ""},
	} {
		why, ok := Generic(test.name, test.role)
		if why != test.want || ok != (test.want != "") {
			t.Errorf("Generic(%q, %q) is %q, %v, want %q", test.name, test.role, why, ok, test.want)
		}
	}
}

func FuzzGeneric(f *testing.F) {
	f.Add("My-Session", "web")
	f.Add("orders", "Orders")
	f.Add("", "")
	f.Fuzz(func(t *testing.T, name, role string) {
		why, ok := Generic(name, role)
		if ok == (why == "") {
			t.Errorf("Generic(%q, %q) is %q, %v", name, role, why, ok)
		}
		// Case and separators make no difference.
		if len(name) < 64 {
			if again, _ := Generic("-"+name, role); again != why {
				t.Errorf("Generic(%q) is %q, with a dash %q", name, why, again)
			}
		}
	})
}
