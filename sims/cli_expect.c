#include "sims/cli_expect.h"

#include <stdlib.h>
#include <string.h>

#include "sims/cli_metric.h"
#include "sims/memory.h"
#include "sims/result_fields.h"
#include "sims/suggest.h"
#include "sims/table.h"

/* ---- before the run: is there such a metric? ---- */

/* All names a metric may have in results of one scenario. */
struct names { char **list; uint32_t count, room; };

static void add_name(struct names *n, char *name) {
  n->list = sim_grow(n->list, &n->room, n->count, sizeof n->list[0]);
  n->list[n->count++] = name;
}

static void names_free(struct names *n) {
  for (uint32_t i = 0; i < n->count; i++) free(n->list[i]);
  free(n->list);
}

/* Adds "maps.NAME.count" and the like for every row of a table, for one name. */
static void add_table(struct names *n, const char *group, const char *name,
                      enum sim_field_table_id id) {
  const struct sim_field_table *t = &sim_field_tables[id];
  for (uint32_t i = 0; i < t->count; i++) {
    if (t->rows[i].kind == SIM_TEXT) continue;
    add_name(n, sim_printf("%s%s%s%s", group, name, name[0] != '\0' ? "." : "", t->rows[i].path));
  }
}

static struct names known_names(const struct scenario *s) {
  struct names n = {0};
  add_table(&n, "", "", SIM_TABLE_RUN);
  for (uint32_t i = 0; i < s->map_count; i++) {
    add_table(&n, "maps.", s->maps[i].name, SIM_TABLE_MAP);
  }
  for (uint32_t i = 0; i < s->list_count; i++) {
    add_table(&n, "lists.", s->lists[i].name, SIM_TABLE_LIST);
  }
  for (uint32_t i = 0; i < s->tree_count; i++) {
    add_table(&n, "trees.", s->trees[i].name, SIM_TABLE_TREE);
  }
  for (uint32_t i = 0; i < s->channel_count; i++) {
    add_table(&n, "channels.", s->channels[i].name, SIM_TABLE_CHANNEL);
  }
  static const char *const lists[] = {"violations", "notes", "mmu", "gc.cycle_list",
                                      "gc.by_size",
                                      "pauses.worst"};
  for (uint32_t i = 0; i < sizeof lists / sizeof lists[0]; i++) add_name(&n, sim_strdup(lists[i]));
  return n;
}

/* Items of lists are known by their table: "mmu.3.utilisation" is mmu[].utilisation. */
static bool is_list_item(const char *metric) {
  static const struct { const char *prefix; enum sim_field_table_id id; } lists[] = {
    {"mmu.", SIM_TABLE_MMU}, {"gc.cycle_list.", SIM_TABLE_CYCLE},
    {"gc.by_size.", SIM_TABLE_SIZE},
    {"pauses.worst.", SIM_TABLE_WORST},
  };
  for (uint32_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
    size_t length = strlen(lists[i].prefix);
    if (strncmp(metric, lists[i].prefix, length) != 0) continue;
    const char *rest = metric + length + strspn(metric + length, "0123456789");
    const struct sim_field_table *t = &sim_field_tables[lists[i].id];
    for (uint32_t k = 0; k < t->count; k++) {
      bool is_row = rest[0] == '.' && strcmp(rest + 1, t->rows[k].path) == 0;
      if (is_row && rest > metric + length) return true;
    }
  }
  return false;
}

static const char *last_part(const char *path) {
  const char *dot = strrchr(path, '.');
  return dot != NULL ? dot + 1 : path;
}

/* The known name nearest to a wrong one; the right name in the wrong place is one mistake. */
static const char *nearest(const struct names *n, const char *metric) {
  const char *best = NULL;
  uint32_t best_distance = (uint32_t)strlen(metric) / 3 + 1;
  for (uint32_t i = 0; i < n->count; i++) {
    bool same_end = strcmp(last_part(n->list[i]), last_part(metric)) == 0;
    uint32_t distance = same_end ? 1 : sim_edit_distance(metric, n->list[i]);
    if (distance > best_distance || (best != NULL && distance == best_distance)) continue;
    best = n->list[i];
    best_distance = distance;
  }
  return best;
}

