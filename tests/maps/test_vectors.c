/* States and iteration orders measured on real Go 1.19 maps. */
#include "support.h"

static const uint32_t SEED = 0x12345678;

static const struct map_type *ints(void) {
  return map_type_new(MAP_KEY_U64, 0, MAP_ELEM_BYTES, 8, TEST_HASH_KEY);
}

/* ---- making --------------------------------------------------------------------------------- */

static uint64_t spares_of(const struct map_type *t, struct map *m) {
  struct map_extra *extra = m->extra;
  if (extra == NULL || extra->next_overflow == NULL)
    return 0;
  uint64_t first = (uint64_t)((char *)extra->next_overflow - (char *)m->buckets);
  return map_array_count(t, m->B) - first / t->bucket_bytes;
}

/* F1.2.4: the first hint of each B. */
static void hints(struct go_g *g, void *arg, void *heap_arg) {
  static const int64_t first[] = {9, 14, 27, 53, 105, 209, 417, 833, 1665, 3329, 6657};
  (void)arg, (void)heap_arg;
  const struct map_type *t = ints();
  for (unsigned i = 0; i < sizeof first / sizeof first[0]; i++) {
    CHECK_U64(map_new(g, t, first[i] - 1)->B, i);
    CHECK_U64(map_new(g, t, first[i])->B, i + 1);
  }
  static const int64_t none[] = {0, 8, -1, INT64_MIN, INT64_MAX, ((int64_t)1 << 48) / 144 + 1};
  for (unsigned i = 0; i < sizeof none / sizeof none[0]; i++) {
    struct map *m = map_new(g, t, none[i]);
    CHECK(m->B == 0 && m->buckets == NULL && m->extra == NULL, "hint %lld", (long long)none[i]);
  }
}

/* F1.2.6: spare buckets of 144 bytes. */
static void spares(struct go_g *g, void *arg, void *heap_arg) {
  static const unsigned counts[] = {2, 5, 7, 14, 28, 56, 113, 170, 284, 512, 1024};
  (void)arg, (void)heap_arg;
  const struct map_type *t = ints();
  CHECK_U64(map_type_bucket_bytes(t), 144);
  for (unsigned i = 0; i < sizeof counts / sizeof counts[0]; i++) {
    struct map *m = map_new(g, t, (int64_t)13 << (i + 3));
    CHECK_U64(m->B, i + 4);
    CHECK_U64(spares_of(t, m), counts[i]);
  }
}

/* Interfaces (F1.10.8): vectors of real Go, and the size and pointers of sync.Map's buckets. */
static void interfaces(struct go_g *g, void *arg, void *heap_arg) {
  static const uint64_t integer = 42;
  static const double real = 1.5;
  static const struct map_string text = {"hello, world", 12};
  static const struct { enum map_kind_of_key key; const void *value; uint64_t hash; } rows[] = {
      {MAP_KEY_U64, &integer, 0xa413268b4fd15902},
      {MAP_KEY_F64, &real, 0x7f709a376b6eb47b},
      {MAP_KEY_STRING, &text, 0xc853dfd8acda17f1},
  };
  (void)arg, (void)heap_arg;
  for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    const struct map_type *t =
        map_type_any(map_type_new(rows[i].key, 0, MAP_ELEM_BYTES, 8, TEST_HASH_KEY));
    struct map_any key = {.data = rows[i].value};
    CHECK_U64(map_hash_key(g, t, &key, 0xdeadbeef), rows[i].hash);
    CHECK_U64(map_type_bucket_bytes(t), 208);
    CHECK_U64(t->bucket_mask[0], 0x3ff5554);
  }
}

/* Making draws the seed once, whatever the hint. */
static void one_draw(struct go_g *g, void *arg, void *heap_arg) {
  (void)arg, (void)heap_arg;
  const struct map_type *t = ints();
  for (int64_t hint = 0; hint <= 100; hint += 50) {
    uint64_t expected = 0xfeedface;
    go_mu(g)->p->fastrand = expected;
    struct map *m = map_new(g, t, hint);
    CHECK_U64(m->hash0, rng_fastrand(&expected));
    CHECK_U64(go_mu(g)->p->fastrand, expected);
  }
}

