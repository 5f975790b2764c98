package athena

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// MaxQuery is how many bytes a query may have:
// https://docs.aws.amazon.com/athena/latest/ug/service-limits.html
const MaxQuery = 262144

// Scan is what a result is about. It is written into the result, so that whoever
// reads an exported one needs nothing beside it.
type Scan struct {
	// Since and Until bound the window on eventTime, [Since, Until); zero is no
	// bound. Times are whole seconds.
	Since, Until time.Time
	// Lookback is how far before the window assume events are believed.
	Lookback time.Duration
	// Before and After are how far ahead of the window and behind it an object
	// may have been delivered, by the stamp in its name, for its events to
	// count, and about the time of an event that is looked for. Whole seconds.
	Before, After time.Duration
	// Accounts and Regions are the only ones whose calls count, by
	// recipientAccountId and awsRegion; empty is all.
	Accounts, Regions []string
}

// Part is one query's share of a scan.
type Part struct {
	Scan Scan
	From []Slice
	// Since and Until are the part's share of the window. The first share has
	// also what issued credentials before it.
	Since, Until time.Time
	// Evidence asks for the events that issued credentials and nothing else, of
	// the objects of these stamps. Nothing of such a result counts.
	Evidence bool
	Stamps   Stamps
	// Number of Count parts, from 1; parts of a scan hold no event in common
	// except evidence.
	Number, Count int
}

// Stamps are times in the names of objects, in whole minutes and both ends
// included; zero is no bound.
type Stamps struct{ From, To time.Time }

// stamps are those of the objects whose events count.
func (s Scan) stamps() Stamps { return s.around(s.Since, s.Until) }

// around are the stamps of what may hold events of some time.
func (s Scan) around(since, until time.Time) Stamps {
	var st Stamps
	if !since.IsZero() {
		st.From = since.Add(-s.Before).UTC().Truncate(time.Minute)
	}
	if !until.IsZero() {
		st.To = until.Add(s.After).UTC().Truncate(time.Minute)
	}
	return st
}

// Slice is a part of one table.
type Slice struct {
	Table Table
	// Accounts and Regions are the partitions to read, nil for all.
	Accounts, Regions []string
	// From and To are the first and the last day of delivery; zero is no bound.
	From, To time.Time
}

// source is a column that the queries read from the table.
type source struct {
	name  string // what the queries call it
	expr  string // what the table calls it
	added bool   // not in the struct that AWS documents
}

