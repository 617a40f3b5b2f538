/* tricolor bench: our targets against their peers, interleaved, as ratios of medians.
 *
 * A row is a measurement of ours and the same one of a peer: either a kernel (one inner loop in a
 * process of its own, sims/bench) or a whole scenario on two engines. Ours and the peer's run in
 * turn, A B A B, so that a drift of the machine touches both. Nothing here is a test: a missed
 * target is printed, and the exit status stays 0.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "sims/cli.h"
#include "sims/cli_metric.h"
#include "sims/cli_output.h"
#include "sims/cli_progress.h"
#include "sims/memory.h"
#include "sims/protocol.h"
#include "sims/stats.h"
#include "sims/table.h"

#define BENCH_SCHEMA "tricolor.bench/1"

enum { BENCH_RUNS_DEFAULT = 5, BENCH_SIDES = 2 };
static const uint64_t kernel_deadline_ns = 120000000000u;

/* One side of a row: the executable tricolor-PLATFORM-COLLECTOR. */
struct bench_side {
  const char *platform, *collector;
};

struct bench_row {
  const char *name, *doc;
  const char *scenario;     /* a shipped scenario, or NULL: input is a kernel request */
  const char *input;
  const char *metric;       /* path in the result */
  enum sim_unit unit;
  struct bench_side side[BENCH_SIDES]; /* ours, the peer's (NULL: there is none) */
  double ratio_max;         /* target: ours / peer at most; 0: none */
  double value_max;         /* target: ours at most, in the metric's unit; 0: none */
  const char *peer_missing; /* what to do when the peer's executable is not there */
};

static const char *const need_go =
    "no Go toolchain was found when this was built: apt-get install golang-1.19-go";
static const char *const need_boehm = "the Boehm engine is not installed";

static const struct bench_row rows[] = {
    {"alloc32", "allocate 32 bytes and drop them; peer: Boehm's GC_MALLOC called directly", NULL,
     "alloc32\n", "ns_per_op", SIM_UNIT_NS, {{"kernel", "concurrent"}, {"peer", "boehm"}}, 0.5, 0,
     need_boehm},
    {"alloc32-go", "the same; peer: Go", NULL, "alloc32\n", "ns_per_op", SIM_UNIT_NS,
     {{"kernel", "concurrent"}, {"peer", "go"}}, 1, 0, need_go},
    {"longest-stop", "longest stop with a live list of 128 MiB under churn; peer: Boehm",
     "stop-128mib", NULL, "pauses.max_ns", SIM_UNIT_NS,
     {{"native", "concurrent"}, {"native", "boehm"}}, 0.01, 0, need_boehm},
    {"gcbench", "wall time of GCBench; peer: Boehm", "gcbench", NULL, "wall_ns", SIM_UNIT_NS,
     {{"native", "concurrent"}, {"native", "boehm"}}, 0.8, 0, need_boehm},
    {"switch", "switch to a goroutine of the same P and function; Go has no such call", NULL,
     "switch\n", "ns_per_op", SIM_UNIT_NS, {{"kernel", "concurrent"}, {NULL, NULL}}, 0, 20, NULL},
    {"switch-apart", "the same between two functions, whose returns are mispredicted", NULL,
     "switch-apart\n", "ns_per_op", SIM_UNIT_NS, {{"kernel", "concurrent"}, {NULL, NULL}}, 0, 20,
     NULL},
    {"gosched", "yield through the global queue; peer: Go's Gosched", NULL, "gosched\n",
     "ns_per_op", SIM_UNIT_NS, {{"kernel", "concurrent"}, {"peer", "go"}}, 1, 0, need_go},
    {"map-grow", "insert 10^6 ascending uint64 keys into an empty map; peer: Go", NULL,
     "map-grow\n", "ns_per_op", SIM_UNIT_NS, {{"kernel", "concurrent"}, {"peer", "go"}}, 1, 0,
     need_go},
};
enum { BENCH_ROWS = sizeof rows / sizeof rows[0] };

