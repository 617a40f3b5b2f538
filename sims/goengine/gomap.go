// Maps: ordinary Go maps for the usual types, the same through the runtime's functions for values
// of other sizes; and, where this Go has the map of 1.0 to 1.23, a look at its header after every
// operation that may change it.
package main

import (
	"reflect"
	"runtime"
	"sync"
	"unsafe"
)

// hmap is the header of that map, field by field as the runtime has it.
type hmap struct {
	count      int
	flags      uint8
	b          uint8
	noverflow  uint16
	hash0      uint32
	buckets    unsafe.Pointer
	oldbuckets unsafe.Pointer
	nevacuate  uintptr
	extra      unsafe.Pointer
}

type goMap struct {
	h         unsafe.Pointer
	mapType   unsafe.Pointer
	reflected reflect.Type
	info      *mapInfo
	valueType unsafe.Pointer // of a pointer's object
	isSized   bool           // the values are neither words, pointers nor nothing

	// What its header was like after the last change; kept under whatever guards the map.
	isWatched  bool
	watched    *hmap // a header that never changes where nothing is watched
	buckets    uintptr
	b          uint8
	noverflow  uint16
	moving     uint64 // buckets that were there when the last growth began
	isEstimate bool   // noverflow has not always been a count

	// kinds.go
	isGuarded bool    // not a plain map
	guards    []guard // one, or one of each shard
	shardSeed uint64
	sync      *sync.Map
}

var keyTypes = [...]reflect.Type{
	keyU64: reflect.TypeOf(uint64(0)), keyU32: reflect.TypeOf(uint32(0)),
	keyString: reflect.TypeOf(""), keyF64: reflect.TypeOf(float64(0)),
}

func (m *goMap) describe(info *mapInfo, isWatched bool) {
	m.info = info
	m.isWatched = isWatched
	m.watched = &hmap{}
	value := reflect.TypeOf(uint64(0))
	switch info.value {
	case valuePointer:
		value = pointerType
	case valueUnit:
		value = reflect.TypeOf(struct{}{})
	default:
		if info.valueBytes != 8 {
			m.isSized = true
			value = reflect.ArrayOf(int(info.valueBytes), reflect.TypeOf(byte(0)))
		}
	}
	m.reflected = reflect.MapOf(keyTypes[info.key], value)
	m.mapType = typePointer(m.reflected)
	reflect.PtrTo(m.reflected) // made now, not while the clock runs
	valueBytes := uint64(value.Size())
	if valueBytes > 128 {
		valueBytes = 8
	}
	info.bucketBytes = (8 + 8*uint64(keyTypes[info.key].Size()) + 8*valueBytes + 8 + 7) &^ 7
}

func (m *goMap) make() {
	m.h = reflect.MakeMapWithSize(m.reflected, int(m.info.hint)).UnsafePointer()
	if m.isWatched {
		m.info.hash0, m.info.hash0Known = uint64(m.header().hash0), 1
	}
	m.resume()
}

// value is the map as reflection sees it.
func (m *goMap) value() reflect.Value {
	return reflect.NewAt(m.reflected, unsafe.Pointer(&m.h)).Elem()
}

// ---- watching ----

func (m *goMap) header() *hmap { return (*hmap)(m.h) }

// resume forgets what was; the next change counts from here.
func (m *goMap) resume() {
	if !m.isWatched {
		return
	}
	h := m.header()
	m.watched = h
	m.buckets, m.b, m.noverflow = uintptr(h.buckets), h.b, h.noverflow
	m.isEstimate = m.isEstimate || h.b >= 16
}

func (m *goMap) watch() {
	h := m.watched
	if uintptr(h.buckets) != m.buckets || h.noverflow != m.noverflow {
		m.changed(h)
	}
}

func (m *goMap) changed(h *hmap) {
	if uintptr(h.buckets) == m.buckets {
		m.info.overflow += uint64(h.noverflow - m.noverflow)
	} else {
		if m.buckets != 0 { // it grows, and so had finished to grow before
			if h.b > m.b {
				m.info.growths++
			} else {
				m.info.sameSize++
			}
			m.info.evacuated += m.moving
			m.moving = 1 << m.b
		}
		m.info.overflow += uint64(h.noverflow)
	}
	m.resume()
}

