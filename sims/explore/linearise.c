#include "sims/explore/linearise.h"

#include <stdlib.h>
#include <string.h>

#include "sims/explore/replay.h"
#include "sims/memory.h"

/* A stretch is what a thread does from one of its points up to the next. A clock counts for each
 * thread the stretches that come before. */
enum { THREADS = PLAT_MODEL_CHOOSER_THREADS, STRETCHES_MAX = 1 << 15, OBJECTS_MIN = 256 };

struct clock {
  uint32_t count[THREADS];
};

struct seen_object {
  uint64_t object;
  bool is_used;
  struct clock written, touched; /* before whom a reader, a writer comes */
};

struct order {
  struct clock *before;          /* of every stretch, in order of execution */
  uint32_t count, room;
  uint32_t *of_thread[THREADS];  /* its stretches: indices of before */
  uint32_t thread_count[THREADS], thread_room[THREADS];
};

static void join(struct clock *into, const struct clock *from) {
  for (uint32_t i = 0; i < THREADS; i++)
    if (into->count[i] < from->count[i]) into->count[i] = from->count[i];
}

static void order_free(struct order *o) {
  free(o->before);
  for (uint32_t t = 0; t < THREADS; t++) free(o->of_thread[t]);
}

/* ---- looking --------------------------------------------------------------------------------- */

/* Follows a schedule and notes what came before what. */
struct looker {
  struct xp_follower follower;   /* first */
  struct order *order;
  struct clock now[THREADS];
  struct seen_object *objects;
  uint32_t object_count, object_room; /* room: a power of two */
  bool is_too_long;
};

static void grow_objects(struct looker *x);

static struct seen_object *find_object(struct looker *x, uint64_t object) {
  if (2 * x->object_count >= x->object_room) grow_objects(x);
  for (uint32_t at = (uint32_t)(object * 0x9e3779b97f4a7c15ull >> 32);; at++) {
    struct seen_object *o = &x->objects[at & (x->object_room - 1)];
    if (o->is_used && o->object != object) continue;
    if (!o->is_used) x->object_count++;
    o->is_used = true;
    o->object = object;
    return o;
  }
}

static void grow_objects(struct looker *x) {
  struct seen_object *old = x->objects;
  uint32_t room = x->object_room;
  x->object_room = room == 0 ? OBJECTS_MIN : 2 * room;
  x->objects = sim_alloc(x->object_room * sizeof *x->objects);
  x->object_count = 0;
  for (uint32_t i = 0; i < room; i++)
    if (old[i].is_used) *find_object(x, old[i].object) = old[i];
  free(old);
}

static bool only_reads(enum plat_op kind) {
  return kind == PLAT_OP_LOAD || kind == PLAT_OP_SLOT_LOAD || kind == PLAT_OP_PLAIN_LOAD;
}

static uint32_t look_choose(struct xp_chooser *base, const struct plat_model_point *p) {
  struct looker *x = (struct looker *)base;
  struct order *o = x->order;
  uint32_t chosen = xp_follower_choose(&x->follower, p);
  uint32_t t = p->op[chosen]->thread;
  if (t >= THREADS || o->count == STRETCHES_MAX) x->is_too_long = true;
  if (x->is_too_long) return chosen;
  o->before = sim_grow(o->before, &o->room, o->count, sizeof *o->before);
  o->of_thread[t] =
      sim_grow(o->of_thread[t], &o->thread_room[t], o->thread_count[t], sizeof *o->of_thread[t]);
  o->of_thread[t][o->thread_count[t]++] = o->count++;
  x->now[t].count[t]++;
  o->before[o->count - 1] = x->now[t];
  return chosen;
}

static void look_execute(struct xp_chooser *base, const struct plat_model_op *op) {
  struct looker *x = (struct looker *)base;
  struct order *o = x->order;
  uint32_t t = op->thread;
  if (x->is_too_long || t >= THREADS || plat_model_region_of(op->object) == PLAT_REGION_NONE)
    return;
  struct seen_object *s = find_object(x, op->object);
  join(&x->now[t], only_reads(op->kind) ? &s->written : &s->touched);
  join(&s->touched, &x->now[t]);
  if (!only_reads(op->kind)) s->written = x->now[t];
  if (o->thread_count[t] > 0) o->before[o->of_thread[t][o->thread_count[t] - 1]] = x->now[t];
}

static const struct xp_strategy look = {.name = "look",
                                        .doc = "follows a schedule and notes its order",
                                        .every_point = true,
                                        .wants_execute = true,
                                        .choose = look_choose,
                                        .execute = look_execute};

/* ---- running in the other order -------------------------------------------------------------- */

struct guide {
  struct xp_chooser base;
  const struct order *order;
  enum xp_preference preference;
  uint32_t done[THREADS];        /* stretches begun */
};

/* Everything that must come before thread t's next stretch has begun. */
static bool is_due(const struct guide *g, uint32_t t) {
  const struct order *o = g->order;
  if (t >= THREADS || g->done[t] >= o->thread_count[t]) return false;
  const struct clock *before = &o->before[o->of_thread[t][g->done[t]]];
  for (uint32_t u = 0; u < THREADS; u++)
    if (u != t && g->done[u] < before->count[u]) return false;
  return true;
}

static uint32_t find_due(const struct guide *g, const struct plat_model_point *p) {
  uint32_t found = p->count;
  if (p->running < p->count && is_due(g, p->op[p->running]->thread)) return p->running;
  for (uint32_t i = 0; i < p->count; i++) {
    if (!is_due(g, p->op[i]->thread)) continue;
    found = i;
    if (g->preference == XP_PREFER_LOWEST) break;
  }
  if (found < p->count) return found;
  return p->running < p->count ? p->running : 0;
}

static uint32_t guide_choose(struct xp_chooser *base, const struct plat_model_point *p) {
  struct guide *g = (struct guide *)base;
  uint32_t chosen = find_due(g, p);
  if (p->op[chosen]->thread < THREADS) g->done[p->op[chosen]->thread]++;
  return chosen;
}

static const struct xp_strategy follow_order = {.name = "order",
                                                .doc = "keeps an order of operations",
                                                .every_point = true,
                                                .choose = guide_choose};

bool xp_linearise(const struct xp_schedule *s, enum xp_preference preference,
                  const struct xp_config *c, struct xp_run *r) {
  struct order order = {.count = 0};
  struct looker *x = sim_alloc(sizeof *x);
  struct guide g = {.base = {.strategy = &follow_order}, .order = &order, .preference = preference};
  xp_follower_open(&x->follower, s, false);
  x->follower.base.strategy = &look;
  x->order = &order;
  xp_follower_begin(&x->follower);
  xp_run(&x->follower.base, c, r);
  xp_follower_close(&x->follower);
  bool fits = !x->is_too_long;
  if (fits) xp_run(&g.base, c, r);
  free(x->objects);
  free(x);
  order_free(&order);
  return fits;
}
