/* The design bucket-spin; how it works stands in maps/kind_spin.h. */
#include "maps/kind_spin.h"

enum {
  LOCKED = 1,     /* spin_lock.state: held */
  WAITER = 2,     /* and above it the number of goroutines parked or about to park */
  SPINS = 4,      /* rounds of PAUSE before the operating system is asked to run others */
  SPIN_RELAX = 30 /* PAUSEs of a round */
};

static const uint64_t first_words = 3;
static PLAT_STATE struct {
  struct gc_type header, lock;
} types = {
    .header = {.name = "map.bucket-spin",
               .size = sizeof(struct spin_map),
               .ptrdata = 16,
               .mask = &first_words},
    .lock = {.name = "map.bucket-lock", .size = sizeof(struct spin_lock)},
};

/* ---- the lock of a bucket ------------------------------------------------------------------- */

static bool try_lock(struct spin_lock *l) {
  uint32_t old = at_u32_load_relaxed(&l->state); /* decided by the exchange */
  if ((old & LOCKED) != 0)
    return false;
  return at_u32_cas_acqrel(&l->state, &old, old | LOCKED); /* pairs with bucket_unlock */
}

/* Takes the lock, true, or counts a waiter in, whom an unlock will wake. */
static bool take_or_queue(struct spin_lock *l) {
  uint32_t old = at_u32_load_relaxed(&l->state); /* decided by the exchange */
  for (;;) {
    bool is_free = (old & LOCKED) == 0;
    /* pairs with bucket_unlock */
    if (at_u32_cas_acqrel(&l->state, &old, is_free ? old | LOCKED : old + WAITER))
      return is_free;
  }
}

static __attribute__((noinline)) void bucket_lock_slow(struct go_g *g, struct spin_map *s,
                                                       struct spin_lock *l) {
  at_u64_add_relaxed(&s->waits, 1);
  for (;;) {
    for (int i = 0; i < SPINS; i++) {
      at_u64_add_relaxed(&s->spins, 1);
      for (int n = 0; n < SPIN_RELAX; n++)
        plat_relax();
      if (try_lock(l))
        return;
    }
    at_u64_add_relaxed(&s->yields, 1);
    plat_yield();
    if (try_lock(l) || take_or_queue(l))
      return;
    at_u64_add_relaxed(&s->parks, 1);
    go_sema_acquire(g, &l->sema, false);
    if (try_lock(l))
      return;
  }
}

static void bucket_lock(struct go_g *g, struct spin_map *s, struct spin_lock *l) {
  if (plat_unlikely(!try_lock(l)))
    bucket_lock_slow(g, s, l);
}

/* Wakes one waiter, unless somebody has the lock again, who will. */
static void bucket_unlock(struct go_g *g, struct spin_lock *l) {
  uint32_t old = at_u32_add_acqrel(&l->state, (uint32_t)-LOCKED); /* pairs with try_lock */
  rt_assert((old & LOCKED) != 0);
  old -= LOCKED;
  while (old >= WAITER && (old & LOCKED) == 0) {
    if (at_u32_cas_acqrel(&l->state, &old, old - WAITER)) { /* pairs with take_or_queue */
      go_sema_release(g, &l->sema, false);
      return;
    }
  }
}

/* ---- the chain of a key --------------------------------------------------------------------- */

/* What an operation holds: resize for reading, and one bucket. */
struct chain {
  struct map *m;
  struct map_bucket *head;
  struct spin_lock *lock;
  uint8_t top;
};

static void chain_enter(struct go_g *g, const struct map_type *t, struct spin_map *s,
                        const void *key, struct chain *c) {
  go_rwmutex_rlock(g, &s->resize);
  c->m = gc_load(&s->table);
  uint64_t hash = map_hash_key(g, t, key, plat_ld(&c->m->hash0));
  uint64_t bucket = hash & map_mask(plat_ld(&c->m->B));
  c->top = map_tophash(hash);
  c->lock = (struct spin_lock *)gc_load(&s->locks) + bucket;
  c->head = map_bucket_at(t, gc_load(&c->m->buckets), bucket);
  bucket_lock(g, s, c->lock);
}

static void chain_leave(struct go_g *g, struct spin_map *s, const struct chain *c) {
  bucket_unlock(g, c->lock);
  go_rwmutex_runlock(g, &s->resize);
}

/* ---- making and growing --------------------------------------------------------------------- */