static bool is_known(const struct names *n, const char *metric) {
  for (uint32_t i = 0; i < n->count; i++) {
    if (strcmp(n->list[i], metric) == 0) return true;
  }
  return is_list_item(metric);
}

bool sim_expect_check(const struct scenario *s) {
  struct names n = known_names(s);
  bool fine = true;
  for (uint32_t i = 0; i < s->expect_count; i++) {
    char shown[sizeof s->expects[i].metric];
    if (is_known(&n, s->expects[i].metric)) continue;
    const char *close = nearest(&n, s->expects[i].metric);
    sim_text_clean(s->expects[i].metric, shown, sizeof shown);
    fprintf(stderr, "%s: /expect/%u/metric: results have no number \"%s\"", s->name, i, shown);
    if (close != NULL) fprintf(stderr, "; did you mean \"%s\"?", close);
    fprintf(stderr, "\n");
    fine = false;
  }
  if (!fine) fprintf(stderr, "`tricolor help metrics` lists them; nothing was run\n");
  names_free(&n);
  return fine;
}

/* ---- after the run ---- */

static void judge_one(struct sim_finding *f, const cJSON *result) {
  const struct sc_expect *e = f->expect;
  const cJSON *item = sim_metric_find(result, e->metric);
  double found = 0;
  enum sim_verdict verdict = SIM_UNKNOWN;
  if (item != NULL && cJSON_IsNull(item)) return;
  if (sim_metric_value(item, &found)) {
    bool holds = (!e->has_min || found >= e->min) && (!e->has_max || found <= e->max) &&
                 (!e->has_equals || found == e->equals);
    verdict = holds ? SIM_HOLDS : SIM_FAILS;
    bool is_first = f->runs == 0;
    if (is_first || found < f->found_min) f->found_min = found;
    if (is_first || found > f->found_max) f->found_max = found;
  }
  f->runs++;
  if (verdict == SIM_HOLDS) f->held++;
  if (verdict > f->verdict) f->verdict = verdict;
}

static bool has_violation(const cJSON *result, const char *text) {
  const char *violation = NULL;
  for (uint32_t i = 0; (violation = sim_violation(result, i)) != NULL; i++) {
    if (strstr(violation, text) != NULL) return true;
  }
  return false;
}

static void judge_violation(struct sim_finding *f, const cJSON *result) {
  f->runs++;
  if (has_violation(result, f->violation)) {
    f->held++;
  } else {
    f->verdict = SIM_FAILS;
  }
}

void sim_expect_judge(const struct scenario *s, const cJSON *const *results, uint32_t count,
                      uint32_t ours_count, struct sim_findings *out) {
  *out = (struct sim_findings){.all_hold = true};
  out->list = sim_alloc((s->expect_count + 1) * sizeof out->list[0]);
  for (uint32_t i = 0; i < s->expect_count; i++) {
    out->list[out->count++] = (struct sim_finding){.expect = &s->expects[i]};
  }
  if (s->expect_violation[0] != '\0') {
    out->list[out->count++] = (struct sim_finding){.violation = s->expect_violation};
  }
  for (uint32_t i = 0; i < out->count; i++) {
    struct sim_finding *f = &out->list[i];
    for (uint32_t r = 0; r < count; r++) {
      if (f->expect != NULL) {
        judge_one(f, results[r]);
      } else if (r < ours_count) {
        judge_violation(f, results[r]);
      }
    }
    out->all_hold = out->all_hold && f->verdict == SIM_HOLDS;
    out->any_unknown = out->any_unknown || f->verdict == SIM_UNKNOWN;
  }
}

void sim_findings_free(struct sim_findings *f) {
  free(f->list);
  *f = (struct sim_findings){.list = NULL};
}

char *sim_expect_allowed(const struct sim_finding *f, char *out) {
  const struct sc_expect *e = f->expect;
  if (e == NULL) {
    snprintf(out, SIM_TEXT_MAX, "a violation with this text");
  } else if (e->has_equals) {
    snprintf(out, SIM_TEXT_MAX, "exactly %.12g", e->equals);
  } else if (e->has_min && e->has_max) {
    snprintf(out, SIM_TEXT_MAX, "%.12g to %.12g", e->min, e->max);
  } else if (e->has_min) {
    snprintf(out, SIM_TEXT_MAX, "at least %.12g", e->min);
  } else {
    snprintf(out, SIM_TEXT_MAX, "at most %.12g", e->max);
  }
  return out;
}

