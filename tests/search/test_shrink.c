/* Smaller scenarios: what is tried, what stays, what is said; and on a whole runtime, whether the
 * bug that is left is the one that was found. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plat_model.h"
#include "sims/explore/parts.h"
#include "sims/explore/smaller.h"
#include "sims/explore/variant.h"
#include "sims/memory.h"
#include "sims/protocol.h"
#include "tests/support/test.h"

static struct scenario *load(const char *json) { return xp_variant_read(json, NULL, 0, false); }

static bool has_line(const struct xp_shrunk *s, const char *line) {
  for (uint32_t i = 0; i < s->lines; i++)
    if (strcmp(s->line[i], line) == 0) return true;
  for (uint32_t i = 0; i < s->lines; i++) print_message("line: %s\n", s->line[i]);
  return false;
}

/* ---- parts ----------------------------------------------------------------------------------- */

#define MANY                                                                                       \
  "{\"name\": \"many\", \"seed\": 18446744073709551615,"                                           \
  " \"runtime\": {\"procs\": 8, \"deadline_ns\": \"10s\"}, \"gc\": {\"gogc\": 40},"                \
  " \"maps\": {\"m\": {\"hint\": 9}, \"n\": {}, \"unused\": {}},"                                  \
  " \"lists\": {\"l\": {}}, \"mutexes\": [\"mu\"], \"channels\": {\"c\": {\"capacity\": 3}},"      \
  " \"objects\": {\"A\": {\"root\": true, \"links\": {\"0\": \"B\"}}, \"B\": {},"                  \
  "   \"C\": {\"links\": {\"0\": \"D\"}}, \"D\": {}},"                                             \
  " \"setup\": [{\"op\": \"map.put\", \"map\": \"m\", \"count\": 100},"                            \
  "   {\"op\": \"list.push\", \"list\": \"l\", \"count\": 7}],"                                    \
  " \"goroutines\": ["                                                                             \
  "   {\"name\": \"writer\", \"count\": 4, \"body\": [{\"op\": \"loop\", \"count\": 1000,"         \
  "     \"body\": [{\"op\": \"lock\", \"mutex\": \"mu\", \"body\": [{\"op\": \"map.put\","         \
  "       \"map\": \"m\", \"keys\": {\"dist\": \"uniform\", \"space\": 50}}]},"                    \
  "       {\"op\": \"yield\"}]}]},"                                                                \
  "   {\"name\": \"holder\", \"registers\": {\"r0\": \"C\"}, \"body\": [{\"op\": \"object.load\"," \
  "     \"from\": \"A\", \"to\": \"r1\"}, {\"op\": \"gc\"}, {\"op\": \"yield\", \"count\": 2},"    \
  "     {\"op\": \"object.drop\", \"register\": \"r0\"}, {\"op\": \"map.put\", \"map\": \"n\"}]}," \
  "   {\"name\": \"talker\", \"body\": [{\"op\": \"chan.send\", \"channel\": \"c\"}]}],"           \
  " \"choose\": [{\"set\": \"gc.gogc\", \"values\": [40, 50]}],"                                   \
  " \"expect\": [{\"metric\": \"maps.m.count\", \"min\": 1}]}"

static struct xp_part *find_group(struct xp_parts *p, uint32_t number) {
  for (uint32_t i = 0; i < p->count; i++)
    if (p->part[i].kind == XP_PART_GROUP && number-- == 0) return &p->part[i];
  return NULL;
}

/* All of it but what nobody asks for, to the digit. */
static void the_whole_is_the_whole(void **state) {
  (void)state;
  struct scenario *sc = load(MANY);
  struct xp_parts *p = xp_parts_new(sc->resolved_json);
  char *text = xp_parts_text(p);
  assert_non_null(strstr(text, "\"seed\":18446744073709551615"));
  assert_null(strstr(text, "\"choose\""));
  assert_null(strstr(text, "\"expect\""));
  struct scenario *again = load(text);
  assert_non_null(again);
  assert_int_equal(strncmp(again->resolved_json, sc->resolved_json,
                           (size_t)(strstr(sc->resolved_json, ",\"choose\"") - sc->resolved_json)),
                   0);
  free(text);
  scenario_free(again);
  scenario_free(sc);
  xp_parts_free(p);
}

