/* tricolor compare: the same scenario on several collectors, taking turns. */
#include <stdlib.h>
#include <string.h>

#include "sims/choices.h"
#include "sims/cli.h"
#include "sims/cli_engine.h"
#include "sims/cli_expect.h"
#include "sims/cli_metric.h"
#include "sims/cli_output.h"
#include "sims/cli_report.h"
#include "sims/json_print.h"
#include "sims/memory.h"
#include "sims/protocol.h"
#include "sims/stats.h"
#include "sims/suggest.h"
#include "sims/table.h"

enum { CONTESTANTS_MAX = 8 };

/* One collector of the comparison. */
struct contestant {
  const char *name;
  char *path;             /* its engine */
  const cJSON **finished; /* by slot; NULL where none; owned by all[] */
  cJSON *all;             /* list of results in order, partial ones too */
  uint32_t finished_count;
  bool is_out;            /* it failed: no further runs */
};

struct comparison {
  struct sim_cli *cli;
  const struct sim_options *o;
  const struct scenario *scenario;
  const char *platform;
  struct contestant list[CONTESTANTS_MAX]; /* the first is ours */
  uint32_t count, slots;
  cJSON *order;           /* names, as they were run */
  bool is_complete, shows_table;
  int status;             /* worst so far of failed and refused runs */
  struct sim_output json;
  struct sim_findings findings;
};

/* ---- who takes part ---- */

static bool refuse_with(const char *with, const char *name, const char *why) {
  struct sim_suggest s = {.typed = name};
  for (const struct sim_choice *c = sim_collectors + 1; c->name != NULL; c++) {
    sim_suggest_offer(&s, c->name);
  }
  fprintf(stderr, "tricolor compare: --with %s: \"%s\" %s", with, name, why);
  if (s.best != NULL && strcmp(s.best, name) != 0) fprintf(stderr, "; did you mean %s?", s.best);
  fprintf(stderr, "\n");
  return false;
}

static bool add_contestant(struct comparison *c, const char *with, const char *name) {
  char names[128];
  const struct sim_choice *choice = sim_choice_find(sim_collectors, name);
  if (choice == NULL) {
    sim_choice_names(sim_collectors + 1, names, sizeof names);
    char *why = sim_printf("is no collector to compare with (%s)", names);
    refuse_with(with, name, why);
    free(why);
    return false;
  }
  if (choice == sim_collectors && c->count > 0) {
    return refuse_with(with, name, "takes part anyway");
  }
  for (uint32_t i = 0; i < c->count; i++) {
    if (c->list[i].name == choice->name) return refuse_with(with, name, "is named twice");
  }
  c->list[c->count++] = (struct contestant){.name = choice->name};
  return true;
}

static bool choose_contestants(struct comparison *c) {
  const char *with = c->o->with != NULL ? c->o->with : "boehm";
  char *names = sim_strdup(with), *rest = names, *name = NULL;
  bool fine = add_contestant(c, with, sim_collectors[0].name);
  while (fine && (name = strsep(&rest, ",")) != NULL) fine = add_contestant(c, with, name);
  free(names);
  return fine;
}

static bool find_engines(struct comparison *c) {
  for (uint32_t i = 0; i < c->count; i++) {
    c->list[i].path = sim_engine_find(c->platform, c->list[i].name);
    if (c->list[i].path == NULL) return false;
  }
  return true;
}

/* ---- running ---- */

