/* Where a prepared world has its points: learned from random runs, and named so that they are found
 * again in another build. */
#ifndef SIMS_EXPLORE_POINTS_H
#define SIMS_EXPLORE_POINTS_H

#include "sims/explore/explore.h"
#include "sims/explore/races.h"

/* Operations after which no further run of learning begins: work, not time, so that two learners of
 * one world learn the same. */
enum { XP_LEARN_STEPS = 10000000, XP_LEARN_STEPS_FEW = 2000000 };

/* A round of random runs of the prepared world, for places that others like it will have, too.
 * Whether there were new ones. stop: as below. */
bool xp_points_sample(struct xp_races *races, const struct xp_config *c, bool (*stop)(void *arg),
                      void *arg);

/* Rounds of random runs of the prepared world, with the classes, the seed and the step_max of c,
 * until some show nothing new, steps are used up, or stop (may be NULL) says so. sample: places
 * known beforehand, to which few runs are added; NULL: none. By site: 1 is a place where races are
 * (races.h). The caller frees it. */
uint8_t *xp_points_learn(const struct xp_config *c, const struct xp_races *sample, uint64_t steps,
                         bool (*stop)(void *arg), void *arg);

/* "gc/api.h: at_u64_load_seq(&p->x)", and " #2" for the second such line of that file. The caller
 * frees it. NULL: a site before it is another copy of the same line, and has its name. */
char *xp_point_name(uint32_t site);
/* Sets, by site, all copies of the line of that name. How many; 0: this build has none. */
uint32_t xp_point_add(const char *name, uint8_t *sites);

#endif
