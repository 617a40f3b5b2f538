/* The swiss table: groups of eight slots with a control word, tables of groups, a directory of
 * tables. Private to the design and its tests.
 *
 * INV swiss.control: the control byte of a slot is MAP_SLOT_EMPTY, MAP_SLOT_DELETED or the low 7
 * bits of the hash of the key in it.
 * Holds:      for every slot of a readable group outside an operation.
 * Kept by:    slot_fill(), slot_empty().
 * Checked by: map_swiss_check().  Mutants: tests/maps/test_swiss.c.
 *
 * INV swiss.probe: from the group its hash names up to the group a key lies in, no group has an
 * empty slot.
 * Holds:      for every key of a table outside an operation.
 * Kept by:    first-fit insertion; a deletion leaves MAP_SLOT_DELETED in a group without an empty
 *             slot.
 * Checked by: map_swiss_check().
 *
 * INV swiss.directory: a table of local depth d is at the 2^(global depth - d) entries whose top d
 * bits are those of all its keys' hashes; its index is the first of them.
 * Holds:      outside an operation. A table that was replaced has index MAP_TABLE_STALE.
 * Kept by:    directory_put(), directory_double().
 * Checked by: map_swiss_check().
 */
#ifndef MAPS_KIND_SWISS_H
#define MAPS_KIND_SWISS_H

#include "maps/kind_layout.h"

enum {
  MAP_SLOT_EMPTY = 0x80,
  MAP_SLOT_DELETED = 0xfe,
  MAP_TABLE_SLOTS_MAX = 1024, /* a larger table would be split */
  MAP_TABLE_STALE = -1
};

/* Go's Map, 48 bytes. directory: the one group of a small map (directory_count 0; NULL: none yet),
 * or an array of tables. */
struct map_swiss {
  int64_t used;
  uint64_t seed;           /* 32 bits of it */
  void *directory;
  uint64_t directory_count; /* 2^global_depth, or 0 */
  uint8_t global_depth, unused[2];
  struct at_u8 writing;    /* a writer is inside; best effort */
  uint32_t unused2;
  uint64_t clears;
};

/* Go's table, 32 bytes. */
struct map_swiss_table {
  uint16_t used, capacity; /* slots */
  uint16_t growth_left;    /* empty slots that may still be filled; tombstones have used theirs */
  uint8_t local_depth, unused;
  int64_t index;
  void *groups;
  uint64_t mask;           /* groups - 1 */
};
_Static_assert(sizeof(struct map_swiss) == 48, "Go's Map");
_Static_assert(sizeof(struct map_swiss_table) == 32, "Go's table");

MAP_INLINE uint64_t *map_group_control(void *group) { return group; }
MAP_INLINE void *map_group_at(const struct map_type *t, void *groups, uint64_t i) {
  return (char *)groups + i * t->layout->group.size;
}
MAP_INLINE void *map_group_pair(const struct map_type *t, void *group, unsigned slot) {
  return (char *)group + MAP_GROUP_CONTROL_BYTES + (size_t)slot * t->layout->pair_bytes;
}

/* Bit i: slot i is empty; empty or deleted; holds a key. */
MAP_INLINE unsigned map_slots_empty(uint64_t control) {
  return map_tops_equal(control, MAP_SLOT_EMPTY);
}
MAP_INLINE unsigned map_slots_free(uint64_t control) {
  return map_lanes(control & MAP_LANE_HIGH);
}
MAP_INLINE unsigned map_slots_full(uint64_t control) { return map_slots_free(control) ^ 0xff; }

/* Groups in the order a hash probes them: triangular steps reach every group of a power of two. */
struct map_probe {
  uint64_t offset, step, mask;
};
MAP_INLINE struct map_probe map_probe_begin(uint64_t hash, uint64_t mask) {
  return (struct map_probe){hash >> 7 & mask, 0, mask};
}
MAP_INLINE void map_probe_next(struct map_probe *p) {
  p->step++;
  p->offset = (p->offset + p->step) & p->mask;
}

/* A slot: of the key that was sought, or free for it. */
struct map_slot {
  void *group; /* NULL: none */
  unsigned slot;
};
/* The slot of key in the map, by hash and key. Not a safepoint. */
struct map_slot map_swiss_find(const struct map_type *t, struct map_swiss *m, uint64_t hash,
                               const void *key);
/* The entry of the directory this hash names. */
MAP_INLINE uint64_t map_swiss_index(uint8_t global_depth, uint64_t hash) {
  return global_depth == 0 ? 0 : hash >> (64 - global_depth);
}
uint64_t map_swiss_hash(struct go_g *g, const struct map_type *t, struct map_swiss *m,
                        const void *key);
/* Most keys and tombstones of a table of this capacity. */
MAP_INLINE uint16_t map_swiss_limit(uint16_t capacity) {
  return capacity <= MAP_GROUP_SLOTS ? (uint16_t)(capacity - 1) : (uint16_t)(capacity / 8 * 7);
}

/* The kind's each and check (kind_swiss_walk.c). */
void map_swiss_each(struct go_g *g, const struct map_type *t, void *map, map_visit *visit,
                    void *arg);
bool map_swiss_check(struct go_g *g, const struct map_type *t, void *map, const char **why);

#endif
