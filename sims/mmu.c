#include "sims/mmu.h"

#include <stdlib.h>

#include "runtime/check.h"
#include "sims/memory.h"

static void trace_push(struct mmu_trace *t, struct mmu_change change) {
  if (t->count == t->room) {
    t->room = t->room == 0 ? 1024 : t->room * 2;
    t->list = sim_resize(t->list, t->room * sizeof *t->list);
  }
  t->list[t->count++] = change;
}

void mmu_trace_add(struct mmu_trace *t, uint64_t begin_ns, uint64_t end_ns, bool is_stop) {
  if (end_ns <= begin_ns) return;
  int32_t busy = is_stop ? 0 : 1;
  int32_t stops = is_stop ? 1 : 0;
  trace_push(t, (struct mmu_change){begin_ns, busy, stops});
  trace_push(t, (struct mmu_change){end_ns, -busy, -stops});
}

void mmu_trace_free(struct mmu_trace *t) {
  free(t->list);
  *t = (struct mmu_trace){0};
}

static int by_time(const void *left, const void *right) {
  const struct mmu_change *a = left, *b = right;
  return (a->time_ns > b->time_ns) - (a->time_ns < b->time_ns);
}

static uint64_t free_ps(uint32_t procs, int64_t busy, int64_t stops) {
  if (stops > 0 || busy >= (int64_t)procs) return 0;
  return procs - (uint64_t)(busy < 0 ? 0 : busy);
}

/* Starts a step at time_ns; the one before ends there, or is replaced where it would be empty. */
static void step_begin(struct mmu_steps *s, uint64_t time_ns, uint64_t free_count) {
  if (s->count > 0 && s->time_ns[s->count - 1] == time_ns) {
    s->free_ps[s->count - 1] = free_count;
    return;
  }
  if (s->count > 0 && s->free_ps[s->count - 1] == free_count) return;
  s->time_ns[s->count] = time_ns;
  s->free_ps[s->count] = free_count;
  s->count++;
}

void mmu_steps_build(struct mmu_steps *s, struct mmu_trace *trace, uint32_t procs,
                     uint64_t begin_ns, uint64_t end_ns) {
  rt_assert(end_ns > begin_ns);
  if (trace->count > 1) qsort(trace->list, trace->count, sizeof *trace->list, by_time);
  uint64_t room = trace->count + 2;
  *s = (struct mmu_steps){.procs = procs};
  s->time_ns = sim_alloc(room * sizeof *s->time_ns);
  s->free_ps = sim_alloc(room * sizeof *s->free_ps);
  s->integral = sim_alloc(room * sizeof *s->integral);

  int64_t busy = 0, stops = 0;
  step_begin(s, begin_ns, procs);
  for (uint64_t i = 0; i < trace->count && trace->list[i].time_ns < end_ns; i++) {
    const struct mmu_change *c = &trace->list[i];
    busy += c->busy;
    stops += c->stops;
    uint64_t at = c->time_ns < begin_ns ? begin_ns : c->time_ns;
    step_begin(s, at, free_ps(procs, busy, stops));
  }
  s->time_ns[s->count] = end_ns;
  for (uint64_t i = 0; i < s->count; i++) {
    uint64_t length = s->time_ns[i + 1] - s->time_ns[i];
    s->integral[i + 1] = s->integral[i] + s->free_ps[i] * length;
  }
}

void mmu_steps_free(struct mmu_steps *s) {
  free(s->time_ns);
  free(s->free_ps);
  free(s->integral);
  *s = (struct mmu_steps){0};
}

/* Free P-ns before time t, which lies in step i. */
static uint64_t integral_at(const struct mmu_steps *s, uint64_t i, uint64_t t) {
  if (i == s->count) return s->integral[i];
  return s->integral[i] + s->free_ps[i] * (t - s->time_ns[i]);
}

double mmu_at(const struct mmu_steps *s, uint64_t window_ns) {
  uint64_t first = s->time_ns[0], last = s->time_ns[s->count];
  if (window_ns == 0 || window_ns > last - first) window_ns = last - first;

  /* The windowed integral is piecewise linear in the window's place, so its least value is at a
   * window with an edge on a step: each step as left edge, then each as right edge. */
  uint64_t least = UINT64_MAX;
  for (uint64_t i = 0, j = 0; i < s->count && s->time_ns[i] + window_ns <= last; i++) {
    uint64_t right = s->time_ns[i] + window_ns;
    while (j < s->count && s->time_ns[j + 1] <= right) j++;
    uint64_t value = integral_at(s, j, right) - s->integral[i];
    if (value < least) least = value;
  }
  for (uint64_t i = 0, j = 0; i <= s->count; i++) {
    if (s->time_ns[i] - first < window_ns) continue;
    uint64_t left = s->time_ns[i] - window_ns;
    while (j < s->count && s->time_ns[j + 1] <= left) j++;
    uint64_t value = s->integral[i] - integral_at(s, j, left);
    if (value < least) least = value;
  }
  return (double)least / ((double)window_ns * (double)s->procs);
}
