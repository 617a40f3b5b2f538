/* tricolor run --engine native,model: what the model predicts against what is measured. */
#include <stdlib.h>
#include <string.h>

#include "sims/choices.h"
#include "sims/cli.h"
#include "sims/cli_engine.h"
#include "sims/cli_expect.h"
#include "sims/cli_metric.h"
#include "sims/cli_output.h"
#include "sims/cli_report.h"
#include "sims/memory.h"
#include "sims/protocol.h"
#include "sims/stats.h"
#include "sims/table.h"

enum { RUNS_DEFAULT = 3 };

struct prediction {
  struct sim_cli *cli;
  const struct sim_options *o;
  const struct scenario *scenario;
  const char *collector;
  char *model_path, *native_path, *cost;
  const cJSON **predicted, **measured; /* by native run; predicted: the same one each time */
  cJSON *model;
  uint32_t runs, done;                 /* native runs asked for, finished */
  bool shows_table;
  struct sim_output json;
  struct sim_findings findings;
};

/* ---- running --------------------------------------------------------------------------------- */

/* The result of one complete run; NULL: it failed (said on stderr), *status says how. */
static cJSON *run_one(struct prediction *p, struct sim_progress *progress, bool in_model,
                      uint32_t number, int *status) {
  const char *const more[] = {"--cost", p->cost, NULL};
  struct sim_outcome out;
  struct sim_attempt attempt = {
    .scenario = p->scenario, .platform = in_model ? "model" : "native", .collector = p->collector,
    .path = in_model ? p->model_path : p->native_path, .run = number, .runs = p->runs + 1,
    .more = in_model && p->cost != NULL ? more : NULL,
  };
  cJSON *result = NULL;
  if (sim_attempt_run(p->cli, &attempt, progress, &out)) {
    result = out.result;
    out.result = NULL;
  } else {
    *status = sim_outcome_status(&out);
  }
  sim_outcome_free(&out);
  return result;
}

static int run_all(struct prediction *p) {
  struct sim_progress progress;
  int status = TRI_EXIT_OK;
  sim_progress_open(&progress, p->runs + 1);
  p->model = run_one(p, &progress, true, 1, &status);
  while (p->model != NULL && p->done < p->runs) {
    cJSON *result = run_one(p, &progress, false, p->done + 2, &status);
    if (result == NULL) break;
    p->predicted[p->done] = p->model;
    p->measured[p->done++] = result;
  }
  return p->done == p->runs ? TRI_EXIT_OK : status;
}

/* ---- what is published ----------------------------------------------------------------------- */

/* One number: predicted, the median and spread of the measurements, and the error of the one
 * against the other. Ratios are predicted / measured, one a run. */
static cJSON *fold_ratio(double *ratios, uint32_t n) {
  struct sim_spread s;
  cJSON *o = cJSON_CreateObject();
  sim_stats_spread(ratios, n, &s);
  cJSON_AddNumberToObject(o, "ratio", s.median);
  cJSON_AddNumberToObject(o, "error", s.median - 1);
  cJSON_AddNumberToObject(o, "ratio_min", s.min);
  cJSON_AddNumberToObject(o, "ratio_max", s.max);
  return o;
}

static cJSON *fold_median(double *values, uint32_t n) {
  struct sim_spread s;
  sim_stats_spread(values, n, &s);
  return cJSON_CreateNumber(s.median);
}

/* tricolor.predict/1:
 *   schema, scenario, collector, seed, runs (native ones), config
 *   predicted: the model's tricolor.result/1; measured: the median of each number of the native
 *     results, at the same place; results: these
 *   errors: at the same place {ratio, error, ratio_min, ratio_max}: predicted / measured, the same
 *     less 1; null where a number is missing or 0 */
static cJSON *predict_json(const struct prediction *p) {
  cJSON *doc = cJSON_CreateObject();
  cJSON_AddStringToObject(doc, "schema", TRICOLOR_PREDICT_SCHEMA);
  cJSON_AddStringToObject(doc, "scenario", p->scenario->name);
  cJSON_AddStringToObject(doc, "collector", p->collector);
  cJSON_AddNumberToObject(doc, "seed", (double)p->scenario->seed);
  cJSON_AddNumberToObject(doc, "runs", p->done);
  cJSON *results = cJSON_AddArrayToObject(doc, "results");
  for (uint32_t i = 0; i < p->done; i++)
    cJSON_AddItemToArray(results, cJSON_Duplicate(p->measured[i], true));
  cJSON_AddItemToObject(doc, "predicted", cJSON_Duplicate(p->model, true));
  cJSON_AddItemToObject(doc, "measured", sim_metric_combine(p->measured, p->done, fold_median));
  cJSON_AddItemToObject(doc, "errors",
                        sim_metric_ratios(p->predicted, p->measured, p->done, fold_ratio));
  cJSON_AddItemToObject(doc, "expectations", sim_findings_json(&p->findings));
  cJSON_AddItemToObject(doc, "config", cJSON_Parse(p->scenario->resolved_json));
  return doc;
}

