//go:build !amd64 || purego

package ingest

func wideSkips() bool { return false }

func skipBlocks(*byte, int, *skipState) int { return 0 }
