/* sharded: Go's maps side by side, a mutex each on a cache line of its own. The high bits of a hash
 * with a seed of its own choose the shard, so that all bits of the map's hash count within it. */
#include "maps/kind_int.h"

struct sharded {
  void *shards;         /* struct map_guarded[2^log2_shards], 64-byte aligned; never changes */
  uint32_t log2_shards; /* these two never change either */
  uint32_t hash0;
};

static const uint64_t first_word = 1;
static PLAT_STATE struct {
  struct gc_type header, shard;
} types = {
    .header = {.name = "map.sharded",
               .size = sizeof(struct sharded),
               .ptrdata = 8,
               .mask = &first_word},
    .shard = {.name = "map.shard",
              .size = sizeof(struct map_guarded),
              .ptrdata = 8,
              .mask = &first_word},
};

static uint64_t shard_count(const struct sharded *s) { return (uint64_t)1 << s->log2_shards; }

static struct map_guarded *shard_at(struct sharded *s, uint64_t index) {
  return (struct map_guarded *)gc_load(&s->shards) + index;
}

static struct map_guarded *shard_of(struct go_g *g, const struct map_type *t, struct sharded *s,
                                    const void *key) {
  if (s->log2_shards == 0)
    return shard_at(s, 0);
  return shard_at(s, map_hash_key(g, t, key, s->hash0) >> (64 - s->log2_shards));
}

static void *sharded_create(struct go_g *g, const struct map_type *t,
                            const struct map_params *params) {
  struct gc_mutator *mu = go_mu(g);
  uint32_t count = params->shards;
  rt_assert(count >= 1 && count <= 65536 && (count & (count - 1)) == 0);
  gc_type_register(&types.header);
  gc_type_register(&types.shard);
  GC_ROOTS(mu, roots, 1);
  struct sharded *s = roots[0] = gc_alloc(mu, &types.header);
  s->log2_shards = (uint32_t)__builtin_ctz(count);
  s->hash0 = gc_fastrand(mu);
  gc_store(mu, &s->shards, gc_alloc_array(mu, &types.shard, count));
  int64_t hint = params->hint <= 0 ? 0 : (params->hint - 1) / count + 1;
  for (uint32_t i = 0; i < count; i++)
    map_guarded_make(g, t, shard_at(s, i), hint, params);
  GC_ROOTS_END(mu, roots);
  return s;
}

static bool sharded_get(struct go_g *g, const struct map_type *t, void *m, const void *key,
                        void *out) {
  return map_guarded_get(g, t, shard_of(g, t, m, key), key, out);
}

static void sharded_put(struct go_g *g, const struct map_type *t, void *m, const void *key,
                        const void *elem) {
  struct map_guarded *c = shard_of(g, t, m, key);
  map_put_value(g, t, map_guarded_lock(g, c), key, elem);
  map_guarded_unlock(g, c);
}

static bool sharded_remove(struct go_g *g, const struct map_type *t, void *m, const void *key) {
  return map_guarded_remove(g, t, shard_of(g, t, m, key), key);
}

static void sharded_clear(struct go_g *g, const struct map_type *t, void *m) {
  for (uint64_t i = 0; i < shard_count(m); i++)
    map_guarded_clear(g, t, shard_at(m, i));
}

static void sharded_each(struct go_g *g, const struct map_type *t, void *m, map_visit *visit,
                         void *arg) {
  for (uint64_t i = 0; i < shard_count(m); i++)
    if (!map_guarded_each(g, t, shard_at(m, i), visit, arg))
      return;
}

static int64_t sharded_count(struct go_g *g, void *m) {
  int64_t count = 0;
  for (uint64_t i = 0; i < shard_count(m); i++)
    count += map_guarded_count(g, shard_at(m, i));
  return count;
}

static void sharded_stats(struct go_g *g, const struct map_type *t, void *m,
                          struct map_kind_stats *out) {
  memset(out, 0, sizeof *out);
  map_stats_read(t, NULL, &out->s);
  for (uint64_t i = 0; i < shard_count(m); i++)
    map_guarded_stats(g, shard_at(m, i), out);
}

/* An iteration of one shard, checking that its keys belong there. */
struct placing {
  const struct map_type *t;
  struct sharded *s;
  struct map_guarded *c;
  bool misplaced;
};

static bool check_place(struct go_g *g, const void *key, void *elem, void *arg) {
  struct placing *p = arg;
  (void)elem;
  if (p->t->reflexive || map_key_equal(p->t, key, key))
    p->misplaced = p->misplaced || shard_of(g, p->t, p->s, key) != p->c;
  return !p->misplaced;
}

static bool sharded_check(struct go_g *g, const struct map_type *t, void *m, const char **why) {
  for (uint64_t i = 0; i < shard_count(m); i++) {
    struct placing p = {.t = t, .s = m, .c = shard_at(m, i)};
    if (!map_check(g, t, gc_load(&p.c->map), why))
      return false;
    map_each_value(g, t, gc_load(&p.c->map), check_place, &p);
    if (p.misplaced) {
      *why = "a key is in a shard its hash does not name";
      return false;
    }
  }
  return true;
}

const struct map_kind map_kind_sharded = {
    .name = "sharded",
    .doc = "Several of Go's maps, a mutex each on a cache line of its own; the key's hash chooses.",
    .facts = {.concurrent_reads = true,
              .concurrent_writes = true,
              .linearizable = true,
              .iteration = "one shard after the other, each in one state; its writers wait"},
    .create = sharded_create,
    .get = sharded_get,
    .put = sharded_put,
    .remove = sharded_remove,
    .clear = sharded_clear,
    .each = sharded_each,
    .count = sharded_count,
    .stats = sharded_stats,
    .check = sharded_check,
};
