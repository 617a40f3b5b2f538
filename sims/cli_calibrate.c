/* tricolor calibrate: measures the model's cost table on this machine.
 *
 * Single operations are measured directly, by the program tricolor-kernel-calibrate. The costs of
 * whole steps of the runtime (an allocation, a swept span, a probed bucket) contain announced
 * operations that the model counts by itself; they are fitted: a small scenario that does little
 * else runs natively and, with the row at 0 and at its default, in the model; the row is what the
 * model lacks, divided by how many units it charged. Each fit uses the rows found before it. A
 * native repetition is the quickest of three runs: others on the machine only ever add to it.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "sims/cli.h"
#include "sims/cli_metric.h"
#include "sims/cli_output.h"
#include "sims/cli_progress.h"
#include "sims/cost.h"
#include "sims/memory.h"
#include "sims/protocol.h"
#include "sims/stats.h"
#include "sims/table.h"

enum { RUNS_DEFAULT = 5, TRIES = 3 };
static const uint64_t run_deadline_ns = 300000000000u;

struct fit {
  enum sim_cost_row_id row;
  const char *what;     /* the work it is fitted on */
  const char *scenario; /* body of a scenario; ' stands for " */
};

#define GOROUTINES(body) "'goroutines':[{'body':[" body "]}]"
static const struct fit fits[] = {
    {SIM_COST_op, "operations that do nothing",
     GOROUTINES("{'op':'compute','ns':0,'count':2000000}")},
    {SIM_COST_switch, "two goroutines that yield",
     "'goroutines':[{'count':2,'body':[{'op':'yield','count':200000}]}]"},
    {SIM_COST_scan_byte, "marking 16 MB of nil pointers",
     GOROUTINES("{'op':'alloc','bytes':8192,'pointers':1024,'keep':2000,'count':2000},"
                "{'op':'gc','count':50}")},
    {SIM_COST_mark_object, "marking a list of 100,000 nodes",
     "'lists':{'l':{'node_bytes':64}},'setup':[{'op':'list.push','list':'l','count':100000}],"
     GOROUTINES("{'op':'gc','count':10}")},
    {SIM_COST_sweep_span, "sweeping 10,000 spans",
     GOROUTINES("{'op':'alloc','bytes':4096,'keep':20000,'count':20000},{'op':'gc','count':50}")},
    {SIM_COST_page_alloc, "allocating 4 KiB at a time",
     GOROUTINES("{'op':'alloc','bytes':4096,'count':200000}")},
    {SIM_COST_fresh_page, "keeping 20,000 objects of 4 KiB",
     GOROUTINES("{'op':'alloc','bytes':4096,'keep':20000,'count':20000}")},
    {SIM_COST_zero_byte, "allocating 64 KiB at a time",
     GOROUTINES("{'op':'alloc','bytes':65536,'count':20000}")},
    {SIM_COST_alloc, "allocating 32 bytes at a time",
     GOROUTINES("{'op':'alloc','bytes':32,'count':2000000}")},
    {SIM_COST_map_probe, "looking up 65,536 keys at random",
     "'maps':{'m':{}},'setup':[{'op':'map.put','map':'m','count':65536}],"
     GOROUTINES("{'op':'map.get','map':'m','count':500000,"
                "'keys':{'dist':'uniform','space':65536}}")},
    {SIM_COST_evacuate, "growing a map to 500,000 keys",
     "'maps':{'m':{}}," GOROUTINES("{'op':'map.put','map':'m','count':500000}")},
    {SIM_COST_walk_step, "building trees of 4,095 nodes",
     GOROUTINES("{'op':'tree.build','depth':11,'count':300}")},
    {SIM_COST_key_text, "looking up 65,536 keys of text at random",
     "'maps':{'m':{'key':'string'}},'setup':[{'op':'map.put','map':'m','count':65536}],"
     GOROUTINES("{'op':'map.get','map':'m','count':500000,"
                "'keys':{'dist':'uniform','space':65536}}")},
};
enum { FITS = sizeof fits / sizeof fits[0] };

