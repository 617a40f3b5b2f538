#include <stdlib.h>

#include "sims/explore/minimise_int.h"
#include "sims/explore/search.h"
#include "sims/memory.h"

/* A decision of the beginning. */
struct begun {
  uint64_t point;      /* its number in the run */
  uint32_t chosen;     /* thread */
};

/* Begins as a run did, and then has the schedules of the bounded search. */
struct ending {
  struct xp_chooser base;
  struct xp_chooser *bound;
  struct begun *begun;
  uint32_t count, at;
};

static uint32_t choose_as_begun(struct ending *x, const struct plat_model_point *p) {
  struct begun *b = &x->begun[x->at++];
  b->point = p->number;
  uint32_t i = xp_index_of(p, b->chosen);
  return i < p->count ? i : PLAT_MODEL_CUT;
}

static uint32_t choose(struct xp_chooser *base, const struct plat_model_point *p) {
  struct ending *x = (struct ending *)base;
  return x->at < x->count ? choose_as_begun(x, p) : x->bound->strategy->choose(x->bound, p);
}

static void execute(struct xp_chooser *base, const struct plat_model_op *op) {
  struct ending *x = (struct ending *)base;
  x->bound->strategy->execute(x->bound, op);
}

static bool begin(struct xp_chooser *base, uint64_t run) {
  struct ending *x = (struct ending *)base;
  x->at = 0;
  return x->bound->strategy->begin(x->bound, run);
}

static void end(struct xp_chooser *base, const struct xp_run *r) {
  struct ending *x = (struct ending *)base;
  x->bound->strategy->end(x->bound, r);
}

static uint64_t fixed(const struct xp_chooser *base) {
  const struct ending *x = (const struct ending *)base;
  return x->bound->strategy->fixed(x->bound);
}

static void resume(struct xp_chooser *base, uint64_t point) {
  struct ending *x = (struct ending *)base;
  while (x->at < x->count && x->begun[x->at].point < point) x->at++;
  if (x->at == x->count) x->bound->strategy->resume(x->bound, point);
}

static const struct xp_strategy ending = {
    .name = "ending",
    .doc = "begins as a run did",
    .wants_execute = true,
    .hears_races_only = true,
    .begin = begin,
    .choose = choose,
    .execute = execute,
    .end = end,
    .fixed = fixed,
    .resume = resume,
};

/* Up to the decision that is preemption number `kept`. */
static void take_beginning(struct ending *x, const struct xp_run *r, uint32_t kept) {
  x->begun = sim_alloc((r->decision_count + 1) * sizeof *x->begun);
  for (uint32_t preemptions = 0; preemptions < kept && x->count < r->decision_count; x->count++) {
    x->begun[x->count].chosen = r->decisions[x->count].chosen;
    preemptions += r->decisions[x->count].is_preemption;
  }
}

struct xp_endings {
  struct ending x;
  struct xp_config config;
  struct xp_runner runner;
  uint64_t runs;
  bool is_over;
};

struct xp_endings *xp_endings_new(const struct xp_work *w, uint32_t kept) {
  struct xp_endings *e = sim_alloc(sizeof *e);
  e->x = (struct ending){.base = {.strategy = &ending}};
  e->config = *w->config->run;
  e->config.preemptions = w->run->preemptions - 1 - kept;
  take_beginning(&e->x, w->run, kept);
  e->x.bound = xp_strategy_find("bound")->open(&e->config);
  e->runner = (struct xp_runner){.config = &e->config, .chooser = &e->x.base};
  return e;
}

void xp_endings_free(struct xp_endings *e) {
  e->x.bound->strategy->close(e->x.bound);
  xp_runner_free(&e->runner);
  free(e->x.begun);
  free(e);
}

bool xp_endings_search(struct xp_endings *e, struct xp_work *w, uint32_t runs) {
  bool found = false;
  e->runner.moments = 0; /* others have run since */
  while (!found && !e->is_over && runs-- > 0 && xp_work_has_budget(w)) {
    e->is_over = !begin(&e->x.base, e->runs++);
    found = !e->is_over && xp_work_run_fast(w, &e->runner);
  }
  return found;
}

bool xp_endings_over(const struct xp_endings *e) { return e->is_over; }

uint32_t xp_endings_levels(const struct xp_endings *e) {
  struct xp_claim claim = {.levels = 0};
  e->x.bound->strategy->claim(e->x.bound, &claim);
  return claim.levels;
}
