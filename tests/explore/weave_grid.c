#include "tests/explore/weave_grid.h"

#include <stdlib.h>
#include <string.h>

#include "runtime/check.h"
#include "sims/explore/points.h"
#include "sims/memory.h"

enum {
  LEARN_RUNS = 4 /* of each choice */
};

#define WITHOUT(fault) (UINT64_C(1) << GC_FAULT_##fault)

const struct weave_kind weave_kinds[] = {
    {"yuasa", "yuasa", 0, true},
    {"yuasa-no-snapshot", "yuasa", WITHOUT(YUASA_NO_SNAPSHOT), false},
    {"dijkstra", "dijkstra", 0, true},
    {"dijkstra-no-rescan", "dijkstra", WITHOUT(DIJKSTRA_NO_RESCAN), false},
    {"hybrid", "hybrid", 0, true},
    {"conditional", "hybrid-conditional", 0, true},
    {.name = NULL},
};

const struct weave_kind *weave_kind_find(const char *name) {
  for (const struct weave_kind *k = weave_kinds; k->name != NULL; k++)
    if (strcmp(k->name, name) == 0) return k;
  return NULL;
}

struct weave_grid {
  struct xp_config config;
  uint8_t *sites;
};

static void choose(uint32_t number) {
  struct weave_choice c;
  weave_choice_of(number, &c);
  weave_choose(&c);
}

static void configure(struct xp_config *c) {
  xp_config_default(c);
  c->schedules = c->time_ns = UINT64_MAX;
  c->walks = c->check_every = c->observe_every = 0;
  c->scenario = "weave";
}

/* Random runs of every choice: where they race, some may race that did not here. */
static uint8_t *learn(const struct xp_config *c, const uint32_t *numbers, uint32_t count) {
  struct xp_races *races = xp_races_new();
  for (uint32_t i = 0; i < count; i++) {
    choose(numbers[i]);
    xp_races_learn(races, &(struct xp_learning){
                              .classes = c->classes, .seed = i + 1, .runs = LEARN_RUNS,
                              .rounds = 1, .quiet = 1, .steps = UINT64_MAX,
                              .step_max = c->step_max});
  }
  uint8_t *sites = xp_points_learn(c, races, XP_LEARN_STEPS_FEW, NULL, NULL);
  xp_races_free(races);
  return sites;
}

struct weave_grid *weave_grid_open(const struct weave_kind *kind, const uint32_t *numbers,
                                   uint32_t count) {
  struct weave_grid *g = sim_alloc(sizeof *g);
  weave_prepare(&(struct weave_case){kind->barrier, kind->faults});
  configure(&g->config);
  g->sites = learn(&g->config, numbers, count);
  g->config.point_sites = g->sites;
  return g;
}

void weave_grid_close(struct weave_grid *g) {
  weave_leave();
  free(g->sites);
  free(g);
}

uint32_t weave_grid_points(const struct weave_grid *g) {
  uint32_t points = 0;
  for (uint32_t i = 0; i < plat_model_site_count(); i++) points += g->sites[i];
  return points;
}

/* Every schedule is complete, and there are no others: of the strategy's, to the plan's bound. */
static bool is_whole(const struct xp_report *r, uint32_t preemptions) {
  const struct xp_claim *claim = &r->share[0].claim;
  if (r->why != XP_WHY_EXHAUSTED || r->cut > 0 || r->divergence.is_found) return false;
  return claim->is_exhausted || claim->levels > preemptions;
}

static void note_violation(struct weave_tally *t, uint32_t number, const struct xp_report *r) {
  if (t->violated++ > 0) return;
  t->first = number;
  memcpy(t->message, r->failure.schedule.outcome.message, sizeof t->message);
}

bool weave_grid_search(struct weave_grid *g, const struct weave_plan *plan, uint32_t number,
                       bool (*stop)(void *), struct weave_tally *t) {
  struct xp_report r;
  g->config.strategy = plan->strategy;
  g->config.preemptions = plan->preemptions;
  g->config.stop = stop;
  choose(number);
  if (!xp_search(&g->config, &r)) rt_die("no such strategy");
  bool is_violated = r.failure.is_found, is_done = is_violated || is_whole(&r, plan->preemptions);
  t->schedules += r.runs;
  t->executed += r.runs - r.merged + r.replayed;
  t->steps += r.steps;
  t->choices += is_done;
  t->unfinished += !is_done;
  if (is_violated) note_violation(t, number, &r);
  xp_report_free(&r);
  return is_violated;
}
