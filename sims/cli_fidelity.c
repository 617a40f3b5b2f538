/* tricolor fidelity: known workloads on our runtime, on real Go where it is there, and as recorded
 * from Go 1.19.8, number by number.
 *
 * Ours and Go's runs take turns, each in a process of its own. Nothing here is a test: a missed
 * bound is printed, and the exit status stays 0.
 */
#include <stdlib.h>
#include <string.h>

#include "sims/cli.h"
#include "sims/cli_metric.h"
#include "sims/cli_output.h"
#include "sims/cli_progress.h"
#include "sims/fidelity.h"
#include "sims/memory.h"
#include "sims/protocol.h"
#include "sims/suggest.h"
#include "sims/table.h"

#define FIDELITY_SCHEMA "tricolor.fidelity/1"

enum { FID_RUNS_DEFAULT = 3, FID_SETS_MAX = 4, GOGC_COUNT = 3, RECORDING_MAX = 1 << 20 };

static const uint32_t gogcs[GOGC_COUNT] = {50, 100, 200};
static const char *const gogc_texts[GOGC_COUNT] = {"50", "100", "200"};

/* Go's pacer counts the data and BSS of the recorded program; ours is told of as much. */
static const char globals_bytes[] = "232656";

struct fid_workload {
  const char *name, *doc;
  const char *recorded; /* its name in the recording */
  const char *scenario; /* shipped */
  bool go_runs;         /* Go's engine accepts it */
  struct sc_override sets[2];
};

static const struct fid_workload workloads[] = {
  {"a", "int -> int, empty at start", "a_int_int_grown", "map-growth", true, {{0}}},
  {"b", "int -> int, made large enough", "b_int_int_prealloc", "map-prealloc", true, {{0}}},
  {"c", "int -> pointer, empty at start", "c_int_ptr_grown", "map-pointer-values", true, {{0}}},
  {"d", "string -> int, empty at start", "d_string_int_grown", "map-string-keys", true, {{0}}},
  {"e-mutex", "8 goroutines, a map under a mutex", "e_mutex_map", "fidelity-lock", true, {{0}}},
  {"e-rwmutex", "8 goroutines, a map under a reader-writer mutex", "e_rwmutex_map",
   "fidelity-shared", false, {{"maps.m.kind", "go-rwmutex"}}},
  {"e-sync", "8 goroutines, sync.Map", "e_sync_map", "fidelity-shared", false,
   {{"maps.m.kind", "syncmap"}}},
  {"e-shard", "8 goroutines, 16 maps with a mutex each", "e_shard16_map", "fidelity-shared", false,
   {{"maps.m.kind", "sharded"}, {"maps.m.shards", "16"}}},
  {"f", "churn beside a live queue of 64 MiB", "f_churn_64MiB", "churn-64mib", true, {{0}}},
};
enum { WORKLOADS = sizeof workloads / sizeof workloads[0], CASES = WORKLOADS * GOGC_COUNT };

/* One invocation. */
struct fidelity {
  struct sim_cli *cli;
  const struct sim_options *options;
  cJSON *recording;
  char *engine[FID_RECORDED]; /* FID_OURS, FID_GO; the latter NULL: not there */
  uint32_t runs;
  bool wanted[WORKLOADS], is_done[CASES];
  struct fid_case cases[CASES];
  struct sim_progress progress;
};

/* ---- the recording ---- */

static cJSON *read_recording(void) {
  char *dir = sim_configs_dir();
  char *path = sim_printf("%s/fidelity/recorded.json", dir != NULL ? dir : ".");
  FILE *f = fopen(path, "re");
  cJSON *doc = NULL;
  if (f != NULL) {
    char *text = sim_alloc(RECORDING_MAX);
    size_t bytes = fread(text, 1, RECORDING_MAX - 1, f);
    doc = cJSON_ParseWithLength(text, bytes);
    free(text);
    fclose(f);
  }
  if (doc == NULL) {
    fprintf(stderr, "tricolor fidelity: cannot read the recording %s; nothing was run\n", path);
  }
  free(path);
  free(dir);
  return doc;
}

/* ---- running ---- */

