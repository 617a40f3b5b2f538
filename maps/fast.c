/* The specialised paths (F1.9): 4-byte, 8-byte and string keys. One body serves both integer
 * sizes; the width is a constant of each public function. */
#include "maps/map_int.h"

enum { LONG_STRING = 32 }; /* from here on a one-bucket map compares ends before whole strings */

/* ---- integer keys --------------------------------------------------------------------------- */

MAP_INLINE uint64_t int_hash(const struct map_type *t, struct map *m, uint64_t key,
                             const unsigned width) {
  plat_charge(PLAT_COST_hash, 1);
  uint32_t seed = plat_ld(&m->hash0);
  return width == 8 ? map_hash_u64(key, seed, t->hash_mask)
                    : map_hash_u32((uint32_t)key, seed, t->hash_mask);
}

/* The searches below go cell by cell, with branches: the processor guesses where a search ends and
 * runs ahead of memory, which for tables beyond the caches measured faster than comparing all eight
 * keys at once and waiting for the answer. */
MAP_INLINE bool int_equal(struct map_bucket *b, unsigned i, uint64_t key, const unsigned width) {
  const char *slot = b->slots + (size_t)i * width;
  return width == 8 ? map_load_u64(slot) == key : map_load_u32(slot) == (uint32_t)key;
}

/* Announces that the tophash bytes and keys of b are about to be read. */
MAP_INLINE void int_probe(struct map_bucket *b, const unsigned width) {
  map_probe(b);
  plat_touch_read(b, MAP_TOP_BYTES + (size_t)MAP_CELLS * width);
}

/* The occupied cell with this key; neither tophash values nor MAP_EMPTY_REST matter (F1.9.2). */
MAP_INLINE struct map_cell int_find(const struct map_type *t, struct map_bucket *b, uint64_t key,
                                    const unsigned width) {
  for (; b != NULL; b = map_overflow(t, b)) {
    int_probe(b, width);
    for (unsigned i = 0; i < MAP_CELLS; i++) {
      if (int_equal(b, i, key, width) && !map_cell_is_empty(b->top[i]))
        return (struct map_cell){b, i};
    }
  }
  return (struct map_cell){NULL, 0};
}

MAP_INLINE void *int_get(const struct map_type *t, struct map *m, uint64_t key,
                         const unsigned width) {
  if (m == NULL || plat_ld(&m->count) == 0)
    return NULL;
  map_read_test(m);
  struct map_bucket *b;
  if (plat_ld(&m->B) == 0)
    b = gc_load(&m->buckets); /* one bucket: no hash */
  else
    b = map_read_chain(t, m, int_hash(t, m, key, width));
  struct map_cell c = int_find(t, b, key, width);
  return c.bucket == NULL ? NULL : map_elem_slot(t, c.bucket, c.cell);
}

/* As chain_place() of the generic path, but by key alone (F1.9.3). */
MAP_INLINE bool int_place(const struct map_type *t, struct map_bucket *b, uint64_t key,
                          const unsigned width, struct map_cell *c, struct map_bucket **last) {
  c->bucket = NULL;
  for (;;) {
    int_probe(b, width);
    *last = b;
    for (unsigned i = 0; i < MAP_CELLS; i++) {
      bool empty = map_cell_is_empty(b->top[i]);
      if (empty && c->bucket == NULL)
        *c = (struct map_cell){b, i};
      if (b->top[i] == MAP_EMPTY_REST)
        return false;
      if (!empty && int_equal(b, i, key, width)) {
        *c = (struct map_cell){b, i};
        return true;
      }
    }
    b = map_overflow(t, b);
    if (b == NULL)
      return false;
  }
}

MAP_INLINE void int_fill(struct map_cell c, uint64_t hash, uint64_t key, const unsigned width) {
  char *slot = c.bucket->slots + (size_t)c.cell * width;
  plat_st(&c.bucket->top[c.cell], map_tophash(hash));
  if (width == 8)
    plat_st((uint64_t *)(void *)slot, key);
  else
    plat_st((uint32_t *)(void *)slot, (uint32_t)key);
}

