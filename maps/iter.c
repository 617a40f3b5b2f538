/* Iteration (F1.8): a random start, one pass over the buckets of the table as it was when the
 * iteration began, looking moved entries up in the table as it is now. */
#include "maps/map_int.h"

/* What the root slots of an iterator hold. */
enum {
  ROOT_MAP,
  ROOT_BUCKETS,      /* the array the iteration walks */
  ROOT_BUCKET,       /* the bucket it is in; NULL: take the next one */
  ROOT_OVERFLOW,     /* overflow lists of a pointer-free map when the iteration began */
  ROOT_OLD_OVERFLOW,
  ROOT_KEY,
  ROOT_ELEM,
  ROOT_COUNT
};
_Static_assert((int)ROOT_COUNT <= (int)MAP_ITER_ROOTS, "root slots of struct map_iter");

static const uint64_t NO_CHECK = UINT64_MAX; /* check_bucket: every cell of the chain counts */

static void iter_point(struct map_iter *it, void *key, void *elem) {
  it->roots[ROOT_KEY] = it->key = key;
  it->roots[ROOT_ELEM] = it->elem = elem;
}

/* Remembers the overflow lists, so that old chains of a pointer-free map stay alive (F1.8.1). */
static void keep_lists(struct go_g *g, struct map_iter *it, struct map *m) {
  if (!it->type->pointer_free)
    return;
  map_extra_ensure(g, it->type, m);
  struct map_extra *extra = gc_load(&m->extra);
  it->roots[ROOT_OVERFLOW] = gc_load(&extra->overflow);
  it->roots[ROOT_OLD_OVERFLOW] = gc_load(&extra->old_overflow);
}

void map_iter_begin(struct go_g *g, const struct map_type *t, struct map *m, struct map_iter *it) {
  struct gc_mutator *mu = go_mu(g);
  memset(it, 0, sizeof *it);
  it->type = t;
  gc_frame_push(mu, &it->frame, it->roots, MAP_ITER_ROOTS);
  if (m == NULL || plat_ld(&m->count) == 0)
    return;
  it->roots[ROOT_MAP] = m;
  it->B = plat_ld(&m->B);
  it->roots[ROOT_BUCKETS] = gc_load(&m->buckets);
  keep_lists(g, it, m);
  uint64_t r = it->B > 28 ? gc_fastrand64(mu) : gc_fastrand(mu);
  it->start_bucket = r & map_mask(it->B);
  it->offset = (uint8_t)(r >> it->B & (MAP_CELLS - 1));
  it->bucket = it->start_bucket;
  const uint8_t both = MAP_ITERATOR | MAP_OLD_ITERATOR;
  if ((map_flags(m) & both) != both)
    at_u8_or_relaxed(&m->flags, both); /* concurrent iterators; no data is published by it */
  map_iter_next(g, it);
}

/* Moves to the next bucket of the walk; false: the round is complete. */
static bool next_bucket(struct map_iter *it, struct map *m) {
  const struct map_type *t = it->type;
  if (it->bucket == it->start_bucket && it->wrapped)
    return false;
  struct map_bucket *b = map_bucket_at(t, it->roots[ROOT_BUCKETS], it->bucket);
  it->check_bucket = NO_CHECK;
  void *old_buckets = gc_load(&m->old_buckets);
  if (old_buckets != NULL && it->B == plat_ld(&m->B)) {
    uint64_t index = it->bucket & (map_old_count(m) - 1);
    struct map_bucket *old = map_bucket_at(t, old_buckets, index);
    if (!map_is_evacuated(old)) {
      b = old;
      it->check_bucket = it->bucket;
    }
  }
  if (++it->bucket == (uint64_t)1 << it->B) {
    it->bucket = 0;
    it->wrapped = 1;
  }
  it->roots[ROOT_BUCKET] = b;
  it->i = 0;
  return true;
}

/* Whether a cell of an old chain that is not evacuated will go to the bucket being visited
 * (F1.8.3). */
static bool goes_here(struct go_g *g, const struct map_iter *it, struct map *m, const void *key,
                      uint8_t top) {
  if (it->check_bucket == NO_CHECK || (map_flags(m) & MAP_SAME_SIZE) != 0)
    return true;
  const struct map_type *t = it->type;
  if (t->reflexive || map_key_equal(t, key, key)) {
    uint64_t hash = map_hash_key(g, t, key, plat_ld(&m->hash0));
    return (hash & map_mask(it->B)) == it->check_bucket;
  }
  return it->check_bucket >> (it->B - 1) == (top & 1);
}

/* The current place of an entry that has been moved since the iteration began. */
static struct map_cell find_moved(struct go_g *g, const struct map_type *t, struct map *m,
                                  const void *key) {
  if (plat_ld(&m->count) == 0)
    return (struct map_cell){NULL, 0};
  uint64_t hash = map_hash_key(g, t, key, plat_ld(&m->hash0));
  return map_chain_find(t, map_read_chain(t, m, hash), map_tophash(hash), key);
}

/* Points the iterator at cell i of b, if the iteration is to see it. */
static bool visit(struct go_g *g, struct map_iter *it, struct map *m, struct map_bucket *b,
                  unsigned i) {
  const struct map_type *t = it->type;
  uint8_t top = plat_ld(&b->top[i]);
  if (map_cell_is_empty(top) || top == MAP_EVACUATED_EMPTY)
    return false;
  void *key = map_key_value(t, map_key_slot(t, b, i));
  if (!goes_here(g, it, m, key, top))
    return false;
  if (top >= MAP_TOP_MIN || !(t->reflexive || map_key_equal(t, key, key))) {
    iter_point(it, key, map_elem_value(t, map_elem_slot(t, b, i)));
    return true;
  }
  struct map_cell c = find_moved(g, t, m, key);
  if (c.bucket == NULL)
    return false;
  key = map_key_value(t, map_key_slot(t, c.bucket, c.cell));
  iter_point(it, key, map_elem_value(t, map_elem_slot(t, c.bucket, c.cell)));
  return true;
}

void map_iter_next(struct go_g *g, struct map_iter *it) {
  struct map *m = it->roots[ROOT_MAP];
  iter_point(it, NULL, NULL);
  if (m == NULL)
    return;
  if (plat_unlikely((map_flags(m) & MAP_WRITING) != 0))
    rt_fatal(RT_END_FATAL, "concurrent map iteration and map write");
  for (;;) {
    struct map_bucket *b = it->roots[ROOT_BUCKET];
    if (b == NULL) {
      if (!next_bucket(it, m))
        return;
      b = it->roots[ROOT_BUCKET];
    }
    plat_charge(PLAT_COST_map_probe, 1);
    while (it->i < MAP_CELLS) {
      unsigned cell = (it->i++ + it->offset) & (MAP_CELLS - 1);
      if (visit(g, it, m, b, cell))
        return;
    }
    it->roots[ROOT_BUCKET] = map_overflow(it->type, b);
    it->i = 0;
  }
}

void map_iter_end(struct go_g *g, struct map_iter *it) {
  gc_frame_pop(go_mu(g), &it->frame);
  it->key = it->elem = NULL;
}
