/* A map that grows beside a collection, in a world of threads: the shipped map, heap, barrier
 * buffers and collector, without the scheduler (threads.h).
 *
 * The map holds GROWTH_FULL keys in its one bucket, which is full; every fourth value is a node.
 * The writer takes one of them out, into its frame, and inserts one more: the map doubles, and the
 * bucket is moved, through a barrier buffer that is full several times. Beside it the collector
 * marks, has every buffer flushed, stops the world, and verifies the heap. There a run ends.
 */
#ifndef TESTS_EXPLORE_GROWTH_H
#define TESTS_EXPLORE_GROWTH_H

#include <stdbool.h>
#include <stdint.h>

#include "gc/faults.h"

enum { WRITER, COLLECTOR, GROWTH_THREADS }; /* P 0 and P 1 */
enum { GROWTH_FULL = 8, GROWTH_WB_ENTRIES = 4 };

struct growth_case {
  uint64_t gc_faults;  /* bits of gc/faults.h */
  uint64_t map_faults; /* bits of maps/faults.h */
  enum gc_late_work late_work;
  uint32_t wb_entries; /* of each barrier buffer; 0: GROWTH_WB_ENTRIES */
  bool assists;        /* the writer helps with marking when it allocates */
};

/* Prepares the world at the moment when the first stop of the collection is over and both threads
 * have been started. It fails where the collector or the map say so, or an entry is lost. */
void growth_prepare(const struct growth_case *c);

#endif
