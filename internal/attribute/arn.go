package attribute

import "strings"

// SessionRef names a role session as CloudTrail's ARNs do:
// arn:PARTITION:sts::ACCOUNT:assumed-role/ROLE/SESSION. The role's path is not
// part of it.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html
type SessionRef struct {
	Partition, Account, Role, Session string
}

// ParseSessionARN parses the ARN of a role session. Role names may hold colons
// (aws:ec2-instance), so the ARN is split into six parts and no more, and the
// role ends at the last slash, since session names hold none.
func ParseSessionARN(arn string) (SessionRef, bool) {
	partition, account, resource, ok := splitARN(arn, "sts")
	if !ok {
		return SessionRef{}, false
	}
	rest, ok := strings.CutPrefix(resource, "assumed-role/")
	if !ok {
		return SessionRef{}, false
	}
	slash := strings.LastIndexByte(rest, '/')
	if slash <= 0 || slash == len(rest)-1 {
		return SessionRef{}, false
	}
	return SessionRef{partition, account, rest[:slash], rest[slash+1:]}, true
}

// ARN gives the session's ARN.
func (r SessionRef) ARN() string {
	return "arn:" + r.Partition + ":sts::" + r.Account + ":assumed-role/" + r.Role + "/" + r.Session
}

// RoleRef names a role as IAM's ARNs do: arn:PARTITION:iam::ACCOUNT:role/PATH/NAME.
type RoleRef struct {
	Partition, Account, Path, Name string
}

// ParseRoleARN parses the ARN of a role. Path begins and ends with a slash.
func ParseRoleARN(arn string) (RoleRef, bool) {
	partition, account, resource, ok := splitARN(arn, "iam")
	if !ok {
		return RoleRef{}, false
	}
	rest, ok := strings.CutPrefix(resource, "role/")
	if !ok || rest == "" {
		return RoleRef{}, false
	}
	slash := strings.LastIndexByte(rest, '/')
	name := rest[slash+1:]
	if name == "" {
		return RoleRef{}, false
	}
	return RoleRef{partition, account, "/" + rest[:slash+1], name}, true
}

// ARN gives the role's ARN.
func (r RoleRef) ARN() string {
	return "arn:" + r.Partition + ":iam::" + r.Account + ":role" + r.Path + r.Name
}

// splitARN splits an ARN of a service without regions into partition, account
// and resource.
func splitARN(arn, service string) (partition, account, resource string, ok bool) {
	rest, ok := strings.CutPrefix(arn, "arn:")
	if !ok {
		return "", "", "", false
	}
	partition, rest, _ = strings.Cut(rest, ":")
	named, rest, _ := strings.Cut(rest, ":")
	_, rest, _ = strings.Cut(rest, ":") // the region
	account, resource, ok = strings.Cut(rest, ":")
	if !ok || partition == "" || named != service {
		return "", "", "", false
	}
	return partition, account, resource, true
}

// SplitPrincipalID splits the principal id of a role session, AROA…:SESSION,
// at its last colon: the ids of EC2's own roles hold colons themselves
// (ACCOUNT:aws:ec2-instance:i-…).
func SplitPrincipalID(id string) (role, session string, ok bool) {
	colon := strings.LastIndexByte(id, ':')
	if colon <= 0 || colon == len(id)-1 {
		return "", "", false
	}
	return id[:colon], id[colon+1:], true
}
