#include "sims/explore/walk.h"

#include <string.h>

void xp_walk_open(struct xp_walk *w, uint64_t seed) {
  *w = (struct xp_walk){.base = {&xp_strategy_walk, seed}, .profile = {1, 1, {0}}};
}

static bool begin(struct xp_chooser *x, uint64_t run) {
  struct xp_walk *w = (struct xp_walk *)x;
  w->state = rng_split(x->seed, run);
  w->decisions = 0;
  w->schedules = 1;
  memset(w->points, 0, sizeof w->points);
  return true;
}

static uint32_t choose(struct xp_chooser *x, const struct plat_model_point *p) {
  struct xp_walk *w = (struct xp_walk *)x;
  uint32_t i = 0;
  if (p->count > 1) {
    i = rng_fastrandn(&w->state, p->count);
    w->decisions++;
    w->schedules *= p->count;
  }
  if (p->op[i]->thread < XP_PROFILE_THREADS) w->points[p->op[i]->thread] = p->op[i]->point + 1;
  return i;
}

static void end(struct xp_chooser *x, const struct xp_run *r) {
  struct xp_walk *w = (struct xp_walk *)x;
  uint32_t threads = 0;
  (void)r;
  w->estimate.walks++;
  w->estimate.sum += w->schedules;
  w->estimate.sum_squares += w->schedules * w->schedules;
  if (w->decisions > w->profile.decisions) w->profile.decisions = w->decisions;
  for (uint32_t t = 0; t < XP_PROFILE_THREADS; t++) {
    if (w->points[t] == 0) continue;
    threads++;
    w->points_sum[t] += w->points[t];
    w->runs[t]++;
    w->profile.thread_points[t] = (float)((double)w->points_sum[t] / (double)w->runs[t]);
  }
  if (threads > w->profile.threads) w->profile.threads = threads;
}

const struct xp_strategy xp_strategy_walk = {
    .name = "walk",
    .doc = "A random walk that measures.",
    .every_point = true,
    .begin = begin,
    .choose = choose,
    .end = end,
};
