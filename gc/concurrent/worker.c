#include "gc/concurrent/worker.h"

#include "gc/concurrent/control.h"
#include "gc/concurrent/cycle.h"
#include "gc/concurrent/mark.h"
#include "runtime/event.h"
#include "runtime/lockrank.h"
#include "runtime/meta.h"

void gc_worker_init(void) {
  plat_mutex_init(&gc_cc.pool_lock, RT_RANK_PACER, "mark worker pool");
}

void gc_worker_enter(void) {
  uint32_t before = at_u32_add_seq(&gc_cc.nwait, (uint32_t)-1); /* pairs with gc_worker_leave() */
  rt_assert(before != 0);
  rt_assert(before <= at_u32_load_relaxed(&gc_cc.nproc));
}

bool gc_worker_leave(void) {
  bool is_stale = gc_has_fault(GC_FAULT_STALE_GREY_COUNT);
  bool work_before = is_stale && gc_mark_global_work();
  uint32_t waiting = at_u32_add_seq(&gc_cc.nwait, 1) + 1; /* pairs with gc_worker_enter() */
  uint32_t all = at_u32_load_relaxed(&gc_cc.nproc); /* constant while marking */
  rt_assert(waiting <= all);
  return waiting == all && !(is_stale ? work_before : gc_mark_global_work());
}

/* ---- the pool ------------------------------------------------------------------------------- */

static struct gc_bgworker *pool_take(void) {
  if (at_u32_load_relaxed(&gc_cc.pool_size) == 0) return NULL; /* a hint */
  plat_mutex_lock(&gc_cc.pool_lock);
  struct gc_bgworker *b = gc_cc.pool;
  if (b != NULL) {
    gc_cc.pool = b->next;
    at_u32_add_relaxed(&gc_cc.pool_size, (uint32_t)-1);
  }
  plat_mutex_unlock(&gc_cc.pool_lock);
  return b;
}

static void pool_put(struct gc_bgworker *b) {
  plat_mutex_lock(&gc_cc.pool_lock);
  b->next = gc_cc.pool;
  gc_cc.pool = b;
  at_u32_add_relaxed(&gc_cc.pool_size, 1);
  plat_mutex_unlock(&gc_cc.pool_lock);
}

/* ---- who works ------------------------------------------------------------------------------ */

static bool take_dedicated(void) {
  int64_t needed = at_i64_load_relaxed(&gc_cc.dedicated_needed); /* the exchange decides */
  while (needed > 0) {
    if (at_i64_cas_acqrel(&gc_cc.dedicated_needed, &needed, needed - 1)) return true; /* self */
  }
  return false;
}

static bool take_idle(void) {
  uint64_t now = at_u64_load_relaxed(&gc_cc.idle_workers); /* the exchange decides */
  while ((uint32_t)now < now >> 32) {
    if (at_u64_cas_acqrel(&gc_cc.idle_workers, &now, now + 1)) return true; /* self */
  }
  return false;
}

static bool idle_wanted(void) {
  uint64_t now = at_u64_load_relaxed(&gc_cc.idle_workers); /* a hint */
  return (uint32_t)now < now >> 32;
}

bool gc_worker_fraction_used(const struct gc_worker *w, uint64_t start_ns) {
  uint64_t now = plat_now_ns();
  int64_t delta = (int64_t)(now - gc_cc.mark_start_ns);
  if (delta <= 0) return true;
  int64_t own = at_i64_load_relaxed(&w->fractional_ns) + (int64_t)(now - start_ns); /* own P's */
  return (double)own / (double)delta > 1.2 * gc_cc.pacer.fractional_goal;
}

static bool fraction_wanted(const struct gc_worker *w, uint64_t now_ns) {
  if (gc_cc.pacer.fractional_goal == 0) return false;
  int64_t delta = (int64_t)(now_ns - gc_cc.mark_start_ns);
  int64_t own = at_i64_load_relaxed(&w->fractional_ns); /* own P's */
  return !(delta > 0 && (double)own / (double)delta > gc_cc.pacer.fractional_goal);
}

static bool blackening(void) {
  return at_u32_load_relaxed(&gc_flags.blacken_on) != 0; /* written in a stop */
}

bool gc_work_available(struct gc_p *p) {
  if (!blackening()) return false;
  if (p != NULL && !gc_work_is_empty(p->work)) return true;
  if (!gc_mark_global_work()) return false;
  /* Without a P the question is whether one should be woken for idle marking. */
  return p != NULL || (idle_wanted() && at_u32_load_relaxed(&gc_cc.pool_size) > 0 /* a hint */);
}

static struct gc_mutator *give(struct gc_bgworker *b, enum gc_worker_mode mode, uint64_t now_ns) {
  b->mode = mode;
  b->taken_ns = now_ns;
  return b->mu;
}

struct gc_mutator *gc_worker_find(struct gc_p *p, uint64_t now_ns) {
  if (!blackening()) return NULL;
  gc_control_limiter_tick(now_ns);
  if (!gc_work_available(p)) return NULL;
  struct gc_bgworker *b = pool_take();
  if (b == NULL) return NULL;
  if (take_dedicated()) return give(b, GC_WORKER_DEDICATED, now_ns);
  if (fraction_wanted(p->work, now_ns)) return give(b, GC_WORKER_FRACTIONAL, now_ns);
  pool_put(b);
  return NULL;
}