// sources are the members of a record that attribution reads.
var sources = []source{
	{name: "eventtime", expr: "eventtime"},
	{name: "eventsource", expr: "eventsource"},
	{name: "eventname", expr: "eventname"},
	{name: "awsregion", expr: "awsregion"},
	{name: "sourceipaddress", expr: "sourceipaddress"},
	{name: "useragent", expr: "useragent"},
	{name: "errorcode", expr: "errorcode"},
	{name: "errormessage", expr: "errormessage"},
	{name: "requestparameters", expr: "requestparameters"},
	{name: "responseelements", expr: "responseelements"},
	{name: "additionaleventdata", expr: "additionaleventdata"},
	{name: "serviceeventdetails", expr: "serviceeventdetails"},
	{name: "eventid", expr: "eventid"},
	{name: "eventtype", expr: "eventtype"},
	{name: "eventcategory", expr: "eventcategory"},
	{name: "recipientaccountid", expr: "recipientaccountid"},
	{name: "sharedeventid", expr: "sharedeventid"},
	{name: "vpcendpointaccountid", expr: "vpcendpointaccountid"},
	{name: "fromconsole", expr: "sessioncredentialfromconsole"},
	{name: "addendumreason", expr: "addendum.reason"},
	{name: "originaleventid", expr: "addendum.originaleventid"},
	{name: "updatedfields", expr: "addendum.updatedfields"},
	{name: "id_given", expr: "CASE WHEN useridentity IS NOT NULL THEN 'true' END"},
	{name: "id_type", expr: "useridentity.type"},
	{name: "id_principal", expr: "useridentity.principalid"},
	{name: "id_arn", expr: "useridentity.arn"},
	{name: "id_account", expr: "useridentity.accountid"},
	{name: "id_invokedby", expr: "useridentity.invokedby"},
	{name: "id_key", expr: "useridentity.accesskeyid"},
	{name: "id_user", expr: "useridentity.username"},
	{name: "id_provider", expr: "useridentity.identityprovider", added: true},
	{name: "id_credential", expr: "useridentity.credentialid", added: true},
	{name: "id_delegate", expr: "useridentity.invokedbydelegate.accountid", added: true},
	{name: "id_onbehalfof", expr: "useridentity.onbehalfof.userid"},
	{name: "id_onbehalfofstore", expr: "useridentity.onbehalfof.identitystorearn"},
	{name: "id_scopesource", expr: "useridentity.inscopeof.sourcearn", added: true},
	{name: "id_scopeaccount", expr: "useridentity.inscopeof.sourceaccount", added: true},
	{name: "id_scopetype", expr: "useridentity.inscopeof.issuertype", added: true},
	{name: "id_scopeto", expr: "useridentity.inscopeof.credentialsissuedto", added: true},
	{name: "id_issuerarn", expr: "useridentity.sessioncontext.sessionissuer.arn"},
	{name: "id_issuertype", expr: "useridentity.sessioncontext.sessionissuer.type"},
	{name: "id_issueraccount", expr: "useridentity.sessioncontext.sessionissuer.accountid"},
	{name: "id_issueruser", expr: "useridentity.sessioncontext.sessionissuer.username"},
	{name: "id_issuerid", expr: "useridentity.sessioncontext.sessionissuer.principalid"},
	{name: "id_created", expr: "useridentity.sessioncontext.attributes.creationdate"},
	{name: "id_mfa", expr: "useridentity.sessioncontext.attributes.mfaauthenticated"},
	{name: "id_fromconsole", expr: "useridentity.sessioncontext.attributes.sessioncredentialfromconsole", added: true},
	{name: "id_federated", expr: "useridentity.sessioncontext.webidfederationdata.federatedprovider"},
	{name: "id_federatedattributes", expr: "json_format(CAST(useridentity.sessioncontext.webidfederationdata.attributes AS JSON))"},
	{name: "id_sourceidentity", expr: "useridentity.sessioncontext.sourceidentity", added: true},
	{name: "id_delivery", expr: "useridentity.sessioncontext.ec2roledelivery"},
	{name: "id_assumedroot", expr: "useridentity.sessioncontext.assumedroot", added: true},
	{name: "id_signinsession", expr: "useridentity.sessioncontext.signinsessionarn", added: true},
}

// field is one member of the record that an entry stands for.
type field struct {
	path string // dots lead into objects
	expr string // its value, a string or NULL, in terms of the sources and judgements
	json bool   // the value is JSON, not a string
}

// The places of an entry that are no members of its record. The fields follow.
const (
	entryKind   = iota // event, evidence, use, read, seen, bad or scan
	entryAt            // of an event its own, else the hour of use: what sets rows apart
	entryObject        // of bad records, where they are; of evidence, when that was delivered
	entryReason        // and what is wrong with them
	entryFields
)

