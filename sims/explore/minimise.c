#include "sims/explore/minimise_int.h"

#include <string.h>

#include "sims/explore/linearise.h"
#include "sims/explore/replay.h"
#include "sims/explore/search.h"

enum {
  REPLAYS_MAX = 200000,
  SIMPLER_RUNS = 1000,
  FEW = 2,             /* preemptions that are proven to be the least, or not, in no time */
  TURN = 1000,         /* runs near what is known */
  TURN_BELOW = 2500,   /* of all schedules with few preemptions */
  ENDS_MAX = 3,        /* preemptions of an end that is searched for one with fewer, */
  ENDS_RUNS = 1500     /* with so many runs */
};
enum { AGAIN_STEPS = 4000 }; /* for each run: long ones are fewer */
static const uint64_t BUDGET_NS = 1000000000;

void xp_minimise_config_default(struct xp_minimise_config *m, const struct xp_config *run) {
  *m = (struct xp_minimise_config){
      .run = run, .budget_ns = BUDGET_NS, .replays_max = REPLAYS_MAX};
}

/* ---- one bug or two -------------------------------------------------------------------------- */

/* Where the property ends that a message names: an assertion is all of it. */
static size_t property_length(const char *message) {
  const char *at = strstr(message, ": ");
  if (at != NULL) at = strstr(at + 2, ": ");
  if (at == NULL || strstr(message, "assertion failed") != NULL) return strlen(message);
  return (size_t)(at - message);
}

/* Numbers left out. */
static bool same_property(const char *a, const char *b) {
  const char *end_a = a + property_length(a), *end_b = b + property_length(b);
  for (;; a++, b++) {
    while (a < end_a && *a >= '0' && *a <= '9') a++;
    while (b < end_b && *b >= '0' && *b <= '9') b++;
    if (a == end_a || b == end_b) return a == end_a && b == end_b;
    if (*a != *b) return false;
  }
}

bool xp_same_bug(const struct plat_model_outcome *a, const struct plat_model_outcome *b) {
  if (a->end != b->end) return false;
  if (a->end != PLAT_MODEL_FAILED) return true;
  return a->kind == b->kind && same_property(a->message, b->message);
}

bool xp_shows_bug(const struct xp_bug *bug, const struct xp_run *r) {
  return xp_run_fails(r) && bug->is_same(&bug->outcome, &r->outcome) &&
         strstr(r->outcome.message, bug->text) != NULL;
}

bool xp_find_again(const struct xp_config *c, const struct xp_bug *bug, struct xp_run *r) {
  static const char *const names[] = {"pos", "pct"};
  struct xp_profile length = {.threads = 1, .decisions = bug->decisions + 1};
  struct xp_config config = *c;
  struct xp_chooser *x[2];
  uint64_t steps = 0, steps_max = (uint64_t)bug->runs * AGAIN_STEPS;
  bool is_found = false;
  config.depth = 0;
  config.profile = &length;
  for (int i = 0; i < 2; i++) x[i] = xp_strategy_find(names[i])->open(&config);
  for (uint64_t run = 0; run < bug->runs && steps < steps_max && !is_found; run++) {
    struct xp_chooser *now = x[run % 2];
    if (c->stop != NULL && c->stop(c->stop_arg)) break;
    if (!now->strategy->begin(now, run / 2)) break;
    xp_run(now, &config, r);
    now->strategy->end(now, r);
    steps += r->outcome.steps;
    is_found = xp_shows_bug(bug, r);
  }
  for (int i = 0; i < 2; i++) x[i]->strategy->close(x[i]);
  return is_found;
}

/* ---- the work under way ---------------------------------------------------------------------- */

bool xp_work_has_budget(const struct xp_work *w) {
  const struct xp_config *run = w->config->run;
  if (w->out->replays >= w->config->replays_max) return false;
  if (run->stop != NULL && run->stop(run->stop_arg)) return false;
  /* The clock costs as much as a short run: asked now and then. */
  return w->out->replays % 32 != 0 || xp_now_ns() - w->start_ns < w->config->budget_ns;
}

static bool shows_bug(const struct xp_work *w, const struct xp_run *r) {
  return xp_run_fails(r) && xp_same_bug(&w->bug, &r->outcome);
}

bool xp_work_run(struct xp_work *w, struct xp_chooser *x) {
  w->out->replays++;
  xp_run(x, w->config->run, &w->trial_run);
  return shows_bug(w, &w->trial_run);
}