static void found_text(const struct sim_finding *f, char *out) {
  if (f->violation != NULL) {
    snprintf(out, SIM_TEXT_MAX, f->held == f->runs ? "found" : "not found");
  } else if (f->verdict == SIM_UNKNOWN) {
    snprintf(out, SIM_TEXT_MAX, "no such number");
  } else if (f->runs == 0) {
    snprintf(out, SIM_TEXT_MAX, "not measured");
  } else if (f->found_min == f->found_max) {
    snprintf(out, SIM_TEXT_MAX, "%.12g", f->found_min);
  } else {
    snprintf(out, SIM_TEXT_MAX, "%.12g to %.12g", f->found_min, f->found_max);
  }
}

void sim_findings_print(const struct sim_findings *f, FILE *to, bool color) {
  if (f->count == 0) return;
  struct sim_table *t = sim_table_new(4);
  sim_table_heading(t, "Expectations");
  for (uint32_t i = 0; i < f->count; i++) {
    const struct sim_finding *one = &f->list[i];
    bool holds = one->verdict == SIM_HOLDS;
    char text[SIM_TEXT_MAX], verdict[SIM_TEXT_MAX];
    char *name = sim_printf("  %s", one->expect != NULL ? one->expect->metric : one->violation);
    snprintf(verdict, sizeof verdict, !holds ? "FAILS" : one->runs > 0 ? "holds" : "not judged");
    if (!holds && one->runs > 1) {
      snprintf(verdict, sizeof verdict, "FAILS in %u of %u runs", one->runs - one->held, one->runs);
    }
    sim_table_row(t);
    sim_table_cell(t, SIM_PLAIN, name);
    found_text(one, text);
    sim_table_cell(t, SIM_PLAIN, text);
    sim_table_cell(t, SIM_PLAIN, sim_expect_allowed(one, text));
    sim_table_cell(t, !holds ? SIM_BAD : one->runs > 0 ? SIM_GOOD : SIM_DIM, verdict);
    free(name);
  }
  sim_table_print(t, to, color);
  sim_table_free(t);
}

cJSON *sim_findings_json(const struct sim_findings *f) {
  cJSON *list = cJSON_CreateArray();
  for (uint32_t i = 0; i < f->count; i++) {
    const struct sim_finding *one = &f->list[i];
    cJSON *item = cJSON_CreateObject();
    cJSON_AddBoolToObject(item, "holds", one->verdict == SIM_HOLDS);
    if (one->expect == NULL) {
      cJSON_AddStringToObject(item, "violation", one->violation);
    } else {
      const struct sc_expect *e = one->expect;
      bool is_measured = one->runs > 0 && one->verdict != SIM_UNKNOWN;
      cJSON_AddStringToObject(item, "metric", e->metric);
      if (e->has_min) cJSON_AddNumberToObject(item, "min", e->min);
      if (e->has_max) cJSON_AddNumberToObject(item, "max", e->max);
      if (e->has_equals) cJSON_AddNumberToObject(item, "equals", e->equals);
      if (is_measured) cJSON_AddNumberToObject(item, "found_min", one->found_min);
      if (is_measured) cJSON_AddNumberToObject(item, "found_max", one->found_max);
    }
    cJSON_AddNumberToObject(item, "runs", one->runs);
    cJSON_AddNumberToObject(item, "held", one->held);
    cJSON_AddItemToArray(list, item);
  }
  return list;
}

/* ---- violations ---- */

const char *sim_violation(const cJSON *result, uint32_t i) {
  const cJSON *list = cJSON_GetObjectItemCaseSensitive(result, "violations");
  const cJSON *item = cJSON_GetArrayItem(list, (int)i);
  if (cJSON_IsString(item)) return item->valuestring;
  const cJSON *text = cJSON_GetObjectItemCaseSensitive(item, "text");
  if (cJSON_IsString(text)) return text->valuestring;
  return item != NULL ? "(a violation without text)" : NULL;
}

bool sim_violations_fine(const struct scenario *s, const cJSON *result, bool is_ours) {
  bool is_expected = s->expect_violation[0] != '\0';
  if (is_expected && has_violation(result, s->expect_violation)) return true;
  return sim_violation(result, 0) == NULL && !(is_expected && is_ours);
}
