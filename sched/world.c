/* What the collector may ask of the scheduler: struct gc_world_ops (F6.8, F3.9.2). */
#include "gc/world.h"

#include "runtime/check.h"
#include "sched/gmp.h"

enum { ASK_AGAIN_NS = 100000 }; /* a preemption request may be lost to a goroutine switch */

static uint32_t procs(void) { return go_sched.procs; }

static struct gc_p *p_at(uint32_t index) {
  rt_assert(index < go_sched.procs);
  return &go_sched.p[index]->gc;
}

/* While a goroutine waits for other Ps inside stop or for_each_p, a suspender on one of them may be
 * waiting for it: it counts as parked meanwhile. True: it did not already. */
static bool wait_begin(struct gc_mutator *self) {
  bool running = at_u32_load_relaxed(&go_from_mu(self)->status) == GO_RUNNING; /* changed by self */
  if (running) go_scannable_begin(self);
  return running;
}

static void wait_end(struct gc_mutator *self, bool began) {
  if (began) go_scannable_end(self);
}

/* ---- stop and start -------------------------------------------------------------------------- */

/* A fault: nobody waits for this P. */
static bool is_missed(const struct go_p *p) {
  return go_has_fault(GO_FAULT_STOP_MISSES_P) && p->gc.index == go_sched.procs - 1;
}

bool go_p_stopped_locked(struct go_p *p) {
  at_u32_store_release(&p->status, GO_P_STOPPED); /* a hint for readers */
  if (is_missed(p)) return false;
  rt_assert(go_sched.stop_wait > 0);
  return --go_sched.stop_wait == 0;
}

/* Marks the Ps nobody runs as stopped. */
static void stop_idle_locked(void) {
  for (struct go_p *p = go_idle_p_get_locked(); p != NULL; p = go_idle_p_get_locked())
    go_p_stopped_locked(p);
}

/* Asks until every P has stopped. */
static void ask_to_stop(void) {
  bool is_asked = false;
  do {
    if (!is_asked || !go_has_fault(GO_FAULT_PREEMPT_LOST)) go_preempt_all();
    is_asked = true;
    at_quiet_store(&go_sched.stop_asked, 1);
  } while (!plat_note_wait_until(&go_sched.stop_note, plat_now_ns() + ASK_AGAIN_NS));
}

static void check_stopped_locked(const struct go_p *own) {
  for (uint32_t i = 0; i < go_sched.procs; i++)
    if (go_sched.p[i] != own && go_sched.p[i]->m != NULL)
      rt_fatal(RT_END_VIOLATION, "the world is stopped, but processor %u runs", (unsigned)i);
}

static void stop(struct gc_mutator *self, const char *reason, struct gc_stop *out) {
  struct go_p *own = go_p_of(go_from_mu(self));
  bool began = wait_begin(self);
  *out = (struct gc_stop){.reason = reason, .requested_ns = plat_now_ns()};
  go_emit(own, EV_stop_request, go_from_mu(self), 0, 0);
  plat_mutex_lock(&go_sched.lock);
  rt_assert(at_u32_load_relaxed(&go_sched.stop_wanted) == 0); /* the world semaphore is held */
  plat_note_clear(&go_sched.stop_note);
  go_sched.stop_last = NULL;
  const struct go_p *last = go_sched.p[go_sched.procs - 1];
  go_sched.stop_wait = go_sched.procs - 1 - (last != own && is_missed(last));
  at_u32_store_seq(&go_sched.stop_wanted, 1); /* pairs with is_wanted and go_safepoint */
  at_u32_store_release(&own->status, GO_P_STOPPED); /* a hint for readers */
  stop_idle_locked();
  bool wait = go_sched.stop_wait > 0;
  plat_mutex_unlock(&go_sched.lock);
  if (wait) ask_to_stop();
  plat_mutex_lock(&go_sched.lock);
  rt_assert(go_sched.stop_wait == 0);
  check_stopped_locked(own);
  if (go_sched.stop_last != NULL) {
    out->last_goroutine = go_sched.stop_last->mu.id;
    out->last_name = go_sched.stop_last->name;
  }
  plat_mutex_unlock(&go_sched.lock);
  out->stopped_ns = plat_now_ns();
  go_emit(own, EV_stop_done, go_from_mu(self), out->last_goroutine,
          out->stopped_ns - out->requested_ns);
  wait_end(self, began);
}

