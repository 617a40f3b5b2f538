#include "gc/concurrent/cycle.h"

#include "gc/concurrent/assist.h"
#include "gc/concurrent/control.h"
#include "gc/concurrent/mark.h"
#include "gc/concurrent/stats.h"
#include "gc/concurrent/verify.h"
#include "gc/concurrent/wb.h"
#include "gc/concurrent/weak.h"
#include "gc/concurrent/worker.h"
#include "gc/hooks.h"
#include "gc/sweep.h"
#include "runtime/event.h"
#include "runtime/lockrank.h"

#define PERIOD_NS (120 * 1000000000ULL) /* no longer without a collection (F5.1) */

void gc_cycle_init(void) {
  gc_sema_init(&gc_cc.start_sema, 1, "GC start");
  gc_sema_init(&gc_cc.mark_done_sema, 1, "GC mark done");
  gc_sema_init(&gc_cc.world_sema, 1, "GC world");
  gc_sema_init(&gc_cc.gc_sema, 1, "GC cycle");
  plat_mutex_init(&gc_cc.waiters_lock, RT_RANK_SYNC, "GC waiters");
}

static void set_phase_stw(struct gc_mutator *self, enum gc_phase phase) {
  at_u32_store_relaxed(&gc_cc.phase, phase); /* ordered by the restart */
  bool shades = gc_cc.barrier->shade_old || gc_cc.barrier->shade_new;
  bool on = phase != GC_PHASE_OFF && shades && !gc_has_fault(GC_FAULT_BARRIER_NONE);
  if (gc_has_fault(GC_FAULT_SAFEPOINT_IN_STORE)) on = true; /* each store takes the slow path */
  at_u32_store_relaxed(&gc_flags.barrier_on, on);
  ev_emit(self->p->index, EV_gc_phase, self->id, phase,
          at_u64_load_relaxed(&gc_heap.n.heap_live) /* world stopped */);
}

static void set_blackening_stw(bool on) {
  at_u32_store_relaxed(&gc_flags.blacken_on, on); /* ordered by the restart */
  for (uint32_t i = 0; i < gc_cc.procs; i++) {
    struct gc_p *p = gc_world->p_at(i);
    /* pairs with other threads' changes of the POLL bit: none is lost */
    if (on) at_u32_or_acqrel(&p->attention, GC_ATTN_MARK);
    if (!on) at_u32_and_acqrel(&p->attention, ~(uint32_t)GC_ATTN_MARK);
  }
}

/* ---- off to mark ---------------------------------------------------------------------------- */

/* F2.8.2. */
static bool period_over(uint64_t now_ns) {
  uint64_t last = at_u64_load_relaxed(&gc_cc.last_gc_ns); /* written in a stop */
  return gc_cc.config.gogc >= 0 && last != 0 && now_ns > last && now_ns - last > PERIOD_NS;
}

/* F2.8. */
static bool trigger_holds(enum gc_trigger_kind kind, uint32_t wanted) {
  if (at_u32_load_relaxed(&gc_cc.started) == 0 || gc_phase() != GC_PHASE_OFF) return false;
  switch (kind) {
    case GC_TRIGGER_HEAP:
      return gc_control_triggered();
    case GC_TRIGGER_TIME:
      return period_over(plat_now_ns());
    case GC_TRIGGER_CYCLE:
      break;
  }
  /* Written in a stop. */
  return (int32_t)(wanted - at_u32_load_relaxed(&gc_cc.cycles)) > 0;
}

/* Every goroutine: stack grey, no debt, no credit (F3.2.1). */
static void reset_goroutines_stw(void) {
  uint64_t n = gc_world->stacks_count();
  for (uint64_t i = 0; i < n; i++) {
    struct gc_mutator *mu = gc_world->stack_at(i);
    mu->stack_scanned = false;
    mu->assist_bytes = 0;
  }
}

