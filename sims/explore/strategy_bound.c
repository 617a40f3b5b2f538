/* Iterative preemption bounding: every schedule with at most c preemptions, for c = 0, 1, 2, ...
 * A depth-first search that replays the decisions of a prefix and goes on by the default policy.
 * Level c executes the schedules with fewer preemptions again, to find where one more can be put;
 * they are not counted twice.
 *
 * A run ends where it comes to a state (state.h) that the work item has been through, with the same
 * thread running and no more preemptions spent: what can follow has been run, without a failure,
 * and is counted. So as many schedules are covered as without that, in fewer runs.
 *
 * Work items: the first UNIT_DEPTH decisions of a schedule, numbered within a level in the order
 * of the search. A job walks through all of them and explores its own.
 */
#include <stdlib.h>

#include "sims/explore/explored.h"
#include "sims/explore/search.h"
#include "sims/explore/state.h"
#include "sims/explore/strategies.h"
#include "sims/memory.h"

enum { UNIT_DEPTH = 4, NTH_BITS = 35, LEVEL_SHIFT = 55, SAMPLE = 16 /* one run of so many */ };
#define NTH_MAX ((UINT64_C(1) << NTH_BITS) - 1)

struct node {
  uint8_t count, running; /* of the point */
  uint8_t tried;          /* alternative under way: 0 is the default */
  uint8_t chosen;
  uint32_t used;          /* preemptions before it */
  uint64_t point;         /* its number */
  uint64_t state;
  uint32_t seen;          /* operations before it */
  bool has_failed;        /* some schedule through it */
  uint64_t after[XP_LEVELS]; /* schedules run from here on, by preemptions in that part */
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
  uint64_t fresh;         /* schedules of this level and this slice that the run stands for */
  bool is_known;          /* what happens was seen in the run before */
  const uint8_t *sites;   /* where races are; NULL: everywhere */
  struct xp_state state;
  struct xp_explored explored; /* by this level's work item */
  bool runs_all;          /* and does not look there */
  bool is_denied;         /* this level left something out for want of preemptions */
  uint64_t unit, nth;     /* of the run */
  uint64_t unit_runs;     /* of the work item so far */
  struct xp_claim claim;
};

static struct xp_chooser *open(const struct xp_config *c) {
  struct bound *b = sim_alloc(sizeof *b);
  b->base = (struct xp_chooser){&xp_strategy_bound, c->seed};
  b->level_max = c->preemptions < XP_LEVELS ? c->preemptions : XP_LEVELS - 1;
  b->slice = c->slice;
  b->slices = c->slices;
  b->sites = c->point_sites;
  /* What a map was in the middle of is no part of a state; what has been ordered is, for the state
   * is made of the order of operations, and all that the check of plain data knows follows from
   * that. */
  b->runs_all = c->every_schedule || c->is_misused != NULL;
  return &b->base;
}

static void close(struct xp_chooser *x) {
  struct bound *b = (struct bound *)x;
  xp_state_free(&b->state);
  xp_explored_free(&b->explored);
  free(b->node);
  free(b);
}

static bool is_mine(const struct bound *b) { return b->unit % b->slices == b->slice; }

static void begin_unit(struct bound *b) {
  b->nth = b->unit_runs = 0;
  xp_explored_begin(&b->explored, b->level + 1);
}

