// Entry points of the Go runtime that the compiler calls for us in ordinary code, for objects and
// maps whose types are only known when the scenario is.
package main

import (
	"reflect"
	"unsafe"
)

//go:linkname nanotime1 runtime.nanotime
func nanotime1() int64

// nanotime is the monotonic clock: the same in all processes of the machine.
func nanotime() uint64 { return uint64(nanotime1()) }

// newObject is what the compiler makes of new(T): a zeroed object of type t.
//
//go:linkname newObject reflect.unsafe_New
func newObject(t unsafe.Pointer) unsafe.Pointer

// The key need only live during a call of these.
//
//go:linkname mapAssign runtime.mapassign
//go:noescape
func mapAssign(t, h, key unsafe.Pointer) unsafe.Pointer

//go:linkname mapAccess2 runtime.mapaccess2
//go:noescape
func mapAccess2(t, h, key unsafe.Pointer) (unsafe.Pointer, bool)

//go:linkname mapDelete runtime.mapdelete
//go:noescape
func mapDelete(t, h, key unsafe.Pointer)

//go:linkname mapClear runtime.mapclear
func mapClear(t, h unsafe.Pointer)

// Go's own hash functions, with the seed as they have it.
//
//go:linkname memHash64 runtime.memhash64
//go:noescape
func memHash64(p unsafe.Pointer, seed uintptr) uintptr

//go:linkname strHash runtime.strhash
//go:noescape
func strHash(p unsafe.Pointer, seed uintptr) uintptr

// typePointer is the runtime's own descriptor of t.
func typePointer(t reflect.Type) unsafe.Pointer {
	return (*[2]unsafe.Pointer)(unsafe.Pointer(&t))[1]
}

// objectType is a type of exactly that many bytes whose first words are pointers.
func objectType(bytes, pointers uint64) reflect.Type {
	tail := reflect.ArrayOf(int(bytes-8*pointers), reflect.TypeOf(byte(0)))
	if pointers == 0 {
		return tail
	}
	head := reflect.ArrayOf(int(pointers), reflect.TypeOf(unsafe.Pointer(nil)))
	if bytes == 8*pointers {
		return head
	}
	return reflect.StructOf([]reflect.StructField{
		{Name: "Pointers", Type: head}, {Name: "Payload", Type: tail},
	})
}
