// Memory shared by the two processes of this engine. The one that was started (the watcher) reads
// the scenario, compiles it into a region of shared memory and starts itself again as the workload,
// which finds its operations there and leaves its counters there. So the measured process parses
// nothing, starts no timers and writes nothing while it runs, and what it did is known even when
// the runtime kills it.
package main

import (
	"math/bits"
	"os"
	"runtime"
	"sync/atomic"
	"syscall"
	"unsafe"
)

type opKind uint64

const (
	opMapPut opKind = iota
	opMapGet
	opMapDelete
	opMapIterate
	opMapClear
	opListPush
	opListPop
	opListWalk
	opTreeBuild
	opTreeDrop
	opTreeWalk
	opAlloc
	opCompute
	opSleep
	opChanSend
	opChanRecv
	opChanClose
	opLock
	opLoop
	opGC
	opYield
	opKinds
)

var opNames = [opKinds]string{
	"map.put", "map.get", "map.delete", "map.iterate", "map.clear", "list.push", "list.pop",
	"list.walk", "tree.build", "tree.drop", "tree.walk", "alloc", "compute", "sleep", "chan.send",
	"chan.recv", "chan.close", "lock", "loop", "gc", "yield",
}

const (
	distSequential = iota
	distUniform
	distZipf
)

const (
	keyU64 = iota
	keyU32
	keyString
	keyF64
)

const (
	valueInline = iota
	valuePointer
	valueLarge
	valueUnit
)

const noTarget = ^uint64(0)

// op is a compiled operation. Operations of a body follow each other in the order of the text, what
// is inside of one right behind it; span is how many there are with it.
type op struct {
	kind                           opKind
	target                         uint64
	count, durationNs              uint64
	dist, start, step, perG, space uint64
	theta, low, high, sure         float64
	bytes, pointers, keep, ns      uint64
	depth, ring, span              uint64
	safepoints, bottomUp           bool
	_                              [6]byte
}

// body is the setup or a group of goroutines: ops[first:first+count] of the region.
type body struct {
	first, count, rings uint64
	goroutines          uint64
	slot, state         uint64 // of its first goroutine
}

// slot is what one goroutine publishes; a cache line of its own.
type slot struct {
	ops   uint64
	doing uint64 // index of the operation in its body, plus 1; 0: not running
	_     [6]uint64
}

// state is what a goroutine keeps for one of its operations.
type state struct {
	start, position, rng uint64
	done, hits, sum      uint64
}

type mapInfo struct {
	key, value, valueBytes, keyBytes, hint uint64
	inSetup                                uint64
	kind, shards                           uint64
	// Left by the workload.
	count, b, noverflow, growths, sameSize uint64
	overflow, evacuated, bucketBytes       uint64
	overflowKnown, lockWaits               uint64
	hash0, hash0Known                      uint64
}

// thing is a list, tree or channel.
type thing struct {
	size uint64 // of a node; capacity
	left uint64 // by the workload: nodes, values waiting
}

// histogram is log-linear: an error below 1/128.
type histogram struct {
	count, sum, max uint64
	buckets         [histBuckets]uint64
}

const (
	histSubBits = 7
	histBuckets = (64 - histSubBits + 1) << histSubBits
	histMost    = 256 // of a run; more goroutines share them
)

func histIndex(v uint64) int {
	if v < 1<<histSubBits {
		return int(v)
	}
	shift := bits.Len64(v) - 1 - histSubBits
	return (shift+1)<<histSubBits + int(v>>uint(shift))&(1<<histSubBits-1)
}

// histTop is the largest value of a bucket.
func histTop(i int) uint64 {
	row, column := i>>histSubBits, uint64(i&(1<<histSubBits-1))
	if row == 0 {
		return column
	}
	shift := uint(row - 1)
	return (1<<histSubBits+column)<<shift + (1<<shift - 1)
}

func (h *histogram) add(v uint64) {
	h.count++
	h.sum += v
	if v > h.max {
		h.max = v
	}
	h.buckets[histIndex(v)]++
}

// addShared may be called by several goroutines at once.
func (h *histogram) addShared(v uint64) {
	atomic.AddUint64(&h.count, 1)
	atomic.AddUint64(&h.sum, v)
	for {
		most := atomic.LoadUint64(&h.max)
		if v <= most || atomic.CompareAndSwapUint64(&h.max, most, v) {
			break
		}
	}
	atomic.AddUint64(&h.buckets[histIndex(v)], 1)
}

func (h *histogram) merge(from *histogram) {
	h.count += from.count
	h.sum += from.sum
	if from.max > h.max {
		h.max = from.max
	}
	for i, n := range from.buckets {
		h.buckets[i] += n
	}
}

// quantile is the smallest bound such that at least q of all values are at most it.
func (h *histogram) quantile(q float64) uint64 {
	exact := q * float64(h.count)
	rank := uint64(exact)
	if float64(rank) < exact {
		rank++
	}
	seen := uint64(0)
	for i, n := range h.buckets {
		seen += n
		if n == 0 || seen < rank {
			continue
		}
		if top := histTop(i); top < h.max {
			return top
		}
		break
	}
	return h.max
}

// Phases of the workload.
const (
	phaseStart = iota
	phaseSetup
	phaseRun
	phaseDone
)

