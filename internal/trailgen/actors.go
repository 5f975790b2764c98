package trailgen

// What can hold a credential of its own: functions, instances, tasks, pods,
// pipelines, people. Each of these asks for a session as the real one does and
// gives the session what its calls carry.

func (w *world) newRole(a *account, name string) *role {
	return &role{account: a, name: name, path: "/", id: w.ids.unique("AROA", a.id)}
}

// roleNamed gives the role of that name, which it makes at first.
func (w *world) roleNamed(a *account, name string) *role {
	key := a.id + "/" + name
	r := w.roles[key]
	if r == nil {
		r = w.newRole(a, name)
		w.roles[key] = r
	}
	return r
}

func (w *world) newUser(a *account, name, ip, agent string) *user {
	return &user{account: a, name: name, id: w.ids.unique("AIDA", a.id), key: w.ids.unique("AKIA", a.id), ip: ip, agent: agent}
}

// function is a Lambda function.
type function struct {
	account *account
	name    string
	role    *role
	region  string
	agent   string
	// scoped functions have records with inScopeOf, as those of 2025 and later
	// do; older ones lack it.
	scoped bool
	// bare functions lack assumedRoleUser in their assume events.
	bare bool
}

// start begins an execution environment of f: Lambda assumes the function's
// role and names the session after the function.
func (w *world) startFunction(t int64, f *function, ip string) *credential {
	c := w.assume(t, caller{service: "lambda.amazonaws.com"}, request{
		role: f.role, name: f.name, region: f.region, bare: f.bare, expires: t + 12*3600,
		use: place{f.region, ip, f.agent},
	})
	c.origin = origin{"lambda", f.account.id + "/" + f.name}
	if f.scoped {
		arn := "arn:aws:lambda:" + f.region + ":" + f.account.id + ":function:" + f.name
		c.inScopeType, c.inScopeARN, c.inScopeVersion = "AWS::Lambda::Function", arn, arn+":$LATEST"
	}
	return c
}

// instance is an EC2 instance with an instance profile.
type instance struct {
	id       string
	role     *role
	region   string
	ip       string
	agent    string
	delivery string // 1.0 or 2.0: how the instance metadata service was asked
	scoped   bool
}

func (w *world) newInstance(r *role, region, agent string) *instance {
	return &instance{id: "i-0" + w.ids.hex(16), role: r, region: region, ip: w.awsIP(region), agent: agent, delivery: "2.0"}
}

// startInstance renews the credential that the instance's profile delivers.
func (w *world) startInstance(t int64, i *instance) *credential {
	c := w.assume(t, caller{service: "ec2.amazonaws.com"}, request{
		role: i.role, name: i.id, region: i.region, bare: true, expires: t + 6*3600 + 18*60,
		use: place{i.region, i.ip, i.agent},
	})
	c.origin = origin{"ec2", i.role.account.id + "/" + i.role.name}
	c.instance = i.id
	c.ec2Delivery = i.delivery
	if i.scoped {
		c.inScopeType = "AWS::EC2::Instance"
		c.inScopeARN = "arn:aws:ec2:" + i.region + ":" + i.role.account.id + ":instance/" + i.id
	}
	return c
}

// A session that a service's principal opens: a task, a build, a job, a state
// machine's run, or the service itself through a role that it was given.
type serviceSession struct {
	principal string
	kind      string // of the origin
	role      *role
	name      string
	region    string
	ip        string // of workload code; empty where the service makes the calls itself
	agent     string
	lifetime  int64
	instance  string
	bare      bool
	keyless   bool
	unlogged  bool
}

func (w *world) startService(t int64, s serviceSession) *credential {
	use := place{s.region, s.ip, s.agent}
	c := w.assume(t, caller{service: s.principal}, request{
		role: s.role, name: s.name, region: s.region, bare: s.bare, keyless: s.keyless, unlogged: s.unlogged,
		expires: t + s.lifetime, use: use,
	})
	name := s.role.account.id + "/" + s.role.name
	if s.kind == "service" {
		name = s.role.account.id + "/" + s.principal
	}
	c.origin, c.instance = origin{s.kind, name}, s.instance
	if s.ip == "" {
		c.invokedBy = s.principal
	}
	return c
}

