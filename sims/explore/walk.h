/* Random runs before a search: how large a run is, and Knuth's estimate of how many there are. */
#ifndef SIMS_EXPLORE_WALK_H
#define SIMS_EXPLORE_WALK_H

#include "sims/explore/search.h"

struct xp_walk {
  struct xp_chooser base;
  uint64_t state;
  uint64_t decisions;        /* of the run under way */
  long double schedules;     /* product of the widths of its decisions */
  uint32_t points[XP_PROFILE_THREADS]; /* of each thread in it */
  /* Of all runs ended. */
  struct xp_estimate estimate;
  struct xp_profile profile;
  uint64_t points_sum[XP_PROFILE_THREADS], runs[XP_PROFILE_THREADS];
};
extern const struct xp_strategy xp_strategy_walk;
void xp_walk_open(struct xp_walk *w, uint64_t seed);

#endif
