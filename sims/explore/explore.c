#include "sims/explore/explore.h"

#include <stdlib.h>
#include <time.h>

#include "runtime/check.h"
#include "sims/explore/happens.h"
#include "sims/memory.h"

enum { DEFAULT_PREEMPTIONS = 2, DEFAULT_CHECK_EVERY = 1000, DEFAULT_STEP_MAX = 1 << 20,
       DEFAULT_WALKS = 1000 };
#define DEFAULT_TIME_NS (10 * UINT64_C(1000000000))

uint64_t xp_now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

void xp_config_default(struct xp_config *c) {
  *c = (struct xp_config){
      .strategy = "hunt",
      .preemptions = DEFAULT_PREEMPTIONS,
      .schedules = UINT64_MAX,
      .time_ns = DEFAULT_TIME_NS,
      .seed = 1,
      .classes = PLAT_CLASS_ALL,
      .step_max = DEFAULT_STEP_MAX,
      .check_every = DEFAULT_CHECK_EVERY,
      .slices = 1,
      .walks = DEFAULT_WALKS,
      .observe_every = 1,
      .scenario = "",
  };
}

/* What the hooks of the run under way need; in malloc's memory, outside the world. */
struct recorder {
  struct xp_chooser *chooser;
  const struct xp_strategy *strategy;
  struct xp_happens *happens;
  struct xp_run *run;
  uint32_t nth[PLAT_MODEL_CHOOSER_THREADS]; /* decisions by last thread */
  uint32_t last;                            /* thread that was chosen at the last point */
};

static void record(struct recorder *r, const struct plat_model_point *p, uint32_t chosen) {
  struct xp_run *run = r->run;
  bool can_go_on = p->running < p->count;
  uint32_t last = can_go_on ? p->op[p->running]->thread : r->last;
  uint32_t standing = can_go_on ? p->running : 0;
  if (run->decision_count == run->decision_room)
    run->decisions = sim_grow(run->decisions, &run->decision_room, run->decision_count,
                              sizeof *run->decisions);
  run->decisions[run->decision_count++] = (struct xp_decision){
      .last = last,
      .nth = r->nth[last % PLAT_MODEL_CHOOSER_THREADS]++,
      .chosen = p->op[chosen]->thread,
      .site = plat_model_site_index(p->op[standing]->site),
      .width = p->count,
      .can_go_on = can_go_on,
      .is_preemption = can_go_on && chosen != p->running,
      .is_default = chosen == standing,
  };
  run->preemptions += can_go_on && chosen != p->running;
}

static uint32_t on_choose(const struct plat_model_point *p, void *arg) {
  struct recorder *r = arg;
  uint32_t chosen = r->strategy->choose(r->chooser, p);
  if (chosen == PLAT_MODEL_CUT) return chosen;
  if (p->count > 1) record(r, p, chosen);
  if (p->op[chosen]->thread != r->last) r->run->switches++;
  r->last = p->op[chosen]->thread;
  return chosen;
}

static void on_execute(const struct plat_model_op *op, void *arg) {
  struct recorder *r = arg;
  if (r->happens != NULL) xp_happens_ignore(r->happens, true);
  if (r->strategy->wants_execute) r->strategy->execute(r->chooser, op);
  if (r->happens != NULL) xp_happens_see(r->happens, op);
}

static void on_plain(const struct plat_model_plain *a, void *arg) {
  xp_happens_plain(((struct recorder *)arg)->happens, a);
}

void xp_run_judge(const struct xp_config *c, struct xp_run *r) {
  const struct plat_model_outcome *o = &r->outcome;
  r->is_noticed = r->is_missed = false;
  if (!xp_run_fails(r) || c->is_misused == NULL || !c->is_misused(c->misuse_arg)) return;
  r->is_noticed = o->end == PLAT_MODEL_FAILED && o->kind == RT_END_FATAL;
  r->is_missed = !r->is_noticed && c->excuses;
}

void xp_run(struct xp_chooser *x, const struct xp_config *c, struct xp_run *run) {
  struct recorder r = {.chooser = x, .strategy = x->strategy, .happens = c->happens, .run = run};
  struct plat_model_hooks hooks = {
      .choose = on_choose,
      .execute = x->strategy->wants_execute || c->happens != NULL ? on_execute : NULL,
      .plain = c->happens != NULL ? on_plain : NULL,
      .arg = &r,
      .classes = c->classes,
      .point_sites = c->point_sites,
      .every_point = x->strategy->every_point,
      .step_max = c->step_max,
  };
  run->decision_count = run->preemptions = run->switches = 0;
  if (c->happens != NULL) xp_happens_begin(c->happens);
  plat_model_set_hooks(&hooks);
  plat_model_explore(&run->outcome);
  plat_model_set_hooks(NULL);
  xp_run_judge(c, run);
}

void xp_run_free(struct xp_run *r) {
  free(r->decisions);
  *r = (struct xp_run){0};
}
