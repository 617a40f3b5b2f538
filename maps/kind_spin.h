/* bucket-spin: Go's bucket layout with a lock per bucket. Who finds a bucket locked spins, then
 * gives the processor away once, then parks, and starts again when woken. Private to the design
 * and its tests.
 *
 * Lock order: resize, a bucket's lock, overflow. An operation holds resize for reading from its
 * first look at the table to its end, so the arrays of buckets and locks stay as they are
 * meanwhile; a growth holds it for writing and moves everything.
 *
 * INV spin.count: the table's own count is `count` only while resize is held for writing; between
 * growths the entries are counted in `count` alone.
 * Kept by:    settle_count().
 * Checked by: spin_check().
 */
#ifndef MAPS_KIND_SPIN_H
#define MAPS_KIND_SPIN_H

#include "maps/kind_int.h"

struct spin_lock {
  struct at_u32 state;
  struct go_sema sema;
};

struct spin_map {
  void *table;                /* struct map *, never changes once made; never left growing */
  void *locks;                /* struct spin_lock[2^B]; written with resize held */
  struct go_rwmutex resize;
  struct go_mutex overflow;   /* the table's overflow buckets, used and spare */
  struct at_u64 count;
  struct at_u64 spins, yields, parks, waits;
  uint64_t migrations, migration_ns_max; /* written with resize held */
};

#endif
