#include "gc/concurrent/stats.h"

#include "runtime/event.h"
#include "runtime/lockrank.h"

/* May be set before gc_init, and outlives a run. */
static PLAT_STATE struct {
  struct plat_mutex lock; /* protects the rest */
  gc_cycle_hook *call;
  void *arg;
} hook = {.lock = PLAT_MUTEX_INITIALIZER(RT_RANK_SYNC, "gc cycle hook")};

/* Sum over the Ps; exact in a stop, otherwise a moment old. */
static uint64_t count_flushes(uint64_t *entries) {
  uint64_t flushes = 0;
  *entries = 0;
  for (uint32_t i = 0; i < gc_cc.procs; i++) {
    const struct gc_worker *w = gc_world->p_at(i)->work;
    flushes += at_u64_load_relaxed(&w->wb_flushes);
    *entries += at_u64_load_relaxed(&w->wb_entries);
  }
  return flushes;
}

void gc_stats_cycle_begin(struct gc_mutator *self, enum gc_trigger_kind kind, uint64_t now_ns) {
  uint64_t entries, flushes = count_flushes(&entries);
  uint64_t live = at_u64_load_relaxed(&gc_heap.n.heap_live); /* what it is just now */
  gc_cc.cycle = (struct gc_cycle){
      .number = at_u64_load_relaxed(&gc_cc.n_finished) + 1, /* self holds gc_sema */
      .forced = kind == GC_TRIGGER_CYCLE,
      .procs = gc_cc.procs,
      .stop_procs = gc_cc.stop_procs,
      .since_init_ns = now_ns - gc_cc.init_ns,
      .start_ns = now_ns,
      .heap_start_bytes = live,
      .wb_flushes = flushes, /* replaced by the difference at the end */
  };
  ev_emit(self->p->index, EV_gc_cycle_begin, self->id, gc_cc.cycle.number, live);
}

void gc_stats_pause(uint64_t ns) {
  gc_cc.cycle.pause_total_ns += ns;
  at_u64_add_relaxed(&gc_cc.sum_pause_ns, ns);
}

void gc_stats_mark_term(void) {
  struct gc_cycle *c = &gc_cc.cycle;
  /* World stopped: plain facts. */
  c->heap_end_bytes = at_u64_load_relaxed(&gc_heap.n.heap_live);
  c->trigger_bytes = gc_cc.pacer.triggered;
  c->heap_goal_bytes = gc_cc.pacer.last_heap_goal;
  c->stack_bytes = at_u64_load_relaxed(&gc_cc.max_stack_scan);
  c->globals_bytes = gc_global_roots_bytes() + gc_cc.config.globals_bytes;
  c->stack_scan_bytes = (uint64_t)at_i64_load_relaxed(&gc_cc.stack_scan_work);
  c->globals_scan_bytes = (uint64_t)at_i64_load_relaxed(&gc_cc.globals_scan_work);
  c->assist_ns = (uint64_t)at_i64_load_relaxed(&gc_cc.assist_ns);
  c->dedicated_ns = (uint64_t)at_i64_load_relaxed(&gc_cc.dedicated_ns);
  c->fractional_ns = (uint64_t)at_i64_load_relaxed(&gc_cc.fractional_ns);
  c->idle_ns = (uint64_t)at_i64_load_relaxed(&gc_cc.idle_ns);
}

/* F7.7: idle workers cost nothing that somebody else wanted. */
static double cpu_fraction(const struct gc_cycle *c) {
  uint64_t stopped = (c->mark_ns - c->start_ns) + (c->end_ns - c->mark_term_ns);
  uint64_t used = c->stop_procs * stopped + c->assist_ns + c->dedicated_ns + c->fractional_ns;
  uint64_t sum = at_u64_add_relaxed(&gc_cc.sum_cpu_ns, used) + used;
  uint64_t available = (c->end_ns - gc_cc.init_ns) * c->procs;
  return available == 0 ? 0 : (double)sum / (double)available;
}

