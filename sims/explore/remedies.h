/* Which settings take a violation away: each is tried on a world of its own, in a process of its
 * own, so that the prepared one stays as it is. */
#ifndef SIMS_EXPLORE_REMEDIES_H
#define SIMS_EXPLORE_REMEDIES_H

#include "sims/engine.h"
#include "sims/explore/trace.h"

/* A line for each setting that was tried and leaves no failing schedule: "gc.faults without
 * x: 0 of 1,234 schedules fail". sc: the scenario that fails. c->stop is asked meanwhile; true ends
 * it. */
void xp_remedies(struct engine *e, const struct scenario *sc, const struct xp_config *c,
                 struct xp_lines *out);

#endif
