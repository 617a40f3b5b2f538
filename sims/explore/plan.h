/* What a search does in which order: stages, each a mix of strategies by run number. */
#ifndef SIMS_EXPLORE_PLAN_H
#define SIMS_EXPLORE_PLAN_H

#include "sims/explore/search.h"

enum { XP_STAGES = 12, XP_MIX = 10 }; /* stages: fewer than 15, for the order of all runs */

struct xp_stage {
  const struct xp_strategy *row[XP_MIX]; /* run r is of row[r % rows] */
  uint32_t rows;
  uint64_t first;            /* number of its first run, where others of the mix came before */
  uint64_t most;             /* runs of all jobs together */
};

struct xp_plan {
  struct xp_stage stage[XP_STAGES];
  uint32_t stages;
};

/* Runs a search may hope for: its limit, or its time by a nominal rate, so that what is planned is
 * the same everywhere. */
uint64_t xp_budget(const struct xp_config *c);
/* Random runs before it, */
uint64_t xp_walks(const struct xp_config *c);
/* of which none begins after so many operations, as far as time goes. */
uint64_t xp_walk_steps(const struct xp_config *c);

/* What they have shown. */
struct xp_walked {
  uint64_t walks, steps;           /* steps: of one of them, the mean */
  const struct xp_classes *classes; /* met; share 0 */
};
void xp_plan_make(const struct xp_config *c, const struct xp_walked *w, struct xp_plan *out);

#endif
