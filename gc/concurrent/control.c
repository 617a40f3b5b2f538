#include "gc/concurrent/control.h"

#include "gc/hooks.h"
#include "gc/sweep.h"
#include "runtime/lockrank.h"

/* ---- counters ------------------------------------------------------------------------------- */

/* Memory as the pacer's limit sees it. The four counters are read one by one while others change
 * them; a torn reading can say that more is allocated and free than is mapped, so try again. */
static void read_memory(struct gc_pacer_input *in) {
  struct gc_heap_counters *n = &gc_heap.n;
  for (int tries = 0; tries < 4; tries++) {
    in->total_free = at_u64_load_relaxed(&n->total_free);
    in->total_alloc = at_u64_load_relaxed(&n->total_alloc);
    in->heap_free = at_u64_load_relaxed(&n->heap_free);
    in->mapped_ready = at_u64_load_relaxed(&n->mapped_ready);
    uint64_t alloc = in->total_alloc - in->total_free;
    if (in->total_alloc >= in->total_free && in->heap_free + alloc <= in->mapped_ready) return;
  }
  /* Still torn: say that nothing but the objects is mapped. */
  if (in->total_free > in->total_alloc) in->total_free = in->total_alloc;
  in->mapped_ready = in->heap_free + (in->total_alloc - in->total_free);
}

/* Relaxed throughout: pacing tolerates counts that are a moment old. */
static void read_input(struct gc_pacer_input *in) {
  in->heap_live = at_u64_load_relaxed(&gc_heap.n.heap_live);
  in->heap_scan = at_u64_load_relaxed(&gc_cc.heap_scan);
  in->max_stack_scan = at_u64_load_relaxed(&gc_cc.max_stack_scan);
  in->globals_scan = gc_global_roots_bytes() + gc_cc.config.globals_bytes;
  in->heap_scan_work = at_i64_load_relaxed(&gc_cc.heap_scan_work);
  in->stack_scan_work = at_i64_load_relaxed(&gc_cc.stack_scan_work);
  in->globals_scan_work = at_i64_load_relaxed(&gc_cc.globals_scan_work);
  in->assist_time = at_i64_load_relaxed(&gc_cc.assist_ns);
  in->idle_mark_time = at_i64_load_relaxed(&gc_cc.idle_ns);
  read_memory(in);
}

static void set_prices(struct gc_pacer_ratio r) {
  at_u64_store_relaxed(&gc_cc.work_per_byte, gc_f64_bits(r.work_per_byte));
  at_u64_store_relaxed(&gc_cc.bytes_per_work, gc_f64_bits(r.bytes_per_work));
}

/* ---- pacing --------------------------------------------------------------------------------- */

void gc_control_init(void) {
  struct gc_pacer_input in;
  plat_mutex_init(&gc_cc.limiter_lock, RT_RANK_PACER, "gc limiter");
  read_input(&in);
  gc_cc.pacer_ops->init(&gc_cc.pacer, &in, gc_cc.config.gogc, gc_cc.config.memory_limit_bytes);
  at_u64_store_relaxed(&gc_cc.last_goal, gc_cc.pacer_ops->heap_goal(&gc_cc.pacer, &in));
}

void gc_control_start(void) {
  gc_limiter_init(&gc_cc.limiter, plat_now_ns(), gc_cc.procs);
  at_u64_store_relaxed(&gc_cc.limiter_last_ns, gc_cc.limiter.last_ns);
}

bool gc_control_triggered(void) {
  struct gc_pacer_input in;
  read_input(&in);
  return in.heap_live >= gc_cc.pacer_ops->trigger(&gc_cc.pacer, &in).trigger;
}

static void revise(void) {
  struct gc_pacer_input in;
  read_input(&in);
  set_prices(gc_cc.pacer_ops->revise(&gc_cc.pacer, &in));
}

void gc_hook_update(struct gc_p *p, uint64_t scan_bytes) {
  (void)p;
  if (at_u32_load_relaxed(&gc_flags.blacken_on) != 0) { /* written in a stop */
    revise(); /* the bytes are dropped: what is allocated black is no scan work (F5.10) */
  } else if (scan_bytes != 0) {
    at_u64_add_relaxed(&gc_cc.heap_scan, scan_bytes);
  }
}