struct found {
  struct sim_spread spread; /* ns for one unit */
  const char *how;
  bool is_known;
};

struct calibration {
  struct sim_cli *cli;
  char *kernel, *native, *model; /* executables */
  char table[64];                /* a temporary file: the costs of the next model run */
  uint32_t runs;
  struct sim_progress progress;
  struct sim_cost cost;          /* found so far, else defaults */
  struct found found[SIM_COST_ROWS];
  char compiler[64];
};

/* ---- running --------------------------------------------------------------------------------- */

static void watch_tick(void *arg) { sim_progress_tick(arg); }

/* One run; NULL: it failed, which is said, or was interrupted. */
static cJSON *run(struct calibration *c, const char *path, const char *input,
                  const char *const *more, const char *what) {
  struct sim_spawn spawn = {.path = path, .input = input, .run = 1, .runs = 1, .more = more,
                            .deadline_ns = run_deadline_ns};
  struct sim_watch watch = {.arg = &c->progress, .tick = watch_tick};
  struct sim_outcome out;
  cJSON *result = NULL;
  sim_progress_run(&c->progress, c->progress.run + 1, what);
  sim_supervise(&c->cli->supervisor, &spawn, &watch, &out);
  sim_progress_clear(&c->progress);
  if (out.end == SIM_END_DONE) {
    result = out.result;
    out.result = NULL;
  } else if (out.end != SIM_END_INTERRUPTED) {
    fprintf(stderr, "tricolor calibrate: %s, %s: %s\n%s", path, what,
            out.how != NULL ? out.how : "gave no result", out.said);
  }
  sim_outcome_free(&out);
  return result;
}

static char *scenario_text(const struct fit *f) {
  char *text = sim_printf("{'name':'calibrate','runtime':{'procs':1},%s}", f->scenario);
  for (char *p = text; *p != '\0'; p++)
    if (*p == '\'') *p = '"';
  return text;
}

/* Processor time of one run; negative: it failed. */
static double cpu_ns(struct calibration *c, const struct fit *f, bool in_model) {
  const char *const more[] = {"--cost", c->table, NULL};
  char *text = scenario_text(f);
  cJSON *result = run(c, in_model ? c->model : c->native, text, in_model ? more : NULL, f->what);
  double value = -1;
  if (result == NULL || !sim_metric_number(result, "cpu_ns", &value)) value = -1;
  cJSON_Delete(result);
  free(text);
  return value;
}

/* ---- the table as a document ----------------------------------------------------------------- */

static uint64_t to_ps(double ns) { return ns <= 0 ? 0 : (uint64_t)(ns * 1000 + 0.5); }

static cJSON *rows_json(const struct calibration *c) {
  cJSON *rows = cJSON_CreateObject();
  for (int i = 0; i < SIM_COST_ROWS; i++) {
    const struct found *f = &c->found[i];
    cJSON *row = cJSON_AddObjectToObject(rows, sim_cost_rows[i].name);
    cJSON_AddNumberToObject(row, "ps", (double)c->cost.ps[i]);
    cJSON_AddStringToObject(row, "unit", sim_cost_rows[i].unit);
    if (!f->is_known) continue;
    cJSON_AddStringToObject(row, "doc", f->how);
    cJSON_AddNumberToObject(row, "min_ps", (double)to_ps(f->spread.min));
    cJSON_AddNumberToObject(row, "max_ps", (double)to_ps(f->spread.max));
  }
  return rows;
}

static void add_cpu(cJSON *to) {
  FILE *f = fopen("/proc/cpuinfo", "r");
  char line[256] = "";
  const char *name = "unknown";
  while (f != NULL && fgets(line, sizeof line, f) != NULL) {
    char *colon = strchr(line, ':');
    if (strncmp(line, "model name", 10) != 0 || colon == NULL) continue;
    line[strcspn(line, "\n")] = '\0';
    name = colon + 2;
    break;
  }
  if (f != NULL) fclose(f);
  cJSON_AddStringToObject(to, "cpu", name);
}

