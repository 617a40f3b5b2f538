/* Which operations are told, and in which words. */
#include <stdlib.h>
#include <string.h>

#include "sims/explore/trace.h"
#include "sims/fnv.h"
#include "sims/memory.h"

/* How much a row matters; those that matter most are shown, as many as there is room for. */
enum weight {
  WEIGHT_NONE,        /* never shown */
  WEIGHT_STEP,        /* a step before the failure of code that is not the program's */
  WEIGHT_CHANGE,      /* the same, which changes a value */
  WEIGHT_LOCK,
  WEIGHT_STORE,       /* a step of the program, or of the barrier, that changes something named */
  WEIGHT_SWITCH,
  WEIGHT_WATCHED_READ,
  WEIGHT_PHASE,
  WEIGHT_COLOUR,
  WEIGHT_WATCHED_STORE,
  WEIGHT_KEY,         /* the marker looks where the lost object was; who put there what it saw */
  WEIGHT_PREEMPTION,
  WEIGHT_FAILURE
};

enum { LOCK_ROWS = 14, PLACES_MAX = 32, SAME_ROWS = 2 };

/* Objects (as the model numbers them) that hold or held a reference to what is lost. */
struct places {
  uint64_t object[PLACES_MAX];
  uint32_t count;
};

/* Events first..end-1 make one row, worded by one of them. */
struct candidate {
  uint32_t first, end, main;
  enum weight weight;
};

/* ---- words ----------------------------------------------------------------------------------- */

static const char *verb(enum plat_op kind) {
  static const char *const verbs[PLAT_OP_COUNT] = {
      [PLAT_OP_LOCK] = "locks",       [PLAT_OP_TRY_LOCK] = "tries to lock",
      [PLAT_OP_UNLOCK] = "unlocks",   [PLAT_OP_WAIT] = "waits for",
      [PLAT_OP_WAIT_UNTIL] = "waits for", [PLAT_OP_WAKE] = "wakes",
      [PLAT_OP_CLEAR] = "clears",     [PLAT_OP_THREAD_START] = "starts",
      [PLAT_OP_THREAD_BEGIN] = "begins", [PLAT_OP_THREAD_END] = "ends",
      [PLAT_OP_JOIN] = "joins",       [PLAT_OP_PLAIN_LOAD] = "reads",
      [PLAT_OP_PLAIN_STORE] = "writes",
  };
  return verbs[kind] != NULL ? verbs[kind] : plat_model_op_name(kind);
}

void xp_event_text(const struct xp_event *e, char *out, size_t bytes) {
  if (e->kind == PLAT_OP_THREAD_BEGIN || e->kind == PLAT_OP_THREAD_END)
    snprintf(out, bytes, "%s", verb(e->kind));
  else if (e->before_text == NULL || e->after_text == NULL)
    snprintf(out, bytes, "%s %s", verb(e->kind), e->name);
  else if (xp_event_writes(e))
    snprintf(out, bytes, "%s: %s -> %s", e->name, e->before_text, e->after_text);
  else
    snprintf(out, bytes, "%s is %s", e->name, e->before_text);
}

/* ---- what matters ---------------------------------------------------------------------------- */

static enum plat_model_class class_of(const struct xp_event *e) {
  return plat_model_class_of(plat_model_site_at(e->site));
}

static bool is_programs(const struct xp_event *e) {
  enum plat_model_class c = class_of(e);
  return c == PLAT_CLASS_PROGRAM || c == PLAT_CLASS_BARRIER || c == PLAT_CLASS_MAP;
}

static bool is_called(const char *text, const char *name) {
  return text != NULL && strcmp(text, name) == 0;
}

static bool is_marking(const struct xp_event *e) { return strcmp(e->phase, "mark") == 0; }

/* Whether a value of the event refers to something watched. */
static bool is_about_watched(const struct xp_trace *t, const struct xp_event *e) {
  for (uint32_t i = 0; i < t->names->watch_count; i++) {
    const char *name = t->names->watch[i].name;
    if (is_called(e->before_text, name) || is_called(e->after_text, name)) return true;
  }
  return false;
}

/* Where only stacks are watched, colours have nothing to do with it. */
static bool has_objects(const struct xp_trace *t) {
  for (uint32_t i = 0; i < t->names->watch_count; i++)
    if (!t->names->watch[i].is_stack) return true;
  return false;
}

static enum weight weigh_access(const struct xp_trace *t, const struct xp_event *e) {
  bool changes = xp_event_writes(e) && e->bytes > 0 && e->before != e->after;
  bool watched = is_about_watched(t, e);
  if (watched && changes) return WEIGHT_WATCHED_STORE;
  if (!is_programs(e)) return changes && !has_objects(t) ? WEIGHT_CHANGE : WEIGHT_STEP;
  if (watched) return WEIGHT_WATCHED_READ;
  if (changes && e->has_object) return WEIGHT_STORE;
  if (e->kind == PLAT_OP_LOCK) return WEIGHT_LOCK;
  return WEIGHT_STEP;
}

