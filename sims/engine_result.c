/* From what was measured to the result document's values. */
#include <stdlib.h>
#include <string.h>

#include "sims/engine.h"
#include "sims/memory.h"
#include "sims/platform.h"

static void fill_identity(struct engine *e) {
  struct sim_result *r = &e->result;
  const struct scenario *sc = e->scenario;
  if (gc_collector.has_write_barrier) r->has |= SIM_HAS_CONCURRENT_MARK;
  if (gc_collector.reports_cycles) r->has |= SIM_HAS_CYCLES;
  if (sim_platform_is_real) r->has |= SIM_HAS_MACHINE;
  r->scenario = sc->name;
  r->engine = sim_platform_name;
  r->collector = gc_collector.name;
  r->version = TRICOLOR_VERSION;
  r->run = e->options.run;
  r->seed = sc->seed;
  r->procs = sc->procs;
  r->config_json = sc->resolved_json;
  r->max_rss_bytes = sim_platform_rss_bytes();
}

/* Real Go counts the objects of the same classes. */
enum { SIZE_COUNTED_MAX = 18432 };

static void fill_sizes(struct sim_result *r, const struct gc_totals *before,
                       const struct gc_totals *after) {
  struct sim_result_size *sizes = sim_alloc(GC_SIZE_CLASSES * sizeof *sizes);
  r->sizes = sizes;
  for (uint32_t i = 1; gc_size_classes[i].bytes <= SIZE_COUNTED_MAX; i++) {
    uint64_t mallocs = after->mallocs_of_class[i] - before->mallocs_of_class[i];
    if (mallocs == 0) continue;
    sizes[r->size_count++] = (struct sim_result_size){gc_size_classes[i].bytes, mallocs};
  }
}

static void fill_gc(struct engine *e, const struct gc_totals *before,
                    const struct gc_totals *after) {
  struct sim_result *r = &e->result;
  r->gc.cycles = after->cycles - before->cycles;
  r->gc.forced_cycles = after->forced_cycles - before->forced_cycles;
  r->gc.assists = after->assists - before->assists;
  r->gc.assist_ns = after->assist_ns - before->assist_ns;
  r->gc.dedicated_ns = after->dedicated_ns - before->dedicated_ns;
  r->gc.fractional_ns = after->fractional_ns - before->fractional_ns;
  r->gc.idle_ns = after->idle_ns - before->idle_ns;
  r->gc.cpu_fraction = after->cpu_fraction;
  r->gc.heap_goal_bytes_last = after->heap_goal_bytes;
  r->gc.heap_live_bytes_last = after->heap_live_bytes;
  r->gc.heap_live_bytes_peak = after->heap_live_peak_bytes;
  r->gc.heap_committed_bytes = after->heap_committed_bytes;
  r->gc.wb_flushes = after->wb_flushes - before->wb_flushes;
  r->gc.wb_entries = after->wb_entries - before->wb_entries;
  r->gc.mark_restarts = after->mark_restarts - before->mark_restarts;
  r->gc.bytes_allocated = after->bytes_allocated - before->bytes_allocated;
  r->gc.bytes_freed = after->bytes_freed - before->bytes_freed;
  r->gc.mallocs = after->mallocs - before->mallocs;
  r->gc.frees = after->frees - before->frees;
  fill_sizes(r, before, after);
}

static void fill_sched(struct engine *e, const struct go_totals *before,
                       const struct go_totals *after) {
  struct sim_result *r = &e->result;
  r->sched.goroutines = after->goroutines_created;
  r->sched.switches = after->switches - before->switches;
  r->sched.steals = after->steals - before->steals;
  r->sched.preemptions = after->preemptions - before->preemptions;
  r->sched.parks = after->parks - before->parks;
  r->sched.stops = after->stops;
  r->sched.threads = after->threads;
}

