/* The loop of a thread that owns a P: find a goroutine, run it, do what it asked for on leaving. */
#include "runtime/check.h"
#include "sched/gmp.h"

enum {
  STEAL_PASSES = 4,         /* F6.4.1 */
  STEAL_NEXT_SLEEP_NS = 3000/* before taking the runnext of a running P (F6.4.3) */
};

/* What one round of looking for work found. */
struct found {
  struct go_g *g;
  bool inherit;             /* keeps the time slice of the goroutine before it */
  bool wake;                /* another P may have to be started for it (F6.3, last line) */
};

/* State of one round. */
struct look {
  uint64_t now_ns;          /* 0: the clock has not been read */
  uint64_t sleep_until_ns;  /* earliest sleeper seen; 0: none */
};

/* ---- what becomes of a goroutine that has left its stack ------------------------------------- */

void go_after_local(struct go_m *m, struct go_g *g) {
  go_stamp_ready(g);
  at_u32_store_release(&g->status, GO_RUNNABLE); /* pairs with go_status_swap: its stack is left */
  go_enqueue(m->p, g, false);
}

void go_after_preempted(struct go_m *m, struct go_g *g) {
  (void)m;
  at_u32_store_release(&g->status, GO_PREEMPTED); /* pairs with go_suspend: its stack is left */
}

/* ---- looking for work ------------------------------------------------------------------------ */

static uint64_t look_now(struct look *look) {
  if (look->now_ns == 0) look->now_ns = plat_now_ns();
  return look->now_ns;
}

/* Readies the due sleepers of p on the M's own P; true: there were some. */
static bool run_timers(struct go_m *m, struct go_p *p, struct look *look) {
  uint64_t first = at_u64_load_acquire(&p->timers.first_ns); /* pairs with publish_first */
  bool ran = false;
  while (first != 0 && first <= look_now(look)) {
    struct go_g *g = go_timers_take_due(&p->timers, look->now_ns);
    if (g == NULL) break;
    go_ready_on(m->p, g, true);
    ran = true;
    first = at_u64_load_acquire(&p->timers.first_ns); /* pairs with publish_first */
  }
  if (first != 0 && (look->sleep_until_ns == 0 || first < look->sleep_until_ns))
    look->sleep_until_ns = first;
  return ran;
}

/* Takes a batch from the global queue: the first is returned, the others go to p's own queue
 * (F6.2.5). max 0: no limit but the share of one P. */
static struct go_g *global_get_locked(struct go_p *p, uint64_t max) {
  if (p->yielded.head != NULL) { /* (sched.lone) */
    go_list_append(&p->yielded, &go_sched.global);
    go_list_append(&go_sched.global, &p->yielded);
  }
  uint64_t n = go_sched.global.count / go_sched.procs + 1;
  if (n > go_sched.global.count) n = go_sched.global.count;
  if (max != 0 && n > max) n = max;
  if (n > GO_RUNQ_HALF) n = GO_RUNQ_HALF;
  if (n == 0) return NULL;
  struct go_g *g = go_list_pop(&go_sched.global);
  struct go_list spill = {0};
  for (uint64_t i = 1; i < n; i++)
    go_runq_put(&p->runq, go_list_pop(&go_sched.global), false, &spill);
  at_u64_store_relaxed(&go_sched.global_count, go_sched.global.count); /* a hint for readers */
  go_enqueue_global_locked(&spill);
  return g;
}

static struct go_g *global_get(struct go_p *p, uint64_t max) {
  if (go_is_global_empty(p)) return NULL; /* re-read before idling */
  plat_mutex_lock(&go_sched.lock);
  struct go_g *g = global_get_locked(p, max);
  plat_mutex_unlock(&go_sched.lock);
  return g;
}

static struct go_g *worker_get(struct go_p *p, struct look *look, bool idle) {
  uint64_t now = look_now(look);
  struct gc_mutator *mu =
      idle ? gc_worker_find_idle(&p->gc, now) : gc_worker_find(&p->gc, now);
  if (mu == NULL) return NULL;
  go_status_swap(go_from_mu(mu), GO_WAITING, GO_RUNNABLE);
  return go_from_mu(mu);
}

static inline bool is_marking(void) {
  return at_u32_load_acquire(&gc_flags.blacken_on) != 0; /* pairs with the restart of the world */
}

/* Steps 3 to 9 of F6.3: what this P can have without others. */
static struct found look_near(struct go_m *m, struct look *look) {
  struct go_p *p = m->p;
  struct found f = {0};
  run_timers(m, p, look);
  if (is_marking()) {
    f.g = worker_get(p, look, false);
    f.wake = f.g != NULL;
    if (f.g != NULL) return f;
  }
  if (go_is_global_turn(p)) {
    f.g = global_get(p, 1);
    if (f.g != NULL) return f;
  }
  f.g = go_runq_get(&p->runq, &f.inherit);
  if (f.g != NULL) return f;
  f.g = global_get(p, 0);
  return f;
}

