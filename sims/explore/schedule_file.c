/* Schedule files: JSON that says what was run, how, and what came of it. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sims/explore/points.h"
#include "sims/explore/violation.h"
#include "sims/memory.h"
#include "sims/protocol.h"

enum { FILE_BYTES_MAX = 64 << 20, HASH_EVERY = 16 };

static const char *const end_names[] = {
    [PLAT_MODEL_DONE] = "done",         [PLAT_MODEL_FAILED] = "failed",
    [PLAT_MODEL_DEADLOCK] = "deadlock", [PLAT_MODEL_LIVELOCK] = "livelock",
    [PLAT_MODEL_TOO_LONG] = "too long", [PLAT_MODEL_CUT_OFF] = "cut off",
};
enum { ENDS = sizeof end_names / sizeof end_names[0] };

/* ---- writing --------------------------------------------------------------------------------- */

/* 64 bits as text: JSON numbers are doubles. */
static cJSON *hex(uint64_t value) {
  char text[20];
  snprintf(text, sizeof text, "%016" PRIx64, value);
  return cJSON_CreateString(text);
}

static void add_key(cJSON *o, const char *name, uint32_t value) {
  char text[12];
  snprintf(text, sizeof text, "%08" PRIx32, value);
  cJSON_AddStringToObject(o, name, text);
}

static void add_strategy(cJSON *o, const struct xp_finding *f) {
  cJSON *s = cJSON_AddObjectToObject(o, "strategy");
  cJSON_AddStringToObject(s, "name", f->strategy);
  cJSON_AddNumberToObject(s, "found_at_schedule", (double)f->found_at);
  cJSON_AddNumberToObject(s, "preemptions", f->search->preemptions);
  cJSON_AddNumberToObject(s, "depth", f->search->depth);
  cJSON_AddItemToObject(s, "seed", hex(f->search->seed));
}

static void add_points(cJSON *o, const struct xp_finding *f) {
  cJSON *list = cJSON_AddArrayToObject(o, "points");
  for (int c = 0; c < PLAT_CLASS_COUNT; c++)
    if ((f->search->classes >> c & 1) != 0 || c == PLAT_CLASS_PROGRAM)
      cJSON_AddItemToArray(list,
                           cJSON_CreateString(plat_model_class_name((enum plat_model_class)c)));
}

