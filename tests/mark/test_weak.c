/* Weak pointers: what they lead to, when they end, and the window at the end of marking in which
 * they must not become strong (Go issue 69803).
 * covers gc.weak */
#include <string.h>

#include "gc/concurrent/state.h"
#include "gc/weak.h"
#include "tests/mark/support.h"

static const uint64_t link_mask[] = {1};
static PLAT_STATE struct gc_type link_type = {
    .name = "link", .size = 64, .ptrdata = 8, .mask = link_mask};

static uint64_t *mark_of(void *object) { return (uint64_t *)object + 1; }

/* ---- one goroutine --------------------------------------------------------------------------- */

/* keep[0]: the object, keep[1]: its handle. */
static void lives_and_dies(struct gc_mutator *mu, void **keep, bool has_pointers) {
  keep[0] = has_pointers ? gc_alloc(mu, &link_type) : gc_alloc_bytes(mu, 64);
  *mark_of(keep[0]) = 77;
  keep[1] = gc_weak_make(mu, keep[0]);
  rt_assert(gc_weak_make(mu, keep[0]) == keep[1]);
  gc_collect(mu);
  rt_assert(gc_weak_get(mu, keep[1]) == keep[0] && *mark_of(keep[0]) == 77);
  keep[1] = NULL; /* the record holds the handle while the object lives */
  gc_collect(mu);
  keep[1] = gc_weak_make(mu, keep[0]);
  rt_assert(gc_weak_get(mu, keep[1]) == keep[0]);
  keep[0] = NULL;
  gc_collect(mu);
  rt_assert(gc_weak_get(mu, keep[1]) == NULL);
}

static void basic_main(struct go_g *g, void *arg, void *heap_arg) {
  (void)arg;
  (void)heap_arg;
  struct gc_mutator *mu = go_mu(g);
  gc_type_register(&link_type);
  GC_ROOTS(mu, keep, 2);
  for (int i = 0; i < 300; i++) lives_and_dies(mu, keep, i % 2 == 0); /* more than one block */
  keep[0] = gc_alloc_bytes(mu, 100000);
  keep[1] = gc_weak_make(mu, keep[0]);
  gc_collect(mu);
  rt_assert(gc_weak_get(mu, keep[1]) == keep[0]);
  keep[0] = NULL;
  gc_collect(mu);
  rt_assert(gc_weak_get(mu, keep[1]) == NULL);
  GC_ROOTS_END(mu, keep);
}

static void test_basic(void **state) {
  (void)state;
  for (uint32_t procs = 1; procs <= 2; procs++) {
    struct run r = run_default(basic_main);
    struct outcome out;
    r.procs = procs;
    run_expect_ok(&r, &out);
  }
}

/* ---- many goroutines ------------------------------------------------------------------------- */

enum { SHARED = 256, MEMBERS = 4 };

struct crowd {
  struct go_waitgroup done;
  void **weak;      /* handles; the array is rooted by the main goroutine */
  uint64_t rounds;
  struct at_u64 found, gone;
};

/* Follows weak pointers, holds what it finds for a while, makes new objects for those that died. */
static void crowd_member(struct go_g *g, void *arg, void *heap_arg) {
  struct crowd *c = arg;
  struct gc_mutator *mu = go_mu(g);
  uint64_t rng = go_id(g);
  (void)heap_arg;
  GC_ROOTS(mu, keep, 10);
  for (uint64_t i = 0; i < c->rounds; i++) {
    uint32_t at = rng_fastrandn(&rng, SHARED), hold = rng_fastrandn(&rng, 8);
    keep[8] = gc_load(&c->weak[at]);
    void *object = keep[8] == NULL ? NULL : gc_weak_get(mu, keep[8]);
    at_u64_add_relaxed(object == NULL ? &c->gone : &c->found, 1);
    if (object == NULL) {
      object = keep[hold] = gc_alloc(mu, &link_type);
      *mark_of(object) = 77;
      keep[9] = gc_weak_make(mu, object);
      gc_store(mu, &c->weak[at], keep[9]);
    }
    keep[hold] = object;
    for (int k = 0; k < 8; k++) rt_assert(keep[k] == NULL || *mark_of(keep[k]) == 77);
    gc_alloc_bytes(mu, 512);
    gc_poll(mu);
  }
  GC_ROOTS_END(mu, keep);
  go_waitgroup_done(g, &c->done);
}

