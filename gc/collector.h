/* What the scheduler and the engines ask of the collector that was linked in.
 * Every function exists in gc/concurrent, gc/none and gc/boehm. */
#ifndef GC_COLLECTOR_H
#define GC_COLLECTOR_H

#include "gc/sizeclass.h"
#include "gc/api.h"
#include "gc/faults.h"
#include "gc/huge_pages.h"
#include "gc/world.h"

struct gc_barrier; /* gc/barrier.h */

enum gc_mode {
  GC_MODE_CONCURRENT, /* the program runs beside the marker */
  GC_MODE_STW         /* the world is stopped, once a cycle, while one thread marks */
};

/* The run-time data of one run. Defaults by gc_config_default. */
struct gc_config {
  int32_t gogc;               /* percent; -1: off */
  int64_t memory_limit_bytes; /* the pacer's soft limit (GOMEMLIMIT); INT64_MAX: none */
  uint64_t memory_cap_bytes;  /* hard cap on committed heap; exceeding it ends the run; 0: none */
  enum gc_mode mode;
  uint32_t wb_entries;        /* write-barrier buffer, pairs of words, 0..65536; 0: unbuffered */
  const char *barrier;        /* name of a row of gc_barriers[] */
  const char *pacer;          /* name of a row of gc_pacers[] */
  bool assist;                /* mark assists on */
  uint32_t idle_workers;      /* most idle Ps that may mark at once; one where none is dedicated */
  bool check;                 /* poison freed memory, verify at every mark termination */
  uint64_t globals_bytes;     /* pretended data+BSS bytes in pacing, beside the registered roots */
  uint64_t globals_extra_ns;  /* that marking takes longer for all of them than it does */
  enum gc_huge_pages huge_pages;
  uint32_t boehm_markers;     /* Boehm: parallel markers, 0 = library default */
  bool boehm_incremental;     /* Boehm: GC_enable_incremental */
  enum gc_late_work late_work;
  uint64_t faults;            /* bits of gc/faults.h; 0: none */
};
void gc_config_default(struct gc_config *c);

struct gc_look;

/* Facts about the linked collector; shared code asks these, never the name. */
struct gc_collector {
  const char *name;           /* "concurrent", "none", "boehm" */
  const char *doc;            /* one sentence for reports */
  bool collects;
  bool has_write_barrier;
  bool reports_cycles;        /* fills struct gc_cycle records */
  const struct gc_look *look; /* gc/look.h; NULL: there is nothing to see */
};
extern const struct gc_collector gc_collector;

/* One finished collection cycle. Fields of a collector that cannot know them are 0.
 * Times in ns of plat_now_ns; the gctrace line is made from this (F7). */
struct gc_cycle {
  uint64_t number;              /* 1.. */
  bool forced;                  /* started by gc_collect */
  uint32_t procs;
  uint32_t stop_procs;          /* processors a stop takes: min(procs, machine) */
  uint64_t since_init_ns;       /* start_ns counted from gc_init */
  uint64_t start_ns;            /* sweep-termination stop was requested */
  uint64_t mark_ns;             /* first stop ended: concurrent marking */
  uint64_t mark_term_ns;        /* second stop was requested */
  uint64_t end_ns;              /* marking over, world about to restart */
  uint64_t pause_total_ns;
  uint64_t assist_ns, dedicated_ns, fractional_ns, idle_ns; /* processor time */
  uint64_t heap_start_bytes;    /* heapLive at the start, at mark termination, marked */
  uint64_t heap_end_bytes;
  uint64_t heap_marked_bytes;
  uint64_t heap_goal_bytes;
  uint64_t trigger_bytes;
  uint64_t stack_bytes;         /* maxStackScan */
  uint64_t globals_bytes;
  uint64_t heap_scan_bytes;     /* scan work done on the heap, stacks, globals */
  uint64_t stack_scan_bytes;
  uint64_t globals_scan_bytes;
  uint64_t wb_flushes;          /* barrier buffer flushes during this cycle */
  uint64_t mark_restarts;       /* issue 27993 restarts in this cycle */
  double cpu_fraction;          /* GC processor time since start / available (F7.7) */
  double cons_mark;             /* pacer state after the cycle */
};

