/* Random small programs: partial-order reduction must meet exactly the classes that a search of all
 * schedules meets, and a failure exactly when that one does. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/check.h"
#include "runtime/lockrank.h"
#include "runtime/plat.h"
#include "sims/explore/happens.h"
#include "support.h"

enum { THREADS_MAX = 3, ACTIONS_MAX = 4, OBJECTS = 2 };

enum action {
  LOAD, STORE, ADD, LOCKED_ADD, TRY_ADD, WAKE, WAIT,
  COARSE_ADD,        /* two operations in one stretch */
  COARSE_LOCKED_ADD, /* may have to wait in the middle of a stretch */
  START_OTHER,
  WHOLE_ACTIONS,     /* those before: every run goes to its end */
  CHECK = WHOLE_ACTIONS, FINISH, TIMED_WAIT, YIELD, ACTIONS,
  READ_PLAIN = ACTIONS, WRITE_PLAIN, LOCKED_WRITE_PLAIN, PLAIN_ACTIONS
};

struct program {
  uint32_t threads, actions[THREADS_MAX];
  uint8_t action[THREADS_MAX][ACTIONS_MAX], object[THREADS_MAX][ACTIONS_MAX];
};

static PLAT_STATE struct {
  struct program program;
  struct at_u32 cell[OBJECTS], other[OBJECTS];
  uint32_t plain[OBJECTS];
  struct plat_mutex mutex[OBJECTS];
  struct plat_note note[THREADS_MAX];
  struct plat_thread thread[THREADS_MAX], started[THREADS_MAX * ACTIONS_MAX];
  uint32_t index[THREADS_MAX];
} w;

/* A site that belongs to the allocator's class and is no point in these searches. */
#define QUIET_SITE(what)                                                                       \
  (__extension__({                                                                             \
    static const struct plat_site site                                                         \
        __attribute__((section("tri_sites"), used, aligned(32))) = {"gc/quiet.c", "", what, 1, \
                                                                    0};                        \
    &site;                                                                                     \
  }))

static void add_other(void *arg) { at_u32_add_relaxed(arg, 1); }

static void act(uint32_t thread, uint32_t at) {
  uint32_t o = w.program.object[thread][at];
  struct plat_thread *started = &w.started[thread * ACTIONS_MAX + at];
  switch ((enum action)w.program.action[thread][at]) {
    case LOAD: (void)at_u32_load_seq(&w.cell[o]); break;
    case STORE: at_u32_store_seq(&w.cell[o], 7); break;
    case ADD: at_u32_add_relaxed(&w.cell[o], 1); break;
    case LOCKED_ADD:
      plat_mutex_lock(&w.mutex[o]);
      at_u32_add_relaxed(&w.cell[o], 1);
      plat_mutex_unlock(&w.mutex[o]);
      break;
    case TRY_ADD:
      if (!plat_mutex_try_lock(&w.mutex[o])) break;
      at_u32_add_relaxed(&w.cell[0], 1);
      plat_mutex_unlock(&w.mutex[o]);
      break;
    case WAKE: plat_note_wake(&w.note[thread]); break;
    case WAIT: plat_note_wait(&w.note[(thread + 1) % w.program.threads]); break;
    case COARSE_ADD:
      at_u32_add_relaxed(&w.cell[o], 1);
      plat_u32_add_(&w.other[o], 1, QUIET_SITE("add"));
      break;
    case COARSE_LOCKED_ADD:
      (void)at_u32_load_seq(&w.cell[0]);
      plat_mutex_lock_(&w.mutex[o], false, QUIET_SITE("lock"));
      at_u32_add_relaxed(&w.cell[o], 1);
      plat_mutex_unlock_(&w.mutex[o], QUIET_SITE("unlock"));
      break;
    case START_OTHER:
      if (plat_thread_start(started, "other", add_other, &w.cell[o]) == RT_OK)
        plat_thread_join(started);
      break;
    case CHECK:
      if (at_u32_load_seq(&w.cell[o]) == 2) plat_model_fail_run(RT_END_VIOLATION, "two");
      break;
    case FINISH: plat_model_finish_run(); break;
    case TIMED_WAIT:
      (void)plat_note_wait_until(&w.note[(thread + 1) % w.program.threads], 5);
      break;
    case YIELD: plat_yield(); break;
    case READ_PLAIN: (void)plat_ld(&w.plain[o]); break;
    case WRITE_PLAIN: plat_st(&w.plain[o], 7); break;
    case LOCKED_WRITE_PLAIN:
      plat_mutex_lock(&w.mutex[o]);
      plat_st(&w.plain[o], 7);
      plat_mutex_unlock(&w.mutex[o]);
      break;
    case PLAIN_ACTIONS: break;
  }
}