/* Gives every P with work to an M; the others become idle, P 0 on top. */
static struct go_m *release_ps_locked(struct go_p *own, struct go_p **without_m) {
  struct go_m *start = NULL;
  bool is_over = at_u32_load_acquire(&go_sched.shutdown) != 0; /* pairs with begin_shutdown */
  for (uint32_t i = go_sched.procs; i-- > 0;) {
    struct go_p *p = go_sched.p[i];
    if (p == own) continue;
    bool has_stopped = at_u32_load_relaxed(&p->status) == GO_P_STOPPED; /* SCHED lock */
    if (!has_stopped && is_missed(p)) continue;
    rt_assert(has_stopped);
    at_u32_store_release(&p->status, GO_P_IDLE);                 /* a hint for readers */
    if (is_over || go_runq_is_empty(&p->runq)) {
      go_idle_p_put_locked(p);
    } else if (go_sched.idle_m != NULL) {
      struct go_m *m = go_idle_m_get_locked();
      m->next_p = p;
      m->idle_next = start;
      start = m;
    } else {
      p->idle_next = *without_m;
      *without_m = p;
    }
  }
  return start;
}

static void finish_stop(struct gc_mutator *self, const struct gc_stop *stop) {
  struct go_p *own = go_p_of(go_from_mu(self));
  go_emit(own, EV_stop_end, go_from_mu(self), 0, stop->restarted_ns - stop->stopped_ns);
  at_u64_add_relaxed(&go_sched.stops, 1); /* a count */
  if (go_sched.stop_hook != NULL) go_sched.stop_hook(stop, go_sched.stop_hook_arg);
}

static uint64_t start(struct gc_mutator *self, struct gc_stop *stop) {
  struct go_p *own = go_p_of(go_from_mu(self));
  struct go_p *without_m = NULL;
  plat_mutex_lock(&go_sched.lock);
  rt_assert(at_u32_load_relaxed(&go_sched.stop_wanted) == 1); /* written by this goroutine */
  struct go_m *m = release_ps_locked(own, &without_m);
  at_u32_store_release(&own->status, GO_P_RUNNING); /* a hint for readers */
  gc_p_acquired(&own->gc);
  at_u32_store_seq(&go_sched.stop_wanted, 0); /* pairs with is_wanted */
  at_quiet_store(&go_sched.stop_asked, 0);
  go_sysmon_wake_locked();
  plat_mutex_unlock(&go_sched.lock);
  while (m != NULL) {
    struct go_m *next = m->idle_next;
    m->idle_next = NULL;
    plat_note_wake(&m->note);
    m = next;
  }
  while (without_m != NULL) {
    struct go_p *p = without_m;
    without_m = p->idle_next;
    p->idle_next = NULL;
    go_m_start(p, false);
  }
  stop->restarted_ns = plat_now_ns();
  go_wake_idle();
  finish_stop(self, stop);
  return stop->restarted_ns;
}

/* A stop the collector made by its own means. */
static void record_stop(struct gc_mutator *self, const struct gc_stop *stop) {
  struct go_p *own = go_p_of(go_from_mu(self));
  go_emit(own, EV_stop_request, go_from_mu(self), 0, 0);
  go_emit(own, EV_stop_done, go_from_mu(self), stop->last_goroutine,
          stop->stopped_ns - stop->requested_ns);
  finish_stop(self, stop);
}

/* ---- the ragged barrier ---------------------------------------------------------------------- */

void go_run_safepoint_fn_locked(struct go_p *p) {
  rt_assert(plat_mutex_held(&go_sched.lock));
  uint32_t wanted = 1;
  /* pairs with for_each_p: its function and argument */
  if (!at_u32_cas_acqrel(&p->safepoint_fn, &wanted, 0)) return;
  go_sched.safepoint_fn(&p->gc, go_sched.safepoint_arg);
  rt_assert(go_sched.safepoint_wait > 0);
  if (--go_sched.safepoint_wait == 0) plat_note_wake(&go_sched.safepoint_note);
}

void go_run_safepoint_fn(struct go_p *p) {
  uint32_t wanted = 1;
  /* pairs with for_each_p: its function and argument */
  if (!at_u32_cas_acqrel(&p->safepoint_fn, &wanted, 0)) return;
  go_sched.safepoint_fn(&p->gc, go_sched.safepoint_arg);
  plat_mutex_lock(&go_sched.lock);
  rt_assert(go_sched.safepoint_wait > 0);
  if (--go_sched.safepoint_wait == 0) plat_note_wake(&go_sched.safepoint_note);
  plat_mutex_unlock(&go_sched.lock);
}

