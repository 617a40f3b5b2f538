/* Random operations against a reference, for every kind of key and element: lookups, counts, the
 * structure, and what an iteration must and must not see while the map changes under it. */
#include <stdlib.h>

#include "shadow.h"

enum { KEYS = 4096 };

static const struct shadow_shape shapes[] = {
    {"u64 -> 8", MAP_KEY_U64, 0, MAP_ELEM_BYTES, 8},
    {"u64 -> 0", MAP_KEY_U64, 0, MAP_ELEM_BYTES, 0},
    {"u64 -> 1", MAP_KEY_U64, 0, MAP_ELEM_BYTES, 1},
    {"u64 -> pointer", MAP_KEY_U64, 0, MAP_ELEM_POINTER, 0},
    {"u64 -> 128", MAP_KEY_U64, 0, MAP_ELEM_BYTES, 128},
    {"u64 -> 129", MAP_KEY_U64, 0, MAP_ELEM_BYTES, 129},
    {"u32 -> 8", MAP_KEY_U32, 0, MAP_ELEM_BYTES, 8},
    {"u32 -> 3", MAP_KEY_U32, 0, MAP_ELEM_BYTES, 3},
    {"u32 -> pointer", MAP_KEY_U32, 0, MAP_ELEM_POINTER, 0},
    {"u32 -> 300", MAP_KEY_U32, 0, MAP_ELEM_BYTES, 300},
    {"string -> 8", MAP_KEY_STRING, 0, MAP_ELEM_BYTES, 8},
    {"string -> 0", MAP_KEY_STRING, 0, MAP_ELEM_BYTES, 0},
    {"string -> pointer", MAP_KEY_STRING, 0, MAP_ELEM_POINTER, 0},
    {"string -> 200", MAP_KEY_STRING, 0, MAP_ELEM_BYTES, 200},
    {"f64 -> 8", MAP_KEY_F64, 0, MAP_ELEM_BYTES, 8},
    {"f64 -> pointer", MAP_KEY_F64, 0, MAP_ELEM_POINTER, 0},
    {"2 bytes -> 8", MAP_KEY_BYTES, 2, MAP_ELEM_BYTES, 8},
    {"4 bytes -> 5", MAP_KEY_BYTES, 4, MAP_ELEM_BYTES, 5},
    {"8 bytes -> pointer", MAP_KEY_BYTES, 8, MAP_ELEM_POINTER, 0},
    {"13 bytes -> pointer", MAP_KEY_BYTES, 13, MAP_ELEM_POINTER, 0},
    {"128 bytes -> 16", MAP_KEY_BYTES, 128, MAP_ELEM_BYTES, 16},
    {"129 bytes -> 8", MAP_KEY_BYTES, 129, MAP_ELEM_BYTES, 8},
    {"300 bytes -> 300", MAP_KEY_BYTES, 300, MAP_ELEM_BYTES, 300},
    {"300 bytes -> pointer", MAP_KEY_BYTES, 300, MAP_ELEM_POINTER, 0},
};

struct world {
  struct shadow s;
  uint64_t seed;
  bool iterating;
  uint64_t grown_by; /* growths when the iteration began */
};

static struct map *map_of(struct world *w) { return w->s.roots[SHADOW_MAP]; }

/* ---- operations ----------------------------------------------------------------------------- */

static void put(struct world *w, uint32_t index) {
  union shadow_key k;
  uint8_t bytes[SHADOW_VALUE_BYTES_MAX];
  shadow_key(&w->s, index, &k);
  const void *elem = shadow_value(&w->s, bytes);
  void *slot = map_assign(w->s.g, w->s.t, map_of(w), &k);
  if (w->s.shape->elem == MAP_ELEM_POINTER)
    gc_store(go_mu(w->s.g), slot, w->s.roots[SHADOW_VALUE]);
  else
    memcpy(slot, elem, w->s.shape->elem_bytes);
  shadow_put(&w->s, index);
}

static void delete(struct world *w, uint32_t index) {
  union shadow_key k;
  shadow_key(&w->s, index, &k);
  map_delete(w->s.g, w->s.t, map_of(w), &k);
  shadow_forget(&w->s, index);
}