static void fill_pauses(struct engine *e, const struct sim_pauses *p) {
  struct sim_result *r = &e->result;
  r->pauses.count = p->total.count;
  r->pauses.total_ns = p->total.sum;
  r->pauses.p50_ns = hist_quantile(&p->total, 0.5);
  r->pauses.p90_ns = hist_quantile(&p->total, 0.9);
  r->pauses.p99_ns = hist_quantile(&p->total, 0.99);
  r->pauses.p999_ns = hist_quantile(&p->total, 0.999);
  r->pauses.max_ns = p->total.max;
  r->pauses.time_to_stop.p50_ns = hist_quantile(&p->time_to_stop, 0.5);
  r->pauses.time_to_stop.p99_ns = hist_quantile(&p->time_to_stop, 0.99);
  r->pauses.time_to_stop.max_ns = p->time_to_stop.max;
  struct sim_result_stop *worst = sim_alloc(p->worst_count * sizeof *worst);
  for (uint32_t i = 0; i < p->worst_count; i++) {
    const struct gc_stop *s = &p->worst[i];
    worst[i] = (struct sim_result_stop){
      .reason = s->reason,
      .requested_ns = (int64_t)(s->requested_ns - e->begin_ns),
      .time_to_stop_ns = s->stopped_ns - s->requested_ns,
      .total_ns = s->restarted_ns - s->requested_ns,
      .last_goroutine = s->last_goroutine == 0 ? NULL : s->last_name,
      .last_goroutine_id = s->last_goroutine,
    };
  }
  r->worst = worst;
  r->worst_count = p->worst_count;
}

static void fill_observed(struct engine *e) {
  struct sim_result *r = &e->result;
  struct hist *h = sim_alloc(sizeof *h);
  hist_init(h);
  sim_gaps_merge(e->gaps, e->scenario->procs, h);
  if (h->count > 0) r->has |= SIM_HAS_GAPS;
  r->observed.count = h->count;
  r->observed.p50_ns = hist_quantile(h, 0.5);
  r->observed.p90_ns = hist_quantile(h, 0.9);
  r->observed.p99_ns = hist_quantile(h, 0.99);
  r->observed.p999_ns = hist_quantile(h, 0.999);
  r->observed.p9999_ns = hist_quantile(h, 0.9999);
  r->observed.max_ns = h->max;
  free(h);
}

static void fill_mmu(struct engine *e, uint64_t end_ns) {
  double values[SIM_MMU_WINDOWS];
  if (end_ns <= e->begin_ns) return;
  sim_measure_mmu(&e->measure, e->begin_ns, end_ns, values);
  struct sim_result_mmu *mmu = sim_alloc(SIM_MMU_WINDOWS * sizeof *mmu);
  for (int i = 0; i < SIM_MMU_WINDOWS; i++)
    mmu[i] = (struct sim_result_mmu){.window_ns = sim_mmu_windows[i],
                                     .utilisation = values[i],
                                     .clamped = sim_mmu_windows[i] > end_ns - e->begin_ns};
  e->result.mmu = mmu;
  e->result.mmu_count = SIM_MMU_WINDOWS;
}

static int64_t since(uint64_t time_ns, uint64_t begin_ns) { return (int64_t)(time_ns - begin_ns); }

static void fill_cycles(struct engine *e) {
  const struct sim_measure *m = &e->measure;
  struct sim_result_cycle *list = sim_alloc(m->cycle_count * sizeof *list);
  for (uint64_t i = 0; i < m->cycle_count; i++) {
    const struct gc_cycle *c = &m->cycles[i];
    list[i] = (struct sim_result_cycle){
      .number = c->number,
      .procs = c->procs,
      .forced = c->forced,
      .start_ns = since(c->start_ns, e->begin_ns),
      .mark_ns = since(c->mark_ns, e->begin_ns),
      .mark_term_ns = since(c->mark_term_ns, e->begin_ns),
      .end_ns = since(c->end_ns, e->begin_ns),
      .pause_total_ns = c->pause_total_ns,
      .assist_ns = c->assist_ns,
      .dedicated_ns = c->dedicated_ns,
      .fractional_ns = c->fractional_ns,
      .idle_ns = c->idle_ns,
      .heap_start_bytes = c->heap_start_bytes,
      .heap_end_bytes = c->heap_end_bytes,
      .heap_marked_bytes = c->heap_marked_bytes,
      .heap_goal_bytes = c->heap_goal_bytes,
      .trigger_bytes = c->trigger_bytes,
      .stack_bytes = c->stack_bytes,
      .globals_bytes = c->globals_bytes,
      .heap_scan_bytes = c->heap_scan_bytes,
      .stack_scan_bytes = c->stack_scan_bytes,
      .globals_scan_bytes = c->globals_scan_bytes,
      .wb_flushes = c->wb_flushes,
      .mark_restarts = c->mark_restarts,
      .cpu_fraction = c->cpu_fraction,
      .cons_mark = c->cons_mark,
    };
  }
  e->result.cycles = list;
  e->result.cycle_count = (uint32_t)m->cycle_count;
  e->result.gc.cycles = m->cycle_count; /* until the totals are read */
}

