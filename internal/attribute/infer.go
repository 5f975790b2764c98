package attribute

import (
	"slices"
	"strings"
)

// inferred guesses the origin of a session of which nothing vouches: by the
// form of its name, its user agents and where its calls came from. All three
// can be chosen by the caller, so that no guess is made where they disagree.
func (r *resolver) inferred(s *session, ref SessionRef) *resolution {
	c := r.clientsOf(s)
	form := FormOf(ref.Session)
	own := r.openedBy(r.text[s.key], s.name)
	span := r.span(s)
	guess := func(o origin, instance, detail string) *resolution {
		return &resolution{
			origin: o, instance: instance, confidence: Inferred, parent: own,
			evidence: []Evidence{{Type: "inferred", EventID: r.eventText(span.first), Detail: detail}},
		}
	}
	switch {
	case c.workstation:
		// A laptop's operating system rules out every guess below.
	case form.ID == "ec2-instance" && !c.assumed:
		return guess(origin{KindEC2, ref.Account, ref.Role}, ref.Session, "the name has the form of an instance id and no client contradicts it")
	case form.ID == "eks-pod-identity":
		// EKS shortens what is too long, so that the name tells the cluster only
		// where one of that very name is known.
		clusters := r.clusters(ref.Account)
		if o, pod, _, ok := podOrigin(ref.Account, nil, ref.Session, clusters); ok && slices.Contains(clusters, strings.Split(o.name, "/")[0]) {
			return guess(o, pod, "the name has the form of an EKS Pod Identity session of a known cluster")
		}
	case form.Class == ClassService && len(form.Principals) > 0:
		for _, p := range form.Principals {
			if only := c.onlyService(); plainPrincipal(only) == p {
				p = only // as this log writes it
			} else if !ownKindService(serviceLabel(p)) {
				continue
			}
			o, instance := serviceOrigin(p, ref)
			return guess(o, instance, "the name has the form that "+form.Producer+" gives its sessions")
		}
	case strings.HasPrefix(c.execEnv, "AWS_Lambda_") && !c.assumed && form.Class == ClassCustom && namedAlike(ref.Role, ref.Session):
		// The code of a function may have assumed another role under any name:
		// hardly one that is named after the function.
		return guess(origin{KindLambda, ref.Account, lambdaFunction(ref.Session)}, "", "the clients run in Lambda ("+c.execEnv+"), which names sessions after functions")
	case strings.HasPrefix(c.execEnv, "AWS_ECS_") && !c.assumed && slices.Contains([]string{"hex32", "uuid"}, form.ID):
		return guess(origin{KindECS, ref.Account, ref.Role}, ref.Session, "the clients run in ECS ("+c.execEnv+"), which names sessions after tasks")
	}
	if p := c.onlyService(); serviceLabel(p) != "" && !c.direct && s.created != 0 && abs(span.first.time-s.created) <= skew {
		o, instance := serviceOrigin(p, ref)
		return guess(o, instance, "every call was made by "+p+", from the second in which the session began")
	}
	res := &resolution{parent: own}
	for i := range s.idents() {
		if i.sourceIdentity != 0 {
			res.evidence = append(res.evidence, Evidence{
				Type: "source-identity", EventID: r.eventText(i.first),
				Detail: "source identity " + r.text[i.sourceIdentity] + ", which its first caller chose",
			})
			break
		}
	}
	return res
}

// clientFacts sum up what the clients of a session say of themselves.
type clientFacts struct {
	services    map[string]bool // services that made calls
	execEnv     string          // the runtime that every direct client names, or empty
	workstation bool            // a client on a workstation's operating system
	assumed     bool            // a client says that it assumed the role itself
	direct      bool            // some call was made by no service
}

// onlyService is the one service that made calls, or empty.
func (f clientFacts) onlyService() string {
	if len(f.services) == 1 {
		for p := range f.services {
			return p
		}
	}
	return ""
}

func (r *resolver) clientsOf(s *session) clientFacts {
	f := clientFacts{services: map[string]bool{}}
	for i := range s.idents() {
		if i.invokedBy != 0 {
			f.services[r.text[i.invokedBy]] = true
		}
	}
	first := true
	for u := range s.uses() {
		for _, c := range u.awake(&r.room).clients.list {
			if c.service || c.presigned {
				continue
			}
			if ip := r.text[c.ip]; serviceLabel(ip) != "" {
				f.services[ip] = true
				continue
			}
			f.direct = true
			ua := ParseUserAgent(r.text[c.agent])
			os := strings.ToLower(ua.OS)
			f.workstation = f.workstation || strings.Contains(os, "mac") || strings.Contains(os, "darwin") || strings.Contains(os, "windows")
			f.assumed = f.assumed || ua.Has("i") || ua.Has("k")
			if first {
				f.execEnv = ua.ExecEnv
			} else if f.execEnv != ua.ExecEnv {
				f.execEnv = ""
			}
			first = false
		}
	}
	return f
}

// namedAlike reports whether a role is named after a function, as the console
// and CloudFormation do: one name begins with, or holds, most of the other.
func namedAlike(role, function string) bool {
	role, function = strings.ToLower(role), strings.ToLower(function)
	if len(function) >= 4 && strings.Contains(role, function) {
		return true
	}
	same := 0
	for same < len(role) && same < len(function) && role[same] == function[same] {
		same++
	}
	return same >= 12
}
