/* The default search. A fiftieth of the runs goes into estimates. Then rounds, each several times
 * as long as the one before: schedules of few preemptions, which are the easiest to understand
 * when they fail; then a mix of random strategies, because PCT finds shallow bugs fastest, POS
 * covers most classes, and the walks find what both are blind to. So a bug of either kind is found
 * in a small multiple of the time that its own strategy alone would take. After the first round
 * comes every class, if there seem to be few enough.
 */
#include "runtime/check.h"
#include "sims/explore/plan.h"
#include "sims/explore/strategies.h"

enum {
  NOMINAL_RUN_NS = 20 * 1000,
  NOMINAL_STEP_NS = 50,
  WALKS_MIN = 2,
  WALKS_PART = 50,     /* one run in so many */
  ROUNDS = 5,
  ROUND_FACTOR = 4,    /* the next is so many times as long */
  ROUND_RUNS = 8000,   /* the first, at most, */
  ROUND_PART = 4,      /* and of all that can be hoped for */
  BOUND_PART = 4,      /* of a round */
  BOUND_MIN = 200,     /* fewer are not worth beginning: they differ in their ends only */
  DPOR_PART = 50,      /* of the budget: classes that are few */
  DPOR_RUNS_MIN = 1000,
  DPOR_FACTOR = 4,     /* the estimate is a lower bound */
  MET_TWICE_MIN = 10,  /* below that the number of classes cannot be told */
  DPOR_THREADS_MAX = 32
};

const struct xp_strategy xp_strategy_hunt = {
    .name = "hunt",
    .doc = "Takes turns between few preemptions and a mix of the others; every class if few.",
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

uint64_t xp_walk_steps(const struct xp_config *c) {
  return c->time_ns / WALKS_PART / NOMINAL_STEP_NS;
}

/* Runs of that length that the search may hope for. */
static uint64_t hoped_runs(const struct xp_config *c, uint64_t steps) {
  uint64_t by_time = c->time_ns / NOMINAL_STEP_NS / (steps + 1);
  return c->schedules < by_time ? c->schedules : by_time;
}

/* Chao's estimate of the number of classes, a lower bound; UINT64_MAX: far more than were met. */
static uint64_t estimate_classes(const struct xp_classes *met) {
  double once = (double)met->once[0], twice = (double)met->twice[0];
  if (once == 0) return met->distinct[0];
  if (met->twice[0] < MET_TWICE_MIN) return UINT64_MAX;
  return met->distinct[0] + (uint64_t)(once * once / (2 * twice));
}

/* Of all runs, after so many. */
static uint64_t runs_left(const struct xp_config *c, uint64_t done) {
  if (c->schedules == UINT64_MAX) return UINT64_MAX;
  return c->schedules > done ? c->schedules - done : 0;
}

/* Adds a stage of at most `most` runs, and no more than are left. */
static void add_stage(struct xp_plan *p, struct xp_stage stage, uint64_t most, uint64_t *left) {
  stage.most = most < *left ? most : *left;
  if (*left != UINT64_MAX) *left -= stage.most;
  rt_assert(p->stages < XP_STAGES);
  p->stage[p->stages++] = stage;
}

static const struct xp_stage mix = {
    .row = {&xp_strategy_pct, &xp_strategy_pos, &xp_strategy_pct, &xp_strategy_pos,
            &xp_strategy_urw, &xp_strategy_pos, &xp_strategy_pct, &xp_strategy_pos,
            &xp_strategy_random, &xp_strategy_pos},
    .rows = XP_MIX,
};

/* A search of one of many data choices is short: it has its rounds, too, or at least the mix. */
static void plan_hunt(const struct xp_config *c, const struct xp_walked *w, struct xp_plan *out) {
  const struct xp_stage bound = {.row = {&xp_strategy_bound}, .rows = 1};
  const struct xp_stage dpor = {.row = {&xp_strategy_dpor}, .rows = 1};
  uint64_t classes = estimate_classes(w->classes), runs = hoped_runs(c, w->steps) / ROUND_PART;
  uint64_t left = runs_left(c, w->walks);
  bool are_few =
      c->profile->threads <= DPOR_THREADS_MAX && classes < xp_budget(c) / DPOR_PART;
  struct xp_stage random = mix;
  if (runs > ROUND_RUNS) runs = ROUND_RUNS;
  for (uint32_t round = 0; round < ROUNDS; round++, runs *= ROUND_FACTOR) {
    uint64_t bounded = runs / BOUND_PART;
    if (bounded >= BOUND_MIN) add_stage(out, bound, bounded, &left);
    add_stage(out, random, round + 1 < ROUNDS ? runs - bounded : UINT64_MAX, &left);
    random.first += runs - bounded;
    if (round == 0 && are_few) add_stage(out, dpor, DPOR_RUNS_MIN + DPOR_FACTOR * classes, &left);
  }
}

void xp_plan_make(const struct xp_config *c, const struct xp_walked *w, struct xp_plan *out) {
  const struct xp_strategy *row = xp_strategy_find(c->strategy);
  *out = (struct xp_plan){.stages = 0};
  if (row == &xp_strategy_hunt) {
    plan_hunt(c, w, out);
  } else {
    out->stage[out->stages++] =
        (struct xp_stage){.row = {row}, .rows = 1, .most = c->schedules};
  }
}
