/* Where a prepared world has its points: learned from random runs, and named so that they are found
 * again in another build. */
#ifndef SIMS_EXPLORE_POINTS_H
#define SIMS_EXPLORE_POINTS_H

#include "sims/explore/explore.h"

/* Operations after which no further round of learning begins: work, not time, so that two learners
 * of one world learn the same. */
enum { XP_LEARN_STEPS = 20000000, XP_LEARN_STEPS_FEW = 2000000 };

/* Rounds of random runs of the prepared world, with the classes, the seed and the step_max of c,
 * until some show nothing new, steps are used up, or stop (may be NULL) says so. By site: 1 is a
 * place where races are (races.h). The caller frees it. */
uint8_t *xp_points_learn(const struct xp_config *c, uint64_t steps, bool (*stop)(void *arg),
                         void *arg);

/* "gc/api.h: at_u64_load_seq(&p->x)", and " #2" for the second such place of that file. The caller
 * frees it. */
char *xp_point_name(uint32_t site);
/* plat_model_site_count(): this build has none of that name. */
uint32_t xp_point_find(const char *name);

#endif
