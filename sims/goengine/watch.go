// The watcher: starts the workload, reports its progress, collects what the runtime says about its
// collections, and knows what to say when it dies.
package main

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

type watcher struct {
	options
	clocks
	scenario *scenario
	asked    chan os.Signal
	region   *region
	peeker   *peeker
	child    *exec.Cmd
	lock     sync.Mutex // guards standard output and what follows
	cycles   []cycle
	said     []string // other lines of its standard error, the first few
	last     snapshot // of the runtime, at the end
	rssBytes uint64
}

// how an ending looks in the result.
type ending struct {
	kind, text string // of the violation; empty: none
	status     int
	isPartial  bool
}

const (
	progressEvery = 200 * time.Millisecond
	lineDelay     = 300 * time.Microsecond // a gctrace line is written in many pieces
	saidMost      = 40
)

func (w *watcher) write(line interface{}) {
	text, err := json.Marshal(line)
	if err != nil {
		text = []byte(`{"type":"error"}`)
	}
	os.Stdout.Write(append(text, '\n'))
}

func (w *watcher) watch() (int, error) {
	var err error
	if w.region, err = w.scenario.compile(); err != nil {
		return 0, errors.New("no shared memory: " + err.Error())
	}
	w.peeker = newPeeker()
	w.region.head.nsPerTick = w.nsPerTick()
	input, output, said, err := w.start()
	if err != nil {
		return 0, errors.New("the workload process did not start: " + err.Error())
	}
	var readers sync.WaitGroup
	readers.Add(1)
	go func() {
		w.readStderr(said)
		readers.Done()
	}()
	finished := make(chan bool, 1)
	go func() {
		n, _ := output.Read(make([]byte, 1))
		finished <- n == 1
	}()
	isWhole, isAsked := w.wait(finished)
	w.rssBytes = peakResident(w.child.Process.Pid)
	w.last = w.peeker.look()
	if isWhole {
		input.Close()
	} else if isAsked {
		w.child.Process.Kill()
	}
	end := nanotime()
	readers.Wait()
	err = w.child.Wait()
	e := ending{status: exitOK}
	if isAsked {
		e = ending{"stopped", "asked to end", exitEngine, true}
	} else if !isWhole {
		e = w.judgeDeath(err)
	}
	if e.isPartial && w.region.head.endNs == 0 {
		w.region.head.endNs = end
		w.region.head.after.cpuNs = cpuOf(w.child)
	}
	w.write(map[string]interface{}{"type": "result", "result": w.result(e)})
	return e.status, nil
}

func (w *watcher) start() (in io.Closer, out, said io.Reader, err error) {
	w.child = exec.Command("/proc/self/exe", workloadOption)
	w.child.Args[0] = os.Args[0]
	w.child.Env = w.scenario.environment()
	w.child.ExtraFiles = []*os.File{w.region.file}
	w.child.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if in, err = w.child.StdinPipe(); err != nil {
		return
	}
	if out, err = w.child.StdoutPipe(); err != nil {
		return
	}
	if said, err = w.child.StderrPipe(); err != nil {
		return
	}
	if err = w.child.Start(); err == nil {
		w.peeker.attach(w.child.Process.Pid)
	}
	return
}

// wait until the workload has finished or died, or somebody asks to end.
func (w *watcher) wait(finished chan bool) (isWhole, isAsked bool) {
	ticker := time.NewTicker(progressEvery)
	defer ticker.Stop()
	for {
		select {
		case isWhole = <-finished:
			return isWhole, false
		case <-w.asked:
			return false, true
		case <-ticker.C:
			w.writeProgress()
		}
	}
}

// ---- what it writes ----

// readStderr looks at the runtime's memory as soon as a gctrace line begins, because the next
// cycle cannot start before its end. When a line comes all at once, we were late; it may not be
// too late yet.
func (w *watcher) readStderr(from io.Reader) {
	var line []byte
	var seen snapshot
	buffer := make([]byte, 4096)
	for {
		n, err := from.Read(buffer)
		for _, b := range buffer[:n] {
			if b != '\n' {
				line = append(line, b)
				continue
			}
			if seen == nil {
				seen = w.peeker.look()
			}
			w.takeLine(string(line), seen)
			line, seen = line[:0], nil
		}
		if len(line) > 0 && seen == nil && strings.HasPrefix("gc ", string(line[:min(3, len(line))])) {
			seen = w.peeker.look()
			time.Sleep(lineDelay)
		}
		if err != nil {
			break
		}
	}
	if !strings.HasPrefix(string(line), "gc ") && len(line) > 0 { // a cycle it did not finish to tell
		w.takeLine(string(line), nil)
	}
}