// fields are the members that an entry holds, those of one object one after
// another. What attribution does not look at is left out of use, so that calls
// that differ in nothing else become one row.
var fields = []field{
	{path: "recipientAccountId", expr: "CASE WHEN NOT bad THEN recipientaccountid END"},
	{path: "awsRegion", expr: "CASE WHEN chosen OR whole THEN awsregion END"},
	{path: "eventSource", expr: "CASE WHEN complete OR denied THEN eventsource END"},
	{path: "eventName", expr: "CASE WHEN whole OR denied THEN eventname END"},
	{path: "sourceIPAddress", expr: "CASE WHEN complete THEN sourceipaddress END"},
	{path: "userAgent", expr: "CASE WHEN complete THEN useragent END"},
	{path: "errorCode", expr: "CASE WHEN denied OR whole THEN errorcode WHEN rolesession AND errorcode <> '' THEN 'Error' END"},
	{path: "errorMessage", expr: "CASE WHEN denied THEN errormessage END"},
	{path: "sharedEventID", expr: "CASE WHEN whole OR elsewhere THEN sharedeventid END"},
	{path: "vpcEndpointAccountId", expr: "CASE WHEN complete THEN vpcendpointaccountid END"},
	{path: "sessionCredentialFromConsole", expr: "CASE WHEN complete THEN fromconsole END"},
	{path: "requestParameters", json: true, expr: "CASE WHEN whole THEN requestparameters WHEN denied THEN json_format(CAST(MAP(ARRAY['roleArn'], ARRAY[json_extract_scalar(requestparameters, '$.roleArn')]) AS JSON)) END"},
	{path: "responseElements", json: true, expr: "CASE WHEN whole THEN " + withoutToken("responseelements") + " END"},
	{path: "serviceEventDetails", json: true, expr: "CASE WHEN whole THEN " + withoutToken("serviceeventdetails") + " END"},
	{path: "additionalEventData.SwitchFrom", expr: "CASE WHEN complete AND additionaleventdata LIKE '%SwitchFrom%' THEN json_extract_scalar(additionaleventdata, '$.SwitchFrom') END"},
	{path: "additionalEventData.AuthenticationMethod", expr: "CASE WHEN complete AND additionaleventdata LIKE '%QueryString%' THEN nullif(json_extract_scalar(additionaleventdata, '$.AuthenticationMethod'), 'AuthHeader') END"},
	{path: "addendum.reason", expr: "CASE WHEN whole AND corrects THEN addendumreason END"},
	{path: "addendum.originalEventID", expr: "CASE WHEN whole AND corrects THEN originaleventid END"},
	{path: "addendum.updatedFields", expr: "CASE WHEN whole AND corrects THEN updatedfields END"},
	{path: "userIdentity.type", expr: "CASE WHEN complete OR denied OR keyed OR named OR id_type IN ('IAMUser', 'FederatedUser') THEN id_type END"},
	{path: "userIdentity.principalId", expr: "CASE WHEN complete OR denied OR id_type = 'IAMUser' THEN id_principal END"},
	{path: "userIdentity.arn", expr: "CASE WHEN complete OR denied OR id_type IN ('IAMUser', 'FederatedUser') THEN id_arn END"},
	{path: "userIdentity.accountId", expr: "CASE WHEN complete OR id_type = 'FederatedUser' THEN id_account END"},
	{path: "userIdentity.accessKeyId", expr: "CASE WHEN complete OR keyed THEN id_key END"},
	{path: "userIdentity.userName", expr: "CASE WHEN complete OR named THEN id_user END"},
	{path: "userIdentity.invokedBy", expr: "CASE WHEN complete THEN id_invokedby END"},
	{path: "userIdentity.identityProvider", expr: "CASE WHEN complete THEN id_provider END"},
	{path: "userIdentity.credentialId", expr: "CASE WHEN complete THEN id_credential END"},
	{path: "userIdentity.invokedByDelegate.accountId", expr: "CASE WHEN complete THEN id_delegate END"},
	{path: "userIdentity.onBehalfOf.userId", expr: "CASE WHEN complete OR named THEN id_onbehalfof END"},
	{path: "userIdentity.onBehalfOf.identityStoreArn", expr: "CASE WHEN complete THEN id_onbehalfofstore END"},
	{path: "userIdentity.inScopeOf.sourceArn", expr: "CASE WHEN complete THEN id_scopesource END"},
	{path: "userIdentity.inScopeOf.sourceAccount", expr: "CASE WHEN complete THEN id_scopeaccount END"},
	{path: "userIdentity.inScopeOf.issuerType", expr: "CASE WHEN complete THEN id_scopetype END"},
	{path: "userIdentity.inScopeOf.credentialsIssuedTo", expr: "CASE WHEN complete THEN id_scopeto END"},
	{path: "userIdentity.sessionContext.sessionIssuer.arn", expr: "CASE WHEN complete OR id_type = 'FederatedUser' THEN id_issuerarn END"},
	{path: "userIdentity.sessionContext.sessionIssuer.principalId", expr: "CASE WHEN complete THEN id_issuerid END"},
	{path: "userIdentity.sessionContext.sessionIssuer.type", expr: "CASE WHEN complete THEN id_issuertype END"},
	{path: "userIdentity.sessionContext.sessionIssuer.accountId", expr: "CASE WHEN complete THEN id_issueraccount END"},
	{path: "userIdentity.sessionContext.sessionIssuer.userName", expr: "CASE WHEN complete THEN id_issueruser END"},
	{path: "userIdentity.sessionContext.attributes.creationDate", expr: "CASE WHEN complete THEN id_created END"},
	{path: "userIdentity.sessionContext.attributes.mfaAuthenticated", expr: "CASE WHEN complete THEN id_mfa END"},
	{path: "userIdentity.sessionContext.attributes.sessionCredentialFromConsole", expr: "CASE WHEN complete THEN id_fromconsole END"},
	{path: "userIdentity.sessionContext.webIdFederationData.federatedProvider", expr: "CASE WHEN complete THEN id_federated END"},
	{path: "userIdentity.sessionContext.webIdFederationData.attributes", json: true, expr: "CASE WHEN complete THEN id_federatedattributes END"},
	{path: "userIdentity.sessionContext.sourceIdentity", expr: "CASE WHEN complete THEN id_sourceidentity END"},
	{path: "userIdentity.sessionContext.ec2RoleDelivery", expr: "CASE WHEN complete THEN id_delivery END"},
	{path: "userIdentity.sessionContext.assumedRoot", expr: "CASE WHEN complete THEN id_assumedroot END"},
	{path: "userIdentity.sessionContext.signInSessionArn", expr: "CASE WHEN complete THEN id_signinsession END"},
}

