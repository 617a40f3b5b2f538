#include "sims/explore/run.h"

#include <stdlib.h>

#include "sims/explore/happens.h"
#include "sims/explore/observe.h"
#include "sims/memory.h"

void xp_runner_free(struct xp_runner *r) {
  free(r->choice);
  *r = (struct xp_runner){0};
}

static void keep_place(struct xp_path *path, const struct plat_model_op *op) {
  path->place = sim_grow(path->place, &path->room, path->count, sizeof *path->place);
  path->place[path->count++] = (uint64_t)op->thread << 32 | plat_model_site_index(op->site);
}

static inline void keep_choice(struct xp_runner *r, const struct plat_model_point *p, uint32_t i) {
  if (plat_unlikely(r->count == r->room))
    r->choice = sim_grow(r->choice, &r->room, r->count, sizeof *r->choice);
  r->choice[r->count++] = (uint8_t)i;
  r->run.preemptions += p->running < p->count && i != p->running;
}

static uint32_t choose_fast(const struct plat_model_point *p, void *arg) {
  struct xp_runner *r = arg;
  uint32_t i = r->chooser->strategy->choose(r->chooser, p);
  if (p->count > 1 && i < p->count) keep_choice(r, p, i);
  return i;
}

/* While a moment is to be kept, which happens before the first decision from its point on. */
static uint32_t choose_keeping(const struct plat_model_point *p, void *arg) {
  struct xp_runner *r = arg;
  if (p->number >= r->next.point && r->next.count == UINT32_MAX) {
    r->next.count = r->count;
    r->next.preemptions = r->run.preemptions;
  }
  return choose_fast(p, arg);
}

/* With the path: asked at every point, whatever the strategy wants. */
static uint32_t choose_on_path(const struct plat_model_point *p, void *arg) {
  struct xp_runner *r = arg;
  const struct xp_strategy *s = r->chooser->strategy;
  uint32_t i = p->count > 1 || s->every_point ? s->choose(r->chooser, p) : 0;
  if (i >= p->count) return i;
  keep_place(r->path, p->op[i]);
  if (p->count > 1) keep_choice(r, p, i);
  return i;
}

static void execute_for_strategy(const struct plat_model_op *op, void *arg) {
  struct xp_runner *r = arg;
  r->chooser->strategy->execute(r->chooser, op);
}

static void execute_for_observer(const struct plat_model_op *op, void *arg) {
  xp_observer_see(((struct xp_runner *)arg)->observer, op);
}

static void execute_for_both(const struct plat_model_op *op, void *arg) {
  execute_for_observer(op, arg);
  execute_for_strategy(op, arg);
}

/* Last, for a race ends the run. */
static void execute_for_all(const struct plat_model_op *op, void *arg) {
  const struct xp_runner *r = arg;
  xp_happens_ignore(r->config->happens, true);
  if (r->observer != NULL) execute_for_observer(op, arg);
  if (r->chooser->strategy->wants_execute) execute_for_strategy(op, arg);
  xp_happens_see(r->config->happens, op);
}

static void hear_plain(const struct plat_model_plain *a, void *arg) {
  xp_happens_plain(((const struct xp_runner *)arg)->config->happens, a);
}

/* ---- moments --------------------------------------------------------------------------------- *
 *
 * A systematic search changes the end of a run far more often than its beginning. What two runs in
 * turn have in common is executed again from the last moment kept in it, and where much was, one
 * more is kept half way: so the distance shrinks as long as the search stays in that corner. */

enum { MOMENT_POINTS = 16 }; /* a distance worth a moment */

static void go_back(struct xp_runner *r) {
  const struct xp_moment *m = &r->moment[r->moments - 1];
  r->chooser->strategy->resume(r->chooser, m->point);
  r->count = m->count;
  r->run.preemptions = m->preemptions;
}

/* Where the run begins, and where it keeps a moment. */
static void plan_moments(struct xp_runner *r, struct plat_model_hooks *h) {
  const struct xp_strategy *s = r->chooser->strategy;
  r->next.point = 0;
  r->count = r->run.preemptions = 0;
  if (r->moments_of != r->chooser) r->moments = 0;
  r->moments_of = r->chooser;
  if (s->fixed == NULL) return;
  uint64_t fixed = s->fixed(r->chooser), begin = 0;
  while (r->moments > 0 && r->moment[r->moments - 1].point > fixed) r->moments--;
  if (r->observer != NULL || r->path != NULL || r->config->happens != NULL) return;
  if (r->moments > 0) {
    begin = r->moment[r->moments - 1].point;
    h->from = r->moments;
    go_back(r);
  }
  if (fixed - begin < MOMENT_POINTS || r->moments == PLAT_MODEL_KEPT_MAX) return;
  h->choose = choose_keeping;
  h->keep_in = r->moments;
  h->keep_at = begin + (fixed - begin) / 2;
  r->next = (struct xp_moment){.point = h->keep_at, .count = UINT32_MAX};
}

static void take_moment(struct xp_runner *r) {
  if (r->next.point == 0 || r->next.count == UINT32_MAX) return;
  if (plat_model_has_kept(r->moments)) r->moment[r->moments++] = r->next;
}

/* ---- a run ----------------------------------------------------------------------------------- */

static void hear_operations(const struct xp_runner *r, struct plat_model_hooks *h) {
  if (r->config->happens != NULL) {
    h->execute = execute_for_all;
    h->plain = hear_plain;
    xp_happens_begin(r->config->happens);
  } else if (r->chooser->strategy->wants_execute) {
    h->execute = r->observer != NULL ? execute_for_both : execute_for_strategy;
    if (r->observer == NULL && r->chooser->strategy->hears_races_only)
      h->execute_sites = r->config->point_sites;
  } else if (r->observer != NULL) {
    h->execute = execute_for_observer;
  }
}

void xp_runner_run(struct xp_runner *r) {
  struct plat_model_hooks h = {
      .choose = r->path != NULL ? choose_on_path : choose_fast,
      .every_point = r->path != NULL || r->chooser->strategy->every_point,
      .classes = r->config->classes,
      .point_sites = r->config->point_sites,
      .step_max = r->config->step_max,
      .arg = r,
  };
  hear_operations(r, &h);
  plan_moments(r, &h);
  if (r->path != NULL) r->path->count = 0;
  if (r->observer != NULL) xp_observer_begin(r->observer);
  plat_model_set_hooks(&h);
  plat_model_explore(&r->run.outcome);
  xp_run_judge(r->config, &r->run);
  take_moment(r);
}

/* ---- the tape -------------------------------------------------------------------------------- */

static bool begin_tape(struct xp_chooser *x, uint64_t run) {
  (void)run;
  ((struct xp_tape *)x)->at = 0;
  return true;
}

static uint32_t choose_from_tape(struct xp_chooser *x, const struct plat_model_point *p) {
  struct xp_tape *t = (struct xp_tape *)x;
  if (p->count == 1) return 0;
  if (t->at == t->count || t->choice[t->at] >= p->count) return PLAT_MODEL_CUT;
  return t->choice[t->at++];
}

const struct xp_strategy xp_strategy_tape = {
    .name = "tape",
    .doc = "The choices of an earlier run.",
    .every_point = true,
    .begin = begin_tape,
    .choose = choose_from_tape,
};

void xp_tape_open(struct xp_tape *t, const uint8_t *choice, uint32_t count) {
  *t = (struct xp_tape){.base.strategy = &xp_strategy_tape, .choice = choice, .count = count};
}