/* F1.1.3: bucket sizes; F1.9.1: the path. */
static void layouts(struct go_g *g, void *arg, void *heap_arg) {
  static const struct {
    enum map_kind_of_key key;
    uint32_t key_bytes;
    enum map_kind_of_elem elem;
    uint32_t elem_bytes, bucket_bytes;
    bool pointer_free;
    enum map_path path;
  } rows[] = {
      {MAP_KEY_U64, 0, MAP_ELEM_BYTES, 8, 144, true, MAP_PATH_FAST64},
      {MAP_KEY_U32, 0, MAP_ELEM_BYTES, 4, 80, true, MAP_PATH_FAST32},
      {MAP_KEY_U64, 0, MAP_ELEM_BYTES, 1, 88, true, MAP_PATH_FAST64},
      {MAP_KEY_STRING, 0, MAP_ELEM_BYTES, 8, 208, false, MAP_PATH_FASTSTR},
      {MAP_KEY_STRING, 0, MAP_ELEM_BYTES, 16, 272, false, MAP_PATH_FASTSTR},
      {MAP_KEY_U64, 0, MAP_ELEM_BYTES, 0, 80, true, MAP_PATH_FAST64},
      {MAP_KEY_BYTES, 128, MAP_ELEM_BYTES, 8, 1104, true, MAP_PATH_GENERIC},
      {MAP_KEY_BYTES, 129, MAP_ELEM_BYTES, 8, 144, false, MAP_PATH_GENERIC},
      {MAP_KEY_BYTES, 4, MAP_ELEM_BYTES, 8, 112, true, MAP_PATH_FAST32},
      {MAP_KEY_BYTES, 8, MAP_ELEM_POINTER, 0, 144, false, MAP_PATH_FAST64},
      {MAP_KEY_BYTES, 16, MAP_ELEM_BYTES, 8, 208, true, MAP_PATH_GENERIC},
      {MAP_KEY_F64, 0, MAP_ELEM_BYTES, 8, 144, true, MAP_PATH_GENERIC},
      {MAP_KEY_U64, 0, MAP_ELEM_BYTES, 128, 1104, true, MAP_PATH_FAST64},
      {MAP_KEY_U64, 0, MAP_ELEM_BYTES, 129, 144, false, MAP_PATH_GENERIC},
      {MAP_KEY_STRING, 0, MAP_ELEM_BYTES, 200, 208, false, MAP_PATH_GENERIC},
  };
  (void)g, (void)arg, (void)heap_arg;
  for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    const struct map_type *t = map_type_new(rows[i].key, rows[i].key_bytes, rows[i].elem,
                                            rows[i].elem_bytes, TEST_HASH_KEY);
    CHECK_U64(t->bucket_bytes, rows[i].bucket_bytes);
    CHECK_U64(t->pointer_free, rows[i].pointer_free);
    CHECK_U64(t->path, rows[i].path);
    CHECK_U64(t->bucket.ptrdata, rows[i].pointer_free ? 0 : rows[i].bucket_bytes);
  }
}

/* Which words of a bucket are pointers, for each way to have some. */
static void pointer_maps(struct go_g *g, void *arg, void *heap_arg) {
  static const struct {
    enum map_kind_of_key key;
    uint32_t key_bytes;
    enum map_kind_of_elem elem;
    uint32_t elem_bytes;
    uint64_t mask;
  } rows[] = {
      {MAP_KEY_U64, 0, MAP_ELEM_POINTER, 0, 0x3fe00},
      {MAP_KEY_U32, 0, MAP_ELEM_POINTER, 0, 0x3fe0},
      {MAP_KEY_STRING, 0, MAP_ELEM_BYTES, 0, 0x2aaaa},
      {MAP_KEY_STRING, 0, MAP_ELEM_POINTER, 0, 0x3feaaaa},
      {MAP_KEY_BYTES, 200, MAP_ELEM_BYTES, 8, 0x201fe},
      {MAP_KEY_BYTES, 200, MAP_ELEM_BYTES, 200, 0x3fffe},
      {MAP_KEY_BYTES, 1, MAP_ELEM_POINTER, 0, 0x7fc},
  };
  (void)g, (void)arg, (void)heap_arg;
  for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    const struct map_type *t = map_type_new(rows[i].key, rows[i].key_bytes, rows[i].elem,
                                            rows[i].elem_bytes, TEST_HASH_KEY);
    uint64_t mask = 0;
    for (uint32_t word = 0; word < t->bucket_bytes / 8; word++)
      mask |= (uint64_t)gc_type_is_pointer(&t->bucket, word) << word;
    CHECK_U64(mask, rows[i].mask);
  }
}

