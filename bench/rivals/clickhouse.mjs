// Groups the calls of role sessions with ClickHouse in this process: node clickhouse.mjs GLOB
// The schema is given, so that ClickHouse neither guesses nor reads more than it needs.
import { query } from 'chdb';

const out = query(`
  SELECT count() AS names, sum(calls) AS calls FROM (
    SELECT r.userIdentity.arn AS arn, count() AS calls,
      countIf(r.errorCode != '') AS errors,
      uniqExact(r.userIdentity.accessKeyId) AS sessions,
      min(r.eventTime) AS firstSeen, max(r.eventTime) AS lastSeen,
      uniqExact(r.sourceIPAddress) AS addresses,
      uniqExact(r.userAgent) AS agents,
      uniqExact(r.eventSource) AS services,
      uniqExact(r.awsRegion) AS regions
    FROM (SELECT DISTINCT ON (r.recipientAccountId, r.eventID) r FROM (
      SELECT arrayJoin(Records) AS r FROM file('${process.argv[2].replaceAll("'", "\\'")}', 'JSONEachRow', 'Records Array(Tuple(
        eventID String, recipientAccountId String, eventTime String, eventSource String, awsRegion String, sourceIPAddress String, userAgent String,
        errorCode Nullable(String), userIdentity Tuple(type String, arn String, accessKeyId String)))', 'gzip'))
      WHERE r.userIdentity.type = 'AssumedRole')
    GROUP BY arn)
  SETTINGS max_threads = 2, input_format_skip_unknown_fields = 1, input_format_null_as_default = 1,
    input_format_json_use_string_type_for_ambiguous_paths_in_named_tuples_inference_from_objects = 1,
    input_format_json_ignore_unknown_keys_in_named_tuple = 1, max_parsing_threads = 2,
    input_format_json_defaults_for_missing_elements_in_named_tuple = 1`, 'JSONEachRow');
const row = JSON.parse(out);
console.log(JSON.stringify({ names: Number(row.names), calls: Number(row.calls) }));