/* The first stop (F3.2.2). */
static void enter_mark_stw(struct gc_mutator *self, enum gc_trigger_kind kind, uint64_t t0) {
  for (uint32_t i = 0; i < gc_cc.procs; i++)
    rt_assert(gc_cache_is_prepared(gc_world->p_at(i)));
  gc_sweep_finish_stw(self->p);
  rt_assert(gc_sweep_is_done());
  rt_assert(gc_work_global_is_empty());
  gc_page_marks_clear();
  reset_goroutines_stw();
  gc_heap.allocate_white = gc_has_fault(GC_FAULT_ALLOCATE_WHITE);
  at_u64_store_relaxed(&gc_cc.bytes_marked, 0);
  at_u32_store_relaxed(&gc_cc.cycles, at_u32_load_relaxed(&gc_cc.cycles) + 1); /* in a stop */
  gc_control_start_cycle_stw(t0, kind);
  gc_control_limiter_begin_stw(true, t0);
  set_phase_stw(self, GC_PHASE_MARK);
  at_u32_store_relaxed(&gc_cc.nproc, UINT32_MAX);
  at_u32_store_relaxed(&gc_cc.nwait, UINT32_MAX);
  gc_mark_prepare_roots_stw();
  gc_mark_tiny_blocks_stw();
  if (gc_stacks_at_start()) gc_mark_all_stacks_stw(self);
  set_blackening_stw(true);
}

static void end_mark_stw(struct gc_mutator *self, uint64_t now_ns, struct gc_stop *stop);

/* The first stop of GC_MODE_STW is the only one: self marks everything. t0: when it was asked for.
 * Every processor counts as taken, as in any stop. */
static void mark_stw(struct gc_mutator *self, uint64_t t0, struct gc_stop *stop) {
  uint64_t begin = plat_now_ns();
  gc_cc.cycle.mark_ns = begin;
  gc_control_limiter_end(begin);
  gc_drain(self, GC_DRAIN_STOPPED, begin);
  rt_assert(!gc_mark_global_work());
  uint64_t end = plat_now_ns();
  at_i64_store_relaxed(&gc_cc.dedicated_ns, (int64_t)((end - begin) * gc_cc.stop_procs));
  gc_cc.cycle.mark_term_ns = end;
  gc_stats_pause(end - t0); /* end_mark_stw adds the rest */
  end_mark_stw(self, end, stop);
}

/* Marking starts and the program goes on. t0: when the stop was asked for. */
static void start_marking_stw(struct gc_mutator *self, uint64_t t0, struct gc_stop *stop) {
  uint64_t t1 = gc_world->start(self, stop);
  gc_stats_pause(t1 - t0);
  gc_cc.cycle.mark_ns = t1;
  gc_control_limiter_end(t1);
  gc_sema_release(self, &gc_cc.world_sema);
}

void gc_cycle_start(struct gc_mutator *self, enum gc_trigger_kind kind, uint32_t wanted) {
  bool stays_stopped = gc_cc.config.mode == GC_MODE_STW;
  if (self->no_preempt > 0) return;
  /* What the last cycle left to sweep is swept before the world stops, not while it stands. */
  while (trigger_holds(kind, wanted) && gc_sweep_one(self->p) != GC_SWEEP_NONE) {
  }
  gc_sema_acquire(self, &gc_cc.start_sema);
  if (!trigger_holds(kind, wanted)) {
    gc_sema_release(self, &gc_cc.start_sema);
    return;
  }
  gc_sema_acquire(self, &gc_cc.gc_sema);
  if (stays_stopped) gc_sema_acquire(self, &gc_cc.mark_done_sema);
  gc_sema_acquire(self, &gc_cc.world_sema);
  if (!stays_stopped) gc_worker_start_all(self);

  struct gc_stop stop;
  uint64_t t0 = plat_now_ns();
  gc_stats_cycle_begin(self, kind, t0);
  gc_world->stop(self, stays_stopped ? "collection" : "sweep termination", &stop);
  enter_mark_stw(self, kind, t0);
  if (stays_stopped) {
    mark_stw(self, t0, &stop);
  } else {
    start_marking_stw(self, t0, &stop);
  }
  gc_sema_release(self, &gc_cc.start_sema);
}

bool gc_hook_trigger(void) { return trigger_holds(GC_TRIGGER_HEAP, 0); }

void gc_hook_start(struct gc_mutator *mu) { gc_cycle_start(mu, GC_TRIGGER_HEAP, 0); }