static void print_table(const struct prediction *p) {
  char name[SC_NAME_MAX];
  bool color = p->cli->color_out;
  struct sim_column columns[] = {{"predicted", p->predicted}, {"measured", p->measured}};
  struct sim_report report = {
    .columns = columns, .column_count = 2, .slots = p->done, .shows_error = true};
  printf("%s%s%s: model against native, %s collector, %u P%s, seed %llu, %u native run%s\n",
         sim_style_begin(SIM_BOLD, color), sim_text_clean(p->scenario->name, name, sizeof name),
         sim_style_end(SIM_BOLD, color), p->collector, p->scenario->procs,
         p->scenario->procs == 1 ? "" : "s", (unsigned long long)p->scenario->seed, p->done,
         p->done == 1 ? "" : "s");
  if (p->scenario->description[0] != '\0') sim_print_wrapped(stdout, p->scenario->description);
  putchar('\n');
  sim_report_print(&report, stdout, color);
  if (p->findings.count > 0) putchar('\n');
  sim_findings_print(&p->findings, stdout, color);
}

static void judge(struct prediction *p) {
  const cJSON **all = sim_alloc((p->done + 1) * sizeof all[0]);
  all[0] = p->model;
  memcpy(&all[1], p->measured, p->done * sizeof all[0]);
  bool is_ours = strcmp(p->collector, sim_collectors[0].name) == 0;
  sim_expect_judge(p->scenario, all, p->done + 1, is_ours ? p->done + 1 : 0, &p->findings);
  free(all);
}

static bool violations_fine(const struct prediction *p) {
  bool is_ours = strcmp(p->collector, sim_collectors[0].name) == 0;
  bool fine = sim_violations_fine(p->scenario, p->model, is_ours);
  for (uint32_t i = 0; i < p->done; i++)
    fine = fine && sim_violations_fine(p->scenario, p->measured[i], is_ours);
  return fine;
}

static int publish(struct prediction *p) {
  judge(p);
  if (p->shows_table) print_table(p);
  char *why = NULL;
  if (p->json.path != NULL) {
    cJSON *doc = predict_json(p);
    why = sim_output_write(&p->json, doc);
    cJSON_Delete(doc);
  }
  if (why != NULL) fprintf(stderr, "tricolor: %s\n", why);
  bool is_lost = why != NULL;
  free(why);
  if (is_lost) return TRI_EXIT_ENGINE;
  if (p->findings.any_unknown) return TRI_EXIT_INPUT;
  return p->findings.all_hold && violations_fine(p) ? TRI_EXIT_OK : TRI_EXIT_FAILED;
}

/* ---- the command ----------------------------------------------------------------------------- */

static bool open_all(struct prediction *p, const char *file) {
  const char *const avoid[] = {file, NULL};
  if (!sim_cost_path(p->o, &p->cost)) return false;
  p->model_path = sim_engine_find("model", p->collector);
  p->native_path = p->model_path != NULL ? sim_engine_find("native", p->collector) : NULL;
  if (p->native_path == NULL || !sim_expect_check(p->scenario)) return false;
  char *why = p->o->json != NULL ? sim_output_open(&p->json, p->o->json, avoid) : NULL;
  if (why != NULL) fprintf(stderr, "tricolor: %s; nothing was run\n", why);
  bool is_open = why == NULL;
  free(why);
  return is_open;
}

static void prediction_free(struct prediction *p) {
  for (uint32_t i = 0; i < p->done; i++) cJSON_Delete((cJSON *)(uintptr_t)p->measured[i]);
  cJSON_Delete(p->model);
  free(p->predicted);
  free(p->measured);
  free(p->model_path);
  free(p->native_path);
  free(p->cost);
  sim_findings_free(&p->findings);
  sim_output_drop(&p->json);
}

int sim_predict_scenario(struct sim_cli *cli, const struct sim_options *o, const char *file,
                         const struct scenario *s) {
  struct prediction p = {
    .cli = cli, .o = o, .scenario = s, .runs = o->runs != 0 ? o->runs : RUNS_DEFAULT,
    .collector = o->collector != NULL ? o->collector : sim_collectors[0].name,
    .shows_table = o->json == NULL || strcmp(o->json, "-") != 0,
  };
  p.predicted = sim_alloc(p.runs * sizeof p.predicted[0]);
  p.measured = sim_alloc(p.runs * sizeof p.measured[0]);
  int status = TRI_EXIT_INPUT;
  if (open_all(&p, file)) {
    status = run_all(&p);
    int signal_status = sim_interrupted(cli);
    if (signal_status != 0) {
      status = signal_status;
    } else if (status == TRI_EXIT_OK) {
      status = publish(&p);
    }
  }
  prediction_free(&p);
  return status;
}
