/* Making, clearing and extending tables: everything that allocates buckets or empties cells. */
#include "gc/sizeclass.h"
#include "maps/map_int.h"

/* Go's maxAlloc on a 64-bit machine: a hint whose buckets would exceed it counts as 0. */
static const uint64_t HINT_BYTES_MAX = (uint64_t)1 << 48;

void map_die_writes(void) { rt_fatal(RT_END_FATAL, "concurrent map writes"); }
void map_die_read(void) { rt_fatal(RT_END_FATAL, "concurrent map read and map write"); }

void map_barrier_slow(struct go_g *g, const struct map_type *t, enum map_fault fault, void **slot,
                      void *value) {
  if (!map_has_fault(t, fault)) gc_store_slow(go_mu(g), slot, value);
}

/* ---- overflow buckets ----------------------------------------------------------------------- */

static void list_grow(struct go_g *g, struct map *m, struct map_list *list) {
  GC_ROOTS(go_mu(g), roots, 2);
  roots[0] = m;
  roots[1] = list;
  int64_t len = plat_ld(&list->len);
  int64_t cap = plat_ld(&list->cap);
  int64_t wanted = cap * 2;
  if (cap == 0)
    wanted = 1;
  else if (cap >= 256)
    wanted = cap + (cap + 768) / 4; /* F2.11 */
  uint64_t bytes = gc_round_up_bytes((uint64_t)wanted * sizeof(void *));
  void **grown = gc_alloc_array(go_mu(g), &map_shared.pointer, bytes / sizeof(void *));
  void **data = gc_load(&list->data);
  for (int64_t i = 0; i < len; i++)
    gc_store(go_mu(g), &grown[i], gc_load(&data[i]));
  gc_store(go_mu(g), &list->data, grown);
  plat_st(&list->cap, (int64_t)(bytes / sizeof(void *)));
  GC_ROOTS_END(go_mu(g), roots);
}

/* Appends bucket, which the caller has rooted, to the map's overflow list (map.overflow-list). */
static void list_append(struct go_g *g, struct map *m, struct map_bucket *bucket) {
  struct map_extra *extra = gc_load(&m->extra);
  struct map_list *list = gc_load(&extra->overflow);
  int64_t len = plat_ld(&list->len);
  if (len == plat_ld(&list->cap))
    list_grow(g, m, list);
  rt_assert(len < plat_ld(&list->cap));
  void **data = gc_load(&list->data);
  gc_store(go_mu(g), &data[len], bucket);
  plat_st(&list->len, len + 1);
}

void map_extra_ensure(struct go_g *g, const struct map_type *t, struct map *m) {
  struct gc_mutator *mu = go_mu(g);
  if (gc_load(&m->extra) == NULL)
    gc_store(mu, &m->extra, gc_alloc(mu, &map_shared.extra));
  struct map_extra *extra = gc_load(&m->extra);
  if (!t->pointer_free || gc_load(&extra->overflow) != NULL)
    return;
  GC_ROOTS(mu, roots, 1);
  roots[0] = extra;
  gc_store(mu, &extra->overflow, gc_alloc(mu, &map_shared.list));
  GC_ROOTS_END(mu, roots);
}

/* The next pre-allocated overflow bucket, or NULL. The last one points back at the array. */
static struct map_bucket *spare_take(struct go_g *g, const struct map_type *t, struct map *m) {
  struct gc_mutator *mu = go_mu(g);
  struct map_extra *extra = gc_load(&m->extra);
  if (extra == NULL)
    return NULL;
  struct map_bucket *spare = gc_load(&extra->next_overflow);
  if (spare == NULL)
    return NULL;
  if (map_overflow(t, spare) == NULL) {
    gc_store(mu, &extra->next_overflow, map_bucket_at(t, spare, 1));
  } else {
    gc_store(mu, map_overflow_slot(t, spare), NULL);
    gc_store(mu, &extra->next_overflow, NULL);
  }
  at_u64_add_relaxed(&t->counters->overflow_preallocated, 1);
  return spare;
}

