#include "gc/pacer_limiter.h"

#include "gc/pacer.h"
#include "runtime/check.h"

#define CAPACITY_PER_PROC 1000000000ULL /* one second of each processor */

void gc_limiter_init(struct gc_limiter *l, uint64_t now_ns, uint32_t procs) {
  rt_assert(procs > 0);
  *l = (struct gc_limiter){
      .capacity = procs * CAPACITY_PER_PROC, .last_ns = now_ns, .procs = procs};
}

/* F5.13.1. */
static void accumulate(struct gc_limiter *l, int64_t mutator_ns, int64_t gc_ns, uint64_t cycle) {
  uint64_t headroom = l->capacity - l->fill;
  bool was_full = headroom == 0;
  int64_t change = (int64_t)((uint64_t)gc_ns - (uint64_t)mutator_ns);
  if (change > 0 && headroom <= (uint64_t)change) {
    l->overflow += (uint64_t)change - headroom;
    l->fill = l->capacity;
    if (!was_full) {
      l->limiting = true;
      l->last_enabled_cycle = cycle + 1;
    }
    return;
  }
  if (change < 0 && l->fill <= 0 - (uint64_t)change) {
    l->fill = 0;
  } else {
    l->fill += (uint64_t)change;
  }
  if (change != 0 && was_full) l->limiting = false;
}

static void update(struct gc_limiter *l, uint64_t now_ns, const struct gc_limiter_pools *pools,
                   uint64_t cycle) {
  if (now_ns < l->last_ns) return;
  int64_t window = (int64_t)((now_ns - l->last_ns) * l->procs);
  l->last_ns = now_ns;
  int64_t gc = pools->assist_ns;
  if (l->gc_enabled) gc += gc_f64_to_i64((double)window * 0.25);
  window -= pools->idle_ns;
  accumulate(l, window - gc, gc, cycle);
}

void gc_limiter_update(struct gc_limiter *l, uint64_t now_ns, const struct gc_limiter_pools *pools,
                       uint64_t cycle) {
  rt_assert(!l->transitioning);
  update(l, now_ns, pools, cycle);
}

void gc_limiter_transition(struct gc_limiter *l, bool gc_enabled, uint64_t now_ns,
                           const struct gc_limiter_pools *pools, uint64_t cycle) {
  rt_assert(!l->transitioning);
  update(l, now_ns, pools, cycle);
  l->gc_enabled = gc_enabled;
  l->transitioning = true;
}

void gc_limiter_finish(struct gc_limiter *l, uint64_t now_ns, uint64_t cycle) {
  rt_assert(l->transitioning);
  if (now_ns >= l->last_ns)
    accumulate(l, 0, (int64_t)((now_ns - l->last_ns) * l->procs), cycle);
  l->last_ns = now_ns;
  l->transitioning = false;
}

void gc_limiter_resize(struct gc_limiter *l, uint64_t now_ns, uint32_t procs,
                       const struct gc_limiter_pools *pools, uint64_t cycle) {
  rt_assert(procs > 0);
  rt_assert(!l->transitioning);
  update(l, now_ns, pools, cycle);
  l->procs = procs;
  l->capacity = procs * CAPACITY_PER_PROC;
  if (l->fill > l->capacity) {
    l->fill = l->capacity;
    l->limiting = true;
  } else if (l->fill < l->capacity) {
    l->limiting = false;
  }
}