/* What was measured of one row. */
struct bench_found {
  bool is_skipped;
  uint32_t count[BENCH_SIDES];
  double values[BENCH_SIDES][SIM_RUNS_MAX];
  struct sim_spread spread[BENCH_SIDES];
  double ratio; /* of the medians; 0: no peer */
};

/* What the run of one row needs; freed by row_close. */
struct bench_open {
  char *path[BENCH_SIDES]; /* NULL: that side is not there */
  struct scenario *scenario;
};

static bool row_open(const struct bench_row *row, const struct sim_options *o,
                     struct bench_open *open) {
  *open = (struct bench_open){0};
  open->path[0] = sim_engine_find(row->side[0].platform, row->side[0].collector);
  if (open->path[0] == NULL) return false;
  if (row->side[1].platform != NULL)
    open->path[1] = sim_engine_probe(row->side[1].platform, row->side[1].collector);
  if (row->scenario == NULL) return true;
  char *file = sim_scenario_path(row->scenario);
  if (file == NULL) return false;
  open->scenario = sim_scenario_read(file, o);
  free(file);
  return open->scenario != NULL;
}

static void row_close(struct bench_open *open) {
  for (int i = 0; i < BENCH_SIDES; i++) free(open->path[i]);
  if (open->scenario != NULL) scenario_free(open->scenario);
}

static void watch_progress(void *arg, const char *phase, double done, const char *what) {
  sim_progress_update(arg, phase, done, what);
}
static void watch_tick(void *arg) { sim_progress_tick(arg); }

/* Runs one side once and keeps its number. False: it failed (said on stderr) or Ctrl-C. */
static bool measure(struct sim_cli *cli, const struct bench_row *row, struct bench_open *open,
                    int side, struct sim_progress *progress, struct bench_found *found) {
  struct sim_spawn spawn = {
      .path = open->path[side],
      .input = open->scenario != NULL ? open->scenario->resolved_json : row->input,
      .run = progress->run,
      .runs = progress->runs,
      .deadline_ns = open->scenario != NULL ? open->scenario->deadline_ns : kernel_deadline_ns,
  };
  struct sim_watch watch = {.arg = progress, .progress = watch_progress, .tick = watch_tick};
  struct sim_outcome outcome;
  sim_supervise(&cli->supervisor, &spawn, &watch, &outcome);
  double value;
  bool good = outcome.end == SIM_END_DONE && sim_metric_number(outcome.result, row->metric, &value);
  if (good) {
    found->values[side][found->count[side]++] = value;
  } else if (outcome.end != SIM_END_INTERRUPTED) {
    sim_progress_clear(progress);
    fprintf(stderr, "tricolor bench: %s: tricolor-%s-%s %s\n", row->name, row->side[side].platform,
            row->side[side].collector,
            outcome.how != NULL ? outcome.how : "gave no number");
  }
  sim_outcome_free(&outcome);
  return good;
}

static void summarise(struct bench_found *found) {
  for (int side = 0; side < BENCH_SIDES; side++)
    sim_stats_spread(found->values[side], found->count[side], &found->spread[side]);
  if (found->spread[1].count > 0 && found->spread[1].median > 0)
    found->ratio = found->spread[0].median / found->spread[1].median;
}

/* Runs one row, ours and the peer's in turn. */
static int run_row(struct sim_cli *cli, const struct sim_options *o, const struct bench_row *row,
                   uint32_t runs, struct bench_found *found) {
  struct bench_open open;
  int status = TRI_EXIT_OK;
  if (!row_open(row, o, &open)) {
    row_close(&open);
    return TRI_EXIT_INPUT;
  }
  int sides = open.path[1] != NULL ? BENCH_SIDES : 1;
  found->is_skipped = sides == 1 && row->value_max == 0;
  struct sim_progress progress;
  sim_progress_open(&progress, runs * (uint32_t)sides);
  for (uint32_t run = 0; !found->is_skipped && run < runs && status == TRI_EXIT_OK; run++) {
    for (int side = 0; side < sides && status == TRI_EXIT_OK; side++) {
      sim_progress_run(&progress, run * (uint32_t)sides + (uint32_t)side + 1, row->name);
      if (!measure(cli, row, &open, side, &progress, found)) status = TRI_EXIT_ENGINE;
    }
  }
  sim_progress_clear(&progress);
  row_close(&open);
  summarise(found);
  int interrupted = sim_interrupted(cli);
  return interrupted != 0 ? interrupted : status;
}

