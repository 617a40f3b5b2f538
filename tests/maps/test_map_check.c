/* map_check() must see each way a map can be broken (covers map.tophash, map.rest, map.one-place,
 * map.overflow-list), and must accept every map that is not. */
#include "support.h"

/* A map to break, and the words map_check must say. */
struct subject {
  struct go_g *g;
  const struct map_type *t;
  struct map *m;
};

static void expect(struct subject *s, const char *words) {
  const char *why = NULL;
  bool good = map_check(s->g, s->t, s->m, &why);
  if (words == NULL) {
    CHECK(good && why == NULL, "%s", why);
    return;
  }
  CHECK(!good && strcmp(why, words) == 0, "said: %s", why == NULL ? "nothing" : why);
}

static const struct map_type *ints(void) {
  return map_type_new(MAP_KEY_U64, 0, MAP_ELEM_BYTES, 8, TEST_HASH_KEY);
}

static void fill(struct subject *s, uint64_t keys) {
  for (uint64_t i = 0; i < keys; i++)
    test_put(s->g, s->t, s->m, i, i);
}

/* The first bucket of the current array that a fits b says. */
static struct map_bucket *bucket_with(struct subject *s, bool overflow, bool room) {
  for (uint64_t i = 0; i < (uint64_t)1 << s->m->B; i++) {
    struct map_bucket *b = map_bucket_at(s->t, s->m->buckets, i);
    unsigned used = map_tops_used(b->tops);
    if (overflow && map_overflow(s->t, b) != NULL)
      return b;
    if (!overflow && used != 0 && (used != 0xff) == room)
      return b;
  }
  test_failed(__FILE__, __LINE__, "a fitting bucket", " ");
}

/* ---- the ways ------------------------------------------------------------------------------- */

typedef const char *break_fn(struct subject *s);

static const char *wrong_count(struct subject *s) {
  s->m->count++;
  return "count is not the number of entries";
}

static const char *stale_tophash(struct subject *s) {
  struct map_bucket *b = bucket_with(s, false, true);
  b->top[0] = b->top[0] == 0xff ? 0xfe : b->top[0] + 1;
  return "tophash does not match the key";
}

static const char *duplicate(struct subject *s) {
  struct map_bucket *b = bucket_with(s, false, true);
  unsigned used = map_tops_used(b->tops), free_cell = (unsigned)__builtin_ctz(~used);
  memcpy(map_key_slot(s->t, b, free_cell), map_key_slot(s->t, b, 0), 8);
  b->top[free_cell] = b->top[0];
  s->m->count++;
  return "a key is there twice";
}

static const char *wrong_chain(struct subject *s) {
  struct map_bucket *b = bucket_with(s, false, true);
  uint64_t index = (uint64_t)((char *)b - (char *)s->m->buckets) / s->t->bucket_bytes;
  for (uint64_t key = 1000000;; key++) {
    uint64_t hash = map_hash_key(s->g, s->t, &key, s->m->hash0);
    if ((hash & map_mask(s->m->B)) == index)
      continue;
    memcpy(map_key_slot(s->t, b, 0), &key, 8);
    b->top[0] = map_tophash(hash);
    return "a key is in a chain where no reader looks for it";
  }
}

static const char *hidden_by_rest(struct subject *s) {
  struct map_bucket *b = bucket_with(s, false, false);
  b->top[2] = MAP_EMPTY_REST;
  return "a cell after an empty rest is not empty";
}

static const char *lost_overflow(struct subject *s) {
  struct map_extra *extra = s->m->extra;
  struct map_list *list = extra->overflow;
  list->len--;
  return "an overflow bucket is in no list that keeps it alive";
}

static const char *unlinked_overflow(struct subject *s) {
  struct map_bucket *b = bucket_with(s, true, false);
  gc_store(go_mu(s->g), map_overflow_slot(s->t, b), NULL);
  return "count is not the number of entries";
}

static const char *half_evacuated(struct subject *s) {
  struct map_bucket *b = bucket_with(s, false, false);
  b->top[3] = MAP_EVACUATED_X;
  return "an evacuated cell is in a readable chain";
}

static const char *still_writing(struct subject *s) {
  at_u8_store_relaxed(&s->m->flags, MAP_WRITING);
  return "the map is being written";
}

static const char *false_same_size(struct subject *s) {
  at_u8_store_relaxed(&s->m->flags, MAP_SAME_SIZE);
  return "a same-size growth is marked but none is under way";
}

static const char *used_spare(struct subject *s) {
  struct map_extra *extra = s->m->extra;
  ((struct map_bucket *)extra->next_overflow)->top[5] = 9;
  return "a spare bucket is in use";
}

static const char *spare_end_lost(struct subject *s) {
  struct map_bucket *last =
      map_bucket_at(s->t, s->m->buckets, map_array_count(s->t, s->m->B) - 1);
  gc_store(go_mu(s->g), map_overflow_slot(s->t, last), NULL);
  return "the spare buckets are not linked as they should be";
}

static const char *spare_outside(struct subject *s) {
  struct map_extra *extra = s->m->extra;
  gc_store(go_mu(s->g), &extra->next_overflow, s->m->buckets);
  return "the next spare bucket is outside the array";
}

static const char *no_buckets(struct subject *s) {
  gc_store(go_mu(s->g), &s->m->buckets, NULL);
  return "entries without buckets";
}

