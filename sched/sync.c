/* sync.Mutex, sync.RWMutex, sync.WaitGroup (Go 1.19, F6.12, F6.13). */
#include "runtime/check.h"
#include "sched/gmp.h"
#include "sched/sema.h"

/* go_mutex.state: two flags of the lock, one of its mood, and above them the waiter count. */
enum {
  LOCKED = 1,
  WOKEN = 2,       /* somebody awake is about to try: unlock need not wake another */
  STARVING = 4,    /* the lock is handed to the first waiter; newcomers queue */
  WAITER = 8,
  STARVING_NS = 1000000,
  SPIN_ROUNDS = 4,
  SPIN_RELAX = 30
};

/* ---- mutex ----------------------------------------------------------------------------------- */

/* Spinning pays only if the holder runs elsewhere and nobody here is kept waiting. */
static bool can_spin(struct go_g *g, uint32_t round) {
  if (round >= SPIN_ROUNDS || plat_ncpu() <= 1) return false;
  uint32_t idle = at_u32_load_relaxed(&go_sched.idle_p_count); /* hints */
  uint32_t spinning = at_u32_load_relaxed(&go_sched.spinning);
  return go_sched.procs > idle + spinning + 1 && go_runq_is_empty(&go_p_of(g)->runq);
}

/* What this goroutine knows while it tries. */
struct try {
  uint32_t round;
  uint64_t wait_start_ns;  /* 0: has not waited */
  bool is_starving;
  bool is_awake;           /* it holds the WOKEN flag */
};

/* One round of active waiting; false: do not spin. */
static bool spin(struct go_g *g, struct go_mutex *m, uint32_t *old, struct try *t) {
  if ((*old & (LOCKED | STARVING)) != LOCKED || !can_spin(g, t->round)) return false;
  if (!t->is_awake && (*old & WOKEN) == 0 && *old / WAITER != 0) {
    uint32_t expected = *old;
    t->is_awake = at_u32_cas_acqrel(&m->state, &expected, *old | WOKEN); /* unlock_slow */
  }
  for (int i = 0; i < SPIN_RELAX; i++) plat_relax();
  t->round++;
  *old = at_u32_load_relaxed(&m->state); /* decided by the exchange that follows */
  return true;
}

static uint32_t next_state(uint32_t old, const struct try *t) {
  uint32_t next = old;
  if ((old & STARVING) == 0) next |= LOCKED;
  if ((old & (LOCKED | STARVING)) != 0) next += WAITER;
  if (t->is_starving && (old & LOCKED) != 0) next |= STARVING;
  if (t->is_awake) {
    rt_assert((next & WOKEN) != 0);
    next &= ~(uint32_t)WOKEN;
  }
  return next;
}

/* The lock was handed over: the releaser left LOCKED clear and STARVING set. */
static void accept_handoff(struct go_mutex *m, uint32_t old, const struct try *t) {
  rt_assert((old & (LOCKED | WOKEN)) == 0 && old / WAITER != 0);
  uint32_t delta = LOCKED - WAITER;
  if (!t->is_starving || old / WAITER == 1) delta -= STARVING;
  at_u32_add_acqrel(&m->state, delta); /* pairs with the next owner's exchange */
}

static void lock_slow(struct go_g *g, struct go_mutex *m) {
  struct try t = {0};
  uint32_t old = at_u32_load_relaxed(&m->state); /* decided by the exchange below */
  for (;;) {
    if (spin(g, m, &old, &t)) continue;
    /* pairs with go_mutex_unlock: what the last owner did */
    if (!at_u32_cas_acqrel(&m->state, &old, next_state(old, &t))) continue;
    if ((old & (LOCKED | STARVING)) == 0) return;
    bool lifo = t.wait_start_ns != 0;
    if (!lifo) t.wait_start_ns = plat_now_ns();
    go_sema_acquire(g, &m->sema, lifo);
    t.is_starving = t.is_starving || plat_now_ns() - t.wait_start_ns > STARVING_NS;
    old = at_u32_load_acquire(&m->state); /* pairs with unlock_slow */
    if ((old & STARVING) != 0) {
      accept_handoff(m, old, &t);
      return;
    }
    t.is_awake = true;
    t.round = 0;
  }
}

void go_mutex_lock(struct go_g *g, struct go_mutex *m) {
  uint32_t free = 0;
  if (at_u32_cas_acqrel(&m->state, &free, LOCKED)) return; /* pairs with go_mutex_unlock */
  lock_slow(g, m);
}

bool go_mutex_try_lock(struct go_g *g, struct go_mutex *m) {
  (void)g;
  uint32_t old = at_u32_load_relaxed(&m->state); /* decided by the exchange below */
  if ((old & (LOCKED | STARVING)) != 0) return false;
  return at_u32_cas_acqrel(&m->state, &old, old | LOCKED); /* pairs with go_mutex_unlock */
}

