/* No collection: our heap, filled and never swept. The floor under every collector's cost. */
#include "gc/collector.h"
#include "gc/heap.h"
#include "gc/hooks.h"
#include "gc/weak.h"

const struct gc_collector gc_collector = {
    .name = "none",
    .doc = "no collection: memory is allocated and never freed",
    .collects = false,
    .has_write_barrier = false,
    .reports_cycles = false,
};

enum rt_err gc_init(const struct gc_config *config, const struct gc_world_ops *ops) {
  gc_world = ops;
  return gc_heap_init(config);
}

void gc_start(struct gc_mutator *self) {
  (void)self;
}
void gc_finish(void) {
  gc_heap_finish();
}
void gc_collect(struct gc_mutator *self) {
  gc_poll(self);
}

static void flush_all_stw(void) {
  uint32_t procs = gc_world->procs();
  for (uint32_t i = 0; i < procs; i++) gc_cache_flush(gc_world->p_at(i));
}

void gc_totals_read(struct gc_mutator *self, struct gc_totals *out) {
  if (self != NULL) {
    struct gc_stop stop;
    gc_world->stop(self, "read totals", &stop);
    flush_all_stw();
    gc_world->start(self, &stop);
  }
  *out = (struct gc_totals){.cycles = 0};
  gc_heap_totals(out);
}

void gc_set_cycle_hook(gc_cycle_hook *hook, void *arg) {
  (void)hook, (void)arg;
}

/* ---- the heap's questions (gc/hooks.h) ------------------------------------------------------- */

void gc_hook_assist(struct gc_mutator *mu) {
  (void)mu;
}
void gc_hook_allocated_black(struct gc_p *p, uint64_t bytes) {
  (void)p, (void)bytes;
}
void gc_hook_update(struct gc_p *p, uint64_t scan_bytes) {
  (void)p, (void)scan_bytes;
}
bool gc_hook_emergency(struct gc_mutator *mu, uint64_t *live_bytes) {
  (void)mu, (void)live_bytes;
  return false;
}
bool gc_hook_trigger(void) {
  return false;
}
void gc_hook_start(struct gc_mutator *mu) {
  (void)mu;
}
void gc_hook_swept(struct gc_p *p) {
  (void)p;
}

/* ---- barriers: the flag is never set --------------------------------------------------------- */

void gc_store_slow(struct gc_mutator *mu, void **slot, void *value) {
  (void)mu, (void)slot, (void)value;
  rt_die("no collector is linked, yet gc_flags.barrier_on is set");
}

void gc_store_bulk_slow(struct gc_mutator *mu, void **slot, void *value) {
  gc_store_slow(mu, slot, value);
}

void gc_shade_handover(struct gc_mutator *mu, void *value) {
  (void)mu, (void)value;
}

/* ---- weak pointers: nothing is ever unreachable ---------------------------------------------- */

void *gc_weak_make(struct gc_mutator *mu, void *object) {
  GC_ROOTS(mu, keep, 1);
  keep[0] = object;
  struct gc_weak_handle *handle = gc_alloc_bytes(mu, sizeof *handle);
  at_u64_init(&handle->target, (uintptr_t)keep[0]);
  GC_ROOTS_END(mu, keep);
  return handle;
}

void *gc_weak_get(struct gc_mutator *mu, void *handle) {
  (void)mu;
  const struct gc_weak_handle *h = handle;
  return (void *)at_u64_load_relaxed(&h->target); /* never changes */
}

/* ---- called by the scheduler ----------------------------------------------------------------- */

void gc_thread_enter(void) {}
void gc_thread_exit(void) {}

void gc_p_init(struct gc_p *p, uint32_t index, uint64_t fastrand_seed) {
  memset(p, 0, sizeof *p);
  p->index = index;
  p->fastrand = fastrand_seed;
  gc_cache_init(p);
}

void gc_p_finish(struct gc_p *p) {
  gc_cache_finish(p);
}

/* No row of this collector sets gc_flags.switch_hooks. */
void gc_switch_begin(void *to_stack_top) {
  (void)to_stack_top;
}
void gc_switch_end(void) {}