bool gc_periodic_due(uint64_t now_ns) {
  return at_u32_load_relaxed(&gc_cc.started) != 0 /* set once */ &&
         gc_phase() == GC_PHASE_OFF && period_over(now_ns);
}

void gc_periodic_run(struct gc_mutator *self) { gc_cycle_start(self, GC_TRIGGER_TIME, 0); }

/* ---- termination detection ------------------------------------------------------------------ */

/* The ragged barrier's visit of one P (F3.9.2): hands over all it has. */
static void flush_p(struct gc_p *p, void *arg) {
  struct at_u32 *flushed = arg;
  struct gc_worker *w = p->work;
  if (!gc_has_fault(GC_FAULT_FLUSH_SKIPPED_AT_STOP)) gc_wb_flush(p);
  gc_work_dispose(w);
  gc_mark_flush_counts(w);
  if (w->flushed_work) {
    w->flushed_work = false;
    at_u32_add_relaxed(flushed, 1); /* read after for_each_p has returned */
  }
}

/* Whether the ragged barrier finds a P with work to hand over. */
static bool barrier_finds_work(struct gc_mutator *self) {
  if (gc_has_fault(GC_FAULT_NO_RAGGED_BARRIER)) return false;
  struct at_u32 flushed;
  at_u32_init(&flushed, 0);
  gc_world->for_each_p(self, flush_p, &flushed);
  return at_u32_load_relaxed(&flushed) != 0;
}

static void flush_early(struct gc_p *p, void *arg) {
  (void)arg;
  gc_wb_flush(p);
}

static bool looks_after_stop(void) {
  return !gc_has_fault(GC_FAULT_NO_RECHECK) &&
         !gc_has_fault(GC_FAULT_FLUSH_BEFORE_LAST_STOPPED) &&
         !gc_has_fault(GC_FAULT_SWEEP_BEFORE_MARK_FINAL);
}

/* Work that turned up after the stop, on p (NULL: in the global buffers): whether marking goes on
 * for it. */
static bool accept_late_work_stw(const struct gc_p *p) {
  if (gc_cc.config.late_work == GC_LATE_THROW)
    rt_fatal(RT_END_VIOLATION,
             "late work: grey objects turned up at mark termination, %s, cycle %llu",
             p != NULL ? "with a processor" : "in the global buffers",
             (unsigned long long)gc_cc.cycle.number);
  return gc_cc.config.late_work == GC_LATE_RESTART;
}

/* After the stop: whether marking goes on, because some P still had work (issue 27993, F3.9.3). */
static bool work_turned_up_stw(void) {
  const struct gc_p *late = NULL;
  if (!looks_after_stop()) return false;
  for (uint32_t i = 0; i < gc_cc.procs; i++) {
    struct gc_p *p = gc_world->p_at(i);
    if (!gc_has_fault(GC_FAULT_FLUSH_SKIPPED_AT_STOP) &&
        !gc_has_fault(GC_FAULT_DISCARD_AT_TERMINATION))
      gc_wb_flush(p);
    if (!gc_work_is_empty(p->work)) late = p;
  }
  /* Go looks at the Ps only: one may have passed on what it got after its visit (tests/spin). */
  if (late == NULL && !gc_mark_global_work()) return false;
  return accept_late_work_stw(late);
}

/* For barriers that leave stacks grey: scans them again and finishes marking in the stop. */
static void rescan_stacks_stw(struct gc_mutator *self) {
  gc_mark_all_stacks_stw(self);
  gc_drain(self, GC_DRAIN_STOPPED, 0);
  rt_assert(!gc_mark_global_work());
}

/* F3.9.1: still nobody at work and nothing to do? Before the barrier, or work could hide. */
static bool is_quiet(void) {
  if (gc_has_fault(GC_FAULT_DROP_RECHECK_UNDER_LOCK) || gc_has_fault(GC_FAULT_STALE_GREY_COUNT))
    return gc_phase() == GC_PHASE_MARK;
  if (gc_phase() != GC_PHASE_MARK) return false;
  uint32_t all = at_u32_load_relaxed(&gc_cc.nproc); /* constant while marking */
  /* pairs with gc_worker_enter() and _leave() */
  return at_u32_load_seq(&gc_cc.nwait) == all && !gc_mark_global_work();
}