// serviceLinked makes the role that AWS makes for a service in an account.
func (w *world) serviceLinked(a *account, principal, name string) *role {
	r := w.newRole(a, name)
	r.path = "/aws-service-role/" + principal + "/"
	r.service = principal
	return r
}

// ec2Own is one of the roles that EC2 itself gives to instances. No assume
// event of them is ever seen, and they have no AROA id.
func ec2Own(a *account, name string) *role {
	return &role{account: a, name: name, path: "/", id: a.id + ":" + name}
}

// ownIdentity is an instance's session of the role aws:ec2-instance.
func (w *world) ownIdentity(t int64, i *instance, r *role) *credential {
	c := w.assume(t, caller{service: "ec2.amazonaws.com"}, request{
		role: r, name: i.id, region: i.region, unlogged: true, expires: t + 6*3600,
		use: place{i.region, i.ip, i.agent},
	})
	c.origin = origin{"ec2", r.account.id + "/" + r.name}
	c.instance = i.id
	c.ec2Delivery = i.delivery
	return c
}

// cluster is an EKS cluster.
type cluster struct {
	account *account
	name    string
	region  string
	issuer  string // the id in its OpenID Connect issuer
	node    *instance
}

// workload is a service account of a cluster and its pods.
type workload struct {
	cluster   *cluster
	namespace string
	account   string // the service account
	role      *role
	agent     string
}

// startIRSA gives a pod its session with the token of its service account.
func (w *world) startIRSA(t int64, p *workload, name string) *credential {
	c := p.cluster
	host := "oidc.eks." + c.region + ".amazonaws.com/id/" + c.issuer
	s := w.assume(t, caller{web: &webIdentity{
		provider: "arn:aws:iam::" + p.role.account.id + ":oidc-provider/" + host,
		audience: "sts.amazonaws.com", subject: "system:serviceaccount:" + p.namespace + ":" + p.account,
		ip: c.node.ip, agent: p.agent,
	}}, request{role: p.role, name: name, region: c.region, duration: 3600, use: place{c.region, c.node.ip, p.agent}})
	s.origin = origin{"eks", p.role.account.id + "/" + c.issuer + "/" + p.namespace + "/" + p.account}
	return s
}

// startPodIdentity gives a pod its session through EKS Pod Identity: the node
// asks EKS, and EKS assumes the role with tags that name the pod.
// https://docs.aws.amazon.com/eks/latest/userguide/pod-id-abac.html
func (w *world) startPodIdentity(t int64, p *workload, node *credential, pod string, tagged bool) *credential {
	c := p.cluster
	r := record{
		version: "1.09", time: t, source: "eks-auth.amazonaws.com", name: "AssumeRoleForPodIdentity", region: c.region,
		identity: node.identity(node.key, ""), ip: c.node.ip, agent: goAgent("", "eksauth", "E,0"),
		request:   []byte(`{"clusterName":"` + c.name + `","token":"HIDDEN_DUE_TO_SECURITY_REASONS"}`),
		requestID: w.ids.uuid(), id: w.ids.uuid(), recipient: c.account.id,
		resources: []byte(`[{"accountId":"` + c.account.id + `","type":"AWS::EKS::Cluster","ARN":"arn:aws:eks:` + c.region + ":" + c.account.id + ":cluster/" + c.name + `"}]`),
		tlsHost:   "eks-auth." + c.region + ".api.aws",
	}
	w.emit(&r)
	w.truthCall(node, &r, node.key, "", "")
	q := request{
		role: p.role, region: c.region, duration: 6 * 3600, use: place{c.region, c.node.ip, p.agent},
		name: "eks-" + short(c.name) + "-" + short(pod) + "-" + w.ids.uuid(),
	}
	if tagged {
		q.tags = []tag{
			{"eks-cluster-arn", "arn:aws:eks:" + c.region + ":" + c.account.id + ":cluster/" + c.name},
			{"eks-cluster-name", c.name},
			{"kubernetes-namespace", p.namespace},
			{"kubernetes-service-account", p.account},
			{"kubernetes-pod-name", pod},
			{"kubernetes-pod-uid", w.ids.uuid()},
		}
		q.transitive = true
	}
	s := w.assume(t, caller{service: "pods.eks.amazonaws.com"}, q)
	s.origin = origin{"eks", p.role.account.id + "/" + c.name + "/" + p.namespace + "/" + p.account}
	s.instance = pod
	return s
}

