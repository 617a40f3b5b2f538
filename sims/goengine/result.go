// The result document, tricolor.result/1, of what the workload has left.
package main

import (
	"encoding/json"
	"fmt"
	"math"
	"runtime"
	"sort"
	"strings"
)

type members map[string]interface{}

// set puts v at the dotted path. Numbers that are none become null.
func (m members) set(path string, v interface{}) {
	for {
		dot := strings.IndexByte(path, '.')
		if dot < 0 {
			break
		}
		inner, _ := m[path[:dot]].(members)
		if inner == nil {
			inner = members{}
			m[path[:dot]] = inner
		}
		m, path = inner, path[dot+1:]
	}
	if f, isFloat := v.(float64); isFloat && (math.IsNaN(f) || math.IsInf(f, 0)) {
		v = nil
	}
	m[path] = v
}

// whole is f as a whole number; whatever is none stays.
func whole(f interface{}) interface{} {
	if f, isFloat := f.(float64); isFloat {
		return int64(math.Round(f))
	}
	return f
}

// isKnown is v, or null where it could not be measured.
func known(isKnown bool, v interface{}) interface{} {
	if !isKnown {
		return nil
	}
	return v
}

const cyclesKept = 4000

func (w *watcher) result(e ending) members {
	s, h := w.scenario, w.region.head
	if h.beginNs == 0 {
		h.endNs = 0 // the clock never started
	}
	placeCycles(w.cycles, h)
	m := members{
		"schema": "tricolor.result/1", "scenario": s.name, "engine": "native", "collector": "go",
		"version": runtime.Version(), "run": w.run, "seed": s.seed, "procs": s.procs,
		"partial": e.isPartial, "violations": w.violations(e), "notes": w.notes(),
		"config": json.RawMessage(s.text),
	}
	if w.run == "" {
		m["run"] = nil
	}
	w.setTimes(m)
	w.setGC(m, !e.isPartial)
	w.setPauses(m)
	w.setObserved(m, !e.isPartial || h.beginNs != 0)
	for _, name := range []string{"goroutines", "switches", "steals", "preemptions", "parks",
		"stops", "threads"} {
		m.set("sched."+name, nil)
	}
	for _, name := range []string{"dropped", "logged", "stops_lost"} {
		m.set("events."+name, 0)
	}
	for _, name := range []string{"steps", "switches", "coherence_misses", "read_misses",
		"write_misses", "memory_misses"} {
		m.set("model."+name, nil)
	}
	m.set("model.processors", []members{})
	lost := len(w.cycles) - cyclesKept
	if lost < 0 {
		lost = 0
	}
	m.set("events.cycles_lost", lost)
	w.setThings(m, e.isPartial)
	return m
}

func (w *watcher) violations(e ending) []members {
	if e.kind == "" {
		return []members{}
	}
	what, isAll := w.doing()
	return []members{{"kind": e.kind, "text": e.text, "doing": known(isAll, what)}}
}

func (w *watcher) notes() []string {
	s, h := w.scenario, w.region.head
	notes := []string{fmt.Sprintf("this is %s itself: its scheduler, allocator, map and pacer; "+
		"gc.mallocs and gc.bytes_allocated include what it allocates for goroutines and mark "+
		"workers", runtime.Version())}
	exact := 0
	for i := range w.cycles {
		if w.cycles[i].isExact {
			exact++
		}
	}
	text := "pauses are the two stops of each cycle, from the request until the world runs again; "
	switch {
	case exact == len(w.cycles):
		text += "cycles were read from the runtime's memory at its gctrace lines"
	default:
		text += fmt.Sprintf("%d of %d cycles have the two digits of their gctrace lines, and "+
			"fractional workers' time is part of the dedicated workers'", len(w.cycles)-exact,
			len(w.cycles))
	}
	notes = append(notes, text)
	notes = append(notes, "mmu spreads the marking of a cycle evenly over its mark phase: an upper "+
		"bound for windows shorter than that")
	notes = append(notes, fmt.Sprintf("observed gaps are read from %s; the whole time of a channel "+
		"operation, lock or sleep that had to wait is taken out", tickName))
	if s.hasTightLoop {
		notes = append(notes, "compute without safepoints: Go can stop a loop anywhere "+
			"(asynchronous preemption), so nobody waits for it")
	}
	if s.stackBytes != 256<<10 {
		notes = append(notes, "runtime.stack_bytes: Go's stacks grow by themselves: no effect")
	}
	if h.measuresMaps == 0 && len(s.maps.list) > 0 {
		notes = append(notes, runtime.Version()+" has another map than Go 1.19: no buckets to count")
	}
	if minor() != 19 {
		notes = append(notes, "gc.pacer: that of "+runtime.Version()+", not of go1.19")
	}
	return append(notes, s.notes...)
}

