#include "sims/cli_mutants.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sims/cli_explore.h"
#include "sims/cli_metric.h"
#include "sims/cli_output.h"
#include "sims/memory.h"
#include "sims/protocol.h"
#include "sims/table.h"

enum { SETS_MAX = 1100 }; /* of a twin: a map or so each, and ours */
#define TWIN_TIME "60s"
#define CLASSES_NS UINT64_C(3000000000) /* at most, for every class of a small program */

enum twin {
  TWIN_NONE,    /* nothing to switch off, and no correct form beside it */
  TWIN_CLEAN,   /* exhausted up to its bound, no violation */
  TWIN_SAMPLED, /* no violation in the part of its data choices that was tried */
  TWIN_CUT,     /* no violation, but the search did not come to its end */
  TWIN_FAILS,   /* a violation */
  TWIN_BROKEN,  /* the engine failed, or the twin does not load */
};
static const char *const twin_words[] = {"none",          "clean",     "sampled",
                                         "not exhausted", "VIOLATION", "failed"};

/* One scenario of the folder. Results belong to the document. */
struct row {
  char *name;
  struct scenario *scenario;     /* NULL: it does not load */
  char *faults;                  /* what is wrong in it, for people */
  bool is_mutant;                /* it expects a violation */
  struct row *twin_row;          /* its correct form is this row; NULL: itself without faults */
  bool is_twin;                  /* it is some mutant's correct form */
  const cJSON *result;           /* of the mutant's search; NULL: none */
  bool is_broken;                /* its engine failed */
  enum twin twin;
  char *twin_name;
  const cJSON *twin_result;
};

struct mutants {
  struct sim_cli *cli;
  const struct sim_options *o;
  char *dir, *engine, *scratch;  /* scratch: engines run there and leave their files */
  struct row *rows;
  uint32_t count, room;
  uint32_t searches, run;        /* how many there will be; which is next, from 1 */
  struct sim_progress progress;
  cJSON *doc, *list;
  struct sim_output json;
};

/* ---- what is in the folder ---- */

static const cJSON *member(const cJSON *object, const char *key) {
  return cJSON_GetObjectItemCaseSensitive(object, key);
}

static void append(char **text, const char *more) {
  char *longer = sim_printf("%s%s%s", *text, (*text)[0] != '\0' ? ", " : "", more);
  free(*text);
  *text = longer;
}

static void append_faults(char **text, const cJSON *object) {
  const cJSON *fault = NULL;
  cJSON_ArrayForEach(fault, member(object, "faults")) {
    if (cJSON_IsString(fault)) append(text, fault->valuestring);
  }
}

static bool has_no_barrier(const cJSON *doc) {
  const char *kind =
    cJSON_GetStringValue(member(member(member(doc, "gc"), "barrier"), "kind"));
  return kind != NULL && strcmp(kind, "none") == 0;
}

/* What becomes of late work, where that is not what keeps it. */
static const char *loses_late_work(const cJSON *doc) {
  const char *policy = cJSON_GetStringValue(member(member(doc, "gc"), "late_work"));
  return policy != NULL && strcmp(policy, "restart") != 0 ? policy : NULL;
}

/* The faults that a resolved scenario has switched on. */
static char *faults_of(const cJSON *doc) {
  char *text = sim_strdup("");
  const cJSON *map = NULL, *litmus = member(doc, "litmus");
  append_faults(&text, member(doc, "runtime"));
  append_faults(&text, member(doc, "gc"));
  cJSON_ArrayForEach(map, member(doc, "maps")) append_faults(&text, map);
  if (has_no_barrier(doc) && text[0] == '\0' && litmus == NULL) append(&text, "no barrier");
  if (loses_late_work(doc) != NULL && text[0] == '\0') append(&text, "late work lost");
  const char *variant = cJSON_GetStringValue(member(litmus, "variant"));
  if (variant != NULL) append(&text, variant);
  return text;
}

static void add_row(struct mutants *m, const char *name) {
  m->rows = sim_grow(m->rows, &m->room, m->count, sizeof m->rows[0]);
  struct row *r = &m->rows[m->count++];
  char *path = sim_printf("%s/%s.json", m->dir, name);
  *r = (struct row){.name = sim_strdup(name), .scenario = sim_scenario_read(path, m->o)};
  cJSON *doc = r->scenario != NULL ? cJSON_Parse(r->scenario->resolved_json) : NULL;
  r->faults = faults_of(doc);
  r->is_mutant = r->scenario != NULL && r->scenario->expect_violation[0] != '\0';
  cJSON_Delete(doc);
  free(path);
}

