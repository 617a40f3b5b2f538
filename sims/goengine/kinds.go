// Maps that goroutines may share: Go's map behind a mutex, sync.Map, and a sharded map.
package main

import (
	"math"
	"reflect"
	"sync"
	"sync/atomic"
	"unsafe"
)

const (
	kindGo = iota
	kindMutex
	kindRWMutex
	kindSharded
	kindSync
)

// kindNames are those of the scenario; the other designs are not Go's.
var kindNames = []string{"go", "go-mutex", "go-rwmutex", "sharded", "syncmap"}

// guard is the lock around one map.
type guard struct {
	mutex   sync.Mutex
	rw      sync.RWMutex
	isRW    bool
	waits   uint64 // times it was not free at once
	_       [8]uint64
	goMap   // of a shard
	ownInfo mapInfo
}

func (g *guard) lock() {
	switch {
	case g.isRW && !g.rw.TryLock():
		g.rw.Lock()
	case !g.isRW && !g.mutex.TryLock():
		g.mutex.Lock()
	default:
		return
	}
	atomic.AddUint64(&g.waits, 1)
}

func (g *guard) unlock() {
	if g.isRW {
		g.rw.Unlock()
	} else {
		g.mutex.Unlock()
	}
}

// readLock lets others read too, if the guard can.
func (g *guard) readLock() {
	if !g.isRW {
		g.lock()
	} else if !g.rw.TryRLock() {
		g.rw.RLock()
		atomic.AddUint64(&g.waits, 1)
	}
}

func (g *guard) readUnlock() {
	if g.isRW {
		g.rw.RUnlock()
	} else {
		g.mutex.Unlock()
	}
}

// describeKind prepares what m has beside, or instead of, a map of its own.
func (m *goMap) describeKind(seed uint64, isWatched bool) {
	info := m.info
	m.isGuarded = info.kind != kindGo
	switch info.kind {
	case kindMutex, kindRWMutex:
		m.guards = make([]guard, 1)
		m.guards[0].isRW = info.kind == kindRWMutex
	case kindSharded:
		m.guards = make([]guard, info.shards)
		m.shardSeed = seed & math.MaxUint32
		for i := range m.guards {
			shard := &m.guards[i]
			shard.ownInfo = *info
			shard.ownInfo.hint = (info.hint + info.shards - 1) / info.shards
			shard.goMap.describe(&shard.ownInfo, isWatched)
			shard.goMap.valueType = m.valueType
		}
	case kindSync:
		m.isWatched = false
	}
}

func (m *goMap) makeKind() {
	switch m.info.kind {
	case kindSharded:
		for i := range m.guards {
			m.guards[i].goMap.make()
		}
	case kindSync:
		m.sync = new(sync.Map)
	default:
		m.make()
	}
}

// shardOf is the guard of a key.
func (m *goMap) shardOf(w *worker, index uint64) *guard {
	if len(m.guards) == 1 {
		return &m.guards[0]
	}
	var hash uintptr
	seed := uintptr(m.shardSeed)
	switch m.info.key {
	case keyString:
		text := w.findText(m, index)
		hash = strHash(unsafe.Pointer(&text), seed)
	case keyU32:
		word := uint64(uint32(index))
		hash = memHash64(unsafe.Pointer(&word), seed)
	default: // a float64 is its index, so that the index will do
		hash = memHash64(unsafe.Pointer(&index), seed)
	}
	return &m.guards[uint64(hash)%uint64(len(m.guards))]
}

// table is the map behind guard number i.
func (m *goMap) table(i int) *goMap {
	if m.info.kind == kindSharded {
		return &m.guards[i].goMap
	}
	return m
}

// doKind is doMap for maps that are not plain ones.
func (w *worker) doKind(m *goMap, o *op, st *state) {
	switch {
	case m.info.kind == kindSync:
		w.doSync(m, o, st)
	case o.kind == opMapIterate || o.kind == opMapClear:
		w.doWhole(m, o, st)
	default:
		w.doGuarded(m, o, st)
	}
}

// doWhole iterates or clears: every map under its lock, one after the other.
func (w *worker) doWhole(m *goMap, o *op, st *state) {
	var it reflect.MapIter
	for n := uint64(0); n < o.count; n++ {
		for i := range m.guards {
			g, table := &m.guards[i], m.table(i)
			if o.kind == opMapClear {
				g.lock()
				table.clear()
				g.unlock()
				continue
			}
			g.readLock()
			for it.Reset(table.value()); it.Next(); {
				st.hits++
				w.step()
			}
			g.readUnlock()
		}
		w.finish()
	}
	st.done += o.count
}

