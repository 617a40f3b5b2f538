#include "sims/explore/violation.h"

#include <inttypes.h>
#include <stdlib.h>

static void add_lines(cJSON *o, const char *key, const struct xp_lines *l) {
  cJSON *list = cJSON_AddArrayToObject(o, key);
  for (uint32_t i = 0; i < l->count; i++)
    cJSON_AddItemToArray(list, cJSON_CreateString(l->line[i]));
}

/* ---- the table ------------------------------------------------------------------------------- */

/* Only actors that have a row get a column; column[actor] is its index. */
static void add_columns(cJSON *o, const struct xp_trace *t, int *column) {
  cJSON *list = cJSON_AddArrayToObject(o, "columns");
  for (uint32_t a = 0, next = 0; a < t->actor_count; a++) {
    bool is_shown = false;
    for (uint32_t i = 0; i < t->row_count; i++) is_shown |= t->rows[i].actor == a;
    column[a] = -1;
    if (!is_shown) continue;
    column[a] = (int)next++;
    cJSON_AddItemToArray(list, cJSON_CreateString(t->actors[a]));
  }
}

/* The colour of a stack is shown where it changes; where only stacks are watched, nowhere. */
static bool is_worth_showing(const struct xp_trace *t, uint32_t watch) {
  bool is_changed = false, has_object = false;
  for (uint32_t i = 0; i < t->names->watch_count; i++) has_object |= !t->names->watch[i].is_stack;
  for (uint32_t i = 1; i < t->row_count; i++)
    is_changed |= t->rows[i].colours[watch] != t->rows[0].colours[watch];
  return has_object && (is_changed || !t->names->watch[watch].is_stack);
}

/* Fills show with the indices of the watched objects that are; their number. */
static uint32_t add_watched(cJSON *o, const struct xp_trace *t, uint32_t *show) {
  cJSON *watched = cJSON_AddArrayToObject(o, "watched");
  uint32_t shown = 0;
  for (uint32_t i = 0; i < t->names->watch_count; i++) {
    if (!is_worth_showing(t, i)) continue;
    show[shown++] = i;
    cJSON_AddItemToArray(watched, cJSON_CreateString(t->names->watch[i].name));
  }
  return shown;
}

static void add_table(cJSON *o, const struct xp_trace *t) {
  int column[XP_ACTORS_MAX];
  uint32_t show[XP_WATCH_MAX], shown = add_watched(o, t, show);
  add_columns(o, t, column);
  cJSON *rows = cJSON_AddArrayToObject(o, "rows");
  for (uint32_t i = 0; i < t->row_count; i++) {
    const struct xp_row *r = &t->rows[i];
    char colours[XP_WATCH_MAX + 1] = "";
    for (uint32_t k = 0; k < shown; k++) colours[k] = r->colours[show[k]];
    cJSON *row = cJSON_CreateObject();
    cJSON_AddNumberToObject(row, "step", r->step);
    cJSON_AddNumberToObject(row, "actor", column[r->actor]);
    cJSON_AddStringToObject(row, "text", r->text);
    cJSON_AddBoolToObject(row, "preempted", r->is_preemption);
    cJSON_AddStringToObject(row, "colours", colours);
    cJSON_AddItemToArray(rows, row);
  }
}

/* ---- the head -------------------------------------------------------------------------------- */

static void add_shrunk(cJSON *o, const struct xp_shrunk *s) {
  cJSON *lines = cJSON_AddArrayToObject(o, "shrunk");
  bool was_tried = s != NULL && s->ns > 0;
  for (uint32_t i = 0; s != NULL && i < s->lines; i++)
    cJSON_AddItemToArray(lines, cJSON_CreateString(s->line[i]));
  if (!was_tried) {
    cJSON_AddNullToObject(o, "shrink");
    return;
  }
  cJSON *shrink = cJSON_AddObjectToObject(o, "shrink");
  cJSON_AddNumberToObject(shrink, "tried", s->tried);
  cJSON_AddNumberToObject(shrink, "accepted", s->accepted);
  cJSON_AddNumberToObject(shrink, "ns", (double)s->ns);
  cJSON_AddStringToObject(shrink, "ended_by",
                          s->is_smallest ? "itself" : s->is_asked ? "request" : "time");
}