/* ---- growing -------------------------------------------------------------------------------- */

/* F1.12 */
static void growth_trace(struct go_g *g, void *arg, void *heap_arg) {
  static const struct {
    uint64_t count;
    unsigned B;
    bool growing;
    int nevacuate, noverflow; /* -1: any */
  } rows[] = {
      {8, 0, false, -1, -1},   {9, 1, false, -1, -1},    {14, 2, false, -1, -1},
      {27, 3, true, 2, -1},    {28, 3, false, -1, -1},   {53, 4, true, 1, -1},
      {58, 4, false, -1, 1},   {105, 5, true, -1, -1},   {115, 5, false, -1, -1},
      {209, 6, true, -1, -1},  {230, 6, false, -1, -1},  {417, 7, true, -1, -1},
      {456, 7, false, -1, 3},  {833, 8, true, -1, -1},   {917, 8, false, -1, 4},
      {1665, 9, true, -1, -1}, {1838, 9, false, -1, 6},  {2000, 9, false, -1, -1},
  };
  static const uint8_t tops[8] = {31, 198, 102, 99, 0, 0, 0, 0};
  static const uint64_t keys[4] = {174, 632, 732, 1644};
  (void)arg, (void)heap_arg;
  const struct map_type *t = ints();
  GC_ROOTS(go_mu(g), roots, 1);
  struct map *m = roots[0] = test_ints(g, t, SEED);
  unsigned row = 0;
  for (uint64_t i = 0; i < 2000; i++) {
    test_put(g, t, m, i, i);
    if (row == sizeof rows / sizeof rows[0] || i + 1 != rows[row].count)
      continue;
    CHECK(m->B == rows[row].B, "count %llu", (unsigned long long)i + 1);
    CHECK((m->old_buckets != NULL) == rows[row].growing, "count %llu", (unsigned long long)i + 1);
    CHECK(rows[row].nevacuate < 0 || m->nevacuate == (uint64_t)rows[row].nevacuate,
          "count %llu", (unsigned long long)i + 1);
    CHECK(rows[row].noverflow < 0 || m->noverflow == rows[row].noverflow,
          "count %llu", (unsigned long long)i + 1);
    row++;
  }
  CHECK(row == sizeof rows / sizeof rows[0], "row %zu", (size_t)row);
  struct map_bucket *b = m->buckets;
  CHECK(memcmp(b->top, tops, 8) == 0, "tophash of bucket 0");
  for (unsigned i = 0; i < 4; i++)
    CHECK_U64(map_load_u64(map_key_slot(t, b, i)), keys[i]);
  GC_ROOTS_END(go_mu(g), roots);
}

static uint64_t step(uint64_t digest, uint64_t v) { return (digest ^ v) * 1099511628211ULL; }

static uint64_t array_digest(const struct map_type *t, void *array, uint64_t count, uint64_t d) {
  for (uint64_t i = 0; i < count; i++) {
    for (struct map_bucket *b = map_bucket_at(t, array, i); b != NULL; b = map_overflow(t, b)) {
      for (unsigned c = 0; c < MAP_CELLS; c++)
        d = step(step(d, b->top[c]), map_load_u64(map_key_slot(t, b, c)));
      d = step(d, 0x77);
    }
  }
  return d;
}

