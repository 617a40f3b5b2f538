/* tricolor fidelity: what is compared between our runtime and Go's, and how it is judged.
 * cli_fidelity.c runs the workloads, fidelity.c finds the numbers and judges them. */
#ifndef SIMS_FIDELITY_H
#define SIMS_FIDELITY_H

#include <cjson/cJSON.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>

enum fid_side_id { FID_OURS, FID_GO, FID_RECORDED, FID_SIDES };

enum fid_quantity {
  FID_CYCLES, FID_MALLOCS, FID_BYTES, FID_B, FID_NOVERFLOW, FID_GROWTHS, FID_GOAL, FID_ASSIST,
  FID_QUANTITIES
};

/* A number that is not known; ask with isnan. */
#define FID_NONE ((double)NAN)

enum {
  FID_GOALS_MAX = 32, /* the goals of so many last cycles are compared */
  FID_RUNS_MAX = 31   /* and those of so many runs */
};

/* The last cycles of one run that ended while the clock ran, newest first. */
struct fid_cycles {
  uint32_t count;
  double goal[FID_GOALS_MAX], start[FID_GOALS_MAX]; /* bytes: heap goal; live heap at the start */
  bool is_rounded[FID_GOALS_MAX]; /* down to whole MiB: Go's memory was not seen in time */
};

/* The numbers of one side: medians over its runs, FID_NONE where there is none. */
struct fid_side {
  double value[FID_QUANTITIES];
  double low[FID_QUANTITIES], high[FID_QUANTITIES]; /* least and greatest of the runs */
  uint32_t goal_count;
  /* Newest first, as intervals: a recorded goal is known to the MiB only. */
  double goal_low[FID_GOALS_MAX], goal_high[FID_GOALS_MAX];
  uint32_t run_count;          /* 0 for the recording */
  struct fid_cycles run[FID_RUNS_MAX];
  double assist[FID_RUNS_MAX]; /* share of each run */
};

struct fid_case {
  const char *recorded_name; /* "workload" in the recording */
  uint32_t gogc;
  double bucket_bytes;       /* of our map; FID_NONE: no map */
  double startup_bytes;      /* live heap of a Go program that has done nothing, less ours */
  bool is_named;             /* every object that one run allocated more than the other has a cause,
                                in all runs that hashed alike */
  struct fid_side side[FID_SIDES];
};

enum fid_verdict {
  FID_UNKNOWN,  /* nothing to hold ours against, or no bound */
  FID_EXACT,
  FID_WITHIN,   /* within the bound */
  FID_SEED,     /* as far from Go as Go's runs are from each other: hash seeds are random */
  FID_STARTUP,  /* what Go's runtime allocates for itself when it starts */
  FID_NAMED,    /* not equal, but every object of the difference is accounted for */
  FID_VARIES,   /* outside the bound, but no test can tell ours from Go's own runs, which differ */
  FID_MISSED
};
const char *fid_verdict_name(enum fid_verdict verdict);

/* A side without any number. */
void fid_side_clear(struct fid_side *side);
/* Fills a side from the results of its runs (count >= 1). */
void fid_side_measure(struct fid_side *side, const cJSON *const *results, uint32_t count);
/* Fills a side from the recording. False: it has no such run. */
bool fid_side_recorded(struct fid_side *side, const cJSON *recording, const char *name,
                       uint32_t gogc);

/* Whom ours is held against: FID_GO where Go ran and has the number, else FID_RECORDED. */
enum fid_side_id fid_reference(const struct fid_case *c, enum fid_quantity q);
/* Ours less the reference's: relative for the goals (fid_goals_apart, or that of the medians), a
 * factor for the assist share, else as it is. FID_NONE: not known. */
double fid_difference(const struct fid_case *c, enum fid_quantity q);
/* The goals of a run of ours against the run of Go they are nearest to, median over ours: the
 * largest relative difference in the sequence. FID_NONE: one side has no runs. */
double fid_goals_apart(const struct fid_case *c);
/* The same with the median of the sequence. */
double fid_goals_typical(const struct fid_case *c);
/* The largest again, of Go's own runs, each against the nearest other one. */
double fid_goals_apart_of_go(const struct fid_case *c);
/* Whether the runs of ours and of Go could be drawn from the same ones: the chance, 0..1, that by
 * their goals, or assist shares (q), they would be at least as far apart as they are if each had
 * come from either side alike. FID_NONE: one side has fewer than FID_RUNS_TOLD runs, and no
 * difference could be told. */
enum { FID_RUNS_TOLD = 5 };
double fid_alike(const struct fid_case *c, enum fid_quantity q);
enum fid_verdict fid_judge(const struct fid_case *c, enum fid_quantity q);

#endif
