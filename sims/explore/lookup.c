#include "sims/explore/lookup.h"

#include <stdlib.h>
#include <string.h>

#include "sims/memory.h"

enum { FIRST_ROOM = 1 << 10 };

void xp_lookup_free(struct xp_lookup *t) {
  free(t->entries);
  *t = (struct xp_lookup){0};
}

void xp_lookup_grow(struct xp_lookup *t, size_t bytes) {
  struct xp_lookup old = *t;
  t->room = old.room == 0 ? FIRST_ROOM : 2 * old.room;
  t->entries = sim_alloc(t->room * bytes);
  for (uint32_t i = 0; i < old.room; i++) {
    const uint64_t *entry = xp_lookup_at(&old, bytes, i);
    if (*entry != 0) memcpy(xp_lookup_find(t, bytes, *entry), entry, bytes);
  }
  free(old.entries);
}
