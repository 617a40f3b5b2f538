/* A token says what to run: again in this build, and after the program has changed a little. */
#include "world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/check.h"
#include "sims/explore/minimise.h"
#include "sims/explore/replay.h"
#include "sims/explore/trace.h"

/* ---- a program that changes ------------------------------------------------------------------ */

/* Two threads add to a counter without a lock: one addition can be lost. */
static PLAT_STATE struct {
  struct at_u32 count, noise;
  uint32_t noise_before; /* loads of noise before each addition: the change */
} adding;

static void add(void *arg) {
  (void)arg;
  for (uint32_t i = 0; i < adding.noise_before; i++) at_u32_load_seq(&adding.noise);
  uint32_t seen = at_u32_load_seq(&adding.count);
  at_u32_store_seq(&adding.count, seen + 1);
}

static int add_twice(void *arg) {
  struct plat_thread thread[2];
  adding.noise_before = *(const uint32_t *)arg;
  plat_model_mark();
  for (int i = 0; i < 2; i++) rt_assert(plat_thread_start(&thread[i], "adder", add, NULL) == RT_OK);
  for (int i = 0; i < 2; i++) plat_thread_join(&thread[i]);
  if (at_u32_load_seq(&adding.count) != 2)
    plat_model_fail_run(RT_END_VIOLATION, "an addition is lost");
  return 0;
}

/* A schedule and its run, in a world that has been prepared. */
struct bench {
  struct xp_config config;
  struct xp_schedule schedule;
  struct xp_run run;
  struct xp_replayed replayed;
};

static void open_bench(struct bench *b, int (*program)(void *), void *arg) {
  int status = 0;
  *b = (struct bench){.schedule = {.scenario = 1, .build = xp_build_key()}};
  world_config(&b->config);
  assert_true(plat_model_prepare(program, arg, &status));
}

static void open_adding(struct bench *b, uint32_t noise) { open_bench(b, add_twice, &noise); }

static void close_bench(struct bench *b) {
  test_leave();
  xp_schedule_free(&b->schedule);
  xp_run_free(&b->run);
}

/* The run is a failing one, and the schedule the least that shows the same. */
static struct xp_minimised find_least(struct bench *b) {
  struct xp_minimise_config m;
  struct xp_minimised out;
  assert_true(world_find("random", 1, 10000, &b->run));
  xp_minimise_config_default(&m, &b->config);
  xp_minimise(&b->schedule, &b->run, &m, &out);
  assert_true(out.is_reproduced && out.least_is_proven);
  return out;
}

static void add_directive(struct bench *b, struct xp_directive d) {
  xp_schedule_add(&b->schedule, &d);
}

static void replay(struct bench *b, bool drift) {
  xp_replay(&b->schedule, drift, NULL, &b->config, &b->run, &b->replayed);
}

/* The token of a lost addition in the program without noise. */
static char *token_of_lost_addition(void) {
  struct bench b;
  open_adding(&b, 0);
  assert_int_equal(find_least(&b).preemptions, 1);
  char *token = xp_token_format(&b.schedule);
  close_bench(&b);
  return token;
}

/* Replays a token of the program without noise where there is some. */
static struct xp_replayed replay_with_noise(const char *token, uint32_t noise, bool drift,
                                            bool *fails) {
  struct bench b;
  char error[XP_ERROR_TEXT];
  open_adding(&b, noise);
  b.schedule = (struct xp_schedule){.count = 0};
  assert_true(xp_token_parse(token, &b.schedule, error));
  replay(&b, drift);
  *fails = xp_run_fails(&b.run);
  close_bench(&b);
  return b.replayed;
}

static void a_token_that_fits_is_run(void **state) {
  (void)state;
  bool fails;
  char *token = token_of_lost_addition();
  struct xp_replayed out = replay_with_noise(token, 0, false, &fails);
  assert_true(out.fits && fails && out.runs == 1);
  out = replay_with_noise(token, 0, true, &fails);
  assert_true(out.fits && fails && out.moved == 0 && out.runs == 1 && out.note[0] == '\0');
  free(token);
}