/* Reads the folder. False: there is none, or something in it is wrong. */
static bool read_folder(struct mutants *m) {
  m->dir = sim_races_dir();
  if (m->dir == NULL) {
    fprintf(stderr, "tricolor explore: no folder of races comes with this tricolor\n");
    return false;
  }
  char **names = sim_scenario_names(m->dir);
  bool fine = true;
  for (char **name = names; *name != NULL; name++) {
    add_row(m, *name);
    fine = fine && m->rows[m->count - 1].scenario != NULL;
  }
  sim_names_free(names);
  if (m->count == 0) fprintf(stderr, "tricolor explore: %s holds no scenario\n", m->dir);
  return fine && m->count > 0;
}

/* ---- twins ---- */

/* The overrides that make a twin: texts are the list's. */
struct sets {
  struct sc_override list[SETS_MAX];
  char *texts[SETS_MAX];
  uint32_t count, texts_used;
};

static void add_set(struct sets *s, const char *path, const char *value) {
  if (s->count < SETS_MAX) s->list[s->count++] = (struct sc_override){path, value};
}

static void switch_off(struct sets *s, const cJSON *object, const char *where) {
  if (cJSON_GetArraySize(member(object, "faults")) == 0 || s->count == SETS_MAX) return;
  char *path = sim_printf("%s.faults", where);
  s->texts[s->texts_used++] = path;
  add_set(s, path, "[]");
}

static void collect_faults(struct sets *s, const cJSON *doc) {
  const cJSON *map = NULL;
  switch_off(s, member(doc, "runtime"), "runtime");
  switch_off(s, member(doc, "gc"), "gc");
  cJSON_ArrayForEach(map, member(doc, "maps")) {
    char *where = sim_printf("maps.%s", map->string);
    switch_off(s, map, where);
    free(where);
  }
  if (has_no_barrier(doc) && member(doc, "litmus") == NULL) {
    add_set(s, "gc.barrier.kind", "hybrid");
  }
  if (loses_late_work(doc) != NULL) add_set(s, "gc.late_work", "restart");
}

static bool is_given(const struct mutants *m, uint32_t option) {
  return (m->o->given & option) != 0;
}

/* All schedules up to the bound, or in classes_ns (if not 0) every class, instead of a hunt: what
 * a clean twin is worth. */
static void search_all(const struct mutants *m, struct sets *s, const struct scenario *base,
                       uint64_t classes_ns) {
  if (!is_given(m, SIM_OPT_TIME)) add_set(s, "explore.time_ns", TWIN_TIME);
  for (uint32_t i = 0; i < m->o->set_count; i++) {
    add_set(s, m->o->sets[i].path, m->o->sets[i].value);
  }
  bool is_dpor = classes_ns != 0 || strcmp(base->strategy, "dpor") == 0;
  if (classes_ns != 0) {
    char *time = sim_printf("%llu", (unsigned long long)classes_ns);
    s->texts[s->texts_used++] = time;
    add_set(s, "explore.time_ns", time);
  }
  add_set(s, "explore.strategy", is_dpor ? "dpor" : "bound");
}

static struct scenario *load_twin(const struct mutants *m, const struct sets *s, const char *name) {
  struct sc_errors errors = {0};
  char *path = sim_printf("%s/%s.json", m->dir, name);
  struct scenario *twin = scenario_load_file(path, s->list, s->count, &errors);
  for (uint32_t i = 0; i < errors.count; i++) {
    char *line = sc_error_format(&errors.list[i]);
    fprintf(stderr, "the twin of %s: %s\n", name, line);
    free(line);
  }
  sc_errors_free(&errors);
  free(path);
  return twin;
}

