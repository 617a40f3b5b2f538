/* Type descriptors: which words of an object are pointers. */
#ifndef GC_TYPE_H
#define GC_TYPE_H

#include <stdbool.h>
#include <stdint.h>

#include "runtime/plat.h"

enum {
  GC_TYPE_MAX = 0x7fff,   /* most types a run may register */
  GC_TYPE_ARRAY = 0x8000  /* flag in a span's type column: the slot holds floor(slot/size) values */
};

/* A type. Filled by its owner up to `mask`, completed by gc_type_register, then immutable.
 * Must outlive the run (static or metadata memory). */
struct gc_type {
  const char *name;
  uint32_t size;        /* bytes of one value; a multiple of 8 when ptrdata != 0 */
  uint32_t ptrdata;     /* bytes up to and including the last pointer word; 0: pointer-free */
  const uint64_t *mask; /* bit i: word i is a pointer; (ptrdata/8) bits; NULL when ptrdata == 0 */
  uint16_t id;          /* 1..GC_TYPE_MAX, by registration order; 0 before */
  uint8_t fast_class;   /* span class gc_alloc may take inline; 0: always the slow path */
};

/* Completes *t and enters it in the registry. Any thread; takes the META lock.
 * Ends the run with RT_ERR_LIMIT's message when GC_TYPE_MAX is reached. Idempotent. */
void gc_type_register(struct gc_type *t);

struct gc_type_registry {
  const struct gc_type **table; /* by id; entry 0 is NULL */
  uint32_t count;
};
extern PLAT_STATE struct gc_type_registry gc_types; /* written by gc_type_register only */

/* The type with this id (without GC_TYPE_ARRAY). Any thread, no lock: an entry is written once,
 * before anybody can hold an object of the type. */
static inline const struct gc_type *gc_type_by_id(uint16_t id) { return gc_types.table[id]; }

static inline bool gc_type_is_pointer(const struct gc_type *t, uint32_t word) {
  return word < t->ptrdata / 8 && (t->mask[word / 64] >> (word % 64) & 1) != 0;
}

#endif
