/* Probabilistic concurrency testing (Burckhardt et al. 2010), the paper's form: threads have random
 * priorities, all above d; the enabled thread of highest priority goes on; after the i-th of d - 1
 * steps drawn uniformly, in no order, from the k steps of a run, that step's thread gets priority
 * i < d. A run meets any bug of depth d with a chance of at least 1 / (n k^(d-1)). Steps are
 * decisions: where one thread only could go on there is nothing to decide. A thread that yields is
 * demoted by the platform, which lets every other thread take a step first. One that the platform
 * makes give way after a long turn gets the lowest priority of all: it polls, and what it polls for
 * must come. */
#include <stdlib.h>

#include "sims/explore/search.h"
#include "sims/explore/strategies.h"
#include "sims/memory.h"

enum { DEPTH_MAX = XP_DEPTH_MAX, DEPTH_DRAWN_MAX = 4, SLOTS = 256 };

struct change {
  uint64_t step;     /* after this decision, from 0 */
  uint32_t number;   /* 1..d-1: its priority among the changes */
};

struct priority {
  uint64_t run, value; /* value: drawn in that run, or where a change has put it */
};

struct pct {
  struct xp_chooser base;
  uint64_t state, decisions;
  uint64_t run;      /* from 1 */
  uint32_t depth_given, depth;
  uint64_t step, next_step; /* next_step: of the next change */
  uint64_t tired;    /* threads in this run that a long turn made give way */
  uint32_t changes, next;
  struct change change[DEPTH_MAX];
  struct priority priority[SLOTS]; /* by thread */
};

static struct xp_chooser *open(const struct xp_config *c) {
  struct pct *s = sim_alloc(sizeof *s);
  s->base = (struct xp_chooser){&xp_strategy_pct, c->seed};
  s->depth_given = c->depth > DEPTH_MAX ? DEPTH_MAX : c->depth;
  s->decisions = c->profile == NULL ? 1 : c->profile->decisions;
  return &s->base;
}

static void close(struct xp_chooser *x) { free(x); }

uint32_t xp_pct_depth(const struct xp_chooser *x) { return ((const struct pct *)x)->depth; }

/* In order of steps; of two at one step the later drawn wins, as if both had happened. */
static void draw_changes(struct pct *s) {
  s->changes = s->depth - 1;
  for (uint32_t n = 0; n < s->changes; n++) {
    struct change drawn = {rng_fastrand64(&s->state) % s->decisions, n + 1};
    uint32_t at = n;
    for (; at > 0 && s->change[at - 1].step > drawn.step; at--) s->change[at] = s->change[at - 1];
    s->change[at] = drawn;
  }
}

static bool begin(struct xp_chooser *x, uint64_t run) {
  struct pct *s = (struct pct *)x;
  s->state = rng_split(x->seed, run);
  s->depth = s->depth_given;
  if (s->depth == 0) s->depth = 1 + rng_fastrandn(&s->state, DEPTH_DRAWN_MAX);
  draw_changes(s);
  s->step = s->next = s->tired = 0;
  s->next_step = s->changes > 0 ? s->change[0].step : UINT64_MAX;
  s->run++;
  return true;
}

/* Priorities drawn independently order the threads as a random permutation does. Below them are
 * those of changes, and below these of tired threads, the last one lowest. */
#define CHANGED(number) ((uint64_t)(number) << 32)

static inline uint64_t *priority(struct pct *s, uint32_t thread) {
  struct priority *p = &s->priority[thread % SLOTS];
  if (p->run != s->run)
    *p = (struct priority){s->run, rng_fastrand64(&s->state) | UINT64_C(1) << 63};
  return &p->value;
}

static void change_priority(struct pct *s, uint64_t *p) {
  while (s->next < s->changes && s->change[s->next].step == s->step)
    *p = CHANGED(s->change[s->next++].number);
  s->next_step = s->next < s->changes ? s->change[s->next].step : UINT64_MAX;
}

static uint32_t choose(struct xp_chooser *x, const struct plat_model_point *p) {
  struct pct *s = (struct pct *)x;
  uint32_t best = 0;
  if (plat_unlikely(p->tired != UINT32_MAX)) *priority(s, p->tired) = CHANGED(1) - ++s->tired;
  uint64_t highest = *priority(s, p->op[0]->thread);
  for (uint32_t i = 1, count = p->count; i < count; i++) {
    uint64_t other = *priority(s, p->op[i]->thread);
    bool is_higher = other > highest; /* no branch: nobody foresees it */
    best = is_higher ? i : best;
    highest = is_higher ? other : highest;
  }
  if (plat_unlikely(s->step == s->next_step))
    change_priority(s, priority(s, p->op[best]->thread));
  s->step++;
  return best;
}

static void end(struct xp_chooser *x, const struct xp_run *r) {
  (void)x;
  (void)r;
}

const struct xp_strategy xp_strategy_pct = {
    .name = "pct",
    .doc = "Random thread priorities that drop d - 1 times: shallow bugs with a known chance.",
    .open = open,
    .close = close,
    .begin = begin,
    .choose = choose,
    .end = end,
};
