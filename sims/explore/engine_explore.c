/* The engine's search: prepares the scenario's world, searches its schedules, and writes what came
 * of it. What it remembers lies in malloc's memory, because the engine's variables are part of
 * the world. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runtime/check.h"
#include "sims/explore/alike.h"
#include "sims/explore/document.h"
#include "sims/explore/happens.h"
#include "sims/explore/jobs.h"
#include "sims/explore/names_litmus.h"
#include "sims/explore/names_workload.h"
#include "sims/explore/points.h"
#include "sims/explore/remedies.h"
#include "sims/explore/replay.h"
#include "sims/explore/smaller.h"
#include "sims/explore/variant.h"
#include "sims/explore/violation.h"
#include "sims/memory.h"
#include "sims/protocol.h"

enum {
  SAMPLE_VARIANTS = 16, /* of many, those that points are learned from before they are searched */
  SAMPLE_QUIET = 2,     /* that show nothing new end it */
  VARIANTS_ALL = 1000,  /* so many are all tried, */
  VARIANTS_MIN = 16, VARIANTS_MAX = 1 << 20, /* and of a large grid as many as can have */
  VARIANT_RUNS = 100,   /* so many schedules each, */
  VARIANT_NS = 20000000 /* and that time */
};
#define TELL_EVERY_NS UINT64_C(100000000)
#define KEEP_EVERY_NS UINT64_C(1000000000)
#define HANG_NS UINT64_C(10000000000) /* of processor time, without an operation */

enum doing { DOING_SETUP, DOING_LEARNING, DOING_SEARCH, DOING_SHRINKING, DOING_MINIMISING,
             DOING_REMEDIES, DOING_REPLAY };
static const char *const doing_words[] = {
    "setting the scenario up", "learning where races are", "searching",
    "making the scenario smaller", "minimising", "trying what removes it", "replaying"};

struct explorer {
  struct engine *engine;
  struct scenario *scenario;       /* as given: the first of every choice */
  struct scenario *variant;        /* prepared */
  struct xp_shrunk shrunk;         /* variant is the smaller one that it names, if any */
  uint32_t *choices;
  uint64_t number;                 /* of the variant with them */
  uint64_t variants, different;    /* but for names (alike.h) */
  struct xp_alike alike;           /* list NULL: all are different */
  uint64_t tried, variants_done;   /* of the different ones */
  struct xp_config config;
  struct xp_report report;         /* of all variants */
  bool has_report;
  struct xp_report current;        /* of the search under way */
  enum doing doing;
  uint64_t told_ns, kept_ns;       /* of the last progress line; of the last result so far */
  struct xp_races *sample;         /* places learned from a sample of many variants; NULL: few */
  uint8_t *sites;                  /* config.point_sites */
  uint64_t begin_ns, found_ns;
  pid_t pid;                       /* of the process that tells */
  uint64_t learning_ns;            /* that the search has been given back */
  cJSON *violation;
  const struct xp_file *file;      /* replayed; NULL: a token, or a search */
  uint32_t differs_at;             /* the first point of the replay that was not as in the file */
  cJSON *replay;
  volatile sig_atomic_t asked_to_end;
};
static struct explorer *explorer; /* never changes while there is a world */

/* Whether there is something to be told already. */
static void on_term(int signal_number) {
  static const char text[] = "asked to end before the first schedule was run\n";
  (void)signal_number;
  explorer->asked_to_end = 1;
  if (explorer->doing != DOING_SETUP || explorer->has_report) return;
  if (write(STDERR_FILENO, text, sizeof text - 1) < 0) _exit(TRI_EXIT_ENGINE);
  _exit(TRI_EXIT_ENGINE);
}

/* A crash that belongs to no schedule: of the explorer, or of the scenario's set-up. */
static void on_crash(int signal_number) {
  const struct explorer *x = explorer;
  char text[256];
  int n = snprintf(text, sizeof text, "crashed by SIG%s while %s: strategy %s, seed %llu, "
                   "schedule %llu, variant %llu\n", sigabbrev_np(signal_number),
                   doing_words[x->doing], x->config.strategy, (unsigned long long)x->config.seed,
                   (unsigned long long)x->current.runs + 1,
                   (unsigned long long)x->variants_done + 1);
  signal(signal_number, SIG_DFL);
  if (write(STDERR_FILENO, text, (size_t)n) == n) raise(signal_number);
}

