/* The same partial order in another order of execution: operations that touch one object, one of
 * them writing, stay in their order, and otherwise each thread runs on for as long as it may. What
 * fails in one order fails in the other; this one has fewer preemptions. */
#ifndef SIMS_EXPLORE_LINEARISE_H
#define SIMS_EXPLORE_LINEARISE_H

#include "sims/explore/schedule.h"

enum xp_preference { XP_PREFER_LOWEST, XP_PREFER_HIGHEST, XP_PREFERENCES };

/* Runs s (loosely) to see its order, then the other order; r is that run. The preference decides
 * who goes on where a thread must wait. Two runs of the prepared world. False: the run is too long
 * for this, r is that of s. */
bool xp_linearise(const struct xp_schedule *s, enum xp_preference preference,
                  const struct xp_config *c, struct xp_run *r);

#endif
