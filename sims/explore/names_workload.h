/* Names of a scenario's world: its heap objects by the names it gives them. */
#ifndef SIMS_EXPLORE_NAMES_WORKLOAD_H
#define SIMS_EXPLORE_NAMES_WORKLOAD_H

#include "sims/explore/names_engine.h"
#include "sims/workload.h"

/* workload: where the world keeps its workload. With a collector that cannot be looked at, nothing
 * has a name. All live as long as *out. */
void xp_names_workload(struct xp_names *out, struct xp_engine_names *state,
                       const struct scenario *sc, struct workload *const *workload);

#endif