/* The same litmus program in a form that expects no violation; NULL: there is none. */
static struct row *correct_form(struct mutants *m, const cJSON *doc) {
  const char *program = cJSON_GetStringValue(member(member(doc, "litmus"), "program"));
  struct row *found = NULL;
  for (uint32_t i = 0; program != NULL && i < m->count && found == NULL; i++) {
    struct row *r = &m->rows[i];
    if (r->is_mutant) continue;
    cJSON *other = cJSON_Parse(r->scenario->resolved_json);
    const char *theirs = cJSON_GetStringValue(member(member(other, "litmus"), "program"));
    if (theirs != NULL && strcmp(theirs, program) == 0) found = r;
    cJSON_Delete(other);
  }
  return found;
}

/* The twin of a mutant, or of a correct scenario itself; NULL: none, or (broken) it is wrong. */
static struct scenario *make_twin(struct mutants *m, struct row *r, uint64_t classes_ns) {
  struct sets *s = sim_alloc(sizeof *s);
  cJSON *doc = cJSON_Parse(r->scenario->resolved_json);
  struct row *other = r->is_mutant ? correct_form(m, doc) : r;
  r->twin_row = other;
  struct scenario *twin = NULL;
  if (other == NULL) collect_faults(s, doc);
  if (other != NULL || s->count > 0) {
    if (other == NULL) add_set(s, "expect_violation", "\"\"");
    search_all(m, s, r->scenario, classes_ns);
    free(r->twin_name);
    r->twin_name = sim_strdup(other != NULL ? other->name : r->name);
    if (other != NULL && other != r) other->is_twin = true;
    twin = load_twin(m, s, r->twin_name);
    if (twin == NULL) r->twin = TWIN_BROKEN;
  }
  for (uint32_t i = 0; i < s->texts_used; i++) free(s->texts[i]);
  free(s);
  cJSON_Delete(doc);
  return twin;
}

/* ---- searching ---- */

static void empty_scratch(const struct mutants *m) {
  DIR *d = opendir(m->scratch);
  for (const struct dirent *e = NULL; d != NULL && (e = readdir(d)) != NULL;) {
    char *path = sim_printf("%s/%s", m->scratch, e->d_name);
    if (e->d_name[0] != '.') unlink(path);
    free(path);
  }
  if (d != NULL) closedir(d);
}

/* For a program that is started in another directory; frees path. Links stay: an engine knows
 * itself by its name. */
static char *absolute(char *path) {
  char *here = path != NULL && path[0] != '/' ? getcwd(NULL, 0) : NULL;
  if (here == NULL) return path;
  char *whole = sim_printf("%s/%s", here, path);
  free(here);
  free(path);
  return whole;
}

/* One search; its result goes into the item under key. NULL: there is none. */
static const cJSON *search(struct mutants *m, const struct scenario *s, cJSON *item,
                           const char *key, const char *what) {
  struct sim_outcome out;
  char *title = sim_printf("%u of %u  %s%s", m->run, m->searches, s->name, what);
  struct sim_search one = {
    .scenario = s, .directory = m->scratch, .run = m->run++, .runs = m->searches, .title = title,
  };
  char *engine = absolute(sim_search_engine(s));
  bool is_whole = sim_search_run(m->cli, engine != NULL ? engine : m->engine, &one, &m->progress,
                                 &out);
  free(engine);
  cJSON *result = NULL;
  if (is_whole && out.end != SIM_END_INTERRUPTED) {
    result = out.result;
    out.result = NULL;
    cJSON *violation = cJSON_GetObjectItemCaseSensitive(result, "violation");
    cJSON_DeleteItemFromObjectCaseSensitive(violation, "file"); /* it goes with the scratch */
    cJSON_AddItemToObject(item, key, result);
  }
  empty_scratch(m);
  sim_outcome_free(&out);
  free(title);
  return result;
}

/* Whether the search came to its end: every schedule, or every one up to the bound asked for. */
static bool is_through(const struct scenario *twin, const cJSON *result) {
  const cJSON *guarantee = member(result, "guarantee");
  const char *kind = cJSON_GetStringValue(member(guarantee, "kind"));
  double reached = 0;
  if (kind == NULL || strcmp(kind, "BOUND") != 0) {
    return kind != NULL && strcmp(kind, "EXHAUSTED") == 0;
  }
  bool has_bound = sim_metric_number(guarantee, "preemptions", &reached);
  return has_bound && reached >= twin->explore_preemptions;
}

/* Where the number of data choices is that differ in more than names. */
static const char *different_choices(const cJSON *result) {
  double different = 0;
  bool is_there = sim_metric_number(result, "variants.different", &different);
  return is_there ? "variants.different" : "variants.total";
}

