#include "gc/pacer_go119.h"

#include <math.h>

#include "runtime/check.h"

#define HEAP_MINIMUM 4194304ULL   /* at GOGC = 100; also the trigger's floor distance */
#define LIMIT_HEADROOM 1048576ULL /* kept free below a memory limit */
#define MIN_RUNWAY 65536ULL       /* a running cycle's goal stays this far above its trigger */
#define UTILISATION 0.25          /* background and goal share of the processors */

/* Signed arithmetic that wraps, as the original's does. */
static int64_t wrap_add(int64_t a, int64_t b) { return (int64_t)((uint64_t)a + (uint64_t)b); }
static int64_t wrap_sub(int64_t a, int64_t b) { return (int64_t)((uint64_t)a - (uint64_t)b); }
static int64_t wrap_mul(int64_t a, int64_t b) { return (int64_t)((uint64_t)a * (uint64_t)b); }

static uint64_t max_u64(uint64_t a, uint64_t b) { return a > b ? a : b; }

/* The heap that fits below the memory limit (F5.4.2). */
static uint64_t limit_goal(const struct gc_pacer *p, const struct gc_pacer_input *in) {
  uint64_t alloc = in->total_alloc - in->total_free;
  uint64_t limit = (uint64_t)p->memory_limit;
  uint64_t nonheap = in->mapped_ready - in->heap_free - alloc;
  uint64_t over = in->mapped_ready > limit ? in->mapped_ready - limit : 0;
  if (nonheap + over >= limit) return p->heap_marked;
  uint64_t goal = limit - (nonheap + over);
  if (goal < LIMIT_HEADROOM || goal - LIMIT_HEADROOM < LIMIT_HEADROOM) {
    goal = LIMIT_HEADROOM;
  } else {
    goal -= LIMIT_HEADROOM;
  }
  return max_u64(goal, p->heap_marked);
}

/* F5.4.1. */
static uint64_t goal_and_min(const struct gc_pacer *p, const struct gc_pacer_input *in,
                             uint64_t *min_trigger) {
  uint64_t goal = p->percent_goal;
  uint64_t limit = limit_goal(p, in);
  *min_trigger = 0;
  if (limit < goal) return limit;
  *min_trigger = p->sweep_min_trigger;
  goal = max_u64(goal, p->sweep_min_trigger);
  if (p->triggered != GC_PACER_NONE && goal < p->triggered + MIN_RUNWAY)
    goal = p->triggered + MIN_RUNWAY;
  return goal;
}

static uint64_t go119_heap_goal(const struct gc_pacer *p, const struct gc_pacer_input *in) {
  uint64_t min_trigger;
  return goal_and_min(p, in, &min_trigger);
}

/* F5.6: between 45/64 and 61/64 of the way from the marked heap to the goal. */
static struct gc_pacer_trigger go119_trigger(const struct gc_pacer *p,
                                             const struct gc_pacer_input *in) {
  uint64_t min_trigger;
  uint64_t goal = goal_and_min(p, in, &min_trigger);
  if (p->heap_marked >= goal) return (struct gc_pacer_trigger){goal, goal};

  uint64_t step = (goal - p->heap_marked) / 64;
  uint64_t lowest = max_u64(max_u64(min_trigger, p->heap_marked), step * 45 + p->heap_marked);
  uint64_t highest = step * 61 + p->heap_marked;
  if (goal > HEAP_MINIMUM) highest = max_u64(highest, goal - HEAP_MINIMUM);
  highest = max_u64(highest, lowest);

  uint64_t trigger = p->runway > goal ? lowest : goal - p->runway;
  trigger = max_u64(trigger, lowest);
  if (trigger > highest) trigger = highest;
  rt_assert(trigger <= goal);
  return (struct gc_pacer_trigger){trigger, goal};
}

/* F5.3.2. For -1 the product wraps to a huge minimum, which a goal of "none" never meets. */
static void go119_set_gogc(struct gc_pacer *p, int32_t gogc) {
  p->gogc = gogc < 0 ? -1 : gogc;
  p->heap_minimum = HEAP_MINIMUM * (uint64_t)(int64_t)p->gogc / 100;
}

/* F5.5. */
static void go119_commit(struct gc_pacer *p, const struct gc_pacer_input *in, bool sweep_done) {
  p->sweep_min_trigger = sweep_done ? 0 : in->heap_live + GC_PACER_SWEEP_DISTANCE;

  uint64_t goal = GC_PACER_NONE;
  if (p->gogc >= 0) {
    uint64_t base = p->heap_marked + p->last_stack_scan + in->globals_scan;
    goal = p->heap_marked + base * (uint64_t)p->gogc / 100;
  }
  p->percent_goal = max_u64(goal, p->heap_minimum);

  uint64_t scan = p->last_heap_scan + p->last_stack_scan + in->globals_scan;
  p->runway = gc_f64_to_u64((p->cons_mark * (1 - UTILISATION) / UTILISATION) * (double)scan);
}

static void go119_init(struct gc_pacer *p, const struct gc_pacer_input *in, int32_t gogc,
                       int64_t memory_limit) {
  *p = (struct gc_pacer){.memory_limit = memory_limit, .triggered = GC_PACER_NONE};
  go119_set_gogc(p, gogc);
  go119_commit(p, in, true);
}

