/* A whole runtime as the world: what is told of a lost object when there is no barrier. */
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gc/look.h"
#include "runtime/check.h"
#include "runtime/event.h"
#include "sched/go.h"
#include "sims/explore/names_engine.h"
#include "sims/explore/violation.h"

enum { PROCS = 2, ROUNDS = 20 };

/* A refers to B. The mutator takes B out of A and puts it back while the collector marks. */
static PLAT_STATE struct {
  void *root;                 /* a global root: A */
  struct go_waitgroup done;
} w;
static const uint64_t node_mask = 1;
static struct gc_type node_type = {
    .name = "node", .size = 16, .ptrdata = 8, .mask = &node_mask};

static void mutate(struct go_g *g, void *arg, void *heap_arg) {
  struct gc_mutator *mu = go_mu(g);
  (void)arg;
  (void)heap_arg;
  GC_ROOTS(mu, own, 1);
  for (int round = 0; round < ROUNDS; round++) {
    gc_poll(mu);
    own[0] = gc_load((void **)w.root);
    gc_store(mu, (void **)w.root, NULL);
    gc_poll(mu);
    gc_store(mu, (void **)w.root, own[0]);
    own[0] = NULL;
  }
  GC_ROOTS_END(mu, own);
  go_waitgroup_done(g, &w.done);
}

static void main_goroutine(struct go_g *g, void *arg, void *heap_arg) {
  struct gc_mutator *mu = go_mu(g);
  (void)arg;
  (void)heap_arg;
  gc_start(mu);
  gc_add_global_roots(&w.root, 1);
  gc_store(mu, &w.root, gc_alloc(mu, &node_type));
  void *b = gc_alloc(mu, &node_type);
  gc_store(mu, (void **)w.root, b);
  go_waitgroup_add(g, &w.done, 1);
  go_spawn(g, "mutator", mutate, NULL, NULL);
  plat_model_mark();
  gc_collect(mu);
  go_waitgroup_wait(g, &w.done);
  plat_model_finish_run();
}

static int run_world(void *arg) {
  struct gc_config gc;
  struct go_config go;
  (void)arg;
  gc_config_default(&gc);
  gc.barrier = "none";
  gc.check = true;
  gc.gogc = -1;
  go_config_default(&go);
  go.procs = PROCS;
  if (ev_init(PROCS + 1, 64) != RT_OK || gc_init(&gc, go_world_ops()) != RT_OK) return 1;
  gc_type_register(&node_type);
  return go_run(&go, main_goroutine, NULL) == RT_OK ? 0 : 1;
}

static struct xp_config config(void) {
  struct xp_config c;
  xp_config_default(&c);
  c.classes = 1 << PLAT_CLASS_BARRIER | 1 << PLAT_CLASS_MARKER;
  return c;
}

static bool find(struct xp_run *r) {
  static const struct xp_profile length = {.threads = 3, .decisions = 300};
  const struct xp_strategy *s = xp_strategy_find("pct");
  struct xp_config c = config();
  bool found = false;
  c.profile = &length;
  struct xp_chooser *x = s->open(&c);
  for (uint64_t i = 0; i < 20000 && !found; i++) {
    s->begin(x, i);
    xp_run(x, &c, r);
    s->end(x, r);
    found = xp_run_fails(r) && r->outcome.kind == RT_END_VIOLATION;
  }
  s->close(x);
  return found;
}

static const char *name_of(const void *object, void *arg) {
  (void)arg;
  return object == w.root ? "A" : NULL;
}

static const void *declared(uint32_t index, void *arg) {
  (void)arg;
  return index == 0 ? w.root : NULL;
}

static bool has_line(const struct xp_lines *l, const char *part) {
  for (uint32_t i = 0; i < l->count; i++)
    if (strstr(l->line[i], part) != NULL) return true;
  return false;
}

static void a_lost_object_is_told(void **state) {
  (void)state;
  struct xp_run r = {.decisions = NULL};
  struct xp_schedule s = {.build = xp_build_key()};
  struct xp_engine_names engine = {
      .procs = PROCS, .program = {.object = name_of, .declared = declared}, .faults = "a fault"};
  struct xp_names names;
  struct xp_trace t = {.count = 0};
  struct xp_config c = config();
  struct xp_minimise_config m;
  int status;
  assert_true(plat_model_prepare(run_world, NULL, &status));
  assert_true(find(&r));
  xp_minimise_config_default(&m, &c);
  xp_names_engine(&names, &engine);
  struct xp_finding f = {.kind = "violation", .strategy = "pct", .name = "engine",
                         .scenario = "{}", .search = &c, .minimise = &m, .names = &names};
  cJSON *v = xp_violation(&s, &r, &f, &t);
  assert_non_null(v);
  char *text = cJSON_PrintUnformatted(v);
  if (getenv("SHOW") != NULL) puts(text);
  assert_true(t.row_count > 3 && t.row_count <= XP_ROWS_MAX);
  assert_true(has_line(&t.why, "node@10 is not marked, but reachable: "));
  assert_true(has_line(&t.why, "-> node@10"));
  assert_true(has_line(&t.why, "last store that took it away: A.0: node@10 -> nil"));
  assert_true(has_line(&t.why, "by mutator at step"));
  assert_true(has_line(&t.why, "barrier none does not shade what a store overwrites"));
  assert_true(has_line(&t.why, "overwrites (faults: a fault)"));
  assert_true(has_line(&t.why, "node@10 never"));
  assert_non_null(strstr(text, "\"A is scanned\""));
  assert_non_null(strstr(text, "gc phase: off -> mark"));
  free(text);
  cJSON_Delete(v);
  xp_trace_free(&t);
  xp_schedule_free(&s);
  xp_run_free(&r);
  plat_model_leave();
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(a_lost_object_is_told)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
