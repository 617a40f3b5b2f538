/* What the collector asks of the scheduler: stops, ragged barriers, suspensions; and preemption,
 * sleeping and idling. Covers INV sched.status, sched.running, sched.poll, sched.wake. */
#include "runtime/lockrank.h"
#include "support.h"

enum { MOST = 16 };

/* ---- stop the world -------------------------------------------------------------------------- */

struct stopping {
  struct at_u64 counter;         /* moved by goroutines that poll */
  struct at_u32 is_over;
  struct at_u32 ended;
  struct at_u32 at_work;         /* the slow one runs, without polling */
  struct gc_stop seen;           /* by the hook */
  uint32_t hooks;
  uint64_t long_ns;
};

static void counter(struct go_g *g, void *arg, void *heap_arg) {
  struct stopping *s = arg;
  (void)heap_arg;
  while (at_u32_load_acquire(&s->is_over) == 0) {
    at_u64_add_relaxed(&s->counter, 1);
    gc_poll(&g->mu);
    plat_relax();
  }
  at_u32_add_acqrel(&s->ended, 1);
}

static void on_stop(const struct gc_stop *stop, void *arg) {
  struct stopping *s = arg;
  s->seen = *stop;
  s->hooks++;
}

static void stop_main(struct go_g *g, void *arg, void *heap_arg) {
  struct stopping *s = arg;
  (void)heap_arg;
  go_set_stop_hook(on_stop, s);
  for (int i = 0; i < MOST; i++) go_spawn(g, "counter", counter, s, NULL);
  uint32_t rounds = (uint32_t)test_scaled(test_is_model ? 20 : 60);
  for (uint32_t i = 0; i < rounds; i++) {
    struct gc_stop stop;
    if (i % 4 == 0) go_yield(g);
    uint64_t before = at_u64_load_relaxed(&s->counter);
    gc_world->stop(&g->mu, "test", &stop);
    uint64_t stopped = at_u64_load_relaxed(&s->counter);
    for (int k = 0; k < 100; k++) plat_relax();
    rt_assert(at_u64_load_relaxed(&s->counter) == stopped && stopped >= before);
    for (uint32_t k = 0; k < gc_world->procs(); k++)
      rt_assert(!gc_world->p_is_running(k));
    rt_assert(gc_world->stop_pending());
    uint64_t restarted = gc_world->start(&g->mu, &stop);
    rt_assert(s->hooks == i + 1 && s->seen.restarted_ns == restarted);
    rt_assert(s->seen.requested_ns <= s->seen.stopped_ns);
    rt_assert(s->seen.stopped_ns <= s->seen.restarted_ns);
    rt_assert((s->seen.last_goroutine == 0) == (s->seen.last_name == NULL));
    rt_assert(!gc_world->stop_pending());
  }
  go_set_stop_hook(NULL, NULL);
  at_u32_store_release(&s->is_over, 1);
  while (at_u32_load_acquire(&s->ended) < MOST) go_yield(g);
}

static void test_stop(void **state) {
  (void)state;
  TEST_FOR_PROCS(procs) {
    struct stopping s = {0};
    struct go_config config;
    struct go_totals totals;
    go_config_default(&config);
    config.procs = procs;
    config.slice_ns = 50000;
    test_go_with(&config, stop_main, &s, &totals);
    assert_int_equal(totals.stops, s.hooks);
  }
}

static uint32_t ps_to_stop(void) {
  plat_mutex_lock(&go_sched.lock);
  uint32_t left = go_sched.stop_wait;
  plat_mutex_unlock(&go_sched.lock);
  return left;
}

/* Does not poll until a stop has waited for long_ns, and for nobody else. */
static void long_stretch(struct go_g *g, void *arg, void *heap_arg) {
  struct stopping *s = arg;
  (void)heap_arg;
  at_u32_store_release(&s->at_work, 1);
  while (!gc_world->stop_pending()) plat_relax();
  uint64_t start = plat_now_ns();
  while (plat_now_ns() - start < s->long_ns || ps_to_stop() > 1) plat_relax();
  gc_poll(&g->mu);
  at_u32_add_acqrel(&s->ended, 1);
}

/* The goroutine that does not poll delays the stop and is named. It runs on another P, which takes
 * it because this one does not let go of its own (sched.wake). */