// moved counts the buckets the growth under way has moved.
func (m *goMap) moved() uint64 {
	h := m.header()
	if h.oldbuckets == nil {
		return m.moving
	}
	moved := uint64(0)
	for i := uint64(0); i < m.moving; i++ {
		top := *(*uint8)(unsafe.Add(h.oldbuckets, i*m.info.bucketBytes))
		if top > 1 && top < 5 { // its mark: moved to the first or second half, or empty
			moved++
		}
	}
	return moved
}

func (m *goMap) clear() {
	if m.isWatched {
		m.info.evacuated += m.moved()
		m.moving = 0
	}
	mapClear(m.mapType, m.h)
	m.resume()
}

func (m *goMap) report() {
	if m.h == nil {
		return
	}
	m.info.count = uint64(m.value().Len())
	if !m.isWatched {
		return
	}
	m.info.b = uint64(m.header().b)
	m.info.noverflow = uint64(m.header().noverflow)
	m.info.evacuated += m.moved()
	if !m.isEstimate {
		m.info.overflowKnown = 1
	}
}

// ---- operations ----

type number interface{ uint64 | uint32 | float64 }

// as is the same map as the compiler sees it.
func as[K comparable, V any](m *goMap) map[K]V { return *(*map[K]V)(unsafe.Pointer(&m.h)) }

// setValue makes *v the value of index.
func setValue[V any](m *goMap, v *V, index uint64) {
	switch m.info.value {
	case valueInline:
		*(*uint64)(unsafe.Pointer(v)) = index
	case valuePointer:
		object := newObject(m.valueType)
		writeValue(object, m.info.valueBytes, index)
		*(*unsafe.Pointer)(unsafe.Pointer(v)) = object
	}
}

func writeValue(at unsafe.Pointer, bytes, index uint64) {
	if bytes >= 8 {
		*(*uint64)(at) = index
		return
	}
	for i := uint64(0); i < bytes; i++ {
		*(*byte)(unsafe.Add(at, i)) = byte(index >> (8 * i))
	}
}

func readValue(at unsafe.Pointer, bytes uint64) (value uint64) {
	if bytes >= 8 {
		return *(*uint64)(at)
	}
	for i := uint64(0); i < bytes; i++ {
		value |= uint64(*(*byte)(unsafe.Add(at, i))) << (8 * i)
	}
	return value
}

// getValue is what lies in *v.
func getValue[V any](m *goMap, v *V) uint64 {
	switch m.info.value {
	case valueInline:
		return *(*uint64)(unsafe.Pointer(v))
	case valuePointer:
		return readValue(*(*unsafe.Pointer)(unsafe.Pointer(v)), m.info.valueBytes)
	}
	return 0
}

func putNumbers[K number, V any](w *worker, m *goMap, o *op, st *state) {
	table := as[K, V](m)
	for i := uint64(0); i < o.count; i++ {
		var v V
		index := o.next(st)
		setValue(m, &v, index)
		table[K(index)] = v
		m.watch()
		w.finish()
	}
	st.done += o.count
}

// newText is a fresh string for a key.
func newText(bytes, index uint64) string {
	text := make([]byte, bytes)
	keyText(text, index)
	return *(*string)(unsafe.Pointer(&text))
}

func putStrings[V any](w *worker, m *goMap, o *op, st *state) {
	table := as[string, V](m)
	for i := uint64(0); i < o.count; i++ {
		var v V
		index := o.next(st)
		setValue(m, &v, index)
		table[newText(m.info.keyBytes, index)] = v
		m.watch()
		w.finish()
	}
	st.done += o.count
}

func getNumbers[K number, V any](w *worker, m *goMap, o *op, st *state) {
	table := as[K, V](m)
	for i := uint64(0); i < o.count; i++ {
		if v, isThere := table[K(o.next(st))]; isThere {
			st.hits++
			st.sum += getValue(m, &v)
		}
		w.finish()
	}
	st.done += o.count
}

// findText is a string to look up; it lives until the next one.
func (w *worker) findText(m *goMap, index uint64) string {
	text := w.scratch[:m.info.keyBytes]
	keyText(text, index)
	return *(*string)(unsafe.Pointer(&text))
}

func getStrings[V any](w *worker, m *goMap, o *op, st *state) {
	table := as[string, V](m)
	for i := uint64(0); i < o.count; i++ {
		if v, isThere := table[w.findText(m, o.next(st))]; isThere {
			st.hits++
			st.sum += getValue(m, &v)
		}
		w.finish()
	}
	st.done += o.count
}

