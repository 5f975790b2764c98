package attribute

import (
	"slices"
	"strings"
)

// The kinds of origins.
const (
	KindLambda        = "lambda"
	KindEC2           = "ec2"
	KindECS           = "ecs"
	KindEKS           = "eks"
	KindService       = "service"
	KindGitHubActions = "github-actions"
	KindGitLab        = "gitlab"
	KindTerraform     = "terraform-cloud"
	KindWebIdentity   = "web-identity"
	KindSSO           = "sso"
	KindSAML          = "saml"
	KindIAMUser       = "iam-user"
	KindRoot          = "root"
	KindExternal      = "external"
	KindRole          = "role"
	KindUnknown       = "unknown"
)

// origin is the app or person at the root of a chain. The zero value is unknown.
type origin struct {
	kind, account, name string
}

// id is kind:name, with the account in front of the name where the same name
// in another account is another app.
func (o origin) id() string {
	switch {
	case o.kind == "":
		return KindUnknown
	case o.account == "":
		return o.kind + ":" + o.name
	case o.name == "":
		return o.kind + ":" + o.account
	default:
		return o.kind + ":" + o.account + "/" + o.name
	}
}

func (o origin) known() bool { return o.kind != "" }

// person reports whether the origin is a human being, as far as AWS knows.
func (o origin) person() bool {
	switch o.kind {
	case KindSSO, KindSAML, KindIAMUser, KindRoot:
		return true
	}
	return false
}

// serviceLabel is the first label of a service principal: ecs-tasks of
// ecs-tasks.amazonaws.com, states of states.eu-west-1.amazonaws.com. It is
// empty where the name is none of AWS's.
func serviceLabel(principal string) string {
	label, rest, ok := strings.Cut(principal, ".")
	if !ok {
		return ""
	}
	for _, domain := range [...]string{"amazonaws.com", "amazonaws.com.cn", "aws.internal"} {
		if before, ok := strings.CutSuffix(rest, domain); ok && (before == "" || strings.HasSuffix(before, ".")) {
			return label
		}
	}
	return ""
}

// plainPrincipal is a service principal as it goes in the regions of the aws
// partition: states.amazonaws.com for states.cn-north-1.amazonaws.com.cn.
func plainPrincipal(principal string) string {
	plain, ok := strings.CutSuffix(principal, ".cn")
	if ok && !strings.HasSuffix(plain, ".amazonaws.com") {
		return principal
	}
	labels := strings.Split(plain, ".")
	return strings.Join(slices.DeleteFunc(labels, isRegion), ".")
}

// isRegion knows the names of regions, such as eu-west-1 and us-gov-east-1.
func isRegion(s string) bool {
	parts := strings.Split(s, "-")
	return len(parts) > 2 && len(parts[0]) == 2 && anyDigits(parts[len(parts)-1]) &&
		!slices.ContainsFunc(parts[:len(parts)-1], func(p string) bool { return !anyLetters(p) })
}

// ownKindService reports whether a service, other than compute, runs its users'
// code and so has a kind of its own.
func ownKindService(label string) bool {
	return slices.Contains([]string{"codebuild", "glue", "sagemaker", "batch", "states"}, label)
}

// serviceOrigin is the origin of a role session that a service assumed for
// itself or for the code that it runs.
func serviceOrigin(principal string, ref SessionRef) (o origin, instance string) {
	switch label := serviceLabel(principal); {
	case label == "lambda":
		if FormOf(ref.Session).ID == "lambda-internal" {
			break // pollers and network interfaces: Lambda itself, for no one function
		}
		return origin{KindLambda, ref.Account, lambdaFunction(ref.Session)}, ""
	case label == "ec2":
		return origin{KindEC2, ref.Account, ref.Role}, ref.Session
	case label == "ecs-tasks":
		return origin{KindECS, ref.Account, ref.Role}, ref.Session
	case ownKindService(label):
		return origin{label, ref.Account, ref.Role}, ""
	}
	return origin{KindService, ref.Account, principal}, ""
}

// lambdaFunction is the function that a session name of Lambda's own stands
// for. Names of one character, which STS refuses, get a suffix.
func lambdaFunction(session string) string {
	return strings.TrimSuffix(session, "@lambda_function")
}

// podOrigin is the origin of an EKS Pod Identity session, from its tags
// (https://docs.aws.amazon.com/eks/latest/userguide/pod-id-abac.html) or, where
// they are not logged, from its name eks-CLUSTER-POD-UUID. The names of clusters
// and pods have dashes themselves, so that it is a guess where the one ends,
// unless the cluster is known or there is one place only.
func podOrigin(account string, tags map[string]string, session string, clusters []string) (o origin, instance string, sure, ok bool) {
	cluster, namespace, sa := tags["eks-cluster-name"], tags["kubernetes-namespace"], tags["kubernetes-service-account"]
	if cluster != "" && namespace != "" && sa != "" {
		return origin{KindEKS, account, cluster + "/" + namespace + "/" + sa}, tags["kubernetes-pod-name"], true, true
	}
	rest, ok := strings.CutPrefix(session, "eks-")
	if !ok || len(rest) < 38 || !isUUID(rest[len(rest)-36:]) || rest[len(rest)-37] != '-' {
		return origin{}, "", false, false
	}
	rest = rest[:len(rest)-37]
	name, pod, found := "", "", false
	for _, c := range clusters { // the longest that fits
		if p, ok := strings.CutPrefix(rest, c+"-"); ok && len(c) > len(name) {
			name, pod, found = c, p, true
		}
	}
	sure = found
	if !found {
		if name, pod, found = strings.Cut(rest, "-"); !found {
			return origin{}, "", false, false
		}
		sure = !strings.Contains(podOwner(pod), "-")
	}
	return origin{KindEKS, account, name + "/" + podOwner(pod)}, pod, sure, true
}