// short cuts a name as EKS cuts the parts of a Pod Identity session's name.
func short(s string) string { return s[:min(len(s), 10)] }

// pipeline is a job of a CI system that trades a token for a role.
type pipeline struct {
	kind     string // of the origin
	id       string // name of the origin
	host     string // of the provider
	audience string
	subject  string
	role     *role
	agent    string
	region   string
	inToken  bool // the provider is one whose subject later calls repeat
}

func (w *world) startPipeline(t int64, p *pipeline, name, ip string) *credential {
	provider := p.host
	if !p.inToken {
		provider = "arn:aws:iam::" + p.role.account.id + ":oidc-provider/" + p.host
	}
	c := w.assume(t, caller{web: &webIdentity{
		provider: provider, audience: p.audience, subject: p.subject, ip: ip, agent: p.agent, inToken: p.inToken,
	}}, request{role: p.role, name: name, region: p.region, duration: 3600, use: place{p.region, ip, p.agent}})
	c.origin = origin{p.kind, p.id}
	return c
}

// person is somebody of Identity Center.
type person struct {
	name   string // user name in Identity Center
	userID string
	ip     string
}

// directory is an organization's Identity Center.
type directory struct {
	account   *account
	region    string
	store     string // ARN of the identity store
	qualifier string
	issuer    string
}

// permissionSet makes the role that Identity Center provisions in an account.
func (w *world) permissionSet(a *account, d *directory, name string) *role {
	r := w.newRole(a, "AWSReservedSSO_"+name+"_"+w.ids.hex(16))
	r.path = "/aws-reserved/sso.amazonaws.com/" + d.region + "/"
	return r
}

// signIn gives a person a session of a permission set. From the command line
// its calls carry one key, which is not the one that the assume event shows; in
// the console every call carries a key of its own.
func (w *world) signIn(t int64, d *directory, p *person, r *role, region string, console bool, agent string) *credential {
	identity := []byte(`{"type":"IdentityCenterUser","accountId":"` + d.account.id + `","onBehalfOf":{"userId":"` + p.userID +
		`","identityStoreArn":"` + d.store + `"},"credentialId":"` + w.ids.from(alnum, 86) + `"}`)
	set := r.name[len("AWSReservedSSO_") : len(r.name)-17]
	event := record{
		identity: identity, time: t, source: "sso.amazonaws.com", name: "GetRoleCredentials", region: d.region,
		ip: p.ip, agent: agent, requestID: w.ids.uuid(), id: w.ids.uuid(), kind: "AwsServiceEvent",
		recipient: d.account.id, details: []byte(`{"role_name":"` + set + `","account_id":"` + r.account.id + `"}`),
	}
	if console {
		event.name, event.agent = "Federate", browserAgent
	}
	w.emit(&event)
	saml := &samlUser{
		name: p.name, qualifier: d.qualifier, issuer: d.issuer, ip: "13.239.101.254", agent: portalAgent,
		provider: "arn:aws:iam::" + r.account.id + ":saml-provider/AWSSSO_" + r.name[len(r.name)-16:] + "_DO_NOT_DELETE",
	}
	if console {
		saml.agent = signInAgent
	}
	c := w.assume(t, caller{saml: saml}, request{
		role: r, name: p.name, region: region, duration: 8 * 3600, otherKey: true, use: place{region, p.ip, agent},
	})
	c.origin = origin{"sso", p.name}
	c.onBehalfOf, c.identityStore = p.userID, d.store
	if console {
		c.fromConsole = true
		c.onBehalfOf = "" // only some services stamp it
		c.place.agent = browserAgent
		w.consoleEvent(t+1, c, "ConsoleLogin", "")
	}
	return c
}

