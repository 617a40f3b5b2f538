/* Faults that scenarios and tests put into the scheduler to see that they are found: a word of them
 * (go_config.faults, a bit each), read on slow paths only; 0: none. */
#ifndef SCHED_FAULTS_H
#define SCHED_FAULTS_H

#include <stdint.h>

enum go_fault {
#define FAULT(id, name, is_harmless, doc) GO_FAULT_##id,
#include "sched/faults.def"
#undef FAULT
  GO_FAULTS
};
_Static_assert(GO_FAULTS <= 64, "one word");

static inline uint64_t go_fault_bit(enum go_fault fault) { return UINT64_C(1) << fault; }

#endif