static struct scenario *load(const struct fid_workload *w, int gogc, bool is_ours) {
  struct sc_override sets[FID_SETS_MAX] = {{"gc.gogc", gogc_texts[gogc]}};
  struct sim_options o = {.sets = sets, .set_count = 1};
  for (int i = 0; i < 2 && w->sets[i].path != NULL; i++) sets[o.set_count++] = w->sets[i];
  if (is_ours) sets[o.set_count++] = (struct sc_override){"gc.globals_bytes", globals_bytes};
  char *file = sim_scenario_path(w->scenario);
  struct scenario *s = file != NULL ? sim_scenario_read(file, &o) : NULL;
  free(file);
  return s;
}

static void watch_progress(void *arg, const char *phase, double done, const char *what) {
  sim_progress_update(arg, phase, done, what);
}
static void watch_tick(void *arg) { sim_progress_tick(arg); }

/* Runs one side once. NULL: it failed (said on stderr) or Ctrl-C. The caller owns the result. */
static cJSON *run_once(struct fidelity *f, const struct fid_workload *w, int side,
                       const struct scenario *s) {
  struct sim_spawn spawn = {
    .path = f->engine[side],
    .input = s->resolved_json,
    .run = f->progress.run,
    .runs = f->progress.runs,
    .deadline_ns = s->deadline_ns,
  };
  struct sim_watch watch = {.arg = &f->progress, .progress = watch_progress, .tick = watch_tick};
  struct sim_outcome outcome;
  sim_supervise(&f->cli->supervisor, &spawn, &watch, &outcome);
  cJSON *result = NULL;
  if (outcome.end == SIM_END_DONE) {
    result = outcome.result;
    outcome.result = NULL;
  } else if (outcome.end != SIM_END_INTERRUPTED) {
    char said[SIM_STDERR_KEPT + 1];
    sim_progress_clear(&f->progress);
    fprintf(stderr, "tricolor fidelity: %s, GOGC %d: %s %s\n%s\n", w->name, (int)s->gogc,
            f->engine[side], outcome.how != NULL ? outcome.how : "gave no result",
            sim_text_clean(outcome.said, said, sizeof said));
  }
  sim_outcome_free(&outcome);
  return result;
}

/* Runs ours and Go's in turn until each has its runs. */
static int run_sides(struct fidelity *f, const struct fid_workload *w,
                     struct scenario *const *scenarios, cJSON **results) {
  int sides = scenarios[FID_GO] != NULL ? 2 : 1;
  sim_progress_open(&f->progress, f->runs * (uint32_t)sides);
  bool good = true;
  for (uint32_t i = 0; good && i < f->runs * (uint32_t)sides; i++) {
    int side = (int)i % sides;
    sim_progress_run(&f->progress, i + 1, w->name);
    cJSON **slot = &results[(uint32_t)side * f->runs + i / (uint32_t)sides];
    *slot = run_once(f, w, side, scenarios[side]);
    good = *slot != NULL;
  }
  sim_progress_clear(&f->progress);
  int interrupted = sim_interrupted(f->cli);
  return interrupted != 0 ? interrupted : good ? TRI_EXIT_OK : TRI_EXIT_ENGINE;
}

static void measure(struct fidelity *f, struct fid_case *c, cJSON *const *results, int sides) {
  for (int side = 0; side < sides; side++) {
    const cJSON *const *of_side = (const cJSON *const *)&results[(uint32_t)side * f->runs];
    fid_side_measure(&c->side[side], of_side, f->runs);
  }
  double bytes;
  bool has_map = sim_metric_number(results[0], "maps.m.bucket_bytes", &bytes) && bytes > 0;
  c->bucket_bytes = has_map ? bytes : FID_NONE;
}

static int run_case(struct fidelity *f, const struct fid_workload *w, int gogc,
                    struct fid_case *c) {
  *c = (struct fid_case){.recorded_name = w->recorded, .gogc = gogcs[gogc]};
  fid_side_clear(&c->side[FID_GO]);
  if (!fid_side_recorded(&c->side[FID_RECORDED], f->recording, w->recorded, c->gogc)) {
    fprintf(stderr, "tricolor fidelity: the recording has no %s with GOGC %u\n", w->recorded,
            c->gogc);
    return TRI_EXIT_INPUT;
  }
  bool go_runs = w->go_runs && f->engine[FID_GO] != NULL;
  struct scenario *scenarios[FID_RECORDED] = {load(w, gogc, true),
                                              go_runs ? load(w, gogc, false) : NULL};
  int status = TRI_EXIT_INPUT;
  cJSON **results = sim_alloc(FID_RECORDED * f->runs * sizeof(cJSON *));
  if (scenarios[FID_OURS] != NULL && (!go_runs || scenarios[FID_GO] != NULL)) {
    status = run_sides(f, w, scenarios, results);
  }
  if (status == TRI_EXIT_OK) measure(f, c, results, go_runs ? 2 : 1);
  for (uint32_t i = 0; i < FID_RECORDED * f->runs; i++) cJSON_Delete(results[i]);
  for (int i = 0; i < FID_RECORDED; i++)
    if (scenarios[i] != NULL) scenario_free(scenarios[i]);
  free(results);
  return status;
}

