/* gc_cycle_format against lines and numbers that Go 1.19 prints (F7.1 to F7.6). */
#include <string.h>

#include "gc/gctrace.h"
#include "tests/support/test.h"

static void test_ms(void **state) {
  (void)state;
  static const struct {
    uint64_t ns;
    const char *text;
  } rows[] = {
      {0, "0"},          {999, "0"},         {1000, "0.001"},    {1234, "0.001"},
      {12345, "0.012"},  {99999, "0.099"},   {100000, "0.10"},   {123456, "0.12"},
      {999999, "0.99"},  {1000000, "1.0"},   {1234567, "1.2"},   {9999999, "9.9"},
      {10000000, "10"},  {10999999, "10"},   {123456789, "123"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    char text[GC_TRACE_MS_MAX];
    gc_trace_format_ms(rows[i].ns, text);
    assert_string_equal(text, rows[i].text);
  }
}

/* The cycle of a line that Go printed: the phases add up to 0.031+0.30+0.024 ms on two Ps. */
static struct gc_cycle sample(void) {
  return (struct gc_cycle){
      .number = 1,
      .procs = 2,
      .stop_procs = 2,
      .since_init_ns = 999999,
      .start_ns = 5000000,
      .mark_ns = 5031000,
      .mark_term_ns = 5336000,
      .end_ns = 5360500,
      .assist_ns = 8100,
      .dedicated_ns = 50000,
      .fractional_ns = 4999,
      .idle_ns = 139000,
      .heap_start_bytes = 4 << 20,
      .heap_end_bytes = (5 << 20) - 1,
      .heap_marked_bytes = 1 << 20,
      .heap_goal_bytes = 4 << 20,
      .stack_bytes = (1 << 20) - 1,
      .globals_bytes = 200000,
      .cpu_fraction = 0.0999,
  };
}

static void test_line(void **state) {
  (void)state;
  struct gc_cycle c = sample();
  char line[GC_TRACE_LINE_MAX];
  gc_cycle_format(&c, line, sizeof line);
  assert_string_equal(line,
                      "gc 1 @0.000s 9%: 0.031+0.30+0.024 ms clock, "
                      "0.062+0.008/0.054/0.13+0.049 ms cpu, 4->4->1 MB, 4 MB goal, 0 MB stacks, "
                      "0 MB globals, 2 P");
  c.forced = true;
  c.number = 1234;
  c.since_init_ns = UINT64_C(61002999999);
  c.stop_procs = 1;
  c.stack_bytes = UINT64_C(3) << 20;
  gc_cycle_format(&c, line, sizeof line);
  assert_string_equal(line,
                      "gc 1234 @61.002s 9%: 0.031+0.30+0.024 ms clock, "
                      "0.031+0.008/0.054/0.13+0.024 ms cpu, 4->4->1 MB, 4 MB goal, 3 MB stacks, "
                      "0 MB globals, 2 P (forced)");
}

static void test_cut_off(void **state) {
  (void)state;
  struct gc_cycle c = sample();
  char line[8];
  memset(line, 'x', sizeof line);
  gc_cycle_format(&c, line, 5);
  assert_memory_equal(line, "gc 1\0xxx", 8);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_ms),
      cmocka_unit_test(test_line),
      cmocka_unit_test(test_cut_off),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
