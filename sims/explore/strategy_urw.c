/* Uniform random walk over interleavings (Zhao et al. 2025): a thread is chosen with a chance
 * proportional to the points it still has before it, so that, where the counts are right and
 * nothing blocks, every interleaving has the same chance. The counts are the means of the walks
 * before the search. */
#include <stdlib.h>

#include "sims/explore/strategies.h"
#include "sims/memory.h"

struct urw {
  struct xp_chooser base;
  uint64_t state;
  uint32_t points[XP_PROFILE_THREADS]; /* of each thread in a run */
  uint32_t usual;                      /* of a thread that no walk met */
};

static struct xp_chooser *open(const struct xp_config *c) {
  struct urw *u = sim_alloc(sizeof *u);
  u->base = (struct xp_chooser){&xp_strategy_urw, c->seed};
  float sum = 0;
  uint32_t met = 0;
  for (uint32_t t = 0; t < XP_PROFILE_THREADS; t++) {
    float points = c->profile == NULL ? 0 : c->profile->thread_points[t];
    u->points[t] = (uint32_t)(points + 0.5F);
    met += points > 0;
    sum += points;
  }
  u->usual = met == 0 ? 1 : (uint32_t)(sum / (float)met) + 1;
  for (uint32_t t = 0; t < XP_PROFILE_THREADS; t++)
    if (u->points[t] == 0) u->points[t] = u->usual;
  return &u->base;
}

static void close(struct xp_chooser *x) { free(x); }

static bool begin(struct xp_chooser *x, uint64_t run) {
  ((struct urw *)x)->state = rng_split(x->seed, run);
  return true;
}

/* Points op's thread has before it, this one included. */
static inline uint32_t weight(const struct urw *u, const struct plat_model_op *op) {
  uint32_t total = op->thread < XP_PROFILE_THREADS ? u->points[op->thread] : u->usual;
  return total > op->point ? total - op->point : 1;
}

static uint32_t choose(struct xp_chooser *x, const struct plat_model_point *p) {
  struct urw *u = (struct urw *)x;
  uint32_t sum = 0, upto[PLAT_MODEL_CHOOSER_THREADS];
  for (uint32_t i = 0; i < p->count; i++) upto[i] = sum += weight(u, p->op[i]);
  uint32_t at = rng_fastrandn(&u->state, sum), chosen = 0;
  while (upto[chosen] <= at) chosen++;
  return chosen;
}

static void end(struct xp_chooser *x, const struct xp_run *r) {
  (void)x;
  (void)r;
}

const struct xp_strategy xp_strategy_urw = {
    .name = "urw",
    .doc = "A random walk in which a thread's chance is proportional to the points before it.",
    .open = open,
    .close = close,
    .begin = begin,
    .choose = choose,
    .end = end,
};
