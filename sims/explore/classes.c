#include "sims/explore/classes.h"

#include <stdlib.h>

#include "sims/memory.h"

enum { FIRST_ROOM = 1 << 10, COUNT_MAX = 3 };

void xp_classes_free(struct xp_classes *c) {
  free(c->slot);
  *c = (struct xp_classes){0};
}

static struct xp_class *find(struct xp_class *slot, uint32_t room, uint64_t hash) {
  uint32_t i = (uint32_t)(hash >> 32) & (room - 1);
  while (slot[i].hash != 0 && slot[i].hash != hash) i = (i + 1) & (room - 1);
  return &slot[i];
}

static void grow(struct xp_classes *c) {
  uint32_t room = c->room == 0 ? FIRST_ROOM : 2 * c->room;
  struct xp_class *slot = sim_alloc(room * sizeof *slot);
  for (uint32_t i = 0; i < c->room; i++)
    if (c->slot[i].hash != 0) *find(slot, room, c->slot[i].hash) = c->slot[i];
  free(c->slot);
  c->slot = slot;
  c->room = room;
}

/* The class's slot, made when it is not there; NULL: the table is full. */
static struct xp_class *enter(struct xp_classes *c, uint64_t hash) {
  if (c->count >= c->room / 2 && c->count < XP_CLASSES_MAX) grow(c);
  struct xp_class *s = find(c->slot, c->room, hash);
  if (s->hash != 0) return s;
  if (c->count >= XP_CLASSES_MAX) {
    c->is_full = true;
    return NULL;
  }
  c->count++;
  s->hash = hash;
  return s;
}

static void set_count(struct xp_classes *c, struct xp_class *s, uint32_t share, uint64_t to) {
  uint32_t shift = 2 * share;
  uint64_t was = s->counts >> shift & 3;
  s->counts = (s->counts & ~(UINT64_C(3) << shift)) | to << shift;
  c->distinct[share] += was == 0 && to > 0;
  c->once[share] += (uint64_t)(to == 1) - (uint64_t)(was == 1);
  c->twice[share] += (uint64_t)(to == 2) - (uint64_t)(was == 2);
}

/* What is met while the table is full counts as not observed: the unseen mass stays what it was. */
void xp_classes_add(struct xp_classes *c, uint64_t hash, uint32_t share) {
  struct xp_class *s = enter(c, hash | (hash == 0));
  if (s == NULL || c->is_full) return;
  c->observed[share]++;
  uint64_t was = s->counts >> 2 * share & 3;
  if (was < COUNT_MAX) set_count(c, s, share, was + 1);
}

void xp_classes_merge(struct xp_classes *into, const struct xp_classes *from) {
  into->is_full = into->is_full || from->is_full;
  for (uint32_t k = 0; k < XP_CLASS_SHARES; k++) into->observed[k] += from->observed[k];
  for (uint32_t i = 0; i < from->room; i++) {
    struct xp_class *s = from->slot[i].hash == 0 ? NULL : enter(into, from->slot[i].hash);
    for (uint32_t k = 0; s != NULL && k < XP_CLASS_SHARES; k++) {
      uint64_t sum = (s->counts >> 2 * k & 3) + (from->slot[i].counts >> 2 * k & 3);
      set_count(into, s, k, sum > COUNT_MAX ? COUNT_MAX : sum);
    }
  }
}
