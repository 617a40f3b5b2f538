/* Every fault is reported by the verifier: a checker that has never failed proves nothing.
 * Also the re-check after the stop (issue 27993), made to happen. */
#include <string.h>

#include "gc/concurrent/state.h"
#include "gc/concurrent/wb.h"
#include "tests/mark/graph.h"
#include "tests/mark/numbers.h"
#include "tests/mark/support.h"

enum { SEEDS = 8 };

/* Some seed's run ends with a verifier's report of a lost object. */
static void expect_lost(struct run *r, const char *what) {
  struct outcome out;
  for (uint64_t seed = 1; seed <= SEEDS; seed++) {
    struct graph graph = {.seed = seed, .goroutines = 4, .operations = 60000, .window = 500,
                          .big = true};
    r->seed = seed;
    r->arg = &graph;
    run_in_child(r, &out);
    if (out.ok) continue;
    assert_true(out.ended);
    assert_int_equal(out.kind, RT_END_VIOLATION);
    assert_non_null(strstr(out.message, "heap verifier, cycle "));
    if (strstr(out.message, "marking was declared over; ") != NULL) return;
    assert_non_null(strstr(out.message, "reachable object is not marked"));
    assert_non_null(strstr(out.message, "; from "));
    return;
  }
  fail_msg("%s: %d seeds and nothing reported", what, SEEDS);
}

static struct run faulty(uint32_t procs) {
  struct run r = run_default(graph_main);
  r.procs = procs;
  r.gc.gogc = 50;
  return r;
}

static void test_barrier_off(void **state) {
  (void)state;
  for (uint32_t procs = 1; procs <= 2; procs++) {
    struct run r = faulty(procs);
    r.gc.faults = gc_fault_bit(GC_FAULT_BARRIER_NONE);
    expect_lost(&r, "barrier_off");
  }
}

static void test_barrier_none(void **state) {
  (void)state;
  struct run r = faulty(2);
  r.gc.barrier = "none";
  expect_lost(&r, "barrier none");
}

static void test_flush_skipped(void **state) {
  (void)state;
  for (uint32_t procs = 1; procs <= 2; procs++) {
    struct run r = faulty(procs);
    r.gc.faults = gc_fault_bit(GC_FAULT_FLUSH_SKIPPED_AT_STOP);
    expect_lost(&r, "flush_skipped_at_termination");
  }
}

static void test_allocate_white(void **state) {
  (void)state;
  for (uint32_t procs = 1; procs <= 2; procs++) {
    struct run r = faulty(procs);
    r.gc.faults = gc_fault_bit(GC_FAULT_ALLOCATE_WHITE);
    expect_lost(&r, "allocate_white");
  }
}

static void test_no_rescan(void **state) {
  (void)state;
  struct run r = faulty(2);
  r.gc.barrier = "dijkstra";
  r.gc.faults = gc_fault_bit(GC_FAULT_DIJKSTRA_NO_RESCAN);
  expect_lost(&r, "skip_stack_rescan");
}

static void test_root_skipped(void **state) {
  (void)state;
  struct run r = faulty(2);
  r.gc.faults = gc_fault_bit(GC_FAULT_ROOT_SKIPPED);
  expect_lost(&r, "skip_root");
}

/* ---- issue 27993 ---------------------------------------------------------------------------- */

static const uint64_t link_mask[] = {1};
static struct gc_type link_type = {.name = "link", .size = 16, .ptrdata = 8, .mask = link_mask};

/* Between the ragged barrier and the stop some P records a store of a white object: here an
 * unreachable one, which only this record makes live. */
static struct {
  struct gc_world_ops ops;
  void (*stop)(struct gc_mutator *self, const char *reason, struct gc_stop *out);
  uint32_t plants; /* stops to disturb */
  void *white;
} trap;