static void add_minimised(cJSON *o, const struct xp_finding *f, const struct xp_minimised *m) {
  if (f->minimise == NULL) {
    cJSON_AddNullToObject(o, "minimise");
    return;
  }
  cJSON *minimise = cJSON_AddObjectToObject(o, "minimise");
  cJSON_AddNumberToObject(minimise, "replays", (double)m->replays);
  cJSON_AddNumberToObject(minimise, "ns", (double)m->ns);
  cJSON_AddNumberToObject(minimise, "from_preemptions", m->from_preemptions);
  cJSON_AddBoolToObject(minimise, "is_one_minimal", m->is_one_minimal);
  add_shrunk(minimise, f->shrunk);
}

static void add_counts(cJSON *o, const struct xp_trace *t, const struct xp_minimised *m) {
  char hash[20];
  snprintf(hash, sizeof hash, "%016" PRIx64, t->outcome.trace_hash);
  cJSON_AddNumberToObject(o, "steps", t->count);
  cJSON_AddNumberToObject(o, "shown", t->row_count);
  cJSON_AddNumberToObject(o, "preemptions", t->preemptions);
  cJSON_AddNumberToObject(o, "least_preemptions", m->least_preemptions);
  cJSON_AddBoolToObject(o, "least_is_proven", m->least_is_proven);
  cJSON_AddNumberToObject(o, "switches", t->switches);
  cJSON_AddStringToObject(o, "trace_hash", hash);
}

static void add_file(cJSON *o, const struct xp_schedule *s, const struct xp_finding *f,
                     const struct xp_minimised *m, const struct xp_trace *t) {
  char error[XP_ERROR_TEXT] = "";
  char *path = f->directory != NULL ? xp_file_write(s, f, m, t, error) : NULL;
  if (path == NULL)
    cJSON_AddNullToObject(o, "file");
  else
    cJSON_AddStringToObject(o, "file", path);
  if (error[0] != '\0') cJSON_AddStringToObject(o, "file_error", error);
  free(path);
}

static void add_choices(cJSON *o, const struct xp_schedule *s) {
  cJSON *list = cJSON_AddArrayToObject(o, "choices");
  for (uint32_t i = 0; i < s->choice_count; i++)
    cJSON_AddItemToArray(list, cJSON_CreateNumber(s->choices[i]));
}

static void add_remedies(cJSON *o, const struct xp_finding *f) {
  struct xp_lines lines = {.count = 0};
  if (f->remedies != NULL) f->remedies(&lines, o, f->remedies_arg);
  add_lines(o, "remedies", &lines);
  xp_lines_free(&lines);
}

cJSON *xp_violation(struct xp_schedule *s, struct xp_run *r, const struct xp_finding *f,
                    struct xp_trace *t) {
  struct xp_minimised m = {.is_reproduced = true};
  struct xp_config run = *f->search;
  if (f->minimise != NULL) xp_minimise(s, r, f->minimise, &m);
  if (!m.is_reproduced || !xp_trace_record(t, s, &run, f->names)) return NULL;
  cJSON *o = cJSON_CreateObject();
  char *token = xp_token_format(s);
  xp_schedule_count_alike(s, r);
  cJSON_AddStringToObject(o, "kind", f->kind);
  cJSON_AddStringToObject(o, "message", t->outcome.message);
  cJSON_AddStringToObject(o, "strategy", f->strategy);
  cJSON_AddNumberToObject(o, "found_at_schedule", (double)f->found_at);
  cJSON_AddStringToObject(o, "token", token);
  add_file(o, s, f, &m, t);
  add_choices(o, s);
  add_counts(o, t, &m);
  add_minimised(o, f, &m);
  add_table(o, t);
  add_lines(o, "why", &t->why);
  add_remedies(o, f);
  free(token);
  return o;
}
