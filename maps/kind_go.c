/* Go's map as it is, and under one mutex or one reader-writer mutex for all operations. */
#include "maps/kind_int.h"

/* ---- elements and entries by value ---------------------------------------------------------- */

bool map_get_value(struct go_g *g, const struct map_type *t, struct map *m, const void *key,
                   void *out) {
  void *elem = map_get(g, t, m, key);
  if (elem == NULL)
    return false;
  map_elem_out(t, elem, out);
  return true;
}

void map_put_value(struct go_g *g, const struct map_type *t, struct map *m, const void *key,
                   const void *elem) {
  map_elem_in(g, t, map_assign(g, t, m, key), elem);
}

bool map_remove(struct go_g *g, const struct map_type *t, struct map *m, const void *key) {
  int64_t before = map_count(m);
  map_delete(g, t, m, key);
  return map_count(m) != before;
}

bool map_visit_copy(struct go_g *g, const struct map_type *t, const void *key, void *elem,
                    map_visit *visit, void *arg) {
  union {
    uint64_t align;
    struct map_string string;
    char bytes[MAP_SLOT_MAX];
  } key_copy;
  union {
    void *pointer;
    uint64_t align;
    char bytes[MAP_SLOT_MAX];
  } elem_copy;
  GC_ROOTS(go_mu(g), roots, 2);
  if (t->indirect_key) {
    roots[0] = (void *)(uintptr_t)key;
  } else {
    plat_touch_read(key, t->key_bytes);
    memcpy(key_copy.bytes, key, t->key_bytes);
    key = key_copy.bytes;
    if (t->key_kind == MAP_KEY_STRING)
      roots[0] = (void *)(uintptr_t)key_copy.string.data;
  }
  if (t->indirect_elem) {
    roots[1] = elem;
  } else {
    map_elem_out(t, elem, elem_copy.bytes);
    elem = elem_copy.bytes;
    if (t->elem_kind == MAP_ELEM_POINTER)
      roots[1] = elem_copy.pointer;
  }
  bool go_on = visit(g, key, elem, arg);
  GC_ROOTS_END(go_mu(g), roots);
  return go_on;
}

bool map_each_value(struct go_g *g, const struct map_type *t, struct map *m, map_visit *visit,
                    void *arg) {
  struct map_iter it;
  bool go_on = true;
  map_iter_begin(g, t, m, &it);
  while (go_on && it.key != NULL) {
    go_on = map_visit_copy(g, t, it.key, it.elem, visit, arg);
    if (go_on)
      map_iter_next(g, &it);
  }
  map_iter_end(g, &it);
  return go_on;
}

/* ---- go: no lock ---------------------------------------------------------------------------- */

struct map *map_new_seeded(struct go_g *g, const struct map_type *t, int64_t hint,
                           const struct map_params *params) {
  struct map *m = map_new(g, t, hint);
  if (params->has_hash0)
    map_set_seed(m, params->hash0);
  return m;
}

static void *go_create(struct go_g *g, const struct map_type *t, const struct map_params *params) {
  return map_new_seeded(g, t, params->hint, params);
}

static bool go_get(struct go_g *g, const struct map_type *t, void *m, const void *key, void *out) {
  return map_get_value(g, t, m, key, out);
}

static void go_put(struct go_g *g, const struct map_type *t, void *m, const void *key,
                   const void *elem) {
  map_put_value(g, t, m, key, elem);
}

static bool go_remove(struct go_g *g, const struct map_type *t, void *m, const void *key) {
  return map_remove(g, t, m, key);
}

static void go_clear(struct go_g *g, const struct map_type *t, void *m) { map_clear(g, t, m); }

static void go_each(struct go_g *g, const struct map_type *t, void *m, map_visit *visit,
                    void *arg) {
  map_each_value(g, t, m, visit, arg);
}

static int64_t go_count(struct go_g *g, void *m) {
  (void)g;
  return map_count(m);
}

static void go_stats(struct go_g *g, const struct map_type *t, void *m,
                     struct map_kind_stats *out) {
  (void)g;
  memset(out, 0, sizeof *out);
  map_stats_read(t, m, &out->s);
}

static bool go_check(struct go_g *g, const struct map_type *t, void *m, const char **why) {
  return map_check(g, t, m, why);
}

const struct map_kind map_kind_go = {
    .name = "go",
    .doc = "Go 1.19's map: buckets of eight, overflow chains, growth spread over later operations.",
    .facts = {.concurrent_reads = true,
              .detects_misuse = true,
              .iteration = "no writer may run beside it"},
    .create = go_create,
    .get = go_get,
    .put = go_put,
    .remove = go_remove,
    .clear = go_clear,
    .each = go_each,
    .count = go_count,
    .stats = go_stats,
    .check = go_check,
};

/* ---- a table and its mutex ------------------------------------------------------------------ */

static const uint64_t first_word = 1;

