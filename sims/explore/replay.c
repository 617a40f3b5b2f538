#include "sims/explore/replay.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sims/explore/minimise.h"
#include "sims/memory.h"

#define NONE UINT32_MAX

/* ---- following ------------------------------------------------------------------------------- */

static void reset_threads(struct xp_follower *f, uint32_t from) {
  for (uint32_t t = from; t < f->threads; t++) {
    f->next[t] = NONE;
    f->count[t] = 0;
  }
}

/* Backwards, so that each thread's first stays. */
static void find_first_directives(struct xp_follower *f) {
  for (uint32_t i = f->schedule->count; i-- > 0;) {
    uint32_t t = f->schedule->directives[i].thread;
    if (t < f->threads) f->next[t] = i;
  }
}

static void make_room(struct xp_follower *f, uint32_t thread) {
  uint32_t before = f->threads;
  if (thread < before) return;
  f->threads = thread + 32;
  f->next = sim_resize(f->next, f->threads * sizeof *f->next);
  f->count = sim_resize(f->count, f->threads * sizeof *f->count);
  reset_threads(f, before);
  for (uint32_t i = f->schedule->count; i-- > 0;) {
    uint32_t t = f->schedule->directives[i].thread;
    if (t >= before && t < f->threads) f->next[t] = i;
  }
}

void xp_follower_open(struct xp_follower *f, const struct xp_schedule *s, bool is_strict) {
  f->base.strategy = &xp_replay_strategy;
  f->schedule = s;
  f->is_strict = is_strict;
  make_room(f, 0);
}

void xp_follower_close(struct xp_follower *f) {
  free(f->next);
  free(f->count);
  f->next = f->count = NULL;
  f->threads = 0;
}

void xp_follower_begin(struct xp_follower *f) {
  f->has_failed = f->is_preemption = f->is_switch = false;
  f->followed = 0;
  f->last = 0;
  f->error[0] = '\0';
  reset_threads(f, 0);
  find_first_directives(f);
}

/* Always PLAT_MODEL_CUT. */
static uint32_t give_up(struct xp_follower *f) {
  f->has_failed = true;
  return PLAT_MODEL_CUT;
}

/* What the thread that ran is about to do; "": it cannot go on. where: and in which line. */
static void text_here(const struct plat_model_point *p, char *out, size_t bytes, char *where,
                      size_t where_bytes) {
  out[0] = where[0] = '\0';
  if (p->running == p->count) return;
  const struct plat_site *s = p->op[p->running]->site;
  xp_op_text(s, out, bytes);
  snprintf(where, where_bytes, " (%s:%u)", s->file + strspn(s->file, "./"), (unsigned)s->line);
}

static const char *op_or_blocked(const char *op) {
  return op[0] == '\0' ? "that thread blocked or ended" : op;
}

/* "directive 2 of 3 (t1.0>t2)" */
static void name_directive(const struct xp_follower *f, const struct xp_directive *d, char *out,
                           size_t bytes) {
  snprintf(out, bytes, "directive %u of %u (t%u.%u>t%u)", f->followed + 1, f->schedule->count,
           d->thread, d->nth, d->to);
}

static bool is_expected(struct xp_follower *f, const struct plat_model_point *p,
                        const struct xp_directive *d) {
  char found[XP_OP_TEXT], where[128], name[80];
  text_here(p, found, sizeof found, where, sizeof where);
  if (strcmp(found, d->op) == 0) return true;
  name_directive(f, d, name, sizeof name);
  snprintf(f->error, sizeof f->error, "%s: expected %s, found %s%s at point %llu", name,
           op_or_blocked(d->op), op_or_blocked(found), where, (unsigned long long)p->number);
  return false;
}

/* The directive for this decision, or NULL. */
static const struct xp_directive *directive_here(struct xp_follower *f) {
  const struct xp_schedule *s = f->schedule;
  uint32_t nth = f->count[f->last], i = f->next[f->last];
  if (i == NONE || s->directives[i].nth != nth) return NULL;
  const struct xp_directive *d = &s->directives[i];
  for (i++; i < s->count && s->directives[i].thread != f->last;) i++;
  f->next[f->last] = i < s->count ? i : NONE;
  return d;
}

static uint32_t obey(struct xp_follower *f, const struct plat_model_point *p,
                     const struct xp_directive *d, uint32_t otherwise) {
  uint32_t to = xp_index_of(p, d->to);
  if (f->is_strict && !is_expected(f, p, d)) return give_up(f);
  if (to < p->count) {
    f->followed++;
    return to;
  }
  if (!f->is_strict) return otherwise;
  char name[80];
  name_directive(f, d, name, sizeof name);
  snprintf(f->error, sizeof f->error,
           "%s: expected thread t%u to be able to go on, found it blocked or ended at point %llu",
           name, d->to, (unsigned long long)p->number);
  return give_up(f);
}

