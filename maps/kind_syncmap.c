/* sync.Map as Go 1.19 has it (F6.15). Beyond that: clear, as later versions have it, and count. */
#include "maps/kind_syncmap.h"

#include "maps/kind_designs.h"

PLAT_STATE struct map_sync_box map_sync_expunged;

enum { MAP_SYNC_SMALL = 256 };
/* Integers below this are not boxed: every interface that holds one points here, as in Go. */
static PLAT_STATE uint64_t small_ints[MAP_SYNC_SMALL];

static const uint64_t first_word = 1, second_word = 2, two_words = 3;
static PLAT_STATE struct gc_type map_header = {
    .name = "map.sync", .size = sizeof(struct map_sync), .ptrdata = 16, .mask = &two_words};
static PLAT_STATE struct gc_type read_type = {
    .name = "map.sync-read", .size = 16, .ptrdata = 8, .mask = &first_word};
static PLAT_STATE struct gc_type entry_type = {
    .name = "map.sync-entry", .size = 8, .ptrdata = 8, .mask = &first_word};
static PLAT_STATE struct gc_type box_type = {
    .name = "map.sync-box", .size = 16, .ptrdata = 16, .mask = &second_word};
static PLAT_STATE struct gc_type string_type = {
    .name = "map.sync-string", .size = 16, .ptrdata = 8, .mask = &first_word};

static void *expunged(void) { return &map_sync_expunged; }

/* ---- slots ---------------------------------------------------------------------------------- */

/* gc_store by compare-and-swap. The marker is told before, of a swap that may then fail: harmless.
 * No value comes back to a slot it has left (but NULL and the mark), so what is overwritten is what
 * the marker was told of, or the swap fails. */
static bool slot_swap(struct go_g *g, void **slot, void *expected, void *value) {
  if (plat_unlikely(at_u32_load_relaxed(&gc_flags.barrier_on) != 0))
    gc_store_slow(go_mu(g), slot, value);
  return plat_slot_cas(slot, expected, value);
}

/* A copy of pointer-free bytes for an interface to point to. integer: they are a whole number,
 * which is not copied if it is small. A safepoint; not rooted. */
static void *convert_bytes(struct go_g *g, const void *from, uint32_t bytes, bool integer) {
  if (integer) {
    uint64_t word = 0;
    memcpy(&word, from, bytes);
    if (word < MAP_SYNC_SMALL)
      return &small_ints[word];
  }
  void *copy = gc_alloc_bytes(go_mu(g), bytes);
  memcpy(copy, from, bytes);
  return copy;
}

/* The data word of an interface that holds a key. A safepoint; not rooted. */
static void *convert_key(struct go_g *g, const struct map_type *t, const void *key) {
  if (t->key_kind != MAP_KEY_STRING)
    return convert_bytes(g, key, t->key_bytes, t->key_kind != MAP_KEY_BYTES);
  struct map_string from;
  memcpy(&from, key, sizeof from);
  struct map_string *copy = gc_alloc(go_mu(g), &string_type);
  gc_store(go_mu(g), (void *)copy, (void *)(uintptr_t)from.data);
  plat_st(&copy->len, from.len);
  return copy;
}

/* The same of an element. */
static void *convert_elem(struct go_g *g, const struct map_type *t, const void *elem) {
  if (t->elem_kind == MAP_ELEM_POINTER)
    return *(void *const *)elem;
  return convert_bytes(g, elem, t->elem_bytes, t->elem_bytes == sizeof(uint64_t));
}

/* An interface on the heap. data is rooted. A safepoint; not rooted. */
static struct map_sync_box *box_new(struct go_g *g, void *data) {
  struct map_sync_box *box = gc_alloc(go_mu(g), &box_type);
  gc_store(go_mu(g), &box->data, data);
  return box;
}

static bool is_live(const void *value) { return value != NULL && value != expunged(); }