struct gc_mutator *gc_worker_find_idle(struct gc_p *p, uint64_t now_ns) {
  if (!gc_work_available(p) || !take_idle()) return NULL;
  struct gc_bgworker *b = pool_take();
  if (b != NULL) return give(b, GC_WORKER_IDLE, now_ns);
  at_u64_add_relaxed(&gc_cc.idle_workers, (uint64_t)-1);
  return NULL;
}

void gc_worker_enlist(struct gc_p *p) {
  struct gc_worker *w = p->work;
  if (!blackening() || gc_cc.procs <= 1) return;
  if (at_i64_load_relaxed(&gc_cc.dedicated_needed) <= 0) return; /* a hint */
  for (int tries = 0; tries < 5; tries++) {
    uint32_t id = rng_fastrandn(&w->random, gc_cc.procs - 1);
    if (id >= p->index) id++;
    if (gc_world->p_is_running(id)) {
      gc_world->preempt_p(id);
      return;
    }
  }
}

/* ---- the goroutine -------------------------------------------------------------------------- */

static void drain(struct gc_mutator *self, const struct gc_bgworker *b) {
  switch (b->mode) {
    case GC_WORKER_DEDICATED:
      gc_drain(self, GC_DRAIN_UNTIL_PREEMPT | GC_DRAIN_CREDIT, b->taken_ns);
      if (gc_world->preempt_pending(self)) {
        /* This P marks on; let others have what waits here. */
        gc_world->shed_local(self);
        gc_drain(self, GC_DRAIN_CREDIT, b->taken_ns);
      }
      break;
    case GC_WORKER_FRACTIONAL:
      gc_drain(self, GC_DRAIN_FRACTIONAL | GC_DRAIN_UNTIL_PREEMPT | GC_DRAIN_CREDIT,
               b->taken_ns);
      break;
    default:
      gc_drain(self, GC_DRAIN_IDLE | GC_DRAIN_UNTIL_PREEMPT | GC_DRAIN_CREDIT, b->taken_ns);
      break;
  }
  /* A P with nothing else comes back here at once, until who asked for it has got on. */
  if (b->mode != GC_WORKER_DEDICATED && gc_world->preempt_pending(self)) plat_relax();
}

static void account(const struct gc_bgworker *b, struct gc_worker *w, int64_t ns) {
  switch (b->mode) {
    case GC_WORKER_DEDICATED:
      at_i64_add_relaxed(&gc_cc.dedicated_ns, ns);
      at_i64_add_relaxed(&gc_cc.dedicated_needed, 1);
      break;
    case GC_WORKER_FRACTIONAL:
      at_i64_add_relaxed(&gc_cc.fractional_ns, ns);
      at_i64_add_relaxed(&w->fractional_ns, ns);
      break;
    default:
      at_i64_add_relaxed(&gc_cc.idle_ns, ns);
      at_i64_add_relaxed(&gc_cc.limiter_idle_ns, ns);
      at_u64_add_relaxed(&gc_cc.idle_workers, (uint64_t)-1);
      break;
  }
}

/* One turn on the P the scheduler gave. True: this worker found marking complete. */
static bool work_once(struct gc_mutator *self, struct gc_bgworker *b) {
  struct gc_worker *w = gc_worker_of(self);
  uint32_t ring = self->p->index;
  /* The scheduler switches here without a safepoint since gc_worker_find saw marking on. */
  rt_assert(blackening());
  uint64_t start = plat_now_ns();
  ev_emit(ring, EV_gc_worker_begin, self->id, b->mode, 0);
  int64_t before = at_i64_load_relaxed(&gc_cc.heap_scan_work); /* for the event only */
  gc_worker_enter();
  gc_world->scannable_begin(self);
  b->taken_ns = start;
  drain(self, b);
  int64_t scanned = at_i64_load_relaxed(&gc_cc.heap_scan_work) - before; /* for the event only */
  ev_emit(ring, EV_gc_worker_end, self->id, b->mode, (uint64_t)scanned);
  int64_t ns = (int64_t)(plat_now_ns() - start);
  gc_world->scannable_end(self); /* may wait for who holds self suspended */
  account(b, w, ns);
  return gc_worker_leave();
}

static void worker_main(struct gc_mutator *self, void *arg) {
  struct gc_bgworker *b = arg;
  for (;;) {
    b->mu = self;
    b->mode = GC_WORKER_NONE;
    /* It may be taken before it is parked: the scheduler waits until it has left its stack. */
    pool_put(b);
    gc_world->park(self, NULL, "GC worker (idle)");
    if (work_once(self, b)) gc_mark_done(self);
  }
}

void gc_worker_start_all(struct gc_mutator *self) {
  for (; gc_cc.workers < gc_cc.procs; gc_cc.workers++) {
    struct gc_bgworker *b = rt_meta_alloc(sizeof *b, PLAT_CACHE_LINE);
    gc_world->spawn(self, "GC worker", worker_main, b);
  }
}
