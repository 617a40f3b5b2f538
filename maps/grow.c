/* Growth: doubling and same-size, a chain or two per write (F1.6). */
#include "maps/map_int.h"
#include "runtime/event.h"

/* Where the next evacuated cell of one destination chain goes. */
struct evac_target {
  struct map_bucket *bucket;
  unsigned cell; /* MAP_CELLS: the bucket is full */
};

/* What an evacuation holds fixed while it moves one old chain. */
struct evac {
  struct go_g *g;
  const struct map_type *t;
  struct map *m;
  uint64_t new_bit; /* bit of the hash that decides between X and Y; 0: same-size growth */
  struct evac_target to[2];
};

static void growth_record(struct gc_mutator *mu, const struct map_type *t, bool doubling, uint8_t B,
                          uint64_t before) {
  if (doubling) {
    at_u64_add_relaxed(&t->counters->growths, 1);
    ev_emit(mu->p->index, EV_map_grow, mu->id, B, before);
  } else {
    at_u64_add_relaxed(&t->counters->same_size_growths, 1);
    ev_emit(mu->p->index, EV_map_same_size_grow, mu->id, B, before);
  }
}

/* The overflow lists follow their arrays: new becomes old (map.overflow-list). */
static void lists_hand_over(struct gc_mutator *mu, struct map_extra *extra) {
  if (extra == NULL || gc_load(&extra->overflow) == NULL)
    return;
  if (gc_load(&extra->old_overflow) != NULL)
    rt_fatal(RT_END_FATAL, "oldoverflow is not nil");
  gc_store(mu, &extra->old_overflow, gc_load(&extra->overflow));
  gc_store(mu, &extra->overflow, NULL);
}

static void grow_begin(struct go_g *g, const struct map_type *t, struct map *m) {
  struct gc_mutator *mu = go_mu(g);
  uint8_t B = plat_ld(&m->B);
  int64_t count = plat_ld(&m->count);
  uint8_t bigger = map_over_load((uint64_t)count + 1, B) ? 1 : 0;
  if (bigger == 0)
    at_u8_store_relaxed(&m->flags, map_flags(m) | MAP_SAME_SIZE);
  GC_ROOTS(mu, roots, 1);
  void *old_array = roots[0] = gc_load(&m->buckets);
  void *spare;
  void *array = map_array_new(g, t, B + bigger, &spare);
  GC_ROOTS_END(mu, roots);
  uint8_t flags = map_flags(m) & (uint8_t) ~(MAP_ITERATOR | MAP_OLD_ITERATOR);
  if ((map_flags(m) & MAP_ITERATOR) != 0)
    flags |= MAP_OLD_ITERATOR;
  uint16_t noverflow = plat_ld(&m->noverflow);
  plat_st(&m->B, (uint8_t)(B + bigger));
  at_u8_store_relaxed(&m->flags, flags);
  gc_store(mu, &m->old_buckets, old_array);
  gc_store(mu, &m->buckets, array);
  plat_st(&m->nevacuate, (uint64_t)0);
  plat_st(&m->noverflow, (uint16_t)0);
  growth_record(mu, t, bigger != 0, B + bigger, bigger != 0 ? (uint64_t)count : noverflow);
  struct map_extra *extra = gc_load(&m->extra);
  lists_hand_over(mu, extra);
  if (spare == NULL)
    return;
  if (extra == NULL) {
    extra = gc_alloc(mu, &map_shared.extra);
    gc_store(mu, &m->extra, extra);
  }
  gc_store(mu, &extra->next_overflow, spare);
}

void map_grow_begin(struct go_g *g, const struct map_type *t, struct map *m) {
  bool is_early =
      map_has_fault(t, MAP_FAULT_WRITE_FLAG_EARLY) && (map_flags(m) & MAP_WRITING) != 0;
  if (is_early)
    at_u8_store_relaxed(&m->flags, map_flags(m) & (uint8_t)~MAP_WRITING);
  grow_begin(g, t, m);
  if (is_early)
    at_u8_store_relaxed(&m->flags, map_flags(m) | MAP_WRITING);
}

/* ---- evacuation ----------------------------------------------------------------------------- */