static void begin_level(struct bound *b) {
  b->level = b->claim.levels;
  b->is_open = true;
  b->is_denied = false;
  b->prefix = 0;
  b->unit = 0;
  xp_state_back(&b->state, 0);
  begin_unit(b);
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

static bool is_preemption(const struct node *n) { return n->running < n->count && n->tried > 0; }

/* The part of a schedule from below node number i on, or several. */
static void count_after(struct bound *b, uint32_t i, const uint64_t *after, uint32_t used) {
  struct node *n = &b->node[i];
  uint32_t more = is_preemption(n);
  for (uint32_t k = 0; k + used <= b->level; k++) n->after[k + more] += after[k];
}

/* Only states before every fourth point are looked for and entered: a run goes on a little longer
 * until the rest is known, and the table, of which hardly anything is in the cache, is asked less.
 * Beginnings that lead to one state have the same number of points. */
static bool is_landmark(const struct bound *b, uint32_t depth, uint64_t point) {
  return depth >= UNIT_DEPTH && point % 4 == 0 && !b->runs_all;
}

/* The state has been explored: its schedules are this run's, but for those that would take too many
 * preemptions in all. */
static bool is_explored(struct bound *b, uint64_t state) {
  const uint64_t *after = xp_explored_find(&b->explored, state, b->used);
  if (after == NULL) return false;
  for (uint32_t k = b->level - b->used + 1; k <= b->level; k++) b->is_denied |= after[k] > 0;
  b->fresh = after[b->level - b->used];
  count_after(b, b->depth - 1, after, b->used);
  return true;
}

static uint64_t state_at(const struct bound *b, const struct plat_model_point *p) {
  uint64_t running = p->running < p->count ? p->op[p->running]->thread + 1 : 0;
  return rng_mix64(xp_state_number(&b->state) + running);
}

static uint32_t deeper(struct bound *b, const struct plat_model_point *p) {
  if (b->depth == UNIT_DEPTH && !is_mine(b)) return PLAT_MODEL_CUT;
  uint64_t state = state_at(b, p);
  if (is_landmark(b, b->depth, p->number) && is_explored(b, state)) return PLAT_MODEL_CUT;
  if (b->depth == b->room) b->node = sim_grow(b->node, &b->room, b->depth, sizeof *b->node);
  struct node *n = &b->node[b->depth++];
  *n = (struct node){.count = (uint8_t)p->count, .running = (uint8_t)p->running, .used = b->used,
                     .point = p->number, .state = state, .seen = b->state.seen};
  n->chosen = (uint8_t)alternative(n);
  return n->chosen;
}

static uint32_t choose(struct xp_chooser *x, const struct plat_model_point *p) {
  struct bound *b = (struct bound *)x;
  if (b->depth >= b->prefix) return deeper(b, p);
  const struct node *n = &b->node[b->depth++];
  b->used = n->used + is_preemption(n);
  b->is_known = b->depth < b->prefix;
  return n->chosen;
}

/* What does not race is ordered by what does. */
static void execute(struct xp_chooser *x, const struct plat_model_op *op) {
  struct bound *b = (struct bound *)x;
  if (b->is_known) return;
  if (b->sites == NULL || b->sites[plat_model_site_index(op->site)] != 0)
    xp_state_see(&b->state, op);
  else
    xp_state_see_unraced(&b->state, op);
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

/* Node number i has nothing left. */
static void finish_node(struct bound *b, uint32_t i) {
  struct node *n = &b->node[i];
  if (i > 0) {
    count_after(b, i - 1, n->after, n->used);
    b->node[i - 1].has_failed |= n->has_failed;
  }
  if (!n->has_failed && is_landmark(b, i, n->point))
    xp_explored_add(&b->explored, n->state, n->used, n->after);
}

/* To the next schedule of this level; false: there is none. */
static bool backtrack(struct bound *b) {
  uint32_t top = is_mine(b) || b->depth < UNIT_DEPTH ? b->depth : UNIT_DEPTH;
  for (uint32_t i = top; i-- > 0;) {
    if (!advance(b, &b->node[i])) {
      finish_node(b, i);
      continue;
    }
    b->prefix = i + 1;
    xp_state_back(&b->state, b->node[i].seen);
    if (i < UNIT_DEPTH) {
      b->unit++;
      begin_unit(b);
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
  b->fresh = 0;
  b->unit_runs++;
  b->is_known = b->prefix > 0;
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

/* A schedule that was run to its end. */
static void count_run(struct bound *b, const struct xp_run *r) {
  static const uint64_t one[XP_LEVELS] = {1};
  b->fresh = is_mine(b) && b->used == b->level;
  if (b->depth == 0) return;
  count_after(b, b->depth - 1, one, b->used);
  b->node[b->depth - 1].has_failed |= xp_run_fails(r);
}

static void end(struct xp_chooser *x, const struct xp_run *r) {
  struct bound *b = (struct bound *)x;
  if (r->outcome.end != PLAT_MODEL_CUT_OFF) count_run(b, r);
  b->nth = b->fresh < NTH_MAX - b->nth ? b->nth + b->fresh : NTH_MAX;
  b->claim.level_runs[b->level] += b->fresh;
}

static bool is_sample(const struct xp_chooser *x) {
  const struct bound *b = (const struct bound *)x;
  return b->runs_all || b->unit_runs % SAMPLE == 1;
}

static uint64_t stands_for(const struct xp_chooser *x) { return ((const struct bound *)x)->fresh; }

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
    .wants_execute = true,
    .hears_races_only = true,
    .open = open,
    .close = close,
    .begin = begin,
    .choose = choose,
    .execute = execute,
    .end = end,
    .fixed = fixed,
    .resume = resume,
    .is_sample = is_sample,
    .index = index_of,
    .stands_for = stands_for,
    .claim = claim,
};