void map_guarded_make(struct go_g *g, const struct map_type *t, struct map_guarded *c,
                      int64_t hint, const struct map_params *params) {
  gc_store(go_mu(g), &c->map, map_new_seeded(g, t, hint, params));
}

struct map *map_guarded_lock(struct go_g *g, struct map_guarded *c) {
  bool at_once = go_mutex_try_lock(g, &c->lock);
  if (!at_once)
    go_mutex_lock(g, &c->lock);
  c->waits += !at_once;
  return gc_load(&c->map);
}

bool map_guarded_get(struct go_g *g, const struct map_type *t, struct map_guarded *c,
                     const void *key, void *out) {
  bool found = map_get_value(g, t, map_guarded_lock(g, c), key, out);
  map_guarded_unlock(g, c);
  return found;
}

bool map_guarded_remove(struct go_g *g, const struct map_type *t, struct map_guarded *c,
                        const void *key) {
  bool found = map_remove(g, t, map_guarded_lock(g, c), key);
  map_guarded_unlock(g, c);
  return found;
}

void map_guarded_clear(struct go_g *g, const struct map_type *t, struct map_guarded *c) {
  map_clear(g, t, map_guarded_lock(g, c));
  map_guarded_unlock(g, c);
}

bool map_guarded_each(struct go_g *g, const struct map_type *t, struct map_guarded *c,
                      map_visit *visit, void *arg) {
  bool go_on = map_each_value(g, t, map_guarded_lock(g, c), visit, arg);
  map_guarded_unlock(g, c);
  return go_on;
}

int64_t map_guarded_count(struct go_g *g, struct map_guarded *c) {
  int64_t count = map_count(map_guarded_lock(g, c));
  map_guarded_unlock(g, c);
  return count;
}

void map_guarded_stats(struct go_g *g, struct map_guarded *c, struct map_kind_stats *out) {
  struct map *m = map_guarded_lock(g, c);
  out->s.count += map_count(m);
  if (out->s.B < plat_ld(&m->B))
    out->s.B = plat_ld(&m->B);
  out->s.noverflow += plat_ld(&m->noverflow);
  out->s.growing = out->s.growing || map_is_growing(m);
  out->s.nevacuate += plat_ld(&m->nevacuate);
  out->lock_waits += c->waits;
  map_guarded_unlock(g, c);
}

/* ---- go-mutex ------------------------------------------------------------------------------- */

static PLAT_STATE struct gc_type mutex_type = {
    .name = "map.go-mutex", .size = sizeof(struct map_guarded), .ptrdata = 8, .mask = &first_word};

static void *mutex_create(struct go_g *g, const struct map_type *t,
                          const struct map_params *params) {
  gc_type_register(&mutex_type);
  GC_ROOTS(go_mu(g), roots, 1);
  struct map_guarded *c = roots[0] = gc_alloc(go_mu(g), &mutex_type);
  map_guarded_make(g, t, c, params->hint, params);
  GC_ROOTS_END(go_mu(g), roots);
  return c;
}

static bool mutex_get(struct go_g *g, const struct map_type *t, void *m, const void *key,
                      void *out) {
  return map_guarded_get(g, t, m, key, out);
}

static void mutex_put(struct go_g *g, const struct map_type *t, void *m, const void *key,
                      const void *elem) {
  map_put_value(g, t, map_guarded_lock(g, m), key, elem);
  map_guarded_unlock(g, m);
}

static bool mutex_remove(struct go_g *g, const struct map_type *t, void *m, const void *key) {
  return map_guarded_remove(g, t, m, key);
}

static void mutex_clear(struct go_g *g, const struct map_type *t, void *m) {
  map_guarded_clear(g, t, m);
}

static void mutex_each(struct go_g *g, const struct map_type *t, void *m, map_visit *visit,
                       void *arg) {
  map_guarded_each(g, t, m, visit, arg);
}

static int64_t mutex_count(struct go_g *g, void *m) { return map_guarded_count(g, m); }

static void mutex_stats(struct go_g *g, const struct map_type *t, void *m,
                        struct map_kind_stats *out) {
  struct map_guarded *c = m;
  memset(out, 0, sizeof *out);
  map_stats_read(t, map_guarded_lock(g, c), &out->s);
  out->lock_waits = c->waits;
  map_guarded_unlock(g, c);
}

static bool mutex_check(struct go_g *g, const struct map_type *t, void *m, const char **why) {
  struct map_guarded *c = m;
  return map_check(g, t, gc_load(&c->map), why);
}

const struct map_kind map_kind_go_mutex = {
    .name = "go-mutex",
    .doc = "Go's map with one mutex held through every operation and a whole iteration.",
    .facts = {.concurrent_reads = true,
              .concurrent_writes = true,
              .linearizable = true,
              .iteration = "one state of the whole map: others wait until it ends"},
    .create = mutex_create,
    .get = mutex_get,
    .put = mutex_put,
    .remove = mutex_remove,
    .clear = mutex_clear,
    .each = mutex_each,
    .count = mutex_count,
    .stats = mutex_stats,
    .check = mutex_check,
};

