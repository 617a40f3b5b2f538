/* Pacing: when a cycle starts, how much processor it gets, what allocation pays (F5).
 *
 * Pure functions over two structs of numbers: no clock, lock, atomic or heap. The runtime keeps the
 * counters (gc_pacer_input) and calls; a test or a closed-loop simulation does the same with no
 * heap behind it.
 *
 * Arithmetic is part of the contract: unsigned and signed integers wrap, doubles are evaluated left
 * to right with one rounding per operation, conversions are those of the two functions below.
 */
#ifndef GC_PACER_H
#define GC_PACER_H

#include <stdbool.h>
#include <stdint.h>

/* What a double becomes as an integer on amd64 (F0.3, F0.4): truncation; out of range and NaN
 * give INT64_MIN; the unsigned form is the two's complement of the signed one below 2^63. */
static inline int64_t gc_f64_to_i64(double x) {
  if (x >= -0x1p63 && x < 0x1p63) return (int64_t)x;
  return INT64_MIN;
}

static inline uint64_t gc_f64_to_u64(double x) {
  if (x < 0x1p63) return (uint64_t)gc_f64_to_i64(x);
  return (uint64_t)gc_f64_to_i64(x - 0x1p63) | 1ULL << 63;
}

#define GC_PACER_NONE UINT64_MAX /* no trigger recorded; no goal by percent */

enum {
  GC_PACER_OVER_ASSIST = 65536,     /* least scan work of one assist, bytes (F5.1) */
  GC_PACER_CREDIT_SLACK = 2000,     /* scan work a drain keeps to itself, bytes */
  GC_PACER_DRAIN_CHECK = 100000,    /* scan work between two self-preemption tests, bytes */
  GC_PACER_ASSIST_TIME_SLACK = 5000,/* assist time a P keeps to itself, ns */
  GC_PACER_SWEEP_DISTANCE = 1048576 /* allocation sweeping must be done before, bytes */
};

/* Why a cycle starts (F2.8). */
enum gc_trigger_kind { GC_TRIGGER_HEAP, GC_TRIGGER_TIME, GC_TRIGGER_CYCLE };

/* What the runtime has counted, at one moment. */
struct gc_pacer_input {
  uint64_t heap_live;       /* allocated since, or marked by, the last cycle, bytes */
  uint64_t heap_scan;       /* of those, scannable bytes */
  uint64_t max_stack_scan;  /* stack bytes of the live goroutines */
  uint64_t globals_scan;    /* global root bytes */
  int64_t heap_scan_work, stack_scan_work, globals_scan_work; /* done in this cycle, bytes */
  int64_t assist_time, idle_mark_time;                        /* in this cycle, ns */
  uint64_t total_alloc, total_free;   /* slot bytes since the start */
  uint64_t heap_free, mapped_ready;   /* free heap bytes still committed; all committed bytes */
};

/* The pacer's memory from cycle to cycle. Changed only by the functions of gc_pacer_ops. */
struct gc_pacer {
  int32_t gogc;                  /* percent, -1: off */
  int64_t memory_limit;          /* bytes */
  uint64_t heap_minimum;         /* least goal by percent */
  uint64_t heap_marked;          /* bytes marked by the last cycle */
  uint64_t last_heap_scan, last_stack_scan;
  uint64_t percent_goal;         /* goal by GOGC alone */
  uint64_t runway;               /* allocation expected while marking, bytes */
  uint64_t sweep_min_trigger;    /* no trigger below: sweeping must get its distance */
  uint64_t triggered;            /* trigger of the running cycle, or GC_PACER_NONE */
  uint64_t last_heap_goal;       /* goal when the last cycle ended */
  double cons_mark;              /* estimated allocation per scan work, per processor second */
  double err_integral;           /* state of the PI controller */
  int64_t mark_start_ns;
  /* Decided by start_cycle. */
  int64_t dedicated_workers;     /* whole Ps given to marking */
  double fractional_goal;        /* share of every P's time for fractional workers */
  uint32_t max_idle_workers;
};

/* Prices of assisting. */
struct gc_pacer_ratio {
  double work_per_byte; /* scan work owed per byte allocated */
  double bytes_per_work;
};

struct gc_pacer_trigger {
  uint64_t trigger; /* start when heap_live reaches this */
  uint64_t goal;
};

struct gc_pacer_ops {
  const char *name;
  const char *doc; /* one sentence for reports */
  void (*init)(struct gc_pacer *p, const struct gc_pacer_input *in, int32_t gogc,
               int64_t memory_limit);
  void (*set_gogc)(struct gc_pacer *p, int32_t gogc); /* a commit must follow */
  /* Recomputes goal and runway; at the end of a cycle and after a setting changed. */
  void (*commit)(struct gc_pacer *p, const struct gc_pacer_input *in, bool sweep_done);
  struct gc_pacer_trigger (*trigger)(const struct gc_pacer *p, const struct gc_pacer_input *in);
  uint64_t (*heap_goal)(const struct gc_pacer *p, const struct gc_pacer_input *in);
  /* The work counters and times of *in must be 0. Returns the first prices. */
  struct gc_pacer_ratio (*start_cycle)(struct gc_pacer *p, const struct gc_pacer_input *in,
                                       int64_t now_ns, uint32_t procs,
                                       enum gc_trigger_kind kind);
  struct gc_pacer_ratio (*revise)(const struct gc_pacer *p, const struct gc_pacer_input *in);
  void (*end_cycle)(struct gc_pacer *p, const struct gc_pacer_input *in, int64_t now_ns,
                    uint32_t procs);
  /* The heap is what was marked: also sets in->heap_live and in->heap_scan. A commit follows. */
  void (*reset_live)(struct gc_pacer *p, struct gc_pacer_input *in, uint64_t bytes_marked);
};

extern const struct gc_pacer_ops *const gc_pacers[]; /* ends with NULL */
const struct gc_pacer_ops *gc_pacer_find(const char *name); /* NULL: no such pacer */

#endif
