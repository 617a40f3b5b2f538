/* A run is a row of segments, in each of which one thread goes on. Rows that differ from that of a
 * failing run in a segment left out, moved or made longer often fail, too, and some of them with
 * fewer preemptions. Those that are as good take its place, so that what needs several steps is
 * found, too. */
#include <stdlib.h>
#include <string.h>

#include "sims/explore/minimise_int.h"
#include "sims/explore/replay.h"
#include "sims/memory.h"

enum {
  ANYWHERE = 3,        /* one change of so many is not where a preemption is */
  AGAIN = 2            /* after one of so many comes one more */
};

/* A thread goes on up to its point of number `until`, or for as long as it can. */
struct segment {
  uint32_t thread, until;
  bool is_preempted;   /* at its end it could have gone on */
};

struct row {
  struct segment *list;
  uint32_t count, room;
};

static void row_free(struct row *r) {
  free(r->list);
  *r = (struct row){.count = 0};
}

static void row_insert(struct row *r, uint32_t at, struct segment new) {
  r->list = sim_grow(r->list, &r->room, r->count, sizeof *r->list);
  memmove(&r->list[at + 1], &r->list[at], (r->count - at) * sizeof *r->list);
  r->list[at] = new;
  r->count++;
}

static void row_remove(struct row *r, uint32_t at) {
  r->count--;
  memmove(&r->list[at], &r->list[at + 1], (r->count - at) * sizeof *r->list);
}

static void row_copy(struct row *to, const struct row *from) {
  to->count = 0;
  for (uint32_t i = 0; i < from->count; i++) row_insert(to, i, from->list[i]);
}

/* Adds what a decision does to the row of a run. */
static void row_note(struct row *r, const struct plat_model_point *p, uint32_t chosen) {
  const struct plat_model_op *op = p->op[chosen];
  struct segment *last = r->count > 0 ? &r->list[r->count - 1] : NULL;
  if (last == NULL || last->thread != op->thread) {
    if (last != NULL) last->is_preempted = p->running < p->count;
    row_insert(r, r->count, (struct segment){.thread = op->thread});
  }
  r->list[r->count - 1].until = op->point + 1;
}

/* ---- the row of a schedule ------------------------------------------------------------------- */

struct looker {
  struct xp_follower follower; /* first */
  struct row *row;
};

static uint32_t look_choose(struct xp_chooser *base, const struct plat_model_point *p) {
  struct looker *x = (struct looker *)base;
  uint32_t chosen = xp_follower_choose(&x->follower, p);
  row_note(x->row, p, chosen);
  return chosen;
}

static const struct xp_strategy look = {.name = "look",
                                        .doc = "follows a schedule and notes its segments",
                                        .every_point = true,
                                        .choose = look_choose};

/* False: the best does not show the bug any more. */
static bool take_row(struct xp_work *w, struct row *r) {
  struct looker x = {.row = r};
  r->count = 0;
  xp_follower_open(&x.follower, w->best, false);
  x.follower.base.strategy = &look;
  xp_follower_begin(&x.follower);
  bool shows = xp_work_run(w, &x.follower.base);
  xp_follower_close(&x.follower);
  return shows;
}

/* ---- running a row --------------------------------------------------------------------------- */

struct player {
  struct xp_chooser base;
  const struct row *row;
  uint32_t at;
  struct row done;     /* as it was in fact */
};

/* p->count: none. */
static uint32_t find_thread(const struct plat_model_point *p, const struct segment *s) {
  uint32_t i = xp_index_of(p, s->thread);
  return i < p->count && p->op[i]->point < s->until ? i : p->count;
}

/* A segment is over when its thread has come to its end, or cannot go on. After the last one all
 * is as usual. */
static uint32_t play_choose(struct xp_chooser *base, const struct plat_model_point *p) {
  struct player *x = (struct player *)base;
  uint32_t chosen = p->count;
  for (; x->at < x->row->count; x->at++) {
    chosen = find_thread(p, &x->row->list[x->at]);
    if (chosen < p->count) break;
  }
  if (chosen == p->count) chosen = p->running < p->count ? p->running : 0;
  row_note(&x->done, p, chosen);
  return chosen;
}

static const struct xp_strategy play = {
    .name = "play", .doc = "a row of segments", .every_point = true, .choose = play_choose};