/* One run of one collector; false: the comparison is over. */
static bool run_one(struct comparison *c, struct contestant *who, uint32_t slot, uint32_t number,
                    struct sim_progress *progress) {
  struct sim_outcome out;
  struct sim_attempt attempt = {
    .scenario = c->scenario, .platform = c->platform, .collector = who->name, .path = who->path,
    .run = number, .runs = c->slots * c->count,
  };
  bool is_whole = sim_attempt_run(c->cli, &attempt, progress, &out);
  bool is_over = out.end == SIM_END_INTERRUPTED;
  if (!is_over) cJSON_AddItemToArray(c->order, cJSON_CreateString(who->name));
  if (out.result != NULL && !is_over) {
    cJSON_DeleteItemFromObjectCaseSensitive(out.result, "config"); /* once, at the top */
    cJSON_AddItemToArray(who->all, out.result);
    if (is_whole) who->finished[slot] = out.result;
    who->finished_count += is_whole;
    out.result = NULL;
  }
  if (!is_whole && !is_over) {
    int status = sim_outcome_status(&out);
    who->is_out = true;
    if (status > c->status) c->status = status;
    /* Without ours there is nothing to compare with; another collector's runs can go on. */
    is_over = who == &c->list[0];
    fprintf(stderr, "  %s is not run again%s\n", who->name, is_over ? "; the comparison ends" : "");
  }
  sim_outcome_free(&out);
  return !is_over;
}

static bool run_round(struct comparison *c, uint32_t slot, struct sim_progress *progress) {
  for (uint32_t i = 0; i < c->count; i++) {
    uint32_t number = slot * c->count + i + 1;
    if (c->list[i].is_out) continue;
    if (!run_one(c, &c->list[i], slot, number, progress)) return false;
  }
  return true;
}

static void run_all(struct comparison *c) {
  struct sim_progress progress;
  bool goes_on = true;
  for (uint32_t i = 0; i < c->count; i++) {
    c->list[i].finished = sim_alloc(c->slots * sizeof c->list[i].finished[0]);
    c->list[i].all = cJSON_CreateArray();
  }
  c->order = cJSON_CreateArray();
  sim_progress_open(&progress, c->slots * c->count);
  for (uint32_t slot = 0; slot < c->slots && goes_on; slot++) {
    goes_on = run_round(c, slot, &progress);
  }
  c->is_complete = true;
  for (uint32_t i = 0; i < c->count; i++) {
    c->is_complete = c->is_complete && c->list[i].finished_count == c->slots;
  }
}

/* ---- the document ---- */

static cJSON *fold_median(double *values, uint32_t n) {
  struct sim_spread s;
  sim_stats_spread(values, n, &s);
  return cJSON_CreateNumber(s.median);
}

static cJSON *fold_min(double *values, uint32_t n) {
  struct sim_spread s;
  sim_stats_spread(values, n, &s);
  return cJSON_CreateNumber(s.min);
}

static cJSON *fold_max(double *values, uint32_t n) {
  struct sim_spread s;
  sim_stats_spread(values, n, &s);
  return cJSON_CreateNumber(s.max);
}

/* null with too few runs for an interval */
static cJSON *fold_ci_low(double *values, uint32_t n) {
  struct sim_spread s;
  sim_stats_spread(values, n, &s);
  return s.has_ci ? cJSON_CreateNumber(s.ci_low) : cJSON_CreateNull();
}

static cJSON *fold_ci_high(double *values, uint32_t n) {
  struct sim_spread s;
  sim_stats_spread(values, n, &s);
  return s.has_ci ? cJSON_CreateNumber(s.ci_high) : cJSON_CreateNull();
}

/* A ratio: {median, min, max, ci_low, ci_high, rounds} */
static cJSON *fold_ratio(double *values, uint32_t n) {
  struct sim_spread s;
  cJSON *o = cJSON_CreateObject();
  sim_stats_spread(values, n, &s);
  cJSON_AddNumberToObject(o, "median", s.median);
  cJSON_AddNumberToObject(o, "min", s.min);
  cJSON_AddNumberToObject(o, "max", s.max);
  cJSON_AddItemToObject(o, "ci_low", fold_ci_low(values, n));
  cJSON_AddItemToObject(o, "ci_high", fold_ci_high(values, n));
  cJSON_AddNumberToObject(o, "rounds", n);
  return o;
}

