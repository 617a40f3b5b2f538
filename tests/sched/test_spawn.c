/* Goroutines begin, yield, end; every one runs once and is accounted for. */
#include "support.h"

struct crowd {
  struct go_waitgroup done;
  struct at_u64 sum;
  uint64_t count;
  uint32_t yields;
  struct go_totals totals;
};

static void member(struct go_g *g, void *arg, void *heap_arg) {
  struct crowd *crowd = arg;
  rt_assert(heap_arg == NULL);
  for (uint32_t i = 0; i < crowd->yields; i++) go_yield(g);
  rt_assert(go_id(g) > 1);
  at_u64_add_relaxed(&crowd->sum, 1);
  go_waitgroup_done(g, &crowd->done);
}

static void crowd_main(struct go_g *g, void *arg, void *heap_arg) {
  struct crowd *crowd = arg;
  (void)heap_arg;
  rt_assert(go_id(g) == 1);
  go_waitgroup_add(g, &crowd->done, (int32_t)crowd->count);
  for (uint64_t i = 0; i < crowd->count; i++) go_spawn(g, "member", member, crowd, NULL);
  go_waitgroup_wait(g, &crowd->done);
}

static void run_crowd(uint32_t procs, uint64_t count, uint32_t yields, uint64_t slice_ns) {
  struct crowd crowd = {.count = count, .yields = yields};
  struct go_config config;
  struct go_totals totals;
  go_config_default(&config);
  config.procs = procs;
  config.stack_bytes = 16 << 10;
  config.slice_ns = slice_ns;
  test_go_with(&config, crowd_main, &crowd, &totals);
  assert_int_equal(at_u64_load_relaxed(&crowd.sum), count);
  assert_int_equal(totals.goroutines_created, count + 2); /* main and the periodic collector */
  assert_true(totals.switches >= count * (yields + 1));
}

static void test_many(void **state) {
  (void)state;
  /* ThreadSanitizer takes a millisecond for every stack. */
  uint64_t full = strcmp(SAN_NAME, "thread") == 0 ? 4000 : 100000;
  uint64_t count = test_is_model ? 200 : test_scaled(full);
  TEST_FOR_PROCS(procs) run_crowd(procs, count, 1, 10000000);
}

static void test_yields(void **state) {
  (void)state;
  uint64_t count = test_is_model ? 20 : 100;
  TEST_FOR_PROCS(procs) run_crowd(procs, count, (uint32_t)test_scaled(500), 100000);
}

/* ---- the order on one P ---------------------------------------------------------------------- */

/* Go's: who yields goes to the tail of the global queue, behind everything in the P's own queue,
 * also what comes there later; every 61st turn looks at the global queue first. */
struct order {
  char log[16];
  uint32_t length;
  uint64_t turns; /* of busy before main had its next one */
  bool is_over;
};

static void order_add(struct order *o, char c) {
  rt_assert(o->length + 1 < sizeof o->log);
  o->log[o->length++] = c;
}

static void order_leaf(struct go_g *g, void *arg, void *heap_arg) {
  (void)heap_arg;
  order_add(arg, go_name(g)[0]);
}

static void order_parent(struct go_g *g, void *arg, void *heap_arg) {
  (void)heap_arg;
  order_add(arg, 'P');
  go_spawn(g, "a", order_leaf, arg, NULL);
  go_spawn(g, "b", order_leaf, arg, NULL);
  go_yield(g);
  order_add(arg, 'p');
}

/* After a peak the stacks nobody asks for any more are given back, and can be used again. */
enum { PEAK_STACK_BYTES = 8192 };

struct peak {
  struct go_sema hold;
  struct go_waitgroup done;
};

static void peak_member(struct go_g *g, void *arg, void *heap_arg) {
  struct peak *p = arg;
  uint8_t bytes[PEAK_STACK_BYTES];
  (void)heap_arg;
  memset(bytes, 0x5a, sizeof bytes);
  go_sema_acquire(g, &p->hold, false);
  rt_assert(plat_ld(&bytes[go_id(g) % PEAK_STACK_BYTES]) == 0x5a);
  go_waitgroup_done(g, &p->done);
}

/* However it is scaled: more than are kept ready for use, by all and by each P. */
static void make_peak(struct go_g *g, struct peak *p) {
  int32_t peak = 500 + (int32_t)test_scaled(1500);
  go_waitgroup_add(g, &p->done, peak);
  for (int32_t i = 0; i < peak; i++) go_spawn(g, "peak", peak_member, p, NULL);
  for (int32_t i = 0; i < peak; i++) go_sema_release(g, &p->hold, false);
  go_waitgroup_wait(g, &p->done);
}

/* How many are clean; all their stacks must be. */
static uint64_t count_clean(void) {
  plat_mutex_lock(&go_sched.lock);
  uint64_t count = go_sched.free_clean.count;
  for (const struct go_g *g = go_sched.free_clean.head; g != NULL; g = g->next)
    for (size_t i = 0; i < g->stack_bytes; i += 512) rt_assert(g->stack_low[i] == 0);
  plat_mutex_unlock(&go_sched.lock);
  return count;
}

