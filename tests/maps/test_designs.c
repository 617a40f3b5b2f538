/* syncmap, java8 and swiss: against a reference for every sort of key and element, with iterations
 * whose visitor changes the map. */
#include "maps/kind_designs.h"
#include "support.h"

#include <stdlib.h>

enum { KEY_BYTES_MAX = 300, VALUE_BYTES_MAX = 300, INDICES_MAX = 8192 };
enum { ROOT_MAP, ROOT_VALUE, ROOT_KEY, ROOTS };

struct shape {
  const char *name;
  enum map_kind_of_key key;
  uint32_t key_bytes;
  enum map_kind_of_elem elem;
  uint32_t elem_bytes;
};

static const struct shape shapes[] = {
    {"u64 -> 8", MAP_KEY_U64, 0, MAP_ELEM_BYTES, 8},
    {"u64 -> 5", MAP_KEY_U64, 0, MAP_ELEM_BYTES, 5},
    {"u32 -> 300", MAP_KEY_U32, 0, MAP_ELEM_BYTES, 300},
    {"u32 -> pointer", MAP_KEY_U32, 0, MAP_ELEM_POINTER, 0},
    {"f64 -> 128", MAP_KEY_F64, 0, MAP_ELEM_BYTES, 128},
    {"string -> 8", MAP_KEY_STRING, 0, MAP_ELEM_BYTES, 8},
    {"string -> pointer", MAP_KEY_STRING, 0, MAP_ELEM_POINTER, 0},
    {"13 bytes -> pointer", MAP_KEY_BYTES, 13, MAP_ELEM_POINTER, 0},
    {"6 bytes -> 4", MAP_KEY_BYTES, 6, MAP_ELEM_BYTES, 4},
    {"300 bytes -> pointer", MAP_KEY_BYTES, 300, MAP_ELEM_POINTER, 0},
    {"129 bytes -> 129", MAP_KEY_BYTES, 129, MAP_ELEM_BYTES, 129},
};
enum { SHAPES = sizeof shapes / sizeof shapes[0] };

static const struct map_kind *const designs[] = {&map_kind_syncmap, &map_kind_java8,
                                                 &map_kind_swiss};

/* What an iteration under way knows of one key. */
enum seen { SEEN_MUST, SEEN_MAY, SEEN_NEVER, SEEN_DONE };

struct world {
  struct go_g *g;
  const struct map_kind *kind;
  const struct shape *shape;
  const struct map_type *t;
  void **roots;
  uint64_t draws, stamp, count, steps;
  uint32_t indices, changes;    /* keys 0..indices-1; changes of the visitor at each entry */
  bool cleared;                 /* while the iteration ran */
  uint64_t stamps[INDICES_MAX]; /* value written last; 0: the key is absent */
  uint8_t seen[INDICES_MAX];
};

union key {
  uint64_t word;
  double f64;
  struct map_string string;
  uint8_t bytes[KEY_BYTES_MAX];
};

static PLAT_STATE struct gc_type value_type = {.name = "test.value", .size = 16};

static void *map_of(struct world *w) { return w->roots[ROOT_MAP]; }
static uint32_t below(struct world *w, uint32_t n) { return rng_fastrandn(&w->draws, n); }

#define WHO(w, i) "%s, %s, key %u, step %llu", (w)->kind->name, (w)->shape->name, (unsigned)(i), \
                  (unsigned long long)(w)->steps

/* ---- keys and values ------------------------------------------------------------------------ */

static void make_key(struct world *w, uint32_t index, union key *k) {
  memset(k, 0, sizeof *k);
  switch (w->shape->key) {
    case MAP_KEY_U64:
      k->word = index | (uint64_t)(index * 2654435761U) << 32;
      return;
    case MAP_KEY_U32:
      k->word = index;
      return;
    case MAP_KEY_F64:
      k->f64 = index == 0 && below(w, 2) == 0 ? -0.0 : index * 0.5;
      return;
    case MAP_KEY_BYTES:
      memset(k->bytes, 0x5a, w->t->key_bytes);
      memcpy(k->bytes, &index, sizeof index);
      return;
    case MAP_KEY_STRING: {
      int64_t len = 4 + index % 37;
      uint8_t *text = w->roots[ROOT_KEY] = gc_alloc_bytes(go_mu(w->g), (uint64_t)len);
      memset(text, 'x', (size_t)len);
      memcpy(text, &index, sizeof index);
      k->string = (struct map_string){text, len};
      return;
    }
    case MAP_KEY_ANY: /* no scenario has them: sync.Map makes them of the others */
      break;
  }
  CHECK(false, "key kind %d", (int)w->shape->key);
}