/* The last pass may also run the victim's timers and take its runnext (F6.4.3). */
static struct go_g *steal_from(struct go_m *m, struct go_p *victim, bool is_last,
                               struct look *look) {
  struct go_p *p = m->p;
  bool inherit;
  if (is_last && run_timers(m, victim, look)) {
    struct go_g *own = go_runq_get(&p->runq, &inherit);
    if (own != NULL) return own;
  }
  if (go_idle_p_test(victim->gc.index)) return NULL;
  uint32_t count;
  struct go_g *g = go_runq_steal(&p->runq, &victim->runq, &count);
  if (g == NULL && is_last && at_ptr_load_relaxed(&victim->runq.next) != NULL) {
    /* The victim most likely is about to run it: give it the time, to save a migration. */
    if (at_u32_load_relaxed(&victim->status) == GO_P_RUNNING) plat_sleep_ns(STEAL_NEXT_SLEEP_NS);
    g = go_runq_steal_next(&victim->runq);
    count = 1;
  }
  if (g == NULL) return NULL;
  go_count(&p->steals);
  go_emit(p, EV_go_steal, g, victim->gc.index, count);
  return g;
}

/* F6.4.1. *again: something turned up that the beginning of the round must look at. */
static struct go_g *steal(struct go_m *m, struct look *look, bool *again) {
  uint32_t n = go_sched.procs;
  for (int pass = 0; pass < STEAL_PASSES; pass++) {
    uint32_t r = rng_fastrand(&m->rng);
    uint32_t step = go_sched.coprimes[(r / n) % go_sched.coprime_count];
    uint32_t at = r % n;
    for (uint32_t i = 0; i < n; i++, at = (at + step) % n) {
      *again = at_u32_load_acquire(&go_sched.stop_wanted) != 0; /* pairs with stop */
      if (*again) return NULL;
      struct go_p *victim = go_sched.p[at];
      if (victim == m->p) continue;
      struct go_g *g = steal_from(m, victim, pass == STEAL_PASSES - 1, look);
      if (g != NULL) return g;
    }
  }
  return NULL;
}

/* Whether to look at others' queues: at most about half the busy Ps do (F6.5.2). */
static bool may_spin(const struct go_m *m) {
  if (m->is_spinning) return true;
  uint32_t busy = go_sched.procs - at_u32_load_relaxed(&go_sched.idle_p_count); /* hints */
  return 2 * at_u32_load_relaxed(&go_sched.spinning) < busy;
}

/* The world is to stop, the run to end, or a ragged barrier wants this P. */
static inline bool is_wanted(const struct go_p *p) {
  return at_u32_load_acquire(&go_sched.stop_wanted) != 0 || /* pairs with stop */
         at_u32_load_acquire(&p->safepoint_fn) != 0 ||      /* pairs with go_for_each_p */
         at_u32_load_acquire(&go_sched.shutdown) != 0;      /* pairs with begin_shutdown */
}

/* Step 13: gives the P up, unless something has turned up. */
static bool give_up_p(struct go_m *m, struct found *f) {
  struct go_p *p = m->p;
  plat_mutex_lock(&go_sched.lock);
  bool again = is_wanted(p);
  if (!again) f->g = global_get_locked(p, 0);
  if (!again && f->g == NULL) {
    go_p_release(m);
    go_idle_p_put_locked(p);
  }
  plat_mutex_unlock(&go_sched.lock);
  return !again && f->g == NULL;
}

static bool take_idle_p(struct go_m *m) {
  plat_mutex_lock(&go_sched.lock);
  struct go_p *p = go_idle_p_get_locked();
  plat_mutex_unlock(&go_sched.lock);
  if (p == NULL) return false;
  go_p_acquire(m, p);
  return true;
}

static bool somebody_has_work(void) {
  for (uint32_t i = 0; i < go_sched.procs; i++) {
    struct go_p *p = go_sched.p[i];
    if (!go_idle_p_test(i) && !go_runq_is_empty(&p->runq)) return true;
  }
  return false;
}

/* Step 14: the M has just stopped spinning and has no P. Work that was made while it still counted
 * as spinning has woken nobody else, so it looks once more. True: it has a P again. */
static bool look_again(struct go_m *m, struct look *look, struct found *f) {
  if (somebody_has_work() && take_idle_p(m)) {
    go_spinning_begin(m);
    return true;
  }
  if (is_marking() && gc_work_available(NULL) && take_idle_p(m)) {
    f->g = worker_get(m->p, look, true);
    f->wake = f->g != NULL;
    if (f->g != NULL) go_spinning_begin(m);
    if (f->g != NULL || !give_up_p(m, f)) return true;
  }
  uint64_t first = go_timers_first_ns();
  if (first != 0 && (look->sleep_until_ns == 0 || first < look->sleep_until_ns))
    look->sleep_until_ns = first;
  return false;
}

