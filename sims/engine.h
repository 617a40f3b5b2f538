/* One run of one scenario in this process: the state its phases share. */
#ifndef SIMS_ENGINE_H
#define SIMS_ENGINE_H

#include "sims/workload.h"

struct engine_options {
  const char *run;         /* "3/10": echoed */
  bool gctrace;            /* forward gctrace lines */
  const char *events_path; /* NULL: no event log */
  bool explore;            /* search the schedules; model only */
  const char *replay;      /* a token: that schedule alone; model only */
  const char *schedule;    /* the file the token is from; NULL: none */
  bool drift;              /* what has moved since is looked for */
  const char *trace_path;  /* of the replay, for Perfetto; NULL: none */
};

struct engine {
  struct engine_options options;
  struct scenario *scenario;
  struct sim_measure measure;
  struct workload *workload;       /* NULL: a litmus program */
  struct sim_gaps *gaps;           /* of the run, by P */
  struct gc_totals before, after;  /* of the timed part */
  struct go_totals sched_before, sched_after;
  uint64_t start_ns;               /* the main goroutine began */
  uint64_t begin_ns, end_ns;       /* the clock; 0: not yet */
  uint64_t cpu_begin_ns, cpu_end_ns;
  struct at_u64 published_begin_ns; /* begin_ns once the clock runs; any thread reads */
  uint64_t traced_cycles;          /* gctrace lines written; watcher, then main thread */
  uint64_t watch_ticks;            /* watcher */
  struct sim_result result;
  struct plat_mutex out_lock;      /* standard output; rank TEST, never held with another */
  bool is_closed;                  /* the last line is written; out lock */
};

/* Runs e->scenario to its end on the platform's first thread; the exit status. */
int engine_run(struct engine *e);

/* Searches the schedules of e->scenario, or replays one (e->options); the exit status. Not inside
 * plat_main. Native: refuses. */
int engine_explore(struct engine *e);

/* Writes a line to standard output, unless the last one has been written. Any thread. */
void engine_write(struct engine *e, const char *line, bool is_last);
void engine_write_gctrace(struct engine *e);

/* Fills e->result from what was measured so far. is_partial: the run is still going on in other
 * threads, and only what can be read meanwhile is filled in. */
void engine_fill_result(struct engine *e, bool is_partial);
void engine_free_result(struct engine *e);

/* Writes the partial result, with why as its violation, and ends the process. Any thread. */
_Noreturn void engine_end_partial(struct engine *e, const char *kind, const char *text,
                                  int status);

#endif
