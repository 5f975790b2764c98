package trailgen

// What can hold a credential of its own: functions, instances, tasks, pods,
// pipelines, people. Each of these asks for a session as the real one does and
// gives the session what its calls carry.

func (w *world) newRole(a *account, name string) *role {
	return &role{account: a, name: name, path: "/", id: w.ids.unique("AROA", a.id)}
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
