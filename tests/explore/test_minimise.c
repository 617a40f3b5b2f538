/* The minimiser on programs whose least numbers of preemptions are known. */
#include "world.h"

#include <stdio.h>
#include <string.h>

#include "sims/explore/minimise.h"
#include "sims/explore/replay.h"

static struct xp_minimised minimise(struct xp_schedule *s, struct xp_run *r, uint64_t budget_ns,
                                    uint64_t replays_max) {
  struct xp_config c;
  struct xp_minimise_config m;
  struct xp_minimised out;
  world_config(&c);
  xp_minimise_config_default(&m, &c);
  m.budget_ns = budget_ns;
  m.replays_max = replays_max;
  xp_minimise(s, r, &m, &out);
  return out;
}

/* No single directive can be left out, but for more preemptions, and the schedule shows what the
 * run showed. */
static void assert_one_minimal(const struct xp_schedule *s, const struct xp_run *r) {
  struct xp_config c;
  struct xp_run again = {.decisions = NULL};
  world_config(&c);
  xp_run_schedule(s, &c, &again);
  assert_true(again.outcome.trace_hash == r->outcome.trace_hash);
  assert_int_equal(again.preemptions, r->preemptions);
  for (uint32_t without = 0; without < s->count; without++) {
    struct xp_schedule rest = {.count = 0};
    for (uint32_t i = 0; i < s->count; i++)
      if (i != without) xp_schedule_add(&rest, &s->directives[i]);
    xp_run_schedule(&rest, &c, &again);
    bool shows = xp_run_fails(&again) && xp_same_bug(&again.outcome, &r->outcome);
    assert_false(shows && again.preemptions <= r->preemptions);
    xp_schedule_free(&rest);
  }
  xp_run_free(&again);
}

static const struct {
  const char *program, *variant;
  uint32_t least;
} known[] = {
    {"litmus-1", "new-only", 1},
    {"litmus-2", "new-only", 2},
    {"litmus-1", "none", 1},
    {"litmus-2", "none", 1},
    {"rwmutex", "old-order", 2},
};

static void least_preemptions_are_found_and_proven(void **state) {
  (void)state;
  static const char *const strategies[] = {"random", "pos", "pct", "urw"};
  for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
    world_prepare(known[i].program, known[i].variant);
    for (uint64_t seed = 0; seed < 8; seed++) {
      struct xp_run r = {.decisions = NULL};
      struct xp_schedule s = {.count = 0};
      assert_true(world_find(strategies[seed % 4], seed, 1000000, &r));
      struct xp_minimised out = minimise(&s, &r, UINT64_MAX, UINT64_MAX);
      assert_true(out.is_reproduced && out.is_one_minimal);
      assert_true(out.least_is_proven);
      assert_int_equal(out.least_preemptions, known[i].least);
      assert_int_equal(out.preemptions, known[i].least);
      assert_int_equal(r.preemptions, known[i].least);
      assert_one_minimal(&s, &r);
      xp_schedule_free(&s);
      xp_run_free(&r);
    }
    test_leave();
  }
}

/* Without time nothing is claimed, and what is kept still fails. */
static void budget_is_kept(void **state) {
  (void)state;
  struct xp_run r = {.decisions = NULL};
  struct xp_schedule s = {.count = 0};
  world_prepare("litmus-2", "old-only");
  assert_true(world_find("random", 1, 1000000, &r));
  struct xp_minimised out = minimise(&s, &r, UINT64_MAX, 3);
  assert_true(out.is_reproduced && !out.is_one_minimal && !out.least_is_proven);
  assert_true(out.replays <= 5 && xp_run_fails(&r) && s.count > 0);
  out = minimise(&s, &r, 1, UINT64_MAX);
  assert_true(out.is_reproduced && !out.least_is_proven && out.replays < 100);
  assert_true(xp_run_fails(&r) && s.count > 0);
  test_leave();
  xp_schedule_free(&s);
  xp_run_free(&r);
}

