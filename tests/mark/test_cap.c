/* At the memory cap: garbage is collected and the run goes on, live objects end it. */
#include <string.h>

#include "runtime/rng.h"
#include "tests/mark/support.h"

enum { MIB = 1 << 20, CAP_BYTES = 16 * MIB, MEMBERS = 4, WINDOW = 64, LARGE_BYTES = 64 << 10 };

static const uint64_t node_mask[] = {1};
static PLAT_STATE struct gc_type node_type = {
    .name = "test.node", .size = 64, .ptrdata = 8, .mask = node_mask};

struct churn {
  struct go_waitgroup done;
  uint64_t rounds;
};

static void *make(struct gc_mutator *mu, uint32_t draw) {
  if (draw == 0) return gc_alloc_array(mu, &node_type, LARGE_BYTES / node_type.size);
  if (draw == 1) return gc_alloc_bytes(mu, LARGE_BYTES);
  if (draw < 200) return gc_alloc_bytes(mu, 1 + draw % 40);
  return gc_alloc(mu, &node_type);
}

/* Keeps the last WINDOW objects, each holding the one before it of this goroutine if it can. */
static void churn_member(struct go_g *g, void *arg, void *heap_arg) {
  struct churn *c = arg;
  struct gc_mutator *mu = go_mu(g);
  uint64_t rng = go_id(g);
  (void)heap_arg;
  GC_ROOTS(mu, keep, WINDOW);
  for (uint64_t i = 0; i < c->rounds; i++) {
    uint32_t draw = rng_fastrandn(&rng, 1000);
    keep[i % WINDOW] = NULL;
    keep[i % WINDOW] = make(mu, draw);
    if (draw >= 200) gc_store(mu, keep[i % WINDOW], keep[rng_fastrandn(&rng, WINDOW)]);
    if (i % 512 == 0) memset(keep, 0, WINDOW * sizeof *keep); /* chains do not grow for ever */
  }
  GC_ROOTS_END(mu, keep);
  go_waitgroup_done(g, &c->done);
}

static void churn_main(struct go_g *g, void *arg, void *heap_arg) {
  struct churn c = {.rounds = *(uint64_t *)arg};
  (void)heap_arg;
  gc_type_register(&node_type);
  go_waitgroup_add(g, &c.done, MEMBERS);
  for (int i = 0; i < MEMBERS; i++) go_spawn(g, "churn", churn_member, &c, NULL);
  go_waitgroup_wait(g, &c.done);
}

static struct run capped(go_fn *main) {
  struct run r = run_default(main);
  r.gc.memory_cap_bytes = CAP_BYTES;
  r.gc.gogc = -1; /* nothing but the cap asks for a collection */
  return r;
}

static void test_garbage(void **state) {
  (void)state;
  uint64_t rounds = test_scaled(200000);
  for (uint32_t procs = 1; procs <= 3; procs++) {
    struct outcome out;
    struct run r = capped(churn_main);
    r.procs = procs;
    r.arg = &rounds;
    run_expect_ok(&r, &out);
    if (test_is_full()) assert_true(out.totals.forced_cycles > 0);
    assert_int_equal(out.totals.cycles, out.totals.forced_cycles);
    assert_true(out.totals.heap_committed_bytes <= CAP_BYTES);
  }
}

/* A list that is never dropped; small nodes or large ones. */
static void hoard_main(struct go_g *g, void *arg, void *heap_arg) {
  uint64_t count = *(uint64_t *)arg;
  struct gc_mutator *mu = go_mu(g);
  (void)heap_arg;
  gc_type_register(&node_type);
  GC_ROOTS(mu, root, 2);
  for (;;) {
    root[1] = count == 1 ? gc_alloc(mu, &node_type) : gc_alloc_array(mu, &node_type, count);
    gc_store(mu, root[1], root[0]);
    root[0] = root[1];
  }
}

static void check_hoard(uint64_t count, bool no_cycles) {
  struct outcome out;
  struct run r = capped(hoard_main);
  r.arg = &count;
  r.no_cycles = no_cycles;
  run_in_child(&r, &out);
  assert_true(out.ended);
  assert_int_equal(out.kind, RT_END_CAP);
  assert_int_equal(strstr(out.message, "a collection has not freed enough") == NULL, no_cycles);
}

static void test_live(void **state) {
  (void)state;
  check_hoard(1, false);
  check_hoard(LARGE_BYTES / 64, false);
  check_hoard(1, true); /* collection is not allowed yet */
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_garbage), cmocka_unit_test(test_live)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
