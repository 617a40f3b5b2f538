/* What the strategies promise, on programs where the answers are known; and every check is shown
 * something that must not pass it. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "runtime/plat.h"
#include "support.h"

static struct xp_report search(const struct xp_config *c) {
  struct xp_report r;
  assert_true(xp_search(c, &r));
  return r;
}

/* ---- failures -------------------------------------------------------------------------------- */

static bool violates(const char *strategy, enum litmus_program program, uint32_t variant,
                     uint64_t schedules) {
  struct xp_config c = test_config(strategy);
  c.schedules = schedules;
  test_prepare(program, variant);
  struct xp_report r = search(&c);
  test_leave();
  bool found = r.failure.is_found;
  assert_true(r.why == (found ? XP_WHY_FAILURE : XP_WHY_EXHAUSTED) || schedules != UINT64_MAX);
  if (found) assert_non_null(strstr(r.failure.schedule.outcome.message, "is not marked"));
  xp_report_free(&r);
  return found;
}

/* What is violated is known for every variant; the sound ones are searched to the end. */
static void violations(void **state) {
  (void)state;
  for (uint32_t variant = 0; variant <= LITMUS_BARRIER_BOTH; variant++) {
    bool first = (litmus_facts[LITMUS_MARK_1].violating >> variant & 1) != 0;
    bool second = (litmus_facts[LITMUS_MARK_2].violating >> variant & 1) != 0;
    assert_int_equal(second, variant < LITMUS_BARRIER_UNTIL_BLACK);
    assert_int_equal(violates("dpor", LITMUS_MARK_1, variant, UINT64_MAX), first);
    assert_int_equal(violates("hunt", LITMUS_MARK_1, variant, 20000), first);
    assert_int_equal(violates("dpor", LITMUS_MARK_2, variant, UINT64_MAX), second);
  }
}

static uint32_t preemptions_needed(enum litmus_program program) {
  struct xp_config c = test_config("bound");
  char text[512];
  c.preemptions = 3;
  test_prepare(program, LITMUS_BARRIER_NEW);
  struct xp_report r = search(&c);
  test_leave();
  assert_true(r.failure.is_found);
  uint32_t levels = r.share[0].claim.levels;
  assert_int_equal(r.failure.schedule.preemptions, levels);
  xp_guarantee(&r, text, sizeof text);
  assert_non_null(strstr(text, "BOUND: all "));
  assert_non_null(strstr(text, "none failed, and one with"));
  xp_report_free(&r);
  return levels;
}

static void least_preemptions(void **state) {
  (void)state;
  assert_int_equal(preemptions_needed(LITMUS_MARK_1), 1);
  assert_int_equal(preemptions_needed(LITMUS_MARK_2), 2);
}

/* ---- chances --------------------------------------------------------------------------------- */

struct chance {
  uint64_t runs, hits;
  double promised; /* a run */
};

static struct chance measure_pct(enum litmus_program program, uint32_t depth, uint64_t runs) {
  struct xp_config c = test_config("pct");
  c.depth = depth;
  c.schedules = runs;
  c.keep_going = true;
  c.observe_every = 0;
  test_prepare(program, LITMUS_BARRIER_NEW);
  struct xp_report r = search(&c);
  test_leave();
  struct chance chance = {r.runs, r.failed, 0};
  chance.promised = 1 / (r.profile.threads * pow((double)r.profile.decisions, depth - 1.0));
  xp_report_free(&r);
  return chance;
}

/* Three standard deviations below what was promised would be too few. */
static bool keeps_promise(struct chance c, double promised) {
  double expected = (double)c.runs * promised;
  return (double)c.hits >= expected - 3 * sqrt(expected);
}

static void pct_keeps_its_promise(void **state) {
  (void)state;
  struct chance shallow = measure_pct(LITMUS_MARK_1, 2, 20000);
  struct chance deep = measure_pct(LITMUS_MARK_2, 3, 150000);
  assert_true((double)shallow.runs * shallow.promised > 20);
  assert_true((double)deep.runs * deep.promised > 2);
  assert_true(keeps_promise(shallow, shallow.promised));
  assert_true(keeps_promise(deep, deep.promised));
  /* Drops too few: the same check must see it. */
  assert_false(keeps_promise(measure_pct(LITMUS_MARK_1, 1, 20000), shallow.promised));
  assert_false(keeps_promise(measure_pct(LITMUS_MARK_2, 2, 150000), deep.promised));
}

