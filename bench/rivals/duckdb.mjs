// Groups the calls of role sessions with DuckDB: node duckdb.mjs GLOB
// The schema is given, so that DuckDB neither guesses nor reads more than it needs.
import { DuckDBInstance } from '@duckdb/node-api';

const db = await DuckDBInstance.create(':memory:', { threads: '2' });
const connection = await db.connect();
const result = await connection.runAndReadAll(`
  SELECT count(*) AS names, sum(calls)::BIGINT AS calls FROM (
    SELECT r.userIdentity.arn AS arn, count(*) AS calls,
      count(r.errorCode) AS errors,
      count(DISTINCT r.userIdentity.accessKeyId) AS sessions,
      min(r.eventTime) AS firstSeen, max(r.eventTime) AS lastSeen,
      count(DISTINCT r.sourceIPAddress) AS addresses,
      count(DISTINCT r.userAgent) AS agents,
      count(DISTINCT r.eventSource) AS services,
      count(DISTINCT r.awsRegion) AS regions
    FROM (SELECT DISTINCT ON (r.recipientAccountId, r.eventID) r FROM (
      SELECT unnest(Records) AS r FROM read_json($files, format = 'unstructured', compression = 'gzip',
        maximum_object_size = 268435456, columns = {Records: 'STRUCT(
          eventID VARCHAR, recipientAccountId VARCHAR,
          eventTime VARCHAR, eventSource VARCHAR, awsRegion VARCHAR, sourceIPAddress VARCHAR, userAgent VARCHAR,
          errorCode VARCHAR, userIdentity STRUCT("type" VARCHAR, arn VARCHAR, accessKeyId VARCHAR))[]'}))
      WHERE r.userIdentity."type" = 'AssumedRole')
    GROUP BY ALL)`.replace('$files', `'${process.argv[2].replaceAll("'", "''")}'`));
const [[names, calls]] = result.getRows();
console.log(JSON.stringify({ names: Number(names), calls: Number(calls) }));
