/* tricolor run: one scenario on one engine. */
#include <stdlib.h>
#include <string.h>

#include "sims/choices.h"
#include "sims/cli.h"
#include "sims/cli_engine.h"
#include "sims/cli_expect.h"
#include "sims/cli_output.h"
#include "sims/cli_report.h"
#include "sims/memory.h"
#include "sims/protocol.h"
#include "sims/table.h"

/* Everything one `run` holds; freed as a whole at its end. */
struct run {
  struct sim_cli *cli;
  const struct sim_options *o;
  const struct scenario *scenario;
  const char *platform, *collector;
  bool is_ours; /* the collector is ours */
  bool shows_table;
  char *cost;   /* the model's cost table; NULL: its own */
  struct sim_output json, events;
  struct sim_outcome outcome;
  struct sim_findings findings;
};

static void print_title(const struct run *r, FILE *f) {
  char name[SC_NAME_MAX];
  bool color = r->cli->color_out;
  fprintf(f, "%s%s%s: %s, %s collector, seed %llu\n", sim_style_begin(SIM_BOLD, color),
          sim_text_clean(r->scenario->name, name, sizeof name), sim_style_end(SIM_BOLD, color),
          r->platform, r->collector, (unsigned long long)r->scenario->seed);
  if (r->scenario->description[0] != '\0') sim_print_wrapped(f, r->scenario->description);
  fputc('\n', f);
}

static void print_result(const struct run *r, FILE *f) {
  const cJSON *result = r->outcome.result;
  bool color = r->cli->color_out, is_whole = r->outcome.end != SIM_END_FAILED;
  struct sim_column column = {r->collector, (const cJSON *const *)&r->outcome.result};
  struct sim_report report = {.columns = &column, .column_count = 1, .slots = 1};
  bool has_numbers = cJSON_HasObjectItem(result, "wall_ns");
  print_title(r, f);
  if (!is_whole) {
    fprintf(f, "%s%s: the engine %s%s\n", sim_style_begin(SIM_BAD, color),
            has_numbers ? "Partial result" : "No result", r->outcome.how,
            sim_style_end(SIM_BAD, color));
  }
  if (!has_numbers) return;
  sim_report_print(&report, f, color);
  sim_report_stops(result, f, color);
  sim_findings_print(&r->findings, f, color);
  sim_report_remarks(result, r->collector, f, color);
  if (is_whole && sim_violation(result, 0) == NULL) fprintf(f, "Violations: none\n");
}

/* What is wrong with the results, said on stderr when no table says it. */
static void complain_without_table(const struct run *r) {
  if (r->shows_table) return;
  sim_report_remarks(r->outcome.result, r->collector, stderr, r->cli->color_err);
  if (!r->findings.all_hold) sim_findings_print(&r->findings, stderr, r->cli->color_err);
}

static int verdict(const struct run *r) {
  if (r->outcome.end == SIM_END_FAILED) return TRI_EXIT_ENGINE;
  if (r->findings.any_unknown) return TRI_EXIT_INPUT;
  bool is_fine = sim_violations_fine(r->scenario, r->outcome.result, r->is_ours);
  return r->findings.all_hold && is_fine ? TRI_EXIT_OK : TRI_EXIT_FAILED;
}

/* Writes what a run left: tables, files. The exit status. */
static int publish(struct run *r) {
  int status = sim_outcome_status(&r->outcome);
  if (r->outcome.result == NULL) return status;
  bool is_whole = r->outcome.end != SIM_END_FAILED;
  const cJSON *result = r->outcome.result;
  sim_expect_judge(r->scenario, &result, is_whole ? 1 : 0, r->is_ours ? 1 : 0, &r->findings);
  if (!is_whole) r->findings.count = 0; /* half a run is not judged */
  cJSON_AddItemToObject(r->outcome.result, "expectations", sim_findings_json(&r->findings));
  if (r->shows_table) print_result(r, stdout);
  status = verdict(r);
  int lost = TRI_EXIT_OK;
  if (r->json.path != NULL)
    lost = sim_output_status(sim_output_write(&r->json, r->outcome.result));
  if (lost == 0) lost = sim_output_status(sim_output_keep(&r->events, is_whole ? "" : ".partial"));
  if (lost == 0 && !is_whole && r->events.target != NULL) {
    fprintf(stderr, "  its event log is in %s.partial\n", r->o->events);
  }
  complain_without_table(r);
  return lost != 0 ? lost : status;
}