static uint64_t classes_met(const char *strategy, uint64_t runs, double *unseen) {
  struct xp_config c = test_config(strategy);
  c.schedules = runs;
  test_prepare(LITMUS_MARK_1, LITMUS_BARRIER_UNTIL_BLACK);
  struct xp_report r = search(&c);
  test_leave();
  uint64_t met = r.classes.distinct[0];
  *unseen = xp_unseen(&r, 0);
  xp_report_free(&r);
  return met;
}

enum { CLASSES = 353 };

static void pos_covers_most(void **state) {
  (void)state;
  double by_pos, by_walk, by_urw, by_pct;
  assert_in_range(classes_met("pos", 100000, &by_pos), CLASSES - 10, CLASSES);
  assert_true(classes_met("random", 100000, &by_walk) < CLASSES - 60);
  assert_true(classes_met("urw", 100000, &by_urw) < CLASSES - 60);
  assert_true(classes_met("pct", 100000, &by_pct) < CLASSES - 60);
}

/* The estimate of what is unseen after n runs, against what n more runs then meet. */
static void unseen_mass(void **state) {
  (void)state;
  static const char *const strategies[] = {"random", "urw", "pos"};
  static const uint32_t same[] = {0};
  enum { RUNS = 2000, MORE = 40000 };
  for (uint32_t i = 0; i < sizeof strategies / sizeof strategies[0]; i++) {
    struct xp_config c = test_config(strategies[i]);
    struct xp_classes early = {0};
    test_prepare(LITMUS_MARK_1, LITMUS_BARRIER_UNTIL_BLACK);
    c.schedules = RUNS;
    struct xp_report r = search(&c);
    double estimate = xp_unseen(&r, 0);
    xp_classes_merge(&early, &r.classes, same, 1);
    xp_report_free(&r);
    c.seed = 2;
    c.schedules = MORE;
    r = search(&c);
    test_leave();
    /* Of the later runs' classes, in how many runs was one that the early had not met? The table
     * counts up to 3 only, so ask it for the classes met once. */
    uint64_t before = early.table.count;
    xp_classes_merge(&early, &r.classes, same, 1);
    uint64_t fresh = early.table.count - before;
    assert_true(estimate > 0 && estimate < 0.2);
    assert_true((double)fresh < estimate * MORE + 3 * sqrt(estimate * MORE));
    xp_classes_free(&early);
    xp_report_free(&r);
  }
}

static bool stop_after_walks(void *arg) {
  uint32_t *asked = arg;
  return ++*asked > 10000 / 16 + 1; /* asked at one run in 16 */
}

/* 4.4e10 interleavings, by millions of walks of another tool. */
static void estimate_of_schedules(void **state) {
  (void)state;
  struct xp_config c = test_config("random");
  long double mean, error;
  uint32_t asked = 0;
  c.schedules = 500000; /* a fiftieth of them goes into walks */
  c.walks = 10000;
  c.stop = stop_after_walks;
  c.stop_arg = &asked;
  test_prepare(LITMUS_MARK_1, LITMUS_BARRIER_UNTIL_BLACK);
  struct xp_report r = search(&c);
  test_leave();
  xp_estimate_read(&r.estimate, &mean, &error);
  assert_true(r.estimate.walks == 10000);
  assert_true(fabsl(mean - 4.4e10L) < 4 * error + 0.4e10L);
  assert_true(error < 0.4L * mean);
  xp_report_free(&r);
}

/* ---- the same again, however it is cut up ---------------------------------------------------- */

static bool same_failure(const struct xp_report *a, const struct xp_report *b) {
  if (a->failure.is_found != b->failure.is_found) return false;
  if (!a->failure.is_found) return true;
  const struct xp_run *x = &a->failure.schedule, *y = &b->failure.schedule;
  return a->failure.index == b->failure.index && x->decision_count == y->decision_count &&
         x->outcome.trace_hash == y->outcome.trace_hash;
}

static bool same_search(const struct xp_report *a, const struct xp_report *b) {
  return same_failure(a, b) && a->runs == b->runs && a->complete == b->complete &&
         a->failed == b->failed && a->classes.table.count == b->classes.table.count &&
         a->preemptions.sum == b->preemptions.sum && a->length.sum == b->length.sum;
}