func min(a, b int) int {
	if a < b {
		return a
	}
	return b
}

func (w *watcher) takeLine(line string, seen snapshot) {
	w.lock.Lock()
	defer w.lock.Unlock()
	c, isCycle := parseGctrace(line)
	if !isCycle {
		if len(w.said) < saidMost {
			w.said = append(w.said, line)
			os.Stderr.WriteString(line + "\n")
		}
		return
	}
	c.refine(seen)
	w.cycles = append(w.cycles, c)
	if w.gctrace {
		w.write(map[string]string{"type": "gctrace", "line": c.line})
	}
}

// ---- how far it is ----

// describe is what goroutine n of body b is doing.
func (w *watcher) describe(b int, n uint64) string {
	body := &w.region.bodies[b]
	doing := w.region.slots[body.slot+n].doing
	if doing == 0 || doing > body.count {
		return ""
	}
	s := w.scenario
	o := &w.region.ops[body.first+doing-1]
	text := "goroutine " + s.groups[b].name + ": " + opNames[o.kind]
	of := map[bool]*names{o.kind <= opMapClear: &s.maps,
		o.kind >= opListPush && o.kind <= opListWalk:  &s.lists,
		o.kind >= opTreeBuild && o.kind <= opTreeWalk: &s.trees,
		o.kind >= opChanSend && o.kind <= opChanClose: &s.channels}[true]
	if of != nil && o.target != noTarget {
		text += " " + of.list[o.target]
	}
	return text
}

// doing is what goroutines are doing: of any of them, and whether of all that run.
func (w *watcher) doing() (what string, isAll bool) {
	isAll = true
	for b := range w.region.bodies {
		for n := uint64(0); n < w.region.bodies[b].goroutines; n++ {
			text := w.describe(b, n)
			isAll = isAll && (text == "" || what == "" || text == what)
			if what == "" {
				what = text
			}
		}
	}
	return what, isAll && what != ""
}

// ops is the operations of the groups so far, or of the setup.
func (w *watcher) ops(ofSetup bool) (sum uint64) {
	slots := w.region.slots[1:]
	if ofSetup {
		slots = w.region.slots[:1]
	}
	for i := range slots {
		sum += slots[i].ops
	}
	return sum
}

func (w *watcher) writeProgress() {
	isSetup := w.region.head.phase < phaseRun
	phase, planned := "run", w.scenario.planned()
	if isSetup {
		phase, planned = "setup", w.scenario.groups[0].planned
	}
	done := 0.0
	if planned > 0 {
		if done = float64(w.ops(isSetup)) / float64(planned); done > 1 {
			done = 1
		}
	}
	what, _ := w.doing()
	w.lock.Lock()
	defer w.lock.Unlock()
	w.write(map[string]interface{}{
		"type": "progress", "phase": phase, "done": done, "what": what,
	})
}

// ---- how it ended ----

// judgeDeath says why the workload ended early, by what the runtime wrote.
func (w *watcher) judgeDeath(err error) ending {
	text := ""
	for _, line := range w.said {
		for _, prefix := range []string{"fatal error: ", "panic: "} {
			if text == "" && strings.HasPrefix(line, prefix) {
				text = strings.TrimPrefix(line, prefix)
			}
		}
	}
	switch {
	case strings.Contains(text, "deadlock!"):
		return ending{"deadlock", text, exitFailed, true}
	case strings.HasPrefix(text, "concurrent map"), strings.HasPrefix(text, "sync: "),
		strings.HasSuffix(text, " closed channel"):
		return ending{"fatal", text, exitFailed, true}
	case strings.Contains(text, "out of memory"), strings.Contains(text, "cannot allocate memory"):
		return ending{"out_of_memory", text, exitEngine, true}
	case text == "" && err != nil:
		text = "the workload process ended: " + err.Error()
	case text == "":
		text = "the workload process ended early"
	}
	return ending{"bug", text, exitEngine, true}
}

func peakResident(pid int) uint64 {
	text, _ := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/status")
	for _, line := range strings.Split(string(text), "\n") {
		if fields := strings.Fields(line); len(fields) >= 2 && fields[0] == "VmHWM:" {
			kib, _ := strconv.ParseUint(fields[1], 10, 64)
			return kib << 10
		}
	}
	return 0
}

func cpuOf(child *exec.Cmd) uint64 {
	state := child.ProcessState
	if state == nil {
		return 0
	}
	return uint64(state.UserTime() + state.SystemTime())
}
