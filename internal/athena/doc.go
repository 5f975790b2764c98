// Package athena runs the reading and the grouping of a scan on Amazon Athena,
// where the logs are: it makes a table over the objects of a trail, runs a query
// that rolls up the use of role sessions, and reads the result back as the events
// and counts that a local scan would have come to.
//
// The kinds of a result's rows are told apart by the first element of the JSON
// array in the column entry:
//
//   - event: a call that issued credentials, as a whole record;
//   - use: calls that are alike in everything that attribution reads, but for
//     their ids and their times within one hour, with their number, the first and
//     the last of them;
//   - read: an account of which nothing lies in the window; and bad, records that
//     nobody can use;
//   - evidence: as event, from an object that a scan of the bucket reads only if a
//     credential needs it, with when that was delivered; and seen, the times of
//     such objects of one account.
//
// One more row, scan, says which query the result is of. Each entry is turned
// back into a CloudTrail record that [ingest.Reader] reads, so that one decoder
// serves the logs and the results.
//
// The queries are written for Athena's engine version 3, which is Trino:
// https://docs.aws.amazon.com/athena/latest/ug/engine-versions-reference-0003.html
package athena
