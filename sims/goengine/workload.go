// The workload process: runs the operations of a region on this Go runtime.
package main

import (
	"os"
	"reflect"
	"runtime"
	"runtime/metrics"
	"sync"
	"syscall"
	"time"
	"unsafe"
)

type list struct {
	head, tail unsafe.Pointer
	nodeType   unsafe.Pointer
	tag        uint64
}

type tree struct {
	root     unsafe.Pointer
	nodeType unsafe.Pointer
}

// program is everything the goroutines share.
type program struct {
	*region
	maps     []goMap
	lists    []list
	trees    []tree
	channels []chan uint64
	mutexes  []sync.Mutex
	types    []unsafe.Pointer // by operation: alloc, tree.build
	seed     uint64
	rounds   float64 // of spin in a nanosecond
	done     sync.WaitGroup
}

// worker is one goroutine; it lies on its stack.
type worker struct {
	p        *program
	body     *body
	ops      []op
	types    []unsafe.Pointer
	states   []state
	slot     *slot
	hist     *histogram
	isShared bool // others add to hist too
	last     uint64
	steps    uint64
	rings    unsafe.Pointer // of a heap array of pointers to heap arrays
	scratch  []byte

	// One operation on one key of a guarded map.
	one      op
	oneState state
}

// observe ends an operation or step: the gap since the last one.
func (w *worker) observe() {
	now := ticks()
	gap := now - w.last
	w.last = now
	if int64(gap) < 0 {
		gap = 0 // the counters of two processors may differ by a little
	}
	if w.isShared {
		w.hist.addShared(gap)
	} else {
		w.hist.add(gap)
	}
}

// waited takes out what an operation has waited since begin by its own wish.
func (w *worker) waited(begin uint64) { w.last += ticks() - begin }

func (w *worker) finish() {
	w.slot.ops++
	w.observe()
}

func (w *worker) step() {
	if w.steps++; w.steps%64 == 0 {
		w.observe()
	}
}

func (w *worker) run(first, end uint64) {
	for i := first; i < end; i += w.ops[i].span {
		w.slot.doing = i + 1
		w.do(i, &w.ops[i], &w.states[i])
	}
}

func (w *worker) do(i uint64, o *op, st *state) {
	switch o.kind {
	case opMapPut, opMapGet, opMapDelete, opMapIterate, opMapClear:
		w.doMap(o, st)
	case opListPush:
		w.listPush(o, st)
	case opListPop:
		w.listPop(o, st)
	case opListWalk:
		w.listWalk(o, st)
	case opTreeBuild:
		w.treeBuild(i, o, st)
	case opTreeDrop:
		w.p.trees[o.target].root = nil
		w.finish()
		st.done++
	case opTreeWalk:
		w.treeWalk(o, st)
	case opAlloc:
		w.alloc(i, o, st)
	case opLock, opLoop:
		w.doBody(i, o, st)
	default:
		w.doFlow(o, st)
	}
}

// ---- lists: word 0 of a node is the next one, word 1 the list's tag and a sequence number ----

func next(node unsafe.Pointer) *unsafe.Pointer { return (*unsafe.Pointer)(node) }

func word(object unsafe.Pointer, i uint64) *uint64 {
	return (*uint64)(unsafe.Add(object, 8*i))
}

func (w *worker) listPush(o *op, st *state) {
	l := &w.p.lists[o.target]
	for i := uint64(0); i < o.count; i++ {
		node := newObject(l.nodeType)
		*word(node, 1) = l.tag | st.done&0xffffffffffff
		st.done++
		if l.tail == nil {
			l.head = node
		} else {
			*next(l.tail) = node
		}
		l.tail = node
		w.finish()
	}
}

func (w *worker) listPop(o *op, st *state) {
	l := &w.p.lists[o.target]
	for i := uint64(0); i < o.count; i++ {
		if l.head != nil {
			l.head = *next(l.head)
			if l.head == nil {
				l.tail = nil
			}
			st.done++
		}
		w.finish()
	}
}

func (w *worker) walkList(l *list) uint64 {
	count, sum := uint64(0), uint64(0)
	for node := l.head; node != nil; node = *next(node) {
		sum += *word(node, 1)
		count++
		w.step()
	}
	w.steps += sum & 1 // so that the reads are not optimised away
	return count
}

func (w *worker) listWalk(o *op, st *state) {
	for i := uint64(0); i < o.count; i++ {
		st.hits += w.walkList(&w.p.lists[o.target])
		w.finish()
	}
	st.done += o.count
}

// ---- trees: words 0 and 1 of a node are its children ----

