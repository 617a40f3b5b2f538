/* Concurrent use and nil maps, with Go's words; and what is allowed. */
#include "support.h"

/* One operation on a map of one type. */
struct misuse {
  enum map_kind_of_key key;
  uint32_t elem_bytes;
  enum { GET, ASSIGN, DELETE, CLEAR, ITERATE, NEXT } op;
  bool nil, empty;
};

static void operate(struct go_g *g, void *arg, void *heap_arg) {
  const struct misuse *c = arg;
  const struct map_type *t = map_type_new(c->key, 0, MAP_ELEM_BYTES, c->elem_bytes, TEST_HASH_KEY);
  union { uint64_t word; struct map_string string; } key = {.string = {"key", 3}};
  struct map_iter it;
  (void)heap_arg;
  GC_ROOTS(go_mu(g), roots, 1);
  struct map *m = roots[0] = c->nil ? NULL : map_new(g, t, 0);
  if (!c->nil && !c->empty)
    map_assign(g, t, m, &key);
  if (c->op == NEXT)
    map_iter_begin(g, t, m, &it);
  if (!c->nil) /* as if another goroutine were in the middle of a write */
    at_u8_store_relaxed(&m->flags, map_flags(m) | MAP_WRITING);
  switch (c->op) {
    case GET:
      map_get(g, t, m, &key);
      break;
    case ASSIGN:
      map_assign(g, t, m, &key);
      break;
    case DELETE:
      map_delete(g, t, m, &key);
      break;
    case CLEAR:
      map_clear(g, t, m);
      break;
    case ITERATE:
      map_iter_begin(g, t, m, &it);
      map_iter_end(g, &it);
      break;
    case NEXT:
      map_iter_next(g, &it);
      break;
  }
  GC_ROOTS_END(go_mu(g), roots);
}

static const struct { enum map_kind_of_key key; uint32_t elem_bytes; } paths[] = {
    {MAP_KEY_U64, 8}, {MAP_KEY_U32, 8}, {MAP_KEY_STRING, 8}, {MAP_KEY_U64, 200}};
enum { PATHS = sizeof paths / sizeof paths[0] };

static void each_path(int op, const char *message) {
  for (unsigned i = 0; i < PATHS; i++) {
    struct misuse c = {.key = paths[i].key, .elem_bytes = paths[i].elem_bytes};
    c.op = op;
    test_dies(operate, &c, message);
  }
}

static void test_two_writers(void **state) {
  (void)state;
  each_path(ASSIGN, "concurrent map writes");
  each_path(DELETE, "concurrent map writes");
  each_path(CLEAR, "concurrent map writes");
}

static void test_reader_and_writer(void **state) {
  (void)state;
  each_path(GET, "concurrent map read and map write");
}

static void test_iterator_and_writer(void **state) {
  (void)state;
  each_path(ITERATE, "concurrent map iteration and map write");
  each_path(NEXT, "concurrent map iteration and map write");
}

static void test_nil_assign(void **state) {
  (void)state;
  for (unsigned i = 0; i < PATHS; i++) {
    struct misuse c = {.key = paths[i].key, .elem_bytes = paths[i].elem_bytes, .nil = true};
    c.op = ASSIGN;
    test_dies(operate, &c, "assignment to entry in nil map");
  }
}

/* Reading, deleting from, clearing and iterating an empty or nil map looks at no flag (F1.4.1). */
static void test_nothing_to_see(void **state) {
  (void)state;
  static const int ops[] = {GET, DELETE, CLEAR, ITERATE};
  for (unsigned i = 0; i < PATHS * 4; i++) {
    struct misuse c = {.key = paths[i / 4].key, .elem_bytes = paths[i / 4].elem_bytes};
    c.op = ops[i % 4];
    c.empty = true;
    test_run(operate, &c);
    c.nil = true;
    test_run(operate, &c);
  }
}

/* A write that finds its own mark gone at the end: two racing writers both set it, so it is off. */
static void unmark(struct go_g *g, void *arg, void *heap_arg) {
  (void)arg, (void)heap_arg;
  const struct map_type *t = map_type_new(MAP_KEY_U64, 0, MAP_ELEM_BYTES, 8, TEST_HASH_KEY);
  GC_ROOTS(go_mu(g), roots, 1);
  struct map *m = roots[0] = map_new(g, t, 0);
  map_write_begin(m);
  map_write_begin(m);
  map_write_end(m);
  GC_ROOTS_END(go_mu(g), roots);
}

static void test_mark_gone(void **state) {
  (void)state;
  test_dies(unmark, NULL, "concurrent map writes");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_two_writers),         cmocka_unit_test(test_reader_and_writer),
      cmocka_unit_test(test_iterator_and_writer), cmocka_unit_test(test_nil_assign),
      cmocka_unit_test(test_nothing_to_see),      cmocka_unit_test(test_mark_gone),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
