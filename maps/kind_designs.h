/* sync.Map, the Java-8-style chained table and the swiss table as rows of map_kinds[]. */
#ifndef MAPS_KIND_DESIGNS_H
#define MAPS_KIND_DESIGNS_H

#include "maps/kind.h"

extern const struct map_kind map_kind_syncmap, map_kind_java8, map_kind_swiss;

/* Bins of a java8 map by their number of entries: lengths[n] counts those with n, the last element
 * those with that many or more. Returns the number of bins. Not a safepoint. */
uint64_t map_java8_histogram(void *m, uint64_t *lengths, uint32_t count);

#endif