static void on_setup_end(enum rt_end kind, const char *message) {
  static const char *const kinds[] = {
      [RT_END_BUG] = "bug",       [RT_END_FATAL] = "fatal error", [RT_END_VIOLATION] = "violation",
      [RT_END_NOMEM] = "memory",  [RT_END_CAP] = "memory cap",    [RT_END_DEADLOCK] = "deadlock"};
  fprintf(stderr, "the scenario's set-up fails, before there is anything to explore: %s: %s\n",
          kinds[kind], message);
  _exit(kind == RT_END_BUG || kind == RT_END_NOMEM ? TRI_EXIT_ENGINE : TRI_EXIT_INPUT);
}

static void handle_signals(void) {
  static const int numbers[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};
  for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) signal(numbers[i], on_crash);
  signal(SIGTERM, on_term);
}

static void write_line(cJSON *json) {
  char *line = cJSON_PrintUnformatted(json);
  cJSON_Delete(json);
  puts(line);
  fflush(stdout);
  free(line);
}

/* ---- what it tells --------------------------------------------------------------------------- */

static cJSON *document(const struct explorer *x, const struct xp_report *r, cJSON *violation) {
  struct xp_about about = {
      .scenario = x->scenario, .variants = x->variants, .different = x->different,
      .variants_done = x->variants_done,
      .is_interrupted = x->asked_to_end != 0, .violation = violation, .replay = x->replay};
  return xp_document(r, &about);
}

static void write_result_as(const char *type, cJSON *result) {
  cJSON *line = cJSON_CreateObject();
  cJSON_AddStringToObject(line, "type", type);
  cJSON_AddItemToObject(line, "result", result);
  write_line(line);
}

/* What there is to tell if this process does not live to tell more. */
static void write_so_far(struct explorer *x, const cJSON *violation) {
  const struct xp_report *r = x->has_report ? &x->report : &x->current;
  x->kept_ns = xp_now_ns();
  if (!x->has_report) x->current.elapsed_ns = x->kept_ns - x->begin_ns;
  if (r->share_count > 0)
    write_result_as("so-far", document(x, r, cJSON_Duplicate(violation, true)));
}

/* ---- what never ends ------------------------------------------------------------------------- */

/* A schedule in which the program goes on for ever: there is nothing more to be done here. In a
 * process of a job it is the other's business to tell what there is; a violation has been told
 * when it was found. */
_Noreturn static void on_stuck(const struct plat_model_stuck *what, void *arg) {
  struct explorer *x = arg;
  const struct plat_site *s = what->site;
  const char *goroutine = xp_goroutine_of(what->self);
  fprintf(stderr, "the program hangs while %s: %s %s goes on without an operation, for %.1f s of "
          "processor time, after %s at %s:%u\n", doing_words[x->doing],
          goroutine != NULL ? "goroutine" : "thread", goroutine != NULL ? goroutine : what->thread,
          (double)what->cpu_ns / 1e9, s->what, s->file + strspn(s->file, "./"), (unsigned)s->line);
  if (getpid() == x->pid && x->found_ns == 0) write_so_far(x, NULL);
  _exit(TRI_EXIT_ENGINE);
}

static void watch(struct explorer *x) {
  uint64_t deadline_ns = x->scenario->deadline_ns;
  plat_model_watch(deadline_ns < HANG_NS ? deadline_ns : HANG_NS, on_stuck, x);
}

/* ---- what it is doing ------------------------------------------------------------------------ */

static void write_progress(struct explorer *x, uint64_t now_ns) {
  uint64_t all_ns = now_ns - x->begin_ns, limit_ns = x->scenario->explore_time_ns;
  double done = limit_ns == UINT64_MAX ? 0 : (double)all_ns / (double)limit_ns;
  char what[160];
  cJSON *json = cJSON_CreateObject();
  int n = snprintf(what, sizeof what, "%s, %s", doing_words[x->doing], x->config.strategy);
  if (x->doing >= DOING_SEARCH)
    n += snprintf(what + n, sizeof what - (size_t)n, ": %llu schedules",
                  (unsigned long long)(x->report.runs + x->current.runs));
  if (x->variants > 1)
    snprintf(what + n, sizeof what - (size_t)n, ", variant %llu of %llu",
             (unsigned long long)x->variants_done + 1, (unsigned long long)x->tried);
  cJSON_AddStringToObject(json, "type", "progress");
  cJSON_AddStringToObject(json, "phase", "explore");
  cJSON_AddNumberToObject(json, "done", done > 1 ? 1 : done);
  cJSON_AddStringToObject(json, "what", what);
  write_line(json);
  x->told_ns = now_ns;
}

