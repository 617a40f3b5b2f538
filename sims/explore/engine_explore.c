/* The engine's search: prepares the scenario's world, searches its schedules, and writes what came
 * of it. What it remembers lies in malloc's memory, because the engine's variables are part of
 * the world. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gc/collector.h"
#include "runtime/check.h"
#include "sims/engine.h"
#include "sims/explore/document.h"
#include "sims/explore/jobs.h"
#include "sims/explore/races.h"
#include "sims/memory.h"
#include "sims/platform.h"
#include "sims/protocol.h"

struct explorer {
  const struct scenario *scenario; /* a copy; its arrays are not the world's */
  struct xp_config config;
  struct xp_report report;
  struct xp_races *races;          /* NULL: all operations of the chosen classes are points */
  volatile sig_atomic_t asked_to_end;
};
static struct explorer *explorer; /* never changes while there is a world */

static void on_term(int signal_number) {
  (void)signal_number;
  explorer->asked_to_end = 1;
}

static void write_line(cJSON *json) {
  char *line = cJSON_PrintUnformatted(json);
  cJSON_Delete(json);
  puts(line);
  fflush(stdout);
  free(line);
}

/* ---- the search ------------------------------------------------------------------------------ */

static bool tick(uint64_t elapsed_ns, void *arg) {
  const struct explorer *x = arg;
  double budget = (double)x->config.time_ns;
  double done = x->config.time_ns == UINT64_MAX ? 0 : (double)elapsed_ns / budget;
  char what[128];
  cJSON *json = cJSON_CreateObject();
  snprintf(what, sizeof what, "%s: %.1f s", x->config.strategy, (double)elapsed_ns / 1e9);
  cJSON_AddStringToObject(json, "type", "progress");
  cJSON_AddStringToObject(json, "phase", "explore");
  cJSON_AddNumberToObject(json, "done", done > 1 ? 1 : done);
  cJSON_AddStringToObject(json, "what", what);
  write_line(json);
  return x->asked_to_end != 0;
}

static void configure(struct explorer *x) {
  const struct scenario *sc = x->scenario;
  struct xp_config *c = &x->config;
  xp_config_default(c);
  c->strategy = sc->strategy;
  c->preemptions = sc->explore_preemptions;
  c->depth = sc->explore_depth;
  c->schedules = sc->explore_schedules;
  c->time_ns = sc->explore_time_ns;
  c->seed = sc->seed;
  c->classes = sc->explore_points << 1 | 1u << PLAT_CLASS_PROGRAM;
  c->scenario = sc->name;
}

/* ---- points ---------------------------------------------------------------------------------- */

enum { LEARN_RUNS = 100, LEARN_ROUNDS = 20, LEARN_QUIET = 2 };

/* Points where races are. Rounds of random runs until some show nothing new. */
static void learn_points(struct explorer *x) {
  uint32_t quiet = 0;
  x->races = xp_races_new();
  for (uint32_t i = 0; i < LEARN_ROUNDS && quiet < LEARN_QUIET; i++) {
    uint32_t fresh = xp_races_learn(x->races, x->config.classes, rng_split(x->config.seed, i),
                                    LEARN_RUNS, x->config.step_max);
    quiet = fresh == 0 ? quiet + 1 : 0;
  }
  x->config.point_sites = xp_races_sites(x->races);
}

/* ---- what is found --------------------------------------------------------------------------- */

static const char *kind_name(const struct plat_model_outcome *o) {
  static const char *const ends[] = {
      [RT_END_BUG] = "bug",     [RT_END_FATAL] = "fatal", [RT_END_VIOLATION] = "violation",
      [RT_END_NOMEM] = "memory", [RT_END_CAP] = "memory",  [RT_END_DEADLOCK] = "deadlock"};
  if (o->end == PLAT_MODEL_DEADLOCK) return "deadlock";
  if (o->end == PLAT_MODEL_LIVELOCK) return "livelock";
  return o->kind < 0 ? "wild access" : ends[o->kind];
}

static cJSON *violation(const struct explorer *x) {
  const struct xp_failure *f = &x->report.failure;
  if (!f->is_found) return NULL;
  const struct plat_model_outcome *o = &f->schedule.outcome;
  cJSON *v = cJSON_CreateObject();
  cJSON_AddStringToObject(v, "kind", kind_name(o));
  cJSON_AddStringToObject(v, "message", o->message);
  cJSON_AddStringToObject(v, "strategy", x->report.share[f->share].strategy->name);
  cJSON_AddNumberToObject(v, "found_at_schedule", (double)f->run + 1);
  cJSON_AddNumberToObject(v, "found_after_ns", (double)x->report.elapsed_ns);
  cJSON_AddNumberToObject(v, "steps", (double)o->steps);
  cJSON_AddNumberToObject(v, "preemptions", f->schedule.preemptions);
  cJSON_AddNumberToObject(v, "switches", f->schedule.switches);
  return v;
}

static void write_result(struct explorer *x) {
  struct xp_about about = {
      .scenario = x->scenario, .variants = 1, .variants_done = 1,
      .is_interrupted = x->asked_to_end != 0, .violation = violation(x)};
  cJSON *line = cJSON_CreateObject();
  cJSON_AddStringToObject(line, "type", "result");
  cJSON_AddItemToObject(line, "result", xp_document(&x->report, &about));
  write_line(line);
}

/* ---- the world ------------------------------------------------------------------------------- */

static int run_world(void *arg) { return engine_run(arg); }

static int complain_unprepared(int status) {
  fputs("the scenario ended before there was anything to explore\n", stderr);
  return status != TRI_EXIT_OK ? status : TRI_EXIT_ENGINE;
}

int engine_explore(struct engine *e) {
  int status;
  explorer = sim_alloc(sizeof *explorer);
  struct explorer *x = explorer;
  x->scenario = e->scenario;
  configure(x);
  plat_seed(x->scenario->seed);
  if (!plat_model_prepare(run_world, e, &status)) return complain_unprepared(status);
  signal(SIGTERM, on_term);
  if (!x->scenario->has_litmus) learn_points(x);
  if (!xp_jobs_search(&x->config, x->scenario->explore_jobs, tick, x, &x->report))
    return TRI_EXIT_ENGINE;
  write_result(x);
  bool failed = x->report.failed > 0;
  xp_report_free(&x->report);
  plat_model_leave();
  free(x);
  return failed ? TRI_EXIT_FAILED : TRI_EXIT_OK;
}