/* A full destination gets an overflow bucket. The allocation is a safepoint: everything the
 * evacuation still needs is kept alive even if a racing program resets the map meanwhile. */
static __attribute__((noinline)) void target_extend(struct evac *e, struct map_bucket *from,
                                                    unsigned y) {
  GC_ROOTS(go_mu(e->g), roots, 3);
  roots[0] = from;
  roots[1] = e->to[0].bucket;
  roots[2] = e->to[1].bucket;
  e->to[y].bucket = map_overflow_new(e->g, e->t, e->m, e->to[y].bucket);
  e->to[y].cell = 0;
  GC_ROOTS_END(go_mu(e->g), roots);
}

MAP_INLINE uint64_t slot_hash(const struct evac *e, void *slot, const enum map_path path) {
  uint32_t seed = plat_ld(&e->m->hash0);
  if (path == MAP_PATH_GENERIC)
    return map_hash_key(e->g, e->t, map_key_value(e->t, slot), seed);
  plat_charge(PLAT_COST_hash, 1);
  if (path == MAP_PATH_FAST64)
    return map_hash_u64(plat_ld((uint64_t *)slot), seed, e->t->hash_mask);
  if (path == MAP_PATH_FAST32)
    return map_hash_u32(plat_ld((uint32_t *)slot), seed, e->t->hash_mask);
  void *data = gc_load(slot);
  int64_t len = plat_ld(&((struct map_string *)slot)->len);
  plat_touch_read(data, (size_t)len);
  return map_hash_bytes(data, (uint64_t)len, seed, e->t->hash_mask);
}

/* One word of a slot, with the barrier if it holds a pointer. */
MAP_INLINE void word_copy(const struct evac *e, bool is_pointer, void *to, void *from) {
  if (is_pointer)
    map_store(e->g, e->t, MAP_FAULT_EVACUATION_NO_BARRIER, to, gc_load(from));
  else
    plat_st((uint64_t *)to, plat_ld((uint64_t *)from));
}

MAP_INLINE void bytes_copy(void *to, void *from, uint32_t bytes) {
  plat_touch_read(from, bytes);
  plat_touch_write(to, bytes);
  memcpy(to, from, bytes);
}

MAP_INLINE void key_copy(const struct evac *e, void *to, void *from, const enum map_path path) {
  if (path == MAP_PATH_FAST64) {
    word_copy(e, false, to, from);
  } else if (path == MAP_PATH_FAST32) {
    plat_st((uint32_t *)to, plat_ld((uint32_t *)from));
  } else if (e->t->key_kind == MAP_KEY_STRING) {
    word_copy(e, true, to, from);
    plat_st(&((struct map_string *)to)->len, plat_ld(&((struct map_string *)from)->len));
  } else if (e->t->key_kind == MAP_KEY_ANY) {
    word_copy(e, false, to, from);
    word_copy(e, true, map_any_data(to), map_any_data(from));
  } else if (e->t->indirect_key) {
    word_copy(e, true, to, from);
  } else {
    bytes_copy(to, from, e->t->key_slot);
  }
}

MAP_INLINE void elem_copy(const struct evac *e, void *to, void *from) {
  if (e->t->indirect_elem || e->t->elem_kind == MAP_ELEM_POINTER)
    word_copy(e, true, to, from);
  else if (e->t->elem_slot == 8)
    word_copy(e, false, to, from);
  else
    bytes_copy(to, from, e->t->elem_slot);
}

/* Which half the cell goes to; *top changes for a NaN an iterator may be about to see (F1.6.4). */
MAP_INLINE unsigned choose_half(const struct evac *e, void *slot, uint8_t *top,
                                const enum map_path path) {
  if (e->new_bit == 0)
    return 0;
  uint64_t hash = slot_hash(e, slot, path);
  if (path == MAP_PATH_GENERIC && (map_flags(e->m) & MAP_ITERATOR) != 0 && !e->t->reflexive &&
      !map_key_equal(e->t, slot, slot)) {
    unsigned y = *top & 1;
    *top = map_tophash(hash);
    return y;
  }
  return (hash & e->new_bit) != 0;
}