void gc_mark_done(struct gc_mutator *self) {
  gc_sema_acquire(self, &gc_cc.mark_done_sema);
  for (;;) {
    if (!is_quiet()) {
      gc_sema_release(self, &gc_cc.mark_done_sema);
      return;
    }
    gc_sema_acquire(self, &gc_cc.world_sema);
    gc_weak_block();
    if (barrier_finds_work(self)) {
      gc_sema_release(self, &gc_cc.world_sema);
      continue;
    }
    if (gc_has_fault(GC_FAULT_FLUSH_BEFORE_LAST_STOPPED))
      gc_world->for_each_p(self, flush_early, NULL);
    struct gc_stop stop;
    uint64_t now = plat_now_ns();
    gc_cc.cycle.mark_term_ns = now;
    gc_world->stop(self, "mark termination", &stop);
    if (!work_turned_up_stw()) {
      end_mark_stw(self, now, &stop);
      return;
    }
    at_u64_add_relaxed(&gc_cc.n_restarts, 1);
    gc_cc.cycle.mark_restarts++;
    ev_emit(self->p->index, EV_gc_mark_restart, self->id, gc_cc.cycle.number, 0);
    uint64_t restarted = gc_world->start(self, &stop);
    gc_stats_pause(restarted - now);
    gc_sema_release(self, &gc_cc.world_sema);
  }
}

/* ---- mark termination, in the second stop (F3.10) ------------------------------------------- */

/* Whether grey objects may be left when marking ends: they are dropped, and the verifier tells. */
static bool may_lose_work(void) {
  return gc_cc.config.faults != 0 || gc_cc.config.late_work == GC_LATE_DISCARD;
}

/* Everything the Ps have is accounted and gone (F3.10.1). */
static void empty_ps_stw(void) {
  if (gc_cc.config.check) gc_verify_leftovers_stw();
  rt_assert(gc_work_global_is_empty() || may_lose_work());
  for (uint32_t i = 0; i < gc_cc.procs; i++) {
    struct gc_p *p = gc_world->p_at(i);
    gc_wb_discard(p);
    rt_assert(gc_work_is_empty(p->work) || may_lose_work());
    gc_work_dispose(p->work);
    gc_mark_flush_counts(p->work);
    p->work->flushed_work = false;
    p->scan_alloc = 0;
  }
  if (may_lose_work()) gc_work_discard_global_stw();
}

/* Wakes goroutines that wait in gc_collect. */
static void wake_waiters_stw(struct gc_mutator *self) {
  plat_mutex_lock(&gc_cc.waiters_lock);
  struct gc_mutator *list = gc_cc.waiters;
  gc_cc.waiters = NULL;
  plat_mutex_unlock(&gc_cc.waiters_lock);
  while (list != NULL) {
    struct gc_mutator *mu = list;
    list = mu->queue_next;
    mu->queue_next = NULL;
    gc_world->ready(self, mu, false);
  }
}

static void start_sweep_stw(struct gc_mutator *self) {
  gc_sweep_start_stw();
  gc_sweep_block();
  gc_sweep_wake(self);
  gc_control_commit_stw(gc_sweep_is_done());
}

static void prepare_p(struct gc_p *p, void *arg) {
  (void)arg;
  gc_cache_prepare(p);
}

/* F3.10.4: the world runs again. */
static void after_cycle(struct gc_mutator *self) {
  gc_world->for_each_p(self, prepare_p, NULL);
  gc_sweep_unblock(self->p);
  gc_stats_call_hook();
  gc_sema_release(self, &gc_cc.world_sema);
  gc_sema_release(self, &gc_cc.gc_sema);
}

/* Whether stacks may still be grey at the end of marking. */
static bool must_rescan(void) {
  return gc_cc.barrier->rescan_stacks && !gc_stacks_at_start() &&
         !gc_has_fault(GC_FAULT_DIJKSTRA_NO_RESCAN) &&
         !gc_has_fault(GC_FAULT_SWEEP_BEFORE_MARK_FINAL);
}