static void disturbed_stop(struct gc_mutator *self, const char *reason, struct gc_stop *out) {
  trap.stop(self, reason, out);
  if (strcmp(reason, "mark termination") != 0 || trap.plants == 0) return;
  trap.plants--;
  struct gc_wb_buffer *b = gc_world->p_at(gc_cc.procs - 1)->wb;
  rt_assert(b->next == 0 || gc_has_fault(GC_FAULT_NO_RAGGED_BARRIER));
  b->word[0] = (uintptr_t)trap.white;
  b->word[1] = 0;
  b->next = 2;
  trap.white = *(void **)trap.white; /* next time the one it leads to */
}

static void restart_main(struct go_g *g, void *arg, void *heap_arg) {
  (void)heap_arg;
  struct gc_mutator *mu = go_mu(g);
  gc_type_register(&link_type);
  GC_ROOTS(mu, keep, 1);
  keep[0] = gc_alloc(mu, &link_type);
  gc_store(mu, keep[0], gc_alloc(mu, &link_type));
  trap.white = keep[0];
  keep[0] = NULL;
  GC_ROOTS_END(mu, keep);
  trap.plants = *(uint32_t *)arg;
  gc_collect(mu);
  rt_assert(trap.plants == 0);
}

static void run_restart(uint32_t procs, uint32_t plants, struct run *r, struct outcome *out) {
  trap.ops = *go_world_ops();
  trap.stop = trap.ops.stop;
  trap.ops.stop = disturbed_stop;
  r->procs = procs;
  r->ops = &trap.ops;
  r->arg = &plants;
  run_in_child(r, out);
}

static void test_restart(void **state) {
  (void)state;
  for (uint32_t procs = 1; procs <= 4; procs *= 2) {
    struct run r = run_default(restart_main);
    struct outcome out;
    run_restart(procs, 1, &r, &out);
    assert_true(out.ok);
    assert_u64(out.totals.mark_restarts, 1);
    assert_u64(out.totals.cycles, 1);
  }
}

/* The second plant names an object the first one's restart has marked: no second restart. */
static void test_restart_ends(void **state) {
  (void)state;
  struct run r = run_default(restart_main);
  struct outcome out;
  run_restart(2, 2, &r, &out);
  assert_true(out.ok);
  assert_u64(out.totals.mark_restarts, 1);
}

/* Work that a fault or a policy leaves over when marking is declared over is told. */
static void test_leftovers(void **state) {
  static const struct {
    uint64_t faults;
    enum gc_late_work late_work;
    const char *message;
  } rows[] = {
      {UINT64_C(1) << GC_FAULT_NO_RECHECK, GC_LATE_RESTART, "processor 1 still has link at heap"},
      {UINT64_C(1) << GC_FAULT_FLUSH_BEFORE_LAST_STOPPED, GC_LATE_RESTART, "barrier buffer of"},
      {UINT64_C(1) << GC_FAULT_SWEEP_BEFORE_MARK_FINAL, GC_LATE_RESTART, "barrier buffer of"},
      {0, GC_LATE_DISCARD, "processor 1 still has grey objects"},
      {0, GC_LATE_THROW, "turned up at mark termination, with a processor"},
  };
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    struct run r = run_default(restart_main);
    struct outcome out;
    r.gc.faults = rows[i].faults;
    r.gc.late_work = rows[i].late_work;
    run_restart(2, 1, &r, &out);
    assert_true(out.ended);
    assert_int_equal(out.kind, RT_END_VIOLATION);
    if (strstr(out.message, rows[i].message) == NULL) print_error("%s\n", out.message);
    assert_non_null(strstr(out.message, rows[i].message));
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_barrier_off),   cmocka_unit_test(test_barrier_none),
      cmocka_unit_test(test_flush_skipped), cmocka_unit_test(test_allocate_white),
      cmocka_unit_test(test_no_rescan),     cmocka_unit_test(test_root_skipped),
      cmocka_unit_test(test_restart),       cmocka_unit_test(test_restart_ends),
      cmocka_unit_test(test_leftovers),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