// samlSignIn gives a person of a company's own provider a session.
func (w *world) samlSignIn(t int64, name, provider string, r *role, region, ip, agent string) *credential {
	c := w.assume(t, caller{saml: &samlUser{
		name: name, qualifier: "J3ujr5Z0Iy1yDpQ9uB1oMYo8yzI=", issuer: "https://login.example.com/saml2/idp",
		provider: "arn:aws:iam::" + r.account.id + ":saml-provider/" + provider, ip: ip, agent: agent,
	}}, request{role: r, name: name, region: region, duration: 3600, use: place{region, ip, agent}})
	c.origin = origin{"saml", name}
	return c
}

// switchRole is an IAM user who takes a role in the console: STS's events, then
// the sign-in service's own in the role's account. Every call carries a key of
// its own.
func (w *world) switchRole(t int64, u *user, r *role, region string) *credential {
	asking := *u
	asking.ip, asking.agent = u.ip, signInAgent
	c := w.assume(t, caller{user: &asking}, request{
		role: r, name: u.name, region: "us-east-1", duration: 3600, use: place{region, u.ip, browserAgent},
	})
	c.fromConsole = true
	w.consoleEvent(t, c, "SwitchRole", u.arn())
	return c
}

// consoleEvent is an event of the sign-in service about the session c.
func (w *world) consoleEvent(t int64, c *credential, name, from string) {
	key := w.ids.unique("ASIA", c.role.account.id)
	r := record{
		version: "1.08", identity: c.identity(key, ""), time: t, source: "signin.amazonaws.com", name: name, region: "us-east-1",
		ip: c.place.ip, agent: browserAgent, response: []byte(`{"` + name + `":"Success"}`), write: true,
		id: w.ids.uuid(), kind: "AwsConsoleSignIn", recipient: c.role.account.id, tlsHost: "us-east-1.signin.aws.amazon.com",
	}
	if name == "SwitchRole" {
		r.extra = []byte(`{"SwitchFrom":"` + from + `","RedirectTo":"https://us-east-1.console.aws.amazon.com/console/home?region=us-east-1#"}`)
	} else {
		r.extra = []byte(`{"LoginTo":"https://console.aws.amazon.com/console/home","MobileVersion":"No","MFAUsed":"No"}`)
	}
	w.emit(&r)
	w.truthCall(c, &r, key, "", "")
}

// refuse is an AssumeRole that was denied: the log holds neither parameters nor
// the wanted name.
func (w *world) refuse(t int64, u *user, r *role, region string) {
	e := record{
		version: "1.08", identity: u.identity(u.key), time: t, source: "sts.amazonaws.com", name: "AssumeRole", region: region,
		ip: u.ip, agent: u.agent, errorCode: "AccessDenied",
		errorText: "User: " + u.arn() + " is not authorized to perform: sts:AssumeRole on resource: " + r.arn(),
		requestID: w.ids.uuid(), id: w.ids.uuid(), recipient: u.account.id, tlsHost: "sts." + region + ".amazonaws.com",
	}
	w.emit(&e)
	if w.inWindow(t) {
		w.truth.summary.Denied++
		w.truth.line(Line{Refused: &Refused{EventID: e.id, Account: u.account.id, Principal: u.arn(), RoleARN: r.arn()}})
	}
}