static void what_hangs_on_a_part_goes_with_it(void **state) {
  (void)state;
  struct scenario *sc = load(MANY);
  struct xp_parts *p = xp_parts_new(sc->resolved_json);
  find_group(p, 1)->is_out = true; /* C and D are held by nobody else; n is used by nobody else */
  xp_parts_settle(p);
  char *text = xp_parts_text(p);
  struct scenario *less = load(text);
  assert_non_null(less);
  assert_true(less->group_count == 2 && less->object_count == 2 && less->map_count == 1);
  assert_string_equal(less->objects[1].name, "B"); /* A holds it, and a slot holds A */
  scenario_free(less);
  free(text);
  xp_parts_undo(p);
  assert_false(find_group(p, 1)->is_out);
  xp_parts_free(p);
  scenario_free(sc);
}

/* ---- what is tried --------------------------------------------------------------------------- */

/* Shows it as long as "holder" collects and loads from A while a writer puts, `puts` times or more,
 * into a map; with 3 processors or more. */
struct made_up {
  uint64_t puts;
  uint32_t procs;
  uint32_t tries_left; /* trials before the time is up */
  uint32_t refused;
};

static uint64_t count_of(const struct sc_op *ops, uint32_t count, enum sc_op_kind kind) {
  uint64_t n = 0;
  for (uint32_t i = 0; i < count; i++) {
    if (ops[i].kind == kind) n += ops[i].count;
    n += ops[i].count * count_of(ops[i].body, ops[i].body_count, kind);
  }
  return n;
}

static bool is_shown(const struct scenario *sc, const struct made_up *m) {
  bool puts = false, collects = false;
  for (uint32_t i = 0; i < sc->group_count; i++) {
    const struct sc_group *g = &sc->groups[i];
    bool is_writer = strcmp(g->name, "writer") == 0;
    puts |= is_writer && count_of(g->body, g->body_count, SC_OP_MAP_PUT) >= m->puts;
    collects |= !is_writer && count_of(g->body, g->body_count, SC_OP_GC) > 0 &&
                count_of(g->body, g->body_count, SC_OP_OBJECT_LOAD) > 0;
  }
  return puts && collects && sc->procs >= m->procs;
}

static enum xp_trial try_made_up(const char *json, uint32_t effort, uint64_t *steps, void *arg) {
  (void)effort;
  struct made_up *m = arg;
  struct scenario *sc = xp_variant_read(json, NULL, 0, true);
  if (sc == NULL) {
    m->refused++;
    return XP_TRIAL_REFUSED;
  }
  bool shows = is_shown(sc, m);
  *steps = (uint64_t)xp_size(sc) + sc->procs;
  scenario_free(sc);
  if (m->tries_left-- == 0) return XP_TRIAL_OVER;
  return shows ? XP_TRIAL_SHOWS : XP_TRIAL_SHOWS_NOT;
}

static void shrink_many(struct made_up *m, struct xp_shrunk *out) {
  struct scenario *sc = load(MANY);
  const struct xp_shrink shrink = {.trial = try_made_up, .arg = m};
  *out = (struct xp_shrunk){.scenario = NULL};
  xp_shrink(sc->resolved_json, (uint64_t)xp_size(sc) + sc->procs, &shrink, out);
  scenario_free(sc);
}

static void only_what_matters_is_left(void **state) {
  (void)state;
  struct made_up m = {.puts = 12, .procs = 3, .tries_left = UINT32_MAX};
  struct xp_shrunk s, again;
  shrink_many(&m, &s);
  assert_true(s.is_smallest && s.accepted > 0 && s.tried < 200);
  struct scenario *sc = load(s.scenario);
  assert_true(is_shown(sc, &m));
  assert_true(sc->group_count == 2 && sc->groups[0].count == 1 && sc->setup_count == 0);
  assert_true(sc->groups[0].ops == 12 && sc->groups[1].ops == 2);
  assert_true(sc->map_count == 1 && sc->list_count == 0 && sc->channel_count == 0);
  assert_int_equal(sc->procs, 4);
  assert_int_equal(sc->gogc, 40);
  assert_true(sc->seed == UINT64_MAX);
  assert_true(has_line(&s, "goroutine talker left out"));
  assert_true(has_line(&s, "setup left out"));
  assert_true(has_line(&s, "writer: yield left out"));
  assert_true(has_line(&s, "holder: yield, object.drop, map.put n left out"));
  assert_true(has_line(&s, "goroutines writer count 4 -> 1"));
  assert_true(has_line(&s, "writer: loop count 1000 -> 12"));
  assert_true(has_line(&s, "runtime procs 8 -> 4"));
  assert_true(has_line(&s, "map m hint 9 -> 0"));
  assert_true(has_line(&s, "maps n, unused left out"));
  shrink_many(&m, &again);
  assert_string_equal(again.scenario, s.scenario);
  assert_int_equal(again.tried, s.tried);
  scenario_free(sc);
  xp_shrunk_free(&s);
  xp_shrunk_free(&again);
}