/* Keys 0..59: doubled four times, at rest, with spares left and an overflow bucket in use. */
static void break_settled(struct go_g *g, void *arg, void *heap_arg) {
  static break_fn *const ways[] = {
      wrong_count,       stale_tophash,  duplicate,     wrong_chain,     hidden_by_rest,
      lost_overflow,     unlinked_overflow, half_evacuated, still_writing, false_same_size,
      used_spare,        spare_end_lost, spare_outside, no_buckets,
  };
  (void)arg, (void)heap_arg;
  GC_ROOTS(go_mu(g), roots, 1);
  for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
    struct subject s = {.g = g, .t = ints()};
    s.m = roots[0] = test_ints(g, s.t, 0x12345678);
    expect(&s, NULL);
    fill(&s, 60);
    expect(&s, NULL);
    const char *words = ways[i](&s);
    expect(&s, words);
  }
  GC_ROOTS_END(go_mu(g), roots);
}

/* ---- while growing -------------------------------------------------------------------------- */

/* Number of an old chain that is (not) evacuated. */
static uint64_t old_chain(struct subject *s, bool evacuated) {
  for (uint64_t i = 0; i < map_old_count(s->m); i++) {
    if (map_is_evacuated(map_bucket_at(s->t, s->m->old_buckets, i)) == evacuated)
      return i;
  }
  test_failed(__FILE__, __LINE__, "a fitting old chain", " ");
}

static const char *both_places(struct subject *s) {
  uint64_t index = old_chain(s, false);
  struct map_bucket *old = map_bucket_at(s->t, s->m->old_buckets, index);
  struct map_bucket *b = map_bucket_at(s->t, s->m->buckets, index);
  memcpy(map_key_slot(s->t, b, 0), map_key_slot(s->t, old, 0), 8);
  b->top[0] = old->top[0];
  s->m->count++;
  return "a new chain has entries before its old chain is evacuated";
}

static const char *evacuation_forgotten(struct subject *s) {
  struct map_bucket *old = map_bucket_at(s->t, s->m->old_buckets, old_chain(s, true));
  old->top[7] = 77;
  return "an evacuated chain has a cell that is not";
}

static const char *below_mark(struct subject *s) {
  s->m->nevacuate = old_chain(s, false) + 1;
  return "an old bucket below nevacuate is not evacuated";
}

static const char *never_ends(struct subject *s) {
  s->m->nevacuate = map_old_count(s->m);
  return "growth is complete but still under way";
}

static const char *entries_dropped(struct subject *s) {
  struct map_bucket *old = map_bucket_at(s->t, s->m->old_buckets, old_chain(s, false));
  memset(old->top, MAP_EVACUATED_X, MAP_CELLS);
  return "count is not the number of entries";
}

static const char *old_list_lost(struct subject *s) {
  struct map_extra *extra = s->m->extra;
  gc_store(go_mu(s->g), &extra->old_overflow, NULL);
  return "an overflow bucket is in no list that keeps it alive";
}

static void break_growing(struct go_g *g, void *arg, void *heap_arg) {
  static break_fn *const ways[] = {both_places, evacuation_forgotten, below_mark,
                                   never_ends,  entries_dropped,      old_list_lost};
  (void)arg, (void)heap_arg;
  GC_ROOTS(go_mu(g), roots, 1);
  for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
    struct subject s = {.g = g, .t = ints()};
    s.m = roots[0] = test_ints(g, s.t, 0x12345678);
    fill(&s, 840);
    CHECK(s.m->old_buckets != NULL);
    expect(&s, NULL);
    const char *words = ways[i](&s);
    expect(&s, words);
  }
  GC_ROOTS_END(go_mu(g), roots);
}

/* ---- maps with pointers --------------------------------------------------------------------- */

static void break_indirect(struct go_g *g, void *arg, void *heap_arg) {
  (void)arg, (void)heap_arg;
  GC_ROOTS(go_mu(g), roots, 1);
  for (int way = 0; way < 3; way++) {
    struct subject s = {.g = g};
    s.t = map_type_new(MAP_KEY_BYTES, 200, MAP_ELEM_BYTES, 200, TEST_HASH_KEY);
    s.m = roots[0] = map_new(g, s.t, 100);
    uint8_t key[200] = {1};
    map_assign(g, s.t, s.m, key);
    expect(&s, NULL);
    uint64_t hash = map_hash_key(g, s.t, key, s.m->hash0);
    struct map_bucket *b = map_read_chain(s.t, s.m, hash);
    struct map_extra *extra = s.m->extra;
    if (way == 0) {
      gc_store(go_mu(g), map_key_slot(s.t, b, 0), NULL);
      expect(&s, "a live cell has no key");
    } else if (way == 1) {
      gc_store(go_mu(g), map_elem_slot(s.t, b, 0), NULL);
      expect(&s, "a live cell has no element");
    } else {
      gc_store(go_mu(g), &extra->overflow, s.m->buckets);
      expect(&s, "a map with pointers has an overflow list");
    }
  }
  GC_ROOTS_END(go_mu(g), roots);
}

static void nil_map(struct go_g *g, void *arg, void *heap_arg) {
  (void)arg, (void)heap_arg;
  struct subject s = {.g = g, .t = ints()};
  expect(&s, NULL);
}

#define RUN(name) \
  static void test_##name(void **state) { (void)state, test_run(name, NULL); }
RUN(break_settled)
RUN(break_growing)
RUN(break_indirect)
RUN(nil_map)

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_break_settled), cmocka_unit_test(test_break_growing),
      cmocka_unit_test(test_break_indirect), cmocka_unit_test(test_nil_map),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
