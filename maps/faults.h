/* Faults that scenarios and tests put into a map to see that they are found: a word of them
 * (map_type_set_faults, a bit each), read on slow paths only; 0: none. */
#ifndef MAPS_FAULTS_H
#define MAPS_FAULTS_H

#include <stdint.h>

enum map_fault {
#define FAULT(id, name, is_harmless, doc) MAP_FAULT_##id,
#include "maps/faults.def"
#undef FAULT
  MAP_FAULTS
};
_Static_assert(MAP_FAULTS <= 64, "one word");

static inline uint64_t map_fault_bit(enum map_fault fault) { return UINT64_C(1) << fault; }

#endif