/* ---- printing ---- */

struct fid_show { const char *name, *key; enum sim_unit unit; };
static const struct fid_show shows[FID_QUANTITIES] = {
  [FID_CYCLES] = {"GC cycles", "cycles", SIM_UNIT_COUNT},
  [FID_MALLOCS] = {"mallocs", "mallocs", SIM_UNIT_COUNT},
  [FID_BYTES] = {"bytes allocated", "bytes_allocated", SIM_UNIT_COUNT},
  [FID_B] = {"B", "B", SIM_UNIT_COUNT},
  [FID_NOVERFLOW] = {"overflow buckets", "noverflow", SIM_UNIT_COUNT},
  [FID_GROWTHS] = {"growths", "growths", SIM_UNIT_COUNT},
  [FID_GOAL] = {"last heap goal", "heap_goal_bytes", SIM_UNIT_BYTES},
  [FID_ASSIST] = {"assist share", "assist_share", SIM_UNIT_FRACTION},
};

static const char *value_text(enum fid_quantity q, double value, char *out) {
  return isnan(value) ? "-" : sim_format(shows[q].unit, value, out);
}

/* The difference in words; that of bytes split into overflow buckets, which hash seeds decide, and
 * the rest. */
static void difference_text(const struct fid_case *c, enum fid_quantity q, char *out) {
  double d = fid_difference(c, q);
  double mallocs = fid_difference(c, FID_MALLOCS);
  if (isnan(d)) {
    snprintf(out, SIM_TEXT_MAX, "-");
  } else if (q == FID_GOAL) {
    uint32_t ours = c->side[FID_OURS].goal_count;
    uint32_t go = c->side[fid_reference(c, q)].goal_count;
    snprintf(out, SIM_TEXT_MAX, "%.1f %% (worst of %u)", d * 100, ours < go ? ours : go);
  } else if (q == FID_ASSIST) {
    snprintf(out, SIM_TEXT_MAX, "x%.2f", d);
  } else if (q == FID_BYTES && !isnan(c->bucket_bytes) && fid_judge(c, q) == FID_SEED) {
    snprintf(out, SIM_TEXT_MAX, "%+.0f (%+.0f x %.0f B %+.0f)", d, mallocs, c->bucket_bytes,
             d - mallocs * c->bucket_bytes);
  } else {
    snprintf(out, SIM_TEXT_MAX, d == 0 ? "0" : "%+.0f", d);
  }
}

static bool is_shown(const struct fid_case *c, enum fid_quantity q) {
  return !isnan(c->side[FID_GO].value[q]) || !isnan(c->side[FID_RECORDED].value[q]);
}

static void print_quantity(struct sim_table *t, const struct fid_case *c, enum fid_quantity q) {
  char text[SIM_TEXT_MAX];
  enum fid_verdict verdict = fid_judge(c, q);
  bool is_open = verdict == FID_UNKNOWN || verdict == FID_VARIES;
  enum sim_style style = verdict == FID_MISSED ? SIM_BAD : is_open ? SIM_DIM : SIM_GOOD;
  sim_table_row(t);
  sim_table_cell(t, SIM_PLAIN, shows[q].name);
  for (int side = 0; side < FID_SIDES; side++)
    sim_table_cell(t, SIM_PLAIN, value_text(q, c->side[side].value[q], text));
  difference_text(c, q, text);
  sim_table_cell(t, SIM_PLAIN, text);
  sim_table_cell(t, style, fid_verdict_name(verdict));
}