func child(node unsafe.Pointer, side uint64) *unsafe.Pointer {
	return (*unsafe.Pointer)(unsafe.Add(node, 8*side))
}

// populate gives node two subtrees, parents first.
func (w *worker) populate(nodeType, node unsafe.Pointer, depth uint64) {
	if depth == 0 {
		return
	}
	for side := uint64(0); side < 2; side++ {
		*child(node, side) = newObject(nodeType)
		w.step()
	}
	w.populate(nodeType, *child(node, 0), depth-1)
	w.populate(nodeType, *child(node, 1), depth-1)
}

// assemble makes a tree, children first.
func (w *worker) assemble(nodeType unsafe.Pointer, depth uint64) unsafe.Pointer {
	if depth == 0 {
		return newObject(nodeType)
	}
	left := w.assemble(nodeType, depth-1)
	right := w.assemble(nodeType, depth-1)
	w.step()
	node := newObject(nodeType)
	*child(node, 0) = left
	*child(node, 1) = right
	return node
}

func (w *worker) treeBuild(index uint64, o *op, st *state) {
	for i := uint64(0); i < o.count; i++ {
		var top unsafe.Pointer
		if o.bottomUp {
			top = w.assemble(w.types[index], o.depth)
		} else {
			top = newObject(w.types[index])
			w.populate(w.types[index], top, o.depth)
		}
		if o.target != noTarget {
			w.p.trees[o.target].root = top
		}
		w.finish()
	}
	st.done += o.count
}

func (w *worker) walkTree(node unsafe.Pointer) uint64 {
	if node == nil {
		return 0
	}
	w.step()
	return 1 + w.walkTree(*child(node, 0)) + w.walkTree(*child(node, 1))
}

func (w *worker) treeWalk(o *op, st *state) {
	for i := uint64(0); i < o.count; i++ {
		st.hits += w.walkTree(w.p.trees[o.target].root)
		w.finish()
	}
	st.done += o.count
}

// ---- bare allocation ----

func (w *worker) alloc(index uint64, o *op, st *state) {
	var ring unsafe.Pointer
	if o.keep > 0 {
		ring = *child(w.rings, o.ring)
	}
	hasPayload := o.bytes >= 8*(o.pointers+1)
	for i := uint64(0); i < o.count; i++ {
		object := newObject(w.types[index])
		if hasPayload {
			*word(object, o.pointers) = st.done
		}
		if ring != nil {
			*child(ring, st.done%o.keep) = object
		}
		st.done++
		w.finish()
	}
}

// ---- time, blocking, control flow ----

// spin is a chain of multiplications no compiler shortens.
//
//go:noinline
func spin(rounds, x uint64) uint64 {
	for i := uint64(0); i < rounds; i++ {
		x = (x^x>>31)*0x9e3779b97f4a7c15 + 1
	}
	return x
}

func (p *program) calibrate() {
	const rounds, trials = 100000, 7
	best, x := ^uint64(0), uint64(1)
	for i := 0; i < trials; i++ {
		begin := nanotime()
		x = spin(rounds, x)
		if ns := nanotime() - begin; ns < best {
			best = ns
		}
	}
	p.rounds = rounds / float64(best+x&1)
}

func (w *worker) compute(o *op, st *state) {
	const stepNs = 1000
	for i := uint64(0); i < o.count; i++ {
		for left := o.ns; left > 0; {
			ns := left
			if ns >= 2*stepNs {
				ns = stepNs
			}
			left -= ns
			st.sum = spin(uint64(float64(ns)*w.p.rounds)+1, st.sum)
			w.observe()
		}
		w.finish()
	}
}

func (w *worker) send(c chan uint64, v uint64) {
	select {
	case c <- v:
	default:
		begin := ticks()
		c <- v
		w.waited(begin)
	}
}

func (w *worker) receive(c chan uint64) (v uint64, isOpen bool) {
	select {
	case v, isOpen = <-c:
	default:
		begin := ticks()
		v, isOpen = <-c
		w.waited(begin)
	}
	return v, isOpen
}

func (w *worker) doFlow(o *op, st *state) {
	if o.kind == opCompute {
		w.compute(o, st)
	}
	for i := uint64(0); i < o.count && o.kind != opCompute; i++ {
		switch o.kind {
		case opSleep:
			begin := ticks()
			time.Sleep(time.Duration(o.ns))
			w.waited(begin)
		case opChanSend:
			w.send(w.p.channels[o.target], st.done)
		case opChanRecv:
			v, isOpen := w.receive(w.p.channels[o.target])
			if !isOpen {
				w.observe()
				return
			}
			st.sum += v
		case opChanClose:
			close(w.p.channels[o.target])
		case opGC: // the caller asked to wait for the cycle: no gap is recorded for it
			runtime.GC()
			w.last = ticks()
			w.slot.ops++
			st.done++
			continue
		case opYield:
			runtime.Gosched()
		}
		st.done++
		w.finish()
	}
}