/* Step 15 without a network: one M sleeps until the next timer. True: it has a P again. */
static bool wait_for_timer(struct go_m *m, uint64_t until_ns, bool was_spinning) {
  if (until_ns == 0) return false;
  if (at_u32_xchg_acqrel(&go_sched.timer_waiter, 1) != 0) { /* pairs with the release below */
    uint64_t other = at_u64_load_acquire(&go_sched.timer_until_ns); /* pairs with the store below */
    if (other == 0 || other > until_ns) plat_note_wake(&go_sched.timer_note);
    return false;
  }
  at_u64_store_seq(&go_sched.timer_until_ns, until_ns); /* pairs with go_timer_wake */
  if (at_u32_load_acquire(&go_sched.shutdown) == 0)     /* pairs with begin_shutdown */
    plat_note_wait_until(&go_sched.timer_note, until_ns);
  at_u64_store_release(&go_sched.timer_until_ns, 0); /* pairs with go_timer_wake */
  at_u32_store_release(&go_sched.timer_waiter, 0);   /* pairs with the exchange above */
  if (!take_idle_p(m)) return false;
  if (was_spinning) go_spinning_begin(m);
  return true;
}

/* Steps 11 to 15, with nothing near. False: the run is over. *f stays empty to start again. */
static bool look_far(struct go_m *m, struct look *look, struct found *f) {
  if (may_spin(m)) {
    if (!m->is_spinning) go_spinning_begin(m);
    bool again;
    f->g = steal(m, look, &again);
    if (f->g != NULL || again) return true;
  }
  if (is_marking()) {
    f->g = worker_get(m->p, look, true);
    f->wake = f->g != NULL;
    if (f->g != NULL) return true;
  }
  if (!give_up_p(m, f)) return true;
  bool was_spinning = m->is_spinning;
  if (was_spinning) {
    go_spinning_end(m);
    if (look_again(m, look, f)) return true;
  }
  if (wait_for_timer(m, look->sleep_until_ns, was_spinning)) return true;
  return go_m_stop(m);
}

/* Blocks until there is a goroutine to run; NULL g: the run is over and the M has no P. */
static struct found find(struct go_m *m) {
  for (;;) {
    struct go_p *p = m->p;
    rt_assert(p != NULL && p->m == m);
    if (plat_unlikely(is_wanted(p))) {
      if (at_u32_load_acquire(&go_sched.shutdown) != 0) { /* pairs with begin_shutdown */
        go_m_leave(m);
        return (struct found){0};
      }
      if (at_u32_load_acquire(&p->safepoint_fn) != 0) go_run_safepoint_fn(p); /* go_for_each_p */
      if (at_u32_load_acquire(&go_sched.stop_wanted) != 0 && !go_m_stop_for_world(m)) /* stop */
        return (struct found){0};
      continue;
    }
    p->last_ran = NULL;
    struct look look = {0};
    struct found f = look_near(m, &look);
    if (f.g == NULL && !look_far(m, &look, &f)) return (struct found){0};
    if (f.g != NULL) return f;
  }
}

/* The common case of find, without its bookkeeping: nobody wants anything of the P, it does not
 * mark, has no sleepers and need not look at the global queue first. */
static inline bool is_quiet(const struct go_p *p) {
  return !is_wanted(p) && !is_marking() &&
         at_u64_load_relaxed(&p->timers.first_ns) == 0 && /* own sleepers, or a hint */
         !go_is_global_turn(p);
}

/* What the loop runs next. */
static struct found next(struct go_m *m) {
  struct found f = {.g = m->next_g, .inherit = m->next_inherits};
  m->next_g = NULL;
  if (f.g == NULL && is_quiet(m->p)) {
    m->p->last_ran = NULL;
    f.g = go_runq_get(&m->p->runq, &f.inherit);
  }
  return f.g != NULL ? f : find(m);
}

void go_m_loop(struct go_m *m) {
  for (;;) {
    struct found f = next(m);
    if (f.g == NULL) return;
    if (m->is_spinning) { /* whoever stops spinning with work in hand starts the next (F6.5.2) */
      go_spinning_end(m);
      go_wake_idle();
    }
    if (f.wake) go_wake_idle();
    go_execute(m, f.g, f.inherit);
  }
}

/* One visit to the global queue puts g there and, if the loop would look there next, takes what it
 * would find. */
void go_after_global(struct go_m *m, struct go_g *g) {
  struct go_p *p = m->p;
  go_stamp_ready(g);
  at_u32_store_release(&g->status, GO_RUNNABLE); /* pairs with go_status_swap: its stack is left */
  struct go_list one = {0};
  go_list_push(&one, g);
  bool take = m->cur == NULL && m->next_g == NULL && is_quiet(p) && go_runq_is_empty(&p->runq);
  plat_mutex_lock(&go_sched.lock);
  go_enqueue_global_locked(&one);
  if (take) {
    m->next_g = global_get_locked(p, 0);
    m->next_inherits = false;
  }
  plat_mutex_unlock(&go_sched.lock);
}
