/* sync.Map. Private to the design and its tests.
 *
 * Keys that have been read lie in a map nobody writes any more, so reading one takes no lock; new
 * keys go to a second map under the lock, which also has all the live keys of the first and takes
 * its place once it has been needed as often as it has keys. Both maps hold pointers to entries,
 * and an entry is one slot that is changed by compare-and-swap.
 *
 * Storing a new key allocates as Go does: the key and the value for their interfaces (unless small
 * integers), the value's interface twice (once for stores into an existing entry, which come to
 * nothing here, once for the new one) and the entry; overwriting, all but the last two.
 *
 * INV syncmap.dirty: while there is a dirty map, it has every key of the read map whose entry is
 * not expunged, with that same entry, and no expunged one; without one, no entry is expunged.
 * read.amended says that there is one.
 * Holds:      whenever the lock is free.
 * Kept by:    dirty_make(), store_slow() (unexpunges before it writes), promote().
 * Checked by: syncmap_check().  Mutants: tests/maps/test_syncmap.c.
 */
#ifndef MAPS_KIND_SYNCMAP_H
#define MAPS_KIND_SYNCMAP_H

#include "maps/kind_layout.h"

struct map_sync {
  void *read;            /* struct map_sync_read *; replaced under the lock, loaded by anyone */
  void *dirty;           /* struct map *, or NULL; under the lock */
  struct go_mutex lock;
  int64_t misses;        /* since the last promotion; under the lock */
  uint64_t all_misses, promotions; /* under the lock */
  struct at_u64 waits;
  const struct map_type *type; /* of both maps; lives for ever */
  struct map_params seed;      /* of every dirty map; never changes */
};

/* Immutable once published. */
struct map_sync_read {
  void *map;             /* struct map *, never written again; NULL: no keys */
  uint64_t amended;      /* 1: the dirty map may have keys that this one has not */
};

struct map_sync_entry {
  void *value;           /* struct map_sync_box *; NULL: deleted; map_sync_expunged */
};

/* A value's interface on the heap: a type word, and a pointer that is the value or points to it. */
struct map_sync_box {
  uint64_t type;
  void *data;
};

/* Marks an entry that is deleted and not in the dirty map; its address is what counts. */
extern struct map_sync_box map_sync_expunged;

#endif