/* F5.8. */
static struct gc_pacer_ratio go119_revise(const struct gc_pacer *p,
                                          const struct gc_pacer_input *in) {
  int32_t percent = p->gogc < 0 ? 100000 : p->gogc;
  int64_t live = (int64_t)in->heap_live;
  int64_t triggered = (int64_t)p->triggered;
  int64_t goal = (int64_t)go119_heap_goal(p, in);
  int64_t work = wrap_add(wrap_add(in->heap_scan_work, in->stack_scan_work),
                          in->globals_scan_work);
  int64_t expected = (int64_t)(p->last_heap_scan + p->last_stack_scan + in->globals_scan);
  int64_t most = (int64_t)(in->heap_scan + in->max_stack_scan + in->globals_scan);

  if (work > expected) {
    /* More live than last time: stretch the goal in proportion, up to what GOGC would allow if
     * the whole goal were live. */
    double runway = (double)wrap_sub(goal, triggered) / (double)expected * (double)most;
    int64_t extrapolated = wrap_add(gc_f64_to_i64(runway), triggered);
    int64_t hard = gc_f64_to_i64((1.0 + (double)percent / 100.0) * (double)goal);
    expected = most;
    goal = extrapolated > hard ? hard : extrapolated;
  }
  if (live > goal) {
    goal = gc_f64_to_i64((double)goal * 1.1);
    expected = most;
  }
  int64_t remaining = wrap_sub(expected, work);
  if (remaining < 1000) remaining = 1000;
  int64_t distance = wrap_sub(goal, live);
  if (distance <= 0) distance = 1;
  return (struct gc_pacer_ratio){(double)remaining / (double)distance,
                                 (double)distance / (double)remaining};
}

/* Whole and fractional workers for a quarter of the processors (F3.3.1, F3.3.2). */
static void share_workers(struct gc_pacer *p, uint32_t procs, enum gc_trigger_kind kind) {
  double want = (double)procs * UTILISATION;
  p->dedicated_workers = gc_f64_to_i64(want + 0.5);
  double error = (double)p->dedicated_workers / want - 1;
  p->fractional_goal = 0;
  if (error < -0.3 || error > 0.3) {
    if ((double)p->dedicated_workers > want) p->dedicated_workers--;
    p->fractional_goal = (want - (double)p->dedicated_workers) / (double)procs;
  }
  p->max_idle_workers = procs - (uint32_t)p->dedicated_workers;
  if (kind == GC_TRIGGER_TIME) p->max_idle_workers = p->dedicated_workers > 0 ? 0 : 1;
}

static struct gc_pacer_ratio go119_start_cycle(struct gc_pacer *p,
                                               const struct gc_pacer_input *in, int64_t now_ns,
                                               uint32_t procs, enum gc_trigger_kind kind) {
  rt_assert(procs > 0);
  rt_assert(in->heap_scan_work == 0);
  rt_assert(p->triggered == GC_PACER_NONE);
  p->mark_start_ns = now_ns;
  p->triggered = go119_trigger(p, in).trigger;
  share_workers(p, procs, kind);
  return go119_revise(p, in);
}

/* One step of the PI controller; false: it overflowed and was reset (F5.9). */
static bool pi_next(double *integral, double input, double setpoint, double *out) {
  const double kp = 0.9, ti = 4.0, tt = 1000.0, period = 1.0, limit = 1000.0;
  double raw = kp * (setpoint - input) + *integral;
  if (!isfinite(raw)) {
    *integral = 0;
    return false;
  }
  *out = raw < -limit ? -limit : raw > limit ? limit : raw;
  *integral += (kp * period / ti) * (setpoint - input) + (period / tt) * (*out - raw);
  if (!isfinite(*integral)) {
    *integral = 0;
    return false;
  }
  return true;
}

/* F5.9: the controller's output replaces the estimate. */
static void go119_end_cycle(struct gc_pacer *p, const struct gc_pacer_input *in, int64_t now_ns,
                            uint32_t procs) {
  p->last_heap_goal = go119_heap_goal(p, in);
  int64_t duration = wrap_sub(now_ns, p->mark_start_ns);
  int64_t capacity = wrap_mul(duration, (int64_t)procs);
  double used = UTILISATION;
  double idle = 0;
  if (duration > 0) {
    used += (double)in->assist_time / (double)capacity;
    idle = (double)in->idle_mark_time / (double)capacity;
  }
  if (in->heap_live <= p->triggered) return; /* nothing was allocated: nothing to learn */

  int64_t work = wrap_add(wrap_add(in->heap_scan_work, in->stack_scan_work),
                          in->globals_scan_work);
  double current = ((double)(in->heap_live - p->triggered) * (used + idle)) /
                   ((double)work * (1 - used));
  double next = 0;
  p->cons_mark = pi_next(&p->err_integral, p->cons_mark, current, &next) ? next : 0;
}

/* F5.10. */
static void go119_reset_live(struct gc_pacer *p, struct gc_pacer_input *in,
                             uint64_t bytes_marked) {
  p->heap_marked = bytes_marked;
  in->heap_live = bytes_marked;
  in->heap_scan = (uint64_t)in->heap_scan_work;
  p->last_heap_scan = (uint64_t)in->heap_scan_work;
  p->last_stack_scan = (uint64_t)in->stack_scan_work;
  p->triggered = GC_PACER_NONE;
}

const struct gc_pacer_ops gc_pacer_go119 = {
    .name = "go1.19",
    .doc = "Go 1.19: goal by GOGC and memory limit, trigger by a smoothed cons/mark estimate, "
           "a quarter of the processors for background marking, assists for the rest",
    .init = go119_init,
    .set_gogc = go119_set_gogc,
    .commit = go119_commit,
    .trigger = go119_trigger,
    .heap_goal = go119_heap_goal,
    .start_cycle = go119_start_cycle,
    .revise = go119_revise,
    .end_cycle = go119_end_cycle,
    .reset_live = go119_reset_live,
};
