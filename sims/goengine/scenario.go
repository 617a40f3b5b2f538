// From the scenario document to a region of compiled operations, and what this engine refuses.
package main

import (
	"runtime"
	"sort"
	"strconv"
	"strings"
)

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	sort.Strings(keys)
	return keys
}

// names gives things their numbers, in the order of the names: no result depends on it, except
// where a document is not sorted.
type names struct {
	list  []string
	index map[string]uint64
}

func newNames(list []string) names {
	n := names{list: list, index: map[string]uint64{}}
	for i, name := range list {
		n.index[name] = uint64(i)
	}
	return n
}

// group is a body before it is in the region.
type group struct {
	name    string
	ops     []op
	rings   uint64
	count   uint64
	planned uint64 // operations of one of its goroutines
	unknown bool   // planned is not all
}

type scenario struct {
	name                                  string
	text                                  []byte
	seed, procs                           uint64
	gogc                                  string
	memoryLimit                           string
	maps, lists, trees, channels, mutexes names
	mapInfos                              []mapInfo
	listSizes, treeSizes, channelSizes    []uint64
	groups                                []group // the setup first
	keyBytes                              uint64
	hasCompute, hasTightLoop              bool
	portableHash                          bool
	stackBytes                            uint64
	notes                                 []string
}

const unlimited = 1<<63 - 1

// minor is N of Go 1.N; 0: unknown.
func minor() int {
	parts := strings.SplitN(strings.TrimPrefix(runtime.Version(), "go1."), ".", 2)
	digits := parts[0]
	for i, c := range digits {
		if c < '0' || c > '9' {
			digits = digits[:i]
			break
		}
	}
	n, _ := strconv.Atoi(digits)
	return n
}

// hasBucketedMap: the map described in gomap.go, on processors whose memory we know how to read.
func hasBucketedMap() bool { return minor() >= 19 && minor() <= 23 }

func parseScenario(text []byte, r *refusals) *scenario {
	s := &scenario{text: text}
	o := parseDocument(text, r)
	if len(r.lines) > 0 {
		return s
	}
	for _, key := range []string{"$schema", "description", "expect", "expect_violation"} {
		o.get(key) // for the front end
	}
	if job := o.text("job", "run"); job == "explore" {
		o.add("job: real Go's interleavings cannot be chosen, only those of the model (found %q)",
			job)
	}
	o.get("explore") // settings of that job
	if !isNothing(o.members["objects"]) {
		o.add("objects: real Go has no single objects to move about; leave them out")
		return s
	}
	s.name = o.text("name", "")
	s.seed = o.number("seed", 1)
	s.parseRuntime(o.object("runtime"))
	s.parseGC(o.object("gc"))
	s.parseThings(o)
	s.parseGroups(o)
	o.finish()
	return s
}

func (s *scenario) parseRuntime(o object) {
	s.procs = o.number("procs", 2)
	if n := o.special("memory_cap_bytes", 0, "none", 0); n != 0 {
		o.add("runtime.memory_cap_bytes: real Go has no hard limit (found %d); it can be none, or "+
			"gc.memory_limit_bytes, a soft one", n)
	}
	o.get("deadline_ns") // for the front end
	if o.flag("check", false) {
		o.add("runtime.check: real Go has no heap verifier; set it to false")
	}
	s.stackBytes = o.number("stack_bytes", 256<<10)
	o.finish()
}

func (s *scenario) parseGC(o object) {
	gogc := o.special("gogc", 100, "off", ^uint64(0))
	s.gogc = "off"
	if gogc != ^uint64(0) {
		s.gogc = strconv.FormatUint(gogc, 10)
	}
	if limit := o.special("memory_limit_bytes", unlimited, "none", unlimited); limit != unlimited {
		s.memoryLimit = strconv.FormatUint(limit, 10) + "B"
	}
	barrier := o.object("barrier")
	if kind := barrier.text("kind", "hybrid"); kind != "hybrid" {
		o.add("gc.barrier.kind: real Go has the hybrid barrier only (found %q)", kind)
	}
	if n := barrier.number("buffer_entries", 256); n != 256 {
		o.add("gc.barrier.buffer_entries: real Go's buffer has 256 entries (found %d)", n)
	}
	barrier.finish()
	pacer := o.object("pacer")
	if kind := pacer.text("kind", "go1.19"); kind != "go1.19" {
		o.add("gc.pacer.kind: real Go has its own pacer, that of go1.19 and later (found %q)", kind)
	}
	pacer.finish()
	if mode := o.text("mode", "concurrent"); mode != "concurrent" {
		o.add("gc.mode: real Go collects beside the program (found %q); set it to concurrent", mode)
	}
	if policy := o.text("late_work", "restart"); policy != "restart" {
		o.add("gc.late_work: real Go restarts marking (found %q)", policy)
	}
	if !o.flag("assist", true) {
		o.add("gc.assist: real Go cannot do without assists; set it to true")
	}
	if o.number("idle_workers", 1024) < 1024 {
		o.add("gc.idle_workers: real Go has no such setting; leave it out")
	}
	if n := o.number("globals_bytes", 0); n != 0 {
		o.add("gc.globals_bytes: real Go counts the globals it has (found %d, expected 0)", n)
	}
	if n := o.number("globals_extra_ns", 0); n != 0 {
		o.add("gc.globals_extra_ns: real Go marks as fast as it does (found %d, expected 0)", n)
	}
	if n := o.number("startup_bytes", 0); n != 0 {
		o.add("gc.startup_bytes: real Go has what it has (found %d, expected 0)", n)
	}
	if n := o.number("startup_garbage_bytes", 0); n != 0 {
		o.add("gc.startup_garbage_bytes: real Go has what it has (found %d, expected 0)", n)
	}
	if n := o.number("alloc_extra_ns", 0); n != 0 {
		o.add("gc.alloc_extra_ns: real Go allocates as fast as it does (found %d, expected 0)", n)
	}
	if pages := o.text("huge_pages", "all"); pages == "none" {
		o.add("gc.huge_pages: real Go asks for them inside large objects; set it to large")
	}
	o.get("boehm") // for that collector only
	o.finish()
}