bool xp_work_run_fast(struct xp_work *w, struct xp_runner *r) {
  struct xp_tape tape;
  w->out->replays++;
  xp_runner_run(r);
  r->chooser->strategy->end(r->chooser, &r->run);
  if (r->run.preemptions >= w->run->preemptions || !shows_bug(w, &r->run)) return false;
  xp_tape_open(&tape, r->choice, r->count);
  bool shows = xp_work_run(w, &tape.base);
  if (shows) xp_work_keep(w);
  return shows;
}

void xp_work_keep(struct xp_work *w) {
  struct xp_run old = *w->run;
  *w->run = w->trial_run;
  w->trial_run = old;
  xp_schedule_take_run(w->best, w->run);
  w->kept++;
}

/* Fewer preemptions, or as many and fewer directives. */
static bool is_simpler(const struct xp_work *w, const struct xp_run *r) {
  uint32_t deviations = 0;
  if (r->preemptions != w->run->preemptions) return r->preemptions < w->run->preemptions;
  for (uint32_t i = 0; i < r->decision_count; i++) deviations += !r->decisions[i].is_default;
  return deviations < w->best->count;
}

/* Runs the trial. True: it shows the bug and is simpler than the best, and is kept. */
static bool try_trial(struct xp_work *w) {
  w->out->replays++;
  xp_run_schedule(&w->trial, w->config->run, &w->trial_run);
  bool is_better = shows_bug(w, &w->trial_run) && is_simpler(w, &w->trial_run);
  if (is_better) xp_work_keep(w);
  return is_better;
}

/* The trial becomes the best without its directives first..end-1. */
static void leave_out(struct xp_work *w, uint32_t first, uint32_t end) {
  w->trial.count = 0;
  for (uint32_t i = 0; i < w->best->count; i++)
    if (i < first || i >= end) xp_schedule_add(&w->trial, &w->best->directives[i]);
}

/* ---- the same choices again ------------------------------------------------------------------ */

/* What a strategy that is not asked at every point calls the last thread may not be what a follower
 * does, so a run that a strategy found is first run again choice by choice. */
struct repeater {
  struct xp_chooser base;
  const struct xp_run *run;
  uint32_t at;
};

static uint32_t repeat_choice(struct xp_chooser *base, const struct plat_model_point *p) {
  struct repeater *x = (struct repeater *)base;
  if (p->count == 1) return 0;
  if (x->at == x->run->decision_count) return PLAT_MODEL_CUT;
  uint32_t i = xp_index_of(p, x->run->decisions[x->at++].chosen);
  return i < p->count ? i : PLAT_MODEL_CUT;
}

static const struct xp_strategy repeat = {
    .name = "repeat", .doc = "the choices of a run", .every_point = true, .choose = repeat_choice};

/* Runs r, which is not the trial run, again. True: it shows the bug, and becomes the best. */
static bool reproduce(struct xp_work *w, const struct xp_run *r) {
  struct repeater x = {.base = {.strategy = &repeat}, .run = r};
  bool shows = xp_work_run(w, &x.base);
  if (shows) xp_work_keep(w);
  return shows;
}

/* ---- directives ------------------------------------------------------------------------------ */

/* Leaves out ever smaller pieces, from the end on, where later parts depend on nothing; ends when
 * no single directive can be left out. False: the budget is used up. */
static bool minimise_directives(struct xp_work *w) {
  uint32_t piece = (w->best->count + 1) / 2;
  while (w->best->count > 0) {
    bool got_on = false;
    if (piece > w->best->count) piece = w->best->count;
    for (uint32_t end = w->best->count; end > 0;) {
      uint32_t first = end > piece ? end - piece : 0;
      if (!xp_work_has_budget(w)) return false;
      leave_out(w, first, end);
      if (try_trial(w)) {
        got_on = true;
        end = w->best->count < first ? w->best->count : first;
      } else {
        end = first;
      }
    }
    if (piece == 1 && !got_on) return true;
    if (piece > 1) piece = (piece + 1) / 2;
  }
  return true;
}

/* ---- the same order with fewer switches ------------------------------------------------------ */

/* True: the best has fewer preemptions now. */
static bool linearise(struct xp_work *w) {
  bool better = false;
  for (int i = 0; i < XP_PREFERENCES && w->run->preemptions > 0 && xp_work_has_budget(w); i++) {
    w->out->replays += 2;
    if (!xp_linearise(w->best, (enum xp_preference)i, w->config->run, &w->trial_run)) return false;
    if (!shows_bug(w, &w->trial_run) || w->trial_run.preemptions >= w->run->preemptions) continue;
    xp_work_keep(w);
    better = true;
  }
  return better;
}

