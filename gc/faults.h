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

/* What happens to work that turns up after the last stop (Go issue 27993). */
enum gc_late_work {
  GC_LATE_RESTART, /* marking goes on */
  GC_LATE_THROW,   /* the run ends: RT_END_VIOLATION */
  GC_LATE_DISCARD  /* it is dropped: unsound */
};

static inline uint64_t gc_fault_bit(enum gc_fault fault) { return UINT64_C(1) << fault; }

#endif