static uint32_t index_of(const struct world *w, const void *key) {
  double d;
  if (w->shape->key == MAP_KEY_STRING)
    return map_load_u32(((const struct map_string *)key)->data);
  if (w->shape->key != MAP_KEY_F64)
    return map_load_u32(key);
  memcpy(&d, key, sizeof d);
  return (uint32_t)(d * 2);
}

static uint8_t pattern(uint64_t stamp, uint32_t i) {
  return (uint8_t)((stamp >> i % 4 * 8) ^ i);
}

static void check_value(struct world *w, uint32_t index, const void *elem) {
  uint64_t stamp = w->stamps[index];
  if (w->shape->elem == MAP_ELEM_POINTER) {
    const void *value;
    memcpy(&value, elem, sizeof value);
    CHECK(map_load_u64(value) == stamp, WHO(w, index));
    return;
  }
  for (uint32_t i = 0; i < w->shape->elem_bytes; i++)
    CHECK(((const uint8_t *)elem)[i] == pattern(stamp, i), WHO(w, index));
}

/* ---- operations ----------------------------------------------------------------------------- */

static void put(struct world *w, uint32_t index) {
  union key k;
  uint8_t bytes[VALUE_BYTES_MAX];
  make_key(w, index, &k);
  w->stamp++;
  for (uint32_t i = 0; i < VALUE_BYTES_MAX; i++)
    bytes[i] = pattern(w->stamp, i);
  void *elem = bytes;
  if (w->shape->elem == MAP_ELEM_POINTER) {
    elem = &w->roots[ROOT_VALUE];
    w->roots[ROOT_VALUE] = gc_alloc(go_mu(w->g), &value_type);
    memcpy(w->roots[ROOT_VALUE], &w->stamp, sizeof w->stamp);
  }
  w->kind->put(w->g, w->t, map_of(w), &k, elem);
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
  CHECK(w->kind->remove(w->g, w->t, map_of(w), &k) == (w->stamps[index] != 0), WHO(w, index));
  forget(w, index);
}

static void get(struct world *w, uint32_t index) {
  union key k;
  uint8_t bytes[VALUE_BYTES_MAX];
  make_key(w, index, &k);
  void *out = w->shape->elem == MAP_ELEM_POINTER ? (void *)&w->roots[ROOT_VALUE] : bytes;
  bool found = w->kind->get(w->g, w->t, map_of(w), &k, out);
  CHECK(found == (w->stamps[index] != 0), WHO(w, index));
  if (found)
    check_value(w, index, out);
}

static void clear(struct world *w) {
  w->kind->clear(w->g, w->t, map_of(w));
  w->cleared = true;
  for (uint32_t i = 0; i < w->indices; i++)
    forget(w, i);
}

static void random_step(struct world *w, uint32_t bias) {
  uint32_t index = below(w, w->indices), what = below(w, 4000);
  w->steps++;
  if (what == 0)
    clear(w);
  else if (what < 1000)
    get(w, index);
  else if (below(w, 100) < bias)
    put(w, index);
  else
    delete(w, index);
}

static void check_structure(struct world *w) {
  const char *why;
  CHECK(w->kind->check(w->g, w->t, map_of(w), &why), "%s, %s, step %llu: %s", w->kind->name,
        w->shape->name, (unsigned long long)w->steps, why);
  CHECK_U64(w->kind->count(w->g, map_of(w)), w->count);
}

/* ---- iterating ------------------------------------------------------------------------------ */

static bool visit(struct go_g *g, const void *key, void *elem, void *arg) {
  struct world *w = arg;
  uint32_t index = index_of(w, key);
  (void)g;
  /* sync.Map's goes on with what it began with. */
  bool in_read_map = w->kind == &map_kind_syncmap && w->cleared;
  if (in_read_map && index < w->indices && w->stamps[index] == 0)
    return true;
  CHECK(index < w->indices && w->stamps[index] != 0, WHO(w, index));
  CHECK(w->seen[index] != SEEN_DONE, WHO(w, index));
  if (!in_read_map)
    check_value(w, index, elem);
  w->seen[index] = SEEN_DONE;
  for (uint32_t n = w->changes == 0 ? 0 : below(w, w->changes + 1); n > 0; n--)
    random_step(w, 60);
  return true;
}

