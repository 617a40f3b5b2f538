/* The minimiser at work, for the files it is made of:
 *
 *   minimise.c   directives left out, the order kept; what is tried when
 *   regroup.c    the same segments in another order
 *   endings.c    other ends of a run, and all other runs, with fewer preemptions
 */
#ifndef SIMS_EXPLORE_MINIMISE_INT_H
#define SIMS_EXPLORE_MINIMISE_INT_H

#include "sims/explore/minimise.h"
#include "sims/explore/run.h"

struct xp_work {
  const struct xp_minimise_config *config;
  struct xp_minimised *out;
  struct xp_schedule *best;          /* fails; its directives are all that it deviates by */
  struct xp_run *run;                /* of best */
  struct plat_model_outcome bug;     /* what it was at first */
  struct xp_schedule trial;
  struct xp_run trial_run;
  uint64_t start_ns;
  uint64_t kept;                     /* times that the best became another */
};

bool xp_work_has_budget(const struct xp_work *w);
/* One run of a chooser that has begun it, into trial_run. True: it shows the bug. */
bool xp_work_run(struct xp_work *w, struct xp_chooser *x);
/* trial_run, which shows the bug, becomes the best. */
void xp_work_keep(struct xp_work *w);

/* One run that r's chooser has begun, in as little time as it goes. True: it shows the bug with
 * fewer preemptions than the best, and becomes the best. */
bool xp_work_run_fast(struct xp_work *w, struct xp_runner *r);

/* Changes the order of a failing run's segments by chance, and goes on from what is as good. near:
 * it is the best one, whenever that has become another; else the one that xp_regroup_take took,
 * which is the best then. True: fewer preemptions than the best has are found, and become the best;
 * else at most so many trials were made. */
struct xp_regroup;
struct xp_regroup *xp_regroup_new(bool near);
void xp_regroup_free(struct xp_regroup *g);
void xp_regroup_take(struct xp_regroup *g, struct xp_work *w);
bool xp_regroup(struct xp_regroup *g, struct xp_work *w, uint32_t trials);

/* The best run, as it is at first, up to and with its first `kept` preemptions, and from there on
 * all schedules that have fewer in all, fewest first. True: the bug is found with fewer than the
 * best has, and becomes the best; else at most so many more runs were made. Levels: with fewer
 * than so many preemptions in the part that is searched all were run. */
struct xp_endings;
struct xp_endings *xp_endings_new(const struct xp_work *w, uint32_t kept);
void xp_endings_free(struct xp_endings *e);
bool xp_endings_search(struct xp_endings *e, struct xp_work *w, uint32_t runs);
uint32_t xp_endings_levels(const struct xp_endings *e);
bool xp_endings_over(const struct xp_endings *e); /* nothing is left to run */

#endif
