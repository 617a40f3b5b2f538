/* Random operations against a reference, for every kind of key and element: lookups, counts, the
 * structure, and what an iteration must and must not see while the map changes under it. */
#include <stdio.h>
#include <stdlib.h>

#include "support.h"

enum { INDICES_MAX = 4096, KEY_BYTES_MAX = 300, ELEM_BYTES_MAX = 300, STRING_BYTES_MAX = 60 };

/* One kind of map. */
struct kind {
  const char *name;
  enum map_kind_of_key key;
  uint32_t key_bytes;
  enum map_kind_of_elem elem;
  uint32_t elem_bytes;
};

static const struct kind kinds[] = {
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

enum { ROOT_MAP, ROOT_VALUE, ROOT_KEY, ROOTS };

/* What an iteration under way knows of one key. */
enum seen { SEEN_MUST, SEEN_MAY, SEEN_NEVER, SEEN_DONE };

struct world {
  struct go_g *g;
  const struct kind *kind;
  const struct map_type *t;
  void **roots;
  uint64_t seed, draws;
  uint32_t indices;              /* keys are number 0..indices-1 */
  uint64_t stamps[INDICES_MAX];  /* value written last; 0: the key is absent */
  uint8_t seen[INDICES_MAX];
  bool iterating;
  uint64_t count, stamp;
  uint64_t grown_by;             /* growths when the iteration began */
};

static struct gc_type value_type = {.name = "test.value", .size = 16};

union key {
  uint64_t word;
  double f64;
  struct map_string string;
  uint8_t bytes[KEY_BYTES_MAX];
};

static struct map *map_of(struct world *w) { return w->roots[ROOT_MAP]; }
static uint32_t below(struct world *w, uint32_t n) { return rng_fastrandn(&w->draws, n); }

/* ---- keys and values ------------------------------------------------------------------------ */

/* A key carries its index in its first bytes, so that a visited key names itself. */
static void make_key(struct world *w, uint32_t index, union key *k) {
  memset(k, 0, sizeof *k);
  switch (w->kind->key) {
    case MAP_KEY_U64:
      k->word = index | (uint64_t)(index * 2654435761U) << 32;
      return;
    case MAP_KEY_U32:
      k->word = index;
      return;
    case MAP_KEY_F64:
      k->f64 = index * 0.5;
      if (index == 0 && below(w, 2) == 0)
        k->f64 = -0.0;
      return;
    case MAP_KEY_BYTES:
      memset(k->bytes, 0x5a, w->t->key_bytes);
      memcpy(k->bytes, &index, w->t->key_bytes < 4 ? w->t->key_bytes : 4);
      return;
    case MAP_KEY_STRING: {
      int64_t len = 4 + index % (STRING_BYTES_MAX - 3);
      uint8_t *text = w->roots[ROOT_KEY] = gc_alloc_bytes(go_mu(w->g), (uint64_t)len);
      memset(text, 'x', (size_t)len);
      memcpy(text, &index, sizeof index);
      k->string = (struct map_string){text, len};
      return;
    }
    case MAP_KEY_ANY:
      break;
  }
  CHECK(false, "key kind %d", (int)w->kind->key);
}

static uint32_t index_of(const struct world *w, const void *key) {
  uint32_t index = 0;
  if (w->kind->key == MAP_KEY_F64) {
    double d;
    memcpy(&d, key, sizeof d);
    return (uint32_t)(d * 2);
  }
  if (w->kind->key == MAP_KEY_STRING)
    memcpy(&index, ((const struct map_string *)key)->data, sizeof index);
  else
    memcpy(&index, key, w->t->key_bytes < 4 ? w->t->key_bytes : 4);
  return index;
}

static uint8_t pattern(uint64_t stamp, uint32_t i) {
  return (uint8_t)(stamp >> i % 4 * 8) ^ (uint8_t)i;
}

static void write_value(struct world *w, void *elem, uint64_t stamp) {
  if (w->kind->elem == MAP_ELEM_POINTER) {
    gc_store(go_mu(w->g), elem, w->roots[ROOT_VALUE]);
    return;
  }
  for (uint32_t i = 0; i < w->kind->elem_bytes; i++)
    ((uint8_t *)elem)[i] = pattern(stamp, i);
}

static void check_value(struct world *w, const void *elem, uint64_t stamp) {
  if (w->kind->elem == MAP_ELEM_POINTER) {
    const void *value;
    memcpy(&value, elem, sizeof value);
    CHECK(memcmp(value, &stamp, sizeof stamp) == 0, "%s, seed %llu", w->kind->name,
          (unsigned long long)w->seed);
    return;
  }
  for (uint32_t i = 0; i < w->kind->elem_bytes; i++)
    CHECK(((const uint8_t *)elem)[i] == pattern(stamp, i), "%s, seed %llu", w->kind->name,
          (unsigned long long)w->seed);
}

/* ---- operations ----------------------------------------------------------------------------- */

static void put(struct world *w, uint32_t index) {
  union key k;
  make_key(w, index, &k);
  w->stamp++;
  w->roots[ROOT_VALUE] = gc_alloc(go_mu(w->g), &value_type);
  memcpy(w->roots[ROOT_VALUE], &w->stamp, sizeof w->stamp);
  write_value(w, map_assign(w->g, w->t, map_of(w), &k), w->stamp);
  if (w->stamps[index] == 0) {
    w->count++;
    w->seen[index] = SEEN_MAY;
  }
  w->stamps[index] = w->stamp;
}

static void forget(struct world *w, uint32_t index) {
  if (w->stamps[index] == 0)
    return;
  w->count--;
  w->stamps[index] = 0;
  w->seen[index] = SEEN_NEVER;
}

static void delete(struct world *w, uint32_t index) {
  union key k;
  make_key(w, index, &k);
  map_delete(w->g, w->t, map_of(w), &k);
  forget(w, index);
}

static void get(struct world *w, uint32_t index) {
  union key k;
  make_key(w, index, &k);
  const void *elem = map_get(w->g, w->t, map_of(w), &k);
  CHECK((elem != NULL) == (w->stamps[index] != 0), "%s, seed %llu, key %u", w->kind->name,
        (unsigned long long)w->seed, index);
  if (elem != NULL)
    check_value(w, elem, w->stamps[index]);
}

static uint64_t growths(const struct world *w) {
  struct map_stats s;
  map_stats_read(w->t, NULL, &s);
  return s.growths + s.same_size_growths;
}

/* Go 1.19 lets an iterator that is older than a growth see entries that a later clear removed
 * from the old array, so this clears only where that cannot be. */
static void clear(struct world *w) {
  if (w->iterating && growths(w) != w->grown_by)
    return;
  map_clear(w->g, w->t, map_of(w));
  for (uint32_t i = 0; i < w->indices; i++)
    forget(w, i);
}

/* One random write or read; bias: percent of writes that insert. */
static void random_step(struct world *w, uint32_t bias) {
  uint32_t index = below(w, w->indices), what = below(w, 1000);
  if (what < 250)
    get(w, index);
  else if (what == 250)
    clear(w);
  else if (below(w, 100) < bias)
    put(w, index);
  else
    delete(w, index);
}

static void check_structure(struct world *w) {
  const char *why;
  CHECK(map_check(w->g, w->t, map_of(w), &why), "%s, seed %llu: %s", w->kind->name,
        (unsigned long long)w->seed, why);
  CHECK_U64(map_count(map_of(w)), w->count);
}

/* ---- iterating ------------------------------------------------------------------------------ */

static void visit(struct world *w, const struct map_iter *it) {
  uint32_t index = index_of(w, it->key);
  CHECK(index < w->indices);
  CHECK(w->stamps[index] != 0, "%s, seed %llu: deleted key %u", w->kind->name,
        (unsigned long long)w->seed, index);
  CHECK(w->seen[index] != SEEN_DONE, "%s, seed %llu: key %u twice", w->kind->name,
        (unsigned long long)w->seed, index);
  check_value(w, it->elem, w->stamps[index]);
  w->seen[index] = SEEN_DONE;
}

/* One iteration with up to `changes` random steps at every visit. */
static void iterate(struct world *w, uint32_t changes, uint32_t bias) {
  struct map_iter it;
  for (uint32_t i = 0; i < w->indices; i++)
    w->seen[i] = w->stamps[i] != 0 ? SEEN_MUST : SEEN_NEVER;
  w->iterating = true;
  w->grown_by = growths(w);
  uint32_t budget = 20000;
  for (map_iter_begin(w->g, w->t, map_of(w), &it); it.key != NULL; map_iter_next(w->g, &it)) {
    visit(w, &it);
    for (uint32_t n = changes == 0 ? 0 : below(w, changes + 1); n > 0 && budget > 0; n--, budget--)
      random_step(w, bias);
  }
  map_iter_end(w->g, &it);
  w->iterating = false;
  for (uint32_t i = 0; i < w->indices; i++)
    CHECK(w->seen[i] != SEEN_MUST, "%s, seed %llu: key %u never visited", w->kind->name,
          (unsigned long long)w->seed, i);
}

/* Deletes through the iterator's own key pointer. */
static void delete_by_iterator(struct world *w) {
  struct map_iter it;
  for (map_iter_begin(w->g, w->t, map_of(w), &it); it.key != NULL; map_iter_next(w->g, &it)) {
    if (below(w, 3) != 0)
      continue;
    uint32_t index = index_of(w, it.key);
    map_delete(w->g, w->t, map_of(w), it.key);
    forget(w, index);
  }
  map_iter_end(w->g, &it);
}

/* ---- runs ----------------------------------------------------------------------------------- */

static void world_init(struct world *w, struct go_g *g, const struct kind *kind, uint64_t seed) {
  memset(w, 0, sizeof *w);
  w->g = g;
  w->kind = kind;
  w->seed = w->draws = seed;
  w->indices = 1U << (4 + below(w, 9));
  w->t = map_type_new(kind->key, kind->key_bytes, kind->elem, kind->elem_bytes,
                      rng_fastrand64(&w->draws) | 1);
}

/* Phases of growing, churning and shrinking, with iterations between and meanwhile. */
static void run_world(struct world *w, uint64_t steps) {
  static const uint32_t biases[] = {90, 50, 50, 10, 60, 0, 100};
  go_mu(w->g)->p->fastrand = w->seed;
  w->roots[ROOT_MAP] = map_new(w->g, w->t, below(w, 3) == 0 ? below(w, 2000) : 0);
  for (uint64_t done = 0; done < steps;) {
    uint32_t bias = biases[below(w, sizeof biases / sizeof biases[0])];
    uint32_t burst = 1 + below(w, 3 * w->indices);
    for (uint32_t i = 0; i < burst; i++)
      random_step(w, bias);
    done += burst;
    check_structure(w);
    iterate(w, below(w, 4), bias);
    if (below(w, 8) == 0)
      delete_by_iterator(w);
    if (below(w, 8) == 0)
      gc_collect(go_mu(w->g));
    check_structure(w);
  }
}

static void all_kinds(struct go_g *g, void *arg, void *heap_arg) {
  (void)arg, (void)heap_arg;
  gc_type_register(&value_type);
  struct world *w = malloc(sizeof *w);
  CHECK(w != NULL);
  GC_ROOTS(go_mu(g), roots, ROOTS);
  for (uint64_t round = 0; round < 3; round++) {
    for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++) {
      world_init(w, g, &kinds[k], 1000 * round + k + 1);
      w->roots = roots;
      run_world(w, test_scaled(40000));
    }
  }
  GC_ROOTS_END(go_mu(g), roots);
  free(w);
}

/* Deletes and inserts at a constant count until overflow buckets pile up: same-size growth. */
static void churn(struct go_g *g, void *arg, void *heap_arg) {
  (void)arg, (void)heap_arg;
  gc_type_register(&value_type);
  struct world *w = malloc(sizeof *w);
  CHECK(w != NULL);
  GC_ROOTS(go_mu(g), roots, ROOTS);
  for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k += 3) {
    world_init(w, g, &kinds[k], 77 + k);
    w->roots = roots;
    w->indices = INDICES_MAX;
    w->roots[ROOT_MAP] = map_new(g, w->t, 0);
    uint64_t steps = test_scaled(60000);
    for (uint64_t i = 0; i < steps; i++) {
      put(w, (uint32_t)(i % INDICES_MAX));
      if (i >= 100)
        delete(w, (uint32_t)((i - 100) % INDICES_MAX));
      if (i % 997 == 0)
        iterate(w, 0, 0);
      if (i % 499 == 0)
        check_structure(w);
    }
    struct map_stats s;
    map_stats_read(w->t, map_of(w), &s);
    CHECK(steps < 60000 || s.same_size_growths > 0, "%s", kinds[k].name);
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