/* Counts one more overflow bucket; by chance only for B >= 16 (F1.2.3). */
static void overflow_count(struct go_g *g, struct map *m) {
  uint8_t B = plat_ld(&m->B);
  uint16_t count = plat_ld(&m->noverflow);
  if (B < 16) {
    plat_st(&m->noverflow, (uint16_t)(count + 1));
    return;
  }
  uint32_t mask = ((uint32_t)1 << ((B - 15) & 31)) - 1;
  if ((gc_fastrand(go_mu(g)) & mask) == 0)
    plat_st(&m->noverflow, (uint16_t)(count + 1));
}

struct map_bucket *map_overflow_new(struct go_g *g, const struct map_type *t, struct map *m,
                                    struct map_bucket *b) {
  struct gc_mutator *mu = go_mu(g);
  GC_ROOTS(mu, roots, 2);
  roots[0] = b;
  struct map_bucket *fresh = spare_take(g, t, m);
  if (fresh == NULL)
    fresh = gc_alloc(mu, &t->bucket);
  roots[1] = fresh;
  at_u64_add_relaxed(&t->counters->overflow_allocated, 1);
  overflow_count(g, m);
  if (t->pointer_free && !map_has_fault(t, MAP_FAULT_OVERFLOW_UNLISTED)) {
    map_extra_ensure(g, t, m);
    list_append(g, m, fresh);
  }
  gc_store(mu, map_overflow_slot(t, b), fresh);
  GC_ROOTS_END(mu, roots);
  return fresh;
}

/* ---- bucket arrays -------------------------------------------------------------------------- */

/* Makes the buckets after the first 2^B spares and returns the first of them, or NULL. The array
 * must be reachable or rooted. */
static struct map_bucket *array_spares(struct go_g *g, const struct map_type *t, void *array,
                                       uint8_t B) {
  uint64_t base = (uint64_t)1 << B;
  uint64_t count = map_array_count(t, B);
  if (count == base)
    return NULL;
  struct map_bucket *last = map_bucket_at(t, array, count - 1);
  gc_store(go_mu(g), map_overflow_slot(t, last), array);
  return map_bucket_at(t, array, base);
}

void *map_array_new(struct go_g *g, const struct map_type *t, uint8_t B, void **spare) {
  void *array = gc_alloc_array(go_mu(g), &t->bucket, map_array_count(t, B));
  *spare = array_spares(g, t, array, B);
  return array;
}

void map_first_bucket(struct go_g *g, const struct map_type *t, struct map *m) {
  gc_store(go_mu(g), &m->buckets, gc_alloc(go_mu(g), &t->bucket));
}

/* ---- making --------------------------------------------------------------------------------- */

struct map *map_new(struct go_g *g, const struct map_type *t, int64_t hint) {
  struct gc_mutator *mu = go_mu(g);
  uint64_t bytes;
  if (__builtin_mul_overflow((uint64_t)hint, (uint64_t)t->bucket_bytes, &bytes) ||
      bytes > HINT_BYTES_MAX)
    hint = 0;
  GC_ROOTS(mu, roots, 1);
  struct map *m = gc_alloc(mu, &map_shared.header);
  roots[0] = m;
  m->hash0 = gc_fastrand(mu);
  while (map_over_load((uint64_t)hint, m->B))
    m->B++;
  if (m->B != 0) {
    void *spare;
    void *array = map_array_new(g, t, m->B, &spare);
    gc_store(mu, &m->buckets, array);
    if (spare != NULL) {
      gc_store(mu, &m->extra, gc_alloc(mu, &map_shared.extra));
      struct map_extra *extra = gc_load(&m->extra);
      gc_store(mu, &extra->next_overflow, spare);
    }
  }
  GC_ROOTS_END(mu, roots);
  return m;
}

uint32_t map_seed(const struct map *m) { return plat_ld(&m->hash0); }

void map_set_seed(struct map *m, uint32_t hash0) {
  rt_assert(m->count == 0);
  m->hash0 = hash0;
}

int64_t map_count(const struct map *m) { return m == NULL ? 0 : plat_ld(&m->count); }

/* ---- emptying cells ------------------------------------------------------------------------- */

static void elem_clear(struct go_g *g, const struct map_type *t, void *slot) {
  if (t->indirect_elem || t->elem_kind == MAP_ELEM_POINTER) {
    gc_store(go_mu(g), slot, NULL);
    return;
  }
  plat_touch_write(slot, t->elem_slot);
  memset(slot, 0, t->elem_slot);
}

