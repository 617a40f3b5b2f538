#include "gc/concurrent/weak.h"

#include "gc/concurrent/mark.h"
#include "gc/concurrent/worker.h"
#include "gc/sweep.h"
#include "gc/weak.h"
#include "runtime/lockrank.h"

void gc_weak_begin(void) {
  plat_mutex_init(&gc_cc.weak_lock, RT_RANK_SYNC, "weak to strong");
}

/* ---- making weak ones ------------------------------------------------------------------------ */

void *gc_weak_make(struct gc_mutator *mu, void *object) {
  struct gc_span *span;
  uint32_t index;
  bool is_ours = gc_find_object((uintptr_t)object, &span, &index);
  rt_assert(is_ours);
  uintptr_t base = gc_span_object(span, index);
  struct gc_weak_handle *handle = gc_weak_find(span, base);
  if (handle == NULL) {
    GC_ROOTS(mu, keep, 1);
    keep[0] = object;
    struct gc_weak_handle *fresh = gc_alloc_bytes(mu, sizeof *fresh);
    at_u64_init(&fresh->target, base);
    handle = gc_weak_find_or_add(span, base, fresh);
    GC_ROOTS_END(mu, keep);
  }
  /* The root job of its record may be done already, or be none of this cycle. */
  if (gc_phase() == GC_PHASE_MARK) gc_mark_grey(gc_worker_of(mu), (uintptr_t)handle);
  return handle;
}

/* ---- making strong ones ---------------------------------------------------------------------- */

void gc_weak_block(void) {
  at_u32_store_relaxed(&gc_cc.weak_blocked, 1); /* the ragged barrier publishes it */
}

void gc_weak_unblock_stw(struct gc_mutator *self) {
  at_u32_store_relaxed(&gc_cc.weak_blocked, 0); /* ordered by the restart */
  plat_mutex_lock(&gc_cc.weak_lock);
  struct gc_mutator *list = gc_cc.weak_waiters;
  gc_cc.weak_waiters = NULL;
  plat_mutex_unlock(&gc_cc.weak_lock);
  while (list != NULL) {
    struct gc_mutator *mu = list;
    list = mu->queue_next;
    mu->queue_next = NULL;
    gc_world->ready(self, mu, false);
  }
}

/* No safepoint between the look and whatever follows it: a P that the ragged barrier visits later
 * hands over what follows, one visited earlier sees the flag. */
static void wait_while_blocked(struct gc_mutator *mu) {
  while (at_u32_load_relaxed(&gc_cc.weak_blocked) != 0 && !gc_has_fault(GC_FAULT_WEAK_UNBLOCKED)) {
    plat_mutex_lock(&gc_cc.weak_lock); /* the flag cannot change: that takes a stop */
    mu->queue_next = gc_cc.weak_waiters;
    gc_cc.weak_waiters = mu;
    gc_world->park(mu, &gc_cc.weak_lock, "GC weak to strong wait");
  }
}

/* Whether the handle's target is what marking has left: after the end of marking it must be swept
 * before it can be trusted. Any span may lie there by now. */
static bool is_settled(struct gc_mutator *mu, uintptr_t target) {
  struct gc_span *span = gc_has_fault(GC_FAULT_WEAK_UNSWEPT) ? NULL : gc_find_span(target);
  return span == NULL || gc_sweep_ensure(mu->p, span);
}

/* It may become the only pointer to an object that nobody would mark any more: in a black frame. */
static void shade(struct gc_mutator *mu, uintptr_t target) {
  struct gc_worker *w = gc_worker_of(mu);
  if (target == 0 || gc_phase() != GC_PHASE_MARK || gc_has_fault(GC_FAULT_WEAK_UNSHADED)) return;
  if (gc_mark_grey(w, target)) gc_worker_enlist(w->p);
}

void *gc_weak_get(struct gc_mutator *mu, void *handle) {
  rt_assert(mu->no_preempt == 0);
  const struct gc_weak_handle *h = handle;
  GC_ROOTS(mu, keep, 1);
  keep[0] = handle;
  uintptr_t target;
  for (;;) {
    wait_while_blocked(mu);
    target = at_u64_load_acquire(&h->target); /* pairs with gc_weak_sweep() */
    if (target == 0 || is_settled(mu, target)) break;
    gc_world_yield_waiting(mu);
  }
  target = at_u64_load_acquire(&h->target); /* the sweeper may have just cleared it */
  shade(mu, target);
  GC_ROOTS_END(mu, keep);
  return (void *)target;
}

/* ---- marking --------------------------------------------------------------------------------- */

struct marked {
  struct gc_worker *w;
  int64_t bytes;
};

static void mark_handle(struct gc_weak_handle *handle, void *arg) {
  struct marked *m = arg;
  gc_mark_grey(m->w, (uintptr_t)handle); /* without pointers: no work */
  m->bytes += (int64_t)sizeof handle;
}

int64_t gc_weak_mark_block(struct gc_worker *w, uint64_t block) {
  struct marked m = {w, 0};
  gc_weak_each(block, mark_handle, &m);
  return m.bytes;
}