/* A step of the program itself on something it has a name for. */
static bool is_named_step(const struct xp_trace *t, const struct xp_event *e) {
  enum plat_model_class c = class_of(e);
  bool is_own = c == PLAT_CLASS_PROGRAM || c == PLAT_CLASS_MAP;
  return is_own && (e->has_object || t->names->is_small);
}

/* A colour that has to do with it: all stacks are to be scanned anew in every cycle. */
static bool changes_colour(const struct xp_trace *t, uint32_t i) {
  const char *from = t->events[i - 1].colours, *to = t->events[i].colours;
  if (!has_objects(t)) return false;
  for (uint32_t w = 0; w < t->names->watch_count; w++)
    if (from[w] != to[w] && !(t->names->watch[w].is_stack && to[w] == 'W')) return true;
  return false;
}

static enum weight weigh(const struct xp_trace *t, uint32_t i) {
  const struct xp_event *e = &t->events[i];
  enum weight w = e->is_needed ? weigh_access(t, e) : WEIGHT_NONE;
  const struct xp_event *before = i > 0 ? &t->events[i - 1] : NULL;
  if (e->is_switch && w < WEIGHT_SWITCH && (w >= WEIGHT_CHANGE || is_named_step(t, e)))
    w = WEIGHT_SWITCH;
  if (before != NULL && strcmp(before->phase, e->phase) != 0 && w < WEIGHT_PHASE)
    w = WEIGHT_PHASE;
  if (before != NULL && strcmp(before->colours, e->colours) != 0 && w < WEIGHT_COLOUR &&
      changes_colour(t, i))
    w = WEIGHT_COLOUR;
  if (e->is_preemption) w = WEIGHT_PREEMPTION;
  return i == t->count - 1 ? WEIGHT_FAILURE : w;
}

/* ---- where the lost object was --------------------------------------------------------------- */

static bool is_place(const struct places *p, uint64_t object) {
  for (uint32_t i = 0; i < p->count; i++)
    if (p->object[i] == object) return true;
  return false;
}

static void find_places(const struct xp_trace *t, struct places *p) {
  p->count = 0;
  if (t->names->lost >= t->names->watch_count) return;
  const char *lost = t->names->watch[t->names->lost].name;
  for (uint32_t i = 0; i < t->count && p->count < PLACES_MAX; i++) {
    const struct xp_event *e = &t->events[i];
    bool refers = is_called(e->before_text, lost) || is_called(e->after_text, lost);
    if (refers && is_programs(e) && !is_place(p, e->object)) p->object[p->count++] = e->object;
  }
}

static void weigh_keys(const struct xp_trace *t, struct candidate *list, uint32_t count) {
  struct places places;
  find_places(t, &places);
  for (uint32_t i = 0; i < count; i++) {
    const struct xp_event *e = &t->events[list[i].main];
    bool looks = is_marking(e) && class_of(e) == PLAT_CLASS_MARKER && !xp_event_writes(e);
    if (!looks || !is_place(&places, e->object)) continue;
    if (list[i].weight < WEIGHT_KEY) list[i].weight = WEIGHT_KEY;
    for (uint32_t k = i; k-- > 0;) {
      const struct xp_event *store = &t->events[list[k].main];
      if (store->object != e->object || !xp_event_writes(store)) continue;
      if (list[k].weight < WEIGHT_KEY) list[k].weight = WEIGHT_KEY;
      break;
    }
  }
}

/* ---- words of a row -------------------------------------------------------------------------- */

/* The text of a candidate's operation says more than the change of colour that it brings about. */
static bool says_more(const struct xp_trace *t, const struct xp_event *e) {
  enum plat_model_class c = class_of(e);
  bool is_programs_own = c == PLAT_CLASS_PROGRAM || c == PLAT_CLASS_MAP;
  bool is_store = xp_event_writes(e) && (e->kind == PLAT_OP_SLOT_STORE || is_programs_own);
  return is_store || (is_programs_own && is_about_watched(t, e));
}

/* What the preempted thread was about to do. */
static const struct xp_event *next_of_preempted(const struct xp_trace *t, uint32_t i) {
  uint32_t thread = i > 0 ? t->events[i - 1].thread : UINT32_MAX;
  for (uint32_t k = i; k < t->count; k++)
    if (t->events[k].thread == thread) return &t->events[k];
  return NULL;
}