static void get(struct world *w, uint32_t index) {
  union shadow_key k;
  shadow_key(&w->s, index, &k);
  const void *elem = map_get(w->s.g, w->s.t, map_of(w), &k);
  CHECK((elem != NULL) == (w->s.stamps[index] != 0), SHADOW_WHO(&w->s, index));
  if (elem != NULL) shadow_check(&w->s, index, elem);
}

static uint64_t growths(const struct world *w) {
  struct map_stats s;
  map_stats_read(w->s.t, NULL, &s);
  return s.growths + s.same_size_growths;
}

/* Go 1.19 lets an iterator that is older than a growth see entries that a later clear removed
 * from the old array, so this clears only where that cannot be. */
static void clear(struct world *w) {
  if (w->iterating && growths(w) != w->grown_by)
    return;
  map_clear(w->s.g, w->s.t, map_of(w));
  shadow_clear(&w->s);
}

/* One random write or read; bias: percent of writes that insert. */
static void random_step(struct world *w, uint32_t bias) {
  uint32_t index = shadow_below(&w->s, w->s.indices), what = shadow_below(&w->s, 1000);
  w->s.steps++;
  if (what < 250)
    get(w, index);
  else if (what == 250)
    clear(w);
  else if (shadow_below(&w->s, 100) < bias)
    put(w, index);
  else
    delete(w, index);
}

static void check_structure(struct world *w) {
  const char *why;
  CHECK(map_check(w->s.g, w->s.t, map_of(w), &why), "%s, seed %llu: %s", w->s.shape->name,
        (unsigned long long)w->seed, why);
  CHECK_U64(map_count(map_of(w)), w->s.count);
}

/* ---- iterating ------------------------------------------------------------------------------ */

/* One iteration with up to `changes` random steps at every visit. */
static void iterate(struct world *w, uint32_t changes, uint32_t bias) {
  struct map_iter it;
  struct shadow *s = &w->s;
  shadow_iterate_begin(s);
  w->iterating = true;
  w->grown_by = growths(w);
  uint32_t budget = 20000;
  for (map_iter_begin(s->g, s->t, map_of(w), &it); it.key != NULL; map_iter_next(s->g, &it)) {
    uint32_t index = shadow_index(s, it.key);
    shadow_visit(s, index);
    shadow_check(s, index, it.elem);
    uint32_t n = changes == 0 ? 0 : shadow_below(s, changes + 1);
    for (; n > 0 && budget > 0; n--, budget--) random_step(w, bias);
  }
  map_iter_end(s->g, &it);
  w->iterating = false;
  shadow_iterate_end(s);
}

/* Deletes through the iterator's own key pointer. */
static void delete_by_iterator(struct world *w) {
  struct map_iter it;
  struct shadow *s = &w->s;
  for (map_iter_begin(s->g, s->t, map_of(w), &it); it.key != NULL; map_iter_next(s->g, &it)) {
    if (shadow_below(s, 3) != 0) continue;
    uint32_t index = shadow_index(s, it.key);
    map_delete(s->g, s->t, map_of(w), it.key);
    shadow_forget(s, index);
  }
  map_iter_end(s->g, &it);
}

/* ---- runs ----------------------------------------------------------------------------------- */

static void world_init(struct world *w, struct go_g *g, const struct shadow_shape *shape,
                       uint64_t seed, void **roots) {
  w->s.roots = roots;
  shadow_init(&w->s, g, "go", shape, seed);
  w->seed = seed;
  w->iterating = false;
  w->s.indices = 1U << (4 + shadow_below(&w->s, 9));
  w->s.t = map_type_new(shape->key, shape->key_bytes, shape->elem, shape->elem_bytes,
                        rng_fastrand64(&w->s.draws) | 1);
}

/* Phases of growing, churning and shrinking, with iterations between and meanwhile. */
static void run_world(struct world *w, uint64_t steps) {
  static const uint32_t biases[] = {90, 50, 50, 10, 60, 0, 100};
  go_mu(w->s.g)->p->fastrand = w->seed;
  int64_t hint = shadow_below(&w->s, 3) == 0 ? shadow_below(&w->s, 2000) : 0;
  w->s.roots[SHADOW_MAP] = map_new(w->s.g, w->s.t, hint);
  for (uint64_t done = 0; done < steps;) {
    uint32_t bias = biases[shadow_below(&w->s, sizeof biases / sizeof biases[0])];
    uint32_t burst = 1 + shadow_below(&w->s, 3 * w->s.indices);
    for (uint32_t i = 0; i < burst; i++)
      random_step(w, bias);
    done += burst;
    check_structure(w);
    iterate(w, shadow_below(&w->s, 4), bias);
    if (shadow_below(&w->s, 8) == 0)
      delete_by_iterator(w);
    if (shadow_below(&w->s, 8) == 0)
      gc_collect(go_mu(w->s.g));
    check_structure(w);
  }
}

