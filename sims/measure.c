#include "sims/measure.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/check.h"
#include "runtime/lockrank.h"
#include "sched/go.h"
#include "sims/memory.h"
#include "sims/platform.h"

const uint64_t sim_mmu_windows[SIM_MMU_WINDOWS] = {10000,     100000,    1000000,
                                                   10000000,  100000000, 1000000000};

/* ---- gaps ------------------------------------------------------------------------------------ */

struct sim_gaps *sim_gaps_new(uint32_t procs) {
  size_t bytes = procs * sizeof(struct sim_gaps);
  struct sim_gaps *gaps = aligned_alloc(PLAT_CACHE_LINE, bytes);
  if (gaps == NULL) rt_fatal(RT_END_NOMEM, "no memory for %zu bytes of gap counters", bytes);
  memset(gaps, 0, bytes);
  for (uint32_t i = 0; i < procs; i++) hist_init(&gaps[i].slow);
  return gaps;
}

void sim_gaps_free(struct sim_gaps *gaps) { free(gaps); }

/* The largest value of a hist_index bucket. */
static uint64_t bucket_top(uint32_t index) {
  uint32_t block = index >> HIST_SUB_BITS;
  if (block == 0) return index;
  uint64_t low = index & ((1u << HIST_SUB_BITS) - 1);
  uint32_t shift = block - 1;
  return ((1ULL << HIST_SUB_BITS | low) << shift) + ((1ULL << shift) - 1);
}

void sim_gaps_merge(const struct sim_gaps *gaps, uint32_t procs, struct hist *into) {
  for (uint32_t p = 0; p < procs; p++) {
    hist_merge(into, &gaps[p].slow);
    for (uint32_t i = 0; i < SIM_GAP_FAST_BUCKETS; i++) {
      uint64_t count = gaps[p].fast[i];
      if (count == 0) continue;
      uint64_t ns = plat_ticks_to_ns(bucket_top(i));
      into->count += count;
      into->sum += count * ns;
      if (ns < into->min) into->min = ns;
      if (ns > into->max) into->max = ns;
      into->bucket[hist_index(ns)] += count;
    }
  }
}

/* ---- hooks ----------------------------------------------------------------------------------- */

static void on_stop(const struct gc_stop *stop, void *arg) {
  struct sim_measure *m = arg;
  plat_mutex_lock(&m->lock);
  if (m->stop_count == SIM_STOPS_KEPT) {
    m->stop_lost++;
  } else {
    if (m->stop_count == m->stop_room) {
      m->stop_room = m->stop_room == 0 ? 256 : m->stop_room * 2;
      m->stops = sim_resize(m->stops, m->stop_room * sizeof *m->stops);
    }
    m->stops[m->stop_count++] = *stop;
    mmu_trace_add(&m->taken, stop->requested_ns, stop->restarted_ns, true);
  }
  plat_mutex_unlock(&m->lock);
}

static void interval_begin(uint64_t *begin, uint64_t now_ns) { *begin = now_ns; }

/* An end without a begin (its event was dropped) is ignored: dropped events are reported. */
static void interval_end(struct sim_measure *m, uint64_t *begin, uint64_t now_ns) {
  if (*begin != 0) mmu_trace_add(&m->taken, *begin, now_ns, false);
  *begin = 0;
}

static void take_event(struct sim_measure *m, const struct ev_record *r) {
  rt_assert(r->ring <= m->procs);
  bool counts = r->code == EV_gc_worker_begin && r->a != 3; /* idle workers cost nobody a P */
  if (counts) interval_begin(&m->worker_begin[r->ring], r->time_ns);
  if (r->code == EV_gc_worker_end) interval_end(m, &m->worker_begin[r->ring], r->time_ns);
  if (r->code == EV_gc_assist_begin) interval_begin(&m->assist_begin[r->ring], r->time_ns);
  if (r->code == EV_gc_assist_end) interval_end(m, &m->assist_begin[r->ring], r->time_ns);
  if (m->log == NULL) return;
  m->events_logged++;
  const char *name = ev_name((enum ev_code)r->code);
  fprintf(m->log, "%" PRIu64 " %u %s %u %" PRIu64 " %" PRIu64 "\n", r->time_ns,
          (unsigned)r->ring, name == NULL ? "?" : name, (unsigned)r->goroutine, r->a, r->b);
}

/* In the drain: first what full rings had no room for. */
static void on_event(const struct ev_record *r, void *arg) {
  struct sim_measure *m = arg;
  for (uint32_t i = 0; i < m->spilled_count; i++) take_event(m, &m->spilled[i]);
  m->spilled_count = 0;
  take_event(m, r);
}

