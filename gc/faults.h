/* Faults that scenarios and tests put into the collector to see that they are found. A run has a
 * word of them (gc_config.faults, a bit each), read on slow paths only; 0: none. */
#ifndef GC_FAULTS_H
#define GC_FAULTS_H

#include <stdint.h>

enum gc_fault {
#define FAULT(id, name, is_harmless, doc) GC_FAULT_##id,
#include "gc/faults.def"
#undef FAULT
  GC_FAULTS
};
_Static_assert(GC_FAULTS <= 64, "one word");

static inline uint64_t gc_fault_bit(enum gc_fault fault) { return UINT64_C(1) << fault; }

#endif