static void all_kinds(struct go_g *g, void *arg, void *heap_arg) {
  (void)arg, (void)heap_arg;
  struct world *w = malloc(sizeof *w);
  CHECK(w != NULL);
  GC_ROOTS(go_mu(g), roots, SHADOW_ROOTS);
  for (uint64_t round = 0; round < 3; round++) {
    for (size_t k = 0; k < sizeof shapes / sizeof shapes[0]; k++) {
      world_init(w, g, &shapes[k], 1000 * round + k + 1, roots);
      run_world(w, test_scaled(40000));
    }
  }
  GC_ROOTS_END(go_mu(g), roots);
  free(w);
}

/* Deletes and inserts at a constant count until overflow buckets pile up: same-size growth. */
static void churn(struct go_g *g, void *arg, void *heap_arg) {
  (void)arg, (void)heap_arg;
  struct world *w = malloc(sizeof *w);
  CHECK(w != NULL);
  GC_ROOTS(go_mu(g), roots, SHADOW_ROOTS);
  for (size_t k = 0; k < sizeof shapes / sizeof shapes[0]; k += 3) {
    world_init(w, g, &shapes[k], 77 + k, roots);
    w->s.indices = KEYS;
    w->s.roots[SHADOW_MAP] = map_new(g, w->s.t, 0);
    uint64_t steps = test_scaled(60000);
    for (uint64_t i = 0; i < steps; i++) {
      put(w, (uint32_t)(i % KEYS));
      if (i >= 100)
        delete(w, (uint32_t)((i - 100) % KEYS));
      if (i % 997 == 0)
        iterate(w, 0, 0);
      if (i % 499 == 0)
        check_structure(w);
    }
    struct map_stats s;
    map_stats_read(w->s.t, map_of(w), &s);
    CHECK(steps < 60000 || s.same_size_growths > 0, "%s", shapes[k].name);
  }
  GC_ROOTS_END(go_mu(g), roots);
  free(w);
}

static uint64_t count_visits(struct go_g *g, const struct map_type *t, struct map *m) {
  struct map_iter it;
  uint64_t n = 0;
  for (map_iter_begin(g, t, m, &it); it.key != NULL; map_iter_next(g, &it))
    n++;
  map_iter_end(g, &it);
  return n;
}

/* NaNs: never found, never deleted, each visited exactly once, also while the table grows. */
static void nan_keys(struct go_g *g, void *arg, void *heap_arg) {
  (void)arg, (void)heap_arg;
  const struct map_type *t = map_type_new(MAP_KEY_F64, 0, MAP_ELEM_BYTES, 8, TEST_HASH_KEY);
  GC_ROOTS(go_mu(g), roots, 1);
  struct map *m = roots[0] = map_new(g, t, 0);
  uint64_t nan = 0x7ff8000000000001, nans = 0;
  for (double d = 0; d < 600; d++) {
    const char *why;
    map_assign(g, t, m, &nan);
    map_assign(g, t, m, &d);
    nans++;
    CHECK(map_get(g, t, m, &nan) == NULL);
    map_delete(g, t, m, &nan);
    CHECK_U64(map_count(m), nans + (uint64_t)d + 1);
    CHECK_U64(count_visits(g, t, m), map_count(m));
    CHECK(map_check(g, t, m, &why), "%s", why);
  }
  struct map_iter it;
  uint64_t visits = 0, added = 0;
  for (map_iter_begin(g, t, m, &it); it.key != NULL; map_iter_next(g, &it)) {
    visits += map_load_u64(it.key) == nan;
    double fresh = 10000.0 + (double)added;
    if (added < 500)
      map_assign(g, t, m, &fresh);
    added++;
  }
  map_iter_end(g, &it);
  CHECK_U64(visits, nans);
  map_clear(g, t, m);
  CHECK_U64(count_visits(g, t, m), 0);
  GC_ROOTS_END(go_mu(g), roots);
}