/* What had been accepted when the time was up. */
static void time_ends_it(void **state) {
  (void)state;
  for (uint32_t tries = 0; tries < 20; tries += 3) {
    struct made_up m = {.puts = 12, .procs = 3, .tries_left = tries};
    struct xp_shrunk s;
    shrink_many(&m, &s);
    assert_false(s.is_smallest);
    assert_int_equal(s.tried, tries);
    struct scenario *sc = s.scenario != NULL ? load(s.scenario) : NULL;
    assert_true(sc == NULL ? s.accepted == 0 : is_shown(sc, &m));
    assert_true((sc == NULL) == (s.lines == 0));
    scenario_free(sc);
    xp_shrunk_free(&s);
  }
}

static void nothing_smaller_is_said(void **state) {
  (void)state;
  struct made_up m = {.puts = UINT64_MAX, .tries_left = UINT32_MAX};
  struct xp_shrunk s;
  shrink_many(&m, &s);
  assert_true(s.is_smallest && s.scenario == NULL && s.lines == 0 && s.tried > 0);
  assert_true(m.refused > 0); /* a program without goroutines, for one */
  xp_shrunk_free(&s);
}

/* ---- a whole runtime ------------------------------------------------------------------------- */

/* Two bugs: two goroutines that lock in either order, and a lost object. */
#define TWO_BUGS                                                                                   \
  "{\"name\": \"two\", \"runtime\": {\"procs\": 2, \"check\": true},"                              \
  " \"gc\": {\"barrier\": {\"kind\": \"none\"}}, \"mutexes\": [\"a\", \"b\"],"                     \
  " \"objects\": {\"A\": {\"root\": true, \"links\": {\"0\": \"B\"}}, \"B\": {}},"                 \
  " \"setup\": [{\"op\": \"alloc\", \"bytes\": 64, \"count\": 20}],"                               \
  " \"goroutines\": ["                                                                             \
  "  {\"name\": \"left\", \"body\": [{\"op\": \"lock\", \"mutex\": \"a\", \"count\": 5,"           \
  "    \"body\": [{\"op\": \"lock\", \"mutex\": \"b\", \"body\": [{\"op\": \"yield\"}]}]}]},"      \
  "  {\"name\": \"right\", \"body\": [{\"op\": \"lock\", \"mutex\": \"b\", \"count\": 5,"          \
  "    \"body\": [{\"op\": \"lock\", \"mutex\": \"a\", \"body\": [{\"op\": \"yield\"}]}]}]},"      \
  "  {\"name\": \"collector\", \"body\": [{\"op\": \"gc\"}]},"                                     \
  "  {\"name\": \"mover\", \"body\": [{\"op\": \"object.load\", \"from\": \"A\", \"to\": \"r0\"}," \
  "    {\"op\": \"object.store\", \"into\": \"A\", \"value\": null}, {\"op\": \"yield\"},"         \
  "    {\"op\": \"object.store\", \"into\": \"A\", \"value\": \"r0\"},"                            \
  "    {\"op\": \"object.drop\", \"register\": \"r0\"}]}],"                                        \
  " \"expect_violation\": \"heap verifier\"}"

#define BUDGET_NS UINT64_C(250000000000) /* enough on any machine */

static struct engine engine = {.options = {.explore = true}};

static struct xp_config config_of(const struct scenario *sc) {
  struct xp_config c;
  xp_config_default(&c);
  c.classes = xp_variant_classes(sc);
  return c;
}

static bool any_failure(const struct plat_model_outcome *a, const struct plat_model_outcome *b) {
  (void)a, (void)b;
  return true;
}

typedef bool judge(const struct plat_model_outcome *a, const struct plat_model_outcome *b);

