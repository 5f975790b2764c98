// Package trailgen makes CloudTrail trails of which the truth is known: which
// app or person is behind each call, through which chain of assumed roles, and
// which rules have to fire on which session names. It knows nothing of the code
// that is judged by it.
//
// Everything depends on the seed and the configuration alone: the same ones
// give the same bytes, on any machine. What [OrgConfig.Missing] leaves out
// changes nothing else, and [OrgConfig.Events] changes how many calls sessions
// make, not how many sessions there are.
//
// The truth is one JSON value a line, see [Line]:
//
//   - call: one call of a role session in the window. A report that claims more
//     than its maxConfidence, or another origin than origin or one of
//     acceptable, is wrong. Instances are those of the root of the chain.
//   - expect: what a rule has to do with a role or some of its names. The
//     expectations are complete: what no line says fire or either of must stay
//     silent. Where assume events are missing, a finding that needs several
//     origins can be asked for only if provable has them.
//   - other and denied: sessions that are no role's, and refused assumptions.
//
// [Summary] holds the exact counts. A trail is below AWSLogs in the folder that
// it is written to; the truth lies beside it, where a scan of AWSLogs does not
// meet it.
package trailgen