/* -0 and +0 are one key; an update stores the new bits. */
static void signed_zero(struct go_g *g, void *arg, void *heap_arg) {
  (void)arg, (void)heap_arg;
  const struct map_type *t = map_type_new(MAP_KEY_F64, 0, MAP_ELEM_BYTES, 8, TEST_HASH_KEY);
  GC_ROOTS(go_mu(g), roots, 1);
  struct map *m = roots[0] = map_new(g, t, 0);
  uint64_t plus = 0, minus = 1ULL << 63;
  void *first = map_assign(g, t, m, &plus);
  CHECK(map_get(g, t, m, &minus) == first);
  CHECK(map_assign(g, t, m, &minus) == first);
  CHECK_U64(map_count(m), 1);
  struct map_iter it;
  map_iter_begin(g, t, m, &it);
  CHECK_U64(map_load_u64(it.key), minus);
  map_iter_end(g, &it);
  GC_ROOTS_END(go_mu(g), roots);
}

/* A string key that is stored again is replaced by the newer string. */
static void string_update(struct go_g *g, void *arg, void *heap_arg) {
  static const char old_text[] = "a string of some length", new_text[] = "a string of some length";
  (void)arg, (void)heap_arg;
  char copy[sizeof new_text];
  memcpy(copy, new_text, sizeof copy);
  const int64_t len = sizeof old_text - 1;
  for (uint32_t elem_bytes = 8; elem_bytes <= 200; elem_bytes += 192) {
    const struct map_type *t =
        map_type_new(MAP_KEY_STRING, 0, MAP_ELEM_BYTES, elem_bytes, TEST_HASH_KEY);
    GC_ROOTS(go_mu(g), roots, 1);
    struct map *m = roots[0] = map_new(g, t, 0);
    map_assign(g, t, m, &(struct map_string){old_text, len});
    map_assign(g, t, m, &(struct map_string){copy, len});
    CHECK_U64(map_count(m), 1);
    struct map_iter it;
    map_iter_begin(g, t, m, &it);
    CHECK(((struct map_string *)it.key)->data == copy);
    map_iter_end(g, &it);
    GC_ROOTS_END(go_mu(g), roots);
  }
}

/* Long strings in a one-bucket map: equal ends, the hash must decide (F1.9.6). */
static void long_strings(struct go_g *g, void *arg, void *heap_arg) {
  (void)arg, (void)heap_arg;
  const struct map_type *t = map_type_new(MAP_KEY_STRING, 0, MAP_ELEM_BYTES, 8, TEST_HASH_KEY);
  GC_ROOTS(go_mu(g), roots, 1);
  struct map *m = roots[0] = map_new(g, t, 0);
  static char texts[9][40];
  for (uint64_t i = 0; i < 9; i++) {
    memset(texts[i], 'a', 40);
    texts[i][20] = (char)('0' + i);
    if (i < 8)
      memcpy(map_assign(g, t, m, &(struct map_string){texts[i], 40}), &i, sizeof i);
    char copy[40];
    memcpy(copy, texts[i], 40);
    for (uint64_t j = 0; j <= i; j++) {
      memcpy(copy, texts[j], 40);
      const void *elem = map_get(g, t, m, &(struct map_string){copy, 40});
      CHECK((elem != NULL) == (j < 8));
      CHECK(elem == NULL || map_load_u64(elem) == j);
      CHECK(map_get(g, t, m, &(struct map_string){texts[j], 40}) == elem);
    }
  }
  CHECK_U64(m->B, 0);
  GC_ROOTS_END(go_mu(g), roots);
}

#define RUN(name) \
  static void test_##name(void **state) { (void)state, test_run(name, NULL); }
RUN(all_kinds)
RUN(churn)
RUN(nan_keys)
RUN(signed_zero)
RUN(string_update)
RUN(long_strings)

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_all_kinds),     cmocka_unit_test(test_churn),
      cmocka_unit_test(test_nan_keys),      cmocka_unit_test(test_signed_zero),
      cmocka_unit_test(test_string_update), cmocka_unit_test(test_long_strings),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