/* Both, until neither helps; the directives last. */
static void simplify(struct xp_work *w) {
  linearise(w);
  do {
    w->out->is_one_minimal = minimise_directives(w);
  } while (w->out->is_one_minimal && linearise(w));
}

/* ---- preemptions ----------------------------------------------------------------------------- */

/* A schedule that a random strategy has found can be 1-minimal and yet far from the least; PCT's
 * failing schedules have few preemptions. */
static void find_simpler(struct xp_work *w) {
  const struct xp_strategy *pct = xp_strategy_find("pct");
  struct xp_profile length = {.threads = 1, .decisions = w->run->decision_count + 1};
  struct xp_config c = *w->config->run;
  c.depth = 0;
  c.profile = &length;
  struct xp_runner r = {.config = &c, .chooser = pct->open(&c)};
  for (uint64_t run = 0; run < SIMPLER_RUNS && w->run->preemptions > FEW; run++)
    if (xp_work_has_budget(w) && pct->begin(r.chooser, run) && xp_work_run_fast(w, &r)) simplify(w);
  pct->close(r.chooser);
  xp_runner_free(&r);
}

/* All ends of the best run that have one or two preemptions where it has one more. */
static bool search_ends(struct xp_work *w) {
  bool found = false;
  for (uint32_t end = 2; end <= ENDS_MAX && end < w->run->preemptions && !found; end++) {
    struct xp_endings *e = xp_endings_new(w, w->run->preemptions - end);
    found = xp_endings_search(e, w, ENDS_RUNS);
    xp_endings_free(e);
  }
  return found;
}

/* Where fewer preemptions may be. */
struct places {
  struct xp_regroup *near, *far; /* near the best; near the run that was found */
  uint64_t ends_of;              /* xp_work.kept when the ends of the best were searched */
  struct xp_endings *all;
};

/* One turn. True: found. */
static bool look_near(struct xp_work *w, struct places *p) {
  bool found = xp_regroup(p->near, w, TURN) || xp_regroup(p->far, w, TURN);
  if (!found && p->ends_of != w->kept) {
    p->ends_of = w->kept;
    found = search_ends(w);
  }
  return found;
}

static bool is_proven(const struct xp_work *w, const struct places *p) {
  return xp_endings_levels(p->all) >= w->run->preemptions;
}

/* From below and near the best, in turns, until there is nothing left between them. */
static void find_fewer(struct xp_work *w, struct places *p) {
  p->all = xp_endings_new(w, 0);
  while (!is_proven(w, p) && !xp_endings_over(p->all) && xp_work_has_budget(w)) {
    if (xp_endings_search(p->all, w, TURN_BELOW))
      simplify(w);
    else if (w->run->preemptions > FEW && look_near(w, p))
      simplify(w);
  }
  w->out->least_preemptions = xp_endings_levels(p->all);
  w->out->least_is_proven = w->out->least_preemptions == w->run->preemptions;
  xp_endings_free(p->all);
}

/* ---- all of it ------------------------------------------------------------------------------- */

static void minimise(struct xp_work *w) {
  struct places p = {xp_regroup_new(true), xp_regroup_new(false), UINT64_MAX, NULL};
  xp_regroup_take(p.far, w);
  simplify(w);
  find_simpler(w);
  find_fewer(w, &p);
  xp_regroup_free(p.near);
  xp_regroup_free(p.far);
}

void xp_minimise(struct xp_schedule *s, struct xp_run *r, const struct xp_minimise_config *m,
                 struct xp_minimised *out) {
  struct xp_run best = {.decisions = NULL};
  struct xp_work w = {.config = m, .out = out, .best = s, .run = &best, .bug = r->outcome};
  *out = (struct xp_minimised){.from_preemptions = r->preemptions};
  w.start_ns = xp_now_ns();
  out->is_reproduced = reproduce(&w, r);
  if (out->is_reproduced) {
    minimise(&w);
    xp_run_free(r);
    *r = best;
  }
  out->preemptions = r->preemptions;
  out->ns = xp_now_ns() - w.start_ns;
  xp_schedule_free(&w.trial);
  xp_run_free(&w.trial_run);
}