// withoutToken blanks session tokens: a result is no place for them.
func withoutToken(column string) string {
	return `regexp_replace(` + column + `, '"sessionToken"\s*:\s*"[^"]*"', '"sessionToken":""')`
}

// identifies says whether an event id makes two records one. Records that were
// anonymised carry placeholders in its place, the same in every record.
func identifies(column string) string {
	return `(regexp_like(` + column + `, '^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$') AND ` + column + ` <> '00000000-0000-0000-0000-000000000000'` +
		` OR regexp_like(` + column + `, '[1-9]') AND NOT regexp_like(` + column + `, '[<>{}$\[\]]'))`
}

// stampForm is how the time stands in an object's name. What ingest.ParseKey
// takes for the stamp is the last that looks like one.
const stampForm = `'^.*_([0-9]{8}T[0-9]{4})([0-9]{2})?Z[^/]*\.json[^/]*$'`

// stampTime is the form of a stamp without its Z.
const stampTime = "20060102T1504"

// The calls that issue credentials, or tell about one, by service. The list is
// that of ingest.Event.IsAssume.
const issuing = `(eventsource = 'sts.amazonaws.com' AND eventname IN ('AssumeRole', 'AssumeRoleWithSAML', 'AssumeRoleWithWebIdentity', 'AssumeRoot', 'GetFederationToken', 'GetSessionToken')
      OR eventsource = 'eks-auth.amazonaws.com' AND eventname = 'AssumeRoleForPodIdentity'
      OR eventsource = 'rolesanywhere.amazonaws.com' AND eventname = 'CreateSession'
      OR eventsource = 'sso.amazonaws.com' AND eventname = 'GetRoleCredentials'
      OR eventsource = 'signin.amazonaws.com' AND eventname = 'SwitchRole')`

