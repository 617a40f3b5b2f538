#include "sims/explore/search.h"

#include <stdlib.h>
#include <string.h>

#include "sims/explore/observe.h"
#include "sims/explore/plan.h"
#include "sims/explore/run.h"
#include "sims/explore/strategies.h"
#include "sims/explore/walk.h"
#include "sims/memory.h"

enum {
  WALKS_LEAST = 2, WALK_STEPS = 1000000, /* no walk begins after so many operations */
  SLOWER = 16, /* operations where each is looked at */
  SOONER = 4   /* a hunt has better to do */
};
enum { ASK_RUNS = 16, ASK_POINTS = 2000, STAGE_SHIFT = 60 };

struct search {
  struct xp_config config;
  struct xp_report *report;
  struct xp_plan plan;
  struct xp_runner runner;
  struct xp_observer observer;
  struct xp_path path, path_again;
  struct xp_chooser *chooser[XP_SHARES]; /* by share */
  uint64_t started_ns;
  uint64_t ask_at_run, ask_at_point; /* of those executed: when the limits are looked at next */
  uint64_t executed;
  bool is_over;
};

/* One run: which, and of what. */
struct turn {
  uint32_t stage, share;
  uint64_t number;           /* in its stage */
  uint64_t run;              /* the strategy's number of it */
  bool is_observed, is_checked;
};

/* ---- when to end ----------------------------------------------------------------------------- */

static void end_search(struct search *s, enum xp_why why) {
  if (!s->is_over) s->report->why = why;
  s->is_over = true;
}

static void ask_limits(struct search *s) {
  if (s->executed++ < s->ask_at_run && s->report->points < s->ask_at_point) return;
  s->ask_at_run = s->executed + ASK_RUNS - 1;
  s->ask_at_point = s->report->points + ASK_POINTS;
  if (s->config.stop != NULL && s->config.stop(s->config.stop_arg)) end_search(s, XP_WHY_STOPPED);
  if (xp_now_ns() - s->started_ns >= s->config.time_ns) end_search(s, XP_WHY_TIME);
}

static uint64_t index_of(const struct search *s, const struct turn *t) {
  const struct xp_chooser *x = s->chooser[t->share];
  uint64_t index = x->strategy->index == NULL ? t->number : x->strategy->index(x);
  return (uint64_t)t->stage << STAGE_SHIFT | index;
}

/* Another job has failed at a run that comes before this one. */
static bool is_past_limit(const struct search *s, uint64_t index) {
  return s->config.limit != NULL && s->config.limit(s->config.limit_arg) < index;
}

/* ---- a run that must be the same again ------------------------------------------------------- */

static uint32_t site_at(const struct xp_path *p, uint32_t step) {
  return step < p->count ? (uint32_t)p->place[step] : plat_model_site_count();
}

static void diverge(struct search *s, uint64_t run, const struct xp_path *again) {
  struct xp_divergence *d = &s->report->divergence;
  uint32_t step = 0;
  while (step < s->path.count && step < again->count && s->path.place[step] == again->place[step])
    step++;
  *d = (struct xp_divergence){true, run, step, site_at(&s->path, step), site_at(again, step)};
  end_search(s, XP_WHY_NONDETERMINISM);
}

/* Runs the choices of the last run again, whose path was kept. */
static void check_again(struct search *s, uint64_t run) {
  struct xp_tape tape;
  struct xp_runner again = {.config = &s->config, .path = &s->path_again};
  const struct plat_model_outcome *first = &s->runner.run.outcome, *second = &again.run.outcome;
  xp_tape_open(&tape, s->runner.choice, s->runner.count);
  again.chooser = &tape.base;
  xp_runner_run(&again);
  s->report->replayed++;
  if (first->end != PLAT_MODEL_CUT_OFF &&
      (first->trace_hash != second->trace_hash || first->end != second->end ||
       first->steps != second->steps))
    diverge(s, run, &s->path_again);
  xp_runner_free(&again);
}

/* ---- failures -------------------------------------------------------------------------------- */

/* Makes the failing run again, with all that is to be known about it. */
static void keep_failure(struct search *s, const struct turn *t, uint64_t index) {
  struct xp_failure *f = &s->report->failure;
  struct xp_tape tape;
  if (f->is_found) return;
  f->is_found = true;
  f->index = index;
  f->share = t->share;
  f->run = t->run;
  xp_tape_open(&tape, s->runner.choice, s->runner.count);
  xp_run(&tape.base, &s->config, &f->schedule);
  s->report->replayed++;
  if (f->schedule.outcome.trace_hash != s->runner.run.outcome.trace_hash ||
      f->schedule.outcome.end != s->runner.run.outcome.end) {
    struct xp_path none = {.count = 0};
    s->path.count = 0;
    diverge(s, t->run, &none);
  }
}