static void peak_main(struct go_g *g, void *arg, void *heap_arg) {
  struct peak p = {0};
  (void)arg, (void)heap_arg;
  make_peak(g, &p);
  uint64_t clean = count_clean();
  for (int i = 0; i < 3000 && clean == 0; i++, clean = count_clean()) go_sleep_ns(g, 10000000);
  rt_assert(clean > 0);
  make_peak(g, &p);
}

static void test_peak(void **state) {
  (void)state;
  test_go(1, peak_main, NULL);
  test_go(2, peak_main, NULL);
}

static void busy(struct go_g *g, void *arg, void *heap_arg) {
  struct order *o = arg;
  (void)heap_arg;
  for (; !o->is_over; o->turns++) go_yield_local(g); /* the own queue is never empty */
}

static void order_main(struct go_g *g, void *arg, void *heap_arg) {
  struct order *o = arg;
  (void)heap_arg;
  for (int i = 0; i < 3; i++) go_yield(g); /* away from turn 0 */
  go_spawn(g, "parent", order_parent, o, NULL);
  go_yield(g);
  order_add(o, 'm');
  go_yield(g);
  go_spawn(g, "busy", busy, o, NULL);
  go_spawn(g, "busy", busy, o, NULL);
  go_yield(g);
  o->is_over = true;
}

static void test_order(void **state) {
  struct order o = {.length = 0};
  struct go_config config;
  (void)state;
  go_config_default(&config);
  config.procs = 1;
  config.slice_ns = 3600000000000; /* nobody is preempted */
  test_go_with(&config, order_main, &o, NULL);
  assert_string_equal(o.log, "Pbamp");
  assert_in_range(o.turns, 1, 61);
}

/* ---- a goroutine's heap argument is rooted for its whole life -------------------------------- */

static uint64_t pair_mask[] = {1};
static PLAT_STATE struct gc_type pair_type = {
    .name = "pair", .size = 16, .ptrdata = 8, .mask = pair_mask};

static void holder(struct go_g *g, void *arg, void *heap_arg) {
  struct go_waitgroup *done = arg;
  rt_assert(g->mu.frames != NULL && g->mu.frames->count == 1);
  rt_assert(g->mu.frames->slots[0] == heap_arg);
  rt_assert(((uint64_t *)heap_arg)[1] == 77);
  go_waitgroup_done(g, done);
}

static void heap_arg_main(struct go_g *g, void *arg, void *heap_arg) {
  struct go_waitgroup done = {0};
  (void)arg, (void)heap_arg;
  gc_type_register(&pair_type);
  uint64_t *pair = gc_alloc(&g->mu, &pair_type);
  pair[1] = 77;
  go_waitgroup_add(g, &done, 1);
  go_spawn(g, "holder", holder, &done, pair);
  go_waitgroup_wait(g, &done);
}

static void test_heap_arg(void **state) {
  (void)state;
  TEST_FOR_PROCS(procs) test_go(procs, heap_arg_main, NULL);
}

/* ---- the end of main ends the run, whatever others do ---------------------------------------- */

static void spinner(struct go_g *g, void *arg, void *heap_arg) {
  (void)arg, (void)heap_arg;
  for (;;) {
    gc_poll(&g->mu);
    plat_relax();
  }
}

static void sleeper(struct go_g *g, void *arg, void *heap_arg) {
  (void)arg, (void)heap_arg;
  go_sleep_ns(g, 3600000000000);
}

static void blocked(struct go_g *g, void *arg, void *heap_arg) {
  (void)arg, (void)heap_arg;
  go_park(g, NULL, "for ever");
}

static void abandon_main(struct go_g *g, void *arg, void *heap_arg) {
  (void)arg, (void)heap_arg;
  for (int i = 0; i < 6; i++) {
    go_spawn(g, "spinner", spinner, NULL, NULL);
    go_spawn(g, "sleeper", sleeper, NULL, NULL);
    go_spawn(g, "blocked", blocked, NULL, NULL);
  }
  go_sleep_ns(g, 200000);
  go_yield(g);
}

/* A short slice: main waits for one of each spinner, every turn of which is a step in the model. */
static void test_abandon(void **state) {
  (void)state;
  struct go_config config;
  go_config_default(&config);
  config.stack_bytes = 64 << 10;
  config.slice_ns = 200000;
  uint64_t rounds = (test_scaled(100) + 19) / 20;
  for (uint64_t round = 0; round < rounds; round++) {
    TEST_FOR_PROCS(procs) {
      config.procs = procs;
      test_go_with(&config, abandon_main, NULL, NULL);
    }
  }
}

static void nothing_main(struct go_g *g, void *arg, void *heap_arg) {
  (void)g, (void)arg, (void)heap_arg;
}

static void test_many_runs(void **state) {
  (void)state;
  uint64_t rounds = test_scaled(100);
  for (uint64_t i = 0; i < rounds; i++) test_go(1 + (uint32_t)(i % 4), nothing_main, NULL);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_many),      cmocka_unit_test(test_yields),
      cmocka_unit_test(test_heap_arg),  cmocka_unit_test(test_abandon),
      cmocka_unit_test(test_many_runs), cmocka_unit_test(test_order),
      cmocka_unit_test(test_peak),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