/* How the smallest scenario that xp_smaller finds fails, with this idea of the same bug. */
static struct plat_model_outcome smallest_failure(judge *is_same, struct xp_shrunk *out) {
  struct scenario *sc = load(TWO_BUGS);
  struct xp_config c = config_of(sc);
  struct xp_run run = {.decisions = NULL};
  struct xp_bug bug = {.outcome = {.end = PLAT_MODEL_FAILED, .kind = RT_END_VIOLATION,
                                   .message = "heap verifier, cycle 1: reachable object is not "
                                              "marked: B"},
                       .decisions = 200, .runs = XP_AGAIN_RUNS, .text = "heap verifier",
                       .is_same = xp_same_bug};
  *out = (struct xp_shrunk){.scenario = NULL};
  assert_int_equal(xp_variant_prepare(&engine, sc), TRI_EXIT_OK);
  assert_true(xp_find_again(&c, &bug, &run));
  bug.outcome = run.outcome;
  bug.decisions = run.decision_count;
  bug.is_same = is_same;
  if (is_same == any_failure) bug.text = "";
  xp_smaller(&engine, sc, &c, &bug, BUDGET_NS, out);
  assert_true(out->is_smallest && !out->is_asked && out->scenario != NULL);
  plat_model_leave();
  struct scenario *small = load(out->scenario);
  assert_int_equal(xp_variant_prepare(&engine, small), TRI_EXIT_OK);
  assert_true(xp_find_again(&c, &bug, &run)); /* with what xp_smaller says it is found with */
  struct plat_model_outcome outcome = run.outcome;
  plat_model_leave();
  xp_run_free(&run);
  scenario_free(small);
  scenario_free(sc);
  return outcome;
}

static void the_same_bug_is_left(void **state) {
  (void)state;
  struct xp_shrunk s;
  struct plat_model_outcome o = smallest_failure(xp_same_bug, &s);
  assert_non_null(strstr(o.message, "reachable object is not marked"));
  struct scenario *sc = load(s.scenario);
  assert_true(sc->group_count == 2 && sc->setup_count == 0 && sc->mutex_count == 0);
  assert_true(sc->groups[1].body_count <= 4);
  assert_true(has_line(&s, "goroutine left left out") && has_line(&s, "goroutine right left out"));
  scenario_free(sc);
  xp_shrunk_free(&s);
}

/* A shrinker that takes any failure for the one it was given ends with another: it is told by what
 * the run says. */
static void a_broken_judge_is_caught(void **state) {
  (void)state;
  struct xp_shrunk s;
  struct plat_model_outcome o = smallest_failure(any_failure, &s);
  assert_null(strstr(o.message, "heap verifier"));
  assert_int_equal(o.end, PLAT_MODEL_DEADLOCK);
  xp_shrunk_free(&s);
}

static bool is_asked(void *arg) {
  uint32_t *questions = arg;
  if (*questions > 0) (*questions)--;
  return *questions == 0;
}

static void a_request_ends_it(void **state) {
  (void)state;
  struct scenario *sc = load(TWO_BUGS);
  struct xp_config c = config_of(sc);
  struct xp_bug bug = {.outcome = {.end = PLAT_MODEL_DEADLOCK}, .decisions = 200,
                       .runs = XP_AGAIN_RUNS, .text = "", .is_same = any_failure};
  uint32_t questions = 2;
  struct xp_shrunk s = {.scenario = NULL};
  assert_int_equal(xp_variant_prepare(&engine, sc), TRI_EXIT_OK);
  c.stop = is_asked;
  c.stop_arg = &questions;
  xp_smaller(&engine, sc, &c, &bug, BUDGET_NS, &s);
  assert_true(!s.is_smallest && s.is_asked && s.tried <= 3);
  plat_model_leave();
  scenario_free(sc);
  xp_shrunk_free(&s);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_whole_is_the_whole),
      cmocka_unit_test(what_hangs_on_a_part_goes_with_it),
      cmocka_unit_test(only_what_matters_is_left),
      cmocka_unit_test(time_ends_it),
      cmocka_unit_test(nothing_smaller_is_said),
      cmocka_unit_test(the_same_bug_is_left),
      cmocka_unit_test(a_broken_judge_is_caught),
      cmocka_unit_test(a_request_ends_it),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