/* Finds or makes the cell of key, whatever that takes. */
MAP_INLINE struct map_cell int_assign_cell(struct go_g *g, const struct map_type *t, struct map *m,
                                           uint64_t hash, uint64_t key, const unsigned width) {
  if (gc_load(&m->buckets) == NULL)
    map_first_bucket(g, t, m);
  for (;;) {
    uint64_t bucket = hash & map_mask(plat_ld(&m->B));
    struct map_bucket *head = map_write_chain(g, t, m, bucket);
    struct map_cell c;
    struct map_bucket *last;
    if (int_place(t, head, key, width, &c, &last))
      return c;
    if (map_must_grow(m)) {
      map_grow_begin(g, t, m);
      continue;
    }
    if (c.bucket == NULL)
      c = (struct map_cell){map_overflow_new(g, t, m, last), 0};
    int_fill(c, hash, key, width);
    plat_st(&m->count, plat_ld(&m->count) + 1);
    return c;
  }
}

static __attribute__((noinline)) struct map_cell assign_cell_slow32(struct go_g *g,
                                                                    const struct map_type *t,
                                                                    struct map *m, uint64_t hash,
                                                                    uint64_t key) {
  return int_assign_cell(g, t, m, hash, key, 4);
}
static __attribute__((noinline)) struct map_cell assign_cell_slow64(struct go_g *g,
                                                                    const struct map_type *t,
                                                                    struct map *m, uint64_t hash,
                                                                    uint64_t key) {
  return int_assign_cell(g, t, m, hash, key, 8);
}

/* The common case of int_assign_cell(): not growing, and the first bucket decides. Otherwise
 * nothing has happened and bucket is NULL. */
MAP_INLINE struct map_cell int_assign_quick(const struct map_type *t, struct map *m, uint64_t hash,
                                            uint64_t key, const unsigned width) {
  const struct map_cell no = {NULL, 0};
  void *array = gc_load(&m->buckets);
  if (plat_unlikely(array == NULL || map_is_growing(m)))
    return no;
  uint8_t B = plat_ld(&m->B);
  struct map_bucket *b = map_bucket_at(t, array, hash & map_mask(B));
  int_probe(b, width);
  unsigned i = 0, free_cell = MAP_CELLS;
  for (; i < MAP_CELLS && b->top[i] != MAP_EMPTY_REST; i++) {
    if (b->top[i] == MAP_EMPTY_ONE)
      free_cell = free_cell == MAP_CELLS ? i : free_cell;
    else if (int_equal(b, i, key, width))
      return (struct map_cell){b, i};
  }
  uint64_t count = (uint64_t)plat_ld(&m->count) + 1;
  if (i == MAP_CELLS || map_over_load(count, B) ||
      map_too_many_overflow(plat_ld(&m->noverflow), B))
    return no;
  struct map_cell c = {b, free_cell == MAP_CELLS ? i : free_cell};
  int_fill(c, hash, key, width);
  plat_st(&m->count, (int64_t)count);
  return c;
}

MAP_INLINE void *int_assign(struct go_g *g, const struct map_type *t, struct map *m, uint64_t key,
                            const unsigned width) {
  if (plat_unlikely(m == NULL))
    rt_fatal(RT_END_FATAL, "assignment to entry in nil map");
  map_write_test(m);
  uint64_t hash = int_hash(t, m, key, width);
  map_write_begin(m);
  struct map_cell c = int_assign_quick(t, m, hash, key, width);
  if (plat_unlikely(c.bucket == NULL))
    c = width == 8 ? assign_cell_slow64(g, t, m, hash, key)
                   : assign_cell_slow32(g, t, m, hash, key);
  map_write_end(m);
  return map_elem_slot(t, c.bucket, c.cell);
}

MAP_INLINE void int_delete(struct go_g *g, const struct map_type *t, struct map *m, uint64_t key,
                           const unsigned width) {
  if (m == NULL || plat_ld(&m->count) == 0)
    return;
  map_write_test(m);
  uint64_t hash = int_hash(t, m, key, width);
  map_write_begin(m);
  uint64_t bucket = hash & map_mask(plat_ld(&m->B));
  struct map_bucket *head = map_write_chain(g, t, m, bucket);
  struct map_cell c = int_find(t, head, key, width);
  if (c.bucket != NULL)
    map_cell_delete(g, t, m, head, c);
  map_write_end(m);
}

