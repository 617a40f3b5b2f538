#include "sims/explore/classes.h"

enum { COUNT_MAX = 3 };

void xp_classes_free(struct xp_classes *c) {
  xp_lookup_free(&c->table);
  *c = (struct xp_classes){0};
}

/* The class's entry, made when it is not there; NULL: the table is full. */
static struct xp_class *enter(struct xp_classes *c, uint64_t hash) {
  struct xp_class *s;
  if (c->table.count < XP_CLASSES_MAX) return xp_lookup_enter(&c->table, sizeof *s, hash);
  s = xp_lookup_find(&c->table, sizeof *s, hash);
  if (s->hash != 0) return s;
  c->is_full = true;
  return NULL;
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

void xp_classes_merge(struct xp_classes *into, const struct xp_classes *from, const uint32_t *to,
                      uint32_t shares) {
  into->is_full = into->is_full || from->is_full;
  for (uint32_t k = 0; k < shares; k++) into->observed[to[k]] += from->observed[k];
  for (uint32_t i = 0; i < from->table.room; i++) {
    const struct xp_class *its = xp_lookup_at(&from->table, sizeof *its, i);
    struct xp_class *s = its->hash == 0 ? NULL : enter(into, its->hash);
    for (uint32_t k = 0; s != NULL && k < shares; k++) {
      uint64_t sum = (s->counts >> 2 * to[k] & 3) + (its->counts >> 2 * k & 3);
      set_count(into, s, to[k], sum > COUNT_MAX ? COUNT_MAX : sum);
    }
  }
}
