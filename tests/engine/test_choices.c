/* sims/choices.c names exactly what the collector's registries hold. */
#include <stdio.h>

#include "gc/barrier.h"
#include "gc/collector.h"
#include "gc/pacer.h"
#include "maps/kind.h"
#include "sims/choices.h"
#include "tests/support/test.h"

static void test_barriers(void **state) {
  (void)state;
  for (const struct sim_choice *row = sim_barriers; row->name != NULL; row++) {
    const struct gc_barrier *barrier = gc_barrier_find(row->name);
    const struct sim_barrier_rule *rule = sim_barrier_rule_find(row->name);
    if (barrier == NULL) fail_msg("no barrier called %s", row->name);
    if (rule == NULL) fail_msg("no rule for barrier %s", row->name);
    assert_int_equal(rule->needs_stop, barrier->needs_stop);
  }
  for (const struct gc_barrier *row = gc_barriers; row->name != NULL; row++)
    if (sim_choice_find(sim_barriers, row->name) == NULL)
      fail_msg("scenarios cannot choose barrier %s", row->name);
}

static void test_gc_modes(void **state) {
  (void)state;
  assert_string_equal(sim_gc_modes[GC_MODE_CONCURRENT].name, "concurrent");
  assert_string_equal(sim_gc_modes[GC_MODE_STW].name, "stw");
  assert_null(sim_gc_modes[GC_MODE_STW + 1].name);
}

static void test_pacers(void **state) {
  (void)state;
  for (const struct sim_choice *row = sim_pacers; row->name != NULL; row++)
    if (gc_pacer_find(row->name) == NULL) fail_msg("no pacer called %s", row->name);
  for (const struct gc_pacer_ops *const *row = gc_pacers; *row != NULL; row++)
    if (sim_choice_find(sim_pacers, (*row)->name) == NULL)
      fail_msg("scenarios cannot choose pacer %s", (*row)->name);
}

static void test_map_kinds(void **state) {
  (void)state;
  for (const struct sim_choice *row = sim_map_kinds; row->name != NULL; row++) {
    const struct map_kind *kind = map_kind_find(row->name);
    const struct sim_map_rule *rule = sim_map_rule_find(row->name);
    if (kind == NULL) fail_msg("no kind of map called %s", row->name);
    if (rule == NULL) fail_msg("no rule for maps of kind %s", row->name);
    assert_string_equal(row->doc, kind->doc);
    assert_int_equal(rule->reads, kind->facts.concurrent_reads);
    assert_int_equal(rule->writes, kind->facts.concurrent_writes);
    assert_int_equal(rule->detects_misuse, kind->facts.detects_misuse);
  }
  for (const struct map_kind *const *row = map_kinds; *row != NULL; row++)
    if (sim_choice_find(sim_map_kinds, (*row)->name) == NULL)
      fail_msg("scenarios cannot choose maps of kind %s", (*row)->name);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_barriers),
    cmocka_unit_test(test_gc_modes),
    cmocka_unit_test(test_pacers),
    cmocka_unit_test(test_map_kinds),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