/* Every tophash byte and raw key word, stale ones included. */
static uint64_t raw_digest(const struct map_type *t, struct map *m) {
  uint64_t d = array_digest(t, m->buckets, (uint64_t)1 << m->B, 14695981039346656037ULL);
  return m->old_buckets == NULL ? d : array_digest(t, m->old_buckets, map_old_count(m), d);
}

/* After operation i; -1: any. */
struct state {
  uint64_t i;
  int count;
  unsigned B, noverflow;
  int nevacuate, flags;
  uint64_t digest;
};

static void check_state(const struct map_type *t, struct map *m, const struct state *s) {
  unsigned long long i = s->i;
  CHECK(s->count < 0 || m->count == s->count, "i %llu: count %lld", i, (long long)m->count);
  CHECK(m->B == s->B, "i %llu: B %u", i, m->B);
  CHECK(m->noverflow == s->noverflow, "i %llu: noverflow %u", i, m->noverflow);
  CHECK(s->nevacuate < 0 || m->nevacuate == (uint64_t)s->nevacuate, "i %llu", i);
  CHECK(s->flags < 0 || map_flags(m) == s->flags, "i %llu: flags %u", i, map_flags(m));
  uint64_t digest = raw_digest(t, m);
  CHECK(digest == s->digest, "i %llu: digest %llx", i, (unsigned long long)digest);
}

static uint64_t lcg(uint64_t x) { return x * 6364136223846793005ULL + 1442695040888963407ULL; }

/* F1.13, first script: growth, churn, same-size growth over 300 000 operations. */
static void golden_script(struct go_g *g, void *arg, void *heap_arg) {
  static const struct state rows[] = {
      {19999, 3688, 10, 19, -1, -1, 0xcba4945ddad9ddc8},
      {139999, 6694, 11, 101, -1, -1, 0x49ee8a0b83eb9dfb},
      {219999, 6462, 11, 232, -1, -1, 0xa1deab02f87a4fc3},
      {299999, 3005, 11, 303, -1, -1, 0x05fe76e8d901fbef},
  };
  (void)arg, (void)heap_arg;
  const struct map_type *t = ints();
  GC_ROOTS(go_mu(g), roots, 1);
  struct map *m = roots[0] = test_ints(g, t, SEED);
  unsigned row = 0;
  uint64_t x = 1;
  for (uint64_t i = 0; i < 300000; i++) {
    x = lcg(x);
    uint64_t r = x >> 33, key;
    bool odd = i / 50000 % 2 != 0;
    key = (r >> 2) % (odd ? 1000000000 : 5000);
    if ((r & 3) != 3 && !(odd && (r & 1) != 0))
      test_put(g, t, m, key, i);
    else if (m->count > 1)
      test_remove(g, t, m, key);
    if (odd && m->count > 3000 && test_first_key(t, m, r & map_mask(m->B), &key))
      test_remove(g, t, m, key);
    if (row < sizeof rows / sizeof rows[0] && i == rows[row].i)
      check_state(t, m, &rows[row++]);
  }
  CHECK(row == sizeof rows / sizeof rows[0], "row %zu", (size_t)row);
  GC_ROOTS_END(go_mu(g), roots);
}

/* F1.13, second script: same-size growths of a table of eight buckets. */
static void golden_same_size(struct go_g *g, void *arg, void *heap_arg) {
  static const struct state rows[] = {
      {640, 52, 3, 0, 2, 8, 0xf8e26baf70ee0bcb},  {641, -1, 3, 3, 4, 8, 0x1fc8487a122019c7},
      {642, -1, 3, 5, 6, 8, 0xd8a50dd50b041aa1},  {643, -1, 3, 5, 8, 0, 0x655866db6c7a4f18},
      {399999, -1, 3, 7, -1, -1, 0x44065a871a640c34},
  };
  (void)arg, (void)heap_arg;
  const struct map_type *t = ints();
  GC_ROOTS(go_mu(g), roots, 1);
  struct map *m = roots[0] = test_ints(g, t, 0x9abcdef1);
  uint64_t next = 0, x = 7, key;
  unsigned row = 0;
  for (; next < 50; next++)
    test_put(g, t, m, next, next);
  for (uint64_t i = 0; i < 400000; i++) {
    x = lcg(x);
    if (m->count > 40 && test_first_key(t, m, (x >> 33) & map_mask(m->B), &key))
      test_remove(g, t, m, key);
    if (m->count < 52) {
      test_put(g, t, m, next, next);
      next++;
    }
    if (row < sizeof rows / sizeof rows[0] && i == rows[row].i)
      check_state(t, m, &rows[row++]);
  }
  CHECK(row == sizeof rows / sizeof rows[0], "row %zu", (size_t)row);
  GC_ROOTS_END(go_mu(g), roots);
}

