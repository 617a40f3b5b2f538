/* The default search. A fiftieth of the runs goes into estimates; then all schedules of few
 * preemptions, which are the easiest to understand when they fail; then every class, if there seem
 * to be few enough; then a mix of random strategies until the end: PCT finds shallow bugs fastest,
 * POS covers most classes, the walks find what both are blind to.
 */
#include "sims/explore/plan.h"
#include "sims/explore/strategies.h"

enum {
  NOMINAL_RUN_NS = 20 * 1000,
  WALKS_MIN = 8,
  WALKS_PART = 50,     /* one run in so many */
  BOUND_PART = 4,
  DPOR_PART = 2,
  MET_TWICE_MIN = 10,  /* below that the number of classes cannot be told */
  DPOR_THREADS_MAX = 32
};

const struct xp_strategy xp_strategy_hunt = {
    .name = "hunt",
    .doc = "Few preemptions first, then every class if they are few, then a mix of the others.",
};

uint64_t xp_budget(const struct xp_config *c) {
  uint64_t by_time = c->time_ns / NOMINAL_RUN_NS;
  return c->schedules < by_time ? c->schedules : by_time;
}

uint64_t xp_walks(const struct xp_config *c) {
  uint64_t walks = xp_budget(c) / WALKS_PART;
  if (walks > c->walks) walks = c->walks;
  return walks > WALKS_MIN || c->walks == 0 ? walks : WALKS_MIN;
}

/* Chao's estimate of the number of classes, a lower bound; UINT64_MAX: far more than were met. */
static uint64_t estimate_classes(const struct xp_classes *met) {
  double once = (double)met->once[0], twice = (double)met->twice[0];
  if (once == 0) return met->distinct[0];
  if (met->twice[0] < MET_TWICE_MIN) return UINT64_MAX;
  return met->distinct[0] + (uint64_t)(once * once / (2 * twice));
}

static struct xp_stage stage_of(const struct xp_strategy *row, uint64_t most) {
  return (struct xp_stage){.row = {row}, .rows = 1, .most = most};
}

void xp_plan_make(const struct xp_config *c, const struct xp_classes *met, struct xp_plan *out) {
  const struct xp_strategy *row = xp_strategy_find(c->strategy);
  uint64_t budget = xp_budget(c);
  *out = (struct xp_plan){.stages = 0};
  if (row != &xp_strategy_hunt) {
    out->stage[out->stages++] = stage_of(row, c->schedules);
    return;
  }
  out->stage[out->stages++] = stage_of(&xp_strategy_bound, budget / BOUND_PART);
  uint64_t classes = estimate_classes(met);
  bool are_few = c->profile->threads <= DPOR_THREADS_MAX && classes < budget / DPOR_PART / 2;
  if (are_few)
    out->stage[out->stages++] = stage_of(&xp_strategy_dpor, budget / DPOR_PART);
  out->stage[out->stages++] = (struct xp_stage){
      .row = {&xp_strategy_pct, &xp_strategy_pos, &xp_strategy_pct, &xp_strategy_pos,
              &xp_strategy_urw, &xp_strategy_pct, &xp_strategy_pos, &xp_strategy_pct,
              &xp_strategy_pos, &xp_strategy_random},
      .rows = XP_MIX,
      .most = c->schedules,
  };
}
