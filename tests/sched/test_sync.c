/* Mutex, rwmutex, semaphore, wait group. */
#include "support.h"

enum { MOST = 16 };

/* ---- mutual exclusion ------------------------------------------------------------------------ */

struct exclusion {
  struct go_mutex mutex;
  struct go_rwmutex rw;
  struct go_waitgroup done;
  uint64_t rounds;
  uint64_t counter;         /* the mutex; plain on purpose */
  struct at_u32 readers, writers;
  uint64_t value[2];        /* the rwmutex: always equal */
};

static void adder(struct go_g *g, void *arg, void *heap_arg) {
  struct exclusion *x = arg;
  (void)heap_arg;
  for (uint64_t i = 0; i < x->rounds; i++) {
    if (i % 8 != 7 || !go_mutex_try_lock(g, &x->mutex)) go_mutex_lock(g, &x->mutex);
    uint64_t seen = x->counter;
    if (i % 64 == 0) go_yield(g);
    x->counter = seen + 1;
    go_mutex_unlock(g, &x->mutex);
    gc_poll(&g->mu);
  }
  go_waitgroup_done(g, &x->done);
}

static void mutex_main(struct go_g *g, void *arg, void *heap_arg) {
  struct exclusion *x = arg;
  (void)heap_arg;
  go_waitgroup_add(g, &x->done, MOST);
  for (int i = 0; i < MOST; i++) go_spawn(g, "adder", adder, x, NULL);
  go_waitgroup_wait(g, &x->done);
  rt_assert(x->counter == MOST * x->rounds);
  rt_assert(go_mutex_try_lock(g, &x->mutex));
  rt_assert(!go_mutex_try_lock(g, &x->mutex));
  go_mutex_unlock(g, &x->mutex);
}

static void test_mutex(void **state) {
  (void)state;
  TEST_FOR_PROCS(procs) {
    struct exclusion x = {.rounds = test_scaled(test_is_model ? 50 : 4000)};
    test_go(procs, mutex_main, &x);
  }
}

static void reader_writer(struct go_g *g, void *arg, void *heap_arg) {
  struct exclusion *x = arg;
  (void)heap_arg;
  for (uint64_t i = 0; i < x->rounds; i++) {
    if ((i + go_id(g)) % 5 == 0) {
      go_rwmutex_lock(g, &x->rw);
      rt_assert(at_u32_add_acqrel(&x->writers, 1) == 0);
      rt_assert(at_u32_load_acquire(&x->readers) == 0);
      x->value[0]++;
      if (i % 16 == 0) go_yield(g);
      x->value[1]++;
      at_u32_add_acqrel(&x->writers, UINT32_MAX);
      go_rwmutex_unlock(g, &x->rw);
    } else {
      go_rwmutex_rlock(g, &x->rw);
      at_u32_add_acqrel(&x->readers, 1);
      rt_assert(at_u32_load_acquire(&x->writers) == 0);
      rt_assert(x->value[0] == x->value[1]);
      if (i % 16 == 1) go_yield(g);
      at_u32_add_acqrel(&x->readers, UINT32_MAX);
      go_rwmutex_runlock(g, &x->rw);
    }
  }
  go_waitgroup_done(g, &x->done);
}

static void rwmutex_main(struct go_g *g, void *arg, void *heap_arg) {
  struct exclusion *x = arg;
  (void)heap_arg;
  go_waitgroup_add(g, &x->done, MOST);
  for (int i = 0; i < MOST; i++) go_spawn(g, "reader/writer", reader_writer, x, NULL);
  go_waitgroup_wait(g, &x->done);
  rt_assert(x->value[0] == x->value[1] && x->value[0] >= MOST * (x->rounds / 5));
}

static void test_rwmutex(void **state) {
  (void)state;
  TEST_FOR_PROCS(procs) {
    struct exclusion x = {.rounds = test_scaled(test_is_model ? 50 : 2000)};
    test_go(procs, rwmutex_main, &x);
  }
}

/* Readers share; a waiting writer keeps new readers out. */
struct sharing {
  struct go_rwmutex rw;
  uint32_t step;
};

static void late_writer(struct go_g *g, void *arg, void *heap_arg) {
  struct sharing *s = arg;
  (void)heap_arg;
  go_rwmutex_lock(g, &s->rw);
  rt_assert(s->step == 2); /* the first reader has left */
  s->step = 3;
  go_rwmutex_unlock(g, &s->rw);
}

