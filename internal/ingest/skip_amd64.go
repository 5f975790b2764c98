//go:build !purego

package ingest

import "golang.org/x/sys/cpu"

// wideSkips reports whether this processor has what skipBlocks uses.
func wideSkips() bool {
	return cpu.X86.HasAVX2 && cpu.X86.HasPCLMULQDQ && cpu.X86.HasPOPCNT
}

// skipBlocks passes over blocks of 64 of the n bytes at b, from the state to the
// state behind them. It ends behind the brace or bracket that brings the depth
// to 0, or where fewer than 64 bytes are left.
//
//go:noescape
func skipBlocks(b *byte, n int, st *skipState) (at int)