void *map_get_fast64(struct go_g *g, const struct map_type *t, struct map *m, uint64_t key) {
  (void)g;
  return int_get(t, m, key, 8);
}
void *map_get_fast32(struct go_g *g, const struct map_type *t, struct map *m, uint32_t key) {
  (void)g;
  return int_get(t, m, key, 4);
}
void *map_assign_fast64(struct go_g *g, const struct map_type *t, struct map *m, uint64_t key) {
  return int_assign(g, t, m, key, 8);
}
void *map_assign_fast32(struct go_g *g, const struct map_type *t, struct map *m, uint32_t key) {
  return int_assign(g, t, m, key, 4);
}
void map_delete_fast64(struct go_g *g, const struct map_type *t, struct map *m, uint64_t key) {
  int_delete(g, t, m, key, 8);
}
void map_delete_fast32(struct go_g *g, const struct map_type *t, struct map *m, uint32_t key) {
  int_delete(g, t, m, key, 4);
}

/* ---- string keys ---------------------------------------------------------------------------- */

MAP_INLINE uint64_t str_hash(const struct map_type *t, struct map *m, struct map_string key) {
  plat_charge(PLAT_COST_hash, 1);
  plat_touch_read(key.data, (size_t)key.len);
  return map_hash_bytes(key.data, (uint64_t)key.len, plat_ld(&m->hash0), t->hash_mask);
}

/* The data word of a key slot is a heap slot: the marker may read it meanwhile. */
MAP_INLINE struct map_string str_load(struct map_bucket *b, unsigned cell) {
  struct map_string *slot = (struct map_string *)(void *)b->slots + cell;
  const char *data = gc_load((void **)slot);
  return (struct map_string){data, plat_ld(&slot->len)};
}
MAP_INLINE void **str_data_slot(struct map_bucket *b, unsigned cell) {
  return (void **)((struct map_string *)(void *)b->slots + cell);
}

/* Cells among candidates whose key has the length and bytes of key; MAP_CELLS: none. */
MAP_INLINE unsigned str_find_in(struct map_bucket *b, unsigned candidates, struct map_string key) {
  map_probe(b);
  for (; candidates != 0; candidates &= candidates - 1) {
    unsigned i = (unsigned)__builtin_ctz(candidates);
    struct map_string k = str_load(b, i);
    if (k.len != key.len)
      continue;
    plat_cache_need(k.data);
    if (map_string_equal(k.data, key.data, key.len))
      return i;
  }
  return MAP_CELLS;
}

/* By tophash and length; does not stop at MAP_EMPTY_REST (F1.9.7). */
static struct map_cell str_find(const struct map_type *t, struct map_bucket *b, uint8_t top,
                                struct map_string key) {
  for (; b != NULL; b = map_overflow(t, b)) {
    unsigned i = str_find_in(b, map_tops_equal(plat_ld(&b->tops), top), key);
    if (i < MAP_CELLS)
      return (struct map_cell){b, i};
  }
  return (struct map_cell){NULL, 0};
}

static bool ends_equal(const void *a, const void *b, int64_t len) {
  const char *x = a, *y = b;
  size_t tail = (size_t)len - 4;
  plat_touch_read(x, (size_t)len);
  return map_load_u32(x) == map_load_u32(y) && map_load_u32(x + tail) == map_load_u32(y + tail);
}

/* A long key in a one-bucket map, without hashing unless two stored keys look like it (F1.9.6).
 * Returns the cell, MAP_CELLS for none, MAP_CELLS + 1 if only the hash can tell. */
static unsigned str_find_long(struct map_bucket *b, unsigned candidates, struct map_string key) {
  unsigned maybe = MAP_CELLS;
  for (; candidates != 0; candidates &= candidates - 1) {
    unsigned i = (unsigned)__builtin_ctz(candidates);
    struct map_string k = str_load(b, i);
    if (k.len != key.len)
      continue;
    if (k.data == key.data)
      return i;
    if (!ends_equal(k.data, key.data, key.len))
      continue;
    if (maybe != MAP_CELLS)
      return MAP_CELLS + 1;
    maybe = i;
  }
  if (maybe != MAP_CELLS && !map_string_equal(str_load(b, maybe).data, key.data, key.len))
    maybe = MAP_CELLS;
  return maybe;
}

