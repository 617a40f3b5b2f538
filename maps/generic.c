/* The generic paths (F1.3 to F1.5) and the public entry points, which pick the path of the type. */
#include "maps/map_int.h"

static uint64_t hash_key(struct go_g *g, const struct map_type *t, const void *key,
                         uint64_t seed) {
  switch (t->key_kind) {
    case MAP_KEY_U64:
      return map_hash_u64(map_load_u64(key), seed, t->hash_mask);
    case MAP_KEY_U32:
      return map_hash_u32(map_load_u32(key), seed, t->hash_mask);
    case MAP_KEY_F64:
      return map_hash_f64(map_load_u64(key), seed, t->hash_mask, &go_mu(g)->p->fastrand);
    case MAP_KEY_BYTES:
      return map_hash_bytes(key, t->key_bytes, seed, t->hash_mask);
    case MAP_KEY_STRING: {
      const struct map_string *s = key;
      return map_hash_bytes(s->data, (uint64_t)s->len, seed, t->hash_mask);
    }
    case MAP_KEY_ANY: { /* F1.10.8 */
      const struct map_any *any = key;
      return MAP_HASH_C1 * hash_key(g, t->boxed, any->data, seed ^ MAP_HASH_C0);
    }
  }
  rt_die("map: unknown key kind %d", (int)t->key_kind);
}

uint64_t map_hash_key(struct go_g *g, const struct map_type *t, const void *key, uint32_t seed) {
  plat_charge(PLAT_COST_hash, 1);
  return hash_key(g, t, key, seed);
}

static bool f64_equal(const void *a, const void *b) {
  double x, y;
  memcpy(&x, a, sizeof x);
  memcpy(&y, b, sizeof y);
  return x == y;
}

bool map_key_equal(const struct map_type *t, const void *a, const void *b) {
  switch (t->key_kind) {
    case MAP_KEY_U64:
      return map_load_u64(a) == map_load_u64(b);
    case MAP_KEY_U32:
      return map_load_u32(a) == map_load_u32(b);
    case MAP_KEY_F64:
      return f64_equal(a, b);
    case MAP_KEY_BYTES:
      return memcmp(a, b, t->key_bytes) == 0;
    case MAP_KEY_STRING: {
      const struct map_string *s = a, *r = b;
      return s->len == r->len && map_string_equal(s->data, r->data, s->len);
    }
    case MAP_KEY_ANY: {
      const struct map_any *x = a, *y = b;
      return map_key_equal(t->boxed, x->data, y->data);
    }
  }
  rt_die("map: unknown key kind %d", (int)t->key_kind);
}

/* Cells of b among candidates whose key equals key, lowest first; MAP_CELLS: none. */
static unsigned bucket_find(const struct map_type *t, struct map_bucket *b, unsigned candidates,
                            const void *key) {
  map_probe(b);
  for (; candidates != 0; candidates &= candidates - 1) {
    unsigned i = (unsigned)__builtin_ctz(candidates);
    void *slot = map_key_slot(t, b, i);
    plat_touch_read(slot, t->key_slot);
    if (map_key_equal(t, key, map_key_value(t, slot)))
      return i;
  }
  return MAP_CELLS;
}

struct map_cell map_chain_find(const struct map_type *t, struct map_bucket *b, uint8_t top,
                               const void *key) {
  for (; b != NULL; b = map_overflow(t, b)) {
    uint64_t tops = plat_ld(&b->tops);
    unsigned before = map_tops_before_rest(tops);
    unsigned i = bucket_find(t, b, map_tops_equal(tops, top) & before, key);
    if (i < MAP_CELLS)
      return (struct map_cell){b, i};
    if (before != 0xff)
      break;
  }
  return (struct map_cell){NULL, 0};
}

/* ---- get ------------------------------------------------------------------------------------ */

static void *get_generic(struct go_g *g, const struct map_type *t, struct map *m,
                         const void *key) {
  if (m == NULL || plat_ld(&m->count) == 0)
    return NULL;
  map_read_test(m);
  uint64_t hash = map_hash_key(g, t, key, plat_ld(&m->hash0));
  struct map_cell c = map_chain_find(t, map_read_chain(t, m, hash), map_tophash(hash), key);
  if (c.bucket == NULL)
    return NULL;
  return map_elem_value(t, map_elem_slot(t, c.bucket, c.cell));
}