/* "met", "missed" or "-" (nothing to hold it against). */
static const char *verdict(const struct bench_row *row, const struct bench_found *found) {
  bool ratio_known = row->ratio_max > 0 && found->ratio > 0;
  bool value_known = row->value_max > 0 && found->spread[0].count > 0;
  if (!ratio_known && !value_known) return "-";
  bool met = (!ratio_known || found->ratio <= row->ratio_max) &&
             (!value_known || found->spread[0].median <= row->value_max);
  return met ? "met" : "missed";
}

static void target_text(const struct bench_row *row, char *out, size_t room) {
  char value[SIM_TEXT_MAX];
  if (row->value_max > 0)
    snprintf(out, room, "ours <= %s", sim_format(row->unit, row->value_max, value));
  else
    snprintf(out, room, "ratio <= %g", row->ratio_max);
}

static void spread_text(const struct bench_row *row, const struct sim_spread *s, char *out) {
  if (s->count == 0)
    snprintf(out, SIM_TEXT_MAX, "-");
  else
    sim_format_spread(row->unit, s->median, s->min, s->max, out);
}

static void print_row(struct sim_table *t, const struct bench_row *row,
                      const struct bench_found *found) {
  char text[SIM_TEXT_MAX];
  sim_table_row(t);
  sim_table_cell(t, SIM_BOLD, row->name);
  for (int side = 0; side < BENCH_SIDES; side++) {
    spread_text(row, &found->spread[side], text);
    sim_table_cell(t, SIM_PLAIN, text);
  }
  snprintf(text, sizeof text, found->ratio > 0 ? "%.4g" : "-", found->ratio);
  sim_table_cell(t, SIM_PLAIN, text);
  target_text(row, text, sizeof text);
  sim_table_cell(t, SIM_PLAIN, text);
  const char *v = verdict(row, found);
  enum sim_style style = v[0] == '-' ? SIM_DIM : strcmp(v, "met") == 0 ? SIM_GOOD : SIM_BAD;
  sim_table_cell(t, style, found->is_skipped ? "skipped" : v);
}

static void print_table(FILE *f, const bool *wanted, const struct bench_found *found, bool color) {
  static const char *const head[] = {"benchmark", "ours", "peer", "ratio", "target", ""};
  struct sim_table *t = sim_table_new(sizeof head / sizeof head[0]);
  sim_table_row(t);
  for (size_t i = 0; i < sizeof head / sizeof head[0]; i++) sim_table_cell(t, SIM_DIM, head[i]);
  for (int i = 0; i < BENCH_ROWS; i++)
    if (wanted[i]) print_row(t, &rows[i], &found[i]);
  sim_table_print(t, f, color);
  sim_table_free(t);
  fputc('\n', f);
  for (int i = 0; i < BENCH_ROWS; i++) {
    if (!wanted[i]) continue;
    fprintf(f, "%-13s %s\n", rows[i].name, rows[i].doc);
    if (found[i].is_skipped) fprintf(f, "%-13s skipped: %s\n", "", rows[i].peer_missing);
  }
  fprintf(f, "\nMedians [min..max] of interleaved runs; ratio = median ours / median peer, "
             "lower is better.\n");
}

static cJSON *side_json(const struct bench_found *found, int side) {
  cJSON *o = cJSON_CreateObject();
  cJSON_AddItemToObject(o, "values",
                        cJSON_CreateDoubleArray(found->values[side], (int)found->count[side]));
  if (found->count[side] > 0) cJSON_AddNumberToObject(o, "median", found->spread[side].median);
  return o;
}

