/* syncmap, java8 and swiss: against a reference for every sort of key and element, with iterations
 * whose visitor changes the map. */
#include "maps/kind_designs.h"
#include "shadow.h"
#include "wrong.h"

#include <stdlib.h>

static const struct shadow_shape shapes[] = {
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

struct world {
  struct shadow s;
  const struct map_kind *kind;
  uint32_t changes; /* of the visitor at each entry */
  bool cleared;     /* while the iteration ran */
};

static void *map_of(struct world *w) { return w->s.roots[SHADOW_MAP]; }

/* ---- operations ----------------------------------------------------------------------------- */

static void put(struct world *w, uint32_t index) {
  union shadow_key k;
  uint8_t bytes[SHADOW_VALUE_BYTES_MAX];
  shadow_key(&w->s, index, &k);
  const void *elem = shadow_value(&w->s, bytes);
  w->kind->put(w->s.g, w->s.t, map_of(w), &k, elem);
  shadow_put(&w->s, index);
}

static void delete(struct world *w, uint32_t index) {
  union shadow_key k;
  shadow_key(&w->s, index, &k);
  bool was_there = w->kind->remove(w->s.g, w->s.t, map_of(w), &k);
  CHECK(was_there == (w->s.stamps[index] != 0), SHADOW_WHO(&w->s, index));
  shadow_forget(&w->s, index);
}

static void get(struct world *w, uint32_t index) {
  union shadow_key k;
  uint8_t bytes[SHADOW_VALUE_BYTES_MAX];
  shadow_key(&w->s, index, &k);
  bool is_pointer = w->s.shape->elem == MAP_ELEM_POINTER;
  void *out = is_pointer ? (void *)&w->s.roots[SHADOW_VALUE] : bytes;
  bool found = w->kind->get(w->s.g, w->s.t, map_of(w), &k, out);
  CHECK(found == (w->s.stamps[index] != 0), SHADOW_WHO(&w->s, index));
  if (found) shadow_check(&w->s, index, out);
}

static void clear(struct world *w) {
  w->kind->clear(w->s.g, w->s.t, map_of(w));
  w->cleared = true;
  shadow_clear(&w->s);
}

static void random_step(struct world *w, uint32_t bias) {
  uint32_t index = shadow_below(&w->s, w->s.indices), what = shadow_below(&w->s, 4000);
  w->s.steps++;
  if (what == 0)
    clear(w);
  else if (what < 1000)
    get(w, index);
  else if (shadow_below(&w->s, 100) < bias)
    put(w, index);
  else
    delete(w, index);
}

static void check_structure(struct world *w) {
  const char *why;
  CHECK(w->kind->check(w->s.g, w->s.t, map_of(w), &why), "%s, %s, step %llu: %s", w->kind->name,
        w->s.shape->name, (unsigned long long)w->s.steps, why);
  CHECK_U64(w->kind->count(w->s.g, map_of(w)), w->s.count);
}

/* ---- iterating ------------------------------------------------------------------------------ */

static bool visit(struct go_g *g, const void *key, void *elem, void *arg) {
  struct world *w = arg;
  struct shadow *s = &w->s;
  uint32_t index = shadow_index(s, key);
  (void)g;
  /* sync.Map's goes on with what it began with. */
  bool in_read_map = w->kind == &map_kind_syncmap && w->cleared;
  if (in_read_map && index < s->indices && s->stamps[index] == 0) return true;
  shadow_visit(s, index);
  if (!in_read_map) shadow_check(s, index, elem);
  for (uint32_t n = w->changes == 0 ? 0 : shadow_below(s, w->changes + 1); n > 0; n--)
    random_step(w, 60);
  return true;
}

static void iterate(struct world *w, uint32_t changes) {
  w->changes = changes;
  w->cleared = false;
  shadow_iterate_begin(&w->s);
  w->kind->each(w->s.g, w->s.t, map_of(w), visit, w);
  shadow_iterate_end(&w->s);
}

/* ---- runs ----------------------------------------------------------------------------------- */

static void world_init(struct world *w, struct go_g *g, const struct map_kind *kind,
                       const struct shadow_shape *shape, void **roots) {
  w->s.roots = roots;
  shadow_init(&w->s, g, kind->name, shape, 4711);
  w->s.t = map_type_new(shape->key, shape->key_bytes, shape->elem, shape->elem_bytes,
                        TEST_HASH_KEY);
  w->kind = kind;
}

static void map_make(struct world *w, int64_t hint) {
  struct map_params params = {.hint = hint};
  w->s.roots[SHADOW_MAP] = w->kind->create(w->s.g, w->s.t, &params);
}

/* Phases of growing, churning and shrinking, with iterations between and meanwhile. */
static void run_world(struct world *w, uint64_t steps) {
  static const uint32_t biases[] = {95, 50, 50, 10, 60, 0, 100};
  map_make(w, shadow_below(&w->s, 2) == 0 ? 0 : shadow_below(&w->s, 3000));
  while (w->s.steps < steps) {
    uint32_t bias = biases[shadow_below(&w->s, sizeof biases / sizeof biases[0])];
    uint32_t burst = 1 + shadow_below(&w->s, 2 * w->s.indices);
    for (uint32_t i = 0; i < burst; i++)
      random_step(w, bias);
    check_structure(w);
    iterate(w, shadow_below(&w->s, 3));
    check_structure(w);
  }
}

static void all_shapes(struct go_g *g, void *arg, void *heap_arg) {
  const struct map_kind *kind = arg;
  (void)heap_arg;
  struct world *w = malloc(sizeof *w);
  GC_ROOTS(go_mu(g), roots, SHADOW_ROOTS);
  for (uint32_t i = 0; i < SHAPES; i++) {
    for (uint32_t size = 12; size <= 3000; size *= 15) {
      world_init(w, g, kind, &shapes[i], roots);
      w->s.draws += i * 10 + size;
      w->s.indices = size;
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

/* The shadow must tell the wrong from the right. */
static void test_wrong(void **state) {
  (void)state;
  for (const struct wrong *w = wrong_ways; w->name != NULL; w++) {
    for (size_t i = 0; i < 3; i++) {
      struct map_kind kind = wrong_make(w, designs[i]);
      if (w->base == NULL || strcmp(w->base, designs[i]->name) == 0)
        test_fails(1, all_shapes, &kind, w->name);
    }
  }
}

/* Large: the directory of the swiss table, many doublings, promotions of thousands of keys. */
static void large(struct go_g *g, void *arg, void *heap_arg) {
  (void)heap_arg;
  struct map_kind_stats s;
  struct world *w = malloc(sizeof *w);
  GC_ROOTS(go_mu(g), roots, SHADOW_ROOTS);
  world_init(w, g, arg, &shapes[0], roots);
  w->s.indices = SHADOW_KEYS_MAX;
  map_make(w, 0);
  for (uint32_t i = 0; i < SHADOW_KEYS_MAX; i++) {
    put(w, i);
    if (i % 1000 == 500)
      iterate(w, 0);
  }
  check_structure(w);
  iterate(w, 1);
  for (uint32_t i = 0; i < SHADOW_KEYS_MAX; i++)
    get(w, i);
  check_structure(w);
  w->kind->stats(g, w->s.t, map_of(w), &s);
  CHECK_U64(s.s.count, w->s.count);
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
      cmocka_unit_test(test_wrong),
      cmocka_unit_test(test_large),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