static void crowd_main(struct go_g *g, void *arg, void *heap_arg) {
  struct crowd *c = arg;
  struct gc_mutator *mu = go_mu(g);
  (void)heap_arg;
  gc_type_register(&link_type);
  static PLAT_STATE struct gc_type slot_type = {
      .name = "slot", .size = 8, .ptrdata = 8, .mask = link_mask};
  gc_type_register(&slot_type);
  GC_ROOTS(mu, keep, 1);
  keep[0] = c->weak = gc_alloc_array(mu, &slot_type, SHARED);
  go_waitgroup_add(g, &c->done, MEMBERS);
  for (int i = 0; i < MEMBERS; i++) go_spawn(g, "crowd", crowd_member, c, NULL);
  go_waitgroup_wait(g, &c->done);
  GC_ROOTS_END(mu, keep);
  if (test_is_full()) rt_assert(at_u64_load_relaxed(&c->found) > 0);
  if (test_is_full()) rt_assert(at_u64_load_relaxed(&c->gone) > SHARED);
}

static void test_crowd(void **state) {
  (void)state;
  for (uint32_t i = 0; i < 6; i++) {
    struct crowd c = {.rounds = test_scaled(40000)};
    struct run r = run_default(crowd_main);
    struct outcome out;
    r.procs = 1 + i % 3 * 2;
    r.seed = i + 1;
    r.gc.gogc = 50;
    if (i == 3) r.gc.mode = GC_MODE_STW;
    if (i == 4) r.gc.barrier = "dijkstra";
    if (i == 5) r.gc.barrier = "yuasa";
    r.arg = &c;
    run_expect_ok(&r, &out);
  }
}

/* ---- the window ------------------------------------------------------------------------------ */

/* After the ragged barrier, before the world stops: another goroutine follows a weak pointer. */
static PLAT_STATE struct {
  struct gc_world_ops ops;
  void (*stop)(struct gc_mutator *self, const char *reason, struct gc_stop *out);
  bool is_blocked;      /* as it should be: nobody waits for the conversion */
  struct at_u32 turn;   /* 0: not yet, 1: the window is open, 2: converting, 3: converted,
                         * 4: the collection is over */
  struct at_u32 phase;  /* after the conversion */
  bool has_found;
} window;

static void wait_for_turn(uint32_t turn) {
  while (at_u32_load_acquire(&window.turn) < turn) plat_yield(); /* pairs with take_turn */
}

/* Turns go up only: who comes late does not take back what another has taken since. */
static void take_turn(uint32_t turn) {
  uint32_t now = at_u32_load_acquire(&window.turn); /* the exchange decides */
  while (now < turn && !at_u32_cas_acqrel(&window.turn, &now, turn)) continue; /* wait_for_turn */
}

static void poll_until(struct gc_mutator *mu, uint32_t turn) {
  for (; at_u32_load_acquire(&window.turn) < turn; plat_relax()) gc_poll(mu); /* as above */
}

static void open_window(struct gc_mutator *self, const char *reason, struct gc_stop *out) {
  if (strcmp(reason, "mark termination") == 0 && at_u32_load_acquire(&window.turn) == 0) {
    take_turn(1);
    wait_for_turn(window.is_blocked ? 2 : 3);
  }
  window.stop(self, reason, out);
}

static void convert(struct go_g *g, void *arg, void *heap_arg) {
  struct crowd *c = arg;
  struct gc_mutator *mu = go_mu(g);
  (void)heap_arg;
  GC_ROOTS(mu, keep, 2);
  poll_until(mu, 1);
  take_turn(2);
  keep[0] = gc_load(&c->weak[0]);
  keep[1] = gc_weak_get(mu, keep[0]);
  at_u32_store_relaxed(&window.phase, gc_phase());
  window.has_found = keep[1] != NULL;
  take_turn(3);
  poll_until(mu, 4); /* its P finds no time for a worker */
  GC_ROOTS_END(mu, keep);
  go_waitgroup_done(g, &c->done);
}

