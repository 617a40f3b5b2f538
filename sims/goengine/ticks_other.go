//go:build !amd64 && !arm64

package main

func ticks() uint64 { return nanotime() }

const tickName = "the runtime's monotonic clock"