/* Turns the cell, just made MAP_EMPTY_ONE, and the MAP_EMPTY_ONE run before it into
 * MAP_EMPTY_REST if nothing follows it in its chain (map.rest, F1.5.3). */
static void rest_propagate(const struct map_type *t, struct map_bucket *head, struct map_cell c) {
  struct map_bucket *b = c.bucket;
  unsigned i = c.cell;
  if (i == MAP_CELLS - 1) {
    struct map_bucket *next = map_overflow(t, b);
    if (next != NULL && plat_ld(&next->top[0]) != MAP_EMPTY_REST)
      return;
  } else if (plat_ld(&b->top[i + 1]) != MAP_EMPTY_REST) {
    return;
  }
  for (;;) {
    plat_st(&b->top[i], (uint8_t)MAP_EMPTY_REST);
    if (i == 0) {
      if (b == head)
        return;
      struct map_bucket *after = b;
      for (b = head; map_overflow(t, b) != after; b = map_overflow(t, b))
        plat_charge(PLAT_COST_map_probe, 1);
      i = MAP_CELLS - 1;
    } else {
      i--;
    }
    if (plat_ld(&b->top[i]) != MAP_EMPTY_ONE)
      return;
  }
}

void map_cell_empty(struct go_g *g, const struct map_type *t, struct map_bucket *head,
                    struct map_cell c) {
  elem_clear(g, t, map_elem_slot(t, c.bucket, c.cell));
  plat_st(&c.bucket->top[c.cell], (uint8_t)MAP_EMPTY_ONE);
  rest_propagate(t, head, c);
}

void map_cell_delete(struct go_g *g, const struct map_type *t, struct map *m,
                     struct map_bucket *head, struct map_cell c) {
  map_cell_empty(g, t, head, c);
  int64_t count = plat_ld(&m->count) - 1;
  plat_st(&m->count, count);
  if (count == 0)
    plat_st(&m->hash0, gc_fastrand(go_mu(g)));
}

/* ---- clearing ------------------------------------------------------------------------------- */

static void array_clear(struct go_g *g, const struct map_type *t, void *array, uint64_t count) {
  plat_charge(PLAT_COST_zero_byte, count * t->bucket_bytes);
  if (t->pointer_free) {
    plat_touch_write(array, count * t->bucket_bytes);
    memset(array, 0, count * t->bucket_bytes);
    return;
  }
  for (uint64_t i = 0; i < count; i++)
    gc_clear(go_mu(g), &t->bucket, map_bucket_at(t, array, i), 0, t->bucket_bytes);
}

static void clear_growth(struct go_g *g, const struct map_type *t, struct map *m) {
  if (!map_is_growing(m))
    return;
  at_u64_add_relaxed(&t->counters->evacuated_buckets, map_evacuated_count(t, m));
  gc_store(go_mu(g), &m->old_buckets, NULL);
}

void map_clear(struct go_g *g, const struct map_type *t, struct map *m) {
  struct gc_mutator *mu = go_mu(g);
  if (m == NULL || plat_ld(&m->count) == 0)
    return;
  map_write_test(m);
  map_write_begin(m);
  clear_growth(g, t, m);
  at_u8_store_relaxed(&m->flags, map_flags(m) & (uint8_t)~MAP_SAME_SIZE);
  plat_st(&m->nevacuate, (uint64_t)0);
  plat_st(&m->noverflow, (uint16_t)0);
  plat_st(&m->count, (int64_t)0);
  plat_st(&m->hash0, gc_fastrand(mu));
  struct map_extra *extra = gc_load(&m->extra);
  if (extra != NULL)
    gc_clear(mu, &map_shared.extra, extra, 0, sizeof *extra);
  uint8_t B = plat_ld(&m->B);
  void *array = gc_load(&m->buckets);
  array_clear(g, t, array, map_array_count(t, B));
  struct map_bucket *spare = array_spares(g, t, array, B);
  if (spare != NULL)
    gc_store(mu, &extra->next_overflow, spare);
  map_write_end(m);
}