// sizesCounted is the number of size classes MemStats tells apart.
const sizesCounted = 61

// totals is what the runtime counts.
type totals struct {
	mallocs, frees, bytesAllocated, heapAlloc uint64
	cycles, forcedCycles                      uint64
	cpuNs                                     uint64
	ofSize                                    [sizesCounted]uint64
}

type header struct {
	// The shape of the region.
	ops, bodies, maps, lists, trees, channels, mutexes uint64
	slots, states, hists, keyBytes                     uint64
	// Given.
	seed, procs  uint64
	hasCompute   uint64
	nsPerTick    float64
	measuresMaps uint64 // the Go version has the bucketed map
	portableHash uint64
	// Left by the workload.
	phase                    uint64
	startNs, beginNs, endNs  uint64
	startUnixNs              uint64
	before, after            totals
	gcCPUFraction            float64
	heapGoal, heapCommitted  uint64
	hashKey                  uint64               // of the portable hash; 0: unknown
	sizes                    [sizesCounted]uint64 // bytes of each size class
	pauseCount               uint64               // cycles whose pauses follow
	pauseNs, pauseEnd        [256]uint64          // by cycle number - 1, modulo 256, as MemStats has them
	stopCount                [histStops]uint64
	stopNs                   [histStops]float64 // upper bounds
	stopBuckets, stopIsKnown uint64
}

const histStops = 1024

type region struct {
	file     *os.File
	mem      []byte
	head     *header
	ops      []op
	bodies   []body
	maps     []mapInfo
	lists    []thing
	trees    []thing
	channels []thing
	slots    []slot
	states   []state
	hists    []histogram
	scratch  []byte // keyBytes for each goroutine
}

// layout finds the parts of the region, whose shape is in head, and their size in all.
func (r *region) layout(head *header, base unsafe.Pointer) uintptr {
	at := uintptr(0)
	place := func(count uint64, bytes uintptr) unsafe.Pointer {
		p := unsafe.Pointer(nil)
		if base != nil {
			p = unsafe.Add(base, at)
		}
		at = (at + uintptr(count)*bytes + 63) &^ 63
		return p
	}
	h := place(1, unsafe.Sizeof(header{}))
	ops := place(head.ops, unsafe.Sizeof(op{}))
	bodies := place(head.bodies, unsafe.Sizeof(body{}))
	maps := place(head.maps, unsafe.Sizeof(mapInfo{}))
	things := place(head.lists+head.trees+head.channels, unsafe.Sizeof(thing{}))
	slots := place(head.slots, unsafe.Sizeof(slot{}))
	states := place(head.states, unsafe.Sizeof(state{}))
	hists := place(head.hists, unsafe.Sizeof(histogram{}))
	scratch := place(head.slots, uintptr(head.keyBytes))
	if base == nil {
		return at
	}
	r.head = (*header)(h)
	r.ops = unsafe.Slice((*op)(ops), head.ops)
	r.bodies = unsafe.Slice((*body)(bodies), head.bodies)
	r.maps = unsafe.Slice((*mapInfo)(maps), head.maps)
	all := unsafe.Slice((*thing)(things), head.lists+head.trees+head.channels)
	r.lists, r.trees, r.channels = all[:head.lists], all[head.lists:][:head.trees],
		all[head.lists+head.trees:]
	r.slots = unsafe.Slice((*slot)(slots), head.slots)
	r.states = unsafe.Slice((*state)(states), head.states)
	r.hists = unsafe.Slice((*histogram)(hists), head.hists)
	r.scratch = unsafe.Slice((*byte)(scratch), head.slots*head.keyBytes)
	return at
}

// memoryFile makes a file without a name that lies in memory.
func memoryFile() (*os.File, error) {
	number := uintptr(279) // memfd_create on all newer ports
	if runtime.GOARCH == "amd64" {
		number = 319
	}
	name := []byte("tricolor\x00")
	fd, _, err := syscall.Syscall(number, uintptr(unsafe.Pointer(&name[0])), 1, 0)
	if err != 0 {
		return nil, err
	}
	return os.NewFile(fd, "shared memory"), nil
}

func mapRegion(file *os.File, bytes int) ([]byte, error) {
	return syscall.Mmap(int(file.Fd()), 0, bytes, syscall.PROT_READ|syscall.PROT_WRITE,
		syscall.MAP_SHARED)
}

// newRegion makes a region of the shape in head, of which it takes a copy.
func newRegion(head header) (*region, error) {
	file, err := memoryFile()
	if err != nil {
		return nil, err
	}
	r := &region{file: file}
	bytes := r.layout(&head, nil)
	if err := file.Truncate(int64(bytes)); err != nil {
		return nil, err
	}
	if r.mem, err = mapRegion(file, int(bytes)); err != nil {
		return nil, err
	}
	r.layout(&head, unsafe.Pointer(&r.mem[0]))
	*r.head = head
	return r, nil
}

// openRegion maps the region a watcher has left in file.
func openRegion(file *os.File) (*region, error) {
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	r := &region{file: file}
	if r.mem, err = mapRegion(file, int(info.Size())); err != nil {
		return nil, err
	}
	base := unsafe.Pointer(&r.mem[0])
	r.layout((*header)(base), base)
	return r, nil
}
