#include "sims/explore/explored.h"

#include <stdlib.h>
#include <string.h>

#include "sims/memory.h"

enum { STATES_MAX = 1 << 21 };

void xp_explored_free(struct xp_explored *e) {
  xp_lookup_free(&e->table);
  free(e->counts);
  *e = (struct xp_explored){0};
}

void xp_explored_begin(struct xp_explored *e, uint32_t levels) {
  if (e->table.count == 0 && e->levels == levels) return;
  xp_explored_free(e);
  e->levels = levels;
}

/* NULL: it is not known, and the table is full. */
static struct xp_explored_entry *enter(struct xp_explored *e, uint64_t state) {
  struct xp_explored_entry *x;
  if (e->table.count < STATES_MAX) return xp_lookup_enter(&e->table, sizeof *x, state);
  x = xp_lookup_find(&e->table, sizeof *x, state);
  return x->state != 0 ? x : NULL;
}

static uint64_t *counts_of(const struct xp_explored *e, uint32_t number) {
  return &e->counts[(size_t)(number - 1) * e->levels];
}

void xp_explored_add(struct xp_explored *e, uint64_t state, uint32_t used, const uint64_t *counts) {
  struct xp_explored_entry *x = enter(e, state | (state == 0));
  if (x == NULL) return;
  if (x->number == 0) {
    x->number = e->table.count;
    e->counts = sim_grow(e->counts, &e->counts_room, x->number - 1, e->levels * sizeof *e->counts);
  } else if (x->used <= used) {
    return;
  }
  x->used = used;
  memcpy(counts_of(e, x->number), counts, e->levels * sizeof *counts);
}

const uint64_t *xp_explored_find(const struct xp_explored *e, uint64_t state, uint32_t used) {
  if (e->table.count == 0) return NULL;
  const struct xp_explored_entry *x =
    xp_lookup_find(&e->table, sizeof *x, state | (state == 0));
  return x->number != 0 && x->used <= used ? counts_of(e, x->number) : NULL;
}