static void add_preempted(const struct xp_trace *t, const struct candidate *c, char *text,
                          size_t bytes) {
  const struct xp_event *e = &t->events[c->first], *next = NULL;
  size_t used = strlen(text);
  char what[4 * XP_NAME];
  if (e->is_preemption) next = next_of_preempted(t, c->first);
  if (next == NULL || used + 1 >= bytes) return;
  xp_event_text(next, what, sizeof what);
  snprintf(text + used, bytes - used, "; %s stops before %s",
           t->actors[t->events[c->first - 1].actor], what);
}

static void row_text(const struct xp_trace *t, const struct candidate *c, char *text,
                     size_t bytes) {
  const struct xp_event *e = &t->events[c->main];
  uint32_t folded = c->end - c->first - 1;
  bool is_noise = (weigh_access(t, e) <= WEIGHT_STEP && !is_named_step(t, e)) ||
                  e->kind == PLAT_OP_CLOCK;
  if (!says_more(t, e) && has_objects(t) &&
      xp_trace_colour_text(t, c->first, c->end, text, bytes))
    return;
  if (is_noise && (e->is_preemption || c->end == t->count)) {
    snprintf(text, bytes, e->is_preemption ? "goes on" : "here it shows");
    return;
  }
  xp_event_text(e, text, bytes);
  size_t used = strlen(text);
  if (folded > 0 && used + 1 < bytes)
    snprintf(text + used, bytes - used, " (+%u barrier)", folded);
}

/* ---- repeated rows --------------------------------------------------------------------------- */

static uint64_t hash_of(const struct xp_trace *t, const struct candidate *c) {
  char text[6 * XP_NAME];
  row_text(t, c, text, sizeof text);
  return sim_fnv(SIM_FNV_EMPTY ^ t->events[c->main].actor, text, strlen(text)) | 1;
}

/* Only the last few of rows that say the same are worth showing. */
static void demote_repeated(const struct xp_trace *t, struct candidate *list, uint32_t count) {
  uint32_t room = 64;
  while (room < 2 * count) room *= 2;
  struct seen_row {
    uint64_t hash;
    uint32_t times;
  } *seen = sim_alloc(room * sizeof *seen);
  for (uint32_t i = count; i-- > 0;) {
    if (list[i].weight <= WEIGHT_STEP || list[i].weight >= WEIGHT_KEY) continue;
    uint64_t hash = hash_of(t, &list[i]);
    uint32_t at = (uint32_t)(hash >> 32) & (room - 1);
    while (seen[at].hash != 0 && seen[at].hash != hash) at = (at + 1) & (room - 1);
    seen[at].hash = hash;
    if (++seen[at].times > SAME_ROWS) list[i].weight = WEIGHT_STEP;
  }
  free(seen);
}

/* ---- candidates ------------------------------------------------------------------------------ */

static bool is_barriers(const struct xp_event *e) { return class_of(e) == PLAT_CLASS_BARRIER; }

/* The barrier's lines of one store are one row. */
static bool folds(const struct xp_trace *t, uint32_t i) {
  const struct xp_event *a = &t->events[i - 1], *b = &t->events[i];
  return a->thread == b->thread && a->actor == b->actor && is_barriers(a) && is_barriers(b) &&
         a->kind != PLAT_OP_SLOT_STORE && !b->is_switch && strcmp(a->phase, b->phase) == 0;
}

static uint32_t collect(const struct xp_trace *t, struct candidate *list) {
  uint32_t count = 0;
  for (uint32_t i = 0; i < t->count; i++) {
    enum weight w = weigh(t, i);
    if (i == 0 || !folds(t, i)) {
      list[count++] = (struct candidate){i, i + 1, i, w};
      continue;
    }
    struct candidate *c = &list[count - 1];
    c->end = i + 1;
    if (w >= c->weight) c->main = i;
    if (w > c->weight) c->weight = w;
  }
  return count;
}

/* Later rows first among equals: they are nearer to the failure. */
static int by_weight(const void *a, const void *b) {
  const struct candidate *x = a, *y = b;
  if (x->weight != y->weight) return x->weight > y->weight ? -1 : 1;
  return x->first > y->first ? -1 : x->first < y->first;
}

static int by_step(const void *a, const void *b) {
  const struct candidate *x = a, *y = b;
  return x->first < y->first ? -1 : x->first > y->first;
}

/* ---- rows ------------------------------------------------------------------------------------ */

static void add_row(struct xp_trace *t, const struct candidate *c) {
  char text[6 * XP_NAME];
  const struct xp_event *e = &t->events[c->main], *first = &t->events[c->first];
  t->rows = sim_grow(t->rows, &t->row_room, t->row_count, sizeof *t->rows);
  struct xp_row *row = &t->rows[t->row_count++];
  *row = (struct xp_row){.step = e->step, .actor = e->actor, .is_preemption = first->is_preemption};
  memcpy(row->colours, t->events[c->end - 1].colours, sizeof row->colours);
  row_text(t, c, text, sizeof text);
  add_preempted(t, c, text, sizeof text);
  row->text = sim_strdup(text);
}