// bySize is the objects of each size class, where any were made.
func (h *header) bySize() []members {
	list := []members{}
	for i, bytes := range h.sizes {
		if n := h.after.ofSize[i] - h.before.ofSize[i]; bytes != 0 && n != 0 {
			list = append(list, members{"bytes": bytes, "mallocs": n})
		}
	}
	return list
}

func (w *watcher) setTimes(m members) {
	h := w.region.head
	hasBegun := h.beginNs != 0
	wall, cpu, setup := uint64(0), uint64(0), uint64(0)
	if hasBegun {
		wall, setup = h.endNs-h.beginNs, h.beginNs-h.startNs
		cpu = h.after.cpuNs - h.before.cpuNs
	}
	ops := w.ops(false)
	m.set("wall_ns", wall)
	m.set("cpu_ns", cpu)
	m.set("setup_ns", setup)
	m.set("max_rss_bytes", known(w.rssBytes != 0, w.rssBytes))
	m.set("ops.count", ops)
	m.set("ops.ns_per_op", float64(wall)/float64(ops))
}

// during tells whether a moment lies in the timed part.
func (w *watcher) during(ns float64) bool {
	h := w.region.head
	return h.beginNs != 0 && ns >= float64(h.beginNs) && ns < float64(h.endNs)
}

func (w *watcher) setGC(m members, isWhole bool) {
	h := w.region.head
	var assist, dedicated, idle, fractional, peak float64
	isSplit := true
	cycles := 0
	for i := range w.cycles {
		c := &w.cycles[i]
		peak = math.Max(peak, c.heapEnd)
		if !w.during(c.end) {
			continue
		}
		cycles++
		assist += c.assist
		dedicated += c.dedicated
		idle += c.idle
		fractional += c.fractionalNs()
		isSplit = isSplit && c.isExact
	}
	set := func(name string, v interface{}) { m.set("gc."+name, known(isWhole, v)) }
	m.set("gc.cycles", cycles)
	if isWhole {
		m.set("gc.cycles", h.after.cycles-h.before.cycles)
	}
	set("forced_cycles", h.after.forcedCycles-h.before.forcedCycles)
	set("assist_ns", whole(assist))
	set("dedicated_ns", whole(dedicated))
	set("fractional_ns", known(isSplit, whole(fractional)))
	set("idle_ns", whole(idle))
	set("cpu_fraction", h.gcCPUFraction)
	set("heap_goal_bytes_last", h.heapGoal)
	live := w.last.get("gcController.heapLive")
	set("heap_live_bytes_last", whole(live))
	if live, isKnown := live.(float64); isKnown {
		peak = math.Max(peak, live)
	}
	set("heap_live_bytes_peak", known(live != nil || peak > 0, whole(peak)))
	set("heap_committed_bytes", h.heapCommitted)
	set("bytes_allocated", h.after.bytesAllocated-h.before.bytesAllocated)
	set("bytes_freed", h.after.bytesAllocated-h.before.bytesAllocated+
		h.before.heapAlloc-h.after.heapAlloc)
	set("mallocs", h.after.mallocs-h.before.mallocs)
	m.set("gc.by_size", h.bySize())
	set("frees", h.after.frees-h.before.frees)
	for _, name := range []string{"assists", "wb_flushes", "wb_entries", "mark_restarts"} {
		m.set("gc."+name, nil)
	}
	m.set("gc.cycle_list", w.cycleList())
}