func (s *scenario) parseThings(o object) {
	things := func(key string, each func(v object)) names {
		of := o.object(key)
		n := newNames(sortedKeys(of.members))
		for _, name := range n.list {
			v := of.object(name)
			each(v)
			v.finish()
		}
		return n
	}
	s.maps = things("maps", s.parseMap)
	s.lists = things("lists", func(v object) {
		s.listSizes = append(s.listSizes, v.number("node_bytes", 64))
	})
	s.trees = things("trees", func(v object) {
		s.treeSizes = append(s.treeSizes, v.number("node_bytes", 32))
	})
	s.channels = things("channels", func(v object) {
		s.channelSizes = append(s.channelSizes, v.number("capacity", 0))
	})
	mutexes, _ := o.get("mutexes").([]interface{})
	list := []string{}
	for _, name := range mutexes {
		text, _ := name.(string)
		list = append(list, text)
	}
	s.mutexes = newNames(list)
}

func (s *scenario) parseMap(v object) {
	kind := v.text("kind", kindNames[kindGo])
	info := mapInfo{
		kind:  uint64(len(kindNames)),
		key:   v.word("key", keyU64, "u64", "u32", "string", "f64"),
		value: v.word("value", valueInline, "inline", "pointer", "large", "unit"),
		hint:  v.number("hint", 0),
	}
	info.valueBytes = v.number("value_bytes", [...]uint64{8, 8, 256, 0}[info.value])
	if bytes := v.number("key_bytes", 12); info.key == keyString {
		info.keyBytes = bytes
		if bytes > s.keyBytes {
			s.keyBytes = bytes
		}
	}
	for i, name := range kindNames {
		if name == kind {
			info.kind = uint64(i)
		}
	}
	if info.kind == uint64(len(kindNames)) {
		v.add("%skind: not a map of Go's (found %q); this engine has %s", v.path, kind,
			strings.Join(kindNames, ", "))
	}
	if info.kind == kindSharded {
		info.shards = v.number("shards", 32)
	}
	if key := v.special("hash_key", 0, "random", 0); key != 0 {
		v.add("%shash_key: real Go draws its own when it starts (found %d); it can be random", v.path,
			key)
	}
	if seed := v.special("hash0", noTarget, "random", noTarget); seed != noTarget {
		v.add("%shash0: real Go draws its own for every map (found %d); it can be random", v.path,
			seed)
	}
	v.flag("allow_races", false) // the loader's; Go finds races or does not
	s.mapInfos = append(s.mapInfos, info)
}

func (s *scenario) parseGroups(o object) {
	setup := group{name: "setup", count: 1}
	setup.planned = s.parseBody(&setup, o, "setup", 1)
	s.groups = append(s.groups, setup)
	o.list("goroutines", func(i int, v object) {
		g := group{name: v.text("name", "group-"+strconv.Itoa(i+1)), count: v.number("count", 1)}
		g.planned = s.parseBody(&g, v, "body", 1)
		s.groups = append(s.groups, g)
		v.finish()
	})
	if len(s.groups) == 1 {
		o.add("goroutines: none; nothing to run")
	}
	for i := range s.groups[0].ops {
		if o := &s.groups[0].ops[i]; o.kind <= opMapClear && o.target != noTarget {
			s.mapInfos[o.target].inSetup = 1
		}
	}
}

// parseBody appends the operations at key of o to g; they run times times. How many that makes.
func (s *scenario) parseBody(g *group, o object, key string, times uint64) uint64 {
	planned := uint64(0)
	o.list(key, func(i int, v object) { planned += s.parseOp(g, v, times) })
	return planned
}

// refer is the number of the thing called by the string at key.
func refer(v object, key string, n names) uint64 {
	name := v.text(key, "")
	index, isThere := n.index[name]
	if !isThere {
		v.add("%s%s: there is no %s %q", v.path, key, key, name)
		return noTarget
	}
	return index
}

