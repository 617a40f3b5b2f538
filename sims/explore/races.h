/* Which places in the source take part in races that could go the other way, found by vector clocks
 * over random runs. Two operations that conflict and are not ordered by what happened before the
 * second one could have happened in the other order; a switch before any other operation leads
 * only to schedules that differ in the order of neighbours that do not concern each other. So a
 * search needs no other points than these places, as long as no run shows a new one. */
#ifndef SIMS_EXPLORE_RACES_H
#define SIMS_EXPLORE_RACES_H

#include "plat_model.h"

struct xp_races;

struct xp_races *xp_races_new(void);
void xp_races_free(struct xp_races *r);

/* Makes `runs` random runs of the prepared world, with points of those classes at the places known
 * so far (at all of them while none is), and adds the places they show. How many were new. */
uint32_t xp_races_learn(struct xp_races *r, uint32_t classes, uint64_t seed, uint32_t runs,
                        uint64_t step_max);

/* By plat_model_site_index: 1 is such a place. A copy, to be freed by the caller. */
uint8_t *xp_races_sites(const struct xp_races *r);
uint32_t xp_races_count(const struct xp_races *r);
/* Operations of all its runs so far. */
uint64_t xp_races_steps(const struct xp_races *r);

#endif