static void enter(void *arg) {
  uint32_t thread = *(const uint32_t *)arg;
  for (uint32_t i = 0; i < w.program.actions[thread]; i++) act(thread, i);
}

static struct program current; /* set before the mark, read by nobody after it */

static void run_program(void) {
  w.program = current;
  for (uint32_t i = 0; i < OBJECTS; i++)
    plat_mutex_init(&w.mutex[i], RT_RANK_TEST, "mutex");
  for (uint32_t i = 0; i < THREADS_MAX; i++) plat_note_init(&w.note[i]);
  for (uint32_t i = 0; i < w.program.threads; i++) {
    w.index[i] = i;
    enum rt_err err = plat_thread_start(&w.thread[i], "t", enter, &w.index[i]);
    rt_assert(err == RT_OK);
  }
  plat_model_mark();
  for (uint32_t i = 0; i < w.program.threads; i++) plat_thread_join(&w.thread[i]);
}

/* ---- the comparison -------------------------------------------------------------------------- */

static struct program draw(uint64_t seed, uint32_t kinds) {
  struct program p = {.threads = 2 + rng_fastrandn(&seed, 2)};
  for (uint32_t t = 0; t < p.threads; t++) {
    p.actions[t] = 1 + rng_fastrandn(&seed, p.threads == 2 ? ACTIONS_MAX : ACTIONS_MAX - 1);
    for (uint32_t i = 0; i < p.actions[t]; i++) {
      p.action[t][i] = (uint8_t)rng_fastrandn(&seed, kinds);
      p.object[t][i] = (uint8_t)rng_fastrandn(&seed, OBJECTS);
    }
  }
  return p;
}

enum { SCHEDULES_MAX = 20000, PROGRAMS = 150 };

static struct xp_report explore_for_races(const char *strategy, uint32_t preemptions,
                                          struct xp_happens *happens) {
  struct xp_config c = test_config(strategy);
  struct xp_report r;
  c.preemptions = preemptions;
  c.schedules = SCHEDULES_MAX;
  c.keep_going = true;
  c.walks = 0;
  c.check_every = 50;
  c.every_schedule = true;
  c.happens = happens;
  assert_true(xp_search(&c, &r));
  return r;
}

static struct xp_report explore(const char *strategy, uint32_t preemptions) {
  return explore_for_races(strategy, preemptions, NULL);
}

/* In malloc's memory, no part of the world; volatile, or clang makes it a static variable. */
static uint64_t *volatile merged_schedules;

/* The same search by fewer runs, which is not to be told by its counts. */
static void merging_counts_the_same(const struct xp_report *all) {
  struct xp_config c = all->config;
  struct xp_report merged;
  c.every_schedule = false;
  assert_true(xp_search(&c, &merged));
  const struct xp_claim *x = &all->share[0].claim, *y = &merged.share[0].claim;
  assert_memory_equal(x->level_runs, y->level_runs, sizeof x->level_runs);
  assert_true(x->is_exhausted == y->is_exhausted && x->levels == y->levels);
  assert_true(all->failed == merged.failed && all->runs == merged.runs && all->merged == 0);
  *merged_schedules += merged.merged;
  xp_report_free(&merged);
}

