#include "sims/explore/shrink.h"

#include <stdlib.h>
#include <string.h>

#include "sims/explore/lookup.h"
#include "sims/explore/parts.h"
#include "sims/fnv.h"
#include "sims/memory.h"

enum {
  PARTS_MAX = 20000,           /* of a scenario that is shrunk at all */
  WINDOWS = 8, MANY = 2 * WINDOWS /* operations of a body */
};

/* Indices of parts. */
struct list {
  uint32_t *part;
  uint32_t count;
};

struct shrinker {
  const struct xp_shrink *config;
  struct xp_parts *parts;
  struct xp_shrunk *out;
  uint64_t steps;      /* of the run of what was kept last */
  uint32_t effort;
  struct xp_lookup tried; /* hashes of all candidates and efforts */
  bool is_over;
};

/* ---- one candidate --------------------------------------------------------------------------- */

/* Whether it was tried before with that effort; now it was. */
static bool was_tried(struct shrinker *s, const char *text) {
  uint64_t hash = sim_fnv(SIM_FNV_EMPTY + s->effort, text, strlen(text));
  uint32_t before = s->tried.count;
  xp_lookup_enter(&s->tried, sizeof hash, hash | (hash == 0));
  return s->tried.count == before;
}

static enum xp_trial run_trial(struct shrinker *s, const char *text, uint64_t *steps) {
  enum xp_trial t = s->config->trial(text, s->effort, steps, s->config->arg);
  if (t == XP_TRIAL_OVER) s->is_over = true;
  s->out->tried += t == XP_TRIAL_SHOWS || t == XP_TRIAL_SHOWS_NOT;
  return t;
}

/* The candidate is tried. True: it shows it, and is kept; false: it is undone. is_for_length: it is
 * worth it only if the run becomes shorter. */
static bool attempt(struct shrinker *s, bool is_for_length) {
  uint64_t steps = 0;
  xp_parts_settle(s->parts);
  char *text = xp_parts_text(s->parts);
  bool shows = !s->is_over && !was_tried(s, text) && run_trial(s, text, &steps) == XP_TRIAL_SHOWS &&
               (!is_for_length || steps < s->steps);
  free(text);
  if (shows) {
    s->steps = steps;
    s->out->accepted++;
    xp_parts_keep(s->parts);
  } else {
    xp_parts_undo(s->parts);
  }
  return shows;
}

/* ---- pieces of a list ------------------------------------------------------------------------ */

/* False: nothing is changed by it. */
static bool take_away(struct xp_part *part) {
  bool is_number = part->first > 0;
  if (part->is_out || (is_number && part->value == part->least)) return false;
  if (is_number)
    part->value = part->least;
  else
    part->is_out = true;
  return true;
}

static bool try_piece(struct shrinker *s, const struct list *l, uint32_t first, uint32_t end) {
  bool is_changed = false;
  for (uint32_t i = first; i < end; i++) is_changed |= take_away(&s->parts->part[l->part[i]]);
  return is_changed && attempt(s, false);
}

/* Takes ever smaller pieces away, the first being all of it. */
static bool reduce(struct shrinker *s, const struct list *l) {
  bool got_on = false;
  for (uint32_t piece = l->count; piece > 0 && !s->is_over; piece = piece > 1 ? (piece + 1) / 2 : 0)
    for (uint32_t end = l->count; end > 0 && !s->is_over;) {
      uint32_t first = end > piece ? end - piece : 0;
      got_on |= try_piece(s, l, first, end);
      end = first;
    }
  return got_on;
}

/* What is still there of two kinds. */
static struct list list_of(const struct xp_parts *p, enum xp_part_kind a, enum xp_part_kind b) {
  struct list l = {.part = sim_alloc((p->count + 1) * sizeof *l.part)};
  for (uint32_t i = 0; i < p->count; i++)
    if (!p->part[i].is_out && (p->part[i].kind == a || p->part[i].kind == b))
      l.part[l.count++] = i;
  return l;
}

static bool reduce_kind(struct shrinker *s, enum xp_part_kind kind) {
  struct list l = list_of(s->parts, kind, kind);
  bool got_on = reduce(s, &l);
  free(l.part);
  return got_on;
}

/* ---- a piece alone --------------------------------------------------------------------------- */

static struct list ops_of(const struct xp_parts *p, uint32_t body) {
  struct list l = list_of(p, XP_PART_OP, XP_PART_OP);
  uint32_t count = 0;
  for (uint32_t i = 0; i < l.count; i++)
    if (xp_body_of(p, l.part[i]) == body) l.part[count++] = l.part[i];
  l.count = count;
  return l;
}