static void fail(struct search *s, const struct turn *t) {
  uint64_t index = index_of(s, t);
  s->report->failed++;
  s->report->share[t->share].failed++;
  keep_failure(s, t, index);
  if (!s->config.keep_going) end_search(s, XP_WHY_FAILURE);
}

static void count_work(struct search *s) {
  const struct plat_model_outcome *out = &s->runner.run.outcome;
  s->report->points += out->points - out->begun_points;
  s->report->steps += out->steps - out->begun_steps;
}

/* ---- the books ------------------------------------------------------------------------------- */

static void count_run(struct search *s, const struct turn *t) {
  struct xp_report *r = s->report;
  struct xp_share *share = &r->share[t->share];
  const struct xp_run *run = &s->runner.run;
  r->runs++;
  share->runs++;
  if (share->strategy == &xp_strategy_pct)
    share->depth_runs[xp_pct_depth(s->chooser[t->share])]++;
  r->complete += run->outcome.end == PLAT_MODEL_DONE || run->is_noticed || run->is_missed;
  r->noticed += run->is_noticed;
  r->missed += run->is_missed;
  bool is_cut = run->outcome.end == PLAT_MODEL_TOO_LONG;
  r->cut += is_cut;
  share->cut += is_cut;
  hist_add(&r->preemptions, run->preemptions);
  hist_add(&r->length, run->outcome.steps);
  if (t->is_observed) {
    hist_add(&r->threads, (uint64_t)__builtin_popcountll(s->observer.threads));
    xp_classes_add(&r->classes, s->observer.hash, t->share);
  }
  if (xp_run_fails(run)) fail(s, t);
}

/* Schedules that the run stands for and that were not run. */
static void count_merged(struct search *s, const struct turn *t, uint64_t n) {
  struct xp_report *r = s->report;
  r->runs += n;
  r->complete += n;
  r->merged += n;
  r->replayed++;
  r->share[t->share].runs += n;
}

/* Runs it and writes it down. False: the strategy has nothing left. */
static bool take_turn(struct search *s, struct turn *t) {
  struct xp_chooser *x = s->chooser[t->share];
  const struct xp_strategy *row = x->strategy;
  if (!row->begin(x, t->run)) return false;
  t->is_observed = t->is_observed && (row->is_sample == NULL || row->is_sample(x));
  s->runner.chooser = x;
  s->runner.observer = t->is_observed ? &s->observer : NULL;
  s->runner.path = t->is_checked ? &s->path : NULL;
  xp_runner_run(&s->runner);
  row->end(x, &s->runner.run);
  count_work(s);
  if (t->is_checked) check_again(s, t->run);
  if (s->is_over) return true;
  uint64_t covered = row->stands_for == NULL ? 1 : row->stands_for(x);
  if (covered == 0) {
    s->report->replayed++;
  } else if (is_past_limit(s, index_of(s, t))) {
    end_search(s, XP_WHY_LIMIT);
  } else if (s->runner.run.outcome.end == PLAT_MODEL_CUT_OFF) {
    count_merged(s, t, covered);
  } else {
    count_run(s, t);
  }
  return true;
}

/* ---- stages ---------------------------------------------------------------------------------- */

/* The share of a strategy, made when it is new. */
static uint32_t share_of(struct search *s, const struct xp_strategy *row) {
  struct xp_report *r = s->report;
  for (uint32_t i = 0; i < r->share_count; i++)
    if (r->share[i].strategy == row) return i;
  s->chooser[r->share_count] = row->open(&s->config);
  r->share[r->share_count].strategy = row;
  return r->share_count++;
}

/* A strategy may have several rows of a mix: its runs are numbered through all of them, so that it
 * never draws the same twice. */
static uint64_t run_of(const struct xp_stage *g, uint64_t n) {
  uint64_t row = n % g->rows, rows = 0, before = 0;
  for (uint32_t i = 0; i < g->rows; i++) {
    bool is_same = g->row[i] == g->row[row];
    rows += is_same;
    before += is_same && i < row;
  }
  return n / g->rows * rows + before;
}

/* Run number k of this job in a stage. Random runs are dealt out by number; a systematic strategy
 * deals out its work items itself. */
static struct turn turn_of(struct search *s, uint32_t stage, uint64_t k) {
  const struct xp_stage *g = &s->plan.stage[stage];
  bool is_systematic = g->row[0]->index != NULL;
  uint64_t n = is_systematic ? k : g->first + k * s->config.slices + s->config.slice;
  struct turn t = {.stage = stage + 1, .number = n, .run = run_of(g, n)};
  t.share = share_of(s, g->row[n % g->rows]);
  t.is_observed = s->config.observe_every != 0 && n % s->config.observe_every == 0;
  t.is_checked = s->config.check_every != 0 && n % s->config.check_every == 0;
  return t;
}

static uint64_t most_of(const struct search *s, const struct xp_stage *g) {
  uint64_t slices = s->config.slices;
  if (g->most == UINT64_MAX) return UINT64_MAX;
  if (g->row[0]->index != NULL) return (g->most + slices - 1) / slices;
  return g->most > s->config.slice ? (g->most - s->config.slice + slices - 1) / slices : 0;
}