void *map_get(struct go_g *g, const struct map_type *t, struct map *m, const void *key) {
  switch (t->path) {
    case MAP_PATH_FAST64:
      return map_get_fast64(g, t, m, map_load_u64(key));
    case MAP_PATH_FAST32:
      return map_get_fast32(g, t, m, map_load_u32(key));
    case MAP_PATH_FASTSTR:
      return map_get_faststr(g, t, m, *(const struct map_string *)key);
    case MAP_PATH_GENERIC:
      break;
  }
  return get_generic(g, t, m, key);
}

/* ---- assign --------------------------------------------------------------------------------- */

/* The key as given, out of reach of what the operation does to the table: key may point to the
 * current cell of an iterator, which evacuation may clear. */
struct key_copy {
  _Alignas(8) char bytes[MAP_SLOT_MAX];
};

static const void *key_keep(const struct map_type *t, const void *key, struct key_copy *copy) {
  if (t->indirect_key)
    return key;
  memcpy(copy->bytes, key, t->key_bytes);
  return copy->bytes;
}

void map_key_write(struct go_g *g, const struct map_type *t, void *slot, const void *key) {
  if (t->key_kind == MAP_KEY_STRING) {
    const struct map_string *from = key;
    struct map_string *to = slot;
    void *data;
    memcpy(&data, &from->data, sizeof data);
    gc_store(go_mu(g), slot, data);
    plat_st(&to->len, from->len);
    return;
  }
  if (t->key_kind == MAP_KEY_ANY) {
    const struct map_any *from = key;
    struct map_any *to = slot;
    plat_st(&to->type, from->type);
    gc_store(go_mu(g), map_any_data(to), (void *)(uintptr_t)from->data);
    return;
  }
  plat_touch_write(slot, t->key_slot);
  memcpy(slot, key, t->key_bytes);
}

/* Allocates what an indirect key or element points to. A safepoint; b is kept alive. */
static void cell_allocate(struct go_g *g, const struct map_type *t, struct map_cell c) {
  struct gc_mutator *mu = go_mu(g);
  GC_ROOTS(mu, roots, 1);
  roots[0] = c.bucket;
  if (t->indirect_key)
    gc_store(mu, map_key_slot(t, c.bucket, c.cell), gc_alloc_bytes(mu, t->key_bytes));
  if (t->indirect_elem)
    gc_store(mu, map_elem_slot(t, c.bucket, c.cell), gc_alloc_bytes(mu, t->elem_bytes));
  GC_ROOTS_END(mu, roots);
}

void map_cell_fill(struct go_g *g, const struct map_type *t, struct map_cell c, uint8_t top,
                   const void *key) {
  if (t->indirect_key || t->indirect_elem)
    cell_allocate(g, t, c);
  void *slot = map_key_slot(t, c.bucket, c.cell);
  if (t->indirect_key)
    memcpy(gc_load(slot), key, t->key_bytes);
  else
    map_key_write(g, t, slot, key);
  plat_st(&c.bucket->top[c.cell], top);
}

bool map_chain_place(const struct map_type *t, struct map_bucket *b, uint8_t top, const void *key,
                     struct map_cell *c, struct map_bucket **last) {
  c->bucket = NULL;
  for (;;) {
    uint64_t tops = plat_ld(&b->tops);
    unsigned before = map_tops_before_rest(tops);
    unsigned used = map_tops_used(tops);
    unsigned i = bucket_find(t, b, map_tops_equal(tops, top) & before, key);
    *last = b;
    if (i < MAP_CELLS) {
      *c = (struct map_cell){b, i};
      return true;
    }
    if (c->bucket == NULL && used != 0xff)
      *c = (struct map_cell){b, (unsigned)__builtin_ctz(~used)};
    struct map_bucket *next = before != 0xff ? NULL : map_overflow(t, b);
    if (next == NULL)
      return false;
    b = next;
  }
}