uint32_t xp_follower_choose(struct xp_follower *f, const struct plat_model_point *p) {
  bool can_go_on = p->running < p->count;
  uint32_t chosen = can_go_on ? p->running : 0;
  if (can_go_on) f->last = p->op[p->running]->thread;
  if (p->count > 1) {
    make_room(f, f->last);
    const struct xp_directive *d = directive_here(f);
    f->count[f->last]++;
    if (d != NULL) chosen = obey(f, p, d, chosen);
    if (chosen == PLAT_MODEL_CUT) return chosen;
  }
  f->is_switch = p->op[chosen]->thread != f->last;
  f->is_preemption = f->is_switch && can_go_on;
  f->last = p->op[chosen]->thread;
  return chosen;
}

void xp_follower_end(struct xp_follower *f, const struct xp_run *r) {
  if (!f->is_strict || f->has_failed || f->followed == f->schedule->count) return;
  char name[80];
  const struct xp_directive *d = &f->schedule->directives[f->followed];
  f->has_failed = true;
  name_directive(f, d, name, sizeof name);
  snprintf(f->error, sizeof f->error, "%s: expected %s, found the end of the run after point %llu",
           name, op_or_blocked(d->op), (unsigned long long)r->outcome.points);
}

static bool begin_run(struct xp_chooser *x, uint64_t run) {
  (void)run;
  xp_follower_begin((struct xp_follower *)x);
  return true;
}

static uint32_t choose(struct xp_chooser *x, const struct plat_model_point *p) {
  return xp_follower_choose((struct xp_follower *)x, p);
}

static void end_run(struct xp_chooser *x, const struct xp_run *r) {
  xp_follower_end((struct xp_follower *)x, r);
}

static void close_nothing(struct xp_chooser *x) { (void)x; }

const struct xp_strategy xp_replay_strategy = {
    .name = "replay",
    .doc = "follows a schedule",
    .every_point = true,
    .close = close_nothing,
    .begin = begin_run,
    .choose = choose,
    .end = end_run,
};

/* ---- running --------------------------------------------------------------------------------- */

static void run_follower(struct xp_follower *f, const struct xp_config *c, struct xp_run *r) {
  xp_follower_begin(f);
  xp_run(&f->base, c, r);
  xp_follower_end(f, r);
}

void xp_run_schedule(const struct xp_schedule *s, const struct xp_config *c, struct xp_run *r) {
  struct xp_follower f = {.schedule = NULL};
  xp_follower_open(&f, s, false);
  run_follower(&f, c, r);
  xp_follower_close(&f);
}

/* ---- drift ----------------------------------------------------------------------------------- */

/* A search for places where the directives of a schedule fit: in order, each where its thread is
 * about to do what it says, nearest first, depth first. What stands before a directive decides
 * what is met there, so one run shows all places of the next directive. */
struct drift {
  const struct xp_schedule *wanted;
  const struct plat_model_outcome *bug; /* NULL: any failure */
  const struct xp_config *config;
  struct xp_run *run;
  struct xp_schedule placed;   /* the directives up to here, where they fit */
  struct xp_schedule furthest; /* most of them placed at once */
  uint64_t runs;
};

enum { DRIFT_RUNS = 500, PLACES_MAX = 8 };

struct place {
  uint32_t nth, away;          /* away: from where it was */
};

static bool shows(const struct plat_model_outcome *bug, const struct xp_run *r) {
  return xp_run_fails(r) && (bug == NULL || xp_same_bug(bug, &r->outcome));
}

/* How far the directives of a thread that are already placed have moved. */
static int shift_of(const struct drift *d, uint32_t thread) {
  int shift = 0;
  for (uint32_t i = 0; i < d->placed.count; i++)
    if (d->placed.directives[i].thread == thread)
      shift = (int)d->placed.directives[i].nth - (int)d->wanted->directives[i].nth;
  return shift;
}

/* Whether a directive of that thread that is already placed comes not before it. */
static bool is_passed(const struct drift *d, uint32_t thread, uint32_t nth) {
  for (uint32_t i = 0; i < d->placed.count; i++)
    if (d->placed.directives[i].thread == thread && d->placed.directives[i].nth >= nth) return true;
  return false;
}

/* Keeps the nearest, nearest first. */
static uint32_t add_place(struct place *places, uint32_t count, struct place new) {
  uint32_t at = count < PLACES_MAX ? count : PLACES_MAX;
  while (at > 0 && places[at - 1].away > new.away) at--;
  if (at == PLACES_MAX) return count;
  uint32_t kept = count < PLACES_MAX ? count : PLACES_MAX - 1;
  memmove(&places[at + 1], &places[at], (kept - at) * sizeof *places);
  places[at] = new;
  return kept + 1;
}