// doGuarded does an operation on one key after the other, each under the lock of its map.
func (w *worker) doGuarded(m *goMap, o *op, st *state) {
	w.one = *o
	w.one.count, w.one.dist, w.one.step = 1, distSequential, 0
	for i := uint64(0); i < o.count; i++ {
		index := o.next(st)
		w.oneState = state{start: index}
		g := m.shardOf(w, index)
		table := m
		if m.info.kind == kindSharded {
			table = &g.goMap
		}
		if o.kind == opMapGet {
			g.readLock()
			w.doPlain(table, &w.one, &w.oneState)
			g.readUnlock()
		} else {
			g.lock()
			w.doPlain(table, &w.one, &w.oneState)
			g.unlock()
		}
		st.hits += w.oneState.hits
		st.sum += w.oneState.sum
	}
	st.done += o.count
}

// reportKind leaves the numbers of all maps behind the guards: sums, and the largest B.
func (m *goMap) reportKind() {
	info := m.info
	switch info.kind {
	case kindSharded:
		info.overflowKnown = 1
		for i := range m.guards {
			shard := &m.guards[i].goMap
			shard.report()
			info.add(shard.info)
		}
	case kindSync:
		m.reportSync()
	default:
		m.report()
	}
	for i := range m.guards {
		info.lockWaits += m.guards[i].waits
	}
}

func (info *mapInfo) add(of *mapInfo) {
	info.count += of.count
	info.noverflow += of.noverflow
	info.growths += of.growths
	info.sameSize += of.sameSize
	info.overflow += of.overflow
	info.evacuated += of.evacuated
	info.overflowKnown &= of.overflowKnown
	if of.b > info.b {
		info.b = of.b
	}
}

// ---- sync.Map ----

// syncValue is the element of index as sync.Map takes it.
func (m *goMap) syncValue(index uint64) interface{} {
	switch {
	case m.info.value == valueUnit:
		return struct{}{}
	case m.info.value == valuePointer:
		var p unsafe.Pointer
		setValue(m, &p, index)
		return p
	case m.isSized:
		bytes := make([]byte, m.info.valueBytes)
		writeValue(unsafe.Pointer(&bytes[0]), m.info.valueBytes, index)
		return reflect.NewAt(m.reflected.Elem(), unsafe.Pointer(&bytes[0])).Elem().Interface()
	}
	return index
}

func (m *goMap) syncRead(v interface{}) uint64 {
	switch v := v.(type) {
	case uint64:
		return v
	case unsafe.Pointer:
		return readValue(v, m.info.valueBytes)
	case struct{}:
		return 0
	}
	return readValue((*[2]unsafe.Pointer)(unsafe.Pointer(&v))[1], m.info.valueBytes)
}

func (m *goMap) syncStore(index uint64) {
	v := m.syncValue(index)
	switch m.info.key {
	case keyU32:
		m.sync.Store(uint32(index), v)
	case keyF64:
		m.sync.Store(float64(index), v)
	case keyString:
		m.sync.Store(newText(m.info.keyBytes, index), v)
	default:
		m.sync.Store(index, v)
	}
}

func (w *worker) syncLoad(m *goMap, index uint64) (v interface{}, isThere bool) {
	switch m.info.key {
	case keyU32:
		return m.sync.Load(uint32(index))
	case keyF64:
		return m.sync.Load(float64(index))
	case keyString:
		return m.sync.Load(w.findText(m, index))
	}
	return m.sync.Load(index)
}

func (w *worker) syncDelete(m *goMap, index uint64) {
	switch m.info.key {
	case keyU32:
		m.sync.Delete(uint32(index))
	case keyF64:
		m.sync.Delete(float64(index))
	case keyString:
		m.sync.Delete(w.findText(m, index))
	default:
		m.sync.Delete(index)
	}
}

func (w *worker) doSync(m *goMap, o *op, st *state) {
	for i := uint64(0); i < o.count; i++ {
		switch o.kind {
		case opMapPut:
			m.syncStore(o.next(st))
		case opMapGet:
			if v, isThere := w.syncLoad(m, o.next(st)); isThere {
				st.hits++
				st.sum += m.syncRead(v)
			}
		case opMapDelete:
			w.syncDelete(m, o.next(st))
		case opMapIterate:
			m.sync.Range(func(_, _ interface{}) bool {
				st.hits++
				w.step()
				return true
			})
		}
		w.finish()
	}
	st.done += o.count
}

// reportSync also looks for the seed of the dirty map, if this version has one.
func (m *goMap) reportSync() {
	m.info.bucketBytes = 0
	if dirty := reflect.ValueOf(m.sync).Elem().FieldByName("dirty"); hasBucketedMap() &&
		dirty.Kind() == reflect.Map && !dirty.IsNil() {
		m.info.hash0, m.info.hash0Known = uint64((*hmap)(dirty.UnsafePointer()).hash0), 1
	}
	m.sync.Range(func(_, _ interface{}) bool {
		m.info.count++
		return true
	})
}