/* Puts the finished results of one collector behind list[0..n); the new n. */
static uint32_t append_finished(const struct comparison *c, const struct contestant *who,
                                const cJSON **list, uint32_t n) {
  for (uint32_t i = 0; i < c->slots; i++) {
    if (who->finished[i] != NULL) list[n++] = who->finished[i];
  }
  return n;
}

/* The finished results of one collector without holes; the caller frees the array. */
static const cJSON **finished_of(const struct comparison *c, const struct contestant *who) {
  const cJSON **list = sim_alloc(c->slots * sizeof list[0]);
  append_finished(c, who, list, 0);
  return list;
}

static cJSON *collector_json(const struct comparison *c, struct contestant *who) {
  static const struct { const char *key; sim_metric_fold *fold; } folds[] = {
    {"median", fold_median}, {"min", fold_min}, {"max", fold_max},
    {"ci_low", fold_ci_low}, {"ci_high", fold_ci_high},
  };
  const cJSON **finished = finished_of(c, who);
  cJSON *o = cJSON_CreateObject();
  cJSON_AddNumberToObject(o, "finished", who->finished_count);
  for (uint32_t i = 0; i < sizeof folds / sizeof folds[0]; i++) {
    cJSON *doc = who->finished_count > 0
                   ? sim_metric_combine(finished, who->finished_count, folds[i].fold)
                   : cJSON_CreateNull();
    cJSON_AddItemToObject(o, folds[i].key, doc);
  }
  cJSON_AddItemToObject(o, "results", cJSON_Duplicate(who->all, true));
  free(finished);
  return o;
}

/* tricolor.compare/1:
 *   schema, scenario, engine, seed, config (the resolved scenario)
 *   runs: rounds asked for; order: collectors in the order they were run
 *   complete: whether every run finished; interrupted: by a signal
 *   collectors.NAME: finished (runs), results (one tricolor.result/1 a run, without config), and
 *     median, min, max, ci_low, ci_high: of each number of the results, at the same place; the
 *     interval of the median is null with fewer than 6 runs
 *   ratios.NAME: ours / NAME for each number, formed within a round: {median, min, max, ci_low,
 *     ci_high, rounds}, or null where none could be formed
 *   expectations: over all finished runs */
static cJSON *comparison_json(struct comparison *c) {
  const struct scenario *s = c->scenario;
  cJSON *doc = cJSON_CreateObject();
  cJSON_AddStringToObject(doc, "schema", TRICOLOR_COMPARE_SCHEMA);
  cJSON_AddStringToObject(doc, "scenario", s->name);
  cJSON_AddStringToObject(doc, "engine", c->platform);
  sim_json_add_u64(doc, "seed", s->seed);
  cJSON_AddNumberToObject(doc, "runs", c->slots);
  cJSON_AddBoolToObject(doc, "complete", c->is_complete);
  cJSON_AddBoolToObject(doc, "interrupted", c->cli->supervisor.caught != 0);
  cJSON_AddItemToObject(doc, "order", cJSON_Duplicate(c->order, true));
  cJSON *ratios = cJSON_AddObjectToObject(doc, "ratios");
  for (uint32_t i = 1; i < c->count; i++) {
    const struct contestant *other = &c->list[i];
    cJSON *ratio = sim_metric_ratios(c->list[0].finished, other->finished, c->slots, fold_ratio);
    cJSON_AddItemToObject(ratios, other->name, ratio);
  }
  cJSON_AddItemToObject(doc, "expectations", sim_findings_json(&c->findings));
  cJSON *collectors = cJSON_AddObjectToObject(doc, "collectors");
  for (uint32_t i = 0; i < c->count; i++) {
    cJSON_AddItemToObject(collectors, c->list[i].name, collector_json(c, &c->list[i]));
  }
  cJSON_AddItemToObject(doc, "config", sim_json_parse(s->resolved_json));
  return doc;
}

/* ---- for people ---- */