static int by_text(const void *a, const void *b) {
  return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Where the points of the run were, by name: another build may learn others. Sorted, because the
 * order of sites is the compiler's. */
static void add_point_sites(cJSON *o, const struct xp_finding *f) {
  char **names = NULL;
  uint32_t count = 0, room = 0;
  if (f->search->point_sites == NULL) return;
  for (uint32_t i = 0; i < plat_model_site_count(); i++) {
    char *name = f->search->point_sites[i] == 0 ? NULL : xp_point_name(i);
    if (name == NULL) continue;
    names = sim_grow(names, &room, count, sizeof *names);
    names[count++] = name;
  }
  cJSON *list = cJSON_AddArrayToObject(o, "point_sites");
  if (count > 0) qsort(names, count, sizeof *names, by_text);
  for (uint32_t i = 0; i < count; i++) {
    cJSON_AddItemToArray(list, cJSON_CreateString(names[i]));
    free(names[i]);
  }
  free(names);
}

static void add_directives(cJSON *o, const struct xp_schedule *s) {
  cJSON *choices = cJSON_AddArrayToObject(o, "choices");
  for (uint32_t i = 0; i < s->choice_count; i++)
    cJSON_AddItemToArray(choices, cJSON_CreateNumber(s->choices[i]));
  cJSON *list = cJSON_AddArrayToObject(o, "directives");
  for (uint32_t i = 0; i < s->count; i++) {
    const struct xp_directive *d = &s->directives[i];
    cJSON *one = cJSON_CreateObject();
    cJSON_AddNumberToObject(one, "thread", d->thread);
    cJSON_AddNumberToObject(one, "nth", d->nth);
    cJSON_AddNumberToObject(one, "nth_alike", d->nth_alike);
    cJSON_AddStringToObject(one, "before", d->op);
    cJSON_AddNumberToObject(one, "to", d->to);
    cJSON_AddItemToArray(list, one);
  }
}

/* Who went on at each point: [[thread, how many in a row], ...]. */
static void add_schedule(cJSON *o, const struct xp_trace *t) {
  cJSON *list = cJSON_AddArrayToObject(o, "schedule");
  for (uint32_t i = 0, end; i < t->point_count; i = end) {
    for (end = i + 1; end < t->point_count && t->point_threads[end] == t->point_threads[i];) end++;
    int pair[2] = {(int)t->point_threads[i], (int)(end - i)};
    cJSON_AddItemToArray(list, cJSON_CreateIntArray(pair, 2));
  }
  cJSON *hashes = cJSON_AddArrayToObject(o, "hashes");
  for (uint32_t i = 0; i < t->hash_count; i++)
    cJSON_AddItemToArray(hashes, hex(t->point_hashes[i]));
}

static void add_verdict(cJSON *o, const struct xp_finding *f, const struct xp_trace *t) {
  cJSON *v = cJSON_AddObjectToObject(o, "verdict");
  cJSON_AddStringToObject(v, "end", end_names[t->outcome.end]);
  cJSON_AddStringToObject(v, "kind", f->kind);
  cJSON_AddNumberToObject(v, "kind_number", t->outcome.kind);
  cJSON_AddStringToObject(v, "message", t->outcome.message);
  cJSON_AddNumberToObject(v, "steps", t->count);
  cJSON_AddNumberToObject(v, "points", (double)t->outcome.points);
  cJSON_AddItemToObject(v, "trace_hash", hex(t->outcome.trace_hash));
}

static void add_minimised(cJSON *o, const struct xp_finding *f, const struct xp_minimised *m) {
  if (f->minimise == NULL) return;
  cJSON *v = cJSON_AddObjectToObject(o, "minimised");
  cJSON_AddStringToObject(v, "method", "directives left out, then bounded search");
  cJSON_AddBoolToObject(v, "is_one_minimal", m->is_one_minimal);
  cJSON_AddNumberToObject(v, "preemptions", m->preemptions);
  cJSON_AddNumberToObject(v, "least_preemptions", m->least_preemptions);
  cJSON_AddBoolToObject(v, "least_is_proven", m->least_is_proven);
  if (f->shrunk == NULL || f->shrunk->lines == 0) return;
  cJSON *lines = cJSON_AddArrayToObject(v, "shrunk");
  for (uint32_t i = 0; i < f->shrunk->lines; i++)
    cJSON_AddItemToArray(lines, cJSON_CreateString(f->shrunk->line[i]));
}

static cJSON *document(const struct xp_schedule *s, const struct xp_finding *f,
                       const struct xp_minimised *m, const struct xp_trace *t,
                       const char *token) {
  cJSON *o = cJSON_CreateObject();
  cJSON_AddStringToObject(o, "schema", TRICOLOR_SCHEDULE_SCHEMA);
  cJSON_AddStringToObject(o, "name", f->name);
  cJSON_AddStringToObject(o, "token", token);
  cJSON_AddStringToObject(o, "scenario", f->scenario);
  add_key(o, "scenario_key", s->scenario);
  add_key(o, "build", s->build);
  add_strategy(o, f);
  add_points(o, f);
  add_point_sites(o, f);
  add_directives(o, s);
  add_verdict(o, f, t);
  add_minimised(o, f, m);
  add_schedule(o, t);
  return o;
}

/* False: errno says why. */
static bool write_whole(const char *path, const char *text) {
  size_t left = strlen(text);
  int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0666);
  if (fd < 0) return false;
  while (left > 0) {
    ssize_t n = write(fd, text, left);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) break;
    text += n;
    left -= (size_t)n;
  }
  bool good = left == 0 && fsync(fd) == 0;
  int why = errno;
  good = close(fd) == 0 && good;
  if (!good) errno = why;
  return good;
}

