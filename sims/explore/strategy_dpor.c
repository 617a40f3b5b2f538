/* Source-set dynamic partial-order reduction with sleep sets (Abdulla et al. 2014): at least one
 * schedule of every class of schedules that differ only in the order of independent events, and no
 * complete schedule twice.
 *
 * Work items: the first UNIT_DECISIONS decisions. Nodes above that explore every thread (but the
 * sleeping), so that the items do not depend on what was found below them; they are numbered in
 * the order of the search, and a job walks through all of them and explores its own.
 *
 * Yields: a thread that has yielded is not enabled before the others have taken a step, which is
 * no dependency that races show. A program that spins is explored as far as that rule lets its
 * schedules differ; where a race cannot be reversed as computed all enabled threads are tried.
 */
#include <stdlib.h>

#include "sims/explore/dpor_int.h"
#include "sims/explore/strategies.h"
#include "sims/memory.h"

enum { UNIT_DECISIONS = 4, NTH_BITS = 38 };

static inline uint64_t bit(uint32_t thread) { return UINT64_C(1) << thread; }

static struct xp_chooser *open(const struct xp_config *c) {
  struct dpor *d = sim_alloc(sizeof *d);
  d->base = (struct xp_chooser){&xp_strategy_dpor, c->seed};
  d->slice = c->slice;
  d->slices = c->slices;
  d->sites = c->point_sites;
  d->width = 4;
  d->last_timeout = DPOR_NONE;
  for (uint32_t i = 0; i < DPOR_THREADS; i++) d->last_event[i] = DPOR_NONE;
  return &d->base;
}

static void close(struct xp_chooser *x) {
  struct dpor *d = (struct dpor *)x;
  free(d->node);
  free(d->sleep);
  dpor_events_free(d);
  free(d);
}

static bool is_mine(const struct dpor *d) { return d->unit % d->slices == d->slice; }

/* ---- nodes ----------------------------------------------------------------------------------- */

static void add_sleeper(struct dpor *d, struct dpor_node *n, struct dpor_sleeper s) {
  if (d->sleep_count == d->sleep_room)
    d->sleep = sim_grow(d->sleep, &d->sleep_room, d->sleep_count, sizeof *d->sleep);
  d->sleep[d->sleep_count++] = s;
  n->sleep_count++;
  n->asleep |= bit(s.thread);
}

/* Who sleeps at node n, above below: sleepers there that the event leaves undisturbed. */
static void inherit_sleepers(struct dpor *d, const struct dpor_node *below, struct dpor_node *n) {
  n->sleep_first = d->sleep_count;
  for (uint32_t i = 0; i < below->sleep_count; i++) {
    struct dpor_sleeper s = d->sleep[below->sleep_first + i];
    if (s.thread != below->thread && !dpor_conflict(d, &s.footprint, &below->footprint))
      add_sleeper(d, n, s);
  }
}

static uint64_t enabled_threads(struct dpor *d, const struct plat_model_point *p) {
  uint64_t enabled = 0;
  for (uint32_t i = 0; i < p->count; i++) enabled |= bit(dpor_thread(d, p->op[i]->thread));
  return enabled;
}

/* Place in the point of the thread to go on with: of those allowed the one that ran last, else
 * the first. */
static uint32_t prefer(struct dpor *d, const struct plat_model_point *p, uint64_t allowed) {
  if (p->running < p->count && (allowed & bit(dpor_thread(d, p->op[p->running]->thread))) != 0)
    return p->running;
  uint32_t i = 0;
  while ((allowed & bit(dpor_thread(d, p->op[i]->thread))) == 0) i++;
  return i;
}

/* The node above the topmost event, which is finished. */
static struct dpor_node *push_node(struct dpor *d, uint64_t enabled) {
  if (d->depth == d->node_room) dpor_grow(d);
  struct dpor_node *n = &d->node[d->depth];
  *n = (struct dpor_node){
      .enabled = enabled, .host = d->depth, .sleep_first = d->sleep_count,
      .access_base = d->access_count};
  if (d->depth > 0) {
    const struct dpor_node *below = n - 1;
    inherit_sleepers(d, below, n);
    n->decisions = below->decisions + ((below->enabled & (below->enabled - 1)) != 0);
  }
  return n;
}

