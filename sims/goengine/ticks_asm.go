//go:build amd64 || arm64

package main

// ticks reads the processor's time-stamp counter.
//
//go:noescape
func ticks() uint64

const tickName = "the processor's time-stamp counter"