static void long_main(struct go_g *g, void *arg, void *heap_arg) {
  struct stopping *s = arg;
  struct gc_stop stop;
  (void)heap_arg;
  uint64_t slow_id = go_id(go_spawn(g, "slow", long_stretch, s, NULL));
  while (at_u32_load_acquire(&s->at_work) == 0) plat_relax();
  gc_world->stop(&g->mu, "test", &stop);
  gc_world->start(&g->mu, &stop);
  rt_assert(stop.last_goroutine == slow_id);
  rt_assert(strcmp(stop.last_name, "slow") == 0);
  rt_assert(stop.stopped_ns - stop.requested_ns >= s->long_ns);
  while (at_u32_load_acquire(&s->ended) == 0) go_yield(g);
}

static void test_slow_stop(void **state) {
  (void)state;
  for (uint32_t procs = 2; procs <= 8; procs *= 2) {
    struct stopping s = {.long_ns = 20000000};
    test_go(procs, long_main, &s);
  }
}

/* ---- ragged barriers ------------------------------------------------------------------------- */

struct ragged {
  struct stopping s;
  uint32_t runs[8];      /* by P; each only changed on that P, or for it while it is idle */
};

static void count_p(struct gc_p *p, void *arg) {
  struct ragged *r = arg;
  r->runs[p->index]++;
}

static void ragged_main(struct go_g *g, void *arg, void *heap_arg) {
  struct ragged *r = arg;
  (void)heap_arg;
  uint32_t rounds = (uint32_t)test_scaled(test_is_model ? 20 : 60);
  for (int i = 0; i < 3; i++) go_spawn(g, "counter", counter, &r->s, NULL); /* some Ps stay idle */
  for (uint32_t i = 1; i <= rounds; i++) {
    gc_world->for_each_p(&g->mu, count_p, r);
    for (uint32_t k = 0; k < gc_world->procs(); k++) rt_assert(r->runs[k] == i);
    if (i % 16 == 0) go_sleep_ns(g, 1000);
  }
  at_u32_store_release(&r->s.is_over, 1);
}

static void test_ragged(void **state) {
  (void)state;
  TEST_FOR_PROCS(procs) {
    struct ragged r = {0};
    test_go(procs, ragged_main, &r);
  }
}

/* ---- suspensions ----------------------------------------------------------------------------- */

struct storm {
  struct at_u32 is_over, ended;
  uint64_t rounds;
  struct go_sema sema;
  uint64_t scans[4];
};

/* Keeps its root slot and a copy in step, except where it cannot be suspended. */
static void victim(struct go_g *g, void *arg, void *heap_arg) {
  struct storm *s = arg;
  (void)heap_arg;
  GC_ROOTS(&g->mu, root, 2);
  for (uintptr_t i = 1; at_u32_load_acquire(&s->is_over) == 0; i++) {
    root[0] = (void *)(i * 8);
    if (i % 7 == 0) plat_relax(); /* between the two stores: no safepoint */
    root[1] = (void *)(i * 8);
    switch (i % 5) {
      case 0: go_yield(g); break;
      case 1: go_sema_release(g, &s->sema, false); break;
      case 2: go_sema_acquire(g, &s->sema, false); break;
      case 3: if (i % 64 == 3) go_sleep_ns(g, 1000); break;
      default: gc_poll(&g->mu);
    }
  }
  GC_ROOTS_END(&g->mu, root);
  go_sema_release(g, &s->sema, false);
  at_u32_add_acqrel(&s->ended, 1);
}

static bool scan(struct gc_mutator *target) {
  bool found = false;
  for (struct gc_frame *f = target->frames; f != NULL; f = f->prev) {
    if (f->count != 2) continue;
    rt_assert(f->slots[0] == f->slots[1]);
    found = true;
  }
  return found;
}

struct scanner {
  struct storm *s;
  uint32_t index;
};

/* Like a mark worker: may itself be suspended by the others while it waits for its target. */
static void scanner(struct gc_mutator *mu, void *arg) {
  struct scanner *me = arg;
  struct storm *s = me->s;
  GC_ROOTS(mu, own, 2);
  for (uint64_t i = 0; i < s->rounds; i++) {
    uint64_t count = gc_world->stacks_count();
    struct gc_mutator *target = gc_world->stack_at((i * 7 + me->index) % count);
    own[0] = own[1] = (void *)(uintptr_t)(i * 16);
    gc_world->scannable_begin(mu);
    if (target != mu && gc_world->suspend(mu, target)) {
      s->scans[me->index] += scan(target);
      gc_world->resume(target);
    }
    gc_world->scannable_end(mu);
    gc_poll(mu);
  }
  GC_ROOTS_END(mu, own);
  at_u32_add_acqrel(&s->ended, 1);
}