static void unlock_slow(struct go_g *g, struct go_mutex *m, uint32_t state) {
  if ((state & STARVING) != 0) {
    go_sema_release(g, &m->sema, true);
    return;
  }
  uint32_t old = state;
  for (;;) {
    if (old / WAITER == 0 || (old & (LOCKED | WOKEN | STARVING)) != 0) return;
    if (at_u32_cas_acqrel(&m->state, &old, (old - WAITER) | WOKEN)) { /* pairs with lock_slow */
      go_sema_release(g, &m->sema, false);
      return;
    }
  }
}

void go_mutex_unlock(struct go_g *g, struct go_mutex *m) {
  uint32_t old = at_u32_add_acqrel(&m->state, (uint32_t)-LOCKED); /* pairs with go_mutex_lock */
  if ((old & LOCKED) == 0) rt_fatal(RT_END_FATAL, "sync: unlock of unlocked mutex");
  if (old != LOCKED) unlock_slow(g, m, old - LOCKED);
}

/* ---- rwmutex --------------------------------------------------------------------------------- */

/* reader_count has this much less while a writer waits or writes. */
static const int32_t READERS_MAX = 1 << 30;

static int32_t add_signed(struct at_u32 *cell, int32_t delta) {
  return (int32_t)(at_u32_add_acqrel(cell, (uint32_t)delta) + (uint32_t)delta); /* all callers */
}

void go_rwmutex_rlock(struct go_g *g, struct go_rwmutex *m) {
  if (add_signed(&m->reader_count, 1) < 0) go_sema_acquire(g, &m->reader_sema, false);
}

void go_rwmutex_runlock(struct go_g *g, struct go_rwmutex *m) {
  int32_t readers = add_signed(&m->reader_count, -1);
  if (readers >= 0) return;
  if (readers + 1 == 0 || readers + 1 == -READERS_MAX)
    rt_fatal(RT_END_FATAL, "sync: RUnlock of unlocked RWMutex");
  if (add_signed(&m->reader_wait, -1) != 0) return;
  bool is_lost = go_has_fault(GO_FAULT_RWMUTEX_LOST_WAKEUP) &&
                 at_u32_load_relaxed(&m->writer_sema.queue.waiters) == 0; /* too early a look */
  if (!is_lost) go_sema_release(g, &m->writer_sema, false);
}

void go_rwmutex_lock(struct go_g *g, struct go_rwmutex *m) {
  go_mutex_lock(g, &m->writer);
  int32_t readers = add_signed(&m->reader_count, -READERS_MAX) + READERS_MAX;
  if (readers != 0 && add_signed(&m->reader_wait, readers) != 0)
    go_sema_acquire(g, &m->writer_sema, false);
}

void go_rwmutex_unlock(struct go_g *g, struct go_rwmutex *m) {
  int32_t readers = add_signed(&m->reader_count, READERS_MAX);
  if (readers >= READERS_MAX) rt_fatal(RT_END_FATAL, "sync: Unlock of unlocked RWMutex");
  for (int32_t i = 0; i < readers; i++) go_sema_release(g, &m->reader_sema, false);
  go_mutex_unlock(g, &m->writer);
}

/* ---- wait group: counter in the high half of state, waiters in the low half ------------------ */

void go_waitgroup_add(struct go_g *g, struct go_waitgroup *wg, int32_t delta) {
  uint64_t change = (uint64_t)(int64_t)delta << 32;
  uint64_t state = at_u64_add_acqrel(&wg->state, change) + change; /* pairs with wait */
  int32_t counter = (int32_t)(state >> 32);
  uint32_t waiters = (uint32_t)state;
  if (counter < 0) rt_fatal(RT_END_FATAL, "sync: negative WaitGroup counter");
  if (waiters != 0 && delta > 0 && counter == delta)
    rt_fatal(RT_END_FATAL, "sync: WaitGroup misuse: Add called concurrently with Wait");
  if (counter > 0 || waiters == 0) return;
  if (at_u64_load_acquire(&wg->state) != state) /* pairs with a misplaced add or wait */
    rt_fatal(RT_END_FATAL, "sync: WaitGroup misuse: Add called concurrently with Wait");
  at_u64_store_release(&wg->state, 0); /* pairs with wait */
  go_sema_release_many(g, &wg->sema, waiters);
}

void go_waitgroup_done(struct go_g *g, struct go_waitgroup *wg) { go_waitgroup_add(g, wg, -1); }

void go_waitgroup_wait(struct go_g *g, struct go_waitgroup *wg) {
  uint64_t state = at_u64_load_acquire(&wg->state); /* pairs with add */
  do {
    if (state >> 32 == 0) return;
  } while (!at_u64_cas_acqrel(&wg->state, &state, state + 1)); /* pairs with add */
  go_sema_acquire_locked_path(g, &wg->sema, false, "wait group");
}
