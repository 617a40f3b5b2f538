/* Searches against counts that independent tools agree on. */
#include <stdio.h>
#include <string.h>

#include "support.h"

static void search_for_classes(enum litmus_program program, uint32_t variant, uint64_t classes) {
  struct xp_report r;
  struct xp_config c = test_config("dpor");
  test_prepare(program, variant);
  assert_true(xp_search(&c, &r));
  test_leave();
  xp_report_print(&r, stdout);
  assert_int_equal(r.runs, classes);
  assert_int_equal(r.failed, 0);
  assert_int_equal(r.classes.distinct[0], classes);
  assert_int_equal(r.why, XP_WHY_EXHAUSTED);
  xp_report_free(&r);
}

static void dpor_counts(void **state) {
  (void)state;
  search_for_classes(LITMUS_MARK_1, LITMUS_BARRIER_UNTIL_BLACK, 353);
  search_for_classes(LITMUS_MARK_1, LITMUS_BARRIER_BOTH, 515);
  search_for_classes(LITMUS_MARK_2, LITMUS_BARRIER_UNTIL_BLACK, 18087);
}

static void dpor_counts_long(void **state) {
  (void)state;
  search_for_classes(LITMUS_MARK_3, LITMUS_BARRIER_UNTIL_BLACK, 407139);
}

/* Schedules with at most 0, 1, 2, ... preemptions. */
static void count_by_preemptions(uint32_t most) {
  static const uint64_t expected[] = {6, 126, 1684, 17080, 132035, 829666};
  struct xp_report r;
  struct xp_config c = test_config("bound");
  c.preemptions = most;
  test_prepare(LITMUS_MARK_1, LITMUS_BARRIER_UNTIL_BLACK);
  assert_true(xp_search(&c, &r));
  test_leave();
  xp_report_print(&r, stdout);
  uint64_t sum = 0;
  for (uint32_t i = 0; i <= most; i++) {
    sum += r.share[0].claim.level_runs[i];
    assert_int_equal(sum, expected[i]);
  }
  assert_int_equal(r.runs, sum);
  assert_int_equal(r.failed, 0);
  assert_true(r.merged > sum / 4); /* runs are cut short, and what they stand for is counted */
  xp_report_free(&r);
}

static void bound_counts(void **state) {
  (void)state;
  count_by_preemptions(4);
}

static void bound_counts_long(void **state) {
  (void)state;
  count_by_preemptions(5);
}

/* With the word "long": the counts that take minutes. */
int main(int argc, char **argv) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(dpor_counts),
      cmocka_unit_test(bound_counts),
  };
  const struct CMUnitTest longer[] = {
      cmocka_unit_test(dpor_counts_long),
      cmocka_unit_test(bound_counts_long),
  };
  if (argc > 1 && strcmp(argv[1], "long") == 0)
    return cmocka_run_group_tests_name("explore-counts-long", longer, NULL, NULL);
  return cmocka_run_group_tests_name("explore-counts", tests, NULL, NULL);
}