static void storm_main(struct go_g *g, void *arg, void *heap_arg) {
  struct storm *s = arg;
  struct scanner scanners[4];
  (void)heap_arg;
  for (int i = 0; i < MOST; i++) go_spawn(g, "victim", victim, s, NULL);
  for (uint32_t i = 0; i < 4; i++) {
    scanners[i] = (struct scanner){s, i};
    struct gc_mutator *mu = gc_world->spawn(&g->mu, "scanner", scanner, &scanners[i]);
    rt_assert(mu->is_system);
  }
  while (at_u32_load_acquire(&s->ended) < 4) {
    struct gc_stop stop;
    go_sleep_ns(g, 100000);
    gc_world->stop(&g->mu, "storm", &stop);
    gc_world->start(&g->mu, &stop);
    go_sema_release(g, &s->sema, false);
  }
  at_u32_store_release(&s->is_over, 1);
  while (at_u32_load_acquire(&s->ended) < 4 + MOST) {
    go_sema_release(g, &s->sema, false);
    go_yield(g);
  }
}

static void test_storm(void **state) {
  (void)state;
  TEST_FOR_PROCS(procs) {
    struct storm s = {.rounds = test_scaled(test_is_model ? 100 : 400)};
    struct go_config config;
    go_config_default(&config);
    config.procs = procs;
    config.slice_ns = 200000;
    test_go_with(&config, storm_main, &s, NULL);
    assert_true(s.scans[0] > 0);
  }
}

/* ---- preemption ------------------------------------------------------------------------------ */

struct tight {
  struct at_u32 is_over;
  uint64_t polls;
};

static void tight_loop(struct go_g *g, void *arg, void *heap_arg) {
  struct tight *t = arg;
  (void)heap_arg;
  while (at_u32_load_acquire(&t->is_over) == 0) {
    gc_poll(&g->mu);
    plat_charge(PLAT_COST_compute, 10000);
    t->polls++;
  }
}

/* One P: main gets its turn only because sysmon takes the P from the loop. */
static void tight_main(struct go_g *g, void *arg, void *heap_arg) {
  struct tight *t = arg;
  (void)heap_arg;
  go_spawn(g, "tight", tight_loop, t, NULL);
  for (int i = 0; i < 5; i++) go_yield(g);
  at_u32_store_release(&t->is_over, 1);
}

static void test_preemption(void **state) {
  (void)state;
  struct tight t = {0};
  struct go_config config;
  struct go_totals totals;
  go_config_default(&config);
  config.procs = 1;
  config.slice_ns = 1000000;
  test_go_with(&config, tight_main, &t, &totals);
  assert_true(totals.preemptions >= 4);
  assert_true(t.polls > 0);
}

/* What runs again after all Ps were idle is watched, though neither a timer nor a restart of the
 * world has woken it. The Ps idle for longer than sysmon's short sleeps: it sleeps deeply. */
struct watched {
  struct tight tight;
  struct go_g *main;
  struct plat_mutex lock;
  struct plat_thread waker;
  uint64_t took_ns;
};

static void watched_waker(void *arg) {
  struct watched *w = arg;
  plat_sleep_ns(100000000);
  plat_mutex_lock(&w->lock);
  plat_mutex_unlock(&w->lock); /* it is parked */
  go_ready_on(NULL, w->main, false);
}

static void far_sleeper(struct go_g *g, void *arg, void *heap_arg) {
  (void)arg, (void)heap_arg;
  go_sleep_ns(g, UINT64_C(3600) * 1000000000); /* not a deadlock */
}

