#include "sims/explore/explored.h"

#include <stdlib.h>
#include <string.h>

#include "sims/memory.h"

enum { FIRST_ROOM = 1 << 12, STATES_MAX = 1 << 21 };

void xp_explored_free(struct xp_explored *e) {
  free(e->entry);
  free(e->counts);
  *e = (struct xp_explored){0};
}

void xp_explored_begin(struct xp_explored *e, uint32_t levels) {
  if (e->entry != NULL && e->count == 0 && e->levels == levels) return;
  xp_explored_free(e);
  e->levels = levels;
  e->room = FIRST_ROOM;
  e->entry = sim_alloc(e->room * sizeof *e->entry);
}

static struct xp_explored_entry *find(struct xp_explored_entry *entry, uint32_t room,
                                      uint64_t state) {
  uint32_t i = (uint32_t)(state >> 32) & (room - 1);
  while (entry[i].number != 0 && entry[i].state != state) i = (i + 1) & (room - 1);
  return &entry[i];
}

static void grow(struct xp_explored *e) {
  uint32_t room = 2 * e->room;
  struct xp_explored_entry *entry = sim_alloc(room * sizeof *entry);
  for (uint32_t i = 0; i < e->room; i++)
    if (e->entry[i].number != 0) *find(entry, room, e->entry[i].state) = e->entry[i];
  free(e->entry);
  e->entry = entry;
  e->room = room;
}

static uint64_t *counts_of(const struct xp_explored *e, uint32_t number) {
  return &e->counts[(size_t)(number - 1) * e->levels];
}

void xp_explored_add(struct xp_explored *e, uint64_t state, uint32_t used, const uint64_t *counts) {
  if (2 * e->count >= e->room && e->count < STATES_MAX) grow(e);
  struct xp_explored_entry *x = find(e->entry, e->room, state);
  if (x->number == 0) {
    if (e->count >= STATES_MAX) return;
    e->counts = sim_grow(e->counts, &e->counts_room, e->count, e->levels * sizeof *e->counts);
    *x = (struct xp_explored_entry){state, used, ++e->count};
  } else if (x->used <= used) {
    return;
  }
  x->used = used;
  memcpy(counts_of(e, x->number), counts, e->levels * sizeof *counts);
}

const uint64_t *xp_explored_find(const struct xp_explored *e, uint64_t state, uint32_t used) {
  const struct xp_explored_entry *x = find(e->entry, e->room, state);
  return x->number != 0 && x->used <= used ? counts_of(e, x->number) : NULL;
}