static void begin_doing(struct explorer *x, enum doing what) {
  x->doing = what;
  write_progress(x, xp_now_ns());
}

/* Asked now and then by all that takes time; tells how far it is. True: it is to end. */
static bool is_asked_to_end(void *arg) {
  struct explorer *x = arg;
  uint64_t now_ns = xp_now_ns();
  if (now_ns - x->told_ns >= TELL_EVERY_NS) write_progress(x, now_ns);
  if (x->doing == DOING_SEARCH && now_ns - x->kept_ns >= KEEP_EVERY_NS) write_so_far(x, NULL);
  return x->asked_to_end != 0;
}

static bool tick(uint64_t elapsed_ns, void *arg) {
  (void)elapsed_ns;
  return is_asked_to_end(arg);
}

/* ---- the world ------------------------------------------------------------------------------- */

/* Points where races are. A litmus program is small enough to have them everywhere. */
static void learn_points(struct explorer *x) {
  begin_doing(x, DOING_LEARNING);
  x->config.point_sites = NULL;
  free(x->sites);
  x->sites = x->scenario->has_litmus
                 ? NULL
                 : xp_points_learn(&x->config, x->sample, XP_LEARN_STEPS, is_asked_to_end, x);
  x->config.point_sites = x->sites;
}

static void choose_check(struct explorer *x) {
  xp_happens_free(x->config.happens);
  x->config.happens = xp_variant_check(x->variant, x->config.point_sites);
}

/* Takes the scenario. */
static int prepare_variant(struct explorer *x, struct scenario *variant) {
  begin_doing(x, DOING_SETUP);
  if (x->variant != NULL) plat_model_leave();
  scenario_free(x->variant);
  x->variant = variant;
  if (variant == NULL) return TRI_EXIT_INPUT;
  rt_set_end_handler(on_setup_end);
  return xp_variant_prepare(x->engine, variant);
}

/* The world of the choices in x->choices. */
static int prepare_world(struct explorer *x) {
  return prepare_variant(x, xp_variant_load(x->scenario, x->choices, NULL, 0, false));
}

/* Points of a sample: most of what each of many variants would take longer to learn than to be
 * searched. The same variants in a search and in a replay, so that both have the same points. */
static int learn_sample(struct explorer *x) {
  uint32_t *choices = x->choices, quiet = 0;
  uint64_t sampled = x->variants < SAMPLE_VARIANTS ? x->variants : SAMPLE_VARIANTS;
  int status = TRI_EXIT_OK;
  struct xp_races *races = xp_races_new();
  x->choices = sim_alloc((x->scenario->choose_count + 1) * sizeof *x->choices);
  for (uint64_t i = 0; i < sampled && quiet < SAMPLE_QUIET && x->asked_to_end == 0; i++) {
    uint64_t number = xp_variant_pick(i, sampled, x->variants, x->config.seed);
    xp_variant_choices(x->scenario, number, x->choices);
    status = prepare_world(x);
    if (status != TRI_EXIT_OK) break;
    begin_doing(x, DOING_LEARNING);
    quiet = xp_points_sample(races, &x->config, is_asked_to_end, x) ? 0 : quiet + 1;
  }
  free(x->choices);
  x->choices = choices;
  x->sample = races;
  return status;
}

/* With its points known. */
static int prepare(struct explorer *x) {
  int status = TRI_EXIT_OK;
  if (x->variants > 1 && x->sample == NULL && !x->scenario->has_litmus) status = learn_sample(x);
  if (status == TRI_EXIT_OK) status = prepare_world(x);
  if (status == TRI_EXIT_OK) learn_points(x);
  if (status == TRI_EXIT_OK) choose_check(x);
  return status;
}

static bool has_clashed(void *arg) {
  return workload_has_clashed(((const struct engine *)arg)->workload);
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
  c->classes = xp_variant_classes(sc);
  c->scenario = sc->name;
  for (uint32_t i = 0; i < sc->map_count; i++)
    if (sc->maps[i].allow_races) c->is_misused = has_clashed;
  c->misuse_arg = x->engine;
  c->excuses = sc->expect_violation[0] == '\0';
}

