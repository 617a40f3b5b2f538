/* What the designs of maps/kind.h share. A design is one struct map_kind in a file of its own,
 * declared here and listed in kind.c. */
#ifndef MAPS_KIND_INT_H
#define MAPS_KIND_INT_H

#include "maps/kind.h"
#include "maps/map_int.h"

/* kind_go.c, with map_kind_go: Go's map alone and under one lock */
extern const struct map_kind map_kind_go_mutex, map_kind_go_rwmutex;
extern const struct map_kind map_kind_sharded;     /* kind_sharded.c */
extern const struct map_kind map_kind_global_lock; /* kind_global.c */
extern const struct map_kind map_kind_bucket_spin; /* kind_spin.c */

/* ---- elements by value ---------------------------------------------------------------------- */

/* at: where the element's value lies, as map_get() and map_assign() return it. */
MAP_INLINE void map_elem_in(struct go_g *g, const struct map_type *t, void *at, const void *elem) {
  if (t->elem_kind == MAP_ELEM_POINTER) {
    gc_store(go_mu(g), at, *(void *const *)elem);
  } else if (t->elem_bytes == 8) {
    plat_st((uint64_t *)at, map_load_u64(elem));
  } else if (t->elem_bytes != 0) {
    plat_touch_write(at, t->elem_bytes);
    memcpy(at, elem, t->elem_bytes);
  }
}

MAP_INLINE void map_elem_out(const struct map_type *t, void *at, void *out) {
  if (t->elem_kind == MAP_ELEM_POINTER) {
    *(void **)out = gc_load(at);
  } else if (t->elem_bytes == 8) {
    uint64_t word = plat_ld((const uint64_t *)at);
    memcpy(out, &word, sizeof word);
  } else if (t->elem_bytes != 0) {
    plat_touch_read(at, t->elem_bytes);
    memcpy(out, at, t->elem_bytes);
  }
}

/* ---- Go's table with elements by value (kind_go.c) ------------------------------------------ */

bool map_get_value(struct go_g *g, const struct map_type *t, struct map *m, const void *key,
                   void *out);
/* A safepoint; m is reachable from what the caller rooted. */
void map_put_value(struct go_g *g, const struct map_type *t, struct map *m, const void *key,
                   const void *elem);
bool map_remove(struct go_g *g, const struct map_type *t, struct map *m, const void *key);
/* Visits copies of the key and the element; what is stored behind a pointer is visited in place,
 * rooted. key, elem: the values, reachable until the first safepoint. */
bool map_visit_copy(struct go_g *g, const struct map_type *t, const void *key, void *elem,
                    map_visit *visit, void *arg);
/* Go's iteration; false: visit ended it. */
bool map_each_value(struct go_g *g, const struct map_type *t, struct map *m, map_visit *visit,
                    void *arg);

/* ---- Go's table and a mutex, on a cache line (kind_go.c) ------------------------------------ */

/* Part of a heap object; word 0 is its only pointer. */
struct map_guarded {
  void *map;                /* struct map *, never changes once made */
  struct go_mutex lock;     /* around everything in *map */
  uint64_t waits;           /* times the lock was not free at once; under it */
  uint64_t unused;          /* to a whole cache line */
};
_Static_assert(sizeof(struct map_guarded) == PLAT_CACHE_LINE, "one shard, one cache line");

/* An empty table with room for hint entries and the seed of params. A safepoint. */
struct map *map_new_seeded(struct go_g *g, const struct map_type *t, int64_t hint,
                           const struct map_params *params);
/* Fills the map of a fresh cell of the rooted object it lies in. A safepoint. */
void map_guarded_make(struct go_g *g, const struct map_type *t, struct map_guarded *c,
                      int64_t hint, const struct map_params *params);
struct map *map_guarded_lock(struct go_g *g, struct map_guarded *c);
MAP_INLINE void map_guarded_unlock(struct go_g *g, struct map_guarded *c) {
  go_mutex_unlock(g, &c->lock);
}
bool map_guarded_get(struct go_g *g, const struct map_type *t, struct map_guarded *c,
                     const void *key, void *out);
bool map_guarded_remove(struct go_g *g, const struct map_type *t, struct map_guarded *c,
                        const void *key);
void map_guarded_clear(struct go_g *g, const struct map_type *t, struct map_guarded *c);
bool map_guarded_each(struct go_g *g, const struct map_type *t, struct map_guarded *c,
                      map_visit *visit, void *arg);
int64_t map_guarded_count(struct go_g *g, struct map_guarded *c);
/* Adds its own numbers: counts are summed, B is the largest. */
void map_guarded_stats(struct go_g *g, struct map_guarded *c, struct map_kind_stats *out);

/* ---- whole migrations ----------------------------------------------------------------------- */

/* Begins a growth if none is under way, and moves every bucket; nobody else uses m. Returns how
 * long that took, in nanoseconds. A safepoint. */
uint64_t map_migrate(struct go_g *g, const struct map_type *t, struct map *m);

#endif