func (w *watcher) cycleList() []members {
	list := []members{}
	for i := range w.cycles {
		if i == cyclesKept {
			break
		}
		c := &w.cycles[i]
		since := func(ns float64) interface{} {
			return known(w.region.head.beginNs != 0, whole(ns-float64(w.region.head.beginNs)))
		}
		list = append(list, members{
			"number": c.number, "forced": c.isForced, "procs": c.procs,
			"start_ns": since(c.start), "mark_ns": since(c.mark),
			"mark_term_ns": since(c.markTerm), "end_ns": since(c.end),
			"pause_total_ns": whole(c.mark - c.start + c.end - c.markTerm),
			"assist_ns":      whole(c.assist), "dedicated_ns": whole(c.dedicated),
			"fractional_ns": whole(c.fractional), "idle_ns": whole(c.idle),
			"heap_start_bytes": whole(c.heapStart), "heap_end_bytes": whole(c.heapEnd),
			"heap_marked_bytes": whole(c.heapMarked), "heap_goal_bytes": whole(c.goal),
			"trigger_bytes": nil, "stack_bytes": whole(c.stackBytes),
			"globals_bytes": whole(c.globalsScan), "heap_scan_bytes": whole(c.heapScan),
			"stack_scan_bytes": whole(c.stackScan), "globals_scan_bytes": whole(c.globalsScan),
			"wb_flushes": nil, "mark_restarts": nil, "cpu_fraction": c.cpuFraction,
			"cons_mark": c.consMark,
		})
	}
	return list
}

// stop is one stop of the world.
type stop struct {
	reason    string
	begin, ns float64
}

func (w *watcher) setPauses(m members) {
	stops := []stop{}
	total := 0.0
	for i := range w.cycles {
		c := &w.cycles[i]
		for _, s := range []stop{{"gc start", c.start, c.mark - c.start},
			{"gc mark termination", c.markTerm, c.end - c.markTerm}} {
			if w.during(s.begin) {
				stops = append(stops, s)
				total += s.ns
			}
		}
	}
	sort.SliceStable(stops, func(i, k int) bool { return stops[i].ns > stops[k].ns })
	quantile := func(q float64) interface{} {
		if len(stops) == 0 {
			return 0
		}
		rank := int(math.Ceil(q * float64(len(stops))))
		if rank < 1 {
			rank = 1
		}
		return whole(stops[len(stops)-rank].ns)
	}
	m.set("pauses.count", len(stops))
	m.set("pauses.total_ns", whole(total))
	m.set("pauses.p50_ns", quantile(0.5))
	m.set("pauses.p90_ns", quantile(0.9))
	m.set("pauses.p99_ns", quantile(0.99))
	m.set("pauses.p999_ns", quantile(0.999))
	m.set("pauses.max_ns", quantile(1))
	worst := []members{}
	for i, s := range stops {
		if i == 10 {
			break
		}
		worst = append(worst, members{
			"reason": s.reason, "requested_ns": whole(s.begin - float64(w.region.head.beginNs)),
			"time_to_stop_ns": nil, "total_ns": whole(s.ns), "last_goroutine": nil,
			"last_goroutine_id": nil,
		})
	}
	m.set("pauses.worst", worst)
	w.setTimeToStop(m)
	w.setMMU(m)
}

// setTimeToStop is for versions that publish it, as a histogram of which these are upper bounds.
func (w *watcher) setTimeToStop(m members) {
	h := w.region.head
	isKnown := h.stopIsKnown == 2
	all := uint64(0)
	for _, n := range h.stopCount[:min(int(h.stopBuckets), histStops)] {
		all += n
	}
	quantile := func(q float64) interface{} {
		seen, value := uint64(0), 0.0
		for i := 0; i < int(h.stopBuckets) && isKnown; i++ {
			seen += h.stopCount[i]
			if h.stopCount[i] > 0 {
				value = h.stopNs[i]
			}
			if all > 0 && float64(seen) >= q*float64(all) {
				break
			}
		}
		return known(isKnown && !math.IsInf(value, 0), whole(value))
	}
	m.set("pauses.time_to_stop.p50_ns", quantile(0.5))
	m.set("pauses.time_to_stop.p99_ns", quantile(0.99))
	m.set("pauses.time_to_stop.max_ns", quantile(1))
}

