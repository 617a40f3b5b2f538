// An engine that runs a scenario on the real Go runtime it was built with. sims/protocol.h says how
// the front end talks to it, sims/scenario.h what the operations mean; region.go why there are two
// processes.
package main

import (
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"strings"
	"syscall"
	"time"
)

const (
	exitOK = iota
	exitFailed
	exitInput
	exitEngine
)

const workloadOption = "--workload" // how this program starts itself

func init() {
	runtime.LockOSThread() // the parent-death signals are bound to threads: use the first
}

func refuse(lines ...string) {
	for _, line := range lines {
		fmt.Fprintln(os.Stderr, line)
	}
	os.Exit(exitInput)
}

type options struct {
	run     string
	gctrace bool
	// Hash with the functions for processors without AES instructions, which ours are too.
	portableHash bool
}

func parseOptions(words []string) (o options) {
	for i := 0; i < len(words); i++ {
		hasValue := i+1 < len(words)
		switch {
		case words[i] == "--gctrace":
			o.gctrace = true
		case words[i] == "--portable-hash":
			o.portableHash = true
		case words[i] == "--run" && hasValue:
			i++
			o.run = words[i]
		case words[i] == "--events" && hasValue:
			refuse("--events: real Go writes no event log in our format; leave it out")
		default:
			refuse("unknown or incomplete option " + words[i] + "; an engine is started by " +
				"tricolor, which writes the scenario to its standard input; options: --run N/M " +
				"--gctrace --portable-hash")
		}
	}
	return o
}

// dieWithParent: a watcher nobody waits for is to end.
func dieWithParent() {
	const prSetPdeathsig = 1
	parent := os.Getppid()
	syscall.RawSyscall(syscall.SYS_PRCTL, prSetPdeathsig, uintptr(syscall.SIGKILL), 0)
	if os.Getppid() != parent {
		os.Exit(exitEngine)
	}
}

func main() {
	if len(os.Args) == 2 && os.Args[1] == workloadOption {
		os.Exit(workloadMain())
	}
	dieWithParent()
	o := parseOptions(os.Args[1:])
	asked := make(chan os.Signal, 1)
	signal.Notify(asked, syscall.SIGTERM)
	clocks := startClocks()
	const most = 4 << 20
	text, err := io.ReadAll(io.LimitReader(os.Stdin, most+1))
	if err != nil || len(text) > most {
		refuse("the scenario cannot be read or is longer than 4 MiB")
	}
	var r refusals
	s := parseScenario(text, &r)
	if len(r.lines) > 0 {
		refuse(r.lines...)
	}
	s.portableHash = o.portableHash
	w := &watcher{options: o, scenario: s, clocks: clocks, asked: asked}
	status, err := w.watch()
	if err != nil {
		fmt.Fprintln(os.Stderr, "tricolor: real Go: "+err.Error())
		os.Exit(exitEngine)
	}
	os.Exit(status)
}

// clocks relates ticks to nanoseconds.
type clocks struct{ ticks, ns uint64 }

func startClocks() clocks { return clocks{ticks(), nanotime()} }

// nsPerTick since the start, which is made a few milliseconds ago at least.
func (c clocks) nsPerTick() float64 {
	const least = 3e6
	if gone := nanotime() - c.ns; gone < least {
		time.Sleep(time.Duration(least - gone))
	}
	return float64(nanotime()-c.ns) / float64(ticks()-c.ticks)
}

// environment is ours without what tunes a Go runtime, and with what the scenario asks for.
func (s *scenario) environment() []string {
	env := []string{}
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "GO") {
			env = append(env, v)
		}
	}
	debug := "GODEBUG=gctrace=1"
	if s.portableHash {
		debug += ",cpu.aes=off"
	}
	env = append(env, debug, "GOGC="+s.gogc, fmt.Sprintf("GOMAXPROCS=%d", s.procs))
	if s.memoryLimit != "" {
		env = append(env, "GOMEMLIMIT="+s.memoryLimit)
	}
	return env
}