/* ---- iterating ------------------------------------------------------------------------------ */

enum { ORDER_MAX = 27 };

static unsigned walk(struct go_g *g, const struct map_type *t, struct map *m, bool mutate,
                     uint64_t *order) {
  struct map_iter it;
  unsigned n = 0;
  go_mu(g)->p->fastrand = 0xfeedface;
  for (map_iter_begin(g, t, m, &it); it.key != NULL; map_iter_next(g, &it)) {
    CHECK(n < ORDER_MAX, "%d entries", ORDER_MAX);
    order[n] = map_load_u64(it.key);
    if (mutate && n < 5)
      test_put(g, t, m, 1000 + n, 0);
    if (mutate && n == 7) {
      test_remove(g, t, m, 3);
      test_remove(g, t, m, 4);
    }
    n++;
  }
  map_iter_end(g, &it);
  return n;
}

/* F1.8.9 */
static void orders(struct go_g *g, void *arg, void *heap_arg) {
  static const struct { unsigned keys, visits; bool mutate; uint64_t order[ORDER_MAX]; } rows[] = {
      {5, 5, false, {0, 1, 2, 3, 4}},
      {13, 13, false, {12, 1, 2, 3, 8, 7, 9, 10, 11, 0, 4, 5, 6}},
      {20, 20, false, {13, 16, 11, 1, 2, 3, 8, 12, 18, 10, 14, 0, 4, 5, 6, 7, 9, 15, 17, 19}},
      {27, 27, false, {13, 24, 26, 11, 21, 18, 2, 7, 10, 0, 4, 5, 25, 15, 16, 20, 8, 12, 22,
                       1, 3, 6, 9, 14, 23, 17, 19}},
      {26, 24, true, {13, 16, 24, 11, 20, 21, 22, 1, 2, 8, 12, 18, 10, 14, 0, 5, 6, 7, 9,
                      15, 17, 19, 23, 25}},
  };
  (void)arg, (void)heap_arg;
  const struct map_type *t = ints();
  GC_ROOTS(go_mu(g), roots, 1);
  for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    uint64_t order[ORDER_MAX];
    struct map *m = roots[0] = test_ints(g, t, SEED);
    for (uint64_t key = 0; key < rows[i].keys; key++)
      test_put(g, t, m, key, key);
    unsigned n = walk(g, t, m, rows[i].mutate, order);
    CHECK(n == rows[i].visits, "row %u: %u visits", i, n);
    for (unsigned k = 0; k < n; k++)
      CHECK(order[k] == rows[i].order[k], "row %u, visit %u: %llu", i, k,
            (unsigned long long)order[k]);
  }
  GC_ROOTS_END(go_mu(g), roots);
}

#define RUN(name) \
  static void test_##name(void **state) { (void)state, test_run(name, NULL); }
RUN(hints)
RUN(spares)
RUN(one_draw)
RUN(layouts)
RUN(pointer_maps)
RUN(growth_trace)
RUN(golden_script)
RUN(golden_same_size)
RUN(orders)
RUN(interfaces)

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_hints),         cmocka_unit_test(test_spares),
      cmocka_unit_test(test_one_draw),      cmocka_unit_test(test_layouts),
      cmocka_unit_test(test_pointer_maps),  cmocka_unit_test(test_growth_trace),
      cmocka_unit_test(test_golden_script), cmocka_unit_test(test_golden_same_size),
      cmocka_unit_test(test_orders),        cmocka_unit_test(test_interfaces),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
