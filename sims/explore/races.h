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
/* One that knows the same places. */
struct xp_races *xp_races_copy(const struct xp_races *from);
void xp_races_free(struct xp_races *r);

struct xp_learning {
  uint32_t classes;          /* points of a run */
  uint64_t seed;
  uint32_t runs;             /* of a round */
  uint32_t rounds, quiet;    /* most rounds; rounds without a new place that end it before */
  uint64_t steps;            /* no run begins after so many: work, not time, so that tokens last */
  uint64_t step_max;         /* of a run */
  bool (*stop)(void *arg);   /* asked before each run; may be NULL */
  void *stop_arg;
};

/* Makes rounds of random runs of the prepared world, with points at the places known so far (at all
 * of them while none is), and adds the places they show. Whether any was new. */
bool xp_races_learn(struct xp_races *r, const struct xp_learning *l);

/* By plat_model_site_index: 1 is such a place. A copy, to be freed by the caller. */
uint8_t *xp_races_sites(const struct xp_races *r);
uint32_t xp_races_count(const struct xp_races *r);

#endif