/* Locks, and changes of what has no name, only fill up a short table. */
static bool is_shown(const struct candidate *c, uint32_t shown) {
  if (c->weight == WEIGHT_LOCK || c->weight == WEIGHT_CHANGE) return shown < LOCK_ROWS;
  return c->weight > WEIGHT_LOCK && shown < XP_ROWS_MAX;
}

static void choose_rows(struct xp_trace *t) {
  struct candidate *list = sim_alloc(t->count * sizeof *list);
  uint32_t count = collect(t, list), shown = 0;
  weigh_keys(t, list, count);
  demote_repeated(t, list, count);
  qsort(list, count, sizeof *list, by_weight);
  while (shown < count && is_shown(&list[shown], shown)) shown++;
  qsort(list, shown, sizeof *list, by_step);
  for (uint32_t i = 0; i < shown; i++) add_row(t, &list[i]);
  free(list);
}

/* ---- why ------------------------------------------------------------------------------------- */

/* The last store of the program during marking that took it away, or that put it somewhere. */
static const struct xp_event *last_store(const struct xp_trace *t, const char *lost,
                                         bool overwritten) {
  for (uint32_t i = t->count; i-- > 0;) {
    const struct xp_event *e = &t->events[i];
    if (!is_marking(e) || !xp_event_writes(e) || !is_programs(e)) continue;
    if (e->before != e->after && is_called(overwritten ? e->before_text : e->after_text, lost))
      return e;
  }
  return NULL;
}

static void tell_store(struct xp_trace *t, const char *lost, bool overwritten) {
  char text[4 * XP_NAME], reason[512] = "";
  const struct xp_event *e = last_store(t, lost, overwritten);
  if (e == NULL) return;
  xp_event_text(e, text, sizeof text);
  if (t->names->reason != NULL)
    t->names->reason(e, overwritten, reason, sizeof reason, t->names->arg);
  xp_lines_add(&t->why, "last store that %s: %s by %s at step %u%s%s",
               overwritten ? "took it away" : "put it somewhere", text, t->actors[e->actor],
               e->step, reason[0] != '\0' ? "; " : "", reason);
}

/* The event from which on a watched object is black; count: it is not at the end. */
static uint32_t black_from(const struct xp_trace *t, uint32_t watch) {
  uint32_t i = t->count;
  while (i > 0 && t->events[i - 1].colours[watch] == 'B') i--;
  return i;
}

static void tell_blackening(struct xp_trace *t) {
  char line[1024] = "";
  size_t used = 0;
  for (uint32_t w = 0; w < t->names->watch_count && used < sizeof line; w++) {
    uint32_t i = black_from(t, w);
    if (i == 0) continue; /* it was from the beginning */
    char when[32] = "never";
    if (i == t->count && t->events[i - 1].colours[w] == 'G') continue;
    if (i < t->count) snprintf(when, sizeof when, "at step %u", t->events[i].step);
    int n = snprintf(line + used, sizeof line - used, "%s%s %s", used > 0 ? ", " : "",
                     t->names->watch[w].name, when);
    used += n > 0 ? (size_t)n : 0;
  }
  if (used > 0) xp_lines_add(&t->why, "turned black: %s", line);
}

/* Objects that are grey at the end: what they refer to has nobody to mark it. */
static void tell_waiting(struct xp_trace *t) {
  const struct xp_names *n = t->names;
  for (uint32_t w = 0; w < n->watch_count; w++) {
    uint32_t i = t->count;
    while (i > 0 && t->events[i - 1].colours[w] == 'G') i--;
    if (i == t->count || w == n->lost) continue;
    char cause[128] = "";
    if (n->faults != NULL && n->faults[0] != '\0')
      snprintf(cause, sizeof cause, " (faults: %s)", n->faults);
    xp_lines_add(&t->why, "%s is grey from step %u on, and nobody looked into it any more%s",
                 n->watch[w].name, i < t->count ? t->events[i].step : 1, cause);
  }
}

static void tell_why(struct xp_trace *t) {
  const struct xp_names *n = t->names;
  for (uint32_t i = 0; i < n->path.count; i++) xp_lines_add(&t->why, "%s", n->path.line[i]);
  if (n->lost < n->watch_count) {
    tell_store(t, n->watch[n->lost].name, true);
    tell_store(t, n->watch[n->lost].name, false);
  }
  if (!has_objects(t)) return;
  tell_waiting(t);
  tell_blackening(t);
}

void xp_trace_tell(struct xp_trace *t) {
  choose_rows(t);
  tell_why(t);
}
