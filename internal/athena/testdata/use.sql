WITH records AS (
  -- trailscan: use of role sessions, part 1 of 1
  SELECT
    eventtime AS eventtime,
    eventsource AS eventsource,
    eventname AS eventname,
    awsregion AS awsregion,
    sourceipaddress AS sourceipaddress,
    useragent AS useragent,
    errorcode AS errorcode,
    errormessage AS errormessage,
    requestparameters AS requestparameters,
    responseelements AS responseelements,
    additionaleventdata AS additionaleventdata,
    serviceeventdetails AS serviceeventdetails,
    eventid AS eventid,
    eventtype AS eventtype,
    eventcategory AS eventcategory,
    recipientaccountid AS recipientaccountid,
    sharedeventid AS sharedeventid,
    vpcendpointaccountid AS vpcendpointaccountid,
    sessioncredentialfromconsole AS fromconsole,
    addendum.reason AS addendumreason,
    addendum.originaleventid AS originaleventid,
    addendum.updatedfields AS updatedfields,
    CASE WHEN useridentity IS NOT NULL THEN 'true' END AS id_given,
    useridentity.type AS id_type,
    useridentity.principalid AS id_principal,
    useridentity.arn AS id_arn,
    useridentity.accountid AS id_account,
    useridentity.invokedby AS id_invokedby,
    useridentity.accesskeyid AS id_key,
    useridentity.username AS id_user,
    useridentity.identityprovider AS id_provider,
    useridentity.credentialid AS id_credential,
    useridentity.invokedbydelegate.accountid AS id_delegate,
    useridentity.onbehalfof.userid AS id_onbehalfof,
    useridentity.onbehalfof.identitystorearn AS id_onbehalfofstore,
    useridentity.inscopeof.sourcearn AS id_scopesource,
    useridentity.inscopeof.sourceaccount AS id_scopeaccount,
    useridentity.inscopeof.issuertype AS id_scopetype,
    useridentity.inscopeof.credentialsissuedto AS id_scopeto,
    useridentity.sessioncontext.sessionissuer.arn AS id_issuerarn,
    useridentity.sessioncontext.sessionissuer.type AS id_issuertype,
    useridentity.sessioncontext.sessionissuer.accountid AS id_issueraccount,
    useridentity.sessioncontext.sessionissuer.username AS id_issueruser,
    useridentity.sessioncontext.sessionissuer.principalid AS id_issuerid,
    useridentity.sessioncontext.attributes.creationdate AS id_created,
    useridentity.sessioncontext.attributes.mfaauthenticated AS id_mfa,
    useridentity.sessioncontext.attributes.sessioncredentialfromconsole AS id_fromconsole,
    useridentity.sessioncontext.webidfederationdata.federatedprovider AS id_federated,
    json_format(CAST(useridentity.sessioncontext.webidfederationdata.attributes AS JSON)) AS id_federatedattributes,
    useridentity.sessioncontext.sourceidentity AS id_sourceidentity,
    useridentity.sessioncontext.ec2roledelivery AS id_delivery,
    useridentity.sessioncontext.assumedroot AS id_assumedroot,
    useridentity.sessioncontext.signinsessionarn AS id_signinsession,
    "$path" AS objectname,
    regexp_extract("$path", '^.*_([0-9]{8}T[0-9]{4})([0-9]{2})?Z[^/]*\.json[^/]*$', 1) AS stamp
  FROM "default"."trailscan_f7f9a161b6521ccb"
  WHERE account IN ('111122223333')
    AND "timestamp" >= '2026/11/22'
    AND "timestamp" <= '2026/11/24'
),
-- What trails do not deliver as events is passed over. Times are seconds since 1970.
timed AS (
  SELECT *, try(CAST(floor(to_unixtime(from_iso8601_timestamp(eventtime))) AS bigint)) AS t,
    coalesce(stamp >= '20261123T1145' AND stamp <= '20261124T1300', false) AS counting
  FROM records
  WHERE (coalesce(eventcategory, '') IN ('Management', 'Data')
    OR coalesce(eventcategory, '') NOT IN ('Insight', 'Aggregated', 'NetworkActivity')
      AND lower(coalesce(eventtype, '')) NOT IN ('awscloudtrailinsight', 'awsaggregatedevent', 'awsvpceevents'))
),
placed AS (
  SELECT *, counting AND (t IS NULL OR coalesce(eventname, '') = '') AS bad,
    coalesce(counting AND t IS NOT NULL AND eventname <> '' AND t >= 1795435200 AND t < 1795521600 AND coalesce(recipientaccountid, '') IN ('111122223333'), false) AS chosen,
    coalesce((counting OR stamp <> '') AND t IS NOT NULL AND (coalesce(errorcode, '') = '' OR eventname = 'AssumeRoleForPodIdentity') AND t < 1795521600 AND (eventsource = 'sts.amazonaws.com' AND eventname IN ('AssumeRole', 'AssumeRoleWithSAML', 'AssumeRoleWithWebIdentity', 'AssumeRoot', 'GetFederationToken', 'GetSessionToken')
      OR eventsource = 'eks-auth.amazonaws.com' AND eventname = 'AssumeRoleForPodIdentity'
      OR eventsource = 'rolesanywhere.amazonaws.com' AND eventname = 'CreateSession'
      OR eventsource = 'sso.amazonaws.com' AND eventname = 'GetRoleCredentials'
      OR eventsource = 'signin.amazonaws.com' AND eventname = 'SwitchRole'), false) AS whole,
    coalesce(id_type = 'AssumedRole', false) AS rolesession,
    coalesce((regexp_like(eventid, '^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$') AND eventid <> '00000000-0000-0000-0000-000000000000' OR regexp_like(eventid, '[1-9]') AND NOT regexp_like(eventid, '[<>{}$\[\]]')), false) AS identified,
    coalesce((regexp_like(originaleventid, '^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$') AND originaleventid <> '00000000-0000-0000-0000-000000000000' OR regexp_like(originaleventid, '[1-9]') AND NOT regexp_like(originaleventid, '[<>{}$\[\]]')), false) AS original,
    coalesce((regexp_like(sharedeventid, '^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$') AND sharedeventid <> '00000000-0000-0000-0000-000000000000' OR regexp_like(sharedeventid, '[1-9]') AND NOT regexp_like(sharedeventid, '[<>{}$\[\]]')), false) AS twin
  FROM timed
),
judged AS (
  SELECT *, rolesession AND chosen OR whole AS complete,
    coalesce(chosen AND eventsource = 'sts.amazonaws.com' AND eventname IN ('AssumeRole', 'AssumeRoleWithSAML', 'AssumeRoleWithWebIdentity') AND strpos(errorcode, 'AccessDenied') > 0 AND id_given = 'true', false) AS denied,
    coalesce(chosen AND id_type IN ('IAMUser', 'Root') AND coalesce(id_invokedby, '') = '' AND id_key LIKE 'ASIA%'
      AND coalesce(fromconsole, '') <> 'true' AND coalesce(id_fromconsole, '') <> 'true', false) AS keyed,
    coalesce(chosen AND id_onbehalfof <> '' AND id_user <> '', false) AS named,
    coalesce((chosen OR whole) AND addendumreason = 'UPDATED_DATA' AND original AND originaleventid <> coalesce(eventid, ''), false) AS corrects,
    -- Of the copies of one call in several accounts only one counts.
    chosen AND rolesession AND twin AS shared,
    coalesce(chosen AND rolesession AND twin
      AND coalesce(nullif(id_account, ''), split_part(id_arn, ':', 5), '') <> coalesce(recipientaccountid, ''), false) AS elsewhere
  FROM placed
),
entries AS (
  SELECT recipientaccountid, counting, chosen, t,
    -- An event is one by its id and UTC day. One that corrects another takes its place, before or after midnight.
    CASE WHEN NOT (bad OR chosen OR whole) THEN ARRAY[CASE WHEN NOT counting THEN 'seen ' || stamp END]
      WHEN corrects AND counting THEN ARRAY[CASE WHEN identified THEN eventid || ' ' || CAST(t - (t) % 86400 AS varchar) ELSE CAST(uuid() AS varchar) END, originaleventid || ' ' || CAST(t - 86400 - (t - 86400) % 86400 AS varchar), originaleventid || ' ' || CAST(t - (t) % 86400 AS varchar), originaleventid || ' ' || CAST(t + 86400 - (t + 86400) % 86400 AS varchar)]
      WHEN bad OR NOT identified THEN ARRAY[CAST(uuid() AS varchar)]
      ELSE ARRAY[eventid || ' ' || CAST(t - (t) % 86400 AS varchar)] END AS ids,
    CASE WHEN corrects AND counting THEN originaleventid || ' ' END AS corrected,
    lpad(CAST(t AS varchar), 12, '0') || coalesce(eventid, '') AS moment,
    CASE WHEN shared AND NOT elsewhere THEN sharedeventid WHEN NOT (counting OR whole) THEN stamp END AS shared,
    json_format(CAST(ARRAY[
      -- Of the copies of one event the least kind is taken: event goes before evidence.
      CASE WHEN bad THEN 'bad' WHEN whole AND counting THEN 'event' WHEN whole THEN 'evidence' WHEN chosen THEN 'use' WHEN counting THEN 'read' ELSE 'seen' END,
      CASE WHEN whole THEN lpad(CAST(t AS varchar), 12, '0') || coalesce(eventid, '') WHEN rolesession AND chosen THEN CAST(t - t % 3600 AS varchar) END,
      CASE WHEN bad THEN objectname WHEN whole AND NOT counting THEN stamp END,
      CASE WHEN NOT bad THEN NULL WHEN coalesce(eventtime, '') = '' THEN 'no eventTime' WHEN coalesce(eventname, '') = '' THEN 'no eventName' ELSE 'eventTime is no time' END,
      CASE WHEN NOT bad THEN recipientaccountid END,
      CASE WHEN chosen OR whole THEN awsregion END,
      CASE WHEN complete OR denied THEN eventsource END,
      CASE WHEN whole OR denied THEN eventname END,
      CASE WHEN complete THEN sourceipaddress END,
      CASE WHEN complete THEN useragent END,
      CASE WHEN denied OR whole THEN errorcode WHEN rolesession AND errorcode <> '' THEN 'Error' END,
      CASE WHEN denied THEN errormessage END,
      CASE WHEN whole OR elsewhere THEN sharedeventid END,
      CASE WHEN complete THEN vpcendpointaccountid END,
      CASE WHEN complete THEN fromconsole END,
      CASE WHEN whole THEN requestparameters WHEN denied THEN json_format(CAST(MAP(ARRAY['roleArn'], ARRAY[json_extract_scalar(requestparameters, '$.roleArn')]) AS JSON)) END,
      CASE WHEN whole THEN regexp_replace(responseelements, '"sessionToken"\s*:\s*"[^"]*"', '"sessionToken":""') END,
      CASE WHEN whole THEN regexp_replace(serviceeventdetails, '"sessionToken"\s*:\s*"[^"]*"', '"sessionToken":""') END,
      CASE WHEN complete AND additionaleventdata LIKE '%SwitchFrom%' THEN json_extract_scalar(additionaleventdata, '$.SwitchFrom') END,
      CASE WHEN complete AND additionaleventdata LIKE '%QueryString%' THEN nullif(json_extract_scalar(additionaleventdata, '$.AuthenticationMethod'), 'AuthHeader') END,
      CASE WHEN whole AND corrects THEN addendumreason END,
      CASE WHEN whole AND corrects THEN originaleventid END,
      CASE WHEN whole AND corrects THEN updatedfields END,
      CASE WHEN complete OR denied OR keyed OR named OR id_type IN ('IAMUser', 'FederatedUser') THEN id_type END,
      CASE WHEN complete OR denied OR id_type = 'IAMUser' THEN id_principal END,
      CASE WHEN complete OR denied OR id_type IN ('IAMUser', 'FederatedUser') THEN id_arn END,
      CASE WHEN complete OR id_type = 'FederatedUser' THEN id_account END,
      CASE WHEN complete OR keyed THEN id_key END,
      CASE WHEN complete OR named THEN id_user END,
      CASE WHEN complete THEN id_invokedby END,
      CASE WHEN complete THEN id_provider END,
      CASE WHEN complete THEN id_credential END,
      CASE WHEN complete THEN id_delegate END,
      CASE WHEN complete OR named THEN id_onbehalfof END,
      CASE WHEN complete THEN id_onbehalfofstore END,
      CASE WHEN complete THEN id_scopesource END,
      CASE WHEN complete THEN id_scopeaccount END,
      CASE WHEN complete THEN id_scopetype END,
      CASE WHEN complete THEN id_scopeto END,
      CASE WHEN complete OR id_type = 'FederatedUser' THEN id_issuerarn END,
      CASE WHEN complete THEN id_issuerid END,
      CASE WHEN complete THEN id_issuertype END,
      CASE WHEN complete THEN id_issueraccount END,
      CASE WHEN complete THEN id_issueruser END,
      CASE WHEN complete THEN id_created END,
      CASE WHEN complete THEN id_mfa END,
      CASE WHEN complete THEN id_fromconsole END,
      CASE WHEN complete THEN id_federated END,
      CASE WHEN complete THEN id_federatedattributes END,
      CASE WHEN complete THEN id_sourceidentity END,
      CASE WHEN complete THEN id_delivery END,
      CASE WHEN complete THEN id_assumedroot END,
      CASE WHEN complete THEN id_signinsession END
    ] AS JSON)) AS entry
  FROM judged
),
-- One row for each event, however often it was delivered.
events AS (
  SELECT min(entry) AS entry, min(moment) AS moment, min(t) AS t, max(shared) AS shared,
    CASE WHEN bool_or(chosen) THEN count(*) FILTER (WHERE counting) - 1 ELSE 0 END AS copies
  FROM entries CROSS JOIN UNNEST(ids) AS u(id)
  GROUP BY recipientaccountid, id
  HAVING NOT coalesce(bool_or(starts_with(id, corrected)), false)
)
SELECT '["scan","1","8f97b99bb80fb69b","use","1","1","1795435200","1795521600","43200","900","3600","111122223333",""]' AS entry, CAST(0 AS bigint) AS calls, CAST(0 AS bigint) AS duplicates,
  CAST(NULL AS varchar) AS first_event, CAST(NULL AS bigint) AS last_time, CAST(NULL AS varchar) AS shared_events
UNION ALL
SELECT entry, count(*), CAST(sum(copies) AS bigint), min(moment), max(t), array_join(array_agg(shared) FILTER (WHERE shared IS NOT NULL), ' ')
FROM events
GROUP BY entry
