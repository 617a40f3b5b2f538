/* A uniform random walk: each enabled thread with the same chance at every decision. */
#include <stdlib.h>

#include "sims/explore/strategies.h"
#include "sims/memory.h"

struct walk {
  struct xp_chooser base;
  uint64_t state;
};

static struct xp_chooser *open(const struct xp_config *c) {
  struct walk *w = sim_alloc(sizeof *w);
  w->base = (struct xp_chooser){&xp_strategy_random, c->seed};
  return &w->base;
}

static void close(struct xp_chooser *x) { free(x); }

static bool begin(struct xp_chooser *x, uint64_t run) {
  ((struct walk *)x)->state = rng_split(x->seed, run);
  return true;
}

static uint32_t choose(struct xp_chooser *x, const struct plat_model_point *p) {
  return rng_fastrandn(&((struct walk *)x)->state, p->count);
}

static void end(struct xp_chooser *x, const struct xp_run *r) {
  (void)x;
  (void)r;
}

const struct xp_strategy xp_strategy_random = {
    .name = "random",
    .doc = "A random walk: every thread that could go on has the same chance, each time.",
    .open = open,
    .close = close,
    .begin = begin,
    .choose = choose,
    .end = end,
};