void gc_control_start_cycle_stw(uint64_t now_ns, enum gc_trigger_kind kind) {
  at_i64_store_relaxed(&gc_cc.heap_scan_work, 0);
  at_i64_store_relaxed(&gc_cc.stack_scan_work, 0);
  at_i64_store_relaxed(&gc_cc.globals_scan_work, 0);
  at_i64_store_relaxed(&gc_cc.bg_credit, 0);
  at_i64_store_relaxed(&gc_cc.assist_ns, 0);
  at_i64_store_relaxed(&gc_cc.dedicated_ns, 0);
  at_i64_store_relaxed(&gc_cc.fractional_ns, 0);
  at_i64_store_relaxed(&gc_cc.idle_ns, 0);
  for (uint32_t i = 0; i < gc_cc.procs; i++) {
    struct gc_worker *w = gc_world->p_at(i)->work;
    w->assist_ns = 0;
    at_i64_store_relaxed(&w->fractional_ns, 0);
  }
  struct gc_pacer_input in;
  read_input(&in);
  gc_cc.mark_start_ns = now_ns;
  set_prices(gc_cc.pacer_ops->start_cycle(&gc_cc.pacer, &in, (int64_t)now_ns, gc_cc.procs, kind));
  at_i64_store_relaxed(&gc_cc.dedicated_needed, gc_cc.pacer.dedicated_workers);
  /* Where no worker is dedicated one idle P may always mark: fractional ones have given up their
   * time when everybody else waits, and nobody would call them again. */
  uint64_t most = gc_cc.config.idle_workers, least = gc_cc.pacer.dedicated_workers > 0 ? 0 : 1;
  uint64_t idle = gc_cc.pacer.max_idle_workers;
  if (idle > most) idle = most > least ? most : least;
  at_u64_store_relaxed(&gc_cc.idle_workers, idle << 32);
}

void gc_control_end_cycle_stw(uint64_t now_ns) {
  struct gc_pacer_input in;
  read_input(&in);
  gc_cc.pacer_ops->end_cycle(&gc_cc.pacer, &in, (int64_t)now_ns, gc_cc.procs);
}

void gc_control_reset_live_stw(uint64_t bytes_marked) {
  struct gc_pacer_input in;
  read_input(&in);
  gc_cc.pacer_ops->reset_live(&gc_cc.pacer, &in, bytes_marked);
  gc_heap_reset_live_stw(in.heap_live);
  at_u64_store_relaxed(&gc_cc.heap_scan, in.heap_scan);
}

void gc_control_commit_stw(bool sweep_done) {
  struct gc_pacer_input in;
  read_input(&in);
  gc_cc.pacer_ops->commit(&gc_cc.pacer, &in, sweep_done);
  struct gc_pacer_trigger t = gc_cc.pacer_ops->trigger(&gc_cc.pacer, &in);
  gc_sweep_pace(t.trigger, in.heap_live);
  at_u64_store_relaxed(&gc_cc.last_goal, t.goal);
}

/* ---- the limiter ---------------------------------------------------------------------------- */

static struct gc_limiter_pools take_pools(void) {
  struct gc_limiter_pools pools;
  pools.assist_ns = at_i64_load_relaxed(&gc_cc.limiter_assist_ns);
  pools.idle_ns = at_i64_load_relaxed(&gc_cc.limiter_idle_ns);
  /* Only the holder of the lock subtracts, so what others add meanwhile stays. */
  at_i64_add_relaxed(&gc_cc.limiter_assist_ns, -pools.assist_ns);
  at_i64_add_relaxed(&gc_cc.limiter_idle_ns, -pools.idle_ns);
  return pools;
}

static uint64_t finished_cycles(void) { return at_u64_load_relaxed(&gc_cc.n_finished); }

static void publish_locked(void) {
  /* Relaxed: hints for others. */
  at_u64_store_relaxed(&gc_cc.limiter_last_ns, gc_cc.limiter.last_ns);
  at_u32_store_relaxed(&gc_cc.limiting, gc_cc.limiter.limiting);
}

void gc_control_limiter_update(uint64_t now_ns) {
  if (!plat_mutex_try_lock(&gc_cc.limiter_lock)) return;
  if (!gc_cc.limiter.transitioning && now_ns >= gc_cc.limiter.last_ns) {
    struct gc_limiter_pools pools = take_pools();
    gc_limiter_update(&gc_cc.limiter, now_ns, &pools, finished_cycles());
    publish_locked();
  }
  plat_mutex_unlock(&gc_cc.limiter_lock);
}

void gc_control_limiter_tick(uint64_t now_ns) {
  uint64_t last = at_u64_load_relaxed(&gc_cc.limiter_last_ns); /* a hint */
  if (now_ns > last && now_ns - last > GC_LIMITER_PERIOD_NS) gc_control_limiter_update(now_ns);
}

void gc_control_limiter_begin_stw(bool marking, uint64_t now_ns) {
  plat_mutex_lock(&gc_cc.limiter_lock);
  struct gc_limiter_pools pools = {0, 0};
  if (now_ns >= gc_cc.limiter.last_ns) pools = take_pools();
  gc_limiter_transition(&gc_cc.limiter, marking, now_ns, &pools, finished_cycles());
  publish_locked();
  plat_mutex_unlock(&gc_cc.limiter_lock);
}

void gc_control_limiter_end(uint64_t now_ns) {
  plat_mutex_lock(&gc_cc.limiter_lock);
  gc_limiter_finish(&gc_cc.limiter, now_ns, finished_cycles());
  publish_locked();
  plat_mutex_unlock(&gc_cc.limiter_lock);
}