/* Totals since gc_init. */
struct gc_totals {
  uint64_t cycles, forced_cycles;
  uint64_t assists;             /* times a goroutine had to assist */
  uint64_t assist_ns, dedicated_ns, fractional_ns, idle_ns;
  uint64_t pause_ns;
  uint64_t wb_flushes, wb_entries;
  uint64_t mark_restarts;
  uint64_t bytes_allocated;     /* slot bytes handed out (TotalAlloc) */
  uint64_t bytes_freed;
  uint64_t mallocs, frees;      /* tiny allocations counted in both, as Go does */
  /* Of mallocs, by size class; [0]: large objects. Tiny allocations inside an existing block are in
   * none; all zero where the collector has a heap of its own. */
  uint64_t mallocs_of_class[GC_SIZE_CLASSES];
  uint64_t heap_live_bytes, heap_live_peak_bytes, heap_goal_bytes, heap_committed_bytes;
  double cpu_fraction;
};

/* Called once, before any P or goroutine exists, on the first thread. ops stays valid for ever. */
enum rt_err gc_init(const struct gc_config *config, const struct gc_world_ops *ops) RT_MUST_USE;
/* Called by the main goroutine before user code: starts the background goroutines, enables GC. */
void gc_start(struct gc_mutator *self);
/* The last thing, with no goroutine left running: frees what the process would leak. */
void gc_finish(void);

/* A full collection, as runtime.GC(): waits for mark and sweep to end. A safepoint. */
void gc_collect(struct gc_mutator *self);

/* Totals; exact only with the world stopped or no mutator running. F7.11: flushes the caches when
 * called by a goroutine (self != NULL: stops the world itself). */
void gc_totals_read(struct gc_mutator *self, struct gc_totals *out);

/* Called after each cycle, world running, by the goroutine that ended it; must not allocate
 * from the heap or park. One hook; NULL removes it. */
typedef void gc_cycle_hook(const struct gc_cycle *cycle, void *arg);
void gc_set_cycle_hook(gc_cycle_hook *hook, void *arg);

/* In checking mode, called whenever marking has ended and the heap has been verified, with the
 * world stopped, by the goroutine that ends it; must neither allocate from the heap nor park. One
 * hook; NULL removes it. Set while no other goroutine runs. */
typedef void gc_check_hook(struct gc_mutator *self, void *arg);
void gc_set_check_hook(gc_check_hook *hook, void *arg);
void gc_call_check_hook(struct gc_mutator *self); /* by the collector */

/* ---- called by sched/ -------------------------------------------------------------------- */

void gc_thread_enter(void);   /* first and last act of a thread that will run goroutines */
void gc_thread_exit(void);
void gc_p_init(struct gc_p *p, uint32_t index, uint64_t fastrand_seed);
void gc_p_finish(struct gc_p *p);
void gc_mutator_init(struct gc_mutator *mu);
void gc_mutator_exit(struct gc_mutator *mu);  /* returns credit (F3.8.6) */
/* The P was acquired by a thread, or is kept by the one that restarts the world (F2.5.7). */
void gc_p_acquired(struct gc_p *p);

/* The mark worker this P should run now (F3.3.3), or NULL; is ready to be switched to. */
struct gc_mutator *gc_worker_find(struct gc_p *p, uint64_t now_ns);
/* The same as the last resort before the P goes idle (F3.3.4). */
struct gc_mutator *gc_worker_find_idle(struct gc_p *p, uint64_t now_ns);
/* Whether marking has work that p could do: re-checked before a P goes idle (F6.3.14). */
bool gc_work_available(struct gc_p *p);
/* sysmon: a two-minute collection is due (F2.8.2). */
bool gc_periodic_due(uint64_t now_ns);
void gc_periodic_run(struct gc_mutator *self);

/* Stack switches, called only while gc_flags.switch_hooks is set. begin: about to leave the
 * running stack for the one whose highest address is top; end: arrived. saved_sp is set by the
 * scheduler in the coroutine left behind; the collector asks for it by gc_stack_bounds. */
void gc_switch_begin(void *to_stack_top);
void gc_switch_end(void);
/* Filled by sched/: calls visit(low, high, arg) for the C stack of every suspended goroutine.
 * Runs with the world stopped by the collector itself (signals): no lock, no allocation. */
typedef void gc_stack_visitor(void *low, void *high, void *arg);
void go_each_suspended_stack(gc_stack_visitor *visit, void *arg);

#endif
