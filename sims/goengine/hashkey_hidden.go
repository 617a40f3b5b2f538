//go:build go1.23

package main

// portableHashKey is 0: this Go does not show what it keys its hash functions with.
func portableHashKey() uint64 { return 0 }