static void run_stage(struct search *s, uint32_t stage) {
  const struct xp_stage *g = &s->plan.stage[stage];
  uint64_t before = s->report->runs, most = most_of(s, g);
  for (uint32_t i = 0; i < g->rows; i++) share_of(s, g->row[i]); /* in one order in all jobs */
  for (uint64_t k = 0; !s->is_over; k++) {
    if (s->report->runs - before >= most) {
      if (stage + 1 == s->plan.stages) end_search(s, XP_WHY_SCHEDULES);
      return;
    }
    struct turn t = turn_of(s, stage, k);
    ask_limits(s);
    if (s->is_over || take_turn(s, &t)) continue;
    struct xp_claim claim;
    s->chooser[t.share]->strategy->claim(s->chooser[t.share], &claim);
    if (claim.is_exhausted || stage + 1 == s->plan.stages) end_search(s, XP_WHY_EXHAUSTED);
    return;
  }
}

/* In a hunt the walks are runs like others; the first job counts them, all see their failures. */
static void count_walk(struct search *s, struct xp_classes *met, uint64_t k) {
  struct turn t = {.stage = 0, .share = share_of(s, &xp_strategy_random), .number = k, .run = k};
  t.is_observed = true;
  xp_classes_add(met, s->observer.hash, 0);
  if (s->config.slice == 0) {
    count_run(s, &t);
  } else if (xp_run_fails(&s->runner.run) && !s->config.keep_going) {
    keep_failure(s, &t, k);
    end_search(s, XP_WHY_FAILURE);
  }
}

/* Every job makes all the walks, for the same estimates. */
static void walk(struct search *s) {
  struct xp_walk *w = sim_alloc(sizeof *w); /* a static variable would be part of the world */
  uint64_t walks = xp_walks(&s->config);
  bool is_hunt = strcmp(s->config.strategy, "hunt") == 0;
  struct xp_classes met = {0};
  xp_walk_open(w, rng_mix64(s->config.seed));
  s->runner.chooser = &w->base;
  s->runner.observer = is_hunt ? &s->observer : NULL;
  uint64_t steps = xp_walk_steps(&s->config);
  if (steps > WALK_STEPS) steps = WALK_STEPS;
  if (s->config.happens != NULL) steps /= SLOWER;
  if (is_hunt) steps /= SOONER;
  for (uint64_t k = 0; k < walks && !s->is_over; k++) {
    if (k >= WALKS_LEAST && s->report->steps >= steps) break;
    ask_limits(s);
    xp_strategy_walk.begin(&w->base, k);
    xp_runner_run(&s->runner);
    xp_strategy_walk.end(&w->base, &s->runner.run);
    count_work(s);
    if (is_hunt) {
      count_walk(s, &met, k);
    } else {
      s->report->replayed++;
    }
  }
  s->report->estimate = w->estimate;
  s->report->profile = w->profile;
  uint64_t walked = w->estimate.walks;
  struct xp_walked seen = {walked, walked > 0 ? s->report->steps / walked : 0, &met};
  xp_plan_make(&s->config, &seen, &s->plan);
  xp_classes_free(&met);
  free(w);
}

/* ---- the search ------------------------------------------------------------------------------ */

static void open_search(struct search *s, const struct xp_config *c, struct xp_report *r) {
  *r = (struct xp_report){.config = *c};
  hist_init(&r->preemptions);
  hist_init(&r->threads);
  hist_init(&r->length);
  xp_coverage_open(&r->coverage);
  s->config = *c;
  s->config.profile = &r->profile;
  s->report = r;
  s->runner.config = &s->config;
  s->observer.config = &s->config;
  s->observer.coverage = &r->coverage;
  s->started_ns = xp_now_ns();
}

static void close_search(struct search *s) {
  struct xp_report *r = s->report;
  for (uint32_t i = 0; i < r->share_count; i++) {
    const struct xp_strategy *row = r->share[i].strategy;
    if (row->claim != NULL) row->claim(s->chooser[i], &r->share[i].claim);
    r->blocked += r->share[i].claim.blocked;
    row->close(s->chooser[i]);
  }
  r->elapsed_ns = xp_now_ns() - s->started_ns;
  xp_runner_free(&s->runner);
  xp_observer_free(&s->observer);
  free(s->path.place);
  free(s->path_again.place);
  plat_model_set_hooks(NULL);
}

bool xp_search(const struct xp_config *c, struct xp_report *r) {
  struct search s = {.executed = 0};
  if (xp_strategy_find(c->strategy) == NULL) return false;
  open_search(&s, c, r);
  walk(&s);
  for (uint32_t i = 0; i < s.plan.stages && !s.is_over; i++) run_stage(&s, i);
  close_search(&s);
  return true;
}