static void locks_make(struct go_g *g, struct spin_map *s, uint8_t B) {
  gc_store(go_mu(g), &s->locks, gc_alloc_array(go_mu(g), &types.lock, (uint64_t)1 << B));
}

static void *spin_create(struct go_g *g, const struct map_type *t,
                         const struct map_params *params) {
  gc_type_register(&types.header);
  gc_type_register(&types.lock);
  GC_ROOTS(go_mu(g), roots, 1);
  struct spin_map *s = roots[0] = gc_alloc(go_mu(g), &types.header);
  gc_store(go_mu(g), &s->table, map_new(g, t, params->hint));
  struct map *m = gc_load(&s->table);
  if (gc_load(&m->buckets) == NULL)
    map_first_bucket(g, t, m);
  locks_make(g, s, m->B);
  GC_ROOTS_END(go_mu(g), roots);
  return s;
}

/* With resize held for writing, or no other user. */
static void settle_count(struct spin_map *s, struct map *m) {
  plat_st(&m->count, (int64_t)at_u64_load_relaxed(&s->count)); /* ordered by the lock */
}

static bool must_grow(struct spin_map *s, struct map *m) {
  uint8_t B = plat_ld(&m->B);
  return map_over_load(at_u64_load_relaxed(&s->count) + 1, B) || /* a hint: grow() looks again */
         map_too_many_overflow(plat_ld(&m->noverflow), B);
}

static void grow(struct go_g *g, const struct map_type *t, struct spin_map *s) {
  go_rwmutex_lock(g, &s->resize);
  struct map *m = gc_load(&s->table);
  settle_count(s, m);
  if (map_must_grow(m)) {
    uint8_t B = plat_ld(&m->B);
    uint64_t ns = map_migrate(g, t, m);
    if (plat_ld(&m->B) != B)
      locks_make(g, s, plat_ld(&m->B));
    s->migrations++;
    if (s->migration_ns_max < ns)
      s->migration_ns_max = ns;
  }
  go_rwmutex_unlock(g, &s->resize);
}

/* ---- operations ----------------------------------------------------------------------------- */

static bool spin_get(struct go_g *g, const struct map_type *t, void *m, const void *key,
                     void *out) {
  struct chain c;
  chain_enter(g, t, m, key, &c);
  struct map_cell at = map_chain_find(t, c.head, c.top, key);
  if (at.bucket != NULL)
    map_elem_out(t, map_elem_value(t, map_elem_slot(t, at.bucket, at.cell)), out);
  chain_leave(g, m, &c);
  return at.bucket != NULL;
}

/* The first cell of a new bucket after the last of the chain. A safepoint. */
static struct map_cell chain_extend(struct go_g *g, const struct map_type *t, struct spin_map *s,
                                    const struct chain *c, struct map_bucket *last) {
  go_mutex_lock(g, &s->overflow);
  struct map_cell at = {map_overflow_new(g, t, c->m, last), 0};
  go_mutex_unlock(g, &s->overflow);
  return at;
}

static void spin_put(struct go_g *g, const struct map_type *t, void *m, const void *key,
                     const void *elem) {
  struct spin_map *s = m;
  struct chain c;
  struct map_cell at;
  struct map_bucket *last;
  bool found;
  for (bool grown = false;; grown = true) {
    chain_enter(g, t, s, key, &c);
    found = map_chain_place(t, c.head, c.top, key, &at, &last);
    if (found || grown || !must_grow(s, c.m))
      break;
    chain_leave(g, s, &c);
    grow(g, t, s);
  }
  if (!found) {
    if (at.bucket == NULL)
      at = chain_extend(g, t, s, &c, last);
    map_cell_fill(g, t, at, c.top, key);
    at_u64_add_relaxed(&s->count, 1);
  } else if (t->key_kind == MAP_KEY_F64 || t->key_kind == MAP_KEY_STRING) {
    map_key_write(g, t, map_key_slot(t, at.bucket, at.cell), key);
  }
  map_elem_in(g, t, map_elem_value(t, map_elem_slot(t, at.bucket, at.cell)), elem);
  chain_leave(g, s, &c);
}

static bool spin_remove(struct go_g *g, const struct map_type *t, void *m, const void *key) {
  struct spin_map *s = m;
  struct chain c;
  chain_enter(g, t, s, key, &c);
  struct map_cell at = map_chain_find(t, c.head, c.top, key);
  if (at.bucket != NULL) {
    map_key_clear(g, t, map_key_slot(t, at.bucket, at.cell));
    map_cell_empty(g, t, c.head, at);
    at_u64_add_relaxed(&s->count, UINT64_MAX);
  }
  chain_leave(g, s, &c);
  return at.bucket != NULL;
}

