/* A map that grows beside a collection, without the scheduler: nothing is wrong in it, and what is
 * put wrong is found. */
#include "tests/explore/growth.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gc/concurrent/workbuf.h"
#include "maps/faults.h"
#include "sims/explore/points.h"
#include "sims/explore/search.h"
#include "tests/explore/threads.h"
#include "tests/support/test.h"

struct plan {
  const char *strategy;
  uint32_t preemptions;
  bool everywhere; /* points, or where races were learned to be */
  uint64_t schedules;
};

/* What a search of the prepared world shows. */
static void search(const struct plan *p, struct xp_report *r) {
  struct xp_config c;
  xp_config_default(&c);
  c.strategy = p->strategy;
  c.preemptions = p->preemptions;
  c.schedules = p->schedules;
  c.time_ns = UINT64_MAX;
  c.walks = 8;
  c.check_every = 100;
  c.scenario = "growth";
  uint8_t *sites =
      p->everywhere ? NULL : xp_points_learn(&c, NULL, XP_LEARN_STEPS_FEW, NULL, NULL);
  c.point_sites = sites;
  assert_true(xp_search(&c, r));
  if (getenv("SHOW") != NULL) xp_report_print(r, stdout);
  if (r->failure.is_found) print_message("%s\n", r->failure.schedule.outcome.message);
  assert_false(r->divergence.is_found);
  free(sites);
}

static uint64_t word(const void *address) { return plat_model_word(address, 8); }

/* ---- nothing is wrong ------------------------------------------------------------------------ */

static void expect_all(const struct growth_case *c, uint32_t preemptions, bool everywhere) {
  struct xp_report r;
  growth_prepare(c);
  search(&(struct plan){"bound", preemptions, everywhere, UINT64_MAX}, &r);
  assert_int_equal(r.failed, 0);
  assert_int_equal(r.cut, 0);
  assert_int_equal(r.share[0].claim.levels, preemptions + 1);
  xp_report_free(&r);
  plat_model_leave();
}

static void all_with_three_preemptions(void **state) {
  (void)state;
  expect_all(&(struct growth_case){.assists = false}, 3, false);
  expect_all(&(struct growth_case){.assists = true}, 3, false);
  expect_all(&(struct growth_case){.wb_entries = 1}, 3, false);
}

static void all_with_two_preemptions_anywhere(void **state) {
  (void)state;
  expect_all(&(struct growth_case){.assists = false}, 2, true);
}

/* ---- it does what it is for ------------------------------------------------------------------ */

/* Without a preemption the writer goes first: its buffer is full several times, the map grows, and
 * both before the ragged barrier. */
static void the_map_grows_through_full_buffers(void **state) {
  (void)state;
  struct xp_report r;
  growth_prepare(&(struct growth_case){.assists = false});
  const struct gc_worker *work = threads_at(WRITER)->p.work;
  uint64_t before = word(&work->wb_flushes);
  search(&(struct plan){"bound", 0, true, 1}, &r);
  assert_in_range(word(&work->wb_flushes) - before, 4, 10);
  assert_int_equal(word(&threads_at(COLLECTOR)->p.work->wb_flushes), 0);
  xp_report_free(&r);
  plat_model_leave();
}

/* ---- what is wrong is found ------------------------------------------------------------------ */

#define GC(fault) {.gc_faults = UINT64_C(1) << GC_FAULT_##fault}
#define LATE(fault) {.gc_faults = UINT64_C(1) << GC_FAULT_##fault, .late_work = GC_LATE_DISCARD}
#define MAPS(fault) {.map_faults = UINT64_C(1) << MAP_FAULT_##fault}

static const struct wrong {
  const char *name, *strategy;
  struct growth_case what;
  const char *message; /* a part; NULL: it depends on what is checked in hot paths */
} wrong[] = {
    {"barrier-none", "bound", GC(BARRIER_NONE), "is not marked"},
    {"deletion-missing", "bound", GC(DELETION_MISSING), "is not marked"},
    {"store-before-shade", "bound", GC(STORE_BEFORE_SHADE), "is not marked"},
    {"buffer-next-shared", "bound", GC(BUFFER_NEXT_SHARED), NULL},
    {"reset-before-drain", "bound", GC(RESET_BEFORE_DRAIN), "is not marked"},
    {"flush-skipped-at-stop", "bound", GC(FLUSH_SKIPPED_AT_STOP), "is not marked"},
    {"allocate-white", "bound", GC(ALLOCATE_WHITE), "is not marked"},
    {"no-ragged-barrier", "bound", LATE(NO_RAGGED_BARRIER), "marking was declared over"},
    {"drop-recheck-under-lock", "bound", LATE(DROP_RECHECK_UNDER_LOCK), "declared over"},
    {"evacuation-copy-no-barrier", "bound", MAPS(EVACUATION_NO_BARRIER), "is not marked"},
    {"stale-old-bucket", "bound", MAPS(STALE_BUCKET_WRITTEN), "the map has lost keys"},
    {"flush-skipped-at-stop", "hunt", GC(FLUSH_SKIPPED_AT_STOP), "is not marked"},
    {"deletion-missing", "pct", GC(DELETION_MISSING), "is not marked"},
    {"evacuation-copy-no-barrier", "random", MAPS(EVACUATION_NO_BARRIER), "is not marked"},
};

static void what_is_wrong_is_found(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
    struct xp_report r;
    growth_prepare(&wrong[i].what);
    print_message("%s, %s: ", wrong[i].name, wrong[i].strategy);
    search(&(struct plan){wrong[i].strategy, 3, false, 200000}, &r);
    if (!r.failure.is_found) fail_msg("%s is not found by %s", wrong[i].name, wrong[i].strategy);
    if (wrong[i].message != NULL)
      assert_non_null(strstr(r.failure.schedule.outcome.message, wrong[i].message));
    xp_report_free(&r);
    plat_model_leave();
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(all_with_three_preemptions),
      cmocka_unit_test(all_with_two_preemptions_anywhere),
      cmocka_unit_test(the_map_grows_through_full_buffers),
      cmocka_unit_test(what_is_wrong_is_found),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