static struct xp_report search_in_slices(struct xp_config c, uint32_t slices) {
  struct xp_report all, part;
  c.slices = slices;
  all = search(&c);
  for (c.slice = 1; c.slice < slices; c.slice++) {
    part = search(&c);
    xp_report_merge(&all, &part);
    xp_report_free(&part);
  }
  return all;
}

static void slices_do_not_matter(void **state) {
  static const char *const strategies[] = {"random", "urw", "pos", "pct", "bound", "dpor"};
  static const uint32_t slices[] = {1, 2, 3, 7};
  (void)state;
  test_prepare(LITMUS_MARK_1, LITMUS_BARRIER_NEW);
  for (uint32_t i = 0; i < 2 * sizeof strategies / sizeof strategies[0]; i++) {
    struct xp_config c = test_config(strategies[i / 2]);
    c.preemptions = 3;
    c.schedules = i / 2 < 4 ? 5000 : UINT64_MAX;
    c.keep_going = i % 2 == 0;
    struct xp_report whole = search_in_slices(c, 1);
    assert_true(whole.failure.is_found);
    for (uint32_t k = 0; k < sizeof slices / sizeof slices[0]; k++) {
      struct xp_report cut = search_in_slices(c, slices[k]);
      assert_true(c.keep_going ? same_search(&whole, &cut) : same_failure(&whole, &cut));
      xp_report_free(&cut);
    }
    struct xp_report other;
    c.seed = 7;
    other = search_in_slices(c, 1);
    /* Another seed is another search, where there is a seed: the comparison can tell. */
    assert_int_equal(same_search(&whole, &other), i / 2 >= 4);
    xp_report_free(&other);
    xp_report_free(&whole);
  }
  test_leave();
}

static uint64_t observed_of(const struct xp_report *r, const struct xp_strategy *strategy) {
  for (uint32_t i = 0; i < r->share_count; i++)
    if (r->share[i].strategy == strategy) return r->classes.observed[i];
  return 0;
}

/* Jobs, and data choices, whose plans have other strategies in another order. */
static void shares_are_those_of_a_strategy(void **state) {
  static const char *const strategies[] = {"pos", "hunt", "pct", "bound"};
  struct xp_report all, part[4];
  (void)state;
  test_prepare(LITMUS_MARK_1, LITMUS_BARRIER_NEW);
  for (uint32_t i = 0; i < 4; i++) {
    struct xp_config c = test_config(strategies[i]);
    c.schedules = 2000;
    c.keep_going = true;
    part[i] = search(&c);
    if (i == 0) all = search(&c);
    if (i > 0) xp_report_merge(&all, &part[i]);
  }
  test_leave();
  for (uint32_t k = 0; k < all.share_count; k++) {
    uint64_t sum = 0;
    for (uint32_t i = 0; i < 4; i++) sum += observed_of(&part[i], all.share[k].strategy);
    assert_true(all.classes.observed[k] == sum);
    assert_ptr_equal(xp_strategy_find(all.share[k].strategy->name), all.share[k].strategy);
    for (uint32_t other = 0; other < k; other++)
      assert_ptr_not_equal(all.share[other].strategy, all.share[k].strategy);
  }
  assert_true(all.share_count >= 5);
  for (uint32_t i = 0; i < 4; i++) xp_report_free(&part[i]);
  xp_report_free(&all);
}

static uint64_t limit_of(void *arg) { return *(const uint64_t *)arg; }

/* Of two jobs one has failed: the other looks only for what comes before. */
static void no_further_than_the_limit(void **state) {
  static const char *const strategies[] = {"random", "bound", "dpor", "hunt"};
  (void)state;
  test_prepare(LITMUS_MARK_1, LITMUS_BARRIER_NEW);
  for (uint32_t i = 0; i < sizeof strategies / sizeof strategies[0]; i++) {
    struct xp_config c = test_config(strategies[i]);
    struct xp_report whole = search(&c), job[2];
    assert_true(whole.failure.is_found);
    uint64_t limit = whole.failure.index;
    c.slices = 2;
    c.limit = limit_of;
    c.limit_arg = &limit;
    for (c.slice = 0; c.slice < 2; c.slice++) job[c.slice] = search(&c);
    uint32_t found = job[0].failure.is_found + job[1].failure.is_found;
    assert_in_range(found, 1, 2); /* both see a walk's */
    assert_true(found == 2 || job[0].why == XP_WHY_LIMIT || job[1].why == XP_WHY_LIMIT);
    xp_report_merge(&job[0], &job[1]);
    assert_true(same_failure(&whole, &job[0]));
    assert_int_equal(job[0].why, XP_WHY_FAILURE);
    xp_report_free(&job[1]);
    xp_report_free(&job[0]);
    xp_report_free(&whole);
  }
  test_leave();
}