/* By the writer of a full ring, which keeps one record more: a drain will come to it. */
static void on_spill(const struct ev_record *r, void *arg) {
  struct sim_measure *m = arg;
  m->spilled = sim_grow(m->spilled, &m->spilled_room, m->spilled_count, sizeof *m->spilled);
  m->spilled[m->spilled_count++] = *r;
}

static void drain_locked(struct sim_measure *m) { m->events_dropped = ev_drain(on_event, m); }

void sim_measure_drain(struct sim_measure *m) {
  plat_mutex_lock(&m->lock);
  drain_locked(m);
  plat_mutex_unlock(&m->lock);
}

static void on_cycle(const struct gc_cycle *cycle, void *arg) {
  struct sim_measure *m = arg;
  plat_mutex_lock(&m->lock);
  drain_locked(m);
  if (m->cycle_count == SIM_CYCLES_KEPT) {
    m->cycle_lost++;
  } else {
    if (m->cycle_count == m->cycle_room) {
      m->cycle_room = m->cycle_room == 0 ? 64 : m->cycle_room * 2;
      m->cycles = sim_resize(m->cycles, m->cycle_room * sizeof *m->cycles);
    }
    m->cycles[m->cycle_count++] = *cycle;
  }
  plat_mutex_unlock(&m->lock);
}

bool sim_measure_cycle(struct sim_measure *m, uint64_t index, struct gc_cycle *out) {
  plat_mutex_lock(&m->lock);
  bool there = index < m->cycle_count;
  if (there) *out = m->cycles[index];
  plat_mutex_unlock(&m->lock);
  return there;
}

void sim_measure_init(struct sim_measure *m, uint32_t procs, FILE *log) {
  *m = (struct sim_measure){.procs = procs, .log = log};
  plat_mutex_init(&m->lock, RT_RANK_TEST, "measure");
  m->worker_begin = sim_alloc((procs + 1) * sizeof *m->worker_begin);
  m->assist_begin = sim_alloc((procs + 1) * sizeof *m->assist_begin);
  /* Scheduler and map events come by the million; stops arrive through the hook. */
  if (log == NULL) ev_set_mask(1ULL << (EV_gc_phase >> 8));
  if (!sim_platform_is_real) ev_set_spill(on_event, m, true);
  if (sim_platform_is_real && log != NULL) ev_set_spill(on_spill, m, false);
  go_set_stop_hook(on_stop, m);
  gc_set_cycle_hook(on_cycle, m);
}

void sim_measure_finish(struct sim_measure *m) {
  go_set_stop_hook(NULL, NULL);
  gc_set_cycle_hook(NULL, NULL);
  plat_mutex_destroy(&m->lock);
  mmu_trace_free(&m->taken);
  free(m->stops);
  free(m->cycles);
  free(m->worker_begin);
  free(m->assist_begin);
  free(m->spilled);
}

/* ---- results --------------------------------------------------------------------------------- */

static uint64_t stop_length(const struct gc_stop *s) { return s->restarted_ns - s->requested_ns; }

/* Keeps the longest stops, longest first; of equal ones the earlier. */
static void worst_insert(struct sim_pauses *out, const struct gc_stop *s) {
  uint32_t at = out->worst_count;
  while (at > 0 && stop_length(&out->worst[at - 1]) < stop_length(s)) at--;
  if (at == SIM_WORST_STOPS) return;
  if (out->worst_count < SIM_WORST_STOPS) out->worst_count++;
  uint32_t moved = out->worst_count - at - 1;
  memmove(&out->worst[at + 1], &out->worst[at], moved * sizeof out->worst[0]);
  out->worst[at] = *s;
}

void sim_measure_pauses(struct sim_measure *m, uint64_t begin_ns, uint64_t end_ns,
                        struct sim_pauses *out) {
  hist_init(&out->total);
  hist_init(&out->time_to_stop);
  out->worst_count = 0;
  for (uint64_t i = 0; i < m->stop_count; i++) {
    const struct gc_stop *s = &m->stops[i];
    if (s->requested_ns < begin_ns || s->requested_ns >= end_ns) continue;
    hist_add(&out->total, stop_length(s));
    hist_add(&out->time_to_stop, s->stopped_ns - s->requested_ns);
    worst_insert(out, s);
  }
}

void sim_measure_mmu(struct sim_measure *m, uint64_t begin_ns, uint64_t end_ns,
                     double out[SIM_MMU_WINDOWS]) {
  struct mmu_steps steps;
  mmu_steps_build(&steps, &m->taken, m->procs, begin_ns, end_ns);
  for (int i = 0; i < SIM_MMU_WINDOWS; i++) out[i] = mmu_at(&steps, sim_mmu_windows[i]);
  mmu_steps_free(&steps);
}