/* A grid of data choices too large to be tried whole. */
static bool is_sampled(const cJSON *result) {
  double all = 0, done = 0;
  return sim_metric_number(result, different_choices(result), &all) &&
         sim_metric_number(result, "variants.done", &done) && done < all;
}

static enum twin judge_twin(const struct scenario *twin, const cJSON *result) {
  if (result == NULL) return TWIN_BROKEN;
  if (sim_search_judge(twin, result) != SIM_SEARCH_CLEAN) return TWIN_FAILS;
  if (is_sampled(result)) return TWIN_SAMPLED;
  return is_through(twin, result) ? TWIN_CLEAN : TWIN_CUT;
}

/* Every class of a program that is small enough. NULL: it is not, and nothing was found. */
static const cJSON *search_classes(struct mutants *m, struct row *r, cJSON *item,
                                   const char *what, uint64_t time_ns) {
  struct scenario *twin = make_twin(m, r, time_ns < CLASSES_NS ? time_ns : CLASSES_NS);
  const cJSON *result = twin != NULL ? search(m, twin, item, "twin_search", what) : NULL;
  bool tells = result != NULL && (is_through(twin, result) ||
                                  sim_search_judge(twin, result) != SIM_SEARCH_CLEAN);
  scenario_free(twin);
  if (tells) return result;
  m->run--; /* the same search once more */
  cJSON_DeleteItemFromObjectCaseSensitive(item, "twin_search");
  return NULL;
}

/* Several mutants may have one correct form: it is searched once. */
static void search_twin(struct mutants *m, struct row *r, cJSON *item) {
  struct scenario *twin = make_twin(m, r, 0);
  struct row *other = r->twin_row;
  if (twin == NULL || (other != NULL && other->twin_result != NULL)) {
    m->run++;
  } else {
    const char *what = r->is_mutant ? ", correct" : "";
    if (twin->has_litmus)
      r->twin_result = search_classes(m, r, item, what, twin->explore_time_ns);
    bool is_over = sim_supervisor_caught(&m->cli->supervisor) != 0;
    if (r->twin_result == NULL && !is_over)
      r->twin_result = search(m, twin, item, "twin_search", what);
    is_over = sim_supervisor_caught(&m->cli->supervisor) != 0;
    r->twin = is_over ? TWIN_NONE : judge_twin(twin, r->twin_result);
    if (other != NULL) other->twin = r->twin;
    if (other != NULL) other->twin_result = r->twin_result;
  }
  if (other != NULL && twin != NULL) r->twin = other->twin;
  if (other != NULL && twin != NULL) r->twin_result = other->twin_result;
  scenario_free(twin);
}

/* The mutant, then its twin. False: interrupted. */
static bool search_row(struct mutants *m, struct row *r, cJSON *item) {
  if (r->is_mutant) {
    r->result = search(m, r->scenario, item, "search", "");
    if (sim_supervisor_caught(&m->cli->supervisor) != 0) return false;
    r->is_broken = r->result == NULL;
  }
  if (r->is_mutant || !r->is_twin) search_twin(m, r, item);
  return sim_supervisor_caught(&m->cli->supervisor) == 0;
}

static bool is_killed(const struct row *r) {
  return r->result != NULL && sim_search_judge(r->scenario, r->result) == SIM_SEARCH_FOUND;
}

/* ---- the table ---- */

static const char *number(const cJSON *doc, const char *path, enum sim_unit unit, char *out) {
  double value = 0;
  return sim_metric_number(doc, path, &value) ? sim_format(unit, value, out) : "-";
}

/* "2", "2 (least)", "2 (>= 1)": as far as the minimum is known. */
static char *preemptions_of(const cJSON *violation) {
  double n = 0, least = 0;
  if (!sim_metric_number(violation, "preemptions", &n)) return sim_strdup("-");
  bool is_proven = cJSON_IsTrue(member(violation, "least_is_proven"));
  if (is_proven) return sim_printf("%.0f (least)", n);
  bool has_least = sim_metric_number(violation, "least_preemptions", &least);
  return has_least ? sim_printf("%.0f (>= %.0f)", n, least) : sim_printf("%.0f", n);
}