MAP_INLINE void cell_move(struct evac *e, struct map_bucket *from, unsigned i,
                          const enum map_path path) {
  uint8_t top = plat_ld(&from->top[i]);
  if (map_cell_is_empty(top)) {
    plat_st(&from->top[i], (uint8_t)MAP_EVACUATED_EMPTY);
    return;
  }
  if (plat_unlikely(top < MAP_TOP_MIN))
    rt_fatal(RT_END_FATAL, "bad map state");
  void *key = map_key_slot(e->t, from, i);
  /* Hashing is a call there (grow_work). */
  if (path == MAP_PATH_FASTSTR || path == MAP_PATH_GENERIC) gc_poll(go_mu(e->g));
  unsigned y = choose_half(e, key, &top, path);
  plat_st(&from->top[i], (uint8_t)(MAP_EVACUATED_X + y));
  struct evac_target *to = &e->to[y];
  if (plat_unlikely(to->cell == MAP_CELLS))
    target_extend(e, from, y);
  unsigned cell = to->cell;
  plat_charge(PLAT_COST_evacuate, 1);
  plat_st(&to->bucket->top[cell], top);
  key_copy(e, map_key_slot(e->t, to->bucket, cell), key, path);
  elem_copy(e, map_elem_slot(e->t, to->bucket, cell), map_elem_slot(e->t, from, i));
  to->cell = cell + 1;
}

/* Old buckets [0, nevacuate) and any evacuated ones next to them are done with (F1.6.6). */
static void mark_advance(struct go_g *g, const struct map_type *t, struct map *m, uint64_t count) {
  struct gc_mutator *mu = go_mu(g);
  uint64_t next = plat_ld(&m->nevacuate) + 1;
  if (map_has_fault(t, MAP_FAULT_EVACUATION_MARK_TOO_FAR) && next < count) next++;
  uint64_t stop = next + 1024 < count ? next + 1024 : count;
  void *array = gc_load(&m->old_buckets);
  while (next != stop && map_is_evacuated(map_bucket_at(t, array, next)))
    next++;
  plat_st(&m->nevacuate, next);
  if (next != count)
    return;
  gc_store(mu, &m->old_buckets, NULL);
  struct map_extra *extra = gc_load(&m->extra);
  if (extra != NULL)
    gc_store(mu, &extra->old_overflow, NULL);
  at_u8_store_relaxed(&m->flags, map_flags(m) & (uint8_t)~MAP_SAME_SIZE);
  at_u64_add_relaxed(&t->counters->evacuated_buckets, count);
  ev_emit(mu->p->index, EV_map_grow_done, mu->id, plat_ld(&m->B), 0);
}

/* The chain's cells are about to be read or written, in an order the processor cannot guess. */
MAP_INLINE void bucket_prefetch(const struct map_type *t, struct map_bucket *b) {
  for (uint32_t i = 0; i < t->bucket_bytes; i += PLAT_CACHE_LINE)
    __builtin_prefetch((char *)b + i, 1);
}

/* Keys, elements and the overflow pointer of an evacuated bucket. */
static void bucket_clear(struct go_g *g, const struct map_type *t, struct map_bucket *b) {
  if (map_has_fault(t, MAP_FAULT_EVACUATION_NO_BARRIER)) {
    for (uint32_t at = 0; at < t->bucket_bytes - MAP_TOP_BYTES; at += sizeof(void *))
      plat_slot_store((void **)(void *)(b->slots + at), NULL);
    return;
  }
  gc_clear(go_mu(g), &t->bucket, b, MAP_TOP_BYTES, t->bucket_bytes - MAP_TOP_BYTES);
}