/* A run that does not fail again is left as it was. */
static void another_world_is_noticed(void **state) {
  (void)state;
  struct xp_run r = {.decisions = NULL};
  struct xp_schedule s = {.count = 0};
  world_prepare("litmus-1", "new-only");
  assert_true(world_find("random", 1, 1000000, &r));
  test_leave();
  world_prepare("litmus-1", "both-always");
  struct xp_minimised out = minimise(&s, &r, UINT64_MAX, UINT64_MAX);
  assert_true(!out.is_reproduced && s.count == 0 && r.decision_count > 0 && out.replays == 1);
  test_leave();
  xp_run_free(&r);
}

static bool same(enum plat_model_end end, int kind, const char *first, const char *second) {
  struct plat_model_outcome a = {.end = end, .kind = kind}, b = {.end = end, .kind = kind};
  snprintf(a.message, sizeof a.message, "%s", first);
  snprintf(b.message, sizeof b.message, "%s", second);
  return xp_same_bug(&a, &b);
}

static void bugs_are_told_apart(void **state) {
  (void)state;
  const enum plat_model_end failed = PLAT_MODEL_FAILED;
  assert_true(same(failed, 2, "heap verifier, cycle 1: reachable object is not marked: A at 0x40",
                   "heap verifier, cycle 12: reachable object is not marked: B at 0x80"));
  assert_false(same(failed, 2, "heap verifier, cycle 1: reachable object is not marked: A",
                    "heap verifier, cycle 1: reachable object is free: A"));
  assert_true(same(failed, 0, "a.c:12: assertion failed: x < 3",
                   "a.c:99: assertion failed: x < 4"));
  assert_false(same(failed, 0, "a.c:12: assertion failed: x", "a.c:12: assertion failed: y"));
  assert_false(same(failed, 0, "a.c:12: assertion failed: x", "a.c:12: assertion failed: x == y"));
  assert_true(same(PLAT_MODEL_DEADLOCK, 0, "deadlock: a", "deadlock: b"));
  struct plat_model_outcome a = {.end = failed, .kind = 1}, b = {.end = failed, .kind = 2};
  assert_false(xp_same_bug(&a, &b));
}

/* ---- in another world ------------------------------------------------------------------------ */

static bool never(const struct plat_model_outcome *a, const struct plat_model_outcome *b) {
  (void)a, (void)b;
  return false;
}

static bool stop_at_once(void *arg) {
  (*(uint32_t *)arg)++;
  return true;
}

/* Whether the bug of a run is found in the world of another program. */
static bool is_found_in(const char *program, const char *variant, const struct xp_bug *bug,
                        const struct xp_config *c) {
  struct xp_run r = {.decisions = NULL};
  world_prepare(program, variant);
  bool is_found = xp_find_again(c, bug, &r);
  assert_true(!is_found || xp_shows_bug(bug, &r));
  test_leave();
  xp_run_free(&r);
  return is_found;
}

static void a_bug_is_found_again(void **state) {
  (void)state;
  struct xp_run r = {.decisions = NULL};
  struct xp_config c;
  uint32_t asked = 0;
  world_config(&c);
  world_prepare("litmus-2", "new-only");
  assert_true(world_find("random", 1, 1000000, &r));
  test_leave();
  struct xp_bug bug = {.outcome = r.outcome, .decisions = r.decision_count,
                       .runs = XP_AGAIN_RUNS, .text = "", .is_same = xp_same_bug};
  assert_true(is_found_in("litmus-1", "new-only", &bug, &c));
  assert_false(is_found_in("litmus-1", "both-always", &bug, &c));
  assert_false(is_found_in("rwmutex", "old-order", &bug, &c)); /* which fails otherwise */
  bug.text = "no such text";
  assert_false(is_found_in("litmus-1", "new-only", &bug, &c));
  bug.text = "";
  bug.is_same = never;
  assert_false(is_found_in("litmus-1", "new-only", &bug, &c));
  bug.is_same = xp_same_bug;
  c.stop = stop_at_once;
  c.stop_arg = &asked;
  assert_false(is_found_in("litmus-1", "new-only", &bug, &c));
  assert_int_equal(asked, 1);
  xp_run_free(&r);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(least_preemptions_are_found_and_proven),
      cmocka_unit_test(budget_is_kept),
      cmocka_unit_test(another_world_is_noticed),
      cmocka_unit_test(bugs_are_told_apart),
      cmocka_unit_test(a_bug_is_found_again),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
