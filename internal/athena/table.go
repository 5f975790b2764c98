package athena

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"github.com/trailscan/trailscan/internal/ingest"
)

// partitionDay is how the partition of the day of delivery is written.
const partitionDay = "2006/01/02"

// Table is an external table over the logs of one trail. Its partitions are
// projected: account and region from the folders that were found when it was
// made, the day from the calendar.
//
// https://docs.aws.amazon.com/athena/latest/ug/create-cloudtrail-table-partition-projection.html
type Table struct {
	Database, Name string
	Bucket         string
	Trail          ingest.Trail
	// Documented leaves out the members of userIdentity that AWS's definition
	// lacks.
	Documented bool
}

// column is a column of the table, as Hive writes it.
type column struct{ name, kind string }

// columns are the members of a record. Those of useridentity are in Table.identity.
//
// https://docs.aws.amazon.com/athena/latest/ug/create-cloudtrail-table.html
var columns = []column{
	{"eventversion", "string"},
	{"useridentity", ""},
	{"eventtime", "string"},
	{"eventsource", "string"},
	{"eventname", "string"},
	{"awsregion", "string"},
	{"sourceipaddress", "string"},
	{"useragent", "string"},
	{"errorcode", "string"},
	{"errormessage", "string"},
	{"requestparameters", "string"},
	{"responseelements", "string"},
	{"additionaleventdata", "string"},
	{"requestid", "string"},
	{"eventid", "string"},
	{"readonly", "string"},
	{"resources", "array<struct<arn:string,accountid:string,type:string>>"},
	{"eventtype", "string"},
	{"apiversion", "string"},
	{"recipientaccountid", "string"},
	{"serviceeventdetails", "string"},
	{"sharedeventid", "string"},
	{"vpcendpointid", "string"},
	{"vpcendpointaccountid", "string"},
	{"eventcategory", "string"},
	{"addendum", "struct<reason:string,updatedfields:string,originalrequestid:string,originaleventid:string>"},
	{"sessioncredentialfromconsole", "string"},
	{"edgedevicedetails", "string"},
	{"tlsdetails", "struct<tlsversion:string,ciphersuite:string,clientprovidedhostheader:string>"},
}

// identity is the type of useridentity. AWS's own definition lacks what its
// documentation of the record has gained since, and attribution reads:
// https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-user-identity.html
func (t Table) identity() string {
	added := func(s string) string {
		if t.Documented {
			return ""
		}
		return s
	}
	return "struct<type:string,principalid:string,arn:string,accountid:string,invokedby:string,accesskeyid:string,username:string," +
		"onbehalfof:struct<userid:string,identitystorearn:string>," +
		added("identityprovider:string,credentialid:string,invokedbydelegate:struct<accountid:string>,"+
			"inscopeof:struct<sourcearn:string,sourceaccount:string,issuertype:string,credentialsissuedto:string,credentialsissuedtoversion:string>,") +
		"sessioncontext:struct<" +
		"attributes:struct<mfaauthenticated:string,creationdate:string" + added(",sessioncredentialfromconsole:string") + ">," +
		"sessionissuer:struct<type:string,principalid:string,arn:string,accountid:string,username:string>," +
		"ec2roledelivery:string," +
		added("sourceidentity:string,signinsessionarn:string,assumedroot:string,") +
		"webidfederationdata:struct<federatedprovider:string,attributes:map<string,string>>>>"
}

// LostEvidence says what a table of the documented members cannot show.
const LostEvidence = "inScopeOf (the function, instance or task that a credential was made for), sourceIdentity, signInSessionArn, the identity provider of federated callers and whether a session comes from the console"

// Location is the folder of the table's accounts, an s3:// URL.
func (t Table) Location() string { return "s3://" + t.Bucket + "/" + t.Trail.Root }

// Accounts are the accounts of the table's partitions.
func (t Table) Accounts() []string {
	var ids []string
	for _, a := range t.Trail.Accounts {
		ids = append(ids, a.ID)
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// Regions are the regions of the table's partitions.
func (t Table) Regions() []string {
	var names []string
	for _, a := range t.Trail.Accounts {
		names = append(names, a.Regions...)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// Check refuses locations that cannot be written into a definition or that
// Athena cannot read.
func (t Table) Check() error {
	switch {
	case strings.Contains(t.Trail.Root, "//") || strings.HasPrefix(t.Trail.Root, "/"):
		return fmt.Errorf("athena cannot read %s: it has an empty folder name (//) in it; scan it with --engine local", t.Location())
	case strings.ContainsAny(t.Bucket+t.Trail.Root, "'\"`\\${};") || strings.ContainsFunc(t.Bucket+t.Trail.Root, func(r rune) bool { return r < ' ' || r == 0x7f }):
		return fmt.Errorf("the location %q holds characters that a table's definition cannot; scan it with --engine local", t.Location())
	}
	return nil
}

// Digest tells one definition from another. It is the same as long as the trail
// has the same accounts and regions in the same place.
func (t Table) Digest() string {
	sum := sha256.Sum256([]byte(t.define("")))
	return hex.EncodeToString(sum[:8])
}

// Create is the statement that makes the table.
func (t Table) Create() string { return t.define(t.ddlReference()) }

func (t Table) define(name string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "CREATE EXTERNAL TABLE IF NOT EXISTS %s (\n", name)
	for i, c := range columns {
		kind := c.kind
		if c.name == "useridentity" {
			kind = t.identity()
		}
		fmt.Fprintf(&b, "  `%s` %s%s\n", c.name, kind, comma(i, len(columns)))
	}
	fmt.Fprintf(&b, `)
COMMENT 'CloudTrail logs, made by trailscan'
PARTITIONED BY (%[1]saccount%[1]s string, %[1]sregion%[1]s string, %[1]stimestamp%[1]s string)
ROW FORMAT SERDE 'org.apache.hive.hcatalog.data.JsonSerDe'
STORED AS INPUTFORMAT 'com.amazon.emr.cloudtrail.CloudTrailInputFormat'
OUTPUTFORMAT 'org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat'
LOCATION '%[2]s'
TBLPROPERTIES (
  'projection.enabled'='true',
  'projection.account.type'='enum',
  'projection.account.values'='%[3]s',
  'projection.region.type'='enum',
  'projection.region.values'='%[4]s',
  'projection.timestamp.type'='date',
  'projection.timestamp.format'='yyyy/MM/dd',
  'projection.timestamp.interval'='1',
  'projection.timestamp.interval.unit'='DAYS',
  'projection.timestamp.range'='2013/11/01,NOW+1DAYS',
  'storage.location.template'='%[2]s${account}/CloudTrail/${region}/${timestamp}'
)`, "`", t.Location(), strings.Join(t.Accounts(), ","), strings.Join(t.Regions(), ","))
	return b.String()
}

// Drop is the statement that removes the table. The logs stay.
func (t Table) Drop() string { return "DROP TABLE IF EXISTS " + t.ddlReference() }

// ddlReference is the table's name in statements of Hive, reference in queries.
func (t Table) ddlReference() string {
	return "`" + t.Database + "`.`" + t.Name + "`"
}

func (t Table) reference() string {
	return `"` + t.Database + `"."` + t.Name + `"`
}
