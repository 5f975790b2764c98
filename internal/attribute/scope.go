package attribute

import (
	"fmt"
	"slices"
	"strings"
)

// scope is what a scan judges of an earlier report's findings.
type scope struct {
	baseline *Baseline
	opt      Options
	filters  []string // the scan's
	same     bool     // the earlier report has them, too

	outside, notRun int // findings that were not judged
}

func newScope(r *Result, b *Baseline, opt Options) *scope {
	return &scope{baseline: b, opt: opt, filters: r.Scan.Filters, same: slices.Equal(b.filters, r.Scan.Filters)}
}

// judges reports whether the scan would have found a finding of the earlier
// report, were it still there. It counts those that it would not.
func (s *scope) judges(f Finding) bool {
	switch {
	case !slices.Contains(ruleIDs(), f.Rule) || s.opt.Config.Rule(f.Rule).Off:
		s.notRun++
		return false
	case !s.same && !s.inside(f):
		s.outside++
		return false
	}
	return true
}

// inside reports whether all that a finding is about passes the filters.
func (s *scope) inside(f Finding) bool {
	if len(s.filters) > 0 && s.baseline.redacted {
		return false // nothing in it tells
	}
	reported := len(f.RoleARNs) == 0
	for _, arn := range f.RoleARNs {
		role, ok := ParseRoleARN(arn)
		if !ok || len(s.opt.Accounts) > 0 && !slices.Contains(s.opt.Accounts, role.Account) || !s.read(arn) {
			return false
		}
		// A finding across roles is reported where one of them is.
		reported = reported || s.opt.Role == nil || s.opt.Role(role.Name)
	}
	for name := range f.allNames(s.baseline.names) {
		if !s.session(name) {
			return false
		}
	}
	return reported
}

// read reports whether all regions in which the role was used are read.
func (s *scope) read(arn string) bool {
	if len(s.opt.Regions) == 0 {
		return true
	}
	used := s.baseline.regions[roleKey(arn)]
	for region := range used {
		if !slices.Contains(s.opt.Regions, region) {
			return false
		}
	}
	return len(used) > 0
}

func (s *scope) session(name string) bool { return s.opt.Session == nil || s.opt.Session(name) }

// caveats tell how many findings were not judged, and why.
func (s *scope) caveats() []string {
	var list []string
	switch {
	case s.outside == 1:
		list = append(list, fmt.Sprintf("1 finding of the earlier report lies outside of %s: it is not compared", strings.Join(s.filters, " ")))
	case s.outside > 1:
		list = append(list, fmt.Sprintf("%d findings of the earlier report lie outside of %s: they are not compared", s.outside, strings.Join(s.filters, " ")))
	}
	switch {
	case s.notRun == 1:
		list = append(list, "1 finding of the earlier report is of a rule that did not run this time: it is not compared")
	case s.notRun > 1:
		list = append(list, fmt.Sprintf("%d findings of the earlier report are of rules that did not run this time: they are not compared", s.notRun))
	}
	return list
}
