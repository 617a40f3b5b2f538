/* The model runs a schedule again exactly: same seed, same trace; another seed, another trace. */
#include "runtime/model/plat_model.h"
#include "support.h"

enum { MEMBERS = 6 };

struct mix {
  struct go_mutex lock;
  struct go_sema sema;
  struct go_waitgroup done;
  uint64_t seed;
  uint32_t procs;
  bool logs;         /* records every event */
  uint64_t counter;
};

static void member(struct go_g *g, void *arg, void *heap_arg) {
  struct mix *x = arg;
  (void)heap_arg;
  for (int i = 0; i < 40; i++) {
    uint32_t what = rng_fastrandn(&g->mu.p->fastrand, 5);
    go_mutex_lock(g, &x->lock);
    x->counter++;
    if (what == 0) go_yield(g);
    go_mutex_unlock(g, &x->lock);
    if (what == 1) go_sleep_ns(g, 1000 * (1 + rng_fastrandn(&g->mu.p->fastrand, 50)));
    if (what == 2) go_sema_release(g, &x->sema, true);
    if (what == 2) go_sema_acquire(g, &x->sema, false);
    gc_poll(&g->mu);
  }
  go_waitgroup_done(g, &x->done);
}

static void mix_main(struct go_g *g, void *arg, void *heap_arg) {
  struct mix *x = arg;
  (void)heap_arg;
  go_waitgroup_add(g, &x->done, MEMBERS);
  for (int i = 0; i < MEMBERS; i++) go_spawn(g, "member", member, x, NULL);
  for (int i = 0; i < 5; i++) {
    struct gc_stop stop;
    gc_world->stop(&g->mu, "mix", &stop);
    gc_world->start(&g->mu, &stop);
    go_sleep_ns(g, 10000);
  }
  go_waitgroup_wait(g, &x->done);
  rt_assert(x->counter == MEMBERS * 40);
}

static int mix_body(void *arg) {
  struct mix *x = arg;
  struct gc_config gc;
  struct go_config config;
  plat_seed(x->seed);
  gc_config_default(&gc);
  go_config_default(&config);
  config.procs = x->procs;
  rt_assert(ev_init(x->procs + 1, 1 << 14) == RT_OK);
  if (!x->logs) ev_set_mask(0);
  rt_assert(gc_init(&gc, go_world_ops()) == RT_OK);
  rt_assert(go_run(&config, mix_main, x) == RT_OK);
  gc_finish();
  ev_finish();
  return 0;
}

static struct plat_model_stats run(uint64_t seed, uint32_t procs, bool logs) {
  static struct mix mix; /* at the same address every time, like everything in the model */
  mix = (struct mix){.seed = seed, .procs = procs, .logs = logs};
  struct plat_model_stats stats;
  plat_model_reset();
  assert_int_equal(plat_main(mix_body, &mix), 0);
  plat_model_stats_read(&stats);
  return stats;
}

/* Neither a second run nor a log changes a schedule. */
static void check_repeat(uint32_t procs) {
  for (uint64_t seed = 1; seed <= 10; seed++) {
    struct plat_model_stats a = run(seed, procs, false), b = run(seed, procs, true);
    struct plat_model_stats other = run(seed + 100, procs, false);
    assert_true(a.steps > 1000);
    assert_int_equal(a.steps, b.steps);
    assert_true(a.trace_hash == b.trace_hash);
    assert_true(a.trace_hash != other.trace_hash);
  }
}

static void test_repeat(void **state) {
  (void)state;
  check_repeat(1);
  check_repeat(4);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_repeat)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