// Query is the part's query.
func (p Part) Query() string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("WITH records AS (")
	line("  -- trailscan: %s, part %d of %d", p.purpose(), p.Number, p.Count)
	for i, s := range p.From {
		if i > 0 {
			line("  UNION ALL")
		}
		b.WriteString(s.records())
	}
	line("),")
	line("-- What trails do not deliver as events is passed over. Times are seconds since 1970.")
	line("timed AS (")
	line("  SELECT *, try(CAST(floor(to_unixtime(from_iso8601_timestamp(eventtime))) AS bigint)) AS t,")
	line("    coalesce(%s, false) AS counting", p.counting())
	line("  FROM records")
	line("  WHERE (coalesce(eventcategory, '') IN ('Management', 'Data')")
	line("    OR coalesce(eventcategory, '') NOT IN ('Insight', 'Aggregated', 'NetworkActivity')")
	line("      AND lower(coalesce(eventtype, '')) NOT IN ('awscloudtrailinsight', 'awsaggregatedevent', 'awsvpceevents'))")
	for _, bound := range p.Stamps.bounds() {
		line("    AND %s", bound)
	}
	line("),")
	line("placed AS (")
	line("  SELECT *, %s AND (t IS NULL OR coalesce(eventname, '') = '') AS bad,", p.share())
	line("    coalesce(%s, false) AS chosen,", p.chosen())
	line("    coalesce(%s, false) AS whole,", p.whole())
	line("    coalesce(id_type = 'AssumedRole', false) AS rolesession,")
	line("    coalesce(%s, false) AS identified,", identifies("eventid"))
	line("    coalesce(%s, false) AS original,", identifies("originaleventid"))
	line("    coalesce(%s, false) AS twin", identifies("sharedeventid"))
	line("  FROM timed")
	line("),")
	line("judged AS (")
	line("  SELECT *, rolesession AND chosen OR whole AS complete,")
	line("    coalesce(chosen AND eventsource = 'sts.amazonaws.com' AND eventname IN ('AssumeRole', 'AssumeRoleWithSAML', 'AssumeRoleWithWebIdentity') AND strpos(errorcode, 'AccessDenied') > 0 AND id_given = 'true', false) AS denied,")
	line("    coalesce(chosen AND id_type IN ('IAMUser', 'Root') AND coalesce(id_invokedby, '') = '' AND id_key LIKE 'ASIA%%'")
	line("      AND coalesce(fromconsole, '') <> 'true' AND coalesce(id_fromconsole, '') <> 'true', false) AS keyed,")
	line("    coalesce(chosen AND id_onbehalfof <> '' AND id_user <> '', false) AS named,")
	line("    coalesce((chosen OR whole) AND addendumreason = 'UPDATED_DATA' AND original AND originaleventid <> coalesce(eventid, ''), false) AS corrects,")
	line("    -- Of the copies of one call in several accounts only one counts.")
	line("    chosen AND rolesession AND twin AS shared,")
	line("    coalesce(chosen AND rolesession AND twin")
	line("      AND coalesce(nullif(id_account, ''), split_part(id_arn, ':', 5), '') <> coalesce(recipientaccountid, ''), false) AS elsewhere")
	line("  FROM placed")
	line("),")
	line("entries AS (")
	line("  SELECT recipientaccountid, counting, chosen, t,")
	line("    -- An event is one by its id and UTC day. One that corrects another takes its place, before or after midnight.")
	line("    CASE WHEN NOT (bad OR chosen OR whole) THEN ARRAY[CASE WHEN NOT counting THEN 'seen ' || stamp END]")
	line("      WHEN corrects AND counting THEN ARRAY[%s, originaleventid || ' ' || %s, originaleventid || ' ' || %s, originaleventid || ' ' || %s]",
		"CASE WHEN identified THEN eventid || ' ' || "+utcDay("t")+" ELSE CAST(uuid() AS varchar) END", utcDay("t - 86400"), utcDay("t"), utcDay("t + 86400"))
	line("      WHEN bad OR NOT identified THEN ARRAY[CAST(uuid() AS varchar)]")
	line("      ELSE ARRAY[eventid || ' ' || %s] END AS ids,", utcDay("t"))
	line("    CASE WHEN corrects AND counting THEN originaleventid || ' ' END AS corrected,")
	line("    lpad(CAST(t AS varchar), 12, '0') || coalesce(eventid, '') AS moment,")
	line("    CASE WHEN shared AND NOT elsewhere THEN sharedeventid WHEN NOT (counting OR whole) THEN stamp END AS shared,")
	line("    json_format(CAST(ARRAY[")
	line("      -- Of the copies of one event the least kind is taken: event goes before evidence.")
	line("      CASE WHEN bad THEN 'bad' WHEN whole AND counting THEN 'event' WHEN whole THEN 'evidence' WHEN chosen THEN 'use' WHEN counting THEN 'read' ELSE 'seen' END,")
	line("      CASE WHEN whole THEN lpad(CAST(t AS varchar), 12, '0') || coalesce(eventid, '') WHEN rolesession AND chosen THEN CAST(t - t %% 3600 AS varchar) END,")
	line("      CASE WHEN bad THEN objectname WHEN whole AND NOT counting THEN stamp END,")
	line("      CASE WHEN NOT bad THEN NULL WHEN coalesce(eventtime, '') = '' THEN 'no eventTime' WHEN coalesce(eventname, '') = '' THEN 'no eventName' ELSE 'eventTime is no time' END,")
	for i, f := range fields {
		line("      %s%s", f.expr, comma(i, len(fields)))
	}
	line("    ] AS JSON)) AS entry")
	line("  FROM judged")
	line("),")
	line("-- One row for each event, however often it was delivered.")
	line("events AS (")
	line("  SELECT min(entry) AS entry, min(moment) AS moment, min(t) AS t, max(shared) AS shared,")
	line("    CASE WHEN bool_or(chosen) THEN count(*) FILTER (WHERE counting) - 1 ELSE 0 END AS copies")
	line("  FROM entries CROSS JOIN UNNEST(ids) AS u(id)")
	line("  GROUP BY recipientaccountid, id")
	line("  HAVING NOT coalesce(bool_or(starts_with(id, corrected)), false)")
	line(")")
	line("SELECT %s AS entry, CAST(0 AS bigint) AS calls, CAST(0 AS bigint) AS duplicates,", quote(p.header()))
	line("  CAST(NULL AS varchar) AS first_event, CAST(NULL AS bigint) AS last_time, CAST(NULL AS varchar) AS shared_events")
	line("UNION ALL")
	line("SELECT entry, count(*), CAST(sum(copies) AS bigint), min(moment), max(t), array_join(array_agg(shared) FILTER (WHERE shared IS NOT NULL), ' ')")
	line("FROM events")
	b.WriteString("GROUP BY entry")
	return b.String()
}