static cJSON *cost_json(const struct calibration *c) {
  cJSON *doc = cJSON_CreateObject();
  struct utsname u;
  char date[32];
  time_t now = time(NULL);
  struct tm utc;
  cJSON_AddStringToObject(doc, "schema", SIM_COST_SCHEMA);
  cJSON *measured = cJSON_AddObjectToObject(doc, "measured");
  uname(&u);
  char *machine = sim_printf("%s %s, %s, %ld processors", u.sysname, u.release, u.machine,
                             sysconf(_SC_NPROCESSORS_ONLN));
  cJSON_AddStringToObject(measured, "machine", machine);
  free(machine);
  add_cpu(measured);
  strftime(date, sizeof date, "%Y-%m-%d", gmtime_r(&now, &utc));
  cJSON_AddStringToObject(measured, "date", date);
  cJSON_AddStringToObject(measured, "compiler", c->compiler);
  cJSON_AddStringToObject(measured, "how",
                          "tricolor calibrate: medians; min_ps and max_ps are the spread of the "
                          "repetitions, a fitted one being the quickest of three runs");
  cJSON_AddItemToObject(doc, "rows", rows_json(c));
  return doc;
}

/* Writes the costs found so far for the next model run. */
static bool write_table(struct calibration *c) {
  cJSON *doc = cost_json(c);
  char *text = cJSON_Print(doc);
  FILE *f = fopen(c->table, "w");
  bool is_written = f != NULL && fputs(text, f) >= 0;
  if (f != NULL && fclose(f) != 0) is_written = false;
  if (!is_written) fprintf(stderr, "tricolor calibrate: cannot write %s\n", c->table);
  cJSON_free(text);
  cJSON_Delete(doc);
  return is_written;
}

/* ---- measuring ------------------------------------------------------------------------------- */

static void keep(struct calibration *c, enum sim_cost_row_id row, double *values, uint32_t count,
                 const char *how) {
  struct found *f = &c->found[row];
  sim_stats_spread(values, count, &f->spread);
  f->how = how;
  f->is_known = true;
  c->cost.ps[row] = to_ps(f->spread.median);
}

static bool measure_directly(struct calibration *c) {
  cJSON *result = run(c, c->kernel, "", NULL, "single operations");
  const cJSON *list = NULL;
  const char *compiler = cJSON_GetStringValue(cJSON_GetObjectItem(result, "compiler"));
  snprintf(c->compiler, sizeof c->compiler, "%s", compiler != NULL ? compiler : "unknown");
  cJSON_ArrayForEach(list, cJSON_GetObjectItem(result, "rows")) {
    double values[64];
    uint32_t n = 0;
    const cJSON *value = NULL;
    cJSON_ArrayForEach(value, list) if (n < 64) values[n++] = value->valuedouble;
    for (int i = 0; i < SIM_COST_ROWS; i++)
      if (strcmp(sim_cost_rows[i].name, list->string) == 0)
        keep(c, (enum sim_cost_row_id)i, values, n, "measured alone");
  }
  cJSON_Delete(result);
  return result != NULL;
}

/* The model's time of a fit with its row at so many picoseconds; negative: failed. */
static double model_ns(struct calibration *c, const struct fit *f, uint64_t ps) {
  c->cost.ps[f->row] = ps;
  return write_table(c) ? cpu_ns(c, f, true) : -1;
}

/* The quickest of a few native runs; negative: one failed. */
static double native_ns(struct calibration *c, const struct fit *f) {
  double best = -1;
  for (int i = 0; i < TRIES; i++) {
    double ns = cpu_ns(c, f, false);
    if (ns < 0) return ns;
    if (best < 0 || ns < best) best = ns;
  }
  return best;
}

static bool measure_fit(struct calibration *c, const struct fit *f) {
  uint64_t some_ps = sim_cost_rows[f->row].ps > 0 ? sim_cost_rows[f->row].ps : 1000;
  double without = model_ns(c, f, 0), with = model_ns(c, f, some_ps);
  double *values = sim_alloc(c->runs * sizeof values[0]);
  bool is_fine = without >= 0 && with > without;
  for (uint32_t i = 0; i < c->runs && is_fine; i++) {
    double native = native_ns(c, f);
    double units = (with - without) / ((double)some_ps / 1000);
    values[i] = native > without ? (native - without) / units : 0;
    is_fine = native >= 0;
  }
  if (is_fine) keep(c, f->row, values, c->runs, f->what);
  free(values);
  return is_fine;
}

