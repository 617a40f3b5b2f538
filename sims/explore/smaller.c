#include "sims/explore/smaller.h"

#include <stdlib.h>

#include "sims/explore/aside.h"
#include "sims/explore/happens.h"
#include "sims/explore/variant.h"
#include "sims/memory.h"
#include "sims/protocol.h"

enum {
  SIZE_FEW = 20,     /* operations and goroutines that a person reads at a glance */
  ROUND_NS = 1000,   /* a round of a loop that goes by time, about */
  BUDGET_PART = 4    /* no trial takes more of the time */
};

static double body_size(const struct sc_op *ops, uint32_t count) {
  double size = 0;
  for (uint32_t i = 0; i < count; i++) {
    const struct sc_op *op = &ops[i];
    double rounds = op->duration_ns != 0 ? (double)op->duration_ns / ROUND_NS + 1
                                         : (double)op->count;
    double each = 1;
    if (op->body_count > 0) each = body_size(op->body, op->body_count);
    if (op->kind == SC_OP_TREE_BUILD) each = (double)(UINT64_C(2) << op->depth);
    size += rounds * each;
  }
  return size;
}

double xp_size(const struct scenario *sc) {
  double size = body_size(sc->setup, sc->setup_count);
  for (uint32_t i = 0; i < sc->group_count; i++) {
    const struct sc_group *g = &sc->groups[i];
    size += g->count * (1 + body_size(g->body, g->body_count));
  }
  return size;
}

bool xp_is_large(const struct scenario *sc) { return !sc->has_litmus && xp_size(sc) > SIZE_FEW; }

/* All trials, and the one under way. */
struct trials {
  struct engine *engine;
  const struct xp_config *config;
  struct xp_bug bug;           /* as it was found last */
  uint64_t decisions;          /* with which it was looked for then */
  uint64_t begin_ns, budget_ns;
  struct scenario *variant;    /* of the trial under way */
};

struct answer {
  bool shows;
  uint64_t decisions, steps;
};

/* ---- in the process of one trial ------------------------------------------------------------- */

/* Sites are the same in all of one build, so the points are those of the search. */
static void try_here(void *arg, void *out) {
  const struct trials *t = arg;
  struct answer *a = out;
  struct xp_config c = *t->config;
  struct xp_run run = {.decisions = NULL};
  c.happens = NULL; /* of the world that has been left */
  c.stop = NULL;
  plat_model_leave();
  if (xp_variant_prepare(t->engine, t->variant) != TRI_EXIT_OK) return;
  c.happens = xp_variant_check(t->variant, c.point_sites);
  a->shows = xp_find_again(&c, &t->bug, &run);
  a->decisions = run.decision_count;
  a->steps = run.outcome.steps;
}

/* ---- in the calling process ------------------------------------------------------------------ */

static uint64_t time_left(const struct trials *t) {
  uint64_t spent = xp_now_ns() - t->begin_ns;
  return spent < t->budget_ns ? t->budget_ns - spent : 0;
}

static bool is_asked_to_end(const struct trials *t) {
  return t->config->stop != NULL && t->config->stop(t->config->stop_arg);
}

static bool run_aside(struct trials *t, struct answer *a) {
  uint64_t left = time_left(t), most = t->budget_ns / BUDGET_PART;
  const struct xp_aside aside = {
      .body = try_here, .arg = t, .answer = a, .bytes = sizeof *a,
      .limit_ns = left < most ? left : most,
      .stop = t->config->stop, .stop_arg = t->config->stop_arg};
  return xp_aside(&aside);
}

static enum xp_trial try_scenario(const char *json, uint32_t effort, uint64_t *steps, void *arg) {
  static const uint32_t runs[XP_EFFORTS] = {60, 250, XP_AGAIN_RUNS};
  struct trials *t = arg;
  t->bug.runs = runs[effort];
  struct answer a = {.shows = false};
  if (time_left(t) == 0 || is_asked_to_end(t)) return XP_TRIAL_OVER;
  t->variant = xp_variant_read(json, NULL, 0, true);
  if (t->variant == NULL) return XP_TRIAL_REFUSED;
  bool is_done = run_aside(t, &a);
  scenario_free(t->variant);
  if (!is_done && (time_left(t) == 0 || is_asked_to_end(t))) return XP_TRIAL_OVER;
  if (!is_done || !a.shows) return XP_TRIAL_SHOWS_NOT;
  t->decisions = t->bug.decisions;
  t->bug.decisions = a.decisions;
  *steps = a.steps;
  return XP_TRIAL_SHOWS;
}

/* A quarter less, at least: otherwise it is another scenario, and no help. */
static bool is_worth_it(const struct scenario *sc, const char *json) {
  struct scenario *small = xp_variant_read(json, NULL, 0, true);
  bool is_small = small != NULL && xp_size(small) <= xp_size(sc) * 3 / 4;
  scenario_free(small);
  return is_small;
}

void xp_smaller(struct engine *e, const struct scenario *sc, const struct xp_config *c,
                struct xp_bug *bug, uint64_t budget_ns, struct xp_shrunk *out) {
  struct trials t = {.engine = e, .config = c, .bug = *bug, .begin_ns = xp_now_ns(),
                     .budget_ns = budget_ns};
  const struct xp_shrink shrink = {.trial = try_scenario, .arg = &t};
  xp_shrink(sc->resolved_json, bug->outcome.steps, &shrink, out);
  out->ns = xp_now_ns() - t.begin_ns;
  out->is_asked = !out->is_smallest && is_asked_to_end(&t);
  if (out->scenario != NULL && !is_worth_it(sc, out->scenario)) xp_shrunk_refuse(out);
  if (out->scenario != NULL) bug->decisions = t.decisions;
}
