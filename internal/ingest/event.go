package ingest

// Event is one CloudTrail record, reduced to what attribution reads.
//
// An Event and everything it points to belongs to the decoder that made it:
// the byte slices alias the decoder's buffers and change with the next record.
// Whoever keeps a value copies it. A member that the record lacks, or that has
// another JSON type than CloudTrail documents, is empty.
//
// Field names follow the CloudTrail record reference:
// https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html
type Event struct {
	ID        []byte // eventID
	SharedID  []byte // sharedEventID: the same action, delivered to several accounts
	Time      int64  // eventTime, seconds since 1970 UTC
	Name      []byte // eventName
	Source    []byte // eventSource, such as sts.amazonaws.com
	Region    []byte // awsRegion
	SourceIP  []byte // sourceIPAddress: an address, a service's name or AWS Internal
	UserAgent []byte // userAgent, as logged
	ErrorCode []byte // errorCode
	ErrorText []byte // errorMessage
	Recipient []byte // recipientAccountId: whose copy of the event this is
	Type      []byte // eventType
	Category  []byte // eventCategory

	VPCEndpoint        []byte // vpcEndpointId
	VPCEndpointAccount []byte // vpcEndpointAccountId

	// FromConsole is sessionCredentialFromConsole, which AWS writes as the
	// text "true" at the top of the record or in sessionContext.attributes.
	FromConsole bool

	AddendumReason []byte // addendum.reason
	OriginalID     []byte // addendum.originalEventID
	UpdatedFields  []byte // addendum.updatedFields: members of the record, separated by commas

	SwitchFrom       []byte // additionalEventData.SwitchFrom: the ARN that a console role switch came from
	AuthMethod       []byte // additionalEventData.AuthenticationMethod: QueryString means a presigned URL
	LakeFormationRSN []byte // additionalEventData.lakeFormationRoleSessionName

	// IdentityRaw is the userIdentity value as it stands in the record, nil
	// when the record has none. Records of one credential repeat it byte for
	// byte, so that it serves as the key of a cache; Identity decodes it.
	IdentityRaw []byte
	// IdentityMemo is for whoever takes the events: what is kept there comes with
	// the next event of the same Reader that has the same IdentityRaw, unless it
	// was forgotten meanwhile. It is nil where there is no place for it.
	IdentityMemo *any

	// Assume holds the parameters of a call that issues a credential or tells
	// about one. It is filled when IsAssume reports true, and zero otherwise.
	Assume Assume

	identity        Identity
	identityDecoded bool
	scratch         []byte // unescaped strings of this record
}

// Identity is a record's userIdentity.
//
// https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-user-identity.html
type Identity struct {
	Type        []byte
	PrincipalID []byte
	ARN         []byte
	AccountID   []byte
	AccessKeyID []byte // an access key id, never a secret
	UserName    []byte
	InvokedBy   []byte // the service that made the call on the principal's behalf

	InvokedByDelegate []byte // invokedByDelegate.accountId
	IdentityProvider  []byte
	CredentialID      []byte
	OnBehalfOfUser    []byte // onBehalfOf.userId, an Identity Center user id
	OnBehalfOfStore   []byte // onBehalfOf.identityStoreArn

	// inScopeOf: the resource that the credential was minted for, set by AWS.
	InScopeSourceARN     []byte
	InScopeSourceAccount []byte
	InScopeIssuerType    []byte // such as AWS::Lambda::Function
	InScopeIssuedTo      []byte // credentialsIssuedTo, the ARN of the function or instance

	// sessionContext
	IssuerType        []byte // sessionIssuer.type
	IssuerPrincipalID []byte // sessionIssuer.principalId
	IssuerARN         []byte // sessionIssuer.arn, with the role's path
	IssuerAccountID   []byte // sessionIssuer.accountId
	IssuerUserName    []byte // sessionIssuer.userName
	CreationDate      int64  // attributes.creationDate in seconds since 1970 UTC; 0 where absent
	MFA               bool   // attributes.mfaAuthenticated
	FromConsole       bool   // attributes.sessionCredentialFromConsole
	FederatedProvider []byte // webIdFederationData.federatedProvider
	FederatedSubject  []byte // webIdFederationData.attributes, the member whose name ends in ":sub" or is "sub"
	SourceIdentity    []byte
	EC2RoleDelivery   []byte // "1.0" is IMDSv1, "2.0" IMDSv2
	AssumedRoot       bool
	SignInSession     []byte // signInSessionArn
}

// Assume holds request and response of the calls that issue temporary
// credentials (sts AssumeRole, AssumeRoleWithSAML, AssumeRoleWithWebIdentity,
// AssumeRoot, GetFederationToken, GetSessionToken) and of their neighbours that
// name one (eks-auth AssumeRoleForPodIdentity, rolesanywhere CreateSession,
// sso GetRoleCredentials). Session tokens are never read.
type Assume struct {
	RoleARN         []byte // requestParameters.roleArn
	RoleSessionName []byte // requestParameters.roleSessionName
	SourceIdentity  []byte // requestParameters.sourceIdentity
	ExternalID      []byte // requestParameters.externalId
	Duration        int64  // requestParameters.durationSeconds; 0 where absent
	PrincipalARN    []byte // requestParameters.principalArn: the SAML provider
	TargetPrincipal []byte // requestParameters.targetPrincipal of AssumeRoot
	FederationName  []byte // requestParameters.name of GetFederationToken
	ClusterName     []byte // requestParameters.clusterName of AssumeRoleForPodIdentity

	// Tags are the session tags: requestParameters.tags (a list of key and
	// value) or principalTags (a map), then incomingTransitiveTags (a map).
	Tags []Tag

	IssuedKeyID     []byte // responseElements.credentials.accessKeyId
	Expiration      []byte // responseElements.credentials.expiration, in one of AWS's layouts
	AssumedRoleID   []byte // responseElements.assumedRoleUser.assumedRoleId (or federatedUser.federatedUserId)
	AssumedRoleARN  []byte // responseElements.assumedRoleUser.arn (or federatedUser.arn)
	Subject         []byte // responseElements.subjectFromWebIdentityToken or subject
	SubjectType     []byte // responseElements.subjectType
	Issuer          []byte // responseElements.issuer
	Audience        []byte // responseElements.audience
	Provider        []byte // responseElements.provider
	NameQualifier   []byte // responseElements.nameQualifier
	SubjectARN      []byte // responseElements.subjectArn of Roles Anywhere CreateSession
	ServiceRole     []byte // serviceEventDetails.role_name of Identity Center GetRoleCredentials
	ServiceRoleAcct []byte // serviceEventDetails.account_id
}

// Tag is one session tag.
type Tag struct{ Key, Value []byte }