static void a_token_that_does_not_fit_says_so(void **state) {
  (void)state;
  bool fails;
  char *token = token_of_lost_addition();
  struct xp_replayed out = replay_with_noise(token, 2, false, &fails);
  assert_false(out.fits || fails);
  static const char begin[] = "directive 1 of 1 (t1.0>t2): expected store(adding.count), found "
                              "load(adding.noise) (tests/explore/test_replay.c:";
  assert_int_equal(strncmp(out.error, begin, sizeof begin - 1), 0);
  assert_non_null(strstr(out.error, ") at point 1"));
  assert_int_equal(out.runs, 1);
  free(token);
}

static void drift_looks_nearby(void **state) {
  (void)state;
  bool fails;
  char *token = token_of_lost_addition();
  struct xp_replayed out = replay_with_noise(token, 2, true, &fails);
  assert_true(out.fits && fails);
  assert_int_equal(out.moved, 1);
  assert_string_equal(out.note, "t1.0@store(adding.count) is now t1.2");
  out = replay_with_noise(token, 100, true, &fails);
  assert_true(out.fits && fails);
  assert_string_equal(out.note, "t1.0@store(adding.count) is now t1.100");
  free(token);
}

static void drift_says_how_far_it_went(void **state) {
  (void)state;
  struct bench b;
  open_adding(&b, 0);
  add_directive(&b, (struct xp_directive){.thread = 1, .nth = 1, .nth_alike = XP_NOT_KNOWN,
                                          .to = 2, .op = "store(adding.count)"});
  add_directive(&b, (struct xp_directive){.thread = 2, .nth = 0, .nth_alike = XP_NOT_KNOWN,
                                          .to = 1, .op = "load(x)"});
  replay(&b, true);
  assert_false(b.replayed.fits);
  assert_int_equal(b.replayed.placed, 1);
  assert_string_equal(b.replayed.note, "with drift 1 of 2 directives have a place (3 runs tried); "
                                       "the run then fails: an addition is lost");
  close_bench(&b);
}

/* A number among likes is trusted more than one among all decisions. */
static void drift_goes_by_likes(void **state) {
  (void)state;
  struct bench b;
  open_adding(&b, 5);
  add_directive(&b, (struct xp_directive){.thread = 1, .nth = 70, .nth_alike = 3, .to = 1,
                                          .op = "load(adding.noise)"});
  add_directive(&b, (struct xp_directive){.thread = 1, .nth = 70, .nth_alike = 0, .to = 2,
                                          .op = "store(adding.count)"});
  replay(&b, true);
  assert_true(b.replayed.fits && xp_run_fails(&b.run) && b.replayed.moved == 2);
  assert_string_equal(b.replayed.note, "t1.70@load(adding.noise) is now t1.3; "
                                       "t1.70@store(adding.count) is now t1.5");
  close_bench(&b);
}

/* ---- a program that crashes ------------------------------------------------------------------ */

static PLAT_STATE struct at_ptr slot;

/* The crash is the sanitizer's business elsewhere. */
__attribute__((no_sanitize("undefined"))) static void look(void *arg) {
  (void)arg;
  const uint64_t *p = at_ptr_load_seq(&slot);
  rt_assert(*p == 7);
}

static void clear(void *arg) {
  (void)arg;
  at_ptr_store_seq(&slot, NULL);
}

static int look_and_clear(void *arg) {
  static const uint64_t seven = 7;
  struct plat_thread thread[2];
  (void)arg;
  at_ptr_init(&slot, (void *)(uintptr_t)&seven);
  plat_model_mark();
  rt_assert(plat_thread_start(&thread[0], "look", look, NULL) == RT_OK);
  rt_assert(plat_thread_start(&thread[1], "clear", clear, NULL) == RT_OK);
  for (int i = 0; i < 2; i++) plat_thread_join(&thread[i]);
  return 0;
}