static void print_title(const struct comparison *c) {
  char name[SC_NAME_MAX];
  bool color = c->cli->color_out;
  printf("%s%s%s: %s, seed %llu, %u round%s of", sim_style_begin(SIM_BOLD, color),
         sim_text_clean(c->scenario->name, name, sizeof name), sim_style_end(SIM_BOLD, color),
         c->platform, (unsigned long long)c->scenario->seed, c->slots, c->slots == 1 ? "" : "s");
  for (uint32_t i = 0; i < c->count; i++) printf("%s %s", i > 0 ? "," : "", c->list[i].name);
  putchar('\n');
  if (c->scenario->description[0] != '\0') sim_print_wrapped(stdout, c->scenario->description);
  putchar('\n');
}

static void print_incomplete(const struct comparison *c) {
  bool color = c->cli->color_out;
  if (c->is_complete) return;
  printf("%sIncomplete:%s", sim_style_begin(SIM_BAD, color), sim_style_end(SIM_BAD, color));
  for (uint32_t i = 0; i < c->count; i++) {
    printf("%s %u of %u runs of %s finished", i > 0 ? "," : "", c->list[i].finished_count, c->slots,
           c->list[i].name);
  }
  printf("\n\n");
}

static void print_remarks(const struct comparison *c, FILE *f, bool color) {
  for (uint32_t i = 0; i < c->count; i++) {
    const cJSON *first = NULL;
    for (uint32_t slot = 0; slot < c->slots && first == NULL; slot++) {
      first = c->list[i].finished[slot];
      if (first != NULL) sim_report_remarks(first, c->list[i].name, f, color);
    }
  }
}

static void print_tables(const struct comparison *c) {
  struct sim_column columns[CONTESTANTS_MAX];
  struct sim_report report = {.columns = columns, .column_count = c->count, .slots = c->slots};
  uint32_t finished = 0;
  for (uint32_t i = 0; i < c->count; i++) {
    columns[i] = (struct sim_column){c->list[i].name, c->list[i].finished};
    finished += c->list[i].finished_count;
  }
  print_title(c);
  print_incomplete(c);
  if (finished == 0) return;
  sim_report_print(&report, stdout, c->cli->color_out);
  if (c->findings.count > 0) putchar('\n');
  sim_findings_print(&c->findings, stdout, c->cli->color_out);
  print_remarks(c, stdout, c->cli->color_out);
}

/* ---- the end ---- */

static bool violations_fine(const struct comparison *c) {
  for (uint32_t i = 0; i < c->count; i++) {
    for (uint32_t slot = 0; slot < c->slots; slot++) {
      const cJSON *result = c->list[i].finished[slot];
      if (result == NULL) continue;
      if (!sim_violations_fine(c->scenario, result, i == 0)) return false;
    }
  }
  return true;
}

static int verdict(const struct comparison *c) {
  if (c->status != TRI_EXIT_OK) return c->status;
  if (c->findings.any_unknown) return TRI_EXIT_INPUT;
  return c->findings.all_hold && violations_fine(c) ? TRI_EXIT_OK : TRI_EXIT_FAILED;
}

static void judge(struct comparison *c) {
  const cJSON **all = sim_alloc((size_t)c->slots * c->count * sizeof all[0]);
  uint32_t n = 0;
  for (uint32_t i = 0; i < c->count; i++) n = append_finished(c, &c->list[i], all, n);
  sim_expect_judge(c->scenario, all, n, c->list[0].finished_count, &c->findings);
  if (n == 0) c->findings.count = 0;
  free(all);
}

