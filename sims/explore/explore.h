/* Exploring the schedules of one prepared world (runtime/model/plat_model.h): what the parts of the
 * explorer share.
 *
 *   strategies   who goes next at a point                      strategy_*.c, one row each
 *   search       runs schedules under a strategy until a bound search.c
 *   schedule     a run as directives, tokens, files            schedule.c
 *   minimise     the smallest run that still fails             minimise.c
 *   trace        the run as a table a person can read, and why trace.c
 *
 * All of it runs outside the world, in malloc's memory, on one thread.
 */
#ifndef SIMS_EXPLORE_EXPLORE_H
#define SIMS_EXPLORE_EXPLORE_H

#include "plat_model.h"
#include "runtime/rng.h"

/* ---- one run --------------------------------------------------------------------------------- */

/* A decision: a point where more than one thread could go on. The default policy, from which a
 * schedule is told apart by its directives: the thread that ran goes on; if it cannot, the enabled
 * thread of lowest number. */
struct xp_decision {
  uint32_t last;       /* thread that ran up to here */
  uint32_t nth;        /* decisions of this run with that thread as last, before this one */
  uint32_t chosen;     /* thread that goes on */
  uint32_t site;       /* plat_model_site_index of what `last` is about to do */
  uint32_t width;      /* threads that could go on, >= 2 */
  bool can_go_on;      /* last could */
  bool is_preemption;  /* can_go_on and chosen != last */
  bool is_default;     /* chosen as the default policy would */
};

/* A finished run and how it was decided. Owned by the caller of xp_run. */
struct xp_run {
  struct plat_model_outcome outcome;
  struct xp_decision *decisions;
  uint32_t decision_count, decision_room;
  uint32_t preemptions, switches;
  bool is_noticed, is_missed; /* no failures: as xp_config.is_misused says, and xp_config.excuses */
};
void xp_run_free(struct xp_run *r);
/* A run that is too long shows nothing: it is counted as cut. */
static inline bool xp_run_fails(const struct xp_run *r) {
  return r->outcome.end != PLAT_MODEL_DONE && r->outcome.end != PLAT_MODEL_TOO_LONG &&
         r->outcome.end != PLAT_MODEL_CUT_OFF && !r->is_noticed && !r->is_missed;
}

/* ---- strategies ------------------------------------------------------------------------------ */

struct xp_strategy;
struct xp_claim;   /* search.h */
struct xp_happens; /* happens.h */

/* State of one strategy during one search; each strategy's own struct begins with it. */
struct xp_chooser {
  const struct xp_strategy *strategy;
  uint64_t seed;
};

struct xp_config {
  const char *strategy;      /* name of a row of xp_strategies, or "hunt" */
  uint32_t preemptions;      /* bound: most preemptions, 0..16 */
  bool every_schedule;       /* bound: runs each, also from explored states; observes all */
  uint32_t depth;            /* pct: bug depth d, 1..16; 0: drawn from {1,2,3,4} for each run */
  uint64_t schedules;        /* most runs; UINT64_MAX: no limit */
  uint64_t time_ns;          /* most wall time; UINT64_MAX: no limit */
  uint64_t seed;
  uint32_t classes;          /* bits of enum plat_model_class that are points */
  const uint8_t *point_sites; /* by site: only where 1 (races.h); NULL: everywhere */
  uint64_t step_max;         /* of one run */
  struct xp_happens *happens; /* looks for plain-data races in every run; NULL: nobody does */
  uint64_t check_every;      /* one run in so many is run twice and must agree; 0: none */
  bool keep_going;           /* count failures instead of ending at the first */
  bool (*stop)(void *arg);   /* asked now and then: Ctrl-C, another job has found it; may be NULL */
  void *stop_arg;
  /* Jobs: a search does the work items slice, slice + slices, ... of all. Every job is told the
   * same configuration otherwise; the reports are put together by xp_report_merge. */
  uint32_t slice, slices;
  /* The lowest index of a failure that another job has found (UINT64_MAX: none): the search goes
   * no further than it. May be NULL. */
  uint64_t (*limit)(void *arg);
  void *limit_arg;
  uint64_t walks;            /* random runs before the search, for estimates; 0: none */
  uint64_t observe_every;    /* one run in so many is observed (classes, coverage); 0: none */
  const char *scenario;      /* its name, for the guarantee */
  /* After a run: whether the program did to a map what the scenario allows and the map does not.
   * Then it is no failure that the map stops it, by an end of kind RT_END_FATAL. NULL: nothing is
   * allowed. */
  bool (*is_misused)(void *arg);
  void *misuse_arg;
  bool excuses;              /* nor is anything else that came of it: a detection that was missed */
  /* What phase the collector is in, below phase_count; NULL: there are no phases. */
  uint32_t (*phase)(void *arg);
  void *phase_arg;
  const char *const *phase_names;
  uint32_t phase_count;      /* 0..XP_PHASES */
  const struct xp_profile *profile; /* the search's own: what the walks have met */
};
/* Where a thread is among those of a point; p->count: it is not enabled. */
static inline uint32_t xp_index_of(const struct plat_model_point *p, uint32_t thread) {
  uint32_t i = 0;
  while (i < p->count && p->op[i]->thread != thread) i++;
  return i;
}