/* Half of hunt's mix is pos, in five rows: together they draw what pos alone draws. */
static void a_mix_draws_nothing_twice(void **state) {
  struct xp_config hunt = test_config("hunt"), pos = test_config("pos");
  uint32_t share = 0;
  (void)state;
  hunt.schedules = 30000;
  test_prepare(LITMUS_MARK_1, LITMUS_BARRIER_BOTH);
  struct xp_report mixed = search(&hunt);
  while (strcmp(mixed.share[share].strategy->name, "pos") != 0) share++;
  pos.schedules = mixed.classes.observed[share];
  pos.walks = 0;
  struct xp_report alone = search(&pos);
  test_leave();
  uint32_t last = alone.share_count - 1;
  assert_string_equal(alone.share[last].strategy->name, "pos");
  assert_true(pos.schedules > 2000);
  assert_int_equal(alone.classes.observed[last], pos.schedules);
  assert_int_equal(mixed.classes.distinct[share], alone.classes.distinct[last]);
  assert_int_equal(mixed.classes.once[share], alone.classes.once[last]);
  xp_report_free(&mixed);
  xp_report_free(&alone);
}

/* ---- reports --------------------------------------------------------------------------------- */

static void reports_travel(void **state) {
  (void)state;
  struct xp_config c = test_config("hunt");
  char a[2][4096] = {{0}};
  c.schedules = 3000;
  c.keep_going = true;
  test_prepare(LITMUS_MARK_1, LITMUS_BARRIER_NEW);
  struct xp_report r = search(&c), back;
  test_leave();
  FILE *f = tmpfile();
  assert_true(xp_report_write(&r, f));
  rewind(f);
  assert_true(xp_report_read(&back, f));
  fclose(f);
  const struct xp_report *both[] = {&r, &back};
  for (uint32_t i = 0; i < 2; i++) {
    f = fmemopen(a[i], sizeof a[i] - 1, "w");
    xp_report_print(both[i], f);
    fclose(f);
  }
  assert_true(same_search(&r, &back));
  assert_string_equal(a[0], a[1]);
  f = tmpfile(); /* nothing to read */
  xp_report_free(&back);
  assert_false(xp_report_read(&back, f));
  fclose(f);
  xp_report_free(&back);
  xp_report_free(&r);
}

static bool stop_at_once(void *arg) {
  uint32_t *asked = arg;
  return ++*asked > 3;
}

static void a_stopped_search_tells_what_it_did(void **state) {
  (void)state;
  uint32_t asked = 0;
  struct xp_config c = test_config("pos");
  c.stop = stop_at_once;
  c.stop_arg = &asked;
  c.walks = 0;
  test_prepare(LITMUS_MARK_1, LITMUS_BARRIER_UNTIL_BLACK);
  struct xp_report r = search(&c);
  test_leave();
  assert_int_equal(r.why, XP_WHY_STOPPED);
  assert_in_range(r.runs, 1, 1000);
  assert_int_equal(r.runs, r.complete);
  xp_report_free(&r);
}

/* ---- a program that is not the same twice ---------------------------------------------------- */

static uint32_t *count; /* in malloc's memory: no part of the world */
static PLAT_STATE struct at_u32 cell;
static PLAT_STATE struct plat_thread other;

static void add_once(void *arg) {
  (void)arg;
  at_u32_add_relaxed(&cell, 1);
  at_u32_store_seq(&cell, 2);
}

static void honest(void) {
  if (plat_thread_start(&other, "other", add_once, NULL) != RT_OK) return;
  plat_model_mark();
  at_u32_store_seq(&cell, 1);
  (*count)++;
  at_u32_store_seq(&cell, 3);
  plat_thread_join(&other);
}