static const char *finder(const struct row *r) {
  const char *by = cJSON_GetStringValue(member(member(r->result, "violation"), "strategy"));
  if (r->is_broken) return "failed";
  if (!is_killed(r)) return r->result != NULL && cJSON_IsObject(member(r->result, "violation"))
                              ? "OTHER" : "SURVIVES";
  return by != NULL ? by : "found";
}

/* Over how many data choices, and of misuse that is the program's own how often it was missed. */
static char *twin_details(const cJSON *result) {
  char n[SIM_TEXT_MAX];
  double all = 0, missed = 0;
  if (sim_metric_number(result, "variants.total", &all) && all > 1)
    return sim_printf(" of all %s data choices", sim_format(SIM_UNIT_COUNT, all, n));
  if (sim_metric_number(result, "schedules.missed", &missed) && missed > 0)
    return sim_printf(", misuse missed in %s", sim_format(SIM_UNIT_COUNT, missed, n));
  return sim_strdup("");
}

static char *twin_text(const struct row *r) {
  char n[SIM_TEXT_MAX];
  const char *kind = cJSON_GetStringValue(member(member(r->twin_result, "guarantee"), "kind"));
  if (r->twin_result == NULL) return sim_strdup(twin_words[r->twin]);
  if (r->twin == TWIN_SAMPLED) {
    char of[SIM_TEXT_MAX];
    const char *all = different_choices(r->twin_result);
    return sim_printf("clean in %s of %s data choices",
                      number(r->twin_result, "variants.done", SIM_UNIT_COUNT, n),
                      number(r->twin_result, all, SIM_UNIT_COUNT, of));
  }
  double bound = 0;
  char reached[SIM_TEXT_MAX] = "";
  if (sim_metric_number(r->twin_result, "guarantee.preemptions", &bound)) {
    snprintf(reached, sizeof reached, " %.0f", bound);
  }
  char *more = twin_details(r->twin_result);
  const char *by = cJSON_GetStringValue(member(r->twin_result, "strategy"));
  bool is_dpor = by != NULL && strcmp(by, "dpor") == 0;
  char *text = sim_printf("%s, %s%s, %s %s%s", twin_words[r->twin], kind != NULL ? kind : "?",
                          reached, number(r->twin_result, "schedules.complete", SIM_UNIT_COUNT, n),
                          is_dpor ? "classes" : "schedules", more);
  free(more);
  return text;
}

/* The fault that gave the scenario its name is not said twice: "+ no-recheck" are the others. */
static char *faults_text(const struct row *r) {
  size_t length = strlen(r->name);
  bool is_same = strncmp(r->faults, r->name, length) == 0;
  if (is_same && r->faults[length] == '\0') return sim_strdup("its name");
  if (is_same && strncmp(r->faults + length, ", ", 2) == 0)
    return sim_printf("+ %s", r->faults + length + 2);
  return sim_strdup(r->faults);
}

static void add_cells(struct sim_table *t, const struct row *r) {
  const cJSON *violation = member(r->result, "violation");
  char n[SIM_TEXT_MAX];
  bool is_bad_twin = r->twin == TWIN_FAILS || r->twin == TWIN_BROKEN || r->twin == TWIN_CUT;
  char *preemptions = preemptions_of(violation), *twin = twin_text(r), *faults = faults_text(r);
  enum sim_style style = is_killed(r) ? SIM_GOOD : SIM_BAD;
  sim_table_row(t);
  sim_table_cell(t, SIM_PLAIN, r->name);
  sim_table_cell(t, SIM_DIM, faults);
  sim_table_cell(t, r->is_mutant ? style : SIM_DIM, r->is_mutant ? finder(r) : "correct");
  sim_table_cell(t, SIM_PLAIN, number(violation, "found_at_schedule", SIM_UNIT_COUNT, n));
  sim_table_cell(t, SIM_PLAIN, number(r->result, "elapsed_ns", SIM_UNIT_NS, n));
  sim_table_cell(t, SIM_PLAIN, preemptions);
  sim_table_cell(t, is_bad_twin ? SIM_BAD : SIM_PLAIN, twin);
  free(preemptions);
  free(twin);
  free(faults);
}