static void spin_clear(struct go_g *g, const struct map_type *t, void *m) {
  struct spin_map *s = m;
  go_rwmutex_lock(g, &s->resize);
  struct map *table = gc_load(&s->table);
  settle_count(s, table);
  map_clear(g, t, table);
  at_u64_store_relaxed(&s->count, 0); /* ordered by the lock */
  go_rwmutex_unlock(g, &s->resize);
}

/* Visits a chain whose lock is held; false: visit ended it. */
static bool chain_each(struct go_g *g, const struct map_type *t, struct map_bucket *b,
                       map_visit *visit, void *arg) {
  for (; b != NULL; b = map_overflow(t, b)) {
    for (unsigned i = 0; i < MAP_CELLS; i++) {
      if (plat_ld(&b->top[i]) < MAP_TOP_MIN)
        continue;
      void *elem = map_elem_value(t, map_elem_slot(t, b, i));
      if (!map_visit_copy(g, t, map_key_value(t, map_key_slot(t, b, i)), elem, visit, arg))
        return false;
    }
  }
  return true;
}

static void spin_each(struct go_g *g, const struct map_type *t, void *m, map_visit *visit,
                      void *arg) {
  struct spin_map *s = m;
  go_rwmutex_rlock(g, &s->resize);
  struct map *table = gc_load(&s->table);
  uint64_t mask = map_mask(plat_ld(&table->B)), start = gc_fastrand64(go_mu(g));
  bool go_on = true;
  for (uint64_t i = 0; go_on && i <= mask; i++) {
    uint64_t bucket = (start + i) & mask;
    struct spin_lock *lock = (struct spin_lock *)gc_load(&s->locks) + bucket;
    bucket_lock(g, s, lock);
    go_on = chain_each(g, t, map_bucket_at(t, gc_load(&table->buckets), bucket), visit, arg);
    bucket_unlock(g, lock);
  }
  go_rwmutex_runlock(g, &s->resize);
}

static int64_t spin_count(struct go_g *g, void *m) {
  (void)g;
  return (int64_t)at_u64_load_relaxed(&((struct spin_map *)m)->count); /* a number of its own */
}

static void spin_stats(struct go_g *g, const struct map_type *t, void *m,
                       struct map_kind_stats *out) {
  struct spin_map *s = m;
  memset(out, 0, sizeof *out);
  go_rwmutex_lock(g, &s->resize);
  struct map *table = gc_load(&s->table);
  settle_count(s, table);
  map_stats_read(t, table, &out->s);
  out->spin_pauses = at_u64_load_relaxed(&s->spins); /* the four: numbers of their own */
  out->spin_yields = at_u64_load_relaxed(&s->yields);
  out->spin_parks = at_u64_load_relaxed(&s->parks);
  out->lock_waits = at_u64_load_relaxed(&s->waits);
  out->migrations = s->migrations;
  out->migration_ns_max = s->migration_ns_max;
  go_rwmutex_unlock(g, &s->resize);
}

static bool spin_check(struct go_g *g, const struct map_type *t, void *m, const char **why) {
  struct spin_map *s = m;
  struct map *table = gc_load(&s->table);
  struct spin_lock *locks = gc_load(&s->locks);
  for (uint64_t i = 0; i <= map_mask(plat_ld(&table->B)); i++) {
    if (at_u32_load_relaxed(&locks[i].state) != 0) { /* nobody else is there */
      *why = "a bucket is still locked or waited for";
      return false;
    }
  }
  if (map_is_growing(table)) {
    *why = "a migration was left unfinished";
    return false;
  }
  settle_count(s, table);
  return map_check(g, t, table, why);
}

const struct map_kind map_kind_bucket_spin = {
    .name = "bucket-spin",
    .doc = "Go's table with a spin lock per bucket: spin, yield, park; a growth stops everybody.",
    .facts = {.concurrent_reads = true,
              .concurrent_writes = true,
              .linearizable = true,
              .iteration = "one bucket after the other, each in one state; growth waits"},
    .create = spin_create,
    .get = spin_get,
    .put = spin_put,
    .remove = spin_remove,
    .clear = spin_clear,
    .each = spin_each,
    .count = spin_count,
    .stats = spin_stats,
    .check = spin_check,
};