static uint32_t decide(struct dpor *d, const struct plat_model_point *p) {
  struct dpor_node *n = push_node(d, enabled_threads(d, p));
  uint64_t allowed = n->enabled & ~n->asleep;
  d->is_asleep = allowed == 0;
  if (allowed == 0 || (n->decisions >= UNIT_DECISIONS && !is_mine(d))) {
    d->sleep_count = n->sleep_first;
    return PLAT_MODEL_CUT;
  }
  n->point = (uint32_t)p->number;
  uint32_t choice = prefer(d, p, allowed);
  uint32_t thread = dpor_thread(d, p->op[choice]->thread);
  n->backtrack = n->decisions < UNIT_DECISIONS ? n->enabled : bit(thread);
  n->choice = (uint8_t)choice;
  dpor_begin_event(d, d->depth++, thread);
  return choice;
}

static void finish_last_event(struct dpor *d) {
  if (d->finished == d->depth) return;
  dpor_block_event(d, d->finished);
  dpor_finish_event(d, d->finished++);
}

static uint32_t choose(struct xp_chooser *x, const struct plat_model_point *p) {
  struct dpor *d = (struct dpor *)x;
  while (d->depth < d->replay && d->node[d->depth].is_forced) d->depth++;
  if (d->depth < d->replay) return d->node[d->depth++].choice;
  finish_last_event(d);
  return decide(d, p);
}

static void force(struct dpor *d, uint32_t thread) {
  uint32_t host = d->node[d->depth - 1].host;
  finish_last_event(d);
  struct dpor_node *n = push_node(d, bit(thread));
  n->is_forced = true;
  n->host = host;
  n->backtrack = bit(thread);
  dpor_begin_event(d, d->depth++, thread);
}

/* Memory where no races are: whatever else touches it comes before or after for another reason. */
static bool is_ordered(const struct dpor *d, const struct plat_model_op *op) {
  return d->sites != NULL && d->sites[plat_model_site_index(op->site)] == 0 &&
         plat_model_op_bytes(op) != 0;
}

static void execute(struct xp_chooser *x, const struct plat_model_op *op) {
  struct dpor *d = (struct dpor *)x;
  if (d->finished >= d->depth) return; /* known, or before the first point */
  if (op->thread != d->number[d->node[d->depth - 1].thread]) {
    force(d, dpor_thread(d, op->thread));
    d->node[d->depth - 1].has_waited = op->kind != PLAT_OP_THREAD_BEGIN;
  }
  if (!is_ordered(d, op)) dpor_touch(d, op);
}

/* ---- from run to run ------------------------------------------------------------------------- */

/* Place in its point of an enabled thread: they stand there in order of their numbers. */
static uint8_t place_of(const struct dpor *d, uint64_t enabled, uint32_t thread) {
  uint32_t place = 0;
  for (; enabled != 0; enabled &= enabled - 1)
    place += d->number[__builtin_ctzll(enabled)] < d->number[thread];
  return (uint8_t)place;
}

/* Node i goes on with another thread, if one is left to explore. */
static bool advance(struct dpor *d, uint32_t i) {
  struct dpor_node *n = &d->node[i];
  d->sleep_count = n->sleep_first + n->sleep_count;
  add_sleeper(d, n, (struct dpor_sleeper){n->thread, n->footprint});
  uint64_t left = n->backtrack & n->enabled & ~n->asleep;
  if (left == 0) return false;
  uint32_t thread = (uint32_t)__builtin_ctzll(left);
  n->choice = place_of(d, n->enabled, thread);
  dpor_begin_event(d, i, thread);
  d->finished = i;
  d->replay = i + 1;
  if (n->decisions < UNIT_DECISIONS) {
    d->unit++;
    d->nth = 0;
  }
  return true;
}