static int publish(struct comparison *c) {
  int signal_status = sim_interrupted(c->cli);
  judge(c);
  int status = verdict(c);
  bool is_file = c->json.target != NULL;
  if (c->shows_table) {
    print_tables(c);
  } else {
    print_remarks(c, stderr, c->cli->color_err);
    if (!c->findings.all_hold) sim_findings_print(&c->findings, stderr, c->cli->color_err);
  }
  /* An interrupted comparison leaves no file; what goes to standard output says "interrupted". */
  if (c->json.path != NULL && !(is_file && signal_status != 0)) {
    cJSON *doc = comparison_json(c);
    char *message = sim_output_write(&c->json, doc);
    cJSON_Delete(doc);
    if (message != NULL) fprintf(stderr, "tricolor: %s\n", message);
    if (message != NULL) status = TRI_EXIT_ENGINE;
    free(message);
  }
  return signal_status != 0 ? signal_status : status;
}

static bool open_json(struct comparison *c, const char *file) {
  const char *const avoid[] = {file, NULL};
  char *message = c->o->json != NULL ? sim_output_open(&c->json, c->o->json, avoid) : NULL;
  if (message == NULL) return true;
  fprintf(stderr, "tricolor: %s; nothing was run\n", message);
  free(message);
  return false;
}

static void comparison_free(struct comparison *c) {
  for (uint32_t i = 0; i < c->count; i++) {
    free(c->list[i].path);
    free(c->list[i].finished);
    cJSON_Delete(c->list[i].all);
  }
  cJSON_Delete(c->order);
  sim_findings_free(&c->findings);
  sim_output_drop(&c->json);
}

int sim_compare_scenario(struct sim_cli *cli, const struct sim_options *o, const char *file,
                         const struct scenario *s) {
  struct comparison c = {
    .cli = cli, .o = o, .scenario = s,
    .platform = o->engine != NULL ? o->engine : sim_platforms[0].name,
    .slots = o->runs != 0 ? o->runs : SIM_RUNS_DEFAULT,
    .shows_table = o->json == NULL || strcmp(o->json, "-") != 0,
  };
  int status = TRI_EXIT_INPUT;
  if (strcmp(c.platform, SIM_ENGINE_BOTH) == 0) {
    fprintf(stderr, "tricolor: --engine " SIM_ENGINE_BOTH " is for run, not for a comparison\n");
  } else if (choose_contestants(&c) && sim_expect_check(s) && find_engines(&c) &&
             open_json(&c, file)) {
    run_all(&c);
    status = publish(&c);
  }
  comparison_free(&c);
  return status;
}

int sim_cmd_compare(struct sim_cli *cli, const struct sim_options *o) {
  char *path = sim_scenario_path(o->files[0]);
  struct scenario *s = path != NULL ? sim_scenario_read(path, o) : NULL;
  int status = s != NULL ? sim_compare_scenario(cli, o, path, s) : TRI_EXIT_INPUT;
  scenario_free(s);
  free(path);
  return status;
}

/* Does what the scenario's "job" says. */
/* What a scenario may name as its job. */
static const struct {
  const char *name;
  int (*act)(struct sim_cli *cli, const struct sim_options *o, const char *file,
             const struct scenario *s);
} jobs[] = {
  {"compare", sim_compare_scenario}, {"run", sim_run_scenario}, {"explore", sim_explore_scenario},
};

static int do_job(struct sim_cli *cli, const struct sim_options *o, const char *file,
                  const struct scenario *s) {
  const char *ignored = NULL;
  uint32_t i = 0;
  while (strcmp(jobs[i].name, s->job) != 0) i++;
  const struct sim_command *command = sim_command_find(jobs[i].name, &ignored);
  char *who = sim_printf("this scenario, whose job is %s", command->name);
  bool is_fine = sim_options_allowed(o, command->options, who);
  free(who);
  return is_fine ? jobs[i].act(cli, o, file, s) : TRI_EXIT_INPUT;
}

int sim_cmd_job(struct sim_cli *cli, const struct sim_options *o) {
  char *path = sim_scenario_path(o->files[0]);
  struct scenario *s = path != NULL ? sim_scenario_read(path, o) : NULL;
  int status = s != NULL ? do_job(cli, o, path, s) : TRI_EXIT_INPUT;
  scenario_free(s);
  free(path);
  return status;
}