static void fickle(void) {
  if (plat_thread_start(&other, "other", add_once, NULL) != RT_OK) return;
  plat_model_mark();
  at_u32_store_seq(&cell, 1);
  if (++*count % 5 == 0) at_u32_add_relaxed(&cell, 7);
  at_u32_store_seq(&cell, 3);
  plat_thread_join(&other);
}

static void nondeterminism_is_found(void **state) {
  (void)state;
  struct xp_config c = test_config("random");
  char text[2048] = {0};
  c.schedules = 2000;
  c.check_every = 10;
  count = test_malloc(sizeof *count);
  *count = 0;
  test_prepare_body(honest);
  struct xp_report r = search(&c);
  test_leave();
  assert_int_equal(r.why, XP_WHY_SCHEDULES);
  assert_false(r.divergence.is_found);
  xp_report_free(&r);

  test_prepare_body(fickle);
  r = search(&c);
  test_leave();
  assert_int_equal(r.why, XP_WHY_NONDETERMINISM);
  assert_true(r.divergence.is_found);
  assert_in_range(r.divergence.step, 1, 4);
  FILE *f = fmemopen(text, sizeof text - 1, "w");
  xp_report_print(&r, f);
  fclose(f);
  assert_non_null(strstr(text, "nondeterminism at step "));
  assert_non_null(strstr(text, "at_u32_"));
  xp_report_free(&r);
  test_free(count);
}

/* ---- what was covered ------------------------------------------------------------------------ */

static uint32_t phase_of_cell(void *arg) {
  (void)arg;
  return cell.raw_ >= 2;
}

static struct xp_report cover(const char *strategy, uint64_t schedules) {
  static const char *const names[] = {"early", "late"};
  struct xp_config c = test_config(strategy);
  c.schedules = schedules;
  c.walks = 0;
  c.check_every = 0;
  c.phase = phase_of_cell;
  c.phase_names = names;
  c.phase_count = 2;
  test_prepare_body(honest);
  struct xp_report r = search(&c);
  test_leave();
  return r;
}

/* Two threads with two writes of one cell each: four pairs that can conflict in both orders, and
 * the thread's end that can only come before the join. */
static void pairs_and_phases(void **state) {
  uint64_t both, any;
  char text[4096] = {0};
  (void)state;
  count = test_malloc(sizeof *count);
  struct xp_report all = cover("dpor", UINT64_MAX), one = cover("random", 1);
  xp_pairs(&all, &both, &any);
  assert_int_equal(both, 4);
  assert_int_equal(any, 5);
  xp_pairs(&one, &both, &any);
  assert_int_equal(both, 0);
  assert_true(any < 5);
  assert_int_equal(all.runs, 6); /* orders of two and two */
  assert_int_equal(all.coverage.phase_op[0][PLAT_OP_STORE] +
                       all.coverage.phase_op[1][PLAT_OP_STORE], 6 * 3);
  assert_true(all.coverage.phase_op[0][PLAT_OP_RMW] > 0);
  assert_true(all.coverage.phase_op[1][PLAT_OP_RMW] > 0);
  assert_int_equal(all.coverage.phase_op[0][PLAT_OP_JOIN], 0);
  FILE *f = fmemopen(text, sizeof text - 1, "w");
  xp_report_print(&all, f);
  fclose(f);
  assert_non_null(strstr(text, "conflicting pairs in both orders 4 of 5"));
  assert_non_null(strstr(text, "late"));
  xp_report_free(&all);
  xp_report_free(&one);
  test_free(count);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(violations),
      cmocka_unit_test(least_preemptions),
      cmocka_unit_test(pct_keeps_its_promise),
      cmocka_unit_test(pos_covers_most),
      cmocka_unit_test(unseen_mass),
      cmocka_unit_test(estimate_of_schedules),
      cmocka_unit_test(slices_do_not_matter),
      cmocka_unit_test(shares_are_those_of_a_strategy),
      cmocka_unit_test(no_further_than_the_limit),
      cmocka_unit_test(a_mix_draws_nothing_twice),
      cmocka_unit_test(reports_travel),
      cmocka_unit_test(a_stopped_search_tells_what_it_did),
      cmocka_unit_test(nondeterminism_is_found),
      cmocka_unit_test(pairs_and_phases),
  };
  return cmocka_run_group_tests_name("explore-strategies", tests, NULL, NULL);
}