/* ---- go-rwmutex ----------------------------------------------------------------------------- */

struct rw_map {
  void *map;               /* struct map *, never changes once made */
  struct go_rwmutex lock;  /* around everything in *map: readers get and iterate */
};

static PLAT_STATE struct gc_type rw_type = {
    .name = "map.go-rwmutex", .size = sizeof(struct rw_map), .ptrdata = 8, .mask = &first_word};

static void *rw_create(struct go_g *g, const struct map_type *t, const struct map_params *params) {
  gc_type_register(&rw_type);
  GC_ROOTS(go_mu(g), roots, 1);
  struct rw_map *rw = roots[0] = gc_alloc(go_mu(g), &rw_type);
  gc_store(go_mu(g), &rw->map, map_new_seeded(g, t, params->hint, params));
  GC_ROOTS_END(go_mu(g), roots);
  return rw;
}

static bool rw_get(struct go_g *g, const struct map_type *t, void *m, const void *key, void *out) {
  struct rw_map *rw = m;
  go_rwmutex_rlock(g, &rw->lock);
  bool found = map_get_value(g, t, gc_load(&rw->map), key, out);
  go_rwmutex_runlock(g, &rw->lock);
  return found;
}

static void rw_put(struct go_g *g, const struct map_type *t, void *m, const void *key,
                   const void *elem) {
  struct rw_map *rw = m;
  go_rwmutex_lock(g, &rw->lock);
  map_put_value(g, t, gc_load(&rw->map), key, elem);
  go_rwmutex_unlock(g, &rw->lock);
}

static bool rw_remove(struct go_g *g, const struct map_type *t, void *m, const void *key) {
  struct rw_map *rw = m;
  go_rwmutex_lock(g, &rw->lock);
  bool found = map_remove(g, t, gc_load(&rw->map), key);
  go_rwmutex_unlock(g, &rw->lock);
  return found;
}

static void rw_clear(struct go_g *g, const struct map_type *t, void *m) {
  struct rw_map *rw = m;
  go_rwmutex_lock(g, &rw->lock);
  map_clear(g, t, gc_load(&rw->map));
  go_rwmutex_unlock(g, &rw->lock);
}

static void rw_each(struct go_g *g, const struct map_type *t, void *m, map_visit *visit,
                    void *arg) {
  struct rw_map *rw = m;
  go_rwmutex_rlock(g, &rw->lock);
  map_each_value(g, t, gc_load(&rw->map), visit, arg);
  go_rwmutex_runlock(g, &rw->lock);
}

static int64_t rw_count(struct go_g *g, void *m) {
  struct rw_map *rw = m;
  go_rwmutex_rlock(g, &rw->lock);
  int64_t count = map_count(gc_load(&rw->map));
  go_rwmutex_runlock(g, &rw->lock);
  return count;
}

static void rw_stats(struct go_g *g, const struct map_type *t, void *m,
                     struct map_kind_stats *out) {
  struct rw_map *rw = m;
  memset(out, 0, sizeof *out);
  go_rwmutex_rlock(g, &rw->lock);
  map_stats_read(t, gc_load(&rw->map), &out->s);
  go_rwmutex_runlock(g, &rw->lock);
}

static bool rw_check(struct go_g *g, const struct map_type *t, void *m, const char **why) {
  struct rw_map *rw = m;
  return map_check(g, t, gc_load(&rw->map), why);
}

const struct map_kind map_kind_go_rwmutex = {
    .name = "go-rwmutex",
    .doc = "Go's map with one reader-writer mutex: shared by look-ups and iterations.",
    .facts = {.concurrent_reads = true,
              .concurrent_writes = true,
              .linearizable = true,
              .iteration = "one state of the whole map: writers wait until it ends"},
    .create = rw_create,
    .get = rw_get,
    .put = rw_put,
    .remove = rw_remove,
    .clear = rw_clear,
    .each = rw_each,
    .count = rw_count,
    .stats = rw_stats,
    .check = rw_check,
};

/* ---- checking amid operations ---------------------------------------------------------------- */

static struct map *table_of(const struct map_kind *kind, void *m) {
  if (kind == &map_kind_go) return m;
  if (kind == &map_kind_go_mutex) return gc_load(&((struct map_guarded *)m)->map);
  if (kind == &map_kind_go_rwmutex) return gc_load(&((struct rw_map *)m)->map);
  return NULL;
}

bool map_check_stopped(const struct map_kind *kind, struct go_g *g, const struct map_type *t,
                       void *m, const char **why) {
  struct map *table = m == NULL ? NULL : table_of(kind, m);
  if (table == NULL || (map_flags(table) & MAP_WRITING) != 0) return true;
  return map_check(g, t, table, why);
}
