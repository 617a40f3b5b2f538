/* The engine's search: prepares the scenario's world, searches its schedules, and writes what came
 * of it. What it remembers lies in malloc's memory, because the engine's variables are part of
 * the world. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/check.h"
#include "sims/explore/document.h"
#include "sims/explore/jobs.h"
#include "sims/explore/names_litmus.h"
#include "sims/explore/names_workload.h"
#include "sims/explore/races.h"
#include "sims/explore/remedies.h"
#include "sims/explore/replay.h"
#include "sims/explore/variant.h"
#include "sims/explore/violation.h"
#include "sims/memory.h"
#include "sims/protocol.h"

enum {
  LEARN_RUNS = 100,     /* of a round */
  LEARN_ROUNDS = 20,
  LEARN_STEPS = 20000000, /* no round begins after it: work, not time, so that tokens last */
  LEARN_QUIET = 2,      /* rounds without a new place that end learning */
  VARIANTS_MAX = 10000  /* tried of a large grid */
};

struct explorer {
  struct engine *engine;
  struct scenario *scenario;       /* as given: the first of every choice */
  struct scenario *variant;        /* prepared */
  uint32_t *choices;
  uint64_t variants, variants_done;
  struct xp_config config;
  struct xp_report report;         /* of all variants */
  bool has_report;
  uint8_t *sites;                  /* config.point_sites */
  uint64_t begin_ns, found_ns;
  cJSON *violation;
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

/* ---- the world ------------------------------------------------------------------------------- */

/* Points where races are: rounds of random runs until some show nothing new. A litmus program is
 * small enough to have them everywhere. */
static void learn_points(struct explorer *x) {
  x->config.point_sites = NULL;
  free(x->sites);
  x->sites = NULL;
  if (x->scenario->has_litmus) return;
  struct xp_races *races = xp_races_new();
  uint32_t quiet = 0;
  for (uint32_t i = 0; i < LEARN_ROUNDS && quiet < LEARN_QUIET && x->asked_to_end == 0 &&
                       xp_races_steps(races) < LEARN_STEPS; i++) {
    uint32_t fresh = xp_races_learn(races, x->config.classes, rng_split(x->config.seed, i),
                                    LEARN_RUNS, x->config.step_max);
    quiet = fresh == 0 ? quiet + 1 : 0;
  }
  x->sites = xp_races_sites(races);
  x->config.point_sites = x->sites;
  xp_races_free(races);
}

/* The world of the choices in x->choices, with its points known. */
static int prepare(struct explorer *x) {
  if (x->variant != NULL) plat_model_leave();
  scenario_free(x->variant);
  x->variant = xp_variant_load(x->scenario, x->choices, NULL, 0, false);
  if (x->variant == NULL) return TRI_EXIT_INPUT;
  int status = xp_variant_prepare(x->engine, x->variant);
  if (status != TRI_EXIT_OK) return status;
  signal(SIGTERM, on_term);
  learn_points(x);
  return TRI_EXIT_OK;
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

/* ---- what is found --------------------------------------------------------------------------- */

static const char *kind_name(const struct plat_model_outcome *o) {
  static const char *const ends[] = {
      [RT_END_BUG] = "bug",      [RT_END_FATAL] = "fatal", [RT_END_VIOLATION] = "violation",
      [RT_END_NOMEM] = "memory", [RT_END_CAP] = "memory",  [RT_END_DEADLOCK] = "deadlock"};
  if (o->end == PLAT_MODEL_DEADLOCK) return "deadlock";
  if (o->end == PLAT_MODEL_LIVELOCK) return "livelock";
  return o->kind < 0 ? "wild access" : ends[o->kind];
}

static void name_things(struct explorer *x, struct xp_names *names,
                        struct xp_engine_names *engine) {
  *names = (struct xp_names){0};
  if (x->scenario->has_litmus)
    xp_names_litmus(names, litmus_programs[x->scenario->litmus.program]);
  else
    xp_names_workload(names, engine, x->scenario, &x->engine->workload);
}

static void remedies(struct xp_lines *out, void *arg) {
  struct explorer *x = arg;
  xp_remedies(x->engine, x->variant, &x->config, out);
}

/* Tells a failing run; minimise: looks for the smallest first. NULL: it did not fail again. */
static cJSON *tell(struct explorer *x, struct xp_schedule *s, struct xp_run *run,
                   struct xp_finding *f) {
  struct xp_trace trace = {0};
  struct xp_names names;
  struct xp_engine_names engine;
  FILE *out = x->engine->options.trace_path != NULL ? fopen(x->engine->options.trace_path, "w")
                                                    : NULL;
  name_things(x, &names, &engine);
  f->kind = kind_name(&run->outcome);
  f->name = x->scenario->name;
  f->scenario = x->scenario->resolved_json;
  f->search = &x->config;
  f->names = &names;
  cJSON *v = xp_violation(s, run, f, &trace);
  if (out != NULL && (v == NULL || !xp_trace_perfetto(&trace, out)))
    fprintf(stderr, "cannot write the trace %s\n", x->engine->options.trace_path);
  if (out != NULL) fclose(out);
  xp_trace_free(&trace);
  return v;
}

static void take_choices(const struct explorer *x, struct xp_schedule *s) {
  s->scenario = scenario_key(x->scenario);
  s->build = xp_build_key();
  for (uint32_t i = 0; i < x->scenario->choose_count; i++)
    xp_schedule_add_choice(s, x->choices[i]);
}

static void tell_failure(struct explorer *x, struct xp_report *r) {
  struct xp_schedule schedule = {0};
  struct xp_minimise_config minimise;
  struct xp_finding f = {.strategy = r->share[r->failure.share].strategy->name,
                         .found_at = r->failure.run + 1,
                         .directory = ".",
                         .minimise = &minimise,
                         .remedies = remedies,
                         .remedies_arg = x};
  x->found_ns = xp_now_ns() - x->begin_ns;
  xp_minimise_config_default(&minimise, &x->config);
  take_choices(x, &schedule);
  x->violation = tell(x, &schedule, &r->failure.schedule, &f);
  if (x->violation == NULL) {
    fputs("the failure did not come again: the world is not deterministic\n", stderr);
    x->violation = cJSON_CreateObject();
    cJSON_AddStringToObject(x->violation, "kind", "nondeterminism");
    cJSON_AddStringToObject(x->violation, "message", r->failure.schedule.outcome.message);
  }
  cJSON_AddNumberToObject(x->violation, "found_after_ns", (double)x->found_ns);
  xp_schedule_free(&schedule);
}

/* ---- the search ------------------------------------------------------------------------------ */

static bool tick(uint64_t elapsed_ns, void *arg) {
  const struct explorer *x = arg;
  uint64_t all_ns = xp_now_ns() - x->begin_ns;
  uint64_t limit_ns = x->scenario->explore_time_ns;
  double done = limit_ns == UINT64_MAX ? 0 : (double)all_ns / (double)limit_ns;
  char what[128];
  cJSON *json = cJSON_CreateObject();
  (void)elapsed_ns;
  snprintf(what, sizeof what, "%s: %.1f s, variant %llu of %llu", x->config.strategy,
           (double)all_ns / 1e9, (unsigned long long)x->variants_done + 1,
           (unsigned long long)x->variants);
  cJSON_AddStringToObject(json, "type", "progress");
  cJSON_AddStringToObject(json, "phase", "explore");
  cJSON_AddNumberToObject(json, "done", done > 1 ? 1 : done);
  cJSON_AddStringToObject(json, "what", what);
  write_line(json);
  return x->asked_to_end != 0;
}

/* Of what is left, the share of each variant that is left. */
static void share_budget(struct explorer *x, uint64_t left) {
  uint64_t spent = xp_now_ns() - x->begin_ns, time_ns = x->scenario->explore_time_ns;
  x->config.schedules = x->scenario->explore_schedules;
  x->config.time_ns = time_ns;
  if (x->config.schedules != UINT64_MAX)
    x->config.schedules = (x->config.schedules + x->variants - 1) / x->variants;
  if (time_ns == UINT64_MAX) return;
  uint64_t rest = time_ns > spent ? time_ns - spent : 0;
  x->config.time_ns = rest / left + 1;
}

/* The world did not do the same under the same decisions: nothing that was found can be trusted. */
static void tell_divergence(struct explorer *x, const struct xp_divergence *d) {
  char text[256];
  uint32_t site = d->site_first < plat_model_site_count() ? d->site_first : d->site_second;
  const struct plat_site *s = plat_model_site_at(site);
  snprintf(text, sizeof text, "nondeterminism at step %llu, site %s:%u",
           (unsigned long long)d->step, s->file, (unsigned)s->line);
  x->violation = cJSON_CreateObject();
  cJSON_AddStringToObject(x->violation, "kind", "nondeterminism");
  cJSON_AddStringToObject(x->violation, "message", text);
}

/* One variant. False: the search as a whole is over. */
static bool search_variant(struct explorer *x, uint64_t left, int *status) {
  struct xp_report r;
  *status = prepare(x);
  if (*status != TRI_EXIT_OK) return false;
  share_budget(x, left);
  if (!xp_jobs_search(&x->config, x->scenario->explore_jobs, tick, x, &r)) {
    *status = TRI_EXIT_ENGINE;
    return false;
  }
  if (r.failure.is_found)
    tell_failure(x, &r);
  else if (r.divergence.is_found)
    tell_divergence(x, &r.divergence);
  if (x->has_report) {
    xp_report_merge(&x->report, &r);
    xp_report_free(&r);
  } else {
    x->report = r;
    x->has_report = true;
  }
  x->variants_done++;
  return x->violation == NULL && x->asked_to_end == 0 && x->config.time_ns > 1;
}

static void write_result(struct explorer *x) {
  struct xp_about about = {
      .scenario = x->scenario, .variants = x->variants, .variants_done = x->variants_done,
      .is_interrupted = x->asked_to_end != 0, .violation = x->violation};
  cJSON *line = cJSON_CreateObject();
  cJSON_AddStringToObject(line, "type", "result");
  cJSON_AddItemToObject(line, "result", xp_document(&x->report, &about));
  write_line(line);
}

static int search(struct explorer *x) {
  uint64_t tried = x->variants < VARIANTS_MAX ? x->variants : VARIANTS_MAX;
  int status = TRI_EXIT_OK;
  for (uint64_t i = 0; i < tried; i++) {
    uint64_t number = xp_variant_pick(i, tried, x->variants, x->config.seed);
    xp_variant_choices(x->scenario, number, x->choices);
    if (!search_variant(x, tried - i, &status)) break;
  }
  if (!x->has_report) return status;
  write_result(x);
  xp_report_free(&x->report);
  return x->violation != NULL ? TRI_EXIT_FAILED : status;
}

/* ---- replay ---------------------------------------------------------------------------------- */

static int refuse_token(const char *error) {
  fprintf(stderr, "%s\n", error);
  return TRI_EXIT_INPUT;
}

static bool choices_fit(const struct explorer *x, const struct xp_schedule *s) {
  if (s->choice_count != x->scenario->choose_count) return false;
  for (uint32_t i = 0; i < s->choice_count; i++)
    if (s->choices[i] >= x->scenario->chooses[i].value_count) return false;
  return true;
}

static int replay_schedule(struct explorer *x, struct xp_schedule *s) {
  struct xp_replayed replayed = {0};
  struct xp_run run = {0};
  struct xp_finding f = {.strategy = "replay", .found_at = 1};
  xp_replay(s, false, &x->config, &run, &replayed);
  if (!replayed.fits) return refuse_token(replayed.error);
  bool fails = xp_run_fails(&run);
  x->report.config = x->config;
  x->report.runs = x->report.complete = 1;
  x->report.failed = fails;
  x->report.points = run.outcome.points;
  x->report.steps = run.outcome.steps;
  x->report.elapsed_ns = xp_now_ns() - x->begin_ns;
  if (fails) x->violation = tell(x, s, &run, &f);
  x->variants_done = 1;
  write_result(x);
  xp_run_free(&run);
  return fails ? TRI_EXIT_FAILED : TRI_EXIT_OK;
}

static int replay(struct explorer *x, const char *token) {
  struct xp_schedule s = {0};
  char error[XP_ERROR_TEXT];
  if (!xp_token_parse(token, &s, error)) return refuse_token(error);
  uint32_t scenario = scenario_key(x->scenario), build = xp_build_key();
  if (s.scenario != scenario || s.build != build) {
    fprintf(stderr, "the token expects scenario %08x and build %08x, found scenario %08x and "
            "build %08x\n", s.scenario, s.build, scenario, build);
    return TRI_EXIT_INPUT;
  }
  if (!choices_fit(x, &s)) return refuse_token("the token's data choices do not fit the scenario");
  memcpy(x->choices, s.choices, s.choice_count * sizeof *s.choices);
  int status = prepare(x);
  if (status == TRI_EXIT_OK) status = replay_schedule(x, &s);
  xp_schedule_free(&s);
  return status;
}

int engine_explore(struct engine *e) {
  explorer = sim_alloc(sizeof *explorer);
  struct explorer *x = explorer;
  x->engine = e;
  x->scenario = e->scenario;
  x->variants = xp_variant_count(x->scenario);
  x->choices = sim_alloc((x->scenario->choose_count + 1) * sizeof *x->choices);
  x->begin_ns = xp_now_ns();
  configure(x);
  const char *token = e->options.replay;
  return token != NULL ? replay(x, token) : search(x);
}