static bool is_shown(const struct row *r) {
  if (r->is_twin && !r->is_mutant) return false; /* it stands beside its mutants */
  return r->result != NULL || r->twin_result != NULL || r->is_broken || r->twin == TWIN_BROKEN;
}

static void print_tokens(const struct mutants *m, FILE *f, bool color) {
  uint32_t printed = 0;
  for (uint32_t i = 0; i < m->count; i++) {
    const char *token =
      cJSON_GetStringValue(member(member(m->rows[i].result, "violation"), "token"));
    if (token == NULL) continue;
    if (printed++ == 0) {
      fprintf(f, "\n%sSee one again%s\n", sim_style_begin(SIM_BOLD, color),
              sim_style_end(SIM_BOLD, color));
    }
    char *clean = sim_alloc(strlen(token) + 1);
    sim_text_clean(token, clean, strlen(token) + 1);
    fprintf(f, "  %s\n    tricolor replay '%s'\n", m->rows[i].name, clean);
    free(clean);
  }
}

struct totals { uint32_t mutants, killed, twins, clean, sampled, broken; };

static struct totals count_up(const struct mutants *m) {
  struct totals t = {0};
  for (uint32_t i = 0; i < m->count; i++) {
    const struct row *r = &m->rows[i];
    bool has_twin = r->twin != TWIN_NONE && r->twin != TWIN_SAMPLED;
    if (!is_shown(r)) continue;
    t.mutants += r->is_mutant;
    t.killed += is_killed(r);
    t.twins += has_twin;
    t.clean += r->twin == TWIN_CLEAN;
    t.sampled += r->twin == TWIN_SAMPLED;
    t.broken += r->is_broken || r->twin == TWIN_BROKEN;
  }
  return t;
}

static void print_table(const struct mutants *m, FILE *f, bool color) {
  static const char *const heads[] = {"scenario", "fault",       "found by", "in schedule",
                                      "time",     "preemptions", "correct twin"};
  struct sim_table *t = sim_table_new(7);
  struct totals n = count_up(m);
  sim_table_row(t);
  for (uint32_t i = 0; i < 7; i++) sim_table_cell(t, SIM_BOLD, heads[i]);
  for (uint32_t i = 0; i < m->count; i++) {
    if (is_shown(&m->rows[i])) add_cells(t, &m->rows[i]);
  }
  sim_table_print(t, f, color);
  sim_table_free(t);
  print_tokens(m, f, color);
  fprintf(f, "\n%u of %u faults found; %u of %u correct twins clean up to their bound\n", n.killed,
          n.mutants, n.clean, n.twins);
  if (n.sampled > 0)
    fprintf(f, "%u with more data choices than can be tried: clean in a sample\n", n.sampled);
}

/* ---- the document ---- */

static cJSON *add_item(struct mutants *m, const struct row *r) {
  cJSON *item = cJSON_CreateObject();
  cJSON_AddStringToObject(item, "scenario", r->name);
  cJSON_AddStringToObject(item, "faults", r->faults);
  if (r->is_mutant) cJSON_AddStringToObject(item, "expected", r->scenario->expect_violation);
  cJSON_AddItemToArray(m->list, item);
  return item;
}

static void copy_to(cJSON *item, const char *as, const cJSON *from) {
  if (from != NULL) cJSON_AddItemToObject(item, as, cJSON_Duplicate(from, true));
}

/* What the table says, beside the whole results. */
static void finish_item(cJSON *item, const struct row *r) {
  const cJSON *violation = member(r->result, "violation");
  static const char *const copied[] = {"strategy", "message", "found_at_schedule", "preemptions",
                                       "least_preemptions", "least_is_proven", "token"};
  if (r->is_mutant) cJSON_AddBoolToObject(item, "found", is_killed(r));
  for (uint32_t i = 0; i < sizeof copied / sizeof copied[0]; i++) {
    copy_to(item, copied[i], member(violation, copied[i]));
  }
  copy_to(item, "elapsed_ns", member(r->result, "elapsed_ns"));
  if (r->twin_name != NULL) cJSON_AddStringToObject(item, "twin", r->twin_name);
  cJSON_AddStringToObject(item, "twin_verdict", twin_words[r->twin]);
}