/* now_ns: when the stop was asked for, or marking in it was done. Holds mark_done_sema, world_sema
 * and gc_sema. */
static void end_mark_stw(struct gc_mutator *self, uint64_t now_ns, struct gc_stop *stop) {
  if (must_rescan()) rescan_stacks_stw(self);
  set_blackening_stw(false);
  gc_control_limiter_begin_stw(false, now_ns);
  gc_assist_release_all_stw(self);
  gc_weak_unblock_stw(self);
  gc_sema_release(self, &gc_cc.mark_done_sema);
  gc_control_end_cycle_stw(now_ns);

  set_phase_stw(self, GC_PHASE_MARK_TERM);
  gc_stats_mark_term();
  empty_ps_stw();
  uint64_t marked = at_u64_load_relaxed(&gc_cc.bytes_marked); /* world stopped */
  if (gc_cc.config.check) {
    gc_verify_heap();
    gc_call_check_hook(self);
  }
  gc_control_reset_live_stw(marked);
  set_phase_stw(self, GC_PHASE_OFF);
  start_sweep_stw(self);

  uint64_t end = plat_now_ns();
  gc_stats_pause(end - now_ns);
  gc_stats_cycle_end(self, marked, end);
  at_u64_store_relaxed(&gc_cc.last_gc_ns, end);
  wake_waiters_stw(self);
  gc_control_limiter_end(end);
  gc_world->start(self, stop);
  after_cycle(self);
}

/* ---- runtime.GC (F3.10.6) ------------------------------------------------------------------- */

/* The lock of the list of those that wait; NULL: with a fault, none. */
static struct plat_mutex *lock_waiters(void) {
  if (gc_has_fault(GC_FAULT_WAITERS_UNLOCKED)) return NULL;
  plat_mutex_lock(&gc_cc.waiters_lock);
  return &gc_cc.waiters_lock;
}

/* Until marking of cycle n has ended. */
static void wait_for_mark(struct gc_mutator *self, uint32_t n) {
  for (;;) {
    struct plat_mutex *lock = lock_waiters();
    /* Both change in stops only. */
    uint32_t marks = at_u32_load_relaxed(&gc_cc.cycles);
    if (gc_phase() != GC_PHASE_MARK) marks++;
    if ((int32_t)(marks - n) > 0) {
      if (lock != NULL) plat_mutex_unlock(lock);
      return;
    }
    self->queue_next = gc_cc.waiters;
    gc_cc.waiters = self;
    gc_world->park(self, lock, "wait for GC cycle");
  }
}

/* Marks in a cycle that begins now. Returns its number. */
static uint32_t mark_anew(struct gc_mutator *self) {
  rt_assert(self->no_preempt == 0);
  uint32_t n = at_u32_load_relaxed(&gc_cc.cycles); /* written in a stop */
  wait_for_mark(self, n);
  gc_cycle_start(self, GC_TRIGGER_CYCLE, n + 1);
  wait_for_mark(self, n + 1);
  return n + 1;
}

/* Sweeping of cycle n is over, or a newer one has begun. */
static bool is_swept(uint32_t n) {
  return at_u32_load_relaxed(&gc_cc.cycles) != n /* written in a stop */ || gc_sweep_is_done();
}

void gc_collect(struct gc_mutator *self) {
  uint32_t n = mark_anew(self);
  /* Helps sweeping, giving others the P between spans. */
  while (!is_swept(n) && gc_sweep_one(self->p) != GC_SWEEP_NONE) gc_world->yield(self);
  while (!is_swept(n)) gc_world_yield_waiting(self);
}

bool gc_hook_emergency(struct gc_mutator *mu, uint64_t *live_bytes) {
  if (at_u32_load_relaxed(&gc_cc.started) == 0) return false; /* written once, by the first */
  uint32_t n = mark_anew(mu);
  *live_bytes = at_u64_load_relaxed(&gc_cc.bytes_marked); /* a newer cycle's: too little */
  /* The others are as hungry: what is swept while they run is theirs. */
  while (gc_sweep_one(mu->p) != GC_SWEEP_NONE) continue;
  while (!is_swept(n)) gc_world_yield_waiting(mu);
  return true;
}
