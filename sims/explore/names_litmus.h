/* The litmus programs' variables for telling a run. */
#ifndef SIMS_EXPLORE_NAMES_LITMUS_H
#define SIMS_EXPLORE_NAMES_LITMUS_H

#include "sims/explore/trace.h"
#include "sims/litmus/litmus.h"

/* program lives as long as *out. */
void xp_names_litmus(struct xp_names *out, const struct litmus *program);

#endif
