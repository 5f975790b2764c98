// Groups the calls of role sessions with DuckDB: node duckdb.mjs GLOB
// The schema is given, so that DuckDB neither guesses nor reads more than it needs.
import { DuckDBInstance } from '@duckdb/node-api';

const db = await DuckDBInstance.create(':memory:', { threads: '2' });
const connection = await db.connect();
const result = await connection.runAndReadAll(`
  SELECT to_json(names) FROM (
    SELECT r.userIdentity.arn AS arn, min(r.userIdentity.sessionContext.sessionIssuer.arn) AS roleArn,
      count(DISTINCT (r.userIdentity.accessKeyId, r.userIdentity.sessionContext.attributes.creationDate)) AS sessions,
      count(*) AS calls, count(r.errorCode) AS errors,
      min(r.eventTime) AS firstSeen, max(r.eventTime) AS lastSeen,
      list_sort(list(DISTINCT r.sourceIPAddress)) AS ips, len(ips) AS sourceIps, ips[:10] AS ipSample,
      list_sort(list(DISTINCT r.userAgent)) AS agents, len(agents) AS userAgents, agents[:10] AS agentSample,
      map_entries(histogram(r.eventSource)) AS services,
      list_sort(list(DISTINCT r.awsRegion)) AS regions
    FROM (SELECT DISTINCT ON (r.recipientAccountId, r.eventID) r FROM (
      SELECT unnest(Records) AS r FROM read_json($files, format = 'unstructured', compression = 'gzip',
        maximum_object_size = 268435456, columns = {Records: 'STRUCT(
          eventID VARCHAR, recipientAccountId VARCHAR,
          eventTime VARCHAR, eventSource VARCHAR, awsRegion VARCHAR, sourceIPAddress VARCHAR, userAgent VARCHAR,
          errorCode VARCHAR, userIdentity STRUCT("type" VARCHAR, arn VARCHAR, accessKeyId VARCHAR, sessionContext STRUCT(
            sessionIssuer STRUCT(arn VARCHAR), attributes STRUCT(creationDate VARCHAR))))[]'}))
      WHERE r.userIdentity."type" = 'AssumedRole')
    GROUP BY r.userIdentity.arn) AS names`.replace('$files', `'${process.argv[2].replaceAll("'", "''")}'`));
for (const [row] of result.getRows()) {
  const { ips, agents, ...name } = JSON.parse(row);
  name.services = Object.fromEntries(name.services.map(({ key, value }) => [key, value]));
  console.log(JSON.stringify(name));
}