static void late_reader(struct go_g *g, void *arg, void *heap_arg) {
  struct sharing *s = arg;
  (void)heap_arg;
  go_rwmutex_rlock(g, &s->rw);
  rt_assert(s->step == 3); /* the writer came first */
  s->step = 4;
  go_rwmutex_runlock(g, &s->rw);
}

static void sharing_main(struct go_g *g, void *arg, void *heap_arg) {
  struct sharing *s = arg;
  (void)heap_arg;
  go_rwmutex_rlock(g, &s->rw);
  go_rwmutex_rlock(g, &s->rw);
  go_rwmutex_runlock(g, &s->rw);
  go_spawn(g, "writer", late_writer, s, NULL);
  for (int i = 0; i < 5; i++) go_yield(g);
  go_spawn(g, "reader", late_reader, s, NULL);
  for (int i = 0; i < 5; i++) go_yield(g);
  rt_assert(s->step == 0);
  s->step = 2;
  go_rwmutex_runlock(g, &s->rw);
  for (int i = 0; i < 5; i++) go_yield(g);
  rt_assert(s->step == 4);
}

static void test_sharing(void **state) {
  (void)state;
  struct sharing s = {0};
  test_go(1, sharing_main, &s);
}

/* ---- starvation: who has waited more than 1 ms gets the lock handed over --------------------- */

struct starving {
  struct go_mutex mutex;
  bool handed, waiting;
  uint64_t grabs;
};

static void starved(struct go_g *g, void *arg, void *heap_arg) {
  struct starving *s = arg;
  (void)heap_arg;
  s->waiting = true;
  go_mutex_lock(g, &s->mutex);
  s->handed = true;
  go_mutex_unlock(g, &s->mutex);
}

/* Main holds the lock nearly always and on one P: when it unlocks, it takes it again before the
 * other can run. Only the hand-over of starvation mode breaks that. */
static void starving_main(struct go_g *g, void *arg, void *heap_arg) {
  struct starving *s = arg;
  (void)heap_arg;
  go_mutex_lock(g, &s->mutex);
  go_spawn(g, "starved", starved, s, NULL);
  while (!s->waiting) go_yield(g);
  while (!s->handed) {
    uint64_t start = plat_now_ns();
    while (plat_now_ns() - start < 1500000) plat_charge(PLAT_COST_compute, 10000);
    go_mutex_unlock(g, &s->mutex);
    go_mutex_lock(g, &s->mutex);
    s->grabs++;
    go_yield(g); /* lets the waiter see that it lost */
    rt_assert(s->grabs < 10);
  }
  go_mutex_unlock(g, &s->mutex);
  /* First round: it waited too long, but did not know. Second round: handed over. */
  rt_assert(s->grabs >= 1 && s->grabs <= 3);
  rt_assert(at_u32_load_relaxed(&s->mutex.state) == 0);
}

static void test_starvation(void **state) {
  (void)state;
  struct starving s = {0};
  test_go(1, starving_main, &s);
  assert_true(s.handed);
}

/* ---- semaphores ------------------------------------------------------------------------------ */

struct permits {
  struct go_sema sema;
  struct at_u32 inside;
  struct go_waitgroup done;
  uint64_t rounds;
};

enum { PERMITS = 3 };

static void holder(struct go_g *g, void *arg, void *heap_arg) {
  struct permits *p = arg;
  (void)heap_arg;
  for (uint64_t i = 0; i < p->rounds; i++) {
    go_sema_acquire(g, &p->sema, i % 3 == 0);
    rt_assert(at_u32_add_acqrel(&p->inside, 1) < PERMITS);
    if (i % 8 == 0) go_yield(g);
    at_u32_add_acqrel(&p->inside, UINT32_MAX);
    go_sema_release(g, &p->sema, i % 5 == 0);
  }
  go_waitgroup_done(g, &p->done);
}

static void permits_main(struct go_g *g, void *arg, void *heap_arg) {
  struct permits *p = arg;
  (void)heap_arg;
  for (int i = 0; i < PERMITS; i++) go_sema_release(g, &p->sema, false);
  go_waitgroup_add(g, &p->done, MOST);
  for (int i = 0; i < MOST; i++) go_spawn(g, "holder", holder, p, NULL);
  go_waitgroup_wait(g, &p->done);
  rt_assert(at_u32_load_relaxed(&p->sema.value) == PERMITS);
  rt_assert(at_u32_load_relaxed(&p->sema.queue.waiters) == 0);
}

static void test_sema(void **state) {
  (void)state;
  TEST_FOR_PROCS(procs) {
    struct permits p = {.rounds = test_scaled(test_is_model ? 50 : 2000)};
    test_go(procs, permits_main, &p);
  }
}

