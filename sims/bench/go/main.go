// The peers of our kernels on real Go: the same loops, one kernel per process.
package main

import (
	"bufio"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"
)

type node struct {
	left, right *node
	a, b        uint64
}

var sink *node

//go:noinline
func alloc32(count uint64) uint64 {
	for i := uint64(0); i < count; i++ {
		sink = new(node)
	}
	return count
}

func yields(count uint64) uint64 {
	half := count / 2
	go func() {
		for i := uint64(0); i < half; i++ {
			runtime.Gosched()
		}
	}()
	for i := uint64(0); i < half; i++ {
		runtime.Gosched()
	}
	return 2 * half
}

func mapGrow(count uint64) uint64 {
	const entries = 1000000
	done := uint64(0)
	for done < count {
		m := make(map[uint64]uint64)
		for key := uint64(0); key < entries; key++ {
			m[key] = key
		}
		done += entries
	}
	return done
}

type kernel struct {
	procs int
	count uint64
	run   func(uint64) uint64
}

var kernels = map[string]kernel{
	"alloc32":  {1, 100000000, alloc32},
	"gosched":  {1, 20000000, yields},
	"map-grow": {2, 5000000, mapGrow},
}

// request returns "NAME [COUNT]" from the arguments or, without any, from standard input.
func request() []string {
	if len(os.Args) >= 2 && !strings.HasPrefix(os.Args[1], "-") {
		return os.Args[1:]
	}
	line, _ := bufio.NewReader(os.Stdin).ReadString('\n')
	return strings.Fields(line)
}

func parse(words []string) (k kernel, ok bool) {
	if len(words) < 1 || len(words) > 2 {
		return k, false
	}
	k, ok = kernels[words[0]]
	if len(words) == 2 && ok {
		n, err := strconv.ParseUint(words[1], 10, 64)
		k.count, ok = n, err == nil && n > 0
	}
	return k, ok
}

func main() {
	words := request()
	k, ok := parse(words)
	if !ok {
		fmt.Fprintln(os.Stderr, "usage: peer-go alloc32|gosched|map-grow [COUNT]")
		os.Exit(2)
	}
	runtime.GOMAXPROCS(k.procs)
	start := time.Now()
	done := k.run(k.count)
	ns := float64(time.Since(start).Nanoseconds()) / float64(done)
	fmt.Printf("{\"type\":\"result\",\"result\":{\"schema\":\"tricolor.result/1\","+
		"\"kernel\":%q,\"ns_per_op\":%.4f}}\n", words[0], ns)
}