/* ---- what is found --------------------------------------------------------------------------- */

static const char *kind_name(const struct plat_model_outcome *o) {
  static const char *const ends[] = {
      [RT_END_BUG] = "bug",      [RT_END_FATAL] = "fatal", [RT_END_VIOLATION] = "violation",
      [RT_END_NOMEM] = "memory", [RT_END_CAP] = "memory",  [RT_END_DEADLOCK] = "deadlock"};
  if (o->end == PLAT_MODEL_DEADLOCK) return "deadlock";
  if (o->end == PLAT_MODEL_LIVELOCK) return "livelock";
  return o->kind < 0 ? "crash" : ends[o->kind];
}

/* The scenario that a token and a file of what is prepared are of: with its data choices, or a
 * smaller one. */
static const struct scenario *told_scenario(const struct explorer *x) {
  return x->shrunk.scenario != NULL ? x->variant : x->scenario;
}

static void name_things(struct explorer *x, struct xp_names *names,
                        struct xp_engine_names *engine) {
  *names = (struct xp_names){0};
  if (x->scenario->has_litmus)
    xp_names_litmus(names, litmus_programs[x->scenario->litmus.program]);
  else
    xp_names_workload(names, engine, told_scenario(x), &x->engine->workload);
}

static void remedies(struct xp_lines *out, const cJSON *so_far, void *arg) {
  struct explorer *x = arg;
  write_so_far(x, so_far);
  begin_doing(x, DOING_REMEDIES);
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
  f->scenario = told_scenario(x)->resolved_json;
  f->search = &x->config;
  f->names = &names;
  cJSON *v = xp_violation(s, run, f, &trace);
  if (out != NULL && (v == NULL || !xp_trace_perfetto(&trace, out)))
    fprintf(stderr, "cannot write the trace %s\n", x->engine->options.trace_path);
  if (out != NULL) fclose(out);
  if (v != NULL && x->file != NULL) x->differs_at = xp_file_first_difference(x->file, &trace);
  xp_trace_free(&trace);
  return v;
}

/* A smaller scenario has none: its values are in place. */
static void take_choices(const struct explorer *x, struct xp_schedule *s) {
  const struct scenario *told = told_scenario(x);
  s->scenario = scenario_key(told);
  s->build = xp_build_key();
  for (uint32_t i = 0; i < told->choose_count; i++) xp_schedule_add_choice(s, x->choices[i]);
}

/* The violation as it was found, for the case that this is all there will be. */
static void tell_first(struct explorer *x, const struct xp_finding *f, const struct xp_run *run) {
  struct xp_schedule s = {0};
  struct xp_run again = {0};
  cJSON *v = cJSON_CreateObject();
  take_choices(x, &s);
  xp_schedule_take_run(&s, run);
  xp_run_schedule(&s, &x->config, &again);
  cJSON_AddStringToObject(v, "kind", kind_name(&run->outcome));
  cJSON_AddStringToObject(v, "message", run->outcome.message);
  cJSON_AddStringToObject(v, "strategy", f->strategy);
  cJSON_AddNumberToObject(v, "found_at_schedule", (double)f->found_at);
  cJSON_AddNumberToObject(v, "found_after_ns", (double)x->found_ns);
  if (xp_run_fails(&again)) {
    char *token = xp_token_format(&s);
    cJSON_AddStringToObject(v, "token", token);
    free(token);
  }
  write_so_far(x, v);
  cJSON_Delete(v);
  xp_schedule_free(&s);
  xp_run_free(&again);
}

/* ---- a smaller scenario ---------------------------------------------------------------------- */

/* In the world that has been prepared. */
static bool look_for(struct explorer *x, const struct xp_bug *bug, struct xp_run *r) {
  choose_check(x);
  struct xp_config c = x->config;
  c.stop = NULL; /* it does not take long */
  return xp_find_again(&c, bug, r);
}

/* In the smaller world: with its own points, as one who explores it would have them, or else with
 * those of the search. True: r has the bug, and x the sites of those points; sites is taken. */
static bool find_in_smaller(struct explorer *x, const struct xp_bug *bug, uint8_t *sites,
                            struct xp_run *r) {
  struct xp_run again = {.decisions = NULL};
  bool is_found = false;
  x->sites = NULL;
  if (x->asked_to_end == 0) {
    learn_points(x);
    is_found = look_for(x, bug, &again);
  }
  if (!is_found) {
    free(x->sites);
    x->config.point_sites = x->sites = sites;
    is_found = look_for(x, bug, &again);
  } else {
    free(sites);
  }
  xp_run_free(is_found ? r : &again);
  if (is_found) *r = again;
  return is_found;
}