static void watched_main(struct go_g *g, void *arg, void *heap_arg) {
  struct watched *w = arg;
  (void)heap_arg;
  w->main = g;
  go_spawn(g, "far", far_sleeper, NULL, NULL);
  go_yield(g);
  plat_mutex_lock(&w->lock);
  rt_assert(plat_thread_start(&w->waker, "waker", watched_waker, w) == RT_OK);
  go_park(g, &w->lock, "test");
  plat_thread_join(&w->waker); /* which may have started an M */
  go_spawn(g, "tight", tight_loop, &w->tight, NULL);
  uint64_t begin_ns = plat_now_ns();
  go_yield(g);
  w->took_ns = plat_now_ns() - begin_ns;
  at_u32_store_release(&w->tight.is_over, 1);
}

static void test_watch(void **state) {
  (void)state;
  struct watched w = {0};
  struct go_config config;
  struct go_totals totals;
  plat_mutex_init(&w.lock, RT_RANK_TEST, "test");
  go_config_default(&config);
  config.procs = 1;
  test_go_with(&config, watched_main, &w, &totals);
  assert_true(totals.preemptions >= 1);
  assert_true(w.took_ns < 30 * UINT64_C(1000000000));
}

/* While no_preempt is above 0 a poll does nothing, but the request stays. */
static void no_preempt_main(struct go_g *g, void *arg, void *heap_arg) {
  (void)arg, (void)heap_arg;
  uint32_t index = g->mu.p->index;
  g->mu.no_preempt++;
  gc_world->preempt_p(index);
  rt_assert(gc_world->preempt_pending(&g->mu));
  uint64_t switches = go_p_switches(go_p_of(g));
  gc_poll(&g->mu);
  rt_assert(gc_world->preempt_pending(&g->mu));
  rt_assert(go_p_switches(go_p_of(g)) == switches);
  g->mu.no_preempt--;
  gc_poll(&g->mu);
  rt_assert(!gc_world->preempt_pending(&g->mu));
  rt_assert(go_p_switches(go_p_of(g)) > switches);
}

static void test_no_preempt(void **state) {
  (void)state;
  test_go(1, no_preempt_main, NULL);
}

/* ---- sleeping -------------------------------------------------------------------------------- */

enum { SLEEPERS = 12 };

struct sleeping {
  struct go_waitgroup done;
  struct go_mutex lock;
  uint32_t order[SLEEPERS];
  uint64_t late_ns[SLEEPERS];
  uint32_t woken;
  uint64_t unit_ns;
  uint64_t start_ns;
};

struct sleeper {
  struct sleeping *s;
  uint32_t index;
  uint32_t units;
};

static void sleeper(struct go_g *g, void *arg, void *heap_arg) {
  struct sleeper *me = arg;
  struct sleeping *s = me->s;
  (void)heap_arg;
  uint64_t ns = me->units * s->unit_ns;
  uint64_t start = plat_now_ns(), blocked = go_blocked_ns(g);
  go_sleep_ns(g, ns);
  uint64_t slept = plat_now_ns() - start;
  blocked = go_blocked_ns(g) - blocked;
  rt_assert(slept >= ns);
  /* Natively the thread may lose its processor before the park begins. */
  rt_assert(!test_is_model || blocked >= ns - ns / 100);
  rt_assert(blocked <= slept + slept / 100 + 1000);
  go_mutex_lock(g, &s->lock);
  s->late_ns[me->index] = slept - ns;
  s->order[s->woken++] = me->index;
  go_mutex_unlock(g, &s->lock);
  go_waitgroup_done(g, &s->done);
}

static void sleeping_main(struct go_g *g, void *arg, void *heap_arg) {
  struct sleeping *s = arg;
  struct sleeper sleepers[SLEEPERS];
  (void)heap_arg;
  go_waitgroup_add(g, &s->done, SLEEPERS);
  for (uint32_t i = 0; i < SLEEPERS; i++) {
    sleepers[i] = (struct sleeper){s, i, 1 + i * 5 % SLEEPERS};
    go_spawn(g, "sleeper", sleeper, &sleepers[i], NULL);
  }
  go_waitgroup_wait(g, &s->done);
  for (uint32_t i = 0; i < SLEEPERS; i++) {
    /* In virtual time a wake-up costs what cost.def says, and nothing disturbs it. Natively two
     * sleepers may be found due together, and the one readied last runs first. */
    rt_assert(!test_is_model || 1 + s->order[i] * 5 % SLEEPERS == i + 1);
    rt_assert(!test_is_model || s->late_ns[i] < 20000);
  }
  go_sleep_ns(g, 0);
}