static void print_table(const struct fidelity *f, FILE *out, bool color) {
  static const char *const head[] = {"", "ours", "Go here", "Go recorded", "difference", ""};
  struct sim_table *t = sim_table_new(sizeof head / sizeof head[0]);
  sim_table_row(t);
  for (size_t i = 0; i < sizeof head / sizeof head[0]; i++) sim_table_cell(t, SIM_DIM, head[i]);
  for (int i = 0; i < CASES; i++) {
    const struct fid_workload *w = &workloads[i / GOGC_COUNT];
    if (!f->is_done[i]) continue;
    char *title = sim_printf("%s, GOGC %u: %s", w->name, f->cases[i].gogc, w->doc);
    sim_table_heading(t, title);
    free(title);
    for (int q = 0; q < FID_QUANTITIES; q++)
      if (is_shown(&f->cases[i], (enum fid_quantity)q))
        print_quantity(t, &f->cases[i], (enum fid_quantity)q);
  }
  sim_table_print(t, out, color);
  sim_table_free(t);
}

static void print_rules(const struct fidelity *f, FILE *out) {
  sim_print_wrapped(out,
    "Ours is held against Go here where it ran, else against the recording. Bounds: cycles within "
    "one; mallocs, bytes, B and growths exact, or the difference is chance (hash seed: no further "
    "from Go's runs than these span, since random seeds decide the overflow buckets of a growing "
    "map) or small (start-up: what Go's runtime allocates for itself); goals within 3 %, the worst "
    "of the last 8 cycles, or lower by what Go's runtime itself keeps alive (start-up, 100 KiB); "
    "assist share of the processor time within a factor of 1.5 where Go's is at least 1 %. Go "
    "varies: outside, but Go here and Go recorded are as far apart, or ours is between them or "
    "as recorded. Medians.");
  if (f->engine[FID_GO] == NULL) {
    fprintf(out, "Go did not run here: no engine tricolor-native-go.\n");
  }
}

static void print_totals(const struct fidelity *f, FILE *out) {
  char *totals = sim_strdup("Within their bounds:");
  uint32_t varies = 0;
  for (int q = 0; q < FID_QUANTITIES; q++) {
    uint32_t met = 0, judged = 0;
    for (int i = 0; i < CASES; i++) {
      if (!f->is_done[i]) continue;
      enum fid_verdict verdict = fid_judge(&f->cases[i], (enum fid_quantity)q);
      judged += verdict != FID_UNKNOWN;
      met += verdict != FID_UNKNOWN && verdict != FID_MISSED && verdict != FID_VARIES;
      varies += verdict == FID_VARIES;
    }
    if (judged == 0) continue;
    bool is_first = totals[strlen(totals) - 1] == ':';
    char *more = sim_printf("%s%s %s %u of %u", totals, is_first ? "" : ",", shows[q].name, met,
                            judged);
    free(totals);
    totals = more;
  }
  fputc('\n', out);
  sim_print_wrapped(out, totals);
  fprintf(out, "Outside, but Go's own runs differ as much: %u\n", varies);
  fputc('\n', out);
  free(totals);
  print_rules(f, out);
}

/* ---- JSON ---- */

static void add_number(cJSON *o, const char *key, double value) {
  if (!isnan(value)) cJSON_AddNumberToObject(o, key, value);
}

static cJSON *case_json(const struct fid_workload *w, const struct fid_case *c) {
  static const char *const sides[FID_SIDES] = {"ours", "go", "recorded"};
  cJSON *o = cJSON_CreateObject();
  cJSON_AddStringToObject(o, "workload", w->name);
  cJSON_AddStringToObject(o, "doc", w->doc);
  cJSON_AddNumberToObject(o, "gogc", c->gogc);
  for (int q = 0; q < FID_QUANTITIES; q++) {
    cJSON *row = cJSON_AddObjectToObject(o, shows[q].key);
    for (int side = 0; side < FID_SIDES; side++)
      add_number(row, sides[side], c->side[side].value[q]);
    add_number(row, "difference", fid_difference(c, (enum fid_quantity)q));
    const char *verdict = fid_verdict_name(fid_judge(c, (enum fid_quantity)q));
    cJSON_AddStringToObject(row, "verdict", verdict);
  }
  cJSON *goals = cJSON_AddObjectToObject(o, "goals_newest_first");
  for (int side = 0; side < FID_SIDES; side++) {
    const struct fid_side *s = &c->side[side];
    cJSON_AddItemToObject(goals, sides[side],
                          cJSON_CreateDoubleArray(s->goal_low, (int)s->goal_count));
  }
  return o;
}