/* To the scenario as it was. */
static bool go_back(struct explorer *x) {
  xp_shrunk_refuse(&x->shrunk);
  if (prepare_world(x) != TRI_EXIT_OK) return false;
  choose_check(x);
  return true;
}

/* Looks for a smaller scenario with the bug of r. If there is one, it is prepared, and r is a run
 * of it. False: nothing is prepared any more. */
static bool make_smaller(struct explorer *x, struct xp_run *r) {
  const struct scenario *sc = x->scenario;
  struct xp_bug bug = {.outcome = r->outcome, .decisions = r->decision_count,
                       .runs = XP_AGAIN_RUNS, .text = "", .is_same = xp_same_bug};
  if (sc->explore_shrink_ns == 0 || !xp_is_large(x->variant)) return true;
  if (strstr(r->outcome.message, sc->expect_violation) != NULL) bug.text = sc->expect_violation;
  begin_doing(x, DOING_SHRINKING);
  xp_smaller(x->engine, x->variant, &x->config, &bug, sc->explore_shrink_ns, &x->shrunk);
  if (x->shrunk.scenario == NULL) return true;
  int status = prepare_variant(x, xp_variant_read(x->shrunk.scenario, NULL, 0, false));
  return (status == TRI_EXIT_OK && find_in_smaller(x, &bug, x->sites, r)) || go_back(x);
}

/* ---- the violation --------------------------------------------------------------------------- */

/* Those of the scenario that was explored: the smaller one has none. */
static void tell_choices(const struct explorer *x, cJSON *violation) {
  if (x->shrunk.scenario == NULL) return;
  cJSON *list = cJSON_CreateArray();
  for (uint32_t i = 0; i < x->scenario->choose_count; i++)
    cJSON_AddItemToArray(list, cJSON_CreateNumber(x->choices[i]));
  cJSON_ReplaceItemInObjectCaseSensitive(violation, "choices", list);
}

static void tell_failure(struct explorer *x, struct xp_report *r) {
  struct xp_schedule schedule = {0};
  struct xp_minimise_config minimise;
  struct xp_run *run = &r->failure.schedule;
  struct xp_finding f = {.strategy = r->share[r->failure.share].strategy->name,
                         .found_at = r->failure.run + 1,
                         .directory = ".",
                         .minimise = &minimise,
                         .shrunk = &x->shrunk,
                         .remedies = remedies,
                         .remedies_arg = x};
  x->found_ns = xp_now_ns() - x->begin_ns;
  xp_minimise_config_default(&minimise, &x->config);
  tell_first(x, &f, run);
  bool is_prepared = make_smaller(x, run);
  begin_doing(x, DOING_MINIMISING);
  take_choices(x, &schedule);
  if (is_prepared) x->violation = tell(x, &schedule, run, &f);
  if (x->violation == NULL) {
    fputs("the failure did not come again: the world is not deterministic\n", stderr);
    x->violation = cJSON_CreateObject();
    cJSON_AddStringToObject(x->violation, "kind", "nondeterminism");
    cJSON_AddStringToObject(x->violation, "message", run->outcome.message);
  }
  cJSON_AddNumberToObject(x->violation, "found_after_ns", (double)x->found_ns);
  tell_choices(x, x->violation);
  xp_schedule_free(&schedule);
}

/* ---- the search ------------------------------------------------------------------------------ */

/* Of what is left, the share of each variant that is left. Learning before the first search takes
 * no more than half of the time. */
