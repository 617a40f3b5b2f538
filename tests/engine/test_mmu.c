/* MMU against a brute-force minimum over every place of the window, and by hand. */
#include <stdio.h>
#include <stdlib.h>

#include "runtime/rng.h"
#include "sims/mmu.h"
#include "tests/support/test.h"

enum { SPAN = 400, PROCS_MAX = 5 };

/* Least mean over all windows that begin at a whole nanosecond. All steps do, so the windowed
 * integral is linear between whole nanoseconds and this is the true minimum. */
static double brute(const uint32_t free_at[SPAN], uint64_t length, uint32_t procs,
                    uint64_t window) {
  if (window > length) window = length;
  double least = 2;
  for (uint64_t begin = 0; begin + window <= length; begin++) {
    uint64_t sum = 0;
    for (uint64_t t = begin; t < begin + window; t++) sum += free_at[t];
    double mean = (double)sum / ((double)window * (double)procs);
    if (mean < least) least = mean;
  }
  return least;
}

/* Random intervals, some outside the run, on a run of `length` ns that begins at `origin`. */
static void compare_random(uint64_t seed) {
  uint64_t rng = seed;
  uint64_t origin = 1000, length = 1 + rng_fastrandn(&rng, SPAN);
  uint32_t procs = 1 + rng_fastrandn(&rng, PROCS_MAX);
  uint32_t busy[SPAN] = {0}, stops[SPAN] = {0}, free_at[SPAN];
  struct mmu_trace trace = {0};
  uint32_t count = rng_fastrandn(&rng, 40);
  for (uint32_t i = 0; i < count; i++) {
    uint64_t begin = origin - 50 + rng_fastrandn(&rng, SPAN + 100);
    uint64_t end = begin + rng_fastrandn(&rng, 30);
    bool is_stop = rng_fastrandn(&rng, 4) == 0;
    mmu_trace_add(&trace, begin, end, is_stop);
    for (uint64_t t = begin; t < end; t++)
      if (t >= origin && t < origin + SPAN) (is_stop ? stops : busy)[t - origin]++;
  }
  for (uint32_t t = 0; t < SPAN; t++)
    free_at[t] = stops[t] > 0 || busy[t] >= procs ? 0 : procs - busy[t];

  struct mmu_steps steps;
  mmu_steps_build(&steps, &trace, procs, origin, origin + length);
  for (uint64_t window = 1; window <= length + 5; window++) {
    double expected = brute(free_at, length, procs, window);
    double got = mmu_at(&steps, window);
    if (got - expected < 1e-12 && expected - got < 1e-12) continue;
    fail_msg("seed %llu window %llu of %llu, %u procs: %.12f, brute force %.12f",
             (unsigned long long)seed, (unsigned long long)window, (unsigned long long)length,
             (unsigned)procs, got, expected);
  }
  mmu_steps_free(&steps);
  mmu_trace_free(&trace);
}

static void test_random(void **state) {
  (void)state;
  for (uint64_t seed = 1; seed <= 60; seed++) compare_random(seed);
}

static void test_empty(void **state) {
  (void)state;
  struct mmu_trace trace = {0};
  struct mmu_steps steps;
  mmu_steps_build(&steps, &trace, 4, 100, 200);
  assert_true(mmu_at(&steps, 10) == 1.0);
  assert_true(mmu_at(&steps, 0) == 1.0);
  mmu_steps_free(&steps);
}

/* 2 Ps over 100 ns: one P busy in [10, 30), a stop in [50, 54). */
static void test_by_hand(void **state) {
  (void)state;
  struct mmu_trace trace = {0};
  struct mmu_steps steps;
  mmu_trace_add(&trace, 1010, 1030, false);
  mmu_trace_add(&trace, 1050, 1054, true);
  mmu_steps_build(&steps, &trace, 2, 1000, 1100);
  assert_true(mmu_at(&steps, 4) == 0.0);          /* the stop */
  assert_true(mmu_at(&steps, 8) == 0.5);          /* the stop and 4 ns free; or 8 of the worker */
  assert_true(mmu_at(&steps, 20) == 0.5);         /* the worker */
  assert_true(mmu_at(&steps, 44) == 60.0 / 88.0); /* [10, 54): 20 one P, 20 both, 4 none */
  assert_true(mmu_at(&steps, 100) == 172.0 / 200.0);
  mmu_steps_free(&steps);
  mmu_trace_free(&trace);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_empty),
    cmocka_unit_test(test_by_hand),
    cmocka_unit_test(test_random),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