func (s *scenario) parseOp(g *group, v object, times uint64) uint64 {
	p := op{kind: opKind(v.word("op", 0, opNames[:]...)), target: noTarget, span: 1}
	p.count = v.number("count", 1)
	if p.kind == opMapClear || p.kind == opTreeDrop || p.kind == opChanClose {
		p.count = 1
	}
	s.parseTarget(&p, v)
	switch p.kind {
	case opMapPut, opMapGet, opMapDelete:
		p.parseKeys(v.object("keys"))
	case opTreeBuild:
		p.depth = v.number("depth", 0)
		p.bottomUp = v.word("order", 0, "top-down", "bottom-up") == 1
	case opAlloc:
		p.bytes = v.number("bytes", 1)
		p.pointers = v.number("pointers", 0)
		if p.keep = v.number("keep", 0); p.keep > 0 {
			p.ring = g.rings
			g.rings++
		}
	case opCompute, opSleep:
		p.ns = v.number("ns", 0)
	case opLoop:
		p.durationNs = v.number("duration_ns", 0)
	}
	if p.kind == opCompute {
		s.hasCompute = true
		if p.safepoints = v.flag("safepoints", true); !p.safepoints {
			s.hasTightLoop = true
		}
	}
	at := len(g.ops)
	g.ops = append(g.ops, p)
	planned := p.count * times
	if p.kind == opLock || p.kind == opLoop {
		planned = s.parseBody(g, v, "body", p.count*times)
		g.ops[at].span = uint64(len(g.ops) - at)
		g.unknown = g.unknown || p.durationNs != 0
	}
	v.finish()
	return planned
}

func (s *scenario) parseTarget(p *op, v object) {
	switch p.kind {
	case opMapPut, opMapGet, opMapDelete, opMapIterate, opMapClear:
		p.target = refer(v, "map", s.maps)
		if p.kind == opMapClear && p.target != noTarget &&
			s.mapInfos[p.target].kind == kindSync {
			v.add("%sop: map.clear on a sync.Map is not what Go 1.19 can do", v.path)
		}
	case opListPush, opListPop, opListWalk:
		p.target = refer(v, "list", s.lists)
	case opTreeBuild:
		p.bytes = v.number("node_bytes", 32)
		if v.get("tree") != nil {
			if p.target = refer(v, "tree", s.trees); p.target != noTarget {
				p.bytes = s.treeSizes[p.target]
			}
		}
	case opTreeDrop, opTreeWalk:
		p.target = refer(v, "tree", s.trees)
	case opChanSend, opChanRecv, opChanClose:
		p.target = refer(v, "channel", s.channels)
	case opLock:
		p.target = refer(v, "mutex", s.mutexes)
	}
}

func (p *op) parseKeys(v object) {
	p.dist = v.word("dist", distSequential, "sequential", "uniform", "zipf")
	p.start = v.number("start", 0)
	p.step = v.number("step", 1)
	p.perG = v.number("per_goroutine", 0)
	if p.space = v.number("space", p.count); p.space == 0 {
		p.space = 1
	}
	p.theta = v.real("theta", 0.99)
	if p.dist == distZipf {
		p.prepareZipf()
	}
	v.finish()
}

// compile puts the scenario into a new region.
func (s *scenario) compile() (*region, error) {
	head := header{
		bodies: uint64(len(s.groups)), maps: uint64(len(s.mapInfos)),
		lists: uint64(len(s.listSizes)), trees: uint64(len(s.treeSizes)),
		channels: uint64(len(s.channelSizes)), mutexes: uint64(len(s.mutexes.list)),
		keyBytes: s.keyBytes, seed: s.seed, procs: s.procs,
	}
	for _, g := range s.groups {
		head.ops += uint64(len(g.ops))
		head.slots += g.count
		head.states += uint64(len(g.ops)) * g.count
	}
	head.hists = head.slots // one of them for the setup
	if head.hists > histMost+1 {
		head.hists = histMost + 1
	}
	if s.hasCompute {
		head.hasCompute = 1
	}
	if hasBucketedMap() {
		head.measuresMaps = 1
	}
	if s.portableHash {
		head.portableHash = 1
	}
	r, err := newRegion(head)
	if err != nil {
		return nil, err
	}
	copy(r.maps, s.mapInfos)
	for i, things := range [][]thing{r.lists, r.trees, r.channels} {
		for k, size := range [][]uint64{s.listSizes, s.treeSizes, s.channelSizes}[i] {
			things[k].size = size
		}
	}
	next := body{}
	for i, g := range s.groups {
		count := uint64(len(g.ops))
		next.count, next.rings, next.goroutines = count, g.rings, g.count
		r.bodies[i] = next
		copy(r.ops[next.first:], g.ops)
		next.first += count
		next.slot += g.count
		next.state += count * g.count
	}
	return r, nil
}

// planned is the operations of all groups; 0: unknown.
func (s *scenario) planned() uint64 {
	sum := uint64(0)
	for _, g := range s.groups[1:] {
		if g.unknown {
			return 0
		}
		sum += g.planned * g.count
	}
	return sum
}