/* A crash in a schedule is a violation like any other: found, made small, replayed, told. */
static void a_crash_is_replayed(void **state) {
  (void)state;
  struct bench b;
  struct xp_run again = {.decisions = NULL};
  open_bench(&b, look_and_clear, NULL);
  assert_int_equal(find_least(&b).preemptions, 0);
  assert_int_equal(b.run.outcome.kind, -1);
  static const char begin[] = "the program crashed: SIGSEGV in look, after at_ptr_load_seq(&slot)";
  assert_int_equal(strncmp(b.run.outcome.message, begin, sizeof begin - 1), 0);
  xp_replay(&b.schedule, false, &b.run.outcome, &b.config, &again, &b.replayed);
  assert_true(b.replayed.fits && xp_same_bug(&b.run.outcome, &again.outcome));
  assert_string_equal(again.outcome.message, b.run.outcome.message);
  close_bench(&b);
  xp_run_free(&again);
}

static void unreached_directives_are_named(void **state) {
  (void)state;
  struct bench b;
  open_adding(&b, 0);
  add_directive(&b, (struct xp_directive){.thread = 1, .nth = 70, .to = 2, .op = "load(x)"});
  replay(&b, false);
  assert_false(b.replayed.fits);
  assert_string_equal(b.replayed.error, "directive 1 of 1 (t1.70>t2): expected load(x), found the "
                                        "end of the run after point 5");
  b.schedule.count = 0;
  add_directive(&b, (struct xp_directive){.thread = 1, .nth = 0, .to = 7,
                                          .op = "store(adding.count)"});
  replay(&b, false);
  assert_false(b.replayed.fits);
  assert_string_equal(b.replayed.error, "directive 1 of 1 (t1.0>t7): expected thread t7 to be able "
                                        "to go on, found it blocked or ended at point 1");
  close_bench(&b);
}

/* ---- byte for byte --------------------------------------------------------------------------- */

/* What is printed of a run, in an array of malloc's. */
static char *told(const struct xp_schedule *s) {
  struct xp_names names;
  struct xp_trace t = {.count = 0};
  struct xp_config c;
  char *text = NULL;
  size_t length;
  world_config(&c);
  xp_names_litmus(&names, world_program());
  assert_true(xp_trace_record(&t, s, &c, &names));
  FILE *out = open_memstream(&text, &length);
  fprintf(out, "%llx %u\n", (unsigned long long)t.outcome.trace_hash, t.count);
  for (uint32_t i = 0; i < t.row_count; i++)
    fprintf(out, "%u %s %s %s\n", t.rows[i].step, t.actors[t.rows[i].actor], t.rows[i].text,
            t.rows[i].colours);
  for (uint32_t i = 0; i < t.why.count; i++) fprintf(out, "%s\n", t.why.line[i]);
  assert_true(xp_trace_perfetto(&t, out));
  fclose(out);
  xp_trace_free(&t);
  return text;
}

static void replays_are_equal_to_the_byte(void **state) {
  (void)state;
  static const char *const programs[][2] = {
      {"litmus-1", "new-only"}, {"litmus-2", "old-only"}, {"rwmutex", "old-order"}};
  for (size_t i = 0; i < 3; i++) {
    struct xp_run r = {.decisions = NULL};
    struct xp_schedule s = {.count = 0}, again = {.count = 0};
    char error[XP_ERROR_TEXT];
    world_prepare(programs[i][0], programs[i][1]);
    assert_true(world_find("random", 5, 1000000, &r));
    xp_schedule_take_run(&s, &r);
    char *token = xp_token_format(&s), *first = told(&s);
    assert_true(xp_token_parse(token, &again, error));
    test_leave();
    world_prepare(programs[i][0], programs[i][1]);
    char *second = told(&again);
    assert_string_equal(first, second);
    test_leave();
    free(token);
    free(first);
    free(second);
    xp_schedule_free(&s);
    xp_schedule_free(&again);
    xp_run_free(&r);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_token_that_fits_is_run),
      cmocka_unit_test(a_token_that_does_not_fit_says_so),
      cmocka_unit_test(drift_looks_nearby),
      cmocka_unit_test(drift_says_how_far_it_went),
      cmocka_unit_test(drift_goes_by_likes),
      cmocka_unit_test(a_crash_is_replayed),
      cmocka_unit_test(unreached_directives_are_named),
      cmocka_unit_test(replays_are_equal_to_the_byte),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
