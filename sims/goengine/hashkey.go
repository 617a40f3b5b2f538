//go:build !go1.23

package main

import _ "unsafe" // for go:linkname

// hashKey is what the hash functions of processors without AES instructions are keyed with; only
// its first word matters.
//
//go:linkname hashKey runtime.hashkey
var hashKey [4]uintptr

func portableHashKey() uint64 { return uint64(hashKey[0]) }
