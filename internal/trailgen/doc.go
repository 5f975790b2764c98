// Package trailgen makes CloudTrail trails of which the truth is known: which
// app or person is behind each call, through which chain of assumed roles, and
// which rules have to fire on which session names. It knows nothing of the code
// that is judged by it.
//
// Everything depends on the seed and the configuration alone: the same ones
// give the same bytes, on any machine.
package trailgen