char *xp_file_write(const struct xp_schedule *s, const struct xp_finding *f,
                    const struct xp_minimised *m, const struct xp_trace *t,
                    char error[XP_ERROR_TEXT]) {
  char *token = xp_token_format(s);
  cJSON *o = document(s, f, m, t, token);
  char *text = cJSON_Print(o);
  char *path = sim_printf("%s/%s-%s" TRICOLOR_SCHEDULE_SUFFIX, f->directory, f->name,
                          strrchr(token, ':') + 1);
  char *temporary = sim_printf("%s.%ld", path, (long)getpid());
  cJSON_Delete(o);
  free(token);
  error[0] = '\0';
  if (!write_whole(temporary, text) || rename(temporary, path) != 0) {
    snprintf(error, XP_ERROR_TEXT, "cannot write %.250s: %s", path, strerror(errno));
    unlink(temporary);
    free(path);
    path = NULL;
  }
  free(text);
  free(temporary);
  return path;
}

/* ---- reading --------------------------------------------------------------------------------- */

static char *read_whole(const char *path, char *error) {
  FILE *in = fopen(path, "r");
  size_t used = 0, room = 1 << 16, got;
  if (in == NULL) {
    snprintf(error, XP_ERROR_TEXT, "cannot read %.250s: %s", path, strerror(errno));
    return NULL;
  }
  char *text = sim_alloc(room);
  while (used < FILE_BYTES_MAX && (got = fread(text + used, 1, room - used - 1, in)) > 0) {
    used += got;
    if (used + 1 == room) text = sim_resize(text, room *= 2);
  }
  text[used] = '\0';
  bool failed = ferror(in) != 0; /* a directory, for one */
  fclose(in);
  if (!failed) return text;
  snprintf(error, XP_ERROR_TEXT, "cannot read %.250s", path);
  free(text);
  return NULL;
}

static const char *text_of(const cJSON *o, const char *key) {
  return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(o, key));
}

static uint64_t hex_of(const char *text) { return text == NULL ? 0 : strtoull(text, NULL, 16); }

static void read_hashes(const cJSON *o, struct xp_file *out) {
  const cJSON *list = cJSON_GetObjectItemCaseSensitive(o, "hashes"), *one;
  uint32_t room = 0;
  cJSON_ArrayForEach(one, list) {
    out->hashes = sim_grow(out->hashes, &room, out->hash_count, sizeof *out->hashes);
    out->hashes[out->hash_count++] = hex_of(cJSON_GetStringValue(one));
  }
}

static bool read_verdict(const cJSON *o, struct xp_file *out) {
  const cJSON *v = cJSON_GetObjectItemCaseSensitive(o, "verdict");
  const char *end = text_of(v, "end"), *message = text_of(v, "message");
  int i = 0;
  while (i < (int)ENDS && (end == NULL || strcmp(end, end_names[i]) != 0)) i++;
  if (i == (int)ENDS || message == NULL) return false;
  out->outcome.end = (enum plat_model_end)i;
  snprintf(out->outcome.message, sizeof out->outcome.message, "%s", message);
  out->outcome.trace_hash = hex_of(text_of(v, "trace_hash"));
  const cJSON *points = cJSON_GetObjectItemCaseSensitive(v, "points");
  const cJSON *kind = cJSON_GetObjectItemCaseSensitive(v, "kind_number");
  if (!cJSON_IsNumber(points) || !(points->valuedouble >= 0 && points->valuedouble < 0x1p53))
    return false;
  if (!cJSON_IsNumber(kind)) return false;
  out->outcome.kind = kind->valueint;
  out->outcome.points = (uint64_t)points->valuedouble;
  return true;
}

