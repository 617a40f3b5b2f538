/* Searching the schedules of a prepared world, and what is known afterwards. */
#ifndef SIMS_EXPLORE_SEARCH_H
#define SIMS_EXPLORE_SEARCH_H

#include <stdio.h>

#include "explore.h"
#include "runtime/hist.h"
#include "sims/explore/classes.h"

enum { XP_SHARES = 8, XP_LEVELS = 17, XP_DEPTH_MAX = 16 };

/* What one strategy says about its work. */
struct xp_claim {
  bool is_exhausted;         /* everything was explored (of this slice) */
  uint32_t levels;           /* bound: preemptions 0..levels-1 are complete (in this slice) */
  uint64_t level_runs[XP_LEVELS]; /* bound: schedules with exactly that many preemptions */
  uint64_t blocked;          /* dpor: runs given up as equivalent to an explored one */
  uint64_t fallbacks;        /* dpor: races not reversible as computed, explored in full instead */
};

/* What one strategy has done in a search. */
struct xp_share {
  const struct xp_strategy *strategy;
  uint64_t runs;             /* complete, failed or cut: not the blocked */
  uint64_t failed, cut;
  uint64_t depth_runs[XP_DEPTH_MAX + 1]; /* pct: runs by bug depth */
  struct xp_claim claim;
};

enum xp_why {
  XP_WHY_EXHAUSTED,          /* nothing is left to do for this strategy */
  XP_WHY_FAILURE,
  XP_WHY_SCHEDULES,
  XP_WHY_TIME,
  XP_WHY_STOPPED,            /* the stop request */
  XP_WHY_LIMIT,              /* another job has found an earlier failure */
  XP_WHY_NONDETERMINISM
};

/* Knuth's estimate of the number of schedules, from the walks. */
struct xp_estimate {
  uint64_t walks;
  long double sum, sum_squares;
};

/* First failure in the order of work items, which does not depend on the number of jobs. */
struct xp_failure {
  bool is_found;
  uint64_t index;            /* its place in that order */
  uint32_t share;
  uint64_t run;              /* the strategy's own number of it */
  struct xp_run schedule;    /* decisions in full */
};

struct xp_divergence {
  bool is_found;
  uint64_t run, step;        /* the point's number in its run */
  uint32_t site_first, site_second; /* plat_model_site_index of what was done there; the sites'
                                     * count: the run had ended */
};

/* Pairs of conflicting sites, and what happened in which phase. Owned by a report. */
struct xp_coverage {
  uint32_t sites;            /* plat_model_site_count() */
  uint8_t *site;             /* seen */
  uint64_t *pair;            /* bit [first * sites + second]: conflicted in that order */
  uint64_t phase_op[XP_PHASES][PLAT_OP_COUNT]; /* operations executed in a phase */
};

struct xp_report {
  struct xp_config config;
  enum xp_why why;
  uint64_t runs;             /* new schedules: complete, failed or cut */
  uint64_t merged;           /* of the complete: not run, for others had come to the same state */
  uint64_t complete, blocked, cut, failed; /* cut: too long */
  uint64_t noticed, missed;  /* of the complete: xp_run.is_noticed, is_missed */
  uint64_t replayed;         /* runs executed that are not new: prefixes, merged, and checks */
  uint64_t points, steps;    /* of all runs executed */
  uint64_t elapsed_ns;
  uint32_t lost_parts;       /* jobs that died: their part is missing */
  struct hist preemptions, threads, length; /* length: steps */
  uint32_t share_count;
  struct xp_share share[XP_SHARES];
  struct xp_estimate estimate;
  struct xp_profile profile;
  struct xp_classes classes; /* of observed runs */
  struct xp_coverage coverage;
  struct xp_failure failure;
  struct xp_divergence divergence;
};

/* Outside plat_main, with a prepared world. The report is made by the call; free it with
 * xp_report_free. False: the strategy is not known. */
bool xp_search(const struct xp_config *c, struct xp_report *r);
void xp_report_free(struct xp_report *r);
/* Adds the report of another job of the same search. */
void xp_report_merge(struct xp_report *into, const struct xp_report *from);
/* A job's part is missing: nothing is complete any more, the rest counts. */
void xp_report_lose_part(struct xp_report *r);
/* Between processes of one executable image. False: writing or reading failed. */
bool xp_report_write(const struct xp_report *r, FILE *out);
bool xp_report_read(struct xp_report *r, FILE *in);

/* ---- what follows from a report -------------------------------------------------------------- */

/* Mean and standard error of the number of schedules. */
void xp_estimate_read(const struct xp_estimate *e, long double *mean, long double *error);
/* Good-Turing: the chance that one more run of this share's strategy is of a class it has not met;
 * < 0: not known. */
double xp_unseen(const struct xp_report *r, uint32_t share);
/* Pairs of sites that conflicted in both orders, and in any. */
void xp_pairs(const struct xp_report *r, uint64_t *both, uint64_t *any);
/* The one line that says what is guaranteed, with its scope. */
void xp_guarantee(const struct xp_report *r, char *text, size_t bytes);
/* All of it for a person. */
void xp_report_print(const struct xp_report *r, FILE *out);

#endif
