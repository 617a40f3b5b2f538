/* What operations touch, by number: memory by address and length, everything else by an address
 * alone. Numbers are given in the order of first use and never change. Two objects overlap when
 * they share a byte; an operation concerns its own object and all that overlap it. */
#ifndef SIMS_EXPLORE_OBJECTS_H
#define SIMS_EXPLORE_OBJECTS_H

#include "sims/explore/access.h"
#include "sims/explore/lookup.h"

struct xp_object {
  const void *address;
  uint32_t bytes;              /* 0: not memory */
  uint32_t over_count, over_room;
  uint32_t *over;              /* numbers of those it overlaps, not itself */
};

/* Zeroed before its first use. */
struct xp_objects {
  struct xp_object *object;
  uint32_t count, room;
  uint32_t *slot, slots;       /* open addressing; a number + 1 */
  struct xp_lookup lines;      /* what lies in each 64 bytes: struct xp_line, chains of links */
  struct xp_link *link;
  uint32_t links, link_room;
};
void xp_objects_free(struct xp_objects *o);

/* The number of what an access touches. Making a new one may move o->object. */
uint32_t xp_objects_new(struct xp_objects *o, const void *address, uint32_t bytes);

static inline uint32_t xp_objects_hash(const void *address, uint32_t bytes) {
  uint64_t key = ((uint64_t)(uintptr_t)address ^ (uint64_t)bytes << 48) * 0x9e3779b97f4a7c15u;
  return (uint32_t)(key >> 32);
}

static inline uint32_t xp_objects_index(struct xp_objects *o, const struct xp_access *a) {
  if (plat_likely(o->slots > 0)) {
    uint32_t at = xp_objects_hash(a->object, a->bytes) & (o->slots - 1);
    for (; o->slot[at] != 0; at = (at + 1) & (o->slots - 1)) {
      const struct xp_object *x = &o->object[o->slot[at] - 1];
      if (plat_likely(x->address == a->object && x->bytes == a->bytes)) return o->slot[at] - 1;
    }
  }
  return xp_objects_new(o, a->object, a->bytes);
}

/* Both are memory. */
static inline bool xp_objects_overlap(const struct xp_object *a, const struct xp_object *b) {
  uintptr_t x = (uintptr_t)a->address, y = (uintptr_t)b->address;
  return x < y + b->bytes && y < x + a->bytes;
}

#endif
