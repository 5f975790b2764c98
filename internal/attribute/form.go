package attribute

import "strings"

// Class says who makes the names of a form.
type Class uint8

// The classes.
const (
	ClassCustom   Class = iota // chosen by the caller, in words of its own
	ClassService               // made up by an AWS service for a role that it assumes
	ClassInstance              // the id of the thing that AWS vended the credential to
	ClassSDK                   // made up by an AWS SDK or the AWS CLI when nothing is configured
	ClassTool                  // made up by another tool when nothing is configured
	ClassVendor                // chosen by a company that assumes the role from an account of its own
	ClassShape                 // a shape that several producers share: other evidence decides
	ClassPerson                // the name or address of a person
)

// String gives the class as the list of forms writes it.
func (c Class) String() string {
	switch c {
	case ClassService:
		return "AWS service"
	case ClassInstance:
		return "instance"
	case ClassSDK:
		return "SDK default"
	case ClassTool:
		return "tool default"
	case ClassVendor:
		return "vendor"
	case ClassShape:
		return "ambiguous shape"
	case ClassPerson:
		return "person"
	default:
		return "custom"
	}
}

// Sure says how a form is known.
type Sure uint8

// How a form is known, surest first.
const (
	SureSource    Sure = iota // the producer's source code or AWS's documentation says so
	SureSeen                  // real logs show it
	SureMentioned             // one page mentions it
	SureAssumed               // nobody confirmed it
)

// String gives it in one word.
func (s Sure) String() string {
	switch s {
	case SureSource:
		return "documented"
	case SureSeen:
		return "seen"
	case SureMentioned:
		return "mentioned"
	default:
		return "assumed"
	}
}

// Form is one way in which session names are made. The forms stand in one
// table, and each is read-only.
type Form struct {
	ID       string // short and stable: reports carry it
	Producer string // who makes such names
	Class    Class
	// Pattern is what all names of the form are grouped under, such as
	// botocore-session-<n>. It is empty where PatternOf works it out name by
	// name.
	Pattern string
	Example string // a name as it stands in a log
	Source  string // where the form is known from
	Sure    Sure

	// Principals are the service principals that pick names of this form when
	// they assume a role. A name of the form under another origin was typed by
	// somebody, unless the list is empty.
	Principals []string

	// Makers are the ids of the forms that share a shape, for the shapes that
	// do not tell who made them.
	Makers []string

	prefix string            // what every name of the form begins with
	rest   func(string) bool // what may follow the prefix; nil means nothing may
	told   bool              // only other evidence tells the form: FormOf never does
	madeUp bool              // of a shape: hardly anybody but SDKs and tools makes it
}

// Forms lists all forms, in the order in which FormOf tries them.
func Forms() []Form {
	out := make([]Form, len(formTable))
	copy(out, formTable[:])
	return out
}

// FormOf gives the form of a session name as far as the name alone tells it. A
// name of no known form has the form custom. The answer is never nil, is the
// same for the same name, and is shared: it must not be changed.
func FormOf(name string) *Form {
	if name == "" {
		return customForm
	}
	for _, f := range formsByFirst[name[0]] {
		if f.matches(name) {
			return f
		}
	}
	for _, f := range shapeForms {
		if f.rest(name) {
			return f
		}
	}
	return customForm
}

// FormUnder gives the form of a session name under a role, with what is known
// about who chose it: principal is the service principal that made the assume
// event, such as ecs-tasks.amazonaws.com, or empty. It decides what FormOf
// leaves open, such as 32 hexadecimal digits.
func FormUnder(name, roleName, principal string) *Form {
	f := FormOf(name)
	switch f.Class {
	case ClassShape, ClassCustom, ClassPerson:
	default:
		return f
	}
	if strings.HasPrefix(roleName, "AWSReservedSSO_") {
		return identityCenterForm
	}
	if principal == "" {
		if isKube2iam(name, roleName) {
			return kube2iamForm
		}
		return f
	}
	for _, t := range toldForms {
		for _, p := range t.Principals {
			if p == principal && t.matches(name) {
				return t
			}
		}
	}
	return f
}

// ServiceMade reports whether an AWS service makes the names of a form. The
// rules on SDK defaults, generic and opaque names do not apply to them: the
// owner of the role cannot choose such a name.
func ServiceMade(f *Form) bool {
	return f.Class == ClassService || f.Class == ClassInstance
}

// SDKDefault reports whether an SDK, the CLI or a tool made the name up because
// nobody configured one, and which.
func SDKDefault(name string) (producer string, ok bool) {
	f := FormOf(name)
	return f.Producer, f.Default()
}

// Default reports whether names of the form are made up by an SDK, the CLI or
// a tool because nobody configured one.
func (f *Form) Default() bool {
	return f.Class == ClassSDK || f.Class == ClassTool || f.madeUp
}

func (f *Form) matches(name string) bool {
	if !strings.HasPrefix(name, f.prefix) {
		return false
	}
	if f.rest == nil {
		return len(name) == len(f.prefix)
	}
	return f.rest(name[len(f.prefix):])
}

// The parts of formTable that a name is compared with, so that no name is
// compared with all of it. They are filled once, from the table, and never
// changed.
var (
	formsByFirst       = indexForms()
	shapeForms         = selectForms(func(f *Form) bool { return f.prefix == "" && f.rest != nil && !f.told })
	toldForms          = selectForms(func(f *Form) bool { return f.told })
	customForm         = formByID("custom")
	identityCenterForm = formByID("identity-center")
	kube2iamForm       = formByID("kube2iam")
)

func indexForms() *[256][]*Form {
	var index [256][]*Form
	for i := range formTable {
		if f := &formTable[i]; f.prefix != "" && !f.told {
			index[f.prefix[0]] = append(index[f.prefix[0]], f)
		}
	}
	return &index
}

func selectForms(take func(*Form) bool) []*Form {
	var out []*Form
	for i := range formTable {
		if f := &formTable[i]; take(f) {
			out = append(out, f)
		}
	}
	return out
}

func formByID(id string) *Form {
	for i := range formTable {
		if formTable[i].ID == id {
			return &formTable[i]
		}
	}
	panic("attribute: no form " + id)
}