/* By the number among its likes where that is known: others come and go. */
static uint32_t find_places(const struct drift *d, struct place *places) {
  const struct xp_directive *w = &d->wanted->directives[d->placed.count];
  int nth = (int)w->nth + shift_of(d, w->thread);
  uint32_t count = 0, alike = 0;
  for (uint32_t i = 0; i < d->run->decision_count; i++) {
    const struct xp_decision *at = &d->run->decisions[i];
    if (!xp_directive_is_at(w, at)) continue;
    int off = w->nth_alike == XP_NOT_KNOWN ? (int)at->nth - nth : (int)alike - (int)w->nth_alike;
    alike++;
    if (!is_passed(d, w->thread, at->nth))
      count = add_place(places, count, (struct place){at->nth, (uint32_t)abs(off)});
  }
  return count;
}

/* True: every directive has a place and the run shows the bug; d->run is that run. */
static bool place_rest(struct drift *d) {
  struct place places[PLACES_MAX];
  uint32_t depth = d->placed.count;
  xp_run_schedule(&d->placed, d->config, d->run);
  d->runs++;
  if (depth > d->furthest.count) xp_schedule_copy(&d->furthest, &d->placed);
  if (depth == d->wanted->count) return shows(d->bug, d->run);
  uint32_t count = find_places(d, places);
  for (uint32_t i = 0; i < count && d->runs < DRIFT_RUNS; i++) {
    struct xp_directive moved = d->wanted->directives[depth];
    moved.nth = places[i].nth;
    xp_schedule_add(&d->placed, &moved);
    if (place_rest(d)) return true;
    d->placed.count = depth;
  }
  return false;
}

static void describe_moves(const struct drift *d, struct xp_replayed *out) {
  size_t used = 0;
  for (uint32_t i = 0; i < d->placed.count; i++) {
    const struct xp_directive *from = &d->wanted->directives[i], *to = &d->placed.directives[i];
    if (from->nth == to->nth) continue;
    out->moved++;
    if (used + 1 >= sizeof out->note) continue;
    int n = snprintf(out->note + used, sizeof out->note - used, "%st%u.%u@%s is now t%u.%u",
                     used > 0 ? "; " : "", from->thread, from->nth, from->op, to->thread, to->nth);
    used += n > 0 ? (size_t)n : 0;
  }
}

/* Runs what got furthest again, to say how it ends. */
static void describe_failure(struct drift *d, struct xp_replayed *out) {
  xp_run_schedule(&d->furthest, d->config, d->run);
  d->runs++;
  bool fails = xp_run_fails(d->run);
  snprintf(out->note, sizeof out->note,
           "with drift %u of %u directives have a place (%llu runs tried); the run then %s%.200s",
           d->furthest.count, d->wanted->count, (unsigned long long)d->runs,
           fails ? "fails: " : "ends without a violation", fails ? d->run->outcome.message : "");
}

static void take_placed(struct xp_schedule *s, struct xp_schedule *placed) {
  placed->scenario = s->scenario;
  placed->build = xp_build_key();
  for (uint32_t i = 0; i < s->choice_count; i++) xp_schedule_add_choice(placed, s->choices[i]);
  xp_schedule_copy(s, placed);
}

static void replay_with_drift(struct xp_schedule *s, const struct plat_model_outcome *bug,
                              const struct xp_config *c, struct xp_run *r,
                              struct xp_replayed *out) {
  struct drift d = {.wanted = s, .bug = bug, .config = c, .run = r};
  out->fits = place_rest(&d);
  out->placed = out->fits ? d.placed.count : d.furthest.count;
  if (out->fits) {
    describe_moves(&d, out);
    take_placed(s, &d.placed);
  } else {
    describe_failure(&d, out);
  }
  out->runs += d.runs;
  xp_schedule_free(&d.placed);
  xp_schedule_free(&d.furthest);
}

void xp_replay(struct xp_schedule *s, bool drift, const struct plat_model_outcome *bug,
               const struct xp_config *c, struct xp_run *r, struct xp_replayed *out) {
  struct xp_follower f = {.schedule = NULL};
  *out = (struct xp_replayed){.runs = 1};
  xp_follower_open(&f, s, true);
  run_follower(&f, c, r);
  out->fits = !f.has_failed;
  out->placed = f.followed;
  snprintf(out->error, sizeof out->error, "%s", f.error);
  xp_follower_close(&f);
  bool as_it_was = out->fits && (shows(bug, r) || s->build == xp_build_key());
  if (drift && !as_it_was) replay_with_drift(s, bug, c, r, out);
}