MAP_INLINE void chain_move(struct go_g *g, const struct map_type *t, struct map *m, uint64_t index,
                           const enum map_path path) {
  struct map_bucket *head = map_bucket_at(t, gc_load(&m->old_buckets), index);
  uint64_t count = map_old_count(m);
  void *array = gc_load(&m->buckets);
  struct evac e = {.g = g, .t = t, .m = m};
  e.to[0].bucket = map_bucket_at(t, array, index);
  bucket_prefetch(t, e.to[0].bucket);
  if ((map_flags(m) & MAP_SAME_SIZE) == 0) {
    e.new_bit = count;
    e.to[1].bucket = map_bucket_at(t, array, index + count);
    bucket_prefetch(t, e.to[1].bucket);
  }
  for (struct map_bucket *b = head; b != NULL; b = map_overflow(t, b)) {
    for (unsigned i = 0; i < MAP_CELLS; i++)
      cell_move(&e, b, i, path);
  }
  if ((map_flags(m) & MAP_OLD_ITERATOR) == 0 && !t->pointer_free)
    bucket_clear(g, t, head);
}

MAP_INLINE void evacuate(struct go_g *g, const struct map_type *t, struct map *m, uint64_t index,
                         const enum map_path path) {
  uint64_t count = map_old_count(m);
  if (!map_is_evacuated(map_bucket_at(t, gc_load(&m->old_buckets), index)))
    chain_move(g, t, m, index, path);
  if (index == plat_ld(&m->nevacuate))
    mark_advance(g, t, m, count);
}

/* noinline per path: one specialised copy of the loop each. */
#define EVACUATE(name, path)                                                                   \
  static __attribute__((noinline)) void evacuate_##name(struct go_g *g, const struct map_type *t, \
                                                        struct map *m, uint64_t index) {        \
    evacuate(g, t, m, index, path);                                                            \
  }
EVACUATE(generic, MAP_PATH_GENERIC)
EVACUATE(fast32, MAP_PATH_FAST32)
EVACUATE(fast64, MAP_PATH_FAST64)
EVACUATE(faststr, MAP_PATH_FASTSTR)
#undef EVACUATE

static void evacuate_any(struct go_g *g, const struct map_type *t, struct map *m, uint64_t index) {
  switch (t->path) {
    case MAP_PATH_FAST64:
      evacuate_fast64(g, t, m, index);
      return;
    case MAP_PATH_FAST32:
      evacuate_fast32(g, t, m, index);
      return;
    case MAP_PATH_FASTSTR:
      evacuate_faststr(g, t, m, index);
      return;
    case MAP_PATH_GENERIC:
      break;
  }
  evacuate_generic(g, t, m, index);
}

/* The first touch of a new array may clear huge pages, and a stop should not wait for more than one
 * chain of them: like Go's functions, it asks at its calls whether somebody waits. */
static void grow_work(struct go_g *g, const struct map_type *t, struct map *m, uint64_t bucket) {
  evacuate_any(g, t, m, bucket & (map_old_count(m) - 1));
  gc_poll(go_mu(g));
  if (map_is_growing(m))
    evacuate_any(g, t, m, plat_ld(&m->nevacuate));
}

/* With a fault: the chain to write in is the old one. */
static __attribute__((noinline)) struct map_bucket *grow_work_stale(struct go_g *g,
                                                                    const struct map_type *t,
                                                                    struct map *m,
                                                                    uint64_t bucket) {
  struct gc_mutator *mu = go_mu(g);
  GC_ROOTS(mu, roots, 1);
  void *old_array = roots[0] = gc_load(&m->old_buckets);
  struct map_bucket *stale = map_bucket_at(t, old_array, bucket & (map_old_count(m) - 1));
  grow_work(g, t, m, bucket);
  GC_ROOTS_END(mu, roots);
  return stale;
}

struct map_bucket *map_grow_work(struct go_g *g, const struct map_type *t, struct map *m,
                                 uint64_t bucket) {
  if (map_has_fault(t, MAP_FAULT_STALE_BUCKET_WRITTEN))
    return grow_work_stale(g, t, m, bucket);
  grow_work(g, t, m, bucket);
  return map_bucket_at(t, gc_load(&m->buckets), bucket);
}

uint64_t map_evacuated_count(const struct map_type *t, struct map *m) {
  void *array = gc_load(&m->old_buckets);
  if (array == NULL)
    return 0;
  uint64_t count = map_old_count(m);
  uint64_t done = plat_ld(&m->nevacuate);
  for (uint64_t i = done; i < count; i++)
    done += map_is_evacuated(map_bucket_at(t, array, i));
  return done;
}
