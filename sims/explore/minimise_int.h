/* The minimiser at work, for the files it is made of:
 *
 *   minimise.c   directives left out, the order kept, fewer preemptions searched
 *   regroup.c    the same segments in another order
 */
#ifndef SIMS_EXPLORE_MINIMISE_INT_H
#define SIMS_EXPLORE_MINIMISE_INT_H

#include "sims/explore/minimise.h"

struct xp_work {
  const struct xp_minimise_config *config;
  struct xp_minimised *out;
  struct xp_schedule *best;          /* fails; its directives are all that it deviates by */
  struct xp_run *run;                /* of best */
  struct plat_model_outcome bug;     /* what it was at first */
  struct xp_schedule trial;
  struct xp_run trial_run;
  uint64_t start_ns;
};

bool xp_work_has_budget(const struct xp_work *w);
/* One run of a chooser that has begun it, into trial_run. True: it shows the bug. */
bool xp_work_run(struct xp_work *w, struct xp_chooser *x);
/* trial_run, which shows the bug, becomes the best. */
void xp_work_keep(struct xp_work *w);

/* Changes the order of the best run's segments by chance as long as that leads to fewer
 * preemptions now and then, and there are more than `few`. True: the best has fewer. */
bool xp_regroup(struct xp_work *w, uint32_t few);

#endif