func (w *worker) doBody(i uint64, o *op, st *state) {
	if o.kind == opLoop && o.durationNs != 0 {
		limit := uint64(float64(o.durationNs) / w.p.head.nsPerTick)
		for begin := ticks(); ; {
			w.run(i+1, i+o.span)
			st.done++
			if ticks()-begin >= limit {
				return
			}
		}
	}
	for n := uint64(0); n < o.count; n++ {
		if o.kind == opLoop {
			w.run(i+1, i+o.span)
		} else {
			mutex := &w.p.mutexes[o.target]
			if !mutex.TryLock() {
				begin := ticks()
				mutex.Lock()
				w.waited(begin)
				w.observe()
			}
			w.run(i+1, i+o.span)
			mutex.Unlock()
		}
	}
	st.done += o.count
}

// ---- goroutines ----

var pointerType = reflect.TypeOf(unsafe.Pointer(nil))

// pointers is a heap array of n pointers.
func pointers(n uint64) unsafe.Pointer {
	array := make([]unsafe.Pointer, n)
	return unsafe.Pointer(&array[0])
}

// start makes w goroutine number n of b, which is number index of the run (0: the setup).
func (w *worker) start(p *program, b *body, n, index uint64) {
	w.p = p
	w.body = b
	w.ops = p.ops[b.first:][:b.count]
	w.types = p.types[b.first:][:b.count]
	w.states = p.states[b.state+n*b.count:][:b.count]
	w.slot = &p.slots[b.slot+n]
	hists := p.head.hists - 1
	if index == 0 {
		w.hist = &p.hists[hists] // of the setup: nobody reads it
	} else {
		w.hist = &p.hists[(index-1)%hists]
		w.isShared = p.head.slots-1 > hists
	}
	keyBytes := p.head.keyBytes
	w.scratch = p.scratch[(b.slot+n)*keyBytes:][:keyBytes]
	seed := split(p.seed, index)
	for i := range w.states {
		w.states[i].start = w.ops[i].start + w.ops[i].perG*n
		w.states[i].rng = split(seed, uint64(i))
	}
}

func (w *worker) main() {
	if w.body.rings > 0 {
		w.rings = pointers(w.body.rings)
	}
	for i := range w.ops {
		if o := &w.ops[i]; o.kind == opAlloc && o.keep > 0 {
			*child(w.rings, o.ring) = pointers(o.keep)
		}
	}
	w.last = ticks()
	w.run(0, w.body.count)
	w.slot.doing = 0
}

func (p *program) goroutine(b *body, n, index uint64) {
	var w worker
	w.start(p, b, n, index)
	w.main()
	p.done.Done()
}

// ---- the run ----

func newProgram(r *region) *program {
	p := &program{region: r, seed: r.head.seed}
	types := map[[2]uint64]unsafe.Pointer{}
	typeOf := func(bytes, pointers uint64) unsafe.Pointer {
		key := [2]uint64{bytes, pointers}
		if types[key] == nil {
			types[key] = typePointer(objectType(bytes, pointers))
		}
		return types[key]
	}
	p.lists = make([]list, len(r.lists))
	for i := range p.lists {
		p.lists[i] = list{nodeType: typeOf(r.lists[i].size, 1), tag: uint64(i+1) << 48}
	}
	p.trees = make([]tree, len(r.trees))
	for i := range p.trees {
		p.trees[i].nodeType = typeOf(r.trees[i].size, 2)
	}
	p.types = make([]unsafe.Pointer, len(r.ops))
	for i := range r.ops {
		switch o := &r.ops[i]; o.kind {
		case opAlloc:
			p.types[i] = typeOf(o.bytes, o.pointers)
		case opTreeBuild:
			p.types[i] = typeOf(o.bytes, 2)
		}
	}
	p.maps = make([]goMap, len(r.maps))
	for i := range p.maps {
		p.maps[i].describe(&r.maps[i], r.head.measuresMaps != 0)
		if r.maps[i].value == valuePointer {
			p.maps[i].valueType = typeOf(r.maps[i].valueBytes, 0)
		}
		p.maps[i].describeKind(split(p.seed, uint64(i)), r.head.measuresMaps != 0)
	}
	p.mutexes = make([]sync.Mutex, r.head.mutexes)
	p.channels = make([]chan uint64, len(r.channels))
	for i := range p.channels {
		p.channels[i] = make(chan uint64, r.channels[i].size)
	}
	if r.head.hasCompute != 0 {
		p.calibrate()
	}
	return p
}