func (p Part) purpose() string {
	if p.Evidence {
		return "events that issued credentials"
	}
	return "use of role sessions"
}

// records selects what a slice gives.
func (s Slice) records() string {
	return s.columns(sources) + ",\n    \"$path\" AS objectname,\n    regexp_extract(\"$path\", " + stampForm + ", 1) AS stamp\n" + s.from()
}

// columns begins a query that selects some sources.
func (s Slice) columns(list []source) string {
	lines := make([]string, len(list))
	for i, c := range list {
		expr := c.expr
		if c.added && s.Table.Documented {
			expr = "CAST(NULL AS varchar)"
		}
		lines[i] = "    " + expr + " AS " + c.name
	}
	return "  SELECT\n" + strings.Join(lines, ",\n")
}

// from says of which partitions.
func (s Slice) from() string {
	var b strings.Builder
	fmt.Fprintf(&b, "  FROM %s\n", s.Table.reference())
	var where []string
	if s.Accounts != nil {
		where = append(where, "account IN ("+quoteAll(s.Accounts)+")")
	}
	if s.Regions != nil {
		where = append(where, "region IN ("+quoteAll(s.Regions)+")")
	}
	if !s.From.IsZero() {
		where = append(where, `"timestamp" >= `+quote(s.From.UTC().Format(partitionDay)))
	}
	if !s.To.IsZero() {
		where = append(where, `"timestamp" <= `+quote(s.To.UTC().Format(partitionDay)))
	}
	if len(where) > 0 {
		fmt.Fprintf(&b, "  WHERE %s\n", strings.Join(where, "\n    AND "))
	}
	return b.String()
}

// counting says whose events may count: those of the objects that a scan of the
// bucket would read.
func (p Part) counting() string {
	if p.Evidence {
		return "false"
	}
	if bounds := p.Scan.stamps().bounds(); len(bounds) > 0 {
		return strings.Join(bounds, " AND ")
	}
	return "true"
}

// bounds says which stamps are meant.
func (st Stamps) bounds() (cond []string) {
	if !st.From.IsZero() {
		cond = append(cond, "stamp >= "+quote(st.From.Format(stampTime)))
	}
	if !st.To.IsZero() {
		cond = append(cond, "stamp <= "+quote(st.To.Format(stampTime)))
	}
	return cond
}

