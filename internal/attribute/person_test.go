package attribute

import "testing"

func TestPersonLike(t *testing.T) {
	for _, test := range []struct {
		name string
		want Person
		user string
	}{
		{"jane@example.com", EmailPerson, "jane"},
		{"jane.doe+cloud@mail.example.com", EmailPerson, "jane.doe+cloud"},
		{"jane.doe", MaybePerson, "jane.doe"},
		{"Jane.Doe", MaybePerson, "Jane.Doe"},
		{"j.doe", MaybePerson, "j.doe"},
		{"jane.m.doe2", MaybePerson, "jane.m.doe2"},
		{"jane.doe@corp", MaybePerson, "jane.doe"},

		{"noreply@example.com", NoPerson, "noreply"},
		{"builder@project.iam.gserviceaccount.com", NoPerson, "builder"},
		{"x@lambda_function", NoPerson, "x"},
		{"jane", NoPerson, "jane"},
		{"jane.d", NoPerson, "jane.d"},
		{"orders.prod", NoPerson, "orders.prod"},
		{"index.handler", NoPerson, "index.handler"},
		{"orders.example.com", NoPerson, "orders.example.com"},
		{"web01.fra", NoPerson, "web01.fra"},
		{"orders.2024", NoPerson, "orders.2024"},
		{"a.b.c.d", NoPerson, "a.b.c.d"},
		{"jane..doe", NoPerson, "jane..doe"},
		{".doe", NoPerson, ".doe"},
		{"jane.dOe", NoPerson, "jane.dOe"},
		{"@", NoPerson, "@"},
		{"", NoPerson, ""},
	} {
		if got := PersonLike(test.name); got != test.want {
			t.Errorf("PersonLike(%q) is %d, want %d", test.name, got, test.want)
		}
		if got := UserPart(test.name); got != test.user {
			t.Errorf("UserPart(%q) is %q, want %q", test.name, got, test.user)
		}
	}
}