static void print_program(const struct program *p) {
  for (uint32_t t = 0; t < p->threads; t++) {
    printf("t%u:", (unsigned)t);
    for (uint32_t i = 0; i < p->actions[t]; i++)
      printf(" %u(%u)", (unsigned)p->action[t][i], (unsigned)p->object[t][i]);
    printf("\n");
  }
}

static bool has(const struct program *p, enum action action) {
  for (uint32_t t = 0; t < p->threads; t++)
    for (uint32_t i = 0; i < p->actions[t]; i++)
      if (p->action[t][i] == (uint8_t)action) return true;
  return false;
}

/* Both searches are whole: has the second met what the first has? Waiting between points is taken
 * to matter more than it does, so that some classes may be met more than once. */
static bool agree(const struct xp_report *all, const struct xp_report *reduced, bool is_counted) {
  uint64_t classes = reduced->classes.distinct[0];
  if ((all->failed > 0) != (reduced->failed > 0)) return false;
  if (is_counted && classes != all->classes.distinct[0]) return false;
  return has(&current, COARSE_LOCKED_ADD) || classes == reduced->runs;
}

enum verdict { TOO_LARGE, SAME, DIFFERENT };

/* second: "dpor", or "bound" for a search that leaves out what takes two preemptions. */
static enum verdict compare(uint64_t seed, uint32_t kinds, const char *second) {
  current = draw(seed, kinds);
  test_prepare_body(run_program);
  struct xp_report all = explore("bound", XP_LEVELS - 1), reduced = explore(second, 1);
  if (all.why == XP_WHY_EXHAUSTED) merging_counts_the_same(&all);
  test_leave();
  enum verdict verdict = DIFFERENT;
  if (all.why != XP_WHY_EXHAUSTED) {
    verdict = TOO_LARGE;
  } else if (reduced.why == XP_WHY_EXHAUSTED && agree(&all, &reduced, kinds == WHOLE_ACTIONS)) {
    verdict = SAME;
  } else if (strcmp(second, "dpor") == 0) {
    print_program(&current);
    xp_report_print(&all, stdout);
    xp_report_print(&reduced, stdout);
    fail_msg("program %llu: the two searches differ", (unsigned long long)seed);
  }
  xp_report_free(&all);
  xp_report_free(&reduced);
  return verdict;
}

static uint32_t count_verdicts(enum verdict wanted, uint64_t first, uint32_t kinds,
                               const char *second) {
  uint32_t count = 0;
  for (uint64_t seed = first; seed < first + PROGRAMS; seed++)
    count += compare(seed, kinds, second) == wanted;
  return count;
}

static void classes_of_programs(void **state) {
  (void)state;
  /* Each of these took a rule of its own: a lock waited for within a stretch, several threads that
   * do so, a stretch that begins before the unlock that its lock needs. */
  static const uint64_t hard[] = {2, 18, 548, 898};
  for (uint32_t i = 0; i < sizeof hard / sizeof hard[0]; i++)
    assert_int_equal(compare(hard[i], WHOLE_ACTIONS, "dpor"), SAME);
  assert_true(count_verdicts(SAME, 1000, WHOLE_ACTIONS, "dpor") > PROGRAMS / 2);
  assert_true(*merged_schedules > 1000);
}

/* A run that ends early is cut from a longer one, so classes are not comparable; failures are. */
static void failures_of_programs(void **state) {
  (void)state;
  assert_true(count_verdicts(SAME, 100000, ACTIONS, "dpor") > PROGRAMS / 2);
}

static void the_comparison_sees_what_is_left_out(void **state) {
  (void)state;
  assert_true(count_verdicts(DIFFERENT, 1000, WHOLE_ACTIONS, "bound") > PROGRAMS / 4);
}

/* A race is judged by what has been ordered before: where runs end in states that others have been
 * through, as many schedules have one. */