static void test_sleep(void **state) {
  (void)state;
  TEST_FOR_PROCS(procs) {
    struct sleeping s = {.unit_ns = test_is_model ? 1000000 : 5000000};
    test_go(procs, sleeping_main, &s);
  }
}

/* Equal times wake in the order in which the sleeps began; the heap itself, without a run. */
static int timer_body(void *arg) {
  uint64_t rng = *(uint64_t *)arg;
  enum { COUNT = 500 };
  static struct go_g g[COUNT];
  struct go_timers timers = {0};
  plat_mutex_init(&timers.lock, 20, "timers");
  plat_mutex_lock(&timers.lock);
  for (uint32_t i = 0; i < COUNT; i++) {
    g[i].mu.id = i;
    go_timers_add_locked(&timers, &g[i], 1 + rng_fastrandn(&rng, 50));
  }
  plat_mutex_unlock(&timers.lock);
  uint64_t when = 0, id = 0;
  for (uint32_t i = 0; i < COUNT; i++) {
    uint64_t first = at_u64_load_relaxed(&timers.first_ns);
    rt_assert(go_timers_take_due(&timers, first - 1) == NULL);
    struct go_g *next = go_timers_take_due(&timers, 1000);
    rt_assert(next->timer.when_ns == first);
    rt_assert(first > when || (first == when && next->mu.id > id));
    when = first;
    id = next->mu.id;
  }
  rt_assert(at_u64_load_relaxed(&timers.first_ns) == 0);
  rt_assert(go_timers_take_due(&timers, UINT64_MAX) == NULL);
  plat_mutex_destroy(&timers.lock);
  return 0;
}

static void test_timers(void **state) {
  (void)state;
  for (uint64_t seed = 1; seed <= 20; seed++) {
    test_platform_reset();
    assert_int_equal(plat_main(timer_body, &seed), 0);
  }
}

/* ---- idling: work from one P reaches the others, and nothing is lost while they fall asleep -- */

struct relay {
  struct go_sema there, back;
  uint64_t rounds;
};

static void relay_echo(struct go_g *g, void *arg, void *heap_arg) {
  struct relay *r = arg;
  (void)heap_arg;
  for (uint64_t i = 0; i < r->rounds; i++) {
    go_sema_acquire(g, &r->there, false);
    go_sema_release(g, &r->back, false);
  }
}

static void relay_main(struct go_g *g, void *arg, void *heap_arg) {
  struct relay *r = arg;
  (void)heap_arg;
  go_spawn(g, "echo", relay_echo, r, NULL);
  for (uint64_t i = 0; i < r->rounds; i++) {
    go_sema_release(g, &r->there, false);
    if (i % 32 == 0) go_sleep_ns(g, 20000); /* everybody idles */
    go_sema_acquire(g, &r->back, false);
  }
}

static void test_idle(void **state) {
  (void)state;
  TEST_FOR_PROCS(procs) {
    struct relay r = {.rounds = test_scaled(test_is_model ? 100 : 3000)};
    test_go(procs, relay_main, &r);
  }
}

static void deadlock_member(struct go_g *g, void *arg, void *heap_arg) {
  (void)heap_arg;
  go_sema_acquire(g, arg, false);
}

static void deadlock_main(struct go_g *g, void *arg, void *heap_arg) {
  struct go_sema never = {0};
  (void)arg, (void)heap_arg;
  for (int i = 0; i < 5; i++) go_spawn(g, "member", deadlock_member, &never, NULL);
  go_sleep_ns(g, 2000000); /* a sleeper is no deadlock */
  go_sema_acquire(g, &never, false);
}

static void test_deadlock(void **state) {
  (void)state;
  TEST_FOR_PROCS(procs) {
    struct test_death death = test_die(procs, deadlock_main, NULL);
    assert_false(death.exited);
    assert_int_equal(death.kind, RT_END_DEADLOCK);
    assert_string_equal(death.message, "all goroutines are asleep - deadlock!");
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_stop),       cmocka_unit_test(test_slow_stop),
      cmocka_unit_test(test_ragged),     cmocka_unit_test(test_storm),
      cmocka_unit_test(test_preemption), cmocka_unit_test(test_watch),
      cmocka_unit_test(test_no_preempt),
      cmocka_unit_test(test_sleep),      cmocka_unit_test(test_timers),
      cmocka_unit_test(test_idle),       cmocka_unit_test(test_deadlock),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
