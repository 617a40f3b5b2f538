/* Partial-order sampling (Yuan, Yang, Gu 2018): every pending operation has a random priority, the
 * highest goes first; the executed thread's next operation gets a fresh one, and so does every
 * pending operation that conflicts with the executed one. */
#include <stdlib.h>
#include <string.h>

#include "sims/explore/access.h"
#include "sims/explore/strategies.h"
#include "sims/memory.h"

enum { SLOTS = 256 };

/* The priority of the operation a thread is about to do; a thread that shares its slot with
 * another loses its priority when that one draws. */
struct priority {
  uint64_t run;           /* in which run, */
  uint32_t thread, point; /* whose, and before which point of it */
  uint64_t value;
};

struct pos {
  struct xp_chooser base;
  uint64_t state, run; /* run: from 1 */
  struct priority of[SLOTS];
};

static struct xp_chooser *open(const struct xp_config *c) {
  struct pos *s = sim_alloc(sizeof *s);
  s->base = (struct xp_chooser){&xp_strategy_pos, c->seed};
  return &s->base;
}

static void close(struct xp_chooser *x) { free(x); }

static inline void forget(struct priority *p) { p->run = 0; }

static bool begin(struct xp_chooser *x, uint64_t run) {
  struct pos *s = (struct pos *)x;
  s->state = rng_split(x->seed, run);
  s->run++;
  return true;
}

static inline struct priority *slot(struct pos *s, const struct plat_model_op *op) {
  return &s->of[op->thread % SLOTS];
}

static inline uint64_t value(struct pos *s, const struct plat_model_op *op) {
  struct priority *p = slot(s, op);
  if (p->run != s->run || p->point != op->point || p->thread != op->thread)
    *p = (struct priority){s->run, op->thread, op->point, rng_fastrand64(&s->state)};
  return p->value;
}

static uint32_t choose(struct xp_chooser *x, const struct plat_model_point *p) {
  struct pos *s = (struct pos *)x;
  uint32_t best = 0;
  uint64_t highest = value(s, p->op[0]);
  for (uint32_t i = 1; i < p->count; i++) {
    uint64_t v = value(s, p->op[i]);
    if (v <= highest) continue;
    highest = v;
    best = i;
  }
  /* A thread that waits in a conflicting operation and is not enabled lost its priority when the
   * operation it waits for was executed; what it draws later has not been compared before. */
  for (uint32_t i = 0; i < p->count; i++)
    if (i != best && xp_ops_conflict(p->op[best], p->op[i])) forget(slot(s, p->op[i]));
  return best;
}

static void end(struct xp_chooser *x, const struct xp_run *r) {
  (void)x;
  (void)r;
}

const struct xp_strategy xp_strategy_pos = {
    .name = "pos",
    .doc = "Partial-order sampling: random priorities, redrawn for what conflicts.",
    .open = open,
    .close = close,
    .begin = begin,
    .choose = choose,
    .end = end,
};