static int run_engine(struct run *r, const char *path) {
  struct sim_progress progress;
  bool is_file = r->events.temporary != NULL;
  const char *const more[] = {"--cost", r->cost, NULL};
  struct sim_attempt attempt = {
    .scenario = r->scenario, .platform = r->platform, .collector = r->collector, .path = path,
    .run = 1, .runs = 1, .gctrace = (r->o->given & SIM_OPT_GCTRACE) != 0,
    .more = r->cost != NULL && strcmp(r->platform, "model") == 0 ? more : NULL,
    .events_path = is_file ? r->events.temporary : r->o->events,
  };
  sim_progress_open(&progress, 1);
  sim_attempt_run(r->cli, &attempt, &progress, &r->outcome);
  int signal_status = sim_interrupted(r->cli);
  if (signal_status != 0 && r->outcome.end == SIM_END_INTERRUPTED) return signal_status;
  int status = publish(r);
  return signal_status != 0 ? signal_status : status;
}

static bool check_events(const struct sim_options *o) {
  bool is_same = o->events != NULL && o->json != NULL && strcmp(o->events, o->json) == 0;
  if (is_same) fprintf(stderr, "tricolor: --json and --events name the same file\n");
  return !is_same;
}

/* Whether these options mean something for the engine that was asked for. */
static bool check_engine(const struct sim_options *o) {
  bool is_both = o->engine != NULL && strcmp(o->engine, SIM_ENGINE_BOTH) == 0;
  bool is_model = o->engine != NULL && strcmp(o->engine, "model") == 0;
  if (is_both)
    return sim_options_allowed(o, ~(uint32_t)(SIM_OPT_EVENTS | SIM_OPT_GCTRACE),
                               "a prediction beside measurements");
  if (!sim_options_allowed(o, ~(uint32_t)SIM_OPT_RUNS, "a single run")) return false;
  return is_model || sim_options_allowed(o, ~(uint32_t)SIM_OPT_COST, "a native run");
}

int sim_run_scenario(struct sim_cli *cli, const struct sim_options *o, const char *file,
                     const struct scenario *s) {
  if (!check_engine(o)) return TRI_EXIT_INPUT;
  if (o->engine != NULL && strcmp(o->engine, SIM_ENGINE_BOTH) == 0)
    return sim_predict_scenario(cli, o, file, s);
  struct run r = {
    .cli = cli, .o = o, .scenario = s,
    .platform = o->engine != NULL ? o->engine : sim_platforms[0].name,
    .collector = o->collector != NULL ? o->collector : sim_collectors[0].name,
    .shows_table = o->json == NULL || strcmp(o->json, "-") != 0,
    .findings.all_hold = true,
  };
  r.is_ours = strcmp(r.collector, sim_collectors[0].name) == 0;
  int status = TRI_EXIT_INPUT;
  bool is_fine = check_events(o) && sim_expect_check(s) && sim_cost_path(o, &r.cost);
  char *path = is_fine ? sim_engine_find(r.platform, r.collector) : NULL;
  if (path != NULL && sim_output_begin(&r.json, o->json, file) &&
      sim_output_begin(&r.events, o->events, file)) {
    status = run_engine(&r, path);
  }
  sim_findings_free(&r.findings);
  sim_outcome_free(&r.outcome);
  sim_output_drop(&r.json);
  sim_output_drop(&r.events);
  free(path);
  free(r.cost);
  return status;
}

int sim_cmd_run(struct sim_cli *cli, const struct sim_options *o) {
  char *path = sim_scenario_path(o->files[0]);
  struct scenario *s = path != NULL ? sim_scenario_read(path, o) : NULL;
  int status = s != NULL ? sim_run_scenario(cli, o, path, s) : TRI_EXIT_INPUT;
  scenario_free(s);
  free(path);
  return status;
}
