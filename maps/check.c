/* Reading a map's state and checking its structure; for tests, results and checking runs.
 * Nothing here is a safepoint. */
#include "maps/map_int.h"

void map_stats_read(const struct map_type *t, const struct map *map, struct map_stats *out) {
  memset(out, 0, sizeof *out);
  out->growths = at_u64_load_relaxed(&t->counters->growths);
  out->same_size_growths = at_u64_load_relaxed(&t->counters->same_size_growths);
  out->overflow_allocated = at_u64_load_relaxed(&t->counters->overflow_allocated);
  out->overflow_preallocated = at_u64_load_relaxed(&t->counters->overflow_preallocated);
  out->evacuated_buckets = at_u64_load_relaxed(&t->counters->evacuated_buckets);
  if (map == NULL)
    return;
  struct map *m = (struct map *)(uintptr_t)map; /* slots are loaded through plain pointers */
  out->count = plat_ld(&m->count);
  out->B = plat_ld(&m->B);
  out->noverflow = plat_ld(&m->noverflow);
  out->growing = map_is_growing(m);
  out->nevacuate = plat_ld(&m->nevacuate);
  out->evacuated_buckets += map_evacuated_count(t, m);
}

/* ---- structural check ----------------------------------------------------------------------- */

/* A sorted copy of the addresses in an overflow list. The order decides nothing but membership. */
struct address_set {
  void **at;
  uint64_t count;
  size_t bytes;
};

struct checker {
  struct go_g *g;
  const struct map_type *t;
  struct map *m;
  const char *why;                  /* first fault; NULL: none */
  uint64_t live;                    /* cells with a key, in all readable chains */
  struct address_set overflow, old_overflow;
};

static bool fail(struct checker *c, const char *why) {
  if (c->why == NULL)
    c->why = why;
  return false;
}

static void sift_down(void **at, uint64_t root, uint64_t count) {
  for (uint64_t child; (child = 2 * root + 1) < count; root = child) {
    if (child + 1 < count && at[child] < at[child + 1])
      child++;
    if (at[root] >= at[child])
      return;
    void *swap = at[root];
    at[root] = at[child];
    at[child] = swap;
  }
}

static void sort_addresses(void **at, uint64_t count) {
  for (uint64_t i = count / 2; i-- > 0;)
    sift_down(at, i, count);
  for (uint64_t end = count; end > 1; end--) {
    void *swap = at[0];
    at[0] = at[end - 1];
    at[end - 1] = swap;
    sift_down(at, 0, end - 1);
  }
}

static bool set_build(struct checker *c, struct address_set *set, struct map_list *list) {
  int64_t len = list == NULL ? 0 : plat_ld(&list->len);
  if (len == 0)
    return true;
  if (len > plat_ld(&list->cap))
    return fail(c, "overflow list is longer than its capacity");
  uint64_t count = (uint64_t)len;
  size_t bytes = (count * sizeof(void *) + 8191) / 8192 * 8192;
  set->at = plat_vm_reserve(bytes, 8192);
  if (set->at == NULL || plat_vm_commit(set->at, bytes) != RT_OK)
    rt_fatal(RT_END_NOMEM, "map_check: no memory for %llu bytes", (unsigned long long)bytes);
  set->bytes = bytes;
  set->count = count;
  void **data = gc_load(&list->data);
  for (uint64_t i = 0; i < count; i++)
    set->at[i] = gc_load(&data[i]);
  sort_addresses(set->at, count);
  return true;
}

static void set_drop(struct address_set *set) {
  if (set->at != NULL)
    plat_vm_release(set->at, set->bytes);
}

static bool set_has(const struct address_set *set, const void *address) {
  uint64_t low = 0, high = set->count;
  while (low < high) {
    uint64_t middle = low + (high - low) / 2;
    if ((uintptr_t)set->at[middle] < (uintptr_t)address)
      low = middle + 1;
    else
      high = middle;
  }
  return low < set->count && set->at[low] == address;
}

/* One cell with a key: in the chain its hash names, with its tophash, found by a reader. */
static bool check_key(struct checker *c, struct map_bucket *head, struct map_bucket *b,
                      unsigned i) {
  const void *key = map_key_value(c->t, map_key_slot(c->t, b, i));
  if (key == NULL)
    return fail(c, "a live cell has no key");
  c->live++;
  if (map_key_slot(c->t, b, i) != key && map_elem_value(c->t, map_elem_slot(c->t, b, i)) == NULL)
    return fail(c, "a live cell has no element");
  if (!c->t->reflexive && !map_key_equal(c->t, key, key))
    return true; /* a NaN: its hash is not known any more */
  uint64_t hash = map_hash_key(c->g, c->t, key, plat_ld(&c->m->hash0));
  if (plat_ld(&b->top[i]) != map_tophash(hash))
    return fail(c, "tophash does not match the key");
  if (map_read_chain(c->t, c->m, hash) != head)
    return fail(c, "a key is in a chain where no reader looks for it");
  struct map_cell found = map_chain_find(c->t, head, map_tophash(hash), key);
  if (found.bucket != b || found.cell != i)
    return fail(c, found.bucket == NULL ? "a reader does not find a key" : "a key is there twice");
  return true;
}

