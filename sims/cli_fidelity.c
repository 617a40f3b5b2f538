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
#include "sims/fidelity_account.h"
#include "sims/memory.h"
#include "sims/protocol.h"
#include "sims/stats.h"
#include "sims/suggest.h"
#include "sims/table.h"

#define FIDELITY_SCHEMA "tricolor.fidelity/1"

enum {
  FID_RUNS_DEFAULT = FID_RUNS_TOLD, FID_SETS_MAX = 40, FID_ACCOUNT_MAX = 1000, GOGC_COUNT = 3,
  RECORDING_MAX = 1 << 20
};

static const uint32_t gogcs[GOGC_COUNT] = {50, 100, 200};
static const char *const gogc_texts[GOGC_COUNT] = {"50", "100", "200"};

/* Go's pacer counts the data and BSS of the recorded program; ours is told of as much. */
static const char globals_bytes[] = "232656";

/* Of map[any]*entry. */
static const double sync_bucket_bytes = 208;

struct fid_workload {
  const char *name, *doc;
  const char *recorded; /* its name in the recording */
  const char *scenario; /* shipped */
  struct sc_override sets[2];
  bool in_any_order;    /* several goroutines insert */
  bool has_setup;       /* which allocates */
};

static const struct fid_workload workloads[] = {
  {"a", "int -> int, empty at start", "a_int_int_grown", "map-growth", {{0}}, false, false},
  {"b", "int -> int, made large enough", "b_int_int_prealloc", "map-prealloc", {{0}}, false, false},
  {"c", "int -> pointer, empty at start", "c_int_ptr_grown", "map-pointer-values", {{0}},
   false, false},
  {"d", "string -> int, empty at start", "d_string_int_grown", "map-string-keys", {{0}},
   false, false},
  {"e-mutex", "8 goroutines, a map under a mutex", "e_mutex_map", "fidelity-lock", {{0}},
   .in_any_order = true},
  {"e-rwmutex", "8 goroutines, a map under a reader-writer mutex", "e_rwmutex_map",
   "fidelity-shared", {{"maps.m.kind", "go-rwmutex"}}, .in_any_order = true},
  {"e-sync", "8 goroutines, sync.Map", "e_sync_map", "fidelity-shared",
   {{"maps.m.kind", "syncmap"}}, .in_any_order = true},
  {"e-shard", "8 goroutines, 16 maps with a mutex each", "e_shard16_map", "fidelity-shards",
   {{0}}, .in_any_order = true},
  {"f", "churn beside a live queue of 64 MiB", "f_churn_64MiB", "churn-64mib", {{0}},
   .has_setup = true},
};
enum { PROBES = 5, PACE_OBJECTS = 2000000 };
enum { WORKLOADS = sizeof workloads / sizeof workloads[0], CASES = WORKLOADS * GOGC_COUNT };