static void races_of_programs(void **state) {
  (void)state;
  uint32_t with_races = 0, in_some_runs = 0, free_of_them = 0;
  *merged_schedules = 0;
  for (uint64_t seed = 200000; seed < 200000 + PROGRAMS; seed++) {
    current = draw(seed, PLAIN_ACTIONS);
    test_prepare_body(run_program);
    struct xp_happens *happens = xp_happens_new(false, NULL);
    struct xp_report all = explore_for_races("bound", XP_LEVELS - 1, happens);
    if (all.why == XP_WHY_EXHAUSTED) {
      merging_counts_the_same(&all);
      with_races += all.failed > 0;
      in_some_runs += all.failed > 0 && all.failed < all.runs;
      free_of_them += all.failed == 0;
    }
    test_leave();
    xp_happens_free(happens);
    xp_report_free(&all);
  }
  assert_true(with_races > PROGRAMS / 10);
  assert_true(in_some_runs >= 5);
  assert_true(free_of_them > PROGRAMS / 10);
  assert_true(*merged_schedules > 1000);
}

/* ---- overlapping ranges ---------------------------------------------------------------------- */

enum { RANGES = 4 };
static PLAT_STATE struct {
  uint8_t bytes[64];
  struct plat_thread thread[RANGES];
  uint32_t index[RANGES];
} spread;

static void touch_range(void *arg) {
  switch (*(const uint32_t *)arg) {
    case 0: plat_touch_write(&spread.bytes[0], 16); break;
    case 1: plat_touch_write(&spread.bytes[8], 16); break;
    case 2: plat_touch_write(&spread.bytes[16], 16); break;
    default: (void)plat_ld((const uint32_t *)&spread.bytes[20]); break;
  }
  (void)plat_ld((const uint32_t *)&spread.bytes[40]); /* nobody writes it */
}

static void run_ranges(uint32_t threads) {
  for (uint32_t i = 0; i < threads; i++) {
    spread.index[i] = i;
    enum rt_err err = plat_thread_start(&spread.thread[i], "t", touch_range, &spread.index[i]);
    rt_assert(err == RT_OK);
  }
  plat_model_mark();
  for (uint32_t i = 0; i < threads; i++) plat_thread_join(&spread.thread[i]);
}

static void run_two_ranges(void) { run_ranges(2); }
static void run_three_ranges(void) { run_ranges(3); }
static void run_four_ranges(void) { run_ranges(4); }

/* What conflicts does so by overlapping alone, at different addresses. The classes are the ways to
 * order each pair that conflicts, without a circle: 2 for the one pair of two threads, 2 * 2 for
 * the chain of three, 2 * 6 for a triangle of the last three and the pair of the first two. */
static void classes_of_overlapping_ranges(void **state) {
  static const struct { void (*body)(void); uint64_t classes; } cases[] = {
      {run_two_ranges, 2}, {run_three_ranges, 4}, {run_four_ranges, 12}};
  (void)state;
  for (uint32_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    test_prepare_body(cases[i].body);
    struct xp_report all = explore("bound", XP_LEVELS - 1), reduced = explore("dpor", 1);
    test_leave();
    assert_int_equal(reduced.why, XP_WHY_EXHAUSTED);
    assert_int_equal(reduced.runs, cases[i].classes);
    assert_int_equal(reduced.classes.distinct[0], cases[i].classes);
    assert_int_equal(all.classes.distinct[0], cases[i].classes);
    assert_true(all.runs > reduced.runs);
    xp_report_free(&all);
    xp_report_free(&reduced);
  }
}

int main(void) {
  merged_schedules = calloc(1, sizeof *merged_schedules);
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(classes_of_overlapping_ranges),
      cmocka_unit_test(classes_of_programs),
      cmocka_unit_test(failures_of_programs),
      cmocka_unit_test(races_of_programs),
      cmocka_unit_test(the_comparison_sees_what_is_left_out),
  };
  return cmocka_run_group_tests_name("explore-programs", tests, NULL, NULL);
}