/* hunt, 2 preemptions, 10 s, all classes, one job, 1000 walks, every run observed. */
void xp_config_default(struct xp_config *c);

enum { XP_PHASES = 8, XP_PROFILE_THREADS = 256 };

/* What random runs before the search have met. */
struct xp_profile {
  uint32_t threads;          /* most threads of a run; >= 1 */
  uint64_t decisions;        /* most decisions of a run; >= 1 */
  float thread_points[XP_PROFILE_THREADS]; /* mean points of thread t in a run; 0: not met */
};

struct xp_strategy {
  const char *name;
  const char *doc;           /* one sentence */
  bool every_point;          /* choose is asked where one thread only is enabled, too */
  bool wants_execute;        /* execute is called for every operation */
  bool hears_races_only;     /* operations elsewhere than at config.point_sites may be left out */
  struct xp_chooser *(*open)(const struct xp_config *c);
  void (*close)(struct xp_chooser *x);
  /* Before run number `run` (0..); false: nothing is left to explore. */
  bool (*begin)(struct xp_chooser *x, uint64_t run);
  uint32_t (*choose)(struct xp_chooser *x, const struct plat_model_point *p);
  void (*execute)(struct xp_chooser *x, const struct plat_model_op *op); /* may be NULL */
  void (*end)(struct xp_chooser *x, const struct xp_run *r);
  /* Of systematic strategies, which number their runs themselves; NULL: the run's number. Both
   * after end. */
  /* Of strategies that can go on in the middle of a run; NULL. fixed: after begin, how many points
   * of the run are passed as in the last one, which was this strategy's too. resume: the run begins
   * before point number `point`, at most fixed, as if it had been chosen up to there. */
  uint64_t (*fixed)(const struct xp_chooser *x);
  /* Of strategies whose runs are seldom whole; NULL: all. After begin: whether this run is to be a
   * whole one, that can be observed. Does not depend on the number of jobs. */
  bool (*is_sample)(const struct xp_chooser *x);
  void (*resume)(struct xp_chooser *x, uint64_t point);
  uint64_t (*index)(const struct xp_chooser *x); /* orders runs, the same in every job; < 2^60 */
  /* New schedules of this job's slice that the run covers: itself, or, where it was cut short
   * because they were run before from where it had got to, those. */
  uint64_t (*stands_for)(const struct xp_chooser *x);
  void (*claim)(const struct xp_chooser *x, struct xp_claim *out); /* may be NULL */
};
extern const struct xp_strategy *const xp_strategies[]; /* ends with NULL */
const struct xp_strategy *xp_strategy_find(const char *name);

/* The wall clock of a search: monotonic, nanoseconds. */
uint64_t xp_now_ns(void);

/* After a run of either kind: sets is_noticed and is_missed. */
void xp_run_judge(const struct xp_config *c, struct xp_run *r);

/* One run of the prepared world under a chooser; x->strategy->begin has been called. r is reused:
 * zeroed before its first use. */
void xp_run(struct xp_chooser *x, const struct xp_config *c, struct xp_run *r);

#endif