/* One invocation. */
struct fidelity {
  struct sim_cli *cli;
  const struct sim_options *options;
  cJSON *recording;
  char *engine[FID_RECORDED]; /* FID_OURS, FID_GO; the latter NULL: not there */
  uint32_t runs;
  double startup_bytes; /* live heap of a Go program that does nothing, less ours; 0: unknown */
  double garbage_bytes;  /* of a set-up's first collection, the same */
  double globals_extra_ns; /* that marking nearly nothing but globals takes longer in Go */
  double alloc_extra_ns; /* that an object takes longer in Go; 0: unknown, or it does not */
  uint32_t probes;       /* begun */
  bool wanted[WORKLOADS], is_done[CASES];
  char account[CASES][FID_ACCOUNT_MAX]; /* of the last pair of runs; empty: not known */
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

/* Settings of one run; the values are its own. */
struct fid_sets {
  struct sc_override list[FID_SETS_MAX];
  uint32_t count;
};

static void sets_add(struct fid_sets *s, char *path, char *value) {
  if (s->count < FID_SETS_MAX) {
    s->list[s->count++] = (struct sc_override){path, value};
  } else {
    free(path);
    free(value);
  }
}

static void sets_free(struct fid_sets *s) {
  for (uint32_t i = 0; i < s->count; i++) {
    free((void *)(uintptr_t)s->list[i].path);
    free((void *)(uintptr_t)s->list[i].value);
  }
}

/* What a run of Go hashed with, how large its globals are, what lived in its heap before main and
 * how long it takes for an object, for ours to have the same; and Go's way with huge pages. */
static void sets_like_go(struct fid_sets *s, const struct fid_workload *w, const cJSON *go,
                         const struct fidelity *f) {
  const cJSON *map;
  cJSON_ArrayForEach(map, sim_metric_find(go, "maps")) {
    const char *key = cJSON_GetStringValue(sim_metric_find(map, "hash_key"));
    double hash0;
    if (key == NULL || !sim_metric_number(map, "hash0", &hash0)) continue;
    sets_add(s, sim_printf("maps.%s.hash_key", map->string),
             sim_printf("%llu", strtoull(key, NULL, 16)));
    sets_add(s, sim_printf("maps.%s.hash0", map->string), sim_printf("%.0f", hash0));
  }
  if (f->startup_bytes > 0)
    sets_add(s, sim_strdup("gc.startup_bytes"), sim_printf("%.0f", f->startup_bytes));
  if (w->has_setup && f->garbage_bytes > 0)
    sets_add(s, sim_strdup("gc.startup_garbage_bytes"), sim_printf("%.0f", f->garbage_bytes));
  if (f->alloc_extra_ns > 0)
    sets_add(s, sim_strdup("gc.alloc_extra_ns"), sim_printf("%.0f", f->alloc_extra_ns));
  if (f->globals_extra_ns > 0)
    sets_add(s, sim_strdup("gc.globals_extra_ns"), sim_printf("%.0f", f->globals_extra_ns));
  sets_add(s, sim_strdup("gc.huge_pages"), sim_strdup("large"));
  double globals;
  bool is_known = sim_metric_number(go, "gc.cycle_list.0.globals_bytes", &globals);
  sets_add(s, sim_strdup("gc.globals_bytes"),
           is_known ? sim_printf("%.0f", globals) : sim_strdup(globals_bytes));
}

/* ours: NULL for Go's side. go: the run of Go that ours is to be like; NULL: none. */
static struct scenario *load(const struct fid_workload *w, int gogc, const struct fidelity *ours,
                             const cJSON *go) {
  struct fid_sets sets = {.count = 0};
  sets_add(&sets, sim_strdup("gc.gogc"), sim_strdup(gogc_texts[gogc]));
  for (int i = 0; i < 2 && w->sets[i].path != NULL; i++)
    sets_add(&sets, sim_strdup(w->sets[i].path), sim_strdup(w->sets[i].value));
  if (ours != NULL) sets_like_go(&sets, w, go, ours);
  struct sim_options o = {.sets = sets.list, .set_count = sets.count};
  char *file = sim_scenario_path(w->scenario);
  struct scenario *s = file != NULL ? sim_scenario_read(file, &o) : NULL;
  free(file);
  sets_free(&sets);
  return s;
}

static void watch_progress(void *arg, const char *phase, double done, const char *what) {
  sim_progress_update(arg, phase, done, what);
}
static void watch_tick(void *arg) { sim_progress_tick(arg); }

/* Runs one side once. NULL: it failed (said on stderr) or Ctrl-C. The caller owns the result. */
static cJSON *run_once(struct fidelity *f, const char *name, int side, const struct scenario *s) {
  static const char *const like_ours[] = {"--portable-hash", NULL};
  struct sim_spawn spawn = {
    .path = f->engine[side],
    .input = s->resolved_json,
    .run = f->progress.run,
    .runs = f->progress.runs,
    .deadline_ns = s->deadline_ns,
    .more = side == FID_GO ? like_ours : NULL,
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
    fprintf(stderr, "tricolor fidelity: %s, GOGC %d: %s %s\n%s\n", name, (int)s->gogc,
            f->engine[side], outcome.how != NULL ? outcome.how : "gave no result",
            sim_text_clean(outcome.said, said, sizeof said));
  }
  sim_outcome_free(&outcome);
  return result;
}

/* The runs of one case so far: Go's and ours in turn, a pair after the other. */
struct fid_pairs {
  const struct fid_workload *w;
  int gogc;
  bool go_runs;
  cJSON **result[FID_RECORDED]; /* by side, then by run */
};

/* Run number i of one side. False: it failed or cannot be loaded (said on stderr), or Ctrl-C. */
static bool run_side(struct fidelity *f, struct fid_pairs *p, int side, uint32_t i, int *status) {
  const cJSON *go = side == FID_OURS && p->go_runs ? p->result[FID_GO][i] : NULL;
  struct scenario *s = load(p->w, p->gogc, side == FID_OURS ? f : NULL, go);
  if (s == NULL) {
    *status = TRI_EXIT_INPUT;
    return false;
  }
  p->result[side][i] = run_once(f, p->w->name, side, s);
  scenario_free(s);
  *status = TRI_EXIT_ENGINE;
  return p->result[side][i] != NULL;
}

static int run_pairs(struct fidelity *f, struct fid_pairs *p) {
  uint32_t sides = p->go_runs ? 2 : 1, done = 0;
  int status = TRI_EXIT_OK;
  bool good = true;
  sim_progress_open(&f->progress, f->runs * sides);
  for (uint32_t i = 0; good && i < f->runs; i++) {
    sim_progress_run(&f->progress, ++done, p->w->name);
    good = !p->go_runs || run_side(f, p, FID_GO, i, &status);
    if (!good) break;
    if (p->go_runs) sim_progress_run(&f->progress, ++done, p->w->name);
    good = run_side(f, p, FID_OURS, i, &status);
  }
  sim_progress_clear(&f->progress);
  int interrupted = sim_interrupted(f->cli);
  return interrupted != 0 ? interrupted : good ? TRI_EXIT_OK : status;
}

/* Accounts for what the two runs of each pair allocated differently. */
static void account(struct fidelity *f, const struct fid_pairs *p, struct fid_case *c) {
  struct fid_causes causes = {c->bucket_bytes, p->w->in_any_order};
  char *text = f->account[c - f->cases];
  c->is_named = p->go_runs;
  for (uint32_t i = 0; p->go_runs && i < f->runs; i++) {
    struct fid_account a;
    fid_account_make(&a, p->result[FID_OURS][i], p->result[FID_GO][i]);
    c->is_named &= a.is_known && fid_account_explain(&a, &causes, text, FID_ACCOUNT_MAX);
    if (!a.is_known) text[0] = '\0';
  }
}

static void measure(struct fidelity *f, const struct fid_pairs *p, struct fid_case *c) {
  for (int side = 0; side < (p->go_runs ? 2 : 1); side++)
    fid_side_measure(&c->side[side], (const cJSON *const *)p->result[side], f->runs);
  const cJSON *maps = sim_metric_find(p->result[FID_OURS][0], "maps");
  double bytes;
  bool has_map = maps != NULL && maps->child != NULL &&
                 sim_metric_number(maps->child, "bucket_bytes", &bytes) && bytes > 0;
  bool is_sync = has_map && strcmp(p->w->name, "e-sync") == 0;
  c->bucket_bytes = !has_map ? FID_NONE : is_sync ? sync_bucket_bytes : bytes;
  account(f, p, c);
}

static int run_case(struct fidelity *f, const struct fid_workload *w, int gogc,
                    struct fid_case *c) {
  *c = (struct fid_case){.recorded_name = w->recorded, .gogc = gogcs[gogc],
                         .startup_bytes = f->startup_bytes};
  fid_side_clear(&c->side[FID_GO]);
  if (!fid_side_recorded(&c->side[FID_RECORDED], f->recording, w->recorded, c->gogc)) {
    fprintf(stderr, "tricolor fidelity: the recording has no %s with GOGC %u\n", w->recorded,
            c->gogc);
    return TRI_EXIT_INPUT;
  }
  cJSON **results = sim_alloc(FID_RECORDED * f->runs * sizeof(cJSON *));
  struct fid_pairs p = {.w = w, .gogc = gogc, .go_runs = f->engine[FID_GO] != NULL};
  for (int side = 0; side < FID_RECORDED; side++)
    p.result[side] = &results[(uint32_t)side * f->runs];
  int status = run_pairs(f, &p);
  if (status == TRI_EXIT_OK) measure(f, &p, c);
  for (uint32_t i = 0; i < FID_RECORDED * f->runs; i++) cJSON_Delete(results[i]);
  free(results);
  return status;
}

/* A small program, and what is wanted of its result: metrics, each less another one if that is not
 * NULL. */
enum { PROBE_FIGURES = 2 };
struct fid_probe {
  const char *name, *text[FID_RECORDED];
  struct { const char *metric, *less; } figure[PROBE_FIGURES]; /* NULL: no more */
};

static bool read_figures(const struct fid_probe *p, const cJSON *result,
                         double out[PROBE_FIGURES]) {
  for (int i = 0; i < PROBE_FIGURES && p->figure[i].metric != NULL; i++) {
    double less = 0;
    bool good = sim_metric_number(result, p->figure[i].metric, &out[i]) &&
                (p->figure[i].less == NULL || sim_metric_number(result, p->figure[i].less, &less));
    if (!good) {
      fprintf(stderr, "tricolor fidelity: %s: the result has no %s\n", p->name,
              p->figure[i].metric);
      return false;
    }
    out[i] -= less;
  }
  return true;
}

/* One side of it, run once. False: it failed (said on stderr) or Ctrl-C. */
static bool probe_side(struct fidelity *f, const struct fid_probe *p, int side,
                       double out[PROBE_FIGURES]) {
  struct sc_errors errors = {0};
  const char *text = p->text[side];
  struct scenario *s = scenario_load("probe", text, strlen(text), NULL, 0, &errors);
  if (s == NULL) fprintf(stderr, "tricolor fidelity: a probe is no scenario: %s\n", text);
  cJSON *result = s != NULL ? run_once(f, s->name, side, s) : NULL;
  bool good = result != NULL && read_figures(p, result, out);
  cJSON_Delete(result);
  scenario_free(s);
  sc_errors_free(&errors);
  return good;
}

/* Go's figures less ours: medians of a few runs in turns, for a machine can be twice as fast at one
 * time as at another. False: as above. */
static bool probe(struct fidelity *f, const struct fid_probe *p, double more[PROBE_FIGURES]) {
  double figures[FID_RECORDED][PROBE_FIGURES][PROBES] = {{{0}}};
  for (uint32_t run = 0; run < FID_RECORDED * PROBES; run++) {
    int side = (int)(run % FID_RECORDED);
    double once[PROBE_FIGURES] = {0};
    sim_progress_run(&f->progress, ++f->probes, p->name);
    if (!probe_side(f, p, side, once)) return false;
    for (int i = 0; i < PROBE_FIGURES; i++) figures[side][i][run / FID_RECORDED] = once[i];
  }
  for (int i = 0; i < PROBE_FIGURES; i++) {
    struct sim_spread ours, go;
    sim_stats_spread(figures[FID_OURS][i], PROBES, &ours);
    sim_stats_spread(figures[FID_GO][i], PROBES, &go);
    more[i] = go.median - ours.median;
  }
  return true;
}

/* A program that only asks for a collection: what lives in its heap, and how long the marking of
 * its globals takes. */
#define ONLY_COLLECTS "\"runtime\":{\"procs\":2},\"goroutines\":[{\"body\":[{\"op\":\"gc\"}]}]}"
static const struct fid_probe startup_probe = {
  .name = "start-up",
  .text = {[FID_OURS] = "{\"name\":\"start-up\",\"gc\":{\"globals_bytes\":232656}," ONLY_COLLECTS,
           [FID_GO] = "{\"name\":\"start-up\"," ONLY_COLLECTS},
  .figure = {{"gc.cycle_list.0.heap_marked_bytes", NULL},
             {"gc.cycle_list.0.mark_term_ns", "gc.cycle_list.0.mark_ns"}},
};

/* What the first collection during a set-up finds to be nothing: until then Go counts as live all
 * of each span that one of its initialisers took an object of. Reading Go's counters corrects that,
 * which is done when a set-up is over. */
#define FILLS_A_LIST                                                                           \
  "{\"name\":\"garbage\",\"runtime\":{\"procs\":2},\"lists\":{\"q\":{\"node_bytes\":64}},"        \
  "\"setup\":[{\"op\":\"list.push\",\"list\":\"q\",\"count\":300000}],"                           \
  "\"goroutines\":[{\"body\":[{\"op\":\"list.pop\",\"list\":\"q\"}]}]}"
static const struct fid_probe garbage_probe = {
  .name = "start-up garbage",
  .text = {[FID_OURS] = FILLS_A_LIST, [FID_GO] = FILLS_A_LIST},
  .figure = {{"gc.cycle_list.0.heap_end_bytes", "gc.cycle_list.0.heap_marked_bytes"}},
};

/* How long an object takes: a queue of a few nodes, so that there is next to nothing to mark and no
 * memory is touched for the first time. Processor time. */
#define TURNS_A_QUEUE                                                                          \
  "{\"name\":\"pace\",\"runtime\":{\"procs\":1},\"gc\":{\"gogc\":400},"                           \
  "\"lists\":{\"q\":{\"node_bytes\":64}},\"goroutines\":[{\"body\":[{\"op\":\"loop\","             \
  "\"count\":1000000,\"body\":[{\"op\":\"list.push\",\"list\":\"q\"},"                            \
  "{\"op\":\"list.pop\",\"list\":\"q\"},{\"op\":\"alloc\",\"bytes\":64,\"pointers\":1}]}]}]}"
static const struct fid_probe pace_probe = {
  .name = "pace",
  .text = {[FID_OURS] = TURNS_A_QUEUE, [FID_GO] = TURNS_A_QUEUE},
  .figure = {{"cpu_ns", NULL}},
};

static bool probe_all(struct fidelity *f) {
  double startup[PROBE_FIGURES], garbage[PROBE_FIGURES], pace[PROBE_FIGURES];
  if (!probe(f, &startup_probe, startup) || !probe(f, &garbage_probe, garbage) ||
      !probe(f, &pace_probe, pace))
    return false;
  f->startup_bytes = startup[0];
  f->globals_extra_ns = fmax(0, floor(startup[1]));
  f->garbage_bytes = garbage[0];
  f->alloc_extra_ns = fmax(0, floor(pace[0] / PACE_OBJECTS + 0.5));
  return true;
}

/* What Go has and ours is to have, too. */
static int measure_go(struct fidelity *f) {
  sim_progress_open(&f->progress, FID_RECORDED * 3 * PROBES);
  f->probes = 0;
  bool good = probe_all(f);
  sim_progress_clear(&f->progress);
  int interrupted = sim_interrupted(f->cli);
  return interrupted != 0 ? interrupted : good ? TRI_EXIT_OK : TRI_EXIT_ENGINE;
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

/* Where the bound is missed: whether Go's own runs explain it. */
static void add_chance(const struct fid_case *c, enum fid_quantity q, char *out, int used) {
  enum fid_verdict verdict = fid_judge(c, q);
  if (verdict != FID_VARIES && verdict != FID_MISSED) return;
  double chance = fid_alike(c, q);
  if (!isnan(chance)) snprintf(out + used, SIM_TEXT_MAX - (size_t)used, " p %.2g", chance);
}

/* The difference in words; that of bytes split into overflow buckets, which hash seeds decide, and
 * the rest. */
static void difference_text(const struct fid_case *c, enum fid_quantity q, char *out) {
  double d = fid_difference(c, q);
  double mallocs = fid_difference(c, FID_MALLOCS);
  if (isnan(d)) {
    snprintf(out, SIM_TEXT_MAX, "-");
  } else if (q == FID_GOAL) {
    double own = fid_goals_apart_of_go(c);
    int n = snprintf(out, SIM_TEXT_MAX, "%.1f %%", d * 100);
    if (!isnan(own))
      n += snprintf(out + n, SIM_TEXT_MAX - (size_t)n, " (Go's own %.1f %%; median %.1f %%)",
                    own * 100, fid_goals_typical(c) * 100);
    add_chance(c, q, out, n);
  } else if (q == FID_ASSIST) {
    const struct fid_side *go = &c->side[FID_GO];
    int n = snprintf(out, SIM_TEXT_MAX, "x%.2f", d);
    if (go->high[q] > go->low[q])
      n += snprintf(out + n, SIM_TEXT_MAX - (size_t)n, " (Go's own %.1f..%.1f %%)",
                    go->low[q] * 100, go->high[q] * 100);
    add_chance(c, q, out, n);
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

/* Which objects the runs of the last pair of each case allocated differently. */
static void print_accounts(const struct fidelity *f, FILE *out) {
  bool is_first = true;
  for (int i = 0; i < CASES; i++) {
    if (!f->is_done[i] || f->account[i][0] == '\0') continue;
    if (is_first)
      fputs("\nObjects: ours less Go's, of two runs that hashed alike (the last pair)\n", out);
    is_first = false;
    char *line = sim_printf("%s, GOGC %u: %s", workloads[i / GOGC_COUNT].name, f->cases[i].gogc,
                            f->account[i]);
    sim_print_wrapped(out, line);
    free(line);
  }
}

static void print_cycles(const char *who, const struct fid_side *side, FILE *out) {
  if (side->run_count == 0) return;
  const struct fid_cycles *run = &side->run[side->run_count - 1];
  fprintf(out, "  %-5s", who);
  for (uint32_t i = run->count; i-- > 0;)
    fprintf(out, " %.2f/%.2f", run->start[i] / (1 << 20), run->goal[i] / (1 << 20));
  fputc('\n', out);
}

static void print_sequences(const struct fidelity *f, FILE *out) {
  static const char head[] =
      "\nLive heap at the start of a cycle / its goal, MiB, the last cycles of the last run\n";
  fputs(head, out);
  for (int i = 0; i < CASES; i++) {
    if (!f->is_done[i]) continue;
    fprintf(out, "%s, GOGC %u\n", workloads[i / GOGC_COUNT].name, f->cases[i].gogc);
    print_cycles("ours", &f->cases[i].side[FID_OURS], out);
    print_cycles("Go", &f->cases[i].side[FID_GO], out);
  }
}

static void print_rules(const struct fidelity *f, FILE *out) {
  sim_print_wrapped(out,
    "Ours is held against Go here where it ran, else against the recording. Go here hashes with "
    "its portable function, and ours with that run's key and seeds. Bounds: cycles within one; "
    "mallocs, bytes, B and growths exact, or named: each object of the difference is accounted "
    "for above, in every pair of runs. Goals within 3 %: each run of ours against the nearest of "
    "Go's, the worst of the last 32 cycles, median over the runs; median: the median of these "
    "cycles instead of the worst; Go's own: its runs, each against the nearest other one. A goal "
    "of Go that was read too late is known to the MiB. Assist share of the processor time within "
    "a factor of 1.5 where Go's is at least 1 %. Medians. Go varies: outside, but with a chance p "
    "of at least 1 % runs dealt out to the two sides at random would be as far apart (energy "
    "distance, permutation test; 5 runs or more), or the share is between Go's medians here and as "
    "recorded. Ours has from its "
    "start on as much live heap as a Go program that does nothing, where there is a set-up as much "
    "that the first collection finds to be none, as many bytes of globals, takes as long for "
    "marking them and for each object its operations allocate, and asks for huge pages where Go "
    "does. "
    "Without Go here: hash seed, no further from Go's recorded runs than these span; start-up, "
    "small.");
  if (f->startup_bytes > 0)
    fprintf(out, "Live heap of a Go program that does nothing, more than ours: %.0f bytes; what "
                 "the first collection in a set-up finds to be none: %.0f bytes; time of an object "
                 "there, longer than ours: %.0f ns, and of marking its globals: %.0f ns\n",
            f->startup_bytes, f->garbage_bytes, f->alloc_extra_ns, f->globals_extra_ns);
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

static void add_runs(cJSON *o, const struct fid_side *side, const char *name) {
  cJSON *runs = cJSON_AddArrayToObject(o, name);
  for (uint32_t i = 0; i < side->run_count; i++) {
    const struct fid_cycles *run = &side->run[i];
    cJSON *one = cJSON_CreateObject();
    cJSON_AddItemToArray(runs, one);
    cJSON_AddItemToObject(one, "goals", cJSON_CreateDoubleArray(run->goal, (int)run->count));
    cJSON_AddItemToObject(one, "starts", cJSON_CreateDoubleArray(run->start, (int)run->count));
  }
}

static cJSON *case_json(const struct fid_workload *w, const struct fid_case *c,
                        const char *account) {
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
    if (q == FID_GOAL || q == FID_ASSIST)
      add_number(row, "alike_chance", fid_alike(c, (enum fid_quantity)q));
  }
  cJSON_AddStringToObject(o, "objects", account);
  cJSON *each = cJSON_AddObjectToObject(o, "cycles_newest_first");
  add_runs(each, &c->side[FID_OURS], sides[FID_OURS]);
  add_runs(each, &c->side[FID_GO], sides[FID_GO]);
  add_number(o, "goals_apart_of_go", fid_goals_apart_of_go(c));
  add_number(o, "goals_apart_median", fid_goals_typical(c));
  add_number(o, "assist_share_of_go_least", c->side[FID_GO].low[FID_ASSIST]);
  add_number(o, "assist_share_of_go_most", c->side[FID_GO].high[FID_ASSIST]);
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
  cJSON_AddNumberToObject(doc, "startup_bytes", f->startup_bytes);
  cJSON_AddNumberToObject(doc, "startup_garbage_bytes", f->garbage_bytes);
  cJSON_AddNumberToObject(doc, "alloc_extra_ns", f->alloc_extra_ns);
  cJSON_AddNumberToObject(doc, "globals_extra_ns", f->globals_extra_ns);
  cJSON *list = cJSON_AddArrayToObject(doc, "cases");
  for (int i = 0; i < CASES; i++) {
    if (!f->is_done[i]) continue;
    cJSON_AddItemToArray(list, case_json(&workloads[i / GOGC_COUNT], &f->cases[i], f->account[i]));
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
  int status = f->engine[FID_GO] != NULL ? measure_go(f) : TRI_EXIT_OK;
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
  print_accounts(f, out);
  print_sequences(f, out);
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
