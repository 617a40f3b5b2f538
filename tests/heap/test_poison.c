/* Checking mode must notice writes to freed memory; and the ends of a run for want of memory.
 * Each death happens in a child process. */
#include <string.h>

#include "fake.h"

struct life {
  const struct gc_config *config;
  void (*body)(void);
};

static void live(void *arg) {
  const struct life *life = arg;
  fake_begin(life->config);
  life->body();
}

static struct test_death run_child(void (*body)(void), const struct gc_config *config) {
  struct life life = {config, body};
  return test_run_child(live, &life);
}

static struct gc_config checking(void) {
  struct gc_config c;
  gc_config_default(&c);
  c.check = true;
  return c;
}

/* Ten objects, of which the even ones survive a cycle. */
static char *ten_objects(struct gc_type *t) {
  char *base = gc_alloc(mu(), t);
  for (int i = 1; i < 10; i++) gc_alloc(mu(), t);
  fake_cycle_begin();
  for (int i = 0; i < 10; i += 2) fake_mark(base + t->size * i);
  fake_cycle_end(0, true);
  fake_sweep_all();
  return base;
}

/* AddressSanitizer would report these writes itself, so they go around it. */
__attribute__((no_sanitize("address"))) static void poke(char *at, char value) {
  *at = value;
}
__attribute__((no_sanitize("address"))) static char peek(const char *at) {
  return *at;
}

static void write_freed_slot(void) {
  struct gc_type *t = fake_type(64, 1);
  char *base = ten_objects(t);
  poke(base + 3 * 64 + 16, 1);
  gc_alloc(mu(), t);
}

static void write_never_used_slot(void) {
  struct gc_type *t = fake_type(64, 1);
  char *base = gc_alloc(mu(), t);
  poke(base + 100 * 64, 1); /* in a group not loaded yet */
  for (int i = 1; i < 128; i++) gc_alloc(mu(), t);
}

static void write_freed_page(void) {
  struct gc_type *t = fake_type(64, 1);
  char *base = gc_alloc(mu(), t);
  fake_cycle_begin();
  fake_cycle_end(0, true);
  fake_sweep_all();
  poke(base + 5000, 1);
  gc_alloc(mu(), fake_type(512, 1));
}

/* The write is found although another sweep comes before the slot is handed out. */
static void write_then_sweep(void) {
  struct gc_type *t = fake_type(64, 1);
  char *base = ten_objects(t);
  poke(base + 3 * 64, 1);
  fake_cycle_begin();
  fake_mark(base);
  fake_cycle_end(0, true);
  fake_sweep_all();
  gc_alloc(mu(), t);
}

/* ... or the span is given back. */
static void write_then_free_span(void) {
  struct gc_type *t = fake_type(64, 1);
  char *base = ten_objects(t);
  poke(base + 3 * 64, 1);
  fake_cycle_begin();
  fake_cycle_end(0, true);
  fake_sweep_all();
}

static void write_freed_large(void) {
  char *a = gc_alloc_bytes(mu(), 100000);
  fake_cycle_begin();
  fake_cycle_end(0, true);
  fake_sweep_all();
  poke(a + 99999, 1);
  gc_alloc_bytes(mu(), 100000);
}

static void mark_free_slot(void) {
  struct gc_type *t = fake_type(64, 1);
  char *base = ten_objects(t);
  gc_cache_flush(&fake.p[0]);
  fake_cycle_begin();
  fake_mark(base + 3 * 64);
  fake_cycle_end(0, true);
  fake_sweep_all();
}

static void expect_violation(void (*body)(void), const char *text) {
  struct gc_config config = checking();
  struct test_death death = run_child(body, &config);
  if (strstr(death.message, text) == NULL) print_message("message: %s\n", death.message);
  assert_int_equal(death.kind, RT_END_VIOLATION);
  assert_non_null(strstr(death.message, text));
}