/* The element in a box, in place. */
static void *box_elem(const struct map_type *t, struct map_sync_box *box) {
  return t->elem_kind == MAP_ELEM_POINTER ? (void *)&box->data : gc_load(&box->data);
}

/* A key in an interface, to look it up. */
static struct map_any any_of(const void *key) { return (struct map_any){.data = key}; }

/* ---- maps of entries ------------------------------------------------------------------------ */

static void lock(struct go_g *g, struct map_sync *s) {
  if (go_mutex_try_lock(g, &s->lock))
    return;
  at_u64_add_relaxed(&s->waits, 1);
  go_mutex_lock(g, &s->lock);
}

static struct map_sync_entry *lookup(struct go_g *g, struct map_sync *s, void *map,
                                     const void *key) {
  struct map_any any = any_of(key);
  void **slot = map_get(g, s->type, map, &any);
  return slot == NULL ? NULL : gc_load(slot);
}

static struct map_sync_read *read_of(struct map_sync *s) { return gc_load(&s->read); }
static bool is_amended(struct map_sync_read *r) { return plat_ld(&r->amended) != 0; }

static struct map_sync_entry *lookup_read(struct go_g *g, struct map_sync *s,
                                          struct map_sync_read *r, const void *key) {
  return lookup(g, s, gc_load(&r->map), key);
}

/* Publishes a new read map. A safepoint: map is rooted or reachable. */
static void read_publish(struct go_g *g, struct map_sync *s, void *map, bool amended) {
  struct map_sync_read *r = gc_alloc(go_mu(g), &read_type);
  gc_store(go_mu(g), &r->map, map);
  plat_st(&r->amended, (uint64_t)amended);
  gc_store(go_mu(g), &s->read, r);
}

/* The dirty map becomes the read map; with the lock held. A safepoint. */
static void promote(struct go_g *g, struct map_sync *s) {
  read_publish(g, s, gc_load(&s->dirty), false);
  gc_store(go_mu(g), &s->dirty, NULL);
  s->misses = 0;
  s->promotions++;
}

/* One look-up needed the dirty map; with the lock held. A safepoint. */
static void count_miss(struct go_g *g, struct map_sync *s) {
  s->misses++;
  s->all_misses++;
  if (s->misses >= map_count(gc_load(&s->dirty)))
    promote(g, s);
}

static void dirty_put(struct go_g *g, struct map_sync *s, const struct map_any *key,
                      struct map_sync_entry *e) {
  GC_ROOTS(go_mu(g), roots, 1);
  roots[0] = e;
  void *slot = map_assign(g, s->type, gc_load(&s->dirty), key);
  gc_store(go_mu(g), slot, e);
  GC_ROOTS_END(go_mu(g), roots);
}

/* A deleted entry that is not to be in the dirty map is expunged: true. */
static bool try_expunge(struct go_g *g, struct map_sync_entry *e) {
  void *value = gc_load(&e->value);
  while (value == NULL) {
    if (slot_swap(g, &e->value, NULL, expunged()))
      return true;
    value = gc_load(&e->value);
  }
  return value == expunged();
}

/* A dirty map with the live entries of the read map; with the lock held. A safepoint. */
static void dirty_make(struct go_g *g, struct map_sync *s) {
  struct map *from = gc_load(&read_of(s)->map);
  struct map_iter it;
  gc_store(go_mu(g), &s->dirty, map_new_seeded(g, s->type, map_count(from), &s->seed));
  for (map_iter_begin(g, s->type, from, &it); it.key != NULL; map_iter_next(g, &it)) {
    struct map_sync_entry *e = gc_load(it.elem);
    if (!try_expunge(g, e))
      dirty_put(g, s, it.key, e);
  }
  map_iter_end(g, &it);
}

/* ---- operations ----------------------------------------------------------------------------- */

