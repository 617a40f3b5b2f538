/* The model platform: does a run that has become too long ever end?
 *
 * INV model.livelock: a run is called a livelock only when the world has come to one state twice,
 * and in between every thread that could go on, or waited for a time, has taken a step. Then the
 * same can happen again and again, however fair a schedule is. One state: every byte that any run
 * has ever written is the same, but for words that have grown by just the virtual time that has
 * passed. A run of which that cannot be shown is too long, and no more is said about it.
 * Holds:      in explored runs, from the step on at which they are too long.
 * Kept by:    model_judge(), before each further step; threads then take turns.
 * Checked by: polling_for_ever_is_a_livelock, counting_is_merely_long
 *             (tests/runtime/test_explore.c).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plat_model_int.h"
#include "runtime/check.h"

enum {
  STEPS_JUDGED = 20000, /* after that many the run is too long */
  FIRST_ROUND = 64,     /* steps after which a state is given up; then twice as many */
  BELOW_BYTES = 16384   /* what calls leave below a stack pointer */
};

/* Where a thread stands. */
struct place {
  uint32_t thread;
  const struct plat_site *site;
  const void *address;
};

struct piece {
  const char *at;
  size_t bytes, copied; /* copied: where its copy begins */
};

/* In malloc's memory. */
struct judge {
  uint64_t until, round_ends, round_steps; /* steps of the run */
  uint64_t kept_steps, kept_ps, kept_draws;
  uint32_t kept_next_id;
  uint64_t stepped, expected; /* threads, a bit for each slot, since the state was kept */
  struct place place[PLAT_MODEL_CHOOSER_THREADS];
  uint32_t places;            /* 0: no state is kept */
  struct piece *piece;
  uint32_t pieces, piece_room;
  char *copy;
  size_t copied, copy_room;
};

struct judge *model_judge_new(void) {
  struct judge *j = calloc(1, sizeof *j);
  if (j == NULL) rt_fatal(RT_END_NOMEM, "out of memory: nobody to judge long runs");
  return j;
}

void model_judge_free(struct judge *j) {
  free(j->piece);
  free(j->copy);
  free(j);
}

void model_judge_begin(struct judge *j) {
  j->until = model.stats.steps + STEPS_JUDGED;
  j->round_steps = FIRST_ROUND;
  j->places = 0;
}

/* ---- a state kept ---------------------------------------------------------------------------- */

static void *make_room(void *p, size_t bytes) {
  void *grown = realloc(p, bytes);
  if (grown == NULL) rt_fatal(RT_END_NOMEM, "out of memory: no room to judge a long run");
  return grown;
}

static void keep_piece(const struct model_range *now, const char *before, void *arg) {
  struct judge *j = arg;
  size_t bytes = (size_t)(now->high - now->low);
  (void)before;
  if (j->pieces == j->piece_room) {
    j->piece_room = j->piece_room == 0 ? 256 : 2 * j->piece_room;
    j->piece = make_room(j->piece, j->piece_room * sizeof *j->piece);
  }
  if (j->copied + bytes > j->copy_room) {
    j->copy_room = 2 * (j->copied + bytes);
    j->copy = make_room(j->copy, j->copy_room);
  }
  j->piece[j->pieces++] = (struct piece){now->low, bytes, j->copied};
  san_copy(j->copy + j->copied, now->low, bytes);
  j->copied += bytes;
}

static struct place place_of(const struct model_thread *t) {
  return (struct place){t->id, t->pending.site, t->pending.address};
}

static void keep_state(struct judge *j) {
  j->pieces = 0;
  j->copied = 0;
  model_image_each(keep_piece, j);
  for (uint32_t i = 0; i < model.live_count; i++) j->place[i] = place_of(model.live[i]);
  j->places = model.live_count;
  j->kept_steps = model.stats.steps;
  j->kept_ps = plat_model_hot.clock_ps;
  j->kept_draws = model.random_draws;
  j->kept_next_id = model.next_id;
  j->stepped = j->expected = 0;
  j->round_ends = model.stats.steps + j->round_steps;
  j->round_steps *= 2;
}

/* ---- the same state -------------------------------------------------------------------------- */