/* FIFO for newcomers, front for lifo; hand-off runs the waiter at once. */
struct queueing {
  struct go_sema sema;
  uint32_t order[4];
  uint32_t woken, queued;
};

struct queueing_member {
  struct queueing *q;
  uint32_t index;
  bool lifo;
};

static void queueing_waiter(struct go_g *g, void *arg, void *heap_arg) {
  struct queueing_member *m = arg;
  (void)heap_arg;
  m->q->queued++;
  go_sema_acquire(g, &m->q->sema, m->lifo);
  m->q->order[m->q->woken++] = m->index;
}

static void queueing_main(struct go_g *g, void *arg, void *heap_arg) {
  struct queueing *q = arg;
  struct queueing_member members[4];
  (void)heap_arg;
  for (uint32_t i = 0; i < 4; i++) {
    members[i] = (struct queueing_member){q, i, i == 2};
    go_spawn(g, "waiter", queueing_waiter, &members[i], NULL);
    while (q->queued <= i) go_yield(g);
  }
  for (uint32_t i = 0; i < 4; i++) {
    go_sema_release(g, &q->sema, true);
    rt_assert(q->woken == i + 1);
  }
}

static void test_queueing(void **state) {
  (void)state;
  struct queueing q = {0};
  test_go(1, queueing_main, &q);
  static const uint32_t want[] = {2, 0, 1, 3};
  assert_memory_equal(q.order, want, sizeof want);
}

/* ---- wait groups on the stack of the one that waits ------------------------------------------ */

static void finisher(struct go_g *g, void *arg, void *heap_arg) {
  (void)heap_arg;
  go_waitgroup_done(g, arg);
}

static void waitgroup_main(struct go_g *g, void *arg, void *heap_arg) {
  uint64_t rounds = *(uint64_t *)arg;
  (void)heap_arg;
  for (uint64_t i = 0; i < rounds; i++) {
    struct go_waitgroup wg = {0};
    go_waitgroup_wait(g, &wg); /* nothing to wait for */
    go_waitgroup_add(g, &wg, 3);
    for (int k = 0; k < 3; k++) go_spawn(g, "finisher", finisher, &wg, NULL);
    go_waitgroup_wait(g, &wg);
    memset(&wg, 0xa5, sizeof wg); /* its life has ended */
  }
}

static void test_waitgroup(void **state) {
  (void)state;
  uint64_t rounds = test_scaled(test_is_model ? 100 : 5000);
  TEST_FOR_PROCS(procs) test_go(procs, waitgroup_main, &rounds);
}

/* ---- what the program must not do ------------------------------------------------------------ */

enum wrong { UNLOCK, RUNLOCK, RW_UNLOCK, NEGATIVE, SELF_LOCK };

static void wrong_main(struct go_g *g, void *arg, void *heap_arg) {
  struct exclusion x = {0};
  (void)heap_arg;
  switch (*(enum wrong *)arg) {
    case UNLOCK: go_mutex_unlock(g, &x.mutex); break;
    case RUNLOCK: go_rwmutex_runlock(g, &x.rw); break;
    case RW_UNLOCK: go_rwmutex_unlock(g, &x.rw); break;
    case NEGATIVE: go_waitgroup_done(g, &x.done); break;
    case SELF_LOCK:
      go_mutex_lock(g, &x.mutex);
      go_mutex_lock(g, &x.mutex);
      break;
  }
}

static void test_wrong(void **state) {
  (void)state;
  static const char *const messages[] = {
      "sync: unlock of unlocked mutex", "sync: RUnlock of unlocked RWMutex",
      "sync: Unlock of unlocked RWMutex", "sync: negative WaitGroup counter",
      "all goroutines are asleep - deadlock!"};
  for (enum wrong wrong = UNLOCK; wrong <= SELF_LOCK; wrong++) {
    struct test_death death = test_die(2, wrong_main, &wrong);
    assert_false(death.exited);
    assert_string_equal(death.message, messages[wrong]);
    assert_int_equal(death.kind, wrong == SELF_LOCK ? RT_END_DEADLOCK : RT_END_FATAL);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_mutex),      cmocka_unit_test(test_rwmutex),
      cmocka_unit_test(test_sharing),    cmocka_unit_test(test_starvation),
      cmocka_unit_test(test_sema),       cmocka_unit_test(test_queueing),
      cmocka_unit_test(test_waitgroup),  cmocka_unit_test(test_wrong),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