static void *sync_create(struct go_g *g, const struct map_type *t,
                         const struct map_params *params) {
/* sync.Map takes no hint */
  gc_type_register(&map_header);
  gc_type_register(&read_type);
  gc_type_register(&entry_type);
  gc_type_register(&box_type);
  gc_type_register(&string_type);
  for (uint64_t i = 0; i < MAP_SYNC_SMALL; i++)
    small_ints[i] = i;
  GC_ROOTS(go_mu(g), roots, 1);
  struct map_sync *s = roots[0] = gc_alloc(go_mu(g), &map_header);
  s->type = t->layout->entries;
  s->seed = *params;
  read_publish(g, s, NULL, false);
  GC_ROOTS_END(go_mu(g), roots);
  return s;
}

/* The entry of key in the dirty map, if the read map r, just searched in vain, may lack it. */
static struct map_sync_entry *find_slow(struct go_g *g, struct map_sync *s, const void *key,
                                        bool remove) {
  GC_ROOTS(go_mu(g), roots, 1);
  lock(g, s);
  struct map_sync_read *r = read_of(s);
  struct map_sync_entry *e = lookup_read(g, s, r, key);
  if (e == NULL && is_amended(r)) {
    e = lookup(g, s, gc_load(&s->dirty), key);
    roots[0] = e;
    if (remove) {
      struct map_any any = any_of(key);
      map_delete(g, s->type, gc_load(&s->dirty), &any);
    }
    count_miss(g, s);
  }
  roots[0] = e;
  go_mutex_unlock(g, &s->lock);
  e = roots[0];
  GC_ROOTS_END(go_mu(g), roots);
  return e;
}

static bool sync_get(struct go_g *g, const struct map_type *t, void *map, const void *key,
                     void *out) {
  struct map_sync *s = map;
  struct map_sync_read *r = read_of(s);
  struct map_sync_entry *e = lookup_read(g, s, r, key);
  if (e == NULL && is_amended(r))
    e = find_slow(g, s, key, false);
  void *box = e == NULL ? NULL : gc_load(&e->value);
  if (!is_live(box))
    return false;
  map_elem_out(t, box_elem(t, box), out);
  return true;
}

/* Replaces the value of an entry unless it is expunged. Not a safepoint. */
static bool try_store(struct go_g *g, struct map_sync_entry *e, struct map_sync_box *box) {
  for (;;) {
    void *value = gc_load(&e->value);
    if (value == expunged())
      return false;
    if (slot_swap(g, &e->value, value, box))
      return true;
  }
}

/* The value of an entry that is not expunged and cannot become so: the lock is held. */
static void store_locked(struct go_g *g, struct map_sync_entry *e, struct map_sync_box *box) {
  bool stored = try_store(g, e, box);
  rt_assert(stored);
}

/* An entry for a key neither map has, put into the dirty map. The interface in box, on the heap
 * for the stores that may take its address, is passed on by value and so gets a box of its own. A
 * safepoint; the caller roots box and the key. */
static void store_new(struct go_g *g, struct map_sync *s, const struct map_any *key,
                      struct map_sync_box *box) {
  GC_ROOTS(go_mu(g), roots, 2);
  struct map_sync_box *own = roots[0] = box_new(g, gc_load(&box->data));
  struct map_sync_entry *e = roots[1] = gc_alloc(go_mu(g), &entry_type);
  gc_store(go_mu(g), &e->value, own);
  dirty_put(g, s, key, e);
  GC_ROOTS_END(go_mu(g), roots);
}

/* A safepoint; the caller roots box and the key. With the lock held. */
static void store_slow(struct go_g *g, struct map_sync *s, const struct map_any *key,
                       struct map_sync_box *box) {
  struct gc_mutator *mu = go_mu(g);
  GC_ROOTS(mu, roots, 1);
  struct map_sync_read *r = read_of(s);
  struct map_sync_entry *e = lookup_read(g, s, r, key->data);
  roots[0] = e;
  if (e != NULL) {
    if (slot_swap(g, &e->value, expunged(), NULL))
      dirty_put(g, s, key, e);
    store_locked(g, e, box);
  } else if ((e = lookup(g, s, gc_load(&s->dirty), key->data)) != NULL) {
    store_locked(g, e, box);
  } else {
    if (!is_amended(r)) {
      rt_assert(gc_load(&s->dirty) == NULL);
      dirty_make(g, s);
      read_publish(g, s, gc_load(&read_of(s)->map), true);
    }
    store_new(g, s, key, box);
  }
  GC_ROOTS_END(mu, roots);
}