/* What a token does not say of its directives. */
static void read_alike(const cJSON *o, struct xp_schedule *s) {
  const cJSON *list = cJSON_GetObjectItemCaseSensitive(o, "directives"), *one;
  uint32_t i = 0;
  cJSON_ArrayForEach(one, list) {
    const cJSON *alike = cJSON_GetObjectItemCaseSensitive(one, "nth_alike");
    bool is_number = cJSON_IsNumber(alike) && alike->valuedouble >= 0 &&
                     alike->valuedouble <= INT32_MAX;
    if (i < s->count && is_number) s->directives[i].nth_alike = (uint32_t)alike->valuedouble;
    i++;
  }
}

/* False: there is something else than names. */
static bool read_point_sites(const cJSON *o, struct xp_file *out) {
  const cJSON *list = cJSON_GetObjectItemCaseSensitive(o, "point_sites"), *one;
  if (list == NULL) return true;
  out->point_sites = sim_alloc(plat_model_site_count() + 1);
  cJSON_ArrayForEach(one, list) {
    const char *name = cJSON_GetStringValue(one);
    if (name == NULL) return false;
    if (xp_point_add(name, out->point_sites) == 0 && out->sites_lost++ == 0)
      out->lost_site = sim_strdup(name);
  }
  return cJSON_IsArray(list);
}

/* Always false. */
static bool lacks(const char *path, const char *what, char *error) {
  snprintf(error, XP_ERROR_TEXT, "%.160s: no schedule file: %.200s", path, what);
  return false;
}

static bool read_document(const char *path, const cJSON *o, struct xp_file *out, char *error) {
  const char *schema = text_of(o, "schema"), *token = text_of(o, "token");
  const char *scenario = text_of(o, "scenario"), *name = text_of(o, "name");
  char why[XP_ERROR_TEXT];
  if (o == NULL) return lacks(path, "it is not JSON", error);
  if (schema == NULL || strcmp(schema, TRICOLOR_SCHEDULE_SCHEMA) != 0)
    return lacks(path, "\"schema\" is not \"" TRICOLOR_SCHEDULE_SCHEMA "\"", error);
  if (token == NULL || scenario == NULL || name == NULL)
    return lacks(path, "\"token\", \"scenario\" or \"name\" is missing", error);
  if (!read_verdict(o, out)) return lacks(path, "\"verdict\" is missing or unknown", error);
  if (!read_point_sites(o, out)) return lacks(path, "\"point_sites\" are not names", error);
  if (!xp_token_parse(token, &out->schedule, why)) return lacks(path, why, error);
  read_alike(o, &out->schedule);
  out->token = sim_strdup(token);
  out->scenario = sim_strdup(scenario);
  out->name = sim_strdup(name);
  read_hashes(o, out);
  return true;
}

bool xp_file_read(const char *path, struct xp_file *out, char error[XP_ERROR_TEXT]) {
  *out = (struct xp_file){.scenario = NULL};
  char *text = read_whole(path, error);
  if (text == NULL) return false;
  cJSON *o = cJSON_Parse(text);
  bool good = read_document(path, o, out, error);
  cJSON_Delete(o);
  free(text);
  if (!good) xp_file_free(out);
  return good;
}

void xp_file_free(struct xp_file *f) {
  xp_schedule_free(&f->schedule);
  free(f->scenario);
  free(f->name);
  free(f->token);
  free(f->hashes);
  free(f->point_sites);
  free(f->lost_site);
  *f = (struct xp_file){.scenario = NULL};
}

uint32_t xp_file_first_difference(const struct xp_file *f, const struct xp_trace *t) {
  uint32_t shorter = f->hash_count < t->hash_count ? f->hash_count : t->hash_count;
  for (uint32_t i = 0; i < shorter; i++)
    if (f->hashes[i] != t->point_hashes[i]) return HASH_EVERY * i;
  return f->outcome.trace_hash == t->outcome.trace_hash ? UINT32_MAX : HASH_EVERY * shorter;
}