static cJSON *bench_json(const bool *wanted, const struct bench_found *found, uint32_t runs) {
  cJSON *doc = cJSON_CreateObject();
  cJSON_AddStringToObject(doc, "schema", BENCH_SCHEMA);
  cJSON_AddNumberToObject(doc, "runs", runs);
  cJSON *list = cJSON_AddObjectToObject(doc, "benchmarks");
  for (int i = 0; i < BENCH_ROWS; i++) {
    if (!wanted[i]) continue;
    cJSON *o = cJSON_AddObjectToObject(list, rows[i].name);
    cJSON_AddStringToObject(o, "doc", rows[i].doc);
    cJSON_AddStringToObject(o, "metric", rows[i].metric);
    cJSON_AddItemToObject(o, "ours", side_json(&found[i], 0));
    cJSON_AddItemToObject(o, "peer", side_json(&found[i], 1));
    if (found[i].ratio > 0) cJSON_AddNumberToObject(o, "ratio", found[i].ratio);
    if (rows[i].ratio_max > 0) cJSON_AddNumberToObject(o, "ratio_max", rows[i].ratio_max);
    if (rows[i].value_max > 0) cJSON_AddNumberToObject(o, "value_max", rows[i].value_max);
    const char *v = found[i].is_skipped ? "skipped" : verdict(&rows[i], &found[i]);
    cJSON_AddStringToObject(o, "verdict", v);
  }
  return doc;
}

/* Marks the rows named on the command line, all when none is. False: an unknown name. */
static bool choose_rows(const struct sim_options *o, bool *wanted) {
  for (int i = 0; i < BENCH_ROWS; i++) wanted[i] = o->file_count == 0;
  for (uint32_t f = 0; f < o->file_count; f++) {
    int i = 0;
    while (i < BENCH_ROWS && strcmp(rows[i].name, o->files[f]) != 0) i++;
    if (i == BENCH_ROWS) {
      fprintf(stderr, "tricolor bench: no benchmark \"%s\"; there are:\n", o->files[f]);
      for (i = 0; i < BENCH_ROWS; i++) fprintf(stderr, "  %-13s %s\n", rows[i].name, rows[i].doc);
      return false;
    }
    wanted[i] = true;
  }
  return true;
}

int sim_cmd_bench(struct sim_cli *cli, const struct sim_options *o) {
  bool wanted[BENCH_ROWS];
  if (!choose_rows(o, wanted)) return TRI_EXIT_INPUT;
  struct sim_output output = {.fd = -1};
  if (o->json != NULL) {
    char *why = sim_output_open(&output, o->json, NULL);
    if (why != NULL) {
      fprintf(stderr, "tricolor bench: %s\n", why);
      free(why);
      return TRI_EXIT_INPUT;
    }
  }
  uint32_t runs = o->runs != 0 ? o->runs : BENCH_RUNS_DEFAULT;
  struct bench_found *found = sim_alloc(BENCH_ROWS * sizeof *found);
  int status = TRI_EXIT_OK;
  for (int i = 0; i < BENCH_ROWS && status == TRI_EXIT_OK; i++)
    if (wanted[i]) status = run_row(cli, o, &rows[i], runs, &found[i]);
  bool json_only = o->json != NULL && strcmp(o->json, "-") == 0;
  print_table(json_only ? stderr : stdout, wanted, found,
              json_only ? cli->color_err : cli->color_out);
  if (o->json != NULL) {
    cJSON *doc = bench_json(wanted, found, runs);
    char *why = sim_output_write(&output, doc);
    if (why != NULL) fprintf(stderr, "tricolor bench: %s\n", why);
    if (why != NULL && status == TRI_EXIT_OK) status = TRI_EXIT_ENGINE;
    free(why);
    cJSON_Delete(doc);
    sim_output_drop(&output);
  }
  free(found);
  return status;
}