void gc_stats_cycle_end(struct gc_mutator *self, uint64_t marked_bytes, uint64_t now_ns) {
  struct gc_cycle *c = &gc_cc.cycle;
  uint64_t entries;
  c->end_ns = now_ns;
  c->heap_marked_bytes = marked_bytes;
  c->heap_scan_bytes = (uint64_t)at_i64_load_relaxed(&gc_cc.heap_scan_work); /* world stopped */
  c->wb_flushes = count_flushes(&entries) - c->wb_flushes;
  c->cons_mark = gc_cc.pacer.cons_mark;
  c->cpu_fraction = cpu_fraction(c);
  at_u64_store_relaxed(&gc_cc.last_fraction, gc_f64_bits(c->cpu_fraction));
  at_u64_add_relaxed(&gc_cc.sum_assist_ns, c->assist_ns);
  at_u64_add_relaxed(&gc_cc.sum_dedicated_ns, c->dedicated_ns);
  at_u64_add_relaxed(&gc_cc.sum_fractional_ns, c->fractional_ns);
  at_u64_add_relaxed(&gc_cc.sum_idle_ns, c->idle_ns);
  at_u64_add_relaxed(&gc_cc.n_finished, 1);
  if (c->forced) at_u64_add_relaxed(&gc_cc.n_forced, 1);
  ev_emit(self->p->index, EV_gc_cycle_end, self->id, c->number, marked_bytes);
}

void gc_set_cycle_hook(gc_cycle_hook *call, void *arg) {
  plat_mutex_lock(&hook.lock);
  hook.call = call;
  hook.arg = arg;
  plat_mutex_unlock(&hook.lock);
}

void gc_stats_call_hook(void) {
  plat_mutex_lock(&hook.lock);
  gc_cycle_hook *call = hook.call;
  void *arg = hook.arg;
  plat_mutex_unlock(&hook.lock);
  if (call != NULL) call(&gc_cc.cycle, arg);
}

/* Everything kept in atomics; a moment old unless the world is stopped. */
static void read_totals(struct gc_totals *out) {
  memset(out, 0, sizeof *out);
  out->cycles = at_u64_load_relaxed(&gc_cc.n_finished);
  out->forced_cycles = at_u64_load_relaxed(&gc_cc.n_forced);
  out->assists = at_u64_load_relaxed(&gc_cc.n_assists);
  out->assist_ns = at_u64_load_relaxed(&gc_cc.sum_assist_ns);
  out->dedicated_ns = at_u64_load_relaxed(&gc_cc.sum_dedicated_ns);
  out->fractional_ns = at_u64_load_relaxed(&gc_cc.sum_fractional_ns);
  out->idle_ns = at_u64_load_relaxed(&gc_cc.sum_idle_ns);
  out->pause_ns = at_u64_load_relaxed(&gc_cc.sum_pause_ns);
  out->mark_restarts = at_u64_load_relaxed(&gc_cc.n_restarts);
  out->wb_flushes = count_flushes(&out->wb_entries);
  out->cpu_fraction = gc_bits_f64(at_u64_load_relaxed(&gc_cc.last_fraction));
  gc_heap_totals(out);
  out->heap_goal_bytes = at_u64_load_relaxed(&gc_cc.last_goal);
}

void gc_totals_read(struct gc_mutator *self, struct gc_totals *out) {
  if (self == NULL) {
    read_totals(out);
    return;
  }
  struct gc_stop stop;
  gc_sema_acquire(self, &gc_cc.world_sema);
  gc_world->stop(self, "read totals", &stop);
  for (uint32_t i = 0; i < gc_cc.procs; i++) gc_cache_flush(gc_world->p_at(i));
  read_totals(out);
  gc_world->start(self, &stop);
  gc_sema_release(self, &gc_cc.world_sema);
}
