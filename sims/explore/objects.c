#include "sims/explore/objects.h"

#include <stdlib.h>

#include "sims/memory.h"

enum { FIRST_SLOTS = 256, LINE_BYTES = 64 };

struct xp_line {
  uint64_t number;   /* address / LINE_BYTES */
  uint32_t first;    /* link + 1; 0: none */
};

struct xp_link {
  uint32_t object, next; /* next: as first; 0: none */
};

void xp_objects_free(struct xp_objects *o) {
  for (uint32_t i = 0; i < o->count; i++) free(o->object[i].over);
  free(o->object);
  free(o->slot);
  xp_lookup_free(&o->lines);
  free(o->link);
  *o = (struct xp_objects){0};
}

/* ---- by address ------------------------------------------------------------------------------ */

static void put_slot(struct xp_objects *o, uint32_t index) {
  const struct xp_object *x = &o->object[index];
  uint32_t at = xp_objects_hash(x->address, x->bytes) & (o->slots - 1);
  while (o->slot[at] != 0) at = (at + 1) & (o->slots - 1);
  o->slot[at] = index + 1;
}

static void grow_slots(struct xp_objects *o) {
  free(o->slot);
  o->slots = o->slots == 0 ? FIRST_SLOTS : 2 * o->slots;
  o->slot = sim_alloc(o->slots * sizeof *o->slot);
  for (uint32_t i = 0; i < o->count; i++) put_slot(o, i);
}

/* ---- by line --------------------------------------------------------------------------------- */

static bool is_known_overlap(const struct xp_object *x, uint32_t other) {
  for (uint32_t i = 0; i < x->over_count; i++)
    if (x->over[i] == other) return true;
  return false;
}

static void add_overlap(struct xp_object *x, uint32_t other) {
  x->over = sim_grow(x->over, &x->over_room, x->over_count, sizeof *x->over);
  x->over[x->over_count++] = other;
}

static void enter_line(struct xp_objects *o, uint32_t index, uintptr_t number) {
  struct xp_line *line = xp_lookup_enter(&o->lines, sizeof *line, number);
  for (uint32_t k = line->first; k != 0; k = o->link[k - 1].next) {
    uint32_t other = o->link[k - 1].object;
    if (!xp_objects_overlap(&o->object[index], &o->object[other]) ||
        is_known_overlap(&o->object[index], other))
      continue;
    add_overlap(&o->object[index], other);
    add_overlap(&o->object[other], index);
  }
  o->link = sim_grow(o->link, &o->link_room, o->links, sizeof *o->link);
  o->link[o->links++] = (struct xp_link){index, line->first};
  line->first = o->links;
}

uint32_t xp_objects_new(struct xp_objects *o, const void *address, uint32_t bytes) {
  uint32_t index = o->count;
  if (2 * (o->count + 1) >= o->slots) grow_slots(o);
  o->object = sim_grow(o->object, &o->room, o->count, sizeof *o->object);
  o->object[o->count++] = (struct xp_object){.address = address, .bytes = bytes};
  put_slot(o, index);
  if (bytes == 0) return index;
  uintptr_t last = ((uintptr_t)address + bytes - 1) / LINE_BYTES;
  for (uintptr_t n = (uintptr_t)address / LINE_BYTES; n <= last; n++) enter_line(o, index, n);
  return index;
}