/* Gives the accesses of a forced event to the event below: they are one block. */
static void merge_down(struct dpor *d, uint32_t i) {
  const struct dpor_footprint *f = &d->node[i].footprint;
  struct dpor_footprint *below = &d->node[i - 1].footprint;
  below->count += f->count;
  below->touches |= f->touches;
  below->writes |= f->writes;
  d->sleep_count = d->node[i].sleep_first;
}

static bool backtrack(struct dpor *d) {
  for (uint32_t i = d->depth; i-- > 0;) {
    dpor_undo_event(d, i);
    if (d->node[i].is_forced) {
      merge_down(d, i);
      continue;
    }
    if (advance(d, i)) return true;
    d->access_count = d->node[i].access_base;
    d->sleep_count = d->node[i].sleep_first;
  }
  return false;
}

static bool begin(struct xp_chooser *x, uint64_t run) {
  struct dpor *d = (struct dpor *)x;
  (void)run;
  if (d->is_finished) return false;
  if (d->has_run && !backtrack(d)) {
    d->is_finished = true;
    return false;
  }
  d->has_run = true;
  d->depth = 0;
  d->is_asleep = false;
  return true;
}

static uint64_t fixed(const struct xp_chooser *x) {
  const struct dpor *d = (const struct dpor *)x;
  return d->replay == 0 ? 0 : d->node[d->replay - 1].point;
}

static void resume(struct xp_chooser *x, uint64_t point) {
  struct dpor *d = (struct dpor *)x;
  while (d->node[d->depth].is_forced || d->node[d->depth].point < point) d->depth++;
}

/* The run ended while threads were about to do something: had they done it, what would it have
 * raced with? And the last event, which ended the run, might have come after it. */
static void consider_pending(struct dpor *d) {
  struct plat_model_op pending[DPOR_THREADS];
  uint32_t count = plat_model_pending(pending, DPOR_THREADS);
  if (count == 0 || d->depth == 0) return;
  d->node[d->depth - 1].backtrack |= d->node[d->depth - 1].enabled;
  if (d->depth == d->node_room) dpor_grow(d);
  for (uint32_t i = 0; i < count; i++) {
    uint32_t base = d->access_count;
    d->node[d->depth] = (struct dpor_node){.access_base = base};
    dpor_begin_event(d, d->depth++, dpor_thread(d, pending[i].thread));
    dpor_touch(d, &pending[i]);
    dpor_finish_event(d, d->depth - 1);
    dpor_undo_event(d, --d->depth);
    d->access_count = base;
  }
}

static void end(struct xp_chooser *x, const struct xp_run *r) {
  struct dpor *d = (struct dpor *)x;
  bool is_cut = r->outcome.end == PLAT_MODEL_CUT_OFF;
  finish_last_event(d);
  if (!is_cut) consider_pending(d);
  d->is_new = !is_cut && is_mine(d);
  d->nth += d->is_new;
  d->blocked += d->is_asleep && is_mine(d);
}

static uint64_t stands_for(const struct xp_chooser *x) { return ((const struct dpor *)x)->is_new; }

static uint64_t index_of(const struct xp_chooser *x) {
  const struct dpor *d = (const struct dpor *)x;
  return d->unit << NTH_BITS | d->nth;
}

static void claim(const struct xp_chooser *x, struct xp_claim *out) {
  const struct dpor *d = (const struct dpor *)x;
  *out = (struct xp_claim){
      .is_exhausted = d->is_finished, .blocked = d->blocked, .fallbacks = d->fallbacks};
}

const struct xp_strategy xp_strategy_dpor = {
    .name = "dpor",
    .doc = "Every class of schedules once: source sets and sleep sets over all dependent pairs.",
    .every_point = true,
    .wants_execute = true,
    .open = open,
    .close = close,
    .begin = begin,
    .choose = choose,
    .execute = execute,
    .end = end,
    .fixed = fixed,
    .resume = resume,
    .index = index_of,
    .stands_for = stands_for,
    .claim = claim,
};