void *map_get_faststr(struct go_g *g, const struct map_type *t, struct map *m,
                      struct map_string key) {
  (void)g;
  if (m == NULL || plat_ld(&m->count) == 0)
    return NULL;
  map_read_test(m);
  if (plat_ld(&m->B) == 0) {
    struct map_bucket *b = gc_load(&m->buckets);
    uint64_t tops = plat_ld(&b->tops);
    unsigned used = map_tops_used(tops) & map_tops_before_rest(tops);
    unsigned i = key.len < LONG_STRING ? str_find_in(b, used, key) : str_find_long(b, used, key);
    if (i < MAP_CELLS)
      return map_elem_slot(t, b, i);
    if (i == MAP_CELLS)
      return NULL;
  }
  uint64_t hash = str_hash(t, m, key);
  struct map_cell c = str_find(t, map_read_chain(t, m, hash), map_tophash(hash), key);
  return c.bucket == NULL ? NULL : map_elem_slot(t, c.bucket, c.cell);
}

static bool str_place(const struct map_type *t, struct map_bucket *b, uint8_t top,
                      struct map_string key, struct map_cell *c, struct map_bucket **last) {
  c->bucket = NULL;
  for (;;) {
    uint64_t tops = plat_ld(&b->tops);
    unsigned used = map_tops_used(tops);
    unsigned before = map_tops_before_rest(tops);
    unsigned i = str_find_in(b, map_tops_equal(tops, top) & before, key);
    if (i < MAP_CELLS) {
      *c = (struct map_cell){b, i};
      return true;
    }
    if (c->bucket == NULL && used != 0xff)
      *c = (struct map_cell){b, (unsigned)__builtin_ctz(~used)};
    *last = b;
    struct map_bucket *next = before != 0xff ? NULL : map_overflow(t, b);
    if (next == NULL)
      return false;
    b = next;
  }
}

static void *string_data(struct map_string key) {
  void *data;
  memcpy(&data, &key.data, sizeof data);
  return data;
}

static struct map_cell str_assign_cell(struct go_g *g, const struct map_type *t, struct map *m,
                                       uint64_t hash, struct map_string key) {
  uint8_t top = map_tophash(hash);
  for (;;) {
    uint64_t bucket = hash & map_mask(plat_ld(&m->B));
    struct map_bucket *head = map_write_chain(g, t, m, bucket);
    struct map_bucket *last;
    struct map_cell c;
    if (str_place(t, head, top, key, &c, &last)) {
      /* The newer string, so that the older can be freed; the length is the same. */
      gc_store(go_mu(g), str_data_slot(c.bucket, c.cell), string_data(key));
      return c;
    }
    if (map_must_grow(m)) {
      map_grow_begin(g, t, m);
      continue;
    }
    if (c.bucket == NULL)
      c = (struct map_cell){map_overflow_new(g, t, m, last), 0};
    plat_st(&c.bucket->top[c.cell], top);
    map_store(g, t, MAP_FAULT_KEY_NO_BARRIER, str_data_slot(c.bucket, c.cell), string_data(key));
    plat_st(&((struct map_string *)(void *)c.bucket->slots)[c.cell].len, key.len);
    plat_st(&m->count, plat_ld(&m->count) + 1);
    return c;
  }
}

void *map_assign_faststr(struct go_g *g, const struct map_type *t, struct map *m,
                         struct map_string key) {
  if (m == NULL)
    rt_fatal(RT_END_FATAL, "assignment to entry in nil map");
  map_write_test(m);
  uint64_t hash = str_hash(t, m, key);
  map_write_begin(m);
  if (gc_load(&m->buckets) == NULL)
    map_first_bucket(g, t, m);
  struct map_cell c = str_assign_cell(g, t, m, hash, key);
  map_write_end(m);
  return map_elem_slot(t, c.bucket, c.cell);
}

void map_delete_faststr(struct go_g *g, const struct map_type *t, struct map *m,
                        struct map_string key) {
  if (m == NULL || plat_ld(&m->count) == 0)
    return;
  map_write_test(m);
  uint64_t hash = str_hash(t, m, key);
  map_write_begin(m);
  uint64_t bucket = hash & map_mask(plat_ld(&m->B));
  struct map_bucket *head = map_write_chain(g, t, m, bucket);
  struct map_cell c = str_find(t, head, map_tophash(hash), key);
  if (c.bucket != NULL) {
    gc_store(go_mu(g), str_data_slot(c.bucket, c.cell), NULL);
    map_cell_delete(g, t, m, head, c);
  }
  map_write_end(m);
}
