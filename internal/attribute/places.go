package attribute

// Places are the accounts (recipientAccountId) and the regions whose events were
// read, sorted, those that Options leaves out included.
func (s *Audit) Places() (accounts, regions []string) {
	s.collect()
	a, r := map[string]bool{}, map[string]bool{}
	for k := range s.base.cover {
		a[s.base.text[k.account]] = true
		r[s.base.text[k.region]] = true
	}
	return sortedKeys(a), sortedKeys(r)
}