static void window_main(struct go_g *g, void *arg, void *heap_arg) {
  struct crowd *c = arg;
  struct gc_mutator *mu = go_mu(g);
  (void)heap_arg;
  gc_type_register(&link_type);
  GC_ROOTS(mu, keep, 3);
  keep[0] = c->weak = gc_alloc(mu, &link_type);
  keep[1] = gc_alloc(mu, &link_type);
  gc_store(mu, keep[1], gc_alloc(mu, &link_type));
  keep[2] = gc_weak_make(mu, keep[1]);
  gc_store(mu, keep[0], keep[2]);
  keep[1] = keep[2] = NULL;
  go_waitgroup_add(g, &c->done, 1);
  go_spawn(g, "converter", convert, c, NULL);
  gc_collect(mu);
  take_turn(4);
  go_waitgroup_wait(g, &c->done);
  GC_ROOTS_END(mu, keep);
}

static void run_window(struct run *r, struct crowd *c, struct outcome *out) {
  window.ops = *go_world_ops();
  window.stop = window.ops.stop;
  window.ops.stop = open_window;
  window.is_blocked = (r->gc.faults & gc_fault_bit(GC_FAULT_WEAK_UNBLOCKED)) == 0;
  r->procs = 2;
  r->ops = &window.ops;
  r->arg = c;
  run_in_child(r, out);
}

static void window_checked_main(struct go_g *g, void *arg, void *heap_arg) {
  window_main(g, arg, heap_arg);
  rt_assert(at_u32_load_relaxed(&window.phase) == GC_PHASE_OFF && !window.has_found);
}

static void test_window(void **state) {
  (void)state;
  struct crowd c = {.rounds = 0};
  struct run r = run_default(window_checked_main);
  struct outcome out;
  r.gc.late_work = GC_LATE_THROW;
  run_window(&r, &c, &out);
  if (!out.ok) print_error("%s\n", out.message);
  assert_true(out.ok);
  assert_int_equal(out.totals.mark_restarts, 0);
}

/* Not blocked, it is work out of nothing: marking goes on for it, or the policy tells. */
static void test_unblocked(void **state) {
  (void)state;
  struct crowd c = {.rounds = 0};
  struct run r = run_default(window_main);
  struct outcome out;
  r.gc.faults = gc_fault_bit(GC_FAULT_WEAK_UNBLOCKED);
  run_window(&r, &c, &out);
  assert_true(out.ok);
  assert_int_equal(out.totals.mark_restarts, 1);
  r.gc.late_work = GC_LATE_THROW;
  run_window(&r, &c, &out);
  assert_true(out.ended);
  assert_non_null(strstr(out.message, "late work"));
  r.gc.late_work = GC_LATE_DISCARD;
  run_window(&r, &c, &out);
  assert_true(out.ended);
  assert_non_null(strstr(out.message, "reachable object is not marked"));
}

/* Not shaded either: nothing remains of it but the pointer in a black frame. */
static void test_unshaded(void **state) {
  (void)state;
  struct crowd c = {.rounds = 0};
  struct run r = run_default(window_main);
  struct outcome out;
  r.gc.faults = gc_fault_bit(GC_FAULT_WEAK_UNBLOCKED) | gc_fault_bit(GC_FAULT_WEAK_UNSHADED);
  run_window(&r, &c, &out);
  assert_true(out.ended);
  assert_non_null(strstr(out.message, "reachable object is not marked"));
}

/* ---- the checker ----------------------------------------------------------------------------- */

static void wrong_main(struct go_g *g, void *arg, void *heap_arg) {
  (void)heap_arg;
  struct gc_mutator *mu = go_mu(g);
  gc_type_register(&link_type);
  GC_ROOTS(mu, keep, 2);
  keep[0] = gc_alloc(mu, &link_type);
  keep[1] = gc_weak_make(mu, keep[0]);
  struct gc_weak_handle *h = keep[1];
  at_u64_store_relaxed(&h->target, *(uint64_t *)arg == 0 ? 0 : (uint64_t)keep[1]);
  gc_collect(mu);
  GC_ROOTS_END(mu, keep);
}

static void test_checker(void **state) {
  (void)state;
  for (uint64_t wrong = 0; wrong < 2; wrong++) {
    struct run r = run_default(wrong_main);
    struct outcome out;
    r.arg = &wrong;
    run_in_child(&r, &out);
    assert_true(out.ended);
    assert_int_equal(out.kind, RT_END_VIOLATION);
    assert_non_null(strstr(out.message, "its record has another's handle"));
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_basic),     cmocka_unit_test(test_crowd),
      cmocka_unit_test(test_window),    cmocka_unit_test(test_unblocked),
      cmocka_unit_test(test_unshaded),  cmocka_unit_test(test_checker),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