func iterate[K comparable, V any](w *worker, m *goMap, o *op, st *state) {
	table := as[K, V](m)
	for i := uint64(0); i < o.count; i++ {
		for range table {
			st.hits++
			w.step()
		}
		w.finish()
	}
	st.done += o.count
}

func doNumbers[K number, V any](w *worker, m *goMap, o *op, st *state) {
	switch o.kind {
	case opMapPut:
		putNumbers[K, V](w, m, o, st)
	case opMapGet:
		getNumbers[K, V](w, m, o, st)
	case opMapDelete:
		table := as[K, V](m)
		for i := uint64(0); i < o.count; i++ {
			delete(table, K(o.next(st)))
			m.watch()
			w.finish()
		}
		st.done += o.count
	case opMapIterate:
		iterate[K, V](w, m, o, st)
	}
}

func doStrings[V any](w *worker, m *goMap, o *op, st *state) {
	switch o.kind {
	case opMapPut:
		putStrings[V](w, m, o, st)
	case opMapGet:
		getStrings[V](w, m, o, st)
	case opMapDelete:
		table := as[string, V](m)
		for i := uint64(0); i < o.count; i++ {
			delete(table, w.findText(m, o.next(st)))
			m.watch()
			w.finish()
		}
		st.done += o.count
	case opMapIterate:
		iterate[string, V](w, m, o, st)
	}
}

func doKey[V any](w *worker, m *goMap, o *op, st *state) {
	switch m.info.key {
	case keyU64:
		doNumbers[uint64, V](w, m, o, st)
	case keyU32:
		doNumbers[uint32, V](w, m, o, st)
	case keyF64:
		doNumbers[float64, V](w, m, o, st)
	case keyString:
		doStrings[V](w, m, o, st)
	}
}

func (w *worker) doMap(o *op, st *state) {
	m := &w.p.maps[o.target]
	if m.isGuarded {
		w.doKind(m, o, st)
	} else {
		w.doPlain(m, o, st)
	}
}

func (w *worker) doPlain(m *goMap, o *op, st *state) {
	switch {
	case o.kind == opMapClear:
		m.clear()
		w.finish()
		st.done++
	case m.isSized:
		w.doSized(m, o, st)
	case m.info.value == valueUnit:
		doKey[struct{}](w, m, o, st)
	case m.info.value == valuePointer:
		doKey[unsafe.Pointer](w, m, o, st)
	default:
		doKey[uint64](w, m, o, st)
	}
}

// ---- values of any other size ----

// anyKey is room for a key of any type.
type anyKey struct {
	u64  uint64
	u32  uint32
	f64  float64
	text string
}

func (k *anyKey) set(w *worker, m *goMap, index uint64, isNew bool) unsafe.Pointer {
	switch m.info.key {
	case keyU32:
		k.u32 = uint32(index)
		return unsafe.Pointer(&k.u32)
	case keyF64:
		k.f64 = float64(index)
		return unsafe.Pointer(&k.f64)
	case keyString:
		if isNew {
			k.text = newText(m.info.keyBytes, index)
		} else {
			k.text = w.findText(m, index)
		}
		return unsafe.Pointer(&k.text)
	}
	k.u64 = index
	return unsafe.Pointer(&k.u64)
}

func (w *worker) doSized(m *goMap, o *op, st *state) {
	var key anyKey
	var it reflect.MapIter
	bytes := m.info.valueBytes
	for i := uint64(0); i < o.count; i++ {
		switch o.kind {
		case opMapPut:
			index := o.next(st)
			at := mapAssign(m.mapType, m.h, key.set(w, m, index, true))
			writeValue(at, bytes, index)
			m.watch()
		case opMapGet:
			at, isThere := mapAccess2(m.mapType, m.h, key.set(w, m, o.next(st), false))
			if isThere {
				st.hits++
				st.sum += readValue(at, bytes)
			}
		case opMapDelete:
			mapDelete(m.mapType, m.h, key.set(w, m, o.next(st), false))
			m.watch()
		case opMapIterate:
			for it.Reset(m.value()); it.Next(); {
				st.hits++
				w.step()
			}
		}
		runtime.KeepAlive(&key)
		w.finish()
	}
	st.done += o.count
}
