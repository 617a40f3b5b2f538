/* Weak pointers, the heap's part: records that tie an object to its handle.
 *
 * A handle is a heap object of its own that holds the address of its object until that is found
 * unreachable, then 0. What may be done with the address, and when, is the collector's to say
 * (gc_weak_get).
 *
 * INV gc.weak: an object has at most one handle; a handle that has a record is allocated and holds
 * its object's address, which is that of an allocated slot.
 * Holds:      whenever the world is stopped.
 * Kept by:    gc_weak_sweep(), which clears the handle before the slot can be taken again; handles
 *             with a record are roots of marking (gc_mark_root_job).
 * Checked by: gc_weak_check_stw(); tests/mark/test_weak.c.
 */
#ifndef GC_WEAK_H
#define GC_WEAK_H

#include "gc/heap.h"

/* Not a tiny object: it lives and dies alone. */
struct gc_weak_handle {
  struct at_u64 target; /* address of the object; 0: it is gone */
  uint64_t unused;
};

void gc_weak_init(void);

/* The handle of the object, which lies in span and is live; NULL: it has none. Any thread; takes
 * the lock of the records. */
struct gc_weak_handle *gc_weak_find(struct gc_span *span, uintptr_t object);
/* The same, but one without gets `fresh`, whose target is the object. Not a safepoint. */
struct gc_weak_handle *gc_weak_find_or_add(struct gc_span *span, uintptr_t object,
                                           struct gc_weak_handle *fresh);

/* Clears the handles of the span's unmarked objects. By the one who sweeps it, before its bits
 * change. */
void gc_weak_sweep(struct gc_span *span);

/* Records lie in blocks, which only get added: their number, and a visit of each handle that has
 * its record in one. Not while spans are swept; visit takes no lock. */
uint64_t gc_weak_blocks(void);
typedef void gc_weak_visitor(struct gc_weak_handle *handle, void *arg);
void gc_weak_each(uint64_t block, gc_weak_visitor *visit, void *arg);

/* Ends the run (RT_END_VIOLATION) unless (gc.weak) holds. World stopped, everything swept. */
void gc_weak_check_stw(void);

#endif