func (w *watcher) setMMU(m members) {
	h := w.region.head
	list := []members{}
	begin, end := float64(h.beginNs), float64(h.endNs)
	if end > begin {
		spans := spansOf(w.cycles, float64(h.procs), begin, end)
		for _, window := range mmuWindowsNs {
			list = append(list, members{
				"window_ns": whole(window), "clamped": window > end-begin,
				"utilisation": utilisation(spans, begin, end, window),
			})
		}
	}
	m["mmu"] = list
}

func (w *watcher) setObserved(m members, isMeasured bool) {
	var all histogram
	hists := w.region.hists
	for i := range hists[:len(hists)-1] { // the last is the setup's
		all.merge(&hists[i])
	}
	rate := w.nsPerTick()
	m.set("observed.count", all.count)
	for _, q := range []struct {
		name string
		q    float64
	}{{"p50", 0.5}, {"p90", 0.9}, {"p99", 0.99}, {"p999", 0.999}, {"p9999", 0.9999}, {"max", 1}} {
		ns := float64(all.quantile(q.q)) * rate
		m.set("observed."+q.name+"_ns", known(isMeasured && all.count > 0, whole(ns)))
	}
}

// sums is what all goroutines' operations of one kind did to one thing.
func (w *watcher) sums(kind opKind, target int) (sum state) {
	for b := range w.region.bodies {
		body := &w.region.bodies[b]
		for i := uint64(0); i < body.count; i++ {
			o := &w.region.ops[body.first+i]
			if o.kind != kind || o.target != uint64(target) {
				continue
			}
			for n := uint64(0); n < body.goroutines; n++ {
				st := &w.region.states[body.state+n*body.count+i]
				sum.done += st.done
				sum.hits += st.hits
				sum.sum += st.sum
			}
		}
	}
	return sum
}

// designFields are what only map designs that Go does not have can count.
var designFields = [...]string{"lock_waits", "spin_pauses", "spin_yields", "spin_parks",
	"migrations", "migration_ns_max", "promotions", "misses", "treeified", "untreeified",
	"tables", "directory", "missed_detections"}

func (w *watcher) setThings(m members, isPartial bool) {
	s, r := w.scenario, w.region
	maps, lists, trees, channels := members{}, members{}, members{}, members{}
	m["maps"], m["lists"], m["trees"], m["channels"] = maps, lists, trees, channels
	if isPartial {
		return // what is left in them was not counted
	}
	for i, name := range s.maps.list {
		info := &r.maps[i]
		isBucketed := r.head.measuresMaps != 0 && info.kind != kindSync
		gets := w.sums(opMapGet, i)
		maps[name] = members{
			"count": info.count, "B": known(isBucketed, info.b),
			"noverflow": known(isBucketed, info.noverflow),
			"growths":   known(isBucketed, info.growths),
			"same_size_growths": known(isBucketed,
				info.sameSize),
			"overflow_allocated":    known(info.overflowKnown != 0, info.overflow),
			"overflow_preallocated": nil,
			"evacuated_buckets":     known(isBucketed, info.evacuated),
			"bucket_bytes":          known(isBucketed, info.bucketBytes),
			"gets":                  gets.done,
			"gets_found":            gets.hits,
		}
		for _, field := range designFields {
			maps[name].(members)[field] = nil
		}
		maps[name].(members)["hash0"] = known(info.hash0Known != 0, info.hash0)
		maps[name].(members)["hash_key"] = known(r.head.hashKey != 0,
			fmt.Sprintf("%#016x", r.head.hashKey))
		if info.kind != kindGo && info.kind != kindSync {
			maps[name].(members)["lock_waits"] = info.lockWaits
		}
	}
	for i, name := range s.lists.list {
		lists[name] = members{"nodes": r.lists[i].left, "pushed": w.sums(opListPush, i).done,
			"popped": w.sums(opListPop, i).done}
	}
	for i, name := range s.trees.list {
		trees[name] = members{"nodes": r.trees[i].left, "built": w.sums(opTreeBuild, i).done}
	}
	for i, name := range s.channels.list {
		received := w.sums(opChanRecv, i)
		channels[name] = members{"sent": w.sums(opChanSend, i).done, "received": received.done,
			"sum_received": received.sum, "waiting": r.channels[i].left}
	}
}