// share says which records without a time are the part's: those of its share of
// the stamps.
func (p Part) share() string {
	cond := []string{"counting"}
	if !p.Since.Equal(p.Scan.Since) {
		cond = append(cond, "stamp >= "+quote(p.Since.UTC().Format(stampTime)))
	}
	if !p.Until.Equal(p.Scan.Until) {
		cond = append(cond, "stamp < "+quote(p.Until.UTC().Format(stampTime)))
	}
	return strings.Join(cond, " AND ")
}

// chosen says which events count.
func (p Part) chosen() string {
	if p.Evidence {
		return "false"
	}
	return strings.Join(append([]string{"counting", "t IS NOT NULL", "eventname <> ''"}, p.Scan.takes(p.Since, p.Until)...), " AND ")
}

// takes says which events of some time are of the scan's accounts and regions.
func (s Scan) takes(since, until time.Time) []string {
	cond := between(since, until)
	if len(s.Accounts) > 0 {
		cond = append(cond, "coalesce(recipientaccountid, '') IN ("+quoteAll(s.Accounts)+")")
	}
	if len(s.Regions) > 0 {
		cond = append(cond, "coalesce(awsregion, '') IN ("+quoteAll(s.Regions)+")")
	}
	return cond
}

// whole says which events are given as whole records: those that issued a
// credential. Those outside the window are evidence.
func (p Part) whole() string {
	cond := []string{"(counting OR stamp <> '')", "t IS NOT NULL", "(coalesce(errorcode, '') = '' OR eventname = 'AssumeRoleForPodIdentity')"}
	switch {
	case p.Evidence:
		cond = append(cond, between(time.Time{}, p.Scan.Until)...)
		counted := append(p.Scan.stamps().bounds(), p.Scan.takes(p.Scan.Since, p.Scan.Until)...)
		if len(counted) > 0 {
			cond = append(cond, "NOT ("+strings.Join(counted, " AND ")+")") // the other parts have it
		}
	case p.Since.Equal(p.Scan.Since):
		cond = append(cond, between(time.Time{}, p.Until)...)
	default:
		cond = append(cond, between(p.Since, p.Until)...)
	}
	return strings.Join(append(cond, issuing), " AND ")
}

// between says which times are meant.
func between(since, until time.Time) (cond []string) {
	if !since.IsZero() {
		cond = append(cond, fmt.Sprintf("t >= %d", since.Unix()))
	}
	if !until.IsZero() {
		cond = append(cond, fmt.Sprintf("t < %d", until.Unix()))
	}
	return cond
}

// header is the entry of the row that says what the result is.
func (p Part) header() string {
	role := "use"
	if p.Evidence {
		role = "evidence"
	}
	elements := []string{
		kindScan, formatVersion, p.id(), role, strconv.Itoa(p.Number), strconv.Itoa(p.Count),
		unixText(p.Scan.Since), unixText(p.Scan.Until), seconds(p.Scan.Lookback), seconds(p.Scan.Before), seconds(p.Scan.After),
		strings.Join(p.Scan.Accounts, ","), strings.Join(p.Scan.Regions, ","),
	}
	text, err := json.Marshal(elements)
	if err != nil {
		panic(err) // strings always marshal
	}
	return string(text)
}

// id tells the parts of a scan from those of others.
func (p Part) id() string {
	h := sha256.New()
	fmt.Fprintln(h, p.Evidence, unixText(p.Since), unixText(p.Until), p.Stamps.bounds())
	for _, s := range p.From {
		h.Write([]byte(s.records()))
	}
	return hex.EncodeToString(h.Sum(nil)[:8])
}

func seconds(d time.Duration) string { return strconv.FormatInt(int64(d/time.Second), 10) }

func unixText(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return strconv.FormatInt(t.Unix(), 10)
}

// utcDay is the start of a time's day in UTC, as text.
func utcDay(t string) string { return "CAST(" + t + " - (" + t + ") % 86400 AS varchar)" }

// quote writes a string of SQL.
func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

func quoteAll(list []string) string {
	quoted := make([]string, len(list))
	for i, s := range list {
		quoted[i] = quote(s)
	}
	return strings.Join(quoted, ", ")
}

func comma(i, n int) string {
	if i == n-1 {
		return ""
	}
	return ","
}
