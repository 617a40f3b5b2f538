/* The model platform's handle: configuration, observation, choosing who goes next.
 * Only front ends of the model and tests include it. */
#ifndef RUNTIME_MODEL_PLAT_MODEL_H
#define RUNTIME_MODEL_PLAT_MODEL_H

#include "runtime/plat.h"

enum { PLAT_MODEL_THREADS_MAX = 8192 };

struct plat_model_config {
  uint32_t ncpu;                        /* what plat_ncpu says; default 64 */
  uint64_t cost_ps[PLAT_COST_COUNT];    /* default: cost.def */
};
void plat_model_config_default(struct plat_model_config *c);
/* Outside plat_main; kept by plat_model_reset. */
void plat_model_configure(const struct plat_model_config *c);

/* One announced operation. */
struct plat_model_op {
  enum plat_op kind;
  uint32_t thread;               /* number in order of creation within plat_main, from 0 */
  uint64_t object;               /* region in the top 4 bits, offset below; never an address */
  uint64_t clock_ps;             /* the thread's virtual clock */
  const struct plat_site *site;
};
const char *plat_model_op_name(enum plat_op kind); /* "load" */

/* Regions of an object id. Offsets are the same in every run of one executable. */
enum plat_model_region {
  PLAT_REGION_NONE,     /* no object, or memory the model does not know: offset 0 */
  PLAT_REGION_ARENA,    /* from plat_vm_reserve */
  PLAT_REGION_STATE,    /* PLAT_STATE variables */
  PLAT_REGION_STACKS,   /* stacks of model threads */
  PLAT_REGION_PROGRAM   /* other variables of the executable */
};
static inline enum plat_model_region plat_model_region_of(uint64_t object) {
  return (enum plat_model_region)(object >> 60);
}

/* The moment before an operation happens. pending[i] is what enabled thread i is about to do, in
 * order of thread number; at least one. running is the thread that announced just now and has
 * nothing else to do first (count when it is blocked). */
struct plat_model_choice {
  const struct plat_model_op *pending;
  uint32_t count;
  uint32_t running; /* index into pending, or count */
};

struct plat_model_hooks {
  /* Sees every announcement, in order. May be NULL. */
  void (*observe)(const struct plat_model_op *op, void *arg);
  /* Returns the index of the thread that goes on; NULL: the timed schedule, in which the thread
   * with the smallest (clock, number) goes on. Under a chooser a deadline comes only when no
   * thread is enabled otherwise. */
  uint32_t (*choose)(const struct plat_model_choice *choice, void *arg);
  void *arg;
};
/* Outside plat_main; NULL removes them. Neither hook may perform a visible operation. */
void plat_model_set_hooks(const struct plat_model_hooks *hooks);

/* Of the run in progress or, outside plat_main, the last one. */
struct plat_model_stats {
  uint64_t trace_hash;   /* over (thread, kind, object, site's file and line) of every step */
  uint64_t steps;        /* announced operations */
  uint64_t switches;     /* changes of the running thread */
  uint64_t end_ps;       /* largest clock of any thread when it ended */
};
void plat_model_stats_read(struct plat_model_stats *out);
const char *plat_model_thread_name(uint32_t thread); /* of the run in progress; NULL: ended */

/* Outside plat_main: every PLAT_STATE variable is again what it was when the first plat_main began
 * (or plat_model_snapshot ran), all address space is released, the random seed is 0. */
void plat_model_reset(void);
void plat_model_snapshot(void);

#endif