static int finish(struct mutants *m, bool is_complete) {
  struct totals n = count_up(m);
  bool shows = m->o->json == NULL || strcmp(m->o->json, "-") != 0;
  cJSON_AddBoolToObject(m->doc, "interrupted", !is_complete);
  cJSON_AddNumberToObject(m->doc, "faults", n.mutants);
  cJSON_AddNumberToObject(m->doc, "found", n.killed);
  cJSON_AddNumberToObject(m->doc, "twins", n.twins);
  cJSON_AddNumberToObject(m->doc, "twins_clean", n.clean);
  cJSON_AddNumberToObject(m->doc, "twins_sampled", n.sampled);
  if (shows) print_table(m, stdout, m->cli->color_out);
  fflush(stdout);
  char *lost = m->json.path != NULL ? sim_output_write(&m->json, m->doc) : NULL;
  if (lost != NULL) fprintf(stderr, "tricolor: %s\n", lost);
  bool is_lost = lost != NULL;
  free(lost);
  int signal_status = sim_interrupted(m->cli);
  if (signal_status != 0) return signal_status;
  if (is_lost || n.broken > 0) return TRI_EXIT_ENGINE;
  return n.killed == n.mutants && n.clean == n.twins ? TRI_EXIT_OK : TRI_EXIT_FAILED;
}

/* ---- the command ---- */

static bool prepare(struct mutants *m) {
  const char *base = getenv("TMPDIR");
  char *message = m->o->json != NULL ? sim_output_open(&m->json, m->o->json, NULL) : NULL;
  if (message != NULL) fprintf(stderr, "tricolor: %s; nothing was run\n", message);
  bool is_open = message == NULL;
  free(message);
  m->engine = is_open ? absolute(sim_search_engine(NULL)) : NULL;
  if (m->engine == NULL) return false;
  m->scratch = sim_printf("%s/tricolor-mutants-XXXXXX", base != NULL ? base : "/tmp");
  if (mkdtemp(m->scratch) != NULL) return true;
  fprintf(stderr, "tricolor: no directory for what the engines write: %s\n", m->scratch);
  free(m->scratch);
  m->scratch = NULL;
  return false;
}

static int search_all_rows(struct mutants *m) {
  bool goes_on = true;
  m->doc = cJSON_CreateObject();
  cJSON_AddStringToObject(m->doc, "schema", TRICOLOR_MUTANTS_SCHEMA);
  m->list = cJSON_AddArrayToObject(m->doc, "scenarios");
  m->run = 1;
  for (uint32_t i = 0; i < m->count; i++) m->searches += m->rows[i].is_mutant ? 2 : 1;
  sim_progress_open(&m->progress, m->searches);
  for (int mutants = 1; mutants >= 0; mutants--) { /* then the correct ones that are no twins */
    for (uint32_t i = 0; i < m->count && goes_on; i++) {
      struct row *r = &m->rows[i];
      if (r->is_mutant != (mutants == 1)) continue;
      cJSON *item = add_item(m, r);
      goes_on = search_row(m, r, item);
      finish_item(item, r);
    }
  }
  return finish(m, goes_on);
}

static void mutants_free(struct mutants *m) {
  for (uint32_t i = 0; i < m->count; i++) {
    struct row *r = &m->rows[i];
    scenario_free(r->scenario);
    free(r->name);
    free(r->faults);
    free(r->twin_name);
  }
  if (m->scratch != NULL) rmdir(m->scratch);
  cJSON_Delete(m->doc);
  sim_output_drop(&m->json);
  free(m->rows);
  free(m->dir);
  free(m->engine);
  free(m->scratch);
}

/* The table says what is found, not how small it could be. */
static struct sc_override *without_shrinking(const struct sim_options *o) {
  struct sc_override *sets = sim_alloc((o->set_count + 1) * sizeof *sets);
  sets[0] = (struct sc_override){"explore.shrink_ns", "0"};
  for (uint32_t i = 0; i < o->set_count; i++) sets[i + 1] = o->sets[i];
  return sets;
}

int sim_mutants(struct sim_cli *cli, const struct sim_options *o) {
  struct sim_options quick = *o;
  struct mutants m = {.cli = cli, .o = &quick};
  int status = TRI_EXIT_INPUT;
  quick.sets = without_shrinking(o);
  quick.set_count++;
  if (read_folder(&m) && prepare(&m)) status = search_all_rows(&m);
  mutants_free(&m);
  free(quick.sets);
  return status;
}