static bool run_row(struct xp_work *w, struct player *x) {
  x->at = x->done.count = 0;
  return xp_work_run(w, &x->base);
}

/* ---- changing a row -------------------------------------------------------------------------- */

/* The next segment of the same thread; r->count: none. */
static uint32_t next_alike(const struct row *r, uint32_t at) {
  uint32_t next = at + 1;
  while (next < r->count && r->list[next].thread != r->list[at].thread) next++;
  return next;
}

static uint32_t previous_until(const struct row *r, uint32_t at) {
  for (uint32_t i = at; i-- > 0;)
    if (r->list[i].thread == r->list[at].thread) return r->list[i].until;
  return 0;
}

/* The segment as far as the next of its thread. */
static void join_next(struct row *r, uint32_t at) {
  uint32_t next = next_alike(r, at);
  r->list[at].until = next < r->count ? r->list[next].until : UINT32_MAX;
}

/* Its end somewhere else between that of the one before and the one after. */
static void move_end(struct row *r, uint32_t at, uint64_t *random) {
  uint32_t next = next_alike(r, at), low = previous_until(r, at) + 1;
  uint32_t high = next < r->count ? r->list[next].until : r->list[at].until;
  if (high > low) r->list[at].until = low + rng_fastrandn(random, high - low);
}

static void swap_next(struct row *r, uint32_t at) {
  if (at + 1 >= r->count) return;
  struct segment first = r->list[at];
  r->list[at] = r->list[at + 1];
  r->list[at + 1] = first;
}

/* Mostly one that ends with a preemption. */
static uint32_t draw_place(const struct row *r, uint64_t *random) {
  uint32_t at = rng_fastrandn(random, r->count), next = at;
  if (rng_fastrandn(random, ANYWHERE) == 0) return at;
  while (!r->list[next].is_preempted && (next = (next + 1) % r->count) != at) {
  }
  return next;
}

static void change(struct row *r, uint64_t *random) {
  uint32_t at = draw_place(r, random);
  switch (rng_fastrandn(random, 5)) {
    case 0: row_remove(r, at); break;
    case 1: swap_next(r, at); break;
    case 2: join_next(r, at); break;
    case 3: r->list[at].until = UINT32_MAX; break;
    default: move_end(r, at, random); break;
  }
}

/* ---- all of it ------------------------------------------------------------------------------- */

struct xp_regroup {
  struct row now;            /* shows the bug (empty: it did not again), */
  uint32_t preemptions;      /* with so many */
  bool near;                 /* the best is taken for it when that has become another */
  uint64_t kept;             /* xp_work.kept when that was looked at */
  uint64_t random;
};

struct xp_regroup *xp_regroup_new(bool near) {
  struct xp_regroup *g = sim_alloc(sizeof *g);
  *g = (struct xp_regroup){.near = near, .kept = UINT64_MAX, .random = 1};
  return g;
}

void xp_regroup_free(struct xp_regroup *g) {
  row_free(&g->now);
  free(g);
}

void xp_regroup_take(struct xp_regroup *g, struct xp_work *w) {
  g->kept = w->kept;
  g->preemptions = w->run->preemptions;
  if (!take_row(w, &g->now)) g->now.count = 0;
}

/* A row near that of g. True: it is as good, and taken instead. */
static bool try_near(struct xp_regroup *g, struct xp_work *w, struct player *x, struct row *trial) {
  row_copy(trial, &g->now);
  do {
    change(trial, &g->random);
  } while (trial->count > 1 && rng_fastrandn(&g->random, AGAIN) == 0);
  if (!run_row(w, x) || w->trial_run.preemptions > g->preemptions) return false;
  g->preemptions = w->trial_run.preemptions;
  row_copy(&g->now, &x->done);
  return true;
}

bool xp_regroup(struct xp_regroup *g, struct xp_work *w, uint32_t trials) {
  struct row trial = {.count = 0};
  struct player x = {.base = {.strategy = &play}, .row = &trial};
  bool is_better = false;
  if (g->near && g->kept != w->kept) xp_regroup_take(g, w);
  while (g->now.count > 0 && !is_better && trials-- > 0 && xp_work_has_budget(w)) {
    is_better = try_near(g, w, &x, &trial) && g->preemptions < w->run->preemptions;
    if (is_better) xp_work_keep(w);
  }
  g->kept = w->kept;
  row_free(&trial);
  row_free(&x.done);
  return is_better;
}
