// Collection cycles: from the gctrace lines, and, exactly, from the runtime's memory.
package main

import (
	"math"
	"regexp"
	"sort"
	"strconv"
	"strings"
)

type cycle struct {
	number, procs uint64
	isForced      bool
	// Nanoseconds of the monotonic clock: first stop requested, over, second requested, over.
	start, mark, markTerm, end        float64
	assist, dedicated, idle           float64 // ns; dedicated includes fractional unless exact
	fractional                        interface{}
	heapStart, heapEnd, heapMarked    float64
	goal                              float64
	cpuFraction                       float64
	isExact                           bool
	consMark, heapScan, stackScan     interface{} // nil: unknown
	globalsScan, stackBytes, heapLive interface{}

	at          float64   // ns since the runtime started, by milliseconds
	clock       []float64 // the three phases by the line, ns
	line        string
	isPlaced    bool
	pauseOfBoth float64 // exact, from MemStats; 0: unknown
}

// The line of Go 1.10 and later.
var gctracePattern = regexp.MustCompile(`^gc (\d+) @([\d.]+)s (\d+)%: ` +
	`([\d.]+)\+([\d.]+)\+([\d.]+) ms clock, ` +
	`([\d.]+)\+([\d.]+)/([\d.]+)/([\d.]+)\+([\d.]+) ms cpu, ` +
	`(\d+)->(\d+)->(\d+) MB, (\d+) MB goal, ` +
	`(?:(\d+) MB stacks, (\d+) MB globals, )?(\d+) P( \(forced\))?`)

const ms, mib = 1e6, 1 << 20

func parseGctrace(line string) (c cycle, isOne bool) {
	fields := gctracePattern.FindStringSubmatch(line)
	if fields == nil {
		return c, false
	}
	n := make([]float64, len(fields))
	for i := range fields {
		n[i], _ = strconv.ParseFloat(fields[i], 64)
	}
	return cycle{
		number: uint64(n[1]), at: n[2] * 1e9, cpuFraction: n[3] / 100,
		clock:  []float64{n[4] * ms, n[5] * ms, n[6] * ms},
		assist: n[8] * ms, dedicated: n[9] * ms, idle: n[10] * ms,
		heapStart: n[12] * mib, heapEnd: n[13] * mib, heapMarked: n[14] * mib, goal: n[15] * mib,
		procs: uint64(n[18]), isForced: fields[19] != "", line: strings.TrimSpace(line),
	}, true
}

// refine puts what was read from the runtime's memory while it wrote the line in the place of the
// line's rounded numbers, if that memory was about this cycle.
func (c *cycle) refine(s snapshot) {
	if s == nil || s["work.cycles"] != float64(c.number) {
		return
	}
	times := []float64{s["work.tSweepTerm"], s["work.tMark"], s["work.tMarkTerm"], s["work.tEnd"]}
	if !sort.Float64sAreSorted(times) {
		return // the next cycle has begun to write its own
	}
	for _, name := range exactNeeded {
		if _, isThere := s[name]; !isThere {
			return
		}
	}
	c.isExact, c.isPlaced = true, true
	c.start, c.mark = s["work.tSweepTerm"], s["work.tMark"]
	c.markTerm, c.end = s["work.tMarkTerm"], s["work.tEnd"]
	c.assist, c.idle = s["gcController.assistTime"], s["gcController.idleMarkTime"]
	c.dedicated = s["gcController.dedicatedMarkTime"]
	c.fractional = s["gcController.fractionalMarkTime"]
	c.heapStart, c.heapEnd, c.heapMarked = s["work.heap0"], s["work.heap1"], s["work.heap2"]
	c.goal = s["gcController.lastHeapGoal"]
	c.consMark = s.get("gcController.consMark")
	c.heapScan = s.get("gcController.lastHeapScan")
	c.stackScan = s.get("gcController.lastStackScan")
	c.stackBytes = s.get("gcController.maxStackScan")
	c.globalsScan = s.get("gcController.globalsScan")
	if fraction, isThere := s["memstats.gc_cpu_fraction"]; isThere {
		c.cpuFraction = fraction
	}
}

// placeCycles gives the cycles that were not refined their times, from what MemStats remembers
// about the last 256 and, for older ones, from the milliseconds of their lines.
func placeCycles(cycles []cycle, h *header) {
	initNs := math.NaN()
	for i := len(cycles) - 1; i >= 0; i-- {
		c := &cycles[i]
		if age := h.pauseCount - c.number; h.pauseCount >= c.number && age < 256 {
			slot := (c.number - 1) % 256
			c.pauseOfBoth = float64(h.pauseNs[slot])
			c.place(float64(h.startNs) + float64(int64(h.pauseEnd[slot]-h.startUnixNs)))
		} else if !math.IsNaN(initNs) {
			c.place(initNs + c.at + c.clock[0] + c.clock[1] + c.clock[2])
		} else { // nothing better: as if the runtime had started when it reached main
			c.place(float64(h.startNs) + c.at)
		}
		initNs = c.start - c.at
	}
}

func (c *cycle) place(end float64) {
	if c.isPlaced {
		return
	}
	first, second := c.clock[0], c.clock[2]
	if both := first + second; c.pauseOfBoth > 0 && both > 0 {
		first, second = c.pauseOfBoth*first/both, c.pauseOfBoth*second/both
	}
	c.isPlaced = true
	c.end = end
	c.markTerm = end - second
	c.mark = c.markTerm - c.clock[1]
	c.start = c.mark - first
}

// fractionalNs is 0 where it is part of the dedicated time.
func (c *cycle) fractionalNs() float64 {
	ns, _ := c.fractional.(float64)
	return ns
}
