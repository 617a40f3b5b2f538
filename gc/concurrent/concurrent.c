/* The collector `concurrent`: set-up, and what gc/collector.h asks beside cycles and statistics. */
#include "gc/collector.h"

#include "gc/concurrent/assist.h"
#include "gc/concurrent/control.h"
#include "gc/concurrent/cycle.h"
#include "gc/concurrent/look.h"
#include "gc/concurrent/mark.h"
#include "gc/concurrent/state.h"
#include "gc/concurrent/wb.h"
#include "gc/concurrent/weak.h"
#include "gc/concurrent/worker.h"
#include "gc/hooks.h"
#include "gc/sweep.h"
#include "runtime/event.h"
#include "runtime/meta.h"

const struct gc_collector gc_collector = {
    .name = "concurrent",
    .doc = "Tricolor's own: concurrent tri-colour mark-sweep with Go 1.19's phases and pacing",
    .collects = true,
    .has_write_barrier = true,
    .reports_cycles = true,
    .look = &gc_concurrent_look,
};

PLAT_STATE struct gc_state gc_cc;

/* An earlier run of the process may have been left in the middle of marking. */
static void forget_earlier_run(void) {
  memset(&gc_cc, 0, sizeof gc_cc);
  at_u32_store_relaxed(&gc_flags.barrier_on, 0); /* one thread */
  at_u32_store_relaxed(&gc_flags.blacken_on, 0);
}

enum rt_err gc_init(const struct gc_config *config, const struct gc_world_ops *ops) {
  forget_earlier_run();
  gc_cc.config = *config;
  gc_cc.barrier = gc_barrier_find(config->barrier);
  gc_cc.pacer_ops = gc_pacer_find(config->pacer);
  rt_assert(gc_cc.barrier != NULL);
  rt_assert(gc_cc.pacer_ops != NULL);
  gc_world = ops;
  enum rt_err err = gc_heap_init(config);
  if (err != RT_OK) return err;
  gc_cc.init_ns = plat_now_ns();
  gc_workbuf_init();
  gc_control_init();
  gc_mark_pretend_globals(config->globals_bytes);
  gc_cycle_init();
  gc_worker_init();
  gc_assist_init();
  gc_weak_begin();
  return RT_OK;
}

void gc_start(struct gc_mutator *self) {
  gc_cc.procs = gc_world->procs();
  uint32_t cpus = plat_ncpu();
  gc_cc.stop_procs = gc_cc.procs < cpus ? gc_cc.procs : cpus;
  gc_control_start();
  gc_world->spawn(self, "GC sweeper", gc_sweep_background, NULL);
  at_u32_store_relaxed(&gc_cc.started, 1); /* others run only after this goroutine lets them */
}

void gc_finish(void) { gc_heap_finish(); }

/* ---- called by sched/ ----------------------------------------------------------------------- */

void gc_thread_enter(void) {}
void gc_thread_exit(void) {}

void gc_p_init(struct gc_p *p, uint32_t index, uint64_t fastrand_seed) {
  memset(p, 0, sizeof *p);
  p->index = index;
  p->fastrand = fastrand_seed;
  p->wb = gc_wb_new(gc_cc.config.wb_entries);
  p->work = rt_meta_alloc(sizeof *p->work, PLAT_CACHE_LINE);
  gc_work_init(p->work, p);
  p->work->random = rng_split(fastrand_seed, 1);
  gc_cache_init(p);
}

void gc_p_finish(struct gc_p *p) {
  rt_assert(p->wb->next == 0 || gc_phase() != GC_PHASE_OFF);
  gc_cache_finish(p);
  gc_work_dispose(p->work);
}

void gc_p_acquired(struct gc_p *p) { gc_cache_prepare(p); }

/* No collector of this kind scans machine stacks, so switch_hooks is never set. */
void gc_switch_begin(void *to_stack_top) { rt_die("switch hook called: %p", to_stack_top); }
void gc_switch_end(void) { rt_die("switch hook called"); }

/* ---- called by the heap --------------------------------------------------------------------- */

void gc_hook_allocated_black(struct gc_p *p, uint64_t bytes) { p->work->bytes_marked += bytes; }

void gc_hook_swept(struct gc_p *p) {
  ev_emit(p->index, EV_gc_sweep_done, 0, at_u64_load_relaxed(&gc_cc.n_finished), 0);
}