/* Windows that overlap by half, so that what stands together is in one. */
static bool keep_window(struct shrinker *s, const struct list *l) {
  uint32_t window = l->count / WINDOWS;
  for (uint32_t first = 0; first < l->count && !s->is_over; first += window / 2) {
    for (uint32_t i = 0; i < l->count; i++)
      if (i < first || i >= first + window) take_away(&s->parts->part[l->part[i]]);
    if (attempt(s, false)) return true;
  }
  return false;
}

/* What matters in a long body often stands together: that is found with scenarios that are small at
 * once. */
static bool keep_windows(struct shrinker *s, uint32_t body) {
  bool got_on = false, again = true;
  while (again && !s->is_over) {
    struct list l = ops_of(s->parts, body);
    again = l.count >= MANY && keep_window(s, &l);
    got_on |= again;
    free(l.part);
  }
  return got_on;
}

static bool keep_pieces(struct shrinker *s) {
  bool got_on = keep_windows(s, XP_NO_PART);
  for (uint32_t i = 0; i < s->parts->count && !s->is_over; i++)
    if (s->parts->part[i].kind == XP_PART_GROUP) got_on |= keep_windows(s, i);
  return got_on;
}

/* ---- numbers --------------------------------------------------------------------------------- */

/* Between a value that does not show it and one that does. */
static bool lower(struct shrinker *s, struct xp_part *part) {
  uint64_t low = part->least, high = part->value;
  bool got_on = false;
  while (high - low > part->unit && !s->is_over) {
    uint64_t middle = low + (high - low) / 2 / part->unit * part->unit;
    if (middle == low) break;
    part->value = middle;
    bool shows = attempt(s, false);
    if (shows)
      high = middle;
    else
      low = middle;
    got_on |= shows;
  }
  return got_on;
}

static bool lower_all(struct shrinker *s) {
  struct list l = list_of(s->parts, XP_PART_COUNT, XP_PART_NUMBER);
  bool got_on = false;
  for (uint32_t i = 0; i < l.count && !s->is_over; i++) {
    struct xp_part *part = &s->parts->part[l.part[i]];
    if (!part->is_out && part->value > part->least) got_on |= lower(s, part);
  }
  free(l.part);
  return got_on;
}

/* A processor less is nothing gained in itself. */
static bool lower_procs(struct shrinker *s) {
  struct list l = list_of(s->parts, XP_PART_PROCS, XP_PART_PROCS);
  struct xp_part *procs = l.count > 0 ? &s->parts->part[l.part[0]] : NULL;
  bool got_on = false;
  free(l.part);
  while (procs != NULL && procs->value > 1 && !s->is_over) {
    procs->value /= 2;
    if (!attempt(s, true)) break;
    got_on = true;
  }
  return got_on;
}

/* ---- all of it ------------------------------------------------------------------------------- */

static bool take_all(struct shrinker *s) {
  bool got_on = reduce_kind(s, XP_PART_GROUP);
  got_on |= keep_pieces(s);
  got_on |= reduce_kind(s, XP_PART_COUNT);
  got_on |= reduce_kind(s, XP_PART_OP);
  got_on |= reduce_kind(s, XP_PART_THING);
  got_on |= reduce_kind(s, XP_PART_NUMBER);
  return got_on;
}

static bool lower_rest(struct shrinker *s) {
  bool got_on = lower_all(s);
  got_on |= lower_procs(s);
  return got_on;
}

/* What gains most comes first, with every effort, of which the last is for a scenario that is
 * smaller by then. True: something has become smaller. */
static bool go_round(struct shrinker *s) {
  static bool (*const passes[])(struct shrinker *) = {take_all, lower_rest};
  bool got_on = false;
  for (size_t i = 0; i < sizeof passes / sizeof passes[0]; i++)
    for (s->effort = 0; s->effort < XP_EFFORTS && !s->is_over; s->effort++)
      got_on |= passes[i](s);
  return got_on;
}

void xp_shrink(const char *json, uint64_t steps, const struct xp_shrink *config,
               struct xp_shrunk *out) {
  struct shrinker s = {.config = config, .parts = xp_parts_new(json), .out = out, .steps = steps};
  s.is_over = s.parts->count > PARTS_MAX;
  while (!s.is_over && go_round(&s)) {
  }
  out->is_smallest = !s.is_over;
  if (out->accepted > 0) {
    out->scenario = xp_parts_text(s.parts);
    out->line = xp_parts_lines(s.parts, &out->lines);
  }
  xp_parts_free(s.parts);
  xp_lookup_free(&s.tried);
}

void xp_shrunk_refuse(struct xp_shrunk *s) {
  for (uint32_t i = 0; i < s->lines; i++) free(s->line[i]);
  free(s->line);
  free(s->scenario);
  s->line = NULL;
  s->lines = 0;
  s->scenario = NULL;
}

void xp_shrunk_free(struct xp_shrunk *s) {
  xp_shrunk_refuse(s);
  *s = (struct xp_shrunk){.scenario = NULL};
}