static void iterate(struct world *w, uint32_t changes) {
  for (uint32_t i = 0; i < w->indices; i++)
    w->seen[i] = w->stamps[i] != 0 ? SEEN_MUST : SEEN_NEVER;
  w->changes = changes;
  w->cleared = false;
  w->kind->each(w->g, w->t, map_of(w), visit, w);
  for (uint32_t i = 0; i < w->indices; i++)
    CHECK(w->seen[i] != SEEN_MUST, WHO(w, i));
}

/* ---- runs ----------------------------------------------------------------------------------- */

static void world_init(struct world *w, struct go_g *g, const struct map_kind *kind,
                       const struct shape *shape, void **roots) {
  memset(w, 0, sizeof *w);
  gc_type_register(&value_type);
  w->g = g;
  w->kind = kind;
  w->shape = shape;
  w->roots = roots;
  w->draws = 4711;
  w->t = map_type_new(shape->key, shape->key_bytes, shape->elem, shape->elem_bytes, TEST_HASH_KEY);
}

static void map_make(struct world *w, int64_t hint) {
  struct map_params params = {.hint = hint};
  w->roots[ROOT_MAP] = w->kind->create(w->g, w->t, &params);
}

/* Phases of growing, churning and shrinking, with iterations between and meanwhile. */
static void run_world(struct world *w, uint64_t steps) {
  static const uint32_t biases[] = {95, 50, 50, 10, 60, 0, 100};
  map_make(w, below(w, 2) == 0 ? 0 : below(w, 3000));
  while (w->steps < steps) {
    uint32_t bias = biases[below(w, sizeof biases / sizeof biases[0])];
    uint32_t burst = 1 + below(w, 2 * w->indices);
    for (uint32_t i = 0; i < burst; i++)
      random_step(w, bias);
    check_structure(w);
    iterate(w, below(w, 3));
    check_structure(w);
  }
}

static void all_shapes(struct go_g *g, void *arg, void *heap_arg) {
  const struct map_kind *kind = arg;
  (void)heap_arg;
  struct world *w = malloc(sizeof *w);
  GC_ROOTS(go_mu(g), roots, ROOTS);
  for (uint32_t i = 0; i < SHAPES; i++) {
    for (uint32_t size = 12; size <= 3000; size *= 15) {
      world_init(w, g, kind, &shapes[i], roots);
      w->draws += i * 10 + size;
      w->indices = size;
      run_world(w, test_scaled(20 * size + 10000));
    }
  }
  GC_ROOTS_END(go_mu(g), roots);
  free(w);
}

static void test_property(void **state) {
  (void)state;
  for (size_t i = 0; i < 3; i++)
    test_run(all_shapes, (void *)(uintptr_t)designs[i]);
}

/* Large: the directory of the swiss table, many doublings, promotions of thousands of keys. */
static void large(struct go_g *g, void *arg, void *heap_arg) {
  (void)heap_arg;
  struct map_kind_stats s;
  struct world *w = malloc(sizeof *w);
  GC_ROOTS(go_mu(g), roots, ROOTS);
  world_init(w, g, arg, &shapes[0], roots);
  w->indices = INDICES_MAX;
  map_make(w, 0);
  for (uint32_t i = 0; i < INDICES_MAX; i++) {
    put(w, i);
    if (i % 1000 == 500)
      iterate(w, 0);
  }
  check_structure(w);
  iterate(w, 1);
  for (uint32_t i = 0; i < INDICES_MAX; i++)
    get(w, i);
  check_structure(w);
  w->kind->stats(g, w->t, map_of(w), &s);
  CHECK_U64(s.s.count, w->count);
  GC_ROOTS_END(go_mu(g), roots);
  free(w);
}

static void test_large(void **state) {
  (void)state;
  for (size_t i = 0; i < 3; i++)
    test_run(large, (void *)(uintptr_t)designs[i]);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_property),
      cmocka_unit_test(test_large),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
