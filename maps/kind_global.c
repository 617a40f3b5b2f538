/* global-lock: one mutex, and a growth that moves everything before anybody gets the lock again. */
#include "maps/kind_int.h"

struct global_map {
  struct map_guarded c;
  uint64_t migrations, migration_ns_max; /* under c.lock */
};

static const uint64_t first_word = 1;
static PLAT_STATE struct gc_type global_type = {.name = "map.global-lock",
                                                .size = sizeof(struct global_map),
                                                .ptrdata = 8,
                                                .mask = &first_word};

uint64_t map_migrate(struct go_g *g, const struct map_type *t, struct map *m) {
  uint64_t start = plat_now_ns();
  if (!map_is_growing(m))
    map_grow_begin(g, t, m);
  while (map_is_growing(m))
    map_grow_work(g, t, m, plat_ld(&m->nevacuate));
  return plat_now_ns() - start;
}

static void migrate(struct go_g *g, const struct map_type *t, struct global_map *m,
                    struct map *table) {
  uint64_t ns = map_migrate(g, t, table);
  m->migrations++;
  if (m->migration_ns_max < ns)
    m->migration_ns_max = ns;
}

static void *global_create(struct go_g *g, const struct map_type *t,
                           const struct map_params *params) {
  gc_type_register(&global_type);
  GC_ROOTS(go_mu(g), roots, 1);
  struct global_map *m = roots[0] = gc_alloc(go_mu(g), &global_type);
  map_guarded_make(g, t, &m->c, params->hint, params);
  GC_ROOTS_END(go_mu(g), roots);
  return m;
}

static bool global_get(struct go_g *g, const struct map_type *t, void *m, const void *key,
                       void *out) {
  struct global_map *global = m;
  return map_guarded_get(g, t, &global->c, key, out);
}

/* Outside the lock the table is never growing. */
static void global_put(struct go_g *g, const struct map_type *t, void *m, const void *key,
                       const void *elem) {
  struct global_map *global = m;
  struct map *table = map_guarded_lock(g, &global->c);
  rt_assert(!map_is_growing(table));
  if (map_must_grow(table) && map_get(g, t, table, key) == NULL)
    migrate(g, t, global, table);
  map_put_value(g, t, table, key, elem);
  if (plat_unlikely(map_is_growing(table)))
    migrate(g, t, global, table); /* the moved entries made new overflow buckets at once */
  map_guarded_unlock(g, &global->c);
}

static bool global_remove(struct go_g *g, const struct map_type *t, void *m, const void *key) {
  struct global_map *global = m;
  return map_guarded_remove(g, t, &global->c, key);
}

static void global_clear(struct go_g *g, const struct map_type *t, void *m) {
  struct global_map *global = m;
  map_guarded_clear(g, t, &global->c);
}

static void global_each(struct go_g *g, const struct map_type *t, void *m, map_visit *visit,
                        void *arg) {
  struct global_map *global = m;
  map_guarded_each(g, t, &global->c, visit, arg);
}

static int64_t global_count(struct go_g *g, void *m) {
  struct global_map *global = m;
  return map_guarded_count(g, &global->c);
}

static void global_stats(struct go_g *g, const struct map_type *t, void *m,
                         struct map_kind_stats *out) {
  struct global_map *global = m;
  memset(out, 0, sizeof *out);
  map_stats_read(t, map_guarded_lock(g, &global->c), &out->s);
  out->lock_waits = global->c.waits;
  out->migrations = global->migrations;
  out->migration_ns_max = global->migration_ns_max;
  map_guarded_unlock(g, &global->c);
}

static bool global_check(struct go_g *g, const struct map_type *t, void *m, const char **why) {
  struct global_map *global = m;
  struct map *table = gc_load(&global->c.map);
  if (map_is_growing(table)) {
    *why = "a migration was left unfinished";
    return false;
  }
  return map_check(g, t, table, why);
}

const struct map_kind map_kind_global_lock = {
    .name = "global-lock",
    .doc = "Go's table with one mutex, held while a growth moves all buckets at once.",
    .facts = {.concurrent_reads = true,
              .concurrent_writes = true,
              .linearizable = true,
              .iteration = "one state of the whole map: others wait until it ends"},
    .create = global_create,
    .get = global_get,
    .put = global_put,
    .remove = global_remove,
    .clear = global_clear,
    .each = global_each,
    .count = global_count,
    .stats = global_stats,
    .check = global_check,
};
