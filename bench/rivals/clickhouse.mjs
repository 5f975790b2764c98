// Groups the calls of role sessions with ClickHouse in this process: node clickhouse.mjs GLOB
// The schema is given, so that ClickHouse neither guesses nor reads more than it needs.
import { query } from 'chdb';

process.stdout.write(query(`
  SELECT r.userIdentity.arn AS arn, min(r.userIdentity.sessionContext.sessionIssuer.arn) AS roleArn,
    uniqExact(r.userIdentity.accessKeyId, r.userIdentity.sessionContext.attributes.creationDate) AS sessions,
    count() AS calls, countIf(r.errorCode != '') AS errors,
    min(r.eventTime) AS firstSeen, max(r.eventTime) AS lastSeen,
    length(groupUniqArray(r.sourceIPAddress) AS ips) AS sourceIps, arraySlice(arraySort(ips), 1, 10) AS ipSample,
    length(groupUniqArrayIf(r.userAgent, r.userAgent != '') AS agents) AS userAgents, arraySlice(arraySort(agents), 1, 10) AS agentSample,
    sumMap(map(r.eventSource, 1::UInt32)) AS services,
    arraySort(groupUniqArray(r.awsRegion)) AS regions
  FROM (SELECT DISTINCT ON (r.recipientAccountId, r.eventID) r FROM (
    SELECT arrayJoin(Records) AS r FROM file('${process.argv[2].replaceAll("'", "\\'")}', 'JSONEachRow', 'Records Array(Tuple(
      eventID String, recipientAccountId String, eventTime String, eventSource String, awsRegion String, sourceIPAddress String, userAgent String,
      errorCode Nullable(String), userIdentity Tuple(type String, arn String, accessKeyId String, sessionContext Tuple(
        sessionIssuer Tuple(arn String), attributes Tuple(creationDate String)))))', 'gzip'))
    WHERE r.userIdentity.type = 'AssumedRole')
  GROUP BY arn
  SETTINGS max_threads = 2, input_format_skip_unknown_fields = 1, input_format_null_as_default = 1,
    input_format_json_use_string_type_for_ambiguous_paths_in_named_tuples_inference_from_objects = 1,
    input_format_json_ignore_unknown_keys_in_named_tuple = 1, max_parsing_threads = 2,
    input_format_json_defaults_for_missing_elements_in_named_tuple = 1,
    output_format_json_quote_64bit_integers = 0`, 'JSONEachRow'));