static cJSON *fidelity_json(const struct fidelity *f) {
  cJSON *doc = cJSON_CreateObject();
  cJSON_AddStringToObject(doc, "schema", FIDELITY_SCHEMA);
  cJSON_AddNumberToObject(doc, "runs", f->runs);
  cJSON *list = cJSON_AddArrayToObject(doc, "cases");
  for (int i = 0; i < CASES; i++) {
    if (!f->is_done[i]) continue;
    cJSON_AddItemToArray(list, case_json(&workloads[i / GOGC_COUNT], &f->cases[i]));
  }
  return doc;
}

/* ---- the command ---- */

/* Whether a word of the command line means a workload: its name, or "e" for all of "e-...". */
static bool is_meant(const char *word, const char *name) {
  size_t length = strlen(word);
  return length > 0 && strncmp(name, word, length) == 0 &&
         (name[length] == '\0' || name[length] == '-');
}

/* False: a word that names none; said on stderr. */
static bool choose(const struct sim_options *o, bool *wanted) {
  for (int i = 0; i < WORKLOADS; i++) wanted[i] = o->file_count == 0;
  for (uint32_t f = 0; f < o->file_count; f++) {
    struct sim_suggest suggest = {.typed = o->files[f]};
    bool is_known = false;
    for (int i = 0; i < WORKLOADS; i++) {
      bool meant = is_meant(o->files[f], workloads[i].name);
      wanted[i] |= meant;
      is_known |= meant;
      sim_suggest_offer(&suggest, workloads[i].name);
    }
    if (is_known) continue;
    char word[SIM_TEXT_MAX];
    fprintf(stderr, "tricolor fidelity: no workload \"%s\"",
            sim_text_clean(o->files[f], word, sizeof word));
    if (suggest.best != NULL) fprintf(stderr, "; did you mean %s?", suggest.best);
    fprintf(stderr, "\nThere are:\n");
    for (int i = 0; i < WORKLOADS; i++)
      fprintf(stderr, "  %-10s %s\n", workloads[i].name, workloads[i].doc);
    return false;
  }
  return true;
}

static int run_all(struct fidelity *f) {
  int status = TRI_EXIT_OK;
  for (int i = 0; i < CASES && status == TRI_EXIT_OK; i++) {
    const struct fid_workload *w = &workloads[i / GOGC_COUNT];
    if (!f->wanted[i / GOGC_COUNT]) continue;
    status = run_case(f, w, i % GOGC_COUNT, &f->cases[i]);
    f->is_done[i] = status == TRI_EXIT_OK;
  }
  return status;
}

static int report(const struct fidelity *f, struct sim_output *output, int status) {
  const char *json = f->options->json;
  bool json_only = json != NULL && strcmp(json, "-") == 0;
  FILE *out = json_only ? stderr : stdout;
  print_table(f, out, json_only ? f->cli->color_err : f->cli->color_out);
  print_totals(f, out);
  if (json == NULL) return status;
  cJSON *doc = fidelity_json(f);
  char *why = sim_output_write(output, doc);
  if (why != NULL) fprintf(stderr, "tricolor fidelity: %s\n", why);
  bool is_lost = why != NULL && status == TRI_EXIT_OK;
  free(why);
  cJSON_Delete(doc);
  return is_lost ? TRI_EXIT_ENGINE : status;
}

int sim_cmd_fidelity(struct sim_cli *cli, const struct sim_options *o) {
  struct fidelity *f = sim_alloc(sizeof *f);
  struct sim_output output = {.fd = -1};
  f->cli = cli;
  f->options = o;
  f->runs = o->runs != 0 ? o->runs : FID_RUNS_DEFAULT;
  int status = TRI_EXIT_INPUT;
  bool is_ready = choose(o, f->wanted) && (f->recording = read_recording()) != NULL &&
                  (f->engine[FID_OURS] = sim_engine_find("native", "concurrent")) != NULL;
  char *why = is_ready && o->json != NULL ? sim_output_open(&output, o->json, NULL) : NULL;
  if (why != NULL) fprintf(stderr, "tricolor fidelity: %s\n", why);
  if (is_ready && why == NULL) {
    f->engine[FID_GO] = sim_engine_probe("native", "go");
    status = run_all(f);
    if (status != TRI_EXIT_INPUT) status = report(f, &output, status);
  }
  sim_output_drop(&output);
  free(why);
  for (int i = 0; i < FID_RECORDED; i++) free(f->engine[i]);
  cJSON_Delete(f->recording);
  free(f);
  return status;
}
