package attribute

import "slices"

// step is a link of a chain with all before it. Sessions of one parent share
// its chain, however long it is.
type step struct {
	link  Link
	up    *step // nil at the root
	links int   // with all before
}

// then is the chain with one more link.
func (c *step) then(l Link) *step {
	n := 1
	if c != nil {
		n += c.links
	}
	return &step{link: l, up: c, links: n}
}

// maxChain is how many links of a chain are shown. Of a longer one the middle is
// left out: real chains have a few links, unless a role assumes itself over and
// over to stay alive.
const maxChain = 64

// list is the chain from the root on.
func (c *step) list() []Link {
	var out []Link
	for i := 0; c != nil; c, i = c.up, i+1 {
		if i < maxChain/2 || c.links <= maxChain/2 {
			out = append(out, c.link)
		}
	}
	slices.Reverse(out)
	return out
}