static bool measure_all(struct calibration *c) {
  sim_progress_open(&c->progress, 1 + FITS * (2 + TRIES * c->runs));
  if (!measure_directly(c)) return false;
  for (int i = 0; i < FITS; i++)
    if (!measure_fit(c, &fits[i])) return false;
  return true;
}

/* ---- the command ----------------------------------------------------------------------------- */

static void print_table(const struct calibration *c) {
  struct sim_table *t = sim_table_new(4);
  static const char *const head[] = {"row", "median", "least", "most"};
  sim_table_row(t);
  for (int i = 0; i < 4; i++) sim_table_cell(t, SIM_DIM, head[i]);
  for (int i = 0; i < SIM_COST_ROWS; i++) {
    const struct found *f = &c->found[i];
    const double numbers[] = {f->spread.median, f->spread.min, f->spread.max};
    sim_table_row(t);
    sim_table_cell(t, SIM_BOLD, sim_cost_rows[i].name);
    for (int k = 0; k < 3; k++) {
      char text[SIM_TEXT_MAX];
      snprintf(text, sizeof text, "%" PRIu64 " ps", to_ps(numbers[k]));
      sim_table_cell(t, SIM_PLAIN, f->is_known ? text : "-");
    }
  }
  sim_table_print(t, stdout, c->cli->color_out);
  sim_table_free(t);
  putchar('\n');
  for (int i = 0; i < SIM_COST_ROWS; i++)
    printf("%-16s %s (%s)\n", sim_cost_rows[i].name, sim_cost_rows[i].unit,
           c->found[i].is_known ? c->found[i].how : "not measured: the default");
}

static bool open_tools(struct calibration *c) {
  c->kernel = sim_engine_find("kernel", "calibrate");
  c->native = c->kernel != NULL ? sim_engine_find("native", "concurrent") : NULL;
  c->model = c->native != NULL ? sim_engine_find("model", "concurrent") : NULL;
  if (c->model == NULL) return false;
  snprintf(c->table, sizeof c->table, "/tmp/tricolor-cost-XXXXXX");
  int fd = mkstemp(c->table);
  if (fd < 0) fprintf(stderr, "tricolor calibrate: cannot make a file in /tmp\n");
  if (fd < 0) c->table[0] = '\0';
  if (fd >= 0) close(fd);
  return fd >= 0;
}

static int measure_and_write(struct calibration *c, struct sim_output *output) {
  bool is_done = measure_all(c);
  int interrupted = sim_interrupted(c->cli);
  if (interrupted != 0) return interrupted;
  if (!is_done) return TRI_EXIT_ENGINE;
  print_table(c);
  cJSON *doc = cost_json(c);
  char *why = sim_output_write(output, doc);
  cJSON_Delete(doc);
  if (why != NULL) fprintf(stderr, "tricolor calibrate: %s\n", why);
  bool is_written = why == NULL;
  free(why);
  return is_written ? TRI_EXIT_OK : TRI_EXIT_ENGINE;
}

int sim_cmd_calibrate(struct sim_cli *cli, const struct sim_options *o) {
  struct calibration c = {.cli = cli, .runs = o->runs != 0 ? o->runs : RUNS_DEFAULT};
  struct sim_output output = {.fd = -1};
  int status = TRI_EXIT_INPUT;
  sim_cost_default(&c.cost);
  char *why = sim_output_open(&output, o->out != NULL ? o->out : "cost-model.json", NULL);
  if (why != NULL) fprintf(stderr, "tricolor calibrate: %s; nothing was run\n", why);
  if (why == NULL && open_tools(&c)) status = measure_and_write(&c, &output);
  if (c.table[0] != '\0') unlink(c.table);
  sim_output_drop(&output);
  free(why);
  free(c.kernel);
  free(c.native);
  free(c.model);
  return status;
}
