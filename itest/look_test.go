package itest

import "testing"

func TestLook(t *testing.T) {
	b := open(t, demo())
	b.picture("wide")
	b.size(390, 844)
	b.picture("narrow")
	b.size(1440, 900)
	b.media("screen", "dark")
	b.picture("dark")
}
