/* The rows of xp_strategies, for the search. */
#ifndef SIMS_EXPLORE_STRATEGIES_H
#define SIMS_EXPLORE_STRATEGIES_H

#include "sims/explore/explore.h"

extern const struct xp_strategy xp_strategy_random, xp_strategy_urw, xp_strategy_pos,
    xp_strategy_pct, xp_strategy_bound, xp_strategy_dpor;
/* A plan over the others (hunt.c): no functions of its own. */
extern const struct xp_strategy xp_strategy_hunt;

/* The bug depth of the run under way. */
uint32_t xp_pct_depth(const struct xp_chooser *x);

#endif