static void sync_put(struct go_g *g, const struct map_type *t, void *map, const void *key,
                     const void *elem) {
  struct map_sync *s = map;
  GC_ROOTS(go_mu(g), roots, 3);
  struct map_any any = any_of(roots[0] = convert_key(g, t, key));
  roots[1] = convert_elem(g, t, elem);
  struct map_sync_box *box = roots[2] = box_new(g, roots[1]);
  struct map_sync_entry *e = lookup_read(g, s, read_of(s), any.data);
  if (e == NULL || !try_store(g, e, box)) {
    lock(g, s);
    store_slow(g, s, &any, box);
    go_mutex_unlock(g, &s->lock);
  }
  GC_ROOTS_END(go_mu(g), roots);
}

static bool sync_remove(struct go_g *g, const struct map_type *t, void *map, const void *key) {
  struct map_sync *s = map;
  struct map_sync_read *r = read_of(s);
  struct map_sync_entry *e = lookup_read(g, s, r, key);
  (void)t;
  if (e == NULL && is_amended(r))
    e = find_slow(g, s, key, true);
  if (e == NULL)
    return false;
  for (;;) {
    void *value = gc_load(&e->value);
    if (!is_live(value))
      return false;
    if (slot_swap(g, &e->value, value, NULL))
      return true;
  }
}

/* Not in Go 1.19; as Go 1.23 does it: at one instant, no key is kept. */
static void sync_clear(struct go_g *g, const struct map_type *t, void *map) {
  struct map_sync *s = map;
  (void)t;
  lock(g, s);
  read_publish(g, s, NULL, false);
  gc_store(go_mu(g), &s->dirty, NULL);
  s->misses = 0;
  go_mutex_unlock(g, &s->lock);
}

/* Promotes the dirty map, if any, so that one pass over the read map sees every key. */
static void sync_each(struct go_g *g, const struct map_type *t, void *map, map_visit *visit,
                      void *arg) {
  struct map_sync *s = map;
  struct map_sync_read *r = read_of(s);
  if (is_amended(r)) {
    lock(g, s);
    if (is_amended(read_of(s)))
      promote(g, s);
    r = read_of(s);
    GC_ROOTS(go_mu(g), roots, 1);
    roots[0] = r;
    go_mutex_unlock(g, &s->lock);
    r = roots[0];
    GC_ROOTS_END(go_mu(g), roots);
  }
  struct map_iter it;
  bool go_on = true;
  map_iter_begin(g, s->type, gc_load(&r->map), &it);
  for (; go_on && it.key != NULL; map_iter_next(g, &it)) {
    struct map_sync_entry *e = gc_load(it.elem);
    void *box = gc_load(&e->value);
    const struct map_any *key = it.key;
    if (is_live(box))
      go_on = map_visit_copy(g, t, key->data, box_elem(t, box), visit, arg);
  }
  map_iter_end(g, &it);
}

static int64_t live_entries(struct go_g *g, struct map_sync *s, void *map) {
  struct map_iter it;
  int64_t live = 0;
  for (map_iter_begin(g, s->type, map, &it); it.key != NULL; map_iter_next(g, &it)) {
    struct map_sync_entry *e = gc_load(it.elem);
    live += is_live(gc_load(&e->value));
  }
  map_iter_end(g, &it);
  return live;
}

/* sync.Map keeps no count. Counts one by one, without promoting; other goroutines may delete and
 * store known keys meanwhile. */
