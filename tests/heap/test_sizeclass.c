/* The published size classes (Go 1.19), and division of offsets by slot sizes. */
#include "fake.h"

/* First class sizes, the ones where the rule of pages per span changes, and the last. */
struct row {
  uint32_t class, bytes, npages, nelems, div_magic;
};
static const struct row rows[] = {
    {1, 8, 1, 1024, 536870912}, {2, 16, 1, 512, 268435456}, {3, 24, 1, 341, 178956971},
    {5, 48, 1, 170, 89478486},  {18, 256, 1, 32, 16777216}, {32, 1024, 1, 8, 4194304},
    {35, 1408, 2, 11, 3050403}, {40, 2688, 1, 3, 1597831},  {50, 6912, 6, 7, 0},
    {52, 9472, 7, 6, 0},        {60, 18432, 9, 4, 0},       {65, 27264, 10, 3, 0},
    {67, 32768, 4, 1, 131072},
};

static void test_rows(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    const struct gc_size_class *c = &gc_size_classes[rows[i].class];
    assert_int_equal(c->bytes, rows[i].bytes);
    assert_int_equal(c->npages, rows[i].npages);
    assert_int_equal(c->nelems, rows[i].nelems);
    if (rows[i].div_magic != 0) assert_int_equal(c->div_magic, rows[i].div_magic);
  }
}

/* What makes the table Go's: 67 ascending classes, multiples of 8, the span so small that at most
 * an eighth of it is tail waste. */
static void test_shape(void **state) {
  (void)state;
  for (uint32_t k = 1; k < GC_SIZE_CLASSES; k++) {
    const struct gc_size_class *c = &gc_size_classes[k];
    uint32_t span = c->npages * GC_PAGE_BYTES;
    assert_true(c->bytes > gc_size_classes[k - 1].bytes && c->bytes % 8 == 0);
    assert_int_equal(c->nelems, span / c->bytes);
    assert_true((span - c->nelems * c->bytes) * 8 <= span);
    assert_int_equal(c->div_magic, (UINT32_MAX / c->bytes) + 1);
  }
  assert_int_equal(gc_size_classes[GC_SIZE_CLASSES - 1].bytes, GC_SMALL_MAX_BYTES);
}

/* Every size 1..32768 gets the smallest class that holds it. */
static void test_class_of(void **state) {
  (void)state;
  uint32_t want = 1;
  assert_int_equal(gc_size_class_of(0), 0);
  for (uint32_t bytes = 1; bytes <= GC_SMALL_MAX_BYTES; bytes++) {
    while (gc_size_classes[want].bytes < bytes) want++;
    assert_int_equal(gc_size_class_of(bytes), want);
  }
}

/* Every byte offset of every span, the tail included, divides exactly. */
static void test_div_magic(void **state) {
  (void)state;
  for (uint32_t k = 1; k < GC_SIZE_CLASSES; k++) {
    const struct gc_size_class *c = &gc_size_classes[k];
    for (uint64_t offset = 0; offset < (uint64_t)c->npages * GC_PAGE_BYTES; offset++) {
      uint64_t got = offset * c->div_magic >> 32;
      if (got != offset / c->bytes) assert_u64(got, offset / c->bytes);
    }
  }
}

static void test_round_up(void **state) {
  (void)state;
  assert_u64(gc_round_up_bytes(0), 0);
  assert_u64(gc_round_up_bytes(1), 8);
  assert_u64(gc_round_up_bytes(1017), 1024);
  assert_u64(gc_round_up_bytes(1025), 1152);
  assert_u64(gc_round_up_bytes(32768), 32768);
  assert_u64(gc_round_up_bytes(32769), 40960);
  assert_u64(gc_round_up_bytes(1000000), 1007616);
  assert_u64(gc_round_up_bytes(UINT64_MAX - 5), UINT64_MAX - 5); /* no room to round up */
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_rows),     cmocka_unit_test(test_shape),
      cmocka_unit_test(test_class_of), cmocka_unit_test(test_div_magic),
      cmocka_unit_test(test_round_up),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
