package attribute

import "strings"

// Person says how much a session name looks like the name of a person.
type Person uint8

// How much it looks like one, least first.
const (
	NoPerson    Person = iota
	MaybePerson        // two or three words with dots between, such as jane.doe, with or without @corp
	EmailPerson        // an e-mail address
)

// PersonLike tells how much a session name looks like a person's name or
// address. Addresses of mailboxes that nobody owns, and of service accounts, are
// no person's.
func PersonLike(name string) Person {
	if isEmail(name) && !isLambdaShort(name) {
		local, domain, _ := strings.Cut(name, "@")
		if robotMailbox(local) || strings.HasSuffix(domain, ".gserviceaccount.com") {
			return NoPerson
		}
		return EmailPerson
	}
	if isFirstLast(UserPart(name)) {
		return MaybePerson
	}
	return NoPerson
}

// UserPart gives the part of a name that is a user's: what stands before the @,
// or all of it.
func UserPart(name string) string {
	if i := strings.IndexByte(name, '@'); i > 0 {
		return name[:i]
	}
	return name
}

func robotMailbox(local string) bool {
	switch strings.ToLower(local) {
	case "noreply", "no-reply", "no_reply", "donotreply", "do-not-reply", "mailer-daemon", "postmaster":
		return true
	}
	return false
}

// isFirstLast holds for jane.doe, j.doe, jane.m.doe and jane.doe2: two or three
// words of letters, of which the last is no initial, no word of the trade and
// no domain.
func isFirstLast(name string) bool {
	name = strings.TrimRight(name, "0123456789")
	parts := 0
	for rest, more := name, true; more; {
		var part string
		part, rest, more = strings.Cut(rest, ".")
		parts++
		if parts > 3 || len(part) > 20 || !anyLetters(part) || !more && len(part) < 2 {
			return false
		}
		if !oneCase(part) || tradeWord(part) {
			return false
		}
	}
	return parts > 1
}

// oneCase reports whether letters are all small, all capitals, or all small
// behind a capital.
func oneCase(s string) bool {
	for i := 2; i < len(s); i++ {
		if isUpper(s[i]) != isUpper(s[1]) {
			return false
		}
	}
	return isUpper(s[0]) || len(s) == 1 || isLower(s[1])
}

// tradeWord reports words that stand in names of software and hosts, not of
// people.
func tradeWord(s string) bool {
	switch strings.ToLower(s) {
	case "access", "admin", "agent", "api", "app", "apps", "audit", "auth", "aws", "backend", "backup", "batch", "bot",
		"build", "ci", "cli", "cloud", "cluster", "co", "com", "compute", "config", "consumer", "core", "corp", "cron",
		"data", "db", "default", "deploy", "dev", "development", "eks", "ecs", "etl", "event", "events", "example",
		"export", "frontend", "function", "gateway", "github", "gitlab", "handler", "home", "host", "http", "import",
		"index", "infra", "internal", "io", "jenkins", "job", "jobs", "js", "json", "lambda", "lan", "lib", "loader",
		"local", "localdomain", "log", "logs", "main", "manager", "master", "monitor", "net", "nightly", "node",
		"order", "orders", "org", "pipeline", "platform", "prod", "production", "proxy", "py", "qa", "queue", "read",
		"reader", "release", "report", "reports", "role", "root", "run", "runner", "scan", "scheduler", "script",
		"sdk", "server", "service", "services", "session", "sh", "stage", "staging", "svc", "sync", "system", "task",
		"team", "temp", "terraform", "test", "tmp", "uat", "update", "upload", "user", "users", "web", "worker",
		"workers", "write", "writer", "yaml":
		return true
	}
	return false
}