/* One readable chain: its cells and, in a pointer-free map, that its overflow buckets are kept. */
static bool check_chain(struct checker *c, struct map_bucket *head, const struct address_set *kept,
                        uint64_t *cells) {
  bool rest = false;
  *cells = 0;
  for (struct map_bucket *b = head; b != NULL; b = map_overflow(c->t, b)) {
    if (c->t->pointer_free && b != head && !set_has(kept, b))
      return fail(c, "an overflow bucket is in no list that keeps it alive");
    for (unsigned i = 0; i < MAP_CELLS; i++) {
      uint8_t top = plat_ld(&b->top[i]);
      if (rest && top != MAP_EMPTY_REST)
        return fail(c, "a cell after an empty rest is not empty");
      rest = top == MAP_EMPTY_REST;
      if (top > MAP_EMPTY_ONE && top < MAP_TOP_MIN)
        return fail(c, "an evacuated cell is in a readable chain");
      if (map_cell_is_empty(top))
        continue;
      *cells += 1;
      if (!check_key(c, head, b, i))
        return false;
    }
  }
  return true;
}

static bool check_evacuated(struct checker *c, struct map_bucket *head) {
  for (struct map_bucket *b = head; b != NULL; b = map_overflow(c->t, b)) {
    for (unsigned i = 0; i < MAP_CELLS; i++) {
      uint8_t top = plat_ld(&b->top[i]);
      if (top < MAP_EVACUATED_X || top > MAP_EVACUATED_EMPTY)
        return fail(c, "an evacuated chain has a cell that is not");
    }
  }
  return true;
}

static bool check_old(struct checker *c) {
  void *array = gc_load(&c->m->old_buckets);
  if (array == NULL)
    return true;
  uint64_t nevacuate = plat_ld(&c->m->nevacuate);
  uint64_t count = map_old_count(c->m);
  if (nevacuate >= count)
    return fail(c, "growth is complete but still under way");
  for (uint64_t i = 0; i < count; i++) {
    struct map_bucket *head = map_bucket_at(c->t, array, i);
    uint64_t cells;
    bool evacuated = map_is_evacuated(head);
    if (!evacuated && i < nevacuate)
      return fail(c, "an old bucket below nevacuate is not evacuated");
    if (evacuated ? !check_evacuated(c, head) : !check_chain(c, head, &c->old_overflow, &cells))
      return false;
  }
  return true;
}

static bool check_new(struct checker *c) {
  void *array = gc_load(&c->m->buckets);
  void *old_array = gc_load(&c->m->old_buckets);
  if (array == NULL)
    return true;
  uint64_t count = (uint64_t)1 << plat_ld(&c->m->B);
  for (uint64_t i = 0; i < count; i++) {
    uint64_t cells;
    struct map_bucket *head = map_bucket_at(c->t, array, i);
    bool waits = old_array != NULL && !map_is_evacuated(map_bucket_at(
                                          c->t, old_array, i & (map_old_count(c->m) - 1)));
    if (waits && plat_ld(&head->top[0]) != MAP_EMPTY_REST)
      return fail(c, "a new chain has entries before its old chain is evacuated");
    if (!check_chain(c, head, &c->overflow, &cells))
      return false;
    if (waits && (cells != 0 || map_overflow(c->t, head) != NULL))
      return fail(c, "a new chain has entries before its old chain is evacuated");
  }
  return true;
}

/* Spares: within the array, unused, the last one marked. */
static bool check_spares(struct checker *c) {
  struct map_extra *extra = gc_load(&c->m->extra);
  struct map_bucket *spare = extra == NULL ? NULL : gc_load(&extra->next_overflow);
  if (spare == NULL)
    return true;
  char *array = gc_load(&c->m->buckets);
  uint8_t B = plat_ld(&c->m->B);
  uint64_t first = (uint64_t)((char *)spare - array) / c->t->bucket_bytes;
  uint64_t count = map_array_count(c->t, B);
  if (first < (uint64_t)1 << B || first >= count)
    return fail(c, "the next spare bucket is outside the array");
  for (uint64_t i = first; i < count; i++) {
    struct map_bucket *b = map_bucket_at(c->t, array, i);
    if (plat_ld(&b->tops) != 0)
      return fail(c, "a spare bucket is in use");
    void *end = i + 1 == count ? array : NULL;
    if (map_overflow(c->t, b) != end)
      return fail(c, "the spare buckets are not linked as they should be");
  }
  return true;
}

static bool check_header(struct checker *c) {
  struct map *m = c->m;
  if ((map_flags(m) & MAP_WRITING) != 0)
    return fail(c, "the map is being written");
  if (!map_is_growing(m) && (map_flags(m) & MAP_SAME_SIZE) != 0)
    return fail(c, "a same-size growth is marked but none is under way");
  struct map_extra *extra = gc_load(&m->extra);
  if (gc_load(&m->buckets) == NULL && (plat_ld(&m->count) != 0 || map_is_growing(m)))
    return fail(c, "entries without buckets");
  if (extra == NULL)
    return true;
  if (!c->t->pointer_free && gc_load(&extra->overflow) != NULL)
    return fail(c, "a map with pointers has an overflow list");
  return set_build(c, &c->overflow, gc_load(&extra->overflow)) &&
         set_build(c, &c->old_overflow, gc_load(&extra->old_overflow));
}

bool map_check(struct go_g *g, const struct map_type *t, struct map *m, const char **why) {
  struct checker c = {.g = g, .t = t, .m = m};
  uint64_t fastrand = go_mu(g)->p->fastrand; /* hashing a NaN would draw */
  if (m != NULL && check_header(&c) && check_new(&c) && check_old(&c) && check_spares(&c) &&
      c.live != (uint64_t)plat_ld(&m->count))
    fail(&c, "count is not the number of entries");
  rt_assert(go_mu(g)->p->fastrand == fastrand);
  set_drop(&c.overflow);
  set_drop(&c.old_overflow);
  *why = c.why;
  return c.why == NULL;
}