func (p *program) makeMaps(inSetup uint64) {
	for i := range p.maps {
		if p.maps[i].info.inSetup == inSetup {
			p.maps[i].makeKind()
		}
	}
}

var memStats runtime.MemStats // large: not on a stack

func (t *totals) read() {
	runtime.ReadMemStats(&memStats)
	*t = totals{
		mallocs: memStats.Mallocs, frees: memStats.Frees, bytesAllocated: memStats.TotalAlloc,
		heapAlloc: memStats.HeapAlloc, cycles: uint64(memStats.NumGC),
		forcedCycles: uint64(memStats.NumForcedGC),
	}
	for i := range t.ofSize {
		t.ofSize[i] = memStats.BySize[i].Mallocs
	}
}

func cpuNs() uint64 {
	var usage syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &usage) != nil {
		return 0
	}
	return uint64(usage.Utime.Nano() + usage.Stime.Nano())
}

func (p *program) runAll() {
	h := p.head
	p.makeMaps(0)
	p.done.Add(int(h.slots - 1))
	index := uint64(1)
	for i := 1; i < len(p.bodies); i++ {
		for n := uint64(0); n < p.bodies[i].goroutines; n++ {
			go p.goroutine(&p.bodies[i], n, index)
			index++
		}
	}
	p.done.Wait()
}

// report leaves what can only be counted here.
func (p *program) report() {
	h := p.head
	h.gcCPUFraction = memStats.GCCPUFraction
	h.heapGoal = memStats.NextGC
	h.heapCommitted = memStats.HeapSys - memStats.HeapReleased
	for i := range h.sizes {
		h.sizes[i] = uint64(memStats.BySize[i].Size)
	}
	if h.portableHash != 0 {
		h.hashKey = portableHashKey()
	}
	h.pauseCount = uint64(memStats.NumGC)
	h.pauseNs = memStats.PauseNs
	h.pauseEnd = memStats.PauseEnd
	var w worker
	w.start(p, &p.bodies[0], 0, 0)
	for i := range p.maps {
		p.maps[i].reportKind()
	}
	for i := range p.lists {
		p.region.lists[i].left = w.walkList(&p.lists[i])
	}
	for i := range p.trees {
		p.region.trees[i].left = w.walkTree(p.trees[i].root)
	}
	for i := range p.channels {
		p.region.channels[i].left = uint64(len(p.channels[i]))
	}
}

// stops reads how long the world took to stop for a collection, where the version knows. The first
// call remembers, the second leaves the difference.
func (h *header) stops() {
	sample := []metrics.Sample{{Name: "/sched/pauses/stopping/gc:seconds"}}
	metrics.Read(sample)
	if sample[0].Value.Kind() != metrics.KindFloat64Histogram {
		return
	}
	values := sample[0].Value.Float64Histogram()
	h.stopBuckets = uint64(len(values.Counts))
	if len(values.Counts) > histStops {
		return
	}
	for i, n := range values.Counts {
		h.stopCount[i] = n - h.stopCount[i]
		h.stopNs[i] = values.Buckets[i+1] * 1e9
	}
	h.stopIsKnown++
}

// workloadMain is the whole of the workload process. The region is file 3; at the end it writes a
// byte to its standard output and waits until the watcher has looked at it.
func workloadMain() int {
	r, err := openRegion(os.NewFile(3, "shared memory"))
	if err != nil {
		os.Stderr.WriteString("shared memory: " + err.Error() + "\n")
		return exitEngine
	}
	p := newProgram(r)
	h := r.head
	h.startNs = nanotime()
	h.startUnixNs = uint64(time.Now().UnixNano())
	h.phase = phaseSetup
	p.makeMaps(1)
	var w worker
	w.start(p, &p.bodies[0], 0, 0)
	w.main()

	h.stops()
	h.before.read()
	h.before.cpuNs = cpuNs()
	h.beginNs = nanotime()
	h.phase = phaseRun
	p.runAll()
	h.endNs = nanotime()
	cpu := cpuNs()
	h.after.read()
	h.after.cpuNs = cpu
	h.stops()
	p.report()
	h.phase = phaseDone

	buffer := []byte{'.'}
	if _, err := syscall.Write(1, buffer); err == nil {
		syscall.Read(0, buffer)
	}
	return exitOK
}