static void test_detects(void **state) {
  (void)state;
  expect_violation(write_freed_slot, "word 2 of a free slot (slots of 64 bytes)");
  expect_violation(write_never_used_slot, "word 0 of a free slot");
  expect_violation(write_freed_page, "of a free page");
  expect_violation(write_then_sweep, "word 0 of a free slot");
  expect_violation(write_then_free_span, "word 0 of a free slot");
  expect_violation(write_freed_large, "of a free page");
  expect_violation(mark_free_slot, "found pointer to free object: slot 3");
}

/* Ordinary life in checking mode: no false alarm, and memory is clear when handed out. */
static void test_no_false_alarm(void **state) {
  (void)state;
  struct gc_config config = checking();
  fake_begin(&config);
  struct gc_type *t = fake_type(64, 1);
  for (int round = 0; round < 20; round++) {
    for (int i = 0; i < 300; i++) {
      char *p = gc_alloc(mu(), t);
      for (int k = 0; k < 64; k++) assert_int_equal(p[k], 0);
      memset(p, 0x11, 64);
      if (i % 50 == 0) gc_cache_flush(&fake.p[0]);
      if (i % 100 == 0) gc_alloc_bytes(mu(), 50000);
    }
    fake_cycle_begin();
    char *keep = gc_alloc(mu(), t);
    fake_mark(keep);
    fake_cycle_end(0, true);
    fake_sweep_all();
    assert_int_equal(peek(keep), 0);
  }
  fake_end();
}

static void test_poisons(void **state) {
  (void)state;
  struct gc_config config = checking();
  fake_begin(&config);
  struct gc_type *t = fake_type(64, 1);
  char *base = ten_objects(t);
  memset(base + 128, 0x11, 64);
  assert_int_equal((unsigned char)peek(base + 64), 0xfd);
  assert_int_equal((unsigned char)peek(base + 127), 0xfd);
  assert_int_equal((unsigned char)peek(base + 128), 0x11);
  fake_end();
}

/* ---- out of memory --------------------------------------------------------------------------- */

static void fill_small(void) {
  struct gc_type *t = fake_type(1024, 1);
  for (;;) gc_alloc(mu(), t);
}

static void one_large(void) {
  gc_alloc_bytes(mu(), 64 << 20);
}
static void overflowing(void) {
  gc_alloc_array(mu(), fake_type(1024, 1), UINT64_MAX / 512);
}
static void absurd(void) {
  gc_alloc_bytes(mu(), UINT64_MAX - 100);
}
static void larger_than_reserved(void) {
  gc_alloc_bytes(mu(), gc_heap.reserved_bytes + 1);
}
static void exactly_the_cap(void) {
  gc_alloc_bytes(mu(), 3 << 20);
  gc_alloc_bytes(mu(), 3 << 20);
}

static void test_cap(void **state) {
  (void)state;
  struct gc_config config;
  gc_config_default(&config);
  config.memory_cap_bytes = 6 << 20; /* not a multiple of the 4 MiB step */
  struct test_death death = run_child(fill_small, &config);
  assert_int_equal(death.kind, RT_END_CAP);
  assert_string_equal(death.message,
                      "memory cap reached: 1024 bytes asked, 6291456 committed, cap 6291456");
  death = run_child(one_large, &config);
  assert_int_equal(death.kind, RT_END_CAP);
  assert_non_null(strstr(death.message, "67108864 bytes asked"));
  assert_true(run_child(exactly_the_cap, &config).exited);
}

static void test_no_memory(void **state) {
  (void)state;
  struct test_death death = run_child(overflowing, NULL);
  assert_int_equal(death.kind, RT_END_NOMEM);
  death = run_child(absurd, NULL);
  assert_int_equal(death.kind, RT_END_NOMEM);
  assert_non_null(strstr(death.message, "18446744073709551515 bytes asked"));
  death = run_child(larger_than_reserved, NULL);
  assert_int_equal(death.kind, RT_END_NOMEM);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_detects),   cmocka_unit_test(test_no_false_alarm),
      cmocka_unit_test(test_poisons),   cmocka_unit_test(test_cap),
      cmocka_unit_test(test_no_memory),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