// podOwner cuts off what Kubernetes makes up for a pod: the hash of its
// ReplicaSet and five random letters, the five letters alone, or its number in
// a StatefulSet. EKS shortens long names, so that the letters may be missing.
func podOwner(pod string) string {
	head, tail, ok := cutLast(pod, "-")
	if !ok {
		return pod
	}
	if anyDigits(tail) && len(tail) <= 4 {
		return head
	}
	if len(tail) == 5 && isLowerAlnum(tail) {
		if h, hash, ok := cutLast(head, "-"); ok && isReplicaSetHash(hash) {
			return h
		}
		if generatedByKubernetes(tail) {
			return head
		}
	}
	if isReplicaSetHash(tail) {
		return head
	}
	return pod
}

func isReplicaSetHash(s string) bool {
	return len(s) >= 6 && len(s) <= 10 && isLowerAlnum(s) && strings.ContainsAny(s, "0123456789")
}

func isLowerAlnum(s string) bool {
	return s != "" && all(s, func(c byte) bool { return isDigit(c) || isLower(c) })
}

func cutLast(s, sep string) (before, after string, found bool) {
	i := strings.LastIndex(s, sep)
	if i <= 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}

// generatedByKubernetes reports whether s is of the alphabet of Kubernetes'
// random suffixes, which has no vowels (k8s.io/apimachinery/pkg/util/rand).
func generatedByKubernetes(s string) bool {
	return s != "" && all(s, func(c byte) bool { return strings.IndexByte("bcdfghjklmnpqrstvwxz2456789", c) >= 0 })
}

// webOrigin is the origin of a web identity: a provider, as its ARN or its
// issuer, and a subject. Without a subject there is none.
func webOrigin(account, provider, subject string) (origin, bool) {
	issuer := issuerOf(provider)
	if issuer == "" || subject == "" {
		return origin{}, false
	}
	switch {
	case strings.HasPrefix(subject, "system:serviceaccount:"):
		namespace, sa, ok := strings.Cut(strings.TrimPrefix(subject, "system:serviceaccount:"), ":")
		if !ok || namespace == "" || sa == "" {
			break
		}
		return origin{KindEKS, account, issuer[strings.LastIndexByte(issuer, '/')+1:] + "/" + namespace + "/" + sa}, true
	case isGitHubIssuer(issuer):
		if repo := subjectField(subject, "repo", "repository"); strings.Contains(repo, "/") {
			return origin{kind: KindGitHubActions, name: withoutIDs(repo)}, true
		}
	case strings.HasPrefix(subject, "project_path:"):
		return origin{kind: KindGitLab, name: subjectField(subject, "project_path")}, true
	case strings.HasPrefix(subject, "organization:"):
		if org, ws := subjectField(subject, "organization"), subjectField(subject, "workspace"); ws != "" {
			return origin{kind: KindTerraform, name: org + "/" + ws}, true
		}
	}
	return origin{kind: KindWebIdentity, name: issuer + "/" + subject}, true
}

// issuerOf is the issuer of a web identity's provider, which is logged as its
// ARN or as the issuer, with or without https.
func issuerOf(provider string) string {
	if _, after, ok := strings.Cut(provider, ":oidc-provider/"); ok {
		provider = after
	}
	return strings.TrimSuffix(strings.TrimPrefix(provider, "https://"), "/")
}

// isGitHubIssuer knows github.com's issuer and that of GitHub Enterprise Server.
// https://docs.github.com/en/actions/reference/security/oidc
func isGitHubIssuer(issuer string) bool {
	return issuer == "token.actions.githubusercontent.com" ||
		strings.HasPrefix(issuer, "token.actions.githubusercontent.com/") ||
		strings.HasSuffix(issuer, "/_services/token")
}

// subjectField finds the value behind one of the names in a subject of
// name:value pairs.
func subjectField(subject string, names ...string) string {
	parts := strings.Split(subject, ":")
	for i := 0; i+1 < len(parts); i++ {
		if slices.Contains(names, parts[i]) {
			return parts[i+1]
		}
	}
	return ""
}

// withoutIDs cuts the numeric ids off owner@id/repo@id.
func withoutIDs(repo string) string {
	owner, name, _ := strings.Cut(repo, "/")
	owner, _, _ = strings.Cut(owner, "@")
	name, _, _ = strings.Cut(name, "@")
	return owner + "/" + name
}

// isReservedSSO reports whether a role is one that IAM Identity Center made for
// a permission set. Its sessions bear the user's name.
// https://docs.aws.amazon.com/singlesignon/latest/userguide/referencingpermissionsets.html
func isReservedSSO(role string) bool { return strings.HasPrefix(role, "AWSReservedSSO_") }

// serviceLinked gives the service that a service-linked role belongs to. Its
// path says which: role/aws-service-role/PRINCIPAL/AWSServiceRoleFor…
// https://docs.aws.amazon.com/IAM/latest/UserGuide/using-service-linked-roles.html
func serviceLinked(roleARN, role string) (principal string, ok bool) {
	if _, after, found := strings.Cut(roleARN, ":role/aws-service-role/"); found {
		principal, _, _ = strings.Cut(after, "/")
		return principal, true
	}
	return "", strings.HasPrefix(role, "AWSServiceRoleFor")
}