static void share_budget(struct explorer *x, uint64_t left) {
  uint64_t spent = xp_now_ns() - x->begin_ns, time_ns = x->scenario->explore_time_ns;
  if (x->variants_done == 0 && spent > time_ns / 2) x->learning_ns = spent - time_ns / 2;
  spent -= x->learning_ns;
  x->config.schedules = x->scenario->explore_schedules;
  x->config.time_ns = time_ns;
  if (x->config.schedules != UINT64_MAX)
    x->config.schedules = (x->config.schedules + x->tried - 1) / x->tried;
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

/* The report of one variant becomes part of that of all. */
static void take_report(struct explorer *x) {
  if (x->has_report) {
    x->current.elapsed_ns += x->report.elapsed_ns; /* one after the other, not side by side */
    xp_report_merge(&x->report, &x->current);
    xp_report_free(&x->current);
  } else {
    x->report = x->current;
    x->has_report = true;
  }
  x->current = (struct xp_report){0};
}

/* One variant. False: the search as a whole is over. Each draws other schedules: what one misses
 * by bad luck is not missed by all. */
static bool search_variant(struct explorer *x, uint64_t left, int *status) {
  *status = prepare(x);
  if (*status != TRI_EXIT_OK) return false;
  share_budget(x, left);
  begin_doing(x, DOING_SEARCH);
  struct xp_config c = x->config;
  if (x->variants > 1) c.seed = rng_split(c.seed, x->number);
  if (!xp_jobs_search(&c, x->scenario->explore_jobs, tick, x, &x->current)) {
    *status = TRI_EXIT_ENGINE;
    return false;
  }
  take_report(x);
  x->variants_done++;
  /* Of many variants the first one's estimate is told; a systematic search needs none. */
  if (xp_strategy_find(x->config.strategy)->index != NULL) x->config.walks = 0;
  if (x->report.failure.is_found)
    tell_failure(x, &x->report);
  else if (x->report.divergence.is_found)
    tell_divergence(x, &x->report.divergence);
  else if (xp_now_ns() - x->kept_ns >= KEEP_EVERY_NS)
    write_so_far(x, NULL);
  return x->violation == NULL && x->asked_to_end == 0 && x->config.time_ns > 1;
}

/* By what is asked for, not by what the machine can do, so that they are the same everywhere. */
static uint64_t variants_tried(const struct explorer *x) {
  uint64_t by_runs = x->scenario->explore_schedules / VARIANT_RUNS;
  uint64_t by_time = x->scenario->explore_time_ns / VARIANT_NS;
  uint64_t tried = by_runs < by_time ? by_runs : by_time;
  if (tried < VARIANTS_MIN) tried = VARIANTS_MIN;
  if (tried > VARIANTS_MAX) tried = VARIANTS_MAX;
  return tried < x->different && x->different > VARIANTS_ALL ? tried : x->different;
}

static void find_different(struct explorer *x) {
  x->different = xp_alike_find(x->scenario, &x->alike) ? x->alike.count : x->variants;
}

/* Number i of those that are tried. */
static void choose_variant(struct explorer *x, uint64_t i) {
  uint64_t seed = x->config.seed;
  x->number = x->alike.list == NULL ? xp_variant_pick(i, x->tried, x->different, seed)
                                    : xp_alike_pick(&x->alike, i, x->tried, seed);
  xp_variant_choices(x->scenario, x->number, x->choices);
}

static int search(struct explorer *x) {
  int status = TRI_EXIT_OK;
  find_different(x);
  x->tried = variants_tried(x);
  for (uint64_t i = 0; i < x->tried; i++) {
    choose_variant(x, i);
    if (!search_variant(x, x->tried - i, &status)) break;
  }
  if (!x->has_report) return status;
  write_result_as("result", document(x, &x->report, x->violation));
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

/* What a schedule expected and what is there now. */
static int refuse_misfit(const struct explorer *x, const struct xp_schedule *s,
                         const struct xp_replayed *r) {
  const char *what = x->file != NULL ? "schedule" : "token";
  fprintf(stderr, "the %s does not fit: %s\n", what,
          r->error[0] != '\0' ? r->error : "every directive was met, but the bug was not");
  if (r->note[0] != '\0') fprintf(stderr, "%s\n", r->note);
  if (s->build != xp_build_key())
    fprintf(stderr, "it is of another build: expected %08x, found %08x\n", s->build,
            xp_build_key());
  if (x->file != NULL && x->file->sites_lost > 0)
    fprintf(stderr, "%u of its points are not in this build, such as \"%s\"\n",
            x->file->sites_lost, x->file->lost_site);
  if (!x->engine->options.drift) fputs("--drift looks for where it has moved to\n", stderr);
  return TRI_EXIT_INPUT;
}

static void describe_replay(struct explorer *x, bool is_of_this_build, uint32_t directives,
                            const struct xp_run *run, const struct xp_replayed *r) {
  const struct xp_file *f = x->file;
  bool differs = is_of_this_build && x->differs_at != UINT32_MAX;
  x->replay = cJSON_CreateObject();
  cJSON_AddBoolToObject(x->replay, "is_of_this_build", is_of_this_build);
  cJSON_AddNumberToObject(x->replay, "directives", directives);
  cJSON_AddNumberToObject(x->replay, "moved", r->moved);
  cJSON_AddStringToObject(x->replay, "note", r->note);
  if (f == NULL) {
    cJSON_AddNullToObject(x->replay, "is_as_recorded");
    return;
  }
  bool is_same = xp_run_fails(run) && xp_same_bug(&f->outcome, &run->outcome);
  cJSON_AddBoolToObject(x->replay, "is_as_recorded", is_same);
  cJSON_AddStringToObject(x->replay, "recorded", f->outcome.message);
  cJSON_AddItemToObject(x->replay, "differs_at_point",
                        differs ? cJSON_CreateNumber(x->differs_at) : cJSON_CreateNull());
}

static int replay_schedule(struct explorer *x, struct xp_schedule *s) {
  struct xp_replayed replayed = {0};
  struct xp_run run = {0};
  struct xp_finding f = {.strategy = "replay", .found_at = 1};
  const struct plat_model_outcome *bug = x->file != NULL ? &x->file->outcome : NULL;
  bool is_of_this_build = s->build == xp_build_key();
  xp_replay(s, x->engine->options.drift, bug, &x->config, &run, &replayed);
  if (!replayed.fits) return refuse_misfit(x, s, &replayed);
  bool fails = xp_run_fails(&run);
  x->report.config = x->config;
  x->report.runs = x->report.complete = 1;
  x->report.failed = fails;
  x->report.points = run.outcome.points;
  x->report.steps = run.outcome.steps;
  x->report.elapsed_ns = xp_now_ns() - x->begin_ns;
  x->differs_at = UINT32_MAX;
  s->build = xp_build_key();
  if (fails) x->violation = tell(x, s, &run, &f);
  describe_replay(x, is_of_this_build, s->count, &run, &replayed);
  x->variants_done = 1;
  write_result_as("result", document(x, &x->report, x->violation));
  xp_run_free(&run);
  return fails ? TRI_EXIT_FAILED : TRI_EXIT_OK;
}

/* Where its points were is in a file; for a token it is learned again. */
static int replay(struct explorer *x, struct xp_schedule *s) {
  uint32_t scenario = scenario_key(x->scenario);
  if (x->file == NULL && s->scenario != scenario) {
    fprintf(stderr, "the token expects scenario %08x, found %08x\n", s->scenario, scenario);
    return TRI_EXIT_INPUT;
  }
  if (!choices_fit(x, s)) return refuse_token("the token's data choices do not fit the scenario");
  s->scenario = scenario;
  memcpy(x->choices, s->choices, s->choice_count * sizeof *s->choices);
  int status = x->file != NULL ? prepare_world(x) : prepare(x);
  if (status != TRI_EXIT_OK) return status;
  if (x->file != NULL) x->config.point_sites = x->file->point_sites;
  choose_check(x);
  begin_doing(x, DOING_REPLAY);
  return replay_schedule(x, s);
}

/* A token, or the file it is from. */
static int replay_asked(struct explorer *x) {
  const struct engine_options *o = &x->engine->options;
  struct xp_file *f = sim_alloc(sizeof *f);
  char error[XP_ERROR_TEXT];
  bool is_read = o->schedule != NULL ? xp_file_read(o->schedule, f, error)
                                     : xp_token_parse(o->replay, &f->schedule, error);
  if (!is_read) return refuse_token(error);
  if (o->schedule != NULL) x->file = f;
  int status = replay(x, &f->schedule);
  xp_file_free(f);
  free(f);
  return status;
}

int engine_explore(struct engine *e) {
  explorer = sim_alloc(sizeof *explorer);
  struct explorer *x = explorer;
  x->engine = e;
  x->scenario = e->scenario;
  x->variants = x->different = xp_variant_count(x->scenario);
  x->choices = sim_alloc((x->scenario->choose_count + 1) * sizeof *x->choices);
  x->begin_ns = xp_now_ns();
  configure(x);
  x->config.stop = is_asked_to_end;
  x->config.stop_arg = x;
  x->pid = getpid();
  handle_signals();
  watch(x);
  return e->options.replay != NULL ? replay_asked(x) : search(x);
}