/* Finds or makes the cell of key. */
static struct map_cell assign_cell(struct go_g *g, const struct map_type *t, struct map *m,
                                   uint64_t hash, const void *key) {
  uint8_t top = map_tophash(hash);
  for (;;) {
    uint64_t bucket = hash & map_mask(plat_ld(&m->B));
    struct map_bucket *head = map_write_chain(g, t, m, bucket);
    struct map_bucket *last;
    struct map_cell c;
    if (map_chain_place(t, head, top, key, &c, &last)) {
      if (map_key_is_updated(t))
        map_key_write(g, t, map_key_slot(t, c.bucket, c.cell), key);
      return c;
    }
    if (map_must_grow(m)) {
      map_grow_begin(g, t, m);
      continue;
    }
    if (c.bucket == NULL)
      c = (struct map_cell){map_overflow_new(g, t, m, last), 0};
    map_cell_fill(g, t, c, top, key);
    plat_st(&m->count, plat_ld(&m->count) + 1);
    return c;
  }
}

static void *assign_generic(struct go_g *g, const struct map_type *t, struct map *m,
                            const void *key) {
  if (m == NULL)
    rt_fatal(RT_END_FATAL, "assignment to entry in nil map");
  map_write_test(m);
  struct key_copy copy;
  key = key_keep(t, key, &copy);
  uint64_t hash = map_hash_key(g, t, key, plat_ld(&m->hash0));
  map_write_begin(m);
  if (gc_load(&m->buckets) == NULL)
    map_first_bucket(g, t, m);
  struct map_cell c = assign_cell(g, t, m, hash, key);
  map_write_end(m);
  return map_elem_value(t, map_elem_slot(t, c.bucket, c.cell));
}

void *map_assign(struct go_g *g, const struct map_type *t, struct map *m, const void *key) {
  switch (t->path) {
    case MAP_PATH_FAST64:
      return map_assign_fast64(g, t, m, map_load_u64(key));
    case MAP_PATH_FAST32:
      return map_assign_fast32(g, t, m, map_load_u32(key));
    case MAP_PATH_FASTSTR:
      return map_assign_faststr(g, t, m, *(const struct map_string *)key);
    case MAP_PATH_GENERIC:
      break;
  }
  return assign_generic(g, t, m, key);
}

/* ---- delete --------------------------------------------------------------------------------- */

void map_key_clear(struct go_g *g, const struct map_type *t, void *slot) {
  if (t->indirect_key || t->key_kind == MAP_KEY_STRING)
    gc_store(go_mu(g), slot, NULL);
  if (!t->indirect_key && t->key_kind == MAP_KEY_STRING)
    plat_st(&((struct map_string *)slot)->len, (int64_t)0);
  if (t->key_kind == MAP_KEY_ANY) {
    struct map_any *any = slot;
    plat_st(&any->type, (uint64_t)0);
    gc_store(go_mu(g), map_any_data(any), NULL);
  }
}

static void delete_generic(struct go_g *g, const struct map_type *t, struct map *m,
                           const void *key) {
  if (m == NULL || plat_ld(&m->count) == 0)
    return;
  map_write_test(m);
  struct key_copy copy;
  key = key_keep(t, key, &copy);
  uint64_t hash = map_hash_key(g, t, key, plat_ld(&m->hash0));
  map_write_begin(m);
  uint64_t bucket = hash & map_mask(plat_ld(&m->B));
  struct map_bucket *head = map_write_chain(g, t, m, bucket);
  struct map_cell c = map_chain_find(t, head, map_tophash(hash), key);
  if (c.bucket != NULL) {
    map_key_clear(g, t, map_key_slot(t, c.bucket, c.cell));
    map_cell_delete(g, t, m, head, c);
  }
  map_write_end(m);
}

void map_delete(struct go_g *g, const struct map_type *t, struct map *m, const void *key) {
  switch (t->path) {
    case MAP_PATH_FAST64:
      map_delete_fast64(g, t, m, map_load_u64(key));
      return;
    case MAP_PATH_FAST32:
      map_delete_fast32(g, t, m, map_load_u32(key));
      return;
    case MAP_PATH_FASTSTR:
      map_delete_faststr(g, t, m, *(const struct map_string *)key);
      return;
    case MAP_PATH_GENERIC:
      break;
  }
  delete_generic(g, t, m, key);
}