static void for_each_p(struct gc_mutator *self, void (*fn)(struct gc_p *, void *), void *arg) {
  struct go_p *own = go_p_of(go_from_mu(self));
  bool began = wait_begin(self);
  plat_mutex_lock(&go_sched.lock);
  rt_assert(go_sched.safepoint_wait == 0); /* the world semaphore is held */
  plat_note_clear(&go_sched.safepoint_note);
  go_sched.safepoint_fn = fn;
  go_sched.safepoint_arg = arg;
  go_sched.safepoint_wait = go_sched.procs - 1;
  for (uint32_t i = 0; i < go_sched.procs; i++) {
    struct go_p *p = go_sched.p[i];
    if (p != own) at_u32_store_release(&p->safepoint_fn, 1); /* pairs with go_run_safepoint_fn */
  }
  go_preempt_all();
  for (struct go_p *p = go_sched.idle_p; p != NULL; p = p->idle_next)
    go_run_safepoint_fn_locked(p);
  bool wait = go_sched.safepoint_wait > 0;
  plat_mutex_unlock(&go_sched.lock);
  fn(&own->gc, arg);
  while (wait) {
    wait = !plat_note_wait_until(&go_sched.safepoint_note, plat_now_ns() + ASK_AGAIN_NS);
    if (wait) go_preempt_all();
  }
  wait_end(self, began);
}

/* ---- stacks ---------------------------------------------------------------------------------- */

static uint64_t stacks_count(void) {
  return at_u64_load_acquire(&go_sched.all_count); /* pairs with g_make */
}

static struct gc_mutator *stack_at(uint64_t index) { return go_mu(go_g_at(index)); }

void go_each_suspended_stack(gc_stack_visitor *visit, void *arg) {
  uint64_t count = at_u64_load_acquire(&go_sched.all_count); /* pairs with g_make */
  for (uint64_t i = 0; i < count; i++) {
    struct go_g *g = go_g_at(i);
    void *low = at_ptr_load_acquire(&g->saved_sp); /* pairs with go_g_prepare */
    if (low != NULL) visit(low, g->stack_low + g->stack_bytes, arg);
  }
}

/* ---- goroutines ------------------------------------------------------------------------------ */

static void park(struct gc_mutator *self, struct plat_mutex *unlock, const char *why) {
  go_park_why(go_from_mu(self), unlock, why, false);
}

static void ready(struct gc_mutator *self, struct gc_mutator *target, bool next) {
  go_ready_on((struct go_p *)self->p, go_from_mu(target), next);
}

static void yield(struct gc_mutator *self) { go_yield(go_from_mu(self)); }

static void shed_local(struct gc_mutator *self) {
  struct go_list all = {0};
  go_runq_take_all(&go_p_of(go_from_mu(self))->runq, &all);
  if (all.head != NULL) go_enqueue_global(&all);
}

/* ---- hints ----------------------------------------------------------------------------------- */

static void preempt_p(uint32_t index) {
  struct go_p *p = go_sched.p[index];
  at_u32_store_release(&p->preempt, 1); /* pairs with go_safepoint */
  go_poll_request(p);
}

static bool p_is_running(uint32_t index) {
  return at_u32_load_relaxed(&go_sched.p[index]->status) == GO_P_RUNNING; /* a hint */
}

static bool preempt_pending(struct gc_mutator *self) {
  return (at_u32_load_relaxed(&self->p->attention) & GC_ATTN_POLL) != 0; /* a hint */
}

static bool stop_pending(void) { return at_u32_load_relaxed(&go_sched.stop_wanted) != 0; }

static bool work_waiting(struct gc_mutator *self) {
  const struct go_p *p = go_p_of(go_from_mu(self));
  return !go_is_global_empty(p) || !go_runq_is_empty(&p->runq);
}

static const struct gc_world_ops world_ops = {
    .procs = procs,
    .p_at = p_at,
    .stop = stop,
    .start = start,
    .record_stop = record_stop,
    .for_each_p = for_each_p,
    .stacks_count = stacks_count,
    .stack_at = stack_at,
    .suspend = go_suspend,
    .resume = go_resume,
    .scannable_begin = go_scannable_begin,
    .scannable_end = go_scannable_end,
    .park = park,
    .ready = ready,
    .yield = yield,
    .shed_local = shed_local,
    .spawn = go_spawn_system,
    .preempt_p = preempt_p,
    .p_is_running = p_is_running,
    .preempt_pending = preempt_pending,
    .stop_pending = stop_pending,
    .work_waiting = work_waiting,
    .wake_idle = go_wake_idle,
    .safepoint = go_safepoint,
};

const struct gc_world_ops *go_world_ops(void) { return &world_ops; }
