/* Iterative preemption bounding: every schedule with at most c preemptions, for c = 0, 1, 2, ...
 * A depth-first search that replays the decisions of a prefix and goes on by the default policy.
 * Level c executes the schedules with fewer preemptions again, to find where one more can be put;
 * they are not counted twice.
 *
 * Work items: the first UNIT_DEPTH decisions of a schedule, numbered within a level in the order
 * of the search. A job walks through all of them and explores its own.
 */
#include <stdlib.h>

#include "sims/explore/search.h"
#include "sims/explore/strategies.h"
#include "sims/memory.h"

enum { UNIT_DEPTH = 8, NTH_BITS = 35, LEVEL_SHIFT = 55 };

struct node {
  uint8_t count, running; /* of the point */
  uint8_t tried;          /* alternative under way: 0 is the default */
  uint8_t chosen;
  uint32_t used;          /* preemptions before it */
  uint64_t point;         /* its number */
};

struct bound {
  struct xp_chooser base;
  uint32_t level_max, level;
  uint32_t slice, slices;
  struct node *node;
  uint32_t room;
  uint32_t prefix;        /* decisions to replay */
  uint32_t depth;         /* decisions of the run so far */
  uint32_t used;          /* preemptions of the run so far */
  bool is_open;           /* the level has begun and is not finished */
  bool is_new;            /* the run is of this level and this slice */
  bool is_denied;         /* this level left something out for want of preemptions */
  uint64_t unit, nth;     /* of the run */
  struct xp_claim claim;
};

static struct xp_chooser *open(const struct xp_config *c) {
  struct bound *b = sim_alloc(sizeof *b);
  b->base = (struct xp_chooser){&xp_strategy_bound, c->seed};
  b->level_max = c->preemptions < XP_LEVELS ? c->preemptions : XP_LEVELS - 1;
  b->slice = c->slice;
  b->slices = c->slices;
  return &b->base;
}

static void close(struct xp_chooser *x) {
  free(((struct bound *)x)->node);
  free(x);
}

static bool is_mine(const struct bound *b) { return b->unit % b->slices == b->slice; }

static void begin_level(struct bound *b) {
  b->level = b->claim.levels;
  b->is_open = true;
  b->is_denied = false;
  b->prefix = 0;
  b->unit = b->nth = 0;
}

static void finish_level(struct bound *b) {
  b->is_open = false;
  b->claim.levels = b->level + 1;
  b->claim.is_exhausted = !b->is_denied;
}

static inline uint32_t alternative(const struct node *n) {
  uint32_t usual = n->running < n->count ? n->running : 0;
  if (n->tried == 0) return usual;
  return n->tried <= usual ? n->tried - 1u : n->tried;
}

static uint32_t deeper(struct bound *b, const struct plat_model_point *p) {
  if (b->depth == UNIT_DEPTH && !is_mine(b)) return PLAT_MODEL_CUT;
  if (b->depth == b->room) b->node = sim_grow(b->node, &b->room, b->depth, sizeof *b->node);
  struct node *n = &b->node[b->depth++];
  *n = (struct node){(uint8_t)p->count, (uint8_t)p->running, 0, 0, b->used, p->number};
  n->chosen = (uint8_t)alternative(n);
  return n->chosen;
}

static uint32_t choose(struct xp_chooser *x, const struct plat_model_point *p) {
  struct bound *b = (struct bound *)x;
  if (b->depth >= b->prefix) return deeper(b, p);
  const struct node *n = &b->node[b->depth++];
  b->used = n->used + (n->running < n->count && n->tried > 0);
  return n->chosen;
}

/* The next alternative at node n; false: there is none, or it would take a preemption too many. */
static bool advance(struct bound *b, struct node *n) {
  if (n->tried + 1u >= n->count) return false;
  if (n->running < n->count && n->used >= b->level) {
    b->is_denied = true;
    return false;
  }
  n->tried++;
  n->chosen = (uint8_t)alternative(n);
  return true;
}

/* To the next schedule of this level; false: there is none. */
static bool backtrack(struct bound *b) {
  uint32_t top = is_mine(b) || b->depth < UNIT_DEPTH ? b->depth : UNIT_DEPTH;
  for (uint32_t i = top; i-- > 0;) {
    if (!advance(b, &b->node[i])) continue;
    b->prefix = i + 1;
    if (i < UNIT_DEPTH) {
      b->unit++;
      b->nth = 0;
    }
    return true;
  }
  return false;
}

static bool begin(struct xp_chooser *x, uint64_t run) {
  struct bound *b = (struct bound *)x;
  (void)run;
  if (b->is_open && !backtrack(b)) finish_level(b);
  if (!b->is_open) {
    if (b->claim.is_exhausted || b->claim.levels > b->level_max) return false;
    begin_level(b);
  }
  b->depth = b->used = 0;
  return true;
}

static uint64_t fixed(const struct xp_chooser *x) {
  const struct bound *b = (const struct bound *)x;
  return b->prefix == 0 ? 0 : b->node[b->prefix - 1].point;
}

static void resume(struct xp_chooser *x, uint64_t point) {
  struct bound *b = (struct bound *)x;
  while (b->depth < b->prefix && b->node[b->depth].point < point) b->depth++;
  b->used = b->node[b->depth].used;
}

static void end(struct xp_chooser *x, const struct xp_run *r) {
  struct bound *b = (struct bound *)x;
  b->is_new = is_mine(b) && b->used == b->level && r->outcome.end != PLAT_MODEL_CUT_OFF;
  if (!b->is_new) return;
  b->nth++;
  b->claim.level_runs[b->level]++;
}

static bool is_counted(const struct xp_chooser *x) { return ((const struct bound *)x)->is_new; }

static uint64_t index_of(const struct xp_chooser *x) {
  const struct bound *b = (const struct bound *)x;
  return (uint64_t)b->level << LEVEL_SHIFT | b->unit << NTH_BITS | b->nth;
}

static void claim(const struct xp_chooser *x, struct xp_claim *out) {
  *out = ((const struct bound *)x)->claim;
}

const struct xp_strategy xp_strategy_bound = {
    .name = "bound",
    .doc = "All schedules with no preemption, then all with one, two, and so on.",
    .open = open,
    .close = close,
    .begin = begin,
    .choose = choose,
    .end = end,
    .fixed = fixed,
    .resume = resume,
    .index = index_of,
    .is_counted = is_counted,
    .claim = claim,
};
