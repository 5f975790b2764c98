package attribute

import "slices"

// genericNames are the names that name nothing: the published list. A name
// stands in it when the whole of it does, case and separators aside: My-Session
// is mysession; session-orders and session-7 are not in the list. The few with a
// number are examples that manuals print. Names of programs (terraform, jenkins)
// and of activities (deploy, backup) are left out, since they do tell something.
//
// Sorted, small letters and digits only. Never changed.
var genericNames = [...]string{
	"abc", "abc123", "abcd", "access", "accesssession", "account", "acctsession", "admin", "administrator",
	"adminrole", "adminsession", "adminuser", "agent", "anonymous", "any", "app", "app1", "application",
	"applicationsession", "approle", "appsession", "asdf", "assume", "assumed", "assumedrole",
	"assumedrolesession", "assumerole", "assumerolesession", "assumerolesession1", "assumesession", "assumption",
	"aws", "awsassumerole", "awscli", "awsclisession", "awsrole", "awsrolesession", "awssdk", "awssdksession",
	"awssession", "awssessionname", "bar", "baz", "boto", "boto3", "boto3session", "botosession", "cli", "client",
	"clientsession", "clisession", "cloud", "console", "consolesession", "container", "credentials",
	"credentialssession", "creds", "crossaccount", "crossaccountaccess", "crossaccountassumerole",
	"crossaccountrole", "crossaccountsession", "crossacct", "crossacctsession", "custom", "customsession",
	"default", "defaultname", "defaultrolesession", "defaultsession", "defaultsessionname", "defaultuser", "demo",
	"demorole", "demosession", "demouser", "dev", "devel", "developer", "development", "devsession", "devuser",
	"dummy", "dummysession", "ec2", "ec2instance", "ec2role", "ec2session", "ecs", "ecssession", "ecstask", "eks",
	"ekssession", "environment", "example", "examplename", "examplerole", "examplesession", "examplesessionname",
	"exampleuser", "fake", "fakesession", "federated", "federatedsession", "federateduser", "foo", "foobar",
	"function", "golang", "guest", "handler", "hello", "helloworld", "host", "hostname", "iam", "iamrole",
	"iamsession", "iamuser", "instance", "java", "javascript", "job", "lambda", "lambdafunction", "lambdahandler",
	"lambdarole", "lambdasession", "live", "local", "localhost", "localsession", "main", "mock", "mocksession",
	"my", "myapp", "myapplication", "myapprole", "myappsession", "myassumedrole", "myassumedrolesession",
	"myassumerolesession", "mylambda", "myname", "myrole", "myrolesession", "myrolesessionname", "myservice",
	"mysession", "mysessionname", "mytest", "mytestsession", "myuser", "name", "newsession", "node", "nodejs",
	"noname", "nonprod", "oidc", "oidcsession", "pod", "poweruser", "preprod", "prod", "prodsession", "production",
	"python", "qa", "qwerty", "readonly", "role", "rolename", "rolesession", "rolesession1", "root", "s3",
	"s3access", "s3accessexample", "s3session", "saml", "samlsession", "sample", "samplename", "samplesession",
	"sandbox", "script", "sdk", "server", "service", "serviceaccount", "serviceuser", "session", "sessionid",
	"sessions", "someone", "somesession", "somesessionname", "stage", "staging", "stg", "sts", "stsassumerole",
	"stssession", "superuser", "switchrole", "system", "systemuser", "task", "temp", "temporary",
	"temporarysession", "tempsession", "test", "test123", "testar", "tester", "testing", "testingsession",
	"testname", "testrole", "testrolesession", "tests", "testsession", "testsessionname", "testtest", "testuser",
	"thissession", "tmp", "tmpsession", "tst", "uat", "unknown", "unknownsession", "unknownuser", "unnamed",
	"untitled", "user", "userid", "username", "usersession", "webidentity", "webidentitysession", "world",
}

// placeholders are what templates and broken programs leave in the place of a
// name, compared in the same way. Sorted, never changed.
var placeholders = [...]string{
	"awsrolesessionname", "changeit", "changeme", "changethis", "false", "fixme", "insertnamehere",
	"insertsessionname", "insertsessionnamehere", "nan", "nil", "none", "nosession", "notset", "null", "nullnull",
	"object", "objectobject", "placeholder", "putnamehere", "replaceme", "replacethis", "rolesessionname",
	"sessionname", "sessionnamehere", "somevalue", "string", "stringvalue", "tbd", "todo", "true", "undefined",
	"undefinedsession", "unset", "value", "yourname", "yournamehere", "yourrolesession", "yourrolesessionname",
	"yoursession", "yoursessionname", "yoursessionnamehere", "yourusername",
}

// GenericNames gives the published list of names that name nothing, sorted,
// in small letters and without separators.
func GenericNames() []string {
	out := slices.Concat(genericNames[:], placeholders[:])
	slices.Sort(out)
	return out
}

// Generic reports whether a session name names nothing, and why: the whole of
// it, case and separators aside, stands in the published list, is a template's
// placeholder, or is the role's own name.
func Generic(sessionName, roleName string) (why string, ok bool) {
	var room, roleRoom [64]byte
	name, fits := fold(room[:0], sessionName)
	if len(name) == 0 || !fits {
		return "", false
	}
	if found(genericNames[:], name) {
		return "stands in the list of names that name nothing", true
	}
	if found(placeholders[:], name) || isXs(name) {
		return "is a template's placeholder", true
	}
	if role, fits := fold(roleRoom[:0], roleName); fits && string(role) == string(name) {
		return "is the role's own name", true
	}
	return "", false
}

// fold appends the letters and digits of s to dst, letters as small ones. It
// reports false when they do not fit, which no session name or role name causes:
// both have at most 64 characters.
func fold(dst []byte, s string) ([]byte, bool) {
	for i := range len(s) {
		c := s[i]
		if isUpper(c) {
			c |= 0x20
		}
		switch c {
		case '-', '_', '.', '=', ',', '@', '+', ' ':
			continue
		}
		if len(dst) == cap(dst) {
			return dst, false
		}
		dst = append(dst, c)
	}
	return dst, true
}

func found(list []string, name []byte) bool {
	_, ok := slices.BinarySearchFunc(list, name, func(e string, name []byte) int {
		switch {
		case e < string(name):
			return -1
		case e > string(name):
			return 1
		}
		return 0
	})
	return ok
}

// isXs holds for xx, xxx and so on.
func isXs(name []byte) bool {
	for _, c := range name {
		if c != 'x' {
			return false
		}
	}
	return len(name) > 1
}