/* Any thread: what was written before the clock began may be read where this is true. */
static bool clock_has_begun(const struct engine *e) {
  return at_quiet_load(&e->published_begin_ns) != 0;
}

static void fill_run(struct engine *e, uint64_t end_ns, uint64_t cpu_end_ns) {
  struct sim_result *r = &e->result;
  bool has_begun = clock_has_begun(e);
  r->setup_ns = has_begun ? e->begin_ns - e->start_ns : 0;
  r->wall_ns = has_begun ? end_ns - e->begin_ns : 0;
  r->cpu_ns = has_begun ? cpu_end_ns - e->cpu_begin_ns : 0;
  r->ops.count = e->workload == NULL ? 1 : workload_ops(e->workload); /* one litmus run */
  r->ops.ns_per_op = (double)r->wall_ns / (double)r->ops.count;
}

/* The caches of all Ps, and of the threads without one. */
static void fill_model(struct engine *e) {
  struct sim_result *r = &e->result;
  struct sim_platform_counts counts;
  uint32_t procs = e->scenario->procs;
  if (sim_platform_is_real) return;
  r->has |= SIM_HAS_MODEL;
  sim_platform_counts_read(&counts);
  r->model.steps = counts.steps;
  r->model.switches = counts.switches;
  r->model.memory_misses = counts.memory_misses;
  struct sim_result_processor *list = sim_alloc((procs + 1) * sizeof *list);
  for (uint32_t i = 0; i <= procs; i++) {
    struct sim_platform_misses m;
    sim_platform_misses_read(i < procs ? i : SIM_NO_PROCESSOR, &m);
    list[i] = (struct sim_result_processor){i, m.read, m.write};
    r->model.read_misses += m.read;
    r->model.write_misses += m.write;
  }
  r->model.coherence_misses = r->model.read_misses + r->model.write_misses;
  r->processors = list;
  r->processor_count = procs + 1;
}

static void fill_notes(struct engine *e) {
  static const char *notes[4];
  const struct scenario *sc = e->scenario;
  uint32_t n = 0;
  bool is_ours = gc_collector.has_write_barrier;
  if (sc->has_litmus) {
    notes[n++] = "a litmus program: no heap, no goroutines";
    e->result.notes = notes;
    e->result.note_count = n;
    return;
  }
  if (!gc_collector.collects) notes[n++] = "this collector never frees: gc settings do nothing";
  if (gc_collector.collects && !is_ours)
    notes[n++] =
        "gc.gogc, gc.memory_limit, gc.mode, gc.barrier, gc.pacer, gc.assist are ours: no effect";
  if (!gc_collector.collects && sc->check)
    notes[n++] = "runtime.check: without a collection only the workload's own checks are done";
  if (is_ours && sc->check) notes[n++] = "runtime.check: stops include the heap verification";
  e->result.notes = notes;
  e->result.note_count = n;
}

void engine_fill_result(struct engine *e, bool is_partial) {
  struct sim_result *r = &e->result;
  uint64_t end_ns = is_partial ? plat_now_ns() : e->end_ns;
  uint64_t cpu_end_ns = is_partial ? plat_cpu_ns() : e->cpu_end_ns;
  r->partial = is_partial;
  fill_identity(e);
  fill_run(e, end_ns, cpu_end_ns);
  fill_cycles(e);
  fill_notes(e);
  fill_model(e);
  r->events.dropped = e->measure.events_dropped;
  r->events.logged = e->measure.events_logged;
  r->events.stops_lost = e->measure.stop_lost;
  r->events.cycles_lost = e->measure.cycle_lost;

  struct sim_pauses *pauses = sim_alloc(sizeof *pauses);
  if (clock_has_begun(e)) {
    sim_measure_pauses(&e->measure, e->begin_ns, end_ns, pauses);
    fill_mmu(e, end_ns);
  }
  fill_pauses(e, pauses);
  free(pauses);
  if (is_partial) return;
  r->has |= SIM_HAS_TOTALS;
  fill_gc(e, &e->before, &e->after);
  fill_sched(e, &e->sched_before, &e->sched_after);
  fill_observed(e);
}

void engine_free_result(struct engine *e) {
  void *lists[] = {(void *)(uintptr_t)e->result.mmu, (void *)(uintptr_t)e->result.worst,
                   (void *)(uintptr_t)e->result.cycles,
                   (void *)(uintptr_t)e->result.sizes,
                   (void *)(uintptr_t)e->result.processors};
  for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) free(lists[i]);
}