struct comparison {
  struct judge *judge;
  uint32_t at;          /* piece */
  bool differs;
};

static bool is_within(const char *p, const void *low, size_t bytes) {
  return (uintptr_t)p - (uintptr_t)low < bytes;
}

/* Left below the stack pointer of a thread by calls that have returned, the search's among them. */
static bool is_left_over(const char *p) {
  for (uint32_t i = 0; i < model.live_count; i++) {
    const struct model_thread *t = model.live[i];
    const char *sp = t->ctx.sp, *low = t->ctx.stack_low;
    bool is_own = sp >= low && sp <= low + t->ctx.stack_bytes;
    size_t below = is_own ? (size_t)(sp - low) : BELOW_BYTES;
    if (is_within(p, sp - below, below)) return true;
  }
  return false;
}

/* What the platform keeps in the world beside the world: of threads all but their registers. */
static bool is_of_platform(const char *p) {
  size_t in_threads = (uintptr_t)p - (uintptr_t)model.threads;
  if (in_threads < PLAT_MODEL_THREADS_MAX * sizeof *model.threads)
    return in_threads % sizeof *model.threads >= sizeof model.threads->ctx;
  return is_within(p, &model, sizeof model) ||
         is_within(p, &plat_model_hot, sizeof plat_model_hot) ||
         is_within(p, model.queue, PLAT_MODEL_THREADS_MAX * sizeof *model.queue);
}

/* More than could be counted in so many steps. */
static bool is_time(const struct judge *j, uint64_t grown) {
  if (grown <= model.stats.steps - j->kept_steps) return false;
  uint64_t passed_ps = plat_model_hot.clock_ps - j->kept_ps;
  return grown == passed_ps || grown == passed_ps / 1000 ||
         grown == plat_model_hot.clock_ps / 1000 - j->kept_ps / 1000;
}

static void compare_words(struct comparison *c, const char *now, const char *before,
                          size_t bytes) {
  for (size_t i = 0; i < bytes && !c->differs; i += 8) {
    uint64_t a, b;
    san_copy(&a, before + i, 8);
    san_copy(&b, now + i, 8);
    c->differs = a != b && !is_time(c->judge, b - a) && !is_of_platform(now + i) &&
                 !is_left_over(now + i);
  }
}

/* Pieces come in the order in which they were first written: new ones at the end. */
static void compare_piece(const struct model_range *now, const char *before, void *arg) {
  struct comparison *c = arg;
  const struct judge *j = c->judge;
  size_t bytes = (size_t)(now->high - now->low);
  if (c->differs) return;
  if (c->at < j->pieces) {
    const struct piece *p = &j->piece[c->at++];
    c->differs = p->at != now->low || p->bytes != bytes;
    before = j->copy + p->copied;
  } else {
    c->differs = before == NULL;
  }
  if (!c->differs) compare_words(c, now->low, before, bytes);
}

static bool is_same_state(struct judge *j) {
  struct comparison c = {.judge = j};
  if (model.random_draws != j->kept_draws || model.next_id != j->kept_next_id ||
      model.live_count != j->places)
    return false;
  for (uint32_t i = 0; i < model.live_count; i++) {
    struct place p = place_of(model.live[i]), *kept = &j->place[i];
    if (p.thread != kept->thread || p.site != kept->site || p.address != kept->address)
      return false;
  }
  model_image_each(compare_piece, &c);
  return !c.differs && c.at == j->pieces;
}

/* ---- judging --------------------------------------------------------------------------------- */

enum model_verdict model_judge(struct judge *j, const struct model_thread *t, uint64_t could_step,
                               uint64_t *period) {
  j->stepped |= 1ull << t->slot;
  j->expected |= could_step;
  bool is_whole = (j->expected & ~j->stepped) == 0;
  if (j->places != 0 && is_whole && is_same_state(j)) {
    *period = model.stats.steps - j->kept_steps;
    return MODEL_LIVELOCK;
  }
  if (model.stats.steps >= j->until) return MODEL_TOO_LONG;
  if (j->places == 0 || model.stats.steps >= j->round_ends) keep_state(j);
  return MODEL_UNDECIDED;
}