static int64_t sync_count(struct go_g *g, void *map) {
  struct map_sync *s = map;
  lock(g, s);
  void *dirty = gc_load(&s->dirty);
  int64_t live = live_entries(g, s, dirty != NULL ? dirty : gc_load(&read_of(s)->map));
  go_mutex_unlock(g, &s->lock);
  return live;
}

static void sync_stats(struct go_g *g, const struct map_type *t, void *map,
                       struct map_kind_stats *out) {
  struct map_sync *s = map;
  (void)t;
  memset(out, 0, sizeof *out);
  out->s.count = sync_count(g, s);
  lock(g, s);
  out->promotions = s->promotions;
  out->misses = s->all_misses;
  go_mutex_unlock(g, &s->lock);
  out->lock_waits = at_u64_load_relaxed(&s->waits);
}

/* ---- check ---------------------------------------------------------------------------------- */

/* The entries of the read map against the dirty map; why not, or NULL. */
static const char *check_read(struct go_g *g, struct map_sync *s, void *dirty) {
  const char *why = NULL;
  struct map_iter it;
  map_iter_begin(g, s->type, gc_load(&read_of(s)->map), &it);
  for (; it.key != NULL && why == NULL; map_iter_next(g, &it)) {
    struct map_sync_entry *e = gc_load(it.elem);
    bool gone = gc_load(&e->value) == expunged();
    if (dirty == NULL) {
      why = gone ? "an entry is expunged without a dirty map" : NULL;
      continue;
    }
    if (!map_key_equal(s->type, it.key, it.key))
      continue; /* a NaN */
    struct map_sync_entry *other = lookup(g, s, dirty, ((const struct map_any *)it.key)->data);
    if (gone && other != NULL)
      why = "an expunged key is in the dirty map";
    else if (!gone && other != e)
      why = other == NULL ? "a key of the read map is missing from the dirty map"
                          : "a key has two entries";
  }
  map_iter_end(g, &it);
  return why;
}

static const char *check_dirty(struct go_g *g, struct map_sync *s, struct map *dirty) {
  const char *why = NULL;
  struct map_iter it;
  if (s->misses >= map_count(dirty))
    why = "the dirty map should have been promoted";
  map_iter_begin(g, s->type, dirty, &it);
  for (; it.key != NULL && why == NULL; map_iter_next(g, &it)) {
    struct map_sync_entry *e = gc_load(it.elem);
    if (gc_load(&e->value) == expunged())
      why = "the dirty map has an expunged entry";
  }
  map_iter_end(g, &it);
  return why;
}

static bool syncmap_check(struct go_g *g, const struct map_type *t, void *map, const char **why) {
  struct map_sync *s = map;
  struct map *dirty = gc_load(&s->dirty);
  (void)t;
  *why = NULL;
  if (!map_check(g, s->type, gc_load(&read_of(s)->map), why) ||
      !map_check(g, s->type, dirty, why))
    return false;
  if (is_amended(read_of(s)) != (dirty != NULL))
    *why = "the read map does not say whether there is a dirty map";
  else if (dirty == NULL && s->misses != 0)
    *why = "misses are counted without a dirty map";
  else if ((*why = check_read(g, s, dirty)) == NULL && dirty != NULL)
    *why = check_dirty(g, s, dirty);
  return *why == NULL;
}

const struct map_kind map_kind_syncmap = {
    .name = "syncmap",
    .doc = "Go 1.19's sync.Map: a read map without lock, a dirty map for new keys under one, "
           "promoted after as many misses as it has keys.",
    .facts = {.concurrent_reads = true,
              .concurrent_writes = true,
              .linearizable = true,
              .iteration = "no key twice; each with a value it had at some time meanwhile; keys "
                           "stored since it began may be missing"},
    .create = sync_create,
    .get = sync_get,
    .put = sync_put,
    .remove = sync_remove,
    .clear = sync_clear,
    .each = sync_each,
    .count = sync_count,
    .stats = sync_stats,
    .check = syncmap_check,
};
